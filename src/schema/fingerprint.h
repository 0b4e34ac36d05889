/*-------------------------------------------------------------------------
 *
 * fingerprint.h
 *	  A database's schema as a sorted list of objects and their properties.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_FINGERPRINT_H
#define PGM_SCHEMA_FINGERPRINT_H

/*
 * Objects of one kind have the same properties, in the same order; a value is
 * NULL where the object does not have the property, or has its default.
 */
typedef struct PgmSchemaObject
{
	const char *kind;			/* table, column, index, ... */
	const char *identity;		/* qualified and quoted, unique in its kind */
	int			nproperties;
	char	   *const *properties;	/* their names */
	char	  **values;
} PgmSchemaObject;

typedef struct PgmSchema
{
	int			nobjects;
	PgmSchemaObject *objects;	/* sorted by kind and identity */
} PgmSchema;

/*
 * The objects of some schemas; with schemas NULL those of all but the
 * system's and ours, and those of the database that are in no schema.  In the
 * current memory context.
 */
extern PgmSchema *pgm_schema_read(int nschemas, char **schemas);

/* The same for equal schemas, and for no others: 64 hexadecimal digits. */
extern char *pgm_schema_digest(const PgmSchema *schema);

#endif							/* PGM_SCHEMA_FINGERPRINT_H */
