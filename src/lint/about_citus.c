/*-------------------------------------------------------------------------
 *
 * about_citus.c
 *	  Rules about tables that Citus distributes.
 *
 * A clone is a table of this node, so the trial does not know what Citus will
 * refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "citus/nodes.h"
#include "citus/tables.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "sql/set_statement.h"

#define PGM_CITUS_MODE "citus.multi_shard_modify_mode"
#define SEQUENTIAL_HINT "SET LOCAL citus.multi_shard_modify_mode = 'sequential' as the first statement of the revision."

static void
refused(PgmLint *lint, char *message, char *hint)
{
	pgm_lint_add(lint, "citus-unsupported", message, hint);
}

static bool
is_column(const PgmCitusTable *table, const char *name)
{
	return table->column != NULL && name != NULL &&
		strcmp(table->column, name) == 0;
}

static bool
has_column(const PgmCitusTable *table, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		if (is_column(table, strVal(lfirst(lc))))
		return true;
	return false;
}

static void
unique_without_column(PgmLint *lint, const PgmCitusTable *table)
{
	refused(lint, psprintf("Citus keeps nothing unique over the shards of %s: the distribution column %s is missing",
						   lint->name, quote_identifier(table->column)),
			psprintf("Have %s among its columns.",
					 quote_identifier(table->column)));
}

/* Do the distribution columns stand for each other in the key? */
static bool
keys_match(const PgmCitusTable *table, const PgmCitusTable *other,
		   const Constraint *constraint, List *columns)
{
	ListCell   *lc;
	ListCell   *lc2;

	/* without a list it is the primary key, which has the column */
	if (constraint->pk_attrs == NIL)
		return has_column(table, columns);
	forboth(lc, columns, lc2, constraint->pk_attrs)
		if (is_column(table, strVal(lfirst(lc))) &&
			is_column(other, strVal(lfirst(lc2))))
		return true;
	return false;
}

static void
lint_foreign_key(PgmLint *lint, const PgmCitusTable *table,
				 const Constraint *constraint, List *columns)
{
	Oid			relid = pgm_lookup_relation(constraint->pktable);
	const PgmCitusTable *other;

	if (!OidIsValid(relid) || table->kind == PGM_CITUS_LOCAL)
		return;
	other = pgm_citus_table(relid);
	if (other != NULL && other->kind == PGM_CITUS_REFERENCE)
		return;
	if (other != NULL && other->kind != PGM_CITUS_LOCAL &&
		other->colocation == table->colocation &&
		(table->kind != PGM_CITUS_DISTRIBUTED ||
		 keys_match(table, other, constraint, columns)))
		return;
	refused(lint, psprintf("Citus refuses a foreign key from %s to %s: it is no reference table, and the rows are not together by the distribution columns",
						   lint->name, pgm_lint_relation(relid)),
			pstrdup("Make the other one a reference table with create_reference_table(), or colocate both and have the distribution columns in the key."));
}

static void
lint_constraint(PgmLint *lint, const PgmCitusTable *table,
				const Constraint *constraint, List *columns)
{
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			if (table->column != NULL && constraint->indexname == NULL &&
				!has_column(table, columns))
				unique_without_column(lint, table);
			break;
		case CONSTR_FOREIGN:
			lint_foreign_key(lint, table, constraint, columns);
			break;
		default:
			break;
	}
}

static bool
is_serial(const TypeName *type)
{
	static const char *const names[] = {
		"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"
	};

	if (type == NULL || list_length(type->names) != 1)
		return false;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	return false;
}

static void
lint_new_column(PgmLint *lint, const PgmCitusTable *table,
				const ColumnDef *column)
{
	ListCell   *lc;

	if (is_serial(column->typeName))
		refused(lint, psprintf("Citus adds no column of a serial type to %s",
							   lint->name),
				psprintf("Create a sequence, add %s as bigint, and set its default in a statement of its own.",
						 quote_identifier(column->colname)));
	foreach(lc, column->constraints)
	{
		const Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_IDENTITY)
			refused(lint, psprintf("Citus adds no identity column to %s",
								   lint->name),
					psprintf("Create a sequence, add %s as bigint, and set its default in a statement of its own.",
							 quote_identifier(column->colname)));
		else
			lint_constraint(lint, table, constraint,
							list_make1(makeString(column->colname)));
	}
}

/* The list is that of Citus 13.2. */
static bool
is_taken(AlterTableType type)
{
	switch (type)
	{
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AddOf:
		case AT_DropOf:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetTableSpace:
		case AT_SetStorage:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_AlterConstraint:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_DropExpression:
		case AT_EnableRule:
		case AT_DisableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DetachPartitionFinalize:
			return false;
		default:
			return true;
	}
}

