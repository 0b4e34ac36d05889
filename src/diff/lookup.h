/*-------------------------------------------------------------------------
 *
 * lookup.h
 *	  What belongs to a column, found without a walk over the whole schema.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_LOOKUP_H
#define PGM_DIFF_LOOKUP_H

#include "schema/model.h"

/* Objects by the columns that they belong to, or other names, sorted. */
typedef struct PgmLookupEntry
{
	const char *column;
	const PgmSchemaObject *object;
} PgmLookupEntry;

typedef struct PgmLookup
{
	int			n;
	PgmLookupEntry *entries;
} PgmLookup;

/* Of identity columns. */
extern void pgm_lookup_sequences(PgmLookup *lookup, const PgmSchema *schema);

/* NOT NULL as constraints, which they are since 18; of domains since 17. */
extern void pgm_lookup_not_nulls(PgmLookup *lookup, const PgmSchema *schema);

/* All constraints, by schema and name; is there one of another identity? */
extern void pgm_lookup_constraints(PgmLookup *lookup,
								   const PgmSchema *schema);
extern char *pgm_lookup_constraint_key(const PgmSchemaObject *constraint);
extern bool pgm_lookup_finds_other(const PgmLookup *lookup, const char *key,
								   const char *identity);

/* NULL if the column or domain has none. */
extern const PgmSchemaObject *pgm_lookup_find(const PgmLookup *lookup,
											  const PgmSchemaObject *column);

#endif							/* PGM_DIFF_LOOKUP_H */
