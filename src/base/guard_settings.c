/*-------------------------------------------------------------------------
 *
 * guard_settings.c
 *	  Settings of the guard of watched queries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/settings.h"

int			pgm_guard = PGM_GUARD_WARN;
double		pgm_guard_factor = 2.0;

static const struct config_enum_entry guard_options[] = {
	{"off", PGM_GUARD_OFF, false},
	{"warn", PGM_GUARD_WARN, false},
	{"refuse", PGM_GUARD_REFUSE, false},
	{NULL, 0, false}
};

void
pgm_guard_guc_init(void)
{
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
}
