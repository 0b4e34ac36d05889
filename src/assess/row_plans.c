/*-------------------------------------------------------------------------
 *
 * row_plans.c
 *	  How many rows a statement reads and changes, as the planner sees it.
 *
 * A condition is no proof that few rows are changed.  What finds them is
 * planned as a SELECT, so that nothing but ACCESS SHARE is taken, and not
 * run.  The planner may evaluate functions that are not volatile: only those
 * that came with the server, or are written in C, are let near it.
 *
 * A condition that cannot be analyzed is mostly one on a column that the
 * revision itself adds and fills: all rows are counted then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "assess/row_plans.h"
#include "assess/row_queries.h"
#include "base/relation_size.h"
#include "base/transaction.h"
#include "classify/estimate.h"
#include "classify/foreign_code.h"
#include "classify/foreign_names.h"
#include "classify/side_effects.h"
#include "compat/catalog.h"
#include "compat/parse.h"
#include "compat/plan.h"
#include "compat/server.h"
#include "sql/statements.h"

/* Whether a table of less is read whole is not worth a word. */
#define LARGE_READ (1024 * 1024)

typedef struct RowPlans
{
	PgmVerdict *verdict;
	bool		authored;
	bool		failed;			/* it cannot be analyzed */
} RowPlans;

/* ---- what may be planned */

static bool
is_code(Oid function, void *context)
{
	HeapTuple	tuple;
	Oid			language;

	if (function < FirstNormalObjectId)
	{
		const char *name = get_func_name(function);

		return !pgm_builtin_is_harmless(function) &&
			(name == NULL || (strcmp(name, "nextval") != 0 &&
							  strcmp(name, "setval") != 0 &&
							  strcmp(name, "set_config") != 0 &&
							  strcmp(name, "pg_notify") != 0));
	}
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language != ClanguageId && language != INTERNALlanguageId;
}

static bool
has_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_code, context))
		return true;
	if (IsA(node, CoerceToDomain) &&
		pgm_domain_has_constraints(exprType(node)))
		return true;
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), has_code, context, 0);
	return expression_tree_walker(node, has_code, context);
}

/* ---- what is to be planned */

bool
pgm_is_positioned(const Node *where)
{
	return where != NULL && IsA(where, CurrentOfExpr);
}

/* SELECT 1 FROM the table, and what it is joined with, WHERE … */
static SelectStmt *
finding_rows(RangeVar *relation, List *from, Node *where, WithClause *with)
{
	SelectStmt *select = makeNode(SelectStmt);
	ResTarget  *target = makeNode(ResTarget);
	A_Const    *one = makeNode(A_Const);

	one->val.ival.type = T_Integer;
	one->val.ival.ival = 1;
	one->location = -1;
	target->val = (Node *) one;
	target->location = -1;
	select->targetList = list_make1(target);
	select->fromClause = lcons(relation, list_copy(from));
	select->whereClause = where;
	select->withClause = with;
	return select;
}

/* The query to plan, and the table that is changed; NULL if there is none. */
static SelectStmt *
query_of(Node *stmt, RangeVar **changed)
{
	UpdateStmt *update;
	DeleteStmt *delete;
	InsertStmt *insert;
	SelectStmt *select = NULL;

	*changed = NULL;
	if (pgm_is_merge(stmt))
	{
		if (!pgm_merge_does(stmt, CMD_UPDATE) &&
			!pgm_merge_does(stmt, CMD_DELETE))
			return NULL;
		*changed = pgm_merge_target(stmt);
		return finding_rows(*changed, list_make1(pgm_merge_source(stmt)),
							pgm_merge_condition(stmt), pgm_merge_with(stmt));
	}
	switch (nodeTag(stmt))
	{
		case T_UpdateStmt:
			update = castNode(UpdateStmt, stmt);
			if (pgm_is_positioned(update->whereClause))
				return NULL;
			*changed = update->relation;
			return finding_rows(update->relation, update->fromClause,
								update->whereClause, update->withClause);
		case T_DeleteStmt:
			delete = castNode(DeleteStmt, stmt);
			if (pgm_is_positioned(delete->whereClause))
				return NULL;
			*changed = delete->relation;
			return finding_rows(delete->relation, delete->usingClause,
								delete->whereClause, delete->withClause);
		case T_InsertStmt:
			insert = castNode(InsertStmt, stmt);
			if (insert->selectStmt == NULL ||
				!IsA(insert->selectStmt, SelectStmt))
				return NULL;
			select = castNode(SelectStmt, insert->selectStmt);
			if (select->valuesLists != NIL)
				return NULL;
			if (select->withClause == NULL)
				select->withClause = insert->withClause;
			return select;
		case T_CreateTableAsStmt:
			if (!IsA(castNode(CreateTableAsStmt, stmt)->query, SelectStmt) ||
				castNode(CreateTableAsStmt, stmt)->into->skipData)
				return NULL;
			return (SelectStmt *) castNode(CreateTableAsStmt, stmt)->query;
		case T_SelectStmt:
			return castNode(SelectStmt, stmt);
		default:
			return NULL;
	}
}

/* ---- what the plan says */

static void
note_read(RowPlans *plans, Oid relid)
{
	int64		bytes = pgm_heap_bytes(relid);
	PgmEffect  *effect = pgm_verdict_find(plans->verdict, relid);

	plans->verdict->read_bytes += bytes;
	if (effect != NULL && effect->scans == PGM_UNSET && bytes > LARGE_READ)
		effect->scans = PGM_TRUE;
}

