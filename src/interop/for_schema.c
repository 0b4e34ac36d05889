/*-------------------------------------------------------------------------
 *
 * for_schema.c
 *	  Take over the ledger of a schema: its rows are revisions on the branch
 *	  that the schema has, made from those that are stored for all schemas.
 *
 * What nobody has loaded is not imported here: it would be a revision without
 * SQL for the schemas that are still to come.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"

#include "base/name_list.h"
#include "interop/internal.h"
#include "store/schema_branch.h"

void
pgm_adopt_check_schema(const char *schema, bool mirror)
{
	if (schema == NULL)
		return;
	if (mirror)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot keep the ledger of a schema in step"),
				errhint("From here on go on with pgmigrate.fleet() only."));
	pgm_schema_branch_refuse_system(schema);
	pgm_schema_branch_check(schema);
}

int
pgm_adopt_of_schema(const char *tool, const char *schema, int n,
					PgmForeignLedger *ledgers)
{
	Oid			namespace = get_namespace_oid(schema, false);
	int			kept = 0;

	for (int i = 0; i < n; i++)
		if (get_rel_namespace(ledgers[i].relation) == namespace)
			ledgers[kept++] = ledgers[i];
	if (kept == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("there is no ledger of %s in schema \"%s\"", tool,
					   schema),
				errhint("Function %s lists the ledgers that are here.",
						"pgmigrate.detect_ledgers()"));
	return kept;
}

static void
refuse_unknown(const PgmForeignLedger *ledger, int n, const PgmAdoptRow *rows)
{
	StringInfoData names;
	int			nunknown = 0;

	initStringInfo(&names);
	for (int i = 0; i < n; i++)
		if (rows[i].revision == NULL)
			pgm_name_list_add(&names, ++nunknown, rows[i].version);
	if (nunknown > 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("ledger %s has versions that no stored revision is",
					   ledger->name),
				errdetail("They are %s.", names.data),
				errhint("Load their files first; or record where the schema is with pgmigrate.stamp(target, schemas => ...)."));
}

/* What is recorded of it is applied in the database, not in the schema. */
static void
refuse_kept(const PgmForeignLedger *ledger)
{
	if (ledger->mirrored)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("ledger %s is kept in step as that of the database",
					   ledger->name),
				errhint("Where it is that of a schema, pass its table to pgmigrate.adopt() without for_schema, which ends that, and take back what is recorded of it with pgmigrate.stamp()."));
}

void
pgm_adopt_make_branch(const PgmForeignLedger *ledger, const char *schema,
					  int n, PgmAdoptRow *rows)
{
	char	  **ids = palloc(sizeof(char *) * Max(n, 1));

	refuse_kept(ledger);
	refuse_unknown(ledger, n, rows);
	for (int i = 0; i < n; i++)
		ids[i] = rows[i].revision;
	pgm_schema_branch_make_each(schema, n, ids);
	for (int i = 0; i < n; i++)
		rows[i].revision = ids[i];
}
