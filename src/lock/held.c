/*-------------------------------------------------------------------------
 *
 * held.c
 *	  The locks that this backend holds, seen and given back.
 *
 * For trials, whose locks are on relations that nobody else can see: giving
 * them back before the end of the transaction lets others see nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "compat/server.h"
#include "lock/held.h"

static bool
is_of_kind(const LOCKTAG *tag, bool advisory)
{
	return advisory ? tag->locktag_type == LOCKTAG_ADVISORY :
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

HTAB *
pgm_held_read_advisory(void)
{
	return read_held(true);
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
release_lock(const LOCKTAG *tag, LOCKMODE mode, bool of_session)
{
	while (pgm_lock_held_by_me(tag, mode))
	{
		if (!LockRelease(tag, mode, of_session))
			break;
	}
}

static void
release_new(HTAB *before, HTAB *after, bool of_session)
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
				release_lock(&entry->tag, mode, of_session);
	}
}

void
pgm_held_release(HTAB *before, HTAB *after)
{
	release_new(before, after, false);
}

/* One that was held in the same mode before cannot be told from that. */
void
pgm_held_release_advisory(HTAB *before)
{
	HTAB	   *after = read_held(true);

	release_new(before, after, true);
	hash_destroy(after);
}
