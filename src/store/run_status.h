/*-------------------------------------------------------------------------
 *
 * run_status.h
 *	  Where a run stands.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_STATUS_H
#define PGM_STORE_RUN_STATUS_H

#include "base/result_rows.h"
#include "store/journal.h"

/* A run as it is at the moment, whatever the transaction's snapshot says. */
typedef struct PgmRunStatus
{
	int64		run;
	PgmRunState state;			/* interrupted, if its process is gone */
	int			pid;
	bool		worker;			/* pid is a background worker of ours */
	bool		unseen;			/* its row is not committed yet */
	bool		records;		/* ended, its worker records what it leaves */
	char	   *sqlstate;		/* of the error that ended it, else NULL */
	char	   *error;			/* its message, without values of rows */
} PgmRunStatus;

/* What is known of a run; run 0 is the last one.  False if it is not there. */
extern bool pgm_status_get(int64 run, PgmRunStatus *status);
extern bool pgm_status_rows(PgmRows *rows, int64 run, bool with_error);

/* The steps of a run, as upgrade() returns them. */
extern void pgm_status_steps(PgmRows *rows, int64 run);

#endif							/* PGM_STORE_RUN_STATUS_H */
