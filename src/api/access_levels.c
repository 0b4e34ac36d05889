/*-------------------------------------------------------------------------
 *
 * access_levels.c
 *	  What each level of access may do.
 *
 * A level has the functions of the levels before it.  Tables may be read, but
 * for the parts of errors that quote data; nobody is given the right to write
 * them, and who has it by other ways is refused by a trigger.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "api/access_levels.h"
#include "base/spi.h"
#include "compat/lock.h"
#include "compat/server.h"

/*
 * Every function that PUBLIC has no right to is here or is for the owner of
 * the extension alone; a test sees to it.
 */
static const struct
{
	const char *name;
	PgmAccessLevel level;
}			functions[] = {
	{"acknowledge", PGM_ACCESS_VIEWER},
	{"branches", PGM_ACCESS_VIEWER},
	{"changes", PGM_ACCESS_VIEWER},
	{"compare", PGM_ACCESS_VIEWER},
	{"current", PGM_ACCESS_VIEWER},
	{"detect_ledgers", PGM_ACCESS_VIEWER},
	{"drift", PGM_ACCESS_VIEWER},
	{"drop_consumer", PGM_ACCESS_VIEWER},
	{"events", PGM_ACCESS_VIEWER},
	{"export", PGM_ACCESS_VIEWER},
	{"fingerprint", PGM_ACCESS_VIEWER},
	{"graph", PGM_ACCESS_VIEWER},
	{"heads", PGM_ACCESS_VIEWER},
	{"history", PGM_ACCESS_VIEWER},
	{"lock_timeline", PGM_ACCESS_VIEWER},
	{"lock_tree", PGM_ACCESS_VIEWER},
	{"metrics_read", PGM_ACCESS_VIEWER},
	{"metrics_text", PGM_ACCESS_VIEWER},
	{"plan", PGM_ACCESS_VIEWER},
	{"report", PGM_ACCESS_VIEWER},
	{"regressions", PGM_ACCESS_VIEWER},
	{"run_state", PGM_ACCESS_VIEWER},
	{"scraped", PGM_ACCESS_VIEWER},
	{"script", PGM_ACCESS_VIEWER},
	{"show", PGM_ACCESS_VIEWER},
	{"status", PGM_ACCESS_VIEWER},
	{"system_identifier", PGM_ACCESS_VIEWER},
	{"verify", PGM_ACCESS_VIEWER},
	{"wait", PGM_ACCESS_VIEWER},
	{"amend", PGM_ACCESS_AUTHOR},
	{"assess", PGM_ACCESS_AUTHOR},
	{"check_target", PGM_ACCESS_AUTHOR},
	{"checklist", PGM_ACCESS_AUTHOR},
	{"autogenerate", PGM_ACCESS_AUTHOR},
	{"diff", PGM_ACCESS_AUTHOR},
	{"lint", PGM_ACCESS_AUTHOR},
	{"lint_rules", PGM_ACCESS_AUTHOR},
	{"load", PGM_ACCESS_AUTHOR},
	{"load_directory", PGM_ACCESS_AUTHOR},
	{"load_files", PGM_ACCESS_AUTHOR},
	{"merge", PGM_ACCESS_AUTHOR},
	{"rehearse", PGM_ACCESS_AUTHOR},
	{"remove", PGM_ACCESS_AUTHOR},
	{"revision", PGM_ACCESS_AUTHOR},
	{"revision_digest", PGM_ACCESS_AUTHOR},
	{"unwatch", PGM_ACCESS_AUTHOR},
	{"watch", PGM_ACCESS_AUTHOR},
	{"adopt", PGM_ACCESS_OPERATOR},
	{"adopt_drift", PGM_ACCESS_OPERATOR},
	{"announce", PGM_ACCESS_OPERATOR},
	{"approve", PGM_ACCESS_OPERATOR},
	{"backfill", PGM_ACCESS_OPERATOR},
	{"backfill_start", PGM_ACCESS_OPERATOR},
	{"attest", PGM_ACCESS_OPERATOR},
	{"cancel", PGM_ACCESS_OPERATOR},
	{"checklist_require", PGM_ACCESS_OPERATOR},
	{"downgrade", PGM_ACCESS_OPERATOR},
	{"downgrade_start", PGM_ACCESS_OPERATOR},
	{"fleet", PGM_ACCESS_OPERATOR},
	{"pause", PGM_ACCESS_OPERATOR},
	{"prune_events", PGM_ACCESS_OPERATOR},
	{"resume", PGM_ACCESS_OPERATOR},
	{"finalize", PGM_ACCESS_OPERATOR},
	{"rebuild", PGM_ACCESS_OPERATOR},
	{"revert", PGM_ACCESS_OPERATOR},
	{"script_begin", PGM_ACCESS_OPERATOR},
	{"script_end", PGM_ACCESS_OPERATOR},
	{"script_locks", PGM_ACCESS_OPERATOR},
	{"script_statement", PGM_ACCESS_OPERATOR},
	{"script_step", PGM_ACCESS_OPERATOR},
	{"stamp", PGM_ACCESS_OPERATOR},
	{"tune", PGM_ACCESS_OPERATOR},
	{"upgrade", PGM_ACCESS_OPERATOR},
	{"upgrade_start", PGM_ACCESS_OPERATOR},
};

