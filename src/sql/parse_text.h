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

#endif							/* PGM_SQL_PARSE_TEXT_H */
