/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Planning, scanning and descriptors of rows, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_PLAN_H
#define PGM_COMPAT_PLAN_H

#include "access/genam.h"
#include "access/tableam.h"
#include "nodes/plannodes.h"
#include "tcop/tcopprot.h"

#if PG_VERSION_NUM >= 190000
#define pgm_plan_query(query, text, params) \
	pg_plan_query(query, text, 0, params, NULL)
#else
#define pgm_plan_query(query, text, params) \
	pg_plan_query(query, text, 0, params)
#endif

#if PG_VERSION_NUM >= 190000
#define pgm_table_beginscan(rel, snapshot) \
	table_beginscan(rel, snapshot, 0, NULL, SO_NONE)
#else
#define pgm_table_beginscan(rel, snapshot) \
	table_beginscan(rel, snapshot, 0, NULL)
#endif

#if PG_VERSION_NUM >= 190000
#define pgm_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, 0)
#elif PG_VERSION_NUM >= 180000
#define pgm_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define pgm_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* Indexes in the range table; a set since 19. */
static inline List *
pgm_result_relations(const PlannedStmt *stmt)
{
#if PG_VERSION_NUM >= 190000
	List	   *result = NIL;
	int			i = -1;

	while ((i = bms_next_member(stmt->resultRelationRelids, i)) >= 0)
		result = lappend_int(result, i);
	return result;
#else
	return stmt->resultRelations;
#endif
}

/* A descriptor that is made entry by entry is complete. */
static inline TupleDesc
pgm_complete_tupdesc(TupleDesc tupdesc)
{
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(tupdesc);
#endif
	return tupdesc;
}

#endif							/* PGM_COMPAT_PLAN_H */
