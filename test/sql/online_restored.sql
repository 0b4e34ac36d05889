-- A restore brings operations of another cluster, whose OIDs are those of other
-- tables here: nothing is changed for them, and they can be forgotten.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA moved;
SET search_path = moved;
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT g, g FROM generate_series(1, 100) g;
SELECT pgmigrate.revision('type', E'-- pgmigrate: online\nALTER TABLE moved.t ALTER v TYPE bigint', id => 'one');
SELECT pgmigrate.revision('gone', E'-- pgmigrate: online\nDROP TABLE moved.t', id => 'two');
SET pgmigrate.execution = 'worker';
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.upgrade('one');
SET client_min_messages = warning;
CREATE VIEW ops AS SELECT relation, strategy, state FROM pgmigrate.operations ORDER BY operation;
SELECT * FROM ops;
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT max(id) AS op FROM pgmigrate.operation \gset
UPDATE pgmigrate.operation SET system_identifier = 1;
DO $$
BEGIN
	PERFORM * FROM pgmigrate.revert((SELECT max(id) FROM pgmigrate.operation));
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE WARNING '%', regexp_replace(SQLERRM, '\d+', '(n)');
END $$;
SELECT count(*) AS kept FROM pg_trigger WHERE tgrelid = 't'::regclass;
SELECT relation, action FROM pgmigrate.finalize();
SELECT relation, action FROM pgmigrate.finalize(:op);
SELECT * FROM ops;
-- it was forgotten, and nothing of it touched
SELECT count(*) AS kept FROM pg_trigger WHERE tgrelid = 't'::regclass;
UPDATE pgmigrate.operation SET system_identifier = pgmigrate.system_identifier(), state = 'switched';
SELECT relation, action FROM pgmigrate.revert(:op);
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'v';
-- what is at work, and what is kept
UPDATE pgmigrate.operation SET system_identifier = 1, state = 'copying';
SELECT relation, action FROM pgmigrate.finalize(:op);
SELECT * FROM ops;
SELECT revision, state FROM pgmigrate.upgrade('two');
SELECT max(id) AS op FROM pgmigrate.operation \gset
UPDATE pgmigrate.operation SET system_identifier = 1 WHERE id = :op;
SELECT relation, action FROM pgmigrate.finalize();
SELECT * FROM ops;
UPDATE pgmigrate.operation SET system_identifier = pgmigrate.system_identifier(), state = 'switched' WHERE id = :op;
SELECT relation, action FROM pgmigrate.revert(:op);
SELECT count(*) FROM t;

RESET pgmigrate.execution;
DROP SCHEMA moved CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
