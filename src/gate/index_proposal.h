/*-------------------------------------------------------------------------
 *
 * index_proposal.h
 *	  An index that would make a watched query as fast as before.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_INDEX_PROPOSAL_H
#define PGM_GATE_INDEX_PROPOSAL_H

#include "gate/watched_plan.h"

/*
 * CREATE INDEX that HypoPG proves: with it the plan costs less than half.
 * NULL where there is none, or no HypoPG in this database.
 */
extern char *pgm_index_proposal(const PgmWatched *watched,
								const PgmWatchedPlan *plan);

#endif							/* PGM_GATE_INDEX_PROPOSAL_H */
