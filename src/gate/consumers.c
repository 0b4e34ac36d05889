/*-------------------------------------------------------------------------
 *
 * consumers.c
 *	  Who is told of events, and what each has dealt with.
 *
 * Numbers of events are not given in the order of their commits, so a consumer
 * that remembered only the last one would miss what was committed late.  Each
 * acknowledgement is a row, therefore, until it is settled: a transaction
 * older than all that are in progress writes no event any more, so that the
 * rows before the oldest of those, and before the first event that is not
 * acknowledged, are one number.  What is not settled is little, unless a
 * transaction stays open for long; and it begins an index scan, so that the
 * size of the outbox does not matter.
 *
 * The outbox is bounded by age and by number, whoever has or has not read it.
 * Ids order it: clocks may go back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/settings.h"
#include "base/spi.h"
#include "gate/consumers.h"
#include "gate/outbox.h"

/* Rows forgotten in passing, and by one statement of a call. */
#define PGM_PRUNE_SOME 500
#define PGM_PRUNE_MANY 10000

static PgmQuery consumer_query = {
	"SELECT c.role_oid::int8, c.role FROM pgmigrate.event_consumer c "
	"WHERE c.consumer = $1",
	1, {TEXTOID}
};

static PgmQuery remember_query = {
	"INSERT INTO pgmigrate.event_consumer (consumer, role_oid, role, settled) "
	"VALUES ($1, $2, $3, '0') ON CONFLICT (consumer) DO NOTHING",
	3, {TEXTOID, OIDOID, TEXTOID}
};

/*
 * Subqueries, which cannot become joins: what is looked for is found by its
 * key, however many rows there are and whatever statistics know of them.
 */
#define SETTLED \
	"(SELECT c.settled FROM pgmigrate.event_consumer c " \
	"WHERE c.consumer = $1)"
#define DELIVERY(what) \
	"(SELECT " what " FROM pgmigrate.event_delivery d " \
	"WHERE d.consumer = $1 AND d.xid = e.xid AND d.event = e.id)"

#define UNACKNOWLEDGED \
	"pgmigrate.event e WHERE e.xid >= " SETTLED " " \
	"AND " DELIVERY("d.acknowledged") " IS NOT TRUE "

static PgmQuery events_query = {
	"SELECT e.id, e.time, e.kind, e.run, e.revision, e.operation, e.role, "
	"e.payload FROM " UNACKNOWLEDGED "ORDER BY e.xid, e.id LIMIT $2",
	2, {TEXTOID, INT4OID}
};

static PgmQuery acknowledge_query = {
	"INSERT INTO pgmigrate.event_delivery (consumer, event, xid, acknowledged) "
	"SELECT c.consumer, e.id, e.xid, true FROM pgmigrate.event_consumer c "
	"JOIN pgmigrate.event e ON e.id = ANY ($2) AND e.xid >= c.settled "
	"WHERE c.consumer = $1 ORDER BY e.id ON CONFLICT (consumer, event) "
	"DO UPDATE SET acknowledged = true, next_try = NULL "
	"WHERE NOT event_delivery.acknowledged",
	2, {TEXTOID, INT8ARRAYOID}
};

static PgmQuery settle_query = {
	"UPDATE pgmigrate.event_consumer c SET settled = s.settled FROM ("
	"SELECT least(pg_snapshot_xmin(pg_current_snapshot()), "
	"(SELECT e.xid FROM " UNACKNOWLEDGED
	"ORDER BY e.xid, e.id LIMIT 1)) AS settled) AS s "
	"WHERE c.consumer = $1 AND c.settled < s.settled",
	1, {TEXTOID}
};

static PgmQuery forget_settled_query = {
	"DELETE FROM pgmigrate.event_delivery d WHERE d.ctid = ANY (ARRAY("
	"SELECT l.ctid FROM pgmigrate.event_delivery l WHERE l.consumer = $1 "
	"AND l.xid < " SETTLED " FOR UPDATE SKIP LOCKED))",
	1, {TEXTOID}
};

