-- script(): its output, run by psql, leaves what upgrade() leaves, and the same
-- ledger.
SET client_min_messages = warning;
SET pgmigrate.danger_block = 0;
DROP EXTENSION IF EXISTS pgmigrate;
DROP SCHEMA IF EXISTS app CASCADE;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA app;
\set ECHO none
SELECT format('ALTER DATABASE %I SET %s', current_database(), setting)
FROM unnest('{search_path = app,client_min_messages = warning}'::text[]) AS setting \gexec
\set ECHO all
\c -
\getenv abs_builddir PG_ABS_BUILDDIR
\cd :abs_builddir
\set outfile 'results/script.generated.sql'
SELECT setting || '/psql' AS psql FROM pg_config WHERE name = 'BINDIR' \gset
\setenv PSQL :psql
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv PGUSER :USER
\setenv PGDATABASE :DBNAME

SELECT pgmigrate.revision(E'create users\n\\! echo from a message\nSELECT 1/0', E'CREATE TABLE users (id int PRIMARY KEY, name text);\nINSERT INTO users VALUES (1, E''a;b\\\\''), (2, ''it''''s'')-- a comment at the end', 'DROP TABLE users', id => 'it''s\1');
SELECT pgmigrate.revision('function', $rev$
CREATE FUNCTION rev_area(r float8) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
/*
\! echo from a body
\q
*/
	RETURN 'area; ' || r; -- ; here too
END
$body$;
CREATE FUNCTION rev_twice(i int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
	SELECT i; SELECT 2 * i;
END;
COMMENT ON FUNCTION rev_area(float8) IS
'a comment
\! echo from a literal
end' /* the last; comment */
$rev$, 'DROP FUNCTION rev_area(float8); DROP FUNCTION rev_twice', id => 'f', verify => E'SELECT count(*) = 2\nAS both FROM pg_proc WHERE proname IN (''rev_area'', ''rev_twice'')');
SELECT pgmigrate.revision('index', 'CREATE TABLE t (i int); CREATE INDEX CONCURRENTLY t_i ON t (i); INSERT INTO t VALUES (1); VACUUM t', 'DROP INDEX CONCURRENTLY t_i; DROP TABLE t', id => 'i');
SELECT pgmigrate.revision('enum', 'CREATE TYPE mood AS ENUM (''sad'')', 'DROP TYPE mood', id => 'e');
SELECT pgmigrate.revision('value', 'ALTER TYPE mood ADD VALUE ''ok''', '-- stays', id => 'e2', transactional => false);
SELECT pgmigrate.revision('use', 'CREATE TABLE m (v mood DEFAULT ''ok''); INSERT INTO m DEFAULT VALUES', 'DROP TABLE m', id => 'u', depends_on => '{e2}');
SELECT pgmigrate.revision('settings', 'SET search_path = pg_catalog; SET lock_timeout = ''1h''; CREATE TABLE app.s AS SELECT current_schemas(false)::text AS p', 'DROP TABLE s', id => 's');
SELECT pgmigrate.revision('rule', 'CREATE TABLE r AS SELECT current_setting(''lock_timeout'') AS l; CREATE RULE r AS ON INSERT TO r DO ALSO (SELECT 1; SELECT 2)', 'DROP TABLE r', id => 'r');
SELECT pgmigrate.revision('block', 'DO $$ BEGIN CREATE TABLE b (i int); END $$; SELECT set_config(''search_path'', ''app'', false)', 'DROP TABLE b', id => 'b');
SELECT pgmigrate.revision('other leg', 'SELECT 1', 'SELECT 1', id => 'b2', down_revision => '{r}', splice => true);
SELECT pgmigrate.merge(id => 'x');
SELECT pgmigrate.revision('nothing', '-- nothing', '', id => 'n');

CREATE FUNCTION state(OUT relations text, OUT functions text, OUT heads text, OUT applied text)
LANGUAGE sql AS $$
	SELECT (SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") FROM pg_class
			WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'i')),
		(SELECT string_agg(md5(prosrc || coalesce(obj_description(oid), '')), ' ' ORDER BY proname COLLATE "C")
			FROM pg_proc WHERE proname IN ('rev_area', 'rev_twice')),
		(SELECT string_agg(revision, ' ' ORDER BY revision COLLATE "C") FROM pgmigrate.head),
		(SELECT string_agg(revision || '=' || left(digest, 4), ' ' ORDER BY revision COLLATE "C") FROM pgmigrate.applied)
