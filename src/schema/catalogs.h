/*-------------------------------------------------------------------------
 *
 * catalogs.h
 *	  The catalogs of a database, row by row, as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_CATALOGS_H
#define PGM_SCHEMA_CATALOGS_H

#include "schema/model.h"

/* What a database has, in the words of the model and of the catalogs. */
typedef struct PgmReading
{
	PgmSchema  *model;
	PgmSchema  *catalogs;		/* or NULL */
} PgmReading;

/*
 * What pgm_schema_read_all() has, and with the same snapshot what users have
 * made, as rows of all catalogs: a kind is the name of a catalog, an identity
 * the key of a row, the properties are its columns, with names in place of
 * OIDs and column numbers.  The property ".table" is the relation or type that
 * the row is a part of.  As a role that may read what every role may.
 */
extern void pgm_schema_read_both(Oid role, PgmReading *reading);

/* A column of a catalog, as the catalogs tell of it. */
typedef struct PgmCatalogColumn
{
	const char *catalog;
	const char *name;
	const char *type;
	const char *names;			/* catalog that it refers to, or NULL */
	const char *of;				/* column of the relation, for a column's
								 * number */
	bool		is_array;		/* refers to several */
	int			key;			/* position in the key, from 1; or 0 */
} PgmCatalogColumn;

/* Is a catalog not looked at? */
extern bool pgm_catalog_is_left_out(const char *catalog);

/*
 * SQL for the value of a column of t, a row of its catalog, as text; NULL if
 * it is not looked at.
 */
extern char *pgm_catalog_value(const PgmCatalogColumn *column);

/* Has a row of the catalog a name by its OID? */
extern bool pgm_catalog_has_names(const char *catalog);

/* SQL for the name of what an OID of a catalog is that of. */
extern char *pgm_catalog_name(const char *catalog, const char *oid);

/* SQL for which of its rows are looked at. */
extern const char *pgm_catalog_rows(const char *catalog);

/* SQL for the address of what a row is a part of, unless it is an object. */
typedef struct PgmCatalogWhole
{
	const char *catalog;
	const char *classid;
	const char *objid;
	const char *subid;
	const char *part_of;		/* SQL for its name; NULL: as for others */
} PgmCatalogWhole;

/* NULL: see the first reference in its key. */
extern const PgmCatalogWhole *pgm_catalog_whole(const char *catalog);

#endif							/* PGM_SCHEMA_CATALOGS_H */
