/*-------------------------------------------------------------------------
 *
 * locks.c
 *	  SQL functions that show who waits for whom.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/printable.h"
#include "base/result_rows.h"
#include "base/spi_list.h"
#include "citus/nodes.h"
#include "lock/needs.h"

/* Longest line of a tree, in columns. */
#define PGM_TREE_WIDTH 100

/* A query is below the process that runs it, so much further to the right. */
#define PGM_TREE_INDENT 6

PG_FUNCTION_INFO_V1(pgmigrate_lock_tree);
PG_FUNCTION_INFO_V1(pgmigrate_lock_timeline);

/* A process as the tree has it; since when is SQL. */
#define PROCESS_TEXT(pid, since) \
	"'process ' || " pid " || CASE WHEN a.pid IS NULL THEN '' ELSE ' (' " \
	"|| concat_ws(', ', nullif(a.backend_type, 'client backend'), a.usename, " \
	"nullif(a.application_name, ''), a.state, to_char(extract(epoch FROM " \
	"clock_timestamp() - " since "), 'FM999999990.0') || ' s') || ')' END"

/* The query of pg_stat_activity a, if role $1 may see it there. */
#define VISIBLE_QUERY \
	"CASE WHEN pg_has_role($1, a.usesysid, 'USAGE') " \
	"OR pg_has_role($1, 'pg_read_all_stats', 'USAGE') THEN a.query END"

/* Runs, and the relations that they have locked or wait for. */
#define RUNS_AND_THEIRS \
	"WITH run AS (" \
	"SELECT r.id, r.pid, w.mode, CASE WHEN w.name IS NOT NULL THEN " \
	"(SELECT c.oid FROM pg_class c JOIN pg_namespace n " \
	"ON n.oid = c.relnamespace " \
	"WHERE format('%I.%I', n.nspname, c.relname) = w.name) END AS relation " \
	"FROM pgmigrate.run r JOIN pg_stat_activity a ON a.pid = r.pid " \
	"LEFT JOIN LATERAL (SELECT m[1] AS mode, m[2] AS name " \
	"FROM regexp_match(a.query, '^/\\* pgmigrate: [^*]*\\*/ " \
	"waiting for (\\w+Lock) on (.+?)(?:, blocked by .*)?$') AS m) AS w ON true " \
	"WHERE r.state = 'running'), " \
	"ours AS (" \
	"SELECT r.id, r.pid, l.relation, l.mode, " \
	"CASE WHEN l.granted THEN 'holds' ELSE 'queues for' END AS what " \
	"FROM run r JOIN pg_locks l ON l.pid = r.pid " \
	"WHERE l.locktype = 'relation' AND l.relation >= 16384 AND l.database = " \
	"(SELECT oid FROM pg_database WHERE datname = current_database()) " \
	"AND l.relation NOT IN (SELECT c.oid FROM pg_class c " \
	"WHERE c.relnamespace = 'pgmigrate'::regnamespace) " \
	"UNION ALL " \
	"SELECT r.id, r.pid, r.relation, r.mode, 'waits for' " \
	"FROM run r WHERE r.relation IS NOT NULL " \
	"AND NOT EXISTS (SELECT FROM pg_locks q WHERE q.pid = r.pid " \
	"AND q.relation = r.relation AND NOT q.granted)) "

/*
 * The relations that runs have locked, queue for, or say in their activity
 * that they wait for; and on each all who hold a lock that conflicts with
 * theirs, or want one: a line for each process, with its strongest lock.  Also
 * what is no relation that a run waits for, such as
 * the end of a transaction, and who keeps it waiting.  Of several in the way
 * the one that waits for nobody and is there for longest is marked.
 * Queries are shown to those who may see them in pg_stat_activity.
 */
