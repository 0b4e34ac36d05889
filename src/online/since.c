/*-------------------------------------------------------------------------
 *
 * since.c
 *	  What others have made of a table between its switch and the way back.
 *
 * The table beside still has the form that the switch gave to the table, so
 * what differs from it was made since.  It stays, as it would if the change
 * were taken back by a statement:
 *
 *	indexes			built on the old rows before the lock, CONCURRENTLY
 *	defaults		set again after the statement back
 *	constraints		stay, where the old rows have the values that they were
 *					proven for; else nobody has looked whether those obey them,
 *					and they are in the way
 *
 * What was dropped since stays dropped.  All else is in the way too, and is
 * named: nothing is lost for going back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "online/column_internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/partition.h"
#include "online/since.h"

/* Columns of table $1 that have another default than those of $2. */
static PgmQuery defaults_query = {
	"SELECT a.attname::text, t.text FROM pg_attribute a "
	"JOIN pg_attribute b ON b.attrelid = $2 AND b.attname = a.attname "
	"LEFT JOIN pg_attrdef p ON p.adrelid = $1 AND p.adnum = a.attnum "
	"LEFT JOIN pg_attrdef q ON q.adrelid = $2 AND q.adnum = b.attnum, "
	"LATERAL (SELECT pg_get_expr(p.adbin, $1)) AS t (text) "
	"WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped "
	"AND a.attgenerated = '' AND a.attidentity = '' "
	"AND t.text IS DISTINCT FROM pg_get_expr(q.adbin, $2)",
	2, {OIDOID, OIDOID}
};

/*
 * Checks of table $1 that $2 has not, with whether they are in the way: where
 * columns $4 had other values in $3, alone or in the whole row, or the
 * statement back drops one of the name.  Those on columns that $3 has not go
 * with them.
 */
static PgmQuery checks_query = {
	"SELECT n.conname::text, cardinality($4) > 0 "
	"AND (n.conkey IS NULL OR n.conkey && $4 OR n.conkey && '{0}'::int2[]) "
	"OR EXISTS (SELECT FROM pg_constraint b WHERE b.conrelid = $2 "
	"AND b.contype = 'c' AND b.conname = n.conname) "
	"AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = $3 "
	"AND o.contype = 'c' AND o.conname = n.conname) "
	"FROM pg_constraint n WHERE n.conrelid = $1 AND n.contype = 'c' "
	"AND NOT EXISTS (SELECT FROM pg_constraint b WHERE b.conrelid = $2 "
	"AND b.contype = 'c' AND b.conname = n.conname "
	"AND pg_get_constraintdef(b.oid) = pg_get_constraintdef(n.oid)) "
	"AND NOT EXISTS (SELECT FROM unnest(n.conkey) AS k (n) "
	"JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = k.n "
	"WHERE NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = $3 "
	"AND o.attname = a.attname)) ORDER BY 1",
	4, {OIDOID, OIDOID, OIDOID, INT2ARRAYOID}
};

/* The tables of $3, and those between a partition of them and its root. */
#define IS_AMONG(relid) \
	"(" relid " = ANY ($3) OR EXISTS (SELECT " \
	"FROM pg_partition_ancestors(" relid ") AS p WHERE p.relid = ANY ($3)))"

/*
 * A foreign key from or to columns $2 of table $1, but between those of $3; of
 * a partition it may be that of the table above.
 */
static PgmQuery keys_query = {
	"SELECT format('foreign key \"%s\" of table \"%s\"', k.conname, "
	"k.conrelid::regclass) FROM pg_constraint k WHERE k.contype = 'f' "
	"AND (k.conrelid = $1 AND k.conkey && $2 "
	"OR k.confrelid = $1 AND k.confkey && $2) "
	"AND NOT (" IS_AMONG("k.conrelid") " AND " IS_AMONG("k.confrelid") ") "
	"ORDER BY 1",
	3, {OIDOID, INT2ARRAYOID, OIDARRAYOID}
};

