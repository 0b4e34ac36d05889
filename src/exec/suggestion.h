/*-------------------------------------------------------------------------
 *
 * suggestion.h
 *	  What a statement may have meant by a name that is not there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_SUGGESTION_H
#define PGM_EXEC_SUGGESTION_H

#include "nodes/nodes.h"

typedef struct PgmSuggestion
{
	int			sqlerrcode;		/* of the error that it is for, or 0 */
	char	   *hint;
} PgmSuggestion;

/*
 * Look for the first relation or column of the statement that is not there,
 * before it is run: an error cannot look.  In a transaction; reads the
 * catalog, and only if a name is missing.
 */
extern PgmSuggestion pgm_exec_suggestion(Node *stmt);

#endif							/* PGM_EXEC_SUGGESTION_H */
