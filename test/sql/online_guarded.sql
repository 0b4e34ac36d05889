-- The tables beside belong to the owner of the table.  Their rows become those
-- of his table, to which tables of others refer: he cannot write them.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_guarded;
CREATE SCHEMA guarded AUTHORIZATION regress_guarded;
SET ROLE regress_guarded;
CREATE TABLE guarded.parent (id int PRIMARY KEY, v int NOT NULL, w text);
INSERT INTO guarded.parent SELECT g, g, 'w' FROM generate_series(1, 20) g;
GRANT ALL ON guarded.parent TO PUBLIC;
RESET ROLE;
CREATE TABLE public.guarded_child (id int PRIMARY KEY, parent int REFERENCES guarded.parent);
INSERT INTO public.guarded_child SELECT g, g FROM generate_series(1, 20) g;
GRANT SELECT ON public.guarded_child TO regress_guarded;
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.revision('r', 'ALTER TABLE guarded.parent ALTER v TYPE bigint', 'ALTER TABLE guarded.parent ALTER v TYPE int', id => 'r');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT max(id) AS n, 'pgmigrate_online_' || max(id) AS schema FROM pgmigrate.operation \gset
\set old :schema '."pgm old"'
\set unfit :schema '."pgm unfit"'

-- neither rows that are referred to, nor what does not fit
SET ROLE regress_guarded;
\set VERBOSITY sqlstate
DELETE FROM :old WHERE id < 5;
UPDATE :old SET v = 0;
INSERT INTO :old VALUES (21, 1);
TRUNCATE :old;
MERGE INTO :old o USING guarded.parent p ON o.id = p.id WHEN MATCHED THEN DELETE;
ALTER TABLE :old ALTER w TYPE text USING v::text;
ALTER TABLE :old DISABLE TRIGGER ALL;
CREATE TABLE guarded.above (LIKE guarded.parent) PARTITION BY RANGE (id);
ALTER TABLE guarded.above ALTER v TYPE int;
ALTER TABLE guarded.above ATTACH PARTITION :old DEFAULT;
DELETE FROM guarded.above;
ALTER TABLE guarded.above DETACH PARTITION :old;
CREATE TABLE guarded.cause (id int PRIMARY KEY);
INSERT INTO guarded.cause SELECT g FROM generate_series(1, 20) g;
ALTER TABLE :old ADD CONSTRAINT cascades FOREIGN KEY (id) REFERENCES guarded.cause ON DELETE CASCADE;
DELETE FROM guarded.cause;
ALTER TABLE :old DROP CONSTRAINT cascades;
INSERT INTO :unfit (key) VALUES ('');
DROP TABLE :unfit;
ALTER TABLE :unfit RENAME TO other;
CREATE RULE r AS ON INSERT TO :unfit DO INSTEAD NOTHING;
DROP TABLE :old;
DROP SCHEMA :schema CASCADE;
\set VERBOSITY default
SELECT count(*) FROM :unfit;
RESET ROLE;

-- what does not fit is noted, also where its table is not found
SET ROLE regress_guarded;
INSERT INTO guarded.parent VALUES (100, 3000000000);
ALTER TABLE :old SET SCHEMA guarded;
CREATE TABLE guarded."pgm unfit" (key text);
UPDATE guarded.parent SET v = 3000000001 WHERE id = 20;
SELECT * FROM guarded."pgm unfit";
DROP TABLE guarded."pgm unfit";
ALTER TABLE guarded."pgm old" SET SCHEMA :schema;
SELECT key FROM :unfit;
RESET ROLE;
SELECT action FROM pgmigrate.revert(:n);
DELETE FROM guarded.parent WHERE id = 100;
SELECT key FROM :unfit;

-- a guard that is dropped is missed, and so is what the copy demands no more
SET ROLE regress_guarded;
ALTER TABLE :old ALTER v DROP NOT NULL;
RESET ROLE;
SELECT action FROM pgmigrate.revert(:n);
SET ROLE regress_guarded;
ALTER TABLE :old ALTER v SET NOT NULL;
RESET ROLE;
-- without the guards, as in what an older build has switched
ALTER TABLE :old DISABLE TRIGGER ALL;
SELECT action FROM pgmigrate.revert(:n);
\set ECHO none
SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgrelid = :'old'::regclass \gexec
\set ECHO all
SELECT tgname AS guard FROM pg_trigger WHERE tgrelid = :'old'::regclass AND tgtype & 1 = 1 \gset
BEGIN;
SET LOCAL ROLE regress_guarded;
\set VERBOSITY sqlstate
DROP TRIGGER :"guard" ON :old;
DELETE FROM :old WHERE id < 5;
RESET ROLE;
SELECT action FROM pgmigrate.revert(:n);
\set VERBOSITY default
ROLLBACK;
SELECT action FROM pgmigrate.revert(:n);
SELECT count(*) AS orphans FROM public.guarded_child c WHERE NOT EXISTS (SELECT FROM guarded.parent p WHERE p.id = c.parent);

