/* What is in the tables, and whether it is still as it was verified. */

CREATE FUNCTION pgmigrate.compare(
	a regclass,
	b regclass,
	mapping jsonb DEFAULT NULL,
	sample double precision DEFAULT NULL
) RETURNS TABLE (
	rows bigint,
	differences bigint,
	bound double precision,
	examples jsonb,
	method text,
	duration interval
)
AS 'MODULE_PATHNAME', 'pgmigrate_compare'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.compare(regclass, regclass, jsonb, double precision) IS
'compare the rows of two tables, as the caller: how many differ, some of them with their keys and both rows, or by a sample how many may differ at most';

CREATE FUNCTION pgmigrate.verify(target text DEFAULT NULL) RETURNS TABLE (
	revision text,
	source text,
	statement integer,
	ok boolean,
	detail text
)
AS 'MODULE_PATHNAME', 'pgmigrate_verify'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.verify(text) IS
'run the verify queries of applied revisions again, and the generated ones of those that have none, read only and as the caller; null means all of them';

REVOKE ALL ON FUNCTION pgmigrate.compare(regclass, regclass, jsonb, double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.verify(text) FROM PUBLIC;
