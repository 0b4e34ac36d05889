/*-------------------------------------------------------------------------
 *
 * look_objects.c
 *	  What a statement names, by its kind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "commands/prepare.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/syscache.h"

#include "assess/internal.h"
#include "compat/parse.h"
#include "compat/repack.h"

/* ---- settings */

void
pgm_seek_setting(PgmSeek *look, VariableSetStmt *set)
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
		pgm_seek_setting(look, set);
}

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

/* Neither the server needs it nor an extension. */
static void
be_free_to_drop(PgmSeek *look, const ObjectAddress *address)
{
	Oid			extension;

	if (IsPinnedObject(address->classId, address->objectId))
		ereport(ERROR,
				errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("cannot drop %s because it is required by the database system",
					   getObjectDescription(address, false)));
	extension = getExtensionOfObject(address->classId, address->objectId);
	look->last = true;
	if (OidIsValid(extension))
		ereport(ERROR,
				errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				errmsg("cannot drop %s because extension %s requires it",
					   getObjectDescription(address, false),
					   get_extension_name(extension)));
	look->last = false;
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
		if (OidIsValid(address.objectId))
			be_free_to_drop(look, &address);
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
check_function_options(PgmSeek *look, const ObjectAddress *address,
					   List *options)
{
	List	   *seen = NIL;
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		const char *name = option->defname;
		bool		cost = strcmp(name, "cost") == 0;

		if (strcmp(name, "set") == 0)
		{
			pgm_seek_setting(look, castNode(VariableSetStmt, option->arg));
			continue;
		}
		if (list_member(seen, makeString(option->defname)))
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("conflicting or redundant options"));
		seen = lappend(seen, makeString(option->defname));
		if ((cost || strcmp(name, "rows") == 0) && defGetNumeric(option) <= 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					cost ? errmsg("COST must be positive") :
					errmsg("ROWS must be positive"));
		if (strcmp(name, "rows") == 0 && !get_func_retset(address->objectId))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("ROWS is not applicable when function does not return a set"));
	}
}

static void
check_function(PgmSeek *look, AlterFunctionStmt *stmt)
{
	ObjectAddress address = pgm_seek(look, stmt->objtype,
									 (Node *) stmt->func, false, true);

	be_no_aggregate(address.objectId, stmt->func);
	check_function_options(look, &address, stmt->actions);
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
		case OBJECT_PUBLICATION:
			taken = OidIsValid(get_publication_oid(stmt->newname, true));
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
		{
			pgm_seek_own_sequence(look, stmt->relation,
								  "cannot change owner of sequence \"%s\"");
			pgm_seek_new_owner(look, cmd->newowner);
		}
		else if (cmd->subtype == AT_SetTableSpace)
			pgm_seek_name(look, OBJECT_TABLESPACE, cmd->name);
	}
}

static void
check_domain(PgmSeek *look, AlterDomainStmt *stmt)
{
	ObjectAddress address = pgm_seek(look, OBJECT_DOMAIN,
									 (Node *) stmt->typeName, false, true);

	if (stmt->subtype == 'C' && stmt->def != NULL &&
		castNode(Constraint, stmt->def)->conname != NULL)
	{
		char	   *name = castNode(Constraint, stmt->def)->conname;

		look->names = lappend(look->names, name);
		if (OidIsValid(get_domain_constraint_oid(address.objectId, name,
												 true)))
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("constraint \"%s\" for domain \"%s\" already exists",
						   name, NameListToString(stmt->typeName)));
	}
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

