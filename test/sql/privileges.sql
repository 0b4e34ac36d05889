-- Who may do what.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE ROLE regress_pgm_viewer;
CREATE ROLE "regress pgm ""author""; --";
CREATE ROLE regress_pgm_operator LOGIN;
CREATE ROLE regress_pgm_boss;
CREATE ROLE regress_pgm_none;
CREATE SCHEMA app AUTHORIZATION regress_pgm_operator;
GRANT ALL ON SCHEMA app TO "regress pgm ""author""; --", regress_pgm_boss;
SET search_path = app;

-- the commands are shown, and names quoted
SELECT c FROM pgmigrate.grant_access('regress_pgm_viewer', 'viewer') AS c WHERE c ~ 'USAGE|history';
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress pgm "author"; --', 'author') AS c
WHERE c LIKE '% TO "regress pgm ""author""; --"';
SELECT count(*) > 20 AS many FROM pgmigrate.grant_access('regress_pgm_operator', 'operator');
SELECT count(*) > 20 AS many FROM pgmigrate.grant_access('regress_pgm_boss', 'operator');
SELECT * FROM pgmigrate.grant_access('regress_pgm_viewer', 'admin');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.grant_access('regress_pgm_nobody', 'viewer');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.grant_access(NULL, 'viewer');
SELECT * FROM pgmigrate.grant_access('regress_pgm_viewer', NULL);
\echo :LAST_ERROR_SQLSTATE

-- a level has what the one before has
SELECT p.proname,
	has_function_privilege('regress_pgm_none', p.oid, 'EXECUTE') AS nobody,
	has_function_privilege('regress_pgm_viewer', p.oid, 'EXECUTE') AS viewer,
	has_function_privilege('regress pgm "author"; --', p.oid, 'EXECUTE') AS author,
	has_function_privilege('regress_pgm_operator', p.oid, 'EXECUTE') AS operator
FROM pg_proc p WHERE p.pronamespace = 'pgmigrate'::regnamespace
	AND p.proname IN ('history', 'plan', 'status', 'revision', 'amend', 'remove', 'merge',
		'upgrade', 'downgrade', 'stamp', 'approve', 'cancel', 'script_begin', 'grant_access')
ORDER BY 1;

-- who may write all tables may not write these, nor any other way round
CREATE ROLE regress_pgm_etl;
GRANT pg_write_all_data, pg_read_all_data TO regress_pgm_etl;
GRANT ALL ON ALL TABLES IN SCHEMA pgmigrate TO regress_pgm_etl;
GRANT EXECUTE ON FUNCTION pgmigrate.revision_digest, pgmigrate.system_identifier TO regress_pgm_etl;
SELECT pgmigrate.revision('of a superuser', 'SELECT 1', id => 'su');
SET ROLE regress_pgm_etl;
UPDATE pgmigrate.revision SET author = 'regress_pgm_etl';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO pgmigrate.revision (id, message, upgrade, author) VALUES ('forged', '', 'SELECT 1', 'postgres');
INSERT INTO pgmigrate.applied VALUES ('never ran') ON CONFLICT DO NOTHING;
WITH d AS (DELETE FROM pgmigrate.revision RETURNING id) SELECT * FROM d;
MERGE INTO pgmigrate.head h USING pgmigrate.revision r ON h.revision = r.id WHEN NOT MATCHED THEN INSERT (revision) VALUES (r.id);
\set VERBOSITY terse
SELECT format(c, t.oid::regclass, quote_ident(a.attname)) FROM pg_class t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = (SELECT min(b.attnum) FROM pg_attribute b
	WHERE b.attrelid = t.oid AND b.attnum > 0 AND b.attidentity = '')
CROSS JOIN unnest('{INSERT INTO %s DEFAULT VALUES,UPDATE %s SET %s = NULL,DELETE FROM %s,TRUNCATE %s CASCADE}'::text[]) WITH ORDINALITY u (c, n)
WHERE t.relnamespace = 'pgmigrate'::regnamespace AND t.relkind = 'r' ORDER BY t.relname, n \gexec
\set VERBOSITY default
RESET ROLE;
SELECT id, author = session_user AS mine FROM pgmigrate.revision;
-- the owner, and whoever is a member of that role, may
BEGIN;
UPDATE pgmigrate.revision SET message = 'by hand';
ROLLBACK;
SELECT pgmigrate.remove('su');
DROP OWNED BY regress_pgm_etl;
DROP ROLE regress_pgm_etl;

-- nobody
SET ROLE regress_pgm_none;
SELECT pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.revisions;

-- an author
SET ROLE "regress pgm ""author""; --";
SELECT pgmigrate.revision('by the author', 'CREATE TABLE a AS SELECT current_user::text AS u', 'DROP TABLE a', id => 'a1');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.stamp('head');
SELECT pgmigrate.approve('a1');
SELECT pgmigrate.grant_access('regress_pgm_none', 'viewer');
SELECT revision, state FROM pgmigrate.history();

