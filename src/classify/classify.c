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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "citus/tables.h"
#include "classify/classify.h"
#include "classify/hierarchy_locks.h"
#include "classify/indirect_locks.h"
#include "classify/related_relations.h"
#include "classify/rewrite_scan.h"
#include "classify/side_effects.h"
#include "compat/command.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/kinds.h"
#include "sql/relation_names.h"

/* A constraint: its other table if it is a foreign key, and its index. */
static PgmQuery constraint_query = {
	"SELECT contype = 'f', confrelid::pg_catalog.int8, "
	"conindid::pg_catalog.int8 FROM pg_constraint "
	"WHERE conrelid = $1 AND conname = $2",
	2, {OIDOID, TEXTOID}
};

typedef struct Context
{
	PgmClassifier *classifier;
	PgmVerdict *verdict;
	Node	   *stmt;
	bool		row_locks;		/* SELECT … FOR UPDATE and the like */
} Context;

static void
add_descendants(PgmVerdict *verdict, const RangeVar *name, Oid relid,
				LOCKMODE mode)
{
	if (name->inh)
		pgm_effect_all(verdict, pgm_descendants(relid), mode);
}

/* DROP or VALIDATE CONSTRAINT: the other table, or the index. */
static void
add_constraint_effect(PgmVerdict *verdict, Oid relid, const char *name,
					  bool drop)
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
		PgmEffect  *effect = pgm_verdict_effect(verdict, other,
												drop ? AccessExclusiveLock :
												RowShareLock);

		if (!drop)
			effect->scans = PGM_TRUE;
	}
	else if (drop && OidIsValid(index))
		(void) pgm_verdict_effect(verdict, index, AccessExclusiveLock);
}

/* Does this part of an ALTER TABLE go down to partitions and children? */
static bool
recurses(AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
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
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AddOf:
		case AT_DropOf:
			return false;
		default:
			return true;
	}
}

bool
pgm_is_in_tablespace(Oid relid, const char *name)
{
	Oid			wanted = get_tablespace_oid(name, true);
	Oid			now = get_rel_tablespace(relid);

	return wanted == (OidIsValid(now) ? now : MyDatabaseTableSpace);
}

/* Then there is nothing to validate; false too if it is not there. */
static bool
is_validated(Oid relid, const char *name)
{
	Oid			oid = get_relation_constraint_oid(relid, name, true);
	HeapTuple	tuple = OidIsValid(oid) ?
		SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid)) : NULL;
	bool		valid;

	if (!HeapTupleIsValid(tuple))
		return false;
	valid = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
	ReleaseSysCache(tuple);
	return valid;
}

/* What ALTER TABLE does to the table, as far as its text tells. */
static void
judge_alter_cmd(PgmEffect *effect, AlterTableCmd *cmd)
{
	Constraint *constraint;

	/* of a partitioned table it is the partitions that are read */
	if (effect->relkind == RELKIND_PARTITIONED_TABLE ||
		effect->relkind == RELKIND_PARTITIONED_INDEX)
		return;
	switch (cmd->subtype)
	{
		case AT_SetLogged:
		case AT_SetUnLogged:
			effect->rewrites = get_rel_persistence(effect->relid) ==
				(cmd->subtype == AT_SetLogged ? RELPERSISTENCE_PERMANENT :
				 RELPERSISTENCE_UNLOGGED) ? PGM_FALSE : PGM_TRUE;
			break;
		case AT_SetTableSpace:
			effect->rewrites = pgm_is_in_tablespace(effect->relid, cmd->name) ?
				PGM_FALSE : PGM_TRUE;
			break;
		case AT_ValidateConstraint:
			if (!is_validated(effect->relid, cmd->name))
				effect->scans = PGM_TRUE;
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			if (constraint->contype == CONSTR_FOREIGN &&
				!constraint->skip_validation)
				effect->scans = PGM_TRUE;
			break;
		default:
			break;
	}
}

/* The composite type that a table is to be of. */
static void
add_type_effect(PgmVerdict *verdict, const TypeName *name)
{
	Type		type = LookupTypeName(NULL, name, NULL, true);
	Oid			relid = InvalidOid;

	if (type == NULL)
		return;
	relid = typeTypeRelid(type);
	ReleaseSysCache(type);
	if (OidIsValid(relid))
		(void) pgm_verdict_effect(verdict, relid, AccessShareLock);
}

