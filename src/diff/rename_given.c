/*-------------------------------------------------------------------------
 *
 * rename_given.c
 *	  Renames that are given as names, or seen by OIDs.
 *
 *		{"users": "clients", "users.phone": "tel", "view app.v": "w",
 *		 "function f(integer)": "g", "value mood.sad": "down"}
 *
 * Without a kind before it a name is that of a table or a column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "lib/stringinfo.h"
#include "nodes/value.h"
#include "utils/builtins.h"

#include "diff/rename_internal.h"

#define MAX_KINDS 4

/* What the words before a name stand for. */
static const struct Word
{
	const char *word;
	const char *kinds[MAX_KINDS];
}			words[] = {
	{"aggregate", {"aggregate"}},
	{"attribute", {"column"}},
	{"collation", {"collation"}},
	{"column", {"column"}},
	{"constraint", {"constraint", "domain constraint"}},
	{"domain", {"domain"}},
	{"event trigger", {"event trigger"}},
	{"foreign table", {"foreign table"}},
	{"function", {"function"}},
	{"index", {"index"}},
	{"materialized view", {"materialized view"}},
	{"policy", {"policy"}},
	{"procedure", {"procedure"}},
	{"publication", {"publication"}},
	{"rule", {"rule"}},
	{"schema", {"schema"}},
	{"sequence", {"sequence"}},
	{"server", {"server"}},
	{"statistics", {"statistics"}},
	{"table", {"table", "foreign table"}},
	{"text search configuration", {"text search configuration"}},
	{"text search dictionary", {"text search dictionary"}},
	{"trigger", {"trigger"}},
	{"type", {"enum", "composite type", "range", "domain"}},
	{"value", {"enum"}},
	{"view", {"view", "materialized view"}},
};

static const struct Word tables = {"table", {"table", "foreign table"}};
static const struct Word columns = {"column", {"column"}};

/* NULL if there is none; the name goes on behind it. */
static const struct Word *
find_word(const char **written)
{
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		length = strlen(words[i].word);

		if (pg_strncasecmp(*written, words[i].word, length) != 0 ||
			(*written)[length] != ' ')
			continue;
		*written += length + 1;
		return &words[i];
	}
	return NULL;
}

static char *
joined(List *names)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? "." : "",
						 quote_identifier(strVal(lfirst(cell))));
	return text.data;
}

/* As the server writes it; the arguments of a function stay as they are. */
static char *
canonical(const char *written)
{
	const char *end = written;

	while (*end && *end != '(')
	{
		if (*end++ != '"')
			continue;
		end += strcspn(end, "\"");
		end += *end == '"';
	}
	return psprintf("%s%s", joined(pgm_rename_split(pnstrdup(written,
															 end - written))),
					end);
}

/* With its schema or table; with its arguments where these are asked for. */
static char *
path_of(const PgmSchemaObject *object, bool arguments)
{
	if (pgm_rename_stage_of(object->kind) == PGM_RENAME_PARTS)
		return psprintf("%s.%s", pgm_ddl_table(object),
						pgm_ddl_part_name(object));
	if (arguments)
		return pstrdup(object->identity);
	return psprintf("%s%s", pgm_rename_schema_of(object->identity),
					pgm_rename_name(object));
}

static bool
ends_with(const char *path, const char *name)
{
	size_t		rest = strlen(path) - strlen(name);

	if (strlen(path) < strlen(name) || strcmp(path + rest, name) != 0)
		return false;
	return rest == 0 || path[rest - 1] == '.';
}

static bool
is_of_word(const PgmSchemaObject *object, const struct Word *word)
{
	for (int i = 0; i < MAX_KINDS && word->kinds[i] != NULL; i++)
		if (pgm_ddl_is(object, word->kinds[i]))
			return true;
	return false;
}

/* NULL if there is none. */
static const PgmSchemaObject *
find_object(const PgmSchema *schema, const struct Word *word,
			const char *name)
{
	bool		arguments = name[strlen(name) - 1] == ')';
	const PgmSchemaObject *found = NULL;

	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];

		if (!is_of_word(object, word) ||
			!ends_with(path_of(object, arguments), name))
			continue;
		if (found != NULL)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("there are several %ss %s", word->word, name),
					errhint("Write the schema of what is renamed, and the arguments of a function."));
		found = object;
	}
	return found;
}

