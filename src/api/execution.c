/*-------------------------------------------------------------------------
 *
 * execution.c
 *	  Where the work of a call is done: in a worker, or here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/execution.h"
#include "base/settings.h"
#include "exec/caller_snapshot.h"
#include "run/runner.h"

bool
pgm_use_worker(FunctionCallInfo fcinfo, const char *calls)
{
	bool		possible;

	if (pgm_execution == PGM_EXECUTION_INLINE || !IsUnderPostmaster)
		return false;
	possible = pgm_portal_is_sole_call(fcinfo);
	if (pgm_execution == PGM_EXECUTION_WORKER && !possible)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot wait for a background worker here"),
				errdetail("The call is not a statement of its own outside of a transaction."),
				errhint("Call it as SELECT %s outside of BEGIN, functions and multi-statement queries, or set \"pgmigrate.execution\" to \"auto\".",
						calls));
	return possible;
}

void
pgm_require_worker(FunctionCallInfo fcinfo, const char *calls)
{
	if (!IsUnderPostmaster || !pgm_portal_is_sole_call(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot wait for a background worker here"),
				errhint("Call it as SELECT %s outside of BEGIN, functions and multi-statement queries.",
						calls));
}

void
pgm_refuse_start(void)
{
	pgm_runner_refuse_read_only();
	pgm_runner_refuse_nested();
	if (!IsUnderPostmaster)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot start a background worker in single-user mode"));
	if (InLocalUserIdChange() || InSecurityRestrictedOperation())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("cannot start a background worker from a security-definer function"));
}
