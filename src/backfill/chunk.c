/*-------------------------------------------------------------------------
 *
 * chunk.c
 *	  One chunk: a transaction that changes its rows and says so.
 *
 * What becomes of a try:
 *
 *	done		committed, with the range's row
 *	moved		the table has another file: nothing was done
 *	repeat		a deadlock, a serialization failure, a lock that was not
 *				to be had soon: smaller, and after a while
 *	failed		smaller, until it is one row, which is named
 *
 * A row that somebody else has locked is not waited for longer than
 * pgmigrate.lock_timeout while rows are locked here: it comes alone in the
 * end, when nobody waits for us meanwhile, or is left to the sweep.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "backfill/internal.h"
#include "base/clock.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "store/run_lock.h"

/* After a try that has to be repeated; doubled up to the second. */
#define PGM_REPEAT_MIN_MS 5
#define PGM_REPEAT_MAX_MS 1000

/*
 * Of a chunk, after each of which is looked whether somebody waits for us, and
 * whether it has taken too long.
 */
#define PGM_SLICES 10

typedef enum Outcome
{
	CHUNK_DONE,
	CHUNK_MOVED,
	CHUNK_REPEAT,
	CHUNK_FAILED
} Outcome;

/* The columns of the key, to name a row by. */
static PgmQuery key_query = {
	"SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) "
	"FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n) "
	"JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.attnum "
	"WHERE i.indrelid = $1 AND i.indisprimary AND k.n <= i.indnkeyatts",
	1, {OIDOID}
};

