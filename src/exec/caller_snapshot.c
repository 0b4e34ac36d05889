/*-------------------------------------------------------------------------
 *
 * caller_snapshot.c
 *	  Wait without a snapshot inside of a SELECT.
 *
 * CREATE INDEX CONCURRENTLY in a worker waits for all older snapshots, that of
 * the SELECT which waits for the worker among them: a deadlock that nobody
 * detects.  So the waiting query gives up its snapshot, and takes a fresh one
 * when it goes on.  That is sound only where nothing in the query has used the
 * snapshot yet or will compare with it: the plan's only leaf is our function
 * call, in a target list or as a FunctionScan, with no transaction around it.
 * The call is known by the very expression node of the plan, so a call from a
 * function or from a nested query is never taken for it.
 *
 * Others wait for a snapshot by its virtual transaction, and do not see that
 * the transaction goes on without it: who has seen a snapshot of ours, of the
 * moment before it was released or of a look in between, would wait for the
 * end of the transaction, which waits for him.  So the lock that stands for
 * the virtual transaction is given back too while there is no snapshot, as it
 * is at the end of a transaction, and taken again before there is one.  There
 * must be no lock on a relation meanwhile, for which others wait the same way.
 *
 * A call that only waits may also stand in a transaction block: each statement
 * there has a snapshot of its own anyway.  And it may be joined with other
 * functions, upgrade_start() for one: only a scan of a table keeps the
 * snapshot of its query, functions go by the active one when called.  But what
 * one has returned before may be a value in a TOAST table.  The transaction
 * may have locks, so the one that stands for it stays.
 *
 * A query of that shape holds its snapshot once as active and twice as
 * registered, by the QueryDesc and by the EState, and one that EXECUTE runs
 * once more of each; anything else is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "executor/execdesc.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/transaction.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "exec/caller_snapshot.h"

/* The transaction whose snapshot is released; it may have failed since. */
static LocalTransactionId released = InvalidLocalTransactionId;

/* The arguments were evaluated before; what matters is what is still to be. */
static bool
target_list_calls(List *targetlist, Node *call)
{
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		if ((Node *) lfirst_node(TargetEntry, lc)->expr == call)
			return true;
	}
	return false;
}

static bool
function_scan_calls(FunctionScan *scan, Node *call)
{
	if (list_length(scan->functions) != 1)
		return false;
	return linitial_node(RangeTblFunction, scan->functions)->funcexpr == call;
}

