/*-------------------------------------------------------------------------
 *
 * step_objects.c
 *	  What the steps of a statement have made is found again, or it fails.
 *
 * Between two steps, and between two runs, the table is its owner's: he may
 * drop a constraint, an index or a column that a step has made, or have
 * another one of that name, which the names in later steps would find.  So the
 * operation's details say what was made, by name, OID and definition.  One
 * with the same definition is as good: after a restore, REINDEX CONCURRENTLY
 * or a change of a type it has another OID.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/spi.h"
#include "base/spi_list.h"
#include "classify/verdict.h"
#include "run/step_objects.h"
#include "sql/source_text.h"
#include "sql/statements.h"

/*
 * $1: details; what was made, and what has its name now.  A column has no OID
 * and is known by its number, in the cluster in which it was made.
 */
#define FOUND_SQL \
	"WITH now AS (SELECT m.*, n.oid AS is_oid, n.def AS is_def, " \
	"coalesce(m.oid = n.oid OR m.def = n.def, false) AS is_ours " \
	"FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'made') " \
	"AS r (kind text, relation text, name text, oid oid, def text, " \
	"cluster text) UNION ALL SELECT kind, relation, name, NULL, NULL, " \
	"pgmigrate.system_identifier()::text " \
	"FROM unnest($2, $3, $4) AS r (kind, relation, name)) AS m " \
	"LEFT JOIN LATERAL (SELECT k.oid, pg_get_constraintdef(k.oid) AS def " \
	"FROM pg_constraint k WHERE m.kind = 'constraint' " \
	"AND k.conrelid = to_regclass(m.relation) AND k.conname = m.name " \
	"UNION ALL SELECT i.indexrelid, pg_get_indexdef(i.indexrelid) " \
	"FROM pg_index i WHERE m.kind = 'index' AND i.indisvalid " \
	"AND i.indexrelid = to_regclass(m.relation) " \
	"UNION ALL SELECT a.attnum::int::oid, CASE WHEN m.cluster = " \
	"pgmigrate.system_identifier()::text THEN a.attnum::text " \
	"ELSE m.def END FROM pg_attribute a WHERE m.kind = 'column' " \
	"AND a.attrelid = to_regclass(m.relation) AND a.attname = m.name " \
	"AND NOT a.attisdropped) AS n ON true) "

/* An index may be made while others are dropped, see below. */
static PgmQuery note_query = {
	FOUND_SQL
	"SELECT jsonb_build_object('made', coalesce(jsonb_agg("
	"jsonb_build_object('kind', kind, 'relation', relation, 'name', name, "
	"'oid', coalesce(is_oid, oid), 'def', coalesce(is_def, def), "
	"'cluster', pgmigrate.system_identifier()::text)), '[]'))::text "
	"FROM now WHERE CASE WHEN oid IS NULL THEN is_oid IS NOT NULL "
	"ELSE is_ours OR $5 END",
	5, {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID}
};

