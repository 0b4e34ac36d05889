/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  Act as the owner of a table, whose code may be run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

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

/*
 * "$user" is the schema of whoever is current: what the caller has written, or
 * the server for him, would mean something else as the owner.  NULL if it is
 * the same to both.
 */
static char *
path_as_called(Oid owner)
{
	const char *user;
	StringInfoData buf;
	List	   *names;
	ListCell   *lc;

	if (GetUserId() == owner || strstr(namespace_search_path, "$user") == NULL)
		return NULL;
	user = GetUserNameFromId(GetUserId(), false);
	if (!OidIsValid(get_namespace_oid(user, true)) &&
		!OidIsValid(get_namespace_oid(GetUserNameFromId(owner, false), true)))
		return NULL;
	if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
		elog(ERROR, "invalid search_path \"%s\"", namespace_search_path);
	initStringInfo(&buf);
	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(strcmp(name, "$user") == 0 ? user :
										  name));
	}
	return buf.data;
}

static void
set_path(const char *path)
{
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
pgm_owner_enter(PgmOwnerScope *scope, Oid owner)
{
	char	   *path = path_as_called(owner);

	pgm_owner_switch(scope, owner);
	if (path != NULL)
		set_path(path);
}

void
pgm_owner_switch(PgmOwnerScope *scope, Oid owner)
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
pgm_owner_settings(Oid owner)
{
	char	   *path = path_as_called(owner);
	List	   *result = NIL;

	for (int i = 0; i < lengthof(pinned_settings); i++)
	{
		const char *name = pinned_settings[i];

		result = lappend(result, makeString(pstrdup(name)));
		result = lappend(result,
						 makeString(path != NULL &&
									strcmp(name, "search_path") == 0 ? path :
									GetConfigOptionByName(name, NULL, false)));
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