/* Does index $1 of table $2 need a column that table $3 has not? */
static PgmQuery needs_query = {
	"SELECT EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a "
	"ON a.attrelid = $2 AND a.attnum = d.refobjsubid "
	"WHERE d.classid = 'pg_class'::regclass AND d.objid = $1 "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $2 "
	"AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = $3 "
	"AND o.attname = a.attname)) OR EXISTS (SELECT FROM pg_constraint k, "
	"unnest(k.conkey) AS c (n) JOIN pg_attribute a ON a.attrelid = $2 "
	"AND a.attnum = c.n WHERE k.conindid = $1 AND k.conrelid = $2 "
	"AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = $3 "
	"AND o.attname = a.attname))",
	3, {OIDOID, OIDOID, OIDOID}
};

typedef struct Refusal
{
	const PgmShadow *shadow;
	const char *what;
} Refusal;

static void
raise_since(void *arg)
{
	const Refusal *refusal = arg;
	const PgmShadow *shadow = refusal->shadow;

	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("definition of table %s has changed", shadow->name),
			errdetail("Since operation " INT64_FORMAT " began, %s.",
					  shadow->operation->id, refusal->what),
			shadow->operation->state < PGM_OPERATION_SWITCHED ?
			errhint("Take that back and repeat the call.") :
			shadow->request->source == NULL ?
			errhint("Take that back and repeat the call, or use pgmigrate.finalize(" INT64_FORMAT ") to keep the table as it is.",
					shadow->operation->id) :
			errhint("Take that back and repeat the call, or use pgmigrate.finalize(" INT64_FORMAT "): the next downgrade runs its own statements.",
					shadow->operation->id));
}

void
pgm_since_tell(const PgmShadow *shadow, void (*raise) (void *arg), void *arg)
{
	if (shadow->told == NULL)
		raise(arg);
	else
		*shadow->told = lappend(*shadow->told, pgm_txn_try(raise, arg));
}

void
pgm_since_refuse(const PgmShadow *shadow, const char *what)
{
	Refusal		refusal = {shadow, what};

	pgm_since_tell(shadow, raise_since, &refusal);
}

/* ---- indexes */

/* An exclusion constraint has no concurrent form, as what is not valid. */
static bool
can_be_built(Oid relid)
{
	Relation	index = index_open(relid, AccessShareLock);
	bool		result = index->rd_index->indisvalid &&
		index->rd_index->indimmediate && !index->rd_index->indisexclusion;

	index_close(index, NoLock);
	return result;
}

static bool
needs_other_columns(const PgmShadow *shadow, Oid index, Oid than)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(index);
	values[1] = ObjectIdGetDatum(shadow->relid);
	values[2] = ObjectIdGetDatum(than);
	return pgm_spi_one_bool(&needs_query, values);
}

/*
 * OIDs of those that were made since, and can be made of a table beside; in a
 * transaction.
 */
static List *
lacking_indexes(const PgmShadow *shadow, Oid on)
{
	Relation	rel = table_open(shadow->relid, AccessShareLock);
	Relation	beside = table_open(shadow->beside, AccessShareLock);
	List	   *result = pgm_layout_unpaired(rel, beside);
	ListCell   *lc;

	table_close(beside, NoLock);
	table_close(rel, NoLock);
	foreach(lc, result)
	{
		if (!can_be_built(lfirst_oid(lc)) ||
			needs_other_columns(shadow, lfirst_oid(lc), on))
			result = foreach_delete_current(result, lc);
	}
	return result;
}

/* Locked, they stay there. */
static bool
has_tables(const PgmShadow *shadow)
{
	LockRelationOid(shadow->relid, AccessShareLock);
	LockRelationOid(shadow->beside, AccessShareLock);
	LockRelationOid(shadow->old, AccessShareLock);
	return get_rel_name(shadow->relid) != NULL &&
		get_rel_name(shadow->beside) != NULL &&
		get_rel_name(shadow->old) != NULL;
}

