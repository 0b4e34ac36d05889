/*-------------------------------------------------------------------------
 *
 * leftover_indexes.h
 *	  INVALID indexes that tries which stopped in the middle left behind.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_LEFTOVER_INDEXES_H
#define PGM_STORE_LEFTOVER_INDEXES_H

#include "store/begun_statement.h"

/* Those of a statement; quoted and qualified. */
extern char **pgm_leftover_indexes(const PgmBegun *begun, int *n);

/* Tell of those of all revisions but some, which will see to them. */
extern void pgm_leftover_notice(int n, char **except);

/* Tell of those that no run will drop, of a revision or, if NULL, of all. */
extern void pgm_leftover_forgotten(const char *revision);

#endif							/* PGM_STORE_LEFTOVER_INDEXES_H */
