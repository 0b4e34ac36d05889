-- How bad a finding is for the tables as they are, and what production permits.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA levels;
SET search_path = levels;
CREATE TABLE none (a int, b int);
CREATE TABLE one (a int, b int);
INSERT INTO one VALUES (1, 1);
CREATE TABLE many (a int, b text);
INSERT INTO many SELECT i, repeat('x', 500) FROM generate_series(1, 10000) i;
ANALYZE many;
CREATE TABLE parted (a int) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
SHOW pgmigrate.danger_block;

-- the same statement, by the size of its table
SET pgmigrate.danger_block = '10ms';
CREATE FUNCTION found(sql text) RETURNS text LANGUAGE sql AS
$$SELECT coalesce(string_agg(rule || ' ' || level, ', ' ORDER BY rule), 'nothing')
FROM pgmigrate.lint(sql) WHERE rule NOT IN ('lock', 'type-change-plan-break', 'data-unsure')$$;
SELECT t, found(format('CREATE INDEX ON %s (a)', t)) AS index,
	found(format('ALTER TABLE %s ALTER a TYPE bigint', t)) AS type,
	found(format('ALTER TABLE %s ALTER a SET NOT NULL', t)) AS not_null
FROM unnest('{none,one,many}'::text[]) AS t;
SELECT details ? 'blocks_ms' AS estimate_shown, details -> 'danger_block_ms' AS "limit"
FROM pgmigrate.lint('CREATE INDEX ON many (a)') WHERE rule = 'create-index';

-- rows that are gone are gone, of however few
SELECT sql, found(sql) FROM (VALUES
	('DROP TABLE none'), ('DROP TABLE one'), ('TRUNCATE none'), ('TRUNCATE one'),
	('DELETE FROM none'), ('DELETE FROM one'), ('DELETE FROM one WHERE a = 1'),
	('UPDATE one SET b = 2'), ('ALTER TABLE one DROP COLUMN b'), ('DROP TABLE parted'),
	('CREATE TABLE made (a int); INSERT INTO made VALUES (1); DROP TABLE made')) AS v (sql);
INSERT INTO parted VALUES (1);
SELECT found('DROP TABLE parted');

-- a DELETE of many rows loses them, unless they were stored elsewhere before
CREATE TABLE half (a int, b int);
INSERT INTO half SELECT i, i FROM generate_series(1, 40000) i;
ANALYZE half;
CREATE TABLE archive (a int, b int);
SELECT v.sql, string_agg(rule || ' ' || level, ', ' ORDER BY rule) AS found
FROM (VALUES (1, 'DELETE FROM half WHERE a > 20000'), (2, 'DELETE FROM half WHERE a > 39900'), (3, 'UPDATE half SET b = 1 WHERE a > 20000'),
	(4, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING a) SELECT count(*) FROM x'),
	(5, 'INSERT INTO archive SELECT * FROM half WHERE a > 20000; DELETE FROM half WHERE a > 20000'),
	(6, 'CREATE TABLE kept AS SELECT b, a FROM half; DELETE FROM half WHERE a > 20000'),
	(7, 'SELECT *, now() AS at INTO kept FROM half; DELETE FROM half'),
	-- these do not keep them
	(8, 'INSERT INTO archive SELECT * FROM half WHERE a > 30000; DELETE FROM half WHERE a > 20000'),
	(9, 'INSERT INTO archive SELECT * FROM half LIMIT 10; DELETE FROM half WHERE a > 20000'),
	(10, 'INSERT INTO archive (a) SELECT a FROM half; DELETE FROM half WHERE a > 20000'),
	(11, 'CREATE TABLE n AS SELECT count(*) FROM half; DELETE FROM half'),
	(12, 'CREATE TEMP TABLE kept AS SELECT * FROM half; DELETE FROM half'),
	(13, 'CREATE TABLE kept AS SELECT * FROM half; DELETE FROM half; DROP TABLE kept'),
	(14, 'CREATE TABLE kept AS SELECT * FROM half WITH NO DATA; DELETE FROM half'),
	(15, 'INSERT INTO half SELECT * FROM half; DELETE FROM half'),
	(16, 'DELETE FROM half; INSERT INTO archive SELECT * FROM half'),
	(17, 'INSERT INTO archive SELECT * FROM half ON CONFLICT DO NOTHING; DELETE FROM half'),
	(18, 'INSERT INTO archive WITH half AS (SELECT 1, 2 LIMIT 0) SELECT * FROM half; DELETE FROM half'),
	(19, 'INSERT INTO archive SELECT * FROM ONLY half; DELETE FROM half'),
	-- an INSERT of what is deleted moves it, if it takes all of it
	(20, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING *) INSERT INTO archive SELECT * FROM x'),
	(21, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING a) INSERT INTO archive SELECT * FROM x'),
	(22, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING *) INSERT INTO archive SELECT * FROM x WHERE a > 30000'),
	(23, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING *) INSERT INTO archive SELECT * FROM x ON CONFLICT DO NOTHING'),
	(24, 'WITH x AS (DELETE FROM half WHERE a > 20000 RETURNING *) INSERT INTO archive WITH x AS (SELECT 1, 2) SELECT * FROM x')) AS v (n, sql)
	LEFT JOIN LATERAL pgmigrate.lint(v.sql) AS l ON rule IN ('bulk-update', 'loses-data')
