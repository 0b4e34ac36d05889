/*-------------------------------------------------------------------------
 *
 * report_run.c
 *	  What a run did, to be read by people.
 *
 * Who may not run revisions sees no part of an error that may quote data, as
 * in status(); the locks are those of lock_timeline().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/spi.h"
#include "monitor/nodes.h"
#include "monitor/report.h"
#include "store/journal.h"
#include "store/operation.h"

/* Steps that are shown. */
#define MAX_STEPS 200

#define MICROSECONDS(interval) \
	"(extract(epoch FROM " interval ") * 1000000)::int8"

static PgmQuery run_query = {
	"SELECT upper(left(r.command, 1)) || substr(r.command, 2) || ', run ' || r.id || ', to ' || r.target, "
	"v.state, r.database || ', server ' || r.server_version, "
	"date_trunc('second', r.started)::text, "
	MICROSECONDS("greatest(coalesce(r.finished, CASE WHEN v.state = 'running' "
				 "THEN clock_timestamp() END, (SELECT max(s.finished) "
				 "FROM pgmigrate.run_step s WHERE s.run = r.id)), r.started) "
				 "- r.started") ", "
	"r.role || CASE WHEN r.session_role <> r.role "
	"THEN ', as ' || r.session_role ELSE '' END, r.execution, "
	"coalesce(nullif(array_to_string(r.heads_before, ', '), ''), 'base') || "
	"coalesce(' to ' || coalesce(nullif(array_to_string(r.heads_after, ', '), ''), "
	"'base'), ''), "
	"nullif(array_to_string(r.allowed, ', '), ''), r.reason, r.override, "
	"CASE WHEN $2 AND e.message IS NOT NULL THEN e.message ELSE r.error END, "
	"r.sqlstate, CASE WHEN $2 AND e.hint IS NOT NULL THEN e.hint ELSE r.hint END, "
	"CASE WHEN $2 THEN e.detail END, CASE WHEN $2 THEN e.context END, "
	"CASE WHEN $2 THEN e.query END, "
	"(SELECT p.line FROM pgmigrate.progress p WHERE p.run = r.id), "
	"EXISTS (SELECT FROM pgmigrate.run_control c "
	"WHERE c.run = r.id AND c.setting = 'paused' AND c.value <> 0) "
	"FROM pgmigrate.run r JOIN pgmigrate.runs v ON v.run = r.id "
	"LEFT JOIN pgmigrate.run_error e ON e.run = r.id WHERE r.id = $1",
	2, {INT8OID, BOOLOID}
};

/* Columns of it. */
enum
{
	RUN_TITLE = 1, RUN_STATE, RUN_WHERE, RUN_STARTED, RUN_LENGTH, RUN_ROLE,
	RUN_EXECUTION, RUN_HEADS, RUN_ALLOWED, RUN_REASON, RUN_OVERRIDE, RUN_ERROR,
	RUN_SQLSTATE, RUN_HINT, RUN_DETAIL, RUN_CONTEXT, RUN_QUERY, RUN_LINE,
	RUN_PAUSED
};

/* A step says "running" until the next run, if the process of its own is gone. */
static PgmQuery steps_query = {
	"SELECT s.step, coalesce(nullif(s.revision, ''), r.command), s.message, "
	"CASE WHEN s.state = 'running' THEN v.state ELSE s.state END, "
	"coalesce(s.statement, 0), coalesce(s.statements, 0), "
	"CASE WHEN s.started IS NULL THEN -1 "
	"ELSE greatest(" MICROSECONDS("s.started - r.started") ", 0) END, "
	"greatest(" MICROSECONDS("coalesce(s.duration, s.finished - s.started, "
							 "CASE WHEN v.state = 'running' "
							 "THEN clock_timestamp() - s.started END)") ", 0), "
	"coalesce((s.details ->> 'lock_wait_ms')::float8 * 1000, 0)::int8, "
	"coalesce((SELECT max((a ->> 'behind')::int) "
	"FROM jsonb_array_elements(s.details -> 'lock_attempts') AS a), 0) "
	"FROM pgmigrate.run_step s JOIN pgmigrate.run r ON r.id = s.run "
	"JOIN pgmigrate.runs v ON v.run = s.run "
	"WHERE s.run = $1 ORDER BY s.step LIMIT 201",
	1, {INT8OID}
};

