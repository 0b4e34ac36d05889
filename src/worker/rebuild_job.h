/*-------------------------------------------------------------------------
 *
 * rebuild_job.h
 *	  The rebuild of a table as the job of a background worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_WORKER_REBUILD_JOB_H
#define PGM_WORKER_REBUILD_JOB_H

#include "run/rebuild.h"

/*
 * The caller has the turn to start a run, and holds no snapshot.  Of the
 * request the table and what it is to become.  Returns the number of the run.
 */
extern int64 pgm_worker_rebuild(const PgmRebuildRequest *request);

/* At the load of the library. */
extern void pgm_worker_register_rebuild(void);

#endif							/* PGM_WORKER_REBUILD_JOB_H */
