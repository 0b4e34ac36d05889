/*-------------------------------------------------------------------------
 *
 * target.h
 *	  The table beside: rows written to it without SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_TARGET_H
#define PGM_ONLINE_TARGET_H

#include "access/skey.h"
#include "nodes/execnodes.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* How rows are found in an index by their key. */
typedef struct PgmKey
{
	Oid			index;
	int			n;
	AttrNumber	columns[INDEX_MAX_KEYS];
	ScanKeyData scan[INDEX_MAX_KEYS];
} PgmKey;

/*
 * What is made once for a table, and used while its definition does not
 * change.  Relations are open between open and close only.
 */
typedef struct PgmTarget
{
	Oid			relid;
	PgmKey		key;
	EState	   *estate;
	ResultRelInfo *result;
	int			nindexes;
	Oid		   *indexes;
	TupleTableSlot *row;		/* to be written; virtual */
	TupleTableSlot *found;		/* by its key */
	Relation	rel;			/* NULL while closed */
	LOCKMODE	mode;			/* while open */

	/* of a partitioned table: each has a target, which shares the slots */
	int			nleaves;
	struct PgmTarget **leaves;
	ExprState **bounds;			/* what is in each */
	TupleTableSlot *values;		/* to see which one it is */
	int			leaf;			/* where rows were looked for last, or -1 */
} PgmTarget;

/* In the current memory context.  The relation is locked or empty. */
extern PgmTarget *pgm_target_create(Oid relid, Oid key);
extern void pgm_target_open(PgmTarget *target, LOCKMODE mode);
extern void pgm_target_close(PgmTarget *target);
extern void pgm_target_free(PgmTarget *target);

extern void pgm_key_init(PgmKey *key, Relation index);

/*
 * Find the row with the key of these values, waiting for transactions that are
 * about to write or delete it.
 */
extern bool pgm_target_find(PgmTarget *target, const Datum *values);

/*
 * Is there a row with this key, whatever comes of those who are at work on it?
 * If there is none but what somebody is about to insert: who.
 */
extern bool pgm_target_has(PgmTarget *target, const Datum *values,
						   TransactionId *inserter);

/* The same in any table with a snapshot; the slot holds what is found. */
extern bool pgm_key_lookup(const PgmKey *key, Relation rel, Relation index,
						   Snapshot snapshot, const Datum *values,
						   TupleTableSlot *slot);

/*
 * Write target->row.  Update and delete are about target->found; false if
 * somebody else was faster.
 */
extern void pgm_target_insert(PgmTarget *target);
extern bool pgm_target_update(PgmTarget *target);
extern bool pgm_target_delete(PgmTarget *target);

/*
 * The partition that has the row with these values of the key, or the table
 * itself; NULL if there is none.  Opened with the table.
 */
extern PgmTarget *pgm_target_route(PgmTarget *target, const Datum *values);

/* Of the partition where rows were looked for last, or of the table. */
extern PgmTarget *pgm_target_leaf(PgmTarget *target);
extern Relation pgm_target_key_index(PgmTarget *target);

/* What the table itself demands of a row: generated columns, constraints. */
extern void pgm_target_complete(PgmTarget *target);

#endif							/* PGM_ONLINE_TARGET_H */
