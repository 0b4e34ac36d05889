/*-------------------------------------------------------------------------
 *
 * words.c
 *	  The names, kinds and lists in a model.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "diff/words.h"

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

			at = end == NULL ? at + strlen(at) : end + 1;
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

char *
pgm_ddl_first_word(const char *text)
{
	bool		quoted = false;
	const char *at;

	for (at = text; *at && (quoted || *at != ' '); at++)
		if (*at == '"')
			quoted = !quoted;
	return pnstrdup(text, at - text);
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
pgm_ddl_is_of_identity(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "sequence") &&
		pgm_schema_value(object, ".identity") != NULL;
}

bool
pgm_ddl_is_only_named(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "operator") &&
		pgm_schema_value(object, ".create") == NULL;
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
