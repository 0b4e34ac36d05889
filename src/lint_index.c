/*-------------------------------------------------------------------------
 *
 * lint_index.c
 *	  Rules about indexes and about statements that rewrite whole tables.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/lint_index.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "compat.h"
#include "compat_command.h"
#include "compat_parse.h"
#include "lint_private.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* An index without the others that an index of so many columns costs. */
#define WIDE_INDEX 3

/* All of the statement behind the table's name, as it is written. */
static const char *
index_definition(const PgmLint *lint, const IndexStmt *index)
{
	const char *rest = pgm_source_after_name(lint->judged->source,
											 lint->judged->n,
											 index->relation->location);

	return rest ? rest : " (...)";
}

static void
lint_create_index(PgmLint *lint, IndexStmt *index)
{
	const char *unique = index->unique ? "UNIQUE " : "";
	const char *name = index->idxname ? quote_identifier(index->idxname) : "";
	const char *definition = index_definition(lint, index);

	if (list_length(index->indexParams) > WIDE_INDEX && !index->unique)
		pgm_lint_add(lint, "wide-index",
					 psprintf("the index has %d columns", list_length(index->indexParams)),
					 pstrdup("Fewer columns, or INCLUDE for those that are only returned."));
	if (index->if_not_exists && index->idxname != NULL &&
		OidIsValid(lint->touch->relid))
	{
		Oid			old = get_relname_relid(index->idxname,
											get_rel_namespace(lint->touch->relid));

		if (OidIsValid(old) && pgm_lint_index_is_invalid(old))
			pgm_lint_add(lint, "invalid-index-left",
						 psprintf("index %s exists, but is invalid: IF NOT EXISTS leaves it so", name),
						 psprintf("DROP INDEX CONCURRENTLY %s; first, or REINDEX INDEX CONCURRENTLY %s;", name, name));
	}
	if (index->concurrent || lint->touch->mode < ShareLock)
		return;
	if (lint->touch->relkind == RELKIND_PARTITIONED_TABLE)
	{
		if (index->relation->inh)
			pgm_lint_add(lint, "index-on-partitioned",
						 psprintf("writes to all partitions of %s are blocked until the last index is built", lint->name),
						 psprintf("CREATE %sINDEX %s%sON ONLY %s%s; CREATE INDEX CONCURRENTLY on each partition; then ALTER INDEX ... ATTACH PARTITION.",
								  unique, name, *name ? " " : "", lint->name, definition));
		return;
	}
	pgm_lint_add(lint, "create-index",
				 psprintf("writes to %s are blocked until the index is built", lint->name),
				 psprintf("CREATE %sINDEX CONCURRENTLY %s%s%sON %s%s;", unique, index->if_not_exists ? "IF NOT EXISTS " : "", name, *name ? " " : "", lint->name, definition));
}

static void
lint_vacuum(PgmLint *lint, VacuumStmt *vacuum)
{
	if (!pgm_vacuum_is_full(vacuum))
		return;
	pgm_lint_add(lint, "vacuum-full",
				 psprintf("%s is rewritten while it is locked", *lint->name ? lint->name : "every table"),
				 pstrdup("Use pg_repack or pg_squeeze."));
}

static void
lint_reindex(PgmLint *lint, ReindexStmt *reindex)
{
	if (pgm_reindex_is_concurrent(reindex))
		return;
	pgm_lint_add(lint, "reindex",
				 psprintf("writes to %s are blocked, and reads that plan with its indexes", *lint->name ? lint->name : "the tables"),
				 reindex->relation == NULL ? pstrdup("REINDEX with CONCURRENTLY.") :
				 psprintf("REINDEX %s CONCURRENTLY %s;",
						  reindex->kind == REINDEX_OBJECT_INDEX ? "INDEX" : "TABLE",
						  pgm_lint_qualified(reindex->relation)));
}

static void
lint_drop_index(PgmLint *lint, DropStmt *drop)
{
	ListCell   *lc;

	if (drop->concurrent)
		return;
	foreach(lc, drop->objects)
	{
		const char *name =
			pgm_lint_qualified(makeRangeVarFromNameList(lfirst(lc)));

		pgm_lint_add(lint, "drop-index",
					 psprintf("the table of %s is locked for reads and writes, after the last reader is done", name),
					 psprintf("DROP INDEX CONCURRENTLY %s;", name));
	}
}

void
pgm_lint_index(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;

	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			if (lint->touch != NULL)
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
			pgm_lint_add(lint, "cluster",
						 psprintf("%s is rewritten while it is locked", *lint->name ? lint->name : "every clustered table"),
						 pstrdup("Use pg_repack or pg_squeeze."));
			break;
		case T_VacuumStmt:
			lint_vacuum(lint, castNode(VacuumStmt, stmt));
			break;
		case T_RefreshMatViewStmt:
			if (!castNode(RefreshMatViewStmt, stmt)->concurrent)
				pgm_lint_add(lint, "refresh-matview",
							 psprintf("readers of %s are blocked until the query is done", lint->name),
							 psprintf("REFRESH MATERIALIZED VIEW CONCURRENTLY %s; it needs a unique index.", lint->name));
			break;
		default:
			break;
	}
}
