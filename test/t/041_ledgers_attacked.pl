
# Copyright (c) 2026, pgmigrate developers

# Tables that look like ledgers belong to others, who may do with them what
# they like, and when they like: nothing of theirs runs with other rights than
# their own, and nobody has to wait for them.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('ledgers_attacked');

query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE ROLE olga LOGIN;
CREATE SCHEMA mal AUTHORIZATION mallory;
CREATE SCHEMA app AUTHORIZATION olga;
SELECT pgmigrate.grant_access('olga', 'operator');
SQL

sub as_mallory
{
	my ($sql) = @_;

	return notices($node, $sql,
		extra => [ '-d', $node->connstr('postgres') . ' user=mallory' ]);
}

sub as_olga
{
	my ($sql) = @_;

	return notices($node, $sql,
		extra => [ '-d', $node->connstr('postgres') . ' user=olga' ]);
}

sub mallory_is_nobody
{
	my ($name) = @_;

	is(query($node, "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"),
		'f', "$name: mallory has no more rights");
	query($node, 'ALTER ROLE mallory NOSUPERUSER');
	return;
}

# Waits for a lock by asking again and again.
sub polls
{
	my ($like) = @_;

	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND wait_event_type = 'Extension' AND query LIKE '%$like%'"
	);
	return;
}

is( as_mallory(<<'SQL'), '', 'mallory is prepared');
CREATE FUNCTION mal.pwn() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'ALTER ROLE mallory SUPERUSER';
	RETURN false;
EXCEPTION WHEN OTHERS THEN RETURN false;
END $$;
GRANT ALL ON SCHEMA mal TO PUBLIC;
SQL

# A table at the check, a view at the use.
as_mallory('CREATE TABLE mal.schema_migrations (version bigint, dirty boolean); GRANT ALL ON mal.schema_migrations TO PUBLIC;');
my $swap = <<'SQL';
BEGIN;
ALTER TABLE mal.schema_migrations RENAME TO old;
CREATE VIEW mal.schema_migrations AS SELECT 1::bigint AS version, false AS dirty WHERE mal.pwn();
GRANT ALL ON mal.schema_migrations TO PUBLIC;
SQL
my $unswap = 'DROP VIEW mal.schema_migrations; ALTER TABLE mal.old RENAME TO schema_migrations';
my $mallory = session($node, user => 'mallory');
my $victim = session($node);
$mallory->query($swap);
is( $victim->query('SELECT tool, state, detail, rows FROM pgmigrate.detect_ledgers()'),
	'golang-migrate|unreadable|it is locked by another session|',
	'a locked table is told at once');
$victim->send("SELECT * FROM pgmigrate.adopt('golang-migrate')");
polls('adopt');
$mallory->query('COMMIT');
$victim->fails_with('42P01', 'a table that was renamed while it was waited for');
mallory_is_nobody('swapped for a view');
$victim->query("SELECT * FROM pgmigrate.adopt('golang-migrate', 'mal.schema_migrations')");
mallory_is_nobody('a view');
is($victim->query('SELECT count(*) FROM pgmigrate.detect_ledgers()'),
	0, 'a view is no ledger');
$mallory->query($unswap);

# The schema goes from under the table, which takes no lock on it.
query($node, 'GRANT CREATE ON DATABASE postgres TO mallory');
$mallory->query('ALTER SCHEMA mal RENAME TO mal2');
is($victim->query('SELECT ledger, state FROM pgmigrate.detect_ledgers()'),
	'mal2.schema_migrations|clean', 'a schema of another name');
$mallory->query('ALTER SCHEMA mal2 RENAME TO mal');

# A lock that is kept.
$mallory->query('BEGIN; LOCK TABLE mal.schema_migrations');
$victim->send("SET pgmigrate.lock_deadline = '500ms'; SELECT * FROM pgmigrate.adopt('golang-migrate')");
$victim->fails_with('55P03', 'adopt() does not wait for ever');
like(
	$victim->err,
	qr/DETAIL:  Process \d+ of role "mallory" holds AccessExclusiveLock on it/,
	'and says who is in the way');
$victim->query('RESET pgmigrate.lock_deadline');
$mallory->query('ROLLBACK');