typedef struct Step
{
	int			number;
	char	   *revision;
	char	   *message;
	PgmRunState state;
	int			statement;
	int			statements;
	int64		at;				/* microseconds since the run began, or -1 */
	int64		length;
	int64		waited;
	int			behind;
	int			nwaits;			/* of the waits, which are in order */
} Step;

/* Looks that found the same are one, with the time of the first of them. */
static PgmQuery waits_query = {
	"SELECT t.step, greatest(" MICROSECONDS("t.at - r.started - "
											"CASE WHEN t.phase = 'look' "
											"THEN interval '0' ELSE t.waited END") ", 0), "
	MICROSECONDS("t.waited") ", concat_ws(' ', t.outcome, t.mode, "
	"'on ' || t.relation, 'behind ' || nullif(replace(t.blocked_by, E'\\n', '; '), '')) "
	"FROM pgmigrate.lock_timeline($1) AS t JOIN pgmigrate.run r ON r.id = $1 "
	"WHERE t.waited > interval '0' AND t.attempt > 0 "
	"ORDER BY t.step, t.attempt LIMIT 400",
	1, {INT8OID}
};

typedef struct Wait
{
	int			step;
	int64		at;
	int64		length;
	char	   *title;
} Wait;

static PgmQuery statements_query = {
	"SELECT s.step, (j.value ->> 'statement')::int, "
	"coalesce(round((j.value #>> '{happened,ms}')::numeric)::int8, -1), "
	"coalesce(round((j.value #>> '{predicted,ms}')::numeric)::int8, -1), "
	"(SELECT string_agg(l.value || ' on ' || l.key, ', ' ORDER BY l.key) "
	"FROM jsonb_each_text(CASE jsonb_typeof(j.value #> '{happened,locks}') "
	"WHEN 'object' THEN j.value #> '{happened,locks}' END) AS l) "
	"FROM pgmigrate.run_step s, jsonb_array_elements(s.details -> 'statements') AS j "
	"WHERE s.run = $1 AND s.details ? 'statements' ORDER BY 1, 2 LIMIT 400",
	1, {INT8OID}
};

typedef struct Statement
{
	int			step;
	int			number;
	int64		ms;				/* -1: not known */
	int64		predicted_ms;
	char	   *locks;
} Statement;

static PgmQuery operations_query = {
	"SELECT o.operation, o.relation || ', ' || o.strategy, o.state, "
	"coalesce(o.done, 0), coalesce(o.total, 0), coalesce(o.unit, ''), "
	"concat_ws(', ', o.phase, 'waiting for ' || o.waiting_for, "
	"'about ' || date_trunc('second', o.eta) || ' left', "
	"o.differences || ' rows differ', "
	"'switched ' || date_trunc('second', o.switched), "
	"'can be reverted until ' || date_trunc('second', o.revert_until)) "
	"FROM pgmigrate.operations o WHERE o.run = $1 ORDER BY o.operation",
	1, {INT8OID}
};

typedef struct RunReport
{
	PgmPage    *page;
	int64		run;
	int64		length;			/* microseconds */
	int			nsteps;
	Step	   *steps;
	int			nwaits;
	Wait	   *waits;
	int			nstatements;
	Statement  *statements;
} RunReport;

/* Of a run and its steps. */
static PgmPageMood
mood_of_run(PgmRunState state)
{
	switch (state)
	{
		case PGM_STATE_DONE:
			return PGM_MOOD_GOOD;
		case PGM_STATE_FAILED:
		case PGM_STATE_INTERRUPTED:
			return PGM_MOOD_DANGER;
		case PGM_STATE_CANCELLED:
			return PGM_MOOD_WARNING;
		default:
			return PGM_MOOD_PLAIN;
	}
}

static PgmPageMood
mood_of_operation(PgmOperationState state)
{
	switch (state)
	{
		case PGM_OPERATION_SWITCHED:
		case PGM_OPERATION_FINALIZED:
			return PGM_MOOD_GOOD;
		case PGM_OPERATION_FAILED:
			return PGM_MOOD_DANGER;
		case PGM_OPERATION_CANCELLED:
			return PGM_MOOD_WARNING;
		default:
			return PGM_MOOD_PLAIN;
	}
}

