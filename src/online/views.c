/*-------------------------------------------------------------------------
 *
 * views.c
 *	  Views on columns whose type changes.
 *
 * The server refuses to change a column that a view uses, for the query of the
 * view has its type in it.  Here the views stay: for the time of the statement
 * their queries do not count as users of the column, and then each is analyzed
 * again, from its text, and gets the types that come out.  So a view keeps its
 * OID, and with it owner, grants, options, comments and triggers; and so do
 * the views on views.
 *
 * All of a view is read again: what cannot be, because an operator is missing
 * for the new type, is found on the copy, before a row is copied.  A view that
 * nobody has changed since gets the query of before on the way back, for casts
 * that are needed for the new type would stay.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/view.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "rewrite/rewriteSupport.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"

/*
 * On columns of the tables $1 that differ between those of $2 and $3, which
 * have columns of the same names, or are column $6 of table $4, but for the
 * views in $5; those that others depend on first.
 */
static PgmQuery find_query = {
	"WITH RECURSIVE t (root, old, beside) AS (SELECT * "
	"FROM unnest($1, $2, $3)), v (oid, depth) AS (SELECT w.ev_class, 1 "
	"FROM t JOIN pg_depend d ON d.refobjid = t.root "
	"JOIN pg_rewrite w ON w.oid = d.objid "
	"JOIN pg_attribute a ON a.attrelid = t.root AND a.attnum = d.refobjsubid "
	"JOIN pg_attribute o ON o.attrelid = t.old AND o.attname = a.attname "
	"JOIN pg_attribute n ON n.attrelid = t.beside AND n.attname = a.attname "
	"WHERE d.classid = 'pg_rewrite'::regclass "
	"AND d.refclassid = 'pg_class'::regclass "
	"AND w.ev_class <> t.root AND w.ev_class <> ALL ($5) "
	"AND ((o.atttypid, o.atttypmod, o.attcollation) "
	"IS DISTINCT FROM (n.atttypid, n.atttypmod, n.attcollation) "
	"OR (t.root, a.attnum) IN (SELECT * FROM unnest($4, $6))) "
	"UNION SELECT w.ev_class, v.depth + 1 FROM v JOIN pg_depend d "
	"ON d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid "
	"AND d.classid = 'pg_rewrite'::regclass "
	"JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> v.oid "
	"WHERE v.depth < 64 AND w.ev_class <> ALL ($5)) "
	"SELECT c.oid::int8, format('%I.%I', n.nspname, c.relname), "
	"pg_get_viewdef(c.oid) FROM (SELECT v.oid, max(depth) AS depth FROM v "
	"GROUP BY 1) AS u JOIN pg_class c USING (oid) "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind = 'v' ORDER BY u.depth, c.oid",
	6, {OIDARRAYOID, OIDARRAYOID, OIDARRAYOID, OIDARRAYOID, OIDARRAYOID,
	INT2ARRAYOID},
	.generic = true
};

/* Those that the statements alter, whether or not they become others. */
static void
add_altered(const PgmShadow *head, List **tables, List **columns)
{
	ListCell   *lc;

	foreach(lc, pgm_shadow_commands(head))
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype != AT_AlterColumnType)
			continue;
		*tables = lappend_oid(*tables, head->root);
		*columns = lappend_int(*columns, get_attnum(head->root,
													command->name));
	}
}

static Datum
int2_array_datum(List *numbers)
{
	Datum	   *elements = palloc(sizeof(Datum) *
								  Max(list_length(numbers), 1));
	ListCell   *lc;

	foreach(lc, numbers)
		elements[foreach_current_index(lc)] = Int16GetDatum(lfirst_int(lc));
	return pgm_array_datum(INT2OID, list_length(numbers), elements);
}

static void *
make_view(uint64 row)
{
	PgmShadowView *view = palloc(sizeof(PgmShadowView));

	view->relid = (Oid) pgm_spi_int64(row, 1);
	view->name = pgm_spi_text(row, 2);
	view->definition = pgm_spi_text(row, 3);
	return view;
}

List *
pgm_shadow_views(const PgmShadow *shadow)
{
	Datum		values[6];
	List	   *tables[3] = {NIL, NIL, NIL};
	List	   *altered = NIL;
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(shadow->family))
	{
		const PgmShadow *head = lfirst(lc);

		tables[0] = lappend_oid(tables[0], head->root);
		tables[1] = lappend_oid(tables[1], head->old);
		tables[2] = lappend_oid(tables[2], head->beside);
		add_altered(head, &altered, &columns);
	}
	for (int i = 0; i < lengthof(tables); i++)
		values[i] = pgm_oid_array_datum(tables[i]);
	values[3] = pgm_oid_array_datum(altered);
	values[4] = pgm_oid_array_datum(pgm_shadow_dropped(shadow));
	values[5] = int2_array_datum(columns);
	return pgm_spi_list(&find_query, values, NULL, make_view);
}

