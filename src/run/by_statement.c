/*-------------------------------------------------------------------------
 *
 * by_statement.c
 *	  Carry out a step statement by statement, each committed by itself.
 *
 * For revisions with statements that cannot run inside of a transaction block.
 * The ledger keeps the last statement done, so a try after a failure goes on
 * from there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/session_settings.h"
#include "base/settings.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "compat/command.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "process/entry.h"
#include "run/internal.h"
#include "run/online_statement.h"
#include "store/journal.h"
#include "store/leftover_indexes.h"

void
pgm_runner_collect(PgmLockNeeds *needs, void *arg)
{
	PgmSpan    *span = arg;

	span->taken = span->first;
	while (span->taken < span->end)
	{
		pgm_lockneeds_statement(needs, span->source, span->taken++);
		if (needs->slow)
			break;
	}
}

/*
 * Which of the statements that commit by themselves may wait for locks as long
 * as it takes?  CONCURRENTLY waits for the transactions of others too, and
 * leaves an INVALID index if it is stopped; REPACK (CONCURRENTLY) would lose
 * all its work in the end.  A plain VACUUM is in nobody's way.
 * The others stand in front of readers and writers, and can be repeated.
 */
static bool
may_queue(const PgmStatement *statement)
{
	Node	   *stmt = statement->raw->stmt;

	/* of what is marked only a function may have a way of its own to wait */
	if (statement->marked)
		return IsA(stmt, SelectStmt) || IsA(stmt, CallStmt);
	switch (nodeTag(stmt))
	{
		case T_ClusterStmt:
			return pgm_repack_is_concurrent(castNode(ClusterStmt, stmt));
		case T_ReindexStmt:
			return pgm_reindex_is_concurrent(castNode(ReindexStmt, stmt));
		case T_VacuumStmt:
			return !pgm_vacuum_is_full(castNode(VacuumStmt, stmt));
		default:
			return true;
	}
}

/*
 * A DO or CALL commits when it likes, and nobody knows what of it is done: to
 * begin it again is not ours to decide.
 */
static void
refuse_repetition(const PgmStep *step, int n)
{
	ereport(ERROR,
			errcode(PGM_ERRCODE_PARTLY_APPLIED),
			errmsg("statement %d of revision \"%s\" may have done parts of its work already",
				   n + 1, step->revision->id),
			errdetail("It commits by itself, and it was stopped in the middle."),
			errhint("If it may run again, say so by amending that statement, if only by a comment in it; or finish it by hand and record that with pgmigrate.stamp()."));
}

/*
 * A statement that commits by itself: marked before, so that a try that
 * failed is known as one, and after.
 */
static void
run_committing_statement(PgmRunner *runner, const PgmStep *step, int n,
						 const PgmResume *resume, char **digest)
{
	const PgmSource *source = step->source;
	bool		again = resume->retried && n == resume->done;
	bool		done = false;

	if (again && resume->same && !resume->undone &&
		!source->statements[n].top_level)
		refuse_repetition(step, n);
	if (again)
		done = pgm_resume_clean(&runner->exec, source, n, resume);
	if (!again || !resume->same || !source->statements[n].top_level)
	{
		pgm_txn_begin_own();
		pgm_journal_step_progress(runner->run, runner->step, n, *digest,
								  pgm_resume_note(source, n));
		pgm_txn_commit();
	}

	if (!done)
	{
		bool		top_level = source->statements[n].top_level;

		pgm_txn_begin();
		pgm_lockwait_limit_committing(runner->wait, top_level &&
									  may_queue(&source->statements[n]));
		if (top_level)
			runner->exec.time_limit = pgm_concurrently_timeout;
		else
			runner->committing = pgm_local_xid();
		pgm_runner_statement(runner, source, n, true, true);
		runner->exec.time_limit = 0;
		runner->committing = InvalidLocalTransactionId;
		pgm_txn_commit();
	}

	/* the statement is committed: a cancel is of the next one */
	HOLD_CANCEL_INTERRUPTS();
	pgm_txn_begin_own();
	pgm_lockwait_unlimit_committing(runner->wait);
	*digest = pgm_resume_digest(source, n, *digest);
	pgm_journal_step_progress(runner->run, runner->step, n + 1, *digest, NULL);
	pgm_txn_commit();
	RESUME_CANCEL_INTERRUPTS();
}

/* Every language that can end a transaction says so in one of these words. */
static bool
do_may_commit(const DoStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->args)
	{
		DefElem    *arg = lfirst(lc);

		if (strcmp(arg->defname, "as") == 0)
			return pgm_runner_mentions(strVal(arg->arg), "commit") ||
				pgm_runner_mentions(strVal(arg->arg), "rollback") ||
				pgm_runner_mentions(strVal(arg->arg), "call");
	}
	return true;
}

/* DO and CALL that may commit by themselves cannot be in a block. */
static bool
commits_by_itself(const PgmRunner *runner, const PgmStatement *statement)
{
	Node	   *stmt = statement->raw->stmt;

	if (statement->top_level)
		return true;
	return !runner->exec.guard &&
		(IsA(stmt, CallStmt) ||
		 (IsA(stmt, DoStmt) && do_may_commit(castNode(DoStmt, stmt))));
}

