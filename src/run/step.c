/*-------------------------------------------------------------------------
 *
 * step.c
 *	  What a step is read from, its statements, and the rows it leaves.
 *
 *	load		the revision, locked until the transaction ends, and its text
 *				parsed; expect: what is to be watched while it runs
 *	settle		rows of the steps before that this one could look at
 *	statement	executed, with what was predicted and what it did
 *	verify		the author's query and the generated one
 *	record		the ledger's change, kept back or written
 *
 * Who calls these in which transactions is in_transaction.c or by_statement.c.
 *
 * Most revisions are small, so that reading them one by one and writing three
 * rows for each costs as much as running them.  So they are read ahead: what a
 * step finds to be the same row still, when it locks it, it need not read.  A
 * run that is one transaction locks them as it reads, and writes the rows of
 * several steps together, before a step that could look at them and at the
 * end: nobody else sees them before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "classify/local_effects.h"
#include "compat/server.h"
#include "exec/session_objects.h"
#include "gate/outbox.h"
#include "process/entry.h"
#include "run/internal.h"
#include "run/proof.h"
#include "run/step_routine.h"
#include "sql/kinds.h"
#include "store/authors.h"
#include "store/journal.h"
#include "store/run_lock.h"
#include "store/schema_trust.h"

/* Revisions read at a time, none of them large, and rows kept back. */
#define PGM_READ_AHEAD 100
#define PGM_PENDING_MAX 500

/* As it was read ahead, NULL if it is large. */
static PgmRevision *
read_ahead(PgmRunner *runner, int i)
{
	const PgmPlan *plan = runner->plan;
	PgmReadAhead *ahead = &runner->ahead;
	MemoryContext old;

	if (i < ahead->first || i >= ahead->first + ahead->n)
	{
		int			n = Min(PGM_READ_AHEAD, plan->steps.nsteps - i);

		ahead->n = 0;
		MemoryContextReset(ahead->context);
		old = MemoryContextSwitchTo(ahead->context);
		ahead->revisions =
			pgm_revision_get_small(n, pgm_plan_step_ids(plan, i, n),
								   runner->one_transaction);
		MemoryContextSwitchTo(old);
		ahead->first = i;
		ahead->n = n;
	}
	return ahead->revisions[i - ahead->first];
}

/* A revision as its step found it, locked until the transaction ends. */
static PgmRevision *
read_revision(PgmRunner *runner, int i)
{
	const PgmPlan *plan = runner->plan;
	PgmRevision *revision = read_ahead(runner, i);

	if (revision != NULL &&
		(runner->one_transaction || pgm_revision_lock_for_share(revision)))
		return revision;
	return pgm_revision_get_for_share(pgm_graph_id(plan->graph,
												   plan->steps.steps[i].rev));
}

/* Outside of a transaction it is one of its own. */
static void
tell_long_wait(void *arg, const char *revision, const char *relation,
			   int64 milliseconds, const char *blockers)
{
	const PgmRunner *runner = arg;
	bool		own = !IsTransactionState();

	if (own)
		pgm_txn_begin_own();
	pgm_outbox_lock_wait(runner->run, revision, relation, milliseconds,
						 blockers);
	if (own)
		pgm_txn_commit_own(false);
}

void
pgm_runner_create_wait(PgmRunner *runner)
{
	runner->wait = pgm_lockwait_create(&runner->exec);
	pgm_lockwait_on_long(runner->wait, tell_long_wait, runner);
}

void
pgm_runner_load_step(PgmRunner *runner, PgmStep *step)
{
	const PgmPlan *plan = runner->plan;

	runner->reading = true;
	step->revision = read_revision(runner, runner->step - 1);
	runner->reading = false;
	if (step->revision == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("revision \"%s\" was removed while the run was in progress",
					   pgm_graph_id(plan->graph,
									plan->steps.steps[runner->step - 1].rev)));
	if (step->revision->for_schema != NULL)
		pgm_schema_hold(step->revision->for_schema);
	pgm_revision_check_trusted(step->revision);
	step->source = pgm_revision_source(step->revision,
									   runner->request->direction);
	if (!runner->exec.worker)
	{
		runner->objects_before = pgm_session_objects();
		runner->exec.session_timeout = StatementTimeout;
	}
	pgm_changed_reset(runner->changed);
	runner->incomplete = false;
	runner->generated = NULL;
	runner->started = GetCurrentTimestamp();
	runner->clock = pgm_clock_monotonic();
}

