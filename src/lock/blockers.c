/*-------------------------------------------------------------------------
 *
 * blockers.c
 *	  Who is in the way of locks that are needed.
 *
 * While a run waits it looks often, so a look must not read all of pg_locks,
 * which stops each partition of the lock table in turn.  It asks for the
 * conflicts of the few locks in question, and for the sessions that have them;
 * where there are none it runs no query at all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"

#include "base/printable.h"
#include "base/spi.h"
#include "compat/lock.h"
#include "lock/needs.h"

/*
 * The text of a query is for those who may see it in pg_stat_activity, and not
 * in what is stored, which many may read.
 */
static PgmQuery sessions_query = {
	"SELECT b.place, (b.backend_type = 'autovacuum worker') IS TRUE, "
	"(b.backend_type = 'autovacuum worker' "
	"AND b.query LIKE '%(to prevent wraparound)') IS TRUE, "
	"coalesce(b.gid, b.backend_type), b.usename, b.application_name, b.state, "
	"CASE WHEN pg_has_role($5, b.usesysid, 'USAGE') "
	"OR pg_has_role($5, 'pg_read_all_stats', 'USAGE') "
	"THEN left(regexp_replace(b.query, '\\s+', ' ', 'g'), 120) END, b.age, "
	"jsonb_strip_nulls(jsonb_build_object('pid', nullif(b.pid, 0), "
	"'gid', b.gid, 'backend_type', nullif(b.backend_type, 'client backend'), "
	"'user', b.usename, 'application', nullif(b.application_name, ''), "
	"'mode', b.mode, 'holds', b.holds, 'age_ms', b.age, 'state', b.state"
	"))::text FROM ("
	"SELECT n.pid::int4 AS pid, n.mode, n.holds = 't' AS holds, n.place, "
	"p.gid, a.backend_type, a.usesysid, "
	"coalesce(a.usename, p.owner)::text AS usename, "
	"a.application_name, a.state, a.query, "
	"(extract(epoch FROM t.now - "
	"coalesce(a.xact_start, p.prepared)) * 1000)::int8 AS age "
	"FROM (SELECT clock_timestamp() AS now) t, "
	"unnest($1, $2, $3, $4) WITH ORDINALITY AS n (pid, xid, mode, holds, place) "
	"LEFT JOIN pg_stat_activity a ON a.pid = n.pid::int4 "
	"LEFT JOIN pg_prepared_xacts p "
	"ON n.pid = '0' AND p.transaction::text = n.xid) AS b "
	"ORDER BY b.holds DESC, b.age DESC NULLS LAST, b.place",
	5, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, OIDOID}
};

/* Before it is known whose it is. */
typedef struct Conflict
{
	char		transaction[PGM_TRANSACTION_LEN];
	int			number;			/* of a virtual transaction, with local … */
	LocalTransactionId local;
	int			pid;			/* 0: a prepared transaction */
	TransactionId xid;			/* … of which this is the number */
	bool		holds;
	LOCKMASK	blocked;		/* modes that others cannot have meanwhile */
	LOCKMODE	mode;
	const PgmLockNeed *need;
} Conflict;

static Conflict *
find_conflict(List *conflicts, const VirtualTransactionId *transaction)
{
	ListCell   *lc;

	foreach(lc, conflicts)
	{
		Conflict   *conflict = lfirst(lc);

		if (conflict->number == pgm_vxid_number(*transaction) &&
			conflict->local == transaction->localTransactionId)
			return conflict;
	}
	return NULL;
}

/* Prepared transactions have their processes behind all others. */
static bool
find_process(Conflict *conflict)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount + max_prepared_xacts; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];

		if (!pgm_proc_is(proc, conflict->number, conflict->local))
			continue;
		conflict->pid = proc->pid;
		conflict->xid = proc->xid;
		return true;
	}
	return false;
}

static List *
add_conflict(List *conflicts, const VirtualTransactionId *transaction,
			 const PgmLockNeed *need, LOCKMODE mode, bool holds)
{
	Conflict   *conflict = palloc0(sizeof(Conflict));

	conflict->number = pgm_vxid_number(*transaction);
	conflict->local = transaction->localTransactionId;
	conflict->holds = holds;
	conflict->mode = mode;
	conflict->need = need;
	snprintf(conflict->transaction, sizeof(conflict->transaction), "%d/%u",
			 conflict->number, conflict->local);

	/* else it has ended meanwhile */
	return find_process(conflict) ? lappend(conflicts, conflict) : conflicts;
}

