/*-------------------------------------------------------------------------
 *
 * run.c
 *	  The ledger of a run whose SQL is run by psql.
 *
 * The output of script() calls these between the statements of the revisions.
 * The session holds the run lock from the first call to the last; the server
 * releases it when a statement of the script fails, and then the run is over:
 * its row is found interrupted, and the next call here says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "exec/execute.h"
#include "exec/session_objects.h"
#include "lock/ladder.h"
#include "run/runner.h"
#include "script/write.h"
#include "sql/parse_text.h"
#include "sql/statements.h"
#include "store/authors.h"
#include "store/begun_statement.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/partly_applied.h"
#include "store/run_lock.h"
#include "store/schema_record.h"

/* The run of this session's script; context is NULL when there is none. */
typedef struct ScriptRun
{
	MemoryContext context;
	PgmPlan    *plan;
	char	  **digests;		/* of the steps, as the script was made */
	StringInfoData settings;	/* of the session when the script began */
	char	   *role;
	int64		run;
	int			steps_done;
	bool		in_step;		/* a statement of the next step was marked */
	int			encoding;		/* of the client … */
	List	   *objects;		/* … and temporary objects when it began */
	MemoryContext step_context; /* of what follows, reset after each step */
	PgmRevision *revision;		/* of the next step, NULL if not read yet */
	PgmSource  *source;			/* its statements */
	int64		clock;			/* when the step began */
	TimestampTz started;
} ScriptRun;

static ScriptRun current;

static void
forget(void)
{
	if (current.context != NULL)
		MemoryContextDelete(current.context);
	memset(&current, 0, sizeof(current));
}

static bool
same_texts(int n, char **left, int m, char **right)
{
	if (n != m)
		return false;
	for (int i = 0; i < n; i++)
		if (strcmp(left[i], right[i]) != 0)
			return false;
	return true;
}

static void
refuse_stale(const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("the script does not fit this database"),
			errdetail("%s", detail),
			errhint("Take a new script with pgmigrate.script()."));
}

static void
refuse_changed(void)
{
	refuse_stale("A stored revision was changed since the script was made.");
}

static void
check_fits(const PgmPlan *plan, int nheads, char **heads, int nrevisions,
		   char **revisions, int ndigests, char **digests)
{
	char	  **stored;

	if (!same_texts(plan->nheads, plan->heads, nheads, heads))
		refuse_stale("Its current heads are not those that the script begins from.");
	if (plan->steps.nsteps != nrevisions || nrevisions != ndigests)
		refuse_stale("The stored revisions lead to the target by other steps.");
	for (int i = 0; i < nrevisions; i++)
		if (strcmp(pgm_graph_id(plan->graph, plan->steps.steps[i].rev),
				   revisions[i]) != 0)
			refuse_stale("The stored revisions lead to the target by other steps.");
	stored = pgm_revision_digests(nrevisions, revisions);
	for (int i = 0; i < nrevisions; i++)
		if (strcmp(stored[i], digests[i]) != 0)
			refuse_changed();
}

/*
 * The SQL runs in the session of psql, where RESET ROLE leads back to who has
 * logged in.
 */
static void
check_session_roles(int n, char **revisions)
{
	pgm_authors_check(n, revisions, GetSessionUserId());
	pgm_authors_check(n, revisions, GetAuthenticatedUserId());
}

static void
begin_clock(void)
{
	current.clock = pgm_clock_monotonic();
	current.started = GetCurrentTimestamp();
}

int64
pgm_script_begin(PgmDirection direction, const char *target, int nheads,
				 char **heads, int nrevisions, char **revisions, int ndigests,
				 char **digests)
{
	MemoryContext old;
	PgmRunRequest request = {0};

	pgm_ledger_refuse_recovery();
	if (IsTransactionBlock() || IsSubTransaction())
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("the script cannot run inside a transaction block"),
				errdetail("It has transactions of its own."),
				errhint("Run it without psql's option --single-transaction."));

	pgm_run_unlock();
	forget();
	current.context = AllocSetContextCreate(TopMemoryContext,
											"pgmigrate script",
											ALLOCSET_DEFAULT_SIZES);
	current.step_context = AllocSetContextCreate(current.context,
												 "pgmigrate script step",
												 ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(current.context);
	request.direction = direction;
	request.target = target;
	request.session_role = GetSessionUserId();
	current.run = pgm_runner_begin_script(&request, &current.plan);
	check_fits(current.plan, nheads, heads, nrevisions, revisions, ndigests,
			   digests);
	pgm_begun_refuse_online(nrevisions, revisions);
	check_session_roles(nrevisions, revisions);
	current.digests = palloc(sizeof(char *) * Max(ndigests, 1));
	for (int i = 0; i < ndigests; i++)
		current.digests[i] = pstrdup(digests[i]);
	initStringInfo(&current.settings);
	pgm_session_keep(&current.settings, &current.role);
	current.encoding = pg_get_client_encoding();
	current.objects = pgm_session_objects();
	MemoryContextSwitchTo(old);
	begin_clock();
	return current.run;
}

/*
 * The revision must be the next step of a script that is still running, and
 * be what the script was made from: what ran is in the script, and the ledger
 * keeps the digest of what ran.  Nobody can change it from here to the end of
 * the transaction.
 */
