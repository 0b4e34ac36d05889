/*-------------------------------------------------------------------------
 *
 * losses.h
 *	  What rows are gone once a statement has run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_LOSSES_H
#define PGM_ASSESS_LOSSES_H

#include "lint/lint.h"

/* What the statement does to the relation of a finding, or NULL. */
extern const PgmEffect *pgm_finding_effect(const PgmJudged *judged,
										   const PgmFinding *finding);

/* Of the relation and of what is below it. */
extern int64 pgm_bytes_of_rows(const PgmEffect *effect);

/*
 * Add what is lost to the findings of the last n of "judged", those of one
 * source; before them are those that run before.  In a transaction.
 */
extern void pgm_note_losses(List *judged, int n);

#endif							/* PGM_ASSESS_LOSSES_H */
