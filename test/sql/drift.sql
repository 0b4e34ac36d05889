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

-- the schema that is kept goes along into a clone
DROP FUNCTION dr.member();
\c postgres
CREATE DATABASE regress_dr_clone TEMPLATE contrib_regression;
\c regress_dr_clone
SELECT count(*) > 0 AS kept FROM pgmigrate.schema_object;
SELECT * FROM pgmigrate.drift();
ALTER TABLE dr.account ALTER email DROP NOT NULL;
SELECT object, change FROM pgmigrate.drift() WHERE object NOT LIKE '%not_null%';
\c contrib_regression
DROP DATABASE regress_dr_clone;

-- partitions that a manager makes are its own, by a rule
SELECT pgmigrate.revision('parted', $$CREATE TABLE dr.event (at date NOT NULL, v int CHECK (v > 0), PRIMARY KEY (at)) PARTITION BY RANGE (at);
	CREATE INDEX event_v ON dr.event (v); CREATE TABLE dr.event_keep PARTITION OF dr.event DEFAULT$$, 'DROP TABLE dr.event', id => 'a3') AS id;
SELECT state FROM pgmigrate.upgrade('a3');
CREATE TABLE dr.event_p2026_01 PARTITION OF dr.event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE dr.event_p2026_02 (LIKE dr.event INCLUDING ALL);
ALTER TABLE dr.event ATTACH PARTITION dr.event_p2026_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
ALTER TABLE dr.event_p2026_02 SET (fillfactor = 90);
COMMENT ON TABLE dr.event_p2026_02 IS 'of the manager';
ALTER TABLE dr.event ADD w int;
SELECT count(*) > 5 AS many FROM pgmigrate.drift();
SET pgmigrate.drift_ignore = 'dr.event_p%';
SELECT object, change FROM pgmigrate.drift();
ALTER TABLE dr.event DETACH PARTITION dr.event_p2026_01;
DROP TABLE dr.event_p2026_01;
SELECT object, change FROM pgmigrate.drift();
RESET pgmigrate.drift_ignore;

-- a run that fails keeps what it leaves, revisions that are done
SELECT pgmigrate.revision('good', 'CREATE TABLE dr.failing (c int)', 'DROP TABLE dr.failing', id => 'f1') AS id;
SELECT state FROM pgmigrate.upgrade();
SELECT pgmigrate.revision('good', 'ALTER TABLE dr.failing ADD d int', 'ALTER TABLE dr.failing DROP d', id => 'f2') AS id;
SELECT pgmigrate.revision('bad', 'SELECT 1/0', 'SELECT 1', id => 'f3') AS id;
SELECT state FROM pgmigrate.upgrade();
SELECT object, change FROM pgmigrate.drift();
SELECT state FROM pgmigrate.downgrade('f1');

-- and statements that are done
SELECT pgmigrate.remove('f3');
SELECT pgmigrate.revision('parts', 'ALTER TABLE dr.failing ADD e int; CREATE INDEX CONCURRENTLY failing_e ON dr.failing (e); SELECT 1/0', 'SELECT 1', id => 'f3') AS id;
SELECT pgmigrate.upgrade_start() AS run \gset
SELECT state, error FROM pgmigrate.wait(:run);
SELECT object, change FROM pgmigrate.drift();
SELECT revision, state FROM pgmigrate.revisions WHERE state <> 'applied';

-- one that leaves nothing keeps nothing
ALTER TABLE dr.failing ADD by_hand int;
SELECT state FROM pgmigrate.upgrade();
BEGIN;
SELECT state FROM pgmigrate.downgrade('a3');
ROLLBACK;
SELECT object, change FROM pgmigrate.drift();

-- what one that ended without a word has left is not held against anybody
SELECT pgmigrate.remove('f3');
SELECT pgmigrate.revision('next', 'ALTER TABLE dr.failing ADD f int', 'ALTER TABLE dr.failing DROP f', id => 'f4') AS id;
SELECT pgmigrate.revision('end', 'SELECT pg_terminate_backend(pg_backend_pid())', 'SELECT 1', id => 'f5') AS id;
SELECT state FROM pgmigrate.upgrade();
SELECT object, change FROM pgmigrate.drift();
SELECT state FROM pgmigrate.downgrade('f2');
SELECT object, change FROM pgmigrate.drift();

-- of a definition that is very long its digest is kept
SELECT format('CREATE FUNCTION dr.long() RETURNS text LANGUAGE sql AS $f$SELECT %L$f$', repeat('x', 1100000)) AS sql \gset
:sql;
SELECT count(*) FROM pgmigrate.stamp('f2');
SELECT key, length(value) < 200 AS is_short FROM pgmigrate.schema_object, jsonb_each_text(definition) WHERE identity = 'dr.long()' AND length(value) > 60;
SELECT count(*) FROM pgmigrate.drift();
SELECT replace(:'sql', 'CREATE', 'CREATE OR REPLACE') || ' IMMUTABLE' AS sql \gset
:sql;
SELECT object, change, regexp_replace(expected, '"digest": "\w{64}"', 'digest') AS expected, regexp_replace(actual, '"digest": "\w{64}"', 'digest') AS actual FROM pgmigrate.drift();
SELECT pgmigrate.adopt_drift('long');
DROP FUNCTION dr.long;
SELECT object, change FROM pgmigrate.drift();

SET client_min_messages = warning;
DROP SCHEMA dr CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
