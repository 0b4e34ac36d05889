/*-------------------------------------------------------------------------
 *
 * whole.h
 *	  Statements that name no table but mean many.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/whole.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_WHOLE_H
#define PGM_WHOLE_H

#include "verdict.h"

/* All that such a statement locks; nothing for other statements. */
extern void pgm_reach_whole(PgmVerdict *verdict, Node *stmt);

#endif							/* PGM_WHOLE_H */
