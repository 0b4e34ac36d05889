/*-------------------------------------------------------------------------
 *
 * prepared.c
 *	  The forms of a statement as plans that are kept, and their execution.
 *
 * A plan is made once for each table, without looking at the parameters, and
 * made again by the server when what it stands on has changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "storage/itemptr.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "backfill/internal.h"
#include "compat/modify.h"
#include "compat/server.h"
#include "strategy/part_plan.h"

/* Counts the rows whose only column is true. */
typedef struct CountReceiver
{
	DestReceiver pub;
	int64		rows;
	int64		trues;
	int64		nulls;
} CountReceiver;

/* Keeps ctids, so many at most. */
typedef struct RowReceiver
{
	DestReceiver pub;
	int			limit;
	int			n;
	ItemPointer rows;
} RowReceiver;

static void
ignore_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

static void
ignore(DestReceiver *self)
{
}

static bool
count_row(TupleTableSlot *slot, DestReceiver *self)
{
	CountReceiver *receiver = (CountReceiver *) self;
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	receiver->rows++;
	if (isnull)
		receiver->nulls++;
	else if (DatumGetBool(value))
		receiver->trues++;
	return true;
}

static void
init_counter(CountReceiver *receiver)
{
	memset(receiver, 0, sizeof(CountReceiver));
	receiver->pub.receiveSlot = count_row;
	receiver->pub.rStartup = ignore_startup;
	receiver->pub.rShutdown = ignore;
	receiver->pub.rDestroy = ignore;
	receiver->pub.mydest = DestNone;
}

static bool
keep_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	receiver->rows[receiver->n++] = *(ItemPointer) DatumGetPointer(value);
	return receiver->n < receiver->limit;
}

/*
 * In a transaction.  Lives in the current memory context, unless it is saved.
 */
CachedPlanSource *
pgm_prepare(RawStmt *raw, const char *text, PgmForm form)
{
	Oid			types[2] = {TIDOID, TIDOID};
	int			ntypes = 0;
	CachedPlanSource *source;
	List	   *queries;

	if (form == PGM_FORM_RANGE)
		ntypes = 2;
	else if (form == PGM_FORM_LIST)
	{
		types[0] = TIDARRAYOID;
		ntypes = 1;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	source = CreateCachedPlan(raw, text, CreateCommandTag(raw->stmt));
	queries = pg_analyze_and_rewrite_fixedparams(copyObject(raw), text, types,
												 ntypes, NULL);
	PopActiveSnapshot();
	if (list_length(queries) != 1)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot backfill a relation with rules"));
	CompleteCachedPlan(source, queries, NULL, types, ntypes, NULL, NULL,
					   CURSOR_OPT_GENERIC_PLAN, false);
	return source;
}

/* The plan, to be released. */
static PlannedStmt *
plan_of(CachedPlanSource *source, CachedPlan **plan)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	*plan = GetCachedPlan(source, NULL, NULL, NULL);
	PopActiveSnapshot();
	return linitial_node(PlannedStmt, (*plan)->stmt_list);
}

/*
 * May the current user do it?  As EXPLAIN would: the executor checks that
 * before anything else, and nothing is run, no trigger either.
 */
