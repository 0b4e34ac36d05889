/*-------------------------------------------------------------------------
 *
 * observed.c
 *	  What was predicted of the statements of a step, and what they did.
 *
 * Most statements of most revisions make something new.  Those are told by a
 * look at the names in them and cost no more.  The others are classified as
 * for a plan, and measured: the locks by the lock table's list of our own, a
 * rewrite by the file, a scan by the counters of this backend, the time by the
 * clock, what was written by the WAL.
 *
 * A lock that the transaction had already, from a statement before or because
 * it was taken ahead by the prediction itself, shows no more: there the
 * prediction is believed.  Weak locks, that are not in the
 * shared lock table, are seen on the relations of the prediction only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "assess/predictions.h"
#include "base/clock.h"
#include "base/relation_size.h"
#include "classify/classify.h"
#include "classify/estimate.h"
#include "compat/lock.h"
#include "compat/repack.h"
#include "compat/server.h"
#include "run/observed.h"
#include "sql/kinds.h"
#include "sql/relation_names.h"

/*
 * So many relations of a statement, and locks of ours, are looked at.  The
 * locks are read before and after each statement: a run of thousands in one
 * transaction, which has ever more of them, must not pay for their square.
 */
#define PGM_WATCHED_MAX 100
#define PGM_OWN_LOCKS_MAX 256

/* Below that a size is not asked for more than once, nor a rate told. */
#define PGM_WORTH_BYTES (1024 * 1024)

/* Locks that are in the shared lock table always. */
#define PGM_STRONG_LOCKS \
	(LOCKBIT_ON(ShareUpdateExclusiveLock) | LOCKBIT_ON(ShareLock) | \
	 LOCKBIT_ON(ShareRowExclusiveLock) | LOCKBIT_ON(ExclusiveLock) | \
	 LOCKBIT_ON(AccessExclusiveLock))

typedef struct OwnLock
{
	Oid			relid;
	LOCKMASK	mask;
} OwnLock;

typedef struct OwnLocks
{
	int			n;				/* above the maximum: not all were read */
	OwnLock		lock[PGM_OWN_LOCKS_MAX];
} OwnLocks;

/* A relation of the prediction, as it was before. */
typedef struct Watched
{
	const PgmTouch *touch;
	LOCKMASK	mask;			/* our locks on it */
	Oid			filenode;
	int64		scans;
	int64		heap_bytes;
	int64		total_bytes;
} Watched;

struct PgmHappened
{
	MemoryContext context;		/* of the step */
	MemoryContext statement;	/* of the statement in work */
	List	   *entries;		/* of char *, JSON objects, by statement */
	List	   *numbers;		/* of the statements */
	OwnLocks   *before;
	OwnLocks   *after;
	PgmRates   *rates;			/* NULL until they are needed */
	PgmTristate any_assessed;	/* unset until it matters */
	const char *digest;			/* of the revision, NULL: not assessed */

	/* the statement in work; verdict is NULL if it is not watched */
	PgmVerdict *verdict;
	bool		commits;
	int			nwatched;
	Watched    *watched;
	double		predicted_ms;	/* negative if it was not */
	uint64		wal_bytes;
	int64		clock;
};

PgmHappened *
pgm_happened_create(void)
{
	PgmHappened *happened = palloc0(sizeof(PgmHappened));

	happened->context = AllocSetContextCreate(CurrentMemoryContext,
											  "pgmigrate happened",
											  ALLOCSET_SMALL_SIZES);
	happened->statement = AllocSetContextCreate(CurrentMemoryContext,
												"pgmigrate happened statement",
												ALLOCSET_SMALL_SIZES);
	happened->any_assessed = PGM_UNSET;
	happened->before = palloc(sizeof(OwnLocks));
	happened->after = palloc(sizeof(OwnLocks));
	return happened;
}

void
pgm_happened_begin(PgmHappened *happened)
{
	if (happened->entries != NIL)
		MemoryContextReset(happened->context);
	happened->entries = NIL;
	happened->numbers = NIL;
	happened->verdict = NULL;
}

