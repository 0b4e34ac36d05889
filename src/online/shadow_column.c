/*-------------------------------------------------------------------------
 *
 * shadow_column.c
 *	  Change a column by way of another one of the same table.
 *
 *	preparing	the double is added, and a trigger that writes to it
 *	copying		the rows that were there before, by a backfill
 *	indexing	its indexes and constraints
 *	comparing	no row may differ
 *	switching	exchange the names
 *	switched	the trigger writes to the old column: it can be reverted
 *
 * The backfill has states of its own: that it is over is in the details.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "backfill/backfill.h"
#include "base/settings.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "online/beside.h"
#include "online/column_default.h"
#include "online/column_demands.h"
#include "online/column_internal.h"
#include "online/column_since.h"
#include "online/fit.h"
#include "online/layout.h"
#include "online/owner.h"
#include "online/sequences.h"
#include "online/since.h"
#include "online/sync.h"
#include "online/with_locks.h"

/*
 * Of table $1 the doubles of operation $3, whose details are $2; a pair has
 * the number of the column and that of its double.
 */
static PgmQuery doubles_query = {
	"SELECT a.attname::text FROM jsonb_array_elements($2::jsonb->'pairs') AS p "
	"JOIN pg_attribute a ON a.attrelid = $1 AND NOT a.attisdropped "
	"AND a.attnum IN ((p->>0)::int, (p->>1)::int) "
	"AND a.attname = format('pgmigrate_%s_%s', $3, p->>0)",
	3, {OIDOID, TEXTOID, INT8OID}
};

bool
pgm_is_column(const PgmShadow *shadow)
{
	return shadow->operation->method == PGM_METHOD_COLUMN;
}

/* ---- preparing */

/*
 * After the switch nobody knows of the old column any more: what its values
 * are made of must not fail for what an index or a constraint demands of them.
 */
char *
pgm_column_no_way_back(const PgmMappingText *back, int64 operation, Oid relid,
					   AttrNumber column)
{
	char	   *result = back->missing;
	ListCell   *lc;

	foreach(lc, pgm_column_objects_of(operation, relid, column))
	{
		const PgmColumnObject *object = lfirst(lc);

		if (result != NULL)
			break;
		if (object->kind != 'i' && (back->may_fail || back->may_collide))
			result = psprintf("constraint \"%s\" may not allow what becomes of new values in the old column",
							  get_constraint_name(object->was));
		else if (object->kind == 'i' && back->may_collide &&
				 pgm_column_is_unique(object->was))
			result = psprintf("new values may become the same in the old column, and index \"%s\" is unique",
							  get_rel_name(object->was));
		else if (object->kind == 'i' && pgm_column_is_unique(object->was) &&
				 pgm_column_index_differs(object->was, column))
			result = psprintf("unique index \"%s\" computes with the old column by a function that has another form for other types",
							  get_rel_name(object->was));
		else if (back->narrows && pgm_column_refuses_null(object, column))
			result = psprintf("new values that do not fit are null in the old column, which %s \"%s\" may not allow",
							  object->kind == 'i' ? "index" : "constraint",
							  object->kind == 'i' ?
							  get_rel_name(object->was) :
							  get_constraint_name(object->was));
	}
	return result;
}

static void
look_back_at_pair(PgmShadow *shadow, Oid relid, PgmColumnPair *pair)
{
	char	   *reason = pgm_column_no_way_back(&pair->back,
												shadow->operation->id, relid,
												pair->lead);

	if (reason != NULL)
		shadow->no_way_back = reason;
	if (pair->back.missing != NULL)
		pair->back.columns = pstrdup("");
}

static void
add_trigger(PgmShadow *shadow, Oid relid, Oid unfit)
{
	PgmColumnSpec spec = {0};
	PgmOwnerScope scope;

	pgm_owner_enter(&scope, shadow->owner);
	pgm_column_specify(shadow, relid, &spec);
	pgm_owner_leave(&scope);
	spec.unfit = unfit;
	for (int i = 0; i < spec.n; i++)
	{
		look_back_at_pair(shadow, relid, &spec.pairs[i]);
		pgm_column_follows_null(relid, spec.pairs[i].follow);
	}
	(void) pgm_column_trigger_create(&spec);
}

