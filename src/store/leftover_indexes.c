/*-------------------------------------------------------------------------
 *
 * leftover_indexes.c
 *	  INVALID indexes that tries which stopped in the middle left behind.
 *
 * The row of a begun statement knows the tables that it works on, and which of
 * their indexes were INVALID before.  An index is INVALID too while another
 * session builds it.  Such a one is nobody's leftover.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "compat/server.h"
#include "store/leftover_indexes.h"

/* With the row of the statement as "b". */
#define LEFT_INDEXES \
	"pgmigrate.begun_statement b " \
	"JOIN pg_index i ON i.indrelid = ANY (b.relations) " \
	"JOIN pg_class c ON c.oid = i.indexrelid " \
	"WHERE b.system_identifier = pgmigrate.system_identifier() " \
	"AND NOT i.indisvalid AND c.relkind = 'i' " \
	"AND i.indexrelid <> ALL (b.invalid) " \
	"AND coalesce(c.relname = b.index_name, true) " \
	"AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p " \
	"WHERE p.index_relid = i.indexrelid) "

static PgmQuery indexes_query = {
	"SELECT i.indexrelid::regclass::text FROM " LEFT_INDEXES
	"AND b.revision = $1 AND b.statement = $2 AND b.online_step = $3 "
	"ORDER BY i.indexrelid",
	3, {TEXTOID, INT4OID, INT4OID}
};

static PgmQuery others_query = {
	"SELECT b.run, b.revision, i.indexrelid::regclass::text FROM "
	LEFT_INDEXES "AND b.state <> 'done' AND b.revision <> ALL ($1) "
	"AND b.revision = coalesce($2, b.revision) ORDER BY b.run, i.indexrelid",
	2, {TEXTARRAYOID, TEXTOID}
};

char	  **
pgm_leftover_indexes(const PgmBegun *begun, int *n)
{
	PgmSpiScope scope;
	Datum		values[3];
	uint64		rows;
	char	  **names;

	values[0] = pgm_text_datum(begun->revision);
	values[1] = Int32GetDatum(begun->statement);
	values[2] = Int32GetDatum(begun->online_step);
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
tell(int n, char **except, const char *only, const char *hint)
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
				errhint("%s", hint));
	pgm_spi_end(&scope);
}

void
pgm_leftover_notice(int n, char **except)
{
	tell(n, except, NULL,
		 "Drop it with DROP INDEX CONCURRENTLY, unless the revision is to run again.");
}

/* The next try does not know it, and finds its name taken. */
void
pgm_leftover_forgotten(const char *revision)
{
	tell(0, NULL, revision,
		 "Drop it with DROP INDEX CONCURRENTLY: no run will, for what the revision has begun is forgotten.");
}
