/*-------------------------------------------------------------------------
 *
 * run_lock.h
 *	  The lock that lets one run work at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_LOCK_H
#define PGM_STORE_RUN_LOCK_H

#include "process/channel.h"

/* What ends the run lock, if it is not released. */
typedef enum PgmRunLockLife
{
	PGM_UNTIL_END_OF_TRANSACTION,	/* a run in the caller's transaction */
	PGM_UNTIL_ERROR,			/* a script: or the end of its session */
	PGM_UNTIL_END_OF_SESSION	/* a worker, through errors */
} PgmRunLockLife;

/*
 * Take the run lock.  Refuses at once with PM003, naming who holds it and what
 * ends that.  It waits for a run that has ended and is recording the schema.
 */
extern void pgm_run_lock(PgmRunLockLife life);
extern void pgm_run_unlock(void);	/* nothing, if it is not held */
extern bool pgm_run_lock_held(void);	/* by this session */

/* In an update script: take it to the end of the transaction, waiting. */
extern void pgm_run_lock_wait(void);

/*
 * In DROP EXTENSION: queue for it as for any lock of the server, to the end of
 * the transaction, so that lock_timeout holds and it is seen who waits for
 * whom.
 */
extern void pgm_run_lock_queue(Oid extension);

/*
 * Of a session that holds it: take again what a statement, or the abort of a
 * transaction, has released of it.  The second, in a transaction, is for a run
 * that is to go on after an abort: if another one had the lock meanwhile, it
 * has found ours interrupted, and our plan is not to be trusted any more.  The
 * third is for the record of a failure, which can be written all the same.
 */
extern void pgm_run_keep(void);
extern void pgm_run_retake(int64 run);
extern void pgm_run_relock(void);

/*
 * Before an abort that the run survives, with the SQLSTATE of its error.  A
 * DROP EXTENSION that the run was in a deadlock with is cancelled; and one
 * that waits for the lock of the extension only, which the abort gives up for
 * a moment.
 */
extern void pgm_run_dismiss_waiters(int sqlstate);

/*
 * One that is in the way of a step, or of a helper: cancelled if it waits for
 * this run, which is true then.  While the run only looks at it, or waits for
 * the helper, the server sees no deadlock.
 */
extern bool pgm_run_dismiss_blocker(int pid);

/*
 * Does somebody wait in the eyes of the server for a run of this worker?  Then
 * a wait of ours has to last until the server has looked for a deadlock.
 */
extern bool pgm_run_lock_awaited(void);

/*
 * The turn to start a run: one session has it at a time, so that callers who
 * come together start one worker and not as many as they are.  Waits for the
 * run in progress as long as pgmigrate.run_wait says, if it may, and for the
 * schema of one that has ended to be recorded in any case; true if it did
 * wait, so that what there is to do has to be looked up again.  Refuses with
 * PM003.  The turn ends with the transaction, if not before.
 */
extern bool pgm_run_await_turn(bool may_wait);
extern void pgm_run_end_turn(void);

/*
 * Is this process inside of a run, as its owner or as a helper?  The run lock
 * does not tell, for it is no obstacle to the session that has it.
 */
extern void pgm_run_enter(PgmRunRole role);
extern bool pgm_run_inside(void);

#endif							/* PGM_STORE_RUN_LOCK_H */
