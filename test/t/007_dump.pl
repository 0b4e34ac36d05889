
# Copyright (c) 2026, pgmigrate developers

# Dump, restore, pg_upgrade; DROP EXTENSION and DROP DATABASE; a hostile
# database at CREATE EXTENSION.

use strict;
use warnings;

use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('dump');
my $dir = $node->basedir;

query($node, <<'SQL');
CREATE TABLE mark (id text);
SELECT pgmigrate.revision('revision d1', $$INSERT INTO mark VALUES ('d1')$$, id => 'd1', branch_labels => '{main}', verify => 'SELECT true');
SELECT pgmigrate.revision('revision d2', $$INSERT INTO mark VALUES ('d2'); VACUUM mark$$, 'DELETE FROM mark WHERE id = ''d2''', id => 'd2');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.revision('revision d3', $$INSERT INTO mark VALUES ('d3'); SELECT pg_advisory_xact_lock(1)$$, id => 'd3');
SELECT pgmigrate.revision('revision d4', $$INSERT INTO mark VALUES ('d4')$$, id => 'd4', depends_on => '{d1}');
SELECT pgmigrate.revision('revision d5', 'SELECT 1/0', id => 'd5');
SQL

# All rows of a database's ledger, but for what only says where it is.
sub rows
{
	my ($database) = @_;

	return query($node, <<'SQL', $database);
SELECT to_jsonb(r) FROM pgmigrate.revision r ORDER BY id;
SELECT to_jsonb(h) FROM pgmigrate.head h ORDER BY revision;
SELECT to_jsonb(a) FROM pgmigrate.applied a ORDER BY revision;
SELECT to_jsonb(r) FROM pgmigrate.run r ORDER BY id;
SELECT to_jsonb(s) FROM pgmigrate.run_step s ORDER BY run, step;
SELECT to_jsonb(e) FROM pgmigrate.run_error e ORDER BY run;
SELECT last_value, is_called FROM pgmigrate.run_id_seq;
SELECT last_value, is_called FROM pgmigrate.revision_seq_seq;
SQL
}

sub restore
{
	my ($database, @options) = @_;
	my $file = "$dir/$database.dump";

	query($node, "CREATE DATABASE $database");
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, @options, 'postgres' ],
		"pg_dump @options");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $database, $file ],
		"pg_restore into $database");
	return;
}

# Dumped while a run is in progress.
my $block = session($node);
$block->query('SELECT pg_advisory_lock(1)');
my $run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
restore('copy');
is(rows('copy'), rows('postgres'), 'all rows are in the copy');
is(query($node, 'SELECT state FROM pgmigrate.status()', 'copy'),
	'interrupted', 'a run that was in progress reads interrupted in the copy');
is(query($node, 'SELECT state FROM pgmigrate.status()'),
	'running', 'it goes on where it is');

restore('schema', '--schema-only');
is( query($node,
		'SELECT (SELECT count(*) FROM pgmigrate.revision) || \' \' || (SELECT count(*) FROM pgmigrate.run)',
		'schema'),
	'0 0',
	'nothing of the ledger is in a copy without data');
restore('inserts', '--inserts');
is(rows('inserts'), rows('postgres'), 'all rows are in a copy by INSERT');

# Backups of others than superusers: a role that reads all, and the database's
# owner, who needs more than a level.
query($node, <<'SQL');
CREATE ROLE backup LOGIN;
GRANT pg_read_all_data TO backup;
CREATE ROLE boss LOGIN;
CREATE DATABASE of_boss OWNER boss TEMPLATE inserts;
SQL
query($node, <<'SQL', 'of_boss');
ALTER TABLE mark OWNER TO boss;
SELECT count(*) FROM pgmigrate.grant_access('boss', 'operator');
SQL
$node->command_ok([ 'pg_dump', '-U', 'backup', '-f', "$dir/backup.sql", 'of_boss' ],
	'pg_dump as pg_read_all_data');
$node->command_fails_like(
	[ 'pg_dump', '-U', 'boss', '-f', "$dir/boss.sql", 'of_boss' ],
	qr/permission denied for (?:table|sequence)|user may lack SELECT privilege on the sequence/,
	'pg_dump by an operator who owns the database');
