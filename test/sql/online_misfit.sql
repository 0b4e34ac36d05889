/*
 * What goes by a column and cannot be made again for its new type: told
 * before, by name, and named by the run.  What is in the way of the statement
 * as written only, and goes along online, does not end the trial.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA misfit;
SET search_path = misfit, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE t01 (id int PRIMARY KEY, v int);
CREATE VIEW v01 AS SELECT id, v + 1 AS next FROM t01;
CREATE TABLE t02 (id int PRIMARY KEY, v int);
CREATE VIEW v02 AS SELECT v FROM t02;
CREATE VIEW above AS SELECT v + 1 AS next FROM v02;
CREATE TABLE t03 (id int PRIMARY KEY, v int);
CREATE INDEX i03 ON t03 ((v + 1));
CREATE TABLE t04 (id int PRIMARY KEY, v int, w int);
CREATE INDEX fits ON t04 (v);
CREATE INDEX "i 04" ON t04 (w) WHERE v > 5;
CREATE TABLE t05 (id int PRIMARY KEY, v int CONSTRAINT c05 CHECK (v > 0));
CREATE TABLE t06 (id int PRIMARY KEY, v int, CONSTRAINT x06 EXCLUDE USING btree ((v + 1) WITH =));
CREATE TABLE t07 (id int PRIMARY KEY, v int CONSTRAINT u07 UNIQUE);
CREATE TABLE t08 (id int PRIMARY KEY, v int, w int);
CREATE STATISTICS s08 ON (v + 1), w FROM t08;
CREATE TABLE t09 (id int PRIMARY KEY, v int, g int GENERATED ALWAYS AS (v + 1) STORED);
CREATE TABLE t10 (id int PRIMARY KEY, v int);
CREATE POLICY p10 ON t10 USING (v > 0);
CREATE TABLE t11 (id int PRIMARY KEY, v int);
CREATE MATERIALIZED VIEW m11 AS SELECT v + 1 AS next FROM t11;
CREATE TABLE t12 (id int PRIMARY KEY, v int);
CREATE FUNCTION f12() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(v + 1) FROM t12; END;
CREATE TABLE t13 (id int PRIMARY KEY, v int);
CREATE RULE r13 AS ON DELETE TO t13 WHERE old.v > 0 DO INSTEAD NOTHING;
CREATE TABLE t14 (id int, v int);
CREATE INDEX i14 ON t14 ((v + 1));
CREATE TABLE t15 (id int PRIMARY KEY, v int CONSTRAINT c15 CHECK (v > 0));
CREATE TABLE t16 (id int PRIMARY KEY, v int);
CREATE VIEW v16 AS SELECT v FROM t16;
CREATE TABLE change AS SELECT format('t%s', lpad(n::text, 2, '0')) AS name, CASE n WHEN 7 THEN 'ALTER v TYPE json USING to_json(v)'
	WHEN 15 THEN 'DROP CONSTRAINT c15, ALTER v TYPE text' ELSE 'ALTER v TYPE text' END AS what FROM generate_series(1, 16) AS n;
CREATE FUNCTION told(sql text) RETURNS TABLE (statement int, level text, message text, hint bool) LANGUAGE sql AS $$
	SELECT statement, level, message, hint IS NOT NULL FROM pgmigrate.lint(sql) WHERE rule IN ('trial-fails', 'not-tried') ORDER BY 1 $$;
SELECT name, level, message, hint FROM change LEFT JOIN LATERAL told(format('ALTER TABLE %s %s', name, what)) ON true ORDER BY name;
SELECT * FROM told('DROP FUNCTION f12; ALTER TABLE t12 ALTER v TYPE text');
-- so it is
\set VERBOSITY terse
SELECT count(pgmigrate.revision(name, format('ALTER TABLE misfit.%s %s', name, what), id => name, down_revision => '{}')) FROM change;
SELECT format('SELECT state FROM pgmigrate.upgrade(%L)', name) FROM change ORDER BY name \gexec
\set VERBOSITY default
SELECT pgmigrate.finalize();
SELECT name FROM change WHERE what ~ 'text' AND (SELECT atttypid = 'text'::regtype FROM pg_attribute WHERE attrelid = to_regclass(name) AND attname = 'v') ORDER BY 1;
-- with the hint, where it is one pass
SELECT action FROM pgmigrate.rebuild('t01', 'ALTER v TYPE text');
SELECT action FROM pgmigrate.rebuild('t04', 'ALTER v TYPE text');
\set VERBOSITY terse
SELECT state FROM pgmigrate.upgrade('t14');
\set VERBOSITY default
SELECT hint FROM pgmigrate.run ORDER BY id DESC LIMIT 1;

-- before a row is copied
CREATE TABLE s (id int PRIMARY KEY, v int, w int, x int);
CREATE STATISTICS s1 (mcv) ON w, (v / 2) FROM s;
CREATE STATISTICS s2 ON v, w FROM s;
CREATE INDEX ON s (v, w);
INSERT INTO s VALUES (1, 1, 1, 1);
SELECT action FROM pgmigrate.rebuild('s', 'ALTER v TYPE text');
SELECT state FROM pgmigrate.operation WHERE state <> 'finalized';
SELECT action FROM pgmigrate.rebuild('s', 'ALTER v TYPE json USING to_json(v)');
SELECT action FROM pgmigrate.rebuild('s', 'ALTER v TYPE bigint');
SELECT pgmigrate.finalize();
-- by way of a new column before the backfill, for which nothing is left
SET pgmigrate.online_method = 'column';
CREATE TABLE parted (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE parted1 PARTITION OF parted (PRIMARY KEY (id), CONSTRAINT "only % here" CHECK (v > 0)) FOR VALUES FROM (0) TO (10);
CREATE TABLE k (id int PRIMARY KEY, v int, CHECK (v IS NOT NULL));
CREATE INDEX kv ON k (v) WHERE v IS NOT NULL;
SELECT action FROM pgmigrate.rebuild('t03', 'ALTER v TYPE text');
SELECT action FROM pgmigrate.rebuild('t05', 'ALTER v TYPE text');
SELECT action FROM pgmigrate.rebuild('parted', 'ALTER v TYPE text');
SELECT state FROM pgmigrate.operation WHERE state <> 'finalized';
SELECT attrelid::regclass, attname FROM pg_attribute WHERE attname ~ '^pgmigrate' AND attrelid = ANY ('{t03,t05,parted,parted1}'::regclass[]);
SELECT action FROM pgmigrate.rebuild('k', 'ALTER v TYPE text');
SELECT pgmigrate.finalize();
-- so is a foreign key, which the change of another type may be with
CREATE TABLE r (id int PRIMARY KEY, v int CONSTRAINT rk REFERENCES r, w int, x text, UNIQUE (w, x));
CREATE TABLE r1 (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE r11 PARTITION OF r1 FOR VALUES FROM (0) TO (10);
CREATE TABLE r2 (id int PRIMARY KEY, a text, b int, c int CONSTRAINT r2c REFERENCES r1, CONSTRAINT "r2 %k" FOREIGN KEY (b, a) REFERENCES r (w, x));
CREATE TABLE r3 (id int PRIMARY KEY, b int);
CREATE TABLE r4 (PRIMARY KEY (id), CONSTRAINT r4k FOREIGN KEY (b) REFERENCES r) INHERITS (r3);
INSERT INTO r VALUES (1, 1, 1, 1);
INSERT INTO r1 VALUES (1);
INSERT INTO r2 VALUES (1, 1, 1, 1);
CREATE TABLE key AS SELECT * FROM (VALUES ('k1', 'r ALTER v TYPE numeric'), ('k2', 'r2 ALTER b TYPE numeric'), ('k3', 'r2 ALTER c TYPE numeric'),
	('k4', 'r3 ALTER b TYPE numeric'), ('k5', 'r2 ALTER b TYPE bigint'), ('k6', 'r2 ALTER c TYPE bigint')) AS k (name, what);
SELECT count(pgmigrate.revision(name, 'ALTER TABLE misfit.' || what, id => name, down_revision => '{}')) FROM key;
\set VERBOSITY terse
SELECT format('SELECT state FROM pgmigrate.upgrade(%L)', name) FROM key ORDER BY name \gexec
\set VERBOSITY default
SELECT revision, strategy, state FROM pgmigrate.operations WHERE revision ~ '^k' ORDER BY 1;
SELECT attrelid::regclass, attname FROM pg_attribute WHERE attname ~ '^pgmigrate' AND attrelid = 'r'::regclass;
SELECT pgmigrate.finalize();
SELECT k.conname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
	WHERE k.contype = 'f' AND k.conrelid = ANY ('{r,r2,r4}'::regclass[]) AND k.conname ~ '^r' AND k.conparentid = 0 ORDER BY 1, 2;
RESET pgmigrate.online_method;

-- by a view that goes along the trial is not over
CREATE TABLE a (id int PRIMARY KEY, v int, w int);
CREATE TABLE b (id int PRIMARY KEY, v int CONSTRAINT k REFERENCES a);
CREATE VIEW av AS SELECT id, v = w AS same FROM a;
CREATE VIEW ab AS SELECT a.id FROM a JOIN b ON b.v = a.id;
SELECT * FROM told('ALTER TABLE a ALTER v TYPE bigint; ALTER TABLE a DROP nothing');
SELECT * FROM told('ALTER TABLE a ALTER v TYPE bigint; ALTER TABLE a ADD CHECK (v > 0); CREATE INDEX ON a (v)');
-- one that needs all statements of a pass has them
SELECT * FROM told('ALTER TABLE a ALTER v TYPE text; ALTER TABLE a ALTER w TYPE text; ALTER TABLE a DROP nothing');
SELECT * FROM told('ALTER TABLE a ALTER v TYPE text; ALTER TABLE a ADD x int; ALTER TABLE b ADD y int');
SELECT * FROM told('ALTER TABLE b DROP CONSTRAINT k; ALTER TABLE a ALTER id TYPE text; ALTER TABLE b ALTER v TYPE text; ALTER TABLE b ADD CONSTRAINT k FOREIGN KEY (v) REFERENCES a; ALTER TABLE a DROP nothing');
SELECT * FROM told('ALTER TABLE b DROP CONSTRAINT k; ALTER TABLE a ALTER id TYPE text');
-- what a statement that fails has put aside is back, and there for the next one
CREATE VIEW aw AS SELECT w FROM a;
SELECT * FROM told('ALTER TABLE a ALTER v TYPE text; ALTER TABLE a ALTER w TYPE text, ADD CONSTRAINT a_pkey CHECK (w IS NOT NULL); ALTER VIEW aw RENAME TO other');
DROP VIEW aw;
-- with what is no view on it the statement is as written
CREATE MATERIALIZED VIEW am AS SELECT same FROM av;
SELECT * FROM told('ALTER TABLE a ALTER v TYPE bigint; ALTER TABLE a DROP nothing');
-- what statements before it drop does not block
SELECT message FROM pgmigrate.lint('ALTER TABLE t11 ALTER v TYPE text', false) WHERE rule = 'dependent-object-blocks';
SELECT message FROM pgmigrate.lint('DROP MATERIALIZED VIEW IF EXISTS misfit.m11, nothing; ALTER TABLE t11 ALTER v TYPE text', false) WHERE rule = 'dependent-object-blocks';
SELECT message, split_part(hint, ' AS', 1) AS hint FROM pgmigrate.lint('DROP VIEW above; ALTER TABLE t02 ALTER v TYPE text', false) WHERE rule = 'dependent-object-blocks' \gx
-- and what is dropped to find it is told to nobody
CREATE TABLE told_key (id int PRIMARY KEY);
CREATE TABLE told_reference (id int REFERENCES told_key);
CREATE VIEW told_view AS SELECT id FROM told_key;
SET client_min_messages = notice;
SELECT * FROM told('ALTER TABLE told_key ALTER id TYPE bigint');
SET client_min_messages = error;

-- of several that do not fit one is named, with its own error
CREATE TABLE several (id int PRIMARY KEY, v text CONSTRAINT "a%s" CHECK (length(v) < 100));
CREATE INDEX "z%s" ON several (lower(v));
SELECT * FROM told('ALTER TABLE several ALTER v TYPE int USING v::int');
-- also where a view goes along
CREATE VIEW over_several AS SELECT v FROM several;
SELECT * FROM told('ALTER TABLE several ALTER v TYPE int USING v::int; ALTER TABLE a DROP nothing');

DROP SCHEMA misfit CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
