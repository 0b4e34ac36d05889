/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  A run in a background worker, and its caller.
 *
 * The caller makes a shared memory segment with the request, its settings and
 * a message queue, registers a dynamic worker and follows the queue: what the
 * worker reports, the caller raises.  The worker owns the run.  If the caller
 * goes away, the queue has no reader, which the worker does not mind, and the
 * run goes on; unless the caller's exit cancels it first.
 *
 *	caller						worker
 *	register, wait				connect, settings, role
 *								run lock, plan, run row, commit
 *	<- accepted: run number
 *	<- NOTICE ...				steps
 *	<- ERROR, or finished		exit
 *
 * The worker connects as the caller's current user, so that RESET ROLE in a
 * revision leads nowhere else.  Before 17 a worker cannot connect as a role
 * without LOGIN; then it connects as the session user, does SET ROLE, and runs
 * under the guard of base/session_settings.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/settings.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "lock/ladder.h"
#include "run/runner.h"
#include "worker/worker.h"

#define PGM_CHANNEL_MAGIC 0x70676d67
#define PGM_QUEUE_SIZE 65536

/* Between two looks at the client, and at the postmaster. */
#define PGM_TICK_MS 1000

/*
 * Messages that come in a flood are collected for so long: a worker with many
 * small steps would spend more on waking us up than on some of them.
 */
#define PGM_FLOOD 4
#define PGM_NAP_MS 4

/* From asking a worker to stop, to terminating it, to giving up. */
#define PGM_CANCEL_REPEAT_MS 500
#define PGM_TERMINATE_AFTER_MS 4000
#define PGM_GIVE_UP_AFTER_MS 8000

/* Bytes kept of the error that made the caller cancel its worker. */
#define PGM_REASON_SIZE 256

enum
{
	PGM_KEY_CHANNEL = 1,
	PGM_KEY_TARGET,
	PGM_KEY_SETTINGS,
	PGM_KEY_QUEUE
};

/* Written by the caller before the worker starts, but for the last two. */
typedef struct PgmChannel
{
	Oid			database;
	Oid			connect_as;
	Oid			role;			/* to SET, if it is not connect_as */
	NameData	session_role;
	PgmDirection direction;
	Size		settings_size;
	PGPROC	   *caller;

	/* why the worker is cancelled; written before it is told, else empty */
	char		reason[PGM_REASON_SIZE];

	/* written by the worker, which then sets the caller's latch */
	pg_atomic_uint64 run;
	pg_atomic_uint32 finished;
} PgmChannel;

/* The caller's side. */
typedef struct Follower
{
	BackgroundWorkerHandle *handle;
	dsm_segment *segment;
	shm_mq_handle *queue;
	PgmChannel *channel;
	pid_t		pid;
	bool		let_go_on;		/* do not cancel the run when we leave */
} Follower;

static void
refuse_no_slot(void)
{
	ereport(ERROR,
			errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			errmsg("could not register a background worker"),
			errdetail("All of the %d worker processes are in use.",
					  max_worker_processes),
			errhint("Raise \"max_worker_processes\", or set \"pgmigrate.execution\" to \"inline\"."));
}

static bool
role_can_login(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return result;
}

/* As whom the worker is to connect; see the head of this file. */
static Oid
choose_login(void)
{
	Oid			session = GetSessionUserId();

	if (BGWORKER_BYPASS_ROLELOGINCHECK != 0 || role_can_login(GetUserId()))
		return GetUserId();
	if (role_can_login(session))
		return session;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("role \"%s\" is not permitted to log in",
				   GetUserNameFromId(session, false)),
			errdetail("The background worker that does the work must log in as it."),
			errhint("Grant LOGIN, or set \"pgmigrate.execution\" to \"inline\"."));
}

