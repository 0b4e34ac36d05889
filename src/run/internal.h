/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  A run in progress, for the files that carry it out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_INTERNAL_H
#define PGM_RUN_INTERNAL_H

#include "classify/estimate.h"
#include "exec/changed_objects.h"
#include "gate/guard.h"
#include "lock/ladder.h"
#include "run/batch.h"
#include "run/observed.h"
#include "run/runner.h"
#include "store/run_plan.h"
#include "strategy/strategy.h"

typedef struct PgmRunner
{
	const PgmRunRequest *request;
	PgmPlan    *plan;
	PgmExec		exec;
	bool		one_transaction;
	bool		any_partly;		/* some revision was, once */
	int			nheads_before;	/* of a purge, else 0 */
	char	  **heads_before;
	int64		run;
	int			step;			/* in work, from 1; 0 before the first */
	int			taken_step;		/* one transaction has the locks to here … */
	int			taken;			/* … and so many of its statements */
	TimestampTz started;		/* when it was read, 0 before */
	int64		clock;			/* the same on the monotonic clock */
	PgmLockWait *wait;
	PgmObserved *observed;
	PgmReadAhead ahead;
	PgmPending	pending;
	List	   *objects_before; /* temporary ones of the caller's session */
	PgmStored	stored;
	PgmChangedObjects *changed; /* by the statements of the step … */
	bool		incomplete;		/* … as far as they were seen */
	PgmGenerated *generated;	/* to be kept with the step, or NULL */
	bool		again;			/* the step was tried before … */
	bool		failed;			/* … and ended by an error */
	bool		reading;		/* its revision, which others change */
	bool		local;			/* no effect outside of the database so far */
	LocalTransactionId committing;	/* in which a DO or CALL outside of a
									 * block began, 0 if none is at work */
	bool		undone;			/* what failed has committed nothing */
	int			retry_savepoint;	/* its level, 0 if none */
	bool		by_statement;	/* it has committed parts */
	bool		guard_asked;	/* is anything watched? */
	PgmGuard   *guard;			/* NULL: nothing is */
	PgmRates   *rates;			/* of estimates, once they were needed */
	int64		online;			/* operation at work, 0 if none … */
	int			online_step;	/* … and its step, to know a new one */
	int			told_step;		/* whose plain statements were told … */
	int			told;			/* … of so many of them */
	char		label[64];
	MemoryContext context;		/* lives as long as the run */
	MemoryContext step_context; /* reset for each step */
} PgmRunner;

typedef struct PgmStep PgmStep;

extern void pgm_runner_create_wait(PgmRunner *runner);

/* Tables there, and no revision applied: a NOTICE. */
extern void pgm_runner_notice_tables(const PgmPlan *plan);

/* Why statement n of the step has no online form, said once: a NOTICE. */
extern void pgm_runner_notice_plain(PgmRunner *runner, int n,
									const PgmStrategy *strategy);

/* Whose statements follow: after it was loaded, at each try. */
extern void pgm_runner_expect(PgmRunner *runner, const PgmStep *step);

/* Run statement n, and note what it does. */
extern void pgm_runner_statement(PgmRunner *runner, const PgmSource *source,
								 int n, bool top_level, bool commits);

extern void pgm_runner_verify(PgmRunner *runner, const PgmStep *step,
							  bool top_level);

/* In a transaction, in which nobody can amend it any more. */
extern void pgm_runner_load_step(PgmRunner *runner, PgmStep *step);

/* In a transaction, with what they did: statements "first" to before "next". */
extern void pgm_runner_mark_done(const PgmRunner *runner,
								 const PgmSource *source, int first,
								 int next);

/*
 * The ledger rows of a step, with its work.  In one transaction they may be
 * kept back: settle before the statements of the next, flush at the end.
 */
extern void pgm_runner_record_step(PgmRunner *runner, const PgmStep *step);
extern void pgm_runner_settle(PgmRunner *runner, const PgmStep *step);
extern void pgm_runner_flush(PgmRunner *runner);

/* Temporary objects of a worker's step, after its transaction. */
extern void pgm_runner_drop_temporary(void);

/* Both of a transaction that is gone. */
extern void pgm_runner_forget(PgmRunner *runner);

/*
 * How locks were got and what the statements did; the first together with the
 * step, both with its failure.
 */
extern void pgm_runner_record_locks(const PgmRunner *runner);
extern void pgm_runner_record_statements(const PgmRunner *runner);
extern bool pgm_runner_mentions(const char *text, const char *name);

/*
 * Between taking the locks and the commit, in a worker: what fails in between
 * may be repeated.
 */
extern void pgm_runner_set_savepoint(PgmRunner *runner);
extern void pgm_runner_release_savepoint(PgmRunner *runner);

#endif							/* PGM_RUN_INTERNAL_H */
