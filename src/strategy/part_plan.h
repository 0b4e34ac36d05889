/*-------------------------------------------------------------------------
 *
 * part_plan.h
 *	  What a part of an UPDATE or DELETE reads besides its rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_PART_PLAN_H
#define PGM_STRATEGY_PART_PLAN_H

#include "nodes/plannodes.h"

/* Is it so much that it had better not be read for each part? */
extern bool pgm_part_reads_much(const PlannedStmt *stmt);

/* In between the planner joins by lookups, if it can. */
extern int	pgm_part_begin_lookups(void);
extern void pgm_part_end_lookups(int level);

#endif							/* PGM_STRATEGY_PART_PLAN_H */
