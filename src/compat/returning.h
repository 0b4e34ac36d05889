/*-------------------------------------------------------------------------
 *
 * returning.h
 *	  RETURNING in the parse trees of the supported server versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_RETURNING_H
#define PGM_COMPAT_RETURNING_H

#include "nodes/parsenodes.h"

/* RETURNING: with options of its own since 18. */
#if PG_VERSION_NUM >= 180000
static inline bool
pgm_insert_returns(const InsertStmt *stmt)
{
	return stmt->returningClause != NULL;
}

static inline bool
pgm_update_returns(const UpdateStmt *stmt)
{
	return stmt->returningClause != NULL;
}

static inline bool
pgm_delete_returns(const DeleteStmt *stmt)
{
	return stmt->returningClause != NULL;
}

static inline List *
pgm_delete_returning(const DeleteStmt *stmt)
{
	return stmt->returningClause == NULL ? NIL : stmt->returningClause->exprs;
}

static inline void
pgm_update_set_returning(UpdateStmt *stmt, List *targets)
{
	stmt->returningClause = makeNode(ReturningClause);
	stmt->returningClause->exprs = targets;
}
#else
static inline bool
pgm_insert_returns(const InsertStmt *stmt)
{
	return stmt->returningList != NIL;
}

static inline bool
pgm_update_returns(const UpdateStmt *stmt)
{
	return stmt->returningList != NIL;
}

static inline bool
pgm_delete_returns(const DeleteStmt *stmt)
{
	return stmt->returningList != NIL;
}

static inline List *
pgm_delete_returning(const DeleteStmt *stmt)
{
	return stmt->returningList;
}

static inline void
pgm_update_set_returning(UpdateStmt *stmt, List *targets)
{
	stmt->returningList = targets;
}
#endif

#endif							/* PGM_COMPAT_RETURNING_H */
