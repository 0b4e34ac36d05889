/*-------------------------------------------------------------------------
 *
 * column_trigger.c
 *	  A column and its double have the same value in every row.
 *
 * A BEFORE ROW trigger of ours, after all others, so that it sees what they
 * made of the row.  It works both ways: the application writes to the column
 * that leads, and one that does not name its columns, or that was begun before
 * the names were exchanged, may write to the one that follows.
 *
 * A value that does not fit into the column that follows must not fail the
 * writer: it is null there, and noted, which is in the way of the switch, or
 * of the way back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat/plan.h"
#include "online/beside.h"
#include "online/column_demands.h"
#include "online/column_internal.h"
#include "online/owner.h"
#include "online/sync.h"
#include "online/sync_trigger.h"

/*
 * Arguments of the trigger: these, those of each pair, and settings, name and
 * value in turn.
 */
enum
{
	ARG_OPERATION,
	ARG_OWNER,
	ARG_UNFIT,
	ARG_NPAIRS,
	ARG_PAIRS
};

/* Of a pair. */
enum
{
	ARG_LEAD,
	ARG_FOLLOW,
	ARG_NOT_NULL,				/* "t" if so */
	ARG_FORTH_TRAITS,
	ARG_FORTH,
	ARG_BACK_TRAITS,
	ARG_BACK,
	PAIR_ARGS
};

#define TRAIT_FAIL 'f'
#define TRAIT_PINNED 'p'
#define TRAIT_COLLIDE 'c'

/* What a session has compiled of it. */
typedef struct PgmColumnSync
{
	int			n;
	PgmColumnPair *pairs;
	PgmMapping **forth;			/* of each pair */
	PgmMapping **back;			/* NULL where there is no way back */
	List	   *demands;		/* PgmColumnDemand */
	Oid			unfit;
	bool		overruled;		/* a trigger of others fires after ours */
	EState	   *estate;
	TupleTableSlot *old;
	TupleTableSlot *new;
	TupleTableSlot *settled;	/* the new row as it will be */
} PgmColumnSync;

/* A row on its way; "old" is NULL for a new one. */
typedef struct Row
{
	PgmColumnSync *sync;
	TupleTableSlot *old;
	TupleTableSlot *new;
	int			pair;			/* at work, from 0 */
	Datum		value;			/* of the one that follows */
	bool		isnull;
	bool		proven;
	int			nchanges;
	int		   *columns;
	Datum	   *values;
	bool	   *nulls;
} Row;

static bool filling = false;

void
pgm_column_filling(bool now)
{
	filling = now;
}

/* ---- the arguments */

static char *
traits(const PgmMappingText *mapping)
{
	char		text[4];
	int			n = 0;

	if (mapping->may_fail)
		text[n++] = TRAIT_FAIL;
	if (mapping->pinned)
		text[n++] = TRAIT_PINNED;
	if (mapping->may_collide)
		text[n++] = TRAIT_COLLIDE;
	return pnstrdup(text, n);
}

static void
read_mapping(const Trigger *trigger, int traits, PgmMappingText *mapping)
{
	const char *text = trigger->tgargs[traits];

	mapping->columns = pstrdup(trigger->tgargs[traits + 1]);
	mapping->may_fail = strchr(text, TRAIT_FAIL) != NULL;
	mapping->pinned = strchr(text, TRAIT_PINNED) != NULL;
	mapping->may_collide = strchr(text, TRAIT_COLLIDE) != NULL;
	mapping->missing = NULL;
}

static List *
add_argument(List *args, char *text)
{
	return lappend(args, makeString(text));
}

static int
value_of(const Trigger *trigger, int n)
{
	return atoi(trigger->tgargs[n]);
}

static PgmColumnPair *
read_pairs(const Trigger *trigger, int *n)
{
	PgmColumnPair *pairs;

	*n = value_of(trigger, ARG_NPAIRS);
	pairs = palloc0(sizeof(PgmColumnPair) * *n);
	for (int i = 0; i < *n; i++)
	{
		int			first = ARG_PAIRS + i * PAIR_ARGS;

		pairs[i].lead = value_of(trigger, first + ARG_LEAD);
		pairs[i].follow = value_of(trigger, first + ARG_FOLLOW);
		pairs[i].not_null = *trigger->tgargs[first + ARG_NOT_NULL] == 't';
		read_mapping(trigger, first + ARG_FORTH_TRAITS, &pairs[i].forth);
		read_mapping(trigger, first + ARG_BACK_TRAITS, &pairs[i].back);
	}
	return pairs;
}

