
# Copyright (c) 2026, pgmigrate developers

# What is kept of a dropped table or column, in a dump, elsewhere, and after a
# crash.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('kept');
my $dump = $node->basedir . '/dump';

query($node, <<'SQL');
CREATE ROLE reader;
CREATE TABLE item (id serial PRIMARY KEY, price numeric DEFAULT 3);
CREATE TABLE gone (id serial PRIMARY KEY, item int REFERENCES item, note text CHECK (note <> ''));
CREATE STATISTICS gone_stats ON item, note FROM gone;
GRANT SELECT ON gone TO reader;
GRANT UPDATE (note) ON gone TO reader;
COMMENT ON TABLE gone IS 'kept';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON gone FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO item (price) SELECT g FROM generate_series(1, 20) g;
INSERT INTO gone (item, note) SELECT g, 'n' FROM generate_series(1, 20) g;
SELECT pgmigrate.revision('drop', E'-- pgmigrate: online\nDROP TABLE gone;\n-- pgmigrate: online\nALTER TABLE item DROP price', 'ALTER TABLE item ADD price numeric; CREATE TABLE gone (id int)', id => 'k1');
SELECT pgmigrate.upgrade();
SQL
is(query($node, 'SELECT string_agg(state, \' \') FROM pgmigrate.operations'),
	'switched switched', 'both are kept');

# Elsewhere there is nothing of it, and nothing stands in the way.
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'pg_dump');
query($node, 'CREATE DATABASE other');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', 'other', $dump ],
	'pg_restore');
is( query(
		$node,
		'SELECT count(*) FROM pg_namespace WHERE nspname ~ \'kept\'', 'other'),
	'0',
	'no kept table in a dump');
is(query($node, 'SELECT count(*) FROM item', 'other'),
	'20', 'the rows of the other table are');
foreach my $id (1, 2)
{
	my ($code, $out, $err) =
	  $node->psql('other', "SELECT * FROM pgmigrate.revert($id)");
	like(
		$err,
		qr/cannot revert operation $id.*Use pgmigrate\.finalize/s,
		"operation $id cannot be reverted elsewhere");
}
is( query(
		$node,
		'SELECT string_agg(action, \' \') FROM pgmigrate.finalize()',
		'other'),
	'finalized finalized',
	'but forgotten');

# What is in the middle goes on elsewhere: with the steps that the dump has the
# effect of, and with the rows of the table that has the name there.
query($node, <<'SQL');
CREATE TABLE hold ();
INSERT INTO hold DEFAULT VALUES;
CREATE TABLE many (id int, v int, w float8);
INSERT INTO many SELECT generate_series(1, 20000);
CREATE TABLE typed (id int PRIMARY KEY, v int);
INSERT INTO typed SELECT g, g FROM generate_series(1, 1000) g;
SQL
my $set = 'SET pgmigrate.online_threshold = 0;';
my @middle = (
	[ 'UPDATE many SET w = random()', 'SELECT count(*) FROM many WHERE w IS NULL' ],
	[
		'ALTER TABLE many ADD COLUMN z uuid NOT NULL DEFAULT gen_random_uuid()',
		'SELECT count(*) - count(DISTINCT z) FROM many'
	],
	[
		'ALTER TABLE typed ALTER v TYPE bigint',
		"SELECT count(*) FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attname = 'v' AND atttypid <> 'bigint'::regtype"
	]);
for my $n (0 .. $#middle)
{
	my ($sql, $left) = @{ $middle[$n] };
	my $id = "m$n";

	query($node, 'INSERT INTO hold DEFAULT VALUES');
	revision($node, $id, $sql);
	my $run = query($node,
		"$set SET pgmigrate.throttle_query = 'SELECT EXISTS (SELECT FROM public.hold)'; SELECT pgmigrate.upgrade_start()"
	);
	poll($node,
		"SELECT waiting_for ~ 'throttle' FROM pgmigrate.operations WHERE run = $run");
	query($node, "CREATE DATABASE $id");
	$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump$n", 'postgres' ], "$sql: pg_dump in the middle");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $id, "$dump$n" ], 'pg_restore');
	is(query($node, 'SELECT state FROM pgmigrate.status()', $id),
		'interrupted', 'its run is told as interrupted');
	is(query($node, "$set SELECT state FROM pgmigrate.wait(pgmigrate.upgrade_start())", $id),
		'done', 'it goes on elsewhere');
	is(query($node, $left, $id), '0', 'to its end');
	is( query($node, "SELECT count(*) FROM pgmigrate.operations WHERE revision = '$id' AND state NOT IN ('finalized', 'switched', 'failed')", $id),
		'0',
		'nothing is at work there any more');
	query($node, 'DELETE FROM hold');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'and here');
	is(query($node, $left), '0', 'to its end');
}

