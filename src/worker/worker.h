/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  A run as the job of a background worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_WORKER_WORKER_H
#define PGM_WORKER_WORKER_H

#include "assess/assess.h"
#include "graph/graph.h"

/*
 * Start a worker and follow it to the end of the run, or only until the run is
 * recorded.  The caller has the turn to start one; it ends when the run has
 * begun.  Raises what the worker raises.  Returns the number of the run.
 * While it follows, the caller must hold no snapshot; see
 * exec/caller_snapshot.h.
 */
extern int64 pgm_worker_run(PgmDirection direction, const char *target,
							const PgmAllowance *allowance, bool follow);

/* At the load of the library. */
extern void pgm_worker_register(void);

#endif							/* PGM_WORKER_WORKER_H */
