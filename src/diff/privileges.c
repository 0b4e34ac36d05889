/*-------------------------------------------------------------------------
 *
 * privileges.c
 *	  Owners, privileges and comments, and default privileges.
 *
 * Privileges are compared by grantee.  Those that somebody other than the
 * owner has granted are granted by the owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/acl.h"
#include "utils/builtins.h"

#include "diff/internal.h"

#define OF(object, property) pgm_schema_value(object, property)

/* What a role may do; bits are those of the letters' places. */
typedef struct Grant
{
	char	   *grantee;		/* quoted, or PUBLIC */
	AclMode		rights;
	AclMode		options;
} Grant;

/* By the place in ACL_ALL_RIGHTS_STR. */
static const char *const right_names[] = {
	"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES",
	"TRIGGER", "EXECUTE", "USAGE", "CREATE", "TEMPORARY", "CONNECT", "SET",
	"ALTER SYSTEM", "MAINTAIN",
};

/* What the owner has if nothing was granted, and what everybody has. */
static const struct
{
	const char *kind;
	const char *on;				/* of GRANT */
	AclMode		owner;
	AclMode		everybody;
}			defaults[] = {
	{"aggregate", "FUNCTION", ACL_EXECUTE, ACL_EXECUTE},
	{"column", "TABLE", 0, 0},
	{"composite type", "TYPE", ACL_USAGE, ACL_USAGE},
	{"domain", "DOMAIN", ACL_USAGE, ACL_USAGE},
	{"enum", "TYPE", ACL_USAGE, ACL_USAGE},
	{"function", "FUNCTION", ACL_EXECUTE, ACL_EXECUTE},
	{"materialized view", "TABLE", ACL_ALL_RIGHTS_RELATION, 0},
	{"procedure", "PROCEDURE", ACL_EXECUTE, ACL_EXECUTE},
	{"range", "TYPE", ACL_USAGE, ACL_USAGE},
	{"schema", "SCHEMA", ACL_ALL_RIGHTS_SCHEMA, 0},
	{"sequence", "SEQUENCE", ACL_ALL_RIGHTS_SEQUENCE, 0},
	{"table", "TABLE", ACL_ALL_RIGHTS_RELATION, 0},
	{"view", "TABLE", ACL_ALL_RIGHTS_RELATION, 0},
	/* of default privileges, by the letter of pg_default_acl */
	{"r", "TABLES", ACL_ALL_RIGHTS_RELATION, 0},
	{"S", "SEQUENCES", ACL_ALL_RIGHTS_SEQUENCE, 0},
	{"f", "FUNCTIONS", ACL_EXECUTE, ACL_EXECUTE},
	{"T", "TYPES", ACL_USAGE, ACL_USAGE},
	{"n", "SCHEMAS", ACL_ALL_RIGHTS_SCHEMA, 0},
};

static int
find_default(const char *kind)
{
	for (int i = 0; i < lengthof(defaults); i++)
		if (strcmp(defaults[i].kind, kind) == 0)
			return i;
	return -1;
}

static Grant *
get_grant(List **grants, char *grantee)
{
	ListCell   *cell;
	Grant	   *grant;

	foreach(cell, *grants)
	{
		grant = lfirst(cell);
		if (strcmp(grant->grantee, grantee) == 0)
			return grant;
	}
	grant = palloc0(sizeof(Grant));
	grant->grantee = grantee;
	*grants = lappend(*grants, grant);
	return grant;
}

/* The name that an item begins with; the server quotes some of them only. */
static char *
read_grantee(const char **item)
{
	const char *at = *item;
	char	   *name;

	if (*at != '"')
		at += strcspn(at, "=");
	else
		for (at++; *at; at++)
			if (*at == '"' && *++at != '"')
				break;
	name = pnstrdup(*item, at - *item);
	*item = at + (*at == '=');
	if (*name == '\0')
		return pstrdup("PUBLIC");
	return *name == '"' ? name : pstrdup(quote_identifier(name));
}

