/*-------------------------------------------------------------------------
 *
 * planner.h
 *	  What the planner thinks of parallel workers.
 *
 * Its headers have declarations without a prototype before 16.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_PLANNER_H
#define PGM_COMPAT_PLANNER_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"

#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"

#pragma GCC diagnostic pop

#endif							/* PGM_COMPAT_PLANNER_H */
