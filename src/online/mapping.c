/*-------------------------------------------------------------------------
 *
 * mapping.c
 *	  A row of one table as a row of the table beside.
 *
 * The columns of both tables have the same names.  A column is a copy, an
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
#include "catalog/heap.h"
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
#include "parser/parse_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/transaction.h"
#include "compat/parse.h"
#include "online/mapping.h"
#include "strategy/columns.h"

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

static void
say_volatile_default(const char *column, PgmMappingText *result)
{
	result->missing = psprintf("the default of column \"%s\" is volatile",
							   column);
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
		say_volatile_default(NameStr(att->attname), result);
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

static void
say_no_cast(Form_pg_attribute from, Form_pg_attribute to,
			PgmMappingText *result)
{
	result->missing = psprintf("there is no cast from %s to %s for column \"%s\"",
							   format_type_be(from->atttypid),
							   format_type_be(to->atttypid),
							   NameStr(from->attname));
}

/* NULL if there is none, or one that cannot be used. */
static Node *
cast_or_say(Relation source, Form_pg_attribute from, Form_pg_attribute to,
			Node *using, bool back, const char *text, PgmMappingText *result)
{
	Node	   *expr = cast_column(source, from, to, using, back, text);

	if (expr == NULL)
		say_no_cast(from, to, result);
	else if (contain_volatile_functions(expr))
		result->missing = psprintf("the expression for column \"%s\" is volatile",
								   NameStr(from->attname));
	return expr;
}

/* Expression of one column, or NULL. */
static Node *
map_column(Relation source, Form_pg_attribute to, Relation target,
		   List *commands, const char *text, PgmMappingText *result)
{
	Form_pg_attribute from;
	AttrNumber	column;
	Node	   *using;

	if (to->attisdropped || to->attgenerated != '\0')
		return NULL;
	column = get_attnum(RelationGetRelid(source), NameStr(to->attname));
	if (column <= 0)
		return added_column(target, to, result);
	from = TupleDescAttr(RelationGetDescr(source), column - 1);
	using = find_using(commands, NameStr(to->attname));
	if (using == NULL && from->atttypid == to->atttypid &&
		from->atttypmod == to->atttypmod)
		return (Node *) makeVar(1, from->attnum, from->atttypid,
								from->atttypmod, from->attcollation, 0);
	return cast_or_say(source, from, to, using, commands == NIL, text, result);
}

/* Inside of another expression nobody looks whether a number fits. */
static void
add_traits(Node *expr, Node *planned, PgmMappingText *result)
{
	AttrNumber	column;
	int64		lowest;
	int64		highest;

	if (contain_mutable_functions(expr))
		result->pinned = true;
	if (is_narrowing(planned, &column, &lowest, &highest))
		result->narrows = true;
	else if (may_fail_walker(planned, NULL))
		result->may_fail = true;
	if (!IsA(expr, Var) && !IsA(expr, Const) &&
		!keeps_values_apart(exprType(expr)))
		result->may_collide = true;
}

/* Functions are computed where their arguments are constants. */
static Node *
plan(Node *expr)
{
	return (Node *) expression_planner((Expr *) copyObject(expr));
}

/*
 * What the server computes for a generated column is assigned to it, in either
 * table: a value that fits in the one may not in the other.
 */
