/*-------------------------------------------------------------------------
 *
 * switch.c
 *	  The moment at which a table gets its new form, and the way back.
 *
 * The OID of the table stays, and with it all that refers to it.  Under a lock
 * against everybody, with three pairs of files:
 *
 *				table			beside			old
 *	before		old rows		new rows		empty, old layout
 *	swap		empty			new rows		old rows
 *	statement	empty, new		new rows		old rows
 *	swap		new rows		empty, new		old rows
 *
 * The statement runs as it is written, on the table itself, which has no rows
 * at the time: names, defaults, constraints, dependencies are what the server
 * makes of them.  Each swap is refused unless the layouts agree.
 *
 * From then on the triggers write to the table of the old rows, and the way
 * back is the same with a statement that restores the old layout.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/spi_list.h"
#include "exec/execute.h"
#include "online/ahead.h"
#include "online/beside.h"
#include "online/column_internal.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "online/layout.h"
#include "online/order.h"
#include "online/owner.h"
#include "online/partition.h"
#include "online/sequences.h"
#include "online/since.h"
#include "online/sync_trigger.h"

static Oid
key_like(Oid relid, Oid index)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			result = pgm_layout_find_index(rel, index);

	table_close(rel, NoLock);
	if (!OidIsValid(result))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table \"%s\" has no index like the key of its copy",
					   get_rel_name(relid)));
	return result;
}

/* From the new rows, or some of them, to the old ones. */
void
pgm_shadow_write_back(PgmShadow *shadow, Oid source)
{
	PgmSyncSpec spec = {shadow->operation->id, source};
	PgmInverse	inverse;
	PgmOwnerScope scope;
	Relation	rel = table_open(source, NoLock);
	Relation	old = table_open(shadow->old, NoLock);

	pgm_shadow_inverse(shadow, &inverse);
	inverse.key = pgm_key_columns(shadow->old_key);
	pgm_owner_enter(&scope, shadow->owner);
	pgm_owner_pin(shadow->settings, shadow->nsettings);
	spec.mapping = pgm_mapping_make_back(rel, old, &inverse);
	pgm_owner_leave(&scope);
	spec.settings = shadow->settings;
	spec.nsettings = shadow->nsettings;
	spec.write_may_fail = spec.mapping->may_collide;
	table_close(old, NoLock);
	table_close(rel, NoLock);
	spec.back = true;
	spec.part = source != shadow->relid;
	spec.source_key = key_like(source, shadow->beside_key);
	spec.target = shadow->old;
	spec.target_key = shadow->old_key;
	shadow->trigger = pgm_sync_create(&spec);
}

static void
remember_trigger(PgmShadow *shadow)
{
	pgm_operation_add_details(shadow->operation,
							  psprintf("{\"trigger\": %u}", shadow->trigger));
}

/* With the new rows, or with the table that takes the old ones. */
static void
swap_all(const PgmShadow *shadow, bool beside)
{
	ListCell   *lc;

	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);

		pgm_shadow_require_same(member,
								pgm_layout_swap(member->relid, beside ?
												member->beside :
												member->old));
	}
}

/*
 * The statements around those that alter the table: what is in their way is
 * dropped, and made again when the rows are there.
 */
static int
run_others(const PgmShadow *shadow, int from)
{
	const PgmShadowRequest *request = shadow->request;

	while (request->source != NULL && from <= request->last &&
		   !pgm_shadow_alters(request->source, from))
		pgm_exec_statement(request->exec, request->source, from++, true);
	return from;
}

/* The last statement that alters a table, before others around them; or -1. */
static int
last_altering(const PgmShadowRequest *request)
{
	int			result = request->source == NULL ? -1 : request->last;

	while (result >= request->n && !pgm_shadow_alters(request->source, result))
		result--;
	return result;
}

/* The table has no rows.  That of the old ones keeps its order. */
static void
order_columns(const PgmShadow *shadow, bool back)
{
	const PgmColumnMap *map = pgm_columns_of(shadow, shadow->relid, back);

	if (map == NULL)
		return;
	pgm_columns_try(map);
	pgm_columns_renumber(map);
}

/* Those of all tables that are changed together are kept with the first. */
static PgmShadow *
with_views(const PgmShadow *shadow)
{
	return linitial(shadow->family);
}

static void
remember_targets(PgmShadow *shadow)
{
	char	   *targets = pgm_statistics_targets(shadow->root);

	if (targets != NULL)
		pgm_operation_add_details(shadow->operation, targets);
}

