/*-------------------------------------------------------------------------
 *
 * rows.c
 *	  UPDATE and DELETE of many rows: range by range.
 *
 * How many rows it is about is what the planner says.  A statement that the
 * planner cannot be asked about, because what it names is made by one before
 * it, is taken to be about all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "sql/source_text.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/transaction.h"
#include "classify/related_relations.h"
#include "compat/plan.h"
#include "compat/server.h"
#include "strategy/internal.h"
#include "strategy/row_change.h"

static double
rows_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = 0;

	if (HeapTupleIsValid(tuple))
	{
		rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return Max(rows, 0);
}

/* Of the table and all that is below it; 0 if they were never counted. */
static double
all_rows(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, list_concat(list_make1_oid(relid), pgm_descendants(relid)))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			rows += rows_of(lfirst_oid(lc));
	}
	return rows;
}

/*
 * Rows that the planner expects, negative if it says nothing.  Is it about
 * other rows each time that it is asked?
 */
static double
planned_rows(PgmMaker *maker, volatile bool *is_volatile)
{
	const PgmStatement *statement = &maker->source->statements[maker->n];
	List	   *queries;
	PlannedStmt *plan;

	PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(copyObject(statement->raw),
												 maker->source->text, NULL, 0,
												 NULL);
	*is_volatile = list_length(queries) == 1 &&
		contain_volatile_functions((Node *) linitial_node(Query,
														  queries)->jointree);
	plan = list_length(queries) != 1 ? NULL :
		pgm_plan_query(linitial(queries), maker->source->text, NULL);
	PopActiveSnapshot();
	if (plan == NULL || plan->planTree->lefttree == NULL)
		return -1;
	return plan->planTree->lefttree->plan_rows;
}

/* The same, where that may fail. */
static double
expected_rows(PgmMaker *maker, volatile bool *is_volatile)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile double rows = -1;
	int			level;

	if (!maker->may_evaluate)
		return -1;
	level = pgm_txn_begin_sub();
	PG_TRY();
	{
		rows = planned_rows(maker, is_volatile);
		pgm_txn_release_sub();
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		pgm_txn_rollback_sub(level);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return rows;
}

void
pgm_strategy_change_rows(PgmMaker *maker)
{
	double		total = all_rows(maker->relid);
	double		rows;
	volatile bool is_volatile = false;
	const char *risk;
	char	   *text;

	if (maker->subject->relkind != RELKIND_RELATION &&
		maker->subject->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	pgm_strategy_add_work(maker, maker->relid, PGM_WORK_REWRITE);
	rows = expected_rows(maker, &is_volatile);
	if (rows >= 0 && total > 0)
		maker->strategy->plain_ms *= Min(rows / total, 1.0);
	risk = pgm_change_risk(pgm_change_take_apart(maker->source, maker->n,
												 maker->relid));
	if (risk == NULL && is_volatile)
		risk = "its condition has a volatile function";
	if (risk != NULL)
	{
		pgm_strategy_stay_plain(maker, risk);
		return;
	}
	pgm_strategy_by_steps(maker, "backfill");
	text = pgm_slice_trim(pgm_statement_text(maker->source, maker->n));
	pgm_strategy_add_step(maker, text, NULL)->backfill = true;
}
