/*-------------------------------------------------------------------------
 *
 * queries.c
 *	  Watched queries, executed in a rehearsal before and after a revision.
 *
 * The guard of a run only plans them; here they cost nobody anything.  Each is
 * executed as the role that watches it, whose rights the caller has, in a
 * subtransaction that is read only and rolled back, and not for long; only a
 * SELECT is.  What is looked at is the blocks that it touches, which do not
 * depend on who else is at work, and the time where that is much longer.
 *
 * The tables of its plan are analyzed before, as it would be with autovacuum.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "base/settings.h"
#include "base/transaction.h"
#include "gate/guard.h"
#include "process/report.h"
#include "rehearse/internal.h"

/* A query takes no longer than that, in milliseconds. */
#define QUERY_TIMEOUT 5000

/* Less than that is not worth a word, however many times it is more. */
#define MIN_BLOCKS 8
#define MIN_MS 50.0

typedef struct Rehearsed
{
	PgmWatched *watched;
	PgmWatchedPlan before;
	char	   *known;			/* indexes and statistics of it, as jsonb */
	PgmWatchedPlan first;		/* before all revisions */
} Rehearsed;

struct PgmRehearsedQueries
{
	MemoryContext context;
	MemoryContext plans;		/* of the queries as they are now */
	bool		sampled;		/* there are rows */
	int			n;
	Rehearsed  *queries;
};

static void
plan_query(PgmRehearsedQueries *queries, const PgmWatched *watched,
		   PgmWatchedPlan *plan)
{
	PgmWatched	planned = *watched;

	planned.execute = false;
	pgm_watched_explain(&planned, plan);
	if (queries->sampled && plan->json != NULL)
		pgm_guard_analyze(plan->json);
}

