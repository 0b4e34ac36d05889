/*-------------------------------------------------------------------------
 *
 * guard_settings.c
 *	  Settings of the guard of watched queries, and of what is counted for the
 *	  checklist.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/settings.h"

int			pgm_guard = PGM_GUARD_WARN;
double		pgm_guard_factor = 2.0;
int			pgm_guard_statements = 10;
bool		pgm_approve_own = false;
int			pgm_approvals = 1;
char	   *pgm_approvers = NULL;
int			pgm_checklist_timeout = 10 * 1000;
int			pgm_scrape_max_age = 5 * 60;

static const struct config_enum_entry guard_options[] = {
	{"off", PGM_GUARD_OFF, false},
	{"warn", PGM_GUARD_WARN, false},
	{"refuse", PGM_GUARD_REFUSE, false},
	{NULL, 0, false}
};

static bool
check_roles(char **value, void **extra, GucSource source)
{
	List	   *names;

	if (SplitIdentifierString(pstrdup(*value), ',', &names))
		return true;
	GUC_check_errdetail("List syntax is invalid.");
	return false;
}

static void
define_item_settings(void)
{
	DefineCustomIntVariable("pgmigrate.approvals",
							"Roles that have to approve each revision, for the checklist.",
							NULL,
							&pgm_approvals,
							1, 1, 100,
							PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("pgmigrate.approve_own",
							 "Counts approvals of authors of a revision, for the checklist.",
							 NULL,
							 &pgm_approve_own,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("pgmigrate.approvers",
							   "Roles whose approvals count for the checklist, and those of their members.",
							   "Where it is empty those of all do.",
							   &pgm_approvers,
							   "",
							   PGC_SUSET, 0,
							   check_roles, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.checklist_timeout",
							"Time that a query of the checklist may take, the one for the newest backup included.",
							"0 is any.",
							&pgm_checklist_timeout,
							10 * 1000, 0, 24 * 60 * 60 * 1000,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.scrape_max_age",
							"Time since the metrics were read from which on nobody seems to look at them.",
							NULL,
							&pgm_scrape_max_age,
							5 * 60, 60, 24 * 60 * 60,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

void
pgm_guard_guc_init(void)
{
	define_item_settings();

	DefineCustomEnumVariable("pgmigrate.guard",
							 "What becomes of a revision that makes a watched query slower.",
							 "\"warn\" says so; \"refuse\" rolls the revision back, where it is one transaction.",
							 &pgm_guard,
							 PGM_GUARD_WARN,
							 guard_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomRealVariable("pgmigrate.guard_factor",
							 "How many times the cost before is slower.",
							 "Costs are those of the planner.",
							 &pgm_guard_factor,
							 2.0, 1.0, 1e6,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("pgmigrate.guard_statements",
							"Statements of pg_stat_statements that are watched, those with the most time.",
							"They are planned before and after each step; 0 watches none.",
							&pgm_guard_statements,
							10, 0, 1000,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
}
