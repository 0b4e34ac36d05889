/*-------------------------------------------------------------------------
 *
 * trial_role.c
 *	  With whose rights a statement is tried, and when it must not be.
 *
 * The code of a table's owner (indexes, constraints, policies) may run when a
 * query on the table is planned.  It must never run with more rights than his.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "assess/trial_role.h"
#include "classify/foreign_dependencies.h"
#include "clone/clone_sql.h"
#include "clone/trial_scope.h"

/* What a statement makes is the caller's. */
static bool
is_creation(Node *stmt)
{
	return IsA(stmt, CreateStmt) || IsA(stmt, CreateTableAsStmt) ||
		IsA(stmt, ViewStmt);
}

Oid
pgm_trial_role(const PgmVerdict *verdict)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	Oid			role = InvalidOid;
	ListCell   *lc;

	if (is_creation(stmt))
		return GetUserId();
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		Oid			owner;

		if (!effect->named || !OidIsValid(effect->relid))
			continue;
		owner = pgm_relation_owner(effect->relid);
		if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
			break;
		if (OidIsValid(role) && role != owner)
			return GetUserId();
		role = owner;
		if (!IsA(stmt, DropStmt) && !IsA(stmt, TruncateStmt))
			break;
	}
	return OidIsValid(role) ? role : GetUserId();
}

static bool
is_foreign_code(Oid relid, Oid role)
{
	Oid			owner = pgm_relation_owner(relid);
	char		kind = get_rel_relkind(relid);

	/* without his rights nothing of his can be planned */
	return OidIsValid(owner) && owner != role &&
		has_privs_of_role(role, owner) &&
		(kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
		(pgm_clone_has_code(relid) ||
		 pgm_strange_object(list_make1_oid(RelationRelationId),
							list_make1_oid(relid), role) != NULL);
}

bool
pgm_trial_runs_foreign_code(const PgmVerdict *verdict, Node *stmt)
{
	Oid			role = pgm_trial_role(verdict);
	PgmReach	reach;
	ListCell   *lc;
	ListCell   *other;

	if (!IsA(stmt, AlterTableStmt) && !IsA(stmt, CreateStmt) &&
		!IsA(stmt, TruncateStmt))
		return false;
	reach = pgm_reaches_keys(stmt);
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (!OidIsValid(effect->relid))
			continue;
		if (is_foreign_code(effect->relid, role))
			return true;
		if (!effect->subject)
			continue;
		foreach(other, pgm_clone_neighbours(effect->relid, reach.all,
											reach.columns, reach.constraints,
											NULL))
			if (is_foreign_code(lfirst_oid(other), role))
			return true;
	}
	return false;
}
