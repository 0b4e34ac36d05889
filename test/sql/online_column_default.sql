/*
 * A default that is dropped, or set, in the statement that changes the type of
 * its column goes by way of the other column too, and comes back with it.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA given;
SET search_path = given, public;
SET pgmigrate.online_threshold = 0;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE FUNCTION usual() RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'us"ual'$$;
CREATE TABLE change (n int, columns text, change text, back text);
INSERT INTO change VALUES
	(1, 'm mood DEFAULT ''ok''', 'ALTER m DROP DEFAULT, ALTER m TYPE text USING m::text, ALTER m SET DEFAULT ''a''', 'ALTER m DROP DEFAULT, ALTER m TYPE mood USING m::mood, ALTER m SET DEFAULT ''ok'''),
	(2, 'm mood NOT NULL DEFAULT ''sad''', 'ALTER m DROP DEFAULT, ALTER m TYPE text USING m::text, ALTER m SET DEFAULT usual()', 'ALTER m DROP DEFAULT, ALTER m TYPE mood USING m::mood, ALTER m SET DEFAULT ''sad'''),
	(3, 'm int DEFAULT 5', 'ALTER m DROP DEFAULT, ALTER m TYPE bigint', 'ALTER m TYPE int, ALTER m SET DEFAULT 5'),
	(4, 'm int', 'ALTER m SET DEFAULT 8, ALTER m TYPE numeric(10, 2), ALTER m SET DEFAULT 9', 'ALTER m DROP DEFAULT, ALTER m TYPE int'),
	(5, 'm serial', 'ALTER m TYPE bigint, ALTER m DROP DEFAULT', 'ALTER m TYPE int'),
	(6, 'm int DEFAULT 5, "k ""x" int DEFAULT 6', 'ALTER "k ""x" SET DEFAULT 7, ALTER m TYPE bigint, ALTER "k ""x" TYPE bigint', 'ALTER m TYPE int, ALTER "k ""x" TYPE int, ALTER "k ""x" SET DEFAULT 6'),
	(7, 'm bigint DEFAULT 5', 'ALTER m TYPE text USING m::text, ALTER m SET DEFAULT 1', 'ALTER m DROP DEFAULT, ALTER m TYPE bigint USING m::bigint');
\set ECHO none
SELECT format('CREATE TABLE %1$s_%2$s (id int, %3$s); INSERT INTO %1$s_%2$s (id) VALUES (1)', name, n, columns) FROM change, unnest(ARRAY['online', 'plain']) AS name ORDER BY n, name \gexec
-- one that inherits has a default of its own
SELECT format('CREATE TABLE %1$s_1_child () INHERITS (%1$s_1); ALTER TABLE %1$s_1_child ALTER m SET DEFAULT ''happy''; INSERT INTO %1$s_1_child (id) VALUES (1)', name) FROM unnest(ARRAY['online', 'plain']) AS name \gexec
\set ECHO all
CREATE FUNCTION defaults(name text) RETURNS TABLE (what text) LANGUAGE sql AS $$
SELECT replace(concat_ws(' ', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), s.objid::regclass), name, 'T')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_depend s ON s.refobjid = a.attrelid AND s.refobjsubid = a.attnum AND s.deptype = 'a' AND s.classid = 'pg_class'::regclass
WHERE c.relkind = 'r' AND c.relnamespace = 'given'::regnamespace AND c.relname ~ ('^' || name) AND a.attname !~ '^pgmigrate'
$$;
CREATE TABLE before AS SELECT * FROM defaults('online');
SELECT count(pgmigrate.revision('r' || n, format('ALTER TABLE given.online_%s %s', n, change), format('ALTER TABLE given.online_%s %s', n, back), id => 'r' || n)) FROM (SELECT * FROM change ORDER BY n) AS c;
SELECT statement, strategy, hazards FROM pgmigrate.plan('head') WHERE strategy <> 'shadow column' OR hazards::text ~ 'danger';
SELECT count(*), min(state) FROM pgmigrate.upgrade();
SELECT strategy, state, count(*) FROM pgmigrate.operations GROUP BY 1, 2;
-- as the plain statement leaves it
\set ECHO none
SELECT format('ALTER TABLE plain_%s %s', n, change) FROM change ORDER BY n \gexec
\set ECHO all
SELECT * FROM defaults('online') ORDER BY 1;
SELECT '+', * FROM (SELECT * FROM defaults('online') EXCEPT ALL SELECT * FROM defaults('plain')) AS x UNION ALL SELECT '-', * FROM (SELECT * FROM defaults('plain') EXCEPT ALL SELECT * FROM defaults('online')) AS x;
-- what is written by default is the new one
INSERT INTO online_1 (id) VALUES (2);
INSERT INTO online_4 (id) VALUES (2);
TABLE online_1;
SELECT id, m FROM online_4 ORDER BY id;
DELETE FROM online_1 WHERE m = 'a';
-- back again, but for one that was given since
ALTER TABLE online_3 ALTER m SET DEFAULT 77;
SELECT count(*), min(state) FROM pgmigrate.downgrade('base');
SELECT state, count(*) FROM pgmigrate.operations GROUP BY 1;
SELECT '+', * FROM (SELECT * FROM defaults('online') EXCEPT ALL SELECT * FROM before) AS x UNION ALL SELECT '-', * FROM (SELECT * FROM before EXCEPT ALL SELECT * FROM defaults('online')) AS x ORDER BY 1, 2;
-- what is not of the columns that change, or an identity, is more than that
CREATE TABLE more (a int, b int DEFAULT 5, c int GENERATED ALWAYS AS IDENTITY);
SELECT count(pgmigrate.revision('more', 'ALTER TABLE given.more ' || sql, id => 'more_' || n, down_revision => '{}', splice => true))
FROM unnest(ARRAY['ALTER a TYPE bigint, ALTER b DROP DEFAULT', 'ALTER c TYPE bigint, ALTER c DROP DEFAULT', 'ALTER a TYPE bigint, ALTER a SET DEFAULT 6']) WITH ORDINALITY AS u (sql, n);
SELECT p.statement, p.strategy, substring(p.hazards::text FROM 'nor is [^"]*') AS reason FROM unnest(ARRAY['more_1', 'more_2', 'more_3']) AS r, pgmigrate.plan(r) AS p ORDER BY 1;
DROP SCHEMA given CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
