/*-------------------------------------------------------------------------
 *
 * beside.c
 *	  Tables beside belong to the owner of the table, but only we write them.
 *
 * They are his, for his code is run for their indexes and defaults.  But their
 * files become those of his table, as they are: he could take out rows that
 * tables of others refer to, or put nulls where the server relies on it that
 * there are none.  So triggers let nobody write to them; we do it below the
 * level at which triggers fire.  A form of ALTER TABLE that rewrites a table
 * fires none, but is refused while another table has a column of its row type.
 *
 * What did not fit is noted in a table that is not his, without running code
 * of anybody.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi.h"
#include "compat/modify.h"
#include "compat/plan.h"
#include "online/beside.h"
#include "online/layout.h"
#include "online/sync_trigger.h"

#define GUARD "online_beside"

/* Columns of the table of what did not fit. */
#define KEY_COLUMN 1
#define HASH_COLUMN 2

/* The table that a command of ours writes to, and how deep in triggers. */
static Oid	written = InvalidOid;
static int	written_depth;

/* ---- triggers */

static void
make_trigger(Oid relid, int16 events, bool row)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ObjectAddress address;

	stmt->trigname = pstrdup("pgmigrate_beside");
	stmt->row = row;
	stmt->timing = TRIGGER_TYPE_BEFORE;
	stmt->events = events;
	address = CreateTrigger(stmt, NULL, relid, InvalidOid, InvalidOid,
							InvalidOid, pgm_sync_function(GUARD), InvalidOid,
							NULL, true, false);
	pgm_sync_fire_always(address.objectId);
}

void
pgm_beside_guard(Oid relid)
{
	make_trigger(relid, TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
				 TRIGGER_TYPE_DELETE, true);
	make_trigger(relid, TRIGGER_TYPE_TRUNCATE, false);
	CommandCounterIncrement();
}

/* OIDs of those that fire always. */
static List *
guards_of(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			function = pgm_sync_function(GUARD);
	List	   *result = NIL;

	for (int i = 0; i < (rel->trigdesc ? rel->trigdesc->numtriggers : 0); i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == function && trigger->tgisinternal &&
			trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
			result = lappend_oid(result, trigger->tgoid);
	}
	table_close(rel, NoLock);
	return result;
}

bool
pgm_beside_is_guarded(Oid relid)
{
	return list_length(guards_of(relid)) == 2;
}

void
pgm_beside_unguard(Oid relid)
{
	ListCell   *lc;

	foreach(lc, guards_of(relid))
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
	CommandCounterIncrement();
}

/* Has it rules, policies or triggers besides, which our command would meet? */
bool
pgm_beside_is_alone(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	bool		result = rel->rd_rules == NULL &&
		!rel->rd_rel->relrowsecurity && rel->trigdesc != NULL &&
		rel->trigdesc->numtriggers == 2;

	table_close(rel, NoLock);
	return result && pgm_beside_is_guarded(relid);
}

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* What a trigger of somebody else writes is not written by the command. */
void
pgm_beside_trigger(TriggerData *data)
{
	Oid			relid = RelationGetRelid(data->tg_relation);

	if (!data->tg_trigger->tgisinternal)
		pgm_sync_refuse_trigger();
	if (OidIsValid(written) && trigger_depth() == written_depth + 1 &&
		(relid == written ||
		 (data->tg_relation->rd_rel->relispartition &&
		  get_partition_parent(relid, true) == written)))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to write table %s",
				   pgm_layout_name(relid)),
			errdetail("It is the copy of a table that is changed online, and only that writes it."),
			errhint("Write to the table itself."));
}

void
pgm_beside_utility(Oid relid, const char *command)
{
	Oid			before = written;
	int			depth_before = written_depth;

	PG_TRY();
	{
		written = relid;
		written_depth = trigger_depth();
		pgm_spi_utility(command);
	}
	PG_FINALLY();
	{
		written = before;
		written_depth = depth_before;
	}
	PG_END_TRY();
}

/* ---- what did not fit */

Oid
pgm_unfit_create(const char *schema)
{
	Oid			result;

	pgm_layout_run_text(psprintf("CREATE TABLE %s (key pg_catalog.text, hash pg_catalog.int8)",
								 quote_qualified_identifier(schema,
															PGM_UNFIT_TABLE)));
	CommandCounterIncrement();
	result = get_relname_relid(PGM_UNFIT_TABLE,
							   get_namespace_oid(schema, false));
	pgm_layout_run_text(psprintf("CREATE INDEX ON %s (hash)",
								 quote_qualified_identifier(schema,
															PGM_UNFIT_TABLE)));
	CommandCounterIncrement();
	pgm_layout_make_member(RelationRelationId, result);
	return result;
}

/* The tables are of one schema, so their names are enough, if not cut. */
static char *
held_column(Oid relid)
{
	char	   *name = psprintf("row of %s", get_rel_name(relid));

	return strlen(name) < NAMEDATALEN ? name :
		makeObjectName(name, psprintf("%u", relid), NULL);
}

void
pgm_unfit_hold(Oid unfit, Oid relid)
{
	pgm_layout_run_text(psprintf("ALTER TABLE %s ADD COLUMN %s %s",
								 pgm_layout_name(unfit),
								 quote_identifier(held_column(relid)),
								 pgm_layout_name(relid)));
	CommandCounterIncrement();
}

/* The column of a row type, or 0. */
static AttrNumber
column_of(Relation unfit, Oid relid)
{
	TupleDesc	desc = RelationGetDescr(unfit);
	Oid			type = get_rel_type_id(relid);

	for (int i = KEY_COLUMN; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			TupleDescAttr(desc, i)->atttypid == type)
			return i + 1;
	return 0;
}

