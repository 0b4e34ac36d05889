-- What others may see: no values of rows in errors, nothing that a terminal obeys.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE ROLE regress_pgm_viewer;
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_pgm_viewer', 'viewer');
CREATE SCHEMA privacy;
SET search_path = privacy;
CREATE TABLE secret (v text);
INSERT INTO secret VALUES ('SECRETVALUE');
CREATE FUNCTION run_it(command text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; END $$;

-- each error has the value; everybody sees what happened, and not with what
SELECT pgmigrate.revision('secrets', 'SELECT 1', id => 's');
CREATE TEMP TABLE tries (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO tries (sql) VALUES
	('SELECT v::regclass FROM secret'),
	('SELECT v::regtype FROM secret'),
	('SELECT v::regrole FROM secret'),
	('SELECT v::regnamespace FROM secret'),
	('SELECT v::regproc FROM secret'),
	('SELECT v::regconfig FROM secret'),
	('SELECT v::int FROM secret'),
	('SELECT v::json FROM secret'),
	('SELECT current_setting(v) FROM secret'),
	('SELECT pg_read_file(v) FROM secret'),
	('SELECT has_table_privilege(v, 1::oid, ''SELECT'') FROM secret'),
	('SELECT has_database_privilege(v, ''CONNECT'') FROM secret'),
	('SELECT nextval(v) FROM secret'),
	('SELECT cursor_to_xml(v::refcursor, 1, true, true, '''') FROM secret'),
	('SELECT run_it(''SELECT "'' || v || ''" FROM secret'') FROM secret'),
	('SELECT run_it(''CREATE TABLE "'' || v || ''" (); CREATE TABLE "'' || v || ''" ()'') FROM secret'),
	('SELECT run_it(''DROP TABLE "'' || v || ''"'') FROM secret'),
	('SELECT run_it(''SET "x.'' || v || ''.1'' || ''" = 1'') FROM secret'),
	('DO $d$ BEGIN EXECUTE (SELECT ''CREATE UNIQUE INDEX "'' || v || ''" ON privacy.secret ((1)); INSERT INTO privacy.secret VALUES (1)'' FROM privacy.secret); END $d$'),
	('SELECT run_it(''CREATE TABLE t (CONSTRAINT "'' || v || ''" CHECK (false), a int); INSERT INTO t VALUES (1)'') FROM secret'),
	('DO $d$ DECLARE r record; BEGIN FOR r IN SELECT v FROM privacy.secret LOOP EXECUTE ''COPY privacy.secret FROM '' || quote_literal(''/'' || r.v); END LOOP; END $d$'),
	('DO $d$ BEGIN EXECUTE (SELECT ''SELECT "'' || v || ''"()'' FROM privacy.secret); END $d$'),
	('DO $d$ BEGIN RAISE ''%'', (SELECT v FROM privacy.secret) USING ERRCODE = ''PM001''; END $d$'),
	('DO $d$ BEGIN RAISE undefined_table USING MESSAGE = (SELECT v FROM privacy.secret); END $d$'),
	('ALTER TABLE secret ALTER v TYPE regclass USING v::regclass'),
	('ALTER TABLE secret ADD CHECK (v::regrole IS NULL)'),
	('CREATE INDEX ON secret ((v::int))'),
	('CREATE TABLE t AS SELECT v::regclass FROM secret'),
	('PREPARE p AS SELECT v::regclass FROM secret; EXECUTE p'),
	('EXPLAIN ANALYZE SELECT v::regclass FROM secret');
SET client_min_messages = warning;
SELECT format('SELECT pgmigrate.amend(''s'', upgrade => %L)', sql), 'SELECT pgmigrate.upgrade()' FROM tries ORDER BY n
\o /dev/null
\set VERBOSITY sqlstate
\set ECHO none
\gexec
\o
\set VERBOSITY default
\set ECHO all
RESET client_min_messages;
SET ROLE regress_pgm_viewer;
SELECT sqlstate, error, hint FROM pgmigrate.run ORDER BY id;
SELECT count(*) FROM pgmigrate.run r, pgmigrate.status(r.id) s, pgmigrate.runs v
WHERE v.run = r.id AND (to_jsonb(r.*)::text || to_jsonb(s.*)::text || to_jsonb(v.*)::text) ~* 'secretvalue';
RESET ROLE;
-- operators see it all
SELECT count(*) AS runs, count(*) FILTER (WHERE error ~* 'secretvalue') AS with_value FROM pgmigrate.runs;

-- names that are in the text of the revision
TRUNCATE pgmigrate.run, pgmigrate.run_step, pgmigrate.run_error;
\set VERBOSITY sqlstate
SELECT pgmigrate.amend('s', upgrade => 'SELECT nothing FROM secret');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'SELECT * FROM nowhere');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'SELECT nothing()');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'CREATE TABLE secret ()');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'ALTER TABLE secret ADD UNIQUE (v), ADD CHECK (v IS NULL)');
SELECT pgmigrate.upgrade();
-- a long one is cut
SELECT pgmigrate.amend('s', upgrade => 'SELECT "' || repeat('é', 31) || '" FROM ' || repeat('secret,', 400) || 'secret');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('s', upgrade => 'DO $$ BEGIN RAISE ''%'', repeat(''é'', 1000000); END $$');
SELECT pgmigrate.upgrade();
\set VERBOSITY default
SELECT error FROM pgmigrate.run ORDER BY id;
SELECT max(octet_length(message)) FROM pgmigrate.run_error;

-- a message is written out, where a terminal would obey
SELECT pgmigrate.revision(E'ok \x1b[2J\x1b[1;31mFAKE\x1b]0;title\x07\r\nsecond\rline \x7f\t"]; evil [label="x <script>' || U&'\0085\202E\2066\2028é', 'SELECT 1', id => 'esc', down_revision => '{}');
SELECT pgmigrate.amend('esc', message => message || E'\x08') FROM pgmigrate.revision WHERE id = 'esc';
SELECT to_json(message) FROM pgmigrate.revision WHERE id = 'esc';
SELECT to_json(message) FROM pgmigrate.history() WHERE revision = 'esc';
\pset format unaligned
SELECT g FROM unnest('{text,dot,mermaid}'::text[]) AS f, pgmigrate.graph(f) AS g WHERE g ~ 'FAKE';
SELECT s FROM pgmigrate.script('base:esc') s WHERE s ~ 'FAKE';
\pset format aligned
SELECT state, to_json(message) FROM pgmigrate.upgrade('esc');
SELECT pgmigrate.revision(E'm', 'SELECT 1', id => E'a\x1b[2J', down_revision => '{}');
SELECT pgmigrate.revision(E'm', 'SELECT 1', down_revision => '{}', branch_labels => ARRAY[U&'a\202Eb']);
-- also of a file, which is the same the next time
SELECT E'-- pgmigrate: revision\n-- id: f\n-- message: a \x1b[2J b\n-- down_revision: esc\n\n-- migrate:up\nSELECT 1;\n' AS file \gset
SELECT action FROM pgmigrate.load_files('{f.sql}', ARRAY[:'file']);
SELECT action FROM pgmigrate.load_files('{f.sql}', ARRAY[:'file']);
SELECT revision, message FROM pgmigrate.history() WHERE revision = 'f';

-- and has an end, as labels do
SELECT pgmigrate.revision(repeat('é', 5120), 'SELECT 1', id => 'long', down_revision => '{}');
SELECT pgmigrate.revision(repeat('é', 5120) || 'x', 'SELECT 1', id => 'longer', down_revision => '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.amend('long', message => repeat('x', 10241));
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'labels', down_revision => '{}', branch_labels => ARRAY(SELECT 'l' || i FROM generate_series(1, 101) i));
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'labels', down_revision => '{}', branch_labels => ARRAY(SELECT 'l' || i FROM generate_series(1, 100) i));

-- so are names in what a run says: of tables, watched queries, items of the checklist
SELECT E't \x1b[2J' AS name \gset
CREATE TABLE privacy.:"name" (id int PRIMARY KEY, a int);
SELECT pgmigrate.revision('m', format(E'-- pgmigrate: online\nCREATE INDEX i ON privacy.%I (a)', :'name'), id => 'named', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('named');
SELECT pgmigrate.watch(E'w \x1b[2J', format('SELECT FROM privacy.%I', :'name')) > 0 AS watched;
SELECT pgmigrate.revision('m', format('ALTER TABLE privacy.%I RENAME TO t', :'name'), id => 'renamed', down_revision => '{named}');
SELECT state FROM pgmigrate.upgrade('renamed');
SELECT pgmigrate.unwatch(E'w \x1b[2J');
SELECT pgmigrate.checklist_require(E'item\n\x1b[2J', 'SELECT false');
SELECT pgmigrate.revision('m', 'CREATE TABLE privacy.u ()', id => 'listed', down_revision => '{renamed}');
DO $$
DECLARE
	detail text;
BEGIN
	SET LOCAL pgmigrate.environment = 'production';
	SET LOCAL pgmigrate.checklist = 'enforce';
	PERFORM pgmigrate.upgrade('listed');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE NOTICE '%', substring(detail FROM 'item.*');
END $$;

-- names that our own commands have are ours, whatever search_path says
CREATE DOMAIN privacy.regclass AS text;
CREATE DOMAIN privacy.text AS int;
SET search_path = privacy, pg_catalog;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 10 AS many FROM pgmigrate.grant_access('regress_pgm_viewer', 'operator');
SELECT pg_catalog.current_setting('search_path');
RESET search_path;
DROP OWNED BY regress_pgm_viewer;
DROP ROLE regress_pgm_viewer;
SET client_min_messages = warning;
DROP SCHEMA privacy CASCADE;
