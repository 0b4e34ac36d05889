
# Copyright (c) 2026, pgmigrate developers

# A run never stands in front of the application: the rules of the lock ladder.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('locks', 'autovacuum = off',
	'log_autovacuum_min_duration = 0');
my $n = 0;

# Store one more revision; the sessions that hold something come after it.
sub next_revision
{
	my ($sql, %params) = @_;

	$n++;
	revision($node, "r$n", $sql, %params);
	return "r$n";
}

# A column of the step's lock attempts, in order, of the last run.
sub attempts
{
	my ($key) = @_;

	return query($node,
		"SELECT string_agg(DISTINCT a ->> '$key', ',') FROM pgmigrate.run_step s, jsonb_array_elements(s.details -> 'lock_attempts') a WHERE s.run = (SELECT max(id) FROM pgmigrate.run)"
	);
}

# While it looks on, not while it is in the queue.
sub worker_says
{
	my ($what) = @_;

	return poll($node,
		"SELECT count(*) = 1 FROM pgmigrate.progress WHERE waiting ~ '$what' AND wait_event_type IS DISTINCT FROM 'Lock'"
	);
}

# All that is in the catalog of table t.
sub fingerprint
{
	return query($node,
		"SELECT string_agg(attname || atttypid::regtype, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
	) . query($node, 'SELECT count(*), sum(id) FROM t');
}

query($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT generate_series(1, 1000);
CREATE TABLE u (id int PRIMARY KEY);
SQL

my $holder = session($node);
my $caller = session($node);
my $reader = session($node);

# Nobody in the way.
next_revision('ALTER TABLE t ADD c0 int');
query($node, 'SELECT pgmigrate.upgrade()');
is(last_run($node, 'state'), 'done', 'nobody in the way: done');
is(attempts('outcome'), '', 'and nothing to tell of the locks');

# Look first: while somebody old holds the table, nobody queues behind us.
$holder->query('BEGIN; SELECT count(*) FROM t');
next_revision('ALTER TABLE t ADD c1 int');
$caller->send('SELECT pgmigrate.upgrade()');
worker_says('AccessExclusiveLock on public.t, blocked by process '
	  . $holder->pid);
my $slowest = 0;
for my $try (1 .. 50)
{
	my $start = time();

	$reader->query('SELECT count(*) FROM t');
	$slowest = time() - $start if time() - $start > $slowest;
}
cmp_ok($slowest, '<', 0.25 + 0.5,
	'readers are not delayed while the run looks on');
is( query($node,
		"SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND pid IN (SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker')"
	),
	'0',
	'it holds nothing and asks for nothing');
my $tree = query($node, 'SELECT * FROM pgmigrate.lock_tree()');
like($tree, qr/^public\.t$|^t$/m, 'lock_tree: the relation');
like(
	$tree,
	qr/^  process ${\$holder->pid} .*holds AccessShareLock/m,
	'lock_tree: who is in the way');
like($tree, qr/^    run \d+, process \d+ waits for AccessExclusiveLock/m,
	'lock_tree: the run');
$holder->query('COMMIT');
my $start = time();
$caller->result;
cmp_ok(time() - $start, '<', 3, 'it succeeds soon after the reader is gone');
like(
	$caller->err,
	qr/NOTICE: .*waiting for AccessExclusiveLock on public\.t.*DETAIL:  Process ${\$holder->pid} \(user /s,
	'the caller is told who was in the way');
like(attempts('phase'), qr/look/, 'the attempts are kept with the step');
like(
	query($node,
		'SELECT blocked_by FROM pgmigrate.lock_timeline((SELECT max(id) FROM pgmigrate.run)) LIMIT 1'
	),
	qr/^process ${\$holder->pid} /,
	'lock_timeline tells who was in the way');

# The deadline.
$holder->query('BEGIN; SELECT count(*) FROM t');
next_revision('UPDATE u SET id = id; ALTER TABLE t ADD c2 int');
my $before = fingerprint();
my $messages = notices($node,
	"SET pgmigrate.lock_deadline = '400ms'; SELECT pgmigrate.upgrade()");
like(
	$messages,
	qr/ERROR:  55P03: could not get AccessExclusiveLock on relation public\.t within 400ms.*DETAIL:  Process ${\$holder->pid} .*idle in transaction/s,
	'the deadline: fails cleanly and says who');
is(fingerprint(), $before, 'the database is as it was');
is(last_run($node, 'state'), 'failed', 'the run has failed');
like(attempts('phase'), qr/look/, 'what it tried is kept');
ledger_ok($node, 'after the deadline');
$holder->query('COMMIT');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "r$n", 'the call can be repeated');

# A prepared transaction.
query($node,
	"BEGIN; LOCK t IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'some gid'");
next_revision('ALTER TABLE t ADD c3 int');
$caller->send('SELECT pgmigrate.upgrade()');
worker_says("prepared transaction ''some gid''");
query($node, "ROLLBACK PREPARED 'some gid'");
$caller->result;
head_is($node, "r$n", 'a prepared transaction: waited for');
like(
	$caller->err,
	qr/DETAIL:  Prepared transaction "some gid"/,
	'and named by its gid');

# blocker_policy.
query($node, 'CREATE ROLE weak LOGIN; GRANT pg_signal_backend TO weak');
for my $policy (qw(cancel terminate))
{
	my $victim = session($node);

	$victim->query('BEGIN; SELECT count(*) FROM t');
	$victim->send('SELECT pg_sleep(1000)');
	poll($node,
		    'SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = '
		  . $victim->pid
		  . " AND wait_event = 'PgSleep'");
	next_revision("ALTER TABLE t ADD c_$policy int");
	my $told = notices($node,
		"SET pgmigrate.blocker_policy = $policy; SELECT pgmigrate.upgrade()");
	head_is($node, "r$n", "blocker_policy = $policy: done");
	like($told, qr/blocker_policy, process ${\$victim->pid}: $policy/,
		'with a notice');
	like(attempts('outcome'), qr/$policy/, 'and recorded');
	$victim->{run}->kill_kill;
}

# Statements whose locks are not known run under a bounded wait, and the step
# is repeated as a whole.
query($node, 'CREATE TABLE twice (id int)');
$holder->query('BEGIN; SELECT count(*) FROM t');
next_revision(
	'INSERT INTO twice VALUES (1); DO $$ BEGIN ALTER TABLE t ADD c4 int; END $$'
);
$caller->send('SELECT pgmigrate.upgrade()');
worker_says("on public.t, blocked by process " . $holder->pid);
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'locks not known before: the step is repeated');
is(query($node, 'SELECT count(*) FROM twice'), '1', 'and its work done once');
like(attempts('outcome'), qr/timeout/, 'the time that ran out is kept');

