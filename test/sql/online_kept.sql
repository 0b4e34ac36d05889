/*
 * DROP TABLE in a revision: the table is gone at once, and comes back with all
 * that it had, until it is finalized.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
CREATE ROLE regress_kept_reader;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE client (id int PRIMARY KEY);
INSERT INTO client SELECT generate_series(1, 5);
CREATE TABLE "Order Line" (id serial PRIMARY KEY, client int, note text DEFAULT 'none', m mood, CONSTRAINT "Line of" FOREIGN KEY (client) REFERENCES client ON DELETE CASCADE, CHECK (id > 0));
CREATE INDEX "by note" ON "Order Line" (note) WHERE id > 3;
CREATE STATISTICS line_stats ON client, note FROM "Order Line";
CREATE TRIGGER touched BEFORE UPDATE ON "Order Line" FOR EACH ROW EXECUTE FUNCTION touch();
COMMENT ON TABLE "Order Line" IS 'what was ordered';
COMMENT ON CONSTRAINT "Line of" ON "Order Line" IS 'whose';
GRANT SELECT ON "Order Line" TO regress_kept_reader;
GRANT UPDATE (note) ON "Order Line" TO regress_kept_reader;
INSERT INTO "Order Line" (client, m) SELECT g % 5 + 1, 'good' FROM generate_series(1, 100) g;
CREATE FUNCTION image() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s %s', relname, relkind, relacl) FROM pg_class WHERE relnamespace = 'shop'::regnamespace
	UNION ALL SELECT format('%s %s %s', conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE connamespace = 'shop'::regnamespace
	UNION ALL SELECT format('%s %s', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT format('%s %s', stxname, stxnamespace::regnamespace) FROM pg_statistic_ext
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'shop'
	UNION ALL SELECT format('%s %s', attname, attacl) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace) AND attnum > 0
	UNION ALL SELECT format('%s %s', obj_description(oid, 'pg_class'), relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace
$$;
CREATE TABLE public.before AS SELECT image();
SELECT pgmigrate.revision('no lines', 'DROP TABLE "Order Line"', 'CREATE SEQUENCE "Order Line_id_seq"; CREATE TABLE "Order Line" (id int PRIMARY KEY); CREATE INDEX "by note" ON "Order Line" (id); GRANT SELECT ON "Order Line" TO regress_kept_reader; COMMENT ON TABLE "Order Line" IS ''another''; INSERT INTO "Order Line" VALUES (1)', id => 'd1');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT '"Order Line"'::regclass::oid AS before \gset
SELECT revision, state FROM pgmigrate.upgrade();
SELECT operation, statement, relation, strategy, state FROM pgmigrate.operations;

-- gone: the names are free, and it holds nobody
SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace ORDER BY 1;
DELETE FROM client WHERE id = 5;
SELECT count(*) FROM pgmigrate_kept_1."Order Line";
SET ROLE regress_kept_reader;
SELECT count(*) FROM pgmigrate_kept_1."Order Line";
RESET ROLE;
-- what it is made of stays too: a revision that drops that is told how
SELECT pgmigrate.revision('no mood', 'DROP TYPE IF EXISTS missing, mood', id => 'd1m');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.remove('d1m');
SELECT pgmigrate.revision('no touch', 'DROP FUNCTION touch', id => 'd1t');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.remove('d1t');

-- back, with everything; a row that it references is gone
\set VERBOSITY default
INSERT INTO client VALUES (5);
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT '"Order Line"'::regclass::oid = :before AS same_oid, count(*), sum(client) FROM "Order Line";
SELECT * FROM public.before EXCEPT SELECT image();
SELECT image() EXCEPT SELECT * FROM public.before;
INSERT INTO "Order Line" (client) VALUES (1) RETURNING id, note;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_kept';
SELECT count(*) FROM pg_depend WHERE objid = :before AND deptype = 'e';

-- rows that it references are deleted meanwhile
SELECT revision, state FROM pgmigrate.upgrade();
DELETE FROM client WHERE id = 4;
SELECT * FROM pgmigrate.revert(2);
SELECT conname, convalidated FROM pg_constraint WHERE conname = 'Line of';
SELECT * FROM pgmigrate.revert(2);
-- and it was taken back by hand: the downgrade has nothing left to do
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT count(*) FROM "Order Line";

-- the name is taken; then for good
SELECT revision, state FROM pgmigrate.upgrade();
CREATE TABLE "Order Line" (id int);
SELECT * FROM pgmigrate.revert(3);
SELECT * FROM pgmigrate.finalize();
SELECT * FROM pgmigrate.finalize(3);
SELECT * FROM pgmigrate.revert(3);
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_kept';
DROP TYPE mood;
DROP TABLE "Order Line";

-- partitions, several tables, of several schemas
CREATE SCHEMA depot;
CREATE TABLE log (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE depot.log_1 PARTITION OF log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO log SELECT g, '2020-06-01'::date + g FROM generate_series(1, 300) g;
CREATE TABLE part (id int REFERENCES client);
CREATE TABLE depot.part (id int);
INSERT INTO depot.part VALUES (7);
SELECT pgmigrate.revision('no log', 'DROP TABLE IF EXISTS log, part, depot.part, missing CASCADE', 'CREATE TABLE log (id int, at date) PARTITION BY RANGE (at); CREATE TABLE log_1 PARTITION OF log DEFAULT; CREATE TABLE part (id int); CREATE TABLE depot.part (id int)', id => 'd2');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM pg_class WHERE relnamespace IN ('shop'::regnamespace, 'depot'::regnamespace) AND relname ~ 'log|part';
SELECT revision, state FROM pgmigrate.downgrade('d1');
SELECT tableoid::regclass, count(*) FROM log GROUP BY 1 ORDER BY 1;
SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM depot.part), (SELECT count(*) FROM pg_constraint WHERE conrelid = 'part'::regclass);

-- what is refused is refused as written, and nothing is left of it
CREATE VIEW logged AS SELECT * FROM log;
SELECT pgmigrate.remove('d2');
SELECT pgmigrate.revision('no log', 'DROP TABLE log', id => 'd2');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_kept';

-- as written stays what cannot be kept, and says why
CREATE TABLE small (id int);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE guarded (id int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
SELECT pgmigrate.remove('d2');
SELECT pgmigrate.revision('plain', E'DROP TABLE child;\nDROP TABLE guarded;\nDROP TABLE log CASCADE;\nDROP TABLE depot.log_1;\n-- pgmigrate: plain because it is empty\nDROP TABLE small', id => 'd3');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT pgmigrate.remove('d3');
SELECT pgmigrate.revision('told', E'DROP TABLE guarded;\nALTER TABLE parent DROP COLUMN id', id => 'd3');
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = warning;
SET pgmigrate.online_threshold = 100000;
SELECT pgmigrate.revision('small', 'DROP TABLE part', id => 'd4');
SELECT pgmigrate.revision('with its type', 'DROP TABLE depot.part; DROP SCHEMA depot', id => 'd5');
SELECT statement, strategy FROM pgmigrate.plan('head') WHERE revision IN ('d4', 'd5');

-- what the owner of a table does to it keeps nobody from finalizing the rest
SELECT pgmigrate.remove('d5');
SELECT pgmigrate.remove('d4');
SET pgmigrate.online_threshold = 0;
CREATE ROLE regress_kept_owner;
CREATE SCHEMA hostile AUTHORIZATION regress_kept_owner;
SET ROLE regress_kept_owner;
CREATE TABLE hostile.gone (id int PRIMARY KEY);
CREATE TABLE hostile.grown (id int PRIMARY KEY, v int);
RESET ROLE;
CREATE TABLE grown (id int PRIMARY KEY, v int);
SELECT pgmigrate.revision('both', 'ALTER TABLE hostile.grown ALTER v TYPE bigint; DROP TABLE hostile.gone', id => 'd4');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT nspname AS kept FROM pg_namespace WHERE nspname ~ '^pgmigrate_kept' \gset
SELECT c.oid::regclass AS beside FROM pg_class c JOIN pgmigrate.operation o ON c.relnamespace::regnamespace::text = 'pgmigrate_online_' || o.id WHERE o.relid = 'hostile.grown'::regclass AND c.relname = 'pgm old' \gset
SET ROLE regress_kept_owner;
\set VERBOSITY sqlstate
CREATE TABLE :kept.more (id int);
CREATE VIEW hostile.on_kept AS TABLE :kept.gone;
\set VERBOSITY default
CREATE VIEW hostile.on_old AS TABLE :beside;
RESET ROLE;
UPDATE pgmigrate.operation SET revert_until = '2020-01-01' WHERE relid = 'hostile.grown'::regclass;
SELECT pgmigrate.revision('another table', 'ALTER TABLE grown ALTER v TYPE bigint', id => 'd5');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT relation, action FROM pgmigrate.finalize();
DROP VIEW hostile.on_old;
SELECT relation, action FROM pgmigrate.finalize();

DROP SCHEMA shop, depot, hostile CASCADE;
DROP ROLE regress_kept_owner;
DROP TABLE public.before;
DROP ROLE regress_kept_reader;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
