/*-------------------------------------------------------------------------
 *
 * kept_details.c
 *	  What an operation remembers of what it keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi_list.h"
#include "online/kept_internal.h"

List *
pgm_kept_read(const PgmOperation *operation, PgmQuery *query,
			  void *(*make) (uint64 row))
{
	Datum		values[1] = {pgm_text_datum(operation->details)};

	return pgm_spi_list(query, values, NULL, make);
}
