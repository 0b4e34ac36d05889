-- Runs: where they run, what they say, and what they leave, in the order of
-- a day of work.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
DROP SCHEMA IF EXISTS app CASCADE;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE SCHEMA app;
SET search_path = app;
CREATE VIEW app.last_run AS
	SELECT command, target, state, execution, steps, heads_before, heads_after,
		sqlstate, error, hint
	FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
CREATE VIEW app.last_steps AS
	SELECT step, revision, direction, message, state, statement, statements,
		digest IS NOT NULL AS digest, duration >= '0' AS timed, details - 'statements' AS details
	FROM pgmigrate.run_step WHERE run = (SELECT max(id) FROM pgmigrate.run) ORDER BY step;
CREATE FUNCTION app.tables() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") FROM pg_class
	WHERE relnamespace = 'app'::regnamespace AND relkind = 'r' $$;

-- an empty store
SELECT * FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.status();
SELECT * FROM pgmigrate.runs;

-- in a worker
SELECT pgmigrate.revision('create users', 'CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, ''ann'')', 'DROP TABLE users', id => '1');
SELECT pgmigrate.revision('index on users.name', 'CREATE INDEX CONCURRENTLY users_name ON users (name)', 'DROP INDEX CONCURRENTLY users_name', id => '2');
SELECT pgmigrate.revision('create enum', 'CREATE TYPE mood AS ENUM (''sad'')', 'DROP TYPE mood', id => '3');
SELECT pgmigrate.revision('add a value', 'ALTER TYPE mood ADD VALUE ''happy''', '-- stays', id => '4');
SELECT pgmigrate.revision('use the value', 'ALTER TABLE users ADD mood mood DEFAULT ''happy''', 'ALTER TABLE users DROP mood', id => '5');
SELECT pgmigrate.revision('vacuum', 'VACUUM users; ANALYZE users', '-- nothing', id => '6');
SELECT step, revision, direction, message, state, duration >= '0' AS timed, details FROM pgmigrate.upgrade();
SELECT * FROM last_run;
SELECT * FROM last_steps;
SELECT revision, digest = (SELECT digest FROM pgmigrate.revision WHERE id = revision) AS same, run, step
FROM pgmigrate.applied ORDER BY 1;
SELECT revision, database = current_database() AS here, system_identifier = pgmigrate.system_identifier() AS same FROM pgmigrate.head;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_name'::regclass;
SELECT * FROM users;
SELECT * FROM pgmigrate.upgrade();
SELECT count(*) FROM pgmigrate.run;
SELECT run, command, target, state, step, steps, revision, message, error, details - 'role' AS details FROM pgmigrate.status();
SELECT run, command, target, state, done, steps, error FROM pgmigrate.runs;
SELECT * FROM pgmigrate.progress;
SELECT name, labels, value FROM pgmigrate.metrics WHERE value <> 0 AND name !~ '_(seconds|hash|info)$';

-- shapes of a call: columns of its own, a cast, FROM with WHERE
SELECT pgmigrate.downgrade('5') IS NOT NULL AS row;
SELECT (pgmigrate.downgrade('4')).state;
SELECT revision FROM pgmigrate.downgrade('3') AS d WHERE state = 'done';
SELECT count(*) FROM pgmigrate.downgrade('2');
-- no SQL to take it back
SELECT pgmigrate.revision('one way', 'SELECT 1', id => '7');
SELECT revision FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.downgrade('base');
\echo :LAST_ERROR_SQLSTATE
SELECT app.tables();
SELECT revision FROM pgmigrate.head;

-- inline: in a block, where all goes with ROLLBACK
SELECT pgmigrate.revision('create pets', 'CREATE TABLE pets (id int)', 'DROP TABLE pets', id => '8');
BEGIN;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT command, target, state, execution FROM last_run;
SELECT app.tables();
ROLLBACK;
SELECT app.tables();
SELECT command, target, state, execution FROM last_run;
SELECT revision FROM pgmigrate.head;
-- in a function, a DO block, REPEATABLE READ, a multi-statement query
CREATE FUNCTION app.go(target text) RETURNS bigint LANGUAGE plpgsql AS
	$$ BEGIN RETURN (SELECT count(*) FROM pgmigrate.upgrade(target)); END $$;
