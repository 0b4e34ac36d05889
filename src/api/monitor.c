/*-------------------------------------------------------------------------
 *
 * monitor.c
 *	  SQL functions for monitoring systems, and reports for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/result_rows.h"
#include "monitor/metrics.h"

PG_FUNCTION_INFO_V1(pgmigrate_metrics_text);
PG_FUNCTION_INFO_V1(pgmigrate_metrics_read);

Datum
pgmigrate_metrics_text(PG_FUNCTION_ARGS)
{
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	pgm_metrics_text(pgm_rows_line, &rows);
	return (Datum) 0;
}

Datum
pgmigrate_metrics_read(PG_FUNCTION_ARGS)
{
	TimestampTz time = pgm_metrics_read();

	if (time == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(time);
}
