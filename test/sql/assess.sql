-- Every rule of lint() fires, and nothing remains of an assessment.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
CREATE SCHEMA app;
SET search_path = app;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TYPE st AS ENUM ('a', 'b');
CREATE DOMAIN posint AS int CHECK (value > 0);
CREATE TYPE comp AS (a int, b text);
CREATE TABLE p (id int PRIMARY KEY, v varchar(10) UNIQUE);
CREATE TABLE c (id serial PRIMARY KEY, pid int REFERENCES p, n int CHECK (n > 0), txt text,
	ts timestamp, num numeric(10, 2), e st, dm posint, cc comp, vc varchar(5) CHECK (vc <> 'x'));
CREATE INDEX c_n ON c (n);
CREATE INDEX c_txt ON c (txt);
CREATE VIEW vw AS SELECT id, txt FROM c;
CREATE TABLE part (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE partd PARTITION OF part DEFAULT;
CREATE TABLE att (id int, k int);
CREATE MATERIALIZED VIEW mv AS SELECT * FROM p;
CREATE SEQUENCE seq;
INSERT INTO p SELECT g, g FROM generate_series(1, 100) g;
INSERT INTO c (pid, n, txt) SELECT g, g, g FROM generate_series(1, 100) g;
CREATE TABLE dup (a int, b int, t text);
INSERT INTO dup VALUES (1, NULL, 'long'), (1, 500, 'x'), (2, 3, NULL);
CREATE UNIQUE INDEX CONCURRENTLY dup_a ON dup (a);
CREATE INDEX dup_t ON dup (t);
CREATE FUNCTION public.catalog_digest() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(t, ';' ORDER BY t)) FROM (
		SELECT c.oid || c.relname || c.relfilenode || c.relnamespace FROM pg_class c WHERE c.oid >= 16384
		AND c.relnamespace <> 'pg_toast'::regnamespace AND c.relname NOT LIKE 'lint\_%'
		UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
		UNION ALL SELECT conname || oid || convalidated FROM pg_constraint
		UNION ALL SELECT attname || attrelid || atttypid || attnotnull FROM pg_attribute WHERE attrelid = 'app.c'::regclass
		UNION ALL SELECT enumlabel FROM pg_enum) AS x (t)
