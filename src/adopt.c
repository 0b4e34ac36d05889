/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  Ledgers of other tools: find them, and take over what they say.
 *
 * A ledger is found in the catalogs by name and columns, and read with the
 * rights of the calling role: it is a table of somebody else.
 *
 * Adopting never changes it.  Its rows become revisions: those that files were
 * loaded of are found by their version, for the others a revision that says no
 * more than that it was applied is stored on top of the one applied before.
 * Where a loaded revision follows there is no room for such a one, as that
 * revision has its parents already; the row is then passed over.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/adopt.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "adopt.h"
#include "authoring.h"
#include "catalog/pg_type.h"
#include "format.h"
#include "lib/stringinfo.h"
#include "mirror.h"
#include "miscadmin.h"
#include "planner.h"
#include "runner.h"
#include "spi.h"

/* Names of revisions that an error lists. */
#define MAX_NAMES 5

/*
 * Tables by name, or one by OID, with the columns of built-in types that hold
 * values: reading others could call functions of the table's owner.
 */
static PgmQuery tables_query = {
	"SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), "
	"c.relname::text, "
	"array_agg(a.attname::text ORDER BY a.attnum), "
	"array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum), "
	"has_schema_privilege($3::oid, n.oid, 'USAGE') AND "
	"has_table_privilege($3::oid, c.oid, 'SELECT'), "
	"n.nspname::text, EXISTS (SELECT FROM pgmigrate.mirror m "
	"WHERE m.ledger = format('%I.%I', n.nspname, c.relname)) "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
	"AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid < 16384 "
	"WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' "
	"AND n.nspname <> 'pgmigrate' "
	"AND CASE WHEN $2 = 0 THEN c.relname = ANY ($1) ELSE c.oid = $2::oid END "
	"GROUP BY c.oid, n.oid, n.nspname, c.relname "
	"ORDER BY n.nspname, c.relname",
	3, {TEXTARRAYOID, INT8OID, INT8OID}
};

static PgmQuery companion_query = {
	"SELECT format('%I.%I', n.nspname, c.relname) "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r' "
	"AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid "
	"AND a.attnum > 0 AND NOT a.attisdropped "
	"AND (a.attgenerated <> '' OR a.atttypid >= 16384)) "
	"AND has_table_privilege($3::oid, c.oid, 'SELECT')",
	3, {TEXTOID, TEXTOID, INT8OID}
};

/* A number without leading zeros, to compare versions by; or the text. */
typedef struct VersionKey
{
	const char *digits;
	int			revision;
} VersionKey;

/* ---- finding */

/* The tool of a table; the name counts only where none was given. */
static const PgmForeignTool *
recognize(const char *table, int ncolumns, char **names, char **types,
		  const char *wanted)
{
	int			n;
	const PgmForeignTool *tools = pgm_foreign_tools(&n);

	for (int i = 0; i < n; i++)
	{
		if (table != NULL && strcmp(tools[i].table, table) != 0)
			continue;
		if (wanted != NULL && strcmp(tools[i].name, wanted) != 0)
			continue;
		if (pgm_foreign_tool_matches(&tools[i], ncolumns, names, types))
			return &tools[i];
	}
	return NULL;
}

static char *
find_companion(const PgmForeignTool *tool, const char *schema)
{
	Datum		values[3];

	if (tool->companion == NULL)
		return NULL;
	values[0] = pgm_text_datum(schema);
	values[1] = pgm_text_datum(tool->companion);
	values[2] = Int64GetDatum((int64) GetUserId());
	return pgm_spi_execute(&companion_query, values, NULL) > 0 ?
		pgm_spi_text(1, 1) : NULL;
}

/* Has the table a problem?  The scope is the current user's. */
static bool
find_problem(PgmForeignLedger *ledger, const char *query, const char *table)
{
	if (query == NULL || table == NULL ||
		pgm_spi_execute_built(psprintf("SELECT s::text, d::text FROM (%s) AS p (s, d)",
									   pgm_foreign_tool_sql(query, table)),
							  true, 0, NULL) == 0)
		return false;
	ledger->state = pgm_spi_text(1, 1);
	ledger->detail = pgm_spi_text(1, 2);
	return true;
}

