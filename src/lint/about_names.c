/*-------------------------------------------------------------------------
 *
 * about_names.c
 *	  Rules about names: how they are written, and what they mean.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/keywords.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "strategy/names.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/* ---- names that must be quoted */

static bool
is_plain_name(const char *name)
{
	int			keyword = ScanKeywordLookup(name, &ScanKeywords);

	if (keyword >= 0 &&
		(ScanKeywordCategories[keyword] == RESERVED_KEYWORD ||
		 ScanKeywordCategories[keyword] == TYPE_FUNC_NAME_KEYWORD))
		return false;
	if (isdigit((unsigned char) *name) || *name == '$')
		return false;
	for (; *name; name++)
	{
		unsigned char c = *name;

		if (!IS_HIGHBIT_SET(c) && !(c >= 'a' && c <= 'z') &&
			!(c >= '0' && c <= '9') && c != '_' && c != '$')
			return false;
	}
	return true;
}

static List *
add_name(List *names, const char *name)
{
	return name == NULL || is_plain_name(name) ? names :
		list_append_unique(names, makeString(pstrdup(name)));
}

static List *
add_elements(List *names, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			names = add_name(names, castNode(ColumnDef, element)->colname);
		else if (IsA(element, Constraint))
			names = add_name(names, castNode(Constraint, element)->conname);
	}
	return names;
}

static List *
add_alter(List *names, const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn || cmd->subtype == AT_AddConstraint)
			names = add_elements(names, list_make1(cmd->def));
	}
	return names;
}

static List *
add_last(List *names, List *qualified)
{
	return add_name(names, strVal(llast(qualified)));
}

/* The relation that a statement makes, or NULL; a composite type is one. */
static RangeVar *
new_relation(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, stmt)->relation;
		case T_ViewStmt:
			return castNode(ViewStmt, stmt)->view;
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, stmt)->into->rel;
		case T_CreateSeqStmt:
			return castNode(CreateSeqStmt, stmt)->sequence;
		case T_CompositeTypeStmt:
			return castNode(CompositeTypeStmt, stmt)->typevar;
		default:
			return NULL;
	}
}

/* The names that a statement brings into the database. */
static List *
new_names(Node *stmt)
{
	RangeVar   *relation = new_relation(stmt);
	List	   *names = NIL;

	if (relation != NULL)
		names = add_name(names, relation->relname);
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return add_elements(names, castNode(CreateStmt, stmt)->tableElts);
		case T_AlterTableStmt:
			return add_alter(names, castNode(AlterTableStmt, stmt));
		case T_IndexStmt:
			return add_name(names, castNode(IndexStmt, stmt)->idxname);
		case T_CreateSchemaStmt:
			return add_name(names,
							castNode(CreateSchemaStmt, stmt)->schemaname);
		case T_CreateEnumStmt:
			return add_last(names, castNode(CreateEnumStmt, stmt)->typeName);
		case T_CreateDomainStmt:
			return add_last(names,
							castNode(CreateDomainStmt, stmt)->domainname);
		case T_CreateFunctionStmt:
			return add_last(names,
							castNode(CreateFunctionStmt, stmt)->funcname);
		case T_CreateTrigStmt:
			return add_name(names, castNode(CreateTrigStmt, stmt)->trigname);
		case T_RenameStmt:
			return add_name(names, castNode(RenameStmt, stmt)->newname);
		default:
			return names;
	}
}

/* userId as user_id; a key word with something behind it. */
static char *
plain_name(const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *c = name; *c; c++)
	{
		if (isupper((unsigned char) *c))
		{
			if (c > name && !isupper((unsigned char) c[-1]) &&
				buf.data[buf.len - 1] != '_')
				appendStringInfoChar(&buf, '_');
			appendStringInfoChar(&buf, pg_tolower((unsigned char) *c));
		}
		else if (isalnum((unsigned char) *c) || IS_HIGHBIT_SET(*c))
			appendStringInfoChar(&buf, *c);
		else if (buf.len == 0 || buf.data[buf.len - 1] != '_')
			appendStringInfoChar(&buf, '_');
	}
	if (!is_plain_name(buf.data))
		appendStringInfoChar(&buf, '_');
	return buf.data;
}

static void
lint_quoted(PgmLint *lint)
{
	List	   *names = new_names(lint->stmt);
	List	   *plain = NIL;
	ListCell   *lc;

	if (names == NIL)
		return;
	foreach(lc, names)
		plain = lappend(plain, makeString(plain_name(strVal(lfirst(lc)))));
	pgm_lint_add(lint, "quoted-name",
				 psprintf("must be quoted wherever it is used: %s", pgm_name_list(names)),
				 psprintf("Call it %s.", pgm_name_list(plain)));
}

/* ---- names that are cut off */

static char *
full_name(const PgmSqlLexer *lexer, const PgmSqlToken *token)
{
	const char *start = lexer->input + token->start;
	int			length = token->end - token->start;

	return token->kind == PGM_SQL_WORD ?
		downcase_identifier(start, length, false, false) :
		pnstrdup(start + 1, length - 2);
}

