/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  A run in a background worker, and its caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_WORKER_WORKER_H
#define PGM_WORKER_WORKER_H

#include "graph/graph.h"

/*
 * Start a worker and follow it to the end of the run, or only until the run is
 * recorded.  Raises what the worker raises.  Returns the number of the run.
 * While it follows, the caller must hold no snapshot; see
 * exec/caller_snapshot.h.
 */
extern int64 pgm_worker_run(PgmDirection direction, const char *target,
							bool follow);

/* Ask a worker to stop its run. */
extern bool pgm_worker_cancel(int pid);

/* How often a session that waits for a run has to check that, in ms. */
#define PGM_LOCK_CHECK_MS 100

/*
 * Raise an error if the process waits, directly or through others, for a lock
 * of this session: it would wait for ever.
 */
extern void pgm_worker_check_deadlock(int pid);

extern PGDLLEXPORT void pgmigrate_worker_main(Datum main_arg);

#endif							/* PGM_WORKER_WORKER_H */
