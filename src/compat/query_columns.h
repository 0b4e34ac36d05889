/*-------------------------------------------------------------------------
 *
 * query_columns.h
 *	  The columns of its relations that a query reads and writes.
 *
 *	Since 16 they are kept apart from the range table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_QUERY_COLUMNS_H
#define PGM_COMPAT_QUERY_COLUMNS_H

#include "nodes/parsenodes.h"
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif

/* The columns of a relation that a query reads. */
static inline Bitmapset *
pgm_selected_columns(const Query *query, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	return rte->perminfoindex == 0 ? NULL :
		getRTEPermissionInfo(query->rteperminfos, rte)->selectedCols;
#else
	return rte->selectedCols;
#endif
}

/* All sets of columns of a relation that a query has; how many there are. */
#define PGM_COLUMN_SETS 4
static inline int
pgm_column_sets(Query *query, RangeTblEntry *rte,
				Bitmapset **sets[PGM_COLUMN_SETS])
{
	int			n = 0;
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info = rte->perminfoindex == 0 ? NULL :
		getRTEPermissionInfo(query->rteperminfos, rte);

	if (info == NULL)
		return 0;
#else
	RangeTblEntry *info = rte;

	sets[n++] = &info->extraUpdatedCols;
#endif
	sets[n++] = &info->selectedCols;
	sets[n++] = &info->insertedCols;
	sets[n++] = &info->updatedCols;
	return n;
}

#endif							/* PGM_COMPAT_QUERY_COLUMNS_H */
