/*-------------------------------------------------------------------------
 *
 * runner.c
 *	  Carry out a plan, step by step, and keep the ledger.
 *
 * A step is in the ledger in the transaction that did its work, or in none.
 *
 *	plan, run row "running"						one commit, flushed
 *	each step in a transaction with its ledger	one commit, not waited for if
 *												nothing of it is outside of
 *												the database
 *	each statement of the other steps			a commit each, flushed, with a
 *												mark before and a mark after
 *	run row "done"								one commit, flushed
 *	the schema that the run leaves				one commit, flushed
 *
 * How a step is carried out is chosen once for it, see store/step_method.h and
 * run/step_routine.h.  It takes its locks first, see lock/ladder.c, and is
 * repeated after an error that is nobody's fault: a deadlock, a lock or a
 * serialization that failed.
 *
 * The WAL is one sequence, so the last flush makes all of them durable; a
 * crash before it loses whole steps from the end, never half of one.
 *
 * Knows nothing of processes: the worker calls pgm_runner_work, a backend
 * whose transaction is to do the work pgm_runner_inline.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/error_privacy.h"
#include "base/session_settings.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "citus/nodes.h"
#include "compat/lock.h"
#include "compat/server.h"
#include "gate/checklist.h"
#include "lock/ladder.h"
#include "process/entry.h"
#include "run/drifted.h"
#include "run/internal.h"
#include "run/online_statement.h"
#include "run/proof.h"
#include "run/runner.h"
#include "run/step_routine.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/leftover_indexes.h"
#include "store/mirror.h"
#include "store/operation.h"
#include "store/run_bracket.h"
#include "store/run_unseen.h"
#include "store/schema_record.h"
#include "store/schema_stamp.h"

const char *
pgm_command_name(PgmDirection direction)
{
	switch (direction)
	{
		case PGM_UP:
			return "upgrade";
		case PGM_DOWN:
			return "downgrade";
		case PGM_STAMP:
			return "stamp";
	}
	return NULL;				/* keep compiler quiet */
}

void
pgm_runner_refuse_read_only(void)
{
	pgm_ledger_refuse_recovery();
	if (XactReadOnly)
		ereport(ERROR,
				errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				errmsg("cannot change the ledger in a read-only transaction"),
				DefaultXactReadOnly ?
				errhint("Set \"default_transaction_read_only\" to off for this session.") : 0);
}

/* Lock, plan, check, and write the run.  In a transaction. */
static void
prepare(PgmRunner *runner, const char *execution, PgmRunLockLife life)
{
	const PgmRunRequest *request = runner->request;
	PgmRunRecord record = {0};
	PgmPlan    *plan;

	pgm_citus_refuse_worker();
	pgm_run_open(life);
	if (runner->exec.worker)
		pgstat_report_activity(STATE_RUNNING,
							   psprintf(PGM_ACTIVITY_PLANNING "%s %s",
										pgm_command_name(request->direction),
										request->target));
	runner->any_partly = pgm_begun_any();
	if (request->direction != PGM_STAMP)
		pgm_mirror_verify(true);
	plan = runner->plan = pgm_plan_make(request->direction, request->target);
	if (request->for_schemas)
		pgm_schema_stamp_check(plan);
	if (request->direction != PGM_STAMP)
	{
		pgm_runner_notice_tables(plan);
		pgm_ledger_notice_origin();
		pgm_ledger_complete(plan->graph, plan->rows);
		pgm_ledger_check_unaltered();
		pgm_plan_check(plan, runner->one_transaction);

		if (!runner->request->record_later)
			pgm_schema_record_settle();

		/* of a revision that is partly applied, what is there is its own */
		if (!runner->any_partly)
			pgm_run_warn_drift(plan);
		record.override = pgm_gate_check(plan, &request->allowance,
										 runner->exec.worker &&
										 !runner->one_transaction);
	}

	pgm_run_describe(&record, pgm_command_name(request->direction), execution,
					 request->session_role);
	record.target = request->target;
	record.nallowed = request->allowance.n;
	record.allowed = request->allowance.rules;
	record.reason = request->allowance.reason;
	record.direction = pgm_direction_name(request->direction);
	record.nheads = runner->nheads_before > 0 ? runner->nheads_before :
		plan->nheads;
	record.heads = runner->nheads_before > 0 ? runner->heads_before :
		plan->heads;
	record.nsteps = plan->steps.nsteps;
	record.revisions = palloc(sizeof(char *) * Max(record.nsteps, 1));
	for (int i = 0; i < record.nsteps; i++)
	{
		int			rev = plan->steps.steps[i].rev;

		/* a stamp of base has no revision */
		record.revisions[i] = rev < 0 ? pstrdup("base") :
			unconstify(char *, pgm_graph_id(plan->graph, rev));
	}
	if (runner->any_partly && request->direction != PGM_STAMP)
		pgm_leftover_notice(record.nsteps, record.revisions);
	runner->run = pgm_journal_begin(&record);
}

