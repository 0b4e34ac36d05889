-- compare() by parallel workers: the same answer as without.
CREATE SCHEMA cmpp;
SET search_path = cmpp;
SET min_parallel_table_scan_size = 0;

CREATE TABLE a (v int, t text, n numeric, jb jsonb, id int PRIMARY KEY);
INSERT INTO a SELECT i % 7, nullif('t' || i % 9, 't0'), i / 4.0, jsonb_build_object('k', i % 4), i
FROM generate_series(1, 8000) i;
CREATE TABLE same AS SELECT * FROM a ORDER BY md5(id::text);
CREATE TABLE b (LIKE a);
INSERT INTO b SELECT * FROM same;
UPDATE b SET v = NULL WHERE id = 17;
UPDATE b SET t = t || ' ' WHERE id = 4001;
UPDATE b SET n = trim_scale(n) WHERE id IN (4000, 4004);
UPDATE b SET jb = '[]' WHERE id = 6000;
DELETE FROM b WHERE id IN (1, 8000);
INSERT INTO b (id) VALUES (0), (8001);
CREATE TABLE twice AS SELECT * FROM a UNION ALL SELECT * FROM a WHERE id % 2000 = 0;
ALTER TABLE twice ALTER id DROP NOT NULL;
CREATE TABLE many AS SELECT v + 1 AS v, t, n, jb, id FROM a WHERE id % 3 > 0;
CREATE TABLE empty (LIKE a);
CREATE TABLE one (LIKE a) PARTITION BY RANGE (id);
CREATE TABLE only_one PARTITION OF one DEFAULT;
INSERT INTO one SELECT * FROM same WHERE id <> 5;

CREATE TABLE pairs (n int, a regclass, b regclass, mapping jsonb);
INSERT INTO pairs VALUES (1, 'a', 'same', NULL), (2, 'a', 'b', NULL), (3, 'b', 'a', NULL),
	(4, 'same', 'twice', NULL), (5, 'a', 'empty', '{"v": "v * 2"}'), (6, 'empty', 'a', NULL),
	(7, 'a', 'many', NULL), (8, 'a', 'b', '{"v": null, "t": "rtrim(t)"}'),
	(9, 'a', 'a', '{"v": "v + (id = 7)::int"}'), (10, 'a', 'one', NULL);
CREATE VIEW answers AS
SELECT n, c.rows, c.differences, c.bound, CASE WHEN c.differences <= 20 THEN c.examples END AS examples, c.method
FROM pairs, pgmigrate.compare(a, b, mapping) c;

SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS TABLE answers;
SET max_parallel_workers_per_gather = 3;
CREATE TABLE parallel AS TABLE answers;
SET parallel_leader_participation = off;
CREATE TABLE workers AS TABLE answers;
SELECT n, rows, differences, jsonb_path_query_array(examples, '$[*].key.id') AS ids FROM workers ORDER BY n;
(TABLE serial EXCEPT TABLE parallel) UNION ALL (TABLE serial EXCEPT TABLE workers);
SELECT (SELECT count(*) FROM serial) AS serial, (SELECT count(*) FROM parallel) AS parallel;
-- a sample is drawn on both sides, whoever reads the row
SELECT rows BETWEEN 600 AND 1000 AS drawn, differences, bound < 0.006 AS bounded
FROM pgmigrate.compare('a', 'same', sample => 0.1);
-- A worker says so, and its error is that of the call.
CREATE FUNCTION cmpp.reader(v int) RETURNS int LANGUAGE plpgsql AS
$$
BEGIN
	IF (SELECT leader_pid <> pid FROM pg_stat_activity WHERE pid = pg_backend_pid()) THEN
		RAISE EXCEPTION 'read by a worker';
	END IF;
	RETURN v;
END
$$;
CREATE FUNCTION cmpp.tried(a regclass, b regclass, mapping jsonb) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	RETURN (SELECT differences FROM pgmigrate.compare(a, b, mapping));
EXCEPTION WHEN raise_exception THEN
	RETURN SQLERRM;
