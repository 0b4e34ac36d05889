/*-------------------------------------------------------------------------
 *
 * look_roles.c
 *	  What a statement names: roles, and what they are granted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "assess/internal.h"
#include "compat/parse.h"

/* ---- privileges */

typedef struct Privilege
{
	const char *name;
	AclMode		mode;
} Privilege;

static const Privilege privileges[] = {
	{"INSERT", ACL_INSERT}, {"SELECT", ACL_SELECT}, {"UPDATE", ACL_UPDATE},
	{"DELETE", ACL_DELETE}, {"TRUNCATE", ACL_TRUNCATE},
	{"REFERENCES", ACL_REFERENCES}, {"TRIGGER", ACL_TRIGGER},
	{"EXECUTE", ACL_EXECUTE}, {"USAGE", ACL_USAGE}, {"CREATE", ACL_CREATE},
	{"TEMPORARY", ACL_CREATE_TEMP}, {"TEMP", ACL_CREATE_TEMP},
	{"CONNECT", ACL_CONNECT},
#ifdef ACL_SET
	{"SET", ACL_SET}, {"ALTER SYSTEM", ACL_ALTER_SYSTEM},
#endif
#ifdef ACL_MAINTAIN
	{"MAINTAIN", ACL_MAINTAIN},
#endif
	{"RULE", 0}
};

/* What there is for a kind, and its word in messages. */
typedef struct Grantable
{
	ObjectType	type;
	AclMode		modes;
	const char *what;
} Grantable;

static const Grantable grantables[] = {
	{OBJECT_TABLE, ACL_ALL_RIGHTS_RELATION | ACL_ALL_RIGHTS_SEQUENCE, "relation"},
	{OBJECT_COLUMN, ACL_ALL_RIGHTS_COLUMN, "column"},
	{OBJECT_SEQUENCE, ACL_ALL_RIGHTS_SEQUENCE, "sequence"},
	{OBJECT_DATABASE, ACL_ALL_RIGHTS_DATABASE, "database"},
	{OBJECT_DOMAIN, ACL_ALL_RIGHTS_TYPE, "domain"},
	{OBJECT_TYPE, ACL_ALL_RIGHTS_TYPE, "type"},
	{OBJECT_FUNCTION, ACL_ALL_RIGHTS_FUNCTION, "function"},
	{OBJECT_PROCEDURE, ACL_ALL_RIGHTS_FUNCTION, "procedure"},
	{OBJECT_ROUTINE, ACL_ALL_RIGHTS_FUNCTION, "routine"},
	{OBJECT_LANGUAGE, ACL_ALL_RIGHTS_LANGUAGE, "language"},
	{OBJECT_LARGEOBJECT, ACL_ALL_RIGHTS_LARGEOBJECT, "large object"},
	{OBJECT_SCHEMA, ACL_ALL_RIGHTS_SCHEMA, "schema"},
	{OBJECT_TABLESPACE, ACL_ALL_RIGHTS_TABLESPACE, "tablespace"},
	{OBJECT_FDW, ACL_ALL_RIGHTS_FDW, "foreign-data wrapper"},
	{OBJECT_FOREIGN_SERVER, ACL_ALL_RIGHTS_FOREIGN_SERVER, "foreign server"},
#ifdef ACL_SET
	{OBJECT_PARAMETER_ACL, ACL_ALL_RIGHTS_PARAMETER_ACL, "parameter"}
#endif
};

static const Privilege *
find_privilege(const char *name)
{
	for (int i = 0; i < lengthof(privileges); i++)
		if (pg_strcasecmp(privileges[i].name, name) == 0)
			return &privileges[i];
	ereport(ERROR,
			errcode(ERRCODE_SYNTAX_ERROR),
			errmsg("unrecognized privilege type \"%s\"", name));
}

static void
be_grantable(const Privilege *privilege, AclMode modes, const char *what)
{
	if ((privilege->mode & ~modes) != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_GRANT_OPERATION),
				errmsg("invalid privilege type %s for %s", privilege->name,
					   what));
}

/* A kind that is not in the list is left to the run. */
static void
check_privilege(ObjectType type, const AccessPriv *priv)
{
	const Privilege *privilege = NULL;

	if (priv->priv_name != NULL)
		privilege = find_privilege(priv->priv_name);
	if (priv->cols != NIL)
	{
		if (type != OBJECT_TABLE)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_GRANT_OPERATION),
					errmsg("column privileges are only valid for relations"));
		type = OBJECT_COLUMN;
	}
	if (privilege == NULL)
		return;
	for (int i = 0; i < lengthof(grantables); i++)
		if (grantables[i].type == type)
			be_grantable(privilege, grantables[i].modes, grantables[i].what);
}

