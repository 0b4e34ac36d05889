-- Taking over what real projects have: files as tools print them, and ledgers
-- that were adopted before there were files.
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
SET pgmigrate.execution = inline;
CREATE SCHEMA over;
SET search_path = over, public;
CREATE PROCEDURE forget() LANGUAGE sql AS $$
	DELETE FROM pgmigrate.head;
	DELETE FROM pgmigrate.applied;
	DELETE FROM pgmigrate.revision;
	DELETE FROM pgmigrate.mirror;
$$;

-- a comment for lint in the first line is not our header
SELECT * FROM pgmigrate.load_files(ARRAY['001_a.up.sql', '002_b.up.sql'],
	ARRAY['CREATE TABLE a (i int);', E'-- pgmigrate: allow drop-table because it is empty\nDROP TABLE a;\n']);
SELECT id, upgrade FROM pgmigrate.revision ORDER BY seq;
CALL forget();
-- a header with a slip of the pen is refused, with file and line
SELECT * FROM pgmigrate.load('f1.sql', E'-- pgmigrate: revision\n-- id: f1\n-- down-revision: d5\n\n-- migrate:up\nSELECT 1;\n');

-- one that nobody has written yet is told
SELECT pgmigrate.load('e1.sql', E'-- pgmigrate: revision\n-- id: e1\n-- down_revision: base\n\n-- migrate:up\n\n-- migrate:down\n');
CALL forget();
SELECT pgmigrate.load('e1.sql', E'-- pgmigrate: revision\n-- id: e1\n-- down_revision: base\n\n-- migrate:up\n-- on purpose\n');
CALL forget();

-- the order in which Alembic prints legs is that of the run, since a
-- dependency that it does not name may need it
SELECT * FROM pgmigrate.load('up.sql', $$
-- Running upgrade  -> x
CREATE TABLE x (id int PRIMARY KEY);
INSERT INTO alembic_version (version_num) VALUES ('x');
-- Running upgrade x -> y
CREATE TABLE y (id int PRIMARY KEY);
UPDATE alembic_version SET version_num='y' WHERE alembic_version.version_num = 'x';
-- Running wrapper  -> a
CREATE TABLE a (id int PRIMARY KEY);
INSERT INTO alembic_version (version_num) VALUES ('a');
-- Running upgrade a -> d
CREATE TABLE d (id int REFERENCES y);
UPDATE alembic_version SET version_num='d' WHERE alembic_version.version_num = 'a';
$$);
SELECT revision FROM pgmigrate.upgrade('heads');
CALL forget();
DROP TABLE d, a, y, x;
-- what migrations print, and what is logged, may stand among it
SELECT * FROM pgmigrate.load('up.sql', $$INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.
-- Running upgrade  -> x
It's time to make x
CREATE TABLE x (id int PRIMARY KEY);
42 rows moved

INSERT INTO alembic_version (version_num) VALUES ('x');
$$);
SELECT upgrade FROM pgmigrate.revision;
CALL forget();

-- a verify script that is no query is passed over
SELECT * FROM pgmigrate.load_files(
	ARRAY['sqitch.plan', 'deploy/a.sql', 'revert/a.sql', 'verify/a.sql'],
	ARRAY[E'%project=p\n\na 2024-01-01T00:00:00Z a <a@b> # a\n', 'SELECT 1;', 'SELECT 2;',
		E'BEGIN;\nSAVEPOINT s;\nSELECT 1;\nROLLBACK TO s;\nROLLBACK;\n']);
SELECT id, verify FROM pgmigrate.revision;
CALL forget();
SELECT * FROM pgmigrate.load_files(
	ARRAY['sqitch.plan', 'deploy/a.sql', 'verify/a.sql', 'deploy/b.sql', 'verify/b.sql', 'deploy/c.sql', 'verify/c.sql'],
	ARRAY[E'%project=p\n\na 2024-01-01T00:00:00Z a <a@b> # a\nb 2024-01-01T00:00:00Z a <a@b> # b\nc 2024-01-01T00:00:00Z a <a@b> # c\n',
		'SELECT 1;', E'SELECT 1;\nSELECT 1 INTO x;\n', 'SELECT 2;', E'\nSELEC 1;\n',
		'SELECT 3;', 'WITH d AS (DELETE FROM x RETURNING 1) SELECT 1 FROM d;']);
