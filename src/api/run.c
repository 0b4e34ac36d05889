/*-------------------------------------------------------------------------
 *
 * run.c
 *	  SQL functions that run revisions and follow runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "api/access_levels.h"
#include "api/execution.h"
#include "backfill/backfill.h"
#include "base/clock.h"
#include "base/result_rows.h"
#include "base/settings.h"
#include "base/spi.h"
#include "compat/server.h"
#include "exec/caller_snapshot.h"
#include "process/follow.h"
#include "run/runner.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/run_cancel.h"
#include "store/run_lock.h"
#include "store/run_status.h"
#include "store/schema_branch.h"
#include "worker/worker.h"

/* Between two looks at a run that another session waits for. */
#define PGM_POLL_MS 50

/* Looks at a run for one at the locks, which is dearer. */
#define PGM_POLLS_PER_LOCK_CHECK (PGM_LOCK_CHECK_MS / PGM_POLL_MS)

PG_FUNCTION_INFO_V1(pgmigrate_upgrade);
PG_FUNCTION_INFO_V1(pgmigrate_downgrade);
PG_FUNCTION_INFO_V1(pgmigrate_stamp);
PG_FUNCTION_INFO_V1(pgmigrate_upgrade_start);
PG_FUNCTION_INFO_V1(pgmigrate_downgrade_start);
PG_FUNCTION_INFO_V1(pgmigrate_status);
PG_FUNCTION_INFO_V1(pgmigrate_run_state);
PG_FUNCTION_INFO_V1(pgmigrate_wait);
PG_FUNCTION_INFO_V1(pgmigrate_cancel);
PG_FUNCTION_INFO_V1(pgmigrate_wait_for_run);

static void
init_request(PgmRunRequest *request, PgmDirection direction,
			 const char *target)
{
	memset(request, 0, sizeof(PgmRunRequest));
	request->direction = direction;
	request->target = target;
	request->session_role = GetSessionUserId();
	request->guard = GetSessionUserId() != GetUserId() ||
		GetAuthenticatedUserId() != GetUserId();
}

static void
read_allowance(FunctionCallInfo fcinfo, PgmAllowance *allowance)
{
	memset(allowance, 0, sizeof(PgmAllowance));
	if (!PG_ARGISNULL(1))
		allowance->rules = pgm_text_array_values(PG_GETARG_DATUM(1),
												 &allowance->n);
	allowance->reason = pgm_arg_text(fcinfo, 2);
	pgm_allowance_check(allowance);
}

typedef struct Goal
{
	PgmDirection direction;
	const char *target;
	bool		reached;
} Goal;

static void
look_at_goal(void *arg)
{
	Goal	   *goal = arg;

	goal->reached = pgm_runner_nothing_to_do(goal->direction, goal->target);
	if (goal->reached)
		pgm_runner_notice_nothing();
}

/*
 * Is there nothing to do?  Then that is said.  No lock is kept of the look: a
 * revision may want to lock our tables itself.
 */
static bool
is_done(PgmDirection direction, const char *target)
{
	Goal		goal = {direction, target, false};

	pgm_caller_look(look_at_goal, &goal);
	return goal.reached;
}

static Datum
run_to_the_end(FunctionCallInfo fcinfo, PgmDirection direction)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	PgmAllowance allowance;
	PgmRows		rows;
	int64		run;
	bool		worker;
	bool		waited;

	pgm_rows_begin(&rows, fcinfo);
	read_allowance(fcinfo, &allowance);
	if (is_done(direction, target))
		return (Datum) 0;

	pgm_runner_refuse_nested();
	worker = pgm_use_worker(fcinfo,
							"pgmigrate.upgrade() or downgrade()");
	if (worker)
		pgm_portal_release_snapshot();
	waited = pgm_run_await_turn(!IsolationUsesXactSnapshot());
	if (waited && is_done(direction, target))
	{
		pgm_run_end_turn();
		if (worker)
			pgm_portal_restore_snapshot();
		return (Datum) 0;
	}
	if (worker)
	{
		run = pgm_worker_run(direction, target, &allowance, true);
		pgm_portal_restore_snapshot();
		if (!pgm_execution_left_record(run))
			return (Datum) 0;
	}
	else
	{
		PgmRunRequest request;

		init_request(&request, direction, target);
		request.allowance = allowance;
		run = pgm_runner_inline(&request);
	}
	pgm_status_steps(&rows, run);
	return (Datum) 0;
}