static void
read_state(PgmForeignLedger *ledger)
{
	PgmSpiScope scope;

	if (!ledger->readable)
	{
		ledger->state = "unreadable";
		ledger->detail = pstrdup("permission denied");
		return;
	}
	pgm_spi_begin_as(&scope, GetUserId());
	pgm_spi_execute_built(psprintf("SELECT count(*) FROM ONLY %s",
								   ledger->name), true, 0, NULL);
	ledger->rows = pgm_spi_int64(1, 1);
	ledger->state = "clean";
	if (!find_problem(ledger, ledger->tool->companion_problem,
					  ledger->companion))
		find_problem(ledger, ledger->tool->problem, ledger->name);
	pgm_spi_end(&scope);
}

static PgmForeignLedger *
find_ledgers(Oid relation, const char *wanted, int *n)
{
	int			ntools;
	const PgmForeignTool *tools = pgm_foreign_tools(&ntools);
	char	  **tables = palloc(sizeof(char *) * ntools);
	PgmForeignLedger *ledgers;
	char	  **schemas;
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
	schemas = palloc(sizeof(char *) * Max(rows, 1));
	for (uint64 i = 1; i <= rows; i++)
	{
		PgmForeignLedger *ledger = &ledgers[*n];
		int			ncolumns;
		int			ntypes;
		char	  **names = pgm_spi_text_array(i, 4, &ncolumns);
		char	  **types = pgm_spi_text_array(i, 5, &ntypes);

		ledger->tool = recognize(OidIsValid(relation) ? NULL :
								 pgm_spi_text(i, 3), ncolumns, names, types,
								 wanted);
		if (ledger->tool == NULL)
			continue;
		ledger->relation = (Oid) pgm_spi_int64(i, 1);
		ledger->name = pgm_spi_text(i, 2);
		ledger->readable = pgm_spi_bool(i, 6);
		ledger->mirrored = pgm_spi_bool(i, 8);
		schemas[(*n)++] = pgm_spi_text(i, 7);
	}
	for (int i = 0; i < *n; i++)
		ledgers[i].companion = find_companion(ledgers[i].tool, schemas[i]);
	pgm_spi_end(&scope);

	for (int i = 0; i < *n; i++)
		read_state(&ledgers[i]);
	return ledgers;
}

PgmForeignLedger *
pgm_adopt_detect(Oid relation, int *n)
{
	return find_ledgers(relation, NULL, n);
}

/* ---- adopting */

static PgmForeignLedger *
find_the_ledger(const char *tool, Oid relation)
{
	int			n;
	PgmForeignLedger *ledgers;

	if (pgm_foreign_tool_by_name(tool) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized migration tool \"%s\"", tool),
				errhint("Column \"%s\" of %s has the names of the tools whose ledgers are here.",
						"tool", "pgmigrate.detect_ledgers()"));
	ledgers = find_ledgers(relation, tool, &n);
	if (n == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				OidIsValid(relation) ?
				errmsg("table is not a ledger of %s", tool) :
				errmsg("there is no ledger of %s in this database", tool),
				errhint("Pass its table as table_name if it has another name."));
	if (n > 1)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("there are several ledgers of %s in this database",
					   tool),
				errdetail("Two of them are %s and %s.", ledgers[0].name,
						  ledgers[1].name),
				errhint("Pass the table as table_name."));
	return &ledgers[0];
}

static void
refuse_unclean(const PgmForeignLedger *ledger)
{
	if (!ledger->readable)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for table %s", ledger->name));
	if (strcmp(ledger->state, "clean") != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot adopt ledger %s because it is %s",
					   ledger->name, ledger->state),
				errdetail("The reason is: %s.", ledger->detail),
				errhint("Bring it to an end with %s first.",
						ledger->tool->name));
}

