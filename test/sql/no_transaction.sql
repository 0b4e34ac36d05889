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
CREATE PROCEDURE ends(n int) LANGUAGE plpgsql AS 'BEGIN CALL commits(n); END';
SELECT pgmigrate.revision('words', $$
DO 'BEGIN INSERT INTO marked VALUES (7); ROLLBACK; INSERT INTO marked VALUES (8); END';
DO 'BEGIN CALL ends(9); END'$$, transactional => false, id => 'words');
SELECT step, revision, state FROM pgmigrate.upgrade();
SELECT id FROM marked;
SELECT step, revision FROM pgmigrate.stamp('without');
SELECT pgmigrate.remove('words');
-- a call may have its own way to wait for locks, another statement has ours
CREATE TABLE told (who text, lock_timeout text);
CREATE PROCEDURE tells(who text) LANGUAGE sql AS $$INSERT INTO told VALUES (who, current_setting('lock_timeout'))$$;
SELECT pgmigrate.revision('waits', $$-- pgmigrate: no-transaction
CALL tells('call');
-- pgmigrate: no-transaction
DO 'BEGIN CALL tells(''block''); END'$$, id => 'waits');
SELECT step, revision, state FROM pgmigrate.upgrade();
TABLE told;
SELECT step, revision FROM pgmigrate.stamp('without');
SELECT pgmigrate.remove('waits');
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
-- without the mark it runs in a block, where it has one
SELECT pgmigrate.amend('guarded', upgrade => 'CALL commits(3)', transactional => false);
GRANT CREATE ON SCHEMA public TO marked_role;
SET ROLE marked_role;
SELECT step, revision, state FROM pgmigrate.upgrade();
RESET ROLE;
SELECT pgmigrate.amend('guarded', upgrade => 'CREATE TABLE mine (a int); CREATE INDEX CONCURRENTLY mine_a ON mine (a)');
SET ROLE marked_role;
SELECT step, revision, state FROM pgmigrate.upgrade();
RESET ROLE;
SELECT step, revision FROM pgmigrate.stamp('without');
GRANT CONNECT ON DATABASE :"database" TO PUBLIC;
SELECT * FROM marked;
SELECT pgmigrate.remove('guarded');
SELECT step, state FROM pgmigrate.stamp('base', purge => true);
SELECT pgmigrate.remove('without');
DROP OWNED BY marked_role;
DROP ROLE marked_role;
DROP PROCEDURE ends, commits, tells;
DROP TABLE marked, told;
