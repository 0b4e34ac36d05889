/*-------------------------------------------------------------------------
 *
 * pairs.c
 *	  Which columns are compared with what, and the queries that read them.
 *
 * Both sides of a pair must be of one type in the end.  Where they are
 * declared alike nothing is done to them.  Else both are converted to the type
 * that PostgreSQL converts the other to by itself, and what such a declaration
 * adds to a value does not count: the scale of numeric and the blanks that
 * fill up char(n).
 *
 * Names are those of the relations when they were locked, so they stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "base/spi.h"
#include "classify/foreign_relations.h"
#include "compare/internal.h"
#include "compat/plan.h"
#include "compat/server.h"

/* A relation that the caller can read. */
static Relation
open_relation(Oid relid)
{
	Relation	relation = try_relation_open(relid, AccessShareLock);
	char		kind;

	if (relation == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	kind = relation->rd_rel->relkind;
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE &&
		kind != RELKIND_VIEW)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a table or a view",
					   RelationGetRelationName(relation)));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT,
								  ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(kind),
					   RelationGetRelationName(relation));
	return relation;
}

/* Would a policy hide rows of it from the role? */
static bool
hides_rows(Relation relation, Oid role)
{
	return check_enable_rls(RelationGetRelid(relation), role, true) ==
		RLS_ENABLED;
}

static void
refuse_view(Relation relation, Oid role)
{
	if (relation->rd_rel->relkind == RELKIND_VIEW && superuser_arg(role) &&
		!superuser_arg(relation->rd_rel->relowner))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("view \"%s\" belongs to a role with fewer rights",
					   RelationGetRelationName(relation)),
				errdetail("Its functions would run with the rights of a superuser."),
				errhint("Compare as a role that is no superuser, or compare the tables of the view."));
}

/*
 * Again before each query: it may have come since.  What the owner of both has
 * put on his own relations is his business where he reads them.
 */
void
pgm_compare_refuse_strange(const PgmComparison *comparison)
{
	List	   *relids = list_make2_oid(comparison->a, comparison->b);
	char	   *strange = comparison->as_owner ?
		pgm_strange_in_others(relids, comparison->role) :
		pgm_strange_in_relations(relids, comparison->role, false);

	if (strange != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("relations \"%s\" and \"%s\" are not compared, they reach %s",
					   get_rel_name(comparison->a),
					   get_rel_name(comparison->b), strange),
				errdetail("It belongs to another role, and would run with the rights of role \"%s\".",
						  GetUserNameFromId(comparison->role, false)),
				errhint("Compare relations of one owner as a role that has the rights of the owner."));
}

/*
 * As whom to read: what is of the owner, such as the functions of an index, is
 * run as the owner.  Where there is no such role nothing of others is run.
 */
static void
choose_role(PgmComparison *comparison, Relation a, Relation b)
{
	Oid			user = GetUserId();
	Oid			owner = a->rd_rel->relowner;

	comparison->as_owner = owner == b->rd_rel->relowner &&
		has_privs_of_role(user, owner) && !hides_rows(a, owner) &&
		!hides_rows(b, owner);
	comparison->role = comparison->as_owner ? owner : user;
	if (!comparison->as_owner)
	{
		refuse_view(a, user);
		refuse_view(b, user);
	}
	pgm_compare_refuse_strange(comparison);
}

static char *
qualified_name(Relation relation)
{
	return quote_qualified_identifier(
									  get_namespace_name(RelationGetNamespace(relation)),
									  RelationGetRelationName(relation));
}

/*
 * The text goes into a query of ours, so it must be one expression and
 * nothing beyond.  The server checks the rest.
 */
