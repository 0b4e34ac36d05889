/*-------------------------------------------------------------------------
 *
 * ahead.c
 *	  What is known of the catalog before the lock of a switch.
 *
 * Under the lock must be looked at what others could have changed meanwhile.
 * Whoever changes the catalog tells all sessions, before he releases his
 * locks: where no message has come since it was asked, of anything in the
 * cluster, the answer is the same, and the lock is held for less long.  Where
 * one has come, all of it is asked again.
 *
 * A change that does not lock the table, as of a publication of all tables,
 * may be committed just after the look under the lock, and likewise just after
 * this.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/sinval.h"
#include "utils/inval.h"

#include "online/ahead.h"
#include "online/column_internal.h"
#include "online/dependents.h"

/* Foreign keys on the tables, and views, which are kept with the first. */
List *
pgm_ahead_keys(const PgmShadow *shadow)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(shadow->family))
		result = list_concat(result, pgm_shadow_incoming_keys(lfirst(lc)));
	return result;
}

List *
pgm_ahead_views(const PgmShadow *shadow)
{
	return pgm_shadow_views(linitial(shadow->family));
}

void
pgm_ahead_look(PgmShadow *shadow)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	PgmAhead   *ahead = palloc0(sizeof(PgmAhead));

	AcceptInvalidationMessages();
	ahead->heard = SharedInvalidMessageCounter;
	if (!pgm_is_column(shadow))
	{
		ahead->keys = pgm_ahead_keys(shadow);
		ahead->views = pgm_ahead_views(shadow);
	}
	shadow->ahead = ahead;
	MemoryContextSwitchTo(old);
}

const PgmAhead *
pgm_ahead_known(const PgmShadow *shadow)
{
	AcceptInvalidationMessages();
	return shadow->ahead != NULL &&
		shadow->ahead->heard == SharedInvalidMessageCounter ?
		shadow->ahead : NULL;
}

/* What an attempt that was rolled back has left in memory is not true. */
void
pgm_ahead_read_again(PgmShadow *shadow, bool knows)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);

	shadow->operation = pgm_operation_lock(shadow->operation->id);
	if (!knows || shadow->loaded == NULL ||
		strcmp(shadow->operation->details, shadow->loaded) != 0)
		pgm_shadow_load(shadow);
	MemoryContextSwitchTo(old);
}
