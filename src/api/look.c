/*-------------------------------------------------------------------------
 *
 * look.c
 *	  SQL functions that show revisions and the ledger.
 *
 * All of them work on a standby.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/access_levels.h"
#include "assess/assess.h"
#include "assess/passes.h"
#include "base/printable.h"
#include "base/result_rows.h"
#include "base/spi.h"
#include "classify/classify.h"
#include "classify/estimate.h"
#include "compat/server.h"
#include "graph/picture.h"
#include "monitor/changes.h"
#include "monitor/nodes.h"
#include "monitor/page.h"
#include "monitor/svg.h"
#include "store/authoring.h"
#include "store/begun_statement.h"
#include "store/partly_applied.h"
#include "store/run_plan.h"

PG_FUNCTION_INFO_V1(pgmigrate_current);
PG_FUNCTION_INFO_V1(pgmigrate_heads);
PG_FUNCTION_INFO_V1(pgmigrate_branches);
PG_FUNCTION_INFO_V1(pgmigrate_show);
PG_FUNCTION_INFO_V1(pgmigrate_changes);
PG_FUNCTION_INFO_V1(pgmigrate_history);
PG_FUNCTION_INFO_V1(pgmigrate_plan);
PG_FUNCTION_INFO_V1(pgmigrate_graph);
PG_FUNCTION_INFO_V1(pgmigrate_grant_access);
PG_FUNCTION_INFO_V1(pgmigrate_check_writer);

static PgmQuery current_heads_query = {
	"SELECT h.revision, r.message, r.is_head, r.branch_labels, "
	"date_trunc('second', h.applied_at) "
	"FROM pgmigrate.head h LEFT JOIN pgmigrate.revision r ON r.id = h.revision "
	"ORDER BY r.seq, h.revision COLLATE \"C\""
};

static PgmQuery heads_query = {
	"SELECT r.id, r.message, r.branch_labels, v.state "
	"FROM pgmigrate.revision r JOIN pgmigrate.revisions v ON v.revision = r.id "
	"WHERE r.is_head ORDER BY r.seq"
};

static PgmQuery branches_query = {
	"SELECT r.id, r.message, r.branch_labels, c.children FROM ("
	"SELECT p.parent, array_agg(r.id ORDER BY r.seq) "
	"FROM pgmigrate.revision r CROSS JOIN LATERAL "
	"unnest(r.down_revision) AS p (parent) "
	"GROUP BY p.parent HAVING count(*) > 1) AS c (parent, children) "
	"JOIN pgmigrate.revision r ON r.id = c.parent ORDER BY r.seq"
};

static PgmQuery show_query = {
	"SELECT n.id, r.message, $3, r.down_revision, r.depends_on, "
	"r.branch_labels, r.transactional, r.upgrade, r.downgrade, r.verify, "
	"array_to_string(r.author || r.coauthors, ', '), r.created_at, "
	"r.amended_by, r.amended_at, "
	"CASE WHEN r.approved_digest = r.digest THEN r.approved_by END, "
	"CASE WHEN r.approved_digest = r.digest THEN r.approved_at END, "
	"a.applied_at, r.digest, $2 "
	"FROM (SELECT $1) AS n (id) "
	"LEFT JOIN pgmigrate.revision r ON r.id = n.id "
	"LEFT JOIN pgmigrate.applied a ON a.revision = n.id",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static Datum
query_rows(FunctionCallInfo fcinfo, PgmQuery *query, Datum *values,
		   bool *nulls)
{
	PgmSpiScope scope;
	PgmRows		rows;

	pgm_rows_begin(&rows, fcinfo);
	pgm_spi_begin(&scope);
	pgm_spi_execute(query, values, nulls);
	pgm_spi_store(rows.store, rows.tupdesc);
	pgm_spi_end(&scope);
	return (Datum) 0;
}

Datum
pgmigrate_current(PG_FUNCTION_ARGS)
{
	return query_rows(fcinfo, &current_heads_query, NULL, NULL);
}

Datum
pgmigrate_heads(PG_FUNCTION_ARGS)
{
	return query_rows(fcinfo, &heads_query, NULL, NULL);
}

Datum
pgmigrate_branches(PG_FUNCTION_ARGS)
{
	return query_rows(fcinfo, &branches_query, NULL, NULL);
}

/* Of one whose row was lost there is but the name, and when it was applied. */
Datum
pgmigrate_show(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "id");
	const char *id;
	PgmRevision *revision = pgm_author_look(target, &id);
	char	   *changes = revision == NULL ? NULL :
		pgm_changes_since_approval(revision);
	PgmNodes	nodes;
	PgmNodeState state;
	Datum		values[3];
	bool		nulls[3] = {false};

	pgm_nodes_load(&nodes);
	state = nodes.draw[pgm_graph_find(nodes.plan->graph, id)].state;
	values[0] = pgm_text_datum(id);
	pgm_set_text(values, nulls, 1,
				 changes != NULL && changes[0] != '\0' ? changes : NULL);
	values[2] = pgm_text_datum(pgm_node_state_name(state));
	return query_rows(fcinfo, &show_query, values, nulls);
}

