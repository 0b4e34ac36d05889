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
	digest text,
	changes text
)
AS 'MODULE_PATHNAME', 'pgmigrate_show'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.show(text) IS
'all that is stored of the revision that a target names; best read with \x';

CREATE FUNCTION pgmigrate.changes(
	id text,
	digest text DEFAULT NULL
) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_changes'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.changes(text, text) IS
'what the SQL of a revision has become, line by line, since it had the digest; by default since it was approved last or, if nobody did, stored';

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
	target text DEFAULT 'head',
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
'the revisions as a picture: text, dot, mermaid or svg';

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
	CASE WHEN r.finished OPERATOR(pg_catalog.<) r.started THEN '0'::interval
		ELSE r.finished OPERATOR(pg_catalog.-) r.started END AS duration,
	COALESCE(e.message, r.error) AS error
FROM pgmigrate.run r
LEFT JOIN pgmigrate.run_error e ON e.run OPERATOR(pg_catalog.=) r.id
	AND (SELECT pg_catalog.has_function_privilege('pgmigrate.upgrade(pg_catalog.text, pg_catalog.text[], pg_catalog.text)', 'EXECUTE'))
ORDER BY r.id DESC;
COMMENT ON VIEW pgmigrate.runs IS 'runs, newest first; one whose process is gone shows as interrupted';

/* A failed one that has taken back or removed what it made has done nothing. */
CREATE VIEW pgmigrate.unfinished_operation AS
SELECT o.id,
	o.revision,
	o.run,
	o.direction,
	o.state
FROM pgmigrate.operation o
WHERE CASE o.state WHEN 'failed' THEN NOT o.details OPERATOR(pg_catalog.?) 'taken_back'
		AND (o.method OPERATOR(pg_catalog.=) 'in place' OR o.details OPERATOR(pg_catalog.?) 'schema')
	-- its statement may be done, in a revision that is not
	WHEN 'switched' THEN NOT EXISTS (SELECT FROM pgmigrate.run_step d
		WHERE d.revision OPERATOR(pg_catalog.=) o.revision AND d.run OPERATOR(pg_catalog.>=) o.run
		AND (d.state OPERATOR(pg_catalog.=) 'done' OR d.details OPERATOR(pg_catalog.?) 'forgotten'))
	ELSE o.state OPERATOR(pg_catalog.<>) ALL ('{finalized,reverted,cancelled}') END;
COMMENT ON VIEW pgmigrate.unfinished_operation IS 'operations that are not over, as their revision is not';
COMMENT ON COLUMN pgmigrate.unfinished_operation.id IS 'number of the operation';
COMMENT ON COLUMN pgmigrate.unfinished_operation.revision IS 'revision that it is part of; null for a call of backfill() or rebuild()';
COMMENT ON COLUMN pgmigrate.unfinished_operation.run IS 'run that works on it, or did last';
COMMENT ON COLUMN pgmigrate.unfinished_operation.direction IS 'up or down';
COMMENT ON COLUMN pgmigrate.unfinished_operation.state IS 'as in pgmigrate.operation';

/*
 * One that is not known to have committed has left something all the same if
 * the index that it drops is gone or not valid any more, the partition is
 * detached or about to be, the index that it makes is there.
 */
CREATE VIEW pgmigrate.partly_applied AS
SELECT b.revision,
	b.run,
	b.direction,
	b.state
