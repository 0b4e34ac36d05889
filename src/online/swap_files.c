/*-------------------------------------------------------------------------
 *
 * swap_files.c
 *	  Exchange the files of two tables with the same layout.
 *
 * As CLUSTER does it, but with indexes that are built already.  What is known
 * of a file, how large it is and how far it is frozen, goes with it.  TOAST
 * tables change their owners instead: values in the file say which one they
 * are in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/genam.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "commands/tablecmds.h"
#include "storage/lmgr.h"
#include "storage/predicate.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat/lock.h"
#include "compat/files.h"
#include "compat/modify.h"
#include "online/layout.h"

#define SWAP(type, a, b) \
	do { \
		type		swap_ = (a); \
		(a) = (b); \
		(b) = swap_; \
	} while (0)

static void
swap_class(Form_pg_class a, Form_pg_class b)
{
	SWAP(Oid, a->relfilenode, b->relfilenode);
	SWAP(Oid, a->reltablespace, b->reltablespace);
	SWAP(int32, a->relpages, b->relpages);
	SWAP(float4, a->reltuples, b->reltuples);
	SWAP(int32, a->relallvisible, b->relallvisible);
	SWAP(Oid, a->reltoastrelid, b->reltoastrelid);
	SWAP(TransactionId, a->relfrozenxid, b->relfrozenxid);
	SWAP(TransactionId, a->relminmxid, b->relminmxid);
	pgm_swap_frozen_pages(a, b);
}

static void
own_toast(Oid toast, Oid relid)
{
	ObjectAddress own;
	ObjectAddress owner;

	if (!OidIsValid(toast))
		return;
	ObjectAddressSet(own, RelationRelationId, toast);
	ObjectAddressSet(owner, RelationRelationId, relid);
	deleteDependencyRecordsFor(RelationRelationId, toast, false);
	recordDependencyOn(&own, &owner, DEPENDENCY_INTERNAL);
}

static void
swap_relation(Oid a, Oid b)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	x = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(a));
	HeapTuple	y = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(b));
	Form_pg_class p;
	Form_pg_class q;
	CatalogIndexState indexes;

	if (!HeapTupleIsValid(x) || !HeapTupleIsValid(y))
		elog(ERROR, "cache lookup failed for relation %u or %u", a, b);
	p = (Form_pg_class) GETSTRUCT(x);
	q = (Form_pg_class) GETSTRUCT(y);
	if (!OidIsValid(p->relfilenode) || !OidIsValid(q->relfilenode) ||
		p->relpersistence != q->relpersistence || p->relam != q->relam ||
		p->relisshared || q->relisshared)
		elog(ERROR, "cannot swap the files of relations %u and %u", a, b);

	swap_class(p, q);
	indexes = CatalogOpenIndexes(catalog);
	CatalogTupleUpdateWithInfo(catalog, &x->t_self, x, indexes);
	CatalogTupleUpdateWithInfo(catalog, &y->t_self, y, indexes);
	CatalogCloseIndexes(indexes);
	own_toast(p->reltoastrelid, a);
	own_toast(q->reltoastrelid, b);
	table_close(catalog, RowExclusiveLock);

	/* both would be closed by the invalidation, each with the other's file */
	pgm_close_files(a);
	pgm_close_files(b);
	CommandCounterIncrement();
}

/* And what they are; they have been checked. */
static void
exchange_kind(Oid a, Oid b, bool with_options)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	x = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(a));
	HeapTuple	y = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(b));
	Datum		values[Natts_pg_class] = {0};
	bool		nulls[Natts_pg_class] = {false};
	bool		replaces[Natts_pg_class] = {false};
	int			options = Anum_pg_class_reloptions - 1;
	Form_pg_class p;
	Form_pg_class q;

	if (!HeapTupleIsValid(x) || !HeapTupleIsValid(y))
		elog(ERROR, "cache lookup failed for relation %u or %u", a, b);
	replaces[options] = with_options;
	values[options] = heap_getattr(y, Anum_pg_class_reloptions,
								   RelationGetDescr(catalog), &nulls[options]);
	x = heap_modify_tuple(x, RelationGetDescr(catalog), values, nulls,
						  replaces);
	p = (Form_pg_class) GETSTRUCT(x);
	q = (Form_pg_class) GETSTRUCT(y);
	swap_class(p, q);
	SWAP(char, p->relkind, q->relkind);
	SWAP(Oid, p->relam, q->relam);
	p->relhassubclass = false;
	CatalogTupleUpdate(catalog, &x->t_self, x);
	CatalogTupleUpdate(catalog, &y->t_self, y);
	own_toast(p->reltoastrelid, a);
	own_toast(q->reltoastrelid, b);
	table_close(catalog, RowExclusiveLock);
	pgm_close_files(a);
	pgm_close_files(b);
	CommandCounterIncrement();
}

