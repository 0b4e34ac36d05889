/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  Ledgers of other tools: find them, and take over what they say.
 *
 * A ledger is found in the catalogs by name and columns, and read with the
 * rights of the calling role: it is a table of somebody else.
 *
 * Adopting never changes it.  Its rows become revisions, which are then
 * stamped as applied: adopt_match.c finds those that were loaded from files,
 * and adopt_import.c stores the others.
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
#include "adopt_private.h"
#include "catalog/pg_type.h"
#include "journal.h"
#include "lib/stringinfo.h"
#include "mirror.h"
#include "miscadmin.h"
#include "planner.h"
#include "runner.h"
#include "schema.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

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
	"SELECT format('%I.%I', n.nspname, c.relname), "
	"has_table_privilege($3::oid, c.oid, 'SELECT') "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r' "
	"AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid "
	"AND a.attnum > 0 AND NOT a.attisdropped "
	"AND (a.attgenerated <> '' OR a.atttypid >= 16384))",
	3, {TEXTOID, TEXTOID, INT8OID}
};

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

/* The user is that of the caller, not of the scope. */
static void
find_companion(PgmForeignLedger *ledger, const char *schema, Datum user)
{
	Datum		values[3];

	if (ledger->tool->companion == NULL)
		return;
	values[0] = pgm_text_datum(schema);
	values[1] = pgm_text_datum(ledger->tool->companion);
	values[2] = user;
	if (pgm_spi_execute(&companion_query, values, NULL) == 0)
		return;
	ledger->companion = pgm_spi_text(1, 1);
	if (!pgm_spi_bool(1, 2) && ledger->denied == NULL)
		ledger->denied = ledger->companion;
}

/* Has the table a problem?  The scope is the current user's. */
static bool
find_problem(PgmForeignLedger *ledger, const char *query, const char *table)
{
	if (query == NULL || table == NULL ||
		pgm_spi_execute_built(psprintf("SELECT s::text, d::text FROM (%s) AS p (s, d)",
									   pgm_foreign_tool_sql(query, table, NULL)),
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

	if (ledger->denied != NULL)
	{
		ledger->state = "unreadable";
		ledger->detail = psprintf("permission denied for table %s",
								  ledger->denied);
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
		if (!pgm_spi_bool(i, 6))
			ledger->denied = ledger->name;
		ledger->mirrored = pgm_spi_bool(i, 8);
		schemas[(*n)++] = pgm_spi_text(i, 7);
	}
	for (int i = 0; i < *n; i++)
		find_companion(&ledgers[i], schemas[i], values[2]);
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
				errmsg("table %s is not a ledger of %s",
					   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
												  get_rel_name(relation)),
					   tool) :
				errmsg("there is no ledger of %s in this database", tool),
				OidIsValid(relation) ?
				errhint("It does not have the columns of one; %s lists the ledgers that are here.",
						"pgmigrate.detect_ledgers()") :
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
	if (ledger->denied != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for table %s", ledger->denied));
	if (strcmp(ledger->state, "clean") != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot adopt ledger %s because it is %s",
					   ledger->name, ledger->state),
				errdetail("The reason is: %s.", ledger->detail),
				errhint("Bring it to an end with %s first.",
						ledger->tool->name));
}

/* The column of this name of the last query, or 0. */
static int
column_named(const char *name)
{
	for (int i = 1; i <= pgm_spi_columns(); i++)
		if (strcmp(pgm_spi_column_name(i), name) == 0)
			return i;
	return 0;
}

static PgmAdoptRow *
read_versions(const PgmForeignLedger *ledger, int *n)
{
	char	   *sql = pgm_foreign_tool_sql(ledger->tool->versions,
										   ledger->name,
										   ledger->companion ?
										   ledger->companion :
										   ledger->tool->no_companion);
	PgmSpiScope scope;
	PgmAdoptRow *rows;
	int			checksum;
	int			parents;
	int			depends;
	int			upgrade;

	pgm_spi_begin_as(&scope, GetUserId());
	*n = (int) pgm_spi_execute_built(sql, true, 0, NULL);
	checksum = column_named("checksum");
	parents = column_named("parents");
	depends = column_named("depends");
	upgrade = column_named("upgrade");
	rows = MemoryContextAllocZero(scope.outer,
								  sizeof(PgmAdoptRow) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		PgmAdoptRow *row = &rows[i];

		row->version = pgm_spi_text(i + 1, 1);
		row->message = pgm_spi_text(i + 1, 2);
		row->implies = pgm_spi_bool(i + 1, 3);
		row->nparents = -1;
		if (checksum > 0)
			row->checksum = pgm_spi_text(i + 1, checksum);
		if (parents > 0)
			row->parents = pgm_spi_text_array(i + 1, parents, &row->nparents);
		if (depends > 0)
			row->depends = pgm_spi_text_array(i + 1, depends, &row->ndepends);
		if (upgrade > 0)
			row->upgrade = pgm_spi_text(i + 1, upgrade);
	}
	pgm_spi_end(&scope);
	return rows;
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

/*
 * What the schema was when it was taken over, kept with the stamp: whatever it
 * is found to differ in later was not done by the other tool.
 */
static void
note_baseline(const PgmForeignLedger *ledger, int64 run)
{
	StringInfoData details;

	initStringInfo(&details);
	appendStringInfoString(&details, "{\"adopted\": {\"tool\": ");
	escape_json(&details, ledger->tool->name);
	appendStringInfoString(&details, ", \"ledger\": ");
	escape_json(&details, ledger->name);
	appendStringInfo(&details, "}, \"fingerprint\": \"%s\"}",
					 pgm_schema_digest(pgm_schema_read(0, NULL)));
	pgm_journal_step_details(run, 1, details.data);
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
	note_baseline(ledger, pgm_runner_stamp(&request, false));
}

/*
 * Files that have nothing to do with the ledger, or are not all there: what
 * was loaded is not known as applied, and the next upgrade would run it.
 */
static void
warn_of_strangers(const PgmForeignLedger *ledger, const PgmPlan *plan, int n,
				  const PgmAdoptRow *rows)
{
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	int			npending = 0;

	for (int i = 0; i < n; i++)
		if (rows[i].revision != NULL)
			return;
	for (int i = 0; i < pgm_graph_size(plan->graph); i++)
		npending += !applied[i];
	if (npending == 0)
		return;
	ereport(WARNING,
			errmsg("ledger %s has no version of the revisions that are stored",
				   ledger->name),
			errdetail_plural("%d stored revision is not recorded as applied; the next upgrade would run it.",
							 "%d stored revisions are not recorded as applied; the next upgrade would run them.",
							 npending, npending),
			errhint("Load the files that the ledger knows before adopting it; or, if the revisions are in effect, record them with pgmigrate.stamp()."));
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

		pgm_adopt_match(ledger, plan->graph, *nrows, rows);
		warn_of_strangers(ledger, plan, *nrows, rows);
		pgm_adopt_import(ledger, *nrows, rows);
		stamp(ledger, *nrows, rows);
	}
	pgm_mirror_set(tool, ledger->name, mirror);
	return rows;
}
