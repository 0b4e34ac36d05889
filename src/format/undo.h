/*-------------------------------------------------------------------------
 *
 * undo.h
 *	  Do statements of a script undo what others before them did?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FORMAT_UNDO_H
#define PGM_FORMAT_UNDO_H

#include "format/internal.h"

typedef struct PgmUndo PgmUndo;

/* What the statements of a script do, by their words. */
extern PgmUndo *pgm_undo_read(const PgmFormatScript *script);
extern int	pgm_undo_items(const PgmUndo *undo, const PgmSqlItem **items);

/* Does a statement leave anything behind, and does it drop or delete? */
extern bool pgm_undo_does_something(const PgmUndo *undo, int statement);
extern bool pgm_undo_removes(const PgmUndo *undo, int statement);

/*
 * Does a statement from "first" on undo one before "first"?  With "removals"
 * any that drops or deletes something counts.  True if there is too much to
 * tell, for it is asked where there is what looks like a heading.
 */
extern bool pgm_undo_some(const PgmUndo *undo, int first, bool removals);

/*
 * Does "first" drop what was made before, and nothing has used since, unless a
 * column that was dropped is added again?  False if there is too much to tell.
 */
extern bool pgm_undo_next(const PgmUndo *undo, int first);

/*
 * Do those from "first" on undo all that was done before?  At least one must
 * drop something or, if a word hints at it, do more than make an object again.
 * False if there is too much to tell.
 */
extern bool pgm_undo_all(const PgmUndo *undo, int first, bool hinted);

#endif							/* PGM_FORMAT_UNDO_H */
