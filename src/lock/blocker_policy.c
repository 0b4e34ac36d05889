/*-------------------------------------------------------------------------
 *
 * blocker_policy.c
 *	  Cancel or terminate who is in the way, if the caller wants it.
 *
 * Only for blockers of this node that last, never for an autovacuum that
 * prevents wraparound, and once for each transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/fmgrprotos.h"
#include "utils/resowner.h"

#include "base/clock.h"
#include "base/settings.h"
#include "compat/server.h"
#include "lock/blocker_policy.h"
#include "store/run_lock.h"

/* With the caller's own rights, hence by the functions that check them. */
static const char *
signal_blocker(const PgmBlocker *blocker)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool		terminate = pgm_blocker_policy == PGM_BLOCKER_TERMINATE;
	const char *volatile outcome = terminate ? "terminated" : "cancelled";

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		Datum		pid = Int32GetDatum(blocker->pid);

		if (!DatumGetBool(terminate ?
						  DirectFunctionCall2(pg_terminate_backend, pid,
											  Int64GetDatum(0)) :
						  DirectFunctionCall1(pg_cancel_backend, pid)))
			outcome = "gone";
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (edata->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
			ReThrowError(edata);
		outcome = PGM_POLICY_DENIED;
		FreeErrorData(edata);
	}
	PG_END_TRY();
	return outcome;
}

/* How long have we seen it in the way?  Forgets some if there are too many. */
static PgmSeen *
remember_seen(PgmLockPolicy *policy, const char *transaction)
{
	PgmSeen    *seen;

	for (int i = 0; i < policy->nseen; i++)
		if (strcmp(policy->seen[i].transaction, transaction) == 0)
			return &policy->seen[i];
	if (policy->nseen == PGM_SEEN)
		policy->nseen = 0;
	seen = &policy->seen[policy->nseen++];
	strlcpy(seen->transaction, transaction, sizeof(seen->transaction));
	seen->since = pgm_clock_monotonic();
	seen->signalled = false;
	seen->idle = false;
	return seen;
}

void
pgm_lockpolicy_dismiss(List *blockers)
{
	ListCell   *lc;

	foreach(lc, blockers)
	{
		const PgmBlocker *blocker = lfirst(lc);

		if (blocker->node == NULL)
			pgm_run_dismiss_blocker(blocker->pid);
	}
}

const char *
pgm_lockpolicy_apply(PgmLockPolicy *policy, const PgmBlocker *blocker)
{
	PgmSeen    *seen;

	if (pgm_blocker_policy == PGM_BLOCKER_WAIT)
		return NULL;
	if (!blocker->lasting || blocker->pid == 0 || blocker->wraparound ||
		blocker->node != NULL)
		return NULL;

	seen = remember_seen(policy, blocker->transaction);
	if (seen->signalled || pgm_clock_monotonic() - seen->since <
		pgm_lock_timeout * INT64CONST(1000))
		return NULL;

	/* it may go on and be cancelled yet */
	if (pgm_blocker_policy == PGM_BLOCKER_CANCEL && blocker->state != NULL &&
		strncmp(blocker->state, "idle", 4) == 0)
	{
		if (seen->idle)
			return NULL;
		seen->idle = true;
		return PGM_POLICY_IDLE;
	}
	seen->signalled = true;
	return signal_blocker(blocker);
}
