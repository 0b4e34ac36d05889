/*-------------------------------------------------------------------------
 *
 * joint.c
 *	  Several tables that are changed together, for the foreign keys between.
 *
 * Where no operator compares the old type of a key with the new one, a foreign
 * key has to be dropped before the types of both its sides are changed, and is
 * made again after:
 *
 *	ALTER TABLE child DROP CONSTRAINT key;
 *	ALTER TABLE parent ALTER id TYPE text;
 *	ALTER TABLE child ALTER parent TYPE text;
 *	ALTER TABLE child ADD CONSTRAINT key FOREIGN KEY (parent) REFERENCES ...;
 *
 * Statement by statement there would be a time without it.  So these are one
 * pass: each table has an operation of its own up to the switch, which is one
 * for all, as with partitions.  All of the statements run in it, on tables
 * that have no rows at the time.
 *
 * That the rows satisfy the key which is made follows from that they satisfied
 * the one which is dropped: it has the same columns, and both sides become
 * something else in the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "compat/parse.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "strategy/strategy.h"

/*
 * One column of a foreign key $1 in each row.  Only values that are the same
 * when they are equal become the same: numeric 1.0 and 1.00 do not.
 */
static PgmQuery key_query = {
	"SELECT k.conrelid::int8, k.confrelid::int8, k.conname::text, "
	"k.confmatchtype::text, a.attname::text, b.attname::text, "
	"CASE WHEN (a.atttypid, a.atttypmod, a.attcollation) = "
	"(b.atttypid, b.atttypmod, b.attcollation) THEN a.atttypid ELSE 0 "
	"END::int8, EXISTS (SELECT "
	"FROM unnest(i.indkey::int2[], i.indclass::oid[]) AS m (att, class) "
	"JOIN pg_opclass o ON o.oid = m.class JOIN pg_amproc e "
	"ON e.amprocfamily = o.opcfamily AND e.amproclefttype = o.opcintype "
	"AND e.amprocrighttype = o.opcintype AND e.amprocnum = 4 "
	"LEFT JOIN pg_collation l ON l.oid = b.attcollation "
	"WHERE m.att = b.attnum AND coalesce(l.collisdeterministic, true) "
	"AND e.amproc IN ('btequalimage'::regproc, "
	"'btvarstrequalimage'::regproc)), a.attnotnull, "
	"i.indisprimary AND i.indkey::text = array_to_string(k.confkey, ' ') "
	"FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid "
	"JOIN pg_class c ON c.oid = k.conrelid "
	"JOIN pg_class p ON p.oid = k.confrelid, "
	"unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (x, y, n) "
	"JOIN pg_attribute a ON a.attnum = u.x "
	"JOIN pg_attribute b ON b.attnum = u.y "
	"WHERE k.oid = $1 AND k.contype = 'f' AND k.convalidated "
	"AND k.conparentid = 0 AND c.relkind IN ('r', 'p') AND p.relkind = 'r' "
	"AND NOT c.relispartition AND NOT p.relispartition "
	"AND a.attrelid = k.conrelid AND b.attrelid = k.confrelid ORDER BY u.n",
	1, {OIDOID}
};

/* With those that the server has made of the constraints $1 for partitions. */
static PgmQuery descendants_query = {
	"WITH RECURSIVE k (oid) AS (SELECT unnest($1) UNION "
	"SELECT c.oid FROM k JOIN pg_constraint c ON c.conparentid = k.oid) "
	"SELECT oid::int8 FROM k",
	1, {OIDARRAYOID}
};

typedef struct KeyColumn
{
	char	   *child;
	char	   *parent;
	Oid			type;			/* of both, or InvalidOid */
	bool		same;			/* equal values of it are the same */
	bool		not_null;
} KeyColumn;

typedef struct Key
{
	Oid			child;
	Oid			parent;
	char	   *name;
	char		match;
	bool		by_primary;		/* no columns of the parent need be named */
	List	   *columns;
} Key;

typedef struct Joint
{
	const PgmSource *source;
	List	   *keys;			/* that are dropped … */
	List	   *made;			/* … and statements that make them again */
	List	   *tables;			/* that are altered in between … */
	List	   *statements;		/* … and the numbers of their statements */
	int			last;
} Joint;

static const AlterTableStmt *
statement(const PgmSource *source, int n)
{
	Node	   *stmt = n < source->nstatements ?
		source->statements[n].raw->stmt : NULL;

	return stmt != NULL && IsA(stmt, AlterTableStmt) &&
		castNode(AlterTableStmt, stmt)->objtype == OBJECT_TABLE ?
		castNode(AlterTableStmt, stmt) : NULL;
}

