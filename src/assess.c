/*-------------------------------------------------------------------------
 *
 * assess.c
 *	  Tell what revisions will do, before they do it.
 *
 * Everything happens in a subtransaction that is rolled back whatever comes:
 * the end, an error, or pgmigrate.assess_timeout.  When the time is over the
 * statements left are judged by their text alone, and say so.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/assess.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "assess.h"
#include "classify.h"
#include "compat.h"
#include "datacheck.h"
#include "error.h"
#include "guc.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "trial.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

static TimeoutId assess_timeout = MAX_TIMEOUTS;
static volatile sig_atomic_t timed_out = false;

typedef struct Assessment
{
	List	   *items;
	bool		trial;
	bool		data;
	List	   *judged;
	MemoryContext context;
} Assessment;

/* In a signal handler. */
static void
time_is_over(void)
{
	timed_out = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* What is judged by its text only has a second at least. */
static void
start_clock(bool trial)
{
	int			limit = trial ? pgm_assess_timeout :
		Max(pgm_assess_timeout, 1000);

	if (assess_timeout == MAX_TIMEOUTS)
		assess_timeout = RegisterTimeout(USER_TIMEOUT, time_is_over);
	timed_out = false;
	if (pgm_assess_timeout > 0)
		enable_timeout_after(assess_timeout, limit);
}

static void
stop_clock(void)
{
	if (pgm_assess_timeout > 0)
		disable_timeout(assess_timeout, false);
}

/* Later names are looked up as the revision's own SET has it. */
static void
follow_search_path(Node *stmt)
{
	VariableSetStmt *set;

	if (!IsA(stmt, VariableSetStmt))
		return;
	set = castNode(VariableSetStmt, stmt);
	if (set->name == NULL || strcmp(set->name, "search_path") != 0)
		return;
	if (set->kind == VAR_SET_VALUE)
		(void) set_config_option("search_path", ExtractSetVariableArgs(set),
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static void
judge_source(Assessment *assessment, const PgmAssessItem *item,
			 PgmClassifier *classifier, PgmTrial *trial)
{
	PgmLintPast past = {0};
	int			guc_level = NewGUCNestLevel();

	for (int n = 0; n < item->source->nstatements; n++)
	{
		PgmJudged  *judged = palloc0(sizeof(PgmJudged));

		CHECK_FOR_INTERRUPTS();
		judged->source = item->source;
		judged->n = n;
		judged->revision = item->revision;
		judged->verdict = pgm_classify(classifier, item->source, n);
		if (trial != NULL && item->trusted)
			pgm_trial_run(trial, judged->verdict);
		else if (trial != NULL)
		{
			judged->verdict->reason = pstrdup("its author does not have the privileges of the current role");
			trial->incomplete = true;
		}
		pgm_lint_statement(judged, &past);
		if (assessment->data && item->trusted)
			pgm_datacheck_statement(judged, assessment->judged);
		pgm_lint_suppress(judged);
		assessment->judged = lappend(assessment->judged, judged);
		follow_search_path(item->source->statements[n].raw->stmt);
	}

	/* the next revision begins with the settings of the session */
	AtEOXact_GUC(false, guc_level);
}

/* Judge what has not been judged yet. */
static void
judge_all(Assessment *assessment, bool trial)
{
	PgmTrial   *trials = NULL;
	PgmClassifier classifier = {NIL, NIL};
	int			guc_level = NewGUCNestLevel();
	List	   *sources = NIL;
	ListCell   *lc;

	/* nobody shall wait long for us, nor we for anybody */
	(void) set_config_option("lock_timeout", "1s",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, assessment->items)
	{
		const PgmAssessItem *item = lfirst(lc);

		if (item->trusted)
			sources = lappend(sources, item->source);
	}
	assessment->judged = NIL;

	/* a worker has none */
	PushActiveSnapshot(GetTransactionSnapshot());
	if (trial)
		trials = pgm_trial_begin(sources);
	foreach(lc, assessment->items)
		judge_source(assessment, lfirst(lc), &classifier, trials);
	if (trial)
		pgm_trial_end(trials);
	PopActiveSnapshot();
	AtEOXact_GUC(false, guc_level);
}

/* False if the time was over. */
static bool
judge_in_time(Assessment *assessment, bool trial)
{
	ResourceOwner owner = CurrentResourceOwner;
	int			level = GetCurrentTransactionNestLevel();
	ErrorData  *volatile error = NULL;

	start_clock(trial);
	BeginInternalSubTransaction("pgmigrate assess");
	MemoryContextSwitchTo(assessment->context);
	PG_TRY();
	{
		judge_all(assessment, trial);
		stop_clock();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		stop_clock();
		MemoryContextSwitchTo(assessment->context);
		error = CopyErrorData();
		FlushErrorState();

		/* ours must all be gone before the error goes on */
		while (GetCurrentTransactionNestLevel() > level)
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(assessment->context);
	CurrentResourceOwner = owner;
	if (error != NULL &&
		(error->sqlerrcode != ERRCODE_QUERY_CANCELED || !timed_out))
		ReThrowError(error);
	return error == NULL;
}

static void
say_not_in_time(List *all)
{
	ListCell   *lc;

	foreach(lc, all)
	{
		PgmJudged  *judged = lfirst(lc);

		judged->verdict->reason =
			psprintf("the assessment took longer than %d ms",
					 pgm_assess_timeout);
		(void) pgm_lint_find(judged, "assess-timeout", NULL,
							 psprintf("the statement was judged by its text only: the assessment took longer than %d ms",
									  pgm_assess_timeout),
							 pstrdup("Raise \"pgmigrate.assess_timeout\"."));
	}
}

List *
pgm_assess(List *items, bool trial, bool data)
{
	Assessment	assessment = {items, trial, data, NIL, CurrentMemoryContext};

	if (!judge_in_time(&assessment, trial))
	{
		/* the text alone is quick */
		assessment.data = false;
		if (!judge_in_time(&assessment, false))
			ereport(ERROR,
					errcode(ERRCODE_QUERY_CANCELED),
					errmsg("assessment took longer than %d ms",
						   pgm_assess_timeout),
					errhint("Raise \"pgmigrate.assess_timeout\"."));
		say_not_in_time(assessment.judged);
	}
	return assessment.judged;
}

List *
pgm_assess_plan_items(const PgmPlan *plan)
{
	List	   *items = NIL;

	for (int i = 0; i < plan->steps.nsteps; i++)
	{
		PgmRevision *revision;
		PgmAssessItem *item;
		int			rev = plan->steps.steps[i].rev;

		if (rev < 0)
			continue;
		revision = pgm_revision_get(pgm_graph_id(plan->graph, rev));
		if (revision == NULL)
			continue;
		item = palloc0(sizeof(PgmAssessItem));
		item->source = pgm_revision_source(revision, plan->direction);
		item->revision = revision->id;
		item->trusted = pgm_revision_is_trusted(revision);
		items = lappend(items, item);
	}
	return items;
}

void
pgm_assess_gate(const PgmPlan *plan)
{
	ListCell   *lc;

	if (strcmp(pgm_environment, "production") != 0 ||
		plan->direction != PGM_UP || plan->steps.nsteps == 0)
		return;
	foreach(lc, pgm_assess(pgm_assess_plan_items(plan), true, true))
	{
		PgmJudged  *judged = lfirst(lc);
		ListCell   *other;

		foreach(other, judged->findings)
		{
			PgmFinding *finding = lfirst(other);

			if (finding->rule->level != PGM_LEVEL_DANGER || finding->allowed)
				continue;
			ereport(ERROR,
					errcode(PGM_ERRCODE_DANGER_REFUSED),
					errmsg("statement %d of revision \"%s\" is dangerous: %s",
						   judged->n + 1, judged->revision,
						   finding->message),
					errdetail("Rule \"%s\" forbids it where \"pgmigrate.environment\" is production.",
							  finding->rule->id),
					errhint("Change the revision as pgmigrate.assess() proposes, or write the comment \"pgmigrate: allow %s because ...\" before the statement.",
							finding->rule->id));
		}
	}
}