/* What it is called when the earlier stages are done. */
static char *
identity_now(const PgmRenameSearch *search, const char *identity)
{
	char	   *now = pstrdup(identity);
	ListCell   *cell;

	foreach(cell, search->renames->done)
	{
		const PgmRenamed *renamed = lfirst(cell);
		char	   *schema = pgm_rename_schema_of(now);
		size_t		length = strlen(renamed->old_identity);

		if (strcmp(now, renamed->old_identity) == 0)
			now = pstrdup(renamed->new_identity);
		else if (strlen(schema) == length + 1 &&
				 strncmp(schema, renamed->old_identity, length) == 0)
			now = psprintf("%s.%s", renamed->new_identity,
						   pgm_ddl_bare_name(now));
	}
	return now;
}

static const PgmSchemaObject *
object_now(const PgmRenameSearch *search, const PgmSchemaObject *object)
{
	char	   *table;
	char	   *name;

	if (pgm_rename_stage_of(object->kind) != PGM_RENAME_PARTS)
		return pgm_schema_find(search->present, object->kind,
							   identity_now(search, object->identity));
	table = identity_now(search, pgm_ddl_table(object));
	name = pgm_ddl_part_name(object);
	return pgm_schema_find(search->present, object->kind,
						   pgm_ddl_is(object, "column") ?
						   psprintf("%s.%s", table, name) :
						   psprintf("%s on %s", name, table));
}

/* Has an earlier stage renamed it along? */
static bool
is_done(const PgmRenameSearch *search, const PgmSchemaObject *object,
		const char *new_name)
{
	char	   *table;

	if (pgm_rename_stage_of(object->kind) != PGM_RENAME_PARTS ||
		pgm_ddl_is(object, "column"))
		return false;
	table = identity_now(search, pgm_ddl_table(object));
	return pgm_schema_find(search->present, object->kind,
						   psprintf("%s on %s", new_name, table)) != NULL;
}

static void
refuse_missing(const struct Word *word, const PgmRename *rename)
{
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			word == NULL ?
			errmsg("there is no table or column \"%s\" to be renamed to \"%s\"",
				   rename->old_name, rename->new_name) :
			errmsg("there is no %s to be renamed to \"%s\"",
				   rename->old_name, rename->new_name));
}

static void
check_wanted(const PgmRenameSearch *search, const char *kind,
			 const char *identity, const PgmRename *rename)
{
	if (pgm_rename_is_wanted(search, kind, identity))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("cannot rename \"%s\" to \"%s\"", rename->old_name,
				   rename->new_name),
			pgm_schema_find(search->present, kind, identity) != NULL ?
			errdetail("%s %s is there already.", kind, identity) :
			errdetail("The desired schema has no %s %s.", kind, identity));
}

/* Of an enum: the last of the names is the label. */
static void
add_label(PgmRenameSearch *search, const struct Word *word,
		  const char *written, const PgmRename *rename)
{
	List	   *names = pgm_rename_split(written);
	const char *label = quote_literal_cstr(strVal(llast(names)));
	const PgmSchemaObject *type = NULL;

	if (search->stage != PGM_RENAME_PARTS)
		return;
	if (list_length(names) > 1)
		type = find_object(search->original, word,
						   joined(list_truncate(list_copy(names),
												list_length(names) - 1)));
	if (type != NULL)
		type = object_now(search, type);
	if (type == NULL ||
		!pgm_ddl_in_list(pgm_schema_value(type, "labels"), label))
		refuse_missing(word, rename);
	pgm_rename_add_label(search, type, label,
						 quote_literal_cstr(rename->new_name));
}

