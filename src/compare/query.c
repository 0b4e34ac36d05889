/*-------------------------------------------------------------------------
 *
 * query.c
 *	  The queries of a comparison, and how they run.
 *
 * Rows are read by the executor: it knows partitions, foreign tables and
 * views, checks privileges, and is about as fast as a scan by hand.  It is the
 * owner of both who reads, if he is one whose rights the caller has, else the
 * caller; in a restricted context, and a row security policy that would hide
 * rows from him is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "compare/internal.h"
#include "compat/planner.h"
#include "compat/server.h"

void
pgm_compare_enter(PgmCompareScope *scope, const PgmComparison *comparison)
{
	GetUserIdAndSecContext(&scope->user, &scope->sec_context);
	scope->guc_level = NewGUCNestLevel();
	(void) set_config_option("row_security", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* all digits of what is compared as text */
	(void) set_config_option("extra_float_digits", "3",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(comparison->role, scope->sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   (comparison->role == scope->user ? 0 :
							SECURITY_LOCAL_USERID_CHANGE));
}

void
pgm_compare_leave(const PgmCompareScope *scope)
{
	SetUserIdAndSecContext(scope->user, scope->sec_context);
	AtEOXact_GUC(false, scope->guc_level);
}

static void
add_columns(StringInfo query, const PgmComparison *comparison, bool of_b,
			int n)
{
	for (int i = 0; i < n; i++)
	{
		const PgmPair *pair = &comparison->pairs[i];

		appendStringInfo(query, "%s%s AS %s", i > 0 ? ", " : "",
						 of_b ? pair->b : pair->a,
						 quote_identifier(pair->name));
	}
}

/* Both columns of a key, as "x.a, x.b". */
static void
add_key(StringInfo query, const PgmComparison *comparison, const char *table)
{
	for (int i = 0; i < comparison->nkeys; i++)
		appendStringInfo(query, "%s%s.%s", i > 0 ? ", " : "", table,
						 quote_identifier(comparison->pairs[i].name));
}

static void
add_range(StringInfo query, const PgmCompareRange *range)
{
	appendStringInfo(query,
					 " WHERE ctid >= '(%u,0)'::pg_catalog.tid AND ctid < '(%u,0)'::pg_catalog.tid",
					 range->first, range->end);
}

/* The rows of b that have the key of a row of a in the range. */
static char *
b_by_key_query(const PgmComparison *comparison, const PgmCompareRange *range)
{
	StringInfoData query;

	if (comparison->nkeys == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot compare ranges of %s without a key",
					   comparison->a_name));
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT pgm_b.* FROM (SELECT ");
	add_columns(&query, comparison, true, comparison->npairs);
	appendStringInfo(&query, " FROM %s) AS pgm_b WHERE (",
					 comparison->b_name);
	add_key(&query, comparison, "pgm_b");
	appendStringInfoString(&query, ") IN (SELECT ");
	add_key(&query, comparison, "pgm_a");
	appendStringInfoString(&query, " FROM (SELECT ");
	add_columns(&query, comparison, false, comparison->nkeys);
	appendStringInfo(&query, " FROM ONLY %s", comparison->a_name);
	add_range(&query, range);
	appendStringInfoString(&query, ") AS pgm_a)");
	return query.data;
}

char *
pgm_compare_query(const PgmComparison *comparison, PgmCompareSide side,
				  const PgmCompareRange *range)
{
	StringInfoData query;

	if (range != NULL && side == PGM_SIDE_B)
		return b_by_key_query(comparison, range);
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	add_columns(&query, comparison, side == PGM_SIDE_B, comparison->npairs);
	if (side == PGM_SIDE_BOTH)
	{
		appendStringInfoString(&query, ", ");
		add_columns(&query, comparison, true, comparison->npairs);
	}
	appendStringInfo(&query, " FROM %s%s", range != NULL ? "ONLY " : "",
					 side == PGM_SIDE_B ? comparison->b_name :
					 comparison->a_name);
	if (range != NULL)
		add_range(&query, range);
	return query.data;
}

