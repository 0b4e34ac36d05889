/*-------------------------------------------------------------------------
 *
 * differences.c
 *	  Rows that may differ: met by key, counted, shown.
 *
 * What is sorted is the hash of a row's key and that of the row.  Rows of a
 * and b with both in common are the same and leave in pairs; what is left
 * under a key counts once where it can be a row of a and a row of b that is
 * another, and each row by itself beyond that.
 *
 * Rows that may be shown take along their text, and the hash of each column,
 * by which the columns that differ are named: in the text of a row -0 and 0,
 * or a row that is too long to be shown, would look the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/tuplesort.h"

#include "compare/differences.h"
#include "compare/internal.h"
#include "compat/plan.h"
#include "compat/server.h"

/* A longer row is not shown, only its key. */
#define SHOWN_BYTES 100000

/* pg_operator has a name for it in some versions only */
#define INT8_LESS 412

enum
{
	COLUMN_PLACE_LO,
	COLUMN_PLACE_HI,
	COLUMN_ROW_LO,
	COLUMN_ROW_HI,
	COLUMN_OF_B,
	COLUMN_SHOWN,
	NCOLUMNS
};

/* A row that may be shown: the texts follow the hashes of the columns. */
typedef struct ShownRow
{
	int32		length;			/* as of any varlena */
	int32		key;			/* where the texts begin, from here */
	int32		row;
	int32		unused;
	PgmRowHash	columns[FLEXIBLE_ARRAY_MEMBER];
} ShownRow;

typedef struct Example
{
	Jsonb	   *order;
	char	   *text;
} Example;

/* The rows of one key, as they come out of the sort. */
typedef struct KeyGroup
{
	PgmRowHash	place;
	PgmRowHash	row;			/* of the rows counted just now */
	int64		in_a;
	int64		in_b;
	ShownRow   *shown_a;
	ShownRow   *shown_b;
	int64		left_a;			/* without a partner, in the whole group */
	int64		left_b;
	ShownRow   *example_a;
	ShownRow   *example_b;
	int64		times_a;		/* of the examples */
	int64		times_b;
} KeyGroup;

struct PgmDifferences
{
	const PgmComparison *comparison;
	MemoryContext context;
	MemoryContext row_context;
	MemoryContext group_context;
	ResourceOwner owner;		/* of the files of the sort */
	PgmRowHashKey column_key;
	Tuplesortstate *sort;
	TupleTableSlot *put;
	TupleTableSlot *get;
	int64		count;
	int64		only_b;
	int			nexamples;
	Example		examples[PGM_COMPARE_EXAMPLES];
};

PgmDifferences *
pgm_differences_create(const PgmComparison *comparison)
{
	PgmDifferences *differences = palloc0(sizeof(PgmDifferences));

	differences->comparison = comparison;
	differences->context = CurrentMemoryContext;
	differences->owner = CurrentResourceOwner;
	differences->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "pgmigrate shown row",
							  ALLOCSET_DEFAULT_SIZES);
	differences->group_context =
		AllocSetContextCreate(CurrentMemoryContext, "pgmigrate row group",
							  ALLOCSET_DEFAULT_SIZES);
	if (!pg_strong_random(&differences->column_key,
						  sizeof(differences->column_key)))
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not generate random numbers"));
	return differences;
}

