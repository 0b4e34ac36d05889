-- A statement that commits by itself and was stopped before it was marked: done
-- by hand here what it may have done by then.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
DROP DATABASE IF EXISTS regress_pgm_begun;
CREATE SCHEMA begun;
SET search_path = begun;
\set VERBOSITY terse

-- a database that is there now was made by the first try
SELECT pgmigrate.revision('database', 'CREATE DATABASE regress_pgm_begun TABLESPACE regress_pgm_nowhere',
	'DROP DATABASE regress_pgm_begun', id => 'd');
SELECT pgmigrate.upgrade();
CREATE DATABASE regress_pgm_begun TEMPLATE template0;
SELECT revision, state FROM pgmigrate.upgrade();
-- and one that is gone was dropped by it
ALTER DATABASE regress_pgm_begun IS_TEMPLATE true;
SELECT revision, state FROM pgmigrate.downgrade('base');
ALTER DATABASE regress_pgm_begun IS_TEMPLATE false;
SELECT revision, statement, direction, state, object <> 0 AS object FROM pgmigrate.begun_statement;
DROP DATABASE regress_pgm_begun;
-- another one of that name is not it
CREATE DATABASE regress_pgm_begun TEMPLATE template0;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT datname FROM pg_database WHERE datname = 'regress_pgm_begun';
DROP DATABASE regress_pgm_begun;
-- one that was there before is not its work
CREATE DATABASE regress_pgm_begun TEMPLATE template0;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.upgrade();
DROP DATABASE regress_pgm_begun;
SELECT pgmigrate.remove('d');

-- an index without a name is known by its form
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 1), (1, 1);
CREATE INDEX ON t (a, b);
SELECT pgmigrate.revision('index', 'CREATE UNIQUE INDEX CONCURRENTLY ON t ((a + 1), a) INCLUDE (b) WHERE b > 0',
	'DROP INDEX CONCURRENTLY begun.t_expr_a_b_idx', id => 'i');
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_expr_a_b_idx;
DELETE FROM t;
CREATE INDEX ON t ((a + 1), a);
CREATE UNIQUE INDEX ON t ((a + 1), a) INCLUDE (b) WHERE b > 0;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 't'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('i');

-- the same in another cluster, where a restore has brought it
SELECT pgmigrate.revision('elsewhere', 'CREATE UNIQUE INDEX CONCURRENTLY ON t (b, a)',
	'DROP INDEX CONCURRENTLY begun.t_b_a_idx', id => 'e');
CREATE INDEX ON t (b, a);
INSERT INTO t VALUES (1, 1), (1, 1);
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_b_a_idx1;
DELETE FROM t;
CREATE UNIQUE INDEX ON t (b, a);
UPDATE pgmigrate.begun_statement SET system_identifier = 1, indexes = '{}';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 't'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
-- where one of that form that was there before is not its work
SELECT pgmigrate.revision('before', 'CREATE INDEX CONCURRENTLY ON t (b, a) TABLESPACE regress_pgm_nowhere', 'SELECT 1', id => 'f');
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE pgmigrate.begun_statement SET system_identifier = 1, indexes = '{}';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT pgmigrate.remove('f');
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('e');
DROP INDEX t_b_a_idx1;
-- and what is to be dropped is gone if nothing there is called so
SELECT pgmigrate.revision('gone', 'SELECT 1', 'DROP DATABASE regress_pgm_begun', id => 'g');
SELECT revision, state FROM pgmigrate.upgrade();
CREATE DATABASE regress_pgm_begun TEMPLATE template0 IS_TEMPLATE true;
SELECT revision, state FROM pgmigrate.downgrade('base');
UPDATE pgmigrate.begun_statement SET system_identifier = 1, object = 1;
ALTER DATABASE regress_pgm_begun IS_TEMPLATE false;
DROP DATABASE regress_pgm_begun;
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('g');

-- an INVALID one that was there before and has its name by now is not made
INSERT INTO t VALUES (1, 1), (1, 1);
CREATE UNIQUE INDEX CONCURRENTLY t_old ON t (a);
SELECT pgmigrate.revision('index', 'CREATE UNIQUE INDEX CONCURRENTLY t_new ON begun.t (a)', id => 'j');
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_new;
ALTER INDEX t_old RENAME TO t_new;
DELETE FROM t;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT indisvalid FROM pg_index WHERE indexrelid = 't_new'::regclass;
DROP INDEX t_new;
SELECT pgmigrate.remove('j');

-- nor is one of its name that is of another form
INSERT INTO t VALUES (1, 1), (1, 1);
SELECT pgmigrate.revision('named', 'CREATE UNIQUE INDEX CONCURRENTLY t_key ON begun.t (a)', id => 'k');
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_key;
CREATE INDEX t_key ON t (a);
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_key;
DELETE FROM t;
CREATE UNIQUE INDEX t_key ON t (b);
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_key;
CREATE UNIQUE INDEX t_key ON t (a);
SELECT revision, state FROM pgmigrate.upgrade();
DROP INDEX t_key;
SELECT revision, state FROM pgmigrate.stamp('base');
SELECT pgmigrate.remove('k');

-- nothing is known of what is over
TABLE pgmigrate.begun_statement;

-- of a CALL that has committed nobody knows how far it came
CREATE TABLE sw (v int);
INSERT INTO sw VALUES (0);
CREATE PROCEDURE fill(before int) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 / (before + v) FROM sw;
	INSERT INTO t VALUES (7, 7);
	COMMIT;
	PERFORM 1 / v FROM sw;
