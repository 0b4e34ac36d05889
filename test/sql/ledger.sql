/*
 * The ledger after it was moved, and the ledgers of other tools that are kept
 * in step with it.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA ledger;
SET search_path = ledger;
SELECT pgmigrate.revision('a', 'SELECT', 'SELECT', id => 'a');
SELECT pgmigrate.revision('b', 'SELECT', 'SELECT', id => 'b');
SELECT revision FROM pgmigrate.upgrade();

-- the heads are moved back: what they do not imply is not applied
SELECT revision, state FROM pgmigrate.stamp('a');
SELECT pgmigrate.revision('c', 'SELECT', 'SELECT', id => 'c', down_revision => '{a}', splice => true);
SELECT revision FROM pgmigrate.upgrade('c');
SELECT revision FROM pgmigrate.applied ORDER BY 1;
SELECT revision FROM pgmigrate.head;

-- an index that was there before the first try is not what the try has made
CREATE TABLE t (a int);
CREATE INDEX there ON t (a);
SELECT pgmigrate.revision('index', 'CREATE INDEX CONCURRENTLY there ON ledger.t (a)', transactional => false, id => 'd', down_revision => '{c}');
\set VERBOSITY terse
SELECT revision FROM pgmigrate.upgrade('d');
SELECT revision FROM pgmigrate.upgrade('d');
SELECT state, error FROM pgmigrate.run ORDER BY id DESC LIMIT 2;

-- nor is what was done once, and is not applied any more, taken as done
SELECT pgmigrate.revision('again', 'CREATE TABLE ledger.again (a int); VACUUM ledger.again', transactional => false, id => 'e', down_revision => '{c}', splice => true);
SELECT revision, state FROM pgmigrate.upgrade('e');
SELECT revision, state FROM pgmigrate.stamp('c');
DROP TABLE again;
SELECT revision, state FROM pgmigrate.upgrade('e');
SELECT to_regclass('again') IS NOT NULL AS there;

-- a text with less statements than are done, or with none
SELECT pgmigrate.revision('less', 'CREATE TABLE ledger.less (a int); VACUUM ledger.nowhere', transactional => false, id => 'f', down_revision => '{c}', splice => true);
SELECT revision, state FROM pgmigrate.upgrade('f');
SELECT pgmigrate.amend('f', upgrade => '-- nothing');
SELECT revision, state FROM pgmigrate.upgrade('f');

-- a revision that moves the heads itself, or another writer, is not overwritten
SET pgmigrate.lock_deadline = '50ms';
\set VERBOSITY sqlstate
SELECT revision, state FROM pgmigrate.stamp('c');
SELECT pgmigrate.revision('moves', 'DELETE FROM pgmigrate.head', id => 'g', down_revision => '{c}', splice => true);
SELECT revision, state FROM pgmigrate.upgrade('g');
SELECT pgmigrate.revision('side', 'SELECT', id => 'h', down_revision => '{c}', splice => true);
SELECT pgmigrate.revision('merge', 'DELETE FROM pgmigrate.head WHERE revision = ''h''', id => 'm', down_revision => '{g,h}');
SELECT pgmigrate.amend('g', upgrade => 'SELECT');
SELECT revision, state FROM pgmigrate.upgrade('m');
\set VERBOSITY terse
SELECT revision FROM pgmigrate.head ORDER BY 1;

-- a superuser may write it, be he its owner or not
CREATE ROLE regress_other_superuser SUPERUSER;
SET ROLE regress_other_superuser;
UPDATE pgmigrate.head SET revision = revision;
RESET ROLE;
DROP ROLE regress_other_superuser;

-- who is to keep a ledger in step needs each right on it that this takes
CREATE ROLE regress_ledger;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_ledger', 'operator');
GRANT ALL ON SCHEMA ledger TO regress_ledger;
CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
GRANT SELECT, INSERT ON schema_migrations TO regress_ledger;
SET ROLE regress_ledger;
SELECT * FROM pgmigrate.adopt('dbmate', mirror => true);
RESET ROLE;

DROP OWNED BY regress_ledger;

-- a subscriber of any of our tables: who writes one of them ends the subscription
SET client_min_messages = error;
CREATE SUBSCRIPTION regress_pgmigrate CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE FUNCTION pg_temp.refusals(OUT tables bigint, OUT writers bigint, OUT refusals text) LANGUAGE plpgsql AS $$
DECLARE
  tab regclass;
  writer text;
  said text[];
BEGIN
  tables := 0;
  FOR tab IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'pgmigrate'::regnamespace AND relkind = 'r' LOOP
    tables := tables + 1;
    writers := 0;
    INSERT INTO pg_subscription_rel SELECT oid, tab, 'r', NULL FROM pg_subscription WHERE subname = 'regress_pgmigrate';
    FOREACH writer IN ARRAY '{upgrade(''m''),downgrade(''base''),stamp(''c''),revision(''x''\,''SELECT''),amend(''h''\,upgrade=>''SELECT 2''),remove(''h''),load(''V9__x.sql''\,''SELECT''),backfill(''ledger.t''\,''a = 1''),adopt(''dbmate'')}'::text[] LOOP
      writers := writers + 1;
      BEGIN
        EXECUTE 'SELECT pgmigrate.' || writer;
        said := said || format('%s %s: no', tab, writer);
      EXCEPTION WHEN OTHERS THEN
        said := said || CASE WHEN SQLSTATE = '55000' AND SQLERRM LIKE '%logical replica' THEN 'logical replica' ELSE format('%s %s: %s', tab, writer, SQLERRM) END;
      END;
    END LOOP;
    DELETE FROM pg_subscription_rel;
  END LOOP;
  SELECT string_agg(DISTINCT s, '; ') INTO refusals FROM unnest(said) s;
END $$;
SELECT writers, refusals, tables = (SELECT count(*) FROM pg_class WHERE relnamespace = 'pgmigrate'::regnamespace AND relkind = 'r') AS each FROM pg_temp.refusals();
SELECT pgmigrate.revision('x', 'SELECT', id => 'x', down_revision => '{m}') AS "without it";
DROP SUBSCRIPTION regress_pgmigrate;
SET client_min_messages = warning;
DROP ROLE regress_ledger;
DROP SCHEMA ledger CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
