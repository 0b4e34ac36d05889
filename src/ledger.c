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
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/ledger.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "error.h"
#include "ledger.h"
#include "mirror.h"
#include "spi.h"

static PgmQuery heads_query = {
	"SELECT revision FROM pgmigrate.head ORDER BY revision COLLATE \"C\""
};

static PgmQuery head_update = {
	"UPDATE pgmigrate.head SET revision = $2, applied_at = now(), "
	"system_identifier = DEFAULT, database = DEFAULT WHERE revision = $1",
	2, {TEXTOID, TEXTOID}
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

static PgmQuery applied_insert = {
	"INSERT INTO pgmigrate.applied (revision, digest, run, step) "
	"VALUES ($1, $2, $3, $4) ON CONFLICT (revision) DO UPDATE "
	"SET digest = excluded.digest, applied_at = excluded.applied_at, "
	"run = excluded.run, step = excluded.step",
	4, {TEXTOID, TEXTOID, INT8OID, INT4OID}
};

static PgmQuery applied_delete = {
	"DELETE FROM pgmigrate.applied WHERE revision = $1",
	1, {TEXTOID}
};

static PgmQuery applied_remove_others = {
	"DELETE FROM pgmigrate.applied a WHERE NOT EXISTS "
	"(SELECT FROM unnest($1) AS u (revision) WHERE u.revision = a.revision)",
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
	"AND NOT EXISTS (SELECT FROM pgmigrate.head o WHERE o.revision <> r.id)"
};

static PgmQuery origin_query = {
	"SELECT h.database, "
	"h.system_identifier = pgmigrate.system_identifier(), "
	"EXISTS (SELECT FROM pg_subscription_rel s "
	"WHERE s.srrelid = 'pgmigrate.head'::regclass) "
	"FROM pgmigrate.head h "
	"WHERE h.system_identifier <> pgmigrate.system_identifier() "
	"OR h.database <> current_database() "
	"ORDER BY h.revision LIMIT 1"
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
 * Is the only head of the graph the only row?  Told without loading the
 * graph, since an upgrade that finds nothing to do is the usual one.
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

static void
heads_moved(void)
{
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("current heads were changed by somebody else"),
			errdetail("Table \"%s\" is not as this run left it.",
					  "pgmigrate.head"));
}

static void
change_heads(const PgmLedgerChange *change)
{
	Datum		values[2];

	if (change->nremoved == 1 && change->nadded == 1)
	{
		values[0] = pgm_text_datum(change->removed[0]);
		values[1] = pgm_text_datum(change->added[0]);
		if (pgm_spi_execute(&head_update, values, NULL) != 1)
			heads_moved();
		return;
	}
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

/* A stamp changes heads only; pgm_ledger_set_applied does the rest. */
void
pgm_ledger_apply(const PgmLedgerChange *change)
{
	PgmSpiScope scope;
	PgmMirror  *mirrors;
	int			nmirrors;
	Datum		values[4];

	pgm_spi_begin(&scope);
	change_heads(change);
	if (change->direction == PGM_UP)
	{
		values[0] = pgm_text_datum(change->revision);
		values[1] = pgm_text_datum(change->digest);
		values[2] = Int64GetDatum(change->run);
		values[3] = Int32GetDatum(change->step);
		pgm_spi_execute(&applied_insert, values, NULL);
	}
	else if (change->direction == PGM_DOWN)
	{
		values[0] = pgm_text_datum(change->revision);
		pgm_spi_execute(&applied_delete, values, NULL);
	}
	mirrors = pgm_mirror_list(&scope, &nmirrors);
	pgm_spi_end(&scope);

	if (nmirrors > 0)
	{
		PgmMirrorChange copy = {0};

		copy.direction = change->direction;
		copy.revision = change->revision;
		copy.nremoved = change->nremoved;
		copy.removed = change->removed;
		copy.nadded = change->nadded;
		copy.added = change->added;
		pgm_mirror_write(nmirrors, mirrors, &copy);
	}
}

/* Returns how many digests were not those of the stored texts. */
int64
pgm_ledger_set_applied(int n, char **revisions, int64 run,
					   bool refresh_digests)
{
	PgmSpiScope scope;
	Datum		values[2];
	int64		refreshed = 0;

	values[0] = pgm_text_array_datum(n, revisions);
	values[1] = Int64GetDatum(run);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&applied_remove_others, values, NULL);
	pgm_spi_execute(&applied_add, values, NULL);
	if (refresh_digests)
		refreshed = (int64) pgm_spi_execute(&applied_refresh, NULL, NULL);
	pgm_spi_end(&scope);
	return refreshed;
}

/*
 * The heads may have been written by hand, as one does who moves from another
 * tool.  What they imply is then taken as applied with its text of today.
 */
void
pgm_ledger_complete(const PgmGraph *graph, PgmRevSet rows)
{
	bool	   *applied = pgm_graph_applied(graph, rows);
	char	  **revisions;
	int			n = 0;
	int64		recorded;
	PgmSpiScope scope;

	revisions = palloc(sizeof(char *) * Max(pgm_graph_size(graph), 1));
	for (int i = 0; i < pgm_graph_size(graph); i++)
		if (applied[i])
			revisions[n++] = unconstify(char *, pgm_graph_id(graph, i));

	pgm_spi_begin(&scope);
	pgm_spi_execute(&applied_count, NULL, NULL);
	recorded = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);

	if (recorded != n)
		(void) pgm_ledger_set_applied(n, revisions, 0, false);
	pfree(revisions);
	pfree(applied);
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
 * Say when the ledger came from elsewhere.  After a full restore that is as it
 * should be.  A logical subscriber receives the rows but not the DDL, so there
 * it is refused.
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

		if (pgm_spi_bool(1, 3))
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("the ledger of this database is a logical replica"),
					errdetail("Table \"%s\" is subscribed to, so its rows tell what was applied on the publisher, not here.",
							  "pgmigrate.head"),
					errhint("Take the tables of schema \"pgmigrate\" out of the subscription, and record what this database has with pgmigrate.stamp()."));
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

	pgm_spi_begin(&scope);
	pgm_spi_execute(&head_purge, NULL, NULL);
	pgm_spi_end(&scope);
}
