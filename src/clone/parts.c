/*-------------------------------------------------------------------------
 *
 * parts.c
 *	  Which parts of a table have to be in its copy.
 *
 * Each column, index and sequence of a copy is rows in the catalogs that are
 * dead when the trial is over.  Most changes of a table can only be refused
 * by, and only lock, what they name and what hangs on that: a column with its
 * indexes, constraints, triggers and foreign keys.  So where all statements
 * are of such kinds, the copies have the columns whose names are words of the
 * text, what depends on those or is named itself, and the columns that this
 * needs in turn, views among them.  A statement that may rewrite its table
 * locks all indexes, and so does the query that checks a foreign key.
 *
 * What is not known to be so is copied whole: partitions and other children,
 * tables with generated columns, rules, row security or statistics objects;
 * and all of them where a part does not do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "parser/scansup.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "base/spi_list.h"
#include "clone/clone_sql.h"
#include "clone/parts.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "sql/lexer.h"

/* ---- from the statements */

static void
add_word(PgmParts *parts, char *word)
{
	parts->words = list_append_unique(parts->words, makeString(word));
}

/* Key words can be names as well; strings are none. */
static void
add_words(PgmParts *parts, const char *text)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		const char *start;
		int			len;

		pgm_sqlscan_significant(&lexer, &token);
		start = text + token.start;
		len = (int) (token.end - token.start);
		if (token.kind == PGM_SQL_END)
			break;
		if (token.kind == PGM_SQL_WORD)
			add_word(parts, downcase_truncate_identifier(start, len, false));

		/* with a quote inside, or escapes, it is left to the whole copy */
		else if (token.kind == PGM_SQL_NAME)
		{
			if (*start != '"' ||
				memchr(start + 1, '"', len - 2) != NULL)
				parts->whole = true;
			else
			{
				char	   *name = pnstrdup(start + 1, len - 2);

				truncate_identifier(name, len - 2, false);
				add_word(parts, name);
			}
		}
	}
}

static bool
is_constant(Node *expression)
{
	while (expression != NULL && IsA(expression, TypeCast))
		expression = castNode(TypeCast, expression)->arg;
	return expression != NULL && IsA(expression, A_Const);
}

/* A domain can have a default, or a constraint, for all rows there are. */
static bool
is_plain_type(const TypeName *name)
{
	Type		type = LookupTypeName(NULL, name, NULL, true);
	bool		plain;

	if (type == NULL)
		return false;
	plain = ((Form_pg_type) GETSTRUCT(type))->typtype != TYPTYPE_DOMAIN;
	ReleaseSysCache(type);
	return plain;
}

static void
learn_constraint(PgmParts *parts, const Constraint *constraint)
{
	ListCell   *lc;

	switch (constraint->contype)
	{
		case CONSTR_FOREIGN:
			foreach(lc, constraint->pk_attrs)
				add_word(parts, strVal(lfirst(lc)));
			parts->keys = true;
			break;
		case CONSTR_PRIMARY:
			parts->keys = true;
			break;
		case CONSTR_IDENTITY:
		case CONSTR_GENERATED:
			parts->indexes = true;
			break;
		case CONSTR_DEFAULT:
			if (!is_constant(constraint->raw_expr))
				parts->indexes = true;
			break;
		default:
			break;
	}
}

/* The query that checks a foreign key is planned with all indexes. */
static bool
is_checked_key(const Constraint *constraint)
{
	return constraint->contype == CONSTR_FOREIGN &&
		!constraint->skip_validation;
}

static void
learn_column(PgmParts *parts, const ColumnDef *column)
{
	bool		key = false;
	bool		filled = false;
	ListCell   *lc;

	if (column->typeName != NULL && !is_plain_type(column->typeName))
		parts->indexes = true;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		learn_constraint(parts, constraint);
		key |= is_checked_key(constraint);
		filled |= constraint->contype == CONSTR_DEFAULT;
	}
	parts->indexes |= key && filled;
}

/* Can this part of an ALTER TABLE do with a part of the table? */
static bool
learn_command(PgmParts *parts, const AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
	{
		case AT_AddColumn:
			learn_column(parts, castNode(ColumnDef, cmd->def));
			return true;
		case AT_AddConstraint:
			learn_constraint(parts, castNode(Constraint, cmd->def));
			parts->indexes |= is_checked_key(castNode(Constraint, cmd->def));
			return true;
		case AT_AlterColumnType:
		case AT_ValidateConstraint:
			parts->indexes = true;
			return true;
		case AT_ColumnDefault:
		case AT_DropColumn:
		case AT_DropConstraint:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_SetOptions:
		case AT_SetRelOptions:
		case AT_SetStatistics:
			return true;
		default:
			return false;
	}
}

static bool
learn_alter(PgmParts *parts, AlterTableStmt *stmt)
{
	ListCell   *lc;

	if (pgm_alter_table_kind(stmt) != OBJECT_TABLE)
		return false;
	foreach(lc, stmt->cmds)
	{
		if (!learn_command(parts, lfirst_node(AlterTableCmd, lc)))
			return false;
	}
	return true;
}

