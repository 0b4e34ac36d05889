
# Copyright (c) 2026, pgmigrate developers

# Whoever waits for a row that a chunk has changed waits for a part of the
# chunk, not for the rest of it.  A trigger stops the chunk on its second page,
# and then on its fourth.  And no row is passed over, whatever others do to the
# table at its end.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('waiter', 'fsync = off');

query($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, n int, note text, pad text);
INSERT INTO t SELECT g, 0, NULL, repeat('x', 1000) FROM generate_series(1, 70) g;
CREATE FUNCTION stop_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id = 10 THEN PERFORM pg_advisory_xact_lock_shared(1); END IF;
	IF new.id = 24 THEN PERFORM pg_advisory_xact_lock_shared(2); END IF;
	RETURN new;
END $$;
CREATE TRIGGER stop_at BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stop_at();
SQL

sub stopped_at
{
	my ($lock) = @_;

	wait_until(
		"the chunk is stopped at $lock",
		sub {
			return query($node,
				"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $lock AND NOT granted"
			) eq '1';
		});
	return;
}

my $stopper = session($node);
my $application = session($node);
$stopper->query('SELECT pg_advisory_lock(1), pg_advisory_lock(2)');
my $run = query($node,
	q{SET pgmigrate.lock_timeout = 0; SELECT pgmigrate.backfill_start('t', 'note = ''filled''', 'note IS NULL', chunk_time => '1 hour')}
);
stopped_at(1);
$application->send('UPDATE t SET n = n + 1 WHERE id = 3');
wait_until(
	'the application waits for a row of the first page',
	sub {
		return query($node,
			"SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
		) eq '1';
	});
$stopper->query('SELECT pg_advisory_unlock(1)');
stopped_at(2);
wait_until(
	'the application has the row while the chunk is at work',
	sub {
		return query($node, q{SELECT concat(n, note) FROM t WHERE id = 3}) eq
		  '1filled';
	});
stopped_at(2);
$stopper->query('SELECT pg_advisory_unlock(2)');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'done', 'the rest is done');
is(query($node, q{SELECT count(*), sum(n) FROM t WHERE note = 'filled'}),
	'70|1', 'no row is left, and none is lost');

# A chunk that a deadlock ends is repeated.  It looks for one first.
query($node, 'DROP TRIGGER stop_at ON t; VACUUM FULL t');
my $first = query($node, 'SELECT id FROM t ORDER BY ctid DESC OFFSET 1 LIMIT 1');
my $last = query($node, 'SELECT id FROM t ORDER BY ctid DESC LIMIT 1');
$application->query("SET deadlock_timeout = '100s'; BEGIN; UPDATE t SET n = 100 WHERE id = $last");
$run = query($node,
	q{SET pgmigrate.lock_timeout = 0; SET deadlock_timeout = '4s'; SELECT pgmigrate.backfill_start('t', 'note = ''again''', 'note <> ''again''')}
);
worker_waits($node, 'transactionid');
$application->query("UPDATE t SET n = 100 WHERE id = $first; COMMIT");
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'done', 'a deadlock does not end it');
is(query($node, q{SELECT count(*), count(*) FILTER (WHERE n = 100) FROM t WHERE note = 'again'}),
	'70|2', 'no row is left, and none is lost, after a deadlock');

# A row that is moved, at the end, to a partition that was looked at already.
query($node, <<'SQL');
CREATE TABLE p (id int, k int, note text) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
INSERT INTO p VALUES (1, 1), (2, 2);
SQL
$application->query('BEGIN; UPDATE p SET k = 1 WHERE id = 2');
$run = query($node,
	q{SET pgmigrate.lock_timeout = '5ms'; SELECT pgmigrate.backfill_start('p', 'note = ''filled''', 'note IS NULL')}
);
poll($node,
	"SELECT state = 'comparing' AND waiting_for = 'a lock that others have' FROM pgmigrate.operation WHERE run = $run"
);
$application->query('COMMIT');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'done', 'it ends when the lock is free');
is(query($node, 'SELECT count(*), count(note) FROM p1'),
	'2|2', 'no row is left in another partition');

# While one partition is looked at the row of another is moved to it, or its
# table is rewritten, so that a snapshot that is older shows no row; or a
# partition is attached, and the row moved to it.
query($node, <<'SQL');
CREATE FUNCTION gate(id int) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
	IF id = 9 AND EXISTS (SELECT FROM pgmigrate.operation WHERE state = 'comparing') THEN
		PERFORM pg_advisory_xact_lock_shared(3);
	END IF;
	RETURN id <> 9;
