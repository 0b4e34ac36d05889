/*-------------------------------------------------------------------------
 *
 * kept_column.c
 *	  Columns that are dropped, and can come back.
 *
 * A column that was dropped is still in the rows, until each is updated: the
 * server writes a null in its place.  A trigger that fires last before an
 * UPDATE puts the old value there.  So nothing is copied, the statement runs
 * as it is written, and the way back is a change of the catalog, whatever the
 * size of the table: the column is the one that it was.  What went with it,
 * default, constraints, indexes, comments, grants, is made again.
 *
 * The rows lose the values when they are written anew by VACUUM FULL, CLUSTER
 * or a change of type: the file of the table is not the same then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "online/kept_internal.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/sync_trigger.h"

typedef struct KeptColumn
{
	char	   *name;
	AttrNumber	attnum;
	Oid			type;
	int32		typmod;
	Oid			collation;
	bool		not_null;
	bool		has_default;
} KeptColumn;

/*
 * $1: the table, $2: its columns that go.  "gone" is for pgmigrate.verify(),
 * of what the text of the statement does not name.
 */
static PgmQuery describe_query = {
	"WITH a AS (SELECT a.* FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attnum = ANY ($2)), "
	"d AS (SELECT DISTINCT d.classid, d.objid FROM pg_depend d "
	"WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND d.refobjsubid = ANY ($2)), "
	"k AS (SELECT k.* FROM pg_constraint k WHERE k.conrelid = $1 "
	"AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conkey && $2), "
	"i AS (SELECT i.indexrelid AS oid FROM pg_index i JOIN d "
	"ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid "
	"WHERE i.indrelid = $1), "
	"t AS (SELECT format('%I.%I', n.nspname, c.relname) AS name, c.* "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.oid = $1), "
	"r (place, part, before, after) AS ("
	"SELECT 1, attnum, 'ALTER TABLE ONLY ', format(' ALTER COLUMN %I SET "
	"STATISTICS %s', attname, coalesce(attstattarget, -1)) FROM a "
	"UNION ALL SELECT 1, attnum, 'ALTER TABLE ONLY ', format(' ALTER COLUMN "
	"%I SET (%s)', attname, (SELECT string_agg(format('%I = %L', "
	"split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') "
	"FROM unnest(attoptions) o WHERE o ~ '^n_distinct')) FROM a "
	"WHERE array_to_string(attoptions, ' ') ~ 'n_distinct' "
	"UNION ALL SELECT 1, attnum, 'ALTER TABLE ONLY ', format(' ALTER COLUMN "
	"%I SET DEFAULT %s', attname, pg_get_expr(f.adbin, f.adrelid)) "
	"FROM a JOIN pg_attrdef f ON f.adrelid = a.attrelid "
	"AND f.adnum = a.attnum "
	"UNION ALL SELECT 3, row_number() OVER (ORDER BY array_position("
	"'{p,u,x,c,f}', contype::text), oid), 'ALTER TABLE ONLY ', format(' ADD "
	"CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) FROM k "
	"UNION ALL SELECT 4, i.oid::int8, c.relname, pg_get_indexdef(i.oid) "
	"FROM i JOIN pg_class c ON c.oid = i.oid "
	"WHERE NOT EXISTS (SELECT FROM pg_constraint k "
	"WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')) "
	"UNION ALL SELECT 5, s.oid::int8, left(pg_get_statisticsobjdef(s.oid), "
	"- length((SELECT name FROM t))), '' FROM pg_statistic_ext s JOIN d "
	"ON d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid "
	"UNION ALL SELECT 6, attnum, 'COMMENT ON COLUMN ', format('.%I IS %L', "
	"attname, col_description($1, attnum)) FROM a "
	"WHERE col_description($1, attnum) IS NOT NULL "
	"UNION ALL SELECT 6, oid::int8, format('COMMENT ON CONSTRAINT %I ON ', "
	"conname), format(' IS %L', obj_description(oid, 'pg_constraint')) FROM k "
	"WHERE obj_description(oid, 'pg_constraint') IS NOT NULL "
	"UNION ALL SELECT 6, attnum, format('GRANT %s (%I) ON ', "
	"x.privilege_type, attname), format(' TO %s%s', CASE x.grantee WHEN 0 "
	"THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, "
	"CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) "
	"FROM a, aclexplode(a.attacl) x) "
	"SELECT jsonb_build_object('kept', '[]'::jsonb, "
	"'filenode', pg_relation_filenode($1)::int8, "
	"'columns', (SELECT jsonb_agg(jsonb_build_object('name', attname, "
	"'number', attnum, 'type', atttypid::int8, 'typmod', atttypmod, "
	"'collation', attcollation::int8, 'not_null', attnotnull, "
	"'has_default', atthasdef) ORDER BY attnum) FROM a), "
	"'gone', (SELECT jsonb_agg('* ' || o.identity) FROM ("
	"SELECT 'pg_class'::regclass AS class, i.oid FROM i "
	"UNION SELECT 'pg_class'::regclass, k.conindid FROM k "
	"WHERE k.contype IN ('p', 'u', 'x') "
	"UNION SELECT d.classid, d.objid FROM d "
	"WHERE d.classid = 'pg_statistic_ext'::regclass) g, "
	"pg_identify_object(g.class, g.oid, 0) o), "
	"'restore', (SELECT jsonb_agg(jsonb_build_object('place', place, "
	"'before', before, 'after', after) ORDER BY place, part) FROM r))::text",
	2, {OIDOID, INT2ARRAYOID}
};

