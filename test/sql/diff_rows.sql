-- Rows of a composite type that is made again keep their values by name.
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

\c contrib_regression
DROP DATABASE regress_rows;
