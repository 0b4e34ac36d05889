/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  What a backfill gives way to.
 *
 * A signal that cannot be read counts as one that says wait: what it would
 * have said is not known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/statvfs.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "backfill/internal.h"
#include "base/clock.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "lock/held.h"

/* Finished WAL files that wait for the archiver. */
#define PGM_ARCHIVE_LIMIT 64
#define PGM_ARCHIVE_CHECK_US INT64CONST(5000000)

/* Autovacuum is waited for so long, and then not for as long again. */
#define PGM_AUTOVACUUM_US INT64CONST(60000000)

/*
 * A standby that has replayed all has no lag, whatever the last one was.  One
 * whose figures may not be seen has none that are known.
 */
static PgmQuery replica_query = {
	"SELECT count(*) FILTER (WHERE state IS NULL), "
	"count(*) FILTER (WHERE state IN ('streaming', 'catchup') "
	"AND replay_lsn IS DISTINCT FROM sent_lsn "
	"AND (state = 'catchup' OR coalesce(greatest(write_lag, flush_lag, "
	"replay_lag), '0') > $1 * interval '1 ms')) "
	"FROM pg_stat_replication",
	1, {INT4OID}
};

static PgmQuery archive_query = {
	"SELECT count(*) FROM pg_ls_archive_statusdir() "
	"WHERE name LIKE '%.ready'"
};

static PgmQuery vacuum_query = {
	"SELECT FROM pg_stat_progress_vacuum v JOIN pg_stat_activity a USING (pid) "
	"WHERE v.relid = $1 AND v.datname = current_database() "
	"AND a.backend_type = 'autovacuum worker'",
	1, {OIDOID}
};

/* Those of a table and its indexes that are not beside the rest. */
static PgmQuery tablespace_query = {
	"SELECT DISTINCT 'pg_tblspc/' || c.reltablespace FROM pg_class c "
	"WHERE (c.oid = $1 OR c.oid IN (SELECT i.indexrelid FROM pg_index i "
	"WHERE i.indrelid = $1)) AND c.reltablespace <> 0 "
	"AND c.reltablespace <> (SELECT t.oid FROM pg_tablespace t "
	"WHERE t.spcname = 'pg_default')",
	1, {OIDOID}
};

static const char *
replica_lag(PgmBackfill *backfill, PgmTarget *target)
{
	PgmSpiScope scope;
	Datum		values[1];
	const char *reason = NULL;

	if (backfill->control.max_replica_lag == 0)
		return NULL;
	values[0] = Int32GetDatum(backfill->control.max_replica_lag);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&replica_query, values, NULL);
	if (pgm_spi_int64(1, 1) > 0)
		reason = "the replica lag, which cannot be read";
	else if (pgm_spi_int64(1, 2) > 0)
		reason = "replicas to catch up";
	pgm_spi_end(&scope);
	return reason;
}

/* The whole server's, since the last look. */
static const char *
wal_rate(PgmBackfill *backfill, PgmTarget *target)
{
	PgmThrottle *throttle = &backfill->throttle;
	int64		now = pgm_clock_monotonic();
	uint64		position = GetXLogInsertRecPtr();
	uint64		bytes = position - throttle->wal_position;
	int64		elapsed = now - throttle->wal_checked;
	bool		known = throttle->wal_checked != 0;
	double		allowed = backfill->control.max_wal_rate * 1024.0;

	if (backfill->control.max_wal_rate == 0)
	{
		throttle->wal_checked = 0;
		return NULL;
	}
	if (known && bytes > allowed * (elapsed / 1000000.0))
		return "the WAL rate to fall";
	throttle->wal_checked = now;
	throttle->wal_position = position;
	return NULL;
}

static const char *
archive_backlog(PgmBackfill *backfill, PgmTarget *target)
{
	PgmThrottle *throttle = &backfill->throttle;
	PgmSpiScope scope;
	int64		now = pgm_clock_monotonic();

	if (!XLogArchivingActive())
		return NULL;
	if (throttle->archive_checked == 0 ||
		now - throttle->archive_checked > PGM_ARCHIVE_CHECK_US)
	{
		/* what cannot be read is not known until it can */
		throttle->archive_checked = 0;
		pgm_spi_begin(&scope);
		pgm_spi_execute(&archive_query, NULL, NULL);
		throttle->archive_full = pgm_spi_int64(1, 1) > PGM_ARCHIVE_LIMIT;
		pgm_spi_end(&scope);
		throttle->archive_checked = now;
	}
	return throttle->archive_full ? "the archiver to catch up" : NULL;
}

