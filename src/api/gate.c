/*-------------------------------------------------------------------------
 *
 * gate.c
 *	  SQL functions of the launch checklist.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "base/result_rows.h"
#include "gate/announcement.h"
#include "gate/checklist.h"

PG_FUNCTION_INFO_V1(pgmigrate_checklist);
PG_FUNCTION_INFO_V1(pgmigrate_announce);
PG_FUNCTION_INFO_V1(pgmigrate_attest);
PG_FUNCTION_INFO_V1(pgmigrate_checklist_require);
PG_FUNCTION_INFO_V1(pgmigrate_scraped);

static void
add_time(PgmRows *rows, TimestampTz value)
{
	if (value == 0)
		pgm_rows_null(rows);
	else
		pgm_rows_datum(rows, TimestampTzGetDatum(value));
}

Datum
pgmigrate_checklist(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	PgmPlan    *plan = pgm_plan_make(PGM_UP, target);
	PgmRows		rows;
	ListCell   *lc;

	pgm_rows_begin(&rows, fcinfo);
	foreach(lc, pgm_checklist(plan, true))
	{
		const PgmChecklistItem *item = lfirst(lc);

		pgm_rows_text(&rows, item->item);
		pgm_rows_text(&rows, pgm_item_state_name(item->state));
		pgm_rows_text(&rows, item->detail);
		pgm_rows_text(&rows, item->attested_by);
		add_time(&rows, item->attested_at);
		add_time(&rows, item->valid_until);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

Datum
pgmigrate_attest(PG_FUNCTION_ARGS)
{
	char	   *item = pgm_arg_text_not_null(fcinfo, 0, "item");
	char	   *note = pgm_arg_text_not_null(fcinfo, 1, "note");
	char	   *target = pgm_arg_text_not_null(fcinfo, 3, "target");
	Datum		until;

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "valid_for"));
	until = DirectFunctionCall2(timestamptz_pl_interval,
								TimestampTzGetDatum(GetCurrentTimestamp()),
								PG_GETARG_DATUM(2));
	pgm_attest(item, note, DatumGetTimestampTz(until),
			   pgm_plan_make(PGM_UP, target));
	PG_RETURN_VOID();
}

Datum
pgmigrate_announce(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");

	PG_RETURN_INT64(pgm_announce(target, pgm_arg_text(fcinfo, 1),
								 pgm_plan_make(PGM_UP, target)));
}

Datum
pgmigrate_checklist_require(PG_FUNCTION_ARGS)
{
	pgm_checklist_require(pgm_arg_text_not_null(fcinfo, 0, "item"),
						  pgm_arg_text(fcinfo, 1));
	PG_RETURN_VOID();
}

Datum
pgmigrate_scraped(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pgm_scrape_record());
}
