/*-------------------------------------------------------------------------
 *
 * sync_trigger.c
 *	  Every write to a table goes to the table beside too.
 *
 * An AFTER ROW trigger of ours, in the transaction of the writer: what is
 * committed in the one table is committed in the other, so that under any
 * snapshot both have the same rows.  It fires in every session, whatever
 * session_replication_role says.
 *
 * What a trigger has to know is in its arguments, which nobody else writes: a
 * table of ours would be read with the writer's snapshot, which may be older
 * than the trigger.  What is compiled from them is kept in the session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/spi.h"
#include "compat/cache.h"
#include "compat/parse.h"
#include "online/beside.h"
#include "online/layout.h"
#include "online/mapping_proof.h"
#include "online/owner.h"
#include "online/sync.h"
#include "online/sync_trigger.h"

/* Arguments of the row trigger; settings follow, name and value in turn. */
enum
{
	ARG_OPERATION,
	ARG_TARGET,
	ARG_TARGET_KEY,
	ARG_PART = ARG_TARGET_KEY,	/* of the trigger for TRUNCATE */
	ARG_SOURCE_KEY,
	ARG_FLAGS,
	ARG_COLUMNS,
	ARG_SETTINGS
};

#define FLAG_EVALUATE 'e'		/* an expression may fail */
#define FLAG_WRITE 'w'			/* and so may a write */
#define FLAG_BACK 'b'			/* the target has the rows of before */

static List *syncs = NIL;

/* How often relations, functions or types have changed, as far as we know. */
static uint64 changes = 0;

/* ---- the triggers */

