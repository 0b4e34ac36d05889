/*-------------------------------------------------------------------------
 *
 * indirect_locks.c
 *	  What statements other than ALTER TABLE lock besides what they name.
 *
 * A part of the lock table of classify.c, and compared with the server by the
 * same test.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "classify/indirect_locks.h"
#include "classify/related_relations.h"
#include "compat/catalog.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"

void
pgm_effect_all(PgmVerdict *verdict, List *relids, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, relids)
		(void) pgm_verdict_effect(verdict, lfirst_oid(lc), mode);
}

void
pgm_reach_indexes(PgmVerdict *verdict, Oid relid, LOCKMODE mode, bool rebuilt)
{
	ListCell   *lc;

	foreach(lc, pgm_related_indexes(relid))
	{
		PgmEffect  *effect = pgm_verdict_effect(verdict, lfirst_oid(lc), mode);

		if (rebuilt && effect->relkind == RELKIND_INDEX)
			effect->rewrites = PGM_TRUE;
	}
}

static void
reach_partitions(PgmVerdict *verdict, Oid relid)
{
	ListCell   *lc;

	pgm_reach_indexes(verdict, relid, AccessShareLock, false);
	foreach(lc, pgm_descendants(relid))
	{
		PgmEffect  *effect = pgm_verdict_effect(verdict, lfirst_oid(lc),
												AccessShareLock);

		pgm_reach_indexes(verdict, lfirst_oid(lc), AccessShareLock, false);
		if (effect->relkind == RELKIND_RELATION)
			effect->scans = PGM_TRUE;
	}
}

/* The planner opens the indexes whether it takes one of them or not. */
void
pgm_reach_rows(PgmVerdict *verdict, Oid relid)
{
	List	   *relids = list_make1_oid(relid);
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_VIEW)
		relids = list_concat(relids, pgm_related_read(relid));
	foreach(lc, relids)
	{
		Oid			read = lfirst_oid(lc);
		PgmEffect  *effect = pgm_verdict_effect(verdict, read,
												AccessShareLock);

		switch (effect->relkind)
		{
			case RELKIND_RELATION:
			case RELKIND_MATVIEW:
				effect->scans = PGM_TRUE;
				pgm_reach_indexes(verdict, read, AccessShareLock, false);
				break;
			case RELKIND_PARTITIONED_TABLE:
				reach_partitions(verdict, read);
				break;
			default:
				break;
		}
	}
}

void
pgm_reach_written(PgmVerdict *verdict, Oid relid, const RangeVar *name,
				  Node *stmt)
{
	bool		inserted = IsA(stmt, InsertStmt) &&
		castNode(InsertStmt, stmt)->relation == name;
	List	   *columns = NIL;
	ListCell   *lc;

	(void) pgm_verdict_effect(verdict, relid, RowExclusiveLock);
	if (!inserted && (!IsA(stmt, UpdateStmt) ||
					  castNode(UpdateStmt, stmt)->relation != name))
		return;
	foreach(lc, inserted ? castNode(InsertStmt, stmt)->cols :
			castNode(UpdateStmt, stmt)->targetList)
		columns = lappend(columns,
						  makeString(lfirst_node(ResTarget, lc)->name));

	/* the rows that are referred to are locked */
	pgm_effect_all(verdict, pgm_related_checked(relid, columns, inserted),
				   RowShareLock);
}

void
pgm_reach_owned(PgmVerdict *verdict, Oid relid, const RoleSpec *owner)
{
	if (get_rolespec_oid(owner, true) == pgm_relation_owner(relid))
		return;
	pgm_reach_indexes(verdict, relid, AccessExclusiveLock, false);
	pgm_effect_all(verdict, pgm_related_sequences(relid), AccessExclusiveLock);
}

void
pgm_reach_refreshed(PgmVerdict *verdict, Oid relid,
					const RefreshMatViewStmt *stmt)
{
	PgmEffect  *effect = pgm_verdict_effect(verdict, relid, NoLock);
	ListCell   *lc;

	effect->scans = PGM_TRUE;
	if (!stmt->concurrent)
		effect->rewrites = PGM_TRUE;
	pgm_reach_indexes(verdict, relid, stmt->concurrent ? RowExclusiveLock :
					  AccessExclusiveLock, !stmt->concurrent);
	if (stmt->skipData)
		return;
	foreach(lc, pgm_related_read(relid))
		pgm_reach_rows(verdict, lfirst_oid(lc));
}

