/*-------------------------------------------------------------------------
 *
 * work.h
 *	  Whether a statement rewrites and reads tables, by its kind.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/work.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_WORK_H
#define PGM_WORK_H

#include "verdict.h"

/* Complete the touches of a statement, and sum them up. */
extern void pgm_work_judge(PgmVerdict *verdict, Node *stmt);

/* What has not been seen of it is not so. */
extern void pgm_work_deny(PgmTouch *touch);

#endif							/* PGM_WORK_H */
