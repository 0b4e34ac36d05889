/*-------------------------------------------------------------------------
 *
 * relation_names.c
 *	  The relations that a statement names, before any of them is looked up.
 *
 * One walk for two readers: the classification looks the names up, the trial
 * points them to its clones.  So both speak of the same relations.  What a
 * function body names is not seen by either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"

#include "compat/command.h"
#include "compat/parse.h"
#include "compat/replication.h"
#include "compat/server.h"
#include "sql/relation_names.h"

typedef struct Walk
{
	PgmNameVisitor visitor;
	void	   *arg;
	List	   *queries;		/* of String *: names of WITH in force */
} Walk;

static void
visit(Walk *walk, RangeVar *name, PgmNameRole role)
{
	if (name != NULL)
		(void) walk->visitor(name, role, walk->arg);
}

static void
visit_list(Walk *walk, List *names, PgmNameRole role)
{
	ListCell   *lc;

	foreach(lc, names)
		visit(walk, lfirst_node(RangeVar, lc), role);
}

/* A name as a list of strings whose last "suffix" are not of the relation. */
static void
visit_strings(Walk *walk, List **strings, int suffix, PgmNameRole role)
{
	int			n = list_length(*strings) - suffix;
	RangeVar   *name;
	List	   *changed;

	if (n < 1 || n > 3)
		return;
	name = makeRangeVarFromNameList(list_truncate(list_copy(*strings), n));
	if (!walk->visitor(name, role, walk->arg))
		return;
	changed = name->schemaname == NULL ? NIL :
		list_make1(makeString(name->schemaname));
	changed = lappend(changed, makeString(name->relname));
	for (int i = 0; i < suffix; i++)
		changed = lappend(changed, list_nth(*strings, n + i));
	*strings = changed;
}

static bool
names_query(const Walk *walk, const RangeVar *name)
{
	return name->schemaname == NULL &&
		list_member(walk->queries, makeString(name->relname));
}

/* What an INSERT, UPDATE, DELETE or MERGE writes to, or NULL. */
static RangeVar *
written_table(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_InsertStmt:
			return castNode(InsertStmt, stmt)->relation;
		case T_UpdateStmt:
			return castNode(UpdateStmt, stmt)->relation;
		case T_DeleteStmt:
			return castNode(DeleteStmt, stmt)->relation;
		default:
			return pgm_is_merge(stmt) ? pgm_merge_target(stmt) : NULL;
	}
}

WithClause *
pgm_query_with(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_SelectStmt:
			return castNode(SelectStmt, stmt)->withClause;
		case T_InsertStmt:
			return castNode(InsertStmt, stmt)->withClause;
		case T_UpdateStmt:
			return castNode(UpdateStmt, stmt)->withClause;
		case T_DeleteStmt:
			return castNode(DeleteStmt, stmt)->withClause;
		default:
			return pgm_is_merge(stmt) ? pgm_merge_with(stmt) : NULL;
	}
}

/* EXPLAIN runs its query only if it is told so. */
static bool
explain_runs(const ExplainStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "analyze") == 0)
			return defGetBoolean(option);
	}
	return false;
}

Node *
pgm_query_run(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_ExplainStmt:
			return explain_runs(castNode(ExplainStmt, stmt)) ?
				pgm_query_run(castNode(ExplainStmt, stmt)->query) : NULL;
		case T_CopyStmt:
			return castNode(CopyStmt, stmt)->query;
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, stmt)->into->skipData ? NULL :
				castNode(CreateTableAsStmt, stmt)->query;
		default:
			return stmt;
	}
}

static bool expression_walker(Node *node, void *context);

/*
 * A query with what it writes to.  The names of its WITH hide tables, in the
 * WITH itself too: that a query of it may still see the table of its own name
 * is not worth the trouble.
 */
static void
visit_query(Walk *walk, Node *stmt)
{
	List	   *outer = walk->queries;
	WithClause *with = pgm_query_with(stmt);
	ListCell   *lc;

	visit(walk, written_table(stmt), PGM_NAME_WRITTEN);
	if (with != NULL)
	{
		walk->queries = list_copy(outer);
		foreach(lc, with->ctes)
			walk->queries = lappend(walk->queries,
									makeString(lfirst_node(CommonTableExpr,
														   lc)->ctename));
	}
	(void) pgm_walk_raw(stmt, expression_walker, walk);
	walk->queries = outer;
}

static bool
expression_walker(Node *node, void *context)
{
	Walk	   *walk = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			if (!names_query(walk, castNode(RangeVar, node)))
				visit(walk, castNode(RangeVar, node), PGM_NAME_READ);
			return false;
		case T_IntoClause:
			/* is made, not read */
			return false;
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
			visit_query(walk, node);
			return false;
		default:
			break;
	}
	if (pgm_is_merge(node))
	{
		visit_query(walk, node);
		return false;
	}
	return pgm_walk_raw(node, expression_walker, context);
}

static void
visit_expression(Walk *walk, Node *node)
{
	(void) expression_walker(node, walk);
}

