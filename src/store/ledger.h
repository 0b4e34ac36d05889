/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  What is applied: rows of pgmigrate.head and pgmigrate.applied.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_LEDGER_H
#define PGM_STORE_LEDGER_H

#include "datatype/timestamp.h"

#include "graph/graph.h"
#include "store/verification.h"

/* What one step, or several in a row, do to the current heads. */
typedef struct PgmHeadsChange
{
	int			nremoved;
	char	  **removed;
	int			nadded;
	char	  **added;
} PgmHeadsChange;

/* A step that is done. */
typedef struct PgmLedgerChange
{
	int64		run;
	int			step;
	PgmDirection direction;
	const char *revision;		/* of a stamp NULL, as the digest */
	const char *digest;
	PgmHeadsChange heads;
	int			statements;
	TimestampTz started;
	TimestampTz finished;
	int64		duration;		/* microseconds */
	const char *details;		/* jsonb as text to add, or NULL */
	const PgmVerificationRow *proof;	/* up, of its own: to keep, or NULL */
} PgmLedgerChange;

/* On a standby nothing of ours can be written. */
extern void pgm_ledger_refuse_recovery(void);

extern char **pgm_ledger_heads(int *n);
extern bool pgm_ledger_at_only_head(void);

/* The rows of a step: heads, what is applied, the step of the run. */
extern void pgm_ledger_apply(const PgmLedgerChange *change);

/*
 * The same for several steps of one run that follow each other; heads is what
 * they do to the current heads in sum.
 */
extern void pgm_ledger_apply_all(int n, const PgmLedgerChange *changes,
								 const PgmHeadsChange *heads);

/*
 * Around a stamp: what is applied before it, and the mirrors of one row for
 * each revision brought in step after it.  n < 0 if there are no mirrors.
 */
extern char **pgm_ledger_mirrored_revisions(int *n);
extern void pgm_ledger_mirror_stamp(int nbefore, char **before);

/*
 * Make pgmigrate.applied say that exactly these revisions are applied.
 * Returns of how many it said something else; *refreshed, unless it is NULL,
 * is the number of digests that were not those of the stored texts, and now
 * are.
 */
extern int64 pgm_ledger_set_applied(int n, char **revisions, int64 run,
									int64 *refreshed);

/*
 * Rows for what the heads imply, if nothing is recorded as applied; an error
 * where the two are at odds.  The second only looks.
 */
extern void pgm_ledger_complete(const PgmGraph *graph, PgmRevSet rows);
extern void pgm_ledger_check_complete(const PgmGraph *graph, PgmRevSet rows);

extern bool pgm_ledger_is_applied(const char *revision);
extern bool pgm_ledger_was_before_heads(const char *revision);
extern void pgm_ledger_check_unaltered(void);
extern void pgm_ledger_refuse_subscriber(void);
extern void pgm_ledger_notice_origin(void);
extern void pgm_ledger_purge(void);

#endif							/* PGM_STORE_LEDGER_H */
