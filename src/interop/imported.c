/*-------------------------------------------------------------------------
 *
 * imported.c
 *	  Revisions that stand for rows of a ledger, without their SQL.
 *
 * They are made when a ledger is adopted and no file of that version is there.
 * A file of it that comes later would be a second revision of the same, and
 * what is below it would count as not applied.  So they give way to files: the
 * ledger is taken back, the files are loaded, and it is adopted again, which
 * ends in the history that there would be had the files come first.
 *
 * Where other revisions stand on them, or the caller is nobody who may adopt,
 * the load is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "base/file_checksum.h"
#include "base/name_list.h"
#include "base/spi.h"
#include "interop/adopt.h"
#include "interop/imported.h"
#include "run/runner.h"
#include "store/authoring.h"
#include "store/content.h"
#include "store/mirror.h"
#include "store/run_plan.h"

/* Of each the tool whose ledger it stands for. */
static PgmQuery imported_query = {
	"SELECT id, upgrade, substring(upgrade FROM "
	"'^-- applied by ([a-z_-]+), not held here\\n$'), "
	"substring(message FROM '^hash (.*)$') "
	"FROM pgmigrate.revision WHERE downgrade IS NULL "
	"AND upgrade ~ '^-- applied by [a-z_-]+, not held here\\n$' ORDER BY seq"
};

static PgmQuery may_adopt_query = {
	"SELECT has_function_privilege($1::oid, "
	"'pgmigrate.adopt(text, regclass, boolean, text)', 'EXECUTE')",
	1, {OIDOID}
};

/* The ledger of a tool that was adopted last. */
static PgmQuery adopted_query = {
	"SELECT to_regclass(details -> 'adopted' ->> 'ledger')::oid::bigint "
	"FROM pgmigrate.run_step WHERE details -> 'adopted' ->> 'tool' = $1 "
	"ORDER BY run DESC LIMIT 1",
	1, {TEXTOID}
};

struct PgmImported
{
	const PgmFormatResult *result;
	int			nfiles;
	const PgmFormatFile *files;
	char	  **checksums;		/* of the files, once somebody asks */
	int			n;				/* all of them */
	char	  **ids;
	bool	   *has_file;
	PgmPlan    *plan;
	int			size;
	bool	   *imported;		/* by number in the graph */
	bool	   *leaving;		/* makes way for a file, or stands on one */
	char	   *tool;			/* whose ledger has them */
	bool		several_tools;
	bool		applied;		/* one of them is */
	Oid			relation;		/* the ledger, invalid: not known */
	bool		mirror;			/* it is kept in step */
};

char *
pgm_imported_text(const char *tool)
{
	return psprintf("-- applied by %s, not held here\n", tool);
}

/* Do they begin with the same number, whatever zeros it is written with? */
static bool
same_number(const char *a, const char *b)
{
	size_t		na;
	size_t		nb;

	a += strspn(a, "0");
	b += strspn(b, "0");
	na = strspn(a, "0123456789");
	nb = strspn(b, "0123456789");
	return na > 0 && na == nb && strncmp(a, b, na) == 0 &&
		(a[na] == '\0' || a[na] == '_') && (b[nb] == '\0' || b[nb] == '_');
}

/* Some ledgers have nothing of a file but its checksum. */
static bool
has_checksum(PgmImported *imported, const char *hash)
{
	char	   *quoted;

	if (hash == NULL)
		return false;
	quoted = psprintf("\"%s\"", hash);
	if (imported->checksums == NULL)
		imported->checksums = palloc0(sizeof(char *) *
									  Max(imported->nfiles, 1));
	for (int i = 0; i < imported->nfiles; i++)
	{
		const PgmFormatFile *file = &imported->files[i];

		if (imported->checksums[i] == NULL && file->data != NULL)
			imported->checksums[i] = pgm_checksums_json("", file->data,
														file->len);
		if (file->data != NULL &&
			strstr(imported->checksums[i], quoted) != NULL)
			return true;
	}
	return false;
}

