/*-------------------------------------------------------------------------
 *
 * run_unseen.c
 *	  A run whose row is not committed yet.
 *
 * A worker plans before it commits the row of its run, which takes long for a
 * large graph or a checklist, and a run in the transaction of its caller has
 * its row committed at the end.  Until then a lock of the transaction says its
 * number: it is released after the row is there to be seen, and with a process
 * that is gone.
 *
 * The number is taken when the planning begins, and the row has the last one
 * that its session took.  A run that is refused has used it up: who was told
 * of it may ask late to cancel it, and must not meet a later run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "base/spi.h"
#include "compat/lock.h"
#include "store/run_holder.h"
#include "store/run_unseen.h"

static PgmQuery next_query = {
	"SELECT nextval('pgmigrate.run_id_seq')"
};

static PgmQuery find_query = {
	"SELECT l.objid::bigint, l.pid, "
	"coalesce(a.backend_type = 'pgmigrate worker', false) "
	"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"WHERE l.locktype = 'userlock' AND l.classid = 'pg_extension'::regclass "
	"AND l.objsubid = 2 AND l.pid <> $1 "
	"AND l.database = (SELECT oid FROM pg_database "
	"WHERE datname = current_database()) ORDER BY 1 DESC LIMIT 1",
	1, {INT4OID}
};

static PgmQuery row_query = {
	"SELECT $1, t.parts[1], t.parts[2], 'running'::text, NULL::int, "
	"NULL::int, NULL::text, CASE WHEN t.worker THEN 'being planned' "
	"ELSE 'in a transaction that has not committed it' END, "
	"date_trunc('second', a.xact_start), date_trunc('milliseconds', "
	"greatest(clock_timestamp() - a.xact_start, '0')), NULL::text, "
	"jsonb_build_object('execution', CASE WHEN t.worker THEN 'worker' "
	"ELSE 'inline' END, 'role', a.usename, 'pid', $2) "
	"FROM (SELECT) AS one LEFT JOIN pg_stat_activity a ON a.pid = $2 "
	"CROSS JOIN LATERAL (SELECT coalesce(a.backend_type = 'pgmigrate worker', "
	"false), regexp_match(a.query, $3)) AS t (worker, parts)",
	3, {INT8OID, INT4OID, TEXTOID}
};

void
pgm_run_unseen_begin(void)
{
	PgmSpiScope scope;
	LOCKTAG		tag;
	int64		run;

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&next_query, NULL, NULL);
	run = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = ExtensionRelationId;
	tag.locktag_field3 = (uint32) run;
	tag.locktag_field4 = PGM_PART_UNSEEN;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = DEFAULT_LOCKMETHOD;
	(void) LockAcquire(&tag, ExclusiveLock, false, true);
}

int64
pgm_run_unseen(int *pid, bool *worker)
{
	PgmSpiScope scope;
	Datum		values[1];
	int64		run = 0;

	values[0] = Int32GetDatum(MyProcPid);
	pgm_clear_activity_snapshot();
	pgm_spi_begin(&scope);
	if (pgm_spi_execute_latest(&find_query, values, NULL) > 0)
	{
		run = pgm_spi_int64(1, 1);
		*pid = pgm_spi_int32(1, 2);
		*worker = pgm_spi_bool(1, 3);
	}
	pgm_spi_end(&scope);
	return run;
}

void
pgm_run_unseen_row(PgmRows *rows, int64 run, int pid)
{
	PgmSpiScope scope;
	Datum		values[3];

	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(pid);
	values[2] = pgm_text_datum("^/\\* pgmigrate: planning \\*/ (\\w+) (.*)$");
	pgm_spi_begin(&scope);
	pgm_spi_execute_latest(&row_query, values, NULL);
	pgm_spi_store(rows->store, rows->tupdesc);
	pgm_spi_end(&scope);
}
