/*-------------------------------------------------------------------------
 *
 * kept_statement.c
 *	  A statement of a revision that drops what is kept for the way back.
 *
 * Downgrade: CREATE TABLE of a table that is kept brings it back instead, with
 * all that it had; what the downgrade says of the table after that, indexes,
 * constraints, grants, rows, is there already, and is passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"

#include "base/settings.h"
#include "base/transaction.h"
#include "online/kept.h"
#include "run/kept_statement.h"
#include "run/step_routine.h"
#include "store/journal.h"

void
pgm_runner_keep(PgmRunner *runner, PgmOnline *online)
{
	PgmSpan		span = {online->source, online->n, online->n + 1};
	PgmOperation *operation = online->operation;

	pgm_lockwait_next(runner->wait);
	pgm_runner_begin_locked(runner, &span);
	pgm_keep(operation, online->exec, online->source, online->n);
	pgm_operation_set_state(operation, PGM_OPERATION_SWITCHED, NULL);
	if (pgm_finalize_after > 0)
		pgm_operation_set_revert_until(operation->id, pgm_finalize_after);
	pgm_runner_mark_done(runner, online->source, online->n, online->n + 1);
	pgm_lockwait_unlimit(runner->wait);
	pgm_runner_release_savepoint(runner);
	pgm_txn_commit();
}

/* ---- downgrade */

/* The schema that CREATE would make it in, or NULL. */
static char *
schema_for(const RangeVar *name)
{
	Oid			schema = InvalidOid;

	if (name->schemaname != NULL)
		return name->schemaname;
	if (name->relpersistence != RELPERSISTENCE_TEMP)
	{
		List	   *path = fetch_search_path(false);

		schema = path == NIL ? InvalidOid : linitial_oid(path);
	}
	return OidIsValid(schema) ? get_namespace_name(schema) : NULL;
}

static const PgmKeptTable *
table_made_by(List *tables, Node *stmt)
{
	char	   *schema;
	ListCell   *lc;

	if (!IsA(stmt, CreateStmt))
		return NULL;
	schema = schema_for(castNode(CreateStmt, stmt)->relation);
	foreach(lc, tables)
	{
		const PgmKeptTable *table = lfirst(lc);

		if (schema != NULL && strcmp(table->schema, schema) == 0 &&
			strcmp(table->name,
				   castNode(CreateStmt, stmt)->relation->relname) == 0)
			return table;
	}
	return NULL;
}

static bool
makes_sequence(const PgmOperation *operation, Node *stmt)
{
	const RangeVar *name;
	char	   *schema;

	if (!IsA(stmt, CreateSeqStmt))
		return false;
	name = castNode(CreateSeqStmt, stmt)->sequence;
	schema = schema_for(name);
	return schema != NULL &&
		pgm_kept_has_sequence(operation, schema, name->relname);
}

/* The table, or what is on a table, that COMMENT and GRANT are about. */
static RangeVar *
table_of_comment(const CommentStmt *stmt)
{
	List	   *names;

	switch (stmt->objtype)
	{
		case OBJECT_TABLE:
			return makeRangeVarFromNameList(castNode(List, stmt->object));
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			names = list_copy(castNode(List, stmt->object));
			names = list_truncate(names, list_length(names) - 1);
			return names == NIL ? NULL : makeRangeVarFromNameList(names);
		default:
			return NULL;
	}
}

static RangeVar *
table_of_grant(const GrantStmt *stmt)
{
	if (stmt->targtype != ACL_TARGET_OBJECT || stmt->objtype != OBJECT_TABLE ||
		list_length(stmt->objects) != 1)
		return NULL;
	return linitial_node(RangeVar, stmt->objects);
}

