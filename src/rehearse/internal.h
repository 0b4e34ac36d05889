/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the three processes of a rehearsal tell each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_REHEARSE_INTERNAL_H
#define PGM_REHEARSE_INTERNAL_H

#include "gate/watched_plan.h"
#include "process/entry.h"
#include "rehearse/rehearse.h"
#include "scratch/scratch.h"
#include "store/revision.h"

/* First bytes of answers. */
#define PGM_REHEARSED_BASE 'b'	/* is the scratch database as this one? */
#define PGM_REHEARSED_ROW 'r'
#define PGM_REHEARSED_QUERY 'q' /* what became of a watched one, as JSON */

/* Texts that may be NULL. */
extern void pgm_rehearse_put_optional(StringInfo message, const char *text);
extern char *pgm_rehearse_get_optional(StringInfo message);

/* Revisions as parts of a payload: what of them is run. */
extern void pgm_rehearse_put_revision(StringInfo message,
									  const PgmRevision *revision);
extern PgmRevision *pgm_rehearse_get_revision(StringInfo message);

extern void pgm_rehearse_put_row(StringInfo message,
								 const PgmRehearsalRow *row);
extern void pgm_rehearse_get_row(StringInfo message, PgmRehearsalRow *row);

extern void pgm_rehearse_put_watched(StringInfo message,
									 const PgmWatched *watched);
extern PgmWatched *pgm_rehearse_get_watched(StringInfo message);

/*
 * In the handler of an error: its description, in this context, after the
 * transaction was aborted.  A cancel, or the end of the process, goes on.
 */
extern char *pgm_rehearse_recover(MemoryContext context);

/*
 * Watched queries in the scratch database, executed there; NULL if there are
 * none.  Lives in the current context.
 */
typedef struct PgmRehearsedQueries PgmRehearsedQueries;
extern PgmRehearsedQueries *pgm_rehearse_queries_begin(StringInfo payload,
													   bool sampled);

/* Which got slower by a revision, or do not run any more, or NULL. */
extern char *pgm_rehearse_queries_after(PgmRehearsedQueries *queries,
										const char *revision, bool *slower);

/* All revisions were played. */
extern void pgm_rehearse_queries_end(PgmRehearsedQueries *queries);

/*
 * Without what a scratch database must not have; with dependencies for who
 * writes SQL of it.
 */
extern PgmSchema *pgm_rehearse_read_schema(bool dependencies);

/* The objects in which they differ, as a list for people, or NULL. */
extern char *pgm_rehearse_differences(const PgmSchema *expected,
									  const PgmSchema *found);

/* The job in the scratch database. */
extern void pgm_rehearse_steps(const PgmJob *job);

#endif							/* PGM_REHEARSE_INTERNAL_H */