static void
begin_sort(PgmDifferences *differences)
{
	TupleDesc	tupdesc = CreateTemplateTupleDesc(NCOLUMNS);
	AttrNumber	columns[COLUMN_OF_B];
	Oid			operators[COLUMN_OF_B];
	Oid			collations[COLUMN_OF_B] = {InvalidOid};
	bool		nulls_first[COLUMN_OF_B] = {false};

	for (int i = 0; i < COLUMN_OF_B; i++)
	{
		TupleDescInitEntry(tupdesc, i + 1, "hash", INT8OID, -1, 0);
		columns[i] = i + 1;
		operators[i] = INT8_LESS;
	}
	TupleDescInitEntry(tupdesc, COLUMN_OF_B + 1, "of b", BOOLOID, -1, 0);
	TupleDescInitEntry(tupdesc, COLUMN_SHOWN + 1, "shown", BYTEAOID, -1, 0);
	(void) pgm_complete_tupdesc(tupdesc);
	differences->put = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	differences->get = MakeSingleTupleTableSlot(tupdesc, &TTSOpsMinimalTuple);
	differences->sort = tuplesort_begin_heap(tupdesc, COLUMN_OF_B, columns,
											 operators, collations,
											 nulls_first, work_mem, NULL, 0);
}

/* The words of a column; none for null. */
static Size
column_words(const PgmRowImage *image, int column, Size *n)
{
	Size		start = column > 0 ? image->ends[column - 1] :
		PGM_IMAGE_BITMAP(image->ncolumns);

	*n = image->ends[column] - start;
	return start;
}

static char *
row_text(TupleDesc tupdesc, const Datum *values, const bool *nulls)
{
	HeapTuple	tuple = heap_form_tuple(tupdesc, unconstify(Datum *, values),
										unconstify(bool *, nulls));

	return TextDatumGetCString(DirectFunctionCall1(row_to_json,
												   HeapTupleGetDatum(tuple)));
}

static char *
shown_text(const PgmComparison *comparison, const Datum *values,
		   const bool *nulls, const PgmRowImage *image)
{
	Size		bytes = image->nwords * sizeof(uint64);

	if (bytes > SHOWN_BYTES)
		return psprintf("\"a row of %zu bytes\"", bytes);
	return row_text(comparison->tupdesc, values, nulls);
}

/* Of the key; a key may be long, too. */
static char *
key_text(const PgmComparison *comparison, const Datum *values,
		 const bool *nulls, const PgmRowImage *image)
{
	if (comparison->nkeys == 0)
		return pstrdup("null");
	if (image->ends[comparison->nkeys - 1] * sizeof(uint64) > SHOWN_BYTES)
		return pstrdup("\"a long key\"");
	return row_text(comparison->keydesc, values, nulls);
}

static ShownRow *
show_row(PgmDifferences *differences, const Datum *values, const bool *nulls,
		 const PgmRowImage *image)
{
	const PgmComparison *comparison = differences->comparison;
	char	   *key = key_text(comparison, values, nulls, image);
	char	   *row = shown_text(comparison, values, nulls, image);
	Size		hashes = offsetof(ShownRow, columns) +
		sizeof(PgmRowHash) * comparison->npairs;
	Size		size = hashes + strlen(key) + strlen(row) + 2;
	ShownRow   *shown = palloc0(size);

	SET_VARSIZE(shown, size);
	shown->key = (int32) hashes;
	shown->row = (int32) (hashes + strlen(key) + 1);
	strcpy((char *) shown + shown->key, key);
	strcpy((char *) shown + shown->row, row);
	for (int i = 0; i < comparison->npairs; i++)
	{
		Size		n;
		Size		start = column_words(image, i, &n);

		shown->columns[i] = pgm_row_hash(&differences->column_key,
										 image->words + start, n);
	}
	return shown;
}