/* The owner of a table, as whom we are, may not use the schema. */
Oid
pgm_sync_function(const char *name)
{
	Oid			save_user;
	int			save_sec_context;
	Oid			result;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(pgm_schema_owner(), save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	result = LookupFuncName(list_make2(makeString(pstrdup("pgmigrate")),
									   makeString(pstrdup(name))), 0, NULL,
							false);
	SetUserIdAndSecContext(save_user, save_sec_context);
	return result;
}

/* ENABLE ALWAYS: in a session that replicates, too. */
void
pgm_sync_fire_always(Oid trigger)
{
	Relation	rel = table_open(TriggerRelationId, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	CommandCounterIncrement();
	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = heap_copytuple(systable_getnext(scan));
	systable_endscan(scan);
	((Form_pg_trigger) GETSTRUCT(tuple))->tgenabled = TRIGGER_FIRES_ALWAYS;
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	table_close(rel, RowExclusiveLock);
}

/* Internal: nobody else renames, disables or dumps it. */
static Oid
create_trigger(Oid source, const char *function, int64 operation, int16 type,
			   bool row, List *args)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ObjectAddress address;

	stmt->trigname = psprintf("zzz_pgmigrate_" INT64_FORMAT, operation);
	stmt->row = row;
	stmt->timing = row ? TRIGGER_TYPE_AFTER : TRIGGER_TYPE_BEFORE;
	stmt->events = type;
	stmt->args = args;
	address = CreateTrigger(stmt, NULL, source, InvalidOid, InvalidOid,
							InvalidOid, pgm_sync_function(function),
							InvalidOid, NULL, true, false);
	pgm_sync_fire_always(address.objectId);
	return address.objectId;
}

static Node *
oid_argument(Oid oid)
{
	return (Node *) makeString(psprintf("%u", oid));
}

Oid
pgm_sync_create(const PgmSyncSpec *spec)
{
	List	   *args;
	Oid			trigger;

	args = list_make5(makeString(psprintf(INT64_FORMAT, spec->operation)),
					  oid_argument(spec->target),
					  makeString(pgm_layout_key_text(spec->target_key)),
					  makeString(pgm_layout_key_text(spec->source_key)),
					  makeString(psprintf("%s%s%s",
										  spec->mapping->may_fail ? "e" : "",
										  spec->write_may_fail ? "w" : "",
										  spec->back ? "b" : "")));
	args = lappend(args, makeString(spec->mapping->columns));
	for (int i = 0; spec->mapping->pinned && i < spec->nsettings; i++)
		args = lappend(args, makeString(spec->settings[i]));
	trigger = create_trigger(spec->source, "online_row", spec->operation,
							 TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
							 TRIGGER_TYPE_DELETE, true, args);
	pgm_mapping_depend(trigger, spec->source, spec->mapping->columns);
	(void) create_trigger(spec->source, "online_truncate", spec->operation,
						  TRIGGER_TYPE_TRUNCATE, false,
						  list_make3(linitial(args), lsecond(args),
									 makeString(pstrdup(spec->part ? "p" : ""))));
	CommandCounterIncrement();
	return trigger;
}

static int
n_triggers(Relation rel)
{
	return rel->trigdesc == NULL ? 0 : rel->trigdesc->numtriggers;
}

static bool
is_ours(const Trigger *trigger, Oid row, Oid truncate, int64 operation)
{
	return (trigger->tgfoid == row || trigger->tgfoid == truncate) &&
		trigger->tgisinternal && trigger->tgnargs > ARG_TARGET &&
		strtoll(trigger->tgargs[ARG_OPERATION], NULL, 10) == operation;
}

void
pgm_sync_drop(Oid source, int64 operation)
{
	Relation	rel = table_open(source, NoLock);
	Oid			row = pgm_sync_function("online_row");
	Oid			truncate = pgm_sync_function("online_truncate");
	List	   *found = NIL;
	ListCell   *lc;

	for (int i = 0; i < n_triggers(rel); i++)
	{
		if (is_ours(&rel->trigdesc->triggers[i], row, truncate, operation))
			found = lappend_oid(found, rel->trigdesc->triggers[i].tgoid);
	}
	table_close(rel, NoLock);
	foreach(lc, found)
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

bool
pgm_sync_is_intact(Oid source, int64 operation, Oid trigger)
{
	Relation	rel = table_open(source, NoLock);
	int			n = 0;

	for (int i = 0; i < n_triggers(rel); i++)
	{
		const Trigger *found = &rel->trigdesc->triggers[i];

		if (is_ours(found, pgm_sync_function("online_row"),
					pgm_sync_function("online_truncate"), operation) &&
			found->tgenabled == TRIGGER_FIRES_ALWAYS &&
			(!TRIGGER_FOR_ROW(found->tgtype) || !OidIsValid(trigger) ||
			 found->tgoid == trigger))
			n++;
	}
	table_close(rel, NoLock);
	return n == 2;
}

/* ---- what a session keeps */

/* Or of a partition of it, whose indexes may be made anew. */
static bool
is_of_target(const PgmTarget *target, Oid relid)
{
	for (int i = 0; i < target->nleaves; i++)
		if (target->leaves[i]->relid == relid)
			return true;
	return target->relid == relid;
}

static void
forget_definition(Datum arg, Oid relid)
{
	ListCell   *lc;

	changes++;
	foreach(lc, syncs)
	{
		PgmSync    *sync = lfirst(lc);

		if (relid == InvalidOid || relid == sync->source ||
			(sync->target == NULL ? sync->pairs == NULL :
			 is_of_target(sync->target, relid)))
			sync->valid = false;
	}
}

/*
 * A function that was replaced may be a part of what is compiled, and so may
 * a check of a domain.
 */
static void
forget_code(Datum arg, PgmCacheId cache, uint32 hash)
{
	ListCell   *lc;

	changes++;
	foreach(lc, syncs)
	{
		PgmSync    *sync = lfirst(lc);

		if (cache == PROCOID || hash == 0 ||
			list_member_int(sync->domains, (int) hash))
			sync->valid = false;
	}
}

/* A check of one that it is made of is one of it, too. */
static void
note_type(PgmSync *sync, Oid type)
{
	while (OidIsValid(type))
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form;

		if (!HeapTupleIsValid(tuple))
			break;
		form = (Form_pg_type) GETSTRUCT(tuple);
		if (form->typtype == TYPTYPE_DOMAIN)
			sync->domains =
				lappend_int(sync->domains,
							(int) GetSysCacheHashValue1(TYPEOID,
														ObjectIdGetDatum(type)));
		type = form->typtype == TYPTYPE_DOMAIN ? form->typbasetype :
			get_element_type(type);
		ReleaseSysCache(tuple);
	}
}

static bool
note_walker(Node *node, void *sync)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain))
		note_type(sync, exprType(node));
	return expression_tree_walker(node, note_walker, sync);
}

void
pgm_sync_note_domains(PgmSync *sync, const char *columns)
{
	(void) note_walker((Node *) pgm_mapping_columns(columns), sync);
	(void) note_walker((Node *) pgm_mapping_proofs(columns), sync);
}

static void
note_columns(PgmSync *sync, Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
		note_type(sync, TupleDescAttr(desc, i)->atttypid);
	table_close(rel, NoLock);
}

