/*-------------------------------------------------------------------------
 *
 * mapping.c
 *	  A row of one table as a row of the table beside.
 *
 * The columns of both tables have the same numbers.  A column is a copy, an
 * expression over the row of the source, or nothing: what was dropped, and
 * what the target generates by itself.  Expressions are transformed once, when
 * the change is prepared, and stored as trees: what they mean depends on no
 * search_path later.
 *
 * Whoever compiles or evaluates one is the owner of the table, and restricted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat/parse.h"
#include "online/mapping.h"

/* ---- making it */

static Node *
find_using(List *commands, const char *column)
{
	ListCell   *lc;

	foreach(lc, commands)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AlterColumnType &&
			strcmp(command->name, column) == 0)
			return castNode(ColumnDef, command->def)->raw_default;
	}
	return NULL;
}

/* As ATPrepAlterColumnType does, for a column whose new type is known. */
static Node *
cast_column(Relation source, Form_pg_attribute from, Form_pg_attribute to,
			Node *using, bool back, const char *text)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node	   *expr;

	pstate->p_sourcetext = text;
	item = addRangeTableEntryForRelation(pstate, source, AccessShareLock,
										 NULL, false, true);
	addNSItemToQuery(pstate, item, false, true, true);
	if (using != NULL)
		expr = transformExpr(pstate, copyObject(using),
							 EXPR_KIND_ALTER_COL_TRANSFORM);
	else
		expr = (Node *) makeVar(1, from->attnum, from->atttypid,
								from->atttypmod, from->attcollation, 0);
	expr = coerce_to_target_type(pstate, expr, exprType(expr), to->atttypid,
								 to->atttypmod,
								 back ? COERCION_EXPLICIT : COERCION_ASSIGNMENT,
								 back ? COERCE_EXPLICIT_CAST :
								 COERCE_IMPLICIT_CAST, -1);
	if (expr != NULL)
		assign_expr_collations(pstate, expr);
	free_parsestate(pstate);
	return expr;
}

static Node *
fold_once(Node *expr, Form_pg_attribute att)
{
	EState	   *estate;
	ExprState  *state;
	Datum		value;
	bool		isnull;

	if (IsA(expr, Const))
		return expr;
	estate = CreateExecutorState();
	state = ExecPrepareExpr((Expr *) expr, estate);
	value = ExecEvalExprSwitchContext(state, GetPerTupleExprContext(estate),
									  &isnull);
	if (!isnull)
		value = datumCopy(value, att->attbyval, att->attlen);
	expr = (Node *) makeConst(att->atttypid, att->atttypmod, att->attcollation,
							  att->attlen, value, isnull, att->attbyval);
	FreeExecutorState(estate);
	return expr;
}

/*
 * The default of a column that is added: its value for the rows that are there
 * is computed once, as the server does, unless it is different for each.
 */
static Node *
added_column(Relation target, Form_pg_attribute att, PgmMappingText *result)
{
	Node	   *expr = build_column_default(target, att->attnum);

	if (expr == NULL)
		return (Node *) makeNullConst(att->atttypid, att->atttypmod,
									  att->attcollation);
	if (contain_volatile_functions(expr))
	{
		result->missing = psprintf("the default of column \"%s\" is volatile",
								   NameStr(att->attname));
		return NULL;
	}
	return fold_once(expr, att);
}

/* Is it a cast that the server does by itself and that loses nothing? */
static bool
is_safe_cast(Oid function)
{
	Relation	rel = table_open(CastRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(rel, 0, NULL);
	HeapTuple	tuple;
	bool		result = false;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_cast form = (Form_pg_cast) GETSTRUCT(tuple);

		if (form->castfunc == function &&
			form->castcontext == COERCION_CODE_IMPLICIT &&
			function < FirstNormalObjectId &&
			form->castsource != form->casttarget)
			result = true;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * A whole number as a narrower one: fails for those out of range, and leaves
 * the others different.
 */
static bool
is_narrowing(Node *node, AttrNumber *column, int64 *lowest, int64 *highest)
{
	const FuncExpr *expr = (const FuncExpr *) node;
	const Var  *var;

	if (!IsA(node, FuncExpr) || list_length(expr->args) != 1 ||
		!IsA(linitial(expr->args), Var))
		return false;
	switch (expr->funcid)
	{
		case F_INT4_INT8:
			*lowest = PG_INT32_MIN;
			*highest = PG_INT32_MAX;
			break;
		case F_INT2_INT8:
		case F_INT2_INT4:
			*lowest = PG_INT16_MIN;
			*highest = PG_INT16_MAX;
			break;
		default:
			return false;
	}
	var = linitial_node(Var, expr->args);
	*column = var->varattno;
	return *column > 0;
}

static bool
may_fail_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
			return false;
		case T_RelabelType:
		case T_List:
			break;
		case T_FuncExpr:
			if (contain_mutable_functions(node) ||
				!is_safe_cast(castNode(FuncExpr, node)->funcid))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, may_fail_walker, context);
}

