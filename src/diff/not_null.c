/*-------------------------------------------------------------------------
 *
 * not_null.c
 *	  NOT NULL of columns and domains.
 *
 * It is a constraint with a name of its own since 18, of a domain since 17;
 * the models have such constraints where the server has.  What makes and drops
 * them is the property of the column or domain; their names are written where
 * the server would choose others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "diff/not_null.h"
#include "diff/parts.h"

#define OF(object, property) pgm_schema_value(object, property)

bool
pgm_ddl_is_not_null(const PgmSchemaObject *object)
{
	const char *definition;

	if (!pgm_ddl_is(object, "constraint") &&
		!pgm_ddl_is(object, "domain constraint"))
		return false;
	definition = OF(object, "definition");
	return definition != NULL && strncmp(definition, "NOT NULL", 8) == 0;
}

bool
pgm_ddl_is_not_valid(const PgmSchemaObject *column)
{
	return pgm_ddl_equal(OF(column, "not null"), "not valid");
}

static char *
unquoted(const char *identity)
{
	return strVal(llast(textToQualifiedNameList(cstring_to_text(identity))));
}

/* As the server names it where nothing else has that name. */
static const char *
usual_name(const PgmSchemaObject *object)
{
	bool		column = pgm_ddl_is(object, "column");
	const char *whole = column ? pgm_ddl_table(object) : object->identity;

	return quote_identifier(makeObjectName(unquoted(whole), !column ? NULL :
										   unquoted(pgm_ddl_part_name(object)),
										   "not_null"));
}

/* Is there another constraint of that name in the schema, before or after? */
static bool
is_taken(PgmDiff *diff, const PgmSchemaObject *constraint)
{
	char	   *key = pgm_lookup_constraint_key(constraint);
	const PgmSchema *sides[2] = {diff->from, diff->to};

	for (int i = 0; i < lengthof(sides); i++)
	{
		if (diff->constraints[i].entries == NULL)
			pgm_lookup_constraints(&diff->constraints[i], sides[i]);
		if (pgm_lookup_finds_other(&diff->constraints[i], key,
								   constraint->identity))
			return true;
	}
	return false;
}

/* What it is of is made, maybe beside that which it replaces. */
static bool
is_made(const PgmDiff *diff, const PgmSchemaObject *object)
{
	const PgmPair *pair;

	if (pgm_ddl_is(object, "column"))
		return pgm_ddl_table_is_new(diff, object);
	pair = pgm_ddl_find_pair(diff, object->kind, object->identity);
	return pair != NULL && (pair->change == PGM_CREATE ||
							pair->change == PGM_RECREATE);
}

/* A column that went with its constraint before. */
static bool
is_made_again(const PgmDiff *diff, const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "column") && !is_made(diff, object) &&
		pgm_ddl_find_pair(diff, object->kind,
						  object->identity)->change == PGM_RECREATE;
}

/*
 * The name to be written; NULL: the one that it gets by itself, or that is in
 * use.  That of what is made beside the one that it replaces is not free yet.
 */
static char *
name_of(PgmDiff *diff, const PgmSchemaObject *object)
{
	const PgmSchemaObject *constraint = pgm_lookup_find(&diff->not_nulls[1],
														object);
	char	   *name;

	if (constraint == NULL)
		return NULL;
	name = pgm_ddl_part_name(constraint);
	if (!pgm_ddl_is_not_valid(object) && !is_made_again(diff, object) &&
		pgm_schema_find(diff->from, constraint->kind,
						constraint->identity) != NULL)
		return is_made(diff, object) ? name : NULL;
	return strcmp(name, usual_name(object)) == 0 &&
		!is_taken(diff, constraint) ? NULL : name;
}

void
pgm_ddl_append_not_null(StringInfo sql, PgmDiff *diff,
						const PgmSchemaObject *object)
{
	char	   *name = name_of(diff, object);

	if (name != NULL)
		appendStringInfo(sql, " CONSTRAINT %s", name);
	appendStringInfoString(sql, " NOT NULL");
}

