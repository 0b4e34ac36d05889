/*-------------------------------------------------------------------------
 *
 * dependencies.c
 *	  What depends on what in a schema, from pg_depend.
 *
 * Some of what the catalogs know by itself is part of an object in the model:
 * the row type of a table, a default, the rule of a view, a member of an
 * extension.  Such an address stands for that object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "compat/catalog.h"
#include "schema/internal.h"

/* An address, and what stands there: an object, or another address. */
typedef struct Place
{
	PgmSchemaAddress address;	/* hash key */
	int			object;			/* -1: see the other address */
	PgmSchemaAddress other;
} Place;

#define CLASS(catalog) "'" catalog "'::regclass::oid::int8"

/* the type of a table stands for it; a composite type for its columns' home */
static PgmQuery aliases_query = {
	"SELECT " CLASS("pg_type") ", t.oid::int8, 0, "
	CLASS("pg_class") ", t.typrelid::int8, 0 "
	"FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid "
	"WHERE c.relkind <> 'c' AND t.oid >= 16384 "
	"UNION ALL SELECT " CLASS("pg_class") ", t.typrelid::int8, 0, "
	CLASS("pg_type") ", t.oid::int8, 0 "
	"FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid "
	"WHERE c.relkind = 'c' AND t.oid >= 16384 "
	"UNION ALL SELECT " CLASS("pg_type") ", t.typarray::int8, 0, "
	CLASS("pg_type") ", t.oid::int8, 0 "
	"FROM pg_type t WHERE t.typarray >= 16384 "
	"UNION ALL SELECT " CLASS("pg_type") ", " PGM_SQL_MULTIRANGE_OID
	"::int8, 0, " CLASS("pg_type") ", r.rngtypid::int8, 0 "
	"FROM pg_range r WHERE r.rngtypid >= 16384 "
	"UNION ALL SELECT x.tableoid::int8, x.oid::int8, 0, "
	CLASS("pg_class") ", x.adrelid::int8, x.adnum::int4 "
	"FROM pg_attrdef x WHERE x.oid >= 16384 "
	"UNION ALL SELECT w.tableoid::int8, w.oid::int8, 0, "
	CLASS("pg_class") ", w.ev_class::int8, 0 "
	"FROM pg_rewrite w WHERE w.rulename = '_RETURN' AND w.oid >= 16384 "
	"UNION ALL SELECT d.classid::int8, d.objid::int8, d.objsubid, "
	"d.refclassid::int8, d.refobjid::int8, 0 "
	"FROM pg_depend d WHERE d.refclassid = 'pg_extension'::regclass "
	"AND d.deptype = 'e' "
	/* a foreign key is one for each partition of what it references */
	"UNION ALL SELECT " CLASS("pg_constraint") ", k.oid::int8, 0, "
	CLASS("pg_constraint") ", k.conparentid::int8, 0 "
	"FROM pg_constraint k JOIN pg_constraint p ON p.oid = k.conparentid "
	"WHERE k.contype = 'f' AND k.conrelid = p.conrelid "
	"UNION ALL SELECT " CLASS("pg_publication_rel") ", r.oid::int8, 0, "
	CLASS("pg_publication") ", r.prpubid::int8, 0 FROM pg_publication_rel r "
	"UNION ALL SELECT d.classid::int8, d.objid::int8, d.objsubid, "
	"d.refclassid::int8, d.refobjid::int8, 0 "
	"FROM pg_depend d WHERE d.classid IN ('pg_amop'::regclass, "
	"'pg_amproc'::regclass) AND d.refclassid IN ('pg_opclass'::regclass, "
	"'pg_opfamily'::regclass) AND d.objid >= 16384"
};

