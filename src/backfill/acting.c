/*-------------------------------------------------------------------------
 *
 * acting.c
 *	  As whom the statement is planned and executed.
 *
 * As a rule it is the caller, as with any statement of his.  What we make up
 * ourselves reaches checks, domains and indexes of the table's owner, and runs
 * as that owner, restricted as an index function is.  All that is around it,
 * as what it gives way to, is still the caller's.
 *
 * Where the caller is not the session user, no code that is reached may change
 * the role: neither by a change of rows, nor when they are looked for, counted
 * or named, nor when the planner evaluates what it takes for a constant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "backfill/internal.h"

/* One per process, as its backfill. */
static Oid	acting_role = InvalidOid;

void
pgm_acting_set(Oid role)
{
	acting_role = role;
}

Oid
pgm_acting_role(void)
{
	return OidIsValid(acting_role) ? acting_role : GetUserId();
}

void
pgm_acting_begin(const PgmBackfill *backfill, PgmActing *acting)
{
	acting->role = acting_role;
	acting->guarded = OidIsValid(acting->role) || backfill->exec.guard;
	if (!acting->guarded)
		return;
	pgm_guard_raise(&acting->guard);
	if (!OidIsValid(acting->role))
		return;
	SetUserIdAndSecContext(acting->role, acting->guard.sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	acting->guc_level = NewGUCNestLevel();
}

void
pgm_acting_end(const PgmActing *acting)
{
	if (!acting->guarded)
		return;
	if (OidIsValid(acting->role))
		AtEOXact_GUC(false, acting->guc_level);
	pgm_guard_lower(&acting->guard);
}