-- what we write to a copy does not lend the right to rules and triggers on it
SET ROLE regress_guarded;
CREATE TABLE guarded.town (id int PRIMARY KEY, v int);
INSERT INTO guarded.town SELECT g, g FROM generate_series(1, 20) g;
CREATE FUNCTION guarded.again() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN EXECUTE format('INSERT INTO %s VALUES (1, 1)', TG_RELID::regclass); RETURN NULL; END $$;
RESET ROLE;
SELECT action FROM pgmigrate.rebuild('guarded.town', partition_by => 'RANGE (id)',
	partitions => '{guarded_c FOR VALUES FROM (MINVALUE) TO (10),guarded_d DEFAULT}');
SELECT max(id) AS n, format('pgmigrate_online_%s."pgm old"', max(id)) AS old FROM pgmigrate.operation \gset
SET ROLE regress_guarded;
CREATE RULE r AS ON DELETE TO :old DO INSTEAD UPDATE :old SET v = 0;
TRUNCATE guarded.guarded_d;
DROP RULE r ON :old;
SELECT count(*) FROM :old WHERE v = 0;
CREATE TRIGGER again AFTER TRUNCATE ON :old EXECUTE FUNCTION guarded.again();
\set VERBOSITY sqlstate
TRUNCATE :old;
TRUNCATE guarded.town;
RESET ROLE;
SELECT action FROM pgmigrate.revert(:n);
\set VERBOSITY default
SELECT action FROM pgmigrate.finalize();
DROP TABLE guarded.town;
SET ROLE regress_guarded;
CREATE TABLE guarded.town (id int PRIMARY KEY, v int);
INSERT INTO guarded.town SELECT g, g FROM generate_series(1, 20) g;
RESET ROLE;
SELECT action FROM pgmigrate.rebuild('guarded.town', 'ALTER v TYPE bigint');
SELECT max(id) AS n, format('pgmigrate_online_%s."pgm old"', max(id)) AS old FROM pgmigrate.operation \gset
SET ROLE regress_guarded;
CREATE TRIGGER again AFTER TRUNCATE ON :old EXECUTE FUNCTION guarded.again();
\set VERBOSITY sqlstate
TRUNCATE guarded.town;
\set VERBOSITY default
DROP TRIGGER again ON :old;
TRUNCATE guarded.town;
SELECT count(*) FROM :old;
RESET ROLE;
SELECT action FROM pgmigrate.revert(:n);
DROP TABLE guarded.town;
DROP FUNCTION guarded.again();

-- a partition of the copy that was away has missed what was written
INSERT INTO guarded.parent VALUES (30, 30, 'gone');
SET pgmigrate.lock_deadline = '200ms';
BEGIN;
LOCK TABLE guarded.parent IN ACCESS SHARE MODE;
PREPARE TRANSACTION 'regress_guarded';
\set VERBOSITY sqlstate
SELECT action FROM pgmigrate.rebuild('guarded.parent', partition_by => 'RANGE (id)',
	partitions => '{guarded_a FOR VALUES FROM (MINVALUE) TO (1000),guarded_b DEFAULT}');
\set VERBOSITY default
ROLLBACK PREPARED 'regress_guarded';
RESET pgmigrate.lock_deadline;
SELECT max(id) AS n, 'pgmigrate_online_' || max(id) AS schema FROM pgmigrate.operation \gset
SELECT state FROM pgmigrate.operation WHERE id = :n;
SET ROLE regress_guarded;
ALTER TABLE :schema.parent DETACH PARTITION :schema.guarded_a;
\set VERBOSITY sqlstate
ALTER TABLE :schema.guarded_a ALTER w TYPE text USING NULL;
DELETE FROM :schema.guarded_a;
\set VERBOSITY default
DELETE FROM guarded.parent WHERE id = 30;
ALTER TABLE :schema.parent ATTACH PARTITION :schema.guarded_a FOR VALUES FROM (MINVALUE) TO (1000);
RESET ROLE;
\set VERBOSITY sqlstate
SELECT action FROM pgmigrate.rebuild('guarded.parent', partition_by => 'RANGE (id)',
	partitions => '{guarded_a FOR VALUES FROM (MINVALUE) TO (1000),guarded_b DEFAULT}');
\set VERBOSITY default
SELECT state, error FROM pgmigrate.operation WHERE id = :n;
SELECT count(*), max(w) FROM guarded.parent;