/* The key was changed along with its column: the index beside is the model. */
void
pgm_shadow_switch(PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	const PgmAhead *known = pgm_ahead_known(shadow);
	List	   *keys;
	List	   *views;
	ListCell   *lc;
	int			i;

	if (pgm_is_column(shadow))
	{
		pgm_column_switch(shadow);
		return;
	}
	keys = known != NULL ? known->keys : pgm_ahead_keys(shadow);
	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);

		pgm_sync_drop(member->relid, member->operation->id);
	}
	if (pgm_partition_wanted(shadow))
	{
		swap_all(shadow, false);
		pgm_partition_switch(shadow);
		return;
	}
	i = run_others(shadow, request->n);
	views = known != NULL && i == request->n ? known->views :
		pgm_ahead_views(shadow);
	foreach(lc, pgm_shadow_heads(shadow->family))
		remember_targets(lfirst(lc));
	swap_all(shadow, false);
	pgm_shadow_suspend_keys(keys);
	pgm_shadow_detach_views(views);
	for (int last = last_altering(request); i <= last; i++)
	{
		if (pgm_shadow_alters(request->source, i))
			pgm_empty_run(shadow, i);
		else
			pgm_exec_statement(request->exec, request->source, i, true);
	}
	order_columns(shadow, false);
	pgm_shadow_attach_views(views);
	pgm_shadow_restore_keys(keys);
	swap_all(shadow, true);
	(void) run_others(shadow, i);
	if (pgm_shadow_no_way_back(shadow->family) != NULL)
		return;
	pgm_shadow_remember_views(with_views(shadow), views);
	foreach(lc, shadow->family)
	{
		PgmShadow  *member = lfirst(lc);

		pgm_shadow_write_back(member, member->relid);
		remember_trigger(member);
	}
}

/* Text that went through another type and back may not be what it was. */
static PgmQuery checks_query = {
	"SELECT format('DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', n.conname, "
	"n.conname, pg_get_constraintdef(o.oid)) FROM pg_constraint n "
	"JOIN pg_constraint o ON o.conrelid = $2 AND o.conname = n.conname "
	"WHERE n.conrelid = $1 AND n.contype = 'c' AND n.conname <> ALL ($3) "
	"AND pg_get_constraintdef(n.oid) <> pg_get_constraintdef(o.oid)",
	3, {OIDOID, OIDOID, TEXTARRAYOID}
};

/* Comments of checks as they are; of those that are not there, as before. */
static PgmQuery comments_query = {
	"SELECT format('COMMENT ON CONSTRAINT %I ON %s IS %L', o.conname, $3, "
	"coalesce(obj_description(n.oid, 'pg_constraint'), "
	"obj_description(o.oid, 'pg_constraint'))) FROM pg_constraint o "
	"LEFT JOIN pg_constraint n ON n.conrelid = $1 AND n.conname = o.conname "
	"WHERE o.conrelid = $2 AND o.contype = 'c' "
	"AND (obj_description(n.oid, 'pg_constraint') IS NOT NULL "
	"OR obj_description(o.oid, 'pg_constraint') IS NOT NULL)",
	3, {OIDOID, OIDOID, TEXTOID}
};

static List *
comments_of_checks(const PgmShadow *shadow)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->old);
	values[2] = pgm_text_datum(shadow->name);
	return pgm_spi_texts(&comments_query, values);
}

static void
restore_checks(PgmShadow *shadow, const List *comments, const PgmSince *since)
{
	Datum		values[3];
	const ListCell *lc;

	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->old);
	values[2] = pgm_names_datum(since->checks);
	foreach(lc, pgm_spi_texts(&checks_query, values))
		pgm_layout_run_text(psprintf("ALTER TABLE ONLY %s %s", shadow->name,
									 (char *) lfirst(lc)));
	foreach(lc, comments)
		pgm_layout_run_text(lfirst(lc));
}

static const char *
old_command(const PgmShadow *shadow, const char *name)
{
	for (int i = 0; i < shadow->nold_indexes; i++)
		if (strcmp(shadow->old_index_names[i], name) == 0)
			return shadow->old_index_commands[i];
	return NULL;
}

/* An index that is not what it was is made again, as it was. */
static void
restore_index(PgmShadow *shadow, Oid index)
{
	char	   *name = get_rel_name(index);
	char	   *comment = GetComment(index, RelationRelationId, 0);
	const char *command = old_command(shadow, name);
	ObjectAddress address;

	if (command == NULL || OidIsValid(get_index_constraint(index)))
		return;
	ObjectAddressSet(address, RelationRelationId, index);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
	pgm_layout_run((Node *) pgm_layout_index_statement(command, name,
													   shadow->relid),
				   command);
	if (comment != NULL)
		CreateComments(get_relname_relid(name,
										 get_rel_namespace(shadow->relid)),
					   RelationRelationId, 0, comment);
}