/* Does a statement consist of subcommands of one kind, and is not marked? */
static bool
consists_of(const PgmSource *source, int n, AlterTableType type)
{
	const AlterTableStmt *stmt = statement(source, n);
	char	   *reason;
	ListCell   *lc;

	if (stmt == NULL ||
		pgm_strategy_mark(source, n, &reason) == PGM_MARK_PLAIN)
		return false;
	foreach(lc, stmt->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype != type)
			return false;
	}
	return true;
}

static bool
drops_constraints(const PgmSource *source, int n)
{
	return consists_of(source, n, AT_DropConstraint);
}

static bool
makes_keys(const PgmSource *source, int n)
{
	ListCell   *lc;

	if (!consists_of(source, n, AT_AddConstraint))
		return false;
	foreach(lc, statement(source, n)->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (castNode(Constraint, command->def)->contype != CONSTR_FOREIGN)
			return false;
	}
	return true;
}

bool
pgm_joint_is_key(const PgmSource *source, int n)
{
	return drops_constraints(source, n) || makes_keys(source, n);
}

List *
pgm_joint_dropped(const PgmSource *source, int n)
{
	Oid			relid;
	List	   *result = NIL;
	ListCell   *lc;

	if (statement(source, n) == NULL)
		return NIL;
	relid = pgm_lookup_relation(statement(source, n)->relation);
	if (!OidIsValid(relid))
		return NIL;
	foreach(lc, statement(source, n)->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		Oid			constraint = command->subtype != AT_DropConstraint ?
			InvalidOid :
			get_relation_constraint_oid(relid, command->name, true);

		if (OidIsValid(constraint))
			result = lappend_oid(result, constraint);
	}
	return result;
}

List *
pgm_joint_with_descendants(List *constraints)
{
	Datum		values[1] = {pgm_oid_array_datum(constraints)};

	return constraints == NIL ? NIL : pgm_spi_oids(&descendants_query, values);
}

/* ---- the keys */

static Key *
read_key(Oid constraint)
{
	PgmSpiScope scope;
	Datum		values[1];
	Key		   *key = NULL;
	MemoryContext old;
	uint64		n;

	values[0] = ObjectIdGetDatum(constraint);
	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&key_query, values, NULL);
	old = MemoryContextSwitchTo(scope.outer);
	for (uint64 i = 1; i <= n; i++)
	{
		KeyColumn  *column = palloc(sizeof(KeyColumn));

		if (key == NULL)
		{
			key = palloc0(sizeof(Key));
			key->child = (Oid) pgm_spi_int64(i, 1);
			key->parent = (Oid) pgm_spi_int64(i, 2);
			key->name = pgm_spi_text(i, 3);
			key->match = *pgm_spi_text(i, 4);
			key->by_primary = pgm_spi_bool(i, 10);
		}
		column->child = pgm_spi_text(i, 5);
		column->parent = pgm_spi_text(i, 6);
		column->type = (Oid) pgm_spi_int64(i, 7);
		column->same = pgm_spi_bool(i, 8);
		column->not_null = pgm_spi_bool(i, 9);
		key->columns = lappend(key->columns, column);
	}
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	return key;
}

static bool
read_dropped(Joint *joint, int n)
{
	List	   *dropped = pgm_joint_dropped(joint->source, n);
	ListCell   *lc;

	if (list_length(dropped) !=
		list_length(statement(joint->source, n)->cmds))
		return false;
	foreach(lc, dropped)
	{
		Key		   *key = read_key(lfirst_oid(lc));

		if (key == NULL)
			return false;
		joint->keys = lappend(joint->keys, key);
	}
	return true;
}

static bool
same_names(List *names, const Key *key, bool of_parent)
{
	ListCell   *lc;
	ListCell   *other;

	if (list_length(names) != list_length(key->columns))
		return false;
	forboth(lc, names, other, key->columns)
	{
		const KeyColumn *column = lfirst(other);

		if (strcmp(strVal(lfirst(lc)),
				   of_parent ? column->parent : column->child) != 0)
			return false;
	}
	return true;
}

static bool
makes(const Constraint *constraint, Oid relid, const Key *key)
{
	return relid == key->child && constraint->conname != NULL &&
		strcmp(constraint->conname, key->name) == 0 &&
		constraint->fk_matchtype == key->match &&
		!constraint->skip_validation &&
		pgm_lookup_relation(constraint->pktable) == key->parent &&
		same_names(constraint->fk_attrs, key, false) &&
		(constraint->pk_attrs == NIL ? key->by_primary :
		 same_names(constraint->pk_attrs, key, true));
}

/* Every one that is dropped is made again by these, and nothing else. */
static bool
all_are_made(const Joint *joint)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, joint->made)
	{
		const AlterTableStmt *stmt = statement(joint->source, lfirst_int(lc));
		Oid			relid = pgm_lookup_relation(stmt->relation);
		ListCell   *other;

		foreach(other, stmt->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, other);
			const Constraint *constraint = castNode(Constraint, command->def);
			bool		found = false;
			ListCell   *key;

			foreach(key, joint->keys)
				found |= makes(constraint, relid, lfirst(key));
			if (!found)
				return false;
			n++;
		}
	}
	return n == list_length(joint->keys);
}

