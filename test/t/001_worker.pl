
# Copyright (c) 2026, pgmigrate developers

# Where a run takes place, and that it can do there what it should.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('worker');
my $n = 0;

# Run a call that applies one more revision; test where that was.
sub runs_in
{
	my ($execution, $call, $name) = @_;

	$n++;
	revision($node, "w$n", "INSERT INTO mark VALUES ('w$n')");
	my $messages = notices($node, $call);
	is(last_run($node, 'execution'), $execution, "$name: $execution");
	head_is($node, "w$n", "$name: it is applied") or diag $messages;

	# who asked for nothing is told
	my $expected = $execution eq 'inline' && $call !~ /pgmigrate\.execution/;
	my $told = $messages =~
	  /NOTICE:  00000: the run takes place in this transaction, not in a background worker\nDETAIL: .*\./;
	is($told ? 'told' : '', $expected ? 'told' : '', "$name: what is said");
	return $messages;
}

# The same, refused.
sub refused
{
	my ($state, $call, $name) = @_;
	my $before = query($node, 'SELECT count(*) FROM pgmigrate.run');

	fails($node, $call, $state, $name);
	is(query($node, 'SELECT count(*) FROM pgmigrate.run'),
		$before, "$name: no run");
	return;
}

query($node, 'CREATE TABLE mark (id text)');

# Where it runs.
my $messages = runs_in('worker', 'SELECT pgmigrate.upgrade()', 'SELECT f()');
like($messages, qr/upgrade 1 of 1: w1, revision w1/, 'each step is told');
runs_in('worker', 'SELECT * FROM pgmigrate.upgrade()', 'SELECT FROM f()');
runs_in('worker', 'SELECT count(*) FROM pgmigrate.upgrade()', 'count(*)');
runs_in('worker',
	"SELECT step, revision FROM pgmigrate.upgrade('+1') WHERE state = 'done' ORDER BY step LIMIT 5",
	'WHERE, ORDER BY and LIMIT');
like(
	runs_in('inline', 'BEGIN; SELECT pgmigrate.upgrade(); COMMIT',
		'transaction block'),
	qr/DETAIL:  The call is in a transaction block/,
	'and it is told why');
runs_in('inline', 'SELECT 1\; SELECT pgmigrate.upgrade();',
	'several statements in one query');
like(
	runs_in('inline', 'DO $$ BEGIN PERFORM pgmigrate.upgrade(); END $$', 'DO'),
	qr/DETAIL:  The call is not all that the statement does/,
	'and it is told why');
query($node,
	'CREATE FUNCTION up() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN count(*) FROM pgmigrate.upgrade(); END $$'
);
runs_in('inline', 'SELECT up()', 'function');
runs_in('inline',
	'SET default_transaction_isolation = \'repeatable read\'; SELECT pgmigrate.upgrade()',
	'REPEATABLE READ');
like(
	runs_in(
		'inline',
		'SET default_transaction_isolation = \'serializable\'; SELECT pgmigrate.upgrade()',
		'SERIALIZABLE'),
	qr/DETAIL:  The isolation level of the transaction is "serializable"\./,
	'and it is told why');
runs_in('inline',
	'WITH u AS MATERIALIZED (SELECT * FROM pgmigrate.upgrade()) SELECT count(*) FROM u',
	'WITH');
runs_in('inline', 'SELECT (SELECT count(*) FROM pgmigrate.upgrade())',
	'sub-SELECT');
runs_in('inline',
	'SELECT count(*) FROM mark, pgmigrate.upgrade()', 'join with a table');
runs_in('inline', 'EXPLAIN (ANALYZE, COSTS off) SELECT pgmigrate.upgrade()',
	'EXPLAIN ANALYZE');
runs_in('inline',
	'CREATE TABLE steps AS SELECT * FROM pgmigrate.upgrade()',
	'CREATE TABLE AS');
runs_in('inline', 'COPY (SELECT pgmigrate.upgrade()) TO STDOUT', 'COPY');
runs_in(
	'inline',
	'BEGIN; DECLARE c CURSOR FOR SELECT pgmigrate.upgrade(); FETCH ALL FROM c; COMMIT',
	'cursor');
runs_in(
	'inline',
	'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT pgmigrate.upgrade(); FETCH ALL FROM c; COMMIT',
	'WITH HOLD cursor');
runs_in('inline',
	"SET pgmigrate.execution = 'inline'; SELECT pgmigrate.upgrade()",
	'execution = inline');
runs_in('worker',
	"SET pgmigrate.execution = 'worker'; SELECT pgmigrate.upgrade()",
	'execution = worker');
runs_in('worker', 'PREPARE p AS SELECT pgmigrate.upgrade($1); EXECUTE p(\'+1\')',
	'EXECUTE');

