/*-------------------------------------------------------------------------
 *
 * classify.c
 *	  What a statement locks and does, told from its parse tree.
 *
 * The modes of ALTER TABLE are those of the server, by the function that the
 * server itself asks.  All others, and those of the relations a statement
 * drags along, come from the table below, which a test compares with what
 * PostgreSQL takes.  Nothing is locked to find out, so the answer is good for
 * the moment only; who takes locks by it looks again when it has them.
 *
 * What depends on expressions, types and proofs (is the table rewritten, must
 * it be read?) is left unset here where a trial is needed to know.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/classify.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "classify.h"
#include "commands/dbcommands.h"
#include "commands/tablecmds.h"
#include "compat.h"
#include "compat_parse.h"
#include "miscadmin.h"
#include "names.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "spi.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Other tables that foreign keys of or to a table lead to. */
static PgmQuery neighbours_query = {
	"SELECT DISTINCT CASE WHEN conrelid = $1 THEN confrelid ELSE conrelid "
	"END::pg_catalog.int8 FROM pg_constraint WHERE contype = 'f' "
	"AND (conrelid = $1 OR confrelid = $1) AND conrelid <> confrelid",
	1, {OIDOID}
};

/* Tables that reference a table. */
static PgmQuery referencing_query = {
	"SELECT DISTINCT conrelid::pg_catalog.int8 FROM pg_constraint "
	"WHERE contype = 'f' AND confrelid = $1 AND conrelid <> $1",
	1, {OIDOID}
};

/* A constraint: its other table if it is a foreign key, and its index. */
static PgmQuery constraint_query = {
	"SELECT contype = 'f', confrelid::pg_catalog.int8, "
	"conindid::pg_catalog.int8 FROM pg_constraint "
	"WHERE conrelid = $1 AND conname = $2",
	2, {OIDOID, TEXTOID}
};

static PgmQuery indexes_query = {
	"SELECT indexrelid::pg_catalog.int8 FROM pg_index WHERE indrelid = $1 "
	"ORDER BY indexrelid",
	1, {OIDOID}
};

/* Sequences that go with the table. */
static PgmQuery owned_query = {
	"SELECT objid::pg_catalog.int8 FROM pg_depend "
	"WHERE refclassid = 'pg_class'::pg_catalog.regclass AND refobjid = $1 "
	"AND classid = 'pg_class'::pg_catalog.regclass AND deptype IN ('a', 'i') "
	"AND refobjsubid > 0 AND EXISTS (SELECT FROM pg_class c "
	"WHERE c.oid = objid AND c.relkind = 'S')",
	1, {OIDOID}
};

/* Tables with a column of a domain, or of a domain over it. */
static PgmQuery domain_tables_query = {
	"WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT t.oid FROM pg_type t "
	"JOIN d ON t.typbasetype = d.oid) "
	"SELECT DISTINCT a.attrelid::pg_catalog.int8 FROM d "
	"JOIN pg_attribute a ON a.atttypid = d.oid AND NOT a.attisdropped "
	"JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')",
	1, {OIDOID}
};

typedef struct Context
{
	PgmClassifier *classifier;
	PgmVerdict *verdict;
	Node	   *stmt;
	bool		row_locks;		/* SELECT … FOR UPDATE and the like */
} Context;

/* The relations in the first column of a query about a relation. */
static List *
related(PgmQuery *query, Oid relid)
{
	PgmSpiScope scope;
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *result = NIL;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);

		result = lappend_oid(result, (Oid) pgm_spi_int64(i, 1));
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return result;
}

static void
touch_all(PgmVerdict *verdict, List *relids, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, relids)
		(void) pgm_verdict_touch(verdict, lfirst_oid(lc), mode);
}

static void
touch_descendants(PgmVerdict *verdict, const RangeVar *name, Oid relid,
				  LOCKMODE mode)
{
	if (name->inh)
		touch_all(verdict, pgm_descendants(relid), mode);
}

