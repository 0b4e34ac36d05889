/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  A wait for the locks of a step, for the files that carry it out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_INTERNAL_H
#define PGM_LOCK_INTERNAL_H

#include "utils/guc.h"

#include "compat/server.h"
#include "lock/attempt_log.h"
#include "lock/blocker_policy.h"
#include "lock/ladder.h"
#include "lock/pace.h"

/* From the first notice to the second, and at most; growing threefold. */
#define PGM_NOTICE_FIRST_MS 5000
#define PGM_NOTICE_MAX_MS 120000

/* Blockers named in a message, or kept with an attempt. */
#define PGM_NAMED 3

struct PgmLockWait
{
	const PgmExec *exec;
	const char *revision;
	int			own_lock_timeout;	/* of the session, before ours */
	int			own_deadlock_timeout;
	MemoryContext attempt;		/* reset for each attempt to take */
	MemoryContext look;			/* reset for each look */
	PgmLockNeeds needs;			/* of the last attempt */
	PgmLockNeeds observed_needs;	/* seen when statements waited for them */
	PgmLockNeeds held;			/* taken before in the open transaction */
	List	   *ordered;		/* Oids that deadlocks were about: those are
								 * taken first, the last of them before all */
	bool		open;			/* a transaction of a step is at work, which
								 * an attempt must not end */

	/* since the first attempt that failed; 0 before */
	int64		start;
	int64		taken_at;		/* when all were there, the last time */
	int			next_wait;		/* in the queue, ms */
	int			used_wait;		/* the next pause depends on it; 0: none */
	bool		may_queue;		/* the look says that it is worth while */
	int			patience;		/* ms that others may stand behind us in a
								 * wait for clients in step; 0: it is none */
	int			disturbed;		/* times that others did */
	PgmLockPace pace;
	bool		announced;		/* the activity of the process tells of it */
	int64		next_notice;
	int			notice_interval;
	bool		committing_limit;
	bool		gave_up;		/* the error of the deadline is on its way */
	char	   *kept_detail;	/* its detail, without queries */
	int64		waits_for_rows; /* since when a statement may wait for rows */

	/* of other nodes, where Citus is loaded */
	LocalTransactionId nodes_lxid;	/* they know, for as long as this … */
	SubTransactionId nodes_subid;	/* … and this, … */
	int			nodes_limit;	/* … for how long to wait, ms */
	int			node_wait;		/* at most, next time, ms */
	bool		far;			/* what was in the way may be there */
	PgmLockPolicy policy;
	PgmLockTell tell;			/* of a long wait, NULL if nobody is to … */
	void	   *tell_arg;
	bool		reported;		/* … or was, of this step */
	int64		unreported;		/* a wait inside of a transaction, ms … */
	char	   *unreported_relation;	/* … for what, and behind whom */
	char	   *unreported_blockers;
	char		cause[256];		/* of the last failed attempt, as a sentence */
	PgmLockLog	log;
};

/* A wait grows by this when it was in vain. */
#define PGM_GROWTH 1.6

/* A setting of the session that is a time, in ms. */
extern void pgm_lockset_milliseconds(const char *name, int value,
									 GucAction action);

/*
 * The server asks an autovacuum to go away after deadlock_timeout, so that has
 * to be shorter than the time we stay in the queue.
 */
extern void pgm_lockset_deadlock_timeout(int timeout, GucAction action);

/* Both of them. */
extern void pgm_lockset_lock_timeout(int timeout, GucAction action);

/* On the monotonic clock, in ms. */
extern int64 pgm_lockwait_since(int64 since);

/*
 * What an attempt was about: what the first blocker has, or the strongest
 * need; NULL if that is rows.
 */
extern const PgmLockNeed *pgm_lockwait_main_need(const PgmLockWait *wait,
												 List *blockers);

/* Tell the caller, and whoever looks at the sessions. */
extern void pgm_lockwait_announce(PgmLockWait *wait, List *blockers);

/* The wait is over: nobody is to see it any more. */
extern void pgm_lockwait_announce_end(PgmLockWait *wait);

/* If it is time to, to whoever asked for it; now, or at the end. */
extern void pgm_lockwait_tell(PgmLockWait *wait, List *blockers, bool now);

/* The deadline is over, and these are still there. */
pg_noreturn extern void pgm_lockwait_give_up(PgmLockWait *wait,
											 List *blockers);

/*
 * The same in the handler of the error of a last attempt, when nobody can be
 * looked up any more.  The error is a copy.
 */
pg_noreturn extern void pgm_lockwait_give_up_after(const PgmLockWait *wait,
												   const ErrorData *edata);

#endif							/* PGM_LOCK_INTERNAL_H */
