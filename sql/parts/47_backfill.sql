/* Changing many rows a few pages at a time, and steering what is at work. */

CREATE TABLE pgmigrate.run_control (
	run bigint NOT NULL,
	setting text NOT NULL,
	value integer NOT NULL,
	role text NOT NULL,
	role_oid oid NOT NULL,
	set_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	PRIMARY KEY (run, setting)
);
COMMENT ON TABLE pgmigrate.run_control IS 'what has been asked of a run at work by pause(), resume() and tune()';
COMMENT ON COLUMN pgmigrate.run_control.run IS 'the run';
COMMENT ON COLUMN pgmigrate.run_control.setting IS 'paused, chunk_time, pause, max_replica_lag, max_wal_rate or backfill_window';
COMMENT ON COLUMN pgmigrate.run_control.value IS 'its value: 1 or 0, milliseconds, kB a second, or of a window the minute of its begin times 1440 and that of its end';
COMMENT ON COLUMN pgmigrate.run_control.role IS 'role that asked, by its name then';
COMMENT ON COLUMN pgmigrate.run_control.role_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.run_control.set_at IS 'time it did';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.run_control', '');

CREATE TABLE pgmigrate.operation_row (
	operation bigint NOT NULL REFERENCES pgmigrate.operation (id),
	relation text NOT NULL,
	relid oid NOT NULL,
	row_ctid text NOT NULL,
	row_key text,
	sqlstate text NOT NULL,
	error text NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	PRIMARY KEY (operation, relid, row_ctid)
);
COMMENT ON TABLE pgmigrate.operation_row IS 'rows that a backfill could not change, where pgmigrate.on_row_error is quarantine; for operators only';
COMMENT ON COLUMN pgmigrate.operation_row.operation IS 'the operation';
COMMENT ON COLUMN pgmigrate.operation_row.relation IS 'table or partition, by the name it had then';
COMMENT ON COLUMN pgmigrate.operation_row.relid IS 'its identity in the catalog';
COMMENT ON COLUMN pgmigrate.operation_row.row_ctid IS 'where the row was';
COMMENT ON COLUMN pgmigrate.operation_row.row_key IS 'columns and values of its primary key, if there is one';
COMMENT ON COLUMN pgmigrate.operation_row.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN pgmigrate.operation_row.error IS 'message of the error';
COMMENT ON COLUMN pgmigrate.operation_row.at IS 'time of the try';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.operation_row', '');

CREATE FUNCTION pgmigrate.backfill(
	relation regclass,
	assignments text,
	condition text DEFAULT NULL,
	workers integer DEFAULT 1,
	chunk_time interval DEFAULT '100 ms',
	pause interval DEFAULT '0'
) RETURNS TABLE (
	step integer,
	revision text,
	direction text,
	message text,
	state text,
	duration interval,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_backfill'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.backfill(regclass, text, text, integer, interval, interval) IS
'change many rows as UPDATE would, a few pages at a time, while others write; goes on where a call with the same arguments stopped; runs where upgrade() would';

CREATE FUNCTION pgmigrate.backfill_start(
	relation regclass,
	assignments text,
	condition text DEFAULT NULL,
	workers integer DEFAULT 1,
	chunk_time interval DEFAULT '100 ms',
	pause interval DEFAULT '0'
) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_backfill_start'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.backfill_start(regclass, text, text, integer, interval, interval) IS
'start a backfill in a background worker and return the number of the run at once';

CREATE FUNCTION pgmigrate.pause(run bigint) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_pause'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.pause(bigint) IS
'let the backfill of a run wait from its next chunk on; false if the run is not at work';

CREATE FUNCTION pgmigrate.resume(run bigint) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_resume'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.resume(bigint) IS
'let a paused run go on, or start one that goes on with the backfill of a run that failed or was interrupted; returns the run that is at work';

CREATE FUNCTION pgmigrate.tune(run bigint, setting text, value text) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_tune'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.tune(bigint, text, text) IS
'change chunk_time, pause, max_replica_lag, max_wal_rate or backfill_window of a run at work; false if it is not';

REVOKE ALL ON FUNCTION pgmigrate.backfill(regclass, text, text, integer, interval, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.backfill_start(regclass, text, text, integer, interval, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.pause(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.resume(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.tune(bigint, text, text) FROM PUBLIC;
