/*-------------------------------------------------------------------------
 *
 * rename.c
 *	  Renames that the desired text tells of, and those that it might mean.
 *
 *		-- pgmigrate: renamed from customers
 *		CREATE TABLE clients (
 *			id int,
 *			-- pgmigrate: renamed from tel
 *			phone text
 *		);
 *
 * A hint is about the table or the column that comes next.  It may stay in the
 * text: where the new name is there already it says nothing.  Constraints,
 * indexes and sequences that have the old name in theirs, and whose like is
 * desired with the new one, are renamed along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "diff/internal.h"
#include "diff/rename.h"
#include "sql/statements.h"

#define HINT "-- pgmigrate: renamed from "

typedef struct Search
{
	PgmRenames *renames;
	const PgmSchema *present;
	const PgmSchema *desired;
} Search;

bool
pgm_rename_hinted(const char *text)
{
	return text != NULL && strstr(text, HINT) != NULL;
}

/* Of a column or constraint, both ways; back is done in the reverse order. */
static void
add_rename(Search *search, const char *table, const char *what,
		   const char *old_name, const char *new_name)
{
	PgmRenames *renames = search->renames;

	renames->there = lappend(renames->there,
							 psprintf("ALTER TABLE %s RENAME %s %s TO %s",
									  table, what, old_name, new_name));
	renames->back = lcons(psprintf("ALTER TABLE %s RENAME %s %s TO %s", table,
								   what, new_name, old_name),
						  renames->back);
}

/* The same for what has its name from its schema only. */
static void
add_rename_object(Search *search, const char *what, const char *old_identity,
				  const char *new_identity)
{
	PgmRenames *renames = search->renames;

	renames->there = lappend(renames->there,
							 psprintf("ALTER %s %s RENAME TO %s", what,
									  old_identity,
									  pgm_ddl_bare_name(new_identity)));
	renames->back = lcons(psprintf("ALTER %s %s RENAME TO %s", what,
								   new_identity,
								   pgm_ddl_bare_name(old_identity)),
						  renames->back);
}

/* A name as somebody writes it, as the server does. */
static char *
canonical_name(const char *written, const char *default_schema)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(written));

	if (list_length(names) == 2)
		return psprintf("%s.%s", quote_identifier(strVal(linitial(names))),
						quote_identifier(strVal(lsecond(names))));
	if (list_length(names) != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid name \"%s\" in a hint about a rename",
					   written));
	return psprintf("%s%s", default_schema,
					quote_identifier(strVal(linitial(names))));
}

/* With its period. */
static char *
schema_of(const char *identity)
{
	return pnstrdup(identity, pgm_ddl_bare_name(identity) - identity);
}

/* The table of the desired schema that a statement has made. */
static const char *
find_table(const Search *search, const RangeVar *name)
{
	const char *bare = quote_identifier(name->relname);
	const char *found = NULL;

	if (name->schemaname != NULL)
		return psprintf("%s.%s", quote_identifier(name->schemaname), bare);
	for (int i = 0; i < search->desired->nobjects; i++)
	{
		const PgmSchemaObject *object = &search->desired->objects[i];

		if (!pgm_ddl_is(object, "table") ||
			strcmp(pgm_ddl_bare_name(object->identity), bare) != 0)
			continue;
		if (found != NULL)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("there are several tables \"%s\"", name->relname),
					errhint("Write the schema of the table that was renamed."));
		found = object->identity;
	}
	return found;
}

static char *
replaced(const char *text, const char *old_part, const char *new_part)
{
	const char *found = strstr(text, old_part);

	if (found == NULL)
		return NULL;
	return psprintf("%.*s%s%s", (int) (found - text), text, new_part,
					found + strlen(old_part));
}

/* Is it on the table, or the sequence of a column? */
static bool
is_on_table(const PgmSchemaObject *object, const char *table)
{
	const char *owner = pgm_schema_value(object, "owned by");
	size_t		length = strlen(table);

	if (pgm_ddl_is(object, "sequence"))
		return owner != NULL && strncmp(owner, table, length) == 0 &&
			owner[length] == '.';
	return (pgm_ddl_is(object, "constraint") ||
			pgm_ddl_is(object, "index")) &&
		strcmp(pgm_ddl_table(object), table) == 0;
}

