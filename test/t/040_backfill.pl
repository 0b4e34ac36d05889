
# Copyright (c) 2026, pgmigrate developers

# A backfill beside an application that writes, killed at any point, paused,
# tuned and cancelled: no row is lost, none is passed over.

use strict;
use warnings;

use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('backfill', 'autovacuum_naptime = 1s', 'fsync = off');
my $rows = 60_000;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $call = q{'account', 'note = ''none''', 'note IS NULL'};

# What the application has committed is in its log, in the same transaction.
query($node, <<SQL);
CREATE TABLE account (id int PRIMARY KEY, n int, note text, pad text) WITH (fillfactor = 90);
CREATE TABLE log (id int, step int);
INSERT INTO account SELECT g, 0, NULL, repeat('x', 100) FROM generate_series(1, $rows) g;
ALTER TABLE account ALTER note SET DEFAULT 'new';
CREATE SEQUENCE fresh START $rows;
VACUUM ANALYZE account;
SQL
append_to_file("$dir/load.sql", <<"SQL");
\\set id random(1, $rows)
\\set gone random(1, $rows)
BEGIN;
UPDATE account SET n = n + 1 WHERE id = :id;
INSERT INTO log SELECT :id, 1 WHERE EXISTS (SELECT FROM account WHERE id = :id);
COMMIT;
BEGIN;
INSERT INTO account (id, n, pad) VALUES (nextval('fresh') + 1, 0, 'y');
INSERT INTO log VALUES (currval('fresh') + 1, 2);
COMMIT;
BEGIN;
WITH d AS (DELETE FROM account WHERE id = :gone AND id % 50 = 0 RETURNING id)
INSERT INTO log SELECT id, 3 FROM d;
COMMIT;
BEGIN;
UPDATE account SET n = n + 1000 WHERE id = :id;
ROLLBACK;
SQL

my $load;

sub start_load
{
	local %ENV = $node->_get_env();
	my $null = '';
	$load = IPC::Run::start(
		[
			$node->installed_command('pgbench'), '-n', '-c', '4', '-R', '300',
			'-T', '600', '-f', "$dir/load.sql", 'postgres'
		],
		'<', \$null, '>', '/dev/null', '2>', '/dev/null');
	return;
}

sub stop_load
{
	$load->kill_kill;
	return;
}

# A test: every row is what its log says, and each was met by the backfill.
sub all_is_well
{
	my ($name) = @_;

	is( query(
			$node, <<SQL), '', "$name: rows and their log agree");
WITH written AS (
	SELECT id, count(*) FILTER (WHERE step = 1) AS n, bool_or(step = 2) AS made,
		bool_or(step = 3) AS gone FROM log GROUP BY id
), expected AS (
	SELECT g AS id, coalesce(w.n, 0) AS n FROM generate_series(1, $rows) g
	LEFT JOIN written w ON w.id = g WHERE w.gone IS NOT TRUE
	UNION ALL
	SELECT id, n FROM written WHERE made
)
SELECT coalesce(e.id, a.id), e.n, a.n FROM expected e FULL JOIN account a USING (id)
WHERE a.n IS DISTINCT FROM e.n LIMIT 5
SQL
	is(query($node, q{SELECT count(*) FROM account WHERE note IS NULL}),
		'0', "$name: no row was passed over");
	return;
}

sub blocks_done
{
	return query($node,
		'SELECT sum(next_block - first_block) FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation)'
	);
}

# Until the run has done something since.
sub progresses
{
	my ($from) = @_;

	wait_until('the backfill goes on', sub { return blocks_done() > $from; });
	return;
}

# Killed at points as they come; each run goes on from where the last one was.
start_load();
my $before = 0;
my $resumed = 0;
for my $round (1 .. 5)
{
	my $run = query($node,
		"SELECT pgmigrate.backfill_start($call, workers => 2, chunk_time => '2 ms', pause => '5 ms')"
	);

	progresses($before);
	usleep(int(rand(300_000)));
	my $pid = query($node,
		$round % 2 == 1
		? "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
		: "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate helper' LIMIT 1"
	);
	last if $pid eq '';
	kill_and_recover($node, $pid);
	stop_load();
	start_load();
	is( query($node, "SELECT state FROM pgmigrate.status($run)"),
		'interrupted', "round $round: the run is found interrupted");
	my $now = blocks_done();
	cmp_ok($now, '>=', $before, "round $round: what was done stays done");
	$before = $now;
	$resumed++;
}
cmp_ok($resumed, '>', 2, 'it was killed a few times');
is(query($node, 'SELECT count(*) FROM pgmigrate.operation'),
	'1', 'one operation goes through all the runs');
is( query(
		$node,
		"SELECT state FROM pgmigrate.wait(pgmigrate.resume((SELECT max(id) FROM pgmigrate.run)))"
	),
	'done',
	'and is carried to its end by number');
stop_load();
poll($node,
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'"
);
cmp_ok(query($node, 'SELECT count(*) FROM log'),
	'>', 1000, 'the application was at work');
