/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Do queries that matter keep their plans?
 *
 * Watched queries are planned before each step and again before its commit,
 * when the schema is the new one and nobody else has seen it.  What cannot be
 * planned, before or after, is told and holds up nothing.
 *
 * Statistics that a change took away, as that of a type does, would make every
 * plan on the table a bad one until autovacuum comes: the tables of watched
 * queries are analyzed then, and planned once more.
 *
 * Beside those that somebody watches are those that the server is most busy
 * with, where pg_stat_statements counts them.
 *
 * A step that has committed parts of its work cannot be refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/printable.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "gate/guard.h"
#include "gate/index_proposal.h"
#include "gate/outbox.h"
#include "gate/top_statements.h"
#include "gate/watched_plan.h"
#include "sql/statements.h"
#include "store/revision.h"

/* As the constraint of the table says. */
#define PGM_WATCHED_NAME_MAX 200

typedef struct Entry
{
	PgmWatched	watched;
	PgmWatchedPlan before;
	char	   *known;			/* indexes and statistics of it, as jsonb */
} Entry;

struct PgmGuard
{
	MemoryContext step;			/* reset for each */
	List	   *statements;		/* of pg_stat_statements, PgmWatched * */
	List	   *entries;
};

/* Oid 0: the role is gone, or that of another cluster. */
#define WATCHING_ROLE \
	"coalesce((SELECT a.oid FROM pg_authid a WHERE " \
	"CASE WHEN w.system_identifier = pgmigrate.system_identifier() " \
	"THEN a.oid = w.author_oid ELSE a.rolname = w.author END), 0)::int8"

static PgmQuery watched_query = {
	"SELECT w.name, w.query, w.search_path, " WATCHING_ROLE ", "
	"ARRAY(SELECT coalesce('=' || u.p, '') FROM unnest(w.parameters) "
	"WITH ORDINALITY AS u (p, n) ORDER BY u.n) "
	"FROM pgmigrate.watched_query w ORDER BY w.name"
};

static PgmQuery any_query = {
	"SELECT FROM pgmigrate.watched_query LIMIT 1"
};

#define PLAN_TABLES(plan) \
	"SELECT DISTINCT to_regclass(format('%I.%I', n ->> 'Schema', " \
	"n ->> 'Relation Name')) AS r FROM jsonb_path_query(" plan ", " \
	"'$.** ? (exists (@.\"Relation Name\"))') AS n"
#define PLAN_INDEXES(plan) \
	"SELECT u #>> '{}' FROM jsonb_path_query(" plan ", " \
	"'$.**.\"Index Name\"') AS u"

/* What the plan stands on, to be compared with what is there afterwards. */
#define KNOWN(statistics) \
	"WITH t AS (" PLAN_TABLES("$1") ") SELECT jsonb_build_object(" \
	"'indexes', (SELECT jsonb_agg(jsonb_build_object(" \
	"'name', c.oid::regclass, 'table', i.indrelid::regclass, " \
	"'def', pg_get_indexdef(c.oid), 'types', (" \
	"SELECT string_agg(format_type(a.atttypid, a.atttypmod), ', ' " \
	"ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid))) " \
	"FROM pg_index i JOIN t ON t.r = i.indrelid " \
	"JOIN pg_class c ON c.oid = i.indexrelid " \
	"WHERE c.relname IN (" PLAN_INDEXES("$1") ")), " \
	"'tables', (SELECT jsonb_agg(jsonb_build_object('name', t.r" \
	statistics ")) FROM t WHERE t.r IS NOT NULL))::text"

static PgmQuery known_query = {
	KNOWN(", 'statistics', (SELECT count(*) FROM pg_statistic s "
		  "WHERE s.starelid = t.r)"),
	1, {JSONBOID}
};

/* Not everybody may look at statistics. */
static PgmQuery known_indexes_query = {KNOWN(""), 1, {JSONBOID}};

