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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "backfill/internal.h"

/* One per process, as its backfill; InvalidOid is the caller. */
static Oid	acting_role = InvalidOid;

void
pgm_backfill_act_as(Oid role)
{
	acting_role = role;
}

void
pgm_acting_begin(PgmActing *acting)
{
	acting->role = acting_role;
	if (!OidIsValid(acting->role))
		return;
	GetUserIdAndSecContext(&acting->save_user, &acting->save_sec_context);
	SetUserIdAndSecContext(acting->role, acting->save_sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	acting->guc_level = NewGUCNestLevel();
}

void
pgm_acting_end(const PgmActing *acting)
{
	if (!OidIsValid(acting->role))
		return;
	AtEOXact_GUC(false, acting->guc_level);
	SetUserIdAndSecContext(acting->save_user, acting->save_sec_context);
}
