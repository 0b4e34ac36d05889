/* The ledger: what is applied, and every run that made it so. */

CREATE TABLE pgmigrate.head (
	revision text PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	system_identifier bigint DEFAULT pgmigrate.system_identifier(),
	database text DEFAULT pg_catalog.current_database()
);
COMMENT ON TABLE pgmigrate.head IS 'current heads: the applied revisions that no applied revision stands on';
COMMENT ON COLUMN pgmigrate.head.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.head.applied_at IS 'time the row was written';
COMMENT ON COLUMN pgmigrate.head.system_identifier IS 'cluster that the row was written on';
COMMENT ON COLUMN pgmigrate.head.database IS 'database that the row was written in';

CREATE TABLE pgmigrate.applied (
	revision text PRIMARY KEY,
	digest text,
	applied_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	run bigint,
	step integer
);
COMMENT ON TABLE pgmigrate.applied IS 'one row per applied revision, with the digest of the SQL that ran';
COMMENT ON COLUMN pgmigrate.applied.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.applied.digest IS 'pgmigrate.revision.digest at the time it ran or was stamped';
COMMENT ON COLUMN pgmigrate.applied.applied_at IS 'time of the transaction that applied it';
COMMENT ON COLUMN pgmigrate.applied.run IS 'run that applied it';
COMMENT ON COLUMN pgmigrate.applied.step IS 'step of that run';

CREATE TABLE pgmigrate.run (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	command text NOT NULL CHECK (command IN ('upgrade', 'downgrade', 'stamp', 'backfill', 'rebuild')),
	target text NOT NULL,
	state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted', 'paused')),
	execution text NOT NULL CHECK (execution IN ('worker', 'inline', 'script')),
	steps integer NOT NULL,
	heads_before text[] NOT NULL,
	heads_after text[],
	session_role text NOT NULL,
	role text NOT NULL,
	search_path text NOT NULL,
	pid integer NOT NULL,
	started timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished timestamptz,
	sqlstate text,
	error text,
	hint text,
	system_identifier bigint NOT NULL DEFAULT pgmigrate.system_identifier(),
	database text NOT NULL DEFAULT pg_catalog.current_database(),
	server_version text NOT NULL DEFAULT pg_catalog.current_setting('server_version'),
	allowed text[] NOT NULL DEFAULT '{}',
	reason text,
	override text,
	session_role_oid oid NOT NULL,
	role_oid oid NOT NULL
);
CREATE INDEX run_running ON pgmigrate.run (id) WHERE state OPERATOR(pg_catalog.=) 'running';
COMMENT ON TABLE pgmigrate.run IS 'one row per call of upgrade, downgrade, stamp, backfill or rebuild that had something to do; kept for ever';
COMMENT ON COLUMN pgmigrate.run.id IS 'number of the run';
COMMENT ON COLUMN pgmigrate.run.command IS 'upgrade, downgrade, stamp, backfill or rebuild';
COMMENT ON COLUMN pgmigrate.run.target IS 'target as it was given; the relation of a backfill or rebuild';
COMMENT ON COLUMN pgmigrate.run.state IS 'running, done, failed, cancelled, interrupted or paused; pgmigrate.runs tells a dead running one';
COMMENT ON COLUMN pgmigrate.run.execution IS 'worker, inline (in a transaction of the caller), or script (psql ran the SQL)';
COMMENT ON COLUMN pgmigrate.run.steps IS 'number of steps planned';
COMMENT ON COLUMN pgmigrate.run.heads_before IS 'current heads when the run began';
COMMENT ON COLUMN pgmigrate.run.heads_after IS 'current heads when it ended';
COMMENT ON COLUMN pgmigrate.run.session_role IS 'session_user of the caller';
COMMENT ON COLUMN pgmigrate.run.role IS 'current_user of the caller, whose rights the SQL had';
COMMENT ON COLUMN pgmigrate.run.search_path IS 'search_path that the SQL began with';
COMMENT ON COLUMN pgmigrate.run.pid IS 'process that did the work';
COMMENT ON COLUMN pgmigrate.run.started IS 'time it began';
COMMENT ON COLUMN pgmigrate.run.finished IS 'time it ended';
COMMENT ON COLUMN pgmigrate.run.sqlstate IS 'SQLSTATE of the error that ended it';
COMMENT ON COLUMN pgmigrate.run.error IS 'message of that error, without what may be values of rows; status() has it in full for operators';
COMMENT ON COLUMN pgmigrate.run.hint IS 'hint of that error, unless it may quote values too';
COMMENT ON COLUMN pgmigrate.run.system_identifier IS 'cluster that it ran on';
COMMENT ON COLUMN pgmigrate.run.database IS 'database that it ran in';
COMMENT ON COLUMN pgmigrate.run.server_version IS 'server that it ran on';
COMMENT ON COLUMN pgmigrate.run.allowed IS 'rules whose findings the caller permitted for this run';
COMMENT ON COLUMN pgmigrate.run.reason IS 'why, as the caller gave it';
COMMENT ON COLUMN pgmigrate.run.override IS 'why the checklist was overridden, where it was';
COMMENT ON COLUMN pgmigrate.run.session_role_oid IS 'the role that session_role was the name of, in that cluster';
COMMENT ON COLUMN pgmigrate.run.role_oid IS 'the role that role was the name of, in that cluster';

