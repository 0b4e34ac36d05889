
# Copyright (c) 2026, pgmigrate developers

# Histories that begin with a dump of the schema, as Rails and dbmate keep one,
# and histories that only go up, as Atlas': end to end, beside the ledger of the
# old tool.  And the scripts for clients whose files the server does not see.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $revisions = 200;
my $node = new_node('baseline');
my $root = PostgreSQL::Test::Utils::tempdir();
my $tools = "$ENV{TESTDIR}/tools";

sub file
{
	my ($name, $contents) = @_;
	my $path = '';

	$path .= "/$1", mkdir "$root$path" while $name =~ m{\G([^/]+)/}gc;
	open my $fh, '>:raw', "$root/$name" or die "$name: $!";
	print $fh $contents;
	close $fh;
	return;
}

sub database
{
	my ($name) = @_;

	query($node, "CREATE DATABASE $name");
	query($node, 'CREATE EXTENSION pgmigrate', $name);
	return;
}

sub fingerprint
{
	my ($database) = @_;

	return query($node, "SELECT pgmigrate.fingerprint('{public}')", $database);
}

sub load
{
	my ($folder, $database, $format) = @_;

	return query($node, "SELECT action, count(*) FROM pgmigrate.load_directory('$root/$folder', '"
		  . ($format // 'auto') . "') GROUP BY 1 ORDER BY 1", $database);
}

sub version { return sprintf '2020%010d', $_[0] }

# What a revision of the old tool did.
sub up
{
	my ($i) = @_;

	return "CREATE TABLE t_$i (id serial PRIMARY KEY, state varchar(8) DEFAULT 'new' CHECK (state IN ('new', 'old')), parent int"
	  . ($i > 1 ? ' REFERENCES t_' . ($i - 1) : '') . ");\n"
	  . "CREATE INDEX ON t_$i (parent) WHERE state = 'new';\nCOMMENT ON TABLE t_$i IS 'it''s \$\$ number $i';\n";
}

my $later_up = "ALTER TABLE t_1 ADD later text;\nCREATE VIEW seen AS SELECT id, later FROM t_1;\n";
my $later_down = "DROP VIEW seen;\nALTER TABLE t_1 DROP later;\n";

# On top of what is applied: up, down, and up again.
sub goes_on
{
	my ($database, $name) = @_;
	my $before = fingerprint($database);

	query($node, "SELECT count(*) FROM pgmigrate.revision('later', \$q\$$later_up\$q\$, \$q\$$later_down\$q\$, id => '30000000000000')", $database);
	query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', $database);
	my $after = fingerprint($database);
	isnt($after, $before, "$name: a later revision is applied");
	query($node, "SELECT count(*) FROM pgmigrate.downgrade('-1')", $database);
	is(fingerprint($database), $before, "$name: taken back");
	query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', $database);
	is(fingerprint($database), $after, "$name: the same again");
	return;
}

# The database of a Rails application, with its ledger, as its server has it.
database('rails');
query($node, join('', map { up($_) } 1 .. $revisions)
	. "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN RETURN 'a; \\\\b'; END \$f\$;\n"
	. "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);\n"
	. "CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);\n"
	. "INSERT INTO schema_migrations SELECT to_char(20200000000000 + i, 'FM00000000000000') FROM generate_series(1, $revisions) AS i;\n",
	'rails');
$node->command_ok([ 'pg_dump', '-s', '-x', '-O', '-n', 'public', '-f', "$root/dump.sql", 'rails' ],
	'the dump that becomes structure.sql');
file('rails/structure.sql', slurp_file("$root/dump.sql")
	  . qq(\nSET search_path TO "\$user", public;\n\nINSERT INTO "schema_migrations" (version) VALUES\n)
	  . join(",\n", map { "('" . version($_) . "')" } reverse 1 .. $revisions) . ";\n\n");

# a new database is made from it
database('rails_new');
query($node, 'DROP SCHEMA public', 'rails_new');
is(load('rails', 'rails_new'), 'added|1', 'structure.sql: one revision');
is(query($node, 'SELECT revision FROM pgmigrate.heads()', 'rails_new'),
	version($revisions), 'its id is the newest version');
query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', 'rails_new');
query($node, 'COMMENT ON SCHEMA public IS NULL; COMMENT ON SCHEMA public IS ' .
	"'standard public schema'; ALTER SCHEMA public OWNER TO pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC",
	'rails_new');
is(fingerprint('rails_new'), fingerprint('rails'),
	'structure.sql: the schema is that of the dump');
is(query($node, 'SELECT count(*) FROM schema_migrations', 'rails_new'),
	$revisions, 'and so is the ledger');
goes_on('rails_new', 'a new Rails database');
fails($node, "\\c rails_new\nSELECT pgmigrate.downgrade('base')", '55000',
	'there is no way down below a dump');

# the live one is taken over where it stands
is(load('rails', 'rails'), 'added|1', 'the live database: loaded');
is(query($node, "SELECT action, count(*) FROM pgmigrate.adopt('rails', mirror => true) GROUP BY 1 ORDER BY 1", 'rails'),
	"known|1\nskipped|" . ($revisions - 1), 'adopted: the newest version is the dump');
is(query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', 'rails'), '0',
	'nothing is left to do');
goes_on('rails', 'the live Rails database');
is(query($node, 'SELECT max(version) FROM schema_migrations', 'rails'),
	'30000000000000', 'Rails sees it too');
is(fingerprint('rails'), fingerprint('rails_new'), 'both are the same');

# Atlas: files that only go up, their sum, a ledger with hashes.
file('atlas/' . version($_) . "_step_$_.sql", up($_)) foreach 1 .. $revisions;
file('atlas/atlas.sum', "h1:abc=\n"
	  . join('', map { version($_) . "_step_$_.sql h1:abc=\n" } 1 .. $revisions));
database('atlas');
is(load('atlas', 'atlas'), "added|$revisions\nskipped|1", 'Atlas: all are added');
query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', 'atlas');
goes_on('atlas', 'Atlas');
my $fingerprint = fingerprint('atlas');
database('atlas_live');
query($node, join('', map { up($_) } 1 .. $revisions) . <<SQL, 'atlas_live');
CREATE SCHEMA atlas_schema_revisions;
CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);
INSERT INTO atlas_schema_revisions.atlas_schema_revisions SELECT to_char(20200000000000 + i, 'FM00000000000000'), 'step', 2, 3, 3, now(), 1, '', '', 'h', NULL, 'v' FROM generate_series(1, $revisions) AS i;
SQL
load('atlas', 'atlas_live');
is(query($node, "SELECT action, count(*) FROM pgmigrate.adopt('atlas') GROUP BY 1", 'atlas_live'),
	"known|$revisions", 'Atlas: the ledger is known');
goes_on('atlas_live', 'the live Atlas database');
is(fingerprint('atlas_live'), $fingerprint, 'both are the same');

# The scripts for clients: as many files, one psql, the same bytes.
my $text = "-- migrate:up\nSELECT E'a\\\\b\\tc', 'x\ty' -- \\. \\n \r\n;\n-- migrate:down\nSELECT 1;\n";
file("client/2021000000000${_}_a=b.sql", $text) foreach 1 .. 3;
file("client/sub dir/20210000000004_it's.sql", "-- migrate:up\nSELECT 'no newline at the end'");
file('client/.hidden/20210000000005_x.sql', 'not looked at');
file('client/README', 'nor is this');
database('client');
$node->command_like(
	[ "$tools/pgmigrate-load", '-F', 'dbmate', "$root/client", '-d', 'client' ],
	qr/^(added 2021\d+ \S.*\n){4}head 20210000000004\n$/, 'pgmigrate-load: four are added');
database('server');
load('client', 'server', 'dbmate');
my $contents = 'SELECT id, message, upgrade, downgrade, digest FROM pgmigrate.revision ORDER BY id';
is(query($node, $contents, 'client'), query($node, $contents, 'server'),
	'pgmigrate-load: what load_directory() stores');
$node->command_like(
	[ "$tools/pgmigrate-load", '-F', 'dbmate', "$root/client", '-d', 'client' ],
	qr/^(unchanged .*\n){4}head .*\n$/, 'pgmigrate-load: a second time none');
$node->command_ok(
	[ "$tools/pgmigrate-export", "$root/exported", '-d', 'client' ],
	'pgmigrate-export');
database('again');
$node->command_like(
	[ "$tools/pgmigrate-load", "$root/exported", '-d', 'again' ],
	qr/^(added .*\n){4}head .*\n$/, 'what was exported is loaded');
is(query($node, $contents, 'again'), query($node, $contents, 'server'),
	'and is the same');
file('empty/1_a.up.sql', '');
file('empty/1_a.down.sql', "SELECT 1;\n");
database('empty');
{
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	$node->command_like(
		[ "$tools/pgmigrate-load", "$root/empty", '-d', 'empty' ],
		qr/^added 1 /, 'an empty file is one too');
}
file('broken/1_a.up.sql', "SELECT 1;\n");
file('broken/1_a.down.sql', "SELECT 1;\n");
file('broken/2_b.up.sql', "SELECT 1;\nSELEKT;\n");
$node->command_fails_like(
	[ "$tools/pgmigrate-load", "$root/broken", '-d', 'empty' ],
	qr/syntax error.*line 2 of file "2_b.up.sql"/s, 'an error names its line');
SKIP:
{
	skip 'root reads every file', 1 if $> == 0;
	file('broken/2_b.up.sql', "SELECT 2;\n");
	chmod 0, "$root/broken/2_b.up.sql";
	$node->command_fails_like(
		[ "$tools/pgmigrate-load", "$root/broken", '-d', 'empty' ],
		qr/2_b.up.sql/, 'an unreadable file');
}
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'empty'), '1',
	'nothing is half loaded');
log_is_clean($node);
done_testing();