/* A table that goes, and what goes or is changed with it. */
static void
touch_dropped_table(PgmVerdict *verdict, Oid relid)
{
	touch_all(verdict, list_make1_oid(relid), AccessExclusiveLock);
	touch_all(verdict, related(&indexes_query, relid), AccessExclusiveLock);
	touch_all(verdict, related(&owned_query, relid), AccessExclusiveLock);
	touch_all(verdict, related(&neighbours_query, relid), AccessExclusiveLock);
	if (get_rel_relispartition(relid))
	{
		Oid			parent = get_partition_parent(relid, true);

		(void) pgm_verdict_touch(verdict, parent, AccessExclusiveLock);
	}
}

/* DROP or VALIDATE CONSTRAINT: the other table, or the index. */
static void
touch_constraint(PgmVerdict *verdict, Oid relid, const char *name, bool drop)
{
	PgmSpiScope scope;
	Datum		values[2] = {ObjectIdGetDatum(relid), pgm_text_datum(name)};
	bool		foreign = false;
	Oid			other = InvalidOid;
	Oid			index = InvalidOid;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&constraint_query, values, NULL) > 0)
	{
		foreign = pgm_spi_bool(1, 1);
		other = (Oid) pgm_spi_int64(1, 2);
		index = (Oid) pgm_spi_int64(1, 3);
	}
	pgm_spi_end(&scope);

	if (foreign && OidIsValid(other))
	{
		PgmTouch   *touch = pgm_verdict_touch(verdict, other,
											  drop ? AccessExclusiveLock :
											  RowShareLock);

		if (!drop)
			touch->scans = PGM_TRUE;
	}
	else if (drop && OidIsValid(index))
		(void) pgm_verdict_touch(verdict, index, AccessExclusiveLock);
}

/* Does this part of an ALTER TABLE go down to partitions and children? */
static bool
recurses(AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_ReplicaIdentity:
		case AT_SetTableSpace:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplaceRelOptions:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_EnableRule:
		case AT_DisableRule:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AddOf:
		case AT_DropOf:
			return false;
		default:
			return true;
	}
}

/* What ALTER TABLE does to the table, as far as its text tells. */
static void
judge_alter_cmd(PgmTouch *touch, AlterTableCmd *cmd)
{
	Constraint *constraint;

	/* of a partitioned table it is the partitions that are read */
	if (touch->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	switch (cmd->subtype)
	{
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetTableSpace:
			touch->rewrites = PGM_TRUE;
			break;
		case AT_ValidateConstraint:
			touch->scans = PGM_TRUE;
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			if (constraint->contype == CONSTR_FOREIGN &&
				!constraint->skip_validation)
				touch->scans = PGM_TRUE;
			break;
		default:
			break;
	}
}

static void
classify_alter_table(Context *context, AlterTableStmt *stmt, Oid relid)
{
	PgmVerdict *verdict = context->verdict;
	LOCKMODE	mode = AlterTableGetLockLevel(stmt->cmds);
	PgmTouch   *touch = pgm_verdict_touch(verdict, relid, mode);
	bool		down = false;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		down |= recurses(cmd);
		judge_alter_cmd(touch, cmd);
		switch (cmd->subtype)
		{
			case AT_DropConstraint:
			case AT_ValidateConstraint:
				touch_constraint(verdict, relid, cmd->name,
								 cmd->subtype == AT_DropConstraint);
				break;
			case AT_AttachPartition:
				if (OidIsValid(pgm_default_partition(relid)))
					(void) pgm_verdict_touch(verdict,
											 pgm_default_partition(relid),
											 AccessExclusiveLock);
				break;
			default:
				break;
		}
	}
	if (down)
		touch_descendants(verdict, stmt->relation, relid, mode);
}

static LOCKMODE
reindex_mode(ReindexStmt *stmt, Oid relid, PgmVerdict *verdict)
{
	bool		concurrent = pgm_reindex_is_concurrent(stmt);
	LOCKMODE	table_mode = concurrent ? ShareUpdateExclusiveLock : ShareLock;
	LOCKMODE	index_mode = concurrent ? ShareUpdateExclusiveLock :
		AccessExclusiveLock;
	PgmTouch   *touch;

	if (stmt->kind == REINDEX_OBJECT_INDEX)
	{
		Oid			table = IndexGetRelation(relid, true);

		if (OidIsValid(table))
		{
			touch = pgm_verdict_touch(verdict, table, table_mode);
			touch->scans = PGM_TRUE;
		}
		touch = pgm_verdict_touch(verdict, relid, index_mode);
		touch->rewrites = PGM_TRUE;
		return index_mode;
	}
	touch_all(verdict, related(&indexes_query, relid), index_mode);
	touch = pgm_verdict_touch(verdict, relid, table_mode);
	touch->scans = PGM_TRUE;
	return table_mode;
}

