/*
 * A change of type in a revision goes by way of a shadow table: the downgrade
 * takes it back with what was written since, until it is finalized.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE accounts (id int PRIMARY KEY, v int NOT NULL DEFAULT 5, t text, vc varchar(10));
CREATE INDEX accounts_v ON accounts (v);
INSERT INTO accounts SELECT g, g, repeat('x', g % 10) FROM generate_series(1, 2000) g;
CREATE TABLE twin (LIKE accounts INCLUDING ALL);
SELECT pgmigrate.revision('wide', 'ALTER TABLE accounts ALTER COLUMN v TYPE bigint', 'ALTER TABLE accounts ALTER COLUMN v TYPE int', id => 'b1');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT 'accounts'::regclass::oid AS before \gset
SELECT revision, state FROM pgmigrate.upgrade();
SELECT 'accounts'::regclass::oid = :before AS same_oid, atttypid::regtype FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attname = 'v';
SELECT revision, statement, relation, strategy, method, state, differences FROM pgmigrate.operations;
SELECT (details->>'held_ms')::numeric > 0 AND (details->>'held_cpu_ms')::numeric >= 0 AS says_how_long_it_locked FROM pgmigrate.operations;

-- written since, and taken back: values that were there before come back too
INSERT INTO accounts VALUES (6000, 7, 'new');
UPDATE accounts SET v = 99 WHERE id = 1;
DELETE FROM accounts WHERE id = 2;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attname = 'v';
SELECT count(*), sum(v), max(v) FILTER (WHERE id = 1) AS changed, max(t) FILTER (WHERE id = 6000) AS new FROM accounts;
SELECT (details->>'back_held_ms')::numeric > 0 AND (details->>'back_held_cpu_ms')::numeric >= 0 AS says_how_long_it_locked FROM pgmigrate.operations;
SELECT state FROM pgmigrate.operations ORDER BY operation;

-- again, and for good: the end is that of the plain statement
SELECT revision, state FROM pgmigrate.upgrade();
SELECT relation, action FROM pgmigrate.finalize();
SELECT state FROM pgmigrate.operations ORDER BY operation;
ALTER TABLE twin ALTER COLUMN v TYPE bigint;
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a WHERE a.attrelid = 'accounts'::regclass AND a.attnum > 0
EXCEPT SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a WHERE a.attrelid = 'twin'::regclass AND a.attnum > 0;
SELECT indexrelid::regclass, indisvalid, indisready FROM pg_index WHERE indrelid = 'accounts'::regclass ORDER BY 1;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'accounts'::regclass;
SET enable_seqscan = off;
SELECT id FROM accounts WHERE v = 99;

-- what writes no row anew is no reason for a copy
SELECT pgmigrate.revision('longer', 'ALTER TABLE accounts ALTER COLUMN vc TYPE varchar(20); ALTER TABLE accounts ALTER COLUMN vc TYPE text', id => 'b2');
-- without a key there is one column beside instead
CREATE TABLE heap (v int);
SELECT pgmigrate.revision('no key', 'ALTER TABLE heap ALTER COLUMN v TYPE bigint', id => 'b3');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
-- nor a NOT NULL, since 18, that holds for new rows only: the old ones would not fit
CREATE TABLE loose (id int PRIMARY KEY, a int, v int);
INSERT INTO loose SELECT g, nullif(g % 3, 0), g FROM generate_series(1, 300) g;
SELECT current_setting('server_version_num')::int >= 180000 AS has_not_valid \gset
\if :has_not_valid
ALTER TABLE loose ADD CONSTRAINT loose_a NOT NULL a NOT VALID;
\endif
SELECT pgmigrate.revision('loose', 'ALTER TABLE loose ALTER COLUMN v TYPE bigint', id => 'b4');
SELECT (strategy = 'shadow table') <> :'has_not_valid'::boolean AS right_way FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*), count(a), sum(v), min(pg_typeof(v)::text) FROM loose;
SELECT (count(*) = 0) = :'has_not_valid'::boolean AS finalized FROM pgmigrate.finalize() WHERE relation::text ~ 'loose';
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';

-- a NOT NULL that is NOT VALID is validated, with the name that it has
CREATE TABLE unproven (id int PRIMARY KEY, a int);
INSERT INTO unproven SELECT g, g FROM generate_series(1, 300) g;
\if :has_not_valid
ALTER TABLE unproven ADD CONSTRAINT unproven_a NOT NULL a NOT VALID;
\endif
SELECT hint LIKE '%VALIDATE CONSTRAINT%' AS beside FROM pgmigrate.lint('ALTER TABLE unproven ALTER a SET NOT NULL') WHERE rule = 'set-not-null';
SELECT pgmigrate.revision('unproven', 'ALTER TABLE unproven ALTER a SET NOT NULL', id => 'b5');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT attnotnull, (SELECT count(*) FROM pg_constraint WHERE conrelid = attrelid AND (conname = 'unproven_a') = :'has_not_valid' AND contype <> 'p' AND convalidated) = :'has_not_valid'::boolean::int AS proven
FROM pg_attribute WHERE attrelid = 'unproven'::regclass AND attname = 'a';

-- a table and an index in another tablespace: as it is written, no more and no less
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_pgm_online LOCATION '';
CREATE SCHEMA moved;
CREATE TABLE moved.a (id int PRIMARY KEY, v text, x text COLLATE "C");
INSERT INTO moved.a SELECT g, 'v' || g, repeat('x', g) FROM generate_series(1, 500) g;
CREATE INDEX a_v ON moved.a (lower(v), id) WITH (fillfactor = 70) WHERE id > 3;
CREATE INDEX a_there ON moved.a (x) TABLESPACE regress_pgm_online;
ALTER INDEX moved.a_v ALTER COLUMN 1 SET STATISTICS 77;
COMMENT ON INDEX moved.a_v IS 'moved';
ALTER TABLE moved.a CLUSTER ON a_there;
CREATE TABLE moved.b (LIKE moved.a INCLUDING ALL);
CREATE TABLE moved.parted (id int) PARTITION BY RANGE (id);
SELECT pgmigrate.revision('moved', $$ALTER INDEX moved.a_v SET TABLESPACE regress_pgm_online;
ALTER TABLE moved.a SET TABLESPACE regress_pgm_online;
ALTER INDEX moved.a_there SET TABLESPACE pg_default;
ALTER TABLE moved.b SET TABLESPACE regress_pgm_online, ALTER COLUMN v SET NOT NULL, SET (fillfactor = 60);
ALTER TABLE moved.parted SET TABLESPACE regress_pgm_online;
ALTER INDEX moved.a_v SET TABLESPACE regress_pgm_online$$, id => 'b9');
SELECT statement, strategy FROM pgmigrate.plan('b9');
SELECT pg_get_indexdef('moved.a_v'::regclass) AS before, 'moved.a'::regclass::oid AS a \gset
SELECT revision, state FROM pgmigrate.upgrade();
SELECT relation, strategy, state FROM pgmigrate.operations WHERE revision = 'b9' ORDER BY statement;
SELECT c.relname, t.spcname, (SELECT x.reltablespace = c.reltablespace FROM pg_class x WHERE x.oid = c.reltoastrelid) AS toast_along, c.reloptions,
	i.indisclustered, i.indisvalid, obj_description(c.oid) AS comment,
	(SELECT nullif(attstattarget, -1) FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1 AND c.relkind = 'i') AS statistics
FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'moved'::regnamespace AND c.relname !~ '^b_' ORDER BY c.relname;
SELECT pg_get_indexdef('moved.a_v'::regclass) = :'before' AS same_index, 'moved.a'::regclass::oid = :a AS same_table, count(*), max(length(x)) FROM moved.a;
SELECT count(*) FROM pgmigrate.finalize();
DROP SCHEMA moved CASCADE;
DROP TABLESPACE regress_pgm_online;

-- a table that is gone has no way back: the next change drops what was kept for it, if that is the caller's
CREATE ROLE regress_shadow;
GRANT CREATE, USAGE ON SCHEMA shop TO regress_shadow;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_shadow', 'operator');
CREATE TABLE gone (id int PRIMARY KEY, v int);
INSERT INTO gone SELECT g, g FROM generate_series(1, 100) g;
SELECT action FROM pgmigrate.rebuild('gone', 'ALTER v TYPE bigint');
DROP TABLE gone;
SELECT relation, state FROM pgmigrate.operations WHERE relation = 'shop.gone';
SET ROLE regress_shadow;
CREATE TABLE his (id int PRIMARY KEY);
SELECT action FROM pgmigrate.rebuild('his');
RESET ROLE;
SELECT relation, state FROM pgmigrate.operations WHERE relation = 'shop.gone';
CREATE TABLE mine (id int PRIMARY KEY);
SELECT action FROM pgmigrate.rebuild('mine');
SELECT relation, state FROM pgmigrate.operations WHERE relation = 'shop.gone';
SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text ~ '^pgmigrate_online' AND relname ~ 'gone';

-- the room of a copy for which there is none on the disk is given back
CREATE FUNCTION no_room(int) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN IF $1 = 77 THEN RAISE 'no room' USING ERRCODE = 'disk_full'; END IF; RETURN $1; END $$;
CREATE TABLE big (id int PRIMARY KEY, v int);
INSERT INTO big SELECT g, g FROM generate_series(1, 100) g;
SELECT pgmigrate.rebuild('big', 'ALTER v TYPE bigint USING no_room(v)');
SELECT state FROM pgmigrate.operations WHERE relation = 'shop.big';
SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text ~ '^pgmigrate_online' AND relname ~ 'big';
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'big'::regclass;

-- that it costs until it is finalized is said
CREATE TABLE told (id int PRIMARY KEY, v int);
SET client_min_messages = notice;
SELECT operation > 0 AS told FROM pgmigrate.rebuild('told', 'ALTER v TYPE bigint');
SET client_min_messages = warning;

DROP SCHEMA shop CASCADE;
DROP EXTENSION pgmigrate;
DROP ROLE regress_shadow;
CREATE EXTENSION pgmigrate;
