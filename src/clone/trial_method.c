/*-------------------------------------------------------------------------
 *
 * trial_method.c
 *	  The table access method of the copies that statements are tried on.
 *
 * It is heap without TOAST tables.  Those are a third of the rows that a copy
 * costs in the catalogs, and ALTER TABLE makes one wherever it misses it.  No
 * row is ever put into a copy.
 *
 * Anybody may name an access method.  A table of this one outside of a trial
 * would lack what a table needs, and be in the way of DROP EXTENSION, so there
 * it gets no file.  From PostgreSQL 17 on a partitioned table may name it,
 * which has no file, so no handler is asked.  Its partitions get none either.
 *
 * To build an index, heap insists on its own method, so that is done here: an
 * empty table has a scan to be counted, and no more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "catalog/pg_class.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "clone/trial_method.h"
#include "compat/command.h"
#include "compat/files.h"
#include "compat/parse.h"
#include "sql/statements.h"

#define HEAP_METHOD "heap"

static bool in_trial = false;

static void
leave_trial(void *arg)
{
	in_trial = false;
}

void
pgm_trial_method_allow(void)
{
	MemoryContextCallback *callback =
		MemoryContextAlloc(CurTransactionContext,
						   sizeof(MemoryContextCallback));

	callback->func = leave_trial;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(CurTransactionContext, callback);
	in_trial = true;
}

static void
set_new_file(Relation rel, const PgmRelFile * file, char persistence,
			 TransactionId *freeze_xid, MultiXactId *min_multi)
{
	if (!in_trial)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("no table can be made with access method \"%s\"",
					   PGM_TRIAL_METHOD),
				errdetail("It is for the empty copies that statements are tried on."));
	GetHeapamTableAmRoutine()->PGM_SET_NEW_FILE(rel, file, persistence,
												freeze_xid, min_multi);
}

static bool
needs_no_toast_table(Relation rel)
{
	return false;
}

static double
build_range_scan(Relation table, Relation index, IndexInfo *index_info,
				 bool allow_sync, bool anyvisible, bool progress,
				 BlockNumber start_blockno, BlockNumber numblocks,
				 IndexBuildCallback callback, void *callback_state,
				 TableScanDesc scan)
{
	if (RelationGetNumberOfBlocks(table) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("table \"%s\" of access method \"%s\" has rows",
					   RelationGetRelationName(table), PGM_TRIAL_METHOD));
	if (scan == NULL)
		scan = table_beginscan_strat(table, SnapshotAny, 0, NULL, true,
									 allow_sync);
	table_endscan(scan);
	return 0;
}

const TableAmRoutine *
pgm_trial_method(void)
{
	static TableAmRoutine method;

	if (method.type != T_TableAmRoutine)
	{
		method = *GetHeapamTableAmRoutine();
		method.relation_needs_toast_table = needs_no_toast_table;
		method.index_build_range_scan = build_range_scan;
		method.PGM_SET_NEW_FILE = set_new_file;
	}
	return &method;
}

/* Materialized views have their own method there, since they may get rows. */
static void
redirect(AlterTableCmd *cmd, char relkind)
{
	const char *name = cmd->name != NULL ? cmd->name :
		default_table_access_method;
	bool		is_heap = strcmp(name, HEAP_METHOD) == 0 ||
		strcmp(name, PGM_TRIAL_METHOD) == 0;

	if (relkind == RELKIND_MATVIEW && cmd->name == NULL)
		cmd->name = pstrdup(is_heap ? HEAP_METHOD : name);
	else if (relkind != RELKIND_MATVIEW && cmd->name != NULL && is_heap)
		cmd->name = pstrdup(PGM_TRIAL_METHOD);
}

void
pgm_trial_method_redirect(Node *stmt, char relkind)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (pgm_is_set_access_method(cmd))
			redirect(cmd, relkind);
	}
}

void
pgm_trial_method_default(void)
{
	const char *method = GetConfigOption("default_table_access_method",
										 false, false);

	if (strcmp(method, HEAP_METHOD) == 0)
		(void) set_config_option("default_table_access_method",
								 PGM_TRIAL_METHOD,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}