# A deadlock: we are the victim, and try again.
$holder->query('BEGIN; LOCK u IN ACCESS EXCLUSIVE MODE');
next_revision(
	'DO $$ BEGIN LOCK t IN SHARE MODE; PERFORM count(*) FROM u; END $$');
$caller->send("SET pgmigrate.lock_timeout = '60s'; SELECT pgmigrate.upgrade()");
worker_waits($node, 'relation');
$holder->query('SET deadlock_timeout = \'100s\'; LOCK t IN ROW EXCLUSIVE MODE');
is($holder->err, '', 'a deadlock: the application goes on');
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'and so does the run');
like(attempts('outcome'), qr/deadlock/, 'which was the victim once');

# Giving way to a queue behind us.
next_revision('ALTER TABLE t ADD c5 int; SELECT pg_sleep(3) FROM twice');
$caller->send(
	"SET pgmigrate.max_blocked = 2; SET pgmigrate.max_block_time = '200ms'; SELECT pgmigrate.upgrade()"
);
worker_waits($node, 'PgSleep');
my @queue = (session($node), session($node));
$start = time();
$_->send('SELECT count(*) FROM t') foreach @queue;
$_->result foreach @queue;
cmp_ok(time() - $start, '<', 2, 'a step gives way to those who wait for it');
$caller->result;
head_is($node, "r$n", 'and is done later');
like(attempts('outcome'), qr/gave way/, 'which is recorded');

# A serialization failure.
$holder->query('BEGIN; UPDATE twice SET id = 2');
next_revision(
	'UPDATE twice SET id = id + 10; SELECT 1',
	transactional => 'true');
my $run = $caller->query(
	"SET default_transaction_isolation = 'repeatable read'; SET pgmigrate.lock_timeout = '20s'; SELECT pgmigrate.upgrade_start()"
);
worker_waits($node, 'transactionid');
$holder->query('COMMIT');
$caller->query('RESET ALL');
$caller->query("SELECT pgmigrate.wait($run)");
head_is($node, "r$n", 'a serialization failure: repeated');
is(query($node, 'SELECT id FROM twice'), '12', 'on what is there now');

# Inside of a transaction of the caller.
$holder->query('BEGIN; SELECT count(*) FROM t');
next_revision('ALTER TABLE t ADD c6 int');
$caller->query('RESET ALL');
$caller->send('BEGIN; SELECT pgmigrate.upgrade(); COMMIT');
poll($node,
	"SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = ${\$caller->pid} AND wait_event_type = 'Extension'"
);
$reader->query('SELECT count(*) FROM t');
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'inline: waits without queueing, too');

# All steps in one transaction.
$holder->query('BEGIN; SELECT count(*) FROM u');
next_revision('ALTER TABLE t ADD c7 int');
next_revision('ALTER TABLE u ADD c7 int');
$caller->send(
	'SET pgmigrate.transaction_per_migration = off; SELECT pgmigrate.upgrade()'
);
worker_says('on public.u');
is( query($node,
		"SELECT count(*) FROM pg_locks WHERE relation IN ('t'::regclass, 'u'::regclass) AND pid <> ${\$holder->pid}"
	),
	'0',
	'one transaction: the locks of all steps or none');
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'and all of them then');

