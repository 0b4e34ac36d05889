/*-------------------------------------------------------------------------
 *
 * mark.h
 *	  A word for us in a comment: "pgmigrate: WORD".
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_MARK_H
#define PGM_SQL_MARK_H

/* The statement behind it refuses a transaction block. */
#define PGM_MARK_NO_TRANSACTION "no-transaction"

/* Does the word stand in a comment between these two places of a text? */
extern bool pgm_mark_stands(const char *text, int start, int end,
							const char *word);

#endif							/* PGM_SQL_MARK_H */
