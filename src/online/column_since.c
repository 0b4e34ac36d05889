/*-------------------------------------------------------------------------
 *
 * column_since.c
 *	  What others have made of a column between its switch and the way back.
 *
 * The way back exchanges what has a double, and drops the new column.  What
 * was made on that since has none, and would be gone with it.  An index gets
 * one before the lock, CONCURRENTLY; all else is named, and in the way.  What
 * was dropped since stays dropped.
 *
 * A double demands nothing of the writer: an index on columns may not be built
 * where the old form has no such operator, but refuses no row.  An expression
 * might do so, for it computes with values of another type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/constraint.h"
#include "online/column_since.h"
#include "online/layout.h"
#include "online/since.h"
#include "online/sync_trigger.h"

/*
 * What depends on columns $2 of table $1 besides the objects $3, which go
 * along: their defaults, sequences and trigger do so too.
 */
static PgmQuery dependents_query = {
	"SELECT pg_describe_object(d.classid, d.objid, d.objsubid) "
	"FROM pg_depend d LEFT JOIN pg_constraint k "
	"ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = ANY ($2) AND d.objid <> ALL ($3) "
	"AND (k.oid IS NULL OR k.contype <> 'n' AND k.coninhcount = 0 "
	"AND k.conparentid <> ALL ($3) AND (k.contype NOT IN ('p', 'u') "
	"OR k.conindid <> ALL ($3))) "
	"AND NOT EXISTS (SELECT FROM pg_attrdef f "
	"WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid "
	"AND f.adrelid = $1 AND f.adnum = d.refobjsubid) "
	"AND NOT EXISTS (SELECT FROM pg_class s "
	"WHERE d.classid = 'pg_class'::regclass AND s.oid = d.objid "
	"AND s.relkind = 'S') "
	"AND NOT EXISTS (SELECT FROM pg_trigger g "
	"WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid "
	"AND g.tgisinternal AND g.tgfoid = 'pgmigrate.online_column'::regproc) "
	"GROUP BY 1 ORDER BY 1",
	3, {OIDOID, INT2ARRAYOID, OIDARRAYOID}
};

/*
 * Indexes of table $1 that are valid, but for those in $2; and not those of
 * deferrable constraints, which the old column has none of.
 */
static PgmQuery others_query = {
	"SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = $1 "
	"AND i.indisvalid AND i.indimmediate AND i.indexrelid <> ALL ($2) ORDER BY 1",
	2, {OIDOID, OIDARRAYOID}
};

/* Does it have the mark of ours? */
#define IS_MARKED(class, object) \
	"EXISTS (SELECT FROM pg_depend d WHERE d.classid = '" class "'::regclass " \
	"AND d.objid = " object " AND d.refclassid = 'pg_proc'::regclass " \
	"AND d.refobjid = 'pgmigrate.online_column'::regproc " \
	"AND d.deptype = 'a')"

/*
 * Indexes and constraints of table $1 that are ours, but for $3: by the mark,
 * or by the details $2 of the operation, which name what was to be built.
 */
static PgmQuery strays_query = {
	"SELECT 'i', i.indexrelid::int8 FROM pg_index i "
	"JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1 "
	"AND (" IS_MARKED("pg_class", "c.oid") " OR $2::jsonb ->> ('built ' || c.relname) IS NOT NULL) "
	"AND c.oid <> ALL ($3) "
	"UNION ALL SELECT 'c', k.oid::int8 FROM pg_constraint k "
	"WHERE k.conrelid = $1 AND k.coninhcount = 0 "
	"AND " IS_MARKED("pg_constraint", "k.oid") " AND k.oid <> ALL ($3)",
	3, {OIDOID, TEXTOID, OIDARRAYOID}
};

/* Is index $1 one that has the mark? */
static PgmQuery marked_query = {
	"SELECT " IS_MARKED("pg_class", "$1"), 1, {OIDOID}
};

static bool
is_there(const PgmColumnObject *object, Oid oid)
{
	return object->kind == 'i' ? get_rel_name(oid) != NULL :
		get_constraint_name(oid) != NULL;
}

static List *
oids_that_are(List *objects)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, objects)
		result = lappend_oid(result,
							 ((PgmColumnObject *) lfirst(lc))->becomes);
	return result;
}

/* ---- what an index says of values, and of their doubles */

