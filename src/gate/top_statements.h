/*-------------------------------------------------------------------------
 *
 * top_statements.h
 *	  The statements that the server is most busy with, of pg_stat_statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_TOP_STATEMENTS_H
#define PGM_GATE_TOP_STATEMENTS_H

#include "nodes/pg_list.h"

/*
 * Those of this database with the most time, at most n, as PgmWatched *; none
 * where the extension is not in this database or its library not loaded.  What
 * they took so far is kept for the run.
 */
extern List *pgm_top_statements(int n, int64 run);

/*
 * SQL of one query without parameters but $1, the run: the statements that
 * take longer since it began, in the columns of regressions(); NULL where
 * nobody counts.
 */
extern char *pgm_top_statements_slower(double factor);

#endif							/* PGM_GATE_TOP_STATEMENTS_H */
