/*-------------------------------------------------------------------------
 *
 * partly_applied.h
 *	  What a failed try of a statement left behind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_PARTLY_APPLIED_H
#define PGM_STORE_PARTLY_APPLIED_H

#include "exec/execute.h"
#include "store/begun_statement.h"
#include "store/run_plan.h"

/* Where to go on in a revision that runs statement by statement. */
typedef struct PgmResume
{
	int			done;			/* statements that are done */
	char	   *digest;			/* of those, NULL if none */
	bool		retried;		/* the next one was begun before … */
	PgmBegun	begun;			/* … so */
	bool		same;			/* and its text is what it was then */
} PgmResume;

/*
 * Does statement n leave nothing but a state of the session, which can be had
 * again by running it again?
 */
extern bool pgm_resume_repeats(const PgmSource *source, int n);

/* Would it fail, because this session is the one where it ran before? */
extern bool pgm_resume_is_in_force(const PgmSource *source, int n);

/*
 * In a transaction.  Raises PM004 if statements done were changed since, or if
 * what is left needs a temporary table that they have made.
 */
extern void pgm_resume_find(const PgmRevision *revision,
							const PgmSource *source, PgmDirection direction,
							PgmResume *resume);

/*
 * Statement n of the source is begun for the first time, as far as what it
 * works on is concerned.  Who calls fills in what comes before the digest.  In
 * a transaction.
 */
extern void pgm_resume_begin(PgmBegun *begun, const PgmSource *source, int n);

/*
 * Was this step of carrying out a statement online, the only statement of its
 * source, begun before?  In a transaction.
 */
extern bool pgm_resume_find_online(const PgmBegun *step,
								   const PgmSource *source,
								   PgmResume *resume);

/* Drop the indexes that a failed try left INVALID.  As below. */
extern void pgm_resume_drop_leftovers(const PgmExec *exec,
									  const PgmResume *resume);

/*
 * Before statement n is tried again: drop what the failed try left, and tell
 * whether there is anything left to do.  Outside of a transaction, in a
 * worker.
 */
extern bool pgm_resume_clean(const PgmExec *exec, const PgmSource *source,
							 int n, const PgmResume *resume);

/*
 * Digest of the statements up to n, given that of those before it.  In a
 * transaction.
 */
extern char *pgm_resume_digest(const PgmSource *source, int n,
							   const char *before);

#endif							/* PGM_STORE_PARTLY_APPLIED_H */
