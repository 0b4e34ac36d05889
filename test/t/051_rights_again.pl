
# Copyright (c) 2026, pgmigrate developers

# What was not attacked before: every function with odd arguments, events and
# their consumers, online changes of others, other databases.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('again');

query($node, <<'SQL');
CREATE ROLE mallory LOGIN;
CREATE ROLE olga LOGIN;
CREATE ROLE vic LOGIN;
SELECT pgmigrate.grant_access('mallory', 'author');
SELECT pgmigrate.grant_access('olga', 'operator');
SELECT pgmigrate.grant_access('vic', 'viewer');
CREATE SCHEMA app AUTHORIZATION olga;
CREATE SCHEMA mal AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA mal TO PUBLIC;
SQL

sub as
{
	return answers($node, @_);
}

# Each function that SQL can call, with nulls in all places and in each, and
# with values that no sane client sends: an error or an answer, never a crash,
# nor one that says that the server has met what must not be.
my $calls = query($node, <<'SQL');
WITH odd (type, v) AS (VALUES
	('text', ARRAY[$$''$$, $$E'\x01\x1b[2J'$$, $$repeat('x', 100000)$$, $$'%s%n{"('$$, $$'-1'$$, $$'head'$$,
		$$'{}'$$, $$'SELECT 1'$$, $$'text'$$, $$E'a\nb;--'$$]),
	('bigint', ARRAY['-1', '0', '9223372036854775807', $$'-9223372036854775808'$$, '1']),
	('integer', ARRAY['-1', '0', '2147483647', $$'-2147483648'$$, '1']),
	('regclass', ARRAY['0', '4294967295', $$'pg_class'$$, $$'pg_stat_activity'$$, $$'pg_class_oid_index'$$,
		$$'pgmigrate.run_id_seq'$$, $$'pg_toast.pg_toast_1255'$$, $$'pgmigrate.revision'$$, $$'pgmigrate.runs'$$]),
	('interval', ARRAY[$$'-1 day'$$, $$'0'$$, $$'178000000 years'$$, $$'-178000000 years'$$, $$'1 us'$$,
		$$'2147483647 months'$$, $$'-2147483648 days'$$]),
	('text[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{a,b},{c,d}}'$$, $$'[5:6]={a,b}'$$,
		$$array_fill(''::text, ARRAY[20000])$$, $$'{head,head}'$$, $$'{""}'$$, $$'{{{NULL}}}'$$]),
	('bigint[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{1,2},{3,4}}'$$, $$'[5:6]={1,2}'$$,
		$$array_fill(1::int8, ARRAY[20000])$$]),
	('jsonb', ARRAY[$$'null'$$, $$'[]'$$, $$'{"a":1}'$$, $$'"x"'$$, $$'{"":""}'$$, $$'{"oid":"oid"}'$$,
		$$'{"oid":null}'$$, $$'{"oid":["oid"]}'$$]),
	('double precision', ARRAY[$$'NaN'$$, $$'inf'$$, $$'-inf'$$, '-1', '0', '1e-300', '1', '0.5', '1e300']),
	('boolean', ARRAY['true', 'false'])),
f AS (
	SELECT p.oid, p.proname, p.proargtypes::oid[] AS t, p.pronargs AS n, p.provariadic <> 0 AS variadic
	FROM pg_proc p
	WHERE p.pronamespace = 'pgmigrate'::regnamespace
		AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'table_am_handler'::regtype))
SELECT format('SELECT count(*) FROM pgmigrate.%I(%s);', f.proname, (
	SELECT string_agg(format('%s(%s)::%s', CASE WHEN f.variadic AND a.i = f.n THEN 'VARIADIC ' END,
		CASE WHEN m.mode = 'null' OR m.k = a.i - 1 AND m.mode = 'one' THEN 'NULL'
		ELSE o.v[1 + (m.k + CASE WHEN m.mode = 'spread' THEN a.i::int * 3 ELSE 0 END) % cardinality(o.v)] END,
		format_type(a.t, NULL)), ', ' ORDER BY a.i)
	FROM unnest(f.t) WITH ORDINALITY AS a (t, i) JOIN odd o ON o.type = format_type(a.t, NULL)))
FROM f, (
	SELECT 'null' AS mode, 0 AS k
	UNION ALL SELECT 'odd', g FROM generate_series(0, 9) g
	UNION ALL SELECT 'spread', g FROM generate_series(0, 4) g
	UNION ALL SELECT 'one', g FROM generate_series(0, 9) g) AS m
WHERE (m.mode = 'null' OR f.n > 0) AND (m.mode <> 'one' OR m.k < f.n)
ORDER BY f.proname, f.oid, m.mode, m.k;
SQL
my $ncalls = () = $calls =~ /^SELECT/mg;
cmp_ok($ncalls, '>', 1000, 'there are functions to call');
unlike($calls, qr/\(\);\n.*\(\);\n.*\(\);\n.*\(\);\n.*\(\);\n.*\(\);/,
	'with values for the types of their arguments');
