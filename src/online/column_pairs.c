/*-------------------------------------------------------------------------
 *
 * column_pairs.c
 *	  The double of a column, and those of its indexes and constraints.
 *
 * They have names of ours until the names are exchanged.  What they are is
 * what the server makes of the commands of the column's own when it stands
 * there with the other name, so an index or a check is what a plain change of
 * the type would make of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "clone/misfit.h"
#include "compat/parse.h"
#include "online/column_default.h"
#include "online/column_since.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/with_locks.h"

/* Of table $1 with columns $2; names of doubles begin with $3. */
static PgmQuery objects_query = {
	"SELECT 'i', i.indrelid::int8, i.indexrelid::int8, "
	"coalesce(x.indexrelid, 0)::int8 "
	"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"LEFT JOIN pg_class h ON h.relnamespace = c.relnamespace "
	"AND h.relname = $3 || i.indexrelid "
	"LEFT JOIN pg_index x ON x.indexrelid = h.oid "
	"AND x.indrelid = i.indrelid AND x.indisvalid "
	"WHERE i.indrelid = $1 AND (i.indkey::int2[] && $2 OR EXISTS (SELECT "
	"FROM pg_depend d WHERE d.classid = 'pg_class'::regclass "
	"AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass "
	"AND d.refobjid = $1 AND d.refobjsubid = ANY ($2))) "
	"UNION ALL SELECT k.contype::text, k.conrelid::int8, k.oid::int8, "
	"coalesce(h.oid, 0)::int8 "
	"FROM pg_constraint k LEFT JOIN pg_constraint h ON h.conrelid = k.conrelid "
	"AND h.conname = '~' || $3 || k.oid AND h.convalidated "
	"WHERE k.conrelid = $1 AND k.contype IN ('c', 'f') AND k.conkey && $2 "
	"AND k.coninhcount = 0 ORDER BY 1, 3",
	3, {OIDOID, INT2ARRAYOID, TEXTOID}
};

static PgmQuery saved_query = {
	"SELECT o->>1, (o->>0)::int8, (o->>2)::int8, (o->>3)::int8 "
	"FROM jsonb_array_elements($1::jsonb->'objects') "
	"WITH ORDINALITY AS u (o, n) ORDER BY n",
	1, {TEXTOID}
};

char *
pgm_column_hidden(int64 operation, AttrNumber column)
{
	return psprintf("pgmigrate_" INT64_FORMAT "_%d", operation, column);
}

char *
pgm_column_hidden_object(int64 operation, Oid object)
{
	return psprintf("pgmigrate_" INT64_FORMAT "_%u", operation, object);
}

/* Checks are tried by their names: that of the user is the one that fails. */
static char *
hidden_constraint(const PgmShadow *shadow, const PgmColumnObject *object)
{
	return psprintf("~%s", pgm_column_hidden_object(shadow->operation->id,
													object->was));
}

List *
pgm_column_members(const PgmShadow *shadow)
{
	return get_rel_name(shadow->relid) == NULL ? NIL :
		find_all_inheritors(shadow->relid, NoLock, NULL);
}

/* ---- columns */

/* That of a subcommand, under the name that its double has in all tables. */
static char *
hidden_name(const PgmShadow *shadow, const AlterTableCmd *command)
{
	return pgm_column_hidden(shadow->operation->id,
							 get_attnum(shadow->relid, command->name));
}

void
pgm_column_add(const PgmShadow *shadow)
{
	AlterTableStmt *stmt = makeNode(AlterTableStmt);
	ListCell   *lc;

	stmt->relation =
		makeRangeVar(get_namespace_name(get_rel_namespace(shadow->relid)),
					 get_rel_name(shadow->relid), -1);
	stmt->objtype = OBJECT_TABLE;
	foreach(lc, pgm_column_retypings(pgm_shadow_commands(shadow)))
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		const ColumnDef *as = castNode(ColumnDef, command->def);
		AlterTableCmd *add = makeNode(AlterTableCmd);
		ColumnDef  *column = makeNode(ColumnDef);

		column->colname = hidden_name(shadow, command);
		column->typeName = copyObject(as->typeName);
		column->collClause = copyObject(as->collClause);
		column->is_local = true;
		column->location = -1;
		add->subtype = AT_AddColumn;
		add->def = (Node *) column;
		stmt->cmds = lappend(stmt->cmds, add);
	}
	pgm_layout_run((Node *) stmt, shadow->request->source->text);
	CommandCounterIncrement();
}

