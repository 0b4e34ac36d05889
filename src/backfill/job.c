/*-------------------------------------------------------------------------
 *
 * job.c
 *	  A backfill by hand: a run with one step.
 *
 *	one commit		run lock, the run as running, its operation
 *	chunks			see engine.c
 *	one commit		the operation finalized, the step and the run done
 *
 * What a run has begun another one goes on with, if it is called with the same
 * arguments by the same role, or by the number of the first.  It does so with
 * the rights of its own role: a role that calls what another one has written
 * would run that with rights its author does not have, so it is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "backfill/helpers.h"
#include "backfill/internal.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/error_privacy.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "classify/verdict.h"
#include "process/entry.h"
#include "process/follow.h"
#include "process/launch.h"
#include "store/ledger.h"
#include "store/run_bracket.h"

/* What a worker is handed: the call, and its texts, each with its zero. */
typedef struct Payload
{
	PgmBackfillCall call;
	Size		condition;		/* where it begins, 0 if there is none */
	char		texts[FLEXIBLE_ARRAY_MEMBER];
} Payload;

typedef struct Launch
{
	Payload    *payload;
	Size		size;
	bool		follow;
	int64		run;
} Launch;

/* A run in progress. */
typedef struct Job
{
	PgmBackfillCall call;
	Oid			session_role;
	PgmExec		exec;
	PgmOperation *operation;
	PgmBackfillResult result;
	int64		run;
	TimestampTz started;
	int64		clock;
} Job;

/*
 * By the same role, on the same table.  In another cluster, or where the table
 * was made anew, those are known by their names.
 */
static PgmQuery find_query = {
	"SELECT o.id FROM pgmigrate.operation o, pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $2 "
	"AND o.revision IS NULL AND o.strategy = 'backfill' AND o.digest = $1 "
	"AND o.state NOT IN ('finalized', 'reverted', 'cancelled') "
	"AND CASE WHEN o.system_identifier = pgmigrate.system_identifier() "
	"THEN o.role_oid = $3 AND (o.relid = $2 OR (o.schema_name = n.nspname "
	"AND o.relation_name = c.relname AND NOT EXISTS (SELECT FROM pg_class x "
	"WHERE x.oid = o.relid))) ELSE o.role = pg_get_userbyid($3) "
	"AND o.schema_name = n.nspname AND o.relation_name = c.relname END "
	"ORDER BY o.id DESC LIMIT 1",
	3, {TEXTOID, OIDOID, OIDOID}
};

static PgmQuery of_run_query = {
	"SELECT id FROM pgmigrate.operation WHERE run = $1 "
	"AND revision IS NULL AND strategy = 'backfill' "
	"AND state NOT IN ('finalized', 'reverted', 'cancelled')",
	1, {INT8OID}
};

static PgmQuery begin_step_query = {
	"UPDATE pgmigrate.run_step SET message = $2, state = 'running', "
	"statements = 1, started = $3, "
	"details = jsonb_build_object('operation', $4::bigint) "
	"WHERE run = $1 AND step = 1",
	4, {INT8OID, TEXTOID, TIMESTAMPTZOID, INT8OID}
};

static PgmQuery end_step_query = {
	"UPDATE pgmigrate.run_step SET state = 'done', statement = 1, "
	"finished = clock_timestamp(), duration = $2, details = details || "
	"jsonb_strip_nulls(jsonb_build_object('rows', $3::bigint, "
	"'rows_left', nullif($4::bigint, 0), 'rows_set_aside', "
	"nullif($5::bigint, 0), 'rows_hidden', nullif($7::bigint, 0), "
	"'proven', $6::bool)) "
	"WHERE run = $1 AND step = 1",
	7, {INT8OID, INTERVALOID, INT8OID, INT8OID, INT8OID, BOOLOID, INT8OID}
};

static PgmQuery step_query = {
	"SELECT step, nullif(revision, ''), nullif(direction, ''), message, state, duration, details "
	"FROM pgmigrate.run_step WHERE run = $1",
	1, {INT8OID}
};

/* ---- the run, in whatever process */

