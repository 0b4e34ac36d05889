/*-------------------------------------------------------------------------
 *
 * catalogs.c
 *	  What the catalogs of two databases do not have in common.
 *
 * Both sides are sorted by catalog, key and values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "diff/catalogs.h"

static bool
ends_with(const char *text, const char *end)
{
	size_t		length = strlen(text);

	return length >= strlen(end) &&
		strcmp(text + length - strlen(end), end) == 0;
}

/* The server calls columns of owners and of privileges so in all catalogs. */
static bool
column_counts(const PgmCatalogComparison *comparison, const char *column)
{
	if (pgm_schema_is_hidden(column))
		return false;
	if (ends_with(column, "owner"))
		return comparison->owners;
	if (ends_with(column, "acl"))
		return comparison->privileges;
	return true;
}

static bool
row_counts(const PgmCatalogComparison *comparison, const PgmSchemaObject *row,
		   bool found)
{
	if (strcmp(row->kind, "pg_default_acl") == 0 && !comparison->privileges)
		return false;
	return comparison->counts == NULL ||
		comparison->counts(row, found, comparison->arg);
}

static int
key_cmp(const PgmSchemaObject *a, const PgmSchemaObject *b)
{
	int			cmp = strcmp(a->kind, b->kind);

	return cmp != 0 ? cmp : strcmp(a->identity, b->identity);
}

static bool
is_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A column that one of two rows has not is null there. */
static bool
rows_differ(const PgmCatalogComparison *comparison,
			const PgmSchemaObject *found, const PgmSchemaObject *expected,
			PgmCatalogDifference *difference)
{
	const PgmSchemaObject *sides[2] = {found, expected};

	for (int side = 0; side < 2; side++)
		for (int i = 0; i < sides[side]->nproperties; i++)
		{
			const char *column = sides[side]->properties[i];

			if (!column_counts(comparison, column) ||
				is_equal(pgm_schema_value(found, column),
						 pgm_schema_value(expected, column)))
				continue;
			difference->row = expected;
			difference->column = column;
			difference->found = pgm_schema_value(found, column);
			difference->expected = pgm_schema_value(expected, column);
			difference->is_there = true;
			return true;
		}
	return false;
}

bool
pgm_catalogs_differ(const PgmCatalogComparison *comparison,
					PgmCatalogDifference *difference)
{
	const PgmSchema *found = comparison->found;
	const PgmSchema *expected = comparison->expected;
	int			i = 0;
	int			j = 0;

	memset(difference, 0, sizeof(PgmCatalogDifference));
	while (i < found->nobjects || j < expected->nobjects)
	{
		int			cmp = i == found->nobjects ? 1 :
			j == expected->nobjects ? -1 :
			key_cmp(&found->objects[i], &expected->objects[j]);
		const PgmSchemaObject *row = cmp < 0 ? &found->objects[i] :
			&expected->objects[j];

		if (row_counts(comparison, row, cmp < 0))
		{
			if (cmp == 0 && rows_differ(comparison, &found->objects[i], row,
										difference))
				return true;
			if (cmp != 0)
			{
				difference->row = row;
				difference->is_there = cmp < 0;
				return true;
			}
		}
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return false;
}
