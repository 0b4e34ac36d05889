/*-------------------------------------------------------------------------
 *
 * row_reads.c
 *	  What an UPDATE or DELETE reads: would a later part read something else?
 *
 * As it is written a statement reads everything as of one snapshot.  A part of
 * it sees what the parts before it have changed: rows of the table itself, and
 * those that a foreign key changes along with them.  What a trigger changes is
 * not known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/query_columns.h"
#include "strategy/internal.h"
#include "strategy/row_change.h"

typedef struct RowReading
{
	const PgmChange *change;
	const Query *query;			/* the statement */
	const Query *within;		/* the query of it that is looked at */
	List	   *family;			/* of the table */
	const char *refusal;
} RowReading;

/*
 * $1: the table and those below it, $2: the columns that are set, $3: whether
 * rows are deleted, $4: what is read.
 */
static PgmQuery cascades_query = {
	"WITH RECURSIVE k (relid) AS (SELECT f.conrelid FROM pg_constraint f "
	"WHERE f.contype = 'f' AND f.confrelid = ANY ($1) AND CASE WHEN $3 "
	"THEN f.confdeltype IN ('c', 'n', 'd') ELSE f.confupdtype IN ('c', 'n', "
	"'d') AND EXISTS (SELECT FROM pg_attribute a "
	"WHERE a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey) "
	"AND a.attname = ANY ($2)) END UNION SELECT f.conrelid FROM k "
	"JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = k.relid "
	"AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', "
	"'d'))) SELECT EXISTS (SELECT FROM k WHERE relid = ANY ($4))",
	4, {OIDARRAYOID, TEXTARRAYOID, BOOLOID, OIDARRAYOID}
};

static bool
is_cascaded_to(const RowReading *reading, const List *read)
{
	const PgmChange *change = reading->change;
	char	  **names = palloc(sizeof(char *) *
							   (list_length(change->assigned) + 1));
	Datum		values[4];
	int			n = 0;
	ListCell   *lc;

	foreach(lc, change->assigned)
		names[n++] = lfirst(lc);
	values[0] = pgm_oid_array_datum(reading->family);
	values[1] = pgm_text_array_datum(n, names);
	values[2] = BoolGetDatum(change->is_delete);
	values[3] = pgm_oid_array_datum(read);
	return pgm_spi_one_bool(&cascades_query, values);
}

/* Is a column read that is set, or the whole row? */
static bool
reads_assigned(const RowReading *reading, RangeTblEntry *rte)
{
	Bitmapset  *selected = pgm_selected_columns(reading->within, rte);
	ListCell   *lc;

	if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, selected))
		return true;
	foreach(lc, reading->change->assigned)
	{
		AttrNumber	attnum = get_attnum(rte->relid, lfirst(lc));

		if (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber,
						  selected))
			return true;
	}
	return false;
}

/* A table that others inherit from is read with the rows of those. */
static const char *
refusal_of_relation(const RowReading *reading, RangeTblEntry *rte)
{
	List	   *read = lcons_oid(rte->relid, rte->inh ?
								 pgm_descendants(rte->relid) : NIL);

	if (rte->tablesample != NULL)
		return "it reads a sample of a table";
	if (list_length(list_difference_oid(read, reading->family)) ==
		list_length(read))
		return is_cascaded_to(reading, read) ?
			"it reads a table that a foreign key changes along with it" :
			NULL;
	if (reading->change->is_delete || reads_assigned(reading, rte))
		return "it reads other rows of the table, which it changes";
	return NULL;
}

static const char *
refusal_of_query(const RowReading *reading, const Query *query)
{
	ListCell   *lc;

	if (query != reading->query)
	{
		if (query->commandType != CMD_SELECT)
			return "it changes rows in WITH";
		if (query->limitCount != NULL || query->limitOffset != NULL)
			return "it reads some rows of a query, which may be others each time";
		if (query->rowMarks != NIL)
			return "it locks the rows that it reads";
	}
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		const char *refusal;

		if (rte->rtekind != RTE_RELATION ||
			foreach_current_index(lc) + 1 == query->resultRelation)
			continue;
		refusal = refusal_of_relation(reading, rte);
		if (refusal != NULL)
			return refusal;
	}
	return NULL;
}

static bool
read_walker(Node *node, void *arg)
{
	RowReading *reading = arg;
	const Query *outer = reading->within;
	bool		found;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, read_walker, arg);
	reading->within = (Query *) node;
	reading->refusal = refusal_of_query(reading, reading->within);
	found = reading->refusal != NULL ||
		query_tree_walker((Query *) node, read_walker, arg, 0);
	reading->within = outer;
	return found;
}

/* In SQL or a procedural language, and as of the statement's snapshot. */
static bool
may_read(Oid function, void *arg)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->provolatile == PROVOLATILE_STABLE &&
		form->prolang != INTERNALlanguageId && form->prolang != ClanguageId;
	ReleaseSysCache(tuple);
	return result;
}

static bool
function_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, may_read, arg))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, function_walker, arg, 0);
	return expression_tree_walker(node, function_walker, arg);
}

bool
pgm_change_reads_by_function(Query *query)
{
	return function_walker((Node *) query, NULL);
}

const char *
pgm_change_query_refusal(const PgmChange *change, Query *query)
{
	RowReading	reading = {change, query};
	Query		rest;

	reading.family = lcons_oid(change->relid, pgm_descendants(change->relid));
	if (read_walker((Node *) query, &reading))
		return reading.refusal;
	if (contain_volatile_functions((Node *) query->jointree))
		return "its condition has a volatile function";
	rest = *query;
	rest.targetList = rest.returningList = NIL;
	if (contain_volatile_functions((Node *) &rest))
		return "it reads a query with a volatile function";
	return NULL;
}
