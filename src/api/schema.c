/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  SQL functions about the schema of the database.
 *
 * Those that look work on a standby.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/event_trigger.h"
#include "fmgr.h"
#include "tcop/cmdtag.h"
#include "utils/builtins.h"

#include "base/digest.h"
#include "base/result_rows.h"
#include "base/spi.h"
#include "gate/outbox.h"
#include "schema/fingerprint.h"
#include "store/ddl_event.h"
#include "store/extension_drop.h"
#include "store/run_holder.h"
#include "store/run_lock.h"
#include "store/schema_record.h"

PG_FUNCTION_INFO_V1(pgmigrate_capture_ddl);
PG_FUNCTION_INFO_V1(pgmigrate_capture_drift);
PG_FUNCTION_INFO_V1(pgmigrate_wait_before_drop);
PG_FUNCTION_INFO_V1(pgmigrate_drift);
PG_FUNCTION_INFO_V1(pgmigrate_fingerprint);

Datum
pgmigrate_fingerprint(PG_FUNCTION_ARGS)
{
	char	  **schemas = NULL;
	PgmSchema  *schema;
	int			n = 0;

	if (!PG_ARGISNULL(0))
		schemas = pgm_text_array_values(PG_GETARG_DATUM(0), &n);
	schema = pgm_schema_read(n, schemas);
	PG_RETURN_TEXT_P(cstring_to_text(pgm_schema_digest(schema)));
}

typedef struct Drift
{
	PgmRows		rows;
	int			n;
	PgmDigest	digest;
} Drift;

static void
drift_row(char *const *values, void *arg)
{
	Drift	   *drift = arg;

	drift->n++;
	for (int i = 0; i < 4; i++)
	{
		pgm_rows_text(&drift->rows, values[i]);
		pgm_digest_text(&drift->digest, values[i] ? values[i] : "");
	}
	pgm_rows_end_row(&drift->rows);
}

Datum
pgmigrate_drift(PG_FUNCTION_ARGS)
{
	Drift		drift = {0};

	pgm_rows_begin(&drift.rows, fcinfo);
	pgm_digest_init(&drift.digest, "pgmigrate drift");
	pgm_run_await_record();
	if (pgm_schema_record_drift(drift_row, &drift))
		pgm_outbox_drift(drift.n, drift.n == 0 ? "" :
						 pgm_digest_final(&drift.digest));
	return (Datum) 0;
}

static const EventTriggerData *
event_of(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("not called by an event trigger"));
	return (const EventTriggerData *) fcinfo->context;
}

Datum
pgmigrate_wait_before_drop(PG_FUNCTION_ARGS)
{
	pgm_extension_drop_begin(event_of(fcinfo)->parsetree);
	PG_RETURN_NULL();
}

/* What runs do is told by the runs. */
Datum
pgmigrate_capture_ddl(PG_FUNCTION_ARGS)
{
	const EventTriggerData *data = event_of(fcinfo);

	if (!pgm_run_inside())
		pgm_ddl_event_write(GetCommandTagName(data->tag),
							strcmp(data->event, "sql_drop") == 0);
	PG_RETURN_NULL();
}

Datum
pgmigrate_capture_drift(PG_FUNCTION_ARGS)
{
	bool		enable = PG_GETARG_BOOL(0);

	pgm_ddl_event_enable(enable);
	PG_RETURN_BOOL(enable);
}
