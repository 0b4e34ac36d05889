/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *	  Pending revisions up, down and up again in a scratch database.
 *
 *	session					worker in this database		in the scratch one
 *	launch, follow
 *							plan, revisions, schema
 *							make the scratch database
 *							launch, follow
 *														replay the history
 *							<- the present schema?
 *							if not: make it anew, from the model
 *														the steps, see steps.c
 *	<- rows					<- rows
 *							drop the scratch database
 *							keep the result
 *
 * The worker between is there so that the scratch database is dropped whatever
 * becomes of the session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "diff/diff.h"
#include "gate/guard.h"
#include "process/follow.h"
#include "process/launch.h"
#include "process/report.h"
#include "rehearse/internal.h"
#include "rehearse/sample.h"
#include "run/runner.h"
#include "schema/fingerprint.h"
#include "store/authors.h"
#include "store/ledger.h"
#include "store/run_plan.h"

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.rehearsal (target_digest, ok, finished, queries) "
	"VALUES ($1, $2, clock_timestamp(), $3::jsonb)",
	3, {TEXTOID, BOOLOID, TEXTOID}
};

/* With which search_path the revisions were applied. */
static PgmQuery paths_query = {
	"SELECT (SELECT r.search_path FROM pgmigrate.run_step s "
	"JOIN pgmigrate.run r ON r.id = s.run WHERE s.revision = u.id "
	"AND s.direction = 'up' AND s.state = 'done' ORDER BY s.run DESC LIMIT 1) "
	"FROM unnest($1) WITH ORDINALITY AS u (id, n) ORDER BY u.n",
	1, {TEXTARRAYOID}
};

/* In the worker of this database. */
typedef struct Rehearsal
{
	MemoryContext context;
	char	   *target;
	int			rows;			/* of a table that are copied, or 0 */
	PgmSample	sample;
	char	   *database;
	int			nhistory;
	PgmRevision **history;
	char	  **paths;			/* their search_path, or NULL */
	char	   *no_replay;		/* why not, or NULL */
	int			npending;
	PgmRevision **pending;
	char	   *digest;
	PgmSchema  *schema;
	char	   *fingerprint;
	int64		started;
	List	   *watched;		/* PgmWatched * */
	int			not_watched;	/* of roles whose rights the caller lacks */

	/* what the scratch database has answered */
	bool		is_base;
	char	   *base_error;
	PgmSchema  *base_schema;
	bool		failed;
	StringInfoData queries;		/* what became of them, as JSON */
} Rehearsal;

static void
read_paths(Rehearsal *rehearsal, int n, char **ids)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	values[0] = pgm_text_array_datum(n, ids);
	rehearsal->paths = palloc0(sizeof(char *) * (n + 1));
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&paths_query, values, NULL);
	for (uint64 i = 0; i < rows; i++)
		rehearsal->paths[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
}

/* The applied revisions, in the order of an upgrade. */
static void
read_history(Rehearsal *rehearsal, const PgmPlan *plan)
{
	PgmRevSet	order = pgm_graph_topological(plan->graph);
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	char	  **ids = palloc(sizeof(char *) * (order.n + 1));
	int			n = 0;

	for (int i = 0; i < order.n; i++)
		if (applied[order.rev[i]])
			ids[n++] = pstrdup(pgm_graph_id(plan->graph, order.rev[i]));
	rehearsal->nhistory = n;
	read_paths(rehearsal, n, ids);
	rehearsal->history = palloc0(sizeof(PgmRevision *) * (n + 1));
	for (int i = 0; i < n && rehearsal->no_replay == NULL; i++)
	{
		rehearsal->history[i] = pgm_revision_get(ids[i]);
		if (rehearsal->history[i] == NULL)
			rehearsal->no_replay = psprintf("revision \"%s\" is not stored",
											ids[i]);
		else
		{
			char	   *why;

			why = pgm_revision_why_not_trusted(rehearsal->history[i]);
			if (why != NULL)
				rehearsal->no_replay = psprintf("revision \"%s\" cannot run: %s",
												ids[i], why);
		}
	}
}

