/*-------------------------------------------------------------------------
 *
 * missing_objects.c
 *	  Statements about what is no relation that fail for what they name.
 *
 * A trial is about relations: a COMMENT ON FUNCTION, a GRANT or a REFRESH is
 * not run on clones.  What it names is looked up here by the functions that
 * the server looks it up by, so that the error is the one that the run would
 * end with.  Looking up runs nothing.
 *
 * Objects that are made on the way have been made by a trial, if it could try
 * what makes them.  Else the failure is certain only if no statement before
 * speaks of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "assess/internal.h"
#include "assess/missing_objects.h"
#include "base/transaction.h"
#include "compat/parse.h"
#include "sql/kinds.h"

/* ---- is it certain? */

static bool
mentions(const PgmVerdict *earlier, const char *name)
{
	char	   *text = pgm_statement_text(earlier->source, earlier->n);
	ListCell   *lc;

	for (char *c = text; *c != '\0'; c++)
		*c = pg_tolower((unsigned char) *c);
	if (strstr(text, asc_tolower(name, strlen(name))) != NULL)
		return true;

	/* an index, a sequence, a type has its name from the table's */
	foreach(lc, earlier->effects)
	{
		const char *relation = ((PgmEffect *) lfirst(lc))->name;

		if (relation != NULL &&
			strncmp(name, relation, Min(strlen(relation), 24)) == 0)
			return true;
	}
	return false;
}

/* Can it have made, or changed, what is looked for? */
static bool
may_matter(const PgmVerdict *earlier, const PgmSeek *look)
{
	Node	   *stmt = earlier->source->statements[earlier->n].raw->stmt;
	ListCell   *lc;

	if (earlier->opaque && !earlier->plain)
		return true;
	if (pgm_statement_is(stmt, PGM_CHANGES_ROWS) || IsA(stmt, SelectStmt) ||
		IsA(stmt, CommentStmt))
		return false;
	if (look->last)
		return true;
	switch (nodeTag(stmt))
	{
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_ImportForeignSchemaStmt:
			return true;
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType == OBJECT_SCHEMA)
				return true;
			break;
		default:
			break;
	}
	if (look->free && !IsA(stmt, CreateStmt) && !IsA(stmt, AlterTableStmt) &&
		!IsA(stmt, IndexStmt))
		return true;
	foreach(lc, look->names)
	{
		if (mentions(earlier, lfirst(lc)))
			return true;
	}
	return false;
}

static bool
is_certain(const PgmSeek *look, const List *past)
{
	ListCell   *lc;

	foreach(lc, past)
	{
		if (may_matter(lfirst(lc), look))
			return false;
	}
	return true;
}

/* ---- things by name */

static List *
type_names(List *names, const TypeName *type)
{
	return type->names == NIL ? names :
		lappend(names, strVal(llast(type->names)));
}

List *
pgm_object_names(List *names, Node *object)
{
	ListCell   *lc;

	if (object == NULL)
		return names;
	switch (nodeTag(object))
	{
		case T_String:
			return lappend(names, strVal(object));
		case T_List:
			foreach(lc, (List *) object)
				if (lnext((List *) object, lc) == NULL ||
					!IsA(lfirst(lc), String))
				names = pgm_object_names(names, lfirst(lc));
			return names;
		case T_TypeName:
			return type_names(names, castNode(TypeName, object));
		case T_ObjectWithArgs:
			names = pgm_object_names(names, (Node *) castNode(ObjectWithArgs,
															  object)->objname);
			return pgm_object_names(names, (Node *) castNode(ObjectWithArgs,
															 object)->objargs);
		default:
			return names;
	}
}

Oid
pgm_object_owner(const ObjectAddress *address)
{
	int			cache = get_object_catcache_oid(address->classId);
	AttrNumber	attnum = get_object_attnum_owner(address->classId);
	HeapTuple	tuple;
	Oid			owner = InvalidOid;
	bool		isnull;

	if (cache < 0 || attnum == InvalidAttrNumber)
		return InvalidOid;
	tuple = SearchSysCache1(cache, ObjectIdGetDatum(address->objectId));
	if (HeapTupleIsValid(tuple))
	{
		owner = DatumGetObjectId(SysCacheGetAttr(cache, tuple, attnum,
												 &isnull));
		ReleaseSysCache(tuple);
	}
	return owner;
}

void
pgm_seek_owner(PgmSeek *look, ObjectType type, ObjectAddress address,
			   Node *object, Relation relation)
{
	Oid			owner = pgm_object_owner(&address);

	look->free = true;
	if (OidIsValid(owner))
		look->remedy = superuser_arg(owner) ?
			psprintf("Run it as the owner, %s.",
					 quote_identifier(GetUserNameFromId(owner, false))) :
			psprintf("GRANT %s TO %s;",
					 quote_identifier(GetUserNameFromId(owner, false)),
					 quote_identifier(GetUserNameFromId(GetUserId(), false)));
	check_object_ownership(GetUserId(), type, address, object, relation);
	look->free = false;
	look->remedy = NULL;
}

/* As ALTER and DROP name types, and as they are looked up. */
static Node *
as_object(ObjectType type, Node *object)
{
	return (type == OBJECT_TYPE || type == OBJECT_DOMAIN) &&
		IsA(object, List) ?
		(Node *) makeTypeNameFromNameList((List *) object) : object;
}

