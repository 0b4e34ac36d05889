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
 * A rule that is about rows that go is a danger where there are rows, and a
 * DELETE where it takes many, unless they were stored elsewhere before.  The
 * size of the file tells: one that was emptied by DELETE counts as full until
 * VACUUM has cut it off, which errs to the safe side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"

#include "assess/kept_rows.h"
#include "assess/level.h"
#include "base/relation_size.h"
#include "base/settings.h"
#include "classify/estimate.h"
#include "compat/parse.h"
#include "lint/lint.h"

/* The rules whose harm is the loss of rows. */
static const char *const losing_rules[] = {
	"bulk-update",
	"drop-column",
	"drop-table",
	"truncate",
};

static bool
is_among(const char *rule, const char *const *rules, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(rule, rules[i]) == 0)
			return true;
	return false;
}

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

static const PgmEffect *
find_effect(const PgmVerdict *verdict, const char *name)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (name != NULL && strcmp(pgm_effect_name(effect), name) == 0)
			return effect;
	}
	return NULL;
}

/* Of the relation and of what is below it. */
static int64
bytes_of_rows(const PgmEffect *effect)
{
	int64		bytes = pgm_heap_bytes(effect->relid);
	ListCell   *lc;

	foreach(lc, pgm_descendants(effect->relid))
		bytes += pgm_heap_bytes(lfirst_oid(lc));
	return bytes;
}

/* What a revision makes has no size before that has run. */
static bool
is_earlier(const PgmJudged *judged, const PgmFinding *finding)
{
	const PgmEffect *effect = find_effect(judged->verdict, finding->relation);

	return effect != NULL && effect->earlier;
}

/* Nothing to fail on, or to lose the key of: writers are left. */
static bool
has_no_rows(const PgmJudged *judged, const PgmFinding *finding)
{
	const PgmEffect *effect = find_effect(judged->verdict, finding->relation);

	return effect != NULL && OidIsValid(effect->relid) &&
		bytes_of_rows(effect) == 0;
}

/* A MERGE that updates most rows may delete some: nobody knows how many. */
static bool
keeps_most(const PgmVerdict *verdict, Node *stmt)
{
	return pgm_is_merge(stmt) && pgm_merge_does(stmt, CMD_UPDATE) &&
		verdict->planned && verdict->changed_rows >= 0 &&
		verdict->changed_rows < verdict->all_rows * 0.9;
}

static void
note_loss(PgmJudged *judged, const PgmFinding *finding)
{
	const PgmVerdict *verdict = judged->verdict;
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	const PgmEffect *effect = find_effect(verdict, finding->relation);
	bool		of_rows = strcmp(finding->rule->id, "bulk-update") == 0;
	PgmFinding *loss;
	int64		bytes;
	char	   *what;

	if (effect == NULL || effect->created_here || !OidIsValid(effect->relid) ||
		(of_rows && (!finding->rows_go || keeps_most(verdict, stmt) ||
					 pgm_rows_are_kept(judged->source, judged->n,
									   effect->relid))))
		return;
	bytes = bytes_of_rows(effect);
	if (bytes == 0)
		return;
	if (of_rows && verdict->planned &&
		verdict->changed_rows < verdict->all_rows)
		what = psprintf("about %.0f of %.0f rows of %s are deleted",
						verdict->changed_rows, verdict->all_rows,
						finding->relation);
	else
		what = psprintf("%s holds " INT64_FORMAT " kB of rows",
						finding->relation, (bytes + 1023) / 1024);
	loss = pgm_lint_find(judged, "loses-data", effect,
						 psprintf(judged->strategy->kind == PGM_STRATEGY_KEEP ?
								  "data loss: %s, and nothing brings them back once finalize() has run" :
								  "data loss: %s, and no downgrade brings them back",
								  what),
						 pstrdup("Keep what it holds under another name, or in a backup that was tried, until nobody needs it."));
	loss->details = psprintf("{\"bytes\": " INT64_FORMAT "}", bytes);
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
		List	   *findings = list_copy(one->findings);
		ListCell   *other;

		foreach(other, findings)
		{
			PgmFinding *finding = lfirst(other);
			const char *rule = finding->rule->id;

			if (is_among(rule, losing_rules, lengthof(losing_rules)))
				note_loss(one, finding);
			if ((strcmp(rule, "required-column") == 0 ||
				 strcmp(rule, "drop-primary-key") == 0) &&
				has_no_rows(one, finding))
				finding->level = PGM_LEVEL_WARNING;
			if (pgm_danger_block == 0 ||
				!pgm_rule_is_blocking(rule) ||
				is_earlier(one, finding))
				continue;
			if (!loaded)
				pgm_rates_load(&rates);
			loaded = true;
			set_blocking_level(finding, blocked_for(&rates, one->verdict));
		}
		list_free(findings);
	}
}
