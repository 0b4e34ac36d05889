/*-------------------------------------------------------------------------
 *
 * held.h
 *	  The locks that this backend holds, seen and given back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_HELD_H
#define PGM_LOCK_HELD_H

#include "storage/lock.h"
#include "utils/hsearch.h"

/* A lock of ours, as the lock table has it. */
typedef struct PgmHeld
{
	LOCKTAG		tag;			/* hash key */
	LOCKMASK	mask;
} PgmHeld;

/* The locks on relations and objects: a table of PgmHeld. */
extern HTAB *pgm_held_read(void);

/* The modes of an entry that are not in an earlier table. */
extern LOCKMASK pgm_held_new_modes(HTAB *before, const PgmHeld *entry);
extern LOCKMODE pgm_held_strongest(LOCKMASK mask);

/*
 * Give back what was taken between, but for locks on sequences that were used;
 * the current resource owner has it.
 */
extern void pgm_held_release(HTAB *before, HTAB *after);

/*
 * Around what may call functions of others and is not to be felt: the advisory
 * locks of the session, that of a run among them, are held for it meanwhile,
 * so that nothing can release them, and those that were taken are given back.
 * Also after an error; those of the transaction end with a subtransaction.
 */
typedef struct PgmSetAside PgmSetAside;

extern PgmSetAside *pgm_held_set_aside(void);
extern void pgm_held_give_back(PgmSetAside *aside);

#endif							/* PGM_LOCK_HELD_H */
