/*-------------------------------------------------------------------------
 *
 * strategy.c
 *	  How a statement is carried out: as it is written, or online.
 *
 * The kind of statement tells which form there is; the estimate, the setting
 * and a comment tell whether it is taken.  One answer for all: the run, the
 * plan, the assessment and the script.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "base/settings.h"
#include "base/spi.h"
#include "citus/tables.h"
#include "classify/classify.h"
#include "classify/foreign_code.h"
#include "classify/index_weight.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/kinds.h"
#include "sql/lexer.h"
#include "sql/refused.h"
#include "strategy/internal.h"

static PgmQuery read_steps_query = {
	"SELECT s.step ->> 'sql', s.step ->> 'only_if', s.step ->> 'undo', "
	"s.step ->> 'column', s.step ->> 'violation', s.step ->> 'refill', "
	"s.step ->> 'backfill' "
	"FROM jsonb_array_elements($1::jsonb -> 'steps') "
	"WITH ORDINALITY AS s (step, n) ORDER BY s.n",
	1, {TEXTOID}
};

bool
pgm_strategy_possible(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_RefreshMatViewStmt:
			return true;
		case T_DropStmt:
			return ((const DropStmt *) stmt)->removeType == OBJECT_INDEX ||
				((const DropStmt *) stmt)->removeType == OBJECT_TABLE;
		case T_UpdateStmt:
		case T_DeleteStmt:
			return true;
		default:
			return false;
	}
}

/* ---- for the files of this folder */

void
pgm_strategy_by_steps(PgmMaker *maker, const char *name)
{
	maker->strategy->kind = PGM_STRATEGY_SQL;
	maker->strategy->name = name;
	maker->strategy->method = PGM_METHOD_IN_PLACE;
}

PgmStrategyStep *
pgm_strategy_add_step(PgmMaker *maker, char *sql, char *undo)
{
	PgmStrategyStep *step = palloc0(sizeof(PgmStrategyStep));

	step->sql = sql;
	step->undo = undo;
	maker->strategy->steps = lappend(maker->strategy->steps, step);
	return step;
}

PgmStrategyStep *
pgm_strategy_add_proved(PgmMaker *maker, const char *table, const char *name,
						const char *definition)
{
	(void) pgm_strategy_add_step(maker,
								 psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID",
										  table, name, definition),
								 psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
										  table, name));
	return pgm_strategy_add_step(maker,
								 psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
										  table, name),
								 NULL);
}

void
pgm_strategy_stay_plain(PgmMaker *maker, const char *why)
{
	PgmStrategy *strategy = maker->strategy;

	strategy->kind = PGM_STRATEGY_PLAIN;
	strategy->name = "plain";
	strategy->why = pstrdup(why);
	strategy->steps = NIL;
}

/* Of an ALTER TABLE each index is added by itself. */
static double
weight_of(const PgmMaker *maker, Oid relid, PgmWork work)
{
	return work == PGM_WORK_INDEX && !IsA(maker->stmt, AlterTableStmt) ?
		pgm_index_weight(maker->stmt, relid) : 1;
}

void
pgm_strategy_add_work(PgmMaker *maker, Oid relid, PgmWork work)
{
	List	   *relids = list_make1_oid(relid);
	ListCell   *lc;

	relids = list_concat(relids, pgm_descendants(relid));
	foreach(lc, relids)
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));

		if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
		{
			double		weight = weight_of(maker, lfirst_oid(lc), work);

			maker->strategy->plain_ms += weight *
				pgm_estimate_work(maker->rates, work,
								  pgm_work_bytes(lfirst_oid(lc), work));
			work = work == PGM_WORK_INDEX ? PGM_WORK_CONCURRENTLY : work;
			maker->strategy->online_ms += weight *
				pgm_estimate_work(maker->rates, work,
								  pgm_work_bytes(lfirst_oid(lc), work));
		}
	}
}

char *
pgm_strategy_skip_words(const char *text, int n)
{
	PgmSqlLexer lexer;
	PgmSqlToken token = {0};

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (int i = 0; i <= n; i++)
		pgm_sqlscan_significant(&lexer, &token);
	return pstrdup(text + token.start);
}

int
pgm_strategy_find(const PgmSource *source, int n, const char *text,
				  int position)
{
	const PgmStatement *statement = &source->statements[n];
	const char *at = source->text + statement->offset;

	while ((at = strstr(at, text)) != NULL &&
		   at - source->text <= position)
	{
		if (position < at - source->text + strlen(text))
			return at - source->text;
		at++;
	}
	return -1;
}