static void
remove_sync(PgmSync *sync)
{
	MemoryContext context = sync->context;

	syncs = list_delete_ptr(syncs, sync);
	MemoryContextDelete(context);
}

/* Those that an error was raised in: what their slots held is released. */
static void
remove_broken(int level)
{
	ListCell   *lc;
	bool		again;

	do
	{
		again = false;
		foreach(lc, syncs)
		{
			PgmSync    *sync = lfirst(lc);

			if (sync->uses > 0 && sync->level >= level)
			{
				remove_sync(sync);
				again = true;
				break;
			}
		}
	} while (again);
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT ||
		event == XACT_EVENT_PREPARE)
		remove_broken(0);
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId own,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		remove_broken(GetCurrentTransactionNestLevel());
}

static void
watch_once(void)
{
	static bool watching = false;

	if (watching)
		return;
	CacheRegisterRelcacheCallback(forget_definition, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_code, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, forget_code, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	watching = true;
}

static Oid
oid_value(const Trigger *trigger, int n)
{
	return (Oid) strtoul(trigger->tgargs[n], NULL, 10);
}

static void
keep_settings(PgmSync *sync, const Trigger *trigger)
{
	sync->nsettings = trigger->tgnargs - ARG_SETTINGS;
	sync->settings = palloc(sizeof(char *) * Max(sync->nsettings, 1));
	for (int i = 0; i < sync->nsettings; i++)
		sync->settings[i] = pstrdup(trigger->tgargs[ARG_SETTINGS + i]);
}

/*
 * The writer is not failed by what has become of the tables: rows are not
 * written along any more where those of one owner would be by another, or
 * where no index is left by which they are found.
 */
static bool
is_estranged(const PgmSync *sync, Relation target, Oid source_key,
			 Oid target_key)
{
	return target->rd_rel->relowner != sync->owner ||
		!OidIsValid(source_key) || !OidIsValid(target_key);
}

/* With the owner's rights. */
static void
compile(PgmSync *sync, Relation source, const Trigger *trigger)
{
	TupleDesc	desc;
	Relation	index;
	Relation	target = table_open(oid_value(trigger, ARG_TARGET),
									RowExclusiveLock);
	Oid			source_key =
		pgm_layout_find_key(source, trigger->tgargs[ARG_SOURCE_KEY]);
	Oid			target_key =
		pgm_layout_find_key(target, trigger->tgargs[ARG_TARGET_KEY]);

	sync->estranged = is_estranged(sync, target, source_key, target_key);
	if (sync->estranged)
	{
		table_close(target, NoLock);
		return;
	}
	keep_settings(sync, trigger);
	pgm_owner_pin(sync->settings, sync->nsettings);
	sync->target = pgm_target_create(RelationGetRelid(target), target_key);
	sync->mapping = pgm_mapping_compile(trigger->tgargs[ARG_COLUMNS], source,
										target, sync->target->estate);
	pgm_sync_note_domains(sync, trigger->tgargs[ARG_COLUMNS]);
	index = index_open(source_key, AccessShareLock);
	pgm_key_init(&sync->source_key, index);
	index_close(index, NoLock);
	desc = CreateTupleDescCopyConstr(RelationGetDescr(source));
	sync->source_slot = MakeSingleTupleTableSlot(desc, &TTSOpsBufferHeapTuple);
	sync->evaluate_may_fail = sync->mapping->may_fail ||
		strchr(trigger->tgargs[ARG_FLAGS], FLAG_EVALUATE) != NULL;
	sync->write_may_fail = strchr(trigger->tgargs[ARG_FLAGS],
								  FLAG_WRITE) != NULL ||
		pgm_sync_demands_more(target, source);
	sync->back = strchr(trigger->tgargs[ARG_FLAGS], FLAG_BACK) != NULL;
	table_close(target, NoLock);
}

PgmSync *
pgm_sync_find(Relation source, const Trigger *trigger,
			  void (*make) (PgmSync *sync, Relation source,
							const Trigger *trigger))
{
	ListCell   *lc;
	MemoryContext old;
	MemoryContext context;
	PgmSync    *sync;
	uint64		before;

	watch_once();
	foreach(lc, syncs)
	{
		sync = lfirst(lc);
		if (sync->trigger != trigger->tgoid)
			continue;
		if (sync->valid && sync->uses == 0)
			return sync;
		if (sync->uses == 0)
		{
			remove_sync(sync);
			break;
		}
	}

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgmigrate dual write",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	sync = palloc0(sizeof(PgmSync));
	sync->trigger = trigger->tgoid;
	sync->source = RelationGetRelid(source);
	sync->owner = source->rd_rel->relowner;
	sync->context = context;
	before = changes;
	make(sync, source, trigger);
	note_columns(sync, sync->source);
	if (sync->target != NULL)
		note_columns(sync, sync->target->relid);
	MemoryContextSetParent(context, CacheMemoryContext);
	MemoryContextSwitchTo(CacheMemoryContext);
	syncs = lappend(syncs, sync);
	MemoryContextSwitchTo(old);

	/*
	 * What was invalidated meanwhile was not in the list yet: what was
	 * compiled of it may be the former one.  That the tables are locked does
	 * not keep an index that is built CONCURRENTLY from becoming ready.
	 */
	sync->valid = before == changes;
	return sync;
}

void
pgm_sync_refuse_trigger(void)
{
	ereport(ERROR,
			errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("function is for triggers of an online change only"));
}

void
pgm_sync_row(TriggerData *data)
{
	PgmOwnerScope scope;
	TupleTableSlot *old = NULL;
	TupleTableSlot *new = NULL;
	PgmSync    *sync;

	if (!data->tg_trigger->tgisinternal ||
		data->tg_trigger->tgnargs < ARG_SETTINGS ||
		!TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		pgm_sync_refuse_trigger();
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		new = data->tg_trigslot;
	else
		old = data->tg_trigslot;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		new = data->tg_newslot;

	pgm_owner_switch(&scope, data->tg_relation->rd_rel->relowner);

	/* with the lock comes the news of its indexes */
	LockRelationOid(oid_value(data->tg_trigger, ARG_TARGET), RowExclusiveLock);
	sync = pgm_sync_find(data->tg_relation, data->tg_trigger, compile);
	if (sync->estranged)
	{
		pgm_sync_note_estranged(pgm_unfit_of(oid_value(data->tg_trigger,
													   ARG_TARGET)));
		pgm_owner_leave(&scope);
		return;
	}
	pgm_owner_pin(sync->settings, sync->nsettings);
	if (sync->uses++ == 0)
		sync->level = GetCurrentTransactionNestLevel();
	pgm_target_open(sync->target, RowExclusiveLock);
	pgm_sync_follow(sync, data->tg_relation, old, new);
	pgm_target_close(sync->target);
	sync->uses--;
	pgm_owner_leave(&scope);
}

/* The rows that a partition has, or would have. */
static void
delete_part(Relation source, Oid target)
{
	const char *schema = get_namespace_name(get_rel_namespace(target));
	List	   *bound;
	PgmOwnerScope scope;

	if (!source->rd_rel->relispartition)
		return;
	LockRelationOid(target, RowExclusiveLock);
	if (!pgm_beside_is_alone(target))
	{
		pgm_sync_note_estranged(pgm_unfit_of(target));
		return;
	}
	pgm_owner_switch(&scope, pgm_owner_of(target));
	bound = RelationGetPartitionQual(source);
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pgm_beside_utility(target, psprintf("DELETE FROM ONLY %s%s%s",
										quote_qualified_identifier(schema,
																   get_rel_name(target)),
										bound == NIL ? "" : " WHERE ",
										bound == NIL ? "" :
										TextDatumGetCString(DirectFunctionCall1(pg_get_partition_constraintdef,
																				ObjectIdGetDatum(RelationGetRelid(source))))));
	pgm_owner_leave(&scope);
}

void
pgm_sync_truncate(TriggerData *data)
{
	PgmOwnerScope scope;
	Oid			target;
	const char *schema;

	if (!data->tg_trigger->tgisinternal ||
		data->tg_trigger->tgnargs <= ARG_TARGET ||
		!TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		pgm_sync_refuse_trigger();
	target = oid_value(data->tg_trigger, ARG_TARGET);
	if (data->tg_trigger->tgnargs > ARG_PART &&
		*data->tg_trigger->tgargs[ARG_PART] != '\0')
	{
		delete_part(data->tg_relation, target);
		return;
	}
	schema = get_namespace_name(get_rel_namespace(target));
	pgm_owner_switch(&scope, pgm_owner_of(target));
	pgm_beside_utility(target, psprintf("TRUNCATE TABLE %s%s",
										get_rel_relkind(target) ==
										RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
										quote_qualified_identifier(schema,
																   get_rel_name(target))));
	pgm_owner_leave(&scope);
}
