/*-------------------------------------------------------------------------
 *
 * shadow_table.c
 *	  Change a table by way of another one beside it.
 *
 *	preparing	two empty copies: one with the new layout, one with the old
 *				triggers: what is written here is written beside
 *	copying		the rows that were there before
 *	indexing	the indexes of the copy
 *	comparing	no row may differ
 *	switching	exchange the files
 *	switched	triggers write to the old rows: it can be reverted
 *
 * Every phase can be repeated, and the state is written with the last thing
 * that it does: a process that is gone has lost a chunk or an index at most.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/cancel.h"
#include "base/error_privacy.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/lock.h"
#include "online/ahead.h"
#include "online/column_internal.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/order.h"
#include "online/owner.h"
#include "online/partition.h"
#include "online/with_locks.h"
#include "process/entry.h"
#include "store/run_lock.h"

/* One that an earlier call has left, and that has its tables still. */
static PgmQuery left_query = {
	"SELECT o.id FROM pgmigrate.operation o WHERE o.relid = $1 "
	"AND o.revision IS NOT DISTINCT FROM $2 AND o.direction = $3 "
	"AND coalesce(o.statement, 0) = $4 AND o.digest = $5 "
	"AND o.state NOT IN ('finalized', 'reverted', 'cancelled') "
	"AND (o.state <> 'failed' OR o.details ? 'schema') "
	"AND (o.state <> 'switched' OR o.revision IS NOT NULL) "
	"ORDER BY o.id DESC LIMIT 1",
	5, {OIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID}
};

static PgmQuery failed_in_query = {
	"SELECT $1::jsonb->>'failed_in'", 1, {TEXTOID}
};

static PgmQuery forget_query = {
	"UPDATE pgmigrate.operation SET phase = CASE WHEN state <> 'reverted' "
	"THEN phase END, details = details - ARRAY['schema', 'left', "
	"'beside', 'old', 'trigger', 'columns', 'flags', 'settings', 'index_names', "
	"'index_commands', 'old_index_names', 'old_index_commands', 'key', 'beside_key', 'old_key', 'views', "
	"'column_order', 'order_by'] WHERE id = $1",
	1, {INT8OID}
};

/* ---- finding it */

void
pgm_shadow_check_owner(Oid relid)
{
	if (!pgm_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

/* In a transaction; 0 if there is none. */
static int64
find_left(const PgmShadowRequest *request, Oid relid)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = ObjectIdGetDatum(relid);
	pgm_set_text(values, nulls, 1, request->revision);
	values[2] = pgm_text_datum(request->direction);
	values[3] = Int32GetDatum(request->number);
	values[4] = pgm_text_datum(request->digest);
	return pgm_spi_one_int64(&left_query, values, nulls);
}

void
pgm_shadow_init(PgmShadow *shadow, const PgmShadowRequest *request, Oid relid)
{
	shadow->request = request;
	shadow->context = CurrentMemoryContext;
	shadow->relid = relid;
	shadow->root = request->relid;
	shadow->owner = pgm_owner_of(relid);
	shadow->name = pgm_layout_name(relid);
	if (shadow->name == NULL)
		shadow->name = psprintf("%u", relid);
}

/*
 * A failed one goes on where it stopped.  But where its process was gone
 * before the switch was committed the copy may have been cut off, as on a full
 * disk, which is not taken back: it is compared again.
 */
static void
resume(PgmShadow *shadow, int64 id)
{
	PgmOperation *operation = pgm_operation_lock(id);

	shadow->operation = operation;
	pgm_operation_set_run(operation, shadow->request->run);
	if (operation->state == PGM_OPERATION_FAILED)
	{
		Datum		values[1] = {pgm_text_datum(operation->details)};
		char	   *state = pgm_spi_one_text(&failed_in_query, values);

		pgm_operation_set_state(operation, pgm_operation_state(state), NULL);
	}
	if (operation->state == PGM_OPERATION_SWITCHING &&
		operation->method == PGM_METHOD_TABLE)
		pgm_operation_set_state(operation, PGM_OPERATION_COMPARING, NULL);
	pgm_shadow_load(shadow);
	ereport(NOTICE,
			errmsg("operation " INT64_FORMAT " on table %s goes on: %s",
				   id, shadow->name,
				   pgm_operation_state_name(operation->state)));
}

static void
begin(PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	PgmOperation *operation = palloc0(sizeof(PgmOperation));

	operation->run = request->run;
	operation->revision = request->revision == NULL ? NULL :
		pstrdup(request->revision);
	operation->direction = pstrdup(request->direction);
	operation->statement = request->number;
	operation->digest = pstrdup(request->digest);
	operation->schema = get_namespace_name(get_rel_namespace(shadow->relid));
	operation->relation = get_rel_name(shadow->relid);
	operation->relid = shadow->relid;
	operation->strategy = pstrdup(request->column ? "shadow column" :
								  "shadow table");
	operation->method = request->column ? PGM_METHOD_COLUMN :
		PGM_METHOD_TABLE;
	operation->state = PGM_OPERATION_PREPARING;
	operation->role = GetUserId();
	shadow->operation = operation;
}

/* ---- the phases */

static void
prepare_locked(PgmShadow *shadow, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);

	pgm_shadow_check_owner(shadow->relid);
	pgm_shadow_prepare(shadow);
	MemoryContextSwitchTo(old);
}

