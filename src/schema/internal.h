/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  The catalog queries of the schema model.
 *
 * Each query gives the object's address in the catalogs, its kind and
 * identity, then one column for each property, whose name is that of the
 * property; from the kind on all are text.  A property whose name begins with
 * a period is not of the schema but of its model: where to find the rest, how
 * to write it.  $1 is the array of the names of the schemas, $2 that of views
 * and rules to put out without their text.
 *
 * One query for each class of objects: what is asked for each object is only
 * what the server has a function for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_SCHEMA_INTERNAL_H
#define PGM_SCHEMA_INTERNAL_H

#include "base/spi.h"
#include "schema/model.h"

/* Of relations and what belongs to them, and of what else is in schemas. */
extern PgmQuery *pgm_schema_relation_queries(int *n);
extern PgmQuery *pgm_schema_object_queries(int *n);

/* Of what is in no schema; without $1. */
extern PgmQuery *pgm_schema_global_queries(int *n);

/* Of privileges on what is not in the model; without $1. */
extern PgmQuery *pgm_schema_privileges_query(void);

/* What depends on what, for a model that is complete and sorted. */
extern void pgm_schema_read_dependencies(PgmSchema *schema);

/* The whole database, with dependencies, in a scope. */
extern PgmSchema *pgm_schema_read_everything(MemoryContext context);

/*
 * Read in a scope as the role, into the current memory context.  Where the
 * server fails by what is dropped meanwhile, which rows of the snapshot still
 * tell of, it is tried again, with another snapshot.
 */
extern void pgm_schema_read_patiently(Oid role,
									  void (*read) (MemoryContext context,
													void *arg),
									  void *arg);

/*
 * One more, of an array that has room for size: its address is that of a row
 * of the answer, its values are not set.
 */
extern PgmSchemaObject *pgm_schema_add(PgmSchema *schema, int *size,
									   uint64 row, int n, char **properties);

/* The address: what pg_depend calls an object. */
#define PGM_SUBADDRESS(row, column) \
	row ".tableoid::int8, " row ".oid::int8, " column "::int4"
#define PGM_ADDRESS(row) PGM_SUBADDRESS(row, "0")
#define PGM_NO_ADDRESS "0::int8, 0::int8, 0"

/* What belongs to an extension is told by the extension. */
#define PGM_MEMBERS(catalog) \
	"(SELECT e.objid FROM pg_depend e " \
	"WHERE e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e' " \
	"AND e.classid = '" catalog "'::regclass)"

/* ALTER ... DEPENDS ON EXTENSION, of all objects of a class. */
#define PGM_DEPENDS "z.names AS \"depends on extension\""
#define PGM_JOIN_EXTENSIONS(catalog, oid) \
	"LEFT JOIN (SELECT e.objid, string_agg(quote_ident(x.extname), ', ' " \
	"ORDER BY x.extname) FROM pg_depend e JOIN pg_extension x " \
	"ON x.oid = e.refobjid WHERE e.refclassid = 'pg_extension'::regclass " \
	"AND e.deptype = 'x' AND e.classid = '" catalog "'::regclass " \
	"GROUP BY e.objid) AS z (id, names) ON z.id = " oid " "

/* The range that functions or casts come with. */
#define PGM_JOIN_RANGE(catalog, oid) \
	"LEFT JOIN (SELECT e.objid, min(format('%s.%I', " \
	"y.typnamespace::regnamespace, y.typname)) FROM pg_range r " \
	"JOIN pg_type y ON y.oid = r.rngtypid JOIN pg_depend e " \
	"ON e.refclassid = 'pg_type'::regclass " \
	"AND e.refobjid IN (r.rngtypid, " PGM_SQL_MULTIRANGE_OID ") " \
	"AND e.deptype = 'i' AND e.classid = '" catalog "'::regclass " \
	"WHERE r.rngtypid >= 16384 GROUP BY e.objid) AS w (id, range) " \
	"ON w.id = " oid " "
#define PGM_OF_RANGE "w.range AS \".of\""

#define PGM_NAMED(schema, name) \
	"quote_ident(" schema ") || '.' || quote_ident(" name ")"

#define PGM_OWNER(role) "pg_get_userbyid(" role ")::text AS owner"

/* By its index: there are thousands, nearly all of them the server's. */
#define PGM_JOIN_COMMENT(catalog, oid) \
	"LEFT JOIN LATERAL (SELECT d.description FROM pg_description d " \
	"WHERE d.objoid = " oid " AND d.classoid = '" catalog "'::regclass " \
	"AND d.objsubid = 0 OFFSET 0) AS d ON true "

#define PGM_COMMENT "d.description AS comment"

/* The order of privileges and options tells when they were given. */
#define PGM_ACL_TEXT(acl) \
	"coalesce((SELECT string_agg(i::text, ', ' ORDER BY i::text COLLATE \"C\") " \
	"FROM unnest(" acl ") AS u (i)), '')"

#define PGM_GRANTS(kind, acl, owner) \
	"CASE WHEN " acl " IS NOT NULL THEN nullif(" PGM_ACL_TEXT(acl) ", " \
	PGM_ACL_TEXT("acldefault('" kind "', " owner ")") ") END AS grants"

#define PGM_OPTIONS(options) \
	"CASE WHEN " options " IS NOT NULL THEN " \
	"(SELECT string_agg(o, ', ' ORDER BY o COLLATE \"C\") " \
	"FROM unnest(" options ") AS u (o)) END"

/* of what belongs to a foreign server, as SQL has them */
#define PGM_OPTION_LIST(options) \
	"CASE WHEN " options " IS NOT NULL THEN (SELECT string_agg(format(" \
	"'%I %L', o.option_name, o.option_value), ', ' " \
	"ORDER BY o.option_name COLLATE \"C\") " \
	"FROM pg_options_to_table(" options ") AS o) END"

/* of l, a security label, on what i identifies */
#define PGM_LABEL_ADDRESS \
	"'pg_seclabel'::regclass::oid::int8, l.objoid::int8, l.objsubid"
#define PGM_LABEL_TARGET \
	"format('SECURITY LABEL FOR %I ON %s %s IS ', l.provider, " \
	"CASE WHEN i.type LIKE '% column' THEN 'COLUMN' ELSE upper(i.type) END, " \
	"i.identity) AS \".create\""

/*
 * Not what an online change keeps beside a column until it is finalized.  Its
 * trigger tells, which is internal, so that nobody else can have made it.
 */
#define PGM_NO_DOUBLE(relation, name) \
	"NOT (" name " LIKE 'pgmigrate\\_%' AND EXISTS (SELECT FROM pg_trigger g " \
	"WHERE g.tgrelid = " relation " AND g.tgisinternal AND starts_with(" \
	"g.tgname, '~' || substring(" name ", '^pgmigrate_[0-9]+_')))) "

/* counts, as it is that of SELECT * and COPY; dropped columns do not */
#define PGM_COLUMN_ORDER(relation) \
	"array_to_string(ARRAY(SELECT quote_ident(a.attname) " \
	"FROM pg_attribute a WHERE a.attrelid = " relation " AND a.attnum > 0 " \
	"AND NOT a.attisdropped AND " PGM_NO_DOUBLE("a.attrelid", "a.attname") \
	"ORDER BY a.attnum), ', ')"

#define PGM_YES(condition) "CASE WHEN " condition " THEN 'yes' END"

#endif							/* PGM_SCHEMA_INTERNAL_H */
