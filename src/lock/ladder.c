/*-------------------------------------------------------------------------
 *
 * ladder.c
 *	  Get the locks of a step without standing in front of the application.
 *
 * A request for a strong lock that has to wait makes everybody wait who comes
 * after it.  So all locks of a step are taken up front, all or none:
 *
 *	take	ask for each without queueing; nobody in the way: done
 *	pause	look who is, and poll while one of them is going to last
 *	take	ask again, then queue, for 25 ms, growing up to lock_timeout
 *	pause	let go for 4 to 12 times that long, look, and so on
 *
 * Behind transactions that began together it queues until they end, or until
 * somebody has stood behind it for about as long as they were apart.
 *
 * Between attempts nothing is held.  Asking without queueing alone would
 * starve under short transactions back to back; so would looking alone under
 * longer ones: pace.c tells when it is time to ask all the same.
 *
 * In a worker each attempt has a transaction of its own, and that of the
 * successful one goes on as the step's.  Inside of the caller's transaction an
 * attempt is a subtransaction, and what the caller has locked stays locked.
 *
 * A lock that a slow statement would have to carry is not taken up front, but
 * just before its own statement, in the step's transaction and likewise in
 * subtransactions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/transaction.h"
#include "compat/lock.h"
#include "compat/server.h"
#include "lock/attempt_log.h"
#include "lock/blocker_policy.h"
#include "lock/internal.h"
#include "lock/pace.h"
#include "lock/watch.h"

/* The first time in the queue; later ones grow by PGM_GROWTH. */
#define PGM_FIRST_WAIT_MS 25

/* The same on other nodes, where the time is that of each lock. */
#define PGM_NODE_WAIT_MS 50

/* The pause after it, as multiples of it. */
#define PGM_PAUSE_MIN 4
#define PGM_PAUSE_MAX 12

/* What the pause depends on after a step that failed; at most lock_timeout. */
#define PGM_RETRY_WAIT_MS 200

/* In the queue behind clients in step, before the next look; … */
#define PGM_PATIENT_MS PGM_NOTICE_FIRST_MS

/* … and how often somebody may come meanwhile, until that is given up. */
#define PGM_DISTURBED 3

/* Between two looks at those who are in the way. */
#define PGM_LOOK_MS 40

/* The same where other nodes have to be asked. */
#define PGM_FAR_LOOK_MS 200

PgmLockWait *
pgm_lockwait_create(const PgmExec *exec)
{
	PgmLockWait *wait = palloc0(sizeof(PgmLockWait));

	wait->exec = exec;
	wait->own_lock_timeout = LockTimeout;
	wait->own_deadlock_timeout = DeadlockTimeout;
	wait->attempt = AllocSetContextCreate(CurrentMemoryContext,
										  "pgmigrate lock attempt",
										  ALLOCSET_DEFAULT_SIZES);
	wait->look = AllocSetContextCreate(CurrentMemoryContext,
									   "pgmigrate lock look",
									   ALLOCSET_DEFAULT_SIZES);
	pgm_locklog_init(&wait->log,
					 AllocSetContextCreate(CurrentMemoryContext,
										   "pgmigrate lock log",
										   ALLOCSET_SMALL_SIZES));
	pgm_lockneeds_init(&wait->observed_needs, wait->log.context);
	return wait;
}

void
pgm_lockwait_begin(PgmLockWait *wait, const char *revision)
{
	MemoryContext context = wait->log.context;

	MemoryContextReset(context);
	pgm_locklog_init(&wait->log, context);
	pgm_lockneeds_init(&wait->observed_needs, context);
	pgm_lockneeds_init(&wait->needs, wait->attempt);
	pgm_lockneeds_init(&wait->held, context);
	wait->revision = revision == NULL ? NULL :
		MemoryContextStrdup(context, revision);
	wait->start = 0;
	wait->may_queue = false;
	wait->patience = 0;
	wait->disturbed = 0;
	wait->used_wait = 0;
	wait->gave_up = false;
	wait->reported = false;
	wait->unreported = 0;
	wait->policy.nseen = 0;
	wait->ordered = NIL;
	wait->node_wait = Min(PGM_NODE_WAIT_MS, pgm_lock_timeout);
	wait->far = false;
}

