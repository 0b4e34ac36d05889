/*-------------------------------------------------------------------------
 *
 * sample.c
 *	  Some rows of each table, with the rows that their foreign keys need.
 *
 * Rows are read as the current user, under the restrictions for code of
 * others, read-only and with one snapshot: a table that he may not read has no
 * rows, and a row that a policy hides from him is none.  All that is kept of a
 * row until the end is where it is.
 *
 *		rows of each table, at random
 *		the rows that they refer to, those that these refer to, ...
 *		without those whose parent cannot be had, and what refers to them
 *		the values, as text
 *
 * A row whose parent is not there at all, as of a key that is not validated,
 * is what a revision may fail on, so it stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "classify/foreign_relations.h"
#include "rehearse/internal.h"
#include "rehearse/sample.h"

/* Pages of a table that are all looked at. */
#define SMALL_PAGES 1000

/* What a table without statistics is taken to have on a page. */
#define ROWS_OF_PAGE 50

/* The rows of a table, with those that others need. */
#define MAX_ROWS(rows) ((int64) (rows) * 10 + 10000)

#define MAX_BYTES (64 * 1024 * 1024)
#define MAX_NAMED 5

/* Rows that are asked for at a time. */
#define BATCH 5000

#define GENERATED_VIRTUAL 'v'

#define OF_USERS \
	"AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' " \
	"AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass " \
	"AND e.objid = c.oid AND e.deptype = 'e') "

/* Partitioned tables have no rows, but keys lead to them. */
static PgmQuery tables_query = {
	"SELECT c.oid::int8, has_schema_privilege(n.oid, 'USAGE') "
	"AND has_table_privilege(c.oid, 'SELECT'), c.reltuples::int8, "
	"c.relkind = 'r', row_security_active(c.oid) "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' " OF_USERS
	"ORDER BY c.oid"
};

/* Those of a partition are there for the table and for its partitions. */
static PgmQuery keys_query = {
	"SELECT k.conrelid::int8, k.confrelid::int8, "
	"string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, os.nspname, "
	"o.oprname, ca.attname), ' AND ' ORDER BY u.n), "
	"string_agg(format('c.%I IS NOT NULL', ca.attname), ' AND ' ORDER BY u.n) "
	"FROM pg_constraint k, "
	"unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS u (c, p, o, n), "
	"pg_attribute ca, pg_attribute pa, pg_operator o, pg_namespace os "
	"WHERE k.contype = 'f' AND ca.attrelid = k.conrelid AND ca.attnum = u.c "
	"AND pa.attrelid = k.confrelid AND pa.attnum = u.p AND o.oid = u.o "
	"AND os.oid = o.oprnamespace "
	"AND to_jsonb(k) ->> 'conperiod' IS DISTINCT FROM 'true' "
	"AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid "
	"AND w.conrelid = k.conrelid) GROUP BY k.oid ORDER BY k.oid"
};

/* Null is one that was not used, or may not be read. */
static PgmQuery sequences_query = {
	"SELECT n.nspname::text, c.relname::text, CASE WHEN c.relkind = 'S' "
	"AND has_sequence_privilege(c.oid, 'SELECT, USAGE') "
	"THEN pg_sequence_last_value(c.oid) END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind = 'S' AND c.relpersistence <> 't' " OF_USERS
	"AND has_schema_privilege(n.oid, 'USAGE') ORDER BY c.oid"
};

typedef struct SampleTable SampleTable;
typedef struct SampleRow SampleRow;

typedef struct SampleKey
{
	SampleTable *parent;
	char	   *join;			/* of p, the parent, and c, the child */
	char	   *not_null;		/* of c */
} SampleKey;

