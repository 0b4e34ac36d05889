/*-------------------------------------------------------------------------
 *
 * rebuild.c
 *	  A run that rebuilds one table, with no revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/transaction.h"
#include "online/layout.h"
#include "online/shadow_table.h"
#include "run/rebuild.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/run_lock.h"

typedef struct Rebuild
{
	const PgmRebuildRequest *request;
	MemoryContext context;
	char	   *name;
	int64		run;
	int			nheads;
	char	  **heads;
	TimestampTz started;
	int64		clock;
} Rebuild;

/* By which a later call knows what it is to go on with. */
static char *
digest_of(const Rebuild *rebuild)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "pgmigrate rebuild 1");
	pgm_digest_text(&digest, rebuild->request->definition);
	return pgm_digest_final(&digest);
}

/* In a transaction: the run. */
static void
begin(Rebuild *rebuild)
{
	PgmRunRecord record = {0};

	rebuild->name = pgm_layout_name(rebuild->request->relid);
	if (rebuild->name == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table with OID %u does not exist", rebuild->request->relid));
	pgm_run_lock(PGM_UNTIL_END_OF_SESSION);
	pgm_journal_interrupt_dead();
	rebuild->heads = pgm_ledger_heads(&rebuild->nheads);
	record.command = "rebuild";
	record.target = rebuild->name;
	record.execution = "worker";
	record.direction = "up";
	record.session_role = rebuild->request->session_role;
	record.role = GetUserNameFromId(GetUserId(), false);
	record.search_path = namespace_search_path;
	record.nheads = rebuild->nheads;
	record.heads = rebuild->heads;
	rebuild->run = pgm_journal_begin(&record);
}

static void
work(Rebuild *rebuild)
{
	PgmExec		exec = {0};
	PgmShadowRequest shadow = {0};

	pgm_txn_begin();
	begin(rebuild);
	shadow.digest = digest_of(rebuild);
	pgm_txn_commit();
	if (rebuild->request->accepted != NULL)
		rebuild->request->accepted(rebuild->run);

	exec.worker = true;
	exec.guard = rebuild->request->guard;
	exec.label = "rebuild";
	shadow.exec = &exec;
	shadow.wait = pgm_lockwait_create(&exec);
	shadow.run = rebuild->run;
	shadow.direction = "up";
	shadow.relid = rebuild->request->relid;
	if (rebuild->request->definition != NULL)
	{
		pgm_txn_begin();
		shadow.source =
			pgm_source_parse(psprintf("ALTER TABLE ONLY %s %s", rebuild->name,
									  rebuild->request->definition),
							 PGM_SOURCE_OTHER, NULL);
		pgm_txn_commit();
		if (shadow.source->nstatements != 1)
			ereport(ERROR,
					errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("definition is more than subcommands of ALTER TABLE"));
	}
	(void) pgm_shadow_statement(&shadow);

	pgm_txn_begin();
	pgm_journal_end(rebuild->run, "done", rebuild->nheads, rebuild->heads);
	pgm_txn_commit();
}

static void
fail(Rebuild *rebuild)
{
	ErrorData  *edata;
	ErrorData	recorded;

	MemoryContextSwitchTo(rebuild->context);
	edata = CopyErrorData();
	FlushErrorState();
	pgm_txn_abort();
	MemoryContextSwitchTo(rebuild->context);
	if (rebuild->run != 0)
	{
		const PgmRebuildRequest *request = rebuild->request;

		recorded = *edata;
		if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED &&
			request->cancel_reason != NULL &&
			request->cancel_reason() != NULL)
			recorded.message =
				pstrdup(request->cancel_reason());
		pgm_txn_begin();
		pgm_run_relock();
		pgm_journal_fail(rebuild->run, 0,
						 edata->sqlerrcode == ERRCODE_QUERY_CANCELED ?
						 "cancelled" : "failed", rebuild->started,
						 pgm_clock_monotonic() - rebuild->clock, &recorded);
		pgm_txn_commit();
	}
	pgm_run_unlock();
	ReThrowError(edata);
}

void
pgm_rebuild_work(const PgmRebuildRequest *request)
{
	Rebuild		rebuild = {request};
	MemoryContext old;

	rebuild.context = AllocSetContextCreate(TopMemoryContext,
											"pgmigrate rebuild",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(rebuild.context);
	rebuild.started = GetCurrentTimestamp();
	rebuild.clock = pgm_clock_monotonic();
	pgm_run_enter(PGM_RUN_OWNER);	/* until the worker exits */
	PG_TRY();
	{
		work(&rebuild);
	}
	PG_CATCH();
	{
		fail(&rebuild);
	}
	PG_END_TRY();
	pgm_run_unlock();
	MemoryContextSwitchTo(old);
}
