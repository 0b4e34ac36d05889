/*-------------------------------------------------------------------------
 *
 * ahead.h
 *	  What is known of the catalog before the lock of a switch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_AHEAD_H
#define PGM_ONLINE_AHEAD_H

#include "online/internal.h"

typedef struct PgmAhead
{
	uint64		heard;			/* of changes, when it was asked */
	List	   *keys;			/* PgmIncomingKey of all tables */
	List	   *views;			/* PgmShadowView */
} PgmAhead;

/*
 * ahead.c: ask, before the lock, in a transaction of its own; and what was
 * asked, with the lock, if it still holds, or NULL.  Nothing of it may be
 * asked after a change of one's own.
 */
extern void pgm_ahead_look(PgmShadow *shadow);
extern const PgmAhead *pgm_ahead_known(const PgmShadow *shadow);
extern List *pgm_ahead_keys(const PgmShadow *shadow);
extern List *pgm_ahead_views(const PgmShadow *shadow);

/* The row of the operation, locked; its details are read if need be. */
extern void pgm_ahead_read_again(PgmShadow *shadow, bool knows);

#endif							/* PGM_ONLINE_AHEAD_H */
