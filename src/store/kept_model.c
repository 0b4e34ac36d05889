/*-------------------------------------------------------------------------
 *
 * kept_model.c
 *	  The schema as the last run left it, as a model.
 *
 * What is kept is what counts for the fingerprint.  How to write an object and
 * what it depends on is the model's own: an object that is still there has it
 * now as it had then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/spi.h"
#include "store/kept_model.h"
#include "store/schema_record.h"

/* Properties beyond those that are kept. */
#define MORE_PROPERTIES 2

static PgmQuery kept_query = {
	"SELECT o.kind, o.identity, (SELECT array_agg(p.key ORDER BY p.key) "
	"FROM jsonb_each_text(o.definition) AS p), "
	"(SELECT array_agg(p.value ORDER BY p.key) "
	"FROM jsonb_each_text(o.definition) AS p), "
	"o.address[1], o.address[2], o.address[3]::int4, "
	"EXISTS (SELECT FROM jsonb_each(o.definition) AS p "
	"WHERE jsonb_typeof(p.value) = 'object') "
	"FROM pgmigrate.schema_object o WHERE o.kind <> 'database' "
	"ORDER BY o.kind COLLATE \"C\", o.identity COLLATE \"C\""
};

/* After a name, quoted or not. */
static const char *
skip_name(const char *at)
{
	if (*at != '"')
		return at + strcspn(at, " .");
	for (at++; *at; at++)
		if (*at == '"' && *++at != '"')
			break;
	return at;
}

/* Of "CREATE INDEX name ON ONLY table USING ...": the table. */
static char *
table_of_index(const char *definition)
{
	const char *at = strstr(definition, "INDEX ");
	const char *start;

	if (at == NULL)
		return NULL;
	at = skip_name(at + strlen("INDEX "));
	if (strncmp(at, " ON ", 4) != 0)
		return NULL;
	start = at + 4;
	if (strncmp(start, "ONLY ", 5) == 0)
		start += 5;
	at = skip_name(start);
	if (*at == '.')
		at = skip_name(at + 1);
	return pnstrdup(start, at - start);
}

/* What a part belongs to, told from its name; NULL if it is no part. */
static char *
table_of(const PgmSchemaObject *object)
{
	const char *at = skip_name(object->identity);

	if (strcmp(object->kind, "column") == 0 && *at == '.')
	{
		at = skip_name(at + 1);
		return pnstrdup(object->identity, at - object->identity);
	}
	if (strcmp(object->kind, "index") == 0)
		return table_of_index(pgm_schema_value(object, "definition"));
	if (strncmp(at, " on ", 4) == 0)
		return pstrdup(at + 4);
	return NULL;
}

/* What only the model has, of an object that is gone. */
static void
refuse_unknown(const PgmSchemaObject *object)
{
	if (strcmp(object->kind, "aggregate") == 0 ||
		strcmp(object->kind, "default privileges") == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("%s %s is gone, and it is not kept how to make it again",
					   object->kind, object->identity),
				errhint("Make it again, or name it in \"pgmigrate.drift_ignore\"."));
}

/* Any object of the kind tells the properties of all. */
static const PgmSchemaObject *
of_kind(const PgmSchema *schema, const char *kind)
{
	for (int i = 0; i < schema->nobjects; i++)
		if (strcmp(schema->objects[i].kind, kind) == 0)
			return &schema->objects[i];
	return NULL;
}

static void
set_value(PgmSchemaObject *object, const char *property, char *value)
{
	for (int i = 0; i < object->nproperties; i++)
		if (strcmp(object->properties[i], property) == 0)
			object->values[i] = value;
}

