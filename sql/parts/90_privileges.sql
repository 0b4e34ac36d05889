/* Who may do what. */

CREATE FUNCTION pgmigrate.grant_access(role_name text, level text) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_grant_access'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.grant_access(text, text) IS
'let a role use pgmigrate as viewer, author or operator, each with the rights of those before; returns the commands it ran';
REVOKE ALL ON FUNCTION pgmigrate.grant_access(text, text) FROM PUBLIC;
