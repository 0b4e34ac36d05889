/*-------------------------------------------------------------------------
 *
 * model.h
 *	  A database's schema: objects, their properties, what they depend on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_MODEL_H
#define PGM_SCHEMA_MODEL_H

#include "nodes/pg_list.h"

/* As pg_depend has it. */
typedef struct PgmSchemaAddress
{
	Oid			classid;
	Oid			objid;
	int32		subid;
} PgmSchemaAddress;

/*
 * Objects of one kind have the same properties, in the same order; a value is
 * NULL where the object does not have the property, or has its default.
 * Properties whose name begins with a period are of the model only.
 */
typedef struct PgmSchemaObject
{
	const char *kind;			/* table, column, index, ... */
	const char *identity;		/* qualified and quoted, unique in its kind */
	PgmSchemaAddress address;	/* in its database */
	int			nproperties;
	char	   *const *properties;	/* their names */
	char	  **values;
} PgmSchemaObject;

/* Positions in the list of objects. */
typedef struct PgmSchemaDependency
{
	int			object;
	int			needs;
	char		type;			/* pg_depend.deptype */
} PgmSchemaDependency;

typedef struct PgmSchema
{
	int			nobjects;
	PgmSchemaObject *objects;	/* sorted by kind and identity */
	int			ndependencies;
	PgmSchemaDependency *dependencies;	/* sorted by object */
	List	   *skipped;		/* "kind identity", see pgm_schema_read_unheld */
} PgmSchema;

/*
 * The objects of some schemas; with schemas NULL those of all but the
 * system's and ours, and those of the database that are in no schema.
 * Without dependencies.  In the current memory context.
 */
extern PgmSchema *pgm_schema_read(int nschemas, char **schemas);

/*
 * All of these but views and rules whose text is not to be had without waiting
 * for the lock of another transaction: they are told in "skipped".
 */
extern PgmSchema *pgm_schema_read_unheld(int nschemas, char **schemas);

/*
 * Is it of this database only?  pgm_schema_read() has such objects, what is
 * read as a role has not.
 */
extern bool pgm_schema_is_local(const char *kind);

/*
 * The whole database, with dependencies, as a role that may read what every
 * role may: our extension need not be there.
 */
extern PgmSchema *pgm_schema_read_all(Oid role);

/* The same without dependencies. */
extern PgmSchema *pgm_schema_read_as(Oid role);

/*
 * What the text of names and constants depends on, until the caller's GUC
 * nest level ends.
 */
extern void pgm_schema_pin_settings(void);

extern const PgmSchemaObject *pgm_schema_find(const PgmSchema *schema,
											  const char *kind,
											  const char *identity);

/* Where the object of this kind and identity is, or -1. */
extern int	pgm_schema_position(const PgmSchema *schema,
								const PgmSchemaObject *object);

/* Pointers to the objects, in the order of their addresses. */
extern const PgmSchemaObject **pgm_schema_by_address(const PgmSchema *schema);
extern int	pgm_schema_address_cmp(const void *a, const void *b);

/* For a model that is put together of others. */
extern void pgm_schema_sort(PgmSchema *schema);
extern void pgm_schema_sort_dependencies(PgmSchema *schema);

/* NULL if it does not have it. */
static inline char *
pgm_schema_value(const PgmSchemaObject *object, const char *property)
{
	for (int i = 0; i < object->nproperties; i++)
		if (strcmp(object->properties[i], property) == 0)
			return object->values[i];
	return NULL;
}

/*
 * How an expression is to be written, so that it is put out as it is here and
 * not only in the form in which it is compared; NULL if there is no value.
 */
extern char *pgm_schema_written(const PgmSchemaObject *object,
								const char *property);

static inline bool
pgm_schema_is_hidden(const char *property)
{
	return property[0] == '.';
}

#endif							/* PGM_SCHEMA_MODEL_H */