/* Of what is to be done; to what, and by whom, find_query asks. */
static char *
digest_of(const PgmBackfillCall *call)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "pgmigrate backfill");
	pgm_digest_text(&digest, call->assignments);
	pgm_digest_text(&digest, call->condition != NULL ? call->condition : "");
	pgm_digest_text(&digest, namespace_search_path);
	return pgm_digest_final(&digest);
}

/* The operation of a query whose only column is its number, or NULL. */
static PgmOperation *
find(PgmQuery *query, const Datum *values)
{
	int64		id = pgm_spi_one_int64(query, values, NULL);

	return id == 0 ? NULL : pgm_operation_lock(id);
}

static PgmOperation *
of_run(int64 run)
{
	Datum		values[1];
	PgmOperation *operation;

	values[0] = Int64GetDatum(run);
	operation = find(&of_run_query, values);
	if (operation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " has no backfill to go on with",
					   run),
				errhint("View \"%s\" has the operations that are not done; pgmigrate.upgrade() and downgrade() go on with those of a revision.",
						"pgmigrate.operations"));
	if (GetUserNameFromId(operation->role, true) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("run " INT64_FORMAT " was begun by a role that does not exist any more",
					   run),
				errhint("Call pgmigrate.backfill() with the same arguments."));
	if (operation->role != GetUserId())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("run " INT64_FORMAT " can be gone on with by role \"%s\" only",
					   run, GetUserNameFromId(operation->role, false)),
				errdetail("The statement would have the rights of who calls it."),
				errhint("SET ROLE to it first."));
	pgm_operation_find_again(operation);
	return operation;
}

/* Gone about as this call says. */
static PgmOperation *
of_call(const PgmBackfillCall *call)
{
	Datum		values[3];
	PgmOperation *operation;
	char	   *statement;

	values[0] = pgm_text_datum(digest_of(call));
	values[1] = ObjectIdGetDatum(call->relid);
	values[2] = ObjectIdGetDatum(GetUserId());
	operation = find(&find_query, values);
	if (operation == NULL)
		return NULL;
	pgm_operation_find_again(operation);
	statement = pgm_change_compose(call->relid, call->assignments,
								   call->condition);
	pgm_operation_add_details(operation,
							  pgm_backfill_details(statement, &call->options));
	return operation;
}

static PgmOperation *
make_operation(const PgmBackfillCall *call)
{
	PgmOperation *operation = palloc0(sizeof(PgmOperation));
	char	   *statement;

	if (get_rel_name(call->relid) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", call->relid));
	statement = pgm_change_compose(call->relid, call->assignments,
								   call->condition);
	operation->direction = pstrdup("up");
	operation->digest = digest_of(call);
	operation->schema = get_namespace_name(get_rel_namespace(call->relid));
	operation->relation = get_rel_name(call->relid);
	operation->relid = call->relid;
	operation->strategy = pstrdup("backfill");
	operation->method = PGM_METHOD_IN_PLACE;
	operation->state = PGM_OPERATION_PREPARING;
	operation->role = GetUserId();
	operation->details = pgm_backfill_details(statement, &call->options);
	return operation;
}

/* Of the run that works on it from now on. */
static void
take_over(PgmOperation *operation, int64 run)
{
	if (operation->id == 0)
	{
		operation->run = run;
		pgm_operation_begin(operation);
		return;
	}
	ereport(NOTICE,
			errmsg("operation " INT64_FORMAT " was begun by run " INT64_FORMAT ", going on where it stopped",
				   operation->id, operation->run));
	pgm_operation_set_run(operation, run);
	if (operation->state == PGM_OPERATION_FAILED)
		pgm_operation_set_state(operation, PGM_OPERATION_PREPARING, NULL);
}

/* What shows as the message of the step: the statement in one line. */
static char *
message_of(const PgmBackfill *backfill)
{
	char	   *text = pstrdup(backfill->change->source->text);

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	for (int i = strlen(text); i > 0 && text[i - 1] == ' '; i--)
		text[i - 1] = '\0';
	return text;
}

static void
begin_run(Job *job, const char *execution, const char *message)
{
	PgmRunRecord record = {0};
	char	   *no_revision = pstrdup("");
	PgmSpiScope scope;
	Datum		values[4];

	pgm_run_describe(&record, "backfill", execution, job->session_role);
	record.target = pgm_relation_name(job->operation->relid);
	record.direction = "";
	record.heads = pgm_ledger_heads(&record.nheads);
	record.nsteps = 1;
	record.revisions = &no_revision;
	job->run = pgm_journal_begin(&record);
	take_over(job->operation, job->run);

	values[0] = Int64GetDatum(job->run);
	values[1] = pgm_text_datum(message);
	values[2] = TimestampTzGetDatum(job->started);
	values[3] = Int64GetDatum(job->operation->id);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&begin_step_query, values, NULL);
	pgm_spi_end(&scope);
}

