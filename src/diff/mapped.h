/*-------------------------------------------------------------------------
 *
 * mapped.h
 *	  Schemas of this database that are desired in the place of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_DIFF_MAPPED_H
#define PGM_DIFF_MAPPED_H

#include "nodes/pg_list.h"

#include "schema/model.h"

/*
 * What gives the schemas their new names, where the present ones are made: the
 * map is a list of PgmRename.
 */
extern char *pgm_mapped_renames(const PgmSchema *present, List *map);

/*
 * The present schema, but that the new names have what they have where that
 * was run.
 */
extern PgmSchema *pgm_mapped_desired(const PgmSchema *present,
									 const PgmSchema *renamed, List *map);

/* A WARNING for each function there whose body names the schema of before. */
extern void pgm_mapped_warn(const PgmSchema *desired, List *map);

#endif							/* PGM_DIFF_MAPPED_H */