static List *
read_grants(const char *acl)
{
	List	   *grants = NIL;
	char	   *element;

	while ((element = pgm_ddl_next(&acl)) != NULL)
	{
		const char *item = element;
		Grant	   *grant = get_grant(&grants, read_grantee(&item));
		AclMode		last = 0;

		for (; *item && *item != '/'; item++)
		{
			const char *place = strchr(ACL_ALL_RIGHTS_STR, *item);

			if (*item == '*')
				grant->options |= last;
			else if (place != NULL)
				grant->rights |= last =
					(AclMode) 1 << (place - ACL_ALL_RIGHTS_STR);
		}
	}
	return grants;
}

static List *
default_grants(int kind, const char *owner)
{
	List	   *grants = NIL;

	if (owner != NULL && defaults[kind].owner != 0)
		get_grant(&grants, pstrdup(quote_identifier(owner)))->rights =
			defaults[kind].owner;
	if (defaults[kind].everybody != 0)
		get_grant(&grants, pstrdup("PUBLIC"))->rights =
			defaults[kind].everybody;
	return grants;
}

/* "SELECT, INSERT", with the column where it is one. */
static char *
rights_text(AclMode rights, const char *column)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(right_names); i++)
		if (rights & ((AclMode) 1 << i))
		{
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
							 right_names[i]);
			if (column != NULL)
				appendStringInfo(&text, " (%s)", column);
		}
	return text.data;
}

/* before stands before GRANT and REVOKE. */
static void
write_grants(PgmDiff *diff, List *from, List *to, const char *before,
			 const char *on, const char *column)
{
	ListCell   *cell;

	foreach(cell, from)
		(void) get_grant(&to, ((Grant *) lfirst(cell))->grantee);
	foreach(cell, to)
	{
		Grant	   *now = lfirst(cell);
		Grant	   *was = get_grant(&from, now->grantee);
		AclMode		gone = was->rights & ~now->rights;
		AclMode		no_option = was->options & ~now->options & ~gone;
		AclMode		option = now->options & ~was->options;
		AclMode		plain = now->rights & ~was->rights & ~option;

		if (gone != 0)
			pgm_ddl_add(diff, "%sREVOKE %s ON %s FROM %s", before,
						rights_text(gone, column), on, now->grantee);
		if (no_option != 0)
			pgm_ddl_add(diff, "%sREVOKE GRANT OPTION FOR %s ON %s FROM %s",
						before, rights_text(no_option, column), on,
						now->grantee);
		if (plain != 0)
			pgm_ddl_add(diff, "%sGRANT %s ON %s TO %s", before,
						rights_text(plain, column), on, now->grantee);
		if (option != 0)
			pgm_ddl_add(diff, "%sGRANT %s ON %s TO %s WITH GRANT OPTION",
						before, rights_text(option, column), on,
						now->grantee);
	}
}

/* The privileges of an owner go to the next one. */
static void
hand_over(List *grants, const char *from, const char *to)
{
	ListCell   *cell;

	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return;
	foreach(cell, grants)
	{
		Grant	   *grant = lfirst(cell);

		if (strcmp(grant->grantee, quote_identifier(from)) == 0)
			grant->grantee = pstrdup(quote_identifier(to));
	}
}

/*
 * The privileges before and after, as if the owner were the same: a change of
 * the owner hands them over; where owners do not count, nobody is told apart
 * by being the owner.
 */
static void
read_both(const PgmDiff *diff, const PgmPair *pair, bool created, int kind,
		  List **from, List **to)
{
	char	   *was = created ? NULL : OF(pair->from, "grants");
	char	   *now = OF(pair->to, "grants");
	char	   *owner = OF(pair->to, "owner");
	char	   *old_owner = created ? owner : OF(pair->from, "owner");

	*from = was == NULL ? default_grants(kind, old_owner) : read_grants(was);
	*to = now == NULL ? default_grants(kind, owner) : read_grants(now);
	if (diff->options->no_owners)
		hand_over(*to, owner, old_owner);
	else
		hand_over(*from, old_owner, owner);
}

