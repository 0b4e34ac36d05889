/*-------------------------------------------------------------------------
 *
 * layout.c
 *	  Tables with the same layout, and what makes them the same.
 *
 * A row can be read as one of another table if each column has the same type,
 * under the same number.  Dropped columns count: their values are still in the
 * rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/toasting.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "clone/clone.h"
#include "compat/modify.h"
#include "compat/not_null.h"
#include "online/layout.h"
#include "online/owner.h"

char *
pgm_layout_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	Oid			schema = get_rel_namespace(relid);

	return name == NULL ? NULL :
		quote_qualified_identifier(get_namespace_name(schema), name);
}

void
pgm_layout_run(Node *stmt, const char *text)
{
	pgm_clones_utility(stmt, text);
}

void
pgm_layout_run_text(const char *text)
{
	ListCell   *lc;

	foreach(lc, pg_parse_query(text))
		pgm_clones_utility(lfirst_node(RawStmt, lc)->stmt, text);
}

/* ---- tables */

static List *
cooked_constraints(TupleDesc desc)
{
	TupleConstr *constr = desc->constr;
	List	   *result = NIL;

	if (constr == NULL)
		return NIL;
	for (int i = 0; i < constr->num_defval; i++)
	{
		CookedConstraint *cooked = palloc0(sizeof(CookedConstraint));

		cooked->contype = CONSTR_DEFAULT;
		cooked->attnum = constr->defval[i].adnum;
		cooked->expr = stringToNode(constr->defval[i].adbin);
		cooked->is_local = true;
		result = lappend(result, cooked);
	}
	for (int i = 0; i < constr->num_check; i++)
	{
		CookedConstraint *cooked = palloc0(sizeof(CookedConstraint));

		cooked->contype = CONSTR_CHECK;
		cooked->name = constr->check[i].ccname;
		cooked->expr = stringToNode(constr->check[i].ccbin);
		cooked->skip_validation = !constr->check[i].ccvalid;
		cooked->is_local = true;
		cooked->is_no_inherit = constr->check[i].ccnoinherit;
		pgm_cooked_is_enforced(cooked);
		result = lappend(result, cooked);
	}
	return result;
}

/* Of its TOAST table, which SET (toast.) has set; 0 if it has none. */
static Datum
toast_options(Relation rel)
{
	HeapTuple	tuple;
	Datum		options;
	bool		isnull;
	Datum		result = (Datum) 0;

	if (!OidIsValid(rel->rd_rel->reltoastrelid))
		return result;
	tuple = SearchSysCache1(RELOID,
							ObjectIdGetDatum(rel->rd_rel->reltoastrelid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u",
			 rel->rd_rel->reltoastrelid);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions,
							  &isnull);
	if (!isnull)
		result = datumCopy(options, false, -1);
	ReleaseSysCache(tuple);
	return result;
}

Oid
pgm_layout_create(Relation like, const char *name, Oid schema)
{
	TupleDesc	desc = CreateTupleDescCopyConstr(RelationGetDescr(like));
	HeapTuple	tuple;
	Datum		options;
	bool		isnull;
	Oid			relid;

	for (int i = 0; i < desc->natts; i++)
	{
		TupleDescAttr(desc, i)->attidentity = '\0';
		TupleDescAttr(desc, i)->attislocal = true;
		TupleDescAttr(desc, i)->attinhcount = 0;
	}
	tuple = SearchSysCache1(RELOID,
							ObjectIdGetDatum(RelationGetRelid(like)));
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions,
							  &isnull);
	relid = heap_create_with_catalog(name, schema, like->rd_rel->reltablespace,
									 InvalidOid, InvalidOid, InvalidOid,
									 like->rd_rel->relowner,
									 like->rd_rel->relam, desc,
									 cooked_constraints(desc),
									 RELKIND_RELATION,
									 like->rd_rel->relpersistence, false,
									 false, ONCOMMIT_NOOP,
									 isnull ? (Datum) 0 : options, false,
									 false, true, InvalidOid, NULL);
	ReleaseSysCache(tuple);
	CommandCounterIncrement();
	pgm_copy_not_null_constraints(RelationGetRelid(like), relid);
	NewRelationCreateToastTable(relid, toast_options(like));
	CommandCounterIncrement();
	return relid;
}