/* The definition of a column has no words for it. */
void
pgm_ddl_add_not_valid(PgmDiff *diff, const PgmSchemaObject *column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	pgm_ddl_append_not_null(&sql, diff, column);
	pgm_ddl_add_to_table(diff, pgm_ddl_table(column), "ADD%s %s NOT VALID",
						 sql.data, pgm_ddl_part_name(column));
}

/* Has the statement of a parent made it so, a constraint of this kind? */
static bool
is_made_above(const PgmDiff *diff, const PgmPair *pair)
{
	ListCell   *cell;

	foreach(cell, pgm_ddl_same_above(diff, pair->to))
	{
		const PgmPair *above = &diff->pairs[lfirst_int(cell)];

		if (above->to == NULL || OF(above->to, "not null") == NULL ||
			(pgm_ddl_is_not_valid(pair->to) &&
			 !pgm_ddl_is_not_valid(above->to)))
			continue;
		if (above->from == NULL ||
			!pgm_ddl_equal(OF(above->from, "not null"),
						   OF(above->to, "not null")))
			return true;
	}
	return false;
}

/* A statement of its own would make it the child's own. */
static bool
is_handed_down(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *constraint = pgm_lookup_find(&diff->not_nulls[1],
														pair->to);

	if (constraint == NULL || pgm_ddl_changes_parents(diff, pair->to) ||
		!is_made_above(diff, pair))
		return false;
	return pgm_ddl_is_not_valid(pair->to) ||
		(OF(pair->from, "not null") == NULL &&
		 pgm_ddl_equal(OF(constraint, "inherited"), "yes"));
}

/* Its constraint is there, NOT VALID, and has the name that it is to have. */
static const PgmSchemaObject *
find_not_validated(const PgmDiff *diff, const PgmPair *pair)
{
	const PgmSchemaObject *constraint = pgm_lookup_find(&diff->not_nulls[1],
														pair->to);

	return constraint == NULL || !pgm_ddl_is_not_valid(pair->from) ? NULL :
		pgm_schema_find(diff->from, "constraint", constraint->identity);
}

bool
pgm_ddl_loses_not_null(const PgmPair *pair)
{
	return pair->from != NULL && pair->to != NULL &&
		pgm_ddl_is(pair->from, "column") &&
		OF(pair->from, "not null") != NULL &&
		(OF(pair->to, "not null") == NULL || pgm_ddl_is_not_valid(pair->to));
}

void
pgm_ddl_alter_not_null(PgmDiff *diff, PgmPair *pair, const char *above)
{
	const char *table = pgm_ddl_table(pair->to);
	char	   *column = pgm_ddl_part_name(pair->to);
	const PgmSchemaObject *constraint = find_not_validated(diff, pair);
	char	   *name;

	if (is_handed_down(diff, pair))
		return;
	/* what is valid does not become NOT VALID */
	if (pgm_ddl_loses_not_null(pair))
		pgm_ddl_add_along(diff, above, "ALTER COLUMN %s DROP NOT NULL",
						  column);
	if (OF(pair->to, "not null") == NULL)
		return;
	name = name_of(diff, pair->to);
	if (pgm_ddl_is_not_valid(pair->to))
		pgm_ddl_add_not_valid(diff, pair->to);
	else if (constraint != NULL)
		pgm_ddl_add_to_table(diff, table, "VALIDATE CONSTRAINT %s",
							 pgm_ddl_part_name(constraint));
	else if (name != NULL && OF(pair->from, "not null") == NULL)
		pgm_ddl_add_to_table(diff, table, "ADD CONSTRAINT %s NOT NULL %s",
							 name, column);
	else
		pgm_ddl_add_along(diff, table, "ALTER COLUMN %s SET NOT NULL",
						  column);
}

void
pgm_ddl_alter_domain_not_null(PgmDiff *diff, const PgmPair *pair)
{
	const char *domain = pair->to->identity;
	char	   *name = name_of(diff, pair->to);

	if (OF(pair->to, "not null") == NULL)
		pgm_ddl_add(diff, "ALTER DOMAIN %s DROP NOT NULL", domain);
	else if (name != NULL)
		pgm_ddl_add(diff, "ALTER DOMAIN %s ADD CONSTRAINT %s NOT NULL",
					domain, name);
	else
		pgm_ddl_add(diff, "ALTER DOMAIN %s SET NOT NULL", domain);
}
