/*-------------------------------------------------------------------------
 *
 * test_pace.c
 *	  When to ask for locks: sessions and a clock that are made up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lock/pace.h"
#include "unit.h"

#define CAP 200
#define MS INT64CONST(1000)

/* A list without the server's memory. */
typedef struct Blockers
{
	List		list;
	ListCell	cells[8];
	PgmBlocker	blockers[8];
	char		names[8][PGM_TRANSACTION_LEN];
} Blockers;

static void
clear(Blockers *blockers)
{
	memset(blockers, 0, sizeof(Blockers));
	blockers->list.type = T_List;
	blockers->list.elements = blockers->cells;
	blockers->list.max_length = 8;
}

static PgmBlocker *
add(Blockers *blockers, const char *transaction, int64 age)
{
	int			n = blockers->list.length++;
	PgmBlocker *blocker = &blockers->blockers[n];

	strlcpy(blockers->names[n], transaction, PGM_TRANSACTION_LEN);
	blocker->transaction = blockers->names[n];
	blocker->pid = 100 + n;
	blocker->holds = true;
	blocker->age = age;
	blockers->cells[n].ptr_value = blocker;
	return blocker;
}

/* One session holds the lock at each look, one with this name and age. */
static bool
look(PgmLockPace *pace, const char *transaction, int64 age, int64 now,
	 int *wait)
{
	Blockers	blockers;

	clear(&blockers);
	if (transaction != NULL)
		add(&blockers, transaction, age);
	pgm_lockpace_look(pace, &blockers.list, CAP, now);
	return pgm_lockpace_ready(pace, &blockers.list, CAP, now, wait);
}

static void
check(bool passed, const char *name)
{
	unit_check(passed, false, "pace: %s", name);
}

/* How far apart began those with these ages?  A negative one is not known. */
static int
in_step(int64 first, int64 second, bool autovacuum)
{
	PgmLockPace pace;
	Blockers	blockers;
	int64		now = 10000 * MS;

	clear(&blockers);
	add(&blockers, "3/1", first);
	if (second != 0)
		add(&blockers, "4/1", second)->autovacuum = autovacuum;
	pgm_lockpace_begin(&pace, now);
	pgm_lockpace_look(&pace, &blockers.list, CAP, now);
	return pgm_lockpace_in_step(&pace, &blockers.list, CAP);
}

static void
test_in_step(void)
{
	check(in_step(2900, 2870, false) == 110,
		  "clients in step may end further apart than they began");
	check(in_step(2900, 2800, false) == CAP, "but not by more than the limit");
	check(in_step(2900, 2900 - CAP, false) == 0,
		  "beyond it they are not in step");
	check(in_step(2900, 0, false) == 0, "one alone is with nobody");
	check(in_step(2900, -1, false) == 0, "nor is one of unknown age");
	check(in_step(2900, 2850, true) == 0, "nor is an autovacuum");
}

/* A report that was there when we came is not asked to leave. */
static void
test_old_holder(void)
{
	PgmLockPace pace;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	check(!look(&pace, "3/1", 5000, now, &wait), "an old holder is not asked");
	check(!look(&pace, "3/1", 65000, now + 60000 * MS, &wait),
		  "however long that is");
	check(look(&pace, NULL, 0, now + 60040 * MS, &wait),
		  "when it is gone it is time");
	check(wait == 25, "by the ladder's own step");
	check(pgm_lockpace_life(&pace) == 0,
		  "what began before us tells nothing of those to come");
}

/* One that is young is asked, until it grows old before our eyes. */
static void
test_young_holder(void)
{
	PgmLockPace pace;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	check(look(&pace, "3/1", 10, now, &wait), "a young holder is asked");
	check(look(&pace, "3/1", CAP, now + (CAP - 10) * MS, &wait),
		  "as long as it is within the limit");
	check(!look(&pace, "3/1", CAP + 1, now + (CAP - 9) * MS, &wait),
		  "not beyond it");
}

/* Transactions of 150 ms, one after the other: queue until the end of one. */
static void
test_short_train(void)
{
	PgmLockPace pace;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	look(&pace, "3/1", 100, now, &wait);
	look(&pace, "3/2", 10, now + 60 * MS, &wait);
	look(&pace, "3/2", 150, now + 200 * MS, &wait);
	check(look(&pace, "3/3", 20, now + 230 * MS, &wait),
		  "one that began and ended tells how long the next one lasts");
	check(pgm_lockpace_life(&pace) == 170, "its length and a margin");
	check(wait == 150, "and so does for how long to queue");
}

