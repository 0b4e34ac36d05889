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
