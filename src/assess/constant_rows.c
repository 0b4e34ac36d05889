/*-------------------------------------------------------------------------
 *
 * constant_rows.c
 *	  Rows of constants that their table does not take.
 *
 * What is written as a constant is converted as the server would, and held
 * against the NOT NULL and CHECK constraints, the bounds of a partition, and
 * the other rows of the statement.  Nothing is read but the catalog, and no
 * function is called but those of the server that only compute: a value that
 * needs another is not known, and what depends on it is left to the run, as
 * are tables with triggers or rules that may change the row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/genam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "assess/constant_rows.h"
#include "classify/foreign_names.h"
#include "compat/checks.h"
#include "compat/parse.h"

/* Partitions that are asked whether they take a row; of more it is the run. */
#define PGM_PARTITIONS_ASKED 200

/* Rows that are looked at, and those of them that are compared. */
#define PGM_ROWS_LOOKED_AT 1000
#define PGM_ROWS_COMPARED 200

/* A row as far as it is known. */
typedef struct Row
{
	Relation	rel;
	bool	   *known;
	Datum	   *values;
	bool	   *nulls;
} Row;

/* ---- expressions that may be computed here */

static bool is_code(Node *node, void *context);

static bool
is_code_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId ||
		!pgm_builtin_is_harmless(function) ||
		func_volatile(function) == PROVOLATILE_VOLATILE;
}

static bool
domain_has_code(Oid domain)
{
	/* the context calls it back when it goes */
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef));
	ListCell   *lc;

	InitDomainConstraintRef(domain, ref, CurrentMemoryContext, false);
	foreach(lc, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(lc);

		if (is_code((Node *) constraint->check_expr, NULL))
			return true;
	}
	return false;
}

static bool
is_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_code_function, context))
		return true;
	switch (nodeTag(node))
	{
		case T_CoerceToDomain:
			if (domain_has_code(castNode(CoerceToDomain, node)->resulttype))
				return true;
			break;
		case T_NextValueExpr:
		case T_Param:
		case T_SubLink:
		case T_SubPlan:
			return true;
		default:
			break;
	}
	return expression_tree_walker(node, is_code, context);
}

/* ---- the row */

/* Does the server itself read values of the type? */
static bool
is_read_by_server(Oid type)
{
	type = getBaseType(type);
	return type < FirstNormalObjectId || get_typtype(type) == TYPTYPE_ENUM;
}

static Oid
type_of(Relation rel, AttrNumber attnum)
{
	return TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid;
}

/* A constant as it is written, with a cast to a type of the server's. */
static bool
is_constant(Node *expr)
{
	if (IsA(expr, TypeCast))
	{
		const TypeName *type = castNode(TypeCast, expr)->typeName;
		Oid			oid = type->setof || type->pct_type ? InvalidOid :
			LookupTypeNameOid(NULL, type, true);

		return OidIsValid(oid) && oid < FirstNormalObjectId &&
			IsA(castNode(TypeCast, expr)->arg, A_Const);
	}
	return IsA(expr, A_Const);
}

static void
set_value(Row *row, AttrNumber attnum, Node *expr)
{
	Oid			type = type_of(row->rel, attnum);
	Const	   *value;

	if (expr == NULL)
	{
		row->known[attnum - 1] = row->nulls[attnum - 1] = true;
		return;
	}
	if (is_code(expr, NULL))
		return;
	if (!IsA(expr, Const))
		expr = (Node *) evaluate_expr((Expr *) expr, exprType(expr),
									  exprTypmod(expr), exprCollation(expr));
	value = castNode(Const, expr);
	if (value->consttype != type && value->consttype != getBaseType(type))
		return;
	row->known[attnum - 1] = true;
	row->values[attnum - 1] = value->constvalue;
	row->nulls[attnum - 1] = value->constisnull;
}

