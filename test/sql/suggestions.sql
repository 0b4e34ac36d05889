-- Errors of revisions say what may have been meant, and what the way out is.
\set VERBOSITY default
SET client_min_messages = error;
CREATE SCHEMA sug;
CREATE TABLE sug.customers (id int PRIMARY KEY, email text);
CREATE TABLE sug."Odd name" (a int);
CREATE PROCEDURE sug.run(id text, sql text) LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	context text;
BEGIN
	PERFORM pgmigrate.revision(id, id => id, upgrade => sql, down_revision => '{}');
	BEGIN
		PERFORM pgmigrate.upgrade(id);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
		RAISE WARNING USING MESSAGE = format('%s | %s | %s', SQLERRM, hint, (regexp_match(context, 'statement \d+ of \d+, line \d+'))[1]);
	END;
END
$$;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET pgmigrate.execution = inline;
CALL sug.run('sug1', 'SELECT 1; ALTER TABLE sug.customer ADD x int');
CALL sug.run('sug2', 'DROP TABLE sug."Odd nam"');
CALL sug.run('sug3', E'ALTER TABLE sug.customers\n\tADD y int,\n\tDROP emial');
CALL sug.run('sug4', 'UPDATE sug.customers SET emil = ''x''');
CALL sug.run('sug5', 'ALTER TABLE sug.customers RENAME emal TO mail');
CALL sug.run('sug6', 'INSERT INTO sug.custmers VALUES (1)');
CALL sug.run('sug7', 'CREATE INDEX ON customer (id)');
-- nothing is near
CALL sug.run('sug8', 'DROP TABLE sug.quite_another');
CALL sug.run('sug9', 'TRUNCATE nowhere.customers');
-- the line is that of the error, also in a long text
CALL sug.run('sug10', repeat(E'-- ' || repeat('x', 60) || E'\n', 80) || E'SELECT id,\n\t1,\n\tnothing FROM sug.customers');
-- code that ends the transaction, or wants none
CALL sug.run('sug11', 'DO $x$ BEGIN COMMIT; END $x$');
CALL sug.run('sug12', 'DO $x$ BEGIN CREATE INDEX CONCURRENTLY ON sug.customers (email); END $x$');
CREATE FUNCTION sug.alone() RETURNS int LANGUAGE plpgsql AS $x$ BEGIN RAISE 'alone() cannot run inside a transaction block' USING ERRCODE = '25001'; END $x$;
CALL sug.run('sug15', 'SELECT sug.alone()');
-- a temporary table is in the session of its maker
SET pgmigrate.execution = worker;
CREATE TEMP TABLE sug_mine (a int);
SELECT pgmigrate.revision('t', id => 'sug13', upgrade => 'INSERT INTO sug_mine VALUES (1)', down_revision => '{}');
SELECT pgmigrate.upgrade('sug13');
-- a name that a statement makes, or may leave out, is no mistake
SET pgmigrate.execution = inline;
CALL sug.run('sug14', 'DROP TABLE IF EXISTS sug.custmers; WITH customer AS (SELECT 1) SELECT * FROM customer; ALTER TABLE sug.customers ADD emial int, ALTER emial SET NOT NULL; SELECT 1 / 0');
SELECT count(pgmigrate.remove('sug' || n)) FROM generate_series(1, 15) n;
DROP SCHEMA sug CASCADE;
RESET pgmigrate.execution;
RESET client_min_messages;
