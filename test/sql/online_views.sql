/*
 * Views on a column whose type changes by way of a shadow table: they stay the
 * objects that they are, and are what they would be if they were made anew.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE ROLE shop_reader;
CREATE DOMAIN money_text AS text;
CREATE TABLE accounts (id int PRIMARY KEY, v int NOT NULL, w int DEFAULT 1);
INSERT INTO accounts SELECT g, g FROM generate_series(1, 300) g;
CREATE VIEW direct WITH (security_barrier) AS SELECT id, v, v * 2 AS twice, v::text::money_text AS shown FROM accounts WHERE v > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW "On Top" AS WITH accounts AS (SELECT d.id, d.v FROM direct d) SELECT direct.twice, (SELECT max(a.v) FROM accounts a) AS most FROM shop.direct UNION ALL SELECT w, 1 FROM shop.accounts;
CREATE VIEW apart AS SELECT w FROM accounts;
COMMENT ON VIEW direct IS 'of the accounts';
COMMENT ON COLUMN direct.v IS 'what they have';
GRANT SELECT ON direct TO shop_reader WITH GRANT OPTION;
GRANT UPDATE (v) ON direct TO shop_reader;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER instead INSTEAD OF DELETE ON "On Top" FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE known AS SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'v';
CREATE FUNCTION described() RETURNS TABLE (what text) LANGUAGE sql AS $$
SELECT concat_ws(' ', c.oid = ANY ((SELECT array_agg(oid) FROM known)::oid[]), c.relname, c.reloptions, c.relacl::text ~ 'shop_reader=r\*', obj_description(c.oid, 'pg_class'), a.attname,
	format_type(a.atttypid, a.atttypmod), a.attlen, a.attbyval, a.attalign, a.attstorage, col_description(c.oid, a.attnum), a.attacl::text ~ 'shop_reader')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'v' AND relnamespace = 'shop'::regnamespace
UNION ALL SELECT concat_ws(' ', c.relname, pg_get_viewdef(c.oid)) FROM pg_class c WHERE c.relkind = 'v' AND relnamespace = 'shop'::regnamespace
UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = '"On Top"'::regclass
-- each as often as the server itself has recorded it
UNION ALL SELECT concat_ws(' ', c.relname, d.objsubid, d.deptype, d.refclassid::regclass, regexp_replace(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), '\d+', 'N'), count(*))
FROM pg_depend d LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
JOIN pg_class c ON c.relkind = 'v' AND (c.oid = w.ev_class OR d.classid = 'pg_class'::regclass AND c.oid = d.objid)
WHERE c.relnamespace = 'shop'::regnamespace GROUP BY c.relname, d.objsubid, d.deptype, d.refclassid, d.refobjid, d.refobjsubid
$$;
CREATE TABLE before AS SELECT * FROM described();

SELECT pgmigrate.revision('wide', 'ALTER TABLE accounts ALTER v TYPE bigint', 'ALTER TABLE accounts ALTER v TYPE int', id => 'v1');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT rule, level FROM pgmigrate.lint('ALTER TABLE accounts ALTER v TYPE bigint') WHERE rule = 'dependent-object-blocks';
-- the server would refuse it as written, which forbids nothing
SELECT rule, level FROM pgmigrate.assess('head') WHERE rule = 'trial-fails';
SET pgmigrate.environment = production;
SELECT state FROM pgmigrate.upgrade();
RESET pgmigrate.environment;
CREATE TABLE after AS SELECT * FROM described();
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind = 'v' AND c.relnamespace = 'shop'::regnamespace ORDER BY c.relname, a.attnum;
UPDATE direct SET v = 5000000000 WHERE id = 1;
SELECT max(twice), max(most) FROM "On Top";
UPDATE direct SET v = 3 WHERE id = 1;
UPDATE direct SET v = -1 WHERE id = 1;

-- as if the statement had met none, and they were made after it
SELECT pgmigrate.finalize();
BEGIN;
DROP VIEW "On Top", direct;
CREATE VIEW direct WITH (security_barrier) AS SELECT id, v, v * 2 AS twice, v::text::money_text AS shown FROM accounts WHERE v > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW "On Top" AS WITH accounts AS (SELECT d.id, d.v FROM direct d) SELECT direct.twice, (SELECT max(a.v) FROM accounts a) AS most FROM shop.direct UNION ALL SELECT w, 1 FROM shop.accounts;
COMMENT ON VIEW direct IS 'of the accounts';
COMMENT ON COLUMN direct.v IS 'what they have';
GRANT SELECT ON direct TO shop_reader WITH GRANT OPTION;
GRANT UPDATE (v) ON direct TO shop_reader;
CREATE TRIGGER instead INSTEAD OF DELETE ON "On Top" FOR EACH ROW EXECUTE FUNCTION refuse();
TRUNCATE known;
INSERT INTO known SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'v';
(SELECT 'carried', * FROM after EXCEPT ALL SELECT 'carried', * FROM described()) UNION ALL (SELECT 'made', * FROM described() EXCEPT ALL SELECT 'made', * FROM after);
ROLLBACK;

-- back: what they were
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE numeric(20, 3)');
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
(SELECT * FROM after EXCEPT ALL SELECT * FROM described()) UNION ALL (SELECT * FROM described() EXCEPT ALL SELECT * FROM after);
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE int');
(SELECT * FROM before EXCEPT ALL SELECT * FROM described()) UNION ALL (SELECT * FROM described() EXCEPT ALL SELECT * FROM before);
SELECT pgmigrate.finalize();

-- a view that cannot be over the new form: before a row is copied
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE date USING date ''2026-01-01'' + v');
SELECT count(*) FROM pgmigrate.operations WHERE strategy = 'shadow table' AND state NOT IN ('finalized', 'reverted');
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';
(SELECT * FROM before EXCEPT ALL SELECT * FROM described()) UNION ALL (SELECT * FROM described() EXCEPT ALL SELECT * FROM before);

-- what goes by the columns of a view, and is no view
CREATE MATERIALIZED VIEW kept AS SELECT twice FROM direct;
-- the hint has the text of views, which is another one on other servers
\set VERBOSITY terse
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE bigint');
\set VERBOSITY default
DROP MATERIALIZED VIEW kept;
CREATE TABLE rows_of (d direct);
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE bigint');
DROP TABLE rows_of;
ALTER VIEW direct ALTER v SET DEFAULT 7;
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE bigint');
ALTER VIEW direct ALTER v DROP DEFAULT;
CREATE RULE written AS ON INSERT TO direct DO INSTEAD NOTHING;
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE bigint');
DROP RULE written ON direct;
ALTER VIEW direct OWNER TO shop_reader;
SELECT action FROM pgmigrate.rebuild('accounts', 'ALTER v TYPE bigint');

DROP SCHEMA shop CASCADE;
DROP ROLE shop_reader;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
