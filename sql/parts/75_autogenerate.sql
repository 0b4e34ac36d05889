/* Revisions that are written from the schema that is desired. */

CREATE FUNCTION pgmigrate.diff(
	desired text DEFAULT NULL,
	desired_database text DEFAULT NULL,
	renames jsonb DEFAULT NULL,
	desired_schemas jsonb DEFAULT NULL
) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_diff'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.diff(text, text, jsonb, jsonb) IS
'statements that make the schema of this database what the text makes of an empty one, what another database has, or what {"app_next": "app"} say of schemas of this one; renames are {"users.phone": "tel"}; nothing is stored';

CREATE FUNCTION pgmigrate.autogenerate(
	message text,
	desired text DEFAULT NULL,
	desired_database text DEFAULT NULL,
	id text DEFAULT NULL,
	renames jsonb DEFAULT NULL,
	desired_schemas jsonb DEFAULT NULL
) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_autogenerate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.autogenerate(text, text, text, text, jsonb, jsonb) IS
'store what diff() shows, and the way back, as a revision, when both have been run in a scratch database and led there; null if there is nothing to do';

REVOKE ALL ON FUNCTION pgmigrate.diff(text, text, jsonb, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.autogenerate(text, text, text, text, jsonb, jsonb) FROM PUBLIC;
