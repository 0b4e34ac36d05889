/* Migration files: those of other tools and our own, in and out. */

CREATE FUNCTION pgmigrate.load(
	file_name text,
	contents text,
	format text DEFAULT 'auto'
) RETURNS SETOF text
AS 'MODULE_PATHNAME', 'pgmigrate_load'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.load(text, text, text) IS
'store the revisions of a migration file that are not stored yet, and return the ids of all of them';

CREATE FUNCTION pgmigrate.load_files(
	file_names text[],
	contents text[],
	format text DEFAULT 'auto',
	amend boolean DEFAULT false
) RETURNS TABLE (
	revision text,
	file_name text,
	action text
)
AS 'MODULE_PATHNAME', 'pgmigrate_load_files'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.load_files(text[], text[], text, boolean) IS
'store the revisions of several migration files that the client has read; action is added, unchanged, differs, amended or skipped; with amend, files of revisions that are not applied change what is stored';

CREATE FUNCTION pgmigrate.load_directory(
	path text,
	format text DEFAULT 'auto',
	amend boolean DEFAULT false
) RETURNS TABLE (
	revision text,
	file_name text,
	action text
)
AS 'MODULE_PATHNAME', 'pgmigrate_load_directory'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.load_directory(text, text, boolean) IS
'the same for a folder of the server, which takes a superuser or the rights of pg_read_server_files';

CREATE FUNCTION pgmigrate.export(
	range text DEFAULT 'base:heads',
	format text DEFAULT 'pgmigrate'
) RETURNS TABLE (
	file_name text,
	contents text
)
AS 'MODULE_PATHNAME', 'pgmigrate_export'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.export(text, text) IS
'stored revisions as migration files: pgmigrate, golang-migrate or plain';

REVOKE ALL ON FUNCTION pgmigrate.load(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.load_files(text[], text[], text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.load_directory(text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.export(text, text) FROM PUBLIC;
