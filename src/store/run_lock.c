/*-------------------------------------------------------------------------
 *
 * run_lock.c
 *	  The lock that lets one run work at a time.
 *
 * It must need a right, must not be lost while the run is at work, and must
 * keep the extension from being dropped or updated.  No lock of the server
 * does all three, so three are held:
 *
 *	held				mode			released by			keeps off
 *	user lock, of the	Exclusive		the end of the		other runs
 *	method of advisory					session, and
 *	locks								pg_advisory_unlock_all()
 *	user lock, of the	Exclusive		the end of the		other runs
 *	server's own method					session, and an
 *										abort
 *	the extension, as	Access Share	the same			DROP EXTENSION
 *	an object
 *
 * No SQL takes a lock of type "userlock": only our functions do, which ask for
 * a right.  What releases one of the two leaves the other, and the first is
 * taken again after each statement and each abort, so that mutual exclusion is
 * never lost.  Inside of a transaction all are of transaction level, and go
 * into a prepared one with it.  The run of a script is over when a statement
 * fails: its session keeps the second only.
 *
 * Any role can lock the extension object (ALTER FUNCTION ... DEPENDS ON
 * EXTENSION does), so it is no condition of a run: where it cannot be had, but
 * our tables can, somebody else than DROP EXTENSION has it.  An abort releases
 * it for a moment, in which DROP EXTENSION waits for the first one all the
 * same, by an event trigger; see extension_drop.c.  Where event triggers do
 * not fire it is cancelled; see pgm_run_dismiss_waiters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "exec/caller_snapshot.h"
#include "process/entry.h"
#include "process/follow.h"
#include "store/run_holder.h"
#include "store/run_lock.h"

/* Between two tries for a lock that somebody else has. */
#define PGM_RUN_POLL_MS 50

/* Another session may have it for the moment of a try. */
#define PGM_RUN_TRIES 10
#define PGM_RUN_TRY_MS 10

/* How long those who wait for us may take to obey their cancel. */
#define PGM_DISMISS_MS 5000

typedef struct RunLockTags
{
	LOCKTAG		advisory;		/* the user lock, in both methods */
	LOCKTAG		server;
	LOCKTAG		extension;
	LOCKTAG		turn;
} RunLockTags;

static PgmQuery still_running_query = {
	"SELECT FROM pgmigrate.run WHERE id = $1 AND state = 'running'",
	1, {INT8OID}
};

/* The turn that this session had last. */
static LOCKTAG turn_tag;

/* Of the lock that this session had last: released without a lookup. */
static RunLockTags my_tags;
static PgmRunLockLife session_life = PGM_UNTIL_END_OF_TRANSACTION;

static void
set_user_tag(LOCKTAG *tag, Oid extension, PgmLockPart part, uint8 method)
{
	tag->locktag_field1 = MyDatabaseId;
	tag->locktag_field2 = ExtensionRelationId;
	tag->locktag_field3 = extension;
	tag->locktag_field4 = part;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = method;
}

static void
set_tags(void *arg)
{
	RunLockTags *tags = arg;
	Oid			extension = pgm_extension_oid();

	set_user_tag(&tags->advisory, extension, PGM_PART_RUN, USER_LOCKMETHOD);
	set_user_tag(&tags->server, extension, PGM_PART_RUN, DEFAULT_LOCKMETHOD);
	set_user_tag(&tags->turn, extension, PGM_PART_TURN, USER_LOCKMETHOD);
	SET_LOCKTAG_OBJECT(tags->extension, MyDatabaseId, ExtensionRelationId,
					   extension, 0);
}

static void
refuse_taken(const PgmRunHolder *holder)
{
	ereport(ERROR,
			errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
			errmsg("another run is in progress in this database"),
			holder->detail ? errdetail_internal("%s", holder->detail) :
			errdetail("The extension is being dropped or altered."),
			holder->hint ? errhint("%s", holder->hint) :
			errhint("Repeat the call; SELECT * FROM pgmigrate.status() shows the last run."));
}

