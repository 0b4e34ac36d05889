/*-------------------------------------------------------------------------
 *
 * step_objects.h
 *	  What the steps of a statement have made is found again, or it fails.
 *
 * All are called in a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_STEP_OBJECTS_H
#define PGM_RUN_STEP_OBJECTS_H

#include "store/operation.h"

/* In the details: what a step has made, and what it has left of others. */
extern void pgm_step_objects_note(PgmOperation *operation,
								  const char *sql);

/* An error if something of it was dropped or replaced. */
extern void pgm_step_objects_check(const PgmOperation *operation);

/* What is left of a step's undo without what is not ours; NULL: nothing. */
extern char *pgm_step_objects_undo(const PgmOperation *operation,
								   const char *undo);

#endif							/* PGM_RUN_STEP_OBJECTS_H */