Datum
pgmigrate_upgrade(PG_FUNCTION_ARGS)
{
	return run_to_the_end(fcinfo, PGM_UP);
}

Datum
pgmigrate_downgrade(PG_FUNCTION_ARGS)
{
	return run_to_the_end(fcinfo, PGM_DOWN);
}

/*
 * On the branch of a schema, NULL if there is nothing to take back.  It can be
 * taken back from one that is gone.
 */
static const char *
target_for_schema(const char *schema, const char *target)
{
	const char *found;

	pgm_schema_branch_refuse_system(schema);
	if (strcmp(target, "base") == 0 &&
		(found = pgm_schema_branch_base(schema, target)) != NULL)
		return found;
	pgm_schema_branch_check(schema);
	found = pgm_schema_branch_make(schema, target);
	return found != NULL ? found : pgm_schema_branch_base(schema, target);
}

static char *
target_for_schemas(const char *target, int n, char **schemas)
{
	StringInfoData targets;

	initStringInfo(&targets);
	for (int i = 0; i < n; i++)
	{
		const char *found = target_for_schema(schemas[i], target);

		if (found != NULL)
			appendStringInfo(&targets, "%s%s", targets.len > 0 ? "," : "",
							 found);
	}
	return targets.len > 0 ? targets.data : NULL;
}

Datum
pgmigrate_stamp(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	bool		purge = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	PgmRunRequest request;
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	if (!PG_ARGISNULL(2))
	{
		int			n;
		char	  **schemas = pgm_text_array_values(PG_GETARG_DATUM(2), &n);

		if (purge)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("purge and schemas cannot be given together"),
					errhint("A purge forgets what is recorded of all schemas."));
		pgm_runner_refuse_read_only();
		target = target_for_schemas(target, n, schemas);
		if (target == NULL)
			return (Datum) 0;
	}
	init_request(&request, PGM_STAMP, target);
	request.for_schemas = !PG_ARGISNULL(2);
	pgm_status_steps(&rows, pgm_runner_stamp(&request, purge));
	return (Datum) 0;
}

static Datum
start(FunctionCallInfo fcinfo, PgmDirection direction)
{
	static const PgmAllowance none = {0};
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");

	pgm_refuse_start();
	(void) pgm_run_await_turn(false);
	PG_RETURN_INT64(pgm_worker_run(direction, target, &none, false));
}

Datum
pgmigrate_upgrade_start(PG_FUNCTION_ARGS)
{
	return start(fcinfo, PGM_UP);
}

Datum
pgmigrate_downgrade_start(PG_FUNCTION_ARGS)
{
	return start(fcinfo, PGM_DOWN);
}

static void
refuse_unknown_run(int64 run)
{
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("run " INT64_FORMAT " does not exist", run),
			errhint("Table \"%s\" has the runs of this database.",
					"pgmigrate.run"));
}

Datum
pgmigrate_status(PG_FUNCTION_ARGS)
{
	int64		run = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	if (!pgm_status_rows(&rows, run, pgm_access_may_see_errors()) && run != 0)
		refuse_unknown_run(run);
	return (Datum) 0;
}

/* Milliseconds that an interval has from now, at most those of an int64. */
static int64
interval_milliseconds(Interval *interval)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end;

	end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												  TimestampTzGetDatum(now),
												  IntervalPGetDatum(interval)));
	return end <= now ? 0 : (end - now) / 1000;
}

typedef struct Look
{
	int64		run;
	PgmRunStatus status;
} Look;

static void
look_at_run(void *arg)
{
	Look	   *look = arg;

	if (pgm_status_get(look->run, &look->status))
		return;
	if (look->run != 0)
		refuse_unknown_run(look->run);
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("there is no run to wait for"));
}