List *
pgm_views_on(Oid relid, List *columns)
{
	Datum		values[6];
	Datum		table = pgm_oid_array_datum(list_make1_oid(relid));
	List	   *tables = NIL;
	List	   *numbers = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		tables = lappend_oid(tables, relid);
		numbers = lappend_int(numbers, get_attnum(relid, strVal(lfirst(lc))));
	}
	for (int i = 0; i < 3; i++)
		values[i] = table;
	values[3] = pgm_oid_array_datum(tables);
	values[4] = pgm_oid_array_datum(NIL);
	values[5] = int2_array_datum(numbers);
	return pgm_spi_list(&find_query, values, NULL, make_view);
}

void
pgm_shadow_detach_views(List *views)
{
	ListCell   *lc;

	foreach(lc, views)
	{
		const PgmShadowView *view = lfirst(lc);

		(void) deleteDependencyRecordsFor(RewriteRelationId,
										  get_rewrite_oid(view->relid,
														  ViewSelectRuleName,
														  false),
										  false);
	}
	CommandCounterIncrement();
}

/* ---- what they were */

static PgmQuery remembered_query = {
	"SELECT v->>'before' FROM jsonb_array_elements($1::jsonb->'views') AS v "
	"WHERE (v->>'view')::int8 = $2::int8 AND v->>'after' = $3",
	3, {TEXTOID, OIDOID, TEXTOID}
};

void
pgm_shadow_remember_views(const PgmShadow *shadow, List *before)
{
	StringInfoData json;
	List	   *after = before == NIL ? NIL : pgm_shadow_views(shadow);
	ListCell   *lc;
	ListCell   *other;

	if (before == NIL)
		return;
	initStringInfo(&json);
	forboth(lc, before, other, after)
	{
		const PgmShadowView *view = lfirst(lc);

		appendStringInfo(&json, "%s{\"view\": %u, \"before\": ",
						 json.len > 0 ? ", " : "", view->relid);
		escape_json(&json, view->definition);
		appendStringInfoString(&json, ", \"after\": ");
		escape_json(&json, ((PgmShadowView *) lfirst(other))->definition);
		appendStringInfoChar(&json, '}');
	}
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"views\": [%s]}", json.data));
}

List *
pgm_shadow_former_views(const PgmShadow *shadow)
{
	List	   *result = pgm_shadow_views(shadow);
	Datum		values[3];
	PgmSpiScope scope;
	ListCell   *lc;

	pgm_spi_begin(&scope);
	foreach(lc, result)
	{
		PgmShadowView *view = lfirst(lc);

		values[0] = pgm_text_datum(shadow->operation->details);
		values[1] = ObjectIdGetDatum(view->relid);
		values[2] = pgm_text_datum(view->definition);
		if (pgm_spi_execute(&remembered_query, values, NULL) > 0)
			view->definition = pgm_spi_text(1, 1);
	}
	pgm_spi_end(&scope);
	return result;
}

/* ---- their columns */

/* What column number of a relation depends on, in place of what it did. */
static void
depend_on(Oid relid, AttrNumber number, Oid type, Oid collation)
{
	Relation	rel = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	ObjectAddress column;
	ObjectAddress other;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[2], Anum_pg_depend_objsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(number));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == TypeRelationId ||
			form->refclassid == CollationRelationId)
			CatalogTupleDelete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);

	ObjectAddressSubSet(column, RelationRelationId, relid, number);
	ObjectAddressSet(other, TypeRelationId, type);
	recordDependencyOn(&column, &other, DEPENDENCY_NORMAL);
	if (!OidIsValid(collation) || collation == DEFAULT_COLLATION_OID)
		return;
	ObjectAddressSet(other, CollationRelationId, collation);
	recordDependencyOn(&column, &other, DEPENDENCY_NORMAL);
}

static void
set_type(Relation catalog, HeapTuple tuple, const Node *expr)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	Oid			type = exprType(expr);
	int32		typmod = exprTypmod(expr);
	Oid			collation = exprCollation(expr);
	HeapTuple	type_tuple;
	Form_pg_type type_form;

	if (form->atttypid == type && form->atttypmod == typmod &&
		form->attcollation == collation)
		return;
	type_tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(type_tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	type_form = (Form_pg_type) GETSTRUCT(type_tuple);
	form->atttypid = type;
	form->atttypmod = typmod;
	form->attcollation = collation;
	form->attlen = type_form->typlen;
	form->attbyval = type_form->typbyval;
	form->attalign = type_form->typalign;
	form->attstorage = type_form->typstorage;
	form->attndims = 0;
	ReleaseSysCache(type_tuple);
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	depend_on(form->attrelid, form->attnum, type, collation);
}

static void
set_types(const PgmShadowView *view, const Query *query)
{
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, lc);
		HeapTuple	tuple;

		if (entry->resjunk)
			continue;
		tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(view->relid),
									Int16GetDatum(entry->resno));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for attribute %d of relation %u",
				 entry->resno, view->relid);
		set_type(catalog, tuple, (Node *) entry->expr);
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/* ---- and their queries */

