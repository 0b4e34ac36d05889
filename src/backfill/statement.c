/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  An UPDATE or DELETE, taken apart and put together for some of its rows.
 *
 * The statement is parsed once, as its author wrote it, so an error points
 * into his text.  All that is added to it is added to the tree: a condition
 * cannot end the statement and begin another one.
 *
 *	UPDATE t SET a = e WHERE c			as written
 *	UPDATE ONLY p AS t SET a = e		for a range of the pages of p
 *	  WHERE ctid >= $1 AND ctid < $2
 *	    AND CASE WHEN c THEN true ELSE false END
 *	  RETURNING c						where it may still be met
 *
 * The CASE keeps the planner from reading all pages by an index on what c is
 * about, once for each range, and from turning a subquery of it into a join.
 * Terms that join t to what is after FROM or USING have none.
 *
 * What is left to do is what c is met by and would be changed by e: in between
 * another session may have moved a row to a page that is done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "backfill/internal.h"
#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/returning.h"
#include "sql/parse_text.h"

static void
refuse_syntax(const char *argument)
{
	ereport(ERROR,
			errcode(ERRCODE_SYNTAX_ERROR),
			strcmp(argument, "condition") == 0 ?
			errmsg("argument \"%s\" is not one expression", argument) :
			errmsg("argument \"%s\" is not a list of assignments", argument),
			errhint("Write assignments as after SET of an UPDATE, and the condition as after its WHERE."));
}

static void
check_assignments(const char *start, const char *assignments)
{
	char	   *text = psprintf("%s %s\n", start, assignments);
	PgmSource  *source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	UpdateStmt *update;

	if (source->nstatements != 1 ||
		!IsA(source->statements[0].raw->stmt, UpdateStmt))
		refuse_syntax("assignments");
	update = castNode(UpdateStmt, source->statements[0].raw->stmt);
	if (update->whereClause != NULL || update->fromClause != NIL ||
		update->withClause != NULL || pgm_update_returns(update))
		refuse_syntax("assignments");
}

static void
check_condition(const char *condition)
{
	char	   *text = psprintf("SELECT\n%s\n", condition);
	PgmSource  *source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	SelectStmt *select;
	ResTarget  *target;

	if (source->nstatements != 1 ||
		!IsA(source->statements[0].raw->stmt, SelectStmt))
		refuse_syntax("condition");
	select = castNode(SelectStmt, source->statements[0].raw->stmt);
	if (list_length(select->targetList) != 1 || select->op != SETOP_NONE ||
		select->distinctClause != NIL || select->intoClause != NULL ||
		select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->sortClause != NIL ||
		select->limitCount != NULL || select->limitOffset != NULL ||
		select->lockingClause != NIL || select->withClause != NULL)
		refuse_syntax("condition");
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL)
		refuse_syntax("condition");
}

/* As a client would write it; the tables of the server are named in full. */
char *
pgm_change_compose(Oid relid, const char *assignments, const char *condition)
{
	char	   *start = psprintf("UPDATE %s SET", pgm_relation_name(relid));

	check_assignments(start, assignments);
	if (condition == NULL)
		return psprintf("%s %s\n", start, assignments);
	check_condition(condition);
	return psprintf("%s %s\nWHERE %s\n", start, assignments, condition);
}

static Node *
column(const char *alias, const char *name)
{
	ColumnRef  *ref = makeNode(ColumnRef);

	ref->fields = list_make2(makeString(pstrdup(alias)),
							 makeString(pstrdup(name)));
	ref->location = -1;
	return (Node *) ref;
}

/* The rows of a chunk that meet the condition. */
static Node *
rows_of_chunk(const PgmChange *change, PgmForm form)
{
	return pgm_change_within(change, form == PGM_FORM_RANGE ?
							 "%s.ctid OPERATOR(pg_catalog.>=) $1 "
							 "AND %s.ctid OPERATOR(pg_catalog.<) $2" :
							 "%s.ctid OPERATOR(pg_catalog.=) ANY ($1)");
}

/* Is the column's new value told from its old one, by whom may read it? */
static bool
is_comparable(Oid relid, const ResTarget *target, Oid *type, int32 *typmod)
{
	AttrNumber	attnum = get_attnum(relid, target->name);
	Oid			collation;

	if (attnum <= 0 || target->indirection != NIL ||
		IsA(target->val, SetToDefault) || IsA(target->val, MultiAssignRef))
		return false;
	get_atttypetypmodcoll(relid, attnum, type, typmod, &collation);
	if (!OidIsValid(lookup_type_cache(*type, TYPECACHE_EQ_OPR)->eq_opr))
		return false;
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, attnum, GetUserId(),
							  ACL_SELECT) == ACLCHECK_OK;
}

static Node *
cast_to(Node *arg, Oid type, int32 typmod)
{
	TypeCast   *cast = makeNode(TypeCast);

	cast->arg = arg;
	cast->typeName = makeTypeNameFromOid(type, typmod);
	cast->location = -1;
	return (Node *) cast;
}

/*
 * By the equality of the type, whatever else of that name, for these types or
 * for a domain, is in the search path: that could be anybody's.
 */
