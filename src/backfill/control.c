/*-------------------------------------------------------------------------
 *
 * control.c
 *	  What a backfill does between two chunks.
 *
 * No snapshot, lock or transaction id is held while it waits.  Whoever may
 * cancel the run may also pause it and tune it: that is rows of a table, which
 * every process of the backfill reads between its chunks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "backfill/internal.h"
#include "base/clock.h"
#include "base/day_window.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "store/run_control.h"

/* Between two looks at what was asked for, and at what is in the way. */
#define PGM_CONTROL_MS 500

/* Between two reports of how far it is. */
#define PGM_PROGRESS_MS 1000

static PgmQuery progress_query = {
	"UPDATE pgmigrate.operation SET done = r.done, total = r.total, "
	"unit = 'blocks' FROM (SELECT sum(next_block - first_block)::bigint AS done, "
	"sum(end_block - first_block)::bigint AS total "
	"FROM pgmigrate.operation_range WHERE operation = $1) AS r "
	"WHERE id = $1 AND r.total IS NOT NULL",
	1, {INT8OID}
};

static void
start_anew(PgmControl *control, const PgmBackfillOptions *options)
{
	control->paused = false;
	control->chunk_time = options->chunk_time;
	control->pause = options->pause;
	control->max_replica_lag = pgm_max_replica_lag;
	control->max_wal_rate = pgm_max_wal_rate;

	/* what was set has been checked */
	(void) pgm_day_window_parse(pgm_backfill_window, &control->window);
}

/* In a transaction. */
static void
read_control(PgmBackfill *backfill)
{
	PgmControl *control = &backfill->control;
	PgmRunSettings settings;

	start_anew(control, &backfill->options);
	pgm_run_control_read(backfill->operation->run, &settings);
	control->paused = settings.paused;
	if (settings.chunk_time >= 0)
		control->chunk_time = settings.chunk_time;
	if (settings.pause >= 0)
		control->pause = settings.pause;
	if (settings.max_replica_lag >= 0)
		control->max_replica_lag = settings.max_replica_lag;
	if (settings.max_wal_rate >= 0)
		control->max_wal_rate = settings.max_wal_rate;
	if (settings.backfill_window >= 0)
		control->window = settings.backfill_window;
}

static bool
is_time(int64 *last, int milliseconds)
{
	int64		now = pgm_clock_monotonic();

	if (*last != 0 && now - *last < milliseconds * INT64CONST(1000))
		return false;
	*last = now;
	return true;
}

static void
set_waiting(PgmBackfill *backfill, const char *what)
{
	if ((what == NULL && backfill->waiting_for == NULL) ||
		(what != NULL && backfill->waiting_for != NULL &&
		 strcmp(what, backfill->waiting_for) == 0))
		return;
	pgm_operation_set_waiting(backfill->operation->id, what);
	if (backfill->waiting_for != NULL)
		pfree(backfill->waiting_for);
	backfill->waiting_for = what == NULL ? NULL :
		MemoryContextStrdup(backfill->context, what);
}

/* NULL for nothing. */
void
pgm_control_set_waiting(PgmBackfill *backfill, const char *what)
{
	if (backfill->waiting_for == NULL && what == NULL)
		return;
	pgm_txn_begin();
	set_waiting(backfill, what);
	pgm_txn_commit();
}

/*
 * In its own transaction: is there something to wait for?  What that takes of
 * memory is given back: it may be asked for days.
 */
static bool
must_wait(PgmBackfill *backfill, PgmTarget *target)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate look",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const char *reason;

	pgm_txn_begin();
	read_control(backfill);
	if (backfill->control.paused)
		reason = "resume";
	else
		reason = pgm_day_window_wait(backfill->control.window,
									 GetCurrentTimestamp());
	if (reason == NULL)
		reason = pgm_throttle_reason(backfill, target);
	set_waiting(backfill, reason);
	pgm_txn_commit();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return backfill->waiting_for != NULL;
}

/* Wait for a time in which it may be cancelled. */
static void
wait_ms(int64 milliseconds)
{
	int64		end = pgm_clock_monotonic() + milliseconds * 1000;
	int64		left;

	while ((left = end - pgm_clock_monotonic()) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		pgm_clock_wait(Min(left / 1000 + 1, PGM_CONTROL_MS));
	}
	CHECK_FOR_INTERRUPTS();
}

/* Before a chunk: the pause that was asked for, and whatever is in the way. */
void
pgm_control_between(PgmBackfill *backfill, PgmTarget *target)
{
	bool		first = backfill->control_read == 0;

	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (!first && backfill->control.pause > 0)
		wait_ms(backfill->control.pause);
	if (!is_time(&backfill->control_read, PGM_CONTROL_MS))
		return;
	while (must_wait(backfill, target))
		wait_ms(PGM_CONTROL_MS);
	backfill->control_read = pgm_clock_monotonic();
}

/* How far all workers are; the owner of the run writes it. */
void
pgm_control_progress(PgmBackfill *backfill, bool now)
{
	PgmSpiScope scope;
	Datum		values[1];

	if (backfill->worker != 0 ||
		(!is_time(&backfill->progress_written, PGM_PROGRESS_MS) && !now))
		return;
	values[0] = Int64GetDatum(backfill->operation->id);
	pgm_txn_begin();
	pgm_spi_begin(&scope);
	pgm_spi_execute(&progress_query, values, NULL);
	pgm_spi_end(&scope);
	pgm_txn_commit();
}