static void
save(PgmShadow *shadow, const char *name, const char *value)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"%s\": ", name);
	escape_json(&json, value);
	appendStringInfoChar(&json, '}');
	pgm_operation_add_details(shadow->operation, json.data);
}

/* What may be dropped at the end is known by its numbers. */
static void
save_pairs(PgmShadow *shadow)
{
	StringInfoData json;
	ListCell   *lc;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"pairs\": [");
	foreach(lc, pgm_column_retypings(pgm_shadow_commands(shadow)))
	{
		AttrNumber	column = get_attnum(shadow->relid,
										lfirst_node(AlterTableCmd, lc)->name);

		appendStringInfo(&json, "%s[%d, %d]",
						 foreach_current_index(lc) > 0 ? ", " : "", column,
						 get_attnum(shadow->relid,
									pgm_column_hidden(shadow->operation->id,
													  column)));
	}
	appendStringInfoString(&json, "]}");
	pgm_operation_add_details(shadow->operation, json.data);
}

/* Before others are kept out: that takes some time for each of the tables. */
static void
look_locked(PgmShadow *shadow, void *arg)
{
	ListCell   *lc;

	pgm_shadow_check_owner(shadow->relid);
	pgm_shadow_refuse(shadow);
	foreach(lc, pgm_column_members(shadow))
		pgm_shadow_refuse_misfit(shadow, lfirst_oid(lc));
}

/* Nobody else is at the tables: both are there from one moment on. */
static void
prepare_locked(PgmShadow *shadow, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(shadow->context);
	PgmOwnerScope scope;
	Oid			unfit;
	ListCell   *lc;

	pgm_shadow_check_owner(shadow->relid);
	pgm_shadow_refuse(shadow);
	pgm_operation_begin(shadow->operation);
	pgm_shadow_remember_settings(shadow);
	pgm_shadow_make_schema(shadow);
	pgm_owner_enter(&scope, shadow->owner);
	unfit = pgm_unfit_create(shadow->schema);
	pgm_unfit_give_away(unfit, shadow->owner);
	pgm_column_add(shadow);
	pgm_column_keep_defaults(shadow);
	pgm_owner_leave(&scope);
	save(shadow, "schema", shadow->schema);
	save_pairs(shadow);
	ereport(NOTICE,
			errmsg("table %s is changed by way of other columns", shadow->name),
			errdetail("They become the last ones of the table: SELECT *, and INSERT and COPY that do not name columns, see another order from pgmigrate.finalize(" INT64_FORMAT ") on, and one column more until then.",
					  shadow->operation->id));
	foreach(lc, pgm_column_members(shadow))
		add_trigger(shadow, lfirst_oid(lc), unfit);
	if (shadow->no_way_back != NULL)
		save(shadow, "no_way_back", shadow->no_way_back);
	MemoryContextSwitchTo(old);
}

/* ---- copying */

/*
 * The trigger computes what is set here to null.  Where a cast is all, what is
 * null stays so, and needs no change.
 */
static char *
fill_statement(const PgmShadow *shadow)
{
	StringInfoData set;
	StringInfoData where;
	ListCell   *lc;

	initStringInfo(&set);
	initStringInfo(&where);
	foreach(lc, pgm_column_retypings(pgm_shadow_commands(shadow)))
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		const char *hidden =
			pgm_column_hidden(shadow->operation->id,
							  get_attnum(shadow->relid, command->name));
		bool		first = foreach_current_index(lc) == 0;

		appendStringInfo(&set, "%s%s = NULL", first ? "" : ", ", hidden);
		appendStringInfo(&where, "%s%s IS NULL", first ? "" : " OR ", hidden);
		if (castNode(ColumnDef, command->def)->raw_default == NULL)
			appendStringInfo(&where, " AND %s IS NOT NULL",
							 quote_identifier(command->name));
	}
	return psprintf("UPDATE %s SET %s WHERE %s", shadow->name, set.data,
					where.data);
}

