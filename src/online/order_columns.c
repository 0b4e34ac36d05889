/*-------------------------------------------------------------------------
 *
 * order_columns.c
 *	  The columns of a table in another order.
 *
 * A column is known by its number, in the rows and in the catalog.  The rows
 * are written anew beside.  In the switch, while the table is empty, what has
 * numbers of its columns gets the new ones: the table keeps its OID, and
 * views, indexes, constraints, statistics, triggers, policies, publications,
 * comments, grants and sequences stay what they are.
 *
 * A row whose number changes is deleted and written again, within one command:
 * unique indexes of the catalog find each number once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_index.h"
#include "catalog/pg_init_privs.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi_list.h"
#include "compat/attribute.h"
#include "online/order.h"

/* Rows of a catalog that belong to a table, and where they have numbers. */
typedef struct Place
{
	Oid			catalog;
	Oid			index;			/* InvalidOid: there is none on the key */
	AttrNumber	key;			/* OID of the table, or of the row itself */
	AttrNumber	class;			/* of objects of all kinds: which it is */
	AttrNumber	number;			/* of the column that the row is about */
	bool		wide;			/* … is an int4 */
	AttrNumber	vectors[3];
	bool		sorted;			/* by number */
	AttrNumber	trees[2];
	int			relations;		/* in trees, see order.h */
} Place;

static const Place places[] = {
	{
		AttributeRelationId, AttributeRelidNumIndexId,
		Anum_pg_attribute_attrelid, 0, Anum_pg_attribute_attnum
	},
	{
		AttrDefaultRelationId, AttrDefaultIndexId,
		Anum_pg_attrdef_adrelid, 0, Anum_pg_attrdef_adnum, false,
		{0}, false, {Anum_pg_attrdef_adbin}, 1
	},
	{
		StatisticRelationId, StatisticRelidAttnumInhIndexId,
		Anum_pg_statistic_starelid, 0, Anum_pg_statistic_staattnum
	},
	{
		DescriptionRelationId, DescriptionObjIndexId,
		Anum_pg_description_objoid, Anum_pg_description_classoid,
		Anum_pg_description_objsubid, true
	},
	{
		SecLabelRelationId, SecLabelObjectIndexId,
		Anum_pg_seclabel_objoid, Anum_pg_seclabel_classoid,
		Anum_pg_seclabel_objsubid, true
	},
	{
		InitPrivsRelationId, InitPrivsObjIndexId,
		Anum_pg_init_privs_objoid, Anum_pg_init_privs_classoid,
		Anum_pg_init_privs_objsubid, true
	},
	{
		IndexRelationId, IndexIndrelidIndexId,
		Anum_pg_index_indrelid, 0, 0, false,
		{Anum_pg_index_indkey}, false,
		{Anum_pg_index_indexprs, Anum_pg_index_indpred}, 1
	},
	{
		ConstraintRelationId, ConstraintRelidTypidNameIndexId,
		Anum_pg_constraint_conrelid, 0, 0, false,
		{
			Anum_pg_constraint_conkey, Anum_pg_constraint_confdelsetcols,
			Anum_pg_constraint_confkey
		}, false, {Anum_pg_constraint_conbin}, 1
	},
	{
		ConstraintRelationId, InvalidOid,
		Anum_pg_constraint_confrelid, 0, 0, false,
		{Anum_pg_constraint_confkey}
	},
	{
		StatisticExtRelationId, StatisticExtRelidIndexId,
		Anum_pg_statistic_ext_stxrelid, 0, 0, false,
		{Anum_pg_statistic_ext_stxkeys}, true,
		{Anum_pg_statistic_ext_stxexprs}, 1
	},
	{
		TriggerRelationId, TriggerRelidNameIndexId,
		Anum_pg_trigger_tgrelid, 0, 0, false,
		{Anum_pg_trigger_tgattr}, false, {Anum_pg_trigger_tgqual}, 2
	},
	{
		PolicyRelationId, PolicyPolrelidPolnameIndexId,
		Anum_pg_policy_polrelid, 0, 0, false,
		{0}, false, {Anum_pg_policy_polqual, Anum_pg_policy_polwithcheck}, 1
	},
	{
		PublicationRelRelationId, PublicationRelPrrelidPrpubidIndexId,
		Anum_pg_publication_rel_prrelid, 0, 0, false,
		{Anum_pg_publication_rel_prattrs}, true,
		{Anum_pg_publication_rel_prqual}, 1
	}
};

