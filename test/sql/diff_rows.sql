-- What becomes of values whose type is made again: rows keep theirs by name,
-- domains cut nothing.
CREATE DATABASE regress_rows;
\c regress_rows
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA app;

-- text tells attributes by their position: what goes and what comes is so before
CREATE TYPE app.m AS (a text, b numeric(5, 2), g int);
CREATE TYPE app.n AS (m app.m, ms app.m[]);
CREATE TABLE app.t (id int PRIMARY KEY, b app.m, bs app.m[], n app.n,
	gen text GENERATED ALWAYS AS ((b).a) STORED, CHECK ((b).g > 0));
CREATE VIEW app.v AS SELECT (b).g, (n).ms FROM app.t;
INSERT INTO app.t VALUES
	(1, ROW('a,"', 1.55, 3), ARRAY[ROW('b', 2.55, 4), NULL]::app.m[], ROW(ROW('c', 3.55, 5), ARRAY[ROW('d', 4.55, 6)]::app.m[])),
	(2, NULL, NULL, NULL), (3, ROW(NULL, NULL, NULL), '{}', ROW(NULL, '{}'));
\set desired 'CREATE SCHEMA app; CREATE TYPE app.m AS (a text, b numeric(5, 1), z date); CREATE TYPE app.n AS (m app.m, ms app.m[]); CREATE TABLE app.t (id int PRIMARY KEY, b app.m, bs app.m[], n app.n, gen text GENERATED ALWAYS AS ((b).a) STORED, CHECK ((b).b > 0)); CREATE VIEW app.v AS SELECT (b).z, (n).ms FROM app.t'
SELECT d FROM pgmigrate.diff(:'desired') AS d WHERE d ~ 'TYPE';
SELECT pgmigrate.autogenerate('fit', :'desired', id => 'fit');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT id, b, bs, n, gen, b IS DISTINCT FROM NULL AS is_row FROM app.t ORDER BY id;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT id, b, bs, n, gen, b IS DISTINCT FROM NULL AS is_row FROM app.t ORDER BY id;
SELECT pgmigrate.remove('fit');

-- where they have another order JSON tells them by name
\set desired 'CREATE SCHEMA app; CREATE TYPE app.m AS (z date, b numeric(5, 2), a varchar(9)); CREATE TYPE app.n AS (m app.m, ms app.m[]); CREATE TABLE app.t (id int PRIMARY KEY, b app.m, bs app.m[], n app.n, gen text GENERATED ALWAYS AS ((b).a) STORED)'
SELECT d FROM pgmigrate.diff(:'desired') AS d WHERE d ~ 'TYPE';
SELECT pgmigrate.autogenerate('move', :'desired', id => 'move');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT id, b, bs, n, gen, b IS DISTINCT FROM NULL AS is_row FROM app.t ORDER BY id;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT id, b, bs, n, gen, b IS DISTINCT FROM NULL AS is_row FROM app.t ORDER BY id;
SELECT pgmigrate.remove('move');
DROP TABLE app.t CASCADE;

-- so it is where the first one goes and is to come back, and where no column has them
CREATE TYPE app."Of two" AS (a text, b text);
CREATE TABLE app.t (b app."Of two", bs app."Of two"[]);
INSERT INTO app.t VALUES (ROW('a', 'b'), ARRAY[ROW('c', 'd')]::app."Of two"[]);
\set desired 'CREATE SCHEMA app; CREATE TYPE app.m AS (a text, g int, b numeric(5, 2)); CREATE TYPE app.n AS (m app.m, ms app.m[]); CREATE TYPE app."Of two" AS (b text); CREATE TABLE app.t (b app."Of two", bs app."Of two"[])'
SELECT pgmigrate.autogenerate('first', :'desired', id => 'first');
SELECT upgrade, downgrade FROM pgmigrate.revision WHERE id = 'first';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM app.t;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT * FROM app.t;
DROP TABLE app.t;
DROP TYPE app."Of two", app.n, app.m;
SELECT pgmigrate.remove('first');

-- helpers stand beside them under names that nobody has, nor is to have
CREATE TYPE app.h AS (a text, b text);
CREATE TYPE app."H ""of"" one" AS (a text, b text);
CREATE TABLE app.h_old (id int CONSTRAINT h_rows PRIMARY KEY);
CREATE TABLE app."H ""of"" one (old)" (i int);
CREATE TABLE app.t (b app.h, bs app.h[], cs app."H ""of"" one"[]);
INSERT INTO app.t VALUES (ROW('a', 'b'), ARRAY[ROW('c', 'd')]::app.h[], ARRAY[ROW('e', 'f')]::app."H ""of"" one"[]);
\set desired 'CREATE SCHEMA app; CREATE TYPE app.h AS (b text, a text); CREATE TYPE app."H ""of"" one" AS (b text, a text); CREATE TABLE app.h_old (id int CONSTRAINT h_rows PRIMARY KEY); CREATE TABLE app."H ""of"" one (old)" (i int); CREATE TYPE app.h_rows2 AS (i int); CREATE TABLE app.t (b app.h, bs app.h[], cs app."H ""of"" one"[])'
SELECT pgmigrate.autogenerate('names', :'desired', id => 'names');
SELECT upgrade FROM pgmigrate.revision WHERE id = 'names';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM app.t;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT * FROM app.t;
DROP TABLE app.t, app.h_old, app."H ""of"" one (old)";
DROP TYPE app.h, app."H ""of"" one";
SELECT pgmigrate.remove('names');

-- an assignment refuses what a cast would cut, also to a domain and in an array
CREATE DOMAIN app.d AS text;
CREATE DOMAIN app.n AS numeric(10, 3);
CREATE TABLE app.u (d app.d, ds app.d[], t text, ts text[], b text, i int, n app.n, ns app.n[]);
\set desired 'CREATE SCHEMA app; CREATE DOMAIN app.d AS varchar(3); CREATE DOMAIN app.c AS char(3); CREATE DOMAIN app.cs AS varchar(3)[]; CREATE DOMAIN app.b AS bit(3); CREATE DOMAIN app.n AS numeric(10, 1); CREATE TABLE app.u (d app.d, ds app.d[], t app.c, ts app.cs, b app.b, i bit(3), n app.n, ns app.n[])'
SELECT d FROM pgmigrate.diff(:'desired') AS d WHERE d ~ 'ALTER TABLE';
SELECT pgmigrate.autogenerate('cut', :'desired', id => 'cut');
SELECT substring(downgrade FROM 'ALTER TABLE.*?;') FROM pgmigrate.revision WHERE id = 'cut';
INSERT INTO app.u (d) VALUES ('long');
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE app.u SET d = NULL, ds = '{long}';
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE app.u SET ds = NULL, t = 'long';
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE app.u SET t = NULL, ts = '{long}';
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE app.u SET ts = NULL, b = '1010';
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE app.u SET d = 'a', ds = '{b}', t = 'c', ts = '{d}', b = '101', i = 5, n = 1.255, ns = '{2.255}';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM app.u;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT * FROM app.u;

\c contrib_regression
DROP DATABASE regress_rows;
