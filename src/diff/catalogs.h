/*-------------------------------------------------------------------------
 *
 * catalogs.h
 *	  What the catalogs of two databases do not have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_CATALOGS_H
#define PGM_DIFF_CATALOGS_H

#include "schema/model.h"

typedef struct PgmCatalogComparison
{
	const PgmSchema *found;
	const PgmSchema *expected;
	bool		owners;			/* do they count? */
	bool		privileges;

	/* does a row count?  NULL: each does */
	bool		(*counts) (const PgmSchemaObject *row, bool found, void *arg);
	void	   *arg;
} PgmCatalogComparison;

typedef struct PgmCatalogDifference
{
	const PgmSchemaObject *row; /* of either side */
	const char *column;			/* NULL: only one side has the row */
	const char *found;			/* NULL for null */
	const char *expected;
	bool		is_there;		/* the row that only one side has */
} PgmCatalogDifference;

/* The first difference; false if there is none.  Pure. */
extern bool pgm_catalogs_differ(const PgmCatalogComparison *comparison,
								PgmCatalogDifference *difference);

#endif							/* PGM_DIFF_CATALOGS_H */
