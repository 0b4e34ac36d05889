/*-------------------------------------------------------------------------
 *
 * parse.h
 *	  Differences between the parse trees of the supported server versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_PARSE_H
#define PGM_COMPAT_PARSE_H

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"

/* Before 16 its walkers were declared without prototypes. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#pragma GCC diagnostic pop

#include "compat/merge.h"

/* The server's walker of raw trees, with the nodes it does not know. */
static inline bool
pgm_walk_raw(Node *node, bool (*walker) (Node *node, void *context),
			 void *context)
{
	switch (nodeTag(node))
	{
		case T_NotifyStmt:		/* an action of a rule */
			return false;

			/* what EXPLAIN is told of */
		case T_CreateTableAsStmt:
			return walker(castNode(CreateTableAsStmt, node)->query, context);
		case T_DeclareCursorStmt:
			return walker(castNode(DeclareCursorStmt, node)->query, context);
		case T_RefreshMatViewStmt:
			return walker((Node *) castNode(RefreshMatViewStmt,
											node)->relation, context);
		case T_ExecuteStmt:		/* of CREATE TABLE AS */
			return walker((Node *) castNode(ExecuteStmt, node)->params,
						  context);
#if PG_VERSION_NUM >= 140000
		case T_ReturnStmt:		/* a body of a function in SQL */
			return walker(castNode(ReturnStmt, node)->returnval, context);
#endif
		default:
			return raw_expression_tree_walker(node, walker, context);
	}
}

/* VACUUM FULL, however it is written. */
static inline bool
pgm_vacuum_is_full(VacuumStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "full") == 0)
			return defGetBoolean(option);
	}
	return false;
}

/* The kind of relation that an ALTER TABLE and its likes is said to be for. */
static inline ObjectType
pgm_alter_table_kind(AlterTableStmt *stmt)
{
#if PG_VERSION_NUM >= 140000
	return stmt->objtype;
#else
	return stmt->relkind;
#endif
}

static inline bool
pgm_is_set_access_method(const AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 150000
	return cmd->subtype == AT_SetAccessMethod;
#else
	return false;
#endif
}

static inline bool
pgm_is_set_compression(const AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 140000
	return cmd->subtype == AT_SetCompression;
#else
	return false;
#endif
}

/* The tags of statements that not all servers have. */
#if PG_VERSION_NUM >= 150000
#define PGM_T_MERGE T_MergeStmt
#define PGM_T_REFRESH_COLLATION T_AlterDatabaseRefreshCollStmt
#else
#define PGM_T_MERGE T_Invalid
#define PGM_T_REFRESH_COLLATION T_Invalid
#endif

/* All functions of a name. */
static inline FuncCandidateList
pgm_function_candidates(List *name)
{
#if PG_VERSION_NUM >= 190000
	int			found;

	return FuncnameGetCandidates(name, -1, NIL, false, false, false, true,
								 &found);
#elif PG_VERSION_NUM >= 140000
	return FuncnameGetCandidates(name, -1, NIL, false, false, false, true);
#else
	return FuncnameGetCandidates(name, -1, NIL, false, false, true);
#endif
}

#endif							/* PGM_COMPAT_PARSE_H */
