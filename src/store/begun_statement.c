/*-------------------------------------------------------------------------
 *
 * begun_statement.c
 *	  Statements that were begun one by one, of revisions that are not over.
 *
 * A revision that runs statement by statement leaves, when it stops, what its
 * statements have done, and CONCURRENTLY an INVALID index.  A row for each of
 * them knows what was there before it was begun, as OIDs, and whether it is
 * known to have committed.  The next run goes by the rows.  They are deleted
 * with the transaction that records the revision, and when they are forgotten:
 * the revision was removed, or a stamp said that the database is as the
 * applied revisions make it.
 *
 * OIDs mean nothing in another cluster.  A dump has no INVALID index, so
 * nothing is left there to be found by them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/digest.h"
#include "base/printable.h"
#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "store/begun_statement.h"
#include "store/leftover_indexes.h"
#include "store/partly_applied.h"
#include "store/revision.h"

/*
 * REINDEX goes over the partitions, a schema or the database, and over the
 * TOAST tables of what it finds; $11 says which, and $12 is the schema.
 */
static PgmQuery insert_query = {
	"WITH reindexed AS MATERIALIZED (SELECT c.oid, c.reltoastrelid "
	"FROM pg_class c WHERE c.relkind IN ('r', 'm') AND CASE $11 "
	"WHEN 'tables' THEN c.oid = ANY ($10) OR c.oid IN (SELECT p.relid "
	"FROM unnest($10) AS u (oid), pg_partition_tree(u.oid) p) "
	"WHEN 'schema' THEN c.relnamespace = $12 "
	"WHEN 'database' THEN true ELSE false END), "
	"t AS MATERIALIZED (SELECT u.oid FROM unnest($10) AS u (oid) "
	"UNION SELECT oid FROM reindexed "
	"UNION SELECT reltoastrelid FROM reindexed WHERE reltoastrelid <> 0), "
	"i AS MATERIALIZED (SELECT i.indexrelid, i.indisvalid, c.relname "
	"FROM pg_index i JOIN t ON t.oid = i.indrelid "
	"JOIN pg_class c ON c.oid = i.indexrelid) "
	"INSERT INTO pgmigrate.begun_statement AS b (revision, statement, "
	"online_step, direction, run, digest, state, in_parts, object, "
	"index_name, relations, invalid, indexes, index_names) "
	"SELECT $1, $2, $3, $4, $5, $6, 'begun', $7, $8, $9, "
	"ARRAY(SELECT t.oid FROM t ORDER BY 1), "
	"ARRAY(SELECT i.indexrelid FROM i WHERE NOT i.indisvalid ORDER BY 1), "
	"ARRAY(SELECT i.indexrelid FROM i WHERE $13 ORDER BY 1), "
	"ARRAY(SELECT i.relname FROM i WHERE $13 ORDER BY 1) "
	"ON CONFLICT (revision, statement, online_step) DO UPDATE "
	"SET direction = excluded.direction, run = excluded.run, "
	"digest = excluded.digest, state = excluded.state, "
	"in_parts = excluded.in_parts, object = excluded.object, "
	"index_name = excluded.index_name, relations = excluded.relations, "
	"invalid = excluded.invalid, indexes = excluded.indexes, "
	"index_names = excluded.index_names, "
	"system_identifier = excluded.system_identifier",
	13, {TEXTOID, INT4OID, INT4OID, TEXTOID, INT8OID, TEXTOID, BOOLOID,
	OIDOID, TEXTOID, OIDARRAYOID, TEXTOID, OIDOID, BOOLOID}
};

/* Bytes of a statement that is told of when it is forgotten. */
#define PGM_FORGOTTEN_TEXT 200

static PgmQuery done_query = {
	"WITH s AS (UPDATE pgmigrate.run_step SET statement = $5 "
	"WHERE run = $1 AND step = $2) "
	"INSERT INTO pgmigrate.begun_statement AS b "
	"(revision, statement, direction, run, digest, state) "
	"SELECT $3, $5 - cardinality($6) + u.n, $4, $1, u.digest, 'done' "
	"FROM unnest($6) WITH ORDINALITY AS u (digest, n) "
	"ON CONFLICT (revision, statement, online_step) DO UPDATE "
	"SET direction = excluded.direction, run = excluded.run, "
	"digest = excluded.digest, state = excluded.state",
	6, {INT8OID, INT4OID, TEXTOID, TEXTOID, INT4OID, TEXTARRAYOID}
};