$$;
CREATE FUNCTION steps(run bigint) RETURNS TABLE (line text) LANGUAGE sql AS $$
	SELECT concat_ws(' ', step, revision, direction, state, statement, statements, left(digest, 8),
		started IS NOT NULL, finished IS NOT NULL, duration IS NOT NULL)
	FROM pgmigrate.run_step WHERE run_step.run = $1 ORDER BY step
$$;

-- upgrade() first, to compare with
SELECT count(*) FROM pgmigrate.upgrade();
CREATE TEMP TABLE wanted AS SELECT 'up' AS what, * FROM state();
CREATE TEMP TABLE wanted_steps AS SELECT 'up' AS what, * FROM steps((SELECT max(id) FROM pgmigrate.run));
SELECT * FROM m;
SELECT * FROM s;
SELECT * FROM r;
SELECT count(*) FROM pgmigrate.downgrade('base');
INSERT INTO wanted SELECT 'down', * FROM state();
INSERT INTO wanted_steps SELECT 'down', * FROM steps((SELECT max(id) FROM pgmigrate.run));

-- the same by a script
SELECT * FROM pgmigrate.script('head') WHERE script NOT LIKE '-- takes %';
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT count(*) FROM (SELECT 'up', * FROM state() EXCEPT TABLE wanted) AS differences;
SELECT line FROM steps((SELECT max(id) FROM pgmigrate.run)) EXCEPT SELECT line FROM wanted_steps;
SELECT command, target, state, execution, steps, heads_before, heads_after, finished IS NOT NULL AS finished
FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
SELECT * FROM m;
SELECT * FROM s;
SELECT * FROM r;
SELECT revision, state FROM pgmigrate.history() WHERE state <> 'applied';
-- in this session, to see what it leaves behind
SELECT count(*) FROM pgmigrate.downgrade('base');
SET client_min_messages = error;
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
SET work_mem = '5MB';
SET lock_timeout = '5s';
SET application_name = 'a deployment';
\o /dev/null
\set ECHO none
\set QUIET on
\i :outfile
\set ON_ERROR_STOP off
\set ECHO all
\o
SELECT count(*) FROM (SELECT 'up', * FROM state() EXCEPT TABLE wanted) AS differences;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'object' AND mode = 'ExclusiveLock';
SHOW search_path;
SHOW work_mem;
SHOW lock_timeout;
SHOW application_name;
RESET lock_timeout;

-- and down again
SELECT * FROM pgmigrate.script('base', 'downgrade') WHERE script NOT LIKE '-- takes %';
\o :outfile
SELECT * FROM pgmigrate.script('base', 'downgrade') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT count(*) FROM (SELECT 'down', * FROM state() EXCEPT TABLE wanted) AS differences;
SELECT line FROM steps((SELECT max(id) FROM pgmigrate.run)) EXCEPT SELECT line FROM wanted_steps;

-- what is stale is refused, and nothing of it runs
\o :outfile
SELECT * FROM pgmigrate.script('f') \g (tuples_only format=unaligned)
\o
SELECT revision FROM pgmigrate.upgrade('+1');
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT revision FROM pgmigrate.head;
SELECT revision FROM pgmigrate.downgrade('base');
SELECT pgmigrate.amend('f', message => 'another message');
SELECT pgmigrate.amend('f', downgrade => 'DROP FUNCTION rev_area(float8); DROP FUNCTION rev_twice(int)');
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT count(*) FROM pgmigrate.head;
SELECT pgmigrate.script_begin('upgrade', 'f', '{}', '{f}', '{x}');
SELECT pgmigrate.script_begin('upwards', 'f', '{}', '{f}', '{x}');
-- in one transaction it cannot run
BEGIN;
SELECT pgmigrate.script_begin('upgrade', 'f', '{}', '{f}', '{x}');
ROLLBACK;
-- nor where nothing can be written
SET default_transaction_read_only = on;
SELECT pgmigrate.script_begin('upgrade', 'f', '{}', '{f}', '{x}');
RESET default_transaction_read_only;
-- without the beginning there is no rest
SELECT pgmigrate.script_step('f');
SELECT pgmigrate.script_statement('i', 1);
SELECT pgmigrate.script_end();