END $$;
SQL
query($node, 'CREATE TABLE p3 (LIKE p)');
for my $change (
	'UPDATE p SET k = 1 WHERE id = 2',
	'ALTER TABLE p2 SET UNLOGGED',
	'ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3); UPDATE p SET k = 3 WHERE id = 2'
  )
{
	query($node, 'TRUNCATE p; INSERT INTO p VALUES (9, 1), (2, 2)');
	$stopper->query('SELECT pg_advisory_lock(3)');
	$application->query('BEGIN; SELECT FROM p WHERE id = 2 FOR UPDATE');
	$run = query($node,
		q{SELECT pgmigrate.backfill_start('p', 'note = ''filled''', 'note IS NULL AND gate(id)')}
	);
	stopped_at(3);
	$application->query("COMMIT; $change");
	$stopper->query('SELECT pg_advisory_unlock(3)');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
		'done', 'it ends');
	is(query($node, 'SELECT note FROM p WHERE id = 2'),
		'filled', "no row is left after $change");
	is(query($node, "SELECT details->'proven' FROM pgmigrate.run_step WHERE run = $run"),
		'true', 'which is said');
}

# A table begins to inherit while its parent is looked at.
query($node, <<'SQL');
CREATE TABLE f (id int, note text);
CREATE TABLE f1 (LIKE f);
INSERT INTO f VALUES (9), (2);
INSERT INTO f1 VALUES (3);
SQL
$stopper->query('SELECT pg_advisory_lock(3)');
$run = query($node,
	q{SELECT pgmigrate.backfill_start('f', 'note = ''filled''', 'note IS NULL AND gate(id)')}
);
stopped_at(3);
query($node, 'ALTER TABLE f1 INHERIT f');
$stopper->query('SELECT pg_advisory_unlock(3)');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'it ends');
is(query($node, 'SELECT note FROM f1'),
	'filled', 'no row is left in a table that began to inherit');

# A new column is null until it is filled, so null may be written to it as long
# as it is not bound.
query($node, <<'SQL');
CREATE TABLE c (id int);
INSERT INTO c SELECT generate_series(1, 50);
CREATE FUNCTION value() RETURNS int VOLATILE LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(3);
	RETURN 7;
END $$;
SQL
revision($node, 'bound', 'ALTER TABLE c ADD COLUMN v int NOT NULL DEFAULT value()');
$stopper->query('SELECT pg_advisory_lock(3)');
$run = query($node,
	'SET pgmigrate.online_threshold = 0; SELECT pgmigrate.upgrade_start()');
stopped_at(3);
$application->query('BEGIN; LOCK TABLE c IN ROW EXCLUSIVE MODE');
$stopper->query('SELECT pg_advisory_unlock(3)');
poll($node, "SELECT (details->>'done')::int = 2 FROM pgmigrate.operation WHERE run = $run");
$application->query('UPDATE c SET v = NULL WHERE id IN (3, 50); UPDATE c SET v = 1 WHERE id = 4; COMMIT');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'a column is bound');
is( query($node, 'SELECT count(*), count(*) FILTER (WHERE v = 7), count(*) FILTER (WHERE v = 1) FROM c'),
	'50|49|1', 'whatever is null by then is filled, and nothing else is lost');
is( query(
		$node,
		"SELECT attnotnull, (SELECT count(*) FROM pg_constraint WHERE conrelid = attrelid AND contype = 'c') FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname = 'v'"
	),
	't|0',
	'it is NOT NULL, and no helper is left');

# One whose values are null is the statement's own fault.
revision($node, 'unbound',
	'ALTER TABLE c ADD COLUMN w int NOT NULL DEFAULT CASE WHEN random() < 2 THEN NULL ELSE 1 END');
query($node,
	'SET pgmigrate.online_threshold = 0; SELECT pgmigrate.wait(pgmigrate.upgrade_start())');
is(last_run($node, 'sqlstate'), '23502', 'null values of its own fail');
is(query($node, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname = 'w' UNION ALL SELECT count(*) FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'c'"),
	"0\n0", 'and leave nothing');

# Who waits has no snapshot, but what a function has returned by then may be in
# a TOAST table, of which a snapshot keeps it.
query($node, <<'SQL');
SELECT pgmigrate.remove('unbound');
CREATE FUNCTION fixed() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION stored() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT note FROM t WHERE id = 1); END';
SQL
for my $function ('fixed', 'stored')
{
	revision($node, $function, 'SELECT pg_advisory_xact_lock_shared(3)');
	$stopper->query('SELECT pg_advisory_lock(3)');
	$application->send(
		"SELECT x IS NOT NULL, w.state FROM $function() x, pgmigrate.upgrade_start() s, pgmigrate.wait(s) w"
	);
	stopped_at(3);
	poll($node,
		"SELECT wait_event_type = 'Extension' OR wait_event_type = 'IPC' FROM pg_stat_activity WHERE query LIKE '%$function() x, pgm%' AND pid <> pg_backend_pid()"
	);
	is( query($node,
			"SELECT count(backend_xmin) FROM pg_stat_activity WHERE query LIKE '%$function() x, pgm%' AND pid <> pg_backend_pid()"
		),
		$function eq 'fixed' ? '0' : '1',
		"$function: the snapshot of the call that waits");
	$stopper->query('SELECT pg_advisory_unlock(3)');
	is($application->result, 't|done', "$function: it ends");
}
$application->quit();
$stopper->quit();
log_is_clean($node);
done_testing();
