/*-------------------------------------------------------------------------
 *
 * suggestion.c
 *	  What a statement may have meant by a name that is not there.
 *
 * Or of what keeps a part of a table from being dropped or altered.
 *
 * The server suggests columns in queries only.  Here it is also the tables of
 * all statements, and the columns of ALTER TABLE and UPDATE.  A name that the
 * statement itself makes may be taken for a missing one; then there is no
 * error, and nobody reads the suggestion.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/error_privacy.h"
#include "base/spi.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "exec/suggestion.h"

/* Names that are further away are others. */
#define PGM_MAX_DISTANCE 3

static PgmQuery relations_query = {
	"SELECT c.relname::text, format('%I.%I', n.nspname, c.relname), "
	"n.nspname LIKE 'pg\\_temp\\_%' FROM pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') "
	"AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
	"AND ($2 IS NULL OR n.nspname = $2 OR c.relname = $1) "
	"ORDER BY 2 LIMIT 10000",
	2, {TEXTOID, TEXTOID}
};

static PgmQuery columns_query = {
	"SELECT a.attname::text, format('%I', a.attname), false "
	"FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 "
	"AND NOT a.attisdropped ORDER BY a.attnum",
	1, {OIDOID}
};

/*
 * The operation that keeps what uses an object, and whether that is a table
 * that was dropped.  What is kept has the number in the name of its schema, as
 * tables beside have, or of its column or trigger.
 */
static PgmQuery keeper_query = {
	"WITH RECURSIVE d (classid, objid, objsubid) AS ("
	"SELECT classid, objid, objsubid "
	"FROM pg_depend WHERE refclassid = $1 AND refobjid = $2 "
	"UNION SELECT p.classid, p.objid, p.objsubid FROM d JOIN pg_depend p "
	"ON p.refclassid = d.classid AND p.refobjid = d.objid "
	"WHERE d.classid <> 'pg_class'::regclass), "
	"k (name) AS (SELECT n.nspname FROM d "
	"JOIN pg_class c ON c.oid = CASE d.classid "
	"WHEN 'pg_class'::regclass THEN d.objid "
	"WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef "
	"WHERE oid = d.objid) "
	"WHEN 'pg_constraint'::regclass THEN (SELECT conrelid "
	"FROM pg_constraint WHERE oid = d.objid) "
	"WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger "
	"WHERE oid = d.objid) END JOIN pg_namespace n ON n.oid = c.relnamespace "
	"UNION ALL SELECT a.attname FROM d JOIN pg_attribute a "
	"ON d.classid = 'pg_class'::regclass AND a.attrelid = d.objid "
	"AND a.attnum = d.objsubid "
	"UNION ALL SELECT t.tgname FROM d JOIN pg_trigger t "
	"ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid) "
	"SELECT o.id, format('%I.%I', o.schema_name, o.relation_name), "
	"k.name LIKE 'pgmigrate\\_kept\\_%' FROM k "
	"JOIN pgmigrate.operation o ON o.id::text = substring(k.name, "
	"'^(?:zzz_|~)?pgmigrate_(?:kept_|online_)?(\\d+)') "
	"AND o.state = 'switched' ORDER BY 1 LIMIT 1",
	2, {OIDOID, OIDOID}
};

/* The nearest of the names that a query gives. */
typedef struct Nearest
{
	char	   *name;			/* as it is to be written, or NULL */
	bool		temporary;		/* there is one in another session */
} Nearest;

static int
distance_of(const char *name, const char *other)
{
	int			limit = Min(PGM_MAX_DISTANCE, (int) strlen(name) / 2);

	if (strlen(other) >= NAMEDATALEN || strlen(name) >= NAMEDATALEN)
		return limit + 1;
	return varstr_levenshtein_less_equal(name, strlen(name),
										 other, strlen(other),
										 1, 1, 1, limit, true);
}

static Nearest
find_nearest(PgmQuery *query, const Datum *values, const bool *nulls,
			 const char *name)
{
	Nearest		nearest = {0};
	int			best = Min(PGM_MAX_DISTANCE, (int) strlen(name) / 2) + 1;
	PgmSpiScope scope;
	uint64		rows;

	/* a scratch database has catalogs, but no schema of ours */
	pgm_spi_begin_as(&scope, GetUserId());
	rows = pgm_spi_execute(query, values, nulls);
	for (uint64 i = 1; i <= rows; i++)
	{
		const char *other = pgm_spi_text(i, 1);
		int			distance = distance_of(name, other);

		if (pgm_spi_bool(i, 3))
			nearest.temporary |= strcmp(name, other) == 0;
		else if (distance < best)
		{
			best = distance;
			nearest.name = MemoryContextStrdup(scope.outer,
											   pgm_spi_text(i, 2));
		}
	}
	pgm_spi_end(&scope);
	return nearest;
}

