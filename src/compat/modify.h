/*-------------------------------------------------------------------------
 *
 * modify.h
 *	  Writing rows, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_MODIFY_H
#define PGM_COMPAT_MODIFY_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "nodes/value.h"
#include "utils/rel.h"

#include "compat/parse.h"

/* To the end. */
static inline void
pgm_executor_run(QueryDesc *query)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query, ForwardScanDirection, 0);
#else
	ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

/* Of an UPDATE: not those of a row that the index has already. */
static inline void
pgm_index_entries_are_new(IndexInfo *info)
{
#if PG_VERSION_NUM >= 150000
	info->ii_CheckedUnchanged = true;
	info->ii_IndexUnchanged = false;
#endif
}

/* Enter a new row into all indexes. */
static inline void
pgm_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot,
						EState *estate)
{
	List	   *recheck;

#if PG_VERSION_NUM >= 190000
	recheck = ExecInsertIndexTuples(result, estate, 0, slot, NIL, NULL);
#elif PG_VERSION_NUM >= 160000
	recheck = ExecInsertIndexTuples(result, slot, estate, false, false, NULL,
									NIL, false);
#elif PG_VERSION_NUM >= 140000
	recheck = ExecInsertIndexTuples(result, slot, estate, false, false, NULL,
									NIL);
#else
	estate->es_result_relation_info = result;
	recheck = ExecInsertIndexTuples(slot, estate, false, NULL, NIL);
#endif
	list_free(recheck);
}

/* Replace a row, and enter the new one where that has to be. */
static inline TM_Result
pgm_update_row(ResultRelInfo *result, ItemPointer tid, TupleTableSlot *slot,
			   EState *estate, CommandId cid)
{
	TM_FailureData failure;
	LockTupleMode mode;
	TM_Result	done;

#if PG_VERSION_NUM >= 190000
	TU_UpdateIndexes indexes;

	done = table_tuple_update(result->ri_RelationDesc, tid, slot, cid, 0,
							  InvalidSnapshot, InvalidSnapshot, true,
							  &failure, &mode, &indexes);
	if (done == TM_Ok && indexes != TU_None)
		list_free(ExecInsertIndexTuples(result, estate,
										indexes == TU_Summarizing ?
										EIIT_ONLY_SUMMARIZING : 0,
										slot, NIL, NULL));
#elif PG_VERSION_NUM >= 160000
	TU_UpdateIndexes indexes;

	done = table_tuple_update(result->ri_RelationDesc, tid, slot, cid,
							  InvalidSnapshot, InvalidSnapshot, true,
							  &failure, &mode, &indexes);
	if (done == TM_Ok && indexes != TU_None)
		list_free(ExecInsertIndexTuples(result, slot, estate, false, false,
										NULL, NIL, indexes == TU_Summarizing));
#else
	bool		indexes;

	done = table_tuple_update(result->ri_RelationDesc, tid, slot, cid,
							  InvalidSnapshot, InvalidSnapshot, true,
							  &failure, &mode, &indexes);
	if (done == TM_Ok && indexes)
		pgm_insert_index_tuples(result, slot, estate);
#endif
	return done;
}

static inline TM_Result
pgm_delete_row(Relation rel, ItemPointer tid, CommandId cid)
{
	TM_FailureData failure;

#if PG_VERSION_NUM >= 190000
	return table_tuple_delete(rel, tid, cid, 0, InvalidSnapshot,
							  InvalidSnapshot, true, &failure);
#else
	return table_tuple_delete(rel, tid, cid, InvalidSnapshot,
							  InvalidSnapshot, true, &failure, false);
#endif
}

/* Compute the generated columns of a new row. */
static inline void
pgm_compute_generated(ResultRelInfo *result, EState *estate,
					  TupleTableSlot *slot)
{
#if PG_VERSION_NUM >= 140000
	ExecComputeStoredGenerated(result, estate, slot, CMD_INSERT);
#else
	estate->es_result_relation_info = result;
	ExecComputeStoredGenerated(estate, slot, CMD_INSERT);
#endif
}

/* A CHECK constraint as heap_create_with_catalog wants it. */
static inline void
pgm_cooked_is_enforced(CookedConstraint *cooked)
{
#if PG_VERSION_NUM >= 180000
	cooked->is_enforced = true;
#endif
}

#if PG_VERSION_NUM >= 150000
#define pgm_index_nulls_distinct(index) (!(index)->indnullsnotdistinct)
#else
#define pgm_index_nulls_distinct(index) true
#endif

#endif							/* PGM_COMPAT_MODIFY_H */