static List *
add_pair(List *args, const PgmColumnPair *pair)
{
	args = add_argument(args, psprintf("%d", pair->lead));
	args = add_argument(args, psprintf("%d", pair->follow));
	args = add_argument(args, pstrdup(pair->not_null ? "t" : "f"));
	args = add_argument(args, traits(&pair->forth));
	args = add_argument(args, pair->forth.columns);
	args = add_argument(args, traits(&pair->back));
	return add_argument(args, pair->back.columns);
}

/* ALTER TABLE changes values of a column, but not of one that is used. */
static void
depend_on(ObjectAddress trigger, Oid relid, AttrNumber column)
{
	ObjectAddress address;

	ObjectAddressSubSet(address, RelationRelationId, relid, column);
	recordDependencyOn(&trigger, &address, DEPENDENCY_NORMAL);
}

Oid
pgm_column_trigger_create(const PgmColumnSpec *spec)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ObjectAddress address;
	List	   *args = NIL;

	args = add_argument(args, psprintf(INT64_FORMAT, spec->operation));
	args = add_argument(args, psprintf("%u", spec->owner));
	args = add_argument(args, psprintf("%u", spec->unfit));
	args = add_argument(args, psprintf("%d", spec->n));
	for (int i = 0; i < spec->n; i++)
		args = add_pair(args, &spec->pairs[i]);
	for (int i = 0; i < spec->nsettings; i++)
		args = add_argument(args, spec->settings[i]);
	stmt->trigname = psprintf(PGM_COLUMN_TRIGGER INT64_FORMAT,
							  spec->operation);
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_BEFORE;
	stmt->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE;
	stmt->args = args;
	address = CreateTrigger(stmt, NULL, spec->relid, InvalidOid, InvalidOid,
							InvalidOid, pgm_sync_function("online_column"), InvalidOid, NULL,
							true, false);
	pgm_sync_fire_always(address.objectId);
	for (int i = 0; i < spec->n; i++)
	{
		pgm_mapping_depend(address.objectId, spec->relid,
						   spec->pairs[i].forth.columns);
		pgm_mapping_depend(address.objectId, spec->relid,
						   spec->pairs[i].back.columns);
		depend_on(address, spec->relid, spec->pairs[i].lead);
		depend_on(address, spec->relid, spec->pairs[i].follow);
	}
	CommandCounterIncrement();
	return address.objectId;
}

static bool
is_ours(const Trigger *trigger, int64 operation)
{
	return trigger->tgisinternal && trigger->tgnargs >= ARG_PAIRS &&
		trigger->tgfoid == pgm_sync_function("online_column") &&
		strtoll(trigger->tgargs[ARG_OPERATION], NULL, 10) == operation;
}

/* In the relation's own memory, NULL if there is none. */
static const Trigger *
find_trigger(Relation rel, int64 operation)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (is_ours(&rel->trigdesc->triggers[i], operation))
			return &rel->trigdesc->triggers[i];
	return NULL;
}

