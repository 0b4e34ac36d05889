/*-------------------------------------------------------------------------
 *
 * messages.c
 *	  What is said of a wait for locks: while it lasts, and at its end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/settings.h"
#include "lock/internal.h"
#include "process/follow.h"

int64
pgm_lockwait_since(int64 since)
{
	return (pgm_clock_monotonic() - since) / 1000;
}

const PgmLockNeed *
pgm_lockwait_main_need(const PgmLockWait *wait, List *blockers)
{
	const PgmLockNeed *strongest = NULL;
	ListCell   *lc;

	if (blockers != NIL)
		return ((PgmBlocker *) linitial(blockers))->need;
	foreach(lc, wait->needs.list)
	{
		const PgmLockNeed *need = lfirst(lc);

		if (strongest == NULL || need->mode > strongest->mode)
			strongest = need;
	}
	return strongest;
}

/* As the user has written it, or could have. */
static const char *
deadline_text(void)
{
	return GetConfigOptionByName("pgmigrate.lock_deadline", NULL, false);
}

/*
 * Those whose end has to be waited for; where transactions are short, and only
 * too many, the oldest one.
 */
static List *
culprits(List *blockers)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		if (blocker->lasting && list_length(result) < PGM_NAMED)
			result = lappend(result, blocker);
	}
	return result == NIL && blockers != NIL ?
		list_make1(linitial(blockers)) : result;
}

/* The others are a number. */
static void
append_others(StringInfo buf, List *blockers, const List *named)
{
	int			others = list_length(blockers) - list_length(named);
	int64		age = -1;
	ListCell   *lc;

	if (others == 0)
		return;
	foreach(lc, blockers)
	{
		PgmBlocker *blocker = lfirst(lc);

		if (!list_member_ptr(named, blocker))
			age = Max(age, blocker->age);
	}
	appendStringInfo(buf, "\nand %d more", others);
	if (age >= 0)
		appendStringInfo(buf, ", none for longer than %.1f s", age / 1000.0);
}

static char *
blockers_text(const PgmLockWait *wait, List *blockers, bool with_query)
{
	List	   *named = culprits(blockers);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, named)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "\n" : "",
						 pgm_blocker_text(lfirst(lc), with_query));
	append_others(&buf, blockers, named);
	if (wait->cause[0] != '\0')
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "\n" : "", wait->cause);
	return buf.data;
}

void
pgm_lockwait_on_long(PgmLockWait *wait, PgmLockTell tell, void *arg)
{
	wait->tell = tell;
	wait->tell_arg = arg;
}

void
pgm_lockwait_tell(PgmLockWait *wait, List *blockers, bool now)
{
	MemoryContext context = wait->log.context;
	const PgmLockNeed *need = pgm_lockwait_main_need(wait, blockers);
	int64		waited = pgm_lockwait_since(wait->start);
	const char *relation = need == NULL ? "" : pgm_printable_line(need->name);
	char	   *text;

	if (wait->tell == NULL || wait->reported || waited < pgm_lock_wait_event)
		return;
	if (!now && wait->unreported > 0)
	{
		wait->unreported = waited;
		return;
	}
	text = blockers_text(wait, blockers, false);
	if (now)
	{
		wait->reported = true;
		wait->tell(wait->tell_arg, wait->revision, relation, waited, text);
		return;
	}
	wait->unreported = waited;
	wait->unreported_relation = MemoryContextStrdup(context, relation);
	wait->unreported_blockers = MemoryContextStrdup(context, text);
}

void
pgm_lockwait_tell_rest(PgmLockWait *wait)
{
	if (wait->tell == NULL || wait->reported || wait->unreported == 0)
		return;
	wait->reported = true;
	wait->tell(wait->tell_arg, wait->revision, wait->unreported_relation,
			   wait->unreported, wait->unreported_blockers);
}

/*
 * Transactions that follow each other, each longer than the limit, leave no
 * gap in which to get a lock: how long would the limit have to be?  0 if that
 * is not what was in the way.
 */
static int64
sufficient_timeout(const PgmLockWait *wait)
{
	int64		life = pgm_lockpace_life(&wait->pace);

	return life <= pgm_lock_timeout ? 0 : (life / 100 + 2) * 100;
}

