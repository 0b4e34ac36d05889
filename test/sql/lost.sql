-- A row of pgmigrate.revision is lost: what is left can be looked at, and the
-- row can be given back.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;

SELECT count(pgmigrate.revision(m, 'SELECT 1', 'SELECT 1', id => m)) FROM unnest('{a,b,c,d}'::text[]) m;
SELECT count(*) FROM pgmigrate.upgrade('c');
DELETE FROM pgmigrate.revision WHERE id = 'b';
SELECT revision, down_revision, state, mark FROM pgmigrate.history();
SELECT pgmigrate.graph();
SELECT pgmigrate.graph('dot');
SELECT pgmigrate.graph('mermaid');
SELECT unnest(regexp_matches(pgmigrate.graph('svg'), '<title>([a-z ]*)')) AS svg;
SELECT revision, state FROM pgmigrate.show('c');
SELECT revision, state, down_revision, upgrade, applied_at IS NOT NULL AS was_applied FROM pgmigrate.show('b');
SELECT pgmigrate.changes('b');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.upgrade();

-- what it stood on has to be said: the only head stands on it
SELECT pgmigrate.revision('b', 'SELECT 1', 'SELECT 1', id => 'b');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('b', 'SELECT 1', 'SELECT 1', id => 'b', down_revision => '{a}');
SELECT revision, down_revision, state, mark FROM pgmigrate.history();
SELECT id, is_head FROM pgmigrate.revision ORDER BY id;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('base');

-- the one that the database is at
SELECT count(*) FROM pgmigrate.upgrade('b');
DELETE FROM pgmigrate.revision WHERE id IN ('b', 'c', 'd');
SELECT revision, state, mark FROM pgmigrate.history();
SELECT pgmigrate.graph();

SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

-- a row of applied: noticed also where there is nothing to do
SELECT count(pgmigrate.revision(m, 'SELECT 1', 'SELECT 1', id => m)) FROM unnest('{a,b,c}'::text[]) m;
SELECT count(*) FROM pgmigrate.upgrade();
DELETE FROM pgmigrate.applied WHERE revision = 'a';
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.history();
SELECT pgmigrate.graph();
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.stamp('c');
SELECT revision, state FROM pgmigrate.stamp('c');
SET client_min_messages = warning;
SELECT * FROM pgmigrate.upgrade();
-- all rows of head: nothing plans to run them again, and what looks says what is missing
DELETE FROM pgmigrate.head;
SELECT revision, state FROM pgmigrate.show('b');
SELECT count(*) FROM pgmigrate.plan('head');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM pgmigrate.assess('head');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.check_target('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.history();
SELECT pgmigrate.graph();
SELECT revision, state FROM pgmigrate.stamp('c');
-- as many rows in both, but not of the same revisions
UPDATE pgmigrate.head SET revision = 'b';
DELETE FROM pgmigrate.applied WHERE revision = 'a';
SELECT * FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.script('head');
SELECT script FROM pgmigrate.script('base:a') LIMIT 1;
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.history();
SELECT revision, state FROM pgmigrate.stamp('c');
SELECT * FROM pgmigrate.upgrade();
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

-- its child was lost too: only the ledger knows the revision
SELECT pgmigrate.revision(x, 'SELECT 1', 'SELECT 1', id => x) FROM unnest('{a,b,c,d}'::text[]) AS x;
SELECT revision FROM pgmigrate.upgrade('c');
DELETE FROM pgmigrate.revision WHERE id IN ('a', 'b');
SELECT pgmigrate.revision('a', 'SELECT 1', 'SELECT 1', id => 'a');
SELECT pgmigrate.revision('a', 'SELECT 1', 'SELECT 1', id => 'a', down_revision => '{}', splice => true);
SELECT pgmigrate.revision('b', 'SELECT 1', 'SELECT 1', id => 'b', down_revision => '{a}', splice => true);
SELECT revision, state, down_revision FROM pgmigrate.history();
SELECT revision FROM pgmigrate.downgrade('base');
SELECT revision FROM pgmigrate.upgrade('c');
-- where all were lost each is stored again as at first
DELETE FROM pgmigrate.revision;
SELECT pgmigrate.revision(x, 'SELECT 1', 'SELECT 1', id => x) FROM unnest('{a,b,c,d}'::text[]) AS x;
SELECT revision, state, down_revision FROM pgmigrate.history();
SELECT revision FROM pgmigrate.upgrade();
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