static void
fill_object(PgmSchemaObject *object, const PgmSchema *present,
			const PgmSchemaObject *like, int n, char **keys, char **values)
{
	const PgmSchemaObject *now = pgm_schema_find(present, object->kind,
												 object->identity);

	if (like != NULL)
	{
		object->nproperties = like->nproperties;
		object->properties = like->properties;
	}
	else
	{
		char	  **names = palloc(sizeof(char *) * (n + MORE_PROPERTIES));

		for (int i = 0; i < n; i++)
			names[i] = keys[i];
		names[n] = pstrdup(".table");
		names[n + 1] = pstrdup(".identity");
		object->nproperties = n + MORE_PROPERTIES;
		object->properties = names;
	}
	object->values = palloc0(sizeof(char *) * object->nproperties);
	for (int i = 0; i < n; i++)
		set_value(object, keys[i], values[i]);
	if (now == NULL)
	{
		refuse_unknown(object);
		set_value(object, ".table", table_of(object));
		return;
	}
	object->address = now->address;
	for (int i = 0; i < now->nproperties; i++)
		if (pgm_schema_is_hidden(now->properties[i]))
			set_value(object, now->properties[i], now->values[i]);
}

/* The object, or one that had another name and has the same address now. */
static int
position_of(const PgmSchema *schema, const PgmSchemaObject **by_address,
			const PgmSchemaObject *now)
{
	int			position = pgm_schema_position(schema, now);
	const PgmSchemaObject **found;

	if (position >= 0)
		return position;
	found = bsearch(&now, by_address, schema->nobjects,
					sizeof(PgmSchemaObject *), pgm_schema_address_cmp);
	return found == NULL ? -1 : (int) (*found - schema->objects);
}

static bool
is_of_column(const PgmSchema *schema, int object, int needs)
{
	return strcmp(schema->objects[object].kind, "sequence") == 0 &&
		strcmp(schema->objects[needs].kind, "column") == 0;
}

static void
add_dependency(PgmSchema *schema, int object, int needs, char type)
{
	PgmSchemaDependency *dependency =
		&schema->dependencies[schema->ndependencies++];

	dependency->object = object;
	dependency->needs = needs;
	dependency->type = type;
}

/*
 * How likely is this the sequence that an identity column has?  It is kept
 * whose it is, not how; a column may have plain ones beside its own.
 */
static int
likelihood(const PgmSchema *present, const PgmSchemaObject *sequence,
		   const PgmSchemaObject *column)
{
	const char *name = pgm_schema_value(column, ".table");
	const char *part = column->identity + (name == NULL ? 0 :
										   strlen(name) + 1);

	if (pgm_schema_find(present, "sequence", sequence->identity) != NULL)
		return pgm_schema_value(sequence, ".identity") != NULL ? 3 : 0;
	return name != NULL && strcmp(sequence->identity,
								  psprintf("%s_%s_seq", name, part)) == 0 ?
		2 : 1;
}

/* The column that it belongs to, or NULL. */
static const PgmSchemaObject *
owner_of(const PgmSchema *schema, const PgmSchemaObject *object)
{
	const char *owner = strcmp(object->kind, "sequence") != 0 ? NULL :
		pgm_schema_value(object, "owned by");

	return owner == NULL ? NULL : pgm_schema_find(schema, "column", owner);
}

/* By the position of an identity column: that of its sequence, or -1. */
static int *
find_identities(const PgmSchema *schema, const PgmSchema *present)
{
	int		   *found = palloc_extended(sizeof(int) * (schema->nobjects + 1),
										MCXT_ALLOC_HUGE);

	for (int i = 0; i < schema->nobjects; i++)
		found[i] = -1;
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *column = owner_of(schema, &schema->objects[i]);
		int		   *best;

		if (column == NULL || pgm_schema_value(column, "identity") == NULL)
			continue;
		best = &found[column - schema->objects];
		if (*best < 0 ||
			likelihood(present, &schema->objects[i], column) >
			likelihood(present, &schema->objects[*best], column))
			*best = i;
	}
	return found;
}

/*
 * Of sequences to their columns and of these to them, as they were: one of
 * another kind may have the name now.
 */
static void
add_sequences(PgmSchema *schema, const PgmSchema *present)
{
	int		   *identities = find_identities(schema, present);

	for (int i = 0; i < schema->nobjects; i++)
	{
		PgmSchemaObject *object = &schema->objects[i];
		const PgmSchemaObject *column = owner_of(schema, object);
		char	   *value;
		bool		identity;

		if (strcmp(object->kind, "sequence") == 0)
			set_value(object, ".identity", NULL);
		if (column == NULL)
			continue;
		identity = identities[column - schema->objects] == i;
		if (identity)
			set_value(object, ".identity", pstrdup("yes"));
		add_dependency(schema, i, column - schema->objects,
					   identity ? 'i' : 'a');
		value = pgm_schema_value(column, "default");
		if (value != NULL && strstr(value, object->identity) != NULL)
			add_dependency(schema, column - schema->objects, i, 'n');
	}
	pfree(identities);
}