# Row security: what its policy calls is not called.
$mallory->query('ALTER TABLE mal.schema_migrations ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON mal.schema_migrations USING (mal.pwn())');
query($node, "CREATE TABLE app.goose_db_version (id serial, version_id bigint, is_applied boolean); GRANT ALL ON app.goose_db_version TO olga");
my $olga = session($node, user => 'olga');
is( $olga->query('SELECT tool, state, detail FROM pgmigrate.detect_ledgers() ORDER BY tool'),
	"golang-migrate|unreadable|row security applies to it\ngoose|clean|",
	'row security stops nobody');
mallory_is_nobody('row security');
$mallory->query('ALTER TABLE mal.schema_migrations FORCE ROW LEVEL SECURITY');
is($victim->query("SELECT state FROM pgmigrate.detect_ledgers() WHERE tool = 'golang-migrate'"),
	'unreadable', 'forced row security, to a superuser');
mallory_is_nobody('forced row security');
$mallory->query('DROP TABLE mal.schema_migrations');

# Odd types: an error of one look-alike is not an error of all.
$mallory->query(<<'SQL');
CREATE TABLE mal.patches (patch_name xml, applied_tsz xml, requires text[], conflicts text[]);
CREATE TABLE mal._prisma_migrations (id int, checksum int, finished_at json, migration_name json, rolled_back_at json, started_at json, applied_steps_count int);
CREATE TABLE mal.__diesel_schema_migrations (version json, run_on json);
CREATE TABLE mal.changes (change_id int, script_hash int, change xml, project xml, note text, committed_at xml);
GRANT ALL ON ALL TABLES IN SCHEMA mal TO PUBLIC;
SQL
is( $victim->query('SELECT tool, state FROM pgmigrate.detect_ledgers() ORDER BY tool COLLATE "C"'),
	"diesel|clean\ngoose|clean\nprisma|clean\nsqitch|unreadable\nversioning|clean",
	'odd look-alikes');
$mallory->query('DROP TABLE mal.patches, mal._prisma_migrations, mal.__diesel_schema_migrations, mal.changes');

# A cast of mallory's own.
$mallory->query(<<'SQL');
CREATE TYPE mal.note_t AS (x int);
CREATE FUNCTION mal.to_note(mal.note_t) RETURNS text LANGUAGE sql AS $$ SELECT mal.pwn()::text $$;
CREATE CAST (mal.note_t AS text) WITH FUNCTION mal.to_note(mal.note_t);
CREATE TABLE mal.changes (change_id text, script_hash text, change text, project text, committed_at timestamptz, note mal.note_t);
INSERT INTO mal.changes VALUES ('1', 'h', 'first', 'p', now(), ROW(1)::mal.note_t);
GRANT SELECT ON mal.changes TO PUBLIC;
SQL
is( $victim->query("SELECT state, detail FROM pgmigrate.detect_ledgers() WHERE tool = 'sqitch'"),
	'unreadable|column "note" has type mal.note_t, which is not built in',
	'a type of mallory');
$victim->send("SELECT * FROM pgmigrate.adopt('sqitch')");
$victim->fails_with('55000', 'is not read');
mallory_is_nobody('a cast');

# Numbers where texts are expected.
$mallory->query(<<'SQL');
DROP TABLE mal.changes;
CREATE TABLE mal.changes (change_id bigint, script_hash bigint, change text, project text, committed_at timestamptz, note text);
INSERT INTO mal.changes VALUES (1, 4660, 'first', 'p', now(), 'n');
CREATE TABLE mal.dependencies (change_id bigint, type text, dependency_id bigint);
GRANT SELECT ON mal.changes, mal.dependencies TO PUBLIC;
SQL
is($olga->query("SELECT version, revision, action FROM pgmigrate.adopt('sqitch')"),
	'first|first|imported', 'numbers are read as texts');
$mallory->query('DROP TABLE mal.changes, mal.dependencies');
$olga->send("SELECT * FROM pgmigrate.adopt('goose', 4294967295::regclass)");
$olga->fails_with('42P01', 'a table that never was');

# SQL out of a ledger is that of the ledger's owner.
$mallory->query(<<'SQL');
CREATE TABLE mal.schema_migrations (version text, statements text[], name text);
INSERT INTO mal.schema_migrations VALUES ('20240101000000', '{ALTER ROLE mallory SUPERUSER}', 'x');
GRANT SELECT ON mal.schema_migrations TO PUBLIC;
SQL
$victim->query("SELECT * FROM pgmigrate.adopt('supabase')");
is( query($node, "SELECT author, upgrade FROM pgmigrate.revision WHERE id = '20240101000000'"),
	"mallory|ALTER ROLE mallory SUPERUSER;\n", 'SQL has an author');
