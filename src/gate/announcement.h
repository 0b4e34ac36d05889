/*-------------------------------------------------------------------------
 *
 * announcement.h
 *	  What is about to be run is announced, and somebody acknowledges that.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_ANNOUNCEMENT_H
#define PGM_GATE_ANNOUNCEMENT_H

#include "store/run_plan.h"

/* The number of the event.  note may be NULL; an empty plan is an error. */
extern int64 pgm_announce(const char *target, const char *note,
						  const PgmPlan *plan);

/* Has somebody read the announcement of the plan?  detail says who, or not. */
extern bool pgm_announcement_acknowledged(const char *digest,
										  const char **detail);

#endif							/* PGM_GATE_ANNOUNCEMENT_H */
