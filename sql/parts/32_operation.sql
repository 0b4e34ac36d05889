/* Online changes and backfills: rows that outlive the run that began them. */

CREATE TABLE pgmigrate.operation (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run bigint NOT NULL,
	revision text,
	direction text NOT NULL,
	statement integer,
	digest text NOT NULL,
	schema_name text NOT NULL,
	relation_name text NOT NULL,
	relid oid NOT NULL,
	strategy text NOT NULL,
	method text NOT NULL CHECK (method OPERATOR(pg_catalog.=) ANY (ARRAY['column', 'table', 'in place'])),
	state text NOT NULL,
	phase text,
	done bigint NOT NULL DEFAULT 0,
	total bigint,
	unit text,
	waiting_for text,
	differences bigint,
	role_oid oid NOT NULL,
	role text NOT NULL,
	error text,
	started timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	phase_started timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	switched timestamptz,
	finished timestamptz,
	revert_until timestamptz,
	details jsonb NOT NULL DEFAULT '{}',
	system_identifier bigint NOT NULL DEFAULT pgmigrate.system_identifier(),
	database text NOT NULL DEFAULT pg_catalog.current_database()
) WITH (fillfactor = 50);
/* at most one operation at work on a relation, however it was begun; a restore
 * may bring those of another cluster, where the number is that of another one */
CREATE UNIQUE INDEX operation_at_work ON pgmigrate.operation (relid, system_identifier)
	WHERE state OPERATOR(pg_catalog.=) ANY (ARRAY['preparing', 'copying', 'indexing', 'comparing', 'switching']);
CREATE INDEX operation_revision ON pgmigrate.operation (revision, statement);
COMMENT ON TABLE pgmigrate.operation IS 'one row per online change or backfill, until it is finalized and after';
COMMENT ON COLUMN pgmigrate.operation.id IS 'number of the operation';
COMMENT ON COLUMN pgmigrate.operation.run IS 'run that works on it, or did last';
COMMENT ON COLUMN pgmigrate.operation.revision IS 'revision that it is part of; null for a call of backfill() or rebuild()';
COMMENT ON COLUMN pgmigrate.operation.direction IS 'up or down';
COMMENT ON COLUMN pgmigrate.operation.statement IS 'statement of the revision, from 1';
COMMENT ON COLUMN pgmigrate.operation.digest IS 'digest of the statement and what it follows, by which a later run knows it';
COMMENT ON COLUMN pgmigrate.operation.schema_name IS 'schema of the relation when it began';
COMMENT ON COLUMN pgmigrate.operation.relation_name IS 'name of the relation when it began';
COMMENT ON COLUMN pgmigrate.operation.relid IS 'identity of the relation in the catalog, checked before each use';
COMMENT ON COLUMN pgmigrate.operation.strategy IS 'how the statement is carried out';
COMMENT ON COLUMN pgmigrate.operation.method IS 'column: a new column beside; table: a new table beside; in place';
COMMENT ON COLUMN pgmigrate.operation.state IS 'preparing, copying, indexing, comparing, switching, switched, finalized, reverted, cancelled or failed';
COMMENT ON COLUMN pgmigrate.operation.phase IS 'what it does within the state';
COMMENT ON COLUMN pgmigrate.operation.done IS 'units done in this state; of an operation that is over, in its last one';
COMMENT ON COLUMN pgmigrate.operation.total IS 'units in this state';
COMMENT ON COLUMN pgmigrate.operation.unit IS 'blocks, rows, indexes or steps; once it is switched, the states that are behind it';
COMMENT ON COLUMN pgmigrate.operation.waiting_for IS 'what it gives way to; null while it works';
COMMENT ON COLUMN pgmigrate.operation.differences IS 'rows that the last comparison found to differ';
COMMENT ON COLUMN pgmigrate.operation.role_oid IS 'role whose rights it has';
COMMENT ON COLUMN pgmigrate.operation.role IS 'name of that role when it began';
COMMENT ON COLUMN pgmigrate.operation.error IS 'why it failed, without what may be values of rows';
COMMENT ON COLUMN pgmigrate.operation.started IS 'time it began';
COMMENT ON COLUMN pgmigrate.operation.phase_started IS 'time the state began';
COMMENT ON COLUMN pgmigrate.operation.switched IS 'time the new form became the one in use';
COMMENT ON COLUMN pgmigrate.operation.finished IS 'time it was finalized, reverted, cancelled or failed';
COMMENT ON COLUMN pgmigrate.operation.revert_until IS 'time it is to be finalized by itself; null: by hand';
COMMENT ON COLUMN pgmigrate.operation.details IS 'what else a later run must know';
COMMENT ON COLUMN pgmigrate.operation.system_identifier IS 'cluster that it began on';
COMMENT ON COLUMN pgmigrate.operation.database IS 'database that it began in';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.operation', '');
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.operation_id_seq', '');

