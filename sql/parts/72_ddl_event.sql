/* Who changed the schema outside of revisions: opt-in. */

CREATE TABLE pgmigrate.ddl_event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	session_role text NOT NULL,
	role text NOT NULL,
	session_role_oid oid NOT NULL,
	role_oid oid NOT NULL,
	application text NOT NULL,
	command text NOT NULL,
	kind text NOT NULL,
	object text
);
CREATE INDEX ddl_event_session_role ON pgmigrate.ddl_event (session_role_oid, id);
COMMENT ON TABLE pgmigrate.ddl_event IS 'changes of the schema that were not of a run, a row for each object, while capture_drift is on; the newest 1000 of each session role';
COMMENT ON COLUMN pgmigrate.ddl_event.id IS 'number of the row';
COMMENT ON COLUMN pgmigrate.ddl_event.at IS 'time it happened';
COMMENT ON COLUMN pgmigrate.ddl_event.session_role IS 'session_user of who did it';
COMMENT ON COLUMN pgmigrate.ddl_event.role IS 'current_user of who did it';
COMMENT ON COLUMN pgmigrate.ddl_event.session_role_oid IS 'the role that session_role was the name of';
COMMENT ON COLUMN pgmigrate.ddl_event.role_oid IS 'the role that role was the name of';
COMMENT ON COLUMN pgmigrate.ddl_event.application IS 'application_name of the session';
COMMENT ON COLUMN pgmigrate.ddl_event.command IS 'command tag, such as ALTER TABLE';
COMMENT ON COLUMN pgmigrate.ddl_event.kind IS 'type of the object, as event triggers have it';
COMMENT ON COLUMN pgmigrate.ddl_event.object IS 'identity of the object, qualified and quoted; null where the server tells none';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.ddl_event', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.ddl_event_id_seq', '');

CREATE FUNCTION pgmigrate.capture_ddl() RETURNS event_trigger
AS 'MODULE_PATHNAME', 'pgmigrate_capture_ddl'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.capture_ddl() IS
'event trigger that writes pgmigrate.ddl_event; what stands in its way is a warning';

CREATE EVENT TRIGGER pgmigrate_capture_ddl ON ddl_command_end
	EXECUTE FUNCTION pgmigrate.capture_ddl();
CREATE EVENT TRIGGER pgmigrate_capture_drop ON sql_drop
	EXECUTE FUNCTION pgmigrate.capture_ddl();
ALTER EVENT TRIGGER pgmigrate_capture_ddl DISABLE;
ALTER EVENT TRIGGER pgmigrate_capture_drop DISABLE;
COMMENT ON EVENT TRIGGER pgmigrate_capture_ddl IS 'enabled by capture_drift()';
COMMENT ON EVENT TRIGGER pgmigrate_capture_drop IS 'enabled by capture_drift()';

CREATE FUNCTION pgmigrate.capture_drift(enable boolean DEFAULT true) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_capture_drift'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.capture_drift(boolean) IS
'write down from now on, or no longer, who does DDL outside of runs; for the owner of the extension';

REVOKE ALL ON TABLE pgmigrate.ddl_event FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.ddl_event_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.capture_ddl() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.capture_drift(boolean) FROM PUBLIC;
