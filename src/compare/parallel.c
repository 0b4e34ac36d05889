/*-------------------------------------------------------------------------
 *
 * parallel.c
 *	  Both sides of a comparison, summed by parallel workers.
 *
 * Each side is one scan that the caller and the workers share, as in a
 * parallel query: a process takes the next pages that nobody has taken, and
 * adds its rows to sums of its own.  At the end those of the workers are added
 * to those of the caller; whoever has read a row, the outcome is the same.
 * All of them have the snapshot, the user and the settings of the caller.
 *
 * Only plain tables are read like that, by code that is marked parallel safe,
 * and with columns that are compared as they are stored: what the text of a
 * type calls is not known.  The number of workers is what the planner would
 * take for a scan of the larger table.  Where there are none the caller does
 * all of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/relation.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/nodeSeqscan.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "compare/internal.h"
#include "compare/row_image.h"
#include "compat/catalog.h"
#include "compat/planner.h"

#define SIDES 2
#define WATCH_EVERY_MS 500

/* In the table of contents; a scan is found by the number of its side. */
#define KEY_SHARED UINT64CONST(0x5047430000000000)
#define KEY_PLAN(side) (KEY_SHARED + 0x10 + (side))
#define KEY_TEXT(side) (KEY_SHARED + 0x20 + (side))

/* The sums are those of each worker. */
typedef struct Shared
{
	PgmCompareSecrets secrets;
	int			nkeys;
	int			npairs;
	pg_atomic_uint64 rows[SIDES];
	PgmCompareSums sums[FLEXIBLE_ARRAY_MEMBER];
} Shared;

/* A side as the caller has it. */
typedef struct Side
{
	char	   *text;
	PlannedStmt *plan;
	char	   *plan_text;
	Oid			relid;
	QueryDesc  *query;
} Side;

extern PGDLLEXPORT void pgmigrate_compare_worker_main(dsm_segment *segment,
													  shm_toc *toc);

static bool
has_text_columns(const PgmComparison *comparison)
{
	const PgmRowImage *image = pgm_image_create(comparison->tupdesc);

	for (int i = 0; i < image->ncolumns; i++)
		if (image->columns[i].kind == PGM_IMAGE_TEXT)
			return true;
	return false;
}

/* As many as the planner would take: one more for each triple of pages. */
static int
workers_for(Oid relid)
{
	Relation	relation = relation_open(relid, NoLock);
	int			workers = RelationGetParallelWorkers(relation, -1);
	BlockNumber pages = RelationGetNumberOfBlocks(relation);
	uint64		threshold = Max(min_parallel_table_scan_size, 1);

	relation_close(relation, NoLock);
	if (workers != -1)
		return workers;
	if (pages < (BlockNumber) min_parallel_table_scan_size)
		return 0;
	for (workers = 1; pages >= threshold * 3; workers++)
		threshold *= 3;
	return workers;
}

/* How many workers to ask for; the plans are made if there are any. */
static int
plan_sides(const PgmComparison *comparison, Side *sides)
{
	int			workers = 0;

	if (max_parallel_workers_per_gather == 0 || !IsUnderPostmaster ||
		IsInParallelMode() || has_text_columns(comparison))
		return 0;
	for (int i = 0; i < SIDES; i++)
	{
		Side	   *side = &sides[i];

		side->text = pgm_compare_query(comparison, (PgmCompareSide) i, NULL);
		side->plan = pgm_compare_shared_plan(comparison, side->text,
											 &side->relid);
		if (side->plan == NULL)
			return 0;
		side->plan->planTree->parallel_aware = true;
		side->plan->planTree->plan_node_id = i;
		side->plan_text = nodeToString(side->plan);
		workers = Max(workers, workers_for(side->relid));
	}
	return Min(workers, max_parallel_workers_per_gather);
}

static void
estimate_text(ParallelContext *context, const char *text)
{
	shm_toc_estimate_chunk(&context->estimator, strlen(text) + 1);
	shm_toc_estimate_keys(&context->estimator, 1);
}

static void
insert_text(ParallelContext *context, uint64 key, const char *text)
{
	Size		size = strlen(text) + 1;
	char	   *copy = shm_toc_allocate(context->toc, size);

	memcpy(copy, text, size);
	shm_toc_insert(context->toc, key, copy);
}

/* What the processes share. */
static Shared *
share(const PgmComparison *comparison, const PgmCompareSecrets *secrets,
	  ParallelContext *context, Side *sides)
{
	Size		size = offsetof(Shared, sums) +
		mul_size(sizeof(PgmCompareSums), context->nworkers);
	Shared	   *shared;

	for (int i = 0; i < SIDES; i++)
	{
		ExecSeqScanEstimate(castNode(SeqScanState,
									 sides[i].query->planstate), context);
		estimate_text(context, sides[i].plan_text);
		estimate_text(context, sides[i].text);
	}
	shm_toc_estimate_chunk(&context->estimator, size);
	shm_toc_estimate_keys(&context->estimator, 1);
	InitializeParallelDSM(context);
	for (int i = 0; i < SIDES; i++)
	{
		ExecSeqScanInitializeDSM(castNode(SeqScanState,
										  sides[i].query->planstate),
								 context);
		insert_text(context, KEY_PLAN(i), sides[i].plan_text);
		insert_text(context, KEY_TEXT(i), sides[i].text);
	}
	shared = shm_toc_allocate(context->toc, size);
	memset(shared, 0, size);
	shared->secrets = *secrets;
	shared->nkeys = comparison->nkeys;
	shared->npairs = comparison->npairs;
	for (int i = 0; i < SIDES; i++)
		pg_atomic_init_u64(&shared->rows[i], 0);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	return shared;
}

