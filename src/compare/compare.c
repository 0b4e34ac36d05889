/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  Are the rows of two relations the same?
 *
 * Each relation is read once.  A row falls into a bucket by the hash of its
 * key (of the whole row if there is no key); what a bucket holds is the sum of
 * the hashes of a's rows in it minus that of b's.  Whatever the order, the sum
 * is zero where both have the same rows, and where they do not it is zero with
 * a probability of about 2^-64.  So two relations that are equal, which is
 * what one expects, cost one scan each, and hardly more memory than nothing.
 *
 * Where a sum is not zero, both relations are read again, with the same
 * snapshot, and the rows of such buckets are sorted by their key, which spills
 * to disk where there are many.  There rows meet those of the same key: that
 * counts the differences and names them.
 *
 *		read a, b: sums --- all zero ------------------------> equal
 *						\-- read a, b: rows of buckets, sort --> differences
 *
 * Sums can be added, so large tables are summed by parallel workers
 * (parallel.c).
 *
 * Tables of one layout are first summed by what is on their pages, which
 * spares to take the rows apart.  Buckets where that is the same have equal
 * rows; in others rows may be equal all the same, compressed otherwise say.
 * They are sorted like any other, or, where there are many or a row cannot be
 * told like that, the tables are summed once more by their values.
 *
 * If a is b, the two sides of each row are compared where they stand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/parallel.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compare/differences.h"
#include "compare/internal.h"
#include "compare/row_hash.h"
#include "compare/row_image.h"

#define BUCKETS PGM_COMPARE_BUCKETS

/* How many buckets the examples are taken from; each has a difference. */
#define EXAMPLE_BUCKETS (2 * PGM_COMPARE_EXAMPLES)

/* A sign of life. */
#define NOTICE_ROWS 65536
#define NOTICE_EVERY_MS 10000

/* The sum is on its way while the rest of the row is hashed. */
#ifdef __GNUC__
#define prefetch(address) __builtin_prefetch(address, 1)
#else
#define prefetch(address) ((void) 0)
#endif

typedef enum BucketState
{
	BUCKET_EQUAL,
	BUCKET_DIFFERS,
	BUCKET_SHOWN				/* differs, and its rows may be examples */
} BucketState;

typedef struct Run Run;

/* Takes the rows of a side. */
typedef struct RowReceiver
{
	DestReceiver pub;
	Run		   *run;
	PgmCompareSide side;
	int64		rows;
	pg_atomic_uint64 *totals;	/* of all processes, by side; NULL if there is
								 * one */
} RowReceiver;

struct Run
{
	const PgmComparison *comparison;
	const PgmCompareRange *range;
	PgmCompareSecrets secrets;
	PgmRowImage *image;
	PgmRowImage *other;			/* of b, where one row has both */
	PgmCompareSums *sums;
	char	   *states;			/* a BucketState for each bucket */
	PgmDifferences *differences;
	TimestampTz reported;
	PgmCompareProgress progress;
	int64		read;			/* rows of the sides before this one */
};

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	((RowReceiver *) self)->rows = 0;
}

static void
receiver_nothing(DestReceiver *self)
{
}

/* What has not been added to the total yet. */
static void
receiver_shutdown(DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;

	if (receiver->totals != NULL)
		pg_atomic_fetch_add_u64(&receiver->totals[receiver->side],
								receiver->rows % NOTICE_ROWS);
}

static void
count_row(RowReceiver *receiver)
{
	TimestampTz now;
	const PgmComparison *comparison = receiver->run->comparison;
	pg_atomic_uint64 *totals = receiver->totals;
	int64		rows = ++receiver->rows;
	int64		before;

	if (rows % NOTICE_ROWS != 0)
		return;
	if (totals != NULL)
		rows = (int64) pg_atomic_add_fetch_u64(&totals[receiver->side],
											   NOTICE_ROWS);

	/* one process speaks for all */
	if (IsParallelWorker())
		return;
	now = GetCurrentTimestamp();
	before = receiver->run->read;
	if (totals != NULL && receiver->side == PGM_SIDE_B)
		before = (int64) pg_atomic_read_u64(&totals[PGM_SIDE_A]);
	pgm_compare_progress(&receiver->run->progress, before + rows, now);
	if (!TimestampDifferenceExceeds(receiver->run->reported, now,
									NOTICE_EVERY_MS))
		return;
	receiver->run->reported = now;
	ereport(NOTICE,
			errmsg("compared %lld rows of %s",
				   (long long) rows,
				   receiver->side == PGM_SIDE_B ? comparison->b_name :
				   comparison->a_name));
}

