/*-------------------------------------------------------------------------
 *
 * leftover.h
 *	  What a way back leaves to be dropped later.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_LEFTOVER_H
#define PGM_ONLINE_LEFTOVER_H

#include "exec/execute.h"
#include "online/internal.h"

/*
 * With the locks, of an operation that was switched back: leave its tables to
 * be dropped after the commit.  False if it is not worth while, or somebody
 * might be in need of it that they are gone.
 */
extern bool pgm_leftover_keep(PgmShadow *shadow);

/* Has a reverted operation tables that are to be dropped? */
extern bool pgm_is_leftover(const PgmOperation *operation);

/*
 * Drop them; in a worker in a transaction that is ended here.  What was done,
 * or NULL if somebody else was faster.
 */
extern const char *pgm_leftover_drop(const PgmExec *exec, int64 id);

extern PGDLLEXPORT void pgmigrate_leftover_main(Datum main_arg);

#endif							/* PGM_ONLINE_LEFTOVER_H */