static void
read_steps(RunReport *report)
{
	Datum		values[1] = {Int64GetDatum(report->run)};
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	report->nsteps = pgm_spi_execute(&steps_query, values, NULL);
	report->steps = MemoryContextAllocZero(scope.outer, sizeof(Step) *
										   Max(report->nsteps, 1));
	for (int i = 0; i < report->nsteps; i++)
	{
		Step	   *step = &report->steps[i];

		step->number = pgm_spi_int32(i + 1, 1);
		step->revision = pgm_spi_text(i + 1, 2);
		step->message = pgm_spi_text(i + 1, 3);
		step->state = pgm_run_state(pgm_spi_text(i + 1, 4));
		step->statement = pgm_spi_int32(i + 1, 5);
		step->statements = pgm_spi_int32(i + 1, 6);
		step->at = pgm_spi_int64(i + 1, 7);
		step->length = pgm_spi_int64(i + 1, 8);
		step->waited = pgm_spi_int64(i + 1, 9);
		step->behind = pgm_spi_int32(i + 1, 10);
	}
	pgm_spi_end(&scope);
}

static void
read_waits(RunReport *report)
{
	Datum		values[1] = {Int64GetDatum(report->run)};
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	report->nwaits = pgm_spi_execute(&waits_query, values, NULL);
	report->waits = MemoryContextAllocZero(scope.outer, sizeof(Wait) *
										   Max(report->nwaits, 1));
	for (int i = 0; i < report->nwaits; i++)
	{
		report->waits[i].step = pgm_spi_int32(i + 1, 1);
		report->waits[i].at = pgm_spi_int64(i + 1, 2);
		report->waits[i].length = pgm_spi_int64(i + 1, 3);
		report->waits[i].title = pgm_spi_text(i + 1, 4);
	}
	pgm_spi_end(&scope);
}

static void
read_statements(RunReport *report)
{
	Datum		values[1] = {Int64GetDatum(report->run)};
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	report->nstatements = pgm_spi_execute(&statements_query, values, NULL);
	report->statements = MemoryContextAllocZero(scope.outer,
												sizeof(Statement) *
												Max(report->nstatements, 1));
	for (int i = 0; i < report->nstatements; i++)
	{
		report->statements[i].step = pgm_spi_int32(i + 1, 1);
		report->statements[i].number = pgm_spi_int32(i + 1, 2);
		report->statements[i].ms = pgm_spi_int64(i + 1, 3);
		report->statements[i].predicted_ms = pgm_spi_int64(i + 1, 4);
		report->statements[i].locks = pgm_spi_text(i + 1, 5);
	}
	pgm_spi_end(&scope);
}

/* The run itself; false if there is none. */
static bool
write_run(RunReport *report, bool with_error, PgmPageFormat format,
		  PgmPageLine emit, void *arg)
{
	Datum		values[2];
	char	   *texts[RUN_LINE + 1] = {NULL};
	PgmSpiScope scope;
	PgmRunState state;
	bool		paused;
	bool		found;

	values[0] = Int64GetDatum(report->run);
	values[1] = BoolGetDatum(with_error);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&run_query, values, NULL) > 0;
	for (int i = RUN_TITLE; found && i <= RUN_LINE; i++)
	{
		if (i == RUN_LENGTH)
			report->length = pgm_spi_int64(1, i);
		else
			texts[i] = pgm_spi_text(1, i);
	}
	paused = found && pgm_spi_bool(1, RUN_PAUSED);
	pgm_spi_end(&scope);
	if (!found)
		return false;
	state = pgm_run_state(texts[RUN_STATE]);
	if (paused && state == PGM_STATE_RUNNING)
		texts[RUN_STATE] = pstrdup("paused");
	else
		paused = false;

	report->page = pgm_page_begin(format, texts[RUN_TITLE], emit, arg);
	pgm_page_fact(report->page, "Database", texts[RUN_WHERE]);
	pgm_page_fact(report->page, "Started", texts[RUN_STARTED]);
	pgm_page_fact(report->page, "Duration",
				  pgm_report_duration(report->length / 1000.0));
	pgm_page_fact(report->page, "Role", texts[RUN_ROLE]);
	pgm_page_fact(report->page, "Where", texts[RUN_EXECUTION]);
	pgm_page_fact(report->page, "Heads", texts[RUN_HEADS]);
	pgm_page_fact(report->page, "Allowed", texts[RUN_ALLOWED]);
	pgm_page_fact(report->page, "Because", texts[RUN_REASON]);
	pgm_page_fact(report->page, "Overridden", texts[RUN_OVERRIDE]);
	pgm_page_paragraph(report->page,
					   paused ? PGM_MOOD_WARNING : mood_of_run(state),
					   texts[RUN_ERROR] == NULL ?
					   psprintf("State: %s.", texts[RUN_STATE]) :
					   psprintf("State: %s. %s", texts[RUN_STATE],
								texts[RUN_ERROR]));
	pgm_page_fact(report->page, "SQLSTATE", texts[RUN_SQLSTATE]);
	pgm_page_fact(report->page, "Detail", texts[RUN_DETAIL]);
	pgm_page_fact(report->page, "Hint", texts[RUN_HINT]);
	pgm_page_fact(report->page, "Context", texts[RUN_CONTEXT]);
	if (texts[RUN_QUERY] != NULL)
		pgm_page_code(report->page, texts[RUN_QUERY]);
	if (texts[RUN_LINE] != NULL)
		pgm_page_paragraph(report->page, PGM_MOOD_PLAIN, texts[RUN_LINE]);
	return true;
}