/* Statements whose target is locked with one mode, whatever it is. */
static LOCKMODE
target_mode(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->concurrent ?
				ShareUpdateExclusiveLock : ShareLock;
		case T_RenameStmt:
			return castNode(RenameStmt, stmt)->renameType == OBJECT_INDEX ?
				ShareUpdateExclusiveLock : AccessExclusiveLock;
		case T_CreateTrigStmt:
		case T_AlterSeqStmt:
			return ShareRowExclusiveLock;
		case T_LockStmt:
			return castNode(LockStmt, stmt)->mode;
		case T_VacuumStmt:
			return pgm_vacuum_is_full(castNode(VacuumStmt, stmt)) ?
				AccessExclusiveLock : ShareUpdateExclusiveLock;
		case T_RefreshMatViewStmt:
			return castNode(RefreshMatViewStmt, stmt)->concurrent ?
				ExclusiveLock : AccessExclusiveLock;
		case T_CommentStmt:
		case T_CreateStatsStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
			return ShareUpdateExclusiveLock;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_CopyStmt:
			return RowExclusiveLock;
		case T_SelectStmt:
			return RowShareLock;
		default:
			return pgm_is_merge(stmt) ? RowExclusiveLock :
				AccessExclusiveLock;
	}
}

static void
classify_target(Context *context, const RangeVar *name, Oid relid)
{
	PgmVerdict *verdict = context->verdict;
	Node	   *stmt = context->stmt;
	LOCKMODE	mode;
	PgmTouch   *touch;

	if (IsA(stmt, AlterTableStmt))
	{
		classify_alter_table(context, castNode(AlterTableStmt, stmt), relid);
		return;
	}
	if (IsA(stmt, ReindexStmt))
	{
		(void) reindex_mode(castNode(ReindexStmt, stmt), relid, verdict);
		return;
	}
	mode = target_mode(stmt);
	touch = pgm_verdict_touch(verdict, relid, mode);
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			if (touch->relkind != RELKIND_PARTITIONED_TABLE)
				touch->scans = PGM_TRUE;
			touch_descendants(verdict, name, relid, mode);
			break;
		case T_TruncateStmt:
			if (touch->relkind != RELKIND_PARTITIONED_TABLE)
				touch->rewrites = PGM_TRUE;
			touch_all(verdict, related(&indexes_query, relid), mode);
			touch_descendants(verdict, name, relid, mode);
			if (castNode(TruncateStmt, stmt)->behavior == DROP_CASCADE)
				touch_all(verdict, related(&referencing_query, relid), mode);
			break;
		case T_ClusterStmt:
			touch->rewrites = PGM_TRUE;
			touch->scans = PGM_TRUE;
			touch_all(verdict, related(&indexes_query, relid), mode);
			break;
		case T_VacuumStmt:
			if (mode == AccessExclusiveLock)
			{
				touch->rewrites = PGM_TRUE;
				touch_all(verdict, related(&indexes_query, relid), mode);
			}
			/* ANALYZE takes a sample */
			if (castNode(VacuumStmt, stmt)->is_vacuumcmd)
				touch->scans = PGM_TRUE;
			break;
		case T_RefreshMatViewStmt:
			if (mode == AccessExclusiveLock)
			{
				touch->rewrites = PGM_TRUE;
				touch_all(verdict, related(&indexes_query, relid), mode);
			}
			break;
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType == OBJECT_COLUMN)
				touch_descendants(verdict, name, relid, mode);
			break;
		case T_LockStmt:
		case T_CreateTrigStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
			touch_descendants(verdict, name, relid, mode);
			break;
		default:
			break;
	}
}

