/*-------------------------------------------------------------------------
 *
 * target.c
 *	  The tables that a backfill is about, and the ranges of their blocks.
 *
 * Each partition, and each table that inherits, is a target of its own: its
 * blocks are counted, and its rows changed in it.  A range is bound to the
 * file that its blocks are of.  When TRUNCATE, CLUSTER or VACUUM FULL has
 * given the table another one, all of its ranges begin anew: what is changed
 * twice is as good as what is changed once, see pgm_change_refusal().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/sinval.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "backfill/internal.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "classify/foreign_relations.h"
#include "classify/verdict.h"
#include "compat/lock.h"
#include "compat/planner.h"

/* A table that is smaller is not divided among workers. */
#define PGM_PART_BLOCKS 1024

/* Of a table's blocks changed, before it is vacuumed; and no fewer. */
#define PGM_VACUUM_SHARE 10
#define PGM_VACUUM_BLOCKS 1024

/*
 * It naps as autovacuum does, after ten times as much work: at full speed it
 * would keep a core and the WAL from the application for seconds.
 */
#define PGM_VACUUM_DELAY "2ms"
#define PGM_VACUUM_LIMIT "2000"

static PgmQuery drop_query = {
	"DELETE FROM pgmigrate.operation_range WHERE operation = $1 "
	"AND relid = $2",
	2, {INT8OID, OIDOID}
};

/* $1: the tables; $2: are rows deleted?  Else their columns $3 change. */
static PgmQuery cascades_query = {
	"SELECT format('%I.%I are changed along, by foreign key %I', n.nspname, "
	"c.relname, k.conname) FROM pg_constraint k JOIN pg_class c "
	"ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE k.contype = 'f' AND k.confrelid = ANY ($1) AND k.conparentid = 0 "
	"AND CASE WHEN $2 THEN k.confdeltype ELSE k.confupdtype END "
	"IN ('c', 'n', 'd') AND ($2 OR EXISTS (SELECT FROM pg_attribute a "
	"WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey) "
	"AND a.attname = ANY ($3))) ORDER BY 1",
	3, {OIDARRAYOID, BOOLOID, TEXTARRAYOID}
};

static void
refuse_kind(Relation rel, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_WRONG_OBJECT_TYPE),
			errmsg("cannot backfill relation \"%s\"",
				   RelationGetRelationName(rel)),
			errdetail_internal("%s", detail));
}

/* Is it a table with rows of its own?  Refuses what is no table. */
static bool
has_rows(Relation rel)
{
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_PARTITIONED_TABLE:
			return false;
		case RELKIND_RELATION:
			break;
		case RELKIND_VIEW:
			refuse_kind(rel, "It is a view.");
			break;
		case RELKIND_MATVIEW:
			refuse_kind(rel, "It is a materialized view.");
			break;
		case RELKIND_FOREIGN_TABLE:
			refuse_kind(rel, "It is a foreign table.");
			break;
		default:
			refuse_kind(rel, "It is no table.");
			break;
	}
	if (IsCatalogRelation(rel) ||
		rel->rd_rel->relnamespace == get_namespace_oid("pgmigrate", true))
		refuse_kind(rel, "It belongs to the system.");
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		refuse_kind(rel, "It is a temporary table.");
	if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		refuse_kind(rel, "It is not stored as a heap.");
	return true;
}

/* Whatever share of the blocks there are is empty. */
static int
rows_of_a_full_block(Relation rel)
{
	Size		row = MAXALIGN(SizeofHeapTupleHeader) +
		MAXALIGN(get_rel_data_width(rel, NULL)) + sizeof(ItemIdData);

	return Max((BLCKSZ - SizeOfPageHeaderData) / row, 1);
}

static PgmTarget *
make_target(Relation rel)
{
	PgmTarget  *target = palloc0(sizeof(PgmTarget));

	target->relid = RelationGetRelid(rel);
	target->filenode = rel->rd_rel->relfilenode;
	target->name = pgm_relation_name(target->relid);
	target->blocks = RelationGetNumberOfBlocks(rel);
	target->rows_per_block = rows_of_a_full_block(rel);
	target->row_security = check_enable_rls(target->relid, pgm_acting_role(),
											true) == RLS_ENABLED;
	return target;
}