static Node *
is_distinct(Node *left, Node *right, Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = list_make2(makeString(get_namespace_name(form->oprnamespace)),
					  makeString(pstrdup(NameStr(form->oprname))));
	ReleaseSysCache(tuple);
	if (getBaseType(type) != type)
	{
		left = cast_to(left, getBaseType(type), -1);
		right = cast_to(right, getBaseType(type), -1);
	}
	return (Node *) makeA_Expr(AEXPR_DISTINCT, name, left, right, -1);
}

/* a IS DISTINCT FROM e for one column after the other; NULL if one cannot. */
static Node *
would_change(const PgmChange *change, Oid relid)
{
	const char *alias = pgm_change_alias(change);
	List	   *terms = NIL;
	ListCell   *lc;

	if (change->is_delete || change->from_itself || change->is_volatile)
		return NULL;
	foreach(lc, castNode(UpdateStmt, change->raw->stmt)->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);
		Oid			type;
		int32		typmod;

		if (!is_comparable(relid, target, &type, &typmod))
			return NULL;
		terms = lappend(terms,
						is_distinct(column(alias, target->name),
									cast_to(copyObject(target->val), type,
											typmod), type));
	}
	return list_length(terms) == 1 ? linitial(terms) :
		(Node *) makeBoolExpr(OR_EXPR, terms, -1);
}

static RangeVar *
table_of_form(const PgmChange *change, Oid relid)
{
	RangeVar   *result;

	result = makeRangeVar(get_namespace_name(get_rel_namespace(relid)),
						  get_rel_name(relid), -1);
	result->inh = false;
	result->alias = makeAlias(pgm_change_alias(change), NIL);
	return result;
}

/* The condition and another one, where there are any. */
static Node *
condition_and(const PgmChange *change, Node *other)
{
	if (change->condition == NULL)
		return other;
	if (other == NULL)
		return copyObject(change->condition);
	return (Node *) makeBoolExpr(AND_EXPR,
								 list_make2(copyObject(change->condition),
											other), -1);
}

/* Is there a row of what it joins, so that this is met? */
static Node *
has_partner(const PgmChange *change, Node *condition)
{
	SubLink    *link = makeNode(SubLink);
	SelectStmt *select = makeNode(SelectStmt);

	select->fromClause = copyObject(change->joined);
	select->whereClause = condition;
	link->subLinkType = EXISTS_SUBLINK;
	link->subselect = (Node *) select;
	link->location = -1;
	return (Node *) link;
}

/*
 * Of several rows that it joins one gives the new values: a row that has those
 * of any is done.
 */
static Node *
joined_condition(const PgmChange *change, Node *left)
{
	Node	   *met = has_partner(change, condition_and(change, NULL));
	Node	   *same;
	Node	   *done;

	if (left == NULL)
		return met;
	same = (Node *) makeBoolExpr(NOT_EXPR, list_make1(left), -1);
	done = has_partner(change, condition_and(change, same));
	return (Node *)
		makeBoolExpr(AND_EXPR,
					 list_make2(met, makeBoolExpr(NOT_EXPR, list_make1(done),
												  -1)), -1);
}

/* SELECT ctid of the rows that it is for. */
static Node *
select_form(const PgmChange *change, Oid relid, Node *left)
{
	SelectStmt *select =
		pgm_parse_part(psprintf("SELECT %s.ctid",
								quote_identifier(pgm_change_alias(change))));

	select->fromClause = list_make1(table_of_form(change, relid));
	select->withClause = copyObject(change->with);
	select->whereClause = change->joined == NIL ?
		condition_and(change, left) : joined_condition(change, left);
	return (Node *) select;
}

static Node *
change_form(const PgmChange *change, Oid relid, PgmForm form)
{
	Node	   *stmt = copyObject(change->raw->stmt);

	if (change->is_delete)
	{
		DeleteStmt *delete = castNode(DeleteStmt, stmt);

		delete->relation = table_of_form(change, relid);
		delete->whereClause = rows_of_chunk(change, form);
	}
	else
	{
		UpdateStmt *update = castNode(UpdateStmt, stmt);

		update->relation = table_of_form(change, relid);
		update->whereClause = rows_of_chunk(change, form);
		if (change->over_assigned)
		{
			ResTarget  *target = makeNode(ResTarget);

			target->val = copyObject(change->condition);
			target->location = -1;
			pgm_update_set_returning(update, list_make1(target));
		}
	}
	return stmt;
}

RawStmt *
pgm_change_form(const PgmChange *change, Oid relid, PgmForm form)
{
	RawStmt    *raw = copyObject(change->raw);
	Node	   *left = NULL;

	switch (form)
	{
		case PGM_FORM_RANGE:
		case PGM_FORM_LIST:
			raw->stmt = change_form(change, relid, form);
			break;
		case PGM_FORM_MEETS:
			raw->stmt = select_form(change, relid, NULL);
			break;
		case PGM_FORM_LEFT:
			left = would_change(change, relid);
			if (left == NULL && !change->over_assigned)
				return NULL;
			raw->stmt = select_form(change, relid, left);
			break;
	}
	return raw;
}
