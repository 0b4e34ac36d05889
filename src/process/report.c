/*-------------------------------------------------------------------------
 *
 * report.c
 *	  What a worker reports, without ever being held up by who reads it.
 *
 * The server's own redirection to a queue waits for room as long as it takes:
 * a client that is stopped, or whose network is gone, would keep the locks of
 * the step that reports.  Here a message is waited for a second; if nothing
 * has been read by then, further ones are dropped, and counted, until there is
 * room again.  What was begun is completed first: half of a message cannot be
 * taken back.  The error that ends the worker is never dropped: where there is
 * no room in the queue it is left beside it, so that neither the process nor
 * its place among the workers waits for a client.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "compat/protocol.h"
#include "process/entry.h"
#include "process/report.h"

/* For room in the queue, and between two tries for it. */
#define PGM_PATIENCE_MS 1000
#define PGM_RETRY_MS 100

/* Bytes of each field of an error that is too long to be left whole. */
#define PGM_FIELD_SIZE 700

static shm_mq_handle *queue = NULL;
static PgmChannel *channel;
static PQcommMethods methods;
static StringInfoData unsent;	/* a message that was begun */
static bool stalled = false;

/* Less than 0 is for ever, unless the job is cancelled. */
static bool
is_over(int64 begun, int patience)
{
	if (ProcDiePending)
		return true;
	if (patience < 0 && pgm_process_is_cancelled())
		patience = PGM_PATIENCE_MS;
	return patience >= 0 &&
		(pgm_clock_monotonic() - begun) / 1000 >= patience;
}

/* Go on with the message that was begun; true if it is through. */
static bool
complete(int patience)
{
	int64		begun = pgm_clock_monotonic();

	while (unsent.len > 0)
	{
		switch (pgm_mq_send(queue, unsent.len, unsent.data))
		{
			case SHM_MQ_WOULD_BLOCK:
				break;
			case SHM_MQ_DETACHED:
				queue = NULL;
				return false;
			default:
				unsent.len = 0;
				stalled = false;
				return true;
		}
		if (is_over(begun, patience))
		{
			stalled = true;
			return false;
		}
		pgm_clock_wait(PGM_RETRY_MS);
	}
	return true;
}

/*
 * A long error is cut in each of its fields: the launcher goes by those that
 * are short.  Each field is a byte and a text, and a zero byte ends the last.
 */
static void
leave_error(const char *data, size_t length)
{
	const char *end = data + length;
	char	   *to = channel->last;

	*to++ = 'E';
	for (const char *field = data; field < end && *field != '\0';)
	{
		int			size = strlen(field + 1);
		int			kept = size;

		if (length + 1 > PGM_LAST_SIZE)
			kept = pg_mbcliplen(field + 1, size, PGM_FIELD_SIZE);
		if (to - channel->last + kept + 3 > PGM_LAST_SIZE)
			break;
		*to++ = *field;
		memcpy(to, field + 1, kept);
		to += kept;
		*to++ = '\0';
		field += size + 2;
	}
	*to++ = '\0';
	pg_write_barrier();
	pg_atomic_write_u32(&channel->last_size, to - channel->last);
}

/* Put it into the queue; false if there was no room. */
static bool
put(char type, const char *data, size_t length)
{
	int			patience = stalled ? 0 : PGM_PATIENCE_MS;

	if (!complete(patience))
		return false;
	resetStringInfo(&unsent);
	appendStringInfoChar(&unsent, type);
	appendBinaryStringInfo(&unsent, data, length);

	/* the rest of a message goes on later, but nothing is after an error */
	return complete(patience) || type != 'E';
}

static int
put_message(char type, const char *data, size_t length)
{
	if (queue == NULL || (type != 'E' && type != 'N') ||
		put(type, data, length) || queue == NULL)
		return 0;
	if (type == 'E')
		leave_error(data, length);
	if (type == 'N' || unsent.data[0] == 'N')
		pg_atomic_fetch_add_u32(&channel->dropped, 1);
	return 0;
}

void
pgm_report_begin(const PgmSegment *segment)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	initStringInfo(&unsent);
	MemoryContextSwitchTo(old);
	channel = segment->channel;
	shm_mq_set_sender(segment->queue, MyProc);
	queue = shm_mq_attach(segment->queue, segment->segment, NULL);
	pq_redirect_to_shm_mq(segment->segment, queue);
	methods = *PqCommMethods;
	methods.putmessage = put_message;
	PqCommMethods = &methods;
}

void
pgm_report_answer(const StringInfo message)
{
	if (complete(-1) && queue != NULL)
	{
		resetStringInfo(&unsent);
		appendStringInfoChar(&unsent, PGM_MESSAGE_ANSWER);
		appendBinaryStringInfo(&unsent, message->data, message->len);
		if (complete(-1))
			return;
	}
	pgm_process_check_cancel();
	ereport(ERROR,
			errcode(ERRCODE_CONNECTION_FAILURE),
			errmsg("the session that waits for an answer is gone"));
}

void
pgm_report_end(void)
{
	if (queue != NULL && !complete(stalled ? 0 : PGM_PATIENCE_MS))
		pg_atomic_fetch_add_u32(&channel->dropped, 1);
}
