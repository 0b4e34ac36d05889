-- Items of the checklist that are counted and measured: approvals by n of m
-- roles, never by the author; the last time that the metrics were read.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET datestyle = 'ISO';
CREATE ROLE regress_dba;
CREATE ROLE regress_ann IN ROLE regress_dba;
CREATE ROLE regress_bob IN ROLE regress_dba;
CREATE ROLE regress_cid;
SELECT count(*) > 0 FROM unnest('{regress_dba,regress_ann,regress_bob,regress_cid}'::text[]) AS r, pgmigrate.grant_access(r, 'operator');
CREATE TEMP VIEW approval AS SELECT state, detail FROM pgmigrate.checklist() WHERE item = 'approval';
GRANT SELECT ON approval TO PUBLIC;

SET ROLE regress_ann;
SELECT pgmigrate.revision('one', 'SELECT 1', 'SELECT 1', id => 'one');
SELECT pgmigrate.approve('one');
RESET ROLE;
-- never by the author, unless a setting says so
SELECT * FROM approval;
SET pgmigrate.approve_own = on;
SELECT * FROM approval;
RESET pgmigrate.approve_own;
-- nor as a role that the author may take
SET ROLE regress_dba;
SELECT pgmigrate.approve('one');
SELECT pgmigrate.attest('approval', 'believe me');
RESET ROLE;
SELECT * FROM approval;
SET ROLE regress_cid;
SELECT pgmigrate.approve('one'), pgmigrate.approve('one');
RESET ROLE;
SELECT * FROM approval;
-- who may take the role of the author could have written it
GRANT regress_ann TO regress_cid;
SELECT * FROM approval;
SET ROLE regress_cid;
SELECT pgmigrate.attest('approval', 'believe me');
RESET ROLE;
REVOKE regress_ann FROM regress_cid;
SELECT * FROM approval;
-- the same of each who wrote a part of it
BEGIN;
CREATE ROLE regress_of_ann IN ROLE regress_ann;
CREATE ROLE regress_of_bob IN ROLE regress_bob;
SET LOCAL ROLE regress_bob;
SELECT pgmigrate.amend('one', downgrade => 'SELECT 2');
RESET ROLE;
SELECT author, coauthors FROM pgmigrate.revision WHERE id = 'one';
SELECT count(*) > 0 FROM unnest('{regress_of_ann,regress_of_bob}'::text[]) AS r, pgmigrate.grant_access(r, 'operator');
SET LOCAL ROLE regress_of_ann;
SELECT pgmigrate.approve('one');
SET LOCAL ROLE regress_of_bob;
SELECT pgmigrate.approve('one');
RESET ROLE;
SELECT * FROM approval;
SAVEPOINT s;
SET LOCAL ROLE regress_of_ann;
SELECT pgmigrate.attest('approval', 'believe me');
ROLLBACK TO s;
SET LOCAL ROLE regress_of_bob;
SELECT pgmigrate.attest('approval', 'believe me');
ROLLBACK;
SELECT * FROM approval;

-- two of them; one that approves twice is one
SET pgmigrate.approvals = 2;
SELECT * FROM approval;
-- and a note does not stand for them
SELECT pgmigrate.attest('approval', 'believe me');
RESET pgmigrate.approvals;
SET ROLE regress_bob;
SELECT pgmigrate.attest('approval', 'believe me');
RESET ROLE;
SET pgmigrate.approvals = 2;
SELECT * FROM approval;
SET ROLE regress_bob;
SELECT pgmigrate.approve('one');
RESET ROLE;
SELECT * FROM approval;
-- who may take both roles is one
GRANT regress_bob TO regress_cid;
SELECT * FROM approval;
REVOKE regress_bob FROM regress_cid;
SELECT * FROM approval;

-- only of members of a role
SET pgmigrate.approvers = 'regress_dba, regress_nobody';
SELECT * FROM approval;
SET pgmigrate.approvals = 1;
SELECT * FROM approval;
SET pgmigrate.approvers = 'regress_nobody';
SELECT * FROM approval;
SET pgmigrate.approvers = 'a,,b';
-- a superuser is no member of everything
SELECT pgmigrate.approve('one');
SET pgmigrate.approvers = 'regress_cid';
SELECT * FROM approval;
SET pgmigrate.approvers = 'regress_dba';

-- the gate asks for them
SET pgmigrate.environment = 'production';
SET pgmigrate.checklist = 'enforce';
SET pgmigrate.approvals = 2;
SET pgmigrate.backup_query = 'SELECT now()';
INSERT INTO pgmigrate.attestation (item, target_digest, note, attested_by, attested_by_oid, valid_until) SELECT 'rehearsal', target_digest, '', '', 10, 'infinity' FROM pgmigrate.attestation;
INSERT INTO pgmigrate.attestation (item, target_digest, note, attested_by, attested_by_oid, valid_until) SELECT 'notification', target_digest, '', '', 10, 'infinity' FROM pgmigrate.attestation LIMIT 1;

-- metrics: nobody, a viewer just now, long ago, in the future
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item = 'metrics';
SELECT state FROM pgmigrate.upgrade();
SET ROLE regress_cid;
SELECT pgmigrate.scraped();
-- not written each time; a clock that has gone back is no reason to stop
SELECT pgmigrate.scraped();
RESET ROLE;
BEGIN READ ONLY;
SELECT pgmigrate.scraped();
ROLLBACK;
SELECT item, state FROM pgmigrate.checklist() WHERE item = 'metrics';
UPDATE pgmigrate.scrape SET scraped_at = now() + interval '1 hour';
SELECT item, state, regexp_replace(detail, '\d{4}-.*', '(time)') AS detail FROM pgmigrate.checklist() WHERE item = 'metrics';
SET ROLE regress_cid;
SELECT pgmigrate.scraped();
RESET ROLE;
UPDATE pgmigrate.scrape SET scraped_at = now() - interval '10 min';
SELECT item, state, regexp_replace(detail, '\d{4}-.*', '(time)') AS detail FROM pgmigrate.checklist() WHERE item = 'metrics';
SET pgmigrate.scrape_max_age = '1h';
SELECT item, state FROM pgmigrate.checklist() ORDER BY item;

-- a role that is dropped after it approved
SET ROLE regress_cid;
SELECT state FROM pgmigrate.upgrade();
RESET ROLE;
SET pgmigrate.approvers = '';
SET pgmigrate.approvals = 3;
SELECT * FROM approval;
DROP OWNED BY regress_bob;
DROP ROLE regress_bob;
SELECT * FROM approval;
CREATE ROLE regress_bob;
SELECT * FROM approval;
DROP ROLE regress_bob;
SET pgmigrate.approvals = 2;
SELECT state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.amend('one', upgrade => 'SELECT 2');
-- nobody has approved the new text
SELECT * FROM approval;

-- nobody takes it off himself
SET ROLE regress_cid;
SET pgmigrate.approvals = 1;
SET pgmigrate.approve_own = on;
SET pgmigrate.approvers = '';
RESET ROLE;
DROP OWNED BY regress_ann, regress_cid, regress_dba;
DROP VIEW approval;
DROP EXTENSION pgmigrate;
DROP ROLE regress_ann, regress_cid, regress_dba;
CREATE EXTENSION pgmigrate;
