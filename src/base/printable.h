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

/* The columns that a text takes on a screen; no control characters in it. */
extern int	pgm_text_columns(const char *text);

/*
 * Where a line of this width ends, behind a word if that can be; NULL if all
 * of the text has room in it.
 */
extern const char *pgm_text_line_end(const char *text, int width);

/* The text in lines of at most that width; those that it has stay. */
extern char *pgm_text_lines(const char *text, int width);

/* The text, or its beginning and three dots, in at most this many bytes. */
extern char *pgm_text_cut(const char *text, int max);

#endif							/* PGM_BASE_PRINTABLE_H */
