-- Ledgers that know more than versions: checksums, graphs, the SQL that ran.
-- Begin with an empty store, whatever ran before.
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE PROCEDURE forget() LANGUAGE sql AS $$
	DELETE FROM pgmigrate.head;
	DELETE FROM pgmigrate.applied;
	DELETE FROM pgmigrate.revision;
	DELETE FROM pgmigrate.mirror;
$$;

-- Flyway's checksum is that of the lines, whatever they end with
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success bool NOT NULL);
INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) VALUES
	(1, '1', 'one', 'SQL', 'V1__one.sql', 1611603341, 'x', 1, true),
	(2, '2', 'two', 'SQL', 'V2__two.sql', 77, 'x', 1, true),
	(3, '3', 'three', 'SQL', 'V3__three.sql', NULL, 'x', 1, true);
SELECT revision, action FROM pgmigrate.load_files(
	ARRAY['V1__one.sql', 'V2__two.sql', 'V3__three.sql', 'V4__four.sql'],
	ARRAY[E'CREATE TABLE one (a int);\r\nSELECT 1;\n', E'BEGIN;\nSELECT 2;\nCOMMIT;\n', 'SELECT 3;', E'\uFEFFBEGIN;\nSELECT 4;\nCOMMIT;\n']);
SELECT id, source ->> 'file' AS file, source -> 'crc32' AS crc32 FROM pgmigrate.revision ORDER BY seq;
SELECT source ->> 'sha256' = encode(sha256(convert_to(E'BEGIN;\nSELECT 2;\nCOMMIT;\n', 'UTF8')), 'hex') AS sha256,
	source ->> 'md5' = md5(E'BEGIN;\nSELECT 2;\nCOMMIT;\n') AS md5,
	source ->> 'sha384' = encode(sha384(convert_to(E'BEGIN;\nSELECT 2;\nCOMMIT;\n', 'UTF8')), 'hex') AS sha384
FROM pgmigrate.revision WHERE id = '2';
SELECT * FROM pgmigrate.adopt('flyway', mirror => true);
-- the checksum of the file goes to the ledger, so that Flyway finds it unchanged
SELECT revision FROM pgmigrate.upgrade();
SELECT checksum = (SELECT (source ->> 'crc32')::int FROM pgmigrate.revision WHERE id = '4') AS of_the_file
FROM flyway_schema_history WHERE version = '4';
-- an amended revision is no longer of the file
SELECT pgmigrate.revision('later', 'SELECT 5', id => '5');
SELECT revision, action FROM pgmigrate.load_files(ARRAY['V6__six.sql'], ARRAY['SELECT 6;']);
SELECT pgmigrate.amend('6', downgrade => 'SELECT 6');
SELECT source ->> 'file' AS file FROM pgmigrate.revision WHERE id = '6';
SELECT pgmigrate.amend('6', upgrade => 'SELECT 66');
SELECT source ->> 'file' AS file FROM pgmigrate.revision WHERE id = '6';

-- a ledger with a row for each revision follows a stamp
SELECT revision FROM pgmigrate.stamp('6');
SELECT version, type FROM flyway_schema_history WHERE installed_rank > 3 ORDER BY installed_rank;
SELECT revision FROM pgmigrate.stamp('3');
SELECT version, type FROM flyway_schema_history WHERE installed_rank > 3 ORDER BY installed_rank;
SELECT revision FROM pgmigrate.stamp('4', purge => true);
SELECT version, type FROM flyway_schema_history WHERE installed_rank > 7 ORDER BY installed_rank;
CALL forget();
DROP TABLE flyway_schema_history;

-- many differences are not told one by one; the baseline is kept
CREATE TABLE pgmigrate_migrations (id text PRIMARY KEY, checksum text NOT NULL, execution_time_in_millis bigint NOT NULL, applied_at timestamptz NOT NULL);
INSERT INTO pgmigrate_migrations SELECT format('%s_m.sql', i), CASE WHEN i < 3 THEN md5('SELECT ' || i) ELSE 'x' END, 1, now() FROM generate_series(1, 9) AS i;
SELECT count(*) FROM pgmigrate.load_files(
	(SELECT array_agg(format('%s_m.sql', i) ORDER BY i) FROM generate_series(1, 9) AS i),
	(SELECT array_agg(format('SELECT %s', i) ORDER BY i) FROM generate_series(1, 9) AS i));