$victim->query("SET client_min_messages = error; SELECT pgmigrate.stamp('base')");
$victim->send("SELECT * FROM pgmigrate.upgrade('20240101000000')");
$victim->fails_with('42501', 'and is not run');
mallory_is_nobody('SQL of a ledger');
$mallory->query('DROP TABLE mal.schema_migrations');
query($node, 'DELETE FROM pgmigrate.head; DELETE FROM pgmigrate.applied; DELETE FROM pgmigrate.revision');

# A mirrored table of a superuser, in a schema of mallory.
sub mirrored
{
	query($node, <<'SQL');
DROP TABLE IF EXISTS mal.schema_migrations;
CREATE TABLE mal.schema_migrations (version varchar(255) PRIMARY KEY);
GRANT ALL ON mal.schema_migrations TO PUBLIC;
SET client_min_messages = error;
SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations', mirror => true);
SQL
	return;
}

sub expect_broken
{
	my ($name) = @_;

	is(query($node, 'SELECT broken FROM pgmigrate.mirror'),
		'it was dropped, renamed or replaced', "$name: it is broken");
	like(
		as_olga("SELECT * FROM pgmigrate.upgrade()"),
		qr/^WARNING: .*table mal.schema_migrations is no longer kept in step.*nothing to do|nothing to do/ms,
		"$name: nobody is stopped");
	mallory_is_nobody($name);
	return;
}

my $replace = <<'SQL';
DROP TABLE mal.schema_migrations;
CREATE TABLE mal.schema_migrations (version varchar(255) PRIMARY KEY);
GRANT ALL ON mal.schema_migrations TO PUBLIC;
CREATE OR REPLACE FUNCTION mal.trg() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mal.pwn();
	RETURN NEW;
END $$;
CREATE TRIGGER t BEFORE INSERT ON mal.schema_migrations FOR EACH ROW EXECUTE FUNCTION mal.trg();
SQL