static PgmQuery tables_query = {
	"SELECT t.r::text FROM (" PLAN_TABLES("$1") ") t "
	"WHERE t.r IS NOT NULL ORDER BY 1",
	1, {JSONBOID}
};

static PgmQuery lost_query = {
	"SELECT t ->> 'name' FROM jsonb_array_elements(CASE "
	"jsonb_typeof($1 -> 'tables') WHEN 'array' THEN $1 -> 'tables' "
	"ELSE '[]' END) AS t "
	"WHERE to_regclass(t ->> 'name') IS NOT NULL AND (SELECT count(*) "
	"FROM pg_statistic s WHERE s.starelid = to_regclass(t ->> 'name')) "
	"< (t ->> 'statistics')::bigint ORDER BY 1",
	1, {JSONBOID}
};

static PgmQuery cause_query = {
	"WITH i AS (SELECT x ->> 'name' AS name, x ->> 'def' AS def, "
	"x ->> 'types' AS types, to_regclass(x ->> 'name') AS now "
	"FROM jsonb_array_elements(CASE jsonb_typeof($1 -> 'indexes') "
	"WHEN 'array' THEN $1 -> 'indexes' ELSE '[]' END) AS x), "
	"n AS (SELECT i.*, (SELECT string_agg(format_type(a.atttypid, "
	"a.atttypmod), ', ' ORDER BY a.attnum) FROM pg_attribute a "
	"WHERE a.attrelid = i.now) AS new_types, EXISTS (SELECT "
	"FROM pg_class c WHERE c.oid = i.now "
	"AND c.relname IN (" PLAN_INDEXES("$2") ")) AS used FROM i) "
	"SELECT CASE WHEN n.now IS NULL "
	"THEN format('index %s, which its plan used, is gone', n.name) "
	"WHEN n.types <> n.new_types THEN format('index %s is not used any "
	"more: it was on %s, and is on %s', n.name, n.types, n.new_types) "
	"ELSE format('index %s is there, but not used any more', n.name) END, "
	"CASE WHEN n.now IS NULL THEN regexp_replace(n.def, "
	"'^CREATE (UNIQUE )?INDEX ', 'CREATE \\1INDEX CONCURRENTLY ') "
	"WHEN n.types <> n.new_types THEN format('let the query compare with "
	"values of type %s', n.new_types) END "
	"FROM n WHERE NOT n.used ORDER BY n.now IS NULL DESC, n.name LIMIT 1",
	2, {JSONBOID, JSONBOID}
};

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.regression (run, step, name, revision, state, "
	"cost_before, cost_after, cause, proposal, plan_before, plan_after) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11::jsonb) "
	"RETURNING (to_jsonb(regression) - '{plan_before,plan_after,cause}'"
	"::text[] || jsonb_build_object('error', left(cause, 2000), 'message', "
	"format('watched query %s is %s since revision %s', left(name, 100), "
	"state, revision)))::text",
	11, {INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, FLOAT8OID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static PgmQuery watch_query = {
	"INSERT INTO pgmigrate.watched_query (name, query, parameters, "
	"search_path, author_oid, author) VALUES ($1, $2, $3, $4, $5, $6) "
	"ON CONFLICT (name) DO UPDATE SET query = excluded.query, "
	"parameters = excluded.parameters, search_path = excluded.search_path, "
	"author_oid = excluded.author_oid, author = excluded.author, "
	"watched_at = clock_timestamp(), "
	"system_identifier = excluded.system_identifier",
	6, {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, OIDOID, TEXTOID}
};

static PgmQuery owner_query = {
	"SELECT " WATCHING_ROLE ", w.author FROM pgmigrate.watched_query w "
	"WHERE w.name = $1",
	1, {TEXTOID}
};

static PgmQuery unwatch_query = {
	"DELETE FROM pgmigrate.watched_query WHERE name = $1",
	1, {TEXTOID}
};

PgmGuard *
pgm_guard_create(MemoryContext context, int64 run)
{
	MemoryContext old;
	List	   *statements;
	PgmSpiScope scope;
	PgmGuard   *guard;
	bool		any;

	if (pgm_guard == PGM_GUARD_OFF)
		return NULL;
	pgm_spi_begin(&scope);
	any = pgm_spi_execute(&any_query, NULL, NULL) > 0;
	pgm_spi_end(&scope);
	old = MemoryContextSwitchTo(context);
	statements = pgm_top_statements(pgm_guard_statements, run);
	MemoryContextSwitchTo(old);
	if (!any && statements == NIL)
		return NULL;
	guard = MemoryContextAllocZero(context, sizeof(PgmGuard));
	guard->statements = statements;
	guard->step = AllocSetContextCreate(context, "pgmigrate guard",
										ALLOCSET_DEFAULT_SIZES);
	return guard;
}

static Datum
json_datum(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* The only column of a query about the plan, as text. */
static char *
ask_about(PgmQuery *query, const char *json)
{
	Datum		values[1] = {json_datum(json)};

	return pgm_spi_one_text(query, values);
}

char *
pgm_guard_known(const char *plan)
{
	return ask_about(&known_indexes_query, plan);
}

static void *
make_watched(uint64 row)
{
	PgmWatched *watched = palloc0(sizeof(PgmWatched));

	watched->name = pgm_spi_text(row, 1);
	watched->query = pgm_spi_text(row, 2);
	watched->search_path = pgm_spi_text(row, 3);
	watched->role = (Oid) pgm_spi_int64(row, 4);
	watched->parameters = pgm_spi_text_array(row, 5, &watched->nparameters);
	for (int i = 0; i < watched->nparameters; i++)
		watched->parameters[i] = watched->parameters[i][0] == '\0' ?
			NULL : watched->parameters[i] + 1;
	return watched;
}

List *
pgm_guard_watched(void)
{
	return pgm_spi_list(&watched_query, NULL, NULL, make_watched);
}

static void
add_entries(PgmGuard *guard, const List *list)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		Entry	   *entry = palloc0(sizeof(Entry));

		entry->watched = *(PgmWatched *) lfirst(lc);
		guard->entries = lappend(guard->entries, entry);
	}
}

void
pgm_guard_before(PgmGuard *guard)
{
	MemoryContext old;
	ListCell   *lc;

	if (guard == NULL)
		return;
	MemoryContextReset(guard->step);
	guard->entries = NIL;
	old = MemoryContextSwitchTo(guard->step);
	add_entries(guard, pgm_guard_watched());
	add_entries(guard, guard->statements);
	foreach(lc, guard->entries)
	{
		Entry	   *entry = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		pgm_watched_explain(&entry->watched, &entry->before);
		if (entry->before.json != NULL)
			entry->known = ask_about(&known_query, entry->before.json);
		else if (!entry->watched.generic)
			ereport(WARNING,
					errmsg("watched query \"%s\" cannot be planned",
						   pgm_printable_line(entry->watched.name)),
					errdetail_internal("%s",
									   pgm_printable(entry->before.error)));
	}
	MemoryContextSwitchTo(old);
}

static void
analyze(void *arg)
{
	/* it runs the expressions of indexes */
	PushActiveSnapshot(GetTransactionSnapshot());
	pgm_spi_utility(psprintf("ANALYZE %s", (const char *) arg));
	PopActiveSnapshot();
}

/* True if there was something to do. */
static bool
renew_statistics(const Entry *entry)
{
	bool		any = false;
	char	   *table;
	char	   *next;
	ErrorData  *error;

	for (table = ask_about(&lost_query, entry->known); table != NULL;
		 table = next)
	{
		bool		ok = pgm_spi_try(analyze, table, &error);

		CHECK_FOR_INTERRUPTS();
		next = ask_about(&lost_query, entry->known);
		if (!ok || (next != NULL && strcmp(next, table) == 0))
		{
			ereport(WARNING,
					errmsg("statistics of table %s are missing", table),
					ok ? 0 : errdetail_internal("%s", error->message),
					errhint("Let its owner run ANALYZE."));
			return any;
		}
		ereport(NOTICE,
				errmsg("analyzed table %s, whose statistics the revision took away",
					   table));
		any = true;
	}
	return any;
}

void
pgm_guard_analyze(const char *plan)
{
	Datum		values[1] = {json_datum(plan)};
	ListCell   *lc;
	int			guc_level = NewGUCNestLevel();

	/* those of others are passed over, with a warning */
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	foreach(lc, pgm_spi_texts(&tables_query, values))
	{
		ErrorData  *error;

		(void) pgm_spi_try(analyze, lfirst(lc), &error);
	}
	AtEOXact_GUC(false, guc_level);
}

void
pgm_guard_cause(const char *known, const char *plan, char **cause,
				char **proposal)
{
	PgmSpiScope scope;
	Datum		values[2];

	*cause = pstrdup("its plan is another one");
	*proposal = NULL;
	values[0] = json_datum(known);
	values[1] = json_datum(plan);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&cause_query, values, NULL) > 0)
	{
		*cause = pgm_spi_text(1, 1);
		*proposal = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
}

