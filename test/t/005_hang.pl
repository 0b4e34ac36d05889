
# Copyright (c) 2026, pgmigrate developers

# A run never waits for ever for the session that waits for it.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('hang');
my $n = 0;

query($node, 'CREATE TABLE big (id int); CREATE TABLE mark (id text)');

# A call with CREATE INDEX CONCURRENTLY comes to its end.
sub passes
{
	my ($call, $name) = @_;

	$n++;
	revision($node, "p$n", "CREATE INDEX CONCURRENTLY p$n ON big (id)");
	notices($node, "SET statement_timeout = '20s'; $call");
	head_is($node, "p$n", "CREATE INDEX CONCURRENTLY: $name");
	return;
}

passes('SELECT pgmigrate.upgrade()', 'SELECT f()');
passes('SELECT * FROM pgmigrate.upgrade()', 'SELECT FROM f()');
passes('SELECT * FROM pgmigrate.upgrade() ORDER BY step DESC LIMIT 1',
	'ORDER BY and LIMIT');
passes('SELECT count(*), max(step) FROM pgmigrate.upgrade()', 'aggregates');
passes('SELECT now(), pgmigrate.upgrade()', 'beside other columns');
passes(
	'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM big; COMMIT; SELECT pgmigrate.upgrade(); CLOSE c',
	'with an open cursor');
passes(
	'CREATE TEMP TABLE t AS SELECT 1 AS a; SELECT * FROM t; SELECT pgmigrate.upgrade()',
	'with a temporary table');
passes('LISTEN x; SELECT pgmigrate.upgrade()', 'with LISTEN');
passes('SELECT pgmigrate.wait(pgmigrate.upgrade_start())',
	'wait(upgrade_start())');
