/*-------------------------------------------------------------------------
 *
 * order_tree.c
 *	  Other numbers for the columns of a table, in a tree of the catalog.
 *
 * A Var is one of a column if the range table entry that it names is the
 * table.  Besides, a query has names and sets of columns by their numbers, a
 * join those of its inputs, and a target entry the one that it came from.
 *
 * A row of the table that is taken apart by numbers, and comes from elsewhere
 * than the table, is refused: a function's result, a field of a value, and so
 * is one that is put together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "nodes/bitmapset.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "compat/parse.h"
#include "compat/query_columns.h"
#include "online/order.h"

typedef struct Renumbering
{
	const PgmColumnMap *map;
	int			relations;
	List	   *queries;		/* around a node, the innermost first */
} Renumbering;

static AttrNumber
renumbered(const PgmColumnMap *map, AttrNumber column)
{
	return column > 0 && column <= map->n ? map->to[column - 1] : column;
}

/* NULL outside of queries. */
static RangeTblEntry *
entry_of(const Renumbering *renumbering, Index entry, Index level)
{
	const Query *query;

	if (level >= list_length(renumbering->queries))
		return NULL;
	query = list_nth(renumbering->queries, level);
	return entry > 0 && entry <= list_length(query->rtable) ?
		rt_fetch(entry, query->rtable) : NULL;
}

static bool
is_table(const Renumbering *renumbering, Index entry, Index level)
{
	const RangeTblEntry *rte = entry_of(renumbering, entry, level);

	if (rte != NULL)
		return rte->rtekind == RTE_RELATION &&
			rte->relid == renumbering->map->relid;
	return level == list_length(renumbering->queries) &&
		entry >= 1 && entry <= renumbering->relations;
}

static void
refuse_row(const Renumbering *renumbering, Oid type)
{
	Oid			element = get_base_element_type(type);

	if (get_typ_typrelid(getBaseType(OidIsValid(element) ? element : type)) ==
		renumbering->map->relid)
		pgm_columns_refuse(renumbering->map,
						   "It takes a row of the table apart that comes from elsewhere.");
}

/* Names that are missing are those of columns that were added later. */
static List *
renumber_names(const PgmColumnMap *map, List *names)
{
	Node	  **sorted = palloc(sizeof(Node *) * map->n);
	List	   *result = NIL;

	for (int i = 0; i < map->n; i++)
	{
		char	   *name = i < list_length(names) ?
			strVal(list_nth(names, i)) :
			get_attname(map->relid, (AttrNumber) (i + 1), true);

		sorted[map->to[i] - 1] = (Node *) makeString(name ? name : pstrdup(""));
	}
	for (int i = 0; i < map->n; i++)
		result = lappend(result, sorted[i]);
	return result;
}

static Bitmapset *
renumber_set(const PgmColumnMap *map, Bitmapset *set)
{
	Bitmapset  *result = NULL;
	int			member = -1;

	while ((member = bms_next_member(set, member)) >= 0)
	{
		AttrNumber	column = (AttrNumber) (member +
										   FirstLowInvalidHeapAttributeNumber);

		result = bms_add_member(result, renumbered(map, column) -
								FirstLowInvalidHeapAttributeNumber);
	}
	return result;
}

static void
renumber_entry(const Renumbering *renumbering, Query *query,
			   RangeTblEntry *rte)
{
	const PgmColumnMap *map = renumbering->map;
	Bitmapset **sets[PGM_COLUMN_SETS];
	int			n;

	if (rte->rtekind == RTE_FUNCTION)
	{
		ListCell   *lc;

		foreach(lc, rte->functions)
			refuse_row(renumbering,
					   exprType(lfirst_node(RangeTblFunction, lc)->funcexpr));
	}
	if (rte->rtekind != RTE_RELATION || rte->relid != map->relid)
		return;
	rte->eref->colnames = renumber_names(map, rte->eref->colnames);
	if (rte->alias != NULL && rte->alias->colnames != NIL)
		rte->alias->colnames = renumber_names(map, rte->alias->colnames);
	n = pgm_column_sets(query, rte, sets);
	for (int i = 0; i < n; i++)
		*sets[i] = renumber_set(map, *sets[i]);
}