/* ---- the choice */

/* The table, index or view that the statement is about, if nobody else's. */
static const PgmEffect *
find_subject(const PgmVerdict *verdict, Node *stmt)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->created_here || !OidIsValid(effect->relid))
			continue;
		if (effect->subject || (IsA(stmt, DropStmt) && effect->named) ||
			(IsA(stmt, ReindexStmt) && effect->relkind != RELKIND_INDEX))
			return effect;
	}
	return NULL;
}

/* The work of statements that are not ALTER TABLE. */
static void
add_work_of(PgmMaker *maker)
{
	if (IsA(maker->stmt, IndexStmt))
	{
		if (castNode(IndexStmt, maker->stmt)->relation->inh)
			pgm_strategy_add_work(maker, maker->relid, PGM_WORK_INDEX);
	}
	else if (IsA(maker->stmt, ReindexStmt))
		pgm_strategy_add_work(maker, maker->relid, PGM_WORK_INDEX);
	else if (IsA(maker->stmt, RefreshMatViewStmt))
		pgm_strategy_add_work(maker, maker->relid, PGM_WORK_REWRITE);
}

static void
make(PgmMaker *maker)
{
	ObjectType	kind;

	switch (nodeTag(maker->stmt))
	{
		case T_AlterTableStmt:
			kind = pgm_alter_table_kind(castNode(AlterTableStmt, maker->stmt));
			if (kind == OBJECT_TABLE)
				pgm_strategy_alter_table(maker);
			else if (kind == OBJECT_INDEX)
				pgm_strategy_move_index(maker);
			break;
		case T_IndexStmt:
			pgm_strategy_create_index(maker);
			break;
		case T_DropStmt:
			if (castNode(DropStmt, maker->stmt)->removeType == OBJECT_INDEX)
				pgm_strategy_drop_index(maker);
			else
				pgm_strategy_keep_tables(maker);
			break;
		case T_ReindexStmt:
			pgm_strategy_reindex(maker);
			break;
		case T_RefreshMatViewStmt:
			pgm_strategy_refresh(maker);
			break;
		case T_UpdateStmt:
		case T_DeleteStmt:
			pgm_strategy_change_rows(maker);
			break;
		default:
			break;
	}
}

/* By statements alone, each of which Citus sends to the shards. */
static bool
is_by_sql(const PgmStrategy *strategy)
{
	ListCell   *lc;

	foreach(lc, strategy->steps)
		if (((PgmStrategyStep *) lfirst(lc))->backfill)
		return false;
	return strategy->kind == PGM_STRATEGY_SQL;
}

/* Is it there at all, whatever the settings are? */
static void
decide_possible(PgmMaker *maker)
{
	PgmStrategy *strategy = maker->strategy;

	if (pgm_citus_is_elsewhere(maker->relid) && !is_by_sql(strategy))
	{
		pgm_strategy_stay_plain(maker, "its rows are on other nodes of Citus");
		return;
	}
	if (strategy->kind == PGM_STRATEGY_SHADOW_TABLE)
		pgm_strategy_choose_shadow(maker);
}

/* Would the online form be taken if there were one? */
static bool
is_missed(const PgmMaker *maker, PgmMark mark)
{
	if (maker->strategy->why == NULL || !pgm_online ||
		!pgm_transaction_per_migration || mark == PGM_MARK_PLAIN ||
		pgm_execution == PGM_EXECUTION_INLINE)
		return false;
	return mark == PGM_MARK_ONLINE ||
		maker->strategy->plain_ms >= pgm_online_threshold;
}