/* Does a safe cast to this type leave different values different? */
static bool
keeps_values_apart(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
			return true;
		default:
			return false;
	}
}

/* Expression of one column, or NULL. */
static Node *
map_column(Relation source, Form_pg_attribute to, Relation target,
		   List *commands, const char *text, PgmMappingText *result)
{
	TupleDesc	desc = RelationGetDescr(source);
	Form_pg_attribute from = NULL;
	Node	   *using;
	Node	   *expr;

	if (to->attisdropped || to->attgenerated != '\0')
		return NULL;
	if (to->attnum <= desc->natts)
		from = TupleDescAttr(desc, to->attnum - 1);
	if (from == NULL || from->attisdropped)
		return added_column(target, to, result);
	using = find_using(commands, NameStr(to->attname));
	if (using == NULL && from->atttypid == to->atttypid &&
		from->atttypmod == to->atttypmod)
		return (Node *) makeVar(1, from->attnum, from->atttypid,
								from->atttypmod, from->attcollation, 0);
	expr = cast_column(source, from, to, using, commands == NIL, text);
	if (expr == NULL)
		result->missing = psprintf("there is no cast from %s to %s for column \"%s\"",
								   format_type_be(from->atttypid),
								   format_type_be(to->atttypid),
								   NameStr(to->attname));
	else if (contain_volatile_functions(expr))
		result->missing = psprintf("the expression for column \"%s\" is volatile",
								   NameStr(to->attname));
	return expr;
}

/* Inside of another expression nobody looks whether a number fits. */
static bool
may_fail(Expr *expr)
{
	AttrNumber	column;
	int64		lowest;
	int64		highest;

	return !is_narrowing((Node *) expr, &column, &lowest, &highest) &&
		may_fail_walker((Node *) expr, NULL);
}

PgmMappingText *
pgm_mapping_make(Relation source, Relation target, List *commands,
				 const char *text)
{
	PgmMappingText *result = palloc0(sizeof(PgmMappingText));
	TupleDesc	desc = RelationGetDescr(target);
	List	   *columns = NIL;

	/* functions are computed where their arguments are constants */
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < desc->natts; i++)
	{
		Node	   *expr = map_column(source, TupleDescAttr(desc, i), target,
									  commands, text, result);
		Expr	   *planned;

		columns = lappend(columns, expr);
		if (expr == NULL)
			continue;
		if (contain_mutable_functions(expr))
			result->pinned = true;
		planned = expression_planner((Expr *) copyObject(expr));
		if (may_fail(planned))
			result->may_fail = true;
		if (!IsA(expr, Var) && !IsA(expr, Const) &&
			!keeps_values_apart(exprType(expr)))
			result->may_collide = true;
	}
	PopActiveSnapshot();
	result->pinned |= result->may_fail;
	result->may_collide |= result->may_fail;
	result->columns = nodeToString(columns);
	return result;
}

void
pgm_mapping_depend(Oid trigger, Oid source, const char *columns)
{
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	recordDependencyOnSingleRelExpr(&address, stringToNode(columns), source,
									DEPENDENCY_NORMAL, DEPENDENCY_NORMAL,
									false);
}

/* ---- using it */

/*
 * The owner of the tables may have altered one; a value of another type than
 * the column has would be taken for what it is not.
 */
static void
check_types(List *exprs, Relation source, Relation target)
{
	TupleDesc	from = RelationGetDescr(source);
	TupleDesc	to = RelationGetDescr(target);
	bool		same = list_length(exprs) == to->natts;

	for (int i = 0; same && i < to->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(to, i);
		Node	   *expr = list_nth(exprs, i);

		if (expr == NULL)
			same = att->attisdropped || att->attgenerated != '\0';
		else
			same = !att->attisdropped && exprType(expr) == att->atttypid;
		if (same && expr != NULL && IsA(expr, Var))
		{
			AttrNumber	column = castNode(Var, expr)->varattno;

			same = column <= from->natts && (column <= 0 ||
											 TupleDescAttr(from, column - 1)->atttypid ==
											 att->atttypid);
		}
	}
	if (!same)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" and the one beside it do not fit together any more",
					   RelationGetRelationName(source)));
}

