/*-------------------------------------------------------------------------
 *
 * fit.c
 *	  Does what goes by a column go with its new type?
 *
 * Looked at before a row is copied, on an empty copy of the table that is
 * rolled back: where the table itself is altered at the end, or what goes by
 * its columns is made again for other ones, that would be found out after all
 * of the copying, and the server does not say what it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/value.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/error_privacy.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "clone/misfit.h"
#include "online/column_internal.h"
#include "online/dependents.h"
#include "online/fit.h"
#include "online/layout.h"
#include "online/owner.h"

/* Of table $1, the same for table $2 in schema $3. */
static PgmQuery statistics_query = {
	"SELECT format('CREATE STATISTICS %I.%I ON %s FROM %s', $3, s.stxname, "
	"pg_get_statisticsobjdef_columns(s.oid), $2::regclass) "
	"FROM pg_statistic_ext s WHERE s.stxrelid = $1 ORDER BY s.oid",
	3, {OIDOID, OIDOID, TEXTOID}
};

typedef struct Look
{
	const PgmShadow *shadow;
	Oid			relid;
	char	   *misfit;
	ErrorData  *reason;
} Look;

typedef struct Statement
{
	AlterTableStmt *stmt;
	const char *text;
} Statement;

static void
run(void *arg)
{
	const Statement *statement = arg;

	pgm_layout_run((Node *) statement->stmt, statement->text);
	CommandCounterIncrement();
}

/* With all that goes by its columns, and is not of other tables. */
static Oid
make_copy(Oid relid, const char *schema)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			copy = pgm_layout_create(rel, RelationGetRelationName(rel),
										 get_namespace_oid(schema, false));
	Datum		values[3] = {ObjectIdGetDatum(relid), ObjectIdGetDatum(copy)};
	ListCell   *lc;

	pgm_layout_copy_indexes(rel, copy, true);
	table_close(rel, NoLock);
	values[2] = pgm_text_datum(schema);
	foreach(lc, pgm_spi_texts(&statistics_query, values))
		pgm_layout_run_text(lfirst(lc));
	CommandCounterIncrement();
	return copy;
}

/* An error of a statement itself is for whoever carries it out; then false. */
static bool
try_statements(Look *look, Oid copy)
{
	const PgmShadowRequest *request = look->shadow->request;

	for (int i = request->n; i <= request->last; i++)
	{
		Statement	statement = {NULL, request->source->text};
		const Node *stmt;

		if (!pgm_shadow_changes(look->shadow, i))
			continue;
		stmt = request->source->statements[i].raw->stmt;
		statement.stmt = pgm_layout_alter_statement(stmt, copy);
		if (pgm_txn_try(run, &statement) == NULL)
			continue;
		if (pgm_altered_types(statement.stmt) != NIL)
			look->misfit = pgm_find_misfit(copy, statement.stmt,
										   statement.text, &look->reason);
		return false;
	}
	return true;
}

/* What the statements of the pass drop, and make again for the new types. */
static List *
dropped_keys(const PgmShadowRequest *request)
{
	List	   *result = NIL;

	for (int i = request->n; i <= request->last; i++)
		result = list_concat(result, pgm_joint_dropped(request->source, i));
	return pgm_joint_with_descendants(result);
}

/* As the owner, with the search_path of the caller for the statements. */
static void
look_at_copy(void *arg)
{
	Look	   *look = arg;
	PgmShadow	shadow = *look->shadow;
	PgmOwnerScope scope;
	int			level;
	Oid			copy;

	if (shadow.schema == NULL)
		pgm_shadow_make_schema(&shadow);
	pgm_owner_enter(&scope, shadow.owner);
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	copy = make_copy(look->relid, shadow.schema);
	AtEOXact_GUC(false, level);
	if (try_statements(look, copy))
		look->misfit = pgm_fit_find_key(look->relid, copy, shadow.schema,
										dropped_keys(shadow.request),
										&look->reason);
	pgm_owner_leave(&scope);
}

static bool
alters_types(const PgmShadow *shadow)
{
	ListCell   *lc;

	foreach(lc, pgm_shadow_commands(shadow))
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AlterColumnType)
		return true;
	return false;
}

void
pgm_shadow_refuse_misfit(const PgmShadow *shadow, Oid relid)
{
	Look		look = {shadow, relid};

	if (get_rel_relkind(relid) != RELKIND_RELATION || !alters_types(shadow))
		return;
	/* no subtransaction begins with invalidations that are pending */
	CommandCounterIncrement();
	(void) pgm_txn_look(look_at_copy, &look);
	if (look.misfit == NULL)
		return;

	/* of an operator that does not exist a detail, since 19, says less */
	if (look.reason->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION)
		look.reason->detail = NULL;
	/* it quotes no value of a row */
	pgm_error_note_own_hint(_(PGM_MISFIT_REMEDY));
	ereport(ERROR,
			errcode(look.reason->sqlerrcode),
			errmsg("%s of table %s does not fit the new type of a column",
				   look.misfit, pgm_layout_name(relid)),
			errdetail_internal("%s", look.reason->detail != NULL ?
							   look.reason->detail : look.reason->message),
			errhint("%s", _(PGM_MISFIT_REMEDY)));
}
