/*-------------------------------------------------------------------------
 *
 * run_control.c
 *	  What has been asked of a run while it is at work.
 *
 * A row for each setting.  Who asks has the right to cancel the run, not the
 * rights of its role: so only figures can be set, no query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/day_window.h"
#include "base/spi.h"
#include "store/run_control.h"

static PgmQuery read_query = {
	"SELECT setting, value FROM pgmigrate.run_control WHERE run = $1",
	1, {INT8OID}
};

static PgmQuery set_query = {
	"INSERT INTO pgmigrate.run_control (run, setting, value, role, role_oid) "
	"VALUES ($1, $2, $3, pg_get_userbyid($4), $4) "
	"ON CONFLICT (run, setting) DO UPDATE "
	"SET value = excluded.value, role = excluded.role, "
	"role_oid = excluded.role_oid, set_at = excluded.set_at",
	4, {INT8OID, TEXTOID, INT4OID, OIDOID}
};

/* As of the arguments of backfill(): what is set next is read after it. */
#define PGM_LONGEST_MS 3600000

/* What can be set, and where it goes. */
static const struct
{
	const char *name;
	int			unit;
	int			lowest;
	int			highest;
	size_t		offset;
}			settings_known[] = {

	{"chunk_time", GUC_UNIT_MS, 1, PGM_LONGEST_MS,
	offsetof(PgmRunSettings, chunk_time)},
	{"pause", GUC_UNIT_MS, 0, PGM_LONGEST_MS,
	offsetof(PgmRunSettings, pause)},
	{"max_replica_lag", GUC_UNIT_MS, 0, INT_MAX,
	offsetof(PgmRunSettings, max_replica_lag)},
	{"max_wal_rate", GUC_UNIT_KB, 0, INT_MAX,
	offsetof(PgmRunSettings, max_wal_rate)},
	{"backfill_window", 0, 0, INT_MAX,
	offsetof(PgmRunSettings, backfill_window)},
};

void
pgm_run_control_read(int64 run, PgmRunSettings *settings)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	settings->paused = false;
	for (int i = 0; i < lengthof(settings_known); i++)
		*(int *) ((char *) settings + settings_known[i].offset) = -1;
	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&read_query, values, NULL);
	for (uint64 n = 1; n <= rows; n++)
	{
		const char *name = pgm_spi_text(n, 1);
		int			value = pgm_spi_int32(n, 2);

		if (strcmp(name, "paused") == 0)
			settings->paused = value != 0;
		for (int i = 0; i < lengthof(settings_known); i++)
			if (strcmp(name, settings_known[i].name) == 0)
				*(int *) ((char *) settings + settings_known[i].offset) =
					value;
	}
	pgm_spi_end(&scope);
}

static void
set(int64 run, const char *setting, int value)
{
	PgmSpiScope scope;
	Datum		values[4];

	values[0] = Int64GetDatum(run);
	values[1] = pgm_text_datum(setting);
	values[2] = Int32GetDatum(value);
	values[3] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	pgm_spi_execute(&set_query, values, NULL);
	pgm_spi_end(&scope);
}

static bool
parse_value(int known, const char *value, int *number, const char **hint)
{
	if (settings_known[known].offset ==
		offsetof(PgmRunSettings, backfill_window))
	{
		*hint = "Write it as 22:00-05:00; an empty value is the whole day.";
		return pgm_day_window_parse(value, number);
	}
	return parse_int(value, number, settings_known[known].unit, hint) &&
		*number >= settings_known[known].lowest &&
		*number <= settings_known[known].highest;
}

void
pgm_run_control_set(int64 run, const char *setting, const char *value)
{
	for (int i = 0; i < lengthof(settings_known); i++)
	{
		const char *hint = NULL;
		int			number;

		if (strcmp(setting, settings_known[i].name) != 0)
			continue;
		if (!parse_value(i, value, &number, &hint))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for setting \"%s\": \"%s\"",
						   setting, value),
					hint != NULL ? errhint("%s", hint) : 0);
		set(run, setting, number);
		return;
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("setting \"%s\" cannot be changed while a run is at work",
				   setting),
			errhint("What can be changed is chunk_time, pause, max_replica_lag, max_wal_rate and backfill_window."));
}

void
pgm_run_control_pause(int64 run, bool paused)
{
	set(run, "paused", paused);
}
