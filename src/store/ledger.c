/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  What is applied: rows of pgmigrate.head and pgmigrate.applied.
 *
 * head holds the maximal applied revisions, as alembic_version does; it is the
 * truth, and what it implies is applied.  applied adds to each of those the
 * digest of the SQL that ran.  Both change in the transaction of the revision
 * itself, by a writer that holds the run lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "store/ledger.h"
#include "store/mirror.h"
#include "store/verification.h"

static PgmQuery heads_query = {
	"SELECT revision FROM pgmigrate.head ORDER BY revision COLLATE \"C\""
};

static PgmQuery head_delete = {
	"DELETE FROM pgmigrate.head WHERE revision = ANY ($1)",
	1, {TEXTARRAYOID}
};

static PgmQuery head_insert = {
	"INSERT INTO pgmigrate.head (revision) SELECT unnest($1)",
	1, {TEXTARRAYOID}
};

static PgmQuery head_purge = {
	"DELETE FROM pgmigrate.head"
};

/*
 * One statement for the rows of a step, since most steps are small: what an
 * executor costs to start would be paid three times.  The head moves here only
 * where one takes the place of one; otherwise $7 is null.
 */
#define STEP_DONE \
	"UPDATE pgmigrate.run_step SET state = 'done', digest = $4, " \
	"statements = $5, statement = $5, started = $6, finished = $9, " \
	"duration = $10, details = details || coalesce($11::jsonb, '{}') " \
	"WHERE run = $1 AND step = $2 " \
	"RETURNING (SELECT count(*) FROM h)"

#define MOVE_HEAD \
	"h AS (UPDATE pgmigrate.head SET revision = $8, applied_at = now(), " \
	"system_identifier = DEFAULT, database = DEFAULT WHERE revision = $7 " \
	"RETURNING revision) "

#define STEP_TYPES \
	INT8OID, INT4OID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, \
	TEXTOID, TEXTOID, TIMESTAMPTZOID, INTERVALOID, TEXTOID

/* What comes up may have a generated verification: $14 is not null then. */
#define KEEP_VERIFICATION \
	"v AS (" PGM_VERIFICATION_INSERT "SELECT $3, $4, $12, $13, $14, $15 " \
	"WHERE $14 IS NOT NULL " PGM_VERIFICATION_REPLACE "), "

#define ON_APPLIED_BEFORE \
	"ON CONFLICT (revision) DO UPDATE SET digest = excluded.digest, " \
	"applied_at = excluded.applied_at, run = excluded.run, " \
	"step = excluded.step"

