/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Statements being collected, and the names and lists in a model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "diff/internal.h"

/*
 * The kinds that are written here, in the order in which they come where
 * nothing depends on anything.
 */
static const struct
{
	const char *kind;
	const char *keyword;
}			kinds[] = {
	{"schema", "SCHEMA"},
	{"extension", "EXTENSION"},
	{"collation", "COLLATION"},
	{"enum", "TYPE"},
	{"domain", "DOMAIN"},
	{"domain constraint", NULL},
	{"composite type", "TYPE"},
	{"range", "TYPE"},
	{"sequence", "SEQUENCE"},
	{"function", "FUNCTION"},
	{"procedure", "PROCEDURE"},
	{"aggregate", "AGGREGATE"},
	{"language", "LANGUAGE"},
	{"transform", NULL},
	{"cast", NULL},
	{"operator", NULL},
	{"operator family", "OPERATOR FAMILY"},
	{"operator class", "OPERATOR CLASS"},
	{"access method", "ACCESS METHOD"},
	{"conversion", "CONVERSION"},
	{"text search parser", "TEXT SEARCH PARSER"},
	{"text search template", "TEXT SEARCH TEMPLATE"},
	{"text search dictionary", "TEXT SEARCH DICTIONARY"},
	{"text search configuration", "TEXT SEARCH CONFIGURATION"},
	{"foreign data wrapper", "FOREIGN DATA WRAPPER"},
	{"server", "SERVER"},
	{"user mapping", NULL},
	{"table", "TABLE"},
	{"foreign table", "FOREIGN TABLE"},
	{"column", "COLUMN"},
	{"index", "INDEX"},
	{"constraint", "CONSTRAINT"},
	{"statistics", "STATISTICS"},
	{"view", "VIEW"},
	{"materialized view", "MATERIALIZED VIEW"},
	{"rule", "RULE"},
	{"trigger", "TRIGGER"},
	{"policy", "POLICY"},
	{"publication", "PUBLICATION"},
	{"event trigger", "EVENT TRIGGER"},
	{"security label", NULL},
	{"default privileges", NULL},
};

static void
add(PgmDiff *diff, const char *table, char *sql, const char *loss)
{
	PgmDdl	   *ddl = palloc(sizeof(PgmDdl));

	ddl->table = table == NULL ? NULL : pstrdup(table);
	ddl->sql = sql;
	ddl->loss = loss == NULL ? NULL : pstrdup(loss);
	diff->statements = lappend(diff->statements, ddl);
}

static char *format_text(const char *format, va_list args, size_t *size)
			pg_attribute_printf(1, 0);

/* NULL if it did not fit, with the size that it needs. */
static char *
format_text(const char *format, va_list args, size_t *size)
{
	char	   *text = palloc(*size);
	size_t		needed = pvsnprintf(text, *size, format, args);

	if (needed < *size)
		return text;
	*size = needed;
	pfree(text);
	return NULL;
}

void
pgm_ddl_add(PgmDiff *diff, const char *format,...)
{
	size_t		size = 256;
	char	   *text = NULL;

	while (text == NULL)
	{
		va_list		args;

		va_start(args, format);
		text = format_text(format, args, &size);
		va_end(args);
	}
	add(diff, NULL, text, NULL);
}

void
pgm_ddl_add_to_table(PgmDiff *diff, const char *table, const char *format,...)
{
	size_t		size = 256;
	char	   *text = NULL;

	while (text == NULL)
	{
		va_list		args;

		va_start(args, format);
		text = format_text(format, args, &size);
		va_end(args);
	}
	add(diff, table, text, NULL);
}

void
pgm_ddl_add_loss(PgmDiff *diff, const char *table, const char *sql,
				 const char *loss)
{
	add(diff, table, pstrdup(sql), loss);
}

char *
pgm_ddl_next(const char **list)
{
	const char *start;
	const char *at;
	int			depth = 0;

	if (*list == NULL || **list == '\0')
		return NULL;
	start = at = *list;
	while (*at && (depth > 0 || strncmp(at, ", ", 2) != 0))
	{
		if (*at == '"' || *at == '\'')
		{
			const char *end = strchr(at + 1, *at);

			if (end == NULL)
				break;
			at = end + 1;
			continue;
		}
		if (*at == '(' || *at == '[')
			depth++;
		else if (*at == ')' || *at == ']')
			depth--;
		at++;
	}
	*list = *at ? at + 2 : at;
	return pnstrdup(start, at - start);
}

bool
pgm_ddl_in_list(const char *list, const char *element)
{
	char	   *next;

	while ((next = pgm_ddl_next(&list)) != NULL)
		if (strcmp(next, element) == 0)
			return true;
	return false;
}

bool
pgm_ddl_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

const char *
pgm_ddl_keyword(const char *kind)
{
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].keyword;
	return NULL;
}

/* Of kinds that are not written, a large number. */
int
pgm_ddl_rank(const char *kind)
{
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return i;
	return lengthof(kinds);
}

bool
pgm_ddl_is(const PgmSchemaObject *object, const char *kind)
{
	return object != NULL && strcmp(object->kind, kind) == 0;
}

bool
pgm_ddl_is_table(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "table") || pgm_ddl_is(object, "foreign table");
}

const PgmSchemaObject *
pgm_ddl_find_table(const PgmSchema *schema, const char *identity)
{
	const PgmSchemaObject *table = pgm_schema_find(schema, "table", identity);

	return table != NULL ? table :
		pgm_schema_find(schema, "foreign table", identity);
}

bool
pgm_ddl_is_set_aside(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "collation") ||
		pgm_ddl_is(object, "composite type") ||
		pgm_ddl_is(object, "domain") || pgm_ddl_is(object, "enum");
}

const PgmSchemaObject *
pgm_ddl_object(const PgmPair *pair)
{
	return pair->to != NULL ? pair->to : pair->from;
}

const char *
pgm_ddl_table(const PgmSchemaObject *object)
{
	return pgm_schema_value(object, ".table");
}

char *
pgm_ddl_part_name(const PgmSchemaObject *object)
{
	size_t		table = strlen(pgm_ddl_table(object));

	if (pgm_ddl_is(object, "column"))
		return pstrdup(object->identity + table + 1);
	return pnstrdup(object->identity,
					strlen(object->identity) - table - strlen(" on "));
}

const char *
pgm_ddl_bare_name(const char *identity)
{
	const char *at = identity;

	/* the schema is the first name, quoted or not */
	if (*at == '"')
	{
		for (at++; *at; at++)
			if (*at == '"' && *++at != '"')
				break;
	}
	else
		at += strcspn(at, ".");
	return *at == '.' ? at + 1 : identity;
}

void
pgm_ddl_refuse(const PgmPair *pair, const char *property)
{
	const PgmSchemaObject *object = pgm_ddl_object(pair);

	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot write SQL for a change of %s %s",
				   object->kind, object->identity),
			property == NULL ? 0 :
			errdetail("What differs is \"%s\".", property),
			errhint("Write that part of the revision by hand, and leave the object out with \"pgmigrate.autogenerate_exclude\"."));
}
