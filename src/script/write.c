/*-------------------------------------------------------------------------
 *
 * write.c
 *	  A run as SQL for psql.
 *
 * The text is what a DBA reviews and psql runs: the statements of the
 * revisions as they are stored, in the transactions that upgrade() would use,
 * and between them calls that keep the ledger (run.c).  The first of
 * those refuses to begin where the ledger or the revisions are not what the
 * script was made from, so a stale script does nothing.
 *
 * No line of ours begins with a backslash; those of a revision are inside of
 * quotes, or the server's parser would not have taken them.  What psql would
 * take for one of its variables is written so that it does not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "assess/assess.h"
#include "base/printable.h"
#include "classify/classify.h"
#include "compat/server.h"
#include "run/runner.h"
#include "script/write.h"
#include "sql/lexer.h"
#include "sql/set_statement.h"
#include "store/begun_statement.h"
#include "store/leftover_indexes.h"
#include "store/ledger.h"
#include "store/step_method.h"

/* Revisions read at a time: a bound on memory, not on anything else. */
#define PGM_SCRIPT_BATCH 100

typedef struct Writer
{
	PgmScriptLine emit;
	void	   *arg;
	StringInfoData buf;
	PgmClassifier classifier;	/* of the revision */
	PgmDirection direction;
	bool		any_partly;		/* some revision was partly applied, once */
	List	   *judged;			/* of PgmJudged *, in order … */
	int			next;			/* … and the first not written yet */
} Writer;

/* Send what is in the buffer, a line at a time. */
static void
flush_lines(Writer *writer)
{
	char	   *at = writer->buf.data;

	for (;;)
	{
		char	   *end = strchr(at, '\n');

		if (end != NULL)
			*end = '\0';
		writer->emit(at, writer->arg);
		if (end == NULL)
			break;
		at = end + 1;
	}
	resetStringInfo(&writer->buf);
}

static void write_line(Writer *writer, const char *format,...)
			pg_attribute_printf(2, 3);

static void
write_line(Writer *writer, const char *format,...)
{
	va_list		args;
	int			needed;

	for (;;)
	{
		va_start(args, format);
		needed = appendStringInfoVA(&writer->buf, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&writer->buf, needed);
	}
	flush_lines(writer);
}

/* An element a line, for a line of all of them is of no use to a reader. */
static void
write_array(Writer *writer, int n, char **texts, const char *end)
{
	if (n == 0)
	{
		write_line(writer, "    ARRAY[]::text[]%s", end);
		return;
	}
	for (int i = 0; i < n; i++)
		write_line(writer, "    %s%s%s%s", i == 0 ? "ARRAY[" : "      ",
				   quote_literal_cstr(texts[i]), i < n - 1 ? "," : "]::text[]",
				   i < n - 1 ? "" : end);
}

/* What psql takes for the begin of a variable's name, or its quote. */
static bool
names_variable(char c)
{
	return isalnum((unsigned char) c) || IS_HIGHBIT_SET(c) || c == '_' ||
		c == '\'' || c == '"' || c == '{';
}

/*
 * psql puts the value of its variable n where the SQL has :n outside of quotes
 * and comments, as in the slice a[1:n].  It does not know : n for one, which
 * is the same to the server.
 */
static void
append_without_variables(StringInfo buf, const char *text)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	bool		colon = false;	/* the last token is one that stands alone */

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END)
			break;
		if (colon && names_variable(text[token.start]))
			appendStringInfoChar(buf, ' ');
		appendBinaryStringInfo(buf, text + token.start,
							   token.end - token.start);

		/* the second of two is no begin of anything */
		colon = !colon && pgm_sqlscan_is_symbol(&lexer, &token, ':');
	}
}

/* What the assessment has to say of this statement, or NULL. */
static const PgmJudged *
judged_statement(Writer *writer, const PgmSource *source, int n)
{
	for (; writer->next < list_length(writer->judged); writer->next++)
	{
		const PgmJudged *judged = list_nth(writer->judged, writer->next);

		if (judged->n == n && strcmp(judged->revision, source->revision) == 0)
			return judged;
	}
	return NULL;
}

/* The safe form, as comments: the first line says what it is. */
static void
write_hint(Writer *writer, const char *hint)
{
	const char *words = "instead:";

	for (;;)
	{
		const char *end = strchr(hint, '\n');
		char	   *line = pnstrdup(hint, end ? end - hint : strlen(hint));

		write_line(writer, "--   %s %s", words, pgm_printable_line(line));
		if (end == NULL)
			return;
		words = "        ";
		hint = end + 1;
	}
}

