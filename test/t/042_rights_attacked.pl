
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
	qr/trial-fails/, 'it fails on the copy as it would on the table');
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

log_is_clean($node);
done_testing();
