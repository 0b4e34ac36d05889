-- Files that are loaded again: saved otherwise, or changed.
-- Begin with an empty store, whatever ran before.
SET client_min_messages = warning;
SET pgmigrate.danger_block = 0;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;

-- line ends, and what stands behind the last word, are no difference ...
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\nCREATE TABLE u (a int);\n']);
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\r\nCREATE TABLE u (a int);\r\n']);
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\nCREATE TABLE u (a int);']);
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\nCREATE TABLE u (a int);\n\n ']);
-- ... but a lone carriage return, a blank within and another word are
SET client_min_messages = warning;
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\rCREATE TABLE u (a int);\n']);
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int); \nCREATE TABLE u (a int);\n']);
SELECT action FROM pgmigrate.load_files('{V1__a.sql}',
	ARRAY[E'CREATE TABLE t (a int);\nCREATE TABLE u (b int);\n']);
RESET client_min_messages;
-- what is stored is the text byte for byte
SELECT quote_literal(upgrade) FROM pgmigrate.revision;
-- a way down by itself, and a repeatable one, are no other either
SELECT action FROM pgmigrate.load_files('{U1__a.sql,V1__a.sql}',
	ARRAY[E'DROP TABLE t;\n', E'CREATE TABLE t (a int);\nCREATE TABLE u (a int);\n'], amend => true);
SELECT pgmigrate.load('U1__a.sql', E'DROP TABLE t;\r\n');
SELECT action, revision FROM pgmigrate.load_files('{R__v.sql}', ARRAY[E'SELECT 1;\n']);
SELECT action, revision FROM pgmigrate.load_files('{R__v.sql}', ARRAY[E'SELECT 1;\r\n']);
SELECT action, revision FROM pgmigrate.load_files('{R__v.sql}', ARRAY[E'SELECT 2;']);
SELECT action, revision FROM pgmigrate.load_files('{R__v.sql}', ARRAY[E'SELECT 2;\r\n']);
DELETE FROM pgmigrate.revision;

-- the id by digest is the same, and the file is known by its content
SELECT revision AS by_file FROM pgmigrate.load_files('{x.sql}', ARRAY[
E'-- pgmigrate: revision\r\n-- message: x\r\n-- down_revision: base\r\n\r\n-- migrate:up\r\nCREATE TABLE x ();\r\nSELECT 1;\r\n']) \gset
DELETE FROM pgmigrate.revision;
SELECT pgmigrate.revision('x', E'CREATE TABLE x ();\nSELECT 1;') = :'by_file' AS same;
SELECT action, revision = :'by_file' AS same FROM pgmigrate.load_files('{x.sql}', ARRAY[
E'-- pgmigrate: revision\n-- message: x\n-- down_revision: base\n\n-- migrate:up\nCREATE TABLE x ();\nSELECT 1;\n\n\n']);
SELECT action, revision = :'by_file' AS same FROM pgmigrate.load_files('{x.sql}', ARRAY[
E'-- pgmigrate: revision\n-- message: x\n\n-- migrate:up\nCREATE TABLE x ();\nSELECT 1;\n']);
DELETE FROM pgmigrate.revision;

-- amend takes a changed pending file over, with a new approval to be given
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	'{"CREATE TABLE a (i int);","DROP TABLE a;","CREATE TABLE b ();"}');
SELECT pgmigrate.approve('1');
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	'{"CREATE TABLE a (i bigint);","DROP TABLE a;","CREATE TABLE b ();"}', amend => true);
SELECT upgrade, approved_digest = digest AS approved, source ->> 'file' AS file,
	amended_at IS NOT NULL AS amended
FROM pgmigrate.revision WHERE id = '1';
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	'{"CREATE TABLE a (i bigint);","DROP TABLE a;","CREATE TABLE b ();"}', amend => true);
-- not what amend cannot change, not what is broken, and not what is applied
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,2_b.up.sql}',
	'{"CREATE TABLE a (i bigint);","CREATE TABLE b ();"}', amend => true);
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	ARRAY['CREATE TABLE a (i bigint);', 'DROP TABLE a;', E'SELECT 1;\nCREATE TABL b ();'], amend => true);
SELECT count(*) FROM pgmigrate.upgrade('1');
SELECT revision, action FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	'{"CREATE TABLE a (i int);","DROP TABLE a;","CREATE TABLE b (i int);"}', amend => true);
SELECT id, upgrade FROM pgmigrate.revision ORDER BY seq;
SELECT count(*) FROM pgmigrate.downgrade('base');
DELETE FROM pgmigrate.revision;

-- into a table at once, with files that cannot be read among them
CREATE TABLE loaded AS SELECT * FROM pgmigrate.load_files('{1_a.up.sql,1_a.down.sql,2_b.up.sql}',
	'{"CREATE TABLE a ();","DROP TABL a;","CREATE TABLE b ();"}');
CREATE TABLE not_loaded AS SELECT * FROM pgmigrate.load_files('{3_c.up.sql,4_d.up.sql}',
	'{"CREATE TABL c ();","CREATE TABL d ();"}');
