/*-------------------------------------------------------------------------
 *
 * differences.c
 *	  In what two schemas differ, said by object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "rehearse/internal.h"

/* Objects that are named, and bytes of a value that are shown. */
#define MAX_NAMED 5
#define MAX_VALUE 200

/* A subscription would take part in a replication, so it is left out. */
PgmSchema *
pgm_rehearse_read_schema(bool dependencies)
{
	PgmSchema  *schema = dependencies ? pgm_schema_read_all(GetUserId()) :
		pgm_schema_read_as(GetUserId());
	int		   *place = palloc_extended(sizeof(int) * (schema->nobjects + 1),
										MCXT_ALLOC_HUGE);
	int			n = 0;
	int			ndependencies = 0;

	for (int i = 0; i < schema->nobjects; i++)
	{
		if (strcmp(schema->objects[i].kind, "subscription") == 0)
		{
			place[i] = -1;
			continue;
		}
		place[i] = n;
		schema->objects[n++] = schema->objects[i];
	}
	for (int i = 0; i < schema->ndependencies; i++)
	{
		PgmSchemaDependency dependency = schema->dependencies[i];

		dependency.object = place[dependency.object];
		dependency.needs = place[dependency.needs];
		if (dependency.object >= 0 && dependency.needs >= 0)
			schema->dependencies[ndependencies++] = dependency;
	}
	schema->nobjects = n;
	schema->ndependencies = ndependencies;
	pfree(place);
	return schema;
}

static void
append_value(StringInfo text, const char *value)
{
	int			length;

	if (value == NULL)
	{
		appendStringInfoString(text, "none");
		return;
	}
	length = strlen(value);
	if (length <= MAX_VALUE)
		appendStringInfo(text, "\"%s\"", value);
	else
		appendStringInfo(text, "\"%.*s...\"",
						 pg_mbcliplen(value, length, MAX_VALUE), value);
}

static void
append_property(StringInfo text, const char *name, const char *expected,
				const char *found)
{
	appendStringInfo(text, "%s %s is ", text->len > 0 ? "," : "", name);
	append_value(text, found);
	appendStringInfoString(text, ", not ");
	append_value(text, expected);
}

/* What an object does not have is NULL, or is not among its properties. */
static void
append_properties(StringInfo text, const PgmSchemaObject *expected,
				  const PgmSchemaObject *found)
{
	for (int i = 0; i < expected->nproperties; i++)
	{
		const char *name = expected->properties[i];
		const char *value = expected->values[i];
		const char *other;

		if (value == NULL || pgm_schema_is_hidden(name))
			continue;
		other = pgm_schema_value(found, name);
		if (other == NULL || strcmp(value, other) != 0)
			append_property(text, name, value, other);
	}
	for (int i = 0; i < found->nproperties; i++)
	{
		const char *name = found->properties[i];

		if (found->values[i] != NULL && !pgm_schema_is_hidden(name) &&
			pgm_schema_value(expected, name) == NULL)
			append_property(text, name, NULL, found->values[i]);
	}
}

static int
compare_objects(const PgmSchemaObject *a, const PgmSchemaObject *b)
{
	int			order = strcmp(a->kind, b->kind);

	return order != 0 ? order : strcmp(a->identity, b->identity);
}

static void
append_difference(StringInfo list, int n, const PgmSchemaObject *expected,
				  const PgmSchemaObject *found)
{
	const PgmSchemaObject *object = expected != NULL ? expected : found;

	if (n > MAX_NAMED)
		return;
	if (n > 1)
		appendStringInfoString(list, "; ");
	appendStringInfo(list, "%s %s", object->kind, object->identity);
	if (found == NULL)
		appendStringInfoString(list, " is missing");
	else if (expected == NULL)
		appendStringInfoString(list, " is left over");
	else
	{
		StringInfoData properties;

		initStringInfo(&properties);
		append_properties(&properties, expected, found);
		appendStringInfo(list, ":%s", properties.data);
		pfree(properties.data);
	}
}

static bool
is_equal(const PgmSchemaObject *expected, const PgmSchemaObject *found)
{
	StringInfoData properties;
	bool		result;

	initStringInfo(&properties);
	append_properties(&properties, expected, found);
	result = properties.len == 0;
	pfree(properties.data);
	return result;
}

char *
pgm_rehearse_differences(const PgmSchema *expected, const PgmSchema *found)
{
	StringInfoData list;
	int			n = 0;
	int			i = 0;
	int			j = 0;

	initStringInfo(&list);
	while (i < expected->nobjects || j < found->nobjects)
	{
		const PgmSchemaObject *a = &expected->objects[i];
		const PgmSchemaObject *b = &found->objects[j];
		int			order;

		if (i == expected->nobjects)
			order = 1;
		else if (j == found->nobjects)
			order = -1;
		else
			order = compare_objects(a, b);
		if (order < 0)
			append_difference(&list, ++n, a, NULL);
		else if (order > 0)
			append_difference(&list, ++n, NULL, b);
		else if (!is_equal(a, b))
			append_difference(&list, ++n, a, b);
		i += order <= 0;
		j += order >= 0;
	}
	if (n > MAX_NAMED)
		appendStringInfo(&list, "; and %d more", n - MAX_NAMED);
	if (n == 0)
		return NULL;
	return list.data;
}
