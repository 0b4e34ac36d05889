/*-------------------------------------------------------------------------
 *
 * parse_text.h
 *	  The raw parse trees of a text, read as psql would read it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_PARSE_TEXT_H
#define PGM_SQL_PARSE_TEXT_H

#include "nodes/parsenodes.h"

/* A list of RawStmt, whose positions are those of the whole text. */
extern List *pgm_parse_text(const char *text);

/*
 * The text of one statement again, which was read so.  Does it change how the
 * text after it is read?
 */
extern RawStmt *pgm_parse_statement(const char *text, bool conforming);
extern bool pgm_conforming_after(Node *stmt, bool conforming);

/*
 * How this session, and psql if it runs the text, reads a statement.  Code
 * that a statement runs is not to change it: the text has been read already.
 */
typedef struct PgmReading
{
	bool		conforming;
	int			encoding;		/* of the client */
} PgmReading;

extern PgmReading pgm_reading(void);
extern bool pgm_sets_reading(Node *stmt);
extern void pgm_reading_check(const PgmReading *expected);

/*
 * A query of ours, parts of which are to be put into the tree of another text.
 * Its constants and parameters have no positions: pg_stat_statements looks in
 * the other text for them, and writes past its end.
 */
extern SelectStmt *pgm_parse_part(const char *text);

#endif							/* PGM_SQL_PARSE_TEXT_H */
