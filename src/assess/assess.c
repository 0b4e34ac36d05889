/*-------------------------------------------------------------------------
 *
 * assess.c
 *	  Tell what revisions will do, before they do it.
 *
 * Everything happens in a subtransaction that is rolled back whatever comes:
 * the end, an error, or pgmigrate.assess_timeout.  Two thirds of that time
 * are for trials: then the statements left are judged by their text alone, and
 * say so.  What was judged before stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "assess/assess.h"
#include "assess/dependents.h"
#include "assess/level.h"
#include "assess/losses.h"
#include "assess/missing_objects.h"
#include "assess/passes.h"
#include "assess/predictions.h"
#include "assess/row_checks.h"
#include "assess/row_plans.h"
#include "assess/trial.h"
#include "assess/type_change.h"
#include "assess/wrong_names.h"
#include "base/clock.h"
#include "base/settings.h"
#include "citus/nodes.h"
#include "citus/tables.h"
#include "classify/classify.h"
#include "compat/server.h"
#include "lock/held.h"
#include "online/downgrade.h"
#include "online/shadow_table.h"
#include "sql/relation_names.h"
#include "store/authors.h"
#include "store/begun_statement.h"
#include "store/leftover_indexes.h"
#include "store/partly_applied.h"

/* So often it begins anew when tables come and go meanwhile. */
#define MAX_RACES 5

static TimeoutId assess_timeout = MAX_TIMEOUTS;
static volatile sig_atomic_t timed_out = false;