static void
check_privileges(PgmSeek *look, const GrantStmt *stmt)
{
	ListCell   *lc;

	look->names = NIL;
	foreach(lc, stmt->privileges)
		check_privilege(stmt->objtype, lfirst_node(AccessPriv, lc));
}

static void
check_granted_columns(PgmSeek *look, GrantStmt *stmt, const RangeVar *name,
					  Oid relid)
{
	ListCell   *lc;

	foreach(lc, stmt->privileges)
	{
		const AccessPriv *priv = lfirst_node(AccessPriv, lc);

		/* of a sequence it is for the whole */
		if (priv->cols != NIL && stmt->objtype == OBJECT_TABLE)
			pgm_seek_columns(look, name, relid, priv->cols);
		else if (priv->priv_name != NULL && stmt->objtype == OBJECT_TABLE &&
				 get_rel_relkind(relid) != RELKIND_SEQUENCE)
			be_grantable(find_privilege(priv->priv_name),
						 ACL_ALL_RIGHTS_RELATION, "table");
	}
}

static void
check_granted_relation(PgmSeek *look, GrantStmt *stmt, const RangeVar *name)
{
	bool		sequence = stmt->objtype == OBJECT_SEQUENCE;
	Oid			relid = pgm_seek_relation(look, name, sequence ? "S" : "rvmfpS",
										  sequence ? "\"%s\" is not a sequence" :
										  "\"%s\" is no table or view");

	check_granted_columns(look, stmt, name, relid);
}

static void
be_no_array(const ObjectAddress *type)
{
	if (type->classId == TypeRelationId &&
		OidIsValid(get_element_type(type->objectId)) &&
		get_array_type(get_element_type(type->objectId)) == type->objectId)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_GRANT_OPERATION),
				errmsg("cannot set privileges of array types"));
}

static void
check_granted(PgmSeek *look, GrantStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Node	   *object = lfirst(lc);

		if (IsA(object, RangeVar))
			check_granted_relation(look, stmt, (RangeVar *) object);
		else if (stmt->objtype != OBJECT_PARAMETER_ACL &&
				 stmt->objtype != OBJECT_LARGEOBJECT)
		{
			ObjectAddress address = pgm_seek(look, stmt->objtype, object,
											 false, false);

			be_no_array(&address);
		}
	}
}

static void
check_grant(PgmSeek *look, GrantStmt *stmt)
{
	ListCell   *lc;

	check_privileges(look, stmt);
	if (stmt->targtype == ACL_TARGET_OBJECT)
		check_granted(look, stmt);
	else if (stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		foreach(lc, stmt->objects)
			pgm_seek_name(look, OBJECT_SCHEMA, strVal(lfirst(lc)));
	pgm_seek_roles(look, stmt->grantees);
	pgm_seek_role(look, stmt->grantor);
	if (stmt->is_grant && stmt->grant_option)
		foreach(lc, stmt->grantees)
			if (lfirst_node(RoleSpec, lc)->roletype == ROLESPEC_PUBLIC)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_GRANT_OPERATION),
					errmsg("grant options can only be granted to roles"));
}

static void
check_default_privileges(PgmSeek *look, AlterDefaultPrivilegesStmt *stmt)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "schemas") == 0)
			foreach(lc2, castNode(List, option->arg))
				pgm_seek_name(look, OBJECT_SCHEMA, strVal(lfirst(lc2)));
		else if (strcmp(option->defname, "roles") == 0)
			pgm_seek_roles(look, castNode(List, option->arg));
	}
	pgm_seek_roles(look, stmt->action->grantees);
	check_privileges(look, stmt->action);
}

static void
check_grant_role(PgmSeek *look, GrantRoleStmt *stmt)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, stmt->granted_roles)
		pgm_seek_name(look, OBJECT_ROLE,
					  lfirst_node(AccessPriv, lc)->priv_name);
	pgm_seek_roles(look, stmt->grantee_roles);
	if (!stmt->is_grant)
		return;
	look->free = true;
	foreach(lc, stmt->granted_roles)
	{
		const char *name = lfirst_node(AccessPriv, lc)->priv_name;

		foreach(lc2, stmt->grantee_roles)
		{
			RoleSpec   *member = lfirst_node(RoleSpec, lc2);

			if (is_member_of_role_nosuper(get_role_oid(name, false),
										  get_rolespec_oid(member, false)))
				ereport(ERROR,
						errcode(ERRCODE_INVALID_GRANT_OPERATION),
						errmsg("role \"%s\" is a member of role \"%s\"",
							   get_rolespec_name(member), name));
		}
	}
}

static void
be_no_system_role(const char *name)
{
	if (IsReservedName(name))
		ereport(ERROR,
				errcode(ERRCODE_RESERVED_NAME),
				errmsg("role name \"%s\" is reserved", name));
}

