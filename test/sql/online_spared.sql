/*
 * No index is built anew under the lock of the switch that need not be, those
 * on altered columns neither, and all are what they were.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA spared;
SET search_path = spared, public;
SET pgmigrate.online_threshold = 0;

-- how many files of indexes beside are those that the old table was made with
CREATE FUNCTION spared() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM pgmigrate.operation o
	JOIN pg_class b ON b.relnamespace = (o.details->>'schema')::regnamespace
	JOIN pg_index i ON i.indexrelid = b.oid AND i.indrelid = (o.details->>'beside')::oid
	JOIN pg_index k ON k.indrelid = (o.details->>'old')::oid AND k.indexrelid = b.relfilenode
	WHERE o.state = 'switched'
$$;
CREATE VIEW marks AS SELECT c.relname, i.indisvalid, i.indisready, i.indislive, i.indisclustered, i.indisreplident, pg_get_indexdef(c.oid)
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'spared'::regnamespace);

CREATE TABLE t (id int PRIMARY KEY, v int, k int NOT NULL, s text);
CREATE INDEX t_v ON t (v);
CREATE UNIQUE INDEX t_k ON t (k);
CREATE INDEX t_where ON t (s) WHERE v > 5;
CREATE INDEX t_expr ON t ((v + k));
CREATE INDEX t_include ON t (s) INCLUDE (v);
CREATE INDEX t_s ON t (lower(s)) WHERE k > 10;
ALTER TABLE t CLUSTER ON t_k;
ALTER TABLE t REPLICA IDENTITY USING INDEX t_k;
INSERT INTO t SELECT g, g, g, g FROM generate_series(1, 1000) g;
CREATE TEMP TABLE before AS TABLE marks;
SELECT action FROM pgmigrate.rebuild('t', 'ALTER COLUMN v TYPE bigint, ALTER COLUMN v SET DEFAULT 3');
SELECT spared();
TABLE before EXCEPT TABLE marks;
SELECT count(*) FROM marks WHERE indislive AND indisvalid AND indisready;

-- each has all rows, and those that are written now
INSERT INTO t (id, k, s) VALUES (2000, 2000, 'new');
SET enable_seqscan = off;
SELECT (SELECT count(*) FROM t WHERE id > 0) AS id, (SELECT count(*) FROM t WHERE k > 0) AS k, (SELECT count(*) FROM t WHERE v > 0) AS v,
	(SELECT count(*) FROM t WHERE s > '' AND v > 5) AS partial, (SELECT count(*) FROM t WHERE v + k > 0) AS expression,
	(SELECT count(*) FROM t WHERE lower(s) = 'new' AND k > 10) AS other;
RESET enable_seqscan;
INSERT INTO t (id, k) VALUES (2001, 2000);
SELECT relation, action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
TABLE before EXCEPT TABLE marks;
SELECT count(*), sum(v) FROM t;

-- a foreign key on the table itself is made again, for which its key is looked up
CREATE TABLE self (id int PRIMARY KEY, up int REFERENCES self, v int);
CREATE INDEX self_v ON self (v);
INSERT INTO self SELECT g, nullif(g / 2, 0), g FROM generate_series(1, 100) g;
SELECT action FROM pgmigrate.rebuild('self', 'ALTER COLUMN up TYPE bigint');
SELECT spared();
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'self'::regclass AND contype = 'f';
SELECT action FROM pgmigrate.finalize();

-- and those of tables that are changed together, by a key between them
CREATE TABLE a (id int PRIMARY KEY, k int);
CREATE INDEX a_k ON a (k);
CREATE TABLE b (id int PRIMARY KEY, a int CONSTRAINT b_a REFERENCES a, k int);
CREATE INDEX b_k ON b (k);
INSERT INTO a SELECT g, g FROM generate_series(1, 100) g;
INSERT INTO b SELECT g, g, g FROM generate_series(1, 100) g;
SELECT pgmigrate.revision('together', id => 'r1', upgrade => $$
ALTER TABLE b DROP CONSTRAINT b_a;
ALTER TABLE a ALTER id TYPE bigint;
ALTER TABLE b ALTER a TYPE bigint;
ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a;
$$);
SELECT state FROM pgmigrate.upgrade();
SELECT count(*) FROM pgmigrate.operations WHERE state = 'switched';
SELECT spared();
SELECT action FROM pgmigrate.finalize();

-- what looks at the indexes by itself
CREATE TABLE other (id int PRIMARY KEY, v int, s text);
CREATE INDEX other_s ON other (s);
INSERT INTO other SELECT g, g, g FROM generate_series(1, 100) g;
SELECT action FROM pgmigrate.rebuild('other', 'ALTER COLUMN v TYPE bigint, ALTER COLUMN s SET STORAGE EXTERNAL');
SELECT spared();
SELECT c.relname, a.attstorage FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = c.oid WHERE i.indrelid = 'other'::regclass ORDER BY 1;
SELECT action FROM pgmigrate.finalize();

-- an expression on the whole row has the name of the table in it
CREATE TABLE whole (id int PRIMARY KEY, v int);
CREATE INDEX whole_row ON whole (v) WHERE whole IS NOT NULL;
SELECT action FROM pgmigrate.rebuild('whole', 'ALTER COLUMN v TYPE bigint');
DROP INDEX whole_row;
CREATE FUNCTION number(whole) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.id';
CREATE INDEX whole_row ON whole (number(whole));
SELECT action FROM pgmigrate.rebuild('whole', 'ALTER COLUMN v TYPE bigint');

-- partitions: those of each
CREATE TABLE p (id int, v int, k int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (500);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (500) TO (2000);
CREATE INDEX p_k ON p (k);
CREATE INDEX p_v ON p (v);
INSERT INTO p SELECT g, g, g FROM generate_series(1, 1000) g;
SELECT action FROM pgmigrate.rebuild('p', 'ALTER COLUMN v TYPE bigint');
SELECT spared();
SELECT c.relname, i.indisvalid, i.indislive FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid IN ('p'::regclass, 'p1'::regclass, 'p2'::regclass) ORDER BY 1;
SET enable_seqscan = off;
SELECT (SELECT count(*) FROM p WHERE k > 0) AS k, (SELECT count(*) FROM p WHERE v > 0) AS v;
RESET enable_seqscan;
SELECT action FROM pgmigrate.finalize();

-- values of before a column was added, of another kind than those of now
CREATE TABLE added (id int PRIMARY KEY, k int);
INSERT INTO added SELECT g, g FROM generate_series(1, 100) g;
ALTER TABLE added ADD v int DEFAULT 5, ADD w int DEFAULT 6;
CREATE INDEX added_v ON added (v, k);
SELECT action FROM pgmigrate.rebuild('added', 'ALTER COLUMN v TYPE text, ALTER COLUMN w TYPE numeric');
SELECT spared();
SELECT attname, atthasmissing FROM pg_attribute WHERE attrelid = 'added'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO added VALUES (101, 1);
SELECT v, w, count(*) FROM added GROUP BY 1, 2;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT v, w, count(*) FROM added GROUP BY 1, 2;

-- classes: others by name, two on a column, and those of which an empty index is another
CREATE TABLE classes (id int PRIMARY KEY, a varchar, b int, c int, d int GENERATED ALWAYS AS (id + 1) STORED);
CREATE INDEX classes_a ON classes (a);
CREATE INDEX classes_pattern ON classes (a varchar_pattern_ops DESC);
CREATE UNIQUE INDEX classes_b ON classes (b, id) INCLUDE (c);
CREATE INDEX classes_c ON classes (c);
CREATE INDEX classes_d ON classes (d);
INSERT INTO classes (id, a, b, c) SELECT g, g, g, g FROM generate_series(1, 100) g;
SELECT action FROM pgmigrate.rebuild('classes', 'ALTER COLUMN a TYPE text COLLATE "C", ALTER COLUMN b TYPE text USING ''b'' || b, ALTER COLUMN c TYPE numeric');
SELECT spared();
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'classes'::regclass ORDER BY 1;
SET enable_seqscan = off;
SELECT (SELECT count(*) FROM classes WHERE a > '') AS a, (SELECT count(*) FROM classes WHERE b > '') AS b, (SELECT count(*) FROM classes WHERE c > 0) AS c, (SELECT count(*) FROM classes WHERE d > 0) AS d;
RESET enable_seqscan;
SELECT action FROM pgmigrate.finalize();
SELECT action FROM pgmigrate.rebuild('classes', 'ALTER COLUMN d TYPE bigint');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'classes'::regclass AND attnum > 0 ORDER BY attnum;
SELECT action FROM pgmigrate.finalize();

SELECT count(*) FROM pg_index WHERE NOT indislive;
DROP SCHEMA spared CASCADE;
DROP EXTENSION pgmigrate;
