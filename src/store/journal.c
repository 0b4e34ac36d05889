/*-------------------------------------------------------------------------
 *
 * journal.c
 *	  Runs and their steps.
 *
 * A run and its planned steps are committed before the work begins, so that
 * what a crash leaves behind is a row that says running and a lock that nobody
 * holds: that pair means interrupted.  No status has to be repaired by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error_privacy.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "store/journal.h"
#include "store/operation.h"
#include "store/run_holder.h"

static PgmQuery interrupt_query = {
	"WITH i AS (UPDATE pgmigrate.run SET state = 'interrupted', "
	"finished = clock_timestamp(), "
	"error = coalesce(error, " PGM_INTERRUPTED_ERROR("execution") ") "
	"WHERE state = 'running' RETURNING id, command, target, steps), "
	"s AS (UPDATE pgmigrate.run_step s SET state = 'interrupted' FROM i "
	"WHERE s.run = i.id AND s.state = 'running') "
	"SELECT i.id, i.command, i.target, i.steps, (SELECT count(*)::int "
	"FROM pgmigrate.run_step d WHERE d.run = i.id AND d.state = 'done'), "
	"o.id, o.state FROM i LEFT JOIN LATERAL (SELECT p.id, p.state "
	"FROM pgmigrate.operation p WHERE p.run = i.id "
	"ORDER BY p.id DESC LIMIT 1) AS o ON i.steps = 0 ORDER BY i.id"
};

static PgmQuery begin_query = {
	"INSERT INTO pgmigrate.run (id, command, target, state, execution, steps, "
	"heads_before, session_role, role, search_path, pid, allowed, reason, "
	"override, session_role_oid, role_oid) "
	"OVERRIDING SYSTEM VALUE "
	"VALUES (currval('pgmigrate.run_id_seq'), $1, $2, 'running', $3, $4, $5, pg_get_userbyid($6), "
	"pg_get_userbyid($7), $8, $9, $10, $11, $12, $6, $7) RETURNING id",
	12, {TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTARRAYOID, OIDOID, OIDOID,
	TEXTOID, INT4OID, TEXTARRAYOID, TEXTOID, TEXTOID}
};

static PgmQuery begin_steps_query = {
	"INSERT INTO pgmigrate.run_step "
	"(run, step, revision, direction, message, state) "
	"SELECT $1, u.step, u.revision, $2, coalesce(r.message, ''), 'pending' "
	"FROM unnest($3) WITH ORDINALITY AS u (revision, step) "
	"LEFT JOIN pgmigrate.revision r ON r.id = u.revision",
	3, {INT8OID, TEXTOID, TEXTARRAYOID}
};

static PgmQuery step_begin_query = {
	"UPDATE pgmigrate.run_step SET state = 'running', "
	"started = clock_timestamp(), statements = $3, statement = $4 "
	"WHERE run = $1 AND step = $2",
	4, {INT8OID, INT4OID, INT4OID, INT4OID}
};

static PgmQuery step_details_query = {
	"UPDATE pgmigrate.run_step SET details = details || $3::jsonb "
	"WHERE run = $1 AND step = $2",
	3, {INT8OID, INT4OID, TEXTOID}
};

static PgmQuery end_query = {
	"UPDATE pgmigrate.run SET state = $2, heads_after = $3, "
	"finished = clock_timestamp() WHERE id = $1",
	3, {INT8OID, TEXTOID, TEXTARRAYOID}
};

static PgmQuery fail_run_query = {
	"UPDATE pgmigrate.run SET state = $2, sqlstate = $3, error = $4, "
	"hint = $5, heads_after = ARRAY(SELECT h.revision FROM pgmigrate.head h "
	"ORDER BY h.revision COLLATE \"C\"), "
	"finished = clock_timestamp() WHERE id = $1",
	5, {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static PgmQuery fail_step_query = {
	"UPDATE pgmigrate.run_step SET state = $3, "
	"started = coalesce(started, $4, clock_timestamp()), "
	"finished = clock_timestamp(), duration = $5 "
	"WHERE run = $1 AND step = $2",
	5, {INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID, INTERVALOID}
};

static PgmQuery fail_error_query = {
	"INSERT INTO pgmigrate.run_error "
	"(run, step, detail, context, query, position, message, hint) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	8, {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID,
	TEXTOID}
};

static PgmQuery in_work_query = {
	"SELECT FROM pgmigrate.run_step s JOIN pgmigrate.run r ON r.id = s.run "
	"WHERE s.revision = $1 AND s.state = 'running' "
	"AND r.state = 'running' AND r.pid = $2",
	2, {TEXTOID, INT4OID}
};

static PgmQuery any_run_query = {
	"SELECT FROM pgmigrate.run LIMIT 1"
};

static const char *const state_names[] = {
	[PGM_STATE_PENDING] = "pending",
	[PGM_STATE_RUNNING] = "running",
	[PGM_STATE_DONE] = "done",
	[PGM_STATE_FAILED] = "failed",
	[PGM_STATE_CANCELLED] = "cancelled",
	[PGM_STATE_INTERRUPTED] = "interrupted"
};

const char *
pgm_run_state_name(PgmRunState state)
{
	return state_names[state];
}

PgmRunState
pgm_run_state(const char *name)
{
	for (int i = 0; i < lengthof(state_names); i++)
		if (strcmp(name, state_names[i]) == 0)
			return i;
	elog(ERROR, "unrecognized state of a run: %s", name);
}

/* One without steps, as a rebuild is, stands where its operation does. */
static void
tell_interrupted(uint64 row, int64 run)
{
	int			steps = pgm_spi_int32(row, 4);

	ereport(NOTICE,
			steps > 0 ?
			errmsg("run " INT64_FORMAT " was interrupted after %d of %d steps",
				   run, pgm_spi_int32(row, 5), steps) :
			!pgm_spi_isnull(row, 6) ?
			errmsg("run " INT64_FORMAT " was interrupted in state \"%s\" of operation " INT64_FORMAT,
				   run, pgm_spi_text(row, 7), pgm_spi_int64(row, 6)) :
			errmsg("run " INT64_FORMAT " was interrupted", run),
			errdetail_internal("%s: %s", pgm_spi_text(row, 2),
							   pgm_spi_text(row, 3)));
}

