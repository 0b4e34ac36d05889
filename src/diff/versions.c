/*-------------------------------------------------------------------------
 *
 * versions.c
 *	  Versions of extensions, which have no way back as a rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "diff/internal.h"

static PgmQuery path_query = {
	"SELECT EXISTS (SELECT FROM pg_extension_update_paths($1::name) AS u "
	"WHERE u.source = $2 AND u.target = $3 AND u.path IS NOT NULL)",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static bool
has_path(const PgmSchemaObject *extension, const char *from, const char *to)
{
	Datum		values[3];
	PgmSpiScope scope;
	bool		found;

	pgm_spi_begin(&scope);
	values[0] = pgm_text_datum(pgm_schema_value(extension, ".name"));
	values[1] = pgm_text_datum(from);
	values[2] = pgm_text_datum(to);
	pgm_spi_execute(&path_query, values, NULL);
	found = pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return found;
}

static void
set_version(PgmSchemaObject *object, char *version)
{
	char	  **values = palloc(sizeof(char *) * object->nproperties);

	for (int i = 0; i < object->nproperties; i++)
		values[i] = strcmp(object->properties[i], "version") == 0 ? version :
			object->values[i];
	object->values = values;
}

PgmSchema *
pgm_diff_way_back(PgmSchema *present, const PgmSchema *desired, List **left)
{
	PgmSchema  *back = palloc(sizeof(PgmSchema));
	Size		size = sizeof(PgmSchemaObject) * present->nobjects;

	*back = *present;
	back->objects = palloc_extended(size + 1, MCXT_ALLOC_HUGE);
	memcpy(back->objects, present->objects, size);
	for (int i = 0; i < back->nobjects; i++)
	{
		PgmSchemaObject *was = &back->objects[i];
		const PgmSchemaObject *is;
		char	   *from;
		char	   *to;

		if (!pgm_ddl_is(was, "extension"))
			continue;
		is = pgm_schema_find(desired, was->kind, was->identity);
		if (is == NULL)
			continue;
		from = pgm_schema_value(is, "version");
		to = pgm_schema_value(was, "version");
		if (strcmp(from, to) == 0 || has_path(was, from, to))
			continue;
		*left = lappend(*left, psprintf("-- leaves extension %s at version %s, there is no way back to %s\n",
										was->identity, from, to));
		set_version(was, from);
	}
	return back;
}
