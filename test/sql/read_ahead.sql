-- Revisions are read ahead: what is changed while an earlier one is at work is
-- what runs.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('first', 'SELECT pg_advisory_xact_lock(4711)', 'SELECT 1', id => 'ahead1');
SELECT pgmigrate.revision('second', 'CREATE TABLE ahead_old ()', 'DROP TABLE ahead_new', id => 'ahead2');
SELECT pgmigrate.revision('third', 'CREATE TABLE ahead_third ()', 'DROP TABLE ahead_third', id => 'ahead3');
SELECT pg_advisory_lock(4711);
SELECT pgmigrate.upgrade_start() IS NOT NULL AS started;
DO $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted) LOOP
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT pgmigrate.amend('ahead2', upgrade => 'CREATE TABLE ahead_new ()');
SELECT pg_advisory_unlock(4711);
SELECT state, error FROM pgmigrate.wait();
SELECT to_regclass('ahead_old') AS old, to_regclass('ahead_new') AS new, to_regclass('ahead_third') AS third;
-- the digest that is kept is that of what ran
SELECT a.revision, a.digest = r.digest AS same FROM pgmigrate.applied a JOIN pgmigrate.revision r ON r.id = a.revision ORDER BY 1;
SELECT revision, state FROM pgmigrate.downgrade('base');
