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
#include "miscadmin.h"
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
#include "online/mapping_proof.h"
#include "online/owner.h"
#include "strategy/columns.h"

static Node *
find_using(List *commands, const char *column)
{
	AlterTableCmd *command = pgm_retyping(commands, column);

	return command == NULL ? NULL :
		castNode(ColumnDef, command->def)->raw_default;
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

bool
pgm_mapping_may_fail(Node *planned)
{
	return may_fail_walker(planned, NULL);
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
			Form_pg_attribute named, PgmMappingText *result)
{
	result->missing = psprintf("there is no cast from %s to %s for column \"%s\"",
							   format_type_be(from->atttypid),
							   format_type_be(to->atttypid),
							   NameStr(named->attname));
}

/* NULL if there is none, or one that cannot be used. */
static Node *
cast_or_say(Relation source, Form_pg_attribute from, Form_pg_attribute to,
			Node *using, bool back, const char *text, PgmMappingText *result)
{
	Node	   *expr = cast_column(source, from, to, using, back, text);
	Form_pg_attribute named = back ? to : from; /* and not after its double */

	if (expr == NULL)
		say_no_cast(from, to, named, result);
	else if (contain_volatile_functions(expr))
		result->missing = psprintf("the expression for column \"%s\" is volatile",
								   NameStr(named->attname));
	return expr;
}

typedef struct Cast
{
	Relation	source;
	Form_pg_attribute from;
	Form_pg_attribute to;
	Node	   *using;
	const char *text;
	Node	   *result;
} Cast;

static void
cast_by_author(void *arg)
{
	Cast	   *cast = arg;

	cast->result = cast_column(cast->source, cast->from, cast->to, cast->using,
							   true, cast->text);
}

/* In one table, of the column that it is to make? */
static bool
reads(Relation source, Node *expr, Form_pg_attribute to)
{
	Bitmapset  *used = NULL;

	pull_varattnos(expr, 1, &used);
	return to->attnum <= RelationGetDescr(source)->natts &&
		to == TupleDescAttr(RelationGetDescr(source), to->attnum - 1) &&
		bms_is_member(to->attnum - FirstLowInvalidHeapAttributeNumber, used);
}

/* His words may be about what is not there, or not yet: NULL then. */
static Node *
back_by_author(Relation source, Form_pg_attribute from, Form_pg_attribute to,
			   const char *name, const PgmInverse *inverse)
{
	Cast		cast = {source, from, to, NULL, inverse->text};

	cast.using = find_using(inverse->commands, name);
	if (inverse->unread || cast.using == NULL ||
		pgm_retyping(inverse->change, name) == NULL ||
		pgm_txn_look(cast_by_author, &cast) != NULL ||
		cast.result == NULL || contain_volatile_functions(cast.result) ||
		reads(source, cast.result, to))
		return NULL;
	return cast.result;
}

/* Did the change make the column by more than a cast of it? */
static bool
is_more_than_cast(const PgmInverse *inverse, const char *name)
{
	Node	   *using = find_using(inverse->change, name);

	return using != NULL && !pgm_using_is_cast(using, name);
}

static Node *
map_back(Relation source, Form_pg_attribute from, Form_pg_attribute to,
		 const char *name, const PgmInverse *inverse, PgmMappingText *result)
{
	Node	   *expr = back_by_author(source, from, to, name, inverse);

	if (expr != NULL)
	{
		result->by_author = true;
		return expr;
	}
	if (is_more_than_cast(inverse, name))
		result->unproven = bms_add_member(result->unproven, to->attnum);
	return cast_or_say(source, from, to, NULL, true, "", result);
}

/* Expression of one column, or NULL. */
static Node *
map_column(Relation source, Form_pg_attribute to, Relation target,
		   List *commands, const char *text, const PgmInverse *inverse,
		   PgmMappingText *result)
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
	using = find_using(inverse ? inverse->change : commands,
					   NameStr(to->attname));
	if (using == NULL && from->atttypid == to->atttypid &&
		from->atttypmod == to->atttypmod)
		return (Node *) makeVar(1, from->attnum, from->atttypid,
								from->atttypmod, from->attcollation, 0);
	if (inverse != NULL)
		return map_back(source, from, to, NameStr(to->attname), inverse,
						result);
	return cast_or_say(source, from, to, using, false, text, result);
}