static void
trigger_locked(PgmShadow *shadow, void *arg)
{
	pgm_ahead_read_again(shadow, false);
	pgm_shadow_add_triggers(shadow);
}

static void
set_state(PgmShadow *shadow, PgmOperationState state)
{
	pgm_txn_begin();
	pgm_operation_set_state(shadow->operation, state, NULL);
	if (state == PGM_OPERATION_INDEXING)
	{
		pgm_operation_drop_ranges(shadow->operation->id);
		pgm_rows_forget(shadow);
	}
	pgm_txn_commit();
}

/* What did not fit before is seen by the comparison, if it is so still. */
static void
compare(PgmShadow *shadow)
{
	pgm_txn_begin();
	(void) pgm_shadow_unfit(shadow, true);
	pgm_txn_commit();
	pgm_shadow_wait_for_old_snapshots(shadow);
	pgm_shadow_compare(shadow);
}

/* True if some of them do not fit, and are to be compared again. */
static bool
any_unfit(PgmShadow *shadow)
{
	bool		result = false;
	ListCell   *lc;

	foreach(lc, shadow->family)
	{
		PgmShadow  *member = lfirst(lc);

		if (pgm_shadow_unfit(member, false) == 0)
			continue;
		pgm_operation_set_state(member->operation, PGM_OPERATION_COMPARING,
								NULL);
		result = true;
	}
	return result;
}

static void
refuse_family(PgmShadow *shadow)
{
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(shadow->family))
		pgm_shadow_refuse(lfirst(lc));
	if (!pgm_shadow_is_whole(shadow))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" has other partitions than when its change began",
					   get_rel_name(shadow->root)),
				errhint("Attach, detach, create and drop partitions before or after it."));
}

static void
switch_locked(PgmShadow *shadow, void *arg)
{
	bool		no_way_back = pgm_shadow_no_way_back(shadow->family) != NULL;
	bool		knows = pgm_ahead_known(shadow) != NULL;
	ListCell   *lc;

	foreach(lc, shadow->family)
	{
		pgm_ahead_read_again(lfirst(lc), knows);
		pgm_shadow_check(lfirst(lc));
	}
	if (!knows)
		refuse_family(shadow);
	if (any_unfit(shadow))
		return;

	/* what it changes in memory stays there if it is rolled back */
	foreach(lc, shadow->family)
		((PgmShadow *) lfirst(lc))->loaded = NULL;
	pgm_shadow_switch(shadow);
	foreach(lc, shadow->family)
	{
		PgmOperation *operation = ((PgmShadow *) lfirst(lc))->operation;

		pgm_operation_set_state(operation, PGM_OPERATION_SWITCHED, NULL);
		if (no_way_back)
			pgm_operation_set_revert_until(operation->id, 0);
		else if (pgm_finalize_after > 0)
			pgm_operation_set_revert_until(operation->id, pgm_finalize_after);
	}
	pgm_shadow_completed(shadow->request);
}

/* Of all together, with the first of them. */
static void
switch_family(List *family)
{
	PgmShadow  *shadow = linitial(family);
	ListCell   *lc;

	/* what is planned now is not planned under the lock */
	pgm_txn_begin();
	pgm_shadow_look_at_reach(shadow);
	pgm_ahead_look(shadow);
	foreach(lc, family)
	{
		pgm_ahead_read_again(lfirst(lc), false);
		pgm_shadow_check(lfirst(lc));
	}
	refuse_family(shadow);
	pgm_txn_commit();
	shadow->exchanges = true;
	pgm_shadow_locked(shadow, AccessExclusiveLock, true, switch_locked, NULL);
	shadow->exchanges = false;
}