void
pgm_prepared_check(CachedPlanSource *source)
{
	CachedPlan *plan;
	PlannedStmt *stmt = plan_of(source, &plan);
	QueryDesc  *query;

	PushActiveSnapshot(GetTransactionSnapshot());
	query = CreateQueryDesc(stmt, source->query_string, GetActiveSnapshot(),
							InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	ExecutorStart(query, EXEC_FLAG_EXPLAIN_ONLY);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
	ReleaseCachedPlan(plan, NULL);
}

/* Does it read much besides the rows that it is for? */
bool
pgm_prepared_reads_much(CachedPlanSource *source)
{
	CachedPlan *plan;
	bool		result = pgm_part_reads_much(plan_of(source, &plan));

	ReleaseCachedPlan(plan, NULL);
	return result;
}

/* Does the planner use an index of the table, for so many rows at most? */
bool
pgm_prepared_by_index(CachedPlanSource *source, double limit)
{
	CachedPlan *plan;
	Plan	   *tree = plan_of(source, &plan)->planTree;
	bool		result;

	result = (IsA(tree, IndexScan) || IsA(tree, IndexOnlyScan) ||
			  IsA(tree, BitmapHeapScan)) && tree->plan_rows <= limit;
	ReleaseCachedPlan(plan, NULL);
	return result;
}

/* Are the new values other ones each time? */
bool
pgm_prepared_volatile(CachedPlanSource *source)
{
	Query	   *query = linitial_node(Query, source->query_list);

	return contain_volatile_functions((Node *) query->targetList);
}

/* Is the condition of a query another one each time that it is asked? */
bool
pgm_prepared_condition_volatile(CachedPlanSource *source)
{
	Query	   *query = linitial_node(Query, source->query_list);

	return contain_volatile_functions((Node *) query->jointree);
}

/* The parameters of a chunk; live in the current memory context. */
static ParamListInfo
parameters(const PgmChunk *chunk)
{
	ParamListInfo params = makeParamList(chunk->range != NULL ? 2 : 1);

	if (chunk->range != NULL)
	{
		ItemPointer tids = palloc(2 * sizeof(ItemPointerData));

		tids[0] = chunk->first;
		tids[1] = chunk->end;
		for (int i = 0; i < 2; i++)
		{
			params->params[i].value = PointerGetDatum(&tids[i]);
			params->params[i].ptype = TIDOID;
		}
	}
	else
	{
		Datum	   *elements = palloc(sizeof(Datum) * chunk->nrows);

		for (int i = 0; i < chunk->nrows; i++)
			elements[i] = PointerGetDatum(&chunk->rows[i]);
		params->params[0].value =
			PointerGetDatum(construct_array(elements, chunk->nrows, TIDOID,
											sizeof(ItemPointerData), false,
											TYPALIGN_SHORT));
		params->params[0].ptype = TIDARRAYOID;
	}
	for (int i = 0; i < params->numParams; i++)
	{
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
	}
	return params;
}

static uint64
run(CachedPlanSource *source, ParamListInfo params, DestReceiver *receiver)
{
	Portal		portal = CreateNewPortal();
	CachedPlan *plan;
	QueryCompletion qc;

	portal->visible = false;
	PushActiveSnapshot(GetTransactionSnapshot());
	plan = GetCachedPlan(source, params, NULL, NULL);
	PortalDefineQuery(portal, NULL, source->query_string, source->commandTag,
					  plan->stmt_list, plan);
	PopActiveSnapshot();
	PortalStart(portal, params, 0, InvalidSnapshot);
	InitializeQueryCompletion(&qc);
	(void) pgm_portal_run(portal, true, receiver, &qc);
	PortalDrop(portal, false);
	return qc.nprocessed;
}

/*
 * An UPDATE tells an index that a key is entered again for a row that has it,
 * and the index then looks for old versions to drop whenever a page is full.
 * Those of our chunks before are dead by now: a page gets room for a few more
 * entries, and is full again soon.  That costs more than all the rest of an
 * UPDATE, which finds its own old versions alive, splits the page and is done;
 * and the entries go with the next VACUUM anyway.  So do not tell.
 */
static void
open_indexes(QueryDesc *query)
{
	ModifyTableState *state = (ModifyTableState *) query->planstate;
	ResultRelInfo *result;
	MemoryContext old;

	if (!IsA(state, ModifyTableState) || state->operation != CMD_UPDATE)
		return;
	result = state->resultRelInfo;
	if (result->ri_IndexRelationDescs != NULL ||
		!result->ri_RelationDesc->rd_rel->relhasindex)
		return;
	old = MemoryContextSwitchTo(query->estate->es_query_cxt);
	ExecOpenIndices(result, false);
	for (int i = 0; i < result->ri_NumIndices; i++)
		pgm_index_entries_are_new(result->ri_IndexRelationInfo[i]);
	MemoryContextSwitchTo(old);
}

/* To be released.  It is made anew when the server has forgotten it. */
static CachedPlan *
plan_of_chunk(CachedPlanSource *source, const PgmChunk *chunk,
			  ParamListInfo params)
{
	CachedPlan *plan;
	int			level = 0;

	if (chunk->target->by_lookups)
		level = pgm_part_begin_lookups();
	plan = GetCachedPlan(source, params, CurrentResourceOwner, NULL);
	if (chunk->target->by_lookups)
		pgm_part_end_lookups(level);
	return plan;
}

/*
 * Change the rows of a chunk; returns how many, and adds how many of them meet
 * the condition still.
 */
uint64
pgm_prepared_change(CachedPlanSource *source, const PgmChunk *chunk,
					int64 *again)
{
	ParamListInfo params = parameters(chunk);
	CountReceiver receiver;
	CachedPlan *plan;
	QueryDesc  *query;
	uint64		rows;

	init_counter(&receiver);
	PushCopiedSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	plan = plan_of_chunk(source, chunk, params);
	query = CreateQueryDesc(linitial_node(PlannedStmt, plan->stmt_list),
							source->query_string, GetActiveSnapshot(),
							InvalidSnapshot, &receiver.pub, params, NULL, 0);
	ExecutorStart(query, 0);
	open_indexes(query);
	pgm_executor_run(query);
	rows = query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	ReleaseCachedPlan(plan, CurrentResourceOwner);
	PopActiveSnapshot();
	CommandCounterIncrement();
	*again += receiver.trues;
	return rows;
}

/* The rows of a plan that is run once, with the active snapshot. */
int64
pgm_prepared_count(PlannedStmt *stmt, const char *text)
{
	QueryDesc  *query;
	int64		rows;

	query = CreateQueryDesc(stmt, text, GetActiveSnapshot(), InvalidSnapshot,
							None_Receiver, NULL, NULL, 0);
	ExecutorStart(query, 0);
	pgm_executor_run(query);
	rows = query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	return rows;
}

/* Fills the array with up to so many ctids. */
int
pgm_prepared_find(CachedPlanSource *source, int limit, ItemPointer rows)
{
	RowReceiver receiver = {{0}};

	receiver.pub.receiveSlot = keep_row;
	receiver.pub.rStartup = ignore_startup;
	receiver.pub.rShutdown = ignore;
	receiver.pub.rDestroy = ignore;
	receiver.pub.mydest = DestNone;
	receiver.limit = limit;
	receiver.rows = rows;
	(void) run(source, NULL, &receiver.pub);
	return receiver.n;
}

/*
 * A query whose first column is to be true in any row.  None at all is as good
 * as null: nothing was said.
 */
bool
pgm_query_true(const char *text, bool *isnull)
{
	CountReceiver receiver;
	CachedPlanSource *source;
	List	   *trees = pg_parse_query(text);
	TupleDesc	columns;

	if (list_length(trees) != 1 ||
		!IsA(linitial_node(RawStmt, trees)->stmt, SelectStmt))
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("setting \"%s\" is not one query",
					   "pgmigrate.throttle_query"));
	source = pgm_prepare(linitial(trees), text, PGM_FORM_MEETS);
	columns = source->resultDesc;
	if (columns == NULL || columns->natts != 1 ||
		TupleDescAttr(columns, 0)->atttypid != BOOLOID)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("the query of \"%s\" must return one boolean column",
					   "pgmigrate.throttle_query"));
	init_counter(&receiver);
	(void) run(source, NULL, &receiver.pub);
	DropCachedPlan(source);
	*isnull = receiver.rows == 0 || receiver.nulls > 0;
	return receiver.trues > 0;
}
