/*-------------------------------------------------------------------------
 *
 * row_queries.c
 *	  Look into a table for rows that are in the way of a statement.
 *
 * Of a large table a sample is read, and that is said, also where nothing was
 * found in it.  Functions that are written in this database are not run to
 * find out: they may do what a rollback does not undo.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "assess/row_queries.h"
#include "base/relation_size.h"
#include "base/spi.h"
#include "classify/side_effects.h"
#include "clone/clone_sql.h"
#include "compat/server.h"

/* Rows that are read at most, about. */
#define SAMPLE_ROWS 50000

static PgmQuery primary_key_query = {
	"SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i, "
	"unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n), "
	"pg_attribute a WHERE i.indrelid = $1 AND i.indisprimary "
	"AND a.attrelid = $1 AND a.attnum = k.attnum",
	1, {OIDOID}
};

List *
pgm_look_names(int column, MemoryContext context)
{
	int			n;
	char	  **names = pgm_spi_text_array(1, column, &n);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *result = NIL;

	for (int i = 0; i < n; i++)
		result = lappend(result, makeString(pstrdup(names[i])));
	MemoryContextSwitchTo(old);
	return result;
}

List *
pgm_look_primary_key(Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *result;

	pgm_spi_begin(&scope);
	pgm_spi_execute(&primary_key_query, values, NULL);
	result = pgm_look_names(1, scope.outer);
	pgm_spi_end(&scope);
	return result;
}

/* Columns of one alias, quoted: a.x, a.y */
static char *
columns_of(const char *alias, List *columns, const char *between,
		   const char *after)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s.%s%s", buf.len > 0 ? between : "",
						 alias, quote_identifier(strVal(lfirst(lc))), after);
	return buf.data;
}

/*
 * By the pages that there are now, for the table may have grown since it was
 * analyzed; if it never was, what they could hold.
 */
static double
rows_of_one(Oid relid)
{
	HeapTuple	tuple;
	double		pages = pgm_heap_bytes(relid) / BLCKSZ;
	double		rows = pgm_size_rows(relid);
	int			old_pages;

	if (rows >= 0)
		return rows;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return 0;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	old_pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
	ReleaseSysCache(tuple);
	return rows < 0 || old_pages <= 0 ? pages * 100 : rows * pages / old_pages;
}

double
pgm_look_row_count(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		rows = rows_of_one(relid);
	foreach(lc, pgm_descendants(relid))
		rows += rows_of_one(lfirst_oid(lc));
	return rows;
}

static char *
rows_from(const PgmLook *look, const char *only)
{
	return look->sampled ?
		psprintf("%s%s AS t TABLESAMPLE SYSTEM (%f)", only, look->name,
				 100.0 * SAMPLE_ROWS / look->rows) :
		psprintf("%s%s AS t", only, look->name);
}

void
pgm_look_only(PgmLook *look)
{
	look->from = look->own;
}

bool
pgm_look_begin(PgmLook *look, PgmJudged *judged, PgmEffect *effect)
{
	List	   *key;

	if (effect == NULL || effect->created_here || !OidIsValid(effect->relid) ||
		(effect->relkind != RELKIND_RELATION &&
		 effect->relkind != RELKIND_PARTITIONED_TABLE))
		return false;
	memset(look, 0, sizeof(PgmLook));
	look->judged = judged;
	look->effect = effect;
	look->name = pgm_relation_name(effect->relid);
	look->rows = pgm_look_row_count(effect->relid);
	look->sampled = look->rows > SAMPLE_ROWS * 4;
	look->from = rows_from(look, "");
	look->own = get_rel_relkind(effect->relid) == RELKIND_PARTITIONED_TABLE ?
		look->from : rows_from(look, "ONLY ");
	key = pgm_look_primary_key(effect->relid);
	look->key = key != NIL ?
		psprintf("ROW(%s)", columns_of("t", key, ", ", "")) : "t.ctid";
	return true;
}

void
pgm_look_end(PgmLook *look)
{
	if (look->unsure == NULL && look->asked && look->sampled && !look->found)
		look->unsure = psprintf("none was found among about %d of %.0f rows",
								SAMPLE_ROWS, look->rows);
	if (look->unsure != NULL)
		(void) pgm_lint_find(look->judged, "data-unsure", look->effect,
							 psprintf("rows of %s may be in the way: %s",
									  look->name, look->unsure),
							 NULL);
}

static void
report(PgmLook *look, int64 count, const char *example, const char *message)
{
	PgmFinding *finding;
	StringInfoData buf;

	look->found = true;
	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"count\": " INT64_FORMAT ", \"sampled\": %s",
					 count, look->sampled ? "true" : "false");
	if (example != NULL)
	{
		appendStringInfoString(&buf, ", \"example\": ");
		escape_json(&buf, example);
	}
	appendStringInfoChar(&buf, '}');
	finding = pgm_lint_find(look->judged, "data-blocks", look->effect,
							psprintf("%s%s", message,
									 look->sampled ? ", in a sample of the table" : ""),
							pstrdup("Correct the rows first, in a revision of their own."));
	finding->details = buf.data;
}

/* A value that fails in one query of a statement may do so in the next. */
static void
report_failure(PgmLook *look, const char *failure, const char *message)
{
	if (look->failure == NULL || strcmp(look->failure, failure) != 0)
		report(look, 1, failure, message);
	look->failure = failure;
}

/* Why a query has no answer: a column may be one that is added before. */
static const char *
no_answer(const PgmLook *look, int64 sqlerrcode, const char *message)
{
	return sqlerrcode == ERRCODE_UNDEFINED_COLUMN &&
		look->judged->verdict->sqlerrcode != sqlerrcode ?
		psprintf("they cannot be looked at until the statements before have run (%s)",
				 message) : message;
}