static void
keep(const Entry *entry, const PgmWatchedPlan *after, int64 run, int step,
	 const char *revision, const char *cause, const char *proposal)
{
	PgmSpiScope scope;
	Datum		values[11];
	bool		nulls[11] = {false};
	char	   *payload;

	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(step);
	values[2] = pgm_text_datum(entry->watched.name);
	values[3] = pgm_text_datum(revision);
	values[4] = pgm_text_datum(after->json ? "slower" : "failed");
	values[5] = Float8GetDatum(entry->before.cost);
	values[6] = Float8GetDatum(after->cost);
	nulls[6] = after->json == NULL;
	pgm_set_text(values, nulls, 7, cause);
	pgm_set_text(values, nulls, 8, proposal);
	pgm_set_text(values, nulls, 9, entry->before.json);
	pgm_set_text(values, nulls, 10, after->json);
	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&keep_query, values, nulls);
	payload = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	pgm_outbox_regression(run, revision, payload);
}

/* True if the step made it slower. */
static bool
check(const Entry *entry, int64 run, int step, const char *revision,
	  StringInfo lines)
{
	PgmWatchedPlan after;
	char	   *cause;
	char	   *proposal = NULL;

	if (entry->known == NULL)
		return false;
	pgm_watched_explain(&entry->watched, &after);
	if (renew_statistics(entry))
		pgm_watched_explain(&entry->watched, &after);
	if (after.json == NULL)
	{
		cause = after.error;
		ereport(WARNING,
				errmsg("watched query \"%s\" cannot be planned any more",
					   entry->watched.name),
				errdetail_internal("%s", cause));
	}
	else if (after.cost <= entry->before.cost * pgm_guard_factor ||
			 after.cost - entry->before.cost < PGM_GUARD_MIN_COST)
		return false;
	else
	{
		pgm_guard_cause(entry->known, after.json, &cause, &proposal);
		if (proposal == NULL)
			proposal = pgm_index_proposal(&entry->watched, &after);
		appendStringInfo(lines, "%s%s: cost %.0f, was %.0f: %s",
						 lines->len > 0 ? "\n" : "",
						 pgm_printable_line(entry->watched.name),
						 after.cost, entry->before.cost,
						 pgm_printable_line(cause));
		if (proposal != NULL)
			appendStringInfo(lines, "; %s", pgm_printable_line(proposal));
	}
	keep(entry, &after, run, step, revision, cause, proposal);
	return after.json != NULL;
}

