/*-------------------------------------------------------------------------
 *
 * helpers.c
 *	  More processes for the ranges of a backfill.
 *
 * Range n is that of worker n modulo their number, so they need not agree on
 * anything.  A helper reads the operation and takes the statement apart anew;
 * it shares the right of the run and ends with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "backfill/helpers.h"
#include "backfill/internal.h"
#include "base/transaction.h"
#include "process/entry.h"
#include "process/follow.h"
#include "process/launch.h"
#include "store/run_lock.h"

#define PGM_MAX_HELPERS 32

typedef struct HelperPayload
{
	int64		operation;
	int			worker;
} HelperPayload;

static PgmProcess *helpers[PGM_MAX_HELPERS];
static int	nhelpers = 0;

static void
work_with_helpers(void *arg)
{
	PgmBackfill *backfill = arg;
	PgmRunRight right = {PGM_RUN_HELPER, backfill->operation->run};

	for (int i = 1; i < backfill->lacking; i++)
	{
		HelperPayload payload = {backfill->operation->id, i};

		/* who the helper is to be is looked up in the catalog */
		pgm_txn_begin();
		helpers[nhelpers] = pgm_process_launch(PGM_JOB_BACKFILL, right,
											   (const char *) &payload,
											   sizeof(payload),
											   PGM_LAUNCH_MAY_LACK_SLOT);
		pgm_txn_commit();
		if (helpers[nhelpers] != NULL)
		{
			helpers[nhelpers]->dismiss = pgm_run_dismiss_blocker;
			nhelpers++;
		}
		else
			backfill->lacking = i;
	}
	if (backfill->lacking < backfill->options.workers)
		ereport(NOTICE,
				errmsg("no worker process is free: the backfill is at work in %d instead of %d",
					   backfill->lacking, backfill->options.workers));
	pgm_backfill_work_ranges(backfill);
	pgm_process_follow_all(nhelpers, helpers);
	nhelpers = 0;
}

void
pgm_helpers_work(PgmBackfill *backfill)
{
	nhelpers = 0;
	if (backfill->options.workers <= 1)
		pgm_backfill_work_ranges(backfill);
	else
		pgm_process_guarded(work_with_helpers, backfill);
}

void
pgm_helpers_poll(void)
{
	for (int i = 0; i < nhelpers; i++)
		(void) pgm_process_poll(helpers[i]);
}

/* In a helper. */
void
pgm_helpers_help(const PgmJob *job)
{
	const HelperPayload *payload = (const HelperPayload *) job->payload;
	PgmExec		exec = {0};
	PgmOperation *operation;
	PgmBackfill *backfill;

	exec.worker = true;
	exec.guard = job->guard;
	exec.label = "backfill";
	pgm_txn_begin();
	operation = pgm_operation_get(payload->operation);
	if (operation == NULL)
		elog(ERROR, "operation " INT64_FORMAT " does not exist",
			 payload->operation);
	backfill = pgm_backfill_create(operation, &exec, payload->worker, true);
	pgm_txn_commit();

	/* the last commit of the run makes ours durable too */
	pgm_backfill_work_ranges(backfill);
}
