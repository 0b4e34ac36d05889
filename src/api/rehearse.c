/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  SQL function that rehearses revisions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/result_rows.h"
#include "exec/caller_snapshot.h"
#include "rehearse/rehearse.h"
#include "run/runner.h"
#include "scratch/scratch.h"

/* Rows of a table that are copied. */
#define MAX_SAMPLE 100000

PG_FUNCTION_INFO_V1(pgmigrate_rehearse);

static void
add_row(const PgmRehearsalRow *row, void *arg)
{
	PgmRows    *rows = arg;

	pgm_rows_int(rows, row->step);
	pgm_rows_text(rows, row->revision);
	pgm_rows_text(rows, row->direction);
	pgm_rows_text(rows, row->state);
	if (row->duration < 0)
		pgm_rows_null(rows);
	else
	{
		Interval   *duration = palloc0(sizeof(Interval));

		duration->time = row->duration;
		pgm_rows_datum(rows, IntervalPGetDatum(duration));
	}
	pgm_rows_text(rows, row->fingerprint);
	pgm_rows_bool(rows, row->ok);
	pgm_rows_text(rows, row->detail);
	pgm_rows_end_row(rows);
}

static void
check_role(void *arg)
{
	pgm_scratch_check_role();
}

Datum
pgmigrate_rehearse(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	int			sample = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	PgmRows		rows;

	if (!PG_ARGISNULL(1) && (sample < 1 || sample > MAX_SAMPLE))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("rows must be between 1 and %d", MAX_SAMPLE));
	pgm_rows_begin(&rows, fcinfo);
	pgm_runner_refuse_read_only();
	pgm_runner_refuse_nested();
	if (!IsUnderPostmaster)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot start a background worker in single-user mode"));
	if (!pgm_portal_is_sole_call(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot wait for a background worker here"),
				errdetail("The call is not a statement of its own outside of a transaction."),
				errhint("Call it as SELECT * FROM pgmigrate.rehearse() outside of BEGIN, functions and multi-statement queries."));
	pgm_caller_look(check_role, NULL);
	pgm_portal_release_snapshot();
	pgm_rehearse(target, sample, add_row, &rows);
	pgm_portal_restore_snapshot();
	return (Datum) 0;
}
