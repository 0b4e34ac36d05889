/*
 * Who writes the tables.  Their rows decide what runs, and with whose rights,
 * so that a right to write them, which pg_write_all_data has, must not be
 * enough.  Row security would keep pg_dump out as well, where a role other
 * than the owner takes the backup.
 */

CREATE FUNCTION pgmigrate.check_writer() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_check_writer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.check_writer() IS
'trigger that lets the functions of the extension and its owner write its tables, and nobody else';
REVOKE ALL ON FUNCTION pgmigrate.check_writer() FROM PUBLIC;

CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.revision
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.revision_change
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.head
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.applied
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.run
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.run_step
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.run_error
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.mirror
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.assessment
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.operation
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.operation_range
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.schema_object
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.run_control
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.operation_row
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.attestation
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.checklist_item
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.rehearsal
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.metrics_marker
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.event
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.event_consumer
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.event_delivery
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.watched_query
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.regression
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.scrape
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.verification
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.ddl_event
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.statement_time
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();
CREATE TRIGGER check_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgmigrate.begun_statement
	FOR EACH STATEMENT EXECUTE FUNCTION pgmigrate.check_writer();

ALTER TABLE pgmigrate.revision ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.revision_change ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.head ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.applied ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.run ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.run_step ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.run_error ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.mirror ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.assessment ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.operation ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.operation_range ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.schema_object ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.run_control ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.operation_row ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.attestation ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.checklist_item ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.rehearsal ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.metrics_marker ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.event ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.event_consumer ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.event_delivery ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.watched_query ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.regression ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.scrape ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.verification ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.ddl_event ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.statement_time ENABLE ALWAYS TRIGGER check_writer;
ALTER TABLE pgmigrate.begun_statement ENABLE ALWAYS TRIGGER check_writer;

COMMENT ON TRIGGER check_writer ON pgmigrate.revision IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.revision_change IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.head IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.applied IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.run IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.run_step IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.run_error IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.mirror IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.assessment IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.operation IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.operation_range IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.schema_object IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.run_control IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.operation_row IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.attestation IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.checklist_item IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.rehearsal IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.metrics_marker IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.event IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.event_consumer IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.event_delivery IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.watched_query IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.regression IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.scrape IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.verification IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.ddl_event IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.statement_time IS 'only functions of the extension write the table';
COMMENT ON TRIGGER check_writer ON pgmigrate.begun_statement IS 'only functions of the extension write the table';
