/*-------------------------------------------------------------------------
 *
 * parts.h
 *	  Which parts of a table have to be in its copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_PARTS_H
#define PGM_CLONE_PARTS_H

#include "nodes/parsenodes.h"

typedef struct PgmParts
{
	bool		whole;			/* every copy is to be a whole one */

	/* what the statements need */
	List	   *words;			/* String *: all that can be a name in them */
	bool		indexes;		/* all of them: a table may be rewritten */
	bool		keys;			/* primary keys, which need not be named */
	List	   *entire;			/* tables of which everything is needed */

	/* chosen when all statements are known */
	List	   *partial;		/* tables that are copied in part … */
	List	   *objects;		/* … with these that hang on them */
} PgmParts;

/*
 * Learn from a statement that will be tried.  False if its tables have to be
 * copied as they are.
 */
extern bool pgm_parts_learn(PgmParts *parts, Node *stmt, const char *text);

/* Choose among the tables that will be copied. */
extern void pgm_parts_choose(PgmParts *parts, List *wanted);

#endif							/* PGM_CLONE_PARTS_H */
