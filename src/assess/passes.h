/*-------------------------------------------------------------------------
 *
 * passes.h
 *	  What a statement that goes along with one before it is shown as.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_PASSES_H
#define PGM_ASSESS_PASSES_H

#include "strategy/strategy.h"

/* The last pass of a source so far; of all zeros there is none yet. */
typedef struct PgmPassSeen
{
	const PgmSource *source;
	Oid			relid;
	int			first;			/* statement of it … */
	int			last;			/* … up to this one */
} PgmPassSeen;

/*
 * Of statements in their order, with the strategy that each has by itself: the
 * one by which the run carries it out.
 */
extern PgmStrategy *pgm_strategy_in_pass(PgmPassSeen *seen,
										 const PgmVerdict *verdict,
										 PgmStrategy *own);

#endif							/* PGM_ASSESS_PASSES_H */