$$;
SELECT public.catalog_digest() AS before \gset
CREATE TABLE public.lint_case (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO public.lint_case (sql) VALUES
('ALTER TABLE c ADD x int DEFAULT random()'), ('ALTER TABLE c ADD x serial'),
('ALTER TABLE c ADD x int GENERATED ALWAYS AS IDENTITY'),
('ALTER TABLE c ADD x int GENERATED ALWAYS AS (n + 1) STORED'),
('ALTER TABLE c ADD x posint DEFAULT 1'), ('ALTER TABLE c ADD x int CHECK (x > 0)'),
('ALTER TABLE c ADD x int DEFAULT 1 REFERENCES p'), ('ALTER TABLE c ADD x int NOT NULL'),
('ALTER TABLE c ADD x int UNIQUE'), ('ALTER TABLE c ALTER n TYPE bigint'),
('ALTER TABLE c ALTER txt TYPE text COLLATE "C"'), ('ALTER TABLE c ALTER vc TYPE varchar(9)'),
('ALTER TABLE c ALTER ts TYPE timestamptz'), ('ALTER TABLE c ALTER ts TYPE date'),
('ALTER TABLE c SET UNLOGGED'), ('ALTER TABLE c SET ACCESS METHOD heap2'),
('ALTER TABLE c SET TABLESPACE pg_default'), ('ALTER TABLE c ALTER txt SET NOT NULL'),
('ALTER TABLE c ADD CHECK (n > 1)'), ('ALTER TABLE c ADD FOREIGN KEY (dm) REFERENCES p'),
('ALTER TABLE c ADD CONSTRAINT q FOREIGN KEY (n) REFERENCES p NOT VALID; ALTER TABLE c VALIDATE CONSTRAINT q'),
('ALTER TABLE c DROP CONSTRAINT c_pkey, ADD PRIMARY KEY (id)'), ('ALTER TABLE c ADD UNIQUE (n)'),
('CREATE UNIQUE INDEX ui ON c (n); ALTER TABLE c DROP CONSTRAINT c_pkey; ALTER TABLE c ADD PRIMARY KEY USING INDEX ui'),
('ALTER TABLE c ADD EXCLUDE USING btree (n WITH =)'),
('ALTER TABLE part ATTACH PARTITION att FOR VALUES FROM (10) TO (20)'),
('ALTER TABLE part DETACH PARTITION part1'),
('CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (20) TO (30)'),
('DROP TABLE part1'), ('CREATE INDEX ON part (id)'), ('ALTER TABLE c DROP CONSTRAINT c_pid_fkey'),
('ALTER TABLE c DROP CONSTRAINT c_n_check'), ('ALTER TABLE c DROP COLUMN txt'),
('ALTER TABLE c ALTER n DROP NOT NULL'), ('ALTER TABLE c ALTER n SET DEFAULT 3'),
('ALTER TABLE c ENABLE ROW LEVEL SECURITY'), ('CREATE POLICY pp ON c USING (true)'),
('ALTER TABLE c REPLICA IDENTITY FULL'), ('ALTER TABLE c SET (autovacuum_enabled = false)'),
('CREATE INDEX ON c (n)'), ('CREATE INDEX ON c (n, pid, txt, ts)'), ('DROP INDEX c_n'),
('REINDEX TABLE c'), ('CLUSTER c USING c_n'), ('VACUUM FULL c'), ('REFRESH MATERIALIZED VIEW mv'),
('ALTER DOMAIN posint ADD CHECK (value < 100)'), ('CREATE DOMAIN d2 AS int CHECK (value > 1)'),
('CREATE TYPE e2 AS ENUM (''x'')'),
('ALTER TYPE st ADD VALUE ''y''; ALTER TABLE c ALTER e SET DEFAULT ''y'''),
('ALTER TYPE comp ALTER ATTRIBUTE a TYPE bigint'), ('TRUNCATE c'), ('TRUNCATE p CASCADE'),
('ALTER TABLE c RENAME TO c9'), ('ALTER TABLE c RENAME txt TO t9'), ('ALTER SCHEMA app RENAME TO app9'),
('ALTER TABLE c SET SCHEMA public'), ('ALTER TYPE st RENAME VALUE ''a'' TO ''aa'''),
('DROP SCHEMA app CASCADE'), ('DROP SEQUENCE seq'), ('DROP EXTENSION pgmigrate'),
('ALTER EXTENSION pgmigrate UPDATE'), ('DROP DATABASE nowhere'), ('UPDATE c SET n = 1'),
('DO $$BEGIN END$$'), ('BEGIN'), ('DISCARD ALL'), ('DROP TABLE c CASCADE'), ('DROP TABLE p'), ('ALTER TABLE nowhere ADD x int'),
('CREATE TABLE k (id int PRIMARY KEY, j json, t timestamp, ch char(3)); CREATE TABLE k2 (a int)'),
('CREATE INDEX CONCURRENTLY zz ON c (n); ALTER TABLE c ADD q int'),
('CREATE UNIQUE INDEX IF NOT EXISTS dup_a ON dup (a)'),
('CREATE TRIGGER tt BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
('ALTER TABLE c ADD a1 int; ALTER TABLE p ADD a2 int DEFAULT random()'),
(E'-- pgmigrate: allow create-index because it is small\nCREATE INDEX ON c (n)'),
(E'-- pgmigrate: allow create-index\nCREATE INDEX ON c (n)'),
(E'/* pgmigrate: allow drop-table because of that */ CREATE INDEX CONCURRENTLY ON c (n)'),
('ALTER TABLE dup ALTER b SET NOT NULL'), ('ALTER TABLE dup ADD CHECK (b < 100)'),
('ALTER TABLE dup ADD UNIQUE (a)'), ('ALTER TABLE dup ALTER t TYPE varchar(2)'),
('ALTER TABLE dup ADD FOREIGN KEY (b) REFERENCES p'), ('ALTER TABLE dup ALTER t TYPE text COLLATE "C"'),
-- nothing to say about a table that is new
('CREATE TABLE new (id bigint PRIMARY KEY, n int); CREATE INDEX ON new (n); ALTER TABLE new ADD x int DEFAULT random(); ALTER TABLE new ALTER n SET NOT NULL; ALTER TABLE new ADD CHECK (n > 0); DROP TABLE new');
CREATE TABLE public.lint_result AS
	SELECT n, l.* FROM public.lint_case, LATERAL pgmigrate.lint(sql) l ORDER BY n;
SELECT n, sql, (SELECT string_agg(format('%s(%s)', rule, level), ' ' ORDER BY rule COLLATE "C") FROM
		(SELECT DISTINCT rule, level FROM public.lint_result r WHERE r.n = c.n AND rule <> 'lock') x) AS findings
FROM public.lint_case c ORDER BY n;
-- every statement has its rows
SELECT n FROM public.lint_case c WHERE NOT EXISTS (SELECT FROM public.lint_result r WHERE r.n = c.n AND rule = 'lock');
-- the findings in full
SELECT DISTINCT ON (rule COLLATE "C") rule, relation, message,
	CASE WHEN hint ~ 'not_null|GENERATED|CREATE FUNCTION app.c_x_sync|pg_get_serial|or pg_squeeze|REPACK' OR rule = 'dependent-object-blocks' THEN '(depends on the version)' ELSE hint END AS hint
FROM public.lint_result WHERE rule <> 'lock' ORDER BY rule COLLATE "C", n, statement;
-- one statement after the other
SELECT statement, rule, relation, lock_mode, rewrites, scans FROM pgmigrate.lint($$
ALTER TABLE c RENAME TO cc;
ALTER TABLE cc ADD COLUMN y int;
ALTER TABLE cc ALTER COLUMN y TYPE bigint;
DROP TABLE cc CASCADE;
CREATE TABLE c (id int);
ALTER TABLE c ADD z int;
$$) WHERE rule IN ('lock', 'trial-fails') AND (relation IS NULL OR relation NOT LIKE '%\_%') ORDER BY 1, 3;
-- without a trial the same locks on tables
SELECT rule, relation, lock_mode, rewrites, scans FROM pgmigrate.lint('ALTER TABLE c DROP CONSTRAINT c_pid_fkey', trial => false) WHERE rule = 'lock';
-- prepared for bad input
SELECT count(*) FROM pgmigrate.lint('');
SELECT * FROM pgmigrate.lint('SELEC 1');
SELECT * FROM pgmigrate.lint(NULL);
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE pg_class ADD x int') WHERE rule <> 'lock';
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE nowhere.t ADD x int') WHERE rule <> 'lock';
CREATE TEMP TABLE mine (a int);
SELECT rule, relation IS NOT NULL AS told FROM pgmigrate.lint('ALTER TABLE mine ADD b int DEFAULT random(); DROP TABLE mine');
SELECT count(*) AS mine FROM mine;
DROP TABLE mine;
SELECT rule FROM pgmigrate.lint('ALTER VIEW vw RENAME TO vw2') ORDER BY 1;
SELECT DISTINCT rule FROM pgmigrate.lint(
	(SELECT 'CREATE TABLE wide (' || string_agg('c' || g || ' int', ',') || '); ALTER TABLE wide ADD x int DEFAULT random()' FROM generate_series(1, 1500) g)) ORDER BY 1;
-- bounded in time
SET pgmigrate.assess_timeout = '1ms';
SELECT DISTINCT rule FROM pgmigrate.lint((SELECT string_agg(format('ALTER TABLE c ADD x%s int', g), ';') FROM generate_series(1, 300) g)) WHERE rule LIKE 'assess%';
RESET pgmigrate.assess_timeout;
-- nothing remains, no lock either
DROP TABLE public.lint_case, public.lint_result;
SELECT public.catalog_digest() = :'before' AS unchanged;
BEGIN;
SELECT count(*) > 0 AS rows FROM pgmigrate.lint('ALTER TABLE c ADD x int DEFAULT random(); DROP TABLE p CASCADE; TRUNCATE c');
SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384;
ROLLBACK;
-- a statement that an attacker's table makes run his code has his rights only
CREATE ROLE regress_pgm_owner;
CREATE SCHEMA own AUTHORIZATION regress_pgm_owner;
SET ROLE regress_pgm_owner;
CREATE FUNCTION own.who(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	IF current_user <> 'regress_pgm_owner' THEN RAISE 'ran as %', current_user; END IF;
	RETURN $1; END$$;
CREATE TABLE own.t (a int CHECK (own.who(1) = 1), b int);
CREATE INDEX ON own.t ((own.who(2) + b)) WHERE own.who(3) = 3;
RESET ROLE;
SELECT rule, relation, rewrites FROM pgmigrate.lint('ALTER TABLE own.t ALTER b TYPE bigint') WHERE rule IN ('lock', 'trial-fails', 'not-tried') ORDER BY 2;
-- no privilege
CREATE ROLE regress_pgm_other;
GRANT USAGE ON SCHEMA pgmigrate, app TO regress_pgm_other;
GRANT EXECUTE ON FUNCTION pgmigrate.lint(text, boolean) TO regress_pgm_other;
SET ROLE regress_pgm_other;
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE app.c ADD x int') WHERE rule <> 'lock';
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE own.t ADD x int') WHERE rule <> 'lock';
RESET ROLE;
DROP OWNED BY regress_pgm_other, regress_pgm_owner;
DROP ROLE regress_pgm_other, regress_pgm_owner;
DROP SCHEMA app CASCADE;
DROP FUNCTION public.catalog_digest;
DROP ACCESS METHOD heap2;
RESET search_path;
RESET client_min_messages;
