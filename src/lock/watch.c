/*-------------------------------------------------------------------------
 *
 * watch.c
 *	  Look at the lock queue from a timer, while this process is busy or waits.
 *
 * A signal handler can neither query nor take an LWLock.  So it reads what
 * other processes wait for without one: the pointers lead into shared memory
 * that is never unmapped, and a lock that goes away in the same moment makes a
 * count wrong by one, no more.  What follows from a count is a retry, never an
 * error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/settings.h"
#include "compat/lock.h"
#include "compat/server.h"
#include "lock/watch.h"
#include "process/entry.h"

/* Relations whose waiters are counted; more are not looked at. */
#define PGM_WATCHED 64

/* The longest and the shortest time between two looks. */
#define PGM_TICK_MIN_MS 5
#define PGM_TICK_MAX_MS 200

/* Fewer blocked sessions than these never make a step give way by default. */
#define PGM_FEW_BLOCKED 3

/* Between two searches for a deadlock: less than others wait with theirs. */
#define PGM_DEADLOCK_MS 400

static TimeoutId measure_timeout = MAX_TIMEOUTS;
static TimeoutId patience_timeout = MAX_TIMEOUTS;
static PgmTick watch_tick = {MAX_TIMEOUTS};

/* written by the handlers */
static volatile int behind;
static volatile int blocked;
static volatile sig_atomic_t gave_way = false;
static volatile sig_atomic_t lost_patience = false;
static volatile Oid waited_relid = InvalidOid;
static volatile LOCKMODE waited_mode = NoLock;
static volatile TimestampTz waited_since = 0;
static volatile TransactionId waited_xid = InvalidTransactionId;
static volatile int waited_pid = 0;
static volatile TimestampTz deadlock_check = 0;

/* read by them */
static volatile sig_atomic_t watching = false;
static volatile int patience_left;	/* ms that somebody may stand behind us */
static Oid	watched[PGM_WATCHED];
static int	nwatched;

static void
measure_handler(void)
{
	const volatile PGPROC *self = MyProc;
	const LOCK *lock;
	int			n = 0;

	/* NULL when the process is about to exit */
	if (self == NULL)
		return;
	lock = self->waitLock;
	if (lock == NULL)
		return;
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];

		if (proc != self && proc->waitLock == lock)
			n++;
	}
	behind = n;
}

void
pgm_lockwatch_measure(int wait)
{
	if (measure_timeout == MAX_TIMEOUTS)
		measure_timeout = RegisterTimeout(USER_TIMEOUT, measure_handler);
	behind = 0;
	enable_timeout_after(measure_timeout, Max(wait * 9 / 10, 1));
}

int
pgm_lockwatch_behind(void)
{
	disable_timeout(measure_timeout, false);
	return behind;
}

static bool
is_watched(const LOCK *lock)
{
	if (lock->tag.locktag_type != LOCKTAG_RELATION ||
		lock->tag.locktag_field1 != MyDatabaseId)
		return false;
	for (int i = 0; i < nwatched; i++)
		if (watched[i] == lock->tag.locktag_field2)
			return true;
	return false;
}

/* Who has waited for so many ms for what is watched? */
static int
count_blocked(int milliseconds)
{
	TimestampTz limit = GetCurrentTimestamp() -
		milliseconds * INT64CONST(1000);
	int			n = 0;

	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		const LOCK *lock = ((const volatile PGPROC *) proc)->waitLock;
		TimestampTz since;

		if (proc == MyProc || lock == NULL)
			continue;
		since = pgm_wait_start(proc);
		if (since != 0 && since < limit && is_watched(lock))
			n++;
	}
	return n;
}

static void
watch_needs(const PgmLockNeeds *needs)
{
	ListCell   *lc;

	nwatched = 0;
	if (needs != NULL && !needs->long_work)
		foreach(lc, needs->list)
	{
		if (nwatched < PGM_WATCHED)
			watched[nwatched++] = ((PgmLockNeed *) lfirst(lc))->relid;
	}
}

/* As lock_timeout does it: the server's own handler of a cancel request. */
static void
patience_handler(void)
{
	const volatile PGPROC *self = MyProc;
	int			n;

	if (self == NULL || self->waitLock == NULL || lost_patience ||
		QueryCancelPending)
		return;
	n = count_blocked(patience_left);
	if (n == 0)
		return;
	behind = n;
	lost_patience = true;
	kill(MyProcPid, SIGINT);
}

void
pgm_lockwatch_patient(const PgmLockNeeds *needs, int patience)
{
	int			tick = Min(Max(patience / 4, PGM_TICK_MIN_MS),
						   PGM_TICK_MAX_MS);

	watch_needs(needs);
	patience_left = patience;
	lost_patience = false;
	if (patience_timeout == MAX_TIMEOUTS)
		patience_timeout = RegisterTimeout(USER_TIMEOUT, patience_handler);
	enable_timeout_every(patience_timeout,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 tick),
						 tick);
}

void
pgm_lockwatch_patient_end(void)
{
	disable_timeout(patience_timeout, false);
	if (lost_patience)
		CHECK_FOR_INTERRUPTS();
}

