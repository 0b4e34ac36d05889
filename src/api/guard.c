/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  SQL functions of watched queries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/result_rows.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "compat/server.h"
#include "gate/guard.h"
#include "gate/top_statements.h"

PG_FUNCTION_INFO_V1(pgmigrate_regressions);
PG_FUNCTION_INFO_V1(pgmigrate_unwatch);
PG_FUNCTION_INFO_V1(pgmigrate_watch);

static PgmQuery newest_query = {
	"SELECT coalesce(max(id), 0) FROM pgmigrate.run"
};

static PgmQuery regressions_query = {
	"SELECT r.run, r.revision, r.name, r.state, r.cost_before, r.cost_after, "
	"round((r.cost_after / nullif(r.cost_before, 0))::numeric, 1)::float8, "
	"r.cause, r.proposal, jsonb_build_object('before', r.plan_before, "
	"'after', r.plan_after) FROM pgmigrate.regression r "
	"WHERE r.run = $1 ORDER BY r.step, r.name",
	1, {INT8OID}
};

Datum
pgmigrate_watch(PG_FUNCTION_ARGS)
{
	char	   *name = pgm_arg_text_not_null(fcinfo, 0, "name");
	char	   *query = pgm_arg_text_not_null(fcinfo, 1, "query");
	Datum	   *elements = NULL;
	bool	   *nulls = NULL;
	int			n = 0;
	char	  **texts;

	if (!PG_ARGISNULL(2))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false,
						  TYPALIGN_INT, &elements, &nulls, &n);
	texts = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		texts[i] = nulls[i] ? NULL : TextDatumGetCString(elements[i]);
	PG_RETURN_FLOAT8(pgm_guard_watch(name, query, n, texts));
}

Datum
pgmigrate_unwatch(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pgm_guard_unwatch(pgm_arg_text_not_null(fcinfo, 0,
														   "name")));
}

typedef struct Measured
{
	PgmRows    *rows;
	char	   *sql;
	int64		run;
} Measured;

static void
add_measured(void *arg)
{
	Measured   *measured = arg;
	PgmSpiScope scope;
	char	   *args[1];

	args[0] = psprintf(INT64_FORMAT, measured->run);
	pgm_spi_begin(&scope);
	pgm_spi_execute_built(measured->sql, true, 1, args);
	pgm_spi_store(measured->rows->store, measured->rows->tupdesc);
	pgm_spi_end(&scope);
}

Datum
pgmigrate_regressions(PG_FUNCTION_ARGS)
{
	PgmSpiScope scope;
	PgmRows		rows;
	Datum		values[1];
	Measured	measured = {&rows};
	ErrorData  *error;

	measured.run = PG_ARGISNULL(0) ?
		pgm_spi_one_int64(&newest_query, NULL, NULL) : PG_GETARG_INT64(0);
	values[0] = Int64GetDatum(measured.run);
	pgm_rows_begin(&rows, fcinfo);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&regressions_query, values, NULL);
	pgm_spi_store(rows.store, rows.tupdesc);
	pgm_spi_end(&scope);

	/* the library that counts may not be loaded */
	measured.sql = pgm_top_statements_slower(pgm_guard_factor);
	if (measured.sql != NULL)
		(void) pgm_spi_try(add_measured, &measured, &error);
	return (Datum) 0;
}
