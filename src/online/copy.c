/*-------------------------------------------------------------------------
 *
 * copy.c
 *	  Copy the rows that were there before the triggers.
 *
 * Blocks up to the mark that was read after the triggers were committed: every
 * row elsewhere was written by somebody who fires them.  A chunk of blocks is
 * one transaction, together with the row that says so, under one snapshot that
 * it does not keep.
 *
 * A row is written unless the table beside has its key already.  What races is
 * somebody who deletes or replaces the row at the same time, whose trigger has
 * looked for it beside before ours was there:
 *
 *	he: marks the row as deleted	we: write the row beside
 *	he: looks for it beside			we: look at the mark again
 *
 * Whichever way these interleave, either he finds our row, and waits for us to
 * end, or we find his mark, and take our row out again: then its block is left
 * for later, when he has ended.  Nobody waits for anybody else while he holds
 * what the other needs, but for one case: both write the same key.  That wait
 * is short or the chunk is repeated.
 *
 * The key of a row that is older than the triggers needs not be looked for:
 * who wrote another row with this key since has deleted this one, or failed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "backfill/give_way.h"
#include "base/clock.h"
#include "base/transaction.h"
#include "compat/index_insert.h"
#include "compat/lock.h"
#include "compat/modify.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/mapping.h"
#include "online/order.h"
#include "online/owner.h"
#include "online/sync_trigger.h"
#include "online/target.h"

/* Rows written together. */
#define BATCH_ROWS 500
#define BATCH_BYTES (256 * 1024)

/* Blocks of a chunk, within its time. */
#define FIRST_BLOCKS 32
#define MAX_BLOCKS 4096

/* Waits for others in a chunk. */
#define CHUNK_LOCK_TIMEOUT "50ms"
#define CHUNK_DEADLOCK_TIMEOUT "10ms"
#define MAX_TRIES 100

/* Transactions until the number of one might come again. */
#define MAX_AGE (1 << 30)

typedef enum RowFate
{
	ROW_STAYS,
	ROW_IN_DOUBT,				/* whoever deletes it is at work */
	ROW_GONE
} RowFate;

typedef struct Chunk
{
	PgmShadow  *shadow;
	PgmOperationRange *range;
	BlockNumber first;
	BlockNumber end;
	BlockNumber nblocks;		/* of the table */
	Relation	rel;
	PgmTarget  *target;
	PgmTarget  *leaf;			/* that the rows below go to */
	PgmMapping *mapping;
	BulkInsertState bulk;
	TupleTableSlot *rows[BATCH_ROWS];
	ItemPointerData tids[BATCH_ROWS];	/* where they are copied from */
	int			n;
	Size		bytes;
	List	   *doubtful;		/* blocks, in order */
	int64		written;
	TransactionId other;		/* somebody who has a row in doubt */
	TransactionId before;		/* older writers' rows are not beside */
} Chunk;

static RowFate
row_fate(HeapTupleHeader row, TransactionId *other)
{
	TransactionId deleter;

	if ((row->t_infomask & HEAP_XMAX_INVALID) ||
		HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask))
		return ROW_STAYS;
	deleter = HeapTupleHeaderGetUpdateXid(row);
	if (!TransactionIdIsValid(deleter))
		return ROW_STAYS;
	if (TransactionIdIsInProgress(deleter))
	{
		*other = deleter;
		return ROW_IN_DOUBT;
	}
	return TransactionIdDidCommit(deleter) ? ROW_GONE : ROW_STAYS;
}

static void
add_doubtful(Chunk *chunk, BlockNumber block)
{
	if (chunk->doubtful == NIL ||
		(BlockNumber) llast_int(chunk->doubtful) != block)
		chunk->doubtful = lappend_int(chunk->doubtful, (int) block);
}

/* Of a version that our snapshot sees, at this moment; its block is pinned. */
static RowFate
look_again(Chunk *chunk, Buffer buffer, ItemPointer tid)
{
	Page		page = BufferGetPage(buffer);
	ItemId		item;
	RowFate		fate;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	item = PageGetItemId(page, ItemPointerGetOffsetNumber(tid));
	fate = ItemIdIsNormal(item) ?
		row_fate((HeapTupleHeader) PageGetItem(page, item), &chunk->other) :
		ROW_GONE;
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return fate;
}