SELECT app.go('head');
SELECT command, target, state, execution FROM last_run;
DO $$ BEGIN PERFORM pgmigrate.downgrade('-1'); END $$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT revision, state FROM pgmigrate.upgrade();
COMMIT;
SELECT execution FROM last_run;
SELECT 1 AS one \; SELECT revision, state FROM pgmigrate.downgrade('7') \; SELECT 2 AS two;
SELECT execution FROM last_run;
-- what cannot run there is refused before anything is done
SELECT pgmigrate.revision('drop the index', 'DROP INDEX CONCURRENTLY users_name', 'CREATE INDEX CONCURRENTLY users_name ON users (name)', id => '9');
BEGIN;
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
\set SHOW_CONTEXT never
SELECT app.go('head');
\set SHOW_CONTEXT errors
SELECT app.tables();
SET pgmigrate.execution = worker;
BEGIN;
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SET pgmigrate.execution = inline;
SELECT * FROM pgmigrate.upgrade();
SELECT revision FROM pgmigrate.upgrade('8');
SELECT execution FROM last_run;
RESET pgmigrate.execution;
SELECT revision FROM pgmigrate.upgrade();
SELECT execution FROM last_run;
-- nothing at all in a read-only transaction
BEGIN READ ONLY;
SELECT * FROM pgmigrate.downgrade('-1');
ROLLBACK;

-- one transaction for the whole run
SET pgmigrate.transaction_per_migration = off;
SELECT pgmigrate.revision('create one', 'CREATE TABLE one (id int)', 'DROP TABLE one', id => '10');
SELECT pgmigrate.revision('fails', 'CREATE TABLE two (id int); SELECT 1/0', 'DROP TABLE two', id => '11');
SELECT * FROM pgmigrate.upgrade();
SELECT * FROM last_run;
SELECT step, revision, state FROM last_steps;
SELECT app.tables();
SELECT revision FROM pgmigrate.head;
RESET pgmigrate.transaction_per_migration;
-- a transaction each: the first stays
SELECT * FROM pgmigrate.upgrade();
SELECT step, revision, state FROM last_steps;
SELECT app.tables();
SELECT revision FROM pgmigrate.head;
SELECT run, command, target, state, step, steps, revision, error, details - 'role' AS details FROM pgmigrate.status();
SELECT revision, state FROM pgmigrate.history('10:11');
SELECT pgmigrate.amend('11', upgrade => 'CREATE TABLE two (id int)');
SELECT step, revision, state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.status();

-- errors: SQLSTATE, detail, hint and place are those of the statement
CREATE FUNCTION app.try(sql text, transactional bool = NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pgmigrate.revision WHERE id = 'try') THEN
		PERFORM pgmigrate.amend('try', upgrade => sql, transactional => transactional);
	ELSE
		PERFORM pgmigrate.revision('a try', sql, '-- nothing', id => 'try', transactional => transactional);
	END IF;
END $$;
SELECT app.try(E'CREATE TABLE größe (i int);\n\nINSERT INTO größe\n\tSELECT länge FROM users');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT detail, context, query, position FROM pgmigrate.run_error ORDER BY run DESC LIMIT 1;
-- of a long statement what is around it
SELECT app.try(E'SELECT 1;\nSELECT ' || repeat(format(E'%L,\n', 'é'), 5000) || 'nowhere, ' || repeat(E'1,\n', 5000) || '1');
\set VERBOSITY terse
SELECT * FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT length(query), position, substr(query, position, 10), left(query, 6), right(query, 4), context FROM pgmigrate.run_error ORDER BY run DESC LIMIT 1;
SELECT app.try('INSERT INTO users VALUES (1, ''again'')');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT sqlstate, error, hint FROM last_run;
SELECT error, details - 'role' AS details FROM pgmigrate.status();
SELECT app.try('DO $x$ BEGIN RAISE EXCEPTION USING ERRCODE = ''ZZ999'', MESSAGE = ''of my own'', DETAIL = ''a detail'', HINT = ''a hint''; END $x$');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT app.try('DO $x$ BEGIN RAISE NOTICE ''said by %'', ''the revision'' USING DETAIL = ''a detail''; RAISE WARNING ''a warning''; PERFORM 1/0; END $x$');
SELECT * FROM pgmigrate.upgrade();
-- the same inline
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
-- deferred constraints speak at the end of the revision
SELECT app.try('CREATE TABLE child (u int REFERENCES users DEFERRABLE INITIALLY DEFERRED); INSERT INTO child VALUES (99)');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT step, revision, state FROM last_steps;
SELECT app.tables();
-- a revision cannot run another
SELECT app.try('SELECT pgmigrate.upgrade()');
SELECT * FROM pgmigrate.upgrade();
SELECT app.try('SELECT pgmigrate.stamp(''base'')');
SELECT * FROM pgmigrate.upgrade();
SELECT app.try('DO $x$ BEGIN COMMIT; END $x$');
SELECT * FROM pgmigrate.upgrade();

