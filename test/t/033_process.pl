
# Copyright (c) 2026, pgmigrate developers

# A worker and its launcher: messages, whatever becomes of the client.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('process');

# Peak of a process's resident memory, in kB; 0 where the system has no /proc.
sub peak
{
	my ($pid) = @_;
	my ($status) = eval { slurp_file("/proc/$pid/status") } // '';

	return $status =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}

# 40 MB of messages: the session that relays them keeps none.
revision($node, 'chatty', <<'SQL');
DO $$ BEGIN
	FOR i IN 1 .. 20000 LOOP RAISE NOTICE '%', repeat('x', 2000); END LOOP;
END $$
SQL
my $caller = session($node);
my $before = peak($caller->pid);
SKIP:
{
	skip 'there is no /proc', 1 if $before == 0;
	$caller->query('SELECT pgmigrate.upgrade()');
	cmp_ok(peak($caller->pid) - $before,
		'<', 20_000, 'the caller does not grow with what its worker reports');
}
$caller->quit;

# A client that does not read loses messages, and keeps nobody's lock.
query($node, 'CREATE TABLE hot (i int)');
revision($node, 'loud', <<'SQL');
ALTER TABLE hot ADD COLUMN j int;
DO $$ BEGIN
	FOR i IN 1 .. 40000 LOOP RAISE NOTICE '%', repeat('y', 100); END LOOP;
END $$
SQL
my $stalled = session($node);
my $psql = $stalled->psql_pid;
$stalled->query("SELECT 1");
kill 'STOP', $psql;
my $other = session($node);
$other->query('SELECT 1');
$stalled->send('SELECT count(*) FROM pgmigrate.upgrade()');
kill 'CONT', $psql;
poll($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' OR EXISTS (SELECT FROM pgmigrate.head WHERE revision = 'loud')"
);
kill 'STOP', $psql;
poll($node, "SELECT EXISTS (SELECT FROM pgmigrate.head WHERE revision = 'loud')");
is(query($node, "SET lock_timeout = '1s'; SELECT count(j) FROM hot"),
	'0', 'a client that does not read keeps no lock');