static PgmQuery columns_query = {
	"SELECT k ->> 'name', (k ->> 'number')::int4, (k ->> 'type')::int8, "
	"(k ->> 'typmod')::int4, (k ->> 'collation')::int8, "
	"(k ->> 'not_null')::boolean, (k ->> 'has_default')::boolean "
	"FROM jsonb_array_elements($1::jsonb -> 'columns') k",
	1, {TEXTOID}
};

static PgmQuery restore_query = {
	"SELECT k ->> 'before', k ->> 'after' "
	"FROM jsonb_array_elements($1::jsonb -> 'restore') k "
	"WHERE (k ->> 'place')::int4 = $2",
	2, {TEXTOID, INT4OID}
};

static PgmQuery filenode_query = {
	"SELECT pg_relation_filenode($1)::int8 = ($2::jsonb ->> 'filenode')::int8",
	2, {OIDOID, TEXTOID}
};

/* Only what is made of row types can be altered where no column has it. */
static PgmQuery row_type_query = {
	"WITH RECURSIVE r (type) AS (SELECT $1 UNION SELECT e.type "
	"FROM r JOIN pg_type t ON t.oid = r.type LEFT JOIN pg_range g "
	"ON r.type IN (g.rngtypid, g.rngmultitypid), LATERAL unnest(ARRAY["
	"t.typelem, t.typbasetype, g.rngsubtype]) AS e (type)) SELECT "
	"FROM r JOIN pg_type t ON t.oid = r.type AND t.typtype = 'c'",
	1, {OIDOID}
};

/* ---- the trigger */

HeapTuple
pgm_kept_row(TriggerData *data)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);
	bool	   *replace = palloc0(sizeof(bool) * desc->natts);

	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function must be fired before UPDATE for each row"));
	heap_deform_tuple(data->tg_trigtuple, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
		replace[i] = TupleDescAttr(desc, i)->attisdropped;
	return heap_modify_tuple(data->tg_newtuple, desc, values, nulls, replace);
}

/* After all others: what one of them returns may have lost the values. */
static void
add_trigger(const PgmOperation *operation)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ObjectAddress address;

	stmt->trigname = psprintf("~pgmigrate_" INT64_FORMAT, operation->id);
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_BEFORE;
	stmt->events = TRIGGER_TYPE_UPDATE;
	address = CreateTrigger(stmt, NULL, operation->relid, InvalidOid,
							InvalidOid, InvalidOid, pgm_sync_function("kept_row"),
							InvalidOid, NULL, true, false);
	pgm_sync_fire_always(address.objectId);
}

/* That of the operation; InvalidOid if it is gone or disabled. */
static Oid
find_trigger(const PgmOperation *operation)
{
	Relation	rel = table_open(operation->relid, NoLock);
	char	   *name = psprintf("~pgmigrate_" INT64_FORMAT "_", operation->id);
	Oid			result = InvalidOid;

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (strncmp(trigger->tgname, name, strlen(name)) == 0 &&
			trigger->tgfoid == pgm_sync_function("kept_row") &&
			trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
			result = trigger->tgoid;
	}
	table_close(rel, NoLock);
	return result;
}

