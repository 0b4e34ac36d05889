/* Looking: nothing here changes anything. */

CREATE FUNCTION pgmigrate.current() RETURNS TABLE (
	revision text,
	message text,
	is_head boolean,
	branch_labels text[],
	applied_at timestamptz
)
AS 'MODULE_PATHNAME', 'pgmigrate_current'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.current() IS
'current heads: the applied revisions that no applied revision stands on';

CREATE FUNCTION pgmigrate.heads() RETURNS TABLE (
	revision text,
	message text,
	branch_labels text[],
	state text
)
AS 'MODULE_PATHNAME', 'pgmigrate_heads'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.heads() IS
'stored revisions that no revision has as parent';

CREATE FUNCTION pgmigrate.branches() RETURNS TABLE (
	revision text,
	message text,
	branch_labels text[],
	children text[]
)
AS 'MODULE_PATHNAME', 'pgmigrate_branches'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.branches() IS
'revisions where the history forks, with their children';

CREATE FUNCTION pgmigrate.show(
	id text
) RETURNS TABLE (
	revision text,
	message text,
	state text,
	down_revision text[],
	depends_on text[],
	branch_labels text[],
	transactional boolean,
	upgrade text,
	downgrade text,
	verify text,
	author text,
	created_at timestamptz,
	amended_by text,
	amended_at timestamptz,
	approved_by text,
	approved_at timestamptz,
	applied_at timestamptz,
	digest text
)
AS 'MODULE_PATHNAME', 'pgmigrate_show'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.show(text) IS
'all that is stored of the revision that a target names; best read with \x';

CREATE FUNCTION pgmigrate.history(
	range text DEFAULT 'base:heads'
) RETURNS TABLE (
	revision text,
	down_revision text[],
	message text,
	state text,
	mark text,
	applied_at timestamptz
)
AS 'MODULE_PATHNAME', 'pgmigrate_history'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.history(text) IS
'revisions of a range, newest first';

CREATE FUNCTION pgmigrate.plan(
	target text,
	direction text DEFAULT 'upgrade'
) RETURNS TABLE (
	step integer,
	revision text,
	statement text,
	strategy text,
	locks text[],
	rewrite boolean,
	estimate interval,
	hazards text[]
)
AS 'MODULE_PATHNAME', 'pgmigrate_plan'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.plan(text, text) IS
'the statements that upgrade() or downgrade() to a target would run, in order';

CREATE FUNCTION pgmigrate.script(range text, direction text DEFAULT 'upgrade')
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_script'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script(text, text) IS
'SQL for psql -X -v ON_ERROR_STOP=1 -f that does what upgrade() or downgrade() would, the ledger included';

CREATE FUNCTION pgmigrate.graph(format text DEFAULT 'text')
RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_graph'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.graph(text) IS
'the revisions as a picture: text, dot or mermaid';

CREATE VIEW pgmigrate.runs AS
SELECT r.id AS run,
	r.command,
	r.target,
	CASE WHEN r.state OPERATOR(pg_catalog.=) 'running'
			AND pgmigrate.run_state(r.id) OPERATOR(pg_catalog.=) 'interrupted'
		THEN 'interrupted' ELSE r.state END AS state,
	(SELECT pg_catalog.count(*) FROM pgmigrate.run_step s
		WHERE s.run OPERATOR(pg_catalog.=) r.id AND s.state OPERATOR(pg_catalog.=) 'done')::integer AS done,
	r.steps,
	r.role,
	pg_catalog.date_trunc('second', r.started) AS started,
	r.finished OPERATOR(pg_catalog.-) r.started AS duration,
	COALESCE(e.message, r.error) AS error
FROM pgmigrate.run r
LEFT JOIN pgmigrate.run_error e ON e.run OPERATOR(pg_catalog.=) r.id
	AND (SELECT pg_catalog.has_function_privilege('pgmigrate.upgrade(text, text[], text)', 'EXECUTE'))
ORDER BY r.id DESC;
COMMENT ON VIEW pgmigrate.runs IS 'runs, newest first; one whose process is gone shows as interrupted';

CREATE VIEW pgmigrate.revisions AS
SELECT r.id AS revision,
	CASE WHEN a.revision IS NOT NULL THEN 'applied'
		WHEN (SELECT CASE WHEN s.details OPERATOR(pg_catalog.?) 'forgotten' THEN NULL ELSE s.state END
			FROM pgmigrate.run_step s WHERE s.revision OPERATOR(pg_catalog.=) r.id AND s.state OPERATOR(pg_catalog.<>) 'pending'
			ORDER BY s.run DESC, s.step DESC LIMIT 1) OPERATOR(pg_catalog.=) ANY ('{failed,cancelled}')
		THEN 'failed' ELSE 'pending' END AS state,
	r.message,
	r.down_revision,
	r.depends_on,
	r.branch_labels,
	h.revision IS NOT NULL AS is_current,
	pg_catalog.date_trunc('second', a.applied_at) AS applied_at
FROM pgmigrate.revision r
LEFT JOIN pgmigrate.applied a ON a.revision OPERATOR(pg_catalog.=) r.id
LEFT JOIN pgmigrate.head h ON h.revision OPERATOR(pg_catalog.=) r.id
ORDER BY r.seq;
COMMENT ON VIEW pgmigrate.revisions IS 'stored revisions in load order, and whether they are applied';