void
pgm_lockwait_next(PgmLockWait *wait)
{
	pgm_lockneeds_init(&wait->observed_needs, wait->log.context);
	pgm_lockneeds_init(&wait->needs, wait->attempt);
	wait->start = 0;
	wait->may_queue = false;
	wait->patience = 0;
	wait->disturbed = 0;
	wait->used_wait = 0;
	wait->gave_up = false;
	wait->node_wait = Min(PGM_NODE_WAIT_MS, pgm_lock_timeout);
	wait->far = false;
}

/* Something is in the way for the first time. */
static void
begin_waiting(PgmLockWait *wait)
{
	if (wait->start != 0)
		return;
	wait->start = pgm_clock_monotonic();
	pgm_lockpace_begin(&wait->pace, wait->start);
	wait->next_wait = Min(PGM_FIRST_WAIT_MS, pgm_lock_timeout);
	wait->next_notice = wait->start;
	wait->notice_interval = PGM_NOTICE_FIRST_MS;
	wait->cause[0] = '\0';
}

static void
log_attempt(PgmLockWait *wait, const char *phase, const char *outcome,
			int64 waited, int looks, List *blockers)
{
	PgmLockAttempt attempt = {0};
	const PgmLockNeed *need = pgm_lockwait_main_need(wait, blockers);

	attempt.at = GetCurrentTimestamp();
	attempt.phase = phase;
	attempt.outcome = outcome;
	attempt.relation = need ? need->name : NULL;
	attempt.mode = need ? need->mode : NoLock;
	attempt.waited = waited;
	attempt.looks = looks;
	attempt.behind = strcmp(phase, "queue") == 0 ? pgm_lockwatch_behind() : 0;
	attempt.blocked_by = pgm_blockers_json(blockers, PGM_NAMED);
	attempt.blockers = pgm_blockers_hash(blockers);
	pgm_locklog_add(&wait->log, &attempt);
}

/* Who is in the way now?  In a transaction. */
static List *
find_blockers(PgmLockWait *wait)
{
	List	   *blockers = pgm_blockers_find(&wait->needs);

	if (wait->far)
		blockers = list_concat(blockers, pgm_node_blockers(&wait->needs));
	pgm_lockpace_look(&wait->pace, blockers, pgm_lock_timeout,
					  pgm_clock_monotonic());
	return blockers;
}

/* Without queueing.  All or none. */
static bool
lock_at_once(const PgmLockNeeds *needs)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);

		if (!ConditionalLockRelationOid(need->relid, need->mode))
			break;
		n++;
	}
	if (n == list_length(needs->list))
		return true;
	while (--n >= 0)
	{
		PgmLockNeed *need = list_nth(needs->list, n);

		UnlockRelationOid(need->relid, need->mode);
	}
	return false;
}

static void
add_needs(PgmLockNeeds *needs, const PgmLockNeeds *more)
{
	ListCell   *lc;

	foreach(lc, more->list)
	{
		PgmLockNeed *need = lfirst(lc);

		pgm_lockneeds_add(needs, need->relid, need->mode, need->name);
	}
}

static void
collect_needs(PgmLockWait *wait, PgmLockNeeds *needs,
			  PgmLockCollector collect, void *arg)
{
	ListCell   *lc;

	pgm_lockneeds_init(needs, wait->attempt);
	collect(needs, arg);
	add_needs(needs, &wait->held);
	add_needs(needs, &wait->observed_needs);
	foreach(lc, wait->ordered)
		pgm_lockneeds_first(needs, lfirst_oid(lc));
}

/*
 * Who has what we waited for waits for what we had: take it before all others
 * from now on, as he does.  Without a deadlock the order is the statements'.
 */
static void
learn_order(PgmLockWait *wait, Oid relid)
{
	MemoryContext old = MemoryContextSwitchTo(wait->log.context);

	if (OidIsValid(relid))
		wait->ordered = lappend_oid(list_delete_oid(wait->ordered, relid),
									relid);
	MemoryContextSwitchTo(old);
}

