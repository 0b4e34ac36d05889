/*-------------------------------------------------------------------------
 *
 * nodes.c
 *	  Citus: is it at work here, and what the other nodes are told and asked.
 *
 * Citus sends a statement about a distributed table to the nodes that have its
 * shards, in transactions of theirs that end with ours.  Nothing of it is
 * linked: its settings are set by name, its tables and functions asked by SQL,
 * and only where it is found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/spi.h"
#include "citus/nodes.h"

#define PGM_CITUS_DDL "citus.enable_ddl_propagation"
#define PGM_CITUS_SET "citus.propagate_set_commands"

/* The row of the coordinator need not be there. */
static PgmQuery worker_query = {
	"SELECT (SELECT n.nodename || ':' || n.nodeport FROM pg_dist_node n "
	"WHERE n.groupid = 0 LIMIT 1) FROM pg_dist_local_group g "
	"WHERE g.groupid <> 0"
};

bool
pgm_citus_is_here(void)
{
	return GetConfigOption(PGM_CITUS_DDL, true, false) != NULL &&
		OidIsValid(get_extension_oid("citus", true));
}

void
pgm_citus_refuse_worker(void)
{
	PgmSpiScope scope;

	if (!pgm_citus_is_here())
		return;
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&worker_query, NULL, NULL) > 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot run revisions on a worker node of Citus"),
				errdetail("What they did would be done on this node only, and the ledger is that of the coordinator."),
				pgm_spi_isnull(1, 1) ?
				errhint("Run it on the coordinator.") :
				errhint("Run it on the coordinator, %s.",
						pgm_spi_text(1, 1)));
	pgm_spi_end(&scope);
}

void
pgm_citus_keep_local(void)
{
	if (pgm_citus_is_here())
		(void) set_config_option(PGM_CITUS_DDL, "off", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
}

void
pgm_citus_hide_shards(void)
{
	if (pgm_citus_is_here())
		(void) set_config_option("citus.override_table_visibility", "on",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* Here it ends with the command; the other nodes keep it. */
static void
set_on_nodes(const char *name, int milliseconds)
{
	pgm_spi_utility(psprintf("SET LOCAL %s = %d", name, milliseconds));
}

/*
 * Citus sees a SET as a statement only.  A deadlock between nodes is found by
 * Citus, one within a node by the node; and who waits for an autovacuum there
 * has it go away, before the limit is over if the user may ask for that.
 */
void
pgm_citus_limit_waits(int milliseconds)
{
	int			guc_level;

	if (!pgm_citus_is_here())
		return;
	guc_level = NewGUCNestLevel();
	(void) set_config_option(PGM_CITUS_SET, "local", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	set_on_nodes("lock_timeout", milliseconds);
	if (milliseconds > 1 && superuser())
		set_on_nodes("deadlock_timeout", Min(milliseconds / 2, 1000));
	AtEOXact_GUC(false, guc_level);
}

bool
pgm_citus_ask_nodes(const char *query, int ncolumns,
					const char *const *columns, const char *order,
					char ***values, uint64 *nrows)
{
	StringInfoData asked;
	int			guc_level = NewGUCNestLevel();
	ErrorData  *error;
	bool		answered;

	initStringInfo(&asked);
	for (int i = 0; i < ncolumns; i++)
		appendStringInfo(&asked, "%s%s", i == 0 ? "SELECT " : ", ",
						 columns[i]);
	appendStringInfo(&asked,
					 " FROM run_command_on_all_nodes(%s, true, true) r "
					 "JOIN pg_dist_node n ON n.nodeid = r.nodeid "
					 "CROSS JOIN LATERAL jsonb_array_elements("
					 "CASE WHEN r.success THEN r.result::jsonb END) AS e (v) "
					 "WHERE n.groupid <> (SELECT l.groupid "
					 "FROM pg_dist_local_group l) ORDER BY %s",
					 quote_literal_cstr(query), order);

	/* a node that is down is a warning, at each look */
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	answered = pgm_spi_probe_rows(asked.data, ncolumns, 0, values, nrows,
								  &error);
	AtEOXact_GUC(true, guc_level);
	return answered;
}
