/*-------------------------------------------------------------------------
 *
 * sync_row.c
 *	  The table beside follows a change of a row.
 *
 * Events may come in another order than the changes: a trigger or a function
 * of the user that writes to the same table has its events first.  So a new
 * version that is not the live one any more is left to the event of the one
 * that is, and a key is removed only if no live row has it.
 *
 * A value that does not fit into the table beside must not fail the writer,
 * who knows nothing of it: the row is taken out there and its key is noted.
 * The noted rows are in the way of the switch, or of the way back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "compat/modify.h"
#include "online/beside.h"
#include "online/sync.h"

/* A row on its way. */
typedef struct Change
{
	PgmSync    *sync;
	TupleTableSlot *old;		/* of the same key, and beside; or NULL */
	TupleTableSlot *new;
	bool		found;
	bool		done;
	bool		unproven;		/* computed, and not what it should be */
} Change;

/*
 * Is it about the server, or about how transactions meet, which is the
 * writer's own matter?  All else is about the row, or about functions that
 * compute it: a value as to_tsquery() reads it may be a syntax error, one that
 * is too long for an index or a type exceeds a limit, and a function may have
 * been dropped.
 */
static bool
is_about_server(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('2', '5', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '0', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '3', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '5', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '7', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '8', '0', '0', '0'):
		case MAKE_SQLSTATE('7', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('X', 'X', '0', '0', '0'):
			return true;
		default:
			return false;
	}
}

bool
pgm_sync_attempt(void (*work) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;
	int			level = pgm_txn_begin_sub();

	PG_TRY();
	{
		work(arg);
		pgm_txn_release_sub();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();

		/*
		 * before the error goes on, or the writer's session waits for
		 * ROLLBACK
		 */
		pgm_txn_rollback_sub(level);
		CurrentResourceOwner = owner;
		if (is_about_server(edata->sqlerrcode))
			ReThrowError(edata);
		FreeErrorData(edata);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static bool
guarded(bool may_fail, void (*work) (void *arg), Change *change)
{
	if (may_fail)
		return pgm_sync_attempt(work, change);
	work(change);
	return true;
}

static void
set_column(Change *change, AttrNumber column)
{
	PgmTarget  *target = change->sync->target;

	target->row->tts_values[column - 1] =
		pgm_mapping_value(change->sync->mapping, column, change->new,
						  &target->row->tts_isnull[column - 1]);
	if (!pgm_mapping_proven(change->sync->mapping, column, change->new))
		change->unproven = true;
}

/* False if it does not fit. */
static bool
compute(Change *change, void (*set) (void *arg))
{
	change->unproven = false;
	return guarded(change->sync->evaluate_may_fail, set, change) &&
		!change->unproven;
}

static void
set_key(void *arg)
{
	Change	   *change = arg;
	PgmTarget  *target = change->sync->target;

	ExecClearTuple(target->row);
	for (int i = 0; i < target->key.n; i++)
		set_column(change, target->key.columns[i]);
}

static bool
is_key_column(const PgmKey *key, AttrNumber column)
{
	for (int i = 0; i < key->n; i++)
		if (key->columns[i] == column)
			return true;
	return false;
}

/*
 * The rest of the row.  What has not changed stays as it is there: nothing is
 * computed, and what is kept out of line is not written again.
 */
static void
set_columns(void *arg)
{
	Change	   *change = arg;
	PgmSync    *sync = change->sync;
	PgmTarget  *target = sync->target;

	if (change->found && change->old != NULL)
		slot_getallattrs(target->found);
	for (int i = 1; i <= sync->mapping->ncolumns; i++)
	{
		if (is_key_column(&target->key, i))
			continue;
		if (change->found && change->old != NULL &&
			pgm_mapping_unchanged(sync->mapping, i, change->old, change->new))
		{
			target->row->tts_values[i - 1] = target->found->tts_values[i - 1];
			target->row->tts_isnull[i - 1] = target->found->tts_isnull[i - 1];
		}
		else
			set_column(change, i);
	}
	ExecStoreVirtualTuple(target->row);
}

/* False if it does not fit. */
static bool
compute_key(Change *change)
{
	PgmSync    *sync = change->sync;

	for (int i = 0; i < sync->target->key.n; i++)
		if (!pgm_mapping_fits(sync->mapping, sync->target->key.columns[i],
							  change->new))
			return false;
	return compute(change, set_key);
}

static bool
compute_columns(Change *change)
{
	PgmSync    *sync = change->sync;

	for (int i = 1; i <= sync->mapping->ncolumns; i++)
		if (!pgm_mapping_fits(sync->mapping, i, change->new))
			return false;
	return compute(change, set_columns);
}

static void
write_row(void *arg)
{
	Change	   *change = arg;

	if (change->found)
		change->done = pgm_target_update(change->sync->target);
	else
	{
		pgm_target_insert(change->sync->target);
		change->done = true;
	}
}

static char *
key_text(const PgmSync *sync, Relation source, TupleTableSlot *slot)
{
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < sync->source_key.n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source),
											  sync->source_key.columns[i] - 1);
		bool		isnull;
		Datum		value = slot_getattr(slot, att->attnum, &isnull);
		Oid			output;
		bool		varlena;

		getTypeOutputInfo(att->atttypid, &output, &varlena);
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(att->attname)));
		appendStringInfo(&values, "%s%s", i > 0 ? ", " : "",
						 isnull ? "null" :
						 OidOutputFunctionCall(output, value));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

