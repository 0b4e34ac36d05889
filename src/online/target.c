/*-------------------------------------------------------------------------
 *
 * target.c
 *	  The table beside: rows written to it without SQL.
 *
 * Rows go the way that the executor's own do: generated columns, constraints,
 * heap, indexes.  Nothing is planned, and no trigger of the table fires.
 *
 * Whoever writes a row here has locked the row of the same key in the table
 * that is copied, so that there is no more than one of them; but for the copy
 * itself, which only inserts what is not there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/snapmgr.h"

#include "compat/checks.h"
#include "compat/index_insert.h"
#include "compat/modify.h"
#include "compat/plan.h"
#include "online/target.h"

void
pgm_key_init(PgmKey *key, Relation index)
{
	int			n = IndexRelationGetNumberOfKeyAttributes(index);

	key->index = RelationGetRelid(index);
	key->n = n;
	for (int i = 0; i < n; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i],
												   type, type,
												   BTEqualStrategyNumber);

		if (!OidIsValid(operator))
			elog(ERROR, "missing operator %d(%u,%u) in opfamily %u",
				 BTEqualStrategyNumber, type, type, index->rd_opfamily[i]);
		key->columns[i] = index->rd_index->indkey.values[i];
		ScanKeyEntryInitialize(&key->scan[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i],
							   get_opcode(operator), (Datum) 0);
	}
}

/*
 * A result relation as the executor has it, for a table that is not open: what
 * is compiled for it is kept in the executor state.
 */
static void
add_indexes(PgmTarget *target, Relation rel, Oid key)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	target->nindexes = list_length(indexes);
	target->indexes = palloc(sizeof(Oid) * Max(target->nindexes, 1));
	target->result->ri_NumIndices = target->nindexes;
	target->result->ri_IndexRelationDescs =
		palloc0(sizeof(Relation) * Max(target->nindexes, 1));
	target->result->ri_IndexRelationInfo =
		palloc0(sizeof(IndexInfo *) * Max(target->nindexes, 1));
	foreach(lc, indexes)
	{
		int			i = foreach_current_index(lc);
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);

		target->indexes[i] = lfirst_oid(lc);
		target->result->ri_IndexRelationInfo[i] = BuildIndexInfo(index);
		if (lfirst_oid(lc) == key)
			pgm_key_init(&target->key, index);
		index_close(index, NoLock);
	}
	if (!OidIsValid(target->key.index))
		elog(ERROR, "index %u is not one of table %u", key,
			 RelationGetRelid(rel));
}

static PgmTarget *
create_leaf(PgmTarget *target, Oid relid, ExprState **bound)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	PgmTarget  *leaf = pgm_target_create(relid,
										 index_get_partition(rel,
															 target->key.index));

	ExecDropSingleTupleTableSlot(leaf->row);
	ExecDropSingleTupleTableSlot(leaf->found);
	leaf->row = target->row;
	leaf->found = target->found;
	*bound = ExecPrepareCheck(RelationGetPartitionQual(rel), target->estate);
	table_close(rel, NoLock);
	return leaf;
}

static void
add_leaves(PgmTarget *target, Relation rel)
{
	List	   *leaves;
	ListCell   *lc;

	target->leaf = -1;
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	leaves = find_inheritance_children(target->relid, NoLock);
	target->leaves = palloc(sizeof(PgmTarget *) * list_length(leaves));
	target->bounds = palloc(sizeof(ExprState *) * list_length(leaves));
	target->values =
		MakeSingleTupleTableSlot(target->row->tts_tupleDescriptor,
								 &TTSOpsVirtual);
	foreach(lc, leaves)
	{
		int			i = target->nleaves++;

		target->leaves[i] = create_leaf(target, lfirst_oid(lc),
										&target->bounds[i]);
	}
}