$n++;
revision($node, "w$n", "INSERT INTO mark VALUES ('w$n')");
$node->safe_psql('postgres',
	'BEGIN; SELECT count(*) FROM pgmigrate.upgrade(); ROLLBACK');
head_is($node, 'w' . ($n - 1), 'an inline run is rolled back with its transaction');
is(query($node, "SELECT count(*) FROM mark WHERE id = 'w$n'"),
	'0', 'and so is its work');
query($node, 'SELECT pgmigrate.upgrade()');

# An error is that of the worker to the line of its source.
revision($node, 'broken', 'SELECT 1 / 0');
like(
	notices($node, 'SELECT pgmigrate.upgrade()'),
	qr/ERROR:  22012: .*\n(?:.*\n)*?LOCATION:  int4div, int\.c:\d+$/m,
	'an error says where it was raised');
query($node, "SELECT pgmigrate.remove('broken')");

# "worker" means: or not at all.
$n++;
revision($node, "w$n", "INSERT INTO mark VALUES ('w$n')");
my $worker = "SET pgmigrate.execution = 'worker'; ";
refused('25001', "$worker BEGIN; SELECT pgmigrate.upgrade(); COMMIT",
	'execution = worker in a transaction block');
refused('25001', "$worker DO \$\$ BEGIN PERFORM pgmigrate.upgrade(); END \$\$",
	'execution = worker in DO');
refused('25001', "$worker SELECT 1\\; SELECT pgmigrate.upgrade();",
	'execution = worker in a multi-statement query');
refused('25001', "$worker SELECT count(*) FROM mark, pgmigrate.upgrade()",
	'execution = worker beside a table');
refused(
	'25001',
	"$worker SET default_transaction_isolation = 'repeatable read'; SELECT pgmigrate.upgrade()",
	'execution = worker in REPEATABLE READ');
query($node, 'SELECT pgmigrate.upgrade()');

# Extended query protocol, unnamed and prepared, more often than it takes for a
# generic plan; and in a pipeline, which is a transaction.
for my $mode (qw(simple extended prepared))
{
	my $script = $node->basedir . "/$mode.sql";
	append_to_file($script, "SELECT pgmigrate.upgrade('+1');\n");
	for my $i (1 .. 8)
	{
		$n++;
		revision($node, "w$n", "CREATE INDEX CONCURRENTLY w$n ON mark (id)");
	}
	$node->command_ok(
		[ 'pgbench', '-n', '-M', $mode, '-t', 8, '-f', $script, 'postgres' ],
		"$mode query protocol");
	head_is($node, "w$n", "$mode query protocol: all are applied");
}
is( query($node,
		"SELECT count(*) FROM pg_index WHERE indrelid = 'mark'::regclass AND indisvalid"
	),
	'24',
	'all indexes are there');

# What cannot run in a transaction block.
revision($node, 'c1', <<'SQL');
CREATE TABLE part (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE plain (id int PRIMARY KEY, v text);
INSERT INTO plain SELECT i, i::text FROM generate_series(1, 1000) i;
CREATE TYPE mood AS ENUM ('sad', 'ok');
SQL
revision($node, 'c2', 'CREATE INDEX CONCURRENTLY plain_v ON plain (v)');
revision($node, 'c3', <<'SQL');
CREATE UNIQUE INDEX CONCURRENTLY plain_u ON plain (lower(v)) WHERE id > 10;
REINDEX INDEX CONCURRENTLY plain_v;
REINDEX TABLE CONCURRENTLY plain;
VACUUM (ANALYZE) plain;
DROP INDEX CONCURRENTLY plain_v;
SQL
revision($node, 'c4', 'ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY');
revision($node, 'c5', "ALTER TYPE mood ADD VALUE 'happy'");
revision($node, 'c6',
	"CREATE TABLE moods (m mood DEFAULT 'happy'); INSERT INTO moods VALUES ('happy')");
revision($node, 'c7', 'CREATE DATABASE made', downgrade => "'DROP DATABASE made'");
revision($node, 'c8',
	'CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mark VALUES (\'c8\'); COMMIT; INSERT INTO mark VALUES (\'c8\'); COMMIT; END $$; CALL twice()',
	downgrade => "'DROP PROCEDURE twice()'",
	transactional => 'false');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'c8', 'all of the commands that refuse a transaction block');
is( query($node,
		"SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'plain'::regclass"
	),
	'plain_pkey plain_u',
	'indexes as written');
is( query($node,
		"SELECT count(*) FROM pg_inherits WHERE inhparent = 'part'::regclass"),
	'1', 'one partition is detached');
is(query($node, 'SELECT m FROM moods'), 'happy', 'the new value is in use');
is(query($node, "SELECT count(*) FROM mark WHERE id = 'c8'"),
	'2', 'a procedure that commits');