static PgmQuery drop_query = {
	"DELETE FROM pgmigrate.event_consumer WHERE consumer = $1",
	1, {TEXTOID}
};

static PgmQuery drop_deliveries_query = {
	"DELETE FROM pgmigrate.event_delivery WHERE consumer = $1",
	1, {TEXTOID}
};

static PgmQuery command_query = {
	"INSERT INTO pgmigrate.event_consumer (consumer, role_oid, role, settled) "
	"VALUES ('" PGM_COMMAND_CONSUMER "', $1, $2, $3::text::xid8) "
	"ON CONFLICT (consumer) DO NOTHING",
	3, {OIDOID, TEXTOID, INT8OID}
};

#define UNTRIED(after) \
	"(SELECT e.id FROM pgmigrate.event e WHERE e.xid >= " SETTLED " " after \
	"AND " DELIVERY("d.event") " IS NULL ORDER BY e.xid, e.id LIMIT 1)"
#define FAILED(due) \
	"(SELECT d.event FROM pgmigrate.event_delivery d WHERE d.consumer = $1 " \
	"AND NOT d.acknowledged AND " due \
	"(SELECT e.id FROM pgmigrate.event e WHERE e.id = d.event) IS NOT NULL " \
	"ORDER BY d.next_try LIMIT 1)"

/*
 * Those that nobody has tried come first, after the last one that was: what
 * lies before that one is looked through when there is no more.  What has
 * failed waits its time, but never longer than that could be when the clock
 * has gone back.
 */
static PgmQuery next_query = {
	"SELECT e.id, " PGM_EVENT_JSON ", coalesce(d.tries, 0), "
	"coalesce(d.next_try <= now() "
	"OR d.next_try > now() + interval '10 min', true), "
	"current_database()::text, e.kind, e.time::text, e.run::text, "
	"e.revision, e.operation::text, e.role, e.payload ->> 'state', "
	"e.payload ->> 'message' FROM pgmigrate.event e "
	"LEFT JOIN pgmigrate.event_delivery d "
	"ON d.consumer = $1 AND d.xid = e.xid AND d.event = e.id "
	"WHERE e.id = coalesce("
	UNTRIED("AND (e.xid, e.id) > (SELECT o.xid, o.id "
			"FROM pgmigrate.event o WHERE o.id = $2) ") ", "
	UNTRIED("") ", "
	FAILED("d.next_try <= now() AND ") ", "
	FAILED("d.next_try > now() + interval '10 min' AND ") ", "
	FAILED("") ")",
	2, {TEXTOID, INT8OID}
};

static PgmQuery failed_query = {
	"INSERT INTO pgmigrate.event_delivery (consumer, event, xid, "
	"acknowledged, tries, next_try, error) "
	"SELECT $1, e.id, e.xid, false, 1, "
	"clock_timestamp() + $4 * interval '1 millisecond', $3 "
	"FROM pgmigrate.event e WHERE e.id = $2 "
	"ON CONFLICT (consumer, event) DO UPDATE "
	"SET tries = event_delivery.tries + 1, next_try = excluded.next_try, "
	"error = excluded.error WHERE NOT event_delivery.acknowledged",
	4, {TEXTOID, INT8OID, TEXTOID, INT8OID}
};

/*
 * Rows that somebody else is about to delete are left to him: a consumer in an
 * open transaction must not hold up a run.  Events are never updated, so they
 * are where they were found.
 */
