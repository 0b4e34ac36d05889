/*-------------------------------------------------------------------------
 *
 * own_function.c
 *	  May the caller do what a function of ours is for?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/acl.h"

#include "base/own_function.h"
#include "compat/server.h"

void
pgm_own_function_check(const char *name, int nargs, const Oid *arguments)
{
	Oid			function;

	function = LookupFuncName(list_make2(makeString(pstrdup("pgmigrate")),
										 makeString(pstrdup(name))),
							  nargs, arguments, false);
	if (PGM_FUNCTION_ACLCHECK(function, GetUserId()) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for function pgmigrate.%s", name),
			errhint("Grant the level \"operator\" with pgmigrate.grant_access() in this database."));
}
