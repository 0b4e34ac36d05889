/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  SQL functions that prove what is in the tables.
 *
 * They work on a standby.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/result_rows.h"
#include "base/spi.h"
#include "compare/bound.h"
#include "compare/compare.h"
#include "run/verify.h"

PG_FUNCTION_INFO_V1(pgmigrate_compare);
PG_FUNCTION_INFO_V1(pgmigrate_compare_range);
PG_FUNCTION_INFO_V1(pgmigrate_verify);

static Oid
relation_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
	return PG_GETARG_OID(n);
}

/* The share of rows that differ, or what the sample says of it at most. */
static double
share_bound(const PgmCompareResult *result, double share)
{
	if (share < 1)
		return pgm_sample_bound(result->rows, result->differences);
	if (result->rows == 0)
		return 0;
	return (double) result->differences / (double) result->rows;
}

Datum
pgmigrate_compare(PG_FUNCTION_ARGS)
{
	Oid			a = relation_argument(fcinfo, 0, "a");
	Oid			b = relation_argument(fcinfo, 1, "b");
	Jsonb	   *mapping = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	double		share = PG_ARGISNULL(3) ? 1 : PG_GETARG_FLOAT8(3);
	int64		start = pgm_clock_monotonic();
	PgmComparison *comparison;
	PgmCompareResult result;
	PgmRows		rows;
	Interval   *duration = palloc0(sizeof(Interval));

	if (isnan(share) || share <= 0 || share > 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("sample must be a share of the rows, above 0 and at most 1"));
	pgm_rows_begin(&rows, fcinfo);
	comparison = pgm_compare_prepare(a, b, mapping);
	pgm_compare_run(comparison, NULL, share, &result);
	pgm_rows_datum(&rows, Int64GetDatum(result.rows));
	pgm_rows_datum(&rows, Int64GetDatum(result.differences));
	pgm_rows_datum(&rows, Float8GetDatum(share_bound(&result, share)));
	if (result.examples == NULL)
		pgm_rows_null(&rows);
	else
		pgm_rows_datum(&rows, JsonbPGetDatum(result.examples));
	pgm_rows_text(&rows, pgm_compare_method(comparison, share));
	duration->time = pgm_clock_monotonic() - start;
	pgm_rows_datum(&rows, IntervalPGetDatum(duration));
	pgm_rows_end_row(&rows);
	return (Datum) 0;
}

/*
 * Rows, differences and, unless they are one relation, what only b has, of
 * pages of both.  The install script does not have it: online changes compare
 * by ranges, and so do their tests.
 */
Datum
pgmigrate_compare_range(PG_FUNCTION_ARGS)
{
	Oid			a = relation_argument(fcinfo, 0, "a");
	Oid			b = relation_argument(fcinfo, 1, "b");
	Jsonb	   *mapping = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	PgmCompareRange range;
	PgmComparison *comparison;
	PgmCompareResult result;
	Datum		counts[3];

	range.first = (BlockNumber) PG_GETARG_INT64(3);
	range.end = (BlockNumber) PG_GETARG_INT64(4);
	comparison = pgm_compare_prepare(a, b, mapping);
	pgm_compare_run(comparison, &range, 1, &result);
	counts[0] = Int64GetDatum(result.rows);
	counts[1] = Int64GetDatum(result.differences);
	counts[2] = Int64GetDatum(a == b ? 0 :
							  pgm_compare_only_b(comparison, &range));
	PG_RETURN_DATUM(pgm_array_datum(INT8OID, 3, counts));
}

static void
verify_row(const PgmVerification *verification, void *arg)
{
	PgmRows    *rows = arg;

	pgm_rows_text(rows, verification->revision);
	pgm_rows_text(rows, verification->source);
	pgm_rows_int(rows, verification->statement);
	pgm_rows_bool(rows, verification->detail == NULL);
	pgm_rows_text(rows, verification->detail);
	pgm_rows_end_row(rows);
}

Datum
pgmigrate_verify(PG_FUNCTION_ARGS)
{
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	pgm_verify_applied(pgm_arg_text(fcinfo, 0), verify_row, &rows);
	return (Datum) 0;
}
