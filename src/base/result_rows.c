/*-------------------------------------------------------------------------
 *
 * result_rows.c
 *	  Results of set-returning functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/result_rows.h"
#include "base/spi.h"
#include "compat/server.h"

void
pgm_rows_begin(PgmRows *rows, FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) ||
		(info->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("set-valued function called in context that cannot accept a set"));

	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	switch (get_call_result_type(fcinfo, NULL, &rows->tupdesc))
	{
		case TYPEFUNC_COMPOSITE:
			rows->tupdesc = CreateTupleDescCopy(rows->tupdesc);
			break;
		case TYPEFUNC_SCALAR:
			rows->tupdesc = CreateTupleDescCopy(info->expectedDesc);
			break;
		default:
			elog(ERROR, "return type must be a row type");
	}
	Assert(rows->tupdesc->natts <= PGM_ROWS_MAX_COLUMNS);
	rows->store = tuplestore_begin_heap((info->allowedModes &
										 SFRM_Materialize_Random) != 0,
										false, work_mem);
	rows->column = 0;
	info->returnMode = SFRM_Materialize;
	info->setResult = rows->store;
	info->setDesc = rows->tupdesc;
	MemoryContextSwitchTo(old);
}

void
pgm_rows_null(PgmRows *rows)
{
	rows->nulls[rows->column] = true;
	rows->values[rows->column++] = (Datum) 0;
}

void
pgm_rows_datum(PgmRows *rows, Datum value)
{
	Assert(rows->column < rows->tupdesc->natts);
	rows->nulls[rows->column] = false;
	rows->values[rows->column++] = value;
}

void
pgm_rows_text(PgmRows *rows, const char *text)
{
	if (text == NULL)
		pgm_rows_null(rows);
	else
		pgm_rows_datum(rows, CStringGetTextDatum(text));
}

void
pgm_rows_int(PgmRows *rows, int value)
{
	pgm_rows_datum(rows, Int32GetDatum(value));
}

void
pgm_rows_bool(PgmRows *rows, bool value)
{
	pgm_rows_datum(rows, BoolGetDatum(value));
}

void
pgm_rows_text_array(PgmRows *rows, int n, char **texts)
{
	pgm_rows_datum(rows, pgm_text_array_datum(n, texts));
}

void
pgm_rows_end_row(PgmRows *rows)
{
	Assert(rows->column == rows->tupdesc->natts);
	tuplestore_putvalues(rows->store, rows->tupdesc, rows->values,
						 rows->nulls);
	rows->column = 0;
}

void
pgm_rows_line(const char *line, void *arg)
{
	PgmRows    *rows = arg;

	pgm_rows_text(rows, line);
	pgm_rows_end_row(rows);
}

char *
pgm_arg_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
pgm_arg_text_not_null(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", name));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}
