/*-------------------------------------------------------------------------
 *
 * online_statement.c
 *	  Carry out a statement by its strategy, not as it is written.
 *
 * An operation's row is written before anything else, with the steps in it, so
 * that a run after a crash goes on with the same ones however the catalog has
 * changed.  A step in a transaction is marked as done in that transaction; one
 * that commits by itself, CONCURRENTLY, is marked before and after, and what a
 * try in between has left is told by what it was to make.
 *
 *	preparing	at work; details: steps, done, begun and its note
 *	failed		stopped by what may go away: the next run goes on
 *	failed		with details "taken_back": the statement itself fails, and
 *				nothing is left of it; the next run begins anew
 *	finalized	done
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "backfill/backfill.h"
#include "base/error_privacy.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "classify/classify.h"
#include "compat/server.h"
#include "online/shadow_table.h"
#include "run/internal.h"
#include "run/kept_statement.h"
#include "run/online_statement.h"
#include "run/shadow_statement.h"
#include "run/step_objects.h"
#include "run/step_routine.h"
#include "store/journal.h"
#include "strategy/strategy.h"

/* What the callbacks need. */
typedef struct Work
{
	PgmOnline	online;
	PgmRunner  *runner;
	const PgmStep *step;
	PgmExec		exec;
	PgmOnlineExecutor carry_out;
	int			next;			/* statement after it */
	char	   *digest;			/* of the statements before that */
	PgmPass		pass;			/* of a shadow table */
	List	   *steps;			/* of SQL … */
	int			done;			/* … and how many of them */
} Work;

static void carry_out_sql(PgmOnline *online);
static void carry_out_keep(PgmOnline *online);

/* Who carries out which kind; kinds without are plain. */
static const PgmOnlineExecutor executors[PGM_NSTRATEGIES] = {
	[PGM_STRATEGY_SQL] = carry_out_sql,
	[PGM_STRATEGY_KEEP] = carry_out_keep
};

/* The engine of shadow tables has rows of its own, see shadow_statement.c. */
static bool
is_carried_out(const PgmStrategy *strategy)
{
	return executors[strategy->kind] != NULL ||
		strategy->kind == PGM_STRATEGY_SHADOW_TABLE ||
		strategy->kind == PGM_STRATEGY_SHADOW_COLUMN;
}

/* ---- which statements */

/* May its statements be committed one by one? */
static bool
can_be_parted(const PgmStep *step)
{
	return step->revision->transactional != PGM_TRUE &&
		pgm_strategy_obstacle(step->source) == NULL;
}

static bool
may_be_online(const PgmStep *step)
{
	bool		any = false;

	for (int i = 0; i < step->source->nstatements; i++)
		any |= pgm_strategy_possible(step->source->statements[i].raw->stmt);
	return any && can_be_parted(step);
}

/*
 * That of statement n after those before it, or NULL and *plain if it is as
 * written.
 */
static PgmStrategy *
strategy_of(PgmRunner *runner, const PgmSource *source, int n,
			const PgmVerdict *verdict, PgmStrategy **plain)
{
	PgmStrategy *strategy;

	*plain = NULL;
	if (!pgm_strategy_possible(source->statements[n].raw->stmt))
		return NULL;
	if (runner->rates == NULL)
	{
		runner->rates = MemoryContextAlloc(runner->context, sizeof(PgmRates));
		pgm_rates_load(runner->rates);
	}
	strategy = pgm_strategy_choose(verdict, runner->rates, true);
	if (is_carried_out(strategy))
		return strategy;
	*plain = strategy;
	return NULL;
}

bool
pgm_runner_is_online(PgmRunner *runner, const PgmStep *step)
{
	PgmClassifier classifier = {0};

	if (!runner->exec.worker)
		return false;
	if (pgm_runner_has_revertible(runner, step) && can_be_parted(step))
		return true;

	/* also where settings or the catalog would have it otherwise by now */
	if ((runner->any_partly || runner->failed) && can_be_parted(step) &&
		pgm_begun_online(step->revision->id))
		return true;
	if (!may_be_online(step))
		return false;
	for (int i = 0; i < step->source->nstatements; i++)
	{
		if (OidIsValid(pgm_runner_held_table(step->source, i)))
			return true;
	}
	if (!pgm_online)
		return false;
	for (int i = 0; i < step->source->nstatements; i++)
	{
		PgmVerdict *verdict = pgm_classify(&classifier, step->source, i);
		PgmStrategy *plain;

		if (strategy_of(runner, step->source, i, verdict, &plain) != NULL)
			return true;
		if (plain != NULL)
			pgm_runner_notice_plain(runner, i, plain);
	}
	return false;
}

