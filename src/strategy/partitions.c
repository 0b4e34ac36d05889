/*-------------------------------------------------------------------------
 *
 * partitions.c
 *	  Partitions that come and go.
 *
 * A table that is attached is read to prove its bound, and so is the DEFAULT
 * partition; a validated CHECK that says the same spares both.  It must say
 * what the server would find out, in the server's own words: so the server is
 * asked for them.  That is done only where the bound is constant, as it is
 * evaluated for that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_partitioned_table.h"
#include "sql/source_text.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/partition.h"
#include "compat/server.h"
#include "strategy/internal.h"
#include "strategy/partition_bound.h"

/*
 * Has partition $2 all indexes and foreign keys of its parent $1, or has that
 * none?  Columns and expressions are compared by their text, as the two tables
 * need not number them alike; never the whole command, which has names in it.
 */
static PgmQuery bare_parent_query = {
	"WITH x AS (SELECT i.indrelid, i.indexrelid, i.indisvalid, i.indisunique, "
	"to_jsonb(i) -> 'indnullsnotdistinct' AS nulls, i.indnkeyatts, "
	"i.indclass::text, i.indcollation::text, i.indoption::text, c.relam, "
	"c.reloptions, pg_get_expr(i.indpred, i.indrelid) AS predicate, "
	"ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false) "
	"FROM generate_series(1, i.indnatts) AS n ORDER BY n) AS columns, "
	"EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid "
	"AND k.conrelid = i.indrelid) AS constrains "
	"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
	"WHERE i.indrelid IN ($1, $2)) "
	"SELECT NOT EXISTS (SELECT FROM x AS i WHERE i.indrelid = $1 "
	"AND NOT EXISTS (SELECT FROM x AS j WHERE j.indrelid = $2 "
	"AND j.indisvalid AND (j.indisunique OR NOT i.indisunique) "
	"AND (j.constrains OR NOT i.constrains) "
	"AND (j.nulls, j.indnkeyatts, j.indclass, j.indcollation, j.indoption, "
	"j.relam, j.reloptions, j.predicate, j.columns) IS NOT DISTINCT FROM "
	"(i.nulls, i.indnkeyatts, i.indclass, i.indcollation, i.indoption, "
	"i.relam, i.reloptions, i.predicate, i.columns))) "
	"AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = $1 "
	"AND k.contype = 'f')",
	2, {OIDOID, OIDOID}
};

/* What the rows of a partition with this bound fulfil; NULL: not known. */
static char *
bound_condition(const PgmMaker *maker, const PartitionBoundSpec *bound)
{
	if (!maker->may_evaluate || bound->is_default)
		return NULL;
	return pgm_partition_bound_text(maker->relid, bound);
}

/* A CHECK that is proved; returns what takes it away in the end. */
static char *
prove(PgmMaker *maker, Oid relid, const char *label, const char *condition,
	  const char *violation)
{
	char	   *table = pgm_name_relation(relid);
	const char *name = quote_identifier(pgm_name_helper(relid, label, "check",
														NIL));

	pgm_strategy_add_proved(maker, table, name,
							psprintf("CHECK (%s)", condition))->violation =
		pstrdup(violation);
	return psprintf(";\nALTER TABLE %s DROP CONSTRAINT %s", table, name);
}

static void
attach(PgmMaker *maker, const PartitionCmd *partition)
{
	Oid			child = pgm_lookup_relation(partition->name);
	Oid			other = pgm_default_partition(maker->relid);
	Datum		values[2] = {ObjectIdGetDatum(maker->relid),
	ObjectIdGetDatum(child)};
	char	   *condition;
	char	   *bound;
	char	   *drops;

	if (!OidIsValid(child))
		return;
	pgm_strategy_add_work(maker, child, PGM_WORK_SCAN);
	if (OidIsValid(other))
		pgm_strategy_add_work(maker, other, PGM_WORK_SCAN);
	if (get_rel_relkind(child) == RELKIND_FOREIGN_TABLE)
		return;
	condition = bound_condition(maker, partition->bound);
	bound = pgm_source_after_name(maker->source, maker->n,
								  partition->name->location);
	if (condition == NULL || bound == NULL)
	{
		pgm_strategy_stay_plain(maker, "what the bound means for the rows is not known");
		return;
	}
	if (!pgm_spi_one_bool(&bare_parent_query, values))
	{
		pgm_strategy_stay_plain(maker, "the partition lacks an index of its parent, or the parent has a foreign key");
		return;
	}
	pgm_strategy_by_steps(maker, "prove the bound, then attach");
	drops = prove(maker, child, "bound", condition,
				  "partition constraint of relation \"%s\" is violated by some row");
	if (OidIsValid(other))
		drops = psprintf("%s%s", drops,
						 prove(maker, other, partition->name->relname,
							   psprintf("NOT (%s)", condition),
							   "updated partition constraint for default partition \"%s\" would be violated by some row"));
	(void) pgm_strategy_add_step(maker,
								 psprintf("ALTER TABLE %s ATTACH PARTITION %s %s%s",
										  maker->table,
										  pgm_name_relation(child),
										  pgm_slice_trim(pgm_strategy_skip_words(bound, 0)), drops),
								 NULL);
}

/* Read from the catalog: the server's cache plans the expressions of a key. */
static AttrNumber
only_key(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
	Form_pg_partitioned_table form;
	AttrNumber	column = InvalidAttrNumber;

	if (!HeapTupleIsValid(tuple))
		return InvalidAttrNumber;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	if (form->partnatts == 1)
		column = form->partattrs.values[0];
	ReleaseSysCache(tuple);
	return column;
}

/*
 * The only column of a partition key and those above, by which a CHECK is
 * named; or NULL.
 */
static char *
key_column(Oid relid)
{
	AttrNumber	key = only_key(relid);
	char	   *column = key == InvalidAttrNumber ? NULL :
		get_attname(relid, key, true);
	char	   *above;

	if (column == NULL || !get_rel_relispartition(relid))
		return column;
	above = key_column(pgm_partition_parent(relid));
	return above != NULL && strcmp(above, column) == 0 ? column : NULL;
}

/*
 * Until 18 DETACH CONCURRENTLY leaves a CHECK in the place of the bound,
 * unless there is one, which the plain form does not.
 */
static void
detach(PgmMaker *maker, const PartitionCmd *partition)
{
	Oid			child = pgm_lookup_relation(partition->name);
	char	   *name;

	if (!OidIsValid(child) || !pgm_detach_can_be_concurrent())
		return;
	if (OidIsValid(pgm_default_partition(maker->relid)))
	{
		pgm_strategy_stay_plain(maker, "there is no concurrent form beside a DEFAULT partition");
		return;
	}
	pgm_strategy_by_steps(maker, "detach concurrently");
	(void) pgm_strategy_add_step(maker,
								 psprintf("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY",
										  maker->table,
										  pgm_name_relation(child)),
								 NULL);
	if (!pgm_detach_leaves_check())
		return;
	name = pgm_name_helper(child, key_column(maker->relid), "check", NIL);
	(void) pgm_strategy_add_step(maker,
								 psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
										  pgm_name_relation(child),
										  quote_identifier(name)),
								 NULL);
}

void
pgm_strategy_partition(PgmMaker *maker, AlterTableCmd *cmd)
{
	const PartitionCmd *partition = castNode(PartitionCmd, cmd->def);

	if (cmd->subtype == AT_AttachPartition)
		attach(maker, partition);
	else if (!pgm_detach_is_concurrent(cmd))
		detach(maker, partition);
}
