-- What an approval binds, whose SQL it is, and what is kept of changes.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE ROLE regress_pgm_ann;
CREATE ROLE regress_pgm_bob;
CREATE ROLE regress_pgm_mallory;
CREATE ROLE regress_pgm_olga;
SELECT count(*) > 10 AS many FROM unnest('{ann,bob,mallory}'::text[]) AS n, pgmigrate.grant_access('regress_pgm_' || n, 'author');
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_pgm_olga', 'operator');

-- a whole identifier, not what finds one
SET ROLE regress_pgm_ann;
SELECT pgmigrate.revision('honest', 'SELECT 1', id => '3f2a9c11d0aa', branch_labels => '{line}');
SET ROLE regress_pgm_olga;
SELECT id FROM unnest('{3f2,3f2a9c11d0a,line,line@head,head,heads,+1,base,base+1,3f2a9c11d0aa@head,"3f2a9c11d0aa ",""}'::text[]) AS id,
	LATERAL pgmigrate.show('3f2') s WHERE id = s.revision;
SELECT pgmigrate.approve('3f2');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.approve('line');
SELECT pgmigrate.approve('head');
SELECT pgmigrate.approve('+1');
SELECT pgmigrate.approve('line@head');
SELECT pgmigrate.approve('');
SELECT pgmigrate.approve(NULL);
-- and not one that what was read has become
SET ROLE regress_pgm_mallory;
SELECT pgmigrate.revision('honest', 'ALTER ROLE regress_pgm_mallory CREATEROLE', id => '3f2', down_revision => '{3f2a9c11d0aa}');
SET ROLE regress_pgm_olga;
SELECT pgmigrate.approve('3f2');
\echo :LAST_ERROR_SQLSTATE
SELECT id, approved_by FROM pgmigrate.revision ORDER BY seq;

-- with the digest it is what was read
SELECT digest FROM pgmigrate.show('3f2a9c11d0aa') \gset
SET ROLE regress_pgm_mallory;
SELECT pgmigrate.amend('3f2a9c11d0aa', upgrade => 'ALTER ROLE regress_pgm_mallory CREATEDB');
SET ROLE regress_pgm_olga;
SELECT pgmigrate.approve('3f2a9c11d0aa', :'digest');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.approve('3f2a9c11d0aa', '');
SELECT pgmigrate.approve('3f2a9c11d0aa', left(:'digest', 12));
SELECT digest FROM pgmigrate.show('3f2a9c11d0aa') \gset
SELECT pgmigrate.approve('3f2', :'digest');
SELECT pgmigrate.approve('3f2a9c11d0aa', :'digest');
SELECT approved_by, approved_at IS NOT NULL AS approved, amended_by, amended_at IS NOT NULL AS amended FROM pgmigrate.show('3f2a9c11d0aa');
-- without, it is shown
SELECT pgmigrate.approve('3f2a9c11d0aa');
-- a message is no SQL: the approval stays, and so does the author
SET ROLE regress_pgm_bob;
SELECT pgmigrate.amend('3f2a9c11d0aa', message => 'very honest');
SELECT message, author, approved_by, amended_by FROM pgmigrate.show('3f2a9c11d0aa');

-- authorship goes with the text that changed
RESET ROLE;
SELECT pgmigrate.remove('3f2');
SELECT pgmigrate.remove('3f2a9c11d0aa');
SET ROLE regress_pgm_mallory;
SELECT pgmigrate.revision('m', 'ALTER ROLE regress_pgm_mallory CREATEROLE', id => 'm');
RESET ROLE;
SELECT pgmigrate.amend('m', message => 'spelling');
SELECT author FROM pgmigrate.show('m');
SELECT pgmigrate.amend('m', upgrade => 'ALTER ROLE regress_pgm_mallory CREATEROLE');
SELECT author FROM pgmigrate.show('m');
-- who adds a part vouches for that part alone
SELECT pgmigrate.amend('m', downgrade => 'SELECT 1', verify => 'SELECT true');
SELECT author = session_user || ', regress_pgm_mallory' AS both FROM pgmigrate.show('m');
\set VERBOSITY sqlstate
SELECT pgmigrate.upgrade();
SELECT pgmigrate.amend('m', transactional => true);
SELECT pgmigrate.upgrade();
BEGIN;
SELECT pgmigrate.upgrade();
ROLLBACK;
SELECT pgmigrate.script_begin('upgrade', 'm', '{}', '{m}', ARRAY(SELECT digest FROM pgmigrate.revision WHERE id = 'm'));
\set VERBOSITY default
SELECT rolcreaterole FROM pg_roles WHERE rolname = 'regress_pgm_mallory';
-- three have written it
SET ROLE regress_pgm_ann;
SELECT pgmigrate.amend('m', verify => 'SELECT 1 = 1');
SELECT replace(author, session_user, 'superuser') FROM pgmigrate.show('m');
-- nothing of another is left
SET ROLE regress_pgm_bob;
SELECT pgmigrate.amend('m', upgrade => 'SELECT 2', downgrade => 'SELECT 2', verify => 'SELECT 2 = 2');
SELECT author FROM pgmigrate.show('m');
RESET ROLE;
SELECT pgmigrate.amend('m', upgrade => 'SELECT 3', downgrade => 'SELECT 3', verify => 'SELECT 3 = 3', transactional => false);
SELECT author = session_user AS mine, coauthors FROM pgmigrate.revision WHERE id = 'm';
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('base');

