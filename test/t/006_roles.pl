
# Copyright (c) 2026, pgmigrate developers

# Whose rights a revision has, and that it cannot get at others.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('roles');
my $major = query($node, 'SHOW server_version_num') / 10000;

query($node, <<'SQL');
CREATE ROLE owner NOLOGIN;
CREATE ROLE app LOGIN;
CREATE ROLE alice LOGIN IN ROLE owner;
CREATE ROLE dev LOGIN;
CREATE ROLE ops LOGIN;
CREATE ROLE stranger LOGIN;
CREATE SCHEMA s AUTHORIZATION owner;
GRANT ALL ON SCHEMA s TO PUBLIC;
SELECT pgmigrate.grant_access(r, 'operator') FROM unnest('{owner,app,ops}'::text[]) AS r;
SELECT pgmigrate.grant_access('dev', 'author');
GRANT owner TO ops;
SQL

sub psql_as
{
	my ($role, $sql) = @_;

	return notices($node, $sql, extra => [ '-d', $node->connstr('postgres') . " user=$role" ]);
}

# SET ROLE to an owner that cannot log in, the usual way of teams.
psql_as('alice', <<'SQL');
SET ROLE owner;
SELECT pgmigrate.revision('table', 'CREATE TABLE s.t (id int); CREATE TABLE s.who AS SELECT current_user::text AS c, session_user::text AS s', id => 'o1');
SELECT pgmigrate.revision('index', 'CREATE INDEX CONCURRENTLY t_id ON s.t (id)', id => 'o2');
SELECT pgmigrate.revision('by statement', 'INSERT INTO s.t VALUES (1); VACUUM s.t; DO $$ BEGIN INSERT INTO s.t VALUES (2); END $$', id => 'o3');
SQL
my $messages = psql_as('alice', 'SET ROLE owner; SELECT pgmigrate.upgrade()');
head_is($node, 'o3', 'SET ROLE to a role that cannot log in') or diag $messages;
is(last_run($node, 'execution, session_role, role'),
	'worker|alice|owner', 'it is in the run');
is( query($node,
		"SELECT string_agg(relname || ' ' || pg_get_userbyid(relowner), ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 's'::regnamespace"
	),
	't owner, t_id owner, who owner',
	'what it makes is that of the role');
is(query($node, 'SELECT c FROM s.who'), 'owner', 'current_user');

# A role that may not: refused, and told what for.
like(psql_as('stranger', 'SELECT pgmigrate.upgrade()'),
	qr/ERROR:  42501: permission denied for schema pgmigrate/, 'a stranger');
like(psql_as('dev', 'SELECT pgmigrate.upgrade()'),
	qr/ERROR:  42501: permission denied for function upgrade/, 'an author');
psql_as('alice',
	"SET ROLE owner; SELECT pgmigrate.revision('forge', 'DELETE FROM pgmigrate.head', id => 'o4')"
);
like(psql_as('alice', 'SET ROLE owner; SELECT pgmigrate.upgrade()'),
	qr/ERROR:  42501: permission denied for table head/,
	'a revision that writes the ledger');
query($node, "SELECT pgmigrate.remove('o4')");

# The attack: all that may lead to the role of the session.
query($node, <<'SQL');
CREATE FUNCTION s.attack() RETURNS bool LANGUAGE plpgsql AS $$
DECLARE command text;
BEGIN
	FOREACH command IN ARRAY '{RESET ROLE,SET ROLE NONE,SET ROLE postgres,
		SET LOCAL ROLE postgres,RESET SESSION AUTHORIZATION,
		SET SESSION AUTHORIZATION DEFAULT,SET SESSION AUTHORIZATION postgres,
		RESET ALL,DISCARD ALL}'::text[] LOOP
		BEGIN
			EXECUTE command;
			EXECUTE 'CREATE ROLE pwn SUPERUSER';
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	RETURN true;
END $$;
-- without subtransactions, which an assertion of the server forbids at commit
CREATE FUNCTION s.attack_plain() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'RESET SESSION AUTHORIZATION';
	EXECUTE 'CREATE ROLE pwn SUPERUSER';
	RETURN true;
