/*-------------------------------------------------------------------------
 *
 * partition.h
 *	  Partitions, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_PARTITION_H
#define PGM_COMPAT_PARTITION_H

#include "catalog/partition.h"
#include "partitioning/partbounds.h"
#include "utils/relcache.h"

/* The condition of a bound, all parts of which hold. */
#if PG_VERSION_NUM >= 140000
#define pgm_bound_condition(parent, bound) \
	get_qual_from_partbound(parent, bound)
#define pgm_partition_parent(relid) get_partition_parent(relid, true)
#else
#define pgm_bound_condition(parent, bound) \
	get_qual_from_partbound(parent, parent, bound)
#define pgm_partition_parent(relid) get_partition_parent(relid)
#endif

static inline bool
pgm_detach_can_be_concurrent(void)
{
	return PG_VERSION_NUM >= 140000;
}

/* Does the concurrent form leave a CHECK in the place of the bound? */
static inline bool
pgm_detach_leaves_check(void)
{
	return PG_VERSION_NUM < 190000;
}

#endif							/* PGM_COMPAT_PARTITION_H */
