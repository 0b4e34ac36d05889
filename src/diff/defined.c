/*-------------------------------------------------------------------------
 *
 * defined.c
 *	  Kinds whose statements the model has, and what belongs to foreign
 *	  servers and text search.
 *
 * The statement that makes an object comes with it from the catalogs; the
 * object is dropped and made again where it differs, but for what has an ALTER
 * that others need: a server with its tables, a dictionary with the
 * configurations and indexes that use it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

static bool
differs(const PgmPair *pair, const char *property)
{
	return !pgm_ddl_equal(OF(pair->from, property), OF(pair->to, property));
}

/* The name of an option; its value, or nothing, stands behind it. */
static char *
option_name(const char *option)
{
	const char *at = option;

	if (*at != '"')
		at += strcspn(at, " ");
	else
		for (at++; *at; at++)
			if (*at == '"' && *++at != '"')
				break;
	return pnstrdup(option, at - option);
}

/* The option of this name in a list, or NULL. */
static char *
option_of(const char *list, const char *name)
{
	char	   *option;

	while ((option = pgm_ddl_next(&list)) != NULL)
		if (strcmp(option_name(option), name) == 0)
			return option;
	return NULL;
}

/* From one list of options to another, without OPTIONS; empty if nothing. */
static char *
changed_options(const char *from, const char *to)
{
	const char *rest = from;
	StringInfoData sql;
	char	   *option;

	initStringInfo(&sql);
	while ((option = pgm_ddl_next(&rest)) != NULL)
		if (option_of(to, option_name(option)) == NULL)
			appendStringInfo(&sql, "%sDROP %s", sql.len > 0 ? ", " : "",
							 option_name(option));
	rest = to;
	while ((option = pgm_ddl_next(&rest)) != NULL)
	{
		char	   *was = option_of(from, option_name(option));

		if (!pgm_ddl_equal(was, option))
			appendStringInfo(&sql, "%s%s %s", sql.len > 0 ? ", " : "",
							 was == NULL ? "ADD" : "SET", option);
	}
	return sql.data;
}

const char *
pgm_ddl_options(const PgmSchemaObject *object)
{
	return OF(object, ".options") == NULL ? "" :
		psprintf(" OPTIONS (%s)", OF(object, ".options"));
}

void
pgm_ddl_alter_options(PgmDiff *diff, const PgmPair *pair, const char *before)
{
	char	   *changed = changed_options(OF(pair->from, ".options"),
										  OF(pair->to, ".options"));

	if (*changed)
		pgm_ddl_add(diff, "%s OPTIONS (%s)", before, changed);
}

static void
create_wrapper(PgmDiff *diff, const PgmSchemaObject *to)
{
	const char *handler = OF(to, ".handler");
	const char *validator = OF(to, ".validator");

	pgm_ddl_add(diff, "CREATE FOREIGN DATA WRAPPER %s%s%s%s%s%s",
				to->identity, handler ? " HANDLER " : "",
				handler ? handler : "", validator ? " VALIDATOR " : "",
				validator ? validator : "", pgm_ddl_options(to));
}

static void
alter_wrapper(PgmDiff *diff, PgmPair *pair)
{
	static const char *const words[] = {"handler", "validator"};
	char	   *before = psprintf("ALTER FOREIGN DATA WRAPPER %s",
								  pair->to->identity);

	for (int i = 0; i < lengthof(words); i++)
	{
		char	   *function = OF(pair->to, psprintf(".%s", words[i]));

		if (differs(pair, words[i]))
			pgm_ddl_add(diff, "%s %s%s %s", before, function ? "" : "NO ",
						i == 0 ? "HANDLER" : "VALIDATOR",
						function ? function : "");
	}
	pgm_ddl_alter_options(diff, pair, before);
}

static void
create_server(PgmDiff *diff, const PgmSchemaObject *to)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE SERVER %s", to->identity);
	if (OF(to, "type") != NULL)
		appendStringInfo(&sql, " TYPE %s", quote_literal_cstr(OF(to, "type")));
	if (OF(to, "version") != NULL)
		appendStringInfo(&sql, " VERSION %s",
						 quote_literal_cstr(OF(to, "version")));
	appendStringInfo(&sql, " FOREIGN DATA WRAPPER %s%s",
					 quote_identifier(OF(to, "wrapper")),
					 pgm_ddl_options(to));
	pgm_ddl_add(diff, "%s", sql.data);
}

static void
alter_server(PgmDiff *diff, PgmPair *pair)
{
	char	   *before = psprintf("ALTER SERVER %s", pair->to->identity);
	char	   *version = OF(pair->to, "version");

	if (differs(pair, "version"))
		pgm_ddl_add(diff, "%s VERSION %s", before,
					version == NULL ? "NULL" : quote_literal_cstr(version));
	pgm_ddl_alter_options(diff, pair, before);
}

static void
create_dictionary(PgmDiff *diff, const PgmSchemaObject *to)
{
	char	   *options = OF(to, ".options");

	pgm_ddl_add(diff, "CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %s%s%s)",
				to->identity, OF(to, ".template"), options ? ", " : "",
				options ? options : "");
}