static QueryDesc *
start_query(PlannedStmt *plan, const char *text)
{
	QueryDesc  *query = CreateQueryDesc(plan, text, GetActiveSnapshot(),
										InvalidSnapshot, None_Receiver, NULL,
										NULL, 0);

	ExecutorStart(query, 0);
	return query;
}

static void
end_query(QueryDesc *query)
{
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
}

static bool
are_at_work(const ParallelContext *context)
{
	pid_t		pid;

	for (int w = 0; w < context->nworkers_launched; w++)
		if (context->worker[w].error_mqh != NULL &&
			GetBackgroundWorkerPid(context->worker[w].bgwhandle,
								   &pid) != BGWH_STOPPED)
			return true;
	return false;
}

/* A caller that does not read, or has read its share, still tells. */
static void
watch(ParallelContext *context, const PgmCompareProgress *progress,
	  pg_atomic_uint64 *rows)
{
	PgmCompareProgress shown = *progress;

	while (shown.comparison != NULL && are_at_work(context))
	{
		pgm_clock_wait(WATCH_EVERY_MS);
		CHECK_FOR_INTERRUPTS();
		pgm_compare_progress(&shown,
							 (int64) (pg_atomic_read_u64(&rows[PGM_SIDE_A]) +
									  pg_atomic_read_u64(&rows[PGM_SIDE_B])),
							 GetCurrentTimestamp());
	}
}

bool
pgm_compare_sum_in_parallel(const PgmComparison *comparison,
							const PgmCompareSecrets *secrets,
							PgmCompareSums *sums,
							const PgmCompareProgress *progress, int64 *rows)
{
	Side		sides[SIDES] = {{0}};
	int			workers = plan_sides(comparison, sides);
	ParallelContext *context;
	Shared	   *shared;

	if (workers <= 0)
		return false;
	EnterParallelMode();
	context = CreateParallelContext("pgmigrate",
									"pgmigrate_compare_worker_main", workers);
	for (int i = 0; i < SIDES; i++)
		sides[i].query = start_query(sides[i].plan, sides[i].text);
	shared = share(comparison, secrets, context, sides);
	LaunchParallelWorkers(context);
	if (parallel_leader_participation || context->nworkers_launched == 0)
		for (int i = 0; i < SIDES; i++)
		{
			sides[i].query->dest =
				pgm_compare_summing(comparison, secrets, (PgmCompareSide) i,
									sums, shared->rows, progress);
			pgm_executor_run(sides[i].query);
		}
	watch(context, progress, shared->rows);
	WaitForParallelWorkersToFinish(context);
	for (int w = 0; w < context->nworkers_launched; w++)
	{
		sums->unlike |= shared->sums[w].unlike;
		for (int i = 0; i < PGM_COMPARE_BUCKETS; i++)
		{
			sums->bucket[i].lo += shared->sums[w].bucket[i].lo;
			sums->bucket[i].hi += shared->sums[w].bucket[i].hi;
		}
	}
	*rows = (int64) pg_atomic_read_u64(&shared->rows[PGM_SIDE_A]);
	for (int i = 0; i < SIDES; i++)
		end_query(sides[i].query);
	DestroyParallelContext(context);
	ExitParallelMode();
	return true;
}

void
pgmigrate_compare_worker_main(dsm_segment *segment, shm_toc *toc)
{
	Shared	   *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	ParallelWorkerContext context = {0};

	context.seg = segment;
	context.toc = toc;
	for (int i = 0; i < SIDES; i++)
	{
		const char *text = shm_toc_lookup(toc, KEY_TEXT(i), false);
		const char *plan = shm_toc_lookup(toc, KEY_PLAN(i), false);
		PgmComparison comparison = {0};
		QueryDesc  *query;

		debug_query_string = text;
		pgstat_report_activity(STATE_RUNNING, text);
		query = start_query(castNode(PlannedStmt, stringToNode(plan)), text);
		ExecSeqScanInitializeWorker(castNode(SeqScanState, query->planstate),
									&context);
		comparison.nkeys = shared->nkeys;
		comparison.npairs = shared->npairs;
		comparison.tupdesc = query->tupDesc;
		query->dest = pgm_compare_summing(&comparison, &shared->secrets,
										  (PgmCompareSide) i,
										  &shared->sums[ParallelWorkerNumber],
										  shared->rows, NULL);
		pgm_executor_run(query);
		end_query(query);
	}
}