Datum
pgmigrate_changes(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "id");
	char	   *digest = pgm_arg_text(fcinfo, 1);
	PgmRevision *revision = pgm_author_find(target);
	char	   *changes;
	PgmRows		rows;

	if (digest != NULL)
		changes = pgm_changes_since(revision, digest);
	else
	{
		changes = pgm_changes_since_approval(revision);
		if (changes == NULL)
			changes = pgm_changes_since_stored(revision);
	}
	pgm_rows_begin(&rows, fcinfo);
	while (*changes != '\0')
	{
		char	   *end = changes + strcspn(changes, "\n");

		pgm_rows_text(&rows, pnstrdup(changes, end - changes));
		pgm_rows_end_row(&rows);
		changes = *end != '\0' ? end + 1 : end;
	}
	return (Datum) 0;
}

/* What psql puts between two columns, and at both ends of a row. */
#define COLUMN_GAP 3
#define ROW_MARGIN 2

/* A message that has to share the line with long names is not shredded. */
#define MIN_MESSAGE 15

/* A row of history(), before it is known how much room its message has. */
typedef struct HistoryRow
{
	int			rev;
	PgmRevSet	parents;
	char	   *mark;
	TimestampTz applied_at;		/* 0: it is not */
} HistoryRow;

static void
history_mark(HistoryRow *row, const PgmNodes *nodes)
{
	const PgmDrawNode *node = &nodes->draw[row->rev];
	int			nchildren = pgm_graph_children(nodes->plan->graph, row->rev).n;
	StringInfoData mark;

	initStringInfo(&mark);
	if (node->is_current)
		appendStringInfoString(&mark, ", current");
	if (nchildren == 0)
		appendStringInfoString(&mark, ", head");
	if (nchildren > 1)
		appendStringInfoString(&mark, ", branchpoint");
	if (row->parents.n > 1)
		appendStringInfoString(&mark, ", mergepoint");
	for (int i = 0; i < node->nlabels; i++)
		appendStringInfo(&mark, ", @%s", node->labels[i]);
	row->mark = mark.len > 0 ? mark.data + 2 : NULL;
}

static HistoryRow *
history_rows(const PgmNodes *nodes, PgmRevSet set)
{
	HistoryRow *rows = palloc0(sizeof(HistoryRow) * (set.n + 1));

	for (int i = 0; i < set.n; i++)
	{
		HistoryRow *row = &rows[i];

		row->rev = set.rev[set.n - 1 - i];
		row->parents = pgm_graph_parents(nodes->plan->graph, row->rev);
		history_mark(row, nodes);
		if (nodes->draw[row->rev].state == PGM_NODE_APPLIED ||
			nodes->draw[row->rev].state == PGM_NODE_PARTLY ||
			nodes->draw[row->rev].state == PGM_NODE_LOST)
			row->applied_at = nodes->applied_at[row->rev];
	}
	return rows;
}

