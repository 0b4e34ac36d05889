-- What a revision cannot contain is refused when it is stored, and what ends
-- with a revision does not reach the next one.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
\set VERBOSITY terse
SET pgmigrate.execution = worker;

-- what belongs to the session or to the run's transaction
SELECT pgmigrate.revision('x', 'CREATE TABLE s (a int); LISTEN x', id => 'x');
SELECT pgmigrate.revision('x', 'UNLISTEN *', id => 'x');
SELECT pgmigrate.revision('x', 'SET TRANSACTION READ ONLY', id => 'x');
SELECT pgmigrate.revision('x', 'SET transaction_isolation = serializable', id => 'x');
SELECT pgmigrate.revision('x', 'SELECT set_config(''transaction_read_only'', ''on'', true)', id => 'x');
SELECT pgmigrate.revision('x', 'SELECT 1 WHERE pg_catalog.set_config(''session_authorization''::text, ''x'', false) = ''x''', id => 'x');
SELECT pgmigrate.revision('x', 'SET backslash_quote = on', id => 'x');
SELECT pgmigrate.revision('x', 'SET exit_on_error = on', id => 'x');
SELECT pgmigrate.revision('x', 'SELECT 1', 'LISTEN x', id => 'x');
SELECT sql, message FROM pgmigrate.lint('LISTEN x; SET TRANSACTION READ ONLY')
	WHERE rule = 'not-in-a-revision' ORDER BY statement;

