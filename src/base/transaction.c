/*-------------------------------------------------------------------------
 *
 * transaction.c
 *	  The transaction brackets of a worker.
 *
 * The only file that starts or ends transactions.  A transaction is either
 * bare, as the server gives one to a single statement, so that a statement
 * that refuses transaction blocks runs in it; or a block, as BEGIN makes it,
 * so that such a statement fails with the message its author knows.
 *
 * CommitTransactionCommand leaves CurrentMemoryContext at TopMemoryContext;
 * the brackets put back what was current, which must therefore not be a
 * context of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/transaction.h"
#include "compat/server.h"

static MemoryContext outer_context = NULL;
static int64 locks_released = 0;
static int64 locks_released_cpu = 0;

void
pgm_txn_begin(void)
{
	Assert(!IsTransactionOrTransactionBlock());

	outer_context = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	MemoryContextSwitchTo(outer_context);
}

void
pgm_txn_begin_one_snapshot(void)
{
	pgm_txn_begin();
	XactIsoLevel = XACT_REPEATABLE_READ;
}

/* As BEGIN.  Inside, a statement is followed by CommandCounterIncrement. */
void
pgm_txn_begin_block(void)
{
	pgm_txn_begin();
	BeginTransactionBlock();
	CommitTransactionCommand();
	StartTransactionCommand();
	MemoryContextSwitchTo(outer_context);
}

void
pgm_txn_commit(void)
{
	Assert(!ActiveSnapshotSet());

	if (IsTransactionBlock())
		EndTransactionBlock(false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(outer_context);

	/* asserts against being called inside of a transaction */
	pgstat_report_stat(false);
}

/*
 * Commit without waiting for the flush.  The caller owes a later commit that
 * waits: the WAL is one sequence, so that one makes this one durable too.
 */
void
pgm_txn_commit_async(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	pgm_txn_commit();
}

void
pgm_txn_begin_own(void)
{
	pgm_txn_begin();
	XactReadOnly = false;
	XactIsoLevel = XACT_READ_COMMITTED;
	XactDeferrable = false;
}

void
pgm_txn_commit_own(bool wait_for_standby)
{
	if (!wait_for_standby &&
		synchronous_commit > SYNCHRONOUS_COMMIT_LOCAL_FLUSH)
		(void) set_config_option("synchronous_commit", "local", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
	pgm_txn_commit();
}

void
pgm_txn_commit_begun(void)
{
	ForceSyncCommit();
	pgm_txn_commit_own(false);
}

/* An error here would stop the server: the transaction has committed. */
static void
note_release(ResourceReleasePhase phase, bool isCommit, bool isTopLevel,
			 void *arg)
{
	if (phase != RESOURCE_RELEASE_AFTER_LOCKS || !isTopLevel)
		return;
	locks_released = pgm_clock_monotonic();
	locks_released_cpu = pgm_clock_cpu();
}

void
pgm_txn_commit_unlocking(bool wait, int64 *released, int64 *cpu)
{
	static bool watching = false;

	if (!watching)
		RegisterResourceReleaseCallback(note_release, NULL);
	watching = true;
	if (wait)
		pgm_txn_commit();
	else
		pgm_txn_commit_async();
	*released = locks_released;
	*cpu = locks_released_cpu;
}

void
pgm_txn_abort(void)
{
	AbortOutOfAnyTransaction();
	pgstat_report_stat(false);
}

int
pgm_txn_begin_sub(void)
{
	MemoryContext context = CurrentMemoryContext;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	return GetCurrentTransactionNestLevel();
}

void
pgm_txn_release_sub(void)
{
	MemoryContext context = CurrentMemoryContext;

	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
}

void
pgm_txn_rollback_sub(int level)
{
	MemoryContext context = CurrentMemoryContext;

	while (GetCurrentTransactionNestLevel() >= level)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
}

static ErrorData *
try_work(void (*work) (void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	int			level = pgm_txn_begin_sub();

	PG_TRY();
	{
		work(arg);
		if (keep)
			pgm_txn_release_sub();
		else
			pgm_txn_rollback_sub(level);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();

		/* also before a cancel goes on, or the session waits for ROLLBACK */
		pgm_txn_rollback_sub(level);
		CurrentResourceOwner = owner;
		if (pgm_error_is_cancel(error))
			ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);

	/* the caller may be amid a query, which has an owner of its own */
	CurrentResourceOwner = owner;
	return error;
}

ErrorData *
pgm_txn_try(void (*work) (void *arg), void *arg)
{
	return try_work(work, arg, true);
}

ErrorData *
pgm_txn_look(void (*work) (void *arg), void *arg)
{
	return try_work(work, arg, false);
}
