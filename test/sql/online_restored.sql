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
-- the column that a restore has, without the trigger that writes to it, is told
CREATE TABLE c (id int PRIMARY KEY, v int);
INSERT INTO c SELECT g, g FROM generate_series(1, 100) g;
SELECT pgmigrate.revision('column', E'-- pgmigrate: online\nALTER TABLE moved.c ALTER v TYPE bigint', id => 'three');
SET pgmigrate.online_method = 'column';
SELECT revision, state FROM pgmigrate.upgrade('three');
RESET pgmigrate.online_method;
SELECT max(id) AS op FROM pgmigrate.operation \gset
\set VERBOSITY default
UPDATE pgmigrate.operation SET system_identifier = 1 WHERE id = :op;
SELECT relation, action FROM pgmigrate.finalize(:op);
UPDATE pgmigrate.operation SET system_identifier = pgmigrate.system_identifier(), state = 'switched', relid = 1 WHERE id = :op;
SELECT relation, action FROM pgmigrate.finalize(:op);
UPDATE pgmigrate.operation SET state = 'switched', relid = 'c'::regclass WHERE id = :op;
SELECT relation, action FROM pgmigrate.finalize(:op);
SELECT attname FROM pg_attribute WHERE attrelid = 'c'::regclass AND attnum > 0 AND NOT attisdropped;
\set VERBOSITY terse
-- a backfill by hand: a call with the same arguments goes on with it, by the names of the table and of the role
CREATE TABLE f (id int, v int);
INSERT INTO f SELECT generate_series(1, 100);
SELECT pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL');
SELECT max(id) AS op FROM pgmigrate.operation \gset
UPDATE pgmigrate.operation SET system_identifier = 1, relid = 't'::regclass, role_oid = 1, state = 'copying' WHERE id = :op;
-- the table that has its number here is free
SELECT state FROM pgmigrate.backfill('t', 'v = 0', 'v > 90');
DELETE FROM f WHERE id = 77;
SELECT state, details->'operation' = to_jsonb(:op) AS same FROM pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL', workers => 2);
SELECT relid::regclass, role_oid::regrole = current_user::regrole AS own, system_identifier = pgmigrate.system_identifier() AS here, state, details->'workers' AS workers FROM pgmigrate.operation WHERE id = :op;
SELECT count(*), count(v) FROM f;
-- not with that of another role, nor with one whose table has another name here
UPDATE pgmigrate.operation SET system_identifier = 1, state = 'failed', role = 'somebody else' WHERE id = :op;
SELECT state, details->'operation' = to_jsonb(:op) AS same FROM pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL');
UPDATE pgmigrate.operation SET role = current_user, relation_name = 'g', relid = 'f'::regclass WHERE id = :op;
SELECT state, details->'operation' = to_jsonb(:op) AS same FROM pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL');
-- one that was dropped and made anew
UPDATE pgmigrate.operation SET system_identifier = pgmigrate.system_identifier(), relation_name = 'f', role_oid = current_user::regrole WHERE id = :op;
DROP TABLE f;
CREATE TABLE f (id int, v int);
INSERT INTO f VALUES (1);
SELECT state, details->'operation' = to_jsonb(:op) AS same FROM pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL');
-- what failed leaves its table to others, and comes after them
SELECT pgmigrate.backfill('f', 'v = 1 / (id - 1)', 'v IS NOT NULL');
SELECT max(id) AS op FROM pgmigrate.operation \gset
UPDATE pgmigrate.operation SET state = 'copying' WHERE id = :op;
UPDATE pgmigrate.operation SET state = 'failed' WHERE id = :op - 1;
SELECT relation_name FROM pgmigrate.operation WHERE id >= :op - 1 ORDER BY id;
SELECT pgmigrate.backfill('f', 'v = 1 / (id - 77)', 'v IS NULL');

RESET pgmigrate.execution;
DROP SCHEMA moved CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