static void
attach(const PgmShadowView *view)
{
	Query	   *query;

	PushActiveSnapshot(GetTransactionSnapshot());
	query = parse_analyze_fixedparams(linitial_node(RawStmt,
													pg_parse_query(view->definition)),
									  view->definition, NULL, 0, NULL);
	set_types(view, query);
	StoreViewQuery(view->relid, query, true);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

static void
pin_search_path(void)
{
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* The server says what is wrong, but not with which view. */
static void
refuse_view(const PgmShadowView *view, const ErrorData *edata)
{
	ereport(ERROR,
			errcode(edata->sqlerrcode),
			errmsg("view %s cannot be read over the new type of a column",
				   view->name),
			errdetail_internal("%s", edata->message),
			errhint("Drop the view before the change of the type, and make it again after it in a form that fits."));
}

/* Is it about what the query says? */
static bool
is_misfit(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE &&
		(category == ERRCODE_DATA_EXCEPTION ||
		 category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION);
}

typedef struct ViewWork
{
	const PgmShadow *shadow;
	List	   *views;
	const PgmShadowView *view;
	void		(*work) (const PgmShadow *shadow, List *views,
						 const PgmShadowView *view);
} ViewWork;

static void
do_work(void *arg)
{
	const ViewWork *work = arg;
	PgmOwnerScope scope;

	pgm_owner_enter(&scope, pgm_owner_of(work->view->relid));
	pin_search_path();
	work->work(work->shadow, work->views, work->view);
	pgm_owner_leave(&scope);
}

/* As their owner, who is that of the tables. */
static void
with_each(ViewWork *work)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, work->views)
	{
		ErrorData  *edata;

		work->view = lfirst(lc);
		edata = pgm_txn_try(do_work, work);
		if (edata == NULL)
			continue;
		if (is_misfit(edata->sqlerrcode))
			refuse_view(work->view, edata);
		ReThrowError(edata);
	}
}

static void
attach_one(const PgmShadow *shadow, List *views, const PgmShadowView *view)
{
	attach(view);
}

void
pgm_shadow_attach_views(List *views)
{
	ViewWork	work = {NULL, views, NULL, attach_one};

	with_each(&work);
}

/* ---- a try on the copy */

typedef struct Redirection
{
	const PgmShadow *shadow;
	List	   *views;
} Redirection;

static char *
name_beside(Oid view)
{
	return psprintf("view %u", view);
}

/* Where a view may be made: in a schema of its owner. */
static char *
schema_for(const PgmShadow *shadow, Oid view)
{
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(shadow->family))
		if (((PgmShadow *) lfirst(lc))->owner == pgm_owner_of(view))
		return ((PgmShadow *) lfirst(lc))->schema;
	return shadow->schema;
}

static void
redirect_to(RangeVar *range, char *schema, char *name)
{
	if (range->alias == NULL)
		range->alias = makeAlias(range->relname, NIL);
	range->schemaname = schema;
	range->relname = name;
}

/* To the tables beside, and to views that were tried before. */
static void
redirect(RangeVar *range, const Redirection *to)
{
	Oid			relid = RangeVarGetRelid(range, NoLock, true);
	ListCell   *lc;

	foreach(lc, pgm_shadow_heads(to->shadow->family))
	{
		const PgmShadow *head = lfirst(lc);

		if (head->root == relid)
			redirect_to(range, head->schema, get_rel_name(head->beside));
	}
	foreach(lc, to->views)
		if (((PgmShadowView *) lfirst(lc))->relid == relid)
		redirect_to(range, schema_for(to->shadow, relid),
					name_beside(relid));
}

static bool
redirect_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
	{
		redirect(castNode(RangeVar, node), context);
		return false;
	}
	return raw_expression_tree_walker(node, redirect_walker, context);
}

static void
try_one(const PgmShadow *shadow, List *views, const PgmShadowView *view)
{
	Redirection to = {shadow, views};
	const char *text = psprintf("CREATE VIEW %s AS %s",
								quote_qualified_identifier(schema_for(shadow, view->relid),
														   name_beside(view->relid)),
								view->definition);
	ViewStmt   *stmt = castNode(ViewStmt,
								linitial_node(RawStmt,
											  pg_parse_query(text))->stmt);

	(void) redirect_walker(stmt->query, &to);
	pgm_layout_run((Node *) stmt, text);
}

void
pgm_shadow_try_views(const PgmShadow *shadow)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ViewWork	work = {shadow, NIL, NULL, try_one};
	List	   *views;
	int			level;
	ListCell   *lc;

	/* the last of several tables that are changed together tries them */
	foreach(lc, pgm_shadow_heads(shadow->family))
		if (!OidIsValid(((PgmShadow *) lfirst(lc))->beside))
		return;
	views = pgm_shadow_views(shadow);
	if (views == NIL)
		return;
	level = pgm_txn_begin_sub();
	work.views = views;
	with_each(&work);
	pgm_txn_rollback_sub(level);
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}
