/*-------------------------------------------------------------------------
 *
 * launch.c
 *	  Start workers, and stop them when the launcher fails.
 *
 * A handle lives in a memory context of its own, and its segment is pinned, so
 * that a launcher may commit while its workers are at work.  The list of
 * handles is what is stopped when the guarded function does not return.
 *
 * A worker connects as the launcher's current user, so that RESET ROLE in a
 * revision leads nowhere else.  Before 17 a worker cannot connect as a role
 * without LOGIN, and never as one without CONNECT; then it connects as the
 * session user, does SET ROLE, and runs under the guard of
 * base/session_settings.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/procsignal.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/settings.h"
#include "compat/server.h"
#include "process/launch.h"

/* From asking workers to stop, to terminating them, to giving up. */
#define PGM_CANCEL_REPEAT_MS 500
#define PGM_TERMINATE_AFTER_MS 4000
#define PGM_GIVE_UP_AFTER_MS 8000

/* Both are longer by this for one that has something to put away. */
#define PGM_CLEAN_UP_MS 60000

/* Between two looks at workers that are to stop. */
#define PGM_STOP_POLL_MS 10

/* What a worker warns of while it is stopped is kept unless it is longer. */
#define PGM_WARNING_SIZE 8192

/* Launched by this process and not closed yet. */
static dlist_head open_processes = DLIST_STATIC_INIT(open_processes);

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

	if ((BGWORKER_BYPASS_ROLELOGINCHECK != 0 ||
		 role_can_login(GetUserId())) &&
		PGM_DATABASE_ACLCHECK(GetUserId(), ACL_CONNECT) == ACLCHECK_OK)
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
fill_channel(PgmProcess *process, Oid database, PgmJobKind kind,
			 PgmRunRight right, const char *payload, Size size)
{
	PgmSegment *segment = &process->segment;
	PgmChannel *channel;
	StringInfoData settings;

	initStringInfo(&settings);
	if ((process->flags & PGM_LAUNCH_SET_BY_SESSION) != 0)
		pgm_session_serialize_own(&settings);
	else
		pgm_session_serialize(&settings);
	pgm_channel_create(segment, size, settings.len);
	channel = segment->channel;
	channel->kind = kind;
	channel->right = right;
	channel->database = database;
	channel->connect_as = choose_login();
	channel->role = GetUserId();
	channel->session_role = GetSessionUserId();
	memcpy(segment->payload, payload, size);
	memcpy(segment->settings, settings.data, settings.len);
	shm_mq_set_receiver(segment->queue, MyProc);
	process->queue = shm_mq_attach(segment->queue, segment->segment, NULL);
	pfree(settings.data);
}

/* As which pg_stat_activity shows it. */
static const char *
worker_name(const PgmChannel *channel)
{
	if (channel->right.role == PGM_RUN_HELPER)
		return "pgmigrate helper";
	switch (channel->kind)
	{
		case PGM_JOB_REHEARSE:
			return "pgmigrate rehearsal";
		case PGM_JOB_SCRATCH:
		case PGM_JOB_REHEARSE_STEPS:
			return "pgmigrate scratch worker";
		default:
			return "pgmigrate worker";
	}
}

static bool
register_worker(PgmProcess *process)
{
	const char *name = worker_name(process->segment.channel);
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pgmigrate", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pgmigrate_worker_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, name, BGW_MAXLEN);
	worker.bgw_main_arg =
		UInt32GetDatum(dsm_segment_handle(process->segment.segment));
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &process->handle))
	{
		if ((process->flags & PGM_LAUNCH_MAY_LACK_SLOT) == 0)
			refuse_no_slot();
		return false;
	}
	shm_mq_set_handle(process->queue, process->handle);
	return true;
}

PgmProcess *
pgm_process_launch(PgmJobKind kind, PgmRunRight right, const char *payload,
				   Size size, int flags)
{
	return pgm_process_launch_in(MyDatabaseId, kind, right, payload, size,
								 flags);
}

