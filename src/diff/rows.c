/*-------------------------------------------------------------------------
 *
 * rows.c
 *	  Rows of composite types that are made anew.
 *
 * Columns are given the new type by way of text, which tells attributes by
 * their position: those of the type that is set aside are made as many before.
 * Where they are to have another order the way is JSON, which tells them by
 * name; an array is in a row of a type of its own then, as JSON becomes rows
 * only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

bool
pgm_diff_moves_attributes(const PgmPair *type)
{
	const char *had = OF(type->from, "column order");
	const char *wanted = OF(type->to, "column order");
	const char *list = had;
	char	   *name;
	StringInfoData order;

	initStringInfo(&order);
	while ((name = pgm_ddl_next(&list)) != NULL)
		if (pgm_ddl_in_list(wanted, name))
			appendStringInfo(&order, ", %s", name);
	for (list = wanted; (name = pgm_ddl_next(&list)) != NULL;)
		if (!pgm_ddl_in_list(had, name))
			appendStringInfo(&order, ", %s", name);
	return order.len > 0 && strcmp(order.data + strlen(", "), wanted) != 0;
}

/* The composite type of a column that is made anew, or NULL. */
static const PgmPair *
type_made_anew(const PgmDiff *diff, const char *type)
{
	const PgmPair *pair =
		pgm_ddl_find_pair(diff, "composite type",
						  pgm_ddl_stored_type(diff->to, type));

	return pair != NULL && pair->change == PGM_RECREATE && pair->to != NULL ?
		pair : NULL;
}

/* Are the attributes moved of its rows, or of rows in these? */
static bool
moves_in(const PgmDiff *diff, const char *type)
{
	const PgmPair *pair = type_made_anew(diff, type);

	check_stack_depth();
	if (pair == NULL)
		return false;
	if (pgm_diff_moves_attributes(pair))
		return true;
	for (int part = pair->first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
		if (moves_in(diff, OF(diff->pairs[part].from, "type")))
			return true;
	return false;
}

static bool
is_array(const char *type)
{
	size_t		length = strlen(type);

	return length > 2 && strcmp(type + length - 2, "[]") == 0;
}

/* Relations have a type of their name, and indexes are relations. */
static bool
is_taken(const PgmDiff *diff, const char *name)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmSchemaObject *object = pgm_ddl_object(&diff->pairs[i]);
		const char *table;

		if (strcmp(object->identity, name) == 0)
			return true;
		if (!pgm_ddl_is(object, "constraint"))
			continue;
		table = pgm_ddl_table(object);
		if (strcmp(psprintf("%.*s%s", (int) (pgm_ddl_bare_name(table) - table),
							table, pgm_ddl_part_name(object)), name) == 0)
			return true;
	}
	return false;
}

static char *
without_quotes(const char *name)
{
	char	   *result = pstrdup(name);
	char	   *to = result;

	if (name[0] != '"')
		return result;
	for (const char *at = name + 1; *at; at++)
	{
		if (*at == '"' && *++at == '\0')
			break;
		*to++ = *at;
	}
	*to = '\0';
	return result;
}

/*
 * The same for each call.  What is cut off may be all that tells two types
 * from each other: the number of the type does.
 */
char *
pgm_ddl_name_beside(const PgmDiff *diff, const PgmPair *type, const char *word)
{
	const char *identity = pgm_ddl_object(type)->identity;
	const char *bare = pgm_ddl_bare_name(identity);
	char	   *plain = without_quotes(bare);
	int			length = strlen(plain);
	int			n = length + strlen(word) + strlen(" ()") < NAMEDATALEN ? 1 :
		type - diff->pairs + 2;

	for (;; n++)
	{
		const char *number = n == 1 ? "" : psprintf("%d", n);
		const char *suffix = psprintf(bare[0] == '"' ? " (%s%s)" : "_%s%s",
									  word, number);
		int			keep = pg_mbcliplen(plain, length,
										NAMEDATALEN - 1 - strlen(suffix));
		char	   *name = psprintf("%.*s%s", (int) (bare - identity),
									identity,
									quote_identifier(psprintf("%.*s%s", keep,
															  plain, suffix)));

		if (!is_taken(diff, name))
			return name;
	}
}

