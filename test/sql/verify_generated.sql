-- Verifications that the server generates, from what revisions made.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_vg_reader;
CREATE ROLE regress_vg_viewer;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_vg_viewer', 'viewer');
SET pgmigrate.execution = inline;
\pset format unaligned

SELECT pgmigrate.revision('all kinds', $$
	CREATE SCHEMA "V g";
	CREATE TYPE "V g"."mo'od" AS ENUM ('good', 'bad');
	CREATE TABLE "V g"."Ac.count" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		"e mail" varchar(80) NOT NULL DEFAULT 'it''s', mood "V g"."mo'od",
		twice int GENERATED ALWAYS AS (2 * 2) STORED,
		CONSTRAINT "long" CHECK (length("e mail") > 1));
	ALTER TABLE "V g"."Ac.count" ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
	CREATE INDEX by_mail ON "V g"."Ac.count" ("e mail");
	CREATE FUNCTION "V g".noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER "t g" BEFORE INSERT ON "V g"."Ac.count" FOR EACH ROW EXECUTE FUNCTION "V g".noop();
	ALTER TABLE "V g"."Ac.count" DISABLE TRIGGER "t g";
	CREATE POLICY mine ON "V g"."Ac.count" FOR SELECT USING (true);
	ALTER TABLE "V g"."Ac.count" ENABLE ROW LEVEL SECURITY;
	CREATE VIEW "V g".mails AS SELECT "e mail" FROM "V g"."Ac.count";
	GRANT SELECT ON "V g"."Ac.count" TO regress_vg_reader;
	CREATE TEMP TABLE passing (i int)$$,
	'DROP SCHEMA "V g" CASCADE', id => 'g1') AS id;
SELECT count(*) FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.verify();
-- since PostgreSQL 18 there are constraints for NOT NULL
SELECT regexp_replace(line, 'ARRAY\[.*\]', 'ARRAY[...]') AS upgrade
FROM pgmigrate.verification, regexp_split_to_table(upgrade, E'\n') AS l (line)
WHERE revision = 'g1' AND line NOT LIKE '%not_null%';
SELECT line AS downgrade FROM pgmigrate.verification, regexp_split_to_table(downgrade, E'\n') AS l (line)
WHERE revision = 'g1' AND line NOT LIKE '%not_null%';
SELECT object FROM pgmigrate.verification, unnest(objects) AS object WHERE revision = 'g1' AND object NOT LIKE '%not_null%';
SELECT m AS made FROM pgmigrate.verification, unnest(made) AS m WHERE revision = 'g1' AND m NOT LIKE '%not_null%';

-- with no right to the schema, and names found by nobody's search_path
SET search_path = pg_temp;
SET ROLE regress_vg_viewer;
SELECT * FROM pgmigrate.verify('g1') WHERE NOT ok;
RESET ROLE;
RESET search_path;

-- each change by hand is told by the name of the object
BEGIN;
ALTER TABLE "V g"."Ac.count" ALTER "e mail" DROP NOT NULL;
ALTER TABLE "V g"."Ac.count" ENABLE TRIGGER "t g";
ALTER TABLE "V g"."Ac.count" DISABLE ROW LEVEL SECURITY;
ALTER TABLE "V g"."Ac.count" VALIDATE CONSTRAINT later;
DROP INDEX "V g".by_mail;
DROP VIEW "V g".mails;
DROP POLICY mine ON "V g"."Ac.count";
REVOKE SELECT ON "V g"."Ac.count" FROM regress_vg_reader;
SELECT statement, detail FROM pgmigrate.verify('g1') WHERE NOT ok;
ROLLBACK;
BEGIN;
ALTER TABLE "V g"."Ac.count" ALTER "e mail" SET DEFAULT 'x';
ALTER TABLE "V g"."Ac.count" ALTER id TYPE int;
ALTER FUNCTION "V g".noop() RENAME TO op;
ALTER TYPE "V g"."mo'od" RENAME TO mood;
SELECT statement, detail FROM pgmigrate.verify('g1') WHERE NOT ok;
ROLLBACK;
SELECT count(*) FROM pgmigrate.verify() WHERE NOT ok;

