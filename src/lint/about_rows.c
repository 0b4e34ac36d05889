/*-------------------------------------------------------------------------
 *
 * about_rows.c
 *	  Rules about statements that change rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rls.h"

#include "base/spi.h"
#include "compat/parse.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "sql/relation_names.h"
#include "sql/statements.h"

/* Tables whose rows go, or change, with those of this one, and about how many
 * they have. */
static PgmQuery cascades_query = {
	"WITH RECURSIVE k (oid, goes, depth) AS (SELECT $1, true, 0 UNION "
	"SELECT f.conrelid, f.confdeltype = 'c', k.depth + 1 FROM k "
	"JOIN pg_constraint f ON f.confrelid = k.oid AND f.contype = 'f' "
	"AND f.conparentid = 0 AND f.confdeltype IN ('c', 'n', 'd') "
	"WHERE k.goes AND k.depth < 16) "
	"SELECT c.oid::int8, (CASE WHEN c.reltuples < 0 OR c.relkind = 'p' "
	"THEN coalesce((SELECT sum(pg_relation_size(t.relid)) "
	"FROM pg_partition_tree(c.oid) t), pg_relation_size(c.oid)) / 100 "
	"ELSE c.reltuples END)::int8 "
	"FROM (SELECT DISTINCT oid FROM k WHERE oid <> $1) x "
	"JOIN pg_class c USING (oid) ORDER BY 2 DESC, 1",
	1, {OIDOID}
};

/* So many rows in one transaction are many. */
#define BULK_ROWS 10000

/* Does row security keep rows of this table from the current role? */
static bool
hides_rows(const PgmEffect *effect)
{
	return OidIsValid(effect->relid) &&
		(effect->relkind == RELKIND_RELATION ||
		 effect->relkind == RELKIND_PARTITIONED_TABLE) &&
		check_enable_rls(effect->relid, InvalidOid, true) == RLS_ENABLED;
}

static void
lint_hidden(PgmLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (!effect->named || effect->created_here || !hides_rows(effect))
			continue;
		(void) pgm_lint_find(lint->judged, "row-security", effect,
							 psprintf("row security hides rows of %s from role %s: the statement sees, and changes, only those that a policy shows",
									  pgm_effect_name(effect),
									  quote_identifier(GetUserNameFromId(GetUserId(), false))),
							 pstrdup("Run it as a role with BYPASSRLS, or as the owner of a table without FORCE ROW LEVEL SECURITY."));
	}
}

/* Rows of other tables go along. */
static void
lint_cascade(PgmLint *lint, const RangeVar *name)
{
	const PgmVerdict *verdict = lint->verdict;
	Oid			relid = pgm_lookup_relation(name);
	PgmEffect  *deleted = OidIsValid(relid) ?
		pgm_verdict_find(lint->verdict, relid) : NULL;
	double		share = verdict->planned && verdict->all_rows > 0 ?
		verdict->changed_rows / verdict->all_rows : 1;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	PgmSpiScope scope;
	int			n;
	Oid		   *tables;
	int64	   *rows;

	if (deleted == NULL)
		return;
	pgm_spi_begin(&scope);
	n = (int) pgm_spi_execute(&cascades_query, values, NULL);
	tables = MemoryContextAlloc(scope.outer, sizeof(Oid) * Max(n, 1));
	rows = MemoryContextAlloc(scope.outer, sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		tables[i] = (Oid) pgm_spi_int64(i + 1, 1);
		rows[i] = pgm_spi_int64(i + 1, 2);
	}
	pgm_spi_end(&scope);
	for (int i = 0; i < n; i++)
	{
		PgmEffect  *effect = pgm_verdict_effect(lint->verdict, tables[i],
												RowExclusiveLock);
		double		many = rows[i] * share;

		if (many >= BULK_ROWS)
			(void) pgm_lint_find(lint->judged, "cascading-delete", effect,
								 psprintf("about %.0f rows of %s are deleted or changed with those of %s",
										  many, pgm_effect_name(effect),
										  pgm_effect_name(deleted)),
								 psprintf("Delete the rows of %s first, in batches, each in a transaction of its own.",
										  pgm_effect_name(effect)));
	}
}

/* How many of them, or as many as there are where nobody knows. */
static char *
changed_rows(const PgmVerdict *verdict, const char *name, const Node *where)
{
	if (where == NULL)
		return psprintf("all rows of %s", name);
	if (verdict->planned)
		return psprintf("about %.0f of %.0f rows of %s",
						verdict->changed_rows, verdict->all_rows, name);
	return psprintf("up to %.0f rows of %s", verdict->all_rows, name);
}

