/*-------------------------------------------------------------------------
 *
 * run_status.c
 *	  Where a run stands.
 *
 * A row that says running is believed only while its process holds the run
 * lock.  On a standby the lock cannot be seen, so there the row is believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi.h"
#include "compat/server.h"
#include "store/journal.h"
#include "store/run_holder.h"
#include "store/run_status.h"
#include "store/run_unseen.h"

#define LIVE_STATE \
	"CASE WHEN r.state = 'running' AND NOT pg_is_in_recovery() " \
	"AND r.pid <> $2 THEN 'interrupted' ELSE r.state END"

#define THE_RUN \
	"r.id = coalesce($1, (SELECT max(id) FROM pgmigrate.run))"

static PgmQuery get_query = {
	"SELECT " LIVE_STATE ", r.pid, r.execution, r.sqlstate, r.error, "
	"r.id, r.state <> 'running' AND r.execution = 'worker' "
	"AND r.pid = $2 AND NOT EXISTS (SELECT FROM pgmigrate.run n "
	"WHERE n.id > r.id) FROM pgmigrate.run r "
	"WHERE " THE_RUN,
	2, {INT8OID, INT4OID}
};

static PgmQuery rows_query = {
	"SELECT r.id, r.command, r.target, CASE WHEN x.state = 'running' "
	"AND EXISTS (SELECT FROM pgmigrate.run_control c WHERE c.run = r.id "
	"AND c.setting = 'paused' AND c.value <> 0) THEN 'paused' "
	"ELSE x.state END, s.step, r.steps, "
	"nullif(s.revision, ''), s.message, date_trunc('second', r.started), "
	"date_trunc('milliseconds', CASE WHEN x.state = 'running' "
	"THEN greatest(clock_timestamp() - r.started, '0') "
	"WHEN r.finished < r.started THEN '0' "
	"ELSE r.finished - r.started END), coalesce(e.message, r.error, CASE WHEN x.state = 'interrupted' "
	"THEN " PGM_INTERRUPTED_ERROR("r.execution") " END), jsonb_strip_nulls(jsonb_build_object("
	"'execution', r.execution, 'role', r.role, 'pid', "
	"CASE WHEN x.state = 'running' THEN r.pid END, "
	"'statement', CASE WHEN s.state <> 'done' THEN s.statement END, "
	"'statements', CASE WHEN s.state <> 'done' THEN s.statements END, "
	"'operation', o.id, 'operation_state', o.state, 'done', o.done, "
	"'total', o.total, 'unit', o.unit, 'waiting_for', (SELECT v.waiting_for "
	"FROM pgmigrate.operations v WHERE v.operation = o.id), "
	"'sqlstate', r.sqlstate, 'hint', coalesce(e.hint, r.hint), 'detail', e.detail, "
	"'context', e.context, 'query', e.query, 'position', e.position)) "
	"FROM pgmigrate.run r "
	"CROSS JOIN LATERAL (SELECT " LIVE_STATE ") AS x (state) "
	"LEFT JOIN LATERAL (SELECT s.* FROM pgmigrate.run_step s "
	"WHERE s.run = r.id AND CASE WHEN x.state IN ('running', 'interrupted') "
	"THEN s.state IN ('pending', 'running', 'interrupted') ELSE s.state <> 'pending' END "
	"ORDER BY CASE WHEN x.state IN ('running', 'interrupted') "
	"THEN s.step ELSE - s.step END "
	"LIMIT 1) AS s ON true "
	"LEFT JOIN LATERAL (SELECT * FROM pgmigrate.operation u "
	"WHERE (u.run = r.id OR (u.details->>'back_run')::int8 = r.id) "
	"AND u.finished IS NULL ORDER BY u.id DESC LIMIT 1) "
	"AS o ON true "
	"LEFT JOIN pgmigrate.run_error e ON e.run = r.id AND $3 "
	"WHERE " THE_RUN,
	3, {INT8OID, INT4OID, BOOLOID}
};

/*
 * What the statements did, and each attempt to get a lock, is long and for
 * those who ask for it; of a wait that was noticed there is a sentence, about
 * the longest one.
 */
