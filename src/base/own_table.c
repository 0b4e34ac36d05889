/*-------------------------------------------------------------------------
 *
 * own_table.c
 *	  Tables of ours that nothing was written to.
 *
 * To ask by a query costs the start of an executor, for most databases in
 * vain.  A file gets its block before the row in it can be committed, so that
 * without a block there is no row that anybody could see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/own_table.h"

/* If the table is not there, the query tells. */
bool
pgm_own_table_is_blank(const char *name)
{
	Oid			schema = get_namespace_oid("pgmigrate", true);
	Oid			relid = OidIsValid(schema) ?
		get_relname_relid(name, schema) : InvalidOid;
	Relation	rel = OidIsValid(relid) ?
		try_relation_open(relid, AccessShareLock) : NULL;
	bool		result;

	if (rel == NULL)
		return false;
	result = RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
		RelationGetNumberOfBlocks(rel) == 0;
	relation_close(rel, AccessShareLock);
	return result;
}
