/*-------------------------------------------------------------------------
 *
 * module.c
 *	  Module entry points.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "backfill/backfill.h"
#include "base/settings.h"
#include "exec/changed_objects.h"
#include "fleet/fleet.h"
#include "online/shadow_column.h"
#include "online/shadow_table.h"
#include "rehearse/rehearse.h"
#include "scratch/scratch.h"
#include "strategy/strategy.h"
#include "worker/rebuild_job.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	pgm_guc_init();
	pgm_changed_register();
	pgm_worker_register();
	pgm_backfill_register();
	pgm_scratch_register();
	pgm_rehearse_register();
	pgm_worker_register_rebuild();
	pgm_fleet_register();
	pgm_strategy_register_shadow(pgm_shadow_refusal_unlocked,
								 pgm_column_refusal_unlocked,
								 pgm_shadow_foresee_back);
}