SELECT revision, action FROM loaded;
DROP TABLE loaded;
DELETE FROM pgmigrate.revision;

-- in an empty database: a table that an earlier revision makes is not this one's alone
SELECT pgmigrate.revision('1', 'CREATE TABLE made (v int, w varchar(9)); CREATE INDEX ON made (w); ALTER TABLE made ALTER v TYPE bigint', 'DROP TABLE made', id => 'm1');
SELECT pgmigrate.check_target('head', 'warning');
SELECT pgmigrate.revision('2', 'CREATE INDEX made_v ON made (v)', 'DROP INDEX made_v', id => 'm2');
SELECT pgmigrate.revision('3', 'ALTER TABLE made ALTER v TYPE numeric; ALTER TABLE made ALTER w TYPE varchar(10); ALTER TABLE made ADD x int DEFAULT 1',
	'ALTER TABLE made DROP x, ALTER w TYPE varchar(9), ALTER v TYPE bigint', id => 'm3');
SELECT pgmigrate.revision('4', 'ALTER TABLE made ALTER x SET NOT NULL; CREATE TABLE own (v int); CREATE INDEX ON own (v)', 'ALTER TABLE made ALTER x DROP NOT NULL; DROP TABLE own', id => 'm4');
SELECT revision, statement, rule, level, lock_mode, rewrites, scans, message FROM pgmigrate.assess('head')
	WHERE level <> 'info' OR (rule = 'lock' AND relation = 'made');
SELECT DISTINCT hint FROM pgmigrate.assess('head') WHERE level = 'warning';
SELECT pgmigrate.check_target('head');
SELECT pgmigrate.check_target('head', 'warning');
BEGIN;
SET LOCAL pgmigrate.danger_block = '2s';
SELECT pgmigrate.check_target('head', 'warning');
ROLLBACK;
-- and nothing of it is refused
SET pgmigrate.environment = production;
SELECT revision, state FROM pgmigrate.upgrade();
RESET pgmigrate.environment;
SELECT count(*) FROM pgmigrate.downgrade('base');
DELETE FROM pgmigrate.revision;

-- a check that fails is an error, which lists what was found
CREATE TABLE big (i int);
INSERT INTO big SELECT 1;
SELECT pgmigrate.revision('new table', 'CREATE TABLE new (i int)', 'DROP TABLE new', id => 'new');
SELECT pgmigrate.check_target();
SELECT pgmigrate.revision('two things', 'ALTER TABLE big ALTER i TYPE bigint; ALTER TABLE big RENAME TO large', id => 'two');
SELECT pgmigrate.check_target('new', 'warning');
DO $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	PERFORM pgmigrate.check_target('head', 'warning');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE INFO E'%: %\n%\n%', state, message, detail, hint;
END $$;
SELECT pgmigrate.amend('two', upgrade => '-- pgmigrate: allow type-change-rewrite because it is small
ALTER TABLE big ALTER i TYPE bigint; ALTER TABLE big RENAME TO large');
SELECT pgmigrate.check_target();
SELECT pgmigrate.check_target('head', 'fatal');
SELECT pgmigrate.check_target('nowhere');

-- what there is
SELECT count(*) > 35 AS many, count(*) FILTER (WHERE description IS NULL) AS undescribed,
	count(*) FILTER (WHERE name ~ '^(script_|run_state)') AS internal
FROM pgmigrate.help;
SELECT name, kind, usage FROM pgmigrate.help WHERE name IN ('amend', 'heads', 'runs');
DROP TABLE big;
DELETE FROM pgmigrate.revision;

-- many files that have no id are known by their content
CREATE TABLE many AS SELECT array_agg(format('f%s.sql', i)) AS names,
	array_agg(format(E'-- pgmigrate: revision\n-- message: m\n\n-- migrate:up\nSELECT %s;\n', i)) AS contents
FROM generate_series(1, 300) i;
SELECT action, count(*) FROM many, pgmigrate.load_files(names, contents) GROUP BY 1;
SELECT action, count(*) FROM many, pgmigrate.load_files(names, contents) GROUP BY 1;
DROP TABLE many;
DELETE FROM pgmigrate.revision;

-- folders of Prisma with one time, loaded alone in any order, and then together
SELECT pgmigrate.load('20240101000001_b/migration.sql', E'SELECT 2;\n');
SELECT pgmigrate.load('20240101000001_a/migration.sql', E'SELECT 1;\n');
SELECT pgmigrate.load('20240101000001_b/migration.sql', E'SELECT 2;\n');
SELECT * FROM pgmigrate.load_files('{20240101000001_a/migration.sql,20240101000001_b/migration.sql,20240101000001_c/migration.sql}',
	ARRAY[E'SELECT 1;\n', E'SELECT 2;\n', E'SELECT 3;\n']);
SELECT * FROM pgmigrate.load_files('{20240101000001_a/migration.sql,20240101000001_b/migration.sql}', ARRAY[E'SELECT 1;\n', E'SELECT 4;\n']);
SELECT id, message, down_revision, upgrade FROM pgmigrate.revision ORDER BY id;
DELETE FROM pgmigrate.revision;