-- settings end with the revision
SELECT app.try('SET search_path = pg_catalog; SET LOCAL work_mem = ''1MB''; SET statement_timeout = ''1h''; CREATE TABLE app.here (i int)');
SELECT pgmigrate.revision('still here', 'CREATE TABLE there (i int); INSERT INTO there SELECT setting::int FROM pg_settings WHERE name = ''statement_timeout''', 'DROP TABLE there', id => 'try2');
SELECT step, revision, state FROM pgmigrate.upgrade();
SELECT app.tables();
TABLE there;
SELECT revision FROM pgmigrate.downgrade('try');
BEGIN;
SELECT step, revision, state FROM pgmigrate.upgrade();
SHOW search_path;
TABLE there;
ROLLBACK;
SELECT revision FROM pgmigrate.downgrade('11');
DROP TABLE here;
SELECT pgmigrate.remove('try2');
SELECT pgmigrate.remove('try');

-- verify
SELECT pgmigrate.revision('verified', 'CREATE TABLE v AS SELECT 1 AS i', 'DROP TABLE v', id => 'v', verify => 'SELECT count(*) = 1 AS rows, ''text'', true FROM v; SELECT i > 0 FROM v');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.amend('v', verify => 'SELECT i, i < 2 AS small FROM (VALUES (1), (2)) AS x (i)');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT app.tables();
SELECT step, revision, state FROM last_steps;
SELECT pgmigrate.amend('v', verify => 'SELECT NULL::bool AS unknown');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('v', verify => 'SELECT count(*) FROM v');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.amend('v', verify => 'SELECT 1/(i - 1) = 0 FROM v');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('v', verify => E'SELECT true\nFROM nowhere');
SELECT * FROM pgmigrate.upgrade();
SELECT app.tables();
-- no row has no false column
SELECT pgmigrate.amend('v', verify => 'SELECT false FROM v WHERE i > 1');
SELECT revision, state FROM pgmigrate.upgrade();
-- of a revision that runs by statement, the SQL stays and is not run again
SELECT revision FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.amend('v', transactional => false, verify => 'SELECT i = 2 AS two FROM v');
SELECT * FROM pgmigrate.upgrade();
SELECT app.tables();
SELECT step, revision, state, statement, statements FROM last_steps;
UPDATE v SET i = 2;
SELECT revision, state FROM pgmigrate.upgrade();

-- the text of an applied revision was changed
UPDATE pgmigrate.revision SET upgrade = 'CREATE TABLE other (i int)' WHERE id = 'v';
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('after', 'SELECT 1', 'SELECT 1', id => 'w');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.downgrade('-1');
SELECT step, revision, direction, state FROM pgmigrate.stamp('v');
SELECT revision, state FROM pgmigrate.upgrade();

