/*-------------------------------------------------------------------------
 *
 * report.c
 *	  SQL functions that write reports.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "api/access_levels.h"
#include "base/result_rows.h"
#include "monitor/report.h"
#include "store/run_plan.h"

PG_FUNCTION_INFO_V1(pgmigrate_report_target);
PG_FUNCTION_INFO_V1(pgmigrate_report_run);

Datum
pgmigrate_report_target(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	char	   *direction = pgm_arg_text_not_null(fcinfo, 1, "direction");
	char	   *format = pgm_arg_text_not_null(fcinfo, 2, "format");
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	pgm_report_target(target, pgm_direction_of_command(direction),
					  pgm_page_format(format), pgm_rows_line, &rows);
	return (Datum) 0;
}

Datum
pgmigrate_report_run(PG_FUNCTION_ARGS)
{
	char	   *format = pgm_arg_text_not_null(fcinfo, 1, "format");
	PgmRows		rows;
	int64		run;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "run"));
	run = PG_GETARG_INT64(0);
	pgm_rows_begin(&rows, fcinfo);
	if (!pgm_report_run(run, pgm_access_may_see_errors(),
						pgm_page_format(format), pgm_rows_line, &rows))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("run " INT64_FORMAT " does not exist", run),
				errhint("Table \"%s\" has the runs of this database.",
						"pgmigrate.run"));
	return (Datum) 0;
}
