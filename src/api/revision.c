/*-------------------------------------------------------------------------
 *
 * revision.c
 *	  SQL functions that store, change and remove revisions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "utils/builtins.h"

#include "base/result_rows.h"
#include "base/spi.h"
#include "compat/server.h"
#include "store/authoring.h"

PG_FUNCTION_INFO_V1(pgmigrate_revision);
PG_FUNCTION_INFO_V1(pgmigrate_revision_digest);
PG_FUNCTION_INFO_V1(pgmigrate_merge);
PG_FUNCTION_INFO_V1(pgmigrate_amend);
PG_FUNCTION_INFO_V1(pgmigrate_remove);
PG_FUNCTION_INFO_V1(pgmigrate_approve);
PG_FUNCTION_INFO_V1(pgmigrate_system_identifier);

static PgmTristate
arg_tristate(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return PGM_UNSET;
	return PG_GETARG_BOOL(n) ? PGM_TRUE : PGM_FALSE;
}

/* Null is an array without elements. */
static char **
arg_text_array(FunctionCallInfo fcinfo, int arg, int *n)
{
	*n = 0;
	return PG_ARGISNULL(arg) ? NULL :
		pgm_text_array_values(PG_GETARG_DATUM(arg), n);
}

Datum
pgmigrate_revision(PG_FUNCTION_ARGS)
{
	PgmRevision revision = {0};
	bool		splice = !PG_ARGISNULL(9) && PG_GETARG_BOOL(9);

	revision.message = pgm_arg_text_not_null(fcinfo, 0, "message");
	revision.upgrade = pgm_arg_text_not_null(fcinfo, 1, "upgrade");
	revision.downgrade = pgm_arg_text(fcinfo, 2);
	revision.id = pgm_arg_text(fcinfo, 3);
	revision.parents = arg_text_array(fcinfo, 4, &revision.nparents);
	revision.depends = arg_text_array(fcinfo, 5, &revision.ndepends);
	revision.labels = arg_text_array(fcinfo, 6, &revision.nlabels);
	revision.verify = pgm_arg_text(fcinfo, 7);
	revision.transactional = arg_tristate(fcinfo, 8);
	pgm_author_store(&revision, !PG_ARGISNULL(4), splice);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}

Datum
pgmigrate_merge(PG_FUNCTION_ARGS)
{
	PgmRevision revision = {0};

	revision.parents = arg_text_array(fcinfo, 0, &revision.nparents);
	revision.message = pgm_arg_text(fcinfo, 1);
	revision.id = pgm_arg_text(fcinfo, 2);
	revision.labels = arg_text_array(fcinfo, 3, &revision.nlabels);
	revision.upgrade = pstrdup("");
	revision.downgrade = pstrdup("");
	revision.transactional = PGM_UNSET;
	pgm_author_merge(&revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}

Datum
pgmigrate_amend(PG_FUNCTION_ARGS)
{
	PgmRevision change = {0};

	change.id = pgm_arg_text_not_null(fcinfo, 0, "id");
	change.message = pgm_arg_text(fcinfo, 1);
	change.upgrade = pgm_arg_text(fcinfo, 2);
	change.downgrade = pgm_arg_text(fcinfo, 3);
	change.verify = pgm_arg_text(fcinfo, 4);
	change.transactional = arg_tristate(fcinfo, 5);
	PG_RETURN_TEXT_P(cstring_to_text(pgm_author_amend(&change)));
}

Datum
pgmigrate_remove(PG_FUNCTION_ARGS)
{
	char	   *id = pgm_arg_text_not_null(fcinfo, 0, "id");

	PG_RETURN_TEXT_P(cstring_to_text(pgm_author_remove(id)));
}

Datum
pgmigrate_approve(PG_FUNCTION_ARGS)
{
	char	   *id = pgm_arg_text_not_null(fcinfo, 0, "id");

	char	   *digest = pgm_arg_text(fcinfo, 1);

	PG_RETURN_TEXT_P(cstring_to_text(pgm_author_approve(id, digest)));
}

/* The generated column of pgmigrate.revision: must stay immutable. */
Datum
pgmigrate_revision_digest(PG_FUNCTION_ARGS)
{
	char	   *digest = pgm_revision_digest(pgm_arg_text(fcinfo, 0),
											 pgm_arg_text(fcinfo, 1),
											 pgm_arg_text(fcinfo, 2),
											 arg_tristate(fcinfo, 3));

	PG_RETURN_TEXT_P(cstring_to_text(digest));
}

Datum
pgmigrate_system_identifier(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) GetSystemIdentifier());
}
