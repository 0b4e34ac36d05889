/*-------------------------------------------------------------------------
 *
 * tables.c
 *	  How a table is distributed by Citus, and how large its shards are.
 *
 * The one reader of pg_dist_partition.  Sizes are those that each node has in
 * its catalog: nothing is opened there that somebody may have locked, unless
 * the shard was never vacuumed nor analyzed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/relation_size.h"
#include "base/spi.h"
#include "citus/nodes.h"
#include "citus/tables.h"
#include "sql/set_statement.h"

/*
 * partmethod n: no column; repmodel t: a reference table.  A table of a single
 * shard has a colocation, a local one has none.
 */
static PgmQuery table_query = {
	"SELECT CASE WHEN p.partmethod <> 'n' THEN 'd' WHEN p.repmodel = 't' "
	"THEN 'r' WHEN p.colocationid <> 0 THEN 's' ELSE 'l' END, "
	"CASE WHEN p.partmethod <> 'n' THEN "
	"column_to_column_name(p.logicalrelid, p.partkey) END, p.colocationid::int4 "
	"FROM pg_dist_partition p WHERE p.logicalrelid = $1",
	1, {OIDOID}
};

/* Each of the tables that are elsewhere: with $2 itself, and its shards. */
static PgmQuery shards_query = {
	"SELECT u.n::int4, format('%I.%I', s.nspname, c.relname) "
	"FROM unnest($1) WITH ORDINALITY u (oid, n) "
	"JOIN pg_dist_partition d ON d.logicalrelid = u.oid "
	"JOIN pg_class c ON c.oid = u.oid "
	"JOIN pg_namespace s ON s.oid = c.relnamespace WHERE $2 "
	"UNION ALL "
	"SELECT u.n::int4, CASE WHEN s.nspname = 'public' THEN 'public.' ELSE '' END "
	"|| shard_name(d.logicalrelid, d.shardid) "
	"FROM unnest($1) WITH ORDINALITY u (oid, n) "
	"JOIN pg_dist_shard d ON d.logicalrelid = u.oid "
	"JOIN pg_class c ON c.oid = u.oid "
	"JOIN pg_namespace s ON s.oid = c.relnamespace",
	2, {OIDARRAYOID, BOOLOID}
};

PgmCitusTable *
pgm_citus_table(Oid relid)
{
	PgmCitusTable *table = NULL;
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	if (!OidIsValid(relid) || !pgm_citus_is_here())
		return NULL;
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&table_query, values, NULL) > 0)
	{
		char		kind = *pgm_spi_text(1, 1);

		table = MemoryContextAlloc(scope.outer, sizeof(PgmCitusTable));
		table->kind = kind == 'd' ? PGM_CITUS_DISTRIBUTED :
			kind == 'r' ? PGM_CITUS_REFERENCE :
			kind == 's' ? PGM_CITUS_SINGLE_SHARD : PGM_CITUS_LOCAL;
		table->column = pgm_spi_text(1, 2);
		table->colocation = pgm_spi_int32(1, 3);
	}
	pgm_spi_end(&scope);
	return table;
}

bool
pgm_citus_is_elsewhere(Oid relid)
{
	const PgmCitusTable *table = pgm_citus_table(relid);

	return table != NULL && table->kind != PGM_CITUS_LOCAL;
}

char *
pgm_citus_shards(const List *relids, bool itself)
{
	PgmSpiScope scope;
	Datum		values[2];
	StringInfoData names;
	StringInfoData places;
	uint64		n;

	values[0] = pgm_oid_array_datum(relids);
	values[1] = BoolGetDatum(itself);
	initStringInfo(&names);
	initStringInfo(&places);
	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&shards_query, values, NULL);
	for (uint64 i = 1; i <= n; i++)
	{
		appendStringInfo(&names, "%s%s", i == 1 ? "" : ",",
						 quote_literal_cstr(pgm_spi_text(i, 2)));
		appendStringInfo(&places, "%s%d", i == 1 ? "" : ",",
						 pgm_spi_int32(i, 1));
	}
	pgm_spi_end(&scope);
	return n == 0 ? NULL :
		psprintf("(SELECT pg_catalog.to_regclass(u.name)::oid AS oid, u.place "
				 "FROM ROWS FROM (pg_catalog.unnest(ARRAY[%s]), "
				 "pg_catalog.unnest(ARRAY[%s])) AS u (name, place)) AS r",
				 names.data, places.data);
}

/* ---- calls */

/* The locks are those of 13.2; the reads of a long copy are let through. */
static const struct
{
	const char *name;
	LOCKMODE	mode;
	bool		rewrites;
	bool		alone;
}			calls[] = {
	{"alter_distributed_table", AccessExclusiveLock, true, false},
	{"alter_table_set_access_method", AccessExclusiveLock, true, false},
	{"create_distributed_table", ExclusiveLock, false, false},
	{"create_distributed_table_concurrently", ShareUpdateExclusiveLock, false, true},
	{"create_reference_table", ExclusiveLock, false, false},
	{"truncate_local_data_after_distributing_table", AccessExclusiveLock, false, false},
	{"undistribute_table", AccessExclusiveLock, true, false},
};