void
pgm_column_trigger_drop(Oid relid, int64 operation)
{
	Relation	rel = table_open(relid, NoLock);
	const Trigger *trigger = find_trigger(rel, operation);
	ObjectAddress address;

	if (trigger == NULL)
	{
		table_close(rel, NoLock);
		return;
	}
	ObjectAddressSet(address, TriggerRelationId, trigger->tgoid);
	table_close(rel, NoLock);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

static Oid
oid_value(const Trigger *trigger, int n)
{
	return (Oid) strtoul(trigger->tgargs[n], NULL, 10);
}

static void
read_settings(const Trigger *trigger, char ***settings, int *nsettings)
{
	int			first = ARG_PAIRS + value_of(trigger, ARG_NPAIRS) * PAIR_ARGS;

	*nsettings = trigger->tgnargs - first;
	*settings = palloc(sizeof(char *) * Max(*nsettings, 1));
	for (int i = 0; i < *nsettings; i++)
		(*settings)[i] = pstrdup(trigger->tgargs[first + i]);
}

bool
pgm_column_trigger_read(Oid relid, int64 operation, PgmColumnSpec *spec)
{
	Relation	rel = table_open(relid, NoLock);
	const Trigger *trigger = find_trigger(rel, operation);
	bool		intact = trigger != NULL &&
		trigger->tgenabled == TRIGGER_FIRES_ALWAYS;

	memset(spec, 0, sizeof(PgmColumnSpec));
	if (intact)
	{
		spec->operation = operation;
		spec->relid = relid;
		spec->owner = oid_value(trigger, ARG_OWNER);
		spec->unfit = oid_value(trigger, ARG_UNFIT);
		spec->pairs = read_pairs(trigger, &spec->n);
		read_settings(trigger, &spec->settings, &spec->nsettings);
	}
	table_close(rel, NoLock);
	return intact;
}

/* ---- what a session keeps */

static bool
is_pinned(const PgmColumnSync *pairs)
{
	for (int i = 0; i < pairs->n; i++)
		if (pairs->pairs[i].forth.pinned || pairs->pairs[i].back.pinned)
			return true;
	return false;
}

/*
 * The change is refused where one that can change a row sorts after ours, but
 * it may come later, and be gone before that is asked for again.
 */
static bool
is_overruled(Relation rel, const Trigger *ours)
{
	Oid			kept = pgm_sync_function("kept_row");

	for (int i = 0; i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) &&
			TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			(TRIGGER_FOR_INSERT(trigger->tgtype) ||
			 TRIGGER_FOR_UPDATE(trigger->tgtype)) &&
			trigger->tgfoid != ours->tgfoid && trigger->tgfoid != kept &&
			strcmp(trigger->tgname, ours->tgname) > 0)
			return true;
	}
	return false;
}

static void
compile(PgmSync *sync, Relation source, const Trigger *trigger)
{
	PgmColumnSync *pairs = palloc0(sizeof(PgmColumnSync));
	TupleDesc	desc = CreateTupleDescCopyConstr(RelationGetDescr(source));

	pairs->pairs = read_pairs(trigger, &pairs->n);
	pairs->unfit = oid_value(trigger, ARG_UNFIT);
	pairs->overruled = is_overruled(source, trigger);
	sync->pairs = pairs;

	/* what needs no settings is the server's own, and nobody's code */
	sync->estranged = is_pinned(pairs) &&
		sync->owner != oid_value(trigger, ARG_OWNER);
	if (sync->estranged)
		return;
	if (is_pinned(pairs))
		read_settings(trigger, &sync->settings, &sync->nsettings);
	pgm_owner_pin(sync->settings, sync->nsettings);
	pairs->estate = CreateExecutorState();
	pairs->forth = palloc0(sizeof(PgmMapping *) * pairs->n);
	pairs->back = palloc0(sizeof(PgmMapping *) * pairs->n);
	for (int i = 0; i < pairs->n; i++)
	{
		const PgmColumnPair *pair = &pairs->pairs[i];

		pairs->forth[i] = pgm_mapping_compile_within(pair->forth.columns,
													 source, pair->follow,
													 pairs->estate);
		pgm_sync_note_domains(sync, pair->forth.columns);
		if (*pair->back.columns == '\0')
			continue;
		pairs->back[i] = pgm_mapping_compile_within(pair->back.columns,
													source, pair->lead,
													pairs->estate);
		pgm_sync_note_domains(sync, pair->back.columns);
	}
	pairs->demands = pgm_column_demands(source, pairs->n, pairs->pairs,
										pairs->estate);
	pairs->old = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	pairs->new = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	pairs->settled = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
}

/* ---- a row */

static void
set_column(Row *row, AttrNumber column, Datum value, bool isnull)
{
	row->columns[row->nchanges] = column;
	row->values[row->nchanges] = value;
	row->nulls[row->nchanges++] = isnull;
}

static bool
same_value(Form_pg_attribute att, Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null && b_null;
	return datum_image_eq(a, b, att->attbyval, att->attlen);
}

static void
compute(void *arg)
{
	Row		   *row = arg;

	row->value = pgm_mapping_value(row->sync->forth[row->pair], 1, row->new,
								   &row->isnull);
	row->proven = pgm_mapping_proven(row->sync->forth[row->pair], 1, row->new);
}

