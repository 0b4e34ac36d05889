/*-------------------------------------------------------------------------
 *
 * column_demands.h
 *	  What indexes and checks of a column that follows demand of a row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_COLUMN_DEMANDS_H
#define PGM_ONLINE_COLUMN_DEMANDS_H

#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "online/column_internal.h"

typedef struct PgmColumnDemand
{
	ExprState  *predicate;		/* of an index: else its row is not in it */
	List	   *values;			/* ExprState: what an index has of it */
	ExprState  *check;			/* or NULL */
	bool		broken;			/* cannot be made ready: none is computed */
	Bitmapset  *reads;			/* columns */
} PgmColumnDemand;

/*
 * Those that may raise an error for what they compute with columns that
 * follow, ready for use; in the memory of the executor state.
 */
extern List *pgm_column_demands(Relation rel, int n,
								const PgmColumnPair *pairs, EState *estate);

/* Is it the same for both rows? */
extern bool pgm_column_demand_unchanged(const PgmColumnDemand *demand,
										TupleTableSlot *old,
										TupleTableSlot *new);

/* False, or an error, if the row may not be. */
extern bool pgm_column_demand_met(const PgmColumnDemand *demand,
								  TupleTableSlot *row, ExprContext *context);

/*
 * Does an index compute with this column by a function of the user that has
 * another form for other types?
 */
extern bool pgm_column_index_differs(Oid index, AttrNumber column);

/*
 * May an index or a constraint refuse a row for a null in this column, which
 * is what a number becomes that does not fit?
 */
extern bool pgm_column_refuses_null(const PgmColumnObject *object,
									AttrNumber column);

#endif							/* PGM_ONLINE_COLUMN_DEMANDS_H */
