-- What generated verifications know beside objects: privileges of columns,
-- functions and schemas, comments, what sequences and policies are like.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_vk_reader;
CREATE ROLE "regress vk 'x";
SET pgmigrate.execution = inline;
\pset format unaligned
\pset tuples_only on

SELECT pgmigrate.revision('all', $$
	CREATE SCHEMA "v K";
	CREATE TABLE "v K".t (id int PRIMARY KEY, "c'1" text, secret text);
	CREATE TABLE "v K".u (id serial);
	CREATE SEQUENCE "v K".s AS smallint INCREMENT -2 MAXVALUE 99 START 7 CACHE 3 CYCLE;
	CREATE FUNCTION "v K".f(int, "v K".t) RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE PROCEDURE "v K".p() LANGUAGE sql AS 'SELECT 1';
	CREATE TYPE "v K".e AS ENUM ('a');
	CREATE POLICY own ON "v K".t AS RESTRICTIVE FOR UPDATE TO regress_vk_reader, "regress vk 'x" USING (true);
	ALTER TABLE "v K".t ADD CONSTRAINT ck CHECK (id > 0);
	GRANT USAGE ON SCHEMA "v K" TO regress_vk_reader;
	GRANT SELECT ("c'1", id), UPDATE (id) ON "v K".t TO regress_vk_reader, "regress vk 'x" WITH GRANT OPTION;
	REVOKE EXECUTE ON FUNCTION "v K".f FROM PUBLIC;
	GRANT EXECUTE ON PROCEDURE "v K".p() TO regress_vk_reader;
	GRANT SELECT ON ALL TABLES IN SCHEMA "v K" TO regress_vk_reader;
	COMMENT ON SCHEMA "v K" IS 'schema';
	COMMENT ON TABLE "v K".t IS 'it''s a table';
	COMMENT ON COLUMN "v K".t."c'1" IS 'column';
	COMMENT ON FUNCTION "v K".f IS 'function';
	COMMENT ON TYPE "v K".e IS 'type';
	COMMENT ON CONSTRAINT ck ON "v K".t IS 'constraint';
	COMMENT ON POLICY own ON "v K".t IS 'policy';
	COMMENT ON INDEX "v K".t_pkey IS 'index';
	COMMENT ON SEQUENCE "v K".s IS NULL$$,
	'DROP SCHEMA "v K" CASCADE', id => 'k1') AS id;
SELECT state FROM pgmigrate.upgrade();
SELECT replace(line, current_user, 'ME') FROM pgmigrate.verification, regexp_split_to_table(upgrade, E'\n') AS l (line)
WHERE revision = 'k1' AND line ~ '^  .*''(comment|privileges of (column|function|schema)|sequence|policy)' AND line !~ 'int8|public.*sequence';
SELECT source, statement, ok, detail FROM pgmigrate.verify('k1');

-- each by hand, told with its object
CREATE TABLE by_hand (n int GENERATED ALWAYS AS IDENTITY, ddl text);
INSERT INTO by_hand (ddl) VALUES
	('REVOKE SELECT ("c''1") ON "v K".t FROM regress_vk_reader CASCADE'),
	('REVOKE GRANT OPTION FOR UPDATE (id) ON "v K".t FROM "regress vk ''x"'),
	('REVOKE EXECUTE ON PROCEDURE "v K".p() FROM regress_vk_reader'),
	('REVOKE USAGE ON SCHEMA "v K" FROM regress_vk_reader'),
	('REVOKE SELECT ON "v K".u FROM regress_vk_reader'),
	('COMMENT ON SCHEMA "v K" IS NULL'),
	('COMMENT ON TABLE "v K".t IS ''other'''),
	('COMMENT ON COLUMN "v K".t."c''1" IS ''other'''),
	('COMMENT ON FUNCTION "v K".f IS ''other'''),
	('COMMENT ON TYPE "v K".e IS ''other'''),
	('COMMENT ON CONSTRAINT ck ON "v K".t IS ''other'''),
	('COMMENT ON POLICY own ON "v K".t IS NULL'),
	('COMMENT ON INDEX "v K".t_pkey IS NULL'),
	('COMMENT ON SEQUENCE "v K".s IS ''new'''),
	('ALTER SEQUENCE "v K".s NO CYCLE'),
	('ALTER SEQUENCE "v K".s MAXVALUE 98'),
	('ALTER SEQUENCE "v K".s CACHE 1'),
	('ALTER SEQUENCE "v K".u_id_seq INCREMENT 2'),
	('ALTER SEQUENCE "v K".s AS int'),
	('ALTER POLICY own ON "v K".t TO regress_vk_reader'),
	('ALTER POLICY own ON "v K".t TO PUBLIC'),
	('DROP POLICY own ON "v K".t; CREATE POLICY own ON "v K".t FOR UPDATE TO regress_vk_reader, "regress vk ''x" USING (true)');