/* Is the online form not to be taken? */
static void
decide(PgmMaker *maker, PgmMark mark, const char *reason)
{
	PgmStrategy *strategy = maker->strategy;

	if (strategy->kind == PGM_STRATEGY_PLAIN)
	{
		strategy->refused = is_missed(maker, mark);
		return;
	}
	if (!pgm_online)
		pgm_strategy_stay_plain(maker, "\"pgmigrate.online\" is off");
	else if (!pgm_transaction_per_migration)
		pgm_strategy_stay_plain(maker, "the run is to be one transaction");
	else if (pgm_execution == PGM_EXECUTION_INLINE)
		pgm_strategy_stay_plain(maker, "the run is to be in the caller's transaction");
	else if (mark == PGM_MARK_PLAIN)
		pgm_strategy_stay_plain(maker, reason ? reason :
								"a comment says so");
	else if (mark == PGM_MARK_ONLINE)
		strategy->why = pstrdup("a comment says so");
	else if (strategy->kind == PGM_STRATEGY_KEEP)
	{
		strategy->why = psprintf("to write again what it drops is estimated to take %.0f ms",
								 strategy->plain_ms);
		if (strategy->plain_ms < pgm_online_threshold)
			pgm_strategy_stay_plain(maker, psprintf("%s, \"pgmigrate.online_threshold\" is %d ms",
													strategy->why,
													pgm_online_threshold));
	}
	else if (strategy->plain_ms < pgm_online_threshold)
		pgm_strategy_stay_plain(maker, psprintf("its locks are estimated to last %.0f ms, \"pgmigrate.online_threshold\" is %d ms",
												strategy->plain_ms,
												pgm_online_threshold));
	else
		strategy->why = psprintf("as written its locks are estimated to last %.0f ms",
								 strategy->plain_ms);
	if (strategy->kind == PGM_STRATEGY_PLAIN)
		return;
	decide_possible(maker);
	strategy->refused = strategy->kind == PGM_STRATEGY_PLAIN;
}

/* As whom a statement is tried, if it is about one table: its owner. */
static bool
was_tried_as(const PgmVerdict *verdict, Oid role)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->named && OidIsValid(effect->relid))
			return pgm_relation_owner(effect->relid) == role &&
				has_privs_of_role(GetUserId(), role);
	}
	return false;
}

/*
 * Parse analysis runs the checks of domains on literals, and the planner what
 * its owner has declared to be constant.  What was tried was looked through
 * for the role as which it was, and a run has its author's rights; else a
 * statement with code of others is not analyzed.
 */
Oid
pgm_strategy_reader(const PgmMaker *maker)
{
	Oid			owner = pgm_relation_owner(maker->relid);

	if (maker->may_evaluate && !maker->verdict->tried)
		return GetUserId();
	if (maker->may_evaluate && was_tried_as(maker->verdict, owner))
		return owner;
	return pgm_strange_code(maker->stmt, NULL, GetUserId(), false) == NULL ?
		GetUserId() : InvalidOid;
}

static PgmStrategy *
choose(const PgmVerdict *verdict, const PgmRates *rates, bool may_evaluate,
	   bool regardless)
{
	const PgmStatement *statement =
		&verdict->source->statements[verdict->n];
	PgmStrategy *strategy = palloc0(sizeof(PgmStrategy));
	PgmMaker	maker = {0};
	PgmMark		mark;
	char	   *reason;

	strategy->name = "plain";
	maker.verdict = verdict;
	maker.source = verdict->source;
	maker.n = verdict->n;
	maker.stmt = statement->raw->stmt;
	maker.rates = rates;
	maker.may_evaluate = may_evaluate;
	maker.strategy = strategy;

	/* REINDEX of partitions commits by itself as it is written */
	if (!pgm_strategy_possible(maker.stmt) ||
		(statement->top_level && !IsA(maker.stmt, ReindexStmt)))
		return strategy;
	maker.subject = find_subject(verdict, maker.stmt);
	if (maker.subject == NULL)
		return strategy;
	maker.relid = maker.subject->relid;
	maker.namespace = get_rel_namespace(maker.relid);
	maker.relname = get_rel_name(maker.relid);
	if (maker.relname == NULL)
		return strategy;
	maker.table = pgm_name_relation(maker.relid);
	if (get_rel_persistence(maker.relid) == RELPERSISTENCE_TEMP)
		return strategy;

	if (verdict->rewrites != PGM_FALSE || verdict->scans != PGM_FALSE)
		pgm_citus_note_sizes(lcons_oid(maker.relid,
									   pgm_descendants(maker.relid)));
	mark = pgm_strategy_mark(maker.source, maker.n, &reason);
	add_work_of(&maker);
	make(&maker);
	if (!regardless)
		decide(&maker, mark, reason);
	else if (strategy->kind != PGM_STRATEGY_PLAIN)
		decide_possible(&maker);
	strategy->relid = strategy->kind == PGM_STRATEGY_PLAIN ? InvalidOid :
		maker.relid;
	return strategy;
}

PgmStrategy *
pgm_strategy_choose(const PgmVerdict *verdict, const PgmRates *rates,
					bool may_evaluate)
{
	return choose(verdict, rates, may_evaluate, false);
}

