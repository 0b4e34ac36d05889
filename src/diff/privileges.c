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

#include "diff/parts.h"

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
	{"foreign data wrapper", "FOREIGN DATA WRAPPER", ACL_USAGE, 0},
	{"foreign table", "TABLE", ACL_ALL_RIGHTS_RELATION, 0},
	{"function", "FUNCTION", ACL_EXECUTE, ACL_EXECUTE},
	{"language", "LANGUAGE", ACL_USAGE, ACL_USAGE},
	{"materialized view", "TABLE", ACL_ALL_RIGHTS_RELATION, 0},
	{"procedure", "PROCEDURE", ACL_EXECUTE, ACL_EXECUTE},
	{"range", "TYPE", ACL_USAGE, ACL_USAGE},
	{"schema", "SCHEMA", ACL_ALL_RIGHTS_SCHEMA, 0},
	{"sequence", "SEQUENCE", ACL_ALL_RIGHTS_SEQUENCE, 0},
	{"server", "FOREIGN SERVER", ACL_USAGE, 0},
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

static const char *
type_letter(const char *kind)
{
	static const char *const letters[][2] = {
		{"foreign table", "r"}, {"materialized view", "r"}, {"table", "r"},
		{"view", "r"}, {"sequence", "S"}, {"aggregate", "f"},
		{"function", "f"}, {"procedure", "f"}, {"composite type", "T"},
		{"domain", "T"}, {"enum", "T"}, {"range", "T"}, {"schema", "n"},
	};

	for (int i = 0; i < lengthof(letters); i++)
		if (strcmp(letters[i][0], kind) == 0)
			return letters[i][1];
	return NULL;
}

static void
add_grants(List **grants, List *more)
{
	ListCell   *cell;

	foreach(cell, more)
	{
		Grant	   *grant = lfirst(cell);
		Grant	   *sum = get_grant(grants, grant->grantee);

		sum->rights |= grant->rights;
		sum->options |= grant->options;
	}
}

/*
 * What is granted on something that has just been made: default privileges are
 * those of before, as they are changed at the end.
 */
static List *
created_grants(const PgmSchema *schema, const PgmSchemaObject *to, int kind,
			   const char *role)
{
	const char *letter = type_letter(to->kind);
	List	   *grants = default_grants(kind, role);

	for (int part = 0; part < 2 && letter != NULL; part++)
	{
		char	   *name = pnstrdup(to->identity,
									pgm_ddl_bare_name(to->identity) -
									to->identity);
		const PgmSchemaObject *found;

		/* without its period */
		if (*name)
			name[strlen(name) - 1] = '\0';
		found = pgm_schema_find(schema, "default privileges",
								psprintf("%s %s%s%s", role, letter,
										 part == 0 ? "" : " in ",
										 part == 0 ? "" : name));
		if (found == NULL)
			continue;
		if (part == 0)
			grants = NIL;
		add_grants(&grants, read_grants(OF(found, "grants")));
	}
	return grants;
}

char *
pgm_ddl_default_acl(const PgmSchema *schema, const PgmSchemaObject *object,
					const PgmDiffOptions *options)
{
	int			kind = find_default(object->kind);
	StringInfoData text;
	ListCell   *cell;
	List	   *grants;

	if (kind < 0)
		return NULL;
	grants = created_grants(schema, object, kind, options->role);
	initStringInfo(&text);
	foreach(cell, grants)
	{
		Grant	   *grant = lfirst(cell);

		appendStringInfo(&text, "%s%s=", text.len > 0 ? ", " : "",
						 strcmp(grant->grantee, "PUBLIC") == 0 ? "" :
						 grant->grantee);
		for (int i = 0; i < (int) strlen(ACL_ALL_RIGHTS_STR); i++)
			if (grant->rights & ((AclMode) 1 << i))
				appendStringInfo(&text, "%c%s", ACL_ALL_RIGHTS_STR[i],
								 grant->options & ((AclMode) 1 << i) ? "*" :
								 "");
		appendStringInfo(&text, "/%s", quote_identifier(options->role));
	}
	return text.data;
}