/* The one table that a statement adds something to, or NULL. */
static RangeVar *
table_of(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, stmt)->relation;
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->relation;
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, stmt)->relation;
		case T_CreateTrigStmt:
			return castNode(CreateTrigStmt, stmt)->relation;
		case T_RuleStmt:
			return castNode(RuleStmt, stmt)->relation;
		case T_InsertStmt:
			return castNode(InsertStmt, stmt)->relation;
		case T_CreateStatsStmt:
			return IsA(linitial(castNode(CreateStatsStmt, stmt)->relations),
					   RangeVar) ?
				linitial_node(RangeVar,
							  castNode(CreateStatsStmt, stmt)->relations) :
				NULL;
		case T_CommentStmt:
			return table_of_comment(castNode(CommentStmt, stmt));
		case T_GrantStmt:
			return table_of_grant(castNode(GrantStmt, stmt));
		default:
			return NULL;
	}
}

static bool
has_come_back(const PgmOperation *operation)
{
	List	   *tables = pgm_kept_tables(operation);
	ListCell   *lc;

	if (tables == NIL)
		return pgm_kept_columns_are_back(operation);
	foreach(lc, tables)
	{
		if (get_rel_name(((PgmKeptTable *) lfirst(lc))->relid) != NULL)
			return true;
	}
	return false;
}

/* Is it about a table, or a partition, that has come back before it? */
static bool
is_there_already(List *tables, const PgmSource *source, int n)
{
	RangeVar   *name = table_of(source->statements[n].raw->stmt);
	Oid			relid = name == NULL ? InvalidOid :
		pgm_lookup_relation(name);
	bool		found = false;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return false;
	foreach(lc, tables)
		found |= ((PgmKeptTable *) lfirst(lc))->relid == relid;
	if (!found)
		return false;
	for (int i = 0; i <= n; i++)
	{
		if (table_made_by(tables, source->statements[i].raw->stmt) != NULL)
			return true;
	}
	return false;
}

/* ---- columns */

static bool
is_kept_column(const char *name, List *columns)
{
	return name != NULL &&
		list_member(columns, makeString(pstrdup(name)));
}

/* Is it ALTER TABLE of that table with nothing but ADD COLUMN of these? */
static bool
adds_columns(Node *stmt, Oid relid, List *columns)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) ||
		pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) != relid)
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_AddColumn ||
			!is_kept_column(castNode(ColumnDef, cmd->def)->colname, columns))
			return false;
	}
	return true;
}

/* Of one that adds such a column, and does other things. */
static void
notice_written(const PgmOperation *operation, Node *stmt, int n,
			   List *columns)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) ||
		pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) !=
		operation->relid)
		return;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_AddColumn ||
			!is_kept_column(castNode(ColumnDef, cmd->def)->colname, columns))
			continue;
		ereport(NOTICE,
				errmsg("statement %d adds column \"%s\" without the values that operation " INT64_FORMAT " keeps",
					   n + 1, castNode(ColumnDef, cmd->def)->colname,
					   operation->id),
				errdetail("It does other things too, so it runs as it is written."),
				errhint("Write what it adds of them as an ALTER TABLE of its own."));
		return;
	}
}

/* Subcommands that make of a column what it is again. */
static bool
alters_columns(const AlterTableStmt *stmt, Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		const char *name;

		switch (cmd->subtype)
		{
			case AT_AddColumn:
				name = castNode(ColumnDef, cmd->def)->colname;
				break;
			case AT_ColumnDefault:
			case AT_SetNotNull:
			case AT_SetStatistics:
			case AT_SetStorage:
				name = cmd->name;
				break;
			case AT_AddConstraint:
				name = castNode(Constraint, cmd->def)->conname;
				if (name == NULL ||
					!OidIsValid(get_relation_constraint_oid(relid, name,
															true)))
					return false;
				continue;
			default:
				return false;
		}
		if (!is_kept_column(name, columns))
			return false;
	}
	return true;
}

static bool
sets_columns(const UpdateStmt *stmt, List *columns)
{
	ListCell   *lc;

	foreach(lc, stmt->targetList)
	{
		if (!is_kept_column(lfirst_node(ResTarget, lc)->name, columns))
			return false;
	}
	return true;
}