void
pgm_kept_column_remove(PgmOperation *operation)
{
	ObjectAddress address;

	if (get_rel_name(operation->relid) == NULL ||
		!OidIsValid(find_trigger(operation)))
		return;
	ObjectAddressSet(address, TriggerRelationId, find_trigger(operation));
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* ---- what is written in the operation */

static void *
make_column(uint64 i)
{
	KeptColumn *column = palloc(sizeof(KeptColumn));

	column->name = pgm_spi_text(i, 1);
	column->attnum = (AttrNumber) pgm_spi_int32(i, 2);
	column->type = (Oid) pgm_spi_int64(i, 3);
	column->typmod = pgm_spi_int32(i, 4);
	column->collation = (Oid) pgm_spi_int64(i, 5);
	column->not_null = pgm_spi_bool(i, 6);
	column->has_default = pgm_spi_bool(i, 7);
	return column;
}

static List *
read_columns(const PgmOperation *operation)
{
	return pgm_kept_read(operation, &columns_query, make_column);
}

List *
pgm_kept_columns(const PgmOperation *operation)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, read_columns(operation))
		result = lappend(result,
						 makeString(((KeptColumn *) lfirst(lc))->name));
	return result;
}

bool
pgm_kept_columns_are_back(const PgmOperation *operation)
{
	ListCell   *lc;

	foreach(lc, read_columns(operation))
	{
		const KeptColumn *column = lfirst(lc);

		if (get_attnum(operation->relid, column->name) != column->attnum)
			return false;
	}
	return true;
}

static void
describe(PgmOperation *operation, List *attnums)
{
	Datum		values[2];
	Datum	   *elements = palloc(sizeof(Datum) * list_length(attnums));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, attnums)
		elements[n++] = Int16GetDatum((int16) lfirst_int(lc));
	values[0] = ObjectIdGetDatum(operation->relid);
	values[1] = pgm_array_datum(INT2OID, n, elements);
	pgm_operation_add_details(operation,
							  pgm_spi_one_text(&describe_query, values));
}

/* ---- gone */

/* Rows that were there before the column have its value from here. */
static void
keep_missing(Oid relid, HeapTuple before)
{
	Form_pg_attribute was = (Form_pg_attribute) GETSTRUCT(before);
	Relation	attributes;
	HeapTuple	tuple;
	HeapTuple	changed;
	Datum		values[Natts_pg_attribute];
	bool		nulls[Natts_pg_attribute];
	bool		replace[Natts_pg_attribute] = {false};
	Datum		missing;
	bool		is_null;

	if (!was->atthasmissing)
		return;
	missing = SysCacheGetAttr(ATTNUM, before, Anum_pg_attribute_attmissingval,
							  &is_null);
	if (is_null)
		return;
	attributes = table_open(AttributeRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid),
								Int16GetDatum(was->attnum));
	values[Anum_pg_attribute_atthasmissing - 1] = BoolGetDatum(true);
	nulls[Anum_pg_attribute_atthasmissing - 1] = false;
	replace[Anum_pg_attribute_atthasmissing - 1] = true;
	values[Anum_pg_attribute_attmissingval - 1] = missing;
	nulls[Anum_pg_attribute_attmissingval - 1] = false;
	replace[Anum_pg_attribute_attmissingval - 1] = true;
	changed = heap_modify_tuple(tuple, RelationGetDescr(attributes), values,
								nulls, replace);
	CatalogTupleUpdate(attributes, &changed->t_self, changed);
	table_close(attributes, RowExclusiveLock);
	CommandCounterIncrement();
}

/* In quotes, with commas. */
static char *
names_of(List *attributes)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, attributes)
	{
		HeapTuple	tuple = lfirst(lc);
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

		appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
						 NameStr(form->attname));
	}
	return names.data;
}