kill 'CONT', $psql;
is($stalled->result, '1', 'it is told of the end when it reads again');
my $told = () = $stalled->err =~ /NOTICE:  00000: y/g;
my ($dropped) = $stalled->err =~ /(\d+) messages of the worker were dropped/;
is($told + ($dropped // 0), 40000, 'and of how many messages it has lost');
$_->quit foreach $stalled, $other;

# Nor does it keep its run from being cancelled, or others from theirs.
revision($node, 'endless', <<'SQL');
ALTER TABLE hot ADD COLUMN k int;
DO $$ BEGIN LOOP RAISE NOTICE '%', repeat('z', 1000); END LOOP; END $$
SQL
$stalled = session($node);
$psql = $stalled->psql_pid;
my $deaf = $stalled->pid;
$stalled->send('SELECT count(*) FROM pgmigrate.upgrade()');
my $endless = worker_pid($node);
kill 'STOP', $psql;
poll($node, "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = $deaf");
is( query($node, 'SELECT pgmigrate.cancel(run) FROM pgmigrate.status()'),
	't', 'the run of a client that does not read can be cancelled');
poll($node, 'SELECT state = \'cancelled\' FROM pgmigrate.run ORDER BY id DESC LIMIT 1');
is_gone($endless);
query($node, "SELECT pgmigrate.remove('endless')");
revision($node, 'after', 'ALTER TABLE hot ADD COLUMN l int');
query($node, "SET pgmigrate.run_wait = 0; SET pgmigrate.lock_deadline = '5s'; SELECT pgmigrate.upgrade()");
is( query($node, "SELECT wait_event FROM pg_stat_activity WHERE pid = $deaf"),
	'ClientWrite', 'it keeps no worker process, before it has read anything');
head_is($node, 'after', 'another caller has its run');
kill 'CONT', $psql;
$stalled->fails_with('57014', 'the client is told when it reads again');
$stalled->quit;

# Nor does one that fails; what is too long to be left for the client is cut.
for my $size (10, 5000)
{
	revision($node, "fails$size", <<"SQL");
DO \$\$ BEGIN
	FOR i IN 1 .. 40000 LOOP RAISE NOTICE '%', repeat('z', 100); END LOOP;
	RAISE EXCEPTION USING ERRCODE = 'PM999', MESSAGE = repeat('e', $size), DETAIL = repeat('d', $size), HINT = repeat('\xe2\x82\xac', $size), SCHEMA = 's';
END \$\$
SQL
	$stalled = session($node);
	$psql = $stalled->psql_pid;
	$deaf = $stalled->pid;
	$stalled->send('SELECT count(*) FROM pgmigrate.upgrade()');
	my $failing = worker_pid($node);
	kill 'STOP', $psql;
	poll($node, 'SELECT state = \'failed\' FROM pgmigrate.run ORDER BY id DESC LIMIT 1');
	is_gone($failing);
	is( query($node, "SELECT wait_event FROM pg_stat_activity WHERE pid = $deaf"),
		'ClientWrite', "a run that fails ends while its client reads nothing, $size");
	kill 'CONT', $psql;
	$stalled->fails_with('PM999', "its client is told why when it reads again, $size");
	my $cut = $size < 700 ? $size : 700;
	my $third = $size < 233 ? $size : 233;	# characters of three bytes, all of them whole
	my $said = $stalled->err =~
	  /^ERROR:  PM999: e{$cut}\nDETAIL:  d{$cut}\nHINT:  (?:\xe2\x82\xac){$third}\n(?:.*\n)*?SCHEMA NAME:  s\n/m;
	ok($said, "in as many words as there is room for, $size");
	my ($lost) = $stalled->err =~ /(\d+) messages of the worker were dropped/;
	$told = () = $stalled->err =~ /NOTICE:  00000: z/g;
	is($told + ($lost // 0), 40000, "and how many messages it has lost, $size");
	$stalled->quit;
	query($node, "SELECT pgmigrate.remove('fails$size')");
}

# Whose clean-up fails too, for a lock that others have, is told of the cause.
query($node, <<'SQL');
CREATE TABLE ratio AS SELECT i AS id, i - 1000 AS v FROM generate_series(1, 1000) i;
ALTER TABLE ratio ADD PRIMARY KEY (id);
SQL
revision($node, 'ratio', 'ALTER TABLE ratio ALTER v TYPE bigint USING 1 / v');
my $reader = session($node);
$reader->query('BEGIN; SELECT count(*) FROM ratio');
$caller = session($node);
$caller->query("LOAD 'pgmigrate'");
$caller->query("SET pgmigrate.online_threshold = 0; SET pgmigrate.online_method = 'table'; SET pgmigrate.lock_deadline = '1s'");
$caller->send('SELECT pgmigrate.upgrade()');
$caller->fails_with('22012', 'an online change that fails, and whose clean-up does');
like(slurp_file($node->logfile), qr/LOG:  .*ratio/, 'the log says what the clean-up failed for');
$reader->query('ROLLBACK');
$_->quit foreach $reader, $caller;
query($node, 'SELECT pgmigrate.revert(max(id)) FROM pgmigrate.operation');
query($node, "SELECT pgmigrate.remove('ratio')");

# A worker that does not obey: who was cancelled is told that it goes on.
revision($node, 'stopped', 'SELECT pg_sleep(1000)');
$caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
my $worker = worker_waits($node, 'PgSleep');
kill 'STOP', $worker;
$caller->interrupt;
$caller->result;
like(
	$caller->err,
	qr/WARNING:  01000: the worker, process $worker, has not ended yet\n(?:.*\n)*?HINT: .*pgmigrate\.status\(\d+\)\.\n(?:.*\n)*?ERROR:  57014/,
	'a caller who gives up is told that the run goes on');
is(query($node, 'SELECT state FROM pgmigrate.status()'),
	'running', 'which status() says too');
kill 'CONT', $worker;
is_gone($worker);
isnt(query($node, 'SELECT state FROM pgmigrate.status()'),
	'running', 'until it ends');
$caller->quit;

ledger_ok($node, 'process');
log_is_clean($node);
done_testing();