/*
 * Policies of a partitioned table are not those of its partitions, which is
 * where the rows are changed.
 */
static void
refuse_row_security(Relation rel)
{
	if (check_enable_rls(RelationGetRelid(rel), pgm_acting_role(), true) ==
		RLS_ENABLED)
		refuse_kind(rel, "It has row security, which its partitions do not have.");
}

static void
notice_cascades(const PgmBackfill *backfill)
{
	const PgmChange *change = backfill->change;
	List	   *relids = list_make1_oid(change->relid);
	List	   *assigned = NIL;
	Datum		values[3];
	ListCell   *lc;

	foreach(lc, backfill->targets)
		relids = list_append_unique_oid(relids,
										((PgmTarget *) lfirst(lc))->relid);
	foreach(lc, change->assigned)
		assigned = lappend(assigned, makeString(lfirst(lc)));
	values[0] = pgm_oid_array_datum(relids);
	values[1] = BoolGetDatum(change->is_delete);
	values[2] = pgm_names_datum(assigned);
	foreach(lc, pgm_spi_texts(&cascades_query, values))
		ereport(NOTICE,
				errmsg("rows of relation %s", (char *) lfirst(lc)));
}

/* What is to be known of it, said once. */
void
pgm_targets_notice(const PgmBackfill *backfill)
{
	ListCell   *lc;

	foreach(lc, backfill->targets)
	{
		const PgmTarget *target = lfirst(lc);

		if (target->row_security)
			ereport(NOTICE,
					errmsg("row security applies to relation %s: rows that role \"%s\" cannot see or change are left as they are",
						   target->name,
						   GetUserNameFromId(pgm_acting_role(), false)));
	}
	notice_cascades(backfill);
	if (backfill->change->is_volatile && !backfill->change->over_assigned)
		ereport(NOTICE,
				errmsg("the new values are volatile: a row that others update meanwhile may get another one"));
}

/*
 * Also of one that goes on: the table may have gone meanwhile, and all that
 * was below it.
 */
void
pgm_targets_lock(const PgmBackfill *backfill)
{
	const PgmOperation *operation = backfill->operation;

	if (!operation->elsewhere)
	{
		LockRelationOid(operation->relid, AccessShareLock);
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(operation->relid)))
			return;
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_TABLE),
			errmsg("relation %s was dropped while its backfill was at work",
				   quote_qualified_identifier(operation->schema,
											  operation->relation)),
			operation->id != 0 &&
			strcmp(operation->strategy, "backfill") == 0 ?
			errhint("Give it up with SELECT pgmigrate.cancel(" INT64_FORMAT ").",
					operation->run) : 0);
}

List *
pgm_targets_find(const PgmChange *change)
{
	List	   *relids;
	List	   *result = NIL;
	ListCell   *lc;

	/* locks those below it only; it is locked itself */
	relids = find_all_inheritors(change->relid, AccessShareLock, NULL);
	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		bool		rows = has_rows(rel);

		if (rows)
			result = lappend(result, make_target(rel));
		else
			refuse_row_security(rel);
		table_close(rel, NoLock);
	}
	return result;
}

/* Those that are known are not locked for that: others may rewrite them. */
static bool
has_new_tables(PgmBackfill *backfill)
{
	Oid			relid = backfill->change->relid;
	ListCell   *lc;

	pgm_targets_lock(backfill);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE &&
			pgm_target_of(backfill, lfirst_oid(lc)) == NULL)
			return true;
	}
	return false;
}

/* The tables that have become part of it since, which are targets now. */
List *
pgm_targets_add_new(PgmBackfill *backfill)
{
	MemoryContext old = MemoryContextSwitchTo(backfill->context);
	List	   *added = NIL;
	List	   *found = NIL;
	ListCell   *lc;

	if (has_new_tables(backfill))
		found = pgm_targets_find(backfill->change);
	foreach(lc, found)
	{
		PgmTarget  *target = lfirst(lc);

		if (pgm_target_of(backfill, target->relid) != NULL)
			continue;
		backfill->targets = lappend(backfill->targets, target);
		added = lappend(added, target);
	}
	MemoryContextSwitchTo(old);
	return added;
}

