/*-------------------------------------------------------------------------
 *
 * refuse.c
 *	  What production refuses to run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "assess/assess.h"
#include "base/settings.h"
#include "base/sqlstate.h"

/* Nobody reads more lines than these. */
#define PGM_TOLD_MAX 20

/*
 * What is not known to be harmless: the answer is missing for a table that
 * others have.  Code that cannot be looked into is a finding of its own, and
 * no danger by itself.
 */
static bool
is_unknown(const PgmJudged *judged)
{
	const PgmVerdict *verdict = judged->verdict;
	ListCell   *lc;

	if (verdict->reason == NULL || verdict->opaque)
		return false;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (OidIsValid(effect->relid) && !effect->created_here &&
			effect->mode > RowExclusiveLock &&
			(effect->rewrites == PGM_UNSET || effect->scans == PGM_UNSET))
			return true;
	}
	return false;
}

static bool
is_permitted(const PgmAllowance *allowance, const char *rule)
{
	for (int i = 0; i < allowance->n; i++)
		if (strcmp(allowance->rules[i], rule) == 0)
			return true;
	return false;
}

static bool
forbids(const PgmJudged *judged, const PgmFinding *finding,
		const PgmAllowance *allowance)
{
	const char *rule = finding->rule->id;

	if (finding->allowed != NULL || is_permitted(allowance, rule))
		return false;
	return pgm_finding_level(finding) == PGM_LEVEL_DANGER ||
		((strcmp(rule, "assess-timeout") == 0 ||
		  strcmp(rule, "not-tried") == 0) && is_unknown(judged));
}

/*
 * The rule, and why the statement is not carried out in a way that the rule
 * has nothing against: whoever reads the error need not assess it again.
 */
static char *
detail_of(const PgmJudged *judged, const char *rule, int others)
{
	char	   *detail = others == 0 ?
		psprintf(_("Rule \"%s\" forbids it where \"pgmigrate.environment\" is production."),
				 rule) :
		psprintf(ngettext("Rule \"%s\" forbids it where \"pgmigrate.environment\" is production, and so does %d more finding.",
						  "Rule \"%s\" forbids it where \"pgmigrate.environment\" is production, and so do %d more findings.",
						  others), rule, others);

	return judged->strategy == NULL || !judged->strategy->refused ? detail :
		psprintf(_("%s  It is not carried out online: %s."), detail,
				 judged->strategy->why);
}

static void
refuse_finding(const PgmJudged *judged, const PgmFinding *finding, int others)
{
	const char *rule = finding->rule->id;
	bool		danger = finding->level == PGM_LEVEL_DANGER;

	ereport(ERROR,
			errcode(PGM_ERRCODE_DANGER_REFUSED),
			danger ?
			errmsg("statement %d of revision \"%s\" is dangerous: %s",
				   judged->n + 1, judged->revision, finding->message) :
			errmsg("statement %d of revision \"%s\" could not be assessed: %s",
				   judged->n + 1, judged->revision, finding->message),
			errdetail_internal("%s", detail_of(judged, rule, others)),
			danger ?
			errhint("Change the revision as pgmigrate.assess() proposes, or allow it: in the call, allow => '{%s}' and a reason, or by the comment \"pgmigrate: allow %s because ...\" before the statement.",
					rule, rule) :
			errhint("Try again when nobody has its tables, or with a longer \"pgmigrate.assess_timeout\"; or allow it: in the call, allow => '{%s}' and a reason, or by the comment \"pgmigrate: allow %s because ...\" before the statement.",
					rule, rule));
}

/*
 * What wants a look, and dangers that the call allows, one line each; what a
 * comment of the text allows was looked at when that was read.
 */
static void
tell(const PgmJudged *judged, const PgmFinding *finding, int *told)
{
	PgmLevel	level = pgm_finding_level(finding);

	if (level == PGM_LEVEL_INFO || (*told)++ >= PGM_TOLD_MAX)
		return;
	ereport(WARNING,
			errmsg("%srevision \"%s\", statement %d, %s: %s",
				   level == PGM_LEVEL_DANGER ? "allowed in this run: " : "",
				   judged->revision, judged->n + 1, finding->rule->id,
				   finding->message));
}

static void
tell_all(const List *all)
{
	int			told = 0;
	ListCell   *lc;

	foreach(lc, all)
	{
		const PgmJudged *judged = lfirst(lc);
		ListCell   *other;

		foreach(other, judged->findings)
			tell(judged, lfirst(other), &told);
	}
	if (told > PGM_TOLD_MAX)
		ereport(WARNING,
				errmsg("there are %d more findings of level warning or danger",
					   told - PGM_TOLD_MAX),
				errhint("See pgmigrate.assess() or pgmigrate.report()."));
}

void
pgm_allowance_check(const PgmAllowance *allowance)
{
	for (int i = 0; i < allowance->n; i++)
	{
		if (allowance->rules[i] == NULL ||
			pgm_lint_rule(allowance->rules[i]) == NULL)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("rule \"%s\" does not exist",
						   allowance->rules[i] ? allowance->rules[i] : ""),
					errhint("See pgmigrate.lint_rules()."));
	}
	if (allowance->n > 0 && (allowance->reason == NULL ||
							 strspn(allowance->reason, " \t\r\n") ==
							 strlen(allowance->reason)))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a reason is required to allow rules"),
				errhint("Give one by reason => '...'; it is kept with the run."));
}

void
pgm_assess_gate(const PgmPlan *plan, const PgmAllowance *allowance,
				bool online)
{
	List	   *items;
	List	   *all;
	const PgmJudged *first = NULL;
	const PgmFinding *first_finding = NULL;
	int			others = 0;
	ListCell   *lc;

	if (pgm_environment != PGM_ENVIRONMENT_PRODUCTION ||
		plan->direction == PGM_STAMP || plan->steps.nsteps == 0)
		return;
	items = pgm_assess_plan_items(plan);
	if (!online)
		foreach(lc, items)
			((PgmAssessItem *) lfirst(lc))->why_plain =
			pstrdup("the run is not in a worker, step by step");
	all = pgm_assess(items, true, true);
	pgm_assess_keep(items, all);
	foreach(lc, all)
	{
		const PgmJudged *judged = lfirst(lc);
		ListCell   *other;

		foreach(other, judged->findings)
		{
			const PgmFinding *finding = lfirst(other);

			if (!forbids(judged, finding, allowance))
				continue;
			if (first != NULL)
				others++;
			else
			{
				first = judged;
				first_finding = finding;
			}
		}
	}
	if (first != NULL)
		refuse_finding(first, first_finding, others);
	tell_all(all);
}