bool
pgm_lockwatch_lost_patience(void)
{
	bool		result = lost_patience;

	if (patience_timeout != MAX_TIMEOUTS)
		disable_timeout(patience_timeout, false);
	lost_patience = false;

	/*
	 * It may be pending yet, if another error came first.  And what others
	 * asked for in the same moment must not end with it.
	 */
	if (result)
	{
		QueryCancelPending = false;
		if (gave_way || pgm_process_is_cancelled())
			InterruptPending = QueryCancelPending = true;
	}
	return result;
}

/*
 * So many blocked sessions are too many: those of the setting, but in a small
 * pool, where that many never are, half of all.
 */
static int
too_many(void)
{
	int			n = 0;

	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];

		if (proc != MyProc && proc->pid != 0 &&
			proc->databaseId == MyDatabaseId && pgm_proc_is_client(proc))
			n++;
	}
	return Min(pgm_max_blocked, Max((n + 1) / 2, PGM_FEW_BLOCKED));
}

/* Has anybody begun to wait, perhaps for us, since the last search? */
static bool
others_wait(void)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		const volatile PGPROC *seen = proc;
		TimestampTz since;

		if (proc == MyProc || seen->waitLock == NULL ||
			seen->databaseId != MyDatabaseId)
			continue;
		since = pgm_wait_start(proc);
		if (since == 0 || since >= deadlock_check)
			return true;
	}
	return false;
}

/* Whose transaction is waited for?  0 if it is none, or not known. */
static int
process_of(const LOCK *lock)
{
	const LOCKTAG *tag = &lock->tag;

	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];

		if (tag->locktag_type == LOCKTAG_TRANSACTION ?
			proc->xid == tag->locktag_field1 :
			tag->locktag_type == LOCKTAG_VIRTUALTRANSACTION &&
			pgm_proc_is(proc, tag->locktag_field1, tag->locktag_field2))
			return proc->pid;
	}
	return 0;
}

/*
 * The server looks for a deadlock once in each wait, after deadlock_timeout.
 * So the one who finds it, and is rolled back, is who came last: if we have
 * waited for long, somebody else.  Hence we look again, in time.
 */
static void
watch_own_wait(const LOCK *lock, LOCKMODE mode)
{
	TimestampTz now = GetCurrentTimestamp();

	if (lock->tag.locktag_type == LOCKTAG_RELATION &&
		lock->tag.locktag_field1 == MyDatabaseId)
	{
		waited_relid = lock->tag.locktag_field2;
		waited_mode = mode;
	}
	else
		waited_relid = InvalidOid;
	waited_xid = lock->tag.locktag_type == LOCKTAG_TRANSACTION ?
		lock->tag.locktag_field1 : InvalidTransactionId;
	waited_pid = process_of(lock);
	waited_since = pgm_wait_start(MyProc);
	if (now < deadlock_check)
		deadlock_check = 0;		/* the clock was set back */
	if (now - deadlock_check >= PGM_DEADLOCK_MS * INT64CONST(1000) &&
		others_wait())
	{
		deadlock_check = now;
		CheckDeadLockAlert();
	}
}

static void
watch_handler(void)
{
	const volatile PGPROC *self = MyProc;
	const LOCK *lock;

	if (self == NULL || !watching)
		return;
	lock = self->waitLock;
	if (lock != NULL)
		watch_own_wait(lock, self->waitLockMode);
	if (nwatched == 0 || pgm_max_blocked == 0 || QueryCancelPending)
		return;
	blocked = count_blocked(pgm_max_block_time);
	if (blocked == 0 || blocked < too_many())
		return;

	/* as lock_timeout does it: the server's own handler of a cancel request */
	gave_way = true;
	watching = false;
	kill(MyProcPid, SIGINT);
}

void
pgm_lockwatch_begin(const PgmLockNeeds *needs)
{
	int			every;

	watch_needs(needs);
	gave_way = false;
	waited_relid = InvalidOid;
	waited_since = 0;
	waited_xid = InvalidTransactionId;
	waited_pid = 0;
	watching = true;
	if (watch_tick.timeout == MAX_TIMEOUTS)
		watch_tick.timeout = RegisterTimeout(USER_TIMEOUT, watch_handler);
	every = Min(pgm_lock_timeout / 3, pgm_max_block_time / 4);
	pgm_clock_tick(&watch_tick,
				   Min(Max(every, PGM_TICK_MIN_MS), PGM_TICK_MAX_MS));
}

void
pgm_lockwatch_end(void)
{
	watching = false;
	CHECK_FOR_INTERRUPTS();
}

bool
pgm_lockwatch_gave_way(int *nblocked)
{
	bool		result = gave_way;

	watching = false;
	gave_way = false;
	*nblocked = blocked;
	return result;
}

int64
pgm_lockwatch_waited(void)
{
	if (waited_since == 0)
		return 0;
	return Max(GetCurrentTimestamp() - waited_since, 0);
}

bool
pgm_lockwatch_waited_for(Oid *relid, LOCKMODE *mode)
{
	*relid = waited_relid;
	*mode = waited_mode;
	return OidIsValid(*relid);
}

TransactionId
pgm_lockwatch_waited_transaction(int *pid)
{
	*pid = waited_pid;
	return waited_xid;
}