/* A name as it is written and as the server has it. */
typedef struct LongName
{
	char	   *full;
	char	   *cut;
} LongName;

static const LongName *
find_long(List *names, const char *full, const char *cut)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		const LongName *name = lfirst(lc);

		if ((full == NULL || strcmp(name->full, full) == 0) &&
			(cut == NULL || strcmp(name->cut, cut) == 0))
			return name;
	}
	return NULL;
}

/* Those of the statement that are too long, and not among the known ones. */
static List *
long_names(PgmLint *lint)
{
	char	   *text = pgm_statement_text(lint->judged->source,
										  lint->judged->n);
	List	   *names = NIL;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		LongName   *name;

		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return names;
		if ((token.kind != PGM_SQL_WORD && token.kind != PGM_SQL_NAME) ||
			token.end - token.start < NAMEDATALEN)
			continue;
		name = palloc(sizeof(LongName));
		name->cut = pgm_lint_token_name(&lexer, &token);
		if (name->cut == NULL)
			continue;
		name->full = full_name(&lexer, &token);
		if (strcmp(name->full, name->cut) != 0 &&
			find_long(lint->past->long_names, name->full, NULL) == NULL &&
			find_long(names, name->full, NULL) == NULL)
			names = lappend(names, name);
	}
}

static void
lint_long(PgmLint *lint)
{
	List	   *names = long_names(lint);
	ListCell   *lc;

	foreach(lc, names)
	{
		const LongName *name = lfirst(lc);
		const LongName *other = find_long(lint->past->long_names, NULL,
										  name->cut);

		pgm_lint_add(lint, "name-too-long",
					 psprintf("the server cuts %s off to %s", name->full,
							  quote_identifier(name->cut)),
					 psprintf("Take a name of at most %d bytes.", NAMEDATALEN - 1));
		if (other != NULL)
			pgm_lint_add(lint, "names-become-equal",
						 psprintf("%s and %s are both cut off to %s", other->full,
								  name->full, quote_identifier(name->cut)),
						 psprintf("Take names that differ within %d bytes.", NAMEDATALEN - 1));
	}
}

/* ---- names without a schema */

/* The relation that a statement changes, by its name; or NULL. */
static RangeVar *
changed_relation(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, stmt)->relation;
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->relation;
		case T_RenameStmt:
			return castNode(RenameStmt, stmt)->relation;
		case T_AlterObjectSchemaStmt:
			return castNode(AlterObjectSchemaStmt, stmt)->relation;
		case T_CreateTrigStmt:
			return castNode(CreateTrigStmt, stmt)->relation;
		case T_UpdateStmt:
			return castNode(UpdateStmt, stmt)->relation;
		case T_DeleteStmt:
			return castNode(DeleteStmt, stmt)->relation;
		case T_InsertStmt:
			return castNode(InsertStmt, stmt)->relation;
		default:
			return NULL;
	}
}

/* Schemas of the search path that have it, or would get it. */
static List *
schemas_with(const char *name, bool makes)
{
	List	   *schemas = NIL;
	ListCell   *lc;

	foreach(lc, fetch_search_path(false))
	{
		Oid			schema = lfirst_oid(lc);

		if (OidIsValid(get_relname_relid(name, schema)) ||
			(makes && foreach_current_index(lc) == 0))
			schemas = lappend(schemas,
							  makeString(get_namespace_name(schema)));
	}
	return schemas;
}

static void
lint_unqualified(PgmLint *lint)
{
	RangeVar   *name = new_relation(lint->stmt);
	bool		makes = name != NULL;
	const char *schema;
	const char *relation;
	List	   *schemas;

	if (!makes)
		name = changed_relation(lint->stmt);
	if (name == NULL || name->schemaname != NULL ||
		name->relpersistence == RELPERSISTENCE_TEMP ||
		(lint->effect != NULL && lint->effect->created_here && !makes))
		return;
	schemas = schemas_with(name->relname, makes);
	if (schemas == NIL)
		return;
	schema = strVal(linitial(schemas));
	relation = quote_identifier(name->relname);
	if (list_length(schemas) > 1)
		pgm_lint_add(lint, "unqualified-name",
					 psprintf("%s is %s.%s by the search path alone: schema %s has one too", relation,
							  quote_identifier(schema), relation,
							  quote_identifier(strVal(lsecond(schemas)))),
					 psprintf("Write %s.%s.", quote_identifier(schema), relation));
	else if (makes &&
			 strcmp(schema, GetUserNameFromId(GetUserId(), false)) == 0)
		pgm_lint_add(lint, "unqualified-name",
					 psprintf("%s is made in schema %s, and elsewhere if another role applies it", relation,
							  quote_identifier(schema)),
					 psprintf("Write %s.%s.", quote_identifier(schema), relation));
}

void
pgm_lint_name(PgmLint *lint)
{
	lint_quoted(lint);
	lint_long(lint);
	lint_unqualified(lint);
}

void
pgm_lint_name_remember(PgmLint *lint)
{
	lint->past->long_names = list_concat(lint->past->long_names,
										 long_names(lint));
}
