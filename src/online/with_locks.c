/*-------------------------------------------------------------------------
 *
 * with_locks.c
 *	  Work under strong locks, which the ladder takes.
 *
 * In a worker each attempt is a transaction of its own, and what is done under
 * the locks is in a subtransaction, whose rollback leaves the locks of the
 * session alone; an attempt that fails through nobody's fault is repeated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/clock.h"
#include "base/transaction.h"
#include "classify/local_effects.h"
#include "online/column_internal.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/order.h"
#include "online/partition.h"
#include "online/shadow_table.h"
#include "online/with_locks.h"

typedef struct LockedWork
{
	PgmShadow  *shadow;
	LOCKMODE	mode;
	bool		with_statement;
	void		(*work) (PgmShadow *shadow, void *arg);
	void	   *arg;
	int			level;			/* of the subtransaction, 0 outside */
} LockedWork;

/* Several where they are exchanged, or are dealt with all at once. */
static List *
members(const LockedWork *work)
{
	return work->shadow->exchanges || work->shadow->together ?
		work->shadow->family : list_make1(work->shadow);
}

static void
collect_roots(PgmLockNeeds *needs, const LockedWork *work)
{
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(work->shadow->family))
	{
		const PgmShadow *head = lfirst(lc);

		if (head->root != head->relid)
			pgm_layout_need(needs, head->root, work->mode);
	}
}

/* Who has columns of the table by their numbers. */
static void
collect_by_number(PgmLockNeeds *needs, const PgmShadow *shadow, LOCKMODE mode)
{
	ListCell   *lc;

	if (shadow->column_order == NULL)
		return;
	foreach(lc, pgm_columns_partners(shadow->relid))
		pgm_layout_need(needs, lfirst_oid(lc), ShareRowExclusiveLock);
	foreach(lc, pgm_columns_views(shadow->relid))
		pgm_layout_need(needs, lfirst_oid(lc), mode);
}

/* What refers to the tables. */
static void
collect_others(PgmLockNeeds *needs, const LockedWork *work)
{
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, pgm_shadow_heads(work->shadow->family))
	{
		const PgmShadow *head = lfirst(lc);

		foreach(other, pgm_shadow_incoming_keys(head))
			pgm_layout_need(needs, ((PgmIncomingKey *) lfirst(other))->relid,
							work->mode);
		foreach(other, pgm_partition_others(head))
			pgm_layout_need(needs, lfirst_oid(other), work->mode);
		collect_by_number(needs, head, work->mode);
	}
	foreach(lc, pgm_shadow_views(work->shadow))
		pgm_layout_need(needs, ((PgmShadowView *) lfirst(lc))->relid,
						work->mode);
}

/* The table first: who writes to it goes on to the one beside. */
static void
collect(PgmLockNeeds *needs, void *arg)
{
	LockedWork *work = arg;
	const PgmShadowRequest *request = work->shadow->request;
	ListCell   *lc;

	for (int i = request->n;
		 work->with_statement && request->source && i <= request->last; i++)
		pgm_lockneeds_statement(needs, request->source, i);
	if (work->shadow->exchanges)
	{
		collect_roots(needs, work);
		foreach(lc, pgm_partition_ancestors(work->shadow))
			pgm_layout_need(needs, lfirst_oid(lc), work->mode);
	}
	foreach(lc, members(work))
		pgm_layout_need(needs, ((PgmShadow *) lfirst(lc))->relid, work->mode);
	if (pgm_is_column(work->shadow))
	{
		foreach(lc, pgm_column_members(work->shadow))
			pgm_layout_need(needs, lfirst_oid(lc), work->mode);
		return;
	}
	foreach(lc, pgm_partition_leaves(work->shadow))
		pgm_layout_need(needs, lfirst_oid(lc), work->mode);
	if (work->shadow->exchanges)
		collect_others(needs, work);
	foreach(lc, members(work))
	{
		pgm_layout_need(needs, ((PgmShadow *) lfirst(lc))->beside, work->mode);
		pgm_layout_need(needs, ((PgmShadow *) lfirst(lc))->old, work->mode);
	}
}

static void
attempt(LockedWork *work)
{
	PgmLockWait *wait = work->shadow->request->wait;
	int64		start;
	int64		start_cpu;
	int64		released;
	int64		released_cpu;

	pgm_lockwait_begin_block(wait, collect, work);
	start = pgm_clock_monotonic();
	start_cpu = pgm_clock_cpu();
	work->level = pgm_txn_begin_sub();
	pgm_lockwait_limit(wait);
	/* as around a utility statement: rows of the catalog may be toasted */
	PushActiveSnapshot(GetTransactionSnapshot());
	work->work(work->shadow, work->arg);
	PopActiveSnapshot();
	pgm_lockwait_unlimit(wait);
	pgm_txn_release_sub();
	work->level = 0;

	/* of an exchange everybody waits for the end, but nobody for the disk */
	pgm_txn_commit_unlocking(!work->shadow->exchanges || !work->shadow->local,
							 &released, &released_cpu);
	if (work->mode != AccessExclusiveLock)
		return;
	work->shadow->held = released - start;
	work->shadow->held_cpu = released_cpu - start_cpu;
}

/* In the handler of an error. */
static void
recover(LockedWork *work)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(work->shadow->context);
	edata = CopyErrorData();
	if (work->level == 0 ||
		!pgm_lockwait_retry(work->shadow->request->wait, edata))
		PG_RE_THROW();
	FlushErrorState();
	FreeErrorData(edata);
	pgm_lockwait_unlimit(work->shadow->request->wait);
	pgm_txn_rollback_sub(work->level);
	work->level = 0;
	pgm_txn_commit();
}

static void
work_until_done(LockedWork *work)
{
	volatile bool done = false;

	for (;;)
	{
		PG_TRY();
		{
			attempt(work);
			done = true;
		}
		PG_CATCH();
		{
			recover(work);
		}
		PG_END_TRY();
		if (done)
			break;
		MemoryContextSwitchTo(work->shadow->context);
		pgm_lockwait_pause(work->shadow->request->wait);
	}
}

void
pgm_shadow_look_at_reach(PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;

	shadow->local = pgm_database_is_local();
	for (int i = request->n;
		 shadow->local && request->source != NULL && i <= request->last; i++)
		shadow->local = pgm_statement_is_local(request->source, i);
}

void
pgm_shadow_locked(PgmShadow *shadow, LOCKMODE mode, bool with_statement,
				  void (*work) (PgmShadow *shadow, void *arg), void *arg)
{
	LockedWork	locked = {shadow, mode, with_statement, work, arg};
	PgmLockWait *wait = shadow->request->wait;

	pgm_lockwait_begin(wait, shadow->request->revision);
	if (shadow->request->exec->worker)
	{
		work_until_done(&locked);
		return;
	}
	pgm_lockwait_get(wait, collect, &locked);
	pgm_lockwait_limit(wait);
	work(shadow, arg);
	pgm_lockwait_unlimit(wait);
}

/*
 * Of the first of a family.  It is a commit that waits for the disk, and for a
 * standby: what was exchanged is there to stay before anybody is told.
 */
void
pgm_shadow_note_held(PgmShadow *shadow, const char *what)
{
	if (shadow->held == 0)
		return;
	pgm_txn_begin();
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"%s_ms\": %.3f, \"%s_cpu_ms\": %.3f}",
									   what, shadow->held / 1000.0,
									   what, shadow->held_cpu / 1000.0));
	pgm_txn_commit();
}