static void
add_generated(Form_pg_attribute from, Form_pg_attribute to, bool back,
			  PgmMappingText *result)
{
	Node	   *expr = (Node *) makeVar(1, from->attnum, from->atttypid,
										from->atttypmod, from->attcollation,
										0);

	if (from->atttypid == to->atttypid && from->atttypmod == to->atttypmod)
		return;
	expr = coerce_to_target_type(NULL, expr, from->atttypid, to->atttypid,
								 to->atttypmod, COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	if (expr != NULL)
		add_traits(expr, plan(expr), result);
	else if (back)
		say_no_cast(from, to, result);
	result->may_collide |= result->narrows || result->may_fail;
}

static void
finish_traits(List *columns, PgmMappingText *result)
{
	result->pinned |= result->may_fail;
	result->may_collide |= result->may_fail;
	result->columns = nodeToString(columns);
}

PgmMappingText *
pgm_mapping_make(Relation source, Relation target, List *commands,
				 const char *text)
{
	PgmMappingText *result = palloc0(sizeof(PgmMappingText));
	TupleDesc	desc = RelationGetDescr(target);
	List	   *columns = NIL;

	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Node	   *expr = map_column(source, att, target, commands, text,
									  result);
		AttrNumber	column = att->attisdropped || att->attgenerated == '\0' ?
			InvalidAttrNumber : get_attnum(RelationGetRelid(source),
										   NameStr(att->attname));

		columns = lappend(columns, expr);
		if (expr != NULL)
			add_traits(expr, plan(expr), result);
		else if (column > 0)
			add_generated(TupleDescAttr(RelationGetDescr(source), column - 1),
						  att, commands == NIL, result);
	}
	PopActiveSnapshot();
	finish_traits(columns, result);
	return result;
}

PgmMappingText *
pgm_mapping_within(Relation rel, AttrNumber from, AttrNumber to,
				   List *commands, const char *text)
{
	PgmMappingText *result = palloc0(sizeof(PgmMappingText));
	Form_pg_attribute source = TupleDescAttr(RelationGetDescr(rel), from - 1);
	Form_pg_attribute target = TupleDescAttr(RelationGetDescr(rel), to - 1);
	Node	   *expr;

	PushActiveSnapshot(GetTransactionSnapshot());
	expr = cast_or_say(rel, source, target,
					   find_using(commands, NameStr(source->attname)),
					   commands == NIL, text, result);
	if (expr != NULL)
		add_traits(expr, plan(expr), result);
	PopActiveSnapshot();
	finish_traits(list_make1(expr), result);
	return result;
}

/* A column as the statement leaves it; errors if a name is not there. */
static FormData_pg_attribute
column_after(Relation rel, AttrNumber column, ColumnDef *def)
{
	FormData_pg_attribute after =
		*TupleDescAttr(RelationGetDescr(rel), column - 1);

	typenameTypeIdAndMod(NULL, def->typeName, &after.atttypid,
						 &after.atttypmod);
	after.attcollation = GetColumnDefCollation(NULL, def, after.atttypid);
	return after;
}

static void
foresee_default(ColumnDef *def, PgmMappingText *forth)
{
	Oid			type;
	int32		limit;
	ListCell   *lc;

	if (pgm_serial_type(def->typeName) != NULL)
	{
		say_volatile_default(def->colname, forth);
		return;
	}
	typenameTypeIdAndMod(NULL, def->typeName, &type, &limit);
	foreach(lc, def->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_DEFAULT &&
			contain_volatile_functions(cookDefault(make_parsestate(NULL),
												   constraint->raw_expr,
												   type, limit, def->colname,
												   '\0')))
			say_volatile_default(def->colname, forth);
	}
}

typedef struct Foresight
{
	Relation	rel;
	AlterTableCmd *command;
	bool		back;
	PgmMappingText *result;
} Foresight;

static void
foresee(void *arg)
{
	const Foresight *foresight = arg;
	Relation	rel = foresight->rel;
	AlterTableCmd *command = foresight->command;
	bool		back = foresight->back;
	PgmMappingText *result = foresight->result;
	ColumnDef  *def = castNode(ColumnDef, command->def);
	AttrNumber	column;
	Form_pg_attribute before;
	FormData_pg_attribute after;
	Node	   *expr;

	if (command->subtype == AT_AddColumn)
	{
		foresee_default(def, result);
		return;
	}
	column = get_attnum(RelationGetRelid(rel), command->name);
	if (column <= 0)
		return;
	before = TupleDescAttr(RelationGetDescr(rel), column - 1);
	after = column_after(rel, column, def);
	if (before->attgenerated != '\0')
	{
		add_generated(back ? &after : before, back ? before : &after, back,
					  result);
		return;
	}
	expr = back ? cast_or_say(rel, &after, before, NULL, true, "", result) :
		cast_or_say(rel, before, &after, def->raw_default, false, "", result);
	if (expr != NULL)
		add_traits(expr, expr, result);
	result->may_collide |= result->may_fail;
}

