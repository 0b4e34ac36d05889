/*-------------------------------------------------------------------------
 *
 * kept_table.c
 *	  Tables that are dropped, and can come back.
 *
 * The server itself is asked whether the statement can be carried out: it is
 * run, and taken back.  Then the tables are moved to a schema of ours with all
 * that belongs to them, so that they keep what they are: rows, indexes,
 * constraints, triggers, grants, comments.  What holds others is dropped: a
 * foreign key of a table that is gone must not keep rows of another one.
 *
 * Schema and tables are made part of the extension: they are not dumped, not
 * seen as part of the user's schema, and not dropped by others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "commands/alter.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi_list.h"
#include "base/transaction.h"
#include "classify/related_relations.h"
#include "classify/verdict.h"
#include "compat/server.h"
#include "online/kept_internal.h"
#include "online/layout.h"
#include "online/owner.h"

/*
 * $1: tables; $2 and $3: schemas, and those of ours for them.  "gone" is for
 * pgmigrate.verify(), of what the text of the statement does not name.
 */
static PgmQuery describe_query = {
	"SELECT jsonb_build_object("
	"'kept', (SELECT jsonb_agg(jsonb_build_object('oid', c.oid::int8, "
	"'schema', n.nspname, 'name', c.relname, 'place', "
	"$3[array_position($2, n.nspname::text)]) ORDER BY u.i) "
	"FROM unnest($1) WITH ORDINALITY u (oid, i) "
	"JOIN pg_class c ON c.oid = u.oid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace), "
	"'sequences', (SELECT jsonb_agg(jsonb_build_object('schema', n.nspname, "
	"'name', c.relname)) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid "
	"AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)), "
	"'statistics', (SELECT jsonb_agg(jsonb_build_object('oid', s.oid::int8, "
	"'schema', n.nspname)) FROM pg_statistic_ext s "
	"JOIN pg_namespace n ON n.oid = s.stxnamespace "
	"WHERE s.stxrelid = ANY ($1)), "
	"'gone', (SELECT jsonb_agg('* ' || i.identity) FROM ("
	"SELECT 'pg_class'::regclass AS class, unnest($1) AS oid "
	"UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index "
	"WHERE indrelid = ANY ($1) "
	"UNION ALL SELECT 'pg_class'::regclass, d.objid FROM pg_depend d "
	"JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' "
	"WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1) "
	"UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid "
	"FROM pg_statistic_ext s WHERE s.stxrelid = ANY ($1)) o, "
	"pg_identify_object(o.class, o.oid, 0) i), "
	"'keys', (SELECT jsonb_agg(jsonb_build_object('table', k.conrelid::int8, "
	"'references', k.confrelid::int8, 'name', k.conname, "
	"'definition', pg_get_constraintdef(k.oid), "
	"'comment', obj_description(k.oid, 'pg_constraint')) ORDER BY k.oid) "
	"FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0 "
	"AND k.conrelid = ANY ($1) AND k.confrelid <> ALL ($1)))::text",
	3, {OIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery tables_query = {
	"SELECT (k ->> 'oid')::int8, k ->> 'schema', k ->> 'name', k ->> 'place' "
	"FROM jsonb_array_elements($1::jsonb -> 'kept') k",
	1, {TEXTOID}
};

static PgmQuery statistics_query = {
	"SELECT s.oid::int8, (k ->> 'schema') FROM jsonb_array_elements("
	"nullif($1::jsonb -> 'statistics', 'null')) k "
	"JOIN pg_statistic_ext s ON s.oid = (k ->> 'oid')::int8::oid "
	"AND s.stxrelid = ANY ($2)",
	2, {TEXTOID, OIDARRAYOID}
};

static PgmQuery has_sequence_query = {
	"SELECT EXISTS (SELECT FROM jsonb_array_elements("
	"nullif($1::jsonb -> 'sequences', 'null')) k "
	"WHERE k ->> 'schema' = $2 AND k ->> 'name' = $3)",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

static PgmQuery referenced_query = {
	"SELECT DISTINCT c.oid::int8 FROM jsonb_array_elements("
	"nullif($1::jsonb -> 'keys', 'null')) k "
	"JOIN pg_class c ON c.oid = (k ->> 'references')::int8::oid",
	1, {TEXTOID}
};

/* ---- what is written in the operation */

static void *
make_table(uint64 i)
{
	PgmKeptTable *table = palloc(sizeof(PgmKeptTable));

	table->relid = (Oid) pgm_spi_int64(i, 1);
	table->schema = pgm_spi_text(i, 2);
	table->name = pgm_spi_text(i, 3);
	table->place = pgm_spi_text(i, 4);
	return table;
}

List *
pgm_kept_tables(const PgmOperation *operation)
{
	return pgm_kept_read(operation, &tables_query, make_table);
}

List *
pgm_kept_referenced(const PgmOperation *operation)
{
	Datum		values[1] = {pgm_text_datum(operation->details)};

	return pgm_spi_oids(&referenced_query, values);
}

bool
pgm_kept_has_sequence(const PgmOperation *operation, const char *schema,
					  const char *name)
{
	PgmSpiScope scope;
	Datum		values[3];
	bool		result;

	values[0] = pgm_text_datum(operation->details);
	values[1] = pgm_text_datum(schema);
	values[2] = pgm_text_datum(name);
	pgm_spi_begin(&scope);
	result = pgm_spi_execute(&has_sequence_query, values, NULL) > 0 &&
		pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return result;
}

/* A restored database may have another table of the same number. */
bool
pgm_kept_is_there(const PgmKeptTable *table)
{
	Oid			place = get_namespace_oid(table->place, true);

	return OidIsValid(place) &&
		getExtensionOfObject(NamespaceRelationId, place) ==
		pgm_extension_oid() &&
		get_rel_namespace(table->relid) == place;
}

static List *
relids_of(List *tables)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tables)
		result = lappend_oid(result, ((PgmKeptTable *) lfirst(lc))->relid);
	return result;
}

/* ---- part of the extension */

static void
join_extension(Oid class, Oid object)
{
	ObjectAddress address;
	ObjectAddress extension;

	ObjectAddressSet(address, class, object);
	ObjectAddressSet(extension, ExtensionRelationId, pgm_extension_oid());
	recordDependencyOn(&address, &extension, DEPENDENCY_EXTENSION);

	/* else a dump would have the grants of a table that it has not */
	if (class == RelationRelationId)
		recordExtObjInitPriv(object, class);
}

static void
leave_extension(Oid class, Oid object)
{
	(void) deleteDependencyRecordsForClass(class, object,
										   ExtensionRelationId,
										   DEPENDENCY_EXTENSION);
	if (class == RelationRelationId)
		removeExtObjInitPriv(object, class);
}

static void
join_or_leave(Oid relid, bool join)
{
	ListCell   *lc;

	foreach(lc, list_concat(list_make1_oid(relid),
							pgm_related_sequences(relid)))
	{
		if (join)
			join_extension(RelationRelationId, lfirst_oid(lc));
		else
			leave_extension(RelationRelationId, lfirst_oid(lc));
	}
}

/* ---- moving */

static void
move_table(Oid relid, Oid from, Oid to)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	ObjectAddresses *moved = new_object_addresses();

	AlterTableNamespaceInternal(rel, from, to, moved);
	free_object_addresses(moved);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/* As the owner of the extension: it may be that of no schema of the user. */
static void
move_statistics(Oid statistics, Oid to)
{
	Oid			save_user;
	int			save_sec_context;
	ObjectAddresses *moved = new_object_addresses();

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_schema_owner(), save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	(void) AlterObjectNamespace_oid(StatisticExtRelationId, statistics, to,
									moved);
	SetUserIdAndSecContext(save_user, save_sec_context);
	free_object_addresses(moved);
	CommandCounterIncrement();
}

/* A schema of ours for each schema of the tables: no two names meet. */
typedef struct Places
{
	int			n;
	char	  **schemas;
	char	  **places;
} Places;

static const char *
place_of(const Places *places, const char *schema)
{
	for (int i = 0; i < places->n; i++)
		if (strcmp(places->schemas[i], schema) == 0)
			return places->places[i];
	return NULL;
}

/*
 * Always a new one; the name may be left over from another installation.  It
 * is not that of the tables' owner, who could put something into it, or make
 * something depend on a table, and then nobody could finalize.
 */
static char *
make_schema(int64 operation)
{
	char	   *name = psprintf("pgmigrate_kept_" INT64_FORMAT, operation);
	Oid			save_user;
	int			save_sec_context;

	for (int i = 1; OidIsValid(get_namespace_oid(name, true)); i++)
		name = psprintf("pgmigrate_kept_" INT64_FORMAT "_%d", operation, i);
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_schema_owner(), save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	pgm_layout_run_text(psprintf("CREATE SCHEMA %s", name));
	SetUserIdAndSecContext(save_user, save_sec_context);
	join_extension(NamespaceRelationId, get_namespace_oid(name, false));
	return name;
}

static Places *
make_places(int64 operation, List *relids)
{
	Places	   *places = palloc0(sizeof(Places));
	ListCell   *lc;

	places->schemas = palloc(sizeof(char *) * list_length(relids));
	places->places = palloc(sizeof(char *) * list_length(relids));
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		char	   *schema = get_namespace_name(get_rel_namespace(relid));

		if (place_of(places, schema) != NULL)
			continue;
		places->schemas[places->n] = schema;
		places->places[places->n++] = make_schema(operation);
	}
	return places;
}