/*
 * The strongest mode that somebody may hold: one that is in the way of these
 * modes only.
 */
static LOCKMODE
mode_in_way_of(LOCKMASK blocked)
{
	for (LOCKMODE mode = MaxLockMode; mode > AccessShareLock; mode--)
	{
		LOCKMASK	mask = 0;

		for (LOCKMODE other = AccessShareLock; other <= MaxLockMode; other++)
			if (DoLockModesConflict(mode, other))
				mask |= LOCKBIT_ON(other);
		if ((mask & ~blocked) == 0)
			return mode;
	}
	return AccessShareLock;
}

/* Which mode does each of them hold?  That is seen by what it excludes. */
static void
find_modes(const LOCKTAG *tag, const PgmLockNeed *need, List *conflicts)
{
	ListCell   *lc;

	for (LOCKMODE mode = AccessShareLock; mode <= MaxLockMode; mode++)
	{
		int			count;
		VirtualTransactionId *holders = GetLockConflicts(tag, mode, &count);

		for (int i = 0; i < count; i++)
		{
			Conflict   *conflict = find_conflict(conflicts, &holders[i]);

			if (conflict != NULL && conflict->need == need)
				conflict->blocked |= LOCKBIT_ON(mode);
		}
	}
	foreach(lc, conflicts)
	{
		Conflict   *conflict = lfirst(lc);

		if (conflict->need == need && conflict->blocked != 0)
			conflict->mode = mode_in_way_of(conflict->blocked);
	}
}

/* Each transaction once, with the first relation that it keeps from us. */
static List *
find_holders(const PgmLockNeeds *needs)
{
	List	   *conflicts = NIL;
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		const PgmLockNeed *need = lfirst(lc);
		LOCKTAG		tag;
		int			count;
		int			before = list_length(conflicts);
		VirtualTransactionId *holders;

		SET_LOCKTAG_RELATION(tag, MyDatabaseId, need->relid);
		holders = GetLockConflicts(&tag, need->mode, &count);
		for (int i = 0; i < count; i++)
		{
			if (find_conflict(conflicts, &holders[i]) == NULL)
				conflicts = add_conflict(conflicts, &holders[i], need,
										 AccessShareLock, true);
		}
		pfree(holders);
		if (list_length(conflicts) > before)
			find_modes(&tag, need, conflicts);
	}
	return conflicts;
}

/* Who has changed rows that a statement was seen to wait for. */
static List *
add_row_holder(List *conflicts, TransactionId xid)
{
	LOCKTAG		tag;
	int			count;
	VirtualTransactionId *holders;

	SET_LOCKTAG_TRANSACTION(tag, xid);
	holders = GetLockConflicts(&tag, ShareLock, &count);
	for (int i = 0; i < count; i++)
		conflicts = add_conflict(conflicts, &holders[i], NULL, ExclusiveLock,
								 true);
	return conflicts;
}

/*
 * Those in the queue are in our way, too, unless they ask for less.  Read
 * without a lock, as in watch.c: what is wrong then is a name in a message.
 */
static List *
add_waiters(List *conflicts, const PgmLockNeeds *needs)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		const volatile PGPROC *proc = &ProcGlobal->allProcs[i];
		const LOCK *lock = proc->waitLock;
		LOCKMODE	mode = proc->waitLockMode;
		const PgmLockNeed *need;
		VirtualTransactionId transaction;

		if (lock == NULL || proc == MyProc ||
			lock->tag.locktag_type != LOCKTAG_RELATION ||
			lock->tag.locktag_field1 != MyDatabaseId)
			continue;
		need = pgm_lockneeds_find(needs, lock->tag.locktag_field2);
		if (need == NULL || !DoLockModesConflict(need->mode, mode))
			continue;
		pgm_proc_vxid(transaction, proc);
		conflicts = add_conflict(conflicts, &transaction, need, mode, false);
	}
	return conflicts;
}

