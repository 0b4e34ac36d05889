/*-------------------------------------------------------------------------
 *
 * node_blockers.c
 *	  Who is in the way on the other nodes of Citus.
 *
 * What goes through this node holds a lock on the table here too, and is found
 * in its lock table.  Sessions of other nodes hold one on their copy of the
 * table, or on a shard.  So only those that are there of their own are asked
 * for, not those that work for another node.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "citus/nodes.h"
#include "citus/tables.h"
#include "compat/lock.h"
#include "lock/needs.h"

/* For the other nodes. */
#define LOCKS_OF_NODE \
	"SELECT coalesce(pg_catalog.jsonb_agg(b), '[]') FROM (SELECT r.place, " \
	"l.pid, l.mode, l.granted, l.virtualtransaction AS transaction, p.gid, " \
	"a.backend_type, coalesce(a.usename, p.owner) AS user, " \
	"a.application_name AS application, a.state, " \
	"pg_catalog.left(a.query, 1000) AS query, pg_catalog.date_part('epoch', " \
	"pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared)) AS age " \
	"FROM %s " \
	"JOIN pg_catalog.pg_locks l ON l.locktype = 'relation'::text " \
	"AND l.relation = r.oid AND l.database = (SELECT oid " \
	"FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) " \
	"LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid " \
	"LEFT JOIN pg_catalog.get_all_active_transactions() g " \
	"ON g.process_id = l.pid " \
	"LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL " \
	"AND x.locktype = 'transactionid'::text " \
	"AND x.virtualtransaction = l.virtualtransaction " \
	"LEFT JOIN pg_catalog.pg_prepared_xacts p " \
	"ON p.transaction = x.transactionid " \
	"WHERE g.worker_query IS NOT TRUE) AS b"

static const char *const columns[] = {
	"n.nodename || ':' || n.nodeport",
	"v ->> 'place'",
	"v ->> 'pid'",
	"v ->> 'mode'",
	"v ->> 'granted'",
	"r.nodeid || ':' || (v ->> 'transaction')",
	"coalesce(v ->> 'gid', v ->> 'backend_type')",
	"v ->> 'user'",
	"v ->> 'application'",
	"v ->> 'state'",
	"left(regexp_replace(v ->> 'query', '\\s+', ' ', 'g'), 120)",
	"((v ->> 'age')::float8 * 1000)::int8",
	"jsonb_strip_nulls(jsonb_build_object('node', "
	"n.nodename || ':' || n.nodeport, 'pid', v -> 'pid', 'gid', v -> 'gid', "
	"'backend_type', nullif(v ->> 'backend_type', 'client backend'), "
	"'user', v ->> 'user', 'application', nullif(v ->> 'application', ''), "
	"'mode', v ->> 'mode', 'holds', v -> 'granted', "
	"'age_ms', ((v ->> 'age')::float8 * 1000)::int8, 'state', v ->> 'state'))"
};

static bool
is_known(const List *blockers, const char *transaction)
{
	ListCell   *lc;

	foreach(lc, blockers)
		if (strcmp(((PgmBlocker *) lfirst(lc))->transaction, transaction) == 0)
		return true;
	return false;
}

static PgmBlocker *
make_blocker(char **row, const PgmLockNeed *need)
{
	PgmBlocker *blocker = palloc0(sizeof(PgmBlocker));

	blocker->node = row[0];
	blocker->need = need;
	blocker->pid = row[2] == NULL ? 0 : atoi(row[2]);
	blocker->mode = row[3];
	blocker->holds = strcmp(row[4], "true") == 0;
	blocker->transaction = row[5];
	blocker->kind = row[6];
	blocker->user = row[7];
	blocker->application = row[8];
	blocker->state = row[9];
	blocker->query = row[10];
	blocker->age = row[11] == NULL ? -1 : strtoll(row[11], NULL, 10);
	blocker->json = row[12];

	/* only who may set deadlock_timeout there makes it go away */
	blocker->autovacuum = blocker->kind != NULL && superuser() &&
		strcmp(blocker->kind, "autovacuum worker") == 0;
	return blocker;
}

List *
pgm_node_blockers(const PgmLockNeeds *needs)
{
	List	   *relids = NIL;
	List	   *blockers = NIL;
	char	   *shards;
	char	  **values;
	uint64		nrows;
	ListCell   *lc;

	foreach(lc, needs->list)
		relids = lappend_oid(relids, ((PgmLockNeed *) lfirst(lc))->relid);
	shards = pgm_citus_shards(relids, true);
	if (shards == NULL ||
		!pgm_citus_ask_nodes(psprintf(LOCKS_OF_NODE, shards),
							 lengthof(columns), columns,
							 "v ->> 'granted' DESC, (v ->> 'age')::float8 DESC",
							 &values, &nrows))
		return NIL;
	for (uint64 i = 0; i < nrows; i++)
	{
		char	  **row = values + i * lengthof(columns);
		const PgmLockNeed *need = list_nth(needs->list, atoi(row[1]) - 1);

		if (DoLockModesConflict(need->mode, pgm_lock_mode_of(row[3])) &&
			!is_known(blockers, row[5]))
			blockers = lappend(blockers, make_blocker(row, need));
	}
	return blockers;
}
