/*-------------------------------------------------------------------------
 *
 * rebuild_job.c
 *	  The rebuild of a table as the job of a background worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "process/entry.h"
#include "process/follow.h"
#include "process/launch.h"
#include "run/rebuild.h"
#include "store/run_lock.h"
#include "worker/rebuild_job.h"

/* The definition ends the payload, with its zero. */
typedef struct RebuildPayload
{
	Oid			relid;
	bool		as_it_is;		/* there is no definition */
	bool		partitions;
	char		definition[FLEXIBLE_ARRAY_MEMBER];
} RebuildPayload;

typedef struct RebuildCall
{
	RebuildPayload *payload;
	Size		size;
	int64		run;
} RebuildCall;

static void
launch_and_follow(void *arg)
{
	static const PgmRunRight owner = {PGM_RUN_OWNER, 0};
	RebuildCall *call = arg;
	PgmProcess *process;

	process = pgm_process_launch(PGM_JOB_REBUILD, owner,
								 (const char *) call->payload, call->size,
								 PGM_LAUNCH_OUTLIVES_CLIENT);
	(void) pgm_process_follow_accepted(process);
	pgm_run_end_turn();
	call->run = pgm_process_follow(process);
}

int64
pgm_worker_rebuild(Oid relid, const char *definition, bool partitions)
{
	RebuildCall call = {0};
	const char *text = definition == NULL ? "" : definition;

	call.size = offsetof(RebuildPayload, definition) + strlen(text) + 1;
	call.payload = palloc0(call.size);
	call.payload->relid = relid;
	call.payload->as_it_is = definition == NULL;
	call.payload->partitions = partitions;
	strcpy(call.payload->definition, text);
	pgm_process_guarded(launch_and_follow, &call);
	pfree(call.payload);
	return call.run;
}

/* In the worker. */
static void
work(const PgmJob *job)
{
	const RebuildPayload *payload = (const RebuildPayload *) job->payload;
	PgmRebuildRequest request = {0};

	request.relid = payload->relid;
	request.definition = payload->as_it_is ? NULL : payload->definition;
	request.partitions = payload->partitions;
	request.session_role = job->session_role;
	request.guard = job->guard;
	request.accepted = pgm_process_accept;
	pgm_rebuild_work(&request);
}

void
pgm_worker_register_rebuild(void)
{
	pgm_process_register(PGM_JOB_REBUILD, work);
}
