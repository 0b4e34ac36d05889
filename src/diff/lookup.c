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

/* What an object is found by, such as its column; NULL if it is not there. */
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

	if (!pgm_ddl_is(object, "constraint") &&
		!pgm_ddl_is(object, "domain constraint"))
		return NULL;
	definition = pgm_schema_value(object, "definition");
	/* the domain itself */
	if (strcmp(definition, "NOT NULL") == 0)
		return pstrdup(pgm_ddl_table(object));
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

/* The schema is that of the table or domain. */
char *
pgm_lookup_constraint_key(const PgmSchemaObject *constraint)
{
	const char *table;

	if (!pgm_ddl_is(constraint, "constraint") &&
		!pgm_ddl_is(constraint, "domain constraint"))
		return NULL;
	table = pgm_ddl_table(constraint);
	return psprintf("%.*s%s", (int) (pgm_ddl_bare_name(table) - table), table,
					pgm_ddl_part_name(constraint));
}

void
pgm_lookup_constraints(PgmLookup *lookup, const PgmSchema *schema)
{
	make(lookup, schema, pgm_lookup_constraint_key);
}

bool
pgm_lookup_finds_other(const PgmLookup *lookup, const char *key,
					   const char *identity)
{
	PgmLookupEntry wanted = {key};
	PgmLookupEntry *end = lookup->entries + lookup->n;
	PgmLookupEntry *at;

	at = bsearch(&wanted, lookup->entries, lookup->n, sizeof(PgmLookupEntry),
				 entry_cmp);
	if (at == NULL)
		return false;
	while (at > lookup->entries && entry_cmp(at - 1, &wanted) == 0)
		at--;
	for (; at < end && entry_cmp(at, &wanted) == 0; at++)
		if (strcmp(at->object->identity, identity) != 0)
			return true;
	return false;
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