/* As regclass reads it; NULL if it cannot be one of this database. */
static RangeVar *
read_name(const char *text)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(text), '.', &names) ||
		list_length(names) < 1 || list_length(names) > 2)
		return NULL;
	return list_length(names) == 1 ? makeRangeVar(NULL, linitial(names), -1) :
		makeRangeVar(linitial(names), lsecond(names), -1);
}

bool
pgm_citus_read_call(Node *stmt, PgmCitusCall *call)
{
	FuncCall   *function = pgm_selected_call(stmt);
	const char *name = function == NULL ? NULL :
		pgm_catalog_function(function);
	const char *relation;

	memset(call, 0, sizeof(PgmCitusCall));
	if (name == NULL || function->args == NIL || !pgm_citus_is_here())
		return false;
	relation = pgm_constant_text(linitial(function->args));
	for (int i = 0; i < lengthof(calls) && relation != NULL; i++)
	{
		if (strcmp(calls[i].name, name) != 0)
			continue;
		call->name = read_name(relation);
		call->mode = calls[i].mode;
		call->rewrites = calls[i].rewrites;
		call->alone = calls[i].alone;
		return call->name != NULL;
	}
	return false;
}

/* ---- sizes */

/*
 * For the other nodes, of the shards of each table: pages of rows, pages of
 * all else, rows; what is not known of one is not known of the table.
 */
#define SIZES_OF_NODE \
	"SELECT coalesce(pg_catalog.jsonb_agg(b), '[]') FROM (" \
	"SELECT r.place, pg_catalog.sum(CASE WHEN c.relpages > 0 THEN c.relpages " \
	"ELSE pg_catalog.pg_relation_size(c.oid) / 8192 END) AS pages, " \
	"pg_catalog.sum((SELECT pg_catalog.sum(k.relpages) " \
	"FROM pg_catalog.pg_class k WHERE k.oid = c.reltoastrelid OR k.oid IN (" \
	"SELECT i.indexrelid FROM pg_catalog.pg_index i " \
	"WHERE i.indrelid = c.oid))) AS more, " \
	"pg_catalog.sum(c.reltuples) AS rows, pg_catalog.min(c.reltuples) AS least " \
	"FROM %s JOIN pg_catalog.pg_class c ON c.oid = r.oid GROUP BY r.place) AS b"

/* A reference table is on all nodes, once to its readers. */
static const char *const size_columns[] = {
	"v ->> 'place'",
	"(v ->> 'pages')::float8::text",
	"coalesce(v ->> 'more', '0')::float8::text",
	"CASE WHEN (v ->> 'least')::float8 >= 0 THEN (v ->> 'rows')::float8 "
	"ELSE -1 END::text"
};

typedef struct ShardSize
{
	double		pages;
	double		more;
	double		rows;			/* -1: not known */
	bool		found;
} ShardSize;

static void
count_shard(ShardSize *size, char **row, bool everywhere)
{
	double		rows = strtod(row[3], NULL);

	if (size->found && everywhere)
		return;
	size->pages += strtod(row[1], NULL);
	size->more += strtod(row[2], NULL);
	size->rows = size->rows < 0 || rows < 0 ? -1 : size->rows + rows;
	size->found = true;
}

/* Those that are elsewhere, and not yet noted. */
static List *
not_noted(const List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		if (!pgm_size_is_noted(lfirst_oid(lc)) &&
			pgm_citus_is_elsewhere(lfirst_oid(lc)))
		result = list_append_unique_oid(result, lfirst_oid(lc));
	return result;
}

void
pgm_citus_note_sizes(const List *relids)
{
	List	   *asked;
	char	   *shards;
	char	  **values;
	uint64		nrows;
	ShardSize  *sizes;

	if (!pgm_citus_is_here())
		return;
	asked = not_noted(relids);
	shards = asked == NIL ? NULL : pgm_citus_shards(asked, false);
	if (shards == NULL ||
		!pgm_citus_ask_nodes(psprintf(SIZES_OF_NODE, shards),
							 lengthof(size_columns), size_columns, "1",
							 &values, &nrows))
		return;
	sizes = palloc0(sizeof(ShardSize) * list_length(asked));
	for (uint64 i = 0; i < nrows; i++)
	{
		char	  **row = values + i * lengthof(size_columns);
		int			n = atoi(row[0]) - 1;
		const PgmCitusTable *table = pgm_citus_table(list_nth_oid(asked, n));

		count_shard(&sizes[n], row,
					table != NULL && table->kind == PGM_CITUS_REFERENCE);
	}
	for (int i = 0; i < list_length(asked); i++)
		pgm_size_note(list_nth_oid(asked, i),
					  (int64) (sizes[i].pages * BLCKSZ),
					  (int64) ((sizes[i].pages + sizes[i].more) * BLCKSZ),
					  sizes[i].found ? sizes[i].rows : -1);
}
