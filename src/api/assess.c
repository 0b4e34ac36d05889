/*-------------------------------------------------------------------------
 *
 * assess.c
 *	  SQL functions that tell what SQL and revisions will do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "assess/assess.h"
#include "assess/blast_radius.h"
#include "base/result_rows.h"
#include "base/sqlstate.h"
#include "classify/related_relations.h"
#include "clone/trial_method.h"
#include "compat/server.h"

PG_FUNCTION_INFO_V1(pgmigrate_lint);
PG_FUNCTION_INFO_V1(pgmigrate_assess);
PG_FUNCTION_INFO_V1(pgmigrate_check_target);
PG_FUNCTION_INFO_V1(pgmigrate_lint_rules);
PG_FUNCTION_INFO_V1(pgmigrate_trial_method);

/* Findings that an error of check_target() lists. */
#define MAX_LISTED 50

static void
tristate(PgmRows *rows, PgmTristate value)
{
	if (value == PGM_UNSET)
		pgm_rows_null(rows);
	else
		pgm_rows_bool(rows, value == PGM_TRUE);
}

/* Rows that are made one by one, and what many of them have in common. */
typedef struct Output
{
	PgmRows		rows;
	PgmBlast   *blast;
	MemoryContext row;			/* reset for each */
	char	   *text;			/* of the details of the row before … */
	Datum		details;		/* … and those, as jsonb */
} Output;

/* Of a thousand partitions most details are the same. */
static void
add_details(Output *output, const char *text)
{
	if (text == NULL)
		text = "{}";
	if (output->text == NULL || strcmp(output->text, text) != 0)
	{
		MemoryContext old;

		old = MemoryContextSwitchTo(GetMemoryChunkContext(output));

		if (output->text != NULL)
		{
			pfree(output->text);
			pfree(DatumGetPointer(output->details));
		}
		output->text = pstrdup(text);
		output->details = DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(text));
		MemoryContextSwitchTo(old);
	}
	pgm_rows_datum(&output->rows, output->details);
}

static void
begin_row(PgmRows *rows, const PgmJudged *judged, const char *rule,
		  const char *level)
{
	pgm_rows_text(rows, judged->revision);
	pgm_rows_int(rows, judged->n + 1);
	pgm_rows_text(rows, pgm_statement_text(judged->source, judged->n));
	pgm_rows_text(rows, rule);
	pgm_rows_text(rows, level);
}

/* What it blocks, and how that is known of a partition that was left out. */
static const char *
words(const PgmVerdict *verdict, const PgmEffect *effect)
{
	const char *result = pgm_blast_words(verdict, effect);

	return effect == NULL || !OidIsValid(effect->like) ? result :
		psprintf("%s, as on %s, which was tried", result,
				 pgm_relation_name(effect->like));
}

static void
lock_row(Output *output, const PgmJudged *judged, const PgmEffect *effect)
{
	const PgmVerdict *verdict = judged->verdict;
	PgmRows    *rows = &output->rows;
	bool		back = judged->strategy->kind == PGM_STRATEGY_WAY_BACK;

	begin_row(rows, judged, "lock", "info");
	pgm_rows_text(rows, effect ? pgm_effect_name(effect) : NULL);
	pgm_rows_text(rows, effect ? pgm_lock_mode_name(effect->mode) : NULL);
	tristate(rows, effect ? effect->rewrites : back ? PGM_FALSE :
			 verdict->rewrites);
	tristate(rows, effect ? effect->scans : back ? PGM_FALSE : verdict->scans);
	pgm_rows_text(rows, words(verdict, effect));
	pgm_rows_null(rows);
	pgm_rows_text(rows, judged->strategy->name);
	add_details(output, pgm_blast_details(output->blast, verdict, effect));
	pgm_rows_end_row(rows);
}

/* With the reason of one that is allowed. */
static const char *
finding_details(const PgmFinding *finding)
{
	const char *details = finding->details ? finding->details : "{}";
	StringInfoData buf;

	if (finding->allowed == NULL)
		return details;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "{\"allowed\": ");
	escape_json(&buf, finding->allowed);
	if (strcmp(details, "{}") != 0)
		appendStringInfoChar(&buf, ',');
	appendStringInfoString(&buf, details + 1);
	return buf.data;
}

static void
finding_row(Output *output, const PgmJudged *judged,
			const PgmFinding *finding)
{
	PgmRows    *rows = &output->rows;

	begin_row(rows, judged, finding->rule->id,
			  pgm_level_name(pgm_finding_level(finding)));
	pgm_rows_text(rows, finding->relation);
	pgm_rows_null(rows);
	pgm_rows_null(rows);
	pgm_rows_null(rows);
	pgm_rows_text(rows, finding->message);
	pgm_rows_text(rows, finding->hint);
	pgm_rows_text(rows, judged->strategy->name);
	add_details(output, finding_details(finding));
	pgm_rows_end_row(rows);
}

static void
return_statement(Output *output, const PgmJudged *judged)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, judged->verdict->effects)
	{
		PgmEffect	effect = pgm_strategy_effect(judged->strategy, lfirst(lc));

		if (effect.mode == NoLock ||
			(!effect.named && pgm_related_is_beside(effect.relid)))
			continue;
		CHECK_FOR_INTERRUPTS();
		lock_row(output, judged, &effect);
		MemoryContextReset(output->row);
		any = true;
	}
	if (!any)
		lock_row(output, judged, NULL);
	foreach(lc, judged->findings)
		finding_row(output, judged, lfirst(lc));
}

