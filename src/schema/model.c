/*-------------------------------------------------------------------------
 *
 * model.c
 *	  A database's schema as a sorted list of objects and their properties.
 *
 * Objects go by their names and nothing of the list depends on OIDs, on the
 * order in which things were made, or on the settings of the session.  What
 * counts of the order is that of a table's columns.
 *
 * All queries share a snapshot, but what the server's functions put out is
 * that of the catalogs as they are when it is asked: a schema that is being
 * changed meanwhile may give a list that it never had.  The only locks taken
 * are ACCESS SHARE ones: what a view reads for the rest of the transaction,
 * tables with expressions for the moment of putting these out.  An object of
 * the snapshot that is dropped meanwhile is left out, or makes it fail.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/settings.h"
#include "citus/nodes.h"
#include "compat/server.h"
#include "schema/expressions.h"
#include "schema/held_views.h"
#include "schema/internal.h"

/* Of each query, before the properties. */
#define FIXED_COLUMNS 5

/* How often a database is read whose objects are dropped meanwhile. */
#define ATTEMPTS 3

/* Before the name of a property whose text the server puts out otherwise. */
#define RAW ".raw "

/* What the text of constants and names depends on. */
static const struct
{
	const char *name;
	const char *value;
}			settings[] = {
	{"bytea_output", "hex"},
	{"datestyle", "ISO, YMD"},
	{"extra_float_digits", "3"},
	{"intervalstyle", "postgres"},
	{"jit", "off"},				/* nothing but the time it takes */
	{"lc_monetary", "C"},
	{"quote_all_identifiers", "off"},
	{"search_path", "pg_catalog, pg_temp"},
	{"standard_conforming_strings", "on"},
	{"timezone", "UTC"},
	{"xmlbinary", "base64"},
};

/* Text that is as somebody wrote it, not as the server puts it out. */
static const char *const verbatim[] = {"comment", "label", "source"};

/*
 * What is of this database, and not of what is made of a model of it or
 * compared with one: not every role could make it.
 */
static const char *const local_kinds[] = {"distribution", "privileges"};

static PgmQuery user_schemas_query = {
	"SELECT array_agg(n.nspname::text) FROM pg_namespace n "
	"WHERE n.nspname !~ '^pg_' "
	"AND n.nspname NOT IN ('information_schema', 'pgmigrate')"
};

static PgmQuery missing_schema_query = {
	"SELECT s FROM unnest($1) AS u (s) "
	"WHERE s NOT IN (SELECT n.nspname::text FROM pg_namespace n)",
	1, {TEXTARRAYOID}
};

/* A model being read. */
typedef struct SchemaReader
{
	MemoryContext context;
	PgmSchema  *schema;
	int			size;
	List	   *skip;			/* views and rules, by their OIDs */
} SchemaReader;

void
pgm_schema_pin_settings(void)
{
	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i].name, settings[i].value,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static bool
is_verbatim(const char *property)
{
	for (int i = 0; i < lengthof(verbatim); i++)
		if (strcmp(verbatim[i], property) == 0)
			return true;
	return false;
}

bool
pgm_schema_is_local(const char *kind)
{
	for (int i = 0; i < lengthof(local_kinds); i++)
		if (strcmp(local_kinds[i], kind) == 0)
			return true;
	return false;
}

/* Beside what is compared, of the few objects where that is another text. */
static void
keep_raw(PgmSchemaObject *object, const char *property, char *raw)
{
	int			n = object->nproperties;
	char	  **properties = palloc(sizeof(char *) * (n + 1));

	memcpy(properties, object->properties, sizeof(char *) * n);
	properties[n] = psprintf(RAW "%s", property);
	object->properties = properties;
	object->values = repalloc(object->values, sizeof(char *) * (n + 1));
	object->values[n] = raw;
	object->nproperties = n + 1;
}

/* A value that is not that of the raw text any more was kept from before. */
char *
pgm_schema_written(const PgmSchemaObject *object, const char *property)
{
	char	   *value = pgm_schema_value(object, property);
	char	   *raw = value == NULL || strstr(value, "ARRAY[") == NULL ? NULL :
		pgm_schema_value(object, psprintf(RAW "%s", property));

	return raw == NULL || strcmp(pgm_schema_settled_text(raw), value) != 0 ?
		value : pgm_schema_written_text(raw);
}