/* ---- the row */

/* What we count ourselves follows when that is committed. */
static void
set_done(const Work *work, int done)
{
	PgmOperation *operation = work->online.operation;

	pgm_operation_add_details(operation, psprintf("{\"done\": %d}", done));
	pgm_operation_set_progress(operation->id, done, list_length(work->steps),
							   "steps");
	pgm_begun_delete_online(operation->revision, operation->statement);
}

/* In the transaction that completes the statement. */
static void
complete(PgmOnline *online)
{
	Work	   *work = online->arg;

	pgm_operation_set_state(online->operation, PGM_OPERATION_FINALIZED, NULL);
	set_done(work, list_length(work->steps));
	pgm_runner_mark_done(work->runner, online->source, online->n,
						 online->n + 1);
}

static void
begin_operation(Work *work, const PgmStrategy *strategy)
{
	PgmOperation *operation = palloc0(sizeof(PgmOperation));
	const PgmRunner *runner = work->runner;

	operation->run = runner->run;
	operation->revision = work->step->revision->id;
	operation->direction =
		pstrdup(pgm_direction_name(runner->request->direction));
	operation->statement = work->online.n + 1;
	operation->digest = work->digest;
	operation->relid = strategy->relid;
	operation->schema =
		get_namespace_name(get_rel_namespace(strategy->relid));
	operation->relation = get_rel_name(strategy->relid);
	operation->strategy = pstrdup(strategy->name);
	operation->method = strategy->method;
	operation->state = PGM_OPERATION_PREPARING;
	operation->role = GetUserId();
	operation->details = pgm_strategy_steps_json(strategy);
	pgm_operation_begin(operation);
	work->online.operation = operation;
}

static void
read_steps(Work *work)
{
	char	   *done = pgm_operation_detail(work->online.operation, "done");

	work->steps = pgm_strategy_steps_read(work->online.operation->details);
	work->done = done == NULL ? 0 : atoi(done);
}

/* In a transaction: that of a try before, or a new one; false if plain. */
static bool
find_or_begin(Work *work, PgmStrategy *strategy)
{
	PgmRunner  *runner = work->runner;
	PgmOperation *operation;

	operation = pgm_operation_of_statement(work->step->revision->id,
										   pgm_direction_name(runner->request->direction),
										   work->online.n + 1, work->digest);
	if (operation != NULL &&
		pgm_operation_detail(operation, "taken_back") == NULL)
	{
		work->online.operation = operation;
		pgm_operation_set_run(operation->id, runner->run);
		read_steps(work);
		if (operation->state == PGM_OPERATION_FAILED)
			pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
		return true;
	}
	if (strategy == NULL)
		return false;
	begin_operation(work, strategy);
	read_steps(work);
	return true;
}

/* ---- steps of SQL */

static void
step_error_callback(void *arg)
{
	const Work *work = arg;
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
run_locked(Work *work, const PgmSource *source, bool undo)
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
run_committing(Work *work, const PgmSource *source)
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

/* The step that follows those done. */
static PgmBegun
next_step(const Work *work)
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
run_top_level_step(Work *work, const PgmSource *source)
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

/*
 * Rows are changed in transactions of their own; the one that is open at the
 * end says that they have been.
 */
static void
run_backfill(Work *work, const PgmStrategyStep *step)
{
	PgmOperation *operation = work->online.operation;
	PgmBackfillOptions options;
	PgmBackfillResult result;

	operation->run = work->runner->run;
	pgm_backfill_options(&options);
	pgm_txn_begin();
	pgm_operation_add_details(operation,
							  pgm_backfill_details(step->sql, &options));
	pgm_txn_commit();
	pgm_backfill_run(operation, &work->exec, &result);
	pgm_backfill_report(&result);
	pgm_txn_begin();
	pgm_operation_drop_ranges(operation->id);
	pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
}

/* The step after those that are done. */
static void
run_step(Work *work)
{
	PgmRunner  *runner = work->runner;
	const PgmStrategyStep *step = list_nth(work->steps, work->done);
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
		run_backfill(work, step);
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
		set_done(work, work->done + 1);
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
static void
undo_steps(Work *work)
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
		set_done(work, work->done - 1);
		if (source != NULL && !source->top_level)
			pgm_runner_end_locked(work->runner);
		pgm_txn_commit();
		work->done--;
	}
}