/* Is a file of this revision here that holds something else? */
static bool
has_file(PgmImported *imported, const char *id, const char *upgrade,
		 const char *hash)
{
	const PgmFormatResult *result = imported->result;

	for (int i = 0; i < result->nrevisions; i++)
	{
		const PgmFormatRevision *file = &result->revisions[i];

		if (file->id == NULL ||
			pgm_content_same(file->upgrade.text, upgrade))
			continue;
		if (strcmp(file->id, id) == 0 || same_number(file->id, id))
			return true;
	}
	return has_checksum(imported, hash);
}

/* Those that leave, for a message. */
static char *
names_of(const PgmImported *imported)
{
	StringInfoData names;
	int			n = 0;

	initStringInfo(&names);
	for (int i = 0; i < imported->size; i++)
		if (imported->leaving[i])
			pgm_name_list_add(&names, ++n,
							  pgm_graph_id(imported->plan->graph, i));
	return names.data;
}

static void
refuse(const PgmImported *imported, const char *reason, const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("files are of revisions that were imported from a ledger"),
			errdetail("Adopting it made %s, without SQL; %s.",
					  names_of(imported), reason),
			errhint("%s", hint));
}

/* Find them, and those that there are files of.  False if there are none. */
static bool
find_imported(PgmImported *imported)
{
	PgmSpiScope scope;
	uint64		rows;
	bool		any = false;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&imported_query, NULL, NULL);
	imported->ids = MemoryContextAllocHuge(scope.outer,
										   sizeof(char *) * Max(rows, 1));
	imported->has_file = MemoryContextAllocHuge(scope.outer,
												sizeof(bool) * Max(rows, 1));
	for (uint64 row = 1; row <= rows; row++)
	{
		char	   *id = pgm_spi_text(row, 1);
		bool		found = has_file(imported, id, pgm_spi_text(row, 2),
									 pgm_spi_text(row, 4));
		char	   *tool;

		CHECK_FOR_INTERRUPTS();
		imported->ids[imported->n] = MemoryContextStrdup(scope.outer, id);
		imported->has_file[imported->n++] = found;
		any |= found;
		if (!found)
			continue;
		tool = pgm_spi_text(row, 3);
		if (imported->tool == NULL)
			imported->tool = MemoryContextStrdup(scope.outer, tool);
		else if (strcmp(imported->tool, tool) != 0)
			imported->several_tools = true;
	}
	pgm_spi_end(&scope);
	return any;
}

static void
load_graph(PgmImported *imported)
{
	imported->plan = pgm_plan_load();
	imported->size = pgm_graph_size(imported->plan->graph);
	imported->imported = palloc0(sizeof(bool) * imported->size);
	imported->leaving = palloc0(sizeof(bool) * imported->size);
	for (int i = 0; i < imported->n; i++)
	{
		int			revision = pgm_graph_find(imported->plan->graph,
											  imported->ids[i]);

		imported->imported[revision] = true;
		imported->leaving[revision] = imported->has_file[i];
	}
}

/* Does it stand on one that leaves? */
static bool
stands_on_leaving(const PgmImported *imported, int revision)
{
	const PgmGraph *graph = imported->plan->graph;
	PgmRevSet	sets[2];

	sets[0] = pgm_graph_parents(graph, revision);
	sets[1] = pgm_graph_depends(graph, revision);
	for (int s = 0; s < lengthof(sets); s++)
		for (int i = 0; i < sets[s].n; i++)
			if (imported->leaving[sets[s].rev[i]])
				return true;
	return false;
}

static const char *
hint_to_load(const PgmImported *imported)
{
	const char *only = "files of what stands on them";

	if (strcmp(imported->tool, "alembic") == 0)
		only = "what \"alembic upgrade HEAD:new --sql\" renders, from these on";
	return psprintf("Load only %s; or record with pgmigrate.stamp() that what stands on them is not applied, remove that, load all, and stamp what is in effect.",
					only);
}

/* Imported ones that stand on them leave too, and are imported again. */
static void
mark_above(PgmImported *imported)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < imported->size; i++)
		{
			if (imported->leaving[i] || !stands_on_leaving(imported, i))
				continue;
			if (!imported->imported[i])
				refuse(imported,
					   psprintf("revision \"%s\" stands on that",
								pgm_graph_id(imported->plan->graph, i)),
					   hint_to_load(imported));
			imported->leaving[i] = changed = true;
		}
	}
}

