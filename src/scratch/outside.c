/*-------------------------------------------------------------------------
 *
 * outside.c
 *	  What a scratch database must not do, because it is felt elsewhere.
 *
 * Roles, databases, tablespaces and settings of the server are shared by all
 * databases; programs, files and connections lead out of the server.  Commands
 * are caught where the server runs them, so that those of a DO block or a
 * function are too; functions where they are looked up or prepared.  What the
 * making of a schema calls has the rights of its owner: whoever has a domain
 * or a table in it would have those of the caller else.  The hooks are of a
 * worker that ends with its work in the scratch database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat/plan.h"
#include "compat/repack.h"
#include "scratch/constructor.h"
#include "scratch/outside.h"

typedef enum OutsideMode
{
	MODE_FREE,
	MODE_REFUSE,
	MODE_SKIP
} OutsideMode;

static OutsideMode mode = MODE_FREE;
static bool installed = false;
static StringInfoData skipped;
static ProcessUtility_hook_type next_utility = NULL;
static ExecutorStart_hook_type next_executor = NULL;
static object_access_hook_type next_access = NULL;
static needs_fmgr_hook_type next_needs_fmgr = NULL;
static fmgr_hook_type next_fmgr = NULL;

/* Who called the functions that are running, the innermost first. */
typedef struct Called
{
	Oid			user;
	int			security;
	bool		switched;		/* by us, and so to be switched back by us */
	Datum		next_arg;		/* of the hook after this one */
	struct Called *outer;
} Called;

static Called *called = NULL;
static Oid	maker = InvalidOid; /* who makes the schema, whatever it sets */

/* Of the server, or of its extensions; a star stands for any end. */
static const char *const functions[] = {
	"autoprewarm_*", "heap_force_*",
	"lo_export", "pg_backup_start", "pg_backup_stop", "pg_buffercache_evict*",
	"pg_cancel_backend",
	"pg_copy_logical_replication_slot", "pg_copy_physical_replication_slot",
	"pg_create_*", "pg_drop_replication_slot", "pg_log_*",
	"pg_logical_slot_get_*", "pg_promote", "pg_qualstats_reset",
	"pg_reload_conf",
	"pg_replication_origin_*", "pg_replication_slot_advance",
	"pg_rotate_logfile*", "pg_stat_kcache_reset", "pg_stat_monitor_reset",
	"pg_stat_reset_*", "pg_stat_statements_reset*",
	"pg_start_backup",
	"pg_stop_backup", "pg_switch_wal", "pg_sync_replication_slots",
	"pg_terminate_backend", "pg_truncate_visibility_map",
	"pg_wait_sampling_reset_*", "pg_wal_replay_*", "be_lo_export"
};

/* Of the server: they run SQL, or read tables or files, as who calls them. */
static const char *const readers[] = {
	"cursor_to_xml*", "database_to_xml*", "lo_import", "pg_ls_*",
	"pg_read_binary_file", "pg_read_file*", "pg_stat_file", "query_to_xml*",
	"schema_to_xml*", "table_to_xml*", "ts_rewrite", "ts_stat"
};

/* Extensions whose functions reach other databases, servers or files. */
static const char *const extensions[] = {
	"adminpack", "dblink", "http", "oracle_fdw", "pg_background", "pg_cron",
	"pg_net", "pg_squeeze", "pg_surgery", "pgagent", "plproxy"
};

static bool
is_shared(ObjectType type)
{
	switch (type)
	{
		case OBJECT_DATABASE:
		case OBJECT_PARAMETER_ACL:
		case OBJECT_ROLE:
		case OBJECT_SUBSCRIPTION:
		case OBJECT_TABLESPACE:
			return true;
		default:
			return false;
	}
}