PgmSchemaObject *
pgm_schema_add(PgmSchema *schema, int *size, uint64 row, int n,
			   char **properties)
{
	PgmSchemaObject *object;

	CHECK_FOR_INTERRUPTS();
	if (schema->nobjects == *size)
	{
		*size *= 2;
		schema->objects = repalloc_huge(schema->objects,
										sizeof(PgmSchemaObject) * *size);
	}
	object = &schema->objects[schema->nobjects++];
	object->address.classid = (Oid) pgm_spi_int64(row, 1);
	object->address.objid = (Oid) pgm_spi_int64(row, 2);
	object->address.subid = pgm_spi_int32(row, 3);
	object->nproperties = n;
	object->properties = properties;
	object->values = palloc(sizeof(char *) * n);
	return object;
}

/* Dropped since the snapshot was taken: the server has no text of it. */
static bool
is_gone(const PgmSchemaObject *object)
{
	static const char *const defined[] = {
		"constraint", "domain constraint", "function", "index",
		"materialized view", "procedure", "rule", "statistics", "trigger",
		"view"
	};

	for (int i = 0; i < lengthof(defined); i++)
		if (strcmp(object->kind, defined[i]) == 0)
			return pgm_schema_value(object, "definition") == NULL &&
				pgm_schema_value(object, "source") == NULL;
	return false;
}

static void
read_class(SchemaReader *reader, PgmQuery *query, const Datum *values)
{
	uint64		rows = pgm_spi_execute_snapshot(query, values);
	int			n = pgm_spi_columns() - FIXED_COLUMNS;
	char	  **properties;
	bool	   *settle;
	MemoryContext old = MemoryContextSwitchTo(reader->context);

	properties = palloc(sizeof(char *) * n);
	settle = palloc(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		properties[i] = pgm_spi_column_name(i + FIXED_COLUMNS + 1);
		settle[i] = !is_verbatim(properties[i]);
	}
	for (uint64 row = 1; row <= rows; row++)
	{
		PgmSchemaObject *object = pgm_schema_add(reader->schema,
												 &reader->size, row, n,
												 properties);

		object->kind = pgm_spi_text(row, 4);
		object->identity = pgm_spi_text(row, 5);
		for (int i = 0; i < n; i++)
		{
			char	   *value = pgm_spi_text(row, i + FIXED_COLUMNS + 1);

			object->values[i] = value != NULL && settle[i] ?
				pgm_schema_settled_text(value) : value;
			if (object->values[i] != value)
				keep_raw(object, properties[i], value);
		}
		if (!is_gone(object))
			continue;
		if (list_member_oid(reader->skip, object->address.objid))
			reader->schema->skipped =
				lappend(reader->schema->skipped,
						psprintf("%s %s", object->kind, object->identity));
		reader->schema->nobjects--;
	}
	MemoryContextSwitchTo(old);
}

/*
 * Identities are unique, but for objects that are dropped and made again while
 * they are read: those must have an order too.
 */
static int
object_cmp(const void *a, const void *b)
{
	const PgmSchemaObject *x = a;
	const PgmSchemaObject *y = b;
	int			cmp = strcmp(x->kind, y->kind);

	if (cmp == 0)
		cmp = strcmp(x->identity, y->identity);
	for (int i = 0; cmp == 0 && i < Min(x->nproperties, y->nproperties); i++)
		cmp = strcmp(x->values[i] ? x->values[i] : "",
					 y->values[i] ? y->values[i] : "");
	return cmp;
}

void
pgm_schema_sort(PgmSchema *schema)
{
	qsort(schema->objects, schema->nobjects, sizeof(PgmSchemaObject),
		  object_cmp);
}

static void
check_schemas(int nschemas, char **schemas)
{
	Datum		values[1];

	values[0] = pgm_text_array_datum(nschemas, schemas);
	if (pgm_spi_execute_snapshot(&missing_schema_query, values) > 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_SCHEMA),
				errmsg("schema \"%s\" does not exist", pgm_spi_text(1, 1)));
}

