/*-------------------------------------------------------------------------
 *
 * rename.c
 *	  The statements that rename, both ways.
 *
 * Constraints, indexes and sequences that have the old name of a table or a
 * column in theirs, and whose like is desired with the new one, are renamed
 * along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/printable.h"
#include "diff/parts.h"
#include "diff/rename_internal.h"

PgmRenameStage
pgm_rename_stage_of(const char *kind)
{
	static const char *const parts[] = {
		"column", "constraint", "domain constraint", "policy", "rule",
		"trigger", "value",
	};

	for (int i = 0; i < lengthof(parts); i++)
		if (strcmp(kind, parts[i]) == 0)
			return PGM_RENAME_PARTS;
	return strcmp(kind, "schema") == 0 ? PGM_RENAME_SCHEMAS :
		PGM_RENAME_OBJECTS;
}

List *
pgm_rename_split(const char *written)
{
	return textToQualifiedNameList(cstring_to_text(written));
}

char *
pgm_rename_schema_of(const char *identity)
{
	return pnstrdup(identity, pgm_ddl_bare_name(identity) - identity);
}

static bool
has_arguments(const PgmSchemaObject *object)
{
	return pgm_ddl_is(object, "function") || pgm_ddl_is(object, "procedure") ||
		pgm_ddl_is(object, "aggregate");
}

/* Where the name ends, and the arguments of a function begin. */
static const char *
end_of_name(const PgmSchemaObject *object)
{
	const char *at = pgm_ddl_bare_name(object->identity);

	if (!has_arguments(object))
		return at + strlen(at);
	if (*at != '"')
		return at + strcspn(at, "(");
	for (at++; *at; at++)
		if (*at == '"' && *++at != '"')
			break;
	return at;
}

/* Without its schema, table and arguments. */
char *
pgm_rename_name(const PgmSchemaObject *object)
{
	const char *bare = pgm_ddl_bare_name(object->identity);

	if (pgm_rename_stage_of(object->kind) == PGM_RENAME_PARTS)
		return pgm_ddl_part_name(object);
	return pnstrdup(bare, end_of_name(object) - bare);
}

char *
pgm_rename_identity(const PgmSchemaObject *object, const char *new_name)
{
	if (pgm_ddl_is(object, "column"))
		return psprintf("%s.%s", pgm_ddl_table(object), new_name);
	if (pgm_rename_stage_of(object->kind) == PGM_RENAME_PARTS)
		return psprintf("%s on %s", new_name, pgm_ddl_table(object));
	return psprintf("%s%s%s", pgm_rename_schema_of(object->identity), new_name,
					end_of_name(object));
}

bool
pgm_rename_is_wanted(const PgmRenameSearch *search, const char *kind,
					 const char *identity)
{
	return pgm_schema_find(search->desired, kind, identity) != NULL &&
		pgm_schema_find(search->present, kind, identity) == NULL;
}

/* Back is done in the reverse order. */
static void
add(PgmRenameSearch *search, char *there, char *back)
{
	ListCell   *cell;

	/* told as well, and renamed along */
	foreach(cell, search->there)
		if (strcmp(lfirst(cell), there) == 0)
		return;
	search->there = lappend(search->there, there);
	search->renames->there = lappend(search->renames->there, there);
	search->renames->back = lcons(back, search->renames->back);
}

/* What a part is on, as ALTER wants it. */
static char *
host_address(const PgmRenameSearch *search, const char *table)
{
	static const char *const hosts[] = {
		"table", "foreign table", "view", "materialized view",
		"composite type", "domain",
	};

	for (int i = 0; i < lengthof(hosts); i++)
		if (pgm_schema_find(search->present, hosts[i], table) != NULL)
			return psprintf("%s %s", pgm_ddl_keyword(hosts[i]), table);
	return psprintf("TABLE %s", table);
}

static void
add_part(PgmRenameSearch *search, const char *kind, const char *table,
		 const char *host, const char *old_name, const char *new_name)
{
	const char *format = "ALTER %s RENAME %s %s TO %s";
	const char *word = "CONSTRAINT";

	if (strstr(kind, "constraint") == NULL && strcmp(kind, "column") != 0)
	{
		word = pgm_ddl_keyword(kind);
		add(search, psprintf("ALTER %s %s ON %s RENAME TO %s", word, old_name,
							 table, new_name),
			psprintf("ALTER %s %s ON %s RENAME TO %s", word, new_name, table,
					 old_name));
		return;
	}
	if (strcmp(kind, "column") == 0)
		word = strncmp(host, "TYPE ", 5) == 0 ? "ATTRIBUTE" : "COLUMN";
	add(search, psprintf(format, host, word, old_name, new_name),
		psprintf(format, host, word, new_name, old_name));
}

