/*-------------------------------------------------------------------------
 *
 * about_foreign.c
 *	  Rules about foreign tables, be they named or below what is.
 *
 * Of a clone they are left out, so the trial does not tell what they refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"

#include "compat/merge.h"
#include "compat/parse.h"
#include "lint/internal.h"
#include "sql/kinds.h"
#include "sql/relation_names.h"
#include "sql/statements.h"

static PgmQuery unique_query = {
	"SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = $1 AND indisunique)",
	1, {OIDOID}
};

/* ---- what foreign tables do not have */

static const char *
constraint_not_had(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
			return "primary key";
		case CONSTR_UNIQUE:
			return "unique constraint";
		case CONSTR_EXCLUSION:
			return "exclusion constraint";
		case CONSTR_FOREIGN:
			return "foreign key";
		default:
			return NULL;
	}
}

static const char *
column_not_had(const ColumnDef *column)
{
	const char *found = NULL;
	ListCell   *lc;

	foreach(lc, column->constraints)
		if (found == NULL)
		found = constraint_not_had(lfirst_node(Constraint, lc));
	return found;
}

/* Of what is said of a partitioned table some goes for its partitions too. */
static const char *
part_not_had(const AlterTableCmd *cmd, bool below)
{
	switch (cmd->subtype)
	{
		case AT_AddConstraint:
			return constraint_not_had(castNode(Constraint, cmd->def));
		case AT_AddColumn:
			return column_not_had(castNode(ColumnDef, cmd->def));
		case AT_EnableRowSecurity:
		case AT_ForceRowSecurity:
			return below ? NULL : "row security";
		case AT_SetTableSpace:
			return below ? NULL : "tablespace";
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
			return below ? NULL : "storage parameters";
		case AT_SetLogged:
		case AT_SetUnLogged:
			return below ? NULL : "log";
		case AT_ClusterOn:
			return below ? NULL : "index";
		case AT_ReplicaIdentity:
			return below ? NULL : "replica identity";
		default:
			return NULL;
	}
}

static const char *
not_had(Node *stmt, bool below)
{
	const char *found = NULL;
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
				if (found == NULL)
				found = part_not_had(lfirst_node(AlterTableCmd, lc), below);
			return found;
		case T_IndexStmt:
			return !below ? "index" :
				castNode(IndexStmt, stmt)->unique ? "unique index" : NULL;
		case T_CreateTrigStmt:
			if (castNode(CreateTrigStmt, stmt)->isconstraint)
				return "constraint trigger";
			return castNode(CreateTrigStmt, stmt)->transitionRels != NIL &&
				!below ? "trigger with transition tables" : NULL;
		case T_CreatePolicyStmt:
			return below ? NULL : "policy";
		case T_RuleStmt:
			return below ? NULL : "rule";
		case PGM_T_MERGE:
			return "MERGE";
		default:
			return NULL;
	}
}

static void
lint_refused(PgmLint *lint, PgmEffect *effect)
{
	bool		below = effect != lint->effect;
	const char *name = pgm_effect_name(effect);
	const char *what = not_had(lint->stmt, below);

	if (what == NULL || (below && (lint->effect == NULL ||
								   lint->effect->relkind != RELKIND_PARTITIONED_TABLE)))
		return;

	/* what is only read may be one */
	if (pgm_is_merge(lint->stmt) && effect->mode < RowExclusiveLock)
		return;
	(void) pgm_lint_find(lint->judged, "foreign-partition", effect,
						 below ?
						 psprintf("the statement fails: %s, below %s, is a foreign table, which has no %s",
								  name, lint->name, what) :
						 psprintf("the statement fails: %s is a foreign table, which has no %s",
								  name, what),
						 pgm_is_merge(lint->stmt) ?
						 pstrdup("Write it as UPDATE, DELETE and INSERT.") :
						 below ?
						 pstrdup("Make it of each partition that is a table here, and at the other end of the others.") :
						 pstrdup("Make it at the other end."));
}

/* A partition that comes, to a table with a unique index. */
static void
lint_joining(PgmLint *lint, const char *name)
{
	Datum		value;

	if (lint->effect == NULL || !OidIsValid(lint->effect->relid) ||
		lint->effect->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	value = ObjectIdGetDatum(lint->effect->relid);
	if (pgm_spi_one_bool(&unique_query, &value))
		pgm_lint_add(lint, "foreign-partition",
					 psprintf("the statement fails: %s has a unique index, and %s is a foreign table",
							  lint->name, name),
					 pstrdup("Have unique indexes of the partitions, and at the other end, in its place."));
}

/* ---- what the other end does not follow */

static bool
changes_columns(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, RenameStmt))
		return castNode(RenameStmt, stmt)->renameType == OBJECT_COLUMN;
	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AddColumn:
			case AT_DropColumn:
			case AT_AlterColumnType:
				return true;
			default:
				break;
		}
	}
	return false;
}