/* False if it does not fit. */
static bool
compute_fitting(Row *row)
{
	if (!pgm_mapping_fits(row->sync->forth[row->pair], 1, row->new))
		return false;
	if (!row->sync->pairs[row->pair].forth.may_fail &&
		!row->sync->forth[row->pair]->may_fail)
		compute(row);
	else if (!pgm_sync_attempt(compute, row))
		return false;
	return row->proven;
}

static void
note_unfit(Row *row)
{
	const PgmColumnPair *pair = &row->sync->pairs[row->pair];
	Form_pg_attribute att =
		TupleDescAttr(row->new->tts_tupleDescriptor, pair->lead - 1);
	bool		isnull;
	Datum		value = slot_getattr(row->new, pair->lead, &isnull);
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(att->atttypid, &output, &varlena);
	pgm_unfit_note(row->sync->unfit,
				   psprintf("%s=%s", NameStr(att->attname), isnull ?
							"null" :
							OidOutputFunctionCall(output, value)));
}

/* The value of the one that follows; null, and noted, if it does not fit. */
static void
follow(Row *row)
{
	PgmColumnSync *sync = row->sync;
	const PgmColumnPair *pair = &sync->pairs[row->pair];
	bool		lead_null;
	bool		fits = true;

	if (filling)
		compute(row);
	else
		fits = compute_fitting(row);
	(void) slot_getattr(row->new, pair->lead, &lead_null);
	if (fits && row->isnull && !lead_null && pair->not_null && !filling)
		fits = false;
	if (!fits)
	{
		row->isnull = true;
		note_unfit(row);
	}
	set_column(row, pair->follow, row->isnull ? (Datum) 0 : row->value,
			   row->isnull);
}

static void
lead(Row *row)
{
	const PgmColumnPair *pair = &row->sync->pairs[row->pair];
	bool		isnull;
	Datum		value = pgm_mapping_value(row->sync->back[row->pair], 1,
										  row->new, &isnull);
	TupleDesc	desc = row->new->tts_tupleDescriptor;

	if (!pgm_mapping_proven(row->sync->back[row->pair], 1, row->new))
		ereport(ERROR,
				errcode(ERRCODE_DATA_EXCEPTION),
				errmsg("no value of column \"%s\" becomes this one of column \"%s\"",
					   NameStr(TupleDescAttr(desc, pair->lead - 1)->attname),
					   NameStr(TupleDescAttr(desc, pair->follow - 1)->attname)));
	set_column(row, pair->lead, value, isnull);
}

/* A new row with a value for the one that follows: is it one of both? */
static bool
agrees(Row *row, Datum given)
{
	const PgmColumnPair *pair = &row->sync->pairs[row->pair];

	return compute_fitting(row) && !row->isnull &&
		same_value(TupleDescAttr(row->new->tts_tupleDescriptor,
								 pair->follow - 1), given, false,
				   row->value, false);
}

static void
settle_insert(Row *row)
{
	bool		isnull;
	Datum		given =
		slot_getattr(row->new, row->sync->pairs[row->pair].follow, &isnull);

	if (isnull || row->sync->back[row->pair] == NULL)
		follow(row);
	else if (!agrees(row, given))
		lead(row);
}

/*
 * A row that is not filled yet is filled now: the new version may be where the
 * filling has been.
 */
static void
settle_update(Row *row)
{
	const PgmColumnPair *pair = &row->sync->pairs[row->pair];
	bool		old_null;
	bool		new_null;
	Datum		old = slot_getattr(row->old, pair->follow, &old_null);
	Datum		new = slot_getattr(row->new, pair->follow, &new_null);
	bool		unchanged = pgm_mapping_unchanged(row->sync->forth[row->pair],
												  1, row->old, row->new);

	if (unchanged && row->sync->back[row->pair] != NULL &&
		!same_value(TupleDescAttr(row->new->tts_tupleDescriptor,
								  pair->follow - 1), old, old_null, new,
					new_null))
		lead(row);
	else if (!unchanged || new_null)
		follow(row);
}

static void
settle(Row *row)
{
	PgmColumnSync *sync = row->sync;

	for (row->pair = 0; row->pair < sync->n; row->pair++)
	{
		if (filling)
			follow(row);
		else if (row->old == NULL)
			settle_insert(row);
		else
			settle_update(row);
	}
}

/* ---- what is demanded of a row besides */

typedef struct Attempt
{
	const PgmColumnDemand *demand;
	PgmColumnSync *sync;
	bool		met;
} Attempt;

