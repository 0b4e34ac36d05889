/*-------------------------------------------------------------------------
 *
 * mapped.c
 *	  Schemas of this database that are desired in the place of others.
 *
 * The server itself gives them their new names, in a scratch database where
 * the whole schema was made before: so that all that is said in them is as it
 * would be under these names.  What is said of the rest is that of now.
 *
 *	present					in the scratch database		desired
 *	app, app_next, other	app_next called app			app of there,
 *														the rest of here
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"

#include "base/printable.h"
#include "diff/internal.h"
#include "diff/mapped.h"
#include "diff/rename.h"

/* Where a schema goes whose name another one takes. */
#define ASIDE "pgmigrate_aside_"

/* The kinds whose identity begins with a name that is not their own. */
static bool
is_about_others(const PgmSchemaObject *object)
{
	static const char *const kinds[] = {
		"cast", "security label", "transform", "user mapping",
	};

	for (int i = 0; i < lengthof(kinds); i++)
		if (pgm_ddl_is(object, kinds[i]))
			return true;
	return false;
}

/* Is it in the schema, whose name is quoted?  A schema is not in itself. */
static bool
is_in(const PgmSchemaObject *object, const char *schema)
{
	const char *name = pgm_ddl_table(object);
	size_t		length = strlen(schema);

	if (pgm_ddl_is(object, "default privileges"))
		return pgm_ddl_equal(pgm_schema_value(object, ".schema"), schema);
	if (pgm_ddl_is(object, "schema") || is_about_others(object))
		return false;
	if (name == NULL)
		name = object->identity;
	return strncmp(name, schema, length) == 0 && name[length] == '.';
}

/* A cast goes with what it is between, a label with what it is on. */
static bool
is_of(const PgmSchema *schema, int n, const char *name)
{
	if (is_in(&schema->objects[n], name))
		return true;
	if (!is_about_others(&schema->objects[n]))
		return false;
	for (int i = 0; i < schema->ndependencies; i++)
		if (schema->dependencies[i].object == n &&
			is_in(&schema->objects[schema->dependencies[i].needs], name))
			return true;
	return false;
}

static bool
is_of_new_names(const PgmSchema *schema, int n, List *map)
{
	ListCell   *cell;

	foreach(cell, map)
		if (is_of(schema, n,
				  quote_identifier(((PgmRename *) lfirst(cell))->new_name)))
		return true;
	return false;
}

static void
check_schema(const PgmSchema *present, const PgmRename *pair)
{
	if (strcmp(pair->old_name, pair->new_name) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("schema \"%s\" cannot be desired in its own place",
					   pair->old_name));
	if (pgm_schema_find(present, "schema",
						quote_identifier(pair->old_name)) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_SCHEMA),
				errmsg("schema \"%s\" does not exist", pair->old_name));
}

/* Each name once, whether it is that of a desired schema or of its place. */
static void
check_map(const PgmSchema *present, List *map)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, map)
	{
		const PgmRename *pair = lfirst(cell);
		const char *both[2] = {pair->old_name, pair->new_name};

		check_schema(present, pair);
		for (int i = 0; i < lengthof(both); i++)
		{
			ListCell   *other;

			foreach(other, names)
				if (strcmp(lfirst(other), both[i]) == 0)
				ereport(ERROR,
						errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("schema \"%s\" is named twice in \"desired_schemas\"",
							   both[i]));
			names = lappend(names, unconstify(char *, both[i]));
		}
	}
}

char *
pgm_mapped_renames(const PgmSchema *present, List *map)
{
	StringInfoData text;
	ListCell   *cell;

	check_map(present, map);
	initStringInfo(&text);
	foreach(cell, map)
	{
		const PgmRename *pair = lfirst(cell);
		const char *name = quote_identifier(pair->new_name);

		if (pgm_schema_find(present, "schema", name) != NULL)
			appendStringInfo(&text, "ALTER SCHEMA %s RENAME TO " ASIDE "%d;\n",
							 name, foreach_current_index(cell));
		appendStringInfo(&text, "ALTER SCHEMA %s RENAME TO %s;\n",
						 quote_identifier(pair->old_name), name);
	}
	return text.data;
}

/* The pair whose place a text names as set aside, or NULL. */
static const PgmRename *
set_aside(const char *text, List *map)
{
	ListCell   *cell;

	foreach(cell, map)
	{
		char	   *name = psprintf(ASIDE "%d", foreach_current_index(cell));
		const char *found = strstr(text, name);

		if (found != NULL && !isdigit((unsigned char) found[strlen(name)]))
			return lfirst(cell);
	}
	return NULL;
}

