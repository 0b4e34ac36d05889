/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the three processes of a rehearsal tell each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_REHEARSE_INTERNAL_H
#define PGM_REHEARSE_INTERNAL_H

#include "process/entry.h"
#include "rehearse/rehearse.h"
#include "scratch/scratch.h"
#include "store/revision.h"

/* First bytes of answers. */
#define PGM_REHEARSED_BASE 'b'	/* is the scratch database as this one? */
#define PGM_REHEARSED_ROW 'r'

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
