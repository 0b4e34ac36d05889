/*-------------------------------------------------------------------------
 *
 * lookup.c
 *	  What belongs to a column, found without a walk over the whole schema.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "diff/lookup.h"
#include "diff/words.h"

#define NOT_NULL "NOT NULL "

/* The column that an object belongs to; NULL if there is none. */
typedef char *(*ColumnOf) (const PgmSchemaObject *object);

static char *
column_of_sequence(const PgmSchemaObject *object)
{
	return pgm_ddl_is_of_identity(object) ?
		pgm_schema_value(object, "owned by") : NULL;
}

/* Of "NOT NULL name", a constraint since 18, which may go on behind it. */
static char *
column_of_not_null(const PgmSchemaObject *object)
{
	const char *definition;
	const char *name;
	const char *at;

	if (!pgm_ddl_is(object, "constraint"))
		return NULL;
	definition = pgm_schema_value(object, "definition");
	if (strncmp(definition, NOT_NULL, strlen(NOT_NULL)) != 0)
		return NULL;
	at = name = definition + strlen(NOT_NULL);
	if (*at == '"')
		for (at++; *at; at++)
		{
			if (*at == '"' && *++at != '"')
				break;
		}
	else
		at += strcspn(at, " ");
	return psprintf("%s.%.*s", pgm_ddl_table(object), (int) (at - name), name);
}

static int
entry_cmp(const void *a, const void *b)
{
	return strcmp(((const PgmLookupEntry *) a)->column,
				  ((const PgmLookupEntry *) b)->column);
}

static void
make(PgmLookup *lookup, const PgmSchema *schema, ColumnOf column_of)
{
	int			size = 64;

	lookup->entries = palloc(sizeof(PgmLookupEntry) * size);
	for (int i = 0; i < schema->nobjects; i++)
	{
		char	   *column = column_of(&schema->objects[i]);

		if (column == NULL)
			continue;
		if (lookup->n == size)
			lookup->entries = repalloc_huge(lookup->entries,
											sizeof(PgmLookupEntry) * (size *= 2));
		lookup->entries[lookup->n].column = column;
		lookup->entries[lookup->n++].object = &schema->objects[i];
	}
	qsort(lookup->entries, lookup->n, sizeof(PgmLookupEntry), entry_cmp);
}

void
pgm_lookup_sequences(PgmLookup *lookup, const PgmSchema *schema)
{
	make(lookup, schema, column_of_sequence);
}

void
pgm_lookup_not_nulls(PgmLookup *lookup, const PgmSchema *schema)
{
	make(lookup, schema, column_of_not_null);
}

const PgmSchemaObject *
pgm_lookup_find(const PgmLookup *lookup, const PgmSchemaObject *column)
{
	PgmLookupEntry key = {column->identity};
	PgmLookupEntry *found;

	found = bsearch(&key, lookup->entries, lookup->n, sizeof(PgmLookupEntry),
					entry_cmp);
	return found == NULL ? NULL : found->object;
}
