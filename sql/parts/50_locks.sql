/* Who waits for whom. */

CREATE FUNCTION pgmigrate.lock_tree() RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_lock_tree'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.lock_tree() IS
'what the run in progress waits for now: per relation those in its way, the run itself, and those who wait behind it';

CREATE FUNCTION pgmigrate.lock_timeline(
	run bigint
) RETURNS TABLE (
	step integer,
	revision text,
	attempt integer,
	at timestamptz,
	phase text,
	outcome text,
	relation text,
	mode text,
	waited interval,
	behind integer,
	blocked_by text
)
AS 'MODULE_PATHNAME', 'pgmigrate_lock_timeline'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.lock_timeline(bigint) IS
'the attempts of a run to get its locks, as they are kept with its steps: of each a summary, then the first and the last ones';

REVOKE ALL ON FUNCTION pgmigrate.lock_tree() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.lock_timeline(bigint) FROM PUBLIC;
