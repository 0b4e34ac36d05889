
# Copyright (c) 2026, pgmigrate developers

# What the model of a schema does not know: each difference of this kind is
# refused by name, of the catalog, its column and the row.  Some can be made by
# SQL, others only by hand in the catalogs, as a later server might have them.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('reader');

query($node, 'CREATE DATABASE present');
query($node, q{
CREATE EXTENSION pgmigrate;
CREATE EXTENSION hstore;
CREATE SCHEMA app;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE LANGUAGE plown HANDLER plpgsql_call_handler;
CREATE TABLE app.t (id int PRIMARY KEY, state varchar(9) CHECK (state IN ('a', 'b')), feels app.mood DEFAULT 'ok');
CREATE TABLE app.parent (id int) PARTITION BY LIST (id);
CREATE TABLE app.part PARTITION OF app.parent FOR VALUES IN (1);
CREATE TRIGGER touch AFTER INSERT ON app.parent FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE VIEW app.v AS SELECT id FROM app.t;
}, 'present');

sub generate
{
	my ($name, $sql) = @_;

	query($node, 'DROP DATABASE IF EXISTS desired');
	query($node, 'CREATE DATABASE desired TEMPLATE present');
	query($node, "SET allow_system_table_mods = on; $sql", 'desired');
	return $node->psql('present',
		"SELECT pgmigrate.autogenerate('$name', desired_database => 'desired')");
}

# A difference that only the catalogs have.
sub refused
{
	my ($name, $sql, $detail) = @_;
	my ($result, $stdout, $stderr) = generate($name, $sql);

	is($result, 3, "$name is refused");
	like($stderr, qr/ERROR:  the schemas have a difference that no SQL is generated for\nDETAIL:  $detail/,
		"$name is told by name");
	return;
}

my ($result, $stdout, $stderr) = generate('nothing', 'SELECT 1');
is("$result $stdout", '0 ', 'a copy is the same');
like($stderr, qr/nothing to do/, 'and there is nothing to do');

refused('comment on the rule of a view',
	q{COMMENT ON RULE "_RETURN" ON app.v IS 'x'},
	qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/);
refused('comment on the type of a table', q{COMMENT ON TYPE app.t IS 'x'},
	qr/Catalog "pg_description" should have a row for type app\.t/);
refused('privileges on the type of a table',
	'REVOKE USAGE ON TYPE app.t FROM PUBLIC',
	qr/Column "typacl" of catalog "pg_type" is null for app\.t, and should be/);
refused('comment on the trigger of a partition',
	q{COMMENT ON TRIGGER touch ON app.part IS 'x'},
	qr/Catalog "pg_description" should have a row for trigger touch on app\.part/);
refused('category of an enum',
	q{UPDATE pg_type SET typcategory = 'X' WHERE typname = 'mood'},
	qr/Column "typcategory" of catalog "pg_type" is 'E' for app\.mood, and should be 'X'/);
refused('row security of a view',
	q{UPDATE pg_class SET relrowsecurity = true WHERE relname = 'v'},
	qr/Column "relrowsecurity" of catalog "pg_class" is null for app\.v, and should be 'yes'/);
refused('check of an index at the end',
	q{UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'app.t_pkey'::regclass},
	qr/Column "indimmediate" of catalog "pg_index" is 'yes' for app\.t_pkey, and should be null/);
refused('a language that is none of procedures',
	q{UPDATE pg_language SET lanispl = false WHERE lanname = 'plown'},
	qr/Column "lanispl" of catalog "pg_language" is 'yes' for plown, and should be null/);
refused('a partition that is being detached',
	q{UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'app.part'::regclass},
	qr/Column "inhdetachpending" of catalog "pg_inherits" is null for app\.part, and should be 'yes'/);
refused('a rule of a view that is off',
	q{UPDATE pg_rewrite SET ev_enabled = 'D' WHERE ev_class = 'app.v'::regclass},
	qr/Column "ev_enabled" of catalog "pg_rewrite" is 'O' for app\.v\."_RETURN", and should be 'D'/);
refused('an extension that cannot be moved',
	q{UPDATE pg_extension SET extrelocatable = false WHERE extname = 'hstore'},
	qr/Column "extrelocatable" of catalog "pg_extension" is 'yes' for hstore, and should be null/);
refused('a table that goes with an extension',
	q{INSERT INTO pg_depend SELECT 'pg_class'::regclass, 'app.t'::regclass, 0, tableoid, oid, 0, 'x' FROM pg_extension WHERE extname = 'hstore'},
	qr/Catalog "pg_depend" should have a row for table app\.t\.extension hstore\.x/);

# Beside something that is generated it is not passed over either, nor where
# the present schema has it, which the upgrade would leave as it is.
refused('a comment beside a column',
	q{ALTER TABLE app.t ADD note text; COMMENT ON RULE "_RETURN" ON app.v IS 'x'},
	qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/);
query($node, q{COMMENT ON TYPE app.t IS 'x'}, 'present');
refused('what is there already',
	'ALTER TABLE app.t ADD note text',
	qr/Catalog "pg_description" should have a row for type app\.t/);

# What is left alone does not count, whether the model knows it or not.
query($node, q{ALTER DATABASE present SET pgmigrate.autogenerate_exclude = 'app.t'});
($result, $stdout, $stderr) = generate('left alone',
	q{COMMENT ON TYPE app.t IS 'y'; CREATE TABLE app.u (i int)});
is($result, 0, 'a comment on what is left alone') or diag($stderr);
like(query($node, "SELECT upgrade FROM pgmigrate.revision WHERE id = '$stdout'", 'present'),
	qr/^CREATE TABLE app\.u/, 'does not keep the rest from being generated');
query($node, 'ALTER DATABASE present RESET pgmigrate.autogenerate_exclude');
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'present'), '1',
	'nothing that was refused is stored');

# A text that tells of no privileges takes those that a schema has by default
# with it; the way back, which is judged too, makes them again.
query($node, q{
COMMENT ON TYPE app.t IS NULL;
CREATE SCHEMA gone;
ALTER DEFAULT PRIVILEGES IN SCHEMA gone GRANT SELECT ON TABLES TO PUBLIC;
SET pgmigrate.autogenerate_include = 'gone%, %gone';
SELECT pgmigrate.autogenerate('gone', 'SELECT 1', id => 'gone');
}, 'present');
like(query($node, "SELECT downgrade FROM pgmigrate.revision WHERE id = 'gone'", 'present'),
	qr/^CREATE SCHEMA gone;.*IN SCHEMA gone GRANT SELECT ON TABLES TO PUBLIC/s,
	'default privileges come back with their schema');
query($node, 'DROP SCHEMA gone', 'present');

# A text is judged as well; a dump of such a language is none that can be read.
query($node, 'DROP LANGUAGE plown', 'present');
my ($text) = run_command([ 'pg_dump', '-s', '-d', $node->connstr('present') ]);
foreach my $more ('', q{COMMENT ON RULE "_RETURN" ON app.v IS 'x';})
{
	($result, $stdout, $stderr) = $node->psql('present',
		"SELECT pgmigrate.autogenerate('text', \$desired\$$text$more\$desired\$)");
	is($result, $more eq '' ? 0 : 3, 'a text that is ' . ($more eq '' ? '' : 'not ') . 'the same');
	like($stderr, $more eq '' ? qr/nothing to do/ :
		  qr/Catalog "pg_description" should have a row for rule "_RETURN" on app\.v/,
		'and what is said of it');
}
is(query($node, "SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmigrate%'"),
	'0', 'no scratch database is left');

done_testing();