-- those are no such
SELECT pgmigrate.revision('x', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; NOTIFY x; SELECT set_config(''a.b'', ''c'', false)', 'SELECT 1', id => 'x');
SELECT pgmigrate.remove('x');

-- in a revision that runs statement by statement there is no transaction
CREATE TABLE t (a int);
SELECT pgmigrate.revision('x', 'LOCK TABLE t; CREATE INDEX CONCURRENTLY i ON t (a)', id => 'x');
SELECT pgmigrate.revision('x', 'DECLARE c CURSOR FOR SELECT 1', id => 'x', transactional => false);
SELECT pgmigrate.revision('x', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', id => 'x', transactional => false);
SELECT pgmigrate.amend('x', upgrade => 'SET LOCAL lock_timeout = 0; SET CONSTRAINTS ALL IMMEDIATE; SELECT set_config(''a.b'', ''c'', true), set_config(''a.b'', ''c'', false)');
SELECT pgmigrate.amend('x', upgrade => 'SELECT pg_advisory_xact_lock(1); SELECT * FROM (SELECT * FROM t FOR UPDATE) x; SELECT pg_export_snapshot()');
SELECT pgmigrate.amend('x', upgrade => 'INSERT INTO t SELECT a FROM t FOR UPDATE; WITH x AS (SELECT a FROM t FOR SHARE) SELECT FROM x; UPDATE t SET a = 1 WHERE pg_try_advisory_xact_lock(a); UPDATE t SET a = 1 WHERE a IN (SELECT a FROM t FOR UPDATE)');
SELECT pgmigrate.amend('x', upgrade => 'CREATE TEMP TABLE x (i int) ON COMMIT DROP; CREATE TEMP TABLE y ON COMMIT DELETE ROWS AS SELECT 1; CREATE TEMP TABLE z (i int) ON COMMIT PRESERVE ROWS');
SELECT pgmigrate.amend('x', upgrade => 'SELECT pg_advisory_lock(1), set_config(''a.b'', ''c'', false)');
SELECT pgmigrate.remove('x');
SELECT pgmigrate.revision('x', 'LOCK TABLE t; SET LOCAL lock_timeout = 0', id => 'x');
SELECT pgmigrate.remove('x');

-- nor may code change how the rest of the text is read
SELECT pgmigrate.revision('x', 'DO $$ BEGIN SET standard_conforming_strings = off; END $$; SELECT ''a\\b''', id => 'x');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('x', upgrade => 'SELECT set_config(lower(''CLIENT_ENCODING''), ''LATIN1'', false); SELECT 1');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('x', upgrade => 'DO $$ BEGIN SET SESSION AUTHORIZATION pg_monitor; END $$; SELECT 1');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('x', upgrade => 'DO $$ BEGIN SET client_encoding = ''LATIN1''; SET client_encoding = ''UTF8''; END $$; RESET ALL');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.stamp('base');
SELECT pgmigrate.remove('x');

-- a dump of old times says how its text is read, as psql reads it
CREATE TABLE s (n int, a text);
SELECT pgmigrate.revision('old', $$INSERT INTO s VALUES (1, 'a\\b');
	SET standard_conforming_strings = off;
	INSERT INTO s VALUES (2, 'a\\b'), (3, 'it\'s; one'), (4, 'ä\\b');
	SET standard_conforming_strings TO on;
	INSERT INTO s VALUES (5, 'a\\b');
	SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);
	INSERT INTO s VALUES (6, 'a\\b')$$, 'DELETE FROM s', id => 'old');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT n, a FROM s ORDER BY n;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT statement, sql FROM pgmigrate.assess('old') WHERE rule = 'lock' AND statement > 2;
SELECT pgmigrate.amend('old', upgrade => $$SET standard_conforming_strings = off;
SELECT 'a\'b' FRM s$$);
SHOW standard_conforming_strings;
\pset tuples_only on
\pset format unaligned
\o results/refused_script.tmp
SELECT * FROM pgmigrate.script('base:head');
\o
\i results/refused_script.tmp
\set ON_ERROR_STOP off
\pset format aligned
\pset tuples_only off
SELECT n, a FROM s ORDER BY n;
RESET standard_conforming_strings;
\set QUIET on
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('old');

-- a temporary table, a prepared statement and a cursor end with their revision
CREATE TABLE users (a int);
SELECT pgmigrate.revision('work table', 'CREATE TEMP TABLE users (a int); CREATE TEMP SEQUENCE q; PREPARE p AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SELECT 1', id => 'r1');
SELECT pgmigrate.revision('the change', 'ALTER TABLE users ADD COLUMN b int; PREPARE p AS SELECT 2; DECLARE c CURSOR WITH HOLD FOR SELECT 2; CREATE TEMP VIEW q AS SELECT 1', 'ALTER TABLE users DROP COLUMN b', id => 'r2');
SELECT pgmigrate.revision('alone', 'CREATE TEMP TABLE users (a int); DECLARE c CURSOR WITH HOLD FOR SELECT 3; PREPARE p AS SELECT 3', 'SELECT 1', id => 'r3', transactional => false);
SELECT pgmigrate.revision('after', 'ALTER TABLE users ADD COLUMN c int; PREPARE p AS SELECT 4', 'ALTER TABLE users DROP COLUMN c', id => 'r4');
SELECT revision, state FROM pgmigrate.upgrade();
\d users
SELECT revision, state FROM pgmigrate.downgrade('base');
SET pgmigrate.transaction_per_migration = off;
SELECT revision, state FROM pgmigrate.upgrade('r2');
\d users
SELECT revision, state FROM pgmigrate.downgrade('base');
RESET pgmigrate.transaction_per_migration;

-- in the caller's session only what the revision has made
SET pgmigrate.execution = inline;
CREATE TEMP TABLE mine (a int);
PREPARE mine AS SELECT 1;
BEGIN;
DECLARE mine CURSOR FOR SELECT 1;
SELECT revision, state FROM pgmigrate.upgrade('r2');
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY 1;
SELECT name FROM pg_prepared_statements;
SELECT name FROM pg_cursors WHERE name IN ('c', 'mine');
\d users
COMMIT;
SELECT revision, state FROM pgmigrate.downgrade('base');
RESET pgmigrate.execution;

-- and in the session of a script
\pset tuples_only on
\pset format unaligned
\o results/refused_script.tmp
SELECT * FROM pgmigrate.script('base:r2');
\o
\i results/refused_script.tmp
\set ON_ERROR_STOP off
\set QUIET on
\pset format aligned
\pset tuples_only off
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY 1;
SELECT name FROM pg_prepared_statements;
\d users
DROP TABLE mine;
SELECT pgmigrate.remove('r4'), pgmigrate.remove('r3');

-- what a revision says of its own time holds in the caller's session, too
SELECT pgmigrate.revision('slow', 'SET statement_timeout = ''50ms''; SELECT pg_sleep(60)', id => 'slow');
SET pgmigrate.execution = inline;
SET statement_timeout = '1h';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('slow', upgrade => 'SET statement_timeout = ''1h''; SELECT pg_sleep(60)');
SET statement_timeout = '50ms';
SELECT revision, state FROM pgmigrate.upgrade();
RESET statement_timeout;
RESET pgmigrate.execution;
SELECT pgmigrate.remove('slow');

-- a run inside of a script is refused as one inside of a run
SELECT pgmigrate.revision('nested', 'SELECT pgmigrate.stamp(''nested'')', id => 'nested');
SELECT revision, state FROM pgmigrate.upgrade();
\pset tuples_only on
\pset format unaligned
\o results/refused_script.tmp
SELECT * FROM pgmigrate.script('head');
\o
\! sed -i '/ON_ERROR_STOP on/d' results/refused_script.tmp
\i results/refused_script.tmp
\set ON_ERROR_STOP off
\pset format aligned
\pset tuples_only off
SELECT pgmigrate.remove('nested');

-- rows of the ledger that were lost are noticed before anything runs
SELECT revision FROM pgmigrate.head;
BEGIN;
DELETE FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.upgrade();
ROLLBACK;
BEGIN;
UPDATE pgmigrate.head SET revision = 'r1';
SELECT revision, state FROM pgmigrate.upgrade();
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.applied WHERE revision = 'r1';
\set VERBOSITY default
SELECT revision, state FROM pgmigrate.downgrade('base');
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.downgrade('base');
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.applied;
SELECT revision, state FROM pgmigrate.downgrade('r1');
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.applied;
DELETE FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.upgrade();
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.applied;
DELETE FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.stamp('base');
SELECT revision, state FROM pgmigrate.downgrade('base');
ROLLBACK;
BEGIN;
DELETE FROM pgmigrate.head;
SELECT revision, direction, state FROM pgmigrate.stamp('r1');
SELECT revision, state FROM pgmigrate.downgrade('base');
ROLLBACK;
SELECT revision, state FROM pgmigrate.downgrade('base');

-- heads that a revision takes away itself end it, and it is not tried again
SELECT revision, state FROM pgmigrate.upgrade('r2');
SELECT pgmigrate.revision('heads', 'DELETE FROM pgmigrate.head', id => 'takes', down_revision => '{r2}');
SET pgmigrate.lock_deadline = '3s';
SELECT revision, state FROM pgmigrate.upgrade('takes');
RESET pgmigrate.lock_deadline;
SELECT revision FROM pgmigrate.head;
SELECT pgmigrate.remove('takes');

-- who waits in a transaction block holds up no CREATE INDEX CONCURRENTLY
SELECT pgmigrate.revision('index', 'SELECT pg_sleep(0.5); CREATE INDEX CONCURRENTLY users_a ON users (a)', 'DROP INDEX users_a', id => 'index', transactional => false);
\set VERBOSITY terse
SELECT pgmigrate.upgrade_start('index') AS run \gset
BEGIN;
CREATE TEMP TABLE written (a int);
SELECT count(*) FROM users;
SELECT state, error FROM pgmigrate.wait(:run);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_a'::regclass;
COMMIT;
DROP INDEX users_a;
SELECT state FROM pgmigrate.stamp('r2');
-- nor who waits beside other functions
SELECT s > 0 AS started, w.state, w.error FROM pgmigrate.upgrade_start('index') s, pgmigrate.wait(s) w;
SELECT direction, state FROM pgmigrate.downgrade('r2');
WITH s (run) AS MATERIALIZED (SELECT pgmigrate.upgrade_start('index'))
	SELECT state, error, n FROM s CROSS JOIN generate_series(1, 2) n JOIN pgmigrate.wait(s.run) ON true ORDER BY n;
SELECT direction, state FROM pgmigrate.downgrade('r2');
SELECT state, error FROM pgmigrate.wait((SELECT pgmigrate.upgrade_start('index')));
SELECT direction, state FROM pgmigrate.downgrade('r2');
SELECT (pgmigrate.wait(s)).state FROM pgmigrate.upgrade_start('index') s;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_a'::regclass;
-- but who has written to the table does, and is told
SELECT pgmigrate.revision('index', 'SELECT pg_sleep(0.5); CREATE INDEX CONCURRENTLY users_b ON users (a)', id => 'index2', transactional => false);
SELECT pgmigrate.upgrade_start('index2') AS run \gset
BEGIN;
INSERT INTO users VALUES (1);
SELECT state, error FROM pgmigrate.wait(:run);
ROLLBACK;
SELECT state, error FROM pgmigrate.wait(:run);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_b'::regclass;
\set VERBOSITY default

SET client_min_messages = warning;
DROP TABLE t, s, users;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
