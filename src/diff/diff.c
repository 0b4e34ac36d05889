/*-------------------------------------------------------------------------
 *
 * diff.c
 *	  The SQL that leads from one schema to another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/printable.h"
#include "diff/parts.h"

/*
 * The bodies of functions may name what comes after them, or what their author
 * had in his search_path.
 */
static bool
is_checked(const char *source)
{
	return source != NULL && (strstr(source, "\n LANGUAGE sql") != NULL ||
							  strstr(source, "\n LANGUAGE plpgsql") != NULL);
}

static bool
makes_function(const PgmDiff *diff)
{
	for (int i = 0; i < diff->npairs; i++)
	{
		const PgmPair *pair = &diff->pairs[i];

		if (pair->change != PGM_KEEP && pair->change != PGM_DROP &&
			(pgm_ddl_is(pair->to, "function") ||
			 pgm_ddl_is(pair->to, "procedure")) &&
			is_checked(pgm_schema_value(pair->to, "source")))
			return true;
	}
	return false;
}

void
pgm_diff_begin(PgmDiff *diff, const PgmSchema *from, const PgmSchema *to,
			   const PgmDiffOptions *options)
{
	memset(diff, 0, sizeof(PgmDiff));
	diff->from = from;
	diff->to = to;
	diff->options = options;
	pgm_lookup_sequences(&diff->sequences, to);
	pgm_lookup_not_nulls(&diff->not_nulls[0], from);
	pgm_lookup_not_nulls(&diff->not_nulls[1], to);
	pgm_diff_pair(diff);
}

List *
pgm_diff_write(const PgmSchema *from, const PgmSchema *to,
			   const PgmDiffOptions *options)
{
	PgmDiff		diff;

	pgm_diff_begin(&diff, from, to, options);
	if (makes_function(&diff))
		pgm_ddl_add(&diff, "SET LOCAL check_function_bodies = off");
	pgm_diff_order(&diff);
	return pgm_diff_join(&diff);
}

static bool
becomes_partitioned(const PgmSchemaObject *from, const PgmSchemaObject *to)
{
	return pgm_ddl_is(from, "table") &&
		pgm_schema_value(from, "partition key") == NULL &&
		pgm_schema_value(to, "partition key") != NULL;
}

/* There are options, or may be, that the caller does not see. */
static bool
hides_options(const PgmSchemaObject *mapping)
{
	return pgm_schema_value(mapping, ".secret") != NULL &&
		pgm_schema_value(mapping, ".digest") == NULL;
}

static bool
has_other_options(const PgmSchemaObject *from, const PgmSchemaObject *to)
{
	return pgm_ddl_is(from, "user mapping") &&
		!hides_options(from) && !hides_options(to) &&
		!pgm_ddl_equal(pgm_schema_value(from, ".digest"),
					   pgm_schema_value(to, ".digest"));
}

static bool
has_other_labels(const PgmSchemaObject *from, const PgmSchemaObject *to)
{
	return pgm_ddl_is(from, "enum") &&
		!pgm_ddl_equal(pgm_schema_value(from, "labels"),
					   pgm_schema_value(to, "labels"));
}

static void
tell(const PgmPair *pair)
{
	const char *name = pgm_printable_line(pair->from->identity);

	if (pgm_ddl_is(pair->from, "user mapping"))
		ereport(WARNING,
				errmsg("the options of user mapping %s are not those that are desired, and are left as they are",
					   name),
				errhint("They may have a password in them. Alter them outside of revisions."));
	else if (pgm_ddl_is(pair->to, "enum"))
		ereport(NOTICE,
				errmsg("enum %s is made again, and its columns with it, as a label that is new is used elsewhere",
					   name),
				errdetail("A label that is added in place can be used when the revision that adds it is committed."),
				errhint("To add it in place let one revision do this alone, and generate what is left then."));
	else
		ereport(NOTICE,
				errmsg("table %s is dropped, with its rows, and made again, as it is to be partitioned",
					   name),
				errhint("To keep the rows let pgmigrate.rebuild(%s, partition_by => %s, partitions => ...) make the partitions, and generate what is left then.",
						quote_literal_cstr(name),
						pgm_printable_line(quote_literal_cstr(pgm_schema_value(pair->to,
																			   "partition key")))));
}

void
pgm_diff_tell(const PgmSchema *from, const PgmSchema *to,
			  const PgmDiffOptions *options)
{
	PgmDiff		diff = {0};

	for (int i = 0; i < from->nobjects; i++)
	{
		const PgmSchemaObject *was = &from->objects[i];
		const PgmSchemaObject *now;
		const PgmPair *pair;

		if (!pgm_ddl_is(was, "table") && !pgm_ddl_is(was, "user mapping") &&
			!pgm_ddl_is(was, "enum"))
			continue;
		now = pgm_schema_find(to, was->kind, was->identity);
		if (now == NULL || pgm_diff_skips(options, to, now) ||
			(!becomes_partitioned(was, now) && !has_other_options(was, now) &&
			 !has_other_labels(was, now)))
			continue;
		if (diff.npairs == 0)
			pgm_diff_begin(&diff, from, to, options);
		pair = pgm_ddl_find_pair(&diff, was->kind, was->identity);
		if (pgm_ddl_is(was, "user mapping") ||
			(pair->change == PGM_RECREATE &&
			 (pgm_ddl_is(was, "table") || pgm_ddl_can_add_values(pair))))
			tell(pair);
	}
}

List *
pgm_diff_not_brought_back(List *there, List *back, List *left)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, there)
	{
		const char *line = lfirst(cell);

		for (; strncmp(line, PGM_DDL_LOSS, strlen(PGM_DDL_LOSS)) == 0;
			 line = strchr(line, '\n') + 1)
			appendStringInfo(&text, "-- data that does not come back: %.*s",
							 (int) (strcspn(line, "\n") + 1 -
									strlen(PGM_DDL_LOSS)),
							 line + strlen(PGM_DDL_LOSS));
	}
	foreach(cell, left)
		appendStringInfoString(&text, lfirst(cell));
	if (text.len == 0 || back == NIL)
		return back;
	appendStringInfoString(&text, linitial(back));
	linitial(back) = text.data;
	return back;
}

char *
pgm_diff_text(List *statements)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, statements)
		appendStringInfo(&text, "%s;\n", (char *) lfirst(cell));
	return text.data;
}

char *
pgm_diff_first(const PgmSchema *from, const PgmSchema *to,
			   const PgmDiffOptions *options)
{
	PgmDiff		diff;

	pgm_diff_begin(&diff, from, to, options);
	for (int i = 0; i < diff.npairs; i++)
		if (diff.pairs[i].change != PGM_KEEP)
		{
			const PgmSchemaObject *object = pgm_ddl_object(&diff.pairs[i]);

			return psprintf("%s %s", object->kind, object->identity);
		}
	return NULL;
}
