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

/*
 * Tell of those of all revisions but some, which will see to them; or of one
 * only, unless that is NULL.
 */
extern void pgm_leftover_notice(int n, char **except, const char *only);

#endif							/* PGM_STORE_LEFTOVER_INDEXES_H */