static PgmQuery undone_query = {
	"UPDATE pgmigrate.begun_statement b SET state = 'undone' "
	"FROM pgmigrate.run_step s WHERE s.run = $1 AND s.step = $2 "
	"AND b.revision = s.revision AND b.statement = s.statement + 1 "
	"AND b.online_step = 0",
	2, {INT8OID, INT4OID}
};

static PgmQuery list_query = {
	"SELECT b.statement, b.run, b.digest, b.state, b.object::int8, "
	"b.system_identifier <> pgmigrate.system_identifier() "
	"FROM pgmigrate.begun_statement b WHERE b.revision = $1 "
	"AND b.direction = $2 AND b.online_step = $3 ORDER BY b.statement",
	3, {TEXTOID, TEXTOID, INT4OID}
};

static PgmQuery delete_online_query = {
	"DELETE FROM pgmigrate.begun_statement "
	"WHERE revision = $1 AND statement = $2 AND online_step > 0",
	2, {TEXTOID, INT4OID}
};

/* Unless statements after those of operation $1 are done, or begun. */
static PgmQuery take_back_query = {
	"DELETE FROM pgmigrate.begun_statement b USING (SELECT revision, "
	"direction, statement, coalesce((details->>'last')::int, statement) "
	"AS last FROM pgmigrate.operation WHERE id = $1) o "
	"WHERE b.revision = o.revision AND b.direction = o.direction "
	"AND b.online_step = 0 AND b.state = 'done' "
	"AND b.statement BETWEEN o.statement AND o.last "
	"AND NOT EXISTS (SELECT FROM pgmigrate.begun_statement l "
	"WHERE l.revision = o.revision AND l.online_step = 0 "
	"AND l.statement > o.last AND l.state IN ('done', 'begun'))",
	1, {INT8OID}
};

static PgmQuery delete_query = {
	"DELETE FROM pgmigrate.begun_statement WHERE revision = $1",
	1, {TEXTOID}
};

/* What is carried out online in transactions has an operation, and no row. */
static PgmQuery any_query = {
	"SELECT FROM pgmigrate.begun_statement "
	"UNION ALL SELECT FROM pgmigrate.operation o "
	"WHERE o.revision IS NOT NULL AND o.state IN ('preparing', 'copying', "
	"'indexing', 'comparing', 'switching', 'failed') LIMIT 1"
};

static PgmQuery online_query = {
	"SELECT o.revision FROM pgmigrate.unfinished_operation o "
	"WHERE o.revision = ANY ($1) AND o.state <> 'switched' "
	"ORDER BY o.id LIMIT 1",
	1, {TEXTARRAYOID}
};

static PgmQuery partly_query = {
	"SELECT b.revision, max(b.run), min(b.direction), "
	"count(*) FILTER (WHERE b.state = 'done')::int, "
	"coalesce(max(s.statements), 0), bool_or(b.state = 'begun') "
	"FROM pgmigrate.partly_applied b "
	"LEFT JOIN pgmigrate.run_step s "
	"ON s.run = b.run AND s.revision = b.revision "
	"GROUP BY b.revision ORDER BY 2"
};