/* Which tables and views: by name, so that a new view is a line here. */
static const char *const relations[] = {
	"applied",
	"assessment",
	"attestation",
	"begun_statement",
	"checklist_item",
	"ddl_event",
	"event",
	"event_consumer",
	"event_delivery",
	"head",
	"help",
	"metrics",
	"mirror",
	"operation",
	"operation_range",
	"operations",
	"partly_applied",
	"prediction_errors",
	"progress",
	"regression",
	"rehearsal",
	"revision",
	"revision_change",
	"revisions",
	"run",
	"run_control",
	"run_step",
	"runs",
	"schema_object",
	"scrape",
	"statement_time",
	"throughput",
	"unfinished_operation",
	"verification",
	"watched_query",
};

static PgmQuery functions_query = {
	"SELECT p.oid::regprocedure::text FROM pg_proc p "
	"JOIN pg_namespace n ON n.oid = p.pronamespace "
	"WHERE n.nspname = 'pgmigrate' AND p.proname = ANY ($1) "
	"ORDER BY p.proname, p.oid",
	1, {TEXTARRAYOID}
};

PgmAccessLevel
pgm_access_level(const char *name)
{
	if (strcmp(name, "viewer") == 0)
		return PGM_ACCESS_VIEWER;
	if (strcmp(name, "author") == 0)
		return PGM_ACCESS_AUTHOR;
	if (strcmp(name, "operator") == 0)
		return PGM_ACCESS_OPERATOR;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unrecognized access level \"%s\"", name),
			errhint("The levels are \"viewer\", \"author\" and \"operator\"."));
}

char	  **
pgm_access_commands(const char *role, PgmAccessLevel level, int *n)
{
	char	  **names = palloc(sizeof(char *) * lengthof(functions));
	const char *quoted = quote_identifier(role);
	StringInfoData tables;
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	char	  **commands;
	int			nnames = 0;

	for (int i = 0; i < lengthof(functions); i++)
		if (functions[i].level <= level)
			names[nnames++] = unconstify(char *, functions[i].name);
	values[0] = pgm_text_array_datum(nnames, names);

	initStringInfo(&tables);
	for (int i = 0; i < lengthof(relations); i++)
		appendStringInfo(&tables, "%spgmigrate.%s", i > 0 ? ", " : "",
						 relations[i]);

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&functions_query, values, NULL);
	commands = MemoryContextAlloc(scope.outer, sizeof(char *) * (rows + 2));
	for (uint64 i = 0; i < rows; i++)
		commands[i + 2] = pgm_spi_text(i + 1, 1);
	pgm_spi_end(&scope);

	commands[0] = psprintf("GRANT USAGE ON SCHEMA pgmigrate TO %s", quoted);
	commands[1] = psprintf("GRANT SELECT ON %s TO %s", tables.data, quoted);
	for (uint64 i = 0; i < rows; i++)
		commands[i + 2] = psprintf("GRANT EXECUTE ON FUNCTION %s TO %s",
								   commands[i + 2], quoted);
	*n = (int) rows + 2;
	return commands;
}

void
pgm_access_check_writer(Relation relation)
{
	if (GetUserId() == pgm_schema_owner() ||
		pgm_class_ownercheck(RelationGetRelid(relation), GetUserId()))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to write table \"%s.%s\"",
				   get_namespace_name(RelationGetNamespace(relation)),
				   RelationGetRelationName(relation)),
			errdetail("Only the functions of the extension write it, and its owner, whatever is granted on it."));
}

bool
pgm_access_may_see_errors(void)
{
	Oid			arguments[] = {TEXTOID, TEXTARRAYOID, TEXTOID};
	Oid			function;

	function = LookupFuncName(list_make2(makeString(pstrdup("pgmigrate")),
										 makeString(pstrdup("upgrade"))),
							  3, arguments, false);
	return PGM_FUNCTION_ACLCHECK(function, GetUserId()) == ACLCHECK_OK;
}
