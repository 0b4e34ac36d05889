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
 *
 * What is left to do is what c is met by and would be changed by e: in between
 * another session may have moved a row to a page that is done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "backfill/internal.h"
#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/returning.h"

/* Names of columns that are looked for in a tree. */
typedef struct ColumnSearch
{
	const List *names;
	const char *alias;			/* which stands for the whole row */
} ColumnSearch;

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

/* The last name of a reference, NULL for a star. */
static const char *
column_of(const ColumnRef *ref)
{
	Node	   *last = llast(ref->fields);

	return IsA(last, String) ? strVal(last) : NULL;
}

static bool
mentions_walker(Node *node, void *arg)
{
	ColumnSearch *search = arg;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		const char *name = column_of((ColumnRef *) node);
		ListCell   *lc;

		if (name == NULL || strcmp(name, search->alias) == 0)
			return true;
		foreach(lc, search->names)
		{
			if (strcmp(lfirst(lc), name) == 0)
				return true;
		}
		return false;
	}
	return raw_expression_tree_walker(node, mentions_walker, arg);
}

static bool
mentions(Node *tree, const List *names, const char *alias)
{
	ColumnSearch search = {names, alias};

	return mentions_walker(tree, &search);
}

static RangeVar *
target_of(const PgmChange *change)
{
	if (change->is_delete)
		return castNode(DeleteStmt, change->raw->stmt)->relation;
	return castNode(UpdateStmt, change->raw->stmt)->relation;
}

static const char *
alias_of(const PgmChange *change)
{
	RangeVar   *relation = target_of(change);

	return relation->alias != NULL ? relation->alias->aliasname :
		relation->relname;
}

static void
take_apart_update(PgmChange *change, UpdateStmt *update)
{
	ListCell   *lc;
	const char *alias = alias_of(change);

	change->condition = update->whereClause;
	foreach(lc, update->targetList)
		change->assigned = lappend(change->assigned,
								   lfirst_node(ResTarget, lc)->name);
	foreach(lc, update->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);

		/* a part of a column is made of the rest of it */
		if (target->indirection != NIL ||
			mentions(target->val, change->assigned, alias))
			change->from_itself = true;
	}
	if (change->condition != NULL)
		change->over_assigned = mentions(change->condition, change->assigned,
										 alias);
}

/*
 * Statement n of a source, which lives as long.  The relation is that of its
 * name unless it is given.
 */
PgmChange *
pgm_change_take_apart(const PgmSource *source, int n, Oid relid)
{
	PgmChange  *change = palloc0(sizeof(PgmChange));
	Node	   *stmt = source->statements[n].raw->stmt;

	change->source = source;
	change->n = n;
	change->raw = source->statements[n].raw;
	change->is_delete = IsA(stmt, DeleteStmt);
	if (change->is_delete)
	{
		change->condition = castNode(DeleteStmt, stmt)->whereClause;
		change->over_assigned = change->condition != NULL;
	}
	else
		take_apart_update(change, castNode(UpdateStmt, stmt));
	change->relid = OidIsValid(relid) ? relid :
		RangeVarGetRelid(target_of(change), NoLock, false);
	return change;
}

/*
 * Is it sure that a changed row no longer meets the condition?  Of the shape
 * a <> e and a IS DISTINCT FROM e, for what a is set to; as far as e of the
 * new row is e of the old one, which is looked at when rows are changed.
 */
static bool
ends_by_itself(const PgmChange *change)
{
	A_Expr	   *expr = (A_Expr *) change->condition;
	UpdateStmt *update;
	ListCell   *lc;

	if (change->is_delete || expr == NULL || !IsA(expr, A_Expr))
		return false;
	if (expr->kind != AEXPR_DISTINCT &&
		(expr->kind != AEXPR_OP || list_length(expr->name) != 1 ||
		 strcmp(strVal(linitial(expr->name)), "<>") != 0))
		return false;
	update = castNode(UpdateStmt, change->raw->stmt);
	foreach(lc, update->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);

		if (IsA(expr->lexpr, ColumnRef) &&
			column_of((ColumnRef *) expr->lexpr) != NULL &&
			strcmp(column_of((ColumnRef *) expr->lexpr), target->name) == 0 &&
			equal(expr->rexpr, target->val))
			return true;
	}
	return false;
}

static const char *
refusal_of_shape(const PgmChange *change)
{
	Node	   *stmt = change->raw->stmt;

	if (change->is_delete)
	{
		DeleteStmt *delete = castNode(DeleteStmt, stmt);

		if (delete->usingClause != NIL || delete->withClause != NULL)
			return "it joins other tables";
		if (pgm_delete_returns(delete))
			return "it returns rows";
		if (change->condition == NULL)
			return "it deletes every row, those that are inserted meanwhile too";
	}
	else
	{
		UpdateStmt *update = castNode(UpdateStmt, stmt);

		if (update->fromClause != NIL || update->withClause != NULL)
			return "it joins other tables";
		if (pgm_update_returns(update))
			return "it returns rows";
		if (change->from_itself && !change->over_assigned)
			return "a new value is made of the old one, and no condition tells a row that is changed from one that is not";
	}
	if (change->condition != NULL && IsA(change->condition, CurrentOfExpr))
		return "it is about the row of a cursor";
	return NULL;
}

