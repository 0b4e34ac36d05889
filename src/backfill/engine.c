/*-------------------------------------------------------------------------
 *
 * engine.c
 *	  A backfill from its first page to its last row.
 *
 *	preparing	the statement is taken apart, rights are checked, the blocks
 *				of each table are counted and divided into ranges
 *	copying		range by range, chunk by chunk, helpers theirs
 *	comparing	rows that are left are looked for, and changed, until none is
 *
 * The high-water mark of a table is read when its ranges are made, so that the
 * work ends whatever is inserted meanwhile: new rows are the business of the
 * caller, who sets a default first, and of the sweep as far as it can tell.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "backfill/helpers.h"
#include "backfill/internal.h"
#include "base/clock.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "classify/verdict.h"

/* Pages of the first chunk, and of the largest. */
#define PGM_RANGE_FIRST 8
#define PGM_RANGE_MOST 65536

/*
 * Of a chunk that joins, at least: what it joins is perhaps read for each one,
 * which takes as long however few the pages are.
 */
#define PGM_RANGE_JOINED 64

/* Rows are looked up by an index if they are no more of all than these. */
#define PGM_INDEX_SHARE 0.05

static PgmQuery details_query = {
	"SELECT d->>'statement', d->>'search_path', "
	"coalesce((d->>'workers')::int, 1), coalesce((d->>'chunk_time')::int, 100), "
	"coalesce((d->>'pause')::int, 0), d ? 'as_owner' FROM (SELECT $1::jsonb) AS o (d)",
	1, {TEXTOID}
};

static PgmQuery make_details_query = {
	"SELECT jsonb_strip_nulls(jsonb_build_object('statement', $1::text, "
	"'search_path', $2::text, 'workers', $3::int, 'chunk_time', $4::int, "
	"'pause', $5::int, 'as_owner', nullif($6::bool, false)))::text",
	6, {TEXTOID, TEXTOID, INT4OID, INT4OID, INT4OID, BOOLOID}
};

static PgmQuery set_aside_query = {
	"SELECT count(*) FROM pgmigrate.operation_row WHERE operation = $1",
	1, {INT8OID}
};

static PgmQuery rows_query = {
	"SELECT coalesce(sum(row_count), 0)::bigint "
	"FROM pgmigrate.operation_range WHERE operation = $1",
	1, {INT8OID}
};

static PgmQuery give_up_query = {
	"UPDATE pgmigrate.operation SET state = 'cancelled', "
	"waiting_for = NULL, finished = clock_timestamp() WHERE run = $1 "
	"AND strategy = 'backfill' AND state IN ('preparing', 'copying', "
	"'indexing', 'comparing', 'switching', 'failed')",
	1, {INT8OID}
};

void
pgm_backfill_options(PgmBackfillOptions *options)
{
	options->workers = pgm_online_workers;
	options->chunk_time = pgm_chunk_time;
	options->pause = 0;
	options->as_owner = false;
}

/* In a transaction. */
char *
pgm_backfill_details(const char *statement, const PgmBackfillOptions *options)
{
	Datum		values[6];
	const char *search_path = GetConfigOption("search_path", false, false);

	values[0] = pgm_text_datum(statement);
	values[1] = pgm_text_datum(search_path);
	values[2] = Int32GetDatum(options->workers);
	values[3] = Int32GetDatum(options->chunk_time);
	values[4] = Int32GetDatum(options->pause);
	values[5] = BoolGetDatum(options->as_owner);
	return pgm_spi_one_text(&make_details_query, values);
}

/* Names in the statement mean what they meant when it was begun. */
static void
set_search_path(const char *search_path)
{
	if (strcmp(search_path, GetConfigOption("search_path", false, false)) != 0)
		SetConfigOption("search_path", search_path, PGC_USERSET,
						PGC_S_SESSION);
}

/* In a transaction. */
static void
read_details(PgmBackfill *backfill)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *statement;
	char	   *search_path;
	PgmSource  *source;

	values[0] = pgm_text_datum(backfill->operation->details);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&details_query, values, NULL);
	statement = pgm_spi_text(1, 1);
	search_path = pgm_spi_text(1, 2);
	backfill->options.workers = Max(pgm_spi_int32(1, 3), 1);
	backfill->options.chunk_time = pgm_spi_int32(1, 4);
	backfill->options.pause = pgm_spi_int32(1, 5);
	backfill->options.as_owner = pgm_spi_bool(1, 6);
	pgm_spi_end(&scope);
	set_search_path(search_path);
	source = pgm_source_parse(statement, PGM_SOURCE_OTHER, NULL);
	backfill->change = pgm_change_take_apart(source, 0,
											 backfill->operation->relid);
}