-- What a later revision did something to is its business.
SELECT pgmigrate.revision('later', $$
	DROP VIEW "V g".mails;
	ALTER TABLE "V g"."Ac.count" ALTER "e mail" TYPE text, ALTER "e mail" DROP DEFAULT, DROP CONSTRAINT later;
	ALTER TABLE "V g"."Ac.count" DROP COLUMN twice, ADD COLUMN phone text DEFAULT '1';
	ALTER TABLE "V g"."Ac.count" ENABLE TRIGGER "t g";
	ALTER INDEX "V g".by_mail RENAME TO by_email;
	CREATE OR REPLACE FUNCTION "V g".noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
	CREATE VIEW "V g".mails AS SELECT phone FROM "V g"."Ac.count";
	REVOKE SELECT ON "V g"."Ac.count" FROM regress_vg_reader$$,
	'SELECT 1', id => 'g2') AS id;
SELECT pgmigrate.revision('renamed', 'ALTER TABLE "V g"."Ac.count" RENAME TO account', 'ALTER TABLE "V g".account RENAME TO "Ac.count"', id => 'g3') AS id;
SELECT count(*) FROM pgmigrate.upgrade('g2');
SELECT object FROM pgmigrate.verification, unnest(objects) AS object WHERE revision = 'g2' AND object NOT LIKE '%not_null%';
SELECT m AS made FROM pgmigrate.verification, unnest(made) AS m WHERE revision = 'g2' AND m NOT LIKE '%not_null%';
SELECT line FROM pgmigrate.verification, regexp_split_to_table(upgrade, E'\n') AS l (line) WHERE revision = 'g2' AND line LIKE '%IS NULL AS ok';
SELECT * FROM pgmigrate.verify() WHERE NOT ok;
-- but not what it left alone
BEGIN;
ALTER TABLE "V g"."Ac.count" DROP COLUMN mood;
ALTER TABLE "V g"."Ac.count" ALTER phone DROP DEFAULT;
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;
ROLLBACK;
SELECT count(*) FROM pgmigrate.upgrade('g3');
SELECT * FROM pgmigrate.verify() WHERE NOT ok;
ALTER TABLE "V g".account DROP COLUMN mood;
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;
ALTER TABLE "V g".account ADD COLUMN mood "V g"."mo'od";
SELECT count(*) FROM pgmigrate.downgrade('g2');
SELECT revision, detail FROM pgmigrate.verify() WHERE NOT ok;

-- a downgrade that leaves something is told
SELECT count(*) FROM pgmigrate.downgrade('g1');
SELECT count(*) FROM pgmigrate.downgrade('base');
SELECT count(*) FROM pgmigrate.verify();

-- The same text has to make the same.
SELECT pgmigrate.revision('perhaps', 'CREATE TABLE IF NOT EXISTS public.vg_perhaps (i int NOT NULL)',
	'DROP TABLE public.vg_perhaps', id => 'p1', down_revision => '{}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p1');
SELECT count(*) FROM pgmigrate.downgrade('p1@base');
SELECT count(*) FROM pgmigrate.upgrade('p1');
SELECT count(*) FROM pgmigrate.downgrade('p1@base');
CREATE TABLE public.vg_perhaps (i int);
SELECT count(*) FROM pgmigrate.upgrade('p1');
SET pgmigrate.generate_verify = off;
SELECT count(*) FROM pgmigrate.upgrade('p1');
RESET pgmigrate.generate_verify;
SELECT revision, source, ok, detail FROM pgmigrate.verify('p1');
SELECT count(*) FROM pgmigrate.downgrade('p1@base');

-- one that is written takes its place
SELECT pgmigrate.amend('p1', verify => 'SELECT count(*) = 0 AS ok FROM public.vg_perhaps');
SELECT count(*) FROM pgmigrate.upgrade('p1');
SELECT revision, source, statement, ok FROM pgmigrate.verify('p1');
SELECT upgrade IS NULL AS no_text, objects FROM pgmigrate.verification WHERE revision = 'p1';
-- of what was not seen, the text of the revision tells
SELECT pgmigrate.revision('unseen', 'ALTER TABLE public.vg_seen ALTER i DROP NOT NULL', id => 'p3',
	down_revision => (SELECT ARRAY[pgmigrate.revision('seen', 'CREATE TABLE public.vg_seen (i int NOT NULL)', id => 'p2', down_revision => '{p1}')])) AS id;
SELECT count(*) FROM pgmigrate.upgrade('p2');
SET pgmigrate.generate_verify = off;
SELECT count(*) FROM pgmigrate.upgrade('p3');
RESET pgmigrate.generate_verify;
SELECT revision, source, ok, detail FROM pgmigrate.verify('p2');
-- in a worker, statement by statement, and made by functions
SET pgmigrate.execution = auto;
SELECT pgmigrate.revision('by a function', $$DO 'BEGIN EXECUTE ''CREATE TABLE public.vg_do (a int)''; BEGIN CREATE TABLE public.vg_not (); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END';
	CREATE INDEX CONCURRENTLY vg_do_a ON public.vg_do (a)$$, id => 'p4', down_revision => '{p3}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p4');