/* What is given is converted as by an assignment. */
static Node *
as_assigned(Relation rel, AttrNumber attnum, Node *expr)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	ParseState *pstate = make_parsestate(NULL);
	Node	   *result = transformExpr(pstate, expr, EXPR_KIND_VALUES_SINGLE);
	Oid			type = exprType(result);

	result = coerce_to_target_type(pstate, result, type, att->atttypid,
								   att->atttypmod, COERCION_ASSIGNMENT,
								   COERCE_IMPLICIT_CAST, -1);
	if (result == NULL)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" is of type %s but expression is of type %s",
					   NameStr(att->attname), format_type_be(att->atttypid),
					   format_type_be(type)));
	return result;
}

/* It has to be DEFAULT. */
static void
be_no_value(Relation rel, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	if (att->attgenerated != '\0' ||
		att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		ereport(ERROR,
				errcode(ERRCODE_GENERATED_ALWAYS),
				errmsg("cannot insert a non-DEFAULT value into column \"%s\"",
					   NameStr(att->attname)));
}

static void
set_default(Row *row, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(row->rel),
										  attnum - 1);

	if (att->attgenerated == '\0' && att->attidentity == '\0')
		set_value(row, attnum, build_column_default(row->rel, attnum));
}

/* The columns that values are for, by their places; NIL if not that simple. */
static List *
target_columns(Relation rel, List *targets, int nvalues)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targets)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), target->name);

		if (target->indirection != NIL || attnum <= 0)
			return NIL;
		result = lappend_int(result, attnum);
	}
	if (targets != NIL)
		return list_length(result) == nvalues ? result : NIL;
	for (int i = 0; i < RelationGetNumberOfAttributes(rel) &&
		 list_length(result) < nvalues; i++)
		if (!TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			result = lappend_int(result, i + 1);
	return result;
}

static Row *
make_row(Relation rel, const List *columns, const List *exprs)
{
	int			natts = RelationGetNumberOfAttributes(rel);
	Row		   *row = palloc0(sizeof(Row));
	ListCell   *lc;
	ListCell   *lc2;

	row->rel = rel;
	row->known = palloc0_array(bool, natts);
	row->values = palloc0_array(Datum, natts);
	row->nulls = palloc0_array(bool, natts);
	for (int i = 0; i < natts; i++)
		if (!TupleDescAttr(RelationGetDescr(rel), i)->attisdropped &&
			!list_member_int(columns, i + 1))
			set_default(row, i + 1);
	forboth(lc, columns, lc2, exprs)
	{
		Node	   *expr = lfirst(lc2);

		if (IsA(expr, SetToDefault))
		{
			set_default(row, lfirst_int(lc));
			continue;
		}
		be_no_value(rel, lfirst_int(lc));
		if (is_constant(expr) &&
			is_read_by_server(type_of(rel, lfirst_int(lc))))
			set_value(row, lfirst_int(lc),
					  as_assigned(rel, lfirst_int(lc), expr));
	}
	return row;
}

/* ---- what it is held against */

static void
check_nulls(const Row *row)
{
	TupleDesc	desc = RelationGetDescr(row->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attnotnull && row->known[i] && row->nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NOT_NULL_VIOLATION),
					errmsg("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
						   NameStr(att->attname),
						   RelationGetRelationName(row->rel)));
	}
}

/* Has it only columns that are known, and nothing that may not run? */
static bool
can_be_told(const Row *row, Node *condition)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	if (is_code(condition, NULL))
		return false;
	pull_varattnos(condition, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		int			attnum = column + FirstLowInvalidHeapAttributeNumber;

		if (attnum <= 0 || !row->known[attnum - 1])
			return false;
	}
	return true;
}

/* False for sure; NULL passes. */
static bool
is_violated(const Row *row, Node *condition)
{
	EState	   *estate;
	ExprContext *context;
	TupleTableSlot *slot;
	bool		result;

	if (!can_be_told(row, condition))
		return false;
	estate = CreateExecutorState();
	context = GetPerTupleExprContext(estate);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(row->rel),
									&TTSOpsVirtual);
	for (int i = 0; i < RelationGetNumberOfAttributes(row->rel); i++)
	{
		slot->tts_values[i] = row->values[i];
		slot->tts_isnull[i] = row->nulls[i] || !row->known[i];
	}
	ExecStoreVirtualTuple(slot);
	context->ecxt_scantuple = slot;
	result = !ExecCheck(ExecPrepareExpr((Expr *) condition, estate), context);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	return result;
}

