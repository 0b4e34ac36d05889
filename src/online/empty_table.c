/*-------------------------------------------------------------------------
 *
 * empty_table.c
 *	  A statement on a table that has no rows changes the catalog only.
 *
 * ALTER TYPE writes the table anew, empty or not: a second table is made and
 * dropped, with its TOAST table, its row type and all indexes, each of which
 * is a file that is made and, before 17, synced, all of it under the lock of
 * the switch.  Where there is no row it does not matter what becomes of
 * values, so the server is told that they are of the new type already, by a
 * Var in place of the expression: then it keeps the file, and the indexes on
 * other columns.
 *
 * An index on an altered column is made again by the server, with the file of
 * the former one if the operator classes are the same.  An empty B-tree is the
 * same for all classes that agree about deduplication, so it gets the classes
 * that it is going to have, which those of the copy tell, before that.
 *
 * Everything else about the statement is as it is written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/parse.h"
#include "exec/execute.h"
#include "clone/misfit.h"
#include "online/dependents.h"
#include "online/layout.h"

/* Without rows, and with none that are as if they were there. */
static bool
is_empty(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	bool		empty = !RELKIND_HAS_STORAGE(rel->rd_rel->relkind) ||
		(rel->rd_rel->relkind == RELKIND_RELATION &&
		 RelationGetNumberOfBlocks(rel) == 0);

	table_close(rel, NoLock);
	return empty;
}

static bool
are_empty(const List *relids)
{
	const ListCell *lc;

	foreach(lc, relids)
		if (!is_empty(lfirst_oid(lc)))
		return false;
	return true;
}

/* What rows from before a column was added have in it: there are none. */
static void
clear_missing(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		any = false;

	for (int i = 0; i < desc->natts; i++)
		any |= TupleDescAttr(desc, i)->atthasmissing;
	if (any)
		RelationClearMissing(rel);
	table_close(rel, NoLock);
	if (any)
		CommandCounterIncrement();
}

/* ---- the values */

static bool
is_generated(Oid relid, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, column);
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != '\0';
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Of a column that is generated no expression may be told.  Where the model
 * has no such column, or another type, the server does as it always does.
 */
static bool
keep_values(Oid relid, Oid model, const AlterTableCmd *command)
{
	AttrNumber	column = get_attnum(relid, command->name);
	AttrNumber	is = get_attnum(model, command->name);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (column <= 0 || is <= 0 || is_generated(relid, command->name))
		return false;
	get_atttypetypmodcoll(model, is, &type, &typmod, &collation);
	castNode(ColumnDef, command->def)->raw_default = (Node *)
		makeVar(1, column, type, typmod, collation, 0);
	return true;
}

/* ---- the indexes */

static bool
is_one_of(const char *column, const List *names)
{
	return column != NULL &&
		list_member(names, makeString(unconstify(char *, column)));
}

/* On the same columns in the same order, whatever their types. */
static bool
are_alike(Relation index, Relation other)
{
	Form_pg_index a = index->rd_index;
	Form_pg_index b = other->rd_index;

	if (a->indnatts != b->indnatts || a->indnkeyatts != b->indnkeyatts ||
		a->indisunique != b->indisunique ||
		memcmp(index->rd_indoption, other->rd_indoption,
			   sizeof(int16) * a->indnkeyatts) != 0)
		return false;
	for (int i = 0; i < a->indnatts; i++)
	{
		char	   *x = get_attname(a->indrelid, a->indkey.values[i], true);
		char	   *y = get_attname(b->indrelid, b->indkey.values[i], true);

		if (x == NULL || y == NULL || strcmp(x, y) != 0)
			return false;
	}
	return true;
}

/* Is its file, while there is nothing in it, known from its classes? */
static bool
is_plain(Relation index)
{
	const FormData_pg_index *form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		!form->indisexclusion &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/* A copy of one of its lists of OIDs. */
static oidvector *
oids_of(Relation index, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										attribute, &isnull);
	const oidvector *oids = (const oidvector *) DatumGetPointer(value);

	return buildoidvector(oids->values, oids->dim1);
}

/* By a name that everybody finds, for the server writes it out. */
static bool
is_built_in(Oid class)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(class));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_opclass) GETSTRUCT(tuple))->opcnamespace ==
		PG_CATALOG_NAMESPACE;
	ReleaseSysCache(tuple);
	return result;
}

/* What an index is going to have. */
typedef struct Classes
{
	oidvector  *classes;
	oidvector  *collations;
} Classes;

/*
 * Those of the columns in names become the ones of an index of the model.
 * False if there is nothing to be changed, or the file would be another.
 */
static bool
take_classes(Relation index, Relation like, const List *names,
			 Classes *result)
{
	const FormData_pg_index *form = index->rd_index;
	oidvector  *classes = oids_of(like, Anum_pg_index_indclass);
	oidvector  *collations = oids_of(like, Anum_pg_index_indcollation);
	bool		any = false;

	result->classes = oids_of(index, Anum_pg_index_indclass);
	result->collations = oids_of(index, Anum_pg_index_indcollation);
	if (_bt_allequalimage(index, false) != _bt_allequalimage(like, false))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (!is_one_of(get_attname(form->indrelid, form->indkey.values[i],
								   false), names))
			continue;
		if (!is_built_in(classes->values[i]))
			return false;
		any |= result->classes->values[i] != classes->values[i] ||
			result->collations->values[i] != collations->values[i];
		result->classes->values[i] = classes->values[i];
		result->collations->values[i] = collations->values[i];
	}
	return any;
}

