/*-------------------------------------------------------------------------
 *
 * cast.c
 *	  Can a value of one type become one of another by a cast?
 *
 * Where it cannot, it goes by way of text, as the server would by an explicit
 * cast of its text: no row is lost, those that do not fit are refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

/* Built-in types that can be cast to each other, and some one way only. */
static const char *const families[][8] = {
	{"smallint", "integer", "bigint", "numeric", "real", "double precision",
	NULL},
	{"boolean", "integer", NULL},
	{"money", "numeric", NULL},
	{"money", "integer", NULL},
	{"money", "bigint", NULL},
	{"bit", "bit varying", NULL},
	{"bit", "integer", NULL},
	{"bit", "bigint", NULL},
	{"date", "timestamp without time zone", "timestamp with time zone", NULL},
	{"time without time zone", "time with time zone", "interval", NULL},
	{"json", "jsonb", NULL},
	{"inet", "cidr", NULL},
	{"macaddr", "macaddr8", NULL},
	{"oid", "integer", "bigint", "regclass", "regproc", "regtype", NULL},
	{"xid", "xid8", NULL},
	{NULL}
};

static const char *const one_way[][2] = {
	{"jsonb", "numeric"}, {"jsonb", "integer"}, {"jsonb", "bigint"},
	{"jsonb", "smallint"}, {"jsonb", "real"}, {"jsonb", "double precision"},
	{"jsonb", "boolean"},
	{"timestamp without time zone", "time without time zone"},
	{"timestamp with time zone", "time without time zone"},
	{"timestamp with time zone", "time with time zone"},
};

static const char *const texts[] = {
	"text", "character varying", "character", "name", "\"char\"",
};

/* Types of the server that are in no family. */
static const char *const others[] = {
	"bytea", "uuid", "xml", "tsvector", "tsquery", "pg_lsn", "point", "box",
	"circle", "line", "lseg", "path", "polygon", "int4range", "int8range",
	"numrange", "tsrange", "tstzrange", "daterange",
};

/* Without what stands in brackets. */
static char *
bare_type(const char *type)
{
	const char *open = strchr(type, '(');
	const char *close = open == NULL ? NULL : strchr(open, ')');

	if (type[0] == '"' || close == NULL)
		return pstrdup(type);
	return psprintf("%.*s%s", (int) (open - type), type, close + 1);
}

static bool
is_in(const char *type, const char *const *list, int n)
{
	for (int i = 0; i < n && list[i] != NULL; i++)
		if (strcmp(list[i], type) == 0)
			return true;
	return false;
}

static bool
is_known(const char *type)
{
	if (is_in(type, others, lengthof(others)))
		return true;
	for (int i = 0; families[i][0] != NULL; i++)
		if (is_in(type, families[i], lengthof(families[i])))
			return true;
	return false;
}

