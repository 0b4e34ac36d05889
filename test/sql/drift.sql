-- Drift: what was changed since the last run, object by object.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE SCHEMA dr;

-- nothing is recorded before the first run
SELECT * FROM pgmigrate.drift();

SELECT pgmigrate.revision('accounts', $$
	CREATE TABLE dr.account (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		email text NOT NULL, state varchar(8) DEFAULT 'new');
	CREATE INDEX account_email ON dr.account (email);
	CREATE VIEW dr.emails AS SELECT email FROM dr.account;
	CREATE FUNCTION dr.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
	COMMENT ON TABLE dr.account IS 'who "pays"'$$,
	'DROP SCHEMA dr CASCADE; CREATE SCHEMA dr', id => 'a1') AS id;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.drift();
SELECT kind, identity, definition - 'owner' AS definition FROM pgmigrate.schema_object
WHERE identity LIKE '%dr.account%' AND identity NOT LIKE '%not_null%' ORDER BY kind COLLATE "C", identity COLLATE "C";

-- rows are not of the schema
INSERT INTO dr.account (email) VALUES ('a@example.org');
SELECT count(*) FROM pgmigrate.drift();

-- each change is told, with what it was and what it is
ALTER TABLE dr.account ADD phone text;
ALTER TABLE dr.account ALTER state SET DEFAULT 'old';
ALTER TABLE dr.account ALTER state SET NOT NULL;
DROP INDEX dr.account_email;
CREATE OR REPLACE FUNCTION dr.one() RETURNS int LANGUAGE sql AS 'SELECT 2';
COMMENT ON TABLE dr.account IS NULL;
CREATE TABLE dr."Part 1" (i int);
SELECT object, change, expected, replace(actual, current_user, 'ME') AS actual
FROM pgmigrate.drift() WHERE object NOT LIKE '%not_null%';

-- what is somebody else's business: by identity, by kind, by table
SET pgmigrate.drift_ignore = 'dr."Part_1"%, "table dr.acc%", function%';
SELECT object, change FROM pgmigrate.drift() WHERE object NOT LIKE '%not_null%';
SET pgmigrate.drift_ignore = '"unbalanced';
SET pgmigrate.drift_ignore = '%';
SELECT count(*) FROM pgmigrate.drift();
RESET pgmigrate.drift_ignore;

-- only rows that differ are written, and a run takes what it finds
SELECT pgmigrate.revision('nothing', 'SELECT 1', 'SELECT 1', id => 'a2') AS id;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM pgmigrate.drift();
SELECT kind, identity FROM pgmigrate.schema_object
WHERE run = (SELECT max(id) FROM pgmigrate.run) AND identity NOT LIKE '%not_null%'
ORDER BY kind COLLATE "C", identity COLLATE "C";
SELECT count(*) FROM pgmigrate.schema_object WHERE identity = 'dr.account_email';

-- a run in a transaction records with it
BEGIN;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT count(*) FROM pgmigrate.drift();
ROLLBACK;
SELECT count(*) FROM pgmigrate.drift();

-- a stamp records too
DROP VIEW dr.emails;
SELECT object, change FROM pgmigrate.drift();
SELECT count(*) FROM pgmigrate.stamp('a1');
SELECT object, change FROM pgmigrate.drift();

-- objects of extensions are not told
CREATE FUNCTION dr.member() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT object, change FROM pgmigrate.drift();
ALTER EXTENSION plpgsql ADD FUNCTION dr.member();
SELECT object, change FROM pgmigrate.drift();
ALTER EXTENSION plpgsql DROP FUNCTION dr.member();

SET client_min_messages = warning;
DROP SCHEMA dr CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
