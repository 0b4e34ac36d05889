/*-------------------------------------------------------------------------
 *
 * columns.h
 *	  The parts of a column's definition.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_COLUMNS_H
#define PGM_STRATEGY_COLUMNS_H

#include "nodes/parsenodes.h"

#include "sql/statements.h"

/*
 * ADD COLUMN with the constraints that can come after it, as ADD CONSTRAINT,
 * and without them.  Where they cannot be told apart it is all of it.
 */
typedef struct PgmColumnParts
{
	char	   *bare;			/* ADD COLUMN … */
	List	   *constraints;	/* of Constraint *, with their columns */
	List	   *texts;			/* of char *: ADD CONSTRAINT … */
} PgmColumnParts;

extern PgmColumnParts *pgm_column_parts(const PgmSource *source, int n,
										AlterTableCmd *cmd,
										const char *text);

/* The type of the column where it is written as a serial, or NULL. */
extern const char *pgm_serial_type(const TypeName *type);

/* Does it give each row a value of its own, so that all are written? */
extern bool pgm_column_is_filled(const ColumnDef *column);

/*
 * Does a change of type write the rows anew?  Not where the values stay as
 * they are and the limit of their length, if there is any, does not shrink.
 */
extern bool pgm_type_change_may_rewrite(Oid relid, const AlterTableCmd *cmd);

#endif							/* PGM_STRATEGY_COLUMNS_H */