static PgmQuery step_up = {
	"WITH a AS (INSERT INTO pgmigrate.applied (revision, digest, run, step) "
	"VALUES ($3, $4, $1, $2) " ON_APPLIED_BEFORE "), "
	KEEP_VERIFICATION MOVE_HEAD STEP_DONE,
	15, {STEP_TYPES, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery step_down = {
	"WITH a AS (DELETE FROM pgmigrate.applied WHERE revision = $3), "
	MOVE_HEAD STEP_DONE,
	11, {STEP_TYPES}
};

static PgmQuery step_stamp = {
	"WITH " MOVE_HEAD STEP_DONE,
	11, {STEP_TYPES}
};

static PgmQuery applied_insert_all = {
	"INSERT INTO pgmigrate.applied (revision, digest, run, step) "
	"SELECT u.revision, u.digest, $1, u.step "
	"FROM unnest($2, $3, $4) AS u (revision, digest, step) "
	ON_APPLIED_BEFORE,
	4, {INT8OID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID}
};

static PgmQuery applied_delete_all = {
	"DELETE FROM pgmigrate.applied WHERE revision = ANY ($1)",
	1, {TEXTARRAYOID}
};

static PgmQuery steps_done_query = {
	"UPDATE pgmigrate.run_step s SET state = 'done', digest = u.digest, "
	"statements = u.statements, statement = u.statements, "
	"started = u.started, finished = u.finished, "
	"duration = u.duration * interval '1 microsecond', "
	"details = s.details || u.details::jsonb "
	"FROM unnest($2, $3, $4, $5, $6, $7, $8) "
	"AS u (step, digest, statements, started, finished, duration, details) "
	"WHERE s.run = $1 AND s.step = u.step",
	8, {INT8OID, INT4ARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
	TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, TEXTARRAYOID}
};

static PgmQuery applied_remove_others = {
	"DELETE FROM pgmigrate.applied a WHERE NOT EXISTS "
	"(SELECT FROM unnest($1) AS u (revision) WHERE u.revision = a.revision)",
	1, {TEXTARRAYOID}
};

static PgmQuery applied_query = {
	"SELECT array_agg(a.revision ORDER BY r.seq) FROM pgmigrate.applied a "
	"JOIN pgmigrate.revision r ON r.id = a.revision"
};

/* Newest first what is gone, oldest first what is new. */
static PgmQuery stamped_query = {
	"SELECT (SELECT array_agg(u.id ORDER BY u.n DESC) "
	"FROM unnest($1) WITH ORDINALITY AS u (id, n) WHERE NOT EXISTS "
	"(SELECT FROM pgmigrate.applied a WHERE a.revision = u.id)), "
	"(SELECT array_agg(a.revision ORDER BY r.seq) FROM pgmigrate.applied a "
	"JOIN pgmigrate.revision r ON r.id = a.revision WHERE NOT EXISTS "
	"(SELECT FROM unnest($1) AS u (id) WHERE u.id = a.revision))",
	1, {TEXTARRAYOID}
};

static PgmQuery applied_add = {
	"INSERT INTO pgmigrate.applied (revision, digest, run) "
	"SELECT r.id, r.digest, $2 FROM unnest($1) AS u (revision) "
	"JOIN pgmigrate.revision r ON r.id = u.revision "
	"ON CONFLICT (revision) DO NOTHING",
	2, {TEXTARRAYOID, INT8OID}
};

static PgmQuery applied_refresh = {
	"UPDATE pgmigrate.applied a SET digest = r.digest "
	"FROM pgmigrate.revision r "
	"WHERE r.id = a.revision AND r.digest IS DISTINCT FROM a.digest"
};

static PgmQuery applied_count = {
	"SELECT count(*) FROM pgmigrate.applied"
};

/* Which side has what the other has not: applied or implied by the heads. */
static PgmQuery at_odds_query = {
	"SELECT o.revision, o.beyond FROM (SELECT "
	"coalesce(a.revision, u.revision) AS revision, u.revision IS NULL "
	"AS beyond FROM pgmigrate.applied a FULL JOIN unnest($1) AS u (revision) "
	"ON u.revision = a.revision "
	"WHERE a.revision IS NULL OR u.revision IS NULL) o "
	"ORDER BY o.beyond DESC, o.revision COLLATE \"C\" LIMIT 11",
	1, {TEXTARRAYOID}
};

/*
 * The newest run of those that move the heads, if it left any.  Where one
 * ended that was interrupted is not known, but an upgrade takes none away.
 */
static PgmQuery left_query = {
	"SELECT r.id, array_to_string(r.heads_after, ', ') FROM (SELECT id, "
	"heads_after FROM pgmigrate.run WHERE command IN ('downgrade', 'stamp') "
	"OR command = 'upgrade' AND heads_after IS NOT NULL "
	"ORDER BY id DESC LIMIT 1) r WHERE r.heads_after <> '{}'"
};

static PgmQuery before_heads_query = {
	"SELECT FROM pgmigrate.applied a WHERE a.revision = $1 "
	"AND NOT EXISTS (SELECT FROM pgmigrate.revision r WHERE r.id = $1) "
	"AND EXISTS (SELECT FROM pgmigrate.revision r "
	"LEFT JOIN pgmigrate.applied h ON h.revision = r.id "
	"WHERE r.is_head AND r.for_schema IS NULL AND (h.revision IS NULL "
	"OR (h.run, coalesce(h.step, 0)) > (a.run, coalesce(a.step, 0))))",
	1, {TEXTOID}
};

static PgmQuery is_applied = {
	"SELECT FROM pgmigrate.applied WHERE revision = $1 UNION ALL "
	"SELECT FROM pgmigrate.head WHERE revision = $1",
	1, {TEXTOID}
};

/*
 * As good as an inner join, but a full join is never a nested loop, which is
 * what the planner takes for tables that were not analyzed yet.
 */
static PgmQuery altered_query = {
	"SELECT r.id FROM pgmigrate.revision r "
	"FULL JOIN pgmigrate.applied a ON a.revision = r.id "
	"WHERE coalesce(a.digest <> r.digest, false) ORDER BY r.seq LIMIT 11"
};

static PgmQuery at_only_head_query = {
	"SELECT FROM pgmigrate.revision r "
	"JOIN pgmigrate.head h ON h.revision = r.id WHERE r.is_head "
	"AND NOT EXISTS (SELECT FROM pgmigrate.revision o "
	"WHERE o.is_head AND o.seq <> r.seq) "
	"AND NOT EXISTS (SELECT FROM pgmigrate.head o WHERE o.revision <> r.id) "
	"AND (SELECT count(*) FROM pgmigrate.applied) = "
	"(SELECT count(*) FROM pgmigrate.revision)"
};

static PgmQuery origin_query = {
	"SELECT h.database, "
	"h.system_identifier = pgmigrate.system_identifier() "
	"FROM pgmigrate.head h "
	"WHERE h.system_identifier <> pgmigrate.system_identifier() "
	"OR h.database <> current_database() "
	"ORDER BY h.revision LIMIT 1"
};

static PgmQuery subscribed_query = {
	"SELECT c.relname::text FROM pg_subscription_rel s "
	"JOIN pg_class c ON c.oid = s.srrelid "
	"WHERE c.relnamespace = 'pgmigrate'::regnamespace "
	"ORDER BY c.relname <> 'head', c.relname LIMIT 1"
};

void
pgm_ledger_refuse_recovery(void)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				errmsg("cannot change revisions or the ledger during recovery"),
				errhint("Connect to the primary server."));
}