GROUP BY n, v.sql ORDER BY n;
SELECT message ~ '^data loss: about (19|20)\d{3} of 40000 rows of levels.half are deleted, and no downgrade' AS rows_told
FROM pgmigrate.lint('DELETE FROM half WHERE a > 20000') WHERE rule = 'loses-data';

-- what cannot be planned, for it would run code, may be all of them
CREATE FUNCTION is_old(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 > 39990; END';
SELECT rule, level, message FROM pgmigrate.lint('DELETE FROM half WHERE is_old(a)') WHERE rule IN ('bulk-update', 'loses-data');
SELECT found('UPDATE half SET b = 1 WHERE is_old(a)') AS updated, found('DELETE FROM one WHERE is_old(a)') AS few;

-- what goes along: named or not, by CASCADE, a foreign key, a type
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 20000) i;
CREATE TABLE child (id int, parent int REFERENCES parent ON DELETE CASCADE);
INSERT INTO child SELECT i, i FROM generate_series(1, 20000) i;
CREATE INDEX ON child (parent);
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN small AS int;
CREATE TABLE typed (s small, p pair);
INSERT INTO typed VALUES (1, (1, 2));
CREATE SCHEMA levels_full;
CREATE TABLE levels_full.t AS SELECT 1 AS a;
CREATE SCHEMA levels_empty CREATE TABLE t (a int);
ANALYZE parent, child;
SELECT v.sql, string_agg(rule || ' ' || level || coalesce(' ' || relation, ''), ', ' ORDER BY rule, relation) AS found
FROM (VALUES (1, 'TRUNCATE none, one'), (2, 'TRUNCATE parent CASCADE'), (3, 'TRUNCATE none CASCADE'), (4, 'TRUNCATE parted, parted_1'),
	(5, 'DELETE FROM parent'), (6, 'WITH x AS (DELETE FROM parent RETURNING id) SELECT count(*) FROM x'),
	(7, 'DROP DOMAIN small CASCADE'), (8, 'DROP TYPE pair CASCADE'), (9, 'ALTER TYPE pair DROP ATTRIBUTE b'),
	(10, 'DROP SCHEMA levels_full CASCADE'), (11, 'DROP SCHEMA levels_empty CASCADE')) AS v (n, sql)
	LEFT JOIN LATERAL pgmigrate.lint(v.sql) AS l ON rule <> 'lock'
GROUP BY n, v.sql ORDER BY n;
SELECT message FROM pgmigrate.lint('ALTER TYPE pair DROP ATTRIBUTE b') WHERE rule = 'loses-data';
DROP SCHEMA levels_full, levels_empty CASCADE;
DROP TABLE child, parent, typed;
DROP TYPE pair;
DROP DOMAIN small;

-- what is computed, and will be again, is no loss
CREATE TABLE computed (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED, h int GENERATED ALWAYS AS (a * 3) STORED);
INSERT INTO computed SELECT i, i FROM generate_series(1, 1000) i;
SELECT v.sql, string_agg(DISTINCT level, ', ') AS loses
FROM (VALUES (1, 'ALTER TABLE computed DROP g, ADD g bigint GENERATED ALWAYS AS (a * 2) STORED'),
	(2, 'ALTER TABLE computed DROP g; ALTER TABLE ONLY levels.computed ADD g bigint GENERATED ALWAYS AS (a * 2) STORED'),
	(3, 'ALTER TABLE computed DROP g, DROP h; ALTER TABLE computed ADD h int GENERATED ALWAYS AS (a) STORED, ADD g int GENERATED ALWAYS AS (a) STORED'),
	-- these are one
	(4, 'ALTER TABLE computed DROP g'), (5, 'ALTER TABLE computed DROP g; ALTER TABLE computed ADD g int DEFAULT 1'),
	(6, 'ALTER TABLE computed DROP g, DROP h; ALTER TABLE computed ADD g int GENERATED ALWAYS AS (a) STORED'),
	(7, 'ALTER TABLE computed DROP g; ALTER TABLE one ADD g int GENERATED ALWAYS AS (1) STORED'),
	(8, 'ALTER TABLE computed DROP g, DROP a; ALTER TABLE computed ADD g int GENERATED ALWAYS AS (id) STORED'),
	(9, 'ALTER TABLE computed ADD a int GENERATED ALWAYS AS (id) STORED; ALTER TABLE computed DROP a CASCADE')) AS v (n, sql)
	LEFT JOIN LATERAL pgmigrate.lint(v.sql) AS l ON rule = 'loses-data'
GROUP BY n, v.sql ORDER BY n;
DROP TABLE computed;

