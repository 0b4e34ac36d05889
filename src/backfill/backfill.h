/*-------------------------------------------------------------------------
 *
 * backfill.h
 *	  An UPDATE or DELETE of many rows, carried out a few pages at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_BACKFILL_H
#define PGM_BACKFILL_BACKFILL_H

#include "base/result_rows.h"
#include "exec/execute.h"
#include "store/operation.h"

typedef struct PgmBackfillOptions
{
	int			workers;		/* processes, this one counted */
	int			chunk_time;		/* ms that a chunk is to take */
	int			pause;			/* ms between two chunks */
	bool		as_owner;		/* of the table, restricted; else the caller */
} PgmBackfillOptions;

typedef struct PgmBackfillResult
{
	int64		rows;			/* changed, some of them perhaps twice */
	int64		again;			/* that meet the condition all the same */
	int64		set_aside;		/* that could not be changed */
	int64		hidden;			/* by row security, as they were */
	bool		proven;			/* that no row is left, at one moment */
} PgmBackfillResult;

/* As the settings have them. */
extern void pgm_backfill_options(PgmBackfillOptions *options);

/*
 * What an operation must have in its details, as jsonb: the statement, and how
 * it is to be gone about.
 */
extern char *pgm_backfill_details(const char *statement,
								  const PgmBackfillOptions *options);

/*
 * In a worker that owns the run, outside of a transaction: carry out an
 * operation that is committed, from where it stopped if it was begun before.
 * Its role must be the current one.  Leaves it in the state comparing; raises
 * what went wrong, and does not record it.
 */
extern void pgm_backfill_run(PgmOperation *operation, const PgmExec *exec,
							 PgmBackfillResult *result);

/* Says what is to be known of it. */
extern void pgm_backfill_report(const PgmBackfillResult *result);

/* What a call of backfill() asks for. */
typedef struct PgmBackfillCall
{
	Oid			relid;
	const char *assignments;
	const char *condition;		/* NULL for every row */
	PgmBackfillOptions options;
	int64		resume;			/* a run to go on with, instead of all that */
} PgmBackfillCall;

/*
 * A run of its own, in a worker: to its end, or only until it has begun.
 * Returns its number.  While it is followed the caller must hold no snapshot.
 */
extern int64 pgm_backfill_launch(const PgmBackfillCall *call, bool follow);

/* In the caller's transaction, as the statement is written. */
extern int64 pgm_backfill_inline(const PgmBackfillCall *call);

/* The step of such a run, as upgrade() returns it. */
extern void pgm_backfill_step_rows(PgmRows *rows, int64 run);

/* At the load of the library: what its workers do. */
extern void pgm_backfill_register(void);

/* The operations of a run that is not at work: given up.  Returns how many. */
extern int	pgm_backfill_give_up(int64 run);

#endif							/* PGM_BACKFILL_BACKFILL_H */
