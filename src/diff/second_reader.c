/*-------------------------------------------------------------------------
 *
 * second_reader.c
 *	  A judge of what was generated that does not share the model.
 *
 * The statements are written and proven by the model; what that does not know
 * is neither written nor missed.  So the catalogs of both databases are
 * compared too, by what the server tells of them.  A difference that only they
 * have is refused, whatever it is.
 *
 * What is left alone for its name stays as it was, and does not count.  A row
 * has the name of the object of the model that it is or is part of; one that
 * the model does not know, the name that the catalogs give it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_seclabel.h"
#include "utils/builtins.h"

#include "diff/catalogs.h"
#include "diff/rename.h"
#include "diff/second_reader.h"

typedef struct Judge
{
	const PgmSecondReader *reader;
	const PgmReading *sides[2]; /* expected, found */
	const PgmSchemaObject **by_address[2];
} Judge;

/* The object of the model at an address, or NULL. */
static const PgmSchemaObject *
find_object(Judge *judge, bool found, PgmSchemaAddress address)
{
	const PgmSchema *model = judge->sides[found]->model;
	PgmSchemaObject key = {.address = address};
	const PgmSchemaObject *pointer = &key;
	const PgmSchemaObject **at;

	if (model == NULL)
		return NULL;
	if (judge->by_address[found] == NULL)
		judge->by_address[found] = pgm_schema_by_address(model);
	at = bsearch(&pointer, judge->by_address[found], model->nobjects,
				 sizeof(PgmSchemaObject *), pgm_schema_address_cmp);
	return at == NULL ? NULL : *at;
}

/* A label is an object by itself, at the address of what it is on. */
static const PgmSchemaObject *
find_label(Judge *judge, bool found, const PgmSchemaObject *row)
{
	PgmSchemaAddress address = row->address;

	if (strcmp(row->kind, "pg_seclabel") != 0)
		return NULL;
	address.classid = SecLabelRelationId;
	return find_object(judge, found, address);
}

/* An object is left alone with what it is a part of: both names may say so. */
static bool
is_left_alone(Judge *judge, const PgmSchemaObject *row, bool found)
{
	const PgmDiffOptions *options = judge->reader->options;
	PgmDiffOptions excluded = {.exclude = options->exclude};
	PgmSchemaAddress address = row->address;
	const PgmSchemaObject *object;

	if (options->include == NIL && options->exclude == NIL)
		return false;
	object = find_label(judge, found, row);
	if (object == NULL)
		object = find_object(judge, found, address);
	address.subid = 0;
	if (object == NULL)
		object = find_object(judge, found, address);
	return pgm_diff_skips(options, judge->sides[found]->model,
						  object != NULL ? object : row) ||
		pgm_diff_skips(&excluded, NULL, row);
}

static bool
begins_with_schema(const char *name, const char *schema)
{
	size_t		length = strlen(schema);

	return name != NULL && strncmp(name, schema, length) == 0 &&
		name[length] == '.';
}

/*
 * Is it in one of the schemas that become like others?  What is elsewhere and
 * refers to it is not, such as what publications have of it.
 */
static bool
is_mapped(List *schemas, const PgmSchemaObject *row)
{
	const char *table = pgm_schema_value(row, ".table");
	ListCell   *cell;

	if (strncmp(row->kind, "pg_publication", strlen("pg_publication")) == 0)
		return false;
	foreach(cell, schemas)
	{
		const PgmRename *pair = lfirst(cell);
		const char *schema = quote_identifier(pair->new_name);

		if (begins_with_schema(table != NULL ? table : row->identity, schema))
			return true;
	}
	return false;
}

static bool
counts(const PgmSchemaObject *row, bool found, void *arg)
{
	Judge	   *judge = arg;

	if (judge->reader->schemas != NIL &&
		!is_mapped(judge->reader->schemas, row))
		return false;
	return !is_left_alone(judge, row, found);
}

static const char *
shown(const char *value)
{
	return value == NULL ? "null" : quote_literal_cstr(value);
}

static int
detail(const PgmCatalogDifference *difference)
{
	const PgmSchemaObject *row = difference->row;

	if (difference->column != NULL)
		return errdetail("Column \"%s\" of catalog \"%s\" is %s for %s, and should be %s.",
						 difference->column, row->kind,
						 shown(difference->found), row->identity,
						 shown(difference->expected));
	if (difference->is_there)
		return errdetail("Catalog \"%s\" should have no row for %s.",
						 row->kind, row->identity);
	return errdetail("Catalog \"%s\" should have a row for %s.",
					 row->kind, row->identity);
}

static int
context_of(const char *text)
{
	if (text != NULL)
		errcontext("generated SQL:\n%s", text);
	return 0;
}

void
pgm_second_reader_check(const PgmSecondReader *reader,
						const PgmReading *found, const PgmReading *expected,
						const char *what, const char *text)
{
	Judge		judge = {reader, {expected, found}};
	PgmCatalogComparison comparison = {
		found->catalogs, expected->catalogs, reader->owners,
		reader->privileges, counts, &judge
	};
	PgmCatalogDifference difference;

	if (!pgm_catalogs_differ(&comparison, &difference))
		return;
	reader->suspect(reader->suspect_arg);
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the schemas have a difference that no SQL is generated for"),
			detail(&difference),
			errcontext("catalogs compared after %s", what),
			context_of(text),
			errhint("Write the revision by hand with what pgmigrate.diff() shows, or leave the object out with \"pgmigrate.autogenerate_exclude\"."));
}
