/*-------------------------------------------------------------------------
 *
 * catalogs.c
 *	  The catalogs of a database, row by row, as they are.
 *
 * The model knows kinds of objects and what counts of them.  This knows
 * nothing of them: it reads whatever catalogs the server has, by what the
 * server itself tells of their columns and of what these refer to.  It is the
 * judge of what was made by the model, and so must not share its ignorance.
 *
 * A row is one of users if what it is of has an OID that initdb has not given,
 * or is the schema "public" or an extension, and if it does not belong to an
 * extension, a temporary schema or to what the server makes by itself.
 *
 * One query for each catalog: the time is linear in the number of rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/spi.h"
#include "citus/nodes.h"
#include "schema/catalogs.h"
#include "schema/expressions.h"
#include "schema/internal.h"

/* Of each query, before the columns. */
#define FIXED_COLUMNS 5
#define MAX_COLUMNS 100

#define OTHERS "(SELECT o.class, o.id " \
	"FROM unnest($1::oid[], $2::oid[]) AS o (class, id))"

/*
 * The key is that of a unique index without the OID, rather one of names than
 * one of numbers.
 */
static PgmQuery columns_query = {
	"WITH keys AS (SELECT DISTINCT ON (i.indrelid) i.indrelid, "
	"i.indkey::int2[] AS columns FROM pg_index i WHERE i.indisunique "
	"AND NOT EXISTS (SELECT FROM pg_attribute x WHERE x.attrelid = i.indrelid "
	"AND x.attnum = ANY (i.indkey::int2[]) AND x.attname = 'oid') "
	"ORDER BY i.indrelid, i.indisprimary, i.indexrelid), "
	"refs AS (SELECT DISTINCT ON (f.fktable, "
	"f.fkcols[array_length(f.fkcols, 1)]) f.fktable::oid AS fktable, "
	"f.fkcols[array_length(f.fkcols, 1)] AS fkcol, f.pktable, f.fkcols, "
	"f.is_array FROM pg_get_catalog_foreign_keys() AS f "
	"ORDER BY f.fktable, f.fkcols[array_length(f.fkcols, 1)], "
	"array_length(f.fkcols, 1)) "
	"SELECT c.relname::text, a.attname::text, "
	"format_type(a.atttypid, NULL), r.pktable::text, r.fkcols[1], "
	"coalesce(r.is_array, false), "
	/* as a vector is an array from 0 */
	"coalesce(array_position(k.columns, a.attnum) + 1, 0) "
	"FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
	"AND a.attnum > 0 AND NOT a.attisdropped "
	"LEFT JOIN keys k ON k.indrelid = c.oid "
	"LEFT JOIN refs r ON r.fktable = c.oid AND r.fkcol = a.attname "
	"WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' "
	"AND c.oid < 16384 AND NOT c.relisshared "
	"ORDER BY c.relname COLLATE \"C\", a.attnum"
};

#define IN_SYSTEM(catalog, namespace) \
	"UNION SELECT x.tableoid, x.oid FROM " catalog " x " \
	"WHERE x.oid >= 16384 AND x." namespace " IN (" \
	"'pg_catalog'::regnamespace, to_regnamespace('information_schema')) "

/*
 * What is not looked at, whatever catalog it is in: members of extensions, and
 * ours; what is in temporary schemas; what users have put into schemas of the
 * server, which no dump has; what TOAST and partitions are given by the
 * server; NOT NULL as a constraint, which goes by its column; what an online
 * change keeps beside a table.  And what goes with it.
 */
static PgmQuery others_query = {
	"WITH RECURSIVE others (class, id) AS ("
	"SELECT d.classid, d.objid FROM pg_depend d "
	"WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' "
	"UNION SELECT x.tableoid, x.oid FROM pg_extension x "
	"WHERE x.extname = 'pgmigrate' "
	"UNION SELECT n.tableoid, n.oid FROM pg_namespace n "
	"WHERE n.nspname ~ '^pg_' "
	"UNION SELECT d.classid, d.objid FROM pg_namespace n "
	"JOIN pg_depend d ON d.refclassid = n.tableoid AND d.refobjid = n.oid "
	"WHERE n.nspname ~ '^pg_(temp|toast_temp)_' "
	IN_SYSTEM("pg_class", "relnamespace")
	IN_SYSTEM("pg_collation", "collnamespace")
	IN_SYSTEM("pg_conversion", "connamespace")
	IN_SYSTEM("pg_opclass", "opcnamespace")
	IN_SYSTEM("pg_operator", "oprnamespace")
	IN_SYSTEM("pg_opfamily", "opfnamespace")
	IN_SYSTEM("pg_proc", "pronamespace")
	IN_SYSTEM("pg_statistic_ext", "stxnamespace")
	IN_SYSTEM("pg_ts_config", "cfgnamespace")
	IN_SYSTEM("pg_ts_dict", "dictnamespace")
	IN_SYSTEM("pg_ts_parser", "prsnamespace")
	IN_SYSTEM("pg_ts_template", "tmplnamespace")
	IN_SYSTEM("pg_type", "typnamespace")
	"UNION SELECT c.tableoid, c.oid FROM pg_class c WHERE c.relkind = 't' "
	"UNION SELECT k.tableoid, k.oid FROM pg_constraint k "
	"WHERE k.contype = 'n' OR k.contype = 'f' AND k.conparentid <> 0 "
	"UNION SELECT i.tableoid, i.oid FROM pg_class i "
	"JOIN pg_index x ON x.indexrelid = i.oid "
	"WHERE i.relname LIKE 'pgmigrate\\_%' "
	"AND NOT (" PGM_NO_DOUBLE("x.indrelid", "i.relname") ") "
	"UNION SELECT k.tableoid, k.oid FROM pg_constraint k "
	"WHERE ltrim(k.conname, '~') LIKE 'pgmigrate\\_%' "
	"AND NOT (" PGM_NO_DOUBLE("k.conrelid", "ltrim(k.conname, '~')") ") "
	"UNION SELECT d.classid, d.objid FROM others o JOIN pg_depend d "
	"ON d.refclassid = o.class AND d.refobjid = o.id "
	"WHERE d.deptype IN ('a', 'i', 'P', 'S')) "
	"SELECT coalesce(array_agg(o.class), '{}')::text, "
	"coalesce(array_agg(o.id), '{}')::text FROM others o "
	"WHERE o.id >= 16384 OR o.class = 'pg_extension'::regclass"
};

