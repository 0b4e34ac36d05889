/* Ledgers of other tools. */

CREATE TABLE pgmigrate.mirror (
	ledger text PRIMARY KEY,
	tool text NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.now(),
	relation oid NOT NULL,
	seen text[] NOT NULL,
	broken text
);
COMMENT ON TABLE pgmigrate.mirror IS 'ledgers of other tools that are kept in step with pgmigrate.head; written by adopt()';
COMMENT ON COLUMN pgmigrate.mirror.ledger IS 'table of the other tool, quoted and qualified';
COMMENT ON COLUMN pgmigrate.mirror.tool IS 'name of the tool';
COMMENT ON COLUMN pgmigrate.mirror.since IS 'time from which on it follows';
COMMENT ON COLUMN pgmigrate.mirror.relation IS 'identity of the table (OID); another one of that name is not followed';
COMMENT ON COLUMN pgmigrate.mirror.seen IS 'versions that the table had when it was left in step, sorted';
COMMENT ON COLUMN pgmigrate.mirror.broken IS 'why it is passed over until adopt() is called again; null: it is in step';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.mirror', '');

CREATE FUNCTION pgmigrate.detect_ledgers() RETURNS TABLE (
	tool text,
	ledger text,
	rows bigint,
	state text,
	detail text,
	mirrored boolean
)
AS 'MODULE_PATHNAME', 'pgmigrate_detect_ledgers'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.detect_ledgers() IS
'ledgers of other migration tools in this database; state is clean, dirty, active, locked or unreadable';

CREATE FUNCTION pgmigrate.adopt(
	tool text,
	table_name regclass DEFAULT NULL,
	mirror boolean DEFAULT false,
	for_schema text DEFAULT NULL
) RETURNS TABLE (
	version text,
	revision text,
	action text
)
AS 'MODULE_PATHNAME', 'pgmigrate_adopt'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.adopt(text, regclass, boolean, text) IS
'stamp what the ledger of another tool has; action is known, differs, imported or skipped; mirror keeps that ledger in step from now on; for_schema: it is the ledger of this schema, see fleet()';

CREATE FUNCTION pgmigrate.adopt(
	tool text,
	table_name text,
	mirror boolean DEFAULT false,
	for_schema text DEFAULT NULL
) RETURNS TABLE (
	version text,
	revision text,
	action text
)
AS 'MODULE_PATHNAME', 'pgmigrate_adopt_named'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.adopt(text, text, boolean, text) IS
'the same by the name of the table, which ends a mirroring also if the table is gone';

REVOKE ALL ON TABLE pgmigrate.mirror FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.detect_ledgers() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.adopt(text, regclass, boolean, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.adopt(text, text, boolean, text) FROM PUBLIC;
