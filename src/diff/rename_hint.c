/*-------------------------------------------------------------------------
 *
 * rename_hint.c
 *	  Renames that the desired text tells of.
 *
 *		-- pgmigrate: renamed from customers
 *		CREATE TABLE clients (
 *			id int,
 *			-- pgmigrate: renamed from tel
 *			phone text
 *		);
 *
 * A hint is about what is made next: an object, a column or a constraint of a
 * table, an attribute of a type, a label of an enum.  It may stay in the text:
 * where the new name is there already it says nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "diff/rename_internal.h"
#include "sql/lexer.h"
#include "sql/statements.h"

/* What a statement, or a part of it, makes. */
typedef struct Made
{
	const char *kinds[3];		/* one of them */
	const char *schema;			/* NULL: in any */
	const char *table;			/* without its schema, of a part */
	const char *name;
	const char *label;			/* of an enum, quoted */
} Made;

static void
set_kinds(Made *made, const char *first, const char *second)
{
	made->kinds[0] = first;
	made->kinds[1] = second;
}

static void
set_names(Made *made, List *names)
{
	made->name = strVal(llast(names));
	if (list_length(names) > 1)
		made->schema = strVal(linitial(names));
}

static void
set_relation(Made *made, const RangeVar *relation)
{
	made->schema = relation->schemaname;
	made->name = relation->relname;
}

static void
set_part(Made *made, const char *kind, const char *other_kind,
		 const RangeVar *table, const char *name)
{
	set_kinds(made, kind, other_kind);
	made->schema = table->schemaname;
	made->table = table->relname;
	made->name = name;
}

/* ADD CONSTRAINT, as a dump has it. */
static void
set_constraint(Made *made, const AlterTableStmt *stmt)
{
	const AlterTableCmd *cmd = linitial(stmt->cmds);

	if (cmd->subtype == AT_AddConstraint &&
		castNode(Constraint, cmd->def)->conname != NULL)
		set_part(made, "constraint", NULL, stmt->relation,
				 castNode(Constraint, cmd->def)->conname);
}

/* False if it makes nothing that has a name. */
static bool
made_by(Node *stmt, Made *made)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			set_kinds(made, "table", NULL);
			set_relation(made, castNode(CreateStmt, stmt)->relation);
			break;
		case T_CreateForeignTableStmt:
			set_kinds(made, "foreign table", NULL);
			set_relation(made,
						 ((CreateForeignTableStmt *) stmt)->base.relation);
			break;
		case T_ViewStmt:
			set_kinds(made, "view", NULL);
			set_relation(made, castNode(ViewStmt, stmt)->view);
			break;
		case T_CreateTableAsStmt:
			set_kinds(made, "materialized view", "table");
			set_relation(made, castNode(CreateTableAsStmt, stmt)->into->rel);
			break;
		case T_CreateSeqStmt:
			set_kinds(made, "sequence", NULL);
			set_relation(made, castNode(CreateSeqStmt, stmt)->sequence);
			break;
		case T_CompositeTypeStmt:
			set_kinds(made, "composite type", NULL);
			set_relation(made, castNode(CompositeTypeStmt, stmt)->typevar);
			break;
		case T_IndexStmt:
			set_kinds(made, "index", NULL);
			made->schema = castNode(IndexStmt, stmt)->relation->schemaname;
			made->name = castNode(IndexStmt, stmt)->idxname;
			break;
		case T_CreateEnumStmt:
			set_kinds(made, "enum", NULL);
			set_names(made, castNode(CreateEnumStmt, stmt)->typeName);
			break;
		case T_CreateRangeStmt:
			set_kinds(made, "range", NULL);
			set_names(made, castNode(CreateRangeStmt, stmt)->typeName);
			break;
		case T_CreateDomainStmt:
			set_kinds(made, "domain", NULL);
			set_names(made, castNode(CreateDomainStmt, stmt)->domainname);
			break;
		case T_CreateFunctionStmt:
			set_kinds(made, "function", "procedure");
			set_names(made, castNode(CreateFunctionStmt, stmt)->funcname);
			break;
		case T_CreateStatsStmt:
			set_kinds(made, "statistics", NULL);
			if (castNode(CreateStatsStmt, stmt)->defnames != NIL)
				set_names(made, castNode(CreateStatsStmt, stmt)->defnames);
			break;
		case T_CreateSchemaStmt:
			set_kinds(made, "schema", NULL);
			made->name = castNode(CreateSchemaStmt, stmt)->schemaname;
			break;
		case T_CreateTrigStmt:
			set_part(made, "trigger", NULL,
					 castNode(CreateTrigStmt, stmt)->relation,
					 castNode(CreateTrigStmt, stmt)->trigname);
			break;
		case T_CreatePolicyStmt:
			set_part(made, "policy", NULL,
					 castNode(CreatePolicyStmt, stmt)->table,
					 castNode(CreatePolicyStmt, stmt)->policy_name);
			break;
		case T_RuleStmt:
			set_part(made, "rule", NULL, castNode(RuleStmt, stmt)->relation,
					 castNode(RuleStmt, stmt)->rulename);
			break;
		case T_AlterTableStmt:
			set_constraint(made, castNode(AlterTableStmt, stmt));
			break;
		default:
			break;
	}
	return made->name != NULL;
}

