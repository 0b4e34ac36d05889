/*-------------------------------------------------------------------------
 *
 * execution.h
 *	  Where the work of a call is done: in a worker, or here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_API_EXECUTION_H
#define PGM_API_EXECUTION_H

#include "fmgr.h"

/*
 * Is it to be done in a background worker, by pgmigrate.execution and by what
 * surrounds the call?  Refuses where a worker is asked for and cannot be;
 * where nothing is asked for, a NOTICE says why there is none.  "calls" is how
 * the call is to be written, for the hint.
 */
extern bool pgm_use_worker(FunctionCallInfo fcinfo, const char *calls);

/* For what is done in a worker or not at all. */
extern void pgm_require_worker(FunctionCallInfo fcinfo, const char *calls);

/*
 * After the worker has ended a run without an error: is what it recorded there
 * to be read?  Who waited for the end of the run may have dropped the
 * extension since, which a NOTICE says; nobody can any more in this
 * transaction.
 */
extern bool pgm_execution_left_record(int64 run);

/* Before a call that starts a worker and does not wait for it. */
extern void pgm_refuse_start(void);

#endif							/* PGM_API_EXECUTION_H */
