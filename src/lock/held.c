/*-------------------------------------------------------------------------
 *
 * held.c
 *	  The locks that this backend holds, seen and given back.
 *
 * For trials, whose locks are on relations that nobody else can see: giving
 * them back before the end of the transaction lets others see nothing.
 *
 * The advisory locks of the session are another matter: any query can take and
 * release them, and none is to that we run unasked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "compat/lock.h"
#include "compat/server.h"
#include "lock/held.h"

/* The run lock is one that pg_advisory_unlock_all() releases, too. */
static bool
is_of_kind(const LOCKTAG *tag, bool advisory)
{
	return advisory ? tag->locktag_lockmethodid == USER_LOCKMETHOD :
		tag->locktag_type == LOCKTAG_RELATION ||
		tag->locktag_type == LOCKTAG_OBJECT;
}

static HTAB *
read_held(bool advisory)
{
	LockData   *data = GetLockStatusData();
	HASHCTL		control = {0};
	HTAB	   *held;

	control.keysize = sizeof(LOCKTAG);
	control.entrysize = sizeof(PgmHeld);
	control.hcxt = CurrentMemoryContext;
	held = hash_create("pgmigrate locks", 64, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < data->nelements; i++)
	{
		LockInstanceData *instance = &data->locks[i];
		PgmHeld    *entry;
		bool		found;

		if (instance->pid != MyProcPid || instance->holdMask == 0 ||
			!is_of_kind(&instance->locktag, advisory))
			continue;
		entry = hash_search(held, &instance->locktag, HASH_ENTER, &found);
		entry->mask = (found ? entry->mask : 0) | instance->holdMask;
	}
	return held;
}

HTAB *
pgm_held_read(void)
{
	return read_held(false);
}

LOCKMASK
pgm_held_new_modes(HTAB *before, const PgmHeld *entry)
{
	PgmHeld    *old = hash_search(before, &entry->tag, HASH_FIND, NULL);

	return entry->mask & ~(old == NULL ? 0 : old->mask);
}

LOCKMODE
pgm_held_strongest(LOCKMASK mask)
{
	for (int mode = AccessExclusiveLock; mode > NoLock; mode--)
		if (mask & LOCKBIT_ON(mode))
			return mode;
	return NoLock;
}

/*
 * nextval() locks its sequence once for the whole transaction, and remembers
 * that in the session; it would not ask again for a lock that was given back.
 */
static bool
is_remembered(const LOCKTAG *tag, LOCKMODE mode)
{
	return tag->locktag_type == LOCKTAG_RELATION &&
		mode == RowExclusiveLock &&
		get_rel_relkind(tag->locktag_field2) == RELKIND_SEQUENCE;
}

static void
release_lock(const LOCKTAG *tag, LOCKMODE mode)
{
	while (pgm_lock_held_by_me(tag, mode))
	{
		if (!LockRelease(tag, mode, false))
			break;
	}
}

void
pgm_held_release(HTAB *before, HTAB *after)
{
	HASH_SEQ_STATUS seq;
	PgmHeld    *entry;

	hash_seq_init(&seq, after);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		LOCKMASK	mask = pgm_held_new_modes(before, entry);

		for (int mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
			if ((mask & LOCKBIT_ON(mode)) != 0 &&
				!is_remembered(&entry->tag, mode))
				release_lock(&entry->tag, mode);
	}
}

/* How often the session has an advisory lock, apart from transactions. */
typedef struct SessionLock
{
	LOCKTAG		tag;
	LOCKMODE	mode;
	int64		n;
} SessionLock;

struct PgmSetAside
{
	ResourceOwner owner;		/* has each of them meanwhile */
	List	   *locks;			/* of SessionLock */
};

static int64
session_holds(const LOCALLOCK *local)
{
	for (int i = 0; i < local->numLockOwners; i++)
		if (local->lockOwners[i].owner == NULL)
			return local->lockOwners[i].nLocks;
	return 0;
}

PgmSetAside *
pgm_held_set_aside(void)
{
	PgmSetAside *aside = palloc(sizeof(PgmSetAside));
	HTAB	   *held = read_held(true);
	HASH_SEQ_STATUS seq;
	PgmHeld    *entry;

	aside->owner = CurrentResourceOwner;
	aside->locks = NIL;
	hash_seq_init(&seq, held);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		for (int mode = AccessShareLock; mode <= AccessExclusiveLock; mode++)
		{
			SessionLock *lock;
			LOCALLOCK  *local;

			if ((entry->mask & LOCKBIT_ON(mode)) == 0)
				continue;
			lock = palloc(sizeof(SessionLock));
			lock->tag = entry->tag;
			lock->mode = mode;
			aside->locks = lappend(aside->locks, lock);
			(void) pgm_lock_acquire_local(&lock->tag, mode, false, &local);
			lock->n = session_holds(local);
		}
	}
	hash_destroy(held);
	LockReleaseSession(USER_LOCKMETHOD);
	return aside;
}

/* Nothing here waits: the resource owner has each of them. */
void
pgm_held_give_back(PgmSetAside *aside)
{
	ResourceOwner owner = CurrentResourceOwner;
	ListCell   *lc;

	LockReleaseSession(USER_LOCKMETHOD);
	CurrentResourceOwner = aside->owner;
	foreach(lc, aside->locks)
	{
		SessionLock *lock = lfirst(lc);

		for (int64 i = 0; i < lock->n; i++)
			(void) LockAcquire(&lock->tag, lock->mode, true, true);
		LockRelease(&lock->tag, lock->mode, false);
	}
	CurrentResourceOwner = owner;
	list_free_deep(aside->locks);
	pfree(aside);
}
