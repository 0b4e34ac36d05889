/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  A run as the job of a background worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "process/entry.h"
#include "process/follow.h"
#include "process/launch.h"
#include "run/runner.h"
#include "store/run_lock.h"
#include "worker/worker.h"

/* What the worker is handed; the target ends the payload, with its zero. */
typedef struct RunPayload
{
	PgmDirection direction;
	char		target[FLEXIBLE_ARRAY_MEMBER];
} RunPayload;

typedef struct RunCall
{
	RunPayload *payload;
	Size		size;
	bool		follow;
	int64		run;
} RunCall;

static void
launch_and_follow(void *arg)
{
	static const PgmRunRight owner = {PGM_RUN_OWNER, 0};
	RunCall    *call = arg;
	PgmProcess *process;

	process = pgm_process_launch(PGM_JOB_RUN, owner,
								 (const char *) call->payload, call->size,
								 PGM_LAUNCH_OUTLIVES_CLIENT);
	call->run = pgm_process_follow_accepted(process);
	pgm_run_end_turn();
	if (call->follow)
		call->run = pgm_process_follow(process);
}

int64
pgm_worker_run(PgmDirection direction, const char *target, bool follow)
{
	RunCall		call = {0};

	call.size = offsetof(RunPayload, target) + strlen(target) + 1;
	call.payload = palloc0(call.size);
	call.payload->direction = direction;
	strcpy(call.payload->target, target);
	call.follow = follow;
	pgm_process_guarded(launch_and_follow, &call);
	pfree(call.payload);
	return call.run;
}

/* In the worker. */
static void
work(const PgmJob *job)
{
	const RunPayload *payload = (const RunPayload *) job->payload;
	PgmRunRequest request = {0};

	request.direction = payload->direction;
	request.target = payload->target;
	request.session_role = job->session_role;
	request.guard = job->guard;
	request.settings = job->settings;
	request.settings_size = job->settings_size;
	request.accepted = pgm_process_accept;
	request.cancel_reason = pgm_process_cancel_reason;
	pgm_runner_work(&request);
}

void
pgm_worker_register(void)
{
	pgm_process_register(PGM_JOB_RUN, work);
}