static void
visit_constraints(Walk *walk, List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Node	   *node = lfirst(lc);

		if (IsA(node, Constraint))
			visit(walk, castNode(Constraint, node)->pktable,
				  PGM_NAME_REFERENCED);
	}
}

static void
visit_alter_table(Walk *walk, AlterTableStmt *stmt)
{
	ListCell   *lc;

	visit(walk, stmt->relation, PGM_NAME_TARGET);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (pgm_alter_cmd_type(cmd))
		{
			case AT_AddColumn:
				visit_constraints(walk,
								  castNode(ColumnDef, cmd->def)->constraints);
				break;
			case AT_AddConstraint:
				visit_constraints(walk, list_make1(cmd->def));
				break;
			case AT_AddInherit:
			case AT_DropInherit:
				visit(walk, castNode(RangeVar, cmd->def), PGM_NAME_PARENT);
				break;
			case AT_AttachPartition:
			case AT_DetachPartition:
				visit(walk, castNode(PartitionCmd, cmd->def)->name,
					  PGM_NAME_PARTITION);
				break;
			default:
				break;
		}
	}
}

static void
visit_create(Walk *walk, CreateStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			visit_constraints(walk, castNode(ColumnDef, element)->constraints);
		else if (IsA(element, Constraint))
			visit_constraints(walk, list_make1(element));
		else if (IsA(element, TableLikeClause))
			visit(walk, castNode(TableLikeClause, element)->relation,
				  PGM_NAME_READ);
	}
	visit_list(walk, stmt->inhRelations,
			   stmt->partbound != NULL ? PGM_NAME_WHOLE : PGM_NAME_PARENT);
	visit(walk, stmt->relation, PGM_NAME_CREATED);
}

static void
visit_drop(Walk *walk, DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		switch (stmt->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
				visit_strings(walk, (List **) &lfirst(lc), 0,
							  PGM_NAME_DROPPED);
				break;
			case OBJECT_TRIGGER:
			case OBJECT_POLICY:
			case OBJECT_RULE:
				visit_strings(walk, (List **) &lfirst(lc), 1, PGM_NAME_TARGET);
				break;
			default:
				break;
		}
	}
}

static void
visit_comment(Walk *walk, ObjectType kind, Node **object)
{
	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			visit_strings(walk, (List **) object, 0, PGM_NAME_TARGET);
			break;
		case OBJECT_COLUMN:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TABCONSTRAINT:
			visit_strings(walk, (List **) object, 1, PGM_NAME_TARGET);
			break;
		default:
			break;
	}
}

static void
visit_rename(Walk *walk, RenameStmt *stmt)
{
	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			visit(walk, stmt->relation, PGM_NAME_TARGET);
			break;
		default:
			break;
	}
}

/* OWNED BY of a sequence: the table of the column. */
static void
visit_sequence_options(Walk *walk, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "owned_by") == 0)
			visit_strings(walk, (List **) &option->arg, 1, PGM_NAME_OWNER);
	}
}

static void
visit_vacuum(Walk *walk, VacuumStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->rels)
		visit(walk, lfirst_node(VacuumRelation, lc)->relation,
			  PGM_NAME_TARGET);
}

static void
visit_relations(Walk *walk, List *nodes, PgmNameRole role)
{
	ListCell   *lc;

	foreach(lc, nodes)
	{
		if (IsA(lfirst(lc), RangeVar))
			visit(walk, lfirst_node(RangeVar, lc), role);
	}
}

/* Statements with a plan: what they write to, then all that they read. */
static bool
visit_plannable(Walk *walk, Node *stmt)
{
	RangeVar   *written = written_table(stmt);

	if (written == NULL && !IsA(stmt, SelectStmt))
		return false;
	visit(walk, written, PGM_NAME_TARGET);
	visit_expression(walk, stmt);
	if (IsA(stmt, SelectStmt) &&
		castNode(SelectStmt, stmt)->intoClause != NULL)
		visit(walk, castNode(SelectStmt, stmt)->intoClause->rel,
			  PGM_NAME_CREATED);
	return true;
}

