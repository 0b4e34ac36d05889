/*-------------------------------------------------------------------------
 *
 * not_null.h
 *	  NOT NULL as a constraint, since 18.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_NOT_NULL_H
#define PGM_COMPAT_NOT_NULL_H

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/rel.h"

/* Of a, a column: NOT NULL of rows to come only is 'not valid', since 18. */
#if PG_VERSION_NUM >= 180000
#define PGM_SQL_NOT_NULL \
	"CASE WHEN a.attnotnull THEN CASE WHEN (a.attrelid, a.attnum) IN " \
	"(SELECT v.conrelid, v.conkey[1] FROM pg_constraint v " \
	"WHERE v.contype = 'n' AND NOT v.convalidated) " \
	"THEN 'not valid' ELSE 'yes' END END"
#else
#define PGM_SQL_NOT_NULL "CASE WHEN a.attnotnull THEN 'yes' END"
#endif

/* Of a new table whose columns are marked NOT NULL as those of the other. */
static inline void
pgm_copy_not_null_constraints(Oid from, Oid to)
{
#if PG_VERSION_NUM >= 180000
	Relation	rel = table_open(to, NoLock);

	(void) AddRelationNotNullConstraints(rel,
										 RelationGetNotNullConstraints(from,
																	   false,
																	   true),
										 NIL, NIL);
	table_close(rel, NoLock);
#endif
}

/* The name of a column's NOT NULL that is NOT VALID, else NULL. */
static inline char *
pgm_not_valid_not_null(Oid relid, const char *column)
{
#if PG_VERSION_NUM >= 180000
	HeapTuple	tuple = findNotNullConstraint(relid, column);
	Form_pg_constraint constraint;

	if (tuple == NULL)
		return NULL;
	constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	return constraint->convalidated ? NULL :
		pstrdup(NameStr(constraint->conname));
#else
	return NULL;
#endif
}

#if PG_VERSION_NUM >= 180000
static inline void
pgm_move_not_null_constraint(Oid relid, HeapTuple constraint, AttrNumber from,
							 AttrNumber to)
{
	Relation	catalog;
	ObjectAddress self;
	ObjectAddress column;
	ArrayType  *columns;
	Datum		element = Int16GetDatum(to);
	Datum		values[Natts_pg_constraint] = {0};
	bool		nulls[Natts_pg_constraint] = {false};
	bool		replace[Natts_pg_constraint] = {false};
	Oid			oid;

	if (constraint == NULL)
		return;
	oid = ((Form_pg_constraint) GETSTRUCT(constraint))->oid;
	catalog = table_open(ConstraintRelationId, RowExclusiveLock);
	columns = construct_array_builtin(&element, 1, INT2OID);
	values[Anum_pg_constraint_conkey - 1] = PointerGetDatum(columns);
	replace[Anum_pg_constraint_conkey - 1] = true;
	constraint = heap_modify_tuple(constraint, RelationGetDescr(catalog),
								   values, nulls, replace);
	CatalogTupleUpdate(catalog, &constraint->t_self, constraint);
	table_close(catalog, RowExclusiveLock);
	(void) deleteDependencyRecordsForSpecific(ConstraintRelationId, oid,
											  DEPENDENCY_AUTO,
											  RelationRelationId, relid);
	ObjectAddressSet(self, ConstraintRelationId, oid);
	ObjectAddressSubSet(column, RelationRelationId, relid, to);
	recordDependencyOn(&self, &column, DEPENDENCY_AUTO);
	CommandCounterIncrement();
}
#endif

/*
 * The constraint is about column y from here on, and that of y about x.  What
 * the columns are marked as is changed by the caller.
 */
static inline void
pgm_exchange_not_null_constraints(Oid relid, AttrNumber x, AttrNumber y)
{
#if PG_VERSION_NUM >= 180000
	HeapTuple	a = findNotNullConstraintAttnum(relid, x);
	HeapTuple	b = findNotNullConstraintAttnum(relid, y);

	pgm_move_not_null_constraint(relid, a, x, y);
	pgm_move_not_null_constraint(relid, b, y, x);
#endif
}

#endif							/* PGM_COMPAT_NOT_NULL_H */
