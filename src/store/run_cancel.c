/*-------------------------------------------------------------------------
 *
 * run_cancel.c
 *	  Stop a run.
 *
 * A worker obeys the signal, and any operator may send it.  The run of a
 * script is in a session that does other things too, so it takes the right to
 * stop those.  While it is idle a cancel would be forgotten: it is ended.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/clock.h"
#include "base/spi.h"
#include "compat/lock.h"
#include "process/follow.h"
#include "store/run_cancel.h"

/* How long a session may take to obey, and between two looks at it. */
#define PGM_OBEY_MS 2000
#define PGM_OBEY_LOOK_MS 20

static PgmQuery idle_query = {
	"SELECT FROM pg_stat_activity WHERE pid = $1 AND starts_with(state, 'idle')",
	1, {INT4OID}
};

static bool
is_idle(int pid)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		idle;

	pgm_clear_activity_snapshot();
	values[0] = Int32GetDatum(pid);
	pgm_spi_begin(&scope);
	idle = pgm_spi_execute_latest(&idle_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return idle;
}

static bool
terminate(int pid)
{
	return DatumGetBool(DirectFunctionCall2(pg_terminate_backend,
											Int32GetDatum(pid),
											Int64GetDatum(0)));
}

/* The rights are those of the server's functions, which raise the error. */
static bool
cancel_session(const PgmRunStatus *status)
{
	int64		end = pgm_clock_monotonic() + PGM_OBEY_MS * INT64CONST(1000);
	PgmRunStatus now = *status;
	bool		asked = false;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (is_idle(status->pid))
			return terminate(status->pid);
		if (!asked)
			asked = DatumGetBool(DirectFunctionCall1(pg_cancel_backend,
													 Int32GetDatum(status->pid)));
		if (!asked)
			return false;
		pgm_clock_wait(PGM_OBEY_LOOK_MS);
		if (!pgm_status_get(status->run, &now))
			break;
	} while (now.state == PGM_STATE_RUNNING && pgm_clock_monotonic() < end);
	return true;
}

bool
pgm_run_cancel(const PgmRunStatus *status)
{
	return status->worker ? pgm_process_cancel(status->pid) :
		cancel_session(status);
}
