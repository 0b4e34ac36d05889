/*-------------------------------------------------------------------------
 *
 * online_steps.c
 *	  The steps of a statement that is carried out by statements of ours.
 *
 * One by one, from the first that is not done.  If one fails for what it is or
 * finds, those that are done are taken back, so that nothing is left, as the
 * statement itself would have left nothing; unless all that is in its way is
 * nulls in a new column, which are filled once more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "backfill/backfill.h"
#include "base/error_privacy.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "run/online_statement.h"
#include "run/online_steps.h"
#include "run/step_objects.h"
#include "run/step_routine.h"
#include "store/partly_applied.h"

/* What we count ourselves follows when that is committed. */
void
pgm_steps_set_done(const PgmOnlineWork *work, int done)
{
	PgmOperation *operation = work->online.operation;

	pgm_operation_add_details(operation, psprintf("{\"done\": %d}", done));
	pgm_operation_set_progress(operation->id, done, list_length(work->steps),
							   "steps");
	pgm_begun_delete_online(operation->revision, operation->statement);
}

void
pgm_steps_read(PgmOnlineWork *work)
{
	char	   *done = pgm_operation_detail(work->online.operation, "done");

	work->steps = pgm_strategy_steps_read(work->online.operation->details);
	work->done = done == NULL ? 0 : atoi(done);
}

/* ---- one step */

static void
step_error_callback(void *arg)
{
	const PgmOnlineWork *work = arg;
	const PgmSource *source = work->online.source;
	int			n = work->online.n;

	/* the statement itself says where it is */
	if (work->steps == NIL)
		return;
	errcontext("step %d of %d of \"%s\"\n%s SQL of revision \"%s\", statement %d of %d, line %d",
			   Min(work->done + 1, list_length(work->steps)),
			   list_length(work->steps), work->online.operation->strategy,
			   source->what, source->revision, n + 1, source->nstatements,
			   source->statements[n].line);
}

/* The statements of a step; what is said of them is said by our callback. */
static PgmSource *
parse_step(const char *sql)
{
	PgmSource  *source = pgm_source_parse(sql, PGM_SOURCE_OTHER, NULL);

	source->what = NULL;
	return source;
}

static bool
is_wanted(const PgmStrategyStep *step)
{
	PgmSpiScope scope;
	bool		result;

	if (step->only_if == NULL)
		return true;
	pgm_spi_begin(&scope);
	result = pgm_spi_execute_built(step->only_if, true, 0, NULL) > 0 &&
		pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return result;
}

/* With its locks, in a transaction that what is done is recorded in. */
static void
run_locked(PgmOnlineWork *work, const PgmSource *source, bool undo)
{
	PgmSpan		span = {source, 0, source->nstatements};

	pgm_runner_begin_locked(work->runner, &span);
	if (!undo)
		pgm_step_objects_check(work->online.operation);
	for (int i = 0; i < source->nstatements; i++)
		pgm_exec_statement(&work->exec, source, i, true);
}

/* The only statement of it, which commits by itself. */
static void
run_committing(PgmOnlineWork *work, const PgmSource *source)
{
	PgmRunner  *runner = work->runner;

	pgm_txn_begin();
	pgm_lockwait_limit_committing(runner->wait, true);
	work->exec.time_limit = pgm_concurrently_timeout;
	pgm_exec_statement(&work->exec, source, 0, true);
	work->exec.time_limit = 0;
	pgm_txn_commit();
	pgm_txn_begin();
	pgm_lockwait_unlimit_committing(runner->wait);
	pgm_txn_commit();
}

static const PgmStrategyStep *
step_of(const PgmOnlineWork *work)
{
	return list_nth(work->steps, work->done);
}

/* The step that follows those done. */
static PgmBegun
next_step(const PgmOnlineWork *work)
{
	const PgmOperation *operation = work->online.operation;
	PgmBegun	begun = {0};

	begun.revision = operation->revision;
	begun.direction = operation->direction;
	begun.statement = operation->statement;
	begun.online_step = work->done + 1;
	begun.run = work->runner->run;
	return begun;
}

