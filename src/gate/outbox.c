/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  What has changed, for those who have to be told.
 *
 * An event is a row that is written in the transaction of the change, so that
 * nobody is told of what was rolled back and nothing that was committed is
 * forgotten.  Triggers write those of runs, operations, approvals and
 * attestations, whichever code has changed the row; not those of a restore,
 * which is no function of ours.
 *
 * NOTIFY comes with the commit: a transaction that has said it before cannot
 * be prepared, and a run may be part of one that will be.  Then listeners are
 * not told, and whoever reads the outbox is.  Any role may LISTEN, so what is
 * said there has neither errors nor notes.  Where the queue of the server is
 * half full, because somebody listens and does not read, NOTIFY is left out:
 * a full one would make the commit of a run fail.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/settings.h"
#include "base/spi.h"
#include "gate/consumers.h"
#include "gate/notifier.h"
#include "gate/outbox.h"

/* Events between two looks for what is to be forgotten. */
#define PGM_PRUNE_EVERY 50

/* What is too long for a notification, which has less than 8000 bytes. */
#define SHORT_PAYLOAD \
	"jsonb_build_object('state', e.payload -> 'state', 'cut', true, " \
	"'message', left(e.payload ->> 'message', 300))"
#define OPEN_PAYLOAD \
	"e.payload - '{error,note,reason,override,blockers,query}'::text[]"

/*
 * An INSERT as a query that also tells what to say aloud; null where the queue
 * is filling up.
 */
#define WRITE(insert) \
	"WITH e AS (" insert " RETURNING *) " \
	"SELECT e.id, CASE WHEN pg_notification_queue_usage() < 0.5 THEN " \
	"CASE WHEN octet_length(" PGM_EVENT_OBJECT(OPEN_PAYLOAD) ") < 7900 " \
	"THEN " PGM_EVENT_OBJECT(OPEN_PAYLOAD) " " \
	"ELSE " PGM_EVENT_OBJECT(SHORT_PAYLOAD) " END END FROM e"

#define INSERT "INSERT INTO pgmigrate.event "

static PgmQuery run_query = {
	WRITE(INSERT "(kind, run, role, role_oid, payload) "
		  "SELECT 'run', r.id, r.role, r.role_oid, jsonb_strip_nulls(jsonb_build_object("
		  "'state', r.state, 'command', r.command, "
		  "'target', left(r.target, 2000), 'execution', r.execution, "
		  "'steps', r.steps, 'session_role', r.session_role, "
		  "'reason', left(r.reason, 2000), "
		  "'override', left(r.override, 2000), 'sqlstate', r.sqlstate, "
		  "'error', left(r.error, 4000), "
		  "'message', format('%s of %s: run %s is %s', r.command, "
		  "left(r.target, 200), r.id, r.state))) "
		  "FROM pgmigrate.run r WHERE r.id = $1"),
	1, {INT8OID}
};

static PgmQuery operation_query = {
	WRITE(INSERT "(kind, run, revision, operation, role, role_oid, payload) "
		  "SELECT 'operation', o.run, o.revision, o.id, o.role, o.role_oid, "
		  "jsonb_strip_nulls(jsonb_build_object("
		  "'state', o.state, 'schema', o.schema_name, "
		  "'relation', o.relation_name, 'strategy', o.strategy, "
		  "'method', o.method, 'statement', o.statement, "
		  "'differences', o.differences, 'error', left(o.error, 4000), "
		  "'message', format('operation %s on %s is %s', o.id, "
		  "o.relation_name, o.state))) "
		  "FROM pgmigrate.operation o WHERE o.id = $1"),
	1, {INT8OID}
};

static PgmQuery approval_query = {
	WRITE(INSERT "(kind, revision, role, role_oid, payload) "
		  "SELECT 'approval', c.revision, c.changed_by, c.changed_by_oid, jsonb_build_object("
		  "'state', 'approved', 'digest', c.digest, 'author', c.author, "
		  "'message', format('revision %s was approved by %s', c.revision, "
		  "c.changed_by)) "
		  "FROM pgmigrate.revision_change c WHERE c.id = $1"),
	1, {INT8OID}
};

