/*-------------------------------------------------------------------------
 *
 * shadow_statement.c
 *	  A statement of a revision that goes by way of a shadow table.
 *
 * The engine in online/ keeps the operation, and goes on with one that was
 * left.  It marks the statement in the transaction of the switch, or of the
 * way back: after a crash nobody has to find out whether that was done.
 *
 * Downgrade: where all that the upgrade did to a table is one operation which
 * can be reverted, the ALTER TABLE of that table, or several of them in a row,
 * are what takes it back, and are replaced by that; or passed over, if it was
 * reverted by hand since the revision was applied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/transaction.h"
#include "online/downgrade.h"
#include "online/kept.h"
#include "online/shadow_table.h"
#include "run/kept_statement.h"
#include "run/shadow_statement.h"
#include "run/step_routine.h"
#include "store/journal.h"
#include "store/operation.h"

typedef struct Completion
{
	const PgmRunner *runner;
	const PgmPass *pass;
} Completion;

/* In the transaction that completes the pass. */
static void
mark_done(void *arg)
{
	const Completion *completion = arg;
	const PgmPass *pass = completion->pass;

	pgm_runner_mark_done(completion->runner, pass->source, pass->first,
						 pass->last + 1);
}

static void
mark_done_alone(Completion *completion)
{
	pgm_txn_begin();
	mark_done(completion);
	pgm_txn_commit();
}

static void
end_at(PgmPass *pass, int last, const char *digest)
{
	pass->last = last;
	pass->digest = digest == NULL ? NULL : pstrdup(digest);
	for (int i = pass->first; i <= last; i++)
		pass->digest = pgm_resume_digest(pass->source, i, pass->digest);
}

bool
pgm_runner_has_revertible(const PgmRunner *runner, const PgmStep *step)
{
	if (runner->request->direction != PGM_DOWN)
		return false;
	return pgm_operations_in_state(PGM_OPERATION_SWITCHED,
								   step->revision->id) != NIL ||
		pgm_operations_taken_back(step->revision->id) != NIL ||
		pgm_runner_has_kept(step->revision->id);
}

/* The first is refused by itself, if there is nothing before it. */
void
pgm_runner_foresee_reverts(const PgmRunner *runner, const PgmStep *step)
{
	const PgmSource *source = step->source;
	int			guc_level;

	if (!runner->exec.worker || !pgm_runner_has_revertible(runner, step))
		return;
	guc_level = NewGUCNestLevel();
	for (int n = 0; n < source->nstatements; n++)
	{
		PgmReplaced replaced;
		List	   *reasons = NIL;
		bool		alone;

		pgm_source_follow(source, n);
		if (n < step->resume.done ||
			!pgm_shadow_replaced(step->revision, source, n, &replaced))
			continue;
		alone = n == step->resume.done &&
			replaced.last + 1 == source->nstatements;
		if (!alone)
			reasons = pgm_shadow_foresee_revert(&runner->exec, source, n,
												&replaced);
		if (reasons != NIL)
			ThrowErrorData(linitial(reasons));
		n = replaced.last;
	}
	AtEOXact_GUC(false, guc_level);
}

/* Those of the downgrade on the table, one after the other. */
static bool
find_revert(const PgmRunner *runner, const PgmStep *step, const char *digest,
			PgmPass *pass)
{
	PgmReplaced replaced;

	if (runner->request->direction != PGM_DOWN ||
		!pgm_shadow_replaced(step->revision, pass->source, pass->first,
							 &replaced))
		return false;
	/* revert() was called: the rows would be converted back twice */
	if (replaced.operation->state == PGM_OPERATION_REVERTED)
		pass->is_there = true;
	else
		pass->reverted = replaced.operation->id;
	end_at(pass, replaced.last, digest);
	return true;
}

