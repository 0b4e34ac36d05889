/* Monitoring: the run in progress, and figures for a monitoring system. */

/*
 * Reading it counts as a scan of this table, which has no rows: the server's
 * statistics then tell when that was last, and no reader has to write.
 *
 * A comparison locks it, in a mode that takes the right to write it: anybody
 * may have a query that begins as ours do, but nobody else has that lock.
 */
CREATE TABLE pgmigrate.metrics_marker (
	nothing boolean
);
COMMENT ON TABLE pgmigrate.metrics_marker IS 'always empty; what reads the metrics reads it, so that the statistics tell when they were read';
COMMENT ON COLUMN pgmigrate.metrics_marker.nothing IS 'no row has it';

CREATE VIEW pgmigrate.progress AS
SELECT x.run,
	x.command,
	x.target,
	x.done,
	x.steps,
	'[' OPERATOR(pg_catalog.||) pg_catalog.rpad(pg_catalog.repeat('#', (20 OPERATOR(pg_catalog.*) x.share)::integer), 20, '.') OPERATOR(pg_catalog.||) ']' AS bar,
	x.revision,
	x.message,
	x.statement,
	x.statements,
	x.pid,
	x.wait_event_type,
	x.wait_event,
	x.waiting,
	x.phase,
	x.blocks_done,
	x.blocks_total,
	x.duration,
	x.share,
	x.eta,
	pg_catalog.left(pg_catalog.regexp_replace(pg_catalog.concat_ws(', ',
		pg_catalog.concat('[', pg_catalog.rpad(pg_catalog.repeat('#', (10 OPERATOR(pg_catalog.*) x.share)::integer), 10, '.'), '] ',
			pg_catalog.round((100 OPERATOR(pg_catalog.*) x.share)::numeric), ' % of ', x.command,
			CASE WHEN x.steps OPERATOR(pg_catalog.>) 1 THEN pg_catalog.concat(', step ', LEAST(x.done OPERATOR(pg_catalog.+) 1, x.steps), ' of ', x.steps) END),
		NULLIF(x.revision, ''),
		CASE WHEN x.run IS NULL THEN x.target END,
		CASE WHEN x.statements OPERATOR(pg_catalog.>) 1 THEN pg_catalog.concat('statement ', x.statement, ' of ', x.statements) END,
		CASE WHEN x.paused THEN 'paused' WHEN x.waiting IS NULL THEN x.phase END,
		CASE WHEN NOT x.paused AND x.waiting IS NULL AND x.eta IS NOT NULL
			THEN pg_catalog.concat('about ', pg_catalog.date_trunc('second', x.eta OPERATOR(pg_catalog.+) '1 s'::interval), ' left') END,
		pg_catalog.regexp_replace(pg_catalog.regexp_replace(x.waiting,
			'^waiting for [A-Za-z]+Lock on ', 'waiting for '), ', blocked by process ', ' behind process ')),
		'[\u0001-\u001f\u007f-\u009f\u061c\u2028-\u202e\u2066-\u2069]', '?', 'g'), 100) AS line