SELECT * FROM pgmigrate.adopt('peterldowns-pgmigrate');
SELECT details - 'fingerprint' AS details, details ->> 'fingerprint' = pgmigrate.fingerprint() AS baseline
FROM pgmigrate.run_step WHERE details ? 'fingerprint' ORDER BY run DESC LIMIT 1;
CREATE TABLE changed_since ();
SELECT details ->> 'fingerprint' = pgmigrate.fingerprint() AS baseline
FROM pgmigrate.run_step WHERE details ? 'fingerprint' ORDER BY run DESC LIMIT 1;
DROP TABLE changed_since;
CALL forget();
DROP TABLE pgmigrate_migrations;

-- Drizzle's ledger has no versions of files, only hashes; sqlx' files were renumbered
CREATE SCHEMA drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES (encode(sha256('SELECT 0;'), 'hex'), 1700000000000), (encode(sha256('SELECT 1;'), 'hex'), 1700000000001);
SELECT count(*) FROM pgmigrate.load_files(ARRAY['0000_a.sql', '0001_b.sql', '0002_c.sql'], ARRAY['SELECT 0;', 'SELECT 1;', 'SELECT 2;']);
SELECT * FROM pgmigrate.adopt('drizzle');
CALL forget();
-- two files of one hash: neither is it
SELECT count(*) FROM pgmigrate.load_files(ARRAY['0000_a.sql', '0001_b.sql'], ARRAY['SELECT 1;', 'SELECT 1;']);
SELECT * FROM pgmigrate.adopt('drizzle');
CALL forget();
CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
INSERT INTO _sqlx_migrations VALUES (1, 'a', now(), true, sha384('SELECT 1;'), 1), (20, 'b', now(), true, sha384('SELECT 2;'), 1), (30, 'c', now(), true, sha384('SELECT 3;'), 1);
SELECT count(*) FROM pgmigrate.load_files(ARRAY['0001_a.up.sql', '0001_a.down.sql', '0002_b.up.sql', '0002_b.down.sql'], ARRAY['SELECT 1;', 'SELECT -1;', 'SELECT 2;', 'SELECT -2;']);
SELECT * FROM pgmigrate.adopt('sqlx');
CALL forget();
DROP TABLE _sqlx_migrations;
DROP SCHEMA drizzle CASCADE;

-- Sqitch: hashes, dependencies, a reworked change; loaded or not the same graph
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL, note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL, committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL);
CREATE TABLE sqitch.dependencies (change_id text NOT NULL REFERENCES sqitch.changes, type text NOT NULL, dependency text NOT NULL, dependency_id text REFERENCES sqitch.changes, PRIMARY KEY (change_id, dependency));
INSERT INTO sqitch.changes (change_id, script_hash, change, project, note, committed_at, committer_name, committer_email, planned_at, planner_name, planner_email)
SELECT id, hash, name, 'shop', note, '2026-01-01'::timestamptz + n * interval '1 h', 'a', 'b', now(), 'a', 'b'
FROM (VALUES (1, 'c1', '7ffbd5b2589ccf029af828d840c55a2966ddc295', 'users', 'the users'), (2, 'c2', 'changed', 'posts', 'the posts'), (3, 'c3', 'c3', 'users', 'again'), (4, 'c4', 'x', 'tags', 'the tags')) AS v (n, id, hash, name, note);
INSERT INTO sqitch.dependencies VALUES ('c2', 'require', 'users', 'c1'), ('c4', 'require', 'users', 'c3'), ('c4', 'require', 'other:thing', NULL), ('c4', 'conflict', 'posts', 'c2');
SELECT * FROM pgmigrate.adopt('sqitch');
SELECT id, message, down_revision, depends_on FROM pgmigrate.revision ORDER BY seq;
CALL forget();
SELECT revision, action FROM pgmigrate.load_files(
	ARRAY['sqitch.plan', 'deploy/users@v1.sql', 'deploy/posts.sql', 'deploy/users.sql', 'deploy/tags.sql'],
	ARRAY[E'%syntax-version=1.0.0\n%project=shop\n\nusers 2026-01-01T00:00:00Z a <b> # the users\nposts [users] 2026-01-01T00:00:00Z a <b> # the posts\n@v1 2026-01-01T00:00:00Z a <b> # tag\nusers [users@v1] 2026-01-01T00:00:00Z a <b> # again\ntags [users] 2026-01-01T00:00:00Z a <b> # the tags\n',
		E'-- Deploy shop:users\nBEGIN;\nCREATE TABLE sq_users (a int);\nCOMMIT;\n', E'-- Deploy shop:posts\nBEGIN;\nCREATE TABLE sq_posts (a int);\nCOMMIT;\n', 'SELECT 3;', 'SELECT 4;']);