FROM pgmigrate.begun_statement b
WHERE b.online_step OPERATOR(pg_catalog.=) 0 AND (b.state OPERATOR(pg_catalog.=) 'done'
	OR b.state OPERATOR(pg_catalog.=) 'begun' AND (b.in_parts
		OR b.system_identifier OPERATOR(pg_catalog.=) pgmigrate.system_identifier()
			AND CASE WHEN b.object OPERATOR(pg_catalog.<>) '0'::oid THEN NOT EXISTS (SELECT FROM pg_catalog.pg_class c
					LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
					LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid OPERATOR(pg_catalog.=) c.oid AND h.inhdetachpending
					WHERE c.oid OPERATOR(pg_catalog.=) b.object AND CASE WHEN c.relkind OPERATOR(pg_catalog.=) ANY ('{i,I}')
						THEN i.indisvalid OR c.oid OPERATOR(pg_catalog.=) ANY (b.invalid)
						ELSE c.relispartition AND h.inhrelid IS NULL END)
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.oid OPERATOR(pg_catalog.=) b.object)
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace t WHERE t.oid OPERATOR(pg_catalog.=) b.object)
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_subscription u WHERE u.oid OPERATOR(pg_catalog.=) b.object)
			ELSE EXISTS (SELECT FROM pg_catalog.pg_index i
				JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
				WHERE i.indrelid OPERATOR(pg_catalog.=) ANY (b.relations) AND c.relname OPERATOR(pg_catalog.=) b.index_name
					AND i.indisvalid) END))
UNION ALL SELECT o.revision,
	o.run,
	o.direction,
	CASE o.state WHEN 'switched' THEN 'done online' ELSE 'begun' END
FROM pgmigrate.unfinished_operation o
WHERE o.revision IS NOT NULL
	AND (o.direction OPERATOR(pg_catalog.=) 'up') OPERATOR(pg_catalog.<>)
		EXISTS (SELECT FROM pgmigrate.applied n WHERE n.revision OPERATOR(pg_catalog.=) o.revision);
COMMENT ON VIEW pgmigrate.partly_applied IS 'statements of revisions that are not over which are done or have left something, and online ones that are not over';
COMMENT ON COLUMN pgmigrate.partly_applied.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.partly_applied.run IS 'run that began or did it';
COMMENT ON COLUMN pgmigrate.partly_applied.direction IS 'up or down';
COMMENT ON COLUMN pgmigrate.partly_applied.state IS 'done, begun, or done online: it is switched, in a revision that is not over';

CREATE VIEW pgmigrate.revisions AS
SELECT r.id AS revision,
	CASE WHEN p.revision IS NOT NULL THEN 'partly applied'
		WHEN a.revision IS NOT NULL THEN 'applied'
		ELSE COALESCE((SELECT l.state FROM (SELECT CASE WHEN s.details OPERATOR(pg_catalog.?) 'forgotten' THEN NULL
					WHEN s.state OPERATOR(pg_catalog.=) 'running' THEN pgmigrate.run_state(s.run) ELSE s.state END AS state
				FROM pgmigrate.run_step s WHERE s.revision OPERATOR(pg_catalog.=) r.id AND s.state OPERATOR(pg_catalog.<>) 'pending'
				ORDER BY s.run DESC, s.step DESC LIMIT 1) AS l
			WHERE l.state OPERATOR(pg_catalog.=) ANY ('{failed,cancelled,interrupted}')), 'pending') END AS state,
	r.message,
	r.down_revision,
	r.depends_on,
	r.branch_labels,
	h.revision IS NOT NULL AS is_current,
	pg_catalog.date_trunc('second', a.applied_at) AS applied_at
FROM pgmigrate.revision r
LEFT JOIN pgmigrate.applied a ON a.revision OPERATOR(pg_catalog.=) r.id
LEFT JOIN pgmigrate.head h ON h.revision OPERATOR(pg_catalog.=) r.id
LEFT JOIN (SELECT DISTINCT b.revision FROM pgmigrate.partly_applied b) AS p ON p.revision OPERATOR(pg_catalog.=) r.id
ORDER BY r.seq;
COMMENT ON VIEW pgmigrate.revisions IS 'stored revisions in load order, and whether they are applied, partly applied or pending, or the last try has failed, was cancelled or interrupted';

REVOKE ALL ON FUNCTION pgmigrate.current() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.heads() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.branches() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.show(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.changes(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.history(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.plan(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.graph(text) FROM PUBLIC;
REVOKE ALL ON TABLE pgmigrate.runs, pgmigrate.unfinished_operation, pgmigrate.partly_applied, pgmigrate.revisions FROM PUBLIC;
