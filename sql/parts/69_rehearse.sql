/* Rehearsals. */

CREATE FUNCTION pgmigrate.rehearse(
	target text DEFAULT 'head',
	rows integer DEFAULT NULL
) RETURNS TABLE (
	step integer,
	revision text,
	direction text,
	state text,
	duration interval,
	fingerprint text,
	ok boolean,
	detail text
)
AS 'MODULE_PATHNAME', 'pgmigrate_rehearse'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.rehearse(text, integer) IS
'run what an upgrade to the target would run in a scratch database with the present schema, and so many rows of each table, each revision up, down and up again; the checklist reads the result';

REVOKE ALL ON FUNCTION pgmigrate.rehearse(text, integer) FROM PUBLIC;
