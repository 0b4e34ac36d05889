/*-------------------------------------------------------------------------
 *
 * rows.c
 *	  UPDATE and DELETE of many rows: range by range.
 *
 * How many rows it is about is what the planner says.  A statement that the
 * planner cannot be asked about, because what it names is made by one before
 * it, is taken to be about all of them; so is one whose condition reads a
 * column that is newer than the statistics of its table, for which the
 * planner has nothing but constants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/relation_size.h"
#include "base/transaction.h"
#include "classify/related_relations.h"
#include "compat/plan.h"
#include "compat/server.h"
#include "sql/source_text.h"
#include "strategy/internal.h"
#include "strategy/part_plan.h"
#include "strategy/row_change.h"

/* A part of the target, as it is planned. */
#define PGM_PART_PAGES 128

/* Of the table and all that is below it; 0 if they were never counted. */
static double
all_rows(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, list_concat(list_make1_oid(relid), pgm_descendants(relid)))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			rows += pgm_counted_rows(lfirst_oid(lc));
	}
	return rows;
}

/* What the server and its planner say of a statement. */
typedef struct Expected
{
	double		rows;			/* negative if nothing is said */
	const char *refusal;
} Expected;

/* Analyzed for some pages of the target. */
static PlannedStmt *
plan_part(PgmMaker *maker, const PgmChange *change)
{
	RawStmt    *raw = copyObject(change->raw);
	Node	   *within =
		pgm_change_within(change, psprintf("%%s.ctid OPERATOR(pg_catalog.>=) '(0,0)'::pg_catalog.tid "
										   "AND %%s.ctid OPERATOR(pg_catalog.<) '(%d,0)'::pg_catalog.tid",
										   PGM_PART_PAGES));

	if (change->is_delete)
		castNode(DeleteStmt, raw->stmt)->whereClause = within;
	else
		castNode(UpdateStmt, raw->stmt)->whereClause = within;
	return pgm_plan_query(linitial(pg_analyze_and_rewrite_fixedparams(raw,
																	  maker->source->text,
																	  NULL, 0,
																	  NULL)),
						  maker->source->text, NULL);
}

/* Would each part of it read so much that it had better be one? */
static bool
reads_much(PgmMaker *maker, const PgmChange *change)
{
	bool		much = pgm_part_reads_much(plan_part(maker, change));

	if (much)
	{
		int			level = pgm_part_begin_lookups();

		much = pgm_part_reads_much(plan_part(maker, change));
		pgm_part_end_lookups(level);
	}
	return much;
}

static bool
has_statistics(Oid relid, AttrNumber attnum)
{
	return SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid),
								 Int16GetDatum(attnum), BoolGetDatum(false));
}

/* Was this table analyzed, but without this column? */
static bool
is_newer(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	char	   *name;

	if (attnum <= 0 || has_statistics(relid, attnum))
		return false;
	for (AttrNumber n = 1; (name = get_attname(relid, n, true)) != NULL; n++)
		if (has_statistics(relid, n))
			return true;
	return false;
}

/* Of the changed table, or of one below it, a column of the condition. */
static bool
reads_newer_column(const Query *query)
{
	Oid			relid =
		rt_fetch(query->resultRelation, query->rtable)->relid;
	List	   *below = pgm_descendants(relid);
	ListCell   *lc;
	ListCell   *table;

	foreach(lc, pull_vars_of_level((Node *) query->jointree, 0))
	{
		const Var  *var = lfirst(lc);
		char	   *name;

		if (!IsA(var, Var) || var->varno != query->resultRelation ||
			var->varattno <= 0)
			continue;
		name = get_attname(relid, var->varattno, false);
		if (is_newer(relid, name))
			return true;
		foreach(table, below)
		{
			if (is_newer(lfirst_oid(table), name))
				return true;
		}
	}
	return false;
}

/*
 * Analyzed, it names what it reads.  The planner evaluates constants, too, so
 * it is asked only where that may be.
 */
static void
ask_server(PgmMaker *maker, const PgmChange *change, Expected *expected)
{
	const char *text = maker->source->text;
	List	   *queries;
	PlannedStmt *plan;

	PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(copyObject(change->raw),
												 text, NULL, 0, NULL);
	if (list_length(queries) == 1)
		expected->refusal = pgm_change_query_refusal(change,
													 linitial(queries));
	if (list_length(queries) == 1 && expected->refusal == NULL &&
		pgm_change_reads_by_function(linitial(queries)))
		expected->refusal = "a function in it may read what it changes";
	if (list_length(queries) == 1 && maker->may_evaluate)
	{
		plan = pgm_plan_query(linitial(queries), text, NULL);
		if (plan->planTree->lefttree != NULL)
			expected->rows = plan->planTree->lefttree->plan_rows;

		/* an estimate of one row may be that of a unique index */
		if (expected->rows > 1 && reads_newer_column(linitial(queries)))
			expected->rows = -1;
		if (expected->refusal == NULL && reads_much(maker, change))
			expected->refusal = "each part of it would read anew what it joins, for want of an index";
	}
	PopActiveSnapshot();
}

typedef struct Question
{
	PgmMaker   *maker;
	const PgmChange *change;
	Expected	expected;
} Question;

static void
ask_if_free(void *arg)
{
	Question   *question = arg;

	if (ConditionalLockRelationOid(question->maker->relid, RowExclusiveLock))
		ask_server(question->maker, question->change, &question->expected);
}

/*
 * The same, where that may fail.  The locks of the analysis go again.  What
 * is not asked here for the code of others in it the run asks, with its
 * author's rights.
 */
static Expected
expect(PgmMaker *maker, const PgmChange *change)
{
	Question	question = {maker, change, {-1, NULL}};
	Oid			reader = pgm_strategy_reader(maker);
	Oid			save_user;
	int			save_context;

	if (!OidIsValid(reader))
		return question.expected;
	GetUserIdAndSecContext(&save_user, &save_context);
	if (reader != save_user)
		SetUserIdAndSecContext(reader, save_context |
							   SECURITY_RESTRICTED_OPERATION |
							   SECURITY_LOCAL_USERID_CHANGE);
	(void) pgm_txn_look(ask_if_free, &question);
	SetUserIdAndSecContext(save_user, save_context);
	return question.expected;
}

void
pgm_strategy_change_rows(PgmMaker *maker)
{
	double		total = all_rows(maker->relid);
	PgmChange  *change;
	Expected	expected;
	const char *risk;
	char	   *text;

	if (maker->subject->relkind != RELKIND_RELATION &&
		maker->subject->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	pgm_strategy_add_work(maker, maker->relid, PGM_WORK_REWRITE);
	change = pgm_change_take_apart(maker->source, maker->n, maker->relid);
	expected = expect(maker, change);
	if (expected.rows >= 0 && total > 0)
		maker->strategy->plain_ms *= Min(expected.rows / total, 1.0);
	risk = pgm_change_risk(change);
	if (risk == NULL)
		risk = expected.refusal;
	if (risk == NULL && pgm_strategy_has_foreign_partition(maker->relid))
		risk = "rows of it are behind a foreign table";
	if (risk != NULL)
	{
		pgm_strategy_stay_plain(maker, risk);
		return;
	}
	pgm_strategy_by_steps(maker, "backfill");
	text = pgm_slice_trim(pgm_statement_text(maker->source, maker->n));
	pgm_strategy_add_step(maker, text, NULL)->backfill = true;
}
