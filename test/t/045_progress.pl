
# Copyright (c) 2026, pgmigrate developers

# What the view progress says of a change by way of a table beside: the
# statement at work, how far it is, and what it waits for, as long as it does.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('progress');
my ($holder, $barrier, $runner) = map { session($node) } 1 .. 3;

# Rows are converted, and ANALYZE reads an index, as long as the barrier lets
# them: locks 1 and 2.
query($node, <<'SQL');
CREATE FUNCTION converted(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(1);
	RETURN $1;
END $$;
CREATE FUNCTION analyzed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_stat_progress_analyze WHERE pid = pg_backend_pid()) THEN
		PERFORM pg_advisory_xact_lock_shared(2);
	END IF;
	RETURN $1;
END $$;
CREATE TABLE held (id int PRIMARY KEY, a int);
INSERT INTO held SELECT g, g FROM generate_series(1, 100) AS g;
CREATE INDEX ON held (analyzed(id));
SQL
revision($node, 'p1', 'ALTER TABLE held ALTER a TYPE bigint USING converted(a); CREATE TABLE after_held ()');

# Does the run stand at this lock of the barrier?
sub poll_barrier
{
	my ($number) = @_;

	poll($node,
		"SELECT EXISTS (SELECT FROM pg_locks l JOIN pgmigrate.progress p ON p.pid = l.pid WHERE l.locktype = 'advisory' AND l.objid = $number AND NOT l.granted)"
	);
	return;
}

$barrier->query('SELECT pg_advisory_lock(1), pg_advisory_lock(2)');
$holder->query('BEGIN; LOCK TABLE held IN ROW EXCLUSIVE MODE');
$runner->send('SET pgmigrate.online_threshold = 0; SELECT state FROM pgmigrate.upgrade()');
poll($node, q{SELECT line ~ 'waiting for public\.held behind process \d+$' FROM pgmigrate.progress});
is(query($node, 'SELECT statement, statements FROM pgmigrate.progress'), '1|2', 'the first statement waits for its table');

$holder->query('COMMIT');
poll_barrier(1);
unlike(query($node, 'SELECT line, waiting FROM pgmigrate.progress'), qr/held/, 'which it has when rows are copied');
is(query($node, 'SELECT statement, statements FROM pgmigrate.progress'), '1|2', 'as the first of two statements');

# It is done with when statistics are made, and they are no part of the next one.
$barrier->query('SELECT pg_advisory_unlock(1)');
poll_barrier(2);
is( query($node, 'SELECT phase, share, statement, eta IS NULL FROM pgmigrate.progress'),
	'computing statistics|0.5|2|t',
	'statistics are no part of the next statement');
$barrier->query('SELECT pg_advisory_unlock(2)');
is($runner->result, 'done', 'and the run ends');
done_testing();
