/*-------------------------------------------------------------------------
 *
 * side_effects.h
 *	  Queries that neither lock nor change anything.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_SIDE_EFFECTS_H
#define PGM_CLASSIFY_SIDE_EFFECTS_H

#include "sql/statements.h"

/*
 * Is statement n a query of constants and of functions of the server that do
 * nothing but compute?  False where that cannot be told.  In a transaction.
 */
extern bool pgm_query_is_pure(const PgmSource *source, int n);

/*
 * Does a statement other than a plain query call a function that may run SQL
 * of its own, by the names of the functions?  In a transaction.
 */
extern bool pgm_statement_calls_code(Node *stmt);

/* May it do more than compute, or be code of this database? */
extern bool pgm_function_is_harmful(Oid function);

/*
 * May this query be run to find something out?  It may read tables, and call
 * functions of the server and of extensions that do nothing but compute.
 */
extern bool pgm_sql_is_harmless(const char *sql);

#endif							/* PGM_CLASSIFY_SIDE_EFFECTS_H */