static void
create_channel(Follower *follower, PgmDirection direction, const char *target)
{
	shm_toc_estimator estimator;
	StringInfoData settings;
	shm_toc    *toc;
	Size		size;
	PgmChannel *channel;
	char	   *space;
	shm_mq	   *queue;
	MemoryContext old;

	initStringInfo(&settings);
	pgm_session_serialize(&settings);

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(PgmChannel));
	shm_toc_estimate_chunk(&estimator, strlen(target) + 1);
	shm_toc_estimate_chunk(&estimator, Max(settings.len, 1));
	shm_toc_estimate_chunk(&estimator, PGM_QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 4);
	size = shm_toc_estimate(&estimator);

	follower->segment = dsm_create(size, 0);
	toc = shm_toc_create(PGM_CHANNEL_MAGIC,
						 dsm_segment_address(follower->segment), size);

	channel = shm_toc_allocate(toc, sizeof(PgmChannel));
	memset(channel, 0, sizeof(PgmChannel));
	channel->database = MyDatabaseId;
	channel->connect_as = choose_login();
	channel->role = GetUserId();
	namestrcpy(&channel->session_role,
			   GetUserNameFromId(GetSessionUserId(), false));
	channel->direction = direction;
	channel->settings_size = settings.len;
	channel->caller = MyProc;
	pg_atomic_init_u64(&channel->run, 0);
	pg_atomic_init_u32(&channel->finished, 0);
	shm_toc_insert(toc, PGM_KEY_CHANNEL, channel);

	space = shm_toc_allocate(toc, strlen(target) + 1);
	strcpy(space, target);
	shm_toc_insert(toc, PGM_KEY_TARGET, space);

	space = shm_toc_allocate(toc, Max(settings.len, 1));
	memcpy(space, settings.data, settings.len);
	shm_toc_insert(toc, PGM_KEY_SETTINGS, space);

	space = shm_toc_allocate(toc, PGM_QUEUE_SIZE);
	queue = shm_mq_create(space, PGM_QUEUE_SIZE);
	shm_toc_insert(toc, PGM_KEY_QUEUE, queue);
	shm_mq_set_receiver(queue, MyProc);
	old = MemoryContextSwitchTo(TopTransactionContext);
	follower->queue = shm_mq_attach(queue, follower->segment, NULL);
	MemoryContextSwitchTo(old);
	follower->channel = channel;
	pfree(settings.data);
}

static void
register_worker(Follower *follower)
{
	BackgroundWorker worker = {0};
	MemoryContext old;
	bool		registered;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pgmigrate", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pgmigrate_worker_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pgmigrate worker", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pgmigrate worker", BGW_MAXLEN);
	worker.bgw_main_arg =
		UInt32GetDatum(dsm_segment_handle(follower->segment));
	worker.bgw_notify_pid = MyProcPid;

	old = MemoryContextSwitchTo(TopTransactionContext);
	registered = RegisterDynamicBackgroundWorker(&worker, &follower->handle);
	MemoryContextSwitchTo(old);
	if (!registered)
		refuse_no_slot();
	shm_mq_set_handle(follower->queue, follower->handle);
}

/*
 * To the worker its cancel is a request like any other; the run is to say what
 * is behind it, a timeout of ours for one.
 */
static void
tell_reason(PgmChannel *channel, bool error)
{
	MemoryContext old;
	ErrorData  *edata;

	if (channel->reason[0] != '\0')
		return;
	if (!error)
		strlcpy(channel->reason, ClientConnectionLost ?
				"the client is gone" : "the session that called it has ended",
				PGM_REASON_SIZE);
	else
	{
		old = MemoryContextSwitchTo(TopTransactionContext);
		edata = CopyErrorData();
		strlcpy(channel->reason, edata->message ? edata->message : "",
				PGM_REASON_SIZE);
		channel->reason[pg_mbcliplen(channel->reason, strlen(channel->reason),
									 PGM_REASON_SIZE - 1)] = '\0';
		FreeErrorData(edata);
		MemoryContextSwitchTo(old);
	}
	pg_write_barrier();
}

/*
 * Our session ends or fails while the worker is at work.  The worker is asked
 * to cancel until it is gone, and its queue is emptied meanwhile, for a worker
 * that waits for room in it would not hear.  Runs in error recovery, or, with
 * a code, at the exit of the process: nothing here may raise an error.
 */
static void
stop_worker(int code, Datum arg)
{
	Follower   *follower = (Follower *) DatumGetPointer(arg);
	int			waited = 0;
	pid_t		pid;

	/* without the postmaster the worker stops by itself */
	if (follower->handle == NULL || !PostmasterIsAlive())
		return;
	if (follower->let_go_on || ClientConnectionLost)
	{
		if (follower->let_go_on ||
			pgm_on_disconnect == PGM_DISCONNECT_CONTINUE)
			return;
	}

	HOLD_INTERRUPTS();
	tell_reason(follower->channel, code == 0);
	while (GetBackgroundWorkerPid(follower->handle, &pid) != BGWH_STOPPED &&
		   waited < PGM_GIVE_UP_AFTER_MS)
	{
		Size		size;
		void	   *data;

		if (GetBackgroundWorkerPid(follower->handle, &pid) == BGWH_STARTED)
		{
			if (waited >= PGM_TERMINATE_AFTER_MS)
				TerminateBackgroundWorker(follower->handle);
			else if (waited % PGM_CANCEL_REPEAT_MS == 0)
				(void) kill(pid, SIGINT);
		}
		else
			TerminateBackgroundWorker(follower->handle);
		while (shm_mq_receive(follower->queue, &size, &data, true) ==
			   SHM_MQ_SUCCESS)
			;
		pgm_clock_wait(10);
		waited += 10;
	}
	RESUME_INTERRUPTS();
}

