/*-------------------------------------------------------------------------
 *
 * partition.h
 *	  An ordinary table becomes a partitioned one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_PARTITION_H
#define PGM_ONLINE_PARTITION_H

#include "online/internal.h"

/* Is the table beside a partitioned one? */
extern bool pgm_partition_wanted(const PgmShadow *shadow);

/*
 * In the schema of the operation: before the table beside is made, whether the
 * table can be partitioned so; then what it is made into.
 */
extern void pgm_partition_check(PgmShadow *shadow, Relation rel);
extern void pgm_partition_make(PgmShadow *shadow, Relation rel);

/* In a worker outside of a transaction: rows that belong nowhere are named. */
extern void pgm_partition_check_rows(PgmShadow *shadow);

/* What else is to be locked for the switch. */
extern List *pgm_partition_others(const PgmShadow *shadow);

/*
 * Those above the table, the topmost first: they are locked for the switch and
 * for the way back.
 */
extern List *pgm_partition_ancestors(const PgmShadow *shadow);

/*
 * It is no longer what it was, to those above it and to who remembers a
 * foreign key that references it.
 */
extern void pgm_partition_tell_others(const PgmShadow *shadow);

/* The table has no rows at the time. */
extern void pgm_partition_switch(PgmShadow *shadow);

/* Are those of the table beside, or of the table, attached as they were? */
extern void pgm_partition_remember(const PgmShadow *shadow, Oid parent);
extern bool pgm_partition_is_as_made(const PgmShadow *shadow, Oid parent);

/*
 * partition_back.c: the partitions write to the old rows, and are those that
 * were made; they are dropped for the way back, and the table gets its files.
 */
extern List *pgm_partition_leaves(const PgmShadow *shadow);
extern void pgm_partition_follow(PgmShadow *shadow);
extern bool pgm_partition_is_intact(const PgmShadow *shadow);
extern void pgm_partition_drop_triggers(const PgmShadow *shadow);
extern void pgm_partition_switch_back(PgmShadow *shadow);

/* For both: what a table like another is partitioned by; its constraints. */
extern void pgm_partition_store_key(Oid relid, Oid like);
extern void pgm_partition_let_inherit(Oid relid, bool inherit);
extern void pgm_partition_copy_mark(Oid from, Oid to);

#endif							/* PGM_ONLINE_PARTITION_H */