static void
prepare_error_callback(void *arg)
{
	const PgmChange *change = arg;

	pgm_source_error_position(change->source, change->n);
}

/*
 * By hand: the code of others that a change of its rows reaches would run with
 * the rights of the caller.  Anew whenever something in the catalog changed,
 * under a lock that keeps triggers and indexes as they are.
 */
static void
refuse_strange(PgmBackfill *backfill, PgmTarget *target)
{
	uint64		now;
	char	   *strange;

	if (backfill->operation->revision != NULL)
		return;
	LockRelationOid(target->relid, RowExclusiveLock);
	now = SharedInvalidMessageCounter + 1;
	if (target->checked == now)
		return;
	strange = pgm_strange_in_relations(list_make1_oid(target->relid),
									   GetUserId(), true);
	if (strange != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("relation %s is not changed, it reaches %s",
					   target->name, strange),
				errdetail("It belongs to another role, and would run with the rights of role \"%s\".",
						  GetUserNameFromId(GetUserId(), false)),
				errhint("Call it after SET ROLE to the owner of that, or write the UPDATE into a revision: upgrade() runs it with the rights that any statement of the revision has."));
	target->checked = now;
}

/* NULL if there is no such form. */
CachedPlanSource *
pgm_target_plan(PgmBackfill *backfill, PgmTarget *target, PgmForm form)
{
	PgmChange  *change = backfill->change;
	ErrorContextCallback callback;
	RawStmt    *raw;

	refuse_strange(backfill, target);
	if (target->plans[form] != NULL)
		return target->plans[form];
	raw = pgm_change_form(change, target->relid, form);
	if (raw == NULL)
		return NULL;
	callback.callback = prepare_error_callback;
	callback.arg = change;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	target->plans[form] = pgm_prepare(raw, change->source->text, form);
	error_context_stack = callback.previous;
	if (backfill->keep_plans)
		SaveCachedPlan(target->plans[form]);
	return target->plans[form];
}

static void
forget_plans(PgmTarget *target)
{
	for (int i = 0; i < PGM_FORMS; i++)
	{
		if (target->plans[i] != NULL)
			DropCachedPlan(target->plans[i]);
		target->plans[i] = NULL;
	}
}

/* Of a statement that joins, before the first chunk. */
void
pgm_target_choose_join(PgmBackfill *backfill, PgmTarget *target)
{
	target->by_lookups = pgm_change_joins(backfill->change) &&
		pgm_prepared_reads_much(pgm_target_plan(backfill, target,
												PGM_FORM_RANGE));
	if (target->by_lookups)
		forget_plans(target);
}

/*
 * Locks it as an UPDATE would.  False if its blocks are not those that were
 * counted any more.  A table that got another name is the same one.
 */
bool
pgm_target_unmoved(PgmBackfill *backfill, PgmTarget *target)
{
	HeapTuple	tuple;
	Oid			filenode;
	char	   *name;

	LockRelationOid(target->relid, RowExclusiveLock);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(target->relid));
	if (!HeapTupleIsValid(tuple))
	{
		pgm_targets_lock(backfill);
		target->dropped = true;
		return false;
	}
	filenode = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	name = pgm_relation_name(target->relid);
	if (strcmp(name, target->name) != 0)
	{
		forget_plans(target);
		target->name = MemoryContextStrdup(backfill->context, name);
	}
	return filenode == target->filenode;
}

/* Blocks begin to before begin + n / parts of a table. */
static void
add_parts(const PgmBackfill *backfill, const PgmTarget *target, int parts,
		  int first_part)
{
	for (int i = 0; i < parts; i++)
	{
		PgmOperationRange range = {0};

		range.operation = backfill->operation->id;
		range.part = first_part + i;
		range.relid = target->relid;
		range.filenode = target->filenode;
		range.first = (uint64) target->blocks * i / parts;
		range.next = range.first;
		range.end = (uint64) target->blocks * (i + 1) / parts;
		pgm_operation_add_range(&range);
	}
}

/* At the start; also decides which rows are found by an index. */
void
pgm_targets_add_ranges(PgmBackfill *backfill)
{
	int			part = 1;
	ListCell   *lc;

	foreach(lc, backfill->targets)
	{
		PgmTarget  *target = lfirst(lc);
		int			parts = target->blocks / PGM_PART_BLOCKS + 1;

		if (target->by_index)
			continue;
		parts = Min(parts, backfill->options.workers);
		add_parts(backfill, target, parts, part);
		part += parts;
	}
}

