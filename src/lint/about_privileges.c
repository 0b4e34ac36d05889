/*-------------------------------------------------------------------------
 *
 * about_privileges.c
 *	  What a role would have to be granted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/server.h"
#include "lint/internal.h"

/* The relation that the statement makes, if it makes one. */
static const RangeVar *
made(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, stmt)->relation;
		case T_ViewStmt:
			return castNode(ViewStmt, stmt)->view;
		case T_CreateSeqStmt:
			return castNode(CreateSeqStmt, stmt)->sequence;
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, stmt)->into->rel;
		default:
			return NULL;
	}
}

static const char *
schema_of(const RangeVar *name)
{
	List	   *path;

	if (name != NULL && name->schemaname != NULL)
		return name->schemaname;
	path = fetch_search_path(false);
	return path == NIL ? NULL : get_namespace_name(linitial_oid(path));
}

char *
pgm_lint_privilege(const PgmLint *lint)
{
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));
	const char *schema;
	ListCell   *lc;

	/* who has all of them is refused for another reason */
	if (superuser())
		return NULL;
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);
		Oid			owner;
		const char *privilege;

		if (!effect->named || !OidIsValid(effect->relid))
			continue;
		owner = pgm_relation_owner(effect->relid);
		if (!OidIsValid(owner) || has_privs_of_role(GetUserId(), owner))
			continue;

		/* what is changed or dropped must be one's own */
		if (effect->subject || effect->mode == AccessExclusiveLock)
			return superuser_arg(owner) ?
				psprintf("Run it as the owner, %s.",
						 quote_identifier(GetUserNameFromId(owner, false))) :
				psprintf("GRANT %s TO %s;",
						 quote_identifier(GetUserNameFromId(owner, false)),
						 role);
		privilege = effect->mode == ShareRowExclusiveLock ? "REFERENCES" :
			effect->mode == RowExclusiveLock ? "INSERT, UPDATE, DELETE" :
			"SELECT";
		return psprintf("GRANT %s ON %s TO %s;", privilege,
						pgm_effect_name(effect), role);
	}
	schema = schema_of(made(lint->stmt));
	return schema == NULL ? NULL :
		psprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s;",
				 quote_identifier(schema), role);
}
