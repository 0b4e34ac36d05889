-- Ledgers of other tools: found, taken over, kept in step.
-- Begin with an empty store, whatever ran before.
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;

SELECT count(*) FROM pgmigrate.detect_ledgers();

-- every layout, each in a schema of its own
CREATE SCHEMA t_alembic;
CREATE TABLE t_alembic.alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO t_alembic.alembic_version VALUES ('ae1027a6acf'), ('27c6a30d7c24');
CREATE SCHEMA atlas_schema_revisions;
CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES
	('.atlas_cloud_identifier', 'x', 2, 0, 0, now(), 1, '', '', 'h', NULL, 'v'),
	('20220811074144', 'users', 2, 1, 1, now(), 1, '', '', 'h', NULL, 'v'),
	('20220811074314', 'pets', 2, 1, 3, now(), 1, 'boom', 'x', 'h', NULL, 'v');
CREATE SCHEMA t_dbmate;
CREATE TABLE t_dbmate.schema_migrations (version varchar(128) PRIMARY KEY);
INSERT INTO t_dbmate.schema_migrations VALUES ('20151127184807');
CREATE SCHEMA t_diesel;
CREATE TABLE t_diesel.__diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO t_diesel.__diesel_schema_migrations VALUES ('00000000000000'), ('20190226002946');
CREATE SCHEMA t_django;
CREATE TABLE t_django.django_migrations (id bigserial PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL);
INSERT INTO t_django.django_migrations (app, name, applied) VALUES ('auth', '0001_initial', now()), ('shop', '0001_initial', now());
CREATE SCHEMA drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('aa', 1700000000000);
CREATE SCHEMA t_ecto;
CREATE TABLE t_ecto.schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp(0));
INSERT INTO t_ecto.schema_migrations VALUES (20150101000000, now());
CREATE SCHEMA t_efcore;
CREATE TABLE t_efcore."__EFMigrationsHistory" ("MigrationId" varchar(150) PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL);
INSERT INTO t_efcore."__EFMigrationsHistory" VALUES ('20190226002946_Init', '8.0');
CREATE SCHEMA t_flyway;
CREATE TABLE t_flyway.flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success bool NOT NULL);
INSERT INTO t_flyway.flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) VALUES
	(1, '1', 'one', 'SQL', 'V1__one.sql', 1, 'x', 1, true),
	(2, '2', 'two', 'SQL', 'V2__two.sql', 1, 'x', 1, true),
	(3, '2', 'two', 'UNDO_SQL', 'U2__two.sql', 1, 'x', 1, true),
	(4, NULL, 'view', 'SQL', 'sub/R__view.sql', 1, 'x', 1, true);
