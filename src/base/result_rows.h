/*-------------------------------------------------------------------------
 *
 * result_rows.h
 *	  Results of set-returning functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_RESULT_ROWS_H
#define PGM_BASE_RESULT_ROWS_H

#include "fmgr.h"
#include "funcapi.h"

#define PGM_ROWS_MAX_COLUMNS 24

/* A row being filled: columns are set in order, from the first. */
typedef struct PgmRows
{
	Tuplestorestate *store;
	TupleDesc	tupdesc;
	int			column;
	Datum		values[PGM_ROWS_MAX_COLUMNS];
	bool		nulls[PGM_ROWS_MAX_COLUMNS];
} PgmRows;

/* Materialize mode; works where a set is accepted, else an error. */
extern void pgm_rows_begin(PgmRows *rows, FunctionCallInfo fcinfo);
extern void pgm_rows_null(PgmRows *rows);
extern void pgm_rows_datum(PgmRows *rows, Datum value);
extern void pgm_rows_text(PgmRows *rows, const char *text); /* or NULL */
extern void pgm_rows_int(PgmRows *rows, int value);
extern void pgm_rows_bool(PgmRows *rows, bool value);
extern void pgm_rows_text_array(PgmRows *rows, int n, char **texts);
extern void pgm_rows_end_row(PgmRows *rows);

/* A row of one text column; arg is the PgmRows, as callbacks hand it on. */
extern void pgm_rows_line(const char *line, void *arg);

/* Argument n as text, or NULL. */
extern char *pgm_arg_text(FunctionCallInfo fcinfo, int n);

/* The same, but null is an error that names the argument. */
extern char *pgm_arg_text_not_null(FunctionCallInfo fcinfo, int n,
								   const char *name);

#endif							/* PGM_BASE_RESULT_ROWS_H */
