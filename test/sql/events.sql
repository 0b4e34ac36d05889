-- Notification: the team is told.  The outbox: events are written with what
-- they are about, delivered at least once, acknowledged by consumers, pruned.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA told;
CREATE TABLE told.t (a int);
CREATE VIEW told.open AS
SELECT kind, payload ->> 'state' AS state, run, revision, operation, role = current_user AS mine, payload ->> 'message' AS message
FROM pgmigrate.events('test');
CREATE FUNCTION told.done() RETURNS bigint LANGUAGE sql AS
$$SELECT pgmigrate.acknowledge('test', VARIADIC array_agg(id)) FROM pgmigrate.events('test', 1000000)$$;

-- approvals and attestations
SELECT pgmigrate.revision('one', 'ALTER TABLE told.t ADD b int', 'ALTER TABLE told.t DROP b', id => 'one');
SELECT pgmigrate.approve('one', digest) FROM pgmigrate.revision WHERE id = 'one';
SELECT pgmigrate.attest('metrics', 'seen');
SELECT * FROM told.open;
-- not acknowledged: delivered again, and as many as are asked for
SELECT count(*) FROM pgmigrate.events('test');
SELECT count(*) FROM pgmigrate.events('test', 1) UNION ALL SELECT count(*) FROM pgmigrate.events('test', 0);
SELECT * FROM pgmigrate.events('test', -1);
SELECT * FROM pgmigrate.events('test', NULL);
SELECT * FROM pgmigrate.events(NULL);
-- one is acknowledged, another again; what there is not is no error
SELECT pgmigrate.acknowledge('test', id), pgmigrate.acknowledge('test', id) FROM pgmigrate.events('test', 1);
SELECT pgmigrate.acknowledge('test', 0, NULL, 1000000), pgmigrate.acknowledge('test', VARIADIC NULL);
SELECT pgmigrate.acknowledge('nobody', 1);
SELECT kind FROM pgmigrate.events('test');
-- each consumer has his own
SELECT kind FROM pgmigrate.events('other');
SELECT pgmigrate.drop_consumer('other'), pgmigrate.drop_consumer('other');
SELECT told.done();
SELECT count(*) FROM pgmigrate.events('test');

-- runs: done, failed, and one that was rolled back never was
SELECT state FROM pgmigrate.upgrade();
SELECT pgmigrate.revision('two', 'SELECT 1 / a FROM (SELECT 0 AS a) AS z', id => 'two');
SELECT state FROM pgmigrate.upgrade();
BEGIN;
SELECT state FROM pgmigrate.downgrade('base');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT state FROM pgmigrate.downgrade('base');
ROLLBACK TO s;
SELECT pgmigrate.approve('one', digest) FROM pgmigrate.revision WHERE id = 'one';
COMMIT;
SELECT kind, state, revision, mine, regexp_replace(message, '\d+', '(run)') AS message FROM told.open;
SELECT payload ->> 'error' AS error, payload ->> 'command' AS command FROM pgmigrate.events('test') WHERE payload ? 'error';
SELECT told.done();
SELECT pgmigrate.remove('two');

-- operations
ALTER TABLE told.t ADD c int;
INSERT INTO told.t SELECT FROM generate_series(1, 100);
SELECT state FROM pgmigrate.backfill('told.t', 'c = 1');
SELECT kind, state, operation > 0 AS operation, run > 0 AS run FROM told.open;
SELECT told.done();

-- drift: once when it is found, once when it is gone
SELECT state FROM pgmigrate.downgrade('base');
SELECT told.done();
CREATE TABLE told.stray ();
SELECT object, change FROM pgmigrate.drift();
SELECT object, change FROM pgmigrate.drift();
SELECT kind, state, message FROM told.open;
DROP TABLE told.stray;
SELECT count(*) FROM pgmigrate.drift();
SELECT count(*) FROM pgmigrate.drift();
SELECT kind, state, message FROM told.open;
-- who looks where nothing can be written looks all the same
CREATE TABLE told.stray ();
BEGIN READ ONLY;
SELECT count(*) FROM pgmigrate.drift();
ROLLBACK;
SELECT count(*) FROM told.open;
DROP TABLE told.stray;
SELECT told.done();