/* What is constant in indexes, CHECKs and bounds is computed. */
PgmTarget *
pgm_target_create(Oid relid, Oid key)
{
	PgmTarget  *target = palloc0(sizeof(PgmTarget));
	Relation	rel = table_open(relid, NoLock);
	MemoryContext old;
	TupleDesc	desc;

	target->relid = relid;
	target->estate = CreateExecutorState();
	old = MemoryContextSwitchTo(target->estate->es_query_cxt);
	target->result = makeNode(ResultRelInfo);
	PushActiveSnapshot(GetTransactionSnapshot());
	add_indexes(target, rel, key);
	pgm_check_valid_ones(target->result, rel, target->estate);

	/* with the values that older rows have of columns that were added */
	desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	target->row = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	target->found = MakeSingleTupleTableSlot(desc, &TTSOpsBufferHeapTuple);
	add_leaves(target, rel);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	table_close(rel, NoLock);
	return target;
}

void
pgm_target_free(PgmTarget *target)
{
	for (int i = 0; i < target->nleaves; i++)
	{
		FreeExecutorState(target->leaves[i]->estate);
	}
	if (target->values != NULL)
		ExecDropSingleTupleTableSlot(target->values);
	ExecDropSingleTupleTableSlot(target->row);
	ExecDropSingleTupleTableSlot(target->found);
	FreeExecutorState(target->estate);
	pfree(target);
}

/* Partitions when they are needed. */
void
pgm_target_open(PgmTarget *target, LOCKMODE mode)
{
	target->mode = mode;
	target->leaf = -1;
	target->rel = table_open(target->relid, mode);
	target->result->ri_RelationDesc = target->rel;
	if (target->nleaves > 0)
		return;
	for (int i = 0; i < target->nindexes; i++)
		target->result->ri_IndexRelationDescs[i] =
			index_open(target->indexes[i], mode);
}

static void
close_table(PgmTarget *target)
{
	for (int i = 0; target->nleaves == 0 && i < target->nindexes; i++)
		index_close(target->result->ri_IndexRelationDescs[i], NoLock);
	table_close(target->rel, NoLock);
	target->rel = NULL;
	ResetPerTupleExprContext(target->estate);
}

void
pgm_target_close(PgmTarget *target)
{
	ExecClearTuple(target->row);
	ExecClearTuple(target->found);
	for (int i = 0; i < target->nleaves; i++)
		if (target->leaves[i]->rel != NULL)
			close_table(target->leaves[i]);
	close_table(target);
}

/* ---- partitions */

static bool
is_in(PgmTarget *target, int i)
{
	ExprContext *context = GetPerTupleExprContext(target->estate);

	context->ecxt_scantuple = target->values;
	return ExecCheck(target->bounds[i], context);
}

/* What a row is partitioned by is in its key. */
PgmTarget *
pgm_target_route(PgmTarget *target, const Datum *values)
{
	int			first = Max(target->leaf, 0);

	if (target->nleaves == 0)
		return target;
	ExecClearTuple(target->values);
	memset(target->values->tts_isnull, true,
		   sizeof(bool) * target->values->tts_tupleDescriptor->natts);
	for (int i = 0; i < target->key.n; i++)
	{
		target->values->tts_values[target->key.columns[i] - 1] =
			values[target->key.columns[i] - 1];
		target->values->tts_isnull[target->key.columns[i] - 1] = false;
	}
	ExecStoreVirtualTuple(target->values);
	target->leaf = -1;
	for (int i = 0; i < target->nleaves && target->leaf < 0; i++)
		if (is_in(target, (first + i) % target->nleaves))
			target->leaf = (first + i) % target->nleaves;
	if (target->leaf < 0)
		return NULL;
	if (target->leaves[target->leaf]->rel == NULL)
		pgm_target_open(target->leaves[target->leaf], target->mode);
	return target->leaves[target->leaf];
}

PgmTarget *
pgm_target_leaf(PgmTarget *target)
{
	return target->leaf < 0 ? target : target->leaves[target->leaf];
}

static void
set_keys(const PgmKey *key, const Datum *values, ScanKey scan)
{
	memcpy(scan, key->scan, sizeof(ScanKeyData) * key->n);
	for (int i = 0; i < key->n; i++)
		scan[i].sk_argument = values[key->columns[i] - 1];
}