/* What it uses of the schema that it takes the place of would be gone. */
static void
check_free(const PgmSchemaObject *object, List *map)
{
	for (int i = 0; i < object->nproperties; i++)
	{
		const PgmRename *pair = object->values[i] == NULL ||
			strstr(object->values[i], ASIDE) == NULL ? NULL :
			set_aside(object->values[i], map);

		if (pair != NULL)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("schema \"%s\" cannot take the place of \"%s\", which it uses",
						   pair->old_name, pair->new_name),
					errdetail("The \"%s\" of its %s %s names it.",
							  object->properties[i], object->kind,
							  pgm_printable_line(pgm_ddl_bare_name(object->identity))));
	}
}

static void
take_objects(PgmSchema *desired, const PgmSchema *from,
			 const PgmSchema *present, List *map, bool mapped)
{
	for (int i = 0; i < from->nobjects; i++)
	{
		const PgmSchemaObject *object = &from->objects[i];
		bool		wanted = is_of_new_names(from, i, map) == mapped;

		/* the schema itself where it is not there yet */
		if (mapped && pgm_ddl_is(object, "schema"))
			wanted = pgm_schema_find(present, "schema",
									 object->identity) == NULL &&
				strncmp(object->identity, ASIDE, strlen(ASIDE)) != 0;
		if (!wanted)
			continue;
		if (mapped)
			check_free(object, map);
		desired->objects[desired->nobjects++] = *object;
	}
}

static void
take_dependencies(PgmSchema *desired, const PgmSchema *from, List *map,
				  bool mapped)
{
	for (int i = 0; i < from->ndependencies; i++)
	{
		const PgmSchemaDependency *d = &from->dependencies[i];
		PgmSchemaDependency *taken;
		int			object;
		int			needs;

		if (is_of_new_names(from, d->object, map) != mapped)
			continue;
		object = pgm_schema_position(desired, &from->objects[d->object]);
		needs = pgm_schema_position(desired, &from->objects[d->needs]);
		if (object < 0)
			continue;
		if (needs < 0 && !pgm_ddl_is(&from->objects[d->object], "publication"))
			ereport(ERROR,
					errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					errmsg("%s %s, which is in another schema, needs %s %s, which is not desired",
						   from->objects[d->object].kind,
						   pgm_printable_line(from->objects[d->object].identity),
						   from->objects[d->needs].kind,
						   pgm_printable_line(from->objects[d->needs].identity)));
		if (needs < 0)
			continue;
		taken = &desired->dependencies[desired->ndependencies++];
		taken->object = object;
		taken->needs = needs;
		taken->type = d->type;
	}
}

PgmSchema *
pgm_mapped_desired(const PgmSchema *present, const PgmSchema *renamed,
				   List *map)
{
	PgmSchema  *desired = palloc0(sizeof(PgmSchema));

	desired->objects = palloc_extended(sizeof(PgmSchemaObject) *
									   (present->nobjects +
										renamed->nobjects + 1),
									   MCXT_ALLOC_HUGE);
	take_objects(desired, present, present, map, false);
	take_objects(desired, renamed, present, map, true);
	pgm_schema_sort(desired);
	desired->dependencies = palloc_extended(sizeof(PgmSchemaDependency) *
											(present->ndependencies +
											 renamed->ndependencies + 1),
											MCXT_ALLOC_HUGE);
	take_dependencies(desired, present, map, false);
	take_dependencies(desired, renamed, map, true);
	pgm_schema_sort_dependencies(desired);
	return desired;
}

/* The text of a function's body is not renamed by anybody. */
void
pgm_mapped_warn(const PgmSchema *desired, List *map)
{
	ListCell   *cell;

	foreach(cell, map)
	{
		const PgmRename *pair = lfirst(cell);
		char	   *old = psprintf("%s.", quote_identifier(pair->old_name));

		for (int i = 0; i < desired->nobjects; i++)
		{
			const PgmSchemaObject *object = &desired->objects[i];
			const char *source = pgm_schema_value(object, "source");

			if (source != NULL && strstr(source, old) != NULL &&
				is_in(object, quote_identifier(pair->new_name)))
				ereport(WARNING,
						errmsg("the body of %s %s names schema \"%s\"",
							   object->kind,
							   pgm_printable_line(object->identity),
							   pgm_printable_line(pair->old_name)),
						errhint("A body that is a string is taken as it is; one of BEGIN ATOMIC follows."));
		}
	}
}
