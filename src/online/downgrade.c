/*-------------------------------------------------------------------------
 *
 * downgrade.c
 *	  What a way back replaces of a downgrade, and what is in its way.
 *
 * Where all that the upgrade did to a table is one operation which can be
 * reverted, the ALTER TABLE of that table, or several of them in a row, are
 * what takes it back, and are replaced by that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "base/transaction.h"
#include "classify/verdict.h"
#include "online/column_internal.h"
#include "online/downgrade.h"
#include "online/internal.h"
#include "online/kept.h"
#include "online/owner.h"
#include "store/run_plan.h"

/* The table that statement i alters, or InvalidOid. */
Oid
pgm_shadow_altered_by(const PgmSource *source, int i)
{
	Node	   *stmt = source->statements[i].raw->stmt;

	if (!IsA(stmt, AlterTableStmt))
		return InvalidOid;
	return pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation);
}

/* Does any other statement than those alter the table? */
static bool
altered_besides(const PgmSource *source, Oid relid, int first, int last)
{
	for (int i = 0; i < source->nstatements; i++)
		if ((i < first || i > last) &&
			pgm_shadow_altered_by(source, i) == relid)
			return true;
	return false;
}

/* Which of those of a revision is about the table, if it is one; or NULL. */
static PgmOperation *
one_of(List *operations, Oid relid)
{
	PgmOperation *result = NULL;
	ListCell   *lc;

	foreach(lc, operations)
	{
		PgmOperation *operation = lfirst(lc);

		/* what is kept comes back in place of what makes it, nothing else */
		if (pgm_shadow_root(operation) != relid || operation->elsewhere ||
			pgm_is_kept(operation) ||
			strcmp(operation->direction, "up") != 0)
			continue;
		/* it was stopped before it was finalized */
		if (pgm_operation_detail(operation, "no_way_back") != NULL)
			return NULL;
		if (result != NULL && !pgm_shadow_are_one(operation, result))
			return NULL;
		result = operation;
	}
	return result;
}

/* Of what is one with an operation, does any other statement alter a table? */
static bool
any_altered_besides(const PgmSource *source, const PgmOperation *operation,
					int first, int last)
{
	ListCell   *lc;

	foreach(lc, pgm_operations_in_state(operation->state, operation->revision))
	{
		if (pgm_shadow_are_one(lfirst(lc), operation) &&
			altered_besides(source, pgm_shadow_root(lfirst(lc)), first, last))
			return true;
	}
	return false;
}

/* Is there nothing else that the upgrade did to the table? */
static bool
is_all(const PgmRevision *revision, const PgmOperation *operation)
{
	const PgmSource *source = pgm_revision_source(revision, PGM_UP);
	int			first = operation->statement - 1;
	Oid			relid = pgm_shadow_root(operation);

	if (first < 0 || first >= source->nstatements)
		return false;
	if (pgm_shadow_altered_by(source,
							  pgm_shadow_first(source, first)) != relid &&
		pgm_shadow_joint_last(source, first) < 0)
		return false;
	return !any_altered_besides(source, operation, first,
								pgm_shadow_last(relid, source, first));
}

/* ---- what is replaced */

bool
pgm_shadow_replaced(const PgmRevision *revision, const PgmSource *source,
					int n, PgmReplaced *replaced)
{
	Oid			relid = pgm_shadow_altered_by(source,
											  pgm_shadow_first(source, n));
	int			first = pgm_shadow_joint_last(source, n) < 0 ?
		pgm_shadow_first(source, n) : n;
	int			last = Max(pgm_shadow_joint_last(source, n), first);
	PgmOperation *operation;

	if (!OidIsValid(relid))
		return false;
	operation = one_of(pgm_operations_in_state(PGM_OPERATION_SWITCHED,
											   revision->id), relid);
	if (operation == NULL)
		operation = one_of(pgm_operations_taken_back(revision->id), relid);
	while (last + 1 < source->nstatements &&
		   pgm_shadow_altered_by(source, last + 1) == relid)
		last++;
	if (operation == NULL || !is_all(revision, operation) ||
		any_altered_besides(source, operation, first, last))
		return false;
	replaced->operation = operation;
	replaced->last = pgm_shadow_with_made(source, n, last);
	return true;
}

/* ---- what is in the way */

/* One that others have locked is not looked at. */
static bool
try_lock(Oid relid)
{
	return !OidIsValid(relid) || get_rel_name(relid) == NULL ||
		ConditionalLockRelationOid(relid, AccessShareLock);
}

static PgmShadow *
load(PgmShadowRequest *request, PgmOperation *operation)
{
	PgmShadow  *shadow = palloc0(sizeof(PgmShadow));

	pgm_shadow_init(shadow, request, operation->relid);
	shadow->operation = operation;
	shadow->root = pgm_shadow_root(operation);
	pgm_shadow_load(shadow);
	return try_lock(shadow->root) && try_lock(shadow->relid) &&
		try_lock(shadow->beside) && try_lock(shadow->old) ? shadow : NULL;
}

typedef struct Look
{
	PgmShadowRequest request;
	PgmOperation *operation;
	List	   *told;			/* of ErrorData */
} Look;

static void
look(void *arg)
{
	Look	   *look = arg;
	List	   *family = NIL;
	PgmShadow  *shadow = NULL;
	ListCell   *lc;

	foreach(lc, pgm_shadow_family(look->operation))
	{
		PgmShadow  *member = load(&look->request, lfirst(lc));

		if (member == NULL)
			return;
		family = lappend(family, member);
		if (member->operation->id == look->operation->id)
			shadow = member;
	}
	foreach(lc, family)
	{
		((PgmShadow *) lfirst(lc))->family = family;
		((PgmShadow *) lfirst(lc))->told = &look->told;
	}
	if (shadow == NULL)
		return;
	if (pgm_is_column(shadow))
		foreach(lc, pgm_column_members(shadow))
			if (!try_lock(lfirst_oid(lc)))
			return;
	pgm_shadow_check_back(shadow);
}

/* An error of another kind is none of the way back itself. */
static bool
is_of_way_back(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		edata->sqlerrcode == ERRCODE_DATA_EXCEPTION;
}

/* A table that is gone is in the way more than once. */
static bool
is_told(const List *told, const ErrorData *edata)
{
	ListCell   *lc;

	foreach(lc, told)
	{
		const ErrorData *other = lfirst(lc);

		if (strcmp(other->message, edata->message) == 0 &&
			(other->detail == NULL) == (edata->detail == NULL) &&
			(edata->detail == NULL ||
			 strcmp(other->detail, edata->detail) == 0))
			return true;
	}
	return false;
}

List *
pgm_shadow_foresee_revert(const PgmExec *exec, const PgmSource *source, int n,
						  const PgmReplaced *replaced)
{
	Look		arg = {{0}, replaced->operation, NIL};
	ErrorData  *edata;
	List	   *result = NIL;
	ListCell   *lc;
	Oid			owner;

	/* rows that do not fit are counted by expressions, and told of */
	owner = pgm_owner_of(replaced->operation->relid);
	if (replaced->operation->state != PGM_OPERATION_SWITCHED ||
		!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		return NIL;
	arg.request.exec = exec;
	arg.request.source = source;
	arg.request.n = n;
	arg.request.last = replaced->last;
	edata = pgm_txn_look(look, &arg);
	if (edata != NULL && is_of_way_back(edata))
		arg.told = lappend(arg.told, edata);
	foreach(lc, arg.told)
		if (!is_told(result, lfirst(lc)))
		result = lappend(result, lfirst(lc));
	return result;
}