bool
pgm_outside_reaches(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDatabaseRefreshCollStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseStmt:
		case T_AlterRoleSetStmt:
		case T_AlterRoleStmt:
		case T_AlterSubscriptionStmt:
		case T_AlterSystemStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_CheckPointStmt:
		case T_CreateRoleStmt:
		case T_CreateSubscriptionStmt:
		case T_CreateTableSpaceStmt:
		case T_CreatedbStmt:
		case T_DropOwnedStmt:
		case T_DropRoleStmt:
		case T_DropSubscriptionStmt:
		case T_DropTableSpaceStmt:
		case T_DropdbStmt:
		case T_GrantRoleStmt:
		case T_ImportForeignSchemaStmt:
		case T_ReassignOwnedStmt:
			return true;
		case T_AlterOwnerStmt:
			return is_shared(castNode(AlterOwnerStmt, stmt)->objectType);
		case T_CommentStmt:
			return is_shared(castNode(CommentStmt, stmt)->objtype);
		case T_GrantStmt:
			return is_shared(castNode(GrantStmt, stmt)->objtype);
		case T_RenameStmt:
			return is_shared(castNode(RenameStmt, stmt)->renameType);
		case T_SecLabelStmt:
			return is_shared(castNode(SecLabelStmt, stmt)->objtype);
		case T_CopyStmt:
			return castNode(CopyStmt, stmt)->is_program ||
				(castNode(CopyStmt, stmt)->filename != NULL &&
				 !castNode(CopyStmt, stmt)->is_from);
		default:
			return false;
	}
}

/* Is what is in it, or its lock, that of other databases as well? */
static bool
is_elsewhere(const RangeVar *name)
{
	Oid			relid;

	if (name == NULL)
		return false;
	relid = RangeVarGetRelid(name, NoLock, true);
	return OidIsValid(relid) &&
		(IsSharedRelation(relid) ||
		 get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE);
}

/*
 * Whoever may write the catalogs may write those of all databases, and make a
 * trusted language of another one.
 */
static void
refuse_catalog(Oid relid)
{
	if (OidIsValid(relid) && IsCatalogRelationOid(relid) &&
		!creating_extension)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot write catalog \"%s\" in a scratch database",
					   get_rel_name(relid)),
				errdetail("It would act outside of the database."));
}

static void
refuse_shared(Oid relid)
{
	if (OidIsValid(relid) && IsSharedRelation(relid))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot lock rows of catalog \"%s\" in a scratch database",
					   get_rel_name(relid)),
				errdetail("It would act outside of the database."));
}

static Oid
function_named(List *name, int nargs, const Oid *args)
{
	return name == NIL ? InvalidOid : LookupFuncName(name, nargs, args, true);
}

/*
 * Its maker says that a language is trusted: is it made of the functions of
 * one that is?
 */
static bool
is_like_trusted(const CreatePLangStmt *stmt)
{
	Oid			internal = INTERNALOID;
	Oid			oid = OIDOID;
	Oid			handler = function_named(stmt->plhandler, 0, NULL);
	Oid			inline_handler = function_named(stmt->plinline, 1, &internal);
	Oid			validator = function_named(stmt->plvalidator, 1, &oid);
	Relation	rel = table_open(LanguageRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_language form = (Form_pg_language) GETSTRUCT(tuple);

		found = form->lanpltrusted && OidIsValid(handler) &&
			form->lanplcallfoid == handler &&
			(stmt->plinline == NIL || form->laninline == inline_handler) &&
			(stmt->plvalidator == NIL || form->lanvalidator == validator);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Commands that reach further by what they make than by what they are. */
static void
check_command(Node *stmt)
{
	/* its functions are called, which others in these languages are not */
	if (IsA(stmt, AlterExtensionContentsStmt) && !creating_extension)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot run %s in a scratch database",
					   GetCommandTagName(CreateCommandTag(stmt))),
				errdetail("Only the scripts of an extension say what belongs to it."));
	if (IsA(stmt, CopyStmt) && castNode(CopyStmt, stmt)->is_from &&
		castNode(CopyStmt, stmt)->relation != NULL)
		refuse_catalog(RangeVarGetRelid(castNode(CopyStmt, stmt)->relation,
										NoLock, true));
	if (IsA(stmt, CreatePLangStmt) && !creating_extension &&
		castNode(CreatePLangStmt, stmt)->pltrusted &&
		!is_like_trusted(castNode(CreatePLangStmt, stmt)))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot run %s in a scratch database",
					   GetCommandTagName(CreateCommandTag(stmt))),
				errdetail("A language may do anything if its maker says that it is trusted."));
}

static bool
any_is_elsewhere(List *names)
{
	ListCell   *cell;

	foreach(cell, names)
		if (is_elsewhere(lfirst(cell)))
		return true;
	return false;
}

/*
 * Commands that reach the data of foreign tables, or lock what all databases
 * share, not by a plan.
 */