static void
restore_indexes(PgmShadow *shadow)
{
	Relation	rel = table_open(shadow->relid, NoLock);
	Relation	old = table_open(shadow->old, NoLock);
	List	   *changed = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		if (!OidIsValid(pgm_layout_find_index(old, lfirst_oid(lc))))
			changed = lappend_oid(changed, lfirst_oid(lc));
	}
	table_close(old, NoLock);
	table_close(rel, NoLock);
	foreach(lc, changed)
		restore_index(shadow, lfirst_oid(lc));
}

/*
 * The statement back, as the server has deparsed it, with the rights of the
 * owner.
 */
static void
run_inverse(PgmShadow *shadow, const PgmSince *since)
{
	PgmOwnerScope scope;
	bool		alone = shadow->root == shadow->relid;
	List	   *comments = alone ? comments_of_checks(shadow) : NIL;
	char	   *targets = pgm_statistics_targets(shadow->root);

	pgm_owner_enter(&scope, shadow->owner);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_since_set_defaults(shadow, since, false);
	pgm_empty_run_back(shadow,
					   psprintf("ALTER TABLE %s%s %s", alone ? "ONLY " : "",
								pgm_layout_name(shadow->root),
								shadow->inverse));
	if (alone)
	{
		restore_checks(shadow, comments, since);
		restore_indexes(shadow);
	}
	pgm_statistics_restore_targets(shadow->root, targets);
	pgm_statistics_restore_targets(shadow->root, shadow->operation->details);
	pgm_since_set_defaults(shadow, since, true);
	pgm_owner_leave(&scope);
}

/* A revision is taken back by its downgrade only. */
const char *
pgm_shadow_and_then(const PgmShadow *shadow)
{
	return shadow->request->source == NULL ? "" :
		"; then call pgmigrate.downgrade() again";
}

typedef struct Refusal
{
	const PgmShadow *shadow;
	int64		unfit;			/* rows … */
	const char *detail;			/* … or what else it is */
} Refusal;

static void
raise_unfit(void *arg)
{
	const Refusal *refusal = arg;
	const PgmShadow *shadow = refusal->shadow;
	int64		unfit = refusal->unfit;

	ereport(ERROR,
			errcode(ERRCODE_DATA_EXCEPTION),
			errmsg_plural(INT64_FORMAT " row written since the switch does not fit the old form of table %s",
						  INT64_FORMAT " rows written since the switch do not fit the old form of table %s",
						  (unsigned long) unfit, unfit, shadow->name),
			errhint_plural("Its key is in table %s.  Correct that row, or go back without it by pgmigrate.revert(" INT64_FORMAT ", without_unfit => true)%s.",
						   "Their keys are in table %s.  Correct those rows, or go back without them by pgmigrate.revert(" INT64_FORMAT ", without_unfit => true)%s.",
						   (unsigned long) unfit,
						   quote_qualified_identifier(shadow->schema,
													  PGM_UNFIT_TABLE),
						   shadow->operation->id, pgm_shadow_and_then(shadow)));
}

static void
refuse_unfit(const PgmShadow *shadow, int64 unfit)
{
	Refusal		refusal = {shadow, unfit, NULL};

	pgm_since_tell(shadow, raise_unfit, &refusal);
}

/* Was a row ever left out, for another reason than its values? */
static void
refuse_estranged(PgmShadow *shadow)
{
	bool		estranged = pgm_owner_of(shadow->old) != shadow->owner ||
		pgm_unfit_count(pgm_unfit_of(shadow->old), PGM_ESTRANGED_KEY) > 0;

	if (estranged)
		pgm_shadow_refuse_revert(shadow, psprintf(_("The old rows of table %s were not written along any more: its owner was changed, the key by which they are found was dropped, they have got rules, policies or triggers of others, or a row was written whose old one the downgrade does not find."),
												  shadow->name));
}

static void
warn_of_keys(const PgmShadow *shadow, int n)
{
	ereport(WARNING,
			errmsg_plural("%d foreign key on table %s is not valid",
						  "%d foreign keys on table %s are not valid",
						  n, n, shadow->name),
			errdetail("The rows that are left out may be referenced."),
			errhint("Find them with ALTER TABLE ... VALIDATE CONSTRAINT."));
}

