/*-------------------------------------------------------------------------
 *
 * hierarchy_locks.c
 *	  Statements that name no table but mean many.
 *
 * VACUUM and CLUSTER of everything, REINDEX of a schema or a database, all of
 * a tablespace, all that a role owns.  A part of the lock table of classify.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "commands/tablespace.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "classify/hierarchy_locks.h"
#include "classify/indirect_locks.h"
#include "classify/related_relations.h"
#include "compat/parse.h"
#include "compat/repack.h"

/* A tablespace that is the database's own is stored as none. */
static PgmQuery in_tablespace_query = {
	"SELECT c.oid::int8 FROM pg_class c WHERE c.reltablespace = "
	"(SELECT CASE WHEN d.dattablespace = $1 THEN 0::oid ELSE $1 END "
	"FROM pg_database d WHERE d.datname = current_database()) "
	"AND c.relkind = ANY ($2) AND NOT c.relisshared "
	"AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, "
	"'pg_toast'::regnamespace) AND c.oid >= 16384 "
	"AND ($3 = '{}' OR c.relowner = ANY ($3)) ORDER BY 1",
	3, {OIDOID, CHARARRAYOID, OIDARRAYOID}
};

static PgmQuery owned_query = {
	"SELECT oid::int8 FROM pg_class WHERE relowner = ANY ($1) "
	"AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND oid >= 16384 "
	"AND relpersistence <> 't' ORDER BY 1",
	1, {OIDARRAYOID}
};

/* Roles that are not there are left out: the statement fails. */
static Datum
roles_datum(List *roles)
{
	Datum	   *oids = palloc(sizeof(Datum) * Max(list_length(roles), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, roles)
	{
		Oid			role = get_rolespec_oid(lfirst_node(RoleSpec, lc), true);

		if (OidIsValid(role))
			oids[n++] = ObjectIdGetDatum(role);
	}
	return pgm_array_datum(OIDOID, n, oids);
}

static const char *
kinds_moved(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_TABLE:
			return "rp";
		case OBJECT_INDEX:
			return "iI";
		default:
			return "m";
	}
}

static void
whole_tablespace(PgmVerdict *verdict, AlterTableMoveAllStmt *stmt)
{
	const char *kinds = kinds_moved(stmt->objtype);
	Oid			from = get_tablespace_oid(stmt->orig_tablespacename, true);
	Datum		chars[2];
	Datum		values[3];
	ListCell   *lc;

	if (from == get_tablespace_oid(stmt->new_tablespacename, true))
		return;
	values[0] = ObjectIdGetDatum(from);
	for (int i = 0; kinds[i] != '\0'; i++)
		chars[i] = CharGetDatum(kinds[i]);
	values[1] = pgm_array_datum(CHAROID, strlen(kinds), chars);
	values[2] = roles_datum(stmt->roles);
	foreach(lc, pgm_spi_oids(&in_tablespace_query, values))
	{
		PgmEffect  *effect = pgm_verdict_effect(verdict, lfirst_oid(lc),
												AccessExclusiveLock);

		if (RELKIND_HAS_STORAGE(effect->relkind))
			effect->rewrites = PGM_TRUE;
	}
}

static void
whole_role(PgmVerdict *verdict, List *roles, bool dropped)
{
	Datum		values[1] = {roles_datum(roles)};
	ListCell   *lc;

	foreach(lc, pgm_spi_oids(&owned_query, values))
	{
		Oid			relid = lfirst_oid(lc);

		if (dropped)
			pgm_reach_dropped_table(verdict, relid);
		else
		{
			(void) pgm_verdict_effect(verdict, relid, AccessExclusiveLock);
			pgm_reach_indexes(verdict, relid, AccessExclusiveLock, false);
		}
	}
}

static void
whole_vacuum(PgmVerdict *verdict, VacuumStmt *stmt)
{
	ListCell   *lc;

	if (stmt->rels != NIL)
		return;
	foreach(lc, pgm_related_tables(InvalidOid))
		pgm_reach_vacuumed(verdict, lfirst_oid(lc), stmt);
}

static void
whole_cluster(PgmVerdict *verdict, ClusterStmt *stmt)
{
	ListCell   *lc;

	if (pgm_cluster_relation(stmt) != NULL)
		return;
	foreach(lc, pgm_repack_takes_all(stmt) ?
			pgm_related_tables(InvalidOid) : pgm_related_clustered())
		pgm_reach_clustered(verdict, lfirst_oid(lc));
}

static void
whole_reindex(PgmVerdict *verdict, ReindexStmt *stmt)
{
	Oid			schema = InvalidOid;
	ListCell   *lc;

	switch (stmt->kind)
	{
		case REINDEX_OBJECT_SCHEMA:
			schema = get_namespace_oid(stmt->name, true);
			if (!OidIsValid(schema))
				return;
			break;
		case REINDEX_OBJECT_DATABASE:
			break;
		default:
			return;
	}
	foreach(lc, pgm_related_tables(schema))
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
			pgm_reach_reindexed(verdict, lfirst_oid(lc), stmt);
	}
}

void
pgm_reach_whole(PgmVerdict *verdict, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_VacuumStmt:
			whole_vacuum(verdict, castNode(VacuumStmt, stmt));
			break;
		case T_ClusterStmt:
			whole_cluster(verdict, castNode(ClusterStmt, stmt));
			break;
		case T_ReindexStmt:
			whole_reindex(verdict, castNode(ReindexStmt, stmt));
			break;
		case T_AlterTableMoveAllStmt:
			whole_tablespace(verdict, castNode(AlterTableMoveAllStmt, stmt));
			break;
		case T_DropOwnedStmt:
			whole_role(verdict, castNode(DropOwnedStmt, stmt)->roles, true);
			break;
		case T_ReassignOwnedStmt:
			whole_role(verdict, castNode(ReassignOwnedStmt, stmt)->roles,
					   false);
			break;
		default:
			break;
	}
}
