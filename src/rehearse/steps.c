/*-------------------------------------------------------------------------
 *
 * steps.c
 *	  The part of a rehearsal that takes place in the scratch database.
 *
 *	history, each up			the schema must be the present one then
 *	each pending revision:
 *	  up						or it ends here
 *	  down						the schema must be that of before
 *	  up						the schema must be that after the first up
 *
 * A revision runs as it is written: without the strategies and the ladder of a
 * run, as nobody else is there.  What acts outside of the database is left out
 * or fails, see scratch/outside.c.  After a failure that leaves the schema of
 * neither end, the rest is skipped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/settings.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "exec/execute.h"
#include "process/report.h"
#include "rehearse/internal.h"
#include "rehearse/sample.h"
#include "schema/fingerprint.h"
#include "scratch/outside.h"
#include "store/step_method.h"

/* A schema, in a memory context of its own. */
typedef struct State
{
	MemoryContext context;
	PgmSchema  *schema;
	char	   *fingerprint;
} State;

typedef struct Player
{
	const PgmJob *job;
	PgmExec		exec;
	MemoryContext context;		/* lives as long as the rehearsal */
	int			step;
	int			done;			/* statements committed by themselves */
	bool		stopped;		/* what follows cannot be rehearsed */
	State		before;
	PgmRehearsedQueries *queries;	/* NULL: none is watched */
} Player;

/* What became of a revision in one direction. */
typedef struct Outcome
{
	bool		ok;
	int64		duration;
	char	   *error;
	char	   *skipped;		/* commands that were left out */
} Outcome;

static void
verify(const Player *player, const PgmRevision *revision,
	   PgmDirection direction)
{
	if (direction == PGM_UP && revision->verify != NULL)
		pgm_exec_verify(&player->exec,
						pgm_source_parse(revision->verify, PGM_SOURCE_VERIFY,
										 revision->id), true);
}

static void
run_by_statement(Player *player, const PgmRevision *revision,
				 PgmDirection direction, const PgmSource *source)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		pgm_process_check_cancel();
		if (pgm_statement_runs_alone(&source->statements[i]))
			pgm_txn_begin();
		else
			pgm_txn_begin_block();
		(void) pgm_exec_statement(&player->exec, source, i, true);
		pgm_txn_commit();
		player->done++;
	}
	pgm_txn_begin_block();
	verify(player, revision, direction);
	pgm_txn_commit();
}

static void
run_in_transaction(Player *player, const PgmRevision *revision,
				   PgmDirection direction, const PgmSource *source)
{
	int			guc_level;

	pgm_txn_begin_block();
	guc_level = NewGUCNestLevel();
	for (int i = 0; i < source->nstatements; i++)
	{
		pgm_process_check_cancel();
		(void) pgm_exec_statement(&player->exec, source, i, true);
	}
	verify(player, revision, direction);
	AtEOXact_GUC(false, guc_level);
	pgm_txn_commit();
}

typedef void (*StepPlayer) (Player *player, const PgmRevision *revision,
							PgmDirection direction, const PgmSource *source);

static const StepPlayer players[PGM_NSTEP_METHODS] = {
	[PGM_STEP_IN_TRANSACTION] = run_in_transaction,
	[PGM_STEP_BY_STATEMENT] = run_by_statement
};

static char *
describe(const ErrorData *edata)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, edata->message ? edata->message : "");
	if (edata->detail != NULL)
		appendStringInfo(&text, "\n%s", edata->detail);
	if (edata->hint != NULL)
		appendStringInfo(&text, "\n%s", edata->hint);
	if (edata->context != NULL)
		appendStringInfo(&text, "\n%s", edata->context);
	return text.data;
}

char *
pgm_rehearse_recover(MemoryContext context)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	if (edata->elevel >= FATAL || pgm_process_is_cancelled())
		PG_RE_THROW();
	FlushErrorState();
	disable_timeout(STATEMENT_TIMEOUT, false);
	debug_query_string = NULL;
	pgm_txn_abort();
	MemoryContextSwitchTo(context);
	return describe(edata);
}

