/*-------------------------------------------------------------------------
 *
 * write.h
 *	  A run as SQL for psql, and the ledger of such a run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCRIPT_WRITE_H
#define PGM_SCRIPT_WRITE_H

#include "store/run_plan.h"

/* Called with each line of the script. */
typedef void (*PgmScriptLine) (const char *line, void *arg);

/* "start:end", or a target, which means "current:target". */
extern void pgm_script_write(const char *range, PgmDirection direction,
							 PgmScriptLine emit, void *arg);

/* What the script calls; each in a session that runs one. */
extern int64 pgm_script_begin(PgmDirection direction, const char *target,
							  int nheads, char **heads, int nrevisions,
							  char **revisions, int ndigests, char **digests);
extern void pgm_script_statement(const char *revision, int statement);
extern void pgm_script_locks(const char *revision, int first, int last);
extern void pgm_script_step(const char *revision);
extern void pgm_script_end(void);

#endif							/* PGM_SCRIPT_WRITE_H */