bool
pgm_runner_find_pass(const PgmRunner *runner, const PgmStep *step,
					 const PgmSource *source, int n, const char *digest,
					 const PgmStrategy *strategy, PgmPass *pass)
{
	PgmOperation *operation;
	const char *direction = pgm_direction_name(runner->request->direction);

	pass->source = source;
	pass->first = n;
	pass->relid = pgm_shadow_altered_by(source, pgm_shadow_first(source, n));
	if (!OidIsValid(pass->relid))
		return false;
	if (find_revert(runner, step, digest, pass))
		return true;

	/* a column is changed by each statement by itself */
	end_at(pass, n, digest);
	operation = pgm_operation_of_statement(step->revision->id, direction,
										   n + 1, pass->digest);
	pass->column = operation != NULL ?
		operation->method == PGM_METHOD_COLUMN :
		strategy != NULL && strategy->kind == PGM_STRATEGY_SHADOW_COLUMN;
	if (pass->column)
		return pgm_shadow_alters(source, n) &&
			pgm_shadow_joint_last(source, n) < 0;
	end_at(pass, pgm_shadow_last(pass->relid, source, n), digest);
	operation = pgm_operation_of_statement(step->revision->id, direction,
										   n + 1, pass->digest);
	if (operation != NULL)
		return operation->method == PGM_METHOD_TABLE;
	return strategy != NULL && strategy->kind == PGM_STRATEGY_SHADOW_TABLE;
}

Oid
pgm_runner_held_table(const PgmSource *source, int n)
{
	Oid			relid = pgm_shadow_altered_by(source, n);
	ListCell   *lc;

	if (!OidIsValid(relid) || !pgm_shadow_can_revert(relid))
		return InvalidOid;
	foreach(lc, castNode(AlterTableStmt,
						 source->statements[n].raw->stmt)->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AlterColumnType:
			case AT_DropColumn:
				return relid;
			default:
				break;
		}
	}
	return InvalidOid;
}

/* NULL if it has none. */
static const PgmSource *
opposite(const PgmRevision *revision, PgmDirection direction)
{
	PgmDirection other = direction == PGM_UP ? PGM_DOWN : PGM_UP;

	if (other == PGM_DOWN && revision->downgrade == NULL)
		return NULL;
	return pgm_revision_source(revision, other);
}

static void
describe(PgmShadowRequest *request, const PgmRunner *runner,
		 const PgmStep *step, const PgmPass *pass)
{
	request->wait = runner->wait;
	request->run = runner->run;
	request->revision = step->revision->id;
	request->direction = pgm_direction_name(runner->request->direction);
	request->number = pass->first + 1;
	request->digest = pass->digest;
	request->relid = pass->relid;
	request->column = pass->column;
	request->inverse = opposite(step->revision, runner->request->direction);
}

void
pgm_runner_error_context(const PgmSource *source, int first, int last)
{
	int			line = source->statements[first].line;

	if (last == first)
		errcontext("%s SQL of revision \"%s\", statement %d of %d, line %d",
				   source->what, source->revision, first + 1,
				   source->nstatements, line);
	else
		errcontext("%s SQL of revision \"%s\", statements %d to %d of %d, line %d",
				   source->what, source->revision, first + 1, last + 1,
				   source->nstatements, line);
	if (source->file != NULL)
		errcontext("loaded from file \"%s\"", source->file);
}

/* The statements around those that alter the table say where they are, too. */
static void
pass_error_callback(void *arg)
{
	const PgmPass *pass = arg;

	pgm_runner_error_context(pass->source, pass->first, pass->last);
}

static void
run_pass(PgmRunner *runner, const PgmExec *exec, const PgmStep *step,
		 const PgmPass *pass)
{
	Completion	completion = {runner, pass};
	PgmShadowRequest request = {0};

	request.exec = exec;
	request.run = runner->run;
	request.source = pass->source;
	request.n = pass->first;
	request.last = pass->last;
	request.completed = mark_done;
	request.completed_arg = &completion;
	if (pass->reverted != 0)
	{
		if (pgm_shadow_revert(&request, pass->reverted, false) == NULL)
			mark_done_alone(&completion);
		ereport(NOTICE,
				errmsg("statement %d: operation " INT64_FORMAT " is reverted",
					   pass->first + 1, pass->reverted));
	}
	else if (pass->is_there)
	{
		ereport(NOTICE,
				errmsg("statement %d is passed over: what it makes has come back",
					   pass->first + 1));
		mark_done_alone(&completion);
	}
	else
	{
		describe(&request, runner, step, pass);
		(void) pgm_shadow_statement(&request);
	}
}

void
pgm_runner_pass(PgmRunner *runner, const PgmExec *exec, const PgmStep *step,
				const PgmPass *pass)
{
	ErrorContextCallback callback = {error_context_stack,
	pass_error_callback, (void *) pass};

	error_context_stack = &callback;
	run_pass(runner, exec, step, pass);
	error_context_stack = callback.previous;
}
