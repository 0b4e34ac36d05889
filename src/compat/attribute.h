/*-------------------------------------------------------------------------
 *
 * attribute.h
 *	  The version of a column, which only late minor releases have, and what a
 *	  descriptor has of it a second time, since PostgreSQL 18.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_ATTRIBUTE_H
#define PGM_COMPAT_ATTRIBUTE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "access/xlogdefs.h"
#include "catalog/heap.h"
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

#endif							/* PGM_COMPAT_ATTRIBUTE_H */
