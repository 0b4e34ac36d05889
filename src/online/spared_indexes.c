/*-------------------------------------------------------------------------
 *
 * spared_indexes.c
 *	  Indexes that need not be built anew by a statement on an empty table.
 *
 * ALTER TYPE writes the table anew, and with it each of its indexes: a file is
 * made, before 17 synced, and the one of before removed, all of it under the
 * lock of the switch.  An index on none of the columns that are altered comes
 * out as it was, with nothing in it: for the time of the statement it does not
 * count as one.  The server makes those on altered columns again by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_index.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "online/dependents.h"
#include "online/layout.h"
#include "online/shadow_table.h"

/*
 * The names of the columns that the statements alter.  False if they do
 * anything for which the server may look for an index; of constraints they
 * drop checks only.
 */
static bool
altered_columns(const PgmShadow *shadow, List **names)
{
	const PgmShadowRequest *request = shadow->request;
	ListCell   *lc;

	*names = NIL;
	for (int i = request->n; request->source && i <= request->last; i++)
		if (pgm_shadow_alters(request->source, i) &&
			!pgm_shadow_changes(shadow, i))
			return false;
	foreach(lc, pgm_shadow_commands(shadow))
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AlterColumnType)
			*names = lappend(*names, command->name);
		else if (command->subtype != AT_ColumnDefault &&
				 command->subtype != AT_DropConstraint)
			return false;
	}
	return *names != NIL;
}

/* A foreign key that is made again looks for the key that it refers to. */
static bool
refers_to(Relation rel, const List *family)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);
		ListCell   *member;

		foreach(member, family)
		{
			const PgmShadow *shadow = lfirst(member);

			if (key->confrelid == shadow->relid ||
				key->confrelid == shadow->root)
				return true;
		}
	}
	return false;
}

static Bitmapset *
numbers_of(Relation rel, const List *names)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, names)
		result = bms_add_member(result,
								get_attnum(RelationGetRelid(rel), lfirst(lc)) -
								FirstLowInvalidHeapAttributeNumber);
	return result;
}

/* Also where an expression has the whole row. */
static bool
has_columns_of(Relation index, Bitmapset *columns)
{
	const FormData_pg_index *form = index->rd_index;
	int			row = InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber;
	Bitmapset  *used = NULL;

	pull_varattnos(pgm_layout_stored(INDEXRELID, index->rd_indextuple,
									 Anum_pg_index_indexprs), 1, &used);
	pull_varattnos(pgm_layout_stored(INDEXRELID, index->rd_indextuple,
									 Anum_pg_index_indpred), 1, &used);
	if (bms_is_member(row, used))
		return true;
	for (int i = 0; i < form->indnatts; i++)
		used = bms_add_member(used, form->indkey.values[i] -
							  FirstLowInvalidHeapAttributeNumber);
	return bms_overlap(used, columns);
}

static bool
can_be_spared(Oid relid, Bitmapset *columns)
{
	Relation	index = index_open(relid, NoLock);
	const FormData_pg_index *form = index->rd_index;
	bool		result = form->indisvalid && form->indisready &&
		form->indislive && !form->indcheckxmin &&
		!has_columns_of(index, columns);

	index_close(index, NoLock);
	return result;
}

static void
set_live(List *indexes, bool live)
{
	Relation	catalog;
	ListCell   *lc;

	if (indexes == NIL)
		return;
	catalog = table_open(IndexRelationId, RowExclusiveLock);
	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCacheCopy1(INDEXRELID,
												ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		form = (Form_pg_index) GETSTRUCT(tuple);
		form->indislive = live;
		CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
		CacheInvalidateRelcacheByRelid(form->indrelid);
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

List *
pgm_shadow_spare_indexes(const PgmShadow *shadow)
{
	List	   *result = NIL;
	List	   *names;
	ListCell   *lc;

	if (list_length(pgm_shadow_heads(shadow->family)) > 1 ||
		!altered_columns(shadow, &names))
		return NIL;
	foreach(lc, shadow->family)
	{
		Relation	rel = table_open(((PgmShadow *) lfirst(lc))->relid,
									 NoLock);
		Bitmapset  *columns = numbers_of(rel, names);
		bool		refers = refers_to(rel, shadow->family);
		List	   *indexes = RelationGetIndexList(rel);
		ListCell   *index;

		table_close(rel, NoLock);
		if (refers)
			return NIL;
		foreach(index, indexes)
			if (can_be_spared(lfirst_oid(index), columns))
			result = lappend_oid(result, lfirst_oid(index));
	}
	set_live(result, false);
	return result;
}

void
pgm_shadow_count_indexes(List *indexes)
{
	set_live(indexes, true);
}
