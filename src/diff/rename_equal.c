/*-------------------------------------------------------------------------
 *
 * rename_equal.c
 *	  Constraints and indexes that are the same under another name.
 *
 * They hold no data of their own, so that nothing is lost if they were not
 * meant to be the same: where exactly one that goes has the definition of
 * exactly one that comes, on the same table, it is renamed, and not built
 * anew.  What others refer to, as foreign keys do to a key, stays.
 *
 * What a table has from its parents, or hands down, has the names of others in
 * it: it is dropped and made, with a NOTICE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/printable.h"
#include "diff/not_null.h"
#include "diff/parts.h"
#include "diff/rename_internal.h"

#define OF(object, property) pgm_schema_value(object, property)

typedef struct Candidate
{
	char	   *key;			/* kind, table, definition without name */
	int			n;				/* position in its schema */
	bool		handed_down;
} Candidate;

typedef struct Candidates
{
	const PgmSchema *schema;
	const PgmSchema *other;
	int			nparents;
	char	  **parents;		/* tables that have children, sorted */
	int			n;
	Candidate  *list;			/* sorted by key */
} Candidates;

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static int
candidate_cmp(const void *a, const void *b)
{
	return strcmp(((const Candidate *) a)->key, ((const Candidate *) b)->key);
}

/* The index of a constraint has the name of that. */
static const PgmSchemaObject *
index_of(const PgmSchema *schema, const PgmSchemaObject *constraint)
{
	const char *table = pgm_ddl_table(constraint);
	const PgmSchemaObject *index =
		pgm_schema_find(schema, "index",
						psprintf("%s%s", pgm_rename_schema_of(table),
								 pgm_ddl_part_name(constraint)));

	return index != NULL && strcmp(pgm_ddl_table(index), table) == 0 ?
		index : NULL;
}

static bool
is_of_constraint(const PgmSchema *schema, const PgmSchemaObject *index)
{
	return pgm_schema_find(schema, "constraint",
						   psprintf("%s on %s",
									pgm_ddl_bare_name(index->identity),
									pgm_ddl_table(index))) != NULL;
}

/* "CREATE INDEX a ON ..." with another name, or with none. */
static char *
index_definition(const PgmSchemaObject *index, const char *name)
{
	const char *definition = OF(index, "definition");
	const char *begin = strstr(definition, "INDEX ") + strlen("INDEX ");

	return psprintf("%.*s%s%s", (int) (begin - definition), definition, name,
					begin + strlen(pgm_ddl_bare_name(index->identity)));
}

static void
find_parents(Candidates *candidates)
{
	const PgmSchema *schema = candidates->schema;
	List	   *names = NIL;
	ListCell   *cell;

	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *table = &schema->objects[i];
		const char *parents = !pgm_ddl_is_table(table) ? NULL :
			OF(table, "inherits");
		char	   *parent;

		while ((parent = pgm_ddl_next(&parents)) != NULL)
			names = lappend(names, parent);
	}
	candidates->parents = palloc(sizeof(char *) * (list_length(names) + 1));
	foreach(cell, names)
		candidates->parents[candidates->nparents++] = lfirst(cell);
	qsort(candidates->parents, candidates->nparents, sizeof(char *), text_cmp);
}

static bool
has_children(const Candidates *candidates, const char *table)
{
	return bsearch(&table, candidates->parents, candidates->nparents,
				   sizeof(char *), text_cmp) != NULL;
}

/* All of a partitioned table, of others its checks. */
static bool
is_handed_down(const Candidates *candidates, const PgmSchemaObject *object)
{
	const PgmSchemaObject *table =
		pgm_schema_find(candidates->schema, "table", pgm_ddl_table(object));

	return has_children(candidates, pgm_ddl_table(object)) &&
		(pgm_diff_is_check(object) || OF(table, "partition key") != NULL);
}