static PgmQuery attestation_query = {
	WRITE(INSERT "(kind, role, role_oid, payload) "
		  "SELECT 'attestation', a.attested_by, a.attested_by_oid, jsonb_build_object("
		  "'state', 'attested', 'item', a.item, 'note', left(a.note, 4000), "
		  "'valid_until', a.valid_until, "
		  "'message', format('%s was attested by %s', a.item, "
		  "a.attested_by)) "
		  "FROM pgmigrate.attestation a WHERE a.id = $1"),
	1, {INT8OID}
};

static PgmQuery lock_wait_query = {
	WRITE(INSERT "(kind, run, revision, role, role_oid, payload) "
		  "SELECT 'lock_wait', $1, $2, pg_get_userbyid($3), $3, "
		  "jsonb_strip_nulls(jsonb_build_object("
		  "'state', 'waiting', 'relation', $4, 'milliseconds', $5, "
		  "'blockers', left($6, 4000), "
		  "'message', format('run %s waits for a lock on %s', $1, $4)))"),
	6, {INT8OID, TEXTOID, OIDOID, TEXTOID, INT8OID, TEXTOID}
};

/* Nothing is told of a database that is, and was, as it should be. */
static PgmQuery drift_query = {
	WRITE(INSERT "(kind, role, role_oid, payload) "
		  "SELECT 'drift', pg_get_userbyid($3), $3, jsonb_build_object("
		  "'state', CASE WHEN $1 = 0 THEN 'none' ELSE 'found' END, "
		  "'differences', $1, 'digest', $2, "
		  "'message', CASE WHEN $1 = 0 THEN 'the schema is again as the last run left it' "
		  "ELSE format('objects that are not as the last run left them: %s', $1) END) "
		  "WHERE coalesce((SELECT d.payload ->> 'digest' "
		  "FROM pgmigrate.event d WHERE d.kind = 'drift' "
		  "ORDER BY d.id DESC LIMIT 1), '') <> $2"),
	3, {INT4OID, TEXTOID, OIDOID}
};

static PgmQuery regression_query = {
	WRITE(INSERT "(kind, run, revision, role, role_oid, payload) "
		  "VALUES ('regression', $1, $2, pg_get_userbyid($3), $3, $4::jsonb)"),
	4, {INT8OID, TEXTOID, OIDOID, TEXTOID}
};

/* What is about to be run, by its digest; the note is a person's. */
static PgmQuery announcement_query = {
	WRITE(INSERT "(kind, role, role_oid, payload) "
		  "SELECT 'announcement', pg_get_userbyid($1), $1, jsonb_strip_nulls(jsonb_build_object("
		  "'state', 'announced', 'target', left($2, 2000), 'digest', $3, "
		  "'revisions', $4, 'note', left($5, 4000), "
		  "'message', format('%s announces an upgrade to %s: revisions to run: %s', "
		  "pg_get_userbyid($1), left($2, 200), cardinality($4))))"),
	5, {OIDOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID}
};

/* Which query tells of a row of which table. */
static const struct
{
	const char *table;
	PgmQuery   *query;
}			tables[] = {
	{"run", &run_query},
	{"operation", &operation_query},
	{"revision_change", &approval_query},
	{"attestation", &attestation_query},
};

/* Said when the transaction commits, unless its subtransaction aborts. */
typedef struct Reported
{
	int			level;
	char	   *text;
} Reported;

/* All in TopTransactionContext. */
static List *reported = NIL;
static uint64 writer = 0;		/* transaction that wrote an event */
static bool registered = false;

static void
forget(void)
{
	reported = NIL;
	writer = 0;
}

