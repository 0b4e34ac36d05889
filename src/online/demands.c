/*-------------------------------------------------------------------------
 *
 * demands.c
 *	  Does the table beside demand of a row what the table does not?
 *
 * Then a write to it may fail where that of the user has not, and is tried in
 * a subtransaction.  It is asked whenever a session compiles what it writes
 * with, which it does again when either definition changes: a constraint of
 * the table may be dropped at any time, and an index be built beside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_index.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat/checks.h"
#include "compat/planner.h"
#include "online/layout.h"
#include "online/sync.h"

/* Has the column of that name the same values? */
static bool
is_column_of(Form_pg_attribute att, Relation rel)
{
	AttrNumber	column = get_attnum(RelationGetRelid(rel),
									NameStr(att->attname));
	Form_pg_attribute other;

	if (column <= 0)
		return false;
	other = TupleDescAttr(RelationGetDescr(rel), column - 1);
	return other->atttypid == att->atttypid &&
		other->atttypmod == att->atttypmod &&
		other->attcollation == att->attcollation;
}

/*
 * The same words may raise an error for the values of the one type and none
 * for those of the other, as v * 1000 does where v is narrower.
 */
static bool
computes_otherwise(Relation target, Relation source, Node *expr)
{
	Bitmapset  *used = NULL;
	bool		same = true;
	int			i = -1;

	pull_varattnos(expr, 1, &used);
	while ((i = bms_next_member(used, i)) >= 0)
	{
		AttrNumber	column = i + FirstLowInvalidHeapAttributeNumber;

		if (column == InvalidAttrNumber ||
			(column > 0 &&
			 !is_column_of(TupleDescAttr(RelationGetDescr(target),
										 column - 1), source)))
			same = false;
	}
	return !same && contain_leaked_vars(expr);
}

static char *
check_text(Relation rel, const ConstrCheck *check)
{
	return TextDatumGetCString(DirectFunctionCall2(pg_get_expr,
												   CStringGetTextDatum(check->ccbin),
												   ObjectIdGetDatum(RelationGetRelid(rel))));
}

/* Is there a check of that name, in the same words, that new rows obey? */
static bool
has_check(Relation rel, const char *name, const char *text)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
		if (strcmp(constr->check[i].ccname, name) == 0 &&
			pgm_check_is_enforced(&constr->check[i]) &&
			strcmp(check_text(rel, &constr->check[i]), text) == 0)
			return true;
	return false;
}

/* One that is not valid is not asked of the table beside, see target.c. */
static bool
has_more_checks(Relation target, Relation source)
{
	const TupleConstr *constr = RelationGetDescr(target)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		const ConstrCheck *check = &constr->check[i];

		if (check->ccvalid &&
			(!has_check(source, check->ccname, check_text(target, check)) ||
			 computes_otherwise(target, source, stringToNode(check->ccbin))))
			return true;
	}
	return false;
}

static bool
has_more_not_null(Relation target, Relation source)
{
	TupleDesc	desc = RelationGetDescr(target);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		AttrNumber	column = att->attisdropped || !att->attnotnull ?
			InvalidAttrNumber : get_attnum(RelationGetRelid(source),
										   NameStr(att->attname));

		if (column > 0 && !TupleDescAttr(RelationGetDescr(source),
										 column - 1)->attnotnull)
			return true;
	}
	return false;
}

/* One that only says where rows are refuses none. */
static bool
is_demanding(Relation index)
{
	return index->rd_index->indisunique || index->rd_index->indisexclusion ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/*
 * The same words in one that is valid, and as strict; that columns have other
 * types is for the mapping of their values, and looked at where something is
 * computed.
 */
static bool
has_index(Relation rel, Relation like)
{
	List	   *indexes = RelationGetIndexList(rel);
	IndexStmt  *form = pgm_layout_index_form(RelationGetRelid(like));
	bool		result = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result |= index->rd_index->indisvalid &&
			index->rd_index->indimmediate &&
			index->rd_index->indisunique == like->rd_index->indisunique &&
			index->rd_index->indisexclusion ==
			like->rd_index->indisexclusion &&
			equal(pgm_layout_index_form(RelationGetRelid(index)), form);
		index_close(index, NoLock);
	}
	return result;
}

static bool
index_computes_otherwise(Relation target, Relation source, Relation index,
						 AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										attribute, &isnull);

	return !isnull &&
		computes_otherwise(target, source,
						   stringToNode(TextDatumGetCString(value)));
}

/* One that is half built, or was left so, refuses rows as well. */
static bool
has_more_indexes(Relation target, Relation source)
{
	List	   *indexes = RelationGetIndexList(target);
	bool		result = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result |= is_demanding(index) &&
			(!has_index(source, index) ||
			 index_computes_otherwise(target, source, index,
									  Anum_pg_index_indexprs) ||
			 index_computes_otherwise(target, source, index,
									  Anum_pg_index_indpred));
		index_close(index, NoLock);
	}
	return result;
}

bool
pgm_sync_demands_more(Relation target, Relation source)
{
	return has_more_not_null(target, source) ||
		has_more_checks(target, source) ||
		has_more_indexes(target, source);
}
