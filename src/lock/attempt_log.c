/*-------------------------------------------------------------------------
 *
 * attempt_log.c
 *	  The attempts to get the locks of a step, as they are kept with it.
 *
 * Of many attempts the first and the last ones are kept, so that neither
 * memory nor the step's row grows with the time waited.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "lock/attempt_log.h"

void
pgm_locklog_init(PgmLockLog *log, MemoryContext context)
{
	memset(log, 0, sizeof(PgmLockLog));
	log->context = context;
}

static PgmLockAttempt *
slot(PgmLockLog *log, int n)
{
	return n < PGM_LOCKLOG_FIRST ? &log->first[n] :
		&log->last[n % PGM_LOCKLOG_LAST];
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
extends(const PgmLockAttempt *attempt, const PgmLockAttempt *last)
{
	return attempt->looks > 0 && last->looks > 0 &&
		attempt->outcome == last->outcome &&
		attempt->blockers == last->blockers &&
		same_text(attempt->relation, last->relation);
}

void
pgm_locklog_add(PgmLockLog *log, const PgmLockAttempt *attempt)
{
	PgmLockAttempt *entry;
	MemoryContext old;

	log->waited += attempt->waited;
	if (log->n > 0)
	{
		entry = slot(log, log->n - 1);
		if (extends(attempt, entry))
		{
			entry->waited += attempt->waited;
			entry->looks++;
			return;
		}
	}

	entry = slot(log, log->n);
	if (log->n >= PGM_LOCKLOG_FIRST + PGM_LOCKLOG_LAST)
	{
		if (entry->relation != NULL)
			pfree(entry->relation);
		if (entry->blocked_by != NULL)
			pfree(entry->blocked_by);
	}
	old = MemoryContextSwitchTo(log->context);
	*entry = *attempt;
	if (attempt->relation != NULL)
		entry->relation = pstrdup(attempt->relation);
	if (attempt->blocked_by != NULL)
		entry->blocked_by = pstrdup(attempt->blocked_by);
	MemoryContextSwitchTo(old);
	log->n++;
}

bool
pgm_locklog_is_unexplained(const PgmLockLog *log)
{
	return log->n > 0 &&
		slot(unconstify(PgmLockLog *, log), log->n - 1)->blocked_by == NULL;
}

void
pgm_locklog_blame(PgmLockLog *log, const char *blocked_by)
{
	PgmLockAttempt *entry;

	if (log->n == 0)
		return;
	entry = slot(log, log->n - 1);
	if (entry->blocked_by == NULL)
		entry->blocked_by = MemoryContextStrdup(log->context, blocked_by);
}

void
pgm_locklog_rename(PgmLockLog *log, const char *from, const char *to)
{
	if (strcmp(from, to) == 0)
		return;
	for (int i = 0; i < Min(log->n, PGM_LOCKLOG_FIRST + PGM_LOCKLOG_LAST); i++)
	{
		PgmLockAttempt *entry = slot(log, i);

		if (entry->relation != NULL && strcmp(entry->relation, from) == 0)
			entry->relation = MemoryContextStrdup(log->context, to);
	}
}

static void
append_attempt(StringInfo buf, const PgmLockAttempt *attempt, int n)
{
	char		at[MAXDATELEN + 1];

	JsonEncodeDateTime(at, TimestampTzGetDatum(attempt->at), TIMESTAMPTZOID,
					   NULL);
	appendStringInfo(buf, "{\"n\": %d, \"at\": \"%s\"", n + 1, at);
	appendStringInfo(buf, ", \"phase\": \"%s\", \"outcome\": \"%s\"",
					 attempt->phase, attempt->outcome);
	if (attempt->relation != NULL)
	{
		appendStringInfoString(buf, ", \"relation\": ");
		escape_json(buf, attempt->relation);
	}
	if (attempt->mode != NoLock)
		appendStringInfo(buf, ", \"mode\": \"%s\"",
						 GetLockmodeName(DEFAULT_LOCKMETHOD, attempt->mode));
	appendStringInfo(buf, ", \"waited_ms\": %.1f", attempt->waited / 1000.0);
	if (attempt->looks > 0)
		appendStringInfo(buf, ", \"looks\": %d", attempt->looks);
	appendStringInfo(buf, ", \"behind\": %d, \"blocked_by\": %s}",
					 attempt->behind,
					 attempt->blocked_by ? attempt->blocked_by : "[]");
}

char *
pgm_locklog_json(const PgmLockLog *log)
{
	StringInfoData buf;
	int			begin_last = Max(PGM_LOCKLOG_FIRST, log->n - PGM_LOCKLOG_LAST);

	if (log->n == 0)
		return NULL;
	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"lock_attempts_total\": %d, \"lock_wait_ms\": %.1f, \"lock_attempts\": [",
					 log->n, log->waited / 1000.0);
	for (int i = 0; i < log->n; i++)
	{
		if (i >= PGM_LOCKLOG_FIRST && i < begin_last)
			continue;
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		append_attempt(&buf, slot(unconstify(PgmLockLog *, log), i), i);
	}
	appendStringInfoString(&buf, "]}");
	return buf.data;
}
