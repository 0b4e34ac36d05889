/*-------------------------------------------------------------------------
 *
 * index_insert.h
 *	  What index access methods keep from one row to the next.
 *
 * Since 17 BRIN keeps pages pinned until it is told that no more rows come.
 * Our rows come one by one, each perhaps in a subtransaction of its own, to
 * whose resource owner the pins belong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_INDEX_INSERT_H
#define PGM_COMPAT_INDEX_INSERT_H

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* Before a row: what an error has left is gone with its resource owner. */
static inline void
pgm_index_insert_begin(ResultRelInfo *result)
{
#if PG_VERSION_NUM >= 170000
	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		const IndexAmRoutine *am = result->ri_IndexRelationDescs[i]->rd_indam;

		if (am->aminsertcleanup != NULL)
			result->ri_IndexRelationInfo[i]->ii_AmCache = NULL;
	}
#endif
}

/* After it. */
static inline void
pgm_index_insert_end(ResultRelInfo *result)
{
#if PG_VERSION_NUM >= 170000
	for (int i = 0; i < result->ri_NumIndices; i++)
		index_insert_cleanup(result->ri_IndexRelationDescs[i],
							 result->ri_IndexRelationInfo[i]);
#endif
}

#endif							/* PGM_COMPAT_INDEX_INSERT_H */
