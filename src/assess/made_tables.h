/*-------------------------------------------------------------------------
 *
 * made_tables.h
 *	  Tables that the text makes, and who puts rows into them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_MADE_TABLES_H
#define PGM_ASSESS_MADE_TABLES_H

#include "lint/lint.h"

/* The statement has been judged; returns the list as it is after it. */
extern List *pgm_made_remember(List *made, const PgmJudged *judged);

/* A column without a value for rows that an earlier statement may have put. */
extern void pgm_made_check(const List *made, PgmJudged *judged);

#endif							/* PGM_ASSESS_MADE_TABLES_H */
