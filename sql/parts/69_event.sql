/* The outbox: who has to be told of what. */

CREATE TABLE pgmigrate.event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	time timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	kind text NOT NULL,
	run bigint,
	revision text,
	operation bigint,
	role text NOT NULL,
	role_oid oid NOT NULL,
	payload jsonb NOT NULL,
	xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id()
);
CREATE INDEX event_xid ON pgmigrate.event (xid, id);
CREATE INDEX event_kind ON pgmigrate.event (kind, id);
COMMENT ON TABLE pgmigrate.event IS 'outbox: one row per change of state, written in the transaction of the change; no part of a dump';
COMMENT ON COLUMN pgmigrate.event.id IS 'number of the event';
COMMENT ON COLUMN pgmigrate.event.time IS 'time it was written';
COMMENT ON COLUMN pgmigrate.event.kind IS 'run, operation, approval, attestation, announcement, drift, lock_wait or regression';
COMMENT ON COLUMN pgmigrate.event.run IS 'run that it is about';
COMMENT ON COLUMN pgmigrate.event.revision IS 'revision that it is about';
COMMENT ON COLUMN pgmigrate.event.operation IS 'operation that it is about';
COMMENT ON COLUMN pgmigrate.event.role IS 'role that did it, by its name then';
COMMENT ON COLUMN pgmigrate.event.role_oid IS 'the role itself';
COMMENT ON COLUMN pgmigrate.event.payload IS 'the new state, a message in one line, and what else there is to say, without what may be values of rows';
COMMENT ON COLUMN pgmigrate.event.xid IS 'transaction that wrote it, by which a consumer knows what is new';

CREATE TABLE pgmigrate.event_consumer (
	consumer text PRIMARY KEY,
	role_oid oid NOT NULL,
	role text NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	settled xid8 NOT NULL
);
COMMENT ON TABLE pgmigrate.event_consumer IS 'who is told of events; no part of a dump';
COMMENT ON COLUMN pgmigrate.event_consumer.consumer IS 'name that it gave itself; notify_command is ours';
COMMENT ON COLUMN pgmigrate.event_consumer.role_oid IS 'role that it belongs to';
COMMENT ON COLUMN pgmigrate.event_consumer.role IS 'name of that role at the time';
COMMENT ON COLUMN pgmigrate.event_consumer.since IS 'time it asked first';
COMMENT ON COLUMN pgmigrate.event_consumer.settled IS 'transaction before which all events are acknowledged and no new one can come';

CREATE TABLE pgmigrate.event_delivery (
	consumer text NOT NULL,
	event bigint NOT NULL,
	xid xid8 NOT NULL,
	acknowledged boolean NOT NULL,
	tries integer NOT NULL DEFAULT 0,
	next_try timestamptz,
	error text,
	PRIMARY KEY (consumer, event)
);
CREATE INDEX event_delivery_xid ON pgmigrate.event_delivery (consumer, xid, event);
CREATE INDEX event_delivery_failed ON pgmigrate.event_delivery (consumer, next_try) WHERE NOT acknowledged;
COMMENT ON TABLE pgmigrate.event_delivery IS 'events that a consumer has acknowledged, or that could not be delivered yet; forgotten when all before them are settled';
COMMENT ON COLUMN pgmigrate.event_delivery.consumer IS 'name of the consumer';
COMMENT ON COLUMN pgmigrate.event_delivery.event IS 'number of the event';
COMMENT ON COLUMN pgmigrate.event_delivery.xid IS 'transaction of the event';
COMMENT ON COLUMN pgmigrate.event_delivery.acknowledged IS 'false: pgmigrate.notify_command has failed so far';
COMMENT ON COLUMN pgmigrate.event_delivery.tries IS 'how often';
COMMENT ON COLUMN pgmigrate.event_delivery.next_try IS 'when it is tried again, while somebody tries';
COMMENT ON COLUMN pgmigrate.event_delivery.error IS 'how it failed the last time';

