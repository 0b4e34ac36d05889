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

/* Microseconds of a monotonic clock, for durations only. */
extern int64 pgm_clock_monotonic(void);

/*
 * Sleep until the process latch is set or the time is over, then reset the
 * latch.  The caller's loop does CHECK_FOR_INTERRUPTS.  Leaves at the death of
 * the postmaster.
 */
extern void pgm_clock_wait(long milliseconds);

/* Sleep for the whole time, whatever comes: a few milliseconds at most. */
extern void pgm_clock_nap(long milliseconds);

#endif							/* PGM_BASE_CLOCK_H */