static void
write_findings(Writer *writer, const PgmJudged *judged)
{
	ListCell   *lc;

	foreach(lc, judged->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->created_here || effect->mode == NoLock)
			continue;
		if (effect->rewrites == PGM_TRUE)
			write_line(writer, "-- rewrites %s",
					   pgm_printable_line(pgm_effect_name(effect)));
		if (effect->scans == PGM_TRUE)
			write_line(writer, "-- reads all of %s",
					   pgm_printable_line(pgm_effect_name(effect)));
	}
	foreach(lc, judged->findings)
	{
		const PgmFinding *finding = lfirst(lc);

		if (finding->allowed != NULL)
		{
			write_line(writer, "-- allowed %s: %s", finding->rule->id,
					   pgm_printable_line(finding->allowed));
			continue;
		}
		if (finding->level == PGM_LEVEL_INFO ||
			strcmp(finding->rule->id, "way-back-refused") == 0)
			continue;
		write_line(writer, "-- %s %s: %s",
				   pgm_level_name(finding->level), finding->rule->id,
				   pgm_printable_line(finding->message));
		if (finding->hint != NULL)
			write_hint(writer, finding->hint);
	}
}

/* The semicolon goes to a line of its own where a comment would swallow it. */
static void
write_statement(Writer *writer, const PgmSource *source, int n)
{
	char	   *text = pgm_statement_text(source, n);
	char	   *last_line = strrchr(text, '\n');
	const PgmJudged *judged = judged_statement(writer, source, n);
	const PgmVerdict *verdict = judged != NULL ? judged->verdict :
		pgm_classify(&writer->classifier, source, n);
	int			nlocks;
	char	  **locks = pgm_verdict_locks(verdict, &nlocks);
	const char *encoding;

	for (int i = 0; i < nlocks; i++)
		write_line(writer, "-- takes %s", pgm_printable_line(locks[i]));
	if (judged != NULL && judged->strategy->kind != PGM_STRATEGY_PLAIN)
		write_line(writer, "-- as written, where pgmigrate.%s() would: %s",
				   pgm_command_name(writer->direction),
				   judged->strategy->name);
	if (judged != NULL)
		write_findings(writer, judged);
	if (pgm_statement_sets(source->statements[n].raw->stmt, "client_encoding",
						   &encoding))
	{
		write_line(writer, "-- left out, for the script has the encoding of its session: %s",
				   pgm_printable_line(text));
		return;
	}
	last_line = last_line == NULL ? text : last_line;
	append_without_variables(&writer->buf, text);
	appendStringInfoString(&writer->buf,
						   strstr(last_line, "--") != NULL ? "\n;" : ";");
	flush_lines(writer);
}

/* May a statement leave a role that must not call us? */
static bool
changes_role(const PgmSource *source)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		if (IsA(stmt, VariableSetStmt) &&
			castNode(VariableSetStmt, stmt)->name != NULL &&
			pg_strcasecmp(castNode(VariableSetStmt, stmt)->name, "role") == 0)
			return true;
	}
	return strstr(source->text, "set_config") != NULL;
}

static void
write_step_call(Writer *writer, const PgmRevision *revision,
				const PgmSource *source)
{
	if (revision->verify != NULL && writer->direction == PGM_UP)
	{
		write_line(writer, "-- script_step runs the verify query of the revision:");
		appendStringInfo(&writer->buf, "--   %s", pgm_printable_line(revision->verify));
		flush_lines(writer);
	}
	if (changes_role(source))
		write_line(writer, "RESET ROLE;");
	write_line(writer, "SELECT pgmigrate.script_step(%s);",
			   quote_literal_cstr(revision->id));
}

/* Does it need a lock that keeps others from writing, or from more? */
static bool
needs_strong_lock(const PgmVerdict *verdict)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (!effect->created_here && effect->mode > RowExclusiveLock)
			return true;
	}
	return false;
}

/*
 * For each statement where locks are taken before it, the end of those whose
 * locks that are, else 0: one that may be slow should not carry the locks of
 * the statements after it.
 */
static int *
lock_spans(const PgmSource *source)
{
	int		   *ends = palloc0(sizeof(int) * Max(source->nstatements, 1));
	PgmClassifier classifier = {0};
	int			first = 0;
	bool		strong = false;

	for (int i = 0; i < source->nstatements; i++)
	{
		const PgmVerdict *verdict = pgm_classify(&classifier, source, i);

		strong |= needs_strong_lock(verdict);
		if (!pgm_statement_is_slow(verdict, source->statements[i].raw->stmt) &&
			i < source->nstatements - 1)
			continue;
		if (strong)
			ends[first] = i + 1;
		first = i + 1;
		strong = false;
	}
	return ends;
}