static void
widen(int *width, const char *text)
{
	*width = Max(*width, text != NULL ? pgm_text_columns(text) : 0);
}

/* What the other columns leave to the message, in psql. */
static int
message_room(const PgmNodes *nodes, int n, const HistoryRow *rows)
{
	const PgmGraph *graph = nodes->plan->graph;
	int			id = strlen("revision");
	int			parents = strlen("down_revision");
	int			state = strlen("state");
	int			mark = strlen("mark");
	int			applied_at = strlen("applied_at");

	for (int i = 0; i < n; i++)
	{
		char	  **ids = pgm_graph_ids(graph, rows[i].parents);
		int			width = strlen("{}") + Max(rows[i].parents.n - 1, 0);

		for (int j = 0; j < rows[i].parents.n; j++)
			width += pgm_text_columns(ids[j]);
		parents = Max(parents, width);
		widen(&id, pgm_graph_id(graph, rows[i].rev));
		widen(&state, pgm_node_state_name(nodes->draw[rows[i].rev].state));
		widen(&mark, rows[i].mark);
		if (rows[i].applied_at != 0)
			widen(&applied_at,
				  DatumGetCString(DirectFunctionCall1(timestamptz_out,
													  TimestampTzGetDatum(rows[i].applied_at))));
	}
	return Max(PGM_SCREEN_WIDTH - id - parents - state - mark - applied_at -
			   5 * COLUMN_GAP - ROW_MARGIN, MIN_MESSAGE);
}

Datum
pgmigrate_history(PG_FUNCTION_ARGS)
{
	char	   *range = pgm_arg_text_not_null(fcinfo, 0, "range");
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmRevSet	set;
	PgmRows		rows;
	PgmNodes	nodes;
	HistoryRow *history;
	int			room;

	pgm_rows_begin(&rows, fcinfo);
	pgm_nodes_load(&nodes);
	if (!pgm_graph_range(nodes.plan->graph, nodes.plan->rows, range, &set,
						 &error))
		pgm_graph_raise(&error);
	history = history_rows(&nodes, set);
	room = message_room(&nodes, set.n, history);
	for (int i = 0; i < set.n; i++)
	{
		const HistoryRow *row = &history[i];
		const PgmDrawNode *node = &nodes.draw[row->rev];

		pgm_rows_text(&rows, pgm_graph_id(nodes.plan->graph, row->rev));
		pgm_rows_text_array(&rows, row->parents.n,
							pgm_graph_ids(nodes.plan->graph, row->parents));
		pgm_rows_text(&rows, node->message == NULL ? NULL :
					  pgm_text_lines(node->message, room));
		pgm_rows_text(&rows, pgm_node_state_name(node->state));
		pgm_rows_text(&rows, row->mark);
		if (row->applied_at == 0)
			pgm_rows_null(&rows);
		else
			pgm_rows_datum(&rows, TimestampTzGetDatum(row->applied_at));
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

Datum
pgmigrate_graph(PG_FUNCTION_ARGS)
{
	char	   *format = pgm_arg_text_not_null(fcinfo, 0, "format");
	PgmRows		rows;
	PgmNodes	nodes;

	pgm_rows_begin(&rows, fcinfo);
	pgm_nodes_load(&nodes);
	if (strcmp(format, "text") == 0)
		pgm_draw_text(nodes.plan->graph, nodes.draw,
					  GetDatabaseEncoding() == PG_UTF8, pgm_rows_line, &rows);
	else if (strcmp(format, "dot") == 0)
		pgm_draw_dot(nodes.plan->graph, nodes.draw, pgm_rows_line, &rows);
	else if (strcmp(format, "mermaid") == 0)
		pgm_draw_mermaid(nodes.plan->graph, nodes.draw, pgm_rows_line, &rows);
	else if (strcmp(format, "svg") == 0)
		pgm_draw_svg(nodes.plan->graph, nodes.draw, pgm_rows_line, &rows);
	else
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized graph format \"%s\"", format),
				errhint("The formats are \"text\", \"dot\", \"mermaid\" and \"svg\"."));
	return (Datum) 0;
}