static void
describe(PgmOperation *operation, List *relids, const Places *places)
{
	Datum		values[3];

	values[0] = pgm_oid_array_datum(relids);
	values[1] = pgm_text_array_datum(places->n, places->schemas);
	values[2] = pgm_text_array_datum(places->n, places->places);
	pgm_operation_add_details(operation,
							  pgm_spi_one_text(&describe_query, values));
}

/* From where they were, or back. */
static void
move_all_statistics(PgmOperation *operation, List *tables, bool back)
{
	PgmSpiScope scope;
	Datum		values[2];
	List	   *oids = NIL;
	List	   *schemas = NIL;
	uint64		rows;
	ListCell   *lc;
	ListCell   *lc2;

	values[0] = pgm_text_datum(operation->details);
	values[1] = pgm_oid_array_datum(relids_of(tables));
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&statistics_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);

		oids = lappend_oid(oids, (Oid) pgm_spi_int64(i, 1));
		schemas = lappend(schemas, pgm_spi_text(i, 2));
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	forboth(lc, oids, lc2, schemas)
	{
		const PgmKeptTable *first = linitial(tables);

		if (back)
			leave_extension(StatisticExtRelationId, lfirst_oid(lc));
		move_statistics(lfirst_oid(lc),
						get_namespace_oid(back ? lfirst(lc2) : first->place,
										  false));
		if (!back)
			join_extension(StatisticExtRelationId, lfirst_oid(lc));
	}
}