SELECT id, verify FROM pgmigrate.revision;
CALL forget();

-- a way down that no revision can hold keeps no folder out
SELECT revision, action FROM pgmigrate.load_files(
	ARRAY['1_a.up.sql', '1_a.down.sql', '2_b.up.sql', '2_b.down.sql', '3_c.up.sql', '3_c.down.sql', '4_d.up.sql', '4_d.down.sql'],
	ARRAY['SELECT 1;', E'SELECT 1;\n\\i other.sql\n', 'SELECT 2;', E'BEGIN;\nSELECT 2;\nROLLBACK;\n',
		'SELECT 3;', 'SAVEPOINT s;', 'SELECT 4;', E'SELECT 4;\nSELECT pgmigrate.upgrade();\nALTER SYSTEM SET x = 1;\n']);
SELECT id, downgrade FROM pgmigrate.revision ORDER BY seq;
CALL forget();

-- a table that two tools make alike is that of the one that is named
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240101000000');
SELECT tool FROM pgmigrate.detect_ledgers();
SELECT count(*) FROM pgmigrate.load_files(ARRAY['20240101000000_a.sql', '20240102000000_b.sql'],
	ARRAY[E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n', E'-- migrate:up\nSELECT 3;\n-- migrate:down\nSELECT 4;\n']);
SELECT * FROM pgmigrate.adopt('dbmate', mirror => true);
SELECT revision FROM pgmigrate.upgrade();
TABLE schema_migrations;
SELECT revision FROM pgmigrate.downgrade('base');
TABLE schema_migrations;
CALL forget();
DROP TABLE schema_migrations;
CREATE TABLE schema_migrations (version varchar(255) PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240101000000');
SELECT tool FROM pgmigrate.detect_ledgers();
SELECT * FROM pgmigrate.adopt('rails', 'over.schema_migrations');
CALL forget();
DROP TABLE schema_migrations;

-- a number is the same version with zeros before it
CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied boolean);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true);
SELECT pgmigrate.revision('seven', 'SELECT 7', 'SELECT 7', id => '0007'), pgmigrate.revision('eight', 'SELECT 8', 'SELECT 8', id => '0008');
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.upgrade();
SELECT version_id FROM goose_db_version ORDER BY id;
SELECT revision FROM pgmigrate.downgrade('base');
SELECT version_id FROM goose_db_version ORDER BY id;
CALL forget();
DROP TABLE goose_db_version;

-- a ledger that was adopted before the files were loaded: they take the place
-- of what it made, in the history that there is when files come first
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (2, false);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('b1');
SELECT * FROM pgmigrate.adopt('alembic', 'over.alembic_version', mirror => true);
-- what stands on it may come, and keeps it where it is
SELECT count(*) FROM pgmigrate.load('up.sql', $$
-- Running upgrade b1 -> c1
SELECT 3;
UPDATE alembic_version SET version_num='c1' WHERE alembic_version.version_num = 'b1';
$$);
CREATE TEMP TABLE all_of_it AS SELECT $$
-- Running upgrade  -> a1
SELECT 1;
INSERT INTO alembic_version (version_num) VALUES ('a1');
-- Running upgrade a1 -> b1
SELECT 2;
UPDATE alembic_version SET version_num='b1' WHERE alembic_version.version_num = 'a1';
-- Running upgrade b1 -> c1
SELECT 3;
UPDATE alembic_version SET version_num='c1' WHERE alembic_version.version_num = 'b1';
$$ AS text;
SELECT count(*) FROM pgmigrate.load('up.sql', (SELECT text FROM all_of_it));
SELECT pgmigrate.remove('c1');
-- whoever loads must be one who may adopt
CREATE ROLE regress_over_author;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_over_author', 'author');
GRANT SELECT ON all_of_it TO regress_over_author;
SET ROLE regress_over_author;
SELECT count(*) FROM pgmigrate.load('up.sql', (SELECT text FROM all_of_it));
RESET ROLE;
SELECT count(*) FROM pgmigrate.load('up.sql', (SELECT text FROM all_of_it));
SELECT revision, down_revision, state FROM pgmigrate.history() ORDER BY revision;
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.upgrade();
TABLE alembic_version;
CALL forget();
DROP TABLE all_of_it;
DROP OWNED BY regress_over_author;
DROP ROLE regress_over_author;
SELECT * FROM pgmigrate.adopt('golang-migrate', 'over.schema_migrations');
SELECT revision, action FROM pgmigrate.load_files(ARRAY['0001_a.up.sql', '0002_b.up.sql', '0003_c.up.sql'], ARRAY['SELECT 1;', 'SELECT 2;', 'SELECT 3;']);
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.upgrade();
TABLE schema_migrations;
CALL forget();
-- of a ledger of several rows, with a file of one: what is above moves too
CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied boolean);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true), (2, true), (3, true);
SELECT revision, action FROM pgmigrate.adopt('goose', mirror => true);
SELECT pgmigrate.load('00002_b.sql', E'-- +goose Up\nSELECT 2;\n-- +goose Down\nSELECT -2;\n');
SELECT id, down_revision, upgrade FROM pgmigrate.revision ORDER BY seq;
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT tool, seen FROM pgmigrate.mirror;
SELECT version_id FROM goose_db_version ORDER BY id;
CALL forget();
DROP TABLE schema_migrations, alembic_version, goose_db_version;