struct SampleTable
{
	Oid			relid;
	bool		readable;
	bool		has_rows;		/* not those of its partitions */
	bool		hides_rows;		/* a policy may */
	double		tuples;
	BlockNumber pages;
	char	   *schema;
	char	   *name;
	char	   *qualified;
	int			ncolumns;
	char	  **columns;
	List	   *keys;
	int			nrows;
	int			size;
	SampleRow **rows;
	int			followed;		/* rows whose parents are here */
	int			left_out;
};

typedef struct RowAddress
{
	Oid			relid;
	ItemPointerData tid;
} RowAddress;

struct SampleRow
{
	RowAddress	address;		/* the key of the hash table */
	SampleTable *table;
	bool		left_out;
	List	   *children;		/* rows that refer to it */
};

typedef struct Sampler
{
	int			rows;
	int			ntables;
	SampleTable *tables;		/* by OID */
	HTAB	   *known;			/* rows by address */
} Sampler;

static SampleTable *
find_table(const Sampler *sampler, Oid relid)
{
	int			low = 0;
	int			high = sampler->ntables - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		SampleTable *table = &sampler->tables[middle];

		if (table->relid == relid)
			return table;
		if (table->relid < relid)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* Lock it, and take what it is called from what is locked. */
static void
look_at_table(SampleTable *table)
{
	Relation	rel = try_relation_open(table->relid, AccessShareLock);
	TupleDesc	desc;

	if (rel == NULL)
	{
		table->readable = false;
		return;
	}
	desc = RelationGetDescr(rel);
	table->schema = get_namespace_name(RelationGetNamespace(rel));
	table->name = pstrdup(RelationGetRelationName(rel));
	table->qualified = quote_qualified_identifier(table->schema, table->name);
	table->pages = table->has_rows ? RelationGetNumberOfBlocks(rel) : 0;
	table->columns = palloc(sizeof(char *) * (desc->natts + 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated != GENERATED_VIRTUAL)
			table->columns[table->ncolumns++] =
				pstrdup(NameStr(att->attname));
	}
	relation_close(rel, NoLock);

	/* to read it would run what others have in its definition */
	if (table->readable &&
		pgm_strange_in_relations(list_make1_oid(table->relid), GetUserId(),
								 false) != NULL)
		table->readable = false;
}

static void
find_tables(Sampler *sampler)
{
	int			n = (int) pgm_spi_execute_snapshot(&tables_query, NULL);

	sampler->ntables = n;
	sampler->tables = palloc0(sizeof(SampleTable) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		SampleTable *table = &sampler->tables[i];

		table->relid = (Oid) pgm_spi_int64(i + 1, 1);
		table->readable = pgm_spi_bool(i + 1, 2);
		table->tuples = (double) pgm_spi_int64(i + 1, 3);
		table->has_rows = pgm_spi_bool(i + 1, 4);
		table->hides_rows = pgm_spi_bool(i + 1, 5);
	}
	for (int i = 0; i < n; i++)
		look_at_table(&sampler->tables[i]);
}

static void
find_keys(Sampler *sampler)
{
	uint64		n = pgm_spi_execute_snapshot(&keys_query, NULL);

	for (uint64 i = 1; i <= n; i++)
	{
		SampleTable *child = find_table(sampler, (Oid) pgm_spi_int64(i, 1));
		SampleTable *parent = find_table(sampler, (Oid) pgm_spi_int64(i, 2));
		SampleKey  *key;

		/* rows of an extension's tables come with the extension */
		if (child == NULL || parent == NULL)
			continue;
		key = palloc(sizeof(SampleKey));
		key->parent = parent;
		key->join = pgm_spi_text(i, 3);
		key->not_null = pgm_spi_text(i, 4);
		child->keys = lappend(child->keys, key);
	}
}

static void
read_tid(const char *text, ItemPointer tid)
{
	*tid = *(ItemPointer) DatumGetPointer(DirectFunctionCall1(tidin,
															  CStringGetDatum(text)));
}

/* The row, NULL if the table has enough of them. */
static SampleRow *
add_row(Sampler *sampler, SampleTable *table, const char *tid)
{
	RowAddress	address;
	SampleRow  *row;
	bool		found;

	memset(&address, 0, sizeof(address));
	address.relid = table->relid;
	read_tid(tid, &address.tid);
	row = hash_search(sampler->known, &address, HASH_FIND, NULL);
	if (row != NULL)
		return row;
	if (table->nrows >= MAX_ROWS(sampler->rows))
		return NULL;
	row = hash_search(sampler->known, &address, HASH_ENTER, &found);
	row->table = table;
	row->left_out = false;
	row->children = NIL;
	if (table->rows == NULL)
	{
		table->size = 64;
		table->rows = palloc(sizeof(SampleRow *) * table->size);
	}
	else if (table->nrows == table->size)
	{
		table->size *= 2;
		table->rows = repalloc_huge(table->rows,
									sizeof(SampleRow *) * table->size);
	}
	table->rows[table->nrows++] = row;
	return row;
}

/* What it runs is looked at again: the owner may have put it there since. */
static uint64
ask(const SampleTable *table, const SampleTable *parent, const char *query,
	int nargs, char **args)
{
	List	   *relids = list_make1_oid(table->relid);

	if (parent != NULL && parent->readable)
		relids = lappend_oid(relids, parent->relid);
	if (pgm_strange_in_relations(relids, GetUserId(), false) != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("definition of table %s, or of one it refers to, has changed while rows were read",
					   table->qualified),
				errhint("Rehearse once more."));
	return pgm_spi_execute_built(query, true, nargs, args);
}

/* Of a large table only some pages are read. */
static void
draw_rows(Sampler *sampler, SampleTable *table)
{
	double		tuples = table->tuples > 0 ? table->tuples :
		(double) table->pages * ROWS_OF_PAGE;
	char	   *query;
	uint64		n;

	if (!table->readable || !table->has_rows)
		return;
	CHECK_FOR_INTERRUPTS();
	if (table->pages <= SMALL_PAGES)
		query = psprintf("SELECT s.ctid::text FROM ONLY %s AS s ORDER BY random() LIMIT %d",
						 table->qualified, sampler->rows);
	else
		query = psprintf("SELECT s.ctid::text FROM ONLY %s AS s TABLESAMPLE SYSTEM (%.9f) LIMIT %d",
						 table->qualified,
						 Min(100.0, 150.0 * sampler->rows / tuples),
						 sampler->rows);
	n = ask(table, NULL, query, 0, NULL);
	for (uint64 i = 1; i <= n; i++)
		(void) add_row(sampler, table, pgm_spi_text(i, 1));
}

/* Where rows are, as an array; those that are left out are not in it. */
static char *
addresses(SampleRow **rows, int n, int *count)
{
	StringInfoData text;

	*count = 0;
	initStringInfo(&text);
	for (int i = 0; i < n; i++)
	{
		ItemPointer tid = &rows[i]->address.tid;

		if (rows[i]->left_out)
			continue;
		appendStringInfo(&text, "%s\"(%u,%u)\"", (*count)++ == 0 ? "{" : ",",
						 ItemPointerGetBlockNumberNoCheck(tid),
						 ItemPointerGetOffsetNumberNoCheck(tid));
	}
	appendStringInfoString(&text, *count == 0 ? "{}" : "}");
	return text.data;
}

/* The row, and all that refer to it, directly or not. */
static void
leave_out(SampleRow *row)
{
	List	   *waiting = list_make1(row);

	while (waiting != NIL)
	{
		SampleRow  *next = llast(waiting);

		waiting = list_delete_last(waiting);
		if (next->left_out)
			continue;
		next->left_out = true;
		next->table->left_out++;
		waiting = list_concat(waiting, next->children);
	}
}

static void
take_parent(Sampler *sampler, SampleRow *child, const SampleKey *key,
			uint64 n)
{
	SampleTable *table = NULL;
	SampleRow  *parent = NULL;

	if (!pgm_spi_isnull(n, 2))
	{
		table = find_table(sampler, (Oid) pgm_spi_int64(n, 2));
		if (table == NULL)
			return;				/* a partition that an extension has */
		if (table->readable)
			parent = add_row(sampler, table, pgm_spi_text(n, 3));
	}
	if (parent == child)
		return;
	if (parent == NULL || parent->left_out)
	{
		/* is it only not to be seen, or not to be had? */
		if (table != NULL || key->parent->hides_rows)
			leave_out(child);
	}
	else
		parent->children = lappend(parent->children, child);
}

static char *
parents_query(const SampleTable *table, const SampleKey *key)
{
	const SampleTable *parent = key->parent;

	/* of what cannot be read no row is there */
	if (!parent->readable)
		return psprintf("SELECT c.ctid::text, %u::int8, NULL::text FROM ONLY %s AS c "
						"WHERE c.ctid = ANY ($1::tid[]) AND %s",
						parent->relid, table->qualified, key->not_null);
	return psprintf("SELECT c.ctid::text, p.tableoid::int8, p.ctid::text "
					"FROM ONLY %s AS c LEFT JOIN %s%s AS p ON %s "
					"WHERE c.ctid = ANY ($1::tid[]) AND %s", table->qualified,
					parent->has_rows ? "ONLY " : "", parent->qualified,
					key->join, key->not_null);
}

/* The parents of rows of a table. */
static void
follow_rows(Sampler *sampler, SampleTable *table, int first, int n)
{
	ListCell   *lc;

	foreach(lc, table->keys)
	{
		const SampleKey *key = lfirst(lc);
		int			count;
		char	   *args[1];
		uint64		found;

		CHECK_FOR_INTERRUPTS();
		args[0] = addresses(&table->rows[first], n, &count);
		if (count == 0)
			return;
		found = ask(table, key->parent, parents_query(table, key), 1, args);
		for (uint64 i = 1; i <= found; i++)
			take_parent(sampler, add_row(sampler, table, pgm_spi_text(i, 1)),
						key, i);
	}
}

static void
follow_keys(Sampler *sampler)
{
	bool		more = true;

	while (more)
	{
		more = false;
		for (int i = 0; i < sampler->ntables; i++)
		{
			SampleTable *table = &sampler->tables[i];

			while (table->followed < table->nrows)
			{
				int			first = table->followed;
				int			n = Min(table->nrows - first, BATCH);

				table->followed += n;
				follow_rows(sampler, table, first, n);
				more = true;
			}
		}
	}
}

static void
put_rows(StringInfo message, const SampleTable *table, int first, int n)
{
	StringInfoData query;
	int			count;
	char	   *args[1];
	uint64		found;

	args[0] = addresses(&table->rows[first], n, &count);
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < table->ncolumns; i++)
		appendStringInfo(&query, "%ss.%s", i > 0 ? ", " : "",
						 quote_identifier(table->columns[i]));
	appendStringInfo(&query, " FROM ONLY %s AS s WHERE s.ctid = ANY ($1::tid[])",
					 table->qualified);
	found = ask(table, NULL, query.data, 1, args);
	for (uint64 i = 1; i <= found; i++)
	{
		pq_sendbyte(message, 1);	/* one more */
		for (int column = 1; column <= table->ncolumns; column++)
		{
			char	   *value = pgm_spi_output(i, column);

			pgm_rehearse_put_optional(message, value);
			if (value != NULL)
				pfree(value);
		}
		if (message->len > MAX_BYTES)
			ereport(ERROR,
					errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("the sample of rows is larger than %d MB",
						   MAX_BYTES / (1024 * 1024)),
					errhint("Ask for fewer rows."));
	}
}

