-- What became of SQL that was read: changes(), and show() since the approval.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE ROLE regress_pgm_ann;
CREATE ROLE regress_pgm_olga;
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_pgm_ann', 'author');
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_pgm_olga', 'operator');
\pset format unaligned
\pset tuples_only on

-- nothing has changed
SET ROLE regress_pgm_ann;
SELECT pgmigrate.revision('r', E'SELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\nSELECT 5;\nSELECT 6;\nSELECT 7;\nSELECT 8;\nSELECT 9;\nSELECT 10;', 'SELECT 11', id => 'r');
SELECT digest AS first FROM pgmigrate.show('r') \gset
SELECT pgmigrate.changes('r');
SELECT pgmigrate.changes('r', :'first');

-- not approved: since it was stored
SELECT pgmigrate.amend('r', upgrade => E'SELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\nSELECT 5;\nSELECT 6;\nSELECT 7;\nSELECT 8;\nSELECT 9;\nSELECT 10;\n');
SELECT pgmigrate.changes('r');
SELECT pgmigrate.amend('r', upgrade => E'SELECT 0;\nSELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\nSELECT 5;\nSELECT 6;\nSELECT 7;\nSELECT 9;\nSELECT 10;\n');
SELECT pgmigrate.changes('r');
SELECT changes IS NULL FROM pgmigrate.show('r');

-- since it was approved, each text that differs
SELECT digest AS second FROM pgmigrate.show('r') \gset
SET ROLE regress_pgm_olga;
SELECT pgmigrate.approve('r', :'second');
SELECT pgmigrate.changes('r');
SELECT changes IS NULL FROM pgmigrate.show('r');
SET ROLE regress_pgm_ann;
SELECT pgmigrate.amend('r', message => 'another');
SELECT pgmigrate.changes('r');
SELECT pgmigrate.amend('r', upgrade => E'SELECT 0;\nSELECT 1;\nSELECT 2;\nSELECT 3;\n\tSELECT 4 /* \x1b[2J */;\nSELECT 5;\nSELECT 6;\nSELECT 7;\nSELECT 9;\nSELECT 10;\n', verify => 'SELECT true', transactional => true);
SELECT pgmigrate.changes('r');
SELECT changes FROM pgmigrate.show('r');
SELECT approved_by IS NULL FROM pgmigrate.show('r');

-- since any digest that it had
SELECT count(*) FROM pgmigrate.changes('r', :'first');
SELECT pgmigrate.changes('r', left(:'first', 12));
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.changes('r', '');
SELECT pgmigrate.changes(NULL);
SELECT pgmigrate.changes('nothing');
\echo :LAST_ERROR_SQLSTATE

-- stored again under the same identifier: what was approved is told still
SELECT pgmigrate.remove('r');
SELECT pgmigrate.revision('r', 'SELECT 12', id => 'r');
SELECT line FROM pgmigrate.changes('r') AS line WHERE line !~ '^[ -]SELECT [0-9]+;$';
-- and of one that nobody approved, only what it was itself
SELECT pgmigrate.revision('s', 'SELECT 1', id => 's');
SELECT pgmigrate.remove('s');
SELECT pgmigrate.revision('s', 'SELECT 2', id => 's');
SELECT pgmigrate.changes('s');

-- more differences than are worth an alignment, and too long a text
SELECT pgmigrate.revision('l', (SELECT string_agg(format('SELECT %s;', g), E'\n') FROM generate_series(1, 3000) g), id => 'l');
SELECT pgmigrate.amend('l', upgrade => (SELECT string_agg(format('SELECT %s;', g), E'\n') FROM generate_series(3001, 6000) g));
SELECT count(*), count(*) FILTER (WHERE line LIKE '-S%'), count(*) FILTER (WHERE line LIKE '+S%') FROM pgmigrate.changes('l') AS line;
SELECT pgmigrate.amend('l', upgrade => 'SELECT 1; /* ' || repeat('x', 9000000) || ' */');
SELECT pgmigrate.changes('l');

RESET ROLE;
DELETE FROM pgmigrate.revision_change;
DELETE FROM pgmigrate.revision;
DROP OWNED BY regress_pgm_ann, regress_pgm_olga;
DROP ROLE regress_pgm_ann, regress_pgm_olga;