static void
note_unfit(const PgmSync *sync, Relation source, TupleTableSlot *slot)
{
	pgm_unfit_note(pgm_unfit_of(sync->target->relid),
				   key_text(sync, source, slot));
}

void
pgm_sync_note_estranged(Oid unfit)
{
	pgm_unfit_note(unfit, PGM_ESTRANGED_KEY);
}

/*
 * After the switch a row is not beside only if it did not fit: now it does, or
 * it is gone.
 */
static void
forget_unfit(const PgmSync *sync, Relation source, TupleTableSlot *old)
{
	if (sync->back && old != NULL)
		pgm_unfit_forget(pgm_unfit_of(sync->target->relid),
						 key_text(sync, source, old));
}

/*
 * Which row of before one with such a key was nobody knows, unless it is known
 * that it is not beside.
 */
static void
note_lost(const PgmSync *sync, Relation source, TupleTableSlot *slot)
{
	Oid			unfit = pgm_unfit_of(sync->target->relid);

	if (pgm_unfit_count(unfit, key_text(sync, source, slot)) == 0)
		pgm_sync_note_estranged(unfit);
}

static void
remove_found(PgmSync *sync)
{
	while (!pgm_target_delete(sync->target) &&
		   pgm_target_find(sync->target, sync->target->row->tts_values))
		;
}

/* The old version, if it is beside, or NULL. */
static void
put_row(PgmSync *sync, Relation source, TupleTableSlot *old,
		TupleTableSlot *new, bool update)
{
	Change		change = {sync, old, new};

	for (;;)
	{
		if (!compute_key(&change))
		{
			if (change.unproven && old != NULL)
				note_lost(sync, source, old);
			note_unfit(sync, source, new);
			return;
		}
		if (pgm_target_route(sync->target,
							 sync->target->row->tts_values) == NULL)
		{
			note_unfit(sync, source, new);
			return;
		}
		change.found = pgm_target_find(sync->target,
									   sync->target->row->tts_values);
		if (!compute_columns(&change) ||
			!guarded(sync->write_may_fail, write_row, &change))
		{
			if (change.found)
				remove_found(sync);
			note_unfit(sync, source, new);
			return;
		}
		if (!change.done)
			continue;
		if (update && !change.found)
			forget_unfit(sync, source, new);
		return;
	}
}