static void
add_given(PgmRenameSearch *search, const PgmRename *rename)
{
	const char *written = rename->old_name;
	const struct Word *word = NULL;
	const PgmSchemaObject *object = rename->object;
	List	   *new_names = pgm_rename_split(rename->new_name);
	const PgmSchemaObject *now;
	const char *new_name;

	if (object == NULL)
		word = find_word(&written);
	if (word != NULL && strcmp(word->word, "value") == 0)
	{
		add_label(search, word, written, rename);
		return;
	}
	if (list_length(new_names) != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid new name \"%s\" of \"%s\"",
					   rename->new_name, rename->old_name),
				errhint("Write it without a table or a schema."));
	if (object == NULL)
		object = find_object(search->original, word == NULL ? &tables : word,
							 canonical(written));
	if (object == NULL && word == NULL)
		object = find_object(search->original, &columns, canonical(written));
	if (object == NULL)
		refuse_missing(word, rename);
	if (pgm_rename_stage_of(object->kind) != search->stage)
		return;
	new_name = quote_identifier(strVal(linitial(new_names)));
	now = object_now(search, object);
	if (now == NULL && is_done(search, object, new_name))
		return;
	if (now == NULL)
		refuse_missing(word, rename);
	check_wanted(search, now->kind, pgm_rename_identity(now, new_name),
				 rename);
	search->along = rename->object == NULL;
	pgm_rename_add(search, now, new_name);
}

void
pgm_rename_given(PgmRenameSearch *search, List *given)
{
	ListCell   *cell;

	foreach(cell, given)
		add_given(search, lfirst(cell));
}

/* ---- by OIDs */

/* Does it have a name of its own, which no other rename changes? */
static bool
is_named(const PgmSchema *schema, const PgmSchemaObject *object)
{
	if (pgm_schema_value(object, "inherited") != NULL ||
		pgm_schema_value(object, ".address") != NULL ||
		(pgm_rename_stage_of(object->kind) != PGM_RENAME_PARTS &&
		 pgm_ddl_keyword(object->kind) == NULL))
		return false;
	/* the index of a constraint goes with it */
	return !pgm_ddl_is(object, "index") ||
		pgm_schema_find(schema, "constraint",
						psprintf("%s on %s", pgm_rename_name(object),
								 pgm_ddl_table(object))) == NULL;
}

/* Its name without what stands before it, where that is all that differs. */
static PgmRename *
rename_of(const PgmSchema *present, const PgmSchema *desired,
		  const PgmSchemaObject *was, const PgmSchemaObject *is)
{
	char	   *new_name = pgm_rename_name(is);
	PgmRename  *rename;

	if (strcmp(pgm_rename_name(was), new_name) == 0 ||
		!is_named(present, was) ||
		pgm_schema_find(desired, was->kind, was->identity) != NULL ||
		pgm_schema_find(present, is->kind, is->identity) != NULL)
		return NULL;
	rename = palloc0(sizeof(PgmRename));
	rename->old_name = was->identity;
	rename->new_name = new_name;
	rename->object = was;
	return rename;
}

List *
pgm_rename_copied(const PgmSchema *present, const PgmSchema *desired)
{
	const PgmSchemaObject **a = pgm_schema_by_address(present);
	const PgmSchemaObject **b = pgm_schema_by_address(desired);
	List	   *renames = NIL;
	int			same = 0;
	int			other = 0;
	int			j = 0;

	for (int i = 0; i < present->nobjects; i++)
	{
		PgmRename  *rename;

		while (j < desired->nobjects &&
			   pgm_schema_address_cmp(&b[j], &a[i]) < 0)
			j++;
		if (j == desired->nobjects)
			break;
		if (pgm_schema_address_cmp(&a[i], &b[j]) != 0 ||
			a[i]->address.objid < FirstNormalObjectId ||
			strcmp(a[i]->kind, b[j]->kind) != 0)
			continue;
		if (strcmp(pgm_rename_name(a[i]), pgm_rename_name(b[j])) == 0)
			same++;
		else
			other++;
		rename = rename_of(present, desired, a[i], b[j]);
		if (rename != NULL)
			renames = lappend(renames, rename);
	}
	/* the counter of OIDs may have come round */
	return same > other ? renames : NIL;
}
