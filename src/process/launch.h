/*-------------------------------------------------------------------------
 *
 * launch.h
 *	  Start workers, and stop them when the launcher fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_PROCESS_LAUNCH_H
#define PGM_PROCESS_LAUNCH_H

#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "postmaster/bgworker.h"

#include "process/channel.h"

/* The job goes on when the client of the launcher is gone. */
#define PGM_LAUNCH_OUTLIVES_CLIENT 0x0001

/* It has something to put away when it is cancelled, and needs time for it. */
#define PGM_LAUNCH_CLEANS_UP 0x0002

/* If all worker processes are in use, there is none and no error. */
#define PGM_LAUNCH_MAY_LACK_SLOT 0x0004

/*
 * It takes over what the session itself has set; the settings of database and
 * role are those of where it works.
 */
#define PGM_LAUNCH_SET_BY_SESSION 0x0008

/* The newest of what it warns of; of the process. */
#define PGM_WARNINGS_KEPT 8

typedef struct PgmWarning
{
	char	   *message;
	int			size;
} PgmWarning;

/* A worker that was launched; it lives until it is closed. */
typedef struct PgmProcess
{
	dlist_node	node;
	MemoryContext context;
	MemoryContext message_context;	/* reset for each message */
	PgmSegment	segment;
	shm_mq_handle *queue;
	BackgroundWorkerHandle *handle;
	int			flags;
	bool		ended;			/* followed to its end */

	/* for what the job answers; the message is gone when it returns */
	void		(*answer) (StringInfo message, void *arg);
	void	   *answer_arg;
	bool		relaying;		/* what is raised is the worker's */
	PgmWarning	warnings[PGM_WARNINGS_KEPT];	/* while it was stopped */
	int			nwarnings;

	/* asked to have who waits for us, and it for him, give up; may be NULL */
	bool		(*dismiss) (int pid);

	/* gets what it reports, which is not raised then; it may have failed */
	void		(*report) (const ErrorData *edata, void *arg);
} PgmProcess;

/*
 * Run a function that launches and follows workers.  If it fails, or the
 * session ends, those that it has not closed are stopped, and waited for,
 * before the error goes on.  What it leaves open on success goes on unwatched.
 */
extern void pgm_process_guarded(void (*body) (void *arg), void *arg);

/*
 * Only in a guarded function.  The payload is copied; the settings and the
 * role are those of this session at the moment.  A helper works for a run that
 * this process owns.
 */
extern PgmProcess *pgm_process_launch(PgmJobKind kind, PgmRunRight right,
									  const char *payload, Size size,
									  int flags);

/* The same in another database; in a transaction.  NULL: see the flags. */
extern PgmProcess *pgm_process_launch_in(Oid database, PgmJobKind kind,
										 PgmRunRight right,
										 const char *payload, Size size,
										 int flags);
extern void pgm_process_close(PgmProcess *process);

#endif							/* PGM_PROCESS_LAUNCH_H */