static void
mark_failed(Work *work, const char *message, bool taken_back)
{
	pgm_txn_begin();
	pgm_operation_fail(work->online.operation, message);
	if (taken_back)
		pgm_operation_add_details(work->online.operation,
								  "{\"taken_back\": true}");
	pgm_txn_commit();
}

/* False if it could not be; then it is said why. */
static bool
take_back(Work *work)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		undo_steps(work);
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_runner_clear(work->runner, edata);
		MemoryContextSwitchTo(context);
		ereport(WARNING,
				errmsg("could not take back what statement %d has begun: %s",
					   work->online.n + 1, edata->message),
				errhint("The next run of the revision goes on with it."));
	}
	PG_END_TRY();
	return done;
}

/* Rows that were changed stay changed; the next run goes on with others. */
static bool
is_backfill(const Work *work)
{
	return list_length(work->steps) == 1 &&
		((const PgmStrategyStep *) linitial(work->steps))->backfill;
}

/* In the handler of an error of the statement itself; raises it again. */
static void
fail_statement(Work *work, MemoryContext context)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	pgm_runner_clear(work->runner, edata);
	MemoryContextSwitchTo(context);
	if (work->steps != NIL)
		pgm_strategy_say_as_written(list_nth(work->steps, work->done),
									work->online.operation->relation, edata);
	mark_failed(work, pgm_error_for_all(edata),
				!is_backfill(work) && take_back(work));
	ReThrowError(edata);
}

static void
run_all(Work *work)
{
	while (work->done < list_length(work->steps))
		run_step(work);
}

static void
run_keep(Work *work)
{
	pgm_runner_keep(work->runner, &work->online);
}

static void
carry_out(Work *work, void (*run) (Work *work))
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback;

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
		fail_statement(work, context);
	}
	PG_END_TRY();
}

static void
carry_out_sql(PgmOnline *online)
{
	carry_out(online->arg, run_all);
}

static void
carry_out_keep(PgmOnline *online)
{
	carry_out(online->arg, run_keep);
}

static void
carry_out_pass(PgmOnline *online)
{
	Work	   *work = online->arg;

	pgm_runner_pass(work->runner, &work->exec, work->step, &work->pass);
}

static Work *
create_work(PgmStatementRun *run)
{
	Work	   *work = palloc0(sizeof(Work));

	work->runner = run->runner;
	work->step = run->step;
	work->exec = run->runner->exec;
	work->next = run->n + 1;
	work->online.exec = &work->exec;
	work->online.wait = run->runner->wait;
	work->online.n = run->n;
	work->online.complete = complete;
	work->online.arg = work;
	return work;
}

static bool
choose_pass(Work *work)
{
	work->carry_out = carry_out_pass;
	work->digest = work->pass.digest;
	work->next = work->pass.last + 1;
	return true;
}

/* Does it make again what the upgrade has dropped, and we have kept? */
static bool
is_kept(const PgmStatementRun *run, PgmPass *pass)
{
	bool		found;

	if (run->runner->request->direction != PGM_DOWN)
		return false;
	pgm_txn_begin();
	found = pgm_runner_find_kept(run->step, run->n, run->digest, pass);
	pgm_txn_commit();
	return found;
}