/* The triggers of others have nothing to do with it, as with ALTER TABLE. */
static void
fill(PgmShadow *shadow)
{
	PgmBackfillOptions options;
	PgmBackfillResult result;
	int			role = SessionReplicationRole;

	pgm_backfill_options(&options);
	options.workers = 1;
	options.as_owner = true;
	pgm_txn_begin();
	pgm_shadow_check(shadow);
	pgm_operation_add_details(shadow->operation,
							  pgm_backfill_details(fill_statement(shadow),
												   &options));
	pgm_txn_commit();
	PG_TRY();
	{
		SessionReplicationRole = SESSION_REPLICATION_ROLE_REPLICA;
		pgm_column_filling(true);
		pgm_backfill_run(shadow->operation, shadow->request->exec, &result);
	}
	PG_FINALLY();
	{
		pgm_column_filling(false);
		SessionReplicationRole = role;
	}
	PG_END_TRY();
	pgm_txn_begin();
	pgm_operation_add_details(shadow->operation, "{\"filled\": true}");
	pgm_operation_set_state(shadow->operation, PGM_OPERATION_INDEXING, NULL);
	pgm_operation_drop_ranges(shadow->operation->id);
	pgm_txn_commit();
}

/* ---- the phases */

static void
set_state(PgmShadow *shadow, PgmOperationState state)
{
	pgm_txn_begin();
	pgm_operation_set_state(shadow->operation, state, NULL);
	pgm_txn_commit();
}

static bool
is_filled(const PgmShadow *shadow)
{
	bool		result;

	pgm_txn_begin();
	result = pgm_operation_detail(shadow->operation, "filled") != NULL;
	pgm_txn_commit();
	return result;
}

void
pgm_column_advance(PgmShadow *shadow)
{
	if (shadow->schema == NULL)
	{
		pgm_shadow_locked(shadow, AccessShareLock, false, look_locked, NULL);
		pgm_shadow_locked(shadow, AccessExclusiveLock, true, prepare_locked,
						  NULL);
		pgm_txn_begin();
		pgm_shadow_load(shadow);
		pgm_txn_commit();
	}
	else if (!is_filled(shadow))
		fill(shadow);
	else if (shadow->operation->state == PGM_OPERATION_INDEXING)
	{
		pgm_column_make_objects(shadow);
		pgm_shadow_analyze(shadow);
		set_state(shadow, PGM_OPERATION_COMPARING);
	}
	else
	{
		pgm_txn_begin();
		(void) pgm_shadow_unfit(shadow, true);
		pgm_txn_commit();
		pgm_shadow_wait_for_old_snapshots(shadow);
		pgm_column_compare(shadow);
		set_state(shadow, PGM_OPERATION_SWITCHING);
	}
}

/* As pgm_shadow_check. */
void
pgm_column_check(const PgmShadow *shadow)
{
	ListCell   *lc;

	if (get_rel_name(shadow->relid) == NULL)
		pgm_shadow_refuse_changed(shadow, "it was dropped");
	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;

		LockRelationOid(lfirst_oid(lc), AccessShareLock);
		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			pgm_shadow_refuse_changed(shadow, psprintf("the trigger on table \"%s\" was dropped or disabled, or the table was added",
													   get_rel_name(lfirst_oid(lc))));
		if (pgm_owner_of(lfirst_oid(lc)) != spec.owner)
			pgm_shadow_refuse_changed(shadow, "its owner changed");
	}
}

/* ---- the switch, and the way back */

