/*
 * What a revision drops and an online change of its own keeps is said to fail
 * beforehand, where it does; what a run gives up before is not.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA foreseen;
SET search_path = foreseen, public;
SET pgmigrate.online_threshold = 0;
SELECT format('CREATE TYPE %I AS ENUM (''good'')', 'mood_' || n) FROM generate_series(1, 9) AS n \gexec
CREATE EXTENSION citext;
CREATE DOMAIN amount AS int;
CREATE COLLATION own FROM "C";
CREATE FUNCTION by_default() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION by_check(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION by_index(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION by_using(int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1::bigint';
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t01 (id int PRIMARY KEY, a mood_1 DEFAULT 'good');
CREATE TABLE t02 (id int PRIMARY KEY, a amount);
CREATE TABLE t03 (id int PRIMARY KEY, a text COLLATE own);
CREATE TABLE t04 (id int PRIMARY KEY, a int DEFAULT by_default());
CREATE TABLE t05 (id int PRIMARY KEY, a int CONSTRAINT c CHECK (by_check(a)));
CREATE TABLE t06 (id int PRIMARY KEY, a int);
CREATE INDEX i06 ON t06 (by_index(id));
CREATE TABLE t07 (id int PRIMARY KEY, a mood_2[], b int);
CREATE TABLE t08 (id int PRIMARY KEY, a mood_3) PARTITION BY RANGE (id);
CREATE TABLE t08_p PARTITION OF t08 FOR VALUES FROM (0) TO (10);
CREATE TABLE t09 (id int, a mood_4);
CREATE TABLE t10 (id int PRIMARY KEY, a citext);
CREATE TABLE t11 (id int PRIMARY KEY, a int);
CREATE TABLE t12 (id int PRIMARY KEY, a int);
CREATE TRIGGER t BEFORE INSERT ON t12 FOR EACH ROW EXECUTE FUNCTION by_trigger();
CREATE TABLE t13 (id int PRIMARY KEY, a mood_5, b int);
CREATE TABLE t14 (id int PRIMARY KEY, a mood_6);
CREATE TABLE t15 (id int PRIMARY KEY, a mood_7, b int);
CREATE TABLE t16 (id int PRIMARY KEY, a mood_8, b int);
CREATE TABLE t17 (id int, a mood_9, b int);
CREATE TEMP TABLE change (id text, sql text);
INSERT INTO change VALUES
('f01', 'ALTER TABLE t01 ALTER a DROP DEFAULT; ALTER TABLE t01 ALTER a TYPE text; ALTER TABLE t01 ALTER a SET DEFAULT ''good''; DROP TYPE mood_1'),
('f02', 'ALTER TABLE t02 ALTER a TYPE bigint; DROP DOMAIN amount'),
('f03', 'ALTER TABLE t03 ALTER a TYPE int USING 1; DROP COLLATION own'),
('f04', 'ALTER TABLE t04 ALTER a DROP DEFAULT, ALTER a TYPE bigint; DROP FUNCTION by_default()'),
('f05', 'ALTER TABLE t05 DROP CONSTRAINT c, ALTER a TYPE bigint; DROP FUNCTION by_check(int)'),
('f06', 'ALTER TABLE t06 ALTER a TYPE bigint; DROP INDEX i06; DROP FUNCTION by_index(int)'),
('f07', 'ALTER TABLE t07 ALTER a TYPE text[]; ALTER TABLE t07 ALTER b TYPE bigint; CREATE TYPE more AS (a int); DROP TYPE more, mood_2'),
('f08', 'ALTER TABLE t08 ALTER a TYPE text; DROP TYPE mood_3'),
('f09', 'ALTER TABLE t09 ALTER a TYPE text; DROP TYPE mood_4'),
('f10', 'ALTER TABLE t10 ALTER a TYPE int USING 1; DROP EXTENSION citext'),
('f11', 'ALTER TABLE t11 ALTER a TYPE bigint USING by_using(a); DROP FUNCTION by_using(int)'),
('f12', 'ALTER TABLE t12 ALTER a TYPE bigint; DROP TRIGGER t ON t12; DROP FUNCTION by_trigger()'),
('f13', 'ALTER TABLE t13 ALTER a TYPE text; ALTER TABLE t13 DROP b; DROP TYPE mood_5'),
('f14', E'-- pgmigrate: plain\nALTER TABLE t14 ALTER a TYPE text; DROP TYPE mood_6'),
('f15', 'ALTER TABLE t15 ALTER a TYPE text; ALTER TABLE t14 ADD b int; ALTER TABLE t15 ALTER b TYPE bigint; DROP TYPE mood_7');
SELECT count(pgmigrate.revision(id, sql, id => id)) FROM (SELECT * FROM change ORDER BY id) AS c;
CREATE TEMP TABLE foretold AS SELECT * FROM pgmigrate.assess('f15') WHERE rule = 'trial-fails';
SELECT revision, statement, level, message FROM foretold ORDER BY revision;
SELECT hint FROM foretold WHERE revision = 'f01';
-- what fails, and goes on once that is given up
\set VERBOSITY terse
\o /dev/null
SELECT unnest(ARRAY[format('SELECT FROM pgmigrate.upgrade(%L)', id), 'SELECT FROM pgmigrate.finalize()', format('SELECT FROM pgmigrate.upgrade(%L)', id)]) FROM change ORDER BY id \gexec
\o
\set VERBOSITY default
SELECT count(*) AS applied FROM pgmigrate.applied;
SELECT s.revision AS unlike, s.state FROM pgmigrate.run_step s WHERE s.state = 'failed' AND s.revision NOT IN (SELECT revision FROM foretold)
UNION ALL SELECT revision, 'foretold' FROM foretold WHERE revision NOT IN (SELECT revision FROM pgmigrate.run_step WHERE state = 'failed');
SELECT s.revision AS without_hint FROM pgmigrate.run_step s JOIN pgmigrate.run r ON r.id = s.run WHERE s.state = 'failed' AND r.hint IS DISTINCT FROM
	format('Operation %1$s keeps what table %2$s had before it was changed, for the way back.  Give that up with pgmigrate.finalize(%1$s).', substring(r.hint, '\d+'), substring(r.hint, 'table (\S+)'));
-- what a run of before has kept is in the way, but not of one that changes the table again
SELECT pgmigrate.revision('a', 'ALTER TABLE t16 ALTER a TYPE text; ALTER TABLE t17 ALTER a TYPE text', id => 'g1');
SELECT state FROM pgmigrate.upgrade('g1');
SELECT regexp_replace(message, '\d+', 'N') AS message, hint FROM pgmigrate.lint('ALTER TABLE t16 ADD c int; DROP TYPE mood_8') WHERE rule = 'trial-fails';
SELECT message FROM pgmigrate.lint('ALTER TABLE t16 ALTER b TYPE bigint; DROP TYPE mood_8; ALTER TABLE t17 ALTER b TYPE bigint; DROP TYPE mood_9') WHERE rule = 'trial-fails';
SELECT pgmigrate.revision('b', 'ALTER TABLE t16 ALTER b TYPE bigint; DROP TYPE mood_8; ALTER TABLE t17 ALTER b TYPE bigint; DROP TYPE mood_9', id => 'g2');
SELECT state FROM pgmigrate.upgrade('g2');

DROP SCHEMA foreseen CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
