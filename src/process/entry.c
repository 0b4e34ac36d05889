/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  Where a worker begins, and what its job may ask and tell.
 *
 * Knows the kinds of jobs by number only: who owns a kind registers its
 * function when the library is loaded, which is before the entry is called.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/process/entry.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "libpq/pqmq.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/session_settings.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "process/entry.h"

/* Between two looks at the postmaster. */
#define PGM_POSTMASTER_CHECK_MS 1000

static PgmJobFunction functions[PGM_JOB_KINDS];

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
													 PGM_POSTMASTER_CHECK_MS),
						 PGM_POSTMASTER_CHECK_MS);
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

static void
take_over_session(const PgmJob *job)
{
	pgm_txn_begin();
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
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pgmigrate worker");
	pgm_channel_attach(&segment, DatumGetUInt32(main_arg));
	my_channel = segment.channel;
	job.right = my_channel->right;
	job.payload = segment.payload;
	job.payload_size = my_channel->payload_size;
	job.settings = segment.settings;
	job.settings_size = my_channel->settings_size;
	job.session_role = NameStr(my_channel->session_role);
	job.guard = my_channel->connect_as != my_channel->role;

	shm_mq_set_sender(segment.queue, MyProc);
	pq_redirect_to_shm_mq(segment.segment,
						  shm_mq_attach(segment.queue, segment.segment, NULL));
	connect_worker(my_channel);
	watch_postmaster();
	take_over_session(&job);

	if (functions[my_channel->kind] == NULL)
		elog(ERROR, "no function for jobs of kind %d", my_channel->kind);
	functions[my_channel->kind] (&job);

	pg_atomic_write_u32(&my_channel->finished, 1);
	pgstat_report_activity(STATE_IDLE, NULL);
}