/* As the planner has it, -1 if it was never counted. */
static double
rows_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = -1;

	if (HeapTupleIsValid(tuple))
	{
		rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return rows;
}

/* In a transaction: are its rows few, and is there an index to find them? */
static void
choose_way(PgmBackfill *backfill, PgmTarget *target)
{
	CachedPlanSource *plan;
	double		rows;

	target->swept = pgm_target_plan(backfill, target,
									PGM_FORM_LEFT) != NULL;
	if (backfill->change->condition == NULL || !target->swept)
		return;
	plan = pgm_target_plan(backfill, target, PGM_FORM_MEETS);
	rows = rows_of(target->relid);
	target->by_index = rows > 0 &&
		pgm_prepared_by_index(plan, rows * PGM_INDEX_SHARE);
}

/* A row is asked several times whether it meets the condition. */
static void
refuse_volatile(const PgmBackfill *backfill)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot backfill relation \"%s\"",
				   backfill->operation->relation),
			errdetail("The statement cannot be cut up: its condition has a volatile function, and would be met by other rows each time."),
			errhint("Declare the function STABLE if it is, or write the rows to be changed into a table first."));
}

static void
refuse_for(const PgmBackfill *backfill, const char *reason)
{
	if (reason != NULL)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot backfill relation \"%s\"",
					   backfill->operation->relation),
				errdetail("The statement cannot be cut up: %s.", reason));
}

/*
 * In a transaction, before anything is written: the statement is one that can
 * be cut up, and the role may do it.
 */
static void
check_targets(PgmBackfill *backfill)
{
	ListCell   *lc;

	refuse_for(backfill, pgm_change_refusal(backfill->change));
	foreach(lc, backfill->targets)
	{
		PgmTarget  *target = lfirst(lc);
		CachedPlanSource *plan;

		/* first the one whose errors speak of what was written */
		plan = pgm_target_plan(backfill, target, PGM_FORM_MEETS);
		if (pgm_prepared_condition_volatile(plan))
			refuse_volatile(backfill);
		plan = pgm_target_plan(backfill, target, PGM_FORM_RANGE);
		refuse_for(backfill,
				   pgm_change_query_refusal(backfill->change,
											linitial(plan->query_list)));
		pgm_prepared_check(plan);
		if (!backfill->change->is_delete && pgm_prepared_volatile(plan))
			backfill->change->is_volatile = true;
	}
	foreach(lc, backfill->targets)
	{
		choose_way(backfill, lfirst(lc));
		pgm_target_choose_join(backfill, lfirst(lc));
	}
}

/*
 * Lives in the current memory context, which must outlive transactions.  In a
 * transaction.
 */
PgmBackfill *
pgm_backfill_create(PgmOperation *operation, const PgmExec *exec, int worker,
					bool keep_plans)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate backfill",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PgmBackfill *backfill = palloc0(sizeof(PgmBackfill));
	PgmActing	acting;

	backfill->context = context;
	backfill->chunk_context = AllocSetContextCreate(context,
													"pgmigrate chunk",
													ALLOCSET_DEFAULT_SIZES);
	backfill->operation = operation;
	backfill->exec = *exec;
	backfill->worker = worker;
	backfill->keep_plans = keep_plans;
	backfill->quarantine = pgm_on_row_error == PGM_ROW_ERROR_QUARANTINE;
	pgm_targets_lock(backfill);
	read_details(backfill);
	backfill->lacking = backfill->options.workers;
	backfill->control.chunk_time = backfill->options.chunk_time;
	pgm_acting_set(backfill->options.as_owner ?
				   pgm_relation_owner(operation->relid) : InvalidOid);
	backfill->targets = pgm_targets_find(backfill->change);
	pgm_acting_begin(backfill, &acting);
	check_targets(backfill);
	pgm_acting_end(&acting);
	MemoryContextSwitchTo(old);
	return backfill;
}

static void
work_chunk(PgmBackfill *backfill, PgmTarget *target, PgmOperationRange *range)
{
	PgmChunk	chunk = {target, range};
	int64		started;
	int			blocks;

	blocks = pgm_pacer_next(&backfill->pages, backfill->control.chunk_time,
							PGM_RANGE_FIRST, Min(range->end - range->next,
												 PGM_RANGE_MOST),
							target->rows_per_block);
	if (pgm_change_joins(backfill->change))
		blocks = Max(blocks, Min(range->end - range->next, PGM_RANGE_JOINED));
	ItemPointerSet(&chunk.first, range->next, 0);
	ItemPointerSet(&chunk.end, range->next + blocks, 0);
	started = pgm_clock_monotonic();
	pgm_chunk_run(backfill, &chunk);
	if (backfill->moved)
		return;
	pgm_pacer_done(&backfill->pages, blocks,
				   (pgm_clock_monotonic() - started) / 1000.0,
				   backfill->waited_on);
	range->next += blocks;
	pgm_target_vacuum(backfill, target, blocks);
}