static void
check_role_options(List *options)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (list_member(seen, makeString(option->defname)) &&
			strcmp(option->defname, "sysid") != 0)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("conflicting or redundant options"));
		seen = lappend(seen, makeString(option->defname));
		if (strcmp(option->defname, "connectionlimit") == 0 &&
			intVal(option->arg) < -1)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid connection limit: %d",
						   intVal(option->arg)));
		if (strcmp(option->defname, "validUntil") == 0)
			(void) DirectFunctionCall3(timestamptz_in,
									   CStringGetDatum(strVal(option->arg)),
									   ObjectIdGetDatum(InvalidOid),
									   Int32GetDatum(-1));
	}
}

static void
check_alter_role(PgmSeek *look, AlterRoleStmt *stmt)
{
	pgm_seek_role(look, stmt->role);
	check_role_options(stmt->options);
	if (stmt->role->roletype == ROLESPEC_CSTRING)
		be_no_system_role(stmt->role->rolename);
}

/* Objects of other databases count, too. */
static void
check_dropped_role(PgmSeek *look, const char *name)
{
	Oid			role = get_role_oid(name, false);
	char	   *detail;
	char	   *log;

	if (role == GetUserId())
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("current user cannot be dropped"));
	look->last = true;
	if (checkSharedDependencies(AuthIdRelationId, role, &detail, &log))
		ereport(ERROR,
				errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("role \"%s\" cannot be dropped because some objects depend on it",
					   name));
	look->last = false;
}

static void
check_dropped_roles(PgmSeek *look, DropRoleStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->roles)
	{
		RoleSpec   *role = lfirst_node(RoleSpec, lc);

		if (role->roletype != ROLESPEC_CSTRING)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("cannot use special role specifier in DROP ROLE"));
		if (!stmt->missing_ok)
			pgm_seek_role(look, role);
		if (OidIsValid(get_role_oid(role->rolename, true)))
			check_dropped_role(look, role->rolename);
	}
}

/* What the server itself needs is not given away, and not dropped. */
static void
be_no_owner_of_all(const char *what, List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
	{
		Oid			role = get_rolespec_oid(lfirst_node(RoleSpec, lc), false);

		if (IsPinnedObject(AuthIdRelationId, role))
			ereport(ERROR,
					errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					errmsg("cannot %s role %s because they are required by the database system",
						   what, quote_identifier(GetUserNameFromId(role,
																	false))));
	}
}

static void
check_create_role(PgmSeek *look, CreateRoleStmt *stmt)
{
	ListCell   *lc;

	be_no_system_role(stmt->role);
	check_role_options(stmt->options);
	pgm_seek_free(look, OidIsValid(get_role_oid(stmt->role, true)),
				  OBJECT_ROLE,
				  stmt->role);
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (option->arg != NULL && IsA(option->arg, List))
			pgm_seek_roles(look, (List *) option->arg);
	}
	look->free = true;
	look->remedy = psprintf("ALTER ROLE %s CREATEROLE;",
							quote_identifier(GetUserNameFromId(GetUserId(),
															   false)));
	if (!has_createrole_privilege(GetUserId()))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create role"));
}


bool
pgm_seek_about_roles(PgmSeek *look, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDefaultPrivilegesStmt:
			check_default_privileges(look, castNode(AlterDefaultPrivilegesStmt,
													stmt));
			return true;
		case T_AlterRoleStmt:
			check_alter_role(look, castNode(AlterRoleStmt, stmt));
			return true;
		case T_CreateRoleStmt:
			check_create_role(look, castNode(CreateRoleStmt, stmt));
			return true;
		case T_DropOwnedStmt:
			pgm_seek_roles(look, castNode(DropOwnedStmt, stmt)->roles);
			be_no_owner_of_all("drop objects owned by",
							   castNode(DropOwnedStmt, stmt)->roles);
			return true;
		case T_DropRoleStmt:
			check_dropped_roles(look, castNode(DropRoleStmt, stmt));
			return true;
		case T_GrantRoleStmt:
			check_grant_role(look, castNode(GrantRoleStmt, stmt));
			return true;
		case T_GrantStmt:
			check_grant(look, castNode(GrantStmt, stmt));
			return true;
		case T_ReassignOwnedStmt:
			pgm_seek_roles(look, castNode(ReassignOwnedStmt, stmt)->roles);
			pgm_seek_role(look, castNode(ReassignOwnedStmt, stmt)->newrole);
			be_no_owner_of_all("reassign ownership of objects owned by",
							   castNode(ReassignOwnedStmt, stmt)->roles);
			return true;
		default:
			return false;
	}
}
