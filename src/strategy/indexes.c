/*-------------------------------------------------------------------------
 *
 * indexes.c
 *	  Indexes and materialized views: the forms CONCURRENTLY.
 *
 * Of a partitioned table the index of each partition is built by itself.  The
 * statement as written comes last: the server finds the indexes, makes them
 * part of the new one and builds nothing.  So what a partition has already is
 * taken as the statement itself would take it, and what was built in vain is
 * dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi.h"
#include "base/spi_list.h"
#include "classify/classify.h"
#include "classify/related_relations.h"
#include "compat/command.h"
#include "compat/lock.h"
#include "compat/parse.h"
#include "compat/reindex.h"
#include "compat/server.h"
#include "sql/source_text.h"
#include "strategy/internal.h"

/*
 * Would the server refuse to drop it?  It is of a constraint, an extension or
 * another role, or something depends on it.
 */
static PgmQuery kept_index_query = {
	"SELECT NOT pg_has_role(c.relowner, 'USAGE') OR EXISTS (SELECT "
	"FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid "
	"AND deptype IN ('i', 'e', 'P', 'S') "
	"OR refclassid = 'pg_class'::regclass AND refobjid = c.oid "
	"AND deptype <> 'a') FROM pg_class c WHERE c.oid = $1",
	1, {OIDOID}
};

static PgmQuery exclusion_query = {
	"SELECT EXISTS (SELECT FROM pg_index WHERE (indrelid = $1 "
	"OR indexrelid = $1) AND (indisexclusion OR NOT indisvalid))",
	1, {OIDOID}
};

/* Of a partitioned table or index; what is not partitioned is its own. */
static PgmQuery leaves_query = {
	"SELECT c.oid::bigint FROM pg_class c LEFT JOIN pg_partition_tree($1) "
	"WITH ORDINALITY AS t (relid, parent, leaf, level, n) ON t.relid = c.oid "
	"WHERE c.relkind IN ('i', 'r', 'm', 't') AND (t.leaf OR c.oid = $1) "
	"ORDER BY t.n",
	1, {OIDOID}
};

static PgmQuery partition_key_query = {
	"SELECT NOT EXISTS (SELECT FROM pg_partitioned_table p, "
	"unnest(p.partattrs::int2[]) AS k (attnum) WHERE p.partrelid = $1 "
	"AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attnum = k.attnum AND a.attname::text = ANY ($2)))",
	2, {OIDOID, TEXTARRAYOID}
};

static PgmQuery refreshable_query = {
	"SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = $1 "
	"AND indisunique AND indisvalid AND indimmediate AND indpred IS NULL "
	"AND indexprs IS NULL) AND (SELECT relispopulated FROM pg_class "
	"WHERE oid = $1)",
	1, {OIDOID}
};

void
pgm_strategy_take(PgmMaker *maker, Oid relid, const char *name)
{
	List	   *qualified = list_make2(makeInteger(get_rel_namespace(relid)),
									   makeString(pstrdup(name)));

	maker->taken = lappend(maker->taken, qualified);
}

List *
pgm_strategy_taken(const PgmMaker *maker, Oid relid)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, maker->taken)
	{
		List	   *qualified = lfirst(lc);

		if ((Oid) intVal(linitial(qualified)) == get_rel_namespace(relid))
			names = lappend(names, lsecond(qualified));
	}
	return names;
}

bool
pgm_strategy_has_foreign_partition(Oid relid)
{
	ListCell   *lc;

	foreach(lc, pgm_descendants(relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			return true;
	}
	return false;
}

bool
pgm_strategy_has_partition_key(Oid relid, List *columns)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_names_datum(columns);
	return pgm_spi_one_bool(&partition_key_query, values);
}

void
pgm_strategy_build_index(PgmMaker *maker, Oid relid, bool unique,
						 const char *name, const char *definition)
{
	(void) pgm_strategy_add_step(maker,
								 psprintf("CREATE %sINDEX CONCURRENTLY %s ON %s %s",
										  unique ? "UNIQUE " : "",
										  quote_identifier(name),
										  pgm_name_relation(relid),
										  definition),
								 psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s",
										  pgm_name_beside(relid, name)));
}

/* Drop the index unless it has become part of a partitioned one. */
static void
drop_unattached(PgmMaker *maker, Oid relid, const char *name)
{
	char	   *index = pgm_name_beside(relid, name);
	PgmStrategyStep *step;

	step = pgm_strategy_add_step(maker,
								 psprintf("DROP INDEX CONCURRENTLY IF EXISTS %s",
										  index),
								 NULL);
	step->only_if = psprintf("SELECT EXISTS (SELECT FROM pg_catalog.pg_class c "
							 "WHERE c.oid = pg_catalog.to_regclass(%s) "
							 "AND NOT c.relispartition)",
							 quote_literal_cstr(index));
}