# So does a call of backfill(), if it is repeated there.
{
	my $call = q{'many', 'v = 1', 'v IS NULL'};
	my $hold = "SET pgmigrate.throttle_query = 'SELECT EXISTS (SELECT FROM public.hold)'";

	query($node, 'INSERT INTO hold DEFAULT VALUES');
	my $run = query($node, "$hold; SELECT pgmigrate.backfill_start($call)");
	poll($node, "SELECT waiting_for ~ 'throttle' FROM pgmigrate.operations WHERE run = $run");
	query($node, 'CREATE DATABASE again');
	$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dump.again", 'postgres' ], 'pg_dump in a backfill');
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'again', "$dump.again" ], 'pg_restore');
	is(query($node, "SELECT state FROM pgmigrate.backfill($call)", 'again'), 'done', 'a second call there');
	is( query($node, "SELECT count(*), string_agg(state, ' ') FROM pgmigrate.operation WHERE revision IS NULL", 'again'),
		'1|finalized', 'goes on with the operation that it finds');
	is(query($node, 'SELECT count(*) - count(v) FROM many', 'again'), '0', 'to its end');
	query($node, 'DELETE FROM hold');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'and here');
}

# What is over, or kept, says how far it came, and what does not fit whose it is.
# From 18 on NOT NULL is proven in a step less.
like( query(
		$node,
		"SELECT string_agg(concat(state, ' ', done, '/', total, ' ', unit), ', ' ORDER BY operation) FROM pgmigrate.operations"
	),
	qr{^switched 1/1 steps, switched 1/1 steps, finalized 1/1 steps, finalized ([45])/\1 steps, switched 5/5 states, finalized 20000/20000 rows$},
	'all is done of what is done');
is( query(
		$node,
		"SELECT count(*) > 0, count(*) FILTER (WHERE attname !~ '^row of (typed|pgm old)\$') FROM pg_attribute WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = 'pgm unfit') AND attname ~ '^row of'"
	),
	't|0',
	'tables are called by name');

# A server that crashed has lost nothing.
query($node, 'UPDATE item SET id = id');
$node->stop('immediate');
$node->start;
query($node, 'UPDATE item SET id = id WHERE id <= 10');
query($node, "SELECT pgmigrate.stamp('k1'); SELECT pgmigrate.finalize(operation) FROM pgmigrate.operations WHERE revision = 'm2'");
query($node, "SELECT pgmigrate.remove('m$_')") foreach 2, 1, 0;
query($node, 'SELECT pgmigrate.downgrade(\'base\')');
is( query(
		$node,
		'SELECT (SELECT sum(price) FROM item), (SELECT count(*) FROM gone)'),
	'210|20',
	'all values are there again');
is( query(
		$node,
		'SELECT count(*) FROM pg_constraint WHERE conrelid = \'gone\'::regclass AND convalidated AND contype <> \'n\''
	),
	'3',
	'and the constraints');

# The extension takes along what it keeps.
query($node, 'SELECT pgmigrate.upgrade()');
my ($code, $out, $err) =
  $node->psql('postgres', 'DROP EXTENSION pgmigrate');
like($err, qr/other objects depend on it/,
	'the trigger on a table holds the extension');
query($node, 'SELECT pgmigrate.finalize()');
query($node, 'DROP EXTENSION pgmigrate');
is(query($node, 'SELECT count(*) FROM pg_namespace WHERE nspname ~ \'kept\''),
	'0', 'nothing is left');

$node->stop;
done_testing();
