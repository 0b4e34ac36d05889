/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  Act as the owner of a table, whose code may be run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "online/owner.h"

static const char *const pinned_settings[] = {
	"search_path", "TimeZone", "DateStyle", "IntervalStyle",
	"extra_float_digits", "bytea_output", "lc_monetary", "lc_numeric",
	"lc_time", "xmloption"
};

Oid
pgm_owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return result;
}

void
pgm_owner_enter(PgmOwnerScope *scope, Oid owner)
{
	GetUserIdAndSecContext(&scope->user, &scope->sec_context);
	SetUserIdAndSecContext(owner, scope->sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	scope->guc_level = NewGUCNestLevel();
}

void
pgm_owner_leave(const PgmOwnerScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->user, scope->sec_context);
}

List *
pgm_owner_settings(void)
{
	List	   *result = NIL;

	for (int i = 0; i < lengthof(pinned_settings); i++)
	{
		const char *name = pinned_settings[i];

		result = lappend(result, makeString(pstrdup(name)));
		result = lappend(result,
						 makeString(GetConfigOptionByName(name, NULL, false)));
	}
	return result;
}

/* To set one that is as it should be costs more than to look. */
void
pgm_owner_pin(char **settings, int n)
{
	for (int i = 0; i + 1 < n; i += 2)
	{
		const char *value = GetConfigOption(settings[i], false, false);

		if (strcmp(value, settings[i + 1]) != 0)
			(void) set_config_option(settings[i], settings[i + 1],
									 PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	}
}
