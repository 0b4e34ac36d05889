/*-------------------------------------------------------------------------
 *
 * sweep.c
 *	  The rows that no range has met, and the proof that there are none.
 *
 * A session that updates a row while the backfill is at work may move it from
 * a page that is not done to one that is, or behind the last.  So at the end
 * the rows that are left are looked for with one snapshot, and changed, until
 * there is none: as of that snapshot the statement has been carried out.  A
 * row may also be moved from a partition that is not looked at yet to one that
 * was, or to one that has been attached since, so those of a partitioned table
 * are counted once the snapshot is taken, and looked at with the same one.
 *
 * The same is done, without any range, for a condition whose rows are better
 * found by an index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "backfill/internal.h"
#include "base/clock.h"
#include "base/transaction.h"

/* Rows that are looked for at once. */
#define PGM_SWEEP_ROWS 100000

/* Rows of the first chunk, and of the largest. */
#define PGM_LIST_FIRST 100
#define PGM_LIST_MOST 20000

/* As long as others write rows to be changed there is no end of them. */
#define PGM_SWEEP_ROUNDS 20

/*
 * In a transaction: so many rows of a form at most, -1 if there is no such
 * form.
 */
static int
find_form(PgmBackfill *backfill, PgmTarget *target, PgmForm form, int limit,
		  ItemPointer rows)
{
	CachedPlanSource *plan;
	PgmActing	acting;
	int			n;

	while (!pgm_target_unmoved(backfill, target) && !target->dropped)
		pgm_target_begin_anew(backfill, target);
	if (target->dropped)
		return -1;
	pgm_acting_begin(backfill, &acting);
	plan = pgm_target_plan(backfill, target, form);
	n = plan == NULL ? -1 : pgm_prepared_find(plan, limit, rows);
	pgm_acting_end(&acting);
	return n;
}

/*
 * The rows that are left now.  To ask whether a row would change may fail as
 * its change does; then all that meet the condition are.
 */
static int
find_rows(PgmBackfill *backfill, PgmTarget *target, ItemPointer rows)
{
	volatile int n = -1;
	volatile bool failed = false;

	PG_TRY();
	{
		pgm_txn_begin();
		n = find_form(backfill, target, PGM_FORM_LEFT, PGM_SWEEP_ROWS, rows);
		pgm_txn_commit();
	}
	PG_CATCH();
	{
		if (!pgm_chunk_recover(backfill))
			PG_RE_THROW();
		failed = true;
	}
	PG_END_TRY();
	if (!failed || !backfill->change->over_assigned)
		return n;
	pgm_txn_begin();
	n = find_form(backfill, target, PGM_FORM_MEETS, PGM_SWEEP_ROWS, rows);
	pgm_txn_commit();
	return n;
}

static void
change_rows(PgmBackfill *backfill, PgmTarget *target, int n, ItemPointer rows)
{
	int			done = 0;

	backfill->moved = false;
	while (done < n && !backfill->moved)
	{
		PgmChunk	chunk = {target};
		int64		started;

		pgm_control_between(backfill, target);
		MemoryContextReset(backfill->chunk_context);
		MemoryContextSwitchTo(backfill->chunk_context);
		chunk.rows = rows + done;
		chunk.nrows = pgm_pacer_next(&backfill->list,
									 backfill->control.chunk_time,
									 PGM_LIST_FIRST,
									 Min(n - done, PGM_LIST_MOST), 1);
		started = pgm_clock_monotonic();
		pgm_chunk_run(backfill, &chunk);
		pgm_pacer_done(&backfill->list, chunk.nrows,
					   (pgm_clock_monotonic() - started) / 1000.0,
					   backfill->waited_on);
		done += chunk.nrows;
	}
}

/*
 * After a round: is there no use in another one?  Rows that were changed and
 * meet the condition all the same would be changed again without end, and
 * what was set aside would be again, and a policy lets through no more than
 * before.  One that was not changed for any other reason has been moved by
 * somebody at that moment.
 */
static bool
is_endless(PgmBackfill *backfill, const PgmTarget *target, int64 rows,
		   int64 again, int64 set_aside)
{
	if (backfill->moved)
		return false;
	if (again > 0 && rows <= again)
		return true;
	return rows == 0 && (set_aside > 0 || target->row_security);
}

