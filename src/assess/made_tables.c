/*-------------------------------------------------------------------------
 *
 * made_tables.c
 *	  Tables that the text makes, and who puts rows into them.
 *
 * Their rows cannot be looked at.  Whether there are any is known where no
 * statement can have written one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "assess/made_tables.h"
#include "assess/new_rows.h"
#include "assess/row_checks.h"

typedef struct MadeTable
{
	const RangeVar *name;
	const PgmJudged *by;		/* the first that may put rows, or NULL */
} MadeTable;

static bool
is_named(const RangeVar *a, const char *schema, const char *name)
{
	return strcmp(a->relname, name) == 0 &&
		(a->schemaname == NULL || schema == NULL ||
		 strcmp(a->schemaname, schema) == 0);
}

/* The last of the name, or NULL. */
static MadeTable *
find(const List *made, const char *schema, const char *name)
{
	for (int i = list_length(made) - 1; i >= 0; i--)
	{
		MadeTable  *table = list_nth(made, i);

		if (is_named(table->name, schema, name))
			return table;
	}
	return NULL;
}

static List *
add(List *made, const RangeVar *name, const PgmJudged *by)
{
	MadeTable  *table = palloc(sizeof(MadeTable));

	table->name = name;
	table->by = by;
	return lappend(made, table);
}

/* Those without WITH find no row in a table that has none. */
static bool
only_finds_rows(const Node *stmt)
{
	return (IsA(stmt, UpdateStmt) &&
			((const UpdateStmt *) stmt)->withClause == NULL) ||
		(IsA(stmt, DeleteStmt) &&
		 ((const DeleteStmt *) stmt)->withClause == NULL);
}

static void
note_rows(const List *made, const PgmJudged *judged)
{
	const PgmVerdict *verdict = judged->verdict;
	bool		any = verdict->opaque && !verdict->plain;
	ListCell   *lc;

	foreach(lc, made)
	{
		MadeTable  *table = lfirst(lc);

		if (any && table->by == NULL)
			table->by = judged;
	}
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);
		MadeTable  *table = effect->mode != RowExclusiveLock ? NULL :
			find(made, effect->schema, effect->name);

		if (table != NULL && table->by == NULL)
			table->by = judged;
	}
}

static void
follow_name(const List *made, const RenameStmt *stmt)
{
	MadeTable  *table = stmt->relation == NULL ? NULL :
		find(made, stmt->relation->schemaname, stmt->relation->relname);
	RangeVar   *name;

	if (table == NULL)
		return;
	name = copyObject((RangeVar *) table->name);
	name->relname = stmt->newname;
	table->name = name;
}

List *
pgm_made_remember(List *made, const PgmJudged *judged)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	const IntoClause *into;

	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return add(made, castNode(CreateStmt, stmt)->relation, NULL);
		case T_CreateTableAsStmt:
			into = castNode(CreateTableAsStmt, stmt)->into;
			return add(made, into->rel, into->skipData ? NULL : judged);
		case T_SelectStmt:
			into = castNode(SelectStmt, stmt)->intoClause;
			if (into != NULL)
				return add(made, into->rel, judged);
			break;
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType == OBJECT_TABLE)
				follow_name(made, castNode(RenameStmt, stmt));
			return made;
		case T_CreateExtensionStmt:
			return made;
		default:
			break;
	}
	if (!only_finds_rows(stmt))
		note_rows(made, judged);
	return made;
}

static bool
adds_required(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn && !cmd->missing_ok &&
			pgm_column_is_required(castNode(ColumnDef, cmd->def)))
			return true;
	}
	return false;
}

void
pgm_made_check(const List *made, PgmJudged *judged)
{
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	const PgmEffect *effect = NULL;
	const RangeVar *name;
	const MadeTable *table;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) ||
		!adds_required(castNode(AlterTableStmt, stmt)))
		return;
	name = castNode(AlterTableStmt, stmt)->relation;
	foreach(lc, judged->verdict->effects)
	{
		const PgmEffect *other = lfirst(lc);

		if (effect == NULL && is_named(name, other->schema, other->name))
			effect = other;
	}

	/* rows of what is there are looked at */
	if (effect == NULL || !(effect->created_here || effect->replaced))
		return;
	table = find(made, effect->schema, effect->name);
	if (table == NULL || table->by == NULL)
		return;
	pgm_datacheck_unsure(judged, effect, table->by);
}