/* The column or constraint that begins first behind a place. */
static void
find_element(Made *made, const RangeVar *table, List *elements, int location)
{
	int			nearest = PG_INT32_MAX;
	ListCell   *cell;

	foreach(cell, elements)
	{
		Node	   *element = lfirst(cell);
		bool		column = IsA(element, ColumnDef);
		const char *name;
		int			begin;

		if (!column && !IsA(element, Constraint))
			continue;
		name = column ? castNode(ColumnDef, element)->colname :
			castNode(Constraint, element)->conname;
		begin = column ? castNode(ColumnDef, element)->location :
			castNode(Constraint, element)->location;
		if (name == NULL || begin <= location || begin >= nearest)
			continue;
		nearest = begin;
		set_part(made, column ? "column" : "constraint", NULL, table, name);
	}
}

/* The literal that comes next. */
static const char *
next_label(const char *text, int location)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	lexer.pos = location;
	pgm_sqlscan_significant(&lexer, &token);
	return token.kind != PGM_SQL_STRING ? NULL :
		pnstrdup(text + token.start, token.end - token.start);
}

/* False if there is nothing in this statement that has a name. */
static bool
made_inside(const PgmSource *source, Node *stmt, int location, Made *made)
{
	if (IsA(stmt, CreateStmt))
		find_element(made, castNode(CreateStmt, stmt)->relation,
					 castNode(CreateStmt, stmt)->tableElts, location);
	else if (IsA(stmt, CompositeTypeStmt))
		find_element(made, castNode(CompositeTypeStmt, stmt)->typevar,
					 castNode(CompositeTypeStmt, stmt)->coldeflist, location);
	else if (IsA(stmt, CreateEnumStmt))
	{
		(void) made_by(stmt, made);
		made->label = next_label(source->text, location);
		return made->label != NULL;
	}
	return made->name != NULL;
}

static bool
is_made(const PgmSchemaObject *object, const Made *made)
{
	const char *host = object->identity;
	bool		kind = false;

	for (int i = 0; i < 2 && made->kinds[i] != NULL; i++)
		kind |= pgm_ddl_is(object, made->kinds[i]);
	if (!kind ||
		strcmp(pgm_rename_name(object), quote_identifier(made->name)) != 0)
		return false;
	if (made->table != NULL)
	{
		host = pgm_ddl_table(object);
		if (strcmp(pgm_ddl_bare_name(host),
				   quote_identifier(made->table)) != 0)
			return false;
	}
	return made->schema == NULL ||
		strcmp(pgm_rename_schema_of(host),
			   psprintf("%s.", quote_identifier(made->schema))) == 0;
}