static void
end_run(void *arg)
{
	Job		   *job = arg;
	Interval	duration = {0};
	PgmSpiScope scope;
	Datum		values[7];
	int			nheads;
	char	  **heads = pgm_ledger_heads(&nheads);

	duration.time = pgm_clock_monotonic() - job->clock;
	values[0] = Int64GetDatum(job->run);
	values[1] = IntervalPGetDatum(&duration);
	values[2] = Int64GetDatum(job->result.rows);
	values[3] = Int64GetDatum(job->result.again);
	values[4] = Int64GetDatum(job->result.set_aside);
	values[5] = BoolGetDatum(job->result.proven);
	values[6] = Int64GetDatum(job->result.hidden);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&end_step_query, values, NULL);
	pgm_spi_end(&scope);
	pgm_operation_set_state(job->operation, PGM_OPERATION_FINALIZED, NULL);
	pgm_operation_set_progress(job->operation->id, job->result.rows,
							   job->result.rows, "rows");
	pgm_journal_end(job->run, nheads, heads);
}

void
pgm_backfill_report(const PgmBackfillResult *result)
{
	if (result->set_aside > 0)
		ereport(WARNING,
				errmsg_plural(INT64_FORMAT " row could not be changed",
							  INT64_FORMAT " rows could not be changed",
							  (unsigned long) result->set_aside,
							  result->set_aside),
				errhint("See table \"%s\".", "pgmigrate.operation_row"));
	if (result->hidden > 0)
		ereport(NOTICE,
				errmsg_plural("row security hides " INT64_FORMAT " row, which is as it was",
							  "row security hides " INT64_FORMAT " rows, which are as they were",
							  (unsigned long) result->hidden, result->hidden));
	if (result->again > 0)
		ereport(WARNING,
				errmsg_plural(INT64_FORMAT " changed row meets the condition still",
							  INT64_FORMAT " changed rows meet the condition still",
							  (unsigned long) result->again, result->again));
	else if (!result->proven && result->set_aside == 0 && result->hidden == 0)
		ereport(NOTICE,
				errmsg("rows that others moved or inserted meanwhile may be left"));
}

/* ---- in the worker */

/*
 * In a transaction: all that can be refused is, before anything is written; a
 * backfill is made for its checks, with an operation that has no number yet.
 */
static void
begin(Job *job)
{
	PgmBackfill *backfill;

	pgm_run_open(PGM_UNTIL_END_OF_SESSION);
	job->operation = job->call.resume != 0 ? of_run(job->call.resume) :
		of_call(&job->call);
	if (job->operation == NULL)
		job->operation = make_operation(&job->call);
	backfill = pgm_backfill_create(job->operation, &job->exec, 0, false);
	begin_run(job, "worker", message_of(backfill));
}

static void
work(void *arg)
{
	Job		   *job = arg;

	pgm_txn_begin();
	begin(job);
	pgm_txn_commit_begun();
	pgm_process_accept(job->run);
	pgm_backfill_run(job->operation, &job->exec, &job->result);
	pgm_backfill_report(&job->result);
	pgm_run_end(end_run, job);
}

static void
locate(const void *arg, PgmRunPosition *position)
{
	const Job  *job = arg;

	position->run = job->run;
	position->step = 1;
	position->started = job->started;
	position->clock = job->clock;
}

