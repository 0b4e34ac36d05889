/*-------------------------------------------------------------------------
 *
 * attribute.h
 *	  Columns: their version, which only late minor releases have, what a
 *	  descriptor has of them a second time, and how a default is stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_ATTRIBUTE_H
#define PGM_COMPAT_ATTRIBUTE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "access/xlogdefs.h"
#include "catalog/heap.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"

/*
 * Columns that are not what they were get a version, by which values of the
 * row type are known to be older: in minor releases since November 2026.
 */
static inline XLogRecPtr
pgm_next_attribute_version(void)
{
#ifdef ATTRIBUTE_VERSION_ATTOPTION
	return GetNextAttributeVersion();
#else
	return InvalidXLogRecPtr;
#endif
}

static inline HeapTuple
pgm_with_attribute_version(Relation catalog, HeapTuple tuple,
						   XLogRecPtr version)
{
#ifdef ATTRIBUTE_VERSION_ATTOPTION
	return SetAttributeVersionInTuple(catalog, tuple, version);
#else
	return tuple;
#endif
}

/* To be called after a column of a descriptor was changed. */
static inline void
pgm_attribute_changed(TupleDesc desc, AttrNumber column)
{
#if PG_VERSION_NUM >= 180000
	populate_compact_attribute(desc, column - 1);
#endif
}

/* Of a column that is there, for rows to come. */
static inline void
pgm_store_default(Relation rel, AttrNumber column, Node *expr)
{
#if PG_VERSION_NUM >= 180000
	(void) StoreAttrDefault(rel, column, expr, true);
#else
	(void) StoreAttrDefault(rel, column, expr, true, false);
#endif
}

#endif							/* PGM_COMPAT_ATTRIBUTE_H */
