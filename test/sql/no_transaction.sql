-- The mark for what refuses a transaction block.
SET client_min_messages = warning;
CREATE TABLE marked (id int);
CREATE PROCEDURE commits(n int) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO marked VALUES (n);
	COMMIT;
	INSERT INTO marked VALUES (n + 1);
END $$;
SELECT pgmigrate.revision('without', 'CALL commits(1)', id => 'without');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('without', upgrade => '-- pgmigrate: no-transaction, says nobody
CALL commits(1); -- pgmigrate: no-transaction
');
SELECT * FROM pgmigrate.upgrade();
SELECT * FROM marked;
SELECT pgmigrate.amend('without', upgrade => 'ALTER TABLE marked ADD a int;
/* it commits: */ -- pgmigrate: no-transaction
CALL commits(1);
ALTER TABLE marked ADD b int');
SELECT pgmigrate.amend('without', transactional => true);
BEGIN;
SELECT * FROM pgmigrate.upgrade();
ROLLBACK;
SELECT rule, statement FROM pgmigrate.lint((SELECT upgrade FROM pgmigrate.revision WHERE id = 'without')) WHERE rule = 'mixed-tx-modes';
SELECT line FROM pgmigrate.script('head') AS line WHERE line ~ 'ALTER|CALL|^BEGIN|^COMMIT';
SELECT step, revision, state FROM pgmigrate.upgrade();
SELECT * FROM marked;
-- a block that ends transactions, in any of the words for it
SELECT pgmigrate.revision('words', $$
DO 'BEGIN INSERT INTO marked VALUES (7); ROLLBACK; INSERT INTO marked VALUES (8); END';
DO 'BEGIN CALL commits(9); END'$$, transactional => false, id => 'words');
SELECT step, revision, state FROM pgmigrate.upgrade();
SELECT id FROM marked;
SELECT step, revision FROM pgmigrate.stamp('without');
SELECT pgmigrate.remove('words');
-- as another role there would be no guard
CREATE ROLE marked_role;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('marked_role', 'operator');
GRANT ALL ON marked TO marked_role;
SELECT current_database() AS database \gset
REVOKE CONNECT ON DATABASE :"database" FROM PUBLIC;
SELECT pgmigrate.revision('guarded', '-- pgmigrate: no-transaction
CALL commits(3)', id => 'guarded');
SET ROLE marked_role;
SELECT step, revision, state FROM pgmigrate.upgrade();
RESET ROLE;
GRANT CONNECT ON DATABASE :"database" TO PUBLIC;
SELECT * FROM marked;
SELECT pgmigrate.remove('guarded');
SELECT step, state FROM pgmigrate.stamp('base', purge => true);
SELECT pgmigrate.remove('without');
DROP OWNED BY marked_role;
DROP ROLE marked_role;
DROP PROCEDURE commits;
DROP TABLE marked;