static bool
is_exchanged(const PgmShadow *shadow)
{
	return !pgm_is_column(shadow) && !pgm_partition_wanted(shadow);
}

typedef struct Build
{
	const PgmShadow *shadow;
	const char *name;
} Build;

/* The server names what it builds, which nobody knows. */
static void
build_error_callback(void *arg)
{
	const Build *build = arg;
	int			code = geterrcode();
	int			class = ERRCODE_TO_CATEGORY(code);

	if (pgm_is_column(build->shadow))
		errcontext("index \"%s\" of table %s, built on its old column",
				   build->name, build->shadow->name);
	else
		errcontext("index \"%s\" of table %s, built on its old rows",
				   build->name, build->shadow->name);
	if (class == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION))
		errhint("The index was made since the switch, and the old rows do not allow it.  Drop it and repeat the call, or use pgmigrate.finalize(" INT64_FORMAT ") to keep the table as it is.",
				build->shadow->operation->id);
	else if (code == ERRCODE_DATATYPE_MISMATCH ||
			 code == ERRCODE_UNDEFINED_OBJECT ||
			 code == ERRCODE_UNDEFINED_FUNCTION)
		errhint("The index was made since the switch, and there is none like it for the old type.  Drop it and repeat the call, or use pgmigrate.finalize(" INT64_FORMAT ") to keep the table as it is.",
				build->shadow->operation->id);
}

/* For those who ask what it waits for: the run that made it is over. */
static void
note_run(const PgmShadow *shadow)
{
	pgm_txn_begin();
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"back_run\": " INT64_FORMAT "}",
									   shadow->request->run));
	pgm_txn_commit();
}

/*
 * What is left INVALID by an error, or a process that is gone, goes when it is
 * built the next time, or with what is kept.
 */
void
pgm_since_build_index(PgmShadow *shadow, Oid relid, Oid index,
					  const char *name, const char *command,
					  void (*adjust) (IndexStmt *stmt, void *arg), void *arg)
{
	Build		build = {shadow, name};
	ErrorContextCallback callback = {error_context_stack,
	build_error_callback, &build};

	note_run(shadow);
	error_context_stack = &callback;
	pgm_shadow_ensure_index(shadow, relid,
							pgm_column_hidden_object(shadow->operation->id,
													 index),
							command, adjust, arg);
	error_context_stack = callback.previous;
}

void
pgm_since_build_indexes(PgmShadow *shadow)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	List	   *indexes = NIL;
	List	   *names = NIL;
	List	   *commands = NIL;
	ListCell   *lc;
	ListCell   *lc2;
	ListCell   *lc3;

	pgm_txn_begin();
	if (is_exchanged(shadow) && has_tables(shadow))
	{
		pgm_shadow_check_guards(shadow);
		indexes = lacking_indexes(shadow, shadow->old);
	}
	foreach(lc, indexes)
	{
		names = lappend(names, get_rel_name(lfirst_oid(lc)));
		commands = lappend(commands,
						   pgm_layout_index_command(lfirst_oid(lc)));
	}
	pgm_txn_commit();
	forthree(lc, indexes, lc2, names, lc3, commands)
		pgm_since_build_index(shadow, shadow->old, lfirst_oid(lc), lfirst(lc2),
							  lfirst(lc3), NULL, NULL);
	MemoryContextSwitchTo(old);
}