query($node, "SELECT pgmigrate.downgrade('-2')");
head_is($node, 'c6', 'a downgrade with DROP DATABASE');
query($node, 'SELECT pgmigrate.upgrade()');

# Such a revision is refused in a transaction before anything is done.
revision($node, 'c9', 'CREATE TABLE not_made (); INSERT INTO mark VALUES (\'c9\')');
revision($node, 'c10', 'VACUUM plain');
refused('25001', 'BEGIN; SELECT pgmigrate.upgrade(); COMMIT',
	'VACUUM in a transaction block');
like(
	notices($node,
		"SET default_transaction_isolation = 'serializable'; SELECT pgmigrate.upgrade()"
	),
	qr/ERROR:  25001: .*\n(?:.*\n)*?HINT:  Set "default_transaction_isolation" to "read committed"/,
	'where the isolation level is the reason, the hint is its cure');
refused(
	'0A000',
	'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT pgmigrate.upgrade(); COMMIT',
	'a cursor WITH HOLD that runs at the end of its transaction');
refused('25001', 'DO $$ BEGIN PERFORM pgmigrate.upgrade(); END $$',
	'VACUUM in DO');
fails(
	$node,
	'SET pgmigrate.transaction_per_migration = off; SELECT pgmigrate.upgrade()',
	'25001',
	'VACUUM in a run that is one transaction');
head_is($node, 'c8', 'nothing is done');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'c10', 'it goes on to the end');

# One transaction for the whole run.
revision($node, 'o1', "INSERT INTO mark VALUES ('o1')");
revision($node, 'o2', 'SELECT 1/0');
fails(
	$node,
	'SET pgmigrate.transaction_per_migration = off; SELECT pgmigrate.upgrade()',
	'22012',
	'an error in a run that is one transaction');
head_is($node, 'c10', 'the revision before it is rolled back');
fails($node, 'SELECT pgmigrate.upgrade()', '22012',
	'an error in a run with a transaction each');
head_is($node, 'o1', 'the revision before it stays');
query($node, "SELECT pgmigrate.amend('o2', upgrade => 'SELECT 1')");
query($node, 'SELECT pgmigrate.upgrade()');

# What the worker is, and what it has of its caller.
query($node,
	"CREATE ROLE app LOGIN; ALTER ROLE app SET work_mem = '7MB'; CREATE SCHEMA app AUTHORIZATION app; CREATE TABLE seen (what text, value text)"
);
revision($node, 's1', <<'SQL');
INSERT INTO public.seen
SELECT name, setting FROM pg_settings
WHERE name IN ('search_path', 'work_mem', 'lock_timeout', 'DateStyle', 'client_encoding', 'my.setting');
INSERT INTO public.seen SELECT 'my.setting', current_setting('my.setting', true);
INSERT INTO public.seen VALUES ('user', current_user || ' ' || session_user);
INSERT INTO public.seen SELECT 'type', backend_type || ' ' || application_name
FROM pg_stat_activity WHERE pid = pg_backend_pid();
INSERT INTO public.seen SELECT 'query', query FROM pg_stat_activity WHERE pid = pg_backend_pid();
CREATE TABLE here (id int);
SQL
query(
	$node, <<'SQL');
SET search_path = app, public;
SET work_mem = '5MB';
SET lock_timeout = '120ms';
SET datestyle = 'german';
SET client_encoding = 'LATIN1';
SET my.setting = 'it''s mine';
SET application_name = 'deployer';
SELECT pgmigrate.upgrade();
SQL
is(last_run($node, 'execution'), 'worker', 'settings: worker');
my %seen = map { split /\|/, $_, 2 } split /\n/,
  query($node, 'SELECT what, value FROM seen');
is($seen{search_path}, 'app, public', 'search_path is relayed');
is($seen{work_mem}, '5120', 'work_mem is relayed');
is($seen{lock_timeout}, '120', 'lock_timeout is relayed');
like($seen{DateStyle}, qr/^German/, 'DateStyle is relayed');
is($seen{'my.setting'}, "it's mine", 'a setting of nobody is relayed');
is($seen{client_encoding}, 'UTF8', 'the encoding of the client is not');
is($seen{user}, 'postgres postgres', 'the role');
is($seen{type}, 'pgmigrate worker pgmigrate', 'backend_type');
like($seen{query}, qr/upgrade 1 of 1, revision s1, statement 4 of 6/,
	'pg_stat_activity.query tells what it does');
is(query($node, "SELECT to_regclass('app.here') IS NOT NULL"),
	't', 'search_path is in force');

# What a revision sets ends with it.
revision($node, 's2', "SET search_path = app; SET work_mem = '6MB'");
revision($node, 's3',
	"VACUUM app.here; SET work_mem = '8MB'; SET search_path = app; SET lock_timeout = 0");
