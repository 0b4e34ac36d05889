/*-------------------------------------------------------------------------
 *
 * details.c
 *	  What an operation remembers of its tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "online/beside.h"
#include "online/column_internal.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/partition.h"
#include "online/since.h"
#include "online/sync_trigger.h"

static PgmQuery load_query = {
	"SELECT d->>'schema', coalesce((d->>'beside')::int8, 0), "
	"coalesce((d->>'old')::int8, 0), coalesce((d->>'key')::int8, 0), "
	"coalesce((d->>'beside_key')::int8, 0), "
	"coalesce((d->>'old_key')::int8, 0), "
	"coalesce((d->>'trigger')::int8, 0), d->>'columns', d->>'flags', "
	"d->>'inverse', d->>'no_way_back', "
	"ARRAY(SELECT jsonb_array_elements_text(d->'index_names')), "
	"ARRAY(SELECT jsonb_array_elements_text(d->'index_commands')), "
	"ARRAY(SELECT jsonb_array_elements_text(d->'old_index_names')), "
	"ARRAY(SELECT jsonb_array_elements_text(d->'old_index_commands')), "
	"ARRAY(SELECT jsonb_array_elements_text(d->'settings')), "
	"coalesce((d->>'together')::int8, 1), d->>'column_order', "
	"d->>'order_by', coalesce((d->>'before')::int8, 0) "
	"FROM (SELECT $1::jsonb) AS u (d)",
	1, {TEXTOID},
	.generic = true
};

/* What later processes find in the operation's row. */
void
pgm_shadow_load(PgmShadow *shadow)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	const char *flags;
	PgmSpiScope scope;
	Datum		values[1];

	values[0] = pgm_text_datum(shadow->operation->details);
	pgm_spi_begin(&scope);
	pgm_spi_execute(&load_query, values, NULL);
	shadow->schema = pgm_spi_text(1, 1);
	shadow->beside = (Oid) pgm_spi_int64(1, 2);
	shadow->old = (Oid) pgm_spi_int64(1, 3);
	shadow->key = (Oid) pgm_spi_int64(1, 4);
	shadow->beside_key = (Oid) pgm_spi_int64(1, 5);
	shadow->old_key = (Oid) pgm_spi_int64(1, 6);
	shadow->trigger = (Oid) pgm_spi_int64(1, 7);
	shadow->mapping.columns = pgm_spi_text(1, 8);
	flags = pgm_spi_text(1, 9);
	shadow->inverse = pgm_spi_text(1, 10);
	shadow->no_way_back = pgm_spi_text(1, 11);
	shadow->index_names = pgm_spi_text_array(1, 12, &shadow->nindexes);
	shadow->index_commands = pgm_spi_text_array(1, 13, &shadow->nindexes);
	shadow->old_index_names = pgm_spi_text_array(1, 14,
												 &shadow->nold_indexes);
	shadow->old_index_commands = pgm_spi_text_array(1, 15,
													&shadow->nold_indexes);
	shadow->settings = pgm_spi_text_array(1, 16, &shadow->nsettings);
	shadow->nroots = (int) pgm_spi_int64(1, 17);
	shadow->column_order = pgm_spi_text(1, 18);
	shadow->order_by = pgm_spi_text(1, 19);
	shadow->before = (uint64) pgm_spi_int64(1, 20);
	pgm_spi_end(&scope);
	shadow->loaded = shadow->operation->details;
	shadow->key = pgm_layout_key_now(shadow->relid, shadow->key);
	shadow->beside_key = pgm_layout_key_now(shadow->beside,
											shadow->beside_key);
	shadow->old_key = pgm_layout_key_now(shadow->old, shadow->old_key);
	if (flags != NULL)
	{
		shadow->mapping.may_fail = strchr(flags, 'f') != NULL;
		shadow->mapping.pinned = strchr(flags, 'p') != NULL;
		shadow->mapping.may_collide = strchr(flags, 'c') != NULL;
	}
	MemoryContextSwitchTo(old);
}