/* Does it compute with the columns that lead? */
static bool
computes(Relation index, const PgmColumnSpec *spec)
{
	Bitmapset  *used = NULL;
	bool		result;

	pull_varattnos(pgm_layout_stored(INDEXRELID, index->rd_indextuple,
									 Anum_pg_index_indexprs), 1, &used);
	pull_varattnos(pgm_layout_stored(INDEXRELID, index->rd_indextuple,
									 Anum_pg_index_indpred), 1, &used);
	result = bms_is_member(InvalidAttrNumber -
						   FirstLowInvalidHeapAttributeNumber, used);
	for (int i = 0; i < spec->n; i++)
		result |= bms_is_member(spec->pairs[i].lead -
								FirstLowInvalidHeapAttributeNumber, used);
	return result;
}

/* Is a value made of that of this column only, and others of others? */
static bool
is_of(const PgmMappingText *mapping, AttrNumber column)
{
	Bitmapset  *used = NULL;

	if (mapping->may_collide || mapping->columns[0] == '\0')
		return false;
	pull_varattnos((Node *) stringToNode(mapping->columns), 1, &used);
	return bms_membership(used) == BMS_SINGLETON &&
		bms_is_member(column - FirstLowInvalidHeapAttributeNumber, used);
}

/* NULLS NOT DISTINCT: there may be one only that has no double. */
bool
pgm_column_nulls_are_distinct(Oid index)
{
	char	   *command = pgm_layout_index_command(index);
	IndexStmt  *stmt =
		pgm_layout_index_statement(command, get_rel_name(index),
								   IndexGetRelation(index, false));

	return !pgm_index_nulls_not_distinct(stmt);
}

/* Do both columns tell the same words apart? */
static bool
compares_alike(Oid relid, const PgmColumnPair *pair)
{
	Oid			type;
	int32		typmod;
	Oid			lead;
	Oid			follow;

	get_atttypetypmodcoll(relid, pair->lead, &type, &typmod, &lead);
	get_atttypetypmodcoll(relid, pair->follow, &type, &typmod, &follow);
	return lead == follow ||
		((!OidIsValid(lead) || get_collation_isdeterministic(lead)) &&
		 (!OidIsValid(follow) || get_collation_isdeterministic(follow)));
}

/* Has a value one double, and is it that of no other one? */
static bool
is_paired(Oid relid, const PgmColumnPair *pair)
{
	return is_of(&pair->forth, pair->lead) &&
		is_of(&pair->back, pair->follow) && compares_alike(relid, pair);
}

static bool
stays_unique(Relation index, const PgmColumnSpec *spec)
{
	const FormData_pg_index *form = index->rd_index;

	if (!pgm_column_nulls_are_distinct(RelationGetRelid(index)) ||
		computes(index, spec))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
		for (int j = 0; j < spec->n; j++)
			if (form->indkey.values[i] == spec->pairs[j].lead &&
				!is_paired(form->indrelid, &spec->pairs[j]))
				return false;
	return true;
}

bool
pgm_column_stays_unique(Oid index, const PgmColumnSpec *spec)
{
	Relation	rel = index_open(index, AccessShareLock);
	bool		result = rel->rd_index->indisunique && stays_unique(rel, spec);

	index_close(rel, NoLock);
	return result;
}

/* Can one that was made since have a double that refuses no row? */
static bool
can_have_double(Oid relid, const PgmColumnSpec *spec)
{
	Relation	index = index_open(relid, AccessShareLock);
	const FormData_pg_index *form = index->rd_index;
	bool		result = form->indisvalid && form->indimmediate &&
		!form->indisexclusion && !computes(index, spec) &&
		(!form->indisunique || stays_unique(index, spec));

	index_close(index, NoLock);
	return result;
}

/* ---- indexes that are others, and the same */

/* That of a double, on the columns that have the names. */
static IndexStmt *
form_on_leading(Oid index, const PgmColumnSpec *spec)
{
	IndexStmt  *form = pgm_layout_index_form(index);
	List	   *names = NIL;

	for (int i = 0; i < spec->n; i++)
	{
		names = lappend(names, get_attname(spec->relid,
										   spec->pairs[i].follow, false));
		names = lappend(names, get_attname(spec->relid, spec->pairs[i].lead,
										   false));
	}
	pgm_column_rename_index(form, names);
	return form;
}

List *
pgm_column_renames(const PgmColumnSpec *spec)
{
	List	   *result = NIL;

	for (int i = 0; i < spec->n; i++)
	{
		result = lappend(result, get_attname(spec->relid, spec->pairs[i].lead,
											 false));
		result = lappend(result, get_attname(spec->relid,
											 spec->pairs[i].follow, false));
	}
	return result;
}

