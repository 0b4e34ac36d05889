-- What diff() writes of one table in one ALTER TABLE, and what it renames.
CREATE DATABASE regress_joined;
\c regress_joined
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE SCHEMA app;
CREATE TABLE app.customers (id int PRIMARY KEY, name text);
CREATE TABLE app.orders (id int PRIMARY KEY, active int NOT NULL CHECK (active IN (0, 1)), amount numeric(10, 4), customer int, note text, code text);
CREATE VIEW app.active AS SELECT id FROM app.orders WHERE active = 1;
INSERT INTO app.orders VALUES (1, 1, 2.5, NULL, 'n', 'c');

-- a copy takes along columns, defaults and checks; keys need statements of
-- their own, the check that goes comes to the change of type
\set desired 'CREATE SCHEMA app; CREATE TABLE app.customers (id bigint PRIMARY KEY, name text NOT NULL); COMMENT ON COLUMN app.customers.name IS $$n$$; CREATE TABLE app.orders (id bigint PRIMARY KEY, active bool NOT NULL DEFAULT true, amount numeric(10, 2), customer bigint NOT NULL REFERENCES app.customers, note text, code text, phone text, tel text CHECK (tel <> $$$$), CONSTRAINT amounts CHECK (amount > 0), CONSTRAINT codes UNIQUE (code)); COMMENT ON COLUMN app.orders.phone IS $$p$$; CREATE VIEW app.active AS SELECT id FROM app.orders WHERE active'
UPDATE app.orders SET customer = 1;
INSERT INTO app.customers VALUES (1, 'c');
-- (since 16 the server writes views of one table without its name)
SELECT regexp_replace(d, '\morders\.', '', 'g') || ';' AS d FROM pgmigrate.diff(:'desired') AS d;
SELECT pgmigrate.autogenerate('joined', :'desired', id => 'joined');
SELECT regexp_replace(downgrade, '\morders\.', '', 'g') AS downgrade FROM pgmigrate.revision WHERE id = 'joined';
-- as a script for psql
SELECT string_agg(d, E';\n') || ';' = rtrim((SELECT upgrade FROM pgmigrate.revision WHERE id = 'joined'), E'\n') AS is_script
FROM pgmigrate.diff(:'desired') AS d;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM app.orders;
SELECT * FROM pgmigrate.diff(:'desired');
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('joined');

