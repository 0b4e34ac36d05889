-- A table with its columns, or its rows, in another order.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.drift_ignore = '%';
CREATE SCHEMA app;
SET search_path = app, public;
SELECT pg_catalog.set_config('app.first', (coalesce(max(id), 0) + 1)::text, false) IS NOT NULL AS ok FROM pgmigrate.operation;

-- Everything that may hang on a column.
CREATE TABLE parent (p int PRIMARY KEY, x text);
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
CREATE TABLE t (flag bool NOT NULL DEFAULT true, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int,
	small int2 CHECK (small >= 0), "Big" bigint, p int REFERENCES parent ON DELETE SET NULL (p),
	twice int GENERATED ALWAYS AS (small * 2) STORED, note text COLLATE "C", up bigint REFERENCES t, UNIQUE ("Big", small));
ALTER TABLE t DROP COLUMN gone, ADD COLUMN late int DEFAULT 5, ALTER note SET STATISTICS 77, ALTER note SET STORAGE EXTERNAL;
CREATE INDEX t_lower ON t (lower(note), small) INCLUDE ("Big") WHERE flag;
CREATE INDEX t_small ON t (small DESC);
CREATE STATISTICS of_columns ON small, "Big", p FROM t;
CREATE STATISTICS of_sum ON (small + p), flag FROM t;
CREATE TABLE child (c int, t bigint REFERENCES t ON DELETE CASCADE);
CREATE FUNCTION exclaim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $$;
CREATE TRIGGER exclaim BEFORE UPDATE OF small, p ON t FOR EACH ROW WHEN (OLD.small IS DISTINCT FROM NEW.small) EXECUTE FUNCTION exclaim();
CREATE ROLE regress_order_reader;
GRANT USAGE ON SCHEMA app TO regress_order_reader;
GRANT SELECT (id, note), UPDATE (note) ON t TO regress_order_reader;
COMMENT ON COLUMN t."Big" IS 'large';
CREATE POLICY positive ON t USING (small > 0 OR flag);
CREATE PUBLICATION regress_order FOR TABLE t (id, note, flag) WHERE (id > 1);
CREATE VIEW named AS SELECT small, note, i AS id, y.x, f FROM t x(f, i) JOIN parent USING (p), LATERAL (SELECT parent.x) y;
CREATE VIEW everything AS SELECT * FROM t JOIN child ON child.t = t.id;
CREATE VIEW writable AS SELECT id, small, note FROM t WHERE flag;
CREATE VIEW counted AS SELECT id, (SELECT count(*) FROM t u WHERE u.p = t.p) AS n FROM t;
CREATE VIEW "natural" AS SELECT * FROM parent NATURAL JOIN t;
CREATE VIEW above AS WITH c AS (SELECT * FROM writable) SELECT c.id, q.small FROM c CROSS JOIN LATERAL (SELECT t.small FROM t WHERE t.id = c.id OFFSET 0) q;
GRANT CREATE ON SCHEMA app TO regress_order_reader;
SET ROLE regress_order_reader;
CREATE VIEW of_reader AS SELECT id, note FROM t;
RESET ROLE;
CREATE MATERIALIZED VIEW summed AS SELECT p, sum(small) AS s FROM t GROUP BY p;
INSERT INTO t (flag, small, "Big", p, note, up)
SELECT g % 2 = 0, g, g * 1000, 1 + g % 2, repeat('n', g), NULLIF(g - 1, 0) FROM generate_series(1, 300) g;
INSERT INTO child SELECT g, g FROM generate_series(1, 50) g;
ANALYZE t;
REFRESH MATERIALIZED VIEW summed;