CREATE SCHEMA t_golang;
CREATE TABLE t_golang.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO t_golang.schema_migrations VALUES (7, true);
CREATE SCHEMA t_goose;
CREATE TABLE t_goose.goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());
INSERT INTO t_goose.goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (2, false);
CREATE SCHEMA graphile_migrate;
CREATE TABLE graphile_migrate.migrations (hash text PRIMARY KEY, previous_hash text REFERENCES graphile_migrate.migrations, filename text NOT NULL, date timestamptz NOT NULL DEFAULT now());
INSERT INTO graphile_migrate.migrations VALUES ('sha1:a', NULL, '000001.sql'), ('sha1:b', 'sha1:a', '000002.sql');
CREATE SCHEMA t_knex;
CREATE TABLE t_knex.knex_migrations (id serial PRIMARY KEY, name varchar(255), batch int, migration_time timestamptz);
CREATE TABLE t_knex.knex_migrations_lock (index serial PRIMARY KEY, is_locked int);
INSERT INTO t_knex.knex_migrations (name, batch) VALUES ('20190226_users.js', 1);
INSERT INTO t_knex.knex_migrations_lock (is_locked) VALUES (1);
CREATE SCHEMA t_liquibase;
CREATE TABLE t_liquibase.databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10));
CREATE TABLE t_liquibase.databasechangeloglock (id int PRIMARY KEY, locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255));
INSERT INTO t_liquibase.databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype) VALUES ('1', 'ann', 'log.xml', now(), 1, 'EXECUTED'), ('1', 'bob', 'log.xml', now(), 2, 'MARK_RAN');
INSERT INTO t_liquibase.databasechangeloglock VALUES (1, true, '2026-01-02 03:04:05', 'host-1');
CREATE SCHEMA t_nodepg;
CREATE TABLE t_nodepg.pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);
INSERT INTO t_nodepg.pgmigrations (name, run_on) VALUES ('1550000_users', now());
CREATE SCHEMA omni_schema;
CREATE TABLE omni_schema.migrations (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, migration text NOT NULL, applied_at timestamp NOT NULL DEFAULT now());
INSERT INTO omni_schema.migrations (name, migration) VALUES ('a.sql', 'SELECT 1');
CREATE SCHEMA t_peter;
CREATE TABLE t_peter.pgmigrate_migrations (id text PRIMARY KEY, checksum text NOT NULL, execution_time_in_millis bigint NOT NULL, applied_at timestamptz NOT NULL);
INSERT INTO t_peter.pgmigrate_migrations VALUES ('0001_a.sql', 'c', 1, now());
CREATE SCHEMA pgroll;
CREATE TABLE pgroll.migrations (schema name NOT NULL, name text NOT NULL, migration jsonb NOT NULL, created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(), parent text, done boolean NOT NULL DEFAULT false, resulting_schema jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (schema, name));
INSERT INTO pgroll.migrations (schema, name, migration, done, parent) VALUES ('public', '01_a', '{}', true, NULL), ('public', '02_b', '{}', false, '01_a');
CREATE SCHEMA t_prisma;
CREATE TABLE t_prisma._prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0);
INSERT INTO t_prisma._prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at) VALUES ('a', 'c', now(), '20190226_a', NULL), ('b', 'c', NULL, '20190227_b', now());
CREATE SCHEMA t_rails;
CREATE TABLE t_rails.schema_migrations (version varchar NOT NULL PRIMARY KEY);
INSERT INTO t_rails.schema_migrations VALUES ('20190226002947');
CREATE SCHEMA reshape;
CREATE TABLE reshape.migrations (index int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, description text, actions jsonb NOT NULL, completed_at timestamp DEFAULT now());
INSERT INTO reshape.migrations (name, actions) VALUES ('1_a', '[]');
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL, note text NOT NULL DEFAULT '', committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL, committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL);
INSERT INTO sqitch.changes (change_id, change, project, committer_name, committer_email, planned_at, planner_name, planner_email) VALUES ('a', 'users', 'flipr', 'a', 'b', now(), 'a', 'b');
CREATE SCHEMA t_sqlx;
CREATE TABLE t_sqlx._sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
INSERT INTO t_sqlx._sqlx_migrations VALUES (1, 'a', now(), true, '\x00', 1), (2, 'b', now(), false, '\x00', -1);
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
INSERT INTO supabase_migrations.schema_migrations VALUES ('20220101000000', '{SELECT 1}', 'a');
CREATE SCHEMA _v;
CREATE TABLE _v.patches (patch_name text PRIMARY KEY, applied_tsz timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL, requires text[], conflicts text[]);
INSERT INTO _v.patches VALUES ('001-users', now(), 'x');
CREATE SCHEMA t_yandex;
CREATE TYPE t_yandex.schema_version_type AS ENUM ('auto', 'manual');
CREATE TABLE t_yandex.schema_version (version bigint PRIMARY KEY, description text NOT NULL, type t_yandex.schema_version_type NOT NULL DEFAULT 'auto', installed_by text NOT NULL, installed_on timestamp NOT NULL DEFAULT now());
INSERT INTO t_yandex.schema_version (version, description, installed_by) VALUES (1, 'a', 'x');
-- no ledgers, in spite of their names
CREATE SCHEMA t_none;
CREATE TABLE t_none.schema_migrations (what text);
CREATE VIEW t_none.alembic_version AS SELECT 'x'::varchar(32) AS version_num;
CREATE TEMP TABLE alembic_version (version_num varchar(32));

SELECT * FROM pgmigrate.detect_ledgers() ORDER BY tool COLLATE "C", ledger COLLATE "C";

