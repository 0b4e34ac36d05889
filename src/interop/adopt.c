/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  Take over what the ledger of another tool says.
 *
 * Adopting never changes the ledger.  Its rows become revisions, which are
 * then stamped as applied: match.c finds those that were loaded from
 * files, and import.c stores the others.  A ledger that is kept in step
 * is as we left it, so what it has no more was taken back by the other tool,
 * and is no longer recorded as applied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/name_list.h"
#include "base/spi.h"
#include "interop/adopt.h"
#include "interop/internal.h"
#include "run/runner.h"
#include "schema/fingerprint.h"
#include "store/journal.h"
#include "store/mirror.h"
#include "store/run_plan.h"

/* With or without a step: run by us, or stamped. */
static PgmQuery applied_query = {
	"SELECT revision, step IS NOT NULL FROM pgmigrate.applied"
};

/* What is known of the revisions, by their numbers in the graph. */
typedef struct Adoption
{
	const PgmForeignLedger *ledger;
	PgmPlan    *plan;
	int			size;
	bool	   *adopted;		/* the ledger has it */
	bool	   *below;			/* something that it has stands on it */
	bool	   *implied;		/* and it says so */
	bool	   *applied;		/* as we know */
	bool	   *ran;			/* by us */
	bool	   *gone;			/* the ledger had it when we left it */
} Adoption;

/* Of a table that may not be there. */
static char *
table_name(Oid relation)
{
	char	   *name = get_rel_name(relation);
	char	   *schema = name == NULL ? NULL :
		get_namespace_name(get_rel_namespace(relation));

	if (schema == NULL)
		return psprintf("with OID %u", relation);
	return quote_qualified_identifier(schema, name);
}

static PgmForeignLedger *
find_the_ledger(const char *tool, Oid relation, const char *for_schema)
{
	int			n;
	PgmForeignLedger *ledgers = pgm_adopt_candidates(relation, tool, &n);

	if (for_schema != NULL)
		n = pgm_adopt_of_schema(tool, for_schema, n, ledgers);
	if (n == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				OidIsValid(relation) ?
				errmsg("table %s is not a ledger of %s",
					   table_name(relation), tool) :
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
	if (!ledger->readable)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot read ledger %s", ledger->name),
				errdetail("The reason is: %s.", ledger->detail));
	if (!ledger->clean)
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
read_versions(PgmForeignLedger *ledger, int *n)
{
	PgmSpiScope scope;
	PgmAdoptRow *rows;
	int			checksum;
	int			parents;
	int			depends;
	int			upgrade;

	pgm_spi_begin_as(&scope, ledger->owner);
	*n = (int) pgm_adopt_query_versions(ledger);
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
		if (row->version == NULL)
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("ledger %s has a row without a version",
						   ledger->name));
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

/* The marked revisions, for a message; NULL if there are none. */
static char *
list_marked(const Adoption *adoption, const bool *marked)
{
	StringInfoData names;
	int			n = 0;

	initStringInfo(&names);
	for (int i = 0; i < adoption->size; i++)
		if (marked[i])
			pgm_name_list_add(&names, ++n,
							  pgm_graph_id(adoption->plan->graph, i));
	return n > 0 ? names.data : NULL;
}

static bool *
no_marks(const Adoption *adoption)
{
	return palloc0(sizeof(bool) * Max(adoption->size, 1));
}

/*
 * A stamp takes all that is below as applied.  Refuse if the ledger does not
 * say so; merges do nothing and are in no ledger.
 */
static void
refuse_holes(const Adoption *adoption)
{
	bool	   *holes = no_marks(adoption);
	char	   *names;

	for (int i = 0; i < adoption->size; i++)
		holes[i] = adoption->below[i] && !adoption->adopted[i] &&
			!adoption->implied[i] &&
			pgm_graph_parents(adoption->plan->graph, i).n <= 1;
	names = list_marked(adoption, holes);
	if (names != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s does not have all that is below what it has",
					   adoption->ledger->name),
				errdetail("It lacks %s.", names),
				errhint("Apply them with %s first, or remove them and load their files again: they then come last.",
						adoption->ledger->tool->name));
}