-- of a tool whose ledger has nothing but the checksums of its files
CREATE TABLE __drizzle_migrations (id serial, hash text NOT NULL, created_at bigint);
INSERT INTO __drizzle_migrations (hash, created_at) SELECT encode(sha256('SELECT 1;'), 'hex'), 1700000000000;
SELECT * FROM pgmigrate.adopt('drizzle');
SELECT revision, action FROM pgmigrate.load_files(ARRAY['0000_brave.sql', '0001_new.sql'], ARRAY['SELECT 1;', 'SELECT 2;']);
SELECT revision FROM pgmigrate.applied;
SELECT revision FROM pgmigrate.upgrade();
CALL forget();
DROP TABLE __drizzle_migrations;
-- a row that was written with zeros goes with its revision
CREATE TABLE schema_migrations (version varchar(255) PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('006'), ('007'), ('70');
SELECT pgmigrate.revision('six', 'SELECT 6', 'SELECT 6', id => '6'), pgmigrate.revision('seven', 'SELECT 7', 'SELECT 7', id => '7'),
	pgmigrate.revision('seventy', 'SELECT 70', 'SELECT 70', id => '70');
SELECT * FROM pgmigrate.adopt('dbmate', mirror => true);
SELECT revision FROM pgmigrate.downgrade('6');
TABLE schema_migrations;
SELECT revision FROM pgmigrate.upgrade('7');
SELECT * FROM pgmigrate.adopt('dbmate', mirror => true);
CALL forget();
DROP TABLE schema_migrations;

-- repeatable migrations have run, and there are new versions
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success bool NOT NULL);
INSERT INTO flyway_schema_history VALUES (1, '1', 'a', 'SQL', 'V1__a.sql', NULL, 'x', now(), 1, true),
	(2, NULL, 'v', 'SQL', 'R__v.sql', NULL, 'x', now(), 1, true), (3, NULL, 'w', 'SQL', 'R__w.sql', NULL, 'x', now(), 1, true);
SELECT count(*) FROM pgmigrate.load_files(ARRAY['V1__a.sql', 'V2__b.sql', 'R__v.sql', 'R__w.sql'],
	ARRAY['SELECT 1;', 'SELECT 2;', 'SELECT 3;', 'SELECT 4;']);
SELECT * FROM pgmigrate.adopt('flyway', mirror => true);
SELECT revision FROM pgmigrate.applied;
SELECT revision FROM pgmigrate.upgrade();
SELECT installed_rank, version, script FROM flyway_schema_history ORDER BY 1;
SELECT * FROM pgmigrate.adopt('flyway', mirror => true);
CALL forget();
DROP TABLE flyway_schema_history;

-- of a tool whose ledger cannot follow it is said what its next run would do
CREATE TABLE pgmigrations (id int, name text, run_on timestamp);
INSERT INTO pgmigrations VALUES (1, '1_a', now());
SELECT * FROM pgmigrate.adopt('node-pg-migrate');
SELECT count(*) FROM pgmigrate.load('1_a.sql', E'-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n');
CALL forget();

SET client_min_messages = warning;
DROP SCHEMA over CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