-- statement by statement: a failure resumes where it was
SELECT pgmigrate.revision('by statement', E'CREATE TABLE s1 (i int);\nCREATE INDEX CONCURRENTLY s1_i ON s1 (i);\nINSERT INTO s1 SELECT 1/0;\nCREATE TABLE s2 (i int)', 'DROP TABLE s1, s2', id => 's');
SELECT * FROM pgmigrate.upgrade();
SELECT step, revision, state, statement, statements, details FROM last_steps;
SELECT app.tables();
SELECT revision, state FROM pgmigrate.history('s');
SELECT * FROM pgmigrate.upgrade();
-- what is done cannot be said to have been something else
SELECT pgmigrate.amend('s', upgrade => E'CREATE TABLE s1 (i bigint);\nCREATE INDEX CONCURRENTLY s1_i ON s1 (i);\nCREATE TABLE s2 (i int)');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
-- not even where it could run in a transaction now
SELECT pgmigrate.amend('s', upgrade => E'CREATE TABLE s3 (i int);');
SELECT * FROM pgmigrate.upgrade();
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
-- what follows can
SELECT pgmigrate.amend('s', upgrade => E'-- first\nCREATE TABLE s1 (i int);\nCREATE INDEX CONCURRENTLY s1_i ON s1 (i);\nINSERT INTO s1 VALUES (1);\nCREATE TABLE s2 (i int)');
SELECT revision, state, details FROM pgmigrate.upgrade();
SELECT app.tables();
SELECT step, revision, state, statement, statements FROM last_steps;
-- without its concurrent statements, the rest of it is one transaction
SELECT pgmigrate.revision('by statement too', 'CREATE TABLE s3 (i int); SELECT 1/0; CREATE TABLE s4 (i int)', 'DROP TABLE s3, s4', id => 'sx', transactional => false);
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('sx', upgrade => 'CREATE TABLE s3 (i int); CREATE TABLE s5 (i int); CREATE TABLE s4 (i int)', downgrade => 'DROP TABLE s3, s4, s5', transactional => true);
BEGIN;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT app.tables();
ROLLBACK;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('s');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT app.tables();

