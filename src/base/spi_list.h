/*-------------------------------------------------------------------------
 *
 * spi_list.h
 *	  What a query finds, as a list, and lists for a query.
 *
 * Each query has a scope of its own; the results are in the caller's memory
 * context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_SPI_LIST_H
#define PGM_BASE_SPI_LIST_H

#include "base/spi.h"

/* What is made of each row, by its number from 1. */
extern List *pgm_spi_list(PgmQuery *query, const Datum *values,
						  const bool *nulls, void *(*make) (uint64 row));

/* The first column as text; of the first row only, NULL if there is none. */
extern List *pgm_spi_texts(PgmQuery *query, const Datum *values);
extern char *pgm_spi_one_text(PgmQuery *query, const Datum *values);

/* The first column of the first row; false, or 0, if there is none. */
extern bool pgm_spi_one_bool(PgmQuery *query, const Datum *values);
extern int64 pgm_spi_one_int64(PgmQuery *query, const Datum *values,
							   const bool *nulls);

/* A list of String nodes, names of columns for one, as an argument. */
extern Datum pgm_names_datum(const List *names);

#endif							/* PGM_BASE_SPI_LIST_H */
