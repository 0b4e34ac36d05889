/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  SQL functions that take over the ledgers of other tools.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/result_rows.h"
#include "interop/adopt.h"

PG_FUNCTION_INFO_V1(pgmigrate_detect_ledgers);
PG_FUNCTION_INFO_V1(pgmigrate_adopt);
PG_FUNCTION_INFO_V1(pgmigrate_adopt_named);

Datum
pgmigrate_detect_ledgers(PG_FUNCTION_ARGS)
{
	PgmForeignLedger *ledgers;
	PgmRows		rows;
	int			n;

	pgm_rows_begin(&rows, fcinfo);
	ledgers = pgm_adopt_detect(&n);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, ledgers[i].tool->name);
		pgm_rows_text(&rows, ledgers[i].name);
		if (ledgers[i].readable)
			pgm_rows_datum(&rows, Int64GetDatum(ledgers[i].rows));
		else
			pgm_rows_null(&rows);
		pgm_rows_text(&rows, ledgers[i].state);
		pgm_rows_text(&rows, ledgers[i].detail);
		pgm_rows_bool(&rows, ledgers[i].mirrored);
		pgm_rows_end_row(&rows);
	}
	return (Datum) 0;
}

static void
adopt(FunctionCallInfo fcinfo, const char *tool, Oid relation,
	  const char *name)
{
	bool		mirror = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	PgmAdoptRow *adopted;
	PgmRows		rows;
	int			n;

	pgm_rows_begin(&rows, fcinfo);
	adopted = pgm_adopt(tool, relation, name, mirror, pgm_arg_text(fcinfo, 3),
						&n);
	for (int i = 0; i < n; i++)
	{
		pgm_rows_text(&rows, adopted[i].version);
		pgm_rows_text(&rows, adopted[i].revision);
		pgm_rows_text(&rows, adopted[i].action);
		pgm_rows_end_row(&rows);
	}
}

Datum
pgmigrate_adopt(PG_FUNCTION_ARGS)
{
	char	   *tool = pgm_arg_text_not_null(fcinfo, 0, "tool");

	adopt(fcinfo, tool, PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1),
		  NULL);
	return (Datum) 0;
}

/* Rights are looked at later: none are needed to end a mirroring. */
static Oid
find_table(text * name)
{
	RangeVar   *var = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid			schema;

	if (var->schemaname == NULL || var->catalogname != NULL)
		return RangeVarGetRelid(var, NoLock, true);
	schema = get_namespace_oid(var->schemaname, true);
	return OidIsValid(schema) ? get_relname_relid(var->relname, schema) :
		InvalidOid;
}

/* By its name, under which there may be no table any more. */
Datum
pgmigrate_adopt_named(PG_FUNCTION_ARGS)
{
	char	   *tool = pgm_arg_text_not_null(fcinfo, 0, "tool");

	if (PG_ARGISNULL(1))
		adopt(fcinfo, tool, InvalidOid, NULL);
	else
		adopt(fcinfo, tool, find_table(PG_GETARG_TEXT_PP(1)),
			  text_to_cstring(PG_GETARG_TEXT_PP(1)));
	return (Datum) 0;
}