/* One after the other, all within the time; tells which one it asks for. */
static void
lock_in_queue(const PgmLockNeeds *needs, int timeout, volatile Oid *asked)
{
	int64		start = pgm_clock_monotonic();
	int			level = NewGUCNestLevel();
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);
		int			left = timeout - (int) pgm_lockwait_since(start);

		pgm_lockset_lock_timeout(Max(left, 1), GUC_ACTION_SAVE);
		*asked = need->relid;
		LockRelationOid(need->relid, need->mode);
	}
	AtEOXact_GUC(false, level);
}

/*
 * Queue for the locks, in a subtransaction, and make sure that they are the
 * right ones: a relation may have been renamed while we waited for another.
 */
static bool
queue_for_locks(PgmLockWait *wait, PgmLockCollector collect, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int64		start = pgm_clock_monotonic();
	int			timeout = wait->patience > 0 ? PGM_PATIENT_MS :
		Min(wait->next_wait, pgm_lock_timeout);
	const char *volatile outcome = NULL;
	volatile Oid asked = InvalidOid;
	List	   *blockers;
	int			was_disturbed = wait->disturbed;
	bool		disturbed;

	pgm_lockwatch_measure(timeout);
	if (wait->patience > 0)
		pgm_lockwatch_patient(&wait->needs, wait->patience);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		uint64		counter = SharedInvalidMessageCounter;
		PgmLockNeeds again;

		lock_in_queue(&wait->needs, timeout, &asked);
		if (wait->patience > 0)
			pgm_lockwatch_patient_end();
		if (counter != SharedInvalidMessageCounter)
		{
			collect_needs(wait, &again, collect, arg);
			if (!pgm_lockneeds_covered(&again, &wait->needs))
				outcome = "changed";
		}
		if (outcome == NULL)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		disturbed = pgm_lockwatch_lost_patience();
		if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED && disturbed)
			wait->disturbed++;
		if (edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
			(edata->sqlerrcode == ERRCODE_QUERY_CANCELED && disturbed))
			outcome = "timeout";
		else if (edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
		{
			outcome = "deadlock";
			learn_order(wait, asked);
		}
		else
			ReThrowError(edata);
		FreeErrorData(edata);
	}
	PG_END_TRY();

	blockers = outcome == NULL ? NIL : find_blockers(wait);
	pgm_lockpace_meet(&wait->pace);
	log_attempt(wait, "queue", outcome ? outcome : "granted",
				pgm_clock_monotonic() - start, 0, blockers);
	wait->may_queue = false;
	if (wait->patience > 0)
		wait->used_wait = wait->disturbed > was_disturbed ? wait->patience : 0;
	else
	{
		wait->used_wait = timeout;
		wait->next_wait = (int) Min((double) pgm_lock_timeout,
									timeout * PGM_GROWTH);
	}
	wait->patience = 0;
	return outcome == NULL;
}

/* Is there no transaction between attempts, so that a look needs its own? */
static bool
in_between(const PgmLockWait *wait)
{
	return wait->exec->worker && !wait->open;
}

/* With a limit of zero statements take their locks themselves. */
static bool
is_on(void)
{
	return pgm_lock_timeout > 0;
}

/* What no statement takes, in the queue for as long as it takes. */
static void
take_plainly(const PgmLockNeeds *needs)
{
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);

		if (!need->of_statement)
			LockRelationOid(need->relid, need->mode);
	}
}

bool
pgm_lockwait_take(PgmLockWait *wait, PgmLockCollector collect, void *arg)
{
	MemoryContext old;
	bool		result;

	if (!wait->open)
		pgm_lockneeds_init(&wait->held, wait->log.context);
	MemoryContextReset(wait->attempt);
	old = MemoryContextSwitchTo(wait->attempt);
	collect_needs(wait, &wait->needs, collect, arg);
	if (!is_on())
	{
		take_plainly(&wait->needs);
		pgm_lockwait_announce_end(wait);
		MemoryContextSwitchTo(old);
		return true;
	}
	result = lock_at_once(&wait->needs);
	if (!result)
	{
		begin_waiting(wait);
		if (wait->may_queue)
			result = queue_for_locks(wait, collect, arg);
	}
	else if (wait->start != 0 && wait->needs.list != NIL)
		log_attempt(wait, "ask", "granted", 0, 0, NIL);
	if (result)
	{
		wait->taken_at = pgm_clock_monotonic();
		pgm_lockwait_announce_end(wait);
	}
	MemoryContextSwitchTo(old);
	return result;
}