void
pgm_unfit_let_go(Oid unfit, Oid relid)
{
	Relation	rel = table_open(unfit, AccessExclusiveLock);
	AttrNumber	column = column_of(rel, relid);
	ObjectAddress address;

	table_close(rel, NoLock);
	if (column == 0)
		return;
	ObjectAddressSubSet(address, RelationRelationId, unfit, column);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* Its former owner, as whom we are, may read it. */
void
pgm_unfit_give_away(Oid unfit, Oid reader)
{
	Oid			owner = pgm_schema_owner();
	Oid			save_user;
	int			save_sec_context;

	if (owner == reader)
		return;
	pgm_layout_run_text(psprintf("GRANT USAGE ON SCHEMA %s TO %s",
								 quote_identifier(get_namespace_name(get_rel_namespace(unfit))),
								 quote_identifier(GetUserNameFromId(owner,
																	false))));
	ATExecChangeOwner(unfit, owner, true, AccessExclusiveLock);
	CommandCounterIncrement();
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	pgm_layout_run_text(psprintf("GRANT SELECT ON TABLE %s TO %s",
								 pgm_layout_name(unfit),
								 quote_identifier(GetUserNameFromId(reader,
																	false))));
	SetUserIdAndSecContext(save_user, save_sec_context);
	CommandCounterIncrement();
}

/*
 * The owner of the schema can move the table beside, and put another one of
 * this name where it is; but none that is ours, and has its row type.
 */
Oid
pgm_unfit_of(Oid relid)
{
	Oid			unfit = get_relname_relid(PGM_UNFIT_TABLE,
										  get_rel_namespace(relid));
	bool		found = false;

	if (OidIsValid(unfit))
	{
		Relation	rel = table_open(unfit, AccessShareLock);

		found = rel->rd_rel->relowner == pgm_schema_owner() &&
			column_of(rel, relid) != 0;
		table_close(rel, NoLock);
	}
	if (!found)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("table %s is not where it was made",
					   pgm_layout_name(relid)),
				errdetail("It is the copy of a table that is changed online, and was moved to another schema."));
	return unfit;
}

typedef struct NoteScan
{
	Relation	rel;
	Snapshot	snapshot;
	SysScanDesc scan;
	const char *key;			/* NULL for all */
} NoteScan;

/* A key may be too long for an index. */
static Datum
hash_of(const char *key)
{
	const unsigned char *bytes = (const unsigned char *) key;

	return Int64GetDatum((int64) hash_bytes_extended(bytes, strlen(key), 0));
}

/*
 * As a catalog is read and written: nothing that the definition of the table
 * has, or got, is run.
 */
static void
begin_scan(NoteScan *notes, Oid unfit, LOCKMODE mode, const char *key)
{
	ScanKeyData scan_key;
	List	   *indexes;
	bool		by_index;

	CommandCounterIncrement();
	notes->rel = table_open(unfit, mode);
	indexes = RelationGetIndexList(notes->rel);
	by_index = key != NULL && indexes != NIL;
	notes->snapshot = RegisterSnapshot(GetLatestSnapshot());
	notes->key = key;
	if (by_index)
		ScanKeyInit(&scan_key, HASH_COLUMN, BTEqualStrategyNumber, F_INT8EQ,
					hash_of(key));
	notes->scan = systable_beginscan(notes->rel, by_index ?
									 linitial_oid(indexes) : InvalidOid,
									 by_index, notes->snapshot,
									 by_index ? 1 : 0, &scan_key);
}

static HeapTuple
next_note(NoteScan *notes)
{
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(notes->scan)))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, KEY_COLUMN,
										 RelationGetDescr(notes->rel),
										 &isnull);

		if (notes->key == NULL ||
			(!isnull && strcmp(TextDatumGetCString(value), notes->key) == 0))
			return tuple;
	}
	return NULL;
}

static void
end_scan(NoteScan *notes)
{
	systable_endscan(notes->scan);
	UnregisterSnapshot(notes->snapshot);
	table_close(notes->rel, NoLock);
	CommandCounterIncrement();
}

void
pgm_unfit_note(Oid unfit, const char *key)
{
	NoteScan	notes;

	begin_scan(&notes, unfit, RowExclusiveLock, key);
	if (next_note(&notes) == NULL)
	{
		TupleDesc	desc = RelationGetDescr(notes.rel);
		Datum	   *values = palloc0(sizeof(Datum) * desc->natts);
		bool	   *nulls = palloc(sizeof(bool) * desc->natts);

		memset(nulls, true, sizeof(bool) * desc->natts);
		values[KEY_COLUMN - 1] = CStringGetTextDatum(key);
		nulls[KEY_COLUMN - 1] = false;
		if (RelationGetIndexList(notes.rel) != NIL)
		{
			values[HASH_COLUMN - 1] = hash_of(key);
			nulls[HASH_COLUMN - 1] = false;
		}
		CatalogTupleInsert(notes.rel, heap_form_tuple(desc, values, nulls));
	}
	end_scan(&notes);
}

int64
pgm_unfit_count(Oid unfit, const char *key)
{
	NoteScan	notes;
	int64		result = 0;

	begin_scan(&notes, unfit, AccessShareLock, key);
	while (next_note(&notes) != NULL)
		result++;
	end_scan(&notes);
	return result;
}

/* What another one has deleted meanwhile is deleted. */
void
pgm_unfit_forget(Oid unfit, const char *key)
{
	NoteScan	notes;
	HeapTuple	tuple;

	begin_scan(&notes, unfit, RowExclusiveLock, key);
	while ((tuple = next_note(&notes)) != NULL)
		(void) pgm_delete_row(notes.rel, &tuple->t_self,
							  GetCurrentCommandId(true));
	end_scan(&notes);
}