CREATE VIEW pgmigrate.progress AS
SELECT r.run,
	r.command,
	r.target,
	r.done,
	r.steps,
	'[' OPERATOR(pg_catalog.||) pg_catalog.rpad(pg_catalog.repeat('#', (20 OPERATOR(pg_catalog.*) (r.done OPERATOR(pg_catalog.+) COALESCE(o.share, 0)) OPERATOR(pg_catalog./) GREATEST(r.steps, 1))::integer), 20, '.') OPERATOR(pg_catalog.||) ']' AS bar,
	s.revision,
	s.message,
	COALESCE(a.place[1]::integer, s.statement) AS statement,
	COALESCE(a.place[2]::integer, s.statements) AS statements,
	p.pid,
	p.wait_event_type,
	p.wait_event,
	COALESCE(pg_catalog.substring(p.query, '^/\* pgmigrate: [^*]*\*/ (waiting (?:for|to) .*)$'), l.waiting, 'waiting for ' OPERATOR(pg_catalog.||) o.waiting_for) AS waiting,
	COALESCE(c.phase, o.state) AS phase,
	COALESCE(c.blocks_done, o.blocks_done) AS blocks_done,
	COALESCE(c.blocks_total, o.blocks_total) AS blocks_total,
	pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) t.started AS duration
FROM pgmigrate.runs r
JOIN pgmigrate.run t ON t.id OPERATOR(pg_catalog.=) r.run
LEFT JOIN LATERAL (SELECT * FROM pgmigrate.run_step u
	WHERE u.run OPERATOR(pg_catalog.=) r.run AND u.state OPERATOR(pg_catalog.=) ANY ('{pending,running}')
	ORDER BY u.step LIMIT 1) s ON true
LEFT JOIN pg_catalog.pg_stat_activity p ON p.pid OPERATOR(pg_catalog.=) t.pid
LEFT JOIN LATERAL pg_catalog.regexp_match(p.query, '^/\* pgmigrate: [^*]* statement ([0-9]+) of ([0-9]+) \*/') AS a (place) ON true
LEFT JOIN pg_catalog.pg_stat_progress_create_index c ON c.pid OPERATOR(pg_catalog.=) t.pid
LEFT JOIN LATERAL (
	SELECT u.state, u.waiting_for,
		CASE WHEN u.unit OPERATOR(pg_catalog.=) 'blocks' THEN u.done END AS blocks_done,
		CASE WHEN u.unit OPERATOR(pg_catalog.=) 'blocks' THEN u.total END AS blocks_total,
		CASE WHEN u.state OPERATOR(pg_catalog.=) 'copying' AND u.total OPERATOR(pg_catalog.>) 0
			THEN 0.9 OPERATOR(pg_catalog.*) u.done OPERATOR(pg_catalog./) u.total
			WHEN u.state OPERATOR(pg_catalog.=) 'comparing' THEN 0.9 END AS share
	FROM pgmigrate.operation u
	WHERE u.run OPERATOR(pg_catalog.=) r.run AND u.finished IS NULL
	ORDER BY u.id DESC LIMIT 1) AS o ON true
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
WHERE r.state OPERATOR(pg_catalog.=) 'running';
COMMENT ON VIEW pgmigrate.progress IS 'the run in progress, for \watch';

CREATE VIEW pgmigrate.metrics AS
SELECT 'pgmigrate_revisions'::text AS name,
	pg_catalog.jsonb_build_object('state', v.state) AS labels,
	(SELECT pg_catalog.count(*) FROM pgmigrate.revisions r WHERE r.state OPERATOR(pg_catalog.=) v.state)::double precision AS value
FROM (VALUES ('applied'), ('pending'), ('failed')) AS v (state)
UNION ALL
SELECT 'pgmigrate_runs_total', pg_catalog.jsonb_build_object('command', c.command, 'state', v.state),
	(SELECT pg_catalog.count(*) FROM pgmigrate.runs r
		WHERE r.state OPERATOR(pg_catalog.=) v.state AND r.command OPERATOR(pg_catalog.=) c.command)
FROM (VALUES ('upgrade'), ('downgrade'), ('stamp'), ('backfill')) AS c (command)
CROSS JOIN (VALUES ('running'), ('done'), ('failed'), ('cancelled'), ('interrupted'), ('paused')) AS v (state)
UNION ALL
SELECT 'pgmigrate_heads', '{}', pg_catalog.count(*) FROM pgmigrate.revision r WHERE r.is_head
UNION ALL
SELECT 'pgmigrate_current_heads', '{}', pg_catalog.count(*) FROM pgmigrate.head
UNION ALL
SELECT 'pgmigrate_last_run_seconds', pg_catalog.jsonb_build_object('command', l.command), l.seconds
FROM (SELECT DISTINCT ON (r.command) r.command,
		EXTRACT(epoch FROM r.finished OPERATOR(pg_catalog.-) r.started)::double precision AS seconds
	FROM pgmigrate.run r WHERE r.finished IS NOT NULL
	ORDER BY r.command, r.id DESC) l;
COMMENT ON VIEW pgmigrate.metrics IS 'figures for monitoring, all counted from stored rows, so they survive a restart';

REVOKE ALL ON FUNCTION pgmigrate.current() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.heads() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.branches() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.show(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.history(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.plan(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.graph(text) FROM PUBLIC;
REVOKE ALL ON TABLE pgmigrate.runs, pgmigrate.revisions, pgmigrate.progress, pgmigrate.metrics FROM PUBLIC;