void
pgm_lockwait_give_up(PgmLockWait *wait, List *blockers)
{
	int64		sufficient = sufficient_timeout(wait);
	const PgmLockNeed *need = pgm_lockwait_main_need(wait, blockers);
	char	   *text = blockers_text(wait, blockers, true);
	char	   *kept = blockers_text(wait, blockers, false);
	bool		prepared = blockers != NIL &&
		((PgmBlocker *) linitial(blockers))->pid == 0;

	wait->gave_up = true;
	wait->kept_detail = kept[0] == '\0' ? NULL :
		MemoryContextStrdup(wait->log.context, kept);
	ereport(ERROR,
			errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			need != NULL ?
			errmsg("could not get %s on relation %s within %s",
				   pgm_lock_mode_name(need->mode),
				   pgm_printable_line(need->name), deadline_text()) :
			errmsg("could not get the locks of the step within %s",
				   deadline_text()),
			text[0] != '\0' ? errdetail_internal("%s", text) : 0,
			sufficient > 0 ?
			errhint("The step was not begun, or was rolled back.  Transactions of up to %.1f s follow each other: a \"pgmigrate.lock_timeout\" of '" INT64_FORMAT "ms' would do, and the application may have to wait for as long.",
					pgm_lockpace_life(&wait->pace) / 1000.0, sufficient) :
			prepared ?
			errhint("The step was not begun, or was rolled back.  End the prepared transaction with COMMIT PREPARED or ROLLBACK PREPARED and repeat the call, or raise \"pgmigrate.lock_deadline\".") :
			errhint("The step was not begun, or was rolled back.  Repeat the call when the blockers are gone, or raise \"pgmigrate.lock_deadline\"; see \"pgmigrate.blocker_policy\"."),
			wait->revision != NULL ?
			errcontext("locks of revision \"%s\"", wait->revision) : 0);
}

void
pgm_lockwait_give_up_after(const PgmLockWait *wait, const ErrorData *edata)
{
	FlushErrorState();
	ereport(ERROR,
			errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			errmsg("could not carry out the step within %s",
				   deadline_text()),
			errdetail_internal("%s", wait->cause),
			errhint("The step was rolled back.  Repeat the call when less is going on, or raise \"pgmigrate.lock_deadline\"; see pgmigrate.lock_timeline()."),
			edata->context ? errcontext("%s", edata->context) : 0);
}

static void
report_waiting(const PgmLockWait *wait, const char *what,
			   const PgmBlocker *first)
{
	StringInfoData activity;

	initStringInfo(&activity);
	appendStringInfo(&activity, "/* pgmigrate: %s, revision %s "
					 PGM_ACTIVITY_WAITING "%s", wait->exec->label,
					 wait->revision ? wait->revision : "", what);
	if (first != NULL && first->pid != 0)
	{
		appendStringInfo(&activity, PGM_ACTIVITY_BLOCKED "%d", first->pid);
		if (first->node != NULL)
			appendStringInfo(&activity, " on node %s", first->node);
	}
	else if (first != NULL)
		appendStringInfo(&activity, ", blocked by prepared transaction %s",
						 quote_literal_cstr(first->kind ? first->kind : "?"));
	pgstat_report_activity(STATE_RUNNING, activity.data);
}

/*
 * What is done next may not be a statement, which would say what it is: rows
 * that are copied, for one.
 */
void
pgm_lockwait_announce_end(PgmLockWait *wait)
{
	if (!wait->announced)
		return;
	wait->announced = false;
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("/* pgmigrate: %s, revision %s */",
									wait->exec->label,
									wait->revision ? wait->revision : ""));
}

void
pgm_lockwait_announce(PgmLockWait *wait, List *blockers)
{
	const PgmLockNeed *need = pgm_lockwait_main_need(wait, blockers);
	char	   *text = blockers_text(wait, blockers, true);
	char	   *what;

	if (need != NULL)
		what = psprintf("for %s on %s", pgm_lock_mode_name(need->mode),
						need->name);
	else if (blockers != NIL)
		what = pstrdup("for rows that are locked");
	else
		what = pstrdup("to try again");
	if (wait->exec->worker)
	{
		report_waiting(wait, what,
					   blockers == NIL ? NULL : linitial(blockers));
		wait->announced = true;
	}

	if (pgm_clock_monotonic() < wait->next_notice)
		return;
	ereport(NOTICE,
			errmsg("%s: waiting %s, %.1f s so far", wait->exec->label,
				   pgm_printable_line(what),
				   pgm_lockwait_since(wait->start) / 1000.0),
			text[0] != '\0' ? errdetail_internal("%s", text) : 0);
	wait->next_notice = pgm_clock_monotonic() +
		wait->notice_interval * INT64CONST(1000);
	wait->notice_interval = Min(wait->notice_interval * 3, PGM_NOTICE_MAX_MS);
}