/* For a caller that wants the call to fail if its run did. */
static void
raise_failure(int64 run, const PgmRunStatus *status)
{
	int			code = ERRCODE_OPERATOR_INTERVENTION;

	if (status->state == PGM_STATE_RUNNING || status->state == PGM_STATE_DONE)
		return;
	if (status->sqlstate != NULL && strlen(status->sqlstate) == 5)
		code = MAKE_SQLSTATE(status->sqlstate[0], status->sqlstate[1],
							 status->sqlstate[2], status->sqlstate[3],
							 status->sqlstate[4]);
	ereport(ERROR,
			errcode(code),
			errmsg("run " INT64_FORMAT " did not succeed", run),
			errdetail_internal("%s: %s", pgm_run_state_name(status->state),
							   status->error ? status->error : "the process that ran it is gone"),
			errhint("See pgmigrate.status(" INT64_FORMAT ").", run));
}

Datum
pgmigrate_wait(PG_FUNCTION_ARGS)
{
	Look		look;
	int64		run = 0;
	int64		timeout = PG_INT64_MAX;
	int64		start_time = pgm_clock_monotonic();
	bool		released;
	bool		again = true;
	PgmRunStatus status;
	MemoryContext context;
	MemoryContext old;
	PgmRows		rows;

	if (!PG_ARGISNULL(1))
		timeout = interval_milliseconds(PG_GETARG_INTERVAL_P(1));
	look.run = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	pgm_rows_begin(&rows, fcinfo);

	/* a snapshot held here would hold up CREATE INDEX CONCURRENTLY there */
	released = pgm_portal_release_for_wait(fcinfo);

	context = AllocSetContextCreate(CurrentMemoryContext, "pgmigrate wait",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int64 n = 1;; n++)
	{
		int64		waited;

		CHECK_FOR_INTERRUPTS();
		if (again)
		{
			MemoryContextReset(context);
			pgm_caller_look(look_at_run, &look);
			status = look.status;
			run = look.run = status.run;
			if (status.state != PGM_STATE_RUNNING && !status.records)
				break;
		}

		/* a worker ends with its run: while it is there no look is taken */
		again = !status.worker || BackendPidGetProc(status.pid) == NULL;
		waited = (pgm_clock_monotonic() - start_time) / 1000;
		if (waited >= timeout)
			break;
		if (n % PGM_POLLS_PER_LOCK_CHECK == 0)
			pgm_process_check_deadlock(status.pid, !released);
		pgm_clock_wait(Min(PGM_POLL_MS, timeout - waited));
	}
	MemoryContextSwitchTo(old);

	if (released)
		pgm_portal_restore_snapshot();
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		raise_failure(run, &status);
	(void) pgm_status_rows(&rows, run, pgm_access_may_see_errors());
	return (Datum) 0;
}

Datum
pgmigrate_cancel(PG_FUNCTION_ARGS)
{
	int64		run;
	PgmRunStatus status;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "run"));
	run = PG_GETARG_INT64(0);
	if (RecoveryInProgress())
		ereport(ERROR,
				errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				errmsg("cannot cancel a run during recovery"),
				errdetail("The process that runs it is one of the primary server."),
				errhint("Connect to the primary server."));
	if (!pgm_status_get(run, &status))
		refuse_unknown_run(run);
	if (status.state != PGM_STATE_RUNNING)
		PG_RETURN_BOOL(!XactReadOnly && pgm_backfill_give_up(run) > 0);
	PG_RETURN_BOOL(pgm_run_cancel(&status));
}

/* For the view of runs, whose snapshot may be older than the locks it sees. */
Datum
pgmigrate_run_state(PG_FUNCTION_ARGS)
{
	PgmRunStatus status;

	if (!pgm_status_get(PG_GETARG_INT64(0), &status))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(pgm_run_state_name(status.state)));
}

/* ALTER EXTENSION takes no lock that a run conflicts with. */
Datum
pgmigrate_wait_for_run(PG_FUNCTION_ARGS)
{
	pgm_run_lock_wait();
	PG_RETURN_VOID();
}
