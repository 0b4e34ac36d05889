/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  SQL functions about the schema of the database.
 *
 * They work on a standby.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/spi.h"
#include "schema/fingerprint.h"

PG_FUNCTION_INFO_V1(pgmigrate_fingerprint);

Datum
pgmigrate_fingerprint(PG_FUNCTION_ARGS)
{
	char	  **schemas = NULL;
	PgmSchema  *schema;
	int			n = 0;

	if (!PG_ARGISNULL(0))
		schemas = pgm_text_array_values(PG_GETARG_DATUM(0), &n);
	schema = pgm_schema_read(n, schemas);
	PG_RETURN_TEXT_P(cstring_to_text(pgm_schema_digest(schema)));
}