/* Those that have made more than the statements themselves would. */
static PgmQuery standing_query = {
	"SELECT o.id, o.revision, o.relation_name, o.state = 'switched' "
	"FROM pgmigrate.operation o JOIN pgmigrate.unfinished_operation u "
	"ON u.id = o.id WHERE o.revision = coalesce($1, o.revision) "
	"AND (o.method <> 'in place' OR o.state = 'switched') "
	"AND o.system_identifier = pgmigrate.system_identifier() "
	"ORDER BY o.id LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery forget_query = {
	"WITH o AS (UPDATE pgmigrate.operation o SET state = 'cancelled', "
	"waiting_for = NULL, finished = clock_timestamp() "
	"FROM pgmigrate.unfinished_operation u WHERE u.id = o.id "
	"AND o.revision = coalesce($1, o.revision) "
	"RETURNING o.id, o.revision, o.run), "
	"r AS (DELETE FROM pgmigrate.operation_range r USING o "
	"WHERE r.operation = o.id), "
	"b AS (DELETE FROM pgmigrate.begun_statement b "
	"WHERE b.revision = coalesce($1, b.revision) "
	"RETURNING b.revision, b.run, b.state, b.in_parts, b.direction, "
	"b.statement, b.online_step, b.digest), "
	"f AS (SELECT * FROM b "
	"UNION ALL SELECT revision, run, 'begun', true, NULL, 0, 0, NULL FROM o), "
	"g AS (SELECT revision, min(run) AS first, max(run) AS last, "
	"min(direction) AS direction, "
	"count(*) FILTER (WHERE state = 'done' AND online_step = 0)::int AS done, "
	"bool_or(in_parts AND state = 'begun' "
	"OR online_step > 0 AND state = 'done') AS parts, "
	"array_agg(statement::text ORDER BY statement) "
	"FILTER (WHERE state = 'done' AND online_step = 0) AS numbers, "
	"array_agg(digest ORDER BY statement) "
	"FILTER (WHERE state = 'done' AND online_step = 0) AS digests "
	"FROM f GROUP BY revision), "
	"s AS (UPDATE pgmigrate.run_step s "
	"SET details = s.details || '{\"forgotten\": true}' FROM g "
	"WHERE s.revision = g.revision AND s.run >= g.first "
	"AND s.state <> 'done') "
	"SELECT g.revision, g.done, (SELECT t.statements "
	"FROM pgmigrate.run_step t WHERE t.run = g.last "
	"AND t.revision = g.revision LIMIT 1), g.parts, g.direction, "
	"coalesce(g.numbers, '{}'), coalesce(g.digests, '{}') FROM g "
	"WHERE (g.done > 0 OR g.parts) AND NOT EXISTS (SELECT FROM pgmigrate.applied a "
	"WHERE a.revision = g.revision) ORDER BY g.last",
	1, {TEXTOID}
};

static PgmBegunState
begun_state(const char *name)
{
	return strcmp(name, "done") == 0 ? PGM_BEGUN_DONE :
		strcmp(name, "undone") == 0 ? PGM_BEGUN_UNDONE : PGM_BEGUN;
}

/* Of us, whatever a revision has SET. */
static void
execute(PgmQuery *query, const Datum *values, const bool *nulls)
{
	PgmSpiScope scope;

	pgm_spi_begin_ledger(&scope);
	pgm_spi_execute(query, values, nulls);
	pgm_spi_end(&scope);
}

void
pgm_begun_insert(const PgmBegun *begun, const PgmBegunScope *scope)
{
	Datum		values[13];
	bool		nulls[13] = {false};

	values[0] = pgm_text_datum(begun->revision);
	values[1] = Int32GetDatum(begun->statement);
	values[2] = Int32GetDatum(begun->online_step);
	values[3] = pgm_text_datum(begun->direction);
	values[4] = Int64GetDatum(begun->run);
	values[5] = pgm_text_datum(begun->digest);
	values[6] = BoolGetDatum(scope->in_parts);
	values[7] = ObjectIdGetDatum(begun->object);
	pgm_set_text(values, nulls, 8, scope->index);
	values[9] = pgm_oid_array_datum(scope->tables);
	pgm_set_text(values, nulls, 10, scope->reindexed);
	values[11] = ObjectIdGetDatum(scope->schema);
	values[12] = BoolGetDatum(scope->unnamed);
	execute(&insert_query, values, nulls);
}

void
pgm_begun_done(int64 run, int step, const char *direction,
			   const PgmSource *source, int first, int next)
{
	char	  **digests = palloc(sizeof(char *) * Max(next - first, 1));
	Datum		values[6];

	for (int i = first; i < next; i++)
		digests[i - first] = pgm_resume_digest(source, i, NULL);
	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(step);
	values[2] = pgm_text_datum(source->revision);
	values[3] = pgm_text_datum(direction);
	values[4] = Int32GetDatum(next);
	values[5] = pgm_text_array_datum(next - first, digests);
	execute(&done_query, values, NULL);
}