static void
advance(PgmShadow *shadow)
{
	if (pgm_is_column(shadow))
	{
		pgm_column_advance(shadow);
		return;
	}
	switch (shadow->operation->state)
	{
		case PGM_OPERATION_PREPARING:
			if (shadow->schema == NULL)
			{
				pgm_shadow_locked(shadow, ShareUpdateExclusiveLock, false,
								  prepare_locked, NULL);
				pgm_txn_begin();
				pgm_shadow_load(shadow);
				pgm_txn_commit();
			}
			pgm_partition_check_rows(shadow);
			pgm_shadow_locked(shadow, ShareRowExclusiveLock, false,
							  trigger_locked, NULL);
			break;
		case PGM_OPERATION_COPYING:
			pgm_shadow_copy(shadow);
			set_state(shadow, PGM_OPERATION_INDEXING);
			break;
		case PGM_OPERATION_INDEXING:
			pgm_shadow_vacuum(shadow);
			pgm_shadow_build_indexes(shadow);
			set_state(shadow, PGM_OPERATION_COMPARING);
			break;
		case PGM_OPERATION_COMPARING:
			compare(shadow);
			set_state(shadow, PGM_OPERATION_SWITCHING);
			break;
		default:
			break;
	}
}

/* ---- failures */

void
pgm_shadow_abort(PgmShadow *shadow, int sqlstate)
{
	pgm_run_dismiss_waiters(sqlstate);
	pgm_txn_abort();
	MemoryContextSwitchTo(shadow->context);
	pgm_txn_begin();
	pgm_run_retake(shadow->request->run);
	pgm_lockwait_unlimit_committing(shadow->request->wait);
	pgm_txn_commit();
}

/*
 * Another try could not do better, or is not wanted.  What is in the way at
 * the moment, or a server that stops, is no reason to lose the copy; but where
 * the disk is full the application has need of the room that it takes.
 */
static bool
is_final(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('5', '3', '0', '0', '0'):
			return sqlstate == ERRCODE_DISK_FULL;
		case MAKE_SQLSTATE('4', '0', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '8', '0', '0', '0'):
			return false;
		case MAKE_SQLSTATE('5', '7', '0', '0', '0'):
			return sqlstate == ERRCODE_QUERY_CANCELED;
		default:
			return sqlstate != ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

void
pgm_shadow_forget(int64 id)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = Int64GetDatum(id);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&forget_query, values, NULL);
	pgm_spi_end(&scope);
}

void
pgm_shadow_clear(PgmShadow *shadow)
{
	pgm_shadow_remove(shadow);
	pgm_operation_drop_ranges(shadow->operation->id);
	pgm_shadow_forget(shadow->operation->id);
}

typedef struct Failure
{
	int			sqlstate;
	bool		cancelled;
	char	   *message;
} Failure;

static void
fail_locked(PgmShadow *shadow, void *arg)
{
	Failure    *failure = arg;

	if (failure->sqlstate == ERRCODE_DISK_FULL)
		pgm_shadow_give_back_room(shadow);
	if (is_final(failure->sqlstate))
		pgm_shadow_clear(shadow);
	if (failure->cancelled)
		pgm_operation_set_state(shadow->operation, PGM_OPERATION_CANCELLED,
								NULL);
	else
		pgm_operation_fail(shadow->operation, failure->message);
}

/* After the abort.  Nothing of ours stays, unless it can be gone on with. */
static void
clean_up(PgmShadow *shadow, ErrorData *edata)
{
	Failure		failure = {edata->sqlerrcode, pgm_process_cancel_caused(edata),
	pgm_error_for_all(edata)};
	bool		begun;

	shadow->exchanges = false;
	if (shadow->operation == NULL || shadow->operation->id == 0)
		return;
	pgm_txn_begin();
	begun = pgm_operation_get(shadow->operation->id) != NULL;
	pgm_txn_commit();
	if (!begun)
		return;
	PG_TRY();
	{
		pgm_shadow_locked(shadow, is_final(edata->sqlerrcode) ?
						  AccessExclusiveLock : AccessShareLock, false,
						  fail_locked, &failure);
	}
	PG_CATCH();
	{
		ErrorData  *second;

		/* for the log: who waits is told of the first error, which ends us */
		MemoryContextSwitchTo(shadow->context);
		second = CopyErrorData();
		FlushErrorState();
		second->elevel = LOG;

		/* which looks for a cancel at its end, and that must not leave here */
		HOLD_INTERRUPTS();
		ThrowErrorData(second);
		RESUME_INTERRUPTS();
		pgm_shadow_abort(shadow, second->sqlerrcode);
	}
	PG_END_TRY();
}

