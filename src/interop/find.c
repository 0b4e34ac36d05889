/*-------------------------------------------------------------------------
 *
 * find.c
 *	  Find the ledgers of other tools, and look at them.
 *
 * The catalogs are asked for tables of the right names.  Each of them is then
 * locked, and what it is by then decides: its owner may have put another one
 * in its place.  It is read with the rights of the calling role, and computed
 * as its owner.
 *
 * Where all are looked at nobody waits for a lock, and one that cannot be read
 * is told as unreadable; where one is adopted it is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "interop/internal.h"
#include "store/foreign_table.h"

/* What queries find the rows under. */
#define LEDGER "pgm_ledger"
#define COMPANION "pgm_companion"

/* Tables by name, or one by OID. */
static PgmQuery tables_query = {
	"SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), "
	"c.relname::text, "
	"array_agg(a.attname::text ORDER BY a.attnum), "
	"array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), "
	"has_schema_privilege($3::oid, n.oid, 'USAGE') AND "
	"has_table_privilege($3::oid, c.oid, 'SELECT'), "
	"EXISTS (SELECT FROM pgmigrate.mirror m "
	"WHERE m.relation = c.oid AND m.broken IS NULL "
	"AND m.ledger = format('%I.%I', n.nspname, c.relname)) "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
	"AND NOT a.attisdropped AND a.attgenerated = '' "
	"WHERE c.relkind = 'r' AND c.relpersistence <> 't' "
	"AND n.nspname <> 'pgmigrate' "
	"AND CASE WHEN $2 = 0 THEN c.relname = ANY ($1) ELSE c.oid = $2::oid END "
	"GROUP BY c.oid, n.oid, n.nspname, c.relname "
	"ORDER BY n.nspname, c.relname",
	3, {TEXTARRAYOID, INT8OID, INT8OID}
};

/* How to look at a ledger. */
typedef struct Look
{
	PgmForeignLedger *ledger;
	bool		by_name;		/* its name told the tool */
	LOCKMODE	mode;
	bool		wait;
	bool		found;			/* it is a ledger still */
} Look;

/*
 * The tool of a table; the name counts only where none was given.  A table
 * that looks like that of another tool is taken only if that is said.
 */
static const PgmForeignTool *
recognize(const char *table, int ncolumns, char **names, char **types,
		  const char *wanted, bool named)
{
	int			n;
	const PgmForeignTool *tools = pgm_foreign_tools(&n);

	for (int i = 0; i < n; i++)
	{
		if (table != NULL && strcmp(tools[i].table, table) != 0)
			continue;
		if (wanted != NULL && strcmp(tools[i].name, wanted) != 0)
			continue;
		if (named ?
			pgm_foreign_tool_matches(&tools[i], ncolumns, names, types) :
			pgm_foreign_tool_detects(&tools[i], ncolumns, names, types))
			return &tools[i];
	}
	return NULL;
}

static void
set_unreadable(PgmForeignLedger *ledger, char *detail)
{
	ledger->readable = ledger->clean = false;
	ledger->state = "unreadable";
	ledger->detail = detail;
}

static void
set_denied(PgmForeignLedger *ledger, char *table)
{
	ledger->denied = table;
	set_unreadable(ledger, psprintf("permission denied for table %s", table));
}

/* A type that somebody made, in a column that our queries read? */
static bool
has_made_type(PgmForeignLedger *ledger, const PgmForeignTable *table)
{
	char	   *column;

	for (int n = 0;
		 (column = pgm_foreign_tool_column(ledger->tool, n)) != NULL; n++)
		for (int i = 0; i < table->ncolumns; i++)
			if (strcmp(table->columns[i], column) == 0 && !table->built_in[i])
			{
				set_unreadable(ledger,
							   psprintf("column \"%s\" has type %s, which is not built in",
										column, table->types[i]));
				return true;
			}
	return false;
}

