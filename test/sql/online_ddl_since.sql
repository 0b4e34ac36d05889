/*
 * What may be done to a table between its switch and the way back, and to what
 * its expressions use: no writer fails for what is kept, nor is given a value
 * of it, and what does not go back is told.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA since;
SET search_path = since, public;
SET pgmigrate.online_threshold = 0;
CREATE DOMAIN after AS bigint;
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE FUNCTION up(int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1::bigint * 10';
CREATE FUNCTION down(bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1 / 10)::int';
CREATE FUNCTION make(suffix text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE DOMAIN before_%1$s AS int;
		CREATE TABLE was_domain_%1$s (id int PRIMARY KEY, v before_%1$s, w int);
		CREATE TABLE is_domain_%1$s (id int PRIMARY KEY, v int, w int);
		CREATE TABLE was_enum_%1$s (id int PRIMARY KEY, v mood, w int);
		CREATE TABLE computed_%1$s (id int PRIMARY KEY, v int, w int);
		INSERT INTO was_domain_%1$s SELECT g, g, g FROM generate_series(1, 3) g;
		INSERT INTO is_domain_%1$s TABLE was_domain_%1$s;
		INSERT INTO was_enum_%1$s VALUES (1, ''a'', 1);
		INSERT INTO computed_%1$s TABLE was_domain_%1$s', suffix);
	PERFORM pgmigrate.revision(suffix, format('ALTER TABLE since.was_domain_%1$s ALTER v TYPE bigint; ALTER TABLE since.is_domain_%1$s ALTER v TYPE since.after;
		ALTER TABLE since.was_enum_%1$s ALTER v TYPE text; ALTER TABLE since.computed_%1$s ALTER v TYPE bigint USING since.up(v)', suffix),
		format('ALTER TABLE since.computed_%1$s ALTER v TYPE int USING since.down(v); ALTER TABLE since.was_enum_%1$s ALTER v TYPE since.mood USING v::since.mood;
		ALTER TABLE since.is_domain_%1$s ALTER v TYPE int; ALTER TABLE since.was_domain_%1$s ALTER v TYPE since.before_%1$s', suffix), id => suffix);
END $$;
SET pgmigrate.online_method = 'column';
SELECT make('c');
SELECT count(*) FROM pgmigrate.upgrade();
SET pgmigrate.online_method = 'table';
SELECT make('t');
SELECT count(*) FROM pgmigrate.upgrade();
SELECT relation, method, state FROM pgmigrate.operations ORDER BY operation;

-- the domain of the old column: what it says is nothing to who does not know it
INSERT INTO was_domain_c (id, v, w) VALUES (9, 9, 9);
INSERT INTO was_domain_t (id, v, w) VALUES (9, 9, 9);
ALTER DOMAIN before_c ADD CONSTRAINT small CHECK (VALUE < 100) NOT VALID;
ALTER DOMAIN before_t ADD CONSTRAINT small CHECK (VALUE < 100) NOT VALID;
ALTER DOMAIN before_c SET DEFAULT 7;
ALTER DOMAIN before_t SET DEFAULT 7;
ALTER DOMAIN before_c SET NOT NULL;
-- the server refuses what reads old rows
ALTER DOMAIN before_t SET NOT NULL;
INSERT INTO was_domain_c (id, v, w) VALUES (10, NULL, 1), (11, 5000, 1), (12, 12, 1);
INSERT INTO was_domain_c (id, w) VALUES (13, 1);
INSERT INTO was_domain_t (id, v, w) VALUES (10, NULL, 1), (11, 5000, 1), (12, 12, 1);
INSERT INTO was_domain_t (id, w) VALUES (13, 1);
UPDATE was_domain_c SET v = NULL WHERE id = 1;
COPY was_domain_c (id, w) FROM stdin;
14	1
\.
SELECT id, v FROM was_domain_c ORDER BY id;
SELECT id, v FROM was_domain_t EXCEPT SELECT id, v FROM was_domain_c;

-- that of the new one is the statement's own
ALTER DOMAIN after SET DEFAULT 7;
INSERT INTO is_domain_c (id, w) VALUES (10, 1);
INSERT INTO is_domain_t (id, w) VALUES (10, 1);
SELECT v FROM is_domain_c WHERE id = 10 UNION ALL SELECT v FROM is_domain_t WHERE id = 10;

-- a word of an enum
ALTER TYPE mood RENAME VALUE 'a' TO 'aa';
INSERT INTO was_enum_c (id, v, w) VALUES (10, 'a', 1), (11, 'aa', 1);
INSERT INTO was_enum_t (id, v, w) VALUES (10, 'a', 1), (11, 'aa', 1);

-- a function that fails when it is inlined, in a session that has used it and in a new one
INSERT INTO computed_c (id, v, w) VALUES (10, 100, 1);
INSERT INTO computed_t (id, v, w) VALUES (10, 100, 1);
CREATE OR REPLACE FUNCTION down(bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT (1 / 0)::int';
INSERT INTO computed_c (id, v, w) VALUES (11, 110, 1);
INSERT INTO computed_t (id, v, w) VALUES (11, 110, 1);
\c -
SET search_path = since, public;
SET client_min_messages = error;
INSERT INTO computed_c (id, v, w) VALUES (12, 120, 1);
INSERT INTO computed_t (id, v, w) VALUES (12, 120, 1);
-- and one that is there again
CREATE OR REPLACE FUNCTION down(bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1 / 10)::int';
INSERT INTO computed_c (id, v, w) VALUES (13, 130, 1);
INSERT INTO computed_t (id, v, w) VALUES (13, 130, 1);

-- the table under another name, and in another schema
ALTER TABLE is_domain_c RENAME TO c;
ALTER TABLE is_domain_t RENAME TO t;
CREATE SCHEMA elsewhere;
ALTER TABLE c SET SCHEMA elsewhere;
ALTER TABLE t SET SCHEMA elsewhere;
ALTER TABLE elsewhere.c RENAME v TO vv;
INSERT INTO elsewhere.c (id, vv, w) VALUES (14, 4, 1);
INSERT INTO elsewhere.t (id, v, w) VALUES (14, 4, 1);

-- back, with what does not fit told
SELECT operation, relation FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation;
\set VERBOSITY terse
SELECT format('SELECT relation, action FROM pgmigrate.revert(%s)', operation) FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation \gexec
SELECT format('SELECT relation, action FROM pgmigrate.revert(%s, without_unfit => true)', operation) FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation \gexec
\set VERBOSITY default
SELECT id, v FROM was_domain_c ORDER BY id;
SELECT id, v FROM was_domain_t ORDER BY id;
SELECT id, v FROM was_enum_c ORDER BY id;
SELECT id, v FROM was_enum_t ORDER BY id;
SELECT id, v FROM computed_c ORDER BY id;
SELECT id, v FROM computed_t ORDER BY id;
SELECT attname, format_type(atttypid, -1), atthasdef FROM pg_attribute WHERE attrelid IN ('was_domain_c'::regclass, 'elsewhere.c'::regclass) AND attnum > 0 AND NOT attisdropped AND atttypid <> 'int'::regtype ORDER BY 1;
-- a check of what a domain, or an array, is made of, and an index that computes with what is kept, in a session that has used them
CREATE DOMAIN inner_one AS int;
CREATE DOMAIN outer_one AS inner_one;
CREATE FUNCTION same(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION same(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE nested_c (id int PRIMARY KEY, v outer_one);
CREATE TABLE array_c (id int PRIMARY KEY, v inner_one[]);
CREATE TABLE through_c (id int PRIMARY KEY, v int);
CREATE TABLE indexed_c (id int PRIMARY KEY, v int, w int);
CREATE INDEX ON indexed_c (same(v)) WHERE v IS NOT NULL;
CREATE TABLE text_c (id int PRIMARY KEY, v varchar);
CREATE TABLE text_t (id int PRIMARY KEY, v varchar);
CREATE FUNCTION kept(text) RETURNS varchar LANGUAGE sql IMMUTABLE AS 'SELECT $1::varchar';
CREATE TABLE nested_t (LIKE nested_c INCLUDING ALL);
CREATE TABLE through_t (LIKE through_c INCLUDING ALL);
INSERT INTO indexed_c VALUES (1, 1, 1);
CREATE ROLE regress_since;
GRANT USAGE ON SCHEMA since TO regress_since;
ALTER TABLE indexed_c OWNER TO regress_since;
SET pgmigrate.online_threshold = 0;
SET pgmigrate.online_method = 'column';
SELECT pgmigrate.revision('nested', 'ALTER TABLE since.nested_c ALTER v TYPE bigint; ALTER TABLE since.array_c ALTER v TYPE bigint[];
	ALTER TABLE since.through_c ALTER v TYPE bigint; ALTER TABLE since.indexed_c ALTER v TYPE bigint; ALTER TABLE since.text_c ALTER v TYPE text USING lower(v)',
	'ALTER TABLE since.text_c ALTER v TYPE varchar USING since.kept(v); ALTER TABLE since.indexed_c ALTER v TYPE int; ALTER TABLE since.through_c ALTER v TYPE int USING v::since.inner_one;
	ALTER TABLE since.array_c ALTER v TYPE since.inner_one[]; ALTER TABLE since.nested_c ALTER v TYPE since.outer_one', id => 'nested');
SELECT count(*) FROM pgmigrate.upgrade();
SET pgmigrate.online_method = 'table';
SELECT pgmigrate.revision('nested table', 'ALTER TABLE since.nested_t ALTER v TYPE bigint; ALTER TABLE since.through_t ALTER v TYPE bigint; ALTER TABLE since.text_t ALTER v TYPE text USING lower(v)',
	'ALTER TABLE since.text_t ALTER v TYPE varchar USING since.kept(v); ALTER TABLE since.through_t ALTER v TYPE int USING v::since.inner_one; ALTER TABLE since.nested_t ALTER v TYPE since.outer_one', id => 'nested_t');
SELECT count(*) FROM pgmigrate.upgrade();
SELECT relation, method, state FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation;
INSERT INTO nested_c (id, v) VALUES (1, 1);
INSERT INTO array_c (id, v) VALUES (1, '{1}');
INSERT INTO through_c (id, v) VALUES (1, 1);
INSERT INTO nested_t VALUES (1, 1);
INSERT INTO through_t VALUES (1, 1);
INSERT INTO through_c (id, v) VALUES (9, 9000000000);
INSERT INTO through_t VALUES (9, 9000000000);
INSERT INTO text_c (id, v) VALUES (1, 'a');
INSERT INTO text_t VALUES (1, 'a');
ALTER DOMAIN inner_one ADD CONSTRAINT small CHECK (VALUE < 100) NOT VALID;
INSERT INTO nested_c (id, v) VALUES (2, 200);
INSERT INTO array_c (id, v) VALUES (2, '{200}');
INSERT INTO through_c (id, v) VALUES (2, 200);
INSERT INTO nested_t VALUES (2, 200);
INSERT INTO through_t VALUES (2, 200);
CREATE OR REPLACE FUNCTION kept(text) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$SELECT $1::int::varchar$$;
INSERT INTO text_c (id, v) VALUES (2, 'b');
INSERT INTO text_t VALUES (2, 'b');
REVOKE EXECUTE ON FUNCTION same(int) FROM PUBLIC;
SET ROLE regress_since;
INSERT INTO indexed_c (id, v, w) VALUES (2, 2, 2);
UPDATE indexed_c SET w = 3;
RESET ROLE;
TABLE nested_c;
TABLE array_c;
TABLE through_c;
TABLE indexed_c;
TABLE text_c;
\set VERBOSITY terse
SELECT format('SELECT relation, action FROM pgmigrate.revert(%s)', operation) FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation \gexec
SELECT format('SELECT relation, action FROM pgmigrate.revert(%s, without_unfit => true)', operation) FROM pgmigrate.operations WHERE state = 'switched' ORDER BY operation \gexec
\set VERBOSITY default
DROP SCHEMA elsewhere CASCADE;
DROP SCHEMA since CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
DROP ROLE regress_since;
