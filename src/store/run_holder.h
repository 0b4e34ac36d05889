/*-------------------------------------------------------------------------
 *
 * run_holder.h
 *	  Who has the run lock, and what he does with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_HOLDER_H
#define PGM_STORE_RUN_HOLDER_H

/* What the last number of a user lock says. */
typedef enum PgmLockPart
{
	PGM_PART_RUN,
	PGM_PART_TURN,
	PGM_PART_UNSEEN				/* of a number of a run; see run_unseen.c */
} PgmLockPart;

typedef struct PgmRunHolder
{
	bool		found;
	int			pid;			/* 0 of a prepared transaction */
	bool		works;			/* else it is about to start a run */
	bool		records;		/* its run has ended, the schema is recorded */
	char	   *detail;
	const char *hint;
} PgmRunHolder;

/* In a transaction.  The texts are in the caller's memory context. */
extern void pgm_run_find_holder(void *holder);

/* The same, keeping no lock on our tables. */
extern void pgm_run_look_at_holder(PgmRunHolder *holder);

/* pid of the holder, 0 if there is none or it is a prepared transaction */
extern int	pgm_run_lock_holder(void);

/*
 * A run that has ended is none in progress: who has seen its state may begin
 * the next one, and waits while the schema that it leaves is recorded.  Not
 * if that waits for what we have locked, nor for ever.  "begun" is when the
 * wait did, on the monotonic clock.
 */
extern bool pgm_run_still_records(const PgmRunHolder *holder, int64 begun);

/* Wait while a run that has ended records the schema that it leaves. */
extern void pgm_run_await_record(void);

#endif							/* PGM_STORE_RUN_HOLDER_H */