passes('SELECT pgmigrate.upgrade_start() AS run \gset
SELECT state FROM pgmigrate.wait(:run);', 'upgrade_start() and wait()');

# While it waits the caller holds back nobody.
my $block = session($node);
$block->query('SELECT pg_advisory_lock(1)');
revision($node, 's1', 'SELECT pg_advisory_lock(1)');
my $caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
worker_waits($node);
my $waiter = session($node);
$waiter->send('SELECT state FROM pgmigrate.wait((SELECT max(run) FROM pgmigrate.run_step))');
my $waiter2 = session($node);
my $run = last_run($node, 'id');
$waiter2->send("SELECT state FROM pgmigrate.wait($run)");
poll($node,
	'SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_xmin IS NULL AND state = \'active\' AND query LIKE \'SELECT pgmigrate.upgrade%\' AND pid = '
	  . $caller->pid);
poll($node,
	'SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_xmin IS NULL AND state = \'active\' AND query LIKE \'%wait(%\' AND pid = '
	  . $waiter2->pid);
pass('neither upgrade() nor wait() holds back VACUUM');
$block->query('SELECT pg_advisory_unlock(1)');
is($caller->result =~ /s1/, 1, 'the caller has its rows');
is($waiter->result, 'done', 'the one that waits is told');
is($waiter2->result, 'done', 'the other one that waits is told');

# A lock that the caller's session holds.
my $start;

for my $call ('SELECT pgmigrate.upgrade()',
	'SELECT state FROM pgmigrate.wait(pgmigrate.upgrade_start())')
{
	$n++;
	revision($node, "p$n", 'SELECT pg_advisory_xact_lock(2)');
	$caller->query('SELECT pg_advisory_lock(2)');
	$start = time();
	$caller->send($call);
	$caller->fails_with('40P01', "a lock of the caller: $call");
	cmp_ok(time() - $start, '<', 4, 'it is told soon');
	like(
		$caller->err,
		qr/DETAIL:  The pgmigrate worker, process \d+, waits for a lock of this session/,
		'and why');
	$caller->query('SELECT pg_advisory_unlock_all()');
	poll($node,
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
	);
	query($node, 'SELECT pgmigrate.upgrade()') if $call !~ /start/;
	head_is($node, "p$n", 'without the lock it goes on to the end');
}

# The same over a third session.
$n++;
revision($node, "p$n", 'LOCK TABLE mark');
my $third = session($node);
$caller->query('SELECT pg_advisory_lock(2)');
$third->query('BEGIN; LOCK TABLE mark');
$third->send('SELECT pg_advisory_xact_lock(2)');
poll($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'advisory'");
$start = time();
$caller->send('SELECT pgmigrate.upgrade()');
$caller->fails_with('40P01', 'a lock of the caller, over a third session');
cmp_ok(time() - $start, '<', 4, 'it is told soon');
$caller->query('SELECT pg_advisory_unlock_all()');
$third->result;
$third->query('ROLLBACK');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "p$n", 'it goes on to the end');

# A transaction that has a snapshot of its own is told that the run waits for it.
$n++;
revision($node, "p$n", <<"SQL");
SELECT pg_advisory_lock(1);
CREATE INDEX CONCURRENTLY p$n ON big (id);
SQL
$block->query('SELECT pg_advisory_lock(1)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
$waiter->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mark');
$waiter->send("SELECT state FROM pgmigrate.wait($run)");
poll($node,
	'SELECT wait_event_type = \'Extension\' FROM pg_stat_activity WHERE state = \'active\' AND pid = '
	  . $waiter->pid);
$block->query('SELECT pg_advisory_unlock(1)');
$waiter->fails_with('40P01', 'wait() with a snapshot that the run waits for');
$waiter->query('ROLLBACK');
poll($node, "SELECT state = 'done' FROM pgmigrate.status($run)");
head_is($node, "p$n", 'the run goes on to the end');

# So does a query that has more to do than to wait.
$n++;
revision($node, "p$n", <<"SQL");
SELECT pg_advisory_lock(1);
CREATE INDEX CONCURRENTLY p$n ON big (id);
SQL
$block->query('SELECT pg_advisory_lock(1)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
$waiter->send("SELECT w.state FROM mark, pgmigrate.wait($run) w");
poll($node,
	'SELECT wait_event IN (\'Extension\', \'PgmigrateWait\') FROM pg_stat_activity WHERE state = \'active\' AND pid = '
	  . $waiter->pid);
$block->query('SELECT pg_advisory_unlock(1)');
$waiter->fails_with('40P01', 'wait() in a join that the run waits for');
like($waiter->err, qr/HINT:  Call it as a statement of its own: /, 'says the cure');
poll($node, "SELECT state = 'done' FROM pgmigrate.status($run)");
head_is($node, "p$n", 'the run goes on to the end');

# The old state of a snapshot is not taken for the state of a run.
$n++;
revision($node, "p$n", 'SELECT pg_advisory_xact_lock(1)');
$block->query('SELECT pg_advisory_lock(1)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
$waiter->query(
	'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mark');
is($waiter->query("SELECT state FROM pgmigrate.status($run)"),
	'running', 'status() in REPEATABLE READ');
$waiter->send("SELECT state FROM pgmigrate.wait($run)");
$block->query('SELECT pg_advisory_unlock(1)');
is($waiter->result, 'done', 'wait() in REPEATABLE READ');
is($waiter->query("SELECT state FROM pgmigrate.status($run)"),
	'done', 'status() in REPEATABLE READ after the end');
$waiter->query('COMMIT');

# CREATE INDEX CONCURRENTLY must not catch one that waits for it with a
# snapshot, however short that is there.
query($node, <<'SQL');
CREATE FUNCTION snapshots(looks int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	seen bigint := 0;
BEGIN
	FOR i IN 1..looks LOOP
		PERFORM pg_stat_clear_snapshot(), pg_sleep(0.002);
		seen := seen + count(*) FROM pg_stat_activity
			WHERE backend_xmin IS NOT NULL AND state = 'active' AND query LIKE '%pgmigrate.wait(%'
			AND pid <> pg_backend_pid();
	END LOOP;
	RETURN seen;
END $$;
SQL
$n++;
revision($node, "p$n", 'SELECT pg_advisory_xact_lock(1)');
$block->query('SELECT pg_advisory_lock(1)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
my @waiters = map { session($node) } 1 .. 8;
$_->send("SELECT state FROM pgmigrate.wait($run)") foreach @waiters;
poll($node,
	"SELECT count(*) = 8 FROM pg_stat_activity WHERE state = 'active' AND backend_xmin IS NULL AND query LIKE '%pgmigrate.wait($run)%'"
);
is(query($node, 'SELECT snapshots(400)'),
	'0', 'wait() takes no snapshot while the worker runs');
$block->query('SELECT pg_advisory_unlock(1)');
is(join(' ', map { $_->result } @waiters),
	join(' ', ('done') x 8), 'and all of them are told');

# A prepared transaction has no process that could be told.
$n++;
revision($node, "p$n", 'LOCK TABLE mark');
query($node, "BEGIN; LOCK TABLE mark; PREPARE TRANSACTION 'holder'");
$caller->send('SELECT pgmigrate.upgrade()');
poll($node,
	"SELECT count(*) = 1 FROM pgmigrate.progress WHERE waiting ~ 'blocked by prepared transaction ''holder''\$'"
);
poll($node,
	'SELECT clock_timestamp() > query_start + \'2.5 s\' FROM pg_stat_activity WHERE pid = '
	  . $caller->pid);
query($node, "ROLLBACK PREPARED 'holder'");
$caller->result;
head_is($node, "p$n", 'a lock of a prepared transaction is waited for');

# A caller that is not alone is told that the run is inline, not left hanging.
$n++;
revision($node, "p$n", "CREATE INDEX CONCURRENTLY p$n ON big (id)");
for my $call (
	'SELECT count(*) FROM mark, pgmigrate.upgrade()',
	'WITH u AS MATERIALIZED (SELECT * FROM pgmigrate.upgrade()) SELECT count(*) FROM u',
	'SELECT (SELECT count(*) FROM pgmigrate.upgrade())',
	'SET default_transaction_isolation = serializable; SELECT pgmigrate.upgrade()',
	'CREATE TABLE x AS SELECT * FROM pgmigrate.upgrade()')
{
	fails($node, "SET statement_timeout = '20s'; $call", '25001', $call);
}
query($node, 'SELECT pgmigrate.upgrade()');

ledger_ok($node, 'hang');
log_is_clean($node);
done_testing();
