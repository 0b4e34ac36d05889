-- plan() and assess() tell what is left to do, and keep to their time.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
CREATE SCHEMA remains;
CREATE TABLE remains.t (a int);
SELECT pgmigrate.revision('half', $$SET work_mem = '1MB';
INSERT INTO remains.t VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY t_a ON remains.t (a);
DROP INDEX CONCURRENTLY remains.t_a;
INSERT INTO remains.t VALUES (2)$$, id => 'half');
SELECT statement FROM pgmigrate.plan('head');
SELECT revision FROM pgmigrate.upgrade('head');
-- from the one that failed; settings of the session are made again
SELECT statement FROM pgmigrate.plan('head');
SELECT DISTINCT statement, sql FROM pgmigrate.assess('head') ORDER BY 1;
-- a plan that is too long to be tried
SELECT count(pgmigrate.revision('next', 'SELECT ' || g, id => 'n' || lpad(g::text, 3, '0'))) FROM generate_series(1, 100) g;
SELECT statement FROM pgmigrate.plan('head') WHERE revision = 'half';
DELETE FROM remains.t WHERE ctid = (SELECT max(ctid) FROM remains.t);
SELECT revision, state FROM pgmigrate.upgrade('half');
SELECT count(*), count(statement) FROM pgmigrate.plan('head') WHERE revision = 'half';
SELECT * FROM remains.t ORDER BY 1;
SELECT revision FROM pgmigrate.stamp('base');
SELECT count(pgmigrate.remove(revision)) FROM pgmigrate.history() WHERE revision LIKE 'n%' OR revision = 'half';

-- what was tried when the time was over stays so
SET pgmigrate.assess_timeout = '1s';
SELECT min(statement) FILTER (WHERE rule = 'assess-timeout') > 1 AS some_tried, max(statement) AS statements,
	count(*) FILTER (WHERE rule = 'assess-timeout') = max(statement) - min(statement) FILTER (WHERE rule = 'assess-timeout') + 1 AS then_none
FROM pgmigrate.lint((SELECT string_agg(format('CREATE TABLE remains.t%s (id bigint PRIMARY KEY)', g), ';') FROM generate_series(1, 9000) g));
RESET pgmigrate.assess_timeout;
DROP SCHEMA remains CASCADE;

-- a misspelled environment does not turn the gate off
SET pgmigrate.environment = 'prod';
SHOW pgmigrate.environment;
SET pgmigrate.environment = 'prodution';
SHOW pgmigrate.environment;
RESET pgmigrate.environment;
SHOW pgmigrate.environment;
RESET client_min_messages;
-- nor does one that was written before the library could refuse it, in worker and caller
CREATE TABLE kept (a int);
\c -
SET pgmigrate.danger_block = 0;
ALTER DATABASE :"DBNAME" SET pgmigrate.environment = 'prodution';
\c -
SET pgmigrate.danger_block = 0;
SELECT pgmigrate.revision('drops', 'ALTER TABLE kept ALTER a TYPE bigint', id => 'drops');
SHOW pgmigrate.environment;
\set VERBOSITY terse
SELECT * FROM pgmigrate.upgrade();
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
\set VERBOSITY default
ALTER DATABASE :"DBNAME" RESET pgmigrate.environment;
\c -
SET pgmigrate.danger_block = 0;
SET pgmigrate.environment = 'prodution';
SELECT pgmigrate.remove('drops');
SHOW pgmigrate.environment;
DROP TABLE kept;
