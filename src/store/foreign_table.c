/*-------------------------------------------------------------------------
 *
 * foreign_table.c
 *	  Read and write a table of somebody else, whatever he does meanwhile.
 *
 * The owner of a table, or of its schema, can put another one in its place, or
 * a view, whose functions then run with the rights of whoever looks.  A lock
 * that is waited for makes that easy: the server looks up the name again when
 * the wait is over.  So here all goes by OID: a table is locked, then it is
 * looked at what it is now, and then it is read and written as that.
 *
 * Reading is a scan of the rows into a store, which stands for the table in
 * queries: there is no name to be taken, no policy, rule or function of the
 * owner to be called.  Columns of types that somebody made are left out, since
 * a query would call their casts and operators.
 *
 * A statement that writes has to name the table, as its triggers and defaults
 * are to work.  It is run only if the server has found this table and no
 * other; what was looked at is what is planned and run.
 *
 * The lock is kept until the transaction ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/spi.h"
#include "compat/catalog.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/plan.h"
#include "compat/server.h"
#include "store/foreign_table.h"

/* How long a lock is waited for, if the deadline is not earlier; ms. */
#define MAX_WAIT 10000
#define WAIT_STEP 20

static PgmQuery holder_query = {
	"SELECT l.pid, coalesce(a.usename::text, ''), l.mode FROM pg_locks l "
	"LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"WHERE l.locktype = 'relation' AND l.granted AND l.database = "
	"(SELECT oid FROM pg_database WHERE datname = current_database()) "
	"AND l.relation = $1::oid AND l.pid IS DISTINCT FROM pg_backend_pid() "
	"ORDER BY l.mode = 'AccessExclusiveLock' DESC, l.mode <> 'AccessShareLock' DESC, l.pid LIMIT 1",
	1, {INT8OID}
};

/* ---- locking */

bool
pgm_foreign_table_try_lock(Oid relation, LOCKMODE mode)
{
	return ConditionalLockRelationOid(relation, mode);
}

static char *
describe_holder(Oid relation)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *holder = NULL;

	values[0] = Int64GetDatum((int64) relation);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute_latest(&holder_query, values, NULL) > 0)
	{
		char	   *user = pgm_spi_text(1, 2);
		char	   *mode = pgm_spi_text(1, 3);

		MemoryContextSwitchTo(scope.outer);
		if (pgm_spi_isnull(1, 1))
			holder = psprintf("A prepared transaction holds %s on it.", mode);
		else
			holder = psprintf("Process %d of role \"%s\" holds %s on it.",
							  pgm_spi_int32(1, 1), user, mode);
	}
	pgm_spi_end(&scope);
	return holder;
}

void
pgm_foreign_table_lock(Oid relation, const char *name, LOCKMODE mode)
{
	int			limit = pgm_lock_deadline > 0 ?
		Min(pgm_lock_deadline, MAX_WAIT) : MAX_WAIT;
	int64		end = pgm_clock_monotonic() + limit * INT64CONST(1000);
	char	   *holder;

	while (!ConditionalLockRelationOid(relation, mode))
	{
		CHECK_FOR_INTERRUPTS();
		if (pgm_clock_monotonic() < end)
		{
			pgm_clock_wait(WAIT_STEP);
			continue;
		}
		holder = describe_holder(relation);
		ereport(ERROR,
				errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				errmsg("could not lock table %s within %d ms", name, limit),
				holder ? errdetail_internal("%s", holder) : 0,
				errhint("Try again when it is free, or end the mirroring into it with pgmigrate.adopt(..., mirror => false) if there is one."));
	}
}

/* ---- looking */

static void
look_at_columns(Relation rel, PgmForeignTable *table)
{
	TupleDesc	desc = RelationGetDescr(rel);

	table->ncolumns = 0;
	table->columns = palloc(sizeof(char *) * Max(desc->natts, 1));
	table->types = palloc(sizeof(char *) * Max(desc->natts, 1));
	table->built_in = palloc(sizeof(bool) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int			n = table->ncolumns;

		if (att->attisdropped || att->attgenerated != '\0')
			continue;
		table->columns[n] = pstrdup(NameStr(att->attname));
		table->types[n] = format_type_with_typemod(att->atttypid,
												   att->atttypmod);
		table->built_in[n] = att->atttypid < FirstNormalObjectId;
		table->ncolumns++;
	}
}

static const char *
find_reason(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		return "it is not an ordinary table";
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return "it is a temporary table";
	if (rel->rd_rel->relhasrules)
		return "it has rules";
	if (rel->rd_rel->relforcerowsecurity ||
		check_enable_rls(RelationGetRelid(rel), InvalidOid, true) ==
		RLS_ENABLED)
		return "row security applies to it";
	return NULL;
}

