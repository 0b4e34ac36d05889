/*-------------------------------------------------------------------------
 *
 * command.h
 *	  Commands whose options not all server versions know.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_COMMAND_H
#define PGM_COMPAT_COMMAND_H

#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "compat/repack.h"

/* As a part of another command: event triggers are not told. */
static inline void
pgm_process_subcommand(PlannedStmt *statement, const char *text,
					   DestReceiver *receiver)
{
#if PG_VERSION_NUM >= 140000
	ProcessUtility(statement, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL,
				   NULL, receiver, NULL);
#else
	ProcessUtility(statement, text, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   receiver, NULL);
#endif
}

static inline bool
pgm_reindex_is_concurrent(ReindexStmt *stmt)
{
#if PG_VERSION_NUM >= 140000
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "concurrently") == 0)
			return defGetBoolean(option);
	}
	return false;
#else
	return stmt->concurrent;
#endif
}

static inline bool
pgm_detach_is_concurrent(AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 140000
	return cmd->subtype == AT_DetachPartition &&
		castNode(PartitionCmd, cmd->def)->concurrent;
#else
	return false;
#endif
}

/* What a part of ALTER TABLE does; DETACH ... FINALIZE counts as DETACH. */
static inline AlterTableType
pgm_alter_cmd_type(const AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 140000
	if (cmd->subtype == AT_DetachPartitionFinalize)
		return AT_DetachPartition;
#endif
	return cmd->subtype;
}

/* Take CONCURRENTLY out of a statement. */
static inline void
pgm_reindex_plainly(ReindexStmt *stmt)
{
#if PG_VERSION_NUM >= 140000
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "concurrently") == 0)
			stmt->params = foreach_delete_current(stmt->params, lc);
	}
#else
	stmt->concurrent = false;
#endif
}

/* Take VERBOSE out of a statement. */
static inline void
pgm_make_quiet(Node *stmt)
{
#if PG_VERSION_NUM >= 140000
	List	  **options = IsA(stmt, ReindexStmt) ?
		&castNode(ReindexStmt, stmt)->params :
		IsA(stmt, ClusterStmt) ? &castNode(ClusterStmt, stmt)->params : NULL;
	ListCell   *lc;

	if (options == NULL)
		return;
	foreach(lc, *options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "verbose") == 0)
			*options = foreach_delete_current(*options, lc);
	}
#else
	if (IsA(stmt, ReindexStmt))
		castNode(ReindexStmt, stmt)->options &= ~REINDEXOPT_VERBOSE;
	else if (IsA(stmt, ClusterStmt))
		castNode(ClusterStmt, stmt)->options &= ~CLUOPT_VERBOSE;
#endif
}

static inline void
pgm_detach_plainly(AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 140000
	if (cmd->subtype == AT_DetachPartition)
		castNode(PartitionCmd, cmd->def)->concurrent = false;
#endif
}

/* What REFRESH MATERIALIZED VIEW says of two of its options. */
#if PG_VERSION_NUM >= 190000
#define PGM_REFRESH_CONFLICT \
	"REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together"
#else
#define PGM_REFRESH_CONFLICT \
	"CONCURRENTLY and WITH NO DATA options cannot be used together"
#endif

#endif							/* PGM_COMPAT_COMMAND_H */