void
pgm_begun_set_undone(int64 run, int step)
{
	Datum		values[2];

	values[0] = Int64GetDatum(run);
	values[1] = Int32GetDatum(step);
	execute(&undone_query, values, NULL);
}

PgmBegun *
pgm_begun_list(const char *revision, const char *direction, int online_step,
			   int *n)
{
	PgmSpiScope scope;
	Datum		values[3];
	PgmBegun   *list;
	uint64		rows;

	values[0] = pgm_text_datum(revision);
	values[1] = pgm_text_datum(direction);
	values[2] = Int32GetDatum(online_step);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&list_query, values, NULL);
	list = MemoryContextAlloc(scope.outer, sizeof(PgmBegun) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
	{
		list[i].revision = revision;
		list[i].direction = direction;
		list[i].statement = pgm_spi_int32(i + 1, 1);
		list[i].online_step = online_step;
		list[i].run = pgm_spi_int64(i + 1, 2);
		list[i].digest = pgm_spi_text(i + 1, 3);
		list[i].state = begun_state(pgm_spi_text(i + 1, 4));
		list[i].object = (Oid) pgm_spi_int64(i + 1, 5);
		list[i].elsewhere = pgm_spi_bool(i + 1, 6);
	}
	pgm_spi_end(&scope);
	*n = (int) rows;
	return list;
}

void
pgm_begun_delete_online(const char *revision, int statement)
{
	Datum		values[2];

	values[0] = pgm_text_datum(revision);
	values[1] = Int32GetDatum(statement);
	execute(&delete_online_query, values, NULL);
}

void
pgm_begun_delete(const char *revision)
{
	Datum		values[1];

	values[0] = pgm_text_datum(revision);
	execute(&delete_query, values, NULL);
}

bool
pgm_begun_any(void)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&any_query, NULL, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

/* The first of the revisions of which a statement is half carried out. */
static char *
find_online(int n, char **revisions)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *result = NULL;

	values[0] = pgm_text_array_datum(n, revisions);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&online_query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result;
}

bool
pgm_begun_online(char *revision)
{
	return find_online(1, &revision) != NULL;
}

void
pgm_begun_refuse_online(int n, char **revisions)
{
	char	   *revision = find_online(n, revisions);

	if (revision != NULL)
		ereport(ERROR,
				errcode(PGM_ERRCODE_PARTLY_APPLIED),
				errmsg("revision \"%s\" is partly applied", revision),
				errdetail("A statement of it was begun online, see pgmigrate.operations."),
				errhint("Call SELECT pgmigrate.upgrade() or downgrade() as a statement of its own, with \"pgmigrate.transaction_per_migration\" on."));
}

PgmPartly *
pgm_begun_partly(int *n)
{
	PgmSpiScope scope;
	uint64		rows;
	PgmPartly  *partly;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&partly_query, NULL, NULL);
	partly = MemoryContextAlloc(scope.outer,
								sizeof(PgmPartly) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
	{
		partly[i].revision = pgm_spi_text(i + 1, 1);
		partly[i].run = pgm_spi_int64(i + 1, 2);
		partly[i].direction = pgm_spi_text(i + 1, 3);
		partly[i].done = pgm_spi_int32(i + 1, 4);
		partly[i].statements = pgm_spi_int32(i + 1, 5);
		partly[i].in_parts = pgm_spi_bool(i + 1, 6);
	}
	pgm_spi_end(&scope);
	*n = (int) rows;
	return partly;
}

int64
pgm_begun_standing(const char *revision)
{
	Datum		values[1];

	values[0] = pgm_text_datum(revision);
	return pgm_spi_one_int64(&standing_query, values, NULL);
}