typedef struct CatalogReader
{
	MemoryContext context;
	PgmSchema  *schema;
	int			size;
	char	   *others[2];		/* arrays: of what class, and the OIDs */
} CatalogReader;

/* What is read of a catalog. */
typedef struct Reading
{
	const char *catalog;
	const PgmCatalogColumn *columns;
	int			ncolumns;
	const char *part_of;		/* SQL for the name of its whole */
	PgmCatalogWhole whole;
	StringInfoData key;
	StringInfoData values;
	int			nvalues;
	const char *names[MAX_COLUMNS];
	bool		settle[MAX_COLUMNS];
} Reading;

static PgmCatalogColumn *
read_columns(int *n)
{
	uint64		rows = pgm_spi_execute_snapshot(&columns_query, NULL);
	PgmCatalogColumn *columns = palloc(sizeof(PgmCatalogColumn) * (rows + 1));

	for (uint64 row = 1; row <= rows; row++)
	{
		PgmCatalogColumn *column = &columns[row - 1];

		column->catalog = pgm_spi_text(row, 1);
		column->name = pgm_spi_text(row, 2);
		column->type = pgm_spi_text(row, 3);
		column->names = pgm_spi_text(row, 4);
		column->of = pgm_spi_text(row, 5);
		column->is_array = pgm_spi_bool(row, 6);
		column->key = pgm_spi_int32(row, 7);
	}
	*n = rows;
	return columns;
}

static bool
has_column(const Reading *reading, const char *name)
{
	for (int i = 0; i < reading->ncolumns; i++)
		if (strcmp(reading->columns[i].name, name) == 0)
			return true;
	return false;
}

static bool
has_key(const Reading *reading)
{
	for (int i = 0; i < reading->ncolumns; i++)
		if (reading->columns[i].key > 0)
			return true;
	return false;
}

/* What a row is of: an object by itself, or a part of the first in its key. */
static void
find_whole(Reading *reading)
{
	const PgmCatalogWhole *known = pgm_catalog_whole(reading->catalog);
	const PgmCatalogColumn *first = NULL;
	PgmCatalogWhole *whole = &reading->whole;

	for (int i = 0; i < reading->ncolumns; i++)
	{
		const PgmCatalogColumn *column = &reading->columns[i];

		if (column->key > 0 && column->names != NULL && !column->is_array &&
			strcmp(column->names, "pg_attribute") != 0 &&
			(first == NULL || column->key < first->key))
			first = column;
	}
	if (first != NULL && (strcmp(first->names, "pg_class") == 0 ||
						  strcmp(first->names, "pg_type") == 0))
		reading->part_of = pgm_catalog_value(first);
	*whole = (PgmCatalogWhole)
	{
		reading->catalog, "0::oid", "16384::oid", "0"
	};
	if (known != NULL)
	{
		*whole = *known;
		if (known->part_of != NULL)
			reading->part_of = known->part_of;
		else if (reading->part_of == NULL)
			reading->part_of =
				psprintf("(SELECT i.identity FROM "
						 "pg_identify_object(%s, %s, 0) AS i)",
						 whole->classid, whole->objid);
	}
	else if (has_column(reading, "oid"))
	{
		whole->classid = "t.tableoid";
		whole->objid = "t.oid";
	}
	else if (first != NULL)
	{
		whole->classid = psprintf("%s::regclass::oid",
								  quote_literal_cstr(first->names));
		whole->objid = psprintf("t.%s::oid", quote_identifier(first->name));
	}
}

/* References first, so that the name of a schema comes before those in it. */
static void
add_keys(Reading *reading, bool references)
{
	for (int i = 0; i < reading->ncolumns; i++)
	{
		const PgmCatalogColumn *column = &reading->columns[i];
		char	   *value;

		if (column->key == 0 || (column->names != NULL) != references)
			continue;
		value = pgm_catalog_value(column);
		if (value != NULL)
			appendStringInfo(&reading->key, ", %s", value);
	}
}