void
pgm_runner_expect(PgmRunner *runner, const PgmStep *step)
{
	pgm_observed_revision(runner->observed,
						  runner->request->direction == PGM_UP ?
						  step->revision->digest : NULL);

	runner->by_statement = false;

	/* at the first try only: one after it begins where that did */
	if (runner->again)
		return;
	if (!runner->guard_asked)
		runner->guard = pgm_guard_create(runner->context, runner->run);
	runner->guard_asked = true;
	pgm_guard_before(runner->guard);
}

void
pgm_runner_statement(PgmRunner *runner, const PgmSource *source, int n,
					 bool top_level, bool commits)
{
	volatile uint64 rows = 0;

	pgm_process_check_cancel();
	runner->local = runner->local && pgm_statement_is_local(source, n);
	pgm_observed_before(runner->observed, source, n, commits);
	pgm_runner_watch(runner, source, n);
	if (pgm_generate_verify)
		pgm_changed_begin(runner->changed,
						  !IsA(source->statements[n].raw->stmt, CreateStmt));
	PG_TRY();
	{
		rows = pgm_exec_statement(&runner->exec, source, n, top_level);
	}
	PG_FINALLY();
	{
		pgm_changed_end();
	}
	PG_END_TRY();
	pgm_runner_watched(runner, source, n);
	pgm_observed_after(runner->observed, rows);
	if (runner->exec.worker)
		pgm_run_keep();
}

void
pgm_runner_verify(PgmRunner *runner, const PgmStep *step, bool top_level)
{
	PgmSource  *verify;

	if (runner->request->direction != PGM_UP)
	{
		pgm_runner_prove_undone(runner, step, top_level);
		return;
	}
	pgm_runner_prove(runner, step, top_level);
	if (step->revision->verify == NULL)
		return;
	verify = pgm_source_parse(step->revision->verify, PGM_SOURCE_VERIFY,
							  step->revision->id);
	for (int i = 0; i < verify->nstatements; i++)
		runner->local = runner->local && pgm_statement_is_local(verify, i);
	pgm_exec_verify(&runner->exec, verify, top_level);
}

void
pgm_runner_record_locks(const PgmRunner *runner)
{
	char	   *details;

	if (runner->wait == NULL)
		return;
	details = pgm_lockwait_details(runner->wait);
	pgm_lockwait_tell_rest(runner->wait);

	/* of a run in one transaction they were taken before the first step */
	if (details != NULL && (!runner->one_transaction || runner->step <= 1))
		pgm_journal_step_details(runner->run, Max(runner->step, 1), details);
}

void
pgm_runner_record_statements(const PgmRunner *runner)
{
	char	   *details;

	if (runner->observed == NULL || runner->step == 0)
		return;
	details = pgm_observed_details(runner->observed);
	if (details != NULL)
		pgm_journal_step_details(runner->run, runner->step, details);
}

static void
fill_change(PgmLedgerChange *change, const PgmPlan *plan, int64 run, int step,
			const PgmRevision *revision, int statements, TimestampTz started,
			int64 microseconds)
{
	change->run = run;
	change->step = step;
	change->direction = plan->direction;
	change->revision = pgm_graph_id(plan->graph,
									plan->steps.steps[step - 1].rev);
	change->digest = revision->digest;
	change->heads = pgm_plan_heads_change(plan, step, 1);
	change->statements = statements;
	change->started = started;
	change->finished = GetCurrentTimestamp();
	change->duration = microseconds;
	change->details = NULL;
	change->proof = NULL;
}

void
pgm_runner_mark_done(const PgmRunner *runner, const PgmSource *source,
					 int first, int next)
{
	pgm_begun_done(runner->run, runner->step,
				   pgm_direction_name(runner->request->direction), source,
				   first, next);
}

void
pgm_runner_record(const PgmPlan *plan, int64 run, int step,
				  const PgmRevision *revision, int statements,
				  TimestampTz started, int64 microseconds)
{
	PgmLedgerChange change;

	fill_change(&change, plan, run, step, revision, statements, started,
				microseconds);
	pgm_ledger_apply(&change);
	pgm_begun_delete(revision->id);
}

