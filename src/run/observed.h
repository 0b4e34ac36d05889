/*-------------------------------------------------------------------------
 *
 * observed.h
 *	  What was predicted of the statements of a step, and what they did.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_OBSERVED_H
#define PGM_RUN_OBSERVED_H

#include "sql/statements.h"

typedef struct PgmHappened PgmHappened;

/* Lives in the current memory context, which must outlive transactions. */
extern PgmHappened *pgm_happened_create(void);

/* Forget the step before. */
extern void pgm_happened_begin(PgmHappened *happened);

/* Whose statements they are; the digest must last as long as they run. */
extern void pgm_happened_revision(PgmHappened *happened, const char *digest);

/*
 * Around statement n, in a transaction.  "commits" says that it ends
 * transactions itself, so that its locks are gone when it is done.  After an
 * error in between nothing is kept of it.
 */
extern void pgm_happened_before(PgmHappened *happened, const PgmSource *source,
								int n, bool commits);
extern void pgm_happened_after(PgmHappened *happened, uint64 rows);

/* What to add to the details of the step: jsonb as text, or NULL. */
extern char *pgm_happened_details(const PgmHappened *happened);

#endif							/* PGM_RUN_OBSERVED_H */
