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
	const PgmEffect *effect;
	LOCKMASK	mask;			/* our locks on it */
	Oid			filenode;
	int64		scans;
	int64		heap_bytes;
	int64		total_bytes;
} Watched;

struct PgmObserved
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

PgmObserved *
pgm_observed_create(void)
{
	PgmObserved *observed = palloc0(sizeof(PgmObserved));

	observed->context = AllocSetContextCreate(CurrentMemoryContext,
											  "pgmigrate observed",
											  ALLOCSET_SMALL_SIZES);
	observed->statement = AllocSetContextCreate(CurrentMemoryContext,
												"pgmigrate observed statement",
												ALLOCSET_SMALL_SIZES);
	observed->any_assessed = PGM_UNSET;
	observed->before = palloc(sizeof(OwnLocks));
	observed->after = palloc(sizeof(OwnLocks));
	return observed;
}

void
pgm_observed_begin(PgmObserved *observed)
{
	if (observed->entries != NIL)
		MemoryContextReset(observed->context);
	observed->entries = NIL;
	observed->numbers = NIL;
	observed->verdict = NULL;
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
has_rows(const PgmEffect *effect)
{
	return effect->relkind == RELKIND_RELATION ||
		effect->relkind == RELKIND_MATVIEW;
}

static int64
scans_of(Oid relid)
{
	return DatumGetInt64(DirectFunctionCall1(pg_stat_get_xact_numscans,
											 ObjectIdGetDatum(relid)));
}

static void
watch(PgmObserved *observed, const PgmEffect *effect)
{
	Watched    *watched = &observed->watched[observed->nwatched++];

	watched->effect = effect;
	watched->mask = held_on(effect->relid);
	watched->filenode = filenode_of(effect->relid);
	if (!has_rows(effect))
		return;
	watched->scans = scans_of(effect->relid);
	watched->heap_bytes = pgm_heap_bytes(effect->relid);
	watched->total_bytes = watched->heap_bytes < PGM_WORTH_BYTES ?
		watched->heap_bytes : pgm_total_bytes(effect->relid);
}

static bool
is_watched(const PgmEffect *effect)
{
	return OidIsValid(effect->relid) && !effect->created_here &&
		effect->relid >= FirstNormalObjectId && !is_new(effect->relid);
}

/* Only where it matters, since the rates have to be read for it. */
static double
predict_ms(PgmObserved *observed)
{
	bool		matters = false;

	for (int i = 0; i < observed->nwatched; i++)
		matters |= observed->watched[i].heap_bytes >= PGM_WORTH_BYTES &&
			pgm_work_of(observed->verdict, observed->watched[i].effect) !=
			PGM_WORK_NONE;
	if (!matters)
		return -1;
	if (observed->rates == NULL)
	{
		observed->rates =
			MemoryContextAlloc(GetMemoryChunkContext(observed),
							   sizeof(PgmRates));
		pgm_rates_load(observed->rates);
	}
	return pgm_estimate_statement(observed->rates, observed->verdict);
}

void
pgm_observed_revision(PgmObserved *observed, const char *digest)
{
	observed->digest = digest;
}

/* An assessment knows more than the text. */
static void
recall(PgmObserved *observed)
{
	if (observed->digest == NULL)
		return;
	if (observed->any_assessed == PGM_UNSET)
		observed->any_assessed = pgm_prediction_any() ? PGM_TRUE : PGM_FALSE;
	if (observed->any_assessed == PGM_TRUE)
		(void) pgm_prediction_recall(observed->digest, observed->verdict);
}

void
pgm_observed_before(PgmObserved *observed, const PgmSource *source, int n,
					bool commits)
{
	MemoryContext old;
	PgmClassifier classifier = {0};
	ListCell   *lc;

	observed->verdict = NULL;
	if (!is_worth_watching(source->statements[n].raw->stmt))
		return;

	MemoryContextReset(observed->statement);
	old = MemoryContextSwitchTo(observed->statement);
	observed->verdict = pgm_classify(&classifier, source, n);
	recall(observed);
	observed->commits = commits;
	observed->nwatched = 0;
	observed->watched = palloc0(sizeof(Watched) * PGM_WATCHED_MAX);
	foreach(lc, observed->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (is_watched(effect) && observed->nwatched < PGM_WATCHED_MAX)
			watch(observed, effect);
	}
	if (observed->nwatched == 0 && !observed->verdict->opaque)
		observed->verdict = NULL;
	else
	{
		observed->predicted_ms = predict_ms(observed);
		if (!commits)
			read_own_locks(observed->before);
		observed->wal_bytes = pgWalUsage.wal_bytes;
		observed->clock = pgm_clock_monotonic();
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
append_predicted(StringInfo buf, const PgmObserved *observed)
{
	const PgmVerdict *verdict = observed->verdict;
	bool		first = true;

	appendStringInfo(buf, "\"predicted\": {\"source\": \"%s\", \"locks\": ",
					 verdict->tried ? "assessment" : "text");
	if (verdict->opaque)
		appendStringInfoString(buf, "null");
	else
	{
		appendStringInfoChar(buf, '{');
		for (int i = 0; i < observed->nwatched; i++)
		{
			const PgmEffect *effect = observed->watched[i].effect;

			append_lock(buf, &first, pgm_effect_name(effect), effect->mode);
		}
		appendStringInfoChar(buf, '}');
	}
	append_tristate(buf, "rewrites", pgm_rewrite_is_known(verdict),
					verdict->rewrites == PGM_TRUE);
	append_tristate(buf, "scans", pgm_scan_is_known(verdict),
					verdict->scans == PGM_TRUE);
	if (observed->predicted_ms >= 0)
		appendStringInfo(buf, ", \"ms\": %.1f", observed->predicted_ms);
	appendStringInfoChar(buf, '}');
}

/*
 * What the statement took, as far as that can be told: the prediction, if it
 * was held before or if nothing but what was held before can have been taken.
 */
static LOCKMODE
mode_taken(const Watched *watched)
{
	LOCKMODE	predicted = watched->effect->mode;
	LOCKMODE	taken = strongest(held_on(watched->effect->relid) &
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
is_surprise(const PgmObserved *observed, Oid relid)
{
	PgmEffect  *effect = pgm_verdict_find(observed->verdict, relid);

	if (effect != NULL || is_new(relid))
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
append_surprises(StringInfo buf, const PgmObserved *observed, bool *first)
{
	if (observed->before->n > PGM_OWN_LOCKS_MAX ||
		observed->after->n > PGM_OWN_LOCKS_MAX)
		return;
	for (int i = 0; i < observed->after->n; i++)
	{
		const OwnLock *lock = &observed->after->lock[i];
		LOCKMASK	mask = lock->mask & ~own_mask(observed->before,
												  lock->relid);

		if (mask != 0 && is_surprise(observed, lock->relid))
			append_lock(buf, first,
						quote_qualified_identifier(get_namespace_name(get_rel_namespace(lock->relid)),
												   get_rel_name(lock->relid)),
						strongest(mask));
	}
}

static void
append_locks(StringInfo buf, const PgmObserved *observed)
{
	bool		first = true;

	appendStringInfoString(buf, ", \"locks\": ");
	if (observed->commits)
	{
		appendStringInfoString(buf, "null");
		return;
	}
	appendStringInfoChar(buf, '{');
	for (int i = 0; i < observed->nwatched; i++)
		append_lock(buf, &first, pgm_effect_name(observed->watched[i].effect),
					mode_taken(&observed->watched[i]));
	append_surprises(buf, observed, &first);
	appendStringInfoChar(buf, '}');
}

/* The kind of work that was done, and how much of it. */
static void
append_work(StringInfo buf, const PgmObserved *observed)
{
	PgmWork		work = PGM_WORK_NONE;
	int64		bytes = 0;
	double		weighed = 0;
	bool		rewrote = false;
	bool		scanned = false;

	for (int i = 0; i < observed->nwatched; i++)
	{
		const Watched *watched = &observed->watched[i];
		Oid			filenode = filenode_of(watched->effect->relid);
		PgmEffect	seen = *watched->effect;
		PgmWork		done;
		int64		size;

		if (!has_rows(&seen))
			continue;
		seen.rewrites = OidIsValid(filenode) && filenode != watched->filenode;
		seen.scans = observed->commits ? seen.scans :
			scans_of(seen.relid) > watched->scans;
		rewrote |= seen.rewrites == PGM_TRUE;
		scanned |= seen.scans == PGM_TRUE;
		done = pgm_work_of(observed->verdict, &seen);
		size = done == PGM_WORK_NONE ? 0 :
			done == PGM_WORK_REWRITE ? watched->total_bytes :
			watched->heap_bytes;
		bytes += size;
		weighed += size == 0 ? 0 :
			size * pgm_work_weight(observed->verdict, seen.relid, done);
		work = Max(work, done);
	}
	append_tristate(buf, "rewrites", observed->nwatched > 0, rewrote);
	append_tristate(buf, "scans", observed->nwatched > 0 &&
					!observed->commits, scanned);
	if (observed->verdict->opaque || pgm_depends_on_rows(observed->verdict))
		return;
	appendStringInfo(buf, ", \"work\": \"%s\"", pgm_work_name(work));
	if (bytes > 0)
		appendStringInfo(buf, ", \"bytes\": " INT64_FORMAT, bytes);
	if (bytes > 0 && weighed != bytes)
		appendStringInfo(buf, ", \"weighed_bytes\": %.0f", weighed);
}

static void
keep(PgmObserved *observed, const char *entry)
{
	int			n = observed->verdict->n;
	MemoryContext old = MemoryContextSwitchTo(observed->context);

	/* repeated after an error that was nobody's fault */
	while (observed->numbers != NIL && llast_int(observed->numbers) >= n)
	{
		observed->numbers = list_delete_last(observed->numbers);
		observed->entries = list_delete_last(observed->entries);
	}
	observed->numbers = lappend_int(observed->numbers, n);
	observed->entries = lappend(observed->entries, pstrdup(entry));
	MemoryContextSwitchTo(old);
}

void
pgm_observed_after(PgmObserved *observed, uint64 rows)
{
	double		ms = (pgm_clock_monotonic() - observed->clock) / 1000.0;
	uint64		wal_bytes = pgWalUsage.wal_bytes - observed->wal_bytes;
	MemoryContext old;
	StringInfoData buf;

	if (observed->verdict == NULL)
		return;
	old = MemoryContextSwitchTo(observed->statement);
	if (!observed->commits)
		read_own_locks(observed->after);
	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"statement\": %d, ", observed->verdict->n + 1);
	append_predicted(&buf, observed);
	appendStringInfo(&buf, ", \"happened\": {\"ms\": %.3f", ms);
	append_locks(&buf, observed);
	append_work(&buf, observed);
	appendStringInfo(&buf, ", \"wal_bytes\": " UINT64_FORMAT, wal_bytes);
	if (rows > 0)
		appendStringInfo(&buf, ", \"rows\": " UINT64_FORMAT, rows);
	appendStringInfoString(&buf, "}}");
	keep(observed, buf.data);
	observed->verdict = NULL;
	MemoryContextSwitchTo(old);
}

char *
pgm_observed_details(const PgmObserved *observed)
{
	StringInfoData buf;
	ListCell   *lc;

	if (observed->entries == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(lc, observed->entries)
		appendStringInfo(&buf, "%s%s", buf.len == 0 ? "{\"statements\": [" : ", ",
						 (char *) lfirst(lc));
	appendStringInfoString(&buf, "]}");
	return buf.data;
}