static void
classify_alter_table(Context *context, AlterTableStmt *stmt, Oid relid)
{
	PgmVerdict *verdict = context->verdict;
	LOCKMODE	mode = AlterTableGetLockLevel(stmt->cmds);
	PgmEffect  *effect = pgm_verdict_effect(verdict, relid, mode);
	bool		down = false;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		down |= recurses(cmd);
		judge_alter_cmd(effect, cmd);
		switch (cmd->subtype)
		{
			case AT_DropConstraint:
			case AT_ValidateConstraint:
				if (cmd->subtype == AT_ValidateConstraint &&
					is_validated(relid, cmd->name))
					break;
				add_constraint_effect(verdict, relid, cmd->name,
									  cmd->subtype == AT_DropConstraint);
				break;
			case AT_ChangeOwner:
				pgm_reach_owned(verdict, relid, cmd->newowner);
				break;
			case AT_AddOf:
				add_type_effect(verdict, castNode(TypeName, cmd->def));
				break;
			case AT_AttachPartition:
				if (OidIsValid(pgm_default_partition(relid)))
					(void) pgm_verdict_effect(verdict,
											  pgm_default_partition(relid),
											  AccessExclusiveLock);
				pgm_effect_all(verdict, pgm_related_neighbours(relid),
							   ShareRowExclusiveLock);
				break;
			case AT_DetachPartition:	/* its part of the keys goes */
				if (mode == AccessExclusiveLock)
					pgm_effect_all(verdict, pgm_related_referencing(relid),
								   mode);
				break;
			default:
				break;
		}
	}
	if (down)
		add_descendants(verdict, stmt->relation, relid, mode);
	if (pgm_alter_table_kind(stmt) == OBJECT_TYPE)
		pgm_effect_all(verdict, pgm_related_typed(relid), mode);
}

/* What hangs on a table is commented on with the table only looked at. */
static LOCKMODE
comment_mode(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return AccessShareLock;
		default:
			return ShareUpdateExclusiveLock;
	}
}

/* Statements whose target is locked with one mode, whatever it is. */
static LOCKMODE
target_mode(Node *stmt)
{
	LOCKMODE	mode = pgm_statement_kind(stmt)->target_mode;

	if (mode != PGM_MODE_BY_STATEMENT)
		return mode;
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->concurrent ?
				ShareUpdateExclusiveLock : ShareLock;
		case T_RenameStmt:
			return castNode(RenameStmt, stmt)->renameType == OBJECT_INDEX ?
				ShareUpdateExclusiveLock : AccessExclusiveLock;
		case T_LockStmt:
			return castNode(LockStmt, stmt)->mode;
		case T_VacuumStmt:
			return pgm_vacuum_is_full(castNode(VacuumStmt, stmt)) ?
				AccessExclusiveLock : ShareUpdateExclusiveLock;
		case T_ClusterStmt:
			return pgm_repack_is_concurrent(castNode(ClusterStmt, stmt)) ?
				ShareUpdateExclusiveLock : AccessExclusiveLock;
		case T_RefreshMatViewStmt:
			return castNode(RefreshMatViewStmt, stmt)->concurrent ?
				ExclusiveLock : AccessExclusiveLock;
		case T_CommentStmt:
			return comment_mode(castNode(CommentStmt, stmt)->objtype);
		default:
			return AccessExclusiveLock;
	}
}

static bool
index_is_there(const IndexStmt *stmt, Oid relid)
{
	return stmt->if_not_exists && stmt->idxname != NULL &&
		OidIsValid(get_relname_relid(stmt->idxname,
									 get_rel_namespace(relid)));
}