/* The operations on a table that can be reverted. */
static List *
find_former(Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_operations_in_state(PGM_OPERATION_SWITCHED, NULL))
	{
		PgmOperation *operation = lfirst(lc);

		if (operation->method != PGM_METHOD_IN_PLACE &&
			(operation->relid == relid || pgm_shadow_root(operation) == relid))
			result = lappend(result, operation);
	}
	return result;
}

bool
pgm_shadow_can_revert(Oid relid)
{
	return find_former(relid) != NIL;
}

void
pgm_shadow_finalize_former(const PgmExec *exec, Oid relid)
{
	List	   *former;
	ListCell   *lc;

	pgm_txn_begin();
	former = find_former(relid);
	pgm_txn_commit();
	foreach(lc, former)
	{
		const PgmOperation *operation = lfirst(lc);

		if (pgm_shadow_finalize(exec, operation->id) != NULL)
			ereport(NOTICE,
					errmsg("operation " INT64_FORMAT " on table \"%s\" is finalized, the table is changed again",
						   operation->id, operation->relation));
	}
}

/* Who calls by hand is asked. */
static void
refuse_former(const PgmShadowRequest *request)
{
	List	   *former = find_former(request->relid);
	const PgmOperation *operation;

	if (former == NIL)
		return;
	operation = linitial(former);
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("operation " INT64_FORMAT " on table \"%s\" is neither finalized nor reverted",
				   operation->id, operation->relation),
			errhint("Call pgmigrate.finalize(" INT64_FORMAT ") or pgmigrate.revert(" INT64_FORMAT ") first.",
					operation->id, operation->id));
}

/* In the order in which the server locks them. */
static List *
begin_family(const PgmShadowRequest *request, List *roots,
			 MemoryContext context)
{
	List	   *family = NIL;
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *lc;

	foreach(lc, roots)
	{
		ListCell   *leaf;

		foreach(leaf, pgm_shadow_leaves(lfirst_oid(lc)))
		{
			PgmShadow  *shadow = palloc0(sizeof(PgmShadow));

			pgm_shadow_init(shadow, request, lfirst_oid(leaf));
			shadow->root = lfirst_oid(lc);
			family = lappend(family, shadow);
		}
	}
	foreach(lc, family)
		((PgmShadow *) lfirst(lc))->family = family;
	MemoryContextSwitchTo(old);
	return family;
}

static void
begin_or_resume(PgmShadow *shadow)
{
	int64		left = find_left(shadow->request, shadow->relid);

	if (left != 0)
		resume(shadow, left);
	else
		begin(shadow);
}

/* Did an earlier run leave something of this? */
static bool
any_left(const PgmShadowRequest *request, Oid root)
{
	List	   *leaves = pgm_shadow_leaves(root);
	bool		left = false;
	ListCell   *lc;

	pgm_shadow_check_owner(root);
	foreach(lc, leaves)
		left |= find_left(request, lfirst_oid(lc)) != 0;
	if (leaves == NIL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" has no partitions",
					   get_rel_name(root)));
	return left;
}

/* The tables that are changed. */
static List *
begin_roots(PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	List	   *roots;
	MemoryContext old;
	ListCell   *lc;
	bool		left = false;

	pgm_txn_begin();
	old = MemoryContextSwitchTo(shadow->context);
	roots = list_copy(pgm_joint_roots(request));
	MemoryContextSwitchTo(old);
	foreach(lc, roots)
		left |= any_left(request, lfirst_oid(lc));
	if (!left && request->revision == NULL)
		refuse_former(request);
	pgm_txn_commit();
	foreach(lc, roots)
	{
		if (!left)
			pgm_shadow_finalize_former(request->exec, lfirst_oid(lc));
	}
	return roots;
}

static void
work(PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	List	   *roots = begin_roots(shadow);
	ListCell   *lc;

	pgm_txn_begin();
	shadow->family = begin_family(request, roots, shadow->context);
	foreach(lc, shadow->family)
	{
		MemoryContext old = MemoryContextSwitchTo(shadow->context);

		begin_or_resume(lfirst(lc));
		MemoryContextSwitchTo(old);
	}
	pgm_txn_commit();
	MemoryContextSwitchTo(shadow->context);
	while (((PgmShadow *) linitial(shadow->family))->operation->state <
		   PGM_OPERATION_SWITCHED)
	{
		foreach(lc, shadow->family)
		{
			PgmShadow  *member = lfirst(lc);

			while (member->operation->state < PGM_OPERATION_SWITCHING)
			{
				CHECK_FOR_INTERRUPTS();
				advance(member);
			}
		}
		switch_family(shadow->family);
	}
}

