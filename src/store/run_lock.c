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
#include "store/run_lock.h"

/* Between two tries for a lock that somebody else has. */
#define PGM_RUN_POLL_MS 50

/* Another session may have it for the moment of a try. */
#define PGM_RUN_TRIES 10
#define PGM_RUN_TRY_MS 10

/* How long those who wait for us may take to obey their cancel. */
#define PGM_DISMISS_MS 5000

/* What the last number of a user lock says. */
typedef enum LockPart
{
	PART_RUN,
	PART_TURN
} LockPart;

typedef struct RunLockTags
{
	LOCKTAG		advisory;		/* the user lock, in both methods */
	LOCKTAG		server;
	LOCKTAG		extension;
	LOCKTAG		turn;
} RunLockTags;

typedef struct Holder
{
	bool		found;
	int			pid;			/* 0 of a prepared transaction */
	bool		works;			/* else it is about to start a run */
	char	   *detail;
	const char *hint;
} Holder;

static PgmQuery holder_query = {
	"SELECT l.pid, l.objsubid::int, a.usename::text, a.application_name, "
	"a.backend_type, date_trunc('second', now() - a.backend_start)::text, "
	"coalesce((SELECT max(r.id) FROM pgmigrate.run r "
	"WHERE r.state = 'running' AND r.pid = l.pid), "
	"(SELECT u.objid::bigint FROM pg_locks u WHERE u.pid = l.pid "
	"AND u.locktype = 'userlock' AND u.classid = 'pg_extension'::regclass "
	"AND u.objsubid = 2 LIMIT 1)), "
	"p.gid, date_trunc('second', now() - p.prepared)::text "
	"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"LEFT JOIN pg_prepared_xacts p ON l.pid IS NULL AND p.transaction = "
	"(SELECT x.transactionid FROM pg_locks x WHERE x.pid IS NULL "
	"AND x.locktype = 'transactionid' "
	"AND x.virtualtransaction = l.virtualtransaction LIMIT 1) "
	"WHERE l.locktype = 'userlock' AND l.classid = 'pg_extension'::regclass "
	"AND l.objid = $1 AND l.granted "
	"AND l.database = (SELECT oid FROM pg_database "
	"WHERE datname = current_database()) ORDER BY l.objsubid LIMIT 1",
	1, {OIDOID}
};

static PgmQuery work_query = {
	"SELECT id, strategy, quote_ident(schema_name) || '.' || quote_ident(relation_name), "
	"CASE WHEN total > 0 THEN least(done * 100 / total, 100)::int END, "
	"waiting_for, revision IS NULL AND strategy = 'backfill' "
	"FROM pgmigrate.operation WHERE run = $1 AND state IN ('preparing', "
	"'copying', 'indexing', 'comparing', 'switching') "
	"ORDER BY id DESC LIMIT 1",
	1, {INT8OID}
};

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
set_user_tag(LOCKTAG *tag, Oid extension, LockPart part, uint8 method)
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

	set_user_tag(&tags->advisory, extension, PART_RUN, USER_LOCKMETHOD);
	set_user_tag(&tags->server, extension, PART_RUN, DEFAULT_LOCKMETHOD);
	set_user_tag(&tags->turn, extension, PART_TURN, USER_LOCKMETHOD);
	SET_LOCKTAG_OBJECT(tags->extension, MyDatabaseId, ExtensionRelationId,
					   extension, 0);
}

/*
 * What may take hours: how far it is, so that nobody waits for it by mistake.
 * The last query of a scope.
 */
static void
describe_work(Holder *holder, int64 run, StringInfo buf)
{
	Datum		values[1];

	values[0] = Int64GetDatum(run);
	if (pgm_spi_execute_latest(&work_query, values, NULL) == 0)
		return;
	appendStringInfo(buf, " Its operation " INT64_FORMAT ", %s of relation %s, is ",
					 pgm_spi_int64(1, 1), pgm_spi_text(1, 2),
					 pgm_spi_text(1, 3));
	if (pgm_spi_isnull(1, 4))
		appendStringInfoString(buf, "at work");
	else
		appendStringInfo(buf, "%d %% done", pgm_spi_int32(1, 4));
	if (!pgm_spi_isnull(1, 5))
		appendStringInfo(buf, ", and waits for %s", pgm_spi_text(1, 5));
	appendStringInfoChar(buf, '.');
	if (holder->hint != NULL && pgm_spi_bool(1, 6))
		holder->hint = psprintf("%s What it has changed stays; pgmigrate.backfill() with the same arguments does the rest later.",
								holder->hint);
}