/* Of one column; what it is there belongs to the rows in the file. */
static void
copy_missing_column(Relation catalog, HeapTuple from, HeapTuple to)
{
	Datum		values[Natts_pg_attribute] = {0};
	bool		nulls[Natts_pg_attribute] = {false};
	bool		replaces[Natts_pg_attribute] = {false};
	HeapTuple	tuple;
	int			has = Anum_pg_attribute_atthasmissing - 1;
	int			value = Anum_pg_attribute_attmissingval - 1;

	values[has] =
		BoolGetDatum(((Form_pg_attribute) GETSTRUCT(from))->atthasmissing);
	values[value] = heap_getattr(from, Anum_pg_attribute_attmissingval,
								 RelationGetDescr(catalog), &nulls[value]);
	replaces[has] = replaces[value] = true;
	tuple = heap_modify_tuple(to, RelationGetDescr(catalog), values, nulls,
							  replaces);
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
}

void
pgm_layout_copy_missing(Oid from, Oid to)
{
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
	Relation	rel = table_open(from, NoLock);
	int			natts = RelationGetNumberOfAttributes(rel);

	table_close(rel, NoLock);
	for (int i = 1; i <= natts; i++)
	{
		HeapTuple	a = SearchSysCache2(ATTNUM, ObjectIdGetDatum(from),
										Int16GetDatum(i));
		HeapTuple	b = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(to),
											Int16GetDatum(i));

		if (HeapTupleIsValid(a) && HeapTupleIsValid(b) &&
			(((Form_pg_attribute) GETSTRUCT(a))->atthasmissing ||
			 ((Form_pg_attribute) GETSTRUCT(b))->atthasmissing))
			copy_missing_column(catalog, a, b);
		if (HeapTupleIsValid(a))
			ReleaseSysCache(a);
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Columns that the one has at its end and the other has not must be dropped
 * ones: rows without them have no value there, as a dropped column has none.
 */
char *
pgm_layout_difference(Relation a, Relation b)
{
	TupleDesc	x = RelationGetDescr(a);
	TupleDesc	y = RelationGetDescr(b);

	if (a->rd_rel->relam != b->rd_rel->relam &&
		a->rd_rel->relkind == b->rd_rel->relkind)
		return pstrdup("access method");
	if (a->rd_rel->relpersistence != b->rd_rel->relpersistence)
		return pstrdup("persistence");
	for (int i = 0; i < Max(x->natts, y->natts); i++)
	{
		Form_pg_attribute p = i < x->natts ? TupleDescAttr(x, i) : NULL;
		Form_pg_attribute q = i < y->natts ? TupleDescAttr(y, i) : NULL;

		if (p == NULL || q == NULL)
		{
			if (!(p == NULL ? q : p)->attisdropped)
				return psprintf("column \"%s\"",
								NameStr((p == NULL ? q : p)->attname));
			continue;
		}
		if (p->attisdropped != q->attisdropped ||
			p->attlen != q->attlen || p->attalign != q->attalign ||
			p->attbyval != q->attbyval ||
			(!p->attisdropped &&
			 (p->atttypid != q->atttypid || p->atttypmod != q->atttypmod ||
			  p->attcollation != q->attcollation ||
			  p->attgenerated != q->attgenerated ||
			  p->attnotnull != q->attnotnull ||
			  strcmp(NameStr(p->attname), NameStr(q->attname)) != 0)))
			return psprintf("column \"%s\"", NameStr(p->attname));
	}
	return NULL;
}

/* ---- indexes */

static bool
same_options(Oid a, Oid b)
{
	HeapTuple	x = SearchSysCache1(RELOID, ObjectIdGetDatum(a));
	HeapTuple	y = SearchSysCache1(RELOID, ObjectIdGetDatum(b));
	bool		x_null;
	bool		y_null;
	Datum		p = SysCacheGetAttr(RELOID, x, Anum_pg_class_reloptions,
									&x_null);
	Datum		q = SysCacheGetAttr(RELOID, y, Anum_pg_class_reloptions,
									&y_null);
	bool		result = x_null || y_null ? x_null && y_null :
		datum_image_eq(p, q, false, -1);

	ReleaseSysCache(x);
	ReleaseSysCache(y);
	return result;
}

/* Options of these are about how they are built, not what is in them. */
static bool
options_matter(Oid access_method)
{
	return access_method != BTREE_AM_OID && access_method != HASH_AM_OID &&
		access_method != GIST_AM_OID && access_method != GIN_AM_OID &&
		access_method != SPGIST_AM_OID;
}

static bool
is_plain(Relation index)
{
	HeapTuple	tuple = index->rd_indextuple;

	return heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
}

/*
 * The server computes what is constant in them when it reads them, which runs
 * functions of the owner.
 */
static bool
same_conditions(Relation a, Relation b)
{
	PgmOwnerScope scope;
	bool		result;

	if (is_plain(a) && is_plain(b))
		return true;
	pgm_owner_enter(&scope, a->rd_rel->relowner);
	PushActiveSnapshot(GetTransactionSnapshot());
	result = equal(RelationGetIndexExpressions(a),
				   RelationGetIndexExpressions(b)) &&
		equal(RelationGetIndexPredicate(a), RelationGetIndexPredicate(b));
	PopActiveSnapshot();
	pgm_owner_leave(&scope);
	return result;
}

bool
pgm_layout_same_index(Relation a, Relation b)
{
	Form_pg_index x = a->rd_index;
	Form_pg_index y = b->rd_index;
	int			nkeys = x->indnkeyatts;

	if (a->rd_rel->relam != b->rd_rel->relam ||
		x->indnatts != y->indnatts || nkeys != y->indnkeyatts ||
		x->indisunique != y->indisunique ||
		x->indisexclusion != y->indisexclusion ||
		x->indimmediate != y->indimmediate ||
		!x->indisvalid || !y->indisvalid ||
		pgm_index_nulls_distinct(x) != pgm_index_nulls_distinct(y) ||
		memcmp(x->indkey.values, y->indkey.values,
			   sizeof(int16) * x->indnatts) != 0 ||
		memcmp(a->rd_indcollation, b->rd_indcollation,
			   sizeof(Oid) * nkeys) != 0 ||
		memcmp(a->rd_opfamily, b->rd_opfamily, sizeof(Oid) * nkeys) != 0 ||
		memcmp(a->rd_opcintype, b->rd_opcintype, sizeof(Oid) * nkeys) != 0 ||
		memcmp(a->rd_indoption, b->rd_indoption, sizeof(int16) * nkeys) != 0)
		return false;
	for (int i = 0; i < x->indnatts; i++)
		if (TupleDescAttr(RelationGetDescr(a), i)->atttypid !=
			TupleDescAttr(RelationGetDescr(b), i)->atttypid)
			return false;
	return same_conditions(a, b) &&
		(!options_matter(a->rd_rel->relam) ||
		 same_options(RelationGetRelid(a), RelationGetRelid(b)));
}

Oid
pgm_layout_find_index(Relation rel, Oid like)
{
	Relation	other = index_open(like, AccessShareLock);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!OidIsValid(result) && pgm_layout_same_index(index, other))
			result = lfirst_oid(lc);
		index_close(index, NoLock);
	}
	index_close(other, NoLock);
	return result;
}