void
pgm_differences_add(PgmDifferences *differences, PgmRowHash place,
					PgmRowHash row, bool of_b, const Datum *values,
					const bool *nulls, const PgmRowImage *image)
{
	MemoryContext old;
	ResourceOwner old_owner = CurrentResourceOwner;
	TupleTableSlot *slot;

	/* the query from which the row comes ends before the sort */
	CurrentResourceOwner = differences->owner;
	if (differences->sort == NULL)
	{
		old = MemoryContextSwitchTo(differences->context);
		begin_sort(differences);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(differences->row_context);
	slot = differences->put;
	ExecClearTuple(slot);
	memset(slot->tts_isnull, 0, sizeof(bool) * NCOLUMNS);
	slot->tts_values[COLUMN_PLACE_LO] = Int64GetDatum((int64) place.lo);
	slot->tts_values[COLUMN_PLACE_HI] = Int64GetDatum((int64) place.hi);
	slot->tts_values[COLUMN_ROW_LO] = Int64GetDatum((int64) row.lo);
	slot->tts_values[COLUMN_ROW_HI] = Int64GetDatum((int64) row.hi);
	slot->tts_values[COLUMN_OF_B] = BoolGetDatum(of_b);
	slot->tts_isnull[COLUMN_SHOWN] = values == NULL;
	if (values != NULL)
		slot->tts_values[COLUMN_SHOWN] =
			PointerGetDatum(show_row(differences, values, nulls, image));
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(differences->sort, slot);
	ExecClearTuple(slot);
	CurrentResourceOwner = old_owner;
	MemoryContextSwitchTo(old);
	MemoryContextReset(differences->row_context);
}

/* As JSON, with what it is ordered by; lives in the context of them all. */
static void
add_example(PgmDifferences *differences, const ShownRow *a,
			const ShownRow *b, int64 times_a, int64 times_b)
{
	const PgmComparison *comparison = differences->comparison;
	const ShownRow *any = a != NULL ? a : b;
	Example    *example;
	MemoryContext old;
	StringInfoData text;

	if (differences->nexamples >= PGM_COMPARE_EXAMPLES || any == NULL)
		return;
	old = MemoryContextSwitchTo(differences->context);
	example = &differences->examples[differences->nexamples++];
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	if (comparison->nkeys > 0)
		appendStringInfo(&text, "\"key\": %s, ", (char *) any + any->key);
	if (times_a + times_b > 0)
		appendStringInfo(&text, "\"times_a\": %lld, \"times_b\": %lld, ",
						 (long long) times_a, (long long) times_b);
	else if (a != NULL && b != NULL)
	{
		const char *separator = "";

		appendStringInfoString(&text, "\"columns\": [");
		for (int i = 0; i < comparison->npairs; i++)
		{
			if (memcmp(&a->columns[i], &b->columns[i],
					   sizeof(PgmRowHash)) == 0)
				continue;
			appendStringInfoString(&text, separator);
			escape_json(&text, comparison->pairs[i].name);
			separator = ", ";
		}
		appendStringInfoString(&text, "], ");
	}
	appendStringInfo(&text, "\"a\": %s, \"b\": %s}",
					 a != NULL ? (char *) a + a->row : "null",
					 b != NULL ? (char *) b + b->row : "null");
	example->text = text.data;
	example->order =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
										   CStringGetDatum((char *) any +
														   (comparison->nkeys > 0 ?
															any->key : any->row))));
	MemoryContextSwitchTo(old);
}

/* Rows that are the same in a and b have left in pairs. */
static void
end_rows(KeyGroup *group)
{
	int64		more = group->in_a - group->in_b;

	if (more > 0)
		group->left_a += more;
	else
		group->left_b -= more;
	if (more > 0 && group->example_a == NULL)
		group->example_a = group->shown_a;
	if (more < 0 && group->example_b == NULL)
		group->example_b = group->shown_b;
	if (more != 0)
	{
		group->times_a = group->in_a;
		group->times_b = group->in_b;
	}
}

static void
end_group(PgmDifferences *differences, KeyGroup *group)
{
	int64		count;

	end_rows(group);
	count = Max(group->left_a, group->left_b);
	if (count > 0 && differences->comparison->nkeys > 0)
		add_example(differences, group->example_a, group->example_b, 0, 0);
	else if (count > 0)
		add_example(differences, group->shown_a, group->shown_b,
					group->times_a, group->times_b);
	differences->count += count;
	differences->only_b += Max(group->left_b - group->left_a, 0);
	MemoryContextReset(differences->group_context);
	memset(group, 0, sizeof(KeyGroup));
}