static void
announce(PgmRunner *runner, const PgmStep *step)
{
	snprintf(runner->label, sizeof(runner->label), "%s %d of %d",
			 pgm_command_name(runner->request->direction),
			 runner->step, runner->plan->steps.nsteps);
	runner->exec.label = runner->label;
	ereport(NOTICE,
			errmsg("%s: %s, %.*s", runner->label, step->revision->id,
				   (int) strcspn(step->revision->message, "\r\n"),
				   step->revision->message));
}

typedef struct PlanNeeds
{
	PgmRunner  *runner;
	PgmLockNeeds *needs;
} PlanNeeds;

/* Up to and with the first statement that may be slow. */
static void
collect_source(const PgmPlan *plan, int step, const PgmSource *source,
			   void *arg)
{
	PlanNeeds  *collected = arg;
	PgmRunner  *runner = collected->runner;
	bool		slow = false;
	int			guc_level;

	if (step != runner->taken_step)
		return;
	runner->taken = 0;
	guc_level = NewGUCNestLevel();
	while (runner->taken < source->nstatements && !slow)
	{
		pgm_source_follow(source, runner->taken);
		pgm_lockneeds_statement(collected->needs, source, runner->taken++);
		slow = collected->needs->slow;
	}
	AtEOXact_GUC(false, guc_level);
	if (slow)
		return;
	runner->taken_step = step + 1;
	runner->taken = 0;
}

/* Of a run in one transaction. */
static void
collect_plan(PgmLockNeeds *needs, void *arg)
{
	PlanNeeds	collected = {arg, needs};

	collected.runner->taken_step = 1;
	pgm_plan_each_source(collected.runner->plan, collect_source, &collected);
}

static const PgmStepRoutine *const step_routines[PGM_NSTEP_METHODS] = {
	[PGM_STEP_IN_TRANSACTION] = &pgm_step_in_transaction,
	[PGM_STEP_BY_STATEMENT] = &pgm_step_by_statement
};

/*
 * In a worker.  False if its locks were not to be had: nothing is done then
 * and no transaction is open.
 */
static bool
attempt_step(PgmRunner *runner)
{
	const PgmStepRoutine *routine;
	PgmStepMethod method;
	PgmStep		step;

	pgm_txn_begin_block();
	pgm_mirror_verify(false);
	pgm_runner_load_step(runner, &step);
	pgm_runner_expect(runner, &step);
	if (!runner->again)
	{
		announce(runner, &step);
		pgm_lockwait_begin(runner->wait, step.revision->id);
		pgm_observed_begin(runner->observed);
		runner->again = true;
	}

	/* begun statement by statement, it must not begin again when amended */
	if (runner->any_partly && pgm_runner_take_back_amended(runner, &step))
		pgm_runner_load_step(runner, &step);
	method = pgm_step_method(step.revision, step.source);
	if (method == PGM_STEP_IN_TRANSACTION &&
		pgm_runner_is_online(runner, &step))
		method = PGM_STEP_BY_STATEMENT;
	method = pgm_step_resume(step.revision, step.source,
							 runner->request->direction, method,
							 runner->any_partly, &step.resume);
	step.source->parted = method == PGM_STEP_BY_STATEMENT &&
		pgm_step_method(step.revision, step.source) ==
		PGM_STEP_IN_TRANSACTION;
	routine = step_routines[method];
	routine->resume(runner, &step);
	if (routine->take_locks != NULL && !routine->take_locks(runner, &step))
		return false;
	routine->run(runner, &step);
	return true;
}