/* Those between objects that are there, and those of sequences. */
static void
take_dependencies(PgmSchema *schema, const PgmSchema *present)
{
	const PgmSchemaObject **by_address = pgm_schema_by_address(schema);

	schema->dependencies = palloc_extended(sizeof(PgmSchemaDependency) *
										   (present->ndependencies +
											2 * schema->nobjects + 1),
										   MCXT_ALLOC_HUGE);
	for (int i = 0; i < present->ndependencies; i++)
	{
		const PgmSchemaDependency *now = &present->dependencies[i];
		int			object = position_of(schema, by_address,
										 &present->objects[now->object]);
		int			needs = position_of(schema, by_address,
										&present->objects[now->needs]);

		if (object >= 0 && needs >= 0 && !is_of_column(schema, object, needs))
			add_dependency(schema, object, needs, now->type);
	}
	add_sequences(schema, present);
	pgm_schema_sort_dependencies(schema);
}

/* Of what only a digest is kept: as it is now, if it is the same. */
static void
restore_long(const PgmSchemaObject *object, const PgmSchema *present, int n,
			 char **keys, char **values)
{
	const PgmSchemaObject *now = pgm_schema_find(present, object->kind,
												 object->identity);

	for (int i = 0; i < n; i++)
	{
		char	   *value = now == NULL ? NULL :
			pgm_schema_value(now, keys[i]);
		char	   *digest = value == NULL ? NULL :
			pgm_schema_record_digest(value);

		if (digest != NULL && strcmp(digest, values[i]) == 0)
			values[i] = value;
		else if (pgm_schema_record_is_digest(values[i]))
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("the \"%s\" of %s %s is not recorded",
						   keys[i], object->kind, object->identity),
					errdetail("It is longer than a megabyte, so that its digest was kept only."),
					errhint("Write the revision by hand."));
	}
}

PgmSchema *
pgm_schema_kept(const PgmSchema *present)
{
	PgmSchema  *schema = palloc0(sizeof(PgmSchema));
	MemoryContext context = CurrentMemoryContext;
	const PgmSchemaObject *like = NULL;
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&kept_query, NULL, NULL);
	if (rows == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("no schema is recorded to compare with"),
				errhint("The end of a run records it, and so does pgmigrate.stamp()."));
	schema->objects = MemoryContextAllocExtended(context,
												 sizeof(PgmSchemaObject) * rows,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	MemoryContextSwitchTo(context);
	for (uint64 i = 1; i <= rows; i++)
	{
		PgmSchemaObject *object = &schema->objects[schema->nobjects];
		char	  **keys;
		char	  **values;
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		object->kind = pgm_spi_text(i, 1);
		if (pgm_schema_is_local(object->kind))
			continue;
		schema->nobjects++;
		object->identity = pgm_spi_text(i, 2);
		if (!pgm_spi_isnull(i, 6))
		{
			object->address.classid = (Oid) pgm_spi_int64(i, 5);
			object->address.objid = (Oid) pgm_spi_int64(i, 6);
			object->address.subid = pgm_spi_int32(i, 7);
		}
		keys = pgm_spi_isnull(i, 3) ? NULL : pgm_spi_text_array(i, 3, &n);
		values = pgm_spi_isnull(i, 4) ? NULL : pgm_spi_text_array(i, 4, &n);
		if (like == NULL || strcmp(like->kind, object->kind) != 0)
			like = of_kind(present, object->kind);
		if (pgm_spi_bool(i, 8))
			restore_long(object, present, n, keys, values);
		fill_object(object, present, like, n, keys, values);
	}
	pgm_spi_end(&scope);
	take_dependencies(schema, present);
	return schema;
}
