-- Schemas that another tool has migrated: their ledgers are taken over, or it is
-- said where they are.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
SELECT pgmigrate.revision('invoice', 'CREATE TABLE invoice (id int PRIMARY KEY)', 'DROP TABLE invoice', id => '001');
SELECT pgmigrate.revision('paid', 'ALTER TABLE invoice ADD COLUMN paid boolean', 'ALTER TABLE invoice DROP COLUMN paid', id => '002');
SELECT pgmigrate.revision('note', 'ALTER TABLE invoice ADD COLUMN note text', 'ALTER TABLE invoice DROP COLUMN note', id => '003');

-- at different versions; ts3 is new
CREATE SCHEMA ts1;
CREATE TABLE ts1.invoice (id int PRIMARY KEY, paid boolean);
CREATE TABLE ts1.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO ts1.alembic_version VALUES ('002');
CREATE SCHEMA ts2;
CREATE TABLE ts2.invoice (id int PRIMARY KEY);
CREATE TABLE ts2.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO ts2.alembic_version VALUES ('001');
CREATE SCHEMA ts3;

-- what it is like without: the first statement fails
SELECT schema, state, heads, error FROM pgmigrate.fleet(schemas => '{ts1}');

-- one call for all of them
SELECT n.nspname, a.* FROM pg_namespace n, pgmigrate.adopt('alembic', for_schema => n.nspname::text) a
WHERE n.nspname IN ('ts1', 'ts2') ORDER BY n.nspname, a.version;
SELECT revision FROM pgmigrate.current() ORDER BY 1;
SELECT revision, for_schema IS NOT NULL AS of_schema FROM pgmigrate.applied a JOIN pgmigrate.revision r ON r.id = a.revision ORDER BY 1;
SELECT details -> 'adopted' AS adopted FROM pgmigrate.run_step WHERE details ? 'adopted' ORDER BY run;
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet(schemas => '{ts1,ts2,ts3}');
SELECT attrelid::regclass AS relation, attname FROM pg_attribute WHERE attname = 'note' AND attnum > 0 AND attrelid::regclass::text ~ '^ts' ORDER BY 1;
SELECT count(*) FROM pgmigrate.adopt('alembic', 'ts1.alembic_version'::regclass, for_schema => 'ts1');

-- refused
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts3');
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts1', mirror => true);
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'pg_catalog');
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'nowhere');
INSERT INTO ts2.alembic_version VALUES ('900');
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts2');
CREATE SCHEMA ts6;
CREATE TABLE ts6.alembic_version (version_num varchar(32) PRIMARY KEY);
CREATE TABLE ts6.other_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO ts6.alembic_version VALUES ('001');
BEGIN;
SELECT * FROM pgmigrate.adopt('alembic', 'ts6.alembic_version'::regclass, mirror => true);
SAVEPOINT kept;
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts6');
ROLLBACK TO kept;
SELECT * FROM pgmigrate.adopt('alembic', 'ts6.alembic_version'::regclass, for_schema => 'ts6');
ROLLBACK TO kept;
SELECT count(*) FROM pgmigrate.mirror;
ROLLBACK;
SELECT * FROM pgmigrate.adopt('alembic', 'ts2.alembic_version'::regclass, for_schema => 'ts6');
INSERT INTO ts6.other_version VALUES ('002');
SELECT * FROM pgmigrate.adopt('alembic', 'ts6.other_version'::regclass, for_schema => 'ts6');