static PgmQuery tree_query = {
	RUNS_AND_THEIRS ", "
	"conflict (mode, n) AS (VALUES ('AccessShareLock', 1), "
	"('RowShareLock', 2), ('RowExclusiveLock', 3), "
	"('ShareUpdateExclusiveLock', 4), ('ShareLock', 5), "
	"('ShareRowExclusiveLock', 6), ('ExclusiveLock', 7), "
	"('AccessExclusiveLock', 8)), "
	"others AS ("
	"SELECT o.id, o.relation, l.granted, l.mode, c.n AS strength, "
	"CASE WHEN l.granted OR l.waitstart < (SELECT min(q.waitstart) "
	"FROM pg_locks q WHERE q.pid = o.pid AND q.relation = o.relation "
	"AND NOT q.granted) THEN 1 ELSE 3 END AS place, "
	"coalesce(" PROCESS_TEXT("l.pid", "CASE WHEN l.granted "
							 "THEN a.xact_start ELSE l.waitstart END") ", "
	"'prepared transaction ''' || p.gid || '''', 'prepared transaction') AS who, "
	VISIBLE_QUERY " AS query, "
	"coalesce(CASE WHEN l.granted THEN a.xact_start ELSE l.waitstart END, "
	"p.prepared) AS since, "
	"a.wait_event_type IS NOT DISTINCT FROM 'Lock' AS waits "
	"FROM ours o JOIN conflict m ON m.mode = o.mode "
	"JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = o.relation "
	"AND l.database = (SELECT oid FROM pg_database "
	"WHERE datname = current_database()) AND l.pid IS DISTINCT FROM o.pid "
	"JOIN conflict c ON c.mode = l.mode "
	"LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL "
	"AND x.locktype = 'transactionid' "
	"AND x.virtualtransaction = l.virtualtransaction "
	"LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid "
	"WHERE NOT l.granted OR CASE m.n WHEN 8 THEN true WHEN 7 THEN c.n > 1 "
	"WHEN 6 THEN c.n > 2 WHEN 5 THEN c.n IN (3, 4, 6, 7, 8) "
	"WHEN 4 THEN c.n > 3 WHEN 3 THEN c.n > 4 WHEN 2 THEN c.n > 6 "
	"ELSE c.n = 8 END), "
	"ends AS ("
	"SELECT r.id, r.pid, w.mode, b.pid AS other, h.pid IS NOT NULL AS granted, "
	"coalesce(h.mode, w.mode) AS other_mode, "
	"CASE w.locktype WHEN 'virtualxid' THEN 'virtual transaction ' || w.virtualxid "
	"WHEN 'transactionid' THEN 'transaction ' || w.transactionid::text "
	"ELSE 'a lock of kind ' || w.locktype END AS title "
	"FROM run r JOIN pg_locks w ON w.pid = r.pid AND NOT w.granted "
	"AND w.locktype <> 'relation' "
	"CROSS JOIN LATERAL unnest(pg_blocking_pids(r.pid)) AS b (pid) "
	"LEFT JOIN pg_locks h ON h.pid = b.pid AND h.granted "
	"AND (h.locktype, h.virtualxid, h.transactionid, h.database, h.relation, "
	"h.page, h.tuple, h.classid, h.objid, h.objsubid) IS NOT DISTINCT FROM "
	"(w.locktype, w.virtualxid, w.transactionid, w.database, w.relation, "
	"w.page, w.tuple, w.classid, w.objid, w.objsubid)), "
	"titled AS ("
	"SELECT id, relation::regclass::text AS title, pid, mode, what FROM ours "
	"WHERE what <> 'holds' OR relation IN (SELECT o.relation FROM others o) "
	"UNION ALL SELECT DISTINCT id, title, pid, mode, 'waits for' FROM ends) "
	"SELECT CASE place WHEN 0 THEN title "
	"WHEN 1 THEN CASE WHEN granted AND among > 1 AND n = 1 THEN '> ' "
	"ELSE '  ' END || who || CASE WHEN granted THEN ' holds ' "
	"ELSE ' queues for ' END || mode "
	"WHEN 2 THEN '    run ' || id || ', ' || who || ' ' || mode "
	"ELSE '      ' || who || ' waits behind for ' || mode END, "
	"nullif(btrim(regexp_replace(query, '\\s+', ' ', 'g')), '') "
	"FROM (SELECT *, count(*) OVER same AS among, row_number() OVER (same "
	"ORDER BY granted DESC, waits, since NULLS LAST, who) AS n FROM ("
	"SELECT DISTINCT id, title, 0 AS place, NULL::text AS who, true AS granted, "
	"NULL::text AS mode, NULL::text AS query, NULL::timestamptz AS since, "
	"false AS waits "
	"FROM titled "
	"UNION ALL "
	"SELECT id, title, 2, 'process ' || pid || ' ' || what, true, mode, NULL, NULL, false "
	"FROM titled "
	"UNION ALL "
	"SELECT id, relation::regclass::text, place, who, granted, "
	"(array_agg(mode ORDER BY strength DESC))[1], query, since, waits FROM others "
	"GROUP BY id, relation, place, who, granted, query, since, waits "
	"UNION ALL "
	"SELECT e.id, e.title, 1, CASE WHEN e.other = 0 THEN 'prepared transaction' ELSE "
	PROCESS_TEXT("e.other", "a.xact_start") " END, e.granted, e.other_mode, "
	VISIBLE_QUERY ", a.xact_start, a.wait_event_type IS NOT DISTINCT FROM 'Lock' "
	"FROM ends e LEFT JOIN pg_stat_activity a ON a.pid = e.other"
	") AS each WINDOW same AS (PARTITION BY id, title, place)) AS line "
	"ORDER BY id, title, place, since NULLS FIRST, who",
	1, {OIDOID}
};