/* What writes to its copy would go on with that, and nobody knew of it. */
static void
refuse_standing(const Datum *values, const bool *nulls)
{
	int64		id;

	if (pgm_spi_execute(&standing_query, values, nulls) == 0)
		return;
	id = pgm_spi_int64(1, 1);
	ereport(ERROR,
			errcode(PGM_ERRCODE_PARTLY_APPLIED),
			errmsg("operation " INT64_FORMAT " of revision \"%s\" is not over",
				   id, pgm_spi_text(1, 2)),
			errdetail("What it has made beside table \"%s\" is still there.",
					  pgm_spi_text(1, 3)),
			pgm_spi_bool(1, 4) ?
			errhint("Go on with the revision; or end that with SELECT * FROM pgmigrate.revert(" INT64_FORMAT ") or finalize(" INT64_FORMAT ").",
					id, id) :
			errhint("Go on with the revision; or end that with SELECT * FROM pgmigrate.revert(" INT64_FORMAT ").",
					id));
}

/* One whose statements are no longer recorded as done. */
typedef struct Forgotten
{
	char	   *revision;
	int			done;
	int			statements;
	bool		parts;
	char	   *direction;
	int			n;
	char	  **numbers;		/* of those that were done … */
	char	  **digests;		/* … and of their texts */
	PgmSource  *source;
} Forgotten;

static void *
make_forgotten(uint64 row)
{
	Forgotten  *result = palloc0(sizeof(Forgotten));

	result->revision = pgm_spi_text(row, 1);
	result->done = pgm_spi_int32(row, 2);
	result->statements = pgm_spi_int32(row, 3);
	result->parts = pgm_spi_bool(row, 4);
	result->direction = pgm_spi_text(row, 5);
	result->numbers = pgm_spi_text_array(row, 6, &result->n);
	result->digests = pgm_spi_text_array(row, 7, &result->n);
	return result;
}

static void
parse_forgotten(void *arg)
{
	Forgotten  *forgotten = arg;
	bool		up = strcmp(forgotten->direction, "up") == 0;
	const PgmRevision *revision = pgm_revision_get(forgotten->revision);
	const char *text = revision == NULL ? NULL :
		up ? revision->upgrade : revision->downgrade;

	if (text != NULL)
		forgotten->source = pgm_source_parse(text, up ? PGM_SOURCE_UPGRADE :
											 PGM_SOURCE_DOWNGRADE,
											 forgotten->revision);
}

/*
 * What was done is what somebody has to look after now.  A text that cannot be
 * parsed any more, or was changed, tells nothing of that.
 */
static char *
done_statements(Forgotten *forgotten)
{
	StringInfoData list;

	initStringInfo(&list);
	if (forgotten->n > 0)
		(void) pgm_txn_try(parse_forgotten, forgotten);
	for (int i = 0; forgotten->source != NULL && i < forgotten->n; i++)
	{
		int			n = pg_strtoint32(forgotten->numbers[i]) - 1;

		if (n < forgotten->source->nstatements &&
			strcmp(pgm_resume_digest(forgotten->source, n, NULL),
				   forgotten->digests[i]) == 0)
			appendStringInfo(&list, "\n%d: %s", n + 1,
							 pgm_text_cut(pgm_printable_line(pgm_statement_text(forgotten->source,
																				n)),
										  PGM_FORGOTTEN_TEXT));
	}
	return list.data;
}

void
pgm_begun_forget(const char *revision)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		nulls[1] = {false};
	List	   *all;
	ListCell   *lc;

	pgm_leftover_forgotten(revision);
	pgm_set_text(values, nulls, 0, revision);
	pgm_spi_begin(&scope);
	refuse_standing(values, nulls);
	pgm_spi_end(&scope);
	all = pgm_spi_list(&forget_query, values, nulls, make_forgotten);
	foreach(lc, all)
	{
		Forgotten  *forgotten = lfirst(lc);

		ereport(NOTICE,
				errmsg("revision \"%s\" is not recorded as partly applied any more",
					   forgotten->revision),
				errdetail("%d of its %d statements were done%s; what they did is not undone.%s",
						  forgotten->done, forgotten->statements,
						  forgotten->parts ? PGM_PARTS_OF_NEXT : "",
						  done_statements(forgotten)));
	}
}

bool
pgm_begun_take_back(int64 operation)
{
	PgmSpiScope scope;
	Datum		values[1] = {Int64GetDatum(operation)};
	bool		result;

	pgm_spi_begin(&scope);
	result = pgm_spi_execute(&take_back_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return result;
}
