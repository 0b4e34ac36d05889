/*-------------------------------------------------------------------------
 *
 * parse_text.h
 *	  The raw parse trees of a text, read as psql would read it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SQL_PARSE_TEXT_H
#define PGM_SQL_PARSE_TEXT_H

#include "nodes/pg_list.h"

/* A list of RawStmt, whose positions are those of the whole text. */
extern List *pgm_parse_text(const char *text);

#endif							/* PGM_SQL_PARSE_TEXT_H */
