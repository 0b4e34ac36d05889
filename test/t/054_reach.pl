
# Copyright (c) 2026, pgmigrate developers

# What a scratch database must not do outside of it, by another name; and what
# is kept must be what it was when it comes back.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('reach');

query($node, <<'SQL');
CREATE ROLE mallory;
CREATE TYPE public.pair AS (a int, b int);
CREATE DOMAIN public.dpair AS public.pair;
CREATE TYPE public.span AS RANGE (subtype = public.pair);
CREATE TABLE public.t (id int PRIMARY KEY, p public.pair, q public.pair[], r public.dpair, s public.span, m public.span_multirange, n int);
INSERT INTO public.t VALUES (1, (1, 2), ARRAY[(1, 2)::public.pair], (1, 2), public.span((1, 2)::public.pair, (3, 4)::public.pair), '{}', 7);
SQL

# A value of a row type is read as the type says now.
for my $column (qw(p q r s m n))
{
	query($node, <<"SQL");
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.revision('$column', 'ALTER TABLE public.t DROP COLUMN $column', 'ALTER TABLE public.t ADD COLUMN $column text', id => 'drop_$column');
SELECT pgmigrate.upgrade();
SQL
	is(query($node, "SELECT count(*) FROM pgmigrate.operation WHERE revision = 'drop_$column'"),
		$column eq 'n' ? 1 : 0,
		"column $column is " . ($column eq 'n' ? 'kept' : 'dropped as it is written'));
}

