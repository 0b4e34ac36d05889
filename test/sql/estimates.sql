-- Indexes take as long as their kind does, and REINDEX as long as all of them, in estimates as in what is measured.
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA estimates;
SET search_path = estimates;
CREATE TABLE doc (id int, words tsvector, span int4range, at timestamptz DEFAULT now());
INSERT INTO doc SELECT g, to_tsvector('simple', 'w' || g % 50 || ' w' || g % 7), int4range(g, g + 5) FROM generate_series(1, 20000) g;
CREATE TABLE two (id int PRIMARY KEY, a int);
CREATE INDEX two_a ON two USING hash (a);
INSERT INTO two SELECT g, g FROM generate_series(1, 30000) g;
CREATE TABLE bare (a int);
INSERT INTO bare SELECT generate_series(1, 30000);
ANALYZE;
CREATE FUNCTION weight(sql text, work text) RETURNS numeric LANGUAGE sql AS
	$$SELECT sum(coalesce((e->>'weight')::numeric, 1)) FROM pgmigrate.lint(sql) l, LATERAL (SELECT l.details->'estimate') AS x (e)
	WHERE l.rule = 'lock' AND e->>'work' = weight.work$$;
SELECT sql, weight(sql, 'index build') AS build, weight(sql, 'concurrent index build') AS concurrently FROM unnest(ARRAY[
	'CREATE INDEX ON doc (id)', 'CREATE INDEX ON doc USING hash (id)', 'CREATE INDEX ON doc USING gin (words)', 'CREATE INDEX ON doc USING gist (span)',
	'CREATE INDEX ON doc USING spgist (span)', 'CREATE INDEX ON doc USING brin (id)', 'CREATE INDEX CONCURRENTLY ON doc USING gin (words)',
	'ALTER TABLE doc ADD UNIQUE (id), ADD PRIMARY KEY (id)', 'ALTER TABLE doc ADD EXCLUDE USING gist (span WITH &&)',
	'REINDEX INDEX two_a', 'REINDEX TABLE two', 'REINDEX TABLE CONCURRENTLY two', 'REINDEX SCHEMA estimates', 'REINDEX TABLE bare']) AS sql;
SELECT details->'estimate'->'weight' AS weight, (details->'estimate'->>'bytes')::bigint = pg_relation_size('doc') AS heap
FROM pgmigrate.lint('CREATE INDEX ON doc USING gin (words)') WHERE rule = 'lock' AND relation = 'estimates.doc';

-- so it is measured
SELECT pgmigrate.revision('built', id => 'estimates_built', upgrade => 'CREATE INDEX ON estimates.doc USING gin (words); CREATE INDEX ON estimates.doc (id); REINDEX TABLE estimates.two');
SELECT state FROM pgmigrate.upgrade('estimates_built');
SELECT s->'statement' AS n, s#>>'{happened,work}' AS work, round((s#>>'{happened,weighed_bytes}')::numeric / (s#>>'{happened,bytes}')::numeric, 1) AS weight
FROM pgmigrate.run_step, jsonb_array_elements(details->'statements') s WHERE revision = 'estimates_built' ORDER BY 1;
SELECT work, samples FROM pgmigrate.throughput WHERE work ~ 'index';
SELECT abs(t.bytes_per_second - percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce((s#>>'{happened,weighed_bytes}')::float8, (s#>>'{happened,bytes}')::float8)
	* 1000 / (s#>>'{happened,ms}')::float8)) < 2 AS weighed
FROM pgmigrate.throughput t, pgmigrate.run_step, jsonb_array_elements(details->'statements') s
WHERE revision = 'estimates_built' AND t.work = 'index build' AND (s#>>'{happened,bytes}')::int >= 1048576 GROUP BY t.bytes_per_second;

DROP SCHEMA estimates CASCADE;
-- without what was measured here
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
