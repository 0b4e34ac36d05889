/*-------------------------------------------------------------------------
 *
 * type_change.c
 *	  What goes by a column whose type changes, in a trial.
 *
 * The server refuses to change what a view goes by, and an online change
 * takes the view along: so does the trial, and tells of a view that cannot be
 * read over the new type.  Several statements that are one pass have their
 * views again after the last one, for a view may need all of them; where it
 * does not, after the one that changes its columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"

#include "assess/trial_role.h"
#include "assess/type_change.h"
#include "base/transaction.h"
#include "clone/misfit.h"
#include "lock/held.h"
#include "online/carried_views.h"

static bool
changes_type(const Node *stmt)
{
	return IsA(stmt, AlterTableStmt) &&
		pgm_altered_types((const AlterTableStmt *) stmt) != NIL;
}

typedef struct Explanation
{
	PgmVerdict *verdict;
	const AlterTableStmt *stmt;
	bool		carries;
	char	   *misfit;
	ErrorData  *reason;
} Explanation;

static void
find_misfit(void *arg)
{
	Explanation *task = arg;
	Oid			relid = pgm_lookup_relation(task->stmt->relation);
	Oid			save_user;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_trial_role(task->verdict), save_sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	if (task->carries)
		pgm_shadow_detach_views(pgm_views_on(relid,
											 pgm_altered_types(task->stmt)));
	task->misfit = pgm_find_misfit(relid, task->stmt,
								   task->verdict->source->text, &task->reason);
	SetUserIdAndSecContext(save_user, save_sec_context);
}

void
pgm_type_change_name(PgmTrial *trial, PgmVerdict *verdict, Node *stmt)
{
	Explanation task = {verdict, (AlterTableStmt *) stmt, trial->carries};

	if (verdict->sqlerrcode == 0 || !changes_type(stmt))
		return;
	(void) pgm_txn_look(find_misfit, &task);
	if (task.misfit == NULL)
		return;
	verdict->reason = psprintf("%s does not fit the new type of a column: %s",
							   task.misfit, task.reason->message);
	verdict->remedy = pstrdup(PGM_MISFIT_REMEDY);
	verdict->position = 0;
}

/* One clause: the detail is a sentence in some messages of some servers. */
static char *
with_detail(const ErrorData *edata)
{
	int			length = strlen(edata->detail);

	if (length > 0 && edata->detail[length - 1] == '.')
		length--;
	return psprintf("%s: %.*s", edata->message, length, edata->detail);
}

const char *
pgm_type_change_failure(const PgmVerdict *verdict, const ErrorData *edata)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;

	return edata->detail == NULL || !changes_type(stmt) ||
		edata->sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED ? edata->message :
		with_detail(edata);
}

/* ---- views */

void
pgm_type_change_carry(PgmTrial *trial, PgmVerdict *verdict, int last)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	PgmVerdict	again = *verdict;

	/* what it does to relations is what was told of it by its text */
	again.by_relid = NULL;
	pgm_verdict_set_effects(&again,
							pgm_verdict_copy_effects(verdict->effects));
	again.sqlerrcode = 0;
	again.reason = NULL;
	trial->incomplete = false;
	trial->carries = true;
	trial->aside_until = last;
	pgm_trial_try(trial, &again, stmt, false);
	trial->carries = false;
	verdict->carried = again.sqlerrcode == 0;
	if (verdict->carried)
		return;
	verdict->sqlerrcode = again.sqlerrcode;
	verdict->reason = again.reason;
	verdict->remedy = again.remedy;
	verdict->position = again.position;
}

void
pgm_type_change_aside(PgmTrial *trial, Node *stmt)
{
	const AlterTableStmt *alter = castNode(AlterTableStmt, stmt);
	Oid			relid = pgm_lookup_relation(alter->relation);
	List	   *views;

	if (!OidIsValid(relid))
		return;
	views = pgm_views_on(relid, pgm_altered_types(alter));
	pgm_shadow_detach_views(views);
	trial->aside = list_concat(trial->aside, views);
}

/* What the views read besides is not locked for longer. */
static void
attach(void *arg)
{
	HTAB	   *before = pgm_held_read();

	pgm_shadow_attach_views(arg);
	pgm_held_release(before, pgm_held_read());
}

/* Nothing may read one that is not what its columns are. */
static void
drop(void *arg)
{
	ListCell   *lc;

	foreach(lc, (List *) arg)
	{
		const PgmShadowView *view = lfirst(lc);
		ObjectAddress address;

		ObjectAddressSet(address, RelationRelationId, view->relid);
		performDeletion(&address, DROP_CASCADE,
						PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
		CommandCounterIncrement();
	}
}

/* What is wrong with the view is in the detail. */
static void
fail(PgmTrial *trial, PgmVerdict *verdict, ErrorData *edata)
{
	if (edata->detail != NULL)
		edata->message = with_detail(edata);
	edata->detail = NULL;
	edata->cursorpos = 0;
	pgm_trial_note_failure(trial, verdict, edata);
	verdict->remedy = edata->hint;
	verdict->carried = false;
}

void
pgm_type_change_again(PgmTrial *trial, PgmVerdict *verdict)
{
	bool		works = verdict->sqlerrcode == 0 || verdict->carried;
	ErrorData  *edata;

	if (trial->aside == NIL)
		return;
	edata = pgm_txn_try(attach, trial->aside);
	if (edata != NULL && works && verdict->n < trial->aside_until)
		return;
	if (edata != NULL)
	{
		(void) pgm_txn_try(drop, trial->aside);
		if (works)
			fail(trial, verdict, edata);
	}
	trial->aside = NIL;
}