static PgmQuery dependencies_query = {
	"SELECT d.classid::int8, d.objid::int8, d.objsubid, "
	"d.refclassid::int8, d.refobjid::int8, d.refobjsubid, d.deptype::text "
	"FROM pg_depend d WHERE d.objid >= 16384 "
	"AND (d.refobjid >= 16384 OR d.refclassid = 'pg_namespace'::regclass) "
	"AND d.deptype <> 'e' "
	"UNION ALL SELECT " CLASS("pg_seclabel") ", l.objoid::int8, l.objsubid, "
	"l.classoid::int8, l.objoid::int8, l.objsubid, 'n' FROM pg_seclabel l"
};

static PgmSchemaAddress
read_address(uint64 row, int column)
{
	PgmSchemaAddress address;

	address.classid = (Oid) pgm_spi_int64(row, column);
	address.objid = (Oid) pgm_spi_int64(row, column + 1);
	address.subid = pgm_spi_int32(row, column + 2);
	return address;
}

static HTAB *
create_places(const PgmSchema *schema)
{
	HASHCTL		control = {0};
	HTAB	   *places;
	Place	   *place;
	bool		found;
	uint64		rows;

	control.keysize = sizeof(PgmSchemaAddress);
	control.entrysize = sizeof(Place);
	control.hcxt = CurrentMemoryContext;
	places = hash_create("pgmigrate addresses", schema->nobjects, &control,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < schema->nobjects; i++)
	{
		if (!OidIsValid(schema->objects[i].address.objid))
			continue;
		place = hash_search(places, &schema->objects[i].address, HASH_ENTER,
							&found);
		place->object = i;
	}
	rows = pgm_spi_execute_snapshot(&aliases_query, NULL);
	for (uint64 row = 1; row <= rows; row++)
	{
		PgmSchemaAddress address = read_address(row, 1);

		if (!OidIsValid(address.objid))
			continue;
		place = hash_search(places, &address, HASH_ENTER, &found);
		if (found)
			continue;
		place->object = -1;
		place->other = read_address(row, 4);
	}
	return places;
}

/*
 * The object at an address, or -1; of the parts that the model does not have
 * by themselves, the whole.
 */
static int
find_object(HTAB *places, PgmSchemaAddress address)
{
	/* a chain is as long as partitions are deep */
	for (int i = 0; i < 16; i++)
	{
		Place	   *place = hash_search(places, &address, HASH_FIND, NULL);

		if (place != NULL && place->object >= 0)
			return place->object;
		if (place != NULL)
			address = place->other;
		else if (address.subid != 0)
			address.subid = 0;
		else
			break;
	}
	return -1;
}

static int
dependency_cmp(const void *a, const void *b)
{
	const PgmSchemaDependency *x = a;
	const PgmSchemaDependency *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->needs != y->needs)
		return x->needs < y->needs ? -1 : 1;
	return (int) x->type - (int) y->type;
}

void
pgm_schema_sort_dependencies(PgmSchema *schema)
{
	qsort(schema->dependencies, schema->ndependencies,
		  sizeof(PgmSchemaDependency), dependency_cmp);
}

void
pgm_schema_read_dependencies(PgmSchema *schema)
{
	HTAB	   *places = create_places(schema);
	uint64		rows = pgm_spi_execute_snapshot(&dependencies_query, NULL);
	int			n = 0;

	schema->dependencies =
		MemoryContextAllocHuge(GetMemoryChunkContext(schema),
							   sizeof(PgmSchemaDependency) * (rows + 1));
	for (uint64 row = 1; row <= rows; row++)
	{
		PgmSchemaDependency *dependency = &schema->dependencies[n];
		char	   *type;

		CHECK_FOR_INTERRUPTS();
		dependency->object = find_object(places, read_address(row, 1));
		dependency->needs = find_object(places, read_address(row, 4));
		if (dependency->object < 0 || dependency->needs < 0 ||
			dependency->object == dependency->needs)
			continue;
		type = pgm_spi_text(row, 7);
		dependency->type = type[0];
		n++;
	}
	schema->ndependencies = n;
	pgm_schema_sort_dependencies(schema);
	hash_destroy(places);
}