static char
mark_of(PgmPageMood mood)
{
	return mood == PGM_MOOD_DANGER ? PGM_MARK_FAILED : PGM_MARK_WORK;
}

/* The step from its begin to its end, and over it the waits. */
static void
fill_bar(const RunReport *report, const Step *step, PgmPageBar *bar)
{
	PgmPageSpan *span;

	bar->label = psprintf("%d %s", step->number, step->revision);
	bar->note = step->at < 0 ? pgm_run_state_name(step->state) :
		step->waited == 0 ? pgm_report_duration(step->length / 1000.0) :
		psprintf("%s, waited %s", pgm_report_duration(step->length / 1000.0),
				 pgm_report_duration(step->waited / 1000.0));
	bar->spans = palloc0(sizeof(PgmPageSpan) * (report->nwaits + 1));
	if (step->at < 0)
		return;
	span = &bar->spans[bar->nspans++];
	span->from = step->at;
	span->to = step->at + Max(step->length, 1);
	span->mood = mood_of_run(step->state);
	span->mark = mark_of(span->mood);
	span->title = psprintf("%s, %s", pgm_run_state_name(step->state),
						   pgm_report_duration(step->length / 1000.0));
	for (int i = 0; i < report->nwaits; i++)
	{
		const Wait *wait = &report->waits[i];

		if (wait->step != step->number)
			continue;
		span = &bar->spans[bar->nspans++];
		span->from = wait->at;
		span->to = wait->at + wait->length;
		span->mood = PGM_MOOD_WARNING;
		span->mark = PGM_MARK_WAIT;
		span->title = psprintf("waited %s: %s",
							   pgm_report_duration(wait->length / 1000.0),
							   wait->title);
	}
}

static void
write_timeline(RunReport *report)
{
	PgmPageBar *bars = palloc0(sizeof(PgmPageBar) * Max(report->nsteps, 1));
	int			n = 0;

	for (int i = 0; i < report->nsteps; i++)
		if (report->steps[i].at >= 0)
			fill_bar(report, &report->steps[i], &bars[n++]);
	if (n == 0)
		return;
	pgm_page_heading(report->page, 2, "Timeline");
	pgm_page_bars(report->page, n, bars, report->length);
}

static void
write_statements(RunReport *report, int step)
{
	for (int i = 0; i < report->nstatements; i++)
	{
		const Statement *statement = &report->statements[i];
		StringInfoData buf;

		if (statement->step != step || statement->ms < 0)
			continue;
		initStringInfo(&buf);
		appendStringInfoString(&buf, pgm_report_duration(statement->ms));
		if (statement->predicted_ms >= 0)
			appendStringInfo(&buf, ", predicted were %s",
							 pgm_report_duration(statement->predicted_ms));
		if (statement->locks != NULL)
			appendStringInfo(&buf, "; %s", statement->locks);
		pgm_page_item(report->page, PGM_MOOD_PLAIN,
					  psprintf("statement %d", statement->number), buf.data);
	}
}