void
pgm_lockwait_get(PgmLockWait *wait, PgmLockCollector collect, void *arg)
{
	while (!pgm_lockwait_take(wait, collect, arg))
		pgm_lockwait_pause(wait);
}

void
pgm_lockwait_take_more(PgmLockWait *wait, PgmLockCollector collect, void *arg)
{
	if (!is_on())
		return;

	/* the deadline is for what is waited, not for the work in between */
	if (wait->start != 0)
		wait->start += pgm_clock_monotonic() - wait->taken_at;
	add_needs(&wait->held, &wait->needs);
	if (wait->exec->worker)
		pgm_lockwatch_begin(&wait->held);
	wait->open = true;
	PG_TRY();
	{
		pgm_lockwait_get(wait, collect, arg);
	}
	PG_FINALLY();
	{
		wait->open = false;
	}
	PG_END_TRY();
	if (wait->exec->worker)
		pgm_lockwatch_end();
}

/* Is the deadline over? */
static bool
is_late(const PgmLockWait *wait)
{
	return pgm_lockwait_since(wait->start) >= pgm_lock_deadline;
}

/* At most until the deadline. */
static void
sleep_milliseconds(PgmLockWait *wait, int64 milliseconds)
{
	int64		end = pgm_clock_monotonic() + milliseconds * 1000;
	int64		left;

	end = Min(end, wait->start + pgm_lock_deadline * INT64CONST(1000));
	while ((left = end - pgm_clock_monotonic()) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		pgm_clock_wait(left / 1000 + 1);
	}
	CHECK_FOR_INTERRUPTS();
}

/* Outside of a transaction, in a worker. */
static void
apply_policy(PgmLockWait *wait, List *blockers)
{
	ListCell   *lc;

	if (pgm_blocker_policy == PGM_BLOCKER_WAIT)
		return;
	if (in_between(wait))
		pgm_txn_begin();
	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);
		const char *outcome = pgm_lockpolicy_apply(&wait->policy, blocker);

		if (outcome == NULL)
			continue;
		log_attempt(wait, "policy", outcome, 0, 0, list_make1(blocker));
		ereport(NOTICE,
				errmsg("%s: blocker_policy, process %d: %s",
					   wait->exec->label, blocker->pid, outcome),
				errdetail_internal("%s", pgm_blocker_text(blocker, true)),
				strcmp(outcome, PGM_POLICY_DENIED) == 0 ?
				errhint("The role that runs needs the rights of the blocker's role, or \"pg_signal_backend\"; a session of a superuser is for superusers.") :
				strcmp(outcome, PGM_POLICY_IDLE) != 0 ? 0 :
				errhint("Only the end of its session would help: pg_terminate_backend(%d), or \"pgmigrate.blocker_policy\" = terminate.",
						blocker->pid));
	}
	if (in_between(wait))
		pgm_txn_commit();
}

/* What statements were seen to wait for is looked at from now on, too. */
static void
adopt_observed(PgmLockWait *wait)
{
	ListCell   *lc;

	wait->needs.transaction = wait->observed_needs.transaction;
	foreach(lc, wait->observed_needs.list)
	{
		PgmLockNeed *need = lfirst(lc);
		char	   *name = get_rel_name(need->relid);
		Oid			namespace = get_rel_namespace(need->relid);

		if (name != NULL)
		{
			name = quote_qualified_identifier(get_namespace_name(namespace),
											  name);
			pgm_locklog_rename(&wait->log, need->name, name);
			need->name = MemoryContextStrdup(wait->log.context, name);
		}
		pgm_lockneeds_add(&wait->needs, need->relid, need->mode, need->name);
	}
}

