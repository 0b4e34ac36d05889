
# Copyright (c) 2026, pgmigrate developers

# The run lock: it needs a right, it is not lost, and who comes second waits.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('run_lock');
my $at_once = 'SET pgmigrate.run_wait = 0;';
my $n = 0;

# A revision that waits for session $block to unlock.
my $block = session($node);

sub blocked_run
{
	my ($sql) = @_;

	$n++;
	revision($node, "b$n", $sql);
	$block->query('SELECT pg_advisory_lock(1)');
	my $run = query($node, 'SELECT pgmigrate.upgrade_start()');
	worker_waits($node, 'advisory');
	return $run;
}

# Who has no right on pgmigrate cannot keep a run from beginning.
query($node, 'CREATE ROLE mallory LOGIN; CREATE TABLE mark (id text)');
my $mallory = session($node, user => 'mallory');
$mallory->query('BEGIN');
$mallory->query(
	"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
$mallory->query('ALTER FUNCTION pg_temp.f() DEPENDS ON EXTENSION pgmigrate');
revision($node, 'free', 'CREATE TABLE t (a int, b int)');
query($node, "$at_once SELECT pgmigrate.upgrade()");
head_is($node, 'free', 'a run begins beside a lock on the extension object');
$mallory->query('ROLLBACK');
$mallory->quit;

# Who may drop the extension may be about to: DROP EXTENSION has this lock
# before it has those of our tables.
revision($node, 'spared', 'SELECT 1');
$block->query('BEGIN');
$block->query(
	"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
$block->query('ALTER FUNCTION pg_temp.f() DEPENDS ON EXTENSION pgmigrate');
like(
	notices($node, "$at_once SELECT pgmigrate.upgrade()"),
	qr/ERROR:  PM003: .*\n(?:.*\n)*?DETAIL:  The extension is being dropped or altered\./,
	'no run begins beside a DROP EXTENSION that has begun');
$block->query('ROLLBACK');
query($node, "$at_once SELECT pgmigrate.upgrade()");
head_is($node, 'spared', 'it begins afterwards');

# It is not lost by what releases locks in a revision.
my $run = blocked_run(
	'SELECT pg_advisory_unlock_all(); SELECT pg_advisory_xact_lock(1); SELECT pg_advisory_unlock_all(); SELECT pg_advisory_xact_lock(2)');
$block->query('SELECT pg_advisory_lock(2)');
fails($node, "$at_once SELECT pgmigrate.upgrade()",
	'PM003', 'pg_advisory_unlock_all() in a revision does not let others in');

# Nor to DROP EXTENSION, which waits for its turn in plain sight.
my $drop = session($node);
$drop->send('DROP EXTENSION pgmigrate');
poll($node,
	"SELECT pg_blocking_pids(@{[$drop->pid]}) = ARRAY(SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker')"
);
$block->query('SELECT pg_advisory_unlock(1)');
poll($node,
	"SELECT count(*) = 1 FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE backend_type = 'pgmigrate worker' AND locktype = 'advisory' AND objid = 2 AND NOT granted"
);
fails($node, "$at_once SELECT pgmigrate.upgrade()",
	'PM003', 'nor are others let in by a DROP EXTENSION that waits');
query($node, "SELECT pg_cancel_backend(@{[$drop->pid]})");
$drop->fails_with('57014', 'it can be cancelled');
$drop->quit;
$block->query('SELECT pg_advisory_unlock(2)');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'it ends');

# Another extension is not concerned, and who may not drop it does not queue for
# the run lock.
$run = blocked_run('SELECT pg_advisory_xact_lock(1)');
query($node,
	"SET lock_timeout = '1ms'; CREATE EXTENSION tcn; DROP EXTENSION tcn; CREATE ROLE r; DROP OWNED BY r; DROP ROLE r"
);
for my $role (qw(mallory postgres))
{
	$drop = session($node, user => $role);
	$drop->send('DROP EXTENSION pgmigrate');
	my $waits = "FROM pg_locks WHERE pid = @{[$drop->pid]} AND NOT granted";
	poll($node, "SELECT count(*) = 1 $waits");
	is( query($node, "SELECT locktype $waits"),
		$role eq 'mallory' ? 'object' : 'userlock',
		"what $role waits for");
	query($node, "SELECT pg_cancel_backend(@{[$drop->pid]})");
	$drop->fails_with('57014', 'until it is cancelled');
	$drop->quit;
}
fails($node,
	"SET lock_timeout = '1ms'; DROP EXTENSION IF EXISTS other, pgmigrate",
	'55P03', 'who may waits as long as lock_timeout says');
fails($node, "SET lock_timeout = '1ms'; DROP OWNED BY CURRENT_USER",
	'55P03', 'and so does who drops all that its owner has');
$block->query('SELECT pg_advisory_unlock(1)');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'it ends');