/* Ranges of blocks, each worked on by one process and resumed where it stopped. */
CREATE TABLE pgmigrate.operation_range (
	operation bigint NOT NULL REFERENCES pgmigrate.operation (id),
	part integer NOT NULL,
	relid oid NOT NULL,
	filenode oid NOT NULL,
	first_block bigint NOT NULL,
	next_block bigint NOT NULL,
	end_block bigint NOT NULL,
	row_count bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (operation, part)
) WITH (fillfactor = 50);
COMMENT ON TABLE pgmigrate.operation_range IS 'how far an operation has come in each range of blocks; a row is written with the rows it counts';
COMMENT ON COLUMN pgmigrate.operation_range.operation IS 'the operation';
COMMENT ON COLUMN pgmigrate.operation_range.part IS 'number of the range, from 1';
COMMENT ON COLUMN pgmigrate.operation_range.relid IS 'table or partition';
COMMENT ON COLUMN pgmigrate.operation_range.filenode IS 'file that the blocks are of; another one means that they have to be counted anew';
COMMENT ON COLUMN pgmigrate.operation_range.first_block IS 'where the range begins';
COMMENT ON COLUMN pgmigrate.operation_range.next_block IS 'first block that is not done';
COMMENT ON COLUMN pgmigrate.operation_range.end_block IS 'block after its last';
COMMENT ON COLUMN pgmigrate.operation_range.row_count IS 'rows written';
SELECT pg_catalog.pg_extension_config_dump('pgmigrate.operation_range', '');

CREATE VIEW pgmigrate.operations AS
SELECT o.id AS operation,
	o.run,
	o.revision,
	o.statement,
	pg_catalog.format('%I.%I', o.schema_name, o.relation_name) AS relation,
	o.strategy,
	o.method,
	o.state,
	o.phase,
	o.done,
	o.total,
	o.unit,
	r.rate,
	CASE WHEN o.finished IS NULL AND r.rate OPERATOR(pg_catalog.>) 0
		AND o.total OPERATOR(pg_catalog.>) o.done
		THEN pg_catalog.make_interval(secs => (o.total OPERATOR(pg_catalog.-) o.done)::pg_catalog.float8 OPERATOR(pg_catalog./) r.rate)
	END AS eta,
	NULLIF(pg_catalog.concat_ws(', ', o.waiting_for, w.who), '') AS waiting_for,
	o.differences,
	o.started,
	o.switched,
	o.revert_until,
	o.details
FROM pgmigrate.operation o
-- a statement that commits by itself cannot write down for whom it waits
LEFT JOIN LATERAL (SELECT 'process ' OPERATOR(pg_catalog.||) pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ', ') AS who
	FROM pgmigrate.run t
	JOIN pg_catalog.pg_locks l ON l.pid OPERATOR(pg_catalog.=) t.pid AND NOT l.granted
	JOIN pg_catalog.pg_stat_activity p ON p.pid OPERATOR(pg_catalog.=) t.pid
		AND p.backend_type OPERATOR(pg_catalog.=) 'pgmigrate worker'
	-- one that is switched is at work again where indexes are built for its way back
	WHERE t.id OPERATOR(pg_catalog.=) CASE WHEN o.switched IS NULL THEN o.run
			ELSE (o.details OPERATOR(pg_catalog.->>) 'back_run')::pg_catalog.int8 END
		AND o.finished IS NULL
		AND pg_catalog.cardinality(pg_catalog.pg_blocking_pids(l.pid)) OPERATOR(pg_catalog.>) 0
	LIMIT 1) AS w ON true
CROSS JOIN LATERAL (SELECT CASE WHEN o.finished IS NULL AND o.switched IS NULL
		AND o.done OPERATOR(pg_catalog.>) 0
		AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) o.phase_started
	THEN pg_catalog.round((o.done::pg_catalog.float8 OPERATOR(pg_catalog./)
		EXTRACT(epoch FROM (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) o.phase_started))::pg_catalog.float8)::pg_catalog.numeric, 1)::pg_catalog.float8
	END) AS r (rate);
COMMENT ON VIEW pgmigrate.operations IS 'online changes and backfills, and how far they are';
COMMENT ON COLUMN pgmigrate.operations.operation IS 'number of the operation';
COMMENT ON COLUMN pgmigrate.operations.run IS 'run that works on it, or did last';
COMMENT ON COLUMN pgmigrate.operations.revision IS 'revision that it is part of';
COMMENT ON COLUMN pgmigrate.operations.statement IS 'statement of the revision, from 1';
COMMENT ON COLUMN pgmigrate.operations.relation IS 'relation, by the name it had when it began';
COMMENT ON COLUMN pgmigrate.operations.strategy IS 'how the statement is carried out';
COMMENT ON COLUMN pgmigrate.operations.method IS 'column, table or in place';
COMMENT ON COLUMN pgmigrate.operations.state IS 'preparing, copying, indexing, comparing, switching, switched, finalized, reverted, cancelled or failed';
COMMENT ON COLUMN pgmigrate.operations.phase IS 'what it does within the state';
COMMENT ON COLUMN pgmigrate.operations.done IS 'units done in this state; of an operation that is over, in its last one';
COMMENT ON COLUMN pgmigrate.operations.total IS 'units in this state';
COMMENT ON COLUMN pgmigrate.operations.unit IS 'blocks, rows, indexes or steps; once it is switched, the states that are behind it';
COMMENT ON COLUMN pgmigrate.operations.rate IS 'units a second since the state began';
COMMENT ON COLUMN pgmigrate.operations.eta IS 'time that is left in this state, at this rate';
COMMENT ON COLUMN pgmigrate.operations.waiting_for IS 'what it gives way to; null while it works';
COMMENT ON COLUMN pgmigrate.operations.differences IS 'rows that the last comparison found to differ';
COMMENT ON COLUMN pgmigrate.operations.started IS 'time it began';
COMMENT ON COLUMN pgmigrate.operations.switched IS 'time the new form became the one in use';
COMMENT ON COLUMN pgmigrate.operations.revert_until IS 'time it is to be finalized by itself';
COMMENT ON COLUMN pgmigrate.operations.details IS 'what else is known of it';
