/*-------------------------------------------------------------------------
 *
 * channel.h
 *	  The shared memory segment between a worker and who launched it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_CHANNEL_H
#define PGM_PROCESS_CHANNEL_H

#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"

/* What a worker is to do; the payload of each kind is its own. */
typedef enum PgmJobKind
{
	PGM_JOB_RUN,
	PGM_JOB_BACKFILL,
	PGM_JOB_COMPARE,
	PGM_JOB_REHEARSE,
	PGM_JOB_REBUILD,
	PGM_JOB_SCRATCH,			/* these two in a scratch database */
	PGM_JOB_REHEARSE_STEPS,
	PGM_JOB_FLEET				/* a run in any database of the cluster */
} PgmJobKind;

#define PGM_JOB_KINDS 8

/*
 * The right to work of a run.  Its owner holds the run lock; the helpers that
 * the owner launches share the right, and never take the lock.
 */
typedef enum PgmRunRole
{
	PGM_RUN_NONE,
	PGM_RUN_OWNER,
	PGM_RUN_HELPER
} PgmRunRole;

typedef struct PgmRunRight
{
	PgmRunRole	role;
	int64		run;			/* 0 of an owner that has not begun it yet */
} PgmRunRight;

/* What is neither an error nor a notice, and so of the job. */
#define PGM_MESSAGE_ANSWER 'A'

/* Where to see how far run N came, for who is not told its end. */
#define PGM_HINT_STATUS \
	"See where it stands with SELECT * FROM pgmigrate.status(" INT64_FORMAT ")."

/* Bytes kept of the error that made the launcher cancel its worker. */
#define PGM_REASON_SIZE 256

/* Of the error that a worker leaves where there is no room in its queue. */
#define PGM_LAST_SIZE 16384

/* Written by the launcher before the worker starts, but where it is said. */
typedef struct PgmChannel
{
	PgmJobKind	kind;
	PgmRunRight right;
	Oid			database;
	Oid			connect_as;
	Oid			role;			/* to SET, if it is not connect_as */
	Oid			session_role;
	Size		payload_size;
	Size		settings_size;
	PGPROC	   *launcher;

	/* why the worker is cancelled; whole when the flag is set */
	char		reason[PGM_REASON_SIZE];
	pg_atomic_uint32 has_reason;

	/* written by the worker, which then sets the launcher's latch */
	pg_atomic_uint64 accepted;	/* the number of what it does, 0 before */
	pg_atomic_uint32 finished;
	pg_atomic_uint32 dropped;	/* messages that nobody has read */

	/* the error that ended it, with its type; whole when there is a size */
	char		last[PGM_LAST_SIZE];
	pg_atomic_uint32 last_size;
} PgmChannel;

/* The segment as one of the two sides sees it. */
typedef struct PgmSegment
{
	dsm_segment *segment;
	PgmChannel *channel;
	char	   *payload;
	char	   *settings;
	shm_mq	   *queue;
} PgmSegment;

/*
 * Both leave the segment mapped until it is detached.  The launcher fills the
 * header, payload and settings.
 */
extern void pgm_channel_create(PgmSegment *segment, Size payload_size,
							   Size settings_size);
extern void pgm_channel_attach(PgmSegment *segment, dsm_handle handle);

#endif							/* PGM_PROCESS_CHANNEL_H */