static PgmAdoptRow *
read_versions(const PgmForeignLedger *ledger, int *n)
{
	char	   *sql = pgm_foreign_tool_sql(ledger->tool->versions,
										   ledger->name);
	PgmSpiScope scope;
	PgmAdoptRow *rows;

	pgm_spi_begin_as(&scope, GetUserId());
	*n = (int) pgm_spi_execute_built(sql, true, 0, NULL);
	rows = MemoryContextAllocZero(scope.outer,
								  sizeof(PgmAdoptRow) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		rows[i].version = pgm_spi_text(i + 1, 1);
		rows[i].message = pgm_spi_text(i + 1, 2);
		rows[i].implies = pgm_spi_bool(i + 1, 3);
	}
	pgm_spi_end(&scope);
	return rows;
}

/* The digits that a text begins with, without leading zeros; NULL: none. */
static char *
leading_number(const char *text)
{
	size_t		digits = strspn(text, "0123456789");

	if (digits == 0 || (text[digits] != '\0' && text[digits] != '_'))
		return NULL;
	while (digits > 1 && *text == '0')
	{
		text++;

		digits--;
	}
	return pnstrdup(text, digits);
}

static int
key_cmp(const void *a, const void *b)
{
	return strcmp(((const VersionKey *) a)->digits,
				  ((const VersionKey *) b)->digits);
}

/* Revisions whose id is a number, by that number. */
static VersionKey *
number_keys(const PgmGraph *graph, int *n)
{
	int			size = pgm_graph_size(graph);
	VersionKey *keys = palloc(sizeof(VersionKey) * Max(size, 1));

	*n = 0;
	for (int i = 0; i < size; i++)
	{
		const char *id = pgm_graph_id(graph, i);

		if (id[strspn(id, "0123456789")] != '\0')
			continue;
		keys[*n].digits = leading_number(id);
		keys[(*n)++].revision = i;
	}
	qsort(keys, *n, sizeof(VersionKey), key_cmp);
	return keys;
}

/* Find the stored revisions; the tools write 7 where a file has 0007. */
static int
match(const PgmGraph *graph, int n, PgmAdoptRow *rows)
{
	int			nkeys;
	VersionKey *keys = number_keys(graph, &nkeys);
	int			last = -1;

	for (int i = 0; i < n; i++)
	{
		char	   *id = pgm_format_id(rows[i].version,
									   strlen(rows[i].version));
		int			revision = pgm_graph_find(graph, id);
		VersionKey	key = {leading_number(rows[i].version)};

		if (revision < 0 && key.digits != NULL)
		{
			VersionKey *found = bsearch(&key, keys, nkeys, sizeof(VersionKey),
										key_cmp);

			if (found != NULL)
				revision = found->revision;
		}
		if (revision < 0)
			continue;
		rows[i].revision = pstrdup(pgm_graph_id(graph, revision));
		rows[i].action = "known";
		last = i;
	}
	return last;
}

static void
import(const PgmForeignLedger *ledger, PgmAdoptRow *row, char *parent)
{
	PgmRevision revision = {0};

	revision.id = pgm_format_id(row->version, strlen(row->version));
	revision.message = row->message && *row->message ? row->message :
		row->version;
	revision.upgrade = psprintf("-- applied by %s, not held here\n",
								ledger->tool->name);
	revision.transactional = PGM_UNSET;
	revision.parents = &parent;
	revision.nparents = parent ? 1 : 0;
	pgm_author_store(&revision, true, true);
	row->revision = revision.id;
	row->action = "imported";
}

static void
import_unknown(const PgmForeignLedger *ledger, int n, PgmAdoptRow *rows,
			   int last_known)
{
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rows[i].revision != NULL)
			continue;
		if (ledger->tool->heads)
			import(ledger, &rows[i], NULL);
		else if (i < last_known)
			rows[i].action = "skipped";
		else
			import(ledger, &rows[i], i > 0 ? rows[i - 1].revision : NULL);
	}
}