static void
lint_part(PgmLint *lint, const PgmCitusTable *table, AlterTableCmd *cmd)
{
	AlterTableType type = pgm_alter_cmd_type(cmd);
	const Constraint *constraint;

	if (!is_taken(type))
	{
		refused(lint, psprintf("Citus refuses this form of ALTER TABLE on %s",
							   lint->name),
				pstrdup("Leave it out."));
		return;
	}
	switch (type)
	{
		case AT_AlterColumnType:
		case AT_DropColumn:
		case AT_ColumnDefault:
		case AT_DropNotNull:
			if (is_column(table, cmd->name))
				refused(lint, psprintf("Citus does not change %s, the distribution column of %s",
									   quote_identifier(cmd->name), lint->name),
						pstrdup("undistribute_table() first, and distribute it again afterwards."));
			break;
		case AT_AddColumn:
			lint_new_column(lint, table, castNode(ColumnDef, cmd->def));
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			lint_constraint(lint, table, constraint,
							constraint->contype == CONSTR_FOREIGN ?
							constraint->fk_attrs : constraint->keys);
			break;
		default:
			break;
	}
}

static void
lint_index(PgmLint *lint, const PgmCitusTable *table, const IndexStmt *index)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (!index->unique || table->column == NULL)
		return;
	foreach(lc, index->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (element->name != NULL)
			names = lappend(names, makeString(element->name));
	}
	if (!has_column(table, names))
		unique_without_column(lint, table);
}

static void
lint_update(PgmLint *lint, const PgmCitusTable *table,
			const UpdateStmt *update)
{
	ListCell   *lc;

	foreach(lc, update->targetList)
		if (is_column(table, lfirst_node(ResTarget, lc)->name))
		refused(lint, psprintf("Citus does not move rows of %s to another shard: %s is the distribution column",
							   lint->name, quote_identifier(table->column)),
				pstrdup("DELETE the rows, and INSERT them anew."));
}

/* Is the table changed that all nodes have, or is a key to one made? */
static bool
reaches_reference(const PgmLint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);
		const PgmCitusTable *table;

		if (effect->mode <= RowShareLock)
			continue;
		table = pgm_citus_table(effect->relid);
		if (table != NULL && table->kind == PGM_CITUS_REFERENCE)
			return true;
	}
	return false;
}

static void
lint_call(PgmLint *lint)
{
	PgmCitusCall call;

	if (pgm_citus_read_call(lint->stmt, &call) && call.alone &&
		!lint->judged->source->statements[lint->judged->n].top_level)
		refused(lint, pstrdup("Citus refuses the function in a transaction block"),
				pstrdup("Write the comment \"-- pgmigrate: no-transaction\" before the statement."));
}

void
pgm_lint_citus(PgmLint *lint)
{
	PgmCitusTable *table;
	ListCell   *lc;

	if (!pgm_citus_is_here())
		return;
	if (lint->past->shards && !lint->past->sequential &&
		!lint->judged->source->top_level && reaches_reference(lint))
		(void) pgm_lint_find(lint->judged, "citus-sequential", lint->effect,
							 pstrdup("Citus refuses it after statements that have worked on several shards at a time in the same transaction"),
							 pstrdup(SEQUENTIAL_HINT));
	lint_call(lint);
	if (lint->effect == NULL || lint->effect->created_here)
		return;
	table = pgm_citus_table(lint->effect->relid);
	if (table == NULL)
		return;
	switch (nodeTag(lint->stmt))
	{
		case T_AlterTableStmt:
			foreach(lc, castNode(AlterTableStmt, lint->stmt)->cmds)
				lint_part(lint, table, lfirst_node(AlterTableCmd, lc));
			break;
		case T_IndexStmt:
			lint_index(lint, table, castNode(IndexStmt, lint->stmt));
			break;
		case T_CreateTrigStmt:
			if (table->kind != PGM_CITUS_LOCAL)
				refused(lint, psprintf("Citus takes no triggers on %s",
									   lint->name),
						pstrdup("Have the application do it, or undistribute the table."));
			break;
		case T_UpdateStmt:
			lint_update(lint, table, castNode(UpdateStmt, lint->stmt));
			break;
		default:
			break;
	}
}

void
pgm_lint_citus_remember(PgmLint *lint)
{
	PgmLintPast *past = lint->past;
	const char *value;
	ListCell   *lc;

	if (!pgm_citus_is_here())
		return;
	value = GetConfigOption(PGM_CITUS_MODE, true, false);
	if (value != NULL && strcmp(value, "sequential") == 0)
		past->sequential = true;
	if (pgm_statement_sets(lint->stmt, PGM_CITUS_MODE, &value))
		past->sequential = value != NULL && strcmp(value, "sequential") == 0;
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);
		const PgmCitusTable *table =
			effect->mode == NoLock || effect->created_here ? NULL :
			pgm_citus_table(effect->relid);

		past->shards |= table != NULL &&
			table->kind == PGM_CITUS_DISTRIBUTED;
	}
}