static List *
partitions_with_rows(Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pgm_descendants(relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

static void
index_of_partitions(PgmMaker *maker, const IndexStmt *index,
					const char *definition)
{
	List	   *leaves = partitions_with_rows(maker->relid);
	List	   *names = NIL;
	ListCell   *lc;
	ListCell   *lc2;
	char	   *whole = index->idxname ? index->idxname :
		pgm_name_index(maker->relid, index->indexParams,
					   index->indexIncludingParams, NIL);

	pgm_strategy_by_steps(maker, "create index concurrently by partition");
	pgm_strategy_take(maker, maker->relid, whole);
	foreach(lc, leaves)
	{
		char	   *name = pgm_name_index(lfirst_oid(lc), index->indexParams,
										  index->indexIncludingParams,
										  pgm_strategy_taken(maker,
															 lfirst_oid(lc)));

		names = lappend(names, name);
		pgm_strategy_take(maker, lfirst_oid(lc), name);
		pgm_strategy_build_index(maker, lfirst_oid(lc), index->unique, name,
								 definition);
	}
	(void) pgm_strategy_add_step(maker,
								 psprintf("CREATE %sINDEX %s%s ON %s %s",
										  index->unique ? "UNIQUE " : "",
										  index->if_not_exists ?
										  "IF NOT EXISTS " : "",
										  quote_identifier(whole),
										  maker->table, definition),
								 NULL);
	forboth(lc, leaves, lc2, names)
		drop_unattached(maker, lfirst_oid(lc), lfirst(lc2));
}

static List *
plain_columns(const IndexStmt *index)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, index->indexParams)
	{
		char	   *name = lfirst_node(IndexElem, lc)->name;

		if (name != NULL)
			columns = lappend(columns, makeString(name));
	}
	return columns;
}

/* It is there still, but a statement before this one drops it. */
static bool
is_dropped_before(const PgmMaker *maker, const char *name)
{
	for (int i = 0; i < maker->n; i++)
	{
		Node	   *stmt = maker->source->statements[i].raw->stmt;
		ListCell   *lc;

		if (!IsA(stmt, DropStmt) ||
			castNode(DropStmt, stmt)->removeType != OBJECT_INDEX)
			continue;
		foreach(lc, castNode(DropStmt, stmt)->objects)
		{
			RangeVar   *dropped =
				makeRangeVarFromNameList(lfirst_node(List, lc));

			if (strcmp(dropped->relname, name) == 0 &&
				(dropped->schemaname == NULL ||
				 get_namespace_oid(dropped->schemaname, true) ==
				 maker->namespace))
				return true;
		}
	}
	return false;
}

void
pgm_strategy_create_index(PgmMaker *maker)
{
	const IndexStmt *index = castNode(IndexStmt, maker->stmt);
	char	   *definition = pgm_source_after_name(maker->source, maker->n,
												   index->relation->location);

	if (index->concurrent || definition == NULL)
		return;
	definition = pgm_slice_trim(pgm_strategy_skip_words(definition, 0));
	if (index->idxname != NULL &&
		OidIsValid(get_relname_relid(index->idxname, maker->namespace)) &&
		!is_dropped_before(maker, index->idxname))
	{
		pgm_strategy_stay_plain(maker, "a relation of that name exists");
		return;
	}
	if (maker->subject->relkind == RELKIND_PARTITIONED_TABLE)
	{
		if (index->unique &&
			!pgm_strategy_has_partition_key(maker->relid,
											plain_columns(index)))
			pgm_strategy_stay_plain(maker, "it lacks a column of the partition key");
		else if (index->unique &&
				 pgm_strategy_has_foreign_partition(maker->relid))
			pgm_strategy_stay_plain(maker, "a partition is a foreign table");
		else if (index->relation->inh)
			index_of_partitions(maker, index, definition);
		return;
	}
	pgm_strategy_by_steps(maker, "create index concurrently");
	pgm_strategy_build_index(maker, maker->relid, index->unique,
							 index->idxname ? index->idxname :
							 pgm_name_index(maker->relid, index->indexParams,
											index->indexIncludingParams, NIL),
							 definition);
}

