/*-------------------------------------------------------------------------
 *
 * fleet.c
 *	  SQL function that upgrades many databases, or many schemas of one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "api/execution.h"
#include "base/result_rows.h"
#include "base/spi.h"
#include "exec/caller_snapshot.h"
#include "fleet/fleet.h"
#include "run/runner.h"

PG_FUNCTION_INFO_V1(pgmigrate_fleet);

static int
number_argument(FunctionCallInfo fcinfo, int n, const char *name, int least)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", name));
	if (PG_GETARG_INT32(n) < least)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument \"%s\" must be at least %d", name, least));
	return PG_GETARG_INT32(n);
}

static char **
names_argument(FunctionCallInfo fcinfo, int n, const char *name, int *count)
{
	*count = 0;
	if (PG_ARGISNULL(n))
		return NULL;
	if (array_contains_nulls(PG_GETARG_ARRAYTYPE_P(n)))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not contain nulls", name));
	return pgm_text_array_values(PG_GETARG_DATUM(n), count);
}

static void
add_row(PgmRows *rows, const PgmFleetMember *member)
{
	pgm_rows_text(rows, member->database);
	pgm_rows_int(rows, member->wave);
	pgm_rows_text(rows, pgm_fleet_state_name(member->state));
	if (member->steps < 0)
		pgm_rows_null(rows);
	else
		pgm_rows_int(rows, member->steps);
	if (member->duration < 0)
		pgm_rows_null(rows);
	else
	{
		Interval   *duration = palloc0(sizeof(Interval));

		duration->time = member->duration;
		pgm_rows_datum(rows, IntervalPGetDatum(duration));
	}
	if (member->nheads < 0)
		pgm_rows_null(rows);
	else
		pgm_rows_text_array(rows, member->nheads, member->heads);
	pgm_rows_text(rows, member->error);
	pgm_rows_text(rows, member->schema);
	pgm_rows_end_row(rows);
}

Datum
pgmigrate_fleet(PG_FUNCTION_ARGS)
{
	PgmFleet	fleet = {0};
	PgmRows		rows;
	char	  **names;
	char	  **schemas;
	int			n;
	int			nschemas;

	fleet.target = pgm_arg_text_not_null(fcinfo, 0, "target");
	names = names_argument(fcinfo, 1, "databases", &n);
	fleet.at_once = number_argument(fcinfo, 2, "at_once", 1);
	fleet.canaries = number_argument(fcinfo, 3, "canary", 0);
	fleet.stop_on_failure = PG_ARGISNULL(4) || PG_GETARG_BOOL(4);
	fleet.allowance.rules = names_argument(fcinfo, 5, "allow",
										   &fleet.allowance.n);
	fleet.allowance.reason = pgm_arg_text(fcinfo, 6);
	schemas = names_argument(fcinfo, 7, "schemas", &nschemas);
	if (schemas != NULL)
	{
		if (names != NULL)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("databases and schemas cannot be given together"),
					errhint("Schemas are those of this database: call it in each database."));
		fleet.of_schemas = true;
		names = schemas;
		n = nschemas;
	}
	fleet.context = CurrentMemoryContext;
	pgm_allowance_check(&fleet.allowance);
	pgm_rows_begin(&rows, fcinfo);

	pgm_runner_refuse_read_only();
	pgm_runner_refuse_nested();
	pgm_require_worker(fcinfo, "* FROM pgmigrate.fleet()");
	pgm_portal_release_snapshot();
	pgm_fleet_run(&fleet, n, names);
	pgm_portal_restore_snapshot();
	for (int i = 0; i < fleet.n; i++)
		if (fleet.named || fleet.members[i].state != PGM_FLEET_ABSENT)
			add_row(&rows, &fleet.members[i]);
	return (Datum) 0;
}