static void
add_values(Reading *reading, bool all_in_key)
{
	for (int i = 0; i < reading->ncolumns; i++)
	{
		const PgmCatalogColumn *column = &reading->columns[i];
		char	   *value = column->key > 0 ? NULL : pgm_catalog_value(column);

		if (value == NULL)
			continue;
		if (all_in_key)
			appendStringInfo(&reading->key, ", %s", value);
		if (reading->nvalues == MAX_COLUMNS)
			elog(ERROR, "catalog \"%s\" has too many columns",
				 reading->catalog);
		appendStringInfo(&reading->values, ", %s", value);
		reading->settle[reading->nvalues] =
			strcmp(column->type, "pg_node_tree") == 0;
		reading->names[reading->nvalues++] = column->name;
	}
}

static char *
query_of(Reading *reading)
{
	const PgmCatalogWhole *whole = &reading->whole;
	const char *by_itself = has_column(reading, "oid") ?
		" AND (t.tableoid, t.oid) NOT IN " OTHERS : "";

	find_whole(reading);
	initStringInfo(&reading->key);
	initStringInfo(&reading->values);
	if (pgm_catalog_has_names(reading->catalog))
		appendStringInfo(&reading->key, ", %s",
						 pgm_catalog_name(reading->catalog, "t.oid"));
	else
	{
		add_keys(reading, true);
		add_keys(reading, false);
	}
	add_values(reading, !has_key(reading));
	return psprintf("SELECT %s::int8, %s::int8, %s, concat_ws('.'%s), %s%s "
					"FROM pg_catalog.%s t WHERE (%s) AND (%s >= 16384 "
					"OR %s = 'pg_extension'::regclass "
					"OR %s = 'pg_namespace'::regclass "
					"AND %s = to_regnamespace('public')) "
					"AND (%s, %s) NOT IN " OTHERS "%s",
					whole->classid, whole->objid, whole->subid,
					reading->key.data,
					reading->part_of == NULL ? "NULL::text" : reading->part_of,
					reading->values.data, quote_identifier(reading->catalog),
					pgm_catalog_rows(reading->catalog), whole->objid,
					whole->classid, whole->classid, whole->objid,
					whole->classid, whole->objid, by_itself);
}

static void
read_rows(CatalogReader *reader, Reading *reading)
{
	uint64		rows = pgm_spi_execute_built(query_of(reading), true,
											 lengthof(reader->others),
											 reader->others);
	int			n = reading->nvalues + 1;
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	char	  **properties = palloc(sizeof(char *) * n);
	char	   *catalog = pstrdup(reading->catalog);

	properties[0] = pstrdup(".table");
	for (int i = 1; i < n; i++)
		properties[i] = pstrdup(reading->names[i - 1]);
	for (uint64 row = 1; row <= rows; row++)
	{
		PgmSchemaObject *object = pgm_schema_add(reader->schema,
												 &reader->size, row, n,
												 properties);

		object->kind = catalog;
		object->identity = pgm_spi_text(row, 4);
		for (int i = 0; i < n; i++)
		{
			char	   *value = pgm_spi_text(row, FIXED_COLUMNS + i);

			if (value != NULL && i > 0 && reading->settle[i - 1])
				value = pgm_schema_settled_text(value);
			object->values[i] = value;
		}
	}
	MemoryContextSwitchTo(old);
}

static void
read_all(CatalogReader *reader)
{
	PgmCatalogColumn *columns;
	int			n;

	columns = read_columns(&n);
	for (int i = 0, end; i < n; i = end)
	{
		Reading		reading = {columns[i].catalog, &columns[i]};

		for (end = i + 1; end < n; end++)
			if (strcmp(columns[end].catalog, reading.catalog) != 0)
				break;
		reading.ncolumns = end - i;
		if (!pgm_catalog_is_left_out(reading.catalog))
			read_rows(reader, &reading);
	}
}

/* In a scope. */
static PgmSchema *
read_catalogs(MemoryContext context)
{
	CatalogReader reader = {context};

	reader.schema = MemoryContextAllocZero(context, sizeof(PgmSchema));
	reader.size = 1024;
	reader.schema->objects =
		MemoryContextAlloc(context, sizeof(PgmSchemaObject) * reader.size);
	pgm_schema_pin_settings();
	pgm_citus_hide_shards();
	pgm_spi_execute_snapshot(&others_query, NULL);
	for (int i = 0; i < lengthof(reader.others); i++)
		reader.others[i] = pgm_spi_text(1, i + 1);
	read_all(&reader);
	pgm_schema_sort(reader.schema);
	return reader.schema;
}

static void
read_both(MemoryContext context, void *arg)
{
	PgmReading *reading = arg;

	reading->model = pgm_schema_read_everything(context);
	reading->catalogs = read_catalogs(context);
}

void
pgm_schema_read_both(Oid role, PgmReading *reading)
{
	pgm_schema_read_patiently(role, read_both, reading);
}
