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

typedef struct PgmObserved PgmObserved;

/* Lives in the current memory context, which must outlive transactions. */
extern PgmObserved *pgm_observed_create(void);

/* Forget the step before. */
extern void pgm_observed_begin(PgmObserved *observed);

/* Whose statements they are; the digest must last as long as they run. */
extern void pgm_observed_revision(PgmObserved *observed, const char *digest);

/*
 * Around statement n, in a transaction.  "commits" says that it ends
 * transactions itself, so that its locks are gone when it is done.  After an
 * error in between nothing is kept of it.
 */
extern void pgm_observed_before(PgmObserved *observed, const PgmSource *source,
								int n, bool commits);
extern void pgm_observed_after(PgmObserved *observed, uint64 rows);

/* What to add to the details of the step: jsonb as text, or NULL. */
extern char *pgm_observed_details(const PgmObserved *observed);

#endif							/* PGM_RUN_OBSERVED_H */
