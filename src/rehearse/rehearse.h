/*-------------------------------------------------------------------------
 *
 * rehearse.h
 *	  Pending revisions up, down and up again in a scratch database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_REHEARSE_REHEARSE_H
#define PGM_REHEARSE_REHEARSE_H

#include "lib/stringinfo.h"

typedef struct PgmRehearsalRow
{
	int			step;			/* 0 is how the scratch database was made */
	const char *revision;		/* NULL of step 0 */
	const char *direction;		/* "up" or "down", NULL of step 0 */
	const char *state;
	int64		duration;		/* microseconds, -1 if nothing was run */
	const char *fingerprint;	/* of the schema after it, or NULL */
	bool		ok;
	const char *detail;			/* or NULL */
} PgmRehearsalRow;

typedef void (*PgmRehearsalVisitor) (const PgmRehearsalRow *row, void *arg);

/*
 * Rehearse what an upgrade to the target would run, in workers, as the current
 * user, with a sample of so many rows of each table, or none with 0.  Calls
 * back with each step; what it is handed lives in the current context.  The
 * result is kept.  The caller must hold no snapshot; see
 * exec/caller_snapshot.h.
 */
extern void pgm_rehearse(const char *target, int rows,
						 PgmRehearsalVisitor visit, void *arg);

/* At the load of the library. */
extern void pgm_rehearse_register(void);

#endif							/* PGM_REHEARSE_REHEARSE_H */
