/*-------------------------------------------------------------------------
 *
 * downgrade.h
 *	  What a way back replaces of a downgrade, and what is in its way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_DOWNGRADE_H
#define PGM_ONLINE_DOWNGRADE_H

#include "exec/execute.h"
#include "sql/statements.h"
#include "store/operation.h"
#include "store/revision.h"

typedef struct PgmReplaced
{
	PgmOperation *operation;	/* switched, or reverted by now */
	int			last;			/* statement, from 0 */
} PgmReplaced;

/* The table that a statement alters, or InvalidOid. */
extern Oid	pgm_shadow_altered_by(const PgmSource *source, int n);

/* Does the way back of an operation replace statements from this one on? */
extern bool pgm_shadow_replaced(const PgmRevision *revision,
								const PgmSource *source, int n,
								PgmReplaced *replaced);

/*
 * All that it would be refused for now, as ErrorData.  In a transaction;
 * changes nothing, and takes no lock that anybody waits for.
 */
extern List *pgm_shadow_foresee_revert(const PgmExec *exec,
									   const PgmSource *source, int n,
									   const PgmReplaced *replaced);

#endif							/* PGM_ONLINE_DOWNGRADE_H */