/*
 * Ask a query for a count and an example.  False if there is no answer.  An
 * expression that fails on a row fails in the statement too: reported, unless
 * the types of its columns will be others by then.
 */
static bool
ask(PgmLook *look, const char *query, int64 *count, char **example)
{
	if (!pgm_sql_is_harmless(query))
	{
		look->unsure = "a function that was written in this database is not run to find out";
		return false;
	}
	look->asked = true;
	if (pgm_spi_probe(query, count, example))
		return true;
	if (ERRCODE_TO_CATEGORY(*count) == ERRCODE_DATA_EXCEPTION && look->retyped)
		look->unsure = psprintf("a statement before changes the type of a column (%s)",
								*example);
	else if (ERRCODE_TO_CATEGORY(*count) == ERRCODE_DATA_EXCEPTION)
		report_failure(look, *example,
					   psprintf("an expression fails for a row of %s: %s",
								look->name, *example));
	else
		look->unsure = no_answer(look, *count, *example);
	return false;
}

void
pgm_look_rows(PgmLook *look, const char *condition, const char *what)
{
	int64		count;
	char	   *example;

	if (!ask(look,
			 psprintf("SELECT pg_catalog.count(*), pg_catalog.min((%s)::pg_catalog.text) FROM %s WHERE %s",
					  look->key, look->from, condition),
			 &count, &example) || count == 0)
		return;
	report(look, count, example,
		   psprintf(INT64_FORMAT " rows of %s %s, such as %s", count,
					look->name, what, example ? example : "one"));
}

void
pgm_look_nulls(PgmLook *look, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		pgm_look_rows(look,
					  psprintf("t.%s IS NULL",
							   quote_identifier(strVal(lfirst(lc)))),
					  psprintf("are null in %s",
							   quote_identifier(strVal(lfirst(lc)))));
}

void
pgm_look_duplicates(PgmLook *look, List *columns, const char *where,
					bool nulls_too)
{
	StringInfoData list;
	StringInfoData condition;
	int64		count;
	char	   *example;
	ListCell   *lc;

	initStringInfo(&list);
	initStringInfo(&condition);
	appendStringInfo(&condition, "(%s\n)", where ? where : "true");
	foreach(lc, columns)
	{
		appendStringInfo(&list, "%s(%s\n)", list.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
		if (!nulls_too)
			appendStringInfo(&condition, " AND (%s\n) IS NOT NULL",
							 (char *) lfirst(lc));
	}
	if (!ask(look,
			 psprintf("SELECT pg_catalog.count(*), pg_catalog.min(s.k) FROM (SELECT ROW(%s)::pg_catalog.text AS k FROM %s WHERE %s GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS s",
					  list.data, look->own, condition.data, list.data),
			 &count, &example) || count == 0)
		return;
	report(look, count, example,
		   psprintf(INT64_FORMAT " keys of %s are not unique, such as %s",
					count, look->name, example));
}

/* A key refers to the table itself, never to what inherits from it. */
static char *
keys_from(Oid relid)
{
	return psprintf("%s%s",
					get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" :
					"ONLY ", pgm_relation_name(relid));
}

void
pgm_look_orphans(PgmLook *look, Oid other, List *near, List *far, bool full)
{
	ListCell   *here;
	ListCell   *there;
	StringInfoData join;
	int64		count;
	char	   *example;
	char	   *columns = columns_of("t", near, ", ", "");
	char	   *key = columns_of("t", near, " AND ", " IS NOT NULL");

	if (list_length(far) != list_length(near))
		return;

	/* nothing of another owner may run with these rights */
	if (pgm_relation_owner(other) != GetUserId() &&
		has_privs_of_role(GetUserId(), pgm_relation_owner(other)) &&
		pgm_clone_has_code(other))
	{
		look->unsure = psprintf("%s has code of another owner",
								pgm_relation_name(other));
		return;
	}
	initStringInfo(&join);
	forboth(here, near, there, far)
		appendStringInfo(&join, "%st.%s = p.%s", join.len > 0 ? " AND " : "",
						 quote_identifier(strVal(lfirst(here))),
						 quote_identifier(strVal(lfirst(there))));
	if (!ask(look,
			 psprintf("SELECT pg_catalog.count(*), pg_catalog.min(ROW(%s)::pg_catalog.text) FROM %s WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)%s",
					  columns, look->own, key, keys_from(other),
					  join.data,
					  !full ? "" :
					  psprintf(" OR NOT (%s) AND NOT (%s)", key,
							   columns_of("t", near, " AND ", " IS NULL"))),
			 &count, &example) || count == 0)
		return;
	report(look, count, example,
		   psprintf(INT64_FORMAT " rows of %s reference no row of %s, such as %s",
					count, look->name, pgm_relation_name(other), example));
}

void
pgm_look_conversion(PgmLook *look, const char *value, const char *type,
					const char *column)
{
	const char *query;
	int64		count;
	char	   *message;

	query = psprintf("SELECT pg_catalog.count((%s\n)::%s), NULL::pg_catalog.text FROM %s",
					 value, type, look->from);
	if (!pgm_sql_is_harmless(query))
	{
		look->unsure = "a function that was written in this database is not run to find out";
		return;
	}
	look->asked = true;
	if (pgm_spi_probe(query, &count, &message))
		return;
	if (ERRCODE_TO_CATEGORY(count) == ERRCODE_DATA_EXCEPTION)
		report_failure(look, message,
					   psprintf("a value of %s in %s cannot be converted: %s",
								column, look->name, message));
	else
		look->unsure = no_answer(look, count, message);
}