void
pgm_guard_after(PgmGuard *guard, int64 run, int step, const char *revision,
				bool can_refuse)
{
	MemoryContext old;
	StringInfoData lines;
	int			n = 0;
	ListCell   *lc;

	if (guard == NULL || guard->entries == NIL)
		return;
	old = MemoryContextSwitchTo(guard->step);
	initStringInfo(&lines);
	foreach(lc, guard->entries)
	{
		CHECK_FOR_INTERRUPTS();
		if (check(lfirst(lc), run, step, revision, &lines))
			n++;
	}
	MemoryContextSwitchTo(old);
	guard->entries = NIL;
	if (n == 0)
		return;
	if (pgm_guard == PGM_GUARD_REFUSE && can_refuse)
		ereport(ERROR,
				errcode(PGM_ERRCODE_DANGER_REFUSED),
				errmsg_plural("revision \"%s\" makes %d watched query slower",
							  "revision \"%s\" makes %d watched queries slower",
							  n, revision, n),
				errdetail_internal("%s", lines.data),
				errhint("It was rolled back.  Change it, or let a superuser set \"pgmigrate.guard\" to \"warn\"."));
	ereport(WARNING,
			errmsg_plural("revision \"%s\" makes %d watched query slower",
						  "revision \"%s\" makes %d watched queries slower",
						  n, revision, n),
			errdetail_internal("%s", lines.data),
			errhint("See pgmigrate.regressions()."));
}

