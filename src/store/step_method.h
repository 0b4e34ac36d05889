/*-------------------------------------------------------------------------
 *
 * step_method.h
 *	  How a step is carried out, and a statement of it.
 *
 * Chosen once for each step, by who carries the plan out: the runner, the
 * script, a rehearsal.  Each of them has a table of what it does for which
 * method.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_STEP_METHOD_H
#define PGM_STORE_STEP_METHOD_H

#include "store/partly_applied.h"

typedef enum PgmStepMethod
{
	PGM_STEP_IN_TRANSACTION,	/* all of it is one transaction */
	PGM_STEP_BY_STATEMENT		/* each statement commits, and is marked */
} PgmStepMethod;

#define PGM_NSTEP_METHODS (PGM_STEP_BY_STATEMENT + 1)

/* By what the revision is, whatever became of it before. */
extern PgmStepMethod pgm_step_method(const PgmRevision *revision,
									 const PgmSource *source);

/*
 * Where to go on, and by which method now: what was begun statement by
 * statement ends so, though the revision was amended since.  Was any revision
 * partly applied, once?  In a transaction; raises what pgm_resume_find() does.
 */
extern PgmStepMethod pgm_step_resume(const PgmRevision *revision,
									 const PgmSource *source,
									 PgmDirection direction,
									 PgmStepMethod method, bool any_partly,
									 PgmResume *resume);

/*
 * Of a step by statement: may this one be in no transaction block?  That of a
 * DO or a CALL would keep the code from committing.
 */
extern bool pgm_statement_runs_alone(const PgmStatement *statement);

#endif							/* PGM_STORE_STEP_METHOD_H */
