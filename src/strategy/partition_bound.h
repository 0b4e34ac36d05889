/*-------------------------------------------------------------------------
 *
 * partition_bound.h
 *	  What the rows of a partition fulfil, as the server proves it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_PARTITION_BOUND_H
#define PGM_STRATEGY_PARTITION_BOUND_H

#include "nodes/parsenodes.h"

/*
 * The condition of a bound of this parent, in the server's words; NULL where
 * the bound is more than constants, the parent is locked by others, or the
 * current user lacks the rights of its owner.  Evaluates the constants, with
 * the rights of the owner; keeps ACCESS SHARE on the parent.
 */
extern char *pgm_partition_bound_text(Oid parent,
									  const PartitionBoundSpec *bound);

#endif							/* PGM_STRATEGY_PARTITION_BOUND_H */
