/*-------------------------------------------------------------------------
 *
 * pace.c
 *	  When to ask for locks that others have: what is seen of them tells.
 *
 * While a transaction that has been in the way for long stays there, to ask is
 * of no use.  It is another thing when transactions follow each other without
 * a gap, each of them long: somebody is always in the way, and the only good
 * moment is shortly before the present ones end.  So transactions are followed
 * from look to look.  One that was not in the way when we asked last does not
 * keep us from asking again; and those that began and ended before our eyes
 * tell how long their like is going to last.  That has to be waited for, since
 * to ask at the wrong moment is to lose the next good one.
 *
 * Transactions that began together, of clients in step, are likely to end
 * together.  Nobody is delayed by who queues behind them until somebody comes,
 * and that is seen: so they may be waited for in the queue, however long they
 * last.
 *
 * Pure reckoning: nothing here looks at the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "lock/pace.h"

/* Added to what a transaction is expected to last, for what looks miss. */
#define PGM_LIFE_MARGIN_MS 20

/* By how much clients in step may end later than they began, at least. */
#define PGM_STEP_MARGIN_MS 50

/* A good moment is waited for as long as so many times cap, … */
#define PGM_PATIENCE 8

/* … or so many lives: after the present one another one may have to pass */
#define PGM_PATIENCE_LIVES 2

void
pgm_lockpace_begin(PgmLockPace *pace, int64 now)
{
	memset(pace, 0, sizeof(PgmLockPace));
	pace->begin = pace->rested = now;
}

static PgmFollowed *
find_followed(PgmLockPace *pace, const char *transaction)
{
	for (int i = 0; i < pace->n; i++)
		if (strcmp(pace->followed[i].transaction, transaction) == 0)
			return &pace->followed[i];
	return NULL;
}

/* The age of one that we may not know is counted from our first look. */
static PgmFollowed *
follow(PgmLockPace *pace, const PgmBlocker *blocker, int64 now)
{
	PgmFollowed *followed = find_followed(pace, blocker->transaction);

	if (followed == NULL)
	{
		if (pace->n == PGM_FOLLOWED)
			return NULL;
		followed = &pace->followed[pace->n++];
		strlcpy(followed->transaction, blocker->transaction,
				sizeof(followed->transaction));
		followed->started = now - Max(blocker->age, 0) * 1000;
		followed->was_there = false;
		followed->known = blocker->age >= 0;
	}
	followed->present = true;
	followed->age = (now - followed->started) / 1000;
	return followed;
}

/* If all of its life was before our eyes, its length is remembered. */
static void
forget_gone(PgmLockPace *pace)
{
	int			kept = 0;

	for (int i = 0; i < pace->n; i++)
	{
		PgmFollowed *followed = &pace->followed[i];

		if (followed->present)
			pace->followed[kept++] = *followed;
		else if (followed->started >= pace->begin)
			pace->lives[pace->nlives++ % PGM_LIVES] = followed->age +
				PGM_LIFE_MARGIN_MS;
	}
	pace->n = kept;
}

int64
pgm_lockpace_life(const PgmLockPace *pace)
{
	int64		life = 0;

	for (int i = 0; i < Min(pace->nlives, PGM_LIVES); i++)
		life = Max(life, pace->lives[i]);
	return life;
}

/*
 * An autovacuum ends when we ask for it, one against wraparound does not.  One
 * as old as others were when they ended is likely to end, too.
 */
static bool
is_lasting(PgmLockPace *pace, const PgmBlocker *blocker, int cap)
{
	const PgmFollowed *followed = find_followed(pace, blocker->transaction);
	int64		life = pgm_lockpace_life(pace);

	if (followed == NULL || !followed->was_there)
		return false;
	if (blocker->pid == 0 || blocker->wraparound)
		return true;
	if (followed->age <= life && followed->age >= life - cap)
		return false;
	return !blocker->autovacuum && followed->age > cap;
}

void
pgm_lockpace_look(PgmLockPace *pace, List *blockers, int cap, int64 now)
{
	bool		first = !pace->checked;
	ListCell   *lc;

	for (int i = 0; i < pace->n; i++)
		pace->followed[i].present = false;
	foreach(lc, blockers)
	{
		const PgmBlocker *blocker = lfirst(lc);

		if (blocker->holds)
			(void) follow(pace, blocker, now);
	}
	forget_gone(pace);
	if (first)
		pgm_lockpace_meet(pace);
	pace->checked = true;

	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		blocker->lasting = blocker->holds &&
			is_lasting(pace, blocker, cap);
	}
}

void
pgm_lockpace_meet(PgmLockPace *pace)
{
	for (int i = 0; i < pace->n; i++)
		pace->followed[i].was_there = true;
}

void
pgm_lockpace_rested(PgmLockPace *pace, int64 now)
{
	pace->rested = now;
}

/* How much longer are those present going to last, going by the others? */
static int64
expected_rest(const PgmLockPace *pace)
{
	int64		life = pgm_lockpace_life(pace);
	int64		rest = 0;

	for (int i = 0; i < pace->n; i++)
		rest = Max(rest, life - pace->followed[i].age);
	return rest;
}

bool
pgm_lockpace_ready(const PgmLockPace *pace, List *blockers, int cap,
				   int64 now, int *wait)
{
	int64		rest = expected_rest(pace);
	ListCell   *lc;

	foreach(lc, blockers)
		if (((PgmBlocker *) lfirst(lc))->lasting)
		return false;
	if (rest <= cap)
	{
		*wait = Max(*wait, (int) rest);
		return true;
	}
	return now - pace->rested >= INT64CONST(1000) *
		Max(cap * PGM_PATIENCE, pgm_lockpace_life(pace) * PGM_PATIENCE_LIVES);
}

int
pgm_lockpace_in_step(const PgmLockPace *pace, List *blockers, int cap)
{
	int64		first = PG_INT64_MAX;
	int64		last = 0;
	int64		spread;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		const PgmBlocker *blocker = lfirst(lc);

		if (blocker->holds && (blocker->pid == 0 || blocker->autovacuum))
			return 0;
	}
	for (int i = 0; i < pace->n; i++)
	{
		const PgmFollowed *followed = &pace->followed[i];

		if (!followed->present)
			continue;
		if (!followed->known)
			return 0;
		first = Min(first, followed->started);
		last = Max(last, followed->started);
		n++;
	}
	if (n < 2 || n == PGM_FOLLOWED)
		return 0;
	spread = (last - first) / 1000;
	if (spread + PGM_STEP_MARGIN_MS > cap)
		return 0;
	return (int) Min(2 * spread + PGM_STEP_MARGIN_MS, cap);
}