char	  **
pgm_ledger_heads(int *n)
{
	PgmSpiScope scope;
	uint64		rows;
	char	  **heads;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&heads_query, NULL, NULL);
	heads = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		heads[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	*n = (int) rows;
	return heads;
}

/*
 * Is the only head of the graph the only row, and all that it implies, which
 * is all that there is, applied?  Told without loading the graph, since an
 * upgrade that finds nothing to do is the usual one.
 */
bool
pgm_ledger_at_only_head(void)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&at_only_head_query, NULL, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

/* The run has the heads that it began with: to try again would not help. */
static void
heads_moved(void)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("current heads were changed during the run"),
			errdetail("Table \"%s\" is not as this run left it.",
					  "pgmigrate.head"),
			errhint("No revision may write to it.  Use pgmigrate.stamp() to record what is in effect."));
}

static void
change_heads(const PgmHeadsChange *change)
{
	Datum		values[1];

	if (change->nremoved > 0)
	{
		values[0] = pgm_text_array_datum(change->nremoved, change->removed);
		if (pgm_spi_execute(&head_delete, values, NULL) != change->nremoved)
			heads_moved();
	}
	if (change->nadded > 0)
	{
		values[0] = pgm_text_array_datum(change->nadded, change->added);
		pgm_spi_execute(&head_insert, values, NULL);
	}
}

static void
write_mirrors(int n, const PgmLedgerChange *changes)
{
	int			nmirrors;
	PgmSpiScope scope;
	PgmMirror  *mirrors;
	PgmMirrorChange *copies;

	pgm_spi_begin_ledger(&scope);
	mirrors = pgm_mirror_list(&scope, &nmirrors);
	pgm_spi_end(&scope);
	copies = palloc0(sizeof(PgmMirrorChange) * n);
	for (int i = 0; i < n; i++)
	{
		const PgmLedgerChange *change = &changes[i];

		copies[i].direction = change->direction;
		copies[i].revision = change->revision;
		copies[i].nremoved = change->heads.nremoved;
		copies[i].removed = change->heads.removed;
		copies[i].nadded = change->heads.nadded;
		copies[i].added = change->heads.added;
	}
	pgm_mirror_write(nmirrors, mirrors, n, copies);
}

static PgmQuery *
step_query(PgmDirection direction)
{
	switch (direction)
	{
		case PGM_UP:
			return &step_up;
		case PGM_DOWN:
			return &step_down;
		case PGM_STAMP:
			return &step_stamp;
	}
	return NULL;				/* keep compiler quiet */
}

