/*-------------------------------------------------------------------------
 *
 * status.h
 *	  Where a run stands.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/status.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STATUS_H
#define PGM_STATUS_H

#include "rows.h"

/* What is known of a run at the moment; run 0 is the last one. */
extern bool pgm_status_get(int64 run, char **state, int *pid);
extern bool pgm_status_rows(PgmRows *rows, int64 run, bool with_error);

/* The steps of a run, as upgrade() returns them. */
extern void pgm_status_steps(PgmRows *rows, int64 run);

#endif							/* PGM_STATUS_H */
