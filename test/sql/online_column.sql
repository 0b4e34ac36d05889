/*
 * DROP COLUMN in a revision: the column is gone at once, its values survive
 * updates, and it comes back with all that it had, until it is finalized.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
CREATE ROLE regress_kept_reader;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE client (id int PRIMARY KEY);
INSERT INTO client VALUES (1), (2), (3);
CREATE TABLE item (id int PRIMARY KEY, "the Note" text COLLATE "C" NOT NULL DEFAULT 'none', price numeric(9, 2), client int REFERENCES client, n int);
ALTER TABLE item ADD COLUMN late text DEFAULT 'was there before';
CREATE INDEX by_note ON item ("the Note" text_pattern_ops) WHERE price > 0;
CREATE INDEX by_price ON item (n, price);
ALTER TABLE item ADD CONSTRAINT positive CHECK (price > 0 OR n > 5), ADD CONSTRAINT one_note UNIQUE ("the Note", id) DEFERRABLE;
CREATE STATISTICS item_stats ON "the Note", n FROM item;
COMMENT ON COLUMN item."the Note" IS 'it''s noted';
COMMENT ON CONSTRAINT positive ON item IS 'no gifts';
GRANT SELECT ("the Note", price), UPDATE (price) ON item TO regress_kept_reader;
ALTER TABLE item ALTER price SET STATISTICS 77, ALTER price SET (n_distinct = 5), ALTER "the Note" SET STORAGE EXTERNAL;
INSERT INTO item (id, "the Note", price, client, n) SELECT g, 'note ' || g, g, g % 3 + 1, g FROM generate_series(1, 100) g;
UPDATE item SET late = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) i) WHERE id = 7;
CREATE TABLE early (id int PRIMARY KEY);
INSERT INTO early SELECT generate_series(1, 10);
ALTER TABLE early ADD COLUMN c text NOT NULL DEFAULT 'old rows have it';
ALTER TABLE early ALTER c SET DEFAULT 'new ones';
CREATE FUNCTION image() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s %s %s %s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation, attacl, attstattarget, (SELECT array_agg(o) FROM unnest(attoptions) o WHERE o ~ '^n_'), attstorage) FROM pg_attribute WHERE attrelid = 'shop.item'::regclass AND attnum > 0
	UNION ALL SELECT format('%s %s', adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef WHERE adrelid = 'shop.item'::regclass
	UNION ALL SELECT format('%s %s %s %s', conname, pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE conrelid = 'shop.item'::regclass
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'shop'
	UNION ALL SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
	UNION ALL SELECT col_description('shop.item'::regclass, 2)
	UNION ALL SELECT pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = 'shop.item'::regclass
$$;
CREATE TABLE public.before AS SELECT image();
CREATE TABLE public.rows_before AS SELECT * FROM item;
SELECT pgmigrate.revision('no notes', 'ALTER TABLE item DROP COLUMN "the Note", DROP COLUMN price, DROP late, DROP COLUMN client',
  'ALTER TABLE item ADD COLUMN "the Note" text, ADD price numeric, ADD late text, ADD client int; UPDATE item SET price = 0; ALTER TABLE item ALTER "the Note" SET NOT NULL; CREATE INDEX by_price ON item (price); ALTER TABLE item ADD CONSTRAINT positive CHECK (price >= 0); UPDATE item SET n = n + 1 WHERE id = 1', id => 'c1');
SELECT pgmigrate.revision('early', 'ALTER TABLE early DROP c', 'ALTER TABLE early ADD c text', id => 'c2');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT operation, statement, relation, strategy, state FROM pgmigrate.operations ORDER BY operation;

-- gone for everybody, and rows are written as if it were
SELECT * FROM item WHERE id = 1;
INSERT INTO item VALUES (1000, 8);
UPDATE item SET n = n + 1000 WHERE id <= 50;
UPDATE item SET n = n - 1000 WHERE id <= 50;
SET session_replication_role = replica;
UPDATE item SET n = n + 0 WHERE id = 7;
RESET session_replication_role;
UPDATE early SET id = id WHERE id < 5;
DELETE FROM item WHERE id = 3;
VACUUM item, early;

-- back
SELECT revision, state FROM pgmigrate.downgrade('c1');
INSERT INTO early VALUES (11);
SELECT c, count(*) FROM early GROUP BY c ORDER BY c;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT * FROM public.before EXCEPT SELECT image();
SELECT image() EXCEPT SELECT * FROM public.before;
SELECT count(*) FROM (SELECT * FROM public.rows_before EXCEPT SELECT id, "the Note", price, client, CASE id WHEN 1 THEN n - 1 ELSE n END, late FROM item) AS d;
SELECT * FROM item WHERE id IN (1, 3, 1000);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'item'::regclass AND tgname ~ 'pgmigrate';
SET enable_seqscan = off;
SELECT id FROM item WHERE n = 20 AND price = 20;
RESET enable_seqscan;

-- NOT NULL, and rows written since have no value
ALTER TABLE early ALTER c DROP DEFAULT;
SELECT revision, state FROM pgmigrate.upgrade();
INSERT INTO early VALUES (12);
SELECT * FROM pgmigrate.revert(4);
SELECT relation, action FROM pgmigrate.revert(4, without_unfit => true);
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'early'::regclass AND attname = 'c';
SELECT c, count(*) FROM early GROUP BY c ORDER BY c;
-- taken back by hand: the downgrade has nothing left to do
SELECT revision, state FROM pgmigrate.downgrade('c1');

-- written anew: the values are lost, and that is said; then for good
VACUUM FULL item;
SELECT relation, action FROM pgmigrate.revert(3);
SELECT relation, action FROM pgmigrate.finalize();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'item'::regclass AND tgname ~ 'pgmigrate';
SELECT state, count(*) FROM pgmigrate.operations GROUP BY state ORDER BY state;

-- as written stays what cannot be kept
CREATE TABLE counted (id serial, twice int, v int);
CREATE TABLE parted (id int, v int) PARTITION BY RANGE (id);
CREATE VIEW seen AS SELECT twice FROM counted;
SELECT pgmigrate.remove('c2');
SELECT pgmigrate.revision('plain', E'ALTER TABLE counted DROP id;\nALTER TABLE parted DROP v;\nALTER TABLE counted DROP v, ADD w int;\nALTER TABLE counted DROP COLUMN IF EXISTS missing;\nALTER TABLE counted DROP twice CASCADE', id => 'c3');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT attname FROM pg_attribute WHERE attrelid = 'counted'::regclass AND attnum > 0 AND NOT attisdropped;

-- a way back that adds other things too runs as written, and says so
CREATE TABLE mixed (id int, a int);
INSERT INTO mixed VALUES (1, 2);
SET client_min_messages = notice;
SELECT pgmigrate.revision('mixed', 'ALTER TABLE mixed DROP a', 'ALTER TABLE mixed ADD z int, ADD a int', id => 'c4');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT * FROM mixed;
-- what was kept is there still, until it is finalized; and once more
SELECT state FROM pgmigrate.operations WHERE relation ~ 'mixed' ORDER BY operation;
SELECT relation, action FROM pgmigrate.finalize();
ALTER TABLE mixed DROP z;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT relation, action FROM pgmigrate.finalize();
SET client_min_messages = warning;
-- a stored generated column, which nothing can fill: by way of another table, and back
CREATE TABLE made (id int PRIMARY KEY, v text);
INSERT INTO made SELECT g, 'v' || g FROM generate_series(1, 300) g;
SELECT pgmigrate.revision('made', id => 'made', upgrade => 'ALTER TABLE shop.made ADD COLUMN next int GENERATED ALWAYS AS (id + 1) STORED', downgrade => 'ALTER TABLE shop.made DROP COLUMN next');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT strategy, state FROM pgmigrate.operations WHERE relation ~ 'made';
INSERT INTO made VALUES (301, 'x') RETURNING next;
SELECT count(*), count(*) FILTER (WHERE next = id + 1) FROM made;
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT count(*), max(made::text) FROM made WHERE id = 301;

-- a VACUUM between two ranges that fails leaves its naps to nobody after it
CREATE TABLE pages (id int, pad text) WITH (autovacuum_enabled = off);
ALTER TABLE pages ALTER pad SET STORAGE PLAIN;
INSERT INTO pages SELECT g, repeat('x', 5000) FROM generate_series(1, 1100) g;
CREATE FUNCTION awake(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN IF current_setting('vacuum_cost_delay') <> '0' THEN RAISE 'asleep'; END IF; RETURN $1; END $$;
CREATE INDEX ON pages USING brin (awake(id)) WITH (pages_per_range = 1);
CREATE TABLE seen (delay text, cost text);
CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO shop.seen VALUES (current_setting('vacuum_cost_delay'), current_setting('vacuum_cost_limit')); END $$;
CREATE EVENT TRIGGER regress_see ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION see();
SELECT pgmigrate.revision('naps', id => 'naps', upgrade => 'ALTER TABLE shop.pages ADD COLUMN u uuid DEFAULT gen_random_uuid()');
\set VERBOSITY terse
SELECT revision, state FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT delay, cost, count(*) > 1 AS taken_back FROM seen GROUP BY 1, 2;
DROP EVENT TRIGGER regress_see;
DROP SCHEMA shop CASCADE;
DROP TABLE public.before, public.rows_before;
DROP ROLE regress_kept_reader;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
