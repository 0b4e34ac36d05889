/*-------------------------------------------------------------------------
 *
 * prepared.h
 *	  The forms of a statement as plans that are kept, and their execution.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_PREPARED_H
#define PGM_BACKFILL_PREPARED_H

#include "nodes/plannodes.h"
#include "storage/itemptr.h"
#include "utils/plancache.h"

#include "backfill/statement.h"
#include "store/operation.h"

/* A table or partition with rows of its own. */
typedef struct PgmTarget
{
	Oid			relid;
	Oid			filenode;		/* when its ranges were made */
	char	   *name;			/* qualified and quoted */
	BlockNumber blocks;
	int			rows_per_block; /* of a full one */
	bool		by_index;		/* its rows are better found by an index */
	bool		row_security;	/* some rows may not be changed */
	bool		dropped;
	bool		by_lookups;		/* what it joins is looked up row by row */
	bool		swept;			/* rows that are left can be told at the end */
	BlockNumber stale;			/* blocks changed since a VACUUM of ours */
	uint64		checked;		/* at whose code it reaches; 0 if never */
	CachedPlanSource *plans[PGM_FORMS];
} PgmTarget;

/* Rows that are changed in one transaction. */
typedef struct PgmChunk
{
	PgmTarget  *target;
	PgmOperationRange *range;	/* NULL for a list */
	ItemPointerData first;		/* of a range */
	ItemPointerData end;
	int			nrows;			/* of a list */
	ItemPointer rows;
} PgmChunk;

extern CachedPlanSource *pgm_prepare(RawStmt *raw, const char *text,
									 PgmForm form);
extern void pgm_prepared_check(CachedPlanSource *source);
extern bool pgm_prepared_reads_much(CachedPlanSource *source);
extern bool pgm_prepared_by_index(CachedPlanSource *source, double limit);
extern uint64 pgm_prepared_change(CachedPlanSource *source,
								  const PgmChunk *chunk, int64 *again);
extern int64 pgm_prepared_count(PlannedStmt *stmt, const char *text);
extern int	pgm_prepared_find(CachedPlanSource *source, int limit,
							  ItemPointer rows);
extern bool pgm_prepared_volatile(CachedPlanSource *source);
extern bool pgm_prepared_condition_volatile(CachedPlanSource *source);
extern bool pgm_query_true(const char *text, bool *isnull);

#endif							/* PGM_BACKFILL_PREPARED_H */