/*
 * Inside of another expression nobody looks whether a number fits, even if
 * planning makes nothing more of that than a cast.
 */
static void
add_traits(Node *expr, Node *planned, PgmMappingText *result)
{
	AttrNumber	column;
	int64		lowest;
	int64		highest;

	if (contain_mutable_functions(expr))
		result->pinned = true;
	if (pgm_mapping_narrows(expr, &column, &lowest, &highest))
		result->narrows = true;
	else if (pgm_mapping_may_fail(planned))
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

static Node *
plan_back(Node *expr, const PgmInverse *inverse)
{
	return inverse != NULL && inverse->foreseen ? expr : plan(expr);
}

/*
 * What the server computes for a generated column is assigned to it, in either
 * table: a value that fits in the one may not in the other.
 */
static void
add_generated(Form_pg_attribute from, Form_pg_attribute to, bool back,
			  bool foreseen, PgmMappingText *result)
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
		add_traits(expr, foreseen ? expr : plan(expr), result);
	else if (back)
		say_no_cast(from, to, to, result);
	result->may_collide |= result->narrows || result->may_fail;
}

/* Is it the same in the column, which is not where it was made of? */
static bool
is_looser(Node *expr, Form_pg_attribute to)
{
	return OidIsValid(to->attcollation) &&
		exprCollation(expr) != to->attcollation &&
		!get_collation_isdeterministic(to->attcollation);
}

static void
add_column_traits(Node *expr, Node *planned, Form_pg_attribute to,
				  PgmMappingText *result)
{
	add_traits(expr, planned, result);
	result->may_collide |= is_looser(expr, to);
}

/* Is a value of the new layout the only one that becomes this one? */
static bool
tells_apart(Node *expr, const PgmInverse *inverse)
{
	PgmMappingText traits = {0};

	add_traits(expr, plan_back(expr, inverse), &traits);
	return !traits.may_fail && !traits.may_collide;
}

/* Must what becomes of the value make it again? */
static bool
needs_proof(Form_pg_attribute column, const PgmInverse *inverse, Node *expr,
			const PgmMappingText *result)
{
	return bms_is_member(column->attnum, result->unproven) ||
		(bms_is_member(column->attnum, inverse->key) &&
		 (is_more_than_cast(inverse, NameStr(column->attname)) ||
		  !tells_apart(expr, inverse)));
}

/* Within a row others that change are computed along, and not there yet. */
static bool
reads_others(Relation rel, Node *expr, Form_pg_attribute column,
			 const PgmInverse *inverse)
{
	Bitmapset  *used = NULL;
	int			i = -1;

	pull_varattnos(expr, 1, &used);
	while ((i = bms_next_member(used, i)) >= 0)
	{
		AttrNumber	other = i + FirstLowInvalidHeapAttributeNumber;

		if (other != column->attnum && other > 0 &&
			pgm_retyping(inverse->change,
						 get_attname(RelationGetRelid(rel), other,
									 false)) != NULL)
			return true;
	}
	return false;
}

/*
 * Of a column of the old layout, made of the one of the new layout; or NULL.
 * The list has what becomes of the columns.
 */
