/*-------------------------------------------------------------------------
 *
 * triable.h
 *	  Which statements may be tried on clones.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/triable.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_TRIABLE_H
#define PGM_TRIABLE_H

#include "nodes/parsenodes.h"

typedef enum PgmTriable
{
	PGM_TRIABLE,
	PGM_NEEDLESS,				/* nothing to be learnt, no effect to miss */
	PGM_NOT_TRIABLE
} PgmTriable;

extern PgmTriable pgm_triable(Node *stmt, const char **reason);

/* Can the statement reach the other end of a foreign key? */
extern bool pgm_reaches_keys(Node *stmt);

#endif							/* PGM_TRIABLE_H */
