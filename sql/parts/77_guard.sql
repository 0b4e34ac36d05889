/* Queries that must not get slower. */

CREATE TABLE pgmigrate.watched_query (
	name text PRIMARY KEY,
	query text NOT NULL,
	parameters text[] NOT NULL DEFAULT '{}',
	search_path text NOT NULL,
	author_oid oid NOT NULL,
	author text NOT NULL,
	watched_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	system_identifier bigint NOT NULL DEFAULT pgmigrate.system_identifier(),
	CONSTRAINT watched_query_name_length CHECK (pg_catalog.octet_length(name) OPERATOR(pg_catalog.<=) 200)
);
COMMENT ON TABLE pgmigrate.watched_query IS 'queries whose plans are compared before and after each revision; only a rehearsal executes them';
COMMENT ON COLUMN pgmigrate.watched_query.name IS 'name of the query';
COMMENT ON COLUMN pgmigrate.watched_query.query IS 'one SELECT, INSERT, UPDATE, DELETE or MERGE';
COMMENT ON COLUMN pgmigrate.watched_query.parameters IS 'values of $1, $2 and so on';
COMMENT ON COLUMN pgmigrate.watched_query.search_path IS 'search_path of the watcher, by which names are found';
COMMENT ON COLUMN pgmigrate.watched_query.author_oid IS 'role that watches, whose rights the planning has';
COMMENT ON COLUMN pgmigrate.watched_query.author IS 'name of that role when it began';
COMMENT ON COLUMN pgmigrate.watched_query.watched_at IS 'time of the call';
COMMENT ON COLUMN pgmigrate.watched_query.system_identifier IS 'cluster of the role';

CREATE TABLE pgmigrate.regression (
	run bigint NOT NULL,
	step integer NOT NULL,
	name text NOT NULL,
	revision text NOT NULL,
	state text NOT NULL,
	cost_before float8,
	cost_after float8,
	cause text,
	proposal text,
	plan_before jsonb,
	plan_after jsonb,
	PRIMARY KEY (run, step, name)
);
COMMENT ON TABLE pgmigrate.regression IS 'watched queries that a step of a run made slower, or that have failed since';
COMMENT ON COLUMN pgmigrate.regression.run IS 'number of the run';
COMMENT ON COLUMN pgmigrate.regression.step IS 'step of it';
COMMENT ON COLUMN pgmigrate.regression.name IS 'name of the query';
COMMENT ON COLUMN pgmigrate.regression.revision IS 'revision of the step';
COMMENT ON COLUMN pgmigrate.regression.state IS 'slower, or failed: it could be planned before and cannot any more';
COMMENT ON COLUMN pgmigrate.regression.cost_before IS 'cost of its plan before the step, by the planner';
COMMENT ON COLUMN pgmigrate.regression.cost_after IS 'the same before the commit of the step';
COMMENT ON COLUMN pgmigrate.regression.cause IS 'why, as far as can be told';
COMMENT ON COLUMN pgmigrate.regression.proposal IS 'what would help';
COMMENT ON COLUMN pgmigrate.regression.plan_before IS 'plan before the step';
COMMENT ON COLUMN pgmigrate.regression.plan_after IS 'plan after it';

CREATE TABLE pgmigrate.statement_time (
	run bigint,
	query_id bigint,
	role_oid oid,
	calls bigint NOT NULL,
	total float8 NOT NULL,
	PRIMARY KEY (run, query_id, role_oid)
);
COMMENT ON TABLE pgmigrate.statement_time IS 'what pg_stat_statements had counted when a run began, of the last runs; no part of a dump';
COMMENT ON COLUMN pgmigrate.statement_time.run IS 'number of the run';
COMMENT ON COLUMN pgmigrate.statement_time.query_id IS 'number of the statement there';
COMMENT ON COLUMN pgmigrate.statement_time.role_oid IS 'role that ran it';
COMMENT ON COLUMN pgmigrate.statement_time.calls IS 'how often so far';
COMMENT ON COLUMN pgmigrate.statement_time.total IS 'for how many milliseconds in all';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.watched_query', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.regression', '');

CREATE FUNCTION pgmigrate.watch(
	name text,
	query text,
	parameters text[] DEFAULT '{}'
) RETURNS float8
AS 'MODULE_PATHNAME', 'pgmigrate_watch'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.watch(text, text, text[]) IS
'compare the plan of a query before and after each revision; a run plans it with the rights of the caller and does not execute it, a rehearsal does, in its copy; returns its cost now';

CREATE FUNCTION pgmigrate.unwatch(name text) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_unwatch'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.unwatch(text) IS
'watch a query no more';

CREATE FUNCTION pgmigrate.regressions(
	run bigint DEFAULT NULL
) RETURNS TABLE (
	run bigint,
	revision text,
	name text,
	state text,
	cost_before float8,
	cost_after float8,
	factor float8,
	cause text,
	proposal text,
	plans jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_regressions'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.regressions(bigint) IS
'watched queries that a run made slower, by how much, why, and what would help; and statements of pg_stat_statements whose mean time is longer since it began, state measured; by default of the newest run';

REVOKE ALL ON TABLE pgmigrate.watched_query, pgmigrate.regression, pgmigrate.statement_time FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.watch(text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.unwatch(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.regressions(bigint) FROM PUBLIC;