/* In the current context; transactions of their own. */
static void
measure(PgmRehearsedQueries *queries, const PgmWatched *watched,
		PgmWatchedPlan *plan, char **known)
{
	MemoryContext context = CurrentMemoryContext;

	*known = NULL;
	PG_TRY();
	{
		pgm_txn_begin();
		MemoryContextSwitchTo(context);
		plan_query(queries, watched, plan);
		pgm_txn_commit();
		pgm_txn_begin();
		MemoryContextSwitchTo(context);
		enable_timeout_after(STATEMENT_TIMEOUT, QUERY_TIMEOUT);
		pgm_watched_explain(watched, plan);
		disable_timeout(STATEMENT_TIMEOUT, false);
		if (plan->json != NULL)
			*known = pgm_guard_known(plan->json);
		pgm_txn_commit();
	}
	PG_CATCH();
	{
		memset(plan, 0, sizeof(PgmWatchedPlan));
		plan->error = pgm_rehearse_recover(context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

PgmRehearsedQueries *
pgm_rehearse_queries_begin(StringInfo payload, bool sampled)
{
	int			n = pq_getmsgint(payload, 4);
	PgmRehearsedQueries *queries;
	MemoryContext old;

	if (n == 0)
		return NULL;
	queries = palloc0(sizeof(PgmRehearsedQueries));
	queries->context = CurrentMemoryContext;
	queries->sampled = sampled;
	queries->n = n;
	queries->queries = palloc0(sizeof(Rehearsed) * n);
	queries->plans = AllocSetContextCreate(queries->context,
										   "pgmigrate rehearsed queries",
										   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < n; i++)
	{
		Rehearsed  *query = &queries->queries[i];

		query->watched = pgm_rehearse_get_watched(payload);
		query->watched->execute = true;
		old = MemoryContextSwitchTo(queries->plans);
		measure(queries, query->watched, &query->before, &query->known);
		MemoryContextSwitchTo(old);
		query->first = query->before;
		if (query->first.json == NULL)
			ereport(WARNING,
					errmsg("watched query \"%s\" is not rehearsed",
						   query->watched->name),
					errdetail_internal("%s", query->first.error));

		/* the plan itself is gone by then */
		if (query->first.json != NULL)
			query->first.json = pstrdup("");
	}
	return queries;
}

/* Executed or not: the same query does the same each time. */
static bool
is_slower(const PgmWatchedPlan *before, const PgmWatchedPlan *after)
{
	if (after->cost > before->cost * pgm_guard_factor &&
		after->cost - before->cost >= PGM_GUARD_MIN_COST)
		return true;
	if (!before->executed || !after->executed)
		return false;
	return (after->blocks > before->blocks * pgm_guard_factor &&
			after->blocks - before->blocks >= MIN_BLOCKS) ||
		(after->ms > before->ms * pgm_guard_factor &&
		 after->ms - before->ms >= MIN_MS);
}

static char *
describe_plan(const PgmWatchedPlan *plan)
{
	if (!plan->executed)
		return psprintf("cost %.0f", plan->cost);
	return psprintf("%lld blocks in %.1f ms", (long long) plan->blocks,
					plan->ms);
}

static void
add_numbers(StringInfo json, const char *name, const PgmWatchedPlan *plan)
{
	appendStringInfo(json, ", \"%s\": ", name);
	if (plan->json == NULL)
		appendStringInfoString(json, "null");
	else if (plan->executed)
		appendStringInfo(json, "{\"cost\": %.2f, \"blocks\": %lld, \"ms\": %.3f}",
						 plan->cost, (long long) plan->blocks, plan->ms);
	else
		appendStringInfo(json, "{\"cost\": %.2f}", plan->cost);
}

/* To be kept; the text of an error, which may quote data, is not. */
static void
send_numbers(const Rehearsed *query, const char *revision, const char *state,
			 const PgmWatchedPlan *before, const PgmWatchedPlan *after)
{
	StringInfoData json;
	StringInfoData message;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"name\": ");
	escape_json(&json, query->watched->name);
	appendStringInfo(&json, ", \"state\": \"%s\", \"revision\": ", state);
	if (revision == NULL)
		appendStringInfoString(&json, "null");
	else
		escape_json(&json, revision);
	add_numbers(&json, "before", before);
	add_numbers(&json, "after", after);
	appendStringInfoChar(&json, '}');
	initStringInfo(&message);
	pq_sendbyte(&message, PGM_REHEARSED_QUERY);
	pgm_scratch_put_text(&message, json.data);
	pgm_report_answer(&message);
}

static void
find_cause(const Rehearsed *query, const PgmWatchedPlan *after,
		   StringInfo line)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *cause;
	char	   *proposal;

	pgm_txn_begin();
	MemoryContextSwitchTo(context);
	pgm_guard_cause(query->known, after->json, &cause, &proposal);
	appendStringInfo(line, ": %s", cause);
	if (proposal != NULL)
		appendStringInfo(line, "; %s", proposal);
	pgm_txn_commit();
	MemoryContextSwitchTo(context);
}

/* True if the revision made it slower; a line if it did something to it. */
static bool
compare(const Rehearsed *query, const char *revision,
		const PgmWatchedPlan *after, StringInfo lines)
{
	const PgmWatchedPlan *before = &query->before;
	const char *separator = lines->len > 0 ? "\n" : "";

	if (after->json == NULL)
	{
		send_numbers(query, revision, "broken", before, after);
		appendStringInfo(lines, "%swatched query \"%s\" does not run any more: %s",
						 separator, query->watched->name, after->error);
		return false;
	}
	if (!is_slower(before, after))
		return false;
	send_numbers(query, revision, "slower", before, after);
	appendStringInfo(lines, "%swatched query \"%s\": %s, was %s", separator,
					 query->watched->name, describe_plan(after),
					 describe_plan(before));
	find_cause(query, after, lines);
	return true;
}

char *
pgm_rehearse_queries_after(PgmRehearsedQueries *queries, const char *revision,
						   bool *slower)
{
	MemoryContext plans = AllocSetContextCreate(queries->context,
												"pgmigrate rehearsed queries",
												ALLOCSET_DEFAULT_SIZES);
	StringInfoData lines;

	*slower = false;
	initStringInfo(&lines);
	for (int i = 0; i < queries->n; i++)
	{
		Rehearsed  *query = &queries->queries[i];
		PgmWatchedPlan after;
		char	   *known;
		MemoryContext old;

		/* what has failed once is not tried again */
		if (query->before.json == NULL)
			continue;
		pgm_process_check_cancel();
		old = MemoryContextSwitchTo(plans);
		measure(queries, query->watched, &after, &known);
		MemoryContextSwitchTo(old);
		*slower |= compare(query, revision, &after, &lines);
		query->before = after;
		query->known = known;
	}
	MemoryContextDelete(queries->plans);
	queries->plans = plans;
	return lines.len > 0 ? lines.data : NULL;
}

void
pgm_rehearse_queries_end(PgmRehearsedQueries *queries)
{
	for (int i = 0; i < queries->n; i++)
	{
		const Rehearsed *query = &queries->queries[i];
		const PgmWatchedPlan *first = &query->first;
		const PgmWatchedPlan *last = &query->before;

		send_numbers(query, NULL, first->json == NULL ? "not run" :
					 last->json == NULL ? "broken" :
					 is_slower(first, last) ? "slower" : "same", first, last);
	}
}
