-- A schema of this database as what another is to become, and what the caller
-- may not alter.
SET client_min_messages = warning;
CREATE ROLE regress_schemas CREATEDB LOGIN;
CREATE ROLE regress_schemas_other;
CREATE DATABASE regress_diff_schemas;
\c regress_diff_schemas
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA app;
CREATE SCHEMA "App next";
SET search_path = app;
CREATE TABLE t (id int PRIMARY KEY, gone text);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
CREATE VIEW public.v AS SELECT t.id FROM t JOIN t AS o USING (id);
GRANT SELECT ON t TO regress_schemas_other;
SET search_path = "App next";
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE CAST (mood AS int) WITH INOUT;
CREATE TABLE t (id bigint PRIMARY KEY, m mood DEFAULT 'a', tags text[]);
CREATE TABLE u (id serial PRIMARY KEY, t bigint REFERENCES t);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM "App next".t';
ALTER TABLE u OWNER TO regress_schemas_other;
COMMENT ON COLUMN t.tags IS 'of "App next"';
-- no schema that was set aside has that number
COMMENT ON COLUMN t.m IS 'pgmigrate_aside_900000';
RESET search_path;
\set map '{"App next": "app"}'

SELECT pgmigrate.autogenerate('next', desired_schemas => :'map', id => 'next');
SELECT upgrade FROM pgmigrate.revision WHERE id = 'next';
SELECT revision, state FROM pgmigrate.upgrade();
-- nothing is left, and the other schema is as it was
SET client_min_messages = notice;
SELECT pgmigrate.autogenerate('again', desired_schemas => :'map');
SET client_min_messages = warning;
SELECT pg_typeof(id), 'app.t'::regclass, "App next".g() FROM public.v RIGHT JOIN (SELECT) AS s ON true;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pg_get_functiondef('app.f'::regproc), format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'public.v'::regclass AND attname = 'id';
SELECT * FROM pgmigrate.drift();

-- a schema that is not there yet
SELECT count(*) FROM pgmigrate.diff(desired_schemas => '{"App next": "fresh"}') AS d WHERE d ~ 'fresh';
-- with a rename
SELECT d FROM pgmigrate.diff(desired_schemas => :'map', renames => '{"app.t.gone": "tags"}') AS d WHERE d ~ 'RENAME|DROP COLUMN';

-- what cannot be
CREATE VIEW "App next".w AS SELECT * FROM app.t;
SELECT pgmigrate.diff(desired_schemas => :'map');
DROP VIEW "App next".w;
CREATE VIEW public.w AS SELECT gone FROM app.t;
SELECT pgmigrate.diff(desired_schemas => :'map');
DROP VIEW public.w;
SELECT pgmigrate.diff(desired_schemas => '{"no such": "app"}');
SELECT pgmigrate.diff(desired_schemas => '{"app": "app"}');
SELECT pgmigrate.diff(desired_schemas => '{"app": "b", "App next": "app"}');
SELECT pgmigrate.diff(desired_schemas => '{}');
SELECT pgmigrate.diff(desired_schemas => '[1]');
SELECT pgmigrate.diff('SELECT 1', desired_schemas => :'map');

-- who may not alter what belongs to others is told before anything is stored
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_schemas', 'author');
GRANT USAGE ON SCHEMA app, "App next" TO regress_schemas;
ALTER TABLE app.t OWNER TO regress_schemas_other;
SET pgmigrate.autogenerate_exclude = 'public.%, "cast %", "%App next%"';
SET ROLE regress_schemas;
\set text 'CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, gone text, more text); CREATE INDEX t_gone ON app.t (gone); CREATE TABLE app.new (i int); CREATE SCHEMA mine;'
SELECT pgmigrate.autogenerate('not mine', :'text');
SELECT id FROM pgmigrate.revision WHERE message = 'not mine';
-- that it is only shown needs no right
SELECT count(*) > 0 AS shown FROM pgmigrate.diff(:'text');
SELECT pgmigrate.autogenerate('not mine', 'CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, gone text); ALTER TABLE app.t OWNER TO regress_schemas');
RESET ROLE;
DROP FUNCTION app.f();
ALTER SCHEMA app OWNER TO regress_schemas;
GRANT regress_schemas_other TO regress_schemas;
GRANT CREATE ON DATABASE regress_diff_schemas TO regress_schemas;
SET ROLE regress_schemas;
SELECT pgmigrate.autogenerate('mine now', :'text', id => 'mine');
RESET ROLE;
SELECT upgrade FROM pgmigrate.revision WHERE id = 'mine';
SELECT datname FROM pg_database WHERE datname LIKE 'pgmigrate%';

\c contrib_regression
DROP DATABASE regress_diff_schemas;
DROP ROLE regress_schemas, regress_schemas_other;
