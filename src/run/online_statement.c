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
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/session_settings.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "classify/classify.h"
#include "compat/server.h"
#include "online/shadow_table.h"
#include "run/internal.h"
#include "run/kept_statement.h"
#include "run/online_statement.h"
#include "run/online_steps.h"
#include "run/shadow_statement.h"
#include "run/step_routine.h"
#include "store/journal.h"
#include "strategy/strategy.h"

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

/* Why its statements may not be committed one by one, or NULL. */
static const char *
obstacle_of(const PgmStep *step)
{
	if (step->revision->transactional == PGM_TRUE)
		return "the revision is to be one transaction";
	return pgm_strategy_obstacle(step->source);
}

static bool
can_be_parted(const PgmStep *step)
{
	return obstacle_of(step) == NULL;
}

static bool
has_possible(const PgmStep *step)
{
	bool		any = false;

	for (int i = 0; i < step->source->nstatements; i++)
		any |= pgm_strategy_possible(step->source->statements[i].raw->stmt);
	return any;
}

static bool
may_be_online(const PgmStep *step)
{
	return has_possible(step) && can_be_parted(step);
}

typedef struct Place
{
	const PgmSource *source;
	int			n;
} Place;

static void
choice_error_callback(void *arg)
{
	const Place *place = arg;

	pgm_runner_error_context(place->source, place->n, place->n);
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
	PgmGuard	guard;
	Place		place = {source, n};
	ErrorContextCallback callback = {error_context_stack,
	choice_error_callback, &place};

	*plain = NULL;
	if (!pgm_strategy_possible(source->statements[n].raw->stmt))
		return NULL;
	if (runner->rates == NULL)
	{
		runner->rates = MemoryContextAlloc(runner->context, sizeof(PgmRates));
		pgm_rates_load(runner->rates);
	}

	/* the planner evaluates what its author has declared to be constant */
	if (runner->exec.guard)
		pgm_guard_raise(&guard);
	error_context_stack = &callback;
	strategy = pgm_strategy_choose(verdict, runner->rates, true);
	error_context_stack = callback.previous;
	if (runner->exec.guard)
		pgm_guard_lower(&guard);
	if (is_carried_out(strategy))
		return strategy;
	*plain = strategy;
	return NULL;
}

/*
 * Each with the search_path that those before it have SET.  Of those that are
 * not, though it would be better, it is said why.
 */
static bool
any_is_online(PgmRunner *runner, const PgmSource *source, const char *obstacle)
{
	PgmClassifier classifier = {0};

	for (int i = 0; i < source->nstatements; i++)
	{
		PgmVerdict *verdict;
		PgmStrategy *plain;

		pgm_source_follow(source, i);
		if (obstacle == NULL &&
			OidIsValid(pgm_runner_held_table(source, i)))
			return true;
		if (!pgm_online)
			continue;
		verdict = pgm_classify(&classifier, source, i);
		if (strategy_of(runner, source, i, verdict, &plain) != NULL)
		{
			if (obstacle == NULL)
				return true;
			plain = pgm_strategy_plain(obstacle);
		}
		if (plain != NULL)
			pgm_runner_notice_plain(runner, i, plain);
	}
	return false;
}

bool
pgm_runner_is_online(PgmRunner *runner, const PgmStep *step)
{
	int			guc_level;
	bool		result;

	if (!runner->exec.worker)
		return false;
	if (pgm_runner_has_revertible(runner, step) && can_be_parted(step))
		return true;

	/* also where settings or the catalog would have it otherwise by now */
	if ((runner->any_partly || runner->failed) && can_be_parted(step) &&
		pgm_begun_online(step->revision->id))
		return true;
	if (!has_possible(step))
		return false;
	guc_level = NewGUCNestLevel();
	result = any_is_online(runner, step->source, obstacle_of(step));
	AtEOXact_GUC(false, guc_level);
	return result;
}

/* ---- the row */

/* In the transaction that completes the statement. */
static void
complete(PgmOnline *online)
{
	PgmOnlineWork *work = online->arg;

	pgm_operation_set_state(online->operation, PGM_OPERATION_FINALIZED, NULL);
	pgm_steps_set_done(work, list_length(work->steps));
	pgm_runner_mark_done(work->runner, online->source, online->n,
						 online->n + 1);
}

static void
begin_operation(PgmOnlineWork *work, const PgmStrategy *strategy)
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

/* In a transaction: that of a try before, or a new one; false if plain. */
static bool
find_or_begin(PgmOnlineWork *work, PgmStrategy *strategy)
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
		pgm_operation_find_again(operation);
		pgm_operation_set_run(operation, runner->run);
		pgm_steps_read(work);
		if (operation->state == PGM_OPERATION_FAILED)
			pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
		return true;
	}
	if (strategy == NULL)
		return false;
	begin_operation(work, strategy);
	pgm_steps_read(work);
	return true;
}

static void
run_keep(PgmOnlineWork *work)
{
	pgm_runner_keep(work->runner, &work->online);
}

static void
carry_out_sql(PgmOnline *online)
{
	pgm_steps_carry_out(online->arg, pgm_steps_run_all);
}

static void
carry_out_keep(PgmOnline *online)
{
	pgm_steps_carry_out(online->arg, run_keep);
}

static void
carry_out_pass(PgmOnline *online)
{
	PgmOnlineWork *work = online->arg;

	pgm_runner_pass(work->runner, &work->exec, work->step, &work->pass);
}

static PgmOnlineWork *
create_work(PgmStatementRun *run)
{
	PgmOnlineWork *work = palloc0(sizeof(PgmOnlineWork));

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
choose_pass(PgmOnlineWork *work)
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
	PgmOnlineWork *work;
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
	PgmOnlineWork *work = run->private;

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
		PgmOnlineWork *work = palloc0(sizeof(PgmOnlineWork));

		work->runner = runner;
		work->step = step;
		work->exec = runner->exec;
		work->online.operation = lfirst(lc);
		work->online.n = work->online.operation->statement - 1;
		pgm_txn_begin();
		pgm_steps_read(work);
		pgm_txn_commit();
		pgm_steps_undo(work);
		pgm_txn_begin();
		pgm_operation_set_state(work->online.operation,
								PGM_OPERATION_CANCELLED, NULL);
		pgm_txn_commit();
	}
	pgm_txn_begin_block();
	return true;
}
