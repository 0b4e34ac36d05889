/* What is in the tables. */

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

REVOKE ALL ON FUNCTION pgmigrate.compare(regclass, regclass, jsonb, double precision) FROM PUBLIC;
