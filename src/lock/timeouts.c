/*-------------------------------------------------------------------------
 *
 * timeouts.c
 *	  The limits of the server's own waits for locks, as a run sets them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/proc.h"
#include "utils/guc.h"

#include "lock/internal.h"

void
pgm_lockset_milliseconds(const char *name, int value, GucAction action)
{
	char		text[16];

	snprintf(text, sizeof(text), "%d", value);
	(void) set_config_option(name, text, PGC_SUSET, PGC_S_SESSION, action,
							 true, 0, false);
}

void
pgm_lockset_deadlock_timeout(int timeout, GucAction action)
{
	pgm_lockset_milliseconds("deadlock_timeout",
							 Max(Min(timeout / 2, DeadlockTimeout), 1), action);
}

void
pgm_lockset_lock_timeout(int timeout, GucAction action)
{
	pgm_lockset_milliseconds("lock_timeout", timeout, action);
	pgm_lockset_deadlock_timeout(timeout, action);
}