/* After an error that was flushed: its transaction goes, the run stays. */
void
pgm_runner_clear(PgmRunner *runner, const ErrorData *edata)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	debug_query_string = NULL;
	runner->exec.time_limit = 0;
	runner->committing = InvalidLocalTransactionId;

	if (runner->retry_savepoint != 0)
	{
		pgm_txn_rollback_sub(runner->retry_savepoint);
		runner->retry_savepoint = 0;
		pgm_txn_commit();
		return;
	}

	/* what keeps the extension from being dropped goes with the others */
	pgm_run_dismiss_waiters(edata->sqlerrcode);
	pgm_txn_abort();
	MemoryContextSwitchTo(runner->context);
	pgm_txn_begin_own();
	pgm_run_retake(runner->run);
	pgm_lockwait_unlimit_committing(runner->wait);
	pgm_txn_commit();
}

/*
 * Citus ends a deadlock between nodes with a cancel, which nobody has asked
 * for, and says so in the log of the server only.
 */
static void
name_deadlock(ErrorData *edata)
{
	if (edata->sqlerrcode != ERRCODE_QUERY_CANCELED ||
		!pgm_process_excuse_cancel("Citus Maintenance Daemon"))
		return;
	edata->sqlerrcode = ERRCODE_T_R_DEADLOCK_DETECTED;
	edata->message = pstrdup("canceling the transaction since it was involved in a distributed deadlock");
}

/*
 * In the handler of an error: raises it, unless what failed can be tried
 * again.  A DO or CALL that has committed parts of its work cannot, and who
 * changes the revision was waited for as long as the deadline says.
 */
static void
recover(PgmRunner *runner)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(runner->context);
	edata = CopyErrorData();
	name_deadlock(edata);
	runner->undone = runner->committing != InvalidLocalTransactionId &&
		runner->committing == pgm_local_xid();
	if ((runner->committing != InvalidLocalTransactionId &&
		 !runner->undone) ||
		(runner->reading &&
		 edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE) ||
		!pgm_lockwait_retry(runner->wait, edata))
		PG_RE_THROW();
	FlushErrorState();
	runner->reading = false;
	runner->failed = true;
	pgm_runner_clear(runner, edata);
	FreeErrorData(edata);
}

/* Until it is done, or fails for good. */
static void
repeat_until_done(PgmRunner *runner, bool (*attempt) (PgmRunner *runner),
				  MemoryContext context)
{
	volatile bool done = false;

	runner->again = runner->failed = false;
	for (;;)
	{
		PG_TRY();
		{
			done = attempt(runner);
		}
		PG_CATCH();
		{
			recover(runner);
		}
		PG_END_TRY();
		if (done)
			break;
		MemoryContextSwitchTo(context);
		if (context == runner->step_context)
			MemoryContextReset(context);
		pgm_lockwait_pause(runner->wait);
	}
}

static void
work_step(PgmRunner *runner)
{
	repeat_until_done(runner, attempt_step, runner->step_context);
}

static void
run_all_steps(PgmRunner *runner, void (*run_step) (PgmRunner *runner))
{
	for (int i = 0; i < runner->plan->steps.nsteps; i++)
	{
		MemoryContext old;

		/* the step before is committed: a cancel is of the next one */
		runner->step = i + 1;
		runner->started = 0;
		pgm_process_check_cancel();
		MemoryContextReset(runner->step_context);
		old = MemoryContextSwitchTo(runner->step_context);
		run_step(runner);
		MemoryContextSwitchTo(old);
	}
}

static void
step_in_open_transaction(PgmRunner *runner)
{
	PgmStep		step;
	PgmSpan		span;

	pgm_runner_load_step(runner, &step);
	announce(runner, &step);
	pgm_observed_begin(runner->observed);
	pgm_runner_expect(runner, &step);
	if (runner->any_partly)
		pgm_runner_refuse_partly(runner, &step);
	span.source = step.source;
	span.first = 0;
	span.end = step.source->nstatements;
	span.taken = runner->step < runner->taken_step ? span.end :
		runner->step == runner->taken_step ? runner->taken : 0;
	pgm_runner_in_transaction(runner, &step, &span, runner->exec.worker);
}

static void
finish(void *arg)
{
	PgmRunner  *runner = arg;
	int			nheads;
	char	  **heads = pgm_plan_heads_after(runner->plan, &nheads);

	pgm_runner_flush(runner);
	pgm_journal_end(runner->run, nheads, heads);
}

/* Of a revision that calls us, in a run or in a script. */
void
pgm_runner_refuse_nested(void)
{
	if (pgm_run_inside() || pgm_run_lock_held())
		ereport(ERROR,
				errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
				errmsg("cannot start a run inside of a run"),
				errhint("Take the call out of the revision; its parents decide what runs before it."));
}

