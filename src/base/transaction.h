/*-------------------------------------------------------------------------
 *
 * transaction.h
 *	  The transaction brackets of a worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_TRANSACTION_H
#define PGM_BASE_TRANSACTION_H

#include "utils/elog.h"

extern void pgm_txn_begin(void);
extern void pgm_txn_begin_block(void);
extern void pgm_txn_commit(void);
extern void pgm_txn_commit_async(void);

/*
 * Tells when its locks were released, by the monotonic clock and that of the
 * processor: to give back the files of what was dropped takes its time after
 * that.  To do it before the flush, do not wait: see pgm_txn_commit_async.
 */
extern void pgm_txn_commit_unlocking(bool wait, int64 *released, int64 *cpu);

/* One whose queries have all the snapshot of the first. */
extern void pgm_txn_begin_one_snapshot(void);

/*
 * A transaction for rows of ours alone, whatever default a revision has SET.
 * Who has cancelled a run does not wait for a standby at its commit.
 */
extern void pgm_txn_begin_own(void);
extern void pgm_txn_commit_own(bool wait_for_standby);

/*
 * The row that says that a run has begun: flushed before its number is told,
 * also with synchronous_commit = off, and no standby can keep it from being
 * seen.
 */
extern void pgm_txn_commit_begun(void);
extern void pgm_txn_abort(void);

/*
 * A subtransaction; returns its level.  Its rollback takes along those that
 * are open inside of it, and leaves the locks of the session alone.
 */
extern int	pgm_txn_begin_sub(void);
extern void pgm_txn_release_sub(void);
extern void pgm_txn_rollback_sub(int level);

/*
 * Does the work in a subtransaction, and returns its error, or NULL.  A cancel
 * is raised again.  What the work has done stays if it succeeds; pgm_txn_look
 * rolls it back in any case, with its locks.
 */
extern ErrorData *pgm_txn_try(void (*work) (void *arg), void *arg);
extern ErrorData *pgm_txn_look(void (*work) (void *arg), void *arg);

#endif							/* PGM_BASE_TRANSACTION_H */