static void
check_conditions(const Row *row)
{
	const TupleConstr *constr = RelationGetDescr(row->rel)->constr;
	List	   *bound;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
		if (pgm_check_is_enforced(&constr->check[i]) &&
			is_violated(row, stringToNode(constr->check[i].ccbin)))
			ereport(ERROR,
					errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("new row for relation \"%s\" violates check constraint \"%s\"",
						   RelationGetRelationName(row->rel),
						   constr->check[i].ccname));
	bound = RelationGetPartitionQual(row->rel);
	if (bound != NIL &&
		is_violated(row, (Node *) make_ands_explicit(bound)))
		ereport(ERROR,
				errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("new row for relation \"%s\" violates partition constraint",
					   RelationGetRelationName(row->rel)));
}

/* The columns of a partition may have other places. */
static bool
has_same_columns(Relation a, Relation b)
{
	TupleDesc	left = RelationGetDescr(a);
	TupleDesc	right = RelationGetDescr(b);

	if (left->natts != right->natts)
		return false;
	for (int i = 0; i < left->natts; i++)
		if (TupleDescAttr(left, i)->attisdropped !=
			TupleDescAttr(right, i)->attisdropped ||
			strcmp(NameStr(TupleDescAttr(left, i)->attname),
				   NameStr(TupleDescAttr(right, i)->attname)) != 0)
			return false;
	return true;
}

/* Does the partition refuse the row for sure? */
static bool
is_refused(const Row *row, Oid partition)
{
	Relation	rel = table_open(partition, AccessShareLock);
	bool		result = has_same_columns(row->rel, rel) &&
		is_violated(row, (Node *)
					make_ands_explicit(RelationGetPartitionQual(rel)));

	table_close(rel, NoLock);
	return result;
}

static void
check_partitions(const Row *row, const List *partitions)
{
	ListCell   *lc;

	foreach(lc, partitions)
		if (!is_refused(row, lfirst_oid(lc)))
		return;
	ereport(ERROR,
			errcode(ERRCODE_CHECK_VIOLATION),
			errmsg("no partition of relation \"%s\" found for row",
				   RelationGetRelationName(row->rel)));
}

/* ---- two rows of one statement */

/* As the equality of the type has it, for types of the server. */
static bool
is_same(const Row *a, const Row *b, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(a->rel),
										  attnum - 1);

	return a->known[attnum - 1] && b->known[attnum - 1] &&
		!a->nulls[attnum - 1] && !b->nulls[attnum - 1] &&
		datumIsEqual(a->values[attnum - 1], b->values[attnum - 1],
					 att->attbyval, att->attlen);
}

static void
check_key(const List *rows, Relation index)
{
	Form_pg_index form = index->rd_index;

	for (int i = 0; i < list_length(rows); i++)
		for (int j = 0; j < i; j++)
		{
			int			n = 0;

			while (n < form->indnkeyatts &&
				   is_same(list_nth(rows, i), list_nth(rows, j),
						   form->indkey.values[n]))
				n++;
			if (n == form->indnkeyatts)
				ereport(ERROR,
						errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("duplicate key value violates unique constraint \"%s\"",
							   RelationGetRelationName(index)));
		}
}

/* Those over columns, of all rows, that are checked at once. */
static void
check_keys(Relation rel, const List *rows)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisunique && index->rd_index->indimmediate &&
			index->rd_index->indisready &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs,
						   NULL) &&
			heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			check_key(rows, index);
		index_close(index, NoLock);
	}
}

/* ---- ON CONFLICT */

static bool
has_columns(Relation index, const Bitmapset *columns)
{
	Form_pg_index form = index->rd_index;
	Bitmapset  *keys = NULL;

	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] <= 0)
			return false;
		keys = bms_add_member(keys, form->indkey.values[i]);
	}
	return (form->indisunique || form->indisexclusion) &&
		bms_equal(keys, columns);
}

/* A key over these columns; a partial one may do. */
static bool
has_key(Relation rel, const Bitmapset *columns)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found |= has_columns(index, columns);
		index_close(index, NoLock);
	}
	return found;
}