static void
check_expression(const char *text, const char *column)
{
	char	   *query = psprintf("SELECT (\n%s\n)", text);
	List	   *list = pg_parse_query(query);
	SelectStmt *stmt;
	SelectStmt	bare;

	if (list_length(list) == 1 &&
		IsA(linitial_node(RawStmt, list)->stmt, SelectStmt))
	{
		ResTarget  *target;

		stmt = castNode(SelectStmt, linitial_node(RawStmt, list)->stmt);
		bare = *stmt;
		if (list_length(stmt->targetList) == 1)
		{
			target = linitial_node(ResTarget, stmt->targetList);
			bare.targetList = NIL;
			bare.type = T_SelectStmt;
			if (target->name == NULL && target->indirection == NIL &&
				bare.distinctClause == NIL && bare.intoClause == NULL &&
				bare.fromClause == NIL && bare.whereClause == NULL &&
				bare.groupClause == NIL && bare.havingClause == NULL &&
				bare.windowClause == NIL && bare.valuesLists == NIL &&
				bare.sortClause == NIL && bare.limitOffset == NULL &&
				bare.limitCount == NULL && bare.lockingClause == NIL &&
				bare.withClause == NULL && bare.op == SETOP_NONE)
				return;
		}
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("mapping of column \"%s\" is not an expression", column));
}

/* Fill in the expressions of the mapping; "" for what is left out. */
static void
read_mapping(Jsonb *mapping, TupleDesc a, char **expressions)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			column = 0;

	if (mapping == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(mapping))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("mapping must be a JSON object"),
				errhint("Write it as {\"column of a\": \"expression over the row of b\"}."));
	iterator = JsonbIteratorInit(&mapping->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *name = pnstrdup(value.val.string.val,
										value.val.string.len);

			for (column = 0; column < a->natts; column++)
				if (!TupleDescAttr(a, column)->attisdropped &&
					strcmp(NameStr(TupleDescAttr(a, column)->attname),
						   name) == 0)
					break;
			if (column == a->natts)
				ereport(ERROR,
						errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("mapping names column \"%s\", which the first relation does not have",
							   name));
		}
		else if (token == WJB_VALUE)
		{
			const char *name = NameStr(TupleDescAttr(a, column)->attname);

			if (value.type == jbvNull)
				expressions[column] = pstrdup("");
			else if (value.type == jbvString && value.val.string.len > 0)
			{
				expressions[column] = pnstrdup(value.val.string.val,
											   value.val.string.len);
				check_expression(expressions[column], name);
			}
			else
				ereport(ERROR,
						errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("mapping of column \"%s\" must be an expression, as a string, or null",
							   name));
		}
	}
}

static bool
has_column(TupleDesc tupdesc, const char *name)
{
	for (int i = 0; i < tupdesc->natts; i++)
		if (!TupleDescAttr(tupdesc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(tupdesc, i)->attname), name) == 0)
			return true;
	return false;
}

/* Which attribute of a is compared with this one as it is, or -1. */
static int
compared_with(TupleDesc a, Form_pg_attribute attribute, char **expressions)
{
	for (int i = 0; i < a->natts; i++)
		if (!TupleDescAttr(a, i)->attisdropped && expressions[i] == NULL &&
			strcmp(NameStr(TupleDescAttr(a, i)->attname),
				   NameStr(attribute->attname)) == 0)
			return i;
	return -1;
}

/* The columns of the index in terms of a; false if it is no key. */
static bool
key_columns(Relation index, TupleDesc desc, const int *of_a, List **columns)
{
	Form_pg_index form = index->rd_index;

	*columns = NIL;
	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum <= 0 || of_a[attnum - 1] < 0 ||
			!TupleDescAttr(desc, attnum - 1)->attnotnull)
			return false;
		*columns = lappend_int(*columns, of_a[attnum - 1]);
	}
	return true;
}

/* The primary key, else another unique index; NIL if there is none. */
static List *
find_key(Relation relation, const int *of_a)
{
	List	   *key = NIL;
	bool		primary = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		List	   *columns;

		if (key_columns(index, RelationGetDescr(relation), of_a, &columns) &&
			!primary && (key == NIL || index->rd_index->indisprimary))
		{
			key = columns;
			primary = index->rd_index->indisprimary;
		}
		index_close(index, NoLock);
	}
	return key;
}