END
$$;
CREATE TABLE few AS SELECT * FROM a WHERE id <= 100;
CREATE TABLE few2 AS TABLE few;
CREATE FUNCTION cmpp.what() RETURNS text LANGUAGE sql AS
	$$ SELECT cmpp.tried('few', 'few2', '{"v": "reader(v)"}') $$;
-- unsafe, and restricted, is for the caller alone
SELECT cmpp.what();
ALTER FUNCTION cmpp.reader PARALLEL RESTRICTED;
SELECT cmpp.what();
ALTER FUNCTION cmpp.reader PARALLEL SAFE;
SELECT cmpp.what();
-- where rows are the same their sums say so, and nobody reads them again
CREATE FUNCTION cmpp.by_worker(v int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS
$$
BEGIN
	IF (SELECT leader_pid IS NULL OR leader_pid = pid FROM pg_stat_activity WHERE pid = pg_backend_pid()) THEN
		RAISE EXCEPTION 'read by the caller';
	END IF;
	RETURN v;
END
$$;
SELECT cmpp.tried('few', 'few2', '{"v": "by_worker(v)"}');
SELECT cmpp.tried('few', 'few2', '{"v": "by_worker(v + (id = 7)::int)"}');
-- without workers the caller reads; the settings of the server hold
SET max_parallel_workers = 0;
SELECT cmpp.what();
RESET max_parallel_workers;
SET min_parallel_table_scan_size = '8MB';
SELECT cmpp.what();
SET min_parallel_table_scan_size = 0;
-- and tables can forbid it
ALTER TABLE few SET (parallel_workers = 0);
ALTER TABLE few2 SET (parallel_workers = 0);
SELECT cmpp.what();
ALTER TABLE few RESET (parallel_workers);
ALTER TABLE few2 SET (parallel_workers = 2);
-- a temporary table, and a column that is compared as text
CREATE TEMP TABLE mine AS TABLE few;
SELECT cmpp.tried('mine', 'few2', '{"v": "reader(v)"}');
CREATE TYPE cmpp.two AS (x int, y int);
ALTER TABLE few ADD p two;
ALTER TABLE few2 ADD p two;
SELECT cmpp.what();
ALTER TABLE few DROP p;
-- all of it in one transaction: what it has written is seen, errors leave nothing behind
BEGIN;
UPDATE few2 SET t = 'changed' WHERE id = 50;
DELETE FROM few2 WHERE id = 51;
SELECT cmpp.what();
SELECT rows, differences FROM pgmigrate.compare('few', 'few2');
SELECT cmpp.what();
SELECT rows, differences FROM pgmigrate.compare('few', 'few2');
CREATE TABLE written AS SELECT rows, differences FROM pgmigrate.compare('few', 'few2');
ROLLBACK;

-- As the caller, in a worker too.
CREATE ROLE regress_cmpp;
GRANT USAGE ON SCHEMA cmpp TO regress_cmpp;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_cmpp', 'viewer');
GRANT SELECT ON few, few2 TO regress_cmpp;
CREATE FUNCTION cmpp.caller(v int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS
$$
BEGIN
	IF current_user <> 'regress_cmpp' THEN
		RAISE EXCEPTION 'read as %', current_user;
	END IF;
	RETURN v;
END
$$;
SET ROLE regress_cmpp;
SELECT cmpp.tried('few', 'few2', '{"v": "cmpp.caller(v)"}');
RESET ROLE;
ALTER TABLE few2 ENABLE ROW LEVEL SECURITY;
SET ROLE regress_cmpp;
SELECT * FROM pgmigrate.compare('few', 'few2');
RESET ROLE;

SET client_min_messages = warning;
DROP OWNED BY regress_cmpp;
DROP ROLE regress_cmpp;
DROP SCHEMA cmpp CASCADE;
