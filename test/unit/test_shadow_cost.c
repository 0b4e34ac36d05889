/*-------------------------------------------------------------------------
 *
 * test_shadow_cost.c
 *	  A table beside or a column: what was measured, and where it turns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "strategy/shadow_cost.h"
#include "unit.h"

#define MB (INT64CONST(1024) * 1024)

static bool
is_near(int64 bytes, int64 measured)
{
	return bytes > measured * 4 / 5 && bytes < measured * 5 / 4;
}

static bool
pays(const PgmShadowSizes *sizes)
{
	PgmShadowCost table = pgm_shadow_table_cost(sizes);
	PgmShadowCost column = pgm_shadow_column_cost(sizes);

	return pgm_shadow_column_pays(&table, &column);
}

static void
test_measured(void)
{
	PgmShadowSizes narrow = {31 * MB, 0, 15 * MB, 7 * MB, false};
	PgmShadowSizes wide = {52 * MB, 0, 2 * MB, 0, false};

	unit_check(is_near(pgm_shadow_table_cost(&narrow).wal, 54 * MB), false,
			   "shadow cost: the table of narrow rows");
	unit_check(is_near(pgm_shadow_column_cost(&narrow).wal, 199 * MB), false,
			   "shadow cost: the column of narrow rows");
	unit_check(is_near(pgm_shadow_table_cost(&wide).wal, 58 * MB), false,
			   "shadow cost: the table of wide rows");
	unit_check(is_near(pgm_shadow_column_cost(&wide).wal, 132 * MB), false,
			   "shadow cost: the column of wide rows");
	unit_check(!pays(&narrow) && !pays(&wide), false,
			   "shadow cost: a table is cheaper where rows are in line");
	unit_check(pgm_shadow_table_cost(&narrow).room == 46 * MB, false,
			   "shadow cost: the table takes the same room again");
}

static void
test_choice(void)
{
	PgmShadowSizes sizes = {10 * MB, 1000 * MB, 2 * MB, 0, false};

	unit_check(pays(&sizes), false,
			   "shadow cost: a column where most is out of line");
	sizes.toast_is_altered = true;
	unit_check(!pays(&sizes), false,
			   "shadow cost: unless that is what is altered");
	sizes.toast_is_altered = false;
	sizes.indexes = 100 * MB;
	unit_check(!pays(&sizes), false,
			   "shadow cost: nor where the indexes are large");
	sizes.indexes = 2 * MB;
	sizes.heap = 1000 * MB;
	unit_check(!pays(&sizes), false,
			   "shadow cost: nor where the rows are");
	sizes.heap = MB;
	sizes.toast = 50 * MB;
	unit_check(!pays(&sizes), false,
			   "shadow cost: a small table keeps the order of its columns");
	sizes.toast = 100 * MB;
	unit_check(pays(&sizes), false, "shadow cost: a larger one does not");
}

void
test_shadow_cost(void)
{
	test_measured();
	test_choice();
}