-- without a ledger
CREATE SCHEMA ts4;
CREATE TABLE ts4.invoice (id int PRIMARY KEY, paid boolean);
CREATE SCHEMA ts5;
CREATE TABLE ts5.invoice (id int PRIMARY KEY, paid boolean);
SELECT step, revision, state FROM pgmigrate.stamp('002', schemas => '{ts4,ts5,ts4}');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet(schemas => '{ts4,ts5}');
SELECT step, revision, state FROM pgmigrate.stamp('001', schemas => '{ts5}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^ts[45]' ORDER BY 1;
SELECT step, revision, state FROM pgmigrate.stamp('base', schemas => '{ts5}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^ts[45]' ORDER BY 1;
SELECT step, revision, state FROM pgmigrate.stamp('base', schemas => '{ts5}');
SELECT * FROM pgmigrate.stamp('002', schemas => '{}');
SELECT * FROM pgmigrate.stamp('002', schemas => '{pgmigrate}');
SELECT * FROM pgmigrate.stamp('002', schemas => '{nowhere}');
SELECT * FROM pgmigrate.stamp('002', true, schemas => '{ts5}');
SELECT * FROM pgmigrate.stamp('nonsense', schemas => '{ts5}');
SELECT * FROM pgmigrate.stamp('002', schemas => '{ts5,NULL}');

-- it is taken back from all of several roots, and what stands beside goes too
SELECT pgmigrate.revision('tax', 'CREATE TABLE tax ()', 'DROP TABLE tax', id => 'tax', down_revision => '{}');
SELECT count(*) FROM pgmigrate.stamp('003', schemas => '{ts5}');
SELECT count(*) FROM pgmigrate.stamp('tax', schemas => '{ts5}');
SELECT pgmigrate.revision('own', 'CREATE TABLE own ()', 'DROP TABLE own', id => 'own', down_revision => '{ts5.001}', splice => true);
SELECT count(*) FROM pgmigrate.stamp('own');
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^ts5|own' ORDER BY 1;
SELECT step, revision, state FROM pgmigrate.stamp('base', schemas => '{ts5}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^ts5|own' ORDER BY 1;

-- what a schema depends on belongs to the database: said of a schema, it is not
-- said of that, and taken back from the last schema, it stays
SELECT pgmigrate.revision('rate', 'CREATE TABLE rate ()', 'DROP TABLE rate', id => 'rate', down_revision => '{}');
SELECT pgmigrate.revision('use', 'CREATE TABLE use_1 ()', 'DROP TABLE use_1', id => 'use', down_revision => '{tax}', depends_on => '{rate}');
SELECT pgmigrate.revision('use more', 'CREATE TABLE use_2 ()', 'DROP TABLE use_2', id => 'use_more', down_revision => '{use}');
SELECT * FROM pgmigrate.stamp('use_more', schemas => '{ts4,ts5}');
INSERT INTO ts6.other_version VALUES ('use');
DELETE FROM ts6.other_version WHERE version_num = '002';
SELECT * FROM pgmigrate.adopt('alembic', 'ts6.other_version'::regclass, for_schema => 'ts6');
SELECT count(*) FROM pgmigrate.revision WHERE template = 'use';
SELECT count(*) FROM pgmigrate.stamp('rate');
SELECT count(*) FROM pgmigrate.stamp('use_more', schemas => '{ts4,ts5}');
SELECT count(*) FROM pgmigrate.adopt('alembic', 'ts6.other_version'::regclass, for_schema => 'ts6');
SELECT revision FROM pgmigrate.current() WHERE revision ~ 'use|rate' ORDER BY 1;
SELECT count(*) FROM pgmigrate.stamp('tax', schemas => '{ts4,ts5,ts6}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ 'tax|use|rate' ORDER BY 1;
SELECT count(*) FROM pgmigrate.stamp('use', schemas => '{ts4,ts5}');
SELECT count(*) FROM pgmigrate.stamp('base', schemas => '{ts4}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ 'use|rate' ORDER BY 1;

-- from one of several roots
SELECT pgmigrate.revision('lib', 'CREATE TABLE lib ()', 'DROP TABLE lib', id => 'lib1', down_revision => '{}', branch_labels => '{lib}');
SELECT count(*) FROM pgmigrate.stamp('lib1', schemas => '{ts4,ts5}');
SELECT count(*) FROM pgmigrate.stamp('lib@base', schemas => '{ts5,ts6}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^ts' ORDER BY 1;

-- also from one that is gone
ALTER SCHEMA ts5 RENAME TO ts8;
SELECT count(*) FROM pgmigrate.stamp('base', schemas => '{ts5}');
SELECT revision FROM pgmigrate.current() WHERE revision ~ 'use|rate' ORDER BY 1;
SELECT revision FROM pgmigrate.applied WHERE revision ~ 'use|rate';
SELECT * FROM pgmigrate.stamp('base', schemas => '{ts5}');
ALTER SCHEMA ts8 RENAME TO ts5;

-- revisions are stored, for which it takes the right to
CREATE ROLE regress_pgm_stamper;
GRANT USAGE ON SCHEMA pgmigrate TO regress_pgm_stamper;
GRANT EXECUTE ON FUNCTION pgmigrate.stamp(text, boolean, text[]), pgmigrate.adopt(text, regclass, boolean, text) TO regress_pgm_stamper;
CREATE SCHEMA ts7 AUTHORIZATION regress_pgm_stamper;
SET ROLE regress_pgm_stamper;
CREATE TABLE ts7.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO ts7.alembic_version VALUES ('001');
SELECT * FROM pgmigrate.stamp('001', schemas => '{ts7}');
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts7');
-- nor may its owner say what is in a schema of another role
RESET ROLE;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_pgm_stamper', 'operator');
SET ROLE regress_pgm_stamper;
SELECT * FROM pgmigrate.stamp('001', schemas => '{ts5}');
SELECT * FROM pgmigrate.adopt('alembic', for_schema => 'ts1');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA ts1, ts2, ts3, ts4, ts5, ts6, ts7 CASCADE;
DROP OWNED BY regress_pgm_stamper;
DROP ROLE regress_pgm_stamper;
