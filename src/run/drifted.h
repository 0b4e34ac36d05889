/*-------------------------------------------------------------------------
 *
 * drifted.h
 *	  What was changed by hand on the relations that a run is about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_DRIFTED_H
#define PGM_RUN_DRIFTED_H

#include "store/run_plan.h"

/* A WARNING where there is something.  In a transaction, before the run. */
extern void pgm_run_warn_drift(const PgmPlan *plan);

#endif							/* PGM_RUN_DRIFTED_H */