revision($node, 's4',
	"INSERT INTO public.seen SELECT 's4', string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('search_path', 'work_mem')"
);
query($node,
	"SET search_path = public; SET work_mem = '5MB'; SELECT pgmigrate.upgrade()");
is(query($node, "SELECT value FROM seen WHERE what = 's4'"),
	'public 5120', 'what a revision sets ends with it');

# Messages cross two encodings once.
revision($node, 'e1',
	'DO $$ BEGIN RAISE NOTICE \'%\', U&\'gr\\00FC\\00DFe\'; END $$');
revision($node, 'e2',
	'DO $$ BEGIN RAISE EXCEPTION \'%\', U&\'schlie\\00DFen\'; END $$');
my $latin1 = session($node, encoding => 'LATIN1');
$latin1->query('SELECT pgmigrate.upgrade()');
like($latin1->err, qr/NOTICE:  00000: gr\xfc\xdfe$/m,
	'a notice in the encoding of the client');
like($latin1->err, qr/ERROR:  P0001: schlie\xdfen$/m,
	'an error in the encoding of the client');
$latin1->quit;
query($node,
	"SELECT pgmigrate.amend('e2', upgrade => 'SELECT 1'); SELECT pgmigrate.upgrade()");

# The parts of an error.
revision($node, 'x1',
	"INSERT INTO mark VALUES ('x1');\n\n  -- a comment\n  SELECT 'é', nowhere FROM mark");
my $err = notices($node, 'SELECT pgmigrate.upgrade()',
	extra => [ '-v', 'SHOW_CONTEXT=errors' ]);
like($err, qr/ERROR:  42703: column "nowhere" does not exist/, 'SQLSTATE');
like(
	$err,
	qr/CONTEXT:  upgrade SQL of revision "x1", statement 2 of 2, line 4/,
	'context');
like($err, qr/LINE 1: SELECT 'é', nowhere FROM mark\n +\^/,
	'position in the statement');
is(last_run($node, 'state, sqlstate'), 'failed|42703', 'it is in the run');
query($node,
	"SELECT pgmigrate.amend('x1', upgrade => \$r\$INSERT INTO seen VALUES ('a', 'b'); CREATE UNIQUE INDEX CONCURRENTLY seen_u ON seen ((1))\$r\$)"
);
$err = notices($node, 'SELECT pgmigrate.upgrade()');
like($err, qr/ERROR:  23505: could not create unique index "seen_u"/,
	'an error of a command outside of a transaction');
like($err, qr/DETAIL:  Key \(\(1\)\)=\(1\) is duplicated/, 'detail');
query($node,
	"SELECT pgmigrate.amend('x1', upgrade => \$r\$INSERT INTO seen VALUES ('a', 'b'); CREATE INDEX CONCURRENTLY seen_u ON seen ((1))\$r\$)"
);
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'x1', 'it goes on to the end');

# Many and long messages.
revision($node, 'm1', <<'SQL');
DO $$ BEGIN FOR i IN 1..3000 LOOP RAISE NOTICE 'n % %', i, repeat('x', 500); END LOOP;
RAISE NOTICE 'long %', repeat('y', 1000000); END $$
SQL
$messages = notices($node, 'SELECT pgmigrate.upgrade()');
is(scalar(() = $messages =~ /NOTICE:  00000: n \d+ x{500}$/mg),
	3000, 'many notices');
is(($messages =~ /NOTICE:  00000: long (y+)$/m) ? length $1 : 0,
	1_000_000, 'a long notice');

# A query beside the call sees what the worker did.
revision($node, 'q1', "INSERT INTO mark VALUES ('q1')");
query($node,
	"CREATE FUNCTION marks() RETURNS bigint STABLE LANGUAGE sql AS \$\$ SELECT count(*) FROM mark WHERE id = 'q1' \$\$"
);
is( query($node, 'SELECT revision, marks() FROM pgmigrate.upgrade()'),
	'q1|1', 'a snapshot taken after the run');

# A run inside of a run.
revision($node, 'r1', "INSERT INTO mark VALUES ('r1'); SELECT pgmigrate.upgrade()");
for my $execution (qw(auto inline))
{
	$err = notices($node,
		"SET pgmigrate.execution = '$execution'; SELECT pgmigrate.upgrade()");
	like($err, qr/ERROR:  PM003: /, "a run inside of a run, $execution");
}
query($node,
	"SELECT pgmigrate.amend('r1', upgrade => \$r\$SELECT pgmigrate.stamp('heads')\$r\$)");
like(notices($node, 'SELECT pgmigrate.upgrade()'),
	qr/ERROR:  PM003: /, 'a stamp inside of a run');
query($node,
	"SELECT pgmigrate.amend('r1', upgrade => \$r\$INSERT INTO mark VALUES ('r1')\$r\$)");
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'r1', 'it goes on to the end');

ledger_ok($node, 'worker basics');
log_is_clean($node);
done_testing();