bool
pgm_key_lookup(const PgmKey *key, Relation rel, Relation index,
			   Snapshot snapshot, const Datum *values, TupleTableSlot *slot)
{
	ScanKeyData scan_keys[INDEX_MAX_KEYS];
	IndexScanDesc scan;
	bool		found;

	set_keys(key, values, scan_keys);
	scan = pgm_index_beginscan(rel, index, snapshot, key->n);
	index_rescan(scan, scan_keys, key->n, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	index_endscan(scan);
	return found;
}

Relation
pgm_target_key_index(PgmTarget *target)
{
	for (int i = 0; i < target->nindexes; i++)
		if (target->indexes[i] == target->key.index)
			return target->result->ri_IndexRelationDescs[i];
	return NULL;				/* keep compiler quiet */
}

/*
 * One that is being updated or deleted stays, or goes along with the row of
 * the table that is copied.  There may be a new version of it besides.
 */
bool
pgm_target_has(PgmTarget *target, const Datum *values,
			   TransactionId *inserter)
{
	ScanKeyData scan_keys[INDEX_MAX_KEYS];
	SnapshotData dirty;
	IndexScanDesc scan;
	bool		found = false;

	*inserter = InvalidTransactionId;
	target = pgm_target_route(target, values);
	if (target == NULL)
		return false;
	set_keys(&target->key, values, scan_keys);
	InitDirtySnapshot(dirty);
	scan = pgm_index_beginscan(target->rel, pgm_target_key_index(target),
							   &dirty, target->key.n);
	index_rescan(scan, scan_keys, target->key.n, NULL, 0);
	while (!found &&
		   index_getnext_slot(scan, ForwardScanDirection, target->found))
	{
		if (TransactionIdIsValid(dirty.xmin))
			*inserter = dirty.xmin;
		else
			found = true;
	}
	index_endscan(scan);
	ExecClearTuple(target->found);
	if (found)
		*inserter = InvalidTransactionId;
	return found;
}

bool
pgm_target_find(PgmTarget *target, const Datum *values)
{
	target = pgm_target_route(target, values);
	if (target == NULL)
		return false;
	for (;;)
	{
		SnapshotData dirty;
		TransactionId other;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		InitDirtySnapshot(dirty);
		found = pgm_key_lookup(&target->key, target->rel,
							   pgm_target_key_index(target), &dirty, values,
							   target->found);
		if (!found)
			return false;
		other = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		if (!TransactionIdIsValid(other))
			return true;
		ExecClearTuple(target->found);
		XactLockTableWait(other, target->rel, NULL, XLTW_None);
	}
}

/*
 * A row can be changed only by a later command than the one that wrote it, and
 * no command of ours ends by itself.
 */
static CommandId
next_command(void)
{
	CommandCounterIncrement();
	return GetCurrentCommandId(true);
}

void
pgm_target_complete(PgmTarget *target)
{
	TupleConstr *constr = RelationGetDescr(target->rel)->constr;

	target = pgm_target_leaf(target);
	if (constr == NULL)
		return;
	if (constr->has_generated_stored)
		pgm_compute_generated(target->result, target->estate, target->row);
	ExecConstraints(target->result, target->row, target->estate);
}

void
pgm_target_insert(PgmTarget *target)
{
	pgm_target_complete(target);
	target = pgm_target_leaf(target);
	table_tuple_insert(target->rel, target->row, GetCurrentCommandId(true), 0,
					   NULL);
	if (target->nindexes == 0)
		return;
	pgm_index_insert_begin(target->result);
	pgm_insert_index_tuples(target->result, target->row, target->estate);
	pgm_index_insert_end(target->result);
}

/* An unexpected result would be a defect of ours. */
static bool
was_done(TM_Result result)
{
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Updated:
		case TM_Deleted:
			return false;
		default:
			elog(ERROR, "unexpected result %d of a change of a row",
				 (int) result);
	}
	return false;				/* keep compiler quiet */
}

bool
pgm_target_update(PgmTarget *target)
{
	TM_Result	result;

	pgm_target_complete(target);
	target = pgm_target_leaf(target);
	pgm_index_insert_begin(target->result);
	result = pgm_update_row(target->result, &target->found->tts_tid,
							target->row, target->estate, next_command());
	pgm_index_insert_end(target->result);
	return was_done(result);
}

bool
pgm_target_delete(PgmTarget *target)
{
	target = pgm_target_leaf(target);
	return was_done(pgm_delete_row(target->rel, &target->found->tts_tid,
								   next_command()));
}