# Who comes second waits, is told for whom, and finds nothing to do.
$run = blocked_run('SELECT pg_advisory_xact_lock(1)');
my @pods = map { session($node) } 1 .. 3;
$_->send('SELECT count(*) FROM pgmigrate.upgrade()') foreach @pods;
poll($node,
	"SELECT count(*) = 3 FROM pg_stat_activity WHERE query LIKE '%count(*) FROM pgmigrate.upgrade()%' AND pid <> pg_backend_pid() AND wait_event IN ('Extension', 'PgmigrateWait')"
);
fails($node, "SET pgmigrate.run_wait = '100ms'; SELECT pgmigrate.upgrade()",
	'PM003', 'the time to wait has an end');
is( query($node,
		"SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.query LIKE '%count(*) FROM pgmigrate.upgrade()%' AND a.pid <> pg_backend_pid() AND l.locktype = 'relation'"
	),
	'0',
	'who waits has no lock on a relation');
is( query($node,
		"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%count(*) FROM pgmigrate.upgrade()%' AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
	),
	'0',
	'and no snapshot');
$block->query('SELECT pg_advisory_unlock(1)');
is($_->result, '0', 'who waited has nothing to do') foreach @pods;
like($pods[0]->err,
	qr/NOTICE: .*waiting for another run to end\n(?:.*\n)*?DETAIL: .* works on run $run\./,
	'and was told of the run');
$_->quit foreach @pods;

# Inside of a transaction too.
$run = blocked_run('SELECT pg_advisory_xact_lock(1)');
my $inside = session($node);
$inside->query('BEGIN');
$inside->send('SELECT count(*) FROM pgmigrate.upgrade()');
poll($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%count(*) FROM pgmigrate.upgrade()%' AND pid <> pg_backend_pid() AND wait_event IN ('Extension', 'PgmigrateWait')"
);
$block->query('SELECT pg_advisory_unlock(1)');
is($inside->result, '0', 'a transaction waits too');
$inside->query('COMMIT');
$inside->quit;

# CREATE INDEX CONCURRENTLY waits for the snapshot of who waits for the run:
# the waiter gives up, not the run.
for my $other ('DROP EXTENSION pgmigrate', 'SELECT pgmigrate.wait_for_run()')
{
	my $writer = session($node);
	my $upgrade = session($node);
	my $waiter = session($node);

	$n++;
	revision($node, "c$n", "CREATE INDEX CONCURRENTLY t_$n ON t (a)");
	revision($node, "d$n", 'SELECT 1');
	$writer->query('BEGIN');
	$writer->query('INSERT INTO t VALUES (0, 0)');
	$upgrade->send('SELECT count(*) FROM pgmigrate.upgrade()');
	worker_waits($node, 'virtualxid');

	# or it may be the one that the server chooses
	$waiter->query("SET deadlock_timeout = '1h'");
	$waiter->send($other);
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '\%$other\%' AND pid <> pg_backend_pid() AND wait_event IS NOT NULL AND state = 'active'"
	);
	$writer->query('COMMIT');
	is($upgrade->result, '2', "the run goes on beside $other")
	  or diag $upgrade->err;
	$waiter->fails_with($other =~ /DROP/ ? '57014' : 'PM003',
		"$other gives up");
	like(
		$waiter->err,
		qr/HINT:  If nobody has canceled it, a run of pgmigrate has, /,
		'and says of what') if $other =~ /DROP/;
	$_->quit foreach $writer, $upgrade, $waiter;
	ledger_ok($node, $other);
}

# Who waited for the run may drop the extension before its caller has read what
# became of it.  The run is done all the same, and he is told so.
revision($node, 'last', 'SELECT pg_advisory_xact_lock(1); CREATE TABLE made_last ()');
$block = session($node);
$block->query('SELECT pg_advisory_lock(1)');
my $caller = session($node);
$caller->send('SELECT count(*) FROM pgmigrate.upgrade()');
worker_waits($node);
$drop = session($node);
$drop->send('DROP EXTENSION pgmigrate');
poll($node, "SELECT count(*) = 1 FROM pg_locks WHERE pid = @{[$drop->pid]} AND NOT granted");
kill 'STOP', $caller->pid;
$block->query('SELECT pg_advisory_unlock(1)');
poll($node, 'SELECT count(*) = 0 FROM pg_extension WHERE extname = \'pgmigrate\'');

# a table of that name is not ours because of its name
query($node, 'CREATE SCHEMA pgmigrate CREATE VIEW run_step AS SELECT 1 / 0 AS run');
kill 'CONT', $caller->pid;
is($caller->result, '0', 'the caller of a run finds no extension any more');
like($caller->err, qr/ run \d+ is done, and the extension was dropped since/,
	'and is told what became of the run');
is(query($node, "SELECT to_regclass('made_last')"), 'made_last', 'that is so');
$_->quit foreach $block, $caller, $drop;

log_is_clean($node);
done_testing();