-- a consumer belongs to a role; a viewer may be one
CREATE ROLE regress_told;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_told', 'viewer');
SET ROLE regress_told;
SELECT count(*) > 0 FROM pgmigrate.events('pager');
SELECT pgmigrate.acknowledge('pager', VARIADIC array_agg(id)) > 0 FROM pgmigrate.events('pager');
SELECT count(*) FROM pgmigrate.events('test');
SELECT pgmigrate.acknowledge('test', 1);
SELECT pgmigrate.drop_consumer('test');
SELECT pgmigrate.prune_events('0');
SELECT count(*) FROM pgmigrate.events('notify_command');
SELECT count(*) FROM pgmigrate.events('');
SELECT count(*) FROM pgmigrate.events(repeat('x', 201));
-- nobody runs commands with the rights of the server
SET pgmigrate.notify_command = 'touch /tmp/no';
SET pgmigrate.event_keep = '1d';
\set VERBOSITY sqlstate
SHOW pgmigrate.notify_command;
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_told;
DROP ROLE regress_told;
-- its role is gone: a superuser may still take the name over
SELECT count(*) FROM pgmigrate.events('pager');
SELECT pgmigrate.drop_consumer('pager');

-- NOTIFY: the event is short, whatever it is about; and JSON
SELECT pgmigrate.revision(repeat('long ', 3000), 'SELECT 1', id => 'long');
SELECT pgmigrate.attest(item => 'backup', note => repeat('the secret of the note ', 1000));
INSERT INTO pgmigrate.event (kind, role, role_oid, payload) VALUES ('test', 'me', 10, jsonb_build_object('state', 'x', 'message', repeat('"', 20000)));
SELECT length(payload ->> 'note') FROM pgmigrate.events('test') WHERE kind = 'attestation';
SET pgmigrate.notify_channel = 'a name of a channel that is longer than those of the server can be, so that it is refused';
SELECT told.done();

-- who inserts or restores rows writes no events
INSERT INTO pgmigrate.attestation (item, target_digest, note, attested_by, attested_by_oid, valid_until) VALUES ('backup', '', '', '', 10, now());
SELECT count(*) FROM pgmigrate.events('test');

-- a million rows: an index, whatever is asked
INSERT INTO pgmigrate.event (kind, role, role_oid, payload) SELECT 'test', 'me', 10, '{"state": "x"}' FROM generate_series(1, 20000);
ANALYZE pgmigrate.event;
SELECT told.done();
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS before FROM pg_stat_user_tables WHERE relid = 'pgmigrate.event'::regclass \gset
SELECT pgmigrate.attest('backup', 'again');
SELECT kind FROM pgmigrate.events('test');
SELECT told.done();
SELECT count(*) FROM pgmigrate.drift();
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :before AS scans FROM pg_stat_user_tables WHERE relid = 'pgmigrate.event'::regclass;

-- a backlog is acknowledged by keys, not each against all others; and pruned
SELECT count(*) FROM pgmigrate.events('late', 1);
BEGIN;
SELECT pgmigrate.acknowledge('late', VARIADIC array_agg(id)) > 20000 AS acknowledged FROM (SELECT id FROM pgmigrate.events('late', 1000000) OFFSET 1) AS e;
SELECT idx_scan > 20000 AS by_key, idx_tup_fetch < 200000 AS of_few FROM pg_stat_xact_user_tables WHERE relid = 'pgmigrate.event_delivery'::regclass;
SELECT count(*) FROM pgmigrate.events('late');
SELECT count(*) > 20000 AS unsettled FROM pgmigrate.event_delivery;
SELECT pgmigrate.prune_events('-1 day') > 20000 AS pruned;
SELECT count(*) FROM pgmigrate.event_delivery;
ROLLBACK;
SELECT pgmigrate.drop_consumer('late');

-- pruned in passing: by number …
SET pgmigrate.event_limit = 150;
SELECT count(pgmigrate.attest('backup', 'often')) FROM generate_series(1, 200);
SELECT count(*) < 20200 - 1500 AS fewer FROM pgmigrate.event;
SELECT pgmigrate.prune_events() > 0;
SELECT count(*) FROM pgmigrate.event;
RESET pgmigrate.event_limit;
-- … and by age; the clock has gone back since some were written
UPDATE pgmigrate.event SET time = now() + interval '1 year' WHERE id % 2 = 0;
UPDATE pgmigrate.event SET time = now() - interval '31 days' WHERE id % 2 = 1;
SELECT pgmigrate.prune_events();
SELECT count(*) FROM pgmigrate.events('test');
SELECT pgmigrate.prune_events('-2 years');
SELECT count(*) FROM pgmigrate.event;
-- acknowledgements go with them
SELECT count(*) FROM pgmigrate.event_delivery;
-- and the next event is told of
SELECT pgmigrate.attest('backup', 'last');
SELECT kind FROM pgmigrate.events('test');

DROP SCHEMA told CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
