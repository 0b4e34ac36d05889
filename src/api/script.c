/*-------------------------------------------------------------------------
 *
 * script.c
 *	  SQL functions that write a run as SQL, and that such SQL calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/result_rows.h"
#include "base/spi.h"
#include "script/write.h"

PG_FUNCTION_INFO_V1(pgmigrate_script);
PG_FUNCTION_INFO_V1(pgmigrate_script_begin);
PG_FUNCTION_INFO_V1(pgmigrate_script_statement);
PG_FUNCTION_INFO_V1(pgmigrate_script_locks);
PG_FUNCTION_INFO_V1(pgmigrate_script_step);
PG_FUNCTION_INFO_V1(pgmigrate_script_end);

Datum
pgmigrate_script(PG_FUNCTION_ARGS)
{
	char	   *range = pgm_arg_text_not_null(fcinfo, 0, "range");
	char	   *direction = pgm_arg_text_not_null(fcinfo, 1, "direction");
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	pgm_script_write(range, pgm_direction_of_command(direction), pgm_rows_line,
					 &rows);
	return (Datum) 0;
}

Datum
pgmigrate_script_begin(PG_FUNCTION_ARGS)
{
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *target = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int			nheads;
	int			nrevisions;
	int			ndigests;
	char	  **heads = pgm_text_array_values(PG_GETARG_DATUM(2), &nheads);
	char	  **revisions = pgm_text_array_values(PG_GETARG_DATUM(3),
												  &nrevisions);
	char	  **digests = pgm_text_array_values(PG_GETARG_DATUM(4), &ndigests);

	PG_RETURN_INT64(pgm_script_begin(pgm_direction_of_command(command),
									 target, nheads, heads, nrevisions,
									 revisions, ndigests, digests));
}

Datum
pgmigrate_script_statement(PG_FUNCTION_ARGS)
{
	pgm_script_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)),
						 PG_GETARG_INT32(1));
	PG_RETURN_VOID();
}

Datum
pgmigrate_script_locks(PG_FUNCTION_ARGS)
{
	pgm_script_locks(text_to_cstring(PG_GETARG_TEXT_PP(0)),
					 PG_GETARG_INT32(1), PG_GETARG_INT32(2));
	PG_RETURN_VOID();
}

Datum
pgmigrate_script_step(PG_FUNCTION_ARGS)
{
	pgm_script_step(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

Datum
pgmigrate_script_end(PG_FUNCTION_ARGS)
{
	pgm_script_end();
	PG_RETURN_VOID();
}