static PgmSuggestion
suggest_relation(const RangeVar *name)
{
	PgmSuggestion suggestion = {0};
	Datum		values[2] = {pgm_text_datum(name->relname)};
	bool		nulls[2] = {false, true};
	Nearest		nearest;

	if (name->schemaname != NULL)
	{
		values[1] = pgm_text_datum(name->schemaname);
		nulls[1] = false;
	}
	nearest = find_nearest(&relations_query, values, nulls, name->relname);
	if (nearest.temporary)
		suggestion.hint = psprintf("A temporary table \"%s\" belongs to another session, which may be yours: the run has a session of its own.  Make the table in the revision, or set \"pgmigrate.execution\" to inline.",
								   name->relname);
	else if (nearest.name != NULL)
		suggestion.hint = psprintf("Perhaps you meant the table %s.",
								   nearest.name);
	if (suggestion.hint != NULL)
		suggestion.sqlerrcode = ERRCODE_UNDEFINED_TABLE;
	return suggestion;
}

static PgmSuggestion
suggest_column(Oid relid, const char *name)
{
	PgmSuggestion suggestion = {0};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	Nearest		nearest = find_nearest(&columns_query, values, NULL, name);

	if (nearest.name == NULL)
		return suggestion;
	suggestion.sqlerrcode = ERRCODE_UNDEFINED_COLUMN;
	suggestion.hint = psprintf("Perhaps you meant the column %s.",
							   nearest.name);
	return suggestion;
}

/* The relations of a statement, in its text's order. */
static bool
collect_relations(Node *node, void *context)
{
	List	  **names = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
	{
		*names = lappend(*names, node);
		return false;
	}
	return pgm_walk_raw(node, collect_relations, context);
}

static List *
dropped_relations(const DropStmt *drop)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (drop->missing_ok ||
		(drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_VIEW &&
		 drop->removeType != OBJECT_MATVIEW))
		return NIL;
	foreach(lc, drop->objects)
		names = lappend(names, makeRangeVarFromNameList(lfirst(lc)));
	return names;
}

static List *
relations_of(Node *stmt)
{
	List	   *names = NIL;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, stmt)->missing_ok ? NIL :
				list_make1(castNode(AlterTableStmt, stmt)->relation);
		case T_RenameStmt:
			return castNode(RenameStmt, stmt)->missing_ok ||
				castNode(RenameStmt, stmt)->relation == NULL ? NIL :
				list_make1(castNode(RenameStmt, stmt)->relation);
		case T_IndexStmt:
			return list_make1(castNode(IndexStmt, stmt)->relation);
		case T_CreateTrigStmt:
			return list_make1(castNode(CreateTrigStmt, stmt)->relation);
		case T_TruncateStmt:
			return castNode(TruncateStmt, stmt)->relations;
		case T_DropStmt:
			return dropped_relations(castNode(DropStmt, stmt));
		case T_ViewStmt:
			(void) collect_relations(castNode(ViewStmt, stmt)->query, &names);
			return names;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_SelectStmt:
			(void) collect_relations(stmt, &names);
			return names;
		default:
			return NIL;
	}
}

/* Columns that are to be there, of the relation that the statement changes. */
static List *
columns_of(Node *stmt)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->name != NULL && !cmd->missing_ok &&
			(cmd->subtype == AT_DropColumn ||
			 cmd->subtype == AT_ColumnDefault ||
			 cmd->subtype == AT_SetNotNull ||
			 cmd->subtype == AT_DropNotNull ||
			 cmd->subtype == AT_AlterColumnType))
			names = lappend(names, cmd->name);
	}
	else if (IsA(stmt, UpdateStmt))
		foreach(lc, castNode(UpdateStmt, stmt)->targetList)
			names = lappend(names, lfirst_node(ResTarget, lc)->name);
	else if (IsA(stmt, RenameStmt) &&
			 castNode(RenameStmt, stmt)->renameType == OBJECT_COLUMN)
		names = lappend(names, castNode(RenameStmt, stmt)->subname);
	return names;
}

/* What the server has to say of a schema is an error of its own. */
static bool
can_look_up(const RangeVar *name)
{
	return name->catalogname == NULL &&
		(name->schemaname == NULL ||
		 strcmp(name->schemaname, "pg_temp") != 0);
}

static Oid
lookup(const RangeVar *name)
{
	Oid			schema;

	if (name->schemaname == NULL)
		return RelnameGetRelid(name->relname);
	schema = get_namespace_oid(name->schemaname, true);
	return OidIsValid(schema) ? get_relname_relid(name->relname, schema) :
		InvalidOid;
}

