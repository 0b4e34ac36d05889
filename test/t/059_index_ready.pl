
# Copyright (c) 2026, pgmigrate developers

# A session that compiles its dual write in the moment in which an index of the
# copy becomes ready for rows: it must not go on without that index.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('ready', 'autovacuum = off', 'pgmigrate.online_threshold = 0',
	"pgmigrate.online_method = 'table'");

# A CHECK that says nothing of a row is called when it is compiled: by a writer
# for the table, and then for its copy.  Row 500 stops the copying.
query($node, <<'SQL');
CREATE FUNCTION compiled() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_setting('app.stop', true) = '2' THEN
		PERFORM pg_advisory_lock_shared(2), pg_advisory_unlock_shared(2);
	END IF;
	IF current_setting('app.stop', true) IN ('1', '2') THEN
		PERFORM set_config('app.stop', (current_setting('app.stop')::int + 1)::text, false);
	END IF;
	RETURN -10;
END $$;
CREATE FUNCTION row_of(v int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF v = 500 AND current_setting('app.stop', true) = 'copying' THEN
		PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1);
	END IF;
	RETURN v;
END $$;
CREATE TABLE t (id int PRIMARY KEY, v int, CHECK (v > compiled()));
INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
CREATE INDEX t_v ON t (v);
SQL
my ($caller, $gate, $holder, $writer, $reader) = map { session($node) } 1 .. 5;

# Who writes holds up the index before it is built.
$gate->query('SELECT pg_advisory_lock(1), pg_advisory_lock(2)');
$caller->query("SET app.stop = 'copying'");
$caller->send("SELECT action FROM pgmigrate.rebuild('t', 'ALTER v TYPE bigint USING row_of(v)')");
my $worker = worker_waits($node, 'advisory');
$holder->query('BEGIN; UPDATE t SET v = 0 WHERE id = 1');
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');

sub waits_for
{
	my ($pid, $session) = @_;

	poll($node, 'SELECT ' . $session->pid . " = ANY (pg_blocking_pids($pid))");
	return;
}

$gate->query('SELECT pg_advisory_unlock(1)');
waits_for($worker, $holder);

# The writer has seen the index, and stops.
$writer->query('SET app.stop = 1');
$writer->send('UPDATE t SET v = 0 WHERE id = 2');
waits_for($writer->pid, $gate);

# It is built, and ready for rows; then the writer goes on.
$holder->query('COMMIT');
waits_for($worker, $writer);
$gate->query('SELECT pg_advisory_unlock(2)');
$writer->result;
is($writer->err, '', 'the first row is written');

# The index has been validated, and waits for the snapshot of the reader.
waits_for($worker, $reader);
is( query($node, "SELECT indisready, indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ '^pgmigrate_online' AND NOT indisprimary AND NOT indisvalid"),
	't|f', 'the index is ready, not valid');
$writer->query('UPDATE t SET v = -1 WHERE id = 3');
is($writer->err, '', 'the next one, too');
$reader->query('COMMIT');
is($caller->result, 'switched', 'the table is switched');
SKIP:
{
	skip 'amcheck is not installed', 1
	  if !eval { query($node, 'CREATE EXTENSION amcheck'); 1 };

	is(eval { query($node, "SELECT count(bt_index_check(indexrelid, true)) FROM pg_index WHERE indrelid = 't'::regclass") },
		'2', 'its indexes have all rows');
}
is(query($node, 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT id FROM t WHERE v = -1'),
	'3', 'the row is found');

$_->quit foreach $caller, $gate, $holder, $writer, $reader;
$node->stop;
done_testing();
