-- Two tools at once: what the other one did meanwhile is neither run again nor
-- set back, and adopting again takes it over, up and down.
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
SET pgmigrate.execution = inline;
CREATE SCHEMA again;
SET search_path = again, public;

-- one row, the newest version
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (1, false);
CREATE TABLE a (n int);
SELECT count(*) FROM pgmigrate.load_files(
	ARRAY['000001_a.up.sql', '000001_a.down.sql', '000002_b.up.sql', '000002_b.down.sql', '000003_c.up.sql', '000003_c.down.sql', '000004_d.up.sql', '000004_d.down.sql'],
	ARRAY['CREATE TABLE a (n int);', 'DROP TABLE a;', 'INSERT INTO a VALUES (1);', 'DELETE FROM a WHERE n = 1;', 'INSERT INTO a VALUES (3);', 'DELETE FROM a WHERE n = 3;', 'INSERT INTO a VALUES (4);', 'DELETE FROM a WHERE n = 4;']);
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
INSERT INTO a VALUES (1), (3);
UPDATE schema_migrations SET version = 3;
SELECT revision FROM pgmigrate.upgrade();
SELECT revision FROM pgmigrate.downgrade('base');
SELECT revision FROM pgmigrate.stamp('000002');
SELECT revision FROM pgmigrate.stamp('000001');
TABLE schema_migrations;
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
SELECT revision FROM pgmigrate.head;
SELECT revision FROM pgmigrate.upgrade();
TABLE a;
TABLE schema_migrations;
-- back, by the other tool
DELETE FROM a WHERE n > 1;
UPDATE schema_migrations SET version = 2;
SELECT revision FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.upgrade();
TABLE a;
-- half way
UPDATE schema_migrations SET version = 5, dirty = true;
SELECT pgmigrate.revision('five', 'INSERT INTO a VALUES (5)', 'DELETE FROM a WHERE n = 5', id => '000005');
SELECT revision FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
UPDATE schema_migrations SET version = 4, dirty = false;
SELECT revision FROM pgmigrate.upgrade();
-- all of it
DELETE FROM schema_migrations;
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
SELECT count(*) FROM pgmigrate.applied;
SELECT count(*) FROM pgmigrate.head;
DELETE FROM pgmigrate.mirror;
DELETE FROM pgmigrate.revision;

-- a row for each head
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('a1');
SELECT pgmigrate.revision('a', 'SELECT 1', 'SELECT 1', id => 'a1');
SELECT pgmigrate.revision('b', 'SELECT 1', 'SELECT 1', id => 'b1');
SELECT pgmigrate.revision('c', 'SELECT 1', 'SELECT 1', id => 'c1');
SELECT * FROM pgmigrate.adopt('alembic', mirror => true);
UPDATE alembic_version SET version_num = 'b1';
SELECT revision FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.adopt('alembic', mirror => true);
SELECT revision FROM pgmigrate.head;
SELECT revision FROM pgmigrate.upgrade();
TABLE alembic_version;
UPDATE alembic_version SET version_num = 'a1';
SELECT revision FROM pgmigrate.downgrade('base');
SELECT * FROM pgmigrate.adopt('alembic', mirror => true);
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.upgrade();
TABLE alembic_version;
-- a version that nobody knows
UPDATE alembic_version SET version_num = 'd1';
SELECT * FROM pgmigrate.adopt('alembic');
SELECT revision FROM pgmigrate.head ORDER BY 1;
DELETE FROM pgmigrate.mirror;
DELETE FROM pgmigrate.head;
DELETE FROM pgmigrate.applied;
DELETE FROM pgmigrate.revision;

-- a row for each version
CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (3, true);
SELECT count(*) FROM pgmigrate.load_files(
	ARRAY['00001_a.sql', '00002_b.sql', '00003_c.sql', '00004_d.sql'],
	ARRAY[E'-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n', E'-- +goose Up\nSELECT 2;\n-- +goose Down\nSELECT 2;\n', E'-- +goose Up\nSELECT 3;\n-- +goose Down\nSELECT 3;\n', E'-- +goose Up\nSELECT 4;\n-- +goose Down\nSELECT 4;\n']);
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.upgrade();
DELETE FROM goose_db_version WHERE version_id > 1;
SELECT revision FROM pgmigrate.downgrade('-1');
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.upgrade('00003');
SELECT version_id FROM goose_db_version ORDER BY id;
-- something stands on what is gone
SELECT pgmigrate.revision('ours', 'SELECT 1', 'SELECT 1', id => 'ours', down_revision => '{00003}', splice => true);
SELECT revision FROM pgmigrate.upgrade('ours');
DELETE FROM goose_db_version WHERE version_id = 3;
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.head;
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true);
SELECT revision FROM pgmigrate.downgrade('00003');
-- a hole is no way down
DELETE FROM goose_db_version WHERE version_id = 2;
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, true);
-- not kept in step: what is only recorded is refused by its name, what we ran
-- is known
SELECT * FROM pgmigrate.adopt('goose');
SELECT revision FROM pgmigrate.stamp('00004');
SELECT * FROM pgmigrate.adopt('goose');
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.stamp('00003');
SELECT * FROM pgmigrate.adopt('goose');
SELECT revision FROM pgmigrate.upgrade('00004');
SELECT * FROM pgmigrate.adopt('goose');
SELECT revision FROM pgmigrate.current();

RESET search_path;
RESET pgmigrate.execution;
SET client_min_messages = warning;
DROP SCHEMA again CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
