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
 * The advisory locks, and giving back those of the session that were taken
 * since.  Those of the transaction have to be gone by then.
 */
extern HTAB *pgm_held_read_advisory(void);
extern void pgm_held_release_advisory(HTAB *before);

#endif							/* PGM_LOCK_HELD_H */