/*
 * The file is another one: all of its ranges begin anew, unless another worker
 * was faster.
 */
void
pgm_target_begin_anew(PgmBackfill *backfill, PgmTarget *target)
{
	int64		id = backfill->operation->id;
	List	   *ranges;
	ListCell   *lc;
	int			parts = 0;
	int			first_part = 0;
	bool		anew = false;
	Relation	rel;
	PgmSpiScope scope;
	Datum		values[2];

	(void) pgm_operation_lock(id);
	rel = table_open(target->relid, RowExclusiveLock);
	target->filenode = rel->rd_rel->relfilenode;
	target->blocks = RelationGetNumberOfBlocks(rel);
	target->stale = 0;
	table_close(rel, NoLock);

	ranges = pgm_operation_ranges(id);
	foreach(lc, ranges)
	{
		PgmOperationRange *range = lfirst(lc);

		if (range->relid != target->relid)
			continue;
		if (parts++ == 0)
			first_part = range->part;
		if (range->filenode != target->filenode)
			anew = true;
	}
	if (!anew)
		return;
	values[0] = Int64GetDatum(id);
	values[1] = ObjectIdGetDatum(target->relid);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&drop_query, values, NULL);
	pgm_spi_end(&scope);
	add_parts(backfill, target, parts, first_part);
	ereport(NOTICE,
			errmsg("relation %s has got another file, its backfill begins anew",
				   target->name));
}

PgmTarget *
pgm_target_of(PgmBackfill *backfill, Oid relid)
{
	ListCell   *lc;

	foreach(lc, backfill->targets)
	{
		PgmTarget  *target = lfirst(lc);

		if (target->relid == relid)
			return target;
	}
	return NULL;
}

/* In a transaction: may it be vacuumed now, without waiting for anybody? */
static bool
may_vacuum(const PgmTarget *target)
{
	if (!pgm_class_ownercheck(target->relid, GetUserId()))
		return false;
	if (!ConditionalLockRelationOid(target->relid, ShareUpdateExclusiveLock))
		return false;
	UnlockRelationOid(target->relid, ShareUpdateExclusiveLock);
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(target->relid));
}

static void
set_for_session(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SET, true, 0, false);
}

/*
 * Outside of a transaction, of which VACUUM makes its own: a setting of one
 * would not last.  Whoever has set a delay has his.
 */
static void
vacuum(PgmBackfill *backfill, const PgmSource *source)
{
	double		delay = VacuumCostDelay;
	int			limit = VacuumCostLimit;

	if (delay == 0)
	{
		set_for_session("vacuum_cost_delay", PGM_VACUUM_DELAY);
		set_for_session("vacuum_cost_limit", PGM_VACUUM_LIMIT);
	}
	PG_TRY();
	{
		pgm_txn_begin();
		(void) pgm_exec_statement(&backfill->exec, source, 0, true);
		pgm_txn_commit();
	}
	PG_FINALLY();
	{
		/* not by SET, which the abort of a transaction undoes */
		VacuumCostDelay = delay;
		VacuumCostLimit = limit;
	}
	PG_END_TRY();
}

/*
 * Outside of a transaction.  The old versions of a tenth of the table make
 * room for the new ones of the next, so that it does not double.
 */
void
pgm_target_vacuum(PgmBackfill *backfill, PgmTarget *target,
				  BlockNumber changed)
{
	BlockNumber enough = target->blocks / PGM_VACUUM_SHARE /
		backfill->options.workers;
	PgmSource  *source;
	bool		now;

	target->stale += changed;
	if (!pgm_backfill_vacuum ||
		target->stale < Max(enough, PGM_VACUUM_BLOCKS))
		return;
	pgm_txn_begin();
	now = may_vacuum(target);
	pgm_txn_commit();
	if (!now)
		return;
	source = pgm_source_parse(psprintf("VACUUM (SKIP_LOCKED, TRUNCATE false) %s",
									   target->name),
							  PGM_SOURCE_OTHER, NULL);
	vacuum(backfill, source);
	target->stale = 0;
}