static bool
reaches_by_relation(Node *stmt)
{
	ListCell   *cell;

	switch (nodeTag(stmt))
	{
		case T_ClusterStmt:
			return is_elsewhere(pgm_cluster_relation((ClusterStmt *) stmt));
		case T_CopyStmt:
			return is_elsewhere(castNode(CopyStmt, stmt)->relation);
		case T_LockStmt:
			return any_is_elsewhere(castNode(LockStmt, stmt)->relations);
		case T_ReindexStmt:
			return is_elsewhere(castNode(ReindexStmt, stmt)->relation);
		case T_TruncateStmt:
			return any_is_elsewhere(castNode(TruncateStmt, stmt)->relations);
		case T_VacuumStmt:
			foreach(cell, castNode(VacuumStmt, stmt)->rels)
				if (is_elsewhere(lfirst_node(VacuumRelation, cell)->relation))
				return true;
			/* statistics of nothing are of no use */
			return castNode(VacuumStmt, stmt)->rels == NIL;
		default:
			return false;
	}
}

static bool
is_trusted_language(Oid language)
{
	HeapTuple	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	result = ((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;
	ReleaseSysCache(tuple);
	return result;
}

/* A block of a language that may do anything. */
static bool
is_untrusted_block(Node *stmt)
{
	ListCell   *cell;

	if (!IsA(stmt, DoStmt))
		return false;
	foreach(cell, castNode(DoStmt, stmt)->args)
	{
		DefElem    *arg = lfirst_node(DefElem, cell);

		if (strcmp(arg->defname, "language") == 0)
			return !is_trusted_language(get_language_oid(strVal(arg->arg),
														 true));
	}
	return false;
}

static void
refuse_command(const char *tag)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot run %s in a scratch database", tag),
			errdetail("It would act outside of the database."));
}

/* A library does what it likes as soon as it is loaded. */
static bool
is_load(Node *stmt)
{
	return IsA(stmt, LoadStmt) && !creating_extension;
}

/*
 * Whoever may alter the catalogs may lock those of all databases.  The hooks
 * are not in parallel workers.
 */
static void
protect_catalogs(void)
{
	if (max_parallel_maintenance_workers != 0)
		SetConfigOption("max_parallel_maintenance_workers", "0", PGC_USERSET,
						PGC_S_SESSION);
	if (allowSystemTableMods && !creating_extension)
		SetConfigOption("allow_system_table_mods", "off", PGC_SUSET,
						PGC_S_SESSION);
}

static bool
is_concurrent(Node *stmt)
{
	return (IsA(stmt, IndexStmt) && castNode(IndexStmt, stmt)->concurrent) ||
		(IsA(stmt, DropStmt) && castNode(DropStmt, stmt)->concurrent);
}

/*
 * A text is loaded in one transaction, where CONCURRENTLY is refused, into a
 * database that nobody else is in, where it makes no difference.
 */
static PlannedStmt *
not_concurrent(PlannedStmt *pstmt)
{
	PlannedStmt *copy = copyObject(pstmt);
	Node	   *stmt = copy->utilityStmt;

	if (IsA(stmt, IndexStmt))
		castNode(IndexStmt, stmt)->concurrent = false;
	else
		castNode(DropStmt, stmt)->concurrent = false;
	return copy;
}

static void
check_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *queryEnv, DestReceiver *dest,
			  QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;

	if (mode != MODE_FREE)
	{
		const char *tag = GetCommandTagName(CreateCommandTag(stmt));

		if (is_untrusted_block(stmt))
			refuse_command(tag);
		check_command(stmt);
		protect_catalogs();
		if (pgm_outside_reaches(stmt) || reaches_by_relation(stmt) ||
			is_load(stmt))
		{
			if (mode == MODE_REFUSE)
				refuse_command(tag);
			appendStringInfo(&skipped, "%s%s", skipped.len > 0 ? ", " : "",
							 tag);
			return;
		}
	}
	if (mode == MODE_REFUSE && is_concurrent(stmt))
		pstmt = not_concurrent(pstmt);
	if (next_utility != NULL)
		next_utility(pstmt, queryString, readOnlyTree, context, params,
					 queryEnv, dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context,
								params, queryEnv, dest, qc);
}

