/*-------------------------------------------------------------------------
 *
 * copy_rows.h
 *	  Rows of COPY that are stored as INSERT.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_COPY_ROWS_H
#define PGM_EXEC_COPY_ROWS_H

#include "sql/statements.h"

/*
 * Run statement n as COPY if it was one in the file that it is from; false if
 * it was not, and nothing was done.
 */
extern bool pgm_copy_rows(const PgmSource *source, int n, uint64 *rows);

#endif							/* PGM_EXEC_COPY_ROWS_H */
