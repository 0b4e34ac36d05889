/*
 * What is kept for the way back of an online change computes with values of
 * another type than the table does, or has a null where a value does not fit.
 * No writer may fail for it.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA nobody;
SET search_path = nobody, public;
SET pgmigrate.online_threshold = 0;
-- by a column: an index, a check, and both with another column
SET pgmigrate.online_method = 'column';
CREATE TABLE computed (v int CHECK (v * 100 > -5), w int, x text, CHECK (v BETWEEN 0 AND 2147483647 AND v NOT IN (7, 8) OR w IS NULL));
CREATE INDEX computed_v ON computed ((v * 1000)) WHERE v * 1000 > 0;
CREATE UNIQUE INDEX computed_vw ON computed ((v + w)) WHERE v IN (1, 2, 3);
CREATE INDEX computed_part ON computed (w) WHERE v > 5;
INSERT INTO computed SELECT g, g, 'x' FROM generate_series(1, 6) g;
SELECT pgmigrate.revision('computed', 'ALTER TABLE nobody.computed ALTER v TYPE bigint', 'ALTER TABLE nobody.computed ALTER v TYPE int', id => 'computed');
SELECT state FROM pgmigrate.upgrade('computed');
SELECT operation AS op FROM pgmigrate.operations WHERE revision = 'computed' \gset
SELECT 'pgmigrate_online_' || :op AS schema, 'pgmigrate_' || :op || '_1' AS old \gset
INSERT INTO computed (v, w, x) VALUES (10, 10, 'fits'), (10000000, 11, 'index'), (100000000, 12, 'check'), (3000000000, NULL, 'range');
UPDATE computed SET w = 2147483647 WHERE v = 3;
UPDATE computed SET x = 'other' WHERE v = 2;
SELECT v, w, x, :"old" AS old FROM computed ORDER BY v;
SELECT key FROM :schema."pgm unfit" ORDER BY key;
SELECT state FROM pgmigrate.downgrade('-1');
-- what fits again is no more in the way
UPDATE computed SET w = 3 WHERE v = 3;
UPDATE computed SET v = 9 WHERE x <> 'x' AND v > 10;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT v, w, x, pg_typeof(v) FROM computed ORDER BY v, w;
DROP TABLE computed;
SELECT pgmigrate.remove('computed');

-- a null of what does not fit must be allowed, or there is no way back
CREATE TABLE parent (v bigint, w int, PRIMARY KEY (v, w));
CREATE TABLE distinct_nulls (v int UNIQUE, w int);
CREATE TABLE same_nulls (v int UNIQUE NULLS NOT DISTINCT, w int);
CREATE TABLE coalesced (v int, w int);
CREATE UNIQUE INDEX ON coalesced (coalesce(v, -1));
CREATE TABLE some_nulls (v int, w int);
CREATE UNIQUE INDEX ON some_nulls (w) WHERE w > 0 AND v IS NULL;
CREATE TABLE checked (v int CHECK (v IS NOT NULL), w int);
CREATE TABLE allowed (v int, w int, CHECK (v IS NULL OR v > 0 AND w IS NOT NULL));
CREATE TABLE denied (v int, w int, CHECK (NOT (v IS NULL OR v < -5)));
CREATE TABLE referring (v int, w int, FOREIGN KEY (v, w) REFERENCES parent MATCH FULL);
CREATE TABLE pairs (v int, w int, FOREIGN KEY (v, w) REFERENCES parent);
INSERT INTO parent VALUES (3000000000, 1), (4000000000, 1);
SELECT pgmigrate.revision('nulls', string_agg(format('ALTER TABLE nobody.%I ALTER v TYPE bigint', t), ';'), string_agg(format('ALTER TABLE nobody.%I ALTER v TYPE int', t), ';'), id => 'nulls')
FROM unnest('{distinct_nulls,same_nulls,coalesced,some_nulls,checked,allowed,denied,referring,pairs}'::text[]) AS t;
SELECT relation, rule, substring(message, 'new values that do not fit.*?allow') AS reason FROM pgmigrate.assess('nulls') WHERE rule ~ 'way-back' ORDER BY 1, 2;
SELECT state FROM pgmigrate.upgrade('nulls');
SELECT relation, state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'nulls' ORDER BY 1;
INSERT INTO distinct_nulls (v, w) TABLE parent;
INSERT INTO same_nulls (v, w) TABLE parent;
INSERT INTO coalesced (v, w) TABLE parent;
INSERT INTO some_nulls (v, w) TABLE parent;
INSERT INTO checked (v, w) TABLE parent;
INSERT INTO allowed (v, w) TABLE parent;
INSERT INTO denied (v, w) TABLE parent;
INSERT INTO referring (v, w) TABLE parent;
INSERT INTO pairs (v, w) TABLE parent;
-- nor is it prepared where a writer would meet it
SELECT pgmigrate.revision('narrow', string_agg(format('ALTER TABLE nobody.%I ALTER v TYPE int', t), ';'), id => 'narrow')
FROM unnest('{same_nulls,coalesced,checked}'::text[]) AS t;
SELECT DISTINCT relation, substring(a::text, 'values that do not fit.*?allow') AS reason FROM pgmigrate.assess('narrow') AS a WHERE a::text ~ 'nor is a shadow column' ORDER BY 1;
SELECT pgmigrate.remove('narrow');

-- nothing at all makes the old value: no way back, and no crash
CREATE TABLE days (v int);
INSERT INTO days VALUES (1);
SELECT pgmigrate.revision('days', 'ALTER TABLE nobody.days ALTER v TYPE date USING date ''2026-01-01'' + v', id => 'days');
SELECT state FROM pgmigrate.upgrade('days');
SELECT state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'days';
-- USING that reads a column which changes too is not proven within a row
CREATE TABLE two (a int, b int);
INSERT INTO two VALUES (1, 5);
SELECT pgmigrate.revision('two', 'ALTER TABLE nobody.two ALTER a TYPE bigint USING CASE WHEN b > 0 THEN a ELSE a * 100 END, ALTER b TYPE bigint', id => 'two');
SELECT state FROM pgmigrate.upgrade('two');
SELECT state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'two';

-- by a table: what is computed in the same words
SET pgmigrate.online_method = 'table';
CREATE TABLE beside (id int PRIMARY KEY, v int CHECK (v * 100 > -5));
CREATE INDEX ON beside ((v * 1000));
INSERT INTO beside SELECT g, g FROM generate_series(1, 3) g;
CREATE TABLE half (id int PRIMARY KEY, v int);
CREATE INDEX ON half (id) WHERE v * 1000 > 0;
SELECT pgmigrate.revision('beside', 'ALTER TABLE nobody.beside ALTER v TYPE bigint; ALTER TABLE nobody.half ALTER v TYPE bigint', 'ALTER TABLE nobody.half ALTER v TYPE int; ALTER TABLE nobody.beside ALTER v TYPE int', id => 'beside');
SELECT state FROM pgmigrate.upgrade('beside');
INSERT INTO beside VALUES (4, 10000000), (5, 100000000);
INSERT INTO half VALUES (4, 10000000);
SELECT state FROM pgmigrate.downgrade('-1');
DELETE FROM half;
SELECT state FROM pgmigrate.downgrade('-1');
DELETE FROM beside WHERE id > 3;
SELECT state FROM pgmigrate.downgrade('-1');
SELECT *, pg_typeof(v) FROM beside ORDER BY 1;

-- what an index or a check computes with the old column and with a generated one
CREATE FUNCTION part(int, int) RETURNS int LANGUAGE sql STRICT IMMUTABLE AS 'SELECT 100 / $1 + $2';
CREATE FUNCTION part(bigint, int) RETURNS bigint LANGUAGE sql STRICT IMMUTABLE AS 'SELECT $1';
CREATE TABLE generated (v int, w int, g int GENERATED ALWAYS AS (w * 2) STORED, CHECK (v * 1000 + g > 0), CHECK (part(v, g) >= 0));
CREATE INDEX ON generated ((v * 1000 + g));
CREATE INDEX ON generated (w) WHERE v * 1000 > g;
INSERT INTO generated SELECT g, g FROM generate_series(1, 5) g;
-- and a unique one by a function that is another for the new type
CREATE TABLE overloaded (v int, w int);
CREATE UNIQUE INDEX ON overloaded (part(v, w));
INSERT INTO overloaded SELECT g, 100 * g FROM generate_series(1, 5) g;
SELECT pgmigrate.revision('other columns', 'ALTER TABLE nobody.generated ALTER v TYPE bigint; ALTER TABLE nobody.overloaded ALTER v TYPE bigint', 'ALTER TABLE nobody.overloaded ALTER v TYPE int; ALTER TABLE nobody.generated ALTER v TYPE int', id => 'others');
SELECT relation, rule, substring(message, 'reverted: (.*)') AS reason FROM pgmigrate.assess('others') WHERE rule ~ 'way-back' ORDER BY 1, 2;
SELECT state FROM pgmigrate.upgrade('others');
SELECT relation, method, state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'others' ORDER BY 1;
INSERT INTO generated (v, w) VALUES (2147483, 1000000), (3000000000, 7), (9, 9);
UPDATE generated SET w = 1000000000 WHERE v = 2;
UPDATE generated SET v = 2147483, w = 500000 WHERE v = 3;
UPDATE generated SET w = 8 WHERE v = 4;
INSERT INTO overloaded (v, w) VALUES (51, 0), (52, 0), (53, 0);
SELECT operation AS op FROM pgmigrate.operations WHERE revision = 'others' AND relation = 'nobody.generated' \gset
\set VERBOSITY terse
SELECT action FROM pgmigrate.revert(:op);
\set VERBOSITY default
SELECT action FROM pgmigrate.revert(:op, without_unfit => true);
SELECT v, w, g FROM generated ORDER BY w;

DROP SCHEMA nobody CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