static bool
is_of_user(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

/* Is there a call of another function that may return what is stored? */
static bool
calls_for_stored(Node *node, void *call)
{
	if (node == NULL || node == call)
		return false;
	if (IsA(node, FuncExpr) && IsA(call, FuncExpr) &&
		((FuncExpr *) node)->funcid == ((FuncExpr *) call)->funcid)
		return false;
	if (check_functions_in_node(node, is_of_user, NULL) &&
		get_typlen(exprType(node)) <= 0)
		return true;
	return expression_tree_walker(node, calls_for_stored, call);
}

/* What a target list is computed from, where there is no table. */
static bool
is_bare_row(Plan *plan, Node *call)
{
	return plan == NULL ||
		(IsA(plan, Result) && plan->lefttree == NULL &&
		 !calls_for_stored((Node *) plan->targetlist, call));
}

/*
 * Down the only branch of the plan to its leaf.  What is above is called with
 * the rows of the call, after it; what is beside may be before.
 */
static bool
leaf_is_call(Plan *plan, Node *call)
{
	while (plan != NULL)
	{
		if (plan->righttree != NULL || plan->initPlan != NIL)
			return false;
		switch (nodeTag(plan))
		{
			case T_FunctionScan:
				return function_scan_calls((FunctionScan *) plan, call);
			case T_ProjectSet:
			case T_Result:
				if (target_list_calls(plan->targetlist, call))
					return !calls_for_stored((Node *) plan->targetlist,
											 call) &&
						is_bare_row(plan->lefttree, call);
				break;
			case T_Limit:
			case T_Sort:
			case T_IncrementalSort:
			case T_Unique:
			case T_Group:
			case T_Agg:
			case T_WindowAgg:
			case T_Material:
			case T_SubqueryScan:
				break;
			default:
				return false;
		}
		plan = IsA(plan, SubqueryScan) ?
			((SubqueryScan *) plan)->subplan : plan->lefttree;
	}
	return false;
}

/*
 * May one of the values in its rows be a pointer to a TOAST table?  What it
 * points to is removed if no snapshot keeps it.
 */
static bool
may_hold_stored(Plan *plan, Node *call)
{
	List	   *lists;
	ListCell   *lc;

	if (plan == NULL)
		return false;
	if (calls_for_stored((Node *) plan->targetlist, call))
		return true;
	switch (nodeTag(plan))
	{
		case T_FunctionScan:
			foreach(lc, ((FunctionScan *) plan)->functions)
			{
				const RangeTblFunction *function = lfirst(lc);

				if (calls_for_stored(function->funcexpr, call))
					return true;
			}
			break;
		case T_ValuesScan:
			lists = ((ValuesScan *) plan)->values_lists;
			return calls_for_stored((Node *) lists, call);
		case T_SubqueryScan:
			return may_hold_stored(((SubqueryScan *) plan)->subplan, call);
		default:
			break;
	}
	return may_hold_stored(plan->lefttree, call) ||
		may_hold_stored(plan->righttree, call);
}

/*
 * Does the plan read no table?  If the call is one of its functions that is
 * noted.
 */
static bool
reads_no_table(Plan *plan, Node *call, bool *called)
{
	if (plan == NULL)
		return true;
	switch (nodeTag(plan))
	{
		case T_FunctionScan:
			*called |= function_scan_calls((FunctionScan *) plan, call);
			return true;
		case T_ProjectSet:
		case T_Result:
			*called |= target_list_calls(plan->targetlist, call);
			break;
		case T_SubqueryScan:
			return reads_no_table(((SubqueryScan *) plan)->subplan, call,
								  called);
		case T_ValuesScan:
		case T_CteScan:
		case T_NestLoop:
		case T_HashJoin:
		case T_MergeJoin:
		case T_Hash:
		case T_Material:
		case T_Memoize:
		case T_Limit:
		case T_Sort:
		case T_IncrementalSort:
		case T_Unique:
		case T_Group:
		case T_Agg:
		case T_WindowAgg:
			break;
		default:
			return false;
	}
	return reads_no_table(plan->lefttree, call, called) &&
		reads_no_table(plan->righttree, call, called);
}

static bool
is_lone_call(PlannedStmt *planned, Node *call)
{
	return planned->subplans == NIL && leaf_is_call(planned->planTree, call);
}

static bool
is_call_without_tables(PlannedStmt *planned, Node *call)
{
	bool		called = false;
	ListCell   *lc;

	if (is_lone_call(planned, call))
		return true;
	foreach(lc, planned->subplans)
	{
		if (!reads_no_table(lfirst(lc), call, &called) ||
			may_hold_stored(lfirst(lc), call))
			return false;
	}
	return reads_no_table(planned->planTree, call, &called) && called &&
		!may_hold_stored(planned->planTree, call);
}

/*
 * The portal of an EXECUTE that the query was prepared for, or NULL.  A client
 * gives it no name, and a function has none around its own.
 */
static Portal
executing_portal(void)
{
	Portal		outer = GetPortalByName("");

	if (outer == NULL || outer == ActivePortal ||
		outer->status != PORTAL_ACTIVE ||
		outer->strategy != PORTAL_UTIL_SELECT ||
		list_length(outer->stmts) != 1)
		return NULL;
	if (!IsA(linitial_node(PlannedStmt, outer->stmts)->utilityStmt,
			 ExecuteStmt))
		return NULL;
	return outer;
}

/* EXECUTE holds the snapshot too, as active and to fetch its rows. */
static bool
holds_one_snapshot(QueryDesc *query)
{
	Portal		outer = executing_portal();
	int			more = outer != NULL ? 1 : 0;
	Snapshot	snapshot;

	if (!ActiveSnapshotSet() || query == NULL || query->estate == NULL)
		return false;
	snapshot = GetActiveSnapshot();
	return query->snapshot == snapshot &&
		query->estate->es_snapshot == snapshot &&
		query->estate->es_crosscheck_snapshot == InvalidSnapshot &&
		(outer == NULL || (outer->holdSnapshot == snapshot &&
						   outer->portalSnapshot == snapshot)) &&
		snapshot->active_count == 1 + more &&
		snapshot->regd_count == 2 + more;
}

/* Whatever transaction the SELECT is in. */
static bool
portal_calls(FunctionCallInfo fcinfo,
			 bool (*calls) (PlannedStmt *planned, Node *call))
{
	Portal		portal = ActivePortal;
	PlannedStmt *planned;

	if (portal == NULL || portal->strategy != PORTAL_ONE_SELECT ||
		portal->status != PORTAL_ACTIVE ||
		(portal->cursorOptions & CURSOR_OPT_HOLD) != 0 ||
		list_length(portal->stmts) != 1)
		return false;
	if (IsolationUsesXactSnapshot())
		return false;
	if (InLocalUserIdChange() || InSecurityRestrictedOperation())
		return false;

	planned = linitial_node(PlannedStmt, portal->stmts);
	if (planned->commandType != CMD_SELECT || planned->rowMarks != NIL ||
		planned->hasModifyingCTE)
		return false;
	return calls(planned, fcinfo->flinfo->fn_expr) &&
		holds_one_snapshot(portal->queryDesc);
}

const char *
pgm_portal_obstacle(FunctionCallInfo fcinfo)
{
	if (IsTransactionBlock())
		return gettext_noop("The call is in a transaction block, or in a query of several statements.");
	if (IsInTransactionBlock(true))
		return gettext_noop("The call is in a subtransaction.");
	if (IsolationUsesXactSnapshot())
		return XactIsoLevel == XACT_SERIALIZABLE ?
			gettext_noop("The isolation level of the transaction is \"serializable\".") :
			gettext_noop("The isolation level of the transaction is \"repeatable read\".");
	if (InLocalUserIdChange() || InSecurityRestrictedOperation())
		return gettext_noop("The call is in a security-definer function or a restricted operation.");
	if (!portal_calls(fcinfo, is_lone_call))
		return gettext_noop("The call is not all that the statement does, as in a function, a subquery, a cursor or beside a table.");
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return gettext_noop("The statement has written something before.");
	return NULL;
}

bool
pgm_portal_is_sole_call(FunctionCallInfo fcinfo)
{
	return pgm_portal_obstacle(fcinfo) == NULL;
}

static void
give_up_snapshot(void)
{
	Portal		portal = ActivePortal;
	Portal		outer = executing_portal();
	QueryDesc  *query = portal->queryDesc;
	Snapshot	snapshot = query->snapshot;

	PopActiveSnapshot();
	if (outer != NULL)
	{
		PopActiveSnapshot();
		outer->portalSnapshot = NULL;
		UnregisterSnapshotFromOwner(outer->holdSnapshot, outer->resowner);
		outer->holdSnapshot = NULL;
	}
	query->estate->es_snapshot = InvalidSnapshot;
	query->snapshot = InvalidSnapshot;
	UnregisterSnapshotFromOwner(snapshot, portal->resowner);
	UnregisterSnapshotFromOwner(snapshot, portal->resowner);
	InvalidateCatalogSnapshot();
}

bool
pgm_portal_release_for_wait(FunctionCallInfo fcinfo)
{
	if (pgm_portal_is_sole_call(fcinfo))
		pgm_portal_release_snapshot();
	else if (portal_calls(fcinfo, is_call_without_tables))
		give_up_snapshot();
	else
		return false;
	return true;
}

void
pgm_portal_release_snapshot(void)
{
	/* the server must commit at the end of this statement, whatever follows */
	PreventInTransactionBlock(true, "pgmigrate");

	give_up_snapshot();
	if (ActiveSnapshotSet() || TransactionIdIsValid(pgm_own_xmin()))
		elog(ERROR, "could not release the snapshot of the calling query");
	released = pgm_local_xid();
	VirtualXactLockTableCleanup();
}

static bool
is_released(void)
{
	return released != InvalidLocalTransactionId &&
		released == pgm_local_xid();
}

static void
stand_for_transaction(void)
{
	VirtualTransactionId id;

	GET_VXID_FROM_PGPROC(id, *MyProc);
	VirtualXactLockTableInsert(id);
}

/* Where a transaction ends the server knows no subtransaction any more. */
static void
refuse_in_commit(void)
{
	if (ActivePortal != NULL && ActivePortal->holdStore != NULL &&
		(ActivePortal->cursorOptions & CURSOR_OPT_HOLD) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot be called by a cursor WITH HOLD at the end of its transaction"),
				errhint("Fetch its rows before, or do without a cursor."));
}

void
pgm_caller_look(void (*look) (void *arg), void *arg)
{
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext context = CurrentMemoryContext;
	int			level;

	refuse_in_commit();
	if (is_released())
		stand_for_transaction();
	level = pgm_txn_begin_sub();
	PG_TRY();
	{
		look(arg);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		/* the server does not expect a subtransaction that it did not begin */
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_txn_rollback_sub(level);
		CurrentResourceOwner = owner;
		ReThrowError(edata);
	}
	PG_END_TRY();
	pgm_txn_rollback_sub(level);
	CurrentResourceOwner = owner;
	if (is_released())
	{
		InvalidateCatalogSnapshot();
		VirtualXactLockTableCleanup();
	}
	else
		InvalidateCatalogSnapshotConditionally();
}

void
pgm_portal_restore_snapshot(void)
{
	Portal		portal = ActivePortal;
	Portal		outer = executing_portal();
	QueryDesc  *query = portal->queryDesc;

	if (is_released())
		stand_for_transaction();
	released = InvalidLocalTransactionId;
	query->snapshot = RegisterSnapshotOnOwner(GetTransactionSnapshot(),
											  portal->resowner);
	query->estate->es_snapshot = RegisterSnapshotOnOwner(query->snapshot,
														 portal->resowner);
	if (outer != NULL)
		outer->holdSnapshot = RegisterSnapshotOnOwner(query->snapshot,
													  outer->resowner);
	PushActiveSnapshot(query->snapshot);
}