static PgmQuery prune_query = {
	"WITH gone AS (DELETE FROM pgmigrate.event e WHERE e.ctid = ANY (ARRAY("
	"SELECT l.ctid FROM pgmigrate.event l WHERE l.id > $4 AND l.id <= "
	"(SELECT max(o.id) FROM (SELECT m.id FROM pgmigrate.event m "
	"WHERE m.id > $4 ORDER BY m.id LIMIT $1) AS o) "
	"AND (l.time < $2 OR l.id <= $3 + "
	"(SELECT max(m.id) FROM pgmigrate.event m)) "
	"FOR UPDATE SKIP LOCKED)) RETURNING e.id) "
	"SELECT count(*), max(gone.id) FROM gone",
	4, {INT4OID, TIMESTAMPTZOID, INT8OID, INT8OID}
};

/*
 * What is left of an event that is gone; what is locked goes when its consumer
 * has settled what was before it.
 */
static PgmQuery prune_deliveries_query = {
	"DELETE FROM pgmigrate.event_delivery d WHERE d.ctid = ANY (ARRAY("
	"SELECT l.ctid FROM pgmigrate.event_consumer c "
	"JOIN pgmigrate.event_delivery l ON l.consumer = c.consumer "
	"AND l.event > $1 AND l.event <= $2 WHERE "
	"(SELECT e.id FROM pgmigrate.event e WHERE e.id = l.event) IS NULL "
	"FOR UPDATE OF l SKIP LOCKED))",
	2, {INT8OID, INT8OID}
};

/* A plan that was made for an empty table is a bad one for a million rows. */
static void
plan_anew(void)
{
	pgm_spi_prefer_index();
	(void) set_config_option("plan_cache_mode", "force_custom_plan",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

static uint64
execute(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin_ledger(&scope);
	rows = pgm_spi_execute(query, values, NULL);
	pgm_spi_end(&scope);
	return rows;
}

/* False if there is none of this name; else the caller must own it. */
static bool
check_owner(const char *consumer)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		found;
	Oid			role = InvalidOid;
	char	   *name = NULL;

	values[0] = pgm_text_datum(consumer);
	pgm_spi_begin(&scope);
	found = pgm_spi_execute(&consumer_query, values, NULL) > 0;
	if (found)
	{
		role = (Oid) pgm_spi_int64(1, 1);
		name = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
	if (!found || superuser() || has_privs_of_role(GetUserId(), role))
		return found;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for consumer \"%s\"", consumer),
			errdetail("It belongs to role \"%s\".", name),
			errhint("Take another name, or call pgmigrate.drop_consumer() as that role."));
}

static void
refuse_name(const char *consumer)
{
	if (consumer[0] != '\0' && strlen(consumer) <= 200 &&
		strcmp(consumer, PGM_COMMAND_CONSUMER) != 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_RESERVED_NAME),
			errmsg("consumer name \"%.*s\" is reserved or too long", 200,
				   consumer));
}

void
pgm_consumer_events(const char *consumer, int max, Tuplestorestate *store,
					TupleDesc tupdesc)
{
	PgmSpiScope scope;
	Datum		values[3];

	refuse_name(consumer);
	values[0] = pgm_text_datum(consumer);
	if (!check_owner(consumer))
	{
		values[1] = ObjectIdGetDatum(GetUserId());
		values[2] = pgm_text_datum(GetUserNameFromId(GetUserId(), false));
		execute(&remember_query, values);
		(void) check_owner(consumer);
	}
	values[1] = Int32GetDatum(max);
	pgm_spi_begin(&scope);
	plan_anew();
	pgm_spi_execute(&events_query, values, NULL);
	pgm_spi_store(store, tupdesc);
	pgm_spi_end(&scope);
}

void
pgm_consumer_check(const char *consumer)
{
	if (!check_owner(consumer))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("consumer \"%s\" does not exist", consumer),
				errhint("A first call of pgmigrate.events() makes it one."));
}

int
pgm_consumer_acknowledge(const char *consumer, ArrayType *ids)
{
	PgmSpiScope scope;
	Datum		values[2];
	int			rows;

	values[0] = pgm_text_datum(consumer);
	values[1] = PointerGetDatum(ids);
	pgm_spi_begin_ledger(&scope);
	plan_anew();
	rows = (int) pgm_spi_execute(&acknowledge_query, values, NULL);
	pgm_spi_execute(&settle_query, values, NULL);
	pgm_spi_execute(&forget_settled_query, values, NULL);
	pgm_spi_end(&scope);
	return rows;
}

