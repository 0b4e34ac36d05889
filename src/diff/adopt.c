/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  Owners and privileges that the desired text does not tell of.
 *
 * They are those that there are: what is made again keeps them, and a way back
 * restores them.  What is new is owned by who makes it and has the privileges
 * that are granted by default.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "diff/internal.h"

#define OF(object, property) pgm_schema_value(object, property)

/* A model that was sent has no properties without a value. */
static void
set_value(PgmSchemaObject *object, const char *property, char *value)
{
	int			n = object->nproperties;
	char	  **properties;
	char	  **values;

	for (int i = 0; i < n; i++)
		if (strcmp(object->properties[i], property) == 0)
		{
			object->values[i] = value;
			return;
		}
	if (value == NULL)
		return;
	properties = palloc(sizeof(char *) * (n + 1));
	values = palloc(sizeof(char *) * (n + 1));
	memcpy(properties, object->properties, sizeof(char *) * n);
	memcpy(values, object->values, sizeof(char *) * n);
	properties[n] = pstrdup(property);
	values[n] = value;
	object->properties = properties;
	object->values = values;
	object->nproperties = n + 1;
}

/*
 * A sequence of a column belongs to the owner of the table, in whatever
 * schema that is told.
 */
static char *
owner_of_table(const PgmSchema *present, const PgmSchemaObject *sequence)
{
	const char *column = OF(sequence, "owned by");
	const PgmSchemaObject *found = NULL;

	if (column != NULL)
		found = pgm_schema_find(present, "column", column);
	if (found != NULL)
		found = pgm_ddl_find_table(present, pgm_ddl_table(found));
	return found == NULL ? NULL : OF(found, "owner");
}

/* The items of an owner, as those of another one. */
static char *
hand_over_items(const char *acl, const char *from, const char *to)
{
	char	   *prefix = psprintf("%s=", quote_identifier(from));
	size_t		length = strlen(prefix);
	StringInfoData text;
	char	   *item;

	initStringInfo(&text);
	while ((item = pgm_ddl_next(&acl)) != NULL)
	{
		bool		own = strncmp(item, prefix, length) == 0;

		appendStringInfo(&text, "%s%s%s%s", text.len > 0 ? ", " : "",
						 own ? quote_identifier(to) : "", own ? "=" : "",
						 own ? item + length : item);
	}
	return text.data;
}

static void
adopt_owner(const PgmSchema *present, PgmSchemaObject *object,
			const PgmSchemaObject *was)
{
	char	   *old = OF(object, "owner");
	char	   *owner = owner_of_table(present, object);
	char	   *grants = OF(object, "grants");

	if (owner == NULL && was != NULL)
		owner = OF(was, "owner");
	if (old == NULL || owner == NULL || strcmp(old, owner) == 0)
		return;
	set_value(object, "owner", owner);
	if (grants != NULL)
		set_value(object, "grants", hand_over_items(grants, old, owner));
}

/* Its privileges, as they are when it has this owner. */
static char *
grants_of(const PgmSchemaObject *was, const char *owner)
{
	char	   *grants = OF(was, "grants");

	if (grants == NULL || owner == NULL || OF(was, "owner") == NULL)
		return grants;
	return hand_over_items(grants, OF(was, "owner"), owner);
}

/* Those of something new, when it has been given to its owner. */
static char *
default_grants_of(const PgmSchema *present, const PgmSchemaObject *object,
				  const PgmDiffOptions *options)
{
	char	   *grants = pgm_ddl_default_acl(present, object, options);
	char	   *owner = OF(object, "owner");

	if (grants == NULL || owner == NULL)
		return grants;
	return hand_over_items(grants, options->role, owner);
}

void
pgm_diff_adopt(const PgmSchema *present, PgmSchema *desired,
			   const PgmDiffOptions *options, bool owners, bool grants)
{
	for (int i = 0; i < desired->nobjects; i++)
	{
		PgmSchemaObject *object = &desired->objects[i];
		const PgmSchemaObject *was =
			pgm_schema_find(present, object->kind, object->identity);

		if (pgm_ddl_is(object, "default privileges"))
			continue;
		if (owners)
			adopt_owner(present, object, was);
		if (grants)
			set_value(object, "grants", was != NULL ?
					  grants_of(was, OF(object, "owner")) :
					  default_grants_of(present, object, options));
	}
}