/* Must be there, and with "own" be one's own. */
ObjectAddress
pgm_seek(PgmSeek *look, ObjectType type, Node *object, bool missing_ok,
		 bool own)
{
	Relation	relation = NULL;
	ObjectAddress address;

	object = as_object(type, object);
	look->names = pgm_object_names(NIL, object);
	address = get_object_address(type, object, &relation, AccessShareLock,
								 missing_ok);
	if (own && OidIsValid(address.objectId))
		pgm_seek_owner(look, type, address, object, relation);
	if (relation != NULL)
		relation_close(relation, NoLock);
	return address;
}

void
pgm_seek_name(PgmSeek *look, ObjectType type, const char *name)
{
	if (name != NULL)
		(void) pgm_seek(look, type, (Node *) makeString(pstrdup(name)),
						false, false);
}

void
pgm_seek_role(PgmSeek *look, const RoleSpec *role)
{
	if (role == NULL || role->roletype != ROLESPEC_CSTRING)
		return;
	look->names = list_make1(role->rolename);
	(void) get_rolespec_oid(role, false);
}

void
pgm_seek_roles(PgmSeek *look, List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
		pgm_seek_role(look, lfirst_node(RoleSpec, lc));
}

/* Whoever gives something to a role must be a member of it. */
void
pgm_seek_new_owner(PgmSeek *look, const RoleSpec *role)
{
	pgm_seek_role(look, role);
	look->free = true;
	if (!is_member_of_role(GetUserId(), get_rolespec_oid(role, false)))
	{
		char	   *name = get_rolespec_name(role);

		look->remedy = psprintf("GRANT %s TO %s;", quote_identifier(name),
								quote_identifier(GetUserNameFromId(GetUserId(),
																   false)));
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be member of role \"%s\"", name));
	}
	look->free = false;
}

/* Of these kinds; all that there are if there is none. */
Oid
pgm_seek_relation(PgmSeek *look, const RangeVar *name, const char *kinds,
				  const char *complaint)
{
	Oid			relid;

	if (name == NULL)
		return InvalidOid;
	look->names = list_make1(name->relname);
	relid = RangeVarGetRelid(name, NoLock, false);
	if (kinds != NULL && strchr(kinds, get_rel_relkind(relid)) == NULL)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg(complaint, name->relname));
	return relid;
}

void
pgm_seek_columns(PgmSeek *look, const RangeVar *name, Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		look->names = list_make2(name->relname, strVal(lfirst(lc)));
		if (get_attnum(relid, strVal(lfirst(lc))) == InvalidAttrNumber)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist",
						   strVal(lfirst(lc)), name->relname));
	}
}

const char *
pgm_first_repeated(const List *names)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		if (list_member(seen, lfirst(lc)))
			return strVal(lfirst(lc));
		seen = lappend(seen, lfirst(lc));
	}
	return NULL;
}

/* The words and the state that the server has for it. */
static const char *
what_is_there(ObjectType type, int *state)
{
	*state = ERRCODE_DUPLICATE_OBJECT;
	switch (type)
	{
		case OBJECT_DATABASE:
			*state = ERRCODE_DUPLICATE_DATABASE;
			return "database";
		case OBJECT_EXTENSION:
			return "extension";
		case OBJECT_PUBLICATION:
			return "publication";
		case OBJECT_ROLE:
			return "role";
		case OBJECT_SCHEMA:
			*state = ERRCODE_DUPLICATE_SCHEMA;
			return "schema";
		case OBJECT_TABLE:
			*state = ERRCODE_DUPLICATE_TABLE;
			return "relation";
		case OBJECT_TABLESPACE:
			return "tablespace";
		default:
			return "type";
	}
}

/* A name that must be free. */
void
pgm_seek_free(PgmSeek *look, bool taken, ObjectType type, const char *name)
{
	int			state;
	const char *what = what_is_there(type, &state);

	look->free = true;
	look->names = list_make1(pstrdup(name));
	if (taken)
		ereport(ERROR,
				errcode(state),
				errmsg("%s \"%s\" already exists", what, name));
	look->free = false;
}

/* Errors of the statement, not of the looking. */
static bool
is_of_statement(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_INVALID_CATALOG_NAME:
		case ERRCODE_INVALID_GRANTOR:
		case ERRCODE_DEPENDENT_PRIVILEGE_DESCRIPTORS_STILL_EXIST:
		case ERRCODE_INVALID_SQL_STATEMENT_NAME:
		case ERRCODE_INVALID_CURSOR_NAME:
			return true;
		default:
			return sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
				sqlerrcode == ERRCODE_CANT_CHANGE_RUNTIME_PARAM ||
				sqlerrcode == ERRCODE_OBJECT_IN_USE;
	}
}

static void
seek(void *arg)
{
	PgmSeek    *look = arg;
	const PgmVerdict *verdict = look->verdict;

	PushActiveSnapshot(GetTransactionSnapshot());
	pgm_seek_statement(look,
					   copyObject(verdict->source->statements[verdict->n].raw->stmt));
}

void
pgm_find_missing_objects(PgmVerdict *verdict, const List *past)
{
	PgmSeek		look = {verdict};
	ErrorData  *error;

	if (verdict->sqlerrcode != 0)
		return;
	error = pgm_txn_look(seek, &look);
	if (error != NULL && is_of_statement(error->sqlerrcode) &&
		is_certain(&look, past))
	{
		verdict->sqlerrcode = error->sqlerrcode;
		verdict->reason = error->message;
		verdict->position = error->cursorpos;
		verdict->remedy = look.remedy;
	}
}