-- what one table needs of another keeps its place
CREATE TABLE app.tokens (id int PRIMARY KEY, n int, CONSTRAINT n CHECK (n > 0));
SET check_function_bodies = off;
CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM app.orders WHERE phone IS NULL';
RESET check_function_bodies;
SELECT d || ';' AS d FROM pgmigrate.diff('CREATE SCHEMA app; CREATE TABLE app.customers (id int PRIMARY KEY, name text);
CREATE TABLE app.orders (id int PRIMARY KEY, active int NOT NULL CHECK (active IN (0, 1)), amount numeric(10, 4), customer int, note text, code text, phone text);
CREATE VIEW app.active AS SELECT id FROM app.orders WHERE active = 1;
CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql STABLE AS ''SELECT count(*) FROM app.orders WHERE phone IS NULL'';
CREATE TABLE app.tokens (id int PRIMARY KEY, n bigint, CONSTRAINT n CHECK (n > app.total()))') AS d;
DROP FUNCTION app.total;
DROP TABLE app.tokens;

-- constraints and indexes of another name are renamed, keys to them stay; what
-- children have too is made anew, and said
CREATE TABLE app.named (id int, n int, m int, CONSTRAINT a_pk PRIMARY KEY (id), CONSTRAINT a_uq UNIQUE (n), CONSTRAINT a_check CHECK (n > 0));
CREATE TABLE app.refers (id int CONSTRAINT a_fk REFERENCES app.named, n int CONSTRAINT b_fk REFERENCES app.named (n));
CREATE INDEX a_index ON app.named (m) WHERE n > 1;
COMMENT ON INDEX app.a_index IS 'of m';
CREATE INDEX one ON app.refers (n);
CREATE INDEX two ON app.refers (n);
CREATE TABLE app.parent (id int CONSTRAINT p_check CHECK (id > 0));
CREATE TABLE app.child (m int CONSTRAINT m_check CHECK (m > 0)) INHERITS (app.parent);
CREATE INDEX p_index ON app.parent (id);
CREATE TABLE app.parted (id int CONSTRAINT a_key PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF app.parted (CONSTRAINT part_check CHECK (id < 9)) FOR VALUES FROM (0) TO (9);
CREATE DOMAIN app.d AS int CONSTRAINT d_check CHECK (VALUE > 0);
\set same 'CREATE SCHEMA app; CREATE TABLE app.customers (id int PRIMARY KEY, name text); CREATE TABLE app.orders (id int PRIMARY KEY, active int NOT NULL CHECK (active IN (0, 1)), amount numeric(10, 4), customer int, note text, code text); CREATE VIEW app.active AS SELECT id FROM app.orders WHERE active = 1; '
\set renamed :same 'CREATE TABLE app.named (id int, n int, m int, CONSTRAINT b_pk PRIMARY KEY (id), CONSTRAINT b_uq UNIQUE (n), CONSTRAINT b_check CHECK (n > 0)); CREATE TABLE app.refers (id int CONSTRAINT c_fk REFERENCES app.named, n int CONSTRAINT b_fk REFERENCES app.named (n)); CREATE INDEX b_index ON app.named (m) WHERE n > 1; COMMENT ON INDEX app.b_index IS $$by m$$; CREATE INDEX three ON app.refers (n); CREATE INDEX four ON app.refers (n); CREATE TABLE app.parent (id int CONSTRAINT q_check CHECK (id > 0)); CREATE TABLE app.child (m int CONSTRAINT n_check CHECK (m > 0)) INHERITS (app.parent); CREATE INDEX q_index ON app.parent (id); CREATE TABLE app.parted (id int CONSTRAINT b_key PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE app.part PARTITION OF app.parted (CONSTRAINT part_less CHECK (id < 9)) FOR VALUES FROM (0) TO (9); CREATE DOMAIN app.d AS int CONSTRAINT e_check CHECK (VALUE > 0);'
SELECT d || ';' AS d FROM pgmigrate.diff(:'renamed') AS d;
SELECT pgmigrate.autogenerate('names', :'renamed', id => 'names');
SELECT downgrade FROM pgmigrate.revision WHERE id = 'names';
SELECT 'app.a_index'::regclass::oid AS index, 'app.a_uq'::regclass::oid AS key \gset
SELECT revision, state FROM pgmigrate.upgrade();
SELECT 'app.b_index'::regclass::oid = :index AS same_index, 'app.b_uq'::regclass::oid = :key AS same_key;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('names');
-- not over what has the name, nor what is excluded
CREATE SEQUENCE app.b_index;
SET pgmigrate.autogenerate_exclude = 'app.refers, app.parent, app.parted';
SELECT d FROM pgmigrate.diff(:'renamed') AS d WHERE d ~ '_index';
DROP SEQUENCE app.b_index;
SET pgmigrate.autogenerate_exclude = 'app.named, app.refers, app.parent';
SELECT d FROM pgmigrate.diff(:'renamed') AS d WHERE d ~ 'named|_index';
RESET pgmigrate.autogenerate_exclude;
DROP TABLE app.named, app.refers, app.parent, app.child, app.parted;
DROP DOMAIN app.d;

-- a label that is used at once makes the type again, and says so
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TABLE app.person (mood app.mood);
SELECT pgmigrate.diff(:'same' || 'CREATE TYPE app.mood AS ENUM (''sad'', ''ok'', ''glad''); CREATE TABLE app.person (mood app.mood DEFAULT ''glad'')');

-- a name is free before a table has it: the key goes in a statement of its own
CREATE TABLE app.one (a int, b int, CONSTRAINT k UNIQUE (a));
CREATE TABLE app.two (a int, b int);
SELECT d FROM pgmigrate.diff(:'same' || 'CREATE TYPE app.mood AS ENUM (''sad'', ''ok''); CREATE TABLE app.person (mood app.mood); CREATE TABLE app.two (a int, b int); CREATE TABLE app.k (a int PRIMARY KEY); CREATE TABLE app.one (a int, b int, CONSTRAINT z FOREIGN KEY (b) REFERENCES app.k)') AS d WHERE d ~ 'app.one';
-- it is in the same one where the other table has another name
SELECT d FROM pgmigrate.diff(:'same' || 'CREATE TYPE app.mood AS ENUM (''sad'', ''ok''); CREATE TABLE app.person (mood app.mood); CREATE TABLE app.two (a int, b int, CONSTRAINT l UNIQUE (a)); CREATE TABLE app.one (a int, b int, CONSTRAINT z FOREIGN KEY (b) REFERENCES app.two (a))') AS d;
DROP TABLE app.one, app.two;

-- names of others reach no terminal as they are
CREATE TABLE app.t (a int);
CREATE INDEX U&"one\001b[2J" ON app.t (a);
CREATE INDEX U&"two\001b[2J" ON app.t (a);
SELECT count(*) FROM pgmigrate.diff(:'same' || 'CREATE TABLE app.t (a int); CREATE INDEX three ON app.t (a)') AS d WHERE d ~ 'app.t|three';

\c contrib_regression
DROP DATABASE regress_joined;