/*
 * Where rows of the same key meet.  There are at most 32 columns in a key, so
 * its nulls, of which a key of the other side may have some, are in the first
 * word.
 */
static inline PgmRowHash
hash_key(const Run *run, int ncolumns)
{
	const PgmRowImage *image = run->image;
	int			nkeys = run->comparison->nkeys;
	Size		start = PGM_IMAGE_BITMAP(ncolumns);
	const PgmRowHashKey *key = &run->secrets.bucket_key;
	PgmRowHash	hash = pgm_row_hash(key, image->words + start,
									image->ends[nkeys - 1] - start);

	hash.lo += (image->words[0] & ((UINT64CONST(1) << nkeys) - 1)) *
		key->word[0];
	return hash;
}

/* A row as it is placed and told apart; false if it was not drawn. */
static pg_attribute_always_inline bool
hash_row(Run *run, TupleTableSlot *slot, PgmRowHash *place, PgmRowHash *row)
{
	int			nkeys = run->comparison->nkeys;
	int			n = run->comparison->npairs;
	PgmRowImage *image = run->image;

	/* the rest of a row that is not drawn need not be looked at */
	if (!run->secrets.all && nkeys > 0)
	{
		slot_getsomeattrs(slot, nkeys);
		pgm_image_write(image, slot->tts_values, slot->tts_isnull, nkeys);
		if (hash_key(run, nkeys).hi >= run->secrets.drawn_below)
			return false;
	}
	slot_getsomeattrs(slot, n);
	pgm_image_write(image, slot->tts_values, slot->tts_isnull, n);
	if (nkeys == 0)
	{
		*row = *place = pgm_row_hash(&run->secrets.row_key, image->words,
									 image->nwords);
		return run->secrets.all || place->hi < run->secrets.drawn_below;
	}
	*place = hash_key(run, n);
	prefetch(&run->sums->bucket[place->lo % BUCKETS]);
	*row = pgm_row_hash(&run->secrets.row_key, image->words, image->nwords);
	return true;
}

/*
 * The same of a row of which all columns are compared as they are in the
 * table: the scan hands it on as it is on the page.  False if it is not like
 * that, or has columns elsewhere: in TOAST, or added since it was written.
 */
static pg_attribute_always_inline bool
hash_stored_row(Run *run, TupleTableSlot *slot, PgmRowHash *place,
				PgmRowHash *row)
{
	int			nkeys = run->comparison->nkeys;
	int			n = run->comparison->npairs;
	PgmRowImage *image = run->image;
	HeapTuple	tuple;

	if (!TTS_IS_BUFFERTUPLE(slot))
		return false;
	tuple = ((HeapTupleTableSlot *) slot)->tuple;
	if (HeapTupleHeaderGetNatts(tuple->t_data) != n ||
		HeapTupleHasExternal(tuple))
		return false;
	slot_getsomeattrs(slot, nkeys);
	pgm_image_write(image, slot->tts_values, slot->tts_isnull, nkeys);
	*place = hash_key(run, nkeys);
	prefetch(&run->sums->bucket[place->lo % BUCKETS]);
	pgm_image_write_stored(image, tuple, n);
	*row = pgm_row_hash(&run->secrets.row_key, image->words, image->nwords);
	return true;
}

static bool
sum_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	Run		   *run = receiver->run;
	PgmRowHash	place;
	PgmRowHash	row;
	PgmRowHash *sum;

	if (run->secrets.stored)
	{
		if (!hash_stored_row(run, slot, &place, &row))
		{
			run->sums->unlike = true;
			return false;
		}
	}
	else if (!hash_row(run, slot, &place, &row))
		return true;
	sum = &run->sums->bucket[place.lo % BUCKETS];
	if (receiver->side == PGM_SIDE_A)
	{
		sum->lo += row.lo;
		sum->hi += row.hi;
	}
	else
	{
		sum->lo -= row.lo;
		sum->hi -= row.hi;
	}
	count_row(receiver);
	return true;
}

static bool
sort_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	Run		   *run = receiver->run;
	PgmRowHash	place;
	PgmRowHash	row;
	BucketState state;

	if (!hash_row(run, slot, &place, &row))
		return true;
	state = run->states[place.lo % BUCKETS];
	if (state != BUCKET_EQUAL)
		pgm_differences_add(run->differences, place, row,
							receiver->side == PGM_SIDE_B,
							state == BUCKET_SHOWN ? slot->tts_values : NULL,
							slot->tts_isnull, run->image);
	count_row(receiver);
	return true;
}