/*
 * How Citus distributes tables.  A colocation goes by its first table, as its
 * number is no other cluster's.
 */
static PgmQuery distribution_query = {
	"SELECT " PGM_NO_ADDRESS ", 'distribution', " PGM_NAMED("n.nspname", "c.relname") ", "
	"CASE WHEN p.partmethod <> 'n' THEN 'distributed' WHEN p.repmodel = 't' "
	"THEN 'reference' WHEN p.colocationid <> 0 THEN 'single shard' "
	"ELSE 'local' END AS kind, CASE WHEN p.partmethod <> 'n' THEN "
	"quote_ident(column_to_column_name(p.logicalrelid, p.partkey)) END "
	"AS column, (SELECT count(*)::text FROM pg_dist_shard s "
	"WHERE s.logicalrelid = p.logicalrelid) AS shards, "
	"CASE WHEN p.partmethod <> 'n' THEN (SELECT min(" PGM_NAMED("m.nspname", "d.relname") " "
	"COLLATE \"C\") FROM pg_dist_partition q "
	"JOIN pg_class d ON d.oid = q.logicalrelid "
	"JOIN pg_namespace m ON m.oid = d.relnamespace "
	"WHERE q.colocationid = p.colocationid) END AS \"colocated with\" "
	"FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1)",
	1, {TEXTARRAYOID}
};

/* In a scope. */
static PgmSchema *
read_schemas(int nschemas, char **schemas, bool local, bool unheld,
			 MemoryContext context)
{
	SchemaReader reader = {context};
	bool		everything = schemas == NULL;
	PgmQuery   *queries;
	int			n;
	Datum		values[2];

	reader.schema = MemoryContextAllocZero(context, sizeof(PgmSchema));
	reader.size = 1024;
	reader.schema->objects =
		MemoryContextAlloc(context, sizeof(PgmSchemaObject) * reader.size);

	pgm_schema_pin_settings();
	pgm_citus_hide_shards();
	if (everything)
	{
		pgm_spi_execute_snapshot(&user_schemas_query, NULL);
		schemas = pgm_spi_text_array(1, 1, &nschemas);
	}
	else
		check_schemas(nschemas, schemas);
	values[0] = pgm_text_array_datum(nschemas, schemas);
	if (unheld)
		reader.skip = pgm_schema_held_views(values[0]);
	values[1] = pgm_oid_array_datum(reader.skip);

	queries = pgm_schema_relation_queries(&n);
	for (int i = 0; i < n; i++)
		read_class(&reader, &queries[i], values);
	queries = pgm_schema_object_queries(&n);
	for (int i = 0; i < n; i++)
		read_class(&reader, &queries[i], values);
	queries = pgm_schema_global_queries(&n);
	for (int i = 0; i < n && everything; i++)
		read_class(&reader, &queries[i], NULL);
	if (local && everything)
		read_class(&reader, pgm_schema_privileges_query(), NULL);
	if (local && pgm_citus_is_here())
		read_class(&reader, &distribution_query, values);
	pgm_schema_sort(reader.schema);
	return reader.schema;
}

/* Nobody waits for one who waits to read. */
#define LOCK_WAIT_MS 2000

/*
 * The server locks what a view reads to put it out, and whoever has one may
 * lock it for as long as he likes: a reader may hold up others, as who holds
 * the run lock does.  The caller's own limit counts where it is shorter.
 */