PgmStrategy *
pgm_strategy_possibility(const PgmVerdict *verdict, bool may_evaluate)
{
	PgmRates	rates = {0};

	/* nobody asks how long it takes */
	for (int i = 0; i < lengthof(rates.rate); i++)
		rates.rate[i].bytes_per_second = 1;
	return choose(verdict, &rates, may_evaluate, true);
}

PgmStrategy *
pgm_strategy_plain(const char *why)
{
	PgmStrategy *strategy = palloc0(sizeof(PgmStrategy));

	strategy->name = "plain";
	strategy->why = pstrdup(why);
	strategy->refused = true;
	return strategy;
}

PgmStrategy *
pgm_strategy_way_back(Oid relid, int64 operation, bool passed_over)
{
	PgmStrategy *strategy = palloc0(sizeof(PgmStrategy));

	strategy->kind = PGM_STRATEGY_WAY_BACK;
	strategy->name = passed_over ? "passed over" : "revert";
	strategy->why = psprintf(passed_over ?
							 "operation " INT64_FORMAT " was reverted already" :
							 "operation " INT64_FORMAT " is reverted, and nothing is copied",
							 operation);
	strategy->relid = relid;
	strategy->passed_over = passed_over;
	return strategy;
}

/* ---- what the steps lock */

static PgmVerdict *
steps_verdict(PgmStrategy *strategy)
{
	PgmClassifier classifier = {0};
	ListCell   *lc;
	ListCell   *lc2;

	if (strategy->verdict != NULL)
		return strategy->verdict;
	strategy->verdict = palloc0(sizeof(PgmVerdict));
	foreach(lc, strategy->steps)
	{
		const PgmStrategyStep *step = lfirst(lc);
		PgmSource  *source = pgm_source_parse(step->sql, PGM_SOURCE_OTHER,
											  NULL);

		for (int i = 0; i < source->nstatements; i++)
		{
			PgmVerdict *verdict = pgm_classify(&classifier, source, i);

			foreach(lc2, verdict->effects)
			{
				const PgmEffect *effect = lfirst(lc2);

				if (OidIsValid(effect->relid) && effect->mode != NoLock)
					(void) pgm_verdict_effect(strategy->verdict, effect->relid,
											  effect->mode);
			}
		}
	}
	return strategy->verdict;
}

/* Other ones than the statement as written? */
static bool
has_own_locks(const PgmStrategy *strategy)
{
	return strategy->steps != NIL || strategy->passed_over;
}

const PgmVerdict *
pgm_strategy_verdict(PgmStrategy *strategy, const PgmVerdict *plain)
{
	return has_own_locks(strategy) ? steps_verdict(strategy) : plain;
}

/* Of what is not built or scanned by its steps it is that of the statement. */
double
pgm_strategy_estimate(const PgmStrategy *strategy, const PgmRates *rates,
					  const PgmVerdict *plain)
{
	const Node *stmt = plain->source->statements[plain->n].raw->stmt;
	double		ms = pgm_estimate_statement(rates, plain);

	if (strategy->kind == PGM_STRATEGY_WAY_BACK)
		return strategy->passed_over ? 0 : rates->rate[PGM_WORK_NONE].ms;
	if (strategy->goes_along)
		return 0;
	if (ms < 0 || strategy->kind == PGM_STRATEGY_PLAIN ||
		strategy->kind == PGM_STRATEGY_KEEP ||
		!(IsA(stmt, AlterTableStmt) || IsA(stmt, IndexStmt) ||
		  IsA(stmt, ReindexStmt)))
		return ms;
	return strategy->online_ms + rates->rate[PGM_WORK_NONE].ms *
		Max(list_length(strategy->steps), 1);
}

PgmEffect
pgm_strategy_effect(PgmStrategy *strategy, const PgmEffect *effect)
{
	PgmEffect	result = *effect;
	const PgmEffect *carried;

	if (strategy->kind == PGM_STRATEGY_WAY_BACK)
	{
		result.rewrites = PGM_FALSE;
		result.scans = PGM_FALSE;
	}
	if (!has_own_locks(strategy) || !OidIsValid(effect->relid))
		return result;
	carried = pgm_verdict_find(steps_verdict(strategy), effect->relid);
	result.mode = carried == NULL ? NoLock : carried->mode;
	result.rewrites = effect->rewrites == PGM_UNSET ? PGM_UNSET : PGM_FALSE;
	return result;
}

/*
 * What is bound to its transaction would be gone, or would be seen by others,
 * were the statements committed one by one.
 */