/*
 * A run that looks who is in its way, see lock/ladder.c, does not wait in the
 * eyes of the server; it names the first of them at the end of its activity.
 */
static int
looked_at(int pid)
{
	const char *activity = pgstat_get_backend_current_activity(pid, false);
	const char *found = NULL;
	char	   *end;
	long		blocker;

	activity = strstr(activity, PGM_ACTIVITY_WAITING);
	if (activity == NULL)
		return 0;
	while ((activity = strstr(activity, PGM_ACTIVITY_BLOCKED)) != NULL)
	{
		activity += strlen(PGM_ACTIVITY_BLOCKED);
		found = activity;
	}
	if (found == NULL)
		return 0;
	blocker = strtol(found, &end, 10);
	return *end == '\0' ? (int) blocker : 0;
}

static void
refuse_deadlock(int pid)
{
	ereport(ERROR,
			errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
			errmsg("deadlock detected"),
			errdetail("The pgmigrate worker, process %d, waits for a lock of this session, which waits for the worker.",
					  pid),
			errhint("Release the session's locks, such as advisory locks, or call from another session."));
}

/* Processes to be asked for whom they wait; each of them once. */
typedef struct Chain
{
	int			pids[16];
	int			n;
} Chain;

static void
follow_chain(Chain *chain, int pid, int worker)
{
	if (pid == MyProcPid)
		refuse_deadlock(worker);
	for (int i = 0; i < chain->n; i++)
		if (chain->pids[i] == pid)
			return;
	/* 0 is a prepared transaction, which waits for nobody */
	if (pid != 0 && chain->n < lengthof(chain->pids))
		chain->pids[chain->n++] = pid;
}

/*
 * Whoever may cancel runs may cancel this one, of whatever role: nothing is
 * done with the rights of that role.  Only what a superuser does stays out of
 * reach of others, as it does in the server.  The caller has seen that the
 * process is a worker, which holds the run lock.  It may be gone by now, and
 * its number given to another one: that is so with pg_cancel_backend() too.
 */
bool
pgm_worker_cancel(int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);

	if (proc == NULL)
		return false;
	if (superuser_arg(proc->roleId) && !superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be a superuser to cancel a run of a superuser"));
	return kill(pid, SIGINT) == 0;
}

void
pgm_worker_check_deadlock(int pid)
{
	Chain		chain = {{pid}, 1};
	MemoryContext context;
	MemoryContext old;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgmigrate deadlock check",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	follow_chain(&chain, looked_at(pid), pid);
	for (int i = 0; i < chain.n; i++)
	{
		Datum		array = DirectFunctionCall1(pg_blocking_pids,
												Int32GetDatum(chain.pids[i]));
		Datum	   *pids;
		int			npids;

		deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32),
						  true, TYPALIGN_INT, &pids, NULL, &npids);
		for (int j = 0; j < npids; j++)
			follow_chain(&chain, DatumGetInt32(pids[j]), pid);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* A message of the worker: raised here as if it were ours. */
static void
relay(Follower *follower, char *data, Size size)
{
	StringInfoData message;
	ErrorData	edata;
	char		type;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, size);
	type = pq_getmsgbyte(&message);
	if (type != 'E' && type != 'N')
	{
		pfree(message.data);
		return;
	}
	pq_parse_errornotice(&message, &edata);
	pfree(message.data);

	if (edata.elevel >= ERROR)
	{
		/*
		 * Its locks are released and its run is written when it is gone, so
		 * not before.  A FATAL error ends the worker, not our session.
		 */
		WaitForBackgroundWorkerShutdown(follower->handle);
		edata.elevel = ERROR;
	}
	edata.cursorpos = 0;
	ThrowErrorData(&edata);
}

static void
check_client(void)
{
	if (pgm_client_is_there())
		return;
	ClientConnectionLost = 1;
	ereport(FATAL,
			errcode(ERRCODE_CONNECTION_FAILURE),
			errmsg("connection to client lost"));
}

/* Does the worker wait for us? */
static void
check_locks(Follower *follower)
{
	if (GetBackgroundWorkerPid(follower->handle, &follower->pid) ==
		BGWH_STARTED)
		pgm_worker_check_deadlock(follower->pid);
	InvalidateCatalogSnapshotConditionally();
}

static void
refuse_lost_worker(Follower *follower)
{
	if (pg_atomic_read_u32(&follower->channel->finished) != 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_CONNECTION_EXCEPTION),
			errmsg("the pgmigrate worker stopped without an answer"),
			errhint("See the server log and pgmigrate.status()."));
}

/* Once in so many milliseconds; the wait before may end at any time. */
static bool
is_time(int64 *last, int milliseconds)
{
	int64		now = pgm_clock_monotonic();

	if (now - *last < milliseconds * INT64CONST(1000))
		return false;
	*last = now;
	return true;
}

