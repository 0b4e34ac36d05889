/*-------------------------------------------------------------------------
 *
 * family.c
 *	  The partitions of a table, which are changed together.
 *
 * Each partition has an operation of its own, with its copy, its triggers and
 * its comparison, up to the switch: that is one for all of them, and so is the
 * way back, for the statement changes them all.  Likewise with tables that are
 * changed together, see joint.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"

#include "online/internal.h"
#include "online/partition.h"

List *
pgm_shadow_leaves(Oid root)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (get_rel_relkind(root) != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(root);
	foreach(lc, find_all_inheritors(root, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

Oid
pgm_shadow_root(const PgmOperation *operation)
{
	char	   *root = pgm_operation_detail(operation, "root");

	return root == NULL ? operation->relid : (Oid) strtoul(root, NULL, 10);
}

bool
pgm_shadow_are_one(const PgmOperation *a, const PgmOperation *b)
{
	return a->id == b->id ||
		(a->run == b->run && a->statement == b->statement &&
		 strcmp(a->digest, b->digest) == 0 &&
		 strcmp(a->direction, b->direction) == 0);
}

List *
pgm_shadow_family(const PgmOperation *operation)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_operations_in_state(operation->state,
										operation->revision))
	{
		if (pgm_shadow_are_one(lfirst(lc), operation))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

List *
pgm_shadow_heads(List *family)
{
	List	   *roots = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, family)
	{
		PgmShadow  *member = lfirst(lc);

		if (list_member_oid(roots, member->root))
			continue;
		roots = lappend_oid(roots, member->root);
		result = lappend(result, member);
	}
	return result;
}

char *
pgm_shadow_no_way_back(List *family)
{
	ListCell   *lc;

	foreach(lc, family)
	{
		if (((PgmShadow *) lfirst(lc))->no_way_back != NULL)
			return ((PgmShadow *) lfirst(lc))->no_way_back;
	}
	return NULL;
}

void
pgm_shadow_completed(const PgmShadowRequest *request)
{
	if (request->completed != NULL)
		request->completed(request->completed_arg);
}

bool
pgm_shadow_is_whole(const PgmShadow *shadow)
{
	List	   *heads = pgm_shadow_heads(shadow->family);
	List	   *leaves = NIL;
	ListCell   *lc;

	if (pgm_partition_wanted(shadow))
		return true;
	foreach(lc, heads)
		leaves = list_concat(leaves,
							 pgm_shadow_leaves(((PgmShadow *) lfirst(lc))->root));
	if (list_length(heads) != Max(shadow->nroots, 1) ||
		list_length(leaves) != list_length(shadow->family))
		return false;
	foreach(lc, shadow->family)
	{
		if (!list_member_oid(leaves, ((PgmShadow *) lfirst(lc))->relid))
			return false;
	}
	return true;
}