static void
raise_revert(void *arg)
{
	const Refusal *refusal = arg;
	int64		id = refusal->shadow->operation->id;

	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot revert operation " INT64_FORMAT, id),
			errdetail_internal("%s", refusal->detail),
			errhint("Use pgmigrate.finalize(" INT64_FORMAT ") to keep the table as it is.",
					id));
}

void
pgm_shadow_refuse_revert(const PgmShadow *shadow, const char *detail)
{
	Refusal		refusal = {shadow, 0, detail};

	pgm_since_tell(shadow, raise_revert, &refusal);
}

/* Can it be, with all its rows?  The number of those that do not fit. */
static int64
check_way_back(PgmShadow *shadow, bool without_unfit)
{
	int64		unfit;

	if (!OidIsValid(get_namespace_oid(shadow->schema, true)) ||
		get_rel_namespace(shadow->old) !=
		get_namespace_oid(shadow->schema, false))
	{
		pgm_shadow_refuse_revert(shadow, "The old rows of the table are not there.");
		return 0;
	}
	pgm_shadow_check_guards(shadow);
	refuse_estranged(shadow);
	unfit = pgm_shadow_unfit(shadow, false);
	if (unfit > 0 && !without_unfit)
		refuse_unfit(shadow, unfit);
	if (pgm_partition_wanted(shadow) ? !pgm_partition_is_intact(shadow) :
		!pgm_sync_is_intact(shadow->relid, shadow->operation->id,
							shadow->trigger))
		pgm_shadow_refuse_revert(shadow, pgm_partition_wanted(shadow) ?
								 "It has other partitions, or a trigger on one of them was dropped or disabled." :
								 "The trigger that writes to the old rows was dropped or disabled.");
	return unfit;
}

/* Those of a partitioned table cannot be said to be not valid. */
static void
refuse_partitioned_keys(const PgmShadow *shadow, List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		const PgmIncomingKey *key = lfirst(lc);

		if (get_rel_relkind(key->relid) == RELKIND_PARTITIONED_TABLE)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot revert operation " INT64_FORMAT " without the rows that do not fit",
						   shadow->operation->id),
					errdetail("Foreign key \"%s\" of partitioned table \"%s\" may not hold then.",
							  key->name, get_rel_name(key->relid)),
					errhint("Change or delete those rows, or drop the foreign key."));
	}
}

void
pgm_shadow_check_back(PgmShadow *shadow)
{
	ListCell   *lc;

	if (pgm_is_column(shadow))
	{
		pgm_column_check_back(shadow);
		return;
	}
	foreach(lc, shadow->family)
		(void) check_way_back(lfirst(lc), false);
	foreach(lc, shadow->family)
		(void) pgm_since_look(lfirst(lc));
}

void
pgm_shadow_switch_back(PgmShadow *shadow, bool without_unfit)
{
	int64		unfit = 0;
	List	   *keys;
	List	   *views;
	List	   *between;
	List	   *since = NIL;
	ListCell   *lc;
	ListCell   *lc2;
	int			i = shadow->request->n;

	if (pgm_is_column(shadow))
	{
		pgm_column_switch_back(shadow, without_unfit);
		return;
	}
	foreach(lc, shadow->family)
		unfit += check_way_back(lfirst(lc), without_unfit);
	foreach(lc, shadow->family)
		since = lappend(since, pgm_since_look(lfirst(lc)));
	foreach(lc, pgm_shadow_heads(shadow->family))
		pgm_shadow_set_sequences_back(lfirst(lc), false);
	if (pgm_partition_wanted(shadow))
	{
		pgm_partition_switch_back(shadow);
		pgm_layout_copy_missing(shadow->old, shadow->relid);
		return;
	}
	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);

		pgm_sync_drop(member->relid, member->operation->id);
	}
	foreach(lc, shadow->family)
		pgm_since_match_indexes(lfirst(lc));
	swap_all(shadow, true);
	keys = pgm_ahead_keys(shadow);
	i = run_others(shadow, i);
	views = pgm_shadow_former_views(with_views(shadow));
	pgm_shadow_suspend_keys(keys);
	pgm_shadow_detach_views(views);
	between = pgm_joint_drop_keys(shadow->family);
	forboth(lc, shadow->family, lc2, since)
	{
		PgmShadow  *member = lfirst(lc);

		if (member->inverse != NULL &&
			list_member_ptr(pgm_shadow_heads(shadow->family), member))
			run_inverse(member, lfirst(lc2));
	}
	order_columns(shadow, true);
	pgm_shadow_attach_views(views);
	between = pgm_joint_add_keys(between);
	if (unfit == 0)
		pgm_shadow_restore_keys(keys);
	else
	{
		refuse_partitioned_keys(shadow, between);
		pgm_shadow_suspend_keys(between);
		keys = list_concat(keys, between);
		if (keys != NIL)
			warn_of_keys(shadow, list_length(keys));
	}
	foreach(lc, shadow->family)
		pgm_since_drop_indexes(lfirst(lc));
	swap_all(shadow, false);
	foreach(lc, shadow->family)
	{
		const PgmShadow *member = lfirst(lc);
		PgmOwnerScope scope;

		pgm_layout_copy_missing(member->old, member->relid);
		pgm_owner_enter(&scope, member->owner);
		pgm_layout_copy_statistics(member->old, member->relid);
		pgm_owner_leave(&scope);
	}
	while (i <= shadow->request->last && shadow->request->source != NULL &&
		   pgm_shadow_alters(shadow->request->source, i))
		i++;
	(void) run_others(shadow, i);
}