-- What the catalog says of it by names, and what each view has.
CREATE FUNCTION definitions() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s', indexrelid::regclass, pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = 'app.t'::regclass
	UNION ALL SELECT format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE 'app.t'::regclass IN (conrelid, confrelid)
	UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'app.t'::regclass AND NOT tgisinternal AND tgname !~ 'pgmigrate'
	UNION ALL SELECT format('%s %s %s', stxname, (SELECT array_agg(attname ORDER BY attname) FROM pg_attribute WHERE attrelid = stxrelid AND attnum = ANY (stxkeys)),
		pg_get_statisticsobjdef_expressions(oid)) FROM pg_statistic_ext WHERE stxrelid = 'app.t'::regclass
	UNION ALL SELECT format('%s is not sorted', stxname) FROM pg_statistic_ext WHERE stxrelid = 'app.t'::regclass
		AND stxkeys::text <> (SELECT string_agg(k::text, ' ' ORDER BY k) FROM unnest(stxkeys::int2[]) k)
	UNION ALL SELECT format('%s %s', policyname, qual) FROM pg_policies WHERE tablename = 't'
	UNION ALL SELECT format('%s %s %s', pubname, (SELECT array_agg(n ORDER BY n) FROM unnest(attnames) n), rowfilter) FROM pg_publication_tables WHERE tablename = 't'
	UNION ALL SELECT format('%s %s %s %s %s %s %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attacl,
		attstattarget, attstorage, col_description(attrelid, attnum), pg_get_expr(adbin, adrelid))
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'app.t'::regclass AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT format('%s %s', oid::regclass, replace(pg_get_viewdef(oid), 'x(i, "Big", up, p, late, small, f, twice, note)', 'x(f, i, small, "Big", p, twice, note, up, late)'))
		FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'app'::regnamespace
	UNION ALL SELECT format('%s %s', ev_class::regclass, (SELECT array_agg(attname ORDER BY n) FROM pg_attribute, regexp_matches(ev_action::text,
		format(':resorigtbl %s :resorigcol (\d+)', attrelid), 'g') WITH ORDINALITY m (c, n) WHERE attrelid = 'app.t'::regclass AND attnum = c[1]::int))
		FROM pg_rewrite WHERE ev_action::text ~ 'resorigtbl'
	UNION ALL SELECT format('%s -> %s %s', pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype)
		FROM pg_depend WHERE 'app.t'::regclass IN (objid, refobjid) AND pg_describe_object(classid, objid, objsubid) !~ 'pgmigrate'
	UNION ALL SELECT format('%s %s', pg_describe_object(classid, objid, objsubid), refobjid::regrole) FROM pg_shdepend WHERE objid = 'app.t'::regclass AND deptype = 'a'
	UNION ALL SELECT format('sequence %s', pg_get_serial_sequence('app.t', 'id'))
	UNION ALL SELECT format('%s %s %s', tablename, attname, n_distinct) FROM pg_stats WHERE tablename = 't' AND attname IN ('p', 'flag')
$$;
CREATE FUNCTION contents() RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array('t', to_jsonb(t)) FROM t UNION ALL SELECT jsonb_build_array('named', to_jsonb(v)) FROM named v
	UNION ALL SELECT jsonb_build_array('everything', to_jsonb(v)) FROM everything v UNION ALL SELECT jsonb_build_array('writable', to_jsonb(v)) FROM writable v
	UNION ALL SELECT jsonb_build_array('counted', to_jsonb(v)) FROM counted v UNION ALL SELECT jsonb_build_array('natural', to_jsonb(v)) FROM "natural" v
	UNION ALL SELECT jsonb_build_array('above', to_jsonb(v)) FROM above v
$$;
CREATE FUNCTION columns() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.t'::regclass AND attnum > 0
$$;
CREATE TABLE was (d text);
CREATE TABLE had (c jsonb);
CREATE VIEW differs AS
	SELECT 'was' AS side, d FROM (TABLE was EXCEPT ALL SELECT * FROM definitions()) a UNION ALL
	SELECT 'is', d FROM (SELECT * FROM definitions() EXCEPT ALL TABLE was) b (d) UNION ALL
	SELECT 'had', c::text FROM (TABLE had EXCEPT ALL SELECT * FROM contents()) c UNION ALL
	SELECT 'has', c::text FROM (SELECT * FROM contents() EXCEPT ALL TABLE had) d (c);
INSERT INTO was SELECT * FROM definitions();
INSERT INTO had SELECT * FROM contents();
SELECT count(*) > 100 AS defined FROM was;
SELECT count(*) AS rows FROM had;
SELECT 't'::regclass::oid AS oid, pg_relation_filenode('t') AS file \gset