static void
classify_dropped(Context *context, Oid relid)
{
	PgmVerdict *verdict = context->verdict;
	DropStmt   *stmt = castNode(DropStmt, context->stmt);
	LOCKMODE	mode = stmt->concurrent ? ShareUpdateExclusiveLock :
		AccessExclusiveLock;
	Oid			table;

	switch (stmt->removeType)
	{
		case OBJECT_INDEX:
			table = IndexGetRelation(relid, true);
			if (OidIsValid(table))
				(void) pgm_verdict_touch(verdict, table, mode);
			(void) pgm_verdict_touch(verdict, relid, mode);
			break;
		case OBJECT_TABLE:
			touch_dropped_table(verdict, relid);
			if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ||
				stmt->behavior == DROP_CASCADE)
			{
				ListCell   *lc;

				foreach(lc, pgm_descendants(relid))
					touch_dropped_table(verdict, lfirst_oid(lc));
			}
			break;
		default:
			(void) pgm_verdict_touch(verdict, relid, mode);
			break;
	}
}

static LOCKMODE
referenced_mode(Node *stmt)
{
	return IsA(stmt, CreateTrigStmt) ? AccessShareLock :
		ShareRowExclusiveLock;
}

/*
 * The parent of an inheritance that is made: nobody may detach or drop it
 * meanwhile.  That of one that ends is only read.
 */
static LOCKMODE
parent_mode(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_DropInherit)
			return AccessShareLock;
	}
	return ShareUpdateExclusiveLock;
}

static void
classify_whole(PgmVerdict *verdict, Oid relid)
{
	Oid			other = pgm_default_partition(relid);

	(void) pgm_verdict_touch(verdict, relid, AccessExclusiveLock);
	if (OidIsValid(other))
		pgm_verdict_touch(verdict, other, AccessExclusiveLock)->scans =
			PGM_TRUE;
}

static bool
renames_relation(Node *stmt)
{
	if (!IsA(stmt, RenameStmt))
		return false;
	switch (castNode(RenameStmt, stmt)->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			return true;
		default:
			return false;
	}
}

/* Nobody waits for it, but the mode is to be told. */
static LOCKMODE
fresh_mode(Node *stmt, PgmNameRole role)
{
	switch (role)
	{
		case PGM_NAME_TARGET:
			if (IsA(stmt, AlterTableStmt))
				return AlterTableGetLockLevel(castNode(AlterTableStmt,
													   stmt)->cmds);
			return target_mode(stmt);
		case PGM_NAME_DROPPED:
		case PGM_NAME_WHOLE:
		case PGM_NAME_PARTITION:
			return AccessExclusiveLock;
		case PGM_NAME_REFERENCED:
			return referenced_mode(stmt);
		case PGM_NAME_PARENT:
			return parent_mode(stmt);
		default:
			return AccessShareLock;
	}
}

static bool
classify_name(RangeVar *name, PgmNameRole role, void *arg)
{
	Context    *context = arg;
	PgmVerdict *verdict = context->verdict;
	bool		fresh = pgm_is_fresh(context->classifier, name);
	Oid			relid = fresh ? InvalidOid : pgm_lookup_relation(name);
	PgmTouch   *touch;

	if (role == PGM_NAME_CREATED)
	{
		/* OR REPLACE and IF NOT EXISTS may find it there */
		if (OidIsValid(relid) && IsA(context->stmt, ViewStmt))
			(void) pgm_verdict_touch(verdict, relid, AccessExclusiveLock);
		else if (!fresh && (!OidIsValid(relid) ||
							list_member_oid(context->classifier->gone,
											relid)))
			pgm_remember_fresh(context->classifier, name, name->relname);
		return false;
	}
	if (!OidIsValid(relid))
	{
		if (fresh)
			(void) pgm_verdict_touch_fresh(verdict, name,
										   fresh_mode(context->stmt, role));
		return false;
	}

	if (role == PGM_NAME_DROPPED || renames_relation(context->stmt))
		context->classifier->gone = lappend_oid(context->classifier->gone,
												relid);
	switch (role)
	{
		case PGM_NAME_TARGET:
			classify_target(context, name, relid);
			break;
		case PGM_NAME_DROPPED:
			classify_dropped(context, relid);
			break;
		case PGM_NAME_REFERENCED:
			(void) pgm_verdict_touch(verdict, relid,
									 referenced_mode(context->stmt));
			break;
		case PGM_NAME_PARENT:
			(void) pgm_verdict_touch(verdict, relid,
									 parent_mode(context->stmt));
			break;
		case PGM_NAME_WHOLE:
			classify_whole(verdict, relid);
			break;
		case PGM_NAME_PARTITION:
			(void) pgm_verdict_touch(verdict, relid, AccessExclusiveLock);
			break;
		case PGM_NAME_OWNER:
			(void) pgm_verdict_touch(verdict, relid, AccessShareLock);
			break;
		default:
			(void) pgm_verdict_touch(verdict, relid,
									 context->row_locks ? RowShareLock :
									 AccessShareLock);
			break;
	}
	touch = pgm_verdict_find(verdict, relid);
	if (touch != NULL)
	{
		touch->named = true;
		touch->subject |= role == PGM_NAME_TARGET;
	}
	return false;
}