typedef struct Assessment
{
	List	   *items;
	bool		data;
	bool		late;			/* the time was over, the text is left */
	bool		whole;			/* tables are copied whole … */
	bool		in_part;		/* … or one was not */
	PgmClassifier classifier;
	int64		start;
	MemoryContext context;

	/* what is judged, and where to go on */
	List	   *judged;
	List	   *verdicts;		/* of these */
	int			item;
	int			n;				/* statement of it */
	PgmLintPast past;			/* of the item */
	PgmRates	rates;
	PgmDataPast rows;
	const PgmAssessItem *replaced;	/* what a way back replaces: of this … */
	int			first_replaced; /* … these … */
	PgmReplaced back;			/* … up to the last one */
	PgmPassSeen pass;
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
start_clock(const Assessment *assessment, bool trial)
{
	int64		spent = (pgm_clock_monotonic() - assessment->start) / 1000;
	int64		left = pgm_assess_timeout - spent;

	if (assess_timeout == MAX_TIMEOUTS)
		assess_timeout = RegisterTimeout(USER_TIMEOUT, time_is_over);
	timed_out = false;
	if (pgm_assess_timeout > 0)
		enable_timeout_after(assess_timeout,
							 trial ? Max(left * 2 / 3, 1) : Max(left, 1000));
}

static void
stop_clock(void)
{
	if (pgm_assess_timeout <= 0)
		return;
	disable_timeout(assess_timeout, false);

	/* over at the last moment, when nothing was left to interrupt */
	if (timed_out)
		QueryCancelPending = false;
}

static void
say_too_late(PgmJudged *judged)
{
	judged->verdict->reason = psprintf("the assessment took longer than %d ms",
									   pgm_assess_timeout);
	(void) pgm_lint_find(judged, "assess-timeout", NULL,
						 psprintf("the statement was judged by its text only: the assessment took longer than %d ms",
								  pgm_assess_timeout),
						 pstrdup("Raise \"pgmigrate.assess_timeout\"."));
}

/* ---- the way back of a change, in place of its downgrade */

static bool
is_replaced(const Assessment *assessment, const PgmAssessItem *item, int n)
{
	return assessment->replaced == item && n >= assessment->first_replaced &&
		n <= assessment->back.last;
}

/* Those after the first go along with it. */
static void
note_replaced(Assessment *assessment, const PgmAssessItem *item, int n)
{
	if (item->downgraded == NULL || item->why_plain != NULL ||
		is_replaced(assessment, item, n) ||
		!pgm_shadow_replaced(item->downgraded, item->source, n,
							 &assessment->back))
		return;
	assessment->replaced = item;
	assessment->first_replaced = n;
}

/* ---- one statement */

/* As a run in a worker would carry it out. */
static PgmStrategy *
strategy_of(Assessment *assessment, const PgmAssessItem *item,
			const PgmVerdict *verdict)
{
	bool		tried = verdict->tried && verdict->sqlerrcode == 0;
	Oid			relid = pgm_shadow_altered_by(item->source, verdict->n);
	PgmStrategy *strategy;

	/* what is dropped for a change, and made again, goes along as written */
	if (is_replaced(assessment, item, verdict->n) && OidIsValid(relid))
		return pgm_strategy_way_back(relid, assessment->back.operation->id,
									 assessment->back.operation->state ==
									 PGM_OPERATION_REVERTED);
	strategy = pgm_strategy_choose(verdict, &assessment->rates, tried);
	if (strategy->kind != PGM_STRATEGY_PLAIN && item->why_plain != NULL)
		strategy = pgm_strategy_plain(item->why_plain);
	strategy = pgm_strategy_in_pass(&assessment->pass, verdict, strategy);
	(void) pgm_strategy_verdict(strategy, verdict);
	return strategy;
}

/* What is found out as the current role, who has its author's privileges. */
static void
try_statement(const Assessment *assessment, const PgmAssessItem *item,
			  PgmVerdict *verdict, PgmTrial *trial)
{
	if (assessment->data)
		pgm_plan_rows(verdict, item->authored);
	if (trial != NULL)
		pgm_trial_run(trial, verdict);
	pgm_find_dependents(verdict, assessment->judged,
						trial == NULL ? InvalidOid : trial->first_oid);
	pgm_find_wrong_names(verdict, assessment->verdicts, item->authored);
	pgm_find_missing_objects(verdict, assessment->verdicts);
}

/* What the way back of a change would be refused with. */
static void
judge_way_back(Assessment *assessment, PgmJudged *judged,
			   const PgmAssessItem *item, int n)
{
	const PgmReplaced *replaced = &assessment->back;
	PgmExec		exec = {0};
	ListCell   *lc;

	if (!is_replaced(assessment, item, n) || n != assessment->first_replaced)
		return;
	foreach(lc, pgm_shadow_foresee_revert(&exec, item->source, n, replaced))
	{
		const ErrorData *edata = lfirst(lc);

		(void) pgm_lint_find(judged, "way-back-refused", NULL,
							 psprintf("the way back of operation " INT64_FORMAT " would be refused: %s%s%s",
									  replaced->operation->id, edata->message,
									  edata->detail == NULL ? "" : ".  ",
									  edata->detail == NULL ? "" :
									  edata->detail),
							 edata->hint);
	}
}

/* The last statement of the pass that statement n goes along with. */
static int
last_of_pass(Oid relid, const PgmSource *source, int n)
{
	for (int i = 0; i <= n; i++)
	{
		int			last = pgm_shadow_joint_last(source, i);

		if (last >= n)
			return last;
	}
	return pgm_shadow_last(relid, source, n);
}

/* A trial is of the statement as it is written. */
static void
try_as_online(const PgmJudged *judged, PgmTrial *trial)
{
	PgmVerdict *verdict = judged->verdict;

	if ((judged->strategy->kind == PGM_STRATEGY_SHADOW_TABLE ||
		 judged->strategy->kind == PGM_STRATEGY_WAY_BACK) &&
		verdict->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED)
		pgm_type_change_carry(trial, verdict,
							  last_of_pass(judged->strategy->relid,
										   judged->source, judged->n));
	pgm_type_change_again(trial, verdict);
}

static PgmJudged *
judge_statement(Assessment *assessment, const PgmAssessItem *item, int n,
				PgmTrial *trial)
{
	PgmJudged  *judged = palloc0(sizeof(PgmJudged));

	judged->source = item->source;
	judged->n = n;
	judged->revision = item->revision;
	judged->verdict = pgm_classify(&assessment->classifier, item->source, n);
	if (trial != NULL)
		trial->authored = item->authored;
	if (item->trusted)
		try_statement(assessment, item, judged->verdict, trial);
	else if (trial != NULL)
	{
		judged->verdict->reason = pstrdup("its author does not have the privileges of the current role");
		trial->incomplete = true;
	}
	note_replaced(assessment, item, n);
	judged->strategy = strategy_of(assessment, item, judged->verdict);
	if (trial != NULL && item->trusted)
		try_as_online(judged, trial);
	pgm_lint_statement(judged, &assessment->past);
	judge_way_back(assessment, judged, item, n);
	if (assessment->late)
		say_too_late(judged);
	if (assessment->data && item->trusted)
		pgm_datacheck_statement(judged, &assessment->rows,
								trial == NULL ? NULL : trial->clones);
	return judged;
}

/* The statement that failed begins without what it has left. */
static void
drop_leftovers(Assessment *assessment, const PgmAssessItem *item,
			   PgmTrial *trial)
{
	ListCell   *lc;

	foreach(lc, item->leftovers)
		pgm_trial_run(trial, pgm_classify(&assessment->classifier,
										  lfirst(lc), 0));
}

/* What a run has done is not done again, but for settings of the session. */
static bool
is_left(const PgmAssessItem *item, int n)
{
	return n >= item->done || pgm_resume_repeats(item->source, n);
}

/* Statements after SET ROLE are run, and tried, as that role. */
static void
follow_role(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	VariableSetStmt *set;

	if (!IsA(stmt, VariableSetStmt))
		return;
	set = castNode(VariableSetStmt, stmt);
	if (set->name == NULL || strcmp(set->name, "role") != 0)
		return;

	/* one that may not be taken is told by a failure of the run */
	(void) set_config_option("role", set->kind == VAR_SET_VALUE ?
							 ExtractSetVariableArgs(set) : "none",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, DEBUG1, false);
}

static void
judge_source(Assessment *assessment, const PgmAssessItem *item,
			 PgmTrial *trial)
{
	int			guc_level = NewGUCNestLevel();

	for (int n = 0; n < item->source->nstatements; n++)
	{
		if (!is_left(item, n))
			continue;
		if (n >= assessment->n)
		{
			PgmJudged  *judged;

			CHECK_FOR_INTERRUPTS();
			if (n == item->done && trial != NULL && item->trusted)
				drop_leftovers(assessment, item, trial);
			judged = judge_statement(assessment, item, n, trial);
			pgm_lint_remember(judged, &assessment->past);
			pgm_datacheck_remember(judged, &assessment->rows);
			assessment->judged = lappend(assessment->judged, judged);
			assessment->verdicts = lappend(assessment->verdicts,
										   judged->verdict);
			assessment->n = n + 1;
		}
		pgm_source_follow(item->source, n);
		follow_role(item->source, n);
	}

	/* the next revision begins with the settings of the session */
	AtEOXact_GUC(false, guc_level);
}

/* All of a source is known: nothing of this can be interrupted. */
static void
judge_whole(Assessment *assessment, const PgmSource *source)
{
	int			first = list_length(assessment->judged);
	List	   *judged;
	ListCell   *lc;

	while (first > 0 &&
		   ((PgmJudged *) list_nth(assessment->judged,
								   first - 1))->source == source)
		first--;
	judged = list_copy_tail(assessment->judged, first);
	if (!pgm_transaction_per_migration)
		pgm_lint_foresee(judged);
	pgm_lint_relieve(judged);
	pgm_lint_away(judged);
	pgm_note_losses(assessment->judged, list_length(judged));
	pgm_level_by_effect(judged);
	foreach(lc, judged)
		pgm_lint_suppress(lfirst(lc));
}

/*
 * Is it no fault of ours?  A relation was dropped between a look at the
 * catalog and the next, or a catalog is being truncated by a vacuum.
 */
static bool
is_race(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INTERNAL_ERROR ||
		error->sqlerrcode == ERRCODE_UNDEFINED_TABLE ||
		error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* What a revision leaves behind, once it is committed. */
static void
end_revision(Assessment *assessment, PgmTrial *trial)
{
	List	   *enums = assessment->past.enums;
	ListCell   *lc;

	memset(&assessment->past, 0, sizeof(PgmLintPast));
	if (!pgm_transaction_per_migration)
	{
		assessment->past.enums = enums;
		return;
	}
	foreach(lc, pgm_classify_next_revision(&assessment->classifier))
	{
		if (trial == NULL || trial->off)
			continue;
		(void) pgm_clones_renew(trial->clones, lfirst_oid(lc));
		trial->stale = true;
	}
}

/* Judge what has not been judged yet. */
static void
judge_left(Assessment *assessment, PgmTrial *trial)
{
	while (assessment->item < list_length(assessment->items))
	{
		PgmAssessItem *item = list_nth(assessment->items, assessment->item);

		judge_source(assessment, item, trial);
		judge_whole(assessment, item->source);
		assessment->item++;
		assessment->n = 0;
		end_revision(assessment, trial);
	}
}

static bool
add_relation(RangeVar *name, PgmNameRole role, void *arg)
{
	List	  **relids = arg;
	Oid			relid = pgm_lookup_relation(name);

	if (OidIsValid(relid))
		*relids = list_concat(lappend_oid(*relids, relid),
							  pgm_descendants(relid));
	return false;
}

/* Of what is on other nodes, asked of them once. */
static void
note_sizes(const Assessment *assessment)
{
	List	   *relids = NIL;
	ListCell   *lc;

	if (!pgm_citus_is_here())
		return;
	foreach(lc, assessment->items)
	{
		const PgmSource *source = ((PgmAssessItem *) lfirst(lc))->source;

		for (int i = 0; i < source->nstatements; i++)
			pgm_names_visit(source->statements[i].raw->stmt, add_relation,
							&relids);
	}
	pgm_citus_note_sizes(relids);
}

static void
judge_all(Assessment *assessment, bool trial)
{
	PgmTrial   *trials = NULL;
	int			guc_level = NewGUCNestLevel();
	List	   *sources = NIL;
	ListCell   *lc;

	/* nobody shall wait long for us, nor we for anybody */
	(void) set_config_option("lock_timeout", "200ms",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/* queries over the catalog that are run once */
	(void) set_config_option("jit", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, assessment->items)
	{
		const PgmAssessItem *item = lfirst(lc);

		if (item->trusted)
			sources = lappend(sources, item->source);
	}

	/* a worker has none */
	PushActiveSnapshot(GetTransactionSnapshot());
	note_sizes(assessment);
	pgm_rates_load(&assessment->rates);
	if (trial)
		trials = pgm_trial_begin(sources, assessment->whole);
	judge_left(assessment, trials);
	assessment->in_part = trial &&
		trials->clones->parts.partial != NIL;
	if (trial)
		pgm_trial_end(trials);
	PopActiveSnapshot();
	AtEOXact_GUC(false, guc_level);
}

/*
 * False if the time was over, or with another reason in "race" if others have
 * changed what was being read.
 */
static bool
judge_in_time(Assessment *assessment, bool trial, ErrorData **race)
{
	ResourceOwner owner = CurrentResourceOwner;
	int			level = GetCurrentTransactionNestLevel();
	ErrorData  *volatile error = NULL;

	start_clock(assessment, trial);
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
	*race = error != NULL && is_race(error) ? error : NULL;
	if (error != NULL && *race == NULL &&
		(error->sqlerrcode != ERRCODE_QUERY_CANCELED || !timed_out))
		ReThrowError(error);
	return error == NULL;
}

/*
 * Did a statement fail for a name, on a copy of a part of its table?  The
 * server chooses names by those that are taken.
 */
static bool
is_in_doubt(const Assessment *assessment)
{
	ListCell   *lc;

	if (!assessment->in_part)
		return false;
	foreach(lc, assessment->judged)
	{
		int			state = ((PgmJudged *) lfirst(lc))->verdict->sqlerrcode;

		if (ERRCODE_TO_CATEGORY(state) ==
			ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
			state != ERRCODE_INSUFFICIENT_PRIVILEGE)
			return true;
	}
	return false;
}

static void
begin_assessment(Assessment *assessment, List *items, bool data, bool whole)
{
	int64		start = assessment->start;

	memset(assessment, 0, sizeof(Assessment));
	assessment->items = items;
	assessment->data = data;
	assessment->whole = whole;
	assessment->start = start;
	assessment->context = CurrentMemoryContext;
}

static void
judge_until_late(Assessment *assessment, bool trial)
{
	ErrorData  *race;
	int			races = 0;

	while (!judge_in_time(assessment, trial, &race))
	{
		/* with what was judged by then */
		if (race != NULL)
		{
			if (++races > MAX_RACES)
				ReThrowError(race);
			continue;
		}
		/* the text alone is quick */
		assessment->data = false;
		assessment->late = true;
		if (judge_in_time(assessment, false, &race))
			break;
		if (race != NULL)
			ReThrowError(race);
		ereport(ERROR,
				errcode(ERRCODE_QUERY_CANCELED),
				errmsg("assessment took longer than %d ms",
					   pgm_assess_timeout),
				errhint("Raise \"pgmigrate.assess_timeout\"."));
	}
}

static List *
assess(List *items, bool trial, bool data)
{
	Assessment	assessment;

	assessment.start = pgm_clock_monotonic();
	begin_assessment(&assessment, items, data, false);
	judge_until_late(&assessment, trial);
	if (is_in_doubt(&assessment))
	{
		begin_assessment(&assessment, items, data, true);
		judge_until_late(&assessment, trial);
	}
	return assessment.judged;
}

/* Expressions of the statements are evaluated, and with them functions. */
List *
pgm_assess(List *items, bool trial, bool data)
{
	PgmSetAside *aside = pgm_held_set_aside();
	List	   *volatile judged = NIL;

	PG_TRY();
	{
		judged = assess(items, trial, data);
	}
	PG_FINALLY();
	{
		pgm_held_give_back(aside);
	}
	PG_END_TRY();
	return judged;
}

int64
pgm_assess_until(void)
{
	return pgm_assess_timeout == 0 ? 0 :
		pgm_clock_monotonic() + pgm_assess_timeout * INT64CONST(1000);
}

void
pgm_assess_keep(List *items, List *judged)
{
	ListCell   *lc;

	if (RecoveryInProgress() || XactReadOnly)
		return;
	foreach(lc, items)
	{
		const PgmAssessItem *item = lfirst(lc);
		List	   *verdicts = NIL;
		ListCell   *other;

		if (item->digest == NULL)
			continue;
		foreach(other, judged)
			if (((PgmJudged *) lfirst(other))->source == item->source)
			verdicts = lappend(verdicts,
							   ((PgmJudged *) lfirst(other))->verdict);
		pgm_prediction_keep(item->revision, item->digest, verdicts);
	}
}

/* Where a run would go on, and the INVALID indexes that it would drop. */
static void
note_done(PgmAssessItem *item, const PgmRevision *revision,
		  PgmDirection direction)
{
	PgmResume	resume = {0};
	int			nleft;
	char	  **left;

	pgm_resume_find(revision, item->source, direction, &resume);
	item->done = resume.done;
	if (!resume.retried)
		return;
	left = pgm_leftover_indexes(&resume.begun, &nleft);
	for (int i = 0; i < nleft; i++)
		item->leftovers =
			lappend(item->leftovers,
					pgm_source_parse(psprintf("DROP INDEX %s", left[i]),
									 PGM_SOURCE_OTHER, NULL));
}

List *
pgm_assess_plan_items(const PgmPlan *plan)
{
	List	   *items = NIL;
	bool		any_partly = pgm_begun_any();

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
		item->digest = plan->direction == PGM_UP ? revision->digest : NULL;
		item->trusted = pgm_revision_is_trusted(revision);
		item->authored = true;
		item->why_plain = revision->transactional == PGM_TRUE ?
			pstrdup("the revision is to be one transaction") :
			pgm_strategy_obstacle(item->source);
		if (plan->direction == PGM_DOWN)
			item->downgraded = revision;
		if (any_partly)
			note_done(item, revision, plan->direction);
		items = lappend(items, item);
	}
	return items;
}