query($node, <<'SQL', 'of_boss');
GRANT SELECT ON ALL TABLES IN SCHEMA pgmigrate TO boss;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA pgmigrate TO boss;
SQL
$node->command_ok(
	[ 'pg_dump', '-U', 'boss', '-Fc', '-f', "$dir/boss.dump", 'of_boss' ],
	'with the rights that the manual names it works');
query($node, 'CREATE DATABASE boss_copy');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', 'boss_copy', "$dir/boss.dump" ],
	'and is restored');
is(rows('boss_copy'), rows('of_boss'), 'with all rows');
query($node, "DROP DATABASE $_") foreach qw(of_boss boss_copy);

# DROP EXTENSION and DROP DATABASE wait for the run, or fail.
for my $sql (
	'DROP EXTENSION pgmigrate',
	'DROP EXTENSION pgmigrate CASCADE',
	'DROP SCHEMA pgmigrate CASCADE')
{
	fails($node, "SET lock_timeout = '300ms'; $sql",
		$sql =~ /SCHEMA/ ? '2BP01' : '55P03',
		"$sql during a run");
}
$block->query('SELECT pg_advisory_unlock(1)');
is(query($node, "SELECT state, error FROM pgmigrate.wait($run)"),
	'failed|division by zero', 'the run comes to its end');
head_is($node, 'd4', 'it was not disturbed');
ledger_ok($node, 'during DROP EXTENSION');

# The copy goes on; a role of its own run is not confused with the other's.
my $messages = notices($node, "SELECT pgmigrate.upgrade('d4')", database => 'copy');
like($messages, qr/NOTICE:  00000: the ledger was written in database "postgres"/,
	'the copy is told that its ledger is from elsewhere');
is( query($node, 'SELECT string_agg(id, \' \' ORDER BY id) FROM mark', 'copy'),
	'd1 d2 d3 d4', 'the copy goes on to the end');
is( query($node,
		'SELECT state FROM pgmigrate.run WHERE id = ' . $run, 'copy'),
	'interrupted',
	'the run of the dump is interrupted there');
ledger_ok($node, 'copy', 'copy');

# Without data: applied revisions are unknown, tables are there.
query($node,
	"SELECT pgmigrate.revision('revision s1', 'SELECT 1', id => 's1')",
	'schema');
$messages = notices($node, 'SELECT pgmigrate.upgrade()', database => 'schema');
like(
	$messages,
	qr/NOTICE:  00000: no revision is recorded as applied, but the database has 1 table/,
	'an empty ledger in a database that has tables is told');

# Another cluster.
my $other = PostgreSQL::Test::Cluster->new('other');
init_node($other);
$other->append_conf('postgresql.conf', "fsync = off\nmax_worker_processes = 32\n");
$other->start;
$node->command_ok([ 'pg_dump', '-Fp', '-f', "$dir/plain.sql", 'postgres' ],
	'pg_dump as text');
$other->command_ok(
	[ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-1', '-f', "$dir/plain.sql", 'postgres' ],
	'restored into another cluster');
is( query($other, 'SELECT count(*) > 0 FROM pgmigrate.schema_object'),
	't', 'the schema that the last run left has come along');
is(query($other, 'SELECT * FROM pgmigrate.drift()'),
	'', 'what was restored is not drift');
query($other, 'CREATE TABLE by_hand ()');
is( query($other, 'SELECT object, change FROM pgmigrate.drift()'),
	'table public.by_hand|added', 'what was made there is');
query($other, 'DROP TABLE by_hand');
query($other, "SELECT pgmigrate.amend('d5', upgrade => 'SELECT 5')");
$messages = notices($other, 'SELECT pgmigrate.upgrade()');
like($messages, qr/written in database "postgres" of another cluster/,
	'which is told too');
head_is($other, 'd5', 'it goes on there');
ledger_ok($other, 'another cluster');

# pg_upgrade from one cluster to the next, of the same version: the ledger, with
# a run that was never ended, survives.
$other->stop;
$block->query('SELECT pg_advisory_lock(1)');
query($node, "SELECT pgmigrate.amend('d5', upgrade => 'SELECT pg_advisory_xact_lock(1)')");
query($node, "DROP DATABASE $_") foreach qw(copy schema inserts);
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
worker_waits($node);
$node->stop('fast');
$block->quit;
$node->start;
my $before = rows('postgres');
$node->stop;
my $new = PostgreSQL::Test::Cluster->new('new');
init_node($new);
my $bindir = $node->config_data('--bindir');
chomp $bindir;
chdir $PostgreSQL::Test::Utils::tmp_check;
my @upgrade = (
	'pg_upgrade', '-b', $bindir, '-B', $bindir,
	'-d', $node->data_dir, '-D', $new->data_dir,
	'-s', $new->host, '-p', $node->port, '-P', $new->port);
command_ok(\@upgrade, 'pg_upgrade');
$new->append_conf('postgresql.conf', "fsync = off\nmax_worker_processes = 32\n");
$new->start;
{
	my $old = $node;
	$node = $new;
	is(rows('postgres'), $before, 'all rows survive pg_upgrade');
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		'interrupted', 'the run is interrupted');
	query($node, 'SELECT pgmigrate.upgrade()');
	head_is($node, 'd5', 'it goes on after pg_upgrade');
	ledger_ok($node, 'pg_upgrade');
}