static bool
resemble(const List *a, const List *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(a) != list_length(b))
		return false;
	forboth(lc, a, lc2, b)
	{
		const IndexElem *one = lfirst_node(IndexElem, lc);
		const IndexElem *other = lfirst_node(IndexElem, lc2);

		if ((one->name == NULL) != (other->name == NULL) ||
			(one->name != NULL && strcmp(one->name, other->name) != 0))
			return false;
	}
	return true;
}

/* How the server writes an expression depends on the types in it. */
bool
pgm_column_may_be(Oid index, Oid relid, const IndexStmt *stmt)
{
	const IndexStmt *form;

	if (!OidIsValid(index) || IndexGetRelation(index, true) != relid)
		return false;
	form = pgm_layout_index_form(index);
	return strcmp(form->accessMethod, stmt->accessMethod) == 0 &&
		(form->whereClause == NULL) == (stmt->whereClause == NULL) &&
		resemble(form->indexParams, stmt->indexParams) &&
		resemble(form->indexIncludingParams, stmt->indexIncludingParams);
}

/*
 * REINDEX CONCURRENTLY leaves another index with the name; or InvalidOid.  One
 * that the user has made unique himself may ask for more than the double.
 */
static Oid
find_remade(const PgmColumnObject *object, const PgmColumnSpec *spec,
			List *known)
{
	Datum		values[2];
	IndexStmt  *form = form_on_leading(object->was, spec);
	bool		was_unique = pgm_column_is_unique(object->was);
	ListCell   *lc;

	values[0] = ObjectIdGetDatum(object->relid);
	values[1] = pgm_oid_array_datum(known);
	foreach(lc, pgm_spi_oids(&others_query, values))
	{
		Oid			index = lfirst_oid(lc);

		if (index != object->was &&
			equal(pgm_layout_index_form(index), form) &&
			(was_unique || !pgm_column_is_unique(index) ||
			 pgm_column_stays_unique(index, spec)))
			return index;
	}
	return InvalidOid;
}

/* ---- what is ours */

/*
 * A dependency on a function of ours is what nobody else makes, and goes along
 * with REINDEX CONCURRENTLY; a name anybody can give.
 */
void
pgm_column_mark(const PgmColumnObject *object, bool ours)
{
	ObjectAddress double_of;
	ObjectAddress function;

	ObjectAddressSet(double_of, object->kind == 'i' ? RelationRelationId :
					 ConstraintRelationId, object->was);
	ObjectAddressSet(function, ProcedureRelationId,
					 pgm_sync_function("online_column"));
	if (ours)
		recordDependencyOn(&double_of, &function, DEPENDENCY_AUTO);
	else
		(void) deleteDependencyRecordsForSpecific(double_of.classId,
												  double_of.objectId,
												  DEPENDENCY_AUTO,
												  function.classId,
												  function.objectId);
	CommandCounterIncrement();
}

static bool
is_marked(Oid index)
{
	Datum		values[1] = {ObjectIdGetDatum(index)};

	return pgm_spi_one_bool(&marked_query, values);
}

/* That of the double keeps its name. */
static Oid
double_now(const PgmShadow *shadow, const PgmColumnObject *object, Oid was)
{
	Oid			found =
		get_relname_relid(pgm_column_hidden_object(shadow->operation->id,
												   was),
						  get_rel_namespace(object->relid));

	/* anybody who may create there may have given something that name */
	return OidIsValid(found) &&
		IndexGetRelation(found, true) == object->relid &&
		is_marked(found) ? found : InvalidOid;
}

static void
find_now(const PgmShadow *shadow, PgmColumnObject *object, List *known)
{
	PgmColumnSpec spec;

	if (object->kind != 'i' ||
		!pgm_column_trigger_read(object->relid, shadow->operation->id, &spec))
		return;
	if (!is_there(object, object->was))
		object->was = double_now(shadow, object, object->was);
	if (!is_there(object, object->becomes) && is_there(object, object->was))
		object->becomes = find_remade(object, &spec, known);
}

/* ---- what is left of what was exchanged, and what was made */

/* The double of a constraint goes with it. */
static List *
objects_left(const PgmShadow *shadow, List *objects)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, objects)
	{
		PgmColumnObject *object = lfirst(lc);

		find_now(shadow, object, oids_that_are(objects));
		if (!is_there(object, object->becomes))
			continue;
		if (is_there(object, object->was))
			result = lappend(result, object);
		else if (object->kind != 'i')
			pgm_since_refuse(shadow, "a constraint of the old column was dropped");
	}
	return result;
}