static void
classify_target(Context *context, const RangeVar *name, Oid relid)
{
	PgmVerdict *verdict = context->verdict;
	Node	   *stmt = context->stmt;
	LOCKMODE	mode;
	PgmEffect  *effect;

	if (IsA(stmt, AlterTableStmt))
	{
		classify_alter_table(context, castNode(AlterTableStmt, stmt), relid);
		return;
	}
	if (IsA(stmt, ReindexStmt))
	{
		pgm_reach_reindexed(verdict, relid, castNode(ReindexStmt, stmt));
		return;
	}
	if (IsA(stmt, VacuumStmt))
	{
		pgm_reach_vacuumed(verdict, relid, castNode(VacuumStmt, stmt));
		return;
	}
	mode = target_mode(stmt);
	effect = pgm_verdict_effect(verdict, relid, mode);
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			if (effect->relkind != RELKIND_PARTITIONED_TABLE)
				effect->scans = index_is_there(castNode(IndexStmt, stmt),
											   relid) ? PGM_FALSE : PGM_TRUE;
			add_descendants(verdict, name, relid, mode);
			break;
		case T_TruncateStmt:
			if (effect->relkind != RELKIND_PARTITIONED_TABLE)
				effect->rewrites = PGM_TRUE;
			pgm_reach_indexes(verdict, relid, mode, true);
			add_descendants(verdict, name, relid, mode);
			if (castNode(TruncateStmt, stmt)->behavior == DROP_CASCADE)
				pgm_effect_all(verdict, pgm_related_referencing(relid), mode);
			break;
		case T_ClusterStmt:
			pgm_reach_repacked(verdict, relid, castNode(ClusterStmt, stmt));
			break;
		case T_RefreshMatViewStmt:
			pgm_reach_refreshed(verdict, relid,
								castNode(RefreshMatViewStmt, stmt));
			break;
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType == OBJECT_COLUMN)
				add_descendants(verdict, name, relid, mode);
			break;
		case T_LockStmt:
			pgm_reach_locked(verdict, relid, mode);
			add_descendants(verdict, name, relid, mode);
			break;
		case T_CreateTrigStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case PGM_T_MERGE:
			add_descendants(verdict, name, relid, mode);
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
				(void) pgm_verdict_effect(verdict, table, mode);

			/* in the end, when nobody has it any more */
			(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
			break;
		case OBJECT_TABLE:
			pgm_reach_dropped_table(verdict, relid);
			if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ||
				stmt->behavior == DROP_CASCADE)
			{
				ListCell   *lc;

				foreach(lc, pgm_descendants(relid))
					pgm_reach_dropped_table(verdict, lfirst_oid(lc));
			}
			break;
		default:
			(void) pgm_verdict_effect(verdict, relid, mode);
			pgm_reach_indexes(verdict, relid, mode, false);
			break;
	}
	if (stmt->behavior == DROP_CASCADE)
		pgm_effect_all(verdict,
					   pgm_related_dependents(RelationRelationId, relid), mode);
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

	(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
	pgm_effect_all(verdict, pgm_related_neighbours(relid),
				   ShareRowExclusiveLock);
	if (OidIsValid(other))
		pgm_verdict_effect(verdict, other, AccessExclusiveLock)->scans =
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
created_mode(Node *stmt, PgmNameRole role)
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
		case PGM_NAME_WRITTEN:
			return RowExclusiveLock;
		case PGM_NAME_REFERENCED:
			return referenced_mode(stmt);
		case PGM_NAME_PARENT:
			return parent_mode(stmt);
		default:
			return AccessShareLock;
	}
}

/* Is it a query whose result is stored: does it read, not only refer to? */
static bool
keeps_rows(Node *stmt)
{
	if (IsA(stmt, SelectStmt))
		return castNode(SelectStmt, stmt)->intoClause != NULL;
	return IsA(stmt, CreateTableAsStmt) &&
		!castNode(CreateTableAsStmt, stmt)->into->skipData;
}

/*
 * A table that is made is new, or the statement fails; what the search path
 * finds by its name is another.  Thousands of names that are not there yet
 * would be thousands of scans of pg_class.
 */
static bool
makes_new_table(const Node *stmt, PgmNameRole role)
{
	return role == PGM_NAME_CREATED && IsA(stmt, CreateStmt) &&
		!((const CreateStmt *) stmt)->if_not_exists;
}

static bool
is_conditional(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return castNode(CreateStmt, stmt)->if_not_exists;
		case T_CreateTableAsStmt:
			return castNode(CreateTableAsStmt, stmt)->if_not_exists;
		case T_CreateSeqStmt:
			return castNode(CreateSeqStmt, stmt)->if_not_exists;
		default:
			return false;
	}
}

/* Statements to come call it by its new name, or look elsewhere for it. */
static void
remember_renamed(PgmClassifier *classifier, Node *stmt, Oid relid)
{
	if (renames_relation(stmt))
		pgm_remember_renamed(classifier, relid, NULL,
							 castNode(RenameStmt, stmt)->newname);
	else if (IsA(stmt, AlterObjectSchemaStmt))
		pgm_remember_renamed(classifier, relid,
							 castNode(AlterObjectSchemaStmt, stmt)->newschema,
							 NULL);
}

