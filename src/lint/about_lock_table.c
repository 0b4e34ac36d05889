/*-------------------------------------------------------------------------
 *
 * about_lock_table.c
 *	  Is there room for the locks of a transaction?
 *
 * The lock table is in shared memory and has a fixed size: a change of a
 * thousand partitions with their indexes can fill it, and then not only this
 * transaction fails but whoever needs a lock at that moment.
 *
 * What is told is a lower bound: tables that are rewritten, their TOAST tables
 * and their new indexes are locked too.  So half of the room is the limit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "lint/internal.h"

/* As the server sizes its lock table. */
static int
room(void)
{
	return max_locks_per_xact * (MaxBackends + max_prepared_xacts);
}

/* Relations that this statement locks and none before it in its revision. */
static int
new_locks(const PgmLint *lint)
{
	HTAB	   *held = lint->past->held;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->mode == NoLock || !OidIsValid(effect->relid))
			continue;
		if (held == NULL ||
			hash_search(held, &effect->relid, HASH_FIND, NULL) == NULL)
			n++;
		if (effect->rewrites == PGM_TRUE)
			n++;
	}
	n += lint->verdict->nobjects;
	return IsA(lint->stmt, CreateStmt) ? n + 1 : n;
}

void
pgm_lint_room(PgmLint *lint)
{
	int			before = lint->judged->source->top_level ? 0 :
		lint->past->nlocks;
	int			n = before + new_locks(lint);
	PgmFinding *finding;

	if (n <= room() / 2 || before > room() / 2)
		return;
	finding = pgm_lint_find(lint->judged, "many-locks", lint->effect,
							psprintf("the transaction locks %d relations and other objects by then, and there is room for %d in the lock table of the server",
									 n, room()),
							psprintf("Raise \"max_locks_per_transaction\", which is %d, before that: it takes a restart.  Or spread the work over several revisions.",
									 max_locks_per_xact));

	/* others hold locks too: it does not get through */
	if (n > room())
		finding->level = PGM_LEVEL_DANGER;
}

void
pgm_lint_room_remember(PgmLint *lint)
{
	PgmLintPast *past = lint->past;
	ListCell   *lc;

	if (lint->judged->source->top_level)
		return;
	past->nlocks += new_locks(lint);
	if (past->held == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Oid);
		control.hcxt = CurrentMemoryContext;
		past->held = hash_create("pgmigrate held locks", 64, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->mode != NoLock && OidIsValid(effect->relid))
			(void) hash_search(past->held, &effect->relid, HASH_ENTER, NULL);
	}
}