/* Transactions of 3 s, one after the other, each of them beyond the limit. */
static void
test_long_train(void)
{
	PgmLockPace pace;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	look(&pace, "3/1", 2900, now, &wait);
	look(&pace, "3/2", 10, now + 110 * MS, &wait);
	look(&pace, "3/2", 2990, now + 3090 * MS, &wait);
	pgm_lockpace_rested(&pace, now + 3100 * MS);
	check(!look(&pace, "3/3", 10, now + 3110 * MS, &wait),
		  "with its end far away it is not asked");
	pgm_lockpace_rested(&pace, now + 5900 * MS);
	check(look(&pace, "3/3", 2900, now + 6000 * MS, &wait),
		  "shortly before its end it is");
	check(wait >= 110 && wait <= CAP, "for as long as that may take");
	check(pgm_lockpace_life(&pace) == 3010,
		  "the limit that would do is known");
}

/* To ask at the wrong moment does not cost the good ones after it. */
static void
test_long_train_asked(void)
{
	PgmLockPace pace;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	look(&pace, "3/1", 2900, now, &wait);
	check(look(&pace, "3/2", 10, now + 110 * MS, &wait),
		  "the first of an unknown length is asked");
	pgm_lockpace_meet(&pace);
	pgm_lockpace_rested(&pace, now + 300 * MS);
	check(!look(&pace, "3/2", 2990, now + 3090 * MS, &wait),
		  "it lasts, being met");
	check(!look(&pace, "3/3", 10, now + 3110 * MS, &wait),
		  "the next one is not asked when it begins, however long we waited");
	check(!look(&pace, "3/3", 2600, now + 5700 * MS, &wait),
		  "nor too early");
	check(look(&pace, "3/3", 2900, now + 6000 * MS, &wait),
		  "but shortly before its end");
	pgm_lockpace_meet(&pace);
	pgm_lockpace_rested(&pace, now + 6020 * MS);
	check(!look(&pace, "3/4", 10, now + 6120 * MS, &wait) &&
		  !look(&pace, "3/4", 1000, now + 7110 * MS, &wait),
		  "the one after that neither");
	pgm_lockpace_meet(&pace);
	check(!look(&pace, "3/4", 2600, now + 8710 * MS, &wait),
		  "nor if it was met");
	check(look(&pace, "3/4", 2900, now + 9010 * MS, &wait),
		  "but shortly before its end, even so");
	check(!look(&pace, "3/4", 3100, now + 9210 * MS, &wait),
		  "and not after that");
}

/* No good moment comes: ask all the same, some time after a rest. */
static void
test_patience(void)
{
	PgmLockPace pace;
	Blockers	blockers;
	int			wait = 25;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	look(&pace, "3/1", 10, now + 10 * MS, &wait);
	look(&pace, "3/1", 890, now + 890 * MS, &wait);
	pgm_lockpace_rested(&pace, now + 900 * MS);

	/* one goes, one comes, at each look another one is there, too */
	clear(&blockers);
	add(&blockers, "4/1", 10);
	add(&blockers, "5/1", 20);
	pgm_lockpace_look(&pace, &blockers.list, CAP, now + 940 * MS);
	check(!pgm_lockpace_ready(&pace, &blockers.list, CAP, now + 940 * MS,
							  &wait), "a good moment is waited for");
	check(!pgm_lockpace_ready(&pace, &blockers.list, CAP,
							  now + (900 + 2 * 910 - 1) * MS, &wait),
		  "with patience");
	check(pgm_lockpace_ready(&pace, &blockers.list, CAP,
							 now + (900 + 2 * 910) * MS, &wait),
		  "which has an end");
}

/* Kinds of holders. */
static void
test_kinds(void)
{
	PgmLockPace pace;
	Blockers	blockers;
	int64		now = 1000 * MS;

	pgm_lockpace_begin(&pace, now);
	clear(&blockers);
	add(&blockers, "3/1", 900);
	add(&blockers, "4/1", 900)->autovacuum = true;
	add(&blockers, "5/1", 5)->wraparound = true;
	add(&blockers, "6/1", 5)->pid = 0;
	add(&blockers, "7/1", 900)->holds = false;
	pgm_lockpace_look(&pace, &blockers.list, CAP, now);
	check(blockers.blockers[0].lasting, "an old session lasts");
	check(!blockers.blockers[1].lasting, "an autovacuum goes when asked");
	check(blockers.blockers[2].lasting, "not one against wraparound");
	check(blockers.blockers[3].lasting, "a prepared transaction lasts");
	check(!blockers.blockers[4].lasting, "who waits himself does not");

	/* who came after we asked last is no reason not to ask again */
	clear(&blockers);
	add(&blockers, "8/1", 5000);
	pgm_lockpace_look(&pace, &blockers.list, CAP, now + 10 * MS);
	check(!blockers.blockers[0].lasting, "a new one is asked once");
	pgm_lockpace_meet(&pace);
	pgm_lockpace_look(&pace, &blockers.list, CAP, now + 20 * MS);
	check(blockers.blockers[0].lasting, "and not again when it was met");
}

void
test_pace(void)
{
	test_in_step();
	test_old_holder();
	test_young_holder();
	test_short_train();
	test_long_train();
	test_long_train_asked();
	test_patience();
	test_kinds();
}
