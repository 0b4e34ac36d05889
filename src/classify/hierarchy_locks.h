/*-------------------------------------------------------------------------
 *
 * hierarchy_locks.h
 *	  Statements that name no table but mean many.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_HIERARCHY_LOCKS_H
#define PGM_CLASSIFY_HIERARCHY_LOCKS_H

#include "classify/verdict.h"

/* All that such a statement locks; nothing for other statements. */
extern void pgm_reach_whole(PgmVerdict *verdict, Node *stmt);

#endif							/* PGM_CLASSIFY_HIERARCHY_LOCKS_H */
