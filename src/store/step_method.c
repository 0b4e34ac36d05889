/*-------------------------------------------------------------------------
 *
 * step_method.c
 *	  How a step is carried out, and a statement of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/step_method.h"

PgmStepMethod
pgm_step_method(const PgmRevision *revision, const PgmSource *source)
{
	return revision->transactional == PGM_FALSE || source->top_level ?
		PGM_STEP_BY_STATEMENT : PGM_STEP_IN_TRANSACTION;
}

PgmStepMethod
pgm_step_resume(const PgmRevision *revision, const PgmSource *source,
				PgmDirection direction, PgmStepMethod method, bool any_partly,
				PgmResume *resume)
{
	memset(resume, 0, sizeof(PgmResume));
	if (method == PGM_STEP_BY_STATEMENT || any_partly)
		pgm_resume_find(revision, source, direction, resume);
	return resume->done > 0 ? PGM_STEP_BY_STATEMENT : method;
}

bool
pgm_statement_runs_alone(const PgmStatement *statement)
{
	return statement->top_level || IsA(statement->raw->stmt, CallStmt) ||
		IsA(statement->raw->stmt, DoStmt);
}