static void
check_conflict(Relation rel, const InferClause *infer)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (infer == NULL)
		return;
	if (infer->conname != NULL)
		(void) get_relation_constraint_oid(RelationGetRelid(rel),
										   infer->conname, false);
	foreach(lc, infer->indexElems)
	{
		const IndexElem *element = lfirst_node(IndexElem, lc);
		AttrNumber	attnum;

		if (element->name == NULL)
			return;
		attnum = get_attnum(RelationGetRelid(rel), element->name);
		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" does not exist", element->name));
		if (attnum > 0)
			columns = bms_add_member(columns, attnum);
	}
	if (infer->indexElems != NIL && !has_key(rel, columns))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				errmsg("there is no unique or exclusion constraint matching the ON CONFLICT specification"));
}

/* ---- the statement */

/* Is a row stored as it is given? */
static bool
is_stored_as_given(Relation rel)
{
	const TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
		if (rel->rd_rules->rules[i]->event == CMD_INSERT)
			return false;
	return triggers == NULL || (!triggers->trig_insert_before_row &&
								!triggers->trig_insert_before_statement &&
								!triggers->trig_insert_instead_row);
}

/* NIL for one that cannot be told. */
static List *
partitions_of(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	List	   *partitions;
	ListCell   *lc;

	/* counted with those of partitions, and before there are locks */
	if (list_length(find_all_inheritors(relid, NoLock, NULL)) >
		PGM_PARTITIONS_ASKED)
		return NIL;
	partitions = find_inheritance_children(relid, AccessShareLock);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	part = table_open(lfirst_oid(lc), NoLock);
		bool		plain = is_stored_as_given(part);

		table_close(part, NoLock);
		if (!plain)
			return NIL;
	}
	return partitions;
}

static void
check_rows(const InsertStmt *insert, Relation rel)
{
	const SelectStmt *select = (SelectStmt *) insert->selectStmt;
	bool		partitioned =
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	List	   *partitions = partitioned ? partitions_of(rel) : NIL;
	List	   *rows = NIL;
	ListCell   *lc;

	if ((partitioned || rel->rd_rel->relkind == RELKIND_RELATION) &&
		insert->onConflictClause != NULL)
		check_conflict(rel, insert->onConflictClause->infer);
	if ((partitioned ? partitions == NIL :
		 rel->rd_rel->relkind != RELKIND_RELATION) ||
		!is_stored_as_given(rel) || insert->override != OVERRIDING_NOT_SET)
		return;
	if (select == NULL)
		rows = list_make1(make_row(rel, NIL, NIL));
	else if (IsA(select, SelectStmt))
		foreach(lc, select->valuesLists)
	{
		List	   *exprs = lfirst_node(List, lc);
		List	   *columns = target_columns(rel, insert->cols,
											 list_length(exprs));

		if (list_length(rows) == PGM_ROWS_LOOKED_AT)
			break;
		if (columns != NIL)
			rows = lappend(rows, make_row(rel, columns, exprs));
	}
	foreach(lc, rows)
	{
		const Row  *row = lfirst(lc);

		if (partitioned)
			check_partitions(row, partitions);
		check_nulls(row);
		check_conditions(row);
	}
	if (!partitioned && insert->onConflictClause == NULL &&
		list_length(rows) <= PGM_ROWS_COMPARED)
		check_keys(rel, rows);
}

/* The table is locked, and reaches no code of others. */
void
pgm_check_inserted_rows(const InsertStmt *insert, Oid relid)
{
	Relation	rel;

	if (!OidIsValid(relid))
		return;
	rel = table_open(relid, NoLock);
	check_rows(insert, rel);
	table_close(rel, NoLock);
}

void
pgm_check_assigned_constant(Oid relid, const char *column, Node *expr)
{
	Relation	rel;
	AttrNumber	attnum = get_attnum(relid, column);

	if (attnum <= 0 || !is_constant(expr))
		return;
	rel = relation_open(relid, AccessShareLock);
	if (is_read_by_server(type_of(rel, attnum)))
	{
		expr = as_assigned(rel, attnum, copyObject(expr));
		if (!is_code(expr, NULL))
			(void) eval_const_expressions(NULL, expr);
	}
	relation_close(rel, NoLock);
}