static const PgmSchemaObject *
find_type(const PgmDiff *diff, const char *type)
{
	static const char *const kinds[] = {
		"enum", "domain", "composite type", "range", "table",
	};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		const PgmSchemaObject *found = pgm_schema_find(diff->to, kinds[i],
													   type);

		if (found == NULL)
			found = pgm_schema_find(diff->from, kinds[i], type);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* A domain is cast as what it is of. */
static char *
base_type(const PgmDiff *diff, char *type)
{
	const PgmSchemaObject *found = find_type(diff, type);

	/* a chain of domains has an end */
	while (pgm_ddl_is(found, "domain"))
	{
		type = bare_type(OF(found, "base type"));
		found = find_type(diff, type);
	}
	return type;
}

static bool
has_cast(const PgmSchema *schema, const char *from, const char *to)
{
	return pgm_schema_find(schema, "cast",
						   psprintf("%s as %s", from, to)) != NULL;
}

/* The element of an array, or NULL. */
static char *
element_of(const char *type)
{
	size_t		length = strlen(type);

	if (length < 3 || strcmp(type + length - 2, "[]") != 0)
		return NULL;
	return pnstrdup(type, length - 2);
}

/* Families whose casts are done by an assignment, without being asked for. */
#define IS_ASSIGNED(i) \
	(strcmp(families[i][0], "smallint") == 0 || \
	 strcmp(families[i][0], "date") == 0 || \
	 strcmp(families[i][0], "json") == 0 || \
	 strcmp(families[i][0], "inet") == 0)

/* The server fills up the one and refuses what is too long for the other. */
static bool
are_bits(const char *from, const char *to)
{
	static const char *const bits[] = {"bit", "bit varying"};

	return is_in(from, bits, lengthof(bits)) &&
		is_in(to, bits, lengthof(bits));
}

bool
pgm_ddl_is_assigned(const char *from, const char *to)
{
	char	   *source = bare_type(from);
	char	   *target = bare_type(to);

	if (strcmp(source, target) == 0 || is_in(target, texts, 3) ||
		are_bits(source, target))
		return true;
	for (int i = 0; families[i][0] != NULL; i++)
		if (IS_ASSIGNED(i) &&
			is_in(source, families[i], lengthof(families[i])) &&
			is_in(target, families[i], lengthof(families[i])))
			return true;
	return false;
}

/* With what domains are of, and its brackets. */
static char *
resolved(const PgmSchema *schema, const char *type)
{
	char	   *element = element_of(type);
	const PgmSchemaObject *domain;

	check_stack_depth();
	if (element != NULL)
		return psprintf("%s[]", resolved(schema, element));
	domain = pgm_schema_find(schema, "domain", bare_type(type));
	return domain == NULL ? pstrdup(type) :
		resolved(schema, OF(domain, "base type"));
}

const char *
pgm_ddl_stored_type(const PgmSchema *schema, const char *type)
{
	char	   *stored = resolved(schema, type);
	char	   *element;

	while ((element = element_of(stored)) != NULL)
		stored = element;
	return stored;
}

/* As it is or element by element. */
static bool
is_assigned(const char *from, const char *to)
{
	char	   *a = element_of(from);
	char	   *b = element_of(to);

	if (a == NULL && b == NULL)
		return pgm_ddl_is_assigned(from, to);
	return a != NULL && b != NULL && is_assigned(a, b);
}

/* What a cast to it does not cut; "character" and "bit" alone are of one. */
static char *
of_any_length(const char *type)
{
	char	   *element = element_of(type);
	char	   *bare = bare_type(type);

	if (element != NULL)
		return psprintf("%s[]", of_any_length(element));
	return strcmp(bare, "character") == 0 ? pstrdup("text") :
		strcmp(bare, "bit") == 0 ? pstrdup("bit varying") : bare;
}

const char *
pgm_ddl_uncut(const PgmDiff *diff, const char *from, const char *to)
{
	static const char *const cutting[] = {
		"character varying(", "character(", "bit varying(", "bit(",
	};
	static const char *const integers[] = {"integer", "bigint"};
	char	   *source = resolved(diff->from, from);
	char	   *target = resolved(diff->to, to);

	/* the bits of a number have a cast of their own */
	if (strncmp(target, "bit(", 4) == 0 &&
		is_in(bare_type(source), integers, lengthof(integers)))
		return NULL;
	for (int i = 0; i < lengthof(cutting); i++)
		if (strncmp(target, cutting[i], strlen(cutting[i])) == 0)
			return is_assigned(source, target) ? "" :
				of_any_length(target);
	return NULL;
}

bool
pgm_ddl_can_cast(const PgmDiff *diff, const char *from, const char *to)
{
	char	   *source = base_type(diff, bare_type(from));
	char	   *target = base_type(diff, bare_type(to));
	char	   *a = element_of(source);
	char	   *b = element_of(target);

	if (strcmp(source, target) == 0 ||
		is_in(source, texts, lengthof(texts)) ||
		is_in(target, texts, lengthof(texts)) ||
		(has_cast(diff->from, source, target) &&
		 has_cast(diff->to, source, target)))
		return true;
	if (a != NULL || b != NULL)
		return a != NULL && b != NULL && pgm_ddl_can_cast(diff, a, b);
	for (int i = 0; families[i][0] != NULL; i++)
		if (is_in(source, families[i], lengthof(families[i])) &&
			is_in(target, families[i], lengthof(families[i])))
			return true;
	for (int i = 0; i < lengthof(one_way); i++)
		if (strcmp(one_way[i][0], source) == 0 &&
			strcmp(one_way[i][1], target) == 0)
			return true;
	/* of an extension's type nothing is known */
	return (!is_known(source) && find_type(diff, source) == NULL) ||
		(!is_known(target) && find_type(diff, target) == NULL);
}
