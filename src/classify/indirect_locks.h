/*-------------------------------------------------------------------------
 *
 * indirect_locks.h
 *	  What statements other than ALTER TABLE lock besides what they name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_INDIRECT_LOCKS_H
#define PGM_CLASSIFY_INDIRECT_LOCKS_H

#include "classify/verdict.h"
#include "compat/repack.h"

extern void pgm_effect_all(PgmVerdict *verdict, List *relids, LOCKMODE mode);

/* The indexes of a table, rebuilt or only locked. */
extern void pgm_reach_indexes(PgmVerdict *verdict, Oid relid, LOCKMODE mode,
							  bool rebuilt);

/* A table or view whose rows are read by a query that is run. */
extern void pgm_reach_rows(PgmVerdict *verdict, Oid relid);

/* By the statement itself, or by a query of its WITH. */
extern void pgm_reach_written(PgmVerdict *verdict, Oid relid,
							  const RangeVar *name, Node *stmt);

/* One that the statement gives to another owner. */
extern void pgm_reach_owned(PgmVerdict *verdict, Oid relid,
							const RoleSpec *owner);

/* The materialized view that is refreshed. */
extern void pgm_reach_refreshed(PgmVerdict *verdict, Oid relid,
								const RefreshMatViewStmt *stmt);

/* The table, or partitioned table, that is vacuumed or analyzed. */
extern void pgm_reach_vacuumed(PgmVerdict *verdict, Oid relid,
							   VacuumStmt *stmt);

/* The table or the index that is built anew. */
extern void pgm_reach_reindexed(PgmVerdict *verdict, Oid relid,
								ReindexStmt *stmt);

extern void pgm_reach_clustered(PgmVerdict *verdict, Oid relid);
extern void pgm_reach_repacked(PgmVerdict *verdict, Oid relid,
							   ClusterStmt *stmt);

/* What LOCK TABLE locks by way of a view. */
extern void pgm_reach_locked(PgmVerdict *verdict, Oid relid, LOCKMODE mode);

/* The partition that is attached or detached. */
extern void pgm_reach_partition(PgmVerdict *verdict, Oid relid);

/* A table that goes, and what goes or is changed with it. */
extern void pgm_reach_dropped_table(PgmVerdict *verdict, Oid relid);

/* Statements about types, schemas, functions and the like. */
extern void pgm_reach_object(PgmVerdict *verdict, Node *stmt);

#endif							/* PGM_CLASSIFY_INDIRECT_LOCKS_H */