/*
 * The server releases the session-level locks of its own lock method when a
 * transaction aborts, but not when a process exits between two transactions:
 * then the lock would stay for ever, of a process that is gone.
 */
static void
unlock_at_exit(int code, Datum arg)
{
	pgm_run_unlock();
}

static bool
try_tag(const LOCKTAG *tag, LOCKMODE mode, bool session)
{
	return LockAcquire(tag, mode, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

static bool
is_tag(const LockInstanceData *lock, const LOCKTAG *tag)
{
	return memcmp(&lock->locktag, tag, sizeof(LOCKTAG)) == 0;
}

/*
 * Does somebody have the lock of the extension, or wait for it, who may drop
 * the extension?  DROP EXTENSION takes it long before the locks of our tables.
 */
static bool
may_be_dropping(const LOCKTAG *tag)
{
	LockData   *locks = GetLockStatusData();
	Oid			owner = pgm_schema_owner();

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		PGPROC	   *proc;

		if (!is_tag(lock, tag) || lock->pid == MyProcPid ||
			(lock->waitLockMode != AccessExclusiveLock &&
			 (lock->holdMask & LOCKBIT_ON(AccessExclusiveLock)) == 0))
			continue;
		proc = BackendPidGetProc(lock->pid);
		if (proc != NULL && is_member_of_role(proc->roleId, owner))
			return true;
	}
	return false;
}

/*
 * True if nobody is dropping the extension, with the lock that keeps it so
 * where it can be had: any role can have it, with ALTER FUNCTION ... DEPENDS
 * ON EXTENSION, and is not to keep runs from beginning.
 */
static bool
try_extension(const LOCKTAG *tag, bool session)
{
	Oid			table;

	if (try_tag(tag, AccessShareLock, session))
		return true;
	if (may_be_dropping(tag))
		return false;
	table = get_relname_relid("run", get_namespace_oid("pgmigrate", false));
	if (!OidIsValid(table) || !ConditionalLockRelationOid(table,
														  AccessShareLock))
		return false;
	UnlockRelationOid(table, AccessShareLock);
	return true;
}

/* Both user locks or none. */
static bool
try_user_locks(const RunLockTags *tags, bool session)
{
	if (!try_tag(&tags->advisory, ExclusiveLock, session))
		return false;
	if (try_tag(&tags->server, ExclusiveLock, session))
		return true;
	LockRelease(&tags->advisory, ExclusiveLock, session);
	return false;
}

static void
release_user_locks(const RunLockTags *tags, bool session)
{
	LockRelease(&tags->server, ExclusiveLock, session);
	LockRelease(&tags->advisory, ExclusiveLock, session);
}

/* All three or none. */
static bool
try_run_lock(const RunLockTags *tags, PgmRunLockLife life)
{
	static bool exit_registered = false;
	bool		session = life != PGM_UNTIL_END_OF_TRANSACTION;

	/* an error has ended the script that had it */
	if (session_life == PGM_UNTIL_ERROR && !pgm_run_lock_held())
		session_life = PGM_UNTIL_END_OF_TRANSACTION;
	if (session && !exit_registered)
	{
		before_shmem_exit(unlock_at_exit, (Datum) 0);
		exit_registered = true;
	}
	if (!try_user_locks(tags, session))
		return false;
	if (!try_extension(&tags->extension, session))
	{
		release_user_locks(tags, session);
		return false;
	}
	if (life == PGM_UNTIL_ERROR)
		LockRelease(&tags->advisory, ExclusiveLock, session);
	my_tags = *tags;
	if (session)
		session_life = life;
	return true;
}

void
pgm_run_lock(PgmRunLockLife life)
{
	int64		begun = pgm_clock_monotonic();
	PgmRunHolder holder;
	RunLockTags tags;
	int			tries = 0;

	if (pgm_process_right().role == PGM_RUN_HELPER)
		elog(ERROR, "a helper of a run cannot take the run lock");
	set_tags(&tags);
	for (;;)
	{
		if (try_run_lock(&tags, life))
			return;
		pgm_run_find_holder(&holder);
		if (pgm_run_still_records(&holder, begun))
		{
			CHECK_FOR_INTERRUPTS();
			pgm_clock_wait(PGM_RUN_POLL_MS);
			continue;
		}
		if ((holder.found && holder.works) || ++tries == PGM_RUN_TRIES)
			break;
		pgm_clock_nap(PGM_RUN_TRY_MS);
	}
	if (!holder.works)
	{
		/* who has the turn starts this run, it is not in its way */
		holder.detail = NULL;
		holder.hint = NULL;
	}
	refuse_taken(&holder);
}

bool
pgm_run_lock_held(void)
{
	return session_life != PGM_UNTIL_END_OF_TRANSACTION &&
		(pgm_lock_held_by_me(&my_tags.advisory, ExclusiveLock) ||
		 pgm_lock_held_by_me(&my_tags.server, ExclusiveLock));
}

static void
release(const LOCKTAG *tag, LOCKMODE mode)
{
	if (pgm_lock_held_by_me(tag, mode))
		LockRelease(tag, mode, true);
}

void
pgm_run_unlock(void)
{
	if (session_life != PGM_UNTIL_END_OF_TRANSACTION)
	{
		release(&my_tags.extension, AccessShareLock);
		release(&my_tags.server, ExclusiveLock);
		release(&my_tags.advisory, ExclusiveLock);
	}
	session_life = PGM_UNTIL_END_OF_TRANSACTION;
}

static bool
take_again(const LOCKTAG *tag)
{
	return pgm_lock_held_by_me(tag, ExclusiveLock) ||
		try_tag(tag, ExclusiveLock, true);
}

/*
 * Take again what is missing; false if somebody else has some of it.  Without
 * an abort the second keeps all others off: a DROP EXTENSION that waited may
 * have the first, which pg_advisory_unlock_all() released, and waits on.
 */
static bool
complete(bool aborted)
{
	bool		advisory = take_again(&my_tags.advisory);

	if (!take_again(&my_tags.server) || (aborted && !advisory))
		return false;
	return pgm_lock_held_by_me(&my_tags.extension, AccessShareLock) ||
		try_extension(&my_tags.extension, true);
}

static void
refuse_lost(void)
{
	PgmRunHolder holder;

	pgm_run_find_holder(&holder);
	ereport(ERROR,
			errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
			errmsg("the run lock was taken before a step could be repeated"),
			holder.found && holder.pid != MyProcPid ?
			errdetail_internal("%s", holder.detail) :
			errdetail("The extension is being dropped or altered."),
			errhint("Repeat the call when that is done."));
}

void
pgm_run_keep(void)
{
	if (session_life != PGM_UNTIL_END_OF_SESSION ||
		(pgm_lock_held_by_me(&my_tags.advisory, ExclusiveLock) &&
		 pgm_lock_held_by_me(&my_tags.server, ExclusiveLock) &&
		 pgm_lock_held_by_me(&my_tags.extension, AccessShareLock)))
		return;
	if (!complete(false))
		refuse_lost();
}

void
pgm_run_relock(void)
{
	if (session_life == PGM_UNTIL_END_OF_SESSION)
		(void) complete(true);
}

void
pgm_run_retake(int64 run)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		ours;

	if (session_life != PGM_UNTIL_END_OF_SESSION)
		refuse_lost();
	for (int i = 0; !complete(true); i++)
	{
		if (i == PGM_RUN_TRIES)
			refuse_lost();
		pgm_clock_nap(PGM_RUN_TRY_MS);
	}
	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	ours = pgm_spi_execute(&still_running_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	if (!ours)
		ereport(ERROR,
				errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
				errmsg("another run has begun before a step could be repeated"),
				errhint("Repeat the call."));
}

/* Does it wait for the extension, or, if so asked, for the run to end? */
static bool
waits_for_me(const LockInstanceData *lock, bool run)
{
	return lock->waitLockMode != NoLock &&
		(is_tag(lock, &my_tags.extension) ||
		 (run && is_tag(lock, &my_tags.advisory)));
}

/* Cancel those who wait to drop the extension; how many there are. */
static int
cancel_waiters(bool deadlock)
{
	LockData   *locks = GetLockStatusData();
	int			n = 0;

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		if (!waits_for_me(lock, deadlock))
			continue;
		n++;
		ereport(LOG,
				errmsg("canceling process %d, which waits to drop the extension or to depend on it",
					   lock->pid),
				errdetail("The run in progress has to repeat a step."));
		(void) kill(lock->pid, SIGINT);
	}
	return n;
}

