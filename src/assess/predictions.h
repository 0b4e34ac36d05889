/*-------------------------------------------------------------------------
 *
 * predictions.h
 *	  What assessments have found out, kept for the runs that follow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_PREDICTIONS_H
#define PGM_ASSESS_PREDICTIONS_H

#include "classify/verdict.h"

/*
 * Keep the verdicts on a revision's statements, those that were tried.  digest
 * is that of the revision.  In a transaction that may write.
 */
extern void pgm_prediction_keep(const char *revision, const char *digest,
								List *verdicts);

/* Is there any at all?  In a transaction. */
extern bool pgm_prediction_any(void);

/*
 * Put what the last assessment found into a verdict that was told by the text
 * alone.  False if there is none.
 */
extern bool pgm_prediction_recall(const char *digest, PgmVerdict *verdict);

#endif							/* PGM_ASSESS_PREDICTIONS_H */