static void
check_plan(QueryDesc *queryDesc, int eflags)
{
	ListCell   *cell;

	/* without parallel workers, which have no hooks: Gather does their work */
	if (mode != MODE_FREE)
		queryDesc->plannedstmt->parallelModeNeeded = false;
	if (mode != MODE_FREE)
		foreach(cell, pgm_result_relations(queryDesc->plannedstmt))
	{
		refuse_catalog(rt_fetch(lfirst_int(cell),
								queryDesc->plannedstmt->rtable)->relid);
	}
	if (mode != MODE_FREE)
		foreach(cell, queryDesc->plannedstmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION &&
			rte->relkind == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot use foreign table \"%s\" in a scratch database",
						   get_rel_name(rte->relid)),
					errdetail("It would act outside of the database."));
	}
	if (mode != MODE_FREE)
		foreach(cell, queryDesc->plannedstmt->rowMarks)
	{
		PlanRowMark *mark = lfirst_node(PlanRowMark, cell);

		if (RowMarkRequiresRowShareLock(mark->markType))
			refuse_shared(rt_fetch(mark->rti,
								   queryDesc->plannedstmt->rtable)->relid);
	}
	if (next_executor != NULL)
		next_executor(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

static void
refuse_function(const char *name)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot call function \"%s\" in a scratch database", name),
			errdetail("It would act outside of the database."));
}

/* What would have the rights of the caller all the same. */
static void
refuse_hidden(const char *name, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot call function \"%s\" in a scratch database", name),
			errdetail_internal("%s", detail));
}

static bool
matches(const char *name, const char *pattern)
{
	size_t		length = strlen(pattern);

	if (length > 0 && pattern[length - 1] == '*')
		return strncmp(name, pattern, length - 1) == 0;
	return strcmp(name, pattern) == 0;
}

static void
check_name(const char *name)
{
	for (int i = 0; name != NULL && i < lengthof(functions); i++)
		if (matches(name, functions[i]))
			refuse_function(name);
}

/* A function of the server itself. */
static void
check_access(ObjectAccessType access, Oid classId, Oid objectId, int subId,
			 void *arg)
{
	if (mode != MODE_FREE && access == OAT_FUNCTION_EXECUTE &&
		classId == ProcedureRelationId && objectId < FirstNormalObjectId)
	{
		const char *name = get_func_name(objectId);

		check_name(name);
		for (int i = 0; mode == MODE_REFUSE && name != NULL &&
			 i < lengthof(readers); i++)
			if (matches(name, readers[i]) &&
				objectId != F_TS_REWRITE_TSQUERY_TSQUERY_TSQUERY)
				refuse_hidden(name, "It would read with the rights of who makes the schema.");
	}
	if (next_access != NULL)
		next_access(access, classId, objectId, subId, arg);
}

/* Of an extension that reaches out; what its wrappers need is harmless. */
static bool
is_of_extension(Oid function, const char *name)
{
	Oid			extension = getExtensionOfObject(ProcedureRelationId,
												 function);
	const char *its_name;

	if (!OidIsValid(extension) || strstr(name, "_validator") != NULL ||
		strstr(name, "_handler") != NULL)
		return false;
	its_name = get_extension_name(extension);
	for (int i = 0; its_name != NULL && i < lengthof(extensions); i++)
		if (strcmp(its_name, extensions[i]) == 0)
			return true;
	return false;
}