bool
pgm_run_dismiss_blocker(int pid)
{
	PGPROC	   *proc = pid == 0 ? NULL : BackendPidGetProc(pid);
	LockData   *locks;
	bool		found = false;

	/* who waits for the run of another session is none of our business */
	if (!pgm_lock_held_by_me(&my_tags.extension, AccessShareLock))
		return false;

	/* few wait, so look at all locks only where that may be it */
	if (proc == NULL || ((const volatile PGPROC *) proc)->waitLock == NULL)
		return false;
	locks = GetLockStatusData();
	for (int i = 0; i < locks->nelements && !found; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		found = lock->pid == pid && waits_for_me(lock, true);
	}
	pfree(locks->locks);
	pfree(locks);
	if (!found)
		return false;
	ereport(LOG,
			errmsg("canceling process %d, which waits to drop the extension or to depend on it",
				   pid),
			errdetail("The run in progress waits for what that process has locked."));
	(void) kill(pid, SIGINT);
	return true;
}

static bool
is_awaited(const LOCKTAG *tag, LOCKMODE mode)
{
	return pgm_lock_held_by_me(tag, mode) && LockHasWaiters(tag, mode, true);
}

bool
pgm_run_lock_awaited(void)
{
	return session_life == PGM_UNTIL_END_OF_SESSION &&
		(is_awaited(&my_tags.advisory, ExclusiveLock) ||
		 is_awaited(&my_tags.extension, AccessShareLock));
}