static bool
is_wanted(const Search *search, const char *kind, const char *identity)
{
	return pgm_schema_find(search->desired, kind, identity) != NULL &&
		pgm_schema_find(search->present, kind, identity) == NULL;
}

/*
 * What is on the table and has the old name of the table or the column, or
 * both, in its own.
 */
static void
rename_along(Search *search, const char *old_table, const char *new_table,
			 const char *old_name, const char *new_name)
{
	for (int i = 0; i < search->present->nobjects; i++)
	{
		const PgmSchemaObject *object = &search->present->objects[i];
		bool		constraint = pgm_ddl_is(object, "constraint");
		char	   *old;
		char	   *name;
		const char *identity = NULL;

		if (!is_on_table(object, old_table))
			continue;
		old = constraint ? pgm_ddl_part_name(object) :
			pstrdup(pgm_ddl_bare_name(object->identity));
		name = replaced(old, old_name, new_name);
		for (int again = 0; again < 2 && name != NULL; again++)
		{
			identity = constraint ? psprintf("%s on %s", name, new_table) :
				psprintf("%s%s", schema_of(new_table), name);
			if (is_wanted(search, object->kind, identity))
				break;
			name = replaced(name, pgm_ddl_bare_name(old_table),
							pgm_ddl_bare_name(new_table));
			identity = NULL;
		}
		if (name == NULL || identity == NULL)
			continue;
		/* the index of a constraint goes with it */
		if (constraint)
			add_rename(search, new_table, "CONSTRAINT", old, name);
		else if (pgm_schema_find(search->present, "constraint",
								 psprintf("%s on %s", old, old_table)) == NULL)
			add_rename_object(search, pgm_ddl_keyword(object->kind),
							  object->identity, identity);
	}
}

static void
add_table(Search *search, const char *old_name, const char *new_name)
{
	add_rename_object(search, "TABLE", old_name, new_name);
	rename_along(search, old_name, new_name, pgm_ddl_bare_name(old_name),
				 pgm_ddl_bare_name(new_name));
}

static void
rename_table(Search *search, const RangeVar *table, const char *written)
{
	const char *new_name = find_table(search, table);
	char	   *old_name;

	if (new_name == NULL ||
		pgm_schema_find(search->present, "table", new_name) != NULL)
		return;
	old_name = canonical_name(written, schema_of(new_name));
	if (pgm_schema_find(search->present, "table", old_name) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("there is no table %s to be renamed to %s", old_name,
					   new_name));
	if (strcmp(schema_of(old_name), schema_of(new_name)) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot rename table %s into another schema",
					   old_name));
	add_table(search, old_name, new_name);
}

/* The name that the table has now, before the renames. */
static const char *
present_table(const Search *search, const char *table)
{
	ListCell   *cell;

	foreach(cell, search->renames->back)
	{
		const char *prefix = psprintf("ALTER TABLE %s RENAME TO ", table);

		if (strncmp(lfirst(cell), prefix, strlen(prefix)) == 0)
			return psprintf("%s%s", schema_of(table),
							(char *) lfirst(cell) + strlen(prefix));
	}
	return table;
}

static void
rename_column(Search *search, const CreateStmt *stmt, int location,
			  const char *written)
{
	const char *table = find_table(search, stmt->relation);
	const char *present = table == NULL ? NULL : present_table(search, table);
	const ColumnDef *column = NULL;
	const char *new_name;
	char	   *old_name;
	ListCell   *cell;

	foreach(cell, stmt->tableElts)
	{
		const ColumnDef *next = lfirst(cell);

		if (IsA(next, ColumnDef) && next->location > location &&
			(column == NULL || next->location < column->location))
			column = next;
	}
	if (column == NULL || present == NULL)
		return;
	new_name = quote_identifier(column->colname);
	if (pgm_schema_find(search->present, "table", present) == NULL ||
		pgm_schema_find(search->present, "column",
						psprintf("%s.%s", present, new_name)) != NULL)
		return;
	old_name = canonical_name(written, "");
	if (pgm_schema_find(search->present, "column",
						psprintf("%s.%s", present, old_name)) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("there is no column %s of table %s to be renamed to %s",
					   old_name, present, new_name));
	add_rename(search, table, "COLUMN", old_name, new_name);
	rename_along(search, present, table, old_name, new_name);
}