/* Its columns must be NOT NULL, for nulls are not found by their key. */
static bool
can_be_key(Relation rel, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		index->rd_rel->relam != BTREE_AM_OID ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	column = form->indkey.values[i];

		if (column <= 0 ||
			!TupleDescAttr(RelationGetDescr(rel), column - 1)->attnotnull)
			return false;
	}
	return true;
}

Oid
pgm_layout_key(Relation rel)
{
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (can_be_key(rel, index) &&
			(!OidIsValid(result) || index->rd_index->indisprimary))
			result = lfirst_oid(lc);

		/* as long as the table is locked it stays */
		index_close(index, AccessShareLock);
	}
	return result;
}

/* What makes an index equal to another one as a key: columns, and equality. */
static char *
key_columns(Relation index)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		appendStringInfo(&text, " %d/%u/%u",
						 index->rd_index->indkey.values[i],
						 index->rd_opfamily[i], index->rd_indcollation[i]);
	return text.data;
}

char *
pgm_layout_key_text(Oid index)
{
	Relation	rel = index_open(index, AccessShareLock);
	char	   *result = psprintf("%u%s", index, key_columns(rel));

	index_close(rel, NoLock);
	return result;
}

/*
 * REINDEX CONCURRENTLY gives an index another OID; a key that is dropped may
 * have left a constraint on the same columns.
 */
Oid
pgm_layout_find_key(Relation rel, const char *text)
{
	char	   *columns;
	Oid			oid = (Oid) strtoul(text, &columns, 10);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (can_be_key(rel, index) &&
			(lfirst_oid(lc) == oid ||
			 (!OidIsValid(result) &&
			  strcmp(key_columns(index), columns) == 0)))
			result = lfirst_oid(lc);
		index_close(index, NoLock);
	}
	return result;
}

Oid
pgm_layout_key_now(Oid relid, Oid key)
{
	Relation	rel;

	if (!OidIsValid(key) || get_rel_name(key) != NULL)
		return key;
	rel = try_table_open(relid, AccessShareLock);
	if (rel == NULL)
		return key;
	key = pgm_layout_key(rel);
	table_close(rel, NoLock);
	return key;
}

char *
pgm_layout_index_command(Oid index)
{
	return pg_get_indexdef_string(index);
}

static RangeVar *
name_of(Oid relid)
{
	return makeRangeVar(get_namespace_name(get_rel_namespace(relid)),
						get_rel_name(relid), -1);
}

