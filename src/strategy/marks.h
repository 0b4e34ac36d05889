/*-------------------------------------------------------------------------
 *
 * marks.h
 *	  Comments before a statement that say how it is to be carried out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STRATEGY_MARKS_H
#define PGM_STRATEGY_MARKS_H

#include "sql/statements.h"

/* What a comment before the statement says. */
typedef enum PgmMark
{
	PGM_MARK_NONE,
	PGM_MARK_PLAIN,
	PGM_MARK_ONLINE
} PgmMark;

/* What follows "because" in a comment, to the end of its line; NULL: nothing. */
extern char *pgm_strategy_reason(const char *at, const char *end);

extern PgmMark pgm_strategy_mark(const PgmSource *source, int n,
								 char **reason);

#endif							/* PGM_STRATEGY_MARKS_H */
