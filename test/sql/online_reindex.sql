--
-- The keys by which the rows of both tables are found: they are made anew, have
-- another constraint, or are gone.  No writer fails.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.execution = 'worker';
CREATE SCHEMA reindexed;
SET search_path = reindexed;
CREATE TABLE item (shop int, nr int, name text NOT NULL, PRIMARY KEY (shop, nr));
INSERT INTO item SELECT 1, n, n FROM generate_series(1, 100) AS n;

-- indexes with other OIDs, on both sides
SELECT action FROM pgmigrate.rebuild('item', 'ALTER COLUMN nr TYPE bigint');
SELECT max(operation) AS operation FROM pgmigrate.operations \gset
REINDEX TABLE CONCURRENTLY item;
UPDATE item SET name = 'first' WHERE nr = 1;
SELECT format('REINDEX TABLE CONCURRENTLY %s', 'pgmigrate_online_' || :operation || '."pgm old"') \gexec
UPDATE item SET nr = 1002 WHERE nr = 2;
DELETE FROM item WHERE nr = 3;
INSERT INTO item VALUES (1, 1003, 'new');
SELECT action FROM pgmigrate.revert(:operation);
SELECT * FROM item WHERE nr < 5 OR nr > 100 ORDER BY nr;

-- another constraint on the columns
SELECT action FROM pgmigrate.rebuild('item', 'ALTER COLUMN nr TYPE bigint');
SELECT max(operation) AS operation FROM pgmigrate.operations \gset
ALTER TABLE item DROP CONSTRAINT item_pkey, ADD CONSTRAINT item_key UNIQUE (shop, nr);
DELETE FROM item WHERE nr = 4;
UPDATE item SET name = 'other' WHERE nr = 5;
ALTER TABLE item DROP CONSTRAINT item_key, ADD PRIMARY KEY (shop, nr);
UPDATE item SET name = 'again' WHERE nr = 6;
SELECT action FROM pgmigrate.revert(:operation);
SELECT * FROM item WHERE nr < 7 ORDER BY nr;

-- none: the writer goes on, but there is no way back any more
SELECT action FROM pgmigrate.rebuild('item', 'ALTER COLUMN nr TYPE bigint');
SELECT max(operation) AS operation FROM pgmigrate.operations \gset
ALTER TABLE item DROP CONSTRAINT item_pkey;
UPDATE item SET name = 'lost' WHERE nr = 6;
INSERT INTO item VALUES (1, 7, 'twice');
DELETE FROM item WHERE name = 'twice';
ALTER TABLE item ADD PRIMARY KEY (shop, nr);
UPDATE item SET name = 'late' WHERE nr = 7;
\set VERBOSITY default
SELECT action FROM pgmigrate.revert(:operation);
\set VERBOSITY terse
SELECT action FROM pgmigrate.finalize(:operation);
SELECT * FROM item WHERE nr < 8 ORDER BY nr;

-- a partition at a time
CREATE TABLE part (id int, name text NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200);
INSERT INTO part SELECT n, n FROM generate_series(1, 199) AS n;
SELECT action FROM pgmigrate.rebuild('part', 'ALTER COLUMN name TYPE varchar(20)');
SELECT max(operation) AS operation FROM pgmigrate.operations \gset
REINDEX TABLE CONCURRENTLY part;
DELETE FROM part WHERE id IN (1, 101);
INSERT INTO part VALUES (1, 'new');
SELECT DISTINCT action FROM pgmigrate.revert(:operation);
SELECT count(*), count(*) FILTER (WHERE name = 'new') AS new FROM part;

DROP SCHEMA reindexed CASCADE;