static Node *
prove(Relation old, Form_pg_attribute column, Form_pg_attribute made,
	  const PgmInverse *inverse, List *columns, bool stays,
	  PgmMappingText *result)
{
	const char *name = NameStr(column->attname);
	Node	   *expr = list_nth(columns, column->attnum - 1);
	Node	   *again;
	Node	   *proof = NULL;

	if (expr == NULL || inverse->unread ||
		!needs_proof(column, inverse, expr, result))
		return NULL;
	again = cast_column(old, column, made, find_using(inverse->change, name),
						false, inverse->change_text);
	if (again != NULL && !(stays && reads_others(old, again, column, inverse)))
		proof = pgm_mapping_proof(again, columns, stays,
								  makeVar(1, made->attnum, made->atttypid,
										  made->atttypmod,
										  made->attcollation, 0));
	if (proof == NULL)
		result->missing = psprintf("nothing proves what becomes of column \"%s\"",
								   name);
	else
		add_traits(proof, plan_back(proof, inverse), result);
	return proof;
}

/* By the key the old row is found. */
static void
check_key(Form_pg_attribute att, const PgmInverse *inverse, Node *expr,
		  PgmMappingText *result)
{
	if (expr == NULL || !bms_is_member(att->attnum, inverse->key))
		return;
	if (is_looser(expr, att))
		result->missing = psprintf("column \"%s\" of the key takes different values for the same",
								   NameStr(att->attname));
	else if (result->missing == NULL &&
			 bms_is_member(att->attnum, result->unproven))
		result->missing = psprintf("column \"%s\" of the key is made by USING, and nothing says how to make it again",
								   NameStr(att->attname));
}

/* Where many columns are mapped, what is asked is of all, or of this one. */
static PgmMappingText *
asked_of(AttrNumber column, AttrNumber only, PgmMappingText *result,
		 PgmMappingText *others)
{
	return only == InvalidAttrNumber || only == column ? result : others;
}

static List *
find_proofs(Relation source, Relation target, List *columns,
			const PgmInverse *inverse, AttrNumber only,
			PgmMappingText *result)
{
	TupleDesc	desc = RelationGetDescr(target);
	PgmMappingText others = {0};
	List	   *proofs = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AttrNumber	made = att->attisdropped ? InvalidAttrNumber :
			get_attnum(RelationGetRelid(source), NameStr(att->attname));
		PgmMappingText *said = asked_of(att->attnum, only, result, &others);
		Node	   *proof = made <= 0 ? NULL :
			prove(target, att,
				  TupleDescAttr(RelationGetDescr(source), made - 1),
				  inverse, columns, false, said);

		proofs = lappend(proofs, proof);
		check_key(att, inverse, list_nth(columns, i), said);
	}
	return proofs;
}

static void
finish_traits(List *columns, List *proofs, PgmMappingText *result)
{
	result->pinned |= result->may_fail;
	result->may_collide |= result->may_fail;
	result->columns = pgm_mapping_to_text(columns, proofs);
}

/* The way back where there is an inverse, of what its subcommands did. */
static PgmMappingText *
make(Relation source, Relation target, List *commands, const char *text,
	 const PgmInverse *inverse, AttrNumber only)
{
	PgmMappingText *result = palloc0(sizeof(PgmMappingText));
	PgmMappingText others = {0};
	TupleDesc	desc = RelationGetDescr(target);
	List	   *columns = NIL;
	List	   *proofs = NIL;

	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		PgmMappingText *said = asked_of(i + 1, only, result, &others);
		Node	   *expr = map_column(source, att, target, commands, text,
									  inverse, said);
		AttrNumber	column = att->attisdropped || att->attgenerated == '\0' ?
			InvalidAttrNumber : get_attnum(RelationGetRelid(source),
										   NameStr(att->attname));

		columns = lappend(columns, expr);
		if (expr != NULL)
			add_column_traits(expr, plan_back(expr, inverse), att, said);
		else if (column > 0)
			add_generated(TupleDescAttr(RelationGetDescr(source), column - 1),
						  att, inverse != NULL,
						  inverse != NULL && inverse->foreseen, said);
	}
	if (inverse != NULL)
		proofs = find_proofs(source, target, columns, inverse, only, result);
	PopActiveSnapshot();
	finish_traits(columns, proofs, result);
	return result;
}