static void
run_top_level_step(PgmOnlineWork *work, const PgmSource *source)
{
	PgmBegun	begun = next_step(work);
	PgmResume	resume;

	pgm_txn_begin();
	if (!pgm_resume_find_online(&begun, source, &resume))
		pgm_resume_begin(&begun, source, 0);
	pgm_txn_commit();
	if (!resume.retried || !pgm_resume_clean(&work->exec, source, 0, &resume))
		run_committing(work, source);
}

/* Is the statement itself one of rows?  Else it is we who fill a column. */
static bool
is_backfill(const PgmOnlineWork *work)
{
	return list_length(work->steps) == 1 &&
		((const PgmStrategyStep *) linitial(work->steps))->backfill;
}

/*
 * Rows are changed in transactions of their own; the one that is open at the
 * end says that they have been.  An UPDATE of the user's is the caller's, as
 * when it runs as written.  One that is ours is the owner's: ADD COLUMN runs
 * no index or check of the table as the caller either.
 */
static void
run_backfill(PgmOnlineWork *work, const char *sql)
{
	PgmOperation *operation = work->online.operation;
	PgmBackfillOptions options;
	PgmBackfillResult result;

	operation->run = work->runner->run;
	pgm_backfill_options(&options);
	options.as_owner = !is_backfill(work);
	pgm_txn_begin();
	pgm_operation_add_details(operation,
							  pgm_backfill_details(sql, &options));
	pgm_txn_commit();
	pgm_backfill_run(operation, &work->exec, &result);
	pgm_backfill_report(&result);
	pgm_txn_begin();
	pgm_operation_drop_ranges(operation->id);
	pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
}

/* The step after those that are done. */
static void
run_step(PgmOnlineWork *work)
{
	PgmRunner  *runner = work->runner;
	const PgmStrategyStep *step = step_of(work);
	PgmSource  *source;
	bool		last = work->done + 1 == list_length(work->steps);
	bool		wanted;
	bool		locked;

	if (runner->online != work->online.operation->id ||
		runner->online_step != work->done)
		pgm_lockwait_next(runner->wait);
	runner->online = work->online.operation->id;
	runner->online_step = work->done;

	pgm_txn_begin();
	source = parse_step(step->sql);
	pgm_step_objects_check(work->online.operation);
	wanted = is_wanted(step);
	locked = wanted && !step->backfill && !source->top_level;
	pgm_txn_commit();
	if (wanted)
		ereport(NOTICE,
				errmsg("statement %d, step %d of %d: %s",
					   work->online.n + 1, work->done + 1,
					   list_length(work->steps), step->sql));
	if (wanted && step->backfill)
		run_backfill(work, step->sql);
	else if (locked)
		run_locked(work, source, false);
	else
	{
		if (wanted)
			run_top_level_step(work, source);
		pgm_txn_begin();
	}
	if (last)
		work->online.complete(&work->online);
	else
	{
		pgm_step_objects_note(work->online.operation, step->sql);
		pgm_steps_set_done(work, work->done + 1);
	}
	if (locked)
		pgm_runner_end_locked(runner);
	pgm_txn_commit();
	work->done++;
}

/* ---- a statement that fails */

/*
 * Was it stopped by something else than what it is and finds?  Then it is
 * tried again as it is, by the ladder or the next run.
 */
