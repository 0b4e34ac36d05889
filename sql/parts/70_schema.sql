/* The schema of the database, as a whole. */

CREATE FUNCTION pgmigrate.fingerprint(schemas text[] DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_fingerprint'
LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.fingerprint(text[]) IS
'digest of all that the schemas hold but rows, the same wherever that is the same; by default of the whole database but for pgmigrate and the system';

REVOKE ALL ON FUNCTION pgmigrate.fingerprint(text[]) FROM PUBLIC;

CREATE TABLE pgmigrate.schema_object (
	kind text,
	identity text,
	definition jsonb NOT NULL,
	run bigint NOT NULL,
	address bigint[],
	PRIMARY KEY (kind, identity)
);
COMMENT ON TABLE pgmigrate.schema_object IS 'the schema as the last run left it, one row per object; drift() compares with it';
COMMENT ON COLUMN pgmigrate.schema_object.kind IS 'table, column, index and so on; database is the whole';
COMMENT ON COLUMN pgmigrate.schema_object.identity IS 'name, qualified and quoted, unique in its kind';
COMMENT ON COLUMN pgmigrate.schema_object.definition IS 'properties of the object that are not the default';
COMMENT ON COLUMN pgmigrate.schema_object.run IS 'run that left it so';
COMMENT ON COLUMN pgmigrate.schema_object.address IS 'catalog, OID and number of the column: adopt_drift() sees by it what has another name now';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.schema_object', '');

CREATE FUNCTION pgmigrate.drift() RETURNS TABLE (
	object text,
	change text,
	expected text,
	actual text
)
AS 'MODULE_PATHNAME', 'pgmigrate_drift'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.drift() IS
'objects that were added, removed or changed since the last run ended; of a changed one the properties that differ';

REVOKE ALL ON TABLE pgmigrate.schema_object FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.drift() FROM PUBLIC;
