/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  Columns of the system catalogs that not all server versions have.
 *
 * Fragments of SQL; where a version has no such thing, a null of its type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_CATALOG_H
#define PGM_COMPAT_CATALOG_H

/* Of an address. */
#if PG_VERSION_NUM >= 140000
#define pgm_object_type(address) getObjectTypeDescription(address, false)
#define pgm_object_identity(address) getObjectIdentity(address, false)
#else
#define pgm_object_type(address) getObjectTypeDescription(address)
#define pgm_object_identity(address) getObjectIdentity(address)
#endif

#if PG_VERSION_NUM >= 140000
#define PGM_SQL_ATTCOMPRESSION "a.attcompression"
#define PGM_SQL_PROSQLBODY "p.prosqlbody"
#define PGM_SQL_MULTIRANGE "r.rngmultitypid::regtype::text"
#define PGM_SQL_MULTIRANGE_OID "r.rngmultitypid"
#else
#define PGM_SQL_ATTCOMPRESSION "''"
#define PGM_SQL_PROSQLBODY "NULL"
#define PGM_SQL_MULTIRANGE "NULL"
#define PGM_SQL_MULTIRANGE_OID "0"
#endif

/*
 * Of a, a column of the relation c.  Since 17 a partition has it from its
 * parent, and takes it and gives it back with its bound.
 */
#if PG_VERSION_NUM >= 170000
#define PGM_SQL_ATTIDENTITY \
	"CASE WHEN NOT c.relispartition THEN a.attidentity END"
#else
#define PGM_SQL_ATTIDENTITY "a.attidentity"
#endif

/* Of r, a row of pg_publication_rel, and p, one of pg_publication. */
#if PG_VERSION_NUM >= 150000
#define PGM_SQL_PUBLISHED_COLUMNS \
	"(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) " \
	"FROM pg_attribute a WHERE a.attrelid = r.prrelid " \
	"AND a.attnum = ANY (r.prattrs::int2[]))"
#define PGM_SQL_PUBLISHED_ROWS "pg_get_expr(r.prqual, r.prrelid)"
#define PGM_SQL_PUBLISHED_SCHEMAS \
	"(SELECT string_agg(s.pnnspid::regnamespace::text, ', ' " \
	"ORDER BY s.pnnspid::regnamespace::text COLLATE \"C\") " \
	"FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"
#else
#define PGM_SQL_PUBLISHED_COLUMNS "NULL"
#define PGM_SQL_PUBLISHED_ROWS "NULL"
#define PGM_SQL_PUBLISHED_SCHEMAS "NULL::text"
#endif

/* Of r: is it one of those that ALL TABLES leaves out?  Since 19. */
#if PG_VERSION_NUM >= 190000
#define PGM_SQL_IS_EXCEPTED "r.prexcept"
#else
#define PGM_SQL_IS_EXCEPTED "false"
#endif

/* Publications of whole schemas: since 15.  A condition in a query. */
#if PG_VERSION_NUM >= 150000
#define PGM_SCHEMA_IS_PUBLISHED(publication, schema) "EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = " publication " AND n.pnnspid = " schema ")"
#else
#define PGM_SCHEMA_IS_PUBLISHED(publication, schema) "false"
#endif

#if PG_VERSION_NUM >= 150000
#include "catalog/pg_publication_namespace.h"
#else
#define PublicationNamespaceRelationId ((Oid) 6237)
#define PUBLICATIONNAMESPACE PUBLICATIONREL
typedef struct FormData_pg_publication_namespace
{
	Oid			pnpubid;
	Oid			pnnspid;
}		   *Form_pg_publication_namespace;
#define GetPublicationSchemas(publication) NIL
#endif

/* Those that a publication names, not those of a schema that it names. */
#if PG_VERSION_NUM >= 190000
#define pgm_published_relations(publication) \
	GetIncludedPublicationRelations(publication, PUBLICATION_PART_ROOT)
#else
#define pgm_published_relations(publication) \
	GetPublicationRelations(publication, PUBLICATION_PART_ROOT)
#endif

/* When an index, a row s of pg_stat_all_indexes, was used last: since 16. */
#if PG_VERSION_NUM >= 160000
#define PGM_SQL_LAST_INDEX_SCAN \
	"', the last time on ' || (s.last_idx_scan AT TIME ZONE 'UTC')::date"
#else
#define PGM_SQL_LAST_INDEX_SCAN "''"
#endif

/* utils/fmgroids.h: of the source before 14, of the one form since 17. */
#if PG_VERSION_NUM >= 170000
#define PGM_F_RANDOM F_RANDOM_
#elif PG_VERSION_NUM >= 140000
#define PGM_F_RANDOM F_RANDOM
#else
#define PGM_F_RANDOM F_DRANDOM
#define F_SET_CONFIG F_SET_CONFIG_BY_NAME
#endif

#if PG_VERSION_NUM < 140000
#define ROLE_PG_READ_ALL_STATS DEFAULT_ROLE_READ_ALL_STATS
#define ROLE_PG_READ_SERVER_FILES DEFAULT_ROLE_READ_SERVER_FILES
#endif

/* For partitions whose DETACH CONCURRENTLY is not complete too. */
#if PG_VERSION_NUM >= 140000
#define pgm_partition_parent(relid) get_partition_parent(relid, true)
#else
#define pgm_partition_parent(relid) get_partition_parent(relid)
#endif

/* executor/executor.h is the caller's to include */
#if PG_VERSION_NUM >= 180000
#define pgm_executor_run(desc) ExecutorRun(desc, ForwardScanDirection, 0)
#else
#define pgm_executor_run(desc) \
	ExecutorRun(desc, ForwardScanDirection, 0, true)
#endif

/* utils/typcache.h is the caller's to include */
#if PG_VERSION_NUM >= 190000
#define pgm_domain_has_constraints(type) DomainHasConstraints(type, NULL)
#else
#define pgm_domain_has_constraints(type) DomainHasConstraints(type)
#endif

#endif							/* PGM_COMPAT_CATALOG_H */
