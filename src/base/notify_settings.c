/*-------------------------------------------------------------------------
 *
 * notify_settings.c
 *	  Settings of notifications.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "base/settings.h"

int			pgm_event_keep = 30 * 24 * 60 * 60;
int			pgm_event_limit = 100000;
int			pgm_lock_wait_event = 10 * 1000;
char	   *pgm_notify_channel = NULL;
char	   *pgm_notify_command = NULL;
int			pgm_notify_retry = 1000;
int			pgm_notify_timeout = 10 * 1000;

/* A name that is too long would fail at the commit of a run. */
static bool
check_channel(char **value, void **extra, GucSource source)
{
	if (strlen(*value) < NAMEDATALEN)
		return true;
	GUC_check_errdetail("The name of a channel has at most %d bytes.",
						NAMEDATALEN - 1);
	return false;
}

static void
define_outbox_settings(void)
{
	DefineCustomIntVariable("pgmigrate.event_keep",
							"Time after which an event is forgotten, acknowledged or not.",
							NULL,
							&pgm_event_keep,
							30 * 24 * 60 * 60, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.event_limit",
							"Number of events that are kept, acknowledged or not.",
							NULL,
							&pgm_event_limit,
							100000, 100, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.lock_wait_event",
							"Time that a run waits for a lock before it is an event.",
							NULL,
							&pgm_lock_wait_event,
							10 * 1000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}

void
pgm_notify_guc_init(void)
{
	define_outbox_settings();

	DefineCustomStringVariable("pgmigrate.notify_channel",
							   "Channel of NOTIFY on which events are told; empty is none.",
							   NULL,
							   &pgm_notify_channel,
							   "pgmigrate",
							   PGC_USERSET, 0,
							   check_channel, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.notify_command",
							   "Shell command that is run for each event, with the event on its standard input.",
							   "A background worker runs it as the server's user of the operating system, with the value of the server or of the database.",
							   &pgm_notify_command,
							   "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.notify_retry",
							"Pause before a command that has failed is run again; it doubles each time.",
							NULL,
							&pgm_notify_retry,
							1000, 10, 60 * 1000,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.notify_timeout",
							"Time after which the command is killed.",
							NULL,
							&pgm_notify_timeout,
							10 * 1000, 10, 10 * 60 * 1000,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}