static const PgmSchemaObject *
find_made(const PgmRenameSearch *search, const Made *made)
{
	const PgmSchemaObject *found = NULL;

	for (int i = 0; i < search->desired->nobjects; i++)
	{
		const PgmSchemaObject *object = &search->desired->objects[i];

		if (!is_made(object, made))
			continue;
		if (found != NULL)
			ereport(ERROR,
					errcode(ERRCODE_AMBIGUOUS_ALIAS),
					errmsg("there are several %ss \"%s\"", object->kind,
						   made->name),
					errhint("Write the schema of what was renamed."));
		found = object;
	}
	return found;
}

/* The old name, without the schema or table that it may be written with. */
static char *
old_name(const PgmSchemaObject *object, const char *written)
{
	List	   *names = pgm_rename_split(written);
	const char *schema = pgm_rename_schema_of(object->identity);

	if (list_length(names) > 2 ||
		(list_length(names) == 2 &&
		 pgm_rename_stage_of(object->kind) == PGM_RENAME_PARTS))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid name \"%s\" in a hint about a rename",
					   written));
	if (list_length(names) == 2 &&
		strcmp(schema, psprintf("%s.", quote_identifier(strVal(linitial(names))))) != 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot rename %s %s into another schema",
					   object->kind, written));
	return pstrdup(quote_identifier(strVal(llast(names))));
}

static void
refuse_missing(const char *kind, const char *identity, const char *new_name)
{
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("there is no %s %s to be renamed to %s", kind, identity,
				   new_name));
}

static void
add_label(PgmRenameSearch *search, const PgmSchemaObject *type,
		  const char *label, const char *written)
{
	const char *labels;
	const char *old;

	type = pgm_schema_find(search->present, type->kind, type->identity);
	labels = type == NULL ? NULL : pgm_schema_value(type, "labels");
	if (labels == NULL || pgm_ddl_in_list(labels, label))
		return;
	old = written[0] == '\'' ? written : quote_literal_cstr(written);
	if (!pgm_ddl_in_list(labels, old))
		refuse_missing("label", old, label);
	pgm_rename_add_label(search, type, old, label);
}

static void
add_hint(PgmRenameSearch *search, const Made *made, const char *written)
{
	const PgmSchemaObject *object = find_made(search, made);
	const PgmSchemaObject *was;
	char	   *identity;

	if (object == NULL)
		return;
	if (made->label != NULL)
	{
		if (search->stage == PGM_RENAME_PARTS)
			add_label(search, object, made->label, written);
		return;
	}
	if (pgm_rename_stage_of(object->kind) != search->stage ||
		!pgm_rename_is_wanted(search, object->kind, object->identity))
		return;
	identity = pgm_rename_identity(object, old_name(object, written));
	was = pgm_schema_find(search->present, object->kind, identity);
	if (was == NULL)
		refuse_missing(object->kind, identity, pgm_rename_name(object));
	pgm_rename_add(search, was, pgm_rename_name(object));
}

/* What a hint at this place of the text is about. */
static void
apply_hint(PgmRenameSearch *search, const PgmSource *source, int location,
		   const char *written)
{
	for (int i = 0; i < source->nstatements; i++)
	{
		const PgmStatement *statement = &source->statements[i];
		Node	   *stmt = statement->raw->stmt;
		Made		made = {{NULL}};

		if (statement->offset + statement->length <= location)
			continue;
		if (statement->offset > location ? made_by(stmt, &made) :
			made_inside(source, stmt, location, &made))
			add_hint(search, &made, written);
		return;
	}
}

bool
pgm_rename_hinted(const char *text)
{
	return text != NULL && strstr(text, PGM_RENAME_HINT) != NULL;
}

void
pgm_rename_hints(PgmRenameSearch *search, const char *text)
{
	const PgmSource *source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);

	for (const char *hint = strstr(source->text, PGM_RENAME_HINT);
		 hint != NULL; hint = strstr(hint + 1, PGM_RENAME_HINT))
	{
		const char *name = hint + strlen(PGM_RENAME_HINT);
		char	   *written = pnstrdup(name, strcspn(name, "\r\n"));
		size_t		length = strlen(written);

		while (length > 0 && strchr(" \t", written[length - 1]) != NULL)
			written[--length] = '\0';
		apply_hint(search, source, hint - source->text, written);
	}
}
