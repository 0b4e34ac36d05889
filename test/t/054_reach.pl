
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
	[ 'CREATE FUNCTION public.h() RETURNS language_handler LANGUAGE c AS $$$libdir/plpgsql$$, $$plpgsql_call_handler$$; CREATE TRUSTED LANGUAGE l HANDLER public.h', 'cannot run CREATE LANGUAGE in a scratch database' ],
	[ 'CREATE TRUSTED LANGUAGE l HANDLER plpgsql_call_handler INLINE fmgr_sql_validator', 'cannot run CREATE LANGUAGE in a scratch database' ])
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

sub quote
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

log_is_clean($node);
done_testing();
