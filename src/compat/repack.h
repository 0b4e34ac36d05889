/*-------------------------------------------------------------------------
 *
 * repack.h
 *	  CLUSTER, and REPACK, of which CLUSTER is a form since 19.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_REPACK_H
#define PGM_COMPAT_REPACK_H

#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#if PG_VERSION_NUM >= 190000
#include "commands/repack.h"
#else
#include "commands/cluster.h"
#endif

#if PG_VERSION_NUM >= 190000
#define ClusterStmt RepackStmt
#define T_ClusterStmt T_RepackStmt
#endif

/* The table, or NULL: several. */
static inline RangeVar *
pgm_cluster_relation(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return stmt->relation == NULL ? NULL : stmt->relation->relation;
#else
	return stmt->relation;
#endif
}

/* The columns of which statistics are wanted. */
static inline List *
pgm_cluster_columns(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return stmt->relation == NULL ? NIL : stmt->relation->va_cols;
#else
	return NIL;
#endif
}

#if PG_VERSION_NUM >= 190000
static inline bool
pgm_repack_has_option(const ClusterStmt *stmt, const char *name)
{
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return false;
}
#endif

/* REPACK (CONCURRENTLY): the old files are in use until the last phase. */
static inline bool
pgm_repack_is_concurrent(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return pgm_repack_has_option(stmt, "concurrently");
#else
	return false;
#endif
}

static inline bool
pgm_repack_can_be_concurrent(void)
{
	return PG_VERSION_NUM >= 190000;
}

static inline bool
pgm_repack_analyzes(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return pgm_repack_has_option(stmt, "analyze");
#else
	return false;
#endif
}

/* REPACK, not CLUSTER? */
static inline bool
pgm_is_repack(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return stmt->command == REPACK_COMMAND_REPACK;
#else
	return false;
#endif
}

/* Without a table: all of them, not only those that were clustered? */
static inline bool
pgm_repack_takes_all(const ClusterStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	return pgm_is_repack(stmt) && stmt->relation == NULL && !stmt->usingindex;
#else
	return false;
#endif
}

/* Does it commit by itself, whatever the table is? */
static inline bool
pgm_cluster_commits(const ClusterStmt *stmt)
{
	return stmt->relation == NULL || pgm_repack_analyzes(stmt) ||
		pgm_repack_is_concurrent(stmt);
}

/* Is the index of a partitioned table by which it is done locked too? */
static inline bool
pgm_cluster_locks_parent_index(void)
{
	return PG_VERSION_NUM >= 190000;
}

#endif							/* PGM_COMPAT_REPACK_H */
