/*-------------------------------------------------------------------------
 *
 * new_rows.h
 *	  The rows of a table as an ALTER TABLE leaves them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_NEW_ROWS_H
#define PGM_ASSESS_NEW_ROWS_H

#include "assess/row_queries.h"

/* Is a new column NOT NULL, with nothing that fills it in the old rows? */
extern bool pgm_column_is_required(const ColumnDef *column);

/* Does the new type take whatever the old one can hold, and all of it? */
extern bool pgm_type_takes_all(Oid from, int32 from_mod, Oid to, int32 to_mod);

/* Is there a constant that all rows have in a column that is added? */
extern bool pgm_new_value_is_known(const ColumnDef *column);

/*
 * From here on the rows are seen with the columns that the statement adds and
 * the values that its USING makes, as its constraints will see them.
 */
extern void pgm_look_at_new_rows(PgmLook *look, const AlterTableStmt *stmt);

/*
 * Does one of the ALTER TABLE before change the type of a column?  Then an
 * expression may be one over the new type, as a label that an enum gets.
 */
extern bool pgm_rows_are_retyped(const PgmEffect *effect, List *before);

#endif							/* PGM_ASSESS_NEW_ROWS_H */
