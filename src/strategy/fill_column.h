/*-------------------------------------------------------------------------
 *
 * fill_column.h
 *	  A new column with values of its own: nullable first, filled, then bound.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_FILL_COLUMN_H
#define PGM_STRATEGY_FILL_COLUMN_H

#include "strategy/internal.h"

typedef struct PgmFilledColumn
{
	const char *name;			/* quoted */
	char	   *before;			/* statement before the column is made */
	List	   *parts;			/* of ALTER TABLE, to make it */
	char	   *after;			/* statement after that */
	char	   *undo;			/* statement after the column is dropped */
	char	   *finish;			/* statements when it is filled and bound */
	bool		not_null;
} PgmFilledColumn;

/* "text" is how it is written.  NULL if it must be made otherwise. */
extern PgmFilledColumn *pgm_filled_column(PgmMaker *maker,
										  const ColumnDef *column,
										  const char *text);

/* What makes columns that are filled, with what goes with them; its undo. */
extern char *pgm_fill_around(List *columns, char *sql);
extern char *pgm_fill_undo(List *columns, char *sql);

/* The UPDATE that fills one of them where it is null; NULL: it is none. */
extern char *pgm_fill_again(const PgmMaker *maker, List *columns,
							const char *column);

/* The steps that fill those of one table, as many as may be in one. */
extern void pgm_fill_steps(PgmMaker *maker, List *columns);

#endif							/* PGM_STRATEGY_FILL_COLUMN_H */
