-- What was changed by hand becomes a revision, recorded as applied.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA ad;
\pset format unaligned
SET pgmigrate.execution = inline;
SELECT pgmigrate.adopt_drift('nothing is kept');
SELECT pgmigrate.revision('base', $$
	CREATE TABLE ad.a (id int PRIMARY KEY, t text DEFAULT 'x', n int NOT NULL, gone int, CONSTRAINT pos CHECK (n > 0));
	CREATE TABLE ad.b (id int PRIMARY KEY, a int CONSTRAINT fk REFERENCES ad.a);
	CREATE INDEX ix ON ad.a (t);
	CREATE INDEX "I x" ON ad.b (a);
	CREATE FUNCTION ad.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
	ALTER INDEX ad.ix DEPENDS ON EXTENSION plpgsql;
	CREATE VIEW ad.v AS SELECT id, gone FROM ad.a;
	CREATE TABLE ad.old ("x y" int DEFAULT 5)$$, 'SELECT 1', id => 'a1') AS id;
SELECT count(*) FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT pgmigrate.adopt_drift('nothing');
SELECT pgmigrate.adopt_drift(NULL);

DROP VIEW ad.v;
DROP INDEX ad."I x";
DROP TABLE ad.old;
ALTER TABLE ad.a DROP gone, ADD phone text DEFAULT '1', ALTER t TYPE varchar(20), ALTER t SET NOT NULL, DROP CONSTRAINT pos;
CREATE OR REPLACE FUNCTION ad.f(int) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE ad.new (i int REFERENCES ad.a);
CREATE VIEW ad.w AS SELECT phone FROM ad.a;
COMMENT ON TABLE ad.b IS 'b';
ALTER FUNCTION ad.f(int) DEPENDS ON EXTENSION plpgsql;
ALTER INDEX ad.ix NO DEPENDS ON EXTENSION plpgsql;
CREATE TABLE ad.scratch_pad (i int);
SELECT object, change FROM pgmigrate.drift() WHERE object NOT LIKE '%not_null%';
SELECT pgmigrate.fingerprint('{ad}') AS by_hand \gset
SET pgmigrate.drift_ignore = 'ad.scratch_pad%';
-- while another revision is to be applied
SELECT pgmigrate.revision('next', 'SELECT 1', 'SELECT 1', id => 'a2') AS id;
SELECT pgmigrate.adopt_drift('by hand', id => 'h1');
SELECT count(*) FROM pgmigrate.drift();
SELECT revision FROM pgmigrate.current();
-- servers put out views in ways of their own
SELECT regexp_replace(upgrade, 'CREATE VIEW[^;]*;', 'CREATE VIEW ...;', 'g') AS upgrade FROM pgmigrate.revision WHERE id = 'h1';
SELECT regexp_replace(downgrade, 'CREATE VIEW[^;]*;', 'CREATE VIEW ...;', 'g') AS downgrade FROM pgmigrate.revision WHERE id = 'h1';
SELECT pgmigrate.adopt_drift('once only');
-- the way back and forth
DROP TABLE ad.scratch_pad;
SELECT count(*) FROM pgmigrate.downgrade('a1');
SELECT n, definition FROM (SELECT attname AS n, format_type(atttypid, atttypmod) AS definition
	FROM pg_attribute WHERE attrelid = 'ad.a'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum) c;
SELECT count(*) FROM ad.v;
SELECT count(*) FROM pgmigrate.upgrade('h1');
CREATE TABLE ad.scratch_pad (i int);
SELECT pgmigrate.fingerprint('{ad}') = :'by_hand' AS same;
-- what has another name now is renamed, whatever else was done
ALTER TABLE ad.new RENAME TO newer;
ALTER TABLE ad.a RENAME phone TO tel;
ALTER TABLE ad.a ADD fax text;
ALTER INDEX ad.ix RENAME TO iy;
ALTER VIEW ad.w RENAME TO ww;
ALTER TABLE ad.b RENAME CONSTRAINT fk TO "F K";
ALTER FUNCTION ad.f(int) RENAME TO ff;
SELECT pgmigrate.adopt_drift('renamed', id => 'r1');
SELECT count(*) FROM pgmigrate.drift();
SELECT regexp_replace(upgrade, 'CREATE VIEW[^;]*;', 'CREATE VIEW ...;', 'g') AS upgrade FROM pgmigrate.revision WHERE id = 'r1';
SELECT regexp_replace(downgrade, 'CREATE VIEW[^;]*;', 'CREATE VIEW ...;', 'g') AS downgrade FROM pgmigrate.revision WHERE id = 'r1';
SELECT count(*) FROM pgmigrate.downgrade('h1');
SELECT to_regclass('ad.new'), to_regclass('ad.ix'), to_regprocedure('ad.f(int)');
SELECT count(*) FROM pgmigrate.upgrade('r1');
-- not in production, nor of what is not kept
SET pgmigrate.environment = production;
COMMENT ON TABLE ad.b IS 'c';
SELECT pgmigrate.adopt_drift('a comment', 'h2');
SELECT upgrade, downgrade, down_revision FROM pgmigrate.revision WHERE id = 'h2';
RESET pgmigrate.environment;

SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
DROP SCHEMA ad CASCADE;
CREATE EXTENSION pgmigrate;
