-- Pending revisions up, down and up again in a scratch database: what a
-- downgrade loses is named by object, and nothing is felt elsewhere.
CREATE DATABASE "regress reh'""%s";
\c "regress reh'""%s"
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
SET pgmigrate.environment = 'development';
CREATE ROLE regress_reh_reader;
SELECT pgmigrate.rehearse();

-- nothing is stored, nothing is applied: the history is empty
SELECT pgmigrate.revision('first', $$
CREATE SCHEMA "a ""b'%s";
CREATE TABLE "a ""b'%s"."t
$tag$" (id int PRIMARY KEY, "n'1" text DEFAULT 'x');
COMMENT ON TABLE "a ""b'%s"."t
$tag$" IS 'old';
GRANT SELECT ON "a ""b'%s"."t
$tag$" TO regress_reh_reader;
CREATE INDEX i ON "a ""b'%s"."t
$tag$" ("n'1") WITH (fillfactor = 70);
CREATE FUNCTION "a ""b'%s".f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER "tr'" BEFORE INSERT ON "a ""b'%s"."t
$tag$" FOR EACH ROW EXECUTE FUNCTION "a ""b'%s".f();
ALTER TABLE "a ""b'%s"."t
$tag$" DISABLE TRIGGER "tr'";
CREATE TABLE other (i int)
$$, $$DROP TABLE other; DROP SCHEMA "a ""b'%s" CASCADE$$, id => 'first') AS stored;
SELECT step, revision, direction, state, ok, detail, duration IS NOT NULL AS run FROM pgmigrate.rehearse();
SELECT item, state FROM pgmigrate.checklist() WHERE item = 'rehearsal';

-- another digest, and the result does not count any more
SELECT pgmigrate.amend('first', message => 'the first', verify => 'SELECT true') AS amended;
SELECT item, state FROM pgmigrate.checklist() WHERE item = 'rehearsal';
SELECT count(*) FROM pgmigrate.rehearse();
SELECT state FROM pgmigrate.upgrade();

