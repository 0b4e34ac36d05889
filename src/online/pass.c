/*-------------------------------------------------------------------------
 *
 * pass.c
 *	  Which statements on a table go in one pass.
 *
 * Each of them runs as it is written, on the copy and in the switch.  But the
 * rows are mapped once, from what they were before the first: so none may go
 * by what an earlier one has made of a column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "compat/parse.h"
#include "online/internal.h"
#include "strategy/strategy.h"

static bool
mentions_walker(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		foreach(lc, castNode(ColumnRef, node)->fields)
		{
			Node	   *field = lfirst(lc);

			if (IsA(field, A_Star) ||
				(IsA(field, String) &&
				 list_member((List *) context, field)))
				return true;
		}
		return false;
	}
	return raw_expression_tree_walker(node, mentions_walker, context);
}

/* The column that a subcommand is about, or NULL. */
static const char *
column_of(const AlterTableCmd *command)
{
	return command->subtype == AT_AddColumn ?
		castNode(ColumnDef, command->def)->colname : command->name;
}

/* Does a subcommand depend on what was made of these columns? */
static bool
goes_by(const AlterTableCmd *command, List *made)
{
	const char *column = column_of(command);

	if (column != NULL && command->subtype != AT_AddConstraint &&
		list_member(made, makeString(pstrdup(column))))
		return true;
	return command->subtype == AT_AlterColumnType &&
		mentions_walker(castNode(ColumnDef, command->def)->raw_default, made);
}

/* Of the list, what a subcommand makes another column. */
static List *
add_made(List *made, const AlterTableCmd *command)
{
	if (command->subtype != AT_AlterColumnType &&
		command->subtype != AT_AddColumn)
		return made;
	return lappend(made, makeString(pstrdup(column_of(command))));
}

static bool
can_go_along(Oid relid, const PgmSource *source, int n, List *made)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	char	   *reason;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) ||
		pgm_strategy_mark(source, n, &reason) == PGM_MARK_PLAIN ||
		castNode(AlterTableStmt, stmt)->objtype != OBJECT_TABLE ||
		pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) != relid)
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (!pgm_shadow_supports(command) || goes_by(command, made))
			return false;
	}
	return true;
}

int
pgm_shadow_last(Oid relid, const PgmSource *source, int n)
{
	List	   *made = NIL;
	int			last = n;

	while (last < source->nstatements &&
		   can_go_along(relid, source, last, made))
	{
		ListCell   *lc;

		foreach(lc, castNode(AlterTableStmt,
							 source->statements[last].raw->stmt)->cmds)
			made = add_made(made, lfirst_node(AlterTableCmd, lc));
		last++;
	}
	return Max(last - 1, n);
}

List *
pgm_shadow_commands(const PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	List	   *result = NIL;

	if (request->source == NULL)
		return NIL;
	for (int i = request->n; i <= request->last; i++)
		result = list_concat(result,
							 castNode(AlterTableStmt,
									  request->source->statements[i].raw->stmt)->cmds);
	return result;
}