static void
attempt(void *arg)
{
	Attempt    *this = arg;

	this->met = pgm_column_demand_met(this->demand, this->sync->settled,
									  GetPerTupleExprContext(this->sync->estate));
}

/* The columns of what cannot be met. */
static Bitmapset *
unmet(Row *row)
{
	PgmColumnSync *sync = row->sync;
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, sync->demands)
	{
		Attempt		this = {lfirst(lc), sync};

		if (row->old != NULL &&
			pgm_column_demand_unchanged(this.demand, row->old, sync->settled))
			continue;
		if (!pgm_sync_attempt(attempt, &this) || !this.met)
			result = bms_add_members(result, this.demand->reads);
	}
	return result;
}

/* A value that an index or a check cannot be computed with does not fit. */
static HeapTuple
meet_demands(Row *row, HeapTuple tuple, TupleDesc desc)
{
	PgmColumnSync *sync = row->sync;
	Bitmapset  *refused;

	ExecForceStoreHeapTuple(tuple, sync->settled, false);
	refused = unmet(row);
	for (row->pair = 0; row->pair < sync->n; row->pair++)
	{
		int			column = sync->pairs[row->pair].follow;
		Datum		value = (Datum) 0;
		bool		isnull = true;

		if (!bms_is_member(column - FirstLowInvalidHeapAttributeNumber,
						   refused) ||
			slot_attisnull(sync->settled, column))
			continue;
		note_unfit(row);
		tuple = heap_modify_tuple_by_cols(tuple, desc, 1, &column, &value,
										  &isnull);
	}
	ExecClearTuple(sync->settled);
	return tuple;
}

/* Nothing is computed any more; what was written is not what it should be. */
static HeapTuple
leave_alone(PgmColumnSync *sync, HeapTuple tuple, TupleDesc desc)
{
	pgm_sync_note_estranged(sync->unfit);
	for (int i = 0; i < sync->n; i++)
	{
		int			column = sync->pairs[i].follow;
		Datum		value = (Datum) 0;
		bool		isnull = true;

		tuple = heap_modify_tuple_by_cols(tuple, desc, 1, &column, &value,
										  &isnull);
	}
	return tuple;
}

static HeapTuple
work(PgmSync *sync, TriggerData *data, HeapTuple tuple)
{
	PgmColumnSync *pairs = sync->pairs;
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	Row			row = {pairs};

	if (sync->estranged)
		return leave_alone(pairs, tuple, desc);
	row.columns = palloc(sizeof(int) * pairs->n);
	row.values = palloc(sizeof(Datum) * pairs->n);
	row.nulls = palloc(sizeof(bool) * pairs->n);
	ExecForceStoreHeapTuple(tuple, pairs->new, false);
	row.new = pairs->new;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		ExecForceStoreHeapTuple(data->tg_trigtuple, pairs->old, false);
		row.old = pairs->old;
	}
	settle(&row);
	if (pairs->overruled)
		pgm_unfit_note(pairs->unfit,
					   "a row that another trigger may have changed after");
	if (row.nchanges > 0)
		tuple = heap_modify_tuple_by_cols(tuple, desc, row.nchanges,
										  row.columns, row.values, row.nulls);
	if (pairs->demands != NIL && !filling)
		tuple = meet_demands(&row, tuple, desc);
	ExecClearTuple(pairs->new);
	ExecClearTuple(pairs->old);
	ResetPerTupleExprContext(pairs->estate);
	return tuple;
}

HeapTuple
pgm_column_row(TriggerData *data)
{
	HeapTuple	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ?
		data->tg_newtuple : data->tg_trigtuple;
	PgmOwnerScope scope;
	PgmSync    *sync;

	if (!data->tg_trigger->tgisinternal ||
		data->tg_trigger->tgnargs < ARG_PAIRS ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		pgm_sync_refuse_trigger();
	pgm_owner_switch(&scope, data->tg_relation->rd_rel->relowner);
	sync = pgm_sync_find(data->tg_relation, data->tg_trigger, compile);
	pgm_owner_pin(sync->settings, sync->nsettings);
	if (sync->uses++ == 0)
		sync->level = GetCurrentTransactionNestLevel();
	tuple = work(sync, data, tuple);
	sync->uses--;
	pgm_owner_leave(&scope);
	return tuple;
}
