/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  Differences between server versions about message queues.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_QUEUE_H
#define PGM_COMPAT_QUEUE_H

#include "storage/shm_mq.h"

/* Waits for room, and does not leave the message in the sender's buffer. */
#if PG_VERSION_NUM >= 150000
#define pgm_shm_mq_send(queue, size, data) \
	shm_mq_send(queue, size, data, false, true)
#else
#define pgm_shm_mq_send(queue, size, data) \
	shm_mq_send(queue, size, data, false)
#endif

#endif							/* PGM_COMPAT_QUEUE_H */
