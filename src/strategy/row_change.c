/*-------------------------------------------------------------------------
 *
 * row_change.c
 *	  An UPDATE or DELETE, taken apart: can it be carried out in parts?
 *
 * A row may be changed twice when it is, for the new version of one may come
 * to lie where the next part is.  So the same statement must not change it
 * again, or must change it to the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/returning.h"
#include "sql/parse_text.h"
#include "strategy/row_change.h"

/* Names of columns that are looked for in a tree. */
typedef struct ColumnSearch
{
	const List *names;
	const char *alias;			/* which stands for the whole row */
} ColumnSearch;

/* The last name of a reference, NULL for a star. */
static const char *
column_name(const ColumnRef *ref)
{
	Node	   *last = llast(ref->fields);

	return IsA(last, String) ? strVal(last) : NULL;
}

/* What a reference says its relation is, NULL if it does not say. */
static const char *
qualifier(const ColumnRef *ref)
{
	int			n = list_length(ref->fields);

	return n < 2 ? NULL : strVal(list_nth(ref->fields, n - 2));
}

static bool
mentions_walker(Node *node, void *arg)
{
	ColumnSearch *search = arg;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		const char *name = column_name((ColumnRef *) node);
		const char *of = qualifier((ColumnRef *) node);
		ListCell   *lc;

		if (of != NULL && strcmp(of, search->alias) != 0)
			return false;
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

const char *
pgm_change_alias(const PgmChange *change)
{
	RangeVar   *relation = target_of(change);

	return relation->alias != NULL ? relation->alias->aliasname :
		relation->relname;
}

/* A relation by its name, in a statement. */
typedef struct NameSearch
{
	const char *schema;
	const char *name;
	int			times;			/* that something has this name */
	bool		qualified;		/* a column is called schema.name.column */
} NameSearch;

static bool
unqualify_walker(Node *node, void *arg)
{
	NameSearch *search = arg;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		ColumnRef  *ref = (ColumnRef *) node;
		List	   *fields = ref->fields;
		int			n = list_length(fields);

		if (n >= 3 &&
			strcmp(strVal(list_nth(fields, n - 3)), search->schema) == 0 &&
			strcmp(qualifier(ref), search->name) == 0)
		{
			ref->fields = list_copy_tail(fields, n - 2);
			search->qualified = true;
		}
		return false;
	}
	if ((IsA(node, RangeVar) && ((RangeVar *) node)->alias == NULL &&
		 strcmp(((RangeVar *) node)->relname, search->name) == 0) ||
		(IsA(node, Alias) &&
		 strcmp(((Alias *) node)->aliasname, search->name) == 0))
		search->times++;
	return raw_expression_tree_walker(node, unqualify_walker, arg);
}

/*
 * A part names a partition or a child, by the name of the table as its alias,
 * so columns cannot have the schema of the table before theirs.
 */
static void
unqualify(PgmChange *change)
{
	NameSearch	search = {0};

	if (target_of(change)->alias != NULL)
		return;
	search.schema = target_of(change)->schemaname != NULL ?
		target_of(change)->schemaname :
		get_namespace_name(get_rel_namespace(change->relid));
	search.name = target_of(change)->relname;
	if (search.schema == NULL)
		return;
	(void) unqualify_walker(change->raw->stmt, &search);
	change->is_ambiguous = search.times > 1 &&
		(search.qualified || pgm_change_joins(change));
}