/* The row in the slot belongs to the group. */
static void
take_row(PgmDifferences *differences, KeyGroup *group, PgmRowHash row)
{
	TupleTableSlot *slot = differences->get;
	bool		of_b = DatumGetBool(slot->tts_values[COLUMN_OF_B]);
	ShownRow  **shown = of_b ? &group->shown_b : &group->shown_a;

	if (group->in_a + group->in_b > 0 &&
		(row.lo != group->row.lo || row.hi != group->row.hi))
	{
		end_rows(group);
		group->in_a = group->in_b = 0;
		group->shown_a = group->shown_b = NULL;
	}
	group->row = row;
	if (of_b)
		group->in_b++;
	else
		group->in_a++;
	if (*shown == NULL && !slot->tts_isnull[COLUMN_SHOWN])
	{
		MemoryContext old =
			MemoryContextSwitchTo(differences->group_context);

		*shown = (ShownRow *)
			PG_DETOAST_DATUM_COPY(slot->tts_values[COLUMN_SHOWN]);
		MemoryContextSwitchTo(old);
	}
}

int64
pgm_differences_count(PgmDifferences *differences, int64 *only_b)
{
	TupleTableSlot *slot = differences->get;
	KeyGroup	group = {{0}};

	*only_b = 0;
	if (differences->sort == NULL)
		return 0;
	tuplesort_performsort(differences->sort);
	while (tuplesort_gettupleslot(differences->sort, true, false, slot, NULL))
	{
		PgmRowHash	place;
		PgmRowHash	row;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		place.lo = DatumGetInt64(slot->tts_values[COLUMN_PLACE_LO]);
		place.hi = DatumGetInt64(slot->tts_values[COLUMN_PLACE_HI]);
		row.lo = DatumGetInt64(slot->tts_values[COLUMN_ROW_LO]);
		row.hi = DatumGetInt64(slot->tts_values[COLUMN_ROW_HI]);
		if (group.in_a + group.in_b > 0 &&
			(place.lo != group.place.lo || place.hi != group.place.hi))
			end_group(differences, &group);
		group.place = place;
		take_row(differences, &group, row);
	}
	if (group.in_a + group.in_b > 0)
		end_group(differences, &group);
	tuplesort_end(differences->sort);
	ExecDropSingleTupleTableSlot(differences->put);
	ExecDropSingleTupleTableSlot(differences->get);
	*only_b = differences->only_b;
	return differences->count;
}

void
pgm_differences_add_pair(PgmDifferences *differences, const Datum *values,
						 const bool *nulls, const PgmRowImage *a,
						 const PgmRowImage *b)
{
	int			n = differences->comparison->npairs;
	MemoryContext old;

	differences->count++;
	if (differences->nexamples >= PGM_COMPARE_EXAMPLES)
		return;
	old = MemoryContextSwitchTo(differences->row_context);
	add_example(differences, show_row(differences, values, nulls, a),
				show_row(differences, values + n, nulls + n, b), 0, 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(differences->row_context);
}

int64
pgm_differences_pairs(const PgmDifferences *differences)
{
	return differences->count;
}

static int
compare_examples(const void *x, const void *y)
{
	return compareJsonbContainers(&((const Example *) x)->order->root,
								  &((const Example *) y)->order->root);
}

Jsonb *
pgm_differences_examples(PgmDifferences *differences)
{
	StringInfoData text;

	if (differences->nexamples == 0)
		return NULL;
	qsort(differences->examples, differences->nexamples, sizeof(Example),
		  compare_examples);
	initStringInfo(&text);
	for (int i = 0; i < differences->nexamples; i++)
		appendStringInfo(&text, "%s%s", i == 0 ? "[" : ", ",
						 differences->examples[i].text);
	appendStringInfoChar(&text, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(text.data)));
}
