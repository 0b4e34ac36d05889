/*-------------------------------------------------------------------------
 *
 * execution.c
 *	  Where the work of a call is done: in a worker, or here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "api/execution.h"
#include "base/settings.h"
#include "exec/caller_snapshot.h"
#include "run/runner.h"

static void
notice_inline(const char *reason)
{
	ereport(NOTICE,
			errmsg("the run takes place in this transaction, not in a background worker"),
			errdetail_internal("%s", _(reason)),
			!IsTransactionBlock() && IsolationUsesXactSnapshot() ?
			errhint("Set \"default_transaction_isolation\" to \"read committed\" for this session.") :
			errhint("Where that is meant, set \"pgmigrate.execution\" to \"inline\"."));
}

/* Why no worker can be waited for, or NULL. */
static const char *
obstacle_to_worker(FunctionCallInfo fcinfo)
{
	return IsUnderPostmaster ? pgm_portal_obstacle(fcinfo) :
		gettext_noop("The server runs in single-user mode.");
}

bool
pgm_use_worker(FunctionCallInfo fcinfo, const char *calls)
{
	const char *obstacle;

	if (pgm_execution == PGM_EXECUTION_INLINE)
		return false;
	obstacle = obstacle_to_worker(fcinfo);
	if (obstacle == NULL)
		return true;
	if (pgm_execution == PGM_EXECUTION_WORKER)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot wait for a background worker here"),
				errdetail_internal("%s", _(obstacle)),
				errhint("Call it as SELECT %s outside of BEGIN, functions and multi-statement queries, or set \"pgmigrate.execution\" to \"auto\".",
						calls));
	notice_inline(obstacle);
	return false;
}

void
pgm_require_worker(FunctionCallInfo fcinfo, const char *calls)
{
	const char *obstacle = obstacle_to_worker(fcinfo);

	if (obstacle != NULL)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot wait for a background worker here"),
				errdetail_internal("%s", _(obstacle)),
				errhint("Call it as SELECT %s, without subqueries for arguments, outside of BEGIN, functions and multi-statement queries.",
						calls));
}

bool
pgm_execution_left_record(int64 run)
{
	Oid			schema = get_namespace_oid("pgmigrate", true);
	Oid			table = get_relname_relid("run_step", schema);
	Oid			extension = get_extension_oid("pgmigrate", true);

	/*
	 * The extension itself anybody can lock for long.  A table of somebody
	 * who has made the schema since is none of ours.
	 */
	if (OidIsValid(table) && OidIsValid(extension))
	{
		LockRelationOid(table, AccessShareLock);
		if (get_relname_relid("run_step", schema) == table &&
			getExtensionOfObject(RelationRelationId, table) == extension)
			return true;
	}
	ereport(NOTICE,
			errmsg("run " INT64_FORMAT " is done, and the extension was dropped since",
				   run),
			errdetail("What it did is kept, what was recorded of it is gone."));
	return false;
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