/* The privileges of an owner go to the next one, who may have some already. */
static List *
hand_over(List *grants, const char *from, const char *to)
{
	List	   *result = NIL;
	ListCell   *cell;

	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return grants;
	foreach(cell, grants)
	{
		Grant	   *grant = lfirst(cell);
		bool		own = strcmp(grant->grantee, quote_identifier(from)) == 0;
		Grant	   *sum = get_grant(&result, own ?
									pstrdup(quote_identifier(to)) :
									grant->grantee);

		sum->rights |= grant->rights;
		sum->options |= grant->options;
	}
	return result;
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
	const char *old_owner = created ? diff->options->role :
		OF(pair->from, "owner");

	*from = created ? created_grants(diff->options->defaults ?
									 diff->options->defaults : diff->from,
									 pair->to, kind,
									 diff->options->role) :
		was == NULL ? default_grants(kind, old_owner) : read_grants(was);
	*to = now == NULL ? default_grants(kind, owner) : read_grants(now);
	if (diff->options->no_owners)
		*to = hand_over(*to, owner, old_owner);
	else
		*from = hand_over(*from, old_owner, owner);
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

/*
 * REVOKE on a table takes from its columns too; what they are to have, and do
 * not get later, is granted again.  One that is made again gets all of it
 * when it is there.
 */
static void
restore_column(PgmDiff *diff, const PgmPair *column, List *from, List *to)
{
	List	   *was = column->from == NULL || column->change == PGM_RECREATE ?
		NIL : read_grants(OF(column->from, "grants"));
	List	   *now = read_grants(OF(column->to, "grants"));
	List	   *left = NIL;
	ListCell   *cell;

	foreach(cell, now)
	{
		Grant	   *grant = lfirst(cell);
		Grant	   *before = get_grant(&from, grant->grantee);
		Grant	   *after = get_grant(&to, grant->grantee);
		Grant	   *had = column->made ? grant :
			get_grant(&was, grant->grantee);
		Grant	   *rest = get_grant(&left, grant->grantee);
		AclMode		gone = before->rights & ~after->rights;
		AclMode		no_option = before->options & ~after->options;

		rest->rights = grant->rights & ~(gone & had->rights);
		rest->options = grant->options & ~((gone | no_option) & had->options);
	}
	write_grants(diff, left, now, "",
				 psprintf("TABLE %s", pgm_ddl_table(column->to)),
				 pgm_ddl_part_name(column->to));
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
	for (int part = created ? -1 : pair->first_part_to; part >= 0;
		 part = diff->pairs[part].next_part_to)
		if (pgm_ddl_is(diff->pairs[part].to, "column"))
			restore_column(diff, &diff->pairs[part], from, rights);
}

/* A sequence that a column has goes with the owner of its table. */
static bool
has_own_owner(const PgmDiff *diff, const PgmPair *pair, bool created)
{
	const char *column = OF(pair->to, "owned by");
	const PgmSchemaObject *found = column == NULL ? NULL :
		pgm_schema_find(diff->to, "column", column);

	if (found == NULL)
		return true;
	if (pgm_ddl_is_of_identity(pair->to))
		return false;
	return created || !pgm_ddl_equal(OF(pair->from, "owned by"), column);
}

/* With which extensions it is dropped. */
static void
write_extensions(PgmDiff *diff, const char *address, const char *from,
				 const char *to)
{
	const char *rest = from;
	char	   *extension;

	while ((extension = pgm_ddl_next(&rest)) != NULL)
		if (!pgm_ddl_in_list(to, extension))
			pgm_ddl_add(diff, "ALTER %s NO DEPENDS ON EXTENSION %s", address,
						extension);
	rest = to;
	while ((extension = pgm_ddl_next(&rest)) != NULL)
		if (!pgm_ddl_in_list(from, extension))
			pgm_ddl_add(diff, "ALTER %s DEPENDS ON EXTENSION %s", address,
						extension);
}

void
pgm_ddl_attributes(PgmDiff *diff, PgmPair *pair, bool created)
{
	const PgmSchemaObject *to = pair->to;
	char	   *owner = OF(to, "owner");
	char	   *comment = OF(to, "comment");
	const char *was = created ? diff->options->role :
		OF(pair->from, "owner");
	char	   *address = pgm_ddl_address(to);

	if (address == NULL)
		return;
	if (!diff->options->no_owners && owner != NULL &&
		!pgm_ddl_equal(owner, was) && has_own_owner(diff, pair, created))
		pgm_ddl_add(diff, "ALTER %s OWNER TO %s", address,
					quote_identifier(owner));
	write_extensions(diff, address, created ? NULL :
					 OF(pair->from, "depends on extension"),
					 OF(to, "depends on extension"));
	diff->tells = true;
	write_privileges(diff, pair, created);
	if (!pgm_ddl_equal(comment, created ? NULL : OF(pair->from, "comment")))
		pgm_ddl_add(diff, "COMMENT ON %s IS %s", address,
					comment == NULL ? "NULL" : quote_literal_cstr(comment));
	diff->tells = false;
}

/*
 * A way back makes a schema again that a text without privileges has dropped,
 * and with it those that are granted there by default.
 */
bool
pgm_ddl_comes_with_schema(const PgmDiff *diff, const PgmPair *pair)
{
	PgmDiffOptions options = *diff->options;
	char	   *schema;

	if (pair->from != NULL || !pgm_ddl_is(pair->to, "default privileges"))
		return false;
	schema = OF(pair->to, ".schema");
	options.no_grants = false;
	return schema != NULL && !pgm_diff_skips(&options, diff->to, pair->to) &&
		pgm_schema_find(diff->from, "schema", schema) == NULL;
}

/*
 * Where they are for a schema, nothing is granted by default, and they go with
 * it.
 */
void
pgm_ddl_default_privileges(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);
	const char *role = OF(object, ".role");
	const char *schema = OF(object, ".schema");
	const PgmPair *of = schema == NULL ? NULL :
		pgm_ddl_find_pair(diff, "schema", schema);
	int			kind = find_default(OF(object, ".type"));
	List	   *base;
	List	   *from;
	List	   *to;

	if (of != NULL && of->change == PGM_DROP)
		return;
	if (diff->options->no_grants && !diff->options->outline &&
		!pgm_ddl_comes_with_schema(diff, pair))
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
