/*-------------------------------------------------------------------------
 *
 * spi_list.c
 *	  What a query finds, as a list, and lists for a query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/value.h"

#include "base/spi_list.h"

List *
pgm_spi_list(PgmQuery *query, const Datum *values, const bool *nulls,
			 void *(*make) (uint64 row))
{
	PgmSpiScope scope;
	List	   *result = NIL;
	MemoryContext old;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(query, values, nulls);
	old = MemoryContextSwitchTo(scope.outer);
	for (uint64 i = 1; i <= rows; i++)
		result = lappend(result, make(i));
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	return result;
}

static void *
first_text(uint64 row)
{
	return pgm_spi_text(row, 1);
}

List *
pgm_spi_texts(PgmQuery *query, const Datum *values)
{
	return pgm_spi_list(query, values, NULL, first_text);
}

char *
pgm_spi_one_text(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	char	   *text = NULL;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(query, values, NULL) > 0)
		text = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return text;
}

bool
pgm_spi_one_bool(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	bool		result;

	pgm_spi_begin(&scope);
	result = pgm_spi_execute(query, values, NULL) > 0 && pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return result;
}

int64
pgm_spi_one_int64(PgmQuery *query, const Datum *values, const bool *nulls)
{
	PgmSpiScope scope;
	int64		result = 0;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(query, values, nulls) > 0)
		result = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	return result;
}

Datum
pgm_names_datum(const List *names)
{
	char	  **texts = palloc(sizeof(char *) * Max(list_length(names), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		texts[n++] = strVal(lfirst(lc));
	return pgm_text_array_datum(n, texts);
}
