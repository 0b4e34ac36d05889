/* What happened in earlier runs, and where it was predicted otherwise. */

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
			THEN e.bytes OPERATOR(pg_catalog.*) 1000 OPERATOR(pg_catalog./) e.ms END AS rate,
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
		(j.value OPERATOR(pg_catalog.#>>) '{happened,ms}')::double precision AS ms) e
	WHERE e.ms OPERATOR(pg_catalog.>) 0) m
WHERE m.work OPERATOR(pg_catalog.=) 'catalog' OR m.bytes OPERATOR(pg_catalog.>=) 1048576
GROUP BY m.work;
COMMENT ON VIEW pgmigrate.throughput IS 'how fast tables were rewritten, scanned and indexed in the newest steps on this cluster; estimates come from it';

REVOKE ALL ON TABLE pgmigrate.throughput FROM PUBLIC;