static void
look_at_plan(RowPlans *plans, Plan *plan, List *rtable)
{
	ListCell   *lc;

	if (plan == NULL)
		return;
	if (IsA(plan, SeqScan))
	{
		Index		scanned = ((Scan *) plan)->scanrelid;

		note_read(plans, rt_fetch(scanned, rtable)->relid);
	}
	else if (IsA(plan, Append))
		foreach(lc, castNode(Append, plan)->appendplans)
			look_at_plan(plans, lfirst(lc), rtable);
	else if (IsA(plan, MergeAppend))
		foreach(lc, castNode(MergeAppend, plan)->mergeplans)
			look_at_plan(plans, lfirst(lc), rtable);
	else if (IsA(plan, SubqueryScan))
		look_at_plan(plans, castNode(SubqueryScan, plan)->subplan, rtable);
	look_at_plan(plans, outerPlan(plan), rtable);
	look_at_plan(plans, innerPlan(plan), rtable);
}

/* As much is written anew as the share of the rows, and of all indexes. */
static void
note_changed(PgmVerdict *verdict, const RangeVar *changed, double rows)
{
	Oid			relid = pgm_lookup_relation(changed);
	int64		bytes;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	bytes = pgm_total_bytes(relid);
	foreach(lc, pgm_descendants(relid))
		bytes += pgm_total_bytes(lfirst_oid(lc));
	verdict->all_rows = pgm_look_row_count(relid);
	if (rows < 0 || rows > verdict->all_rows)
		rows = verdict->all_rows;

	/* a data-modifying WITH has several */
	verdict->changed_rows = Max(verdict->changed_rows, rows);
	if (verdict->all_rows > 0)
		verdict->written_bytes += bytes * (rows / verdict->all_rows);
}

/* Where it cannot be planned it may change all of them. */
static void
note_rows(PgmVerdict *verdict, const RangeVar *changed)
{
	Oid			relid = changed == NULL ? InvalidOid :
		pgm_lookup_relation(changed);

	if (OidIsValid(relid))
		verdict->all_rows = Max(verdict->all_rows, pgm_look_row_count(relid));
}

static void
plan_query(RowPlans *plans, SelectStmt *select, const RangeVar *changed,
		   bool stored)
{
	PgmVerdict *verdict = plans->verdict;
	RawStmt    *raw = makeNode(RawStmt);
	List	   *queries;
	PlannedStmt *planned;
	ListCell   *lc;

	raw->stmt = (Node *) select;
	select->intoClause = NULL;
	select->lockingClause = NIL;
	if (pgm_strange_code(raw->stmt, NULL, GetUserId(),
						 plans->authored) != NULL)
		return;
	queries = pg_analyze_and_rewrite_fixedparams(raw, verdict->source->text,
												 NULL, 0, NULL);
	if (list_length(queries) != 1 || has_code(linitial(queries), NULL))
		return;
	planned = pgm_plan_query(linitial_node(Query, queries),
							 verdict->source->text, NULL);
	verdict->planned = true;
	look_at_plan(plans, planned->planTree, planned->rtable);
	foreach(lc, planned->subplans)
		look_at_plan(plans, lfirst(lc), planned->rtable);
	if (changed != NULL)
		note_changed(verdict, changed, planned->planTree->plan_rows);
	else if (stored)
		verdict->written_bytes += planned->planTree->plan_rows *
			(planned->planTree->plan_width + 32);
}

typedef struct Planning
{
	RowPlans   *plans;
	SelectStmt *select;
	RangeVar   *changed;
	bool		changes;
} Planning;

static void
try_plan(void *arg)
{
	const Planning *planning = arg;
	Oid			user;
	int			sec_context;

	/* ends with the subtransaction */
	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(user, sec_context | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	plan_query(planning->plans, planning->select, planning->changed,
			   planning->changes);
}

/* In a subtransaction that is rolled back, so that no lock is kept. */
static void
plan_guarded(RowPlans *plans, Node *stmt)
{
	Planning	planning = {plans, NULL, NULL, !IsA(stmt, SelectStmt)};
	ErrorData  *error;

	planning.select = query_of(stmt, &planning.changed);
	if (planning.select == NULL ||
		pgm_with_changes(planning.select->withClause))
		return;
	error = pgm_txn_look(try_plan, &planning);
	if (!plans->verdict->planned)
		note_rows(plans->verdict, planning.changed);
	if (error == NULL)
		return;
	plans->failed = true;
	if (error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN &&
		planning.changed != NULL)
	{
		note_changed(plans->verdict, planning.changed, -1);
		plans->verdict->planned = true;
	}
}

void
pgm_plan_rows(PgmVerdict *verdict, bool authored)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	RowPlans	plans = {verdict, authored, false};
	WithClause *with = NULL;
	int			guc_level;
	ListCell   *lc;

	verdict->changed_rows = -1;
	if (!pgm_depends_on_rows(verdict))
		return;
	guc_level = NewGUCNestLevel();

	/* nobody is waited for, and what indexes are asked for is not counted */
	(void) set_config_option("lock_timeout", "10ms",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("track_counts", "off",
							 PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	stmt = copyObject(stmt);

	/* of what changes rows itself those are looked for */
	if (IsA(stmt, SelectStmt) || IsA(stmt, InsertStmt))
		with = pgm_changing_with(stmt);
	if (with != NULL)
	{
		foreach(lc, with->ctes)
			plan_guarded(&plans,
						 lfirst_node(CommonTableExpr, lc)->ctequery);
		verdict->plain = verdict->planned && IsA(stmt, SelectStmt) &&
			!pgm_statement_calls_code(stmt);
	}
	else
	{
		plan_guarded(&plans, stmt);

		/* of the others it is not the whole that was planned */
		verdict->plain = verdict->planned && IsA(stmt, SelectStmt);
	}
	AtEOXact_GUC(false, guc_level);
}