-- what it was, and who changed it
SELECT pgmigrate.remove('m');
SELECT revision, change, replace(changed_by, session_user, 'superuser') AS by, replace(author, session_user, 'superuser') AS author, cardinality(coauthors) AS coauthors,
	message, upgrade, downgrade, verify, transactional, down_revision FROM pgmigrate.revision_change ORDER BY id;
SELECT count(*) FROM pgmigrate.revision_change c WHERE change = 'approve' AND upgrade IS NULL
	AND digest = pgmigrate.revision_digest('ALTER ROLE regress_pgm_mallory CREATEDB', NULL, NULL, NULL);
SELECT count(*) FROM pgmigrate.revision_change WHERE change <> 'approve' AND digest <> pgmigrate.revision_digest(upgrade, downgrade, verify, transactional);
SET ROLE regress_pgm_bob;
DELETE FROM pgmigrate.revision_change;
RESET ROLE;

-- a role is not its name
CREATE ROLE regress_pgm_sam;
SELECT count(*) > 10 AS many FROM pgmigrate.grant_access('regress_pgm_sam', 'author');
SET ROLE regress_pgm_sam;
SELECT pgmigrate.revision('s', 'CREATE ROLE regress_pgm_backdoor SUPERUSER', id => 'sams');
RESET ROLE;
DROP OWNED BY regress_pgm_sam;
DROP ROLE regress_pgm_sam;
CREATE ROLE regress_pgm_sam SUPERUSER;
\set VERBOSITY sqlstate
SELECT pgmigrate.upgrade();
BEGIN;
SELECT pgmigrate.upgrade();
ROLLBACK;
-- an approver neither
SELECT pgmigrate.revision('t', 'SELECT 1', 'SELECT 0', id => 'olgas', down_revision => '{}');
SET ROLE regress_pgm_ann;
SELECT pgmigrate.amend('olgas', upgrade => 'SELECT 2', downgrade => 'SELECT 3');
SET ROLE regress_pgm_olga;
SELECT pgmigrate.approve('olgas', digest) FROM pgmigrate.revision WHERE id = 'olgas';
RESET ROLE;
ALTER ROLE regress_pgm_olga RENAME TO regress_pgm_helga;
ALTER ROLE regress_pgm_sam RENAME TO regress_pgm_olga;
SELECT pgmigrate.upgrade('olgas');
-- and one that got another name is the one it was
SET ROLE regress_pgm_helga;
SELECT revision, state FROM pgmigrate.upgrade('olgas');
SELECT revision, state FROM pgmigrate.downgrade('base');
RESET ROLE;
-- in another cluster the names are what is left
UPDATE pgmigrate.revision SET roles_of = 1;
SET ROLE regress_pgm_helga;
SELECT revision, state FROM pgmigrate.upgrade('olgas');
RESET ROLE;
UPDATE pgmigrate.revision SET author = 'regress_pgm_nobody' WHERE id = 'sams';
SELECT pgmigrate.upgrade('sams');
UPDATE pgmigrate.revision SET author = 'regress_pgm_mallory', coauthors = ARRAY['regress_pgm_nobody', session_user], coauthor_oids = '{10,10}' WHERE id = 'sams';
SELECT pgmigrate.upgrade('sams');
SELECT revision, state FROM pgmigrate.upgrade('olgas');
SELECT revision, state FROM pgmigrate.downgrade('base');
-- until somebody approves or amends it here
SELECT pgmigrate.approve('sams', digest) FROM pgmigrate.revision WHERE id = 'sams';
SELECT author_oid = 'regress_pgm_mallory'::regrole AS author, coauthor_oids[1] AS nobody, coauthor_oids[2] = session_user::regrole AS me,
	approved_by_oid = session_user::regrole AS approver, roles_of = pgmigrate.system_identifier() AS here
FROM pgmigrate.revision WHERE id = 'sams';
SELECT pgmigrate.remove('sams');
SELECT pgmigrate.remove('olgas');

SELECT rolname FROM pg_roles WHERE rolname = 'regress_pgm_backdoor';

-- a script runs in the session, where RESET ROLE leads back to who has logged in
GRANT CREATE ON SCHEMA public TO regress_pgm_helga;
SET ROLE regress_pgm_helga;
SELECT pgmigrate.revision('r', 'RESET ROLE; ALTER ROLE regress_pgm_helga SUPERUSER', id => 'r');
SELECT pgmigrate.script_begin('upgrade', 'r', '{}', '{r}', ARRAY(SELECT digest FROM pgmigrate.revision));
RESET ROLE;
SET SESSION AUTHORIZATION regress_pgm_helga;
SELECT pgmigrate.script_begin('upgrade', 'r', '{}', '{r}', ARRAY(SELECT digest FROM pgmigrate.revision));
RESET SESSION AUTHORIZATION;
\set VERBOSITY default
SELECT pgmigrate.approve('r', digest) FROM pgmigrate.revision;
SET ROLE regress_pgm_helga;
SELECT pgmigrate.script_begin('upgrade', 'r', '{}', '{r}', ARRAY(SELECT digest FROM pgmigrate.revision)) > 0 AS begun;
SELECT pgmigrate.script_step('r');
SELECT pgmigrate.script_end();
RESET ROLE;
DROP OWNED BY regress_pgm_ann, regress_pgm_bob, regress_pgm_mallory, regress_pgm_helga;
DROP ROLE regress_pgm_ann, regress_pgm_bob, regress_pgm_mallory, regress_pgm_helga, regress_pgm_olga;