# CONCURRENTLY waits as long as it takes, though lock_timeout is short.
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
next_revision('CREATE INDEX CONCURRENTLY t_c1 ON t (c1)');
$caller->query('RESET ALL');
$caller->send('SELECT pgmigrate.upgrade()');
worker_waits($node, 'virtualxid');
query($node, 'SELECT pg_sleep(0.5)');
worker_waits($node, 'virtualxid');
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'CONCURRENTLY is not cut short');
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
next_revision('CREATE INDEX CONCURRENTLY t_c2 ON t (c2)');
fails(
	$node,
	"SET pgmigrate.concurrently_timeout = '300ms'; SELECT pgmigrate.upgrade()",
	'57014',
	'but by its own limit');
$holder->query('COMMIT');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "r$n", 'and the INVALID index is cleaned up');

# Others that commit by themselves do not stand in front of readers either.
query($node, <<'SQL');
CREATE TABLE parts (k int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX parts_k ON parts (k);
SQL
my %alone = (
	'VACUUM FULL t' => 't',
	'REINDEX TABLE parts' => 'parts_1',
	'CLUSTER parts USING parts_k' => 'parts_1');
foreach my $sql (sort keys %alone)
{
	next if $sql =~ /^CLUSTER/ && $node->pg_version < 15;
	$holder->query("BEGIN; SELECT count(*) FROM $alone{$sql}; "
		  . "LOCK TABLE $alone{$sql} IN ROW EXCLUSIVE MODE");
	next_revision($sql);
	$caller->send('SELECT pgmigrate.upgrade()');
	worker_waits($node, 'relation');
	query($node,
		"SET statement_timeout = '5s'; DELETE FROM $alone{$sql} WHERE false"
	);
	ok(1, "$sql lets others pass while it waits");
	$holder->query('COMMIT');
	$caller->result;
	head_is($node, "r$n", 'and succeeds when it can');
}

# Transactions that follow each other without a gap, each longer than the limit:
# two sessions take turns, and while one ends the other has begun.
$holder->query('RESET ALL');
query($node, <<'SQL');
CREATE PROCEDURE relay(turn int) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_sleep(0.15 * turn);
	LOOP
		PERFORM count(*) FROM t;
		PERFORM pg_sleep(0.3);
		COMMIT;
		EXIT WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c8');
	END LOOP;
END $$;
SQL
my @relay = (session($node), session($node));
$relay[$_]->send("CALL relay($_)") foreach 0, 1;
poll($node,
	"SELECT count(*) = 2 FROM pg_locks WHERE relation = 't'::regclass AND granted"
);
next_revision('ALTER TABLE t ADD c8 int');
query($node,
	"SET pgmigrate.lock_deadline = '60s'; SELECT pgmigrate.upgrade()");
head_is($node, "r$n", 'transactions back to back do not starve it');
$_->result foreach @relay;

# A lock of the session that waits for the run, and one behind a third session.
for my $way ('directly', 'over a third session')
{
	my $third = session($node);

	next_revision("ALTER TABLE t ADD c_wait_$n int");
	$caller->query('BEGIN; SELECT pg_advisory_xact_lock(7)');
	$caller->query('SELECT count(*) FROM t') if $way eq 'directly';
	if ($way ne 'directly')
	{
		$third->query('BEGIN; SELECT count(*) FROM t');
		$third->send('SELECT pg_advisory_xact_lock(7)');
		poll($node,
			'SELECT wait_event = \'advisory\' FROM pg_stat_activity WHERE pid = '
			  . $third->pid);
	}
	my $id = query($node, 'SELECT pgmigrate.upgrade_start()');
	worker_says('AccessExclusiveLock on public.t, blocked by process '
		  . ($way eq 'directly' ? $caller : $third)->pid);
	$start = time();
	$caller->send("SELECT state FROM pgmigrate.wait($id)");
	$caller->fails_with('40P01', "a lock of the session that waits, $way");
	cmp_ok(time() - $start, '<', 2, 'it is told soon');
	$caller->query('ROLLBACK');
	$third->query('ROLLBACK') if $way ne 'directly';
	poll($node, "SELECT state = 'done' FROM pgmigrate.status($id)");
	head_is($node, "r$n", 'and the run goes on when the lock is released');
}

# A role without rights on a table cannot have it locked.
query($node,
	"CREATE ROLE poor LOGIN; SELECT pgmigrate.grant_access('poor', 'operator')"
);
my $poor = session($node, user => 'poor');
$poor->query(
	"SELECT pgmigrate.revision('poor', 'ALTER TABLE t ADD stolen int', id => 'poor')"
);
$holder->query('BEGIN; SELECT count(*) FROM t');
$poor->send('SELECT pgmigrate.upgrade()');
$poor->fails_with('42501', 'no lock without rights');
$holder->query('COMMIT');
query($node, "SELECT pgmigrate.remove('poor')");

ledger_ok($node, 'at the end');
log_is_clean($node);
done_testing();
