/*-------------------------------------------------------------------------
 *
 * notifier.c
 *	  The worker that runs pgmigrate.notify_command.
 *
 * A commit that has written events starts one and does not look after it: no
 * run waits for a command, whatever that does.  One of them works at a time,
 * which holds a lock; another one leaves at once, for the first looks again
 * after it has let the lock go, and sees what was committed before.
 *
 * What has failed is tried again after a pause that doubles, and does not keep
 * back what came after it.  A process learns the settings of its database when
 * it begins, so one that has no success starts another in its place: whoever
 * mends the command is heard.  When all have failed often enough the last one
 * leaves; the next event starts another.  Nothing is open while a
 * command runs: no transaction, no snapshot, no lock but the one.
 *
 * Values reach the command on its standard input and in its environment, and
 * never as a part of what the shell reads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/shell_command.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "gate/consumers.h"
#include "gate/notifier.h"
#include "process/detached.h"

/* The longest pause before a command is tried again. */
#define PGM_RETRY_MAX_MS 60000

/* Between two looks for events that need not be tried again. */
#define PGM_NOTIFIER_POLL_MS 200

/* From here on only a new event makes it tried again: ten minutes or so. */
#define PGM_NOTIFIER_TRIES 16

/* Without a success another one takes over, for it has the settings of now. */
#define PGM_NOTIFIER_TURN_MS 3000

static const char *const variables[PGM_DELIVERY_VALUES] = {
	"PGMIGRATE_DATABASE",
	"PGMIGRATE_KIND",
	"PGMIGRATE_TIME",
	"PGMIGRATE_RUN",
	"PGMIGRATE_REVISION",
	"PGMIGRATE_OPERATION",
	"PGMIGRATE_ROLE",
	"PGMIGRATE_STATE",
	"PGMIGRATE_MESSAGE"
};

extern PGDLLEXPORT void pgmigrate_notifier_main(Datum main_arg);

void
pgm_notifier_start(uint64 xid)
{
	if (pgm_notify_command[0] == '\0' || !IsUnderPostmaster)
		return;
	if (!pgm_process_detach("pgmigrate notifier", "pgmigrate_notifier_main",
							xid))
		ereport(LOG,
				errmsg("could not start a background worker to run \"pgmigrate.notify_command\""),
				errdetail("All of the %d worker processes are in use; the next event tries again.",
						  max_worker_processes));
}

/* A lock of the type that no SQL takes, as the one of runs. */
static bool
lock(LOCKTAG *tag)
{
	Oid			schema;

	pgm_txn_begin_own();
	schema = get_namespace_oid("pgmigrate", true);
	pgm_txn_commit_own(false);
	if (!OidIsValid(schema))
		return false;
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, NamespaceRelationId, schema, 0);
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
	return LockAcquire(tag, ExclusiveLock, true, true) !=
		LOCKACQUIRE_NOT_AVAIL;
}

static void
next(PgmDelivery *delivery, int64 after)
{
	pgm_txn_begin_own();
	pgm_consumer_next(delivery, after);
	pgm_txn_commit_own(false);
}

/* A zero byte cannot be in a text of the server. */
static char **
environment(const PgmDelivery *delivery)
{
	char	  **env = palloc0(sizeof(char *) * (PGM_DELIVERY_VALUES + 2));

	for (int i = 0; i < PGM_DELIVERY_VALUES; i++)
		env[i] = psprintf("%s=%s", variables[i],
						  delivery->env[i] ? delivery->env[i] : "");
	env[PGM_DELIVERY_VALUES] = psprintf("PGMIGRATE_EVENT=" INT64_FORMAT,
										delivery->event);
	return env;
}

static void
acknowledge(int64 event)
{
	Datum		id = Int64GetDatum(event);

	pgm_txn_begin_own();
	(void) pgm_consumer_acknowledge(PGM_COMMAND_CONSUMER,
									DatumGetArrayTypeP(pgm_array_datum(INT8OID, 1, &id)));
	pgm_txn_commit_own(false);
}

static void
note_failure(const PgmDelivery *delivery, const char *error)
{
	int64		pause = pgm_notify_retry;

	for (int i = 0; i < delivery->tries && pause < PGM_RETRY_MAX_MS; i++)
		pause *= 2;
	pause = Min(pause, PGM_RETRY_MAX_MS);
	ereport(LOG,
			errmsg("\"pgmigrate.notify_command\" failed for event " INT64_FORMAT ": %s",
				   delivery->event, error),
			errdetail("It is tried again in %lld ms.", (long long) pause));
	pgm_txn_begin_own();
	pgm_consumer_failed(delivery, error, pause);
	pgm_txn_commit_own(false);
}

static bool
deliver(const PgmDelivery *delivery)
{
	char	   *error;

	pgstat_report_activity(STATE_RUNNING, "pgmigrate.notify_command");
	error = pgm_shell_run(pgm_notify_command, environment(delivery),
						  psprintf("%s\n", delivery->json),
						  pgm_notify_timeout);
	pgstat_report_activity(STATE_IDLE, NULL);
	if (error != NULL)
		note_failure(delivery, error);
	else
		acknowledge(delivery->event);
	return error == NULL;
}

static void
reload(void)
{
	CHECK_FOR_INTERRUPTS();
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

typedef enum Outcome
{
	OUTCOME_DONE,				/* nothing is left */
	OUTCOME_TURN,				/* another one is to go on */
	OUTCOME_LEAVE
} Outcome;

/* While the lock is held. */
static Outcome
deliver_all(MemoryContext context)
{
	int64		begun = pgm_clock_monotonic();
	int64		after = 0;
	PgmDelivery delivery;

	for (;;)
	{
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		reload();
		if (pgm_notify_command[0] == '\0')
			return OUTCOME_LEAVE;
		next(&delivery, after);
		if (!delivery.pending)
			return OUTCOME_DONE;
		if (delivery.event == 0 && delivery.tries >= PGM_NOTIFIER_TRIES)
			return OUTCOME_LEAVE;
		if (delivery.tries == 0)
			after = delivery.event;
		if (delivery.event == 0)
			pgm_clock_wait(PGM_NOTIFIER_POLL_MS);
		else if (deliver(&delivery))
			begun = pgm_clock_monotonic();
		if ((pgm_clock_monotonic() - begun) / 1000 > PGM_NOTIFIER_TURN_MS)
			return OUTCOME_TURN;
	}
}

static bool
any_left(void)
{
	PgmDelivery delivery;

	next(&delivery, 0);
	return delivery.pending;
}

void
pgmigrate_notifier_main(Datum main_arg)
{
	uint64		xid = pgm_process_connect_detached();
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate notifier",
												  ALLOCSET_DEFAULT_SIZES);
	LOCKTAG		tag;
	Outcome		outcome = OUTCOME_DONE;

	MemoryContextSwitchTo(context);
	while (outcome == OUTCOME_DONE && pgm_notify_command[0] != '\0' &&
		   lock(&tag))
	{
		pgm_txn_begin_own();
		pgm_consumer_begin_command(xid);
		pgm_txn_commit_own(false);
		outcome = deliver_all(context);
		LockRelease(&tag, ExclusiveLock, true);
		if (outcome == OUTCOME_DONE && !any_left())
			break;
	}
	if (outcome == OUTCOME_TURN)
		pgm_notifier_start(xid);
	pgstat_report_activity(STATE_IDLE, NULL);
}
