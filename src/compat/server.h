/*-------------------------------------------------------------------------
 *
 * server.h
 *	  Differences between the supported server versions.
 *
 * The only file that looks at PG_VERSION_NUM.  The rest of the code is
 * written against the newest names; older servers get them emulated here.
 * 15, 17, 18 and 19 are tested, 13 to 19 compile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_SERVER_H
#define PGM_COMPAT_SERVER_H

#include <limits.h>

#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "postmaster/bgworker.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#if PG_VERSION_NUM < 130000
#error "pgmigrate needs PostgreSQL 13 or later"
#endif

/* 18 dropped run_once, which was true for every caller outside of core. */
#if PG_VERSION_NUM >= 180000
#define pgm_portal_run(portal, top_level, dest, qc) \
	PortalRun(portal, FETCH_ALL, top_level, dest, dest, qc)
#else
#define pgm_portal_run(portal, top_level, dest, qc) \
	PortalRun(portal, FETCH_ALL, top_level, true, dest, dest, qc)
#endif

#if PG_VERSION_NUM < 150000
#define pg_analyze_and_rewrite_fixedparams pg_analyze_and_rewrite
#define parse_analyze_fixedparams parse_analyze
#define MarkGUCPrefixReserved EmitWarningsOnPlaceholders
#define enable_timeout_every(id, at, ms) enable_timeout_after(id, ms)
#endif

/* part of postgres.h before */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 160000
#define PGM_FUNCTION_ACLCHECK(oid, role) \
	pg_proc_aclcheck(oid, role, ACL_EXECUTE)
#define PGM_DATABASE_ACLCHECK(role, mode) \
	pg_database_aclcheck(MyDatabaseId, role, mode)
#else
#define PGM_FUNCTION_ACLCHECK(oid, role) \
	object_aclcheck(ProcedureRelationId, oid, role, ACL_EXECUTE)
#define PGM_DATABASE_ACLCHECK(role, mode) \
	object_aclcheck(DatabaseRelationId, MyDatabaseId, role, mode)
#endif
#if PG_VERSION_NUM < 160000
#define PGM_SCHEMA_ACLCHECK(oid, role, mode) \
	pg_namespace_aclcheck(oid, role, mode)
#else
#define PGM_SCHEMA_ACLCHECK(oid, role, mode) \
	object_aclcheck(NamespaceRelationId, oid, role, mode)
#endif

#if PG_VERSION_NUM >= 170000
#define pgm_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define pgm_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Workers of roles that cannot log in: possible since 17. */
#ifndef BGWORKER_BYPASS_ROLELOGINCHECK
#define BGWORKER_BYPASS_ROLELOGINCHECK 0
#endif

/* Wait events with a name of their own: since 17. */
#if PG_VERSION_NUM >= 170000
#include "utils/wait_event.h"
#define pgm_wait_event_new(name) WaitEventExtensionNew(name)
#else
#include "pgstat.h"
#include "storage/latch.h"
#define pgm_wait_event_new(name) PG_WAIT_EXTENSION
#endif

#if PG_VERSION_NUM >= 160000
#define pgm_guc_variables(count) get_guc_variables(count)
#else
static inline struct config_generic **
pgm_guc_variables(int *count)
{
	*count = GetNumConfigOptions();
	return get_guc_variables();
}
#endif

/*
 * Not asked before 14: a backend whose client is gone ends with its run there.
 * The declaration is that of libpq/libpq.h, which needs headers that the
 * package of the server does not bring.
 */
#if PG_VERSION_NUM >= 140000
extern bool pq_check_connection(void);
#define pgm_client_is_there() pq_check_connection()
#else
#define pgm_client_is_there() true
#endif

/* The text of a setting, of one flagged GUC_SUPERUSER_ONLY too. */
static inline char *
pgm_guc_value(struct config_generic *record)
{
#if PG_VERSION_NUM >= 160000
	return ShowGUCOption(record, false);
#else
	if ((record->flags & GUC_SUPERUSER_ONLY) && !superuser())
		return NULL;
	return GetConfigOptionByName(record->name, NULL, true);
#endif
}

/* Of the server that runs; the minor one may not be that of the headers. */
static inline int
pgm_server_version(void)
{
	return atoi(GetConfigOption("server_version_num", false, false));
}

/* CREATE INDEX and REINDEX CONCURRENTLY could miss rows until 14.4. */
static inline bool
pgm_concurrently_corrupts(int version)
{
	return version >= 140000 && version < 140004;
}

#endif							/* PGM_COMPAT_SERVER_H */