static void
try_to_foresee(Relation rel, AlterTableCmd *command, bool back,
			   PgmMappingText *result)
{
	Foresight	foresight = {rel, command, back, result};

	memset(result, 0, sizeof(PgmMappingText));
	(void) pgm_txn_look(foresee, &foresight);
}

void
pgm_mapping_foresee(Relation rel, AlterTableCmd *command,
					PgmMappingText *forth)
{
	try_to_foresee(rel, command, false, forth);
}

void
pgm_mapping_foresee_back(Relation rel, AlterTableCmd *command,
						 PgmMappingText *back)
{
	try_to_foresee(rel, command, true, back);
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
static bool
fits_column(Node *expr, TupleDesc from, Form_pg_attribute att)
{
	AttrNumber	column;

	if (expr == NULL)
		return att->attisdropped || att->attgenerated != '\0';
	if (att->attisdropped || exprType(expr) != att->atttypid)
		return false;
	if (!IsA(expr, Var))
		return true;
	column = castNode(Var, expr)->varattno;
	return column <= from->natts &&
		(column <= 0 ||
		 TupleDescAttr(from, column - 1)->atttypid == att->atttypid);
}

static void
check_types(List *exprs, Relation source, Relation target)
{
	TupleDesc	from = RelationGetDescr(source);
	TupleDesc	to = RelationGetDescr(target);
	bool		same = list_length(exprs) == to->natts;

	for (int i = 0; same && i < to->natts; i++)
		same = fits_column(list_nth(exprs, i), from, TupleDescAttr(to, i));
	if (!same)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" and the one beside it do not fit together any more",
					   RelationGetRelationName(source)));
}

static void
compile_column(PgmMapping *mapping, int i, Node *expr, Form_pg_attribute att,
			   EState *estate)
{
	PgmMappedColumn *column = &mapping->columns[i];

	column->length = att->attlen;
	column->by_value = att->attbyval;
	if (expr == NULL)
		return;
	pull_varattnos(expr, 1, &column->reads);
	if (IsA(expr, Var) && castNode(Var, expr)->varattno > 0)
	{
		column->copy = castNode(Var, expr)->varattno;
		return;
	}
	(void) is_narrowing(expr, &column->narrow, &column->lowest,
						&column->highest);
	column->state = ExecPrepareExpr((Expr *) expr, estate);
}

static PgmMapping *
create_mapping(Relation source, int ncolumns, EState *estate)
{
	PgmMapping *mapping = palloc0(sizeof(PgmMapping));

	mapping->source = CreateTupleDescCopy(RelationGetDescr(source));
	mapping->ncolumns = ncolumns;
	mapping->columns = palloc0(sizeof(PgmMappedColumn) * ncolumns);
	mapping->context = GetPerTupleExprContext(estate);
	return mapping;
}

PgmMapping *
pgm_mapping_compile(const char *columns, Relation source, Relation target,
					EState *estate)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	TupleDesc	desc = RelationGetDescr(target);
	PgmMapping *mapping = create_mapping(source, desc->natts, estate);
	List	   *exprs = stringToNode(columns);

	check_types(exprs, source, target);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < desc->natts; i++)
		compile_column(mapping, i, list_nth(exprs, i), TupleDescAttr(desc, i),
					   estate);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return mapping;
}

PgmMapping *
pgm_mapping_compile_within(const char *columns, Relation rel, AttrNumber to,
						   EState *estate)
{
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute att = TupleDescAttr(desc, to - 1);
	PgmMapping *mapping = create_mapping(rel, 1, estate);
	Node	   *expr = linitial(castNode(List, stringToNode(columns)));

	if (expr == NULL || !fits_column(expr, desc, att))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("column \"%s\" of table \"%s\" and its double do not fit together any more",
					   NameStr(att->attname), RelationGetRelationName(rel)));
	PushActiveSnapshot(GetTransactionSnapshot());
	compile_column(mapping, 0, expr, att, estate);
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