static void
describe_process(Holder *holder, StringInfo buf)
{
	char	   *user = pgm_spi_text(1, 3);
	char	   *application = pgm_spi_text(1, 4);
	char	   *kind = pgm_spi_text(1, 5);
	char	   *age = pgm_spi_text(1, 6);
	int64		run = pgm_spi_isnull(1, 7) ? 0 : pgm_spi_int64(1, 7);

	appendStringInfo(buf, "Process %d (%s", holder->pid, kind ? kind : "?");
	if (user != NULL)
		appendStringInfo(buf, ", user \"%s\"", user);
	if (application != NULL && application[0] != '\0')
		appendStringInfo(buf, ", application \"%s\"", application);
	if (age != NULL)
		appendStringInfo(buf, ", started %s ago", age);
	if (!holder->works)
		appendStringInfoString(buf, ") is about to start a run.");
	else if (run != 0)
	{
		appendStringInfo(buf, ") works on run " INT64_FORMAT ".", run);
		holder->hint = psprintf("Wait for it with SELECT * FROM pgmigrate.wait(" INT64_FORMAT "), or stop it with SELECT pgmigrate.cancel(" INT64_FORMAT ").",
								run, run);
	}
	else
		appendStringInfoString(buf, ") holds the run lock.");
	if (kind != NULL && strcmp(kind, "pgmigrate worker") != 0 && holder->works)
		holder->hint = psprintf("It ends with the transaction or the script of that session; SELECT pg_terminate_backend(%d) ends the session.",
								holder->pid);
	if (run != 0 && holder->works)
		describe_work(holder, run, buf);
}

/* In a transaction.  The texts are in the caller's memory context. */
static void
find_holder(void *arg)
{
	Holder	   *holder = arg;
	PgmSpiScope scope;
	Datum		values[1];

	memset(holder, 0, sizeof(Holder));
	values[0] = ObjectIdGetDatum(pgm_extension_oid());
	pgm_spi_begin(&scope);
	holder->found = pgm_spi_execute_latest(&holder_query, values, NULL) > 0;
	if (holder->found)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);
		StringInfoData buf;

		initStringInfo(&buf);
		holder->works = pgm_spi_int32(1, 2) == PART_RUN;
		if (!pgm_spi_isnull(1, 1))
		{
			holder->pid = pgm_spi_int32(1, 1);
			describe_process(holder, &buf);
		}
		else if (!pgm_spi_isnull(1, 8))
		{
			appendStringInfo(&buf, "A prepared transaction holds the run lock, \"%s\", prepared %s ago.",
							 pgm_spi_text(1, 8), pgm_spi_text(1, 9));
			holder->hint = "End it with COMMIT PREPARED or ROLLBACK PREPARED.";
		}
		else
			appendStringInfoString(&buf, "A prepared transaction holds the run lock.");
		holder->detail = buf.data;
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
}

/* The same, keeping no lock on our tables. */
static void
look_at_holder(Holder *holder)
{
	pgm_caller_look(find_holder, holder);
}

int
pgm_run_lock_holder(void)
{
	Holder		holder;

	find_holder(&holder);
	return holder.works ? holder.pid : 0;
}

static void
refuse_taken(const Holder *holder)
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
	Holder		holder;
	RunLockTags tags;

	if (pgm_process_right().role == PGM_RUN_HELPER)
		elog(ERROR, "a helper of a run cannot take the run lock");
	set_tags(&tags);
	for (int i = 0; i < PGM_RUN_TRIES; i++)
	{
		if (i > 0)
			pgm_clock_nap(PGM_RUN_TRY_MS);
		if (try_run_lock(&tags, life))
			return;
		find_holder(&holder);
		if (holder.found && holder.works)
			break;
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
	Holder		holder;

	find_holder(&holder);
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
	Holder		holder;
	RunLockTags tags;

	/* no snapshot is needed after this, not even to read the catalog */
	pgm_caller_look(set_tags, &tags);
	look_at_holder(&holder);
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
				look_at_holder(&holder);
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
	set_user_tag(&tag, extension, PART_RUN, USER_LOCKMETHOD);
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

bool
pgm_run_await_turn(bool may_wait)
{
	Holder		holder;
	RunLockTags tags;

	pgm_caller_look(set_tags, &tags);
	turn_tag = tags.turn;
	if (try_turn(&tags))
		return false;
	look_at_holder(&holder);
	if (!may_wait || pgm_run_wait == 0)
		refuse_taken(&holder);
	if (holder.works)
		ereport(NOTICE,
				errmsg("waiting for another run to end"),
				errdetail_internal("%s", holder.detail),
				errhint("It is waited for as long as \"pgmigrate.run_wait\" says."));
	if (!poll_until(try_turn, pgm_run_wait))
	{
		look_at_holder(&holder);
		refuse_taken(&holder);
	}
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
