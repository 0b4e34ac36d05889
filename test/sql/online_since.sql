/*
 * What is made of a table between the switch and the way back: it stays, or is
 * in the way and named.  Nothing is lost, and nothing is believed that nobody
 * has looked at.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA since;
SET search_path = since, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE refs (id int PRIMARY KEY);
INSERT INTO refs SELECT generate_series(0, 100);
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';

-- Changed by a method, then something is done, then taken back: what came of it.
CREATE FUNCTION begin_change(method text, type text, back text DEFAULT 'int') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS t CASCADE;
	CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 7 CONSTRAINT positive CHECK (v > -100), w text);
	CREATE INDEX t_v ON t (v);
	INSERT INTO t SELECT g, g, g FROM generate_series(1, 100) g;
	PERFORM set_config('pgmigrate.online_method', method, false);
	RETURN pgmigrate.revision('change', 'ALTER TABLE since.t ALTER v TYPE ' || type, 'ALTER TABLE since.t ALTER v TYPE ' || back);
END $$;
CREATE VIEW form AS SELECT format_type(atttypid, atttypmod) AS type, attnotnull AS not_null,
	(SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef d WHERE adrelid = attrelid AND adnum = attnum) AS "default",
	(SELECT string_agg(relname || CASE WHEN indisvalid THEN '' ELSE ' (not valid)' END, ' ' ORDER BY relname) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = attrelid) AS indexes,
	(SELECT string_agg(conname || ' ' || regexp_replace(pg_get_constraintdef(c.oid), '''(-?\d+)''::\w+', '\1'), ', ' ORDER BY conname) FROM pg_constraint c WHERE conrelid = attrelid AND contype IN ('c', 'f', 'u')) AS constraints
FROM pg_attribute WHERE attrelid = to_regclass('since.t') AND attname = 'v';

-- by another table: indexes are built on the old rows, and dropped there
SELECT begin_change('table', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
CREATE INDEX t_w ON t (w);
CREATE INDEX t_next ON t ((v + 1), w) WHERE v > 5;
CREATE INDEX t_next_again ON t ((v + 1), w) WHERE v > 5;
ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (v);
DROP INDEX t_v;
INSERT INTO t VALUES (101, 101, 'x');
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;
SET enable_seqscan = off;
SELECT id FROM t WHERE v + 1 = 102 AND v > 5;
SELECT id FROM t WHERE w = 'x';
RESET enable_seqscan;
SELECT count(*) FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';

-- defaults and checks, which the statement back would make what they were
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ALTER v SET DEFAULT 9, DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (v > -50), ADD CHECK (w <> 'no'), ADD FOREIGN KEY (v) REFERENCES refs;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;

-- proven for other values than the old ones
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint USING v / 2') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ADD CONSTRAINT small CHECK (v < 60);
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT small, ADD CONSTRAINT to_refs FOREIGN KEY (v) REFERENCES refs;
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT to_refs, ADD CHECK (w <> 'no');
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;
SELECT max(v) FROM t;

-- what is in the way, and that the index built before it is of no harm
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
CREATE INDEX t_w ON t (w);
ALTER TABLE t ADD n int;
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP n, ADD EXCLUDE USING btree (v WITH =);
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT t_v_excl, ALTER v SET NOT NULL;
-- from 18 on the constraint counts, too
SET client_min_messages = error;
SELECT state FROM pgmigrate.downgrade('-1');
SET client_min_messages = warning;
ALTER TABLE t ALTER v DROP NOT NULL;
DROP INDEX t_w;
CREATE INDEX t_w ON t (w, v);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;

-- what is demanded of the old rows only does not fail who writes
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint') AS r \gset
ALTER TABLE t ADD CONSTRAINT w_u UNIQUE (w), ADD CONSTRAINT w_x EXCLUDE USING btree (w WITH =);
SELECT state FROM pgmigrate.upgrade('head');
INSERT INTO t VALUES (102, 1, 1);
ALTER TABLE t DROP CONSTRAINT w_u, DROP CONSTRAINT w_x, DROP CONSTRAINT positive;
INSERT INTO t VALUES (102, 1, 1), (103, -500, 'less');
UPDATE t SET v = -501 WHERE id = 1;
SELECT state FROM pgmigrate.downgrade('-1');
DELETE FROM t WHERE id IN (102, 103);
UPDATE t SET v = 1 WHERE id = 1;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;
SELECT count(*) FROM t WHERE v = id;

-- nor does what could not be built on them
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint USING v + id', 'int USING v - id') AS r \gset
UPDATE t SET v = 1;
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (v);
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.downgrade('-1');
\set VERBOSITY default
-- taken back, for an index would be built on a row that is deleted just before
BEGIN;
INSERT INTO t VALUES (102, 1, 1);
ROLLBACK;
ALTER TABLE t DROP CONSTRAINT t_u;
CREATE INDEX t_part ON t ((1 / (v - 1)));
SELECT state FROM pgmigrate.downgrade('-1');
INSERT INTO t VALUES (103, 200, 1);
DROP INDEX t_part;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;
SELECT count(*) FROM t WHERE v = 1;

-- an index on a column that the old rows have not: the column is in the way
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ADD n int;
CREATE INDEX t_n ON t (n);
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP n;
SELECT state FROM pgmigrate.downgrade('-1');

-- of the whole row; in another order; and of partitions by the table above them
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint USING v / 2') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ADD CONSTRAINT whole CHECK (t IS DISTINCT FROM ROW(1, 5::bigint, 'x'));
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT whole;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.remove(:'r');
CREATE TABLE words (id int PRIMARY KEY, w text COLLATE "C", o oid);
INSERT INTO words VALUES (1, 'a', 1), (2, 'B', 2);
SELECT pgmigrate.revision('words', 'ALTER TABLE since.words ALTER w TYPE text COLLATE "en-x-icu", ALTER o TYPE int', 'ALTER TABLE since.words ALTER w TYPE text COLLATE "C", ALTER o TYPE oid', id => 'words');
SET pgmigrate.online_method = 'table';
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE words ADD CONSTRAINT early CHECK (w < 'C');
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE words DROP CONSTRAINT early, ADD CONSTRAINT small CHECK (o < 5);
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE words DROP CONSTRAINT small;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.remove('words');
CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (50);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (50) TO (500);
INSERT INTO p SELECT g, g FROM generate_series(1, 150) g;
SELECT pgmigrate.revision('parts', 'ALTER TABLE since.p ALTER v TYPE bigint USING v / 2', 'ALTER TABLE since.p ALTER v TYPE int', id => 'parts');
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE p ADD CONSTRAINT to_refs FOREIGN KEY (v) REFERENCES refs;
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE p DROP CONSTRAINT to_refs;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT max(v) FROM p;
SELECT pgmigrate.remove('parts');

-- by another column: what is on it has no double, see online_column_since too
SELECT begin_change('column', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
CREATE INDEX t_next ON t ((v + 1));
SELECT state FROM pgmigrate.downgrade('-1');
DROP INDEX t_next;
ALTER TABLE t ADD CONSTRAINT small CHECK (v < 6000);
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT small, ADD CONSTRAINT to_refs FOREIGN KEY (v) REFERENCES refs;
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT to_refs;
CREATE STATISTICS both_of ON v, w FROM t;
SELECT state FROM pgmigrate.downgrade('-1');
DROP STATISTICS both_of;
CREATE TRIGGER touched BEFORE UPDATE OF v ON t FOR EACH ROW EXECUTE FUNCTION touched();
SELECT state FROM pgmigrate.downgrade('-1');
DROP TRIGGER touched ON t;
ALTER TABLE t ADD g bigint GENERATED ALWAYS AS (v * 2) STORED;
\set VERBOSITY terse
SELECT state FROM pgmigrate.downgrade('-1');
\set VERBOSITY default
ALTER TABLE t DROP g, ALTER v SET NOT NULL;
SET client_min_messages = error;
SELECT state FROM pgmigrate.downgrade('-1');
SET client_min_messages = warning;
ALTER TABLE t ALTER v DROP NOT NULL;
-- what stays: a default, what was dropped, and an index that was built anew
ALTER TABLE t ALTER v SET DEFAULT 9, DROP CONSTRAINT positive;
CREATE INDEX t_w ON t (w);
REINDEX INDEX CONCURRENTLY t_v;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;
SELECT count(*) FROM t WHERE v = id;
SELECT pgmigrate.remove(:'r');
SELECT begin_change('column', 'bigint') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
DROP INDEX t_v;
ALTER TABLE t ALTER v DROP DEFAULT;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;

-- a foreign key to what was changed holds other values than the old rows have
SELECT pgmigrate.remove(:'r');
SELECT begin_change('table', 'bigint USING v * 2') AS r \gset
SELECT state FROM pgmigrate.upgrade('head');
ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (v);
CREATE TABLE of_t (v bigint REFERENCES t (v));
INSERT INTO of_t VALUES (200);
SELECT state FROM pgmigrate.downgrade('-1');
DROP TABLE of_t;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form;

DROP SCHEMA since CASCADE;
DROP EXTENSION pgmigrate;
