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
	const char *session_role;
	const char *role;
	const char *search_path;
	int			nheads;
	char	  **heads;
	int			nsteps;
	char	  **revisions;
} PgmRunRecord;

/* What is known of the last try of a revision in either direction. */
typedef struct PgmAttempt
{
	int64		run;
	int			step;
	char	   *direction;
	char	   *state;
	int			statement;		/* last statement done */
	char	   *done_digest;
	char	   *details;		/* jsonb as text */
} PgmAttempt;

extern void pgm_journal_interrupt_dead(void);
extern int64 pgm_journal_begin(const PgmRunRecord *record);
extern void pgm_journal_step_begin(int64 run, int step, int statements,
								   int done, const char *done_digest,
								   const char *details);
extern void pgm_journal_step_progress(int64 run, int step, int done,
									  const char *done_digest,
									  const char *details);
extern void pgm_journal_step_details(int64 run, int step,
									 const char *details);
extern void pgm_journal_end(int64 run, const char *state, int nheads,
							char **heads);
extern void pgm_journal_fail(int64 run, int step, const char *state,
							 TimestampTz started, int64 microseconds,
							 const ErrorData *edata);
extern bool pgm_journal_last_attempt(const char *revision,
									 PgmAttempt *attempt);
extern bool pgm_journal_in_work(const char *revision);
extern bool pgm_journal_any_partly(void);
extern bool pgm_journal_any_run(void);

#endif							/* PGM_STORE_JOURNAL_H */