/* Names of columns and of their doubles, in turn. */
static List *
renames(const PgmShadow *shadow)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_column_retypings(pgm_shadow_commands(shadow)))
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		result = lappend(result, command->name);
		result = lappend(result, hidden_name(shadow, command));
	}
	return result;
}

static char *
renamed(const char *name, List *names)
{
	for (int i = 0; name != NULL && i < list_length(names); i += 2)
		if (strcmp(list_nth(names, i), name) == 0)
			return list_nth(names, i + 1);
	return unconstify(char *, name);
}

/* A column may be written with its table before it. */
static bool
rename_walker(Node *node, void *names)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		ListCell   *last = list_last_cell(castNode(ColumnRef, node)->fields);

		if (IsA(lfirst(last), String))
			lfirst(last) = makeString(renamed(strVal(lfirst(last)), names));
		return false;
	}
	return raw_expression_tree_walker(node, rename_walker, names);
}

void
pgm_column_rename_inverse(PgmInverse *inverse, List *names)
{
	ListCell   *lc;

	inverse->commands = copyObject(inverse->commands);
	foreach(lc, inverse->commands)
		(void) rename_walker(castNode(ColumnDef,
									  lfirst_node(AlterTableCmd, lc)->def)->raw_default,
							 names);
}

void
pgm_column_specify(const PgmShadow *shadow, Oid relid, PgmColumnSpec *spec)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *commands =
		pgm_column_retypings(pgm_shadow_commands(shadow));
	PgmInverse	inverse;
	ListCell   *lc;

	pgm_shadow_inverse(shadow, &inverse);
	pgm_column_rename_inverse(&inverse, renames(shadow));
	spec->operation = shadow->operation->id;
	spec->relid = relid;
	spec->owner = shadow->owner;
	spec->settings = shadow->settings;
	spec->nsettings = shadow->nsettings;
	spec->n = list_length(commands);
	spec->pairs = palloc(sizeof(PgmColumnPair) * spec->n);
	foreach(lc, commands)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		PgmColumnPair *pair = &spec->pairs[foreach_current_index(lc)];

		pair->lead = get_attnum(relid, command->name);
		pair->follow = get_attnum(relid, hidden_name(shadow, command));
		pair->not_null =
			TupleDescAttr(RelationGetDescr(rel), pair->lead - 1)->attnotnull;
		pair->forth = *pgm_mapping_within(rel, pair->lead, pair->follow,
										  commands,
										  shadow->request->source->text);
		pair->back = *pgm_mapping_within_back(rel, pair->follow, pair->lead,
											  &inverse);
	}
	table_close(rel, NoLock);
}

/* ---- indexes and constraints */

static void *
make_object(uint64 row)
{
	PgmColumnObject *object = palloc(sizeof(PgmColumnObject));

	object->kind = *pgm_spi_text(row, 1);
	object->relid = (Oid) pgm_spi_int64(row, 2);
	object->was = (Oid) pgm_spi_int64(row, 3);
	object->becomes = (Oid) pgm_spi_int64(row, 4);
	return object;
}

static List *
find_objects(int64 operation, Oid relid, int n, Datum *columns)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_array_datum(INT2OID, n, columns);
	values[2] = pgm_text_datum(psprintf("pgmigrate_" INT64_FORMAT "_",
										operation));
	return pgm_spi_list(&objects_query, values, NULL, make_object);
}

List *
pgm_column_objects_of(int64 operation, Oid relid, AttrNumber column)
{
	Datum		columns[1] = {Int16GetDatum(column)};

	return find_objects(operation, relid, 1, columns);
}