/* Of a view, by the OID of its rule. */
static const Place view_place = {
	RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, 0, 0, false,
	{0}, false, {Anum_pg_rewrite_ev_qual, Anum_pg_rewrite_ev_action}, 0
};

/* What has columns of table $1, or rows of it, and is none of the above. */
static PgmQuery reason_query = {
	"WITH own AS (SELECT 'pg_class'::regclass::oid AS classid, indexrelid AS "
	"objid FROM pg_index WHERE indrelid = $1 "
	"UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class "
	"WHERE oid = $1 OR relkind = 'S' "
	"UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef "
	"WHERE adrelid = $1 "
	"UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint "
	"WHERE conrelid = $1 OR confrelid = $1 "
	"UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext "
	"WHERE stxrelid = $1 "
	"UNION ALL SELECT 'pg_publication_rel'::regclass, oid "
	"FROM pg_publication_rel WHERE prrelid = $1 "
	"UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger "
	"WHERE tgrelid = $1 "
	"UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy "
	"WHERE polrelid = $1 "
	"UNION ALL SELECT 'pg_rewrite'::regclass, w.oid FROM pg_rewrite w "
	"JOIN pg_class c ON c.oid = w.ev_class AND c.relkind IN ('v', 'm') "
	"WHERE w.rulename = '_RETURN') "
	"SELECT 'It is a partition of another table.' FROM pg_class c "
	"WHERE c.oid = $1 AND c.relispartition "
	"UNION ALL SELECT format('It has rule \"%s\".', w.rulename) "
	"FROM pg_rewrite w WHERE w.ev_class = $1 "
	"UNION ALL SELECT format('Its columns are used by %s.', "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) FROM pg_depend d "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid > 0 AND NOT EXISTS (SELECT FROM own o "
	"WHERE o.classid = d.classid AND o.objid = d.objid) "
	"UNION ALL SELECT format('Its row type is used by %s.', "
	"pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_class c JOIN pg_type t ON t.oid = c.reltype "
	"CROSS JOIN LATERAL unnest(ARRAY[t.oid, t.typarray]) AS y (oid) "
	"JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass "
	"AND d.refobjid = y.oid LEFT JOIN pg_proc p "
	"ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid "
	"WHERE c.oid = $1 AND (p.prosqlbody IS NOT NULL OR d.classid IN "
	"('pg_attrdef'::regclass, 'pg_constraint'::regclass))",
	1, {OIDOID},
	.first = true
};

/* The rules of views with table $1, or its row type, and the views. */
#define RULES_OF_TABLE \
	"FROM pg_class t LEFT JOIN pg_type y ON y.oid = t.reltype " \
	"CROSS JOIN LATERAL (VALUES ('pg_class'::regclass, t.oid), " \
	"('pg_type'::regclass, y.oid), ('pg_type'::regclass, y.typarray)) " \
	"AS r (class, oid) " \
	"JOIN pg_depend d ON d.refclassid = r.class AND d.refobjid = r.oid " \
	"JOIN pg_rewrite w ON w.oid = d.objid " \
	"WHERE t.oid = $1 AND d.classid = 'pg_rewrite'::regclass ORDER BY 1"

static PgmQuery rules_query = {
	"SELECT DISTINCT w.oid::int8 " RULES_OF_TABLE,
	1, {OIDOID}
};

static PgmQuery views_query = {
	"SELECT DISTINCT w.ev_class::int8 " RULES_OF_TABLE,
	1, {OIDOID}
};

static PgmQuery partners_query = {
	"SELECT k.confrelid::int8 FROM pg_constraint k "
	"WHERE k.conrelid = $1 AND k.contype = 'f' AND k.confrelid <> $1 "
	"UNION SELECT k.conrelid::int8 FROM pg_constraint k "
	"WHERE k.confrelid = $1 AND k.contype = 'f' AND k.conrelid <> $1 "
	"ORDER BY 1",
	1, {OIDOID}
};

/* ---- the order */

static AttrNumber
find_column(Relation rel, const char *name)
{
	AttrNumber	column = get_attnum(RelationGetRelid(rel), name);

	if (column <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" does not exist",
					   name, RelationGetRelationName(rel)));
	return column;
}

