/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  Where a worker begins, and what its job may ask and tell.
 *
 * Knows the kinds of jobs by number only: who owns a kind registers its
 * function when the library is loaded, which is before the entry is called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/resowner.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/session_settings.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "compat/signal.h"
#include "process/entry.h"
#include "process/report.h"

/* Between two looks at the postmaster, and at a cancel not yet obeyed. */
#define PGM_WATCH_MS 1000

static PgmJobFunction functions[PGM_JOB_KINDS];

/* Somebody has asked this worker to cancel; never forgotten. */
static volatile sig_atomic_t cancelled = false;

/* Who it was; -1 if it was more than one process. */
static volatile sig_atomic_t cancelled_by = 0;

/* It is remembered only, and ends nothing of what we are at. */
static volatile sig_atomic_t deferring = false;

/* At which it looks around. */
static PgmTick watch_tick = {MAX_TIMEOUTS};

/* Of this worker; NULL in a session. */
static PgmChannel *my_channel = NULL;

void
pgm_process_register(PgmJobKind kind, PgmJobFunction function)
{
	functions[kind] = function;
}

void
pgm_process_accept(int64 number)
{
	pg_atomic_write_u64(&my_channel->accepted, (uint64) number);
	SetLatch(&my_channel->launcher->procLatch);
}

/*
 * The server sends this signal to its own process when a timeout is over; only
 * those of others are a cancel.
 */
static void
handle_cancel(int signo, siginfo_t * info, void *context)
{
	int			save_errno = errno;

	if (info->si_pid != MyProcPid)
	{
		cancelled_by = cancelled && cancelled_by != info->si_pid ? -1 :
			info->si_pid;
		cancelled = true;
	}
	if (info->si_pid == MyProcPid || !deferring)
		pgm_statement_cancel(signo, info);
	errno = save_errno;
}

static void
catch_cancel(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handle_cancel;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&action.sa_mask);
	(void) sigaction(SIGINT, &action, NULL);
}

/* One that came before, and was held back, is remembered as well. */
void
pgm_process_defer_cancel(bool defer)
{
	deferring = defer;
	if (defer)
		QueryCancelPending = false;
}

bool
pgm_process_is_cancelled(void)
{
	return cancelled;
}

/* Which of the two came first is found once, whatever comes after it. */
bool
pgm_process_cancel_caused(const ErrorData *edata)
{
	static bool timed_out = false;

	if (!pgm_error_is_cancel(edata))
		return false;
	if (!pgm_error_is_timeout(edata))
		return true;
	timed_out |= !cancelled;
	return !timed_out;
}

void
pgm_process_check_cancel(void)
{
	if (watch_tick.timeout != MAX_TIMEOUTS)
		pgm_clock_tick(&watch_tick, PGM_WATCH_MS);
	CHECK_FOR_INTERRUPTS();
	if (cancelled)
		ereport(ERROR,
				errcode(ERRCODE_QUERY_CANCELED),
				errmsg("canceling statement due to user request"));
}

bool
pgm_process_excuse_cancel(const char *kind)
{
	const char *type;

	if (!cancelled || cancelled_by <= 0)
		return false;
	type = GetBackgroundWorkerTypeByPid(cancelled_by);
	if (type == NULL || strncmp(type, kind, strlen(kind)) != 0)
		return false;
	cancelled = false;
	return true;
}

const char *
pgm_process_cancel_reason(void)
{
	if (my_channel == NULL ||
		pg_atomic_read_u32(&my_channel->has_reason) == 0)
		return NULL;
	pg_read_barrier();
	return my_channel->reason;
}

PgmRunRight
pgm_process_right(void)
{
	static const PgmRunRight none = {PGM_RUN_NONE, 0};

	return my_channel == NULL ? none : my_channel->right;
}

/*
 * A statement that is busy does not see that the postmaster is gone, and while
 * it works on, no new one can be started.  And a cancel ends one wait for a
 * standby, of which a statement CONCURRENTLY has many.  A signal handler.
 */
static void
look_around(void)
{
	if (!PostmasterIsAlive())
		ProcDiePending = true;
	else if (cancelled && !deferring)
		QueryCancelPending = true;
	else
		return;
	InterruptPending = true;
	SetLatch(MyLatch);
}

static void
watch(void)
{
	watch_tick.timeout = RegisterTimeout(USER_TIMEOUT, look_around);
	pgm_clock_tick(&watch_tick, PGM_WATCH_MS);
}

static void
connect_worker(const PgmChannel *channel)
{
	uint32		flags = 0;

	if (channel->connect_as == channel->role)
		flags = BGWORKER_BYPASS_ROLELOGINCHECK;
	BackgroundWorkerInitializeConnectionByOid(channel->database,
											  channel->connect_as, flags);

	/*
	 * The owner of the database may have set a role for all who connect: it
	 * would take the place of the caller, and RESET ROLE would lead to him.
	 */
	SetConfigOption("role", "none", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", "pgmigrate", PGC_USERSET,
					PGC_S_SESSION);
}

static void
take_over_session(const PgmJob *job)
{
	pgm_txn_begin();
	process_session_preload_libraries();
	pgm_session_apply(job->settings, job->settings_size);
	if (job->guard)
		pgm_session_set_role(GetUserNameFromId(my_channel->role, false));
	pgm_txn_commit();
}

void
pgmigrate_worker_main(Datum main_arg)
{
	PgmSegment	segment;
	PgmJob		job;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	catch_cancel();
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pgmigrate worker");
	pgm_channel_attach(&segment, DatumGetUInt32(main_arg));
	my_channel = segment.channel;
	job.right = my_channel->right;
	job.payload = segment.payload;
	job.payload_size = my_channel->payload_size;
	job.settings = segment.settings;
	job.settings_size = my_channel->settings_size;
	job.session_role = my_channel->session_role;
	job.guard = my_channel->connect_as != my_channel->role;

	pgm_report_begin(&segment);
	connect_worker(my_channel);
	watch();
	take_over_session(&job);

	if (functions[my_channel->kind] == NULL)
		elog(ERROR, "no function for jobs of kind %d", my_channel->kind);
	functions[my_channel->kind] (&job);

	pgm_report_end();
	pg_atomic_write_u32(&my_channel->finished, 1);
	pgstat_report_activity(STATE_IDLE, NULL);
}