PgmMappingText *
pgm_mapping_make(Relation source, Relation target, List *commands,
				 const char *text)
{
	return make(source, target, commands, text, NULL, InvalidAttrNumber);
}

PgmMappingText *
pgm_mapping_make_back(Relation source, Relation target,
					  const PgmInverse *inverse)
{
	return make(source, target, NIL, "", inverse, InvalidAttrNumber);
}

PgmMappingText *
pgm_mapping_foresee_back(Relation source, Relation target, AttrNumber column,
						 const PgmInverse *inverse)
{
	return make(source, target, NIL, "", inverse, column);
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
					   false, text, result);
	if (expr != NULL)
		add_column_traits(expr, plan(expr), target, result);
	PopActiveSnapshot();
	finish_traits(list_make1(expr), NIL, result);
	return result;
}

/* What is in the row beside the column stays. */
static Node *
prove_within(Relation rel, Form_pg_attribute column, Form_pg_attribute made,
			 const PgmInverse *inverse, Node *expr, PgmMappingText *result)
{
	List	   *columns = NIL;

	for (int i = 1; i <= column->attnum; i++)
		columns = lappend(columns, i == column->attnum ? expr : NULL);
	return prove(rel, column, made, inverse, columns, true, result);
}

PgmMappingText *
pgm_mapping_within_back(Relation rel, AttrNumber from, AttrNumber to,
						const PgmInverse *inverse)
{
	PgmMappingText *result = palloc0(sizeof(PgmMappingText));
	Form_pg_attribute source = TupleDescAttr(RelationGetDescr(rel), from - 1);
	Form_pg_attribute target = TupleDescAttr(RelationGetDescr(rel), to - 1);
	Node	   *expr;
	Node	   *proof = NULL;

	PushActiveSnapshot(GetTransactionSnapshot());
	expr = map_back(rel, source, target, NameStr(target->attname), inverse,
					result);
	if (expr != NULL)
	{
		add_column_traits(expr, plan_back(expr, inverse), target, result);
		proof = prove_within(rel, target, source, inverse, expr, result);
	}
	PopActiveSnapshot();
	finish_traits(list_make1(expr), list_make1(proof), result);
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
	PgmMappingText *result;
} Foresight;

static void
look_ahead(const Foresight *foresight)
{
	Relation	rel = foresight->rel;
	AlterTableCmd *command = foresight->command;
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
		add_generated(before, &after, false, true, result);
		return;
	}
	expr = cast_or_say(rel, before, &after, def->raw_default, false, "",
					   result);
	if (expr != NULL)
		add_column_traits(expr, expr, &after, result);
	result->may_collide |= result->may_fail;
}

/* The check of a domain may be a function in SQL, which wants a snapshot. */
static void
foresee(void *arg)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	look_ahead(arg);
	PopActiveSnapshot();
}

static bool
computes(AlterTableCmd *command)
{
	const ColumnDef *def = castNode(ColumnDef, command->def);

	return def->raw_default != NULL || def->constraints != NIL;
}

void
pgm_mapping_foresee(Relation rel, AlterTableCmd *command, Oid role,
					PgmMappingText *forth)
{
	Foresight	foresight = {rel, command, forth};
	PgmOwnerScope scope;

	memset(forth, 0, sizeof(PgmMappingText));
	if (!OidIsValid(role) && computes(command))
		return;
	if (OidIsValid(role) && role != GetUserId())
	{
		pgm_owner_enter(&scope, role);
		(void) pgm_txn_look(foresee, &foresight);
		pgm_owner_leave(&scope);
	}
	else
		(void) pgm_txn_look(foresee, &foresight);
}

void
pgm_mapping_depend(Oid trigger, Oid source, const char *columns)
{
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	recordDependencyOnSingleRelExpr(&address,
									(Node *) pgm_mapping_columns(columns),
									source,
									DEPENDENCY_NORMAL, DEPENDENCY_NORMAL,
									false);
}
