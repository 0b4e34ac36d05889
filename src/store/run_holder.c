/*-------------------------------------------------------------------------
 *
 * run_holder.c
 *	  Who has the run lock, and what he does with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/clock.h"
#include "base/spi.h"
#include "exec/caller_snapshot.h"
#include "process/follow.h"
#include "store/run_holder.h"

/* Between two looks at a run that records what it leaves. */
#define PGM_RECORD_POLL_MS 50

/* How long that may take. */
#define PGM_RECORD_MS 60000

static PgmQuery holder_query = {
	"SELECT l.pid, l.objsubid::int, a.usename::text, a.application_name, "
	"a.backend_type, date_trunc('second', now() - a.backend_start)::text, "
	"coalesce((SELECT max(r.id) FROM pgmigrate.run r "
	"WHERE r.state = 'running' AND r.pid = l.pid), "
	"(SELECT u.objid::bigint FROM pg_locks u WHERE u.pid = l.pid "
	"AND u.locktype = 'userlock' AND u.classid = 'pg_extension'::regclass "
	"AND u.objsubid = 2 LIMIT 1)), "
	"p.gid, date_trunc('second', now() - p.prepared)::text, e.id "
	"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"LEFT JOIN pg_prepared_xacts p ON l.pid IS NULL AND p.transaction = "
	"(SELECT x.transactionid FROM pg_locks x WHERE x.pid IS NULL "
	"AND x.locktype = 'transactionid' "
	"AND x.virtualtransaction = l.virtualtransaction LIMIT 1) "
	"LEFT JOIN (SELECT e.id, e.pid FROM pgmigrate.run e "
	"WHERE e.id = (SELECT max(id) FROM pgmigrate.run) "
	"AND e.state <> 'running' AND e.execution = 'worker') AS e "
	"ON e.pid = l.pid "
	"WHERE l.locktype = 'userlock' AND l.classid = 'pg_extension'::regclass "
	"AND l.objid = $1 AND l.granted "
	"AND l.database = (SELECT oid FROM pg_database "
	"WHERE datname = current_database()) ORDER BY l.objsubid LIMIT 1",
	1, {OIDOID}
};

static PgmQuery work_query = {
	"SELECT id, strategy, quote_ident(schema_name) || '.' || quote_ident(relation_name), "
	"CASE WHEN total > 0 THEN least(done * 100 / total, 100)::int END, "
	"waiting_for, revision IS NULL AND strategy = 'backfill' "
	"FROM pgmigrate.operation WHERE run = $1 AND state IN ('preparing', "
	"'copying', 'indexing', 'comparing', 'switching') "
	"ORDER BY id DESC LIMIT 1",
	1, {INT8OID}
};

/*
 * What may take hours: how far it is, so that nobody waits for it by mistake.
 * The last query of a scope.
 */
static void
describe_work(PgmRunHolder *holder, int64 run, StringInfo buf)
{
	Datum		values[1];

	values[0] = Int64GetDatum(run);
	if (pgm_spi_execute_latest(&work_query, values, NULL) == 0)
		return;
	appendStringInfo(buf, " Its operation " INT64_FORMAT ", %s of relation %s, is ",
					 pgm_spi_int64(1, 1), pgm_spi_text(1, 2),
					 pgm_spi_text(1, 3));
	if (pgm_spi_isnull(1, 4))
		appendStringInfoString(buf, "at work");
	else
		appendStringInfo(buf, "%d %% done", pgm_spi_int32(1, 4));
	if (!pgm_spi_isnull(1, 5))
		appendStringInfo(buf, ", and waits for %s", pgm_spi_text(1, 5));
	appendStringInfoChar(buf, '.');
	if (holder->hint != NULL && pgm_spi_bool(1, 6))
		holder->hint = psprintf("%s What it has changed stays; pgmigrate.backfill() with the same arguments does the rest later.",
								holder->hint);
}