PgmColumnMap *
pgm_columns_map(Relation rel, List *names)
{
	TupleDesc	desc = RelationGetDescr(rel);
	PgmColumnMap *map = palloc0(offsetof(PgmColumnMap, to) +
								sizeof(AttrNumber) * desc->natts);
	AttrNumber	next = 1;
	ListCell   *lc;

	map->relid = RelationGetRelid(rel);
	map->n = desc->natts;
	foreach(lc, names)
	{
		AttrNumber	column = find_column(rel, strVal(lfirst(lc)));

		if (map->to[column - 1] != 0)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_COLUMN),
					errmsg("column \"%s\" is named twice in the order",
						   strVal(lfirst(lc))));
		map->to[column - 1] = next++;
	}
	for (int dropped = 0; dropped <= 1; dropped++)
		for (int i = 0; i < map->n; i++)
			if (map->to[i] == 0 &&
				TupleDescAttr(desc, i)->attisdropped == (dropped == 1))
				map->to[i] = next++;
	return map;
}

char *
pgm_columns_text(const PgmColumnMap *map)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < map->n; i++)
		appendStringInfo(&text, "%s%d", i > 0 ? " " : "", map->to[i]);
	return text.data;
}

PgmColumnMap *
pgm_columns_of(const PgmShadow *shadow, Oid relid, bool back)
{
	char	   *text = shadow->column_order;
	PgmColumnMap *map;

	if (text == NULL)
		return NULL;
	/* a number has a digit and a blank at least */
	map = palloc0(offsetof(PgmColumnMap, to) +
				  sizeof(AttrNumber) * (strlen(text) / 2 + 1));
	map->relid = relid;
	while (*text != '\0')
		map->to[map->n++] = (AttrNumber) strtol(text, &text, 10);
	if (back)
	{
		AttrNumber *there = palloc(sizeof(AttrNumber) * map->n);

		memcpy(there, map->to, sizeof(AttrNumber) * map->n);
		for (int i = 0; i < map->n; i++)
			map->to[there[i] - 1] = (AttrNumber) (i + 1);
	}
	return map;
}

List *
pgm_columns_views(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	return pgm_spi_oids(&views_query, values);
}

List *
pgm_columns_partners(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	return pgm_spi_oids(&partners_query, values);
}

/* ---- a row of the catalog */

typedef struct Row
{
	const PgmColumnMap *map;
	const Place *place;
	bool		try;
	Relation	catalog;
	HeapTuple	tuple;
	Datum		values[Natts_pg_attribute + Natts_pg_constraint];
	bool		nulls[Natts_pg_attribute + Natts_pg_constraint];
	bool		replace[Natts_pg_attribute + Natts_pg_constraint];
} Row;

static Datum
get(Row *row, AttrNumber column, bool *isnull)
{
	return heap_getattr(row->tuple, column, RelationGetDescr(row->catalog),
						isnull);
}

static void
put(Row *row, AttrNumber column, Datum value)
{
	row->values[column - 1] = value;
	row->replace[column - 1] = true;
}

static int
compare_numbers(const void *a, const void *b)
{
	return *(const int16 *) a - *(const int16 *) b;
}

static bool
is_of(Row *row, AttrNumber column, Oid relid)
{
	bool		isnull;

	return DatumGetObjectId(get(row, column, &isnull)) == relid;
}

/* A vector of columns of the table, or an array. */
static void
renumber_vector(Row *row, AttrNumber column)
{
	const PgmColumnMap *map = row->map;
	bool		isnull;
	Datum		value = get(row, column, &isnull);
	ArrayType  *array;
	int16	   *numbers;
	int			n;

	if (isnull)
		return;
	/* the keys of both sides may be of the same table, or of two */
	if (row->place->catalog == ConstraintRelationId &&
		!is_of(row, column == Anum_pg_constraint_confkey ?
			   Anum_pg_constraint_confrelid : Anum_pg_constraint_conrelid,
			   map->relid))
		return;
	array = DatumGetArrayTypePCopy(value);
	numbers = (int16 *) ARR_DATA_PTR(array);
	n = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	for (int i = 0; i < n; i++)
		if (numbers[i] > 0 && numbers[i] <= map->n)
			numbers[i] = map->to[numbers[i] - 1];
	if (row->place->sorted)
		qsort(numbers, n, sizeof(int16), compare_numbers);
	put(row, column, PointerGetDatum(array));
}