/* Of a table beside, those that the table has not, but for its key. */
static void
drop_others(const PgmShadow *shadow, Oid beside, Oid key)
{
	Relation	rel = table_open(shadow->relid, NoLock);
	Relation	other = table_open(beside, NoLock);
	List	   *unpaired = pgm_layout_unpaired(other, rel);
	ListCell   *lc;

	table_close(other, NoLock);
	table_close(rel, NoLock);
	foreach(lc, unpaired)
	{
		ObjectAddress address;
		Oid			constraint;

		if (lfirst_oid(lc) == key)
			continue;
		constraint = get_index_constraint(lfirst_oid(lc));
		if (OidIsValid(constraint))
			ObjectAddressSet(address, ConstraintRelationId, constraint);
		else
			ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

void
pgm_since_drop_indexes(const PgmShadow *shadow)
{
	drop_others(shadow, shadow->old, shadow->old_key);
}

/* It has no rows. */
void
pgm_since_match_indexes(const PgmShadow *shadow)
{
	PgmOwnerScope scope;
	ListCell   *lc;

	pgm_owner_enter(&scope, shadow->owner);
	foreach(lc, lacking_indexes(shadow, shadow->beside))
	{
		const char *command = pgm_layout_index_command(lfirst_oid(lc));
		const char *name = psprintf("beside_%u", lfirst_oid(lc));

		pgm_layout_run((Node *) pgm_layout_index_statement(command, name,
														   shadow->beside),
					   command);
		CommandCounterIncrement();
	}
	pgm_owner_leave(&scope);
	drop_others(shadow, shadow->beside, shadow->beside_key);
}

/* ---- defaults and constraints */

static bool
is_column(const Node *expr, AttrNumber column)
{
	return IsA(expr, Var) && ((const Var *) expr)->varattno == column;
}

/* A type may be taken for one that has another order, as int for oid. */
static bool
has_same_order(Oid type, Oid other)
{
	return lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf ==
		lookup_type_cache(other, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/*
 * Is it what the column was, so that what holds for the one value holds for
 * the other?  Whole numbers compute alike whatever their length.
 */
static bool
is_same_value(const Node *expr, AttrNumber column)
{
	const FuncExpr *cast = (const FuncExpr *) expr;

	if (IsA(expr, RelabelType))
	{
		const RelabelType *relabel = (const RelabelType *) expr;

		return is_column((Node *) relabel->arg, column) &&
			has_same_order(((const Var *) relabel->arg)->vartype,
						   relabel->resulttype);
	}
	if (!IsA(expr, FuncExpr))
		return is_column(expr, column);
	switch (cast->funcid)
	{
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_INT4_INT2:
		case F_INT4_INT8:
		case F_INT2_INT4:
		case F_INT2_INT8:
			return is_column(linitial(cast->args), column);
		default:
			return false;
	}
}

static Oid
collation_of(Oid relid, AttrNumber column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
	return collation;
}

/*
 * Numbers of the columns whose old values are others, or compare otherwise.
 * One that is generated may have been computed of any of them.
 */
static Datum
changed_columns(const PgmShadow *shadow)
{
	List	   *mapping = stringToNode(shadow->mapping.columns);
	Datum	   *columns = palloc(sizeof(Datum) * (list_length(mapping) + 1));
	List	   *generated = NIL;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, mapping)
	{
		AttrNumber	column = foreach_current_index(lc) + 1;
		char	   *name = get_attname(shadow->beside, column, true);
		AttrNumber	was = name == NULL ? InvalidAttrNumber :
			get_attnum(shadow->old, name);

		if (was <= 0 || get_attnum(shadow->relid, name) <= 0)
			continue;
		if (lfirst(lc) == NULL &&
			get_atttype(shadow->beside, column) == get_atttype(shadow->old,
															   was))
			generated = lappend_int(generated, get_attnum(shadow->relid,
														  name));
		else if (lfirst(lc) == NULL || !is_same_value(lfirst(lc), was) ||
				 collation_of(shadow->beside, column) !=
				 collation_of(shadow->old, was))
			columns[n++] = Int16GetDatum(get_attnum(shadow->relid, name));
	}
	if (n > 0)
	{
		foreach(lc, generated)
			columns[n++] = Int16GetDatum(lfirst_int(lc));
	}
	return pgm_array_datum(INT2OID, n, columns);
}

static void *
make_default(uint64 row)
{
	PgmSinceDefault *result = palloc(sizeof(PgmSinceDefault));

	result->column = pgm_spi_text(row, 1);
	result->text = pgm_spi_text(row, 2);
	return result;
}

typedef struct Check
{
	char	   *name;
	bool		in_the_way;
} Check;

static void *
make_check(uint64 row)
{
	Check	   *result = palloc(sizeof(Check));

	result->name = pgm_spi_text(row, 1);
	result->in_the_way = pgm_spi_bool(row, 2);
	return result;
}

static void
look_at_constraints(const PgmShadow *shadow, PgmSince *since)
{
	Datum		values[4];
	List	   *roots = NIL;
	ListCell   *lc;

	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->beside);
	values[2] = ObjectIdGetDatum(shadow->old);
	values[3] = changed_columns(shadow);
	foreach(lc, pgm_spi_list(&checks_query, values, NULL, make_check))
	{
		const Check *check = lfirst(lc);

		if (check->in_the_way)
			pgm_since_refuse(shadow, psprintf("constraint \"%s\" was made on a column that it changes",
											  check->name));
		since->checks = lappend(since->checks, makeString(check->name));
	}
	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);

		roots = lappend_oid(lappend_oid(roots, member->root), member->relid);
	}
	values[1] = values[3];
	values[2] = pgm_oid_array_datum(roots);
	foreach(lc, pgm_spi_texts(&keys_query, values))
		pgm_since_refuse(shadow, psprintf("%s was made on a column that it changes",
										  (char *) lfirst(lc)));
}

