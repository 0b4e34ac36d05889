-- Storing, changing and removing revisions.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
SET search_path = pg_catalog, public;

-- the default id is a digest over content and place, the same at every load
SELECT pgmigrate.revision('create a', 'CREATE TABLE a (i int)', 'DROP TABLE a') AS id \gset
SELECT :'id' ~ '^[0-9a-f]{12}$' AS is_digest;
SELECT pgmigrate.revision('create b', 'CREATE TABLE b (i int)', 'DROP TABLE b');
CREATE TEMP TABLE first_load AS
	SELECT id, message, down_revision, digest FROM pgmigrate.revision;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('create a', 'CREATE TABLE a (i int)', 'DROP TABLE a') = :'id' AS same;
SELECT pgmigrate.revision('create b', 'CREATE TABLE b (i int)', 'DROP TABLE b') <> :'id' AS other;
SELECT count(*) FROM first_load NATURAL JOIN pgmigrate.revision;
-- the same SQL at another place is another revision
SELECT pgmigrate.revision('create b', 'CREATE TABLE b (i int)', 'DROP TABLE b') AS again \gset
SELECT count(DISTINCT id), count(DISTINCT digest) FROM pgmigrate.revision;
-- and at the same place it is a duplicate
\set VERBOSITY terse
DO $$
BEGIN
	PERFORM pgmigrate.revision('create a', 'CREATE TABLE a (i int)', 'DROP TABLE a', down_revision => '{}');
EXCEPTION WHEN duplicate_object THEN
	RAISE NOTICE '%', regexp_replace(sqlerrm, '[0-9a-f]{12}', 'ID');
END $$;
\set VERBOSITY default
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

-- explicit ids
SELECT pgmigrate.revision('numbered', 'SELECT 1', id => '0007');
SELECT pgmigrate.revision('accents', 'SELECT 1', id => 'größe_変更');
SELECT pgmigrate.revision('quotes', 'SELECT 1', id => 'it''s"quoted"\n');
SELECT pgmigrate.revision('as long as can be', 'SELECT 1', id => repeat('x', 63));
SELECT id, down_revision FROM pgmigrate.revision ORDER BY seq;
-- an id is found by a prefix, and by itself where it is a prefix of others
SELECT pgmigrate.revision('short', 'SELECT 1', id => 'x');
SELECT revision FROM pgmigrate.show('x');
SELECT revision FROM pgmigrate.show('grö');
SELECT revision FROM pgmigrate.show('it''s');

-- refused ids
SELECT pgmigrate.revision('m', 'SELECT 1', id => '0007');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', id => repeat('x', 64));
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', id => repeat('ö', 32));
SELECT pgmigrate.revision('m', 'SELECT 1', id => '');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a-b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a@b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a+b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a:b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'a,b');
SELECT pgmigrate.revision('m', 'SELECT 1', id => E'a\tb');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'head');
SELECT pgmigrate.revision('m', 'SELECT 1', id => 'base');

-- nulls and emptiness
SELECT pgmigrate.revision(NULL, 'SELECT 1');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', NULL);
SELECT pgmigrate.revision(' ', 'SELECT 1');
SELECT pgmigrate.revision('m', E' \n\t');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', down_revision => '{NULL}');
SELECT pgmigrate.revision('m', 'SELECT 1', branch_labels => '{{a,b},{c,d}}', id => 'two_dimensions');
SELECT pgmigrate.remove('two_dimensions');
SELECT pgmigrate.revision('nothing on purpose', '-- nothing', '/* nothing */', id => 'comment_only');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => '-- no query');

