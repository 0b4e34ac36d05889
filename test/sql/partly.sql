-- Revisions that stopped in the middle: what becomes of what they did.
SET client_min_messages = warning;
SET pgmigrate.danger_block = 0;
DROP EXTENSION IF EXISTS pgmigrate;
DROP SCHEMA IF EXISTS app CASCADE;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA app;
SET search_path = app;
SET client_min_messages = notice;

CREATE VIEW tables AS SELECT string_agg(relname, ' ' ORDER BY relname) AS tables FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r';
CREATE VIEW indexes AS SELECT indexrelid::regclass AS index, indisvalid FROM pg_index WHERE indrelid = to_regclass('app.dup') ORDER BY indexrelid::regclass::text COLLATE "C";
CREATE TABLE dup AS SELECT 1 AS i FROM generate_series(1, 2);

-- remove() forgets it, so the same id begins anew
SELECT pgmigrate.revision('base', 'SELECT 1', 'SELECT 1', id => 'a');
SELECT revision FROM pgmigrate.upgrade();
SELECT pgmigrate.revision('stops', 'CREATE TABLE b1 (i int); CREATE TABLE b2 (i int); SELECT 1/0', 'DROP TABLE b1, b2', id => 'b', transactional => false);
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.remove('b');
TABLE tables;
DROP TABLE b1, b2;
SELECT pgmigrate.revision('stops', 'CREATE TABLE b1 (i int); CREATE TABLE b2 (i int); SELECT 1/0', 'DROP TABLE b1, b2', id => 'b', transactional => false);
SELECT * FROM pgmigrate.upgrade();
TABLE tables;
-- a stamp of where the database is forgets it too
DROP TABLE b1, b2;
SELECT revision, state FROM pgmigrate.revisions WHERE revision = 'b';
SELECT revision, state FROM pgmigrate.stamp('a');
SELECT revision, state FROM pgmigrate.stamp('a');
SELECT revision, state FROM pgmigrate.revisions WHERE revision = 'b';
SELECT revision, state FROM pgmigrate.history('b');
SELECT pgmigrate.amend('b', upgrade => 'CREATE TABLE b3 (i int); SELECT 1/0; CREATE TABLE b4 (i int)', downgrade => 'DROP TABLE b3; SELECT 1/0; DROP TABLE b4');
SELECT * FROM pgmigrate.upgrade();
TABLE tables;
-- what was finished by hand is done
CREATE TABLE b4 (i int);
SELECT revision, state FROM pgmigrate.stamp('b');
SELECT revision, state FROM pgmigrate.upgrade();
-- the same the other way
SELECT * FROM pgmigrate.downgrade('-1');
TABLE tables;
CREATE TABLE b3 (i int);
SELECT revision, state FROM pgmigrate.stamp('b');
SELECT * FROM pgmigrate.downgrade('-1');
TABLE tables;
DROP TABLE b4;
SELECT revision, state FROM pgmigrate.stamp('a');
SELECT pgmigrate.remove('b');