/* ---- which is it? */

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
		case T_AlterTSConfigurationStmt:
			(void) pgm_seek(look, OBJECT_TSCONFIGURATION,
							(Node *) castNode(AlterTSConfigurationStmt,
											  stmt)->cfgname, false, true);
			break;
		case T_AlterTSDictionaryStmt:
			(void) pgm_seek(look, OBJECT_TSDICTIONARY,
							(Node *) castNode(AlterTSDictionaryStmt,
											  stmt)->dictname, false, true);
			break;
		case T_AlterSubscriptionStmt:
			pgm_seek_name(look, OBJECT_SUBSCRIPTION,
						  castNode(AlterSubscriptionStmt, stmt)->subname);
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
		case T_CreateUserMappingStmt:
			pgm_seek_role(look, castNode(CreateUserMappingStmt, stmt)->user);
			pgm_seek_name(look, OBJECT_FOREIGN_SERVER,
						  castNode(CreateUserMappingStmt, stmt)->servername);
			break;
		case T_DoStmt:
			pgm_seek_name(look, OBJECT_LANGUAGE,
						  pgm_option_text(castNode(DoStmt, stmt)->args, "language"));
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
		default:
			break;
	}
}

/* What a session has; the caller's may run the statement. */
static void
check_session(PgmSeek *look, Node *stmt)
{
	const char *prepared = NULL;
	const char *cursor = NULL;

	switch (nodeTag(stmt))
	{
		case T_ClosePortalStmt:
			cursor = castNode(ClosePortalStmt, stmt)->portalname;
			break;
		case T_DeallocateStmt:
			prepared = castNode(DeallocateStmt, stmt)->name;
			break;
		case T_ExecuteStmt:
			prepared = castNode(ExecuteStmt, stmt)->name;
			break;
		case T_FetchStmt:
			cursor = castNode(FetchStmt, stmt)->portalname;
			break;
		default:
			return;
	}
	if (prepared != NULL && FetchPreparedStatement(prepared, false) == NULL)
	{
		look->names = list_make1((char *) prepared);
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_PSTATEMENT),
				errmsg("prepared statement \"%s\" does not exist", prepared));
	}
	if (cursor != NULL && GetPortalByName(cursor) == NULL)
	{
		look->names = list_make1((char *) cursor);
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_CURSOR),
				errmsg("cursor \"%s\" does not exist", cursor));
	}
}

/* Settings of databases and of roles. */
static void
check_settings(PgmSeek *look, Node *stmt)
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
		default:
			check_session(look, stmt);
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
			pgm_seek_publication(look, castNode(AlterPublicationStmt, stmt));
			break;
		case T_AlterTableStmt:
			if (pgm_alter_table_kind((AlterTableStmt *) stmt) == OBJECT_TYPE)
				check_attributes(look, (AlterTableStmt *) stmt);
			break;
		case T_CallStmt:
			pgm_seek_call(look, castNode(CallStmt, stmt));
			break;
		case T_ClusterStmt:
			pgm_seek_cluster(look, castNode(ClusterStmt, stmt));
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
			pgm_seek_new_publication(look, castNode(CreatePublicationStmt,
													stmt));
			break;
		case T_DropStmt:
			check_drop(look, castNode(DropStmt, stmt));
			break;
		case T_ExplainStmt:
			pgm_seek_explain(look, castNode(ExplainStmt, stmt));
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
			pgm_seek_setting(look, castNode(VariableSetStmt, stmt));
			break;
		default:
			check_settings(look, stmt);
			break;
	}
}

void
pgm_seek_statement(PgmSeek *look, Node *stmt)
{
	if (IsA(stmt, AlterTableStmt))
		check_left_out(look, (AlterTableStmt *) stmt);
	else if (IsA(stmt, AlterSeqStmt))
		pgm_seek_sequence(look, castNode(AlterSeqStmt, stmt));
	else if (IsA(stmt, AlterObjectSchemaStmt))
		pgm_seek_own_sequence(look, castNode(AlterObjectSchemaStmt,
											 stmt)->relation,
							  "cannot move an owned sequence into another schema");
	else if (IsA(stmt, RenameStmt) &&
			 castNode(RenameStmt, stmt)->relation != NULL &&
			 castNode(RenameStmt, stmt)->subname == NULL)
		check_rename_of_relation(look, (RenameStmt *) stmt);
	if (!look->verdict->tried && !pgm_seek_about_roles(look, stmt))
		check_untried(look, stmt);
}