static bool
indexes_columns(const IndexStmt *stmt, Oid relid, List *columns)
{
	ListCell   *lc;

	if (stmt->idxname != NULL)
		return OidIsValid(get_relname_relid(stmt->idxname,
											get_rel_namespace(relid)));
	foreach(lc, stmt->indexParams)
	{
		if (is_kept_column(lfirst_node(IndexElem, lc)->name, columns))
			return true;
	}
	return false;
}

/* Of columns that are there again: values, constraints, indexes are so too. */
static bool
is_about_columns(Node *stmt, Oid relid, List *columns)
{
	RangeVar   *name = IsA(stmt, UpdateStmt) ?
		castNode(UpdateStmt, stmt)->relation : table_of(stmt);

	if (name == NULL || pgm_lookup_relation(name) != relid)
		return false;
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return alters_columns(castNode(AlterTableStmt, stmt), relid,
								  columns);
		case T_UpdateStmt:
			return sets_columns(castNode(UpdateStmt, stmt), columns);
		case T_IndexStmt:
			return indexes_columns(castNode(IndexStmt, stmt), relid, columns);
		default:
			return false;
	}
}

static bool
replaces_columns(const PgmOperation *operation, const PgmSource *source,
				 int n, PgmPass *pass)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	List	   *columns = pgm_kept_columns(operation);

	if (operation->state == PGM_OPERATION_SWITCHED)
	{
		if (!adds_columns(stmt, operation->relid, columns))
		{
			notice_written(operation, stmt, n, columns);
			return false;
		}
		pass->reverted = operation->id;
		return true;
	}
	pass->is_there = true;
	if (!pgm_kept_columns_are_back(operation) ||
		!is_about_columns(stmt, operation->relid, columns))
		return false;
	for (int i = 0; i <= n; i++)
	{
		if (adds_columns(source->statements[i].raw->stmt, operation->relid,
						 columns))
			return true;
	}
	return false;
}

static bool
replaces(const PgmOperation *operation, const PgmSource *source, int n,
		 PgmPass *pass)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	List	   *tables = pgm_kept_tables(operation);

	if (tables == NIL)
		return replaces_columns(operation, source, n, pass);
	pass->is_there = true;
	if (operation->state == PGM_OPERATION_REVERTED)
		return has_come_back(operation) &&
			(is_there_already(tables, source, n) ||
			 makes_sequence(operation, stmt));
	if (table_made_by(tables, stmt) != NULL)
	{
		pass->reverted = operation->id;
		pass->is_there = false;
		return true;
	}
	return makes_sequence(operation, stmt);
}

bool
pgm_runner_has_kept(const char *revision)
{
	ListCell   *lc;

	foreach(lc, pgm_operations_in_state(PGM_OPERATION_REVERTED, revision))
	{
		if (pgm_is_kept(lfirst(lc)) && has_come_back(lfirst(lc)))
			return true;
	}
	return false;
}

bool
pgm_runner_find_kept(const PgmStep *step, int n, const char *digest,
					 PgmPass *pass)
{
	static const PgmOperationState states[] = {
		PGM_OPERATION_SWITCHED, PGM_OPERATION_REVERTED
	};
	const PgmSource *source = pgm_revision_source(step->revision, PGM_DOWN);

	for (int i = 0; i < lengthof(states); i++)
	{
		ListCell   *lc;

		foreach(lc, pgm_operations_in_state(states[i], step->revision->id))
		{
			const PgmOperation *operation = lfirst(lc);

			if (strcmp(operation->direction, "up") != 0 ||
				operation->elsewhere || !pgm_is_kept(operation) ||
				!replaces(operation, source, n, pass))
				continue;
			pass->source = source;
			pass->first = n;
			pass->last = n;
			pass->digest = pgm_resume_digest(source, n, digest);
			return true;
		}
	}
	return false;
}