/* Of a, or else of b where its columns are compared as they are. */
static List *
choose_key(Relation a, Relation b, const bool *compared, char **expressions)
{
	TupleDesc	adesc = RelationGetDescr(a);
	TupleDesc	bdesc = RelationGetDescr(b);
	int		   *of_a = palloc(sizeof(int) * Max(adesc->natts, bdesc->natts));
	List	   *key;

	for (int i = 0; i < adesc->natts; i++)
		of_a[i] = compared[i] ? i : -1;
	key = find_key(a, of_a);
	if (key != NIL)
		return key;
	for (int i = 0; i < bdesc->natts; i++)
		of_a[i] = compared_with(adesc, TupleDescAttr(bdesc, i), expressions);
	return find_key(b, of_a);
}

static void
add_pair(PgmComparison *comparison, const char *name, const char *expression)
{
	PgmPair    *pair = &comparison->pairs[comparison->npairs++];

	pair->name = pstrdup(name);
	pair->a = pstrdup(quote_identifier(name));
	pair->b = expression == NULL ? pair->a : psprintf("(\n%s\n)", expression);
}

static void
pair_columns(PgmComparison *comparison, Relation a, Relation b,
			 Jsonb *mapping)
{
	TupleDesc	desc = RelationGetDescr(a);
	char	  **expressions = palloc0(sizeof(char *) * desc->natts);
	bool	   *compared = palloc0(sizeof(bool) * desc->natts);
	List	   *key;

	read_mapping(mapping, desc, expressions);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *name = NameStr(attribute->attname);

		if (attribute->attisdropped)
			continue;
		if (expressions[i] == NULL)
			compared[i] = has_column(RelationGetDescr(b), name);
		else
			compared[i] = expressions[i][0] != '\0';
		if (!compared[i])
			comparison->only_a = lappend(comparison->only_a, pstrdup(name));
	}
	key = choose_key(a, b, compared, expressions);
	comparison->nkeys = list_length(key);
	comparison->pairs = palloc0(sizeof(PgmPair) * Max(desc->natts, 1));
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < desc->natts; i++)
			if (compared[i] && list_member_int(key, i) == (pass == 0))
				add_pair(comparison, NameStr(TupleDescAttr(desc, i)->attname),
						 expressions[i]);
	if (comparison->npairs == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("relations \"%s\" and \"%s\" have no columns in common",
					   RelationGetRelationName(a),
					   RelationGetRelationName(b)),
				errhint("Tell in the mapping what the columns are to be compared with."));
}

/* Columns of b that no pair has anything to do with. */
static void
find_only_b(PgmComparison *comparison, Relation b, Bitmapset *used)
{
	TupleDesc	desc = RelationGetDescr(b);

	if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used))
		return;
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			!bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, used))
			comparison->only_b =
				lappend(comparison->only_b,
						pstrdup(NameStr(TupleDescAttr(desc, i)->attname)));
}

/* An implicit cast may be a function of somebody else. */
static bool
converts(Oid from, Oid to)
{
	Oid			function;
	CoercionPathType path;

	if (!can_coerce_type(1, &from, &to, COERCION_IMPLICIT))
		return false;
	path = find_coercion_pathway(to, from, COERCION_IMPLICIT, &function);
	return path != COERCION_PATH_FUNC || function < FirstNormalObjectId;
}

static bool
is_string(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID ||
		type == NAMEOID;
}

static bool
is_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

/* Of digits that a float may not have room for. */
static bool
is_exact(Oid type)
{
	return type == NUMERICOID || type == INT8OID || type == INT4OID ||
		type == INT2OID;
}

/*
 * A float beside a number of that kind is what it reads as.  The other way
 * about, as the server would do it, digits that were lost would not be seen.
 */
static bool
match_float(PgmPair *pair, Oid atype, Oid btype)
{
	static const char text_format[] =
		"pg_catalog.trim_scale((%s)::pg_catalog.text::pg_catalog.numeric)";
	static const char format[] =
		"pg_catalog.trim_scale((%s)::pg_catalog.numeric)";

	if (!(is_float(atype) && is_exact(btype)) &&
		!(is_exact(atype) && is_float(btype)))
		return false;
	pair->a = psprintf(is_float(atype) ? text_format : format, pair->a);
	pair->b = psprintf(is_float(btype) ? text_format : format, pair->b);
	return true;
}