/* Locked, so that the digest is that of the texts. */
static void
read_pending(Rehearsal *rehearsal, const PgmPlan *plan)
{
	int			n = plan->steps.nsteps;

	rehearsal->npending = n;
	rehearsal->pending = palloc0(sizeof(PgmRevision *) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		const char *id = pgm_graph_id(plan->graph, plan->steps.steps[i].rev);

		rehearsal->pending[i] = pgm_revision_get_for_share(id);
		if (rehearsal->pending[i] == NULL)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("revision \"%s\" was removed while it was to be rehearsed",
						   id));
		pgm_revision_check_trusted(rehearsal->pending[i]);
	}
	rehearsal->digest = pgm_plan_digest(plan);
}

/* They are executed, with the rights of who watches them. */
static void
read_watched(Rehearsal *rehearsal)
{
	ListCell   *lc;

	if (pgm_guard == PGM_GUARD_OFF)
		return;
	foreach(lc, pgm_guard_watched())
	{
		PgmWatched *watched = lfirst(lc);

		if (OidIsValid(watched->role) &&
			has_privs_of_role(GetUserId(), watched->role))
			rehearsal->watched = lappend(rehearsal->watched, watched);
		else
			rehearsal->not_watched++;
	}
}

/* Everything of this database that is needed, of one transaction. */
static void
prepare(Rehearsal *rehearsal)
{
	PgmPlan    *plan;

	pgm_txn_begin_own();
	pgm_scratch_check_role();
	pgm_ledger_check_unaltered();
	plan = pgm_plan_make(PGM_UP, rehearsal->target);
	pgm_plan_check(plan, false);
	read_pending(rehearsal, plan);
	read_history(rehearsal, plan);
	rehearsal->schema = pgm_rehearse_read_schema(true);
	rehearsal->fingerprint = pgm_schema_digest(rehearsal->schema);
	read_watched(rehearsal);
	pgm_txn_commit();
	if (rehearsal->rows > 0 && rehearsal->npending > 0)
		pgm_rehearse_draw_sample(rehearsal->rows, &rehearsal->sample);
}

static void
put_history(StringInfo message, const Rehearsal *rehearsal)
{
	int			n = rehearsal->no_replay == NULL ? rehearsal->nhistory : 0;

	pq_sendint32(message, n);
	for (int i = 0; i < n; i++)
	{
		pgm_rehearse_put_optional(message, rehearsal->paths[i]);
		pgm_rehearse_put_revision(message, rehearsal->history[i]);
	}
}

static void
report_row(Rehearsal *rehearsal, const PgmRehearsalRow *row)
{
	StringInfoData message;

	rehearsal->failed |= !row->ok;
	initStringInfo(&message);
	pgm_rehearse_put_row(&message, row);
	pgm_report_answer(&message);
	pfree(message.data);
}

static void
report_base(Rehearsal *rehearsal, bool ok, const char *state,
			const char *detail)
{
	PgmRehearsalRow row = {0};

	row.state = state;
	row.duration = pgm_clock_monotonic() - rehearsal->started;
	row.fingerprint = ok ? rehearsal->fingerprint : NULL;
	row.ok = ok;
	row.detail = detail;
	if (ok && rehearsal->rows > 0)
		row.detail = psprintf("%s\n%s", detail, rehearsal->sample.description);
	if (ok && rehearsal->not_watched > 0)
		row.detail = psprintf("%s\nwatched queries that are not run, of roles whose privileges the caller does not have: %d",
							  row.detail, rehearsal->not_watched);
	report_row(rehearsal, &row);
}

/* How the scratch database came to have the present schema. */
static void
report_way(Rehearsal *rehearsal)
{
	if (rehearsal->no_replay != NULL)
		report_base(rehearsal, true, "modelled",
					psprintf("the schema was made from its model, the history could not be replayed: %s",
							 rehearsal->no_replay));
	else
		report_base(rehearsal, true, "replayed",
					psprintf("the schema was made by replaying the history, revisions: %d",
							 rehearsal->nhistory));
}

static void
receive(StringInfo message, void *arg)
{
	Rehearsal  *rehearsal = arg;
	MemoryContext old;
	PgmRehearsalRow row;
	int			what = pq_getmsgbyte(message);

	if (what == PGM_REHEARSED_ROW)
	{
		pgm_rehearse_get_row(message, &row);
		report_row(rehearsal, &row);
		return;
	}
	old = MemoryContextSwitchTo(rehearsal->context);
	if (what == PGM_REHEARSED_QUERY)
	{
		if (rehearsal->queries.data == NULL)
			initStringInfo(&rehearsal->queries);
		appendStringInfo(&rehearsal->queries, "%s%s",
						 rehearsal->queries.len > 0 ? ", " : "",
						 pgm_scratch_get_text(message));
		MemoryContextSwitchTo(old);
		return;
	}
	rehearsal->is_base = pq_getmsgbyte(message) != 0;
	rehearsal->base_error = pgm_scratch_get_text(message);
	if (!rehearsal->is_base && rehearsal->base_error[0] == '\0')
		rehearsal->base_schema = pgm_scratch_get_model(message);
	else if (rehearsal->is_base)
		report_way(rehearsal);
	MemoryContextSwitchTo(old);
}

