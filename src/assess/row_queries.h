/*-------------------------------------------------------------------------
 *
 * row_queries.h
 *	  Look into a table for rows that are in the way of a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_ROW_QUERIES_H
#define PGM_ASSESS_ROW_QUERIES_H

#include "lint/lint.h"

/* A table that is looked into for a statement. */
typedef struct PgmLook
{
	PgmJudged  *judged;
	PgmEffect  *effect;
	const char *name;			/* of the table, qualified */
	const char *from;			/* the same, with its sample */
	const char *own;			/* without the rows of inheritance children */
	const char *key;			/* expression that names a row */
	double		rows;			/* about so many */
	bool		sampled;
	bool		retyped;		/* a statement before changes a type */
	bool		asked;
	bool		found;
	const char *failure;		/* of an expression, reported already */
	const char *unsure;			/* why it is not known, or NULL */
} PgmLook;

/*
 * Begin and end: false if it is not a table with rows.  The current user is
 * its owner.  At the end it is said if what was not found may be there.
 */
extern bool pgm_look_begin(PgmLook *look, PgmJudged *judged,
						   PgmEffect *effect);

/* The statement says ONLY: what is looked for is in the table's own rows. */
extern void pgm_look_only(PgmLook *look);
extern void pgm_look_end(PgmLook *look);

/* Count the rows of a condition on the alias t; "what" they are in words. */
extern void pgm_look_rows(PgmLook *look, const char *condition,
						  const char *what);
extern void pgm_look_nulls(PgmLook *look, List *columns);

/* "columns" are expressions, "where" is one more condition or NULL. */
extern void pgm_look_duplicates(PgmLook *look, List *columns,
								const char *where, bool nulls_too);

/* Rows that reference no row of another table; of a key that is to be. */
extern void pgm_look_orphans(PgmLook *look, Oid other, List *near, List *far,
							 bool full);

/* Does the conversion of a value fail, and how? */
extern void pgm_look_conversion(PgmLook *look, const char *value,
								const char *type, const char *column);

/* Of the table and what is below it, about. */
extern double pgm_look_row_count(Oid relid);

extern List *pgm_look_primary_key(Oid relid);

/* The names in an array of the first result row, in a context that stays. */
extern List *pgm_look_names(int column, MemoryContext context);

#endif							/* PGM_ASSESS_ROW_QUERIES_H */
