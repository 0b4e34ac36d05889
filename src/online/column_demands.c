/*-------------------------------------------------------------------------
 *
 * column_demands.c
 *	  What indexes and checks of a column that follows demand of a row.
 *
 * They compute with values of another type than those of the column that
 * leads: v * 1000 is out of range for the one and not for the other.  The
 * server would fail the writer, who knows nothing of it, so it is computed
 * before, and a value for which that cannot be done does not fit.
 *
 * What does not fit is null in the column that follows, and that is computed
 * with as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat/checks.h"
#include "compat/parse.h"
#include "compat/planner.h"
#include "online/column_demands.h"
#include "online/layout.h"
#include "online/sync.h"

static Bitmapset *
columns_of(Node *expr)
{
	Bitmapset  *used = NULL;

	pull_varattnos(expr, 1, &used);
	return used;
}

static bool
reads(Node *expr, AttrNumber column)
{
	Bitmapset  *used = columns_of(expr);

	return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, used) ||
		bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber,
					  used);
}

/* ---- what is computed before */

static Node *
expand_mutator(Node *node, void *context)
{
	Relation	rel = context;
	AttrNumber	column;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, expand_mutator, context);
	column = castNode(Var, node)->varattno;
	if (column <= 0 || TupleDescAttr(RelationGetDescr(rel),
									 column - 1)->attgenerated == '\0')
		return copyObject(node);
	return build_column_default(rel, column);
}

/*
 * Generated columns are computed after us: what they will be stands for them,
 * which reads no other one.
 */
static Node *
expand_generated(Relation rel, Node *expr)
{
	return expr == NULL ? NULL : expand_mutator(expr, rel);
}

static bool
is_demanding(int n, const PgmColumnPair *pairs, Node *expr)
{
	for (int i = 0; i < n; i++)
		if (reads(expr, pairs[i].follow))
			return contain_leaked_vars(expr);
	return false;
}

static ExprState *
prepare(Node *expr, EState *estate)
{
	return expr == NULL ? NULL : ExecPrepareExpr((Expr *) expr, estate);
}

typedef struct Preparation
{
	PgmColumnDemand *demand;
	List	   *values;
	EState	   *estate;
} Preparation;

static void
prepare_values(void *arg)
{
	Preparation *preparation = arg;
	List	   *states = NIL;
	ListCell   *lc;

	foreach(lc, preparation->values)
		states = lappend(states, prepare(lfirst(lc), preparation->estate));
	preparation->demand->values = states;
}

/*
 * A function may fail already when it is inlined, or may not be called any
 * more.  The server gets to know of it with a row that is in the index.
 */
static PgmColumnDemand *
make_index_demand(Node *predicate, List *values, EState *estate)
{
	PgmColumnDemand *demand = palloc0(sizeof(PgmColumnDemand));
	Preparation preparation = {demand, values, estate};

	demand->reads = bms_union(columns_of(predicate),
							  columns_of((Node *) values));
	demand->predicate = prepare(predicate, estate);
	demand->broken = !pgm_sync_attempt(prepare_values, &preparation);
	return demand;
}

static List *
add_indexes(List *demands, Relation rel, int n, const PgmColumnPair *pairs,
			EState *estate)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Node	   *predicate;
		Node	   *values;

		if (!HeapTupleIsValid(tuple))
			continue;
		predicate = expand_generated(rel, pgm_layout_stored(INDEXRELID, tuple,
															Anum_pg_index_indpred));
		values = expand_generated(rel, pgm_layout_stored(INDEXRELID, tuple,
														 Anum_pg_index_indexprs));
		ReleaseSysCache(tuple);
		if (is_demanding(n, pairs, (Node *) list_make2(predicate, values)))
			demands = lappend(demands,
							  make_index_demand(predicate, (List *) values,
												estate));
	}
	return demands;
}

static List *
add_checks(List *demands, Relation rel, int n, const PgmColumnPair *pairs,
		   EState *estate)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		Node	   *expr = stringToNode(constr->check[i].ccbin);
		PgmColumnDemand *demand;

		expr = expand_generated(rel, expr);
		if (!pgm_check_is_enforced(&constr->check[i]) ||
			!is_demanding(n, pairs, expr))
			continue;
		demand = palloc0(sizeof(PgmColumnDemand));
		demand->reads = columns_of(expr);
		demand->check = prepare(expr, estate);
		demands = lappend(demands, demand);
	}
	return demands;
}

List *
pgm_column_demands(Relation rel, int n, const PgmColumnPair *pairs,
				   EState *estate)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	List	   *demands = NIL;

	PushActiveSnapshot(GetTransactionSnapshot());
	demands = add_indexes(demands, rel, n, pairs, estate);
	demands = add_checks(demands, rel, n, pairs, estate);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return demands;
}

bool
pgm_column_demand_unchanged(const PgmColumnDemand *demand,
							TupleTableSlot *old, TupleTableSlot *new)
{
	int			i = -1;

	while ((i = bms_next_member(demand->reads, i)) >= 0)
	{
		AttrNumber	column = i + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute att;
		bool		old_null;
		bool		new_null;
		Datum		a;
		Datum		b;

		if (column <= 0)
			return false;
		att = TupleDescAttr(new->tts_tupleDescriptor, column - 1);
		a = slot_getattr(old, column, &old_null);
		b = slot_getattr(new, column, &new_null);
		if (old_null != new_null ||
			(!old_null && !datum_image_eq(a, b, att->attbyval, att->attlen)))
			return false;
	}
	return true;
}

