
# Copyright (c) 2026, pgmigrate developers

# No role gains a right, or shows another one what it should not, by what it
# stores or leaves lying about.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rights');
my $dir = PostgreSQL::Test::Utils::tempdir();

query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE ROLE olga LOGIN;
CREATE ROLE vic LOGIN;
CREATE ROLE bystander LOGIN;
SELECT pgmigrate.grant_access('mallory', 'author');
SELECT pgmigrate.grant_access('olga', 'operator');
SELECT pgmigrate.grant_access('vic', 'viewer');
CREATE SCHEMA app AUTHORIZATION olga;
CREATE TABLE app.busy (i int);
GRANT USAGE ON SCHEMA app TO bystander;
GRANT SELECT ON app.busy TO bystander;
SQL

sub as
{
	my ($role, $sql) = @_;

	return notices($node, $sql,
		extra => [ '-qAt', '-d', $node->connstr('postgres') . " user=$role" ]);
}

sub superusers
{
	return query($node,
		"SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres' OR rolcreaterole AND NOT rolsuper"
	);
}

# A role without CONNECT: SET ROLE to it is all that it takes.
query($node, <<'SQL');
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO mallory, vic, bystander;
SQL
for my $execution ('auto', 'inline')
{
	query($node,
		"SET ROLE olga; SELECT pgmigrate.revision('c', 'CREATE TABLE app.$execution AS SELECT current_user::text AS c', 'SELECT 1', id => 'c_$execution')"
	);
	query($node,
		"SET ROLE olga; SET pgmigrate.execution = '$execution'; SELECT pgmigrate.upgrade()"
	);
	is(query($node, "SELECT c FROM app.$execution"), 'olga', "without CONNECT: $execution");
}
query($node,
	"SET ROLE olga; SELECT pgmigrate.revision('c', 'RESET ROLE; ALTER ROLE olga SUPERUSER', id => 'c_escape')"
);
fails($node, 'SET ROLE olga; SELECT pgmigrate.upgrade()', '42501',
	'and a worker that has logged in as another is guarded');
is(superusers(), '', 'nobody is more than before');
query($node, "SELECT pgmigrate.remove('c_escape')");

# So is all that a backfill runs, or the planner for it: each of these tries to
# become the session user, and says nothing if that fails.  What the planner runs
# is rolled back, but for a sequence.
query($node, <<'SQL');
CREATE SEQUENCE public.reached;
SET ROLE olga;
CREATE FUNCTION app.escape() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', 'none', false), nextval('public.reached');
	EXECUTE 'ALTER ROLE olga SUPERUSER';
	RETURN 1;
EXCEPTION WHEN OTHERS THEN
	RETURN 1;
