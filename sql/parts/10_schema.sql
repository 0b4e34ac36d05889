/* The schema is made here, so that nobody can have made it before. */

CREATE SCHEMA pgmigrate;
REVOKE ALL ON SCHEMA pgmigrate FROM PUBLIC;
COMMENT ON SCHEMA pgmigrate IS 'schema revisions, and the ledger of what was applied';

CREATE FUNCTION pgmigrate.system_identifier() RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_system_identifier'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION pgmigrate.system_identifier() IS
'identity of this cluster, as pg_controldata prints it';
REVOKE ALL ON FUNCTION pgmigrate.system_identifier() FROM PUBLIC;