-- errors of syntax point into the text
SELECT pgmigrate.revision('syntax', E'CREATE TABLE größe (\n\tbreite int,\n\tlänge intt öre,\n);\nSELECT 1;\n', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('syntax', 'SELECT 1', E'-- zurück\nDROP TABEL größe;', id => 'bad');
SELECT pgmigrate.revision('syntax', 'SELECT 1', verify => 'SELECT count(* = 0', id => 'bad');
SELECT pgmigrate.revision('syntax', 'SELECT ''unterminated', id => 'bad');
SELECT pgmigrate.revision('syntax', 'CREATE FUNCTION f() RETURNS int AS $$ SELECT 1', id => 'bad');
SELECT pgmigrate.revision('a meta-command of psql', E'SELECT 1;\n\\d a\n', id => 'bad');
SELECT pgmigrate.revision('a meta-command of psql', E'\\set ON_ERROR_STOP on\nSELECT 1;', id => 'bad');
-- of a long text the error shows what is around it
CREATE FUNCTION context_of(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN split_part(context, E'\n', 1);
END
$$;
SELECT repeat(E'SELECT ''é''; -- a line\n', 20000) || E'SELECT 1;\nSELEC 2;\n' || repeat(E'SELECT ''ü''; -- another line\n', 9000) AS long,
	'SELECT ' || repeat('é ', 20000) || repeat(', 1', 5000) AS wide \gset
\set VERBOSITY terse
SELECT pgmigrate.revision('syntax', :'long', id => 'bad');
SELECT pgmigrate.revision('syntax', :'wide', id => 'bad');
\set VERBOSITY default
SELECT context_of(format('SELECT pgmigrate.revision(''syntax'', %L, id => ''bad'')', :'long'));
SELECT context_of(format('SELECT pgmigrate.revision(''syntax'', %L)', :'long'));
SELECT context_of('SELECT pgmigrate.revision(''m'', ''SELECT 1; BEGIN'')');

-- statements that no run could carry out
SELECT pgmigrate.revision('m', E'SELECT 1;\nBEGIN;\nSELECT 2;\nCOMMIT', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SAVEPOINT s', id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', 'ROLLBACK', id => 'bad');
SELECT pgmigrate.revision('m', 'PREPARE TRANSACTION ''x''', id => 'bad');
SELECT pgmigrate.revision('m', E'-- données\nCOPY a FROM STDIN', id => 'bad');
SELECT pgmigrate.revision('m', 'COPY a TO STDOUT', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SET SESSION AUTHORIZATION DEFAULT', id => 'bad');
SELECT pgmigrate.revision('m', 'SET session_authorization TO postgres', id => 'bad');
SELECT pgmigrate.revision('m', 'RESET SESSION AUTHORIZATION', id => 'bad');
SELECT pgmigrate.revision('m', 'CREATE INDEX CONCURRENTLY i ON a (i)', transactional => true, id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', 'DROP INDEX CONCURRENTLY i', transactional => true, id => 'bad');
-- but these are fine
SELECT pgmigrate.revision('m', 'COPY a FROM ''/nonexistent''; SET ROLE NONE', id => 'fine');

-- verify takes queries only
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'DELETE FROM a RETURNING true', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'SELECT true INTO b', id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'CREATE TABLE b AS SELECT true', id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'EXPLAIN SELECT true', id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'WITH d AS (DELETE FROM a RETURNING i) SELECT count(*) = 0 FROM d', id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'VALUES (true); TABLE a; SELECT true', id => 'fine2');

-- limits
SET pgmigrate.max_revision_size = '1kB';
SELECT pgmigrate.revision('m', '-- ' || repeat('x', 1021), id => 'fits');
SELECT pgmigrate.revision('m', '-- ' || repeat('x', 1022), id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('m', 'SELECT 1', '-- ' || repeat('x', 1022), id => 'bad');
SELECT pgmigrate.revision('m', 'SELECT 1', verify => 'SELECT ' || repeat('x', 1022), id => 'bad');
RESET pgmigrate.max_revision_size;
SET pgmigrate.max_statements = 3;
SELECT pgmigrate.revision('m', 'SELECT 1; SELECT 2; SELECT 3;;;', id => 'three');
SELECT pgmigrate.revision('m', 'SELECT 1; SELECT 2; SELECT 3; SELECT 4', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
RESET pgmigrate.max_statements;
SELECT pgmigrate.revision('m', repeat('x', 16 * 1024 * 1024 + 1), id => 'bad');

-- nothing of what was refused is stored
SELECT count(*) FROM pgmigrate.revision WHERE id = 'bad';

-- parents, labels and dependencies
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('first', 'SELECT 1', id => 'a');
SELECT pgmigrate.revision('second', 'SELECT 1', id => 'b', down_revision => '{a}');
SELECT pgmigrate.revision('missing parent', 'SELECT 1', id => 'bad', down_revision => '{nowhere}');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('missing dependency', 'SELECT 1', id => 'bad', depends_on => '{nowhere}');
SELECT pgmigrate.revision('parent of itself', 'SELECT 1', id => 'bad', down_revision => '{bad}');
SELECT pgmigrate.revision('the same twice', 'SELECT 1', id => 'bad', down_revision => '{b,b}');
SELECT pgmigrate.revision('not a head', 'SELECT 1', id => 'bad', down_revision => '{a}');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('a fork', 'SELECT 1', id => 'c', down_revision => '{a}', splice => true, branch_labels => '{left}');
SELECT pgmigrate.revision('which head', 'SELECT 1', id => 'bad');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('by target', 'SELECT 1', id => 'd', down_revision => '{left@head}');
SELECT pgmigrate.revision('new base', 'SELECT 1', id => 'z', down_revision => '{}', depends_on => '{left}', branch_labels => '{other,tree}');
SELECT pgmigrate.revision('which head', 'SELECT 1', id => 'bad');
SELECT pgmigrate.revision('label taken', 'SELECT 1', id => 'bad', down_revision => '{z}', branch_labels => '{left}');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.revision('label is an id', 'SELECT 1', id => 'bad', down_revision => '{z}', branch_labels => '{a}');
SELECT pgmigrate.revision('label is its id', 'SELECT 1', id => 'bad', down_revision => '{z}', branch_labels => '{bad}');
SELECT pgmigrate.revision('label twice', 'SELECT 1', id => 'bad', down_revision => '{z}', branch_labels => '{bad1,bad1}');
SELECT pgmigrate.revision('id is a label', 'SELECT 1', id => 'left', down_revision => '{z}');
SELECT pgmigrate.revision('bad label', 'SELECT 1', id => 'bad', down_revision => '{z}', branch_labels => '{a-b}');
SELECT id, down_revision, depends_on, branch_labels, is_head FROM pgmigrate.revision ORDER BY seq;

-- merge
SELECT pgmigrate.merge('{b}');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.merge('{b,b}');
SELECT pgmigrate.merge('{b,nowhere}');
SELECT pgmigrate.merge('{b,d}', id => 'm');
SELECT pgmigrate.merge(message => 'join all', id => 'n', branch_labels => '{joined}');
SELECT pgmigrate.merge();
SELECT id, message, upgrade, downgrade, down_revision, is_head FROM pgmigrate.revision WHERE id IN ('m', 'n') ORDER BY seq;
SELECT pgmigrate.revision('goes on', 'SELECT 1', id => 'o');

-- amend
SELECT pgmigrate.amend('o', message => 'goes on better', upgrade => 'SELECT 2', verify => 'SELECT true', transactional => false);
SELECT message, upgrade, downgrade, verify, transactional, amended_at IS NOT NULL AS amended
FROM pgmigrate.revision WHERE id = 'o';
SELECT pgmigrate.amend('o', downgrade => 'SELECT 3');
SELECT message, upgrade, downgrade, verify, transactional,
	digest = pgmigrate.revision_digest(upgrade, downgrade, verify, transactional) AS digest
FROM pgmigrate.revision WHERE id = 'o';
SELECT pgmigrate.amend('o', upgrade => 'SELEC 2');
SELECT pgmigrate.amend('o', upgrade => '');
SELECT pgmigrate.amend('o', message => '');
SELECT pgmigrate.amend('nowhere', message => 'm');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.amend(NULL, message => 'm');
SELECT pgmigrate.amend('tree', message => 'found by its label');

-- remove
SELECT pgmigrate.remove('left');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.remove('n');
SELECT pgmigrate.remove('o');
SELECT pgmigrate.remove('n');
SELECT pgmigrate.remove('m');
SELECT pgmigrate.remove('d');
SELECT pgmigrate.remove('c');
SELECT pgmigrate.remove('z');
SELECT pgmigrate.remove('c');
SELECT pgmigrate.remove('c');
SELECT id, is_head FROM pgmigrate.revision ORDER BY seq;
-- the only head is found again after all that
SELECT pgmigrate.revision('third', 'SELECT 1', id => 'c');
SELECT id, down_revision, is_head, only_head FROM pgmigrate.revision ORDER BY seq;

-- what is applied can neither be amended nor removed
SELECT revision, state FROM pgmigrate.upgrade('b');
SELECT pgmigrate.amend('b', message => 'm');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.amend('a', message => 'm');
SELECT pgmigrate.remove('b');
SELECT pgmigrate.remove('c');
SELECT pgmigrate.remove('b');

-- show
\x
SELECT revision, message, state, down_revision, depends_on, branch_labels, transactional, upgrade, downgrade, verify
FROM pgmigrate.show('head');
\x
SELECT revision FROM pgmigrate.show('base');
SELECT revision FROM pgmigrate.show('nowhere');
SELECT revision FROM pgmigrate.show(NULL);
-- a standby or a read-only transaction
BEGIN READ ONLY;
SELECT revision, state FROM pgmigrate.show('b');
SELECT pgmigrate.revision('m', 'SELECT 1');
ROLLBACK;
-- what the transaction stored before does not outlive the extension
BEGIN;
SELECT pgmigrate.revision('of the old store', 'SELECT 1', id => 'old');
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('of the new store', 'SELECT 1', id => 'new');
SAVEPOINT s;
SELECT pgmigrate.revision('taken back', 'SELECT 1', id => 'back');
ROLLBACK TO s;
SELECT pgmigrate.revision('the next', 'SELECT 1', id => 'next');
INSERT INTO pgmigrate.revision (id, message, upgrade) VALUES ('by_hand', 'm', 'SELECT 1');
SELECT pgmigrate.revision('which', 'SELECT 1', id => 'which');
ROLLBACK TO s;
SELECT id, down_revision FROM pgmigrate.revision ORDER BY seq;
COMMIT;
