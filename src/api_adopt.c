/*-------------------------------------------------------------------------
 *
 * api_adopt.c
 *	  SQL functions that take over the ledgers of other tools.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/api_adopt.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "adopt.h"
#include "rows.h"

PG_FUNCTION_INFO_V1(pgmigrate_detect_ledgers);
PG_FUNCTION_INFO_V1(pgmigrate_adopt);

Datum
pgmigrate_detect_ledgers(PG_FUNCTION_ARGS)
{
	PgmForeignLedger *ledgers;
	PgmRows		rows;
	int			n;

	pgm_rows_begin(&rows, fcinfo);
	ledgers = pgm_adopt_detect(InvalidOid, &n);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, ledgers[i].tool->name);
		pgm_rows_text(&rows, ledgers[i].name);
		if (ledgers[i].denied == NULL)
			pgm_rows_datum(&rows, Int64GetDatum(ledgers[i].rows));
		else
			pgm_rows_null(&rows);
		pgm_rows_text(&rows, ledgers[i].state);
		pgm_rows_text(&rows, ledgers[i].detail);
		pgm_rows_bool(&rows, ledgers[i].mirrored);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

Datum
pgmigrate_adopt(PG_FUNCTION_ARGS)
{
	char	   *tool = pgm_arg_text_not_null(fcinfo, 0, "tool");
	Oid			relation = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	bool		mirror = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	PgmAdoptRow *adopted;
	PgmRows		rows;
	int			n;

	pgm_rows_begin(&rows, fcinfo);
	adopted = pgm_adopt(tool, relation, mirror, &n);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, adopted[i].version);
		pgm_rows_text(&rows, adopted[i].revision);
		pgm_rows_text(&rows, adopted[i].action);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}
