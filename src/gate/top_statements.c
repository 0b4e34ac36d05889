/*-------------------------------------------------------------------------
 *
 * top_statements.c
 *	  The statements that the server is most busy with, of pg_stat_statements.
 *
 * They are watched as if somebody had called watch() for them: planned with
 * the rights of the role that runs them, by the search_path that it begins
 * with, for which no plan of a session can be asked.  Only their numbers are
 * told, as the view hides the texts of other roles.
 *
 * Plans are guesses: how long they took in the mean when a run began is kept,
 * to be compared with what they take since.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi.h"
#include "gate/top_statements.h"
#include "gate/watched_plan.h"

/* How many are counted, and for how many runs that is kept. */
#define PGM_COUNTED 100
#define PGM_COUNTED_RUNS 20

/* Calls that make a mean, before and since. */
#define PGM_COUNTED_CALLS 5

/* The function is of the extension: no other has its name and argument. */
#define COUNTED \
	"%s.pg_stat_statements(true) AS s WHERE s.dbid = (SELECT d.oid " \
	"FROM pg_database d WHERE d.datname = current_database()) " \
	"AND s.toplevel AND s.queryid IS NOT NULL "

/* The setting of the database for the role, of the role, of the database. */
#define SEARCH_PATH \
	"coalesce((SELECT substr(c, 13) FROM pg_db_role_setting r, " \
	"unnest(r.setconfig) AS c WHERE r.setdatabase IN (0, s.dbid) " \
	"AND r.setrole IN (0, s.userid) AND c LIKE 'search\\_path=%%' " \
	"ORDER BY r.setrole = 0, r.setdatabase = 0 LIMIT 1), " \
	"(SELECT g.boot_val FROM pg_settings g WHERE g.name = 'search_path'))"

#define PLANNED \
	"s.query ~* '^[[:space:](]*(select|insert|update|delete|merge|with)[[:space:]]' " \
	"AND s.query !~ '\\mpgmigrate\\.' "

static PgmQuery forget_query = {
	"DELETE FROM pgmigrate.statement_time WHERE run < $1",
	1, {INT8OID}
};

typedef struct Reading
{
	MemoryContext context;
	const char *schema;
	int			n;
	int64		run;
	List	   *found;
} Reading;

static void
read_statements(void *arg)
{
	Reading    *reading = arg;
	PgmSpiScope scope;
	uint64		rows;
	char	   *args[2];

	pgm_spi_begin(&scope);
	args[0] = psprintf("%d", reading->n);
	rows = pgm_spi_execute_built(psprintf("SELECT s.queryid::text, s.query, "
										  SEARCH_PATH ", s.userid::int8 FROM "
										  COUNTED "AND " PLANNED
										  "AND EXISTS (SELECT FROM pg_authid a "
										  "WHERE a.oid = s.userid) "
										  "ORDER BY s.total_exec_time DESC "
										  "LIMIT $1::int", reading->schema),
								 true, 1, args);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(reading->context);
		PgmWatched *watched = palloc0(sizeof(PgmWatched));

		watched->name = psprintf("statement %s", pgm_spi_text(i, 1));
		watched->query = pstrdup(pgm_spi_text(i, 2));
		watched->search_path = pstrdup(pgm_spi_text(i, 3));
		watched->role = (Oid) pgm_spi_int64(i, 4);
		watched->generic = true;
		reading->found = lappend(reading->found, watched);
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);

	pgm_spi_begin_ledger(&scope);
	args[0] = psprintf(INT64_FORMAT, reading->run);
	args[1] = psprintf("%d", PGM_COUNTED);
	pgm_spi_execute_built(psprintf("INSERT INTO pgmigrate.statement_time "
								   "(run, query_id, role_oid, calls, total) "
								   "SELECT $1::int8, s.queryid, s.userid, "
								   "sum(s.calls), sum(s.total_exec_time) FROM "
								   COUNTED "GROUP BY s.queryid, s.userid "
								   "ORDER BY sum(s.total_exec_time) DESC "
								   "LIMIT $2::int ON CONFLICT DO NOTHING",
								   reading->schema),
						  false, 2, args);
	pgm_spi_end(&scope);
}

List *
pgm_top_statements(int n, int64 run)
{
	Reading		reading = {CurrentMemoryContext, NULL, n, run, NIL};
	PgmSpiScope scope;
	Datum		values[1];
	ErrorData  *error;

	if (n == 0)
		return NIL;
	reading.schema = pgm_extension_schema("pg_stat_statements");
	if (reading.schema == NULL)
		return NIL;

	/* the library may not be loaded */
	if (!pgm_spi_try(read_statements, &reading, &error))
		return NIL;
	values[0] = Int64GetDatum(run - PGM_COUNTED_RUNS);
	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&forget_query, values, NULL);
	pgm_spi_end(&scope);
	return reading.found;
}

char *
pgm_top_statements_slower(double factor)
{
	char	   *schema = pgm_extension_schema("pg_stat_statements");

	if (schema == NULL)
		return NULL;
	return psprintf("SELECT m.run, NULL::text, 'statement ' || m.query_id, "
					"'measured', NULL::float8, NULL::float8, "
					"round((m.since / m.before)::numeric, 1)::float8, "
					"format('mean time %%s ms since the run began, in %%s calls; "
					"%%s ms before, in %%s calls', "
					"round(m.since::numeric, 2), m.new_calls, "
					"round(m.before::numeric, 2), m.calls), "
					"NULL::text, NULL::jsonb FROM ("
					"SELECT t.run, t.query_id, t.calls, n.calls - t.calls "
					"AS new_calls, t.total / t.calls AS before, "
					"(n.total - t.total) / (n.calls - t.calls) AS since "
					"FROM pgmigrate.statement_time t JOIN ("
					"SELECT s.queryid, s.userid, sum(s.calls)::int8 AS calls, "
					"sum(s.total_exec_time) AS total FROM " COUNTED
					"GROUP BY s.queryid, s.userid) AS n "
					"ON n.queryid = t.query_id AND n.userid = t.role_oid "
					"WHERE t.run = $1::int8 AND t.calls >= %d "
					"AND n.calls >= t.calls + %d AND n.total > t.total) AS m "
					"WHERE m.before > 0 AND m.since > m.before * %g "
					"ORDER BY m.since / m.before DESC",
					schema, PGM_COUNTED_CALLS, PGM_COUNTED_CALLS, factor);
}