/* Both sides are in this row. */
static bool
match_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	Run		   *run = receiver->run;
	int			n = run->comparison->npairs;
	PgmRowHash	place;
	PgmRowHash	row;

	if (!hash_row(run, slot, &place, &row))
		return true;
	count_row(receiver);
	slot_getallattrs(slot);
	pgm_image_write(run->other, slot->tts_values + n, slot->tts_isnull + n, n);
	if (run->image->nwords == run->other->nwords &&
		memcmp(run->image->words, run->other->words,
			   run->image->nwords * sizeof(uint64)) == 0)
		return true;
	pgm_differences_add_pair(run->differences, slot->tts_values,
							 slot->tts_isnull, run->image, run->other);
	return true;
}

static void
init_receiver(RowReceiver *receiver, Run *run, PgmCompareSide side,
			  bool (*receive) (TupleTableSlot *slot, DestReceiver *self))
{
	memset(receiver, 0, sizeof(RowReceiver));
	receiver->pub.receiveSlot = receive;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_shutdown;
	receiver->pub.rDestroy = receiver_nothing;
	receiver->pub.mydest = DestNone;
	receiver->run = run;
	receiver->side = side;
}

DestReceiver *
pgm_compare_summing(const PgmComparison *comparison,
					const PgmCompareSecrets *secrets, PgmCompareSide side,
					PgmCompareSums *sums, pg_atomic_uint64 *totals,
					const PgmCompareProgress *progress)
{
	RowReceiver *receiver = palloc(sizeof(RowReceiver));
	Run		   *run = palloc0(sizeof(Run));

	run->comparison = comparison;
	run->secrets = *secrets;
	run->image = pgm_image_create(comparison->tupdesc);
	run->sums = sums;
	run->reported = GetCurrentTimestamp();
	init_receiver(receiver, run, side, sum_row);
	receiver->totals = totals;
	if (progress != NULL)
		run->progress = *progress;
	return &receiver->pub;
}

/* Read a side; returns how many rows were drawn. */
static int64
read_side(Run *run, PgmCompareSide side,
		  bool (*receive) (TupleTableSlot *slot, DestReceiver *self))
{
	RowReceiver receiver;

	init_receiver(&receiver, run, side, receive);
	pgm_compare_read(run->comparison,
					 pgm_compare_query(run->comparison, side, run->range),
					 &receiver.pub);
	run->read += receiver.rows;
	return receiver.rows;
}

/* Sum both sides; returns how many rows of a were drawn. */
static int64
sum_sides(Run *run)
{
	int64		rows;

	if (run->range == NULL &&
		pgm_compare_sum_in_parallel(run->comparison, &run->secrets,
									run->sums, &run->progress, &rows))
		return rows;
	rows = read_side(run, PGM_SIDE_A, sum_row);
	read_side(run, PGM_SIDE_B, sum_row);
	return rows;
}

/* How many buckets differ, or have rows that are stored otherwise. */
static int
find_buckets(Run *run)
{
	int			found = 0;

	run->states = palloc0(BUCKETS);
	for (int i = 0; i < BUCKETS; i++)
		if (run->sums->bucket[i].lo != 0 || run->sums->bucket[i].hi != 0)
			run->states[i] = found++ < EXAMPLE_BUCKETS ?
				BUCKET_SHOWN : BUCKET_DIFFERS;
	return found;
}

/* The same, by what is stored or by the values; -1 if that is not possible. */
static int
sum_buckets(Run *run, bool stored, PgmCompareResult *result)
{
	memset(run->sums, 0, sizeof(PgmCompareSums));
	run->read = 0;
	run->secrets.stored = stored;
	result->rows = sum_sides(run);
	run->secrets.stored = false;
	return run->sums->unlike ? -1 : find_buckets(run);
}

static void
sort_buckets(Run *run, PgmCompareResult *result)
{
	int64		only_b;

	run->differences = pgm_differences_create(run->comparison);
	run->read = 0;
	pgm_compare_progress_begin(&run->progress, run->comparison,
							   run->range, true);
	read_side(run, PGM_SIDE_A, sort_row);
	read_side(run, PGM_SIDE_B, sort_row);
	result->differences = pgm_differences_count(run->differences, &only_b);
	result->rows += only_b;
	result->examples = pgm_differences_examples(run->differences);
}

/* Examples may be missed where buckets only seemed to differ. */
static bool
lacks_examples(const PgmCompareResult *result)
{
	int64		n = result->examples == NULL ? 0 :
		JB_ROOT_COUNT(result->examples);

	return n < Min(result->differences, PGM_COMPARE_EXAMPLES);
}