bool
pgm_column_is_claimed(const PgmOperation *op, const char *name)
{
	return pgm_operation_detail(op, psprintf("built %s", name)) != NULL;
}

/* Is it one, and nothing that somebody has put in the place of one? */
static bool
is_double(const PgmOperation *operation, const PgmColumnObject *object,
		  List *names)
{
	IndexStmt  *form;

	if (!pgm_column_is_claimed(operation,
							   pgm_column_hidden_object(operation->id,
														object->was)))
		return false;
	form = pgm_layout_index_form(object->was);
	pgm_column_rename_index(form, names);
	return pgm_column_may_be(object->becomes, object->relid, form);
}

/* What only has the name of a double is none. */
static List *
with_own_doubles(const PgmOperation *operation, List *objects, List *names)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PgmColumnObject *object = lfirst(lc);

		if (object->kind == 'i' && OidIsValid(object->becomes) &&
			!is_double(operation, object, names))
			object->becomes = InvalidOid;
	}
	return objects;
}

List *
pgm_column_objects_on(const PgmShadow *shadow, Oid relid)
{
	PgmColumnSpec spec;
	Datum	   *columns;

	if (!pgm_column_trigger_read(relid, shadow->operation->id, &spec))
		return NIL;
	columns = palloc(sizeof(Datum) * spec.n);
	for (int i = 0; i < spec.n; i++)
		columns[i] = Int16GetDatum(spec.pairs[i].lead);
	return with_own_doubles(shadow->operation,
							find_objects(shadow->operation->id, relid, spec.n,
										 columns),
							pgm_column_renames(&spec));
}

static List *
saved_objects(const PgmShadow *shadow)
{
	Datum		values[1] = {pgm_text_datum(shadow->operation->details)};

	return pgm_spi_list(&saved_query, values, NULL, make_object);
}

List *
pgm_column_objects(const PgmShadow *shadow)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (pgm_operation_detail(shadow->operation, "objects") != NULL)
		return saved_objects(shadow);
	foreach(lc, pgm_column_members(shadow))
		result = list_concat(result,
							 pgm_column_objects_on(shadow, lfirst_oid(lc)));
	return result;
}

/* Claims of names in the details $1, to be taken back. */
static PgmQuery claims_query = {
	"SELECT jsonb_object_agg(k, NULL)::text FROM jsonb_object_keys($1::jsonb) "
	"AS k WHERE starts_with(k, 'built ')",
	1, {TEXTOID}
};

/*
 * Doubles are known by their mark from the switch on.  One that is dropped
 * then leaves its name to whoever wants it.
 */
static void
forget_claims(PgmShadow *shadow)
{
	Datum		values[1] = {pgm_text_datum(shadow->operation->details)};
	char	   *claims = pgm_spi_one_text(&claims_query, values);

	if (claims != NULL)
		pgm_operation_add_details(shadow->operation, claims);
}

void
pgm_column_save_objects(PgmShadow *shadow, List *objects)
{
	StringInfoData json;
	ListCell   *lc;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"objects\": [");
	foreach(lc, objects)
	{
		const PgmColumnObject *object = lfirst(lc);

		appendStringInfo(&json, "%s[%u, \"%c\", %u, %u]",
						 foreach_current_index(lc) > 0 ? ", " : "",
						 object->relid, object->kind, object->was,
						 object->becomes);
	}
	appendStringInfoString(&json, "]}");
	pgm_operation_add_details(shadow->operation, json.data);
	forget_claims(shadow);
}

/* ---- the same with the names of the doubles */

static void
rename_elements(List *elements, List *names)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		element->name = renamed(element->name, names);
		(void) rename_walker(element->expr, names);
	}
}

void
pgm_column_rename_index(IndexStmt *stmt, void *names)
{
	rename_elements(stmt->indexParams, names);
	rename_elements(stmt->indexIncludingParams, names);
	(void) rename_walker(stmt->whereClause, names);
}

static void
rename_constraint(Constraint *constraint, List *names)
{
	ListCell   *lc;

	(void) rename_walker(constraint->raw_expr, names);
	foreach(lc, constraint->fk_attrs)
		lfirst(lc) = makeString(renamed(strVal(lfirst(lc)), names));
}