FROM (
	SELECT r.run,
		r.command,
		r.target,
		r.done,
		r.steps,
		s.revision,
		s.message,
		COALESCE(a.place[1]::integer, LEAST(s.statement OPERATOR(pg_catalog.+) 1, s.statements)) AS statement,
		COALESCE(a.place[2]::integer, s.statements) AS statements,
		p.pid,
		p.wait_event_type,
		p.wait_event,
		pg_catalog.regexp_replace(COALESCE(pg_catalog.substring(p.query, '^/\* pgmigrate: [^*]*\*/ (waiting (?:for|to) .*)$'), l.waiting, 'waiting for ' OPERATOR(pg_catalog.||) o.waiting_for),
			'[\u0001-\u001f\u007f-\u009f\u061c\u2028-\u202e\u2066-\u2069]', '?', 'g') AS waiting,
		COALESCE(c.phase, o.state) AS phase,
		COALESCE(c.blocks_done, o.blocks_done) AS blocks_done,
		COALESCE(c.blocks_total, o.blocks_total) AS blocks_total,
		GREATEST(pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) t.started, '0'::interval) AS duration,
		LEAST(1, GREATEST(0, (r.done OPERATOR(pg_catalog.+) ((COALESCE(a.place[1]::integer OPERATOR(pg_catalog.-) 1, s.statement, 0)
			OPERATOR(pg_catalog.+) COALESCE(o.share, b.share, 0)) OPERATOR(pg_catalog./) GREATEST(a.place[2]::integer, s.statements, s.statement OPERATOR(pg_catalog.+) 1, 1)))
			OPERATOR(pg_catalog./) GREATEST(r.steps, 1)::double precision)) AS share,
		COALESCE(o.eta, CASE WHEN b.share OPERATOR(pg_catalog.>) 0.02
			THEN (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.query_start) OPERATOR(pg_catalog.*) ((1 OPERATOR(pg_catalog.-) b.share) OPERATOR(pg_catalog./) b.share) END) AS eta,
		EXISTS (SELECT FROM pgmigrate.run_control k WHERE k.run OPERATOR(pg_catalog.=) r.run
			AND k.setting OPERATOR(pg_catalog.=) 'paused' AND k.value OPERATOR(pg_catalog.<>) 0) AS paused
	FROM pgmigrate.runs r
	JOIN pgmigrate.run t ON t.id OPERATOR(pg_catalog.=) r.run
	LEFT JOIN LATERAL (SELECT * FROM pgmigrate.run_step u
		WHERE u.run OPERATOR(pg_catalog.=) r.run AND u.state OPERATOR(pg_catalog.=) ANY ('{pending,running}')
		ORDER BY u.step LIMIT 1) s ON true
	LEFT JOIN pg_catalog.pg_stat_activity p ON p.pid OPERATOR(pg_catalog.=) t.pid
	LEFT JOIN LATERAL pg_catalog.regexp_match(CASE WHEN t.execution OPERATOR(pg_catalog.<>) 'script' THEN p.query END, '^/\* pgmigrate: [^*]* statement ([0-9]{1,9}) of ([0-9]{1,9}) \*/') AS a (place) ON true
	LEFT JOIN LATERAL (
		SELECT i.phase, i.blocks_done, i.blocks_total,
			(i.partitions_done OPERATOR(pg_catalog.+) w.part) OPERATOR(pg_catalog./) GREATEST(i.partitions_total, 1) AS share
		FROM pg_catalog.pg_stat_progress_create_index i
		CROSS JOIN LATERAL (SELECT
			COALESCE(i.blocks_done::double precision OPERATOR(pg_catalog./) NULLIF(i.blocks_total, 0), 0) AS blocks,
			COALESCE(i.tuples_done::double precision OPERATOR(pg_catalog./) NULLIF(i.tuples_total, 0), 0) AS tuples,
			CASE WHEN pg_catalog.strpos(i.command, 'CONCURRENTLY') OPERATOR(pg_catalog.>) 0 THEN 0.6 ELSE 1 END AS build) AS n
		CROSS JOIN LATERAL (SELECT CASE
			WHEN i.phase OPERATOR(pg_catalog.=) 'building index: sorting live tuples' THEN 0.5 OPERATOR(pg_catalog.*) n.build
			WHEN pg_catalog.strpos(i.phase, 'building index: loading') OPERATOR(pg_catalog.>) 0 THEN (0.6 OPERATOR(pg_catalog.+) (0.4 OPERATOR(pg_catalog.*) n.tuples)) OPERATOR(pg_catalog.*) n.build
			WHEN pg_catalog.strpos(i.phase, 'building index') OPERATOR(pg_catalog.>) 0 THEN 0.5 OPERATOR(pg_catalog.*) n.blocks OPERATOR(pg_catalog.*) n.build
			WHEN i.phase OPERATOR(pg_catalog.=) 'waiting for writers before validation' THEN 0.6
			WHEN i.phase OPERATOR(pg_catalog.=) 'index validation: scanning index' THEN 0.6 OPERATOR(pg_catalog.+) (0.1 OPERATOR(pg_catalog.*) n.blocks)
			WHEN i.phase OPERATOR(pg_catalog.=) 'index validation: sorting tuples' THEN 0.7
			WHEN i.phase OPERATOR(pg_catalog.=) 'index validation: scanning table' THEN 0.7 OPERATOR(pg_catalog.+) (0.29 OPERATOR(pg_catalog.*) n.blocks)
			WHEN pg_catalog.strpos(i.phase, 'waiting for old snapshots') OPERATOR(pg_catalog.>) 0
				OR pg_catalog.strpos(i.phase, 'waiting for readers') OPERATOR(pg_catalog.>) 0 THEN 0.99
			ELSE 0 END AS part) AS w
		WHERE i.pid OPERATOR(pg_catalog.=) t.pid
		UNION ALL
		SELECT i.phase, i.heap_blks_scanned, i.heap_blks_total,
			CASE WHEN i.phase OPERATOR(pg_catalog.=) ANY ('{initializing,seq scanning heap,index scanning heap}')
				THEN 0.5 OPERATOR(pg_catalog.*) COALESCE(i.heap_blks_scanned::double precision OPERATOR(pg_catalog./) NULLIF(i.heap_blks_total, 0), 0)
				ELSE 0.6 END
		FROM pg_catalog.pg_stat_progress_cluster i WHERE i.pid OPERATOR(pg_catalog.=) t.pid
		UNION ALL
		SELECT i.phase, i.heap_blks_scanned, i.heap_blks_total,
			COALESCE(i.heap_blks_scanned::double precision OPERATOR(pg_catalog./) NULLIF(i.heap_blks_total, 0), 0) OPERATOR(pg_catalog.*) 0.9
		FROM pg_catalog.pg_stat_progress_vacuum i WHERE i.pid OPERATOR(pg_catalog.=) t.pid
		UNION ALL
		SELECT i.phase, i.sample_blks_scanned, i.sample_blks_total,
			COALESCE(i.sample_blks_scanned::double precision OPERATOR(pg_catalog./) NULLIF(i.sample_blks_total, 0), 0) OPERATOR(pg_catalog.*) 0.9
		FROM pg_catalog.pg_stat_progress_analyze i WHERE i.pid OPERATOR(pg_catalog.=) t.pid
		LIMIT 1) AS c ON true
	LEFT JOIN LATERAL (
		SELECT u.state, u.waiting_for, u.eta,
			CASE WHEN u.unit OPERATOR(pg_catalog.=) 'blocks' THEN u.done END AS blocks_done,
			CASE WHEN u.unit OPERATOR(pg_catalog.=) 'blocks' THEN u.total END AS blocks_total,
			CASE WHEN n.steps OPERATOR(pg_catalog.>) 0 THEN (n.step OPERATOR(pg_catalog.+) CASE u.state
				WHEN 'copying' THEN 0.99 OPERATOR(pg_catalog.*) n.part
				WHEN 'comparing' THEN 0.99
				ELSE COALESCE(c.share, 0) END) OPERATOR(pg_catalog./) n.steps
			ELSE CASE u.state
				WHEN 'copying' THEN n.part OPERATOR(pg_catalog.*) CASE u.method WHEN 'in place' THEN 0.99 ELSE 0.8 END
				WHEN 'indexing' THEN 0.8 OPERATOR(pg_catalog.+) (0.1 OPERATOR(pg_catalog.*) n.part)
				WHEN 'comparing' THEN 0.9 OPERATOR(pg_catalog.+) (0.08 OPERATOR(pg_catalog.*) n.part)
				WHEN 'switching' THEN 0.99 END END AS share
		FROM pgmigrate.operations u
		CROSS JOIN LATERAL (SELECT
			COALESCE(u.done::double precision OPERATOR(pg_catalog./) NULLIF(u.total, 0), 0) AS part,
			COALESCE((u.details OPERATOR(pg_catalog.->>) 'done')::integer, 0) AS step,
			COALESCE(pg_catalog.jsonb_array_length(u.details OPERATOR(pg_catalog.->) 'steps'), 0)::double precision AS steps) AS n
		WHERE u.run OPERATOR(pg_catalog.=) r.run AND u.state OPERATOR(pg_catalog.=) ANY ('{preparing,copying,indexing,comparing,switching}')
		ORDER BY u.operation DESC LIMIT 1) AS o ON true
	-- what is done between two statements, such as ANALYZE, is a share of none
	LEFT JOIN LATERAL (SELECT c.share WHERE a.place IS NOT NULL OR o.state IS NOT NULL OR t.execution OPERATOR(pg_catalog.=) 'script') AS b ON true
	LEFT JOIN LATERAL (
		SELECT pg_catalog.concat('waiting for ', w.mode, ' on ',
			CASE WHEN w.locktype OPERATOR(pg_catalog.=) 'virtualxid' THEN pg_catalog.concat('virtual transaction ', w.virtualxid)
				WHEN w.locktype OPERATOR(pg_catalog.=) 'transactionid' THEN pg_catalog.concat('transaction ', w.transactionid)
				ELSE COALESCE(
					(SELECT pg_catalog.format('%I.%I', n.nspname, k.relname) FROM pg_catalog.pg_class k
						JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) k.relnamespace
						WHERE k.oid OPERATOR(pg_catalog.=) w.relation),
					pg_catalog.concat('a lock of kind ', w.locktype)) END,
			', blocked by process ' OPERATOR(pg_catalog.||) NULLIF(pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(w.pid), ', '), '')) AS waiting
		FROM pg_catalog.pg_locks w
		WHERE w.pid OPERATOR(pg_catalog.=) t.pid AND NOT w.granted
		LIMIT 1) AS l ON true
	WHERE r.state OPERATOR(pg_catalog.=) 'running'
	UNION ALL
	SELECT NULL, 'compare', pg_catalog.regexp_replace(m.part[4], '[\u0001-\u001f\u007f-\u009f\u061c\u2028-\u202e\u2066-\u2069]', '?', 'g'), 0, 1, NULL, NULL, NULL, NULL,
		p.pid, p.wait_event_type, p.wait_event, NULL, pg_catalog.concat('comparing', m.part[1]), NULL, NULL,
		d.duration, d.share,
		CASE WHEN d.share OPERATOR(pg_catalog.>) 0.02 THEN d.duration OPERATOR(pg_catalog.*) ((1 OPERATOR(pg_catalog.-) d.share) OPERATOR(pg_catalog./) d.share) END,
		false
	FROM pg_catalog.pg_stat_activity p
	CROSS JOIN LATERAL pg_catalog.regexp_match(p.query, '^/\* pgmigrate: comparing( what differs)?, ([0-9]{1,15}) of ([0-9]{1,15}) rows, (.{1,255}?) \*/') AS m (part)
	CROSS JOIN LATERAL (SELECT GREATEST(pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.query_start, '0'::interval) AS duration,
		LEAST(0.99, COALESCE(m.part[2]::double precision OPERATOR(pg_catalog./) NULLIF(m.part[3]::double precision, 0), 0)) AS share) AS d
	WHERE EXISTS (SELECT FROM pg_catalog.pg_locks k WHERE k.pid OPERATOR(pg_catalog.=) p.pid
			AND k.locktype OPERATOR(pg_catalog.=) 'relation' AND k.relation OPERATOR(pg_catalog.=) 'pgmigrate.metrics_marker'::regclass
			AND k.mode OPERATOR(pg_catalog.=) 'RowShareLock' AND k.granted)
		AND p.state OPERATOR(pg_catalog.=) 'active' AND p.datid OPERATOR(pg_catalog.=) (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
		AND m.part IS NOT NULL
) AS x;
COMMENT ON VIEW pgmigrate.progress IS 'the run in progress, and comparisons, which have no number; column line is for \watch';