static void
take_out_doubtful(Chunk *chunk)
{
	Buffer		buffer = InvalidBuffer;
	bool		first = true;

	for (int i = 0; i < chunk->n; i++)
	{
		RowFate		fate;

		buffer = ReleaseAndReadBuffer(buffer, chunk->rel,
									  ItemPointerGetBlockNumber(&chunk->tids[i]));
		fate = look_again(chunk, buffer, &chunk->tids[i]);
		if (fate == ROW_STAYS)
			continue;
		if (fate == ROW_IN_DOUBT)
			add_doubtful(chunk, ItemPointerGetBlockNumber(&chunk->tids[i]));
		if (first)
			CommandCounterIncrement();
		first = false;
		simple_table_tuple_delete(chunk->leaf->rel,
								  &chunk->rows[i]->tts_tid, InvalidSnapshot);
		chunk->written--;
	}
	ReleaseBuffer(buffer);
}

/* Then no room between earlier rows is used. */
static bool
is_sorted(const Chunk *chunk)
{
	return chunk->range->relid != chunk->shadow->relid;
}

static void
flush(Chunk *chunk)
{
	PgmTarget  *target = chunk->leaf;

	if (chunk->n == 0)
		return;
	table_multi_insert(target->rel, chunk->rows, chunk->n,
					   GetCurrentCommandId(true),
					   is_sorted(chunk) ? TABLE_INSERT_SKIP_FSM : 0,
					   chunk->bulk);
	pgm_index_insert_begin(target->result);
	for (int i = 0; i < chunk->n; i++)
	{
		pgm_insert_index_tuples(target->result, chunk->rows[i],
								target->estate);
		ResetPerTupleExprContext(target->estate);
	}
	pgm_index_insert_end(target->result);
	chunk->written += chunk->n;
	take_out_doubtful(chunk);
	for (int i = 0; i < chunk->n; i++)
		ExecClearTuple(chunk->rows[i]);
	chunk->n = 0;
	chunk->bytes = 0;
}

/* Rows of one partition are written together. */
static void
go_to(Chunk *chunk, PgmTarget *leaf)
{
	if (leaf == NULL)
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("a row of table %s has no partition",
					   chunk->shadow->name));
	if (leaf == chunk->leaf)
		return;
	flush(chunk);
	ReleaseBulkInsertStatePin(chunk->bulk);
	chunk->leaf = leaf;
}

/*
 * The writer that nobody has followed.  Of rows that were copied once none is
 * known: of blocks that are looked at again, and of another file.
 */
static TransactionId
older_than_triggers(const PgmShadow *shadow, const PgmOperationRange *range)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());

	return range->part == 1 && !shadow->mapping.may_collide &&
		next - shadow->before < MAX_AGE ?
		(TransactionId) shadow->before : InvalidTransactionId;
}

/* Its key is not beside then.  Frozen rows keep their xmin. */
static bool
is_only_here(const Chunk *chunk, HeapTupleHeader row)
{
	return TransactionIdIsValid(chunk->before) &&
		TransactionIdPrecedes(HeapTupleHeaderGetRawXmin(row), chunk->before);
}

static void
copy_row(Chunk *chunk, TupleTableSlot *slot)
{
	PgmTarget  *target = chunk->target;
	BlockNumber block = ItemPointerGetBlockNumber(&slot->tts_tid);
	HeapTuple	tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;
	RowFate		fate = row_fate(tuple->t_data, &chunk->other);
	TupleTableSlot *row;
	TransactionId inserter = InvalidTransactionId;
	bool		there;

	if (fate == ROW_GONE)
		return;
	pgm_mapping_fill(chunk->mapping, slot, target->row);
	go_to(chunk, pgm_target_route(target, target->row->tts_values));
	there = !is_only_here(chunk, tuple->t_data) &&
		pgm_target_has(target, target->row->tts_values, &inserter);
	if (TransactionIdIsValid(inserter))
		chunk->other = inserter;
	if (!there && (fate == ROW_IN_DOUBT || TransactionIdIsValid(inserter)))
		add_doubtful(chunk, block);
	if (there || fate == ROW_IN_DOUBT || TransactionIdIsValid(inserter))
	{
		ResetPerTupleExprContext(target->estate);
		return;
	}
	pgm_target_complete(target);
	row = chunk->rows[chunk->n];
	if (row == NULL)
	{
		MemoryContext old;

		old = MemoryContextSwitchTo(target->estate->es_query_cxt);
		row = chunk->rows[chunk->n] =
			MakeSingleTupleTableSlot(target->row->tts_tupleDescriptor,
									 &TTSOpsHeapTuple);
		MemoryContextSwitchTo(old);
	}
	ExecCopySlot(row, target->row);
	ResetPerTupleExprContext(target->estate);
	chunk->tids[chunk->n++] = slot->tts_tid;
	chunk->bytes += ((HeapTupleTableSlot *) row)->tuple->t_len;
	if (chunk->n == BATCH_ROWS || chunk->bytes >= BATCH_BYTES)
		flush(chunk);
}