-- refused, with the reason
SELECT * FROM pgmigrate.adopt('golang-migrate');
SELECT * FROM pgmigrate.adopt('liquibase');
SELECT * FROM pgmigrate.adopt('pgroll');
SELECT * FROM pgmigrate.adopt('sqlx');
SELECT * FROM pgmigrate.adopt('knex');
SELECT * FROM pgmigrate.adopt('atlas');
SELECT * FROM pgmigrate.adopt('liquidbase');
SELECT * FROM pgmigrate.adopt(NULL);
SELECT * FROM pgmigrate.adopt('alembic', 't_none.schema_migrations');
SELECT * FROM pgmigrate.adopt('prisma', mirror => true);
CREATE SCHEMA t_second;
CREATE TABLE t_second.goose_db_version (LIKE t_goose.goose_db_version);
SELECT * FROM pgmigrate.adopt('goose');
SELECT * FROM pgmigrate.adopt('goose', 't_second.goose_db_version');
DROP SCHEMA t_second CASCADE;
SELECT count(*) FROM pgmigrate.revision;

-- nothing loaded: all rows become revisions, in their order
DO $$
DECLARE
	name text;
	line text;
BEGIN
	UPDATE t_golang.schema_migrations SET dirty = false;
	UPDATE t_liquibase.databasechangeloglock SET locked = false;
	UPDATE t_knex.knex_migrations_lock SET is_locked = 0;
	UPDATE pgroll.migrations SET done = true;
	UPDATE t_sqlx._sqlx_migrations SET success = true;
	UPDATE atlas_schema_revisions.atlas_schema_revisions SET applied = total;
	FOR name IN SELECT tool FROM pgmigrate.detect_ledgers() ORDER BY tool COLLATE "C" LOOP
		CREATE TEMP TABLE adopted AS SELECT * FROM pgmigrate.adopt(name);
		FOR line IN SELECT (a.version, a.revision, a.action, r.message, r.down_revision,
			EXISTS (SELECT FROM pgmigrate.head h WHERE h.revision = r.id))::text
			FROM adopted a LEFT JOIN pgmigrate.revision r ON r.id = a.revision LOOP
			RAISE INFO '% %', name, line;
		END LOOP;
		DROP TABLE adopted;
		DELETE FROM pgmigrate.head;
		DELETE FROM pgmigrate.applied;
		DELETE FROM pgmigrate.revision;
	END LOOP;
END $$;

-- files loaded first: known by version, whatever zeros it is written with
SELECT action, count(*) FROM pgmigrate.load_files(
	ARRAY['0005_a.up.sql', '0006_b.up.sql', '0007_c.up.sql', '0007_c.down.sql', '0008_d.up.sql', '0008_d.down.sql'],
	ARRAY['SELECT 5;', 'SELECT 6;', 'SELECT 7;', 'SELECT -7;', 'CREATE TABLE adopt_d ();', 'DROP TABLE adopt_d;'])
GROUP BY 1;
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
SELECT revision FROM pgmigrate.head;
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT command, target, state FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
-- again: nothing moves
SELECT * FROM pgmigrate.adopt('golang-migrate', mirror => true);
SELECT revision FROM pgmigrate.head;
SELECT tool, ledger FROM pgmigrate.mirror;
SELECT tool, ledger, mirrored FROM pgmigrate.detect_ledgers() WHERE mirrored;

-- the old ledger follows, in the same transaction
BEGIN;
SELECT step, revision, state FROM pgmigrate.upgrade();
TABLE t_golang.schema_migrations;
ROLLBACK;
TABLE t_golang.schema_migrations;
SET pgmigrate.execution = inline;
SELECT step, revision, state FROM pgmigrate.upgrade();
TABLE t_golang.schema_migrations;
SELECT step, revision, state FROM pgmigrate.downgrade('-2');
TABLE t_golang.schema_migrations;
SELECT revision FROM pgmigrate.stamp('0008');
TABLE t_golang.schema_migrations;
SELECT pgmigrate.revision('no number', 'SELECT 1;', 'SELECT 1;', id => 'x1');
SELECT revision FROM pgmigrate.upgrade();
TABLE t_golang.schema_migrations;
-- no longer: what was behind is not adopted backwards
SELECT * FROM pgmigrate.adopt('golang-migrate');
TABLE pgmigrate.mirror;
SELECT revision FROM pgmigrate.head;
DELETE FROM pgmigrate.head;
DELETE FROM pgmigrate.applied;
DELETE FROM pgmigrate.revision;