\set order 'ARRAY[''id'', ''Big'', ''up'', ''p'', ''late'', ''small'']'
SELECT relation_name, action FROM pgmigrate.rebuild('t', column_order => :order);
SELECT columns();
SELECT 't'::regclass::oid = :oid AS same_table, pg_relation_filenode('t') <> :file AS written_anew;
SELECT side, d FROM differs;
-- every path that goes by numbers: plans, triggers, foreign keys, views, the generated column
INSERT INTO t (small, "Big", p, note) VALUES (5, 123456789012, 1, 'new') RETURNING *;
UPDATE writable SET small = 9 WHERE id = 2;
SELECT * FROM t WHERE id = 2;
DELETE FROM parent WHERE p = 2;
SELECT count(*) FROM t WHERE p IS NULL;
INSERT INTO t (small, p) VALUES (1, 7);
INSERT INTO t (small, up) VALUES (1, 7000);
INSERT INTO t (small) VALUES (-1);
DELETE FROM t WHERE id = 50;
DELETE FROM t WHERE id = 300;
UPDATE t SET up = NULL WHERE up = 50;
DELETE FROM t WHERE id = 50;
SELECT count(*) FROM child;
SET ROLE regress_order_reader;
SELECT note FROM app.t WHERE id = 301;
SELECT "Big" FROM app.t WHERE id = 301;
SELECT note FROM app.of_reader WHERE id = 301;
RESET ROLE;
ANALYZE t;
REFRESH MATERIALIZED VIEW summed;
CREATE TABLE now AS SELECT c FROM contents() c;
-- the way back
SELECT relation, action FROM pgmigrate.revert(current_setting('app.first')::bigint);
SELECT columns();
SELECT count(*) AS lost FROM (TABLE now EXCEPT ALL SELECT * FROM contents()) a;
SELECT count(*) AS made FROM (SELECT * FROM contents() EXCEPT ALL TABLE now) a;
SELECT side, d FROM differs WHERE side IN ('was', 'is') AND d !~ '^t (p|flag)';
SELECT count(*) AS of_columns FROM pg_statistic_ext_data JOIN pg_statistic_ext e ON e.oid = stxoid WHERE stxrelid = 't'::regclass;
UPDATE writable SET small = 10 WHERE id = 2;
SELECT * FROM t WHERE id = 2;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pgmigrate\_online%';

-- Finalized, and once more: the same file as of a table that was made so.
SELECT action FROM pgmigrate.rebuild('t', column_order => :order);
SELECT action FROM pgmigrate.finalize();
SELECT columns();
SELECT action FROM pgmigrate.rebuild('t', column_order => '{flag, late}');
SELECT columns();
SELECT action FROM pgmigrate.finalize();

-- What its columns themselves depend on.
CREATE DOMAIN amount AS int;
CREATE TABLE of_domain (a amount, b int PRIMARY KEY);
SELECT action FROM pgmigrate.rebuild('of_domain', column_order => '{b}');
DROP DOMAIN amount CASCADE;
SELECT attname FROM pg_attribute WHERE attrelid = 'of_domain'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT action FROM pgmigrate.finalize();