/* False if it is not to be had at once. */
static bool
lock_table(const Look *look, Oid relation, const char *name, LOCKMODE mode)
{
	if (pgm_foreign_table_try_lock(relation, mode))
		return true;
	if (!look->wait)
		return false;
	pgm_foreign_table_lock(relation, name, mode);
	return true;
}

/* A second table of the tool, which need not be there. */
static bool
look_at_companion(const Look *look, Oid schema)
{
	PgmForeignLedger *ledger = look->ledger;
	const char *name = ledger->tool->companion;
	PgmForeignTable table;
	const char *reason;
	Oid			relation;
	char	   *denied;

	ledger->companion = InvalidOid;
	relation = name == NULL ? InvalidOid : get_relname_relid(name, schema);
	if (!OidIsValid(relation) ||
		get_rel_relkind(relation) != RELKIND_RELATION)
		return true;
	table.relation = relation;
	table.schema = schema;
	table.name = psprintf("%s.%s",
						  quote_identifier(get_namespace_name(schema)),
						  quote_identifier(name));
	denied = pgm_foreign_table_denied(&table);
	if (denied != NULL)
		set_denied(ledger, denied);
	else if (!lock_table(look, relation, table.name, AccessShareLock))
		set_unreadable(ledger, psprintf("table %s is locked", table.name));
	else if (!pgm_foreign_table_look(relation, &table, &reason))
		set_unreadable(ledger, psprintf("table %s: %s", name, reason));
	else if ((denied = pgm_foreign_table_denied(&table)) != NULL)
		set_denied(ledger, denied);
	else
	{
		ledger->companion = relation;
		return true;
	}
	return false;
}

/* Has the table a problem?  In a scope in which the tables are offered. */
static bool
find_problem(PgmForeignLedger *ledger, const char *query, const char *table)
{
	if (query == NULL ||
		pgm_spi_execute_built(psprintf("SELECT s::text, d::text FROM (%s) AS p (s, d)",
									   pgm_foreign_tool_sql(query, table, NULL)),
							  true, 0, NULL) == 0)
		return false;
	ledger->clean = false;
	ledger->state = pgm_spi_text(1, 1);
	ledger->detail = pgm_spi_text(1, 2);
	return true;
}

static void
offer(PgmForeignLedger *ledger)
{
	ledger->rows = pgm_foreign_table_offer(ledger->relation, LEDGER);
	if (OidIsValid(ledger->companion))
		(void) pgm_foreign_table_offer(ledger->companion, COMPANION);
}

static void
read_state(PgmForeignLedger *ledger)
{
	PgmSpiScope scope;

	pgm_spi_begin_as(&scope, ledger->owner);
	offer(ledger);
	ledger->state = "clean";
	ledger->readable = ledger->clean = true;
	if (!OidIsValid(ledger->companion) ||
		!find_problem(ledger, ledger->tool->companion_problem, COMPANION))
		find_problem(ledger, ledger->tool->problem, LEDGER);
	pgm_spi_end(&scope);
}

/* Under the lock: is it what it was when it was found? */
static bool
is_still(const Look *look, const PgmForeignTable *table)
{
	PgmForeignLedger *ledger = look->ledger;

	return strcmp(table->name, ledger->name) == 0 &&
		recognize(look->by_name ? ledger->tool->table : NULL,
				  table->ncolumns, table->columns, table->types,
				  ledger->tool->name, true) == ledger->tool;
}

static void
look_at(void *arg)
{
	Look	   *look = arg;
	PgmForeignLedger *ledger = look->ledger;
	PgmForeignTable table;
	const char *reason;
	char	   *denied;

	look->found = true;
	if (ledger->denied != NULL)
	{
		set_denied(ledger, ledger->denied);
		return;
	}
	if (!lock_table(look, ledger->relation, ledger->name, look->mode))
	{
		set_unreadable(ledger, pstrdup("it is locked by another session"));
		return;
	}
	if (!pgm_foreign_table_look(ledger->relation, &table, &reason))
		set_unreadable(ledger, pstrdup(reason));
	else if (!is_still(look, &table))
		look->found = false;
	else if ((denied = pgm_foreign_table_denied(&table)) != NULL)
		set_denied(ledger, denied);
	else if (!has_made_type(ledger, &table))
	{
		ledger->owner = table.owner;
		if (look_at_companion(look, table.schema))
			read_state(ledger);
	}
}

