-- Migration files into the store and back.
-- Begin with an empty store, whatever ran before.
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;

CREATE VIEW stored AS
SELECT id, message, upgrade, downgrade, down_revision, transactional
FROM pgmigrate.revision ORDER BY seq;

-- one file of our own format
SELECT * FROM pgmigrate.load('a.sql', $$-- pgmigrate: revision
-- id: a1
-- message: first table

-- migrate:up
CREATE TABLE a (i int);

-- migrate:down
DROP TABLE a;

-- migrate:verify
SELECT to_regclass('a') IS NOT NULL;
$$);
SELECT id, message, down_revision, verify FROM pgmigrate.revision;

-- a file without id hangs on the head, and is known again by its content
SELECT count(*) FROM pgmigrate.load('b.sql', $$-- pgmigrate: revision
-- message: second table

-- migrate:up
CREATE TABLE b (i int);
$$);
SELECT count(*) FROM pgmigrate.load('b.sql', $$-- pgmigrate: revision
-- message: second table

-- migrate:up
CREATE TABLE b (i int);
$$);
SELECT message, down_revision FROM pgmigrate.revision ORDER BY seq;

-- several files at once: one is known, one differs, one is no migration
SELECT * FROM pgmigrate.load_files(
	ARRAY['c.sql', 'a.sql', 'README.md'],
	ARRAY['-- pgmigrate: revision
-- id: c1
-- message: third table
-- down_revision: a1
-- branch_labels: side
-- transactional: false

-- migrate:up
CREATE TABLE c (i int);
', '-- pgmigrate: revision
-- id: a1
-- message: first table, better
-- down_revision: base

-- migrate:up
CREATE TABLE a (i bigint);
', 'nothing']);
SELECT id, down_revision, branch_labels, transactional
FROM pgmigrate.revision WHERE id IN ('a1', 'c1') ORDER BY seq;

-- what comes out goes in again, byte for byte
CREATE TABLE exported AS SELECT * FROM pgmigrate.export();
CREATE TABLE before AS SELECT id, message, upgrade, downgrade, verify,
	transactional, down_revision, depends_on, branch_labels, digest
FROM pgmigrate.revision;
SELECT pgmigrate.remove('side'), pgmigrate.remove(id)
FROM pgmigrate.revision WHERE message = 'second table';
SELECT pgmigrate.remove('a1');
SELECT count(*) FROM pgmigrate.revision;
SELECT action, count(*) FROM pgmigrate.load_files(
	(SELECT array_agg(file_name) FROM exported),
	(SELECT array_agg(contents) FROM exported)) GROUP BY 1;
SELECT count(*) AS not_the_same FROM before b
FULL JOIN (SELECT id, message, upgrade, downgrade, verify,
	transactional, down_revision, depends_on, branch_labels, digest
	FROM pgmigrate.revision) r ON r = b
WHERE r IS NULL OR b IS NULL;
SELECT count(*) AS not_the_same
FROM (TABLE exported EXCEPT SELECT * FROM pgmigrate.export()) AS e;
SELECT file_name, contents FROM pgmigrate.export('a1', 'golang-migrate');
SELECT file_name FROM pgmigrate.export('base:side', 'plain');
SELECT * FROM pgmigrate.export('base:heads', 'flyway');
DELETE FROM pgmigrate.revision;

-- two files of the same content are two revisions, then and later
SELECT action, count(DISTINCT revision) FROM pgmigrate.load_files(
	ARRAY['1.sql', '2.sql'],
	array_fill(E'-- pgmigrate: revision\n-- message: again\n\n-- migrate:up\nSELECT 1;\n'::text, ARRAY[2]))
GROUP BY 1;
SELECT action, count(DISTINCT revision) FROM pgmigrate.load_files(
	ARRAY['1.sql', '2.sql'],
	array_fill(E'-- pgmigrate: revision\n-- message: again\n\n-- migrate:up\nSELECT 1;\n'::text, ARRAY[2]))
GROUP BY 1;
DELETE FROM pgmigrate.revision;

-- up and down one after the other
SELECT pgmigrate.load('0001_users.up.sql', 'CREATE TABLE users (i int);');
SELECT pgmigrate.load('0002_index.up.sql', E'BEGIN;\nCREATE INDEX ON users (i);\nCOMMIT;\n');
SELECT pgmigrate.load('0001_users.down.sql', 'DROP TABLE users;');
SELECT pgmigrate.load('0001_users.down.sql', 'DROP TABLE users;');
SELECT pgmigrate.load('0001_users.down.sql', 'DROP TABLE users CASCADE;');
SELECT pgmigrate.load('0001_users.up.sql', 'CREATE TABLE users (i int);');
SELECT pgmigrate.load('0003_none.down.sql', 'SELECT 1;');
SELECT * FROM stored;
-- a file that comes late hangs on the head
SELECT * FROM pgmigrate.load_files(
	ARRAY['0001_users.up.sql', '0001_users.down.sql',
		'0002_index.up.sql', '0004_new.up.sql', '0005_empty.up.sql'],
	ARRAY['CREATE TABLE users (i int);', 'DROP TABLE users;',
		E'CREATE INDEX ON users (i);\n', 'CREATE TABLE new ();', '']);
SELECT * FROM pgmigrate.load_files(
	ARRAY['0001_users.up.sql', '0002_index.up.sql', '0003_late.up.sql',
		'0003_late.down.sql', '0004_new.up.sql', '0006_newest.up.sql'],
	ARRAY['CREATE TABLE users (i int);', E'CREATE INDEX ON users (i);\n',
		'CREATE TABLE late ();', 'DROP TABLE late;', 'CREATE TABLE new ();',
		'CREATE TABLE newest ();']);
SELECT id, upgrade, down_revision FROM stored;
-- unless there are several
SELECT pgmigrate.revision('side', 'SELECT 1;', id => 'side', down_revision => '{0001}', splice => true);
SELECT * FROM pgmigrate.load_files(
	ARRAY['0001_users.up.sql', '0007_a.up.sql'],
	ARRAY['CREATE TABLE users (i int);', 'CREATE TABLE a ();']);
SELECT pgmigrate.load('0007_a.up.sql', 'CREATE TABLE a ();');
DELETE FROM pgmigrate.revision;

-- Flyway's repeatable migrations: another text is another revision
SELECT * FROM pgmigrate.load_files(
	ARRAY['V1__one.sql', 'R__view.sql', 'V2__two.sql', 'U2__two.sql'],
	ARRAY['CREATE TABLE one (i int);', 'CREATE VIEW v AS SELECT 1 AS a;',
		'CREATE TABLE two (i int);', 'DROP TABLE two;']);
SELECT * FROM pgmigrate.load_files(
	ARRAY['V1__one.sql', 'R__view.sql', 'V2__two.sql', 'U2__two.sql', 'V3__three.sql'],
	ARRAY['CREATE TABLE one (i int);', 'CREATE OR REPLACE VIEW v AS SELECT 2 AS a;',
		'CREATE TABLE two (i int);', 'DROP TABLE two;', 'CREATE TABLE three (i int);']);
SELECT id, message, downgrade, down_revision FROM stored;
DELETE FROM pgmigrate.revision;

-- the other formats
SELECT * FROM pgmigrate.load_files(
	ARRAY['2019-02-26-002946_users/up.sql', '2019-02-26-002946_users/down.sql'],
	ARRAY['CREATE TABLE users ();', 'DROP TABLE users;']);
SELECT pgmigrate.load('20240101000000_x.sql',
	E'-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON users (i);\n-- migrate:down\n');
SELECT pgmigrate.load('20250101000000_y.sql',
	E'-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f();\n');
SELECT * FROM stored;
SELECT * FROM pgmigrate.load('dump.sql', E'\\restrict abc\nCREATE TABLE d (i int, t text);\nCOPY d (i, t) FROM stdin;\n1\tit''s\n2\t\\N\n\\.\n\\unrestrict abc\n', 'golang-migrate');
SELECT * FROM pgmigrate.load('0009_dump.up.sql', E'\\restrict abc\nCREATE TABLE d (i int, t text);\nCOPY d (i, t) FROM stdin;\n1\tit''s\n2\t\\N\n\\.\n\\unrestrict abc\n', 'golang-migrate');
SELECT upgrade FROM stored WHERE id = '0009';
SELECT * FROM pgmigrate.load_files(
	ARRAY['sqitch.plan', 'deploy/users.sql', 'revert/users.sql', 'verify/users.sql',
		'deploy/flips.sql', 'revert/flips.sql'],
	ARRAY[E'%syntax-version=1.0.0\n%project=flipr\n\nusers 2013-12-30T23:19:45Z A <a@b> # users\n@v1 2013-12-31T23:19:45Z A <a@b> # tag\nflips [users] 2014-12-30T23:19:45Z A <a@b> # flips\n',
		E'BEGIN;\nCREATE TABLE users (nick text);\nCOMMIT;\n', E'BEGIN;\nDROP TABLE users;\nCOMMIT;\n',
		E'BEGIN;\nSELECT nick FROM users WHERE false;\nROLLBACK;\n',
		E'BEGIN;\nCREATE TABLE flips (nick text);\nCOMMIT;\n', E'BEGIN;\nDROP TABLE flips;\nCOMMIT;\n']);
SELECT id, message, upgrade, downgrade, verify, depends_on, branch_labels
FROM pgmigrate.revision WHERE id IN ('users', 'flips') ORDER BY seq;
DELETE FROM pgmigrate.revision;

-- nothing is half loaded, and the error names file and line
SELECT * FROM pgmigrate.load_files(
	ARRAY['1_a.up.sql', '2_b.up.sql'],
	ARRAY['CREATE TABLE a ();', E'CREATE TABLE b ();\n\nCREATE TABEL c ();\n']);
SELECT * FROM pgmigrate.load_files(
	ARRAY['1_a.up.sql', '2_b.up.sql'],
	ARRAY['CREATE TABLE a ();', E'CREATE TABLE b ();\n\\i other.sql\n']);
SELECT * FROM pgmigrate.load('x.sql', E'-- pgmigrate: revision\n-- message: x\n\n-- migrate:up\nSELECT 1;\nCOMMIT;\n');
SELECT * FROM pgmigrate.load_files(
	ARRAY['1_a.up.sql', '1_b.up.sql'], ARRAY['SELECT 1;', 'SELECT 2;']);
SELECT * FROM pgmigrate.load_files(
	ARRAY['1_a.up.sql', '2_b.down.sql'], ARRAY['SELECT 1;', 'SELECT 2;']);
SELECT * FROM pgmigrate.load_files(ARRAY['1_a.up.sql'], ARRAY[]::text[]);
SELECT * FROM pgmigrate.load_files(NULL, ARRAY[]::text[]);
SELECT * FROM pgmigrate.load('1_a.up.sql', NULL);
SELECT * FROM pgmigrate.load('1_a.up.sql', 'SELECT 1;', 'rails');
SELECT * FROM pgmigrate.load('notes.txt', 'SELECT 1;');
SELECT * FROM pgmigrate.load_directory('relative/path');
SELECT count(*) FROM pgmigrate.revision;

-- an error of the run names the file, until the text is another one
SELECT pgmigrate.load('3_c.up.sql', E'SELECT 1;\n\nSELECT 1/0;');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('3', upgrade => 'SELECT 1/0');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.remove('3');

-- a folder of the server is not for everybody
CREATE ROLE regress_load_author;
SET client_min_messages = warning;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_load_author', 'author');
RESET client_min_messages;
SET ROLE regress_load_author;
SELECT * FROM pgmigrate.load_directory('/nowhere');
SELECT pgmigrate.load('1_a.up.sql', 'CREATE TABLE a ();');
RESET ROLE;
SELECT * FROM pgmigrate.load_directory('/nowhere');
SELECT id, author FROM pgmigrate.revision;

DROP VIEW stored;
DROP TABLE exported, before;
DROP OWNED BY regress_load_author;
DROP ROLE regress_load_author;
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