/* ---- gone */

/* All that the statement drops, the partitions too. */
static List *
find_tables(const DropStmt *stmt)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		RangeVar   *name = makeRangeVarFromNameList(lfirst(lc));
		Oid			relid = RangeVarGetRelid(name, AccessExclusiveLock, true);

		if (!OidIsValid(relid))
			continue;
		result = list_append_unique_oid(result, relid);
		result = list_concat_unique_oid(result, pgm_descendants(relid));
	}
	foreach(lc, result)
		LockRelationOid(lfirst_oid(lc), AccessExclusiveLock);
	return result;
}

/*
 * Raises the errors that the statement would, and takes it back.  What depends
 * on the tables is no part of them, whatever the statement says of it.
 */
static void
try_drop(const PgmExec *exec, const PgmSource *source, int n)
{
	int			level = pgm_txn_begin_sub();

	castNode(DropStmt,
			 source->statements[n].raw->stmt)->behavior = DROP_RESTRICT;
	(void) pgm_exec_statement(exec, source, n, true);
	pgm_txn_rollback_sub(level);
}

void
pgm_kept_table_drop(PgmOperation *operation, const PgmExec *exec,
					const PgmSource *source, int n)
{
	List	   *relids = find_tables(castNode(DropStmt,
											  source->statements[n].raw->stmt));
	List	   *tables;
	ListCell   *lc;

	try_drop(exec, source, n);
	if (relids == NIL)
		return;
	describe(operation, relids, make_places(operation->id, relids));
	pgm_kept_keys_drop(relids);
	tables = pgm_kept_tables(operation);
	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);

		move_table(table->relid, get_rel_namespace(table->relid),
				   get_namespace_oid(table->place, false));
		join_or_leave(table->relid, true);
	}
	move_all_statistics(operation, tables, false);
	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);

		ereport(NOTICE,
				errmsg("table %s is gone, and kept until pgmigrate.finalize(" INT64_FORMAT ")",
					   quote_qualified_identifier(table->schema, table->name),
					   operation->id));
	}
}

