/*-------------------------------------------------------------------------
 *
 * rewrite_scan.c
 *	  Whether a statement rewrites and reads tables, by its kind.
 *
 * What depends on expressions, types and proofs is left unset: a trial tells.
 * So is whether a condition makes the server read a whole table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "utils/syscache.h"

#include "classify/rewrite_scan.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"

/* Does the text of this part tell whether the table is rewritten and read? */
static bool
alter_cmd_is_known(const AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
	{
		case AT_AddOf:
		case AT_ChangeOwner:
		case AT_DetachPartition:
		case AT_DropOf:
		case AT_SetTableSpace:
		case AT_ValidateConstraint:
			return true;
		default:
			return false;
	}
}

/* The rows that a condition selects may be found without a scan. */
static bool
selects_rows(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_UpdateStmt:
			return castNode(UpdateStmt, stmt)->whereClause != NULL ||
				castNode(UpdateStmt, stmt)->fromClause != NIL;
		case T_DeleteStmt:
			return castNode(DeleteStmt, stmt)->whereClause != NULL ||
				castNode(DeleteStmt, stmt)->usingClause != NIL;
		default:
			return pgm_is_merge(stmt) || IsA(stmt, SelectStmt) ||
				IsA(stmt, ExplainStmt);
	}
}

static bool
is_table(const PgmEffect *effect)
{
	return effect->relkind == RELKIND_RELATION ||
		effect->relkind == RELKIND_MATVIEW;
}

void
pgm_work_deny(PgmEffect *effect)
{
	if (effect->rewrites == PGM_UNSET)
		effect->rewrites = PGM_FALSE;
	if (effect->scans == PGM_UNSET)
		effect->scans = PGM_FALSE;
}

/* All rows of the table, by the kind of statement. */
static bool
reads_all(Node *stmt, const PgmEffect *effect)
{
	if (!is_table(effect) || selects_rows(stmt))
		return false;
	return IsA(stmt, UpdateStmt) || IsA(stmt, DeleteStmt) ?
		effect->mode == RowExclusiveLock :
		IsA(stmt, CopyStmt) && !castNode(CopyStmt, stmt)->is_from;
}

/*
 * What is not known to be rewritten or read is not, where the text tells.  The
 * tables that a query reads are left unset.
 */
static void
judge_effect(PgmEffect *effect, Node *stmt)
{
	bool		queried = effect->mode <= RowShareLock && is_table(effect) &&
		(IsA(stmt, InsertStmt) || IsA(stmt, UpdateStmt) ||
		 IsA(stmt, DeleteStmt) || IsA(stmt, CopyStmt));

	if (effect->rewrites == PGM_UNSET)
		effect->rewrites = PGM_FALSE;
	if (effect->scans != PGM_UNSET)
		return;
	if (reads_all(stmt, effect))
		effect->scans = PGM_TRUE;
	else if (!is_table(effect) || (!queried && !selects_rows(stmt)))
		effect->scans = PGM_FALSE;
}

void
pgm_work_judge(PgmVerdict *verdict, Node *stmt)
{
	bool		known = !verdict->opaque;
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt) &&
		pgm_alter_table_kind(castNode(AlterTableStmt, stmt)) != OBJECT_TYPE)
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			known &= alter_cmd_is_known(lfirst_node(AlterTableCmd, lc));

	verdict->rewrites = verdict->opaque ? PGM_UNSET : PGM_FALSE;
	verdict->scans = verdict->rewrites;
	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (known)
			judge_effect(effect, stmt);
		if (effect->rewrites == PGM_TRUE)
			verdict->rewrites = PGM_TRUE;
		if (effect->scans == PGM_TRUE)
			verdict->scans = PGM_TRUE;
	}
}

bool
pgm_changes_access_method(Oid relid, const AlterTableCmd *cmd)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_class) GETSTRUCT(tuple);

	/* one of indexes, or none, is for the statement to fail with */
	result = form->relkind != RELKIND_PARTITIONED_TABLE &&
		form->relam != get_am_oid(cmd->name != NULL ? cmd->name :
								  default_table_access_method, true);
	ReleaseSysCache(tuple);
	return result;
}
