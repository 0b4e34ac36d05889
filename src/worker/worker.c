/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  A run as the job of a background worker.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "process/entry.h"
#include "process/follow.h"
#include "process/launch.h"
#include "run/runner.h"
#include "store/run_lock.h"
#include "worker/worker.h"

/*
 * What the worker is handed.  Texts follow, each ended by a zero byte: the
 * target, the reason, and the rules that are allowed.
 */
typedef struct RunPayload
{
	PgmDirection direction;
	bool		has_reason;
	int			nrules;
	char		texts[FLEXIBLE_ARRAY_MEMBER];
} RunPayload;

typedef struct RunCall
{
	const char *payload;
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
								 call->payload, call->size,
								 PGM_LAUNCH_OUTLIVES_CLIENT);
	call->run = pgm_process_follow_accepted(process);
	pgm_run_end_turn();
	if (call->follow)
		call->run = pgm_process_follow(process);
}

static void
append_text(StringInfo buf, const char *text)
{
	appendBinaryStringInfo(buf, text, strlen(text) + 1);
}

int64
pgm_worker_run(PgmDirection direction, const char *target,
			   const PgmAllowance *allowance, bool follow)
{
	RunPayload	head = {0};
	StringInfoData buf;
	RunCall		call = {0};

	head.direction = direction;
	head.has_reason = allowance->reason != NULL;
	head.nrules = allowance->n;
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, (const char *) &head,
						   offsetof(RunPayload, texts));
	append_text(&buf, target);
	append_text(&buf, head.has_reason ? allowance->reason : "");
	for (int i = 0; i < allowance->n; i++)
		append_text(&buf, allowance->rules[i]);
	call.payload = buf.data;
	call.size = buf.len;
	call.follow = follow;
	pgm_process_guarded(launch_and_follow, &call);
	pfree(buf.data);
	return call.run;
}

static char *
next_text(const char **at)
{
	char	   *text = pstrdup(*at);

	*at += strlen(text) + 1;
	return text;
}

/* In the worker. */
static void
work(const PgmJob *job)
{
	const RunPayload *payload = (const RunPayload *) job->payload;
	const char *at = payload->texts;
	PgmRunRequest request = {0};
	PgmAllowance *allowance = &request.allowance;

	request.direction = payload->direction;
	request.target = next_text(&at);
	allowance->reason = next_text(&at);
	if (!payload->has_reason)
		allowance->reason = NULL;
	allowance->n = payload->nrules;
	allowance->rules = palloc(sizeof(char *) * Max(allowance->n, 1));
	for (int i = 0; i < allowance->n; i++)
		allowance->rules[i] = next_text(&at);
	request.session_role = job->session_role;
	request.guard = job->guard;
	request.settings = job->settings;
	request.settings_size = job->settings_size;
	request.accepted = pgm_process_accept;
	pgm_runner_work(&request);
}

void
pgm_worker_register(void)
{
	pgm_process_register(PGM_JOB_RUN, work);
}
