/*
 * A column was changed by way of another one, and is to be what it was: indexes
 * that were made since are built on the old column, and what was dropped since
 * refuses nobody meanwhile.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA made;
SET search_path = made, public;
SET pgmigrate.online_threshold = 0;
SET pgmigrate.online_method = 'column';
CREATE TABLE t (id int, v int UNIQUE CONSTRAINT positive CHECK (v > -100), w int);
CREATE UNIQUE INDEX t_vw ON t (v, w);
CREATE TABLE below (extra text) INHERITS (t);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 100) g;
INSERT INTO below SELECT g, g, g FROM generate_series(201, 300) g;
CREATE VIEW form AS SELECT i.indrelid::regclass AS relation, relname AS index,
	regexp_replace(pg_get_indexdef(indexrelid), '.* USING ', CASE WHEN indisunique THEN 'unique ' ELSE '' END) AS on,
	attname AS column, format_type(atttypid, -1) AS type, indisvalid AS valid, (SELECT contype FROM pg_constraint WHERE conindid = indexrelid) AS constraint
FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_attribute a ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid IN ('made.t'::regclass, 'made.below'::regclass);
CREATE VIEW checks AS SELECT conrelid::regclass, regexp_replace(conname, '\d+', 'N', 'g') AS name FROM pg_constraint WHERE contype = 'c' AND conrelid IN ('made.t'::regclass, 'made.below'::regclass);
CREATE TABLE before AS TABLE form;
SELECT pgmigrate.revision('change', 'ALTER TABLE made.t ALTER v TYPE bigint', 'ALTER TABLE made.t ALTER v TYPE int', id => 'change');
SELECT state FROM pgmigrate.upgrade('head');

-- only one of two unique indexes is asked; both are again after the way back
SELECT relation, regexp_replace(index, '\d+', 'N', 'g') AS index, regexp_replace("on", 'pgmigrate_\d+', 'pgmigrate_N') AS on, type, "constraint" FROM form ORDER BY 1, 2, 3;
INSERT INTO t VALUES (1, 1, 1);
CREATE INDEX t_wv ON t (w, v DESC) WHERE w > 5;
ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (v, id);
COMMENT ON CONSTRAINT t_u ON t IS 'new';
CREATE INDEX below_v ON below (v) INCLUDE (extra);
INSERT INTO t VALUES (101, 101, 1);
-- REINDEX leaves others, also of the old column
SELECT count(*) FROM form WHERE index ~ '^pgmigrate';
SELECT format('REINDEX TABLE CONCURRENTLY %s', t) FROM unnest('{t,below}'::regclass[]) AS t \gexec
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form EXCEPT TABLE before ORDER BY 1, 2;
TABLE before EXCEPT TABLE form;
SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 't_u';
INSERT INTO t VALUES (102, 101, 1);
SET enable_seqscan = off;
SELECT id FROM ONLY t WHERE v = 101;
RESET enable_seqscan;

-- what was dropped since refuses no row, nor does one of its double
DROP INDEX t_wv, below_v;
ALTER TABLE t DROP CONSTRAINT t_u;
SELECT state FROM pgmigrate.upgrade('head');
TABLE checks ORDER BY 1, 2;
ALTER TABLE t DROP CONSTRAINT positive, DROP CONSTRAINT t_v_key;
DROP INDEX CONCURRENTLY t_vw;
TABLE checks ORDER BY 1, 2;
INSERT INTO t VALUES (1, 1, 1), (1, -500, 1);
INSERT INTO below VALUES (1, -500, 1);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form ORDER BY 1, 2;
TABLE checks ORDER BY 1, 2;
SELECT tableoid::regclass, id, v, pg_typeof(v) FROM t WHERE v IN (1, -500) ORDER BY 1, 2, 3;

-- unique or not is what it is in the end
DELETE FROM t WHERE v IN (1, -500);
CREATE INDEX t_v ON t (v);
CREATE UNIQUE INDEX t_vw ON t (v, w);
SELECT state FROM pgmigrate.upgrade('head');
DROP INDEX t_v, t_vw;
CREATE UNIQUE INDEX t_v ON t (v);
CREATE INDEX t_vw ON t (v, w);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT * FROM form ORDER BY 1, 2;
SELECT state FROM pgmigrate.upgrade('head');
SELECT count(*) FROM pgmigrate.finalize();
SELECT * FROM form ORDER BY 1, 2;
DROP TABLE t, below CASCADE;

-- what the old type has no operators for, what computes, and what different values may come together in
CREATE TABLE o (id int PRIMARY KEY, v text, w text);
INSERT INTO o SELECT g, g::text || '.5', g FROM generate_series(1, 10) g;
SELECT pgmigrate.revision('o', 'ALTER TABLE made.o ALTER v TYPE numeric USING v::numeric, ALTER w TYPE bigint USING w::bigint', 'ALTER TABLE made.o ALTER v TYPE text, ALTER w TYPE text', id => 'o');
SELECT state FROM pgmigrate.upgrade('head');
SELECT operation AS op FROM pgmigrate.operations WHERE revision = 'o' \gset
CREATE INDEX o_v ON o (v, w);
CREATE INDEX o_ops ON o USING brin (w int8_minmax_multi_ops);
SELECT state FROM pgmigrate.downgrade('-1');
-- what was built before it was refused is not left
SELECT count(*) AS built FROM pg_class WHERE relname ~ ('^pgmigrate_' || :op || '_\d\d+$');
DROP INDEX o_v, o_ops;
CREATE INDEX o_some ON o (v) WHERE v > 3;
SELECT state FROM pgmigrate.downgrade('-1');
DROP INDEX o_some;
CREATE UNIQUE INDEX o_u ON o (v);
SELECT state FROM pgmigrate.downgrade('-1');
DROP INDEX o_u;
CREATE INDEX o_w ON o (w);
-- in a transaction of the caller nothing is built
SELECT action FROM pgmigrate.revert(:op);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'o'::regclass ORDER BY 1;
SELECT pg_typeof(v), pg_typeof(w) FROM o LIMIT 1;

-- one that looks later is not what was there before
CREATE TABLE later (v int CONSTRAINT later_u UNIQUE);
INSERT INTO later VALUES (1);
SELECT pgmigrate.revision('later', 'ALTER TABLE made.later ALTER v TYPE bigint', 'ALTER TABLE made.later ALTER v TYPE int', id => 'later');
SELECT state FROM pgmigrate.upgrade('later');
ALTER TABLE later DROP CONSTRAINT later_u, ADD CONSTRAINT later_u UNIQUE (v) DEFERRABLE;
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE later DROP CONSTRAINT later_u, ADD CONSTRAINT later_u UNIQUE (v);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT pg_get_constraintdef(oid), condeferrable FROM pg_constraint WHERE conname = 'later_u';

-- an index that lets one null in only has no way back, for what does not fit is null
CREATE TABLE alike (v int);
CREATE UNIQUE INDEX alike_v ON alike (v) NULLS NOT DISTINCT;
INSERT INTO alike VALUES (1);
SELECT pgmigrate.revision('alike', 'ALTER TABLE made.alike ALTER v TYPE bigint', id => 'alike');
SELECT state FROM pgmigrate.upgrade('alike');
SELECT count(*), bool_and(indisunique) AS unique FROM pg_index WHERE indrelid = 'alike'::regclass;

-- nor has one that takes words for the same that the new column tells apart, or what nothing proves
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE words (w text COLLATE loose UNIQUE, x text UNIQUE);
CREATE TABLE others (v int UNIQUE, w int);
INSERT INTO words VALUES ('a', 'a');
INSERT INTO others VALUES (1, 10);
SELECT pgmigrate.revision('words', 'ALTER TABLE made.words ALTER w TYPE text COLLATE "C"; ALTER TABLE made.others ALTER v TYPE bigint USING w', id => 'words');
SELECT revision FROM pgmigrate.upgrade('head');
SELECT relation, strategy FROM pgmigrate.operations WHERE revision = 'words' ORDER BY 1;
SELECT indrelid::regclass, count(*), count(*) FILTER (WHERE indisunique) AS unique FROM pg_index WHERE indrelid IN ('words'::regclass, 'others'::regclass) GROUP BY 1 ORDER BY 1;

-- what has the name of a double that was dropped is not taken for it
CREATE TABLE taken (id int, v int);
CREATE INDEX taken_v ON taken (v);
SELECT pgmigrate.revision('taken', 'ALTER TABLE made.taken ALTER v TYPE bigint', 'ALTER TABLE made.taken ALTER v TYPE int', id => 'taken');
SELECT state FROM pgmigrate.upgrade('taken');
SELECT relname AS double FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'taken'::regclass AND relname ~ '^pgmigrate' \gset
DROP INDEX :double;
CREATE TABLE :double (a int);
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT count(*) AS tables FROM pg_class WHERE relname = :'double' AND relkind = 'r';
SELECT pg_get_indexdef('taken_v'::regclass);
-- nor is an index of another table for one that is to be built
CREATE TABLE other (a int);
SELECT format('pgmigrate_%s_%s', 1 + max(operation), 'taken_v'::regclass::oid) AS double FROM pgmigrate.operations \gset
CREATE INDEX :double ON other (a);
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.upgrade('taken');
\set VERBOSITY default
SELECT count(*) FROM pg_index WHERE indrelid = 'other'::regclass AND indexrelid = :'double'::regclass;
DROP TABLE other;
SELECT state FROM pgmigrate.upgrade('taken');
SELECT state FROM pgmigrate.downgrade('-1');

-- an index is known by what it is on, not by the text of it: one name of ours begins with another, and a name has a word of the command
SELECT pgmigrate.remove('taken');
SELECT format('CREATE TABLE known (%s)', string_agg('c' || n || ' int', ', ' ORDER BY n)) FROM generate_series(1, 21) AS n \gexec
ALTER TABLE known RENAME c2 TO first;
ALTER TABLE known RENAME c21 TO second;
INSERT INTO known SELECT g, g FROM generate_series(1, 10) AS g;
CREATE INDEX "first USING btree" ON known (first);
CREATE INDEX second_part ON known (second) WHERE first > 0;
CREATE TABLE were AS SELECT indexrelid, indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'known'::regclass;
SELECT pgmigrate.revision('known', 'ALTER TABLE made.known ALTER first TYPE bigint, ALTER second TYPE bigint', 'ALTER TABLE made.known ALTER first TYPE int, ALTER second TYPE int', id => 'known');
SELECT state FROM pgmigrate.upgrade('known');
REINDEX INDEX CONCURRENTLY "first USING btree";
REINDEX INDEX CONCURRENTLY second_part;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT name, i.indisvalid, i.indexrelid IS NOT NULL AS same FROM were LEFT JOIN pg_index i USING (indexrelid) ORDER BY 1;
SELECT count(*) FROM pg_index WHERE indrelid = 'known'::regclass;
-- a name makes nothing ours: what the user has called so stays, on the way back and at the end
CREATE TABLE named (id int, v int, w int);
CREATE INDEX named_v ON named (v);
INSERT INTO named VALUES (1, 1, 1);
CREATE FUNCTION take_names(op bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE INDEX %I ON named (w)', 'pgmigrate_' || op || '_1');
	EXECUTE format('ALTER TABLE named ADD %I int, ADD CONSTRAINT %I CHECK (w > 0)', 'pgmigrate_' || op || '_99', '~pgmigrate_' || op || '_2');
END $$;
CREATE VIEW names AS SELECT regexp_replace(name, '_\d+_', '_N_') AS name FROM (
	SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'named'::regclass
	UNION ALL SELECT conname FROM pg_constraint WHERE conrelid = 'named'::regclass
	UNION ALL SELECT attname FROM pg_attribute WHERE attrelid = 'named'::regclass AND attnum > 0 AND NOT attisdropped) AS u (name) ORDER BY 1;
SELECT pgmigrate.revision('named', 'ALTER TABLE made.named ALTER v TYPE bigint', 'ALTER TABLE made.named ALTER v TYPE int', id => 'named');
SELECT state FROM pgmigrate.upgrade('named');
SELECT max(operation) AS op FROM pgmigrate.operations \gset
SELECT take_names(:op);
DROP INDEX named_v;
SELECT count(*) AS of_the_old_column FROM pg_index WHERE indrelid = 'named'::regclass AND 2 = ANY (indkey);
SELECT state FROM pgmigrate.downgrade('-1');
TABLE names;
SELECT state FROM pgmigrate.upgrade('named');
SELECT max(operation) AS op FROM pgmigrate.operations \gset
SELECT take_names(:op);
SELECT action FROM pgmigrate.finalize(:op);
TABLE names;
-- nor is it built under a name that something else has
CREATE INDEX named_w ON named (w);
SELECT pgmigrate.revision('squat', 'ALTER TABLE made.named ALTER v TYPE numeric', 'ALTER TABLE made.named ALTER v TYPE bigint', id => 'squat');
SELECT state FROM pgmigrate.upgrade('squat');
SELECT max(operation) AS op FROM pgmigrate.operations \gset
CREATE INDEX named_v ON named (v);
SELECT format('pgmigrate_%s_%s', :op, 'named_v'::regclass::oid) AS double \gset
CREATE INDEX :double ON named (w);
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.downgrade('-1');
\set VERBOSITY default
SELECT count(*) FROM pg_class WHERE relname = :'double';

-- nor is what has the name of a double that was dropped
CREATE TABLE squatted (id int, v int, w int);
CREATE INDEX squatted_v ON squatted (v);
INSERT INTO squatted VALUES (1, 1, 1);
SELECT 'squatted_v'::regclass::oid AS was \gset
SELECT pgmigrate.revision('squatted', 'ALTER TABLE made.squatted ALTER v TYPE bigint', 'ALTER TABLE made.squatted ALTER v TYPE int', id => 'squatted');
SELECT revision, state FROM pgmigrate.upgrade('squatted');
SELECT format('pgmigrate_%s_%s', max(operation), :was) AS double FROM pgmigrate.operations \gset
DROP INDEX :double;
CREATE INDEX :double ON squatted (w);
SELECT state FROM pgmigrate.downgrade('-1');
SELECT indkey FROM pg_index WHERE indexrelid = 'squatted_v'::regclass;
-- which stays as it is
SELECT indkey FROM pg_index WHERE indexrelid = :'double'::regclass;
DROP INDEX :double;

-- nor is it taken for one that a run before had begun, and was stopped
SELECT state FROM pgmigrate.upgrade('squatted');
CREATE INDEX squatted_vw ON squatted (v, w);
SELECT max(operation) AS op, format('pgmigrate_%s_%s', max(operation), 'squatted_vw'::regclass::oid) AS double FROM pgmigrate.operations \gset
UPDATE pgmigrate.operation SET details = details || jsonb_build_object('built ' || :'double', true) WHERE id = :op;
CREATE INDEX :double ON squatted (w);
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.downgrade('-1');
\set VERBOSITY default
SELECT indkey FROM pg_index WHERE indexrelid = :'double'::regclass;
ALTER INDEX :double RENAME TO of_the_user;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT c.relname, i.indkey FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'squatted'::regclass ORDER BY 1;
DROP SCHEMA made CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
