/*-------------------------------------------------------------------------
 *
 * index_proposal.c
 *	  An index that would make a watched query as fast as before.
 *
 * Columns by which the plan filters or joins, of tables that it reads from
 * end to end, are tried one by one as hypothetical indexes of HypoPG; proposed
 * is the one with the best plan.  Only plain columns: an expression would be
 * evaluated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/spi.h"
#include "gate/index_proposal.h"

/* Columns that are tried. */
#define PGM_PROPOSAL_TRIES 16

static PgmQuery candidates_query = {
	"WITH q AS (SELECT string_agg(v #>> '{}', ' ') AS text FROM unnest("
	"ARRAY['Filter', 'Hash Cond', 'Merge Cond', 'Join Filter', "
	"'Recheck Cond']) AS p, "
	"jsonb_path_query($1, format('$.**.%s', to_json(p))::jsonpath) AS v), "
	"t AS (SELECT to_regclass(format('%I.%I', n ->> 'Schema', "
	"n ->> 'Relation Name')) AS rel, max((n ->> 'Total Cost')::float8) AS cost "
	"FROM jsonb_path_query($1, "
	"'$.** ? (@.\"Node Type\" == \"Seq Scan\")') AS n GROUP BY 1) "
	"SELECT format('ON %s (%I)', t.rel, a.attname) "
	"FROM t, q, pg_attribute a WHERE a.attrelid = t.rel AND a.attnum > 0 "
	"AND NOT a.attisdropped "
	"AND strpos(q.text, quote_ident(a.attname)) > 0 "
	"ORDER BY t.cost DESC, a.attnum LIMIT $2",
	2, {JSONBOID, INT4OID}
};

typedef struct Trial
{
	const char *hypopg;
	const char *on;
	const PgmWatched *watched;
	double		cost;
} Trial;

static char **
find_candidates(const char *json, int *n)
{
	PgmSpiScope scope;
	Datum		values[2];
	char	  **found = palloc(sizeof(char *) * PGM_PROPOSAL_TRIES);

	values[0] = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	values[1] = Int32GetDatum(PGM_PROPOSAL_TRIES);
	pgm_spi_begin(&scope);
	*n = (int) pgm_spi_execute(&candidates_query, values, NULL);
	for (int i = 0; i < *n; i++)
		found[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	return found;
}

/* Hypothetical indexes are the session's: those of the user stay. */
static void
try_index(void *arg)
{
	Trial	   *trial = arg;
	PgmSpiScope scope;
	PgmWatchedPlan plan;
	char	   *args[1];

	pgm_spi_begin(&scope);
	args[0] = psprintf("CREATE INDEX %s", trial->on);
	pgm_spi_execute_built(psprintf("SELECT h.indexrelid::text "
								   "FROM %s.hypopg_create_index($1) AS h",
								   trial->hypopg),
						  false, 1, args);
	args[0] = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	pgm_watched_explain(trial->watched, &plan);
	if (plan.json != NULL)
		trial->cost = plan.cost;
	pgm_spi_begin(&scope);
	pgm_spi_execute_built(psprintf("SELECT %s.hypopg_drop_index($1::oid)",
								   trial->hypopg),
						  false, 1, args);
	pgm_spi_end(&scope);
}

char *
pgm_index_proposal(const PgmWatched *watched, const PgmWatchedPlan *plan)
{
	Trial		trial = {pgm_extension_schema("hypopg"), NULL, watched, 0};
	const char *best = NULL;
	double		cost = plan->cost / 2;
	char	  **candidates;
	int			n;

	if (trial.hypopg == NULL)
		return NULL;
	candidates = find_candidates(plan->json, &n);
	for (int i = 0; i < n; i++)
	{
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		trial.on = candidates[i];
		trial.cost = plan->cost;
		if (pgm_spi_try(try_index, &trial, &error) && trial.cost < cost)
		{
			best = trial.on;
			cost = trial.cost;
		}
	}
	if (best == NULL)
		return NULL;
	return psprintf("CREATE INDEX CONCURRENTLY %s /* HypoPG: cost %.0f instead of %.0f */",
					best, cost, plan->cost);
}
