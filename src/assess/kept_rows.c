/*-------------------------------------------------------------------------
 *
 * kept_rows.c
 *	  Are rows that a statement deletes stored elsewhere before?
 *
 * An INSERT … SELECT, a CREATE TABLE AS or a SELECT INTO of the same source
 * does that, if it stores all columns of the table for all of its rows, or
 * for those of the same condition in the same words; and so does an INSERT of
 * what a DELETE in its WITH returns.  Whatever is written otherwise is not
 * seen, which errs to the safe side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "assess/kept_rows.h"
#include "classify/verdict.h"
#include "compat/returning.h"
#include "sql/statements.h"

static bool
is_same_table(const RangeVar *a, const RangeVar *b)
{
	return strcmp(a->relname, b->relname) == 0 &&
		equal(a->schemaname, b->schemaname);
}

/* The query whose rows a statement stores, and the table that gets them. */
static SelectStmt *
stored_query(Node *stmt, RangeVar **into)
{
	Node	   *query;

	if (IsA(stmt, InsertStmt) &&
		castNode(InsertStmt, stmt)->onConflictClause == NULL)
	{
		*into = castNode(InsertStmt, stmt)->relation;
		query = castNode(InsertStmt, stmt)->selectStmt;
	}
	else if (IsA(stmt, CreateTableAsStmt) &&
			 !castNode(CreateTableAsStmt, stmt)->into->skipData)
	{
		*into = castNode(CreateTableAsStmt, stmt)->into->rel;
		query = castNode(CreateTableAsStmt, stmt)->query;
	}
	else if (IsA(stmt, SelectStmt) &&
			 castNode(SelectStmt, stmt)->intoClause != NULL)
	{
		*into = castNode(SelectStmt, stmt)->intoClause->rel;
		query = stmt;
	}
	else
		return NULL;
	return query != NULL && IsA(query, SelectStmt) ?
		castNode(SelectStmt, query) : NULL;
}

/* Is a column, or with a null name every one, among the targets? */
static bool
is_selected(const List *targets, const char *column)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		Node	   *value = lfirst_node(ResTarget, lc)->val;
		Node	   *last;

		if (!IsA(value, ColumnRef))
			continue;
		last = llast(castNode(ColumnRef, value)->fields);
		if (column == NULL ? IsA(last, A_Star) :
			IsA(last, String) && strcmp(strVal(last), column) == 0)
			return true;
	}
	return false;
}

static bool
has_all_columns(const List *targets, Oid relid)
{
	CatCList   *columns;
	bool		all = true;

	if (is_selected(targets, NULL))
		return true;
	columns = SearchSysCacheList1(ATTNUM, ObjectIdGetDatum(relid));
	for (int i = 0; i < columns->n_members; i++)
	{
		Form_pg_attribute column =
			(Form_pg_attribute) GETSTRUCT(&columns->members[i]->tuple);

		all &= column->attnum <= 0 || column->attisdropped ||
			is_selected(targets, NameStr(column->attname));
	}
	ReleaseSysCacheList(columns);
	return all;
}

/* Has a query in WITH of its own the name of the table? */
static bool
is_shadowed(const SelectStmt *select, const RangeVar *table)
{
	ListCell   *lc;

	if (select->withClause == NULL || table->schemaname != NULL)
		return false;
	foreach(lc, select->withClause->ctes)
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename,
				   table->relname) == 0)
		return true;
	return false;
}

/* Does a query return all rows of the table that have the condition? */
static bool
returns_rows(const SelectStmt *select, const RangeVar *table, Node *where)
{
	return select->op == SETOP_NONE && list_length(select->fromClause) == 1 &&
		!is_shadowed(select, table) &&
		IsA(linitial(select->fromClause), RangeVar) &&
		is_same_table(linitial(select->fromClause), table) &&
		linitial_node(RangeVar, select->fromClause)->inh == table->inh &&
		select->distinctClause == NIL && select->groupClause == NIL &&
		select->havingClause == NULL && select->limitOffset == NULL &&
		select->limitCount == NULL &&
		(select->whereClause == NULL || equal(select->whereClause, where));
}

/* Is the table there after the source? */
static bool
is_left(const PgmSource *source, const RangeVar *table)
{
	if (table->relpersistence == RELPERSISTENCE_TEMP ||
		(table->schemaname != NULL &&
		 strncmp(table->schemaname, "pg_temp", 7) == 0))
		return false;
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;
		ListCell   *lc;

		if (IsA(stmt, CreateStmt) &&
			castNode(CreateStmt, stmt)->relation->relpersistence ==
			RELPERSISTENCE_TEMP &&
			strcmp(castNode(CreateStmt, stmt)->relation->relname,
				   table->relname) == 0)
			return false;
		if (IsA(stmt, DropStmt) &&
			castNode(DropStmt, stmt)->removeType == OBJECT_TABLE)
			foreach(lc, castNode(DropStmt, stmt)->objects)
				if (strcmp(strVal(llast(lfirst_node(List, lc))),
						   table->relname) == 0)
				return false;
	}
	return true;
}

/* WITH d AS (DELETE … RETURNING *) INSERT INTO … SELECT * FROM d */
static bool
are_moved(const PgmSource *source, Node *stmt, Oid relid)
{
	RangeVar   *into;
	SelectStmt *select = stored_query(stmt, &into);
	WithClause *with = pgm_changing_with(stmt);
	ListCell   *lc;

	if (select == NULL || with == NULL || !is_left(source, into))
		return false;
	foreach(lc, with->ctes)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		DeleteStmt *delete;

		if (!IsA(cte->ctequery, DeleteStmt))
			continue;
		delete = castNode(DeleteStmt, cte->ctequery);
		if (pgm_lookup_relation(delete->relation) == relid &&
			!is_same_table(into, delete->relation) &&
			has_all_columns(pgm_delete_returning(delete), relid) &&
			returns_rows(select, makeRangeVar(NULL, cte->ctename, -1),
						 NULL) &&
			has_all_columns(select->targetList, relid))
			return true;
	}
	return false;
}

bool
pgm_rows_are_kept(const PgmSource *source, int n, Oid relid)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	const DeleteStmt *delete;

	if (!IsA(stmt, DeleteStmt))
		return are_moved(source, stmt, relid);
	delete = castNode(DeleteStmt, stmt);
	for (int i = 0; i < n; i++)
	{
		RangeVar   *into;
		SelectStmt *select = stored_query(source->statements[i].raw->stmt,
										  &into);

		if (select != NULL && !is_same_table(into, delete->relation) &&
			returns_rows(select, delete->relation, delete->whereClause) &&
			has_all_columns(select->targetList, relid) &&
			is_left(source, into))
			return true;
	}
	return false;
}