static void
record(void *arg, const PgmRunPosition *position, const ErrorData *edata)
{
	Job		   *job = arg;

	if (pgm_process_cancel_caused(edata))
		(void) pgm_backfill_give_up(position->run);
	else
		pgm_operation_fail(job->operation, pgm_error_for_all(edata));
}

static void
do_job(const PgmJob *arg, const Payload *payload)
{
	static const PgmRunKind kind = {work, locate, NULL, record};
	Job		   *job;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate backfill run",
												  ALLOCSET_DEFAULT_SIZES);

	job = MemoryContextAllocZero(context, sizeof(Job));
	job->call = payload->call;
	job->call.assignments = payload->texts;
	job->call.condition = payload->condition == 0 ? NULL :
		payload->texts + payload->condition;
	job->session_role = arg->session_role;
	job->exec.worker = true;
	job->exec.guard = arg->guard;
	job->exec.label = "backfill";
	job->started = GetCurrentTimestamp();
	job->clock = pgm_clock_monotonic();

	pgm_run_carry_out(&kind, job, context);
}

static void
entry(const PgmJob *job)
{
	if (job->right.role == PGM_RUN_HELPER)
		pgm_helpers_help(job);
	else
		do_job(job, (const Payload *) job->payload);
}

void
pgm_backfill_register(void)
{
	pgm_process_register(PGM_JOB_BACKFILL, entry);
}

/* ---- in the session of the caller */

static void
launch(void *arg)
{
	static const PgmRunRight owner = {PGM_RUN_OWNER, 0};
	Launch	   *launch = arg;
	PgmProcess *process;

	process = pgm_process_launch(PGM_JOB_BACKFILL, owner,
								 (const char *) launch->payload, launch->size,
								 PGM_LAUNCH_OUTLIVES_CLIENT);
	launch->run = pgm_process_follow_accepted(process);
	pgm_run_end_turn();
	if (launch->follow)
		launch->run = pgm_process_follow(process);
}

int64
pgm_backfill_launch(const PgmBackfillCall *call, bool follow)
{
	const char *assignments = call->assignments ? call->assignments : "";
	const char *condition = call->condition ? call->condition : "";
	Size		length = strlen(assignments) + 1;
	Launch		arg = {0};

	arg.size = offsetof(Payload, texts) + length + strlen(condition) + 1;
	arg.payload = palloc0(arg.size);
	arg.payload->call = *call;
	strcpy(arg.payload->texts, assignments);
	strcpy(arg.payload->texts + length, condition);
	if (call->condition != NULL)
		arg.payload->condition = length;
	arg.follow = follow;
	pgm_process_guarded(launch, &arg);
	pfree(arg.payload);
	return arg.run;
}

/*
 * In the caller's transaction nothing is gained by chunks: the statement runs
 * as it is written, and is undone with the transaction.
 */
int64
pgm_backfill_inline(const PgmBackfillCall *call)
{
	Job			job = {0};
	PgmBackfill *backfill;

	job.call = *call;
	job.session_role = GetSessionUserId();
	job.exec.guard = GetSessionUserId() != GetUserId() ||
		GetAuthenticatedUserId() != GetUserId();
	job.exec.label = "backfill";
	job.started = GetCurrentTimestamp();
	job.clock = pgm_clock_monotonic();
	pgm_run_open(PGM_UNTIL_END_OF_TRANSACTION);
	pgm_run_end_turn();
	job.operation = make_operation(&job.call);
	backfill = pgm_backfill_create(job.operation, &job.exec, 0, false);
	begin_run(&job, "inline", message_of(backfill));
	job.result.rows = pgm_exec_statement(&job.exec, backfill->change->source,
										 backfill->change->n, false);
	job.result.proven = true;
	pgm_exec_fire_deferred(&job.exec);
	end_run(&job);
	return job.run;
}

void
pgm_backfill_step_rows(PgmRows *rows, int64 run)
{
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&step_query, values, NULL);
	pgm_spi_store(rows->store, rows->tupdesc);
	pgm_spi_end(&scope);
}