/* The same trigger in the other direction, where there is a way back. */
static void
turn_trigger(PgmShadow *shadow, Oid relid)
{
	PgmColumnSpec spec;

	if (!pgm_column_trigger_read(relid, shadow->operation->id, &spec))
		return;
	pgm_column_trigger_drop(relid, shadow->operation->id);
	if (shadow->no_way_back != NULL)
		return;
	for (int i = 0; i < spec.n; i++)
	{
		PgmColumnPair *pair = &spec.pairs[i];
		PgmColumnPair turned = {pair->follow, pair->lead, pair->not_null,
		pair->back, pair->forth};

		*pair = turned;
	}
	(void) pgm_column_trigger_create(&spec);
}

void
pgm_column_switch(PgmShadow *shadow)
{
	ListCell   *lc;

	pgm_column_exchange(shadow, false);
	foreach(lc, pgm_column_members(shadow))
		turn_trigger(shadow, lfirst_oid(lc));
}

static bool
is_estranged(const PgmShadow *shadow)
{
	PgmSpiScope scope;
	bool		result;

	pgm_spi_begin_as(&scope, shadow->owner);
	result = pgm_spi_execute_built(psprintf("SELECT FROM %s WHERE key = ''",
											quote_qualified_identifier(shadow->schema,
																	   PGM_UNFIT_TABLE)),
								   true, 0, NULL) > 0;
	pgm_spi_end(&scope);
	return result;
}

/* False if nothing more can be told. */
static bool
check_way_back(PgmShadow *shadow)
{
	ListCell   *lc;

	if (!OidIsValid(get_namespace_oid(shadow->schema, true)))
	{
		pgm_shadow_refuse_revert(shadow, _("The old column is not there."));
		return false;
	}
	foreach(lc, pgm_column_members(shadow))
	{
		PgmColumnSpec spec;

		if (!pgm_column_trigger_read(lfirst_oid(lc), shadow->operation->id,
									 &spec))
			pgm_shadow_refuse_revert(shadow, _("The trigger that writes to the old column was dropped or disabled."));
		else if (spec.owner != pgm_owner_of(lfirst_oid(lc)))
			pgm_shadow_refuse_revert(shadow, _("The owner of the table was changed."));
	}
	if (is_estranged(shadow))
		pgm_shadow_refuse_revert(shadow, _("The owner of the table was changed, and the old column was not written along any more."));
	return true;
}

/* Of those noted some may fit again, or be gone. */
static int64
count_unfit(PgmShadow *shadow)
{
	return pgm_shadow_unfit(shadow, false) == 0 ? 0 :
		pgm_column_count_unfit(shadow);
}

/* Rows without a value stay; so the column cannot be NOT NULL again. */
static void
allow_nulls(PgmShadow *shadow, int64 unfit)
{
	PgmColumnSpec spec;
	PgmOwnerScope scope;

	if (!pgm_column_trigger_read(shadow->relid, shadow->operation->id, &spec))
		return;
	pgm_owner_enter(&scope, shadow->owner);
	for (int i = 0; i < spec.n; i++)
		if (spec.pairs[i].not_null)
			pgm_layout_run_text(psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL",
										 shadow->name,
										 quote_identifier(get_attname(shadow->relid,
																	  spec.pairs[i].lead,
																	  false))));
	pgm_owner_leave(&scope);
	CommandCounterIncrement();
	ereport(WARNING,
			errmsg_plural(INT64_FORMAT " row of table %s has a null in the old column, which its value did not fit",
						  INT64_FORMAT " rows of table %s have a null in the old column, which their values did not fit",
						  (unsigned long) unfit, unfit, shadow->name));
}

void
pgm_column_set_sequences_back(PgmShadow *shadow, bool ahead)
{
	PgmColumnSpec spec;

	if (!pgm_column_trigger_read(shadow->relid, shadow->operation->id, &spec))
		return;
	for (int i = 0; i < spec.n; i++)
	{
		AttrNumber	follow = spec.pairs[i].follow;

		if (ahead && pgm_is_first_in_index(shadow->relid, follow))
			continue;
		pgm_sequence_set_back(shadow, shadow->relid, spec.pairs[i].lead,
							  get_atttype(shadow->relid, follow),
							  psprintf("SELECT %s AS v FROM %s",
									   quote_identifier(get_attname(shadow->relid,
																	follow,
																	false)),
									   shadow->name), ahead);
	}
}