bool
pgm_column_demand_met(const PgmColumnDemand *demand, TupleTableSlot *row,
					  ExprContext *context)
{
	bool		isnull;
	ListCell   *lc;

	context->ecxt_scantuple = row;
	if (demand->check != NULL)
		return DatumGetBool(ExecEvalExprSwitchContext(demand->check, context,
													  &isnull)) || isnull;
	if (demand->predicate != NULL &&
		(!DatumGetBool(ExecEvalExprSwitchContext(demand->predicate, context,
												 &isnull)) || isnull))
		return true;
	if (demand->broken)
		return false;
	foreach(lc, demand->values)
		(void) ExecEvalExprSwitchContext(lfirst(lc), context, &isnull);
	return true;
}

/* ---- what becomes of a null */

/*
 * May a condition be another one than null where it was true?  A part that is
 * null for it makes nothing false, whatever is around it.
 */
static bool
tells_null(Node *condition, AttrNumber column)
{
	ListCell   *lc;

	if (condition == NULL || !reads(condition, column))
		return false;
	if (IsA(condition, BoolExpr))
	{
		foreach(lc, castNode(BoolExpr, condition)->args)
			if (tells_null(lfirst(lc), column))
			return true;
		return false;
	}

	/* one of a list of constants */
	if (IsA(condition, ScalarArrayOpExpr))
	{
		List	   *args = castNode(ScalarArrayOpExpr, condition)->args;

		if (!reads(lsecond(args), column))
			condition = linitial(args);
	}
	return contain_nonstrict_functions(condition);
}

static bool
nulls_collide(Oid index, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Node	   *values;
	Node	   *predicate;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	values = pgm_layout_stored(INDEXRELID, tuple, Anum_pg_index_indexprs);
	predicate = pgm_layout_stored(INDEXRELID, tuple, Anum_pg_index_indpred);
	result = ((Form_pg_index) GETSTRUCT(tuple))->indisunique &&
		(!pgm_column_nulls_are_distinct(index) ||
		 tells_null(predicate, column) ||
		 (reads(values, column) && contain_nonstrict_functions(values)));
	ReleaseSysCache(tuple);
	return result;
}

/* Is there another one of that name, for other types? */
static bool
is_overloaded(Oid function, void *arg)
{
	char	   *name = function < FirstNormalObjectId ? NULL :
		get_func_name(function);
	CatCList   *list;
	int			n = 0;

	if (name == NULL)
		return false;
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < list->n_members; i++)
		if (((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->pronargs ==
			get_func_nargs(function))
			n++;
	ReleaseCatCacheList(list);
	return n > 1;
}

static bool
calls_overloaded(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_overloaded, context) ||
		expression_tree_walker(node, calls_overloaded, context);
}

/*
 * What is made of a value of the other type by another function of the user
 * need not be unique where it is.
 */
bool
pgm_column_index_differs(Oid index, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Node	   *values;
	Node	   *predicate;

	if (!HeapTupleIsValid(tuple))
		return false;
	values = pgm_layout_stored(INDEXRELID, tuple, Anum_pg_index_indexprs);
	predicate = pgm_layout_stored(INDEXRELID, tuple, Anum_pg_index_indpred);
	ReleaseSysCache(tuple);
	return (reads(values, column) && calls_overloaded(values, NULL)) ||
		(reads(predicate, column) && calls_overloaded(predicate, NULL));
}

/* A foreign key of several columns may allow nulls only together. */
static bool
is_full(const FormData_pg_constraint *form, HeapTuple tuple)
{
	bool		isnull;
	Datum		columns = SysCacheGetAttr(CONSTROID, tuple,
										  Anum_pg_constraint_conkey, &isnull);

	return form->contype == CONSTRAINT_FOREIGN &&
		form->confmatchtype == FKCONSTR_MATCH_FULL && !isnull &&
		ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(columns)),
					   ARR_DIMS(DatumGetArrayTypeP(columns))) > 1;
}

/* What is true for a null, as IS NULL, makes no check false. */
static bool
check_refuses_null(Node *condition, AttrNumber column)
{
	ListCell   *lc;

	if (condition == NULL || !reads(condition, column))
		return false;
	if (IsA(condition, NullTest) &&
		castNode(NullTest, condition)->nulltesttype == IS_NULL &&
		IsA(castNode(NullTest, condition)->arg, Var))
		return false;
	if (!IsA(condition, BoolExpr) ||
		castNode(BoolExpr, condition)->boolop == NOT_EXPR)
		return tells_null(condition, column);
	foreach(lc, castNode(BoolExpr, condition)->args)
		if (check_refuses_null(lfirst(lc), column))
		return true;
	return false;
}

static bool
constraint_refuses_null(Oid constraint, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(constraint));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = is_full((Form_pg_constraint) GETSTRUCT(tuple), tuple) ||
		check_refuses_null(pgm_layout_stored(CONSTROID, tuple,
											 Anum_pg_constraint_conbin), column);
	ReleaseSysCache(tuple);
	return result;
}

bool
pgm_column_refuses_null(const PgmColumnObject *object, AttrNumber column)
{
	return object->kind == 'i' ? nulls_collide(object->was, column) :
		constraint_refuses_null(object->was, column);
}
