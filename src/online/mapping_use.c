/*-------------------------------------------------------------------------
 *
 * mapping_use.c
 *	  The expressions of a mapping, compiled and computed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/transaction.h"
#include "compat/parse.h"
#include "online/mapping.h"
#include "online/mapping_proof.h"
#include "online/sync.h"

bool
pgm_mapping_narrows(Node *node, AttrNumber *column, int64 *lowest,
					int64 *highest)
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

/* Does anybody's function, or a domain's check, have a say? */
static bool
is_code(Oid function, void *arg)
{
	return function >= FirstNormalObjectId;
}

static bool
contains_code(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain) ||
		check_functions_in_node(node, is_code, arg))
		return true;
	return expression_tree_walker(node, contains_code, arg);
}

typedef struct Preparation
{
	Expr	   *expr;
	EState	   *estate;
	ExprState  *state;
} Preparation;

static void
prepare(void *arg)
{
	Preparation *preparation = arg;

	preparation->state = ExecPrepareExpr(preparation->expr,
										 preparation->estate);
}

/*
 * A function of it may fail already when it is inlined, or may not be called
 * any more: that is no matter of the writer's.  Whoever needs the value gets
 * the error.  One that could not fail when the change began may do so now.
 */
static void
prepare_column(PgmMapping *mapping, PgmMappedColumn *column, Node *expr,
			   EState *estate)
{
	Preparation preparation = {(Expr *) expr, estate};

	if (!contains_code(expr, NULL))
		prepare(&preparation);
	else if (!pgm_sync_attempt(prepare, &preparation))
		column->broken = (Expr *) expr;
	else if (pgm_mapping_may_fail((Node *) preparation.state->expr))
		mapping->may_fail = true;
	column->state = preparation.state;
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
	(void) pgm_mapping_narrows(expr, &column->narrow, &column->lowest,
							   &column->highest);
	prepare_column(mapping, column, expr, estate);
}

/*
 * Nothing is kept for a proof: where a function of it is gone, nothing is
 * proven any more.
 */
static void
compile_proof(PgmMapping *mapping, int i, List *proofs, EState *estate)
{
	Preparation proof = {proofs == NIL ? NULL : list_nth(proofs, i), estate};

	if (proof.expr == NULL)
		return;
	mapping->columns[i].unproven =
		pgm_txn_look(prepare, &proof) != NULL;
	mapping->columns[i].proof = proof.state;
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
	List	   *exprs = pgm_mapping_columns(columns);
	List	   *proofs = pgm_mapping_proofs(columns);

	check_types(exprs, source, target);
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < desc->natts; i++)
	{
		compile_column(mapping, i, list_nth(exprs, i), TupleDescAttr(desc, i),
					   estate);
		compile_proof(mapping, i, proofs, estate);
	}
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
	Node	   *expr = linitial(pgm_mapping_columns(columns));

	if (expr == NULL || !fits_column(expr, desc, att))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("column \"%s\" of table \"%s\" and its double do not fit together any more",
					   NameStr(att->attname), RelationGetRelationName(rel)));
	PushActiveSnapshot(GetTransactionSnapshot());
	compile_column(mapping, 0, expr, att, estate);
	compile_proof(mapping, 0, pgm_mapping_proofs(columns), estate);
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

	if (map->broken != NULL)
		return false;
	if (map->narrow == 0)
		return true;
	value = slot_getattr(source, map->narrow, &isnull);
	if (isnull)
		return true;
	number = whole_number(TupleDescAttr(mapping->source, map->narrow - 1),
						  value);
	return number >= map->lowest && number <= map->highest;
}

/* By the row: what fails again and again leaves nothing behind. */
static Datum
broken_value(PgmMapping *mapping, Expr *expr, bool *isnull)
{
	MemoryContext old =
		MemoryContextSwitchTo(mapping->context->ecxt_per_tuple_memory);
	Expr	   *planned = expression_planner(copyObject(expr));
	Datum		result = ExecEvalExpr(ExecInitExpr(planned, NULL),
									  mapping->context, isnull);

	MemoryContextSwitchTo(old);
	return result;
}

Datum
pgm_mapping_value(PgmMapping *mapping, AttrNumber column,
				  TupleTableSlot *source, bool *isnull)
{
	PgmMappedColumn *map = &mapping->columns[column - 1];

	if (map->copy != 0)
		return slot_getattr(source, map->copy, isnull);
	*isnull = true;
	mapping->context->ecxt_scantuple = source;
	if (map->broken != NULL)
		return broken_value(mapping, map->broken, isnull);
	if (map->state == NULL)
		return (Datum) 0;
	return ExecEvalExprSwitchContext(map->state, mapping->context, isnull);
}

bool
pgm_mapping_proven(PgmMapping *mapping, AttrNumber column,
				   TupleTableSlot *source)
{
	ExprState  *proof = mapping->columns[column - 1].proof;
	bool		isnull;

	if (mapping->columns[column - 1].unproven)
		return false;
	if (proof == NULL)
		return true;
	mapping->context->ecxt_scantuple = source;
	return DatumGetBool(ExecEvalExprSwitchContext(proof, mapping->context,
												  &isnull));
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