/*
 * No CHECK: its expression would be compiled anew for each of the updates that
 * a step makes, an eighth of the time of a small one.  Room is left in the
 * pages, and no index has what the steps of one transaction change, for their
 * update to stay on its page.
 */
CREATE TABLE pgmigrate.run_step (
	run bigint NOT NULL,
	step integer NOT NULL,
	revision text NOT NULL,
	direction text NOT NULL,
	message text NOT NULL,
	state text NOT NULL,
	statement integer NOT NULL DEFAULT 0,
	statements integer,
	digest text,
	started timestamptz,
	finished timestamptz,
	duration interval,
	details jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (run, step)
) WITH (fillfactor = 50);
CREATE INDEX run_step_revision ON pgmigrate.run_step (revision, run);
COMMENT ON TABLE pgmigrate.run_step IS 'the steps of each run, written when it is planned and followed while it runs';
COMMENT ON COLUMN pgmigrate.run_step.run IS 'the run';
COMMENT ON COLUMN pgmigrate.run_step.step IS 'number of the step in the run, from 1';
COMMENT ON COLUMN pgmigrate.run_step.revision IS 'id of the revision; empty for a backfill';
COMMENT ON COLUMN pgmigrate.run_step.direction IS 'up, down or stamp; empty for a backfill';
COMMENT ON COLUMN pgmigrate.run_step.message IS 'message of the revision; the statement of a backfill';
COMMENT ON COLUMN pgmigrate.run_step.state IS 'pending, running, done, failed, cancelled, or interrupted (found so by the next run)';
COMMENT ON COLUMN pgmigrate.run_step.statement IS 'last statement done, where statements commit one by one';
COMMENT ON COLUMN pgmigrate.run_step.statements IS 'number of statements';
COMMENT ON COLUMN pgmigrate.run_step.digest IS 'digest of the revision that ran';
COMMENT ON COLUMN pgmigrate.run_step.started IS 'time it began';
COMMENT ON COLUMN pgmigrate.run_step.finished IS 'time it ended';
COMMENT ON COLUMN pgmigrate.run_step.duration IS 'time it took, by a clock that does not go back';
COMMENT ON COLUMN pgmigrate.run_step.details IS 'what else is known of the step';

/*
 * Empty but for what is at work or stopped: the rows of a revision go when it
 * is recorded.  OIDs are those of the cluster.
 */