CREATE FUNCTION pgmigrate.record_event() RETURNS trigger
AS 'MODULE_PATHNAME', 'pgmigrate_record_event'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.record_event() IS
'trigger that writes an event for a row that a function of the extension has written';

CREATE TRIGGER record_begin AFTER INSERT ON pgmigrate.run
	FOR EACH ROW EXECUTE FUNCTION pgmigrate.record_event();
CREATE TRIGGER record_state AFTER UPDATE OF state ON pgmigrate.run
	FOR EACH ROW WHEN (OLD.state OPERATOR(pg_catalog.<>) NEW.state)
	EXECUTE FUNCTION pgmigrate.record_event();
CREATE TRIGGER record_begin AFTER INSERT ON pgmigrate.operation
	FOR EACH ROW EXECUTE FUNCTION pgmigrate.record_event();
CREATE TRIGGER record_state AFTER UPDATE OF state ON pgmigrate.operation
	FOR EACH ROW WHEN (OLD.state OPERATOR(pg_catalog.<>) NEW.state)
	EXECUTE FUNCTION pgmigrate.record_event();
CREATE TRIGGER record_approval AFTER INSERT ON pgmigrate.revision_change
	FOR EACH ROW WHEN (NEW.change OPERATOR(pg_catalog.=) 'approve')
	EXECUTE FUNCTION pgmigrate.record_event();
CREATE TRIGGER record_attestation AFTER INSERT ON pgmigrate.attestation
	FOR EACH ROW EXECUTE FUNCTION pgmigrate.record_event();
COMMENT ON TRIGGER record_begin ON pgmigrate.run IS 'tells of a new run';
COMMENT ON TRIGGER record_state ON pgmigrate.run IS 'tells of its states';
COMMENT ON TRIGGER record_begin ON pgmigrate.operation IS 'tells of a new operation';
COMMENT ON TRIGGER record_state ON pgmigrate.operation IS 'tells of its states';
COMMENT ON TRIGGER record_approval ON pgmigrate.revision_change IS 'tells of approvals';
COMMENT ON TRIGGER record_attestation ON pgmigrate.attestation IS 'tells of attestations';

CREATE FUNCTION pgmigrate.events(
	consumer text,
	max integer DEFAULT 100
) RETURNS TABLE (
	id bigint,
	"time" timestamptz,
	kind text,
	run bigint,
	revision text,
	operation bigint,
	role text,
	payload jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_events'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.events(text, integer) IS
'events that the consumer of this name has not acknowledged, oldest first; the first call makes it a consumer';

CREATE FUNCTION pgmigrate.acknowledge(
	consumer text,
	VARIADIC id bigint[]
) RETURNS integer
AS 'MODULE_PATHNAME', 'pgmigrate_acknowledge'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.acknowledge(text, bigint[]) IS
'the consumer has dealt with these events and is not told of them again; returns how many were new';

CREATE FUNCTION pgmigrate.drop_consumer(consumer text) RETURNS boolean
AS 'MODULE_PATHNAME', 'pgmigrate_drop_consumer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.drop_consumer(text) IS
'forget a consumer of events';

CREATE FUNCTION pgmigrate.prune_events(
	older_than interval DEFAULT NULL
) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_prune_events'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.prune_events(interval) IS
'delete events that are older, by default those that pgmigrate.event_keep and event_limit do not keep; returns how many';

CREATE FUNCTION pgmigrate.announce(
	target text DEFAULT 'head',
	note text DEFAULT NULL
) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_announce'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.announce(text, text) IS
'announce what an upgrade to the target would run now, by an event; when a consumer has acknowledged it, item notification of the checklist is ok; returns the number of the event';

REVOKE ALL ON FUNCTION pgmigrate.announce(text, text) FROM PUBLIC;
REVOKE ALL ON TABLE pgmigrate.event, pgmigrate.event_consumer, pgmigrate.event_delivery FROM PUBLIC;
REVOKE ALL ON SEQUENCE pgmigrate.event_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.record_event() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.events(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.acknowledge(text, bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.drop_consumer(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.prune_events(interval) FROM PUBLIC;
