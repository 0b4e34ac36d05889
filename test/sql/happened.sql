-- What was predicted of each statement, what it did, and where that differs.
SET client_min_messages = error;
SET pgmigrate.lock_timeout = 0;
SET pgmigrate.online = off;
CREATE SCHEMA happened;
SET search_path = happened;
CREATE TABLE account (id int PRIMARY KEY, n int, t text) WITH (autovacuum_enabled = off);
INSERT INTO account SELECT g, g, repeat('x', 100) FROM generate_series(1, 20000) g;
CREATE TABLE entry (id int PRIMARY KEY, account int REFERENCES account);
CREATE TABLE log (id int);
CREATE TABLE quiet (id int);
-- of the last run, without what differs from run to run
CREATE VIEW statements AS
SELECT s.revision, (e->>'statement')::int AS n, e#>>'{predicted,source}' AS source, e#>'{predicted,locks}' AS predicted,
	concat_ws('/', e#>>'{predicted,rewrites}', e#>>'{predicted,scans}') AS predicts, e#>'{happened,locks}' AS happened,
	concat_ws('/', e#>>'{happened,rewrites}', e#>>'{happened,scans}') AS did, e#>>'{happened,work}' AS work,
	e#>>'{happened,rows}' AS rows, (e#>'{happened,bytes}')::bigint > 1e6 AS large, (e#>'{happened,ms}')::float > 0 AS timed
FROM pgmigrate.run_step s, jsonb_array_elements(s.details->'statements') e
WHERE s.run = (SELECT max(id) FROM pgmigrate.run) ORDER BY s.step, n;
CREATE VIEW errors AS SELECT revision, statement, kind, relation, predicted, happened FROM pgmigrate.prediction_errors
WHERE run = (SELECT max(id) FROM pgmigrate.run) AND kind <> 'ms' ORDER BY 1, 2, 3, 4;
CREATE FUNCTION revise(id text, sql text, transactional bool DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$SELECT pgmigrate.revision(id, sql, 'SELECT', id, COALESCE((SELECT array_agg(revision) FROM pgmigrate.heads() WHERE revision LIKE 'hap%'), '{}'), transactional => transactional)$$;

-- by the text alone
SELECT revise('hap1', $$
CREATE TABLE fresh (id int);
ALTER TABLE fresh ALTER id TYPE bigint;
CREATE INDEX ON fresh (id);
ALTER TABLE account ADD x int;
ALTER TABLE account ALTER n TYPE bigint;
CREATE INDEX ON account (t);
ALTER TABLE entry DROP CONSTRAINT entry_account_fkey;
ALTER TABLE entry ADD FOREIGN KEY (account) REFERENCES account;
UPDATE account SET n = 0 WHERE id <= 10;
TRUNCATE quiet;
DROP TABLE log;
$$);
SELECT count(*) FROM pgmigrate.upgrade('hap1');
SELECT * FROM statements;
SELECT * FROM errors;

-- as an assessment has found out
SELECT revise('hap2', $$
ALTER TABLE account ALTER n TYPE int;
ALTER TABLE account ALTER t SET NOT NULL;
ALTER TABLE account ALTER x SET DEFAULT 1;
ALTER TABLE account ADD UNIQUE (t, id);
$$);
SELECT count(*) > 0 AS assessed FROM pgmigrate.assess('hap2');
SELECT count(*) > 0 AS again FROM pgmigrate.assess('hap2');
SELECT revision, jsonb_array_length(statements) AS statements FROM pgmigrate.assessment WHERE revision LIKE 'hap%';
SELECT count(*) FROM pgmigrate.upgrade('hap2');
SELECT * FROM statements;
SELECT * FROM errors;

-- estimates come from what was measured
SELECT work, samples > 0 AS samples, bytes_per_second BETWEEN slowest AND fastest AS median, milliseconds > 0 AS ms, newest IS NOT NULL AS newest
FROM pgmigrate.throughput ORDER BY work;
SELECT e->>'basis' AS basis, (e->>'samples')::int = t.samples AS samples, (e->>'bytes_per_second')::bigint = t.bytes_per_second AS rate
FROM pgmigrate.lint('ALTER TABLE account ALTER n TYPE bigint') l, LATERAL (SELECT l.details->'estimate') AS x (e), pgmigrate.throughput t
WHERE l.rule = 'lock' AND l.relation = 'happened.account' AND t.work = 'rewrite';

-- what was predicted and is not so
SELECT revise('hap3', 'ALTER TABLE account ALTER x SET DEFAULT 2; CREATE INDEX ON account (x)');
INSERT INTO pgmigrate.assessment (revision, digest, statements) SELECT revision, digest, $$[
	{"statement": 1, "rewrites": true, "scans": true, "relations": [{"relation": "happened.account", "mode": 4, "rewrites": true}, {"relation": "happened.entry", "mode": 8}, {"relation": "happened.gone", "mode": 8}]},
	{"statement": 2, "rewrites": false, "scans": false, "relations": [{"relation": "happened.account", "mode": 5}]}]$$
FROM pgmigrate.show('hap3');
SELECT count(*) FROM pgmigrate.upgrade('hap3');
SELECT * FROM errors;

-- a lock that nobody could predict, and a statement that cannot be looked into
CREATE FUNCTION locks() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN LOCK TABLE happened.quiet IN SHARE MODE; RETURN new; END$$;
CREATE TRIGGER locks BEFORE UPDATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION locks();
SELECT revise('hap4', $$UPDATE entry SET account = NULL; DO 'BEGIN LOCK TABLE happened.account; END'$$);
SELECT count(*) FROM pgmigrate.upgrade('hap4');
SELECT n, source, predicted, happened, work FROM statements;
SELECT * FROM errors;

-- statements that commit by themselves
SELECT revise('hap5', 'CREATE INDEX CONCURRENTLY account_n ON account (n); ALTER TABLE account ALTER x DROP DEFAULT; VACUUM FULL account');
SELECT count(*) FROM pgmigrate.upgrade('hap5');
SELECT n, predicts, happened, did, work, large FROM statements;

-- in one transaction, and in that of a caller
SELECT revise('hap6', 'ALTER TABLE account ADD y int');
SELECT revise('hap7', 'CREATE TABLE made (id int)');
SELECT revise('hap8', 'ALTER TABLE made ADD z int; ALTER TABLE account ADD z int');
SET pgmigrate.transaction_per_migration = off;
SELECT count(*) FROM pgmigrate.upgrade('hap8');
RESET pgmigrate.transaction_per_migration;
SELECT revision, n, predicted, happened FROM statements;
-- nothing is said of what makes something new
SELECT details FROM pgmigrate.run_step WHERE revision = 'hap7';
SELECT revise('hap9', 'ALTER TABLE account DROP y');
BEGIN;
SELECT count(*) FROM pgmigrate.upgrade('hap9');
COMMIT;
SELECT revision, n, predicted, happened FROM statements;

-- of a step that failed, what was done before; and once more when it is repeated
SELECT revise('hapa', 'ALTER TABLE account DROP z; ALTER TABLE account ALTER t TYPE int USING t::int');
SELECT pgmigrate.upgrade('hapa');
SELECT revision, n, happened FROM statements;
SELECT pgmigrate.amend('hapa', upgrade => 'ALTER TABLE account DROP z; ALTER TABLE account ALTER t TYPE varchar');
SELECT count(*) FROM pgmigrate.upgrade('hapa');
SELECT revision, n, happened FROM statements;

-- with locks that are taken ahead the prediction is believed, not more
SELECT revise('hapb', 'ALTER TABLE account ADD z int; UPDATE entry SET account = NULL');
SET pgmigrate.lock_timeout = '200ms';
SELECT count(*) FROM pgmigrate.upgrade('hapb');
SELECT n, predicted, happened FROM statements;
SELECT * FROM errors;

-- a prediction weaker than what was taken ahead
SELECT revise('hapb2', 'ALTER TABLE account ALTER x SET DEFAULT 2');
INSERT INTO pgmigrate.assessment (revision, digest, statements) SELECT revision, digest, $$[
	{"statement": 1, "rewrites": false, "scans": false, "relations": [{"relation": "happened.account", "mode": 4}]}]$$
FROM pgmigrate.show('hapb2');
SELECT count(*) FROM pgmigrate.upgrade('hapb2');
SELECT n, predicted, happened FROM statements;

-- what another role has found out, or another search_path, is nothing to it
CREATE ROLE regress_pgm_assessor;
GRANT ALL ON SCHEMA happened TO regress_pgm_assessor;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_pgm_assessor', 'author');
SELECT revise('hapb3', 'CREATE INDEX ON account (x)');
SET search_path = pg_temp, happened;
CREATE TABLE pg_temp.account (x int) PARTITION BY LIST (x);
SELECT count(*) > 0 AS assessed FROM pgmigrate.assess('hapb3');
DROP TABLE pg_temp.account;
SET search_path = happened;
INSERT INTO pgmigrate.assessment (revision, digest, statements, role) SELECT revision, digest, $$[
	{"statement": 1, "rewrites": true, "scans": false, "relations": [{"relation": "happened.account", "mode": 8}]}]$$,
	'regress_pgm_assessor'::regrole FROM pgmigrate.show('hapb3');
SELECT count(*) FROM pgmigrate.upgrade('hapb3');
SELECT n, predicted, happened FROM statements;
SELECT * FROM errors WHERE revision = 'hapb3';
-- and there is an end to it
SELECT pgmigrate.revision('m', 'ALTER TABLE account ADD z2 int', id => 'hapb4', down_revision => '{hapb3}');
CREATE PROCEDURE assess_often() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..20 LOOP
		EXECUTE format('SET search_path = happened, s%s', i);
		PERFORM FROM pgmigrate.assess('hapb4');
	END LOOP;
END $$;
CALL assess_often();
SET search_path = happened;
SELECT count(*), bool_and(role = current_user::regrole) AS mine, bool_and(search_path ~ 's(1[6-9]|20)$') AS newest FROM pgmigrate.assessment WHERE revision = 'hapb4';
DROP OWNED BY regress_pgm_assessor;
DROP ROLE regress_pgm_assessor;
SELECT pgmigrate.remove('hapb4');

-- many relations
CREATE TABLE parent (id int) PARTITION BY LIST (id);
DO $$BEGIN FOR i IN 1..150 LOOP EXECUTE format('CREATE TABLE part%s PARTITION OF parent FOR VALUES IN (%s)', i, i); END LOOP; END$$;
SELECT revise('hapc', 'ALTER TABLE parent ADD z int');
SELECT count(*) FROM pgmigrate.upgrade('hapc');
SELECT n, (SELECT count(*) FROM jsonb_object_keys(predicted)) AS predicted, (SELECT count(*) FROM jsonb_object_keys(happened)) AS happened FROM statements;
SELECT * FROM errors;
-- all of it is dumped and restored with the ledger
SELECT extconfig @> ARRAY['pgmigrate.assessment'::regclass::oid] AS dumped FROM pg_extension WHERE extname = 'pgmigrate';

SELECT count(*) FROM pgmigrate.stamp('base', purge => true);
SELECT count(pgmigrate.remove(id)) FROM (SELECT 'hap' || c AS id FROM unnest('{c,b3,b2,b,a,9,8,7,6,5,4,3,2,1}'::text[]) WITH ORDINALITY AS u (c, o) ORDER BY o) x;
DROP SCHEMA happened CASCADE;