/* Bring both sides of a pair to one type. */
static void
match_types(PgmPair *pair, Form_pg_attribute a, Form_pg_attribute b)
{
	int32		amod = a->atttypmod;
	int32		bmod = b->atttypmod;
	Oid			atype = getBaseTypeAndTypmod(a->atttypid, &amod);
	Oid			btype = getBaseTypeAndTypmod(b->atttypid, &bmod);
	Oid			type;
	const char *format = "(%s)::%s";
	const char *name;

	if (atype == btype && (amod == bmod ||
						   (atype != NUMERICOID && atype != BPCHAROID)))
		return;
	if (match_float(pair, atype, btype))
		return;
	if (is_string(atype) && is_string(btype))
		type = TEXTOID;
	else if (atype == btype || converts(atype, btype))
		type = btype;
	else if (converts(btype, atype))
		type = atype;
	else
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" is of type %s, and what it is compared with of type %s",
					   pair->name, format_type_be(a->atttypid),
					   format_type_be(b->atttypid)),
				errhint("Give an expression of the type of the column in the mapping."));
	if (type == NUMERICOID)
		format = "pg_catalog.trim_scale((%s)::%s)";
	name = format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY);
	pair->a = psprintf(format, pair->a, name);
	pair->b = psprintf(format, pair->b, name);
}

/* Are all of its columns compared as they are, in their order? */
static bool
is_as_stored(const PgmComparison *comparison, Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);

	if (desc->natts != comparison->npairs)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const PgmPair *pair = &comparison->pairs[i];
		const char *name = quote_identifier(NameStr(attribute->attname));

		if (attribute->attisdropped || attribute->atthasmissing ||
			strcmp(pair->a, name) != 0 || strcmp(pair->b, name) != 0)
			return false;
	}
	return true;
}

static TupleDesc
key_desc(TupleDesc tupdesc, int nkeys)
{
	TupleDesc	keydesc = CreateTemplateTupleDesc(nkeys);

	for (int i = 0; i < nkeys; i++)
		TupleDescCopyEntry(keydesc, i + 1, tupdesc, i + 1);
	return BlessTupleDesc(pgm_complete_tupdesc(keydesc));
}

PgmComparison *
pgm_compare_prepare(Oid a, Oid b, Jsonb *mapping)
{
	PgmComparison *comparison = palloc0(sizeof(PgmComparison));
	Relation	arel = open_relation(a);
	Relation	brel = open_relation(b);
	TupleDesc	adesc;
	TupleDesc	bdesc;
	Bitmapset  *used = NULL;
	PgmCompareScope scope;

	comparison->a = a;
	comparison->b = b;
	choose_role(comparison, arel, brel);
	comparison->a_name = qualified_name(arel);
	comparison->b_name = qualified_name(brel);
	pair_columns(comparison, arel, brel, mapping);

	pgm_compare_enter(&scope, comparison);

	/* twice: the types are known only when the server has seen them */
	adesc = pgm_compare_describe(comparison, PGM_SIDE_A, NULL);
	bdesc = pgm_compare_describe(comparison, PGM_SIDE_B, &used);
	if (a != b)
		find_only_b(comparison, brel, used);
	for (int i = 0; i < comparison->npairs; i++)
		match_types(&comparison->pairs[i], TupleDescAttr(adesc, i),
					TupleDescAttr(bdesc, i));
	adesc = pgm_compare_describe(comparison, PGM_SIDE_A, NULL);
	bdesc = pgm_compare_describe(comparison, PGM_SIDE_B, NULL);
	for (int i = 0; i < comparison->npairs; i++)
		if (getBaseType(TupleDescAttr(adesc, i)->atttypid) !=
			getBaseType(TupleDescAttr(bdesc, i)->atttypid))
			elog(ERROR, "types of column \"%s\" do not match",
				 comparison->pairs[i].name);
	pgm_compare_leave(&scope);
	comparison->as_stored = is_as_stored(comparison, arel) &&
		is_as_stored(comparison, brel);
	relation_close(brel, NoLock);
	relation_close(arel, NoLock);
	comparison->tupdesc = BlessTupleDesc(adesc);
	comparison->keydesc = key_desc(adesc, comparison->nkeys);
	return comparison;
}
