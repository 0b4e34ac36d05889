/*-------------------------------------------------------------------------
 *
 * part_plan.c
 *	  What a part of an UPDATE or DELETE reads besides its rows.
 *
 * What is joined by a hash is read for each part from its beginning to its
 * end, which the planner takes for cheap next to as many lookups in an index.
 * It is the time for which the rows of the part could be locked, and is spent
 * as often as there are parts; so beyond a size lookups are asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "strategy/part_plan.h"

/* About what is read within half the time of a chunk. */
#define PGM_PART_COST 5000

/*
 * What a plan reads however few rows of the target it is for, as a cost.  What
 * is looked up once for each row is not counted.
 */
static double
fixed_cost(const Plan *plan)
{
	double		cost = 0;
	List	   *children = NIL;
	ListCell   *lc;

	if (plan == NULL || IsA(plan, TidRangeScan))
		return 0;
	if (IsA(plan, NestLoop) && ((const NestLoop *) plan)->nestParams != NIL)
		return fixed_cost(outerPlan(plan));
	if (IsA(plan, Append))
		children = ((const Append *) plan)->appendplans;
	else if (IsA(plan, MergeAppend))
		children = ((const MergeAppend *) plan)->mergeplans;
	else if (IsA(plan, SubqueryScan))
		children = list_make1(((const SubqueryScan *) plan)->subplan);
	else if (IsA(plan, BitmapHeapScan) ||
			 (plan->lefttree == NULL && plan->righttree == NULL))
		return plan->total_cost;
	foreach(lc, children)
		cost += fixed_cost(lfirst(lc));
	return cost + fixed_cost(plan->lefttree) + fixed_cost(plan->righttree);
}

bool
pgm_part_reads_much(const PlannedStmt *stmt)
{
	double		cost = fixed_cost(stmt->planTree->lefttree);
	ListCell   *lc;

	foreach(lc, stmt->subplans)
	{
		if (lfirst(lc) != NULL)
			cost += ((const Plan *) lfirst(lc))->total_cost;
	}
	return cost > PGM_PART_COST;
}

int
pgm_part_begin_lookups(void)
{
	static const char *const others[] = {"enable_hashjoin",
	"enable_mergejoin"};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(others); i++)
		(void) set_config_option(others[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
pgm_part_end_lookups(int level)
{
	AtEOXact_GUC(false, level);
}