static char *
text_of(HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, attnum, &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

/* The library of such an extension, under whatever name of a function. */
static bool
is_of_library(HeapTuple tuple)
{
	char	   *file = text_of(tuple, Anum_pg_proc_probin);
	char	   *name = text_of(tuple, Anum_pg_proc_prosrc);
	char	   *base = strrchr(file, '/');

	if (strstr(name, "_validator") != NULL || strstr(name, "_handler") != NULL)
		return false;
	base = base == NULL ? file : base + 1;
	base[strcspn(base, ".")] = '\0';
	for (int i = 0; i < lengthof(extensions); i++)
		if (strcmp(base, extensions[i]) == 0)
			return true;
	return false;
}

/*
 * One in C or of the server that somebody has made a function of may be made
 * with other types than it has, and then reads and writes any memory.
 */
static void
refuse_unsafe(Oid function, HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	const char *name = NameStr(form->proname);

	switch (form->prolang)
	{
		case SQLlanguageId:
			return;
		case INTERNALlanguageId:
		case ClanguageId:
			/* what it is called is up to its maker, what it does is not */
			check_name(text_of(tuple, Anum_pg_proc_prosrc));
			if ((!OidIsValid(getExtensionOfObject(ProcedureRelationId,
												  function)) &&
				 !pgm_is_constructor(function)) ||
				is_of_extension(function, name) ||
				(form->prolang == ClanguageId && is_of_library(tuple)))
				refuse_function(name);
			return;
		default:
			if (!is_trusted_language(form->prolang))
				refuse_function(name);
	}
}

/* Is it of somebody who must not have the rights of the caller? */
static bool
is_of_another(Oid owner)
{
	return mode == MODE_REFUSE && owner != maker && !superuser_arg(owner);
}

/* Is asked of every function that is not built in, of triggers too. */
static bool
check_function(Oid function)
{
	bool		another = false;

	if (mode != MODE_FREE && function >= FirstNormalObjectId)
	{
		HeapTuple	tuple = SearchSysCache1(PROCOID,
											ObjectIdGetDatum(function));

		if (HeapTupleIsValid(tuple))
		{
			refuse_unsafe(function, tuple);
			another =
				is_of_another(((Form_pg_proc) GETSTRUCT(tuple))->proowner);
			ReleaseSysCache(tuple);
		}
	}
	return another ||
		(next_needs_fmgr != NULL && next_needs_fmgr(function));
}

static bool
has_setting(HeapTuple tuple, const char *name)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig,
										&isnull);
	size_t		length = strlen(name);
	Datum	   *settings;
	int			n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
					  TYPALIGN_INT, &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (strncmp(setting, name, length) == 0 && setting[length] == '=')
			return true;
	}
	return false;
}

/*
 * One with SECURITY DEFINER or with settings is called by way of the hook, of
 * which the server does not ask then.  It has set them, and the user, before;
 * and sets back the user of a definer, and a role, before we hear of the end.
 */
static void
call_checked(HeapTuple tuple, Called *call)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	if (mode == MODE_FREE || form->oid < FirstNormalObjectId)
		return;
	refuse_unsafe(form->oid, tuple);
	if (!is_of_another(form->proowner))
		return;
	if (has_setting(tuple, "role") ||
		has_setting(tuple, "session_authorization"))
		refuse_hidden(NameStr(form->proname), "It sets a role.");
	SetUserIdAndSecContext(form->proowner, call->security |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	call->switched = !form->prosecdef;
}

static Called *
call_begins(FmgrInfo *flinfo)
{
	Called	   *call = MemoryContextAllocZero(TopMemoryContext,
											  sizeof(Called));
	HeapTuple	tuple = SearchSysCache1(PROCOID,
										ObjectIdGetDatum(flinfo->fn_oid));

	GetUserIdAndSecContext(&call->user, &call->security);
	call->outer = called;
	if (next_fmgr != NULL)
		next_fmgr(FHET_START, flinfo, &call->next_arg);
	if (HeapTupleIsValid(tuple))
	{
		call_checked(tuple, call);
		ReleaseSysCache(tuple);
	}
	return call;
}

/* The server has an end or an abort for each start that came back. */
static void
act_as_owner(FmgrHookEventType event, FmgrInfo *flinfo, Datum *arg)
{
	Called	   *call = called;

	if (event == FHET_START)
	{
		called = call_begins(flinfo);
		return;
	}
	if (next_fmgr != NULL)
		next_fmgr(event, flinfo, &call->next_arg);
	if (call->switched)
		SetUserIdAndSecContext(call->user, call->security);
	called = call->outer;
	pfree(call);
}

static void
install(OutsideMode new_mode)
{
	mode = new_mode;
	if (installed)
		return;
	installed = true;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = check_utility;
	next_executor = ExecutorStart_hook;
	ExecutorStart_hook = check_plan;
	next_access = object_access_hook;
	object_access_hook = check_access;
	next_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = check_function;
	next_fmgr = fmgr_hook;
	fmgr_hook = act_as_owner;
}

void
pgm_outside_refuse(bool refuse)
{
	if (!installed)
		maker = GetSessionUserId();
	install(refuse ? MODE_REFUSE : MODE_FREE);
}

void
pgm_outside_skip(void)
{
	if (skipped.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(&skipped);
		MemoryContextSwitchTo(old);
	}
	install(MODE_SKIP);
}

char *
pgm_outside_skipped(void)
{
	char	   *list = skipped.len > 0 ? pstrdup(skipped.data) : NULL;

	resetStringInfo(&skipped);
	return list;
}