void
pgm_kept_column_drop(PgmOperation *operation, const PgmExec *exec,
					 const PgmSource *source, int n)
{
	List	   *attnums = NIL;
	List	   *before = NIL;
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt,
						 source->statements[n].raw->stmt)->cmds)
	{
		HeapTuple	tuple =
			SearchSysCacheCopyAttName(operation->relid,
									  lfirst_node(AlterTableCmd, lc)->name);

		if (!HeapTupleIsValid(tuple))
			continue;
		attnums = lappend_int(attnums,
							  ((Form_pg_attribute) GETSTRUCT(tuple))->attnum);
		before = lappend(before, tuple);
	}
	if (attnums != NIL)
		describe(operation, attnums);
	(void) pgm_exec_statement(exec, source, n, true);
	if (attnums == NIL)
		return;
	CommandCounterIncrement();
	foreach(lc, before)
		keep_missing(operation->relid, lfirst(lc));
	add_trigger(operation);
	ereport(NOTICE,
			errmsg_plural("column %s of table %s is gone, and kept until pgmigrate.finalize(" INT64_FORMAT ")",
						  "columns %s of table %s are gone, and kept until pgmigrate.finalize(" INT64_FORMAT ")",
						  list_length(attnums), names_of(before),
						  pgm_layout_name(operation->relid), operation->id));
}

/* ---- there again */

static void
refuse(const PgmOperation *operation, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot revert operation " INT64_FORMAT, operation->id),
			errdetail_internal("%s", detail),
			errhint("Use pgmigrate.finalize(" INT64_FORMAT ") to forget what it kept.",
					operation->id));
}

static bool
same_file(const PgmOperation *operation)
{
	PgmSpiScope scope;
	Datum		values[2];
	bool		result;

	values[0] = ObjectIdGetDatum(operation->relid);
	values[1] = pgm_text_datum(operation->details);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&filenode_query, values, NULL);
	result = !pgm_spi_isnull(1, 1) && pgm_spi_bool(1, 1);
	pgm_spi_end(&scope);
	return result;
}

static bool
is_made_of_rows(Oid type)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(type)};
	bool		result;

	pgm_spi_begin(&scope);
	result = pgm_spi_execute(&row_type_query, values, NULL) > 0;
	pgm_spi_end(&scope);
	return result;
}

/* Nobody drops them from here on. */
static void
check_type(const PgmOperation *operation, const KeptColumn *column)
{
	LockDatabaseObject(TypeRelationId, column->type, 0, AccessShareLock);
	if (OidIsValid(column->collation))
		LockDatabaseObject(CollationRelationId, column->collation, 0,
						   AccessShareLock);
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(column->type)))
		refuse(operation, psprintf(_("The type of column \"%s\" was dropped."),
								   column->name));
	if (OidIsValid(column->collation) &&
		!SearchSysCacheExists1(COLLOID, ObjectIdGetDatum(column->collation)))
		refuse(operation, psprintf(_("The collation of column \"%s\" was dropped."),
								   column->name));
	if (is_made_of_rows(column->type))
		refuse(operation, psprintf(_("The type of column \"%s\" is made of row types, which may have been altered."),
								   column->name));
}

static void
check(const PgmOperation *operation, const KeptColumn *column)
{
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM,
											ObjectIdGetDatum(operation->relid),
											Int16GetDatum(column->attnum));

	if (!HeapTupleIsValid(tuple) ||
		!((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		refuse(operation, _("The table is not the one that it was."));
	check_type(operation, column);
	if (get_attnum(operation->relid, column->name) != InvalidAttrNumber)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" already exists",
					   column->name, get_rel_name(operation->relid)));
}

/* The attribute has kept its length and alignment all the time. */
static void
undrop(Oid relid, const KeptColumn *column)
{
	Relation	attributes = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(column->attnum));
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	ObjectAddress self;
	ObjectAddress other;

	form->attisdropped = false;
	namestrcpy(&form->attname, column->name);
	form->atttypid = column->type;
	form->atttypmod = column->typmod;
	form->attcollation = column->collation;
	CatalogTupleUpdate(attributes, &tuple->t_self, tuple);
	table_close(attributes, RowExclusiveLock);

	ObjectAddressSubSet(self, RelationRelationId, relid, column->attnum);
	ObjectAddressSet(other, TypeRelationId, column->type);
	recordDependencyOn(&self, &other, DEPENDENCY_NORMAL);
	if (OidIsValid(column->collation) &&
		column->collation != DEFAULT_COLLATION_OID)
	{
		ObjectAddressSet(other, CollationRelationId, column->collation);
		recordDependencyOn(&self, &other, DEPENDENCY_NORMAL);
	}
	CommandCounterIncrement();
}