static void
put_table(PgmSample *sample, const SampleTable *table)
{
	StringInfo	message = &sample->message;

	pq_sendbyte(message, 1);	/* one more */
	pgm_scratch_put_text(message, table->schema);
	pgm_scratch_put_text(message, table->name);
	pq_sendint32(message, table->ncolumns);
	for (int i = 0; i < table->ncolumns; i++)
		pgm_scratch_put_text(message, table->columns[i]);
	for (int first = 0; first < table->nrows; first += BATCH)
		put_rows(message, table, first, Min(table->nrows - first, BATCH));
	pq_sendbyte(message, 0);
}

static void
put_sequences(StringInfo message)
{
	uint64		n = pgm_spi_execute_snapshot(&sequences_query, NULL);

	for (uint64 i = 1; i <= n; i++)
	{
		if (pgm_spi_isnull(i, 3))
			continue;
		pq_sendbyte(message, 1);
		pgm_scratch_put_text(message, pgm_spi_text(i, 1));
		pgm_scratch_put_text(message, pgm_spi_text(i, 2));
		pq_sendint64(message, pgm_spi_int64(i, 3));
	}
	pq_sendbyte(message, 0);
}

/* What there is of it, for people. */
static char *
describe(const Sampler *sampler)
{
	StringInfoData text;
	StringInfoData unread;
	int64		rows = 0;
	int64		left_out = 0;
	int			ntables = 0;
	int			nunread = 0;

	initStringInfo(&unread);
	for (int i = 0; i < sampler->ntables; i++)
	{
		const SampleTable *table = &sampler->tables[i];

		rows += table->nrows - table->left_out;
		left_out += table->left_out;
		ntables += table->nrows > table->left_out;
		if (table->readable || !table->has_rows || table->qualified == NULL)
			continue;
		if (nunread++ < MAX_NAMED)
			appendStringInfo(&unread, "%s%s", nunread > 1 ? ", " : "",
							 table->qualified);
	}
	if (nunread > MAX_NAMED)
		appendStringInfo(&unread, " and %d more", nunread - MAX_NAMED);
	initStringInfo(&text);
	appendStringInfo(&text, "sample of rows: %lld, tables with rows: %d",
					 (long long) rows, ntables);
	if (left_out > 0)
		appendStringInfo(&text, ", left out as the rows that they refer to cannot be had: %lld",
						 (long long) left_out);
	if (nunread > 0)
		appendStringInfo(&text, ", tables that cannot be read: %s",
						 unread.data);
	return text.data;
}