-- a row that no file is of, before, between and after those that are known
INSERT INTO t_goose.goose_db_version (version_id, is_applied) VALUES (3, true), (4, true), (5, true);
SELECT count(*) FROM pgmigrate.load_files(
	ARRAY['00003_c.sql', '00005_e.sql', '00006_f.sql'],
	ARRAY[E'-- +goose Up\nSELECT 3;\n', E'-- +goose Up\nSELECT 5;\n', E'-- +goose Up\nSELECT 6;\n-- +goose Down\nSELECT -6;\n']);
INSERT INTO t_goose.goose_db_version (version_id, is_applied) VALUES (9, true);
SELECT * FROM pgmigrate.adopt('goose', mirror => true);
SELECT revision FROM pgmigrate.head;
SELECT id, upgrade, downgrade, down_revision FROM pgmigrate.revision ORDER BY seq;
SELECT revision FROM pgmigrate.upgrade('00006');
SELECT version_id, is_applied FROM t_goose.goose_db_version ORDER BY id DESC LIMIT 1;
SELECT revision FROM pgmigrate.downgrade('00006-1');
SELECT version_id, is_applied FROM t_goose.goose_db_version ORDER BY id DESC LIMIT 1;
SELECT revision FROM pgmigrate.downgrade('00005');
SELECT revision FROM pgmigrate.head ORDER BY 1;
DELETE FROM pgmigrate.mirror;
DELETE FROM pgmigrate.head;
DELETE FROM pgmigrate.applied;
DELETE FROM pgmigrate.revision;

-- a file that the old tool has passed over
SELECT count(*) FROM pgmigrate.load_files(
	ARRAY['00003_c.sql', '00004_d.sql', '00005_e.sql'],
	ARRAY[E'-- +goose Up\nSELECT 3;\n', E'-- +goose Up\nSELECT 4;\n', E'-- +goose Up\nSELECT 5;\n']);
DELETE FROM t_goose.goose_db_version WHERE version_id = 4;
SELECT * FROM pgmigrate.adopt('goose');
SELECT count(*) FROM pgmigrate.head;
DELETE FROM pgmigrate.revision;

-- the other mirrors
SELECT count(*) FROM pgmigrate.adopt('alembic', mirror => true);
SELECT count(*) FROM pgmigrate.adopt('dbmate', mirror => true);
SELECT count(*) FROM pgmigrate.adopt('diesel', mirror => true);
SELECT count(*) FROM pgmigrate.adopt('ecto', mirror => true);
SELECT count(*) FROM pgmigrate.adopt('flyway', mirror => true);
SELECT count(*) FROM pgmigrate.adopt('rails', mirror => true);
SELECT tool FROM pgmigrate.mirror ORDER BY tool COLLATE "C";
SELECT pgmigrate.merge(id => '20300101000000', message => 'join');
SELECT pgmigrate.revision('the next', E'SELECT 1;\r\nSELECT 2;\n', 'SELECT 1;', id => '20300101000001');
SELECT revision FROM pgmigrate.upgrade();
TABLE t_alembic.alembic_version;
TABLE t_dbmate.schema_migrations;
SELECT version FROM t_diesel.__diesel_schema_migrations;
SELECT version FROM t_ecto.schema_migrations;
SELECT installed_rank, version, description, type, script, checksum, success FROM t_flyway.flyway_schema_history WHERE installed_rank > 3;
TABLE t_rails.schema_migrations;
-- a version that is there by another spelling gets no second row, and a ledger
-- with a type of somebody's is none
BEGIN;
SELECT pgmigrate.revision('one again', 'SELECT 1', id => '01');
SELECT revision FROM pgmigrate.upgrade();
SELECT version FROM t_dbmate.schema_migrations WHERE version ~ '^0*1$';
CREATE DOMAIN t_alembic.num AS varchar(32);
ALTER TABLE t_alembic.alembic_version ALTER version_num TYPE t_alembic.num;
SELECT pgmigrate.revision('no ledger', 'SELECT 1', id => '20300101000009');
SELECT revision FROM pgmigrate.upgrade();
TABLE t_alembic.alembic_version;
ROLLBACK;
SELECT revision FROM pgmigrate.downgrade('-1');
SELECT revision FROM pgmigrate.downgrade('ae1027a6acf');
TABLE t_alembic.alembic_version;
-- nor has a stamp rows for merges
BEGIN;
SELECT revision FROM pgmigrate.stamp('20300101000001');
TABLE t_rails.schema_migrations;
ROLLBACK;
TABLE t_dbmate.schema_migrations;
SELECT version FROM t_diesel.__diesel_schema_migrations;
SELECT version FROM t_ecto.schema_migrations;
SELECT installed_rank, version, description, type, script, checksum, success FROM t_flyway.flyway_schema_history WHERE installed_rank > 5;
TABLE t_rails.schema_migrations;