PgmProcess *
pgm_process_launch_in(Oid database, PgmJobKind kind, PgmRunRight right,
					  const char *payload, Size size, int flags)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate process",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PgmProcess *process = palloc0(sizeof(PgmProcess));
	bool		registered;

	process->context = context;
	process->message_context =
		AllocSetContextCreate(context, "pgmigrate message",
							  ALLOCSET_DEFAULT_SIZES);
	process->flags = flags;

	/* before the worker exists, so that none is ever without a watcher */
	dlist_push_tail(&open_processes, &process->node);
	fill_channel(process, database, kind, right, payload, size);
	registered = register_worker(process);
	MemoryContextSwitchTo(old);
	if (registered)
		return process;
	pgm_process_close(process);
	return NULL;
}

void
pgm_process_close(PgmProcess *process)
{
	dlist_delete(&process->node);
	if (process->segment.segment != NULL)
		dsm_detach(process->segment.segment);
	MemoryContextDelete(process->context);
}

/*
 * To the worker its cancel is a request like any other; the run is to say what
 * is behind it, a timeout of ours for one.
 */
static void
tell_reason(PgmProcess *process, bool error)
{
	PgmChannel *channel = process->segment.channel;
	MemoryContext old;
	ErrorData  *edata;

	if (pg_atomic_read_u32(&channel->has_reason) != 0)
		return;
	if (!error)
		strlcpy(channel->reason, ClientConnectionLost ?
				"the client is gone" : "the session that called it has ended",
				PGM_REASON_SIZE);
	else
	{
		old = MemoryContextSwitchTo(process->message_context);
		edata = CopyErrorData();
		strlcpy(channel->reason, edata->message ? edata->message : "",
				PGM_REASON_SIZE);
		channel->reason[pg_mbcliplen(channel->reason, strlen(channel->reason),
									 PGM_REASON_SIZE - 1)] = '\0';
		FreeErrorData(edata);
		MemoryContextSwitchTo(old);
	}
	pg_write_barrier();
	pg_atomic_write_u32(&channel->has_reason, 1);
}

static bool
goes_on(const PgmProcess *process)
{
	return process->handle == NULL || process->ended ||
		(ClientConnectionLost &&
		 (process->flags & PGM_LAUNCH_OUTLIVES_CLIENT) != 0 &&
		 pgm_on_disconnect == PGM_DISCONNECT_CONTINUE);
}

static int
extra_time(const PgmProcess *process)
{
	return (process->flags & PGM_LAUNCH_CLEANS_UP) != 0 ? PGM_CLEAN_UP_MS : 0;
}

/* By the severity that is not translated.  Each field ends with a zero. */
static bool
is_warning(const char *message, Size size)
{
	const char *field = message + 1;

	if (size < 2 || message[0] != 'N')
		return false;
	while (field < message + size && *field != '\0')
	{
		if (*field == PG_DIAG_SEVERITY_NONLOCALIZED)
			return strcmp(field + 1, "WARNING") == 0;
		field += strlen(field) + 1;
	}
	return false;
}

/*
 * What is to be known of its end: that a commit was not waited for any longer,
 * for one, which is there although a standby may not have it.
 */
static void
keep_warning(PgmProcess *process, const char *message, Size size)
{
	char	   *copy;

	/* the error that is handled may be that there is no memory */
	if (size > PGM_WARNING_SIZE || !is_warning(message, size) ||
		(copy = MemoryContextAllocExtended(process->context, size,
										   MCXT_ALLOC_NO_OOM)) == NULL)
		return;
	memcpy(copy, message, size);
	if (process->nwarnings == PGM_WARNINGS_KEPT)
	{
		pfree(process->warnings[0].message);
		memmove(&process->warnings[0], &process->warnings[1],
				sizeof(process->warnings[0]) * --process->nwarnings);
	}
	process->warnings[process->nwarnings].message = copy;
	process->warnings[process->nwarnings++].size = size;
}

/*
 * Ask once more, and empty the queue: a worker that waits for room in it would
 * not hear.  False when it is gone.
 */
static bool
press(PgmProcess *process, int64 waited, bool repeat)
{
	Size		size;
	void	   *data;
	pid_t		pid;
	bool		there = true;

	switch (GetBackgroundWorkerPid(process->handle, &pid))
	{
		case BGWH_STARTED:
			if (waited >= PGM_TERMINATE_AFTER_MS + extra_time(process))
				TerminateBackgroundWorker(process->handle);
			else if (repeat)
				(void) kill(pid, SIGINT);
			break;
		case BGWH_NOT_YET_STARTED:
			TerminateBackgroundWorker(process->handle);
			break;
		default:
			there = false;
			break;
	}
	while (shm_mq_receive(process->queue, &size, &data, true) ==
		   SHM_MQ_SUCCESS)
		keep_warning(process, data, size);
	return there;
}

