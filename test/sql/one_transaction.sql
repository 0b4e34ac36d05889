-- A run in one transaction reads ahead and writes its rows together.  That
-- must leave what a transaction for each revision leaves, and a step that
-- looks at the ledger must find what is done before it.
CREATE EXTENSION pgmigrate;
SET pgmigrate.execution = inline;
SET client_min_messages = warning;
CREATE TABLE seen (step text, heads text, applied bigint, done bigint);
CREATE VIEW look AS
	SELECT (SELECT string_agg(revision, ' ' ORDER BY revision) FROM pgmigrate.head) AS heads,
		(SELECT count(*) FROM pgmigrate.applied) AS applied,
		(SELECT count(*) FROM pgmigrate.run_step WHERE state = 'done'
			AND run = (SELECT max(run) FROM pgmigrate.run_step)) AS done;
CREATE FUNCTION looks(step text) RETURNS void LANGUAGE sql AS
	'INSERT INTO seen SELECT step, l.* FROM look l';

-- a fork, a merge, a look by name and by a function, one that is large, and
-- more than are kept back at once
SELECT count(pgmigrate.revision(v.id, v.up, v.down, id => v.id,
	down_revision => v.parents, splice => true)) FROM (VALUES
	('a', 'CREATE TABLE a (i int)', 'DROP TABLE a', '{}'::text[]),
	('b', 'CREATE TABLE b (i int)', 'DROP TABLE b', '{a}'),
	('c', 'CREATE TABLE c (i int)', 'DROP TABLE c', '{a}'),
	('look1', 'INSERT INTO seen SELECT ''look1'', l.* FROM look l',
		'SELECT looks(''look1 down'')', '{c}'),
	('m', 'CREATE TABLE m (i int)', 'DROP TABLE m', '{b,look1}'),
	('big', 'CREATE TABLE big (i int)' || repeat(' ', 70000), 'DROP TABLE big', '{m}'),
	('look2', 'DO $$ BEGIN PERFORM looks(''look2''); END $$', 'DROP TABLE IF EXISTS nothing', '{big}')
	) AS v (id, up, down, parents);
SELECT count(pgmigrate.revision('n' || i, 'COMMENT ON TABLE seen IS ''' || i || '''',
	'COMMENT ON TABLE seen IS NULL')) FROM generate_series(1, 620) AS i;
SELECT pgmigrate.revision('end', 'SELECT looks(''end'')', '', id => 'end') AS id;

SELECT count(*) FROM pgmigrate.upgrade('head');
TABLE seen;
TABLE look;
SELECT obj_description('seen'::regclass);
SELECT state, count(*), count(DISTINCT revision), bool_and(started <= finished) AS ordered,
	bool_and(duration >= '0') AS timed, sum(statements) AS statements,
	bool_and(s.digest = r.digest) AS digests
	FROM pgmigrate.run_step s JOIN pgmigrate.revision r ON r.id = s.revision
	GROUP BY state;
SELECT count(*) FROM pgmigrate.applied a JOIN pgmigrate.revision r ON r.id = a.revision
	JOIN pgmigrate.run_step s ON s.run = a.run AND s.step = a.step
	WHERE a.digest = r.digest AND s.revision = a.revision;

-- an error in the middle takes everything with it
SELECT pgmigrate.revision('bad', 'SELECT 1/0', '', id => 'bad') AS id;
SELECT pgmigrate.revision('after', 'CREATE TABLE after (i int)', id => 'after') AS id;
SELECT count(*) FROM pgmigrate.upgrade('head');
TABLE look;
SELECT pgmigrate.remove('after'), pgmigrate.remove('bad');

-- and down: into the fork, then to the end
TRUNCATE seen;
SELECT count(*) FROM pgmigrate.downgrade('b');
TABLE seen;
TABLE look;
SELECT count(*) FROM pgmigrate.downgrade('base');
TABLE look;

-- the same by a worker, in its one transaction
RESET pgmigrate.execution;
SET pgmigrate.transaction_per_migration = off;
TRUNCATE seen;
SELECT count(*) FROM pgmigrate.upgrade('head');
SELECT execution, steps FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
TABLE seen;
TABLE look;

RESET client_min_messages;
DROP VIEW look CASCADE;
DROP FUNCTION looks;
DROP TABLE seen, a, b, c, m, big;
DROP EXTENSION pgmigrate;