static PgmQuery steps_query = {
	"SELECT s.step, s.revision, s.direction, s.message, s.state, "
	"date_trunc('milliseconds', s.duration), "
	"s.details - '{statements,lock_attempts,lock_attempts_total,lock_wait_ms}'::text[] "
	"|| coalesce((SELECT jsonb_build_object('waited', concat("
	"to_char((s.details ->> 'lock_wait_ms')::float8 / 1000, 'FM9999999990.0'), "
	"' s', ' for ' || (a.value ->> 'mode'), ' on ' || (a.value ->> 'relation'), "
	"', behind process ' || (a.value #>> '{blocked_by,0,pid}'), "
	"', ' || nullif(a.value #>> '{blocked_by,0,application}', ''))) "
	"FROM jsonb_array_elements(s.details -> 'lock_attempts') AS a "
	"WHERE (s.details ->> 'lock_wait_ms')::float8 >= 100 "
	"ORDER BY (a.value ->> 'relation') IS NULL, "
	"(a.value ->> 'waited_ms')::float8 DESC LIMIT 1), '{}') "
	"FROM pgmigrate.run_step s WHERE s.run = $1 ORDER BY s.step",
	1, {INT8OID}
};

static void
set_arguments(int64 run, Datum *values, bool *nulls)
{
	values[0] = Int64GetDatum(run);
	nulls[0] = run == 0;
	values[1] = Int32GetDatum(RecoveryInProgress() ? 0 :
							  pgm_run_lock_holder());
	nulls[1] = false;
}

static bool
get_committed(int64 run, PgmRunStatus *status)
{
	PgmSpiScope scope;
	Datum		values[2];
	bool		nulls[2];
	bool		found;

	set_arguments(run, values, nulls);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute_latest(&get_query, values, nulls) > 0;
	if (found)
	{
		status->state = pgm_run_state(pgm_spi_text(1, 1));
		status->pid = pgm_spi_int32(1, 2);
		status->worker = strcmp(pgm_spi_text(1, 3), "worker") == 0;
		status->sqlstate = pgm_spi_text(1, 4);
		status->error = pgm_spi_text(1, 5);
		status->run = pgm_spi_int64(1, 6);
		status->records = pgm_spi_bool(1, 7);
		status->unseen = false;
	}
	pgm_spi_end(&scope);
	return found;
}

/* One that has no row yet; without a number it is later than the last row. */
static bool
get_unseen(int64 run, PgmRunStatus *status)
{
	int			pid;
	bool		worker;
	int64		unseen;

	if (RecoveryInProgress())
		return false;
	unseen = pgm_run_unseen(&pid, &worker);
	if (unseen == 0 || (run != 0 && run != unseen))
		return false;
	memset(status, 0, sizeof(PgmRunStatus));
	status->run = unseen;
	status->state = PGM_STATE_RUNNING;
	status->pid = pid;
	status->worker = worker;
	status->unseen = true;
	return true;
}

/*
 * Who has committed his row by the time of the second look was there to be
 * seen by the first one.
 */
bool
pgm_status_get(int64 run, PgmRunStatus *status)
{
	PgmRunStatus unseen;
	bool		before;
	bool		found;

	if (run != 0 && get_committed(run, status))
		return true;
	before = get_unseen(run, &unseen);
	found = get_committed(run, status);
	if (before && (!found || unseen.run > status->run))
		*status = unseen;
	return before || found;
}

/* with_error adds what may quote data of the tables. */
bool
pgm_status_rows(PgmRows *rows, int64 run, bool with_error)
{
	PgmSpiScope scope;
	Datum		values[3];
	bool		nulls[3] = {false};
	bool		found;
	PgmRunStatus status;

	found = pgm_status_get(run, &status);
	if (found && status.unseen)
	{
		pgm_run_unseen_row(rows, status.run, status.pid);
		return true;
	}
	set_arguments(run, values, nulls);
	values[2] = BoolGetDatum(with_error);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute_latest(&rows_query, values, nulls) > 0;
	pgm_spi_store(rows->store, rows->tupdesc);
	pgm_spi_end(&scope);
	return found;
}

void
pgm_status_steps(PgmRows *rows, int64 run)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&steps_query, values, NULL);
	pgm_spi_store(rows->store, rows->tupdesc);
	pgm_spi_end(&scope);
}