-- and one of the table, with what is not that of the table
SELECT action FROM pgmigrate.rebuild('guarded.parent', partition_by => 'RANGE (id)',
	partitions => '{guarded_a FOR VALUES FROM (MINVALUE) TO (1000),guarded_b DEFAULT}');
SELECT max(id) AS n FROM pgmigrate.operation \gset
SET ROLE regress_guarded;
ALTER TABLE guarded.parent DETACH PARTITION guarded.guarded_b;
INSERT INTO guarded.guarded_b SELECT * FROM guarded.parent WHERE id < 5;
DELETE FROM guarded.guarded_b;
ALTER TABLE guarded.parent ATTACH PARTITION guarded.guarded_b DEFAULT;
RESET ROLE;
\set VERBOSITY sqlstate
SELECT action FROM pgmigrate.revert(:n);
\set VERBOSITY default
SELECT count(*) AS orphans FROM public.guarded_child c WHERE NOT EXISTS (SELECT FROM guarded.parent p WHERE p.id = c.parent);

-- partitions lose their guards when they become those of the table
UPDATE guarded.parent SET v = v + 1 WHERE id IN (1, 20);
SELECT action FROM pgmigrate.finalize();
ALTER TABLE guarded.parent ALTER w TYPE varchar USING w || 'w';
SELECT count(*), max(w) FROM guarded.parent;

-- the same with a column beside: a trigger that comes later is noticed
SELECT pgmigrate.revision('c', 'ALTER TABLE guarded.log ALTER v TYPE bigint', 'ALTER TABLE guarded.log ALTER v TYPE int', id => 'c');
SET ROLE regress_guarded;
CREATE TABLE guarded.log (v int NOT NULL, w text);
INSERT INTO guarded.log SELECT g, 'w' FROM generate_series(1, 5) g;
CREATE FUNCTION guarded.empty() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RETURN jsonb_populate_record(NEW, (SELECT jsonb_object_agg(k, NULL) FROM jsonb_object_keys(to_jsonb(NEW)) k WHERE k ~ '^pgmigrate_')); END $$;
RESET ROLE;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT attname AS double FROM pg_attribute WHERE attrelid = 'guarded.log'::regclass AND attname ~ '^pgmigrate_' \gset
SET ROLE regress_guarded;
CREATE TRIGGER "~~" BEFORE UPDATE ON guarded.log FOR EACH ROW EXECUTE FUNCTION guarded.empty();
UPDATE guarded.log SET w = 'x' WHERE v < 3;
DROP TRIGGER "~~" ON guarded.log;
\set VERBOSITY sqlstate
ALTER TABLE guarded.log ALTER :"double" TYPE int USING NULL;
\set VERBOSITY default
RESET ROLE;
SELECT action FROM pgmigrate.revert((SELECT max(id) FROM pgmigrate.operation));
SELECT count(*) FROM guarded.log WHERE v IS NULL;

-- a copy that he has moved is dropped where it is
SET ROLE regress_guarded;
CREATE TABLE guarded.moved (id int PRIMARY KEY, v int);
RESET ROLE;
SELECT action FROM pgmigrate.rebuild('guarded.moved', 'ALTER v TYPE bigint');
SELECT 'pgmigrate_online_' || max(id) AS schema FROM pgmigrate.operation \gset
SET ROLE regress_guarded;
ALTER TABLE :schema."pgm old" SET SCHEMA guarded;
RESET ROLE;
SELECT relation, action FROM pgmigrate.finalize((SELECT max(id) FROM pgmigrate.operation));
SELECT relname FROM pg_class WHERE relnamespace = 'guarded'::regnamespace AND relname ~ '^(moved|pgm)' ORDER BY relname;

-- what he has made beside it is his to drop or move, as he is told
SELECT action FROM pgmigrate.rebuild('guarded.moved', 'ALTER v TYPE int');
SELECT max(id) AS n, 'pgmigrate_online_' || max(id) AS schema FROM pgmigrate.operation \gset
SET ROLE regress_guarded;
CREATE TABLE :schema.mine (id int);
CREATE VIEW guarded.reader AS SELECT id FROM :schema."pgm old";
RESET ROLE;
SELECT action FROM pgmigrate.finalize(:n);
SET ROLE regress_guarded;
DROP VIEW guarded.reader;
RESET ROLE;
SELECT action FROM pgmigrate.finalize();
SET ROLE regress_guarded;
ALTER TABLE :schema.mine SET SCHEMA guarded;
RESET ROLE;
SELECT action FROM pgmigrate.finalize(:n);
SELECT action FROM pgmigrate.finalize(1000);

DROP TABLE public.guarded_child;
DROP SCHEMA guarded CASCADE;
DROP EXTENSION pgmigrate;
DROP ROLE regress_guarded;
CREATE EXTENSION pgmigrate;
