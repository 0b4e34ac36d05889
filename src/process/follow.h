/*-------------------------------------------------------------------------
 *
 * follow.h
 *	  Follow workers: what they report is raised here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_FOLLOW_H
#define PGM_PROCESS_FOLLOW_H

#include "process/launch.h"

/* How often a session that waits for a worker has to check for deadlock. */
#define PGM_LOCK_CHECK_MS 100

/*
 * How a worker that looks who is in its way, without waiting in the eyes of
 * the server, shows it in its activity.
 */
#define PGM_ACTIVITY_WAITING "*/ waiting "
#define PGM_ACTIVITY_BLOCKED ", blocked by process "

/*
 * Follow all of these workers to their end, or one until it has accepted its
 * job; returns the number it gave.  Raises what a worker raises, of several
 * the first.  The launcher must hold no snapshot meanwhile; see
 * exec/caller_snapshot.h.
 */
extern void pgm_process_follow_all(int n, PgmProcess **processes);
extern int64 pgm_process_follow(PgmProcess *process);

/* Until one of them has ended, or more. */
extern void pgm_process_follow_any(int n, PgmProcess **processes);
extern int64 pgm_process_follow_accepted(PgmProcess *process);

/* The number that it gave, 0 before. */
extern int64 pgm_process_accepted(PgmProcess *process);

/*
 * Raise what the worker has reported so far, without waiting.  False if it has
 * ended.  For a launcher that has work of its own.
 */
extern bool pgm_process_poll(PgmProcess *process);

/* Ask a worker to stop its job. */
extern bool pgm_process_cancel(int pid);

/*
 * Does the process wait, directly or through others, for a lock of this
 * session?  The second raises an error if so: it would wait for ever; it says
 * what to do where the query has kept its snapshot.
 */
extern bool pgm_process_waits_for_me(int pid);
extern void pgm_process_check_deadlock(int pid, bool snapshot);

#endif							/* PGM_PROCESS_FOLLOW_H */
