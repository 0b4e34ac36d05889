/*-------------------------------------------------------------------------
 *
 * differences.h
 *	  Rows that may differ: met by key, counted, shown.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_DIFFERENCES_H
#define PGM_COMPARE_DIFFERENCES_H

#include "compare/compare.h"
#include "compare/row_hash.h"
#include "compare/row_image.h"

typedef struct PgmDifferences PgmDifferences;

/* Lives in the current context. */
extern PgmDifferences *pgm_differences_create(const PgmComparison *comparison);

/*
 * A row of a side.  Rows of the same place have the same key; without a key
 * they are the same row.  With its values it may become an example, and then
 * both sides of its place must come with theirs.
 */
extern void pgm_differences_add(PgmDifferences *differences, PgmRowHash place,
								PgmRowHash row, bool of_b,
								const Datum *values, const bool *nulls,
								const PgmRowImage *image);

/* All rows have been added: how many differ, and how many more b has. */
extern int64 pgm_differences_count(PgmDifferences *differences,
								   int64 *only_b);

/*
 * A row whose two sides are known to differ: the values of b come after those
 * of a.
 */
extern void pgm_differences_add_pair(PgmDifferences *differences,
									 const Datum *values, const bool *nulls,
									 const PgmRowImage *a,
									 const PgmRowImage *b);
extern int64 pgm_differences_pairs(const PgmDifferences *differences);

/* Some of them in the order of their keys, NULL if there are none. */
extern Jsonb *pgm_differences_examples(PgmDifferences *differences);

#endif							/* PGM_COMPARE_DIFFERENCES_H */