CREATE FUNCTION pg_temp.told(ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
	EXECUTE ddl;
	SELECT string_agg(detail, ' ') INTO told FROM pgmigrate.verify() WHERE NOT ok;
	RAISE EXCEPTION USING errcode = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN told;
END $$;
SELECT ddl || E'\n\t' || coalesce(pg_temp.told(ddl), 'NOT TOLD') FROM by_hand ORDER BY n;
SELECT count(*) FROM pgmigrate.verify() WHERE NOT ok;

-- what a later revision did is not told of an earlier one
SELECT pgmigrate.revision('later', $$
	REVOKE ALL ("c'1", id) ON "v K".t FROM regress_vk_reader CASCADE;
	REVOKE EXECUTE ON PROCEDURE "v K".p() FROM regress_vk_reader;
	REVOKE USAGE ON SCHEMA "v K" FROM regress_vk_reader;
	COMMENT ON TABLE "v K".t IS 'other';
	COMMENT ON COLUMN "v K".t."c'1" IS NULL;
	ALTER SEQUENCE "v K".s RESTART NO CYCLE;
	ALTER POLICY own ON "v K".t TO PUBLIC;
	DROP FUNCTION "v K".f;
	DROP TYPE "v K".e;
	ALTER TABLE "v K".t DROP CONSTRAINT ck, DROP CONSTRAINT t_pkey$$, '', id => 'k2') AS id;
SELECT pgmigrate.revision('dropped', 'ALTER TABLE "v K".t DROP "c''1"; DROP POLICY own ON "v K".t', '', id => 'k3') AS id;
SELECT pgmigrate.revision('renamed', 'ALTER TABLE "v K".t RENAME TO t2; ALTER SEQUENCE "v K".s RENAME TO s2; ALTER PROCEDURE "v K".p() RENAME TO p2', '', id => 'k4') AS id;
SELECT pgmigrate.revision('schema', 'ALTER SCHEMA "v K" RENAME TO vk2', '', id => 'k5') AS id;
SELECT state FROM pgmigrate.upgrade('k2');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;
SELECT ddl || E'\n\t' || coalesce(pg_temp.told(ddl), 'NOT TOLD') FROM by_hand WHERE ddl ~ 'SCHEMA|u_id|TO regress_vk_reader$|.s IS' ORDER BY n;
SELECT state FROM pgmigrate.upgrade('k3');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;
SELECT state FROM pgmigrate.upgrade('k4');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;
SELECT state FROM pgmigrate.upgrade('k5');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;

-- of one that was not seen the text tells
SELECT pgmigrate.revision('seen', 'CREATE SCHEMA vk3; COMMENT ON SCHEMA vk3 IS $$x$$', id => 'k6') AS id;
SELECT pgmigrate.revision('unseen', 'COMMENT ON SCHEMA vk3 IS $$y$$', id => 'k7') AS id;
SELECT state FROM pgmigrate.upgrade('k6');
SET pgmigrate.generate_verify = off;
SELECT state FROM pgmigrate.upgrade('k7');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;

RESET pgmigrate.generate_verify;
-- rules, statistics, options, labels, domains, and what is of no schema
SELECT pgmigrate.revision('others', $$
	CREATE SCHEMA "v O";
	CREATE TYPE "v O"."e'n" AS ENUM ('x', 'it''s');
	CREATE DOMAIN "v O".d AS varchar(9) DEFAULT 'y' NOT NULL;
	CREATE TABLE "v O".t (a int, b int) WITH (fillfactor = 70, autovacuum_enabled = off);
	CREATE INDEX i ON "v O".t (a) WITH (fillfactor = 60);
	CREATE VIEW "v O".v WITH (security_barrier) AS SELECT a FROM "v O".t;
	ALTER TABLE "v O".t FORCE ROW LEVEL SECURITY;
	CREATE RULE "r'1" AS ON INSERT TO "v O".t DO INSTEAD NOTHING;
	ALTER TABLE "v O".t DISABLE RULE "r'1";
	CREATE STATISTICS "v O".s (ndistinct, dependencies) ON a, b FROM "v O".t;
	CREATE FUNCTION "v O".f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
	CREATE EVENT TRIGGER "e'vt" ON sql_drop EXECUTE FUNCTION "v O".f();
	ALTER EVENT TRIGGER "e'vt" DISABLE;
	CREATE PUBLICATION "p'ub" FOR TABLE "v O".t WITH (publish = 'insert, update');
	CREATE PUBLICATION "sch" FOR TABLES IN SCHEMA "v O";
	CREATE PUBLICATION later; ALTER PUBLICATION later ADD TABLE "v O".t;
	CREATE PUBLICATION everything FOR ALL TABLES;
	CREATE COLLATION "v O".c (provider = libc, locale = 'C');
	CREATE FUNCTION "v O".plus(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
	CREATE OPERATOR "v O".+ (FUNCTION = "v O".plus, LEFTARG = text, RIGHTARG = text);
	CREATE FUNCTION "v O".made(text) RETURNS "v O"."e'n" LANGUAGE sql IMMUTABLE AS 'SELECT NULL::"v O"."e''n"';
	CREATE CAST (text AS "v O"."e'n") WITH FUNCTION "v O".made(text);
	CREATE FOREIGN DATA WRAPPER "w'";
	CREATE SERVER vk_srv FOREIGN DATA WRAPPER "w'";
	CREATE TEXT SEARCH CONFIGURATION "v O".ts (COPY = simple);
	COMMENT ON EVENT TRIGGER "e'vt" IS 'evt'$$,
	'SELECT 1', id => 'o1', down_revision => '{}', splice => true) AS id;
SELECT state FROM pgmigrate.upgrade('o1');
SELECT line FROM pgmigrate.verification, regexp_split_to_table(upgrade, E'\n') AS l (line)
WHERE revision = 'o1' AND line ~ '^  *\(''' AND line !~ '''(column|privileges)';
SELECT source, statement, ok, detail FROM pgmigrate.verify('o1');
TRUNCATE by_hand;
INSERT INTO by_hand (ddl) VALUES
	('ALTER TYPE "v O"."e''n" RENAME VALUE ''x'' TO ''z'''),
	('ALTER DOMAIN "v O".d DROP NOT NULL'),
	('ALTER DOMAIN "v O".d DROP DEFAULT'),
	('ALTER TABLE "v O".t RESET (fillfactor)'),
	('ALTER TABLE "v O".t SET (autovacuum_enabled = on)'),
	('ALTER INDEX "v O".i SET (fillfactor = 90)'),
	('ALTER VIEW "v O".v RESET (security_barrier)'),
	('ALTER TABLE "v O".t NO FORCE ROW LEVEL SECURITY'),
	('ALTER TABLE "v O".t ENABLE RULE "r''1"'),
	('CREATE OR REPLACE RULE "r''1" AS ON INSERT TO "v O".t DO ALSO NOTHING'),
	('DROP RULE "r''1" ON "v O".t'),
	('DROP STATISTICS "v O".s'),
	('DROP STATISTICS "v O".s; CREATE STATISTICS "v O".s (mcv) ON a, b FROM "v O".t'),
	('DROP EVENT TRIGGER "e''vt"'),
	('COMMENT ON EVENT TRIGGER "e''vt" IS NULL'),
	('ALTER EVENT TRIGGER "e''vt" ENABLE'),
	('ALTER PUBLICATION "p''ub" SET (publish = ''insert'')'),
	('ALTER PUBLICATION "p''ub" DROP TABLE "v O".t'),
	('ALTER PUBLICATION later DROP TABLE "v O".t'),
	('ALTER PUBLICATION sch DROP TABLES IN SCHEMA "v O"'),
	('DROP PUBLICATION everything'),
	('DROP COLLATION "v O".c'),
	('DROP OPERATOR "v O".+ (text, text)'),
	('DROP CAST (text AS "v O"."e''n")'),
	('DROP SERVER vk_srv'),
	('DROP FOREIGN DATA WRAPPER "w''" CASCADE'),
	('DROP TEXT SEARCH CONFIGURATION "v O".ts');
SELECT ddl || E'\n\t' || coalesce(pg_temp.told(ddl), 'NOT TOLD') FROM by_hand ORDER BY n;
SELECT count(*) FROM pgmigrate.verify('o1') WHERE NOT ok;
-- what a later revision did to them is not told of an earlier one
SELECT pgmigrate.revision('others later', string_agg(ddl, ';' ORDER BY n), id => 'o2', down_revision => '{o1}') AS id
FROM by_hand WHERE ddl !~ '^DROP (RULE|STATISTICS.*CREATE|EVENT|SERVER)';
SELECT state FROM pgmigrate.upgrade('o2');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok AND revision ~ '^o';
-- one that was not seen, and a downgrade that leaves all of it
SELECT state FROM pgmigrate.stamp('o1');
SELECT revision, detail FROM pgmigrate.verify('o1') WHERE NOT ok;
SELECT state FROM pgmigrate.downgrade('o1@base');

DROP EXTENSION pgmigrate;
DROP SCHEMA vk3;
DROP TABLE by_hand;
DROP SCHEMA vk2 CASCADE;
DROP SCHEMA "v O" CASCADE;
DROP PUBLICATION "p'ub", sch, later;
DROP OWNED BY regress_vk_reader, "regress vk 'x";
DROP ROLE regress_vk_reader, "regress vk 'x";
CREATE EXTENSION pgmigrate;