/* Is a column of the partition key of the root, or of a partition, set? */
static bool
moves_rows(const PgmChange *change, Relation rel)
{
	Bitmapset  *attributes = NULL;
	ListCell   *lc;

	foreach(lc, change->assigned)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), lfirst(lc));

		if (attnum != InvalidAttrNumber)
			attributes = bms_add_member(attributes, attnum -
										FirstLowInvalidHeapAttributeNumber);
	}
	return has_partition_attrs(rel, attributes, NULL);
}

/* What keeps it from being cut up, or NULL. */
const char *
pgm_change_refusal(const PgmChange *change)
{
	const char *reason = refusal_of_shape(change);
	Relation	rel;

	if (reason != NULL)
		return reason;
	rel = table_open(change->relid, AccessShareLock);
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		moves_rows(change, rel))
		reason = "it sets a column of the partition key";
	else if (rel->rd_rules != NULL)
		reason = "the relation has rules";
	table_close(rel, AccessShareLock);
	return reason;
}

const char *
pgm_backfill_refusal(const PgmSource *source, int n)
{
	PgmChange  *change = pgm_change_take_apart(source, n, InvalidOid);
	char		kind = get_rel_relkind(change->relid);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		return "it is not about a table";
	if (get_rel_persistence(change->relid) == RELPERSISTENCE_TEMP)
		return "the table is temporary";
	if (IsCatalogRelationOid(change->relid))
		return "it is about a system catalog";

	/* whether that ends is known when rows are changed, which is too late */
	if (change->from_itself && !ends_by_itself(change))
		return "a new value is made of the old one";
	return pgm_change_refusal(change);
}

/* Text of ours, whose positions nobody is to see. */
static Node *
parse_part(const char *text)
{
	List	   *trees = pg_parse_query(text);

	return linitial_node(RawStmt, trees)->stmt;
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
	const char *alias = quote_identifier(alias_of(change));
	const char *part = form == PGM_FORM_RANGE ?
		"%s.ctid OPERATOR(pg_catalog.>=) $1 "
		"AND %s.ctid OPERATOR(pg_catalog.<) $2" :
		"%s.ctid OPERATOR(pg_catalog.=) ANY ($1)";
	StringInfoData buf;
	SelectStmt *select;
	BoolExpr   *all;
	CaseExpr   *guard;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT WHERE ");
	appendStringInfo(&buf, part, alias, alias);
	if (change->condition != NULL)
		appendStringInfoString(&buf,
							   " AND CASE WHEN true THEN true ELSE false END");
	select = (SelectStmt *) parse_part(buf.data);
	if (change->condition == NULL)
		return select->whereClause;
	all = castNode(BoolExpr, select->whereClause);
	guard = castNode(CaseExpr, llast(all->args));
	linitial_node(CaseWhen, guard->args)->expr =
		(Expr *) copyObject(change->condition);
	return select->whereClause;
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

/* a IS DISTINCT FROM e for one column after the other; NULL if one cannot. */
static Node *
would_change(const PgmChange *change, Oid relid)
{
	const char *alias = alias_of(change);
	List	   *terms = NIL;
	ListCell   *lc;

	if (change->is_delete || change->from_itself || change->is_volatile)
		return NULL;
	foreach(lc, castNode(UpdateStmt, change->raw->stmt)->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);
		TypeCast   *cast;
		Oid			type;
		int32		typmod;

		if (!is_comparable(relid, target, &type, &typmod))
			return NULL;
		cast = makeNode(TypeCast);
		cast->arg = copyObject(target->val);
		cast->typeName = makeTypeNameFromOid(type, typmod);
		cast->location = -1;
		terms = lappend(terms,
						makeSimpleA_Expr(AEXPR_DISTINCT, pstrdup("="),
										 column(alias, target->name),
										 (Node *) cast, -1));
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
	result->alias = makeAlias(alias_of(change), NIL);
	return result;
}

/* SELECT ctid of the rows that it is for. */
static Node *
select_form(const PgmChange *change, Oid relid, Node *left)
{
	SelectStmt *select = (SelectStmt *)
		parse_part(psprintf("SELECT %s.ctid",
							quote_identifier(alias_of(change))));
	List	   *terms = NIL;

	select->fromClause = list_make1(table_of_form(change, relid));
	if (change->condition != NULL)
		terms = lappend(terms, copyObject(change->condition));
	if (left != NULL)
		terms = lappend(terms, left);
	if (list_length(terms) == 1)
		select->whereClause = linitial(terms);
	else if (terms != NIL)
		select->whereClause = (Node *) makeBoolExpr(AND_EXPR, terms, -1);
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