/* ---- locks of this backend */

/* Nothing may be allocated or raised in here. */
static void
read_partition(OwnLocks *locks, int partition)
{
	PROCLOCK   *held;

	LWLockAcquire(LockHashPartitionLockByIndex(partition), LW_SHARED);
	for (held = pgm_first_own_lock(partition); held != NULL;
		 held = pgm_next_own_lock(partition, held))
	{
		const LOCKTAG *tag = &held->tag.myLock->tag;

		if (tag->locktag_type != LOCKTAG_RELATION ||
			tag->locktag_field1 != MyDatabaseId ||
			tag->locktag_field2 < FirstNormalObjectId ||
			(held->holdMask & PGM_STRONG_LOCKS) == 0)
			continue;
		if (locks->n++ >= PGM_OWN_LOCKS_MAX)
			break;
		locks->lock[locks->n - 1].relid = tag->locktag_field2;
		locks->lock[locks->n - 1].mask = held->holdMask & PGM_STRONG_LOCKS;
	}
	LWLockRelease(LockHashPartitionLockByIndex(partition));
}

static int
compare_locks(const void *a, const void *b)
{
	Oid			left = ((const OwnLock *) a)->relid;
	Oid			right = ((const OwnLock *) b)->relid;

	return left < right ? -1 : left > right;
}

static void
read_own_locks(OwnLocks *locks)
{
	locks->n = 0;
	for (int i = 0; i < NUM_LOCK_PARTITIONS &&
		 locks->n <= PGM_OWN_LOCKS_MAX; i++)
		read_partition(locks, i);
	if (locks->n <= PGM_OWN_LOCKS_MAX)
		qsort(locks->lock, locks->n, sizeof(OwnLock), compare_locks);
}

static LOCKMASK
own_mask(const OwnLocks *locks, Oid relid)
{
	OwnLock		key = {relid, 0};
	const OwnLock *found = bsearch(&key, locks->lock, locks->n,
								   sizeof(OwnLock), compare_locks);

	return found == NULL ? 0 : found->mask;
}

/* Weak ones too, without a look at shared memory. */
static LOCKMASK
held_on(Oid relid)
{
	LOCKMASK	mask = 0;
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE mode = AccessShareLock; mode <= MaxLockMode; mode++)
		if (pgm_lock_held_by_me(&tag, mode))
			mask |= LOCKBIT_ON(mode);
	return mask;
}

static LOCKMODE
strongest(LOCKMASK mask)
{
	for (LOCKMODE mode = MaxLockMode; mode > NoLock; mode--)
		if (mask & LOCKBIT_ON(mode))
			return mode;
	return NoLock;
}

/* ---- which statements are watched */

/*
 * Made in this transaction, so that nobody else has it?  The creator holds the
 * strongest lock, and that keeps the relation as it is while we look.
 */
static bool
is_new(Oid relid)
{
	LOCKTAG		tag;
	Relation	relation;
	bool		result;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	if (!pgm_lock_held_by_me(&tag, AccessExclusiveLock))
		return false;
	relation = RelationIdGetRelation(relid);
	if (!RelationIsValid(relation))
		return true;
	result = relation->rd_createSubid != InvalidSubTransactionId;
	RelationClose(relation);
	return result;
}

static bool
find_existing(RangeVar *name, PgmNameRole role, void *arg)
{
	bool	   *exists = arg;
	Oid			relid;

	if (!*exists)
	{
		relid = pgm_lookup_relation(name);
		*exists = relid >= FirstNormalObjectId && !is_new(relid);
	}
	return false;
}

static bool
is_worth_watching(Node *stmt)
{
	bool		exists = false;

	if (pgm_statement_is(stmt, PGM_REACHES_FURTHER))
		return true;
	pgm_names_visit(stmt, find_existing, &exists);
	return exists;
}

/* ---- before */

static Oid
filenode_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			filenode = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	filenode = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return filenode;
}