static void
draw(Sampler *sampler, PgmSample *sample)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(RowAddress);
	ctl.entrysize = sizeof(SampleRow);
	ctl.hcxt = CurrentMemoryContext;
	sampler->known = hash_create("pgmigrate sample of rows", 1024, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	find_tables(sampler);
	find_keys(sampler);
	for (int i = 0; i < sampler->ntables; i++)
		draw_rows(sampler, &sampler->tables[i]);
	follow_keys(sampler);

	/* tables without rows too: what the history has put there goes */
	for (int i = 0; i < sampler->ntables; i++)
		if (sampler->tables[i].has_rows && sampler->tables[i].name != NULL)
			put_table(sample, &sampler->tables[i]);
	pq_sendbyte(&sample->message, 0);
	put_sequences(&sample->message);
}

void
pgm_rehearse_draw_sample(int rows, PgmSample *sample)
{
	Sampler		sampler = {0};
	PgmSpiScope scope;
	MemoryContext spi;

	initStringInfo(&sample->message);
	sampler.rows = rows;
	pgm_txn_begin_own();
	(void) set_config_option("transaction_read_only", "on",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	pgm_spi_begin_as(&scope, GetUserId());
	pgm_schema_pin_settings();
	(void) set_config_option("row_security", "on",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	draw(&sampler, sample);
	spi = MemoryContextSwitchTo(scope.outer);
	sample->description = describe(&sampler);
	MemoryContextSwitchTo(spi);
	pgm_spi_end(&scope);
	pgm_txn_commit();
}