typedef struct Unfit
{
	const PgmShadow *shadow;
	int64		n;
} Unfit;

static void
raise_unfit(void *arg)
{
	const Unfit *unfit = arg;
	const PgmShadow *shadow = unfit->shadow;

	ereport(ERROR,
			errcode(ERRCODE_DATA_EXCEPTION),
			errmsg_plural(INT64_FORMAT " row written since the switch does not fit the old form of table %s",
						  INT64_FORMAT " rows written since the switch do not fit the old form of table %s",
						  (unsigned long) unfit->n, unfit->n, shadow->name),
			errhint_plural("Its value is in table %s; pgmigrate.revert(" INT64_FORMAT ", without_unfit => true) goes back with a null in its place%s.",
						   "Their values are in table %s; pgmigrate.revert(" INT64_FORMAT ", without_unfit => true) goes back with nulls in their place%s.",
						   (unsigned long) unfit->n,
						   quote_qualified_identifier(shadow->schema,
													  PGM_UNFIT_TABLE),
						   shadow->operation->id, pgm_shadow_and_then(shadow)));
}

static void
refuse_unfit(const PgmShadow *shadow, int64 n)
{
	Unfit		unfit = {shadow, n};

	pgm_since_tell(shadow, raise_unfit, &unfit);
}

void
pgm_column_check_back(PgmShadow *shadow)
{
	int64		unfit;

	if (!check_way_back(shadow))
		return;
	unfit = count_unfit(shadow);
	if (unfit > 0)
		refuse_unfit(shadow, unfit);
	pgm_column_check_exchange(shadow);
}

void
pgm_column_switch_back(PgmShadow *shadow, bool without_unfit)
{
	int64		unfit;
	ListCell   *lc;

	(void) check_way_back(shadow);
	unfit = count_unfit(shadow);
	if (unfit > 0 && !without_unfit)
		refuse_unfit(shadow, unfit);
	if (unfit > 0)
		allow_nulls(shadow, unfit);
	pgm_column_set_sequences_back(shadow, false);
	pgm_column_exchange(shadow, true);
	foreach(lc, pgm_column_members(shadow))
		pgm_column_trigger_drop(lfirst_oid(lc), shadow->operation->id);
}

/* ---- the end */

/*
 * Of each pair the one that has the name of a double now, which any other
 * column may have too that was added since.
 */
static void
drop_doubles(PgmShadow *shadow)
{
	StringInfoData parts;
	PgmOwnerScope scope;
	Datum		values[3];
	ListCell   *lc;

	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = pgm_text_datum(shadow->operation->details);
	values[2] = Int64GetDatum(shadow->operation->id);
	initStringInfo(&parts);
	foreach(lc, pgm_spi_texts(&doubles_query, values))
		appendStringInfo(&parts, "%s DROP COLUMN %s",
						 parts.len > 0 ? "," : "",
						 quote_identifier(lfirst(lc)));
	if (parts.len == 0)
		return;
	pgm_owner_enter(&scope, shadow->owner);
	pgm_layout_run_text(psprintf("ALTER TABLE %s%s",
								 pgm_layout_name(shadow->relid), parts.data));
	pgm_owner_leave(&scope);
	CommandCounterIncrement();
}

/* The trigger, what has a name of ours, and the schema. */
void
pgm_column_remove(PgmShadow *shadow)
{
	ListCell   *lc;

	if (get_rel_name(shadow->relid) != NULL)
	{
		foreach(lc, pgm_column_members(shadow))
			pgm_column_trigger_drop(lfirst_oid(lc), shadow->operation->id);
		drop_doubles(shadow);
	}
	pgm_shadow_drop_schema(shadow);
}