-- an INVALID index of a failed try is removed before the next
CREATE TABLE dup AS SELECT 1 AS i FROM generate_series(1, 2);
CREATE INDEX CONCURRENTLY dup_other ON dup (i);
SELECT pgmigrate.revision('unique', 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)', 'DROP INDEX dup_i', id => 'u');
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT * FROM pgmigrate.upgrade();
DELETE FROM dup WHERE ctid = '(0,1)';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
-- also without a name, and with IF NOT EXISTS, which would skip it
SELECT revision FROM pgmigrate.downgrade('-1');
INSERT INTO dup VALUES (1);
SELECT pgmigrate.amend('u', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS dup_i ON dup (i)');
SELECT * FROM pgmigrate.upgrade();
DELETE FROM dup WHERE ctid = (SELECT max(ctid) FROM dup);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT revision FROM pgmigrate.downgrade('-1');
INSERT INTO dup VALUES (1);
SELECT pgmigrate.amend('u', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY ON dup (i)', downgrade => 'DROP INDEX dup_i_idx');
SELECT * FROM pgmigrate.upgrade();
DELETE FROM dup WHERE ctid = (SELECT max(ctid) FROM dup);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'dup'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";

-- start, wait, cancel
SELECT pgmigrate.revision('last', 'SELECT 1', 'SELECT 1', id => 'z');
SELECT pgmigrate.upgrade_start() AS run \gset
SELECT run = :run AS run, command, target, state, step, steps, revision, error FROM pgmigrate.wait(:run);
SELECT run = :run AS run, state FROM pgmigrate.wait(:run, '1 s');
SELECT pgmigrate.cancel(:run);
-- with nothing to do it is a run of no steps
SELECT pgmigrate.upgrade_start() AS run \gset
SELECT state, step, steps, revision FROM pgmigrate.wait(:run);
SELECT command, target, state, done, steps, error FROM pgmigrate.runs WHERE run = :run;
SELECT pgmigrate.downgrade_start('u') AS run \gset
SELECT command, target, state, steps, revision FROM pgmigrate.wait(:run);
SELECT pgmigrate.cancel(99999);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.wait(99999);
SELECT * FROM pgmigrate.status(99999);
SELECT pgmigrate.upgrade_start('nowhere');
SELECT run = (SELECT max(id) FROM pgmigrate.run) AS latest, state FROM pgmigrate.wait(NULL);
SELECT run = (SELECT max(id) FROM pgmigrate.run) AS latest, state FROM pgmigrate.wait();

-- stamp
SELECT step, revision, direction, message, state FROM pgmigrate.stamp('8');
SELECT * FROM last_run;
SELECT count(*), max(revision) FROM pgmigrate.head;
SELECT count(*) FROM pgmigrate.applied;
SELECT step, revision, direction, state FROM pgmigrate.stamp('8');
SELECT step, revision, direction, state FROM pgmigrate.stamp('head');
SELECT step, revision, direction, state FROM pgmigrate.stamp('-2');
SELECT revision FROM pgmigrate.head;
SELECT step, revision, direction, state FROM pgmigrate.stamp('base');
SELECT count(*) FROM pgmigrate.head;
SELECT count(*) FROM pgmigrate.applied;
SELECT pgmigrate.revision('a tree', 'SELECT 1', id => 't1', down_revision => '{}', branch_labels => '{tree}');
SELECT pgmigrate.revision('grows', 'SELECT 1', id => 't2', down_revision => '{t1}');
SELECT step, revision, direction, state FROM pgmigrate.stamp('heads');
SELECT revision FROM pgmigrate.head ORDER BY 1;
SELECT step, revision, direction, state FROM pgmigrate.stamp('1, tree');
SELECT revision FROM pgmigrate.head ORDER BY 1;
SELECT step, revision, direction, state FROM pgmigrate.stamp('tree@base');
SELECT revision FROM pgmigrate.head ORDER BY 1;
SELECT step, revision, direction, state FROM pgmigrate.stamp('nowhere');
SELECT step, revision, direction, state FROM pgmigrate.stamp('');
SELECT step, revision, direction, state FROM pgmigrate.stamp(NULL);
INSERT INTO pgmigrate.head (revision) VALUES ('gone');
SELECT step, revision, direction, state FROM pgmigrate.stamp('2');
\echo :LAST_ERROR_SQLSTATE
SELECT step, revision, direction, state FROM pgmigrate.stamp('2', purge => true);
SELECT revision FROM pgmigrate.head ORDER BY 1;
SELECT step, revision, direction, state FROM pgmigrate.stamp('base', purge => true);
SELECT revision FROM pgmigrate.head ORDER BY 1;

-- rows of another tool, written by hand, are completed
INSERT INTO pgmigrate.head (revision) VALUES ('11');
SELECT step, revision, state FROM pgmigrate.downgrade('-1');
SELECT count(*) FROM pgmigrate.applied;

-- an empty ledger in a database that has tables
DROP EXTENSION pgmigrate CASCADE;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('new here', 'SELECT 1', 'SELECT 1', id => 'n');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT revision, state FROM pgmigrate.upgrade();

-- a step that fails has the time it took
SELECT pgmigrate.revision(E'two\nlines', 'SELECT pg_sleep(0.05); SELECT 1/0', id => 'late');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state, started < finished AS ordered, duration >= '50 ms' AS timed
	FROM pgmigrate.run_step WHERE revision = 'late';
SELECT pgmigrate.amend('late', upgrade => 'SELECT 1', downgrade => 'SELECT 1');

-- nor may a revision change or remove one, or start a run
SELECT pgmigrate.revision('itself', $$SELECT pgmigrate.remove('self')$$, '', id => 'self');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('self', upgrade => $$SELECT pgmigrate.amend('self', message => 'other')$$);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('self', upgrade => 'SELECT pgmigrate.upgrade_start()');
SELECT revision, state FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.remove('self');

-- REINDEX and CLUSTER of a partitioned table cannot be in a transaction
CREATE TABLE parts (a int) PARTITION BY RANGE (a);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE INDEX parts_a ON parts (a);
SELECT pgmigrate.revision('reindex parts', 'REINDEX TABLE parts; REINDEX INDEX app.parts_a; CLUSTER parts USING parts_a', '', id => 'parts');
BEGIN;
SELECT revision, state FROM pgmigrate.upgrade();
ROLLBACK;
SELECT revision, state FROM pgmigrate.upgrade();

-- a node above the call is no reason to do it here
SELECT revision FROM (SELECT * FROM pgmigrate.downgrade('-1') OFFSET 0) AS x;
SELECT revision, row_number() OVER () FROM pgmigrate.upgrade();
SELECT command, execution FROM pgmigrate.run ORDER BY id DESC LIMIT 2;
-- the server gets the text of a statement, not that of the revision
SELECT pgmigrate.revision('alone', $$SELECT 'ä';
	PREPARE p AS SELECT 1;	-- and no more
	CREATE TABLE app.alone AS SELECT statement FROM pg_prepared_statements$$, id => 'alone');
SELECT state FROM pgmigrate.upgrade('alone');
SELECT statement FROM app.alone;
-- who looks up to what stands below may mean the way down
SELECT revision FROM pgmigrate.plan('base');
SELECT revision FROM pgmigrate.assess('parts');
SELECT revision FROM pgmigrate.plan('head');
SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
