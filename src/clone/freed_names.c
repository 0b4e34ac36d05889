/*-------------------------------------------------------------------------
 *
 * freed_names.c
 *	  Names that a statement before has freed for what is made in the text.
 *
 * What a text makes is tried under its own name in its own schema, where the
 * live relations keep theirs: only their clones are renamed or dropped.  So
 *
 *	CREATE TABLE nu (LIKE users); ALTER TABLE users RENAME TO ou;
 *	ALTER TABLE nu RENAME TO users
 *
 * would meet the live "users".  In such a case the new table is moved to the
 * clones before, where the name is free; what depends on it comes along.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/transaction.h"
#include "classify/verdict.h"
#include "clone/freed_names.h"
#include "compat/server.h"
#include "lock/held.h"

static void
add_name(List **names, const char *name)
{
	if (name != NULL)
		*names = lappend(*names, makeString(pstrdup(name)));
}

/* Constraints whose index has their name. */
static void
add_constraint_names(List **names, List *nodes)
{
	ListCell   *lc;

	foreach(lc, nodes)
	{
		Node	   *node = lfirst(lc);

		if (IsA(node, Constraint))
			add_name(names, castNode(Constraint, node)->conname);
		else if (IsA(node, ColumnDef))
			add_constraint_names(names,
								 castNode(ColumnDef, node)->constraints);
	}
}

/* The names of relations that the statement gives to what is there. */
static List *
given_names(Node *stmt)
{
	List	   *names = NIL;
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType != OBJECT_COLUMN)
				add_name(&names, castNode(RenameStmt, stmt)->newname);
			break;
		case T_IndexStmt:
			add_name(&names, castNode(IndexStmt, stmt)->idxname);
			break;
		case T_CreateStmt:
			add_constraint_names(&names,
								 castNode(CreateStmt, stmt)->tableElts);
			add_constraint_names(&names,
								 castNode(CreateStmt, stmt)->constraints);
			break;
		case T_AlterTableStmt:
			foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			{
				Node	   *def = lfirst_node(AlterTableCmd, lc)->def;

				if (def != NULL)
					add_constraint_names(&names, list_make1(def));
			}
			break;
		default:
			break;
	}
	return names;
}

static RangeVar *
named_relation(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_RenameStmt:
			return castNode(RenameStmt, stmt)->relation;
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->relation;
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, stmt)->relation;
		default:
			return NULL;
	}
}

/* Does a live relation have the name whose clone gave it up? */
static bool
is_freed(PgmClones *clones, Oid namespace, Oid schema, const char *name)
{
	Oid			live = get_relname_relid(name, namespace);

	return OidIsValid(live) && OidIsValid(pgm_clones_of(clones, live)) &&
		!OidIsValid(get_relname_relid(name, schema));
}

static const char *
kind_word(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "VIEW";
		case RELKIND_MATVIEW:
			return "MATERIALIZED VIEW";
		case RELKIND_SEQUENCE:
			return "SEQUENCE";
		default:
			return "TABLE";
	}
}

static void
run_command(void *arg)
{
	const char *command = arg;
	RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(command));

	pgm_clones_utility(raw->stmt, command);
}

/* If it cannot be moved the statement is tried all the same. */
static void
move(Oid relid, Oid schema)
{
	char	   *command = psprintf("ALTER %s %s SET SCHEMA %s",
								   kind_word(get_rel_relkind(relid)),
								   pgm_relation_name(relid),
								   quote_identifier(get_namespace_name(schema)));
	HTAB	   *before = pgm_held_read();

	/* the statement to come is to be seen to take its own locks */
	if (pgm_txn_try(run_command, command) == NULL)
		pgm_held_release(before, pgm_held_read());
}

/* A new schema that has clones: theirs, if the caller may use the live one. */
static void
redirect_schema(PgmClones *clones, AlterObjectSchemaStmt *stmt)
{
	Oid			namespace = get_namespace_oid(stmt->newschema, true);
	Oid			schema = OidIsValid(namespace) ?
		pgm_clones_schema(clones, namespace) : InvalidOid;

	if (stmt->relation != NULL && OidIsValid(schema) &&
		PGM_SCHEMA_ACLCHECK(namespace, GetUserId(),
							ACL_CREATE) == ACLCHECK_OK)
		stmt->newschema = get_namespace_name(schema);
}

static bool
gives_freed_name(PgmClones *clones, Oid namespace, Oid schema, Node *stmt)
{
	ListCell   *lc;

	foreach(lc, given_names(stmt))
	{
		if (is_freed(clones, namespace, schema, strVal(lfirst(lc))))
			return true;
	}
	return false;
}

/* A table is made with constraints of such names. */
static void
redirect_new(PgmClones *clones, CreateStmt *stmt)
{
	RangeVar   *name = stmt->relation;
	Oid			namespace;
	Oid			schema;

	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return;
	namespace = name->schemaname != NULL ?
		get_namespace_oid(name->schemaname, true) :
		fetch_search_path(false) == NIL ? InvalidOid :
		linitial_oid(fetch_search_path(false));
	schema = OidIsValid(namespace) ?
		pgm_clones_schema(clones, namespace) : InvalidOid;
	if (OidIsValid(schema) &&
		gives_freed_name(clones, namespace, schema, (Node *) stmt))
		name->schemaname = get_namespace_name(schema);
}

static Oid
table_of(Oid relid)
{
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ?
		IndexGetRelation(relid, true) : relid;
}

void
pgm_freed_names(PgmClones *clones, Node *stmt)
{
	RangeVar   *name = named_relation(stmt);
	Oid			relid;
	Oid			namespace;
	Oid			schema;

	if (IsA(stmt, AlterObjectSchemaStmt))
		redirect_schema(clones, castNode(AlterObjectSchemaStmt, stmt));
	else if (IsA(stmt, CreateStmt))
		redirect_new(clones, castNode(CreateStmt, stmt));
	if (name == NULL)
		return;
	relid = table_of(pgm_lookup_relation(name));

	/* what is live stays, whatever our transaction has done to it */
	if (!OidIsValid(relid) || !pgm_clones_is_ours(relid) ||
		OidIsValid(pgm_clones_of(clones, relid)) ||
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return;
	namespace = get_rel_namespace(relid);
	schema = pgm_clones_schema(clones, namespace);
	if (OidIsValid(schema) &&
		gives_freed_name(clones, namespace, schema, stmt))
		move(relid, schema);
}
