/*-------------------------------------------------------------------------
 *
 * online.c
 *	  SQL functions about online changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "api/execution.h"
#include "base/clock.h"
#include "base/result_rows.h"
#include "base/settings.h"
#include "base/spi.h"
#include "compat/lock.h"
#include "exec/caller_snapshot.h"
#include "online/beside.h"
#include "online/kept.h"
#include "online/shadow_column.h"
#include "online/shadow_table.h"
#include "online/sync_trigger.h"
#include "run/runner.h"
#include "sql/lexer.h"
#include "store/begun_statement.h"
#include "store/operation.h"
#include "store/run_lock.h"
#include "worker/rebuild_job.h"

PG_FUNCTION_INFO_V1(pgmigrate_online_row);
PG_FUNCTION_INFO_V1(pgmigrate_online_truncate);
PG_FUNCTION_INFO_V1(pgmigrate_online_column);
PG_FUNCTION_INFO_V1(pgmigrate_online_beside);
PG_FUNCTION_INFO_V1(pgmigrate_kept_row);
PG_FUNCTION_INFO_V1(pgmigrate_rebuild);
PG_FUNCTION_INFO_V1(pgmigrate_revert);
PG_FUNCTION_INFO_V1(pgmigrate_finalize);

static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function was not called by the trigger manager"));
	return (TriggerData *) fcinfo->context;
}

Datum
pgmigrate_online_row(PG_FUNCTION_ARGS)
{
	pgm_sync_row(trigger_data(fcinfo));
	return PointerGetDatum(NULL);
}

Datum
pgmigrate_online_truncate(PG_FUNCTION_ARGS)
{
	pgm_sync_truncate(trigger_data(fcinfo));
	return PointerGetDatum(NULL);
}

Datum
pgmigrate_online_column(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(pgm_column_row(trigger_data(fcinfo)));
}

Datum
pgmigrate_online_beside(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);

	pgm_beside_trigger(data);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ?
						   data->tg_newtuple : data->tg_trigtuple);
}

Datum
pgmigrate_kept_row(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(pgm_kept_row(trigger_data(fcinfo)));
}

static void
add_row(PgmRows *rows, const PgmOperation *operation, const char *action)
{
	pgm_rows_datum(rows, Int64GetDatum(operation->id));
	pgm_rows_text(rows, quote_qualified_identifier(operation->schema,
												   operation->relation));
	pgm_rows_text(rows, action);
	pgm_rows_end_row(rows);
}

/* ATTACH PARTITION has no place for it, so the parser would not say why. */
static void
refuse_subpartitions(const char *partition)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	bool		after = false;	/* the word PARTITION */

	pgm_sqlscan_lexer(&lexer, partition, strlen(partition), 1);
	for (;;)
	{
		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return;
		if (after && pgm_sqlscan_is_word(&lexer, &token, "by"))
			break;
		after = pgm_sqlscan_is_word(&lexer, &token, "partition");
	}
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("a partition cannot be made with partitions of its own"),
			errdetail("It is \"%s\".", partition),
			errhint("Partition the table first, then call pgmigrate.rebuild() of that partition with its own \"partition_by\"."));
}

/* What the table is partitioned by, and its partitions, as statements. */
static char *
partition_statements(FunctionCallInfo fcinfo)
{
	StringInfoData result;
	char	  **partitions;
	int			n;

	if (!PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a table is partitioned by \"%s\" and \"%s\", without \"%s\"",
					   "partition_by", "partitions", "definition"),
				errhint("Give both of the first two, and change the definition by another call of pgmigrate.rebuild()."));
	partitions = pgm_text_array_values(PG_GETARG_DATUM(3), &n);
	initStringInfo(&result);
	appendStringInfo(&result, "CREATE TABLE pgmigrate () PARTITION BY %s",
					 pgm_arg_text(fcinfo, 2));
	for (int i = 0; i < n; i++)
	{
		if (partitions[i] == NULL)
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("argument \"%s\" must not contain nulls",
						   "partitions"));
		refuse_subpartitions(partitions[i]);
		appendStringInfo(&result,
						 ";\nALTER TABLE pgmigrate ATTACH PARTITION %s",
						 partitions[i]);
	}
	return result.data;
}

/* The names of columns, or NULL. */
static char *
column_names(FunctionCallInfo fcinfo, int n)
{
	StringInfoData result;
	char	  **names;
	int			count;

	if (PG_ARGISNULL(n))
		return NULL;
	names = pgm_text_array_values(PG_GETARG_DATUM(n), &count);
	initStringInfo(&result);
	for (int i = 0; i < count; i++)
		appendStringInfo(&result, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(names[i]));
	if (count > 0 &&
		(!PG_ARGISNULL(1) || !PG_ARGISNULL(2) || !PG_ARGISNULL(3)))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("columns are put into an order without \"%s\", \"%s\" and \"%s\"",
					   "definition", "partition_by", "partitions"),
				errhint("Change the definition, or partition the table, by one call of pgmigrate.rebuild(), and put the columns into order by another one."));
	return count > 0 ? result.data : NULL;
}

