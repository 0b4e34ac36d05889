/*-------------------------------------------------------------------------
 *
 * report_target.c
 *	  What an upgrade or downgrade to a target will do, to be read by people.
 *
 * It tells what script() tells to the same caller: locks, findings and safe
 * forms.  Who uses the tables at the moment is for assess().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "assess/assess.h"
#include "assess/blast_radius.h"
#include "base/settings.h"
#include "classify/estimate.h"
#include "monitor/nodes.h"
#include "monitor/report.h"

/* Of a table with a thousand partitions nobody reads all locks. */
#define MAX_LOCKS 20

/* What is counted before anything is written. */
typedef struct Totals
{
	int			statements;
	int			levels[PGM_LEVEL_DANGER + 1];
	int			online;			/* statements carried out so */
	int			rewrites;
	double		ms;				/* negative: some cannot be told */
} Totals;

typedef struct TargetReport
{
	PgmPage    *page;
	PgmPlan    *plan;
	List	   *judged;			/* of PgmJudged * */
	PgmRates	rates;
	Totals		totals;
} TargetReport;

char *
pgm_report_duration(double ms)
{
	int64		seconds = (int64) (ms / 1000 + 0.5);

	if (ms < 1)
		return pstrdup("less than 1 ms");
	if (ms < 1000)
		return psprintf("%.0f ms", ms);
	if (ms < 60 * 1000)
		return psprintf("%.1f s", ms / 1000);
	if (seconds < 3600)
		return psprintf("%d min %d s", (int) (seconds / 60),
						(int) (seconds % 60));
	return psprintf(INT64_FORMAT " h %d min", seconds / 3600,
					(int) (seconds % 3600 / 60));
}

static bool
is_online(const PgmJudged *judged)
{
	return judged->strategy->kind != PGM_STRATEGY_PLAIN;
}

static void
count_all(TargetReport *report)
{
	Totals	   *totals = &report->totals;
	ListCell   *lc;

	foreach(lc, report->judged)
	{
		const PgmJudged *judged = lfirst(lc);
		ListCell   *other;
		double		ms;

		ms = pgm_strategy_estimate(judged->strategy, &report->rates,
								   judged->verdict);
		totals->statements++;
		totals->online += is_online(judged);
		totals->rewrites += !is_online(judged) &&
			judged->verdict->rewrites == PGM_TRUE;
		totals->ms = ms < 0 || totals->ms < 0 ? -1 : totals->ms + ms;
		foreach(other, judged->findings)
			totals->levels[pgm_finding_level(lfirst(other))]++;
	}
}

static char *
joined(int n, char **texts)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "", texts[i]);
	return n > 0 ? buf.data : pstrdup("base");
}

static void
write_facts(TargetReport *report)
{
	PgmPage    *page = report->page;
	PgmPlan    *plan = report->plan;
	int			n;
	char	  **after;

	pgm_page_fact(page, "Database", get_database_name(MyDatabaseId));
	pgm_page_fact(page, "Server", GetConfigOption("server_version", false, false));
	if (pgm_environment == PGM_ENVIRONMENT_PRODUCTION)
		pgm_page_fact(page, "Environment", "production");
	pgm_page_fact(page, "Made", timestamptz_to_str(GetCurrentTimestamp()));
	pgm_page_fact(page, "From", joined(plan->nheads, plan->heads));
	after = pgm_plan_heads_after(plan, &n);
	pgm_page_fact(page, "To", joined(n, after));
}

/* The answer to "may this run now?", first. */
static void
write_summary(TargetReport *report)
{
	Totals	   *totals = &report->totals;
	int			dangers = totals->levels[PGM_LEVEL_DANGER];
	int			warnings = totals->levels[PGM_LEVEL_WARNING];
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "Dangers: %d, warnings: %d. Statements: %d",
					 dangers, warnings, totals->statements);
	if (totals->online > 0)
		appendStringInfo(&buf, ", carried out online: %d", totals->online);
	if (totals->rewrites > 0)
		appendStringInfo(&buf, ", rewriting a table as they are: %d",
						 totals->rewrites);
	if (totals->ms >= 0 && totals->ms < 1)
		appendStringInfoString(&buf, ". Less than 1 ms in all");
	else if (totals->ms >= 1)
		appendStringInfo(&buf, ". About %s in all",
						 pgm_report_duration(totals->ms));
	appendStringInfoChar(&buf, '.');
	pgm_page_paragraph(report->page,
					   dangers > 0 ? PGM_MOOD_DANGER :
					   warnings > 0 ? PGM_MOOD_WARNING : PGM_MOOD_GOOD,
					   buf.data);
}

static void
write_locks(TargetReport *report, const PgmJudged *judged)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, judged->verdict->effects)
	{
		PgmEffect	effect = pgm_strategy_effect(judged->strategy, lfirst(lc));

		if (effect.mode == NoLock || effect.created_here)
			continue;
		if (n++ >= MAX_LOCKS)
			continue;
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "lock",
					  psprintf("%s on %s: %s%s%s",
							   pgm_lock_mode_name(effect.mode),
							   pgm_effect_name(&effect),
							   pgm_blast_words(judged->verdict, &effect),
							   effect.rewrites == PGM_TRUE ? "; rewrites it" : "",
							   effect.scans == PGM_TRUE ? "; reads all of it" : ""));
	}
	if (n > MAX_LOCKS)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "lock",
					  psprintf("and %d more", n - MAX_LOCKS));
	if (n == 0)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "lock",
					  "none that others wait for");
}