for my $role (qw(vic postgres))
{
	my $out = as($role, <<"SQL");
SET statement_timeout = '20s';
SET pgmigrate.lock_deadline = '200ms';
SET pgmigrate.run_wait = '200ms';
$calls
SELECT 'reached the ' || 'end';
SQL
	like($out, qr/^reached the end$/m, "odd arguments by $role: the session goes on");
	my @wrong =
	  grep { /XX00|server closed|cache lookup|function .* does not exist|invalid memory/ } split /\n/, $out;
	is(join("\n", map { substr($_, 0, 300) } @wrong), '', "odd arguments by $role: errors of users");
}
query($node, 'SELECT pgmigrate.wait()');

# Triggers are no functions to call.
for my $trigger (qw(check_writer record_event online_row online_truncate online_beside))
{
	like(as('postgres', "SELECT pgmigrate.$trigger()"),
		qr/ERROR:  (?:39P01|0A000)/, "$trigger() by hand");
}

# A reviewer sees all of what has changed: whoever has the text that was read
# and the difference has the text that is stored.
sub apply
{
	my ($text, $difference) = @_;
	my @old = split /\n/, $text;
	my @new;
	my $at = 0;

	for my $line (split /\n/, $difference)
	{
		if ($line =~ /^@@ -(\d+)(?:,(\d+))? /)
		{
			my $first = $1 - (($2 // 1) > 0 ? 1 : 0);

			push @new, $old[ $at++ ] while $at < $first;
		}
		elsif ($line =~ /^\+(?!\+\+ )(.*)/) { push @new, $1; }
		elsif ($line =~ /^([- ])(?!-- )(.*)/)
		{
			return "another line than \"$2\"" if $old[ $at++ ] ne $2;
			push @new, $2 if $1 eq ' ';
		}
	}
	push @new, @old[ $at .. $#old ];
	return join("\n", @new);
}
srand(51);
query($node, q{SELECT pgmigrate.revision('c', 'SELECT 0;', id => 'c')});
my $text = 'SELECT 0;';
my $applied = 0;
for my $round (1 .. 20)
{
	my @lines = split /\n/, $text;
	my $next;

	for (1 .. 1 + int(rand(6)))
	{
		splice @lines, int(rand(@lines + 1)), int(rand(3)), map { 'SELECT ' . int(rand(4)) . ';' } 1 .. int(rand(5));
	}
	@lines = ('SELECT 0;') unless @lines;
	$next = join("\n", @lines);
	my $out = query($node, <<"SQL");
SELECT digest AS before FROM pgmigrate.show('c') \\gset
SET client_min_messages = error;
SELECT FROM pgmigrate.amend('c', upgrade => '$next');
SELECT pgmigrate.changes('c', :'before');
SQL
	$applied++ if apply($text, $out) eq $next;
	$text = $next;
}
is($applied, 20, 'changes() has every line that was changed');
query($node, q{SELECT pgmigrate.remove('c')});

# Who is told of events, and by whom that is ended.
query($node, <<'SQL');
INSERT INTO pgmigrate.event_consumer (consumer, role_oid, role, settled)
SELECT 'notify_command', oid, rolname, '0' FROM pg_roles WHERE rolname = current_user;
SELECT pgmigrate.revision('e', 'SELECT 1', 'SELECT 1', id => 'ev');
SELECT pgmigrate.upgrade();
SQL
as('olga', q{SELECT count(*) FROM pgmigrate.events('pager')});
for my $consumer (qw(notify_command pager))
{
	for my $call (
		"acknowledge('$consumer', VARIADIC (SELECT array_agg(id) FROM pgmigrate.event))",
		"drop_consumer('$consumer')",
		"events('$consumer')")
	{
		like(as('vic', "SELECT pgmigrate.$call"),
			qr/ERROR:  (?:42501|42939)/, "a viewer: $call");
	}
}
is( query($node,
		q{SELECT count(*), string_agg(consumer, ',' ORDER BY consumer) FROM pgmigrate.event_consumer WHERE consumer IN ('pager', 'notify_command') AND settled = '0'}
	),
	'2|notify_command,pager',
	'nothing is settled by another');

# A consumer in an open transaction holds up nobody who forgets old events.
as('olga', q{SELECT pgmigrate.acknowledge('pager', max(id)) FROM pgmigrate.event});
is(query($node, 'SELECT count(*) FROM pgmigrate.event_delivery'), '1', 'the last event is acknowledged, those before it are not');
my $idle = session($node, user => 'olga');
$idle->query(q{BEGIN; SELECT pgmigrate.drop_consumer('pager')});
is(query($node, q{SET statement_timeout = '20s'; SELECT pgmigrate.prune_events('0 s') > 0}),
	't', 'events go while their consumer is in an open transaction');
$idle->query('ROLLBACK');
is(query($node, 'SELECT count(*) FROM pgmigrate.event'), '0', 'all of them');

# Whose online change it is.
query($node, <<'SQL');
CREATE TABLE app.theirs (id int PRIMARY KEY);
CREATE TABLE app.hers (id int PRIMARY KEY);
ALTER TABLE app.hers OWNER TO olga;
SELECT pgmigrate.rebuild('app.theirs');
SQL
as('olga', "SELECT pgmigrate.rebuild('app.hers')");
my $done = as('olga', 'SELECT * FROM pgmigrate.finalize()');
like($done,
	qr/NOTICE:  .*operation 1 is not finalized, only the owner of table "theirs" may do that/,
	'finalize() says what it leaves to its owner');
like($done, qr/^2\|app.hers\|finalized$/m, 'and does what is of the caller');
unlike($done, qr/ERROR/, 'without an error');
like(as('olga', 'SELECT * FROM pgmigrate.finalize(1)'),
	qr/ERROR:  42501/, 'that of another by its number');
is(query($node, 'SELECT * FROM pgmigrate.finalize()'),
	'1|app.theirs|finalized', 'its owner does it');

# What is constant in the condition of an index or of a domain is computed when
# they are read: in the worker, by functions of the owner, as the owner, and
# where a function of SQL finds a snapshot.
as('olga', <<'SQL');
CREATE FUNCTION app.p(t text) RETURNS boolean LANGUAGE sql IMMUTABLE SET work_mem = '1MB'
AS $$ SELECT count(*) >= 0 FROM pg_class WHERE relname = t $$;
CREATE DOMAIN app.d AS int CHECK (app.p('x'));
CREATE TABLE app.partial (id int PRIMARY KEY, v app.d, w int);
CREATE INDEX ON app.partial (w) WHERE app.p('x');
INSERT INTO app.partial VALUES (1, 1, 1);
SQL
my $started = query($node, 'SELECT pg_postmaster_start_time()');
like(as('olga', "SELECT state FROM pgmigrate.backfill('app.partial', 'w = 2', 'w = 1')"),
	qr/^done$/m, 'a backfill of a table with such an index');
for my $change ("'app.partial'", "'app.partial', 'ALTER COLUMN v TYPE bigint'",
	"'app.partial', 'ALTER COLUMN v TYPE app.d'")
{
	like(as('olga', "SELECT action FROM pgmigrate.rebuild($change)"),
		qr/^switched$/m, "rebuild($change)");
	query($node, 'SELECT pgmigrate.finalize()');
}
as('mallory', <<'SQL');
CREATE FUNCTION mal.vol() RETURNS boolean LANGUAGE plpgsql
AS $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true; END $$;
CREATE FUNCTION mal.pred(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
AS $$ DECLARE r boolean; BEGIN SELECT mal.vol() INTO r; RETURN true; END $$;
CREATE DOMAIN mal.d AS int CHECK (mal.pred('d'));
CREATE TABLE mal.x (id int PRIMARY KEY, v mal.d);
CREATE INDEX ON mal.x (v) WHERE mal.pred('x');
INSERT INTO mal.x VALUES (1, 1);
CREATE TABLE mal.p (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE mal.p1 PARTITION OF mal.p FOR VALUES FROM (0) TO (100);
ALTER TABLE mal.p1 ADD CONSTRAINT c CHECK (mal.pred('c'));
SQL
for my $look (
	"rebuild('mal.x')", "finalize()",
	"rebuild('mal.x', 'ALTER COLUMN v TYPE bigint')", "finalize()",
	"rebuild('mal.x', 'ALTER COLUMN v TYPE mal.d')", "finalize()",
	"lint('ALTER TABLE mal.p DETACH PARTITION mal.p1; ALTER TABLE mal.p1 DROP CONSTRAINT c')",
	"lint('ALTER TABLE mal.x ALTER id TYPE mal.d; CREATE INDEX ON mal.x (v); UPDATE mal.x SET v = 3')",
	"fingerprint()")
{
	unlike(as('postgres', "SELECT count(*) FROM pgmigrate.$look"), qr/ERROR/, "a superuser: $look");
	is(query($node, "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"), 'f', 'is not she');
}
is(query($node, 'SELECT pg_postmaster_start_time()'), $started, 'the server has not started anew');

# A role is not its name: what keeps the one keeps the other.
is( query($node, <<'SQL'),
SELECT string_agg(format('%s.%s', c.relname, a.attname), ', ' ORDER BY 1)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'text'::regtype
	AND a.attname ~ '(^|_)(role|author)$|_by$'
	AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid
		AND o.attname = a.attname || '_oid' AND o.atttypid = 'oid'::regtype)
SQL
	'', 'no table has the name of a role without the role');
query($node, <<'SQL');
CREATE ROLE sam LOGIN;
SELECT pgmigrate.grant_access('sam', 'operator');
GRANT USAGE, CREATE ON SCHEMA app TO sam;
SELECT pgmigrate.capture_drift();
SQL
as('sam', <<'SQL');
SELECT pgmigrate.revision('s', 'SELECT 1', 'SELECT 1', id => 'sams');
SELECT pgmigrate.amend('sams', upgrade => 'SELECT 2');
SELECT pgmigrate.approve('sams');
SELECT pgmigrate.attest('backup', 'there is one');
SELECT pgmigrate.scraped();
SELECT pgmigrate.upgrade();
SELECT pgmigrate.watch('sams', 'SELECT 1');
SELECT pgmigrate.checklist_require('sams', 'SELECT true');
SELECT pgmigrate.events('sams');
CREATE TABLE app.sams (i int PRIMARY KEY);
SELECT pgmigrate.backfill('app.sams', 'i = 1', 'i = 2');
SELECT pgmigrate.revision('s', 'SELECT 3', id => 'later');
SQL
query($node, <<'SQL');
SELECT pgmigrate.capture_drift(false);
DROP OWNED BY sam;
DROP ROLE sam;
CREATE ROLE sam LOGIN SUPERUSER;
SQL
my $of_sam = query($node, <<'SQL');
SELECT string_agg(format('SELECT %L || (count(*) > 0) || (count(*) FILTER (WHERE %I = %L::regrole) = 0) FROM pgmigrate.%I WHERE %I = %L',
	format('%s.%s ', c.relname, a.attname), a.attname || '_oid', 'sam', c.relname, a.attname, 'sam'), ' UNION ALL ' ORDER BY 1)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'text'::regtype
	AND a.attname ~ '(^|_)(role|author)$|_by$'
SQL
my @named = split /\n/, query($node, $of_sam);
cmp_ok(scalar(grep { / true/ } @named), '>=', 12, 'sam is in many tables');
is(join(', ', grep { !/ (?:truetrue|falsetrue)$/ } @named),
	'', 'and the new one in none of them');
like(as('sam', 'SELECT pgmigrate.upgrade()'),
	qr/revision "later" was written by a role that does not have the privileges of role "sam"/,
	'nor is he trusted for what the former one wrote');
query($node, <<'SQL');
SELECT pgmigrate.remove('later');
SELECT pgmigrate.unwatch('sams');
SQL

# An idle author is waited for once, not again and again.
as('mallory', "SELECT pgmigrate.revision('held', 'SELECT 1', 'SELECT 1', id => 'held')");
query($node, "SELECT pgmigrate.approve('held')");
my $author = session($node, user => 'mallory');
$author->query('BEGIN');
$author->query("SELECT pgmigrate.amend('held', message => 'mine')");
for my $whole (qw(on off))
{
	my $out = as('postgres',
		"SET pgmigrate.transaction_per_migration = $whole; SET pgmigrate.lock_deadline = '500ms'; SELECT pgmigrate.upgrade()"
	);
	like($out,
		qr/ERROR:  55P03: stored revisions are being changed by process \d+\n/,
		"the first error is the last, transaction_per_migration = $whole");
	unlike($out, qr/waiting to try again|attempt/, 'there is no other try');
}
$author->query('ROLLBACK');
unlike(as('postgres', 'SELECT pgmigrate.upgrade()'),
	qr/ERROR/, 'afterwards it runs');
$author->quit;

# Another database is read by who may connect to it.
query($node, <<'SQL');
CREATE DATABASE shut;
CREATE DATABASE open;
REVOKE CONNECT ON DATABASE shut FROM PUBLIC;
ALTER ROLE mallory CREATEDB;
SQL
my $differs = q{SELECT 'rows', count(*) FROM pgmigrate.diff(desired_database => '%s')};
like(as('mallory', sprintf($differs, 'open')), qr/^rows\|/m, 'a database that she may connect to');
for my $become ('', 'SET ROLE mallory; ')
{
	like(
		as($become ? 'postgres' : 'mallory', $become . sprintf($differs, 'shut')),
		qr/ERROR:  42501: permission denied for database "shut"/,
		"${become}one that she may not");
}
query($node, "UPDATE pg_database SET datallowconn = false WHERE datname = 'open'");
like(as('postgres', sprintf($differs, 'open')),
	qr/ERROR/, 'nor one that nobody may');
query($node, "UPDATE pg_database SET datallowconn = true WHERE datname = 'open'");

log_is_clean($node);
done_testing();