static void
reach_vacuumed_table(PgmVerdict *verdict, Oid relid, VacuumStmt *stmt,
					 bool full)
{
	PgmEffect  *effect = pgm_verdict_effect(verdict, relid, full ?
											AccessExclusiveLock :
											ShareUpdateExclusiveLock);

	if (effect->relkind == RELKIND_PARTITIONED_TABLE)
		return;
	pgm_reach_indexes(verdict, relid, full ? AccessExclusiveLock :
					  stmt->is_vacuumcmd ? RowExclusiveLock : AccessShareLock,
					  full);
	if (full)
		effect->rewrites = PGM_TRUE;

	/* ANALYZE takes a sample */
	if (stmt->is_vacuumcmd)
		effect->scans = PGM_TRUE;
}

void
pgm_reach_vacuumed(PgmVerdict *verdict, Oid relid, VacuumStmt *stmt)
{
	bool		full = pgm_vacuum_is_full(stmt);
	ListCell   *lc;

	reach_vacuumed_table(verdict, relid, stmt, full);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, pgm_descendants(relid))
		reach_vacuumed_table(verdict, lfirst_oid(lc), stmt, full);
}

/* An old index is locked out only when nobody can be using it any more. */
static void
reach_reindexed(PgmVerdict *verdict, Oid relid, LOCKMODE mode)
{
	bool		index = get_rel_relkind(relid) == RELKIND_INDEX;
	Oid			table = index ? IndexGetRelation(relid, true) : relid;

	if (OidIsValid(table))
		pgm_verdict_effect(verdict, table, mode)->scans = PGM_TRUE;
	if (index)
		pgm_verdict_effect(verdict, relid, AccessExclusiveLock)->rewrites =
			PGM_TRUE;
	else
		pgm_reach_indexes(verdict, relid, AccessExclusiveLock, true);
}

/* Of what is partitioned the parts, one after the other. */
void
pgm_reach_reindexed(PgmVerdict *verdict, Oid relid, ReindexStmt *stmt)
{
	LOCKMODE	mode = pgm_reindex_is_concurrent(stmt) ?
		ShareUpdateExclusiveLock : ShareLock;
	ListCell   *lc;

	switch (get_rel_relkind(relid))
	{
		case RELKIND_PARTITIONED_INDEX:
			(void) pgm_verdict_effect(verdict, relid, mode);
			(void) pgm_verdict_effect(verdict, IndexGetRelation(relid, true),
									  mode);
			break;
		case RELKIND_PARTITIONED_TABLE:
			(void) pgm_verdict_effect(verdict, relid, mode);
			break;
		default:
			reach_reindexed(verdict, relid, mode);
			return;
	}
	foreach(lc, pgm_descendants(relid))
	{
		if (RELKIND_HAS_STORAGE(get_rel_relkind(lfirst_oid(lc))))
			reach_reindexed(verdict, lfirst_oid(lc), mode);
	}
}

void
pgm_reach_locked(PgmVerdict *verdict, Oid relid, LOCKMODE mode)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_VIEW)
		return;
	foreach(lc, pgm_related_read(relid))
	{
		switch (get_rel_relkind(lfirst_oid(lc)))
		{
			case RELKIND_RELATION:
			case RELKIND_PARTITIONED_TABLE:
				(void) pgm_verdict_effect(verdict, lfirst_oid(lc), mode);
				pgm_effect_all(verdict, pgm_descendants(lfirst_oid(lc)), mode);
				break;
			case RELKIND_VIEW:
				(void) pgm_verdict_effect(verdict, lfirst_oid(lc), mode);
				break;
			default:
				break;
		}
	}
}

void
pgm_reach_partition(PgmVerdict *verdict, Oid relid)
{
	ListCell   *lc;

	(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);

	/* those that are parts of indexes of the partitioned table */
	foreach(lc, pgm_related_indexes(relid))
	{
		if (get_rel_relispartition(lfirst_oid(lc)))
			(void) pgm_verdict_effect(verdict, lfirst_oid(lc),
									  AccessExclusiveLock);
	}
}

static void
reach_clustered_table(PgmVerdict *verdict, Oid relid)
{
	PgmEffect  *effect = pgm_verdict_effect(verdict, relid,
											AccessExclusiveLock);

	effect->rewrites = PGM_TRUE;
	effect->scans = PGM_TRUE;
	pgm_reach_indexes(verdict, relid, AccessExclusiveLock, true);
}

