/*-------------------------------------------------------------------------
 *
 * column_compare.c
 *	  Prove that a column and its double have the same values.
 *
 * Both are in one row, so any snapshot shows whether they agree.  Each row is
 * read once, and what follows is computed anew; where it cannot be, the
 * error is what a plain change would have said.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/transaction.h"
#include "online/column_internal.h"
#include "online/owner.h"
#include "online/sync.h"

/* Rows that are named. */
#define MAX_NAMED 5

typedef struct Comparison
{
	PgmShadow  *shadow;
	PgmColumnSpec *spec;
	Relation	rel;
	EState	   *estate;
	PgmMapping **mappings;		/* of each pair */
	TupleTableSlot *slot;
	int			pair;
	bool		agrees;
	bool		tries;			/* an error is a difference */
	int64		differences;
	StringInfoData named;
} Comparison;

static void
error_callback(void *arg)
{
	const Comparison *comparison = arg;

	if (comparison->slot == NULL || TTS_EMPTY(comparison->slot))
		return;
	errcontext("row (%u,%u) of table \"%s\"",
			   ItemPointerGetBlockNumberNoCheck(&comparison->slot->tts_tid),
			   ItemPointerGetOffsetNumberNoCheck(&comparison->slot->tts_tid),
			   RelationGetRelationName(comparison->rel));
}

static void
refuse_null(const Comparison *comparison, AttrNumber column)
{
	const char *name = NameStr(TupleDescAttr(RelationGetDescr(comparison->rel),
											 column - 1)->attname);

	ereport(ERROR,
			errcode(ERRCODE_NOT_NULL_VIOLATION),
			errmsg("column \"%s\" of relation \"%s\" contains null values",
				   name, RelationGetRelationName(comparison->rel)),
			errtablecol(comparison->rel, column));
}

static void
compare_pair(void *arg)
{
	Comparison *comparison = arg;
	const PgmColumnPair *pair = &comparison->spec->pairs[comparison->pair];
	Form_pg_attribute att =
		TupleDescAttr(RelationGetDescr(comparison->rel), pair->follow - 1);
	bool		here_null;
	bool		there_null;
	Datum		here =
		pgm_mapping_value(comparison->mappings[comparison->pair], 1,
						  comparison->slot, &here_null);
	Datum		there = slot_getattr(comparison->slot, pair->follow,
									 &there_null);

	comparison->agrees = here_null || there_null ? here_null && there_null :
		datum_image_eq(here, there, att->attbyval, att->attlen);
	if (pair->not_null && here_null && comparison->tries)
		comparison->agrees = false;
	else if (pair->not_null && here_null)
		refuse_null(comparison, pair->lead);
	if (comparison->tries &&
		!pgm_mapping_proven(comparison->mappings[comparison->pair],
							1, comparison->slot))
		comparison->agrees = false;
}

/*
 * What does not fit is null.  Any other value is that of before, or was made
 * when it was written.
 */
static bool
is_kept(const Comparison *comparison)
{
	bool		isnull;

	(void) slot_getattr(comparison->slot,
						comparison->spec->pairs[comparison->pair].follow,
						&isnull);
	return !isnull;
}

static void
compare_row(Comparison *comparison)
{
	bool		agrees = true;

	for (int i = 0; i < comparison->spec->n && agrees; i++)
	{
		comparison->pair = i;
		if (!comparison->tries)
			compare_pair(comparison);
		else if (is_kept(comparison))
			comparison->agrees = true;
		else if (!pgm_sync_attempt(compare_pair, comparison))
			comparison->agrees = false;
		agrees = comparison->agrees;
	}
	if (agrees)
		return;
	if (comparison->differences++ < MAX_NAMED)
		appendStringInfo(&comparison->named, "%s(%u,%u)",
						 comparison->named.len > 0 ? ", " : "",
						 ItemPointerGetBlockNumberNoCheck(&comparison->slot->tts_tid),
						 ItemPointerGetOffsetNumberNoCheck(&comparison->slot->tts_tid));
}

static void
compare_rows(Comparison *comparison)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan;
	ErrorContextCallback callback = {error_context_stack, error_callback,
	comparison};

	PushActiveSnapshot(snapshot);
	error_context_stack = &callback;
	comparison->slot = table_slot_create(comparison->rel, NULL);
	scan = table_beginscan_strat(comparison->rel, snapshot, 0, NULL, true,
								 false);
	while (table_scan_getnextslot(scan, ForwardScanDirection,
								  comparison->slot))
	{
		CHECK_FOR_INTERRUPTS();
		compare_row(comparison);
		ResetPerTupleExprContext(comparison->estate);
	}
	table_endscan(scan);
	error_context_stack = callback.previous;
	ExecDropSingleTupleTableSlot(comparison->slot);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
}

/* In a transaction that has locked the table, with the owner's rights. */
static void
compare_table(Comparison *comparison, Oid relid)
{
	PgmShadow  *shadow = comparison->shadow;
	PgmColumnSpec spec;
	PgmOwnerScope scope;

	if (!pgm_column_trigger_read(relid, shadow->operation->id, &spec))
		return;
	comparison->spec = &spec;
	comparison->rel = table_open(relid, NoLock);
	pgm_owner_enter(&scope, shadow->owner);
	pgm_owner_pin(spec.settings, spec.nsettings);
	comparison->estate = CreateExecutorState();
	comparison->mappings = palloc(sizeof(PgmMapping *) * spec.n);
	for (int i = 0; i < spec.n; i++)
		comparison->mappings[i] =
			pgm_mapping_compile_within(spec.pairs[i].forth.columns,
									   comparison->rel, spec.pairs[i].follow,
									   comparison->estate);
	compare_rows(comparison);
	FreeExecutorState(comparison->estate);
	pgm_owner_leave(&scope);
	table_close(comparison->rel, NoLock);
}

static void
compare_tables(Comparison *comparison, List *members)
{
	ListCell   *lc;

	initStringInfo(&comparison->named);
	foreach(lc, members)
		compare_table(comparison, lfirst_oid(lc));
}

void
pgm_column_compare(PgmShadow *shadow)
{
	Comparison	comparison = {shadow};
	List	   *members;

	pgm_txn_begin();
	LockRelationOid(shadow->relid, AccessShareLock);
	members = find_all_inheritors(shadow->relid, AccessShareLock, NULL);
	pgm_shadow_check(shadow);
	compare_tables(&comparison, members);
	pgm_operation_set_differences(shadow->operation->id,
								  comparison.differences);
	pgm_txn_commit();
	if (comparison.differences > 0)
		ereport(ERROR,
				errcode(ERRCODE_DATA_EXCEPTION),
				errmsg_plural(INT64_FORMAT " row of table %s differs from its double",
							  INT64_FORMAT " rows of table %s differ from their doubles",
							  (unsigned long) comparison.differences,
							  comparison.differences, shadow->name),
				errdetail("Rows at %s.", comparison.named.data));
}

int64
pgm_column_count_unfit(PgmShadow *shadow)
{
	Comparison	comparison = {shadow};

	comparison.tries = true;
	compare_tables(&comparison, pgm_column_members(shadow));
	return comparison.differences;
}
