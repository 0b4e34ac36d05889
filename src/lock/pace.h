/*-------------------------------------------------------------------------
 *
 * pace.h
 *	  When to ask for locks that others have: what is seen of them tells.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_PACE_H
#define PGM_LOCK_PACE_H

#include "lock/blockers.h"

/* Transactions that are followed, the oldest ones of more. */
#define PGM_FOLLOWED 64

/* So many ended ones tell how long the next ones are going to last. */
#define PGM_LIVES 8

typedef struct PgmFollowed
{
	char		transaction[PGM_TRANSACTION_LEN];
	int64		started;		/* monotonic microseconds */
	int64		age;			/* ms, when seen last */
	bool		known;			/* the age is that of the transaction */
	bool		was_there;		/* was there when we began, or asked last */
	bool		present;
} PgmFollowed;

/*
 * Since a step began to wait.  What is called now is always the monotonic
 * clock of the moment, in microseconds.
 */
typedef struct PgmLockPace
{
	int64		begin;
	int64		rested;			/* when the last pause ended */
	bool		checked;		/* at least once */
	int			n;
	PgmFollowed followed[PGM_FOLLOWED];
	int			nlives;
	int64		lives[PGM_LIVES];	/* ms; the n-th at n % size */
} PgmLockPace;

extern void pgm_lockpace_begin(PgmLockPace *pace, int64 now);

/*
 * What a look has found: says of each blocker whether it lasts.  A transaction
 * lasts that is older than cap, ms, and was met before, unless it is about to
 * be as old as others became.
 */
extern void pgm_lockpace_look(PgmLockPace *pace, List *blockers, int cap,
							  int64 now);

/* Those of the last look were in our way when we asked: meet them all. */
extern void pgm_lockpace_meet(PgmLockPace *pace);

/* The pause is over: from now on it is time to ask. */
extern void pgm_lockpace_rested(PgmLockPace *pace, int64 now);

/*
 * After a look: is now a good moment to queue?  For how long, is the next step
 * of the ladder before, and what is likely to suffice after; cap at most.
 */
extern bool pgm_lockpace_ready(const PgmLockPace *pace, List *blockers,
							   int cap, int64 now, int *wait);

/*
 * Have those in the way begun together, so that they are likely to end within
 * so many ms, cap at most?  0: no, or there is but one of them.
 */
extern int	pgm_lockpace_in_step(const PgmLockPace *pace, List *blockers,
								 int cap);

/*
 * How long, in ms, do those last that follow each other in our way?  0 if none
 * of them has begun and ended before our eyes.
 */
extern int64 pgm_lockpace_life(const PgmLockPace *pace);

#endif							/* PGM_LOCK_PACE_H */
