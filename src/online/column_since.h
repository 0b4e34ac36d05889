/*-------------------------------------------------------------------------
 *
 * column_since.h
 *	  What others have made of a column between its switch and the way back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_COLUMN_SINCE_H
#define PGM_ONLINE_COLUMN_SINCE_H

#include "online/column_internal.h"

/*
 * In a worker outside of a transaction: doubles of the indexes that were made
 * since the switch.
 */
extern void pgm_column_build_since(PgmShadow *shadow);

/*
 * Of the objects that were exchanged those of which the user has left theirs,
 * and the indexes that he has made, which have a double by now, or can have
 * one if it is "ahead" of that.  Raises an error for what is in the way.
 */
extern List *pgm_column_objects_back(const PgmShadow *shadow, List *objects,
									 bool ahead);

/*
 * column_exchange.c: what follows is null where nothing is written to it,
 * whatever its type says, also later.
 */
extern void pgm_column_follows_null(Oid relid, AttrNumber column);

/* The double of what leads is ours, or is no more; with the locks. */
extern void pgm_column_mark(const PgmColumnObject *object, bool ours);

/*
 * Names of columns that lead and of those that follow, in turn.  May an index
 * be what the statement, which has the latter, makes on that table?
 */
extern List *pgm_column_renames(const PgmColumnSpec *spec);
extern bool pgm_column_may_be(Oid index, Oid relid, const IndexStmt *stmt);

/* With the locks: doubles of ours that are none of these objects. */
extern void pgm_column_drop_strays(const PgmShadow *shadow, List *objects);

/*
 * Is what follows unique because what leads is, for different values have
 * different doubles?  Then nobody has to look at it twice.
 */
extern bool pgm_column_stays_unique(Oid index, const PgmColumnSpec *spec);

#endif							/* PGM_ONLINE_COLUMN_SINCE_H */
