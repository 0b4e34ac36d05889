/* A table changed by way of another one beside it. */

CREATE FUNCTION pgmigrate.online_row() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_online_row'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.online_row() IS
'trigger of an online change: writes to the table beside what is written to the table';
REVOKE ALL ON FUNCTION pgmigrate.online_row() FROM PUBLIC;

CREATE FUNCTION pgmigrate.online_truncate() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_online_truncate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.online_truncate() IS
'trigger of an online change: empties the table beside along with the table';
REVOKE ALL ON FUNCTION pgmigrate.online_truncate() FROM PUBLIC;

CREATE FUNCTION pgmigrate.online_column() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_online_column'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.online_column() IS
'trigger of an online change: writes to the double of a column what is written to the column';
REVOKE ALL ON FUNCTION pgmigrate.online_column() FROM PUBLIC;

CREATE FUNCTION pgmigrate.online_beside() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_online_beside'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.online_beside() IS
'trigger of an online change: lets nobody else write to the table beside';
REVOKE ALL ON FUNCTION pgmigrate.online_beside() FROM PUBLIC;

CREATE FUNCTION pgmigrate.kept_row() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_kept_row'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.kept_row() IS
'trigger of a table with a column that was dropped and is kept: an UPDATE leaves its value in the row';
REVOKE ALL ON FUNCTION pgmigrate.kept_row() FROM PUBLIC;

CREATE FUNCTION pgmigrate.rebuild(relation regclass, definition text DEFAULT NULL,
	partition_by text DEFAULT NULL, partitions text[] DEFAULT NULL,
	column_order text[] DEFAULT NULL, order_by text DEFAULT NULL,
	OUT operation bigint, OUT relation_name text, OUT action text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_rebuild'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.rebuild(regclass, text, text, text[], text[], text) IS
'write a table anew beside itself and switch, with the subcommands of ALTER TABLE given, into partitions, or in another order of columns or rows; readers and writers go on meanwhile';
REVOKE ALL ON FUNCTION pgmigrate.rebuild(regclass, text, text, text[], text[], text) FROM PUBLIC;

CREATE FUNCTION pgmigrate.revert(INOUT operation bigint, without_unfit boolean DEFAULT false,
	OUT relation text, OUT action text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_revert'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.revert(bigint, boolean) IS
'go back to before the switch of an online change, with what was written since; end one that is not switched';
REVOKE ALL ON FUNCTION pgmigrate.revert(bigint, boolean) FROM PUBLIC;

CREATE FUNCTION pgmigrate.finalize(INOUT operation bigint DEFAULT NULL,
	OUT relation text, OUT action text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_finalize'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.finalize(bigint) IS
'drop what is kept to revert an online change, of one operation or of all that are switched';
REVOKE ALL ON FUNCTION pgmigrate.finalize(bigint) FROM PUBLIC;
