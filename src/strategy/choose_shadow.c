/*-------------------------------------------------------------------------
 *
 * choose_shadow.c
 *	  A table beside, or a column of the same table?
 *
 * To write a table anew costs less than to update all of its rows, and keeps
 * the order of the columns; so it is taken where it can be and has room.  But
 * an update leaves alone what is stored out of line, and the copy does not: of
 * a table that is mostly that, the column is by far cheaper.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/relation_size.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "classify/related_relations.h"
#include "classify/verdict.h"
#include "strategy/internal.h"
#include "strategy/shadow_cost.h"

#define MB_BYTES (1024 * 1024)

static PgmShadowRefusal table_refusal = NULL;
static PgmShadowRefusal column_refusal = NULL;
static PgmShadowWayBack way_back = NULL;

/* Is index $1 of table $2 on any of the columns $3? */
static PgmQuery on_columns_query = {
	"SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a "
	"ON a.attrelid = $2 AND a.attname = ANY ($3) WHERE i.indexrelid = $1 "
	"AND (a.attnum = ANY (i.indkey) OR EXISTS (SELECT FROM pg_depend d "
	"WHERE d.classid = 'pg_class'::regclass AND d.objid = $1 "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $2 "
	"AND d.refobjsubid = a.attnum)))",
	3, {OIDOID, OIDOID, TEXTARRAYOID}
};

/* May one of the columns $2 of table $1 have values out of line? */
static PgmQuery toasted_query = {
	"SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1 "
	"AND attname = ANY ($2) AND attstorage <> 'p')",
	2, {OIDOID, TEXTARRAYOID}
};

void
pgm_strategy_register_shadow(PgmShadowRefusal table, PgmShadowRefusal column,
							 PgmShadowWayBack back)
{
	table_refusal = table;
	column_refusal = column;
	way_back = back;
}

/* What is carried out so is computed by the owner, whatever he has in it. */
static Oid
reader_of(const PgmMaker *maker)
{
	Oid			reader = pgm_strategy_reader(maker);
	Oid			owner = pgm_relation_owner(maker->relid);

	return OidIsValid(reader) && has_privs_of_role(GetUserId(), owner) ?
		owner : reader;
}

/* Adds to why it is so. */
static void
add_reason(PgmStrategy *strategy, const char *reason)
{
	strategy->why = psprintf("%s%s%s", strategy->why ? strategy->why : "",
							 strategy->why ? "; " : "", reason);
}

/* ---- what both cost */

typedef struct Costs
{
	PgmShadowSizes sizes;
	PgmShadowCost table;
	PgmShadowCost column;
} Costs;

/* The columns whose type is changed, by name. */
static List *
altered_columns(const PgmMaker *maker)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, maker->stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType)
			result = lappend(result, makeString(pstrdup(cmd->name)));
	}
	return result;
}

static void
add_sizes(Oid relid, Datum columns, PgmShadowSizes *sizes)
{
	Datum		values[3];
	int64		heap = pgm_heap_bytes(relid);
	int64		rest = pgm_total_bytes(relid) - heap;
	ListCell   *lc;

	values[1] = ObjectIdGetDatum(relid);
	values[2] = columns;
	foreach(lc, pgm_related_indexes(relid))
	{
		int64		bytes = pgm_heap_bytes(lfirst_oid(lc));

		values[0] = ObjectIdGetDatum(lfirst_oid(lc));
		rest -= bytes;
		sizes->indexes += bytes;
		if (pgm_spi_one_bool(&on_columns_query, values))
			sizes->altered_indexes += bytes;
	}
	sizes->heap += heap;
	sizes->toast += Max(rest, 0);
	values[0] = ObjectIdGetDatum(relid);
	values[1] = columns;
	sizes->toast_is_altered |= pgm_spi_one_bool(&toasted_query, values);
}

static void
reckon(const PgmMaker *maker, Costs *costs)
{
	Datum		columns = pgm_names_datum(altered_columns(maker));
	List	   *relids = lcons_oid(maker->relid,
								   pgm_descendants(maker->relid));
	ListCell   *lc;

	memset(costs, 0, sizeof(Costs));
	foreach(lc, relids)
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
		add_sizes(lfirst_oid(lc), columns, &costs->sizes);
	costs->table = pgm_shadow_table_cost(&costs->sizes);
	costs->column = pgm_shadow_column_cost(&costs->sizes);
}

/* Below a megabyte there is nothing to tell. */
static void
add_figures(PgmStrategy *strategy, const char *reason, const Costs *costs)
{
	char	   *figures;

	if (costs->table.wal < MB_BYTES && costs->column.wal < MB_BYTES)
		return;
	figures = psprintf("estimated for a new table " INT64_FORMAT " MB of WAL and " INT64_FORMAT " MB on disk, for a new column " INT64_FORMAT " MB of WAL and " INT64_FORMAT " MB on disk (rows " INT64_FORMAT " MB, out of line " INT64_FORMAT " MB, indexes " INT64_FORMAT " MB, of which on changed columns " INT64_FORMAT " MB)",
					   costs->table.wal / MB_BYTES,
					   costs->table.room / MB_BYTES,
					   costs->column.wal / MB_BYTES,
					   costs->column.room / MB_BYTES,
					   costs->sizes.heap / MB_BYTES,
					   costs->sizes.toast / MB_BYTES,
					   costs->sizes.indexes / MB_BYTES,
					   costs->sizes.altered_indexes / MB_BYTES);
	add_reason(strategy, figures);
	strategy->figures = reason == NULL ? figures :
		psprintf("%s; %s", reason, figures);
}

