/*-------------------------------------------------------------------------
 *
 * about_indexes.c
 *	  Rules about indexes and about statements that rewrite whole tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "compat/catalog.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

/* What is known of the use of an index, if it was used. */
static PgmQuery used_query = {
	"SELECT format('was scanned %s times%s', s.idx_scan, "
	PGM_SQL_LAST_INDEX_SCAN ") "
	"FROM pg_stat_all_indexes s WHERE s.indexrelid = $1 AND s.idx_scan > 0",
	1, {OIDOID}
};

/* Why REPACK (CONCURRENTLY) refuses the table, or NULL. */
static PgmQuery repack_query = {
	"SELECT CASE WHEN c.relkind = 'p' THEN 'is partitioned' "
	"WHEN c.relpersistence <> 'p' THEN 'is not permanent' "
	"WHEN NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid "
	"AND i.indisvalid AND i.indimmediate AND CASE c.relreplident "
	"WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) "
	"THEN 'has no index as its replica identity' END "
	"FROM pg_class c WHERE c.oid = $1",
	1, {OIDOID}
};

/* An index without the others that an index of so many columns costs. */
#define WIDE_INDEX 3

static Oid
existing_index(const PgmLint *lint, const IndexStmt *index)
{
	if (index->idxname == NULL || !OidIsValid(lint->effect->relid))
		return InvalidOid;
	return get_relname_relid(index->idxname,
							 get_rel_namespace(lint->effect->relid));
}

static void
lint_create_index(PgmLint *lint, IndexStmt *index)
{
	Oid			old = existing_index(lint, index);

	if (list_length(index->indexParams) > WIDE_INDEX && !index->unique)
		pgm_lint_add(lint, "wide-index",
					 psprintf("the index has %d columns", list_length(index->indexParams)),
					 pstrdup("Fewer columns, or INCLUDE for those that are only returned."));
	if (index->if_not_exists && OidIsValid(old))
	{
		if (pgm_lint_index_is_invalid(old))
			pgm_lint_add(lint, "invalid-index-left",
						 psprintf("index %s exists, but is invalid: IF NOT EXISTS leaves it so", pgm_lint_relation(old)),
						 get_rel_relkind(old) == RELKIND_PARTITIONED_INDEX ?
						 pstrdup("Build it CONCURRENTLY on each partition that lacks it, and ALTER INDEX ATTACH PARTITION.") :
						 psprintf("-- first:\nDROP INDEX CONCURRENTLY %s;", pgm_lint_relation(old)));
		return;
	}
	if (index->concurrent)
		pgm_lint_concurrent_build(lint);
	if (index->concurrent || lint->effect->mode < ShareLock)
		return;
	if (lint->effect->relkind == RELKIND_PARTITIONED_TABLE)
	{
		/* the partitions may have theirs already */
		if (index->relation->inh && !(lint->verdict->tried &&
									  pgm_lint_scans(lint) == PGM_FALSE))
			pgm_lint_add(lint, "index-on-partitioned",
						 psprintf("writes to all partitions of %s are blocked until the last index is built", lint->name),
						 NULL);
		return;
	}
	pgm_lint_add(lint, "create-index",
				 psprintf("writes to %s are blocked until the index is built", lint->name),
				 NULL);
}

/* Neither takes a partitioned table as it is. */
static char *
repack_form(const PgmLint *lint)
{
	bool		partitioned = lint->effect != NULL &&
		lint->effect->relkind == RELKIND_PARTITIONED_TABLE;

	if (pgm_repack_can_be_concurrent())
		return lint->effect == NULL ?
			pstrdup("Use REPACK (CONCURRENTLY), table by table.") :
			psprintf("Use REPACK (CONCURRENTLY) %s%s, for which it needs a primary key or another index as its replica identity.",
					 partitioned ? "with each partition of " : "", lint->name);
	return lint->effect == NULL ?
		pstrdup("Use pg_repack or pg_squeeze, table by table.") :
		psprintf("Use pg_repack --%stable %s, or pg_squeeze.",
				 partitioned ? "parent-" : "", lint->name);
}

static char *
repack_obstacle(const PgmLint *lint)
{
	Datum		value;

	if (lint->effect == NULL || !OidIsValid(lint->effect->relid))
		return NULL;
	value = ObjectIdGetDatum(lint->effect->relid);
	return pgm_spi_one_text(&repack_query, &value);
}

static void
lint_concurrent_repack(PgmLint *lint)
{
	char	   *obstacle = repack_obstacle(lint);

	if (obstacle != NULL)
		pgm_lint_add(lint, "repack-concurrently",
					 psprintf("%s %s: the statement fails", lint->name, obstacle),
					 pstrdup("It takes a permanent table, or a partition, with a primary key or another index as its replica identity."));
	else
		pgm_lint_add(lint, "repack-concurrently",
					 psprintf("%s is copied while it is in use, then the statement waits for all who use it, and new readers and writers behind it",
							  lint->name),
					 pstrdup("Run it while no transaction reads the table for long: stopped in the end it loses all its work."));
}