/* An option without a value is one that goes. */
static void
alter_dictionary(PgmDiff *diff, PgmPair *pair)
{
	const char *from = OF(pair->from, ".options");
	char	   *to = OF(pair->to, ".options");
	StringInfoData sql;
	char	   *option;

	initStringInfo(&sql);
	appendStringInfoString(&sql, to == NULL ? "" : to);
	while ((option = pgm_ddl_next(&from)) != NULL)
		if (option_of(to, option_name(option)) == NULL)
			appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : "",
							 option_name(option));
	if (sql.len > 0)
		pgm_ddl_add(diff, "ALTER TEXT SEARCH DICTIONARY %s (%s)",
					pair->to->identity, sql.data);
}

/* The next line of "token WITH dictionaries", and the token by itself. */
static char *
next_mapping(const char **lines, char **token)
{
	const char *start = *lines;
	size_t		length;

	if (start == NULL || *start == '\0')
		return NULL;
	length = strcspn(start, "\n");
	*lines = start + length + (start[length] == '\n');
	*token = pnstrdup(start, strcspn(start, " "));
	return pnstrdup(start, length);
}

static char *
find_mapping(const char *lines, const char *token)
{
	char	   *line;
	char	   *other;

	while ((line = next_mapping(&lines, &other)) != NULL)
		if (strcmp(other, token) == 0)
			return line;
	return NULL;
}

static void
write_mappings(PgmDiff *diff, const char *name, const char *from,
			   const char *to)
{
	const char *rest = from;
	char	   *before = psprintf("ALTER TEXT SEARCH CONFIGURATION %s", name);
	char	   *line;
	char	   *token;

	while ((line = next_mapping(&rest, &token)) != NULL)
		if (find_mapping(to, token) == NULL)
			pgm_ddl_add(diff, "%s DROP MAPPING FOR %s", before, token);
	rest = to;
	while ((line = next_mapping(&rest, &token)) != NULL)
	{
		char	   *was = find_mapping(from, token);

		if (!pgm_ddl_equal(was, line))
			pgm_ddl_add(diff, "%s %s MAPPING FOR %s", before,
						was == NULL ? "ADD" : "ALTER", line);
	}
}

static void
create_family(PgmDiff *diff, const PgmSchemaObject *to)
{
	char	   *members = OF(to, ".members");

	pgm_ddl_add(diff, "CREATE OPERATOR FAMILY %s", to->identity);
	if (members != NULL)
		pgm_ddl_add(diff, "ALTER OPERATOR FAMILY %s ADD %s", to->identity,
					members);
}

/* False if it is none of the kinds here. */
bool
pgm_ddl_create_defined(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;

	if (pgm_ddl_is(to, "foreign data wrapper"))
		create_wrapper(diff, to);
	else if (pgm_ddl_is(to, "server"))
		create_server(diff, to);
	else if (pgm_ddl_is(to, "text search dictionary"))
		create_dictionary(diff, to);
	else if (pgm_ddl_is(to, "text search configuration"))
	{
		pgm_ddl_add(diff, "CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)",
					to->identity, OF(to, "parser"));
		write_mappings(diff, to->identity, NULL, OF(to, ".mapping"));
	}
	else if (pgm_ddl_is(to, "operator family"))
		create_family(diff, to);
	else if (pgm_ddl_is(to, "security label"))
		pgm_ddl_add(diff, "%s%s", OF(to, ".create"),
					quote_literal_cstr(OF(to, "label")));
	else if (OF(to, ".secret") != NULL && !diff->options->outline)
		pgm_ddl_refuse(pair, "options");
	else if (OF(to, ".create") != NULL)
		pgm_ddl_add(diff, "%s", OF(to, ".create"));
	else
		return false;
	return true;
}

/* False if it is none of the kinds here. */
bool
pgm_ddl_alter_defined(PgmDiff *diff, PgmPair *pair)
{
	const PgmSchemaObject *to = pair->to;

	if (pgm_ddl_is(to, "foreign data wrapper"))
		alter_wrapper(diff, pair);
	else if (pgm_ddl_is(to, "server"))
		alter_server(diff, pair);
	else if (pgm_ddl_is(to, "text search dictionary"))
		alter_dictionary(diff, pair);
	else if (pgm_ddl_is(to, "text search configuration"))
		write_mappings(diff, to->identity, OF(pair->from, ".mapping"),
					   OF(to, ".mapping"));
	else if (pgm_ddl_is(to, "security label"))
		pgm_ddl_add(diff, "%s%s", OF(to, ".create"),
					quote_literal_cstr(OF(to, "label")));
	else
		return false;
	return true;
}

char *
pgm_ddl_address(const PgmSchemaObject *object)
{
	const char *keyword = pgm_ddl_keyword(object->kind);
	size_t		length = strlen(object->identity);

	if (OF(object, ".address") != NULL)
		return OF(object, ".address");
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