/*
 * Our session ends or fails while workers are at work.  They are asked to
 * cancel until they are gone.  Runs in error recovery, or, with a code, at the
 * exit of the process: nothing here may raise an error.
 */
static void
stop_workers(bool error)
{
	int64		begun = pgm_clock_monotonic();
	int64		repeated = 0;
	bool		any = true;
	dlist_iter	iter;

	dlist_foreach(iter, &open_processes)
	{
		PgmProcess *process = dlist_container(PgmProcess, node, iter.cur);

		if (!goes_on(process))
			tell_reason(process, error);
	}
	while (any)
	{
		int64		waited = (pgm_clock_monotonic() - begun) / 1000;
		bool		repeat = waited >= repeated;

		if (repeat)
			repeated = waited + PGM_CANCEL_REPEAT_MS;
		any = false;
		dlist_foreach(iter, &open_processes)
		{
			PgmProcess *process = dlist_container(PgmProcess, node, iter.cur);

			if (!goes_on(process) &&
				waited < PGM_GIVE_UP_AFTER_MS + extra_time(process) &&
				press(process, waited, repeat))
				any = true;
		}

		/* a DROP DATABASE there waits for us, who hold interrupts */
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
		if (any)
			pgm_clock_wait(PGM_STOP_POLL_MS);
	}
}

/* The messages of both come before that of the error. */
static void
tell_warnings(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &open_processes)
	{
		PgmProcess *process = dlist_container(PgmProcess, node, iter.cur);
		MemoryContext old = MemoryContextSwitchTo(process->message_context);

		for (int i = 0; i < process->nwarnings; i++)
		{
			const PgmWarning *warning = &process->warnings[i];
			StringInfoData message = {warning->message, warning->size};
			ErrorData	edata;

			message.cursor = 1; /* behind its type */
			pq_parse_errornotice(&message, &edata);
			edata.cursorpos = 0;
			if (process->report != NULL)
				process->report(&edata, process->answer_arg);
			else
				ThrowErrorData(&edata);
		}
		MemoryContextSwitchTo(old);
	}
}

/* Who was told that his call is cancelled is to know that the work goes on. */
static void
warn_unstopped(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &open_processes)
	{
		PgmProcess *process = dlist_container(PgmProcess, node, iter.cur);
		int64		number;
		pid_t		pid;

		if (goes_on(process) || GetBackgroundWorkerPid(process->handle, &pid)
			!= BGWH_STARTED)
			continue;
		number = pg_atomic_read_u64(&process->segment.channel->accepted);
		ereport(WARNING,
				errmsg("the worker, process %d, has not ended yet",
					   (int) pid),
				errdetail("It has been asked to cancel, and to terminate, for %d s.",
						  (PGM_GIVE_UP_AFTER_MS + extra_time(process)) / 1000),
				number == 0 ? 0 :
				errhint(PGM_HINT_STATUS, number));
	}
}

static void
stop_all(int code, Datum arg)
{
	dlist_mutable_iter iter;

	/* without the postmaster the workers stop by themselves */
	if (!PostmasterIsAlive())
		return;
	HOLD_INTERRUPTS();
	stop_workers(code == 0);
	if (code == 0)
	{
		tell_warnings();
		warn_unstopped();
	}
	RESUME_INTERRUPTS();

	/* at the exit of the process the server detaches the segments */
	if (code != 0)
		return;
	dlist_foreach_modify(iter, &open_processes)
		pgm_process_close(dlist_container(PgmProcess, node, iter.cur));
}

void
pgm_process_guarded(void (*body) (void *arg), void *arg)
{
	dlist_mutable_iter iter;

	Assert(dlist_is_empty(&open_processes));

	PG_ENSURE_ERROR_CLEANUP(stop_all, (Datum) 0);
	{
		body(arg);
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_all, (Datum) 0);
	dlist_foreach_modify(iter, &open_processes)
		pgm_process_close(dlist_container(PgmProcess, node, iter.cur));
}