/* What a hint at this place of the text is about. */
static void
apply_hint(Search *search, const PgmSource *source, int location,
		   const char *written, bool tables)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		const PgmStatement *statement = &source->statements[i];
		Node	   *stmt = statement->raw->stmt;

		if (statement->offset + statement->length <= location)
			continue;
		if (!IsA(stmt, CreateStmt))
			return;
		if (statement->offset <= location && !tables)
			rename_column(search, castNode(CreateStmt, stmt), location,
						  written);
		else if (statement->offset > location && tables)
			rename_table(search, castNode(CreateStmt, stmt)->relation,
						 written);
		return;
	}
}

static void
apply_hints(Search *search, const PgmSource *source, bool tables)
{
	for (const char *hint = strstr(source->text, HINT); hint != NULL;
		 hint = strstr(hint + 1, HINT))
	{
		const char *name = hint + strlen(HINT);
		char	   *written = pnstrdup(name, strcspn(name, "\r\n"));
		size_t		length = strlen(written);

		while (length > 0 && strchr(" \t", written[length - 1]) != NULL)
			written[--length] = '\0';
		apply_hint(search, source, hint - source->text, written, tables);
	}
}

void
pgm_rename_find(PgmRenames *renames, const char *text,
				const PgmSchema *present, const PgmSchema *desired)
{
	Search		search = {renames, present, desired};
	const PgmSource *source;

	if (text == NULL)
		return;
	source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	apply_hints(&search, source, true);
	apply_hints(&search, source, false);
}

/* ---- renames that are given */

/* The table of this name in one of the schemas, if there is one only. */
static const char *
find_bare(const PgmSchema *schema, const char *bare)
{
	const char *found = NULL;

	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];

		if (!pgm_ddl_is(object, "table") ||
			strcmp(pgm_ddl_bare_name(object->identity), bare) != 0)
			continue;
		if (found != NULL)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("there are several tables %s", bare),
					errhint("Write the schema of the table that is renamed."));
		found = object->identity;
	}
	return found;
}

/* The table that a list of names begins with; the rest is the column. */
static const char *
find_given(const Search *search, List *names, const char **column)
{
	const char *first = quote_identifier(strVal(linitial(names)));
	const char *second = list_length(names) < 2 ? NULL :
		quote_identifier(strVal(lsecond(names)));
	const char *table;

	*column = NULL;
	if (second == NULL)
		return find_bare(search->present, first);
	table = psprintf("%s.%s", first, second);
	if (pgm_schema_find(search->present, "table", table) != NULL)
	{
		if (list_length(names) > 2)
			*column = quote_identifier(strVal(lthird(names)));
		return table;
	}
	*column = second;
	return list_length(names) > 2 ? NULL : find_bare(search->present, first);
}

/* The name that the table will have, after the renames. */
static const char *
desired_table(const Search *search, const char *table)
{
	const char *prefix = psprintf("ALTER TABLE %s RENAME TO ", table);
	ListCell   *cell;

	foreach(cell, search->renames->there)
		if (strncmp(lfirst(cell), prefix, strlen(prefix)) == 0)
		return psprintf("%s%s", schema_of(table),
						(char *) lfirst(cell) + strlen(prefix));
	return table;
}

static void
check_given(const Search *search, const char *kind, const char *identity,
			const PgmRename *rename)
{
	if (is_wanted(search, kind, identity))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("cannot rename \"%s\" to \"%s\"", rename->old_name,
				   rename->new_name),
			pgm_schema_find(search->present, kind, identity) != NULL ?
			errdetail("%s %s is there already.", kind, identity) :
			errdetail("The desired schema has no %s %s.", kind, identity));
}

static List *
split_name(const char *name)
{
	return textToQualifiedNameList(cstring_to_text(name));
}