-- what downgrades lose
SET search_path = "a ""b'%s", public;
SELECT pgmigrate.revision('default', $$ALTER TABLE "t
$tag$" ALTER "n'1" SET DEFAULT 'y'$$, $$ALTER TABLE "t
$tag$" ALTER "n'1" DROP DEFAULT$$, id => 'default') AS stored;
SELECT pgmigrate.revision('grant', $$REVOKE ALL ON "t
$tag$" FROM regress_reh_reader$$, '', id => 'grant') AS stored;
SELECT pgmigrate.revision('comment', $$COMMENT ON TABLE "t
$tag$" IS 'new'$$, $$COMMENT ON TABLE "t
$tag$" IS NULL$$, id => 'comment') AS stored;
SELECT pgmigrate.revision('trigger', $$ALTER TABLE "t
$tag$" ENABLE ALWAYS TRIGGER "tr'"$$, $$ALTER TABLE "t
$tag$" ENABLE TRIGGER "tr'"$$, id => 'trigger') AS stored;
SELECT pgmigrate.revision('index', 'ALTER INDEX i SET (fillfactor = 50)', 'ALTER INDEX i RESET (fillfactor)', id => 'index') AS stored;
SELECT pgmigrate.revision('left', 'CREATE TABLE IF NOT EXISTS left_over (i int)', 'SELECT 1', id => 'left') AS stored;
SELECT pgmigrate.revision('again', 'ALTER TABLE other ADD COLUMN IF NOT EXISTS c int DEFAULT 1', 'ALTER TABLE other ALTER c DROP DEFAULT', id => 'again') AS stored;
SELECT pgmigrate.revision('concurrently', 'CREATE INDEX CONCURRENTLY other_i ON other (i); SET work_mem = ''1MB''', 'DROP INDEX CONCURRENTLY other_i', id => 'concurrently') AS stored;
SELECT pgmigrate.revision('no way back', 'CREATE TABLE kept (i int)', id => 'missing') AS stored;
SELECT pgmigrate.revision('way back fails', 'CREATE TABLE fails (i int)', 'DROP TABLE no_such_table', id => 'fails') AS stored;
-- what is granted with ALL depends on the version of the server
\set rehearse 'SELECT step, revision, direction, state, ok, regexp_replace(detail, ''arwd\\w+'', ''(all)'') AS detail FROM pgmigrate.rehearse() ORDER BY step'
:rehearse;
SELECT count(DISTINCT fingerprint), min(fingerprint) FILTER (WHERE step = 0) = pgmigrate.fingerprint() AS is_present FROM pgmigrate.rehearse('default');
RESET search_path;
SELECT count(*) FROM pg_class WHERE relname IN ('left_over', 'kept', 'fails');
SELECT item, state FROM pgmigrate.checklist() WHERE item = 'rehearsal';

-- a way to here that is not recorded: the schema is made from its model
ALTER TABLE other ADD COLUMN by_hand int DEFAULT 3;
SELECT state, ok, detail FROM pgmigrate.rehearse('default') WHERE step = 0;
ALTER TABLE other DROP COLUMN by_hand;

-- neither way
CREATE TYPE base_type;
CREATE FUNCTION base_in(cstring) RETURNS base_type LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION base_out(base_type) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE base_type (INPUT = base_in, OUTPUT = base_out, LIKE = int4);
SELECT step, state, ok, detail FROM pgmigrate.rehearse('grant');
DROP TYPE base_type CASCADE;

-- what is felt elsewhere is left out, or fails; nothing of it happens
SELECT pgmigrate.revision('roles', $$
CREATE ROLE regress_reh_new;
ALTER ROLE regress_reh_reader CREATEDB;
DO 'BEGIN ALTER ROLE regress_reh_reader CREATEROLE; COMMENT ON ROLE regress_reh_reader IS ''x''; END';
GRANT CONNECT ON DATABASE "regress reh'""%s" TO regress_reh_reader;
ALTER DATABASE "regress reh'""%s" SET work_mem = '1MB';
REASSIGN OWNED BY regress_reh_reader TO CURRENT_USER;
COPY (SELECT 1) TO '/nowhere/at/all';
COPY other TO PROGRAM 'touch /nowhere/at/all';
NOTIFY anybody
$$, 'DROP ROLE regress_reh_new', id => 'roles', down_revision => '{first}', splice => true) AS stored;
SELECT pgmigrate.revision('databases', 'CREATE DATABASE regress_reh_db', 'DROP DATABASE regress_reh_db', id => 'databases', down_revision => '{roles}') AS stored;
SELECT pgmigrate.revision('system', $$ALTER SYSTEM SET work_mem = '1MB'$$, 'ALTER SYSTEM RESET work_mem', id => 'system', down_revision => '{databases}') AS stored;
SELECT pgmigrate.revision('signals', $$DO 'BEGIN PERFORM pg_reload_conf(); END'$$, '', id => 'signals', down_revision => '{system}') AS stored;
SELECT pgmigrate.revision('after', 'SELECT 1', '', id => 'after', down_revision => '{signals}') AS stored;
SELECT step, revision, direction, state, ok, detail FROM pgmigrate.rehearse('after') ORDER BY step;
SELECT rolname, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname LIKE 'regress\_reh%';
SELECT datname FROM pg_database WHERE datname LIKE 'regress\_reh%' OR datname LIKE 'pgmigrate%';
SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database());

-- catalogs that all databases share are neither locked nor written
SELECT pgmigrate.revision('locks', $$
LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE;
DO 'BEGIN LOCK TABLE other, pg_authid; END';
REINDEX TABLE pg_tablespace
$$, 'SELECT FROM pg_database FOR SHARE', id => 'locks', down_revision => '{first}', splice => true) AS stored;
SELECT step, state, ok, detail FROM pgmigrate.rehearse('locks');

-- a verify query runs, in an empty database
SELECT pgmigrate.revision('verified', 'SELECT 1', '', id => 'verified', down_revision => '{first}', splice => true, verify => 'SELECT count(*) > 0 AS any_rows FROM other') AS stored;
SELECT step, state, ok, detail FROM pgmigrate.rehearse('verified');

-- where it does not go
BEGIN;
SELECT * FROM pgmigrate.rehearse();
ROLLBACK;
DO 'BEGIN PERFORM pgmigrate.rehearse(); END';
SET default_transaction_read_only = on;
SELECT * FROM pgmigrate.rehearse();
RESET default_transaction_read_only;
SELECT * FROM pgmigrate.rehearse(NULL);
SELECT * FROM pgmigrate.rehearse('no_such');
SELECT * FROM pgmigrate.rehearse('first');

-- whose SQL runs for whom
CREATE ROLE regress_reh_author;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_reh_author', 'author');
SET ROLE regress_reh_author;
SELECT * FROM pgmigrate.rehearse('default');
SELECT pgmigrate.revision('of an author', 'CREATE TABLE public.of_an_author (i int)', 'DROP TABLE public.of_an_author', id => 'authored', down_revision => '{first}', splice => true) AS stored;
RESET ROLE;
ALTER ROLE regress_reh_author CREATEDB LOGIN;
SET ROLE regress_reh_author;
SELECT step, state, ok, detail LIKE '%for a scratch database: ALTER SCHEMA "a ""b''\%s" OWNER TO %' AS tells_where FROM pgmigrate.rehearse('authored');
RESET ROLE;
SELECT * FROM pgmigrate.rehearse('authored');
SELECT * FROM pgmigrate.upgrade('authored');
SELECT pgmigrate.stamp('authored') IS NOT NULL AS stamped;
SELECT pgmigrate.revision('of the operator', 'CREATE TABLE public.of_the_operator (i int)', 'DROP TABLE public.of_the_operator', id => 'operated', down_revision => '{authored}') AS stored;
SELECT step, state, ok, detail FROM pgmigrate.rehearse('operated');
SELECT datname FROM pg_database WHERE datname LIKE 'pgmigrate%';

\c contrib_regression
DROP DATABASE "regress reh'""%s";
DROP ROLE regress_reh_reader;
DROP ROLE regress_reh_author;

-- the schemas of a fleet are there before the history makes anything in them
CREATE DATABASE regress_reh_schemas;
\c regress_reh_schemas
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA t1;
CREATE SCHEMA t2;
SELECT pgmigrate.revision('one', 'CREATE TABLE invoice (id int)', 'DROP TABLE invoice', id => 'r1') AS stored;
SELECT schema, state FROM pgmigrate.fleet(schemas => '{t1,t2}');
SELECT pgmigrate.revision('two', 'CREATE TABLE t1.other ()', 'DROP TABLE t1.other', id => 'own', down_revision => '{t1@head}') AS stored;
SELECT revision, direction, state, ok, detail FROM pgmigrate.rehearse('own');
\c contrib_regression
DROP DATABASE regress_reh_schemas;
