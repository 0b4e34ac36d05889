
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

# A server that crashed has lost nothing.
query($node, 'UPDATE item SET id = id');
$node->stop('immediate');
$node->start;
query($node, 'UPDATE item SET id = id WHERE id <= 10');
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
