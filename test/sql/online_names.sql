/*
 * Names that are words of SQL, or of a format, in what is carried out online.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
DROP SCHEMA IF EXISTS named CASCADE;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA named;
SET search_path = named;
SET pgmigrate.online_threshold = 0;
SET pgmigrate.danger_block = 0;
CREATE TABLE "%1$s" (id int PRIMARY KEY, "a USING b" int, "c%sd" int);
INSERT INTO "%1$s" SELECT g, g, g FROM generate_series(1, 10) g;
CREATE TABLE "p USING (x)" (id int, "a USING b" int, "x%n" int) PARTITION BY RANGE (id);
CREATE TABLE "p%s" PARTITION OF "p USING (x)" FOR VALUES FROM (0) TO (10);
CREATE TABLE "p DEFAULT %d" PARTITION OF "p USING (x)" DEFAULT;
INSERT INTO "p USING (x)" SELECT g, g, g FROM generate_series(1, 20) g;
-- an index is another if its first column is
CREATE INDEX "x USING btree" ON "p USING (x)" (id, "a USING b");
CREATE TABLE "lacks %s" (LIKE "p USING (x)");
CREATE INDEX "like USING btree" ON "lacks %s" ("x%n", "a USING b");
CREATE TABLE "has USING %s" (LIKE "p USING (x)");
CREATE INDEX "like USING btree (id, x)" ON "has USING %s" (id, "a USING b");
INSERT INTO "has USING %s" VALUES (105, 1, 1);
CREATE TABLE change (n serial, what text);
INSERT INTO change (what) VALUES
	('CREATE INDEX "y USING btree" ON "p USING (x)" ("x%n")'),
	('ALTER TABLE "%1$s" ADD CONSTRAINT "a%sb" CHECK ("c%sd" > 0)'),
	('ALTER TABLE "%1$s" ADD CONSTRAINT "f%1$s" FOREIGN KEY ("a USING b") REFERENCES "%1$s"'),
	('ALTER TABLE "%1$s" ADD CONSTRAINT "u USING btree" UNIQUE ("a USING b", "c%sd")'),
	('ALTER TABLE "%1$s" ALTER "c%sd" SET NOT NULL'),
	('ALTER TABLE "p USING (x)" ATTACH PARTITION "lacks %s" FOR VALUES FROM (200) TO (300)'),
	('ALTER TABLE "p USING (x)" ATTACH PARTITION "has USING %s" FOR VALUES FROM (100) TO (200)'),
	('REINDEX INDEX "%1$s_pkey"'),
	('REINDEX TABLE "%1$s"');
SELECT count(pgmigrate.revision('change', what, id => 'r' || n)) FROM change;
SELECT revision, strategy FROM pgmigrate.plan('head') WHERE revision <> 'r5';
SELECT revision, state FROM pgmigrate.upgrade('head');
SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'named'::regnamespace AND contype <> 'n' ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C";
SELECT indexrelid::regclass AS index, i.inhparent::regclass AS of FROM pg_index LEFT JOIN pg_inherits i ON inhrelid = indexrelid WHERE indrelid::regclass::text ~ '%|USING' AND indisvalid ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT attname FROM pg_attribute WHERE attrelid = '"%1$s"'::regclass AND attnotnull AND attnum > 0;
-- a row that does not fit is told of as by the statement itself
\set VERBOSITY terse
SELECT pgmigrate.revision('fails', 'ALTER TABLE "%1$s" ADD CONSTRAINT "a%nb" CHECK ("c%sd" > 5)', id => 'fails1');
SELECT state FROM pgmigrate.upgrade('head');
SELECT pgmigrate.remove('fails1');
CREATE TABLE "bad %s%n" (LIKE "p USING (x)" INCLUDING INDEXES);
INSERT INTO "bad %s%n" VALUES (1, 1, 1);
SELECT pgmigrate.revision('fails', 'ALTER TABLE "p USING (x)" ATTACH PARTITION "bad %s%n" FOR VALUES FROM (300) TO (400)', id => 'fails2');
SELECT state FROM pgmigrate.upgrade('head');
SELECT pgmigrate.remove('fails2');
SELECT pgmigrate.revision('fails', 'ALTER TABLE "p USING (x)" ATTACH PARTITION "lacks %1$s" FOR VALUES FROM (12) TO (15)', id => 'fails3');
CREATE TABLE "lacks %1$s" (LIKE "p USING (x)" INCLUDING INDEXES);
SELECT state FROM pgmigrate.upgrade('head');
INSERT INTO "%1$s" ("id", "a USING b") SELECT 11, 1;
\set VERBOSITY default
SET client_min_messages = error;
DROP SCHEMA named CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