/* On a table, or a domain, of both sides? */
static bool
is_on_both(const Candidates *candidates, const PgmSchemaObject *object)
{
	const char *host = pgm_ddl_is(object, "domain constraint") ? "domain" :
		"table";
	const char *name = pgm_ddl_table(object);

	return pgm_schema_find(candidates->schema, host, name) != NULL &&
		pgm_schema_find(candidates->other, host, name) != NULL;
}

/* Is it only on this side, and had from nobody? */
static bool
is_candidate(const Candidates *candidates, const PgmSchemaObject *object,
			 const PgmDiffOptions *options)
{
	bool		index = pgm_ddl_is(object, "index");

	if ((!index && !pgm_ddl_is(object, "constraint") &&
		 !pgm_ddl_is(object, "domain constraint")) ||
		pgm_schema_find(candidates->other, object->kind,
						object->identity) != NULL ||
		pgm_diff_skips(options, candidates->schema, object))
		return false;
	return is_on_both(candidates, object) &&
		OF(object, "inherited") == NULL && OF(object, "parent") == NULL &&
		!pgm_ddl_is_not_null(object) &&
		!(index && is_of_constraint(candidates->schema, object));
}

static void
find_candidates(Candidates *candidates, const PgmSchema *schema,
				const PgmSchema *other, const PgmDiffOptions *options)
{
	candidates->schema = schema;
	candidates->other = other;
	candidates->list = palloc_extended(sizeof(Candidate) *
									   (schema->nobjects + 1),
									   MCXT_ALLOC_HUGE);
	find_parents(candidates);
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];
		Candidate  *candidate = &candidates->list[candidates->n];

		CHECK_FOR_INTERRUPTS();
		if (!is_candidate(candidates, object, options))
			continue;
		candidate->n = i;
		candidate->handed_down = is_handed_down(candidates, object);
		candidate->key = psprintf("%s %s %s", object->kind,
								  pgm_ddl_table(object),
								  pgm_ddl_is(object, "index") ?
								  index_definition(object, "") :
								  OF(object, "definition"));
		candidates->n++;
	}
	qsort(candidates->list, candidates->n, sizeof(Candidate), candidate_cmp);
}

/* Has no relation the name that an index is to have? */
static bool
is_free(const PgmSchema *schema, const PgmSchemaObject *made)
{
	static const char *const kinds[] = {
		"composite type", "foreign table", "index", "materialized view",
		"sequence", "table", "view",
	};
	char	   *name = psprintf("%s%s",
								pgm_rename_schema_of(pgm_ddl_table(made)),
								pgm_rename_name(made));

	for (int i = 0; i < lengthof(kinds); i++)
		if (pgm_schema_find(schema, kinds[i], name) != NULL)
			return false;
	return true;
}

static void
set_name(PgmSchemaObject *object, const char *name)
{
	char	  **values = palloc(sizeof(char *) * object->nproperties);

	memcpy(values, object->values, sizeof(char *) * object->nproperties);
	for (int i = 0; i < object->nproperties; i++)
		if (pgm_ddl_is(object, "index") &&
			strcmp(object->properties[i], "definition") == 0)
			values[i] = index_definition(object, name);
	object->values = values;
	object->identity = pgm_rename_identity(object, name);
}

static void
rename_one(PgmRenameSearch *search, PgmSchema *renamed,
		   const PgmSchemaObject *gone, const PgmSchemaObject *made)
{
	const PgmSchema *present = search->present;
	const PgmSchemaObject *index = pgm_ddl_is(gone, "index") ? NULL :
		index_of(present, gone);
	char	   *name = pgm_rename_name(made);

	if ((index != NULL || pgm_ddl_is(gone, "index")) &&
		!is_free(present, made))
		return;
	pgm_rename_add(search, gone, name);
	set_name(&renamed->objects[gone - present->objects], name);
	if (index != NULL)
		set_name(&renamed->objects[index - present->objects], name);
}

