/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  Prove that the table beside has the same rows.
 *
 * The dual write is in the transaction of the writer, so under any snapshot
 * both tables must have the same rows, and need no lock to be compared.  Each
 * is read once, and what is compared is how many rows there are and the sums
 * of two hashes of each; the order of rows does not matter.  If they differ,
 * the rows that do are looked up by their keys.
 *
 * Between the comparison and the switch the triggers keep them the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "compat/modify.h"
#include "online/beside.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/mapping.h"
#include "online/owner.h"
#include "online/sync_trigger.h"
#include "online/target.h"

/* Rows that are named. */
#define MAX_NAMED 5

typedef struct Sum
{
	int64		rows;
	uint64		a;
	uint64		b;
} Sum;

typedef struct Comparison
{
	PgmShadow  *shadow;
	Relation	rel;
	Relation	beside;
	Snapshot	snapshot;
	PgmTarget  *target;
	PgmMapping *mapping;
	int64		differences;
	StringInfoData named;
} Comparison;

/* What is generated beside follows from the rest. */
static bool
is_compared(TupleDesc desc, int i)
{
	return !TupleDescAttr(desc, i)->attisdropped &&
		TupleDescAttr(desc, i)->attgenerated == '\0';
}

/* Each bit of the result depends on each of the number. */
static inline uint64
mix(uint64 number)
{
	number = (number ^ (number >> 33)) * UINT64CONST(0xff51afd7ed558ccd);
	number = (number ^ (number >> 33)) * UINT64CONST(0xc4ceb9fe1a85ec53);
	return number ^ (number >> 33);
}

static uint64
value_hash(Datum value, Form_pg_attribute att)
{
	struct varlena *packed;
	uint64		result;

	if (att->attbyval)
		return (uint64) value;
	if (att->attlen > 0)
		return hash_bytes_extended((unsigned char *) DatumGetPointer(value),
								   att->attlen, 0);
	if (att->attlen == -2)
		return hash_bytes_extended((unsigned char *) DatumGetCString(value),
								   strlen(DatumGetCString(value)), 0);
	packed = PG_DETOAST_DATUM_PACKED(value);
	result = hash_bytes_extended((unsigned char *) VARDATA_ANY(packed),
								 VARSIZE_ANY_EXHDR(packed), 0);
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
	return result;
}

/* The bytes of a value are read once: to mix what comes of them is cheap. */
static void
add_row(Sum *sum, TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	uint64		a = 0;
	uint64		b = UINT64CONST(0x9e3779b97f4a7c15);

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		uint64		value = 0;

		if (!is_compared(desc, i))
			continue;
		if (!slot->tts_isnull[i])
			value = value_hash(slot->tts_values[i], TupleDescAttr(desc, i));
		a = mix(a + value) + slot->tts_isnull[i];
		b = mix(b ^ value) * 3 + slot->tts_isnull[i];
	}
	sum->rows++;
	sum->a += a;
	sum->b += b;
}

