/*-------------------------------------------------------------------------
 *
 * kept_rows.h
 *	  Are rows that a statement deletes stored elsewhere before?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_KEPT_ROWS_H
#define PGM_ASSESS_KEPT_ROWS_H

#include "sql/statements.h"

/* Statement n of the source is a DELETE from the table. */
extern bool pgm_rows_are_kept(const PgmSource *source, int n, Oid relid);

#endif							/* PGM_ASSESS_KEPT_ROWS_H */
