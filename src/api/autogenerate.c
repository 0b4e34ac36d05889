/*-------------------------------------------------------------------------
 *
 * autogenerate.c
 *	  SQL functions that write revisions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/result_rows.h"
#include "diff/generate.h"
#include "store/authoring.h"
#include "store/ledger.h"

PG_FUNCTION_INFO_V1(pgmigrate_autogenerate);
PG_FUNCTION_INFO_V1(pgmigrate_diff);

static char *
text_of(const JsonbValue *value, bool renames)
{
	if (value->type != jbvString)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" must be an object of names",
					   renames ? "renames" : "desired_schemas"),
				renames ?
				errhint("For example {\"users.phone\": \"tel\"}: the old name, and the new one without its table.") :
				errhint("For example {\"app_next\": \"app\"}: a schema, and the one that is to become like it."));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* {"users.phone": "tel"} */
static List *
read_names(FunctionCallInfo fcinfo, int arg, bool are_renames)
{
	List	   *renames = NIL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	PgmRename  *rename = NULL;

	if (PG_ARGISNULL(arg))
		return NIL;
	iterator = JsonbIteratorInit(&PG_GETARG_JSONB_P(arg)->root);
	token = JsonbIteratorNext(&iterator, &value, false);
	if (token != WJB_BEGIN_OBJECT)
	{
		value.type = jbvNull;
		(void) text_of(&value, are_renames);
	}
	while (token != WJB_DONE)
	{
		token = JsonbIteratorNext(&iterator, &value, true);
		if (token == WJB_KEY)
		{
			rename = palloc0(sizeof(PgmRename));
			rename->old_name = text_of(&value, are_renames);
		}
		else if (token == WJB_VALUE)
		{
			rename->new_name = text_of(&value, are_renames);
			renames = lappend(renames, rename);
		}
	}
	return renames;
}

static void
read_desired(PgmDesired *desired, FunctionCallInfo fcinfo, int arg,
			 int renames)
{
	memset(desired, 0, sizeof(PgmDesired));
	desired->text = pgm_arg_text(fcinfo, arg);
	desired->database = pgm_arg_text(fcinfo, arg + 1);
	desired->renames = read_names(fcinfo, renames, true);
	desired->schemas = read_names(fcinfo, renames + 1, false);
}

Datum
pgmigrate_diff(PG_FUNCTION_ARGS)
{
	PgmRows		rows;
	PgmDesired	desired;
	List	   *statements;
	ListCell   *cell;

	pgm_rows_begin(&rows, fcinfo);
	read_desired(&desired, fcinfo, 0, 2);
	statements = pgm_generate_diff(&desired);
	foreach(cell, statements)
		pgm_rows_line(lfirst(cell), &rows);
	return (Datum) 0;
}

/* It leads from the schema as it is, not from what its parents will make. */
static void
warn_of_pending(const PgmRevision *revision)
{
	for (int i = 0; i < revision->nparents; i++)
		if (!pgm_ledger_is_applied(revision->parents[i]))
			ereport(WARNING,
					errmsg("revision \"%s\" stands on \"%s\", which is not applied",
						   revision->id, revision->parents[i]),
					errdetail("It was made from the schema as it is, and may do again what pending revisions do."),
					errhint("Remove it, upgrade, and generate it anew."));
}

Datum
pgmigrate_autogenerate(PG_FUNCTION_ARGS)
{
	PgmRevision revision = {0};
	PgmDesired	desired;

	revision.message = pgm_arg_text_not_null(fcinfo, 0, "message");
	revision.id = pgm_arg_text(fcinfo, 3);
	revision.transactional = PGM_UNSET;
	read_desired(&desired, fcinfo, 1, 4);
	if (!pgm_generate_revision(&desired, &revision.upgrade,
							   &revision.downgrade))
	{
		ereport(NOTICE,
				errmsg("nothing to do, the schema is as desired already"));
		PG_RETURN_NULL();
	}
	pgm_author_store(&revision, false, false);
	warn_of_pending(&revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}