static bool
same_oids(const oidvector *a, const oidvector *b)
{
	return memcmp(a->values, b->values, sizeof(Oid) * a->dim1) == 0;
}

/* False too where the model has two that differ in them. */
static bool
find_classes(Relation index, Oid model, const List *names, Classes *found)
{
	Relation	rel = table_open(model, NoLock);
	bool		known = true;
	ListCell   *lc;

	memset(found, 0, sizeof(Classes));
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	like = index_open(lfirst_oid(lc), AccessShareLock);
		Classes		one;

		if (is_plain(like) && are_alike(index, like))
		{
			known &= take_classes(index, like, names, &one) &&
				(found->classes == NULL ||
				 (same_oids(one.classes, found->classes) &&
				  same_oids(one.collations, found->collations)));
			*found = one;
		}
		index_close(like, NoLock);
	}
	table_close(rel, NoLock);
	return known && found->classes != NULL;
}

static void
set_classes(Oid index, const Classes *classes)
{
	Relation	catalog = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Datum		values[Natts_pg_index] = {0};
	bool		nulls[Natts_pg_index] = {false};
	bool		replaces[Natts_pg_index] = {false};
	HeapTuple	changed;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	values[Anum_pg_index_indclass - 1] = PointerGetDatum(classes->classes);
	replaces[Anum_pg_index_indclass - 1] = true;
	values[Anum_pg_index_indcollation - 1] =
		PointerGetDatum(classes->collations);
	replaces[Anum_pg_index_indcollation - 1] = true;
	changed = heap_modify_tuple(tuple, RelationGetDescr(catalog), values,
								nulls, replaces);
	CatalogTupleUpdate(catalog, &changed->t_self, changed);
	ReleaseSysCache(tuple);
	table_close(catalog, RowExclusiveLock);
}

/* Those that got other classes. */
static List *
keep_indexes(Oid relid, Oid model, const List *names)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Classes		classes;
		bool		keeps = is_plain(index) &&
			find_classes(index, model, names, &classes);

		index_close(index, NoLock);
		if (!keeps)
			continue;
		set_classes(lfirst_oid(lc), &classes);
		result = lappend_oid(result, lfirst_oid(lc));
	}
	table_close(rel, NoLock);
	if (result != NIL)
		CommandCounterIncrement();
	return result;
}

/* ---- the statement */

/*
 * Indexes that are to be gone after it.  Those of partitions hang on the ones
 * of their table, and are built.
 */
static List *
prepare(AlterTableStmt *stmt, Oid relid, Oid model)
{
	List	   *relids;
	List	   *names = NIL;
	ListCell   *lc;

	if (pgm_altered_types(stmt) == NIL)
		return NIL;

	/* as the statement locks them, which may be more than are exchanged */
	relids = stmt->relation->inh ?
		find_all_inheritors(relid, AccessExclusiveLock, NULL) :
		list_make1_oid(relid);
	if (!are_empty(relids))
		return NIL;
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AlterColumnType &&
			keep_values(relid, model, command))
			names = lappend(names, makeString(command->name));
	}
	if (names == NIL)
		return NIL;
	foreach(lc, relids)
		clear_missing(lfirst_oid(lc));
	return list_length(relids) > 1 ? NIL : keep_indexes(relid, model, names);
}

/* The catalog would say what is not in the file. */
static void
check_gone(const List *indexes)
{
	const ListCell *lc;

	foreach(lc, indexes)
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
		elog(ERROR, "index %u was not made again", lfirst_oid(lc));
}

static const PgmShadow *
head_of(const PgmShadow *shadow, Oid root)
{
	ListCell   *lc;

	foreach(lc, shadow->family)
		if (((PgmShadow *) lfirst(lc))->root == root)
		return lfirst(lc);
	return NULL;
}

/* Statement n of the request, which alters a table. */
void
pgm_empty_run(const PgmShadow *shadow, int n)
{
	const PgmShadowRequest *request = shadow->request;
	PgmSource	source = *request->source;
	const char *text;
	AlterTableStmt *stmt;
	const PgmShadow *head;
	List	   *indexes = NIL;

	source.statements = palloc(sizeof(PgmStatement) * source.nstatements);
	memcpy(source.statements, request->source->statements,
		   sizeof(PgmStatement) * source.nstatements);
	source.statements[n].alone =
		copyObject(pgm_statement_alone(request->source, n, &text));
	stmt = castNode(AlterTableStmt, source.statements[n].alone->stmt);
	head = head_of(shadow, pgm_lookup_relation(stmt->relation));
	if (head != NULL)
		indexes = prepare(stmt, head->root, head->beside);
	pgm_exec_statement(request->exec, &source, n, true);
	check_gone(indexes);
}

/* The one back, as the current user. */
void
pgm_empty_run_back(const PgmShadow *shadow, const char *text)
{
	List	   *indexes = NIL;
	AlterTableStmt *stmt = castNode(AlterTableStmt,
									linitial_node(RawStmt, pg_parse_query(text))->stmt);

	indexes = prepare(stmt, shadow->root, shadow->old);
	pgm_layout_run((Node *) stmt, text);
	check_gone(indexes);
}