/* Those that cannot be built have no double on the old rows. */
static char *
find_unlike(const PgmShadow *shadow)
{
	Relation	rel = table_open(shadow->relid, NoLock);
	Relation	beside = table_open(shadow->beside, NoLock);
	char	   *difference = pgm_layout_difference(rel, beside);
	List	   *unpaired = pgm_layout_unpaired(rel, beside);
	ListCell   *lc;

	table_close(beside, NoLock);
	table_close(rel, NoLock);
	foreach(lc, unpaired)
		if (difference == NULL && !can_be_built(lfirst_oid(lc)))
		difference = psprintf("index \"%s\"", get_rel_name(lfirst_oid(lc)));
	return difference;
}

PgmSince *
pgm_since_look(const PgmShadow *shadow)
{
	PgmSince   *since = palloc0(sizeof(PgmSince));
	Datum		values[2];
	ListCell   *lc;

	if (!is_exchanged(shadow))
		return since;
	if (!has_tables(shadow))
	{
		pgm_shadow_refuse_revert(shadow, "The old rows of the table are not there.");
		return since;
	}
	pgm_shadow_require_same(shadow, find_unlike(shadow));
	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->beside);
	since->defaults = pgm_spi_list(&defaults_query, values, NULL,
								   make_default);
	look_at_constraints(shadow, since);
	if (shadow->root == shadow->relid)
		return since;
	foreach(lc, since->defaults)
		pgm_since_refuse(shadow, psprintf("the default of column \"%s\" of table \"%s\" was changed",
										  ((PgmSinceDefault *) lfirst(lc))->column,
										  get_rel_name(shadow->relid)));
	return since;
}

void
pgm_since_set_defaults(const PgmShadow *shadow, const PgmSince *since,
					   bool again)
{
	ListCell   *lc;

	foreach(lc, since->defaults)
	{
		const PgmSinceDefault *is = lfirst(lc);

		/* that of a column that was added is gone with it */
		if (get_attnum(shadow->old, is->column) <= 0)
			continue;
		pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s ALTER COLUMN %s %s%s",
									 shadow->name,
									 quote_identifier(is->column),
									 again && is->text != NULL ?
									 "SET DEFAULT " : "DROP DEFAULT",
									 again && is->text != NULL ?
									 is->text : ""));
	}
	CommandCounterIncrement();
}
