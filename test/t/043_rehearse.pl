
# Copyright (c) 2026, pgmigrate developers

# A rehearsal leaves nothing behind, whatever becomes of it, and reaches nobody.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('rehearse');

sub scratch_databases
{
	return query($node,
		"SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmigrate%'");
}

sub no_workers
{
	poll($node,
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type IN ('pgmigrate rehearsal', 'pgmigrate scratch worker')"
	);
	return;
}

# One that stands still in its scratch database.
sub begin_rehearsal
{
	my $rehearsal = session($node);

	$rehearsal->send('SELECT count(*) FROM pgmigrate.rehearse()');
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND backend_type = 'pgmigrate scratch worker' AND datname LIKE 'pgmigrate_rehearsal_%'"
	);
	return $rehearsal;
}

sub pid_of
{
	my ($type) = @_;

	return query($node,
		"SELECT pid FROM pg_stat_activity WHERE backend_type = '$type'");
}

revision($node, 'slow', 'SELECT pg_sleep(600)');

my $session = begin_rehearsal();
$session->interrupt;
$session->fails_with('57014', 'Ctrl-C ends it');
is(scratch_databases(), '0', 'and its database is gone');
no_workers();

# A statement_timeout is of the call, not of putting its database away.
fails($node, 'SET statement_timeout = 700; SELECT * FROM pgmigrate.rehearse()',
	'57014', 'a timeout ends it');
no_workers();
is(scratch_databases(), '0', 'its database is gone');

$session = begin_rehearsal();
query($node, 'SELECT pg_terminate_backend(' . $session->pid . ')');
$session->quit;
no_workers();
is(scratch_databases(), '0', 'as it is when the session is ended');

$session = begin_rehearsal();
$session->kill9;
no_workers();
is(scratch_databases(), '0', 'or its client is killed');

# The worker that would drop it ends; somebody's database of such a name stays.
query($node, 'CREATE DATABASE pgmigrate_rehearsal_999999_1');
$session = begin_rehearsal();
query($node,
	'SELECT pg_terminate_backend(' . pid_of('pgmigrate rehearsal') . ')');
$session->fails_with('57P01', 'its worker is ended');
no_workers();
begin_rehearsal();
kill_and_recover($node, pid_of('pgmigrate scratch worker'));
no_workers();
cmp_ok(scratch_databases(), '>=', '2', 'a crash leaves its database');
query($node, "SELECT pgmigrate.amend('slow', upgrade => 'SELECT 1', downgrade => 'SELECT 1')");
is( query(
		$node,
		"SELECT string_agg(state || ' ' || ok, ', ' ORDER BY step) FROM pgmigrate.rehearse()"
	),
	'replayed true, done true, done true, done true',
	'the next one works');
is( query($node,
		"SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'pgmigrate%'"
	),
	'pgmigrate_rehearsal_999999_1',
	'and drops what is ours, nothing else');
query($node, 'DROP DATABASE pgmigrate_rehearsal_999999_1');

# What is ended while the model is made is no rehearsal that failed.
query($node, q{CREATE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF current_database() LIKE ''pgmigrate%'' THEN PERFORM pg_sleep(600); END IF; RETURN 1; END';
	CREATE TABLE by_hand (i int); CREATE INDEX ON by_hand ((slow()))});
my $results = query($node, 'SELECT count(*) FROM pgmigrate.rehearsal');
$session = begin_rehearsal();
query($node,
	'SELECT pg_terminate_backend(' . pid_of('pgmigrate scratch worker') . ')');
$session->fails_with('57P01', 'the worker that makes the model is ended');
no_workers();
is(scratch_databases(), '0', 'and its database is gone');
is(query($node, 'SELECT count(*) FROM pgmigrate.rehearsal'),
	$results, 'that is no result');
query($node, 'DROP TABLE by_hand; DROP FUNCTION slow()');

# Cancelled between two scratch databases: the first one is there by then.
my $holder = session($node);
$holder->query('BEGIN; LOCK TABLE pg_shdescription IN SHARE MODE');
$session = session($node);
$session->send(
	"SELECT pgmigrate.autogenerate('x', desired => 'CREATE TABLE x (i int)')");
poll($node,
	"SELECT count(*) = 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.relation = 'pg_shdescription'::regclass AND NOT l.granted AND a.backend_type = 'pgmigrate scratch worker'"
);
is(scratch_databases(), '1', 'autogenerate is about to make another one');
$session->interrupt;
poll($node,
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate scratch worker' AND query LIKE '%COMMENT%'"
);
$holder->query('COMMIT');
$session->fails_with('57014', 'and is cancelled');
no_workers();
is(scratch_databases(), '0', 'none is left');
$holder->quit;

# In use is only what does not count.
my $beside = session($node, database => 'template1');
is(query($node, 'SELECT bool_and(ok) FROM pgmigrate.rehearse()'),
	't', 'somebody is in template1');
$beside->quit;

# An extension of a version that is not to be had.
query($node,
	"UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'plpgsql'");
like(
	query($node, 'SELECT state, ok, detail FROM pgmigrate.rehearse()'),
	qr/^failed\|f\|the present schema could not be made in a scratch database: .*plpgsql/,
	'a version of an extension that is not there');
is(scratch_databases(), '0', 'no database is left');
query($node,
	"UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'");

# What reaches out through extensions.
SKIP:
{
	skip 'there is no dblink', 2
	  if query($node,
		"SELECT count(*) FROM pg_available_extensions WHERE name IN ('dblink', 'postgres_fdw')"
	  ) < 2;
	my $connection = 'port=' . $node->port . ' host=' . $node->host . ' dbname=postgres';

	query($node, 'CREATE TABLE reached (i int)');
	query($node, 'CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw');
	query($node, "SELECT pgmigrate.amend('slow', upgrade => \$u\$
		DO 'BEGIN PERFORM dblink_exec(''$connection'', ''INSERT INTO reached VALUES (1)''); END'\$u\$)");
	like(
		query($node, 'SELECT detail FROM pgmigrate.rehearse() WHERE NOT ok'),
		qr/^cannot call function "dblink_exec" in a scratch database/,
		'dblink is refused');
	query($node, "SELECT pgmigrate.amend('slow', upgrade => \$u\$
		CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (port '@{[$node->port]}', host '@{[$node->host]}', dbname 'postgres');
		CREATE USER MAPPING FOR CURRENT_USER SERVER here;
		CREATE FOREIGN TABLE there (i int) SERVER here OPTIONS (table_name 'reached');
		DO 'BEGIN INSERT INTO there VALUES (2); END'\$u\$)");
	like(
		query($node, 'SELECT detail FROM pgmigrate.rehearse() WHERE NOT ok'),
		qr/^cannot use foreign table "there" in a scratch database/,
		'a foreign table is refused');
	is(query($node, 'SELECT count(*) FROM reached'), '0', 'nobody was reached');
}

# No worker to be had: one is the launcher of logical replication.
query($node, "SELECT pgmigrate.amend('slow', upgrade => 'SELECT 1')");
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
fails($node, 'SELECT * FROM pgmigrate.rehearse()',
	'53400', 'no worker for the scratch database');
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->restart;
is(query($node, 'SELECT bool_and(ok) FROM pgmigrate.rehearse()'),
	't', 'two are enough');
is(scratch_databases(), '0', 'nothing is left');

log_is_clean($node);
done_testing();