/*
 * Most parts have their name as a constant: a query for one metric reads no
 * other, but for the run in progress, of which there is mostly none.
 */
CREATE VIEW pgmigrate.metrics AS
SELECT m.name,
	pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('command', m.command, 'state', m.state,
		'version', m.version, 'environment', m.environment)) AS labels,
	m.value,
	m.type,
	m.help,
	m.command,
	m.state,
	m.version,
	m.environment
FROM (
	SELECT 'pgmigrate_info'::text, 'gauge'::text, 'Always 1; the labels tell the version and the environment.', NULL::text, NULL::text, e.extversion, pg_catalog.current_setting('pgmigrate.environment', true), (1)::double precision
	FROM pg_catalog.pg_extension e
	WHERE e.extname OPERATOR(pg_catalog.=) 'pgmigrate'
		AND NOT EXISTS (SELECT FROM pgmigrate.metrics_marker)
	UNION ALL
	SELECT 'pgmigrate_revisions', 'gauge', 'Stored revisions by state.', NULL, v.state, NULL, NULL, (COALESCE(n.n, 0))::double precision
	FROM (VALUES ('applied'), ('pending'), ('failed'), ('cancelled'), ('interrupted'), ('partly applied')) AS v (state)
	LEFT JOIN (SELECT r.state, pg_catalog.count(*) AS n FROM pgmigrate.revisions r GROUP BY r.state) AS n ON n.state OPERATOR(pg_catalog.=) v.state
	UNION ALL
	SELECT 'pgmigrate_pending_oldest_age_seconds', 'gauge', 'Time since the oldest revision that is not applied was stored; 0 if there is none.', NULL, NULL, NULL, NULL, (COALESCE(EXTRACT(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.min(r.created_at)), 0))::double precision
	FROM pgmigrate.revision r
	WHERE NOT EXISTS (SELECT FROM pgmigrate.applied a WHERE a.revision OPERATOR(pg_catalog.=) r.id)
	UNION ALL
	SELECT 'pgmigrate_heads', 'gauge', 'Heads of the stored graph; more than one needs a merge.', NULL, NULL, NULL, NULL, (pg_catalog.count(*))::double precision
	FROM pgmigrate.revision r WHERE r.is_head
	UNION ALL
	SELECT 'pgmigrate_current_heads', 'gauge', 'Current heads: where the database is.', NULL, NULL, NULL, NULL, (pg_catalog.count(*))::double precision
	FROM pgmigrate.head
	UNION ALL
	SELECT 'pgmigrate_current_heads_hash', 'gauge', 'A number made from the current heads; equal where databases are at the same revisions.', NULL, NULL, NULL, NULL, (('x' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(h.revision, ',' ORDER BY h.revision COLLATE "C"), ''), 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint)::double precision
	FROM pgmigrate.head h
	UNION ALL
	SELECT 'pgmigrate_runs_total', 'counter', 'Runs that have ended, by how they ended.', c.command, v.state, NULL, NULL, (COALESCE(n.n, 0))::double precision
	FROM (VALUES ('upgrade'), ('downgrade'), ('stamp'), ('backfill'), ('rebuild')) AS c (command)
	CROSS JOIN (VALUES ('done'), ('failed'), ('cancelled'), ('interrupted')) AS v (state)
	LEFT JOIN (SELECT r.command, r.state, pg_catalog.count(*) AS n FROM pgmigrate.runs r
		GROUP BY r.command, r.state) AS n ON n.command OPERATOR(pg_catalog.=) c.command AND n.state OPERATOR(pg_catalog.=) v.state
	UNION ALL
	SELECT 'pgmigrate_last_run_seconds', 'gauge', 'Duration of the last run that has ended.', l.command, NULL, NULL, NULL, (l.seconds)::double precision
	FROM (SELECT DISTINCT ON (r.command) r.command,
		GREATEST(EXTRACT(epoch FROM r.finished OPERATOR(pg_catalog.-) r.started), 0) AS seconds
	FROM pgmigrate.run r WHERE r.finished IS NOT NULL
	ORDER BY r.command, r.id DESC) AS l
	UNION ALL
	SELECT 'pgmigrate_last_success_timestamp_seconds', 'gauge', 'When a run ended well last, as seconds since 1970.', r.command, NULL, NULL, NULL, (EXTRACT(epoch FROM pg_catalog.max(r.finished)))::double precision
	FROM pgmigrate.run r WHERE r.state OPERATOR(pg_catalog.=) 'done' GROUP BY r.command
	UNION ALL
	SELECT 'pgmigrate_last_failure_timestamp_seconds', 'gauge', 'When a run failed, was cancelled or interrupted last, as seconds since 1970.', r.command, NULL, NULL, NULL, (EXTRACT(epoch FROM pg_catalog.max(COALESCE(r.finished, r.started))))::double precision
	FROM pgmigrate.run r WHERE r.state OPERATOR(pg_catalog.=) ANY ('{failed,cancelled,interrupted}')
		OR r.state OPERATOR(pg_catalog.=) 'running' AND pgmigrate.run_state(r.id) OPERATOR(pg_catalog.=) 'interrupted' GROUP BY r.command
	UNION ALL
	SELECT v.name, 'gauge', v.help, NULL, NULL, NULL, NULL, v.value
	FROM (SELECT
			pg_catalog.count(p.run) AS in_progress,
			COALESCE(EXTRACT(epoch FROM pg_catalog.max(p.duration)), 0) AS duration_seconds,
			COALESCE(pg_catalog.max(LEAST(p.done OPERATOR(pg_catalog.+) 1, p.steps)), 0) AS step,
			COALESCE(pg_catalog.max(p.steps), 0) AS steps,
			COALESCE(pg_catalog.max(p.share), 0) AS done_ratio,
			COALESCE(pg_catalog.max(p.blocks_done), 0) AS blocks_done,
			COALESCE(pg_catalog.max(p.blocks_total), 0) AS blocks,
			pg_catalog.count(p.waiting) AS waiting,
			COALESCE(pg_catalog.sum((SELECT pg_catalog.count(DISTINCT w.pid) FROM pg_catalog.pg_locks w
		WHERE NOT w.granted AND w.pid OPERATOR(pg_catalog.<>) p.pid AND p.pid OPERATOR(pg_catalog.=) ANY (pg_catalog.pg_blocking_pids(w.pid)))), 0) AS waiters
		FROM pgmigrate.progress p WHERE p.run IS NOT NULL) AS l
	CROSS JOIN LATERAL (VALUES
		('pgmigrate_run_in_progress', '1 while a run is in progress.', l.in_progress::double precision),
		('pgmigrate_run_duration_seconds', 'Time the run in progress has taken; 0 if there is none.', l.duration_seconds::double precision),
		('pgmigrate_run_step', 'Step that the run in progress is at; 0 if there is none.', l.step::double precision),
		('pgmigrate_run_steps', 'Steps of the run in progress.', l.steps::double precision),
		('pgmigrate_run_done_ratio', 'Part of the run in progress that is done, 0 to 1.', l.done_ratio::double precision),
		('pgmigrate_run_blocks_done', 'Blocks that the statement in progress has been through, where that is known.', l.blocks_done::double precision),
		('pgmigrate_run_blocks', 'Blocks that the statement in progress has to go through, where that is known.', l.blocks::double precision),
		('pgmigrate_run_waiting', '1 while the run in progress waits for a lock, or gives way.', l.waiting::double precision),
		('pgmigrate_run_waiters', 'Sessions that wait for a lock behind the run in progress.', l.waiters::double precision)) AS v (name, help, value)
	UNION ALL
	SELECT 'pgmigrate_open_operations', 'gauge', 'Online changes and backfills that are not finished; a switched one waits for finalize or revert.', NULL, v.state, NULL, NULL, (COALESCE(n.n, 0))::double precision
	FROM (VALUES ('preparing'), ('copying'), ('indexing'), ('comparing'), ('switching'), ('switched')) AS v (state)
	LEFT JOIN (SELECT o.state, pg_catalog.count(*) AS n FROM pgmigrate.operation o GROUP BY o.state) AS n ON n.state OPERATOR(pg_catalog.=) v.state
	UNION ALL
	SELECT 'pgmigrate_operations_total', 'counter', 'Online changes and backfills that are finished, by how they ended.', NULL, v.state, NULL, NULL, (COALESCE(n.n, 0))::double precision
	FROM (VALUES ('finalized'), ('reverted'), ('cancelled'), ('failed')) AS v (state)
	LEFT JOIN (SELECT o.state, pg_catalog.count(*) AS n FROM pgmigrate.operation o GROUP BY o.state) AS n ON n.state OPERATOR(pg_catalog.=) v.state
	UNION ALL
	SELECT 'pgmigrate_operation_switched_age_seconds', 'gauge', 'Time since the oldest online change was switched that is not finalized; 0 if there is none.', NULL, NULL, NULL, NULL, (COALESCE(EXTRACT(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.min(o.switched)), 0))::double precision
	FROM pgmigrate.operation o WHERE o.state OPERATOR(pg_catalog.=) 'switched'
	UNION ALL
	SELECT 'pgmigrate_invalid_indexes', 'gauge', 'Indexes that are INVALID and are not being built.', NULL, NULL, NULL, NULL, (pg_catalog.count(*))::double precision
	FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
	WHERE NOT i.indisvalid AND c.relkind OPERATOR(pg_catalog.=) 'i'
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index b
			WHERE b.index_relid OPERATOR(pg_catalog.=) i.indexrelid)
	UNION ALL
	SELECT 'pgmigrate_drift_suspected', 'gauge', '1 if the catalog was changed since the last run ended; drift() tells what, if anything.', NULL, NULL, NULL, NULL, ((CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class y
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND y.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_proc y
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND y.pronamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_attribute y JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) y.attrelid
			WHERE y.attrelid OPERATOR(pg_catalog.>=) 16384::oid AND y.attnum OPERATOR(pg_catalog.>) 0 AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_attrdef y JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) y.adrelid
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_constraint y JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) y.conrelid
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_trigger y JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) y.tgrelid
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT FROM pg_catalog.pg_rewrite y JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) y.ev_class
			WHERE y.oid OPERATOR(pg_catalog.>=) 16384::oid AND pg_catalog.age(y.xmin) OPERATOR(pg_catalog.<) r.base AND c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		OR EXISTS (SELECT d.identity FROM pgmigrate.schema_object d
			WHERE d.kind OPERATOR(pg_catalog.=) ANY ('{table,foreign table,view,materialized view,sequence,index}')
			EXCEPT
			SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
			WHERE c.relnamespace OPERATOR(pg_catalog.=) ANY (q.schemas))
		THEN 1 ELSE 0 END))::double precision
	FROM (SELECT pg_catalog.age(t.xmin) AS base FROM (SELECT l.xmin FROM pgmigrate.run l
			WHERE l.finished IS NOT NULL AND l.system_identifier OPERATOR(pg_catalog.=) pgmigrate.system_identifier()
			ORDER BY l.id DESC LIMIT 1) AS t) AS r
	CROSS JOIN (SELECT ARRAY(SELECT n.oid FROM pg_catalog.pg_namespace n
		WHERE n.oid::bigint OPERATOR(pg_catalog.>=) 16384 AND n.nspname OPERATOR(pg_catalog.<>) 'pgmigrate'
			AND pg_catalog.substr(n.nspname, 1, 3) OPERATOR(pg_catalog.<>) 'pg_'
			OR n.nspname OPERATOR(pg_catalog.=) 'public') AS schemas) AS q
) AS m (name, type, help, command, state, version, environment, value);
COMMENT ON VIEW pgmigrate.metrics IS 'figures for monitoring, all from stored rows and the state of the server, so they survive a restart';
COMMENT ON COLUMN pgmigrate.metrics.name IS 'name of the metric, with its unit';
COMMENT ON COLUMN pgmigrate.metrics.labels IS 'labels that are not null, as one object';
COMMENT ON COLUMN pgmigrate.metrics.value IS 'value, in the unit that the name ends with';
COMMENT ON COLUMN pgmigrate.metrics.type IS 'counter, which never goes down, or gauge';
COMMENT ON COLUMN pgmigrate.metrics.help IS 'what it is';
COMMENT ON COLUMN pgmigrate.metrics.command IS 'label: upgrade, downgrade and so on';
COMMENT ON COLUMN pgmigrate.metrics.state IS 'label: state of a revision, run or operation';
COMMENT ON COLUMN pgmigrate.metrics.version IS 'label: version of the extension';
COMMENT ON COLUMN pgmigrate.metrics.environment IS 'label: setting pgmigrate.environment';

