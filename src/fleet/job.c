/*-------------------------------------------------------------------------
 *
 * job.c
 *	  The work in one database or schema of a fleet, as the job of a worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/own_function.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "fleet/internal.h"
#include "process/entry.h"
#include "process/report.h"
#include "run/runner.h"
#include "scratch/scratch.h"
#include "store/ledger.h"
#include "store/run_lock.h"
#include "store/schema_branch.h"
#include "store/schema_record.h"

static PgmQuery steps_query = {
	"SELECT count(*) FROM pgmigrate.run_step WHERE run = $1 AND state = 'done'",
	1, {INT8OID}
};

static PgmQuery last_run_query = {
	"SELECT max(id) FROM pgmigrate.run"
};

/* What a worker is handed. */
typedef struct FleetJob
{
	int			encoding;		/* of the caller */
	int64		run;
	char	   *target;
	char	   *schema;			/* or NULL */
	PgmAllowance allowance;
} FleetJob;

void
pgm_fleet_put_job(StringInfo payload, const PgmFleet *fleet,
				  const char *schema, int64 run)
{
	const PgmAllowance *allowance = &fleet->allowance;

	pq_sendint32(payload, GetDatabaseEncoding());
	pq_sendint64(payload, run);
	pq_sendbyte(payload, schema != NULL);
	pq_sendbyte(payload, allowance->reason != NULL);
	pq_sendint32(payload, allowance->n);
	pgm_scratch_put_text(payload, fleet->target);
	pgm_scratch_put_text(payload, schema == NULL ? "" : schema);
	pgm_scratch_put_text(payload, allowance->reason == NULL ? "" :
						 allowance->reason);
	for (int i = 0; i < allowance->n; i++)
		pgm_scratch_put_text(payload, allowance->rules[i]);
}

static char *
get_text(StringInfo payload, int encoding)
{
	char	   *text = pgm_scratch_get_text(payload);

	return pg_any_to_server(text, strlen(text), encoding);
}

static void
get_job(FleetJob *fleet, const PgmJob *job)
{
	StringInfoData payload;
	PgmAllowance *allowance = &fleet->allowance;
	bool		of_schema;
	bool		has_reason;

	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, job->payload, job->payload_size);
	fleet->encoding = pq_getmsgint(&payload, 4);
	fleet->run = pq_getmsgint64(&payload);
	of_schema = pq_getmsgbyte(&payload) != 0;
	has_reason = pq_getmsgbyte(&payload) != 0;
	allowance->n = pq_getmsgint(&payload, 4);
	fleet->target = get_text(&payload, fleet->encoding);
	fleet->schema = get_text(&payload, fleet->encoding);
	if (!of_schema)
		fleet->schema = NULL;
	allowance->reason = get_text(&payload, fleet->encoding);
	if (!has_reason)
		allowance->reason = NULL;
	allowance->rules = palloc(sizeof(char *) * Max(allowance->n, 1));
	for (int i = 0; i < allowance->n; i++)
		allowance->rules[i] = get_text(&payload, fleet->encoding);
}

static void
answer(char kind)
{
	StringInfoData message;

	initStringInfo(&message);
	pq_sendbyte(&message, kind);
	pgm_report_answer(&message);
	pfree(message.data);
}

/* The level of access is looked up here: rights are of a database. */
static void
check_right(void)
{
	static const Oid upgrade[] = {TEXTOID, TEXTARRAYOID, TEXTOID};

	pgm_own_function_check("upgrade", lengthof(upgrade), upgrade);
}

static bool
may_enter(const char *schema)
{
	bool		there;

	pgm_txn_begin();
	there = OidIsValid(get_extension_oid("pgmigrate", true));
	if (there)
		check_right();
	if (there && schema != NULL)
		pgm_schema_branch_check(schema);
	pgm_txn_commit();
	return there;
}

/* Another run of this database is waited for, as upgrade() waits. */
static bool
is_at_target(const char *target)
{
	bool		result;

	pgm_txn_begin();
	result = pgm_runner_nothing_to_do(PGM_UP, target);
	if (!result && pgm_run_await_turn(true))
		result = pgm_runner_nothing_to_do(PGM_UP, target);
	pgm_txn_commit();
	return result;
}

static int64
upgrade(const FleetJob *fleet, const char *target, const PgmJob *job)
{
	PgmRunRequest request = {0};

	request.direction = PGM_UP;
	request.target = target;
	request.allowance = fleet->allowance;
	request.session_role = job->session_role;
	request.guard = job->guard;
	request.record_later = fleet->schema != NULL;
	request.settings = job->settings;
	request.settings_size = job->settings_size;
	request.accepted = pgm_process_accept;
	return pgm_runner_work(&request);
}

/*
 * Of a schema the target is that of its branch, which is stored before, so
 * that it can be looked at, and run, without a fleet.
 */
static const char *
find_target(const FleetJob *fleet)
{
	const char *target = fleet->target;

	if (fleet->schema == NULL)
		return target;
	pgm_txn_begin_own();
	target = pgm_schema_branch_make(fleet->schema, target);
	pgm_txn_commit();
	return target;
}

static int
count_steps(int64 run)
{
	Datum		values[1];
	PgmSpiScope scope;
	int			result;

	if (run <= 0)
		return 0;
	values[0] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&steps_query, values, NULL);
	result = (int) pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	return result;
}

static void
tell_where(const FleetJob *fleet)
{
	StringInfoData message;
	int			n;
	char	  **heads;

	initStringInfo(&message);
	pgm_txn_begin_own();
	heads = fleet->schema == NULL ? pgm_ledger_heads(&n) :
		pgm_schema_branch_heads(fleet->schema, &n);
	pq_sendbyte(&message, PGM_FLEET_AT);
	pq_sendint32(&message, count_steps(fleet->run));
	pq_sendint32(&message, n);
	for (int i = 0; i < n; i++)
		pgm_scratch_put_text(&message,
							 pg_server_to_any(heads[i], strlen(heads[i]),
											  fleet->encoding));
	pgm_txn_commit();
	pgm_report_answer(&message);
}

/*
 * The schema that the runs have left, as each of them would have recorded it.
 * A run that has begun meanwhile is waited for, if the caller waits for runs.
 */
static void
record(void)
{
	PgmSpiScope scope;
	int64		run;

	pgm_txn_begin_own();
	(void) pgm_run_await_turn(true);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&last_run_query, NULL, NULL);
	run = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	pgm_schema_record_keep(run);
	pgm_txn_commit();
}

static void
work(const PgmJob *job)
{
	FleetJob	fleet = {0};

	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate fleet",
												  ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);

	/* the conversion of an encoding is looked up in the catalog */
	pgm_txn_begin();
	get_job(&fleet, job);

	/* for what is raised, after a RESET ALL too */
	SetConfigOption("client_encoding", pg_encoding_to_char(fleet.encoding),
					PGC_USERSET, PGC_S_CLIENT);
	pgm_txn_commit();

	/* where one has failed it is looked at whatever became of the schema */
	if (!may_enter(fleet.run == 0 ? fleet.schema : NULL))
	{
		answer(PGM_FLEET_NOT_THERE);
		return;
	}
	answer(PGM_FLEET_ENTERED);
	if (fleet.run == PGM_FLEET_RECORD)
	{
		record();
		return;
	}
	if (fleet.run == 0)
	{
		const char *target = find_target(&fleet);

		if (target != NULL && !is_at_target(target))
			fleet.run = upgrade(&fleet, target, job);
	}
	tell_where(&fleet);
}

void
pgm_fleet_register(void)
{
	pgm_process_register(PGM_JOB_FLEET, work);
}