static void
add_given(Search *search, const PgmRename *rename, bool tables)
{
	List	   *names = split_name(rename->old_name);
	List	   *new_names = split_name(rename->new_name);
	const char *new_name = quote_identifier(strVal(linitial(new_names)));
	const char *column;
	const char *table = find_given(search, names, &column);
	const char *after;

	if (list_length(new_names) != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid new name \"%s\" of \"%s\"",
					   rename->new_name, rename->old_name),
				errhint("Write it without a table or a schema."));
	if (table == NULL ||
		(column != NULL &&
		 pgm_schema_find(search->present, "column",
						 psprintf("%s.%s", table, column)) == NULL))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("there is no table or column \"%s\" to be renamed to \"%s\"",
					   rename->old_name, rename->new_name));
	if ((column == NULL) != tables)
		return;
	if (column == NULL)
	{
		after = psprintf("%s%s", schema_of(table), new_name);
		check_given(search, "table", after, rename);
		add_table(search, table, after);
		return;
	}
	after = desired_table(search, table);
	check_given(search, "column", psprintf("%s.%s", after, new_name), rename);
	add_rename(search, after, "COLUMN", column, new_name);
	rename_along(search, table, after, column, new_name);
}

void
pgm_rename_given(PgmRenames *renames, List *given, const PgmSchema *present,
				 const PgmSchema *desired)
{
	Search		search = {renames, present, desired};
	ListCell   *cell;

	foreach(cell, given)
		add_given(&search, lfirst(cell), true);
	foreach(cell, given)
		add_given(&search, lfirst(cell), false);
}

/* ---- renames that might be meant */

static bool
is_only_in(const PgmSchema *other, const PgmSchemaObject *object)
{
	const char *table = pgm_ddl_table(object);

	if (pgm_schema_find(other, object->kind, object->identity) != NULL)
		return false;
	return table == NULL || pgm_schema_find(other, "table", table) != NULL;
}

/* The same columns of the same types. */
static bool
same_columns(const Search *search, const char *gone, const char *made,
			 const char *order)
{
	char	   *name;

	while ((name = pgm_ddl_next(&order)) != NULL)
	{
		const PgmSchemaObject *a =
			pgm_schema_find(search->present, "column",
							psprintf("%s.%s", gone, name));
		const PgmSchemaObject *b =
			pgm_schema_find(search->desired, "column",
							psprintf("%s.%s", made, name));

		if (a == NULL || b == NULL ||
			!pgm_ddl_equal(pgm_schema_value(a, "type"),
						   pgm_schema_value(b, "type")))
			return false;
	}
	return true;
}

static bool
like_shape(const Search *search, const PgmSchemaObject *gone,
		   const PgmSchemaObject *made)
{
	const char *order = pgm_schema_value(gone, "column order");

	if (pgm_ddl_is(gone, "table"))
		return order != NULL && *order != '\0' &&
			pgm_ddl_equal(schema_of(gone->identity),
						  schema_of(made->identity)) &&
			pgm_ddl_equal(order, pgm_schema_value(made, "column order")) &&
			same_columns(search, gone->identity, made->identity, order);
	return strcmp(pgm_ddl_table(gone), pgm_ddl_table(made)) == 0 &&
		pgm_ddl_equal(pgm_schema_value(gone, "type"),
					  pgm_schema_value(made, "type"));
}

void
pgm_rename_notice(const PgmSchema *present, const PgmSchema *desired)
{
	Search		search = {NULL, present, desired};

	for (int i = 0; i < present->nobjects; i++)
	{
		const PgmSchemaObject *gone = &present->objects[i];

		if ((!pgm_ddl_is(gone, "table") && !pgm_ddl_is(gone, "column")) ||
			!is_only_in(desired, gone))
			continue;
		for (int j = 0; j < desired->nobjects; j++)
		{
			const PgmSchemaObject *made = &desired->objects[j];

			CHECK_FOR_INTERRUPTS();
			if (!pgm_ddl_is(made, gone->kind) ||
				!like_shape(&search, gone, made) ||
				!is_only_in(present, made))
				continue;
			ereport(NOTICE,
					errmsg("%s %s is dropped, and %s of the same shape is made",
						   gone->kind, gone->identity, made->identity),
					errhint("If it is renamed, say so in \"renames\", or put \"%s%s\" on the line before it in the desired text.",
							HINT, pgm_ddl_is(gone, "table") ?
							pgm_ddl_bare_name(gone->identity) :
							pgm_ddl_part_name(gone)));
			break;
		}
	}
}
