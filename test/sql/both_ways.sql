-- files that hold both ways: the way down never runs with the way up
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.execution = inline;

CREATE FUNCTION load_and_run(name text, contents text, format text = 'auto')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	context text;
BEGIN
	CREATE TABLE kept (n int);
	INSERT INTO kept VALUES (1);
	PERFORM pgmigrate.load(name, contents, format);
	PERFORM pgmigrate.upgrade();
	SELECT 'rows kept: ' || count(*) || ', way down: '
		|| (SELECT r.downgrade IS NOT NULL FROM pgmigrate.revision r)
		INTO result FROM kept;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL,
		context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || SQLERRM, nullif(detail, ''),
		substring(context FROM E'^(?:line|file) [^\n]*'));
END
$$;

-- read
SELECT load_and_run('1700000000001_kept.sql', E'-- Up Migration\nCREATE TABLE IF NOT EXISTS kept (n int);\n\n-- Down Migration\nDROP TABLE kept;\n');
SELECT load_and_run('001-kept.sql', E'-- +migrate Up\nCREATE TABLE IF NOT EXISTS kept (n int);\n-- +migrate StatementBegin\nSELECT 1;\n-- +migrate StatementEnd\n\n-- +migrate Down\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'CREATE TABLE IF NOT EXISTS kept (n int);\n\n---- create above / drop below ----\n\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'-- +micrate Up\nSELECT 1;\n-- +micrate Down\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'-- rambler up\nSELECT 1;\n-- rambler down\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE kept;\n');
SELECT load_and_run('20240101000001_kept/migration.sql', E'-- CreateTable\nSELECT 1;\n');
SELECT load_and_run('U1__kept.sql', E'SELECT 1;\n', 'refinery');

-- refused
SELECT load_and_run('001_kept.sql', E'-- up\nSELECT 1;\n\n-- down\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'-- up\nSELECT 1;\n\n-- down\nDROP TABLE kept;\n', 'plain');
SELECT load_and_run('001_kept.sql', E'-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE kept;\n', 'plain');
SELECT load_and_run('001_kept.sql', E'-- // create kept\nSELECT 1;\n\n-- //@UNDO\nDROP TABLE kept;\n');
SELECT load_and_run('1.sql', E'# --- !Ups\nSELECT 1;\n\n# --- !Downs\nDROP TABLE kept;\n');
SELECT load_and_run('1.sql', E'-- !Ups\nSELECT 1;\n\n-- !Downs\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.up.sql', E'SELECT 1;\n/* ROLLBACK */\nDROP TABLE kept;\n');
SELECT load_and_run('V1__kept.sql', E'SELECT 1;\n-- === Rollback: ===\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept/up.sql', E'SELECT 1;\n-- Downgrade\nDROP TABLE kept;\n');
SELECT load_and_run('001_kept.sql', E'--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n--rollback DROP TABLE kept;\n');
SELECT load_and_run('down/001_kept.sql', E'DROP TABLE kept;\n');
SELECT load_and_run('001_kept.undo.sql', E'DROP TABLE kept;\n');
SELECT pgmigrate.load('001_kept.sql', E'SELECT 1;\n-- down\nDROP TABLE kept;\n');
SELECT pgmigrate.load('changelog.sql', E'SELECT 1;\n');

-- words of a sentence, literals, and what is commented out are no way down
SELECT load_and_run('001_kept.sql', E'SELECT 1;\n-- scales down the table\nSELECT 2;\n');
SELECT load_and_run('001_kept.sql', E'SELECT $$\n-- down\n$$;\nSELECT 2;\n');
SELECT load_and_run('001_kept.sql', E'SELECT 1;\n-- Rollback:\n-- DROP TABLE kept;\n');

-- headings, and comments with the same words: what follows tells them apart
CREATE FUNCTION is_refused(comment text, format text,
	before text = 'CREATE TABLE made (n int);', after text = 'DROP TABLE made;')
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pgmigrate.load('001_kept.sql',
		concat_ws(E'\n', before, comment, after), format);
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN false;
WHEN OTHERS THEN
	IF SQLERRM NOT LIKE '%would run as part of the way up%' THEN
		RAISE;
	END IF;
	RETURN true;
END
$$;
SELECT h AS not_refused, format FROM unnest(ARRAY[
	E'-- down: drop it',
	E'-- Down: drop t3',
	E'-- DOWN (2024-01-01)',
	E'-- DOWN 2024-01-01 bob',
	E'-- DOWN - removes the table',
	E'-- >>> DOWN <<<',
	E'-- migrate:down transaction:false',
	E'--- !Downs',
	E'/* ---- down ---- */',
	E'/* DOWN: drop it */',
	E'/* down */ SELECT 1;',
	E'/*\n * Down\n * by bob\n */',
	E'-- Step 2: Rollback of the above',
	E'-- Section: rollback',
	E'-- name: down!',
	E'-- [down]',
	E'-- [down] remove kept',
	E'-- 001_kept.sql -- down',
	E'-- 2024-01-01 bob: ROLLBACK',
	E'-- ⬇️ Down',
	E'-- ▼ Rollback: drop the table',
	E'-- Down Migration (drops kept)',
	E'-- Down migration for kept',
	E'-- Rollback script for 001',
	E'-- Rollback of 001_kept.sql',
	E'-- ROLLBACK SCRIPT FOR RELEASE 7',
	E'-- 2. DOWN — drop the table',
	E'-- down drop kept',
	E'-- Downgrade from v2 to v1',
	E'-- Downgrade: v2 to v1',
	E'-- Undo everything above',
	E'-- How to roll back:',
	E'-- roll back the migration of bob',
	E'-- Revert (manual)',
	E'-- UNDO | author: bob',
	E'-- {{ down }} kept',
	E'-- <down> kept',
	E'-- migrateDown',
	E'-- ==== Backout plan: ====',
	E'--====[ Part B: Undo ]====',
	E'-- ROLLBACK users table',
	E'-- ROLLBACK MIGRATION (Reverter mudanças)',
	E'-- To rollback this migration, run:',
	E'-- tear down',
	E'-- Teardown: kept',
	E'-- revert #123',
	E'-- remove what was made',
	E'-- Откат',
	E'----------'
]) h, unnest(ARRAY['auto', 'plain']) format
WHERE NOT is_refused(h, format);
SELECT c AS refused, format FROM unnest(ARRAY[
	E'-- revert #123',
	E'-- Undo 12: as it was in 11',
	E'-- down: boolean',
	E'-- Rollback: back to what it was',
	E'-- tear down',
	E'-- scale down the column',
	E'-- drop the down payment table',
	E'-- roll back if this fails',
	E'-- Roll back to the old default',
	E'-- undo log',
	E'-- undo the mistake of 003',
	E'-- revert the default to 0',
	E'-- Revert from text to int',
	E'-- reverse the order of the names',
	E'-- reverse index for suffixes',
	E'-- Rollback segments are not used here',
	E'-- ROLLBACK is not allowed in here',
	E'-- Rollback: DROP TABLE kept;',
	E'-- Rollback: none',
	E'-- Down: not possible',
	E'-- rollback: see the wiki',
	E'-- Down with the old table',
	E'-- down payments',
	E'-- DOWN is a state',
	E'-- DOWN PAYMENT of an order',
	E'-- down_payment: what was paid at once',
	E'-- status: up/down',
	E'-- state: down',
	E'-- up or down',
	E'-- values: up | down',
	E'-- sort order: reverse',
	E'-- default: down',
	E'-- TODO: rollback',
	E'-- NOTE: undo',
	E'-- counts the rows (down)',
	E'-- slow down, writers first',
	E'-- the server may be down: wait',
	E'-- break down by month: one row each',
	E'-- we cannot roll back, so be careful',
	E'-- this is hard to undo: take a backup first',
	E'-- moves the counter backwards by one',
	E'-- index for top-down reads',
	E'-- drill-down tables',
	E'-- up: the service runs\n-- down: it does not',
	E'-- To undo this:\n--   DROP TABLE kept;'
]) c, unnest(ARRAY['auto', 'plain']) format,
	(VALUES ('CREATE TABLE made (n int);', 'INSERT INTO made VALUES (1);'),
		('ALTER TABLE kept ADD b int;', 'ALTER TABLE kept ADD c int;'),
		('CREATE TABLE made (n int);', 'CREATE INDEX i ON made (n);'),
		('UPDATE kept SET n = 2;', 'ALTER TABLE kept ALTER n SET DEFAULT 2;'))
	AS s (before, after)
WHERE is_refused(c, format, before, after);
-- what served those statements may be dropped after them
SELECT c AS refused, before FROM unnest(ARRAY['-- tear down', '-- clean up',
	'-- undo what was needed', '-- it has served its purpose']) c,
	(VALUES ('CREATE TABLE made (n int); UPDATE kept SET n = (SELECT max(n) FROM made);'),
		('CREATE TEMP TABLE made (n int);')) AS s (before)
WHERE is_refused(c, 'auto', before);
SELECT load_and_run('001_kept.sql', E'-- up: make it\nSELECT 1;\n-- down: drop it\nDROP TABLE kept;\n');
-- before all statements these tell of what the whole file does
SELECT load_and_run('001_kept.sql', E'-- Revert (of 000): made in haste\nSELECT 1;\n');
SELECT load_and_run('001_kept.sql', E'-- down: drop it\nDROP TABLE kept;\n-- up: make it\nSELECT 1;\n');
-- a column has its own comments
SELECT load_and_run('001_kept.sql', E'SELECT 1;\nSELECT\n\t-- down: it does not run\n\t2;\n');
DROP FUNCTION is_refused;

-- a way down that the server cannot read: the revision goes without
SELECT * FROM pgmigrate.load_files(
	ARRAY['2024-01-01-000001_a/up.sql', '2024-01-01-000001_a/down.sql',
		  '2024-01-02-000001_b/up.sql', '2024-01-02-000001_b/down.sql',
		  '2024-01-03-000001_c/up.sql', '2024-01-03-000001_c/down.sql'],
	ARRAY['CREATE TABLE a ();', E'-- first\nDROP TABLE a\nDROP TABLE a;\n',
		  'CREATE TABLE b ();', E'DROP TABLE b;\n',
		  'CREATE TABLE c ();', E'DROP TABLE ''c;\n']);
SELECT id, downgrade FROM pgmigrate.revision ORDER BY seq;
SELECT * FROM pgmigrate.load_files(
	ARRAY['2024-01-01-000001_a/up.sql', '2024-01-01-000001_a/down.sql'],
	ARRAY['CREATE TABLE a ();', E'-- first\nDROP TABLE a\nDROP TABLE a;\n']);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.load('2024-01-04-000001_d/up.sql', 'CREATE TABLE d ();');
SELECT pgmigrate.load('2024-01-04-000001_d/down.sql', E'DROP TABLE ''d;');
SELECT pgmigrate.load('2024-01-04-000001_d/down.sql', E'DROP TABLE d DROP;');

-- all errors of a folder come at once, whoever finds them
SELECT * FROM pgmigrate.load_files(
	ARRAY['0001_a.up.sql', '0002_b.up.sql', '0002_b.down.sql', '0003_c.up.sql',
		  '0004_d.up.sql'],
	ARRAY[E'CREATE TABLE e ();\nCREATE TABEL f ();\n', 'CREATE TABLE f ();',
		  E'COPY f TO stdout;\n', E'CREATE TABLE g ();\n\n\nDROP DROP;',
		  'CREATE TABLE h ();']);
SELECT * FROM pgmigrate.load_files(
	ARRAY['0001_a.up.sql', '0002_b.up.sql', '0003_c.up.sql'],
	ARRAY[E'CREATE TABEL f ();\n', E'SELECT 1;\n\\i other.sql\n', 'SELECT 1']);
SELECT count(*) FROM pgmigrate.revision WHERE id LIKE '000%';

-- our own files are not so old: their way down must be SQL
SELECT pgmigrate.load('e.sql', E'-- pgmigrate: revision\n-- id: e\n\n-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP DROP;\n');

DROP FUNCTION load_and_run;
DROP TABLE a, b, c;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