/* What it refers to needs no more than the key. */
static bool
learn_create(PgmParts *parts, const CreateStmt *stmt)
{
	ListCell   *lc;

	if (stmt->inhRelations != NIL || stmt->partbound != NULL ||
		stmt->ofTypename != NULL)
		return false;
	foreach(lc, stmt->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, ColumnDef))
			learn_column(parts, castNode(ColumnDef, element));
		else if (IsA(element, Constraint))
			learn_constraint(parts, castNode(Constraint, element));
		else
			return false;
	}
	return true;
}

static bool
learn_rename(const RenameStmt *stmt)
{
	return stmt->renameType == OBJECT_TABCONSTRAINT ||
		(stmt->renameType == OBJECT_COLUMN &&
		 stmt->relationType == OBJECT_TABLE);
}

bool
pgm_parts_learn(PgmParts *parts, Node *stmt, const char *text)
{
	/* the columns of a new table are nobody else's */
	if (!IsA(stmt, CreateStmt))
		add_words(parts, text);
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return learn_alter(parts, castNode(AlterTableStmt, stmt));
		case T_CreateStmt:
			return learn_create(parts, castNode(CreateStmt, stmt));
		case T_IndexStmt:
			return true;
		case T_RenameStmt:
			return learn_rename(castNode(RenameStmt, stmt));
		default:
			return false;
	}
}

/* ---- from the catalog */

/* $1 tables, $2 without these. */
static PgmQuery partial_query = {
	"SELECT c.oid::int8 FROM pg_class c WHERE c.oid = ANY ($1) "
	"AND NOT c.oid = ANY ($2) AND c.relkind = 'r' AND NOT c.relispartition "
	"AND NOT c.relhassubclass AND NOT c.relhasrules AND NOT c.relrowsecurity "
	"AND c.reloftype = 0 "
	"AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) "
	"AND NOT EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = c.oid) "
	"AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid) "
	"AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid "
	"AND a.attgenerated <> '')",
	2, {OIDARRAYOID, OIDARRAYOID}
};

/*
 * $1 tables and views, $2 words, $3 with all indexes, $4 with primary keys:
 * what is named, or depends on a column that is; the key that a foreign key
 * needs, and the foreign keys that need one of these keys.  $5 tables to which
 * their foreign keys are all needed, and from which.
 */
static PgmQuery objects_query = {
	"WITH t AS (SELECT unnest($1) AS oid), "
	"o AS (SELECT d.objid AS oid FROM t JOIN pg_depend d "
	"ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid "
	"AND d.refobjsubid > 0 AND d.classid IN ('pg_class'::regclass, "
	"'pg_constraint'::regclass, 'pg_trigger'::regclass) "
	"JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
	"WHERE a.attname::text = ANY ($2) "
	"UNION SELECT k.oid FROM t JOIN pg_constraint k ON k.conrelid = t.oid "
	"WHERE k.conname::text = ANY ($2) OR $3 AND k.contype IN ('p', 'u', 'x') "
	"OR $4 AND k.contype = 'p' "
	"UNION SELECT i.indexrelid FROM t JOIN pg_index i ON i.indrelid = t.oid "
	"JOIN pg_class c ON c.oid = i.indexrelid "
	"WHERE $3 OR c.relname::text = ANY ($2) "
	"UNION SELECT g.oid FROM t JOIN pg_trigger g ON g.tgrelid = t.oid "
	"WHERE g.tgname::text = ANY ($2) "
	"UNION SELECT w.oid FROM t JOIN pg_rewrite w ON w.ev_class = t.oid "
	"UNION SELECT k.oid FROM pg_constraint k WHERE k.contype = 'f' "
	"AND (k.conrelid = ANY ($5) AND k.confrelid = ANY ($1) "
	"OR k.confrelid = ANY ($5) AND k.conrelid = ANY ($1))), "
	"e AS (SELECT oid FROM o UNION SELECT k.oid FROM o "
	"JOIN pg_constraint n ON n.oid = o.oid AND n.contype IN ('p', 'u') "
	"JOIN pg_constraint k ON k.conindid = n.conindid AND k.contype = 'f'), "
	"f AS (SELECT k.conindid AS oid FROM e JOIN pg_constraint k "
	"ON k.oid = e.oid AND k.contype = 'f') "
	"SELECT oid::int8 FROM e UNION SELECT oid::int8 FROM f "
	"UNION SELECT k.oid::int8 FROM f JOIN pg_constraint k "
	"ON k.conindid = f.oid AND k.contype IN ('p', 'u', 'x') "

	/* an index that is named may be that of a constraint */
	"UNION SELECT k.oid::int8 FROM o JOIN pg_constraint k "
	"ON k.conindid = o.oid AND k.contype IN ('p', 'u', 'x')",
	5, {OIDARRAYOID, TEXTARRAYOID, BOOLOID, BOOLOID, OIDARRAYOID}
};

void
pgm_parts_choose(PgmParts *parts, List *wanted)
{
	Datum		values[5];

	parts->partial = NIL;
	parts->objects = NIL;
	if (parts->whole || wanted == NIL)
		return;
	values[0] = pgm_oid_array_datum(wanted);
	values[1] = pgm_oid_array_datum(parts->entire);
	parts->partial = pgm_spi_oids(&partial_query, values);
	if (parts->partial == NIL)
		return;
	values[1] = pgm_names_datum(parts->words);
	values[2] = BoolGetDatum(parts->indexes);
	values[3] = BoolGetDatum(parts->keys);
	values[4] = pgm_oid_array_datum(parts->entire);
	parts->objects = pgm_spi_oids(&objects_query, values);
}