/*
 * What we have above it: what was only recorded was recorded by adopting it,
 * and is not there any more.  What we ran ourselves the ledger cannot know,
 * but a tool that goes on with it would run it again.
 */
static void
tell_lacking(const Adoption *adoption, bool mirror)
{
	bool	   *recorded = no_marks(adoption);
	bool	   *ran = no_marks(adoption);
	bool	   *above = pgm_graph_above(adoption->plan->graph,
										adoption->adopted);
	char	   *names;

	for (int i = 0; i < adoption->size; i++)
	{
		if (!adoption->applied[i] || adoption->adopted[i] ||
			adoption->below[i] || adoption->gone[i] ||
			pgm_graph_parents(adoption->plan->graph, i).n > 1 ||
			!pgm_mirror_can_hold(adoption->ledger->tool,
								 pgm_graph_id(adoption->plan->graph, i)) ||
			!above[i])
			continue;
		if (adoption->ran[i])
			ran[i] = true;
		else
			recorded[i] = true;
	}
	if (!mirror && (names = list_marked(adoption, recorded)) != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s does not have all that is recorded as applied",
					   adoption->ledger->name),
				errdetail("It lacks %s.", names),
				errhint("If %s took them back, record that with pgmigrate.stamp(); if they are in effect, record them in the ledger.",
						adoption->ledger->tool->name));
	for (int i = 0; i < adoption->size; i++)
		ran[i] |= recorded[i];
	if (mirror && (names = list_marked(adoption, ran)) != NULL)
		ereport(WARNING,
				errcode(ERRCODE_WARNING),
				errmsg("ledger %s does not have all that is recorded as applied",
					   adoption->ledger->name),
				errdetail("It lacks %s, which %s would run again.", names,
						  adoption->ledger->tool->name));
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

/* A migration of Flyway that runs again whenever its text changes? */
static bool
is_repeatable(const Adoption *adoption, const PgmAdoptRow *row)
{
	return strcmp(adoption->ledger->tool->name, "flyway") == 0 &&
		strncmp(row->version, "R__", 3) == 0;
}

/*
 * Repeatable migrations stand above all versions, so one that has run stands
 * above the versions that are new.  It can run again after them.
 */
static void
skip_repeatable(const Adoption *adoption, int n, PgmAdoptRow *rows)
{
	const PgmGraph *graph = adoption->plan->graph;
	bool	   *adopted = no_marks(adoption);
	StringInfoData names;
	int			nskipped = 0;

	initStringInfo(&names);
	for (int i = 0; i < n; i++)
		if (rows[i].revision != NULL)
			adopted[pgm_graph_find(graph, rows[i].revision)] = true;
	for (int i = 0; i < n; i++)
	{
		bool	   *below = no_marks(adoption);
		bool		missing = false;

		if (rows[i].revision == NULL || !is_repeatable(adoption, &rows[i]))
			continue;
		mark_below(graph, pgm_graph_find(graph, rows[i].revision), below);
		for (int j = 0; j < adoption->size; j++)
			missing |= below[j] && !adopted[j] &&
				pgm_graph_parents(graph, j).n <= 1;
		if (!missing)
			continue;
		rows[i].action = "skipped";
		pgm_name_list_add(&names, ++nskipped, rows[i].revision);
	}
	if (nskipped > 0)
		ereport(NOTICE,
				errmsg("repeatable migrations will run again, after versions that ledger %s does not have",
					   adoption->ledger->name),
				errdetail("They are %s.", names.data));
}

static void
mark_rows(Adoption *adoption, int n, PgmAdoptRow *rows)
{
	const PgmGraph *graph = adoption->plan->graph;

	skip_repeatable(adoption, n, rows);
	for (int i = 0; i < n; i++)
	{
		int			revision;

		if (rows[i].revision == NULL || strcmp(rows[i].action, "skipped") == 0)
			continue;
		revision = pgm_graph_find(graph, rows[i].revision);
		adoption->adopted[revision] = true;
		mark_below(graph, revision, adoption->below);
		if (rows[i].implies)
			mark_below(graph, revision, adoption->implied);
	}
}

