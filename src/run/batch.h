/*-------------------------------------------------------------------------
 *
 * batch.h
 *	  What is read before the steps, and written after them, for several.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_BATCH_H
#define PGM_RUN_BATCH_H

#include "store/ledger.h"
#include "store/revision.h"
#include "store/verification.h"

/* Revisions read before their steps, of a run in one transaction. */
typedef struct PgmReadAhead
{
	MemoryContext context;
	int			first;			/* step of the first, from 0 */
	int			n;
	PgmRevision **revisions;	/* NULL for one that was not read */
} PgmReadAhead;

/* Generated verifications of steps, read before them. */
typedef struct PgmStored
{
	MemoryContext context;
	int			first;			/* step of the first, from 0 */
	int			n;
	PgmGenerated **generated;	/* NULL where there is none */
} PgmStored;

/* Rows of steps that are done, not yet written. */
typedef struct PgmPending
{
	MemoryContext context;
	int			n;
	PgmLedgerChange *changes;
	int			nproofs;
	PgmVerificationRow *proofs;
} PgmPending;

#endif							/* PGM_RUN_BATCH_H */
