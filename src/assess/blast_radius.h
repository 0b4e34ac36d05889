/*-------------------------------------------------------------------------
 *
 * blast_radius.h
 *	  Whom a lock will block, and about how long.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_BLAST_RADIUS_H
#define PGM_ASSESS_BLAST_RADIUS_H

#include "classify/verdict.h"

/* What this lock blocks, in words; effect is NULL where there is none. */
extern const char *pgm_blast_words(const PgmVerdict *verdict,
								   const PgmEffect *effect);

/*
 * What is read once for all statements; in a transaction.  After "until" no
 * relation is looked at any more; 0 is never.
 */
typedef struct PgmBlast PgmBlast;
extern PgmBlast *pgm_blast_begin(int64 until);

/* What is known of the relation now, as the text of a JSON object. */
extern const char *pgm_blast_details(PgmBlast *blast,
									 const PgmVerdict *verdict,
									 const PgmEffect *effect);

#endif							/* PGM_ASSESS_BLAST_RADIUS_H */
