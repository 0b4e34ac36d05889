/*-------------------------------------------------------------------------
 *
 * kept.c
 *	  What is dropped is gone for everybody, but kept for the way back.
 *
 *	preparing	begun; nothing is changed
 *	switched	gone, and kept
 *	reverted	there again
 *	finalized	dropped
 *
 * Each step from one state to the next is one transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/transaction.h"
#include "compat/lock.h"
#include "lock/ladder.h"
#include "online/internal.h"
#include "online/kept_internal.h"
#include "online/layout.h"

typedef struct KeptWork
{
	PgmOperation *operation;
	bool		back;			/* also what is referenced is locked */
} KeptWork;

bool
pgm_is_kept(const PgmOperation *operation)
{
	return pgm_operation_detail(operation, "kept") != NULL;
}

void
pgm_keep(PgmOperation *operation, const PgmExec *exec,
		 const PgmSource *source, int n)
{
	/* as around a utility statement: rows of the catalog may be toasted */
	PushActiveSnapshot(GetTransactionSnapshot());
	if (IsA(source->statements[n].raw->stmt, DropStmt))
		pgm_kept_table_drop(operation, exec, source, n);
	else
		pgm_kept_column_drop(operation, exec, source, n);
	PopActiveSnapshot();
}

static bool
keeps_columns(const PgmOperation *operation)
{
	return pgm_operation_detail(operation, "columns") != NULL;
}

static void
collect(PgmLockNeeds *needs, void *arg)
{
	const KeptWork *work = arg;
	ListCell   *lc;

	foreach(lc, pgm_kept_tables(work->operation))
	{
		const PgmKeptTable *table = lfirst(lc);

		if (pgm_kept_is_there(table))
			pgm_layout_need(needs, table->relid, AccessExclusiveLock);
	}
	if (keeps_columns(work->operation))
		pgm_layout_need(needs, work->operation->relid, AccessExclusiveLock);
	if (!work->back)
		return;
	foreach(lc, pgm_kept_referenced(work->operation))
		pgm_layout_need(needs, lfirst_oid(lc), ShareRowExclusiveLock);
}

static void
check_owner(const PgmOperation *operation)
{
	ListCell   *lc;

	if (keeps_columns(operation) && get_rel_name(operation->relid) != NULL &&
		!pgm_class_ownercheck(operation->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE,
					   get_rel_name(operation->relid));
	foreach(lc, pgm_kept_tables(operation))
	{
		const PgmKeptTable *table = lfirst(lc);

		if (pgm_kept_is_there(table) &&
			!pgm_class_ownercheck(table->relid, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, table->name);
	}
}

/*
 * With the locks, in a transaction; false if somebody else was faster.  While
 * they were waited for, the tables may have got another owner.
 */
static bool
still_kept(PgmOperation **operation)
{
	*operation = pgm_operation_lock((*operation)->id);
	check_owner(*operation);
	return (*operation)->state == PGM_OPERATION_SWITCHED;
}

static PgmOperation *
open_operation(const PgmExec *exec, int64 id)
{
	PgmOperation *operation = pgm_operation_get(id);

	check_owner(operation);
	if (exec->worker)
		pgm_txn_commit();
	return operation;
}

/*
 * The locks, by the ladder, and a snapshot as in pgm_keep; in a worker in a
 * transaction that is left open.
 */
static PgmLockWait *
lock(const PgmExec *exec, PgmOperation *operation, bool back)
{
	KeptWork	work = {operation, back};
	PgmLockWait *wait = pgm_lockwait_create(exec);

	pgm_lockwait_begin(wait, operation->revision);
	if (exec->worker)
		pgm_lockwait_begin_block(wait, collect, &work);
	else
		pgm_lockwait_get(wait, collect, &work);
	pgm_lockwait_limit(wait);
	PushActiveSnapshot(GetTransactionSnapshot());
	return wait;
}

static void
unlock(const PgmExec *exec, PgmLockWait *wait)
{
	PopActiveSnapshot();
	pgm_lockwait_unlimit(wait);
	if (exec->worker)
		pgm_txn_commit();
}

const char *
pgm_kept_revert(const PgmShadowRequest *request, int64 id, bool without_unfit)
{
	const PgmExec *exec = request->exec;
	PgmOperation *operation = open_operation(exec, id);
	const char *action = NULL;
	PgmLockWait *wait;

	if (operation->state == PGM_OPERATION_FINALIZED)
		pgm_shadow_refuse_finalized(operation);
	if (operation->state != PGM_OPERATION_SWITCHED)
		return NULL;
	wait = lock(exec, operation, true);
	if (still_kept(&operation))
	{
		if (keeps_columns(operation))
			pgm_kept_column_bring_back(operation, without_unfit);
		else
			pgm_kept_table_bring_back(operation);
		pgm_operation_set_state(operation, PGM_OPERATION_REVERTED, NULL);
		pgm_shadow_completed(request);
		action = "reverted";
	}
	unlock(exec, wait);
	return action;
}

const char *
pgm_kept_finalize(const PgmExec *exec, int64 id)
{
	PgmOperation *operation = open_operation(exec, id);
	const char *action = NULL;
	PgmLockWait *wait;

	if (operation->state == PGM_OPERATION_FINALIZED)
		return NULL;
	if (operation->state != PGM_OPERATION_SWITCHED)
		pgm_shadow_refuse_unswitched(operation);
	wait = lock(exec, operation, false);
	if (still_kept(&operation))
	{
		if (keeps_columns(operation))
			pgm_kept_column_remove(operation);
		else
			pgm_kept_table_remove(operation);
		pgm_operation_set_state(operation, PGM_OPERATION_FINALIZED, NULL);
		action = "finalized";
	}
	unlock(exec, wait);
	return action;
}