-- an INVALID index is dropped also when the statement is another by now
SELECT pgmigrate.revision('unique', 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)', 'SELECT 1', id => 'u');
SELECT * FROM pgmigrate.upgrade();
TABLE indexes;
-- the assessment does not take it for what is in the way
SELECT rule, message FROM pgmigrate.assess() WHERE level = 'danger';
SELECT hazards FROM pgmigrate.plan('head');
SELECT script FROM pgmigrate.script('head') WHERE script LIKE '-- danger%';
SELECT pgmigrate.amend('u', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY dup_other ON dup (i)');
SELECT * FROM pgmigrate.upgrade();
TABLE indexes;
-- where another made the index that it is to make now, the statement fails
CREATE INDEX dup_third ON dup (i);
SELECT pgmigrate.amend('u', upgrade => 'CREATE INDEX CONCURRENTLY dup_third ON dup (i)');
SELECT * FROM pgmigrate.upgrade();
TABLE indexes;
DROP INDEX dup_third;
SELECT pgmigrate.amend('u', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)');
SELECT * FROM pgmigrate.upgrade();
-- in a transaction of somebody else it can only be named
SELECT pgmigrate.amend('u', upgrade => 'CREATE INDEX dup_plain ON dup (i)', downgrade => 'DROP INDEX dup_plain');
BEGIN;
SELECT revision, state FROM pgmigrate.upgrade();
ROLLBACK;
SELECT script FROM pgmigrate.script('head') WHERE script ~ '^[^- ]' AND script !~ 'script_|standard_conf';
SELECT revision, state FROM pgmigrate.upgrade();
TABLE indexes;
SELECT revision, state FROM pgmigrate.downgrade('-1');
-- a run that does not see to it names it, and so does the removal
SELECT pgmigrate.amend('u', upgrade => 'CREATE UNIQUE INDEX CONCURRENTLY dup_i ON dup (i)');
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.revision('other branch', 'SELECT 1', 'SELECT 1', id => 'o', down_revision => '{a}', splice => true);
SELECT revision, state FROM pgmigrate.upgrade('o');
SELECT pgmigrate.remove('u');
TABLE indexes;
SELECT revision, state FROM pgmigrate.downgrade('-1');
DROP INDEX dup_i;
SELECT pgmigrate.remove('o');
-- one that was INVALID before is not touched, and none that was not ours
SELECT pgmigrate.revision('unique', 'CREATE UNIQUE INDEX CONCURRENTLY ON dup (i)', 'SELECT 1', id => 'v');
CREATE UNIQUE INDEX CONCURRENTLY dup_before ON dup (i);
SELECT * FROM pgmigrate.upgrade();
SELECT pgmigrate.amend('v', upgrade => 'SELECT 1');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE indexes;
DROP INDEX dup_before;

-- the state of the session that done statements have left
SELECT pgmigrate.revision('session', $$
SET work_mem = '5MB';
SELECT set_config('search_path', 'app, pg_temp', false), pg_catalog.set_config('lock_timeout', '7s', false);
PREPARE made AS SELECT 42 AS answer;
CREATE INDEX CONCURRENTLY dup_session ON dup (i);
CREATE TABLE session AS SELECT 1 / (SELECT count(*) FROM go) AS one;
CREATE TABLE answer AS EXECUTE made;
CREATE TABLE settings AS SELECT current_setting('work_mem') AS m, current_setting('search_path') AS p, current_setting('lock_timeout') AS l
$$, 'DROP TABLE session, answer, settings; DROP INDEX dup_session', id => 's');
CREATE TABLE go (i int);
SELECT * FROM pgmigrate.upgrade();
SELECT script FROM pgmigrate.script('head') WHERE script ~ '^[^- ]';
INSERT INTO go VALUES (1);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM answer, settings;
-- a temporary table cannot be had again
SELECT pgmigrate.revision('temporary', $$
CREATE TEMP TABLE ids AS SELECT 1 AS id;
CREATE TEMP TABLE unused (i int);
CREATE INDEX CONCURRENTLY dup_ids ON dup (i);
CREATE TABLE never AS SELECT 1 / (SELECT count(*) FROM go WHERE i = 2) AS one;
INSERT INTO go SELECT id FROM ids
$$, 'DROP INDEX dup_ids', id => 't');
SELECT * FROM pgmigrate.upgrade();
CREATE TABLE ids AS SELECT 99 AS id;
SELECT * FROM pgmigrate.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.script('head');
-- but what is left may do without it
SELECT pgmigrate.amend('t', upgrade => $$
CREATE TEMP TABLE ids AS SELECT 1 AS id;
CREATE TEMP TABLE unused (i int);
CREATE INDEX CONCURRENTLY dup_ids ON dup (i);
INSERT INTO go VALUES (3);
COMMENT ON TABLE go IS 'kids, and not ids_of_any'
$$);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM go;

-- no turning round over one: what it did would be missing when it goes on
CREATE TABLE sw AS SELECT 0 AS v;
SELECT pgmigrate.revision('table', 'CREATE TABLE turn (a int, b int)', 'DROP TABLE turn', id => 'c1');
SELECT pgmigrate.revision('indexes', 'CREATE INDEX CONCURRENTLY turn_a ON turn (a); UPDATE sw SET v = 1 / v; CREATE INDEX CONCURRENTLY turn_b ON turn (b)',
	'DROP INDEX CONCURRENTLY turn_b; UPDATE sw SET v = 1 / v; DROP INDEX CONCURRENTLY turn_a', id => 'c2');
SELECT pgmigrate.revision('above', 'SELECT 1', 'SELECT 1', id => 'c3');
SELECT revision, state FROM pgmigrate.upgrade('c2');
-- whoever looks is told
CREATE VIEW looks AS SELECT (SELECT state FROM pgmigrate.revisions WHERE revision = 'c2') AS revisions,
	(SELECT state FROM pgmigrate.history() WHERE revision = 'c2') AS history,
	(SELECT state FROM pgmigrate.show('c2')) AS show,
	(SELECT graph FROM pgmigrate.graph() AS graph WHERE graph ~ 'c2') AS graph,
	(SELECT graph FROM pgmigrate.graph('dot') AS graph WHERE graph ~ 'c2.*fill') AS dot,
	(SELECT graph FROM pgmigrate.graph('mermaid') AS graph WHERE graph ~ 'c2') AS mermaid,
	(SELECT count(*) FROM pgmigrate.graph('svg') AS graph WHERE graph ~ 'partly applied.*c2') AS svg,
	(SELECT value FROM pgmigrate.metrics WHERE name = 'pgmigrate_revisions' AND state = 'partly applied') AS metrics;
\x on
TABLE looks;
\x off
SELECT revision, state FROM pgmigrate.downgrade('-1');
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.downgrade('base');
-- nor is where the ledger ends where the database is
SELECT revision, state FROM pgmigrate.downgrade('c1');
SELECT pgmigrate.downgrade_start('base') IS NOT NULL;
BEGIN;
SELECT revision, state FROM pgmigrate.downgrade('base');
ROLLBACK;
SET pgmigrate.transaction_per_migration = off;
SELECT revision, state FROM pgmigrate.downgrade('base');
RESET pgmigrate.transaction_per_migration;
SELECT revision FROM pgmigrate.plan('base', 'downgrade');
SELECT * FROM pgmigrate.script('base', 'downgrade');
SELECT count(*) > 0 AS written FROM pgmigrate.script('heads:base', 'downgrade');
SELECT revision FROM pgmigrate.head;
SELECT to_regclass('turn_a') AS a, to_regclass('turn_b') AS b;
-- other branches are free to
SELECT pgmigrate.revision('other', 'SELECT 1', 'SELECT 1', id => 'd1', down_revision => '{}');
SELECT revision, state FROM pgmigrate.upgrade('d1');
SELECT revision, state FROM pgmigrate.downgrade('d1@base');
-- it goes on, and can be taken back
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.upgrade('c2');
SELECT to_regclass('turn_a') AS a, to_regclass('turn_b') AS b;
-- the other way round: it is not at the target, nor to be built upon
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.downgrade('c1');
\x on
TABLE looks;
\x off
DROP VIEW looks;
SELECT revision, state FROM pgmigrate.upgrade('c2');
\echo :LAST_ERROR_SQLSTATE
SELECT revision, state FROM pgmigrate.upgrade('c3');
SELECT revision FROM pgmigrate.plan('c3');
SELECT * FROM pgmigrate.script('c3');
SELECT count(*) FROM pgmigrate.assess('c3');
SELECT revision FROM pgmigrate.head ORDER BY 1;
SELECT revision, state FROM pgmigrate.upgrade('d1');
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.downgrade('c1');
SELECT to_regclass('turn_a') AS a, to_regclass('turn_b') AS b;
SELECT revision, state FROM pgmigrate.upgrade('c3');
SELECT to_regclass('turn_a') AS a, to_regclass('turn_b') AS b;
-- a stamp of the current heads forgets it, either way
SELECT revision, state FROM pgmigrate.downgrade('c2');
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.downgrade('c1');
CREATE INDEX turn_b ON turn (b);
SELECT revision, state FROM pgmigrate.stamp('c2, d1');
SELECT revision, state FROM pgmigrate.upgrade('c3');
SELECT revision, state FROM pgmigrate.downgrade('c2');
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.downgrade('c1');
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.upgrade('c2');
DROP INDEX turn_a;
SELECT revision, state FROM pgmigrate.stamp('c1, d1');
SELECT revision, state FROM pgmigrate.downgrade('c1@base');
SELECT revision, state FROM pgmigrate.revisions ORDER BY 1;

-- when it is the only head of all, it is not at the target either
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('only', 'SELECT 1', 'CREATE TABLE half (i int); SELECT 1/0', id => 'e1', transactional => false);
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT revision, state FROM pgmigrate.upgrade();

-- a run whose process is gone is told of as interrupted before the next one
-- writes that down, and so is its step
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
SELECT pgmigrate.revision('gone', 'SELECT 1; SELECT pg_terminate_backend(pg_backend_pid()) FROM sw WHERE v = 0', 'SELECT 1', id => 'g1', transactional => false);
SELECT pgmigrate.revision('gone at once', 'SELECT pg_terminate_backend(pg_backend_pid()) FROM sw WHERE v = 0', 'SELECT 1', id => 'g2', transactional => false, down_revision => '{}');
UPDATE sw SET v = 0;
CREATE VIEW interrupted AS SELECT r.run, r.state, (SELECT string_agg(s.revision || ' ' || s.state, ', ' ORDER BY s.revision) FROM pgmigrate.revisions s) AS revisions,
	(SELECT string_agg(h.revision || ' ' || h.state, ', ' ORDER BY h.revision) FROM pgmigrate.history() h) AS history,
	(SELECT substring(line, 'step 1.* done, |step 1, \w+: \w+') FROM pgmigrate.report(r.run) AS t (line) WHERE line ~ 'step 1') AS report,
	(SELECT count(*) FROM pgmigrate.progress) AS progress,
	(SELECT count(*) FROM pgmigrate.metrics m WHERE m.name = 'pgmigrate_last_failure_timestamp_seconds') AS failures,
	(SELECT u.state FROM pgmigrate.status(r.run) u) AS status, s.state AS step
FROM pgmigrate.runs r JOIN pgmigrate.run_step s ON s.run = r.run AND s.step = 1 ORDER BY 1;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade('g1');
SET client_min_messages = notice;
SELECT * FROM interrupted;
SELECT revision, state FROM pgmigrate.upgrade('g2');
SELECT * FROM interrupted;
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.upgrade('heads');
SELECT * FROM interrupted;
DROP VIEW interrupted;

-- how the last try of a revision ended is told alike by all who look
SELECT pgmigrate.revision('ends', 'SELECT CASE v WHEN 0 THEN 1 / v ELSE 1 END FROM sw; SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1000) FROM sw WHERE v = 1; SELECT pg_terminate_backend(pg_backend_pid()) FROM sw WHERE v = 2', id => 'g3', down_revision => '{g1}');
CREATE VIEW told AS SELECT (SELECT v.state FROM pgmigrate.revisions v WHERE v.revision = 'g3') AS revisions, (SELECT h.state FROM pgmigrate.history() h WHERE h.revision = 'g3') AS history,
	(SELECT s.state FROM pgmigrate.show('g3') s) AS show, (SELECT t FROM pgmigrate.graph() t WHERE t ~ 'g3') AS graph, (SELECT substring(t, '^    classDef interrupted|:::.*') FROM pgmigrate.graph('mermaid') t WHERE t ~ 'g3') AS mermaid,
	(SELECT string_agg(substring(t, 'fillcolor = (\w+)'), '') FROM pgmigrate.graph('dot') t WHERE t ~ '"g3' AND t !~ '->') AS dot, (SELECT string_agg(m[1], '') FROM regexp_matches((SELECT string_agg(t, '') FROM pgmigrate.graph('svg') t), '<title>(failed|cancelled|interrupted)<', 'g') m) AS svg,
	(SELECT string_agg(m.labels ->> 'state', '') FROM pgmigrate.metrics m WHERE m.name = 'pgmigrate_revisions' AND m.value = 1) AS metrics, (SELECT s.state FROM pgmigrate.status() s) AS status;
SET client_min_messages = error;
UPDATE sw SET v = 0;
SELECT FROM pgmigrate.upgrade('g3');
TABLE told;
UPDATE sw SET v = 1;
SELECT FROM pgmigrate.upgrade('g3');
TABLE told;
UPDATE sw SET v = 2;
SELECT FROM pgmigrate.upgrade('g3');
TABLE told;
UPDATE sw SET v = 3;
SELECT FROM pgmigrate.upgrade('g3');
TABLE told;
SET client_min_messages = notice;
DROP VIEW told;

-- one that has committed and was not marked is known by what it has left: nothing goes the other way over it
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE TABLE app.unmarked (a int, b int);
SELECT pgmigrate.revision('indexes', 'CREATE INDEX CONCURRENTLY u_a ON app.unmarked (a); SELECT 1 / v FROM sw', 'DROP INDEX CONCURRENTLY app.u_a; SELECT 1 / v FROM sw', id => 'u1');
SELECT pgmigrate.revision('above', 'SELECT 1', 'SELECT 1', id => 'u2');
CREATE VIEW mark_lost AS SELECT state, to_regclass('app.u_a') AS index FROM pgmigrate.revisions WHERE revision = 'u1';
SET client_min_messages = warning;
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.upgrade('u1');
UPDATE pgmigrate.begun_statement SET state = 'begun' WHERE statement = 1;
TABLE mark_lost;
SELECT revision, state FROM pgmigrate.downgrade('base');
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.upgrade('u1');
TABLE mark_lost;
UPDATE sw SET v = 0;
SELECT revision, state FROM pgmigrate.downgrade('base');
UPDATE pgmigrate.begun_statement SET state = 'begun' WHERE statement = 1;
TABLE mark_lost;
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE sw SET v = 1;
SELECT revision, state FROM pgmigrate.downgrade('base');
TABLE mark_lost;
-- a DROP INDEX that was stopped when nobody used the index any more, and one that had done nothing
SELECT revision, state FROM pgmigrate.upgrade('u1');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.u_a'::regclass;
INSERT INTO pgmigrate.begun_statement (revision, statement, direction, run, digest, state, object, index_name, relations)
	SELECT 'u1', 1, 'down', max(id), '', 'begun', 'app.u_a'::regclass, 'u_a', ARRAY['app.unmarked'::regclass] FROM pgmigrate.run;
TABLE mark_lost;
SELECT revision, state FROM pgmigrate.upgrade();
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'app.u_a'::regclass;
TABLE mark_lost;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
DROP VIEW mark_lost;
DROP TABLE app.unmarked;

-- what was begun online is taken back when the statement is another by then
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE TABLE app.online AS SELECT 1 AS i;
-- compiled under this path, whatever the server sets for the statement: its name in a context is the same on all
CREATE FUNCTION app.ends(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$BEGIN
	IF EXISTS (SELECT FROM app.sw WHERE v = 0) AND EXISTS (SELECT FROM pg_stat_activity WHERE pid = pg_backend_pid() AND backend_type = 'pgmigrate worker')
	THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN true; END$$;
CREATE VIEW made AS SELECT o.state, o.done, (SELECT convalidated FROM pg_constraint WHERE conrelid = 'app.online'::regclass) AS valid FROM pgmigrate.operations o;
SELECT pgmigrate.revision('online', '-- pgmigrate: online
ALTER TABLE app.online ADD CONSTRAINT online_ok CHECK (app.ends(i))', 'SELECT 1', id => 'o1');
UPDATE sw SET v = 0;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
UPDATE sw SET v = 1;
TABLE made;
SELECT pgmigrate.amend('o1', upgrade => 'SELECT 1');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE made;
-- until then it is partly applied, and nothing goes below it
SELECT pgmigrate.revision('table', 'CREATE TABLE app.parent AS SELECT 1 AS i, 1 AS j', 'DROP TABLE app.parent', id => 'o2');
SELECT pgmigrate.revision('online', '-- pgmigrate: online
ALTER TABLE app.parent ADD CONSTRAINT ok CHECK (app.ends(i))', 'SELECT 1', id => 'o3');
SELECT revision, state FROM pgmigrate.upgrade('o2');
UPDATE sw SET v = 0;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.revisions;
SELECT revision, state FROM pgmigrate.history('o3');
SELECT revision, state FROM pgmigrate.downgrade('o1');
SELECT revision FROM pgmigrate.plan('base', 'downgrade');
UPDATE sw SET v = 1;
-- it goes on as it began, whatever is set now
SET pgmigrate.online = off;
SELECT revision, state FROM pgmigrate.upgrade();
RESET pgmigrate.online;
SELECT revision, state FROM pgmigrate.downgrade('o2');
ALTER TABLE app.parent DROP CONSTRAINT ok;
-- remove() and a stamp end it
UPDATE sw SET v = 0;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.stamp('o2');
SELECT state FROM pgmigrate.operations ORDER BY operation;
SELECT revision, state FROM pgmigrate.revisions;
ALTER TABLE app.parent DROP CONSTRAINT ok;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT pgmigrate.remove('o3');
SELECT state FROM pgmigrate.operations ORDER BY operation;
SELECT pgmigrate.revision('online', '-- pgmigrate: online
ALTER TABLE app.parent ADD CONSTRAINT ok CHECK (app.ends(i))', 'SELECT 1', id => 'o3');
ALTER TABLE app.parent DROP CONSTRAINT ok;
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.stamp('o3');
SELECT state FROM pgmigrate.operations ORDER BY operation;
-- what a copy and triggers are left of, they refuse by name
ALTER TABLE app.parent DROP CONSTRAINT ok;
CREATE FUNCTION app.grown(int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT CASE WHEN app.ends($1) THEN $1 END$$;
SELECT pgmigrate.revision('copy', '-- pgmigrate: online
ALTER TABLE app.parent ALTER j TYPE bigint USING app.grown(j)', 'SELECT 1', id => 'o4');
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.revisions WHERE revision = 'o4';
SELECT revision, state FROM pgmigrate.downgrade('o1');
SELECT revision, state FROM pgmigrate.stamp('o3');
SELECT revision, state FROM pgmigrate.stamp('o4');
SELECT pgmigrate.remove('o4');
SELECT relation, action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'app.parent'::regclass;
SELECT revision, state FROM pgmigrate.revisions WHERE revision = 'o4';
SELECT revision, state FROM pgmigrate.stamp('o3');
SELECT pgmigrate.remove('o4');
DROP VIEW made;

-- REINDEX goes over partitions, TOAST tables and schemas, and so does what it
-- leaves when it fails
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE FUNCTION app.may_fail(int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog
	AS $$BEGIN IF current_setting('app.fail', true) = 'on' THEN RAISE 'failed on purpose'; END IF; RETURN $1; END$$;
CREATE TABLE app.parted (a int, b text) PARTITION BY RANGE (a);
CREATE TABLE app.parted_1 PARTITION OF app.parted FOR VALUES FROM (0) TO (10);
CREATE TABLE app.parted_2 PARTITION OF app.parted FOR VALUES FROM (10) TO (20);
INSERT INTO app.parted SELECT g, 'x' FROM generate_series(1, 15) g;
CREATE INDEX parted_i ON app.parted (app.may_fail(a));
SELECT pgmigrate.revision('of a table', 'SET app.fail = on; REINDEX TABLE CONCURRENTLY app.parted', id => 'reindex1', transactional => false, down_revision => '{}');
SELECT revision, state FROM pgmigrate.upgrade('reindex1');
SELECT regexp_replace(indexrelid::regclass::text, '\d+_index', 'N_index') AS invalid FROM pg_index WHERE NOT indisvalid ORDER BY 1;
-- whatever the table is called by then
ALTER TABLE app.parted_1 RENAME TO "Parted one";
SELECT pgmigrate.amend('reindex1', upgrade => 'SET app.fail = on; SET app.fail = off; REINDEX TABLE CONCURRENTLY app.parted');
SET client_min_messages = warning;
SELECT revision, state FROM pgmigrate.upgrade('reindex1');
SELECT count(*) AS invalid FROM pg_index WHERE NOT indisvalid;
SELECT pgmigrate.revision('of an index', 'SET app.fail = on; REINDEX INDEX CONCURRENTLY app.parted_i', id => 'reindex2', transactional => false, down_revision => '{reindex1}');
SELECT pgmigrate.revision('of a schema', 'REINDEX SCHEMA CONCURRENTLY app', id => 'reindex3', down_revision => '{reindex2}');
SELECT revision, state FROM pgmigrate.upgrade('reindex2');
SELECT indexrelid::regclass AS invalid FROM pg_index WHERE NOT indisvalid ORDER BY 1;
SELECT pgmigrate.amend('reindex2', upgrade => 'SET app.fail = on; RESET app.fail; REINDEX INDEX CONCURRENTLY app.parted_i');
ALTER DATABASE :DBNAME SET app.fail = on;
SELECT revision, state FROM pgmigrate.upgrade('reindex2');
ALTER DATABASE :DBNAME RESET app.fail;
SELECT revision, state FROM pgmigrate.upgrade('reindex2');
ALTER DATABASE :DBNAME SET app.fail = on;
SELECT revision, state FROM pgmigrate.upgrade('reindex3');
SELECT count(*) > 0 AS some FROM pg_index WHERE NOT indisvalid;
ALTER DATABASE :DBNAME RESET app.fail;
SELECT revision, state FROM pgmigrate.upgrade('reindex3');
SELECT indexrelid::regclass AS invalid FROM pg_index WHERE NOT indisvalid;

-- stopped after the switch of what is carried out online, by its ANALYZE: the
-- statement is done, also when what was kept for the way back is gone
SET search_path = app;
\set SHOW_CONTEXT never
SET pgmigrate.online_threshold = 0;
CREATE TABLE stops (revision text);
CREATE FUNCTION stops_after(i bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pgmigrate.operation o JOIN app.stops USING (revision) WHERE o.state = 'switched') THEN
		RAISE 'stopped after the switch';
	END IF;
	RETURN i;
END $$;
CREATE TABLE wide (id int PRIMARY KEY, n int);
INSERT INTO wide SELECT g, g FROM generate_series(1, 10) g;
CREATE INDEX ON wide (stops_after(id));
SELECT pgmigrate.revision('wide', 'ALTER TABLE wide ALTER n TYPE bigint, ADD c int', 'ALTER TABLE wide ALTER n TYPE int, DROP c', id => 'wide', down_revision => '{}');
INSERT INTO stops VALUES ('wide');
SELECT revision, state FROM pgmigrate.upgrade('wide');
SELECT o.state, v.state FROM pgmigrate.operations o JOIN pgmigrate.revisions v USING (revision) WHERE revision = 'wide';
DELETE FROM stops;
SELECT action FROM pgmigrate.finalize((SELECT operation FROM pgmigrate.operations WHERE revision = 'wide'));
SELECT state FROM pgmigrate.revisions WHERE revision = 'wide';
SELECT script FROM pgmigrate.script('wide') WHERE script ~ 'ALTER|script_st';
SELECT revision, state FROM pgmigrate.upgrade('wide');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attnum > 0 AND NOT attisdropped;
-- one without a way back, for a volatile USING cannot be it, that was stopped
-- before it was finalized stands in nobody's way
SELECT pgmigrate.revision('no way back', 'ALTER TABLE wide ALTER n TYPE point USING point(n, 0), ADD d int', 'ALTER TABLE wide ALTER n TYPE bigint USING n[0] + 0 * random(), DROP d', id => 'narrow', down_revision => '{wide}');
INSERT INTO stops VALUES ('narrow');
SELECT revision, state FROM pgmigrate.upgrade('narrow');
DELETE FROM stops;
SELECT revision, state FROM pgmigrate.upgrade('narrow');
SELECT state, revert_until < clock_timestamp() AS is_due FROM pgmigrate.operations WHERE revision = 'narrow';
SELECT revision, state FROM pgmigrate.downgrade('wide');
SELECT DISTINCT state FROM pgmigrate.operations WHERE revision = 'narrow';
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attnum > 0 AND NOT attisdropped;

SELECT pgmigrate.remove('narrow');

-- what is half carried out online is no matter of a script, nor of one that was
-- made before
CREATE FUNCTION may_be_full(i bigint) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM app.stops WHERE revision = 'killed') THEN
		PERFORM pg_terminate_backend(pg_backend_pid());
	ELSIF EXISTS (SELECT FROM app.stops) THEN
		RAISE 'no room' USING ERRCODE = 'disk_full';
	END IF;
	RETURN true;
END $$;
SELECT pgmigrate.revision('checked', 'ALTER TABLE wide ADD CHECK (may_be_full(n))', 'ALTER TABLE wide DROP CONSTRAINT wide_n_check', id => 'checked', down_revision => '{wide}');
INSERT INTO stops VALUES ('checked');
SELECT revision, state FROM pgmigrate.upgrade('checked');
SELECT o.state, v.state FROM pgmigrate.operations o JOIN pgmigrate.revisions v USING (revision) WHERE revision = 'checked';
SELECT script FROM pgmigrate.script('checked');
SELECT pgmigrate.script_begin('upgrade', 'checked', ARRAY(SELECT revision FROM pgmigrate.current()), '{checked}', ARRAY(SELECT digest FROM pgmigrate.revision WHERE id = 'checked'));
SELECT script FROM pgmigrate.script('wide:checked') WHERE script ~ 'ALTER|script_st';
BEGIN;
SELECT revision, state FROM pgmigrate.upgrade('checked');
ROLLBACK;
-- nor is it at work on its table when its process is gone
UPDATE stops SET revision = 'killed';
SELECT revision, state FROM pgmigrate.upgrade('checked');
SELECT state FROM pgmigrate.operations WHERE revision = 'checked';
DELETE FROM stops;
SELECT state FROM pgmigrate.backfill('wide', 'c = id', 'c IS NULL');
SELECT state, error FROM pgmigrate.operation WHERE revision = 'checked';
SELECT revision, state FROM pgmigrate.upgrade('checked');
SELECT o.state, v.state FROM pgmigrate.operations o JOIN pgmigrate.revisions v USING (revision) WHERE revision = 'checked';
-- a rebuild has no steps: where it stood is where its operation did
INSERT INTO stops VALUES ('killed');
SELECT action FROM pgmigrate.rebuild('wide', 'ALTER c TYPE bigint');
DELETE FROM stops;
SET client_min_messages = notice;
SELECT action FROM pgmigrate.rebuild('wide', 'ALTER c TYPE bigint');
SET client_min_messages = warning;
SELECT action FROM pgmigrate.finalize();
\set SHOW_CONTEXT errors
RESET pgmigrate.online_threshold;

SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
DROP SCHEMA app CASCADE;
CREATE EXTENSION pgmigrate;
