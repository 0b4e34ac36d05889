/*-------------------------------------------------------------------------
 *
 * left_alone.c
 *	  What the settings of a generation leave as it is.
 *
 * An object is left alone, or included, by its own name or by that of what it
 * belongs to: the columns, indexes, constraints and statistics of a table, the
 * sequences of its columns, the functions and casts of a range.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "utils/builtins.h"

#include "diff/not_null.h"
#include "diff/words.h"

/*
 * What it belongs to, or NULL.  No two of these kinds have objects of the same
 * name: each has a type of it.
 */
static const PgmSchemaObject *
find_whole(const PgmSchema *schema, const PgmSchemaObject *object)
{
	static const char *const kinds[] = {
		"table", "view", "materialized view", "foreign table",
		"composite type", "domain", "range"
	};
	const char *name = pgm_ddl_table(object);
	const PgmSchemaObject *found = NULL;

	if (name == NULL)
		name = pgm_schema_value(object, ".of");
	for (int i = 0; name != NULL && found == NULL && i < lengthof(kinds); i++)
		found = pgm_schema_find(schema, kinds[i], name);
	return found;
}

static bool
is_like(const char *name, const char *pattern)
{
	return DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
												CStringGetTextDatum(name),
												CStringGetTextDatum(pattern)));
}

static bool
is_named(List *patterns, const PgmSchemaObject *object)
{
	const char *table = pgm_ddl_table(object);
	char	   *full = psprintf("%s %s", object->kind, object->identity);
	ListCell   *cell;

	foreach(cell, patterns)
	{
		const char *pattern = lfirst(cell);

		if (is_like(object->identity, pattern) || is_like(full, pattern) ||
			(table != NULL && is_like(table, pattern)))
			return true;
	}
	return false;
}

static bool
matches(List *patterns, const PgmSchema *schema,
		const PgmSchemaObject *object)
{
	while (patterns != NIL && object != NULL)
	{
		if (is_named(patterns, object))
			return true;
		object = schema == NULL ? NULL : find_whole(schema, object);
	}
	return false;
}

/*
 * A proof has what is left out too, as others may need it, but for what has no
 * SQL.
 */
bool
pgm_diff_skips(const PgmDiffOptions *options, const PgmSchema *schema,
			   const PgmSchemaObject *object)
{
	if (options->outline)
		return pgm_ddl_is_not_null(object) ||
			((pgm_ddl_rank(object->kind) == pgm_ddl_rank("") ||
			  pgm_schema_value(object, "shell") != NULL) &&
			 matches(options->exclude, schema, object));
	if (options->include != NIL && !matches(options->include, schema, object))
		return true;
	if (options->no_grants && pgm_ddl_is(object, "default privileges"))
		return true;
	return matches(options->exclude, schema, object) ||
		pgm_ddl_is_not_null(object);
}
