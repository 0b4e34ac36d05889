/*-------------------------------------------------------------------------
 *
 * shadow_statement.c
 *	  A statement of a revision that goes by way of a shadow table.
 *
 * The engine in online/ keeps the operation, and goes on with one that was
 * left.  Its switch and the mark of the statement are two transactions: after
 * a crash in between the next run finds it switched, and only marks.
 *
 * Downgrade: an ALTER TABLE that is the only one of its table, where the
 * upgrade has left one operation on that table which can be reverted, is what
 * takes it back, and is replaced by that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/transaction.h"
#include "online/shadow_table.h"
#include "run/shadow_statement.h"
#include "store/journal.h"
#include "store/operation.h"

static void
mark_done(PgmRunner *runner, int n, const char *digest)
{
	pgm_txn_begin();
	pgm_journal_step_progress(runner->run, runner->step, n + 1, digest, NULL);
	pgm_txn_commit();
}

/* The table that statement i alters, or InvalidOid. */
static Oid
altered_by(const PgmSource *source, int i)
{
	Node	   *stmt = source->statements[i].raw->stmt;

	if (!IsA(stmt, AlterTableStmt))
		return InvalidOid;
	return pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation);
}

/* The same, if no other statement of the source alters it. */
static Oid
only_altered(const PgmSource *source, int n)
{
	Oid			relid = altered_by(source, n);

	for (int i = 0; i < source->nstatements; i++)
		if (i != n && altered_by(source, i) == relid)
			return InvalidOid;
	return relid;
}

/* What of the revision can be reverted on the table, if it is one; or NULL. */
static PgmOperation *
revertible(const char *revision, Oid relid)
{
	PgmOperation *result = NULL;
	ListCell   *lc;

	foreach(lc, pgm_operations_in_state(PGM_OPERATION_SWITCHED, revision))
	{
		PgmOperation *operation = lfirst(lc);

		if (operation->relid != relid ||
			strcmp(operation->direction, "up") != 0)
			continue;
		if (result != NULL)
			return NULL;
		result = operation;
	}
	return result;
}

bool
pgm_runner_has_revertible(const PgmRunner *runner, const PgmStep *step)
{
	if (runner->request->direction != PGM_DOWN)
		return false;
	return pgm_operations_in_state(PGM_OPERATION_SWITCHED,
								   step->revision->id) != NIL;
}

int64
pgm_runner_to_revert(const PgmRunner *runner, const PgmStep *step,
					 const PgmSource *source, int n)
{
	PgmOperation *operation;
	Oid			relid;

	if (runner->request->direction != PGM_DOWN ||
		!IsA(source->statements[n].raw->stmt, AlterTableStmt))
		return 0;
	relid = only_altered(source, n);
	if (!OidIsValid(relid))
		return 0;
	operation = revertible(step->revision->id, relid);
	return operation == NULL ? 0 : operation->id;
}

void
pgm_runner_revert(PgmRunner *runner, const PgmExec *exec, int64 operation,
				  int n, const char *digest)
{
	ereport(NOTICE,
			errmsg("statement %d: operation " INT64_FORMAT " is reverted",
				   n + 1, operation));
	(void) pgm_shadow_revert(exec, operation, false);
	mark_done(runner, n, digest);
}

Oid
pgm_runner_shadow_table(const PgmRunner *runner, const PgmStep *step, int n,
						const char *digest, const PgmStrategy *strategy)
{
	PgmOperation *operation;

	operation = pgm_operation_of_statement(step->revision->id,
										   pgm_direction_name(runner->request->direction),
										   n + 1, digest);
	if (operation != NULL)
		return operation->method == PGM_METHOD_TABLE ? operation->relid :
			InvalidOid;
	if (strategy == NULL || strategy->kind != PGM_STRATEGY_SHADOW_TABLE)
		return InvalidOid;
	return strategy->relid;
}

void
pgm_runner_by_shadow(PgmRunner *runner, const PgmExec *exec,
					 const PgmStep *step, const PgmSource *source, int n,
					 Oid relid, const char *digest)
{
	PgmShadowRequest request = {0};

	request.exec = exec;
	request.wait = runner->wait;
	request.run = runner->run;
	request.revision = step->revision->id;
	request.direction = pgm_direction_name(runner->request->direction);
	request.number = n + 1;
	request.digest = digest;
	request.relid = relid;
	request.source = source;
	request.n = n;
	(void) pgm_shadow_statement(&request);
	mark_done(runner, n, digest);
}