static bool
has_rows(const PgmTouch *touch)
{
	return touch->relkind == RELKIND_RELATION ||
		touch->relkind == RELKIND_MATVIEW;
}

static int64
scans_of(Oid relid)
{
	return DatumGetInt64(DirectFunctionCall1(pg_stat_get_xact_numscans,
											 ObjectIdGetDatum(relid)));
}

static void
watch(PgmHappened *happened, const PgmTouch *touch)
{
	Watched    *watched = &happened->watched[happened->nwatched++];

	watched->touch = touch;
	watched->mask = held_on(touch->relid);
	watched->filenode = filenode_of(touch->relid);
	if (!has_rows(touch))
		return;
	watched->scans = scans_of(touch->relid);
	watched->heap_bytes = pgm_heap_bytes(touch->relid);
	watched->total_bytes = watched->heap_bytes < PGM_WORTH_BYTES ?
		watched->heap_bytes : pgm_total_bytes(touch->relid);
}

static bool
is_watched(const PgmTouch *touch)
{
	return OidIsValid(touch->relid) && !touch->fresh &&
		touch->relid >= FirstNormalObjectId && !is_new(touch->relid);
}

/* Only where it matters, since the rates have to be read for it. */
static double
predict_ms(PgmHappened *happened)
{
	bool		matters = false;

	for (int i = 0; i < happened->nwatched; i++)
		matters |= happened->watched[i].heap_bytes >= PGM_WORTH_BYTES &&
			pgm_work_of(happened->verdict, happened->watched[i].touch) !=
			PGM_WORK_NONE;
	if (!matters)
		return -1;
	if (happened->rates == NULL)
	{
		happened->rates =
			MemoryContextAlloc(GetMemoryChunkContext(happened),
							   sizeof(PgmRates));
		pgm_rates_load(happened->rates);
	}
	return pgm_estimate_statement(happened->rates, happened->verdict);
}

void
pgm_happened_revision(PgmHappened *happened, const char *digest)
{
	happened->digest = digest;
}

/* An assessment knows more than the text. */
static void
recall(PgmHappened *happened)
{
	if (happened->digest == NULL)
		return;
	if (happened->any_assessed == PGM_UNSET)
		happened->any_assessed = pgm_prediction_any() ? PGM_TRUE : PGM_FALSE;
	if (happened->any_assessed == PGM_TRUE)
		(void) pgm_prediction_recall(happened->digest, happened->verdict);
}

void
pgm_happened_before(PgmHappened *happened, const PgmSource *source, int n,
					bool commits)
{
	MemoryContext old;
	PgmClassifier classifier = {0};
	ListCell   *lc;

	happened->verdict = NULL;
	if (!is_worth_watching(source->statements[n].raw->stmt))
		return;

	MemoryContextReset(happened->statement);
	old = MemoryContextSwitchTo(happened->statement);
	happened->verdict = pgm_classify(&classifier, source, n);
	recall(happened);
	happened->commits = commits;
	happened->nwatched = 0;
	happened->watched = palloc0(sizeof(Watched) * PGM_WATCHED_MAX);
	foreach(lc, happened->verdict->touches)
	{
		const PgmTouch *touch = lfirst(lc);

		if (is_watched(touch) && happened->nwatched < PGM_WATCHED_MAX)
			watch(happened, touch);
	}
	if (happened->nwatched == 0 && !happened->verdict->opaque)
		happened->verdict = NULL;
	else
	{
		happened->predicted_ms = predict_ms(happened);
		if (!commits)
			read_own_locks(happened->before);
		happened->wal_bytes = pgWalUsage.wal_bytes;
		happened->clock = pgm_clock_monotonic();
	}
	MemoryContextSwitchTo(old);
}

/* ---- after */

static void
append_tristate(StringInfo buf, const char *name, bool known, bool value)
{
	appendStringInfo(buf, ", \"%s\": %s", name,
					 !known ? "null" : value ? "true" : "false");
}