/* What is known of their sessions, as the caller may see it. */
static List *
describe(List *conflicts)
{
	int			n = list_length(conflicts);
	char	  **pids = palloc(sizeof(char *) * n);
	char	  **xids = palloc(sizeof(char *) * n);
	char	  **modes = palloc(sizeof(char *) * n);
	char	  **holds = palloc(sizeof(char *) * n);
	List	   *result = NIL;
	PgmSpiScope scope;
	Datum		values[5];
	uint64		rows;

	for (int i = 0; i < n; i++)
	{
		const Conflict *conflict = list_nth(conflicts, i);

		pids[i] = psprintf("%d", conflict->pid);
		xids[i] = psprintf("%u", conflict->xid);
		modes[i] = unconstify(char *, pgm_lock_mode_name(conflict->mode));
		holds[i] = pstrdup(conflict->holds ? "t" : "f");
	}
	values[0] = pgm_text_array_datum(n, pids);
	values[1] = pgm_text_array_datum(n, xids);
	values[2] = pgm_text_array_datum(n, modes);
	values[3] = pgm_text_array_datum(n, holds);
	values[4] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&sessions_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);
		const Conflict *conflict = list_nth(conflicts,
											(int) pgm_spi_int64(i, 1) - 1);
		PgmBlocker *blocker = palloc0(sizeof(PgmBlocker));

		result = lappend(result, blocker);
		blocker->transaction = pstrdup(conflict->transaction);
		blocker->mode = pstrdup(pgm_lock_mode_name(conflict->mode));
		MemoryContextSwitchTo(old);
		blocker->pid = conflict->pid;
		blocker->holds = conflict->holds;
		blocker->need = conflict->need;
		blocker->autovacuum = pgm_spi_bool(i, 2);
		blocker->wraparound = pgm_spi_bool(i, 3);
		blocker->kind = pgm_spi_text(i, 4);
		blocker->user = pgm_spi_text(i, 5);
		blocker->application = pgm_spi_text(i, 6);
		blocker->state = pgm_spi_text(i, 7);
		blocker->query = pgm_spi_text(i, 8);
		blocker->age = pgm_spi_isnull(i, 9) ? -1 : pgm_spi_int64(i, 9);
		blocker->json = pgm_spi_text(i, 10);
	}
	pgm_spi_end(&scope);
	return result;
}

List *
pgm_blockers_find(const PgmLockNeeds *needs)
{
	List	   *conflicts = find_holders(needs);

	if (TransactionIdIsValid(needs->transaction))
		conflicts = add_row_holder(conflicts, needs->transaction);
	conflicts = add_waiters(conflicts, needs);
	return conflicts == NIL ? NIL : describe(conflicts);
}

char *
pgm_blocker_text(const PgmBlocker *blocker, bool with_query)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (blocker->pid == 0)
		appendStringInfo(&buf, "Prepared transaction \"%s\" (",
						 blocker->kind ? blocker->kind : "?");
	else if (blocker->node != NULL)
		appendStringInfo(&buf, "Process %d on node %s (", blocker->pid,
						 blocker->node);
	else
		appendStringInfo(&buf, "Process %d (", blocker->pid);
	if (blocker->pid != 0 && blocker->kind != NULL &&
		strcmp(blocker->kind, "client backend") != 0)
		appendStringInfo(&buf, "%s%s, ", blocker->kind,
						 blocker->wraparound ? " to prevent wraparound" : "");
	if (blocker->user != NULL)
		appendStringInfo(&buf, "user \"%s\", ", blocker->user);
	if (blocker->application != NULL && blocker->application[0] != '\0')
		appendStringInfo(&buf, "application \"%s\", ", blocker->application);
	if (blocker->state != NULL)
		appendStringInfo(&buf, "%s, ", blocker->state);
	if (blocker->age >= 0)
		appendStringInfo(&buf, "for %.1f s) ", blocker->age / 1000.0);
	else
		appendStringInfoString(&buf, "age not known) ");
	if (blocker->need == NULL)
		appendStringInfoString(&buf, "has locked rows that are needed");
	else
		appendStringInfo(&buf, "%s %s on %s",
						 blocker->holds ? "holds" : "waits for",
						 blocker->mode, blocker->need->name);
	if (with_query && blocker->query != NULL && blocker->query[0] != '\0')
		appendStringInfo(&buf, ": %s", blocker->query);
	return pgm_printable_line(buf.data);
}

char *
pgm_blockers_json(List *blockers, int max)
{
	StringInfoData buf;
	ListCell   *lc;
	int			n = 0;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		if (n++ == max)
			break;
		appendStringInfo(&buf, "%s%s", n > 1 ? ", " : "", blocker->json);
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

uint32
pgm_blockers_hash(List *blockers)
{
	uint32		hash = 0;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		hash = hash_combine(hash,
							hash_bytes((unsigned char *) blocker->transaction,
									   strlen(blocker->transaction)));
	}
	return hash;
}
