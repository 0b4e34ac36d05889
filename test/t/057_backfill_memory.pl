
# Copyright (c) 2026, pgmigrate developers

# What a backfill takes of memory does not grow while it waits, however long.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('memory', 'fsync = off');

query($node, <<'SQL');
CREATE SEQUENCE looks;
CREATE TABLE t (id int, k int, v int) PARTITION BY LIST (k);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2);
INSERT INTO t SELECT g, 1, NULL FROM generate_series(1, 100) g;
INSERT INTO t VALUES (101, 2, NULL);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.looks''); RETURN NULL; END';
CREATE TRIGGER look BEFORE UPDATE ON t1 FOR EACH STATEMENT EXECUTE FUNCTION look();
SQL

# Bytes that the worker uses, when the sequence has come so far.
sub used_at
{
	my ($look) = @_;
	my $offset = -s $node->logfile;
	my $used;

	poll($node, "SELECT last_value >= $look FROM looks");
	query($node,
		"SELECT pg_log_backend_memory_contexts(pid) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
	);
	wait_until(
		'the worker tells what it uses',
		sub {
			($used) = slurp_file($node->logfile, $offset) =~ /Grand total: .* (\d+) used/;
			return defined $used;
		});
	return $used;
}

sub does_not_grow
{
	my ($name) = @_;
	my $before = used_at(8);	# our own queries have got their plans by then

	cmp_ok(used_at(20) - $before, '<', 1000, $name);
	return;
}

# It gives way to a query, of which each look is one.
my $run = query($node,
	q{SET pgmigrate.throttle_query = 'SELECT nextval(''public.looks'') > 0'; SELECT pgmigrate.backfill_start('t', 'v = 1', 'v IS NULL')}
);
does_not_grow('while it gives way');
query($node, "SELECT pgmigrate.cancel($run)");
query($node, "SELECT pgmigrate.wait($run)");

# A row that somebody has locked is tried again and again.
query($node, 'ALTER SEQUENCE looks RESTART');
my $application = session($node);
$application->query('BEGIN; UPDATE t SET k = 1 WHERE id = 101; SELECT FROM t WHERE id = 5 FOR UPDATE');
$run = query($node,
	q{SET pgmigrate.lock_timeout = '5ms'; SELECT pgmigrate.backfill_start('t', 'v = 1', 'v IS NULL')}
);
poll($node, "SELECT waiting_for = 'a lock that others have' FROM pgmigrate.operation WHERE run = $run");
query($node, 'ALTER SEQUENCE looks RESTART');
does_not_grow('while a row is locked');
$application->query('COMMIT');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'it ends');
is(query($node, 'SELECT count(v) FROM t'), '101', 'with all rows');
$application->quit();
log_is_clean($node);
done_testing();
