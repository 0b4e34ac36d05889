-- An error with the SQLSTATE of a cancel is none: code that says so has failed,
-- and ends no work but its own.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA claims;
CREATE FUNCTION claims.cancelled() RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = 'query_canceled'; END $$;

-- a query of the checklist, before another one
SELECT pgmigrate.checklist_require('a claim', 'SELECT claims.cancelled()');
SELECT pgmigrate.checklist_require('b true', 'SELECT true');
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item IN ('a claim', 'b true');
SELECT pgmigrate.checklist_require('a claim', NULL);
\set VERBOSITY terse
SELECT pgmigrate.checklist_require('long', 'SELECT true --' || repeat('x', 20000000));
\set VERBOSITY default

-- the verify of a revision, beside that of another
CREATE TABLE claims.t (a int);
SELECT pgmigrate.revision('c', 'ALTER TABLE claims.t ADD b int', 'ALTER TABLE claims.t DROP b', verify => 'SELECT (SELECT count(*) FROM claims.t) = 0 OR claims.cancelled()', id => 'claim');
SELECT pgmigrate.revision('d', 'ALTER TABLE claims.t ADD c int', 'ALTER TABLE claims.t DROP c', verify => 'SELECT true', id => 'other');
SELECT revision, state FROM pgmigrate.upgrade();
INSERT INTO claims.t VALUES (1);
SELECT revision, ok FROM pgmigrate.verify() ORDER BY 1;

-- a run that fails so has failed
SELECT pgmigrate.revision('e', 'SELECT claims.cancelled()', id => 'fails');
\set VERBOSITY sqlstate
SELECT pgmigrate.upgrade();
\set VERBOSITY default
SELECT command, state, sqlstate FROM pgmigrate.run ORDER BY id;
SELECT pgmigrate.remove('fails');

-- a condition that the server computes while a statement is tried
CREATE TABLE claims.u (a int);
CREATE FUNCTION claims.fixed() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RAISE EXCEPTION 'canceling statement due to user request' USING ERRCODE = 'query_canceled'; END $$;
SELECT level, rule, message FROM pgmigrate.lint('CREATE INDEX ON claims.u (a) WHERE claims.fixed(); ALTER TABLE claims.u ADD c int');

DROP SCHEMA claims CASCADE;