static void
write_locks(Writer *writer, const PgmSource *source, int first, int end)
{
	if (end > 0)
		write_line(writer, "SELECT pgmigrate.script_locks(%s, %d, %d);",
				   quote_literal_cstr(source->revision), first + 1, end);
}

/* What a failed try left INVALID. */
static void
write_drops(Writer *writer, const PgmResume *resume)
{
	int			nleft;
	char	  **left;

	if (!resume->retried)
		return;
	left = pgm_leftover_indexes(&resume->begun, &nleft);
	for (int i = 0; i < nleft; i++)
		write_line(writer, "DROP INDEX CONCURRENTLY IF EXISTS %s;", left[i]);
}

static void
write_in_transaction(Writer *writer, const PgmRevision *revision,
					 const PgmSource *source, const PgmResume *resume)
{
	int		   *locks = lock_spans(source);

	write_drops(writer, resume);
	write_line(writer, "BEGIN;");
	for (int i = 0; i < source->nstatements; i++)
	{
		write_locks(writer, source, i, locks[i]);
		write_statement(writer, source, i);
	}
	write_step_call(writer, revision, source);
	write_line(writer, "COMMIT;");
}

/*
 * A statement that cannot be in a transaction is marked as begun before it;
 * another commits with the mark of the next one.
 */
static void
write_by_statement(Writer *writer, const PgmRevision *revision,
				   const PgmSource *source, const PgmResume *resume)
{
	char	   *id = quote_literal_cstr(revision->id);
	PgmClassifier classifier = {0};

	write_line(writer, "-- statement by statement, each committed by itself");
	if (resume->done > 0)
		write_line(writer, "-- the first %d of %d statements are done",
				   resume->done, source->nstatements);
	write_line(writer, "SELECT pgmigrate.script_statement(%s, %d);", id,
			   resume->done + 1);
	write_drops(writer, resume);
	for (int i = 0; i < resume->done; i++)
	{
		(void) pgm_classify(&classifier, source, i);
		if (pgm_resume_repeats(source, i))
			write_statement(writer, source, i);
	}
	for (int i = resume->done; i < source->nstatements; i++)
	{
		const PgmStatement *statement = &source->statements[i];
		bool		in_block = !pgm_statement_runs_alone(statement);
		bool		strong = needs_strong_lock(pgm_classify(&classifier,
															source, i));

		if (in_block)
			write_line(writer, "BEGIN;");
		if (in_block && strong)
			write_locks(writer, source, i, i + 1);
		write_statement(writer, source, i);
		write_line(writer, "SELECT pgmigrate.script_statement(%s, %d);", id,
				   i + 2);
		if (in_block)
			write_line(writer, "COMMIT;");
	}
	write_line(writer, "BEGIN;");
	write_step_call(writer, revision, source);
	write_line(writer, "COMMIT;");
}

typedef void (*StepWriter) (Writer *writer, const PgmRevision *revision,
							const PgmSource *source, const PgmResume *resume);

static const StepWriter step_writers[PGM_NSTEP_METHODS] = {
	[PGM_STEP_IN_TRANSACTION] = write_in_transaction,
	[PGM_STEP_BY_STATEMENT] = write_by_statement
};

static void
write_step(Writer *writer, const PgmPlan *plan, int step,
		   const PgmRevision *revision)
{
	PgmSource  *source = pgm_revision_source(revision, plan->direction);
	PgmResume	resume;
	PgmStepMethod method;

	memset(&writer->classifier, 0, sizeof(PgmClassifier));
	write_line(writer, "%s", "");
	write_line(writer, "-- %s %d of %d: %s, %s",
			   pgm_command_name(plan->direction), step, plan->steps.nsteps,
			   revision->id, pgm_printable_line(revision->message));
	method = pgm_step_resume(revision, source, plan->direction,
							 pgm_step_method(revision, source),
							 writer->any_partly, &resume);
	step_writers[method] (writer, revision, source, &resume);
}

static void
write_batch(Writer *writer, const PgmPlan *plan, int from, int n, char **ids,
			char **digests)
{
	PgmRevision **revisions = pgm_revision_get_many(n, ids + from);

	for (int i = 0; i < n; i++)
	{
		/* each query of ours sees what others have committed meanwhile */
		if (strcmp(revisions[i]->digest, digests[from + i]) != 0)
			ereport(ERROR,
					errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("revision \"%s\" was changed while the script was being written",
						   revisions[i]->id),
					errhint("Call pgmigrate.script() again."));
		write_step(writer, plan, from + i + 1, revisions[i]);
	}
}

static void
write_steps(Writer *writer, const PgmPlan *plan, char **ids, char **digests)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate script steps",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < plan->steps.nsteps; i += PGM_SCRIPT_BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		write_batch(writer, plan, i,
					Min(PGM_SCRIPT_BATCH, plan->steps.nsteps - i), ids,
					digests);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