static bool
may_pass(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return true;
		default:
			return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/* What the steps done have made, and a half of the one after them. */
void
pgm_steps_undo(PgmOnlineWork *work)
{
	PgmResume	resume = {0};

	pgm_lockwait_next(work->runner->wait);
	resume.begun = next_step(work);
	pgm_resume_drop_leftovers(&work->exec, &resume);
	while (work->done > 0)
	{
		const PgmStrategyStep *step = list_nth(work->steps, work->done - 1);
		PgmSource  *source = NULL;
		char	   *undo;

		pgm_txn_begin();
		undo = pgm_step_objects_undo(work->online.operation, step->undo);
		if (undo != NULL)
			source = parse_step(undo);
		pgm_txn_commit();
		if (source != NULL)
			ereport(NOTICE,
					errmsg("taking back statement %d: %s",
						   work->online.n + 1, undo));
		if (source != NULL && !source->top_level)
			run_locked(work, source, true);
		else
		{
			if (source != NULL)
				run_committing(work, source);
			pgm_txn_begin();
		}
		if (undo != NULL)
			pgm_step_objects_note(work->online.operation, undo);
		pgm_steps_set_done(work, work->done - 1);
		if (source != NULL && !source->top_level)
			pgm_runner_end_locked(work->runner);
		pgm_txn_commit();
		work->done--;
	}
}

static void
mark_failed(PgmOnlineWork *work, const char *message, bool taken_back)
{
	pgm_txn_begin();
	pgm_operation_fail(work->online.operation, message);
	if (taken_back)
		pgm_operation_add_details(work->online.operation,
								  "{\"taken_back\": true}");
	pgm_txn_commit();
}

/*
 * In the handler of an error, which is over with that; context is that of
 * before.
 */
static ErrorData *
catch_error(PgmOnlineWork *work, MemoryContext context)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	pgm_runner_clear(work->runner, edata);
	MemoryContextSwitchTo(context);
	return edata;
}

/* False if it could not be; then it is said why. */
static bool
take_back(PgmOnlineWork *work)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		pgm_steps_undo(work);
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata = catch_error(work, context);

		ereport(WARNING,
				errmsg("could not take back what statement %d has begun: %s",
					   work->online.n + 1, edata->message),
				errhint("The next run of the revision goes on with it."));
	}
	PG_END_TRY();
	return done;
}

/*
 * A new column may be null until it is bound, so others may have written nulls
 * to it since it was filled.  Now that they cannot any more, the rest is.
 */
static bool
can_refill(const PgmOnlineWork *work, int sqlerrcode)
{
	return work->steps != NIL && !work->refilled &&
		(sqlerrcode == ERRCODE_CHECK_VIOLATION ||
		 sqlerrcode == ERRCODE_NOT_NULL_VIOLATION) &&
		step_of(work)->refill != NULL;
}

static void
refill(PgmOnlineWork *work)
{
	ereport(NOTICE,
			errmsg("statement %d: nulls that others have written since are filled: %s",
				   work->online.n + 1, work->refill));
	run_backfill(work, work->refill);
	pgm_txn_commit();
	work->refill = NULL;
}

/* In the handler of an error of the statement itself; raises it again. */
static void
fail_statement(PgmOnlineWork *work, MemoryContext context)
{
	ErrorData  *edata = catch_error(work, context);

	if (work->steps != NIL)
		pgm_strategy_say_as_written(step_of(work),
									work->online.operation->relation, edata);
	mark_failed(work, pgm_error_for_all(edata),
				!is_backfill(work) && take_back(work));
	ReThrowError(edata);
}

void
pgm_steps_run_all(PgmOnlineWork *work)
{
	if (work->refill != NULL)
		refill(work);
	while (work->done < list_length(work->steps))
		run_step(work);
}

/* False if it is to be tried once more. */
static bool
attempt(PgmOnlineWork *work, void (*run) (PgmOnlineWork *work))
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback;
	volatile bool done = true;

	callback.callback = step_error_callback;
	callback.arg = work;
	callback.previous = error_context_stack;
	PG_TRY();
	{
		error_context_stack = &callback;
		run(work);
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		if (may_pass(geterrcode()))
			PG_RE_THROW();
		if (!can_refill(work, geterrcode()))
			fail_statement(work, context);
		FreeErrorData(catch_error(work, context));
		work->refill = step_of(work)->refill;
		work->refilled = true;
		done = false;
	}
	PG_END_TRY();
	return done;
}

void
pgm_steps_carry_out(PgmOnlineWork *work, void (*run) (PgmOnlineWork *work))
{
	while (!attempt(work, run))
		;
}