CREATE TABLE pgmigrate.begun_statement (
	revision text NOT NULL,
	statement integer NOT NULL,
	online_step integer NOT NULL DEFAULT 0,
	direction text NOT NULL,
	run bigint NOT NULL,
	digest text NOT NULL,
	state text NOT NULL,
	in_parts boolean NOT NULL DEFAULT false,
	object oid NOT NULL DEFAULT 0,
	index_name text,
	relations oid[] NOT NULL DEFAULT '{}',
	invalid oid[] NOT NULL DEFAULT '{}',
	indexes oid[] NOT NULL DEFAULT '{}',
	index_names text[] NOT NULL DEFAULT '{}',
	system_identifier bigint NOT NULL DEFAULT pgmigrate.system_identifier(),
	PRIMARY KEY (revision, statement, online_step)
);
COMMENT ON TABLE pgmigrate.begun_statement IS 'statements begun one by one of revisions that are not over, by which a run that goes on knows what they did';
COMMENT ON COLUMN pgmigrate.begun_statement.revision IS 'id of the revision';
COMMENT ON COLUMN pgmigrate.begun_statement.statement IS 'statement, from 1';
COMMENT ON COLUMN pgmigrate.begun_statement.online_step IS 'step of carrying it out online, from 1; 0: it is the statement itself';
COMMENT ON COLUMN pgmigrate.begun_statement.direction IS 'up or down';
COMMENT ON COLUMN pgmigrate.begun_statement.run IS 'run that began or did it';
COMMENT ON COLUMN pgmigrate.begun_statement.digest IS 'digest of its text';
COMMENT ON COLUMN pgmigrate.begun_statement.state IS 'begun (it may have committed), undone (it has failed, and committed nothing) or done';
COMMENT ON COLUMN pgmigrate.begun_statement.in_parts IS 'whether it commits as often as it likes, as CALL and DO do';
COMMENT ON COLUMN pgmigrate.begun_statement.object IS 'what it makes or drops, if that was there before; else 0';
COMMENT ON COLUMN pgmigrate.begun_statement.index_name IS 'the only index that it may leave INVALID; null: any';
COMMENT ON COLUMN pgmigrate.begun_statement.relations IS 'tables whose indexes it works on';
COMMENT ON COLUMN pgmigrate.begun_statement.invalid IS 'indexes of those that were INVALID before';
COMMENT ON COLUMN pgmigrate.begun_statement.indexes IS 'all indexes of those before, where the server gives a new one its name';
COMMENT ON COLUMN pgmigrate.begun_statement.index_names IS 'what they are called, for another cluster, where OIDs mean nothing';
COMMENT ON COLUMN pgmigrate.begun_statement.system_identifier IS 'cluster that it was begun on';

CREATE TABLE pgmigrate.run_error (
	run bigint PRIMARY KEY REFERENCES pgmigrate.run (id),
	step integer,
	detail text,
	context text,
	query text,
	position integer,
	message text,
	hint text
);
COMMENT ON TABLE pgmigrate.run_error IS 'the parts of an error that may quote data, for operators only';
COMMENT ON COLUMN pgmigrate.run_error.run IS 'the run';
COMMENT ON COLUMN pgmigrate.run_error.step IS 'the step that failed';
COMMENT ON COLUMN pgmigrate.run_error.detail IS 'detail of the error';
COMMENT ON COLUMN pgmigrate.run_error.context IS 'context of the error';
COMMENT ON COLUMN pgmigrate.run_error.query IS 'statement that failed; of a long one the part that the error points to';
COMMENT ON COLUMN pgmigrate.run_error.position IS 'character of query that the error points to, from 1';
COMMENT ON COLUMN pgmigrate.run_error.message IS 'message of the error, in full';
COMMENT ON COLUMN pgmigrate.run_error.hint IS 'hint of the error';

