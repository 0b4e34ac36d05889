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
 * taken back.  An error is waited for as long as no transaction is open.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/clock.h"
#include "compat/protocol.h"
#include "process/report.h"

/* For room in the queue, and between two tries for it. */
#define PGM_PATIENCE_MS 1000
#define PGM_RETRY_MS 100

static shm_mq_handle *queue = NULL;
static PgmChannel *channel;
static PQcommMethods methods;
static StringInfoData unsent;	/* a message that was begun */
static bool stalled = false;

/*
 * Go on with the message that was begun; true if it is through.  Not to wait
 * is 0; for ever, but for the end of the process, is less.
 */
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
		if ((patience >= 0 &&
			 (pgm_clock_monotonic() - begun) / 1000 >= patience) ||
			ProcDiePending)
		{
			stalled = true;
			return false;
		}
		pgm_clock_wait(PGM_RETRY_MS);
	}
	return true;
}

static int
put_message(char type, const char *data, size_t length)
{
	int			patience = stalled ? 0 : PGM_PATIENCE_MS;

	if (queue == NULL || (type != 'E' && type != 'N'))
		return 0;
	if (type == 'E')
		patience = IsTransactionState() ? PGM_PATIENCE_MS : -1;
	if (!complete(patience))
	{
		if (type == 'N')
			pg_atomic_fetch_add_u32(&channel->dropped, 1);
		return 0;
	}
	resetStringInfo(&unsent);
	appendStringInfoChar(&unsent, type);
	appendBinaryStringInfo(&unsent, data, length);
	(void) complete(patience);
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
	CHECK_FOR_INTERRUPTS();
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