/* Schemas can be renamed under a lock on a table in them. */
static void
check_relations(const Query *query, const PgmComparison *comparison)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relid != comparison->a &&
			rte->relid != comparison->b)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_TABLE),
					errmsg("relation %s was replaced while it was compared",
						   get_rel_name(rte->relid)));
	}
}

/* A position in our query is none in that of the caller. */
static void
query_error_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(arg);
	}
}

static Query *
analyze(const PgmComparison *comparison, const char *text)
{
	List	   *list = pg_parse_query(text);
	ErrorContextCallback callback;

	pgm_compare_refuse_strange(comparison);
	callback.callback = query_error_callback;
	callback.arg = unconstify(char *, text);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	list = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, list),
											  text, NULL, 0, NULL);
	error_context_stack = callback.previous;
	check_relations(linitial_node(Query, list), comparison);
	return linitial_node(Query, list);
}

TupleDesc
pgm_compare_describe(const PgmComparison *comparison, PgmCompareSide side,
					 Bitmapset **used)
{
	Query	   *query = analyze(comparison,
								pgm_compare_query(comparison, side, NULL));

	if (query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->hasSubLinks)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("an expression of the mapping must be about one row"),
				errdetail("Aggregates, window functions, functions that return sets, and subqueries are about more."));
	if (used != NULL)
		pull_varattnos((Node *) query->targetList, 1, used);
	return ExecCleanTypeFromTL(query->targetList);
}

void
pgm_compare_read(const PgmComparison *comparison, const char *text,
				 DestReceiver *receiver)
{
	Query	   *query = analyze(comparison, text);
	List	   *plans = pg_plan_queries(list_make1(query), text, 0, NULL);
	Portal		portal = CreateNewPortal();
	QueryCompletion qc;

	portal->visible = false;
	PortalDefineQuery(portal, NULL, text, CMDTAG_SELECT, plans, NULL);
	PortalStart(portal, NULL, 0, GetActiveSnapshot());
	InitializeQueryCompletion(&qc);
	(void) pgm_portal_run(portal, false, receiver, &qc);
	PortalDrop(portal, false);
}

/*
 * One table, read from end to end, with nothing in it that a worker must not
 * run.  A temporary table is in the memory of one process.
 */
PlannedStmt *
pgm_compare_shared_plan(const PgmComparison *comparison, const char *text,
						Oid *relid)
{
	Query	   *query = analyze(comparison, text);
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);
	PlannedStmt *plan;

	if (list_length(query->rtable) != 1 || rte->rtekind != RTE_RELATION ||
		get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP ||
		max_parallel_hazard(query) != PROPARALLEL_SAFE)
		return NULL;
	*relid = rte->relid;
	plan = linitial_node(PlannedStmt,
						 pg_plan_queries(list_make1(query), text, 0, NULL));

	/* not the only partition instead of its table, which has no pages */
	return IsA(plan->planTree, SeqScan) && plan->subplans == NIL &&
		((const Scan *) plan->planTree)->scanrelid == 1 ? plan : NULL;
}

/* Of the key only, so that no more of b is read than that. */
char *
pgm_compare_only_b_query(const PgmComparison *comparison,
						 const PgmCompareRange *range)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT pgm_b.* FROM (SELECT ");
	add_columns(&query, comparison, true, comparison->nkeys);
	appendStringInfo(&query, " FROM ONLY %s", comparison->b_name);
	add_range(&query, range);
	appendStringInfoString(&query,
						   ") AS pgm_b WHERE NOT EXISTS (SELECT FROM (SELECT ");
	add_columns(&query, comparison, false, comparison->nkeys);
	appendStringInfo(&query, " FROM %s) AS pgm_a WHERE (", comparison->a_name);
	add_key(&query, comparison, "pgm_a");
	appendStringInfoString(&query, ") = (");
	add_key(&query, comparison, "pgm_b");
	appendStringInfoString(&query, "))");
	return query.data;
}