static void
write_waits(RunReport *report, const Step *step)
{
	if (step->behind > 0)
		pgm_page_item(report->page, PGM_MOOD_WARNING, "waiters",
					  psprintf("up to %d sessions waited behind it",
							   step->behind));
	for (int i = 0; i < report->nwaits; i++)
	{
		const Wait *wait = &report->waits[i];

		if (wait->step == step->number)
			pgm_page_item(report->page, PGM_MOOD_PLAIN,
						  psprintf("waited %s",
								   pgm_report_duration(wait->length / 1000.0)),
						  wait->title);
	}
}

static void
write_steps(RunReport *report)
{
	pgm_page_heading(report->page, 2, "Steps");
	for (int i = 0; i < report->nsteps && i < MAX_STEPS; i++)
	{
		const Step *step = &report->steps[i];
		const char *progress = "";

		CHECK_FOR_INTERRUPTS();
		if (step->statements > 1 && step->state != PGM_STATE_DONE &&
			step->statement > 0)
			progress = psprintf(", %d of %d statements done", step->statement,
								step->statements);
		pgm_page_item(report->page, mood_of_run(step->state),
					  psprintf("step %d, %s", step->number, step->revision),
					  psprintf("%s%s%s%s: %s",
							   pgm_run_state_name(step->state), progress,
							   step->at < 0 ? "" : ", ",
							   step->at < 0 ? "" :
							   pgm_report_duration(step->length / 1000.0),
							   step->message));
		write_statements(report, step->number);
		write_waits(report, step);
	}
	if (report->nsteps > MAX_STEPS)
		pgm_page_paragraph(report->page, PGM_MOOD_PLAIN,
						   psprintf("Of the steps the first %d are shown; pgmigrate.run_step has all.",
									MAX_STEPS));
}

static void
write_operations(RunReport *report)
{
	Datum		values[1] = {Int64GetDatum(report->run)};
	PgmSpiScope scope;
	PgmPageBar *bars;
	char	  **notes;
	int			n;

	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&operations_query, values, NULL);
	MemoryContextSwitchTo(scope.outer);
	bars = palloc0(sizeof(PgmPageBar) * Max(n, 1));
	notes = palloc0(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		char	   *state = pgm_spi_text(i + 1, 3);
		int64		done = pgm_spi_int64(i + 1, 4);
		int64		total = pgm_spi_int64(i + 1, 5);
		PgmPageSpan *span = palloc0(sizeof(PgmPageSpan));

		bars[i].label = psprintf(INT64_FORMAT " %s", pgm_spi_int64(i + 1, 1),
								 pgm_spi_text(i + 1, 2));
		bars[i].note = total == 0 ? state :
			psprintf("%s, " INT64_FORMAT " of " INT64_FORMAT " %s", state,
					 done, total, pgm_spi_text(i + 1, 6));
		bars[i].nspans = 1;
		bars[i].spans = span;
		span->mood = mood_of_operation(pgm_operation_state(state));
		span->mark = mark_of(span->mood);
		span->to = span->mood == PGM_MOOD_GOOD ? 1 :
			total > 0 ? (double) done / total : 0;
		notes[i] = pgm_spi_text(i + 1, 7);
	}
	pgm_spi_end(&scope);
	if (n == 0)
		return;
	pgm_page_heading(report->page, 2, "Operations");
	pgm_page_bars(report->page, n, bars, 1);
	for (int i = 0; i < n; i++)
		if (notes[i] != NULL && notes[i][0] != '\0')
			pgm_page_item(report->page, PGM_MOOD_PLAIN, bars[i].label,
						  notes[i]);
}

bool
pgm_report_run(int64 run, bool with_error, PgmPageFormat format,
			   PgmPageLine emit, void *arg)
{
	RunReport	report = {0};
	PgmNodes	nodes;

	report.run = run;
	if (!write_run(&report, with_error, format, emit, arg))
		return false;
	read_steps(&report);
	read_waits(&report);
	read_statements(&report);
	write_timeline(&report);
	write_operations(&report);
	if (report.nsteps > 0)
		write_steps(&report);
	pgm_page_heading(report.page, 2, "Graph as it is now");
	pgm_nodes_load(&nodes);
	pgm_page_graph(report.page, nodes.plan->graph, nodes.draw);
	pgm_page_end(report.page);
	return true;
}
