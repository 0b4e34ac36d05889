/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  The verify queries of applied revisions, at any time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_VERIFY_H
#define PGM_RUN_VERIFY_H

typedef struct PgmVerification
{
	const char *revision;
	const char *source;			/* "written" or "generated" */
	int			statement;		/* from 1 */
	const char *detail;			/* why it does not hold, NULL if it does */
} PgmVerification;

typedef void (*PgmVerifyVisitor) (const PgmVerification *verification,
								  void *arg);

/*
 * Run the queries of all applied revisions, or of those in a range, as the
 * current user and read-only.  What a query does is rolled back, and an error
 * in it is a verification that does not hold, but for a cancel.
 */
extern void pgm_verify_applied(const char *range, PgmVerifyVisitor visit,
							   void *arg);

#endif							/* PGM_RUN_VERIFY_H */
