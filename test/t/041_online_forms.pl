
# Copyright (c) 2026, pgmigrate developers

# Changes of many kinds on tables of many shapes: what rebuild() makes of a
# table is what ALTER TABLE makes of its twin, and revert() what it was.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('forms', 'log_statement = none');
my $rows = 300;

query($node, <<'SQL');
CREATE SCHEMA online;
CREATE SCHEMA plain;
CREATE SCHEMA before;
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE DOMAIN small AS int CHECK (VALUE < 1000000);
CREATE FUNCTION half(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE VIEW shape AS
SELECT n.nspname, c.relname, a.attnum::int AS n,
	concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
		a.attidentity, a.attgenerated, a.attstorage, a.attcollation,
		nullif(a.attstattarget, -1), a.attcompression,
		regexp_replace(pg_get_expr(d.adbin, d.adrelid), '(online|plain|before)\.', '')) AS what
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r'
UNION ALL SELECT n.nspname, c.relname, 10000,
	concat_ws(' ', replace(pg_get_indexdef(i.indexrelid), n.nspname || '.', ''), i.indisvalid,
		i.indisreplident, i.indisclustered, obj_description(i.indexrelid, 'pg_class'))
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL SELECT n.nspname, c.relname, 20000,
	k.conname || ' ' || replace(pg_get_constraintdef(k.oid), n.nspname || '.', '')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION ALL SELECT n.nspname, c.relname, 30000,
	concat(c.reloptions::text, c.relacl::text, c.relreplident, c.relrowsecurity, c.relpersistence,
		obj_description(c.oid, 'pg_class'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
UNION ALL SELECT n.nspname, c.relname, 40000, concat(g.tgname, ' ', g.tgenabled)
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT g.tgisinternal
UNION ALL SELECT n.nspname, c.relname, 50000, concat(p.polname, pg_get_expr(p.polqual, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace;
SQL

# Two schemas have the same table, with the same rows.
sub same
{
	my ($other, $name) = @_;

	is( query(
			$node, "
SELECT CASE WHEN nspname = 'online' THEN '+' ELSE '-' END || what FROM (
	(SELECT nspname, n, what FROM shape WHERE nspname = 'online' AND relname = 't'
		AND (n, what) NOT IN (SELECT n, what FROM shape WHERE nspname = '$other' AND relname = 't'))
	UNION ALL
	(SELECT nspname, n, what FROM shape WHERE nspname = '$other' AND relname = 't'
		AND (n, what) NOT IN (SELECT n, what FROM shape WHERE nspname = 'online' AND relname = 't'))) AS d
ORDER BY 1"),
		'',
		"$name: the definition is that of $other");
	return is(
		query(
			$node,
			"SELECT count(*) FROM ((SELECT t::text FROM online.t EXCEPT ALL SELECT t::text FROM $other.t) UNION ALL (SELECT t::text FROM $other.t EXCEPT ALL SELECT t::text FROM online.t)) AS d"
		),
		'0',
		"$name: the rows are those of $other");
}

sub make
{
	my ($table) = @_;

	foreach my $schema (qw(online plain before))
	{
		query($node,
			"DROP TABLE IF EXISTS $schema.t CASCADE; SET search_path = $schema, public; $table"
		);
	}
	return;
}

sub try
{
	my ($name, $table, $change, %more) = @_;
	my $writes = $more{writes} // '';
	my $action;

	make($table);
	query($node, "SET search_path = public; ALTER TABLE plain.t $change");
	$action = query($node,
		"SELECT action FROM pgmigrate.rebuild('online.t', \$c\$$change\$c\$)");
	if ($more{for_good})
	{
		is($action, 'finalized', "$name: for good");
		same('plain', $name);
		return;
	}
	is($action, 'switched', "$name: switched");
	same('plain', $name);
	query($node, "SET search_path = $_, public; $writes")
	  foreach qw(online plain);
	same('plain', "$name, written to");
	query($node, "SET search_path = before, public; $writes");
	is( query($node,
			'SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations))'
		),
		'reverted',
		"$name: reverted");
	same('before', "$name, reverted");
	return;
}

my %keys = (
	'integer' => 'g',
	'bigint' => 'g',
	'text' => "'key ' || g",
	'varchar(20)' => "'key ' || g",
	'uuid' => "md5(g::text)::uuid",
	'numeric' => 'g / 10.0',
	'timestamptz' => "'2020-01-01'::timestamptz + g * interval '1 min'",
	'bytea' => "decode(md5(g::text), 'hex')",
	'char(12)' => "g::text",
	'date' => "'2020-01-01'::date + g",
	'float8' => 'g / 3.0',
	'"char"[]' => "ARRAY[left(g::text, 1), right(g::text, 1), md5(g::text)::\"char\"]::\"char\"[] || g::text::\"char\"");
my %changes = (
	'int to bigint' => [ 'int', 'g', 'bigint', 'v + 1' ],
	'smallint to int' => [ 'smallint', 'g', 'int', 'v + 1' ],
	'int to numeric' => [ 'int', 'g', 'numeric', 'v + 1' ],
	'int to text' => [ 'int', 'g', 'text', "'77'" ],
	'varchar to text' => [ 'varchar(30)', "repeat('v', g % 30)", 'text', "'v'" ],
	'text to varchar' => [ 'text', "repeat('v', g % 30)", 'varchar(50)', "'w'" ],
	'numeric scale' => [ 'numeric(10,2)', 'g / 3.0', 'numeric(12,4)', '1.5' ],
	'enum to text' => [ 'mood', "CASE WHEN g % 2 = 0 THEN 'low' ELSE 'high' END::mood", 'text', "'low'" ],
	'text to enum' => [ 'text', "CASE WHEN g % 2 = 0 THEN 'low' ELSE 'high' END", 'mood USING v::mood', "'low'" ],
	'text to int' => [ 'text', 'g::text', 'int USING v::int', "'12'" ],
	'int to bool' => [ 'int', 'g % 2', 'boolean USING v <> 0', undef ],
	'timestamp to timestamptz' => [ 'timestamp', "'2020-01-01'::timestamp + g * interval '1 hour'", 'timestamptz', "'2021-01-01'" ],
	'json to jsonb' => [ 'json', "json_build_object('a', g)", 'jsonb', "'{\"b\": 1}'" ],
	'to a domain' => [ 'int', 'g', 'small', 'v + 1' ],
	'collation' => [ 'text', "'v' || g", 'text COLLATE "C"', "'w'" ]);

# each key with one change, each change with one key
foreach my $type (sort keys %keys)
{
	next if $type eq '"char"[]';
	my ($from, $value, $to, $new) = @{ $changes{'int to bigint'} };

	try("key $type", "
CREATE TABLE t (pad int, k $type PRIMARY KEY, v $from NOT NULL, w text DEFAULT 'w');
INSERT INTO t SELECT g, $keys{$type}, $value, repeat('w', g) FROM generate_series(1, $rows) g;
CREATE INDEX ON t (v, k); ALTER TABLE t DROP COLUMN pad", "ALTER COLUMN v TYPE $to",
		writes => "UPDATE t SET v = $new WHERE v % 3 = 0; DELETE FROM t WHERE v % 7 = 0"
	);
}
foreach my $change (sort keys %changes)
{
	my ($from, $value, $to, $new) = @{ $changes{$change} };

	try($change, "
CREATE TABLE t (a int, v $from, b text, PRIMARY KEY (b, a));
INSERT INTO t SELECT g, $value, 'b' || g FROM generate_series(1, $rows) g;
INSERT INTO t SELECT g + 1000, NULL, 'null' FROM generate_series(1, 5) g", "ALTER COLUMN v TYPE $to",
		writes => $new ? "UPDATE t SET v = $new WHERE a % 3 = 0" : 'DELETE FROM t WHERE a % 3 = 0'
	);
}

my $plain_table = "
CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int NOT NULL DEFAULT 3 CHECK (v > 0),
	u text UNIQUE, d int, gone text, e text, r int4range, EXCLUDE USING gist (r WITH &&));
ALTER TABLE t ALTER COLUMN e SET STORAGE EXTERNAL;
INSERT INTO t (v, u, d, gone, e, r) SELECT g, 'u' || g, g, 'gone', repeat('e', 3000), int4range(g, g + 1) FROM generate_series(1, $rows) g;
ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN late int DEFAULT 42;
CREATE INDEX t_part ON t (d) WHERE v > 10; CREATE INDEX t_expr ON t (abs(v), half(d), lower(u)) INCLUDE (d);
CREATE INDEX t_gin ON t USING gin (to_tsvector('simple', u)); CREATE INDEX t_brin ON t USING brin (d) WITH (pages_per_range = 4);
CREATE INDEX t_hash ON t USING hash (u); COMMENT ON INDEX t_part IS 'kept'; COMMENT ON TABLE t IS 'table';
ALTER TABLE t CLUSTER ON t_pkey; ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (d > 0); GRANT SELECT ON t TO PUBLIC";
my $writes = "UPDATE t SET v = v + 1, u = u || '!' WHERE d % 5 = 0; DELETE FROM t WHERE d % 11 = 0;
INSERT INTO t (v, u, d, r) SELECT 7, 'new' || g, g, int4range(10000 + g, 10001 + g) FROM generate_series(1000, 1010) g";

try('a table with everything', $plain_table,
	'ALTER COLUMN id TYPE bigint, ALTER COLUMN v TYPE bigint',
	writes => $writes);
try('a new column', $plain_table,
	"ADD COLUMN n text NOT NULL DEFAULT 'n', ADD COLUMN m int, ADD CHECK (d > 0)",
	writes => $writes);
try('storage', $plain_table,
	'SET (fillfactor = 60), ALTER COLUMN u SET STORAGE EXTERNAL, ALTER COLUMN d SET STATISTICS 7',
	writes => $writes);
try('nulls', $plain_table,
	'ALTER COLUMN v DROP NOT NULL, ALTER COLUMN v DROP DEFAULT, ALTER COLUMN d SET NOT NULL, ALTER COLUMN late TYPE bigint',
	writes => $writes);
try('generated', "
CREATE TABLE t (id int PRIMARY KEY, a int, b int, s int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO t SELECT g, g, g FROM generate_series(1, $rows) g",
	'ALTER COLUMN b TYPE bigint, ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED',
	writes => 'UPDATE t SET a = 0, b = 5 WHERE id % 3 = 0');
# rows from before a check was made do not have to fulfil it
try('checks that are not valid', "CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t SELECT g, g, -g FROM generate_series(1, $rows) g;
ALTER TABLE t ADD CONSTRAINT positive CHECK (w > 0) NOT VALID, ADD CONSTRAINT few CHECK (v < 5) NOT VALID, ADD CHECK (id > 0)",
	'ALTER COLUMN v TYPE bigint, ADD CONSTRAINT far CHECK (w > 1000) NOT VALID',
	writes => 'UPDATE t SET w = 5000, v = 1 WHERE id % 3 = 0');
try('unlogged', "CREATE UNLOGGED TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT g, g FROM generate_series(1, $rows) g",
	'ALTER COLUMN v TYPE bigint', writes => 'DELETE FROM t WHERE id < 20');
try('no way back', "CREATE TABLE t (id int PRIMARY KEY, v point);
INSERT INTO t SELECT g, point(g, g) FROM generate_series(1, $rows) g",
	'ALTER COLUMN v TYPE boolean USING v[0] > 5', for_good => 1);

# What cannot be done says why, and leaves nothing.
sub refused
{
	my ($name, $table, $change, $pattern) = @_;

	make($table);
	fails($node, "SELECT pgmigrate.rebuild('online.t', \$c\$$change\$c\$)",
		$pattern, $name);
	is( query(
			$node,
			"SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\\_online%'"
		),
		'0',
		"$name: nothing is left");
	same('before', $name);
	return;
}

refused('no key', 'CREATE TABLE t (v int)', 'ALTER v TYPE bigint',
	qr/it has no primary key/);
refused('a materialized view', 'CREATE TABLE t (id int PRIMARY KEY, v int); CREATE MATERIALIZED VIEW w AS SELECT v FROM t',
	'ALTER v TYPE bigint', qr/column "v" is used by rule/);
refused('inheritance', 'CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE u () INHERITS (t)',
	'ALTER v TYPE bigint', qr/inheritance/);
query($node, "DROP TABLE $_.u, $_.t CASCADE") foreach qw(online plain before);
refused('a partitioned table', 'CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)',
	'ALTER v TYPE bigint', qr/has no partitions/);
refused('deferrable', 'CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE DEFERRABLE)',
	'ALTER v TYPE bigint', qr/is deferrable/);
refused('a foreign key of a partitioned table', 'CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE f (t int REFERENCES t) PARTITION BY LIST (t)',
	'ALTER id TYPE bigint', qr/foreign key "f_t_fkey" of partitioned table/);
query($node, "DROP TABLE $_.f") foreach qw(online plain before);
refused('volatile', 'CREATE TABLE t (id int PRIMARY KEY, v int)',
	'ADD COLUMN r float8 DEFAULT random()', qr/is volatile/);
refused('a serial column', 'CREATE TABLE t (id int PRIMARY KEY, v int)',
	'ADD COLUMN r serial', qr/is volatile/);
refused('another statement', 'CREATE TABLE t (id int PRIMARY KEY, v int)',
	'RENAME v TO w', qr/the statement is not ALTER TABLE/);
refused('two statements', 'CREATE TABLE t (id int PRIMARY KEY, v int)',
	'ALTER v TYPE bigint; DROP TABLE public.mark', qr/more than subcommands/);
refused('a value that does not fit', 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 70000)',
	'ALTER v TYPE smallint', '22003');
refused('a row that violates', 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 70000)',
	'ADD CHECK (v < 5)', '23514');
refused('keys that become the same', 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (2), (3)',
	'ALTER id TYPE int USING id / 2', '23505');
refused('syntax', 'CREATE TABLE t (id int PRIMARY KEY)', 'nonsense', '42601');
fails($node, 'BEGIN; SELECT pgmigrate.rebuild(\'online.t\')',
	'25001', 'in a transaction');
fails($node, 'SELECT pgmigrate.revert(99999)', '42704', 'no such operation');
fails($node, 'SELECT pgmigrate.finalize(99999)', '42704', 'no such one');
fails($node, 'SELECT pgmigrate.online_row()', '0A000|39P01', 'no trigger');

log_is_clean($node);
$node->stop;

done_testing();
