/*-------------------------------------------------------------------------
 *
 * kept_details.c
 *	  What an operation remembers of what it keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "online/kept_internal.h"

List *
pgm_kept_read(const PgmOperation *operation, PgmQuery *query,
			  void *(*make) (uint64 row))
{
	PgmSpiScope scope;
	Datum		values[1] = {pgm_text_datum(operation->details)};
	List	   *result = NIL;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);

		result = lappend(result, make(i));
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return result;
}