all_is_well('killed');
is(query($node, 'SELECT state FROM pgmigrate.operation'),
	'finalized', 'the operation is over');

# Paused, tuned, resumed and cancelled.
query($node, 'UPDATE account SET note = NULL; VACUUM ANALYZE account');
my $run = query($node,
	"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '100 ms')"
);
progresses(0);
fails(
	$node,
	"SELECT pgmigrate.backfill('account', 'note = ''two''', 'note IS NULL')",
	'PM003', 'a second one is refused');
is(query($node, "SELECT pgmigrate.pause($run)"), 't', 'pause');
poll($node,
	"SELECT waiting_for = 'resume' FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1"
);
is(query($node, "SELECT state FROM pgmigrate.status($run)"),
	'paused', 'status() says so');
my $stopped = blocks_done();
is( query(
		$node,
		"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL OR xact_start IS NOT NULL)"
	),
	'0',
	'it holds nothing meanwhile');
is(blocks_done(), $stopped, 'and does nothing');
is(query($node, "SELECT pgmigrate.resume($run)"), $run, 'resume');
progresses($stopped);
fails(
	$node,
	"SELECT pgmigrate.tune($run, 'throttle_query', 'SELECT true')",
	'42704', 'a query cannot be tuned');
fails($node, "SELECT pgmigrate.tune($run, 'pause', 'soon')",
	'22023', 'nor can nonsense');
is(query($node, "SELECT pgmigrate.tune($run, 'pause', '0')"), 't', 'tune');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'done', 'and it is soon done');
all_is_well('tuned');

query($node, 'UPDATE account SET note = NULL; VACUUM ANALYZE account');
$run = query($node,
	"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '100 ms')"
);
progresses(0);
is(query($node, "SELECT pgmigrate.cancel($run)"), 't', 'cancel');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'cancelled', 'the run is cancelled');
is( query(
		$node,
		'SELECT state FROM pgmigrate.operation ORDER BY id DESC LIMIT 1'),
	'cancelled',
	'and so is its operation');

# What it gives way to, and how it fails closed.
for my $case (
	[ 'SELECT true', qr/^pgmigrate.throttle_query$/, 'a query that says so' ],
	[ 'SELECT NULL::bool', qr/returned null/, 'one that says nothing' ],
	[ 'SELECT 1/0 = 1', qr/failed/, 'one that fails' ],
	[ 'SELECT 1', qr/failed/, 'one of another type' ])
{
	my ($sql, $expected, $name) = @$case;

	$run = query($node,
		"SET pgmigrate.throttle_query = '$sql'; SELECT pgmigrate.backfill_start($call)"
	);
	wait_until(
		'it waits',
		sub {
			return query($node,
				"SELECT waiting_for FROM pgmigrate.operation WHERE run = $run")
			  =~ $expected;
		});
	pass("$name makes it wait");
	query($node, "SELECT pgmigrate.cancel($run)");
	query($node, "SELECT pgmigrate.wait($run)");
}

# The table gets another file, another name, another column, or goes.
sub in_the_middle
{
	my ($sql, $state, $name) = @_;

	query($node,
		'TRUNCATE account; INSERT INTO account SELECT g, 0, NULL FROM generate_series(1, 20000) g; VACUUM ANALYZE account'
	);
	$run = query($node,
		"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '20 ms')"
	);
	progresses(2);
	query($node, $sql);
	query($node, "SELECT pgmigrate.tune($run, 'pause', '0')");
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), $state, $name);
	is(query($node, 'SELECT count(*) FROM account WHERE note IS NULL'),
		'0', "$name: no row is left")
	  if $state eq 'done';
	return;
}
in_the_middle('VACUUM FULL account', 'done', 'VACUUM FULL');
in_the_middle('CLUSTER account USING account_pkey', 'done', 'CLUSTER');
in_the_middle('TRUNCATE account', 'done', 'TRUNCATE');
in_the_middle('ALTER TABLE account ADD COLUMN extra int DEFAULT 1',
	'done', 'ADD COLUMN');
in_the_middle(
	'ALTER TABLE account ALTER n TYPE bigint, ALTER pad SET DEFAULT 1',
	'done', 'ALTER TYPE');
in_the_middle(
	'ALTER TABLE account RENAME TO moved; CREATE TABLE account (id int, note text)',
	'done', 'RENAME');
is(query($node, 'SELECT count(*) FROM moved WHERE note IS NULL'),
	'0', 'the table itself was meant, not its name');
query($node, 'DROP TABLE account; ALTER TABLE moved RENAME TO account');
in_the_middle('ALTER TABLE account RENAME note TO remark',
	'failed', 'a column that is gone');
is(last_run($node, 'sqlstate'), '42703', 'is an error');
query($node,
	"ALTER TABLE account RENAME remark TO note; SELECT pgmigrate.cancel($run)");
in_the_middle('DROP TABLE account', 'failed', 'a table that is gone');
is(last_run($node, 'sqlstate'), '42P01', 'is an error');

ledger_ok($node, 'backfill');
log_is_clean($node);
done_testing();