static PgmQuery set_aside_query = {
	"INSERT INTO pgmigrate.operation_row "
	"(operation, relid, row_ctid, row_key, sqlstate, error, relation) "
	"SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT FROM "
	"pgmigrate.operation_row WHERE operation = $1 AND relid = $2 "
	"AND row_ctid = $3)",
	7, {INT8OID, OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

/* Does somebody wait for the end of our transaction? */
static bool
is_waited_for(void)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	LOCKTAG		tag;

	if (!TransactionIdIsValid(xid))
		return false;
	SET_LOCKTAG_TRANSACTION(tag, xid);
	return LockHasWaiters(&tag, ExclusiveLock, false);
}

/*
 * Who waits for the run to end, to drop the extension, may have locked what we
 * need.  Only the server can tell, after a wait that is long enough for it.
 */
static void
limit_lock_waits(const PgmBackfill *backfill)
{
	int64		limit = pgm_lock_timeout;
	char		value[32];

	if (limit == 0)
		return;
	if (backfill->attempts > 0 && pgm_run_lock_awaited())
		limit += DeadlockTimeout;
	snprintf(value, sizeof(value), "%d", (int) Min(limit, INT_MAX));
	(void) set_config_option("lock_timeout", value, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* A row that was changed, but would be changed again without end. */
static void
refuse_endless(const PgmTarget *target)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("a changed row of relation %s still meets the condition",
				   target->name),
			errdetail("A new value is made of the old one, so the row would be changed again."),
			errhint("Write a condition that a changed row does not meet, or run the statement as it is written."));
}

/* Rows of a list, or blocks; 0 if it is within one. */
static int
size_of(const PgmChunk *chunk)
{
	if (chunk->range == NULL)
		return chunk->nrows;
	return ItemPointerGetBlockNumberNoCheck(&chunk->end) -
		ItemPointerGetBlockNumberNoCheck(&chunk->first);
}

/* Take so much from the beginning of a chunk, or all if it is no more. */
static PgmChunk
take_slice(PgmChunk *chunk, int size)
{
	PgmChunk	slice = *chunk;

	if (size_of(chunk) <= size)
		size = size_of(chunk);
	else if (chunk->range != NULL)
		ItemPointerSet(&slice.end,
					   ItemPointerGetBlockNumberNoCheck(&chunk->first) + size,
					   0);
	else
		slice.nrows = size;

	chunk->first = slice.end;
	if (chunk->range == NULL)
	{
		chunk->rows += size;
		chunk->nrows -= size;
	}
	return slice;
}

static bool
is_empty(PgmChunk *chunk)
{
	return chunk->range == NULL ? chunk->nrows == 0 :
		ItemPointerCompare(&chunk->first, &chunk->end) >= 0;
}

/* After a slice: is what was changed to be committed, whatever is left? */
static bool
is_enough(PgmBackfill *backfill, int64 started)
{
	backfill->waited_on = is_waited_for();
	return backfill->waited_on ||
		pgm_pacer_over(backfill->control.chunk_time,
					   (pgm_clock_monotonic() - started) / 1000.0);
}

/*
 * Slice by slice, until it is enough: *rest is what is left then.  A chunk of
 * many rows costs less than many chunks, but is not to be waited for to its
 * end.
 */
static uint64
change_rows(PgmBackfill *backfill, PgmChunk *rest, int64 *again)
{
	CachedPlanSource *plan;
	uint64		rows = 0;
	int			size = Max(size_of(rest) / PGM_SLICES, 1);
	int64		started = pgm_clock_monotonic();

	/* what it joins is read once */
	if (pgm_change_joins(backfill->change))
		size = size_of(rest);
	plan = pgm_target_plan(backfill, rest->target, rest->range != NULL ?
						   PGM_FORM_RANGE : PGM_FORM_LIST);
	*again = 0;
	do
	{
		PgmChunk	slice = take_slice(rest, size);

		rows += pgm_prepared_change(plan, &slice, again);
	} while (!is_enough(backfill, started) && !is_empty(rest));
	pgm_exec_fire_deferred(&backfill->exec);
	if (*again > 0 && backfill->change->from_itself)
		refuse_endless(rest->target);
	return rows;
}

/* How far the range is: a block is not done before its last row is. */
static void
mark_range(const PgmChunk *chunk, uint64 rows)
{
	if (chunk->range != NULL)
		pgm_operation_range_done(chunk->range,
								 ItemPointerGetBlockNumberNoCheck(&chunk->end),
								 rows);
}

/*
 * As much of it as nobody waits for, and leave the rest; an error leaves its
 * transaction open, and all of the chunk.
 */
static Outcome
attempt(PgmBackfill *backfill, PgmChunk *chunk)
{
	PgmChunk	rest = *chunk;
	PgmChunk	done = *chunk;
	PgmActing	acting;
	int64		again;
	uint64		rows;

	pgm_txn_begin();
	if (!pgm_target_unmoved(backfill, chunk->target))
	{
		pgm_txn_commit();
		return CHUNK_MOVED;
	}
	limit_lock_waits(backfill);
	pgm_acting_begin(backfill, &acting);
	rows = change_rows(backfill, &rest, &again);
	pgm_acting_end(&acting);
	done.end = rest.first;
	mark_range(&done, rows);

	/* what a crash loses is lost with its mark, and done again */
	pgm_txn_commit_async();
	backfill->rows += rows;
	backfill->again += again;
	*chunk = rest;
	return CHUNK_DONE;
}

static Outcome
judge(const ErrorData *edata)
{
	switch (edata->sqlerrcode)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return CHUNK_REPEAT;
		default:
			break;
	}
	return CHUNK_FAILED;
}

/* Is it about a row, and not about the statement or the server? */
static bool
is_about_row(const ErrorData *edata)
{
	switch (ERRCODE_TO_CATEGORY(edata->sqlerrcode))
	{
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'):	/* data exception */
		case MAKE_SQLSTATE('2', '3', '0', '0', '0'):	/* constraint */
		case MAKE_SQLSTATE('2', '7', '0', '0', '0'):	/* trigger */
		case MAKE_SQLSTATE('3', '8', '0', '0', '0'):	/* external routine */
		case MAKE_SQLSTATE('4', '4', '0', '0', '0'):	/* WITH CHECK OPTION */
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'):	/* as of an index */
		case MAKE_SQLSTATE('P', '0', '0', '0', '0'):	/* RAISE */
			return true;
		default:
			return false;
	}
}

