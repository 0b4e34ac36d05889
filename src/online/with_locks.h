/*-------------------------------------------------------------------------
 *
 * with_locks.h
 *	  Work under strong locks, which the ladder takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_WITH_LOCKS_H
#define PGM_ONLINE_WITH_LOCKS_H

#include "online/internal.h"

/*
 * Before an exchange, in a transaction: what the statements may have done to
 * another server must not be there without them after a crash, so they are
 * flushed under the locks then.
 */
extern void pgm_shadow_look_at_reach(PgmShadow *shadow);

/* In a worker in a transaction of its own, else in the caller's. */
extern void pgm_shadow_locked(PgmShadow *shadow, LOCKMODE mode,
							  bool with_statement,
							  void (*work) (PgmShadow *shadow, void *arg),
							  void *arg);

/*
 * For how long the last ones were held, and what for; in a worker.  After what
 * exchanges tables it must follow at once: see the commit there.
 */
extern void pgm_shadow_note_held(PgmShadow *shadow, const char *what);

#endif							/* PGM_ONLINE_WITH_LOCKS_H */