/* ALTER DOMAIN reads each table that has a column of it. */
static void
classify_alter_domain(PgmVerdict *verdict, AlterDomainStmt *stmt)
{
	TypeName   *name = makeTypeNameFromNameList(stmt->typeName);
	Type		type;
	Oid			domain;
	ListCell   *lc;
	bool		reads = false;

	switch (stmt->subtype)
	{
		case 'O':				/* SET NOT NULL */
		case 'V':				/* VALIDATE CONSTRAINT */
			reads = true;
			break;
		case 'C':				/* ADD CONSTRAINT */
			reads = !castNode(Constraint, stmt->def)->skip_validation;
			break;
		default:
			break;
	}
	if (!reads)
		return;
	type = LookupTypeName(NULL, name, NULL, true);
	if (type == NULL)
		return;
	domain = ((Form_pg_type) GETSTRUCT(type))->oid;
	ReleaseSysCache(type);
	foreach(lc, related(&domain_tables_query, domain))
	{
		PgmTouch   *touch = pgm_verdict_touch(verdict, lfirst_oid(lc),
											  ShareLock);

		touch->scans = PGM_TRUE;
	}
}

static bool
is_opaque(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_DoStmt:
		case T_CallStmt:
		case T_SelectStmt:
		case T_ExecuteStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
			return true;
		default:
			return false;
	}
}

static void
rename_fresh(PgmClassifier *classifier, RenameStmt *stmt)
{
	if (stmt->relation != NULL && renames_relation((Node *) stmt) &&
		pgm_is_fresh(classifier, stmt->relation))
		pgm_remember_fresh(classifier, stmt->relation, stmt->newname);
}

PgmVerdict *
pgm_classify(PgmClassifier *classifier, const PgmSource *source, int n)
{
	Context		context = {0};
	PgmVerdict *verdict = palloc0(sizeof(PgmVerdict));
	Node	   *stmt = source->statements[n].raw->stmt;
	ListCell   *lc;

	verdict->source = source;
	verdict->n = n;
	verdict->top_level = source->statements[n].top_level;
	verdict->opaque = is_opaque(stmt);
	context.classifier = classifier;
	context.verdict = verdict;
	context.stmt = stmt;
	context.row_locks = IsA(stmt, SelectStmt) &&
		castNode(SelectStmt, stmt)->lockingClause != NIL;

	pgm_names_visit(stmt, classify_name, &context);
	if (IsA(stmt, AlterDomainStmt))
		classify_alter_domain(verdict, castNode(AlterDomainStmt, stmt));
	if (IsA(stmt, RenameStmt))
		rename_fresh(classifier, castNode(RenameStmt, stmt));

	verdict->rewrites = verdict->opaque ? PGM_UNSET : PGM_FALSE;
	verdict->scans = verdict->rewrites;
	foreach(lc, verdict->touches)
	{
		PgmTouch   *touch = lfirst(lc);

		if (touch->rewrites == PGM_TRUE)
			verdict->rewrites = PGM_TRUE;
		if (touch->scans == PGM_TRUE)
			verdict->scans = PGM_TRUE;
	}
	return verdict;
}