END $$;
CREATE FUNCTION app.constant(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN app.escape(); END';
CREATE TABLE app.filled (id int PRIMARY KEY, v int);
INSERT INTO app.filled SELECT generate_series(1, 100);
SQL
for my $sql (
	'UPDATE app.filled SET v = 1 WHERE v IS NULL AND app.constant(id) = 1',
	'UPDATE app.filled SET v = app.constant(1) WHERE v IS NULL',
	q{SET pgmigrate.throttle_query = 'SELECT app.escape() = 0'; UPDATE app.filled SET v = 1 WHERE v IS NULL},
	'SET pgmigrate.on_row_error = quarantine; CREATE POLICY p ON app.filled USING (app.constant(id) = 1); ALTER TABLE app.filled ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; UPDATE app.filled SET v = 1 / (id - 50) WHERE v IS NULL'
  )
{
	query($node, <<SQL);
SET ROLE olga;
UPDATE app.filled SET v = NULL;
SELECT pgmigrate.revision('f', \$r\$$sql\$r\$, 'SELECT 1', id => 'f');
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.upgrade();
SQL
	is(superusers(), '', "nobody is more by $sql");
	is(query($node, 'SELECT is_called FROM public.reached'), 'f', 'or was, for a moment');
	is( query($node, "SELECT state FROM pgmigrate.operation WHERE revision = 'f' ORDER BY id DESC LIMIT 1"),
		'finalized', 'it was carried out');
	query($node, "SET ROLE olga; SELECT pgmigrate.downgrade('-1'); SELECT pgmigrate.remove('f')");
}
query($node, 'GRANT CONNECT ON DATABASE postgres TO olga');

# A script played by a superuser in the role of an operator.
as('olga',
	"SELECT pgmigrate.revision('r', 'RESET ROLE; ALTER ROLE olga SUPERUSER', id => 'r')");
my $script = query($node, "SELECT string_agg(s, E'\\n') FROM pgmigrate.script('head') s");
append_to_file("$dir/script.sql", $script);
for my $become ('SET ROLE olga', 'SET SESSION AUTHORIZATION olga')
{
	like(
		notices($node, "$become;\n\\i $dir/script.sql"),
		qr/ERROR:  42501: revision "r" was written by a role that does not have the privileges of role "postgres"/,
		"a script after $become");
	is(superusers(), '', 'nobody is more than before');
}
as('olga', "SELECT pgmigrate.remove('r')");

# A literal that looks like what a run says of itself.
for my $text (
	q{SELECT pg_advisory_xact_lock(1), 'waiting for AccessShareLock on "bad'},
	q{/* pgmigrate: x */ SELECT pg_advisory_xact_lock(1), '*/ waiting for AccessShareLock on "bad'},
	q{SELECT pg_advisory_xact_lock(1), '/* pgmigrate: x */ waiting for NoLock on a.b.c.d.e'})
{
	my $block = session($node);
	$block->query('SELECT pg_advisory_lock(1)');
	as('olga', "SELECT pgmigrate.revision('lt', \$r\$$text\$r\$, 'SELECT 1', id => 'lt')");
	my $run = session($node);
	$run->query('SET ROLE olga');
	$run->send('SELECT pgmigrate.upgrade()');
	worker_waits($node);
	unlike(as('vic', 'SELECT * FROM pgmigrate.lock_tree()'),
		qr/ERROR/, "lock_tree() while this runs: $text");
	$block->query('SELECT pg_advisory_unlock(1)');
	$run->result;
	as('olga', "SELECT pgmigrate.downgrade('-1'); SELECT pgmigrate.remove('lt')");
}

# What a blocker has in its query does not reach a terminal as it is.
my $blocker = session($node);
$blocker->query(
	"SET ROLE bystander; BEGIN; SELECT '\x1b[2J\x1b]0;title\x07', count(*) FROM app.busy /* \r over */");
as('olga', "SELECT pgmigrate.revision('b', 'ALTER TABLE app.busy ADD j int', 'SELECT 1', id => 'b')");
my $waiting = notices($node,
	"SET pgmigrate.lock_deadline = '2s'; SELECT pgmigrate.approve('b'); SELECT pgmigrate.upgrade()");
like($waiting, qr/could not get AccessExclusiveLock on relation app.busy/, 'it is in the way');
like($waiting, qr/\\x1b\[2J\\x1b\]0;title\\x07/, 'its query is written out');
unlike($waiting, qr/[\x1b\x07]|\r./, 'and not sent to the terminal');
$blocker->query('ROLLBACK');

# A right to refer to a table is one on its empty copy too.
query($node, <<'SQL');
CREATE TABLE app.secret (id int PRIMARY KEY);
GRANT USAGE ON SCHEMA app TO mallory;
CREATE SCHEMA mal AUTHORIZATION mallory;
SQL
my $refer = 'ALTER TABLE mal.probe ADD FOREIGN KEY (id) REFERENCES app.secret';
as('mallory', 'CREATE TABLE mal.probe (id int)');
my $lint = "SET SESSION AUTHORIZATION mallory; SELECT rule FROM pgmigrate.lint('$refer')";
like(query($node, $lint),
	qr/missing-privilege/, 'it is told as the table would refuse it');
query($node, 'GRANT REFERENCES ON app.secret TO mallory');
my $rules = query($node, $lint);
like($rules, qr/fk-inline/, 'with the right it is tried');
unlike($rules, qr/trial-fails/, 'and does not fail');
unlike(as('mallory', $refer), qr/ERROR/, 'nor on the table');

# Who may write all tables writes none of these, through no view either.
query($node, 'CREATE ROLE etl LOGIN; GRANT pg_write_all_data, pg_read_all_data TO etl; GRANT CONNECT ON DATABASE postgres TO etl');
for my $sql (
	"UPDATE pgmigrate.revision SET author = 'postgres', author_oid = 10",
	"UPDATE pgmigrate.revision SET approved_by_oid = 10, approved_digest = digest",
	"UPDATE pgmigrate.revision SET coauthor_oids = '{}', coauthors = '{}'",
	"UPDATE pgmigrate.revision SET roles_of = 0",
	"DELETE FROM pgmigrate.revision_change",
	"INSERT INTO pgmigrate.assessment (revision, digest, statements) VALUES ('b', 'x', '[]')",
	"COPY pgmigrate.applied FROM PROGRAM 'true'",
	"UPDATE pgmigrate.operations SET id = 1",
	"UPDATE pgmigrate.revisions SET message = 'x'")
{
	like(as('etl', $sql), qr/ERROR/, $sql);
}
is(query($node, "SELECT count(*) FROM pgmigrate.revision WHERE author_oid = 10"),
	'0', 'all is as it was');

# An author who has amended and stays in the transaction holds up nobody for
# longer than they want to wait.
query($node, 'CREATE ROLE deploy LOGIN; GRANT CONNECT ON DATABASE postgres TO deploy');
query($node, q{SELECT pgmigrate.grant_access('deploy', 'operator')});
query($node, "SELECT pgmigrate.remove('b')");
as('mallory', "SELECT pgmigrate.revision('held', 'SELECT 1', 'SELECT 1', id => 'held')");
as('olga', "SELECT pgmigrate.approve('held')");
my $author = session($node, user => 'mallory');
$author->query('BEGIN');
$author->query("SELECT pgmigrate.amend('held', message => 'mine')");
my $changing = 'stored revisions are being changed by process ' . $author->pid;
for my $call (
	'SELECT pgmigrate.upgrade()',
	"SET pgmigrate.execution = 'inline'; SELECT pgmigrate.upgrade()",
	"SELECT pgmigrate.approve('held')",
	"SELECT pgmigrate.remove('held')",
	"SELECT pgmigrate.revision('more', 'SELECT 1', id => 'more')")
{
	like(as('olga', "SET pgmigrate.lock_deadline = '100ms'; $call"),
		qr/ERROR:  55P03:.*$changing/s, "held up by an idle author: $call");
}
$author->query("PREPARE TRANSACTION E'held\\x1b[2J'");
like( as('olga', "SET pgmigrate.lock_deadline = '100ms'; SELECT pgmigrate.approve('held')"),
	qr/stored revisions are being changed by a prepared transaction\nDETAIL:  It is "held\\x1b\[2J"\.\nHINT:.* ROLLBACK PREPARED/,
	'held up by a prepared transaction');
query($node, "ROLLBACK PREPARED E'held\\x1b[2J'");
$author->quit;
unlike(as('olga', 'SELECT pgmigrate.upgrade()'), qr/ERROR/, 'and then no more');

# The run of a script in a session that is idle: who may end the session does.
sub begin_script
{
	my $player = session($node, user => 'olga');

	as('olga', "SELECT pgmigrate.revision('idle', 'SELECT 1', 'SELECT 1', id => 'idle')")
	  unless query($node, "SELECT count(*) FROM pgmigrate.revision WHERE id = 'idle'");
	$player->query(<<'SQL');
SELECT pgmigrate.script_begin('upgrade', 'idle', ARRAY(SELECT revision FROM pgmigrate.head), '{idle}',
	ARRAY(SELECT digest FROM pgmigrate.revision WHERE id = 'idle'))
SQL
	return $player;
}
my $cancel = 'SELECT pgmigrate.cancel((SELECT max(id) FROM pgmigrate.run))';
for my $before ('SELECT 1', 'BEGIN')
{
	my $idle = begin_script();
	$idle->query($before);
	fails($node, "SET SESSION AUTHORIZATION deploy; $cancel", '42501',
		"idle after $before: another role has no right to end it");
	is(query($node, "SET SESSION AUTHORIZATION olga; $cancel"),
		't', 'its own has');
	is_gone($idle->pid);
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		'interrupted', 'it is over');
	is(query($node, $cancel), 'f', 'there is nothing left to cancel');
}
my $player = begin_script();
$player->send(
	"/* pgmigrate: x statement 99999999999 of 2 */ SELECT pg_sleep(1000)");
