/*-------------------------------------------------------------------------
 *
 * run_unseen.h
 *	  A run whose row is not committed yet.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/store/run_unseen.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_UNSEEN_H
#define PGM_STORE_RUN_UNSEEN_H

#include "base/result_rows.h"

/* How the activity of a worker that plans begins; then command and target. */
#define PGM_ACTIVITY_PLANNING "/" "* pgmigrate: planning *" "/ "

/*
 * With the run lock: take the number of a run, for pgm_journal_begin(), and
 * let others know it to the end of the transaction.
 */
extern void pgm_run_unseen_begin(void);

/* The number that another process has let know, 0 if there is none. */
extern int64 pgm_run_unseen(int *pid, bool *worker);

/* As status() says it. */
extern void pgm_run_unseen_row(PgmRows *rows, int64 run, int pid);

#endif							/* PGM_STORE_RUN_UNSEEN_H */
