/*-------------------------------------------------------------------------
 *
 * journal.h
 *	  Runs and their steps.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_JOURNAL_H
#define PGM_STORE_JOURNAL_H

#include "datatype/timestamp.h"
#include "utils/elog.h"

/*
 * What to say of a run found interrupted, as SQL.  An error ends the run of a
 * script, and only the client that ran it has seen which.
 */
#define PGM_INTERRUPTED_ERROR(execution) \
	"CASE WHEN " execution " = 'script' " \
	"THEN 'the script stopped before its end; its client was told why' " \
	"ELSE 'the process that ran it is gone' END"

/*
 * Of a run, and of a step of it:
 *
 *	            pending --> running --> done
 *	                           |
 *	                           +------> failed       an error, recorded in a
 *	                           +------> cancelled    transaction of its own
 *	                           |
 *	                           `------> interrupted  the process is gone
 *
 * A run begins as running.  A step that is one transaction is never seen to
 * run: it is pending until it is done.  A step whose run is interrupted keeps
 * its state.  That a run is interrupted is written by the next one, and told
 * before that by who looks: what says running is believed as long as its
 * process has the run lock.  A run that pauses is a running one.
 */
typedef enum PgmRunState
{
	PGM_STATE_PENDING,
	PGM_STATE_RUNNING,
	PGM_STATE_DONE,
	PGM_STATE_FAILED,
	PGM_STATE_CANCELLED,
	PGM_STATE_INTERRUPTED
} PgmRunState;

/* As the tables have them. */
extern const char *pgm_run_state_name(PgmRunState state);
extern PgmRunState pgm_run_state(const char *name);

typedef struct PgmRunRecord
{
	const char *command;
	const char *target;
	int			nallowed;		/* rules that the caller permits … */
	char	  **allowed;
	const char *reason;			/* … and why; NULL: not said */
	const char *override;		/* why the checklist was overridden, or NULL */
	const char *execution;		/* worker, inline or script */
	const char *direction;		/* up, down or stamp */
	Oid			session_role;
	Oid			role;
	const char *search_path;
	int			nheads;
	char	  **heads;
	int			nsteps;
	char	  **revisions;
} PgmRunRecord;

extern void pgm_journal_interrupt_dead(void);
extern int64 pgm_journal_begin(const PgmRunRecord *record);
extern void pgm_journal_step_begin(int64 run, int step, int statements,
								   int done);
extern void pgm_journal_step_details(int64 run, int step,
									 const char *details);
extern void pgm_journal_end(int64 run, int nheads, char **heads);
extern void pgm_journal_fail(int64 run, int step, PgmRunState state,
							 TimestampTz started, int64 microseconds,
							 const ErrorData *edata);
extern bool pgm_journal_in_work(const char *revision);
extern bool pgm_journal_any_run(void);

#endif							/* PGM_STORE_JOURNAL_H */