static void
take_apart_update(PgmChange *change, UpdateStmt *update)
{
	ListCell   *lc;
	const char *alias = pgm_change_alias(change);

	change->condition = update->whereClause;
	change->joined = update->fromClause;
	change->with = update->withClause;
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

PgmChange *
pgm_change_take_apart(const PgmSource *source, int n, Oid relid)
{
	PgmChange  *change = palloc0(sizeof(PgmChange));
	Node	   *stmt;

	change->source = source;
	change->n = n;
	change->raw = copyObject(source->statements[n].raw);
	stmt = change->raw->stmt;
	change->is_delete = IsA(stmt, DeleteStmt);
	change->relid = OidIsValid(relid) ? relid :
		RangeVarGetRelid(target_of(change), NoLock, false);
	if (change->is_delete)
	{
		change->condition = castNode(DeleteStmt, stmt)->whereClause;
		change->joined = castNode(DeleteStmt, stmt)->usingClause;
		change->with = castNode(DeleteStmt, stmt)->withClause;
		change->over_assigned = change->condition != NULL;
	}
	else
		take_apart_update(change, castNode(UpdateStmt, stmt));
	unqualify(change);
	return change;
}

bool
pgm_change_joins(const PgmChange *change)
{
	return change->joined != NIL || change->with != NULL;
}

/* A term is about the target only if all columns in it are. */
static bool
strays_walker(Node *node, void *arg)
{
	const PgmChange *change = arg;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		return true;
	if (IsA(node, ColumnRef))
	{
		const char *name = column_name((ColumnRef *) node);
		const char *of = qualifier((ColumnRef *) node);

		if (of != NULL)
			return strcmp(of, pgm_change_alias(change)) != 0;
		return name == NULL ||
			get_attnum(change->relid, name) == InvalidAttrNumber;
	}
	return raw_expression_tree_walker(node, strays_walker, arg);
}

/* A term of the condition that no index is used for. */
static Node *
guarded(const Node *term)
{
	SelectStmt *select =
		pgm_parse_part("SELECT CASE WHEN true THEN true ELSE false END");
	CaseExpr   *guard = castNode(CaseExpr,
								 linitial_node(ResTarget,
											   select->targetList)->val);

	linitial_node(CaseWhen, guard->args)->expr =
		(Expr *) copyObject(term);
	return (Node *) guard;
}

/*
 * The terms of a condition that joins are left as they are, but for those that
 * are about the target alone: else the planner could not but go through all
 * of the other relation once for each row.
 */
static List *
terms_of(const PgmChange *change)
{
	const Node *condition = change->condition;
	List	   *terms = list_make1(unconstify(Node *, condition));
	List	   *result = NIL;
	ListCell   *lc;

	if (condition == NULL)
		return NIL;
	if (!pgm_change_joins(change))
		return list_make1(guarded(condition));
	if (IsA(condition, BoolExpr) &&
		((const BoolExpr *) condition)->boolop == AND_EXPR)
		terms = ((const BoolExpr *) condition)->args;
	foreach(lc, terms)
	{
		bool		strays = strays_walker(lfirst(lc), (void *) change);

		result = lappend(result, strays ? copyObject(lfirst(lc)) :
						 guarded(lfirst(lc)));
	}
	return result;
}

Node *
pgm_change_within(const PgmChange *change, const char *part)
{
	const char *alias = quote_identifier(pgm_change_alias(change));
	SelectStmt *select = pgm_parse_part(psprintf("SELECT WHERE (%s)",
												 psprintf(part, alias,
														  alias)));
	List	   *terms = terms_of(change);

	return terms == NIL ? select->whereClause :
		(Node *) makeBoolExpr(AND_EXPR, lcons(select->whereClause, terms),
							  -1);
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
	const char *name;
	UpdateStmt *update;
	ListCell   *lc;

	if (change->is_delete || expr == NULL || !IsA(expr, A_Expr))
		return false;
	if (expr->kind != AEXPR_DISTINCT &&
		(expr->kind != AEXPR_OP || list_length(expr->name) != 1 ||
		 strcmp(strVal(linitial(expr->name)), "<>") != 0))
		return false;
	if (expr->lexpr == NULL || !IsA(expr->lexpr, ColumnRef))
		return false;
	name = column_name((ColumnRef *) expr->lexpr);
	if (name == NULL || (qualifier((ColumnRef *) expr->lexpr) != NULL &&
						 strcmp(qualifier((ColumnRef *) expr->lexpr),
								pgm_change_alias(change)) != 0))
		return false;
	update = castNode(UpdateStmt, change->raw->stmt);
	foreach(lc, update->targetList)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);

		if (strcmp(name, target->name) == 0 &&
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
		if (pgm_delete_returns(castNode(DeleteStmt, stmt)))
			return "it returns rows";
		if (change->condition == NULL)
			return "it deletes every row, those that are inserted meanwhile too";
	}
	else
	{
		if (pgm_update_returns(castNode(UpdateStmt, stmt)))
			return "it returns rows";
		if (change->from_itself && !change->over_assigned)
			return "a new value is made of the old one, and no condition tells a row that is changed from one that is not";
	}
	if (change->condition != NULL && IsA(change->condition, CurrentOfExpr))
		return "it is about the row of a cursor";
	if (change->is_ambiguous)
		return "another relation in it has the name of its table";
	return NULL;
}