/* What every row is to be, so that queries may count on it? */
static bool
restricts_rows(Node *stmt)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_SetNotNull ||
			(cmd->subtype == AT_AddConstraint &&
			 (castNode(Constraint, cmd->def)->contype == CONSTR_CHECK ||
			  castNode(Constraint, cmd->def)->contype == CONSTR_NOTNULL)))
			return true;
	}
	return false;
}

/* The option that would say how the table is called at the other end. */
static const char *
name_option(const PgmLint *lint)
{
	if (lint->effect == NULL ||
		lint->effect->relkind != RELKIND_FOREIGN_TABLE)
		return NULL;
	if (IsA(lint->stmt, AlterObjectSchemaStmt))
		return "schema_name";
	return IsA(lint->stmt, RenameStmt) &&
		castNode(RenameStmt, lint->stmt)->renameType != OBJECT_COLUMN ?
		"table_name" : NULL;
}

/* Is the table found at the other end by its name here? */
static bool
has_no_option(Oid relid, const char *option)
{
	ForeignTable *table = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(table->serverid);
	ListCell   *lc;

	if (strcmp(GetForeignDataWrapper(server->fdwid)->fdwname,
			   "postgres_fdw") != 0)
		return false;
	foreach(lc, table->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, option) == 0)
		return false;
	return true;
}

static void
lint_not_followed(PgmLint *lint, PgmEffect *effect)
{
	const char *name = pgm_effect_name(effect);
	const char *option = effect == lint->effect ? name_option(lint) : NULL;

	if (changes_columns(lint->stmt))
		(void) pgm_lint_find(lint->judged, "foreign-table-changed", effect,
							 psprintf("the table behind %s does not follow: queries fail, or read other columns, until it is changed too",
									  name),
							 pstrdup("Change the other end first, in a way that both definitions of the columns can read."));
	if (restricts_rows(lint->stmt))
		(void) pgm_lint_find(lint->judged, "foreign-table-changed", effect,
							 psprintf("no row of %s is held against it: the planner counts on what the other end does not keep",
									  name),
							 pstrdup("Have the same constraint at the other end first."));
	if (option != NULL && has_no_option(effect->relid, option))
		(void) pgm_lint_find(lint->judged, "foreign-table-changed", effect,
							 psprintf("%s is found at the other end by its name here, so the new one is looked for there",
									  name),
							 psprintf("Say the name there before, with ALTER FOREIGN TABLE %s OPTIONS (ADD %s ...).",
									  name, option));
}

/* ---- rows */

/* MERGE writes none itself, but its WITH may. */
static bool
writes_rows(Node *stmt)
{
	Node	   *query = pgm_query_run(stmt);

	if (IsA(stmt, TruncateStmt) || IsA(stmt, CopyStmt))
		return true;
	return query != NULL && (pgm_changing_with(query) != NULL ||
							 (pgm_statement_is(query, PGM_CHANGES_ROWS) &&
							  !pgm_is_merge(query)));
}

/* Two servers, two commits. */
static void
lint_written(PgmLint *lint, PgmEffect *effect)
{
	if (writes_rows(lint->stmt) && effect->mode >= RowExclusiveLock)
		(void) pgm_lint_find(lint->judged, "foreign-rows", effect,
							 psprintf("rows behind %s are committed by their own server, before the revision is here",
									  pgm_effect_name(effect)),
							 pstrdup("Write it so that it may run twice: a crash in between leaves them changed, and the revision pending."));
}

void
pgm_lint_foreign(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (effect->relkind != RELKIND_FOREIGN_TABLE ||
			effect->created_here || !OidIsValid(effect->relid))
			continue;
		if (IsA(stmt, AlterTableStmt) && effect != lint->effect &&
			linitial_node(AlterTableCmd, castNode(AlterTableStmt,
												  stmt)->cmds)->subtype == AT_AttachPartition)
			lint_joining(lint, pgm_effect_name(effect));
		lint_refused(lint, effect);
		lint_not_followed(lint, effect);
		lint_written(lint, effect);
	}
	if (IsA(stmt, CreateForeignTableStmt) &&
		castNode(CreateForeignTableStmt, stmt)->base.partbound != NULL)
		lint_joining(lint, quote_identifier(castNode(CreateForeignTableStmt,
													 stmt)->base.relation->relname));
}