-- an operator: its own revisions run, in a worker as well as inline
SET ROLE regress_pgm_operator;
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
SELECT revision FROM pgmigrate.head;
SELECT author = 'regress pgm "author"; --' AS author, approved_by FROM pgmigrate.show('a1');
SELECT pgmigrate.approve('a1');
SELECT approved_by FROM pgmigrate.show('a1');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT u FROM a;
SELECT session_role = session_user AS session, role FROM pgmigrate.run WHERE id = (SELECT max(id) FROM pgmigrate.run);
-- what is amended has to be approved again
SELECT revision FROM pgmigrate.downgrade('base');
SET ROLE "regress pgm ""author""; --";
SELECT pgmigrate.amend('a1', upgrade => 'CREATE TABLE a AS SELECT ''amended'' AS u');
SET ROLE regress_pgm_operator;
SELECT approved_by FROM pgmigrate.show('a1');
SELECT * FROM pgmigrate.upgrade();
-- an author who has the rights of the operator is trusted
RESET ROLE;
GRANT regress_pgm_operator TO "regress pgm ""author""; --";
SET ROLE regress_pgm_operator;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT u FROM a;
RESET ROLE;
REVOKE regress_pgm_operator FROM "regress pgm ""author""; --";
SET ROLE regress_pgm_operator;
SELECT * FROM pgmigrate.downgrade('base');
-- an approval counts for those whose rights the approver has
SET ROLE regress_pgm_boss;
SELECT pgmigrate.approve('a1');
SET ROLE regress_pgm_operator;
SELECT * FROM pgmigrate.downgrade('base');
RESET ROLE;
GRANT regress_pgm_operator TO regress_pgm_boss;
SET ROLE regress_pgm_operator;
SELECT revision, state FROM pgmigrate.downgrade('base');
RESET ROLE;
-- a superuser runs nothing that was not approved by one
\set VERBOSITY sqlstate
SELECT * FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT pgmigrate.approve('a1');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('a1');

-- RESET ROLE in a revision gains nothing: the worker's session is the role's own
SET ROLE regress_pgm_operator;
SELECT pgmigrate.revision('escape', 'RESET ROLE; CREATE TABLE e AS SELECT current_user::text AS u, session_user::text AS s', 'DROP TABLE e', id => 'e');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM e;
SELECT revision, state FROM pgmigrate.downgrade('base');
-- and in the caller's session it is refused
BEGIN;
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT pgmigrate.amend('e', upgrade => 'DO $$ BEGIN EXECUTE ''RESET ROLE''; EXECUTE ''CREATE TABLE e (i int)''; END $$');
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
SELECT pgmigrate.amend('e', upgrade => 'SELECT set_config(''role'', ''none'', false)');
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
SELECT pgmigrate.amend('e', upgrade => 'SET ROLE regress_pgm_none');
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('e', upgrade => 'ALTER ROLE regress_pgm_operator SUPERUSER');
\set VERBOSITY sqlstate
SELECT * FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_pgm_operator';
SELECT pgmigrate.remove('e');

-- the tables are for reading
INSERT INTO pgmigrate.head (revision) VALUES ('x');
UPDATE pgmigrate.revision SET author = 'postgres';
DELETE FROM pgmigrate.run;
TRUNCATE pgmigrate.applied;
SELECT nextval('pgmigrate.run_id_seq');
SELECT count(*) >= 0 AS readable FROM pgmigrate.run_step;

-- details of an error are for those who run revisions
SELECT pgmigrate.revision('secret', 'DO $$ BEGIN RAISE ''a message'' USING DETAIL = ''a secret'', HINT = ''a hint''; END $$', '-- nothing', id => 's');
SELECT * FROM pgmigrate.upgrade();
SELECT state, error, details ->> 'detail' AS detail, details ->> 'hint' AS hint FROM pgmigrate.status();
SELECT state, error FROM pgmigrate.runs LIMIT 1;
SET ROLE regress_pgm_viewer;
SELECT state, error, details ->> 'detail' AS detail, details ->> 'hint' AS hint, details::text ~ 'secret' AS any FROM pgmigrate.status();
SELECT state, error FROM pgmigrate.runs LIMIT 1;
SELECT state, error, hint FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
-- nor does the message itself quote a row
SET ROLE regress_pgm_operator;
SELECT pgmigrate.amend('s', upgrade => 'SELECT t::int FROM (VALUES (''a "secret" value'')) AS v (t)');
SELECT * FROM pgmigrate.upgrade();
SELECT state, error FROM pgmigrate.status();
SELECT pgmigrate.amend('s', upgrade => 'SELECT to_tsquery(''a secret'' || x) FROM (VALUES ('''')) AS v (x)');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'SELECT * FROM nowhere');
SELECT * FROM pgmigrate.upgrade();
SET ROLE regress_pgm_viewer;
SELECT error FROM pgmigrate.status();
SELECT error FROM pgmigrate.runs LIMIT 3;
SELECT count(*) FROM pgmigrate.runs WHERE error ~ 'secret';
SELECT count(*) FROM pgmigrate.run WHERE run::text ~ 'secret';
SELECT * FROM pgmigrate.run_error;
SELECT pgmigrate.upgrade('s');
SELECT pgmigrate.revision('m', 'SELECT 1');
SELECT count(*) > 0 AS lines FROM pgmigrate.script('head');
SELECT count(*) > 0 AS lines FROM pgmigrate.graph();
SELECT statement IS NOT NULL AS statement FROM pgmigrate.plan('head');
SELECT pgmigrate.cancel(1);
SET pgmigrate.max_revision_size = '1GB';

RESET ROLE;
DROP SCHEMA app CASCADE;
DROP EXTENSION pgmigrate;
DROP OWNED BY regress_pgm_viewer, "regress pgm ""author""; --", regress_pgm_operator, regress_pgm_boss;
DROP ROLE regress_pgm_viewer, "regress pgm ""author""; --", regress_pgm_operator, regress_pgm_boss, regress_pgm_none;
CREATE EXTENSION pgmigrate;