static void
renumber_tree(Row *row, AttrNumber column)
{
	bool		isnull;
	Datum		value = get(row, column, &isnull);
	Node	   *tree;

	if (isnull)
		return;
	tree = stringToNode(TextDatumGetCString(value));
	if (tree == NULL)
		return;
	pgm_columns_renumber_tree(row->map, tree, row->place->relations);
	put(row, column, CStringGetTextDatum(nodeToString(tree)));
}

/* True if the row is that of another column then. */
static bool
renumber_number(Row *row)
{
	AttrNumber	column = row->place->number;
	bool		isnull;
	int			number;

	if (column == 0)
		return false;
	number = row->place->wide ? DatumGetInt32(get(row, column, &isnull)) :
		DatumGetInt16(get(row, column, &isnull));
	if (number <= 0 || number > row->map->n)
		return false;
	number = row->map->to[number - 1];
	put(row, column, row->place->wide ? Int32GetDatum(number) :
		Int16GetDatum((int16) number));
	return true;
}

/* What is known of rows goes by the order of columns, too. */
static void
forget_statistics(Oid statistics)
{
	RemoveStatisticsDataById(statistics, false);
	RemoveStatisticsDataById(statistics, true);
}

static void
renumber_row(Row *row, List **again)
{
	const Place *place = row->place;
	bool		moves = renumber_number(row);
	HeapTuple	tuple;

	for (int i = 0; i < lengthof(place->vectors); i++)
		if (place->vectors[i] != 0)
			renumber_vector(row, place->vectors[i]);
	for (int i = 0; i < lengthof(place->trees); i++)
		if (place->trees[i] != 0)
			renumber_tree(row, place->trees[i]);
	if (row->try || (place->number != 0 && !moves))
		return;
	tuple = heap_modify_tuple(row->tuple, RelationGetDescr(row->catalog),
							  row->values, row->nulls, row->replace);
	if (!moves)
	{
		CatalogTupleUpdate(row->catalog, &row->tuple->t_self, tuple);
		return;
	}
	CatalogTupleDelete(row->catalog, &row->tuple->t_self);
	*again = lappend(*again, tuple);
}

/* Those of others are read by them, too. */
static void
invalidate(const Row *row)
{
	const void *form = GETSTRUCT(row->tuple);
	Oid			relid = InvalidOid;

	switch (row->place->catalog)
	{
		case ConstraintRelationId:
			relid = ((const FormData_pg_constraint *) form)->conrelid;
			if (relid == row->map->relid)
				relid = ((const FormData_pg_constraint *) form)->confrelid;
			break;
		case StatisticExtRelationId:
			forget_statistics(((const FormData_pg_statistic_ext *) form)->oid);
			break;
		case RewriteRelationId:
			relid = ((const FormData_pg_rewrite *) form)->ev_class;
			break;
		default:
			break;
	}
	if (OidIsValid(relid))
		CacheInvalidateRelcacheByRelid(relid);
}

/* Is it dealt with where its other side is? */
static bool
is_passed_over(Row *row)
{
	if (row->place->class != 0)
		return !is_of(row, row->place->class, RelationRelationId);
	return row->place->key == Anum_pg_constraint_confrelid &&
		row->place->catalog == ConstraintRelationId &&
		is_of(row, Anum_pg_constraint_conrelid, row->map->relid);
}

static void
renumber_place(const PgmColumnMap *map, const Place *place, Oid key, bool try)
{
	Relation	catalog = table_open(place->catalog, RowExclusiveLock);
	List	   *again = NIL;
	XLogRecPtr	version = InvalidXLogRecPtr;
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *lc;

	ScanKeyInit(&scan_key, place->key, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(key));
	scan = systable_beginscan(catalog, place->index,
							  OidIsValid(place->index), NULL, 1, &scan_key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Row			row = {map, place, try, catalog, tuple};

		if (is_passed_over(&row))
			continue;
		renumber_row(&row, &again);
		if (!try)
			invalidate(&row);
	}
	systable_endscan(scan);
	if (place->catalog == AttributeRelationId && again != NIL)
		version = pgm_next_attribute_version();
	foreach(lc, again)
	{
		tuple = lfirst(lc);
		if (place->catalog == AttributeRelationId)
			tuple = pgm_with_attribute_version(catalog, tuple, version);
		CatalogTupleInsert(catalog, tuple);
	}
	table_close(catalog, RowExclusiveLock);
}