static void
run_by_key(Run *run, PgmCompareResult *result)
{
	int			found = -1;

	if (run->secrets.all && run->range == NULL &&
		run->comparison->nkeys > 0 && run->comparison->as_stored)
		found = sum_buckets(run, true, result);
	if (found >= 0 && found <= BUCKETS / 2)
	{
		if (found > 0)
			sort_buckets(run, result);
		if (!lacks_examples(result))
			return;
	}
	if (sum_buckets(run, false, result) > 0)
		sort_buckets(run, result);
}

static void
run_in_place(Run *run, PgmCompareResult *result)
{
	run->other = pgm_image_create(run->comparison->tupdesc);
	run->differences = pgm_differences_create(run->comparison);
	result->rows = read_side(run, PGM_SIDE_BOTH, match_row);
	result->differences = pgm_differences_pairs(run->differences);
	result->examples = pgm_differences_examples(run->differences);
}

static void
draw_secrets(void *words, Size size)
{
	if (!pg_strong_random(words, size))
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not generate random numbers"));
}

void
pgm_compare_run(const PgmComparison *comparison, const PgmCompareRange *range,
				double share, PgmCompareResult *result)
{
	MemoryContext context;
	MemoryContext old;
	PgmCompareScope scope;
	PgmCompareResult found = {0};
	Run			run = {0};

	context = AllocSetContextCreate(CurrentMemoryContext, "pgmigrate compare",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	run.comparison = comparison;
	run.range = range;
	run.secrets.all = share >= 1;
	run.secrets.drawn_below = run.secrets.all ? PG_UINT64_MAX :
		(uint64) ldexp(share, 64);
	run.reported = GetCurrentTimestamp();
	draw_secrets(&run.secrets.row_key, sizeof(run.secrets.row_key));
	draw_secrets(&run.secrets.bucket_key, sizeof(run.secrets.bucket_key));
	run.image = pgm_image_create(comparison->tupdesc);
	run.sums = palloc0(sizeof(PgmCompareSums));

	pgm_compare_progress_begin(&run.progress, comparison, range, false);
	pgm_compare_enter(&scope, comparison);
	if (comparison->a == comparison->b)
		run_in_place(&run, &found);
	else
		run_by_key(&run, &found);
	pgm_compare_leave(&scope);
	pgm_compare_progress_end(&run.progress);

	MemoryContextSwitchTo(old);
	*result = found;
	if (found.examples != NULL)
	{
		result->examples = palloc(VARSIZE(found.examples));
		memcpy(result->examples, found.examples, VARSIZE(found.examples));
	}
	MemoryContextDelete(context);
}

static bool
only_count(TupleTableSlot *slot, DestReceiver *self)
{
	count_row((RowReceiver *) self);
	return true;
}

int64
pgm_compare_only_b(const PgmComparison *comparison,
				   const PgmCompareRange *range)
{
	RowReceiver receiver;
	PgmCompareScope scope;
	Run			run = {0};

	run.comparison = comparison;
	run.reported = GetCurrentTimestamp();
	init_receiver(&receiver, &run, PGM_SIDE_B, only_count);
	pgm_compare_enter(&scope, comparison);
	pgm_compare_read(comparison, pgm_compare_only_b_query(comparison, range),
					 &receiver.pub);
	pgm_compare_leave(&scope);
	return receiver.rows;
}

/* "columns of the first relation left out: x, y" */
static void
add_left_out(StringInfo text, const char *which, List *names)
{
	ListCell   *lc;

	if (names == NIL)
		return;
	appendStringInfo(text, "; not compared of the %s: ", which);
	foreach(lc, names)
		appendStringInfo(text, "%s%s", lc == list_head(names) ? "" : ", ",
						 (char *) lfirst(lc));
}

char *
pgm_compare_method(const PgmComparison *comparison, double share)
{
	StringInfoData text;

	initStringInfo(&text);
	if (share < 1)
		appendStringInfo(&text, "%g %% of the rows, drawn by a random hash of %s, ",
						 share * 100, comparison->nkeys > 0 ? "the key" :
						 "the whole row");
	else
		appendStringInfoString(&text, "every row, ");
	if (comparison->a == comparison->b)
		appendStringInfoString(&text, "in place");
	else if (comparison->nkeys > 0)
	{
		appendStringInfoString(&text, "by key (");
		for (int i = 0; i < comparison->nkeys; i++)
			appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
							 comparison->pairs[i].name);
		appendStringInfoChar(&text, ')');
	}
	else
		appendStringInfoString(&text, "without a key, as a multiset");
	add_left_out(&text, "first", comparison->only_a);
	add_left_out(&text, "second", comparison->only_b);
	return text.data;
}
