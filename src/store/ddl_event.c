/*-------------------------------------------------------------------------
 *
 * ddl_event.c
 *	  Who changed the schema outside of revisions.
 *
 * The event triggers are there from the beginning, disabled, so that they are
 * part of the extension and no drift themselves.  Whoever does DDL must not
 * suffer from them: whatever fails is rolled back by itself, all but a cancel.
 * Whoever does DDL all the time does not fill the disk either, nor push out
 * what is written of others: of each session's role the newest are kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/spi.h"
#include "store/ddl_event.h"

#define EVENT_INTO \
	"INSERT INTO pgmigrate.ddl_event (session_role, role, session_role_oid, " \
	"role_oid, application, command, kind, object) " \
	"SELECT pg_get_userbyid($1), pg_get_userbyid($2), $1, $2, $3, $4, e.object_type, " \
	"e.object_identity "
#define EVENT_IS_OF_USER \
	"(e.schema_name IS NULL OR e.schema_name !~ '^(pg_temp|pg_toast|pgmigrate$)')"

static PgmQuery changed_query = {
	EVENT_INTO "FROM pg_event_trigger_ddl_commands() AS e "
	"WHERE NOT e.in_extension AND " EVENT_IS_OF_USER,
	4, {OIDOID, OIDOID, TEXTOID, TEXTOID}
};

/* Not what goes with something else. */
static PgmQuery dropped_query = {
	EVENT_INTO "FROM pg_event_trigger_dropped_objects() AS e "
	"WHERE e.original AND NOT e.is_temporary AND " EVENT_IS_OF_USER,
	4, {OIDOID, OIDOID, TEXTOID, TEXTOID}
};

/* Rows that another session is about to delete are left to it. */
static PgmQuery prune_query = {
	"DELETE FROM pgmigrate.ddl_event WHERE id = ANY (ARRAY("
	"SELECT d.id FROM pgmigrate.ddl_event d "
	"WHERE d.session_role_oid = $1 AND d.id <= "
	"(SELECT n.id FROM pgmigrate.ddl_event n WHERE n.session_role_oid = $1 "
	"ORDER BY n.id DESC OFFSET 1000 LIMIT 1) FOR UPDATE SKIP LOCKED))",
	1, {OIDOID}
};

typedef struct Event
{
	const char *command;
	Oid			role;
	PgmQuery   *query;
} Event;

static void
write_event(void *arg)
{
	const Event *event = arg;
	PgmSpiScope scope;
	Datum		values[4];

	values[0] = ObjectIdGetDatum(GetSessionUserId());
	values[1] = ObjectIdGetDatum(event->role);
	values[2] = pgm_text_datum(application_name ? application_name : "");
	values[3] = pgm_text_datum(event->command);
	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(event->query, values, NULL);
	pgm_spi_end(&scope);
}

static void
prune(void *arg)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(GetSessionUserId())};

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&prune_query, values, NULL);
	pgm_spi_end(&scope);
}

void
pgm_ddl_event_write(const char *command, bool dropped)
{
	Event		event = {command, GetUserId(),
	dropped ? &dropped_query : &changed_query};
	ErrorData  *error;

	if (!pgm_spi_try(write_event, &event, &error))
		ereport(WARNING,
				errcode(error->sqlerrcode),
				errmsg("could not write down who did this: %s",
					   error->message),
				errhint("SELECT pgmigrate.capture_drift(false) turns it off."));

	/* an old snapshot makes it fail, and must not take the row with it */
	else
		(void) pgm_spi_try(prune, NULL, &error);
}

void
pgm_ddl_event_enable(bool enable)
{
	pgm_spi_utility(enable ?
					"ALTER EVENT TRIGGER pgmigrate_capture_ddl ENABLE" :
					"ALTER EVENT TRIGGER pgmigrate_capture_ddl DISABLE");
	pgm_spi_utility(enable ?
					"ALTER EVENT TRIGGER pgmigrate_capture_drop ENABLE" :
					"ALTER EVENT TRIGGER pgmigrate_capture_drop DISABLE");
}
