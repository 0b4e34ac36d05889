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

DROP EXTENSION pgmigrate;
DROP SCHEMA vk3;
DROP TABLE by_hand;
DROP SCHEMA vk2 CASCADE;
DROP OWNED BY regress_vk_reader, "regress vk 'x";
DROP ROLE regress_vk_reader, "regress vk 'x";
CREATE EXTENSION pgmigrate;