/* The rows kept back so far. */
void
pgm_runner_flush(PgmRunner *runner)
{
	PgmPending *pending = &runner->pending;
	MemoryContext old;
	PgmHeadsChange heads;

	if (pending->n == 0)
		return;
	old = MemoryContextSwitchTo(pending->context);
	heads = pgm_plan_heads_change(runner->plan, pending->changes[0].step,
								  pending->n);
	pgm_ledger_apply_all(pending->n, pending->changes, &heads);
	pgm_verification_keep(pending->nproofs, pending->proofs);
	pending->n = pending->nproofs = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(pending->context);
}

bool
pgm_runner_mentions(const char *text, const char *name)
{
	size_t		length = strlen(name);

	for (; *text; text++)
		if (pg_strncasecmp(text, name, length) == 0)
			return true;
	return false;
}

/*
 * Could the step read the ledger?  A function that DDL calls, in a default or
 * a trigger of events, could as well, but has no reason to.
 */
static bool
may_look(const PgmRunner *runner, const PgmStep *step)
{
	for (int i = 0; i < step->source->nstatements; i++)
		if (pgm_statement_is(step->source->statements[i].raw->stmt,
							 PGM_MAY_LOOK))
			return true;
	return (runner->request->direction == PGM_UP &&
			step->revision->verify != NULL) ||
		pgm_runner_mentions(step->source->text, "pgmigrate");
}

/* Before the statements of a step run. */
void
pgm_runner_settle(PgmRunner *runner, const PgmStep *step)
{
	if (runner->pending.n == PGM_PENDING_MAX ||
		(runner->pending.n > 0 && may_look(runner, step)))
		pgm_runner_flush(runner);
}

static void
keep_back(PgmRunner *runner, const PgmStep *step)
{
	PgmPending *pending = &runner->pending;
	MemoryContext old = MemoryContextSwitchTo(pending->context);
	PgmLedgerChange *change;

	if (pending->n == 0)
	{
		pending->changes = palloc(sizeof(PgmLedgerChange) * PGM_PENDING_MAX);
		pending->proofs =
			palloc(sizeof(PgmVerificationRow) * PGM_PENDING_MAX);
	}
	change = &pending->changes[pending->n++];
	fill_change(change, runner->plan, runner->run, runner->step,
				step->revision, step->source->nstatements, runner->started,
				pgm_clock_monotonic() - runner->clock);
	change->digest = pstrdup(step->revision->digest);
	if (runner->generated != NULL)
		pgm_verification_copy(&pending->proofs[pending->nproofs++],
							  change->revision, change->digest,
							  step->revision->verify != NULL,
							  runner->generated);
	change->details = pgm_observed_details(runner->observed);
	MemoryContextSwitchTo(old);
}

/* What the step has left in the session ends with it. */
static void
end_objects(const PgmRunner *runner, const PgmStep *step)
{
	if (runner->exec.worker)
		pgm_session_objects_close_all();
	if (!runner->exec.worker || runner->one_transaction)
		pgm_session_objects_drop(runner->objects_before, step->source);
}

void
pgm_runner_drop_temporary(void)
{
	if (!pgm_session_objects_any())
		return;
	pgm_txn_begin_own();
	pgm_session_objects_drop_all();
	pgm_txn_commit();
}

void
pgm_runner_record_step(PgmRunner *runner, const PgmStep *step)
{
	PgmLedgerChange change;
	PgmVerificationRow proof;

	end_objects(runner, step);
	pgm_guard_after(runner->guard, runner->run, runner->step,
					step->revision->id, !runner->by_statement);
	if (runner->one_transaction)
		keep_back(runner, step);
	else
	{
		fill_change(&change, runner->plan, runner->run, runner->step,
					step->revision, step->source->nstatements, runner->started,
					pgm_clock_monotonic() - runner->clock);
		change.details = pgm_observed_details(runner->observed);
		if (pgm_runner_proof(runner, step, &proof))
			change.proof = &proof;
		pgm_ledger_apply(&change);
	}
	if (runner->any_partly || runner->by_statement)
		pgm_begun_delete(step->revision->id);
	pgm_runner_record_locks(runner);
}

void
pgm_runner_forget(PgmRunner *runner)
{
	runner->ahead.n = 0;
	runner->stored.n = 0;
	runner->pending.n = runner->pending.nproofs = 0;
	MemoryContextReset(runner->pending.context);
}