/* The caller holds the run lock, so whatever says running has no process. */
void
pgm_journal_interrupt_dead(void)
{
	PgmSpiScope scope;
	uint64		rows;
	int64	   *runs;

	pgm_spi_begin_ledger(&scope);
	rows = pgm_spi_execute(&interrupt_query, NULL, NULL);
	runs = MemoryContextAlloc(scope.outer, sizeof(int64) * Max(rows, 1));
	for (uint64 n = 1; n <= rows; n++)
	{
		runs[n - 1] = pgm_spi_int64(n, 1);
		tell_interrupted(n, runs[n - 1]);
	}
	pgm_spi_end(&scope);

	/* else they would be at work on their tables for ever */
	for (uint64 i = 0; i < rows; i++)
		pgm_operations_fail_of_run(runs[i], "its run was interrupted");
}

int64
pgm_journal_begin(const PgmRunRecord *record)
{
	PgmSpiScope scope;
	Datum		values[12];
	bool		nulls[12] = {false};
	int64		run;

	values[0] = pgm_text_datum(record->command);
	values[1] = pgm_text_datum(record->target);
	values[2] = pgm_text_datum(record->execution);
	values[3] = Int32GetDatum(record->nsteps);
	values[4] = pgm_text_array_datum(record->nheads, record->heads);
	values[5] = ObjectIdGetDatum(record->session_role);
	values[6] = ObjectIdGetDatum(record->role);
	values[7] = pgm_text_datum(record->search_path);
	values[8] = Int32GetDatum(MyProcPid);
	values[9] = pgm_text_array_datum(record->nallowed, record->allowed);
	pgm_set_text(values, nulls, 10, record->reason);
	pgm_set_text(values, nulls, 11, record->override);

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&begin_query, values, nulls);
	run = pgm_spi_int64(1, 1);
	if (record->nsteps > 0)
	{
		values[0] = Int64GetDatum(run);
		values[1] = pgm_text_datum(record->direction);
		values[2] = pgm_text_array_datum(record->nsteps, record->revisions);
		pgm_spi_execute(&begin_steps_query, values, NULL);
	}
	pgm_spi_end(&scope);
	return run;
}

