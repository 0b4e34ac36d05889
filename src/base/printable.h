/*-------------------------------------------------------------------------
 *
 * printable.h
 *	  Texts of others as they may be shown on a terminal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_PRINTABLE_H
#define PGM_BASE_PRINTABLE_H

/*
 * The text with its control characters written out, as \x1b or \u202e; itself
 * if it has none.  Tabs stay, and ends of lines, which are \n afterwards.
 */
extern char *pgm_printable(const char *text);

/* The same in one line: ends of lines and tabs become blanks. */
extern char *pgm_printable_line(const char *text);

/* The text, or its beginning and three dots, in at most this many bytes. */
extern char *pgm_text_cut(const char *text, int max);

#endif							/* PGM_BASE_PRINTABLE_H */