-- a failure ends the run; a new script goes on where it stopped
SELECT pgmigrate.revision('fails', E'CREATE TABLE p1 (i int);\nCREATE INDEX CONCURRENTLY p1_i ON p1 (i);\nINSERT INTO p1 SELECT 1 / (SELECT count(*) FROM go);\nCREATE TABLE p2 (i int)', 'DROP TABLE p1, p2', id => 'p');
SELECT count(*) FROM pgmigrate.upgrade('n');
CREATE TABLE go (i int);
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT runs.state, execution FROM pgmigrate.runs JOIN pgmigrate.run ON id = runs.run ORDER BY id DESC LIMIT 1;
SELECT revision, state, statement, statements FROM pgmigrate.run_step WHERE revision = 'p' ORDER BY run;
SELECT state, error FROM pgmigrate.status();
-- the old script would begin again
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
INSERT INTO go VALUES (1);
SELECT * FROM pgmigrate.script('head') WHERE script NOT LIKE '-- takes %';
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT revision FROM pgmigrate.head;
SELECT relname FROM pg_class WHERE relname IN ('p1', 'p1_i', 'p2') ORDER BY 1;
SELECT revision, state, statement, statements FROM pgmigrate.run_step WHERE revision = 'p' ORDER BY run;
SELECT command, state, execution, error FROM pgmigrate.run WHERE id > (SELECT max(id) - 3 FROM pgmigrate.run) ORDER BY id;

-- also where the rest of it could run in a transaction now
SELECT pgmigrate.revision('by statement', 'CREATE TABLE w1 (i int); SELECT 1/0', 'DROP TABLE w1, w2', id => 'w', transactional => false);
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('w', upgrade => 'CREATE TABLE w1 (i int); CREATE TABLE w2 (i int)', transactional => true);
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT revision FROM pgmigrate.head;

