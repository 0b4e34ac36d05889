-- What people write: a finding or a clear error, never a crash, never a change.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA input;
SET search_path = input;
CREATE FOREIGN DATA WRAPPER input_fdw;
CREATE SERVER input_server FOREIGN DATA WRAPPER input_fdw;
CREATE FOREIGN TABLE ft (a int) SERVER input_server;
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE pd PARTITION OF p DEFAULT;
CREATE VIEW v AS SELECT id, b FROM t;
CREATE TEMP TABLE mine (a int);
CREATE TABLE ran (n int);
CREATE FUNCTION act(int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO input.ran VALUES ($1); RETURN 1; END$$;
CREATE PROCEDURE proc() LANGUAGE plpgsql AS $$BEGIN PERFORM input.act(); END$$;
SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s int DEFAULT %1$s', g), ', ')) FROM generate_series(1, 1500) g \gexec
CREATE FUNCTION findings(sql text, trial bool DEFAULT true) RETURNS TABLE (statement int, rule text, relation text, message text)
LANGUAGE sql AS $$
	SELECT statement, rule, relation, message FROM pgmigrate.lint(sql, trial) WHERE rule IN ('trial-fails', 'not-tried', 'opaque-step')
	ORDER BY statement, rule
$$;
SELECT n, sql, f.* FROM (VALUES
	(1, 'ALTER TABLE ft ADD COLUMN b int; ALTER TABLE ft DROP COLUMN a; DROP FOREIGN TABLE ft'),
	(2, 'CREATE INDEX ON ft (a)'),
	(3, 'ALTER TABLE mine ADD b float DEFAULT random(); CREATE INDEX ON mine (b); CREATE INDEX CONCURRENTLY ON mine (a)'),
	(4, 'ALTER TABLE wide ADD x int; ALTER TABLE wide ALTER c1 TYPE bigint; ALTER TABLE wide DROP c1500'),
	(5, 'ALTER TABLE nowhere.t ADD a int; ALTER TABLE t ADD b int'),
	(6, 'ALTER TABLE t ADD b int'),
	(7, 'ALTER TABLE pg_class ADD x int'),
	(8, 'ALTER TABLE information_schema.tables ADD x int'),
	(9, 'DROP TABLE t'),
	(10, 'DROP VIEW v; DROP TABLE t; CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t'),
	(11, 'ALTER TABLE t DROP COLUMN b'),
	(12, 'CREATE OR REPLACE VIEW v AS SELECT b FROM t'),
	(13, 'CREATE INDEX CONCURRENTLY ON t (nowhere)'),
	(14, 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD UNIQUE USING INDEX i; DROP INDEX CONCURRENTLY i'),
	(15, 'CREATE INDEX CONCURRENTLY ON p (id)'),
	(16, 'ALTER TABLE p DETACH PARTITION pd CONCURRENTLY'),
	(17, 'REINDEX TABLE p'),
	(18, 'DO $x$BEGIN PERFORM input.act(); END$x$; SELECT input.act(); CALL input.proc()'),
	(19, 'CREATE TABLE c AS SELECT input.act() AS a; ALTER TABLE c ADD b int'),
	(20, 'CREATE MATERIALIZED VIEW m AS SELECT input.act() AS a; CREATE INDEX ON m (a); REFRESH MATERIALIZED VIEW m'),
	(21, 'ALTER TABLE t ADD x int DEFAULT input.act(); INSERT INTO t VALUES (input.act()); UPDATE t SET a = input.act(); EXPLAIN ANALYZE SELECT input.act()'),
	(22, 'CREATE EXTENSION nowhere; VACUUM t; CREATE DATABASE d; ALTER SYSTEM SET work_mem = 1'),
	(23, 'GRANT SELECT ON nowhere TO PUBLIC; COMMENT ON TABLE nowhere IS ''x''; TRUNCATE nowhere; DROP TABLE IF EXISTS nowhere'),
	(24, 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES nowhere'),
	(25, 'LOCK TABLE t; PREPARE q AS SELECT 1; EXECUTE q; LISTEN c; SET work_mem = 1; RESET ALL'),
	(26, 'CREATE TABLE "' || repeat('x', 80) || '" (id int)'),
	(27, ''), (28, '-- nothing'), (29, ';;')) AS x (n, sql)
LEFT JOIN LATERAL findings(x.sql) f ON true ORDER BY n, statement;
-- nothing of it ran, nor runs without a trial
SELECT count(*) AS ran FROM ran;
SELECT rule, message FROM pgmigrate.lint('DO $x$BEGIN PERFORM input.act(); END$x$; CREATE TABLE c AS SELECT input.act(5)', trial => false) WHERE rule <> 'lock';
SELECT count(*) AS ran FROM ran;
SELECT count(*) AS relations FROM pg_class WHERE relnamespace = 'input'::regnamespace AND relkind IN ('r', 'v', 'm', 'f', 'i');
SELECT count(*) AS schemas FROM pg_namespace WHERE nspname LIKE 'pgmigrate_trial%';
SELECT * FROM pgmigrate.lint('ALTER TABLE t ADD');
-- what is inherited, typed, temporary, referenced; what the revision itself has changed before
CREATE TYPE comp AS (a int, b text);
CREATE TABLE typed OF comp;
CREATE TABLE top (a int);
CREATE TABLE middle () INHERITS (top);
CREATE TABLE bottom () INHERITS (middle);
CREATE TABLE refers (id int PRIMARY KEY REFERENCES t, x int CHECK (x > 0));
CREATE ROLE regress_pgm_nobody;
CREATE TABLE public.far (a int);
CREATE FUNCTION told(sql text) RETURNS TABLE (statement int, rule text, relation text, lock_mode text, rewrites bool, message text)
LANGUAGE sql AS $$
	SELECT statement, rule, relation, lock_mode, rewrites, CASE WHEN rule <> 'lock' THEN message END FROM pgmigrate.lint(sql)
	WHERE rule IN ('lock', 'trial-fails', 'not-tried') ORDER BY statement, rule, relation
$$;
SELECT n, t.* FROM (VALUES
	(1, 'CREATE TEMP TABLE tt (a int); CREATE INDEX ON tt (a); ALTER TABLE tt ADD b int; CREATE TEMP TABLE x (a int REFERENCES t)'),
	(2, 'COMMENT ON CONSTRAINT refers_id_fkey ON refers IS ''x''; COMMENT ON CONSTRAINT refers_x_check ON refers IS ''x'''),
	(3, 'ALTER TABLE typed ADD COLUMN c int'),
	(4, 'ALTER TABLE middle ALTER a TYPE text'),
	(5, 'ALTER TABLE top DROP a'),
	(6, 'SET ROLE regress_pgm_nobody; ALTER TABLE public.far ADD c int; RESET ROLE; ALTER TABLE public.far ADD d int'),
	(7, 'ALTER TABLE refers OWNER TO regress_pgm_nobody, ALTER x TYPE bigint')) AS v (n, sql), LATERAL told(sql) t;
SELECT statement, rule, relation, lock_mode, rewrites, scans, CASE WHEN rule <> 'lock' THEN message END AS message FROM pgmigrate.lint('
	ALTER TABLE refers RENAME TO other_name; ALTER TABLE other_name ALTER x TYPE bigint; CREATE INDEX ON other_name (x);
	ALTER TABLE other_name SET SCHEMA public; ALTER TABLE public.other_name ADD FOREIGN KEY (x) REFERENCES t; DROP TABLE public.other_name')
WHERE rule IN ('lock', 'type-change-rewrite', 'create-index', 'fk-inline', 'drop-table', 'trial-fails', 'not-tried') AND relation !~ 'pkey$' ORDER BY 1, 2, 3;
DROP OWNED BY regress_pgm_nobody;
DROP ROLE regress_pgm_nobody;
DROP FUNCTION told;
DROP TABLE typed, bottom, middle, top, refers, public.far;
DROP TYPE comp;
-- a function of the statement that locks what is in use is stopped, and said so
CREATE SEQUENCE s;
CREATE FUNCTION locks(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT nextval(''input.s'')::int';
SELECT rule, message FROM pgmigrate.lint('CREATE INDEX ON t ((a + locks(1)))') WHERE rule = 'not-tried';
-- queries that write, names of WITH that hide tables, what a query makes
SELECT x.sql, string_agg(concat_ws(' ', statement, relation, lock_mode), ', ' ORDER BY statement, relation) AS locks
FROM unnest(ARRAY['WITH x AS (UPDATE input.t SET a = 1 RETURNING a) SELECT * FROM x',
	'WITH t AS (DELETE FROM input.mine RETURNING a) INSERT INTO p SELECT a FROM t',
	'WITH t AS (SELECT 1) SELECT * FROM t, input.v AS w', 'SELECT * INTO made FROM input.t; ALTER TABLE made ADD x int',
	'COPY (UPDATE input.t SET a = 2 RETURNING a) TO ''/dev/null''']) AS x (sql),
	LATERAL pgmigrate.lint(x.sql) WHERE rule = 'lock' GROUP BY x.sql ORDER BY x.sql;
-- what a trial says while it runs is not said
SET client_min_messages = info;
SELECT rule FROM pgmigrate.lint('REINDEX (VERBOSE) TABLE input.t; CLUSTER (VERBOSE) input.t USING t_pkey') WHERE rule = 'trial-fails';
SET client_min_messages = error;
-- a foreign table has no rows here
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE ft ALTER a SET NOT NULL; ALTER TABLE ft ADD CHECK (a > 0)') WHERE level = 'danger';
-- by the text alone the same locks on tables
CREATE FUNCTION tables(sql text, trial bool) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', statement, relation, lock_mode), ', ' ORDER BY statement, relation)
	FROM pgmigrate.lint(sql, trial) WHERE rule = 'lock' AND details->>'relkind' IN ('r', 'p', 'v', 'm')
$$;
SELECT sql, tables(sql, false) = tables(sql, true) AS same, tables(sql, false) FROM unnest(ARRAY[
	'ALTER TABLE t ADD x int', 'CREATE INDEX ON p (id)', 'DROP VIEW v', 'DROP TABLE pd', 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t',
	'TRUNCATE t', 'CREATE TABLE n PARTITION OF p FOR VALUES IN (1)']) AS x (sql);
-- revisions one after the other: an enum value, settings
CREATE TYPE mood AS ENUM ('sad');
CREATE SCHEMA other;
CREATE TABLE other.t (z int);
SELECT pgmigrate.revision('value', 'ALTER TYPE input.mood ADD VALUE ''ok''; SET search_path = other; ALTER TABLE t ADD y int', id => 'e1');
SELECT pgmigrate.revision('use', 'CREATE TABLE input.m (v input.mood DEFAULT ''ok''); ALTER TABLE t ADD x int', id => 'e2');
SELECT revision, statement, rule, relation, lock_mode FROM pgmigrate.assess() WHERE rule IN ('lock', 'trial-fails') AND relation !~ 'pkey' ORDER BY 1, 2, 3;
SELECT rule, message FROM pgmigrate.lint('ALTER TYPE input.mood ADD VALUE ''good''; CREATE TABLE input.m (v input.mood DEFAULT ''good'')') WHERE rule = 'trial-fails';
-- findings and locks are in plan() and script()
SELECT pgmigrate.revision('index', E'CREATE INDEX ON input.t (a);\n-- pgmigrate: allow drop-column because nobody uses it\nALTER TABLE input.t DROP COLUMN a', id => 'e3');
SELECT script FROM pgmigrate.script('e2:e3') WHERE script LIKE '-- %' AND script !~ '^-- (pgmigrate|Run|If)';
SELECT script FROM pgmigrate.script('heads') WHERE script ~ '^-+ *(takes|danger|reads|instead)' AND script ~ 'input.t\M';
SELECT statement, locks, hazards FROM pgmigrate.plan('e3') WHERE revision = 'e3';
-- production lets through what is allowed with a reason
SET pgmigrate.environment = 'production';
\set VERBOSITY sqlstate
SELECT * FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT count(*) AS applied FROM pgmigrate.head;
SELECT pgmigrate.amend('e3', upgrade => E'-- pgmigrate: allow create-index\nCREATE INDEX ON input.t (a)');
\set VERBOSITY sqlstate
SELECT * FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT pgmigrate.amend('e3', upgrade => E'-- pgmigrate: allow create-index because the table is empty\nCREATE INDEX ON input.t (a)');
SELECT revision, state FROM pgmigrate.upgrade();
RESET pgmigrate.environment;
-- what the copies are of is for nobody else
CREATE TABLE input.mine (a text) USING pgmigrate_trial;
CREATE TABLE input.mine USING pgmigrate_trial AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW input.mine USING pgmigrate_trial AS SELECT 1 AS a;
ALTER TABLE input.t SET ACCESS METHOD pgmigrate_trial;
SELECT count(*) AS relations FROM pg_class WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'pgmigrate_trial');
DROP SCHEMA input, other CASCADE;
DROP FOREIGN DATA WRAPPER input_fdw CASCADE;
DROP TABLE mine;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET search_path;
RESET client_min_messages;
