/*-------------------------------------------------------------------------
 *
 * drifted.c
 *	  What was changed by hand on the relations that a run is about.
 *
 * Told from the names in its statements, of relations that are there and that
 * the last run has left: most runs make new ones only, and pay for no more
 * than that look.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "classify/classify.h"
#include "run/drifted.h"
#include "sql/relation_names.h"
#include "store/schema_record.h"

/* So many objects are named. */
#define PGM_DRIFT_NAMED 10

typedef struct Drifted
{
	MemoryContext context;		/* of the run; sources come and go */
	List	   *relids;			/* of the names in the statements */
	StringInfoData text;
	int			n;
} Drifted;

static bool
note_name(RangeVar *name, PgmNameRole role, void *arg)
{
	Drifted    *drifted = arg;
	Oid			relid = pgm_lookup_relation(name);
	MemoryContext old;

	if (relid < FirstNormalObjectId)
		return false;
	if (get_rel_relkind(relid) == RELKIND_INDEX ||
		get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	if (!OidIsValid(relid))
		return false;
	old = MemoryContextSwitchTo(drifted->context);
	drifted->relids = list_append_unique_oid(drifted->relids, relid);
	MemoryContextSwitchTo(old);
	return false;
}

static void
note_source(const PgmPlan *plan, int step, const PgmSource *source,
			void *arg)
{
	for (int i = 0; i < source->nstatements; i++)
		pgm_names_visit(source->statements[i].raw->stmt, note_name, arg);
}

static void
drift_row(char *const *values, void *arg)
{
	Drifted    *drifted = arg;

	if (drifted->n++ < PGM_DRIFT_NAMED)
		appendStringInfo(&drifted->text, "%s%s (%s)",
						 drifted->text.len > 0 ? ", " : "", values[0],
						 values[1]);
}

static void
look(void *arg)
{
	Drifted    *drifted = arg;
	char	  **relations;
	char	  **schemas;
	ListCell   *lc;
	int			n = 0;

	relations = palloc(sizeof(char *) * list_length(drifted->relids));
	schemas = palloc(sizeof(char *) * list_length(drifted->relids));
	foreach(lc, drifted->relids)
	{
		Oid			relid = lfirst_oid(lc);
		char	   *schema = get_namespace_name(get_rel_namespace(relid));
		char	   *name = get_rel_name(relid);

		if (schema == NULL || name == NULL)
			continue;
		schemas[n] = schema;
		relations[n++] = quote_qualified_identifier(schema, name);
	}
	pgm_schema_record_drift_on(n, schemas, relations, drift_row, drifted);
}

/* It does not keep the run from being tried. */
void
pgm_run_warn_drift(const PgmPlan *plan)
{
	Drifted		drifted = {CurrentMemoryContext};
	ErrorData  *error;

	pgm_plan_each_source(plan, note_source, &drifted);
	if (drifted.relids == NIL)
		return;
	initStringInfo(&drifted.text);
	if (!pgm_spi_try(look, &drifted, &error))
	{
		ereport(WARNING,
				errcode(error->sqlerrcode),
				errmsg("could not look for what was changed by hand: %s",
					   error->message));
		return;
	}
	if (drifted.n > PGM_DRIFT_NAMED)
		appendStringInfoString(&drifted.text, ", and more");
	if (drifted.n > 0)
		ereport(WARNING,
				errmsg_plural("%d object of the relations that this run is about was changed since the last run, not by a revision",
							  "%d objects of the relations that this run is about were changed since the last run, not by a revision",
							  drifted.n, drifted.n),
				errdetail_internal("%s", drifted.text.data),
				errhint("See pgmigrate.drift()."));
}