static PgmQuery needs_query = {
	RUNS_AND_THEIRS
	"SELECT id, pid, relation::int8, relation::regclass::text, mode, what "
	"FROM ours ORDER BY 1, 3, 5 DESC"
};

/* Who was in the way, a line for each. */
#define BLOCKERS_TEXT(blockers) \
	"(SELECT string_agg(regexp_replace(CASE WHEN b ? 'gid' " \
	"THEN 'prepared transaction ''' || (b ->> 'gid') || '''' " \
	"ELSE 'process ' || coalesce(b ->> 'pid', '?') || " \
	"coalesce(' on node ' || (b ->> 'node'), '') || ' (' || " \
	"concat_ws(', ', b ->> 'backend_type', b ->> 'user', b ->> 'application', " \
	"b ->> 'state', (b ->> 'age_ms') || ' ms') || ')' END, " \
	"'[\\u0001-\\u001f\\u007f-\\u009f]', '?', 'g'), E'\\n') " \
	"FROM jsonb_array_elements(" blockers ") AS b)"

/*
 * Each attempt that was kept, and before those of a step one line of all: from
 * when, how it ended, how long it waited, for what in most of the attempts,
 * and who was in the way for longest.
 */
static PgmQuery timeline_query = {
	"WITH kept AS (SELECT s.step, s.revision, (a.value ->> 'n')::int AS n, "
	"(a.value ->> 'at')::timestamptz AS at, a.value ->> 'phase' AS phase, "
	"a.value ->> 'outcome' AS outcome, a.value ->> 'relation' AS relation, "
	"a.value ->> 'mode' AS mode, (a.value ->> 'waited_ms')::float8 AS waited, "
	"(a.value ->> 'behind')::int AS behind, a.value -> 'blocked_by' AS blockers, "
	"(s.details ->> 'lock_wait_ms')::float8 AS total "
	"FROM pgmigrate.run_step s, "
	"jsonb_array_elements(s.details -> 'lock_attempts') AS a "
	"WHERE s.run = $1), "
	"longest AS (SELECT DISTINCT ON (k.step, coalesce(b ->> 'pid', b ->> 'gid')) "
	"k.step, b, (b ->> 'age_ms')::float8 AS age "
	"FROM kept k, jsonb_array_elements(k.blockers) AS b "
	"WHERE (b ->> 'holds')::bool "
	"ORDER BY 1, coalesce(b ->> 'pid', b ->> 'gid'), 3 DESC NULLS LAST), "
	"summary AS (SELECT k.step, k.revision, 0 AS n, min(k.at) AS at, "
	"'summary' AS phase, (array_agg(k.outcome ORDER BY k.n DESC))[1] AS outcome, "
	"mode() WITHIN GROUP (ORDER BY k.relation) AS relation, "
	"mode() WITHIN GROUP (ORDER BY k.mode) AS mode, "
	"max(k.total) AS waited, max(k.behind) AS behind, "
	"(SELECT jsonb_agg(l.b ORDER BY l.age DESC NULLS LAST) FROM "
	"(SELECT b, age FROM longest WHERE step = k.step "
	"ORDER BY age DESC NULLS LAST LIMIT 3) AS l) AS blockers "
	"FROM kept k GROUP BY k.step, k.revision) "
	"SELECT t.step, t.revision, t.n, t.at, t.phase, t.outcome, t.relation, "
	"t.mode, t.waited * interval '1 ms', t.behind, "
	BLOCKERS_TEXT("t.blockers") " "
	"FROM (SELECT step, revision, n, at, phase, outcome, relation, mode, waited, "
	"behind, blockers FROM kept UNION ALL SELECT * FROM summary) AS t "
	"ORDER BY t.step, t.n",
	1, {INT8OID}
};

