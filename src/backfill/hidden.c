/*-------------------------------------------------------------------------
 *
 * hidden.c
 *	  How many rows does row security hide from a backfill?
 *
 * Those that are there, less those that policies let the role change.  Its
 * condition is not asked: what hidden rows are like is nobody's business, how
 * many a table has the catalog tells anyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "backfill/internal.h"
#include "compat/plan.h"
#include "compat/server.h"

static int64
count_all(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TableScanDesc scan = pgm_table_beginscan(rel, GetActiveSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	int64		n = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		n++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, NoLock);
	return n;
}

static Query *
analyze(const PgmBackfill *backfill, RawStmt *raw, Oid *types, int ntypes)
{
	return linitial(pg_analyze_and_rewrite_fixedparams(raw,
													   backfill->change->source->text,
													   types, ntypes, NULL));
}

/* All rows of the table that the policies of the change let through. */
static int64
count_open(const PgmBackfill *backfill, const PgmTarget *target)
{
	PgmChange	all = *backfill->change;
	Oid			types[2] = {TIDOID, TIDOID};
	Query	   *change;
	Query	   *look;

	change = analyze(backfill, pgm_change_form(&all, target->relid,
											   PGM_FORM_RANGE), types, 2);
	all.condition = NULL;
	all.joined = NIL;
	all.with = NULL;
	look = analyze(backfill, pgm_change_form(&all, target->relid,
											 PGM_FORM_MEETS), NULL, 0);

	/* in both the table is the first */
	Assert(change->resultRelation == 1);
	rt_fetch(1, look->rtable)->securityQuals =
		copyObject(rt_fetch(1, change->rtable)->securityQuals);
	look->hasSubLinks |= change->hasSubLinks;
	return pgm_prepared_count(pgm_plan_query(look, all.source->text, NULL),
							  all.source->text);
}

/* In a transaction: of all its tables. */
int64
pgm_hidden_rows(PgmBackfill *backfill)
{
	int64		n = 0;
	ListCell   *lc;

	/* before those below it, as ALTER TABLE locks them */
	pgm_targets_lock(backfill);
	foreach(lc, backfill->targets)
	{
		PgmTarget  *target = lfirst(lc);
		PgmActing	acting;

		if (!target->row_security || target->dropped ||
			!pgm_target_unmoved(backfill, target))
			continue;
		PushActiveSnapshot(GetTransactionSnapshot());
		pgm_acting_begin(backfill, &acting);
		n += count_all(target->relid) - count_open(backfill, target);
		pgm_acting_end(&acting);
		PopActiveSnapshot();
	}
	return n;
}
