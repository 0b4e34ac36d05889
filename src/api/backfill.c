/*-------------------------------------------------------------------------
 *
 * backfill.c
 *	  SQL functions that change many rows, and steer runs at work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/execution.h"
#include "backfill/backfill.h"
#include "base/result_rows.h"
#include "base/settings.h"
#include "exec/caller_snapshot.h"
#include "run/runner.h"
#include "store/run_control.h"
#include "store/run_lock.h"
#include "store/run_status.h"

PG_FUNCTION_INFO_V1(pgmigrate_backfill);
PG_FUNCTION_INFO_V1(pgmigrate_backfill_start);
PG_FUNCTION_INFO_V1(pgmigrate_pause);
PG_FUNCTION_INFO_V1(pgmigrate_resume);
PG_FUNCTION_INFO_V1(pgmigrate_tune);

/* An argument that is a time of at most an hour. */
static int
milliseconds(FunctionCallInfo fcinfo, int n, const char *name, int lowest,
			 int absent)
{
	Interval   *interval;
	double		result;

	if (PG_ARGISNULL(n))
		return absent;
	interval = PG_GETARG_INTERVAL_P(n);
	result = interval->time / 1000.0 +
		((double) interval->day + 30.0 * interval->month) * 86400000.0;
	if (result < lowest || result > 3600000)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument \"%s\" must be between %d ms and 1 hour",
					   name, lowest));
	return (int) result;
}

static void
read_call(FunctionCallInfo fcinfo, PgmBackfillCall *call)
{
	memset(call, 0, sizeof(PgmBackfillCall));
	pgm_backfill_options(&call->options);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "relation"));
	call->relid = PG_GETARG_OID(0);
	call->assignments = pgm_arg_text_not_null(fcinfo, 1, "assignments");
	call->condition = pgm_arg_text(fcinfo, 2);
	if (!PG_ARGISNULL(3))
		call->options.workers = PG_GETARG_INT32(3);
	if (call->options.workers < 1 || call->options.workers > 32)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument \"%s\" must be between %d and %d",
					   "workers", 1, 32));
	call->options.chunk_time = milliseconds(fcinfo, 4, "chunk_time", 1,
											call->options.chunk_time);
	call->options.pause = milliseconds(fcinfo, 5, "pause", 0, 0);
}

Datum
pgmigrate_backfill(PG_FUNCTION_ARGS)
{
	PgmBackfillCall call;
	PgmRows		rows;
	int64		run;
	bool		worker;

	pgm_rows_begin(&rows, fcinfo);
	read_call(fcinfo, &call);
	pgm_runner_refuse_read_only();
	pgm_runner_refuse_nested();
	worker = pgm_use_worker(fcinfo, "pgmigrate.backfill()");
	if (worker)
		pgm_portal_release_snapshot();
	(void) pgm_run_await_turn(!IsolationUsesXactSnapshot());
	if (worker)
	{
		run = pgm_backfill_launch(&call, true);
		pgm_portal_restore_snapshot();
		if (!pgm_execution_left_record(run))
			return (Datum) 0;
	}
	else
		run = pgm_backfill_inline(&call);
	pgm_backfill_step_rows(&rows, run);
	return (Datum) 0;
}

static int64
start(const PgmBackfillCall *call)
{
	pgm_refuse_start();
	(void) pgm_run_await_turn(false);
	return pgm_backfill_launch(call, false);
}

Datum
pgmigrate_backfill_start(PG_FUNCTION_ARGS)
{
	PgmBackfillCall call;

	read_call(fcinfo, &call);
	PG_RETURN_INT64(start(&call));
}

static void
refuse_superusers_run(int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);

	if (proc != NULL && superuser_arg(proc->roleId) && !superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be a superuser to steer a run of a superuser"));
}

/*
 * The run that an argument names, and whether it is at work.  What a superuser
 * runs is out of reach of others, as it is for cancel().
 */
static int64
find_run(FunctionCallInfo fcinfo, bool *at_work)
{
	int64		run;
	PgmRunStatus status;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "run"));
	run = PG_GETARG_INT64(0);
	pgm_runner_refuse_read_only();
	if (run <= 0 || !pgm_status_get(run, &status))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("run " INT64_FORMAT " does not exist", run),
				errhint("Table \"%s\" has the runs of this database.",
						"pgmigrate.run"));
	if (status.unseen)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " has not begun its work yet", run),
				errhint("Repeat the call when pgmigrate.status(" INT64_FORMAT ") has a step.",
						run));
	*at_work = status.state == PGM_STATE_RUNNING;
	if (*at_work)
		refuse_superusers_run(status.pid);
	return run;
}

Datum
pgmigrate_pause(PG_FUNCTION_ARGS)
{
	bool		at_work;
	int64		run = find_run(fcinfo, &at_work);

	if (at_work)
		pgm_run_control_pause(run, true);
	PG_RETURN_BOOL(at_work);
}

/* Of a run that is not at work: go on with what it has left. */
Datum
pgmigrate_resume(PG_FUNCTION_ARGS)
{
	bool		at_work;
	int64		run = find_run(fcinfo, &at_work);
	PgmBackfillCall call = {0};

	if (at_work)
	{
		pgm_run_control_pause(run, false);
		PG_RETURN_INT64(run);
	}
	call.resume = run;
	PG_RETURN_INT64(start(&call));
}

Datum
pgmigrate_tune(PG_FUNCTION_ARGS)
{
	bool		at_work;
	int64		run = find_run(fcinfo, &at_work);
	char	   *setting = pgm_arg_text_not_null(fcinfo, 1, "setting");
	char	   *value = pgm_arg_text_not_null(fcinfo, 2, "value");

	if (at_work)
		pgm_run_control_set(run, setting, value);
	PG_RETURN_BOOL(at_work);
}
