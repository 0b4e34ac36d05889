/*-------------------------------------------------------------------------
 *
 * not_null.h
 *	  NOT NULL as a constraint, since 18.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_NOT_NULL_H
#define PGM_COMPAT_NOT_NULL_H

#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/pg_constraint.h"
#include "utils/rel.h"

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

#endif							/* PGM_COMPAT_NOT_NULL_H */