Datum
pgmigrate_rebuild(PG_FUNCTION_ARGS)
{
	PgmRebuildRequest request = {0};
	PgmRows		rows;
	ListCell   *lc;
	int64		run;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "relation"));
	request.partitions = !PG_ARGISNULL(2) || !PG_ARGISNULL(3);
	request.definition = request.partitions ? partition_statements(fcinfo) :
		pgm_arg_text(fcinfo, 1);
	request.column_order = column_names(fcinfo, 4);
	request.order_by = pgm_arg_text(fcinfo, 5);
	pgm_runner_refuse_read_only();
	pgm_runner_refuse_nested();
	pgm_require_worker(fcinfo, "pgmigrate.rebuild()");
	pgm_rows_begin(&rows, fcinfo);
	pgm_portal_release_snapshot();
	(void) pgm_run_await_turn(true);
	request.relid = PG_GETARG_OID(0);
	run = pgm_worker_rebuild(&request);
	pgm_portal_restore_snapshot();
	if (!pgm_execution_left_record(run))
		return (Datum) 0;
	foreach(lc, pgm_operations_of_run(run))
	{
		PgmOperation *operation = lfirst(lc);

		add_row(&rows, operation, pgm_operation_state_name(operation->state));
	}
	return (Datum) 0;
}

/* The table is what it was, but what is on record is not changed by that. */
static void
notice_revision(const PgmOperation *operation)
{
	if (operation->revision == NULL)
		return;
	if (pgm_begun_take_back(operation->id))
	{
		ereport(NOTICE,
				errmsg("statement %d of revision \"%s\" is not done any more, and is carried out again by the next run",
					   operation->statement, operation->revision));
		return;
	}
	if (strcmp(operation->direction, "up") != 0)
		return;
	ereport(NOTICE,
			errmsg("revision \"%s\" is not taken back by that, only what operation " INT64_FORMAT " did to table \"%s\"",
				   operation->revision, operation->id, operation->relation),
			errhint("Use pgmigrate.downgrade() to take back the revision: what has come back already is left as it is."));
}

Datum
pgmigrate_revert(PG_FUNCTION_ARGS)
{
	PgmExec		exec = {0};
	PgmShadowRequest request = {0};
	PgmRows		rows;
	const char *action;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "operation"));
	pgm_runner_refuse_read_only();
	exec.label = "revert";
	request.exec = &exec;
	pgm_rows_begin(&rows, fcinfo);
	action = pgm_shadow_revert(&request, PG_GETARG_INT64(0),
							   !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	if (action != NULL)
	{
		PgmOperation *operation = pgm_operation_get(PG_GETARG_INT64(0));

		add_row(&rows, operation, action);
		if (operation->state == PGM_OPERATION_REVERTED)
			notice_revision(operation);
	}
	return (Datum) 0;
}

static List *
to_finalize(FunctionCallInfo fcinfo)
{
	PgmOperation *operation;

	if (PG_ARGISNULL(0))
		return pgm_operations_finalizable();
	operation = pgm_operation_get(PG_GETARG_INT64(0));
	if (operation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("operation " INT64_FORMAT " does not exist",
					   PG_GETARG_INT64(0)),
				errhint("View \"%s\" has the operations of this database.",
						"pgmigrate.operations"));
	return list_make1(operation);
}

/* Those of others do not keep the caller from his own. */
static bool
may_finalize(const PgmOperation *operation)
{
	if (get_rel_name(operation->relid) == NULL ||
		pgm_class_ownercheck(operation->relid, GetUserId()))
		return true;
	ereport(NOTICE,
			errmsg("operation " INT64_FORMAT " is not finalized, only the owner of table \"%s\" may do that",
				   operation->id, operation->relation));
	return false;
}

typedef struct Finalizing
{
	const PgmExec *exec;
	int64		id;
	const char *action;
} Finalizing;

static void
finalize(void *arg)
{
	Finalizing *finalizing = arg;

	finalizing->action = pgm_shadow_finalize(finalizing->exec, finalizing->id);
}

/*
 * How long finalize() waits, in all, for the tables of other operations than
 * the first, in milliseconds: what an autovacuum needs to be cancelled.
 */
#define PGM_FINALIZE_WAIT 1000

static void
limit_wait(int64 since)
{
	int64		waited = (pgm_clock_monotonic() - since) / 1000;
	char		value[16];

	snprintf(value, sizeof(value), "%d",
			 (int) Max(0, Min(PGM_FINALIZE_WAIT - waited,
							  pgm_lock_deadline)));
	(void) set_config_option("pgmigrate.lock_deadline", value,
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * One transaction has the locks of all, so only the first may wait for its
 * own: who uses the next keeps nobody from the tables before it.
 */
Datum
pgmigrate_finalize(PG_FUNCTION_ARGS)
{
	PgmExec		exec = {0};
	PgmRows		rows;
	ListCell   *lc;
	int64		held = 0;		/* locks, since */
	int			guc_level = NewGUCNestLevel();

	pgm_runner_refuse_read_only();
	exec.label = "finalize";
	pgm_rows_begin(&rows, fcinfo);
	foreach(lc, to_finalize(fcinfo))
	{
		PgmOperation *operation = lfirst(lc);
		Finalizing	finalizing = {&exec, operation->id};
		ErrorData  *edata;

		if (held != 0)
			limit_wait(held);
		if (!PG_ARGISNULL(0))
			finalize(&finalizing);
		else if (!may_finalize(operation))
			continue;
		else if (!pgm_spi_try(finalize, &finalizing, &edata))
			pgm_shadow_warn_unfinalized(operation, edata);
		if (finalizing.action == NULL)
			continue;
		add_row(&rows, operation, finalizing.action);
		if (held == 0)
			held = pgm_clock_monotonic();
	}
	AtEOXact_GUC(true, guc_level);
	return (Datum) 0;
}