IndexStmt *
pgm_layout_index_statement(const char *command, const char *name, Oid relid)
{
	RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(command));
	IndexStmt  *stmt = castNode(IndexStmt, raw->stmt);

	stmt->idxname = pstrdup(name);
	stmt->relation = name_of(relid);
	return stmt;
}

AlterTableStmt *
pgm_layout_alter_statement(const Node *stmt, Oid relid)
{
	AlterTableStmt *result = copyObject(castNode(AlterTableStmt,
												 unconstify(Node *, stmt)));

	result->relation = name_of(relid);
	result->relation->inh = false;
	return result;
}

IndexStmt *
pgm_layout_index_form(Oid index)
{
	IndexStmt  *stmt =
		pgm_layout_index_statement(pgm_layout_index_command(index), "",
								   IndexGetRelation(index, false));

	stmt->idxname = NULL;
	stmt->relation = NULL;
	stmt->tableSpace = NULL;
	stmt->unique = false;
	return stmt;
}

static const char *
constraint_kind(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(constraint));
	char		kind = ((Form_pg_constraint) GETSTRUCT(tuple))->contype;

	ReleaseSysCache(tuple);
	return kind == CONSTRAINT_PRIMARY ? "PRIMARY KEY" :
		kind == CONSTRAINT_UNIQUE ? "UNIQUE" : NULL;
}

static void
copy_index(Oid index, const char *name, Oid relid, bool constraints)
{
	const char *full = pgm_layout_name(relid);
	Oid			constraint = get_index_constraint(index);
	const char *kind = OidIsValid(constraint) ? constraint_kind(constraint) :
		NULL;
	char	   *command;

	if (OidIsValid(constraint) && kind == NULL)
	{
		pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s ADD CONSTRAINT %s %s",
									 full, quote_identifier(name),
									 TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef,
																			 ObjectIdGetDatum(constraint)))));
		return;
	}
	command = pgm_layout_index_command(index);
	pgm_layout_run((Node *) pgm_layout_index_statement(command, name, relid),
				   command);
	if (constraints && kind != NULL)
		pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s ADD CONSTRAINT %s %s USING INDEX %s",
									 full, quote_identifier(name), kind,
									 quote_identifier(name)));
}

/* The index that is to be the same is made by the server, which forgets it. */
static PgmQuery statistics_query = {
	"SELECT format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', "
	"n.nspname, c.relname, f.attnum, f.attstattarget) "
	"FROM pg_attribute f JOIN pg_attribute t ON t.attrelid = $2 "
	"AND t.attnum = f.attnum JOIN pg_class c ON c.oid = t.attrelid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE f.attrelid = $1 AND f.attstattarget >= 0 "
	"AND t.attstattarget IS DISTINCT FROM f.attstattarget",
	2, {OIDOID, OIDOID}
};

static void
copy_statistics(Oid from, Oid to)
{
	Datum		values[2] = {ObjectIdGetDatum(from), ObjectIdGetDatum(to)};
	ListCell   *lc;

	foreach(lc, pgm_spi_texts(&statistics_query, values))
		pgm_layout_run_text(lfirst(lc));
	CommandCounterIncrement();
}

void
pgm_layout_copy_statistics(Oid from, Oid to)
{
	Relation	a = table_open(from, NoLock);
	Relation	b = table_open(to, NoLock);
	List	   *indexes = list_copy(RelationGetIndexList(b));
	List	   *likes = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, indexes)
		likes = lappend_oid(likes, pgm_layout_find_index(a, lfirst_oid(lc)));
	table_close(b, NoLock);
	table_close(a, NoLock);
	forboth(lc, likes, lc2, indexes)
		copy_statistics(lfirst_oid(lc), lfirst_oid(lc2));
}

void
pgm_layout_copy_indexes(Relation like, Oid relid, bool constraints)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(like))
	{
		Oid			index = lfirst_oid(lc);
		const char *name = get_rel_name(index);

		if (!constraints)
			name = ChooseRelationName("pgm old", NULL, "idx",
									  get_rel_namespace(relid), true);
		copy_index(index, name, relid, constraints);
		CommandCounterIncrement();
		copy_statistics(index, get_relname_relid(name,
												 get_rel_namespace(relid)));
	}
}

Node *
pgm_layout_stored(int cache, HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(cache, tuple, attribute, &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(value));
}

void
pgm_layout_need(PgmLockNeeds *needs, Oid relid, LOCKMODE mode)
{
	char	   *name = pgm_layout_name(relid);

	if (name != NULL)
		pgm_lockneeds_add(needs, relid, mode, name);
}