static void
row_error_callback(void *arg)
{
	TupleTableSlot *slot = arg;

	if (!TTS_EMPTY(slot))
		errcontext("row (%u,%u) of the table that is copied",
				   ItemPointerGetBlockNumberNoCheck(&slot->tts_tid),
				   ItemPointerGetOffsetNumberNoCheck(&slot->tts_tid));
}

/* The next row: of the blocks, or of the places that they have. */
static bool
next_row(Chunk *chunk, TableScanDesc scan, Snapshot snapshot,
		 TupleTableSlot *place, TupleTableSlot *slot)
{
	if (place == NULL)
		return table_scan_getnextslot(scan, ForwardScanDirection, slot);
	while (table_scan_getnextslot(scan, ForwardScanDirection, place))
	{
		bool		isnull;
		Datum		value = slot_getattr(place, 1, &isnull);
		ItemPointer tid = isnull ? NULL : (ItemPointer) DatumGetPointer(value);

		/* one that was vacuumed away since may be beyond the end */
		if (tid != NULL && ItemPointerIsValid(tid) &&
			ItemPointerGetBlockNumber(tid) < chunk->nblocks &&
			table_tuple_fetch_row_version(chunk->rel, tid, snapshot, slot))
			return true;
	}
	return false;
}

static void
scan_blocks(Chunk *chunk, Snapshot snapshot)
{
	TupleTableSlot *slot = table_slot_create(chunk->rel, NULL);
	bool		sorted = is_sorted(chunk);
	Relation	scanned = sorted ? table_open(chunk->range->relid,
											  AccessShareLock) : chunk->rel;
	TupleTableSlot *place = sorted ? table_slot_create(scanned, NULL) : NULL;
	TableScanDesc scan = table_beginscan_strat(scanned, snapshot, 0, NULL,
											   true, false);
	ErrorContextCallback callback = {error_context_stack, row_error_callback,
	slot};

	error_context_stack = &callback;
	chunk->nblocks = RelationGetNumberOfBlocks(chunk->rel);
	heap_setscanlimits(scan, chunk->first, chunk->end - chunk->first);
	while (next_row(chunk, scan, snapshot, place, slot))
	{
		CHECK_FOR_INTERRUPTS();
		copy_row(chunk, slot);
	}
	ExecClearTuple(slot);
	error_context_stack = callback.previous;
	flush(chunk);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	if (sorted)
	{
		ExecDropSingleTupleTableSlot(place);
		table_close(scanned, NoLock);
	}
}

/* Blocks that have to be looked at again become ranges of their own. */
static void
put_off_doubtful(Chunk *chunk, int part)
{
	PgmOperationRange range = *chunk->range;
	ListCell   *lc;

	range.relid = chunk->shadow->relid;
	range.end = InvalidBlockNumber;
	foreach(lc, chunk->doubtful)
	{
		BlockNumber block = (BlockNumber) lfirst_int(lc);

		if (range.end == block)
		{
			range.end = block + 1;
			continue;
		}
		if (range.end != InvalidBlockNumber)
			pgm_operation_add_range(&range);
		range.part = ++part;
		range.first = range.next = block;
		range.end = block + 1;
	}
	if (range.end != InvalidBlockNumber)
		pgm_operation_add_range(&range);
}