static void
launch_and_follow(void *arg)
{
	static const PgmRunRight none = {PGM_RUN_NONE, 0};
	Rehearsal  *rehearsal = arg;
	PgmProcess *process;
	StringInfoData payload;
	ListCell   *lc;

	initStringInfo(&payload);
	pgm_scratch_put_text(&payload, rehearsal->fingerprint);
	put_history(&payload, rehearsal);
	pq_sendbyte(&payload, rehearsal->rows > 0);
	if (rehearsal->rows > 0)
		appendBinaryStringInfo(&payload, rehearsal->sample.message.data,
							   rehearsal->sample.message.len);
	pq_sendint32(&payload, list_length(rehearsal->watched));
	foreach(lc, rehearsal->watched)
		pgm_rehearse_put_watched(&payload, lfirst(lc));
	pq_sendint32(&payload, rehearsal->npending);
	for (int i = 0; i < rehearsal->npending; i++)
		pgm_rehearse_put_revision(&payload, rehearsal->pending[i]);
	pgm_txn_begin();
	AcceptInvalidationMessages();
	process = pgm_process_launch_in(get_database_oid(rehearsal->database,
													 false),
									PGM_JOB_REHEARSE_STEPS, none,
									payload.data, payload.len, 0);
	pgm_txn_commit();
	process->answer = receive;
	process->answer_arg = rehearsal;
	(void) pgm_process_follow(process);
	pfree(payload.data);
}

/* Replay, or only check, and then rehearse.  False if it is not the base. */
static bool
play(Rehearsal *rehearsal)
{
	rehearsal->is_base = false;
	pgm_process_guarded(launch_and_follow, rehearsal);
	return rehearsal->is_base;
}

static void
note_no_replay(Rehearsal *rehearsal)
{
	char	   *differences;

	if (rehearsal->base_schema == NULL)
	{
		rehearsal->no_replay = rehearsal->base_error;
		return;
	}
	differences = pgm_rehearse_differences(rehearsal->schema,
										   rehearsal->base_schema);
	rehearsal->no_replay =
		psprintf("it leads to another schema than the present one: %s",
				 differences != NULL ? differences : "the order of objects");
	rehearsal->base_schema = NULL;
}

/* The present schema from nothing, as diff() would write it. */
static void
build_from_model(Rehearsal *rehearsal)
{
	PgmDiffOptions options = {0};
	PgmScratchTask empty = {PGM_SCRATCH_MODEL};
	PgmScratchTask load = {PGM_SCRATCH_LOAD};

	pgm_scratch_work(rehearsal->database, 1, &empty);
	pgm_txn_begin();
	options.role = GetUserNameFromId(GetUserId(), false);
	load.text = pgm_diff_text(pgm_diff_write(empty.reading.model,
											 rehearsal->schema, &options));
	pgm_txn_commit();
	pgm_scratch_work(rehearsal->database, 1, &load);
}

/* False, with what stands in the way, if the model has no way either. */
static bool
try_model(Rehearsal *rehearsal, char **error)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ok = false;

	PG_TRY();
	{
		build_from_model(rehearsal);
		ok = true;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();

		/* not of the model, so it is no result */
		if (edata->elevel >= FATAL || pgm_process_is_cancelled() ||
			edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
			edata->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED)
			PG_RE_THROW();
		FlushErrorState();
		pgm_txn_abort();
		MemoryContextSwitchTo(context);
		*error = edata->context == NULL ? edata->message :
			psprintf("%s\n%s", edata->message, edata->context);
	}
	PG_END_TRY();
	return ok;
}