static void
at_transaction(XactEvent event, void *arg)
{
	ListCell   *lc;

	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (pgm_notify_channel[0] == '\0')
				break;
			foreach(lc, reported)
				Async_Notify(pgm_notify_channel,
							 ((Reported *) lfirst(lc))->text);
			break;
		case XACT_EVENT_COMMIT:
			if (writer != 0)
				pgm_notifier_start(writer);
			forget();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget();
			break;
		default:
			break;
	}
}

static void
at_subtransaction(SubXactEvent event, SubTransactionId mySubid,
				  SubTransactionId parentSubid, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();
	ListCell   *lc;

	foreach(lc, reported)
	{
		Reported   *one = lfirst(lc);

		if (one->level < level)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			reported = foreach_delete_current(reported, lc);
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			one->level = level - 1;
	}
}

static void
say_at_commit(const char *text)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Reported   *one;

	if (!registered)
	{
		RegisterXactCallback(at_transaction, NULL);
		RegisterSubXactCallback(at_subtransaction, NULL);
		registered = true;
	}
	writer = U64FromFullTransactionId(GetTopFullTransactionId());
	if (text != NULL && pgm_notify_channel[0] != '\0')
	{
		one = palloc(sizeof(Reported));
		one->level = GetCurrentTransactionNestLevel();
		one->text = pstrdup(text);
		reported = lappend(reported, one);
	}
	MemoryContextSwitchTo(old);
}

/* The number of the event, 0 if there is nothing to tell. */
static int64
write_event(PgmQuery *query, const Datum *values, const bool *nulls)
{
	PgmSpiScope scope;
	char	   *text = NULL;
	int64		id = 0;

	pgm_spi_begin_ledger(&scope);
	if (pgm_spi_execute(query, values, nulls) > 0)
	{
		id = pgm_spi_int64(1, 1);
		text = pgm_spi_text(1, 2);
	}
	pgm_spi_end(&scope);
	if (id == 0)
		return 0;
	say_at_commit(text);
	if (id % PGM_PRUNE_EVERY == 0)
		pgm_events_prune_some();
	return id;
}

void
pgm_outbox_row_written(const TriggerData *trigger)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	Datum		values[1];
	bool		isnull;

	/* a restore writes such rows too; it is not in a scope of ours */
	if (!InLocalUserIdChange())
		return;
	values[0] = heap_getattr(tuple, get_attnum(RelationGetRelid(trigger->tg_relation), "id"),
							 RelationGetDescr(trigger->tg_relation), &isnull);
	for (int i = 0; i < lengthof(tables); i++)
		if (strcmp(tables[i].table, table) == 0)
			(void) write_event(tables[i].query, values, NULL);
}

void
pgm_outbox_lock_wait(int64 run, const char *revision, const char *relation,
					 int64 milliseconds, const char *blockers)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = Int64GetDatum(run);
	pgm_set_text(values, nulls, 1, revision);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = pgm_text_datum(relation);
	values[4] = Int64GetDatum(milliseconds);
	pgm_set_text(values, nulls, 5, blockers);
	(void) write_event(&lock_wait_query, values, nulls);
}

/* Whoever only looks may do so where nothing can be written. */
void
pgm_outbox_drift(int differences, const char *digest)
{
	Datum		values[3];

	if (RecoveryInProgress() || XactReadOnly || IsInParallelMode())
		return;
	values[0] = Int32GetDatum(differences);
	values[1] = pgm_text_datum(digest);
	values[2] = ObjectIdGetDatum(GetUserId());
	(void) write_event(&drift_query, values, NULL);
}

void
pgm_outbox_regression(int64 run, const char *revision, const char *payload)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = Int64GetDatum(run);
	pgm_set_text(values, nulls, 1, revision);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = pgm_text_datum(payload);
	(void) write_event(&regression_query, values, nulls);
}

int64
pgm_outbox_announce(const char *target, const char *digest,
					Datum revisions, const char *note)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = pgm_text_datum(target);
	values[2] = pgm_text_datum(digest);
	values[3] = revisions;
	pgm_set_text(values, nulls, 4, note);
	return write_event(&announcement_query, values, nulls);
}