/* NOT VALID, so that its lock is short; then VALIDATE, whose lock is weak. */
typedef struct ConstraintWork
{
	const PgmColumnObject *object;
	bool		validate;
} ConstraintWork;

static void
constraint_locked(PgmShadow *shadow, void *arg)
{
	const ConstraintWork *work = arg;
	const char *name = quote_identifier(hidden_constraint(shadow,
														  work->object));
	const char *table = pgm_layout_name(work->object->relid);
	PgmOwnerScope scope;
	char	   *sql;
	AlterTableStmt *stmt;
	AlterTableCmd *command;

	pgm_owner_enter(&scope, shadow->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (work->validate)
		sql = psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", table, name);
	else
		sql = psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", table,
					   name,
					   TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef,
															   ObjectIdGetDatum(work->object->was))));
	stmt = castNode(AlterTableStmt,
					linitial_node(RawStmt, pg_parse_query(sql))->stmt);
	command = linitial_node(AlterTableCmd, stmt->cmds);
	if (!work->validate)
		rename_constraint(castNode(Constraint, command->def),
						  renames(shadow));
	pgm_layout_run((Node *) stmt, sql);
	pgm_owner_leave(&scope);
}

static bool
has_constraint(const PgmShadow *shadow, const PgmColumnObject *object)
{
	return OidIsValid(get_relation_constraint_oid(object->relid,
												  hidden_constraint(shadow,
																	object),
												  true));
}

static void
make_constraint(PgmShadow *shadow, const PgmColumnObject *object)
{
	ConstraintWork work = {object, false};
	bool		added;

	pgm_txn_begin();
	pgm_shadow_check(shadow);
	added = has_constraint(shadow, object);
	pgm_txn_commit();
	if (!added)
		pgm_shadow_locked(shadow, AccessExclusiveLock, false,
						  constraint_locked, &work);
	work.validate = true;
	pgm_shadow_locked(shadow, ShareUpdateExclusiveLock, false,
					  constraint_locked, &work);
}

typedef struct Making
{
	const PgmShadow *shadow;
	char	   *what;
} Making;

/* The server names the double, which nobody knows. */
static void
make_error_callback(void *arg)
{
	const Making *making = arg;

	errcontext("%s of table %s, made for the new column", making->what,
			   making->shadow->name);
	if (ERRCODE_TO_CATEGORY(geterrcode()) ==
		ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
		errhint("%s", _(PGM_MISFIT_REMEDY));
}

void
pgm_column_make_objects(PgmShadow *shadow)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	Making		making = {shadow};
	ErrorContextCallback callback = {error_context_stack, make_error_callback,
	&making};
	List	   *objects;
	List	   *names;
	ListCell   *lc;

	pgm_txn_begin();
	pgm_shadow_check(shadow);
	objects = pgm_column_objects(shadow);
	names = renames(shadow);
	pgm_txn_commit();
	foreach(lc, objects)
	{
		const PgmColumnObject *object = lfirst(lc);
		char	   *command = NULL;

		pgm_txn_begin();
		pgm_operation_set_progress(shadow->operation->id,
								   foreach_current_index(lc),
								   list_length(objects), "indexes");
		if (object->kind == 'i')
			command = pgm_layout_index_command(object->was);
		making.what = MemoryContextStrdup(shadow->context,
										  psprintf(object->kind == 'i' ?
												   "index \"%s\"" :
												   "constraint \"%s\"",
												   object->kind == 'i' ?
												   get_rel_name(object->was) :
												   get_constraint_name(object->was)));
		pgm_txn_commit();
		if (OidIsValid(object->becomes))
			continue;
		error_context_stack = &callback;
		if (object->kind == 'i')
			pgm_shadow_ensure_index(shadow, object->relid,
									pgm_column_hidden_object(shadow->operation->id,
															 object->was),
									command, pgm_column_rename_index, names);
		else
			make_constraint(shadow, object);
		error_context_stack = callback.previous;
	}
	MemoryContextSwitchTo(old);
}
