/*-------------------------------------------------------------------------
 *
 * needs.c
 *	  The relation locks that statements need.
 *
 * The needs are those of the classification, one per relation in its strongest
 * mode.  Left out are relations that nobody else has, the catalogs, and what
 * the current user has no rights on: the statement is going to be refused, and
 * must not have locked out others before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/relation_size.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "compat/repack.h"
#include "compat/server.h"
#include "lock/needs.h"
#include "sql/kinds.h"

/* Relations that take some tens of milliseconds to read, and to write anew. */
#define PGM_SLOW_READ_BYTES (8 * 1024 * 1024)
#define PGM_SLOW_WRITE_BYTES (512 * 1024)

void
pgm_lockneeds_init(PgmLockNeeds *needs, MemoryContext context)
{
	memset(needs, 0, sizeof(PgmLockNeeds));
	needs->context = context;
}

/* A step may need thousands of relations, as an ALTER of partitions does. */
typedef struct NeedEntry
{
	Oid			relid;			/* hash key */
	PgmLockNeed *need;
} NeedEntry;

static NeedEntry *
need_entry(const PgmLockNeeds *needs, Oid relid, HASHACTION action)
{
	if (needs->by_relid == NULL)
		return NULL;
	return hash_search(needs->by_relid, &relid, action, NULL);
}

const PgmLockNeed *
pgm_lockneeds_find(const PgmLockNeeds *needs, Oid relid)
{
	NeedEntry  *entry = need_entry(needs, relid, HASH_FIND);

	return entry == NULL ? NULL : entry->need;
}

static HTAB *
create_need_table(MemoryContext context)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(NeedEntry);
	control.hcxt = context;
	return hash_create("pgmigrate lock needs", 16, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
add_need(PgmLockNeeds *needs, Oid relid, LOCKMODE mode, const char *name,
		 bool of_statement)
{
	MemoryContext old;
	NeedEntry  *entry = need_entry(needs, relid, HASH_FIND);
	PgmLockNeed *need;

	if (entry != NULL)
	{
		need = entry->need;
		need->mode = Max(need->mode, mode);
		need->of_statement &= of_statement;
		return;
	}
	if (needs->by_relid == NULL)
		needs->by_relid = create_need_table(needs->context);
	old = MemoryContextSwitchTo(needs->context);
	need = palloc(sizeof(PgmLockNeed));
	need_entry(needs, relid, HASH_ENTER)->need = need;
	need->relid = relid;
	need->mode = mode;
	need->of_statement = of_statement;
	need->name = pstrdup(name);
	needs->list = lappend(needs->list, need);
	MemoryContextSwitchTo(old);
}

void
pgm_lockneeds_add(PgmLockNeeds *needs, Oid relid, LOCKMODE mode,
				  const char *name)
{
	add_need(needs, relid, mode, name, false);
}

/*
 * As LOCK TABLE checks it, more or less: enough not to be a nuisance.  On an
 * index nobody but its owner has rights.
 */
static bool
may_lock(Oid relid, LOCKMODE mode)
{
	AclMode		rights = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE |
		ACL_REFERENCES | ACL_TRIGGER;

	if (mode <= RowExclusiveLock)
		rights |= ACL_SELECT | ACL_INSERT;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		return false;
	return pgm_class_ownercheck(relid, GetUserId()) ||
		pg_class_aclcheck(relid, GetUserId(), rights) == ACLCHECK_OK;
}

/* A new column is only noted, unless rows have to be written or checked. */
static bool
new_column_may_be_long(const ColumnDef *column)
{
	ListCell   *lc;

	if (column->typeName != NULL && column->typeName->names != NIL &&
		strstr(strVal(llast(column->typeName->names)), "serial") != NULL)
		return true;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);
		Node	   *value = constraint->raw_expr;

		if (constraint->contype == CONSTR_NULL ||
			constraint->contype == CONSTR_NOTNULL)
			continue;
		if (constraint->contype != CONSTR_DEFAULT)
			return true;
		if (value != NULL && IsA(value, TypeCast))
			value = castNode(TypeCast, value)->arg;
		if (value != NULL && !IsA(value, A_Const))
			return true;
	}
	return false;
}

/*
 * Whether an ALTER TABLE works through the table is told by a trial only; here
 * it is enough that it may.
 */
static bool
alter_may_be_long(const AlterTableCmd *cmd)
{
	const Constraint *constraint;

	switch (cmd->subtype)
	{
		case AT_AlterColumnType:
		case AT_AttachPartition:
		case AT_SetNotNull:
			return true;
		case AT_AddColumn:
			return new_column_may_be_long(castNode(ColumnDef, cmd->def));
		case AT_AddConstraint:
			constraint = castNode(Constraint, cmd->def);
			return !constraint->skip_validation &&
				(constraint->contype != CONSTR_UNIQUE ||
				 constraint->indexname == NULL);
		default:
			return false;
	}
}