for my $text (
	[ 'DO $$ BEGIN UPDATE pg_authid SET rolsuper = true WHERE rolname = $r$mallory$r$; END $$', 'cannot write catalog "pg_authid"' ],
	[ 'WITH u AS (UPDATE pg_language SET lanpltrusted = true RETURNING 1) SELECT * FROM u', 'cannot write catalog "pg_language"' ],
	[ 'SELECT FROM pg_authid FOR KEY SHARE', 'cannot lock rows of catalog "pg_authid"' ],
	[ 'DO $$ BEGIN PERFORM FROM pg_database FOR UPDATE; END $$', 'cannot lock rows of catalog "pg_database"' ],
	[ 'CREATE FUNCTION public.o(int) RETURNS boolean LANGUAGE internal AS $$pg_cancel_backend$$; SELECT public.o(0)', 'cannot call function "pg_cancel_backend"' ],
	[ 'CREATE FUNCTION public.o(int) RETURNS boolean LANGUAGE internal SECURITY DEFINER AS $$pg_cancel_backend$$; SELECT public.o(0)', 'cannot call function "pg_cancel_backend"' ],
	[ 'CREATE FUNCTION public.o(int) RETURNS int LANGUAGE internal SET work_mem = $$1MB$$ AS $$int4abs$$; SELECT public.o(1)', 'cannot call function "o"' ],
	[ 'CREATE FUNCTION public.h() RETURNS language_handler LANGUAGE c AS $$$libdir/plpgsql$$, $$plpgsql_call_handler$$; CREATE TRUSTED LANGUAGE l HANDLER public.h', 'cannot run CREATE LANGUAGE in a scratch database' ],
	[ 'CREATE TRUSTED LANGUAGE l HANDLER plpgsql_call_handler INLINE fmgr_sql_validator', 'cannot run CREATE LANGUAGE in a scratch database' ],
	[ 'CREATE FUNCTION public.o(bigint) RETURNS cstring LANGUAGE internal AS $$textout$$; SELECT public.o(1)', 'cannot call function "o"' ],
	[ 'CREATE FUNCTION public.o(bigint) RETURNS cstring LANGUAGE internal AS $$textout$$; ALTER EXTENSION plpgsql ADD FUNCTION public.o(bigint)', 'cannot run ALTER EXTENSION in a scratch database' ],
	[ 'SET allow_system_table_mods = on; COMMENT ON COLUMN pg_authid.rolname IS $$c$$; ALTER TABLE pg_shdescription ADD more int', 'permission denied: "pg_shdescription" is a system catalog' ],
	[ 'LOAD $$plpgsql$$', 'LOAD' ])
{
	my ($sql, $error) = @$text;

	query($node, "SELECT pgmigrate.revision('r', " . quote($sql) . ", id => 'reach')");
	my $told = query($node, 'SELECT r::text FROM pgmigrate.rehearse() r');
	$told =~ s/"+|\\+//g;
	$error =~ s/"//g;
	like($told, qr/\Q$error\E/, "a rehearsal: $error");
	query($node, "SELECT pgmigrate.remove('reach')");
}
is(query($node, "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'she is no superuser');

# Extensions of the server whose functions reach what all databases share.
for my $call (
	[ 'pg_surgery', q(heap_force_kill('pg_shdescription', ARRAY['(0,1)'::tid])) ],
	[ 'pg_visibility', q(pg_truncate_visibility_map('pg_shdescription')) ],
	[ 'pg_prewarm', 'autoprewarm_dump_now()' ])
{
	my ($extension, $function) = @$call;
	my ($name) = $function =~ /^(\w+)/;

	SKIP:
	{
		skip "there is no $extension", 1
		  if query($node, "SELECT count(*) FROM pg_available_extensions WHERE name = '$extension'") eq '0';
		my (undef, undef, $error) = $node->psql('postgres',
			'SELECT pgmigrate.diff(' . quote("CREATE EXTENSION $extension; SELECT $function") . ')');
		like($error, qr/cannot call function "$name" in a scratch database/, "$name is not called");
	}
}

# The CHECK of a domain runs where a default is read: as its owner, not as who
# makes the schema, here or as it is desired.
# Nor does what a SECURITY DEFINER has been outlast it.
query($node, <<'SQL');
CREATE FUNCTION public.definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
CREATE SCHEMA mallory AUTHORIZATION mallory;
SET ROLE mallory;
CREATE FUNCTION mallory.definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
CREATE FUNCTION mallory.check_me() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_database() <> 'postgres' THEN
		PERFORM public.definer();
		RAISE WARNING 'as %', current_user;
		BEGIN
			SET ROLE mallory;
			RAISE WARNING 'the role was set';
		EXCEPTION WHEN insufficient_privilege THEN NULL;
		END;
		PERFORM 1 / 0;
	END IF;
	RETURN true;
EXCEPTION WHEN division_by_zero THEN RETURN true;
END $$;
CREATE FUNCTION mallory.inlined() RETURNS boolean LANGUAGE sql AS 'SELECT mallory.check_me()';
CREATE DOMAIN mallory.d AS int CHECK (mallory.check_me());
CREATE DOMAIN mallory.e AS int CHECK (mallory.inlined());
CREATE TABLE mallory.t (a mallory.d[] DEFAULT '{1}', b mallory.e[] DEFAULT '{2}');
-- in a parallel worker, where there is one
CREATE FUNCTION mallory.costly() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 AS $$
BEGIN
	IF current_database() <> 'postgres' THEN RAISE WARNING 'costly as %', current_user; END IF;
	PERFORM pg_sleep(0.01);
	RETURN 1;
END $$;
CREATE MATERIALIZED VIEW mallory.l WITH (parallel_workers = 2) AS
	SELECT string_agg(md5(i::text || g), '') AS t FROM generate_series(1, 60) AS g, generate_series(1, 60) AS i GROUP BY g;
CREATE MATERIALIZED VIEW mallory.m AS SELECT mallory.costly() AS i FROM mallory.l;
RESET ROLE;
-- what the server makes with a type is called
CREATE TYPE public.floatrange AS RANGE (subtype = float8);
CREATE MATERIALIZED VIEW public.ranged AS SELECT floatmultirange(floatrange(g, g + 1)) AS r FROM generate_series(1, 2) AS g;
CREATE FUNCTION public.after() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_database() <> 'postgres' THEN
		PERFORM mallory.definer();
		RAISE WARNING 'then %', current_user;
	END IF;
	RETURN true;
END $$;
CREATE DOMAIN public.d AS int CHECK (public.after());
CREATE TABLE public.u (a public.d[] DEFAULT '{1}');
SQL
query($node, "SELECT pgmigrate.revision('n', 'CREATE TABLE public.r ()')");
for my $way ('SELECT count(*) FROM pgmigrate.rehearse()', "SELECT pgmigrate.autogenerate('n', 'CREATE TABLE public.n ()')")
{
	my ($offset, %as) = -s $node->logfile;

	query($node, $way);
	$as{$_}++ for PostgreSQL::Test::Utils::slurp_file($node->logfile, $offset) =~ /WARNING:  01000: ((?:as|then|costly as) \w+|the role was set)/g;
	is(join(', ', sort keys %as), 'as mallory, costly as mallory, then postgres', "the code of an owner has his rights: $way");
}

# What would have other rights all the same.
query($node, <<'SQL');
SET ROLE mallory;
CREATE FUNCTION mallory.role() RETURNS boolean LANGUAGE plpgsql SET role = mallory AS 'BEGIN RETURN true; END';
CREATE FUNCTION mallory.authorized() RETURNS boolean LANGUAGE plpgsql SET session_authorization = mallory AS 'BEGIN RETURN true; END';
SQL
for my $check (
	[ q(query_to_xml('SELECT 1', false, false, '') IS NOT NULL), 'query_to_xml' ],
	[ q(table_to_xml('pg_am', false, false, '') IS NOT NULL), 'table_to_xml' ],
	[ q(ts_rewrite('a', 'SELECT ''a''::tsquery, ''b''::tsquery') IS NOT NULL), 'ts_rewrite' ],
	[ 'mallory.role()', 'role' ],
	[ 'mallory.authorized()', 'authorized' ],
	[ q(set_config('session_authorization', 'mallory', false) <> '' AND mallory.check_me()) ])
{
	my ($condition, $function) = @$check;
	my $offset = -s $node->logfile;

	query($node, <<"SQL");
SET ROLE mallory;
DROP TABLE mallory.t;
CREATE DOMAIN mallory.f AS int CHECK ($condition);
CREATE TABLE mallory.t (a mallory.f[] DEFAULT '{1}');
SQL
	my $told = query($node, 'SELECT r::text FROM pgmigrate.rehearse() r');
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $offset);
	if (defined $function)
	{
		like($told, qr/cannot call function "+$function"+ in a scratch database/, "$function is not called");
	}
	else
	{
		like($log, qr/WARNING:  01000: as mallory/, 'the code of an owner has his rights in his session too');
		unlike($log, qr/WARNING:  01000: the role was set/, 'and sets no role');
	}
	query($node, 'DROP TABLE mallory.t; DROP DOMAIN mallory.f; CREATE TABLE mallory.t ()');
}

sub quote
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

log_is_clean($node);
done_testing();