SELECT id, message, down_revision, depends_on FROM pgmigrate.revision ORDER BY seq;
SELECT * FROM pgmigrate.adopt('sqitch');
CALL forget();
-- without the right to see the dependencies
CREATE ROLE regress_adopt_match;
SET client_min_messages = warning;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_adopt_match', 'operator');
RESET client_min_messages;
GRANT USAGE ON SCHEMA sqitch TO regress_adopt_match;
GRANT SELECT ON sqitch.changes TO regress_adopt_match;
SET ROLE regress_adopt_match;
SELECT tool, rows, state, detail FROM pgmigrate.detect_ledgers();
SELECT revision, action FROM pgmigrate.adopt('sqitch');
RESET ROLE;
DROP TABLE sqitch.dependencies;
SELECT revision, action FROM pgmigrate.adopt('sqitch');
SELECT id, down_revision, depends_on FROM pgmigrate.revision ORDER BY seq;
CALL forget();
DROP SCHEMA sqitch CASCADE;

-- Versioning: what a patch requires
CREATE SCHEMA _v;
CREATE TABLE _v.patches (patch_name text PRIMARY KEY, applied_tsz timestamptz NOT NULL DEFAULT clock_timestamp(), applied_by text NOT NULL, requires text[], conflicts text[]);
INSERT INTO _v.patches VALUES ('a', now(), 'x', NULL), ('b', now() + '1 s', 'x', '{}'), ('c', now() + '2 s', 'x', '{a,b,gone}');
SELECT * FROM pgmigrate.adopt('versioning');
SELECT id, down_revision, depends_on FROM pgmigrate.revision ORDER BY seq;
CALL forget();
DROP SCHEMA _v CASCADE;

-- pgroll: a line for each schema, SQL where it holds some
CREATE SCHEMA pgroll;
CREATE TABLE pgroll.migrations (schema name NOT NULL, name text NOT NULL, migration jsonb NOT NULL, created_at timestamp DEFAULT clock_timestamp(), updated_at timestamp DEFAULT now(), parent text, done boolean NOT NULL DEFAULT false, resulting_schema jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (schema, name));
INSERT INTO pgroll.migrations (schema, name, migration, done, parent) VALUES
	('public', '01_a', '{"name": "01_a", "operations": [{"sql": {"up": "CREATE TABLE a ()"}}, {"sql": {"up": "CREATE TABLE b ()"}}]}', true, NULL),
	('public', '02_b', '{"name": "02_b", "operations": [{"create_table": {"name": "c"}}]}', true, '01_a');
SELECT * FROM pgmigrate.adopt('pgroll');
SELECT id, down_revision, upgrade FROM pgmigrate.revision ORDER BY seq;
CALL forget();
INSERT INTO pgroll.migrations (schema, name, migration, done, parent) VALUES
	('shop', '01_a', '{}', true, NULL), ('shop', '02_b', '{}', true, '01_a'), ('public', '03_c', '{}', true, '02_b');
SELECT count(*) FROM pgmigrate.revision('half known', 'SELECT 1', id => 'shop.02_b', down_revision => '{}');
SELECT * FROM pgmigrate.adopt('pgroll');
SELECT id, down_revision FROM pgmigrate.revision ORDER BY seq;
SELECT revision FROM pgmigrate.head ORDER BY 1;
CALL forget();
DROP SCHEMA pgroll CASCADE;

-- Supabase and omni_schema hold the SQL; what cannot be stored is not taken
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
INSERT INTO supabase_migrations.schema_migrations VALUES
	('20220101000000', ARRAY['CREATE TABLE sb (a int)', 'INSERT INTO sb VALUES (1); ', E'SELECT 1 -- one;', '', 'DO $$ BEGIN PERFORM 1; END $$;'], 'first'),
	('20220102000000', NULL, 'by hand'),
	('20220103000000', ARRAY['BEGIN', 'SELECT 1', 'COMMIT'], 'a transaction'),
	('20220104000000', ARRAY[E'\\connect other'], 'a command of psql');
SELECT * FROM pgmigrate.adopt('supabase');
SELECT id, message, upgrade FROM pgmigrate.revision ORDER BY seq;
CALL forget();
DROP SCHEMA supabase_migrations CASCADE;
CREATE SCHEMA omni_schema;
CREATE TABLE omni_schema.migrations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, migration text NOT NULL, applied_at timestamp NOT NULL DEFAULT now());
INSERT INTO omni_schema.migrations (name, migration) VALUES ('a.sql', 'CREATE TABLE om ();'), ('b.sql', 'this is no SQL');
SELECT * FROM pgmigrate.adopt('omni_schema');
SELECT id, upgrade FROM pgmigrate.revision ORDER BY seq;

SET client_min_messages = warning;
DROP SCHEMA omni_schema CASCADE;
DROP PROCEDURE forget;
DROP OWNED BY regress_adopt_match;
DROP ROLE regress_adopt_match;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