static void
return_judged(FunctionCallInfo fcinfo, List *all, int64 until)
{
	Output	   *output = palloc0(sizeof(Output));
	MemoryContext old;
	ListCell   *lc;

	output->blast = pgm_blast_begin(until);
	output->row = AllocSetContextCreate(CurrentMemoryContext,
										"pgmigrate assessed row",
										ALLOCSET_DEFAULT_SIZES);
	pgm_rows_begin(&output->rows, fcinfo);
	old = MemoryContextSwitchTo(output->row);
	foreach(lc, all)
	{
		return_statement(output, lfirst(lc));
		MemoryContextReset(output->row);
	}
	MemoryContextSwitchTo(old);
}

Datum
pgmigrate_lint(PG_FUNCTION_ARGS)
{
	PgmAssessItem item = {0};
	char	   *sql = pgm_arg_text_not_null(fcinfo, 0, "sql");
	bool		trial = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);
	int64		until = pgm_assess_until();

	pgm_source_check_size(sql, "given");
	item.source = pgm_source_parse(sql, PGM_SOURCE_OTHER, NULL);
	item.trusted = true;
	return_judged(fcinfo, pgm_assess(list_make1(&item), trial, trial), until);
	return (Datum) 0;
}

Datum
pgmigrate_assess(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	char	   *direction = pgm_arg_text_not_null(fcinfo, 1, "direction");
	bool		trial = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	int64		until = pgm_assess_until();
	PgmPlan    *plan = pgm_plan_make(pgm_direction_of_command(direction),
									 target);
	List	   *items = pgm_assess_plan_items(plan);
	List	   *judged;

	pgm_plan_notice_direction(plan, target);
	judged = pgm_assess(items, trial, trial);
	pgm_assess_keep(items, judged);
	return_judged(fcinfo, judged, until);
	return (Datum) 0;
}

static PgmLevel
level_of(const char *name)
{
	for (PgmLevel level = PGM_LEVEL_INFO; level <= PGM_LEVEL_DANGER; level++)
	{
		if (strcmp(pgm_level_name(level), name) == 0)
			return level;
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unrecognized level \"%s\"", name),
			errhint("The levels are \"info\", \"warning\" and \"danger\"."));
}

/* One line of each finding of that level or above, and how many there are. */
static int
list_findings(StringInfo lines, List *all, PgmLevel level)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, all)
	{
		const PgmJudged *judged = lfirst(lc);
		ListCell   *other;

		foreach(other, judged->findings)
		{
			const PgmFinding *finding = lfirst(other);

			if (finding->allowed != NULL || finding->level < level)
				continue;
			if (n > 0)
				appendStringInfoChar(lines, '\n');
			if (n++ < MAX_LISTED)
				appendStringInfo(lines, "%s: %s: statement %d of revision \"%s\"%s%s: %s",
								 pgm_level_name(finding->level),
								 finding->rule->id, judged->n + 1,
								 judged->revision,
								 finding->relation ? " on " : "",
								 finding->relation ? finding->relation : "",
								 finding->message);
		}
	}
	if (n > MAX_LISTED)
	{
		while (lines->data[lines->len - 1] == '\n')
			lines->data[--lines->len] = '\0';
		appendStringInfo(lines, "\nand %d more", n - MAX_LISTED);
	}
	return n;
}

/* What continuous integration asks: an error is what makes a job fail. */
Datum
pgmigrate_check_target(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	const char *name = pgm_arg_text_not_null(fcinfo, 1, "fail_on");
	PgmLevel	level = level_of(name);
	PgmPlan    *plan = pgm_plan_make(PGM_UP, target);
	List	   *items = pgm_assess_plan_items(plan);
	List	   *judged = pgm_assess(items, true, true);
	StringInfoData lines;
	int			n;

	pgm_assess_keep(items, judged);
	initStringInfo(&lines);
	n = list_findings(&lines, judged, level);
	if (n > 0)
		ereport(ERROR,
				errcode(PGM_ERRCODE_DANGER_REFUSED),
				errmsg_plural("upgrade to \"%s\" has %d finding of level \"%s\" or above",
							  "upgrade to \"%s\" has %d findings of level \"%s\" or above",
							  n, target, n, name),
				errdetail_internal("%s", lines.data),
				errhint("See pgmigrate.assess() for the safe forms.  What is meant so is allowed by a comment before the statement, \"pgmigrate: allow RULE because ...\"."));
	PG_RETURN_VOID();
}

Datum
pgmigrate_lint_rules(PG_FUNCTION_ARGS)
{
	PgmRows		rows;
	int			n;
	const PgmRule *rules = pgm_lint_rules(&n);

	pgm_rows_begin(&rows, fcinfo);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, rules[i].id);
		pgm_rows_text(&rows, pgm_level_name(rules[i].level));
		pgm_rows_text(&rows, rules[i].title);
		if (rules[i].since > 0)
			pgm_rows_int(&rows, rules[i].since);
		else
			pgm_rows_null(&rows);
		if (rules[i].until > 0)
			pgm_rows_int(&rows, rules[i].until);
		else
			pgm_rows_null(&rows);
		pgm_rows_text(&rows, rules[i].why);
		pgm_rows_text(&rows, rules[i].safe);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

Datum
pgmigrate_trial_method(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(pgm_trial_method());
}