/* ---- what becomes of both sides */

static const ColumnDef *
change_of(const Joint *joint, Oid relid, const char *column)
{
	ListCell   *lc;
	ListCell   *other;

	forboth(lc, joint->tables, other, joint->statements)
	{
		ListCell   *cell;

		if (lfirst_oid(lc) != relid)
			continue;
		foreach(cell, statement(joint->source, lfirst_int(other))->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

			if (command->subtype == AT_AlterColumnType &&
				strcmp(command->name, column) == 0)
				return castNode(ColumnDef, command->def);
		}
	}
	return NULL;
}

/* Gives the one column of an expression another name; true for others. */
static bool
rename_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		List	   *fields = castNode(ColumnRef, node)->fields;

		if (list_length(fields) != 1 || !IsA(linitial(fields), String) ||
			strcmp(strVal(linitial(fields)), (const char *) context) != 0)
			return true;
		castNode(ColumnRef, node)->fields = NIL;
		return false;
	}
	if (IsA(node, SubLink))
		return true;
	return raw_expression_tree_walker(node, rename_walker, context);
}

/* With the column left out, or NULL if it is about more. */
static Node *
nameless(Node *expr, char *column)
{
	Node	   *result = copyObject(expr);

	return rename_walker(result, column) ? NULL : result;
}

/* A null stays null. */
static bool
is_cast(Node *expr)
{
	while (IsA(expr, TypeCast))
		expr = castNode(TypeCast, expr)->arg;
	return IsA(expr, ColumnRef);
}

static bool
become_the_same(const ColumnDef *child, const ColumnDef *parent,
				const KeyColumn *column)
{
	Oid			a;
	Oid			b;
	int32		a_mod;
	int32		b_mod;
	Node	   *using;

	typenameTypeIdAndMod(NULL, child->typeName, &a, &a_mod);
	typenameTypeIdAndMod(NULL, parent->typeName, &b, &b_mod);
	if (a != b || a_mod != b_mod ||
		!equal(child->collClause, parent->collClause) ||
		(child->raw_default == NULL) != (parent->raw_default == NULL))
		return false;
	if (child->raw_default == NULL)
		return true;
	using = nameless(child->raw_default, column->child);
	return using != NULL &&
		equal(using, nameless(parent->raw_default, column->parent)) &&
		(column->not_null || is_cast(using));
}

/* Equal numbers become equal ones, whatever their scale was. */
static bool
stays_equal(Oid type, const ColumnDef *def)
{
	if (type != NUMERICOID || (def->raw_default != NULL &&
							   (!IsA(def->raw_default, TypeCast) ||
								!IsA(castNode(TypeCast, def->raw_default)->arg,
									 ColumnRef))))
		return false;
	switch (typenameTypeId(NULL, def->typeName))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return def->raw_default == NULL ||
				typenameTypeId(NULL, castNode(TypeCast,
											  def->raw_default)->typeName) ==
				typenameTypeId(NULL, def->typeName);
		default:
			return false;
	}
}

/* Does the key hold for the new rows, as it holds for the old ones? */
static bool
still_holds(const Joint *joint, const Key *key)
{
	ListCell   *lc;

	if (!list_member_oid(joint->tables, key->child) ||
		!list_member_oid(joint->tables, key->parent))
		return false;
	foreach(lc, key->columns)
	{
		const KeyColumn *column = lfirst(lc);
		const ColumnDef *child = change_of(joint, key->child, column->child);
		const ColumnDef *parent = change_of(joint, key->parent,
											column->parent);

		if (child == NULL && parent == NULL)
			continue;
		if (child == NULL || parent == NULL || !OidIsValid(column->type) ||
			!(column->same || stays_equal(column->type, child)) ||
			!become_the_same(child, parent, column))
			return false;
	}
	return true;
}

/* Each of the tables once, and no one that no key is about. */
static bool
add_table(Joint *joint, int n)
{
	const AlterTableStmt *stmt = statement(joint->source, n);
	Oid			relid = stmt == NULL ? InvalidOid :
		pgm_lookup_relation(stmt->relation);
	bool		concerned = false;
	ListCell   *lc;

	foreach(lc, joint->keys)
	{
		const Key  *key = lfirst(lc);

		concerned |= key->child == relid || key->parent == relid;
	}
	if (!concerned || list_member_oid(joint->tables, relid) ||
		!pgm_shadow_can_go_along(relid, joint->source, n))
		return false;
	joint->tables = lappend_oid(joint->tables, relid);
	joint->statements = lappend_int(joint->statements, n);
	return true;
}

