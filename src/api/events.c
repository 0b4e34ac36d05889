/*-------------------------------------------------------------------------
 *
 * events.c
 *	  SQL functions of the outbox.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "base/result_rows.h"
#include "gate/consumers.h"
#include "gate/outbox.h"
#include "store/ledger.h"

PG_FUNCTION_INFO_V1(pgmigrate_acknowledge);
PG_FUNCTION_INFO_V1(pgmigrate_drop_consumer);
PG_FUNCTION_INFO_V1(pgmigrate_events);
PG_FUNCTION_INFO_V1(pgmigrate_prune_events);
PG_FUNCTION_INFO_V1(pgmigrate_record_event);

Datum
pgmigrate_record_event(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"%s\" was not called as a trigger",
					   "record_event"));
	pgm_outbox_row_written(trigger);
	return PointerGetDatum(NULL);
}

static int
arg_max(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1) || PG_GETARG_INT32(1) < 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument \"%s\" must not be null or negative", "max"));
	return PG_GETARG_INT32(1);
}

Datum
pgmigrate_events(PG_FUNCTION_ARGS)
{
	char	   *consumer = pgm_arg_text_not_null(fcinfo, 0, "consumer");
	int			max = arg_max(fcinfo);
	PgmRows		rows;

	pgm_ledger_refuse_recovery();
	pgm_rows_begin(&rows, fcinfo);
	pgm_consumer_events(consumer, max, rows.store, rows.tupdesc);
	return (Datum) 0;
}

Datum
pgmigrate_acknowledge(PG_FUNCTION_ARGS)
{
	char	   *consumer = pgm_arg_text_not_null(fcinfo, 0, "consumer");

	pgm_ledger_refuse_recovery();
	if (PG_ARGISNULL(1))
		PG_RETURN_INT32(0);
	pgm_consumer_check(consumer);
	PG_RETURN_INT32(pgm_consumer_acknowledge(consumer,
											 PG_GETARG_ARRAYTYPE_P(1)));
}

Datum
pgmigrate_drop_consumer(PG_FUNCTION_ARGS)
{
	char	   *consumer = pgm_arg_text_not_null(fcinfo, 0, "consumer");

	pgm_ledger_refuse_recovery();
	PG_RETURN_BOOL(pgm_consumer_drop(consumer));
}

Datum
pgmigrate_prune_events(PG_FUNCTION_ARGS)
{
	Datum		before = TimestampTzGetDatum(0);

	pgm_ledger_refuse_recovery();
	if (!PG_ARGISNULL(0))
		before = DirectFunctionCall2(timestamptz_mi_interval,
									 TimestampTzGetDatum(GetCurrentTimestamp()),
									 PG_GETARG_DATUM(0));
	PG_RETURN_INT64(pgm_events_prune(DatumGetTimestampTz(before)));
}