write_head(Writer *writer, const PgmPlan *plan, const char *target, char **ids,
		   char **digests)
{
	int			n = plan->steps.nsteps;

	write_line(writer, "-- pgmigrate: %s to %s, %d %s",
			   pgm_command_name(plan->direction), pgm_printable_line(target),
			   n, n == 1 ? "step" : "steps");
	write_line(writer, "-- Run it with psql -X -v ON_ERROR_STOP=1 -f, not in a transaction.");
	write_line(writer, "-- If it stops, mend the cause and take a new script: it goes on there.");
	write_line(writer, "\\set ON_ERROR_STOP on");
	write_line(writer, "SET standard_conforming_strings = on;");
	write_line(writer, "SELECT pgmigrate.script_begin(%s, %s,",
			   quote_literal_cstr(pgm_command_name(plan->direction)),
			   quote_literal_cstr(target));
	write_array(writer, plan->nheads, plan->heads, ",");
	write_array(writer, n, ids, ",");
	write_array(writer, n, digests, ");");
}

/* The plan from other heads than those of the ledger. */
static PgmPlan *
plan_from(PgmDirection direction, const char *start, const char *target)
{
	PgmPlan    *plan = pgm_plan_load();
	PgmGraphError error = {PGM_GRAPH_OK};

	plan->direction = direction;
	if (strcmp(start, "current") != 0)
	{
		PgmRevSet	rows;

		if (!pgm_graph_resolve(plan->graph, plan->rows, start, &rows, &error))
			pgm_graph_raise(&error);
		plan->rows = rows;
		plan->nheads = plan->rows.n;
		plan->heads = pgm_graph_ids(plan->graph, plan->rows);
	}
	if (!(direction == PGM_UP ?
		  pgm_graph_plan_upgrade(plan->graph, plan->rows, target,
								 &plan->steps, &error) :
		  pgm_graph_plan_downgrade(plan->graph, plan->rows, target,
								   &plan->steps, &error)))
		pgm_graph_raise(&error);
	if (strcmp(start, "current") == 0)
	{
		pgm_ledger_check_complete(plan->graph, plan->rows);
		pgm_plan_check_partly(plan);
	}
	return plan;
}

/* Is there something to take back on the way to the target? */
static bool
is_below(const PgmPlan *plan, const char *target)
{
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmPlan		down = *plan;

	return pgm_graph_plan_downgrade(plan->graph, plan->rows, target,
									&down.steps, &error) &&
		down.steps.nsteps > 0;
}

void
pgm_script_write(const char *range, PgmDirection direction,
				 PgmScriptLine emit, void *arg)
{
	Writer		writer;
	PgmPlan    *plan;
	char	   *start;
	char	   *target;
	char	  **ids;
	char	  **digests;

	if (!pgm_graph_split_range(range, &start, &target))
		start = pstrdup("current");
	if (start == NULL)
		start = pstrdup(direction == PGM_UP ? "base" : "heads");
	if (target == NULL)
		target = pstrdup(direction == PGM_UP ? "heads" : "base");
	plan = plan_from(direction, start, target);

	memset(&writer, 0, sizeof(writer));
	writer.emit = emit;
	writer.arg = arg;
	writer.direction = direction;
	writer.any_partly = pgm_begun_any();
	initStringInfo(&writer.buf);
	if (plan->steps.nsteps == 0)
	{
		bool		below = direction == PGM_UP && is_below(plan, target);

		write_line(&writer, "-- pgmigrate: nothing to do, %s is %s",
				   pgm_printable_line(target),
				   below ? "below where this begins" : "reached already");
		if (below)
			write_line(&writer, "-- To go down to it, ask for the script with direction => 'downgrade'.");
		return;
	}
	/* from other heads than those of the database its tables tell nothing */
	if (plan->steps.nsteps <= PGM_ASSESSED_STEPS)
	{
		bool		here = strcmp(start, "current") == 0 &&
			!RecoveryInProgress() && !XactReadOnly;

		writer.judged = pgm_assess(pgm_assess_plan_items(plan), here, here);
	}
	ids = pgm_plan_step_ids(plan, 0, plan->steps.nsteps);
	if (strcmp(start, "current") == 0)
		pgm_begun_refuse_online(plan->steps.nsteps, ids);
	digests = pgm_revision_digests(plan->steps.nsteps, ids);
	write_head(&writer, plan, target, ids, digests);
	write_steps(&writer, plan, ids, digests);
	write_line(&writer, "%s", "");
	write_line(&writer, "SELECT pgmigrate.script_end();");
}