static void
mark_applied(Adoption *adoption)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&applied_query, NULL, NULL);
	for (uint64 row = 1; row <= rows; row++)
	{
		int			revision = pgm_graph_find(adoption->plan->graph,
											  pgm_spi_text(row, 1));

		if (revision >= 0)
			adoption->ran[revision] = pgm_spi_bool(row, 2);
	}
	pgm_spi_end(&scope);
}

/* Does the ledger say that a revision is in effect? */
static bool
is_in_ledger(const Adoption *adoption, int revision)
{
	return adoption->adopted[revision] || adoption->below[revision];
}

/*
 * Of a ledger that was kept in step: what it had when it was left, and has no
 * more.  Where it has only the newest ones, what is between them too.
 */
static void
mark_gone(Adoption *adoption, const PgmMirror *mirror)
{
	const PgmGraph *graph = adoption->plan->graph;

	for (int i = 0; i < adoption->size; i++)
	{
		char	   *key = pgm_mirror_key(pgm_graph_id(graph, i));

		for (int j = 0; j < mirror->nseen; j++)
			if (strcmp(mirror->seen[j], key) == 0)
				adoption->gone[i] = adoption->applied[i];
	}
	if (adoption->ledger->tool->mirror != PGM_MIRROR_SET)
	{
		bool	   *between = no_marks(adoption);

		for (int i = 0; i < adoption->size; i++)
			if (adoption->gone[i])
				mark_below(graph, i, between);
		for (int i = 0; i < adoption->size; i++)
			adoption->gone[i] |= between[i] && adoption->applied[i];
	}
	for (int i = 0; i < adoption->size; i++)
		adoption->gone[i] &= !is_in_ledger(adoption, i);
}

/* What stays applied stands on nothing that is gone. */
static void
refuse_standing_on_gone(const Adoption *adoption, const bool *keep)
{
	bool	   *needed = no_marks(adoption);
	bool	   *missing = no_marks(adoption);
	char	   *names;

	for (int i = 0; i < adoption->size; i++)
		if (keep[i])
			mark_below(adoption->plan->graph, i, needed);
	for (int i = 0; i < adoption->size; i++)
		missing[i] = needed[i] && adoption->gone[i];
	names = list_marked(adoption, missing);
	if (names != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s no longer has what other applied revisions stand on",
					   adoption->ledger->name),
				errdetail("It no longer has %s.", names),
				errhint("Downgrade what stands on them, or apply them with %s again.",
						adoption->ledger->tool->name));
}

/* The heads of what is to be recorded as applied; "base" for nothing. */
static char *
target_of(const Adoption *adoption, bool any_gone, bool *needed)
{
	const PgmGraph *graph = adoption->plan->graph;
	bool	   *keep = no_marks(adoption);
	bool	   *below = no_marks(adoption);
	StringInfoData target;

	for (int i = 0; i < adoption->size; i++)
		keep[i] = adoption->adopted[i] ||
			(any_gone && adoption->applied[i] && !adoption->gone[i]);
	if (any_gone)
		refuse_standing_on_gone(adoption, keep);
	for (int i = 0; i < adoption->size; i++)
		if (keep[i] && !below[i])
			mark_below(graph, i, below);

	initStringInfo(&target);
	*needed = any_gone;
	for (int i = 0; i < adoption->size; i++)
	{
		if (!keep[i] || below[i])
			continue;
		appendStringInfo(&target, "%s%s", target.len > 0 ? "," : "",
						 pgm_graph_id(graph, i));
		*needed |= !adoption->applied[i];
	}
	if (target.len == 0)
		appendStringInfoString(&target, "base");
	return target.data;
}

/* A stamp leaves alone what has nothing to do with its target. */
static void
check_gone(const Adoption *adoption, const char *names)
{
	PgmPlan    *plan = pgm_plan_load();
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);

	for (int i = 0; i < adoption->size; i++)
		if (adoption->gone[i] && applied[i])
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("ledger %s does not have all that is recorded as applied",
						   adoption->ledger->name),
					errdetail("It lacks %s.", names),
					errhint("Load the files of what %s has applied since; if it took them back, record that with pgmigrate.stamp().",
							adoption->ledger->tool->name));
	ereport(NOTICE,
			errmsg("revisions are no longer recorded as applied, as ledger %s does not have them any more",
				   adoption->ledger->name),
			errdetail("They are %s.", names));
}

