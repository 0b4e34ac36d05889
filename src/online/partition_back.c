/*-------------------------------------------------------------------------
 *
 * partition_back.c
 *	  The way back from partitions.
 *
 * Each partition writes to the old rows.  On the way back the table and the
 * one with the old rows exchange what they are: the partitions are dropped,
 * the table gets the files, and the other one is partitioned, by the same key,
 * until it is dropped too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi_list.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/partition.h"
#include "online/sync_trigger.h"

/* Of the foreign keys on a partition $1 those that are parts of others. */
static PgmQuery parts_query = {
	"SELECT k.oid::int8 FROM pg_constraint k WHERE k.confrelid = $1 "
	"AND k.contype = 'f' AND k.conparentid <> 0 ORDER BY k.oid",
	1, {OIDOID}
};

/*
 * One that is detached and attached again is attached by another transaction:
 * what was written meanwhile went to others, or to it alone.
 */
static PgmQuery attached_query = {
	"SELECT coalesce(string_agg(format('%s %s', i.inhrelid, i.xmin), ',' "
	"ORDER BY i.inhrelid), '') FROM pg_inherits i WHERE i.inhparent = $1",
	1, {OIDOID}
};

/* While it is partitioned. */
static List *
leaves_of(const PgmShadow *shadow)
{
	if (!pgm_partition_wanted(shadow) ||
		get_rel_relkind(shadow->relid) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	return find_inheritance_children(shadow->relid, NoLock);
}

/* That were made, and are there, whether or not they are attached still. */
List *
pgm_partition_leaves(const PgmShadow *shadow)
{
	char	   *made = pgm_partition_wanted(shadow) ?
		pgm_operation_detail(shadow->operation, "partitions") : NULL;
	List	   *result = NIL;

	while (made != NULL && *made != '\0')
	{
		Oid			leaf = (Oid) strtoul(made, &made, 10);

		if (get_rel_name(leaf) != NULL)
			result = lappend_oid(result, leaf);
	}
	return result;
}

static char *
as_text(List *leaves)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, leaves)
		appendStringInfo(&text, "%s%u", text.len > 0 ? " " : "",
						 lfirst_oid(lc));
	return text.data;
}

void
pgm_partition_remember(const PgmShadow *shadow, Oid parent)
{
	Datum		values[1] = {ObjectIdGetDatum(parent)};

	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"partitions\": \"%s\", \"attached\": \"%s\"}",
									   as_text(find_inheritance_children(parent,
																		 NoLock)),
									   pgm_spi_one_text(&attached_query,
														values)));
}

bool
pgm_partition_is_as_made(const PgmShadow *shadow, Oid parent)
{
	Datum		values[1] = {ObjectIdGetDatum(parent)};
	const char *made = pgm_operation_detail(shadow->operation, "attached");
	const char *now = pgm_spi_one_text(&attached_query, values);

	return made != NULL && strcmp(made, now) == 0;
}

void
pgm_partition_follow(PgmShadow *shadow)
{
	List	   *leaves = leaves_of(shadow);
	ListCell   *lc;

	foreach(lc, leaves)
		pgm_shadow_write_back(shadow, lfirst_oid(lc));
	pgm_partition_remember(shadow, shadow->relid);
}

bool
pgm_partition_is_intact(const PgmShadow *shadow)
{
	List	   *leaves = leaves_of(shadow);
	ListCell   *lc;

	if (!pgm_partition_is_as_made(shadow, shadow->relid))
		return false;
	foreach(lc, leaves)
	{
		if (!pgm_sync_is_intact(lfirst_oid(lc), shadow->operation->id,
								InvalidOid))
			return false;
	}
	return true;
}

void
pgm_partition_drop_triggers(const PgmShadow *shadow)
{
	ListCell   *lc;

	foreach(lc, pgm_partition_leaves(shadow))
		pgm_sync_drop(lfirst_oid(lc), shadow->operation->id);
}

/*
 * As the server does it when a partition is detached, but for the question
 * whether a row of it is referenced: the table will have it.
 */
static void
drop_parts(Oid leaf)
{
	Datum		values[1];
	ListCell   *lc;

	values[0] = ObjectIdGetDatum(leaf);
	foreach(lc, pgm_spi_oids(&parts_query, values))
	{
		ObjectAddress address;

		ConstraintSetParentConstraint(lfirst_oid(lc), InvalidOid, InvalidOid);
		deleteDependencyRecordsForClass(ConstraintRelationId, lfirst_oid(lc),
										ConstraintRelationId,
										DEPENDENCY_INTERNAL);
		CommandCounterIncrement();
		ObjectAddressSet(address, ConstraintRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

static void
drop_leaf(const PgmShadow *shadow, Oid leaf)
{
	ObjectAddress address;

	drop_parts(leaf);
	pgm_layout_run_text(psprintf("ALTER TABLE %s DETACH PARTITION %s",
								 shadow->name, pgm_layout_name(leaf)));
	CommandCounterIncrement();
	ObjectAddressSet(address, RelationRelationId, leaf);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* What the table depends on by its key, and its columns by the table. */
static void
forget_key(Oid relid)
{
	Relation	catalog = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	RemovePartitionKeyByRelId(relid);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL, 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->objsubid == 0 ?
			form->refclassid == OperatorClassRelationId ||
			form->refclassid == CollationRelationId :
			form->refclassid == RelationRelationId &&
			form->refobjid == relid && form->refobjsubid == 0 &&
			form->deptype == DEPENDENCY_INTERNAL)
			CatalogTupleDelete(catalog, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

void
pgm_partition_switch_back(PgmShadow *shadow)
{
	PgmOwnerScope scope;
	ListCell   *lc;

	pgm_partition_drop_triggers(shadow);
	pgm_owner_enter(&scope, shadow->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, leaves_of(shadow))
		drop_leaf(shadow, lfirst_oid(lc));
	pgm_owner_leave(&scope);
	forget_key(shadow->relid);
	pgm_shadow_require_same(shadow, pgm_layout_exchange_kinds(shadow->relid,
															  shadow->old));
	pgm_partition_copy_mark(shadow->old, shadow->relid);
	pgm_partition_let_inherit(shadow->relid, false);
	pgm_partition_store_key(shadow->old, shadow->beside);
	pgm_partition_tell_others(shadow);
}
