/*-------------------------------------------------------------------------
 *
 * wrong_names.c
 *	  Statements about rows that fail for a name.
 *
 * Queries are not tried, for they change rows and run code.  Their names are
 * looked up by the server's own analysis, of a SELECT of all expressions that
 * are in the statement: to analyze it as it is would lock the table that it
 * writes to.  Of that one the columns are looked up here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "assess/row_plans.h"
#include "assess/wrong_names.h"
#include "base/cancel.h"
#include "base/transaction.h"
#include "classify/foreign_code.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/kinds.h"

/* ---- is it certain? */

/* Can it have made, or changed, what the statement names? */
static bool
may_matter(PgmVerdict *earlier, const PgmVerdict *verdict)
{
	Node	   *stmt = earlier->source->statements[earlier->n].raw->stmt;
	ListCell   *lc;

	if (earlier->opaque && !earlier->plain)
		return true;
	if (pgm_statement_is(stmt, PGM_CHANGES_ROWS) ||
		IsA(stmt, SelectStmt) || IsA(stmt, VariableSetStmt))
		return false;
	if (!IsA(stmt, AlterTableStmt) && !IsA(stmt, IndexStmt) &&
		!IsA(stmt, CommentStmt))
		return true;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->named && pgm_verdict_find(earlier, effect->relid) != NULL)
			return true;
	}
	return false;
}

static bool
is_certain(const PgmVerdict *verdict, const List *past)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		if (((PgmEffect *) lfirst(lc))->created_here)
			return false;
	}
	foreach(lc, past)
	{
		if (may_matter(lfirst(lc), verdict))
			return false;
	}
	return true;
}

/* ---- what is looked up */

/* The columns that are written to; indirection into them is not looked at. */
static void
check_columns(const RangeVar *name, List *targets, bool once)
{
	Oid			relid = pgm_lookup_relation(name);
	List	   *seen = NIL;
	ListCell   *lc;

	if (!OidIsValid(relid))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation \"%s\" does not exist", name->relname));
	foreach(lc, targets)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (target->name == NULL)
			continue;
		if (get_attnum(relid, target->name) == InvalidAttrNumber)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist",
						   target->name, name->relname));
		if (target->indirection != NIL)
			continue;
		if (list_member(seen, makeString(target->name)))
			ereport(ERROR,
					errcode(once ? ERRCODE_DUPLICATE_COLUMN :
							ERRCODE_SYNTAX_ERROR),
					once ?
					errmsg("column \"%s\" specified more than once",
						   target->name) :
					errmsg("multiple assignments to same column \"%s\"",
						   target->name));
		seen = lappend(seen, makeString(target->name));
	}
}

static int
count_columns(Oid relid)
{
	int			n = 0;

	for (AttrNumber attnum = 1; get_attname(relid, attnum, true) != NULL;
		 attnum++)
	{
		/* one that was dropped has no type */
		if (OidIsValid(get_atttype(relid, attnum)))
			n++;
	}
	return n;
}

/* More values than columns, or fewer than are named. */
static void
check_values(const InsertStmt *insert)
{
	const SelectStmt *select = (SelectStmt *) insert->selectStmt;
	int			nvalues;
	int			ncolumns = list_length(insert->cols);

	if (select == NULL || !IsA(select, SelectStmt) ||
		select->valuesLists == NIL)
		return;
	nvalues = list_length(linitial(select->valuesLists));
	if (insert->cols == NIL)
		ncolumns = count_columns(pgm_lookup_relation(insert->relation));
	if (nvalues > ncolumns)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("INSERT has more expressions than target columns"));
	if (nvalues < ncolumns && insert->cols != NIL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("INSERT has more target columns than expressions"));
}

static bool
is_default(const Node *value)
{
	return value == NULL || IsA(value, SetToDefault) ||
		IsA(value, MultiAssignRef);
}