static void
remove_row(PgmSync *sync, Relation source, TupleTableSlot *old, bool beside)
{
	Change		change = {sync, NULL, old};

	if (compute_key(&change) &&
		pgm_target_find(sync->target, sync->target->row->tts_values))
	{
		remove_found(sync);
		return;
	}
	if (change.unproven && beside)
		note_lost(sync, source, old);
	forget_unfit(sync, source, old);
}

/*
 * The key changes: as an update, so that what has not changed stays as it is
 * beside.  False if it has to be done in another way.
 */
static bool
move_row(PgmSync *sync, Relation source, TupleTableSlot *old,
		 TupleTableSlot *new)
{
	PgmTarget  *target = sync->target;
	Change		change = {sync, NULL, old};
	Datum	   *key = palloc0(sizeof(Datum) * sync->mapping->ncolumns);
	const PgmTarget *leaf;

	if (!compute_key(&change))
		return false;
	for (int i = 0; i < target->key.n; i++)
	{
		AttrNumber	column = target->key.columns[i];
		Form_pg_attribute att =
			TupleDescAttr(target->row->tts_tupleDescriptor, column - 1);

		key[column - 1] = datumCopy(target->row->tts_values[column - 1],
									att->attbyval, att->attlen);
	}
	change.old = old;
	change.new = new;
	change.found = pgm_target_find(target, key);
	if (!change.found ||
		!compute_key(&change) ||
		!compute_columns(&change))
		return false;
	ExecMaterializeSlot(target->row);
	leaf = pgm_target_route(target, target->row->tts_values);
	if (leaf == NULL || pgm_target_find(target, target->row->tts_values) ||
		!pgm_target_find(target, key) || pgm_target_leaf(target) != leaf)
		return false;
	return guarded(sync->write_may_fail, write_row, &change) && change.done;
}

static bool
same_key(const PgmSync *sync, Relation source, TupleTableSlot *old,
		 TupleTableSlot *new)
{
	for (int i = 0; i < sync->source_key.n; i++)
	{
		AttrNumber	column = sync->source_key.columns[i];
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source),
											  column - 1);
		bool		old_null;
		bool		new_null;
		Datum		a = slot_getattr(old, column, &old_null);
		Datum		b = slot_getattr(new, column, &new_null);

		if (old_null || new_null ||
			!datum_image_eq(a, b, att->attbyval, att->attlen))
			return false;
	}
	return true;
}

/* Has a row that is live now the key of this one? */
static bool
key_is_live(PgmSync *sync, Relation source, TupleTableSlot *slot)
{
	Relation	index = index_open(sync->source_key.index, AccessShareLock);
	bool		result;

	slot_getallattrs(slot);
	result = pgm_key_lookup(&sync->source_key, source, index, SnapshotSelf,
							slot->tts_values, sync->source_slot);
	ExecClearTuple(sync->source_slot);
	index_close(index, NoLock);
	return result;
}

/*
 * Is this version beside already?  The event of one that we wrote ourselves
 * may be still to come.
 */
static bool
is_followed(TupleTableSlot *slot)
{
	HeapTuple	tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;
	TransactionId writer = HeapTupleHeaderGetXmin(tuple->t_data);

	return !TransactionIdIsCurrentTransactionId(writer);
}

void
pgm_sync_follow(PgmSync *sync, Relation source, TupleTableSlot *old,
				TupleTableSlot *new)
{
	bool		same = old != NULL && new != NULL &&
		same_key(sync, source, old, new);
	bool		moved = old != NULL && !same &&
		!key_is_live(sync, source, old);
	bool		beside = old != NULL && is_followed(old);

	if (new != NULL &&
		!table_tuple_satisfies_snapshot(source, new, SnapshotSelf))
		new = NULL;
	if (moved && beside && new != NULL && move_row(sync, source, old, new))
		return;
	if (moved)
		remove_row(sync, source, old, beside);
	if (new != NULL)
		put_row(sync, source, same && beside ? old : NULL, new, old != NULL);
}