static bool
has_grants(List *grants, List *others)
{
	ListCell   *cell;

	foreach(cell, grants)
	{
		Grant	   *grant = lfirst(cell);
		Grant	   *other = get_grant(&others, grant->grantee);

		if (grant->rights != other->rights || grant->options != other->options)
			return false;
	}
	return true;
}

bool
pgm_ddl_same_privileges(const PgmDiff *diff, const PgmPair *pair)
{
	int			kind = find_default(pair->to->kind);
	List	   *from;
	List	   *to;

	if (kind < 0)
		return pgm_ddl_equal(OF(pair->from, "grants"), OF(pair->to, "grants"));
	read_both(diff, pair, false, kind, &from, &to);
	return has_grants(from, to) && has_grants(to, from);
}

static void
write_privileges(PgmDiff *diff, PgmPair *pair, bool created)
{
	const PgmSchemaObject *to = pair->to;
	int			kind = find_default(to->kind);
	bool		column = pgm_ddl_is(to, "column");
	List	   *from;
	List	   *rights;

	if (kind < 0)
		return;
	read_both(diff, pair, created, kind, &from, &rights);
	write_grants(diff, from, rights, "",
				 psprintf("%s %s", defaults[kind].on,
						  column ? pgm_ddl_table(to) : to->identity),
				 column ? pgm_ddl_part_name(to) : NULL);
}

/* As COMMENT ON and ALTER want it. */
static char *
address_text(const PgmSchemaObject *object)
{
	const char *keyword = pgm_ddl_keyword(object->kind);
	size_t		length = strlen(object->identity);

	if (pgm_ddl_is(object, "domain constraint"))
		return psprintf("CONSTRAINT %s ON DOMAIN %s",
						pgm_ddl_part_name(object), pgm_ddl_table(object));
	if (keyword == NULL)
		return NULL;
	if (pgm_ddl_is(object, "aggregate") &&
		strcmp(object->identity + length - 2, "()") == 0)
		return psprintf("AGGREGATE %.*s(*)", (int) length - 2,
						object->identity);
	return psprintf("%s %s", keyword, object->identity);
}

void
pgm_ddl_attributes(PgmDiff *diff, PgmPair *pair, bool created)
{
	const PgmSchemaObject *to = pair->to;
	char	   *owner = OF(to, "owner");
	char	   *comment = OF(to, "comment");
	const char *was = created ? diff->options->role :
		OF(pair->from, "owner");
	char	   *address = address_text(to);

	if (address == NULL)
		return;
	if (!diff->options->no_owners && owner != NULL &&
		!pgm_ddl_equal(owner, was) && OF(to, "owned by") == NULL)
		pgm_ddl_add(diff, "ALTER %s OWNER TO %s", address,
					quote_identifier(owner));
	if (!diff->options->no_grants)
		write_privileges(diff, pair, created);
	if (!pgm_ddl_equal(comment, created ? NULL : OF(pair->from, "comment")))
		pgm_ddl_add(diff, "COMMENT ON %s IS %s", address,
					comment == NULL ? "NULL" : quote_literal_cstr(comment));
}

/* Where they are for a schema, nothing is granted by default. */
void
pgm_ddl_default_privileges(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);
	const char *role = OF(object, ".role");
	const char *schema = OF(object, ".schema");
	int			kind = find_default(OF(object, ".type"));
	List	   *base;
	List	   *from;
	List	   *to;

	if (diff->options->no_grants)
		return;
	if (kind < 0)
		pgm_ddl_refuse(pair, NULL);
	base = schema != NULL ? NIL : default_grants(kind, role);
	from = pair->from == NULL ? base :
		read_grants(OF(pair->from, "grants"));
	base = schema != NULL ? NIL : default_grants(kind, role);
	to = pair->to == NULL ? base : read_grants(OF(pair->to, "grants"));
	write_grants(diff, from, to,
				 psprintf("ALTER DEFAULT PRIVILEGES FOR ROLE %s%s%s ",
						  quote_identifier(role),
						  schema == NULL ? "" : " IN SCHEMA ",
						  schema == NULL ? "" : schema),
				 defaults[kind].on, NULL);
}