/* In the order of the new names. */
static void
put_in_order(PgmSchema *schema)
{
	PgmSchemaObject *before = schema->objects;
	size_t		size = sizeof(PgmSchemaObject) * (schema->nobjects + 1);

	schema->objects = palloc_extended(size, MCXT_ALLOC_HUGE);
	memcpy(schema->objects, before,
		   sizeof(PgmSchemaObject) * schema->nobjects);
	pgm_schema_sort(schema);
	for (int i = 0; i < schema->ndependencies; i++)
	{
		PgmSchemaDependency *d = &schema->dependencies[i];

		d->object = pgm_schema_position(schema, &before[d->object]);
		d->needs = pgm_schema_position(schema, &before[d->needs]);
	}
	pgm_schema_sort_dependencies(schema);
}

static PgmSchema *
copy_of(const PgmSchema *schema)
{
	PgmSchema  *copy = palloc(sizeof(PgmSchema));
	size_t		objects = sizeof(PgmSchemaObject) * (schema->nobjects + 1);
	size_t		dependencies = sizeof(PgmSchemaDependency) *
		(schema->ndependencies + 1);

	*copy = *schema;
	copy->objects = palloc_extended(objects, MCXT_ALLOC_HUGE);
	memcpy(copy->objects, schema->objects,
		   sizeof(PgmSchemaObject) * schema->nobjects);
	copy->dependencies = palloc_extended(dependencies, MCXT_ALLOC_HUGE);
	memcpy(copy->dependencies, schema->dependencies,
		   sizeof(PgmSchemaDependency) * schema->ndependencies);
	return copy;
}

/* How many of the list, from here on, have the same key? */
static int
run_length(const Candidates *candidates, int begin)
{
	int			n = begin;

	while (n < candidates->n && strcmp(candidates->list[n].key,
									   candidates->list[begin].key) == 0)
		n++;
	return n - begin;
}

static void
tell(const PgmSchemaObject *gone, const PgmSchemaObject *made, bool several)
{
	ereport(NOTICE,
			errmsg("%s %s is dropped, and %s of the same definition is made",
				   gone->kind, pgm_printable_line(gone->identity),
				   pgm_printable_line(made->identity)),
			several ? errdetail("There are several of that definition.") :
			errdetail("Tables that inherit from %s may have it by a name of theirs.",
					  pgm_printable_line(pgm_ddl_table(gone))),
			errhint("If it is renamed, say so in \"renames\"."));
}

PgmSchema *
pgm_rename_equal(PgmRenames *renames, PgmSchema *present,
				 const PgmSchema *desired, const PgmDiffOptions *options)
{
	PgmRenameSearch search = {renames, PGM_RENAME_PARTS, false, NIL, present,
	present, desired};
	Candidates	gone = {0};
	Candidates	made = {0};
	PgmSchema  *renamed = NULL;
	int			j = 0;

	find_candidates(&gone, present, desired, options);
	if (gone.n > 0)
		find_candidates(&made, desired, present, options);
	for (int i = 0, length; i < gone.n && j < made.n; i += length)
	{
		bool		several;

		length = run_length(&gone, i);
		while (j < made.n && strcmp(made.list[j].key, gone.list[i].key) < 0)
			j++;
		if (j == made.n || strcmp(made.list[j].key, gone.list[i].key) != 0)
			continue;
		several = length > 1 || run_length(&made, j) > 1;
		if (several || gone.list[i].handed_down || made.list[j].handed_down)
		{
			for (int k = i; k < i + length; k++)
				tell(&present->objects[gone.list[k].n],
					 &desired->objects[made.list[j].n], several);
			continue;
		}
		if (renamed == NULL)
			renamed = copy_of(present);
		rename_one(&search, renamed, &present->objects[gone.list[i].n],
				   &desired->objects[made.list[j].n]);
	}
	if (renamed == NULL)
		return present;
	put_in_order(renamed);
	return renamed;
}
