/*-------------------------------------------------------------------------
 *
 * entry.h
 *	  Where a worker begins, and what its job may ask and tell.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_ENTRY_H
#define PGM_PROCESS_ENTRY_H

#include "process/channel.h"

/* What the launcher has handed over. */
typedef struct PgmJob
{
	PgmRunRight right;
	const char *payload;
	Size		payload_size;
	const char *settings;		/* of the launcher's session */
	Size		settings_size;
	Oid			session_role;	/* session user of the launcher */
	bool		guard;			/* connected as another than current_user */
} PgmJob;

/*
 * Called outside of a transaction, with the role and the settings of the
 * launcher in force.  What it raises, the launcher raises.
 */
typedef void (*PgmJobFunction) (const PgmJob *job);

/* At the load of the library, by who owns the kind of job. */
extern void pgm_process_register(PgmJobKind kind, PgmJobFunction function);

/* In a worker: tell the launcher that the job has begun, and its number. */
extern void pgm_process_accept(int64 number);

/*
 * In a worker: raise the cancel that was asked for, if there was one.  The
 * server forgets a cancel that comes while nothing can be cancelled, or ends a
 * wait for a standby with it; we do not.
 */
extern void pgm_process_check_cancel(void);
extern bool pgm_process_is_cancelled(void);

/*
 * In a worker: from here on a cancel is remembered, and ends nothing until
 * this is called with false.  Timeouts do end what they are for, unlike with
 * HOLD_CANCEL_INTERRUPTS, and an error leaves it as it is.
 */
extern void pgm_process_defer_cancel(bool defer);

/*
 * Is this error the end of a cancel that somebody has asked for?  A timeout is
 * a failure like any other, unless a cancel had come before it.
 */
extern bool pgm_process_cancel_caused(const ErrorData *edata);

/*
 * In a worker: was its only cancel sent by a background worker whose kind
 * begins so?  Then it is forgotten.  In the handler of its error, too.
 */
extern bool pgm_process_excuse_cancel(const char *kind);

/* Why the launcher has cancelled this worker, else NULL. */
extern const char *pgm_process_cancel_reason(void);

/* Whose helper this process is; its role is PGM_RUN_NONE in a session. */
extern PgmRunRight pgm_process_right(void);

extern PGDLLEXPORT void pgmigrate_worker_main(Datum main_arg);

#endif							/* PGM_PROCESS_ENTRY_H */