static PgmRunner *
create_runner(const PgmRunRequest *request)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate run",
												  ALLOCSET_DEFAULT_SIZES);
	PgmRunner  *runner;

	pgm_runner_refuse_nested();
	runner = MemoryContextAllocZero(context, sizeof(PgmRunner));
	runner->context = context;
	runner->step_context = AllocSetContextCreate(context, "pgmigrate step",
												 ALLOCSET_DEFAULT_SIZES);
	runner->ahead.context = AllocSetContextCreate(context,
												  "pgmigrate read ahead",
												  ALLOCSET_DEFAULT_SIZES);
	pgm_runner_begin_proof(runner);
	runner->pending.context = AllocSetContextCreate(context,
													"pgmigrate pending rows",
													ALLOCSET_DEFAULT_SIZES);
	runner->request = request;
	runner->exec.guard = request->guard;
	runner->exec.label = pgm_command_name(request->direction);
	return runner;
}

static bool
attempt_all(PgmRunner *runner)
{
	runner->step = 0;
	pgm_runner_forget(runner);
	pgm_txn_begin_block();
	pgm_mirror_verify(false);
	if (!pgm_lockwait_take(runner->wait, collect_plan, runner))
	{
		pgm_txn_commit();
		return false;
	}
	pgm_runner_set_savepoint(runner);
	run_all_steps(runner, step_in_open_transaction);
	if (!runner->request->record_later)
		pgm_schema_record_keep_amid(runner->run);
	finish(runner);
	pgm_runner_release_savepoint(runner);
	pgm_txn_commit();
	return true;
}

static void
work(void *arg)
{
	PgmRunner  *runner = arg;

	pgm_txn_begin_own();
	prepare(runner, "worker", PGM_UNTIL_END_OF_SESSION);
	pgm_txn_commit_begun();
	if (runner->request->accepted != NULL)
		runner->request->accepted(runner->run);

	pgm_runner_create_wait(runner);
	runner->observed = pgm_observed_create();
	if (runner->one_transaction)
	{
		pgm_lockwait_begin(runner->wait, NULL);
		repeat_until_done(runner, attempt_all, runner->context);
	}
	else
	{
		run_all_steps(runner, work_step);
		runner->step++;			/* what fails now is none of them */

		pgm_run_end(finish, runner);
		if (!runner->request->record_later)
			pgm_run_record_schema(runner->run, false);
	}
}

static void
locate(const void *arg, PgmRunPosition *position)
{
	const PgmRunner *runner = arg;

	position->run = runner->run;
	position->step = runner->step;
	position->started = runner->started;
	position->clock = runner->clock;
	position->settings = runner->request->settings;
	position->settings_size = runner->request->settings_size;
	position->guard = runner->request->guard;
}

static void
explain(const void *arg, ErrorData *edata)
{
	const PgmRunner *runner = arg;

	if (runner->wait != NULL)
		(void) pgm_lockwait_kept_detail(runner->wait, &edata->detail);
}

static void
record(void *arg, const PgmRunPosition *position, const ErrorData *edata)
{
	PgmRunner  *runner = arg;

	if (runner->undone)
		pgm_begun_set_undone(position->run, position->step);
	pgm_runner_record_locks(runner);
	pgm_runner_record_statements(runner);
	pgm_operations_fail_of_run(position->run, pgm_error_for_all(edata));
}

int64
pgm_runner_work(const PgmRunRequest *request)
{
	static const PgmRunKind kind = {work, locate, explain, record};
	PgmRunner  *runner = create_runner(request);

	runner->exec.worker = true;
	runner->one_transaction = !pgm_transaction_per_migration;
	pgm_run_carry_out(&kind, runner, runner->context);
	return runner->run;
}

int64
pgm_runner_inline(const PgmRunRequest *request)
{
	PgmRunner  *runner = create_runner(request);
	MemoryContext old = MemoryContextSwitchTo(runner->context);
	int64		run;

	pgm_runner_refuse_read_only();
	runner->one_transaction = true;
	prepare(runner, "inline", PGM_UNTIL_END_OF_TRANSACTION);
	pgm_run_end_turn();
	pgm_runner_create_wait(runner);
	runner->observed = pgm_observed_create();
	pgm_lockwait_get(runner->wait, collect_plan, runner);
	PG_TRY();
	{
		pgm_run_enter(PGM_RUN_OWNER);
		run_all_steps(runner, step_in_open_transaction);
	}
	PG_FINALLY();
	{
		pgm_run_enter(PGM_RUN_NONE);
	}
	PG_END_TRY();
	pgm_schema_record_keep_amid(runner->run);
	finish(runner);
	run = runner->run;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(runner->context);
	return run;
}