static bool
may_be_long(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			if (alter_may_be_long(lfirst_node(AlterTableCmd, lc)))
			return true;
	return false;
}

/* INSERT with rows of its own text: as many as somebody has written. */
static bool
is_literal_insert(Node *stmt)
{
	SelectStmt *select;

	if (!IsA(stmt, InsertStmt))
		return false;
	select = (SelectStmt *) castNode(InsertStmt, stmt)->selectStmt;
	return select == NULL ||
		(IsA(select, SelectStmt) && select->valuesLists != NIL);
}

/*
 * What runs code that cannot be looked into may, and so may what goes through
 * the rows of a relation that is not small.  Locks of the statements after it
 * are then better taken after it; to take one late that could have been taken
 * early costs nothing but the work lost if it is not to be had.
 */
bool
pgm_statement_is_slow(const PgmVerdict *verdict, Node *stmt)
{
	bool		writes = (pgm_statement_is(stmt, PGM_CHANGES_ROWS) &&
						  !is_literal_insert(stmt)) ||
		pgm_changing_with(stmt) != NULL ||
		IsA(stmt, CreateTableAsStmt) ||
		IsA(stmt, RefreshMatViewStmt) || IsA(stmt, IndexStmt) ||
		IsA(stmt, ReindexStmt) || IsA(stmt, ClusterStmt) ||
		may_be_long(stmt);
	bool		rows = writes || IsA(stmt, SelectStmt);
	ListCell   *lc;

	if (verdict->opaque)
		return true;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if ((rows || effect->rewrites == PGM_TRUE ||
			 effect->scans == PGM_TRUE) && OidIsValid(effect->relid) &&
			pgm_heap_bytes(effect->relid) >
			(writes || effect->rewrites == PGM_TRUE ?
			 PGM_SLOW_WRITE_BYTES : PGM_SLOW_READ_BYTES))
			return true;
	}
	return false;
}

static void
add_effect(PgmLockNeeds *needs, PgmEffect *effect)
{
	const PgmLockNeed *need = pgm_lockneeds_find(needs, effect->relid);

	/* rights are looked up once, and names put together */
	if (need != NULL && need->mode >= effect->mode &&
		effect->rewrites != PGM_TRUE && effect->scans != PGM_TRUE)
		return;
	if (effect->mode == NoLock || effect->created_here ||
		effect->relid < FirstNormalObjectId ||
		!may_lock(effect->relid, effect->mode))
		return;
	add_need(needs, effect->relid, effect->mode, pgm_effect_name(effect),
			 true);
	if (effect->rewrites == PGM_TRUE || effect->scans == PGM_TRUE)
		needs->long_work = true;
}

/* DROP looks who the parent is, and locks that first. */
static void
add_parents(PgmLockNeeds *needs, const PgmVerdict *verdict)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (!effect->named && effect->relkind == RELKIND_PARTITIONED_TABLE)
			add_effect(needs, effect);
	}
}

void
pgm_lockneeds_statement(PgmLockNeeds *needs, const PgmSource *source, int n)
{
	MemoryContext old = MemoryContextSwitchTo(needs->context);
	PgmVerdict *verdict = pgm_classify(&needs->classifier, source, n);
	Node	   *stmt = source->statements[n].raw->stmt;
	ListCell   *lc;

	if (verdict->opaque || pgm_statement_is(stmt, PGM_CHANGES_ROWS) ||
		pgm_changing_with(stmt) != NULL)
		needs->unsure = true;
	if (verdict->opaque)
		needs->opaque = true;
	if (may_be_long(stmt))
		needs->long_work = true;
	needs->slow = pgm_statement_is_slow(verdict, stmt);
	if (IsA(stmt, DropStmt))
		add_parents(needs, verdict);
	foreach(lc, verdict->effects)
		add_effect(needs, lfirst(lc));
	MemoryContextSwitchTo(old);
}

bool
pgm_lockneeds_weak(const PgmLockNeeds *needs)
{
	ListCell   *lc;

	if (needs->opaque)
		return false;
	foreach(lc, needs->list)
	{
		if (((PgmLockNeed *) lfirst(lc))->mode > RowExclusiveLock)
			return false;
	}
	return true;
}

void
pgm_lockneeds_first(PgmLockNeeds *needs, Oid relid)
{
	NeedEntry  *entry = need_entry(needs, relid, HASH_FIND);
	MemoryContext old;

	if (entry == NULL)
		return;
	old = MemoryContextSwitchTo(needs->context);
	needs->list = lcons(entry->need, list_delete_ptr(needs->list,
													 entry->need));
	MemoryContextSwitchTo(old);
}

bool
pgm_lockneeds_covered(const PgmLockNeeds *needs, const PgmLockNeeds *by)
{
	ListCell   *lc;

	foreach(lc, needs->list)
	{
		PgmLockNeed *need = lfirst(lc);
		const PgmLockNeed *other = pgm_lockneeds_find(by, need->relid);

		if (other == NULL || other->mode < need->mode)
			return false;
	}
	return true;
}