static void
check_next(const char *id)
{
	const PgmGraphStep *step;
	char	   *digest;

	if (current.context == NULL || !pgm_run_lock_held())
	{
		forget();
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("no script is running in this session"),
				errdetail("An error ends the run of a script."),
				errhint("Run the script with ON_ERROR_STOP; to go on, take a new one with pgmigrate.script()."));
	}
	step = &current.plan->steps.steps[current.steps_done];
	if (current.steps_done >= current.plan->steps.nsteps ||
		strcmp(pgm_graph_id(current.plan->graph, step->rev), id) != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("revision \"%s\" is not the next step of the script",
					   id));
	digest = pgm_revision_digest_for_share(id);
	if (digest == NULL ||
		strcmp(digest, current.digests[current.steps_done]) != 0)
		refuse_changed();
}

/* Its statements: it is read and parsed once, however many there are. */
static PgmSource *
next_source(const char *id)
{
	check_next(id);
	if (current.source == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(current.step_context);

		current.revision = pgm_revision_get(id);
		current.source = pgm_revision_source(current.revision,
											 current.plan->direction);
		MemoryContextSwitchTo(old);
	}
	return current.source;
}

/* What psql has sent since was read as we have read it, so many statements. */
static void
check_reading(const PgmSource *source, int done)
{
	PgmReading	expected = {true, current.encoding};

	if (done > 0)
		expected.conforming =
			pgm_conforming_after(source->statements[done - 1].raw->stmt,
								 source->statements[done - 1].conforming);
	pgm_reading_check(&expected);
}

/* The statements before this one are done. */
void
pgm_script_statement(const char *revision_id, int statement)
{
	PgmSource  *source = next_source(revision_id);
	const char *direction = pgm_direction_name(current.plan->direction);
	bool		begun_before = false;
	int			step = current.steps_done + 1;
	int			done = statement - 1;

	if (done < 0 || done > source->nstatements)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("revision \"%s\" has no statement %d", revision_id,
					   statement));
	if (current.in_step)
		check_reading(source, done);
	if (!current.in_step)
	{
		PgmResume	resume;

		pgm_resume_find(current.revision, source, current.plan->direction,
						&resume);
		if (resume.done != done)
			refuse_stale("Statements of its next revision are done that it would run again.");
		begun_before = resume.retried && resume.same;
		pgm_journal_step_begin(current.run, step, source->nstatements, done);
		current.in_step = true;
	}
	else if (done > 0)
		pgm_begun_done(current.run, step, direction, source, done - 1, done);
	if (!begun_before && done < source->nstatements)
	{
		PgmBegun	begun = {0};

		begun.revision = source->revision;
		begun.direction = direction;
		begun.statement = statement;
		begun.run = current.run;
		pgm_resume_begin(&begun, source, done);
	}
}

typedef struct Span
{
	const PgmSource *source;
	int			first;			/* from 0 */
	int			end;
} Span;

static void
collect_span(PgmLockNeeds *needs, void *arg)
{
	const Span *span = arg;
	int			guc_level = NewGUCNestLevel();

	for (int i = span->first; i < span->end; i++)
	{
		pgm_source_follow(span->source, i);
		pgm_lockneeds_statement(needs, span->source, i);
	}
	AtEOXact_GUC(false, guc_level);
}

/*
 * The statements run by psql would queue for their locks, and everybody else
 * behind them.
 */
void
pgm_script_locks(const char *revision_id, int first, int last)
{
	PgmSource  *source = next_source(revision_id);
	Span		span = {source, first - 1, last};
	PgmExec		exec = {0};
	PgmLockWait *wait;

	if (first < 1 || last < first || last > source->nstatements)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("revision \"%s\" has no statements %d to %d",
					   revision_id, first, last));
	if (!IsTransactionBlock())
		ereport(ERROR,
				errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				errmsg("the locks of a script can only be taken in a transaction block"),
				errhint("Run the script as pgmigrate.script() wrote it."));
	wait = pgm_lockwait_create(&exec);
	pgm_lockwait_begin(wait, revision_id);
	pgm_lockwait_get(wait, collect_span, &span);
}

void
pgm_script_step(const char *revision_id)
{
	PgmSource  *source = next_source(revision_id);
	PgmRevision *revision = current.revision;
	PgmExec		exec = {0};

	check_reading(source, source->nstatements);
	if (current.plan->direction == PGM_UP && revision->verify != NULL)
		pgm_exec_verify(&exec, pgm_source_parse(revision->verify,
												PGM_SOURCE_VERIFY,
												revision->id), false);
	pgm_runner_record(current.plan, current.run, current.steps_done + 1,
					  revision, source->nstatements, current.started,
					  pgm_clock_monotonic() - current.clock);
	pgm_session_restore(current.settings.data, current.settings.len,
						current.role);
	pgm_session_objects_drop(current.objects, source);
	current.steps_done++;
	current.in_step = false;
	current.source = NULL;
	MemoryContextReset(current.step_context);
	begin_clock();
}

void
pgm_script_end(void)
{
	int			nheads;
	char	  **heads;

	if (current.context == NULL || !pgm_run_lock_held() ||
		current.steps_done < current.plan->steps.nsteps)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the script has not done all of its steps"));
	heads = pgm_plan_heads_after(current.plan, &nheads);
	pgm_journal_end(current.run, nheads, heads);
	if (IsTransactionBlock())
		pgm_schema_record_keep_amid(current.run);
	else
		pgm_schema_record_keep(current.run);
	pgm_run_unlock();
	forget();
}