int64
pgm_runner_begin_script(const PgmRunRequest *request, PgmPlan **plan)
{
	PgmRunner  *runner = create_runner(request);

	pgm_runner_refuse_read_only();
	prepare(runner, "script", PGM_UNTIL_ERROR);
	*plan = runner->plan;
	return runner->run;
}

bool
pgm_runner_nothing_to_do(PgmDirection direction, const char *target)
{
	pgm_runner_refuse_read_only();
	pgm_citus_refuse_worker();
	if (direction != PGM_UP || strcmp(target, "head") != 0 ||
		!pgm_ledger_at_only_head() || pgm_begun_any())
	{
		PgmPlan    *plan = pgm_plan_make(direction, target);

		if (plan->steps.nsteps > 0)
			return false;
	}
	pgm_ledger_check_unaltered();
	pgm_mirror_verify(true);
	return true;
}

/*
 * Move the ledger without running anything.  The digests of what is applied
 * afterwards become those of the stored texts: a stamp says that the database
 * is as they make it.
 */
int64
pgm_runner_stamp(const PgmRunRequest *request, bool purge)
{
	PgmRunner  *runner = create_runner(request);
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmRevSet	rows;
	PgmRevSet	applied;
	bool	   *is_applied;
	int			nheads;
	char	  **heads;
	int			nbefore;
	char	  **before;
	int64		accepted;
	int64		changed;

	pgm_runner_refuse_read_only();
	pgm_run_lock(PGM_UNTIL_END_OF_TRANSACTION);
	before = pgm_ledger_mirrored_revisions(&nbefore);
	if (purge)
	{
		runner->heads_before = pgm_ledger_heads(&runner->nheads_before);
		pgm_ledger_purge();
	}
	prepare(runner, "inline", PGM_UNTIL_END_OF_TRANSACTION);

	for (int i = 0; i < runner->plan->steps.nsteps; i++)
	{
		PgmLedgerChange change = {0};

		change.run = runner->run;
		change.step = i + 1;
		change.direction = PGM_STAMP;
		change.heads = pgm_plan_heads_change(runner->plan, i + 1, 1);
		change.started = change.finished = GetCurrentTimestamp();
		pgm_ledger_apply(&change);
	}

	heads = pgm_plan_heads_after(runner->plan, &nheads);
	if (!pgm_graph_rows(runner->plan->graph, nheads, heads, &rows, &error))
		pgm_graph_raise(&error);
	is_applied = pgm_graph_applied(runner->plan->graph, rows);
	applied.n = 0;
	applied.rev = palloc(sizeof(int) *
						 Max(pgm_graph_size(runner->plan->graph), 1));
	for (int i = 0; i < pgm_graph_size(runner->plan->graph); i++)
		if (is_applied[i])
			applied.rev[applied.n++] = i;
	changed = pgm_ledger_set_applied(applied.n,
									 pgm_graph_ids(runner->plan->graph,
												   applied),
									 runner->run, &accepted);
	pgm_ledger_mirror_stamp(nbefore, before);
	if (accepted > 0)
		ereport(NOTICE,
				errmsg_plural("accepted the stored text of " INT64_FORMAT " revision that was altered",
							  "accepted the stored text of " INT64_FORMAT " revisions that were altered",
							  (unsigned long) accepted, accepted));
	if (runner->plan->steps.nsteps == 0 && runner->nheads_before == 0 &&
		changed > 0)
		ereport(NOTICE,
				errmsg_plural("repaired the record of " INT64_FORMAT " revision: what the current heads imply is applied",
							  "repaired the record of " INT64_FORMAT " revisions: what the current heads imply is applied",
							  (unsigned long) changed, changed));
	else if (runner->plan->steps.nsteps == 0 && runner->nheads_before == 0 &&
			 accepted == 0)
		ereport(NOTICE,
				errmsg("nothing to do, the database is recorded to be there already"));
	pgm_begun_forget(NULL);
	pgm_journal_end(runner->run, nheads, heads);
	pgm_schema_record_keep_amid(runner->run);
	return runner->run;
}
