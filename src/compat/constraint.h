/*-------------------------------------------------------------------------
 *
 * constraint.h
 *	  What constraints can be, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_CONSTRAINT_H
#define PGM_COMPAT_CONSTRAINT_H

#include "nodes/parsenodes.h"
#include "nodes/value.h"

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

/* NOT ENFORCED: of a CHECK or a foreign key, since 18. */
static inline bool
pgm_constraint_is_unenforced(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 180000
	return (constraint->contype == CONSTR_CHECK ||
			constraint->contype == CONSTR_FOREIGN) &&
		!constraint->is_enforced;
#else
	return false;
#endif
}

/* [NOT] ENFORCED as the attribute of a column's constraint. */
static inline bool
pgm_constraint_is_enforcement(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 180000
	return constraint->contype == CONSTR_ATTR_ENFORCED ||
		constraint->contype == CONSTR_ATTR_NOT_ENFORCED;
#else
	return false;
#endif
}

/* Is it held against the rows that are there?  Not NOT VALID, NOT ENFORCED. */
static inline bool
pgm_constraint_is_checked(const Constraint *constraint)
{
	return !constraint->skip_validation &&
		!pgm_constraint_is_unenforced(constraint);
}

/* Is NOT NULL a constraint that can be NOT VALID? */
static inline bool
pgm_not_null_can_be_not_valid(void)
{
	return PG_VERSION_NUM >= 180000;
}

/* The column of ADD CONSTRAINT … NOT NULL, since 18; else NULL. */
static inline const char *
pgm_not_null_column(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 180000
	return constraint->contype == CONSTR_NOTNULL && constraint->keys != NIL ?
		strVal(linitial(constraint->keys)) : NULL;
#else
	return NULL;
#endif
}

static inline bool
pgm_generated_can_be_virtual(void)
{
	return PG_VERSION_NUM >= 180000;
}

static inline bool
pgm_generated_is_virtual(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 180000
	return constraint->generated_kind == 'v';
#else
	return false;
#endif
}

/* ALTER COLUMN … SET EXPRESSION, since 17. */
static inline bool
pgm_is_set_expression(const AlterTableCmd *cmd)
{
#if PG_VERSION_NUM >= 170000
	return cmd->subtype == AT_SetExpression;
#else
	return false;
#endif
}

/* STORAGE and COMPRESSION of a new column: since 16, and 14. */
static inline bool
pgm_column_has_storage(const ColumnDef *column)
{
#if PG_VERSION_NUM >= 160000
	return column->compression != NULL || column->storage_name != NULL;
#elif PG_VERSION_NUM >= 140000
	return column->compression != NULL;
#else
	return false;
#endif
}

#endif							/* PGM_COMPAT_CONSTRAINT_H */