/* With its locks, in a transaction that is left open. */
static void
run_locked_statement(PgmRunner *runner, const PgmSource *source, int n)
{
	PgmSpan		span = {source, n, n + 1};

	pgm_txn_begin_block();
	while (!pgm_lockwait_take(runner->wait, pgm_runner_collect, &span))
	{
		pgm_txn_commit();
		pgm_lockwait_pause(runner->wait);
		pgm_txn_begin_block();
	}
	pgm_runner_enter_shelter(runner);
	pgm_lockwait_limit(runner->wait);
	pgm_runner_statement(runner, source, n, true, false);
	pgm_exec_fire_deferred(&runner->exec);
	pgm_lockwait_unlimit(runner->wait);
	pgm_runner_leave_shelter(runner);
}

/* What the statements done before have SET is gone with their session. */
static void
restore_session(PgmRunner *runner, const PgmSource *source, int done)
{
	for (int i = 0; i < done; i++)
	{
		if (!pgm_resume_repeats(source, i) ||
			pgm_resume_is_in_force(source, i))
			continue;
		pgm_txn_begin_block();
		pgm_exec_statement(&runner->exec, source, i, true);
		pgm_txn_commit();
	}
}

void
pgm_runner_by_statement(PgmRunner *runner, PgmStep *step,
						const PgmResume *resume)
{
	const PgmSource *source = step->source;
	char	   *digest = resume->digest;

	restore_session(runner, source, resume->done);

	/* amended since: the statement that failed is not the next one now */
	if (resume->retried && (resume->done == source->nstatements ||
							!commits_by_itself(runner, &source->statements[resume->done])))
		pgm_resume_drop_leftovers(&runner->exec, resume);
	runner->incomplete = resume->done > 0;
	for (int i = resume->done; i < source->nstatements; i++)
	{
		int			next = i;

		pgm_process_check_cancel();
		if (pgm_runner_online(runner, step, &next, &digest))
		{
			runner->incomplete = true;
			i = next - 1;
			continue;
		}
		if (commits_by_itself(runner, &source->statements[i]))
			run_committing_statement(runner, step, i, resume, &digest);
		else
		{
			run_locked_statement(runner, source, i);
			digest = pgm_resume_digest(source, i, digest);
			pgm_journal_step_progress(runner->run, runner->step, i + 1,
									  digest, NULL);
			pgm_txn_commit();
		}
	}

	pgm_txn_begin_block();
	pgm_runner_verify(runner, step, true);
	runner->by_statement = true;
	pgm_runner_record_step(runner, step);
	runner->by_statement = false;
	pgm_txn_commit();
	pgm_runner_drop_temporary();

	pgm_txn_begin_own();
	pgm_session_reset(runner->request->settings,
					  runner->request->settings_size,
					  !runner->request->guard);
	pgm_txn_commit();
}

/*
 * A revision that began CONCURRENTLY and was amended to run in a transaction.
 * True if there was something to drop: then the transaction is a new one.
 */
bool
pgm_runner_drop_leftovers(PgmRunner *runner, const PgmResume *resume)
{
	int			n;

	if (!resume->retried)
		return false;
	(void) pgm_leftover_indexes(resume->note, &n);
	if (n == 0)
		return false;
	pgm_txn_commit();
	pgm_resume_drop_leftovers(&runner->exec, resume);
	pgm_txn_begin_block();
	return true;
}

/* Was it begun statement by statement, before it was amended? */
void
pgm_runner_refuse_partly(const PgmRunner *runner, const PgmStep *step)
{
	PgmResume	resume;
	char	  **left;
	int			nleft;

	pgm_resume_find(step->revision, step->source, runner->request->direction,
					&resume);
	if (resume.done > 0)
		ereport(ERROR,
				errcode(PGM_ERRCODE_PARTLY_APPLIED),
				errmsg("revision \"%s\" is partly applied", step->revision->id),
				errdetail("%d of its %d statements are done and committed.",
						  resume.done, step->source->nstatements),
				errhint("Call SELECT pgmigrate.upgrade() or downgrade() as a statement of its own, with \"pgmigrate.transaction_per_migration\" on."));
	if (pgm_runner_is_begun_online(step->revision->id))
		ereport(ERROR,
				errcode(PGM_ERRCODE_PARTLY_APPLIED),
				errmsg("revision \"%s\" is partly applied",
					   step->revision->id),
				errdetail("A statement of it was begun online, see pgmigrate.operations."),
				errhint("Call SELECT pgmigrate.upgrade() or downgrade() as a statement of its own, with \"pgmigrate.transaction_per_migration\" on."));
	if (!resume.retried)
		return;
	left = pgm_leftover_indexes(resume.note, &nleft);
	for (int i = 0; i < nleft; i++)
		ereport(WARNING,
				errmsg("index %s is INVALID, a failed try of revision \"%s\" left it so",
					   left[i], step->revision->id),
				errhint("Drop it with DROP INDEX CONCURRENTLY."));
}