/* Of a stamp only the heads; pgm_ledger_set_applied does the rest. */
void
pgm_ledger_apply(const PgmLedgerChange *change)
{
	const PgmHeadsChange *heads = &change->heads;
	bool		move = heads->nremoved == 1 && heads->nadded == 1;
	PgmSpiScope scope;
	Datum		values[15];
	bool		nulls[15] = {false};
	Interval	duration = {0};

	duration.time = change->duration;
	values[0] = Int64GetDatum(change->run);
	values[1] = Int32GetDatum(change->step);
	pgm_set_text(values, nulls, 2, change->revision);
	pgm_set_text(values, nulls, 3, change->digest);
	values[4] = Int32GetDatum(change->statements);
	values[5] = TimestampTzGetDatum(change->started);
	pgm_set_text(values, nulls, 6, move ? heads->removed[0] : NULL);
	pgm_set_text(values, nulls, 7, move ? heads->added[0] : NULL);
	values[8] = TimestampTzGetDatum(change->finished);
	values[9] = IntervalPGetDatum(&duration);
	pgm_set_text(values, nulls, 10, change->details);
	pgm_verification_values(change->proof, &values[11], &nulls[11]);

	pgm_spi_begin_ledger(&scope);
	if (!move)
		change_heads(heads);
	if (pgm_spi_execute(step_query(change->direction), values, nulls) != 1)
		elog(ERROR, "step %d of the run is not in the journal", change->step);
	if (move && pgm_spi_int64(1, 1) != 1)
		heads_moved();
	pgm_spi_end(&scope);
	if (pgm_mirror_any())
		write_mirrors(1, change);
}

void
pgm_ledger_apply_all(int n, const PgmLedgerChange *changes,
					 const PgmHeadsChange *heads)
{
	char	  **revisions = palloc(sizeof(char *) * n);
	char	  **digests = palloc(sizeof(char *) * n);
	char	  **details = palloc(sizeof(char *) * n);
	Datum	   *columns[5];
	Datum		values[8];
	PgmSpiScope scope;

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
	{
		revisions[i] = unconstify(char *, changes[i].revision);
		digests[i] = unconstify(char *, changes[i].digest);
		details[i] = changes[i].details == NULL ? pstrdup("{}") :
			unconstify(char *, changes[i].details);
		columns[0][i] = Int32GetDatum(changes[i].step);
		columns[1][i] = Int32GetDatum(changes[i].statements);
		columns[2][i] = TimestampTzGetDatum(changes[i].started);
		columns[3][i] = TimestampTzGetDatum(changes[i].finished);
		columns[4][i] = Int64GetDatum(changes[i].duration);
	}

	pgm_spi_begin_ledger(&scope);
	change_heads(heads);
	values[0] = Int64GetDatum(changes[0].run);
	values[1] = pgm_text_array_datum(n, revisions);
	values[2] = pgm_text_array_datum(n, digests);
	values[3] = pgm_array_datum(INT4OID, n, columns[0]);
	if (changes[0].direction == PGM_UP)
		pgm_spi_execute(&applied_insert_all, values, NULL);
	else
		pgm_spi_execute(&applied_delete_all, &values[1], NULL);

	values[1] = values[3];
	values[3] = pgm_array_datum(INT4OID, n, columns[1]);
	values[4] = pgm_array_datum(TIMESTAMPTZOID, n, columns[2]);
	values[5] = pgm_array_datum(TIMESTAMPTZOID, n, columns[3]);
	values[6] = pgm_array_datum(INT8OID, n, columns[4]);
	values[7] = pgm_text_array_datum(n, details);
	if (pgm_spi_execute(&steps_done_query, values, NULL) != n)
		elog(ERROR, "steps of the run are not in the journal");

	pgm_spi_end(&scope);
	if (pgm_mirror_any())
		write_mirrors(n, changes);
}

char	  **
pgm_ledger_mirrored_revisions(int *n)
{
	PgmSpiScope scope;
	char	  **revisions = NULL;

	*n = -1;
	if (!pgm_mirror_any())
		return NULL;
	pgm_spi_begin(&scope);
	pgm_spi_execute(&applied_query, NULL, NULL);
	revisions = pgm_spi_text_array(1, 1, n);
	pgm_spi_end(&scope);
	return revisions;
}

