/*-------------------------------------------------------------------------
 *
 * give_way.c
 *	  Give way as a backfill does, for another kind of work in pieces.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "backfill/give_way.h"
#include "backfill/internal.h"

/* A backfill without rows of its own. */
struct PgmGiveWay
{
	PgmBackfill backfill;
};

PgmGiveWay *
pgm_give_way_create(PgmOperation *operation, const PgmExec *exec, Oid grows)
{
	PgmGiveWay *way = palloc0(sizeof(PgmGiveWay));

	way->backfill.operation = operation;
	way->backfill.exec = *exec;
	way->backfill.context = CurrentMemoryContext;
	way->backfill.grows = grows;
	pgm_backfill_options(&way->backfill.options);
	way->backfill.control.chunk_time = way->backfill.options.chunk_time;
	return way;
}

void
pgm_give_way(PgmGiveWay *way)
{
	pgm_control_between(&way->backfill, NULL);
}

int
pgm_give_way_chunk_time(const PgmGiveWay *way)
{
	return way->backfill.control.chunk_time;
}