static void
renumber_inputs(const Renumbering *renumbering, Node *input, List *columns)
{
	ListCell   *lc;

	if (!IsA(input, RangeTblRef) ||
		!is_table(renumbering, castNode(RangeTblRef, input)->rtindex, 0))
		return;
	foreach(lc, columns)
		lfirst_int(lc) = renumbered(renumbering->map,
									(AttrNumber) lfirst_int(lc));
}

static bool
reads_table(const Renumbering *renumbering, const Node *input)
{
	if (IsA(input, JoinExpr))
		return reads_table(renumbering, ((const JoinExpr *) input)->larg) ||
			reads_table(renumbering, ((const JoinExpr *) input)->rarg);
	return IsA(input, RangeTblRef) &&
		is_table(renumbering, ((const RangeTblRef *) input)->rtindex, 0);
}

/*
 * One that has a name, and maybe names for its columns, has them in the order
 * of its inputs: written out it would be another.
 */
static void
renumber_join(const Renumbering *renumbering, const JoinExpr *join)
{
	const RangeTblEntry *rte = entry_of(renumbering, join->rtindex, 0);

	if (rte == NULL)
		return;
	if (rte->alias != NULL && reads_table(renumbering, (const Node *) join))
		pgm_columns_refuse(renumbering->map,
						   "It names a join of the table, whose columns are in the order of the table's.");
	renumber_inputs(renumbering, join->larg, rte->joinleftcols);
	renumber_inputs(renumbering, join->rarg, rte->joinrightcols);
}

static void
renumber_var(const Renumbering *renumbering, Var *var)
{
	const PgmColumnMap *map = renumbering->map;

	if (is_table(renumbering, (Index) var->varno, var->varlevelsup))
		var->varattno = renumbered(map, var->varattno);
	if (var->varnosyn > 0 &&
		is_table(renumbering, var->varnosyn, var->varlevelsup))
		var->varattnosyn = renumbered(map, var->varattnosyn);
}

static bool walker(Node *node, void *context);

static bool
renumber_query(Renumbering *renumbering, Query *query)
{
	ListCell   *lc;
	bool		result;

	renumbering->queries = lcons(query, renumbering->queries);
	foreach(lc, query->rtable)
		renumber_entry(renumbering, query, lfirst_node(RangeTblEntry, lc));
	result = query_tree_walker(query, walker, renumbering, 0);
	renumbering->queries = list_delete_first(renumbering->queries);
	return result;
}

static bool
walker(Node *node, void *context)
{
	Renumbering *renumbering = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			return renumber_query(renumbering, castNode(Query, node));
		case T_Var:
			renumber_var(renumbering, castNode(Var, node));
			return false;
		case T_TargetEntry:
			{
				TargetEntry *entry = castNode(TargetEntry, node);

				if (entry->resorigtbl == renumbering->map->relid)
					entry->resorigcol = renumbered(renumbering->map,
												   entry->resorigcol);
				break;
			}
		case T_JoinExpr:
			renumber_join(renumbering, castNode(JoinExpr, node));
			break;
		case T_FieldSelect:
			refuse_row(renumbering,
					   exprType((Node *) castNode(FieldSelect, node)->arg));
			break;
		case T_Const:
			if (!castNode(Const, node)->constisnull)
				refuse_row(renumbering, exprType(node));
			break;
		case T_FieldStore:
		case T_RowExpr:
		case T_ConvertRowtypeExpr:
			refuse_row(renumbering, exprType(node));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, walker, context);
}

void
pgm_columns_renumber_tree(const PgmColumnMap *map, Node *tree, int relations)
{
	Renumbering renumbering = {map, relations, NIL};

	(void) walker(tree, &renumbering);
}