/* False if there is none; else the caller must have the rights of its role. */
static bool
check_owner(const char *name)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		found;
	Oid			role = InvalidOid;
	char	   *author = NULL;

	values[0] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&owner_query, values, NULL) > 0;
	if (found)
	{
		role = (Oid) pgm_spi_int64(1, 1);
		author = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
	if (found && !superuser() &&
		!(OidIsValid(role) && has_privs_of_role(GetUserId(), role)))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for watched query \"%s\"", name),
				errdetail("Role \"%s\" watches it.", author));
	return found;
}

double
pgm_guard_watch(const char *name, const char *query, int nparameters,
				char **parameters)
{
	PgmWatched	watched = {0};
	PgmWatchedPlan plan;
	PgmSpiScope scope;
	Datum		values[6];
	Datum	   *texts = palloc(sizeof(Datum) * Max(nparameters, 1));
	bool	   *nulls = palloc0(sizeof(bool) * Max(nparameters, 1));
	int			lower = 1;

	if (name[0] == '\0' || strlen(name) > PGM_WATCHED_NAME_MAX)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("name of a watched query must have 1 to %d bytes",
					   PGM_WATCHED_NAME_MAX));
	pgm_source_check_size(query, "watched");
	(void) check_owner(name);
	watched.query = pstrdup(query);
	watched.nparameters = nparameters;
	watched.parameters = parameters;
	watched.search_path = pstrdup(namespace_search_path);
	watched.role = GetUserId();
	pgm_watched_explain(&watched, &plan);
	if (plan.json == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("query \"%s\" cannot be planned: %s", name,
					   plan.error));
	for (int i = 0; i < nparameters; i++)
		pgm_set_text(texts, nulls, i, parameters[i]);
	values[0] = pgm_text_datum(name);
	values[1] = pgm_text_datum(query);
	values[2] = PointerGetDatum(construct_md_array(texts, nulls, 1,
												   &nparameters, &lower,
												   TEXTOID, -1, false,
												   TYPALIGN_INT));
	values[3] = pgm_text_datum(watched.search_path);
	values[4] = ObjectIdGetDatum(GetUserId());
	values[5] = pgm_text_datum(GetUserNameFromId(GetUserId(), false));
	pgm_spi_begin(&scope);
	pgm_spi_execute(&watch_query, values, NULL);
	pgm_spi_end(&scope);
	return plan.cost;
}

bool
pgm_guard_unwatch(const char *name)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		found = check_owner(name);

	values[0] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	if (found)
		pgm_spi_execute(&unwatch_query, values, NULL);
	pgm_spi_end(&scope);
	return found;
}