void
pgm_ledger_mirror_stamp(int nbefore, char **before)
{
	PgmSpiScope scope;
	Datum		values[1];
	PgmMirror  *mirrors;
	int			nmirrors;
	char	  **removed;
	int			nremoved;
	char	  **added;
	int			nadded;

	if (nbefore < 0)
		return;
	values[0] = pgm_text_array_datum(nbefore, before);
	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&stamped_query, values, NULL);
	removed = pgm_spi_text_array(1, 1, &nremoved);
	added = pgm_spi_text_array(1, 2, &nadded);
	mirrors = pgm_mirror_list(&scope, &nmirrors);
	pgm_spi_end(&scope);
	pgm_mirror_stamp(nmirrors, mirrors, nremoved, removed, nadded, added);
}

int64
pgm_ledger_set_applied(int n, char **revisions, int64 run, int64 *refreshed)
{
	PgmSpiScope scope;
	Datum		values[2];
	int64		changed;

	values[0] = pgm_text_array_datum(n, revisions);
	values[1] = Int64GetDatum(run);
	pgm_spi_begin_ledger(&scope);
	changed = (int64) pgm_spi_execute(&applied_remove_others, values, NULL);
	changed += (int64) pgm_spi_execute(&applied_add, values, NULL);
	if (refreshed != NULL)
		*refreshed = (int64) pgm_spi_execute(&applied_refresh, NULL, NULL);
	pgm_spi_end(&scope);
	return changed;
}

/*
 * Rows of head or of applied were lost, as in a restore of some tables only.
 * To go by one of them would run what has run, or pass over what has not.
 */
static void
refuse_at_odds(int n, char **implied)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	StringInfoData names;
	bool		beyond;

	values[0] = pgm_text_array_datum(n, implied);
	initStringInfo(&names);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&at_odds_query, values, NULL);
	if (rows == 0)
	{
		pgm_spi_end(&scope);
		return;
	}
	beyond = pgm_spi_bool(1, 2);
	for (uint64 i = 1; i <= Min(rows, 10); i++)
		if (pgm_spi_bool(i, 2) == beyond)
			appendStringInfo(&names, "%s\"%s\"", i > 1 ? ", " : "",
							 pgm_spi_text(i, 1));
	if (rows > 10)
		appendStringInfoString(&names, ", ...");
	ereport(ERROR,
			errcode(PGM_ERRCODE_BROKEN_GRAPH),
			errmsg("current heads and applied revisions are at odds"),
			beyond ?
			errdetail("Recorded as applied, but not implied by a row of \"%s\": %s.",
					  "pgmigrate.head", names.data) :
			errdetail("Implied by the rows of \"%s\", but not recorded as applied: %s.",
					  "pgmigrate.head", names.data),
			errhint("Rows of a table were lost or edited; find out what the database has, and record it with pgmigrate.stamp()."));
}

/*
 * Nothing is recorded, and no heads are.  Somebody may have emptied the tables
 * to begin anew, or may have lost them: then all that has run runs again.
 */
static void
warn_of_lost(void)
{
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&left_query, NULL, NULL) > 0)
		ereport(WARNING,
				errmsg("what is recorded as applied was lost"),
				errdetail("Run " INT64_FORMAT " has left the database at %s, and \"%s\" and \"%s\" are empty.",
						  pgm_spi_int64(1, 1), pgm_spi_text(1, 2),
						  "pgmigrate.head", "pgmigrate.applied"),
				errhint("If that is not meant, cancel, find out what the database has, and record it with pgmigrate.stamp()."));
	pgm_spi_end(&scope);
}

static char **
implied_revisions(const PgmGraph *graph, PgmRevSet rows, int *n)
{
	bool	   *applied = pgm_graph_applied(graph, rows);
	char	  **revisions = palloc(sizeof(char *) *
								   Max(pgm_graph_size(graph), 1));

	*n = 0;
	for (int i = 0; i < pgm_graph_size(graph); i++)
		if (applied[i])
			revisions[(*n)++] = unconstify(char *, pgm_graph_id(graph, i));
	pfree(applied);
	return revisions;
}

