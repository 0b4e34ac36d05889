/*-------------------------------------------------------------------------
 *
 * follow.c
 *	  Follow workers: what they report is raised here.
 *
 * The launcher sleeps on its latch until one of the workers ends or says
 * something, at the latest after PGM_LOCK_CHECK_MS.  Each time:
 *
 *	receive		what is in the queues: messages are raised here, an ERROR when
 *				its worker has ended; answers are handed over.  Of a flood the
 *				rest is collected for PGM_NAP_MS.
 *	interrupts	a cancel ends the wait; the worker is stopped by who launched
 *				it, see pgm_process_guarded()
 *	check		is the client there?  does a worker wait for a lock of ours?
 *
 * A message lives in a context that is reset before the next one, so that the
 * launcher does not grow with what its workers report.
 *
 * The deadlock detector of the server goes by heavyweight locks, and a latch
 * is none: a worker that waits for its launcher would wait for ever.  So the
 * launcher follows the chain of those who are waited for from the worker on,
 * by pg_blocking_pids().  A worker on the ladder of locks does not wait in the
 * eyes of the server while it only looks, and shows who is in its way in its
 * activity.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/clock.h"
#include "base/printable.h"
#include "compat/server.h"
#include "process/follow.h"

/* Between two looks at the client. */
#define PGM_CLIENT_CHECK_MS 1000

/*
 * Messages that come in a flood are collected for so long: a worker with many
 * small steps would spend more on waking us up than on some of them.
 */
#define PGM_FLOOD 4
#define PGM_NAP_MS 4

/* How the activity of a worker begins that runs a statement. */
#define ACTIVITY_BEGIN "/" "* pgmigrate: "

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

/* Processes to be asked for whom they wait; each of them once. */
typedef struct Chain
{
	int			pids[16];
	int			n;
} Chain;

/* True if it is this session. */
static bool
follow_chain(Chain *chain, int pid)
{
	if (pid == MyProcPid)
		return true;
	for (int i = 0; i < chain->n; i++)
		if (chain->pids[i] == pid)
			return false;
	/* 0 is a prepared transaction, which waits for nobody */
	if (pid != 0 && chain->n < lengthof(chain->pids))
		chain->pids[chain->n++] = pid;
	return false;
}

/*
 * Whoever may cancel runs may cancel this one, of whatever role: nothing is
 * done with the rights of that role.  Only what a superuser does stays out of
 * reach of others, as it does in the server.  The caller has seen that the
 * process is a worker, which holds the run lock.  It may be gone by now, and
 * its number given to another one: that is so with pg_cancel_backend() too.
 */
bool
pgm_process_cancel(int pid)
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

/* Who of those it waits for waits for this session; 0 if nobody does. */
static int
find_waiter(int pid)
{
	int			waiter = 0;
	Chain		chain = {{pid}, 1};
	MemoryContext context;
	MemoryContext old;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgmigrate deadlock check",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	if (follow_chain(&chain, looked_at(pid)))
		waiter = pid;
	for (int i = 0; i < chain.n && waiter == 0; i++)
	{
		Datum		array;
		Datum	   *pids;
		int			npids;

		array = DirectFunctionCall1(pg_blocking_pids,
									Int32GetDatum(chain.pids[i]));
		deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32),
						  true, TYPALIGN_INT, &pids, NULL, &npids);
		for (int j = 0; j < npids; j++)
			if (follow_chain(&chain, DatumGetInt32(pids[j])))
				waiter = chain.pids[i];
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return waiter;
}

bool
pgm_process_waits_for_me(int pid)
{
	return find_waiter(pid) != 0;
}

static void
refuse_deadlock(int pid, bool snapshot)
{
	ereport(ERROR,
			errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
			errmsg("deadlock detected"),
			errdetail("The pgmigrate worker, process %d, waits for a lock of this session, which waits for the worker.",
					  pid),
			IsolationUsesXactSnapshot() ?
			errhint("A statement that runs CONCURRENTLY waits for the snapshot of this transaction, whose isolation level is \"%s\"; call at \"read committed\".",
					GetConfigOption("transaction_isolation", false, false)) :
			snapshot ?
			errhint("Call it as a statement of its own: the worker waits for this query, for its locks or, where a statement runs CONCURRENTLY, for its snapshot.") :
			errhint("Release the session's locks, such as advisory locks, or call from another session."));
}