/* Values to be assigned, as the targets of a SELECT. */
static List *
values_of(List *targets)
{
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, targets)
	{
		ResTarget  *target = makeNode(ResTarget);

		target->val = lfirst_node(ResTarget, lc)->val;
		target->location = -1;
		if (!is_default(target->val))
			values = lappend(values, target);
	}
	return values;
}

static SelectStmt *
select_from(List *targets, RangeVar *relation, List *from, Node *where,
			WithClause *with)
{
	SelectStmt *select = makeNode(SelectStmt);

	select->targetList = targets;
	select->fromClause = lcons(relation, list_copy(from));
	select->whereClause = where;
	select->withClause = with;
	return select;
}

static void
check_procedure(List *name)
{
	if (pgm_function_candidates(name) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("procedure %s does not exist", NameListToString(name)));
}

/* NULL if there is nothing to look up. */
static Node *
query_of(Node *stmt)
{
	UpdateStmt *update;
	DeleteStmt *delete;
	InsertStmt *insert;

	switch (nodeTag(stmt))
	{
		case T_UpdateStmt:
			update = castNode(UpdateStmt, stmt);
			check_columns(update->relation, update->targetList, false);
			if (pgm_is_positioned(update->whereClause))
				return NULL;
			return (Node *) select_from(values_of(update->targetList),
										update->relation, update->fromClause,
										update->whereClause,
										update->withClause);
		case T_DeleteStmt:
			delete = castNode(DeleteStmt, stmt);
			check_columns(delete->relation, NIL, false);
			if (pgm_is_positioned(delete->whereClause))
				return NULL;
			return (Node *) select_from(NIL, delete->relation,
										delete->usingClause,
										delete->whereClause,
										delete->withClause);
		case T_InsertStmt:
			insert = castNode(InsertStmt, stmt);
			check_columns(insert->relation, insert->cols, true);
			check_values(insert);

			/* values can be DEFAULT, and a WITH of its own hides names */
			return insert->withClause == NULL ? insert->selectStmt : NULL;
		case T_CallStmt:
			check_procedure(castNode(CallStmt, stmt)->funccall->funcname);
			return NULL;
		case T_SelectStmt:
			return stmt;
		default:
			return NULL;
	}
}

/* What writes rows in a WITH would lock their table. */
static bool
can_be_analyzed(Node *query)
{
	WithClause *with;
	SelectStmt *select;
	ListCell   *lc;

	if (query == NULL)
		return false;
	select = castNode(SelectStmt, query);
	if (select->valuesLists != NIL)
		return false;
	select->intoClause = NULL;
	select->lockingClause = NIL;
	with = select->withClause;
	if (with != NULL)
		foreach(lc, with->ctes)
	{
		if (!IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt))
			return false;
	}
	return true;
}

static void
look_up(PgmVerdict *verdict, Node *stmt, bool authored)
{
	RawStmt    *raw = makeNode(RawStmt);

	raw->stmt = query_of(stmt);
	if (!can_be_analyzed(raw->stmt) ||
		pgm_strange_code(raw->stmt, NULL, GetUserId(), authored) != NULL)
		return;
	(void) pg_analyze_and_rewrite_fixedparams(raw, verdict->source->text,
											  NULL, 0, NULL);
}

/* Is there, or is there not, what it names? */
static bool
is_about_names(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) ==
		ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE &&
		sqlerrcode != ERRCODE_INDETERMINATE_DATATYPE;
}

void
pgm_find_wrong_names(PgmVerdict *verdict, const List *past, bool authored)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *error;
	int			level;

	if (verdict->sqlerrcode != 0 || !is_certain(verdict, past))
		return;
	level = pgm_txn_begin_sub();
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		look_up(verdict, copyObject(stmt), authored);
		pgm_txn_rollback_sub(level);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (pgm_error_is_cancel(error))
			PG_RE_THROW();
		FlushErrorState();
		pgm_txn_rollback_sub(level);
		if (is_about_names(error->sqlerrcode))
		{
			verdict->sqlerrcode = error->sqlerrcode;
			verdict->reason = error->message;
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}
