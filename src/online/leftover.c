/*-------------------------------------------------------------------------
 *
 * leftover.c
 *	  What a way back leaves to be dropped later.
 *
 * To drop a table takes the time that the system needs to give back its
 * memory and its room on disk, in the process that commits: a third of a
 * second for some gigabytes.  Who goes back does not wait for that.  The
 * tables beside stay, marked in the operation's row; a process that the commit
 * starts drops them.  If it cannot, or the server stops before, finalize() or
 * the next online change does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/relation_size.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "lock/ladder.h"
#include "online/column_internal.h"
#include "online/layout.h"
#include "online/leftover.h"
#include "online/partition.h"
#include "process/detached.h"

/* Less than this is dropped within a few milliseconds. */
#define LEFTOVER_BYTES (INT64CONST(16) * 1024 * 1024)

/*
 * Has anything in schema $1 need of something that is neither in it nor of
 * extension $2?  Who goes back may drop that next: the type that a column
 * had, or its tablespace.
 */
static PgmQuery needs_query = {
	"WITH RECURSIVE part (classid, objid) AS ("
	"SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c "
	"WHERE c.relnamespace = $1 "
	"UNION SELECT d.classid, d.objid FROM part p JOIN pg_depend d "
	"ON d.refclassid = p.classid AND d.refobjid = p.objid "
	"AND d.deptype IN ('a', 'i')) "
	"SELECT EXISTS (SELECT FROM part p JOIN pg_depend d "
	"USING (classid, objid) "
	"WHERE NOT EXISTS (SELECT FROM part o WHERE o.classid = d.refclassid "
	"AND o.objid = d.refobjid) "
	"AND (d.refclassid, d.refobjid) <> ('pg_extension'::regclass, $2) "
	"AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.refclassid "
	"AND e.objid = d.refobjid AND e.refclassid = 'pg_extension'::regclass "
	"AND e.refobjid = $2)) "
	"OR EXISTS (SELECT FROM part p JOIN pg_shdepend s USING (classid, objid) "
	"WHERE s.dbid = (SELECT oid FROM pg_database "
	"WHERE datname = current_database()) AND s.deptype = 't')",
	2, {OIDOID, OIDOID}
};

/* Is there something to be dropped after the commit, unless it is undone? */
static bool pending = false;
static bool registered = false;

/* ---- at the end of the transaction */

static void
start_worker(void)
{
	if (IsUnderPostmaster &&
		!pgm_process_detach("pgmigrate leftovers", "pgmigrate_leftover_main",
							0))
		ereport(LOG,
				errmsg("could not start a background worker to drop what a reverted operation has left"),
				errdetail("All of the %d worker processes are in use; the next online change, or pgmigrate.finalize(), drops it.",
						  max_worker_processes));
}

static void
at_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (pending)
				start_worker();
			pending = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			pending = false;
			break;
		default:
			break;
	}
}

static void
drop_after_commit(void)
{
	if (!registered)
		RegisterXactCallback(at_transaction, NULL);
	registered = true;
	pending = true;
}

/* ---- left */

static bool
is_needed_gone(Oid schema)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(schema);
	values[1] = ObjectIdGetDatum(pgm_extension_oid());
	return pgm_spi_one_bool(&needs_query, values);
}

bool
pgm_leftover_keep(PgmShadow *shadow)
{
	if (pgm_is_column(shadow) || pgm_partition_wanted(shadow) ||
		pgm_total_bytes(shadow->beside) < LEFTOVER_BYTES ||
		is_needed_gone(get_namespace_oid(shadow->schema, false)))
		return false;
	pgm_operation_drop_ranges(shadow->operation->id);
	pgm_operation_add_details(shadow->operation, "{\"left\": true}");
	drop_after_commit();
	return true;
}

bool
pgm_is_leftover(const PgmOperation *operation)
{
	return operation->state == PGM_OPERATION_REVERTED &&
		!operation->elsewhere &&
		pgm_operation_detail(operation, "left") != NULL;
}

/* ---- dropped */

static void
collect(PgmLockNeeds *needs, void *arg)
{
	const PgmShadow *shadow = arg;

	pgm_layout_need(needs, shadow->beside, AccessExclusiveLock);
	pgm_layout_need(needs, shadow->old, AccessExclusiveLock);
}

/* With the locks; false if somebody else was faster. */
static bool
drop_locked(PgmShadow *shadow)
{
	shadow->operation = pgm_operation_lock(shadow->operation->id);
	if (!pgm_is_leftover(shadow->operation))
		return false;
	pgm_shadow_drop_schema(shadow);
	pgm_shadow_forget(shadow->operation->id);
	return true;
}

const char *
pgm_leftover_drop(const PgmExec *exec, int64 id)
{
	PgmShadowRequest request = {0};
	PgmShadow	shadow = {0};
	PgmLockWait *wait = pgm_lockwait_create(exec);
	bool		dropped;

	request.exec = exec;
	shadow.operation = pgm_operation_get(id);
	pgm_shadow_init(&shadow, &request, shadow.operation->relid);
	if (get_rel_name(shadow.relid) != NULL)
		pgm_shadow_check_owner(shadow.relid);
	pgm_shadow_load(&shadow);
	if (exec->worker)
		pgm_txn_commit();
	pgm_lockwait_begin(wait, shadow.operation->revision);
	if (exec->worker)
		pgm_lockwait_begin_block(wait, collect, &shadow);
	else
		pgm_lockwait_get(wait, collect, &shadow);
	pgm_lockwait_limit(wait);
	PushActiveSnapshot(GetTransactionSnapshot());
	dropped = drop_locked(&shadow);
	PopActiveSnapshot();
	pgm_lockwait_unlimit(wait);
	if (exec->worker)
		pgm_txn_commit();
	return dropped ? "dropped" : NULL;
}

/* ---- the process that does it */

static List *
find_left(MemoryContext context)
{
	List	   *result = NIL;

	pgm_txn_begin_own();
	if (OidIsValid(get_extension_oid("pgmigrate", true)))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		result = pgm_operations_due();
		MemoryContextSwitchTo(old);
	}
	pgm_txn_commit_own(false);
	return result;
}

/* What is in the way of one is in the log, and does not hold up the others. */
static void
drop_one(const PgmExec *exec, int64 id, MemoryContext context)
{
	PG_TRY();
	{
		pgm_txn_begin();
		(void) pgm_leftover_drop(exec, id);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		FlushErrorState();
		pgm_txn_abort();
	}
	PG_END_TRY();
}

void
pgmigrate_leftover_main(Datum main_arg)
{
	PgmExec		exec = {0};
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate leftovers",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	(void) pgm_process_connect_detached();
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET,
					PGC_S_SESSION);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_SESSION);

	/* not with our rights, whatever the owner of the database has set */
	SetConfigOption("pgmigrate.blocker_policy", "wait", PGC_USERSET,
					PGC_S_SESSION);
	exec.worker = true;
	exec.label = "leftovers";
	foreach(lc, find_left(context))
	{
		const PgmOperation *operation = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (operation->state != PGM_OPERATION_REVERTED)
			continue;
		MemoryContextSwitchTo(context);
		drop_one(&exec, operation->id, context);
	}
	pgstat_report_activity(STATE_IDLE, NULL);
}
