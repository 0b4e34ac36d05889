/*-------------------------------------------------------------------------
 *
 * online_steps.h
 *	  The steps of a statement that is carried out by statements of ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_ONLINE_STEPS_H
#define PGM_RUN_ONLINE_STEPS_H

#include "run/internal.h"
#include "run/shadow_statement.h"

/* A statement at work. */
typedef struct PgmOnlineWork
{
	PgmOnline	online;
	PgmRunner  *runner;
	const PgmStep *step;
	PgmExec		exec;
	PgmOnlineExecutor carry_out;
	int			next;			/* statement after it */
	char	   *digest;			/* of the statements before that */
	PgmPass		pass;			/* of a shadow table */
	List	   *steps;			/* of SQL … */
	int			done;			/* … and how many of them */
	const char *refill;			/* to be done before the next one, or NULL */
	bool		refilled;		/* was it ever? */
} PgmOnlineWork;

/* In a transaction: those that its operation has, and how many are done. */
extern void pgm_steps_read(PgmOnlineWork *work);
extern void pgm_steps_set_done(const PgmOnlineWork *work, int done);

/* Outside of a transaction, from here on.  All that are left. */
extern void pgm_steps_run_all(PgmOnlineWork *work);

/* What those that are done have made, and a half of the one after them. */
extern void pgm_steps_undo(PgmOnlineWork *work);

/* Runs it; if it fails for good, what is done is taken back. */
extern void pgm_steps_carry_out(PgmOnlineWork *work,
								void (*run) (PgmOnlineWork *work));

#endif							/* PGM_RUN_ONLINE_STEPS_H */