/* Make the current heads those of the rows. */
static void
stamp(const PgmForeignLedger *ledger, int n, PgmAdoptRow *rows,
	  const PgmMirror *before, bool mirror, bool for_schema)
{
	Adoption	adoption = {ledger, pgm_plan_load()};
	PgmRunRequest request = {0};
	bool		needed = false;
	char	   *gone;

	adoption.size = pgm_graph_size(adoption.plan->graph);
	adoption.adopted = no_marks(&adoption);
	adoption.below = no_marks(&adoption);
	adoption.implied = no_marks(&adoption);
	adoption.ran = no_marks(&adoption);
	adoption.gone = no_marks(&adoption);
	adoption.applied = pgm_graph_applied(adoption.plan->graph,
										 adoption.plan->rows);
	mark_rows(&adoption, n, rows);
	refuse_holes(&adoption);
	mark_applied(&adoption);
	if (before != NULL)
		mark_gone(&adoption, before);
	tell_lacking(&adoption, mirror);

	gone = list_marked(&adoption, adoption.gone);
	request.target = target_of(&adoption, gone != NULL, &needed);
	if (!needed)
		return;
	request.direction = PGM_STAMP;
	request.for_schemas = for_schema;
	request.session_role = GetSessionUserId();
	request.guard = GetSessionUserId() != GetUserId();
	note_baseline(ledger, pgm_runner_stamp(&request, false));
	if (gone != NULL)
		check_gone(&adoption, gone);
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

static void
give_up(const PgmMirror *mirror, const char *reason)
{
	pgm_mirror_end(mirror->ledger);
	ereport(NOTICE,
			errmsg("table %s is no longer kept in step, and was not adopted",
				   mirror->ledger),
			errdetail("The reason is: %s%s", reason,
					  reason[0] != '\0' && reason[strlen(reason) - 1] == '.' ? "" : "."));
}

/*
 * To end a mirroring takes no ledger that can be read: it may be gone, swapped
 * or locked for good.  True if that is all there is to do.
 */
static bool
end_mirroring(const char *tool, Oid relation, const PgmMirror *mirror)
{
	PgmForeignLedger *ledger;
	int			n;
	const char *reason = mirror->broken;

	if (reason == NULL &&
		(!OidIsValid(relation) || mirror->relation != relation))
		reason = "it was dropped, renamed or replaced";
	if (reason == NULL)
	{
		ledger = pgm_adopt_candidates(relation, tool, &n);
		if (n != 1 || !pgm_adopt_try_look(ledger, false, AccessShareLock))
			reason = "it is no ledger of that tool any more";
		else if (!ledger->clean)
			reason = ledger->detail ? ledger->detail : ledger->state;
	}
	if (reason == NULL)
		return false;
	give_up(mirror, reason);
	return true;
}

/*
 * A ledger that does not follow lacks what we run from now on, and its tool
 * goes by it.
 */
static void
tell_next_run(const PgmForeignLedger *ledger)
{
	if (ledger->tool->mirror == PGM_MIRROR_NONE)
		ereport(NOTICE,
				errmsg("ledger %s cannot be kept in step", ledger->name),
				errdetail("The next run of %s would do again what pgmigrate does from now on.",
						  ledger->tool->name),
				errhint("Do not run it in this database any more."));
}

/* The row of what is kept in step by this table, or by this name. */
static PgmMirror *
find_mirror(const char *tool, Oid relation, const char *name)
{
	PgmMirror  *mirror = NULL;
	RangeVar   *var;
	List	   *parts;

	if (OidIsValid(relation))
		mirror = pgm_mirror_find(relation, NULL);
	if (mirror == NULL && name != NULL)
	{
		parts = textToQualifiedNameList(cstring_to_text(name));
		var = makeRangeVarFromNameList(parts);
		mirror = pgm_mirror_find(InvalidOid, var->schemaname ?
								 quote_qualified_identifier(var->schemaname,
															var->relname) :
								 psprintf(".%s",
										  quote_identifier(var->relname)));
	}
	if (mirror == NULL && OidIsValid(relation) && get_rel_name(relation))
		mirror = pgm_mirror_find(InvalidOid, table_name(relation));
	return mirror != NULL && strcmp(mirror->tool, tool) == 0 ? mirror : NULL;
}

static void
check_tool(const char *name)
{
	if (pgm_foreign_tool_by_name(name) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized migration tool \"%s\"", name),
				errhint("Column \"%s\" of %s has the names of the tools whose ledgers are here.",
						"tool", "pgmigrate.detect_ledgers()"));
}