/* Statements about one table and what hangs on it. */
static bool
visit_dependent(Walk *walk, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			visit(walk, castNode(IndexStmt, stmt)->relation, PGM_NAME_TARGET);
			return true;
		case T_CreateTrigStmt:
			visit(walk, castNode(CreateTrigStmt, stmt)->relation,
				  PGM_NAME_TARGET);
			visit(walk, castNode(CreateTrigStmt, stmt)->constrrel,
				  PGM_NAME_REFERENCED);
			return true;
		case T_CreatePolicyStmt:
			{
				CreatePolicyStmt *policy = castNode(CreatePolicyStmt, stmt);

				visit(walk, policy->table, PGM_NAME_TARGET);
				visit_expression(walk, policy->qual);
				visit_expression(walk, policy->with_check);
				return true;
			}
		case T_AlterPolicyStmt:
			{
				AlterPolicyStmt *policy = castNode(AlterPolicyStmt, stmt);

				visit(walk, policy->table, PGM_NAME_TARGET);
				visit_expression(walk, policy->qual);
				visit_expression(walk, policy->with_check);
				return true;
			}
		case T_RuleStmt:
			visit(walk, castNode(RuleStmt, stmt)->relation, PGM_NAME_TARGET);
			visit_expression(walk, (Node *) castNode(RuleStmt, stmt)->actions);
			return true;
		case T_CreateStatsStmt:
			visit_relations(walk, castNode(CreateStatsStmt, stmt)->relations,
							PGM_NAME_TARGET);
			return true;
		case T_CreateSeqStmt:
			visit_sequence_options(walk,
								   castNode(CreateSeqStmt, stmt)->options);
			visit(walk, castNode(CreateSeqStmt, stmt)->sequence,
				  PGM_NAME_CREATED);
			return true;
		case T_AlterSeqStmt:
			visit_sequence_options(walk,
								   castNode(AlterSeqStmt, stmt)->options);
			visit(walk, castNode(AlterSeqStmt, stmt)->sequence,
				  PGM_NAME_TARGET);
			return true;
		case T_CreatePublicationStmt:
			visit_list(walk, pgm_publication_tables(stmt), PGM_NAME_TARGET);
			return true;
		case T_AlterPublicationStmt:
			visit_list(walk, pgm_publication_tables(stmt), PGM_NAME_TARGET);
			return true;
		default:
			return false;
	}
}

/* Statements that make a relation from a query. */
static bool
visit_query_relation(Walk *walk, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateTableAsStmt:
			visit_expression(walk, castNode(CreateTableAsStmt, stmt)->query);
			visit(walk, castNode(CreateTableAsStmt, stmt)->into->rel,
				  PGM_NAME_CREATED);
			return true;
		case T_ViewStmt:
			visit_expression(walk, castNode(ViewStmt, stmt)->query);
			visit(walk, castNode(ViewStmt, stmt)->view, PGM_NAME_CREATED);
			return true;
		case T_RefreshMatViewStmt:
			visit(walk, castNode(RefreshMatViewStmt, stmt)->relation,
				  PGM_NAME_TARGET);
			return true;
		case T_CopyStmt:
			visit(walk, castNode(CopyStmt, stmt)->relation,
				  castNode(CopyStmt, stmt)->is_from ? PGM_NAME_TARGET :
				  PGM_NAME_READ);
			visit_expression(walk, castNode(CopyStmt, stmt)->query);
			return true;
		case T_ExplainStmt:
			visit_expression(walk, castNode(ExplainStmt, stmt)->query);
			return true;
		case T_PrepareStmt:
			visit_expression(walk, castNode(PrepareStmt, stmt)->query);
			return true;
		default:
			return false;
	}
}

void
pgm_names_visit(Node *stmt, PgmNameVisitor visitor, void *arg)
{
	Walk		walk = {visitor, arg, NIL};

	if (visit_plannable(&walk, stmt) || visit_dependent(&walk, stmt) ||
		visit_query_relation(&walk, stmt))
		return;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			visit_alter_table(&walk, castNode(AlterTableStmt, stmt));
			break;
		case T_CreateStmt:
			visit_create(&walk, castNode(CreateStmt, stmt));
			break;
		case T_CreateForeignTableStmt:
			visit_create(&walk,
						 &castNode(CreateForeignTableStmt, stmt)->base);
			break;
		case T_DropStmt:
			visit_drop(&walk, castNode(DropStmt, stmt));
			break;
		case T_RenameStmt:
			visit_rename(&walk, castNode(RenameStmt, stmt));
			break;
		case T_AlterObjectSchemaStmt:
			visit(&walk, castNode(AlterObjectSchemaStmt, stmt)->relation,
				  PGM_NAME_TARGET);
			break;
		case T_AlterObjectDependsStmt:
			visit(&walk, castNode(AlterObjectDependsStmt, stmt)->relation,
				  PGM_NAME_TARGET);
			break;
		case T_CommentStmt:
			visit_comment(&walk, castNode(CommentStmt, stmt)->objtype,
						  &castNode(CommentStmt, stmt)->object);
			break;
		case T_GrantStmt:
			if (castNode(GrantStmt, stmt)->targtype == ACL_TARGET_OBJECT &&
				(castNode(GrantStmt, stmt)->objtype == OBJECT_TABLE ||
				 castNode(GrantStmt, stmt)->objtype == OBJECT_SEQUENCE))
				visit_list(&walk, castNode(GrantStmt, stmt)->objects,
						   PGM_NAME_GRANTED);
			break;
		case T_TruncateStmt:
			visit_list(&walk, castNode(TruncateStmt, stmt)->relations,
					   PGM_NAME_TARGET);
			break;
		case T_LockStmt:
			visit_list(&walk, castNode(LockStmt, stmt)->relations,
					   PGM_NAME_TARGET);
			break;
		case T_VacuumStmt:
			visit_vacuum(&walk, castNode(VacuumStmt, stmt));
			break;
		case T_ClusterStmt:
			visit(&walk, pgm_cluster_relation(castNode(ClusterStmt, stmt)),
				  PGM_NAME_TARGET);
			break;
		case T_ReindexStmt:
			visit(&walk, castNode(ReindexStmt, stmt)->relation,
				  PGM_NAME_TARGET);
			break;
		default:
			break;
	}
}
