/*
 * Several ALTER TABLE of one table in a revision go in one pass, unless one
 * goes by what another has made; the downgrade takes all of them back.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE accounts (id int PRIMARY KEY, a int, b int NOT NULL DEFAULT 5, c text);
INSERT INTO accounts SELECT g, g, g, g::text FROM generate_series(1, 500) g;
CREATE TABLE twin (LIKE accounts INCLUDING ALL);
INSERT INTO twin SELECT * FROM accounts;
CREATE FUNCTION same() RETURNS TABLE (types text, differing bigint) LANGUAGE sql AS $$
SELECT (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attnum > 0 AND NOT attisdropped),
	(SELECT count(*) FROM (SELECT accounts::text FROM accounts EXCEPT ALL SELECT twin::text FROM twin) AS d)
$$;

SELECT pgmigrate.revision('many', $$
	ALTER TABLE accounts ALTER a TYPE bigint;
	ALTER TABLE accounts ALTER b TYPE numeric(10, 2), ALTER c TYPE varchar(10) USING left(c, 10);
	ALTER TABLE accounts ADD d int DEFAULT 7, ADD CHECK (a > 0);
	UPDATE accounts SET c = 'changed' WHERE id = 1;
$$, $$
	UPDATE accounts SET c = '1' WHERE id = 1;
	ALTER TABLE accounts DROP d, DROP CONSTRAINT accounts_a_check;
	ALTER TABLE accounts ALTER a TYPE int, ALTER b TYPE int, ALTER c TYPE text;
$$, id => 'm1');
-- one operation, whose time is that of its first statement
SELECT strategy, estimate > '0' AS counted, statement FROM pgmigrate.plan('m1');
SELECT statement, message FROM pgmigrate.assess('m1') WHERE rule = 'check-inline' AND level <> 'info';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT operation, statement, strategy, state FROM pgmigrate.operations ORDER BY operation;
ALTER TABLE twin ALTER a TYPE bigint, ALTER b TYPE numeric(10, 2), ALTER c TYPE varchar(10), ADD d int DEFAULT 7;
UPDATE twin SET c = 'changed' WHERE id = 1;
SELECT * FROM same();
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT operation, statement, strategy, state FROM pgmigrate.operations ORDER BY operation;
ALTER TABLE twin ALTER a TYPE int, ALTER b TYPE int, ALTER c TYPE text, DROP d;
UPDATE twin SET c = '1' WHERE id = 1;
SELECT * FROM same();
SELECT conname FROM pg_constraint WHERE conrelid = 'accounts'::regclass AND contype <> 'n' ORDER BY 1;

SELECT pgmigrate.remove('m1');

-- the second goes by what the first has made: two passes, of which the last can be reverted
SELECT pgmigrate.revision('chain', $$
	ALTER TABLE accounts ALTER a TYPE text USING a + 1000;
	ALTER TABLE accounts ALTER b TYPE text USING a || '!';
$$, $$
	ALTER TABLE accounts ALTER b TYPE int USING trim(b, '!')::int - 1000;
	ALTER TABLE accounts ALTER a TYPE int USING a::int - 1000;
$$, id => 'm2');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT operation, statement, strategy, state FROM pgmigrate.operations WHERE revision = 'm2';
SELECT * FROM accounts WHERE id = 2;
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT * FROM same();
SELECT pgmigrate.remove('m2');
SELECT pgmigrate.finalize();

-- one that says plain is not taken along
SELECT pgmigrate.revision('apart', $$
	ALTER TABLE accounts ALTER a TYPE bigint;
	-- pgmigrate: plain because it may
	ALTER TABLE accounts ALTER b SET DEFAULT 6;
$$, 'ALTER TABLE accounts ALTER a TYPE int, ALTER b SET DEFAULT 5', id => 'm3');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT details->>'inverse' AS inverse FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1;

-- the downgrade is not all that the operation did: it runs as it is written
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'accounts'::regclass;
SELECT * FROM same();

SELECT pgmigrate.remove('m3');

-- a column that is added and altered has rows with the first default
SELECT pgmigrate.revision('twice', 'ALTER TABLE accounts ALTER a TYPE bigint, ADD e int DEFAULT 1, ALTER e SET DEFAULT 2', 'ALTER TABLE accounts DROP e', id => 'm4');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT DISTINCT e FROM accounts;
-- two tables that are switched one after the other are not locked at the same time
SELECT level, message FROM pgmigrate.lint('ALTER TABLE accounts ALTER b TYPE bigint; ALTER TABLE twin ALTER b TYPE bigint') WHERE rule = 'several-locked-tables';
SET pgmigrate.online = off;
SELECT level, message FROM pgmigrate.lint('ALTER TABLE accounts ALTER b TYPE bigint; ALTER TABLE twin ALTER b TYPE bigint') WHERE rule = 'several-locked-tables';
RESET pgmigrate.online;
-- what ends a pass is told of the next one
CREATE INDEX accounts_c ON accounts (c);
SELECT pgmigrate.revision('apart', 'ALTER TABLE accounts ALTER b TYPE bigint; DROP INDEX accounts_c; ALTER TABLE accounts ALTER a TYPE numeric; ALTER TABLE twin ALTER b TYPE bigint', id => 'm5');
SELECT statement, strategy, h AS hazard FROM pgmigrate.plan('m5') LEFT JOIN LATERAL unnest(hazards) AS h ON h ~ 'between them' ORDER BY 1;
SELECT pgmigrate.remove('m5');
SELECT pgmigrate.revision('together', 'DROP INDEX accounts_c; ALTER TABLE accounts ALTER b TYPE bigint; ALTER TABLE accounts ALTER a TYPE numeric', id => 'm6');
SELECT count(*) FROM pgmigrate.plan('m6'), unnest(hazards) AS h WHERE h ~ 'between them';
SELECT pgmigrate.remove('m6');
-- a comment on the table does not end a pass, one on another table does
SELECT pgmigrate.revision('said', $$
	ALTER TABLE accounts ALTER b TYPE bigint;
	COMMENT ON COLUMN shop.accounts.b IS 'of many digits';
	COMMENT ON TABLE accounts IS 'said between';
	ALTER TABLE accounts ADD f int CONSTRAINT positive CHECK (f > 0);
	COMMENT ON CONSTRAINT positive ON accounts IS 'as it is new';
	ALTER TABLE accounts ALTER a TYPE numeric;
	COMMENT ON COLUMN accounts.a IS 'after it';
	COMMENT ON TABLE twin IS 'another';
	ALTER TABLE accounts ALTER a SET DEFAULT 3$$,
	'ALTER TABLE accounts ALTER a DROP DEFAULT; ALTER TABLE accounts ALTER a TYPE bigint; ALTER TABLE accounts DROP f, ALTER b TYPE numeric(10, 2)', id => 'm8');
SELECT strategy, estimate > '0' AS counted, hazards, statement FROM pgmigrate.plan('m8');
SELECT revision, state FROM pgmigrate.upgrade('m8');
SELECT statement, details->>'last' AS last, strategy, state FROM pgmigrate.operations WHERE revision = 'm8' ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attname IN ('a', 'b', 'f') ORDER BY 1;
SELECT obj_description('accounts'::regclass, 'pg_class'), obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'positive' AND conrelid = 'accounts'::regclass;
-- it is taken back as one as well
SELECT pgmigrate.revert(max(operation)) IS NOT NULL AS reverted FROM pgmigrate.operations WHERE revision = 'm8';
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attname IN ('a', 'b', 'f') ORDER BY 1;
SELECT pgmigrate.stamp('m4');
SELECT pgmigrate.remove('m8');
-- a column that a statement before adds is there by then, also where there is no key
CREATE TABLE bare (a int);
INSERT INTO bare SELECT generate_series(1, 50);
SELECT pgmigrate.revision('added', 'ALTER TABLE bare ADD n int; ALTER TABLE bare ALTER n TYPE bigint USING n + 1; ALTER TABLE twin ADD n int; ALTER TABLE twin ALTER n TYPE bigint', id => 'm7');
SELECT strategy, hazards, statement FROM pgmigrate.plan('m7');
SELECT revision, state FROM pgmigrate.upgrade('m7');
SELECT statement, relation, strategy, state FROM pgmigrate.operations WHERE revision = 'm7' ORDER BY 1;
-- but not one that it adds with more, or does not
SELECT DISTINCT strategy FROM pgmigrate.lint('ALTER TABLE bare ADD o int UNIQUE; ALTER TABLE bare ALTER o TYPE bigint; ALTER TABLE bare ALTER p TYPE bigint') WHERE statement > 1;

-- an error says of which statements it is, also where a copy fails, and what is to be a copy
\set VERBOSITY terse
SELECT pgmigrate.revision('fails', $$SELECT 1;
ALTER TABLE accounts ALTER b TYPE bigint;
ALTER TABLE accounts ALTER a TYPE int USING 1 / (a - a)$$, id => 'm9');
SELECT state FROM pgmigrate.upgrade('m9');
SELECT error, substring(details->>'context' FROM '[a-z]+ SQL of .*') AS place FROM pgmigrate.status();
SELECT pgmigrate.amend('m9', upgrade => $$SELECT 1;
ALTER TABLE accounts ALTER a TYPE int USING 1 / (a - a)$$);
SELECT state FROM pgmigrate.upgrade('m9');
SELECT error, substring(details->>'context' FROM '[a-z]+ SQL of .*') AS place FROM pgmigrate.status();
SELECT pgmigrate.amend('m9', upgrade => $$SELECT 1;
ALTER TABLE accounts ALTER a TYPE nosuch$$);
SELECT state FROM pgmigrate.upgrade('m9');
SELECT error, substring(details->>'context' FROM '[a-z]+ SQL of .*') AS place FROM pgmigrate.status();
\set VERBOSITY default

DROP SCHEMA shop CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