/* After an abort, with which the run lock went. */
static void
take_up_again(PgmBackfill *backfill, int sqlstate)
{
	if (backfill->worker == 0)
		pgm_run_dismiss_waiters(sqlstate);
	pgm_txn_abort();
	MemoryContextSwitchTo(backfill->chunk_context);
	if (backfill->worker != 0)
		return;
	pgm_txn_begin_own();
	pgm_run_retake(backfill->operation->run);
	pgm_txn_commit();
}

bool
pgm_chunk_recover(PgmBackfill *backfill)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(backfill->chunk_context);
	edata = CopyErrorData();
	if (!is_about_row(edata))
		return false;
	FlushErrorState();
	take_up_again(backfill, edata->sqlerrcode);
	return true;
}

/* The error lives in the context of the chunk. */
static Outcome
try(PgmBackfill *backfill, PgmChunk *chunk, ErrorData **edata)
{
	volatile Outcome outcome = CHUNK_FAILED;

	PG_TRY();
	{
		outcome = attempt(backfill, chunk);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(backfill->chunk_context);
		*edata = CopyErrorData();
		outcome = judge(*edata);
		if (outcome == CHUNK_FAILED && !is_about_row(*edata))
			PG_RE_THROW();
		FlushErrorState();
		take_up_again(backfill, (*edata)->sqlerrcode);
	}
	PG_END_TRY();
	return outcome;
}

/* Of a range within one block: the offsets from first to before end. */
static void
offsets_of(const PgmChunk *chunk, OffsetNumber *first, OffsetNumber *end)
{
	*first = ItemPointerGetOffsetNumberNoCheck(&chunk->first);
	*end = ItemPointerGetBlockNumberNoCheck(&chunk->first) ==
		ItemPointerGetBlockNumberNoCheck(&chunk->end) ?
		ItemPointerGetOffsetNumberNoCheck(&chunk->end) :
		MaxHeapTuplesPerPage + 1;
	*first = Max(*first, FirstOffsetNumber);
}

/* False if it is one row. */
static bool
split(const PgmChunk *chunk, PgmChunk *left, PgmChunk *right)
{
	*left = *right = *chunk;
	if (chunk->range == NULL)
	{
		left->nrows = chunk->nrows / 2;
		right->rows += left->nrows;
		right->nrows -= left->nrows;
		return chunk->nrows > 1;
	}
	else
	{
		BlockNumber first = ItemPointerGetBlockNumberNoCheck(&chunk->first);
		BlockNumber end = ItemPointerGetBlockNumberNoCheck(&chunk->end);
		OffsetNumber first_row;
		OffsetNumber end_row;

		if (end - first > 1)
		{
			ItemPointerSet(&left->end, first + (end - first) / 2, 0);
			right->first = left->end;
			return true;
		}
		offsets_of(chunk, &first_row, &end_row);
		ItemPointerSet(&left->end, first, (first_row + end_row) / 2);
		right->first = left->end;
		return end_row - first_row > 1;
	}
}

/* "(block,offset)" of a chunk of one row. */
static char *
ctid_text(const PgmChunk *chunk)
{
	ItemPointerData tid;

	if (chunk->range == NULL)
		tid = chunk->rows[0];
	else
	{
		OffsetNumber first;
		OffsetNumber end;

		offsets_of(chunk, &first, &end);
		ItemPointerSet(&tid, ItemPointerGetBlockNumberNoCheck(&chunk->first),
					   first);
	}
	return DatumGetCString(DirectFunctionCall1(tidout,
											   PointerGetDatum(&tid)));
}

/* "(id) = (5)", as far as who changes it may read it; else NULL. */
static char *
key_text(const PgmChunk *chunk, const char *ctid)
{
	Datum		values[1] = {ObjectIdGetDatum(chunk->target->relid)};
	char	   *columns = pgm_spi_one_text(&key_query, values);
	char	   *key = NULL;
	char	   *query;
	char	  **found;
	uint64		nfound;
	ErrorData  *error;

	if (columns == NULL)
		return NULL;
	query = psprintf("SELECT ROW(%s)::text FROM ONLY %s WHERE ctid = %s::tid",
					 columns, chunk->target->name, quote_literal_cstr(ctid));
	if (pgm_spi_probe_rows(query, 1, 0, &found, &nfound, &error) &&
		nfound == 1)
		key = psprintf("(%s) = %s", columns, found[0]);
	return key;
}

