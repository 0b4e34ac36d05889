/*-------------------------------------------------------------------------
 *
 * leftover_indexes.c
 *	  What tries that stopped in the middle left behind, and the end of them.
 *
 * A revision that runs statement by statement leaves, when it stops, what its
 * statements have done, and CONCURRENTLY an INVALID index.  The row of its
 * step knows both: how far it came, and the note written when a statement was
 * begun.  The next run goes by it, unless it was forgotten: the revision was
 * removed, or a stamp said that the database is as the applied revisions make
 * it.
 *
 * An index is INVALID too while another session builds it.  Such a one is
 * nobody's leftover.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "compat/server.h"
#include "store/leftover_indexes.h"

/* The INVALID indexes that a note does not have, of the tables it has. */
#define LEFT_INDEXES(note) \
	"jsonb_array_elements_text(coalesce(" note " ->'tables', '[]')) " \
	"AS t (name) " \
	"JOIN pg_index i ON i.indrelid = to_regclass(t.name) " \
	"JOIN pg_class c ON c.oid = i.indexrelid " \
	"WHERE NOT i.indisvalid AND c.relkind = 'i' " \
	"AND NOT coalesce(" note " ->'invalid', '[]') " \
	"? i.indexrelid::regclass::text " \
	"AND coalesce(c.relname = " note " ->> 'index', true) " \
	"AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p " \
	"WHERE p.index_relid = i.indexrelid)"

/* The last try of its revision, begun by statement, not forgotten. */
#define STOPPED_TRY \
	"s.done_digest IS NOT NULL AND s.state <> 'done' " \
	"AND NOT s.details ? 'forgotten' " \
	"AND NOT EXISTS (SELECT FROM pgmigrate.run_step l " \
	"WHERE l.revision = s.revision AND l.run > s.run " \
	"AND (l.done_digest IS NOT NULL OR l.state = 'done'))"

static PgmQuery indexes_query = {
	"SELECT i.indexrelid::regclass::text FROM " LEFT_INDEXES("$1::jsonb"),
	1, {TEXTOID}
};

static PgmQuery others_query = {
	"SELECT s.run, s.revision, x.name FROM pgmigrate.run_step s "
	"CROSS JOIN LATERAL (SELECT i.indexrelid::regclass::text FROM "
	LEFT_INDEXES("s.details") ") AS x (name) "
	"WHERE " STOPPED_TRY " AND (s.details ->> 'begun')::int = s.statement + 1 "
	"AND s.revision <> ALL ($1) "
	"AND s.revision = coalesce($2, s.revision) ORDER BY s.run",
	2, {TEXTARRAYOID, TEXTOID}
};

static PgmQuery partly_query = {
	"SELECT s.revision, s.run, s.direction, s.statement, s.statements "
	"FROM pgmigrate.run_step s "
	"WHERE " STOPPED_TRY " AND s.statement > 0 ORDER BY s.run"
};

static PgmQuery forget_query = {
	"UPDATE pgmigrate.run_step s "
	"SET details = s.details || '{\"forgotten\": true}' "
	"WHERE " STOPPED_TRY " AND s.revision = coalesce($1, s.revision) "
	"RETURNING s.revision, s.statement, s.statements, "
	"EXISTS (SELECT FROM pgmigrate.applied a WHERE a.revision = s.revision)",
	1, {TEXTOID}
};

char	  **
pgm_leftover_indexes(const char *note, int *n)
{
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	char	  **names;

	*n = 0;
	if (note == NULL)
		return NULL;
	values[0] = pgm_text_datum(note);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&indexes_query, values, NULL);
	names = MemoryContextAlloc(scope.outer, sizeof(char *) * Max(rows, 1));
	for (uint64 i = 0; i < rows; i++)
		names[i] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);
	*n = (int) rows;
	return names;
}

static void
notice_indexes(int n, char **except, const char *only)
{
	PgmSpiScope scope;
	Datum		values[2];
	bool		nulls[2] = {false};
	uint64		rows;

	values[0] = pgm_text_array_datum(n, except);
	pgm_set_text(values, nulls, 1, only);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&others_query, values, nulls);
	for (uint64 i = 1; i <= rows; i++)
		ereport(NOTICE,
				errmsg("index %s is INVALID, left so by revision \"%s\" in run " INT64_FORMAT,
					   pgm_spi_text(i, 3), pgm_spi_text(i, 2),
					   pgm_spi_int64(i, 1)),
				errhint("Drop it with DROP INDEX CONCURRENTLY, unless the revision is to run again."));
	pgm_spi_end(&scope);
}

void
pgm_leftover_notice(int n, char **revisions)
{
	notice_indexes(n, revisions, NULL);
}

PgmPartly *
pgm_leftover_partly(int *n)
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
	}
	pgm_spi_end(&scope);
	*n = (int) rows;
	return partly;
}

void
pgm_leftover_forget(const char *revision)
{
	PgmSpiScope scope;
	Datum		values[1];
	bool		nulls[1];
	uint64		rows;

	notice_indexes(0, NULL, revision);
	pgm_set_text(values, nulls, 0, revision);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&forget_query, values, nulls);
	for (uint64 i = 1; i <= rows; i++)
	{
		int			done = pgm_spi_int32(i, 2);

		if (done > 0 && !pgm_spi_bool(i, 4))
			ereport(NOTICE,
					errmsg("revision \"%s\" is not recorded as partly applied any more",
						   pgm_spi_text(i, 1)),
					errdetail("%d of its %d statements were done; what they did is not undone.",
							  done, pgm_spi_int32(i, 3)));
	}
	pgm_spi_end(&scope);
}