static void
execute_nullable(PgmQuery *query, Datum *values, bool *nulls)
{
	PgmSpiScope scope;

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(query, values, nulls);
	pgm_spi_end(&scope);
}

void
pgm_journal_step_begin(int64 run, int step, int statements, int done)
{
	Datum		values[4];

	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(step);
	values[2] = Int32GetDatum(statements);
	values[3] = Int32GetDatum(done);
	execute_nullable(&step_begin_query, values, NULL);
}

void
pgm_journal_end(int64 run, int nheads, char **heads)
{
	Datum		values[3];

	values[0] = Int64GetDatum(run);
	values[1] = pgm_text_datum(state_names[PGM_STATE_DONE]);
	values[2] = pgm_text_array_datum(nheads, heads);
	execute_nullable(&end_query, values, NULL);
}

void
pgm_journal_step_details(int64 run, int step, const char *details)
{
	Datum		values[3];

	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(step);
	values[2] = pgm_text_datum(details);
	execute_nullable(&step_details_query, values, NULL);
}

/* Step 0 means that no step had begun, started 0 that it was not read. */
void
pgm_journal_fail(int64 run, int step, PgmRunState state,
				 TimestampTz started, int64 microseconds,
				 const ErrorData *edata)
{
	Interval	duration = {0};
	Datum		values[8];
	bool		nulls[8] = {false};

	values[0] = Int64GetDatum(run);
	values[1] = pgm_text_datum(state_names[state]);
	values[2] = pgm_text_datum(unpack_sql_state(edata->sqlerrcode));
	pgm_set_text(values, nulls, 3, pgm_error_for_all(edata));
	pgm_set_text(values, nulls, 4, pgm_error_hint_for_all(edata));
	execute_nullable(&fail_run_query, values, nulls);

	memset(nulls, 0, sizeof(nulls));
	values[1] = Int32GetDatum(step);
	if (step > 0)
	{
		values[2] = pgm_text_datum(state_names[state]);
		values[3] = TimestampTzGetDatum(started);
		duration.time = microseconds;
		values[4] = IntervalPGetDatum(&duration);
		nulls[3] = nulls[4] = started == 0;
		execute_nullable(&fail_step_query, values, nulls);
		nulls[3] = nulls[4] = false;
	}
	pgm_set_text(values, nulls, 2, pgm_error_part(edata->detail));
	pgm_set_text(values, nulls, 3, pgm_error_part(edata->context));
	pgm_set_text(values, nulls, 4, edata->internalquery);
	values[5] = Int32GetDatum(edata->internalpos);
	nulls[5] = edata->internalpos <= 0;
	pgm_set_text(values, nulls, 6, pgm_error_part(edata->message));
	pgm_set_text(values, nulls, 7, pgm_error_part(edata->hint));
	execute_nullable(&fail_error_query, values, nulls);
}

/* Has a live run begun this revision, statement by statement? */
bool
pgm_journal_in_work(const char *revision)
{
	PgmSpiScope scope;
	Datum		values[2];
	uint64		rows;

	values[0] = pgm_text_datum(revision);
	values[1] = Int32GetDatum(pgm_run_lock_holder());
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&in_work_query, values, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

bool
pgm_journal_any_run(void)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&any_run_query, NULL, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}
