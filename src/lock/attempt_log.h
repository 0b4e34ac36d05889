/*-------------------------------------------------------------------------
 *
 * attempt_log.h
 *	  The attempts to get the locks of a step, as they are kept with it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_ATTEMPT_LOG_H
#define PGM_LOCK_ATTEMPT_LOG_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* So many are kept from the beginning, and so many from the end. */
#define PGM_LOCKLOG_FIRST 20
#define PGM_LOCKLOG_LAST 20

/* One attempt; texts may be NULL. */
typedef struct PgmLockAttempt
{
	TimestampTz at;
	const char *phase;			/* a constant: look, ask, run, policy */
	const char *outcome;		/* a constant */
	char	   *relation;
	LOCKMODE	mode;
	int64		waited;			/* microseconds */
	int			looks;			/* polls that found the same */
	int			behind;			/* sessions that waited behind us */
	char	   *blocked_by;		/* jsonb array as text */
	uint32		blockers;		/* hash of who they were */
} PgmLockAttempt;

typedef struct PgmLockLog
{
	MemoryContext context;
	int			n;
	int64		waited;			/* microseconds, of all */
	PgmLockAttempt first[PGM_LOCKLOG_FIRST];
	PgmLockAttempt last[PGM_LOCKLOG_LAST];	/* the n-th at n % size */
} PgmLockLog;

extern void pgm_locklog_init(PgmLockLog *log, MemoryContext context);

/* Texts are copied.  A look that found what the last one did extends that. */
extern void pgm_locklog_add(PgmLockLog *log, const PgmLockAttempt *attempt);

/* Is it not known yet who was in the way of the last attempt? */
extern bool pgm_locklog_is_unexplained(const PgmLockLog *log);

/*
 * Who is in the way right after an attempt that failed before that could be
 * seen; nothing, if it is known of the last attempt.
 */
extern void pgm_locklog_blame(PgmLockLog *log, const char *blocked_by);

/* A relation of which only the OID was known has a name. */
extern void pgm_locklog_rename(PgmLockLog *log, const char *from,
							   const char *to);

/* Keys for run_step.details as jsonb text, NULL if nothing is to be told. */
extern char *pgm_locklog_json(const PgmLockLog *log);

#endif							/* PGM_LOCK_ATTEMPT_LOG_H */