poll($node,
	q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
is(query($node, 'SELECT run > 0 FROM pgmigrate.progress'),
	't', 'a query that looks like one of a run does not break progress');
is(query($node, $cancel), 't', 'cancel() of a statement of a script');
$player->fails_with('57014', 'it is cancelled');
is($player->query('SELECT 1'), '1', 'the session goes on');
is(query($node, 'SELECT state FROM pgmigrate.status()'), 'interrupted', 'the run does not');
$player->quit;

# What runs with the rights of another leaves no setting in the session: with
# its search_path the next unqualified name of a superuser would be theirs.
my $path = "SELECT current_setting('search_path')";
as('olga',
	q{SELECT pgmigrate.checklist_require('path', 'SELECT set_config(''search_path'', ''mal'', false) IS NOT NULL')}
);
is( query($node,
		"SELECT state FROM pgmigrate.checklist() WHERE item = 'path'; $path"),
	qq{ok\n"\$user", public},
	'a query of the checklist leaves no setting');
as('mallory', <<'SQL');
GRANT USAGE ON SCHEMA mal TO PUBLIC;
CREATE TABLE mal.schema_migrations (version varchar(255) PRIMARY KEY);
CREATE TABLE mal.fired (by text);
CREATE FUNCTION mal.leave() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	PERFORM set_config('search_path', 'mal', false);
	INSERT INTO mal.fired VALUES (current_user);
	RETURN new;
END $f$;
CREATE TRIGGER leave BEFORE INSERT ON mal.schema_migrations
	FOR EACH ROW EXECUTE FUNCTION mal.leave();
SQL
query($node, <<'SQL');
SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations', mirror => true);
SELECT pgmigrate.revision('m', 'SELECT 1', 'SELECT 1', id => '77');
SQL
is( query($node, "SELECT revision FROM pgmigrate.stamp('77'); $path"),
	qq{77\n"\$user", public},
	'a trigger of a mirrored ledger leaves none');
is(query($node, 'SELECT DISTINCT by FROM mal.fired'),
	'mallory', 'though it fired');

# Rows that the owner of the ledger puts there keep no mirroring up.
as('mallory', "INSERT INTO mal.schema_migrations VALUES ('998'); DELETE FROM mal.schema_migrations WHERE version = '77'");
like(
	as('olga',
		"SELECT pgmigrate.adopt('dbmate', 'mal.schema_migrations', mirror => false)"),
	qr/is no longer kept in step, and was not adopted/,
	'an operator ends the mirroring into it');
is(query($node, 'SELECT count(*) FROM pgmigrate.mirror'), '0', 'it is ended');
query($node, 'DROP TABLE mal.schema_migrations');

# Whose query it is goes by the role, not by its name; and what it fails with
# is shown to those who have its rights.
query($node, <<'SQL');
CREATE TABLE app.salary (v text);
INSERT INTO app.salary VALUES ('SECRET');
ALTER TABLE app.salary OWNER TO olga;
SQL
as('olga',
	q{SELECT pgmigrate.checklist_require('path', 'SELECT v FROM app.salary')});
my $item = q{SELECT detail FROM pgmigrate.checklist() WHERE item = 'path'};
like(query($node, "SET SESSION AUTHORIZATION olga; $item"),
	qr/SECRET/, 'who asks sees the error of his query');
like(
	query($node, "SET SESSION AUTHORIZATION mallory; $item"),
	qr/^its query failed: (?!.*SECRET)/,
	'others see that there is one, and no value');
as('olga',
	q{SELECT pgmigrate.checklist_require('path', 'SELECT current_user <> ''olga''')}
);
is(query($node, $item), 'its query is not true', 'its query has its rights');
query($node, 'ALTER ROLE olga RENAME TO former; CREATE ROLE olga SUPERUSER');
is(query($node, $item), 'its query is true', 'those of the role');
query($node, 'DROP ROLE olga; ALTER ROLE former RENAME TO olga');

# Who wrote a part of a revision is not the other who has to approve it.
as('mallory',
	"SELECT pgmigrate.revision('p', 'SELECT 1', 'SELECT 2', id => 'parts')");
as('olga', "SELECT pgmigrate.amend('parts', downgrade => 'SELECT 3')");
my $authors =
  "SELECT author || array_to_string(coauthors, '') FROM pgmigrate.revision WHERE id = 'parts'";
is(query($node, $authors), 'olgamallory', 'two have written it');
query($node,
	"SET SESSION AUTHORIZATION deploy; SELECT pgmigrate.amend('parts', message => 'three')"
);
my $approval =
  "SELECT state FROM pgmigrate.checklist('parts') WHERE item = 'approval'";
query($node, 'ALTER ROLE mallory RENAME TO m; GRANT EXECUTE ON FUNCTION pgmigrate.approve(text, text) TO m');
as('m', "SELECT pgmigrate.approve('parts')");
is(query($node, $approval), 'missing', 'one of them approves');
as('deploy', "SELECT pgmigrate.approve('parts')");
is(query($node, $approval), 'ok', 'another approves');
query($node, 'ALTER ROLE m RENAME TO mallory');

# A database whose name looks like one that diff() has left.
query($node, 'ALTER ROLE mallory CREATEDB');
as('mallory', 'CREATE DATABASE pgmigrate_scratch_99999999999_1');
like( query($node, "SELECT count(*) > 0 FROM pgmigrate.diff('CREATE TABLE z ()')"),
	qr/t/, 'a strange database does not break diff()');
is( query($node,
		"SELECT count(*) FROM pg_database WHERE datname = 'pgmigrate_scratch_99999999999_1'"
	),
	'1',
	'and is not taken for one of its own');

# What the owner of a database sets for all who connect has not their rights.
query($node, <<'SQL');
CREATE DATABASE hers OWNER mallory;
\c hers
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.grant_access('mallory', 'author');
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t VALUES (1, NULL);
SQL
my @hers = ('-qAt', '-d', $node->connstr('hers'));
notices($node, <<'SQL', extra => [ '-d', $node->connstr('hers') . ' user=mallory' ]);
SELECT count(*) FROM pgmigrate.history();
CREATE SCHEMA mal;
CREATE FUNCTION mal.f() RETURNS boolean LANGUAGE plpgsql
AS 'BEGIN ALTER ROLE mallory SUPERUSER; RETURN false; END';
ALTER DATABASE hers SET pgmigrate.throttle_query = 'SELECT mal.f()';
SQL
is( query($node,
		"SELECT count(*) FROM pg_db_role_setting s WHERE array_to_string(setconfig, ',') LIKE '%throttle_query%'"
	),
	'1',
	'the owner of a database sets throttle_query');
like(
	notices($node,
		"SELECT pgmigrate.backfill('t', 'v = 1', 'v IS NULL'); SHOW pgmigrate.throttle_query",
		extra => \@hers),
	qr/WARNING:  22023: invalid value for parameter "pgmigrate.throttle_query"/,
	'it is not taken');
is(query($node, "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"),
	'f', 'and nobody is more than before');

# Types of another's schema do not get in the way of the views.
query($node, 'CREATE DOMAIN mal.text AS pg_catalog.text; CREATE DOMAIN mal.oid AS pg_catalog.oid');
is( query($node,
		'SET search_path = mal, pg_catalog; SELECT count(*) > 0 FROM pgmigrate.runs'),
	't',
	'a view looks nothing up by the search_path');

log_is_clean($node);
done_testing();