static void
describe_process(PgmRunHolder *holder, StringInfo buf)
{
	char	   *user = pgm_spi_text(1, 3);
	char	   *application = pgm_spi_text(1, 4);
	char	   *kind = pgm_spi_text(1, 5);
	char	   *age = pgm_spi_text(1, 6);
	int64		run = pgm_spi_isnull(1, 7) ? 0 : pgm_spi_int64(1, 7);

	appendStringInfo(buf, "Process %d (%s", holder->pid, kind ? kind : "?");
	if (user != NULL)
		appendStringInfo(buf, ", user \"%s\"", user);
	if (application != NULL && application[0] != '\0')
		appendStringInfo(buf, ", application \"%s\"", application);
	if (age != NULL)
		appendStringInfo(buf, ", started %s ago", age);
	if (!holder->works)
		appendStringInfoString(buf, ") is about to start a run.");
	else if (run != 0)
	{
		appendStringInfo(buf, ") works on run " INT64_FORMAT ".", run);
		holder->hint = psprintf("Wait for it with SELECT * FROM pgmigrate.wait(" INT64_FORMAT "), or stop it with SELECT pgmigrate.cancel(" INT64_FORMAT ").",
								run, run);
	}
	else if (holder->records)
		appendStringInfo(buf, ") records the schema that run " INT64_FORMAT " has left.",
						 pgm_spi_int64(1, 10));
	else
		appendStringInfoString(buf, ") holds the run lock.");
	if (kind != NULL && strcmp(kind, "pgmigrate worker") != 0 && holder->works)
		holder->hint = psprintf("It ends with the transaction or the script of that session; SELECT pg_terminate_backend(%d) ends the session.",
								holder->pid);
	if (run != 0 && holder->works)
		describe_work(holder, run, buf);
}

void
pgm_run_find_holder(void *arg)
{
	PgmRunHolder *holder = arg;
	PgmSpiScope scope;
	Datum		values[1];

	memset(holder, 0, sizeof(PgmRunHolder));
	values[0] = ObjectIdGetDatum(pgm_extension_oid());
	pgm_spi_begin(&scope);
	holder->found = pgm_spi_execute_latest(&holder_query, values, NULL) > 0;
	if (holder->found)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);
		StringInfoData buf;

		initStringInfo(&buf);
		holder->works = pgm_spi_int32(1, 2) == PGM_PART_RUN;
		if (!pgm_spi_isnull(1, 1))
		{
			holder->pid = pgm_spi_int32(1, 1);
			holder->records = holder->works && pgm_spi_isnull(1, 7) &&
				!pgm_spi_isnull(1, 10);
			describe_process(holder, &buf);
		}
		else if (!pgm_spi_isnull(1, 8))
		{
			appendStringInfo(&buf, "A prepared transaction holds the run lock, \"%s\", prepared %s ago.",
							 pgm_spi_text(1, 8), pgm_spi_text(1, 9));
			holder->hint = "End it with COMMIT PREPARED or ROLLBACK PREPARED.";
		}
		else
			appendStringInfoString(&buf, "A prepared transaction holds the run lock.");
		holder->detail = buf.data;
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
}

void
pgm_run_look_at_holder(PgmRunHolder *holder)
{
	pgm_caller_look(pgm_run_find_holder, holder);
}

int
pgm_run_lock_holder(void)
{
	PgmRunHolder holder;

	pgm_run_find_holder(&holder);
	return holder.works ? holder.pid : 0;
}

static bool
has_lasted(int64 begun, int64 milliseconds)
{
	return (pgm_clock_monotonic() - begun) / 1000 >= milliseconds;
}

/*
 * A run that has ended is none in progress: who has seen its state may begin
 * the next one, and waits while the schema that it leaves is recorded.  Unless
 * that waits for what we have locked.
 */
bool
pgm_run_still_records(const PgmRunHolder *holder, int64 begun)
{
	return holder->records && !has_lasted(begun, PGM_RECORD_MS) &&
		!pgm_process_waits_for_me(holder->pid);
}

void
pgm_run_await_record(void)
{
	int64		begun = pgm_clock_monotonic();
	PgmRunHolder holder;

	if (RecoveryInProgress())
		return;
	for (;;)
	{
		pgm_run_look_at_holder(&holder);
		if (!pgm_run_still_records(&holder, begun))
			break;
		CHECK_FOR_INTERRUPTS();
		pgm_clock_wait(PGM_RECORD_POLL_MS);
	}
}
