/*-------------------------------------------------------------------------
 *
 * run_bracket.h
 *	  What every run in a worker begins and ends with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_BRACKET_H
#define PGM_STORE_RUN_BRACKET_H

#include "store/journal.h"
#include "store/run_lock.h"

/* Where a run is when it fails. */
typedef struct PgmRunPosition
{
	int64		run;			/* 0: not begun, so nothing is recorded */
	int			step;			/* in work, from 1; 0 before the first */
	TimestampTz started;		/* when the step was, 0 if not yet */
	int64		clock;			/* the same on the monotonic clock */

	/*
	 * Of the launcher, if the run has carried out SQL of users: what that has
	 * SET is put back before the failure is recorded.
	 */
	const char *settings;
	Size		settings_size;
	bool		guard;
} PgmRunPosition;

/* One kind of run. */
typedef struct PgmRunKind
{
	/* outside of a transaction, in the context of the run */
	void		(*work) (void *arg);

	void		(*locate) (const void *arg, PgmRunPosition *position);

	/* after the abort: what the error does not say by itself; or NULL */
	void		(*explain) (const void *arg, ErrorData *edata);

	/* in the transaction that records the failure; or NULL */
	void		(*record) (void *arg, const PgmRunPosition *position,
						   const ErrorData *edata);
} PgmRunKind;

/*
 * Carry out a run, in a worker.  "context" lives as long as the run.  An error
 * is recorded, unless the run had not begun, and raised again.  The run lock
 * is released in either case; the process counts as the run's until it exits.
 */
extern void pgm_run_carry_out(const PgmRunKind *kind, void *arg,
							  MemoryContext context);

/*
 * In a transaction: take the run lock, and close the runs that nobody carries
 * out any more.
 */
extern void pgm_run_open(PgmRunLockLife life);

/*
 * In a worker, outside of a transaction, when all the work of the run is
 * committed: "write" writes how it has ended, in a transaction of its own.  A
 * cancel that comes now is too late.
 */
extern void pgm_run_end(void (*write) (void *arg), void *arg);

/*
 * In a worker, outside of a transaction, when the row of the run says how it
 * has ended: record the schema that it leaves, if it leaves any.  A cancel
 * waits meanwhile, so that it waits for no standby.  Does not fail.
 */
extern void pgm_run_record_schema(int64 run, bool failed);

/* What the rows of all runs have: by whom, and how names are looked up. */
extern void pgm_run_describe(PgmRunRecord *record, const char *command,
							 const char *execution, Oid session_role);

#endif							/* PGM_STORE_RUN_BRACKET_H */