/* The owner may have moved it elsewhere, where nobody could drop it. */
static bool
is_to_be_dropped(Oid relid, Oid schema)
{
	return OidIsValid(relid) && get_rel_name(relid) != NULL &&
		(get_rel_namespace(relid) == schema || pgm_beside_is_guarded(relid));
}

/* The hint of the server is CASCADE, which there is no place to write. */
static void
drop_error_callback(void *arg)
{
	if (geterrcode() == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		errhint("Drop these objects, or move what is of yours in schema \"%s\" with ALTER ... SET SCHEMA, and repeat the call.",
				(const char *) arg);
}

/* Of a copy that is cut off; its indexes get a page each again. */
#define PGM_ROOM_WORTH_IT 16

/*
 * Where the disk is full.  What is dropped takes some room in the catalog
 * before it gives any back, so the rows of the copy, which are of no use any
 * more, go first.  If nothing comes of the rest, they are found missing by the
 * comparison, with which the operation goes on: see resume().  That is not
 * taken back: an index that gets no page again would fail whoever writes
 * along, so it is done where it gives more than it takes.
 */
void
pgm_shadow_give_back_room(const PgmShadow *shadow)
{
	ListCell   *lc;

	if (pgm_is_column(shadow) || get_rel_name(shadow->beside) == NULL)
		return;
	foreach(lc, pgm_shadow_leaves(shadow->beside))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessExclusiveLock);

		if (RelationGetNumberOfBlocks(rel) > PGM_ROOM_WORTH_IT +
			list_length(RelationGetIndexList(rel)))
			heap_truncate_one_rel(rel);
		table_close(rel, NoLock);
	}
}

void
pgm_shadow_drop_schema(PgmShadow *shadow)
{
	ErrorContextCallback callback = {error_context_stack, drop_error_callback,
	shadow->schema};
	ObjectAddresses *objects = new_object_addresses();
	Oid			schema = shadow->schema == NULL ? InvalidOid :
		get_namespace_oid(shadow->schema, true);
	List	   *tables = list_make2_oid(shadow->beside, shadow->old);
	ObjectAddress address;
	ListCell   *lc;

	if (!OidIsValid(schema))
		return;
	tables = lappend_oid(tables, get_relname_relid(PGM_UNFIT_TABLE, schema));
	tables = lappend_oid(tables, pgm_rows_table(shadow));
	foreach(lc, list_concat(tables, pgm_partition_leaves(shadow)))
	{
		if (!is_to_be_dropped(lfirst_oid(lc), schema))
			continue;
		ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		add_exact_object_address(&address, objects);
	}
	ObjectAddressSet(address, NamespaceRelationId, schema);
	add_exact_object_address(&address, objects);
	error_context_stack = &callback;
	performMultipleDeletions(objects, DROP_RESTRICT,
							 PERFORM_DELETION_INTERNAL |
							 PERFORM_DELETION_SKIP_EXTENSIONS);
	error_context_stack = callback.previous;
	free_object_addresses(objects);
}

/* Triggers, both tables and their schema. */
void
pgm_shadow_remove(PgmShadow *shadow)
{
	if (pgm_is_column(shadow))
	{
		pgm_column_remove(shadow);
		return;
	}
	if (get_rel_name(shadow->relid) != NULL)
	{
		pgm_partition_drop_triggers(shadow);
		pgm_sync_drop(shadow->relid, shadow->operation->id);
	}
	pgm_shadow_drop_schema(shadow);
}
