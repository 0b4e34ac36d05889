/* The schema of the database, as a whole. */

CREATE FUNCTION pgmigrate.fingerprint(schemas text[] DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_fingerprint'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.fingerprint(text[]) IS
'digest of all that the schemas hold but rows, the same wherever that is the same; by default of the whole database but for pgmigrate and the system';

REVOKE ALL ON FUNCTION pgmigrate.fingerprint(text[]) FROM PUBLIC;