# The event trigger is a part of the extension, before and after; no dump has it.
is( query($node,
		"SELECT evtenabled, deptype FROM pg_event_trigger t JOIN pg_depend d ON d.classid = 'pg_event_trigger'::regclass AND objid = t.oid AND refclassid = 'pg_extension'::regclass WHERE evtname = 'pgmigrate_wait_before_drop'"
	),
	'O|e',
	'the event trigger survives pg_upgrade as a part of the extension');
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
like($dump, qr/^CREATE EXTENSION IF NOT EXISTS pgmigrate /m, 'a dump has the extension');
unlike($dump, qr/EVENT TRIGGER/, 'and no event trigger beside it');
revision($node, 'sleeps', 'SELECT pg_sleep(1000)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
my $sleeper = worker_waits($node, 'PgSleep');
fails($node, "SET lock_timeout = '10ms'; DROP EXTENSION pgmigrate", '55P03', 'it works there');
query($node, "SELECT pgmigrate.cancel($run)");
is_gone($sleeper);
query($node, "SELECT pgmigrate.remove('sleeps')");

# DROP DATABASE: refused while a run works, or ends it by force.
query($node, 'CREATE DATABASE victim');
query($node, 'CREATE EXTENSION pgmigrate', 'victim');
revision($node, 'v1', 'SELECT pg_sleep(1000)', database => 'victim');
query($node, 'SELECT pgmigrate.upgrade_start()', 'victim');
my $pid = worker_waits($node, 'PgSleep');
my $start = time();
query($node, 'DROP DATABASE victim WITH (FORCE)');
cmp_ok(time() - $start, '<', 4, 'DROP DATABASE WITH (FORCE) during a run');
cmp_ok(is_gone($pid), '<', 1, 'ends the worker');

# DROP EXTENSION and CREATE EXTENSION in one session.
my $session = session($node);
for my $round (1 .. 2)
{
	$session->query('DROP EXTENSION IF EXISTS pgmigrate; CREATE EXTENSION pgmigrate');
	$session->query(
		"SELECT pgmigrate.revision('again', 'SELECT $round', id => 'z$round')");
	$session->query('SELECT pgmigrate.upgrade()');
	unlike($session->err, qr/ERROR/, "round $round after DROP EXTENSION");
	head_is($node, "z$round", "round $round: it works");
}

# A run that begins while DROP EXTENSION is not yet committed.
$session->query("SELECT pgmigrate.revision('last', 'SELECT 1')");
$session->query('BEGIN; DROP EXTENSION pgmigrate');
my $caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
poll($node,
	'SELECT wait_event_type = \'Lock\' OR state = \'idle\' FROM pg_stat_activity WHERE pid = '
	  . $caller->pid);
$session->query('COMMIT');
$caller->result;
like($caller->err, qr/ERROR:  (?:42P01|3F000|42883|PM003): /,
	'upgrade() during DROP EXTENSION fails');
is($caller->query('SELECT 1'), '1', 'and that is all');

# In a server of a single user no event trigger fires and no run is at work.
query($node, 'CREATE EXTENSION pgmigrate');
$node->stop;
IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ],
	'<', \"DROP EXTENSION pgmigrate\n", '>', \my $said, '2>', \my $log);
