/* What was changed by hand becomes a revision. */

CREATE FUNCTION pgmigrate.adopt_drift(message text, id text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_adopt_drift'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.adopt_drift(text, text) IS
'store what drift() shows as a revision, with the way back, and record it as applied; null if there is nothing';
REVOKE ALL ON FUNCTION pgmigrate.adopt_drift(text, text) FROM PUBLIC;