/* Is the statement to be carried out so, or was it begun so? */
static bool
choose(PgmStatementRun *run)
{
	PgmRunner  *runner = run->runner;
	const PgmStep *step = run->step;
	int			n = run->n;
	int			decisive;
	Work	   *work;
	PgmSource  *source;
	PgmStrategy *strategy = NULL;
	PgmStrategy *plain = NULL;
	PgmClassifier classifier = {0};
	PgmVerdict *verdict = NULL;
	PgmStrategyKind kind;
	bool		found;
	Oid			held;

	run->private = work = create_work(run);
	if (is_kept(run, &work->pass))
		return choose_pass(work);
	pgm_txn_begin();
	decisive = pgm_shadow_first(step->source, n);
	pgm_txn_commit();
	if (!may_be_online(step) ||
		!pgm_strategy_possible(step->source->statements[decisive].raw->stmt))
		return false;

	/* a statement that was run may have lost its parse tree to that */
	pgm_txn_begin();
	source = pgm_revision_source(step->revision,
								 runner->request->direction);
	for (int i = 0; i <= decisive; i++)
		verdict = pgm_classify(&classifier, source, i);
	if (pgm_online)
		strategy = strategy_of(runner, source, decisive, verdict, &plain);
	work->digest = pgm_resume_digest(source, n, run->digest);
	work->online.source = source;
	work->online.verdict = verdict;
	work->online.strategy = strategy;
	if (pgm_runner_find_pass(runner, step, source, n, run->digest, strategy,
							 &work->pass))
	{
		pgm_txn_commit();
		return choose_pass(work);
	}
	if (decisive != n)
	{
		pgm_txn_commit();
		return false;
	}
	held = pgm_runner_held_table(source, n);
	found = find_or_begin(work, strategy);

	/* what was begun is gone on with, whatever would be chosen now */
	if (!found && plain != NULL)
		pgm_runner_notice_plain(runner, n, plain);
	pgm_txn_commit();
	if (OidIsValid(held))
		pgm_shadow_finalize_former(&work->exec, held);
	if (!found)
		return false;

	work->exec.label = psprintf("%s, revision %s, statement %d of %d, %s",
								runner->label, step->revision->id, n + 1,
								step->source->nstatements,
								work->online.operation->strategy);
	kind = strategy != NULL ? strategy->kind : PGM_STRATEGY_SQL;
	if (work->steps == NIL)
		kind = PGM_STRATEGY_KEEP;
	work->carry_out = executors[kind];
	return true;
}

static void
run_online(PgmStatementRun *run)
{
	Work	   *work = run->private;

	work->carry_out(&work->online);
	run->digest = work->digest;
	run->next = work->next;
	run->runner->incomplete = true;
}

const PgmStatementRoutine pgm_statement_online = {choose, run_online};

/* ---- revisions that were amended */

/* Is the operation one of a statement that is still so? */
static bool
is_current(const PgmOperation *operation, const PgmStep *step)
{
	char	   *digest = NULL;

	if (operation->statement > step->source->nstatements)
		return false;
	for (int i = 0; i < operation->statement; i++)
		digest = pgm_resume_digest(step->source, i, digest);
	return strcmp(digest, operation->digest) == 0;
}

bool
pgm_runner_take_back_amended(PgmRunner *runner, const PgmStep *step)
{
	List	   *stale = NIL;
	ListCell   *lc;

	foreach(lc, pgm_operations_unfinished(step->revision->id))
	{
		PgmOperation *operation = lfirst(lc);

		if (strcmp(operation->direction,
				   pgm_direction_name(runner->request->direction)) == 0 &&
			operation->method == PGM_METHOD_IN_PLACE &&
			pgm_operation_detail(operation, "taken_back") == NULL &&
			!is_current(operation, step))
			stale = lappend(stale, operation);
	}
	if (stale == NIL)
		return false;
	pgm_txn_commit();
	foreach(lc, stale)
	{
		Work	   *work = palloc0(sizeof(Work));

		work->runner = runner;
		work->step = step;
		work->exec = runner->exec;
		work->online.operation = lfirst(lc);
		work->online.n = work->online.operation->statement - 1;
		pgm_txn_begin();
		read_steps(work);
		pgm_txn_commit();
		undo_steps(work);
		pgm_txn_begin();
		pgm_operation_set_state(work->online.operation,
								PGM_OPERATION_CANCELLED, NULL);
		pgm_txn_commit();
	}
	pgm_txn_begin_block();
	return true;
}
