/*-------------------------------------------------------------------------
 *
 * level.c
 *	  How bad a finding is for the tables as they are.
 *
 * A rule that is about time is a danger where others would be blocked for
 * longer than "pgmigrate.danger_block", and harmless below it: the same index
 * is nothing on a table of yesterday and an outage on one of ten years.  What
 * cannot be estimated keeps the level of its rule.
 *
 * What takes all that there is, of a schema or by CASCADE, is a danger where
 * rows are lost by it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"

#include "assess/level.h"
#include "assess/losses.h"
#include "base/relation_size.h"
#include "base/settings.h"
#include "classify/estimate.h"

/*
 * About how long the statement keeps its tables from others, in milliseconds;
 * negative if nobody knows.  Where no work was found, although a rule says
 * that there is some, all that it locks is taken to be rewritten.
 */
static double
blocked_for(const PgmRates *rates, const PgmVerdict *verdict)
{
	double		ms = pgm_estimate_statement(rates, verdict);
	bool		works = false;
	double		most = 0;
	ListCell   *lc;

	if (ms < 0)
		return -1;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->created_here || !OidIsValid(effect->relid) ||
			effect->mode < ShareLock)
			continue;
		if ((effect->relkind == RELKIND_RELATION ||
			 effect->relkind == RELKIND_MATVIEW) &&
			(effect->rewrites == PGM_UNSET || effect->scans == PGM_UNSET))
			return -1;
		works |= pgm_work_of(verdict, effect) != PGM_WORK_NONE &&
			pgm_heap_bytes(effect->relid) > 0;
		most += pgm_estimate_work(rates, PGM_WORK_REWRITE,
								  pgm_total_bytes(effect->relid));
	}
	return works || pgm_depends_on_rows(verdict) ? ms : most;
}

static void
set_blocking_level(PgmFinding *finding, double ms)
{
	if (ms < 0)
		return;
	finding->level = ms >= pgm_danger_block ?
		PGM_LEVEL_DANGER : PGM_LEVEL_INFO;
	if (finding->details == NULL)
		finding->details = psprintf("{\"blocks_ms\": %.0f, \"danger_block_ms\": %d}",
									ms, pgm_danger_block);
}

/* What a revision makes has no size before that has run. */
static bool
is_earlier(const PgmJudged *judged, const PgmFinding *finding)
{
	const PgmEffect *effect = pgm_finding_effect(judged, finding);

	return effect != NULL && effect->earlier;
}

/* Nothing to fail on, or to lose the key of: writers are left. */
static bool
has_no_rows(const PgmJudged *judged, const PgmFinding *finding)
{
	const PgmEffect *effect = pgm_finding_effect(judged, finding);

	return effect != NULL && OidIsValid(effect->relid) &&
		pgm_bytes_of_rows(effect) == 0;
}

/* All tables that it takes are known, and are empty. */
static bool
loses_nothing(const PgmJudged *judged)
{
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		if (strcmp(((PgmFinding *) lfirst(lc))->rule->id, "loses-data") == 0)
			return false;
	}
	return judged->verdict->sqlerrcode == 0 &&
		(judged->verdict->tried || judged->verdict->by_kind);
}

static bool
is_harmless(const PgmJudged *judged, const PgmFinding *finding)
{
	const char *rule = finding->rule->id;

	if (strcmp(rule, "required-column") == 0 ||
		strcmp(rule, "drop-primary-key") == 0)
		return has_no_rows(judged, finding);
	return (strcmp(rule, "drop-schema") == 0 ||
			strcmp(rule, "truncate-cascade") == 0) && loses_nothing(judged);
}

void
pgm_level_by_effect(List *judged)
{
	PgmRates	rates;
	bool		loaded = false;
	ListCell   *lc;

	foreach(lc, judged)
	{
		PgmJudged  *one = lfirst(lc);
		ListCell   *other;

		foreach(other, one->findings)
		{
			PgmFinding *finding = lfirst(other);

			if (is_harmless(one, finding))
				finding->level = PGM_LEVEL_WARNING;
			if (pgm_danger_block == 0 ||
				!pgm_rule_is_blocking(finding->rule->id) ||
				is_earlier(one, finding))
				continue;
			if (!loaded)
				pgm_rates_load(&rates);
			loaded = true;
			set_blocking_level(finding, blocked_for(&rates, one->verdict));
		}
	}
}
