-- What a monitoring system asks.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;

-- a database in which nothing has happened yet
SELECT name, labels, value FROM pgmigrate.metrics ORDER BY name COLLATE "C", labels;

-- after runs that were done and one that failed
CREATE TABLE m_table (id int);
SELECT pgmigrate.revision('one', 'ALTER TABLE m_table ADD a int; CREATE INDEX m_index ON m_table (a)', 'DROP INDEX m_index; ALTER TABLE m_table DROP a', id => 'm1');
SELECT pgmigrate.revision('two', 'SELECT 1/0', 'SELECT 1', id => 'm2');
SELECT state FROM pgmigrate.upgrade('m1');
SELECT state FROM pgmigrate.upgrade();
SELECT name, labels, value FROM pgmigrate.metrics
WHERE value <> 0 AND name !~ '_(hash|seconds|info)$' ORDER BY name COLLATE "C", labels;

-- counters do not go down, and every state has its line from the beginning
CREATE TEMP TABLE m_before AS SELECT name, labels, value FROM pgmigrate.metrics WHERE type = 'counter';
SELECT state FROM pgmigrate.downgrade('base');
SELECT state FROM pgmigrate.upgrade('m1');
SELECT b.name, b.labels, b.value AS before, m.value AS after
FROM m_before b LEFT JOIN pgmigrate.metrics m USING (name, labels)
WHERE m.value IS DISTINCT FROM b.value ORDER BY b.name, b.labels;

-- times are of now, and ages since then
SELECT name, labels, value BETWEEN extract(epoch FROM now()) - 3600 AND extract(epoch FROM clock_timestamp()) AS recent
FROM pgmigrate.metrics WHERE name LIKE '%timestamp_seconds' ORDER BY name, labels;
SELECT name, value BETWEEN 0 AND 3600 AS young FROM pgmigrate.metrics
WHERE name IN ('pgmigrate_pending_oldest_age_seconds', 'pgmigrate_operation_switched_age_seconds') ORDER BY name;
SELECT value > 0 AS waits FROM pgmigrate.metrics WHERE name = 'pgmigrate_pending_oldest_age_seconds';

-- the same heads have the same number
CREATE TEMP TABLE m_hash AS SELECT value FROM pgmigrate.metrics WHERE name = 'pgmigrate_current_heads_hash';
SELECT state FROM pgmigrate.downgrade('base');
SELECT m.value <> h.value AS another FROM pgmigrate.metrics m, m_hash h WHERE name = 'pgmigrate_current_heads_hash';
SELECT state FROM pgmigrate.upgrade('m1');
SELECT m.value = h.value AS same, m.value = trunc(m.value) AND m.value < 2 ^ 48 AS whole
FROM pgmigrate.metrics m, m_hash h WHERE name = 'pgmigrate_current_heads_hash';

-- what is changed by hand is suspected, and no more once a run has seen it
CREATE VIEW m_suspected AS SELECT value FROM pgmigrate.metrics WHERE name = 'pgmigrate_drift_suspected';
SELECT state FROM pgmigrate.stamp('base');
SELECT state FROM pgmigrate.stamp('m1');
SELECT * FROM m_suspected;
CREATE TEMP TABLE m_temporary (id int);
ANALYZE m_table;
VACUUM m_table;
SELECT * FROM m_suspected;
ALTER TABLE m_table ALTER a SET DEFAULT 1;
SELECT * FROM m_suspected;
SELECT state FROM pgmigrate.stamp('base');
SELECT * FROM m_suspected;
DROP INDEX m_index;
SELECT * FROM m_suspected;
SELECT state FROM pgmigrate.stamp('m1');
SELECT * FROM m_suspected;
CREATE FUNCTION m_function() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT * FROM m_suspected;
SELECT state FROM pgmigrate.stamp('base');
ALTER TABLE m_table ADD CHECK (id > 0);
SELECT * FROM m_suspected;
DROP FUNCTION m_function();

-- an index that is INVALID
INSERT INTO m_table VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY m_invalid ON m_table (id);
SELECT value FROM pgmigrate.metrics WHERE name = 'pgmigrate_invalid_indexes';
DROP INDEX m_invalid;
SELECT value FROM pgmigrate.metrics WHERE name = 'pgmigrate_invalid_indexes';

-- each name says its unit, has one type and one sentence
SELECT name FROM pgmigrate.metrics GROUP BY name
HAVING count(DISTINCT (type, help)) > 1 OR min(help) !~ '^[A-Z0-9][^\n]*\.$'
	OR min(type) NOT IN ('counter', 'gauge') OR name !~ '^pgmigrate_[a-z_]+$'
	OR (min(type) = 'counter') <> (name LIKE '%\_total');
-- the labels are the columns
SELECT count(*) FROM pgmigrate.metrics
WHERE labels IS DISTINCT FROM jsonb_strip_nulls(jsonb_build_object('command', command, 'state', state, 'version', version, 'environment', environment));
SELECT name, labels FROM pgmigrate.metrics GROUP BY name, labels HAVING count(*) > 1;

-- as text: each metric is named once, before its values
SELECT line FROM pgmigrate.metrics_text() WITH ORDINALITY AS t (line, n)
WHERE line ~ 'pgmigrate_(revisions|heads|runs_total)[ {]' AND line !~ '"(stamp|backfill|rebuild)"' ORDER BY n;
SELECT count(*) FILTER (WHERE line LIKE '# HELP %') = count(*) FILTER (WHERE line LIKE '# TYPE %') AS both,
	count(*) FILTER (WHERE line !~ '^#') = (SELECT count(*) FROM pgmigrate.metrics) AS all,
	count(DISTINCT line) = count(*) AS once
FROM pgmigrate.metrics_text() AS t (line);
SELECT line FROM pgmigrate.metrics_text() AS t (line)
WHERE line !~ '^# HELP pgmigrate_[a-z_]+ .+$' AND line !~ '^# TYPE pgmigrate_[a-z_]+ (counter|gauge)$'
	AND line !~ '^pgmigrate_[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [-+0-9.e]+$';

DROP VIEW m_suspected;
DROP TABLE m_table;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