CREATE FUNCTION pgmigrate.metrics_text() RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_metrics_text'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.metrics_text() IS
'the metrics in the text format of Prometheus, a line a row';

CREATE FUNCTION pgmigrate.metrics_read() RETURNS timestamptz
AS 'MODULE_PATHNAME', 'pgmigrate_metrics_read'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.metrics_read() IS
'when another session read the metrics last, as far as the statistics of the server tell; null if they do not';

CREATE FUNCTION pgmigrate.report(
	target text DEFAULT 'head',
	direction text DEFAULT 'upgrade',
	format text DEFAULT 'text'
) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_report_target'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.report(text, text, text) IS
'what an upgrade or downgrade to the target will do, to be read: statements, locks, findings, safe forms, the graph; as text, markdown or html';

CREATE FUNCTION pgmigrate.report(
	run bigint,
	format text DEFAULT 'text'
) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_report_run'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.report(bigint, text) IS
'what a run did, to be read: timeline with waits for locks, steps, errors, operations; as text, markdown or html';

REVOKE ALL ON TABLE pgmigrate.progress, pgmigrate.metrics, pgmigrate.metrics_marker FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.report(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.report(bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.metrics_text() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.metrics_read() FROM PUBLIC;

/* What it tells are numbers, so those who watch the server see them at once. */
GRANT USAGE ON SCHEMA pgmigrate TO pg_monitor;
GRANT SELECT ON TABLE pgmigrate.progress, pgmigrate.metrics TO pg_monitor;
GRANT EXECUTE ON FUNCTION pgmigrate.metrics_text() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pgmigrate.metrics_read() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pgmigrate.run_state(bigint) TO pg_monitor;
GRANT EXECUTE ON FUNCTION pgmigrate.system_identifier() TO pg_monitor;
