/*-------------------------------------------------------------------------
 *
 * not_null.h
 *	  NOT NULL of columns and domains.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_NOT_NULL_H
#define PGM_DIFF_NOT_NULL_H

#include "diff/internal.h"

/* Is it such a constraint, which is written with its column or domain? */
extern bool pgm_ddl_is_not_null(const PgmSchemaObject *object);

/* Is it one for the rows to come only?  Since 18. */
extern bool pgm_ddl_is_not_valid(const PgmSchemaObject *column);

/* For the definition of a column or domain, with its name where need be. */
extern void pgm_ddl_append_not_null(StringInfo sql, PgmDiff *diff,
									const PgmSchemaObject *object);
extern void pgm_ddl_add_not_valid(PgmDiff *diff,
								  const PgmSchemaObject *column);

/* Is it dropped, by that of the parents before that of their children? */
extern bool pgm_ddl_loses_not_null(const PgmPair *pair);

/* above: the table, with ONLY where those below keep what they have of it. */
extern void pgm_ddl_alter_not_null(PgmDiff *diff, PgmPair *pair,
								   const char *above);
extern void pgm_ddl_alter_domain_not_null(PgmDiff *diff, const PgmPair *pair);

#endif							/* PGM_DIFF_NOT_NULL_H */
