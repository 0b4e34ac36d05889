/*-------------------------------------------------------------------------
 *
 * step_routine.h
 *	  How a step is carried out: in a transaction, or by statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_STEP_ROUTINE_H
#define PGM_RUN_STEP_ROUTINE_H

#include "run/internal.h"
#include "store/step_method.h"

/*
 * Statements whose locks are taken together: up to and with the first that may
 * be slow, for it would carry those of the statements after it.
 */
typedef struct PgmSpan
{
	const PgmSource *source;
	int			first;
	int			end;
	int			taken;			/* after the last one that was collected */
} PgmSpan;

/* A step in work. */
struct PgmStep
{
	PgmRevision *revision;
	PgmSource  *source;
	PgmResume	resume;			/* where a try before has left off */
	PgmSpan		span;			/* of the locks that are taken at a time */
};

/*
 * How a worker carries out a step: one for each PgmStepMethod, chosen once for
 * the step.  They are called in this order.
 */
typedef struct PgmStepRoutine
{
	/*
	 * In the transaction that has read the step: say where it goes on, and
	 * clean up what a try before has left.
	 */
	void		(*resume) (PgmRunner *runner, PgmStep *step);

	/*
	 * The locks of the step as a whole, in a transaction.  False if they were
	 * not to be had: then it is not open any more.  NULL if the statements
	 * take theirs: then it was not open after resume().
	 */
	bool		(*take_locks) (PgmRunner *runner, PgmStep *step);

	/* Until its rows are in the ledger and committed. */
	void		(*run) (PgmRunner *runner, PgmStep *step);
} PgmStepRoutine;

extern const PgmStepRoutine pgm_step_in_transaction;
extern const PgmStepRoutine pgm_step_by_statement;

/* A statement to be carried out, of a step that goes by statement. */
typedef struct PgmStatementRun
{
	PgmRunner  *runner;
	PgmStep    *step;
	int			n;				/* the statement, from 0 */
	int			next;			/* after it was run: the one that follows */
	char	   *digest;			/* of those before n, then of those before
								 * "next" */
	void	   *private;		/* of the routine that was chosen */
} PgmStatementRun;

/* How it is carried out; outside of transactions, in a worker. */
typedef struct PgmStatementRoutine
{
	bool		(*choose) (PgmStatementRun *run);

	/* Until it is marked as done and committed. */
	void		(*run) (PgmStatementRun *run);
} PgmStatementRoutine;

/* By its strategy, or as it was begun; see online_statement.c. */
extern const PgmStatementRoutine pgm_statement_online;

/*
 * All statements of a step and its ledger rows, in an open transaction.  The
 * locks of the span are there, all of them if there is no span.
 */
extern void pgm_runner_in_transaction(PgmRunner *runner, const PgmStep *step,
									  PgmSpan *span, bool top_level);

/*
 * A transaction with the locks of a span, waited for; and its end but for the
 * commit, with the marks of what it did still to come.
 */
extern void pgm_runner_begin_locked(PgmRunner *runner, PgmSpan *span);
extern void pgm_runner_end_locked(PgmRunner *runner);

/*
 * In one transaction, refuse what is partly applied and cannot be.
 */
extern void pgm_runner_refuse_partly(const PgmRunner *runner,
									 const PgmStep *step);

#endif							/* PGM_RUN_STEP_ROUTINE_H */
