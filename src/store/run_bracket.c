/*-------------------------------------------------------------------------
 *
 * run_bracket.c
 *	  What every run in a worker begins and ends with.
 *
 *	run lock, runs without a process interrupted, run row "running"
 *	the work, of whatever kind
 *	either the row of its end, by the work itself; or, after an error, the
 *	abort and a transaction of its own with the row "failed" or "cancelled"
 *	the schema that the run leaves, in another one
 *	run lock released
 *
 * To read a schema takes its time, in which whoever has asked to cancel asks
 * again, and loses patience: the launcher terminates a worker that is not
 * gone after four seconds.  By then the run has ended as its row says, and
 * what is missing is the record of the schema, which schema_record.c sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/session_settings.h"
#include "base/transaction.h"
#include "process/entry.h"
#include "store/ledger.h"
#include "store/run_bracket.h"
#include "store/run_unseen.h"
#include "store/schema_record.h"

void
pgm_run_open(PgmRunLockLife life)
{
	pgm_ledger_refuse_subscriber();
	pgm_run_lock(life);
	pgm_run_unseen_begin();
	pgm_journal_interrupt_dead();
}

void
pgm_run_describe(PgmRunRecord *record, const char *command,
				 const char *execution, Oid session_role)
{
	record->command = command;
	record->execution = execution;
	record->session_role = session_role;
	record->role = GetUserId();
	record->search_path = namespace_search_path;
}

/* Of a transaction of its own after the run.  No error comes out of here. */
static void
forgive(MemoryContext context, const char *what, int64 run)
{
	ErrorData  *unrecorded;

	MemoryContextSwitchTo(context);
	unrecorded = CopyErrorData();
	FlushErrorState();

	/* the error itself has ended the hold of the caller */
	HOLD_CANCEL_INTERRUPTS();
	pgm_txn_abort();
	ereport(LOG,
			errmsg("could not record the %s of run " INT64_FORMAT, what, run),
			errdetail_internal("%s", unrecorded->message));
}

void
pgm_run_end(void (*write) (void *arg), void *arg)
{
	HOLD_CANCEL_INTERRUPTS();
	pgm_txn_begin_own();
	write(arg);
	pgm_txn_commit_own(!pgm_process_is_cancelled());
	RESUME_CANCEL_INTERRUPTS();
}

void
pgm_run_record_schema(int64 run, bool failed)
{
	MemoryContext context = CurrentMemoryContext;

	/* not held back: the limit of a lock's wait is an interrupt, too */
	pgm_process_defer_cancel(true);
	PG_TRY();
	{
		pgm_txn_begin_own();
		if (failed)
			pgm_schema_record_keep_failed(run);
		else
			pgm_schema_record_keep(run);

		/* a run that has ended is seen by nobody who could cancel the wait */
		pgm_txn_commit_own(false);
	}
	PG_CATCH();
	{
		forgive(context, "schema", run);
		RESUME_CANCEL_INTERRUPTS();
	}
	PG_END_TRY();
	pgm_process_defer_cancel(false);
}

/*
 * After the abort: write down what happened.  Whoever asked to cancel may ask
 * again meanwhile, so that waits until the row is written.  If it cannot be
 * written the run is found interrupted later; the error to report stays the
 * first one.
 */
static bool
record_failure(const PgmRunKind *kind, void *arg,
			   const PgmRunPosition *position, MemoryContext context,
			   const ErrorData *edata)
{
	volatile bool recorded = false;
	int64		microseconds = pgm_clock_monotonic() - position->clock;

	HOLD_CANCEL_INTERRUPTS();
	PG_TRY();
	{
		pgm_txn_begin_own();
		if (position->settings != NULL)
			pgm_session_reset(position->settings, position->settings_size,
							  !position->guard);
		pgm_run_relock();
		if (kind->record != NULL)
			kind->record(arg, position, edata);
		pgm_journal_fail(position->run, position->step,
						 pgm_process_cancel_caused(edata) ?
						 PGM_STATE_CANCELLED : PGM_STATE_FAILED,
						 position->started, microseconds, edata);
		pgm_txn_commit_own(!pgm_process_is_cancelled());
		recorded = true;
	}
	PG_CATCH();
	{
		forgive(context, "failure", position->run);
	}
	PG_END_TRY();
	RESUME_CANCEL_INTERRUPTS();
	return recorded;
}

/*
 * Where a timeout ends what was to be cancelled the server speaks of the
 * timeout; true if it was a cancel.
 */
static bool
name_cancel(ErrorData *edata)
{
	if (!pgm_process_cancel_caused(edata))
		return false;
	if (pgm_error_is_timeout(edata))
		edata->message_id = edata->message =
			pstrdup("canceling statement due to user request");
	return true;
}

/* In the handler of the error that ended the run; raises it again. */
static void
fail(const PgmRunKind *kind, void *arg, MemoryContext context)
{
	PgmRunPosition position = {0};
	ErrorData  *edata;
	bool		by_cancel;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	by_cancel = name_cancel(edata);
	disable_timeout(STATEMENT_TIMEOUT, false);
	debug_query_string = NULL;

	/* the locks go before the caller hears of the error */
	pgm_txn_abort();
	MemoryContextSwitchTo(context);
	kind->locate(arg, &position);
	if (position.run != 0)
	{
		ErrorData	recorded = *edata;

		if (by_cancel && pgm_process_cancel_reason() != NULL)
			recorded.message_id = recorded.message =
				pstrdup(pgm_process_cancel_reason());
		if (kind->explain != NULL)
			kind->explain(arg, &recorded);
		if (record_failure(kind, arg, &position, context, &recorded))
			pgm_run_record_schema(position.run, true);
		pgm_run_unlock();
		if (edata->hint == NULL && by_cancel)
			edata->hint = psprintf(PGM_HINT_STATUS, position.run);
	}
	ReThrowError(edata);
}

void
pgm_run_carry_out(const PgmRunKind *kind, void *arg, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	pgm_run_enter(PGM_RUN_OWNER);	/* until the worker exits */
	PG_TRY();
	{
		kind->work(arg);
	}
	PG_CATCH();
	{
		fail(kind, arg, context);
	}
	PG_END_TRY();
	pgm_run_unlock();
	MemoryContextSwitchTo(old);
}