/* A type whose one attribute is an array of the type. */
static char *
name_of_rows(const PgmDiff *diff, const char *type)
{
	return pgm_ddl_name_beside(diff,
							   pgm_ddl_find_pair(diff, "composite type", type),
							   "rows");
}

char *
pgm_ddl_row_using(const PgmDiff *diff, const PgmPair *column)
{
	const char *name = pgm_ddl_part_name(column->to);
	const char *type = OF(column->to, "type");

	if (!moves_in(diff, type))
		return NULL;
	if (!is_array(type))
		return psprintf(" USING pg_catalog.json_populate_record(NULL::%s, pg_catalog.to_json(%s))",
						type, name);
	return psprintf(" USING (pg_catalog.json_populate_record(NULL::%s, pg_catalog.json_build_object('rows', %s))).rows",
					name_of_rows(diff, pgm_ddl_stored_type(diff->to, type)), name);
}

/* Has a column that is given the type an array of it? */
static bool
is_in_array(const PgmDiff *diff, const PgmPair *type)
{
	int			n = type - diff->pairs;

	for (int i = diff->users.start[n]; i < diff->users.start[n + 1]; i++)
	{
		const PgmPair *user = &diff->pairs[diff->users.other[i]];

		if (user->retype && is_array(OF(user->to, "type")))
			return true;
	}
	return false;
}

static bool
needs_rows(const PgmDiff *diff, const PgmPair *type)
{
	return type->from != NULL && type->to != NULL &&
		pgm_ddl_is(type->to, "composite type") &&
		moves_in(diff, type->to->identity) && is_in_array(diff, type);
}

void
pgm_ddl_create_rows(PgmDiff *diff, const PgmPair *type)
{
	if (needs_rows(diff, type))
		pgm_ddl_add(diff, "CREATE TYPE %s AS (rows %s[])",
					name_of_rows(diff, type->to->identity), type->to->identity);
}

void
pgm_ddl_drop_rows(PgmDiff *diff, const PgmPair *type)
{
	if (needs_rows(diff, type))
		pgm_ddl_add(diff, "DROP TYPE %s", name_of_rows(diff, type->to->identity));
}

void
pgm_ddl_fit_attributes(PgmDiff *diff, const PgmPair *type)
{
	const char *had = OF(type->from, "column order");
	const char *wanted = OF(type->to, "column order");
	const char *list;
	char	   *name;

	for (list = had; (name = pgm_ddl_next(&list)) != NULL;)
		if (!pgm_ddl_in_list(wanted, name))
			pgm_ddl_add_loss(diff, NULL,
							 psprintf("ALTER TYPE %s DROP ATTRIBUTE %s",
									  type->from->identity, name),
							 psprintf("attribute %s of %s", name,
									  type->from->identity));
	if (pgm_diff_moves_attributes(type))
		return;
	for (list = wanted; (name = pgm_ddl_next(&list)) != NULL;)
		if (!pgm_ddl_in_list(had, name))
			pgm_ddl_add(diff, "ALTER TYPE %s ADD ATTRIBUTE %s text",
						type->from->identity, name);
}

const char *
pgm_ddl_lost_in_rows(const PgmDiff *diff, const char *type)
{
	const PgmPair *pair = type_made_anew(diff, type);
	StringInfoData all;

	check_stack_depth();
	if (pair == NULL)
		return NULL;
	initStringInfo(&all);
	for (int part = pair->first_part_from; part >= 0;
		 part = diff->pairs[part].next_part_from)
	{
		const PgmPair *attribute = &diff->pairs[part];
		const char *lost = attribute->to == NULL ? NULL :
			pgm_ddl_lost(diff, OF(attribute->from, "type"),
						 OF(attribute->to, "type"));

		if (lost != NULL)
			appendStringInfo(&all, "%s%s of attribute %s",
							 all.len > 0 ? ", " : "", lost,
							 pgm_ddl_part_name(attribute->from));
	}
	return all.len > 0 ? all.data : NULL;
}