static void
append_lock(StringInfo buf, bool *first, const char *name, LOCKMODE mode)
{
	if (mode == NoLock)
		return;
	if (!*first)
		appendStringInfoString(buf, ", ");
	*first = false;
	escape_json(buf, name);
	appendStringInfo(buf, ": \"%s\"", pgm_lock_mode_name(mode));
}

static void
append_predicted(StringInfo buf, const PgmHappened *happened)
{
	const PgmVerdict *verdict = happened->verdict;
	bool		first = true;

	appendStringInfo(buf, "\"predicted\": {\"source\": \"%s\", \"locks\": ",
					 verdict->tried ? "assessment" : "text");
	if (verdict->opaque)
		appendStringInfoString(buf, "null");
	else
	{
		appendStringInfoChar(buf, '{');
		for (int i = 0; i < happened->nwatched; i++)
		{
			const PgmTouch *touch = happened->watched[i].touch;

			append_lock(buf, &first, pgm_touch_name(touch), touch->mode);
		}
		appendStringInfoChar(buf, '}');
	}
	append_tristate(buf, "rewrites", pgm_rewrite_is_known(verdict),
					verdict->rewrites == PGM_TRUE);
	append_tristate(buf, "scans", pgm_scan_is_known(verdict),
					verdict->scans == PGM_TRUE);
	if (happened->predicted_ms >= 0)
		appendStringInfo(buf, ", \"ms\": %.1f", happened->predicted_ms);
	appendStringInfoChar(buf, '}');
}

/*
 * What the statement took, as far as that can be told: the prediction, if it
 * was held before or if nothing but what was held before can have been taken.
 */
static LOCKMODE
mode_taken(const Watched *watched)
{
	LOCKMODE	predicted = watched->touch->mode;
	LOCKMODE	taken = strongest(held_on(watched->touch->relid) &
								  ~watched->mask);

	if (taken >= predicted || (watched->mask & LOCKBIT_ON(predicted)))
		return Max(taken, predicted);
	if (taken == NoLock && strongest(watched->mask) > predicted)
		return predicted;
	return taken;
}

/*
 * Is a lock that was not predicted worth telling?  Nobody reaches an index or
 * a TOAST table but through its table.
 */
static bool
is_surprise(const PgmHappened *happened, Oid relid)
{
	PgmTouch   *touch = pgm_verdict_find(happened->verdict, relid);

	if (touch != NULL || is_new(relid))
		return false;
	switch (get_rel_relkind(relid))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
		case RELKIND_TOASTVALUE:
		case '\0':
			return false;
		default:
			return true;
	}
}

static void
append_surprises(StringInfo buf, const PgmHappened *happened, bool *first)
{
	if (happened->before->n > PGM_OWN_LOCKS_MAX ||
		happened->after->n > PGM_OWN_LOCKS_MAX)
		return;
	for (int i = 0; i < happened->after->n; i++)
	{
		const OwnLock *lock = &happened->after->lock[i];
		LOCKMASK	mask = lock->mask & ~own_mask(happened->before,
												  lock->relid);

		if (mask != 0 && is_surprise(happened, lock->relid))
			append_lock(buf, first,
						quote_qualified_identifier(get_namespace_name(get_rel_namespace(lock->relid)),
												   get_rel_name(lock->relid)),
						strongest(mask));
	}
}

static void
append_locks(StringInfo buf, const PgmHappened *happened)
{
	bool		first = true;

	appendStringInfoString(buf, ", \"locks\": ");
	if (happened->commits)
	{
		appendStringInfoString(buf, "null");
		return;
	}
	appendStringInfoChar(buf, '{');
	for (int i = 0; i < happened->nwatched; i++)
		append_lock(buf, &first, pgm_touch_name(happened->watched[i].touch),
					mode_taken(&happened->watched[i]));
	append_surprises(buf, happened, &first);
	appendStringInfoChar(buf, '}');
}