SELECT revision, source, statement, ok FROM pgmigrate.verify('p4');
SELECT objects FROM pgmigrate.verification WHERE revision = 'p4';
-- names are quoted in one way, whatever the session has set
SET quote_all_identifiers = on;
SELECT pgmigrate.revision('quoted', 'CREATE TABLE public.vg_quoted (a text DEFAULT now()::text)', 'DROP TABLE public.vg_quoted', id => 'p5', down_revision => '{p4}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p5');
SELECT objects FROM pgmigrate.verification WHERE revision = 'p5';
RESET quote_all_identifiers;
SELECT revision, source, statement, ok, detail FROM pgmigrate.verify('p5');
SET quote_all_identifiers = on;
SELECT count(*) FROM pgmigrate.downgrade('p4');
RESET quote_all_identifiers;
SELECT count(*) FROM pgmigrate.upgrade('p5');
SELECT count(*) FROM pgmigrate.downgrade('p4');
SELECT pgmigrate.remove('p5');
-- what is removed leaves no verification
SELECT count(*) FROM pgmigrate.stamp('p3');
SELECT pgmigrate.remove('p4');
SELECT count(*) FROM pgmigrate.verification WHERE revision = 'p4';
-- rows that a later one wrote, and a part of another name, say nothing of a table
SELECT pgmigrate.revision('short', 'CREATE TABLE public.u (i int NOT NULL)', id => 'p5', down_revision => '{p3}') AS id;
SELECT pgmigrate.revision('rows', 'INSERT INTO public.u VALUES (1)', id => 'p6', down_revision => '{p5}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p6');
SELECT upgrade, objects FROM pgmigrate.verification WHERE revision = 'p6';
SELECT pgmigrate.revision('unseen', 'UPDATE public.vg_perhaps SET i = 1', id => 'p7', down_revision => '{p6}') AS id;
SET pgmigrate.generate_verify = off;
SELECT count(*) FROM pgmigrate.upgrade('p7');
ALTER TABLE public.u ALTER i DROP NOT NULL;
SELECT revision, ok, detail FROM pgmigrate.verify('p5') WHERE NOT ok;
SELECT pgmigrate.revision('unseen', 'SELECT FROM public.U', id => 'p8', down_revision => '{p7}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p8');
RESET pgmigrate.generate_verify;
SELECT revision, ok, detail FROM pgmigrate.verify('p5') WHERE NOT ok;
-- what goes with a table or a column that is kept is not named by any text
SELECT pgmigrate.revision('many', 'CREATE TABLE public.vg_kept (id serial PRIMARY KEY, v text, w text);
	CREATE INDEX vg_by_v ON public.vg_kept (v); CREATE STATISTICS public.vg_of ON v, w FROM public.vg_kept;
	CREATE TABLE public.vg_column (a int UNIQUE, b int, c int); CREATE INDEX vg_by_b ON public.vg_column (b);
	CREATE STATISTICS public.vg_of_b ON b, c FROM public.vg_column', id => 'p9', down_revision => '{p8}') AS id;
SELECT pgmigrate.revision('kept', E'-- pgmigrate: online\nDROP TABLE public.vg_kept;
	-- pgmigrate: online\nALTER TABLE public.vg_column DROP a, DROP b', id => 'p10', down_revision => '{p9}') AS id;
SELECT count(*) FROM pgmigrate.upgrade('p10');
SELECT strategy, state FROM pgmigrate.operations ORDER BY operation;
SELECT revision, ok, detail FROM pgmigrate.verify('p9') WHERE NOT ok;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
DROP INDEX public.vg_by_b;
SELECT action FROM pgmigrate.finalize();
SELECT revision, ok, detail FROM pgmigrate.verify('p9') WHERE NOT ok;

DROP EXTENSION pgmigrate;
DROP TABLE public.vg_column;
DROP TABLE public.vg_perhaps, public.vg_seen, public.vg_do, public.u;
DROP OWNED BY regress_vg_reader, regress_vg_viewer;
DROP ROLE regress_vg_reader, regress_vg_viewer;
CREATE EXTENSION pgmigrate;