/* ---- there again */

static void
refuse_missing(const PgmOperation *operation, const PgmKeptTable *table)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot revert operation " INT64_FORMAT, operation->id),
			errdetail("Table %s, which it kept, is not there: a dump does not have it, and it goes with the extension.",
					  quote_qualified_identifier(table->schema, table->name)),
			errhint("Use pgmigrate.finalize(" INT64_FORMAT ") to forget it.",
					operation->id));
}

/* Where it was, if the current user may make a table there. */
static Oid
find_schema(const char *name)
{
	Oid			schema = get_namespace_oid(name, false);
	AclResult	result = PGM_SCHEMA_ACLCHECK(schema, GetUserId(), ACL_CREATE);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, name);
	LockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
	return schema;
}

static void
remove_schemas(List *tables)
{
	ObjectAddresses *objects = new_object_addresses();
	List	   *done = NIL;
	ListCell   *lc;

	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);
		Oid			place = get_namespace_oid(table->place, true);
		ObjectAddress address;

		if (!OidIsValid(place) || list_member_oid(done, place) ||
			getExtensionOfObject(NamespaceRelationId, place) !=
			pgm_extension_oid())
			continue;
		done = lappend_oid(done, place);
		ObjectAddressSet(address, NamespaceRelationId, place);
		add_exact_object_address(&address, objects);
	}
	performMultipleDeletions(objects, DROP_RESTRICT,
							 PERFORM_DELETION_INTERNAL |
							 PERFORM_DELETION_SKIP_EXTENSIONS);
	free_object_addresses(objects);
	CommandCounterIncrement();
}

void
pgm_kept_table_bring_back(PgmOperation *operation)
{
	List	   *tables = pgm_kept_tables(operation);
	ListCell   *lc;

	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);

		if (!pgm_kept_is_there(table))
			refuse_missing(operation, table);
		(void) find_schema(table->schema);
	}
	move_all_statistics(operation, tables, true);
	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);

		join_or_leave(table->relid, false);
		move_table(table->relid, get_rel_namespace(table->relid),
				   find_schema(table->schema));
	}
	pgm_kept_keys_bring_back(operation);
	remove_schemas(tables);
}

/* ---- dropped */

void
pgm_kept_table_remove(PgmOperation *operation)
{
	List	   *tables = pgm_kept_tables(operation);
	ObjectAddresses *objects = new_object_addresses();
	ListCell   *lc;

	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);
		ObjectAddress address;

		if (!pgm_kept_is_there(table))
			continue;
		ObjectAddressSet(address, RelationRelationId, table->relid);
		add_exact_object_address(&address, objects);
	}
	performMultipleDeletions(objects, DROP_RESTRICT,
							 PERFORM_DELETION_INTERNAL |
							 PERFORM_DELETION_SKIP_EXTENSIONS);
	free_object_addresses(objects);
	CommandCounterIncrement();
	remove_schemas(tables);
}