static void
write_strategy(TargetReport *report, const PgmJudged *judged)
{
	const PgmStrategy *strategy = judged->strategy;
	double		ms = pgm_estimate_statement(&report->rates, judged->verdict);
	double		steps = pgm_strategy_estimate(strategy, &report->rates,
											  judged->verdict);

	if (is_online(judged))
		pgm_page_item(report->page, PGM_MOOD_GOOD, "online",
					  psprintf("%s%s%s", strategy->name,
							   strategy->why ? ": " : "",
							   strategy->why ? strategy->why : ""));
	else if (strategy->refused)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "not online",
					  strategy->why);
	if (ms >= 1000 && strategy->plain_ms > 0 && is_online(judged))
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "as written",
					  psprintf("others would wait for about %s",
							   pgm_report_duration(strategy->plain_ms)));
	if (steps >= 1)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "time",
					  psprintf("about %s", pgm_report_duration(steps)));
	if (judged->verdict->reason != NULL)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, "not tried",
					  judged->verdict->reason);
}

static void
write_finding(TargetReport *report, const PgmFinding *finding)
{
	static const PgmPageMood moods[] = {
		PGM_MOOD_PLAIN, PGM_MOOD_WARNING, PGM_MOOD_DANGER
	};
	PgmLevel	level = pgm_finding_level(finding);

	if (finding->allowed != NULL)
	{
		pgm_page_item(report->page, PGM_MOOD_PLAIN,
					  psprintf("allowed, %s", finding->rule->id),
					  psprintf("%s (because %s)", finding->message,
							   finding->allowed));
		return;
	}
	pgm_page_item(report->page, moods[level],
				  psprintf("%s, %s", pgm_level_name(level), finding->rule->id),
				  finding->message);
	if (finding->hint != NULL && level > PGM_LEVEL_INFO)
	{
		pgm_page_paragraph(report->page, PGM_MOOD_PLAIN, "Instead:");
		pgm_page_code(report->page, finding->hint);
	}
}

static void
write_judged(TargetReport *report, const PgmJudged *judged)
{
	ListCell   *lc;

	pgm_page_heading(report->page, 3,
					 psprintf("Statement %d of %d", judged->n + 1,
							  judged->source->nstatements));
	pgm_page_code(report->page, pgm_statement_text(judged->source, judged->n));
	write_strategy(report, judged);
	write_locks(report, judged);
	foreach(lc, judged->findings)
		write_finding(report, lfirst(lc));
}

static void
write_step(TargetReport *report, int step, const char *id)
{
	PgmRevision *revision = pgm_revision_get(id);
	bool		any = false;
	ListCell   *lc;

	if (revision == NULL)
		return;
	pgm_page_heading(report->page, 2,
					 psprintf("Step %d of %d: %s, %s", step + 1,
							  report->plan->steps.nsteps, id,
							  revision->message));
	pgm_page_fact(report->page, "Author", revision->author);
	pgm_page_fact(report->page, "Approved by", revision->approved_by);
	pgm_page_fact(report->page, "Digest", revision->digest);
	foreach(lc, report->judged)
	{
		const PgmJudged *judged = lfirst(lc);

		if (judged->revision == NULL || strcmp(judged->revision, id) != 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		write_judged(report, judged);
		any = true;
	}
	if (!any)
		pgm_page_paragraph(report->page, PGM_MOOD_PLAIN,
						   "It has no statements.");
}

/* So long a plan is not assessed; see PGM_ASSESSED_STEPS. */
static void
list_steps(TargetReport *report)
{
	char	  **ids = pgm_plan_step_ids(report->plan, 0, PGM_ASSESSED_STEPS);

	pgm_page_paragraph(report->page, PGM_MOOD_WARNING,
					   psprintf("The plan has %d steps, of which the first %d are listed. Plans of more than %d steps are not assessed; choose a target that is nearer.",
								report->plan->steps.nsteps,
								PGM_ASSESSED_STEPS, PGM_ASSESSED_STEPS));
	for (int i = 0; i < PGM_ASSESSED_STEPS; i++)
		pgm_page_item(report->page, PGM_MOOD_PLAIN, psprintf("step %d", i + 1),
					  ids[i]);
}

void
pgm_report_target(const char *target, PgmDirection direction,
				  PgmPageFormat format, PgmPageLine emit, void *arg)
{
	TargetReport report = {0};
	int			nsteps;
	PgmNodes	nodes;

	report.plan = pgm_plan_make(direction, target);
	pgm_plan_notice_direction(report.plan, target);
	nsteps = report.plan->steps.nsteps;
	report.page = pgm_page_begin(format,
								 psprintf("%s to %s: %d %s",
										  direction == PGM_UP ? "Upgrade" : "Downgrade",
										  target, nsteps,
										  nsteps == 1 ? "step" : "steps"),
								 emit, arg);
	write_facts(&report);
	if (nsteps == 0)
		pgm_page_paragraph(report.page, PGM_MOOD_GOOD,
						   "Nothing to do: the database is there already.");
	else if (nsteps > PGM_ASSESSED_STEPS)
		list_steps(&report);
	else
	{
		bool		trial = !RecoveryInProgress() && !XactReadOnly;

		report.judged = pgm_assess(pgm_assess_plan_items(report.plan), trial,
								   trial);
		pgm_rates_load(&report.rates);
		count_all(&report);
		write_summary(&report);
		for (int i = 0; i < nsteps; i++)
			write_step(&report, i,
					   pgm_graph_id(report.plan->graph,
									report.plan->steps.steps[i].rev));
	}
	pgm_page_heading(report.page, 2, "Graph");
	pgm_nodes_load(&nodes);
	pgm_page_graph(report.page, nodes.plan->graph, nodes.draw);
	pgm_page_end(report.page);
}
