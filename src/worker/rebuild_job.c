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

#define TEXTS 3

/* The texts are one after the other, each with its zero. */
typedef struct RebuildPayload
{
	Oid			relid;
	bool		partitions;
	bool		given[TEXTS];
	char		texts[FLEXIBLE_ARRAY_MEMBER];
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
pgm_worker_rebuild(const PgmRebuildRequest *request)
{
	RebuildCall call = {0};
	const char *texts[TEXTS] = {request->definition, request->column_order,
	request->order_by};
	char	   *end;

	call.size = offsetof(RebuildPayload, texts);
	for (int i = 0; i < TEXTS; i++)
		call.size += (texts[i] == NULL ? 0 : strlen(texts[i])) + 1;
	call.payload = palloc0(call.size);
	call.payload->relid = request->relid;
	call.payload->partitions = request->partitions;
	end = call.payload->texts;
	for (int i = 0; i < TEXTS; i++)
	{
		call.payload->given[i] = texts[i] != NULL;
		if (texts[i] != NULL)
			strcpy(end, texts[i]);
		end += strlen(end) + 1;
	}
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
	const char *texts[TEXTS];
	const char *end = payload->texts;

	for (int i = 0; i < TEXTS; i++)
	{
		texts[i] = payload->given[i] ? end : NULL;
		end += strlen(end) + 1;
	}
	request.relid = payload->relid;
	request.definition = texts[0];
	request.column_order = texts[1];
	request.order_by = texts[2];
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
