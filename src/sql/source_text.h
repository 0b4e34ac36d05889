/*-------------------------------------------------------------------------
 *
 * source_text.h
 *	  Parts of a statement's text that its parse tree only points at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_SOURCE_TEXT_H
#define PGM_SQL_SOURCE_TEXT_H

#include "nodes/pg_list.h"

#include "sql/statements.h"

/*
 * The part of statement n from "start", a position in the source, to the
 * first comma, or to one of the words, or to the end; inside of parentheses
 * nothing ends it.  NULL if it is empty.
 */
extern char *pgm_slice(const PgmSource *source, int n, int start,
					   const char *const *words);

/* The same after the first such word from "start" on. */
extern char *pgm_slice_after(const PgmSource *source, int n, int start,
							 const char *word, const char *const *words);

/* The first part in parentheses, with them; "after" is where it ends. */
extern char *pgm_slice_parens(const PgmSource *source, int n, int start,
							  int *after);

/* The parts of a list in parentheses, between its commas. */
extern List *pgm_slice_list(const char *list);

/* Cut off blanks and comments at the end, in place; the text may be empty. */
extern char *pgm_slice_trim(char *text);

#endif							/* PGM_SQL_SOURCE_TEXT_H */
