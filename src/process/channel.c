/*-------------------------------------------------------------------------
 *
 * channel.c
 *	  The shared memory segment between a worker and who launched it.
 *
 * A table of contents with the header, the payload of the job, the settings of
 * the launcher's session, and the queue for what the worker reports.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/shm_toc.h"

#include "process/channel.h"

#define PGM_CHANNEL_MAGIC 0x70676d67
#define PGM_QUEUE_SIZE 65536

enum
{
	PGM_KEY_CHANNEL = 1,
	PGM_KEY_PAYLOAD,
	PGM_KEY_SETTINGS,
	PGM_KEY_QUEUE
};

#define PGM_KEYS 4

static void *
allocate(shm_toc *toc, uint64 key, Size size)
{
	void	   *space = shm_toc_allocate(toc, Max(size, 1));

	shm_toc_insert(toc, key, space);
	return space;
}

void
pgm_channel_create(PgmSegment *segment, Size payload_size, Size settings_size)
{
	shm_toc_estimator estimator;
	shm_toc    *toc;
	Size		size;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(PgmChannel));
	shm_toc_estimate_chunk(&estimator, Max(payload_size, 1));
	shm_toc_estimate_chunk(&estimator, Max(settings_size, 1));
	shm_toc_estimate_chunk(&estimator, PGM_QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, PGM_KEYS);
	size = shm_toc_estimate(&estimator);

	segment->segment = dsm_create(size, 0);
	dsm_pin_mapping(segment->segment);
	toc = shm_toc_create(PGM_CHANNEL_MAGIC,
						 dsm_segment_address(segment->segment), size);
	segment->channel = allocate(toc, PGM_KEY_CHANNEL, sizeof(PgmChannel));
	segment->payload = allocate(toc, PGM_KEY_PAYLOAD, payload_size);
	segment->settings = allocate(toc, PGM_KEY_SETTINGS, settings_size);
	segment->queue =
		shm_mq_create(allocate(toc, PGM_KEY_QUEUE, PGM_QUEUE_SIZE),
					  PGM_QUEUE_SIZE);

	memset(segment->channel, 0, sizeof(PgmChannel));
	segment->channel->payload_size = payload_size;
	segment->channel->settings_size = settings_size;
	segment->channel->launcher = MyProc;
	pg_atomic_init_u32(&segment->channel->has_reason, 0);
	pg_atomic_init_u64(&segment->channel->accepted, 0);
	pg_atomic_init_u32(&segment->channel->finished, 0);
	pg_atomic_init_u32(&segment->channel->dropped, 0);
	pg_atomic_init_u32(&segment->channel->last_size, 0);
}

void
pgm_channel_attach(PgmSegment *segment, dsm_handle handle)
{
	shm_toc    *toc;

	segment->segment = dsm_attach(handle);
	if (segment->segment == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("could not map dynamic shared memory segment"));
	dsm_pin_mapping(segment->segment);
	toc = shm_toc_attach(PGM_CHANNEL_MAGIC,
						 dsm_segment_address(segment->segment));
	if (toc == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("invalid magic number in dynamic shared memory segment"));
	segment->channel = shm_toc_lookup(toc, PGM_KEY_CHANNEL, false);
	segment->payload = shm_toc_lookup(toc, PGM_KEY_PAYLOAD, false);
	segment->settings = shm_toc_lookup(toc, PGM_KEY_SETTINGS, false);
	segment->queue = shm_toc_lookup(toc, PGM_KEY_QUEUE, false);
}