static void
rename_toast(Oid toast, const char *name)
{
	Oid			index;

	if (!OidIsValid(toast))
		return;
	RenameRelationInternal(toast, name, true, false);
	index = toast_get_valid_index(toast, ShareUpdateExclusiveLock);
	RenameRelationInternal(index, psprintf("%s_index", name), true, true);
	CommandCounterIncrement();
}

static Oid
toast_of(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			result = rel->rd_rel->reltoastrelid;

	table_close(rel, NoLock);
	return result;
}

/* TOAST tables are called after their owners. */
static void
rename_toasts(Oid a, Oid b)
{
	Oid			x = toast_of(a);
	Oid			y = toast_of(b);

	rename_toast(x, psprintf("pg_toast_%u_swap", a));
	rename_toast(y, psprintf("pg_toast_%u", b));
	rename_toast(x, psprintf("pg_toast_%u", a));
}

/* Pairs of indexes, as a flat list; one that has no like is *difference. */
static List *
pair_indexes(Relation a, Relation b, LOCKMODE mode, char **difference)
{
	List	   *rest = list_copy(RelationGetIndexList(b));
	List	   *pairs = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(a))
	{
		Relation	index = index_open(lfirst_oid(lc), mode);
		Oid			found = InvalidOid;
		ListCell   *other;

		foreach(other, rest)
		{
			Relation	candidate = index_open(lfirst_oid(other), mode);

			if (!OidIsValid(found) && pgm_layout_same_index(index, candidate))
				found = lfirst_oid(other);
			index_close(candidate, NoLock);
		}
		if (!OidIsValid(found))
			*difference = psprintf("index \"%s\"",
								   RelationGetRelationName(index));
		index_close(index, NoLock);
		rest = list_delete_oid(rest, found);
		pairs = lappend_oid(lappend_oid(pairs, lfirst_oid(lc)), found);
	}
	if (rest != NIL)
		*difference = psprintf("index \"%s\"",
							   get_rel_name(linitial_oid(rest)));
	return pairs;
}

List *
pgm_layout_unpaired(Relation a, Relation b)
{
	char	   *difference = NULL;
	List	   *pairs = pair_indexes(a, b, AccessShareLock, &difference);
	List	   *result = NIL;

	for (int i = 0; i < list_length(pairs); i += 2)
		if (!OidIsValid(list_nth_oid(pairs, i + 1)))
			result = lappend_oid(result, list_nth_oid(pairs, i));
	return result;
}

/* What differs, or NULL; then *pairs are those of their indexes. */
static char *
find_difference(Relation a, Relation b, LOCKMODE mode, List **pairs)
{
	char	   *difference = pgm_layout_difference(a, b);

	if (difference == NULL)
		*pairs = pair_indexes(a, b, mode, &difference);
	return difference;
}

char *
pgm_layout_check(Oid a, Oid b)
{
	Relation	x = table_open(a, AccessShareLock);
	Relation	y = table_open(b, AccessShareLock);
	List	   *pairs;
	char	   *difference = find_difference(x, y, AccessShareLock, &pairs);

	table_close(x, NoLock);
	table_close(y, NoLock);
	return difference;
}

char *
pgm_layout_swap(Oid a, Oid b)
{
	Relation	x = table_open(a, AccessExclusiveLock);
	Relation	y = table_open(b, AccessExclusiveLock);
	List	   *pairs;
	char	   *difference = find_difference(x, y, AccessExclusiveLock,
											 &pairs);

	if (difference == NULL)
		TransferPredicateLocksToHeapRelation(x);
	table_close(x, NoLock);
	table_close(y, NoLock);
	if (difference != NULL)
		return difference;

	swap_relation(a, b);
	for (int i = 0; i < list_length(pairs); i += 2)
		swap_relation(list_nth_oid(pairs, i), list_nth_oid(pairs, i + 1));
	rename_toasts(a, b);
	return NULL;
}

char *
pgm_layout_exchange_kinds(Oid a, Oid b)
{
	Relation	x = table_open(a, AccessExclusiveLock);
	Relation	y = table_open(b, AccessExclusiveLock);
	List	   *pairs;
	char	   *difference = find_difference(x, y, AccessExclusiveLock,
											 &pairs);

	table_close(x, NoLock);
	table_close(y, NoLock);
	if (difference != NULL)
		return difference;
	for (int i = 0; i < list_length(pairs); i += 2)
		exchange_kind(list_nth_oid(pairs, i), list_nth_oid(pairs, i + 1),
					  false);
	exchange_kind(a, b, true);
	rename_toasts(a, b);
	return NULL;
}
