/*-------------------------------------------------------------------------
 *
 * rights.c
 *	  Is the caller the one who may do what leads to the desired schema?
 *
 * In a scratch database he owns all that there is, so that a proof does not
 * tell.  What is asked here is what the server asks: who alters or drops
 * something is its owner, who makes something may make it in its schema.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "diff/internal.h"
#include "diff/rename_internal.h"

/* No more than these are named. */
#define MAX_NAMED 10

#define OF(object, property) pgm_schema_value(object, property)

static void
add_missing(List **missing, char *line)
{
	ListCell   *cell;

	/* what is on a table is told once, as the table */
	foreach(cell, *missing)
		if (strcmp(lfirst(cell), line) == 0)
		return;
	*missing = lappend(*missing, line);
}

/* What a part is on, of whatever kind. */
static const PgmSchemaObject *
host_of(const PgmSchema *schema, const PgmSchemaObject *part)
{
	static const char *const hosts[] = {
		"table", "foreign table", "view", "materialized view",
		"composite type", "domain",
	};
	const char *name = pgm_ddl_table(part);

	for (int i = 0; name != NULL && i < lengthof(hosts); i++)
	{
		const PgmSchemaObject *host = pgm_schema_find(schema, hosts[i], name);

		if (host != NULL)
			return host;
	}
	return NULL;
}

static bool
is_owner(const char *owner)
{
	Oid			role = owner == NULL ? InvalidOid :
		get_role_oid(owner, true);

	return !OidIsValid(role) || has_privs_of_role(GetUserId(), role);
}

/* What is there and changes, or something that is on it. */
static void
check_owner(const PgmDiff *diff, const PgmPair *pair, List **missing)
{
	const PgmSchemaObject *object = pair->from;

	if (object == NULL && pgm_ddl_is(pair->to, "trigger"))
		return;
	if (object == NULL || OF(object, "owner") == NULL)
		object = host_of(diff->from, pgm_ddl_object(pair));
	if (object == NULL || is_owner(OF(object, "owner")))
		return;
	add_missing(missing, psprintf(_("%s %s belongs to role \"%s\"."),
								  object->kind, object->identity,
								  OF(object, "owner")));
}

static void
check_new_owner(const PgmDiff *diff, const PgmPair *pair, List **missing)
{
	char	   *owner = OF(pair->to, "owner");
	Oid			role = owner == NULL || diff->options->no_owners ? InvalidOid :
		get_role_oid(owner, true);

	if (OidIsValid(role) && !is_member_of_role(GetUserId(), role) &&
		(pair->from == NULL || !pgm_ddl_equal(owner, OF(pair->from, "owner"))))
		add_missing(missing, psprintf(_("%s %s is to belong to role \"%s\"."),
									  pair->to->kind, pair->to->identity,
									  owner));
}

/* The schema that it is made in, or the database. */
static void
check_place(const PgmDiff *diff, const PgmPair *pair, List **missing)
{
	const PgmSchemaObject *to = pair->to;
	const char *bare = pgm_ddl_bare_name(to->identity);
	char	   *schema = pnstrdup(to->identity, bare - to->identity);
	Oid			oid;

	if (pgm_ddl_is(to, "schema") || pgm_ddl_is(to, "publication"))
	{
		if (PGM_DATABASE_ACLCHECK(GetUserId(), ACL_CREATE) != ACLCHECK_OK)
			add_missing(missing, psprintf(_("%s %s takes the privilege CREATE on this database."),
										  to->kind, to->identity));
		return;
	}
	if (pgm_ddl_table(to) != NULL || *schema == '\0' ||
		strchr(bare, ' ') != NULL)
		return;
	schema[strlen(schema) - 1] = '\0';
	if (pgm_schema_find(diff->from, "schema", schema) == NULL)
		return;
	oid = get_namespace_oid(strVal(linitial(pgm_rename_split(schema))), true);
	if (OidIsValid(oid) && PGM_SCHEMA_ACLCHECK(oid, GetUserId(), ACL_CREATE) !=
		ACLCHECK_OK)
		add_missing(missing, psprintf(_("%s %s takes the privilege CREATE on schema %s."),
									  to->kind, to->identity, schema));
}

/* One a line. */
static char *
missing_text(List *lines)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, lines)
	{
		if (foreach_current_index(cell) < MAX_NAMED)
			appendStringInfo(&text, "%s%s", text.len > 0 ? "\n" : "",
							 (char *) lfirst(cell));
	}
	if (list_length(lines) > MAX_NAMED)
		appendStringInfo(&text, _("\n... and %d more."),
						 list_length(lines) - MAX_NAMED);
	return text.data;
}

void
pgm_diff_check_rights(const PgmSchema *from, const PgmSchema *to,
					  const PgmDiffOptions *options, int elevel)
{
	PgmDiff		diff;
	List	   *missing = NIL;

	if (superuser())
		return;
	pgm_diff_begin(&diff, from, to, options);
	for (int i = 0; i < diff.npairs; i++)
	{
		const PgmPair *pair = &diff.pairs[i];

		if (pair->change == PGM_KEEP)
			continue;
		check_owner(&diff, pair, &missing);
		if (pair->to != NULL)
			check_new_owner(&diff, pair, &missing);
		if (pair->change == PGM_CREATE || pair->change == PGM_RECREATE)
			check_place(&diff, pair, &missing);
	}
	if (missing == NIL)
		return;
	ereport(elevel,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("role \"%s\" may not make the schema as desired",
				   GetUserNameFromId(GetUserId(), false)),
			errdetail_internal("%s", missing_text(missing)),
			errhint("Generate it as a role that may, or leave these objects out with \"pgmigrate.autogenerate_exclude\"."));
}