static void
add_object(PgmRenameSearch *search, const PgmSchemaObject *object,
		   const char *new_name)
{
	PgmSchemaObject after = *object;
	char	   *address = pgm_ddl_address(object);

	after.identity = pgm_rename_identity(object, new_name);
	if (address == NULL || pgm_schema_value(object, ".address") != NULL)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot rename %s %s", object->kind,
					   pgm_printable_line(object->identity)));
	add(search, psprintf("ALTER %s RENAME TO %s", address, new_name),
		psprintf("ALTER %s RENAME TO %s", pgm_ddl_address(&after),
				 pgm_rename_name(object)));
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

/* The name that a table had before the earlier stages. */
static const char *
old_table_name(const PgmRenameSearch *search, const char *table)
{
	ListCell   *cell;

	foreach(cell, search->renames->done)
	{
		const PgmRenamed *renamed = lfirst(cell);

		if (strcmp(renamed->new_identity, table) == 0)
			return pgm_ddl_bare_name(renamed->old_identity);
	}
	return pgm_ddl_bare_name(table);
}

/*
 * What is on the table and has the old name of the table or the column, or
 * both, in its own.
 */
static void
rename_along(PgmRenameSearch *search, const char *old_table,
			 const char *new_table, const char *old_name,
			 const char *new_name)
{
	for (int i = 0; i < search->present->nobjects; i++)
	{
		const PgmSchemaObject *object = &search->present->objects[i];
		PgmSchemaObject on_new = *object;
		bool		constraint = pgm_ddl_is(object, "constraint");
		char	   *old;
		char	   *name;
		const char *identity = NULL;

		if (!is_on_table(object, old_table))
			continue;
		old = pgm_rename_name(object);
		name = replaced(old, old_name, new_name);
		for (int again = 0; again < 2 && name != NULL; again++)
		{
			identity = constraint ? psprintf("%s on %s", name, new_table) :
				pgm_rename_identity(&on_new, name);
			if (pgm_rename_is_wanted(search, object->kind, identity))
				break;
			name = replaced(name, old_table_name(search, old_table),
							pgm_ddl_bare_name(new_table));
			identity = NULL;
		}
		if (name == NULL || identity == NULL)
			continue;
		/* the index of a constraint goes with it */
		if (constraint)
			add_part(search, "constraint", new_table,
					 psprintf("TABLE %s", new_table), old, name);
		else if (pgm_schema_find(search->present, "constraint",
								 psprintf("%s on %s", old, old_table)) == NULL)
			add_object(search, object, name);
	}
}

void
pgm_rename_add(PgmRenameSearch *search, const PgmSchemaObject *object,
			   const char *new_name)
{
	PgmRenamed *renamed;
	char	   *table;
	char	   *identity = pgm_rename_identity(object, new_name);

	if (pgm_rename_stage_of(object->kind) == PGM_RENAME_PARTS)
	{
		table = pstrdup(pgm_ddl_table(object));
		add_part(search, object->kind, table, host_address(search, table),
				 pgm_ddl_part_name(object), new_name);
		if (pgm_ddl_is(object, "column") && search->along)
			rename_along(search, table, table, pgm_ddl_part_name(object),
						 new_name);
		return;
	}
	add_object(search, object, new_name);
	renamed = palloc(sizeof(PgmRenamed));
	renamed->old_identity = object->identity;
	renamed->new_identity = identity;
	search->renames->done = lappend(search->renames->done, renamed);
	if (pgm_ddl_is_table(object) && search->along)
		rename_along(search, object->identity, identity,
					 pgm_rename_name(object), new_name);
}

void
pgm_rename_add_label(PgmRenameSearch *search, const PgmSchemaObject *type,
					 const char *old_label, const char *new_label)
{
	const char *format = "ALTER TYPE %s RENAME VALUE %s TO %s";

	add(search, psprintf(format, type->identity, old_label, new_label),
		psprintf(format, type->identity, new_label, old_label));
}

List *
pgm_rename_stage(PgmRenames *renames, PgmRenameStage stage, const char *text,
				 List *given, const PgmSchema *original,
				 const PgmSchema *present, const PgmSchema *desired)
{
	PgmRenameSearch search = {renames, stage, true, NIL, original, present,
	desired};

	if (pgm_rename_hinted(text))
		pgm_rename_hints(&search, text);
	pgm_rename_given(&search, given);
	return search.there;
}
