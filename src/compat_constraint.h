/*-------------------------------------------------------------------------
 *
 * compat_constraint.h
 *	  What constraints can be, by server version.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/compat_constraint.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_CONSTRAINT_H
#define PGM_COMPAT_CONSTRAINT_H

#include "nodes/parsenodes.h"

/* ON DELETE SET NULL or DEFAULT of these columns only. */
static inline List *
pgm_foreign_key_set_columns(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 150000
	return constraint->fk_del_set_cols;
#else
	return NIL;
#endif
}

static inline bool
pgm_nulls_not_distinct(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 150000
	return constraint->nulls_not_distinct;
#else
	return false;
#endif
}

/* Can a foreign key of a partitioned table be NOT VALID? */
static inline bool
pgm_partitioned_keys_not_valid(void)
{
	return PG_VERSION_NUM >= 180000;
}

static inline bool
pgm_index_nulls_not_distinct(const IndexStmt *index)
{
#if PG_VERSION_NUM >= 150000
	return index->nulls_not_distinct;
#else
	return false;
#endif
}

#endif							/* PGM_COMPAT_CONSTRAINT_H */
