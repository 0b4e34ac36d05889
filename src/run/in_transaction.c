/*-------------------------------------------------------------------------
 *
 * in_transaction.c
 *	  Carry out a step in a transaction.
 *
 *	resume		indexes are dropped that a try statement by statement, before
 *				the revision was amended, has left INVALID
 *	take_locks	those of all statements, up to and with the first that may be
 *				slow; of those after it when it is done
 *	run			statements, verify queries, deferred triggers, ledger rows
 *
 * Of a run in one transaction the steps share what is below "run"; its locks
 * are taken before the first of them, see runner.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "base/settings.h"
#include "base/transaction.h"
#include "citus/nodes.h"
#include "compat/server.h"
#include "run/internal.h"
#include "run/step_routine.h"
#include "store/leftover_indexes.h"

/*
 * For pgm_lockwait_take; its argument is a PgmSpan.  Names mean what they will
 * mean then: a SET of search_path among the statements is followed.
 */
static void
collect(PgmLockNeeds *needs, void *arg)
{
	PgmSpan    *span = arg;
	int			guc_level = NewGUCNestLevel();

	span->taken = span->first;
	while (span->taken < span->end)
	{
		pgm_source_follow(span->source, span->taken);
		pgm_lockneeds_statement(needs, span->source, span->taken++);
		if (needs->slow)
			break;
	}
	AtEOXact_GUC(false, guc_level);
}

/*
 * The abort of a transaction releases the locks of the session too, and a DROP
 * EXTENSION that waits for them would go ahead; that of a subtransaction does
 * not, but has its price, which statements without locks need not pay.
 */
void
pgm_runner_set_savepoint(PgmRunner *runner)
{
	if (pgm_lockwait_may_retry(runner->wait))
		runner->retry_savepoint = pgm_txn_begin_sub();
}

void
pgm_runner_release_savepoint(PgmRunner *runner)
{
	if (runner->retry_savepoint != 0)
		pgm_txn_release_sub();
	runner->retry_savepoint = 0;
}

void
pgm_runner_begin_locked(PgmRunner *runner, PgmSpan *span)
{
	pgm_lockwait_begin_block(runner->wait, collect, span);
	pgm_runner_set_savepoint(runner);
	pgm_lockwait_limit(runner->wait);
}

void
pgm_runner_end_locked(PgmRunner *runner)
{
	pgm_exec_fire_deferred(&runner->exec);
	pgm_lockwait_unlimit(runner->wait);
	pgm_runner_release_savepoint(runner);
}

/* The locks of the statements from here on, up to the next slow one. */
static void
take_more(PgmRunner *runner, PgmSpan *span, int n)
{
	span->first = n;
	pgm_lockwait_unlimit(runner->wait);
	pgm_lockwait_take_more(runner->wait, collect, span);
	pgm_lockwait_limit(runner->wait);
}

void
pgm_runner_in_transaction(PgmRunner *runner, const PgmStep *step,
						  PgmSpan *span, bool top_level)
{
	int			guc_level = NewGUCNestLevel();

	pgm_runner_settle(runner, step);
	pgm_lockwait_limit(runner->wait);
	for (int i = 0; i < step->source->nstatements; i++)
	{
		if (span != NULL && i == span->taken)
			take_more(runner, span, i);
		pgm_runner_statement(runner, step->source, i, top_level, false);
	}
	pgm_runner_verify(runner, step, top_level);
	pgm_exec_fire_deferred(&runner->exec);

	/* what the revision has SET, a role among it, ends with it */
	AtEOXact_GUC(false, guc_level);
	pgm_runner_record_step(runner, step);
	pgm_lockwait_unlimit(runner->wait);
}

static void
commit_error_callback(void *arg)
{
	const PgmStep *step = arg;

	errcontext("commit of revision \"%s\"", step->revision->id);
}

/*
 * Deferred constraints may fail now.  A commit that is not waited for may be
 * lost in a crash, which must then take along all that the step has done.
 * From here on a cancel is of the next step.
 */
static void
commit_step(const PgmRunner *runner, PgmStep *step)
{
	ErrorContextCallback callback;

	callback.callback = commit_error_callback;
	callback.arg = step;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	HOLD_CANCEL_INTERRUPTS();
	if (runner->local)
		pgm_txn_commit_async();
	else
		pgm_txn_commit();
	error_context_stack = callback.previous;
	pgm_runner_drop_temporary();
	RESUME_CANCEL_INTERRUPTS();
}

/*
 * A revision that began CONCURRENTLY and was amended to run in a transaction.
 * If there is something to drop, the transaction is a new one then.
 */
static void
resume_step(PgmRunner *runner, PgmStep *step)
{
	int			n;

	if (!step->resume.retried)
		return;
	(void) pgm_leftover_indexes(&step->resume.begun, &n);
	if (n == 0)
		return;
	pgm_txn_commit();
	pgm_resume_drop_leftovers(&runner->exec, &step->resume);
	pgm_txn_begin_block();
	pgm_runner_load_step(runner, step);
}

static bool
take_locks(PgmRunner *runner, PgmStep *step)
{
	PgmSpan    *span = &step->span;

	span->source = step->source;
	span->first = 0;
	span->end = span->taken = step->source->nstatements;
	if (pgm_lockwait_take(runner->wait, collect, span))
		return true;
	pgm_txn_commit();
	return false;
}

/*
 * On Citus its release would be one more message to each node, and a wait for
 * all of them: there it is for a step that has failed before.
 */
static void
run_step(PgmRunner *runner, PgmStep *step)
{
	if (runner->failed || !pgm_citus_is_here())
		pgm_runner_set_savepoint(runner);
	runner->local = !pgm_flush_per_migration;
	pgm_runner_in_transaction(runner, step, &step->span, true);
	pgm_runner_release_savepoint(runner);
	commit_step(runner, step);
}

const PgmStepRoutine pgm_step_in_transaction = {
	resume_step, take_locks, run_step
};
