/*-------------------------------------------------------------------------
 *
 * shadow_cost.c
 *	  What a table beside costs, and what a column does.
 *
 * A table is written once, with all of its indexes.  An update of all rows
 * leaves alone what is stored out of line, but writes each row anew, an image
 * of the page where it was, and an entry in each index, which takes several
 * times what the entry does, and is vacuumed again.
 *
 * The factors are of measurements of the whole change, from preparing to
 * switched, int to bigint, on 15 without wal_compression, a checkpoint before
 * each, no other load, MB:
 *
 *						rows	out of line	indexes		table	column
 *	300000, 3 indexes	31		0			15 (7 on it)	54	199
 *	100000, 1 index		52		0			2				58	132
 *	5000, 2 indexes		0.3		105			0.3				110	2.7
 *
 * and what was on the disk after it grew by 30, 21 and less than 1 for the
 * column.
 *
 * Pure reckoning: nothing here looks at the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "strategy/shadow_cost.h"

/* Of WAL to what is written: of a copy, of updated rows, of index entries. */
#define COPY_FACTOR 1.1
#define ROW_FACTOR 2.25
#define ENTRY_FACTOR 8

/* What is vacuumed in between is used again. */
#define GROWTH_FACTOR 0.5

/* For less nobody's SELECT * is to be changed. */
#define WORTH_BYTES (64 * INT64CONST(1024) * 1024)

PgmShadowCost
pgm_shadow_table_cost(const PgmShadowSizes *sizes)
{
	PgmShadowCost cost;

	cost.room = sizes->heap + sizes->toast + sizes->indexes;
	cost.wal = (int64) (COPY_FACTOR * cost.room);
	return cost;
}

PgmShadowCost
pgm_shadow_column_cost(const PgmShadowSizes *sizes)
{
	int64		toast = sizes->toast_is_altered ? sizes->toast : 0;
	PgmShadowCost cost;

	cost.room = (int64) (GROWTH_FACTOR * sizes->heap) + sizes->indexes +
		sizes->altered_indexes + toast;
	cost.wal = (int64) (ROW_FACTOR * sizes->heap +
						ENTRY_FACTOR * sizes->indexes +
						COPY_FACTOR * (sizes->altered_indexes + toast));
	return cost;
}

bool
pgm_shadow_column_pays(const PgmShadowCost *table, const PgmShadowCost *column)
{
	return column->wal < table->wal / 2 &&
		table->wal - column->wal >= WORTH_BYTES;
}