-- Rows by an index, or by a list.
CREATE INDEX t_posix ON t (note COLLATE "POSIX" DESC);
SELECT action FROM pgmigrate.rebuild('t', order_by => 't_posix');
SELECT details->>'order_by' AS order_by, (SELECT count(*) FROM pg_class WHERE relname = 'pgm order') AS places FROM pgmigrate.operation ORDER BY id DESC LIMIT 1;
SELECT action FROM pgmigrate.finalize();
DROP INDEX t_posix;
-- Also by an index that sorts by the operators of another operator class.
CREATE FUNCTION turned(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.btint4cmp($2, $1)';
CREATE OPERATOR CLASS turned_ops FOR TYPE int USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 turned(int, int);
CREATE TABLE turned (id int PRIMARY KEY, a int, b text);
CREATE INDEX turned_a ON turned (a turned_ops NULLS FIRST, b text_pattern_ops DESC);
INSERT INTO turned SELECT g, nullif(g % 7, 3), g FROM generate_series(1, 100) g;
SELECT action FROM pgmigrate.rebuild('turned', order_by => 'turned_a');
SELECT details->>'order_by' AS order_by FROM pgmigrate.operation ORDER BY id DESC LIMIT 1;
SELECT array_agg(id ORDER BY ctid) = array_agg(id ORDER BY a DESC NULLS FIRST, b COLLATE "C" DESC) AS ordered FROM turned;
SELECT action FROM pgmigrate.finalize();
SELECT action FROM pgmigrate.rebuild('t', order_by => 't_small');
SELECT array_agg(small ORDER BY ctid) = array_agg(small ORDER BY small DESC) AS ordered FROM t;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT array_agg(small ORDER BY ctid) = array_agg(small ORDER BY small DESC) AS ordered FROM t;
SELECT action FROM pgmigrate.rebuild('t', 'ALTER late TYPE bigint', order_by => 'note DESC NULLS LAST, id');
SELECT array_agg(id ORDER BY ctid) = array_agg(id ORDER BY note DESC NULLS LAST, id) AS ordered, pg_typeof(min(late)) FROM t;
SELECT action FROM pgmigrate.finalize();
SELECT action FROM pgmigrate.rebuild('t', column_order => '{note}', order_by => 'id % 7, id');
SELECT array_agg(id ORDER BY ctid) = array_agg(id ORDER BY id % 7, id) AS ordered FROM t;
SELECT action FROM pgmigrate.finalize();
SELECT columns();

-- What is not right.
\set VERBOSITY terse
SELECT pgmigrate.rebuild('t', column_order => '{nowhere}');
SELECT pgmigrate.rebuild('t', column_order => '{id, p, id}');
SELECT pgmigrate.rebuild('t', column_order => '{id, NULL}');
SELECT pgmigrate.rebuild('t', column_order => '{ctid}');
SELECT pgmigrate.rebuild('t', 'ALTER p TYPE bigint', column_order => '{id}');
SELECT pgmigrate.rebuild('t', order_by => 'id LIMIT 1');
SELECT pgmigrate.rebuild('t', order_by => 'id; DROP TABLE t');
SELECT pgmigrate.rebuild('t', order_by => '');
SELECT pgmigrate.rebuild('t', order_by => 'nowhere');
SELECT pgmigrate.rebuild('t', order_by => 'id / (id - 7)');
\set VERBOSITY default
CREATE FUNCTION all_of_t() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM app.t';
CREATE VIEW of_function AS SELECT id FROM all_of_t();
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP VIEW of_function;
CREATE VIEW of_field AS SELECT (r.t).small FROM (SELECT t FROM t OFFSET 0) r;
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP VIEW of_field;
-- the columns of a join with a name go by their places; they would be others in a dump
CREATE VIEW of_join AS SELECT j.b FROM (t CROSS JOIN (VALUES (1)) AS v) AS j (a, b);
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP VIEW of_join;
CREATE VIEW of_join AS SELECT j.d FROM (t AS x CROSS JOIN (VALUES (1)) AS v CROSS JOIN (VALUES (2)) AS w) AS j (a, d);
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP VIEW of_join;
CREATE FUNCTION with_body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT max(id) FROM t; END;
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP FUNCTION with_body();
CREATE RULE quiet AS ON DELETE TO t DO ALSO NOTHING;
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP RULE quiet ON t;
CREATE DOMAIN of_row AS t CHECK ((VALUE).small > 0);
SELECT pgmigrate.rebuild('t', column_order => '{small}');
ALTER DOMAIN of_row DROP CONSTRAINT of_row_check;
CREATE TABLE holder (r of_row);
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP TABLE holder;
DROP DOMAIN of_row;
CREATE TABLE holder (n int DEFAULT (NULL::t).small);
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP TABLE holder;
CREATE FUNCTION no_row() RETURNS t LANGUAGE sql BEGIN ATOMIC SELECT NULL::t; END;
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP FUNCTION no_row();
CREATE VIEW of_constant AS SELECT to_jsonb('(,,,,,,,,)'::t) AS r;
SELECT pgmigrate.rebuild('t', column_order => '{small}');
DROP VIEW of_constant;
CREATE TABLE parted (a int PRIMARY KEY, b int) PARTITION BY RANGE (a);
CREATE TABLE part PARTITION OF parted DEFAULT;
SELECT pgmigrate.rebuild('part', column_order => '{b}');
SELECT pgmigrate.rebuild('parted', column_order => '{b}');
SELECT columns();
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pgmigrate\_online%';

-- What is constant in a CHECK, an index or a key is computed, here by a function that needs a snapshot.
CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT 1';
CREATE TABLE by_function (id int PRIMARY KEY, v int CHECK (app.one() = 1));
CREATE INDEX ON by_function (v) WHERE app.one() = 1;
INSERT INTO by_function VALUES (1, 1), (2, 2);
SELECT action FROM pgmigrate.rebuild('by_function', order_by => 'app.one(), id DESC');
SELECT * FROM by_function;
CREATE TABLE key_by_function (id int, v int) PARTITION BY RANGE ((app.one() + id));
CREATE TABLE key_by_function_1 PARTITION OF key_by_function FOR VALUES FROM (0) TO (100);
INSERT INTO key_by_function VALUES (1, 1), (2, 2);
\connect
SELECT state FROM pgmigrate.backfill('app.key_by_function', 'v = 3', 'v < 3');
SELECT state FROM pgmigrate.backfill('app.key_by_function', 'id = 3', 'v = 3');

DROP PUBLICATION regress_order;
SET client_min_messages = error;
DROP SCHEMA app CASCADE;
DROP ROLE regress_order_reader;
