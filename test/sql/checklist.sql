-- The launch checklist of the article: backup verified, impact known, rollback
-- rehearsed, metrics in place, team notified; and what a team adds to it.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA launch;
SET search_path = launch;
SET datestyle = 'ISO';
CREATE TABLE t (a int);
CREATE TABLE backups (finished timestamptz);
SELECT pgmigrate.revision('first', 'ALTER TABLE launch.t ADD b int', 'ALTER TABLE launch.t DROP b', id => 'first');

-- nothing is known yet but the impact
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item <> 'backup';
SELECT item, state FROM pgmigrate.checklist() WHERE item = 'backup';

-- backup: a query that knows none, one of the future, an old one, a new one
SET pgmigrate.backup_query = 'SELECT max(finished) FROM launch.backups;';
CREATE VIEW backup AS SELECT state, regexp_replace(detail, '\d{4}-\S+ [0-9:.+-]+', '(time)') AS detail FROM pgmigrate.checklist() WHERE item = 'backup';
SELECT * FROM backup;
INSERT INTO backups VALUES (now() + interval '1 day');
SELECT * FROM backup;
UPDATE backups SET finished = now() - interval '25 hours';
SELECT * FROM backup;
SET pgmigrate.backup_max_age = '2d';
SELECT * FROM backup;
RESET pgmigrate.backup_max_age;
UPDATE backups SET finished = now();
SELECT * FROM backup;
-- and such as fail, or want to do more than to look
SET pgmigrate.backup_query = 'SELECT finished FROM launch.nowhere';
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT 1/0';
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT 42';
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT a FROM';
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT now()) AS t) AS b; DELETE FROM launch.backups; SELECT * FROM (SELECT (now()';
SELECT state FROM backup;
SELECT count(*) FROM backups;
INSERT INTO backups VALUES (now());
SET pgmigrate.backup_query = 'SELECT finished FROM launch.backups';
SELECT * FROM backup;

-- no lock that it takes stays, whether it ends well or not; what the session had stays
SELECT pg_advisory_lock(11), pg_advisory_lock_shared(12);
SET pgmigrate.backup_query = 'SELECT now() FROM pg_advisory_lock(13) AS a, pg_advisory_lock(13) AS b, pg_advisory_lock(12) AS c, pg_advisory_xact_lock(14) AS d';
SELECT state FROM backup;
SET pgmigrate.backup_query = 'SELECT now() FROM pg_advisory_lock(15) AS l WHERE 1 / length(l::text) = 0';
SELECT state FROM backup;
SELECT objid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1, 2;
-- nor is one of the session released, though it was taken twice; what has functions called beside is bound likewise
SELECT pg_advisory_lock(11);
CREATE FUNCTION launch.unlocks(v int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
	PERFORM pg_advisory_unlock(11), pg_advisory_unlock_shared(12), pg_advisory_lock(16);
	PERFORM pg_advisory_unlock_all(), pg_advisory_lock(17), pg_advisory_xact_lock(18);
	RETURN v;
END$$;
SET client_min_messages = error;
SET pgmigrate.backup_query = 'SELECT now() FROM launch.unlocks(1)';
SELECT state FROM backup;
SELECT objid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1, 2;
CREATE TABLE launch.looked AS SELECT 1 AS v;
SELECT count(*) > 0 AS linted FROM pgmigrate.lint('ALTER TABLE launch.looked ADD w int DEFAULT launch.unlocks(7), ADD CHECK (launch.unlocks(v) = 1)');
SELECT objid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1, 2;
-- each of them as often as it was taken
SELECT pg_advisory_unlock(11), pg_advisory_unlock(11), pg_advisory_unlock(11), pg_advisory_unlock_shared(12), pg_advisory_unlock_shared(12);
SET client_min_messages = warning;
DROP TABLE launch.looked;
SELECT pg_advisory_unlock_all();

-- one that does not end, or waits, holds up nobody
SET pgmigrate.checklist_timeout = '20ms';
SET pgmigrate.backup_query = 'SELECT now() FROM pg_sleep(1000)';
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT max(now()) FROM generate_series(1, 1000000000000)';
SELECT * FROM backup;
SET pgmigrate.environment = 'production';
SET pgmigrate.checklist = 'enforce';
SELECT state FROM pgmigrate.upgrade();
SET pgmigrate.checklist_override = 'the backup is well';
BEGIN;
SELECT state FROM pgmigrate.upgrade();
ROLLBACK;
RESET pgmigrate.environment;
RESET pgmigrate.checklist;
RESET pgmigrate.checklist_override;
RESET pgmigrate.checklist_timeout;
SET pgmigrate.backup_query = 'SELECT finished FROM launch.backups';

-- what is known to be wrong is not made right by a note
SELECT pgmigrate.attest('backup', 'it is all right');
SELECT * FROM backup;
SET pgmigrate.backup_query = 'SELECT max(finished) FROM launch.backups -- the newest';

-- notes have an end, and are about these revisions
SELECT pgmigrate.attest('metrics', 'the dashboard is there', valid_for => '0');
SELECT pgmigrate.attest('metrics', 'the dashboard is there', valid_for => '-1 day');
SELECT pgmigrate.attest('metrics', 'the dashboard is there', valid_for => NULL);
SELECT pgmigrate.attest('metrics', NULL);
SELECT pgmigrate.attest('weather', 'sunny');
SELECT pgmigrate.attest('metrics', 'the dashboard is there');
SELECT pgmigrate.attest('notification', 'the channel was told', valid_for => '1 millisecond');
SELECT pg_sleep(0.01);
SELECT item, state, detail, attested_by = current_user AS me, valid_until - attested_at BETWEEN interval '23:59:59' AND interval '1 day' AS day
FROM pgmigrate.checklist() WHERE item IN ('metrics', 'notification');
SELECT pgmigrate.amend('first', upgrade => 'ALTER TABLE launch.t ADD b bigint');
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item = 'metrics';

-- items of a team, with the rights of who set them
CREATE ROLE regress_launch;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_launch', 'operator');
SET ROLE regress_launch;
SELECT pgmigrate.checklist_require('quiet', 'SELECT count(*) = 1 FROM launch.t');
SELECT pgmigrate.checklist_require('backup', 'SELECT true');
SELECT pgmigrate.checklist_require('', 'SELECT true');
RESET ROLE;
SELECT pgmigrate.checklist_require('weekday', 'SELECT true;');
SELECT pgmigrate.checklist_require('holiday', 'SELECT NULL::bool');
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item IN ('quiet', 'weekday', 'holiday');
SELECT pgmigrate.attest('quiet', 'believe me');
SET ROLE regress_launch;
SELECT pgmigrate.checklist_require('endless', 'SELECT true FROM pg_sleep(1000)');
RESET ROLE;
SET pgmigrate.checklist_timeout = '20ms';
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item = 'endless';
RESET pgmigrate.checklist_timeout;
SELECT pgmigrate.checklist_require('endless', NULL);
SET ROLE regress_launch;
\set VERBOSITY sqlstate
SELECT pgmigrate.checklist_require('weekday', 'SELECT true');
SELECT pgmigrate.checklist_require('weekday', NULL);
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_launch;
DROP ROLE regress_launch;
SELECT item, state, detail FROM pgmigrate.checklist() WHERE item = 'quiet';
SELECT pgmigrate.checklist_require('quiet', NULL), pgmigrate.checklist_require('holiday', NULL);

-- the gate: off, warn, enforce; in production only
SET pgmigrate.checklist = 'enforce';
BEGIN;
SELECT state FROM pgmigrate.upgrade();
ROLLBACK;
SET pgmigrate.environment = 'production';
SELECT state FROM pgmigrate.upgrade();
SET pgmigrate.checklist = 'warn';
BEGIN;
SELECT state FROM pgmigrate.upgrade();
ROLLBACK;
SET pgmigrate.checklist = 'enforce';
SELECT pgmigrate.attest(i, 'done') FROM unnest('{metrics,notification}'::text[]) AS i;
-- the author cannot approve his own
\set VERBOSITY sqlstate
SELECT pgmigrate.attest('approval', 'done');
\set VERBOSITY default
CREATE ROLE regress_launch;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_launch', 'operator');
SET ROLE regress_launch;
SELECT pgmigrate.attest('approval', 'seen');
RESET ROLE;
DROP OWNED BY regress_launch;
DROP ROLE regress_launch;
SELECT state FROM pgmigrate.upgrade();
-- a rehearsal that failed, and one of the same revisions that did not
INSERT INTO pgmigrate.rehearsal (target_digest, ok, finished)
SELECT target_digest, false, '2026-01-01 12:00Z' FROM pgmigrate.attestation WHERE item = 'approval';
SELECT state FROM pgmigrate.checklist() WHERE item = 'rehearsal';
-- an emergency, loud and kept
SET pgmigrate.checklist_override = 'the house burns';
BEGIN;
SELECT state FROM pgmigrate.upgrade();
SELECT override FROM pgmigrate.run;
ROLLBACK;
RESET pgmigrate.checklist_override;
INSERT INTO pgmigrate.rehearsal (target_digest, ok, finished)
SELECT target_digest, true, '2026-01-02 12:00Z' FROM pgmigrate.attestation WHERE item = 'approval';
SELECT item, state FROM pgmigrate.checklist();
SELECT state FROM pgmigrate.upgrade();
SELECT state, override FROM pgmigrate.run;
-- the way back is not held up by a list
SELECT pgmigrate.revision('second', 'CREATE TABLE launch.new ()', 'DROP TABLE launch.new', id => 'second');
SELECT state FROM pgmigrate.downgrade('base', '{loses-data}', 'as was said');

-- impact: what is carried out online is no danger; it is found out, and not attested
CREATE TABLE keyed (a int PRIMARY KEY);
SELECT pgmigrate.revision('wider', E'-- pgmigrate: online\nALTER TABLE launch.keyed ALTER a TYPE bigint', id => 'wider');
SET pgmigrate.danger_block = 0;
SELECT state, detail FROM pgmigrate.checklist() WHERE item = 'impact';
SET pgmigrate.online = off;
SELECT state, detail FROM pgmigrate.checklist() WHERE item = 'impact';
SELECT pgmigrate.attest('impact', 'all is well');
RESET pgmigrate.online;
RESET pgmigrate.danger_block;
SELECT pgmigrate.remove('wider');

-- announced, and read by somebody, until the revision changes; that a command
-- was told is not enough
CREATE VIEW launch.notified AS
SELECT state, regexp_replace(replace(detail, current_user, '(me)'), ' at \d.*?(?=,)', ' at (time)') AS detail FROM pgmigrate.checklist() WHERE item = 'notification';
TABLE launch.notified;
SELECT pgmigrate.announce('base');
SELECT pgmigrate.announce(note => 'tonight at ten') > 0 AS announced;
TABLE launch.notified;
SELECT replace((payload - 'digest')::text, current_user, '(me)') AS payload FROM pgmigrate.events('ops') WHERE kind = 'announcement';
TABLE launch.notified;
INSERT INTO pgmigrate.event_consumer (consumer, role_oid, role, settled) SELECT 'notify_command', oid, rolname, pg_current_xact_id() FROM pg_roles WHERE rolname = current_user;
TABLE launch.notified;
SELECT pgmigrate.acknowledge('ops', id) FROM pgmigrate.events('ops') WHERE kind = 'announcement';
TABLE launch.notified;
-- all are settled: nothing is left of the delivery
SELECT count(pgmigrate.acknowledge('ops', id)) > 0 AS more FROM pgmigrate.events('ops');
SELECT state FROM launch.notified;
SELECT pgmigrate.amend('second', message => 'another message');
SELECT state FROM launch.notified;
SELECT pgmigrate.amend('second', upgrade => 'CREATE TABLE launch.newer ()');
TABLE launch.notified;

CREATE ROLE regress_launch;
SET ROLE regress_launch;
SET pgmigrate.checklist = 'off';
SET pgmigrate.checklist_override = 'me';
SET pgmigrate.backup_query = 'SELECT now()';
RESET ROLE;
DROP ROLE regress_launch;
RESET pgmigrate.environment;
RESET pgmigrate.checklist;
RESET pgmigrate.backup_query;
DROP SCHEMA launch CASCADE;
RESET search_path;
RESET datestyle;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