/* Each row of a relation, mapped or as it is. */
static void
each_row(Comparison *comparison, Relation rel,
		 void (*work) (Comparison *comparison, TupleTableSlot *slot,
					   void *arg), void *arg)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan_strat(rel, comparison->snapshot, 0,
											   NULL, true, false);
	ExprContext *context =
		GetPerTupleExprContext(comparison->target->estate);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old =
			MemoryContextSwitchTo(context->ecxt_per_tuple_memory);

		CHECK_FOR_INTERRUPTS();
		work(comparison, slot, arg);
		MemoryContextSwitchTo(old);
		ResetExprContext(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

static void
sum_mapped(Comparison *comparison, TupleTableSlot *slot, void *arg)
{
	pgm_mapping_fill(comparison->mapping, slot, comparison->target->row);
	add_row(arg, comparison->target->row);
}

static void
sum_beside(Comparison *comparison, TupleTableSlot *slot, void *arg)
{
	add_row(arg, slot);
}

/* Is this row beside, and the same?  Counts it if so. */
static void
find_row(Comparison *comparison, TupleTableSlot *slot, void *arg)
{
	PgmTarget  *target = comparison->target;
	int64	   *same = arg;
	PgmTarget  *leaf;
	Sum			here = {0};
	Sum			there = {0};

	pgm_mapping_fill(comparison->mapping, slot, target->row);
	add_row(&here, target->row);
	leaf = pgm_target_route(target, target->row->tts_values);
	if (leaf != NULL &&
		pgm_key_lookup(&leaf->key, leaf->rel, pgm_target_key_index(leaf),
					   comparison->snapshot, target->row->tts_values,
					   target->found))
		add_row(&there, target->found);
	ExecClearTuple(target->found);
	if (there.rows == 1 && here.a == there.a && here.b == there.b)
	{
		(*same)++;
		return;
	}
	comparison->differences++;
	if (comparison->differences <= MAX_NAMED)
		appendStringInfo(&comparison->named, "%s(%u,%u)",
						 comparison->named.len > 0 ? ", " : "",
						 ItemPointerGetBlockNumberNoCheck(&slot->tts_tid),
						 ItemPointerGetOffsetNumberNoCheck(&slot->tts_tid));
}

static void
sum_all_beside(Comparison *comparison, Sum *sum)
{
	List	   *leaves;
	ListCell   *lc;

	if (comparison->target->nleaves == 0)
	{
		each_row(comparison, comparison->beside, sum_beside, sum);
		return;
	}
	leaves = find_inheritance_children(comparison->shadow->beside,
									   AccessShareLock);
	foreach(lc, leaves)
	{
		Relation	leaf = table_open(lfirst_oid(lc), NoLock);

		each_row(comparison, leaf, sum_beside, sum);
		table_close(leaf, NoLock);
	}
}

static void
compare(Comparison *comparison)
{
	Sum			here = {0};
	Sum			there = {0};
	int64		same = 0;

	each_row(comparison, comparison->rel, sum_mapped, &here);
	sum_all_beside(comparison, &there);
	if (here.rows == there.rows && here.a == there.a && here.b == there.b)
		return;
	each_row(comparison, comparison->rel, find_row, &same);
	comparison->differences += there.rows - same -
		(comparison->differences - (here.rows - same));
	comparison->differences = Max(comparison->differences, 1);
}

/* With one snapshot for both. */
static void
compare_tables(Comparison *comparison)
{
	PgmShadow  *shadow = comparison->shadow;
	PgmOwnerScope scope;

	LockRelationOid(shadow->relid, AccessShareLock);
	pgm_shadow_check(shadow);
	comparison->rel = table_open(shadow->relid, NoLock);
	comparison->beside = table_open(shadow->beside, AccessShareLock);
	pgm_owner_enter(&scope, shadow->owner);
	pgm_owner_pin(shadow->settings, shadow->nsettings);
	comparison->target =
		pgm_target_create(shadow->beside,
						  pgm_layout_key_now(shadow->beside,
											 shadow->beside_key));
	comparison->mapping = pgm_mapping_compile(shadow->mapping.columns,
											  comparison->rel,
											  comparison->beside,
											  comparison->target->estate);
	pgm_target_open(comparison->target, AccessShareLock);
	comparison->snapshot = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(comparison->snapshot);
	compare(comparison);
	PopActiveSnapshot();
	UnregisterSnapshot(comparison->snapshot);
	pgm_target_close(comparison->target);
	pgm_target_free(comparison->target);
	pgm_owner_leave(&scope);
	table_close(comparison->beside, NoLock);
	table_close(comparison->rel, NoLock);
}

/* In a worker, outside of a transaction. */
void
pgm_shadow_compare(PgmShadow *shadow)
{
	Comparison	comparison = {shadow};

	initStringInfo(&comparison.named);
	pgm_txn_begin();
	compare_tables(&comparison);
	pgm_operation_set_differences(shadow->operation->id,
								  comparison.differences);
	pgm_txn_commit();
	if (comparison.differences > 0)
		ereport(ERROR,
				errcode(ERRCODE_DATA_EXCEPTION),
				errmsg_plural(INT64_FORMAT " row of table %s differs from its copy",
							  INT64_FORMAT " rows of table %s differ from their copies",
							  (unsigned long) comparison.differences,
							  comparison.differences, shadow->name),
				comparison.named.len == 0 ? 0 :
				errdetail("Rows at %s.", comparison.named.data),
				errhint("A row that does not fit into the new form is left out of the copy: change or delete it, and run the change again."));
}

/* Rows that did not fit when they were written, since this was asked last. */
int64
pgm_shadow_unfit(PgmShadow *shadow, bool forget)
{
	Oid			unfit = get_relname_relid(PGM_UNFIT_TABLE,
										  get_namespace_oid(shadow->schema,
															false));

	if (OidIsValid(shadow->beside))
		unfit = pgm_unfit_of(shadow->beside);
	if (forget)
		pgm_unfit_forget(unfit, NULL);
	return forget ? 0 : pgm_unfit_count(unfit, NULL);
}