void
pgm_process_check_deadlock(int pid, bool snapshot)
{
	if (pgm_process_waits_for_me(pid))
		refuse_deadlock(pid, snapshot);
}

/*
 * The server takes the file and the function of an error for literals, and
 * keeps no copy of them; a worker's are gone with its handle.
 */
static const char *
lasting(const char *name)
{
	static List *names = NIL;
	MemoryContext old;
	ListCell   *lc;

	if (name == NULL)
		return NULL;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return lfirst(lc);
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	names = lappend(names, pstrdup(name));
	MemoryContextSwitchTo(old);
	return llast(names);
}

/* Whoever named a table has put what he likes into a message about it. */
static void
make_printable(ErrorData *edata)
{
	char	  **texts[] = {
		&edata->message, &edata->detail, &edata->hint, &edata->context
	};

	for (int i = 0; i < lengthof(texts); i++)
		if (*texts[i] != NULL)
			*texts[i] = pgm_printable(*texts[i]);
}

/* A message of the worker: raised here as if it were ours. */
static void
relay(PgmProcess *process, char *data, Size size)
{
	MemoryContext old;
	StringInfoData message;
	ErrorData	edata;
	char		type;

	MemoryContextReset(process->message_context);
	old = MemoryContextSwitchTo(process->message_context);
	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, size);
	type = pq_getmsgbyte(&message);
	if (type == 'E' || type == 'N')
	{
		pq_parse_errornotice(&message, &edata);
		if (edata.elevel >= ERROR)
		{
			/*
			 * Its locks are released and its run is written when it is gone,
			 * so not before.  A FATAL error ends the worker, not our session.
			 */
			WaitForBackgroundWorkerShutdown(process->handle);
			edata.elevel = ERROR;
			process->ended = process->report != NULL;
		}
		make_printable(&edata);
		edata.cursorpos = 0;
		edata.filename = lasting(edata.filename);
		edata.funcname = lasting(edata.funcname);
		process->relaying = true;
		if (process->report != NULL)
			process->report(&edata, process->answer_arg);
		else
			ThrowErrorData(&edata);
		process->relaying = false;
	}
	else if (type == PGM_MESSAGE_ANSWER && process->answer != NULL)
		process->answer(&message, process->answer_arg);
	MemoryContextSwitchTo(old);
}

/* A worker that follows others has no client. */
static void
check_client(void)
{
	if (MyProcPort == NULL || pgm_client_is_there())
		return;
	ClientConnectionLost = 1;
	ereport(FATAL,
			errcode(ERRCODE_CONNECTION_FAILURE),
			errmsg("connection to client lost"));
}

static void
tell_dropped(const PgmChannel *channel)
{
	uint32		dropped = pg_atomic_read_u32(unconstify(pg_atomic_uint32 *,
														&channel->dropped));

	if (dropped > 0)
		ereport(NOTICE,
				errmsg_plural("%u message of the worker was dropped, because nobody read it",
							  "%u messages of the worker were dropped, because nobody read them",
							  dropped, dropped));
}

static void
end(PgmProcess *process)
{
	PgmChannel *channel = process->segment.channel;
	uint32		size;

	WaitForBackgroundWorkerShutdown(process->handle);
	process->ended = true;
	if (process->report == NULL)
		tell_dropped(channel);
	size = pg_atomic_read_u32(&channel->last_size);
	if (size > 0)
	{
		pg_read_barrier();
		relay(process, channel->last, size);
	}
	else if (process->report == NULL &&
			 pg_atomic_read_u32(&channel->finished) == 0)
		ereport(ERROR,
				errcode(ERRCODE_CONNECTION_EXCEPTION),
				errmsg("the pgmigrate worker stopped without an answer"),
				errhint("See the server log and pgmigrate.status()."));
}

int64
pgm_process_accepted(PgmProcess *process)
{
	return (int64) pg_atomic_read_u64(&process->segment.channel->accepted);
}

