/*-------------------------------------------------------------------------
 *
 * blocker_policy.h
 *	  Cancel or terminate who is in the way, if the caller wants it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_BLOCKER_POLICY_H
#define PGM_LOCK_BLOCKER_POLICY_H

#include "lock/needs.h"

/* Blockers that are remembered. */
#define PGM_SEEN 32

typedef struct PgmSeen
{
	char		transaction[PGM_TRANSACTION_LEN];
	int64		since;			/* monotonic microseconds */
	bool		signalled;
	bool		idle;			/* and that has been told */
} PgmSeen;

/* Since a step began to wait. */
typedef struct PgmLockPolicy
{
	PgmSeen		seen[PGM_SEEN];
	int			nseen;
} PgmLockPolicy;

/* A cancel does not reach a session that is idle in its transaction. */
#define PGM_POLICY_IDLE "not cancelled, idle in its transaction"

/* The role that runs may not signal it. */
#define PGM_POLICY_DENIED "not permitted"

/*
 * In a transaction.  What was done, a constant; NULL for nothing, as long as
 * blocker_policy says wait or the blocker has not been there for lock_timeout.
 */
extern const char *pgm_lockpolicy_apply(PgmLockPolicy *policy,
										const PgmBlocker *blocker);

/* Whatever blocker_policy says: of a list, who waits for this run himself. */
extern void pgm_lockpolicy_dismiss(List *blockers);

#endif							/* PGM_LOCK_BLOCKER_POLICY_H */