/* Candidates by the catalogs, with no lock on them. */
static PgmForeignLedger *
find_candidates(Oid relation, const char *wanted, bool named, int *n)
{
	int			ntools;
	const PgmForeignTool *tools = pgm_foreign_tools(&ntools);
	char	  **tables = palloc(sizeof(char *) * ntools);
	PgmForeignLedger *ledgers;
	PgmSpiScope scope;
	Datum		values[3];
	uint64		rows;

	for (int i = 0; i < ntools; i++)
		tables[i] = unconstify(char *, tools[i].table);
	values[0] = pgm_text_array_datum(ntools, tables);
	values[1] = Int64GetDatum((int64) relation);
	values[2] = Int64GetDatum((int64) GetUserId());

	*n = 0;
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&tables_query, values, NULL);
	ledgers = MemoryContextAllocZero(scope.outer, sizeof(PgmForeignLedger) *
									 Max(rows, 1));
	for (uint64 i = 1; i <= rows; i++)
	{
		PgmForeignLedger *ledger = &ledgers[*n];
		int			ncolumns;
		int			ntypes;
		char	  **names = pgm_spi_text_array(i, 4, &ncolumns);
		char	  **types = pgm_spi_text_array(i, 5, &ntypes);

		ledger->tool = recognize(OidIsValid(relation) ? NULL :
								 pgm_spi_text(i, 3), ncolumns, names, types,
								 wanted, named);
		if (ledger->tool == NULL)
			continue;
		ledger->relation = (Oid) pgm_spi_int64(i, 1);
		ledger->name = pgm_spi_text(i, 2);
		if (!pgm_spi_bool(i, 6))
			ledger->denied = ledger->name;
		ledger->mirrored = pgm_spi_bool(i, 7);
		(*n)++;
	}
	pgm_spi_end(&scope);
	return ledgers;
}

PgmForeignLedger *
pgm_adopt_candidates(Oid relation, const char *tool, int *n)
{
	PgmForeignLedger *ledgers = find_candidates(relation, tool,
												OidIsValid(relation), n);

	if (*n == 0 && tool != NULL)
		ledgers = find_candidates(relation, tool, true, n);
	return ledgers;
}

bool
pgm_adopt_look(PgmForeignLedger *ledger, bool by_name, LOCKMODE mode,
			   bool wait)
{
	Look		look = {ledger, by_name, mode, wait, false};

	look_at(&look);
	return look.found;
}

bool
pgm_adopt_try_look(PgmForeignLedger *ledger, bool by_name, LOCKMODE mode)
{
	Look		look = {ledger, by_name, mode, false, true};
	ErrorData  *error;

	if (!pgm_spi_try(look_at, &look, &error))
		set_unreadable(ledger, error->message);
	return look.found;
}

PgmForeignLedger *
pgm_adopt_detect(int *n)
{
	int			ncandidates;
	PgmForeignLedger *ledgers = find_candidates(InvalidOid, NULL, false,
												&ncandidates);

	*n = 0;
	for (int i = 0; i < ncandidates; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (pgm_adopt_try_look(&ledgers[i], true, AccessShareLock))
			ledgers[(*n)++] = ledgers[i];
	}
	return ledgers;
}

uint64
pgm_adopt_query_versions(PgmForeignLedger *ledger)
{
	offer(ledger);
	return pgm_spi_execute_built(pgm_foreign_tool_sql(ledger->tool->versions,
													  LEDGER,
													  OidIsValid(ledger->companion) ?
													  COMPANION :
													  ledger->tool->no_companion),
								 true, 0, NULL);
}
