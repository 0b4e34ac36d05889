/*-------------------------------------------------------------------------
 *
 * online.c
 *	  What is left of the findings when statements are carried out online.
 *
 * What a strategy is there to avoid is no danger any more, and its steps are
 * the safe form.  A source with such a statement is committed statement by
 * statement, so that the locks of one are gone when the next begins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint/lint.h"

/* Of the statement that is carried out online. */
static const char *const avoided[] = {
	"add-column-check", "attach-partition", "check-inline", "create-index",
	"default-partition-scan", "detach-partition", "drop-index",
	"fk-in-add-column", "fk-inline", "index-on-partitioned", "long-work",
	"pk-builds-index", "pk-sets-not-null", "refresh-matview", "reindex",
	"set-not-null", "unique-builds-index", NULL
};

/* Of statements that are no longer in one transaction with others. */
static const char *const parted[] = {
	"rewrite-holding-locks", "rows-under-lock", "validate-same-tx", NULL
};

static bool
is_listed(const PgmFinding *finding, const char *const *rules)
{
	for (; *rules != NULL; rules++)
		if (strcmp(finding->rule->id, *rules) == 0)
			return true;
	return false;
}

static bool
is_online(const PgmJudged *judged)
{
	return judged->strategy != NULL &&
		judged->strategy->kind != PGM_STRATEGY_PLAIN;
}

static void
relieve(PgmJudged *judged)
{
	bool		online = is_online(judged);
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (online && is_listed(finding, avoided))
		{
			finding->avoided = true;
			if (judged->strategy->steps != NIL)
				finding->hint = pgm_strategy_text(judged->strategy);
		}
		else if (is_listed(finding, parted))
			finding->avoided = true;
	}
}

void
pgm_lint_relieve(List *judged)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, judged)
		any |= is_online(lfirst(lc));
	if (!any)
		return;
	foreach(lc, judged)
		relieve(lfirst(lc));
}

PgmLevel
pgm_finding_level(const PgmFinding *finding)
{
	return finding->allowed != NULL || finding->avoided ? PGM_LEVEL_INFO :
		finding->level;
}