/* In the handler of an error: reads shared memory only. */
void
pgm_run_dismiss_waiters(int sqlstate)
{
	bool		deadlock = sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED;
	int64		begun = pgm_clock_monotonic();

	if (session_life != PGM_UNTIL_END_OF_SESSION ||
		!pgm_lock_held_by_me(&my_tags.extension, AccessShareLock))
		return;
	while (cancel_waiters(deadlock) > 0)
	{
		if ((pgm_clock_monotonic() - begun) / 1000 > PGM_DISMISS_MS)
			break;
		pgm_clock_nap(PGM_RUN_TRY_MS);
	}
}

/*
 * Wait until a try succeeds.  No lock is waited for in the eyes of the server,
 * so that it never chooses the run as the victim of a deadlock; if the run
 * waits for us, it is we who give up.
 */
static bool
poll_until(bool (*try) (const RunLockTags *tags), int64 milliseconds)
{
	int64		begun = pgm_clock_monotonic();
	int64		checked = begun;
	PgmRunHolder holder;
	RunLockTags tags;

	/* no snapshot is needed after this, not even to read the catalog */
	pgm_caller_look(set_tags, &tags);
	pgm_run_look_at_holder(&holder);
	for (;;)
	{
		int64		now;

		CHECK_FOR_INTERRUPTS();
		if (try(&tags))
			return true;
		now = pgm_clock_monotonic();
		if (milliseconds >= 0 && (now - begun) / 1000 >= milliseconds)
			return false;
		if ((now - checked) / 1000 >= PGM_LOCK_CHECK_MS)
		{
			checked = now;
			if (holder.pid != 0 && BackendPidGetProc(holder.pid) == NULL)
				pgm_run_look_at_holder(&holder);
			if (holder.pid != 0 && pgm_process_waits_for_me(holder.pid))
				ereport(ERROR,
						errcode(PGM_ERRCODE_RUN_IN_PROGRESS),
						errmsg("another run is in progress in this database"),
						errdetail("Process %d, which works on it, waits for this transaction to end.",
								  holder.pid),
						errhint("Repeat the call when the run has ended."));
		}
		pgm_clock_wait(PGM_RUN_POLL_MS);
	}
}

