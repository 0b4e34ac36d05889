/*-------------------------------------------------------------------------
 *
 * run_cancel.h
 *	  Stop a run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_CANCEL_H
#define PGM_STORE_RUN_CANCEL_H

#include "store/run_status.h"

/*
 * Stop a run that is at work.  True if it was asked to stop and can hear it.
 */
extern bool pgm_run_cancel(const PgmRunStatus *status);

#endif							/* PGM_STORE_RUN_CANCEL_H */