mirrored();
query($node, "SET ROLE olga; SELECT pgmigrate.revision('1', 'CREATE TABLE app.t1 ()', id => '101')");
$mallory->query("BEGIN; $replace");
$olga->send("SELECT revision, state FROM pgmigrate.upgrade()");
poll($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND wait_event_type = 'Extension'");
$mallory->query('COMMIT');
is($olga->result, '101|done', 'replaced while a run waits for it');
like(
	$olga->err,
	qr/WARNING: .*table mal.schema_migrations is no longer kept in step/,
	'a warning');
is(query($node, 'SELECT count(*) FROM mal.schema_migrations'),
	0, 'the other table is not written');
expect_broken('replaced in a run');
is(as_olga("SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations')") =~
	  /no longer kept in step, and was not adopted/ ? 1 : 0, 1, 'an operator ends it');
is(query($node, 'SELECT count(*) FROM pgmigrate.mirror'), 0, 'it is ended');

# replaced in the middle of a step, which holds the lock
mirrored();
query($node, "SET ROLE olga; SELECT pgmigrate.revision('2', 'SELECT pg_sleep(2)', id => '102')");
$olga->send("SELECT revision, state FROM pgmigrate.upgrade()");
worker_waits($node, 'PgSleep');
$mallory->send($replace);
is($olga->result, '102|done', 'while a step is at work');
$mallory->result;
is(query($node, 'SELECT count(*) FROM mal.schema_migrations'),
	0, 'what takes its place is not written');
mallory_is_nobody('replaced while a step is at work');

# dropped, or with its schema renamed
mirrored();
query($node, "SET ROLE olga; SELECT pgmigrate.revision('3', 'CREATE TABLE app.t3 ()', id => '103')");
$mallory->query('DROP TABLE mal.schema_migrations');
is($olga->query("SELECT revision, state FROM pgmigrate.upgrade()"),
	'103|done', 'dropped');
expect_broken('dropped');
query($node, "SET ROLE olga; SELECT pgmigrate.revision('4', 'CREATE TABLE app.t4 ()', id => '104')");
like(as_olga('SELECT pgmigrate.upgrade()'),
	qr/WARNING: .*no longer kept in step/, 'each run says so');
like(as_olga("SELECT pgmigrate.adopt('dbmate', 'schema_migrations', mirror => false)"),
	qr/NOTICE: .*no longer kept in step, and was not adopted/,
	'ended by the name of a table that is gone');
is(query($node, 'SELECT count(*) FROM pgmigrate.mirror'), 0, 'it is ended');
mirrored();
$mallory->query("ALTER SCHEMA mal RENAME TO mal2; CREATE SCHEMA mal; GRANT ALL ON SCHEMA mal TO PUBLIC; CREATE VIEW mal.schema_migrations AS SELECT mal2.pwn()::text::varchar(255) AS version");
query($node, "SET ROLE olga; SELECT pgmigrate.revision('5', 'CREATE TABLE app.t5 ()', id => '105')");
is($olga->query("SELECT revision, state FROM pgmigrate.upgrade()"),
	'105|done', 'its schema is renamed');
expect_broken('its schema is renamed');
$mallory->query('DROP SCHEMA mal CASCADE; ALTER SCHEMA mal2 RENAME TO mal');

# a lock that is kept: a bounded wait, and who has it
mirrored();
query($node, "SET ROLE olga; SELECT pgmigrate.revision('6', 'CREATE TABLE app.t6 ()', id => '106')");
query($node, 'ALTER TABLE mal.schema_migrations OWNER TO mallory');
$mallory->query('BEGIN; LOCK TABLE mal.schema_migrations');
$olga->send("SET pgmigrate.lock_deadline = '1s'; SELECT pgmigrate.upgrade()");
$olga->fails_with('55P03', 'a lock that is kept');
like($olga->err, qr/DETAIL:  Process \d+ of role "mallory" holds/,
	'and who keeps it');
like(as_olga("SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations')"),
	qr/NOTICE: .*no longer kept in step.*it is locked/s,
	'a mirroring into a locked table can be ended');
is($olga->query('SELECT revision, state FROM pgmigrate.upgrade()'),
	'106|done', 'and all go on');
$mallory->query('ROLLBACK');

# a right that is revoked
mirrored();
query($node, "SET ROLE olga; SELECT pgmigrate.revision('7', 'CREATE TABLE app.t7 ()', id => '107')");
query($node, 'REVOKE ALL ON mal.schema_migrations FROM PUBLIC; REVOKE ALL ON SCHEMA mal FROM PUBLIC');
fails($node, "SET ROLE olga; SELECT pgmigrate.upgrade()", '42501', 'a right that is revoked');
like(as_olga("SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations')"),
	qr/NOTICE: .*no longer kept in step/, 'is no reason to keep on');
query($node, 'GRANT ALL ON SCHEMA mal TO PUBLIC; DROP TABLE mal.schema_migrations');
query($node, 'DROP TABLE app.goose_db_version');

# Every tool, with columns of every type: nothing crashes, nothing of mallory's
# runs, whatever is said to it.
my $source = slurp_file(($ENV{TESTDIR} // '.') . '/src/store/other_tools.c');
my @tools;
while ($source =~ /\.name = "([^"]+)",\s*\.table = "([^"]+)",\s*\.columns = ((?:"[^"]*"\s*)+),/g)
{
	my ($name, $table, $columns) = ($1, $2, $3);

	$columns = join '', $columns =~ /"([^"]*)"/g;
	$columns =~ s/\($/(255)/;
	push @tools, [ $name, $table, $columns ];
}
cmp_ok(scalar @tools, '>', 25, 'tools are found');
as_mallory(<<'SQL');
CREATE SEQUENCE mal.ran;
CREATE FUNCTION mal.spy(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('mal.ran'); PERFORM mal.pwn(); RETURN true; END $$;
CREATE DOMAIN mal.d_text AS text CHECK (mal.spy(VALUE));
CREATE DOMAIN mal.d_int AS int CHECK (mal.spy(VALUE::text));
CREATE TYPE mal.pair AS (a int, b text);
CREATE TYPE mal.mood AS ENUM ('1', '2');
CREATE TYPE mal.span AS RANGE (subtype = text);
CREATE FUNCTION mal.from_pair(mal.pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.spy('x'); RETURN '1'; END $$;
CREATE FUNCTION mal.from_mood(mal.mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.spy('x'); RETURN '1'; END $$;
CREATE FUNCTION mal.bool_from_mood(mal.mood) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.spy('x'); RETURN true; END $$;
CREATE CAST (mal.pair AS text) WITH FUNCTION mal.from_pair(mal.pair) AS IMPLICIT;
CREATE CAST (mal.mood AS text) WITH FUNCTION mal.from_mood(mal.mood) AS IMPLICIT;
CREATE CAST (mal.mood AS boolean) WITH FUNCTION mal.bool_from_mood(mal.mood) AS IMPLICIT;
SQL
my %values = (
	integer => '1', bigint => '1', numeric => '1.5', boolean => 't',
	text => '1', 'varchar(9)' => '1', name => '1', bytea => '\x01',
	timestamptz => '2024-01-01', uuid => '00000000-0000-0000-0000-000000000001',
	json => '[1]', jsonb => '[1]', xml => '<a/>', point => '(1,1)',
	'text[]' => '{a,NULL}', 'bigint[]' => '{1}', 'mal.d_text' => '1',
	'mal.d_int' => '1', 'mal.pair' => '(1,x)', 'mal.mood' => '1',
	'mal.span' => '[a,b)', 'mal.d_text[]' => '{1}');
my $fuzz = '';
my $cases = 0;
foreach my $tool (@tools)
{
	my ($name, $table, $columns) = @$tool;

	foreach my $type (sort keys %values)
	{
		# with the types that the tool is told by, and without
		foreach my $typed (1, 0)
		{
			next unless $typed || ($columns =~ /:/ && $type =~ /mal|json$|text\[\]|numeric|^bigint$/);
			my (@columns, @values);

			foreach my $column (split /, */, $columns)
			{
				my ($c, $t) = split /:/, $column;

				$t = undef unless $typed;
				push @columns, "\"$c\" " . ($t // $type);
				push @values, !defined $t ? "'$values{$type}'"
				  : $t =~ /^text\[\]/ ? "'{x}'" : $t eq 'boolean' ? "'f'"
				  : $t eq 'bytea' ? "'\\x01'" : $t eq 'jsonb' ? "'{}'" : "'1'";
			}
			$cases++;
			$fuzz .= "SELECT fuzz(\$f\$$name\$f\$, \$f\$mal.\"$table\"\$f\$, \$f\$" . join(', ', @columns) . "\$f\$, \$f\$" . join(', ', @values) . "\$f\$);\n";
		}
	}
}
query($node, <<'SQL');
CREATE TABLE fuzzed (tool text, columns text, state text, adopted text, ran boolean);
CREATE FUNCTION fuzz(tool text, name text, columns text, row_values text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	now_is bigint;
	state_is text;
	message text := 'adopted';
BEGIN
	SET LOCAL client_min_messages = error;
	SET LOCAL ROLE mallory;
	EXECUTE format('CREATE TABLE %s (%s)', name, columns);
	EXECUTE format('INSERT INTO %s VALUES (%s)', name, row_values);
	RESET ROLE;
	SELECT last_value INTO before FROM mal.ran;
	SELECT string_agg(d.state, ',') INTO state_is FROM pgmigrate.detect_ledgers() d;
	BEGIN
		PERFORM * FROM pgmigrate.adopt(tool, name);
		RAISE EXCEPTION USING ERRCODE = 'ZZ001';
	EXCEPTION
		WHEN SQLSTATE 'ZZ001' THEN NULL;
		WHEN OTHERS THEN message := SQLSTATE;
	END;
	SELECT last_value INTO now_is FROM mal.ran;
	INSERT INTO fuzzed VALUES (tool, columns, state_is, message, before <> now_is);
	EXECUTE format('DROP TABLE %s', name);
END $$;
SQL
query($node, $fuzz);
is(query($node, 'SELECT count(*) FROM fuzzed'), $cases, "$cases look-alikes");
is(query($node, 'SELECT tool, columns FROM fuzzed WHERE ran LIMIT 5'),
	'', 'nothing of mallory has run');
mallory_is_nobody('look-alikes of all types');
is( query($node, "SELECT count(*) FROM fuzzed WHERE columns LIKE '%mal.%' AND (adopted = 'adopted' OR state = 'clean')"),
	0, 'types of mallory are refused');
cmp_ok(
	query($node, "SELECT count(*) FROM fuzzed WHERE adopted = 'adopted'"),
	'>', 100, 'others are adopted');
is(query($node, "SELECT DISTINCT adopted FROM fuzzed WHERE adopted LIKE 'XX%'"),
	'', 'no error is an internal one');
note query($node, 'SELECT adopted, count(*) FROM fuzzed GROUP BY 1 ORDER BY 2 DESC');

log_is_clean($node);
$node->stop;
done_testing();