static void
perform(Rehearsal *rehearsal)
{
	char	   *error = NULL;

	rehearsal->started = pgm_clock_monotonic();
	pgm_scratch_create(1, &rehearsal->database);
	if (rehearsal->no_replay == NULL)
	{
		if (play(rehearsal))
			return;
		note_no_replay(rehearsal);
		pgm_scratch_create(1, &rehearsal->database);
	}
	if (try_model(rehearsal, &error))
	{
		if (play(rehearsal))
			return;
		error = pgm_rehearse_differences(rehearsal->schema,
										 rehearsal->base_schema);
		error = psprintf("what is made from the model differs: %s",
						 error != NULL ? error : "the order of objects");
	}
	report_base(rehearsal, false, "failed",
				psprintf("the present schema could not be made in a scratch database: %s\nthe history could not be replayed: %s",
						 error, rehearsal->no_replay));
}

/* Found by the checklist as long as the revisions are the same. */
static void
keep_result(const Rehearsal *rehearsal)
{
	PgmSpiScope scope;
	Datum		values[3];
	bool		nulls[3] = {false};

	pgm_txn_begin_own();
	values[0] = pgm_text_datum(rehearsal->digest);
	values[1] = BoolGetDatum(!rehearsal->failed);
	pgm_set_text(values, nulls, 2, rehearsal->queries.data == NULL ? NULL :
				 psprintf("[%s]", rehearsal->queries.data));
	pgm_spi_begin(&scope);
	pgm_spi_execute(&keep_query, values, nulls);
	pgm_spi_end(&scope);
	pgm_txn_commit();
}

/* An error that was caught meanwhile has ended the hold. */
static void
resume_cancel(void)
{
	if (QueryCancelHoldoffCount > 0)
		RESUME_CANCEL_INTERRUPTS();
}

static void
work(const PgmJob *job)
{
	Rehearsal	rehearsal = {0};
	StringInfoData payload;

	rehearsal.context = AllocSetContextCreate(TopMemoryContext,
											  "pgmigrate rehearsal",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(rehearsal.context);
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, job->payload, job->payload_size);
	rehearsal.target = pgm_scratch_get_text(&payload);
	rehearsal.rows = pq_getmsgint(&payload, 4);
	rehearsal.database = pgm_scratch_name("rehearsal", 1);
	prepare(&rehearsal);
	if (rehearsal.npending == 0)
		return;
	PG_TRY();
	{
		perform(&rehearsal);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(rehearsal.context);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_txn_abort();
		MemoryContextSwitchTo(rehearsal.context);
		HOLD_CANCEL_INTERRUPTS();
		pgm_scratch_drop(1, &rehearsal.database);
		resume_cancel();
		ReThrowError(edata);
	}
	PG_END_TRY();
	HOLD_CANCEL_INTERRUPTS();
	pgm_scratch_drop(1, &rehearsal.database);
	keep_result(&rehearsal);
	resume_cancel();
}

/* From here on: in the session. */

typedef struct Call
{
	const char *target;
	int			sample;
	PgmRehearsalVisitor visit;
	void	   *arg;
	int			rows;			/* that have come */
} Call;

static void
receive_row(StringInfo message, void *arg)
{
	Call	   *call = arg;
	PgmRehearsalRow row;

	pgm_rehearse_get_row(message, &row);
	call->visit(&row, call->arg);
	call->rows++;
}

static void
launch_worker(void *arg)
{
	static const PgmRunRight none = {PGM_RUN_NONE, 0};
	Call	   *call = arg;
	StringInfoData payload;
	PgmProcess *process;

	initStringInfo(&payload);
	pgm_scratch_put_text(&payload, call->target);
	pq_sendint32(&payload, call->sample);
	process = pgm_process_launch(PGM_JOB_REHEARSE, none, payload.data,
								 payload.len, PGM_LAUNCH_CLEANS_UP);
	process->answer = receive_row;
	process->answer_arg = call;
	(void) pgm_process_follow(process);
}

void
pgm_rehearse(const char *target, int rows, PgmRehearsalVisitor visit,
			 void *arg)
{
	Call		call = {target, rows, visit, arg};

	pgm_process_guarded(launch_worker, &call);
	if (call.rows == 0)
		ereport(NOTICE,
				errmsg("nothing to rehearse, the database is at the target already"));
}

void
pgm_rehearse_register(void)
{
	pgm_process_register(PGM_JOB_REHEARSE, work);
	pgm_process_register(PGM_JOB_REHEARSE_STEPS, pgm_rehearse_steps);
}
