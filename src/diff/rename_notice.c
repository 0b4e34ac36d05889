/*-------------------------------------------------------------------------
 *
 * rename_notice.c
 *	  Renames that might be meant, and are not told.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/printable.h"
#include "diff/rename_internal.h"

static bool
is_only_in(const PgmSchema *other, const PgmSchemaObject *object)
{
	const char *table = pgm_ddl_table(object);

	if (pgm_schema_find(other, object->kind, object->identity) != NULL)
		return false;
	return table == NULL || pgm_schema_find(other, "table", table) != NULL;
}

/* The same columns of the same types. */
static bool
same_columns(const PgmSchema *present, const PgmSchema *desired,
			 const char *gone, const char *made, const char *order)
{
	char	   *name;

	while ((name = pgm_ddl_next(&order)) != NULL)
	{
		const PgmSchemaObject *a =
			pgm_schema_find(present, "column",
							psprintf("%s.%s", gone, name));
		const PgmSchemaObject *b =
			pgm_schema_find(desired, "column",
							psprintf("%s.%s", made, name));

		if (a == NULL || b == NULL ||
			!pgm_ddl_equal(pgm_schema_value(a, "type"),
						   pgm_schema_value(b, "type")))
			return false;
	}
	return true;
}

static bool
like_shape(const PgmSchema *present, const PgmSchema *desired,
		   const PgmSchemaObject *gone, const PgmSchemaObject *made)
{
	const char *order = pgm_schema_value(gone, "column order");

	if (pgm_ddl_is(gone, "table"))
		return order != NULL && *order != '\0' &&
			pgm_ddl_equal(pgm_rename_schema_of(gone->identity),
						  pgm_rename_schema_of(made->identity)) &&
			pgm_ddl_equal(order, pgm_schema_value(made, "column order")) &&
			same_columns(present, desired, gone->identity, made->identity,
						 order);
	return strcmp(pgm_ddl_table(gone), pgm_ddl_table(made)) == 0 &&
		pgm_ddl_equal(pgm_schema_value(gone, "type"),
					  pgm_schema_value(made, "type"));
}

void
pgm_rename_notice(const PgmSchema *present, const PgmSchema *desired)
{
	for (int i = 0; i < present->nobjects; i++)
	{
		const PgmSchemaObject *gone = &present->objects[i];

		if ((!pgm_ddl_is(gone, "table") && !pgm_ddl_is(gone, "column")) ||
			!is_only_in(desired, gone))
			continue;
		for (int j = 0; j < desired->nobjects; j++)
		{
			const PgmSchemaObject *made = &desired->objects[j];

			CHECK_FOR_INTERRUPTS();
			if (!pgm_ddl_is(made, gone->kind) ||
				!like_shape(present, desired, gone, made) ||
				!is_only_in(present, made))
				continue;
			ereport(NOTICE,
					errmsg("%s %s is dropped, and %s of the same shape is made",
						   gone->kind, pgm_printable_line(gone->identity),
						   pgm_printable_line(made->identity)),
					errhint("If it is renamed, say so in \"renames\", or put \"%s%s\" on the line before it in the desired text.",
							PGM_RENAME_HINT,
							pgm_printable_line(pgm_ddl_is(gone, "table") ?
											   pgm_ddl_bare_name(gone->identity) :
											   pgm_ddl_part_name(gone))));
			break;
		}
	}
}