static void
limit_lock_wait(void)
{
	int			limit = Max(pgm_lock_timeout, LOCK_WAIT_MS);
	char		milliseconds[16];

	if (LockTimeout > 0)
		limit = Min(limit, LockTimeout);
	snprintf(milliseconds, sizeof(milliseconds), "%d", limit);
	(void) set_config_option("lock_timeout", milliseconds, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

PgmSchema *
pgm_schema_read(int nschemas, char **schemas)
{
	PgmSpiScope scope;
	PgmSchema  *schema;

	pgm_spi_begin(&scope);
	limit_lock_wait();
	schema = read_schemas(nschemas, schemas, true, false, scope.outer);
	pgm_spi_end(&scope);
	return schema;
}

PgmSchema *
pgm_schema_read_unheld(int nschemas, char **schemas)
{
	PgmSpiScope scope;
	PgmSchema  *schema;

	pgm_spi_begin(&scope);
	limit_lock_wait();
	schema = read_schemas(nschemas, schemas, true, true, scope.outer);
	pgm_spi_end(&scope);
	return schema;
}

PgmSchema *
pgm_schema_read_as(Oid role)
{
	PgmSpiScope scope;
	PgmSchema  *schema;

	pgm_spi_begin_as(&scope, role);
	limit_lock_wait();
	schema = read_schemas(0, NULL, false, false, scope.outer);
	pgm_spi_end(&scope);
	return schema;
}

PgmSchema *
pgm_schema_read_everything(MemoryContext context)
{
	PgmSchema  *schema = read_schemas(0, NULL, false, false, context);

	pgm_schema_read_dependencies(schema);
	return schema;
}

typedef struct Attempt
{
	Oid			role;
	MemoryContext context;
	void		(*read) (MemoryContext context, void *arg);
	void	   *arg;
} Attempt;

static void
attempt(void *arg)
{
	Attempt    *reading = arg;
	PgmSpiScope scope;

	/*
	 * The server tells names and expressions as they are now, so rows as they
	 * are now go with them, whatever the isolation of the transaction.
	 */
	pgm_spi_begin_as(&scope, reading->role);
	limit_lock_wait();
	PushActiveSnapshot(GetLatestSnapshot());
	reading->read(reading->context, reading->arg);
	PopActiveSnapshot();
	pgm_spi_end(&scope);
}

/* As an object that is not there any more is told: it is no error of ours. */
static bool
tells_of_drop(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_INTERNAL_ERROR ||
		category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION;
}

void
pgm_schema_read_patiently(Oid role,
						  void (*read) (MemoryContext context, void *arg),
						  void *arg)
{
	Attempt		reading = {role, CurrentMemoryContext, read, arg};

	for (int i = 1; i < ATTEMPTS; i++)
	{
		ErrorData  *error;

		if (pgm_spi_try(attempt, &reading, &error))
			return;
		if (!tells_of_drop(error))
			ReThrowError(error);
	}
	attempt(&reading);
}

static void
read_model(MemoryContext context, void *arg)
{
	PgmSchema **schema = arg;

	*schema = pgm_schema_read_everything(context);
}

PgmSchema *
pgm_schema_read_all(Oid role)
{
	PgmSchema  *schema;

	pgm_schema_read_patiently(role, read_model, &schema);
	return schema;
}

const PgmSchemaObject *
pgm_schema_find(const PgmSchema *schema, const char *kind,
				const char *identity)
{
	PgmSchemaObject key = {kind, identity};

	return bsearch(&key, schema->objects, schema->nobjects,
				   sizeof(PgmSchemaObject), object_cmp);
}

int
pgm_schema_position(const PgmSchema *schema, const PgmSchemaObject *object)
{
	const PgmSchemaObject *found = pgm_schema_find(schema, object->kind,
												   object->identity);

	return found == NULL ? -1 : (int) (found - schema->objects);
}

int
pgm_schema_address_cmp(const void *a, const void *b)
{
	const PgmSchemaAddress *x = &(*(PgmSchemaObject *const *) a)->address;
	const PgmSchemaAddress *y = &(*(PgmSchemaObject *const *) b)->address;

	if (x->classid != y->classid)
		return x->classid < y->classid ? -1 : 1;
	if (x->objid != y->objid)
		return x->objid < y->objid ? -1 : 1;
	return x->subid < y->subid ? -1 : x->subid > y->subid;
}

const PgmSchemaObject **
pgm_schema_by_address(const PgmSchema *schema)
{
	const PgmSchemaObject **sorted;

	sorted = palloc_extended(sizeof(PgmSchemaObject *) *
							 (schema->nobjects + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < schema->nobjects; i++)
		sorted[i] = &schema->objects[i];
	qsort(sorted, schema->nobjects, sizeof(PgmSchemaObject *),
		  pgm_schema_address_cmp);
	return sorted;
}