static void
run(Player *player, const PgmRevision *revision, PgmDirection direction,
	Outcome *outcome)
{
	MemoryContext context = AllocSetContextCreate(player->context,
												  "pgmigrate rehearsal step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int64		started = pgm_clock_monotonic();

	memset(outcome, 0, sizeof(Outcome));
	player->done = 0;
	PG_TRY();
	{
		PgmSource  *source;

		pgm_txn_begin();
		source = pgm_revision_source(revision, direction);
		pgm_txn_commit();
		players[pgm_step_method(revision, source)] (player, revision,
													direction, source);
		outcome->ok = true;
	}
	PG_CATCH();
	{
		outcome->error = pgm_rehearse_recover(player->context);
	}
	PG_END_TRY();
	outcome->duration = pgm_clock_monotonic() - started;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	pgm_txn_begin();
	pgm_session_reset(player->job->settings, player->job->settings_size, true);
	pgm_txn_commit();
	pgm_scratch_enter(player->job);
	outcome->skipped = pgm_outside_skipped();
}

static void
read_state(Player *player, State *state)
{
	MemoryContext old;
	int			guc_level;

	state->context = AllocSetContextCreate(player->context,
										   "pgmigrate rehearsal schema",
										   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(state->context);
	pgm_txn_begin();

	/* the same queries after each step: to plan them takes as long as they */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("plan_cache_mode", "force_generic_plan",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	state->schema = pgm_rehearse_read_schema(false);
	AtEOXact_GUC(false, guc_level);
	state->fingerprint = pgm_schema_digest(state->schema);
	pgm_txn_commit();
	MemoryContextSwitchTo(old);
}

static void
become(State *state, const State *other)
{
	MemoryContextDelete(state->context);
	*state = *other;
}

static void
report(Player *player, const PgmRevision *revision, PgmDirection direction,
	   const char *state, bool ok, const Outcome *outcome,
	   const char *fingerprint, const char *detail)
{
	PgmRehearsalRow row = {0};
	StringInfoData message;
	StringInfoData details;

	initStringInfo(&details);
	if (detail != NULL)
		appendStringInfoString(&details, detail);
	if (outcome != NULL && outcome->error != NULL)
		appendStringInfoString(&details, outcome->error);
	if (outcome != NULL && outcome->skipped != NULL)
		appendStringInfo(&details,
						 "%sleft out, as it acts outside of the database: %s",
						 details.len > 0 ? "\n" : "", outcome->skipped);
	row.step = ++player->step;
	row.revision = revision->id;
	row.direction = direction == PGM_UP ? "up" : "down";
	row.state = state;
	row.duration = outcome != NULL ? outcome->duration : -1;
	row.fingerprint = fingerprint;
	row.ok = ok;
	row.detail = details.len > 0 ? details.data : NULL;

	initStringInfo(&message);
	pq_sendbyte(&message, PGM_REHEARSED_ROW);
	pgm_rehearse_put_row(&message, &row);
	pgm_report_answer(&message);
	pfree(message.data);
	pfree(details.data);
}

/* False if the schema is that of neither end. */
static bool
report_failure(Player *player, const PgmRevision *revision,
			   PgmDirection direction, const Outcome *outcome)
{
	report(player, revision, direction, "failed", false, outcome, NULL, NULL);
	return player->done == 0;
}

/* Down and up again; "after" is the schema in between, and becomes the last. */
static void
rehearse_way_back(Player *player, const PgmRevision *revision, State *after)
{
	Outcome		outcome;
	State		state;
	char	   *differences;

	if (revision->downgrade == NULL)
	{
		report(player, revision, PGM_DOWN, "missing", false, NULL, NULL,
			   "the revision has no downgrade");
		return;
	}
	run(player, revision, PGM_DOWN, &outcome);
	if (!outcome.ok)
	{
		player->stopped = !report_failure(player, revision, PGM_DOWN,
										  &outcome);
		return;
	}
	read_state(player, &state);
	differences = pgm_rehearse_differences(player->before.schema,
										   state.schema);
	if (differences != NULL)
		differences = psprintf("the downgrade does not lead back: %s",
							   differences);
	report(player, revision, PGM_DOWN, differences ? "lossy" : "done",
		   differences == NULL, &outcome, state.fingerprint, differences);

	run(player, revision, PGM_UP, &outcome);
	MemoryContextDelete(state.context);
	if (!outcome.ok)
	{
		(void) report_failure(player, revision, PGM_UP, &outcome);
		player->stopped = true;
		return;
	}
	read_state(player, &state);
	differences = pgm_rehearse_differences(after->schema, state.schema);
	if (differences != NULL)
		differences = psprintf("it does not lead where the first upgrade did: %s",
							   differences);
	report(player, revision, PGM_UP, differences ? "differs" : "done",
		   differences == NULL, &outcome, state.fingerprint, differences);
	become(after, &state);
}

/* What it did to watched queries: "refuse" makes the rehearsal fail. */
static void
report_queries(Player *player, const PgmRevision *revision)
{
	bool		slower;
	char	   *detail;

	if (player->queries == NULL)
		return;
	detail = pgm_rehearse_queries_after(player->queries, revision->id,
										&slower);
	if (detail != NULL)
		report(player, revision, PGM_UP, slower ? "slower" : "broken",
			   !slower || pgm_guard != PGM_GUARD_REFUSE, NULL, NULL, detail);
}

static void
rehearse_revision(Player *player, const PgmRevision *revision)
{
	Outcome		outcome;
	State		after;

	if (player->stopped)
	{
		report(player, revision, PGM_UP, "skipped", false, NULL, NULL,
			   "a step before has failed");
		return;
	}
	run(player, revision, PGM_UP, &outcome);
	if (!outcome.ok)
	{
		(void) report_failure(player, revision, PGM_UP, &outcome);
		player->stopped = true;
		return;
	}
	read_state(player, &after);
	report(player, revision, PGM_UP, "done", true, &outcome,
		   after.fingerprint, NULL);
	report_queries(player, revision);
	rehearse_way_back(player, revision, &after);
	become(&player->before, &after);
}

/* Is the database as it should be?  Says so, with the schema if not. */
static bool
check_base(Player *player, const char *expected, char *error)
{
	StringInfoData message;
	bool		ok;

	read_state(player, &player->before);
	ok = error == NULL &&
		strcmp(player->before.fingerprint, expected) == 0;
	initStringInfo(&message);
	pq_sendbyte(&message, PGM_REHEARSED_BASE);
	pq_sendbyte(&message, ok);
	pgm_scratch_put_text(&message, error == NULL ? "" : error);
	if (!ok && error == NULL)
		pgm_scratch_put_model(&message, player->before.schema);
	pgm_report_answer(&message);
	return ok;
}

/*
 * A schema of a fleet was there before its first revision, which would make in
 * the next one of the path what it makes.
 */
static void
make_schema(const char *name)
{
	pgm_txn_begin();
	if (!OidIsValid(get_namespace_oid(name, true)))
		(void) NamespaceCreate(name, GetUserId(), false);
	pgm_txn_commit();
}

/* Why it could not be, or NULL. */
static char *
replay(Player *player, StringInfo payload)
{
	int			n = pq_getmsgint(payload, 4);
	char	   *error = NULL;

	for (int i = 0; i < n; i++)
	{
		char	   *path = pgm_rehearse_get_optional(payload);
		PgmRevision *revision = pgm_rehearse_get_revision(payload);
		Outcome		outcome;

		if (error != NULL)
			continue;
		if (path != NULL)
			SetConfigOption("search_path", path, PGC_USERSET, PGC_S_SESSION);
		if (revision->for_schema != NULL)
			make_schema(revision->for_schema);
		run(player, revision, PGM_UP, &outcome);
		if (!outcome.ok)
			error = psprintf("revision \"%s\": %s", revision->id,
							 outcome.error);
	}
	return error;
}

void
pgm_rehearse_steps(const PgmJob *job)
{
	Player		player = {0};
	StringInfoData payload;
	char	   *expected;
	char	   *error;
	int			n;
	bool		sampled;

	player.job = job;
	player.exec.worker = true;
	player.exec.label = "rehearsal";
	player.context = AllocSetContextCreate(TopMemoryContext,
										   "pgmigrate rehearsal",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(player.context);
	pgm_scratch_enter(job);
	pgm_outside_skip();
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, job->payload, job->payload_size);
	expected = pgm_scratch_get_text(&payload);
	error = replay(&player, &payload);
	sampled = pq_getmsgbyte(&payload) != 0;
	if (!check_base(&player, expected, error))
		return;
	if (sampled)
		pgm_rehearse_load_sample(&payload);
	player.queries = pgm_rehearse_queries_begin(&payload, sampled);
	n = pq_getmsgint(&payload, 4);
	for (int i = 0; i < n; i++)
		rehearse_revision(&player, pgm_rehearse_get_revision(&payload));
	if (player.queries != NULL)
		pgm_rehearse_queries_end(player.queries);
}
