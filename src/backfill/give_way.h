/*-------------------------------------------------------------------------
 *
 * give_way.h
 *	  Give way as a backfill does, for another kind of work in pieces.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_GIVE_WAY_H
#define PGM_BACKFILL_GIVE_WAY_H

#include "exec/execute.h"
#include "store/operation.h"

typedef struct PgmGiveWay PgmGiveWay;

/*
 * Lives in the current memory context, and so must the operation, whose run
 * may be paused and tuned.  What is written makes that table longer.
 */
extern PgmGiveWay *pgm_give_way_create(PgmOperation *operation,
									   const PgmExec *exec, Oid grows);

/*
 * Between two pieces, outside of a transaction: waits while it is paused, and
 * while replicas, the WAL, the archiver, the room on disk or the user's query
 * say so.
 */
extern void pgm_give_way(PgmGiveWay *way);

/* Milliseconds that a piece is to take. */
extern int	pgm_give_way_chunk_time(const PgmGiveWay *way);

#endif							/* PGM_BACKFILL_GIVE_WAY_H */