/* On the file system of a file of the server, in MB. */
static double
free_space(const char *path)
{
	struct statvfs room;

	if (statvfs(path, &room) != 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not tell the free space at \"%s\": %m", path));
	return (double) room.f_bavail * room.f_frsize / (1024 * 1024);
}

/*
 * An UPDATE makes files longer and writes WAL.  The server stops when there is
 * no room for the latter, and with it everybody else.
 */
static const char *
disk_space(PgmBackfill *backfill, PgmTarget *target)
{
	const char *reason = "room on disk";
	Oid			grows = target == NULL ? backfill->grows : target->relid;
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	bool		enough;

	if (pgm_min_free_space == 0)
		return NULL;
	if (free_space(".") < pgm_min_free_space ||
		free_space("pg_wal") < pgm_min_free_space)
		return reason;
	if (!OidIsValid(grows))
		return NULL;
	values[0] = ObjectIdGetDatum(grows);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&tablespace_query, values, NULL);
	enough = true;
	for (uint64 i = 1; i <= rows; i++)
		enough = enough &&
			free_space(pgm_spi_text(i, 1)) >= pgm_min_free_space;
	pgm_spi_end(&scope);
	return enough ? NULL : reason;
}

/* It clears away what we leave, but may take longer than we would. */
static const char *
autovacuum(PgmBackfill *backfill, PgmTarget *target)
{
	PgmThrottle *throttle = &backfill->throttle;
	int64		now = pgm_clock_monotonic();
	PgmSpiScope scope;
	Datum		values[1];
	bool		busy;

	if (target == NULL || now < throttle->vacuum_until)
		return NULL;
	values[0] = ObjectIdGetDatum(target->relid);
	pgm_spi_begin(&scope);
	busy = pgm_spi_execute_latest(&vacuum_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	if (!busy)
	{
		throttle->vacuum_since = 0;
		return NULL;
	}
	if (throttle->vacuum_since == 0)
		throttle->vacuum_since = now;
	if (now - throttle->vacuum_since < PGM_AUTOVACUUM_US)
		return "autovacuum of the table";
	throttle->vacuum_since = 0;
	throttle->vacuum_until = now + PGM_AUTOVACUUM_US;
	return NULL;
}

/*
 * With the rights of the run, whose setting it is; a revision may have set it.
 * It neither releases the locks of the run nor leaves it some of its own.
 */
static const char *
own_query(PgmBackfill *backfill, PgmTarget *target)
{
	bool		isnull = true;
	volatile bool wait = false;
	PgmGuard	guard;
	PgmSetAside *aside;

	if (pgm_throttle_query == NULL || pgm_throttle_query[0] == '\0')
		return NULL;
	if (backfill->exec.guard)
		pgm_guard_raise(&guard);
	aside = pgm_held_set_aside();
	PG_TRY();
	{
		wait = pgm_query_true(pgm_throttle_query, &isnull);
	}
	PG_FINALLY();
	{
		pgm_held_give_back(aside);
	}
	PG_END_TRY();
	if (backfill->exec.guard)
		pgm_guard_lower(&guard);
	if (isnull)
		return "pgmigrate.throttle_query, which returned null";
	return wait ? "pgmigrate.throttle_query" : NULL;
}

typedef struct Signal
{
	const char *(*look) (PgmBackfill *backfill, PgmTarget *target);
	const char *unreadable;
} Signal;

static const Signal signals[] = {
	{replica_lag, "the replica lag, which cannot be read"},
	{wal_rate, "the WAL rate, which cannot be read"},
	{archive_backlog, "the archiver, which cannot be read"},
	{disk_space, "the free space on disk, which cannot be read"},
	{autovacuum, "autovacuum, which cannot be read"},
	{own_query, "pgmigrate.throttle_query, which failed"},
};

typedef struct Look
{
	const Signal *signal;
	PgmBackfill *backfill;
	PgmTarget  *target;
	const char *reason;
} Look;

static void
try_look(void *arg)
{
	Look	   *look = arg;

	look->reason = look->signal->look(look->backfill, look->target);
}

/* What fails is told to the log of the server. */
static const char *
look_at(const Signal *signal, PgmBackfill *backfill, PgmTarget *target)
{
	Look		look = {signal, backfill, target, NULL};
	ErrorData  *error = pgm_txn_look(try_look, &look);

	if (error == NULL)
		return look.reason;
	ereport(LOG,
			errmsg("could not tell whether a backfill has to wait: %s",
				   error->message));
	FreeErrorData(error);
	return signal->unreadable;
}

const char *
pgm_throttle_reason(PgmBackfill *backfill, PgmTarget *target)
{
	for (int i = 0; i < lengthof(signals); i++)
	{
		const char *reason = look_at(&signals[i], backfill, target);

		if (reason != NULL)
			return reason;
	}
	return NULL;
}