/* One by one: CONCURRENTLY takes no more. */
void
pgm_strategy_drop_index(PgmMaker *maker)
{
	const DropStmt *drop = castNode(DropStmt, maker->stmt);
	ListCell   *lc;

	if (drop->concurrent)
		return;
	if (drop->behavior == DROP_CASCADE)
	{
		pgm_strategy_stay_plain(maker, "there is no concurrent form with CASCADE");
		return;
	}
	foreach(lc, drop->objects)
	{
		Oid			relid =
			pgm_lookup_relation(makeRangeVarFromNameList(lfirst(lc)));
		Datum		value = ObjectIdGetDatum(relid);

		if (OidIsValid(relid) ? get_rel_relkind(relid) != RELKIND_INDEX ||
			pgm_spi_one_bool(&kept_index_query, &value) :
			!drop->missing_ok)
		{
			pgm_strategy_stay_plain(maker, "there is no concurrent form for all of the indexes");
			return;
		}
	}
	pgm_strategy_by_steps(maker, "drop index concurrently");
	foreach(lc, drop->objects)
	{
		Oid			relid =
			pgm_lookup_relation(makeRangeVarFromNameList(lfirst(lc)));

		if (OidIsValid(relid))
			(void) pgm_strategy_add_step(maker,
										 psprintf("DROP INDEX CONCURRENTLY %s%s",
												  drop->missing_ok ?
												  "IF EXISTS " : "",
												  pgm_name_relation(relid)),
										 NULL);
	}
}

static const char *
reindex_options(ReindexStmt *reindex)
{
	StringInfoData buf;

	initStringInfo(&buf);
	pgm_reindex_options(&buf, reindex);
	return buf.len == 0 ? "" : psprintf("(%s) ", buf.data);
}

/*
 * A whole copy in the other tablespace.  As it is written the copy is one of
 * the file, while nobody reads the table.
 */
void
pgm_strategy_move_index(PgmMaker *maker)
{
	const AlterTableStmt *stmt = castNode(AlterTableStmt, maker->stmt);
	const AlterTableCmd *cmd = linitial_node(AlterTableCmd, stmt->cmds);
	Oid			relid = pgm_lookup_relation(stmt->relation);
	Datum		value = ObjectIdGetDatum(relid);

	if (list_length(stmt->cmds) != 1 || cmd->subtype != AT_SetTableSpace ||
		!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_INDEX ||
		pgm_is_in_tablespace(relid, cmd->name))
		return;
	pgm_strategy_add_work(maker, IndexGetRelation(relid, false),
						  PGM_WORK_INDEX);
	if (pgm_spi_one_bool(&exclusion_query, &value))
	{
		pgm_strategy_stay_plain(maker, "there is no concurrent form for an exclusion constraint or an INVALID index");
		return;
	}
	pgm_strategy_by_steps(maker, "reindex concurrently");
	(void) pgm_strategy_add_step(maker,
								 psprintf("REINDEX (TABLESPACE %s) INDEX CONCURRENTLY %s",
										  quote_identifier(cmd->name),
										  pgm_name_relation(relid)),
								 NULL);
}

/* Of a partitioned table or index each partition by itself. */
void
pgm_strategy_reindex(PgmMaker *maker)
{
	ReindexStmt *reindex = castNode(ReindexStmt, maker->stmt);
	Oid			relid;
	Datum		value;
	List	   *leaves;
	ListCell   *lc;

	if (pgm_reindex_is_concurrent(reindex) || reindex->relation == NULL)
		return;
	relid = pgm_lookup_relation(reindex->relation);
	if (!OidIsValid(relid))
		return;
	value = ObjectIdGetDatum(relid);
	leaves = pgm_spi_oids(&leaves_query, &value);
	foreach(lc, leaves)
	{
		/* as it is written only the rights to the parent count */
		if (lfirst_oid(lc) != relid &&
			!pgm_class_ownercheck(lfirst_oid(lc), GetUserId()))
		{
			pgm_strategy_stay_plain(maker, "a partition belongs to another role");
			return;
		}
		value = ObjectIdGetDatum(lfirst_oid(lc));
		if (pgm_spi_one_bool(&exclusion_query, &value))
		{
			pgm_strategy_stay_plain(maker, "there is no concurrent form for an exclusion constraint or an INVALID index");
			return;
		}
	}
	if (leaves == NIL)
		return;
	pgm_strategy_by_steps(maker, "reindex concurrently");
	foreach(lc, leaves)
		(void) pgm_strategy_add_step(maker,
									 psprintf("REINDEX %s%s CONCURRENTLY %s",
											  reindex_options(reindex),
											  reindex->kind ==
											  REINDEX_OBJECT_INDEX ? "INDEX" :
											  "TABLE",
											  pgm_name_relation(lfirst_oid(lc))),
									 NULL);
}

void
pgm_strategy_refresh(PgmMaker *maker)
{
	const RefreshMatViewStmt *refresh =
		castNode(RefreshMatViewStmt, maker->stmt);
	Datum		value = ObjectIdGetDatum(maker->relid);

	if (refresh->concurrent || refresh->skipData)
		return;
	if (!pgm_spi_one_bool(&refreshable_query, &value))
	{
		pgm_strategy_stay_plain(maker, "it is not filled or has no unique index on columns, for all of its rows");
		return;
	}
	pgm_strategy_by_steps(maker, "refresh concurrently");
	(void) pgm_strategy_add_step(maker,
								 psprintf("REFRESH MATERIALIZED VIEW CONCURRENTLY %s",
										  maker->table),
								 NULL);
}