-- with whose rights: those of the caller, and of the owner in triggers
CREATE ROLE regress_adopt_owner;
CREATE ROLE regress_adopt_operator;
SET client_min_messages = warning;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_adopt_operator', 'operator');
RESET client_min_messages;
DELETE FROM pgmigrate.mirror WHERE tool <> 'dbmate';
SELECT revision FROM pgmigrate.upgrade('20300101000001');
SET ROLE regress_adopt_operator;
SELECT state, detail, rows FROM pgmigrate.detect_ledgers() WHERE tool = 'dbmate';
SELECT * FROM pgmigrate.adopt('dbmate');
SELECT pgmigrate.revision('by the operator', 'SELECT 1;', id => '20300101000002');
SELECT revision FROM pgmigrate.upgrade('20300101000002');
RESET ROLE;
GRANT USAGE ON SCHEMA t_dbmate TO regress_adopt_operator;
GRANT SELECT ON t_dbmate.schema_migrations TO regress_adopt_operator;
SET ROLE regress_adopt_operator;
SELECT state, rows FROM pgmigrate.detect_ledgers() WHERE tool = 'dbmate';
SELECT * FROM pgmigrate.adopt('dbmate', mirror => true);
RESET ROLE;
GRANT USAGE ON SCHEMA t_dbmate TO regress_adopt_owner;
ALTER TABLE t_dbmate.schema_migrations OWNER TO regress_adopt_owner;
CREATE FUNCTION t_dbmate.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE INFO 'written by %', current_user;
	RETURN NEW;
END $$;
CREATE TRIGGER tell BEFORE INSERT ON t_dbmate.schema_migrations FOR EACH ROW EXECUTE FUNCTION t_dbmate.tell();
SELECT pgmigrate.approve('20300101000002');
SELECT revision FROM pgmigrate.upgrade('20300101000002');
TABLE t_dbmate.schema_migrations;
DROP TABLE t_dbmate.schema_migrations;
SELECT pgmigrate.revision('too late', 'CREATE TABLE too_late ();', id => '20300101000003');
SELECT revision FROM pgmigrate.upgrade('20300101000003');
SELECT to_regclass('too_late');
DROP TABLE too_late;

-- a ledger that knows nothing of the files that were loaded
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('first', 'CREATE TABLE one ()', id => 'f1');
SELECT pgmigrate.revision('second', 'CREATE TABLE two ()', id => 'f2');
CREATE SCHEMA t_alone;
CREATE TABLE t_alone.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO t_alone.alembic_version VALUES ('aaaa1111bbbb');
SELECT * FROM pgmigrate.adopt('alembic', 't_alone.alembic_version');
SELECT * FROM pgmigrate.adopt('alembic', 't_alone.alembic_version');
DROP SCHEMA t_alone CASCADE;

RESET pgmigrate.execution;
SET client_min_messages = warning;
DROP OWNED BY regress_adopt_owner, regress_adopt_operator;
DROP ROLE regress_adopt_owner, regress_adopt_operator;
DROP SCHEMA t_alembic, atlas_schema_revisions, t_dbmate, t_diesel, t_django, drizzle, t_ecto, t_efcore, t_flyway, t_golang, t_goose, graphile_migrate, t_knex, t_liquibase, t_nodepg, omni_schema, t_peter, pgroll, t_prisma, t_rails, reshape, sqitch, t_sqlx, supabase_migrations, _v, t_yandex, t_none CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