/* Who is cancelled by a run is told nothing else. */
static void
queue_error_callback(void *arg)
{
	if (geterrcode() == ERRCODE_QUERY_CANCELED)
		errhint("If nobody has canceled it, a run of pgmigrate has, which cannot go on before this transaction ends.  Repeat it after the run.");
	errcontext("waiting for the run of pgmigrate in progress");
}

void
pgm_run_lock_queue(Oid extension)
{
	ErrorContextCallback callback;
	LOCKTAG		tag;

	callback.callback = queue_error_callback;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	set_user_tag(&tag, extension, PGM_PART_RUN, USER_LOCKMETHOD);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	error_context_stack = callback.previous;

	/* since 18 the name of an extension is looked up in a cache */
	AcceptInvalidationMessages();
}

static bool
try_run_lock_in_transaction(const RunLockTags *tags)
{
	return try_run_lock(tags, PGM_UNTIL_END_OF_TRANSACTION);
}

void
pgm_run_lock_wait(void)
{
	(void) poll_until(try_run_lock_in_transaction, -1);
}

/* The turn, if nobody has it and no run is in progress. */
static bool
try_turn(const RunLockTags *tags)
{
	if (!try_tag(&tags->turn, ExclusiveLock, false))
		return false;
	if (try_user_locks(tags, false))
	{
		release_user_locks(tags, false);
		return true;
	}
	LockRelease(&tags->turn, ExclusiveLock, false);
	return false;
}

/*
 * The turn, where no run is waited for any more.  Who was gone by the time of
 * the look is not in the way.
 */
static bool
outwait_record(PgmRunHolder *holder)
{
	int64		begun = pgm_clock_monotonic();

	while (pgm_run_still_records(holder, begun) ||
		   !holder->found)
	{
		if (poll_until(try_turn, PGM_RUN_POLL_MS))
			return true;
		pgm_run_look_at_holder(holder);
	}
	return false;
}

bool
pgm_run_await_turn(bool may_wait)
{
	PgmRunHolder holder;
	RunLockTags tags;

	pgm_caller_look(set_tags, &tags);
	turn_tag = tags.turn;
	if (try_turn(&tags))
		return false;
	pgm_run_look_at_holder(&holder);
	if (may_wait && pgm_run_wait > 0)
	{
		if (holder.works && !holder.records)
			ereport(NOTICE,
					errmsg("waiting for another run to end"),
					errdetail_internal("%s", holder.detail),
					errhint("It is waited for as long as \"pgmigrate.run_wait\" says."));
		if (poll_until(try_turn, pgm_run_wait))
			return true;
		pgm_run_look_at_holder(&holder);
	}
	if (!outwait_record(&holder))
		refuse_taken(&holder);
	return true;
}

void
pgm_run_end_turn(void)
{
	if (pgm_lock_held_by_me(&turn_tag, ExclusiveLock))
		LockRelease(&turn_tag, ExclusiveLock, false);
}

static PgmRunRole my_role = PGM_RUN_NONE;

void
pgm_run_enter(PgmRunRole role)
{
	my_role = role;
}

bool
pgm_run_inside(void)
{
	return my_role != PGM_RUN_NONE ||
		pgm_process_right().role == PGM_RUN_HELPER;
}