unlike($log, qr/ERROR|FATAL|PANIC/, 'DROP EXTENSION in single-user mode');
$node->start;
is( query($node,
		"SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'pgmigrate'), (SELECT count(*) FROM pg_event_trigger)"
	),
	'0|0',
	'leaves nothing of it');

# A schema of that name that somebody else made.
query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE DATABASE hostile;
GRANT CREATE ON DATABASE hostile TO mallory;
SQL
query($node, 'GRANT CREATE ON SCHEMA public TO mallory', 'hostile');
my $as_mallory = [ '-d', $node->connstr('hostile') . ' user=mallory' ];
notices($node, <<'SQL', extra => $as_mallory);
CREATE SCHEMA pgmigrate;
CREATE FUNCTION pgmigrate.revision_digest(text, text, text, boolean) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''mine''';
SQL
like(
	notices($node, 'CREATE EXTENSION pgmigrate', database => 'hostile'),
	qr/ERROR:  42P06: schema "pgmigrate" already exists/,
	'CREATE EXTENSION does not take over a schema');
like(
	notices($node, 'CREATE EXTENSION pgmigrate', extra => $as_mallory),
	qr/ERROR:  42501: permission denied to create extension/,
	'nor is it for everybody');
notices($node, 'DROP SCHEMA pgmigrate CASCADE', extra => $as_mallory);

# Functions, operators and tables that wait for careless names.
my $planted = notices($node, <<'SQL', extra => $as_mallory);
CREATE TABLE public.stolen (what text);
CREATE FUNCTION public.steal(text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.stolen VALUES ($1 || ' ' || current_user); RETURN $1; END $$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal('now'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal('clock'); RETURN pg_catalog.clock_timestamp(); END $$;
CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal('unnest'); RETURN QUERY SELECT pg_catalog.unnest($1); END $$;
CREATE FUNCTION public.octet_length(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.steal('octet_length'); RETURN pg_catalog.octet_length($1); END $$;
CREATE FUNCTION public.eq(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal('='); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION public.ne(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal('<>'); RETURN $1 OPERATOR(pg_catalog.<>) $2; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.eq);
CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.ne);
CREATE OPERATOR public.>= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.ne);
CREATE TABLE public.run (id bigint); CREATE TABLE public.head (revision text); CREATE TABLE public.pg_locks (pid int);
CREATE TABLE public.pg_class (relname text); CREATE TABLE public.pg_extension (extname text);
SQL
unlike($planted, qr/ERROR/, 'everything is planted');
query($node, <<'SQL', 'hostile');
SET search_path = public, pg_catalog;
SELECT id = id FROM unnest('{a}'::text[]) AS u (id);
SQL
is(query($node, 'SELECT string_agg(what, \', \' ORDER BY what) FROM stolen', 'hostile'),
	'= postgres, unnest postgres', 'what is planted works');
query($node, 'TRUNCATE stolen', 'hostile');
query($node, <<'SQL', 'hostile');
SET search_path = public, pg_catalog;
CREATE EXTENSION pgmigrate;
CREATE TEMP TABLE pg_class (relname text); CREATE TEMP TABLE pg_locks (pid int); CREATE TEMP TABLE run (id int);
SELECT pgmigrate.revision('one', 'CREATE TABLE one ()', 'DROP TABLE one', id => 'one', branch_labels => '{label}');
SELECT pgmigrate.revision('two', 'VACUUM', 'SELECT 1', id => 'two', depends_on => '{one}');
SELECT pgmigrate.upgrade();
SELECT * FROM pgmigrate.status();
SELECT * FROM pgmigrate.wait(pgmigrate.downgrade_start('base'));
SELECT pgmigrate.amend('two', message => 'three', upgrade => 'SELECT 3');
SELECT pgmigrate.remove('two');
SELECT pgmigrate.stamp('head');
SELECT pgmigrate.approve('one');
SQL
is(query($node, 'SELECT string_agg(DISTINCT what, \', \') FROM public.stolen', 'hostile'),
	'', 'planted functions, operators and tables are not used');

log_is_clean($node);
done_testing();
