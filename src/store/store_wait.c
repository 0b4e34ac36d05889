/*-------------------------------------------------------------------------
 *
 * store_wait.c
 *	  Wait for whoever is changing stored revisions, but not for ever.
 *
 * An author who has amended a revision holds its row until the end of the
 * transaction, which may be an idle one.  A run that waited for it without a
 * limit would hold the run lock as long.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/printable.h"
#include "base/settings.h"
#include "store/store_wait.h"

/* Of prepared transactions: the one that has written to the table. */
static PgmQuery prepared_query = {
	"SELECT p.gid FROM pg_prepared_xacts p "
	"WHERE p.database = current_database() AND EXISTS (SELECT "
	"FROM pg_locks x JOIN pg_locks l USING (virtualtransaction) "
	"WHERE x.pid IS NULL AND x.locktype = 'transactionid' "
	"AND x.transactionid = p.transaction AND l.pid IS NULL "
	"AND l.locktype = 'relation' AND l.relation = $1 "
	"AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')) "
	"ORDER BY p.prepared LIMIT 1",
	1, {OIDOID}
};

static Oid
store_table(void)
{
	return get_relname_relid("revision",
							 get_namespace_oid("pgmigrate", false));
}

static void
set_limit(void)
{
	int			limit = LockTimeout > 0 ?
		Min(LockTimeout, pgm_lock_deadline) : pgm_lock_deadline;
	char		text[16];

	snprintf(text, sizeof(text), "%d", Max(limit, 1));
	(void) set_config_option("lock_timeout", text, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static bool
writes_revisions(const LockInstanceData *lock, Oid table)
{
	return lock->locktag.locktag_type == LOCKTAG_RELATION &&
		lock->locktag.locktag_field1 == MyDatabaseId &&
		lock->locktag.locktag_field2 == table &&
		lock->pid != MyProcPid &&
		(lock->holdMask & ~(LOCKBIT_ON(AccessShareLock) |
							LOCKBIT_ON(RowShareLock))) != 0;
}

/* In the handler of an error: reads shared memory only. */
static char *
describe_holder(Oid table, bool *prepared)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < locks->nelements; i++)
	{
		if (!writes_revisions(&locks->locks[i], table))
			continue;
		*prepared = locks->locks[i].pid == 0;
		if (*prepared)
			return pstrdup("a prepared transaction");
		return psprintf("process %d", locks->locks[i].pid);
	}
	return pstrdup("another session");
}

/*
 * Before the wait, since in the handler of its error nothing can be asked: the
 * gid of a prepared transaction that is in the way, or NULL.
 */
static char *
find_prepared(Oid table)
{
	PgmSpiScope scope;
	Datum		value = ObjectIdGetDatum(table);
	char	   *gid = NULL;

	if (max_prepared_xacts == 0)
		return NULL;
	pgm_spi_begin(&scope);
	if (pgm_spi_execute_latest(&prepared_query, &value, NULL) > 0)
		gid = MemoryContextStrdup(scope.outer, pgm_spi_text(1, 1));
	pgm_spi_end(&scope);
	return gid;
}

/* In the handler of an error. */
static void
explain(MemoryContext context, Oid table, const char *gid)
{
	ErrorData  *edata;
	char	   *holder;
	bool		prepared = false;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	if (edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		PG_RE_THROW();
	FlushErrorState();
	holder = describe_holder(table, &prepared);
	ereport(ERROR,
			errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			errmsg("stored revisions are being changed by %s", holder),
			prepared && gid != NULL ?
			errdetail("It is \"%s\".", pgm_printable_line(gid)) : 0,
			prepared ?
			errhint("End it with COMMIT PREPARED or ROLLBACK PREPARED, as its owner or a superuser, and repeat the call; pg_prepared_xacts has it.") :
			errhint("Repeat the call when that transaction has ended, or raise \"pgmigrate.lock_deadline\"."));
}

void
pgm_store_wait_lock(LOCKMODE mode)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			table = store_table();
	char	   *gid = find_prepared(table);
	int			level = NewGUCNestLevel();

	set_limit();
	PG_TRY();
	{
		LockRelationOid(table, mode);
	}
	PG_CATCH();
	{
		explain(context, table, gid);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, level);
}

uint64
pgm_store_wait_execute(PgmQuery *query, const Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			table = store_table();
	char	   *gid = find_prepared(table);
	int			level = NewGUCNestLevel();
	volatile uint64 rows = 0;

	set_limit();
	PG_TRY();
	{
		rows = pgm_spi_execute(query, values, NULL);
	}
	PG_CATCH();
	{
		explain(context, table, gid);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, level);
	return rows;
}

/*
 * The first column of the first row, or NULL.  Asked in a step, of which a
 * statement may have made the transaction read only.
 */
char *
pgm_store_wait_text(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	char	   *text = NULL;

	pgm_spi_begin_ledger(&scope);
	if (pgm_store_wait_execute(query, values) > 0)
		text = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return text;
}