END $$;
CREATE FUNCTION s.attack_index(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN PERFORM s.attack(); RETURN $1; END $$;
CREATE FUNCTION s.attack_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM s.attack_plain(); RETURN NULL; END $$;
CREATE FUNCTION s.attack_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id < 3 THEN
		SET CONSTRAINTS ALL DEFERRED;
		INSERT INTO s.again VALUES (NEW.id + 1);
	ELSE
		PERFORM s.attack_plain();
	END IF;
	RETURN NULL;
END $$;
CREATE TABLE s.deferred (id int);
CREATE TABLE s.again (id int);
CREATE CONSTRAINT TRIGGER attack AFTER INSERT ON s.deferred
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.attack_trigger();
CREATE CONSTRAINT TRIGGER attack AFTER INSERT ON s.again
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.attack_again();
GRANT ALL ON ALL TABLES IN SCHEMA s TO PUBLIC;
SQL

sub pwned
{
	my $count = query($node, 'SELECT count(*) FROM pg_roles WHERE rolname = \'pwn\'');

	query($node, 'DROP ROLE IF EXISTS pwn');
	return $count;
}

# The attack works where nothing stands against it.
for my $become ('SET ROLE owner', 'SET SESSION AUTHORIZATION app')
{
	for my $sql (
		'SELECT s.attack()',
		'INSERT INTO s.deferred VALUES (1)',
		'INSERT INTO s.again VALUES (1)',
		'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT s.attack_plain(); COMMIT')
	{
		notices($node, "$become; $sql");
		is(pwned(), '1', "the attack works: $become; $sql");
	}
}

my @attacks = (
	'RESET ROLE; CREATE ROLE pwn SUPERUSER',
	'SET ROLE NONE; CREATE ROLE pwn SUPERUSER',
	'SET ROLE postgres; CREATE ROLE pwn SUPERUSER',
	"SELECT set_config('role', 'none', false); CREATE ROLE pwn SUPERUSER",
	"SELECT set_config('session_authorization', 'postgres', false); CREATE ROLE pwn SUPERUSER",
	'SELECT s.attack()',
	'DO $$ BEGIN PERFORM s.attack(); END $$',
	'INSERT INTO s.deferred VALUES (1)',
	'INSERT INTO s.again VALUES (1)',
	'DECLARE c CURSOR WITH HOLD FOR SELECT s.attack_plain()',
	'DO $$ BEGIN EXECUTE \'DECLARE c CURSOR WITH HOLD FOR SELECT s.attack_plain()\'; END $$',
	'CREATE TABLE s.i (id int); INSERT INTO s.i VALUES (1); CREATE INDEX CONCURRENTLY ON s.i (s.attack_index(id)); DROP TABLE s.i',
	'CREATE MATERIALIZED VIEW s.m AS SELECT s.attack(); VACUUM; REFRESH MATERIALIZED VIEW s.m; DROP MATERIALIZED VIEW s.m',
	'DISCARD TEMP; RESET ALL; SELECT s.attack()',
	# as a restored dump might have it; the store refuses it
	'DISCARD ALL; CREATE ROLE pwn SUPERUSER; SELECT 1');

my $admin = session($node);
my $n = 0;
for my $mode (
	[ 'owner', 'SET ROLE owner', '' ],
	[ 'owner', 'SET ROLE owner', 'inline' ],
	[ 'app', 'SET ROLE app', '' ],
	[ 'app', 'SET ROLE app', 'inline' ],
	[ 'app', 'SET SESSION AUTHORIZATION app', '' ],
	[ 'app', 'SET SESSION AUTHORIZATION app', 'inline' ])
{
	my ($role, $become, $execution) = @$mode;
	my $where = $execution || 'worker';
	my @harm;
	my $count = 0;

	for my $attack (@attacks)
	{
		for my $transactional ($where eq 'worker' ? ('null', 'false') : 'null')
		{
			my $id = 'x' . ++$n;

			$admin->query(<<"SQL");
$become;
SELECT pgmigrate.revision('attack', 'SELECT 1', id => '$id', verify => 'SELECT s.attack()', transactional => $transactional);
RESET SESSION AUTHORIZATION;
RESET ROLE;
UPDATE pgmigrate.revision SET upgrade = \$a\$$attack\$a\$ WHERE id = '$id'
SQL
			$messages = notices($node,
				($execution ? "SET pgmigrate.execution = '$execution'; " : '')
				. "$become; SELECT pgmigrate.upgrade()");
			$count++;
			push @harm, $attack
			  if $admin->query(
				"SELECT count(*) FROM pg_roles WHERE rolname = 'pwn'");
			$admin->query(<<"SQL");
DROP ROLE IF EXISTS pwn;
SELECT pgmigrate.remove(id) FROM pgmigrate.revision
WHERE id = '$id' AND id NOT IN (SELECT revision FROM pgmigrate.applied);
TRUNCATE s.deferred, s.again;
DROP TABLE IF EXISTS s.i;
DROP MATERIALIZED VIEW IF EXISTS s.m
SQL
		}
	}
	is(join("\n", @harm), '', "$count attacks after $become, $where");
}
fails($node, "SELECT pgmigrate.revision('no', 'DISCARD ALL')",
	'0A000', 'DISCARD ALL is not stored');
fails($node, "SELECT pgmigrate.revision('no', 'SET SESSION AUTHORIZATION app')",
	'0A000', 'SET SESSION AUTHORIZATION is not stored');
like(slurp_file($node->logfile),
	qr/cannot set parameter "role" within security-definer function/,
	'the guard was at work');

# Deferred constraints that mean no harm work under the guard.
query($node, <<'SQL');
SET ROLE owner;
SELECT pgmigrate.revision('deferred', 'CREATE TABLE s.a (id int PRIMARY KEY, b int); CREATE TABLE s.b (id int PRIMARY KEY REFERENCES s.a DEFERRABLE INITIALLY DEFERRED); INSERT INTO s.b VALUES (1); INSERT INTO s.a VALUES (1, 1)', id => 'f1');
SELECT pgmigrate.revision('violated', 'INSERT INTO s.b VALUES (2)', id => 'f2');
SQL
for my $execution ('auto', 'inline')
{
	fails(
		$node,
		"SET ROLE owner; SET pgmigrate.execution = '$execution'; SELECT pgmigrate.upgrade()",
		'23503',
		"a deferred constraint that is violated, $execution");
}
head_is($node, 'f1', 'a deferred constraint that holds');
query($node, "SELECT pgmigrate.remove('f2')");

# They stay deferred for what follows in the transaction.
for my $i (3 .. 5)
{
	query($node,
		"SET ROLE owner; SELECT pgmigrate.revision('next', 'INSERT INTO s.b VALUES ($i); INSERT INTO s.a VALUES ($i)', 'SELECT 1', id => 'f$i')"
	);
}
query($node,
	"SET ROLE owner; SET pgmigrate.transaction_per_migration = off; SELECT pgmigrate.upgrade('f4')"
);
head_is($node, 'f4', 'constraints stay deferred, in a run of one transaction');
query($node, <<'SQL');
SET ROLE owner;
BEGIN;
SELECT pgmigrate.upgrade('f5');
INSERT INTO s.b VALUES (6);
INSERT INTO s.a VALUES (6);
COMMIT;
SQL
head_is($node, 'f5', 'and in the transaction of the caller');

# SET ROLE by somebody who cannot log in as a worker either.
query($node,
	"SELECT pgmigrate.revision('plain', 'SELECT 1', id => 'n1'); SELECT pgmigrate.approve('n1')");
query($node, 'UPDATE pgmigrate.revision SET author = \'owner\', author_oid = \'owner\'::regrole WHERE id = \'n1\'');
my $call = 'SET SESSION AUTHORIZATION owner; SELECT pgmigrate.upgrade()';
if ($major < 17)
{
	$messages = notices($node, $call);
	like(
		$messages,
		qr/ERROR:  28000: role "owner" is not permitted to log in/,
		'neither role can log in');
	like($messages, qr/HINT:  Grant LOGIN, or set "pgmigrate.execution"/,
		'with a hint');
	query($node, "SET pgmigrate.execution = 'inline'; $call");
}
else
{
	query($node, $call);
}
head_is($node, 'n1', 'a session user that cannot log in');

# The author has less rights than the caller.
psql_as('dev',
	"SELECT pgmigrate.revision('trap', 'CREATE ROLE pwn SUPERUSER', id => 't1')");
for my $call ('SELECT pgmigrate.upgrade()',
	'BEGIN; SELECT pgmigrate.upgrade(); COMMIT')
{
	$messages = notices($node, $call);
	like(
		$messages,
		qr/ERROR:  42501: revision "t1" was written by a role that does not have the privileges of role "postgres"/,
		"a less privileged author: $call");
	like($messages, qr/HINT:  .*pgmigrate.approve\(\)/, 'with a hint');
}
like(psql_as('ops', "SELECT pgmigrate.approve('t1')"),
	qr/^psql:\S+ NOTICE:  00000: approved revision "t1" with digest [0-9a-f]{64}\n/,
	'an operator can approve');
fails($node, 'SELECT pgmigrate.upgrade()', '42501',
	'but not for those with more rights');
is(pwned(), '0', 'it did not run');
psql_as('dev', "SELECT pgmigrate.amend('t1', upgrade => 'CREATE TABLE public.fine ()')");
query($node, "SELECT pgmigrate.approve('t1')");
psql_as('dev', "SELECT pgmigrate.amend('t1', upgrade => 'CREATE TABLE public.other ()')");
fails($node, 'SELECT pgmigrate.upgrade()', '42501',
	'a change voids the approval');
query($node, "SELECT pgmigrate.approve('t1'); SELECT pgmigrate.upgrade()");
head_is($node, 't1', 'an approved revision runs');

# Approved when the run began, amended before its turn.
my $block = session($node);
$block->query('SELECT pg_advisory_lock(1)');
query($node,
	"SELECT pgmigrate.revision('wait', 'SELECT pg_advisory_xact_lock(1)', id => 't2')");
psql_as('dev',
	"SELECT pgmigrate.revision('trap', 'SELECT 1', id => 't3')");
query($node, "SELECT pgmigrate.approve('t3')");
my $caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
worker_waits($node);
psql_as('dev',
	"SELECT pgmigrate.amend('t3', upgrade => 'CREATE ROLE pwn SUPERUSER')");
$block->query('SELECT pg_advisory_unlock(1)');
$caller->fails_with('42501', 'amended by its author in the middle of a run');
is(pwned(), '0', 'it did not run');
query($node, "SELECT pgmigrate.remove('t3')");

# A wrapper with the rights of its owner.
query($node, <<'SQL');
CREATE FUNCTION public.deploy() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS
$$ BEGIN RETURN count(*) FROM pgmigrate.upgrade(); END $$;
CREATE FUNCTION public.deploy_sql() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
$$ SELECT count(*) FROM pgmigrate.upgrade() $$;
CREATE FUNCTION public.deploy_start() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
$$ SELECT pgmigrate.upgrade_start() $$;
SELECT pgmigrate.revision('mine', 'CREATE TABLE public.by_wrapper ()', id => 'w1');
SQL
like(psql_as('stranger', 'SELECT deploy_start()'),
	qr/ERROR:  42501: cannot start a background worker from a security-definer function/,
	'upgrade_start() in a SECURITY DEFINER function');
psql_as('stranger', 'SELECT deploy()');
is(last_run($node, 'execution, session_role, role, state'),
	'inline|stranger|postgres|done', 'a SECURITY DEFINER wrapper');
psql_as('dev',
	"SELECT pgmigrate.revision('trap', 'CREATE ROLE pwn SUPERUSER', id => 'w2')");
for my $wrapper ('deploy', 'deploy_sql')
{
	like(
		psql_as('dev', "SELECT $wrapper()"),
		qr/ERROR:  42501: revision "w2" was written by a role/,
		"$wrapper() does not lend its rights to an author");
}
is(pwned(), '0', 'it did not run');
query($node, "SELECT pgmigrate.remove('w2')");

# A superuser's own revision may change roles; that ends with it.
query($node, <<'SQL');
SELECT pgmigrate.revision('as owner', 'SET ROLE owner; CREATE TABLE s.owned ()', id => 'y1');
SELECT pgmigrate.revision('as oneself', 'CREATE TABLE s.mine ()', id => 'y2');
SELECT pgmigrate.revision('by statement', 'SET ROLE owner; VACUUM s.owned; CREATE TABLE s.owned2 ()', id => 'y3');
SELECT pgmigrate.revision('as oneself', 'CREATE TABLE s.mine2 ()', id => 'y4');
SELECT pgmigrate.upgrade();
SQL
is( query($node,
		"SELECT string_agg(relname || ' ' || pg_get_userbyid(relowner), ', ' ORDER BY relname) FROM pg_class WHERE relname ~ '^(owned|mine)'"
	),
	'mine postgres, mine2 postgres, owned owner, owned2 owner',
	'SET ROLE in a revision ends with it');

ledger_ok($node, 'roles');
log_is_clean($node);
done_testing();