/* ---- what depends on what */

static bool
set_number(const PgmColumnMap *map, int32 *number)
{
	if (*number <= 0 || *number > map->n)
		return false;
	*number = map->to[*number - 1];
	return true;
}

static void
renumber_dependency(const PgmColumnMap *map, Relation catalog,
					HeapTuple tuple, bool referenced)
{
	HeapTuple	copy = heap_copytuple(tuple);
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(copy);
	bool		own = form->classid == RelationRelationId &&
		form->objid == map->relid;
	bool		changed = false;

	/* what depends on itself is found twice */
	if (referenced && own)
		return;
	if (own)
		changed = set_number(map, &form->objsubid);
	if (form->refclassid == RelationRelationId && form->refobjid == map->relid)
		changed |= set_number(map, &form->refobjsubid);
	if (changed)
		CatalogTupleUpdate(catalog, &copy->t_self, copy);
}

static void
renumber_dependencies(const PgmColumnMap *map, bool referenced)
{
	Relation	catalog = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], referenced ? Anum_pg_depend_refclassid :
				Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], referenced ? Anum_pg_depend_refobjid :
				Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(map->relid));
	scan = systable_beginscan(catalog, referenced ? DependReferenceIndexId :
							  DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		renumber_dependency(map, catalog, tuple, referenced);
	systable_endscan(scan);
	table_close(catalog, RowExclusiveLock);
}

/* Of grants on columns. */
static void
renumber_shared(const PgmColumnMap *map)
{
	Relation	catalog = table_open(SharedDependRelationId, RowExclusiveLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_dbid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(MyDatabaseId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[2], Anum_pg_shdepend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(map->relid));
	scan = systable_beginscan(catalog, SharedDependDependerIndexId, true,
							  NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		HeapTuple	copy = heap_copytuple(tuple);

		if (set_number(map, &((Form_pg_shdepend) GETSTRUCT(copy))->objsubid))
			CatalogTupleUpdate(catalog, &copy->t_self, copy);
	}
	systable_endscan(scan);
	table_close(catalog, RowExclusiveLock);
}

/* ---- all of it */

static void
view_error_callback(void *arg)
{
	errcontext("%s", (char *) arg);
}

static void
renumber_view(const PgmColumnMap *map, Oid rule, bool try)
{
	ErrorContextCallback callback = {error_context_stack,
	view_error_callback};
	ObjectAddress address;

	ObjectAddressSet(address, RewriteRelationId, rule);
	callback.arg = getObjectDescription(&address, false);
	error_context_stack = &callback;
	renumber_place(map, &view_place, rule, try);
	error_context_stack = callback.previous;
}

static void
renumber_places(const PgmColumnMap *map, bool try)
{
	Datum		values[1] = {ObjectIdGetDatum(map->relid)};
	List	   *rules = pgm_spi_oids(&rules_query, values);
	ListCell   *lc;

	for (int i = 0; i < lengthof(places); i++)
		renumber_place(map, &places[i], map->relid, try);
	foreach(lc, rules)
		renumber_view(map, lfirst_oid(lc), try);
}

void
pgm_columns_renumber(const PgmColumnMap *map)
{
	renumber_places(map, false);
	renumber_dependencies(map, false);
	renumber_dependencies(map, true);
	renumber_shared(map);
	CacheInvalidateRelcacheByRelid(map->relid);
	CommandCounterIncrement();
}

void
pgm_columns_refuse(const PgmColumnMap *map, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot put the columns of table \"%s\" into another order",
				   get_rel_name(map->relid)),
			errdetail_internal("%s", detail));
}

/* Rows of the table in a column, of a domain or a range too. */
static void
refuse_stored_rows(const PgmColumnMap *map)
{
	Relation	rel = table_open(map->relid, NoLock);

	find_composite_type_dependencies(rel->rd_rel->reltype, rel, NULL);
	table_close(rel, NoLock);
}

void
pgm_columns_try(const PgmColumnMap *map)
{
	Datum		values[1] = {ObjectIdGetDatum(map->relid)};
	char	   *reason = pgm_spi_one_text(&reason_query, values);

	if (reason != NULL)
		pgm_columns_refuse(map, reason);
	renumber_places(map, true);
	refuse_stored_rows(map);
}