static void
limit_waits(void)
{
	(void) set_config_option("lock_timeout", CHUNK_LOCK_TIMEOUT, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	(void) set_config_option("deadlock_timeout", CHUNK_DEADLOCK_TIMEOUT,
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
							 0, false);
}

/* In a transaction: the rows of the blocks, and the progress. */
static void
copy_chunk(Chunk *chunk, int parts)
{
	PgmShadow  *shadow = chunk->shadow;
	PgmOwnerScope scope;
	Snapshot	snapshot;
	Relation	beside;

	limit_waits();
	chunk->rel = table_open(shadow->relid, AccessShareLock);
	beside = table_open(shadow->beside, RowExclusiveLock);
	pgm_owner_enter(&scope, shadow->owner);
	pgm_owner_pin(shadow->settings, shadow->nsettings);
	chunk->before = older_than_triggers(shadow, chunk->range);
	chunk->target = pgm_target_create(shadow->beside,
									  pgm_layout_key_now(shadow->beside,
														 shadow->beside_key));
	chunk->mapping = pgm_mapping_compile(shadow->mapping.columns, chunk->rel,
										 beside, chunk->target->estate);
	pgm_target_open(chunk->target, RowExclusiveLock);
	chunk->bulk = GetBulkInsertState();
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	PushActiveSnapshot(snapshot);
	scan_blocks(chunk, snapshot);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	FreeBulkInsertState(chunk->bulk);
	for (int i = 0; i < BATCH_ROWS && chunk->rows[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(chunk->rows[i]);
	pgm_target_close(chunk->target);
	pgm_target_free(chunk->target);
	pgm_owner_leave(&scope);
	table_close(beside, NoLock);
	table_close(chunk->rel, NoLock);

	put_off_doubtful(chunk, parts);
	pgm_operation_range_done(chunk->range, chunk->end, chunk->written);
}

/* ---- from range to range */

/* The range that comes next, the sums of all, and the number of parts. */
static PgmOperationRange *
next_range(List *ranges, int64 *done, int64 *total, int *parts)
{
	PgmOperationRange *result = NULL;
	ListCell   *lc;

	*done = *total = 0;
	*parts = 0;
	foreach(lc, ranges)
	{
		PgmOperationRange *range = lfirst(lc);

		*done += range->next - range->first;
		*total += range->end - range->first;
		*parts = Max(*parts, range->part);
		if (result == NULL && range->next < range->end)
			result = range;
	}
	return result;
}

static BlockNumber
blocks_of(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	BlockNumber result = RelationGetNumberOfBlocks(rel);

	table_close(rel, NoLock);
	return result;
}

/* Are the places of the rows as they were when they were sorted? */
static bool
are_places_kept(const PgmShadow *shadow, const PgmOperationRange *range)
{
	return range->relid == shadow->relid ||
		(range->relid == pgm_rows_table(shadow) &&
		 blocks_of(range->relid) >= range->end);
}

/* From the mark as it is now, which is after the triggers. */
static List *
begin_ranges(PgmShadow *shadow, bool again)
{
	Relation	rel = table_open(shadow->relid, AccessShareLock);
	PgmOperationRange range = {shadow->operation->id, again ? 2 : 1};

	pgm_operation_drop_ranges(shadow->operation->id);
	range.relid = shadow->relid;
	range.filenode = rel->rd_rel->relfilenode;
	range.end = RelationGetNumberOfBlocks(rel);
	table_close(rel, NoLock);
	if (shadow->order_by != NULL)
	{
		range.relid = pgm_rows_sort(shadow);
		range.end = blocks_of(range.relid);
	}
	pgm_operation_add_range(&range);
	return pgm_operation_ranges(shadow->operation->id);
}

/*
 * In a transaction.  VACUUM FULL, CLUSTER and TRUNCATE move all rows to
 * another file; who moved them did not fire a trigger, but what is copied is
 * copied.
 */
static List *
read_ranges(PgmShadow *shadow)
{
	List	   *ranges = pgm_operation_ranges(shadow->operation->id);
	Relation	rel = table_open(shadow->relid, AccessShareLock);
	Oid			filenode = rel->rd_rel->relfilenode;

	table_close(rel, NoLock);
	if (ranges != NIL &&
		((PgmOperationRange *) linitial(ranges))->filenode == filenode &&
		are_places_kept(shadow, linitial(ranges)))
		return ranges;
	return begin_ranges(shadow, ranges != NIL);
}

/* The same block again at once would be a busy wait. */
static void
wait_for(PgmShadow *shadow, TransactionId other)
{
	pgm_txn_begin();
	pgm_operation_set_waiting(shadow->operation->id,
							  psprintf("transaction %u", other));
	pgm_txn_commit();
	pgm_txn_begin();
	XactLockTableWait(other, NULL, NULL, XLTW_None);
	pgm_txn_commit();
	pgm_txn_begin();
	pgm_operation_set_waiting(shadow->operation->id, NULL);
	pgm_txn_commit();
}

/* One chunk; false if there is nothing left. */
static bool
copy_next(PgmShadow *shadow, int chunk_time, BlockNumber *blocks,
		  TransactionId *other)
{
	Chunk	   *chunk = palloc0(sizeof(Chunk));
	int64		start = pgm_clock_monotonic();
	int64		done;
	int64		total;
	int			parts;
	int64		took;

	pgm_txn_begin_block();
	LockRelationOid(shadow->relid, AccessShareLock);
	pgm_shadow_check(shadow);
	chunk->shadow = shadow;
	chunk->range = next_range(read_ranges(shadow), &done, &total, &parts);
	if (chunk->range == NULL)
	{
		pgm_txn_commit();
		return false;
	}
	chunk->first = chunk->range->next;
	chunk->end = Min(chunk->range->end, chunk->first + *blocks);
	copy_chunk(chunk, parts);
	pgm_operation_set_progress(shadow->operation->id,
							   done + chunk->end - chunk->first, total,
							   "blocks");
	pgm_txn_commit_async();

	took = (pgm_clock_monotonic() - start) / 1000;
	if (took > chunk_time / 2)
		*blocks = Max(*blocks / 2, 1);
	else if (took < chunk_time / 4)
		*blocks = Min(*blocks * 2, MAX_BLOCKS);

	/* nothing but what somebody else has in work */
	*other = chunk->written == 0 && chunk->range->part > 1 &&
		chunk->doubtful != NIL ? chunk->other : InvalidTransactionId;
	return true;
}

static bool
is_passing(int sqlstate)
{
	return sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlstate == ERRCODE_UNIQUE_VIOLATION ||
		sqlstate == ERRCODE_EXCLUSION_VIOLATION;
}

/*
 * With a retry.  What is unique in the table is so in its copy, so a violation
 * is a matter of time, unless the change makes different keys the same.
 */
static bool
copy_next_surely(PgmShadow *shadow, int chunk_time, BlockNumber *blocks,
				 TransactionId *other)
{
	volatile bool more = false;

	for (volatile int tries = 0;; tries++)
	{
		volatile bool failed = false;

		PG_TRY();
		{
			more = copy_next(shadow, chunk_time, blocks, other);
		}
		PG_CATCH();
		{
			int			sqlstate = geterrcode();

			if (tries >= MAX_TRIES || !is_passing(sqlstate))
				PG_RE_THROW();
			MemoryContextSwitchTo(shadow->context);
			FlushErrorState();
			pgm_shadow_abort(shadow, sqlstate);
			failed = true;
		}
		PG_END_TRY();
		if (!failed)
			return more;
		*blocks = Max(*blocks / 4, 1);
		CHECK_FOR_INTERRUPTS();
		pgm_clock_wait(10);
	}
}

void
pgm_shadow_copy(PgmShadow *shadow)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate copy",
												  ALLOCSET_DEFAULT_SIZES);
	PgmGiveWay *way = pgm_give_way_create(shadow->operation,
										  shadow->request->exec,
										  shadow->beside);
	BlockNumber blocks = FIRST_BLOCKS;
	TransactionId other = InvalidTransactionId;
	MemoryContext old = MemoryContextSwitchTo(context);

	pgm_give_way(way);
	while (copy_next_surely(shadow, pgm_give_way_chunk_time(way), &blocks,
							&other))
	{
		CHECK_FOR_INTERRUPTS();
		pgm_give_way(way);
		if (TransactionIdIsValid(other))
			wait_for(shadow, other);
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * A snapshot that is older than the last row of the copy does not see it, and
 * would miss rows after the switch.  Those that are taken from now on do.
 */
void
pgm_shadow_wait_for_old_snapshots(PgmShadow *shadow)
{
	VirtualTransactionId *others;
	TransactionId limit;
	int			n;

	pgm_txn_begin();
	limit = ReadNextTransactionId();
	others = GetCurrentVirtualXIDs(limit, true, false,
								   PROC_IS_AUTOVACUUM | PROC_IN_VACUUM, &n);
	if (n > 0)
		pgm_operation_set_waiting(shadow->operation->id,
								  psprintf("snapshots older than transaction %u",
										   limit));
	pgm_txn_commit();
	for (int i = 0; i < n; i++)
	{
		pgm_txn_begin();
		(void) VirtualXactLock(others[i], true);
		pgm_txn_commit();
	}
	pgm_txn_begin();
	pgm_operation_set_waiting(shadow->operation->id, NULL);
	pgm_txn_commit();
}
