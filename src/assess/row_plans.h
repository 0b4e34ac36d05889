/*-------------------------------------------------------------------------
 *
 * row_plans.h
 *	  How many rows a statement reads and changes, as the planner sees it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_ROW_PLANS_H
#define PGM_ASSESS_ROW_PLANS_H

#include "classify/verdict.h"

/*
 * Fills in what the verdict has of plans.  What cannot be planned without
 * running code of others stays unknown.  With "authored" the text is by
 * somebody who has the rights of the current user.
 */
extern void pgm_plan_rows(PgmVerdict *verdict, bool authored);

/* Is it WHERE CURRENT OF, which nothing but its own statement can have? */
extern bool pgm_is_positioned(const Node *where);

#endif							/* PGM_ASSESS_ROW_PLANS_H */