bool
pgm_lockwait_may_retry(const PgmLockWait *wait)
{
	return is_on() && (wait->needs.unsure || wait->needs.list != NIL);
}

/* In a worker in a transaction of its own.  The result lives to the next. */
static List *
look(PgmLockWait *wait)
{
	List	   *blockers;
	MemoryContext old;

	MemoryContextReset(wait->look);
	old = MemoryContextSwitchTo(wait->look);
	if (in_between(wait))
		pgm_txn_begin();
	else
		pgm_clear_activity_snapshot();
	adopt_observed(wait);
	blockers = find_blockers(wait);
	pgm_locklog_blame(&wait->log, pgm_blockers_json(blockers, PGM_NAMED));
	if (in_between(wait))
		pgm_txn_commit();
	MemoryContextSwitchTo(old);
	return blockers;
}

static int64
look_interval(const PgmLockWait *wait)
{
	return wait->far ? PGM_FAR_LOOK_MS : PGM_LOOK_MS;
}

/* Let the others pass, with an eye on how long each of them takes. */
static void
rest(PgmLockWait *wait, int64 milliseconds)
{
	int64		end = pgm_clock_monotonic() + milliseconds * 1000;
	int64		left;

	while ((left = end - pgm_clock_monotonic()) > 0 && !is_late(wait))
	{
		(void) look(wait);
		sleep_milliseconds(wait, Min(left / 1000 + 1, look_interval(wait)));
	}
}

/*
 * May we queue, all the same, for clients in step?  In a session the cancel
 * that ends the wait cannot be told from the user's.
 */
static int
patience(const PgmLockWait *wait, List *blockers)
{
	if (!wait->exec->worker || wait->far || wait->disturbed >= PGM_DISTURBED ||
		pgm_blocker_policy != PGM_BLOCKER_WAIT)
		return 0;
	return pgm_lockpace_in_step(&wait->pace, blockers, pgm_lock_timeout);
}

/* Look once; true if it is time to try. */
static bool
is_time(PgmLockWait *wait)
{
	int64		begin = pgm_clock_monotonic();
	List	   *blockers = look(wait);
	bool		result = pgm_lockpace_ready(&wait->pace, blockers,
											pgm_lock_timeout,
											pgm_clock_monotonic(),
											&wait->next_wait);
	MemoryContext old = MemoryContextSwitchTo(wait->look);

	pgm_lockpolicy_dismiss(blockers);
	if (!result)
		wait->patience = patience(wait, blockers);
	if (wait->patience > 0)
		result = true;
	if (!result)
		apply_policy(wait, blockers);

	/* short waits on a busy table are not worth a message */
	if (!result || pgm_lockwait_since(wait->start) > 1000)
		pgm_lockwait_announce(wait, blockers);
	pgm_lockwait_tell(wait, blockers, in_between(wait));
	if (is_late(wait))
		pgm_lockwait_give_up(wait, blockers);
	if (!result)
	{
		sleep_milliseconds(wait, look_interval(wait));
		log_attempt(wait, "look", "busy", pgm_clock_monotonic() - begin, 1,
					blockers);
	}
	MemoryContextSwitchTo(old);
	return result;
}

static double
random_fraction(void)
{
	static uint64 state = 0;

	if (state == 0)
		state = (uint64) pgm_clock_monotonic() ^ ((uint64) MyProcPid << 32);
	state = hash_combine64(state, 1);
	return (double) (state >> 11) / (double) (UINT64CONST(1) << 53);
}

void
pgm_lockwait_pause(PgmLockWait *wait)
{
	begin_waiting(wait);
	rest(wait, (int64) (wait->used_wait *
						(PGM_PAUSE_MIN + random_fraction() *
						 (PGM_PAUSE_MAX - PGM_PAUSE_MIN))));
	wait->used_wait = 0;
	pgm_lockpace_rested(&wait->pace, pgm_clock_monotonic());
	while (!is_time(wait))
		;
	wait->may_queue = true;
}