static bool
classify_name(RangeVar *name, PgmNameRole role, void *arg)
{
	Context    *context = arg;
	PgmVerdict *verdict = context->verdict;
	const PgmRenamed *renamed = pgm_find_renamed(context->classifier, name);
	bool		earlier = false;
	bool		created = renamed == NULL &&
		pgm_is_created_here(context->classifier, name, &earlier);
	Oid			relid = renamed != NULL ? renamed->relid :
		created || makes_new_table(context->stmt, role) ? InvalidOid :
		pgm_lookup_relation(name);
	PgmEffect  *effect;

	if (role == PGM_NAME_CREATED)
	{
		if (OidIsValid(relid) && is_conditional(context->stmt) &&
			!list_member_oid(context->classifier->gone, relid))
			verdict->existing = relid;

		/* OR REPLACE and IF NOT EXISTS may find it there */
		if (OidIsValid(relid) && IsA(context->stmt, ViewStmt))
			(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
		else if (!created && (!OidIsValid(relid) ||
							  list_member_oid(context->classifier->gone,
											  relid)))
			pgm_remember_created(context->classifier, name, name->relname);
		return false;
	}
	if (!OidIsValid(relid))
	{
		if (created)
			pgm_verdict_effect_created(verdict, name,
									   created_mode(context->stmt, role))->earlier =
				earlier;
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
		case PGM_NAME_WRITTEN:
			pgm_reach_written(verdict, relid, name, context->stmt);
			break;
		case PGM_NAME_REFERENCED:
			(void) pgm_verdict_effect(verdict, relid,
									  referenced_mode(context->stmt));
			break;
		case PGM_NAME_PARENT:
			(void) pgm_verdict_effect(verdict, relid,
									  parent_mode(context->stmt));
			break;
		case PGM_NAME_WHOLE:
			classify_whole(verdict, relid);
			break;
		case PGM_NAME_PARTITION:
			pgm_reach_partition(verdict, relid);
			break;
		case PGM_NAME_OWNER:
			(void) pgm_verdict_effect(verdict, relid, AccessShareLock);
			break;
		case PGM_NAME_GRANTED:
			(void) pgm_verdict_effect(verdict, relid, PGM_GRANT_LOCK);
			break;
		default:
			(void) pgm_verdict_effect(verdict, relid,
									  context->row_locks ? RowShareLock :
									  AccessShareLock);
			if (keeps_rows(context->stmt))
				pgm_reach_rows(verdict, relid);
			break;
	}
	effect = pgm_verdict_find(verdict, relid);
	if (effect != NULL && renamed != NULL)
	{
		effect->schema = renamed->schema;
		effect->name = renamed->name;
	}
	if (role == PGM_NAME_TARGET)
		remember_renamed(context->classifier, context->stmt, relid);
	if (effect != NULL)
	{
		effect->named = true;
		effect->subject |= role == PGM_NAME_TARGET;
		effect->replaced = renamed == NULL &&
			list_member_oid(context->classifier->replaced, relid);
	}
	return false;
}

static bool
is_opaque(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	if (IsA(stmt, SelectStmt))
		return !pgm_query_is_pure(source, n);
	return pgm_statement_is(stmt, PGM_RUNS_CODE) ||
		pgm_statement_calls_code(stmt);
}

/*
 * A call of a function of Citus that distributes a table, or the other way
 * round: what it does is known.
 */
static void
classify_call(Context *context, const PgmCitusCall *call)
{
	PgmVerdict *verdict = context->verdict;
	PgmEffect  *effect;
	Oid			relid = pgm_lookup_relation(call->name);

	verdict->opaque = false;
	if (pgm_is_created_here(context->classifier, call->name, NULL))
		effect = pgm_verdict_effect_created(verdict, call->name, call->mode);
	else if (OidIsValid(relid))
		effect = pgm_verdict_effect(verdict, relid, call->mode);
	else
		return;
	effect->named = effect->subject = true;
	effect->rewrites = call->rewrites ? PGM_TRUE : PGM_FALSE;
	effect->scans = PGM_TRUE;
	verdict->rewrites = effect->rewrites;
	verdict->scans = PGM_TRUE;
}

static void
rename_created(PgmClassifier *classifier, RenameStmt *stmt)
{
	if (stmt->relation != NULL && renames_relation((Node *) stmt) &&
		pgm_is_created_here(classifier, stmt->relation, NULL))
		pgm_remember_created(classifier, stmt->relation, stmt->newname);
}

PgmVerdict *
pgm_classify(PgmClassifier *classifier, const PgmSource *source, int n)
{
	Context		context = {0};
	PgmVerdict *verdict = palloc0(sizeof(PgmVerdict));
	Node	   *stmt = source->statements[n].raw->stmt;
	PgmCitusCall call;

	verdict->source = source;
	verdict->n = n;
	verdict->top_level = source->statements[n].top_level;
	verdict->opaque = is_opaque(source, n);
	context.classifier = classifier;
	context.verdict = verdict;
	context.stmt = stmt;
	context.row_locks = IsA(stmt, SelectStmt) &&
		castNode(SelectStmt, stmt)->lockingClause != NIL;

	pgm_names_visit(stmt, classify_name, &context);
	pgm_reach_object(verdict, stmt);
	pgm_reach_whole(verdict, stmt);
	if (IsA(stmt, RenameStmt))
		rename_created(classifier, castNode(RenameStmt, stmt));

	pgm_work_judge(verdict, stmt);
	if (pgm_citus_read_call(stmt, &call))
		classify_call(&context, &call);
	return verdict;
}
