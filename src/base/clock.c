/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  Waiting, and time that does not go back.
 *
 * The only caller of WaitLatch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/resource.h>

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "compat/server.h"

int64
pgm_clock_monotonic(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

int64
pgm_clock_cpu(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		INT64CONST(1000000) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

void
pgm_clock_wait(long milliseconds)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = pgm_wait_event_new("PgmigrateWait");

	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, wait_event);
	ResetLatch(MyLatch);
}

void
pgm_clock_nap(long milliseconds)
{
	pg_usleep(milliseconds * 1000L);
}

/*
 * The server keeps the time of the day at which a timeout is to fire next, so
 * that one whose clock is set back fires only when it is that time again.
 */
void
pgm_clock_tick(PgmTick *tick, int milliseconds)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!get_timeout_active(tick->timeout) || now < tick->seen)
		enable_timeout_every(tick->timeout,
							 TimestampTzPlusMilliseconds(now, milliseconds),
							 milliseconds);
	tick->seen = now;
}
