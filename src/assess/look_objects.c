/*-------------------------------------------------------------------------
 *
 * look_objects.c
 *	  What a statement names, by its kind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "assess/internal.h"
#include "compat/parse.h"

/* ---- kinds of statements */

/* Relations, and what belongs to them, are for the trial. */
static bool
is_about_relation(ObjectType type)
{
	switch (type)
	{
		case OBJECT_COLUMN:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_SEQUENCE:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TABLE:
		case OBJECT_TRIGGER:
		case OBJECT_VIEW:
		case OBJECT_ATTRIBUTE:
		case OBJECT_LARGEOBJECT:
			return true;
		default:
			return false;
	}
}

static void
be_no_aggregate(Oid routine, const ObjectWithArgs *name)
{
	if (get_func_prokind(routine) == PROKIND_AGGREGATE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is an aggregate function",
					   NameListToString(name->objname)));
}

/* The owner of a schema may drop what is in it. */
static bool
is_in_own_schema(const ObjectAddress *address)
{
	ObjectAddress schema = {NamespaceRelationId, InvalidOid, 0};

	schema.objectId = get_object_namespace(address);
	return OidIsValid(schema.objectId) &&
		has_privs_of_role(GetUserId(), pgm_object_owner(&schema));
}

static void
check_drop(PgmSeek *look, DropStmt *drop)
{
	ListCell   *lc;

	if (is_about_relation(drop->removeType))
		return;
	foreach(lc, drop->objects)
	{
		ObjectAddress address;

		address = pgm_seek(look, drop->removeType, lfirst(lc),
						   drop->missing_ok, false);

		if (drop->removeType == OBJECT_FUNCTION &&
			OidIsValid(address.objectId))
			be_no_aggregate(address.objectId,
							lfirst_node(ObjectWithArgs, lc));
		if (OidIsValid(address.objectId) && !is_in_own_schema(&address))
			(void) pgm_seek(look, drop->removeType, lfirst(lc), true,
							true);
	}
}

static void
check_comment(PgmSeek *look, CommentStmt *comment)
{
	/* of a database that is not there only a warning is said */
	if (!is_about_relation(comment->objtype) &&
		comment->objtype != OBJECT_DATABASE)
		(void) pgm_seek(look, comment->objtype, comment->object, false,
						true);
}

static void
check_function(PgmSeek *look, AlterFunctionStmt *stmt)
{
	ObjectAddress address = pgm_seek(look, stmt->objtype,
									 (Node *) stmt->func, false, true);

	be_no_aggregate(address.objectId, stmt->func);
}

static void
check_new_routine_name(PgmSeek *look, const ObjectAddress *address,
					   const char *name, Oid namespace)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID,
										ObjectIdGetDatum(address->objectId));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	look->free = true;
	IsThereFunctionInNamespace(name != NULL ? name : NameStr(form->proname),
							   form->pronargs, &form->proargtypes,
							   OidIsValid(namespace) ? namespace :
							   form->pronamespace);
	look->free = false;
	ReleaseSysCache(tuple);
}

/* What has no node of its own but a name. */
static void
check_rename_of_name(PgmSeek *look, RenameStmt *stmt)
{
	bool		taken = false;

	switch (stmt->renameType)
	{
		case OBJECT_DATABASE:
			taken = OidIsValid(get_database_oid(stmt->newname, true));
			break;
		case OBJECT_ROLE:
			taken = OidIsValid(get_role_oid(stmt->newname, true));
			break;
		case OBJECT_SCHEMA:
			taken = OidIsValid(get_namespace_oid(stmt->newname, true));
			break;
		case OBJECT_TABLESPACE:
			taken = OidIsValid(get_tablespace_oid(stmt->newname, true));
			break;
		default:
			return;
	}
	pgm_seek_name(look, stmt->renameType, stmt->subname);
	pgm_seek_free(look, taken, stmt->renameType, stmt->newname);
}

/* The trial renames a clone, which has no neighbours. */
static void
check_rename_of_relation(PgmSeek *look, RenameStmt *stmt)
{
	Oid			relid = pgm_lookup_relation(stmt->relation);

	if (OidIsValid(relid))
		pgm_seek_free(look, OidIsValid(get_relname_relid(stmt->newname,
														 get_rel_namespace(relid))),
					  OBJECT_TABLE, stmt->newname);
}