/*
 * The columns of a partition key, as the server counts those of a tree.  Read
 * from the catalog: the server's cache plans the expressions of the key.
 */
static Bitmapset *
key_columns(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
	Form_pg_partitioned_table form;
	Bitmapset  *columns = NULL;
	Datum		exprs;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
		columns = bms_add_member(columns, form->partattrs.values[i] -
								 FirstLowInvalidHeapAttributeNumber);
	exprs = SysCacheGetAttr(PARTRELID, tuple,
							Anum_pg_partitioned_table_partexprs, &isnull);
	if (!isnull)
		pull_varattnos(stringToNode(TextDatumGetCString(exprs)), 1, &columns);
	ReleaseSysCache(tuple);
	return columns;
}

/* Is a column of the partition key of the root, or of a partition, set? */
static bool
moves_rows(const PgmChange *change)
{
	Bitmapset  *columns = key_columns(change->relid);
	ListCell   *lc;

	foreach(lc, change->assigned)
	{
		AttrNumber	attnum = get_attnum(change->relid, lfirst(lc));

		if (attnum != InvalidAttrNumber &&
			bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber,
						  columns))
			return true;
	}
	return false;
}

static PgmQuery defaults_query = {
	"SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_attribute b "
	"ON b.attname = a.attname AND b.attrelid = ANY ($2) "
	"LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum "
	"LEFT JOIN pg_attrdef bd ON bd.adrelid = b.attrelid AND bd.adnum = b.attnum "
	"WHERE a.attrelid = $1 AND a.attname = ANY ($3) AND a.attgenerated = '' "
	"AND (pg_get_expr(ad.adbin, ad.adrelid) IS DISTINCT FROM "
	"pg_get_expr(bd.adbin, bd.adrelid) OR a.attidentity <> '' "
	/* since 17 partitions have that of the table */
	"AND (b.attidentity = '' OR NOT (SELECT relispartition FROM pg_class c "
	"WHERE c.oid = b.attrelid))))",
	3, {OIDOID, OIDARRAYOID, TEXTARRAYOID}
};

static bool
is_default(const Node *value)
{
	const Node *source;

	if (value == NULL || IsA(value, SetToDefault))
		return value != NULL;
	source = IsA(value, MultiAssignRef) ?
		((const MultiAssignRef *) value)->source : NULL;
	if (source != NULL && IsA(source, RowExpr))
	{
		ListCell   *lc;

		foreach(lc, ((const RowExpr *) source)->args)
			if (IsA(lfirst(lc), SetToDefault))
			return true;
	}
	return false;
}

/*
 * DEFAULT is that of the table which the statement names, also in a row of one
 * below it; but each part of it is about one table, and takes the default of
 * that.  Is it another one somewhere?
 */
static bool
has_other_defaults(const PgmChange *change)
{
	List	   *relids = pgm_descendants(change->relid);
	List	   *targets;
	char	  **names;
	Datum		values[3];
	int			n = 0;
	ListCell   *lc;

	if (relids == NIL || change->is_delete)
		return false;
	targets = castNode(UpdateStmt, change->raw->stmt)->targetList;
	names = palloc(sizeof(char *) * list_length(targets));
	foreach(lc, targets)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (is_default(target->val))
			names[n++] = target->name;
	}
	if (n == 0)
		return false;
	values[0] = ObjectIdGetDatum(change->relid);
	values[1] = pgm_oid_array_datum(relids);
	values[2] = pgm_text_array_datum(n, names);
	return pgm_spi_one_bool(&defaults_query, values);
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
		moves_rows(change))
		reason = "it sets a column of the partition key";
	else if (rel->rd_rules != NULL)
		reason = "the relation has rules";
	else if (has_other_defaults(change))
		reason = "it sets a column to DEFAULT, which is another one in a table below";
	table_close(rel, AccessShareLock);
	return reason;
}

const char *
pgm_change_risk(const PgmChange *change)
{
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