/* True if there was a moment at which no row of the table was left. */
static bool
sweep_target(PgmBackfill *backfill, PgmTarget *target, ItemPointer rows)
{
	for (int round = 0; round < PGM_SWEEP_ROUNDS; round++)
	{
		int64		before = backfill->rows;
		int64		again = backfill->again;
		int64		set_aside = backfill->set_aside;
		int			n = find_rows(backfill, target, rows);

		if (n <= 0)
			return n == 0 || target->dropped;
		change_rows(backfill, target, n, rows);
		if (is_endless(backfill, target, backfill->rows - before,
					   backfill->again - again,
					   backfill->set_aside - set_aside))
			break;
	}
	return false;
}

static bool
sweep_targets(PgmBackfill *backfill, List *targets, ItemPointer rows)
{
	bool		proven = true;
	ListCell   *lc;

	foreach(lc, targets)
	{
		if (!sweep_target(backfill, lfirst(lc), rows))
			proven = false;
	}
	return proven;
}

/*
 * The partitions that have a row left, as of one moment, and those that may
 * have: the rows of one that was rewritten since are not seen, and of a new
 * one it is not known whether it was.  All of them if that cannot be asked,
 * for want of such a form or since a row makes it fail; then *proven is false.
 */
static List *
find_left(PgmBackfill *backfill, bool *proven)
{
	List	   *volatile left = NIL;
	volatile bool failed = false;
	ItemPointerData row;

	PG_TRY();
	{
		List	   *known = list_copy(backfill->targets);
		ListCell   *lc;

		/* what is attached after the moment has nothing to do with it */
		pgm_txn_begin_one_snapshot();
		(void) GetTransactionSnapshot();
		left = pgm_targets_add_new(backfill);
		foreach(lc, known)
		{
			PgmTarget  *target = lfirst(lc);
			bool		moved = !pgm_target_unmoved(backfill, target) &&
				!target->dropped;
			int			n = moved ? 0 : find_form(backfill, target,
												  PGM_FORM_LEFT, 1, &row);
			MemoryContext old;

			failed |= n < 0 && !target->dropped;
			if (n <= 0 && !moved)
				continue;
			old = MemoryContextSwitchTo(backfill->context);
			left = lappend(left, target);
			MemoryContextSwitchTo(old);
		}
		pgm_txn_commit();
	}
	PG_CATCH();
	{
		if (!pgm_chunk_recover(backfill))
			PG_RE_THROW();
		failed = true;
	}
	PG_END_TRY();
	*proven = !failed;
	return failed ? backfill->targets : left;
}

static bool
sweep_partitions(PgmBackfill *backfill, ItemPointer rows)
{
	for (int round = 0; round < PGM_SWEEP_ROUNDS; round++)
	{
		bool		proven;
		List	   *left = find_left(backfill, &proven);

		if (left == NIL)
			return true;
		if (!sweep_targets(backfill, left, rows) || !proven)
			break;
	}
	return false;
}

/*
 * A table, and those that inherit from it.  No row moves from one to another,
 * so one after the other will do; then those that were added meanwhile.
 */
static bool
sweep_family(PgmBackfill *backfill, ItemPointer rows)
{
	List	   *targets = backfill->targets;
	bool		proven = true;

	for (int round = 0; round < PGM_SWEEP_ROUNDS; round++)
	{
		if (!sweep_targets(backfill, targets, rows))
			proven = false;
		pgm_txn_begin();
		targets = pgm_targets_add_new(backfill);
		pgm_txn_commit();
		if (targets == NIL)
			return proven;
	}
	return false;
}

void
pgm_sweep(PgmBackfill *backfill, PgmBackfillResult *result)
{
	MemoryContext old = MemoryContextSwitchTo(backfill->context);
	ItemPointer rows = palloc(sizeof(ItemPointerData) * PGM_SWEEP_ROWS);
	bool		partitioned;

	/* partitions may have been added */
	pgm_txn_begin();
	partitioned = get_rel_relkind(backfill->operation->relid) ==
		RELKIND_PARTITIONED_TABLE;
	(void) pgm_targets_add_new(backfill);
	pgm_txn_commit();

	result->proven = partitioned ? sweep_partitions(backfill, rows) :
		sweep_family(backfill, rows);
	MemoryContextSwitchTo(old);
	pfree(rows);
}