static bool
find_joint(Joint *joint, const PgmSource *source, int n)
{
	ListCell   *lc;

	memset(joint, 0, sizeof(Joint));
	joint->source = source;
	for (; drops_constraints(source, n); n++)
		if (!read_dropped(joint, n))
			return false;
	if (joint->keys == NIL)
		return false;
	while (add_table(joint, n))
		n++;
	for (; makes_keys(source, n); n++)
		joint->made = lappend_int(joint->made, n);
	joint->last = n - 1;
	if (list_length(joint->tables) < 2 || !all_are_made(joint))
		return false;
	foreach(lc, joint->keys)
	{
		if (!still_holds(joint, lfirst(lc)))
			return false;
	}
	return true;
}

int
pgm_shadow_joint_last(const PgmSource *source, int n)
{
	Joint		joint;

	return find_joint(&joint, source, n) ? joint.last : -1;
}

static float4
rows_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	float4		result = -1;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* The table with the most rows says how long it takes. */
int
pgm_joint_decisive(const PgmSource *source, int n)
{
	Joint		joint;
	int			result = -1;
	float4		most = 0;
	ListCell   *lc;
	ListCell   *other;

	if (!find_joint(&joint, source, n))
		return -1;
	forboth(lc, joint.tables, other, joint.statements)
	{
		float4		rows = rows_of(lfirst_oid(lc));

		if (result >= 0 && rows <= most)
			continue;
		most = rows;
		result = lfirst_int(other);
	}
	return result;
}

List *
pgm_joint_roots(const PgmShadowRequest *request)
{
	Joint		joint;

	if (request->source == NULL ||
		!find_joint(&joint, request->source, request->n))
		return list_make1_oid(request->relid);
	return joint.tables;
}

/* ---- the way back */

typedef struct FormerKey
{
	Oid			relid;
	Oid			owner;
	char	   *name;
	char	   *definition;
	char	   *comment;
} FormerKey;

static PgmQuery between_query = {
	"SELECT k.oid::int8, k.conrelid::int8, k.conname::text, "
	"pg_get_constraintdef(k.oid) FROM pg_constraint k "
	"WHERE k.contype = 'f' AND k.conrelid <> k.confrelid "
	"AND k.conparentid = 0 AND k.conrelid = ANY ($1) AND k.confrelid = ANY ($1) ORDER BY k.oid",
	1, {OIDARRAYOID}
};

static void
run_as_owner(const FormerKey *key, const char *format)
{
	PgmOwnerScope scope;
	bool		partitioned = get_rel_relkind(key->relid) ==
		RELKIND_PARTITIONED_TABLE;

	pgm_owner_enter(&scope, key->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_layout_run_text(psprintf(format, partitioned ? "" : "ONLY ",
								 pgm_layout_name(key->relid),
								 quote_identifier(key->name),
								 key->definition));
	pgm_owner_leave(&scope);
}

static void *
make_former_key(uint64 row)
{
	FormerKey  *key = palloc(sizeof(FormerKey));

	key->relid = (Oid) pgm_spi_int64(row, 2);
	key->owner = pgm_owner_of(key->relid);
	key->name = pgm_spi_text(row, 3);
	key->definition = pgm_spi_text(row, 4);
	key->comment = GetComment((Oid) pgm_spi_int64(row, 1),
							  ConstraintRelationId, 0);
	return key;
}

/* Their definitions are read before pg_catalog only is looked through. */
static List *
keys_between(List *family)
{
	Datum		values[1];
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, family)
		tables = lappend_oid(tables, ((PgmShadow *) lfirst(lc))->root);
	values[0] = pgm_oid_array_datum(tables);
	return pgm_spi_list(&between_query, values, NULL, make_former_key);
}

List *
pgm_joint_drop_keys(List *family)
{
	List	   *keys;
	ListCell   *lc;

	if (list_length(pgm_shadow_heads(family)) < 2)
		return NIL;
	keys = keys_between(family);
	foreach(lc, keys)
		run_as_owner(lfirst(lc), "ALTER TABLE %s%s DROP CONSTRAINT %s");
	return keys;
}

List *
pgm_joint_add_keys(List *keys)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, keys)
	{
		const FormerKey *key = lfirst(lc);
		PgmIncomingKey *made = palloc(sizeof(PgmIncomingKey));

		run_as_owner(key, "ALTER TABLE %s%s ADD CONSTRAINT %s %s");
		made->relid = key->relid;
		made->name = key->name;
		made->constraint = get_relation_constraint_oid(key->relid, key->name,
													   false);
		if (key->comment != NULL)
			CreateComments(made->constraint, ConstraintRelationId, 0,
						   key->comment);
		result = lappend(result, made);
	}
	return result;
}