static void
check_rename(PgmSeek *look, RenameStmt *stmt)
{
	ObjectAddress address;

	if (stmt->object == NULL)
	{
		check_rename_of_name(look, stmt);
		return;
	}
	if (is_about_relation(stmt->renameType))
		return;
	if (stmt->renameType == OBJECT_DOMCONSTRAINT)
	{
		address = pgm_seek(look, OBJECT_DOMAIN, stmt->object, false, true);
		look->names = lappend(look->names, stmt->subname);
		(void) get_domain_constraint_oid(address.objectId, stmt->subname,
										 false);
		return;
	}
	address = pgm_seek(look, stmt->renameType, stmt->object, false, true);
	if (address.classId == ProcedureRelationId)
		check_new_routine_name(look, &address, stmt->newname, InvalidOid);
	else if (address.classId == TypeRelationId)
		pgm_seek_free(look, SearchSysCacheExists2(TYPENAMENSP,
												  CStringGetDatum(stmt->newname),
												  ObjectIdGetDatum(get_object_namespace(&address))),
					  OBJECT_TYPE, stmt->newname);
}

static void
check_schema(PgmSeek *look, AlterObjectSchemaStmt *stmt)
{
	ObjectAddress address = {InvalidOid, InvalidOid, 0};
	Oid			namespace;

	if (stmt->object != NULL && !is_about_relation(stmt->objectType))
		address = pgm_seek(look, stmt->objectType, stmt->object, false, true);
	pgm_seek_name(look, OBJECT_SCHEMA, stmt->newschema);
	if (address.classId != ProcedureRelationId)
		return;
	namespace = get_namespace_oid(stmt->newschema, false);
	if (namespace != get_object_namespace(&address))
		check_new_routine_name(look, &address, NULL, namespace);
}

static void
check_owner(PgmSeek *look, AlterOwnerStmt *stmt)
{
	if (stmt->object != NULL && !is_about_relation(stmt->objectType))
		(void) pgm_seek(look, stmt->objectType, stmt->object, false, true);
	pgm_seek_new_owner(look, stmt->newowner);
}

/* The attributes of a composite type. */
static void
check_attributes(PgmSeek *look, AlterTableStmt *stmt)
{
	Oid			relid = pgm_seek_relation(look, stmt->relation, "c",
										  "\"%s\" is not a composite type");
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		char	   *name;

		if (cmd->subtype == AT_AddColumn)
		{
			name = castNode(ColumnDef, cmd->def)->colname;
			look->free = true;
			if (get_attnum(relid, name) != InvalidAttrNumber)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" already exists",
							   name, stmt->relation->relname));
			look->free = false;
		}
		else if (cmd->name != NULL && !cmd->missing_ok)
			pgm_seek_columns(look, stmt->relation, relid,
							 list_make1(makeString(cmd->name)));
	}
}

/* The parts of ALTER TABLE and ALTER INDEX that a trial leaves out. */
static void
check_left_out(PgmSeek *look, AlterTableStmt *stmt)
{
	ListCell   *lc;

	if (!OidIsValid(pgm_lookup_relation(stmt->relation)))
		return;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_ChangeOwner)
			pgm_seek_new_owner(look, cmd->newowner);
		else if (cmd->subtype == AT_SetTableSpace)
			pgm_seek_name(look, OBJECT_TABLESPACE, cmd->name);
	}
}

static void
check_domain(PgmSeek *look, AlterDomainStmt *stmt)
{
	ObjectAddress address = pgm_seek(look, OBJECT_DOMAIN,
									 (Node *) stmt->typeName, false, true);

	if ((stmt->subtype != 'X' && stmt->subtype != 'V') || stmt->missing_ok)
		return;
	look->names = lappend(look->names, stmt->name);
	if (!OidIsValid(get_domain_constraint_oid(address.objectId, stmt->name,
											  true)))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("constraint \"%s\" of domain \"%s\" does not exist",
					   stmt->name, NameListToString(stmt->typeName)));
}

/* ---- privileges */

static void
check_granted_relation(PgmSeek *look, GrantStmt *stmt, const RangeVar *name)
{
	bool		sequence = stmt->objtype == OBJECT_SEQUENCE;
	Oid			relid = pgm_seek_relation(look, name, sequence ? "S" : "rvmfpS",
										  sequence ? "\"%s\" is not a sequence" :
										  "\"%s\" is no table or view");
	ListCell   *lc;

	foreach(lc, stmt->privileges)
		pgm_seek_columns(look, name, relid, lfirst_node(AccessPriv, lc)->cols);
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
			(void) pgm_seek(look, stmt->objtype, object, false, false);
	}
}