/*
 * "level: rule" for each finding that no comment allows, and why there is no
 * way to carry it out online where one is wanted, or why it is this one of
 * two.
 */
static void
plan_hazards(PgmRows *rows, const PgmJudged *judged)
{
	char	  **hazards = palloc(sizeof(char *) *
								 (list_length(judged->findings) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (pgm_finding_level(finding) != PGM_LEVEL_INFO)
			hazards[n++] = psprintf("%s: %s",
									pgm_level_name(pgm_finding_level(finding)),
									finding->rule->id);
	}
	if (judged->strategy->refused)
		hazards[n++] = psprintf("plain: %s", judged->strategy->why);
	else if (judged->strategy->figures != NULL)
		hazards[n++] = psprintf("%s: %s", judged->strategy->name,
								judged->strategy->figures);
	pgm_rows_text_array(rows, n, hazards);
}

/* Rows of plan(), and what their estimates are made of. */
typedef struct PlanRows
{
	PgmRows		rows;
	PgmRates	rates;
	bool		any_partly;		/* some revision was partly applied, once */
} PlanRows;

/* Of the steps, where there are any; else of the statement as written. */
static void
plan_estimate(PlanRows *plan, const PgmJudged *judged)
{
	double		ms = pgm_strategy_estimate(judged->strategy, &plan->rates,
										   judged->verdict);
	Interval   *interval;

	if (ms < 0)
	{
		pgm_rows_null(&plan->rows);
		return;
	}
	interval = palloc0(sizeof(Interval));
	/* it is an estimate: no more digits than it is worth */
	interval->time = ms < 1000 ? (int64) ceil(ms) * 1000 :
		(int64) rint(ms / 100) * 100000;
	pgm_rows_datum(&plan->rows, IntervalPGetDatum(interval));
}

/* A revision without statements has a row of its own. */
static void
plan_row(PlanRows *out, int step, const char *revision,
		 const PgmJudged *judged, bool with_hazards)
{
	PgmRows    *rows = &out->rows;
	int			nlocks;
	char	  **locks;

	pgm_rows_int(rows, step);
	pgm_rows_text(rows, revision);
	if (judged == NULL)
	{
		for (int i = 0; i < 6; i++)
			pgm_rows_null(rows);
		pgm_rows_end_row(rows);
		return;
	}
	locks = pgm_verdict_locks(pgm_strategy_verdict(judged->strategy,
												   judged->verdict),
							  &nlocks);
	pgm_rows_text(rows, pgm_statement_text(judged->source, judged->n));
	pgm_rows_text(rows, judged->strategy->name);
	pgm_rows_text_array(rows, nlocks, locks);
	if (judged->strategy->kind == PGM_STRATEGY_WAY_BACK)
		pgm_rows_bool(rows, false);
	else if (pgm_rewrite_is_known(judged->verdict))
		pgm_rows_bool(rows, judged->verdict->rewrites == PGM_TRUE);
	else
		pgm_rows_null(rows);
	plan_estimate(out, judged);
	if (with_hazards)
		plan_hazards(rows, judged);
	else
		pgm_rows_null(rows);
	pgm_rows_end_row(rows);
}

/* A long plan: the statements by their text alone. */
static void
plan_step(const PgmPlan *plan, int step, const PgmSource *source, void *arg)
{
	PlanRows   *out = arg;
	PgmClassifier classifier = {0};
	PgmResume	resume = {0};
	PgmPassSeen pass = {0};
	char	   *why_plain = pgm_strategy_obstacle(source);
	bool		any = false;

	if (out->any_partly)
		pgm_resume_find(pgm_revision_get(source->revision), source,
						plan->direction, &resume);
	for (int i = 0; i < source->nstatements; i++)
	{
		PgmJudged	judged = {0};

		if (i < resume.done && !pgm_resume_repeats(source, i))
			continue;
		any = true;
		judged.source = source;
		judged.n = i;
		judged.verdict = pgm_classify(&classifier, source, i);
		judged.strategy = pgm_strategy_choose(judged.verdict, &out->rates,
											  false);
		if (judged.strategy->kind != PGM_STRATEGY_PLAIN && why_plain != NULL)
			judged.strategy = pgm_strategy_plain(why_plain);
		judged.strategy = pgm_strategy_in_pass(&pass, judged.verdict,
											   judged.strategy);
		plan_row(out, step, source->revision, &judged, false);
	}
	if (!any)
		plan_row(out, step, source->revision, NULL, false);
}

/* A plan that somebody reads: assessed, the statements tried on clones. */
static void
plan_assessed(PlanRows *out, const PgmPlan *plan)
{
	bool		trial = !RecoveryInProgress() && !XactReadOnly;
	List	   *all = pgm_assess(pgm_assess_plan_items(plan), trial, trial);
	ListCell   *lc = list_head(all);

	for (int i = 0; i < plan->steps.nsteps; i++)
	{
		const char *id = pgm_graph_id(plan->graph, plan->steps.steps[i].rev);
		bool		any = false;

		for (; lc != NULL; lc = lnext(all, lc), any = true)
		{
			PgmJudged  *judged = lfirst(lc);

			if (strcmp(judged->revision, id) != 0)
				break;
			plan_row(out, i + 1, id, judged, true);
		}
		if (!any)
			plan_row(out, i + 1, id, NULL, true);
	}
}

Datum
pgmigrate_plan(PG_FUNCTION_ARGS)
{
	char	   *target = pgm_arg_text_not_null(fcinfo, 0, "target");
	char	   *direction = pgm_arg_text_not_null(fcinfo, 1, "direction");
	PgmPlan    *plan;
	PlanRows	out;

	pgm_rows_begin(&out.rows, fcinfo);
	plan = pgm_plan_make(pgm_direction_of_command(direction), target);
	pgm_plan_notice_direction(plan, target);
	pgm_rates_load(&out.rates);
	out.any_partly = pgm_begun_any();
	if (plan->steps.nsteps <= PGM_ASSESSED_STEPS)
		plan_assessed(&out, plan);
	else
		pgm_plan_each_source(plan, plan_step, &out);
	return (Datum) 0;
}

/*
 * The commands run as the caller, who must own the extension or have the grant
 * options: nobody can give more than he has.
 */
Datum
pgmigrate_grant_access(PG_FUNCTION_ARGS)
{
	char	   *role = pgm_arg_text_not_null(fcinfo, 0, "role_name");
	PgmAccessLevel level;
	PgmRows		rows;
	char	  **commands;
	int			n;

	level = pgm_access_level(pgm_arg_text_not_null(fcinfo, 1, "level"));
	(void) get_role_oid(role, false);
	pgm_rows_begin(&rows, fcinfo);
	commands = pgm_access_commands(role, level, &n);
	for (int i = 0; i < n; i++)
	{
		pgm_spi_utility(commands[i]);
		pgm_rows_text(&rows, commands[i]);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

/*
 * Fires before each statement that writes one of our tables, whose rows decide
 * what runs, and with whose rights.  A right to write is no reason: roles such
 * as pg_write_all_data have it to all tables.
 */
Datum
pgmigrate_check_writer(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function must be called as a trigger"));
	pgm_access_check_writer(trigger->tg_relation);
	return PointerGetDatum(NULL);
}
