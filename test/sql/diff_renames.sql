-- Renames of all kinds, told by names, by hints in the text, and by OIDs.
CREATE DATABASE regress_rename;
\c regress_rename
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA old;
SET search_path = old;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN code AS text CONSTRAINT long CHECK (length(value) < 9);
CREATE SEQUENCE counter;
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i';
CREATE TABLE people (id int CONSTRAINT pk PRIMARY KEY, name text, feeling mood, c code, CONSTRAINT named CHECK (id > 0));
CREATE INDEX by_name ON people (name);
CREATE VIEW names AS SELECT name FROM people;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM people;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER before BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY mine ON people USING (id > 1);
INSERT INTO people VALUES (1, 'a', 'sad', 'x');
RESET search_path;
\set desired 'CREATE SCHEMA app; SET search_path = app; CREATE TYPE feeling AS ENUM (\'blue\', \'ok\'); CREATE TYPE couple AS (x int, b text); CREATE DOMAIN short AS text CONSTRAINT brief CHECK (length(value) < 9); CREATE SEQUENCE numbers; CREATE FUNCTION double(i int) RETURNS int LANGUAGE sql AS \'SELECT 2 * i\'; CREATE TABLE persons (id int CONSTRAINT key PRIMARY KEY, called text, feeling feeling, c short, CONSTRAINT positive CHECK (id > 0)); CREATE INDEX by_called ON persons (called); CREATE VIEW called AS SELECT called AS name FROM persons; CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM persons; CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN RETURN NEW; END\'; CREATE TRIGGER early BEFORE INSERT ON persons FOR EACH ROW EXECUTE FUNCTION touch(); CREATE POLICY own ON persons USING (id > 1);'
\set renames '{"schema old": "app", "type mood": "feeling", "value old.mood.sad": "blue", "type pair": "couple", "attribute pair.a": "x", "domain code": "short", "constraint code.long": "brief", "sequence counter": "numbers", "function twice": "double", "people": "persons", "people.name": "called", "constraint people.pk": "key", "constraint named": "positive", "index by_name": "by_called", "view names": "called", "materialized view counted": "sums", "trigger before": "early", "policy people.mine": "own"}'
SELECT d || ';' FROM pgmigrate.diff(:'desired', renames => :'renames') AS d WHERE d !~ 'not_null';
SELECT pgmigrate.autogenerate('names', :'desired', renames => :'renames', id => 'names');
SELECT line FROM pgmigrate.revision, string_to_table(downgrade, E'\n') AS line WHERE id = 'names' AND line !~ 'not_null|^$';
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
TABLE app.persons;
SELECT * FROM pgmigrate.diff(:'desired');
SELECT revision, state FROM pgmigrate.downgrade('base');
TABLE old.people;
-- by hints, which may stay in the text
\set hinted '-- pgmigrate: renamed from old\nCREATE SCHEMA app; SET search_path = app;\n-- pgmigrate: renamed from mood\nCREATE TYPE feeling AS ENUM (\n-- pgmigrate: renamed from sad\n\'blue\', \'ok\');\n-- pgmigrate: renamed from pair\nCREATE TYPE couple AS (\n-- pgmigrate: renamed from a\nx int, b text);\n-- pgmigrate: renamed from code\nCREATE DOMAIN short AS text CONSTRAINT long CHECK (length(value) < 9);\n-- pgmigrate: renamed from counter\nCREATE SEQUENCE numbers;\n-- pgmigrate: renamed from twice\nCREATE FUNCTION double(i int) RETURNS int LANGUAGE sql AS \'SELECT 2 * i\';\n-- pgmigrate: renamed from people\nCREATE TABLE persons (id int CONSTRAINT pk PRIMARY KEY,\n-- pgmigrate: renamed from name\n called text, feeling feeling, c short,\n-- pgmigrate: renamed from named\n CONSTRAINT positive CHECK (id > 0));\n-- pgmigrate: renamed from by_name\nCREATE INDEX by_called ON persons (called);\n-- pgmigrate: renamed from names\nCREATE VIEW called AS SELECT called AS name FROM persons;\n-- pgmigrate: renamed from counted\nCREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM persons; CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN RETURN NEW; END\';\n-- pgmigrate: renamed from before\nCREATE TRIGGER early BEFORE INSERT ON persons FOR EACH ROW EXECUTE FUNCTION touch();\n-- pgmigrate: renamed from mine\nCREATE POLICY own ON persons USING (id > 1);'
SELECT d || ';' FROM pgmigrate.diff(:'hinted') AS d WHERE d !~ 'not_null';
SELECT pgmigrate.diff(replace(:'hinted', 'from sad', 'from bad'));
SELECT pgmigrate.diff(replace(:'hinted', 'from mood', 'from other.mood'));
SELECT pgmigrate.diff(replace(:'hinted', 'from twice', 'from thrice'));
-- what is not there, not desired, not one only, or no name
SELECT pgmigrate.diff(:'desired', renames => '{"view no_view": "called"}');
SELECT pgmigrate.diff(:'desired', renames => '{"value mood.no_label": "blue"}');
SELECT pgmigrate.diff(:'desired', renames => '{"schema old": "no_schema"}');
SELECT pgmigrate.diff(:'desired', renames => '{"function twice(text)": "double"}');
CREATE FUNCTION old.twice(i text) RETURNS text LANGUAGE sql AS 'SELECT i';
SELECT pgmigrate.diff(:'desired', renames => '{"function twice": "double"}');
SELECT d || ';' FROM pgmigrate.diff(:'desired', renames => '{"schema old": "app", "function old.twice(integer)": "double"}') AS d WHERE d ~ 'FUNCTION';
DROP FUNCTION old.twice(text);
-- by OIDs, between this database and a copy of it
\c contrib_regression
CREATE DATABASE regress_renamed TEMPLATE regress_rename;
\c regress_renamed
ALTER SCHEMA old RENAME TO app;
ALTER TYPE app.mood RENAME TO feeling;
ALTER TABLE app.people RENAME TO persons;
ALTER TABLE app.persons RENAME name TO called;
ALTER TABLE app.persons RENAME CONSTRAINT pk TO key;
ALTER INDEX app.by_name RENAME TO by_called;
ALTER VIEW app.names RENAME TO called;
ALTER FUNCTION app.twice(int) RENAME TO double;
ALTER TRIGGER before ON app.persons RENAME TO early;
ALTER TABLE app.persons DROP COLUMN c, ADD COLUMN d text;
\c regress_rename
SELECT d || ';' FROM pgmigrate.diff(desired_database => 'regress_renamed') AS d;
SELECT pgmigrate.autogenerate('names', desired_database => 'regress_renamed', id => 'copy');
SELECT line FROM pgmigrate.revision, string_to_table(downgrade, E'\n') AS line WHERE id = 'copy' AND line !~ 'not_null|^$';
SELECT datname FROM pg_database WHERE datname LIKE 'pgmigrate%';
-- another database is no copy, whatever the names and shapes
\c regress_renamed
SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
CREATE SCHEMA app;
CREATE TABLE app.persons (id int PRIMARY KEY);
\c regress_rename
SELECT count(*) FROM pgmigrate.diff(desired_database => 'regress_renamed') AS d WHERE d ~ 'RENAME';
\c contrib_regression
DROP DATABASE regress_rename;
DROP DATABASE regress_renamed;