static void
check_caller(const PgmImported *imported)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		may;

	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	pgm_spi_execute(&may_adopt_query, values, NULL);
	may = pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	if (!may)
		refuse(imported, "the files can take their place only if the ledger is adopted again",
			   "Let somebody load them who may call pgmigrate.adopt().");
}

static void
find_ledger(PgmImported *imported)
{
	PgmSpiScope scope;
	PgmMirror  *mirrors;
	Datum		values[1];
	int			n;

	values[0] = pgm_text_datum(imported->tool);
	pgm_spi_begin(&scope);
	mirrors = pgm_mirror_list(&scope, &n);
	if (pgm_spi_execute(&adopted_query, values, NULL) > 0 &&
		!pgm_spi_isnull(1, 1))
		imported->relation = (Oid) pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	for (int i = 0; i < n; i++)
	{
		if (strcmp(mirrors[i].tool, imported->tool) != 0 ||
			mirrors[i].broken != NULL)
			continue;
		imported->relation = mirrors[i].relation;
		imported->mirror = true;
		/* what is stamped now is nothing that its tool did */
		pgm_mirror_end(mirrors[i].ledger);
	}
}

/* Record that they are not applied. */
static void
unstamp(PgmImported *imported)
{
	const PgmGraph *graph = imported->plan->graph;
	PgmRunRequest request = {0};
	StringInfoData target;
	bool	   *applied = pgm_graph_applied(graph, imported->plan->rows);
	bool	   *below = palloc0(sizeof(bool) * imported->size);

	for (int i = 0; i < imported->size; i++)
	{
		imported->applied |= applied[i] && imported->leaving[i];
		applied[i] &= !imported->leaving[i];
	}
	if (!imported->applied)
		return;
	for (int i = 0; i < imported->size; i++)
	{
		PgmRevSet	parents = pgm_graph_parents(graph, i);

		for (int j = 0; applied[i] && j < parents.n; j++)
			below[parents.rev[j]] = true;
	}
	initStringInfo(&target);
	for (int i = 0; i < imported->size; i++)
		if (applied[i] && !below[i])
			appendStringInfo(&target, "%s%s", target.len > 0 ? "," : "",
							 pgm_graph_id(graph, i));
	if (target.len == 0)
		appendStringInfoString(&target, "base");
	request.target = target.data;
	request.direction = PGM_STAMP;
	request.session_role = GetSessionUserId();
	request.guard = GetSessionUserId() != GetUserId();
	(void) pgm_runner_stamp(&request, false);
}

/* From the top down: seq grows with what stands on it. */
static void
remove_all(const PgmImported *imported)
{
	int			left = imported->size;

	while (left > 0)
	{
		int			top = -1;

		for (int i = 0; i < imported->size; i++)
			if (imported->leaving[i] &&
				(top < 0 ||
				 imported->plan->seqs[i] > imported->plan->seqs[top]))
				top = i;
		if (top < 0)
			break;
		(void) pgm_author_remove(pgm_graph_id(imported->plan->graph, top));
		imported->leaving[top] = false;
		left--;
	}
}

PgmImported *
pgm_imported_give_way(const PgmFormatResult *result, int nfiles,
					  const PgmFormatFile *files)
{
	PgmImported *imported = palloc0(sizeof(PgmImported));
	char	   *names;

	imported->result = result;
	imported->nfiles = nfiles;
	imported->files = files;
	if (!find_imported(imported))
		return NULL;
	load_graph(imported);
	if (imported->several_tools)
		refuse(imported, "they are of several tools",
			   "Load the files of each tool by themselves.");
	mark_above(imported);
	check_caller(imported);
	find_ledger(imported);
	names = names_of(imported);
	unstamp(imported);
	remove_all(imported);
	ereport(NOTICE,
			errmsg("files take the place of revisions that were imported from a ledger of %s",
				   imported->tool),
			errdetail("They are %s.", names));
	return imported->applied ? imported : NULL;
}

void
pgm_imported_adopt_again(const PgmImported *imported)
{
	int			nrows;

	if (imported != NULL)
		(void) pgm_adopt(imported->tool, imported->relation, NULL,
						 imported->mirror, NULL, &nrows);
}