bool
pgm_consumer_drop(const char *consumer)
{
	Datum		values[1];

	if (!check_owner(consumer))
		return false;
	values[0] = pgm_text_datum(consumer);
	execute(&drop_deliveries_query, values);
	return execute(&drop_query, values) > 0;
}

void
pgm_consumer_begin_command(uint64 xid)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(pgm_schema_owner());
	values[1] = pgm_text_datum(GetUserNameFromId(pgm_schema_owner(), false));
	values[2] = Int64GetDatum((int64) xid);
	execute(&command_query, values);
}

void
pgm_consumer_next(PgmDelivery *delivery, int64 after)
{
	PgmSpiScope scope;
	Datum		values[2];

	memset(delivery, 0, sizeof(PgmDelivery));
	values[0] = pgm_text_datum(PGM_COMMAND_CONSUMER);
	values[1] = Int64GetDatum(after);
	pgm_spi_begin(&scope);
	plan_anew();
	if (pgm_spi_execute(&next_query, values, NULL) > 0)
	{
		delivery->pending = true;
		if (pgm_spi_bool(1, 4))
			delivery->event = pgm_spi_int64(1, 1);
		delivery->json = pgm_spi_text(1, 2);
		delivery->tries = pgm_spi_int32(1, 3);
		for (int i = 0; i < PGM_DELIVERY_VALUES; i++)
			delivery->env[i] = pgm_spi_text(1, i + 5);
	}
	pgm_spi_end(&scope);
}

void
pgm_consumer_failed(const PgmDelivery *delivery, const char *error,
					int64 milliseconds)
{
	Datum		values[4];

	values[0] = pgm_text_datum(PGM_COMMAND_CONSUMER);
	values[1] = Int64GetDatum(delivery->event);
	values[2] = pgm_text_datum(error);
	values[3] = Int64GetDatum(milliseconds);
	execute(&failed_query, values);
}

/* A part of those after the last one that was, which is moved on. */
static int64
prune(int most, TimestampTz before, int64 limit, int64 *last)
{
	PgmSpiScope scope;
	Datum		values[4];
	Datum		range[2];
	int64		rows;

	values[0] = Int32GetDatum(most);
	values[1] = TimestampTzGetDatum(before);
	values[2] = Int64GetDatum(-limit);
	values[3] = Int64GetDatum(*last);
	pgm_spi_begin_ledger(&scope);
	plan_anew();
	pgm_spi_execute(&prune_query, values, NULL);
	rows = pgm_spi_int64(1, 1);
	if (rows > 0)
	{
		range[0] = Int64GetDatum(*last);
		*last = pgm_spi_int64(1, 2);
		range[1] = Int64GetDatum(*last);
		pgm_spi_execute(&prune_deliveries_query, range, NULL);
	}
	pgm_spi_end(&scope);
	return rows;
}

static TimestampTz
kept_since(void)
{
	return GetCurrentTimestamp() - pgm_event_keep * INT64CONST(1000000);
}

void
pgm_events_prune_some(void)
{
	int64		last = 0;

	(void) prune(PGM_PRUNE_SOME, kept_since(), pgm_event_limit, &last);
}

int64
pgm_events_prune(TimestampTz before)
{
	bool		asked = before != 0;
	int64		last = 0;
	int64		total = 0;
	int64		rows;

	do
	{
		CHECK_FOR_INTERRUPTS();
		rows = prune(PGM_PRUNE_MANY, asked ? before : kept_since(),
					 asked ? PG_INT64_MAX : pgm_event_limit, &last);
		total += rows;
	} while (rows == PGM_PRUNE_MANY);
	return total;
}