static void
follow(Follower *follower, bool to_the_end)
{
	int64		client_checked = pgm_clock_monotonic();
	int64		locks_checked = client_checked;
	int			messages = 0;

	for (;;)
	{
		Size		size;
		void	   *data;
		shm_mq_result result;

		CHECK_FOR_INTERRUPTS();
		if (!to_the_end && pg_atomic_read_u64(&follower->channel->run) != 0)
			return;

		result = shm_mq_receive(follower->queue, &size, &data, true);
		if (result == SHM_MQ_SUCCESS)
		{
			relay(follower, data, size);
			messages++;
			continue;
		}
		if (result == SHM_MQ_DETACHED)
			break;

		if (messages > PGM_FLOOD)
			pgm_clock_nap(PGM_NAP_MS);
		else
			pgm_clock_wait(PGM_LOCK_CHECK_MS);
		messages = 0;
		if (is_time(&locks_checked, PGM_LOCK_CHECK_MS))
			check_locks(follower);
		if (is_time(&client_checked, PGM_TICK_MS))
			check_client();
	}
	WaitForBackgroundWorkerShutdown(follower->handle);
	refuse_lost_worker(follower);
}

int64
pgm_worker_run(PgmDirection direction, const char *target, bool to_the_end)
{
	Follower	follower = {0};
	int64		run;

	create_channel(&follower, direction, target);

	/* before the worker exists, so that none is ever without a watcher */
	PG_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&follower));
	{
		register_worker(&follower);
		follow(&follower, to_the_end);
		follower.let_go_on = true;
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&follower));

	run = (int64) pg_atomic_read_u64(&follower.channel->run);
	dsm_detach(follower.segment);
	return run;
}

/* From here on: in the worker. */

static void
report_accepted(int64 run, void *arg)
{
	PgmChannel *channel = arg;

	pg_atomic_write_u64(&channel->run, (uint64) run);
	SetLatch(&channel->caller->procLatch);
}

static const char *
cancel_reason(void *arg)
{
	PgmChannel *channel = arg;

	pg_read_barrier();
	return channel->reason[0] == '\0' ? NULL : channel->reason;
}

/*
 * A statement that is busy does not see that the postmaster is gone, and while
 * it works on, no new one can be started.  A signal handler.
 */
static void
die_with_postmaster(void)
{
	if (PostmasterIsAlive())
		return;
	ProcDiePending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

static void
watch_postmaster(void)
{
	TimeoutId	timeout = RegisterTimeout(USER_TIMEOUT, die_with_postmaster);

	enable_timeout_every(timeout,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													 PGM_TICK_MS),
						 PGM_TICK_MS);
}

static void
connect_worker(const PgmChannel *channel)
{
	uint32		flags = 0;

	if (channel->connect_as == channel->role)
		flags = BGWORKER_BYPASS_ROLELOGINCHECK;
	BackgroundWorkerInitializeConnectionByOid(channel->database,
											  channel->connect_as, flags);
	SetConfigOption("application_name", "pgmigrate", PGC_USERSET,
					PGC_S_SESSION);
}

void
pgmigrate_worker_main(Datum main_arg)
{
	dsm_segment *segment;
	shm_toc    *toc;
	shm_mq	   *queue;
	PgmChannel *channel;
	PgmRunRequest request = {0};

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pgmigrate worker");
	segment = dsm_attach(DatumGetUInt32(main_arg));
	if (segment == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("could not map dynamic shared memory segment"));
	toc = shm_toc_attach(PGM_CHANNEL_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("invalid magic number in dynamic shared memory segment"));
	channel = shm_toc_lookup(toc, PGM_KEY_CHANNEL, false);
	request.target = shm_toc_lookup(toc, PGM_KEY_TARGET, false);
	request.settings = shm_toc_lookup(toc, PGM_KEY_SETTINGS, false);
	request.settings_size = channel->settings_size;
	request.direction = channel->direction;
	request.session_role = NameStr(channel->session_role);
	request.guard = channel->connect_as != channel->role;
	request.accepted = report_accepted;
	request.cancel_reason = cancel_reason;
	request.channel = channel;

	queue = shm_toc_lookup(toc, PGM_KEY_QUEUE, false);
	shm_mq_set_sender(queue, MyProc);
	dsm_pin_mapping(segment);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(queue, segment, NULL));

	connect_worker(channel);
	watch_postmaster();

	pgm_txn_begin();
	pgm_session_apply(request.settings, request.settings_size);
	if (request.guard)
		pgm_session_set_role(GetUserNameFromId(channel->role, false));
	pgm_txn_commit();

	pgm_runner_work(&request);

	pg_atomic_write_u32(&channel->finished, 1);
	pgstat_report_activity(STATE_IDLE, NULL);
}
