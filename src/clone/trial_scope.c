/*-------------------------------------------------------------------------
 *
 * trial_scope.c
 *	  Which statements may be tried on clones.
 *
 * Only schema changes are: what reads or writes rows, runs code, or changes
 * what cannot be cloned is judged by its kind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "clone/trial_scope.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/statements.h"

static const char *
untriable_table_change(AlterTableStmt *stmt)
{
	ListCell   *lc;

	if (pgm_alter_table_kind(stmt) == OBJECT_TYPE)
		return "it changes a type";
	foreach(lc, stmt->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AddOf:
			case AT_DropOf:
				return "it changes the type of the table";
			case AT_SetTableSpace:
				return "a clone is not in the table's tablespace";
			case AT_ChangeOwner:
				if (list_length(stmt->cmds) == 1)
					return "a clone cannot be given away";
				break;
			default:
				break;
		}
	}
	return NULL;
}

static bool
names_relation(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return true;
		default:
			return false;
	}
}

/* One table after the other, each in a transaction: nothing to be tried. */
static bool
does_many(const RangeVar *name)
{
	return name == NULL || pgm_names_partitioned(name);
}

static bool
only_gives_to_column(const AlterSeqStmt *stmt)
{
	return list_length(stmt->options) == 1 &&
		strcmp(linitial_node(DefElem, stmt->options)->defname, "owned_by") == 0;
}

/* Does it only make something new, of which nothing is run? */
static bool
only_makes(const DefineStmt *stmt)
{
	ListCell   *lc;

	switch (stmt->kind)
	{
		case OBJECT_AGGREGATE:
		case OBJECT_COLLATION:
		case OBJECT_OPERATOR:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
			break;
		default:
			return false;
	}
	foreach(lc, stmt->definition)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;

		/* those are changed, too */
		if (strcmp(name, "commutator") == 0 || strcmp(name, "negator") == 0)
			return false;
	}
	return !stmt->replace;
}

PgmTriable
pgm_triable(Node *stmt, const char **reason)
{
	const PgmStatementKind *kind = pgm_statement_kind(stmt);

	*reason = "it is judged by its kind";
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			*reason = untriable_table_change(castNode(AlterTableStmt, stmt));
			return *reason == NULL ? PGM_TRIABLE : PGM_NOT_TRIABLE;
		case T_RenameStmt:
			return names_relation(castNode(RenameStmt, stmt)->renameType) ?
				PGM_TRIABLE : PGM_NOT_TRIABLE;
		case T_DropStmt:
			return names_relation(castNode(DropStmt, stmt)->removeType) ?
				PGM_TRIABLE : PGM_NOT_TRIABLE;
		case T_CreateTableAsStmt:
			*reason = "it runs a prepared statement";
			return IsA(castNode(CreateTableAsStmt, stmt)->query, SelectStmt) ?
				PGM_TRIABLE : PGM_NOT_TRIABLE;
		case T_AlterSeqStmt:
			/* the one may be new and the other a clone, in another schema */
			return only_gives_to_column(castNode(AlterSeqStmt, stmt)) ?
				PGM_NEEDLESS : PGM_TRIABLE;
		case T_ClusterStmt:
			return pgm_cluster_commits(castNode(ClusterStmt, stmt)) ||
				does_many(pgm_cluster_relation(castNode(ClusterStmt, stmt))) ?
				PGM_NEEDLESS : PGM_TRIABLE;
		case T_ReindexStmt:
			return does_many(castNode(ReindexStmt, stmt)->relation) ?
				PGM_NEEDLESS : PGM_TRIABLE;
		case T_AlterObjectSchemaStmt:
			return castNode(AlterObjectSchemaStmt, stmt)->relation != NULL ?
				PGM_TRIABLE : PGM_NOT_TRIABLE;
		case T_CommentStmt:
			return names_relation(castNode(CommentStmt, stmt)->objtype) ?
				PGM_TRIABLE : PGM_NEEDLESS;
		case T_DefineStmt:
			return only_makes(castNode(DefineStmt, stmt)) ? PGM_TRIABLE :
				PGM_NOT_TRIABLE;
		case T_DoStmt:
		case T_CallStmt:
		case T_SelectStmt:
		case T_ExecuteStmt:
			*reason = "it runs code that cannot be looked into";
			return PGM_NOT_TRIABLE;
		default:
			Assert(kind->triable != PGM_TRIABLE_BY_STATEMENT);
			return kind->triable;
	}
}

Node *
pgm_plain_form(Node *stmt)
{
	ListCell   *lc;

	stmt = copyObject(stmt);
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			castNode(IndexStmt, stmt)->concurrent = false;
			return stmt;
		case T_DropStmt:
			castNode(DropStmt, stmt)->concurrent = false;
			return stmt;
		case T_ReindexStmt:
			pgm_reindex_plainly(castNode(ReindexStmt, stmt));
			return stmt;
		case T_AlterTableStmt:
			foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
				pgm_detach_plainly(lfirst_node(AlterTableCmd, lc));
			return stmt;
		case T_CreateTableAsStmt:
			castNode(CreateTableAsStmt, stmt)->into->skipData = true;
			return stmt;
		default:
			return NULL;
	}
}

const RoleSpec *
pgm_without_owner(Node *stmt)
{
	const RoleSpec *owner = NULL;
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_ChangeOwner)
			continue;
		owner = cmd->newowner;
		castNode(AlterTableStmt, stmt)->cmds =
			foreach_delete_current(castNode(AlterTableStmt, stmt)->cmds, lc);
	}
	return owner;
}

static void
add_reach(PgmReach *reach, AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
	{
		case AT_AlterColumnType:
		case AT_DropColumn:
			reach->columns = lappend(reach->columns, makeString(cmd->name));
			break;
		case AT_DropConstraint:
		case AT_ValidateConstraint:
		case AT_AlterConstraint:
			if (cmd->name == NULL)
				reach->all = true;
			else
				reach->constraints = lappend(reach->constraints,
											 makeString(cmd->name));
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_SetLogged:
		case AT_SetUnLogged:
			reach->all = true;
			break;
		default:
			break;
	}
}

PgmReach
pgm_reaches_keys(Node *stmt)
{
	PgmReach	reach = {0};
	ListCell   *lc;

	if (IsA(stmt, DropStmt) || IsA(stmt, TruncateStmt))
		reach.all = true;

	/* what is renamed is dropped under its new name, which stands for all */
	if (IsA(stmt, RenameStmt))
		switch (castNode(RenameStmt, stmt)->renameType)
		{
			case OBJECT_COLUMN:
			case OBJECT_TABCONSTRAINT:
				break;
			default:
				reach.all = true;
				break;
		}
	if (IsA(stmt, CommentStmt))
		reach.all = castNode(CommentStmt, stmt)->objtype ==
			OBJECT_TABCONSTRAINT;
	/* a partition gets the keys of the whole */
	if (IsA(stmt, CreateStmt))
		reach.all = castNode(CreateStmt, stmt)->partbound != NULL;
	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			add_reach(&reach, lfirst_node(AlterTableCmd, lc));
	return reach;
}

bool
pgm_reaches_views(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, DropStmt) || IsA(stmt, RenameStmt))
		return true;
	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_DropColumn:
			case AT_AlterColumnType:
			case AT_DropConstraint:
				return true;
			default:
				break;
		}
	}
	return false;
}
