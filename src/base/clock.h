/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  Waiting, and time that does not go back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_CLOCK_H
#define PGM_BASE_CLOCK_H

#include "datatype/timestamp.h"
#include "utils/timeout.h"

/* A timeout that fires again and again. */
typedef struct PgmTick
{
	TimeoutId	timeout;
	TimestampTz seen;			/* the clock, when it was looked at last */
} PgmTick;

/* Microseconds of a monotonic clock, for durations only. */
extern int64 pgm_clock_monotonic(void);

/* Microseconds of the processor that this process has had. */
extern int64 pgm_clock_cpu(void);

/*
 * Sleep until the process latch is set or the time is over, then reset the
 * latch.  The caller's loop does CHECK_FOR_INTERRUPTS.  Leaves at the death of
 * the postmaster.
 */
extern void pgm_clock_wait(long milliseconds);

/* Sleep for the whole time, whatever comes: a few milliseconds at most. */
extern void pgm_clock_nap(long milliseconds);

/*
 * See that it fires: begins it, and begins it anew if the clock was set back
 * since the last call.
 */
extern void pgm_clock_tick(PgmTick *tick, int milliseconds);

#endif							/* PGM_BASE_CLOCK_H */
