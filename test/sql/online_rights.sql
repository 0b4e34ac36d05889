/*
 * A superuser changes the table of another role online: what the owner has put
 * into it runs as the owner, and names mean what they mean to the caller.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_shop;
CREATE SCHEMA regress_shop AUTHORIZATION regress_shop;
CREATE TABLE ran_as (role name, what text);
GRANT INSERT ON ran_as TO regress_shop;
SET ROLE regress_shop;
CREATE FUNCTION regress_shop.note(text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN
  INSERT INTO public.ran_as VALUES (current_user, $1);
  RETURN true;
END$$;
CREATE FUNCTION regress_shop.spy(int, text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
  PERFORM regress_shop.note($2);
  RETURN $1;
END$$;
CREATE TABLE regress_shop.item (id int PRIMARY KEY, v int) WITH (autovacuum_enabled = off);
INSERT INTO regress_shop.item SELECT g, g FROM generate_series(1, 1000) g;
CREATE INDEX item_spy ON regress_shop.item (regress_shop.spy(v, 'index'));
CREATE TABLE regress_shop.checked (LIKE regress_shop.item, CHECK (regress_shop.spy(v, 'check') > 0)) WITH (autovacuum_enabled = off);
INSERT INTO regress_shop.checked TABLE regress_shop.item;
CREATE TABLE regress_shop.late (LIKE regress_shop.item);
INSERT INTO regress_shop.late TABLE regress_shop.item;
ALTER TABLE regress_shop.late ADD CHECK (v > 5) NOT VALID;
CREATE TABLE regress_shop.parent (LIKE regress_shop.item);
CREATE TABLE regress_shop.child () INHERITS (regress_shop.parent);
INSERT INTO regress_shop.child TABLE regress_shop.item;
CREATE FUNCTION regress_shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  PERFORM regress_shop.note('trigger');
  RETURN NEW;
END$$;
CREATE TRIGGER fires BEFORE UPDATE ON regress_shop.child FOR EACH ROW EXECUTE FUNCTION regress_shop.fires();
RESET ROLE;
TRUNCATE ran_as;
SET pgmigrate.online_threshold = 0;
SET search_path = "$user", public;

-- a new column is filled by the owner
SELECT pgmigrate.revision('serial', 'ALTER TABLE regress_shop.item ADD n serial', id => 'r1') IS NOT NULL AS stored;
SELECT strategy FROM pgmigrate.plan();
SELECT state FROM pgmigrate.upgrade();
SELECT DISTINCT role, what FROM ran_as;
SELECT count(DISTINCT n), min(n), max(n) FROM regress_shop.item;
TRUNCATE ran_as;

-- or by the statement itself, which leaves these alone: code of the owner in a
-- check, a check that rows need not meet, the trigger of a child
SELECT pgmigrate.revision('checked', 'ALTER TABLE regress_shop.checked ADD n serial', id => 'r2') IS NOT NULL AS stored;
SELECT pgmigrate.revision('late', 'ALTER TABLE regress_shop.late ADD n serial', id => 'r3') IS NOT NULL AS stored;
SELECT pgmigrate.revision('child', 'ALTER TABLE regress_shop.parent ADD n serial', id => 'r4') IS NOT NULL AS stored;
SELECT revision, strategy FROM pgmigrate.plan();
SELECT state FROM pgmigrate.upgrade();
SELECT * FROM ran_as;

-- the policies that count are those for the owner, who passes them, and not for a member of his that calls
ALTER ROLE regress_shop BYPASSRLS;
CREATE ROLE regress_clerk IN ROLE regress_shop;
SET ROLE regress_shop;
CREATE TABLE regress_shop.walled (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE regress_shop.walled_1 PARTITION OF regress_shop.walled FOR VALUES FROM (0) TO (10000);
INSERT INTO regress_shop.walled SELECT id, v FROM regress_shop.item;
ALTER TABLE regress_shop.walled ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON regress_shop.walled USING (id < 0);
RESET ROLE;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_clerk', 'operator');
SELECT pgmigrate.revision('walled', 'ALTER TABLE regress_shop.walled ADD r float8 DEFAULT random()', id => 'r4a') IS NOT NULL AS stored;
SET ROLE regress_clerk;
SELECT strategy, hazards FROM pgmigrate.plan();
SELECT state FROM pgmigrate.upgrade();
RESET ROLE;
SELECT count(*), count(r) FROM regress_shop.walled;

-- an identity goes on where its forerunner was
SELECT pgmigrate.revision('identity', 'ALTER TABLE regress_shop.item ADD k int GENERATED ALWAYS AS IDENTITY', id => 'r5') IS NOT NULL AS stored;
SELECT state FROM pgmigrate.upgrade();
INSERT INTO regress_shop.item (id, v) VALUES (0, 0) RETURNING k;
TRUNCATE ran_as;

-- the schema that has the name of the owner is not that of the caller's "$user"
SELECT pgmigrate.revision('text', 'ALTER TABLE regress_shop.item ALTER id TYPE bigint', 'ALTER TABLE regress_shop.item ALTER id TYPE int', id => 'r7', down_revision => '{r5}', splice => true) IS NOT NULL AS stored;
SELECT state FROM pgmigrate.upgrade('r7');
SELECT indexdef FROM pg_indexes WHERE schemaname = 'regress_shop' AND tablename = 'item' ORDER BY 1;
SELECT state FROM pgmigrate.downgrade('r5');
SELECT indexdef FROM pg_indexes WHERE schemaname = 'regress_shop' AND tablename = 'item' ORDER BY 1;
SELECT DISTINCT role FROM ran_as;

-- who may look at a plan, and has none of the owner's rights, runs nothing of his: neither what makes a generated column, nor what goes back
CREATE ROLE regress_looker;
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_looker', 'operator');
GRANT USAGE ON SCHEMA regress_shop TO regress_looker;
SET ROLE regress_shop;
CREATE TYPE regress_shop.size AS ENUM ('small', 'large');
CREATE FUNCTION regress_shop.who() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
  RAISE WARNING 'as %', current_user;
  RETURN 1;
END$$;
CREATE FUNCTION regress_shop.from_size(regress_shop.size) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$SELECT CASE WHEN $1 = 'small' THEN regress_shop.who() ELSE 2 END$$;
CREATE FUNCTION regress_shop.to_size(int) RETURNS regress_shop.size LANGUAGE sql IMMUTABLE AS
  $$SELECT CASE WHEN $1 = regress_shop.who() THEN 'small'::regress_shop.size ELSE 'large' END$$;
CREATE CAST (regress_shop.size AS int) WITH FUNCTION regress_shop.from_size(regress_shop.size) AS ASSIGNMENT;
CREATE CAST (int AS regress_shop.size) WITH FUNCTION regress_shop.to_size(int) AS ASSIGNMENT;
CREATE TABLE regress_shop.sized (id int PRIMARY KEY, v int,
  made regress_shop.size GENERATED ALWAYS AS (CASE WHEN v > 1 THEN 'large'::regress_shop.size ELSE 'small' END) STORED);
RESET ROLE;
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.revision('sized', 'ALTER TABLE regress_shop.sized ALTER made TYPE int', 'ALTER TABLE regress_shop.sized ALTER made TYPE regress_shop.size', id => 'sized');
SET ROLE regress_looker;
SELECT count(*) FROM pgmigrate.plan('sized');
SET pgmigrate.online_method = 'column';
SELECT count(*) FROM pgmigrate.plan('sized');
RESET ROLE;
RESET pgmigrate.online_method;
DROP CAST (regress_shop.size AS int);
DROP CAST (int AS regress_shop.size);
DROP OWNED BY regress_looker;
DROP ROLE regress_looker;

SELECT count(*) FROM pgmigrate.finalize(NULL);
DROP EXTENSION pgmigrate;
DROP TABLE ran_as;
DROP OWNED BY regress_shop;
DROP ROLE regress_clerk;
DROP ROLE regress_shop;