/* False if the table has moved, and the ranges have to be read again. */
static bool
work_range(PgmBackfill *backfill, PgmOperationRange *range)
{
	PgmTarget  *target = pgm_target_of(backfill, range->relid);

	/* a partition that is gone, with its rows */
	if (target == NULL || target->dropped)
		return true;

	/* what is known of it now may be what it became since */
	target->filenode = range->filenode;
	backfill->moved = false;
	while (range->next < range->end)
	{
		pgm_control_between(backfill, target);
		MemoryContextReset(backfill->chunk_context);
		MemoryContextSwitchTo(backfill->chunk_context);
		work_chunk(backfill, target, range);
		if (target->dropped)
			return true;
		if (backfill->moved)
		{
			pgm_txn_begin();
			pgm_target_begin_anew(backfill, target);
			pgm_txn_commit();
			return false;
		}
		pgm_control_progress(backfill, false);
		pgm_helpers_poll();
	}
	return true;
}

static bool
is_ours(const PgmBackfill *backfill, const PgmOperationRange *range)
{
	int			worker = range->part % backfill->options.workers;

	return worker == backfill->worker ||
		(backfill->worker == 0 && worker >= backfill->lacking);
}

/* Those of this worker, from where each stopped. */
void
pgm_backfill_work_ranges(PgmBackfill *backfill)
{
	MemoryContext old = CurrentMemoryContext;
	bool		again = true;

	while (again)
	{
		List	   *ranges;
		ListCell   *lc;

		MemoryContextSwitchTo(backfill->context);
		pgm_txn_begin();
		ranges = pgm_operation_ranges(backfill->operation->id);
		pgm_txn_commit();
		again = false;
		foreach(lc, ranges)
		{
			PgmOperationRange *range = lfirst(lc);

			if (is_ours(backfill, range) && !work_range(backfill, range))
				again = true;
		}
	}
	MemoryContextSwitchTo(old);
}

/* In a transaction. */
static int64
count_of(PgmQuery *query, int64 operation)
{
	Datum		values[1];

	values[0] = Int64GetDatum(operation);
	return pgm_spi_one_int64(query, values, NULL);
}

static void
set_state(PgmBackfill *backfill, PgmOperationState state)
{
	pgm_txn_begin();
	pgm_operation_set_state(backfill->operation, state, NULL);
	backfill->waiting_for = NULL;
	pgm_txn_commit();
}

/* Ranges are there from the transaction on in which it is begun. */
static PgmBackfill *
prepare(PgmOperation *operation, const PgmExec *exec)
{
	PgmBackfill *backfill;

	pgm_txn_begin();
	backfill = pgm_backfill_create(operation, exec, 0, true);
	pgm_targets_notice(backfill);
	if (operation->state == PGM_OPERATION_PREPARING &&
		pgm_operation_ranges(operation->id) == NIL)
		pgm_targets_add_ranges(backfill);
	if (operation->state != PGM_OPERATION_COMPARING)
		pgm_operation_set_state(operation, PGM_OPERATION_COPYING, NULL);
	pgm_txn_commit();
	return backfill;
}

void
pgm_backfill_run(PgmOperation *operation, const PgmExec *exec,
				 PgmBackfillResult *result)
{
	PgmBackfill *backfill = prepare(operation, exec);
	int64		from_lists;

	memset(result, 0, sizeof(PgmBackfillResult));
	if (operation->state == PGM_OPERATION_COPYING)
	{
		pgm_control_progress(backfill, true);
		pgm_helpers_work(backfill);
		pgm_control_progress(backfill, true);
		set_state(backfill, PGM_OPERATION_COMPARING);
	}
	from_lists = backfill->rows;
	pgm_sweep(backfill, result);
	from_lists = backfill->rows - from_lists;

	pgm_txn_begin();
	result->rows = count_of(&rows_query, operation->id) + from_lists;
	result->set_aside = count_of(&set_aside_query, operation->id);
	result->again = backfill->again;
	result->hidden = pgm_hidden_rows(backfill);
	pgm_txn_commit();
}

/* In a transaction. */
int
pgm_backfill_give_up(int64 run)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		n;

	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&give_up_query, values, NULL);
	pgm_spi_end(&scope);
	return (int) n;
}