/* Locked, read and in order. */
static PgmForeignLedger *
take_ledger(const char *tool, Oid relation, const char *for_schema,
			bool mirror)
{
	PgmForeignLedger *ledger = find_the_ledger(tool, relation, for_schema);

	if (mirror && ledger->tool->mirror == PGM_MIRROR_NONE)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot keep a ledger of %s in step", tool));
	if (mirror && ledger->denied == NULL)
		pgm_mirror_check(ledger->relation, ledger->name);
	if (!pgm_adopt_look(ledger, !OidIsValid(relation), mirror ?
						ShareRowExclusiveLock : AccessShareLock, true))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table %s is not a ledger of %s any more",
					   ledger->name, tool));
	refuse_unclean(ledger);
	if (mirror)
		pgm_mirror_check(ledger->relation, ledger->name);
	return ledger;
}

typedef struct AdoptCall
{
	const char *tool;
	Oid			relation;
	bool		mirror;
	const char *for_schema;		/* or NULL */
	PgmMirror  *before;			/* what is kept in step, or NULL */
	PgmAdoptRow *rows;
	int			nrows;
} AdoptCall;

static void
adopt(void *arg)
{
	AdoptCall  *call = arg;
	PgmMirror  *before = call->before;
	PgmForeignLedger *ledger = take_ledger(call->tool, call->relation,
										   call->for_schema, call->mirror);
	PgmAdoptRow *rows;
	int			nrows;

	/* what was left in another table says nothing about this one */
	if (before == NULL)
		before = pgm_mirror_find(ledger->relation, NULL);
	if (before != NULL && (before->broken != NULL ||
						   before->relation != ledger->relation))
		before = NULL;

	pgm_revision_lock_store();
	rows = read_versions(ledger, &nrows);

	/* from here on the table is as we know it */
	if (call->mirror)
		pgm_mirror_begin(ledger->tool, ledger->relation);
	else
		pgm_mirror_end(ledger->name);
	if (nrows == 0)
		ereport(NOTICE,
				errmsg("ledger %s is empty", ledger->name));
	if (nrows > 0 || before != NULL)
	{
		PgmPlan    *plan = pgm_plan_load();

		pgm_adopt_match(ledger, plan->graph, nrows, rows);
		if (nrows > 0 && call->for_schema == NULL)
			warn_of_strangers(ledger, plan, nrows, rows);
		if (call->for_schema != NULL)
			pgm_adopt_make_branch(ledger, call->for_schema, nrows, rows);
		else
			pgm_adopt_import(ledger, nrows, rows);
		stamp(ledger, nrows, rows, before, call->mirror,
			  call->for_schema != NULL);
	}
	tell_next_run(ledger);
	call->rows = rows;
	call->nrows = nrows;
}

PgmAdoptRow *
pgm_adopt(const char *tool, Oid relation, const char *name, bool mirror,
		  const char *for_schema, int *nrows)
{
	AdoptCall	call = {tool, relation, mirror, for_schema};
	PgmMirror  *before;
	ErrorData  *error;

	*nrows = 0;
	check_tool(tool);
	pgm_adopt_check_schema(for_schema, mirror);
	before = call.before = find_mirror(tool, relation, name);
	if (!mirror && for_schema == NULL && before != NULL &&
		end_mirroring(tool, relation, before))
		return NULL;
	if (name != NULL && !OidIsValid(relation))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table \"%s\" does not exist", name));

	/*
	 * Rows that its owner has put there must not keep the mirroring up; what
	 * is asked for a schema is refused, and ends none.
	 */
	if (mirror || for_schema != NULL || before == NULL)
		adopt(&call);
	else if (!pgm_spi_try(adopt, &call, &error))
	{
		give_up(before, error->detail == NULL ? error->message :
				psprintf("%s: %s", error->message, error->detail));
		return NULL;
	}
	*nrows = call.nrows;
	return call.rows;
}
