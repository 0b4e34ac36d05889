/*-------------------------------------------------------------------------
 *
 * autogenerate.c
 *	  SQL functions that write revisions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/result_rows.h"
#include "diff/generate.h"
#include "store/authoring.h"

PG_FUNCTION_INFO_V1(pgmigrate_autogenerate);
PG_FUNCTION_INFO_V1(pgmigrate_diff);

Datum
pgmigrate_diff(PG_FUNCTION_ARGS)
{
	PgmRows		rows;
	List	   *statements;
	ListCell   *cell;

	pgm_rows_begin(&rows, fcinfo);
	statements = pgm_generate_diff(pgm_arg_text(fcinfo, 0),
								   pgm_arg_text(fcinfo, 1));
	foreach(cell, statements)
		pgm_rows_line(lfirst(cell), &rows);
	return (Datum) 0;
}

Datum
pgmigrate_autogenerate(PG_FUNCTION_ARGS)
{
	PgmRevision revision = {0};

	revision.message = pgm_arg_text_not_null(fcinfo, 0, "message");
	revision.id = pgm_arg_text(fcinfo, 3);
	revision.transactional = PGM_UNSET;
	if (!pgm_generate_revision(pgm_arg_text(fcinfo, 1),
							   pgm_arg_text(fcinfo, 2), &revision.upgrade,
							   &revision.downgrade))
	{
		ereport(NOTICE,
				errmsg("nothing to do, the schema is as desired already"));
		PG_RETURN_NULL();
	}
	pgm_author_store(&revision, false, false);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}