/* Both have changed places. */
static List *
indexes_made(const PgmShadow *shadow, List *known, bool ahead)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;
		ListCell   *lc2;

		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			continue;
		foreach(lc2, pgm_column_objects_on(shadow, lfirst_oid(lc)))
		{
			PgmColumnObject *object = lfirst(lc2);
			Oid			made = object->was;

			if (object->kind != 'i' || list_member_oid(known, made) ||
				(!ahead && !OidIsValid(object->becomes)) ||
				!can_have_double(made, &spec))
				continue;
			object->was = object->becomes;
			object->becomes = made;
			result = lappend(result, object);
		}
	}
	return result;
}

static void
refuse_made(const PgmShadow *shadow, List *objects)
{
	List	   *known = oids_that_are(objects);
	ListCell   *lc;

	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;
		Datum		values[3];
		Datum	   *columns;
		ListCell   *made;

		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			continue;
		columns = palloc(sizeof(Datum) * spec.n);
		for (int i = 0; i < spec.n; i++)
			columns[i] = Int16GetDatum(spec.pairs[i].lead);
		values[0] = ObjectIdGetDatum(lfirst_oid(lc));
		values[1] = pgm_array_datum(INT2OID, spec.n, columns);
		values[2] = pgm_oid_array_datum(known);
		foreach(made, pgm_spi_texts(&dependents_query, values))
			pgm_since_refuse(shadow, psprintf("%s was made on a column that it changes",
											  (char *) lfirst(made)));
	}
}

List *
pgm_column_objects_back(const PgmShadow *shadow, List *objects, bool ahead)
{
	List	   *result = objects_left(shadow, objects);

	result = list_concat(result,
						 indexes_made(shadow, oids_that_are(result), ahead));
	refuse_made(shadow, result);
	return result;
}

/* ---- doubles */

/* It is as unique as what it is the double of, and refuses nobody. */
static void
adjust_index(IndexStmt *stmt, void *names)
{
	stmt->unique = false;
	pgm_column_rename_index(stmt, names);
}

static void
build_double(PgmShadow *shadow, const PgmColumnObject *object)
{
	PgmColumnSpec spec;
	List	   *names = NIL;
	char	   *name;
	char	   *command = NULL;

	pgm_txn_begin();
	LockRelationOid(object->relid, AccessShareLock);
	name = get_rel_name(object->becomes);
	if (name != NULL &&
		pgm_column_trigger_read(object->relid, shadow->operation->id, &spec))
	{
		names = pgm_column_renames(&spec);
		command = pgm_layout_index_command(object->becomes);
	}
	pgm_txn_commit();
	if (command != NULL)
		pgm_since_build_index(shadow, object->relid, object->becomes, name,
							  command, adjust_index, names);
}

void
pgm_column_build_since(PgmShadow *shadow)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	List	   *objects = NIL;
	ListCell   *lc;

	pgm_txn_begin();
	foreach(lc, pgm_column_members(shadow))
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
	if (get_rel_name(shadow->relid) != NULL)
		objects = pgm_column_objects_back(shadow, pgm_column_objects(shadow),
										  true);
	pgm_txn_commit();
	foreach(lc, objects)
	{
		const PgmColumnObject *object = lfirst(lc);

		if (!OidIsValid(object->was))
			build_double(shadow, object);
	}
	MemoryContextSwitchTo(old);
}

static void *
make_stray(uint64 row)
{
	ObjectAddress *result = palloc(sizeof(ObjectAddress));

	ObjectAddressSet(*result, *pgm_spi_text(row, 1) == 'i' ?
					 RelationRelationId : ConstraintRelationId,
					 (Oid) pgm_spi_int64(row, 2));
	return result;
}

void
pgm_column_drop_strays(const PgmShadow *shadow, List *objects)
{
	List	   *doubles = NIL;
	ListCell   *lc;

	foreach(lc, objects)
		doubles = lappend_oid(doubles, ((PgmColumnObject *) lfirst(lc))->was);
	foreach(lc, pgm_column_members(shadow))
	{
		Datum		values[3];
		ListCell   *lc2;

		values[0] = ObjectIdGetDatum(lfirst_oid(lc));
		values[1] = pgm_text_datum(shadow->operation->details);
		values[2] = pgm_oid_array_datum(doubles);
		foreach(lc2, pgm_spi_list(&strays_query, values, NULL, make_stray))
			performDeletion(lfirst(lc2), DROP_RESTRICT,
							PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}
