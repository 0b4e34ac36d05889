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

#include "lint/hint.h"
#include "lint/internal.h"

/* Of the statement that is carried out online. */
static const char *const avoided[] = {
	"add-column-check", "attach-partition", "bulk-update", "check-inline",
	"constrained-domain-column", "create-index", "default-partition-scan",
	"detach-partition", "drop-index", "fk-in-add-column", "fk-inline",
	"generated-stored", "identity-column", "index-on-partitioned",
	"long-work", "pk-builds-index", "pk-sets-not-null", "refresh-matview",
	"reindex", "serial-column", "set-not-null", "set-tablespace",
	"type-change-rechecks", "type-change-reindex", "type-change-rewrite", "unique-builds-index",
	"volatile-default", NULL
};

/* Those whose safe form is the strategy. */
static const char *const by_steps[] = {
	"add-column-check", "attach-partition", "check-inline", "create-index",
	"default-partition-scan", "detach-partition", "drop-index",
	"fk-in-add-column", "fk-inline", "index-on-partitioned",
	"pk-builds-index", "pk-sets-not-null", "redefine-pk", "refresh-matview",
	"reindex", "set-not-null", "type-change-rechecks", "unique-builds-index",
	NULL
};

/* Steps that are written out. */
#define MAX_STEPS 12

/* Of statements that are no longer in one transaction with others. */
static const char *const parted[] = {
	"rewrite-holding-locks", "rows-under-lock", "several-locked-tables",
	"validate-same-tx", NULL
};

/* What a change by way of a table beside takes along. */
static const char *const carried[] = {"dependent-object-blocks", NULL};

/* Of the statement as it is written, which is not run: a way back is. */
static const char *const not_run[] = {
	"data-blocks", "data-unsure", "dependent-object-blocks",
	"lossy-type-change", "not-tried", "trial-fails",
	"type-change-by-timezone", NULL
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

/* Do its steps do the same when they are run by hand? */
static bool
is_script(const PgmStrategy *strategy)
{
	ListCell   *lc;

	foreach(lc, strategy->steps)
	{
		if (((PgmStrategyStep *) lfirst(lc))->backfill)
			return false;
	}
	return strategy->steps != NIL;
}

/* Bounds of partitions are constants that the trial has evaluated already. */
static PgmStrategy *
possibility(const PgmLint *lint)
{
	return pgm_strategy_possibility(lint->verdict,
									lint->verdict->tried &&
									lint->verdict->sqlerrcode == 0 &&
									IsA(lint->stmt, AlterTableStmt));
}

char *
pgm_lint_online(const PgmLint *lint)
{
	const PgmStrategy *strategy = possibility(lint);

	if (strategy->kind != PGM_STRATEGY_PLAIN)
		return psprintf("-- pgmigrate: online\n"
						"-- with pgmigrate.online = on the run carries it out as \"%s\", while the application works:\n"
						"%s;", strategy->name,
						pgm_lint_statement_sql(lint));
	return psprintf("Do it while nobody needs %s: there is no way beside the application%s.",
					lint->name, strategy->why == NULL ? "" :
					psprintf(" (%s)", strategy->why));
}

static bool
has_parts(const PgmLint *lint)
{
	return IsA(lint->stmt, AlterTableStmt) &&
		list_length(castNode(AlterTableStmt, lint->stmt)->cmds) > 1;
}

void
pgm_lint_safe_forms(PgmLint *lint)
{
	const PgmStrategy *strategy = NULL;
	ListCell   *lc;

	foreach(lc, lint->judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (!is_listed(finding, by_steps))
			continue;
		if (strategy == NULL)
			strategy = possibility(lint);
		if (is_script(strategy) && list_length(strategy->steps) <= MAX_STEPS)
			finding->hint = pgm_strategy_text(strategy);
		else if (has_parts(lint))
			finding->hint = pstrdup("Put its parts into statements of their own: each has a safe form then.");
		else if (finding->hint == NULL)
			finding->hint = pgm_lint_online(lint);
	}
}

/* How it is taken back once it is done, or that it cannot be. */
void
pgm_lint_way_back(PgmLint *lint)
{
	const PgmStrategy *strategy = lint->judged->strategy;
	const char *how = "until pgmigrate.finalize() the downgrade, or pgmigrate.revert(),";
	char	   *message = NULL;

	if (!is_online(lint->judged))
		return;
	if (strategy->kind == PGM_STRATEGY_KEEP)
		message = psprintf("%s brings back what it drops%s", how,
						   IsA(lint->stmt, AlterTableStmt) ?
						   ", without values for rows written since" : "");
	else if (strategy->kind != PGM_STRATEGY_SHADOW_TABLE &&
			 strategy->kind != PGM_STRATEGY_SHADOW_COLUMN)
		return;
	else if (strategy->back.none != NULL)
		pgm_lint_add(lint, "no-way-back",
					 psprintf("once it is switched it cannot be reverted: %s",
							  strategy->back.none),
					 pstrdup("Let the downgrade say by USING what becomes of new values, make a cast, or keep the old values in a column of their own until nobody needs them."));
	else
		message = psprintf("%s takes it back within milliseconds, with what was written since%s%s%s", how,
						   strategy->back.unfit ?
						   "; in the way would be, if written since: " : "",
						   strategy->back.unfit ? strategy->back.unfit : "",
						   strategy->back.unfit == NULL ? "" :
						   strategy->kind == PGM_STRATEGY_SHADOW_TABLE ?
						   "; without_unfit => true leaves such rows out" :
						   "; without_unfit => true puts a null in its place");
	if (message != NULL)
		pgm_lint_add(lint, "way-back", message, NULL);
}

/*
 * The server refuses to change what views go by, which the strategy carries
 * along; what else it so refuses, the strategy is not chosen for.
 */
static bool
is_carried(const PgmJudged *judged, const PgmFinding *finding)
{
	switch (judged->strategy->kind)
	{
		case PGM_STRATEGY_SHADOW_TABLE:
			return is_listed(finding, carried) ||
				(strcmp(finding->rule->id, "trial-fails") == 0 &&
				 judged->verdict->carried);
		case PGM_STRATEGY_SHADOW_COLUMN:
			return is_listed(finding, carried);
		case PGM_STRATEGY_WAY_BACK:
			return is_listed(finding, not_run);
		default:
			return false;
	}
}

static void
relieve(PgmJudged *judged)
{
	bool		online = is_online(judged);
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (online && (is_listed(finding, avoided) ||
					   is_carried(judged, finding)))
		{
			finding->avoided = true;
			if (is_script(judged->strategy))
				finding->hint = pgm_strategy_text(judged->strategy);
			else if (strcmp(finding->rule->id, "trial-fails") == 0)
				finding->hint = psprintf("It fails as it is written; carried out as \"%s\" it does not.",
										 judged->strategy->name);
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