/* A table that a statement, or a query in WITH, changes rows of. */
static void
lint_bulk(PgmLint *lint, const RangeVar *name, Node *where, bool delete)
{
	const PgmVerdict *verdict = lint->verdict;
	double		rows = verdict->planned ? verdict->changed_rows : -1;
	Oid			relid = pgm_lookup_relation(name);
	PgmEffect  *effect = OidIsValid(relid) ?
		pgm_verdict_find(lint->verdict, relid) : NULL;
	PgmFinding *finding;
	const PgmStrategy *strategy;
	bool		online = lint->judged->strategy != NULL &&
		lint->judged->strategy->kind != PGM_STRATEGY_PLAIN;
	char	   *hint = NULL;

	if (effect == NULL || effect->created_here || hides_rows(effect) ||
		(where != NULL &&
		 (rows < 0 ? verdict->all_rows : rows) < BULK_ROWS))
		return;
	strategy = pgm_strategy_possibility(verdict, false);
	if (!online)
		hint = strategy->kind == PGM_STRATEGY_PLAIN ?
			pstrdup("Do it in batches by ranges of its key, each in a transaction of its own.") :
			pgm_lint_online(lint);
	lint->effect = effect;
	finding = pgm_lint_find(lint->judged, "bulk-update", effect,
							psprintf("%s are %s %s%s",
									 changed_rows(verdict, pgm_effect_name(effect), where),
									 delete ? "deleted" : "updated",
									 online ? "range by range" : "in one transaction",
									 rows < 0 && where != NULL ?
									 ", and how many cannot be estimated before it runs" : ""),
							hint);
	finding->rows_go = delete || (pgm_is_merge(lint->stmt) &&
								  pgm_merge_does(lint->stmt, CMD_DELETE));
	if (rows >= 0)
		finding->details = psprintf("{\"rows\": %.0f, \"of\": %.0f}", rows,
									verdict->all_rows);
	if (verdict->planned && verdict->all_rows < BULK_ROWS)
		finding->level = PGM_LEVEL_INFO;
}

/* A join keeps no more rows than a condition does. */
static Node *
condition(Node *where, List *joined)
{
	return where != NULL ? where : (Node *) joined;
}

static void
lint_merge(PgmLint *lint, Node *merge)
{
	if (pgm_merge_does(merge, CMD_UPDATE) || pgm_merge_does(merge, CMD_DELETE))
		lint_bulk(lint, pgm_merge_target(merge), pgm_merge_condition(merge),
				  !pgm_merge_does(merge, CMD_UPDATE));
}

static void
lint_with(PgmLint *lint, const WithClause *with)
{
	ListCell   *lc;

	if (with == NULL)
		return;
	foreach(lc, with->ctes)
	{
		Node	   *query = lfirst_node(CommonTableExpr, lc)->ctequery;

		if (IsA(query, UpdateStmt))
		{
			UpdateStmt *update = castNode(UpdateStmt, query);

			lint_bulk(lint, update->relation,
					  condition(update->whereClause, update->fromClause), false);
		}
		else if (IsA(query, DeleteStmt))
		{
			DeleteStmt *delete = castNode(DeleteStmt, query);

			lint_bulk(lint, delete->relation,
					  condition(delete->whereClause, delete->usingClause), true);
			lint_cascade(lint, delete->relation);
		}
		else if (pgm_is_merge(query))
			lint_merge(lint, query);
	}
}

void
pgm_lint_rows(PgmLint *lint)
{
	Node	   *stmt = pgm_query_run(lint->stmt);

	if (stmt == NULL)
		return;
	if (!IsA(stmt, InsertStmt))
		lint_hidden(lint);

	/* one that fails changes nothing */
	if (lint->verdict->sqlerrcode != 0)
		return;
	if (IsA(stmt, UpdateStmt))
	{
		UpdateStmt *update = castNode(UpdateStmt, stmt);

		lint_bulk(lint, update->relation,
				  condition(update->whereClause, update->fromClause), false);
	}
	else if (IsA(stmt, DeleteStmt))
	{
		DeleteStmt *delete = castNode(DeleteStmt, stmt);

		lint_bulk(lint, delete->relation,
				  condition(delete->whereClause, delete->usingClause), true);
		lint_cascade(lint, delete->relation);
	}
	else if (pgm_is_merge(stmt))
		lint_merge(lint, stmt);
	lint_with(lint, pgm_changing_with(stmt));
}