/* The kind of work that was done, and how much of it. */
static void
append_work(StringInfo buf, const PgmHappened *happened)
{
	PgmWork		work = PGM_WORK_NONE;
	int64		bytes = 0;
	double		weighed = 0;
	bool		rewrote = false;
	bool		scanned = false;

	for (int i = 0; i < happened->nwatched; i++)
	{
		const Watched *watched = &happened->watched[i];
		Oid			filenode = filenode_of(watched->touch->relid);
		PgmTouch	seen = *watched->touch;
		PgmWork		done;
		int64		size;

		if (!has_rows(&seen))
			continue;
		seen.rewrites = OidIsValid(filenode) && filenode != watched->filenode;
		seen.scans = happened->commits ? seen.scans :
			scans_of(seen.relid) > watched->scans;
		rewrote |= seen.rewrites == PGM_TRUE;
		scanned |= seen.scans == PGM_TRUE;
		done = pgm_work_of(happened->verdict, &seen);
		size = done == PGM_WORK_NONE ? 0 :
			done == PGM_WORK_REWRITE ? watched->total_bytes :
			watched->heap_bytes;
		bytes += size;
		weighed += size == 0 ? 0 :
			size * pgm_work_weight(happened->verdict, seen.relid, done);
		work = Max(work, done);
	}
	append_tristate(buf, "rewrites", happened->nwatched > 0, rewrote);
	append_tristate(buf, "scans", happened->nwatched > 0 &&
					!happened->commits, scanned);
	if (happened->verdict->opaque || pgm_depends_on_rows(happened->verdict))
		return;
	appendStringInfo(buf, ", \"work\": \"%s\"", pgm_work_name(work));
	if (bytes > 0)
		appendStringInfo(buf, ", \"bytes\": " INT64_FORMAT, bytes);
	if (bytes > 0 && weighed != bytes)
		appendStringInfo(buf, ", \"weighed_bytes\": %.0f", weighed);
}

static void
keep(PgmHappened *happened, const char *entry)
{
	int			n = happened->verdict->n;
	MemoryContext old = MemoryContextSwitchTo(happened->context);

	/* repeated after an error that was nobody's fault */
	while (happened->numbers != NIL && llast_int(happened->numbers) >= n)
	{
		happened->numbers = list_delete_last(happened->numbers);
		happened->entries = list_delete_last(happened->entries);
	}
	happened->numbers = lappend_int(happened->numbers, n);
	happened->entries = lappend(happened->entries, pstrdup(entry));
	MemoryContextSwitchTo(old);
}

void
pgm_happened_after(PgmHappened *happened, uint64 rows)
{
	double		ms = (pgm_clock_monotonic() - happened->clock) / 1000.0;
	uint64		wal_bytes = pgWalUsage.wal_bytes - happened->wal_bytes;
	MemoryContext old;
	StringInfoData buf;

	if (happened->verdict == NULL)
		return;
	old = MemoryContextSwitchTo(happened->statement);
	if (!happened->commits)
		read_own_locks(happened->after);
	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"statement\": %d, ", happened->verdict->n + 1);
	append_predicted(&buf, happened);
	appendStringInfo(&buf, ", \"happened\": {\"ms\": %.3f", ms);
	append_locks(&buf, happened);
	append_work(&buf, happened);
	appendStringInfo(&buf, ", \"wal_bytes\": " UINT64_FORMAT, wal_bytes);
	if (rows > 0)
		appendStringInfo(&buf, ", \"rows\": " UINT64_FORMAT, rows);
	appendStringInfoString(&buf, "}}");
	keep(happened, buf.data);
	happened->verdict = NULL;
	MemoryContextSwitchTo(old);
}

char *
pgm_happened_details(const PgmHappened *happened)
{
	StringInfoData buf;
	ListCell   *lc;

	if (happened->entries == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(lc, happened->entries)
		appendStringInfo(&buf, "%s%s", buf.len == 0 ? "{\"statements\": [" : ", ",
						 (char *) lfirst(lc));
	appendStringInfoString(&buf, "]}");
	return buf.data;
}