/* Is there too little room for another one like it?  Then says so. */
static char *
lack_of_room(Oid relid, const Costs *costs)
{
	int64		needed = costs->table.room / MB_BYTES;
	int64		left = pgm_free_bytes(relid);

	if (left < 0 || left / MB_BYTES - needed >= pgm_online_free_space)
		return NULL;
	return psprintf("a new table takes " INT64_FORMAT " MB of the " INT64_FORMAT " MB that are free, and must leave %d MB",
					needed, left / MB_BYTES, pgm_online_free_space);
}

/* ---- the choice */

static void
by_column(PgmMaker *maker, const char *reason)
{
	PgmStrategy *strategy = maker->strategy;

	strategy->kind = PGM_STRATEGY_SHADOW_COLUMN;
	strategy->name = "shadow column";
	strategy->method = PGM_METHOD_COLUMN;
	add_reason(strategy, reason);
	add_reason(strategy,
			   psprintf("all rows are updated, " INT64_FORMAT " MB with the indexes; the changed column becomes the last one, for SELECT * and for INSERT and COPY without names",
						pgm_total_bytes(maker->relid) / MB_BYTES));
}

static void
look_back(const PgmMaker *maker, bool column, PgmWayBack *back)
{
	PgmWayBackOf of = {maker->relid, maker->source, maker->n, column,
	reader_of(maker), maker->may_evaluate};

	memset(back, 0, sizeof(PgmWayBack));
	way_back(&of, back);
}

/*
 * Several statements on a table are one pass by a table beside, and one each
 * by columns, of which the last only can be taken back.
 */
static bool
is_alone(const PgmMaker *maker)
{
	for (int i = 0; i < maker->source->nstatements; i++)
	{
		Node	   *stmt = maker->source->statements[i].raw->stmt;

		if (i != maker->n && IsA(stmt, AlterTableStmt) &&
			pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) ==
			maker->relid)
			return false;
	}
	return true;
}

/* Does it cost much less, and can be taken back as a table could? */
static const char *
column_pays(const PgmMaker *maker, const Costs *costs)
{
	PgmWayBack	of_table;
	PgmWayBack	of_column;

	if (!pgm_shadow_column_pays(&costs->table, &costs->column) ||
		!is_alone(maker))
		return NULL;
	look_back(maker, false, &of_table);
	look_back(maker, true, &of_column);
	return of_column.none != NULL && of_table.none == NULL ? NULL :
		"a new column writes less than half of what a new table would";
}

/* Where both can be: why it is to be a column, or NULL for a table. */
static const char *
preferred(const PgmMaker *maker, const Costs *costs)
{
	const char *room;

	if (pgm_online_method == PGM_ONLINE_METHOD_COLUMN)
		return "\"pgmigrate.online_method\" asks for a new column";
	if (pgm_online_method == PGM_ONLINE_METHOD_TABLE)
		return NULL;
	room = lack_of_room(maker->relid, costs);
	return room != NULL ? room : column_pays(maker, costs);
}

/* Returns the reason, if it was one of two, or NULL. */
static const char *
choose_for_type(PgmMaker *maker, const char *table, const Costs *costs)
{
	const char *reason = table != NULL ?
		psprintf("a shadow table is not possible: %s", table) :
		preferred(maker, costs);
	char	   *column;

	if (reason == NULL)
		return NULL;
	column = column_refusal(maker->relid, maker->source, maker->n,
							reader_of(maker));
	if (column == NULL)
		by_column(maker, reason);
	else if (table == NULL)
	{
		if (pgm_online_method == PGM_ONLINE_METHOD_AUTO)
			add_reason(maker->strategy, reason);
		reason = psprintf("a shadow column is not possible: %s", column);
		add_reason(maker->strategy, reason);
	}
	else if (strcmp(table, column) == 0)
		pgm_strategy_stay_plain(maker, psprintf("neither a shadow table nor a shadow column is possible: %s",
												table));
	else
		pgm_strategy_stay_plain(maker, psprintf("a shadow table is not possible: %s; nor is a shadow column: %s",
												table, column));
	return reason;
}

/* It is copied or updated, its indexes are built, and all is read again. */
static void
estimate(PgmMaker *maker, const Costs *costs)
{
	bool		column = maker->strategy->kind == PGM_STRATEGY_SHADOW_COLUMN;
	const PgmShadowSizes *sizes = &costs->sizes;
	int64		rows = sizes->heap + (column ? 0 : sizes->toast);

	maker->strategy->online_ms =
		pgm_estimate_work(maker->rates, PGM_WORK_REWRITE,
						  column ? costs->column.wal : rows) +
		pgm_estimate_work(maker->rates, PGM_WORK_CONCURRENTLY,
						  column ? sizes->altered_indexes : sizes->indexes) +
		pgm_estimate_work(maker->rates, PGM_WORK_SCAN,
						  column ? rows : 2 * rows);
}

/* Else a column beside is no way that anybody would look for. */
void
pgm_strategy_choose_shadow(PgmMaker *maker)
{
	PgmStrategy *strategy = maker->strategy;
	char	   *table = table_refusal(maker->relid, maker->source, maker->n,
									  reader_of(maker));
	const char *reason = NULL;
	Costs		costs;
	bool		type = altered_columns(maker) != NIL;

	reckon(maker, &costs);
	if (type)
		reason = choose_for_type(maker, table, &costs);
	else if (table != NULL)
		pgm_strategy_stay_plain(maker, psprintf("a shadow table is not possible: %s",
												table));
	if (strategy->kind == PGM_STRATEGY_PLAIN)
		return;
	if (type && table == NULL)
		add_figures(strategy, reason, &costs);
	estimate(maker, &costs);
	look_back(maker, strategy->kind == PGM_STRATEGY_SHADOW_COLUMN,
			  &strategy->back);
}