static void
set_aside(PgmBackfill *backfill, const PgmChunk *chunk, const char *ctid,
		  const char *key, const ErrorData *edata)
{
	PgmSpiScope scope;
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = Int64GetDatum(backfill->operation->id);
	values[1] = ObjectIdGetDatum(chunk->target->relid);
	pgm_set_text(values, nulls, 2, ctid);
	pgm_set_text(values, nulls, 3, key);
	pgm_set_text(values, nulls, 4, unpack_sql_state(edata->sqlerrcode));
	pgm_set_text(values, nulls, 5, edata->message);
	pgm_set_text(values, nulls, 6, chunk->target->name);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&set_aside_query, values, nulls);
	pgm_spi_end(&scope);
	backfill->set_aside++;
}

/* One row that cannot be changed: named, and kept or fatal. */
static void
give_up_row(PgmBackfill *backfill, const PgmChunk *chunk, ErrorData *edata)
{
	char	   *ctid = ctid_text(chunk);
	char	   *key;
	char	   *context;
	PgmActing	acting;

	pgm_txn_begin();
	pgm_acting_begin(backfill, &acting);
	key = key_text(chunk, ctid);
	pgm_acting_end(&acting);
	if (backfill->quarantine)
	{
		set_aside(backfill, chunk, ctid, key, edata);
		mark_range(chunk, 0);
	}
	pgm_txn_commit();
	if (backfill->quarantine)
		return;
	context = psprintf("row %s of relation %s", ctid, chunk->target->name);
	if (key != NULL)
		context = psprintf("%s, key %s", context, key);
	edata->context = edata->context == NULL ? context :
		psprintf("%s\n%s", edata->context, context);
	ReThrowError(edata);
}

static void
pause_before_repeat(PgmBackfill *backfill)
{
	int			shift = Min(backfill->attempts, 8);

	backfill->attempts++;
	if (backfill->attempts > 8)
		pgm_control_set_waiting(backfill, "a lock that others have");
	CHECK_FOR_INTERRUPTS();
	pgm_clock_wait(Min(PGM_REPEAT_MIN_MS << shift, PGM_REPEAT_MAX_MS));
	CHECK_FOR_INTERRUPTS();
}

/* One row that somebody else has locked: the sweep comes back to it. */
static void
leave_row(PgmBackfill *backfill, const PgmChunk *chunk)
{
	pgm_txn_begin();
	mark_range(chunk, 0);
	pgm_txn_commit();
	backfill->attempts = 0;
}

/*
 * Until all of it is committed, or the table has moved, which leaves the rest
 * of it undone.  In the context of the chunk, of which nothing is kept.
 */
void
pgm_chunk_run(PgmBackfill *backfill, const PgmChunk *whole)
{
	PgmChunk	rest = *whole;
	const PgmChunk *chunk = &rest;
	bool		waited_on = false;

	while (!is_empty(&rest))
	{
		ErrorData  *edata = NULL;
		PgmChunk	left;
		PgmChunk	right;
		Outcome		outcome;

		/* a row that somebody has locked for days is tried as long */
		MemoryContextReset(backfill->chunk_context);
		outcome = try(backfill, &rest, &edata);
		if (outcome == CHUNK_DONE)
		{
			backfill->attempts = 0;
			waited_on |= backfill->waited_on;
			backfill->waited_on = waited_on;
			continue;
		}
		if (outcome == CHUNK_MOVED)
		{
			backfill->attempts = 0;
			backfill->moved = true;
			return;
		}
		if (split(chunk, &left, &right))
		{
			if (outcome == CHUNK_REPEAT)
				pause_before_repeat(backfill);
			pgm_chunk_run(backfill, &left);
			if (!backfill->moved)
				pgm_chunk_run(backfill, &right);
			return;
		}
		if (outcome == CHUNK_FAILED)
		{
			give_up_row(backfill, chunk, edata);
			return;
		}
		if (chunk->range != NULL && chunk->target->swept)
		{
			leave_row(backfill, chunk);
			return;
		}
		pause_before_repeat(backfill);
	}
}