/* One line, cut if need be. */
static void
add_line(PgmRows *rows, const char *text)
{
	char	   *line = pgm_printable_line(text);

	if (pg_mbstrlen(line) > PGM_TREE_WIDTH)
	{
		int			cut = pg_mbcharcliplen(line, strlen(line),
										   PGM_TREE_WIDTH - 4);

		strcpy(line + cut, " ...");
	}
	pgm_rows_text(rows, line);
	pgm_rows_end_row(rows);
}

/* A run and a relation that it has locked or waits for. */
typedef struct Theirs
{
	int64		run;
	int			pid;
	Oid			relid;
	char	   *name;
	char	   *mode;
	char	   *what;
} Theirs;

static void *
make_theirs(uint64 row)
{
	Theirs	   *theirs = palloc(sizeof(Theirs));

	theirs->run = pgm_spi_int64(row, 1);
	theirs->pid = pgm_spi_int32(row, 2);
	theirs->relid = (Oid) pgm_spi_int64(row, 3);
	theirs->name = pgm_spi_text(row, 4);
	theirs->mode = pgm_spi_text(row, 5);
	theirs->what = pgm_spi_text(row, 6);
	return theirs;
}

static void
add_node_blocker(PgmRows *rows, const PgmBlocker *blocker)
{
	StringInfoData line;

	initStringInfo(&line);
	if (blocker->pid == 0)
		appendStringInfo(&line, "  prepared transaction '%s'",
						 blocker->kind ? blocker->kind : "?");
	else
		appendStringInfo(&line, "  process %d", blocker->pid);
	appendStringInfo(&line, " on node %s (%s", blocker->node,
					 blocker->user ? blocker->user : "?");
	if (blocker->application != NULL && blocker->application[0] != '\0')
		appendStringInfo(&line, ", %s", blocker->application);
	if (blocker->state != NULL)
		appendStringInfo(&line, ", %s", blocker->state);
	if (blocker->age >= 0)
		appendStringInfo(&line, ", %.1f s", blocker->age / 1000.0);
	appendStringInfo(&line, ") %s %s",
					 blocker->holds ? "holds" : "queues for", blocker->mode);
	add_line(rows, line.data);
	if (blocker->query != NULL)
		add_line(rows, psprintf("%*s%s", 2 + PGM_TREE_INDENT, "",
								blocker->query));
}

/* What is in the way of a relation of a run on other nodes of Citus. */
static void
add_node_lines(PgmRows *rows, const Theirs *theirs)
{
	PgmLockNeeds needs;
	List	   *blockers;
	ListCell   *lc;

	pgm_lockneeds_init(&needs, CurrentMemoryContext);
	pgm_lockneeds_add(&needs, theirs->relid,
					  pgm_lock_mode_of(theirs->mode), theirs->name);
	blockers = pgm_node_blockers(&needs);
	if (blockers == NIL)
		return;
	add_line(rows, theirs->name);
	foreach(lc, blockers)
		add_node_blocker(rows, lfirst(lc));
	add_line(rows, psprintf("    run " INT64_FORMAT ", process %d %s %s",
							theirs->run, theirs->pid, theirs->what,
							theirs->mode));
}

Datum
pgmigrate_lock_tree(PG_FUNCTION_ARGS)
{
	PgmSpiScope scope;
	PgmRows		rows;
	Datum		values[1] = {ObjectIdGetDatum(GetUserId())};
	uint64		n;
	ListCell   *lc;

	pgm_rows_begin(&rows, fcinfo);
	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&tree_query, values, NULL);
	for (uint64 i = 1; i <= n; i++)
	{
		char	   *line = pgm_spi_text(i, 1);
		int			indent = strspn(line, " ") + PGM_TREE_INDENT;

		add_line(&rows, line);
		if (!pgm_spi_isnull(i, 2))
			add_line(&rows, psprintf("%*s%s", indent, "",
									 pgm_spi_text(i, 2)));
	}
	pgm_spi_end(&scope);
	if (pgm_citus_is_here())
		foreach(lc, pgm_spi_list(&needs_query, NULL, NULL, make_theirs))
			add_node_lines(&rows, lfirst(lc));
	return (Datum) 0;
}

Datum
pgmigrate_lock_timeline(PG_FUNCTION_ARGS)
{
	PgmSpiScope scope;
	PgmRows		rows;
	Datum		values[1];

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", "run"));
	values[0] = PG_GETARG_DATUM(0);
	pgm_rows_begin(&rows, fcinfo);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&timeline_query, values, NULL);
	pgm_spi_store(rows.store, rows.tupdesc);
	pgm_spi_end(&scope);
	return (Datum) 0;
}