/* Of a partitioned table the partitions, one after the other. */
void
pgm_reach_clustered(PgmVerdict *verdict, Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
	{
		reach_clustered_table(verdict, relid);
		return;
	}
	(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
	foreach(lc, pgm_descendants(relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			reach_clustered_table(verdict, lfirst_oid(lc));
	}
}

/*
 * CONCURRENTLY asks for the strongest lock in the end only, when the copy is
 * complete: the rule "repack-concurrently" tells that.
 */
void
pgm_reach_repacked(PgmVerdict *verdict, Oid relid, ClusterStmt *stmt)
{
	if (pgm_repack_is_concurrent(stmt))
	{
		PgmEffect  *effect = pgm_verdict_effect(verdict, relid,
												ShareUpdateExclusiveLock);

		effect->rewrites = PGM_TRUE;
		effect->scans = PGM_TRUE;
		return;
	}
	pgm_reach_clustered(verdict, relid);
	if (stmt->indexname != NULL && pgm_cluster_locks_parent_index() &&
		get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
	{
		Oid			index = get_relname_relid(stmt->indexname,
											  get_rel_namespace(relid));

		if (OidIsValid(index))
			(void) pgm_verdict_effect(verdict, index, AccessExclusiveLock);
	}
}

void
pgm_reach_dropped_table(PgmVerdict *verdict, Oid relid)
{
	(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
	pgm_reach_indexes(verdict, relid, AccessExclusiveLock, false);
	pgm_effect_all(verdict, pgm_related_sequences(relid), AccessExclusiveLock);
	pgm_effect_all(verdict, pgm_related_neighbours(relid),
				   AccessExclusiveLock);
	if (get_rel_relispartition(relid))
	{
		Oid			parent = pgm_partition_parent(relid);

		(void) pgm_verdict_effect(verdict, parent, AccessExclusiveLock);
	}
}

/* ALTER DOMAIN reads each table that has a column of it. */
static void
reach_alter_domain(PgmVerdict *verdict, AlterDomainStmt *stmt)
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
	domain = typeTypeId(type);
	ReleaseSysCache(type);
	foreach(lc, pgm_related_domain_tables(domain))
	{
		PgmEffect  *effect = pgm_verdict_effect(verdict, lfirst_oid(lc),
												ShareLock);

		effect->scans = PGM_TRUE;
	}
}

/* The relation behind a composite type. */
static void
reach_type(PgmVerdict *verdict, List *names)
{
	Type		type = LookupTypeName(NULL, makeTypeNameFromNameList(names),
									  NULL, true);
	Oid			relid;

	if (type == NULL)
		return;
	relid = typeTypeRelid(type);
	ReleaseSysCache(type);
	if (OidIsValid(relid))
		(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
}

/* The table of a statistics object. */
static void
reach_statistics(PgmVerdict *verdict, List *names)
{
	Oid			object = get_statistics_object_oid(names, true);
	HeapTuple	tuple;

	if (!OidIsValid(object))
		return;
	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object));
	if (!HeapTupleIsValid(tuple))
		return;
	(void) pgm_verdict_effect(verdict,
							  ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid,
							  ShareUpdateExclusiveLock);
	ReleaseSysCache(tuple);
}

static void
reach_dropped(PgmVerdict *verdict, DropStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Oid			classid;
		Oid			objid;

		if (stmt->removeType == OBJECT_STATISTIC_EXT)
			reach_statistics(verdict, lfirst(lc));
		else if (stmt->behavior == DROP_CASCADE &&
				 pgm_related_object(stmt->removeType, lfirst(lc), &classid,
									&objid))
			pgm_effect_all(verdict, pgm_related_dependents(classid, objid),
						   AccessExclusiveLock);
	}
}

void
pgm_reach_object(PgmVerdict *verdict, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDomainStmt:
			reach_alter_domain(verdict, castNode(AlterDomainStmt, stmt));
			break;
		case T_DropStmt:
			reach_dropped(verdict, castNode(DropStmt, stmt));
			break;
		case T_RenameStmt:
			if (castNode(RenameStmt, stmt)->renameType == OBJECT_TYPE)
				reach_type(verdict,
						   castNode(List, castNode(RenameStmt, stmt)->object));
			break;
		default:
			break;
	}
}