typedef struct Change
{
	const PgmShadow *shadow;
	const char *what;
} Change;

static void
raise_changed(void *arg)
{
	const Change *change = arg;
	const PgmShadow *shadow = change->shadow;

	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("definition of table %s has changed", shadow->name),
			errdetail("Since operation " INT64_FORMAT " began, %s.",
					  shadow->operation->id, change->what),
			shadow->operation->state < PGM_OPERATION_SWITCHED ?
			errhint("What was made beside the table is removed. Repeat the call, which begins anew.") :
			errhint("Use pgmigrate.finalize(" INT64_FORMAT ") to keep the table as it is.",
					shadow->operation->id));
}

void
pgm_shadow_refuse_changed(const PgmShadow *shadow, const char *what)
{
	Change		change = {shadow, what};

	pgm_since_tell(shadow, raise_changed, &change);
}

/* "diff" is what the layout of the table and a copy returned. */
void
pgm_shadow_require_same(const PgmShadow *shadow, const char *diff)
{
	char	   *what = diff == NULL ? NULL :
		psprintf("the table and its copy have come to differ: %s", diff);

	if (diff == NULL)
		return;
	if (shadow->operation->state < PGM_OPERATION_SWITCHED)
		pgm_shadow_refuse_changed(shadow, what);
	pgm_since_refuse(shadow, what);
}

/* Nobody else has written to the tables beside, or can have. */
void
pgm_shadow_check_guards(const PgmShadow *shadow)
{
	List	   *tables = list_make1_oid(shadow->old);
	ListCell   *lc;

	if (shadow->operation->state < PGM_OPERATION_SWITCHED &&
		pgm_partition_wanted(shadow) &&
		!pgm_partition_is_as_made(shadow, shadow->beside))
		pgm_shadow_refuse_changed(shadow,
								  "a partition of the table beside it was attached or detached");
	if (shadow->operation->state < PGM_OPERATION_SWITCHED)
		tables = list_concat(tables, pgm_shadow_leaves(shadow->beside));
	foreach(lc, tables)
	{
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
		if (!pgm_beside_is_guarded(lfirst_oid(lc)))
			pgm_shadow_refuse_changed(shadow,
									  "a trigger that guards a table of ours beside it was dropped or disabled");
		(void) pgm_unfit_of(lfirst_oid(lc));
	}
}

/*
 * Nobody holds the table still between two transactions of ours.  The files
 * may be other ones, which the copying finds out by itself.  In a transaction
 * that has locked the table.
 */
void
pgm_shadow_check(const PgmShadow *shadow)
{
	Relation	rel;
	Relation	old;
	char	   *difference;

	if (pgm_is_column(shadow))
	{
		pgm_column_check(shadow);
		return;
	}
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(shadow->relid)))
		pgm_shadow_refuse_changed(shadow, "it was dropped");
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(shadow->beside)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(shadow->old)))
		pgm_shadow_refuse_changed(shadow, "a table of ours beside it was dropped");
	rel = table_open(shadow->relid, AccessShareLock);
	old = table_open(shadow->old, AccessShareLock);
	difference = pgm_layout_difference(rel, old);
	if (difference != NULL)
		pgm_shadow_refuse_changed(shadow, psprintf("somebody changed it: %s",
												   difference));
	if (rel->rd_rel->relowner != shadow->owner)
		pgm_shadow_refuse_changed(shadow, "its owner changed");
	table_close(old, NoLock);
	table_close(rel, NoLock);
	pgm_shadow_check_guards(shadow);
	if (OidIsValid(shadow->trigger) &&
		!pgm_sync_is_intact(shadow->relid, shadow->operation->id,
							shadow->trigger))
		pgm_shadow_refuse_changed(shadow, "the trigger of the dual write was dropped or disabled");
}
