/* What happened in earlier runs, and where it was predicted otherwise. */

CREATE TABLE pgmigrate.assessment (
	revision text NOT NULL,
	digest text NOT NULL,
	assessed timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	statements jsonb NOT NULL,
	role oid NOT NULL DEFAULT pg_catalog.quote_ident(CURRENT_USER)::regrole::oid,
	search_path text NOT NULL DEFAULT pg_catalog.current_setting('search_path')
);
ALTER TABLE pgmigrate.assessment REPLICA IDENTITY FULL;
CREATE INDEX assessment_digest ON pgmigrate.assessment (digest, role, assessed);
COMMENT ON TABLE pgmigrate.assessment IS 'what assess() found out about revisions, a row for each change of it, the newest few of each role; runs of the role compare with the last one';
COMMENT ON COLUMN pgmigrate.assessment.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.assessment.digest IS 'digest of the revision that was assessed';
COMMENT ON COLUMN pgmigrate.assessment.assessed IS 'time it was assessed';
COMMENT ON COLUMN pgmigrate.assessment.statements IS 'relations, rewrites and scans of each statement that was tried; mode is a number, weakest lock first';
COMMENT ON COLUMN pgmigrate.assessment.role IS 'role that assessed it: what names mean, and what may be tried, depends on the role';
COMMENT ON COLUMN pgmigrate.assessment.search_path IS 'search_path that it was assessed with';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.assessment', '');

CREATE INDEX run_step_statements ON pgmigrate.run_step (run, step)
	WHERE details OPERATOR(pg_catalog.?) 'statements';

CREATE VIEW pgmigrate.throughput AS
SELECT m.work,
	pg_catalog.count(*)::integer AS samples,
	pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY m.rate)::bigint AS bytes_per_second,
	pg_catalog.min(m.rate)::bigint AS slowest,
	pg_catalog.max(m.rate)::bigint AS fastest,
	pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY m.ms) AS milliseconds,
	pg_catalog.max(m.finished) AS newest
FROM (SELECT e.happened OPERATOR(pg_catalog.->>) 'work' AS work,
		e.ms,
		CASE WHEN e.happened OPERATOR(pg_catalog.->>) 'work' OPERATOR(pg_catalog.<>) 'catalog'
			THEN e.weighed OPERATOR(pg_catalog.*) 1000 OPERATOR(pg_catalog./) e.ms END AS rate,
		e.bytes,
		s.finished
	FROM (SELECT t.run, t.step, t.finished, t.details FROM pgmigrate.run_step t
		WHERE t.details OPERATOR(pg_catalog.?) 'statements'
		ORDER BY t.run DESC, t.step DESC LIMIT 500) s
	JOIN pgmigrate.run r ON r.id OPERATOR(pg_catalog.=) s.run
		AND r.system_identifier OPERATOR(pg_catalog.=) pgmigrate.system_identifier()
	CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(s.details OPERATOR(pg_catalog.->) 'statements') j
	CROSS JOIN LATERAL (SELECT j.value OPERATOR(pg_catalog.->) 'happened' AS happened,
		(j.value OPERATOR(pg_catalog.#>>) '{happened,bytes}')::double precision AS bytes,
		coalesce(j.value OPERATOR(pg_catalog.#>>) '{happened,weighed_bytes}',
			j.value OPERATOR(pg_catalog.#>>) '{happened,bytes}')::double precision AS weighed,
		(j.value OPERATOR(pg_catalog.#>>) '{happened,ms}')::double precision AS ms) e
	WHERE e.ms OPERATOR(pg_catalog.>) 0) m
WHERE m.work OPERATOR(pg_catalog.=) 'catalog'
	OR m.work IS NOT NULL AND m.bytes OPERATOR(pg_catalog.>=) 1048576
GROUP BY m.work;
COMMENT ON VIEW pgmigrate.throughput IS 'how fast tables were rewritten, scanned and indexed in the newest steps on this cluster; estimates come from it';

CREATE VIEW pgmigrate.prediction_errors AS
SELECT x.run, x.step, x.revision, x.direction, x.statement, w.kind, w.relation, w.predicted, w.happened, x.finished
FROM (SELECT s.run, s.step, s.revision, s.direction, s.finished,
		(j.value OPERATOR(pg_catalog.->>) 'statement')::integer AS statement,
		j.value OPERATOR(pg_catalog.->) 'predicted' AS predicted,
		j.value OPERATOR(pg_catalog.->) 'happened' AS happened,
		(j.value OPERATOR(pg_catalog.#>>) '{predicted,ms}')::numeric AS predicted_ms,
		(j.value OPERATOR(pg_catalog.#>>) '{happened,ms}')::numeric AS ms
	FROM pgmigrate.run_step s
	CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(s.details OPERATOR(pg_catalog.->) 'statements') j
	WHERE s.details OPERATOR(pg_catalog.?) 'statements') x
CROSS JOIN LATERAL (
	SELECT 'lock'::text AS kind, COALESCE(p.key, h.key) AS relation, p.value AS predicted, h.value AS happened
	FROM pg_catalog.jsonb_each_text(NULLIF(x.predicted OPERATOR(pg_catalog.->) 'locks', 'null')) p
	FULL JOIN pg_catalog.jsonb_each_text(NULLIF(x.happened OPERATOR(pg_catalog.->) 'locks', 'null')) h ON h.key OPERATOR(pg_catalog.=) p.key
	WHERE p.value IS DISTINCT FROM h.value
		/* a foreign key locks its parent for rows that are checked, if any */
		AND (p.value IS DISTINCT FROM 'RowShareLock' OR h.value IS NOT NULL)
		AND pg_catalog.jsonb_typeof(x.predicted OPERATOR(pg_catalog.->) 'locks') OPERATOR(pg_catalog.=) 'object'
		AND pg_catalog.jsonb_typeof(x.happened OPERATOR(pg_catalog.->) 'locks') OPERATOR(pg_catalog.=) 'object'
	UNION ALL
	SELECT v.kind, NULL, x.predicted OPERATOR(pg_catalog.->>) v.kind, x.happened OPERATOR(pg_catalog.->>) v.kind
	FROM (VALUES ('rewrites'), ('scans')) AS v (kind)
	WHERE (x.predicted OPERATOR(pg_catalog.->>) v.kind) OPERATOR(pg_catalog.<>) (x.happened OPERATOR(pg_catalog.->>) v.kind)
	UNION ALL
	SELECT 'ms', NULL, x.predicted_ms::text, x.ms::text
	WHERE pg_catalog.abs(x.predicted_ms OPERATOR(pg_catalog.-) x.ms) OPERATOR(pg_catalog.>) 100
		AND (x.ms OPERATOR(pg_catalog.>) (2 OPERATOR(pg_catalog.*) x.predicted_ms)
			OR x.predicted_ms OPERATOR(pg_catalog.>) (2 OPERATOR(pg_catalog.*) x.ms))) w;
COMMENT ON VIEW pgmigrate.prediction_errors IS 'where statements of earlier runs took other locks than predicted, rewrote or scanned against it, or took twice or half the time';

REVOKE ALL ON TABLE pgmigrate.assessment, pgmigrate.throughput, pgmigrate.prediction_errors FROM PUBLIC;
