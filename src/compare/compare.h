/*-------------------------------------------------------------------------
 *
 * compare.h
 *	  Are the rows of two relations the same?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPARE_COMPARE_H
#define PGM_COMPARE_COMPARE_H

#include "nodes/pg_list.h"
#include "storage/block.h"
#include "utils/jsonb.h"

#define PGM_COMPARE_EXAMPLES 20

typedef struct PgmComparison PgmComparison;

/* Pages of a, from the first up to the end. */
typedef struct PgmCompareRange
{
	BlockNumber first;
	BlockNumber end;
} PgmCompareRange;

typedef struct PgmCompareResult
{
	int64		rows;			/* in a, or in b only */
	int64		differences;	/* of those, missing on a side or unequal */
	Jsonb	   *examples;		/* an array, NULL if nothing differs */
} PgmCompareResult;

/*
 * What is to be compared with what, locked as by a SELECT until the end of the
 * transaction.  A column of a is compared with the expression over b's row
 * that the mapping (or NULL) has for it, else with the column of that name.
 * Lives in the current context.  In a transaction, with a snapshot.
 */
extern PgmComparison *pgm_compare_prepare(Oid a, Oid b, Jsonb *mapping);

/*
 * Compare with the active snapshot, as the owner of both or the current user,
 * under the restrictions for code of others; settings and user are put back,
 * by the abort of the (sub)transaction after an error.  With a range, those
 * rows of a and what b has under their keys, or in the same rows where a is b;
 * what only b has then stays unseen.  The share is that of the rows drawn at
 * random, 1 for all of them.
 */
extern void pgm_compare_run(const PgmComparison *comparison,
							const PgmCompareRange *range, double share,
							PgmCompareResult *result);

/*
 * The other half of a comparison by ranges: how many rows in pages of b have
 * no row of their key in a.
 */
extern int64 pgm_compare_only_b(const PgmComparison *comparison,
								const PgmCompareRange *range);

/* How it was compared, to be read. */
extern char *pgm_compare_method(const PgmComparison *comparison,
								double share);

/* An error if reading them runs code of others than the reader. */
extern void pgm_compare_refuse_strange(const PgmComparison *comparison);

#endif							/* PGM_COMPARE_COMPARE_H */