END $$;
SELECT pgmigrate.revision('fill', 'CALL begun.fill(1)', 'SELECT 1', id => 'c', transactional => false);
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.revisions;
SELECT count(*) FROM t;
-- to change it is to decide
SELECT pgmigrate.amend('c', upgrade => 'CALL begun.fill(1 /* again */)');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM t;
SELECT revision, state FROM pgmigrate.downgrade('base');
-- one that has committed nothing begins again, and is forgotten without a word
UPDATE sw SET v = 0;
SELECT pgmigrate.amend('c', upgrade => 'CALL begun.fill(0)');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.begun_statement;
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.stamp('base');
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM t;
-- the same the other way, as the first statement of a downgrade
SELECT pgmigrate.revision('refill', 'SELECT 1', 'CALL begun.fill(1)', id => 'e', transactional => false);
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE sw SET v = -1;
SELECT revision, state FROM pgmigrate.downgrade('-1');
-- which is in nobody's way
SELECT revision, statement, direction, state, in_parts FROM pgmigrate.begun_statement;
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT revision, statement, direction, state, in_parts FROM pgmigrate.begun_statement;
SELECT revision, state FROM pgmigrate.revisions;
\set VERBOSITY default
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('-1');
\set VERBOSITY terse
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.stamp('c');
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.revisions;
TABLE pgmigrate.begun_statement;

-- between two steps the table is its owner's: what a step has made is found
-- again, or the statement is taken back and begun anew
SET pgmigrate.drift_ignore = '%';
SET pgmigrate.online_threshold = 0;
SET pgmigrate.danger_block = 0;
CREATE TABLE stop (now bool);
INSERT INTO stop VALUES (true);
CREATE FUNCTION holds(a int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF (SELECT now FROM begun.stop) THEN
		RAISE 'no room' USING ERRCODE = 'disk_full';
	END IF;
	RETURN true;
END $$;
CREATE TABLE m (a int, b int);
INSERT INTO m SELECT g, g FROM generate_series(1, 100) AS g;
SELECT pgmigrate.revision('between', 'ALTER TABLE begun.m ADD CONSTRAINT m_holds CHECK (begun.holds(a)), ADD CONSTRAINT m_key UNIQUE (a), ALTER b SET NOT NULL',
	id => 'between', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('between');
SELECT state, done FROM pgmigrate.operations WHERE revision = 'between';
-- dropped
ALTER TABLE m DROP CONSTRAINT m_holds;
UPDATE stop SET now = false;
\set VERBOSITY default
SELECT state FROM pgmigrate.upgrade('between');
\set VERBOSITY terse
SELECT conname FROM pg_constraint WHERE conrelid = 'm'::regclass AND contype <> 'n';
SELECT state FROM pgmigrate.upgrade('between');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'm'::regclass AND contype <> 'n' ORDER BY conname COLLATE "C";
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'm'::regclass AND attnum > 0 ORDER BY attnum;
-- replaced: the owner's is not ours to take away
ALTER TABLE m DROP CONSTRAINT m_holds, DROP CONSTRAINT m_key, ALTER b DROP NOT NULL;
SELECT state FROM pgmigrate.stamp('base');
UPDATE stop SET now = true;
SELECT state FROM pgmigrate.upgrade('between');
ALTER TABLE m DROP CONSTRAINT m_holds, ADD CONSTRAINT m_holds CHECK (a < 1000);
UPDATE stop SET now = false;
SELECT state FROM pgmigrate.upgrade('between');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'm'::regclass AND contype <> 'n';
SELECT state FROM pgmigrate.upgrade('between');
ALTER TABLE m DROP CONSTRAINT m_holds;
-- made again as it was, as by a change of the type: as good
UPDATE stop SET now = true;
SELECT state FROM pgmigrate.upgrade('between');
ALTER TABLE m DROP CONSTRAINT m_holds, ADD CONSTRAINT m_holds CHECK (begun.holds(a)) NOT VALID;
UPDATE stop SET now = false;
SELECT state FROM pgmigrate.upgrade('between');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'm'::regclass AND contype <> 'n' ORDER BY conname COLLATE "C";
-- the table itself
ALTER TABLE m DROP CONSTRAINT m_holds, DROP CONSTRAINT m_key, ALTER b DROP NOT NULL;
SELECT state FROM pgmigrate.stamp('base');
UPDATE stop SET now = true;
SELECT state FROM pgmigrate.upgrade('between');
DROP TABLE m;
SELECT state FROM pgmigrate.upgrade('between');
SELECT state FROM pgmigrate.upgrade('between');
SELECT state, details ? 'taken_back' AS taken_back FROM pgmigrate.operation WHERE revision = 'between' ORDER BY id DESC LIMIT 1;
-- an index of a partition
CREATE TABLE l (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE l1 PARTITION OF l FOR VALUES FROM (1) TO (10);
CREATE TABLE l2 PARTITION OF l FOR VALUES FROM (10) TO (20);
INSERT INTO l SELECT g, g FROM generate_series(10, 19) AS g;
SELECT pgmigrate.revision('leaves', 'CREATE INDEX l_holds ON begun.l (begun.holds(a))', id => 'leaves', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('leaves');
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'l1'::regclass;
DROP INDEX l1_holds_idx;
CREATE INDEX l1_holds_idx ON l1 (b);
UPDATE stop SET now = false;
SELECT state FROM pgmigrate.upgrade('leaves');
SELECT indexrelid::regclass, indrelid::regclass FROM pg_index WHERE indrelid IN ('l'::regclass, 'l1'::regclass, 'l2'::regclass) ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT state FROM pgmigrate.upgrade('leaves');
SELECT indexrelid::regclass, indrelid::regclass FROM pg_index WHERE indrelid IN ('l'::regclass, 'l1'::regclass, 'l2'::regclass) ORDER BY indexrelid::regclass::text COLLATE "C";

SET client_min_messages = error;
DROP SCHEMA begun CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
