/*
 * What a revision drops before it changes a column, and makes again after it,
 * is not there for the moment of the switch only: all of them are one pass.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
CREATE ROLE shop_reader;
CREATE TABLE accounts (id int PRIMARY KEY, v int NOT NULL, w int DEFAULT 1);
INSERT INTO accounts SELECT g, g FROM generate_series(1, 300) g;
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE seen (id int);
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;

-- each is in the way of the statement as written
CREATE VIEW shown AS SELECT id, v FROM accounts;
ALTER VIEW shown OWNER TO shop_reader;
CREATE VIEW later AS SELECT v FROM shown;
CREATE POLICY own ON accounts USING (v > 0);
CREATE TRIGGER checked BEFORE UPDATE OF v ON accounts FOR EACH ROW WHEN (NEW.v > 5) EXECUTE FUNCTION pass();
CREATE RULE noted AS ON DELETE TO accounts WHERE OLD.v > 0 DO ALSO INSERT INTO seen VALUES (OLD.id);
SELECT pgmigrate.revision('wide', $$
	DROP VIEW later;
	DROP VIEW shown;
	DROP POLICY own ON accounts;
	DROP TRIGGER checked ON shop.accounts;
	DROP RULE noted ON accounts;
	ALTER TABLE accounts ALTER v TYPE bigint;
	ALTER TABLE accounts ALTER w TYPE bigint;
	CREATE VIEW shown AS SELECT id, v, w FROM accounts;
	COMMENT ON VIEW shown IS 'wider';
	GRANT SELECT ON shown TO shop_reader;
	CREATE POLICY own ON accounts USING (v > 0);
	CREATE TRIGGER checked BEFORE UPDATE OF v ON accounts FOR EACH ROW WHEN (NEW.v > 5) EXECUTE FUNCTION pass();
	CREATE RULE noted AS ON DELETE TO accounts WHERE OLD.v > 0 DO ALSO INSERT INTO seen VALUES (OLD.id);
	INSERT INTO seen VALUES (1000);
$$, $$
	DROP VIEW shown;
	DROP POLICY own ON accounts;
	DROP TRIGGER checked ON accounts;
	DROP RULE noted ON accounts;
	ALTER TABLE accounts ALTER v TYPE int;
	ALTER TABLE accounts ALTER w TYPE int;
	CREATE VIEW shown AS SELECT id, v FROM accounts;
	CREATE POLICY own ON accounts USING (v > 0);
$$, id => 'a1');
SELECT state FROM pgmigrate.upgrade();
SELECT operation, statement, strategy, state FROM pgmigrate.operations;

-- in the transaction of the switch, which wrote the row of the table in the catalog
CREATE FUNCTION made_in_switch() RETURNS TABLE (what text, in_switch boolean) LANGUAGE sql AS $$
SELECT u.what, u.xmin = c.xmin FROM (SELECT relname::text, xmin FROM pg_class WHERE oid = to_regclass('shop.shown')
UNION ALL SELECT polname, xmin FROM pg_policy WHERE polrelid = 'accounts'::regclass
UNION ALL SELECT tgname, xmin FROM pg_trigger WHERE tgrelid = 'accounts'::regclass AND NOT tgisinternal
UNION ALL SELECT rulename, xmin FROM pg_rewrite WHERE ev_class = 'accounts'::regclass) AS u (what, xmin), pg_class c WHERE c.oid = 'accounts'::regclass ORDER BY 1
$$;
SELECT * FROM made_in_switch();
SELECT a.attname, format_type(a.atttypid, a.atttypmod), obj_description('shown'::regclass, 'pg_class') FROM pg_attribute a WHERE a.attrelid = 'shown'::regclass ORDER BY a.attnum;
UPDATE accounts SET v = 7 WHERE id = 1;
DELETE FROM accounts WHERE id = 2;
SELECT * FROM seen;

-- and the way back
SELECT state FROM pgmigrate.downgrade('base');
SELECT operation, statement, strategy, state FROM pgmigrate.operations;
SELECT * FROM made_in_switch();
SELECT count(*), sum(v), pg_typeof(max(w)) FROM accounts;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'shown'::regclass ORDER BY attnum;

-- what fails at the end leaves what was there, and the next run goes on
SELECT pgmigrate.remove('a1');
SELECT pgmigrate.revision('wrong', $$
	DROP VIEW shown;
	DROP POLICY own ON accounts;
	ALTER TABLE accounts ALTER v TYPE bigint;
	CREATE VIEW shown AS SELECT id, nothing FROM accounts;
$$, id => 'a2');
SELECT state FROM pgmigrate.upgrade();
SELECT count(*), (SELECT count(*) FROM pg_policy WHERE polrelid = 'accounts'::regclass) AS policies, pg_typeof(max(v)) FROM shown;
SELECT state FROM pgmigrate.operations ORDER BY operation;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';

DROP SCHEMA shop CASCADE;
DROP ROLE shop_reader;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