static void
check_grant(PgmSeek *look, GrantStmt *stmt)
{
	ListCell   *lc;

	if (stmt->targtype == ACL_TARGET_OBJECT)
		check_granted(look, stmt);
	else if (stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		foreach(lc, stmt->objects)
			pgm_seek_name(look, OBJECT_SCHEMA, strVal(lfirst(lc)));
	pgm_seek_roles(look, stmt->grantees);
	pgm_seek_role(look, stmt->grantor);
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
check_create_role(PgmSeek *look, CreateRoleStmt *stmt)
{
	ListCell   *lc;

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

/* ---- settings */

static void
check_setting(PgmSeek *look, VariableSetStmt *set)
{
	char	   *value = NULL;

	/* a revision must not have the session's user */
	if (set->name == NULL || set->kind == VAR_SET_MULTI ||
		strcmp(set->name, "session_authorization") == 0)
		return;
	if (set->kind == VAR_SET_VALUE)
		value = ExtractSetVariableArgs(set);
	look->names = list_make1(set->name);
	if (value != NULL)
		look->names = lappend(look->names, value);
	(void) set_config_option(set->name, value,
							 superuser() ? PGC_SUSET : PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, false, 0, false);
}

static void
check_role_setting(PgmSeek *look, const RoleSpec *role, const char *database,
				   VariableSetStmt *set)
{
	pgm_seek_role(look, role);
	pgm_seek_name(look, OBJECT_DATABASE, database);
	if (set->kind == VAR_SET_VALUE)
		check_setting(look, set);
}

static void
check_new_publication(PgmSeek *look, CreatePublicationStmt *stmt)
{
	bool		taken = OidIsValid(get_publication_oid(stmt->pubname, true));

	pgm_seek_free(look, taken, OBJECT_PUBLICATION, stmt->pubname);
	pgm_seek_published(look, stmt->pubobjects);
}

/* ---- which is it? */

static void
check_dropped_roles(PgmSeek *look, DropRoleStmt *stmt)
{
	if (!stmt->missing_ok)
		pgm_seek_roles(look, stmt->roles);
}

/* Kinds of which only what they name is looked up. */
static void
check_named(PgmSeek *look, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterCollationStmt:
			(void) pgm_seek(look, OBJECT_COLLATION,
							(Node *) castNode(AlterCollationStmt,
											  stmt)->collname, false, true);
			break;
		case T_AlterEventTrigStmt:
			pgm_seek_name(look, OBJECT_EVENT_TRIGGER,
						  castNode(AlterEventTrigStmt, stmt)->trigname);
			break;
		case T_AlterExtensionContentsStmt:
			pgm_seek_name(look, OBJECT_EXTENSION,
						  castNode(AlterExtensionContentsStmt, stmt)->extname);
			break;
		case T_AlterForeignServerStmt:
			pgm_seek_name(look, OBJECT_FOREIGN_SERVER,
						  castNode(AlterForeignServerStmt, stmt)->servername);
			break;
		case T_AlterObjectDependsStmt:
			pgm_seek_name(look, OBJECT_EXTENSION,
						  strVal(castNode(AlterObjectDependsStmt,
										  stmt)->extname));
			break;
		case T_AlterStatsStmt:
			(void) pgm_seek(look, OBJECT_STATISTIC_EXT,
							(Node *) castNode(AlterStatsStmt, stmt)->defnames,
							castNode(AlterStatsStmt, stmt)->missing_ok, true);
			break;
		case T_CreateForeignServerStmt:
			pgm_seek_name(look, OBJECT_FDW,
						  castNode(CreateForeignServerStmt, stmt)->fdwname);
			break;
		case T_CreateForeignTableStmt:
			pgm_seek_name(look, OBJECT_FOREIGN_SERVER,
						  castNode(CreateForeignTableStmt, stmt)->servername);
			break;
		case T_DoStmt:
			pgm_seek_name(look, OBJECT_LANGUAGE,
						  pgm_option_text(castNode(DoStmt, stmt)->args, "language"));
			break;
		case T_DropOwnedStmt:
			pgm_seek_roles(look, castNode(DropOwnedStmt, stmt)->roles);
			break;
		case T_DropSubscriptionStmt:
			if (!castNode(DropSubscriptionStmt, stmt)->missing_ok)
				pgm_seek_name(look, OBJECT_SUBSCRIPTION,
							  castNode(DropSubscriptionStmt, stmt)->subname);
			break;
		case T_DropTableSpaceStmt:
			if (!castNode(DropTableSpaceStmt, stmt)->missing_ok)
				pgm_seek_name(look, OBJECT_TABLESPACE,
							  castNode(DropTableSpaceStmt, stmt)->tablespacename);
			break;
		case T_ImportForeignSchemaStmt:
			pgm_seek_name(look, OBJECT_FOREIGN_SERVER,
						  castNode(ImportForeignSchemaStmt, stmt)->server_name);
			pgm_seek_name(look, OBJECT_SCHEMA,
						  castNode(ImportForeignSchemaStmt, stmt)->local_schema);
			break;
		case T_ReassignOwnedStmt:
			pgm_seek_roles(look, castNode(ReassignOwnedStmt, stmt)->roles);
			pgm_seek_role(look, castNode(ReassignOwnedStmt, stmt)->newrole);
			break;
		default:
			break;
	}
}

/* Roles, and what they may. */
static void
check_roles(PgmSeek *look, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDatabaseSetStmt:
			check_role_setting(look, NULL,
							   castNode(AlterDatabaseSetStmt, stmt)->dbname,
							   castNode(AlterDatabaseSetStmt, stmt)->setstmt);
			break;
		case T_AlterRoleSetStmt:
			check_role_setting(look, castNode(AlterRoleSetStmt, stmt)->role,
							   castNode(AlterRoleSetStmt, stmt)->database,
							   castNode(AlterRoleSetStmt, stmt)->setstmt);
			break;
		case T_AlterRoleStmt:
			pgm_seek_role(look, castNode(AlterRoleStmt, stmt)->role);
			break;
		case T_CreateRoleStmt:
			check_create_role(look, castNode(CreateRoleStmt, stmt));
			break;
		case T_DropRoleStmt:
			check_dropped_roles(look, castNode(DropRoleStmt, stmt));
			break;
		case T_GrantRoleStmt:
			check_grant_role(look, castNode(GrantRoleStmt, stmt));
			break;
		case T_GrantStmt:
			check_grant(look, castNode(GrantStmt, stmt));
			break;
		case T_AlterDefaultPrivilegesStmt:
			check_default_privileges(look, castNode(AlterDefaultPrivilegesStmt,
													stmt));
			break;
		default:
			check_named(look, stmt);
			break;
	}
}

/* What no trial has told. */
static void
check_untried(PgmSeek *look, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDomainStmt:
			check_domain(look, castNode(AlterDomainStmt, stmt));
			break;
		case T_AlterExtensionStmt:
			pgm_seek_update(look, castNode(AlterExtensionStmt, stmt));
			break;
		case T_AlterFunctionStmt:
			check_function(look, castNode(AlterFunctionStmt, stmt));
			break;
		case T_AlterObjectSchemaStmt:
			check_schema(look, castNode(AlterObjectSchemaStmt, stmt));
			break;
		case T_AlterOwnerStmt:
			check_owner(look, castNode(AlterOwnerStmt, stmt));
			break;
		case T_AlterPublicationStmt:
			pgm_seek_name(look, OBJECT_PUBLICATION,
						  castNode(AlterPublicationStmt, stmt)->pubname);
			pgm_seek_published(look, castNode(AlterPublicationStmt,
											  stmt)->pubobjects);
			break;
		case T_AlterTableStmt:
			if (pgm_alter_table_kind((AlterTableStmt *) stmt) == OBJECT_TYPE)
				check_attributes(look, (AlterTableStmt *) stmt);
			break;
		case T_CallStmt:
			pgm_seek_call(look, castNode(CallStmt, stmt));
			break;
		case T_CommentStmt:
			check_comment(look, castNode(CommentStmt, stmt));
			break;
		case T_CreateEventTrigStmt:
			pgm_seek_event_trigger(look, castNode(CreateEventTrigStmt, stmt));
			break;
		case T_CreateExtensionStmt:
			pgm_seek_extension(look, castNode(CreateExtensionStmt, stmt));
			break;
		case T_CreateFunctionStmt:
			pgm_seek_new_function(look, castNode(CreateFunctionStmt, stmt));
			break;
		case T_CreatePublicationStmt:
			check_new_publication(look, castNode(CreatePublicationStmt, stmt));
			break;
		case T_DropStmt:
			check_drop(look, castNode(DropStmt, stmt));
			break;
		case T_LockStmt:
			pgm_seek_lock(look, castNode(LockStmt, stmt));
			break;
		case T_RefreshMatViewStmt:
			pgm_seek_refresh(look, castNode(RefreshMatViewStmt, stmt));
			break;
		case T_ReindexStmt:
			pgm_seek_reindex(look, castNode(ReindexStmt, stmt));
			break;
		case T_RenameStmt:
			check_rename(look, castNode(RenameStmt, stmt));
			break;
		case T_VacuumStmt:
			pgm_seek_vacuum(look, castNode(VacuumStmt, stmt));
			break;
		case T_VariableSetStmt:
			check_setting(look, castNode(VariableSetStmt, stmt));
			break;
		default:
			check_roles(look, stmt);
			break;
	}
}

void
pgm_seek_statement(PgmSeek *look, Node *stmt)
{
	if (IsA(stmt, AlterTableStmt))
		check_left_out(look, (AlterTableStmt *) stmt);
	else if (IsA(stmt, RenameStmt) &&
			 castNode(RenameStmt, stmt)->relation != NULL &&
			 castNode(RenameStmt, stmt)->subname == NULL)
		check_rename_of_relation(look, (RenameStmt *) stmt);
	if (!look->verdict->tried)
		check_untried(look, stmt);
}