char *
pgm_strategy_obstacle(const PgmSource *source)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;
		const IntoClause *into;
		const char *ends;

		if (pgm_statement_is(stmt, PGM_ONLY_IN_TRANSACTION))
			return psprintf("the revision has %s",
							source->statements[i].tag);
		switch (nodeTag(stmt))
		{
				/* SET LOCAL holds until the end of the revision then */
			case T_VariableSetStmt:
				if (castNode(VariableSetStmt, stmt)->kind == VAR_SET_MULTI)
					return pstrdup("the revision has SET TRANSACTION");
				continue;
			case T_CreateStmt:
				if (castNode(CreateStmt, stmt)->oncommit != ONCOMMIT_NOOP)
					return pstrdup("the revision has a table with ON COMMIT");
				break;
			case T_CreateTableAsStmt:
				into = castNode(CreateTableAsStmt, stmt)->into;
				if (into->onCommit != ONCOMMIT_NOOP)
					return pstrdup("the revision has a table with ON COMMIT");
				break;
			default:
				break;
		}
		ends = pgm_statement_ends_alone(stmt);
		if (ends != NULL)
			return psprintf("the revision has %s", ends);
	}
	return NULL;
}

/* ---- as text */

char *
pgm_strategy_text(const PgmStrategy *strategy)
{
	StringInfoData buf;
	ListCell   *lc;

	if (strategy->steps == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(lc, strategy->steps)
	{
		const PgmStrategyStep *step = lfirst(lc);

		if (step->only_if == NULL)
			appendStringInfo(&buf, "%s%s;",
							 buf.len > 0 ? "\n-- in a later revision:\n" : "",
							 step->sql);
	}
	return buf.data;
}

static void
add_member(StringInfo buf, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(buf, "%s\"%s\": ", buf->data[buf->len - 1] == '{' ? "" :
					 ", ", name);
	escape_json(buf, value);
}

char *
pgm_strategy_steps_json(const PgmStrategy *strategy)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "{\"steps\": [");
	foreach(lc, strategy->steps)
	{
		const PgmStrategyStep *step = lfirst(lc);

		appendStringInfoString(&buf, foreach_current_index(lc) > 0 ? ", {" :
							   "{");
		add_member(&buf, "sql", step->sql);
		add_member(&buf, "only_if", step->only_if);
		add_member(&buf, "column", step->column);
		add_member(&buf, "violation", step->violation);
		add_member(&buf, "undo", step->undo);
		add_member(&buf, "refill", step->refill);
		add_member(&buf, "backfill", step->backfill ? "true" : NULL);
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoString(&buf, "]}");
	return buf.data;
}

List *
pgm_strategy_steps_read(const char *details)
{
	MemoryContext context = CurrentMemoryContext;
	PgmSpiScope scope;
	Datum		values[1] = {pgm_text_datum(details)};
	List	   *steps = NIL;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&read_steps_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		PgmStrategyStep *step = palloc0(sizeof(PgmStrategyStep));

		step->sql = pgm_spi_text(i, 1);
		step->only_if = pgm_spi_text(i, 2);
		step->undo = pgm_spi_text(i, 3);
		step->column = pgm_spi_text(i, 4);
		step->violation = pgm_spi_text(i, 5);
		step->refill = pgm_spi_text(i, 6);
		step->backfill = !pgm_spi_isnull(i, 7);
		steps = lappend(steps, step);
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return steps;
}

/* With the table in the place that the step leaves for it. */
static char *
put_table(const char *message, const char *table)
{
	const char *place = strstr(message, "%s");

	return place == NULL ? pstrdup(message) :
		psprintf("%.*s%s%s", (int) (place - message), message, table,
				 place + strlen("%s"));
}

/* What a helper's CHECK refuses is something else to the statement itself. */
void
pgm_strategy_say_as_written(const PgmStrategyStep *step, const char *relation,
							ErrorData *edata)
{
	const char *table = edata->table_name ? edata->table_name : relation;

	if (edata->sqlerrcode != ERRCODE_CHECK_VIOLATION ||
		(step->violation == NULL && step->column == NULL))
		return;
	edata->constraint_name = NULL;
	if (step->violation != NULL)
	{
		edata->message = put_table(step->violation, table);
		return;
	}
	edata->sqlerrcode = ERRCODE_NOT_NULL_VIOLATION;
	edata->message =
		psprintf("column \"%s\" of relation \"%s\" contains null values",
				 step->column, table);
	edata->column_name = pstrdup(step->column);
}