static void
lint_cluster(PgmLint *lint, ClusterStmt *cluster)
{
	const char *what = *lint->name ? lint->name :
		pgm_repack_takes_all(cluster) ? "every table" : "every clustered table";

	/* not there, as the trial tells */
	if (!*lint->name && (pgm_cluster_relation(cluster) != NULL ||
						 pgm_repack_is_concurrent(cluster)))
		return;
	if (pgm_repack_is_concurrent(cluster))
		lint_concurrent_repack(lint);
	else
		pgm_lint_add(lint, "cluster",
					 psprintf("%s is rewritten while it is locked", what),
					 repack_form(lint));
}

static void
lint_vacuum(PgmLint *lint, VacuumStmt *vacuum)
{
	if (!pgm_vacuum_is_full(vacuum))
		return;
	pgm_lint_add(lint, "vacuum-full",
				 psprintf("%s is rewritten while it is locked", *lint->name ? lint->name : "every table"),
				 repack_form(lint));
}

static void
lint_reindex(PgmLint *lint, ReindexStmt *reindex)
{
	const char *name = reindex->name ? reindex->name :
		get_database_name(MyDatabaseId);

	if (pgm_reindex_is_concurrent(reindex))
	{
		pgm_lint_concurrent_build(lint);
		return;
	}
	pgm_lint_add(lint, "reindex",
				 psprintf("writes to %s are blocked, and reads that plan with its indexes", *lint->name ? lint->name : "the tables"),
				 reindex->kind == REINDEX_OBJECT_SYSTEM ?
				 pstrdup("There is no concurrent form for system catalogs: do it while nobody needs the database.") :
				 reindex->relation != NULL ? NULL :
				 psprintf("REINDEX %s CONCURRENTLY %s;",
						  reindex->kind == REINDEX_OBJECT_SCHEMA ? "SCHEMA" :
						  "DATABASE", quote_identifier(name)));
}

/* Is the index needed?  Only the server knows. */
static void
lint_used_index(PgmLint *lint, Oid relid)
{
	Datum		value = ObjectIdGetDatum(relid);
	char	   *words = pgm_spi_one_text(&used_query, &value);

	if (words != NULL)
		pgm_lint_add(lint, "index-in-use",
					 psprintf("index %s %s", pgm_lint_relation(relid), words),
					 pstrdup("Look for the queries that use it first. Replicas count their own scans."));
}

static void
lint_drop_index(PgmLint *lint, DropStmt *drop)
{
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		RangeVar   *index = makeRangeVarFromNameList(lfirst(lc));
		Oid			relid = pgm_lookup_relation(index);
		const char *name = pgm_lint_qualified(index);

		if (!OidIsValid(relid))
			continue;
		lint_used_index(lint, relid);
		if (drop->concurrent)
			continue;
		pgm_lint_add(lint, "drop-index",
					 psprintf("the table of %s is locked for reads and writes, after the last reader is done", name),
					 get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX ?
					 pstrdup("There is no concurrent form for a partitioned table: do it in a revision of its own.") :
					 NULL);
	}
}

static void
lint_refresh(PgmLint *lint, RefreshMatViewStmt *refresh)
{
	if (refresh->concurrent || lint->effect == NULL)
		return;
	pgm_lint_add(lint, "refresh-matview",
				 refresh->skipData ?
				 psprintf("%s cannot be read until it is filled again", lint->name) :
				 psprintf("readers of %s are blocked until the query is done", lint->name),
				 refresh->skipData ?
				 pstrdup("Leave WITH NO DATA out.") :
				 psprintf("Build a unique index on columns of %s first, which REFRESH MATERIALIZED VIEW CONCURRENTLY needs.", lint->name));
}

void
pgm_lint_index(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;

	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			if (lint->effect != NULL)
				lint_create_index(lint, castNode(IndexStmt, stmt));
			break;
		case T_DropStmt:
			if (castNode(DropStmt, stmt)->removeType == OBJECT_INDEX)
				lint_drop_index(lint, castNode(DropStmt, stmt));
			break;
		case T_ReindexStmt:
			lint_reindex(lint, castNode(ReindexStmt, stmt));
			break;
		case T_ClusterStmt:
			lint_cluster(lint, castNode(ClusterStmt, stmt));
			break;
		case T_VacuumStmt:
			lint_vacuum(lint, castNode(VacuumStmt, stmt));
			break;
		case T_RefreshMatViewStmt:
			lint_refresh(lint, castNode(RefreshMatViewStmt, stmt));
			break;
		default:
			break;
	}
}
