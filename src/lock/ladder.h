/*-------------------------------------------------------------------------
 *
 * ladder.h
 *	  Get the locks of a step without standing in front of the application.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_LADDER_H
#define PGM_LOCK_LADDER_H

#include "utils/elog.h"

#include "exec/execute.h"
#include "lock/needs.h"

typedef struct PgmLockWait PgmLockWait;

/* Adds the needs of all that is to run under the locks. */
typedef void (*PgmLockCollector) (PgmLockNeeds *needs, void *arg);

/* Lives in the current memory context, which must outlive transactions. */
extern PgmLockWait *pgm_lockwait_create(const PgmExec *exec);

/*
 * Tell, once a step, that it waits for longer than pgmigrate.lock_wait_event:
 * for what, and who is in the way, without queries.  At once where no
 * transaction is open, else by pgm_lockwait_tell_rest.
 */
typedef void (*PgmLockTell) (void *arg, const char *revision,
							 const char *relation, int64 milliseconds,
							 const char *blockers);
extern void pgm_lockwait_on_long(PgmLockWait *wait, PgmLockTell tell,
								 void *arg);

extern void pgm_lockwait_tell_rest(PgmLockWait *wait);

/* Forget the step before; what is said to the user names this one. */
extern void pgm_lockwait_begin(PgmLockWait *wait, const char *revision);

/* The next part of the same step has a deadline of its own. */
extern void pgm_lockwait_next(PgmLockWait *wait);

/*
 * Take all locks or none, in the current transaction.  If none, end the
 * transaction in a worker, call pgm_lockwait_pause, and try again.  With a
 * pgmigrate.lock_timeout of 0 it queues for what no statement takes itself.
 */
extern bool pgm_lockwait_take(PgmLockWait *wait, PgmLockCollector collect,
							  void *arg);

/* In a worker: begin a transaction that has them, however many it takes. */
extern void pgm_lockwait_begin_block(PgmLockWait *wait,
									 PgmLockCollector collect, void *arg);

/* Until they are there, where no transaction has to end in between. */
extern void pgm_lockwait_get(PgmLockWait *wait, PgmLockCollector collect,
							 void *arg);

/*
 * Take more of them in the transaction of a step that is at work, just before
 * the statement that needs them: until they are there, or the error of the
 * deadline is raised.  What was taken before is kept and watched on.
 */
extern void pgm_lockwait_take_more(PgmLockWait *wait,
								   PgmLockCollector collect, void *arg);

/*
 * After that: may the statements have to be repeated, because of locks that
 * are not known, or because others wait for those that were taken?
 */
extern bool pgm_lockwait_may_retry(const PgmLockWait *wait);

/*
 * Wait until it is worth while to try again.  In a worker outside of a
 * transaction, else inside.  Raises ERRCODE_LOCK_NOT_AVAILABLE at the
 * deadline.
 */
extern void pgm_lockwait_pause(PgmLockWait *wait);

/*
 * While the statements run: bound their waits for locks that were not known
 * before, and watch, in a worker, who waits for us.  Settings are changed for
 * the current level of them only.
 */
extern void pgm_lockwait_limit(PgmLockWait *wait);
extern void pgm_lockwait_unlimit(PgmLockWait *wait);

/*
 * The same for a statement that commits by itself, in a worker: one that waits
 * for all others, CONCURRENTLY, must not have a short limit.
 */
extern void pgm_lockwait_limit_committing(PgmLockWait *wait,
										  bool waits_for_rows);
extern void pgm_lockwait_unlimit_committing(PgmLockWait *wait);

/* Is an error one to try again after?  Keeps it if so. */
extern bool pgm_lockwait_retry(PgmLockWait *wait, const ErrorData *edata);

/*
 * The detail of the error of the deadline as it is to be kept: the texts of
 * queries are for the role that runs, others may not see them.  False for any
 * other error.
 */
extern bool pgm_lockwait_kept_detail(const PgmLockWait *wait, char **detail);

/*
 * What to add to the details of the step: jsonb as text, or NULL.  In a
 * transaction.
 */
extern char *pgm_lockwait_details(PgmLockWait *wait);

#endif							/* PGM_LOCK_LADDER_H */
