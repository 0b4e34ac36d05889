/*-------------------------------------------------------------------------
 *
 * runner.h
 *	  Carry out a plan, step by step, and keep the ledger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_RUNNER_H
#define PGM_RUN_RUNNER_H

#include "datatype/timestamp.h"

#include "assess/assess.h"
#include "exec/execute.h"
#include "store/run_plan.h"

typedef struct PgmRunRequest
{
	PgmDirection direction;
	const char *target;
	PgmAllowance allowance;		/* what of it the caller permits */
	Oid			session_role;	/* session user of the caller */
	bool		guard;			/* its current_user is another */
	bool		for_schemas;	/* a stamp that is not of the database */
	bool		record_later;	/* who asks has the schema recorded */
	const char *settings;		/* of the caller's session, for a worker */
	Size		settings_size;

	/* called when the run is committed as running, with its number */
	void		(*accepted) (int64 run);
} PgmRunRequest;

/*
 * In a worker: outside of a transaction, returns the number of the run.  An
 * error is recorded in the run before it is raised again.
 */
extern int64 pgm_runner_work(const PgmRunRequest *request);

/*
 * In the caller's transaction: all or nothing with it.  Returns the number of
 * the run, or 0 if there was nothing to do.
 */
extern int64 pgm_runner_inline(const PgmRunRequest *request);

/* Is there nothing to do?  Reads only; the plan is checked as for a run. */
extern bool pgm_runner_nothing_to_do(PgmDirection direction,
									 const char *target);

extern void pgm_runner_notice_nothing(void);

/* For a call of ours in a revision. */
extern void pgm_runner_refuse_nested(void);

/* For what changes the ledger; says where it could be changed. */
extern void pgm_runner_refuse_read_only(void);

/* In the caller's transaction; the request's direction is PGM_STAMP. */
extern int64 pgm_runner_stamp(const PgmRunRequest *request, bool purge);

/*
 * For a run whose SQL somebody else runs: lock, plan and write it; and record
 * a step of it, in the transaction of its SQL.
 */
extern int64 pgm_runner_begin_script(const PgmRunRequest *request,
									 PgmPlan **plan);
extern void pgm_runner_record(const PgmPlan *plan, int64 run, int step,
							  const PgmRevision *revision, int statements,
							  TimestampTz started, int64 microseconds);

extern const char *pgm_command_name(PgmDirection direction);

#endif							/* PGM_RUN_RUNNER_H */
