/*-------------------------------------------------------------------------
 *
 * by_statement.c
 *	  Carry out a step statement by statement, each committed by itself.
 *
 * For revisions with statements that cannot run inside of a transaction block,
 * or go online.  The journal keeps the last statement done, so a try after a
 * failure goes on from there.  How a statement is run, its routine decides:
 *
 *	online		by steps, which have marks of their own in the operation
 *	alone		outside of a block, with a mark before it and one after
 *	in_block	with its locks, in the transaction of the mark after it
 *
 * The session is that of all statements, so that what those before have SET
 * is set again when a new session goes on.
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
#include "run/shadow_statement.h"
#include "run/step_routine.h"
#include "store/journal.h"
#include "store/leftover_indexes.h"

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

/* In a transaction: the statement is done. */
static void
mark_done(PgmStatementRun *run)
{
	run->digest = pgm_resume_digest(run->step->source, run->n, run->digest);
	run->next = run->n + 1;
	pgm_runner_mark_done(run->runner, run->step->source, run->n, run->next);
}

static void
begin_statement(PgmRunner *runner, const PgmSource *source, int n)
{
	PgmBegun	begun = {0};

	begun.revision = source->revision;
	begun.direction = pgm_direction_name(runner->request->direction);
	begun.statement = n + 1;
	begun.run = runner->run;
	pgm_resume_begin(&begun, source, n);
}

/*
 * A DO or CALL commits when it likes, and nobody knows what of it is done: to
 * begin it again is not ours to decide.  What is applied cannot be amended.
 */
static void
refuse_repetition(const PgmStep *step, PgmDirection direction, int n)
{
	ereport(ERROR,
			errcode(PGM_ERRCODE_PARTLY_APPLIED),
			errmsg("statement %d of revision \"%s\" may have done parts of its work already",
				   n + 1, step->revision->id),
			errdetail("It commits by itself, and it was stopped in the middle."),
			direction == PGM_DOWN ?
			errhint("Finish it by hand and record that with pgmigrate.stamp(); or make good by hand what was done and stamp the current heads, to begin anew.") :
			errhint("If it may run again, say so by amending that statement, if only by a comment in it; or finish it by hand and record that with pgmigrate.stamp()."));
}

/*
 * A statement that commits by itself: marked before, so that a try that
 * failed is known as one, and after.
 */
static void
run_alone(PgmStatementRun *run)
{
	PgmRunner  *runner = run->runner;
	const PgmResume *resume = &run->step->resume;
	const PgmSource *source = run->step->source;
	int			n = run->n;
	bool		again = resume->retried && n == resume->done;
	bool		done = false;

	if (again && resume->same && resume->begun.state != PGM_BEGUN_UNDONE &&
		!runner->undone && !source->statements[n].top_level)
		refuse_repetition(run->step, runner->request->direction, n);
	runner->undone = false;
	if (again)
		done = pgm_resume_clean(&runner->exec, source, n, resume);
	if (!again || !resume->same || !source->statements[n].top_level)
	{
		pgm_txn_begin_own();
		begin_statement(runner, source, n);
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
	mark_done(run);
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

/*
 * Code whose role is guarded is kept in a block, for there is no guard outside
 * of one; so is a DO that does not look as if it could commit.
 */
static bool
runs_alone(PgmStatementRun *run)
{
	const PgmStatement *statement = &run->step->source->statements[run->n];
	Node	   *stmt = statement->raw->stmt;

	if (statement->top_level || !pgm_statement_runs_alone(statement))
		return statement->top_level;
	return !run->runner->exec.guard &&
		(!IsA(stmt, DoStmt) || do_may_commit(castNode(DoStmt, stmt)));
}

static const PgmStatementRoutine alone = {runs_alone, run_alone};

static bool
is_any(PgmStatementRun *run)
{
	return true;
}

/* With its locks, in a transaction that it is marked in. */
static void
run_in_block(PgmStatementRun *run)
{
	const PgmSource *source = run->step->source;
	PgmSpan		span = {source, run->n, run->n + 1};

	pgm_runner_begin_locked(run->runner, &span);
	pgm_runner_statement(run->runner, source, run->n, true, false);
	mark_done(run);
	pgm_runner_end_locked(run->runner);
	pgm_txn_commit();
}

static const PgmStatementRoutine in_block = {is_any, run_in_block};

/* The first whose statement it is carries it out. */
static const PgmStatementRoutine *const routines[] = {
	&pgm_statement_online, &alone, &in_block
};

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

static void
resume_step(PgmRunner *runner, PgmStep *step)
{
	const PgmResume *resume = &step->resume;
	int			n = step->source->nstatements;

	if (resume->done == n && n > 0)
		ereport(NOTICE,
				errmsg("revision \"%s\" was begun before, all of its statements are done",
					   step->revision->id));
	else if (resume->done > 0 || resume->retried)
		ereport(NOTICE,
				errmsg("revision \"%s\" was begun before, going on at statement %d of %d",
					   step->revision->id, resume->done + 1, n));
	pgm_runner_foresee_reverts(runner, step);
	pgm_journal_step_begin(runner->run, runner->step, n, resume->done);
	pgm_txn_commit();
	runner->local = false;
}

static void
run_step(PgmRunner *runner, PgmStep *step)
{
	const PgmSource *source = step->source;
	const PgmResume *resume = &step->resume;
	PgmStatementRun run = {runner, step, resume->done, 0, resume->digest};

	restore_session(runner, source, resume->done);

	/* amended since: the statement that failed is not the next one now */
	if (resume->retried &&
		(run.n == source->nstatements || !runs_alone(&run)))
		pgm_resume_drop_leftovers(&runner->exec, resume);
	runner->incomplete = resume->done > 0;
	for (; run.n < source->nstatements; run.n = run.next)
	{
		int			i = 0;

		pgm_process_check_cancel();
		while (!routines[i]->choose(&run))
			i++;
		routines[i]->run(&run);
	}

	pgm_txn_begin_block();
	pgm_runner_verify(runner, step, true);
	runner->by_statement = true;
	pgm_runner_record_step(runner, step);
	runner->by_statement = false;

	/* when it is committed it is done: a cancel is of the next one */
	HOLD_CANCEL_INTERRUPTS();
	pgm_txn_commit();
	pgm_runner_drop_temporary();

	pgm_txn_begin_own();
	pgm_session_reset(runner->request->settings,
					  runner->request->settings_size,
					  !runner->request->guard);
	pgm_txn_commit();
	RESUME_CANCEL_INTERRUPTS();
}

const PgmStepRoutine pgm_step_by_statement = {
	resume_step, NULL, run_step
};

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
	pgm_begun_refuse_online(1, &step->revision->id);
	if (!resume.retried)
		return;
	left = pgm_leftover_indexes(&resume.begun, &nleft);
	for (int i = 0; i < nleft; i++)
		ereport(WARNING,
				errmsg("index %s is INVALID, a failed try of revision \"%s\" left it so",
					   left[i], step->revision->id),
				errhint("Drop it with DROP INDEX CONCURRENTLY."));
}