/*
 * The heads may have been written by hand, as one does who moves from another
 * tool.  If nothing is recorded as applied, what they imply is taken as so
 * with its text of today.
 */
void
pgm_ledger_complete(const PgmGraph *graph, PgmRevSet rows)
{
	int			n;
	char	  **revisions = implied_revisions(graph, rows, &n);
	int64		recorded = pgm_spi_one_int64(&applied_count, NULL, NULL);

	if (recorded == 0 && n > 0)
		(void) pgm_ledger_set_applied(n, revisions, 0, NULL);
	else if (recorded == 0)
		warn_of_lost();
	else
		refuse_at_odds(n, revisions);
	pfree(revisions);
}

void
pgm_ledger_check_complete(const PgmGraph *graph, PgmRevSet rows)
{
	int			n;
	char	  **revisions = implied_revisions(graph, rows, &n);

	if (pgm_spi_one_int64(&applied_count, NULL, NULL) != 0)
		refuse_at_odds(n, revisions);
	pfree(revisions);
}

bool
pgm_ledger_is_applied(const char *revision)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;

	values[0] = pgm_text_datum(revision);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&is_applied, values, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

/*
 * Is it recorded as applied, and not stored any more, while a head is that was
 * not applied by then?  That one cannot be its parent.  Where all is loaded
 * again from the base on, each head was applied before.
 */
bool
pgm_ledger_was_before_heads(const char *revision)
{
	PgmSpiScope scope;
	Datum		value = pgm_text_datum(revision);
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&before_heads_query, &value, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

/*
 * Refuse to build on revisions that do not say any more what was run, as after
 * an UPDATE by hand or a restore of other texts.
 */
void
pgm_ledger_check_unaltered(void)
{
	PgmSpiScope scope;
	StringInfoData names;
	uint64		rows;
	char	   *first = NULL;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&altered_query, NULL, NULL);
	if (rows > 0)
		first = pgm_spi_text(1, 1);
	initStringInfo(&names);
	for (uint64 i = 1; i <= Min(rows, 10); i++)
		appendStringInfo(&names, "%s\"%s\"", i > 1 ? ", " : "",
						 pgm_spi_text(i, 1));
	if (rows > 10)
		appendStringInfoString(&names, ", ...");
	if (rows > 0)
		ereport(ERROR,
				errcode(PGM_ERRCODE_REVISION_ALTERED),
				errmsg("revision \"%s\" was altered after it was applied",
					   first),
				errdetail("The stored SQL is not what ran: %s.", names.data),
				errhint("Restore the text that ran, or accept the stored one with pgmigrate.stamp() of the current heads."));
	pgm_spi_end(&scope);
}

/*
 * A logical subscriber receives the rows but not the DDL, and what it writes
 * itself would end the subscription at the next row of the publisher.
 */
void
pgm_ledger_refuse_subscriber(void)
{
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&subscribed_query, NULL, NULL) > 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the ledger of this database is a logical replica"),
				errdetail("Table \"%s\" is subscribed to, so its rows tell what was applied on the publisher, not here.",
						  psprintf("pgmigrate.%s", pgm_spi_text(1, 1))),
				errhint("Take the tables of schema \"pgmigrate\" out of the subscription, and record what this database has with pgmigrate.stamp()."));
	pgm_spi_end(&scope);
}

/*
 * Say when the ledger came from elsewhere.  After a full restore that is as it
 * should be.
 */
void
pgm_ledger_notice_origin(void)
{
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&origin_query, NULL, NULL) > 0)
	{
		char	   *database = pgm_spi_text(1, 1);
		bool		same_cluster = pgm_spi_bool(1, 2);

		ereport(NOTICE,
				errmsg("the ledger was written in database \"%s\"%s",
					   database ? database : "",
					   same_cluster ? "" : " of another cluster"),
				errhint("That is right after a restore or a clone of the whole database; if only the rows were copied, correct them with pgmigrate.stamp()."));
	}
	pgm_spi_end(&scope);
}

void
pgm_ledger_purge(void)
{
	PgmSpiScope scope;

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(&head_purge, NULL, NULL);
	pgm_spi_end(&scope);
}