static PgmQuery lost_query = {
	FOUND_SQL
	"SELECT CASE kind WHEN 'index' THEN format('index %s', relation) "
	"ELSE format('%s %I of table %s', kind, name, relation) END "
	"FROM now WHERE NOT is_ours LIMIT 1",
	4, {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery ours_query = {
	FOUND_SQL
	"SELECT EXISTS (SELECT FROM now WHERE oid IS NOT NULL AND is_ours "
	"AND (kind, relation, name) IN (SELECT kind, relation, name FROM now "
	"WHERE oid IS NULL))",
	4, {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

/* Lists of String, one element for each object. */
typedef struct Objects
{
	List	   *kinds;
	List	   *relations;		/* the table, or the index itself */
	List	   *names;			/* in the table */
} Objects;

static void
add_object(Objects *objects, const char *kind, const RangeVar *relation,
		   const char *name)
{
	char	   *qualified = quote_qualified_identifier(relation->schemaname,
													   relation->relname);

	objects->kinds = lappend(objects->kinds, makeString(pstrdup(kind)));
	objects->relations = lappend(objects->relations, makeString(qualified));
	objects->names = lappend(objects->names, makeString(pstrdup(name)));
}

/* What a part of an ALTER TABLE makes or drops, if it does. */
static void
add_part(Objects *objects, const RangeVar *table, const AlterTableCmd *cmd)
{
	const Constraint *constraint;

	switch (cmd->subtype)
	{
		case AT_AddColumn:
			add_object(objects, "column", table,
					   castNode(ColumnDef, cmd->def)->colname);
			break;
		case AT_DropColumn:
			add_object(objects, "column", table, cmd->name);
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			if (constraint->conname != NULL)
				add_object(objects, "constraint", table, constraint->conname);
			break;
		case AT_DropConstraint:
			add_object(objects, "constraint", table, cmd->name);
			break;
		default:
			break;
	}
}

static void
add_statement(Objects *objects, Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
	{
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			add_part(objects, castNode(AlterTableStmt, stmt)->relation,
					 lfirst_node(AlterTableCmd, lc));
	}
	else if (IsA(stmt, IndexStmt) && castNode(IndexStmt, stmt)->idxname)
	{
		RangeVar   *index = copyObject(castNode(IndexStmt, stmt)->relation);

		index->relname = castNode(IndexStmt, stmt)->idxname;
		add_object(objects, "index", index, "");
	}
	else if (IsA(stmt, DropStmt) &&
			 castNode(DropStmt, stmt)->removeType == OBJECT_INDEX)
	{
		foreach(lc, castNode(DropStmt, stmt)->objects)
			add_object(objects, "index",
					   makeRangeVarFromNameList(lfirst(lc)), "");
	}
}

/* Rows of $1 to $4. */
static void
set_values(Datum *values, const PgmOperation *operation,
		   const Objects *objects)
{
	values[0] = pgm_text_datum(operation->details);
	values[1] = pgm_names_datum(objects->kinds);
	values[2] = pgm_names_datum(objects->relations);
	values[3] = pgm_names_datum(objects->names);
}

void
pgm_step_objects_note(PgmOperation *operation, const char *sql)
{
	PgmSource  *step = pgm_source_parse(sql, PGM_SOURCE_OTHER, NULL);
	Objects		objects = {0};
	Datum		values[5];
	bool		keep;

	for (int i = 0; i < step->nstatements; i++)
		add_statement(&objects, step->statements[i].raw->stmt);
	set_values(values, operation, &objects);

	/* one that commits by itself has no lock on the others by now */
	keep = step->nstatements == 1 &&
		IsA(step->statements[0].raw->stmt, IndexStmt);
	values[4] = BoolGetDatum(keep);
	pgm_operation_add_details(operation,
							  pgm_spi_one_text(&note_query, values));
}

void
pgm_step_objects_check(const PgmOperation *operation)
{
	Objects		objects = {0};
	Datum		values[4];
	char	   *lost;

	set_values(values, operation, &objects);
	lost = pgm_spi_one_text(&lost_query, values);
	if (lost != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("what statement %d has made was dropped or replaced meanwhile",
					   operation->statement),
				errdetail("It is the %s, made by an earlier step.", lost),
				errhint("What else the statement has made is taken back, and the next run begins it anew."));
}

static bool
is_ours(const PgmOperation *operation, const Objects *objects)
{
	Datum		values[4];

	if (objects->kinds == NIL ||
		pgm_operation_detail(operation, "made") == NULL)
		return true;
	set_values(values, operation, objects);
	return pgm_spi_one_bool(&ours_query, values);
}

/* Statement n, which alters a table, with what may be taken back. */
static char *
ours_of_table(const PgmOperation *operation, const PgmSource *source, int n)
{
	const AlterTableStmt *stmt =
		castNode(AlterTableStmt, source->statements[n].raw->stmt);
	char	   *rest = pgm_source_after_name(source, n,
											 stmt->relation->location);
	List	   *texts = pgm_slice_list(psprintf("(%s)", rest));
	StringInfoData buf;
	ListCell   *lc;
	ListCell   *lc2;

	if (!OidIsValid(pgm_lookup_relation(stmt->relation)))
		return NULL;
	initStringInfo(&buf);
	forboth(lc, stmt->cmds, lc2, texts)
	{
		Objects		objects = {0};

		add_part(&objects, stmt->relation, lfirst_node(AlterTableCmd, lc));
		if (is_ours(operation, &objects))
			appendStringInfo(&buf, "%s %s", buf.len > 0 ? "," : "",
							 pgm_slice_trim(lfirst(lc2)));
	}
	if (buf.len == 0)
		return NULL;
	return psprintf("ALTER TABLE %s%s%s", stmt->relation->inh ? "" : "ONLY ",
					quote_qualified_identifier(stmt->relation->schemaname,
											   stmt->relation->relname),
					buf.data);
}

static char *
ours_of_statement(const PgmOperation *operation, const PgmSource *source,
				  int n)
{
	Objects		objects = {0};

	if (IsA(source->statements[n].raw->stmt, AlterTableStmt))
		return ours_of_table(operation, source, n);
	add_statement(&objects, source->statements[n].raw->stmt);
	return is_ours(operation, &objects) ? pgm_statement_text(source, n) : NULL;
}

char *
pgm_step_objects_undo(const PgmOperation *operation, const char *undo)
{
	PgmSource  *source;
	StringInfoData buf;

	if (undo == NULL)
		return NULL;
	source = pgm_source_parse(undo, PGM_SOURCE_OTHER, NULL);
	initStringInfo(&buf);
	for (int i = 0; i < source->nstatements; i++)
	{
		char	   *text = ours_of_statement(operation, source, i);

		if (text != NULL)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ";\n" : "", text);
	}
	return buf.len > 0 ? buf.data : NULL;
}