/* What belongs to one place in the order, with the rights of the owner. */
static void
restore(const PgmOperation *operation, int place)
{
	const char *table = pgm_layout_name(operation->relid);
	PgmSpiScope spi;
	PgmOwnerScope scope;
	Datum		values[2];
	uint64		rows;
	char	  **before;
	char	  **after;

	values[0] = pgm_text_datum(operation->details);
	values[1] = Int32GetDatum(place);
	pgm_spi_begin(&spi);
	rows = pgm_spi_execute(&restore_query, values, NULL);
	before = MemoryContextAlloc(spi.outer, sizeof(char *) * (rows + 1));
	after = MemoryContextAlloc(spi.outer, sizeof(char *) * (rows + 1));
	for (uint64 i = 0; i < rows; i++)
	{
		before[i] = pgm_spi_text(i + 1, 1);
		after[i] = pgm_spi_text(i + 1, 2);
	}
	pgm_spi_end(&spi);
	pgm_owner_enter(&scope, pgm_owner_of(operation->relid));
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	for (uint64 i = 0; i < rows; i++)
	{
		if (place == PGM_KEPT_INDEXES)
			pgm_layout_run((Node *) pgm_layout_index_statement(after[i],
															   before[i],
															   operation->relid),
						   after[i]);
		else
			pgm_layout_run_text(psprintf("%s%s%s", before[i], table,
										 after[i]));
		CommandCounterIncrement();
	}
	pgm_owner_leave(&scope);
}

/* In the name of the owner; the number of rows. */
static uint64
run_as_owner(const PgmOperation *operation, const char *sql, bool read_only)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin_as(&scope, pgm_owner_of(operation->relid));
	rows = pgm_spi_execute_built(sql, read_only, 0, NULL);
	pgm_spi_end(&scope);
	return rows;
}

/* Rows written since have no value. */
static void
set_not_null(const PgmOperation *operation, const KeptColumn *column,
			 bool without_unfit)
{
	const char *table = pgm_layout_name(operation->relid);
	const char *name = quote_identifier(column->name);
	PgmOwnerScope scope;

	if (run_as_owner(operation,
					 psprintf("SELECT FROM ONLY %s WHERE %s IS NULL LIMIT 1",
							  table, name), true) > 0)
	{
		if (column->has_default)
			(void) run_as_owner(operation,
								psprintf("UPDATE ONLY %s SET %s = DEFAULT "
										 "WHERE %s IS NULL", table, name,
										 name), false);
		else if (!without_unfit)
			ereport(ERROR,
					errcode(ERRCODE_NOT_NULL_VIOLATION),
					errmsg("column \"%s\" of table %s is NOT NULL, and rows written since have no value",
						   column->name, table),
					errhint("Use pgmigrate.revert(" INT64_FORMAT ", without_unfit => true) to bring it back without NOT NULL.",
							operation->id));
		else
		{
			ereport(WARNING,
					errmsg("column \"%s\" of table %s is not NOT NULL any more: rows written since have no value",
						   column->name, table));
			return;
		}
	}
	pgm_owner_enter(&scope, pgm_owner_of(operation->relid));
	pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s ALTER COLUMN %s "
								 "SET NOT NULL", table, name));
	pgm_owner_leave(&scope);
}

void
pgm_kept_column_bring_back(PgmOperation *operation, bool without_unfit)
{
	List	   *columns = read_columns(operation);
	ListCell   *lc;

	if (get_rel_name(operation->relid) == NULL ||
		!OidIsValid(find_trigger(operation)))
		refuse(operation, _("The table is not there, or the trigger that keeps the values was dropped or disabled."));
	if (!same_file(operation))
		refuse(operation, _("The table was written anew since, by VACUUM FULL, CLUSTER, TRUNCATE or ALTER TABLE, and the values are lost."));
	foreach(lc, columns)
		check(operation, lfirst(lc));
	pgm_kept_column_remove(operation);
	foreach(lc, columns)
		undrop(operation->relid, lfirst(lc));
	restore(operation, PGM_KEPT_DEFAULTS);
	foreach(lc, columns)
	{
		const KeptColumn *column = lfirst(lc);

		if (column->not_null)
			set_not_null(operation, column, without_unfit);
	}
	for (int place = PGM_KEPT_CONSTRAINTS; place <= PGM_KEPT_REST; place++)
		restore(operation, place);
}