-- what is dropped online can be brought back, until its rows are written anew
CREATE TABLE wide (id int PRIMARY KEY, a int, b text, c text);
INSERT INTO wide SELECT i, i, 'b', 'c' FROM generate_series(1, 1000) i;
ANALYZE wide;
SELECT n, statement, level, message FROM (VALUES (1, E'-- pgmigrate: online\nALTER TABLE wide DROP COLUMN b'),
	(2, E'-- pgmigrate: online\nALTER TABLE wide DROP COLUMN b; -- pgmigrate: plain\nALTER TABLE wide ALTER a TYPE bigint'),
	(3, E'-- pgmigrate: online\nALTER TABLE wide DROP COLUMN b; -- pgmigrate: online\nALTER TABLE wide ALTER a TYPE bigint'),
	(4, E'-- pgmigrate: online\nALTER TABLE wide DROP COLUMN b; -- pgmigrate: online\nALTER TABLE wide ALTER a TYPE bigint;'
		'CREATE TABLE between (); -- pgmigrate: online\nALTER TABLE wide ALTER c TYPE varchar(9)')) AS v (n, sql),
	pgmigrate.lint(v.sql) WHERE rule = 'loses-data' ORDER BY n, statement;
SET pgmigrate.environment = 'production';
SELECT pgmigrate.revision('keeps', E'-- pgmigrate: online\nALTER TABLE wide DROP COLUMN b', 'ALTER TABLE wide ADD COLUMN b text', id => 'keeps');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT level, message FROM pgmigrate.lint(E'-- pgmigrate: plain\nALTER TABLE wide ALTER a TYPE bigint') WHERE rule = 'loses-data';
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT count(b) FROM wide;
SELECT count(*) FROM pgmigrate.lint(E'-- pgmigrate: plain\nALTER TABLE wide ALTER a TYPE bigint') WHERE rule = 'loses-data';
SELECT pgmigrate.remove('keeps');
RESET pgmigrate.environment;

-- a limit of zero leaves the rules their levels
SET pgmigrate.danger_block = 0;
SELECT found('CREATE INDEX ON none (a)');
SET pgmigrate.danger_block = '10ms';

-- production runs what is small, and permits by the call what is not
SET pgmigrate.environment = 'production';
SELECT pgmigrate.revision('small', 'CREATE INDEX none_a ON none (a); ALTER TABLE one ALTER a SET NOT NULL',
	'ALTER TABLE one ALTER a DROP NOT NULL; DROP INDEX none_a', id => 'small');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.revision('purge', 'DELETE FROM half WHERE a > 20000', id => 'purge');
\set VERBOSITY sqlstate
SELECT revision, state FROM pgmigrate.upgrade();
\set VERBOSITY default
SELECT pgmigrate.remove('purge');
SELECT pgmigrate.revision('gone', 'DROP TABLE one', 'CREATE TABLE one (a int NOT NULL, b int); -- pgmigrate: plain
	DROP TABLE many', id => 'gone');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.upgrade(allow => '{drop-table}', reason => 'nobody reads it');
SELECT revision, state FROM pgmigrate.upgrade(allow => '{loses-data}');
SELECT revision, state FROM pgmigrate.upgrade(allow => '{loses-data}', reason => ' ');
SELECT revision, state FROM pgmigrate.upgrade(allow => '{no-rule}', reason => 'none');
SELECT revision, state FROM pgmigrate.upgrade(allow => '{loses-data,NULL}', reason => 'none');
SELECT revision, state FROM pgmigrate.upgrade(allow => '{loses-data}', reason => 'nobody reads it');

-- so it does downgrades
SELECT rule, level FROM pgmigrate.assess('-1', 'downgrade') WHERE level = 'danger';
SELECT count(*) FROM pgmigrate.assess('head', 'downgrade');
SELECT count(*) FROM pgmigrate.assess('head', 'sideways');
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT count(*) FROM many;
SELECT revision, state FROM pgmigrate.downgrade('-1', '{loses-data}', 'a copy is kept');
SELECT command, state, allowed, reason FROM pgmigrate.run ORDER BY id;

-- the setting that guards is not for everybody
CREATE ROLE regress_levels;
SET ROLE regress_levels;
SET pgmigrate.danger_block = '1h';
RESET ROLE;
DROP ROLE regress_levels;

-- and in a worker
\c -
SET client_min_messages = warning;
SET search_path = levels;
SET pgmigrate.environment = 'production';
CREATE TABLE two AS SELECT 1 AS a;
SELECT pgmigrate.remove('gone');
SELECT pgmigrate.revision('gone again', 'DROP TABLE two', id => 'again');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.upgrade(allow => '{loses-data,drop-table}', reason => E'two\nlines');
SELECT execution, state, allowed, reason FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
-- no reason is none
SELECT pgmigrate.revision('small again', 'SELECT 1', id => 'small2');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT execution, state, allowed, reason IS NULL AS none FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
RESET pgmigrate.environment;
DROP SCHEMA levels CASCADE;
RESET search_path;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
