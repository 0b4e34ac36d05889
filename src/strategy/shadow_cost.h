/*-------------------------------------------------------------------------
 *
 * shadow_cost.h
 *	  What a table beside costs, and what a column does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_SHADOW_COST_H
#define PGM_STRATEGY_SHADOW_COST_H

/* Of the table as it is, in bytes. */
typedef struct PgmShadowSizes
{
	int64		heap;
	int64		toast;			/* with its index */
	int64		indexes;		/* all of them … */
	int64		altered_indexes;	/* … and those on columns that are
									 * altered */
	bool		toast_is_altered;	/* such a column may have values in it */
} PgmShadowSizes;

typedef struct PgmShadowCost
{
	int64		wal;			/* bytes that are written */
	int64		room;			/* bytes that are taken on the disk */
} PgmShadowCost;

extern PgmShadowCost pgm_shadow_table_cost(const PgmShadowSizes *sizes);
extern PgmShadowCost pgm_shadow_column_cost(const PgmShadowSizes *sizes);

/* Is it so much cheaper that it is worth another order of the columns? */
extern bool pgm_shadow_column_pays(const PgmShadowCost *table,
								   const PgmShadowCost *column);

#endif							/* PGM_STRATEGY_SHADOW_COST_H */
