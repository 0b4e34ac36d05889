/*-------------------------------------------------------------------------
 *
 * merge.h
 *	  The parts of a MERGE, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_MERGE_H
#define PGM_COMPAT_MERGE_H

#include "nodes/parsenodes.h"

static inline bool
pgm_is_merge(Node *stmt)
{
#if PG_VERSION_NUM >= 150000
	return IsA(stmt, MergeStmt);
#else
	return false;
#endif
}

static inline RangeVar *
pgm_merge_target(Node *stmt)
{
#if PG_VERSION_NUM >= 150000
	return castNode(MergeStmt, stmt)->relation;
#else
	return NULL;
#endif
}

static inline WithClause *
pgm_merge_with(Node *stmt)
{
#if PG_VERSION_NUM >= 150000
	return castNode(MergeStmt, stmt)->withClause;
#else
	return NULL;
#endif
}

static inline Node *
pgm_merge_source(Node *stmt)
{
#if PG_VERSION_NUM >= 150000
	return castNode(MergeStmt, stmt)->sourceRelation;
#else
	return NULL;
#endif
}

static inline Node *
pgm_merge_condition(Node *stmt)
{
#if PG_VERSION_NUM >= 150000
	return castNode(MergeStmt, stmt)->joinCondition;
#else
	return NULL;
#endif
}

/* Does it do this to rows that are there? */
static inline bool
pgm_merge_does(Node *stmt, CmdType what)
{
#if PG_VERSION_NUM >= 150000
	ListCell   *lc;

	foreach(lc, castNode(MergeStmt, stmt)->mergeWhenClauses)
	{
		if (lfirst_node(MergeWhenClause, lc)->commandType == what)
			return true;
	}
#endif
	return false;
}

#endif							/* PGM_COMPAT_MERGE_H */