bool
pgm_foreign_table_look(Oid relation, PgmForeignTable *table,
					   const char **reason)
{
	Relation	rel = try_relation_open(relation, NoLock);
	char	   *schema;

	*reason = "it was dropped, renamed or replaced";
	if (rel == NULL)
		return false;
	*reason = find_reason(rel);
	schema = get_namespace_name(RelationGetNamespace(rel));
	if (*reason == NULL && schema == NULL)
		*reason = "it was dropped, renamed or replaced";
	if (*reason == NULL)
	{
		table->relation = relation;
		table->owner = rel->rd_rel->relowner;
		table->schema = RelationGetNamespace(rel);
		table->name = quote_qualified_identifier(schema,
												 RelationGetRelationName(rel));
		look_at_columns(rel, table);
	}
	relation_close(rel, NoLock);
	return *reason == NULL;
}

char *
pgm_foreign_table_denied(const PgmForeignTable *table)
{
	if (PGM_SCHEMA_ACLCHECK(table->schema, GetUserId(),
							ACL_USAGE) == ACLCHECK_OK &&
		pg_class_aclcheck(table->relation, GetUserId(),
						  ACL_SELECT) == ACLCHECK_OK)
		return NULL;
	return table->name;
}

/* ---- reading */

/* Columns that queries may see, and where they are in the table. */
static TupleDesc
describe_offer(TupleDesc desc, int *from)
{
	TupleDesc	offer;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated == '\0' &&
			att->atttypid < FirstNormalObjectId)
			from[n++] = i;
	}
	offer = CreateTemplateTupleDesc(n);
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, from[i]);

		TupleDescInitEntry(offer, i + 1, NameStr(att->attname), att->atttypid,
						   att->atttypmod, 0);
		TupleDescInitEntryCollation(offer, i + 1, att->attcollation);
	}
	return pgm_complete_tupdesc(offer);
}

int64
pgm_foreign_table_offer(Oid relation, const char *name)
{
	Relation	rel = table_open(relation, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	int		   *from = palloc(sizeof(int) * Max(desc->natts, 1));
	TupleDesc	offer = describe_offer(desc, from);
	Datum	   *values = palloc(sizeof(Datum) * Max(offer->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(offer->natts, 1));
	Tuplestorestate *store = tuplestore_begin_heap(true, false, work_mem);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = pgm_table_beginscan(rel, snapshot);
	int64		rows = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < offer->natts; i++)
		{
			values[i] = slot->tts_values[from[i]];
			nulls[i] = slot->tts_isnull[from[i]];
		}
		tuplestore_putvalues(store, offer, values, nulls);
		rows++;
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	pgm_spi_offer(name, offer, store, rows);
	return rows;
}

/* ---- writing */

/* Does a query touch anything but this table? */
static bool
touches_others(Node *node, void *relation)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return castNode(RangeTblEntry, node)->rtekind == RTE_RELATION &&
			castNode(RangeTblEntry, node)->relid != *(Oid *) relation;
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), touches_others,
								 relation, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, touches_others, relation);
}

static ParamListInfo
text_parameters(int nargs, char **args)
{
	ParamListInfo params = makeParamList(nargs);

	for (int i = 0; i < nargs; i++)
	{
		params->params[i].value = args[i] ? CStringGetTextDatum(args[i]) :
			(Datum) 0;
		params->params[i].isnull = args[i] == NULL;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = TEXTOID;
	}
	return params;
}

void
pgm_foreign_table_write(Oid relation, const char *sql, int nargs, char **args)
{
	Oid			types[PGM_QUERY_MAX_ARGS];
	RawStmt    *raw = linitial_node(RawStmt,
									raw_parser(sql, RAW_PARSE_DEFAULT));
	ParamListInfo params = text_parameters(nargs, args);
	PlannedStmt *plan;
	QueryDesc  *desc;
	List	   *queries;

	for (int i = 0; i < nargs; i++)
		types[i] = TEXTOID;

	/* literals of the statement have types, so nothing is evaluated here */
	queries = pg_analyze_and_rewrite_fixedparams(raw, sql, types, nargs, NULL);
	if (list_length(queries) != 1 ||
		touches_others(linitial(queries), &relation))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table was replaced while it was written"));
	plan = pgm_plan_query(linitial_node(Query, queries), sql, params);

	PushCopiedSnapshot(GetLatestSnapshot());
	UpdateActiveSnapshotCommandId();
	desc = CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot,
						   None_Receiver, params, NULL, 0);
	ExecutorStart(desc, 0);
	pgm_executor_run(desc);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	CommandCounterIncrement();
}
