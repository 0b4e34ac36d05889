-- Defaults of a database that a run has to do with, and a clock set back.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET client_min_messages = notice;

-- one that EXECUTE runs is a statement of its own
SELECT pgmigrate.revision('table', 'CREATE TABLE made (i int)', 'DROP TABLE made', id => 'a');
SELECT pgmigrate.revision('index', 'CREATE INDEX CONCURRENTLY made_i ON made (i)', 'DROP INDEX CONCURRENTLY made_i', id => 'b');
PREPARE up (text) AS SELECT step, revision, state FROM pgmigrate.upgrade($1);
EXECUTE up ('head');
EXECUTE up ('head');
PREPARE down AS SELECT count(*) FROM pgmigrate.downgrade('base');
EXECUTE down;
-- also with what it gives back put elsewhere
CREATE TABLE kept AS EXECUTE up ('a');
TABLE kept;
SELECT command, execution, state FROM pgmigrate.run ORDER BY id;
-- in a transaction, or under a function, it is not
BEGIN;
EXECUTE down;
SELECT execution FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
ROLLBACK;
DO $$BEGIN EXECUTE 'EXECUTE down'; END$$;
SELECT execution FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
PREPARE waits AS SELECT state FROM pgmigrate.wait();
EXECUTE waits;
DROP TABLE kept;

-- read only by default
SET default_transaction_read_only = on;
SELECT pgmigrate.upgrade();
SELECT pgmigrate.revision('c', 'SELECT 1', id => 'c');
SET default_transaction_read_only = off;
BEGIN READ ONLY;
SELECT pgmigrate.upgrade();
ROLLBACK;

-- no duration is negative
UPDATE pgmigrate.run SET started = finished + interval '1 day';
UPDATE pgmigrate.run_step SET started = finished + interval '1 hour', duration = NULL;
SELECT count(*) FILTER (WHERE duration >= '0') = count(*) AS runs FROM pgmigrate.runs;
SELECT duration FROM pgmigrate.status();
SELECT count(*) AS negative FROM pgmigrate.metrics WHERE name = 'pgmigrate_last_run_seconds' AND value < 0;
SELECT count(*) AS negative FROM pgmigrate.report((SELECT max(id) FROM pgmigrate.run)) r WHERE r ~ '(^|[^0-9a-z])-[0-9]' OR r ~ '\|.*\| -';

SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
DROP TABLE IF EXISTS made;
CREATE EXTENSION pgmigrate;