/* Is it a kind of object that tables and columns are made of? */
static bool
is_part(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_FUNCTION:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
		case OBJECT_OPERATOR:
		case OBJECT_COLLATION:
		case OBJECT_EXTENSION:
			return true;
		default:
			return false;
	}
}

/* A dropped object, or a type that is altered. */
static PgmSuggestion
suggest_finalize(ObjectType kind, Node *name, int sqlerrcode)
{
	PgmSuggestion result = {0};
	Relation	rel = NULL;
	ObjectAddress address = get_object_address(kind, name, &rel,
											   AccessShareLock, true);
	PgmSpiScope scope;
	Datum		values[2];

	if (!OidIsValid(address.objectId))
		return result;
	values[0] = ObjectIdGetDatum(address.classId);
	values[1] = ObjectIdGetDatum(address.objectId);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&keeper_query, values, NULL) > 0)
	{
		result.sqlerrcode = sqlerrcode;
		result.hint = MemoryContextStrdup(scope.outer,
										  psprintf(pgm_spi_bool(1, 3) ?
												   "Operation " INT64_FORMAT " keeps table %s, which was dropped, for the way back.  Give that up with pgmigrate.finalize(" INT64_FORMAT ")." :
												   "Operation " INT64_FORMAT " keeps what table %s had before it was changed, for the way back.  Give that up with pgmigrate.finalize(" INT64_FORMAT ").",
												   pgm_spi_int64(1, 1),
												   pgm_spi_text(1, 2),
												   pgm_spi_int64(1, 1)));
		pgm_error_note_own_hint(result.hint);
	}
	pgm_spi_end(&scope);
	return result;
}

static PgmSuggestion
suggest_for_drop(const DropStmt *stmt)
{
	PgmSuggestion result = {0};
	ListCell   *lc;

	if (stmt->behavior == DROP_CASCADE)
		return result;
	foreach(lc, stmt->objects)
	{
		PgmSuggestion one = suggest_finalize(stmt->removeType, lfirst(lc),
											 ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST);

		if (one.hint != NULL)
			result = one;
	}
	return result;
}

/* The name of the type that a statement alters, or NIL. */
static List *
altered_type(Node *stmt)
{
	const RangeVar *name;

	if (IsA(stmt, AlterDomainStmt))
		return castNode(AlterDomainStmt, stmt)->typeName;
	if (!IsA(stmt, AlterTableStmt) ||
		castNode(AlterTableStmt, stmt)->objtype != OBJECT_TYPE)
		return NIL;
	name = castNode(AlterTableStmt, stmt)->relation;
	if (name->schemaname == NULL)
		return list_make1(makeString(name->relname));
	return list_make2(makeString(name->schemaname),
					  makeString(name->relname));
}

/*
 * Is what is dropped or altered used by what is kept of something that was
 * dropped or changed?  A scratch database has no extension, and nothing kept.
 */
static PgmSuggestion
suggest_for_kept(Node *stmt)
{
	PgmSuggestion none = {0};
	List	   *type = altered_type(stmt);

	if (!OidIsValid(get_extension_oid("pgmigrate", true)))
		return none;
	if (IsA(stmt, DropStmt))
		return suggest_for_drop(castNode(DropStmt, stmt));

	/* which the server says of a column that has a type with it in it */
	if (type != NIL)
		return suggest_finalize(OBJECT_TYPE,
								(Node *) makeTypeNameFromNameList(type),
								ERRCODE_FEATURE_NOT_SUPPORTED);
	return none;
}

PgmSuggestion
pgm_exec_suggestion(Node *stmt)
{
	PgmSuggestion none = {0};
	List	   *relations = relations_of(stmt);
	Oid			relid;
	ListCell   *lc;

	if (altered_type(stmt) != NIL ||
		(IsA(stmt, DropStmt) &&
		 is_part(castNode(DropStmt, stmt)->removeType)))
		return suggest_for_kept(stmt);
	foreach(lc, relations)
	{
		const RangeVar *name = lfirst_node(RangeVar, lc);

		if (can_look_up(name) && !OidIsValid(lookup(name)))
			return suggest_relation(name);
	}
	if (relations == NIL)
		return none;
	if (!can_look_up(linitial(relations)))
		return none;
	relid = lookup(linitial(relations));
	foreach(lc, columns_of(stmt))
	{
		const char *name = lfirst(lc);

		if (get_attnum(relid, name) == InvalidAttrNumber)
			return suggest_column(relid, name);
	}
	return none;
}
