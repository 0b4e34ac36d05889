/*-------------------------------------------------------------------------
 *
 * column_default.c
 *	  Defaults that a statement gives to the columns whose type it changes.
 *
 * Where the default has no cast, as that of an enum, it is dropped before the
 * type is changed and set again after it, in one statement:
 *
 *	ALTER m DROP DEFAULT, ALTER m TYPE text, ALTER m SET DEFAULT 'a'
 *
 * The server drops first, then changes types, and sets last, in whatever order
 * they are written.  Here the column that leads keeps its default until the
 * switch, which gives the new one to the column that leads from then on.
 *
 * What is set is read while the statement is prepared, with the search_path of
 * whoever wrote it, for the new type: the switch has another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "online/column_default.h"
#include "online/column_internal.h"
#include "online/layout.h"

static PgmQuery is_given_query = {
	"SELECT coalesce($1::jsonb->'given_defaults' ? $2, false)",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery given_query = {
	"SELECT $1::jsonb->'given_defaults'->>$2",
	2, {TEXTOID, TEXTOID}
};

List *
pgm_column_retypings(const List *commands)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, commands)
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AlterColumnType)
		result = lappend(result, lfirst(lc));
	return result;
}

/* True if there is one; *set is the last that is set, or NULL. */
static bool
find_given(const List *commands, const char *column, Node **set)
{
	bool		found = false;
	ListCell   *lc;

	*set = NULL;
	foreach(lc, commands)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype != AT_ColumnDefault ||
			strcmp(command->name, column) != 0)
			continue;
		found = true;
		if (command->def != NULL)
			*set = command->def;
	}
	return found;
}

static void
set_default(const PgmShadow *shadow, const char *column, Node *value)
{
	AlterTableStmt *stmt = makeNode(AlterTableStmt);
	AlterTableCmd *command = makeNode(AlterTableCmd);

	command->subtype = AT_ColumnDefault;
	command->name = pstrdup(column);
	command->def = value;
	stmt->objtype = OBJECT_TABLE;
	stmt->cmds = list_make1(command);
	stmt = pgm_layout_alter_statement((Node *) stmt, shadow->relid);
	pgm_layout_run((Node *) stmt, shadow->request->source->text);
	CommandCounterIncrement();
}

/* With all names in it qualified. */
static char *
read_default(Oid relid, const char *column)
{
	int			level = NewGUCNestLevel();
	char	   *result;

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	result = pgm_column_default(relid, get_attnum(relid, column));
	AtEOXact_GUC(false, level);
	return result;
}

/* Nobody writes to the column that follows by its default. */
static char *
as_of_new_type(const PgmShadow *shadow, const char *column, Node *value)
{
	AttrNumber	lead = get_attnum(shadow->relid, column);
	char	   *follow = pgm_column_hidden(shadow->operation->id, lead);
	char	   *result;

	set_default(shadow, follow, value);
	result = read_default(shadow->relid, follow);
	set_default(shadow, follow, NULL);
	return result;
}

void
pgm_column_keep_defaults(PgmShadow *shadow)
{
	List	   *commands = pgm_shadow_commands(shadow);
	bool		any = false;
	StringInfoData json;
	ListCell   *lc;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"given_defaults\": {");
	foreach(lc, pgm_column_retypings(commands))
	{
		const char *column = lfirst_node(AlterTableCmd, lc)->name;
		Node	   *value;
		char	   *text = NULL;

		if (!find_given(commands, column, &value))
			continue;
		if (value != NULL)
			text = as_of_new_type(shadow, column, value);
		appendStringInfoString(&json, any ? ", " : "");
		escape_json(&json, column);
		appendStringInfoString(&json, ": ");
		if (text != NULL)
			escape_json(&json, text);
		else
			appendStringInfoString(&json, "null");
		any = true;
	}
	appendStringInfoString(&json, "}}");
	if (any)
		pgm_operation_add_details(shadow->operation, json.data);
}

bool
pgm_column_new_default(const PgmShadow *shadow, const char *column,
					   char **text)
{
	Datum		values[2] = {pgm_text_datum(shadow->operation->details),
	pgm_text_datum(column)};

	if (!pgm_spi_one_bool(&is_given_query, values))
		return false;
	*text = pgm_spi_one_text(&given_query, values);
	return true;
}