/* Of an attempt whose statements failed; "blocked" sessions made it give way. */
static void
note_failure(PgmLockWait *wait, const ErrorData *edata, const char *outcome,
			 int blocked)
{
	PgmLockAttempt attempt = {0};
	Oid			relid;
	LOCKMODE	mode;
	int			pid = 0;

	attempt.at = GetCurrentTimestamp();
	attempt.phase = "run";
	attempt.outcome = outcome;
	attempt.behind = blocked;
	if (blocked > 0)
	{
		const PgmLockNeed *need = pgm_lockwait_main_need(wait, NIL);

		attempt.relation = need ? need->name : NULL;
		attempt.mode = need ? need->mode : NoLock;
	}
	else
	{
		attempt.waited = pgm_lockwatch_waited();
		wait->observed_needs.transaction =
			pgm_lockwatch_waited_transaction(&pid);
		if (pgm_lockwatch_waited_for(&relid, &mode) &&
			relid >= FirstNormalObjectId)
		{
			if (edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
				learn_order(wait, relid);
			attempt.relation = psprintf("%u", relid);
			attempt.mode = mode;
			pgm_lockneeds_add(&wait->observed_needs, relid, mode,
							  attempt.relation);
		}
		else if (pid == 0 && wait->nodes_lxid != InvalidLocalTransactionId)
		{
			wait->far = true;
			wait->node_wait = (int) Min((double) pgm_lock_timeout,
										wait->node_wait * PGM_GROWTH);
		}
	}
	pgm_locklog_add(&wait->log, &attempt);

	if (blocked == 1)
		strlcpy(wait->cause,
				"A session waited longer than \"pgmigrate.max_block_time\" for the step, which gave way.",
				sizeof(wait->cause));
	else if (blocked > 0)
		snprintf(wait->cause, sizeof(wait->cause),
				 "%d sessions waited longer than \"pgmigrate.max_block_time\" for the step, which gave way.",
				 blocked);
	else if (pid != 0)
		snprintf(wait->cause, sizeof(wait->cause),
				 "The last attempt waited for process %d and ended with: %s",
				 pid, edata->message);
	else
		snprintf(wait->cause, sizeof(wait->cause),
				 "The last attempt of the step, of %d, ended with: %s",
				 wait->log.n, edata->message);
}

bool
pgm_lockwait_retry(PgmLockWait *wait, const ErrorData *edata)
{
	MemoryContext old;
	const char *outcome;
	int			blocked;
	bool		gave_way = pgm_lockwatch_gave_way(&blocked);

	if (!is_on())
		return false;
	switch (edata->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			outcome = "timeout";
			break;
		case ERRCODE_T_R_DEADLOCK_DETECTED:
			outcome = "deadlock";
			break;
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			outcome = "serialization failure";
			break;
		case ERRCODE_QUERY_CANCELED:
			if (!gave_way)
				return false;
			outcome = "gave way";
			break;
		default:
			return false;
	}

	/* given up already, at the deadline */
	if (wait->gave_up)
		return false;

	old = MemoryContextSwitchTo(wait->log.context);
	begin_waiting(wait);
	note_failure(wait, edata, outcome, gave_way ? blocked : 0);
	if (is_late(wait) || (wait->waits_for_rows != 0 &&
						  pgm_lockwait_since(wait->waits_for_rows) >=
						  pgm_lock_deadline))
		pgm_lockwait_give_up_after(wait, edata);
	wait->used_wait = Min(pgm_lock_timeout, PGM_RETRY_WAIT_MS);
	wait->may_queue = false;
	MemoryContextSwitchTo(old);
	return true;
}

bool
pgm_lockwait_kept_detail(const PgmLockWait *wait, char **detail)
{
	if (!wait->gave_up)
		return false;
	*detail = wait->kept_detail;
	return true;
}

char *
pgm_lockwait_details(PgmLockWait *wait)
{
	/* after the last attempt there was no look */
	if (wait->exec->worker && pgm_locklog_is_unexplained(&wait->log))
	{
		adopt_observed(wait);
		pgm_locklog_blame(&wait->log,
						  pgm_blockers_json(find_blockers(wait), PGM_NAMED));
	}
	return pgm_locklog_json(&wait->log);
}