/* What others have done to that table does not hold up the work on another. */
static void
finalize_one_due(PgmShadow *shadow, const PgmOperation *operation, bool gone)
{
	ErrorData  *edata;

	PG_TRY();
	{
		if (pgm_shadow_finalize(shadow->request->exec, operation->id) &&
			operation->state == PGM_OPERATION_SWITCHED)
			ereport(NOTICE, gone ?
					errmsg("operation " INT64_FORMAT " on table \"%s\" is finalized, the table is gone",
						   operation->id, operation->relation) :
					errmsg("operation " INT64_FORMAT " on table \"%s\" is finalized, its time to be reverted is over",
						   operation->id, operation->relation));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(shadow->context);
		edata = CopyErrorData();
		if (pgm_error_is_cancel(edata))
			PG_RE_THROW();
		FlushErrorState();
		pgm_shadow_abort(shadow, edata->sqlerrcode);
		pgm_shadow_warn_unfinalized(operation, edata);
	}
	PG_END_TRY();
}

/* Of a table that is gone the copies may still be somebody's. */
static Oid
whose_it_is(const PgmOperation *operation, bool gone)
{
	char	   *old = gone ? pgm_operation_detail(operation, "old") : NULL;

	return old == NULL ? operation->relid : (Oid) strtoul(old, NULL, 10);
}

/*
 * Those whose time to be reverted is over, and what reverted ones have left,
 * or tables that are gone, where they are the caller's.
 */
static void
finalize_due(PgmShadow *shadow)
{
	List	   *due;
	ListCell   *lc;

	pgm_txn_begin();
	due = pgm_operations_due();
	pgm_txn_commit();
	foreach(lc, due)
	{
		PgmOperation *operation = lfirst(lc);
		bool		gone;
		bool		allowed;
		Oid			relid;

		pgm_txn_begin();
		gone = get_rel_name(operation->relid) == NULL;
		relid = whose_it_is(operation, gone);
		allowed = get_rel_name(relid) == NULL ||
			pgm_class_ownercheck(relid, GetUserId());
		pgm_txn_commit();
		if (allowed)
			finalize_one_due(shadow, operation, gone);
	}
}

/* Ours in between take their time; the one of the caller is run as it is. */
static void
set_statement_timeout(int milliseconds)
{
	pgm_txn_begin();
	(void) set_config_option("statement_timeout",
							 psprintf("%d", milliseconds), PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
	pgm_txn_commit();
}

/* What costs until it is finalized is said, as of a table that is dropped. */
static void
tell_kept(List *family)
{
	ListCell   *lc;

	pgm_txn_begin();
	foreach(lc, pgm_shadow_heads(family))
	{
		const PgmShadow *head = lfirst(lc);

		ereport(NOTICE,
				errmsg("table %s is changed, and what it was is kept until pgmigrate.finalize(" INT64_FORMAT ")",
					   pgm_layout_name(head->root), head->operation->id),
				errdetail("Until then both are written to, and it can be taken back with all that was written since."));
	}
	pgm_txn_commit();
}

int64
pgm_shadow_statement(const PgmShadowRequest *request)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate online change",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PgmShadow  *shadow = palloc0(sizeof(PgmShadow));
	ErrorData  *volatile edata = NULL;
	int			timeout = StatementTimeout;
	int64		result;
	bool		kept;
	ListCell   *lc;

	shadow->request = request;
	shadow->context = context;
	set_statement_timeout(0);
	PG_TRY();
	{
		finalize_due(shadow);
		work(shadow);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (edata != NULL)
	{
		pgm_shadow_abort(shadow, edata->sqlerrcode);
		foreach(lc, shadow->family)
			clean_up(lfirst(lc), edata);
		set_statement_timeout(timeout);
		ReThrowError(edata);
	}
	kept = pgm_shadow_no_way_back(shadow->family) == NULL;
	foreach(lc, shadow->family)
	{
		PgmShadow  *member = lfirst(lc);

		pgm_shadow_note_held(member, "held");
		pgm_shadow_analyze(member);
		if (!kept)
			pgm_shadow_finalize(request->exec, member->operation->id);
	}
	if (kept)
		tell_kept(shadow->family);
	set_statement_timeout(timeout);
	result = ((PgmShadow *) linitial(shadow->family))->operation->id;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}
