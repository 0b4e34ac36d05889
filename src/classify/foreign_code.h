/*-------------------------------------------------------------------------
 *
 * foreign_code.h
 *	  Does a statement reach code of other roles when it is looked at?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_FOREIGN_CODE_H
#define PGM_CLASSIFY_FOREIGN_CODE_H

#include "nodes/parsenodes.h"

/*
 * What the role must not run, described, or NULL if the statement may be
 * analyzed and tried as that role.  Names are resolved by the search_path that
 * is in force; "led" is the statement again, with its names led to clones, or
 * NULL.  With "authored" the text is by somebody who has the rights of
 * the role: functions that it has made itself may run.
 */
extern char *pgm_strange_code(Node *stmt, Node *led, Oid role, bool authored);

/* Does a query use but what came with the server, and does that no harm? */
extern bool pgm_query_is_plain(Node *stmt);

#endif							/* PGM_CLASSIFY_FOREIGN_CODE_H */