PgmMapping *
pgm_mapping_compile(const char *columns, Relation source, Relation target,
					EState *estate)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	PgmMapping *mapping = palloc0(sizeof(PgmMapping));
	TupleDesc	desc = RelationGetDescr(target);
	List	   *exprs = stringToNode(columns);
	ListCell   *lc;

	check_types(exprs, source, target);
	mapping->source = CreateTupleDescCopy(RelationGetDescr(source));
	mapping->ncolumns = desc->natts;
	mapping->columns = palloc0(sizeof(PgmMappedColumn) * desc->natts);
	mapping->context = GetPerTupleExprContext(estate);
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, exprs)
	{
		Node	   *expr = lfirst(lc);
		int			i = foreach_current_index(lc);
		PgmMappedColumn *column = &mapping->columns[i];

		column->length = TupleDescAttr(desc, i)->attlen;
		column->by_value = TupleDescAttr(desc, i)->attbyval;
		if (expr == NULL)
			continue;
		pull_varattnos(expr, 1, &column->reads);
		if (IsA(expr, Var) && castNode(Var, expr)->varattno > 0)
		{
			column->copy = castNode(Var, expr)->varattno;
			continue;
		}
		(void) is_narrowing(expr, &column->narrow, &column->lowest,
							&column->highest);
		column->state = ExecPrepareExpr((Expr *) expr, estate);
	}
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return mapping;
}

static int64
whole_number(Form_pg_attribute att, Datum value)
{
	return att->attlen == sizeof(int64) ? DatumGetInt64(value) :
		DatumGetInt32(value);
}

bool
pgm_mapping_fits(const PgmMapping *mapping, AttrNumber column,
				 TupleTableSlot *source)
{
	const PgmMappedColumn *map = &mapping->columns[column - 1];
	bool		isnull;
	Datum		value;
	int64		number;

	if (map->narrow == 0)
		return true;
	value = slot_getattr(source, map->narrow, &isnull);
	if (isnull)
		return true;
	number = whole_number(TupleDescAttr(mapping->source, map->narrow - 1),
						  value);
	return number >= map->lowest && number <= map->highest;
}

Datum
pgm_mapping_value(PgmMapping *mapping, AttrNumber column,
				  TupleTableSlot *source, bool *isnull)
{
	PgmMappedColumn *map = &mapping->columns[column - 1];

	if (map->copy != 0)
		return slot_getattr(source, map->copy, isnull);
	*isnull = true;
	if (map->state == NULL)
		return (Datum) 0;
	mapping->context->ecxt_scantuple = source;
	return ExecEvalExprSwitchContext(map->state, mapping->context, isnull);
}

void
pgm_mapping_fill(PgmMapping *mapping, TupleTableSlot *source,
				 TupleTableSlot *target)
{
	ExecClearTuple(target);
	slot_getallattrs(source);
	for (int i = 0; i < mapping->ncolumns; i++)
		target->tts_values[i] = pgm_mapping_value(mapping, i + 1, source,
												  &target->tts_isnull[i]);
	ExecStoreVirtualTuple(target);
}

/*
 * A value that is kept out of line is the same if its address is; to fetch it
 * would cost more than to write it again.
 */
static bool
same_value(Form_pg_attribute att, TupleTableSlot *old, TupleTableSlot *new)
{
	bool		old_null;
	bool		new_null;
	Datum		a = slot_getattr(old, att->attnum, &old_null);
	Datum		b = slot_getattr(new, att->attnum, &new_null);

	if (old_null || new_null)
		return old_null && new_null;
	if (att->attlen == -1 &&
		(VARATT_IS_EXTERNAL(DatumGetPointer(a)) ||
		 VARATT_IS_EXTERNAL(DatumGetPointer(b))))
		return VARSIZE_ANY(DatumGetPointer(a)) ==
			VARSIZE_ANY(DatumGetPointer(b)) &&
			memcmp(DatumGetPointer(a), DatumGetPointer(b),
				   VARSIZE_ANY(DatumGetPointer(a))) == 0;
	return datum_image_eq(a, b, att->attbyval, att->attlen);
}

bool
pgm_mapping_unchanged(const PgmMapping *mapping, AttrNumber column,
					  TupleTableSlot *old, TupleTableSlot *new)
{
	PgmMappedColumn *map = &mapping->columns[column - 1];
	int			i = -1;

	while ((i = bms_next_member(map->reads, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		/* the whole row, or what the system keeps */
		if (attnum <= 0)
			return false;
		if (!same_value(TupleDescAttr(mapping->source, attnum - 1), old, new))
			return false;
	}
	return true;
}
