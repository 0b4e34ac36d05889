
# Copyright (c) 2026, pgmigrate developers

# Whose rights an online change has: what the owner of a table has written into
# it is evaluated as the owner, by whoever copies, compares, indexes, switches
# or writes; and a function with the rights of its owner lends just these.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rights', 'log_statement = none');
my $last = 'ORDER BY operation DESC LIMIT 1';

query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE ROLE olga LOGIN;
SELECT pgmigrate.grant_access('olga', 'operator');
SELECT pgmigrate.grant_access('mallory', 'operator');
CREATE SCHEMA mal AUTHORIZATION mallory;
CREATE SCHEMA app AUTHORIZATION olga;
GRANT USAGE ON SCHEMA mal, app TO PUBLIC;
SQL

sub as
{
	return answers($node, @_);
}

# Who evaluates is written down where nothing takes it back: in the server's log.
as('mallory', <<'SQL');
CREATE FUNCTION mal.grab(code text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
	BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
	RAISE WARNING '% is evaluated by %', code, current_user;
	RETURN 0;
END $$;
CREATE FUNCTION mal.calm(code text) RETURNS int LANGUAGE plpgsql IMMUTABLE
AS $$ DECLARE r int; BEGIN EXECUTE 'SELECT mal.grab($1)' INTO r USING code; RETURN r; END $$;
CREATE FUNCTION mal.big(code text, v int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE
AS $$ DECLARE r bigint; BEGIN EXECUTE 'SELECT mal.grab($1)' INTO r USING code; RETURN v; END $$;
CREATE TABLE mal.t (id int PRIMARY KEY, v int, w int DEFAULT mal.calm('default'),
	g int GENERATED ALWAYS AS (mal.calm('generated') + id) STORED, CHECK (mal.calm('check') = 0));
CREATE INDEX ON mal.t ((mal.calm('index') + w));
INSERT INTO mal.t SELECT g, g FROM generate_series(1, 20) g;
GRANT ALL ON mal.t TO PUBLIC;
SQL

my $change = q{ALTER v TYPE bigint USING mal.big('using', v)};

# every phase, and writers of other roles in the middle and after the switch
my $holder = session($node);
my $caller = session($node);
my $write = q{INSERT INTO mal.t (id, v) VALUES (100 + %1$d, 1); UPDATE mal.t SET v = v + 1 WHERE id = %1$d; DELETE FROM mal.t WHERE id = %1$d + 10};

$holder->query('BEGIN; LOCK TABLE mal.t IN ACCESS SHARE MODE');
$caller->send("SELECT action FROM pgmigrate.rebuild('mal.t', \$c\$$change\$c\$)");
poll($node, "SELECT state = 'switching' FROM pgmigrate.operations $last");
unlike(as('olga', sprintf $write, 1), qr/ERROR/, 'another role writes meanwhile');
$holder->query('COMMIT');
is($caller->result, 'switched', 'a superuser changes the table of another');
unlike(as('olga', sprintf $write, 2), qr/ERROR/, 'another role writes after the switch');
query($node, "SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))");
is(query($node, "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'nobody became a superuser');

my $log = slurp_file($node->logfile);
my %seen;
$seen{$1}{$2}++ while $log =~ /:  01000: ([a-z]+) is evaluated by (\w+)/g;
is(join(', ', grep { $seen{$_}{postgres} } sort keys %seen), '', 'nothing of hers is evaluated by the superuser');
ok($seen{$_}{mallory}, "$_: by its owner") foreach qw(index using generated check);

# A function with the rights of its owner, called by one with more and with less.
as('olga', <<'SQL');
CREATE TABLE app.hers (id int PRIMARY KEY, v int);
INSERT INTO app.hers VALUES (1, 1);
CREATE FUNCTION app.change() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT action FROM pgmigrate.rebuild('app.hers', 'ALTER v TYPE bigint') $$;
CREATE FUNCTION app.back() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations)) $$;
SQL
as('mallory', <<'SQL');
CREATE FUNCTION mal.change() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT action FROM pgmigrate.rebuild('app.hers', 'ALTER v TYPE bigint') $$;
CREATE FUNCTION mal.back() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations)) $$;
CREATE FUNCTION mal.finish() RETURNS text LANGUAGE sql SECURITY DEFINER
AS $$ SELECT string_agg(action, ',') FROM pgmigrate.finalize() $$;
SQL

sub type_of_v
{
	return query($node, "SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'app.hers'::regclass AND attname = 'v'");
}

like(as('mallory', "SELECT pgmigrate.rebuild('app.hers')"), qr/ERROR:  42501/, 'the table of another');
like(as('postgres', 'SELECT mal.change()'), qr/ERROR:  25001/, 'nor by a superuser who calls a function with her rights');
is(type_of_v(), 'integer', 'nothing is changed');
like(as('mallory', 'SELECT app.change()'), qr/ERROR:  25001/, 'it is for a statement of its own, not for a function');
query($node, "SET ROLE olga; SELECT pgmigrate.rebuild('app.hers', 'ALTER v TYPE bigint')");
like(as('postgres', 'SELECT mal.back()'), qr/ERROR:  42501/, 'a superuser does not take it back with her rights');
like(as('postgres', 'SELECT mal.finish()'), qr/only the owner of table "hers" may do that/, 'nor finalizes it');
is(type_of_v(), 'bigint', 'it is as its owner left it');
like(as('mallory', 'SELECT app.back()'), qr/^reverted$/m, 'the function of its owner does, called by anybody');
log_is_clean($node);
$node->stop;

done_testing();