-- so does one with an INVALID index
CREATE TABLE dup AS SELECT 1 AS i FROM generate_series(1, 2);
SELECT pgmigrate.revision('unique', 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)', 'DROP INDEX dup_i', id => 'q');
SELECT * FROM pgmigrate.upgrade();
SELECT script FROM pgmigrate.script('head') WHERE script !~ '^ +|^-- takes';
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
-- also of a statement that was another in between
SELECT pgmigrate.amend('q', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY dup_k ON dup (i)');
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass;
SELECT pgmigrate.amend('q', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)');
DELETE FROM dup WHERE ctid = '(0,1)';
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass;
SELECT revision FROM pgmigrate.head;

-- the ledger takes no other text than that of the script for what ran
SELECT pgmigrate.revision('changes', 'CREATE TABLE z (i int)', 'DROP TABLE z', id => 'z');
CREATE FUNCTION begin_z() RETURNS boolean LANGUAGE sql AS $$
	SELECT pgmigrate.script_begin('upgrade', 'z', '{q}', '{z}', ARRAY[digest]) > 0
	FROM pgmigrate.revision WHERE id = 'z'
$$;
SELECT begin_z();
\! "$PSQL" -X -qAt -c "SELECT pgmigrate.amend('z', upgrade => 'SELECT 1')"
BEGIN;
CREATE TABLE z (i int);
SELECT pgmigrate.script_step('z');
COMMIT;
SELECT begin_z();
\! "$PSQL" -X -qAt -c "SELECT pgmigrate.remove('z')"
SELECT pgmigrate.script_step('z');
SELECT revision FROM pgmigrate.head;
SELECT to_regclass('z');

-- psql puts none of its variables into the SQL
SELECT pgmigrate.revision('colons', $rev$
CREATE TABLE colon AS
SELECT a[1:n] AS a, a[1 :"N"] AS b, a[n::int:n] AS c, a[:n] AS d, a[n:] AS e, a[1:/* :n */n] AS f, -- :n
	':n'::text || $$:n$$ || E'\\:n\':n' AS g, chr(58) || 'n' AS ":n", a[2:ä] AS h
FROM (SELECT ARRAY[1, 2, 3, 4], 2, 3, 4) AS s (a, n, "N", ä)
$rev$, 'DROP TABLE colon', id => 'colon');
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -v n=4 -v N=1 -v ä=2 -o /dev/null -f results/script.generated.sql
SELECT * FROM colon;

-- the session has its role again afterwards
CREATE ROLE regress_script_operator;
CREATE ROLE regress_script_owner;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_script_operator', 'operator');
GRANT ALL ON SCHEMA app TO regress_script_operator, regress_script_owner;
SELECT pgmigrate.revision('owner', 'SET ROLE regress_script_owner; CREATE TABLE owned (i int)', 'DROP TABLE owned', id => 'owner');
SELECT pgmigrate.revision('none', 'CREATE TABLE owned2 (i int)', 'DROP TABLE owned2', id => 'owner2');
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
SET ROLE regress_script_operator;
\o /dev/null
\set ECHO none
\i :outfile
\set ON_ERROR_STOP off
\set ECHO all
\o
SELECT current_user;
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('owned', 'owned2') ORDER BY relname;
SELECT count(*) FROM pgmigrate.downgrade('colon');
DROP OWNED BY regress_script_operator, regress_script_owner;
DROP ROLE regress_script_operator, regress_script_owner;
SELECT pgmigrate.remove('owner2');
SELECT pgmigrate.remove('owner');

-- ranges, and what is refused
SELECT pgmigrate.script('head');
-- what is below is reached by the other direction
SELECT pgmigrate.script('head:base');
SELECT count(*) > 5 AS lines FROM pgmigrate.script('base:f');
SELECT script FROM pgmigrate.script('r:b') WHERE script LIKE '-- %';
SELECT script FROM pgmigrate.script('b:r', 'downgrade') WHERE script ~ '^-- (?!takes)';
SELECT pgmigrate.script('nowhere');
SELECT pgmigrate.script('f:nowhere');
SELECT pgmigrate.script('head', 'sideways');
SELECT pgmigrate.script(NULL);
SELECT pgmigrate.revision('one way', 'SELECT 1', id => 'one_way');
SELECT count(*) FROM pgmigrate.upgrade();
SELECT pgmigrate.script('-1', 'downgrade');
-- no line begins with a backslash but in a literal, where psql leaves it alone
SELECT script FROM pgmigrate.script('base:heads') WHERE script ~ '^\s*\\';
\set ECHO none
SELECT format('ALTER DATABASE %I RESET %s', current_database(), setting)
FROM unnest('{search_path,client_min_messages}'::text[]) AS setting \gexec
\set ECHO all
DROP EXTENSION pgmigrate;
DROP SCHEMA app CASCADE;
CREATE EXTENSION pgmigrate;

-- a revision is read once, not for each of its statements
SELECT pgmigrate.revision('long', (SELECT string_agg(format('SELECT length(%L)', (SELECT string_agg(md5(format('%s %s', i, j)), '') FROM generate_series(1, 100) j)), ';')
  FROM generate_series(1, 30) i), id => 'long', transactional => false);
CREATE TEMP VIEW reads AS SELECT idx_scan FROM pg_stat_all_indexes WHERE relid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'pgmigrate.revision'::regclass);
SELECT pgmigrate.script_begin('upgrade', 'head', '{}', '{long}', ARRAY[(SELECT digest FROM pgmigrate.revision)]);
SELECT pg_stat_force_next_flush();
SELECT idx_scan AS before FROM reads \gset
\o /dev/null
SELECT format('SELECT pgmigrate.script_statement(''long'', %s)', i) FROM generate_series(1, 30) i \gexec
\o
SELECT pg_stat_force_next_flush();
SELECT idx_scan - :before BETWEEN 1 AND 15 AS "read once" FROM reads;
\c -
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

-- a script changes no stored revision, as a run does not
SELECT pgmigrate.revision('nested', 'SELECT pgmigrate.amend(''nested'', message => ''x'')', 'SELECT 1', id => 'nested');
SELECT pgmigrate.script_begin('upgrade', 'head', '{}', '{nested}', ARRAY[(SELECT digest FROM pgmigrate.revision)]);
SELECT pgmigrate.amend('nested', message => 'x');
SELECT pgmigrate.script_begin('upgrade', 'head', '{}', '{nested}', ARRAY[(SELECT digest FROM pgmigrate.revision)]);
SELECT pgmigrate.remove('nested');

-- what makes the transaction read only keeps neither it from the ledger, nor
-- where the run is one transaction the next revision from being read
SELECT pgmigrate.amend('nested', upgrade => 'DO $$ BEGIN SET TRANSACTION READ ONLY; END $$');
\o :outfile
SELECT * FROM pgmigrate.script('head') \g (tuples_only format=unaligned)
\o
\! "$PSQL" -X -q -v ON_ERROR_STOP=1 -o /dev/null -f results/script.generated.sql
SELECT revision FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.revision('after', 'SELECT 1', 'SELECT 1', id => 'after');
SET pgmigrate.transaction_per_migration = off;
SELECT revision, state FROM pgmigrate.upgrade();
RESET pgmigrate.transaction_per_migration;
SELECT revision, state FROM pgmigrate.downgrade('base');
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
