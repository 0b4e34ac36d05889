/*-------------------------------------------------------------------------
 *
 * passes.c
 *	  What a statement that goes along with one before it is shown as.
 *
 * By itself it might be carried out in another way, or as it is written.  But
 * statements on a table that is written anew anyway are carried out on the
 * copy, in one operation: that is its way then, and what it takes is counted
 * with the first of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "assess/passes.h"
#include "online/downgrade.h"
#include "online/shadow_table.h"

static bool
goes_along(const PgmPassSeen *seen, const PgmVerdict *verdict,
		   const PgmStrategy *own)
{
	if (seen->source != verdict->source || verdict->n <= seen->first ||
		verdict->n > seen->last ||
		pgm_shadow_altered_by(verdict->source, verdict->n) != seen->relid)
		return false;

	/* the run stops at what cannot be; how it is said is its own */
	return own->kind != PGM_STRATEGY_PLAIN || !own->refused;
}

PgmStrategy *
pgm_strategy_in_pass(PgmPassSeen *seen, const PgmVerdict *verdict,
					 PgmStrategy *own)
{
	if (goes_along(seen, verdict, own))
	{
		PgmStrategy *result = palloc(sizeof(PgmStrategy));

		*result = *own;
		if (own->kind != PGM_STRATEGY_SHADOW_TABLE)
			memset(&result->back, 0, sizeof(PgmWayBack));
		result->kind = PGM_STRATEGY_SHADOW_TABLE;
		result->name = "shadow table";
		result->method = PGM_METHOD_TABLE;
		result->relid = seen->relid;
		result->why = psprintf("it goes along with statement %d, in one operation",
							   seen->first + 1);
		result->figures = NULL;
		result->goes_along = true;
		result->steps = NIL;
		result->verdict = NULL;
		result->online_ms = 0;
		return result;
	}
	if (own->kind == PGM_STRATEGY_SHADOW_TABLE)
	{
		seen->source = verdict->source;
		seen->relid = own->relid;
		seen->first = verdict->n;
		seen->last = pgm_shadow_last(own->relid, verdict->source, verdict->n);
	}
	return own;
}
