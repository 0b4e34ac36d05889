/*-------------------------------------------------------------------------
 *
 * caller_snapshot.h
 *	  Wait without a snapshot inside of a SELECT.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_CALLER_SNAPSHOT_H
#define PGM_EXEC_CALLER_SNAPSHOT_H

#include "fmgr.h"

/* Is this call all that a top-level SELECT outside of a transaction does? */
extern bool pgm_portal_is_sole_call(FunctionCallInfo fcinfo);

/* What makes it less than that, as the detail of a message; else NULL. */
extern const char *pgm_portal_obstacle(FunctionCallInfo fcinfo);

/* Only for such a call.  An error in between needs no restore. */
extern void pgm_portal_release_snapshot(void);
extern void pgm_portal_restore_snapshot(void);

/*
 * The same for a call that does nothing but wait, in a transaction block too;
 * false if the snapshot cannot be given up.  Other snapshots of the
 * transaction, as those of cursors, stay.
 */
extern bool pgm_portal_release_for_wait(FunctionCallInfo fcinfo);

/*
 * Look at tables for a moment, in a subtransaction that is taken back: no lock
 * is kept, and no snapshot if that of the query is released.  What the look
 * allocates is kept.
 */
extern void pgm_caller_look(void (*look) (void *arg), void *arg);

#endif							/* PGM_EXEC_CALLER_SNAPSHOT_H */