SELECT pg_catalog.pg_extension_config_dump('pgmigrate.head', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.applied', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.run', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.run_step', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.begun_statement', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.run_error', '');

CREATE FUNCTION pgmigrate.upgrade(
	target text DEFAULT 'head',
	allow text[] DEFAULT '{}',
	reason text DEFAULT NULL
) RETURNS TABLE (
	step integer,
	revision text,
	direction text,
	message text,
	state text,
	duration interval,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_upgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.upgrade(text, text[], text) IS
'apply the revisions that lead to the target and return the steps; as a statement of its own in a background worker, else in the caller''s transaction';

CREATE FUNCTION pgmigrate.downgrade(
	target text,
	allow text[] DEFAULT '{}',
	reason text DEFAULT NULL
) RETURNS TABLE (
	step integer,
	revision text,
	direction text,
	message text,
	state text,
	duration interval,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_downgrade'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.downgrade(text, text[], text) IS
'take back the revisions above the target and return the steps; runs where upgrade() would';

CREATE FUNCTION pgmigrate.stamp(
	target text,
	purge boolean DEFAULT false,
	schemas text[] DEFAULT NULL
) RETURNS TABLE (
	step integer,
	revision text,
	direction text,
	message text,
	state text,
	duration interval,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_stamp'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.stamp(text, boolean, text[]) IS
'record the targets as applied without running their SQL; purge forgets all that was recorded first; schemas: in each of them, see fleet()';

CREATE FUNCTION pgmigrate.upgrade_start(target text DEFAULT 'head') RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_upgrade_start'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.upgrade_start(text) IS
'start an upgrade in a background worker and return the number of the run at once';

CREATE FUNCTION pgmigrate.downgrade_start(target text) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_downgrade_start'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.downgrade_start(text) IS
'start a downgrade in a background worker and return the number of the run at once';

CREATE FUNCTION pgmigrate.status(
	run bigint DEFAULT NULL
) RETURNS TABLE (
	run bigint,
	command text,
	target text,
	state text,
	step integer,
	steps integer,
	revision text,
	message text,
	started timestamptz,
	duration interval,
	error text,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_status'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.status(bigint) IS
'where a run stands, by default the last one; a running one whose process is gone is interrupted';

CREATE FUNCTION pgmigrate.run_state(run bigint) RETURNS text
AS 'MODULE_PATHNAME', 'pgmigrate_run_state'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION pgmigrate.run_state(bigint) IS
'state of a run at the moment, also to a transaction that cannot see its row as it is now';

CREATE FUNCTION pgmigrate.wait(
	run bigint DEFAULT NULL,
	timeout interval DEFAULT NULL,
	"raise" boolean DEFAULT false
) RETURNS TABLE (
	run bigint,
	command text,
	target text,
	state text,
	step integer,
	steps integer,
	revision text,
	message text,
	started timestamptz,
	duration interval,
	error text,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_wait'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.wait(bigint, interval, boolean) IS
'wait until a run, the latest if null, ends or the timeout is over, and return its status; raise makes it fail if the run did';

CREATE FUNCTION pgmigrate.cancel(run bigint) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_cancel'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.cancel(bigint) IS
'ask a run to stop, or give up what one that failed has left of a backfill; false if there is neither';

CREATE FUNCTION pgmigrate.wait_for_run() RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_wait_for_run'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.wait_for_run() IS
'wait for a run that is in progress and let none begin in this transaction; each update script of the extension begins with it';

CREATE FUNCTION pgmigrate.wait_before_drop() RETURNS event_trigger
AS 'MODULE_PATHNAME', 'pgmigrate_wait_before_drop'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.wait_before_drop() IS
'event trigger that lets DROP EXTENSION pgmigrate wait for a run that is in progress';
CREATE EVENT TRIGGER pgmigrate_wait_before_drop ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED')
	EXECUTE FUNCTION pgmigrate.wait_before_drop();
COMMENT ON EVENT TRIGGER pgmigrate_wait_before_drop IS 'lets DROP EXTENSION pgmigrate wait for a run that is in progress';

REVOKE ALL ON TABLE pgmigrate.head, pgmigrate.applied, pgmigrate.run, pgmigrate.run_step, pgmigrate.begun_statement, pgmigrate.run_error FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.run_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.upgrade(text, text[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.downgrade(text, text[], text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.stamp(text, boolean, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.upgrade_start(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.downgrade_start(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.status(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.wait(bigint, interval, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.cancel(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.run_state(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.wait_for_run() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.wait_before_drop() FROM PUBLIC;