/* Mark what is strictly below a revision: its ancestors, what they need. */
static void
mark_below(const PgmGraph *graph, int revision, bool *below)
{
	int		   *stack = palloc(sizeof(int) * (pgm_graph_size(graph) + 1));
	int			depth = 0;

	stack[depth++] = revision;
	while (depth > 0)
	{
		int			at = stack[--depth];
		PgmRevSet	sets[2];

		sets[0] = pgm_graph_parents(graph, at);
		sets[1] = pgm_graph_depends(graph, at);
		for (int s = 0; s < lengthof(sets); s++)
			for (int i = 0; i < sets[s].n; i++)
				if (!below[sets[s].rev[i]])
				{
					below[sets[s].rev[i]] = true;
					stack[depth++] = sets[s].rev[i];
				}
	}
	pfree(stack);
}

/*
 * A stamp takes all that is below as applied.  Refuse if the ledger does not
 * say so; merges do nothing and are in no ledger.
 */
static void
refuse_holes(const PgmForeignLedger *ledger, const PgmGraph *graph,
			 const bool *adopted, const bool *below, const bool *implied)
{
	StringInfoData names;
	int			nholes = 0;

	initStringInfo(&names);
	for (int i = 0; i < pgm_graph_size(graph); i++)
	{
		if (!below[i] || adopted[i] || implied[i] ||
			pgm_graph_parents(graph, i).n > 1)
			continue;
		if (++nholes <= MAX_NAMES)
			appendStringInfo(&names, "%s\"%s\"", nholes > 1 ? ", " : "",
							 pgm_graph_id(graph, i));
	}
	if (nholes > 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s does not have all that is below what it has",
					   ledger->name),
				errdetail("It lacks %s%s.", names.data,
						  nholes > MAX_NAMES ? " and others" : ""),
				errhint("Apply them with %s first, or remove them and load their files again: they then come last.",
						ledger->tool->name));
}

/* Make the current heads those of the rows. */
static void
stamp(const PgmForeignLedger *ledger, int n, const PgmAdoptRow *rows)
{
	PgmPlan    *plan = pgm_plan_load();
	int			size = pgm_graph_size(plan->graph);
	bool	   *adopted = palloc0(sizeof(bool) * Max(size, 1));
	bool	   *below = palloc0(sizeof(bool) * Max(size, 1));
	bool	   *implied = palloc0(sizeof(bool) * Max(size, 1));
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	bool		needed = false;
	StringInfoData target;
	PgmRunRequest request = {0};

	for (int i = 0; i < n; i++)
	{
		int			revision;

		if (rows[i].revision == NULL)
			continue;
		revision = pgm_graph_find(plan->graph, rows[i].revision);
		adopted[revision] = true;
		mark_below(plan->graph, revision, below);
		if (rows[i].implies)
			mark_below(plan->graph, revision, implied);
	}
	refuse_holes(ledger, plan->graph, adopted, below, implied);

	initStringInfo(&target);
	for (int i = 0; i < size; i++)
	{
		if (!adopted[i] || below[i])
			continue;
		appendStringInfo(&target, "%s%s", target.len > 0 ? "," : "",
						 pgm_graph_id(plan->graph, i));
		needed |= !applied[i];
	}
	if (!needed)
		return;
	request.direction = PGM_STAMP;
	request.target = target.data;
	request.session_role = GetUserNameFromId(GetSessionUserId(), false);
	request.guard = GetSessionUserId() != GetUserId();
	pgm_runner_stamp(&request, false);
}

PgmAdoptRow *
pgm_adopt(const char *tool, Oid relation, bool mirror, int *nrows)
{
	PgmForeignLedger *ledger = find_the_ledger(tool, relation);
	PgmAdoptRow *rows;

	if (mirror && ledger->tool->mirror == PGM_MIRROR_NONE)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot keep a ledger of %s in step", tool));
	refuse_unclean(ledger);
	if (mirror)
		pgm_mirror_check(ledger->relation, ledger->name);

	pgm_revision_lock_store();
	rows = read_versions(ledger, nrows);
	if (*nrows == 0)
		ereport(NOTICE,
				errmsg("ledger %s is empty", ledger->name));
	else
	{
		PgmPlan    *plan = pgm_plan_load();
		int			last_known = match(plan->graph, *nrows, rows);

		import_unknown(ledger, *nrows, rows, last_known);
		stamp(ledger, *nrows, rows);
	}
	pgm_mirror_set(tool, ledger->name, mirror);
	return rows;
}