static bool
is_over(PgmProcess *process, bool accepted)
{
	return process->ended || (accepted && pgm_process_accepted(process) != 0);
}

/*
 * Does the worker wait for us?  Whoever waits until the run is accepted does
 * not wait for what it meets after that, so this is asked last.
 */
static void
check_locks(PgmProcess *process, bool accepted)
{
	pid_t		pid;
	int			waiter = 0;

	if (!process->ended &&
		GetBackgroundWorkerPid(process->handle, &pid) == BGWH_STARTED)
		waiter = find_waiter(pid);
	if (waiter != 0 && !is_over(process, accepted) &&
		(process->dismiss == NULL || !process->dismiss(waiter)))
		refuse_deadlock(pid, false);
	InvalidateCatalogSnapshotConditionally();
}

/* Raise what has come until it is over; the number of messages. */
static int
receive(PgmProcess *process, bool accepted)
{
	int			messages = 0;

	while (!is_over(process, accepted))
	{
		Size		size;
		void	   *data;

		CHECK_FOR_INTERRUPTS();
		switch (shm_mq_receive(process->queue, &size, &data, true))
		{
			case SHM_MQ_SUCCESS:
				relay(process, data, size);
				messages++;
				break;
			case SHM_MQ_DETACHED:
				end(process);
				break;
			default:
				return messages;
		}
	}
	return messages;
}

bool
pgm_process_poll(PgmProcess *process)
{
	(void) receive(process, false);
	return !process->ended;
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

/*
 * What a timeout or a cancel of the caller meets: the worker's own words, and
 * where to look for what was done until then, unless it reports from another
 * database.
 */
static void
follow_error_callback(void *arg)
{
	PgmProcess *process = arg;
	int64		number = pgm_process_accepted(process);
	const char *activity;
	const char *end;
	pid_t		pid;

	if (geterrcode() != ERRCODE_QUERY_CANCELED || process->relaying)
		return;
	if (number != 0 && process->report == NULL)
		errhint(PGM_HINT_STATUS, number);
	if (GetBackgroundWorkerPid(process->handle, &pid) != BGWH_STARTED)
		return;
	activity = pgstat_get_backend_current_activity(pid, false);
	if (strncmp(activity, ACTIVITY_BEGIN, strlen(ACTIVITY_BEGIN)) != 0)
		return;
	activity += strlen(ACTIVITY_BEGIN);
	end = strstr(activity, " */");
	if (end != NULL)
		errcontext("waiting for the worker, process %d: %.*s", (int) pid,
				   (int) (end - activity), activity);
}

static void
follow(int n, PgmProcess **processes, int enough, bool accepted)
{
	int64		client_checked = pgm_clock_monotonic();
	int64		locks_checked = client_checked;
	ErrorContextCallback callback;

	if (n == 0)
		return;
	callback.callback = follow_error_callback;
	callback.arg = processes[0];
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/* of the launch */
	InvalidateCatalogSnapshotConditionally();
	for (;;)
	{
		int			messages = 0;
		int			over = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			messages += receive(processes[i], accepted);
			over += is_over(processes[i], accepted);
		}
		if (over >= enough)
			break;

		if (messages > PGM_FLOOD)
			pgm_clock_nap(PGM_NAP_MS);
		else
			pgm_clock_wait(PGM_LOCK_CHECK_MS);
		if (is_time(&locks_checked, PGM_LOCK_CHECK_MS))
			for (int i = 0; i < n; i++)
				check_locks(processes[i], accepted);
		if (is_time(&client_checked, PGM_CLIENT_CHECK_MS))
			check_client();
	}
	error_context_stack = callback.previous;
}

void
pgm_process_follow_all(int n, PgmProcess **processes)
{
	follow(n, processes, n, false);
}

void
pgm_process_follow_any(int n, PgmProcess **processes)
{
	follow(n, processes, Min(n, 1), false);
}

int64
pgm_process_follow(PgmProcess *process)
{
	follow(1, &process, 1, false);
	return pgm_process_accepted(process);
}

int64
pgm_process_follow_accepted(PgmProcess *process)
{
	follow(1, &process, 1, true);
	return pgm_process_accepted(process);
}
