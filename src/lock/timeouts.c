/*-------------------------------------------------------------------------
 *
 * timeouts.c
 *	  The limits of the server's own waits for locks, as a run sets them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/proc.h"
#include "utils/guc.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/spi.h"
#include "citus/nodes.h"
#include "compat/lock.h"
#include "lock/internal.h"
#include "lock/watch.h"

void
pgm_lockset_milliseconds(const char *name, int value, GucAction action)
{
	char		text[16];

	snprintf(text, sizeof(text), "%d", value);
	(void) set_config_option(name, text, PGC_SUSET, PGC_S_SESSION, action,
							 true, 0, false);
}

void
pgm_lockset_deadlock_timeout(int timeout, GucAction action)
{
	pgm_lockset_milliseconds("deadlock_timeout",
							 Max(Min(timeout / 2, DeadlockTimeout), 1), action);
}

void
pgm_lockset_lock_timeout(int timeout, GucAction action)
{
	pgm_lockset_milliseconds("lock_timeout", timeout, action);
	pgm_lockset_deadlock_timeout(timeout, action);
}

/*
 * A smaller limit of the session's stays, and so does one that the revision
 * has SET itself.
 */
static bool
limit_is_ours(const PgmLockWait *wait)
{
	return LockTimeout == wait->own_lock_timeout &&
		(LockTimeout == 0 || LockTimeout > pgm_lock_timeout);
}

/*
 * The other nodes of Citus wait for their own locks, and the application waits
 * behind ours meanwhile: briefly at first.  It is told once a subtransaction,
 * which takes it along.
 */
static void
limit_nodes(PgmLockWait *wait)
{
	int			limit = LockTimeout;
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (!pgm_citus_is_here())
		return;
	if (wait->waits_for_rows == 0 && !wait->needs.opaque && limit > 0)
		limit = Min(limit, wait->node_wait);
	if (wait->nodes_lxid == pgm_local_xid() && wait->nodes_subid == subid &&
		wait->nodes_limit == limit)
		return;
	pgm_citus_limit_waits(limit);
	wait->nodes_lxid = pgm_local_xid();
	wait->nodes_subid = subid;
	wait->nodes_limit = limit;
}

/*
 * Who only reads and writes rows stands in nobody's front while it waits for
 * one, and would lose much if it had to begin anew: that has the deadline.
 */
static void
limit_waits(PgmLockWait *wait, bool weak, GucAction action)
{
	wait->waits_for_rows = 0;
	if (limit_is_ours(wait) && weak)
	{
		pgm_lockset_lock_timeout(pgm_lock_deadline, action);
		wait->waits_for_rows = pgm_clock_monotonic();
	}
	else if (limit_is_ours(wait))
		pgm_lockset_lock_timeout(pgm_lock_timeout, action);
	else if (LockTimeout > 0)
		pgm_lockset_deadlock_timeout(LockTimeout, action);
}

/* What is recorded of the step is written with its locks held. */
void
pgm_lockwait_limit(PgmLockWait *wait)
{
	bool		weak;

	if (pgm_lock_timeout == 0)
		return;
	weak = pgm_lockneeds_weak(&wait->needs);
	limit_waits(wait, weak, GUC_ACTION_LOCAL);
	limit_nodes(wait);
	if (wait->exec->worker)
	{
		pgm_spi_limit_ledger(weak ? pgm_lock_deadline : pgm_lock_timeout);
		pgm_lockwatch_begin(&wait->needs);
	}
}

void
pgm_lockwait_unlimit(PgmLockWait *wait)
{
	if (wait->exec->worker)
		pgm_lockwatch_end();

	/* the rest of the caller's transaction has its own limit */
	else if (wait->nodes_lxid != InvalidLocalTransactionId)
	{
		pgm_citus_limit_waits(wait->own_lock_timeout);
		wait->nodes_lxid = InvalidLocalTransactionId;
	}
}

void
pgm_lockwait_limit_committing(PgmLockWait *wait, bool waits_for_rows)
{
	if (pgm_lock_timeout == 0)
		return;
	if (LockTimeout == wait->own_lock_timeout)
	{
		if (waits_for_rows)
			pgm_lockset_milliseconds("lock_timeout", 0, GUC_ACTION_SET);
		else
			limit_waits(wait, false, GUC_ACTION_SET);
		wait->committing_limit = true;
	}
	pgm_lockneeds_init(&wait->needs, wait->attempt);
	pgm_lockwatch_begin(NULL);
}

void
pgm_lockwait_unlimit_committing(PgmLockWait *wait)
{
	pgm_lockwatch_end();
	if (wait->committing_limit)
	{
		pgm_lockset_milliseconds("lock_timeout", wait->own_lock_timeout,
								 GUC_ACTION_SET);
		pgm_lockset_milliseconds("deadlock_timeout", wait->own_deadlock_timeout,
								 GUC_ACTION_SET);
	}
	wait->committing_limit = false;
}
